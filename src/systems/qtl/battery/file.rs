//! The file of a battery: data, lists, and which studies go through them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::data::Synthetic;
use crate::math::words::closest;
use crate::study::StudyError;
use crate::study::energy::EnergySource;
use crate::study::train::TrainConfig;
use crate::systems::qtl::Spec;

/// The version of this file format.
pub const FORMAT: &str = "qgraft.study/1";

/// A battery, as its TOML file says it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Format and version.
    pub format: String,
    /// One line for the report.
    pub title: String,
    /// How heads are trained.
    #[serde(default = "config")]
    pub train: TrainConfig,
    /// Which rows choose and which judge.
    #[serde(default)]
    pub hold_out: Shares,
    /// Row of the noise-model table that makes channels of a calibration.
    #[serde(default = "model")]
    pub noise_model: String,
    /// Standard deviation of the circuit's initial weights, radians.
    #[serde(default = "weight_sd")]
    pub weight_sd: f64,
    /// How energy is found out, and the grid it comes from.
    #[serde(default)]
    pub energy: EnergySource,
    /// What is learned from, by name.
    #[serde(default)]
    pub datasets: BTreeMap<String, Dataset>,
    /// Weight file of each backbone that is not embedded.
    #[serde(default)]
    pub weights: BTreeMap<String, PathBuf>,
    /// Lists that every study takes unless it has its own.
    #[serde(default)]
    pub lists: BTreeMap<String, toml::Value>,
    /// The studies, each with lists of its own.
    pub studies: BTreeMap<String, StudyTable>,
}

/// One study of the file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct StudyTable {
    /// Combinations that are left out: a run is, if it agrees with all entries of one of these.
    #[serde(default)]
    pub exclude: Vec<BTreeMap<String, toml::Value>>,
    /// Its own lists; the plan checks their names.
    #[serde(flatten)]
    pub lists: BTreeMap<String, toml::Value>,
}

/// Which rows are held out. Every run cuts them anew under its seed.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Shares {
    /// Share of the rows left after the test rows that choose the best epoch.
    pub validation: f64,
}

impl Default for Shares {
    fn default() -> Self {
        Self { validation: 0.2 }
    }
}

/// What is learned from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dataset {
    /// Where the rows come from.
    pub source: Source,
    /// The folder, or the file of features, in which `{backbone}` becomes the backbone's name.
    #[serde(default)]
    pub path: Option<String>,
    /// What synthetic features look like; they are as wide as the backbone's.
    #[serde(default)]
    pub shape: Option<Synthetic>,
    /// At most this many rows of each class and part of the data, the first ones; 0 takes all.
    #[serde(default)]
    pub rows_per_class: usize,
    /// Share of all rows that judges, cut anew under every seed. Without it the rows that the data holds out (a folder
    /// val/, tensors `val.…`, else 30 % cut once) are the test rows of every seed.
    #[serde(default)]
    pub test: Option<f64>,
}

/// Kinds of data.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// T-shirt, pullover and shirt of Fashion-MNIST, embedded in the program.
    FashionMnist,
    /// A folder of class folders.
    Folder,
    /// A safetensors file of features and labels for each backbone.
    Features,
    /// Features made by a formula.
    Synthetic,
}

fn config() -> TrainConfig {
    Spec::default().train
}

fn model() -> String {
    Spec::default().judge.model
}

fn weight_sd() -> f64 {
    Spec::default().circuit.weight_sd
}

impl File {
    /// Reads a battery.
    ///
    /// # Errors
    /// If the file cannot be read or has an unknown key, named with its line and the key that may have been meant.
    pub fn read(path: &Path) -> Result<Self, StudyError> {
        let bad = |reason: String| StudyError::Spec { path: path.into(), reason };
        let text = std::fs::read_to_string(path).map_err(|e| bad(e.to_string()))?;
        let file: Self = toml::from_str(&text).map_err(|e| bad(suggested(&e)))?;
        if file.format != FORMAT {
            return Err(bad(format!("format is {:?}, this version reads {FORMAT:?}", file.format)));
        }
        file.check().map_err(bad)?;
        Ok(file)
    }

    /// Numbers against their ranges; names are checked where they are used.
    fn check(&self) -> Result<(), String> {
        let share = |field: &str, value: f64| match value > 0.0 && value < 1.0 {
            true => Ok(()),
            false => Err(format!("{field} = {value}: use a share between 0 and 1")),
        };
        share("hold_out.validation", self.hold_out.validation)?;
        for (name, dataset) in &self.datasets {
            if let Some(test) = dataset.test {
                share(&format!("datasets.{name}.test"), test)?;
            }
            if [Source::Folder, Source::Features].contains(&dataset.source) && dataset.path.is_none() {
                return Err(format!("datasets.{name}: a folder or a file of features needs a path"));
            }
            if dataset.source == Source::Synthetic && dataset.shape.is_none() {
                return Err(format!("datasets.{name}: synthetic features need a shape"));
            }
            if let Some(Synthetic { training, held_out, classes, separation, .. }) = dataset.shape
                && !(classes >= 2 && training >= 4 * classes && held_out >= classes && separation.is_finite())
            {
                return Err(format!(
                    "datasets.{name}: use at least 2 classes, 4 training rows and 1 held-out row for each, and a finite \
                     separation"
                ));
            }
        }
        if !(self.weight_sd >= 0.0 && self.weight_sd.is_finite()) {
            return Err(format!("weight_sd = {}: use a number of at least 0", self.weight_sd));
        }
        let TrainConfig { epochs, batch, rate, .. } = self.train;
        if epochs == 0 || batch == 0 || !(rate > 0.0 && rate.is_finite()) {
            return Err("[train]: epochs and batch must be at least 1, rate above 0".into());
        }
        let EnergySource { watts_per_core, grid_grams_per_kwh, .. } = self.energy;
        if !(watts_per_core >= 0.0 && grid_grams_per_kwh >= 0.0 && (watts_per_core + grid_grams_per_kwh).is_finite()) {
            return Err("[energy]: watts_per_core and grid_grams_per_kwh must be at least 0".into());
        }
        if self.studies.is_empty() {
            return Err("[studies] is empty; name at least one study".into());
        }
        Ok(())
    }
}

/// The reader's message, with the known key nearest to an unknown one. It quotes the key, then those there are.
fn suggested(error: &toml::de::Error) -> String {
    let told = error.to_string();
    let mut quoted = error.message().split('`').skip(1).step_by(2);
    let unknown = quoted.next().filter(|_| error.message().starts_with("unknown"));
    match unknown.and_then(|key| closest(key, quoted)) {
        Some(meant) => format!("{}; did you mean `{meant}`?", told.trim_end()),
        None => told,
    }
}
