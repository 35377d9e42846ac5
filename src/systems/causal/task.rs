//! Environments to learn from and one to be tested in.

use candle_core::{Device, Tensor};

use crate::data::{DataError, digits, garments};
use crate::math::Stream;
use crate::nn::Examples;
use crate::study::StudyError;
use crate::systems::causal::declaration::{Confounder, Declaration, Direction, KnownMechanism, Shift};
use crate::systems::causal::own::{OwnData, Reader};
use crate::systems::causal::scanner;
use crate::systems::causal::spec::{Images, Spec};

/// Rows of numbers with class and environment.
#[derive(Clone, Debug, Default)]
pub struct Rows {
    /// The numbers of all rows, one row behind the other.
    pub values: Vec<f32>,
    /// Class of each row.
    pub labels: Vec<u32>,
    /// Environment of each row.
    pub domains: Vec<u32>,
}

impl Rows {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Takes in a row.
    pub fn push(&mut self, values: &[f32], label: u32, domain: u32) {
        self.values.extend_from_slice(values);
        self.labels.push(label);
        self.domains.push(domain);
    }

    /// As tensors, each row of this shape.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn examples(&self, shape: &[usize]) -> Result<Examples, StudyError> {
        let whole = [&[self.len()], shape].concat();
        let inputs = Tensor::from_slice(&self.values, whole, &Device::Cpu)?;
        let domains = Some(Tensor::new(self.domains.as_slice(), &Device::Cpu)?);
        Ok(Examples { domains, ..Examples::new(inputs, Tensor::new(self.labels.as_slice(), &Device::Cpu)?) })
    }
}

/// What an arm learns from and is measured on.
pub struct Task {
    /// Rows of the training environments.
    pub training: Examples,
    /// The same without confounding, where the task can make them.
    pub deconfounded: Option<Examples>,
    /// Held-out rows of the training environments: training-domain validation selects on them.
    pub validation: Examples,
    /// Rows of the test environment that the oracle selects on.
    pub oracle: Examples,
    /// Other rows of the test environment: every figure is measured on them.
    pub test: Examples,
    /// The inputs of the test rows with what should not matter turned into its opposite.
    pub flipped: Option<Tensor>,
    /// Whether the oracle leaves colour out.
    pub has_colour: bool,
    /// Shape of a row.
    pub shape: Vec<usize>,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// How new rows become numbers; none for rows that are drawn.
    pub reader: Option<Reader>,
}

/// A task.
pub struct TaskRow {
    /// Name on the command line and of its grid.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// How its environments differ.
    pub declaration: fn() -> Declaration,
    /// Whether there is an arm without what changes.
    pub has_oracle: bool,
    /// Its rows under a seed.
    pub build: fn(&Spec, u64) -> Result<Task, StudyError>,
}

/// Every task inside the program.
pub static TASKS: &[TaskRow] = &[
    TaskRow {
        name: "coloured",
        doc: "coloured pictures: colour goes with the label in 80 and 90 % of training rows and in 10 % of test rows",
        declaration: || Declaration {
            shifts: vec![Shift::Manifestation],
            mechanism: Some(KnownMechanism::Channels),
            ..Declaration::default()
        },
        has_oracle: true,
        build: |spec, seed| coloured(spec, spec.colour_flips, seed),
    },
    TaskRow {
        name: "identical",
        doc: "control: coloured pictures whose environments are all alike",
        declaration: Declaration::default,
        has_oracle: false,
        build: |spec, seed| coloured(spec, [spec.colour_flips[1]; 3], seed),
    },
    TaskRow {
        name: "acquisition",
        doc: "simulated brain slices with and without a lesion: the test scanner has other settings",
        declaration: || Declaration {
            shifts: vec![Shift::Acquisition],
            mechanism: Some(KnownMechanism::Affine),
            ..Declaration::default()
        },
        has_oracle: false,
        build: |spec, seed| scanner::task(spec, scanner::Kind::Acquisition, seed),
    },
    TaskRow {
        name: "confounded",
        doc: "the same slices: one scanner sees most of the lesions in training, the other in the test",
        declaration: || Declaration {
            shifts: vec![Shift::Prevalence, Shift::Acquisition],
            confounder: Confounder::Environment,
            mechanism: Some(KnownMechanism::Affine),
            ..Declaration::default()
        },
        has_oracle: true,
        build: |spec, seed| scanner::task(spec, scanner::Kind::Confounded, seed),
    },
    TaskRow {
        name: "no_shift",
        doc: "the same slices: test rows are of the training scanners",
        declaration: Declaration::default,
        has_oracle: false,
        build: |spec, seed| scanner::task(spec, scanner::Kind::None, seed),
    },
    TaskRow {
        name: "lung",
        doc: "185 patients with lung cancer of 18 institutions, a third of which are the test: alive after a year?",
        declaration: || Declaration {
            shifts: vec![Shift::Acquisition],
            direction: Direction::Causal,
            confounder: Confounder::Environment,
            ..Declaration::default()
        },
        has_oracle: false,
        build: |_, seed| OwnData::lung()?.task(&[], seed),
    },
];

