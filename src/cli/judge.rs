//! `qgraft judge RUN COUNTS.json`: a trained head on hardware beside its simulations.

use std::path::PathBuf;

use anyhow::{Result, bail};
use ndarray::Array2;

use crate::cli::console;
use crate::lab::{ModelChoice, Unit};
use crate::report::{Table, terminal};
use crate::sim::Condition;
use crate::study::hardware::Counts;
use crate::study::metric::Predictions;
use crate::study::metric::probability::log_loss;
use crate::systems::saved_head::SavedHead;

/// Turns the counts of a device into predictions, and compares them with the head without noise and under the simulated
/// noise of the device.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  qgraft export runs/qtl-1 --device torino --rows test -o jobs/
  python jobs/submit.py --shots 4096
  qgraft judge runs/qtl-1 jobs/counts.json")]
pub struct Arguments {
    /// The folder of the run.
    folder: PathBuf,
    /// The file that submit.py wrote.
    counts: PathBuf,
    /// Noise model of the simulation (see `qgraft list models`).
    #[arg(long, value_name = "NAME", default_value = "aer")]
    model: String,
    /// Print JSON in place of a table.
    #[arg(long)]
    json: bool,
}

/// One way of running the circuits.
struct Way {
    name: String,
    expectations: Array2<f64>,
}

/// Compares.
pub fn run(arguments: &Arguments) -> Result<()> {
    let counts = Counts::open(&arguments.counts)?;
    let job = &counts.job;
    let choice = ModelChoice { label: Some(job.head.clone()), seed: Some(job.seed), only: Vec::new() };
    let saved = SavedHead::with_circuit(&arguments.folder, &choice)?;
    if saved.head.classes != job.classes {
        bail!("{}: it is of another run: its classes are {}", arguments.counts.display(), job.classes.join(", "));
    }
    let angles =
        Array2::from_shape_fn((counts.rows.len(), job.inputs.len()), |(row, input)| counts.rows[row].angles[input]);
    let executions = saved.executions()?;
    let noisy = Condition { model: arguments.model.clone(), ..Condition::on_device(&job.device) };
    let mut ways = Vec::new();
    for condition in [Condition::default(), noisy.clone(), Condition { shots: Some(counts.shots), ..noisy }] {
        let expectations = saved.head.compile(&executions, &condition, job.seed)?.expectations(angles.view())?;
        ways.push(Way { name: format!("simulated: {condition}"), expectations });
    }
    let name = format!("measured: {}, {} shots", counts.backend, counts.shots);
    ways.push(Way { name, expectations: counts.expectations() });
    show(arguments, &counts, &saved, &ways)
}

/// One line for each way: accuracy, log loss, distance of the expectation values from those without noise, agreement of
/// predictions with those without noise.
fn show(arguments: &Arguments, counts: &Counts, saved: &SavedHead, ways: &[Way]) -> Result<()> {
    let labels = counts.labels();
    let known: Vec<usize> = (0..labels.len()).filter(|&row| labels[row].is_some()).collect();
    let predicted = |way: &Way| -> Result<(Array2<f64>, Vec<usize>)> {
        let mut probabilities = Array2::zeros((labels.len(), counts.job.classes.len()));
        for (row, values) in way.expectations.rows().into_iter().enumerate() {
            probabilities.row_mut(row).assign(&counts.job.probabilities(&values.to_vec()));
        }
        let all = Predictions::new(probabilities.clone(), vec![0; labels.len()])?.predicted();
        Ok((probabilities, all))
    };
    let ideal = predicted(&ways[0])?.1;
    let caption = format!("{} on {}, {} rows", saved.title(), counts.job.device, counts.rows.len());
    let header = ["condition", "accuracy (%)", "log loss", "deviation", "agreement (%)"];
    let mut table = Table::new("judge", &caption, &header, 1);
    let mut lines = Vec::new();
    for way in ways {
        let (probabilities, all) = predicted(way)?;
        let of_known: Vec<usize> = known.iter().filter_map(|&row| labels[row]).collect();
        let evaluated = Predictions::new(probabilities.select(ndarray::Axis(0), &known), of_known)?;
        let (accuracy, loss) = match known.is_empty() {
            true => (None, None),
            false => (Some(evaluated.accuracy()), log_loss(&evaluated).ok()),
        };
        let deviation = (&way.expectations - &ways[0].expectations).mapv(f64::abs).mean().unwrap_or(0.0);
        let same = all.iter().zip(&ideal).filter(|(own, ideal)| own == ideal).count();
        let agreement = same as f64 / all.len() as f64;
        let share = |value: f64| Unit::Share.number(value);
        table.rows.push(vec![
            way.name.clone(),
            accuracy.map_or(String::new(), share),
            loss.map_or(String::new(), |loss| format!("{loss:.3}")),
            format!("{deviation:.4}"),
            share(agreement),
        ]);
        lines.push(serde_json::json!({
            "condition": way.name,
            "accuracy": accuracy,
            "log_loss": loss,
            "deviation": deviation,
            "agreement": agreement,
        }));
    }
    match arguments.json {
        true => console::print_json(&serde_json::to_string_pretty(&lines)?)?,
        false => console::print(&terminal::render(&table))?,
    }
    Ok(())
}
