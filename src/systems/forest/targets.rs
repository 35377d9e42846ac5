//! What students learn from: rows of inputs, each with a distribution over the classes.

use candle_core::{DType, Device, Tensor};
use ndarray::{Array2, ArrayView2, Axis, concatenate};

use crate::math::Stream;
use crate::math::order::argmax;
use crate::nn::loss::{Loss, Objective, cross_entropy, distillation};
use crate::nn::{Examples, NnError, Output};
use crate::study::StudyError;
use crate::systems::forest::spec::Spec;
use crate::systems::forest::task::{Rows, Task};

/// Where a student's targets come from.
#[derive(Debug)]
pub struct TargetRow {
    /// Name on the command line.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// Whether the default settings have it.
    pub is_default: bool,
    origin: Origin,
}

/// Where the distribution of a row comes from.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Origin {
    Labels,
    Forest,
    OutOfBag,
    Synthetic,
    Mixed,
}

/// Every kind of target, that without the forest first.
pub static TARGETS: &[TargetRow] = &[
    TargetRow {
        name: "hard",
        doc: "the labels: a network without the forest",
        is_default: true,
        origin: Origin::Labels,
    },
    TargetRow {
        name: "soft",
        doc: "the forest's probabilities on its own training rows",
        is_default: true,
        origin: Origin::Forest,
    },
    TargetRow {
        name: "out_of_bag",
        doc: "the probabilities of the trees that did not see the row, a third of them",
        is_default: true,
        origin: Origin::OutOfBag,
    },
    TargetRow {
        name: "synthetic",
        doc: "soft, and the forest's probabilities on synthetic rows: true ones with values swapped in from others",
        is_default: true,
        origin: Origin::Synthetic,
    },
    TargetRow {
        name: "mixed",
        doc: "soft, and the forest's probabilities on synthetic rows: true ones mixed with their nearest neighbours (MUNGE)",
        is_default: false,
        origin: Origin::Mixed,
    },
];

/// The smallest probability of a teacher: a forest gives exact zeros, whose logarithm no student can reach.
const FLOOR: f64 = 1e-3;

/// `(1 - labels) T² KL(teacher ‖ student)` of outputs softened by T, plus `labels` times the cross-entropy of the
/// labels. Targets: the teacher's probabilities (rows, classes), and classes (rows) u32.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Imitation {
    /// T.
    pub temperature: f64,
    /// Share of the labels; 1 is learning without a teacher.
    pub labels: f64,
}

impl Objective for Imitation {
    fn losses(&self, output: &Output, targets: &[Tensor]) -> Result<Tensor, NnError> {
        let [teacher, labels] = targets else {
            let reason = "imitation compares with probabilities and classes";
            return Err(NnError::Setting { field: "targets", value: targets.len().to_string(), reason });
        };
        let hard = cross_entropy(&output.logits, labels)?;
        if self.labels == 1.0 {
            return Ok(hard);
        }
        let soft = distillation(&output.logits, &teacher.maximum(FLOOR)?.log()?, self.temperature)?;
        Ok(((soft * (1.0 - self.labels))? + (hard * self.labels)?)?)
    }
}

impl TargetRow {
    /// The target of this name.
    ///
    /// # Errors
    /// If there is none.
    pub fn named(name: &str) -> Result<&'static Self, StudyError> {
        let names = TARGETS.iter().map(|row| row.name);
        TARGETS.iter().find(|row| row.name == name).ok_or_else(|| StudyError::unknown("target", name, names))
    }

    /// The objective of a student with these targets.
    pub fn objective(&self, spec: &Spec) -> Imitation {
        let labels = if self.origin == Origin::Labels { 1.0 } else { spec.labels };
        Imitation { temperature: spec.temperature, labels }
    }

    /// The objective of a student of `task`: imitation, or squares where the target is a number.
    pub fn objective_of(&self, spec: &Spec, task: &Task) -> Box<dyn Objective> {
        match task.scale {
            Some(_) => Box::new(Loss::Squares),
            None => Box::new(self.objective(spec)),
        }
    }

    /// Whether trees must not have seen a row that a student learns from.
    pub fn is_out_of_bag(&self) -> bool {
        self.origin == Origin::OutOfBag
    }

    /// Validation rows, which no tree has seen, with what the student is to say of them.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn held_out(&self, task: &Task) -> Result<Examples, NnError> {
        let rows = &task.validation;
        match (task.scale, self.origin) {
            (Some(scale), Origin::Labels) => numbers(&rows.encoded, &column(&rows.numbers), scale),
            (Some(scale), _) => numbers(&rows.encoded, &task.teacher.forest.predict(rows.filled.view()), scale),
            (None, _) => held_out(task, rows),
        }
    }

    /// The rows a student learns from.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn training(&self, spec: &Spec, task: &Task) -> Result<Examples, NnError> {
        let (rows, forest) = (&task.training, &task.teacher.forest);
        let examples = |inputs: &Array2<f32>, teacher: &Array2<f64>, labels: &[usize]| match task.scale {
            Some(scale) => numbers(inputs, teacher, scale),
            None => examples(inputs, teacher, labels),
        };
        match self.origin {
            Origin::Labels if task.scale.is_some() => examples(&rows.encoded, &column(&rows.numbers), &rows.labels),
            Origin::OutOfBag => examples(&rows.encoded, &task.teacher.out_of_bag, &rows.labels),
            Origin::Labels | Origin::Forest => {
                examples(&rows.encoded, &forest.predict(rows.filled.view()), &rows.labels)
            }
            Origin::Synthetic | Origin::Mixed => {
                let synthetic = match self.origin {
                    Origin::Mixed => mixed(task, spec),
                    _ => swapped(rows.raw.view(), spec.copies, spec.swap, task.seed),
                };
                let filled = task.encoder.filled(synthetic.view());
                let (own, of_synthetic) = (forest.predict(rows.filled.view()), forest.predict(filled.view()));
                // A synthetic row has no label of its own. Where labels count, its label is the forest's class.
                let labels: Vec<usize> =
                    rows.labels.iter().copied().chain(of_synthetic.rows().into_iter().map(argmax)).collect();
                let encoded = task.encoder.encoded(synthetic.view());
                let inputs = concatenate![Axis(0), rows.encoded, encoded];
                examples(&inputs, &concatenate![Axis(0), own, of_synthetic], &labels)
            }
        }
    }
}

