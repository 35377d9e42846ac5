//! The tables for machines: one line per run, epoch, judged noise and prediction.

use crate::report::Table;
use crate::study::metric::METRICS;
use crate::systems::qtl::battery::job::{Job, Outcome};
use crate::systems::qtl::battery::plan::AXES;
use crate::systems::qtl::battery::tell::{Finished, Told};

/// Figures of a run beside its metrics: column, and its text where the run has it.
type Column = (&'static str, fn(&Outcome) -> Option<String>);

const COLUMNS: [Column; 17] = [
    ("parameters", |o| trained(o).map(|t| t.parameters.to_string())),
    ("quantum_parameters", |o| trained(o).map(|t| t.quantum_parameters.to_string())),
    ("training_rows", |o| trained(o).map(|t| t.rows[0].to_string())),
    ("validation_rows", |o| trained(o).map(|t| t.rows[1].to_string())),
    ("test_rows", |o| trained(o).map(|t| t.rows[2].to_string())),
    ("accuracy_last_epoch", |o| trained(o).map(|t| t.last.to_string())),
    ("accuracy_best_validation_epoch", |o| trained(o).map(|t| t.best_validation.to_string())),
    ("best_validation_epoch", |o| trained(o).map(|t| t.best_epoch.to_string())),
    ("gradient_variance", |o| if let Outcome::Landscape(g) = o { Some(g.variance.to_string()) } else { None }),
    (
        "gradient_variance_first",
        |o| if let Outcome::Landscape(g) = o { Some(g.first_weight.to_string()) } else { None },
    ),
    ("gradient_mean_size", |o| if let Outcome::Landscape(g) = o { Some(g.mean_size.to_string()) } else { None }),
    ("expressibility_kl", |o| if let Outcome::Reach(r) = o { Some(r.expressibility.to_string()) } else { None }),
    ("entangling_capability", |o| if let Outcome::Reach(r) = o { Some(r.entangling.to_string()) } else { None }),
    ("circuit_depth", |o| if let Outcome::Transpiling(c) = o { Some(c.depth.to_string()) } else { None }),
    ("two_qubit_gates", |o| if let Outcome::Transpiling(c) = o { Some(c.two_qubit_gates.to_string()) } else { None }),
    ("pulses", |o| if let Outcome::Transpiling(c) = o { Some(c.pulses.to_string()) } else { None }),
    ("estimated_success", |o| if let Outcome::Transpiling(c) = o { c.success.map(|s| s.to_string()) } else { None }),
];

fn trained(outcome: &Outcome) -> Option<&crate::systems::qtl::battery::job::Trained> {
    if let Outcome::Training(trained) = outcome { Some(trained) } else { None }
}

/// runs, epochs, judged, predictions, timing: every table a CSV file of that name.
pub fn tables(told: &Told<'_>) -> Vec<Table> {
    vec![runs(told), epochs(told), judged(told), predictions(told), timing(told)]
}

/// Computations in the order in which they first stand in the plan: a run of two studies stands in both, but its epochs
/// and predictions once.
fn once<'a, 'b>(told: &'a Told<'b>) -> impl Iterator<Item = &'a Finished<'b>> {
    let mut seen = std::collections::BTreeSet::new();
    told.finished.iter().filter(move |finished| seen.insert(&finished.run.id))
}

fn runs(told: &Told<'_>) -> Table {
    let mut header = vec!["study", "id"];
    header.extend(AXES.iter().map(|axis| axis.key));
    header.extend(COLUMNS.iter().map(|(name, _)| *name));
    header.extend(METRICS.iter().map(|metric| metric.name));
    let mut table = Table::new("runs", "", &header, 0);
    for Finished { run, outcome, .. } in &told.finished {
        let mut cells = vec![run.study.to_string(), run.id.clone()];
        cells.extend(AXES.iter().map(|axis| run.labels.get(axis.key).to_string()));
        cells.extend(COLUMNS.iter().map(|(_, text)| text(outcome).unwrap_or_default()));
        let metric = |name| trained(outcome).and_then(|t| t.metrics.get(name).copied().flatten());
        cells.extend(METRICS.iter().map(|row| metric(row.name).map_or(String::new(), |value| value.to_string())));
        table.rows.push(cells);
    }
    table
}

fn epochs(told: &Told<'_>) -> Table {
    let header = ["id", "epoch", "train_loss", "train_accuracy", "validation_loss", "validation_accuracy"];
    let mut table = Table::new("epochs", "", &header, 0);
    for (id, trained) in once(told).filter_map(|f| Some((&f.run.id, trained(&f.outcome)?))) {
        for (epoch, at) in trained.history.iter().enumerate() {
            let numbers = [at.loss, at.right.unwrap_or(f64::NAN), at.evaluation.loss, at.evaluation.metric];
            let mut cells = vec![id.clone(), (epoch + 1).to_string()];
            cells.extend(numbers.map(|number| number.to_string()));
            table.rows.push(cells);
        }
    }
    table
}

fn judged(told: &Told<'_>) -> Table {
    let mut table = Table::new("judged", "", &["id", "device", "channel", "scale", "accuracy_last_epoch"], 0);
    for Finished { run, outcome, .. } in once(told) {
        let (Job::Training(job), Some(trained)) = (&run.job, trained(outcome)) else { continue };
        for (noise, accuracy) in job.judged.iter().zip(&trained.judged) {
            let (device, channel) = (noise.device.clone(), noise.channel.clone());
            table.rows.push(vec![run.id.clone(), device, channel, noise.scale.to_string(), accuracy.to_string()]);
        }
    }
    table
}

fn predictions(told: &Told<'_>) -> Table {
    let mut table = Table::new("predictions", "", &["id", "sample", "label", "predicted", "probabilities"], 0);
    for (id, trained) in once(told).filter_map(|f| Some((&f.run.id, trained(&f.outcome)?))) {
        for prediction in &trained.predictions {
            let class = |index: usize| trained.classes[index].clone();
            let probabilities: Vec<String> = prediction.probabilities.iter().map(f64::to_string).collect();
            let (label, predicted) = (class(prediction.label), class(prediction.predicted));
            table.rows.push(vec![id.clone(), prediction.sample.clone(), label, predicted, probabilities.join(" ")]);
        }
    }
    table
}

fn timing(told: &Told<'_>) -> Table {
    let header = ["id", "wall_seconds", "cpu_seconds", "joules", "estimated", "grams_co2"];
    let mut table = Table::new("timing", "", &header, 0);
    for Finished { run, usage, .. } in once(told) {
        table.rows.push(vec![
            run.id.clone(),
            usage.wall_seconds.to_string(),
            usage.cpu_seconds.to_string(),
            usage.joules.to_string(),
            usage.estimated.to_string(),
            told.file.energy.grams_of_co2(usage.joules).to_string(),
        ]);
    }
    table
}
