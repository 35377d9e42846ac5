//! What students learn from: a row of inputs and the distribution over classes that goes with it.

use candle_core::{DType, Device, Tensor};
use ndarray::{Array2, ArrayView2, Axis, concatenate};

use crate::math::Stream;
use crate::nn::loss::{Objective, cross_entropy, distillation};
use crate::nn::{Examples, NnError, Output};
use crate::systems::forest::spec::Spec;
use crate::systems::forest::task::{Rows, Task};

/// Where a student's targets come from.
#[derive(Debug)]
pub struct TargetRow {
    /// Name in specs.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Labels,
    Forest,
    OutOfBag,
    Synthetic,
}

/// Every kind of target, that without the forest first.
pub static TARGETS: &[TargetRow] = &[
    TargetRow { name: "hard", doc: "the labels: a network without the forest", kind: Kind::Labels },
    TargetRow { name: "soft", doc: "what the forest says of its own training rows", kind: Kind::Forest },
    TargetRow {
        name: "out_of_bag",
        doc: "what the trees say that did not see the row: honest, from a third of the trees",
        kind: Kind::OutOfBag,
    },
    TargetRow {
        name: "synthetic",
        doc: "soft, and what the forest says of made-up rows: true ones with values swapped in from others",
        kind: Kind::Synthetic,
    },
];

/// The smallest probability a teacher gives: forests say 0, whose logarithm no student can meet.
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
    /// What a student with these targets makes small.
    pub fn objective(&self, spec: &Spec) -> Imitation {
        let labels = if self.kind == Kind::Labels { 1.0 } else { spec.labels };
        Imitation { temperature: spec.temperature, labels }
    }

    /// The rows a student learns from.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn training(&self, spec: &Spec, task: &Task) -> Result<Examples, NnError> {
        let (rows, forest) = (&task.training, &task.teacher.forest);
        match self.kind {
            Kind::OutOfBag => examples(&rows.encoded, &task.teacher.out_of_bag, &rows.labels),
            Kind::Labels | Kind::Forest => examples(&rows.encoded, &forest.predict(rows.filled.view()), &rows.labels),
            Kind::Synthetic => {
                let made_up = swapped(rows.raw.view(), spec.copies, spec.swap, task.seed);
                let filled = task.encoder.filled(made_up.view());
                let (own, told) = (forest.predict(rows.filled.view()), forest.predict(filled.view()));
                // A made-up row has no label of its own; where labels count, the forest's choice stands in.
                let labels: Vec<usize> =
                    rows.labels.iter().copied().chain(told.rows().into_iter().map(largest)).collect();
                let encoded = task.encoder.encoded(made_up.view());
                let inputs = concatenate![Axis(0), rows.encoded, encoded];
                examples(&inputs, &concatenate![Axis(0), own, told], &labels)
            }
        }
    }
}

/// Rows whose answers no tree has seen: those to choose on.
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

/// The first of the largest.
pub fn largest(row: ndarray::ArrayView1<'_, f64>) -> usize {
    (0..row.len()).fold(0, |best, k| if row[k] > row[best] { k } else { best })
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
