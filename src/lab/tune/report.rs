//! Tables, page and verdict of a tuning.

use crate::lab::tune::run::{Compared, TuneOutcome};
use crate::lab::tune::spec::TuneSpec;
use crate::math::words::{csv_cell, p_value, pluralise, sig3};
use crate::report::{Block, Page, Section, Table};

/// Measurements that a report shows, the best ones.
const SHOWN: usize = 15;

/// The verdict in sentences.
pub fn verdict(spec: &TuneSpec, compared: Option<&Compared>) -> Vec<String> {
    let Some(own) = compared else {
        return vec!["Nothing that was measured is better than the default settings.".into()];
    };
    let sign = if own.higher_is_better { 1.0 } else { -1.0 };
    let (found, interval) = match own.interval {
        Some(interval) => {
            let ends = [sign * interval.low, sign * interval.high];
            let is_better = ends.iter().all(|end| *end > 0.0);
            let is_worse = ends.iter().all(|end| *end < 0.0);
            let text = format!(" (95 % interval {} to {})", sig3(interval.low), sig3(interval.high));
            let found = match (is_better, is_worse) {
                (true, _) => "The tuned settings are better than the defaults",
                (_, true) => "The tuned settings are WORSE than the defaults",
                _ => "No evidence that the tuned settings differ from the defaults",
            };
            (found, text)
        }
        None => ("The tuned settings beside the defaults", String::new()),
    };
    vec![
        format!(
            "{found}: {} {} under {}{interval}, p = {} (Wilcoxon).",
            own.metric,
            if own.difference >= 0.0 { format!("+{}", sig3(own.difference)) } else { sig3(own.difference) },
            pluralise(own.seeds.len(), "fresh seed"),
            p_value(own.p)
        ),
        format!(
            "The tuning saw {} alone. Seeds of the comparison were not used for it; where the data is the same under every seed, \
             the interval is about the training and not about other data.",
            spec.metric
        ),
    ]
}

/// The winner beside the defaults, and the best measurements.
pub fn tables(spec: &TuneSpec, outcome: &TuneOutcome) -> Vec<Table> {
    let value = |value: Option<f64>| value.map_or("–".into(), sig3);
    let caption = format!(
        "Default and tuned settings: {} of the tuning, and {} under fresh seeds, mean",
        spec.metric, spec.test_metric
    );
    let header = ["settings", "knobs", spec.metric.as_str(), spec.test_metric.as_str()];
    let mut winner = Table::new("winner", &caption, &header, 2);
    let test = |pick: fn(&Compared) -> &Vec<f64>| {
        let mean = |own: &Vec<f64>| sig3(own.iter().sum::<f64>() / own.len() as f64);
        outcome.compared.as_ref().map_or("–".into(), |own| mean(pick(own)))
    };
    winner.rows.push(vec![
        "default".into(),
        outcome.default.0.clone(),
        value(outcome.default.1),
        test(|own| &own.default),
    ]);
    winner.rows.push(vec!["tuned".into(), outcome.best.0.clone(), value(outcome.best.1), test(|own| &own.tuned)]);
    let full = outcome.measured.iter().map(|own| own.level).max().unwrap_or(0);
    let mut order: Vec<usize> = (0..outcome.measured.len())
        .filter(|&k| outcome.measured[k].level == full && outcome.measured[k].value.is_some())
        .collect();
    order.sort_by(|&a, &b| {
        let [a, b] = [a, b].map(|k| outcome.measured[k].value.unwrap_or(f64::NAN));
        if outcome.higher_is_better { b.total_cmp(&a) } else { a.total_cmp(&b) }
    });
    let caption = format!(
        "The best full measurements of {}, which cost {} full ones together; failures {}",
        outcome.measured.len(),
        sig3(outcome.spent),
        outcome.measured.iter().filter(|own| own.value.is_none()).count()
    );
    let mut best = Table::new("best", &caption, &["number", "knobs", spec.metric.as_str()], 2);
    for k in order.into_iter().take(SHOWN) {
        let own = &outcome.measured[k];
        best.rows.push(vec![(k + 1).to_string(), own.settings.clone(), value(own.value)]);
    }
    vec![winner, best]
}

/// measurements.csv.
pub fn measurements(outcome: &TuneOutcome) -> String {
    let mut text = String::from("number,level,cost,value,failure,settings\n");
    for (k, own) in outcome.measured.iter().enumerate() {
        let value = own.value.map_or(String::new(), |value| value.to_string());
        let failure = own.failure.clone().unwrap_or_default().replace('\n', "; ");
        text += &format!(
            "{},{},{},{value},{},{}\n",
            k + 1,
            own.level + 1,
            own.cost,
            csv_cell(&failure),
            csv_cell(&own.settings)
        );
    }
    text
}

/// report.html.
pub fn page(spec: &TuneSpec, outcome: &TuneOutcome) -> Page {
    let section = |anchor: &str, heading: &str, blocks: Vec<Block>| Section {
        anchor: anchor.into(),
        heading: heading.into(),
        blocks,
    };
    let mut sections = vec![section("verdict", "Verdict", vec![Block::List(outcome.verdict.clone())])];
    sections.push(section("tables", "Settings", outcome.tables.iter().cloned().map(Block::Table).collect()));
    if !outcome.notices.is_empty() {
        sections.push(section("notices", "Notices", vec![Block::List(outcome.notices.clone())]));
    }
    let file = toml::to_string_pretty(spec).unwrap_or_default();
    sections.push(section("file", "The file of the tuning", vec![Block::Code(file)]));
    Page {
        title: format!("Tuned settings of {}", spec.system),
        facts: vec![pluralise(outcome.measured.len(), "measurement"), format!("qgraft {}", env!("CARGO_PKG_VERSION"))],
        sections,
    }
}
