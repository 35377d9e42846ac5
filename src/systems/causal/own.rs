//! Own rows: a table with a column of environments, or a folder of pictures for each environment and class.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::data::{
    BadPicture, Column, Encoder, Picture, Tabular, TargetKind, TargetOptions, TargetTable, read_pictures, resize,
};
use crate::math::Stream;
use crate::math::order::numbered;
use crate::math::words::{join_and, pluralise};
use crate::study::StudyError;
use crate::systems::causal::declaration::KnownMechanism;
use crate::systems::causal::spec::Spec;
use crate::systems::causal::task::{Rows, Task, too_few};

/// Made by `data/lung/make.py`.
static LUNG: &str = include_str!("../../../data/lung/lung.csv");

/// The column of institutions in [`LUNG`].
const INSTITUTION: &str = "institution";

/// Share of the rows of a training environment that are held out.
const HELD_OUT: f64 = 0.25;

/// How rows become numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reader {
    /// Columns of a table.
    Table {
        /// The columns that are read.
        columns: Vec<Column>,
        /// What is made of them.
        encoder: Encoder,
        /// The column of classes.
        target: String,
    },
    /// Pictures, scaled to a square.
    Pictures {
        /// Edge in pixels.
        size: usize,
    },
}

/// A picture as numbers: (3, size, size) in -1..=1.
pub fn numbers(picture: &Picture, size: usize) -> Vec<f32> {
    let scaled = resize(picture, size, size);
    let channel = |c: usize| scaled.rgb.iter().skip(c).step_by(3).map(|byte| f32::from(*byte) / 127.5 - 1.0);
    (0..3).flat_map(channel).collect()
}

enum Source {
    Table(Box<Tabular>),
    Pictures { size: usize, values: Vec<Vec<f32>> },
}

/// Rows with class and environment.
pub struct OwnData {
    source: Source,
    labels: Vec<u32>,
    domains: Vec<usize>,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Names of the environments.
    pub environments: Vec<String>,
    /// What was read in another way than it is written.
    pub notices: Vec<String>,
    place: String,
}

impl OwnData {
    /// Reads the table or the folder of the settings.
    ///
    /// # Errors
    /// Data that cannot be read, without environments, or with fewer than three of them or two classes.
    pub fn read(spec: &Spec, path: &Path) -> Result<Self, StudyError> {
        let place = path.display().to_string();
        if path.is_dir() {
            return Self::pictures(path, spec.size, place);
        }
        if spec.declaration.mechanism == Some(KnownMechanism::Channels) {
            let reason = "declaration.mechanism = channels: columns of a table do not trade places; use affine";
            return Err(StudyError::Settings { reason: reason.into() });
        }
        Self::table(TargetTable::read(path, &options(spec.target.clone(), &spec.environment))?, place)
    }

    /// The table inside the program.
    ///
    /// # Errors
    /// If it is damaged, which a test excludes.
    pub fn lung() -> Result<Self, StudyError> {
        Self::table(TargetTable::parse(LUNG, "lung", &options(Some("class".into()), INSTITUTION))?, "lung".into())
    }

    fn table(TargetTable { table, groups, .. }: TargetTable, place: String) -> Result<Self, StudyError> {
        let (environments, domains) = numbered(groups.unwrap_or_default());
        let labels = table.samples.labels.iter().map(|label| *label as u32).collect();
        let (classes, notices) = (table.samples.classes.clone(), table.notices.clone());
        Self { source: Source::Table(Box::new(table)), labels, domains, classes, environments, notices, place }
            .checked()
    }

    fn pictures(folder: &Path, size: usize, place: String) -> Result<Self, StudyError> {
        let found = read_pictures(folder, BadPicture::Refuse, |picture| numbers(&picture, size))?;
        let (mut environments, mut classes, mut values) = (Vec::new(), Vec::new(), Vec::new());
        for (id, own) in found.ids.iter().zip(found.pictures) {
            let parts: Vec<&str> = id.split('/').collect();
            let [environment, class, _, ..] = parts[..] else {
                let reason = format!("{id} lies in no folder of a class; expected ENVIRONMENT/CLASS/PICTURE");
                return Err(too_few(&place, reason));
            };
            environments.push(environment.to_string());
            classes.push(class.to_string());
            values.push(own);
        }
        let (classes, labels) = numbered(classes);
        let (environments, domains) = numbered(environments);
        let labels = labels.into_iter().map(|label| label as u32).collect();
        let source = Source::Pictures { size, values };
        Self { source, labels, domains, classes, environments, notices: found.skipped, place }.checked()
    }

    fn checked(self) -> Result<Self, StudyError> {
        if self.environments.len() < 3 {
            let names = join_and(&self.environments);
            let reason = format!(
                "{} ({names}); expected at least 3: two to learn from and one to be tested in",
                pluralise(self.environments.len(), "environment")
            );
            return Err(too_few(&self.place, reason));
        }
        if self.classes.len() < 2 {
            return Err(too_few(
                &self.place,
                format!("one class ({}); expected at least two", join_and(&self.classes)),
            ));
        }
        Ok(self)
    }

