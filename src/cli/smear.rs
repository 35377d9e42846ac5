//! `qgraft run smear`: detectors of cells, fused.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::cli::old_run::set;
use crate::cli::place::{Place, shown};
use crate::systems::smear::{self, Findings, Spec};

/// One detector of cells under three remedies for rare classes, fused by weighted boxes fusion and its rivals.
///
/// Without arguments a quick run on drawn smears, one seed, in less than a minute.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  qgraft run smear
  qgraft run smear --full
  qgraft run smear --data bccd.zip --edge 120
  qgraft run smear --head quantum")]
pub struct Smear {
    /// Photographs with boxes: a folder or zip file in the layout of Pascal VOC, with the lists train, val and test.
    #[arg(long, value_name = "PATH")]
    data: Option<PathBuf>,
    /// The whole comparison: three seeds, more fields, a wider network.
    #[arg(long)]
    full: bool,
    /// The quick cut, which is the default.
    #[arg(long, conflicts_with = "full")]
    quick: bool,
    /// A head that looks again at what was found, beside its classical twin (see `qgraft list heads`).
    #[arg(long, value_name = "NAME")]
    head: Option<String>,
    /// Number of seeds: 0, 1, …
    #[arg(long, value_name = "N")]
    seeds: Option<u64>,
    /// Epochs of training.
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// Rows of pixels of a field, a multiple of 4.
    #[arg(long, value_name = "N")]
    edge: Option<usize>,
    #[command(flatten)]
    place: Place,
}

impl Smear {
    fn spec(&self) -> Result<Spec> {
        let mut spec = Spec::default();
        if self.full {
            spec.full();
        }
        spec.data.clone_from(&self.data);
        if let Some(head) = &self.head {
            let twin = (head != "mlp_a").then(|| "mlp_a".to_string());
            spec.heads = twin.into_iter().chain([head.clone()]).collect();
        }
        set(&mut spec.seeds, &self.seeds.map(|count| (0..count).collect()));
        set(&mut spec.train.epochs, &self.epochs);
        set(&mut spec.edge, &self.edge);
        spec.check().context("in the resolved spec")?;
        Ok(spec)
    }

    /// Runs the comparison.
    pub fn run(&self) -> Result<()> {
        let spec = self.spec()?;
        self.place.run(
            "smear",
            |place, bar| smear::run(&spec, place, bar).map(|outcome| (outcome.findings, outcome.folder)),
            Findings::to_json,
            told,
        )
    }
}

fn told(findings: &Findings) -> String {
    shown([smear::table(findings), smear::simulated(findings)])
}
