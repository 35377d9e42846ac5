//! Error per layered gate of whole chains: measured, in Aer's picture, and under the model `crosstalk`.

use std::fmt::Write as _;
use std::io::Write as _;

use anyhow::{Result, bail};
use serde_json::json;

use super::{Arguments, print_json, table};
use crate::cli::circuit_file;
use crate::device::{DEVICES, Device};
use crate::math::order::median;
use crate::noise::model::chain::{self, Chain};
use crate::noise::model::typical_parallel;

/// Chains that are predicted, by length.
const PREDICTED: [usize; 2] = [50, 100];

struct Row {
    device: String,
    processor: String,
    chain: Chain,
    /// With the factor that other devices of the family have.
    predicted: f64,
    /// With the factor that the device's own chains of 10 and 20 qubits have.
    own: Option<f64>,
}

impl Row {
    fn ratio(&self) -> f64 {
        self.chain.measured / self.predicted
    }

    fn is_closer(&self) -> bool {
        let Chain { measured, .. } = self.chain;
        (self.predicted - measured).abs() < (self.chain.isolated() - measured).abs()
    }
}

pub fn run(arguments: &Arguments) -> Result<()> {
    let shipped = || DEVICES.iter().map(|row| row.name.to_owned()).collect();
    let names: Vec<String> = if arguments.devices.is_empty() { shipped() } else { arguments.devices.clone() };
    let (mut rows, mut skipped) = (Vec::new(), Vec::new());
    for name in &names {
        let device = Device::load(name)?;
        let factor = typical_parallel(&device).unwrap_or(0.0);
        let own = chain::fitted(&device);
        for measured in device.details.layer_fidelity.iter().filter(|c| PREDICTED.contains(&c.qubits.len())) {
            match Chain::of(&device, measured) {
                Ok(chain) => rows.push(Row {
                    device: device.name.clone(),
                    processor: device.details.processor.clone().unwrap_or_default(),
                    predicted: chain.predicted(factor),
                    own: own.map(|own| chain.predicted(own)),
                    chain,
                }),
                Err(why) => skipped.push(why.to_string()),
            }
        }
    }
    if rows.is_empty() {
        bail!("none of {} records the layer fidelity of a calibrated chain of 50 or 100 qubits", names.join(", "));
    }
    rows.sort_by(|a, b| (&a.device, a.chain.qubits).cmp(&(&b.device, b.chain.qubits)));
    let summary = Summary::of(&rows);
    if let Some(path) = &arguments.table {
        circuit_file::write(Some(path), &markdown(&rows, &skipped, &summary))?;
    }
    if arguments.json {
        let row = |row: &Row| {
            json!({"device": row.device, "processor": row.processor, "qubits": row.chain.qubits,
                "measured": row.chain.measured, "aer": row.chain.isolated(), "crosstalk": row.predicted,
                "crosstalk_own_fit": row.own, "ratio": row.ratio(), "closer_than_aer": row.is_closer()})
        };
        return print_json(&json!({"chains": rows.iter().map(row).collect::<Vec<_>>(), "left_out": skipped,
            "closer_than_aer": summary.closer, "of": rows.len(), "median_ratio": summary.ratio,
            "median_ratio_aer": summary.aer[0], "median_ratio_aer_with_1_and_2_pulses": summary.aer[1..],
            "median_ratio_own_fit": summary.own}));
    }
    let mut out = crate::cli::console::stdout();
    writeln!(out, "{}\n\n{}", table(&COLUMNS, rows.iter().map(cells)), summary.sentence(rows.len()))?;
    for why in skipped {
        writeln!(out, "left out: {why}")?;
    }
    Ok(())
}

const COLUMNS: [&str; 9] = [
    "device",
    "processor",
    "qubits",
    "measured",
    "aer",
    "crosstalk",
    "own fit",
    "measured/crosstalk",
    "closer than aer",
];

fn cells(row: &Row) -> Vec<String> {
    let number = |value: f64| format!("{value:.5}");
    vec![
        row.device.clone(),
        row.processor.clone(),
        row.chain.qubits.to_string(),
        number(row.chain.measured),
        number(row.chain.isolated()),
        number(row.predicted),
        row.own.map_or("-".into(), number),
        format!("{:.2}", row.ratio()),
        if row.is_closer() { "yes" } else { "no" }.into(),
    ]
}

struct Summary {
    closer: usize,
    /// Medians of measured/predicted.
    ratio: f64,
    /// Without one-qubit pulses, and with one or two on each qubit and layer.
    aer: [f64; 3],
    own: Option<f64>,
}

impl Summary {
    fn of(rows: &[Row]) -> Self {
        let over = |predicted: &dyn Fn(&Row) -> f64| {
            median(rows.iter().map(|row| row.chain.measured / predicted(row))).unwrap_or(f64::NAN)
        };
        Self {
            closer: rows.iter().filter(|row| row.is_closer()).count(),
            ratio: over(&|row| row.predicted),
            aer: [0, 1, 2].map(|pulses| over(&|row| row.chain.isolated_with(pulses))),
            own: median(rows.iter().filter_map(|row| Some(row.chain.measured / row.own?))),
        }
    }

    fn sentence(&self, count: usize) -> String {
        let own = self.own.map_or(String::new(), |own| format!(", {own:.2} with each device's own factor"));
        let [alone, one, two] = self.aer;
        format!(
            "crosstalk is closer than aer on {} of {count} chains; median measured/predicted: {:.2} crosstalk{own}, \
             {alone:.2} aer ({one:.2} with one one-qubit pulse on each qubit and layer counted in, {two:.2} with two)",
            self.closer, self.ratio
        )
    }
}

fn markdown(rows: &[Row], skipped: &[String], summary: &Summary) -> String {
    let mut text = String::from(HEAD);
    let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
    text += &line(&COLUMNS.map(String::from));
    text += &line(&COLUMNS.map(|_| "---".to_owned()));
    rows.iter().for_each(|row| text += &line(&cells(row)));
    // Writing to a string cannot fail.
    let _ = write!(text, "\n{}.\n", summary.sentence(rows.len()));
    for why in skipped {
        let _ = write!(text, "\nLeft out: {why}.\n");
    }
    text
}

const HEAD: &str = "\
# Error per layered gate, measured and predicted

    qgraft noise --layer-fidelity data/layer_fidelity/*.json sherbrooke torino fez boston \\
        --table docs/results/layer_fidelity.md

All two-qubit gates of a chain run in two alternating layers; the error per layered gate is 1 - LF^(1/(N-1)).
*aer*: the product of the isolated calibrated gates with relaxation of idle ends. *crosstalk*: besides, the recorded static
ZZ between neighbouring gates of a layer, and gate errors times 1 + κ, where κ is the median over other devices of the
family, each fitted to its chains of 10 and 20 qubits: no number of the chain's own device is fitted. *own fit*: with the κ
of the device's own chains of 10 and 20 qubits, which the model uses where a snapshot has them.

Neither column counts the random one-qubit gates between the layers of the experiment: one or two pulses on each qubit and
layer, as they are compiled. Counted in, they bring Aer's picture closer by themselves (last line below), so κ includes
their error as well as crosstalk, and the figures here cannot separate the two.

";
