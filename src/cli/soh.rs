//! `qgraft run soh`: battery state of health with intervals, on cells of another domain.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::cli::old_run::set;
use crate::cli::place::{Place, shown};
use crate::systems::soh::{self, Findings, Spec};

/// State of health of battery cells of another domain, forecast with conformal intervals.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  qgraft run soh --quick
  qgraft run soh --full --json > soh.json
  qgraft run soh --targets hard --arms source_only,fine_tune --head quantum
  qgraft run soh --data data/cells/pybamm.csv")]
pub struct Soh {
    /// Head of the network (see `qgraft list heads`): linear, quantum, …; any but the first is judged beside linear and
    /// mlp_a.
    #[arg(long, value_name = "NAME")]
    head: Option<String>,
    /// A CSV file of lives to go to, in place of the target domains: columns cell, charge, discharge (C-rates), throughput
    /// (Ah, in steps of 500) and health.
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// Target domains, separated by commas: hard, mild, pybamm, none.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    targets: Option<Vec<String>>,
    /// Arms, separated by commas: source_only, fine_tune, prefix, mmd, coral, mmd_matched, mmd_quantum.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    arms: Option<Vec<String>>,
    /// Weights of the penalty to choose from without the target, separated by commas.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    lambdas: Option<Vec<f64>>,
    /// Shots under which the circuit of a head is judged as well, separated by commas.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    shots: Option<Vec<usize>>,
    /// Share of points that intervals may miss.
    #[arg(long, value_name = "SHARE")]
    alpha: Option<f64>,
    /// Number of seeds: 0, 1, …
    #[arg(long, value_name = "N")]
    seeds: Option<u64>,
    /// Epochs of training.
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// A quick cut: one seed, two targets, a small network, few epochs.
    #[arg(long, conflicts_with = "full")]
    quick: bool,
    /// Five seeds and the whole grid of penalties.
    #[arg(long)]
    full: bool,
    #[command(flatten)]
    place: Place,
}

impl Soh {
    fn spec(&self) -> Result<Spec> {
        let mut spec = Spec::default();
        if self.quick {
            spec.quick();
        }
        if self.full {
            spec.full();
        }
        set(&mut spec.head, &self.head);
        if spec.head != "linear" {
            spec.beside = ["linear", "mlp_a"].into_iter().filter(|name| *name != spec.head).map(String::from).collect();
        }
        if self.data.is_some() {
            spec.data.clone_from(&self.data);
            spec.targets.clear();
        }
        set(&mut spec.targets, &self.targets);
        set(&mut spec.arms, &self.arms);
        set(&mut spec.lambdas, &self.lambdas);
        set(&mut spec.shots, &self.shots);
        set(&mut spec.alpha, &self.alpha);
        set(&mut spec.seeds, &self.seeds.map(|count| (0..count).collect()));
        set(&mut spec.train.epochs, &self.epochs);
        spec.check().context("in the resolved spec")?;
        Ok(spec)
    }

    /// Runs the comparison.
    pub fn run(&self) -> Result<()> {
        let spec = self.spec()?;
        self.place.run(
            "soh",
            |place, bar| soh::run(&spec, place, bar).map(|outcome| (outcome.findings, outcome.folder)),
            Findings::to_json,
            told,
        )
    }
}

fn told(findings: &Findings) -> String {
    let criterion = |c: &soh::Criterion| {
        let verdict = if c.holds { "holds" } else { "does not hold" };
        format!("{}: {:.3}, {verdict} ({:.3} to {:.3})\n", c.what, c.measured, c.range.0, c.range.1)
    };
    let criteria: String = findings.criteria.iter().map(criterion).collect();
    let tables = [soh::table(findings), soh::heads(findings), soh::shots(findings)];
    format!("{}\n{criteria}", shown(tables.into_iter().filter(|table| !table.rows.is_empty())))
}