/// Validation rows, which no tree has seen.
///
/// # Errors
/// If the tensor library fails.
pub fn held_out(task: &Task, rows: &Rows) -> Result<Examples, NnError> {
    examples(&rows.encoded, &task.teacher.forest.predict(rows.filled.view()), &rows.labels)
}

/// `copies` times as many rows, each a true one in which every value is, at rate `swap`, that of a random row: columns
/// keep their distributions, and values that go together mostly stay together.
pub fn swapped(rows: ArrayView2<'_, f32>, copies: usize, swap: f64, seed: u64) -> Array2<f32> {
    let mut stream = Stream::named(seed, "swapped rows");
    let (count, columns) = rows.dim();
    Array2::from_shape_fn((copies * count, columns), |(row, column)| {
        let other = if stream.uniform() < swap { stream.below(count) } else { row % count };
        rows[[other, column]]
    })
}

/// `copies` times as many rows as there are to learn from, each mixed with its nearest neighbour: MUNGE (Bucilă, Caruana &
/// Niculescu-Mizil 2006, "Model compression", KDD, algorithm 1, with p = `swap` and s = `spread`). Each value of a pair is
/// kept or, at rate `swap`, exchanged; a number is then drawn from a normal around the other's, whose deviation is their
/// distance over `spread`. Neighbours are those of the encoded true rows.
pub fn mixed(task: &Task, spec: &Spec) -> Array2<f32> {
    let rows = &task.training;
    let neighbours = neighbours(rows.encoded.view());
    let mut stream = Stream::named(task.seed, "mixed rows");
    let mut all = Vec::with_capacity(spec.copies);
    for _ in 0..spec.copies {
        let mut copy = rows.raw.clone();
        for (row, &other) in neighbours.iter().enumerate() {
            for column in 0..copy.ncols() {
                if stream.uniform() >= spec.swap {
                    continue;
                }
                let (own, its) = (copy[[row, column]], copy[[other, column]]);
                let mut near = |centre: f32| centre + ((own - its).abs() as f64 / spec.spread * stream.normal()) as f32;
                // A gap is exchanged as a word is: there is no distance to it.
                let number = task.numbers[column] && !own.is_nan() && !its.is_nan();
                (copy[[row, column]], copy[[other, column]]) = if number { (near(its), near(own)) } else { (its, own) };
            }
        }
        all.push(copy);
    }
    let views: Vec<_> = all.iter().map(|copy| copy.view()).collect();
    // Zero copies are zero rows.
    concatenate(Axis(0), &views).unwrap_or_else(|_| Array2::zeros((0, rows.raw.ncols())))
}

/// The nearest other row of each; of a single row, itself.
fn neighbours(rows: ArrayView2<'_, f32>) -> Vec<usize> {
    let nearest = |row: usize| {
        let distance =
            |other: usize| -> f32 { rows.row(row).iter().zip(rows.row(other)).map(|(a, b)| (a - b).powi(2)).sum() };
        let others = (0..rows.nrows()).filter(|other| *other != row).map(|other| (other, distance(other)));
        others.min_by(|a, b| a.1.total_cmp(&b.1)).map_or(row, |(other, _)| other)
    };
    (0..rows.nrows()).map(nearest).collect()
}

/// Rows with standardised numbers (rows, 1) to predict.
fn numbers(inputs: &Array2<f32>, targets: &Array2<f64>, (mean, deviation): (f64, f64)) -> Result<Examples, NnError> {
    let targets = targets.mapv(|target| ((target - mean) / deviation) as f32);
    Ok(Examples::new(tensor(inputs)?, tensor(&targets)?))
}

fn column(numbers: &[f64]) -> Array2<f64> {
    Array2::from_shape_fn((numbers.len(), 1), |(row, _)| numbers[row])
}

fn examples(inputs: &Array2<f32>, teacher: &Array2<f64>, labels: &[usize]) -> Result<Examples, NnError> {
    let labels: Vec<u32> = labels.iter().map(|&label| label as u32).collect();
    let mut examples = Examples::new(tensor(inputs)?, tensor(teacher)?.to_dtype(DType::F32)?);
    examples.targets.push(Tensor::new(labels, &Device::Cpu)?);
    Ok(examples)
}

/// An array as a tensor.
///
/// # Errors
/// If the tensor library fails.
pub fn tensor<T: candle_core::WithDType>(array: &Array2<T>) -> candle_core::Result<Tensor> {
    Tensor::from_vec(array.iter().copied().collect::<Vec<T>>(), array.dim(), &Device::Cpu)
}
