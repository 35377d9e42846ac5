//! The angles of a batch, and gradients shaped like them.

use std::ops::AddAssign;

use ndarray::{Array1, Array2, ArrayView1, ArrayView2};

use crate::circuit::Param;

/// The angles of a batch, radians. Input slots differ by row, weight slots are shared by the batch: slot k of row b is
/// `inputs[b][k]` for `k < inputs.ncols()`, and `weights[k - inputs.ncols()]` beyond.
///
/// The split makes a batch cheap: what depends on weights alone is computed once for the whole batch, and its gradient
/// is summed over the rows.
#[derive(Clone, Copy, Debug)]
pub struct Angles<'a> {
    /// (batch, input slots).
    pub inputs: ArrayView2<'a, f64>,
    /// (weight slots).
    pub weights: ArrayView1<'a, f64>,
}

impl<'a> Angles<'a> {
    /// One row without input slots.
    pub fn of_weights(weights: &'a [f64]) -> Self {
        let inputs = ArrayView2::from_shape((1, 0), &[]).expect("one row of no numbers");
        Self { inputs, weights: weights.into() }
    }
}

impl Angles<'_> {
    /// Number of rows.
    pub fn batch(&self) -> usize {
        self.inputs.nrows()
    }

    /// Number of slots, inputs and weights together.
    pub fn slots(&self) -> usize {
        self.inputs.ncols() + self.weights.len()
    }

    /// The value of `param` in one row, radians. `row` does not matter for weight slots.
    pub fn value(&self, param: Param, row: usize) -> f64 {
        match param {
            Param::Fixed(value) => value,
            Param::Slot { slot, scale, offset } => {
                let split = self.inputs.ncols();
                let angle = if slot < split { self.inputs[[row, slot]] } else { self.weights[slot - split] };
                scale * angle + offset
            }
        }
    }

    /// The full angle vector of one row, radians.
    pub fn row(&self, row: usize) -> Vec<f64> {
        self.inputs.row(row).iter().chain(self.weights).copied().collect()
    }
}

/// The gradient of a batch, shaped like its [`Angles`].
#[derive(Clone, Debug, PartialEq)]
pub struct AngleGradient {
    /// (batch, input slots).
    pub inputs: Array2<f64>,
    /// (weight slots), summed over the batch.
    pub weights: Array1<f64>,
}

impl AngleGradient {
    /// All zeros, shaped like `angles`.
    pub fn zeros(angles: &Angles) -> Self {
        Self { inputs: Array2::zeros(angles.inputs.raw_dim()), weights: Array1::zeros(angles.weights.len()) }
    }

    /// Adds `value` to the derivative by `slot`, of `row` if it is an input slot.
    pub(super) fn add(&mut self, row: usize, slot: usize, value: f64) {
        let split = self.inputs.ncols();
        if slot < split {
            self.inputs[[row, slot]] += value;
        } else {
            self.weights[slot - split] += value;
        }
    }
}

impl AddAssign for AngleGradient {
    /// The sum of two gradients by the same angles.
    fn add_assign(&mut self, other: Self) {
        self.inputs += &other.inputs;
        self.weights += &other.weights;
    }
}

/// Angles that a tape keeps.
pub(super) struct OwnedAngles {
    inputs: Array2<f64>,
    weights: Array1<f64>,
}

impl OwnedAngles {
    pub fn new(inputs: Array2<f64>, weights: Array1<f64>) -> Self {
        Self { inputs, weights }
    }

    pub fn of(angles: &Angles) -> Self {
        Self { inputs: angles.inputs.to_owned(), weights: angles.weights.to_owned() }
    }

    pub fn view(&self) -> Angles<'_> {
        Angles { inputs: self.inputs.view(), weights: self.weights.view() }
    }
}
