//! What is known of every sample, whatever it is made of: its id, its class, and whether it is held out.

use ndarray::{Array2, Axis};

use super::DataError;

/// Which part of the data a sample belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Seen in training.
    Train,
    /// Held out: to choose on, or to evaluate on where there is no test part.
    Validation,
    /// Held out for the evaluation alone.
    Test,
}

impl Part {
    /// All parts, in the order they are printed.
    pub const ALL: [Part; 3] = [Part::Train, Part::Validation, Part::Test];

    /// The word used in messages.
    pub fn name(self) -> &'static str {
        match self {
            Part::Train => "training",
            Part::Validation => "validation",
            Part::Test => "test",
        }
    }
}

/// Ids, labels and parts, in one order shared with whatever they describe.
#[derive(Clone, Debug, PartialEq)]
pub struct Samples {
    /// Where they come from: a file, a folder, or the name of embedded data.
    pub source: String,
    /// A name per sample that stays the same from run to run: a relative path or a row number.
    pub ids: Vec<String>,
    /// An index into `classes` per sample.
    pub labels: Vec<usize>,
    /// Class names.
    pub classes: Vec<String>,
    /// The part each sample belongs to.
    pub parts: Vec<Part>,
    /// Which samples belong together (one patient, one scene), a number per sample; empty where each is a group of its
    /// own.
    pub groups: Vec<usize>,
}

impl Samples {
    /// Most classes of a data set, those of ImageNet. Comparisons of classes cost their square.
    pub const MOST_CLASSES: usize = 1000;

    /// Refuses more classes.
    pub(super) fn check_classes(place: &str, count: usize) -> Result<(), DataError> {
        let most = Self::MOST_CLASSES;
        let reason =
            || format!("{count} classes; expected at most {most}. Is the column of classes a name or a number?");
        if count <= most { Ok(()) } else { Err(DataError::malformed(place, reason())) }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Positions of the samples of a part, ascending.
    pub fn of(&self, part: Part) -> Vec<usize> {
        (0..self.len()).filter(|&i| self.parts[i] == part).collect()
    }

    /// Samples of each class in a part.
    pub fn count(&self, part: Part) -> Vec<usize> {
        let mut counts = vec![0; self.classes.len()];
        for i in self.of(part) {
            counts[self.labels[i]] += 1;
        }
        counts
    }

    /// The samples at these positions, in this order.
    pub fn select(&self, positions: &[usize]) -> Self {
        Self {
            source: self.source.clone(),
            ids: positions.iter().map(|&i| self.ids[i].clone()).collect(),
            labels: positions.iter().map(|&i| self.labels[i]).collect(),
            classes: self.classes.clone(),
            parts: positions.iter().map(|&i| self.parts[i]).collect(),
            groups: positions.iter().filter_map(|&i| self.groups.get(i).copied()).collect(),
        }
    }

    /// Passes samples on whose labels name classes and whose classes all have a sample to learn from and one held out.
    pub(super) fn checked(self) -> Result<Self, DataError> {
        let classes = self.classes.len();
        if let Some(i) = (0..self.len()).find(|&i| self.labels[i] >= classes) {
            let reason = format!(
                "sample {} has label {}, expected 0 to {}",
                self.ids[i],
                self.labels[i],
                classes.saturating_sub(1)
            );
            return Err(DataError::malformed(self.source, reason));
        }
        Self::check_classes(&self.source, classes)?;
        if classes < 2 {
            let only = self.classes.first().map_or("none", String::as_str);
            let reason = format!("one class ({only}) in {} samples; expected at least two", self.len());
            return Err(DataError::malformed(self.source, reason));
        }
        let has_test = self.parts.contains(&Part::Test);
        let needed = Part::ALL.into_iter().filter(|part| *part != Part::Test || has_test);
        for part in needed {
            if let Some(class) = self.count(part).iter().position(|&n| n == 0) {
                let (place, class) = (self.source, self.classes[class].clone());
                return Err(DataError::ClassTooSmall { place, class, part: part.name(), found: 0, needed: 1 });
            }
        }
        Ok(self)
    }
}

/// A picture of red, green, blue bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Picture {
    /// Pixels per row.
    pub width: usize,
    /// Rows.
    pub height: usize,
    /// `height · width · 3` bytes, row by row from the top.
    pub rgb: Vec<u8>,
}

impl Picture {
    /// From `height · width` grey bytes. Each becomes three equal channels.
    pub fn from_grey(width: usize, height: usize, grey: &[u8]) -> Self {
        Self { width, height, rgb: grey.iter().flat_map(|&g| [g; 3]).collect() }
    }
}

/// Pictures with what is known of them.
#[derive(Clone, Debug)]
pub struct Pictures {
    /// One per sample.
    pub pictures: Vec<Picture>,
    /// Their ids, labels and parts.
    pub samples: Samples,
    /// Why each file that did not decode was left out; empty unless skipping is on.
    pub skipped: Vec<String>,
    /// What was taken for what, and what was not read.
    pub notices: Vec<String>,
}

/// Feature vectors with what is known of them.
#[derive(Clone, Debug)]
pub struct Features {
    /// (samples, width).
    pub values: Array2<f32>,
    /// Their ids, labels and parts.
    pub samples: Samples,
    /// What was read in another way than it is written, such as labels that do not count from 0.
    pub notices: Vec<String>,
}

/// Feature vectors with their labels.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureRows {
    /// (rows, width).
    pub values: Array2<f32>,
    /// An index into `classes` per row.
    pub labels: Vec<usize>,
    /// Class names.
    pub classes: Vec<String>,
    /// A name per row that stays the same from run to run.
    pub ids: Vec<String>,
}

/// Rows to learn from and rows held out.
#[derive(Clone, Debug, PartialEq)]
pub struct FeatureSplit {
    /// To learn from.
    pub training: FeatureRows,
    /// Held out.
    pub validation: FeatureRows,
}

impl Features {
    /// The rows of a part.
    pub fn rows(&self, part: Part) -> FeatureRows {
        self.select(&self.samples.of(part))
    }

    /// The rows at these positions, in this order.
    pub fn select(&self, positions: &[usize]) -> FeatureRows {
        FeatureRows {
            values: self.values.select(Axis(0), positions),
            labels: positions.iter().map(|&row| self.samples.labels[row]).collect(),
            classes: self.samples.classes.clone(),
            ids: positions.iter().map(|&row| self.samples.ids[row].clone()).collect(),
        }
    }
}

impl FeatureRows {
    /// The rows at these positions, in this order.
    pub fn select(&self, positions: &[usize]) -> Self {
        Self {
            values: self.values.select(Axis(0), positions),
            labels: positions.iter().map(|&row| self.labels[row]).collect(),
            classes: self.classes.clone(),
            ids: positions.iter().map(|&row| self.ids[row].clone()).collect(),
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }
}
