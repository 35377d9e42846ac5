//! `qgraft run plasticity`: weights drawn anew before fine-tuning.

use anyhow::{Context, Result};

use crate::cli::place::{Place, shown};
use crate::cli::run::set;
use crate::systems::plasticity::{self, Findings, Spec};

/// Plasticity restored before fine-tuning: weights of low utility drawn anew, beside controls.
///
/// Without arguments: four settings, one seed, a few cells of the grid, in less than a minute.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  qgraft run plasticity
  qgraft run plasticity --settings useful_source --seeds 10
  qgraft run plasticity --full
  qgraft run plasticity --head quantum --settings random_labels")]
pub struct Plasticity {
    /// Settings, separated by commas: random_labels, useful_source, near, far.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    settings: Option<Vec<String>>,
    /// The head that target networks get (see `qgraft list heads`).
    #[arg(long, value_name = "NAME")]
    head: Option<String>,
    /// Number of seeds: 0, 1, …
    #[arg(long, value_name = "N")]
    seeds: Option<u64>,
    /// Shares of weights to replace, separated by commas.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    shares: Option<Vec<f64>>,
    /// Epochs in which the head alone learns first.
    #[arg(long, value_name = "N")]
    head_epochs: Option<usize>,
    /// The whole grid under ten seeds.
    #[arg(long)]
    full: bool,
    /// The quick cut, which is the default.
    #[arg(long, conflicts_with = "full")]
    quick: bool,
    #[command(flatten)]
    place: Place,
}

impl Plasticity {
    fn spec(&self) -> Result<Spec> {
        let mut spec = Spec::default();
        if self.full {
            spec.full();
        }
        set(&mut spec.settings, &self.settings);
        set(&mut spec.head, &self.head);
        set(&mut spec.seeds, &self.seeds.map(|count| (0..count).collect()));
        set(&mut spec.shares, &self.shares);
        set(&mut spec.head_epochs, &self.head_epochs);
        spec.check().context("in the resolved spec")?;
        Ok(spec)
    }

    /// Runs the comparison.
    pub fn run(&self) -> Result<()> {
        let spec = self.spec()?;
        self.place.run(
            "plasticity",
            |place, bar| plasticity::run(&spec, place, bar).map(|outcome| (outcome.findings, outcome.folder)),
            Findings::to_json,
            told,
        )
    }
}

fn told(findings: &Findings) -> String {
    shown([plasticity::table(findings), plasticity::checks(findings)])
}