impl TaskRow {
    /// The task of this name.
    ///
    /// # Errors
    /// If there is none, with the nearest name.
    pub fn named(name: &str) -> Result<&'static Self, StudyError> {
        let found = TASKS.iter().find(|row| row.name == name);
        found.ok_or_else(|| StudyError::unknown("task", name, TASKS.iter().map(|row| row.name)))
    }
}

/// Rows of a colour in two channels.
fn paint(grey: &[f32], colour: usize) -> Vec<f32> {
    let nothing = vec![0.0; grey.len()];
    if colour == 0 { [grey, &nothing].concat() } else { [&nothing, grey].concat() }
}

/// Coloured pictures as Arjovsky et al. 2019 (arXiv:1907.02893) make them: the label says whether the class is below 5 and is
/// wrong in a share of rows; the colour is the label, and wrong in a share of rows that depends on the environment.
fn coloured(spec: &Spec, flips: [f64; 3], seed: u64) -> Result<Task, StudyError> {
    let (pictures, classes) = match spec.images {
        Images::Garments => garments()?,
        Images::Digits => digits()?,
    };
    let edge = pictures.ncols().isqrt();
    let mut stream = Stream::named(seed, "coloured");
    let order = stream.permutation(classes.len());
    let needed = spec.rows + 2 * spec.held_out_rows + spec.test_rows;
    if needed > classes.len() {
        let reason = format!(
            "rows + 2 held_out_rows + test_rows = {needed}, but there are {} pictures; lower them or use images = garments",
            classes.len()
        );
        return Err(StudyError::Settings { reason });
    }
    let mut parts: [Rows; 4] = Default::default();
    let mut flipped: Vec<f32> = Vec::new();
    let bounds = [spec.rows, spec.rows + spec.held_out_rows, spec.rows + 2 * spec.held_out_rows, needed];
    for (place, &row) in order[..needed].iter().enumerate() {
        let part = bounds.iter().position(|end| place < *end).unwrap_or(3);
        // Training rows and validation rows are of two environments in turn.
        let environment = if part < 2 { place % 2 } else { 2 };
        let mut draw = |share: f64| u32::from(stream.uniform() < share);
        let label = u32::from(classes[row] < 5) ^ draw(spec.label_flip);
        let colour = label ^ draw(flips[environment]);
        let grey: Vec<f32> = pictures.row(row).to_vec();
        parts[part].push(&paint(&grey, colour as usize), label, environment as u32);
        if part == 3 {
            flipped.extend(paint(&grey, 1 - colour as usize));
        }
    }
    let shape = vec![2, edge, edge];
    let whole = [&[spec.test_rows][..], &shape].concat();
    Ok(Task {
        training: parts[0].examples(&shape)?,
        deconfounded: None,
        validation: parts[1].examples(&shape)?,
        oracle: parts[2].examples(&shape)?,
        test: parts[3].examples(&shape)?,
        flipped: Some(Tensor::from_vec(flipped, whole, &Device::Cpu)?),
        has_colour: true,
        shape,
        classes: ["5 to 9", "0 to 4"].map(String::from).to_vec(),
        reader: None,
    })
}

/// Nothing to learn from.
pub fn too_few(place: &str, reason: impl Into<String>) -> StudyError {
    DataError::malformed(place, reason.into()).into()
}