    /// The environments that are tested in: those named, or a third of all, drawn under the seed.
    ///
    /// # Errors
    /// A name that is no environment, or fewer than two that are left.
    fn test_environments(&self, held_out: &[String], seed: u64) -> Result<Vec<usize>, StudyError> {
        let known = || self.environments.iter().map(String::as_str);
        let mut found = Vec::new();
        for name in held_out {
            let at = self.environments.iter().position(|own| own == name);
            found.push(at.ok_or_else(|| StudyError::unknown("environment", name, known()))?);
        }
        if held_out.is_empty() {
            let order = Stream::named(seed, "test environments").permutation(self.environments.len());
            found = order[..self.environments.len() / 3].to_vec();
        }
        let left = self.environments.len() - found.len();
        if left < 2 {
            let reason =
                format!("held_out leaves {}; at least two are needed to learn from", pluralise(left, "environment"));
            return Err(StudyError::Settings { reason });
        }
        Ok(found)
    }

    /// Rows to learn from and to be tested on under a seed.
    ///
    /// # Errors
    /// If an environment has too few rows.
    pub fn task(&self, held_out: &[String], seed: u64) -> Result<Task, StudyError> {
        let tested = self.test_environments(held_out, seed)?;
        let mut parts: [Vec<usize>; 4] = Default::default();
        let mut stream = Stream::named(seed, "environments");
        for environment in 0..self.environments.len() {
            let own: Vec<usize> = (0..self.labels.len()).filter(|row| self.domains[*row] == environment).collect();
            let order = stream.permutation(own.len());
            let is_test = tested.contains(&environment);
            let held = if is_test { own.len() / 2 } else { (HELD_OUT * own.len() as f64) as usize };
            for (place, k) in order.into_iter().enumerate() {
                let part = match (is_test, place < held) {
                    (false, false) => 0,
                    (false, true) => 1,
                    (true, true) => 2,
                    (true, false) => 3,
                };
                parts[part].push(own[k]);
            }
        }
        for (part, what) in parts.iter().zip(["to learn from", "to validate on", "for the oracle", "to test on"]) {
            if part.is_empty() {
                return Err(too_few(&self.place, format!("no row is left {what}: environments have too few rows")));
            }
        }
        if let Some(class) = (0..self.classes.len()).find(|c| !parts[0].iter().any(|r| self.labels[*r] == *c as u32)) {
            let reason = format!("class {} has no row in the training environments", self.classes[class]);
            return Err(too_few(&self.place, reason));
        }
        // Domains are counted over the training environments.
        let trained: Vec<usize> = (0..self.environments.len()).filter(|e| !tested.contains(e)).collect();
        let domain = |row: usize| {
            trained.iter().position(|environment| *environment == self.domains[row]).unwrap_or(trained.len()) as u32
        };
        let (reader, shape) = match &self.source {
            Source::Table(table) => {
                let encoder = Encoder::fit(table, &parts[0]);
                let shape = vec![encoder.width()];
                let (columns, target) = (table.columns.clone(), table.target.clone());
                (Reader::Table { columns, encoder, target }, shape)
            }
            Source::Pictures { size, .. } => (Reader::Pictures { size: *size }, vec![3, *size, *size]),
        };
        let examples = |part: &[usize]| {
            let mut rows = Rows::default();
            let encoded = match (&self.source, &reader) {
                (Source::Table(table), Reader::Table { encoder, .. }) => {
                    Some(encoder.encoded(table.values.select(ndarray::Axis(0), part).view()))
                }
                _ => None,
            };
            for (place, &row) in part.iter().enumerate() {
                match (&encoded, &self.source) {
                    (Some(encoded), _) => rows.push(&encoded.row(place).to_vec(), self.labels[row], domain(row)),
                    (None, Source::Pictures { values, .. }) => rows.push(&values[row], self.labels[row], domain(row)),
                    // A table is always encoded.
                    (None, Source::Table(_)) => {}
                }
            }
            rows.examples(&shape)
        };
        let [training, validation, oracle, test] = [0, 1, 2, 3].map(|part: usize| examples(&parts[part]));
        Ok(Task {
            training: training?,
            deconfounded: None,
            validation: validation?,
            oracle: oracle?,
            test: test?,
            flipped: None,
            has_colour: false,
            shape,
            classes: self.classes.clone(),
            reader: Some(reader),
        })
    }
}

/// A table of classes whose environments are groups.
fn options(target: Option<String>, environment: &str) -> TargetOptions {
    let (kind, group) = (Some(TargetKind::Classes), Some(environment.to_string()));
    TargetOptions { target, kind, group, ..TargetOptions::default() }
}
