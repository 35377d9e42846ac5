//! Two days of one device.

use std::collections::BTreeMap;
use std::io::Write;

use anyhow::Result;
use serde_json::json;

use super::{print_json, shown, table};
use crate::device::{Device, op_label};

/// A number of a calibration by the qubit or gate and the quantity.
type Numbers = BTreeMap<(String, &'static str), f64>;

pub fn run(before: &Device, after: &Device, as_json: bool) -> Result<()> {
    let (old, new) = (numbers(before), numbers(after));
    let mut keys: Vec<_> = old.keys().chain(new.keys()).collect();
    keys.sort();
    keys.dedup();
    let changed = keys.into_iter().filter(|key| old.get(*key) != new.get(*key));
    let rows: Vec<_> = changed.map(|key| (key, old.get(key).copied(), new.get(key).copied())).collect();
    if as_json {
        let row = |(key, a, b): &(&(String, &str), Option<f64>, Option<f64>)| json!({"where": key.0, "quantity": key.1, "before": a, "after": b});
        let dates = [&before.calibration.source.date, &after.calibration.source.date];
        return print_json(&json!({"devices": [before.name, after.name], "dates": dates,
            "changes": rows.iter().map(row).collect::<Vec<_>>()}));
    }
    let mut out = crate::cli::console::stdout();
    writeln!(out, "{} of {}", before.name, before.calibration.source.date)?;
    writeln!(out, "{} of {}", after.name, after.calibration.source.date)?;
    if rows.is_empty() {
        writeln!(out, "no number differs")?;
        return Ok(());
    }
    let mut ratios: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for (key, a, b) in &rows {
        if let (Some(a), Some(b)) = (a, b)
            && *a > 0.0
        {
            ratios.entry(key.1).or_default().push(b / a);
        }
    }
    let summary = ratios.into_iter().map(|(quantity, mut ratios)| {
        ratios.sort_by(f64::total_cmp);
        let at = |share: f64| format!("{:.3}", ratios[((ratios.len() - 1) as f64 * share).round() as usize]);
        vec![quantity.into(), ratios.len().to_string(), at(0.0), at(0.5), at(1.0)]
    });
    writeln!(out, "\n{}", table(&["quantity", "changed", "least after/before", "median", "most"], summary))?;
    let row = |(key, a, b): &(&(String, &str), Option<f64>, Option<f64>)| {
        let ratio = a.zip(*b).filter(|(a, _)| *a != 0.0).map_or("-".into(), |(a, b)| format!("{:.3}", b / a));
        vec![key.0.clone(), key.1.into(), shown(*a), shown(*b), ratio]
    };
    writeln!(out, "\n{}", table(&["where", "quantity", "before", "after", "after/before"], rows.iter().map(row)))?;
    Ok(())
}

fn numbers(device: &Device) -> Numbers {
    let mut numbers = Numbers::new();
    for (q, data) in device.calibration.qubits.iter().enumerate() {
        // Padded, so that qubit 2 comes before qubit 10.
        let name = format!("qubit {q:>3}");
        let entries = [
            ("T1 / s", data.t1.map(|t| t.0)),
            ("T2 / s", data.t2.map(|t| t.0)),
            ("frequency / Hz", data.frequency),
            ("readout error", data.readout_error),
            ("P(1|0)", data.one_given_zero),
            ("P(0|1)", data.zero_given_one),
            ("readout length / s", data.readout_length.map(|t| t.0)),
            ("in service", Some(f64::from(u8::from(!data.faulty)))),
        ];
        numbers.extend(entries.into_iter().filter_map(|(what, value)| Some(((name.clone(), what), value?))));
    }
    for row in &device.calibration.gates {
        let name = op_label(row.gate.name(), &row.qubits);
        let entries = [
            ("gate error", row.error),
            ("gate length / s", row.length.map(|t| t.0)),
            ("in service", Some(f64::from(u8::from(!row.faulty)))),
        ];
        numbers.extend(entries.into_iter().filter_map(|(what, value)| Some(((name.clone(), what), value?))));
    }
    numbers
}
