//! `qgraft run forest`: random forests into networks.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::cli::old_run::set;
use crate::cli::place::{Place, shown};
use crate::systems::forest::{self, Findings, Spec};

/// Random forests into networks, by distillation and by exact conversion.
///
/// Without arguments: three tables that are inside the program, in less than a minute.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  qgraft run forest
  qgraft run forest --data measurements.csv
  qgraft run forest --full --data keel
  qgraft run forest --head quantum --tables iris")]
pub struct Forest {
    /// A CSV, KEEL .dat or Parquet file, or a folder of them; the class is the last column.
    #[arg(long, value_name = "PATH")]
    data: Option<PathBuf>,
    /// Tables inside the program, separated by commas: iris, wine, breast_cancer.
    #[arg(long, value_name = "LIST", value_delimiter = ',', conflicts_with = "data")]
    tables: Option<Vec<String>>,
    /// What students learn, separated by commas: hard, soft, out_of_bag, synthetic, mixed; all but the last by default.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    targets: Option<Vec<String>>,
    /// A head as the student, with plain layers beside it (see `qgraft list heads`).
    #[arg(long, value_name = "NAME")]
    head: Option<String>,
    /// Number of seeds: 0, 1, …
    #[arg(long, value_name = "N")]
    seeds: Option<u64>,
    /// Epochs of training, at most.
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// Learning rate of the students.
    #[arg(long, value_name = "RATE")]
    rate: Option<f64>,
    /// Rows to learn from, at most.
    #[arg(long, value_name = "N")]
    rows: Option<usize>,
    /// Trees of the forest.
    #[arg(long, value_name = "N")]
    trees: Option<usize>,
    /// The whole run: 300 trees, up to 200 epochs.
    #[arg(long)]
    full: bool,
    /// The quick cut, which is the default.
    #[arg(long, conflicts_with = "full")]
    quick: bool,
    #[command(flatten)]
    place: Place,
}

impl Forest {
    fn spec(&self) -> Result<Spec> {
        let mut spec = Spec::default();
        if self.full {
            spec.full();
        }
        spec.data.clone_from(&self.data);
        spec.head.clone_from(&self.head);
        set(&mut spec.tables, &self.tables);
        set(&mut spec.targets, &self.targets);
        set(&mut spec.seeds, &self.seeds.map(|count| (0..count).collect()));
        set(&mut spec.train.epochs, &self.epochs);
        set(&mut spec.train.rate, &self.rate);
        set(&mut spec.rows, &self.rows);
        set(&mut spec.trees, &self.trees);
        spec.check().context("in the resolved spec")?;
        Ok(spec)
    }

    /// Runs the comparison.
    pub fn run(&self) -> Result<()> {
        let spec = self.spec()?;
        self.place.run(
            "forest",
            |place, bar| forest::run(&spec, place, bar).map(|outcome| (outcome.findings, outcome.folder)),
            Findings::to_json,
            told,
        )
    }
}

fn told(findings: &Findings) -> String {
    let choices = findings.guided.as_ref().map(forest::choices);
    let tables = [forest::table(findings), forest::means(findings)].into_iter().chain(choices);
    shown(tables.chain([forest::checks(findings)]))
}
