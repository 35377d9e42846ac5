//! `qgraft run rotation`: the rotation angle of a picture, by heads that know the circle and one that does not.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::cli::old_run::set;
use crate::cli::place::{Place, shown};
use crate::systems::rotation::{self, Findings, Photos, Spec};

/// The rotation angle of drawn scenes or photographs, told by six heads on the same network.
///
/// Without arguments: every head and the transfer under one seed with few scenes, in less than a minute.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  qgraft run rotation
  qgraft run rotation --heads unit_vector,gaussian --seeds 5
  qgraft run rotation --head quantum
  qgraft run rotation --data photos --crop rectangle --epochs 30
  qgraft run rotation --full")]
pub struct Rotation {
    /// Start from the spec in this TOML file, such as a run folder holds.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["full", "quick"])]
    spec: Option<PathBuf>,
    /// Heads, separated by commas: naive, direct, bins, unit_vector, phase_shift, gaussian.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    heads: Option<Vec<String>>,
    /// A head on the frozen backbone, beside a linear one and its classical twin (see `qgraft list heads`).
    #[arg(long, value_name = "NAME", conflicts_with = "data")]
    head: Option<String>,
    /// Upright photographs (PNG, JPEG) instead of scenes: a folder, with or without folders in it.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// What of a turned photograph is seen: the same disc under every angle, or the largest upright rectangle.
    #[arg(long, value_enum, default_value = "disc", requires = "data")]
    crop: Crop,
    /// Leave out photographs that cannot be read, instead of refusing them.
    #[arg(long, requires = "data")]
    skip_bad: bool,
    /// Number of seeds: 0, 1, …
    #[arg(long, value_name = "N")]
    seeds: Option<u64>,
    /// Epochs of training of each head.
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// The whole comparison: three seeds, more scenes and epochs, `direct` at three rates, circuits as heads.
    #[arg(long)]
    full: bool,
    /// The quick cut, which is the default.
    #[arg(long, conflicts_with = "full")]
    quick: bool,
    #[command(flatten)]
    place: Place,
}

/// What of a turned photograph is seen.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Crop {
    Disc,
    Rectangle,
}

impl Rotation {
    fn spec(&self) -> Result<Spec> {
        let mut spec = match &self.spec {
            Some(path) => Spec::read(path)?,
            None => Spec::default(),
        };
        if self.full {
            spec.full();
        }
        if let Some(folder) = &self.data {
            let crop = match self.crop {
                Crop::Disc => rotation::Crop::Disc,
                Crop::Rectangle => rotation::Crop::Rectangle,
            };
            spec.photos = Some(Photos { crop, skip_bad: self.skip_bad, ..Photos::new(folder.clone()) });
        }
        if let Some(head) = &self.head {
            let beside = ["linear", "mlp_a"].into_iter().filter(|name| name != head);
            spec.grafts.heads = beside.map(String::from).chain([head.clone()]).collect();
        }
        set(&mut spec.heads, &self.heads);
        set(&mut spec.seeds, &self.seeds.map(|count| (0..count).collect()));
        set(&mut spec.train.epochs, &self.epochs);
        spec.check().context("in the resolved spec")?;
        Ok(spec)
    }

    /// Runs the comparison.
    pub fn run(&self) -> Result<()> {
        let spec = self.spec()?;
        self.place.run(
            "rotation",
            |place, bar| rotation::run(&spec, place, bar).map(|outcome| (outcome.findings, outcome.folder)),
            Findings::to_json,
            told,
        )
    }
}

fn told(findings: &Findings) -> String {
    let mut tables = vec![rotation::table(findings), rotation::traces(findings)];
    tables.extend(findings.transfer.as_ref().map(rotation::transfer));
    tables.extend((!findings.grafts.is_empty()).then(|| rotation::grafts(&findings.grafts)));
    tables.push(rotation::checks(findings));
    shown(tables)
}
