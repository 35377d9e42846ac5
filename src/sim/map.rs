//! Gates as lists of real numbers that depend on angles, with their derivatives.
//!
//! Engines differ in what the numbers are (entries of the unitary, of its diagonal, of its Pauli transfer matrix) and
//! agree on how they depend on angles, which is what stands here.

use std::f64::consts::PI;
use std::ops::Range;

use crate::circuit::{Op, OpKind, Param};
use crate::math::Matrix;
use crate::math::matrix::{C64, controlled, controlled_block};
use crate::sim::Angles;

/// From a unitary to the numbers or, given the derivative of the unitary as well, to their derivative.
pub type Flatten = Box<dyn Fn(&Matrix, Option<&Matrix>) -> Vec<f64> + Send + Sync>;

/// A list of real numbers as a function of angles.
pub enum Map {
    /// No slot.
    Fixed(Vec<f64>),
    /// A gate with one angle: a trigonometric polynomial, a list for each function of [`harmonics`].
    Wave { coefficients: [Vec<f64>; 5], param: Param },
    /// A gate with several angles.
    Gate { op: Op, flatten: Flatten },
}

/// What gates with one angle are made of. Their entries have frequencies 0 and ±1/2 (rotations) or 0 and 1 (phases),
/// products of two of them 0, 1/2 and 1.
fn harmonics(angle: f64) -> [f64; 5] {
    let (sin_half, cos_half) = (angle / 2.0).sin_cos();
    [1.0, cos_half, sin_half, cos_half * cos_half - sin_half * sin_half, 2.0 * sin_half * cos_half]
}

fn harmonics_derivative(angle: f64) -> [f64; 5] {
    let [_, cos_half, sin_half, cos, sin] = harmonics(angle);
    [0.0, -0.5 * sin_half, 0.5 * cos_half, -sin, cos]
}

impl Map {
    /// The numbers of a unitary operation.
    pub fn of(op: &Op, flatten: Flatten) -> Self {
        let at = |angle: f64| {
            let mut op = op.clone();
            op.params_mut().iter_mut().filter(|p| p.dependence().is_some()).for_each(|p| *p = Param::Fixed(angle));
            flatten(&unitary(&op), None)
        };
        let param = match op.params() {
            params if params.iter().all(|p| p.dependence().is_none()) => return Self::Fixed(at(0.0)),
            &[param] => param,
            _ => return Self::Gate { op: op.clone(), flatten },
        };
        // Five samples over the period 4π fix the five coefficients (a discrete Fourier transform).
        let mut coefficients: [Vec<f64>; 5] = Default::default();
        for angle in (0..5).map(|k| 4.0 * PI * f64::from(k) / 5.0) {
            let sample = at(angle);
            for (h, (list, value)) in coefficients.iter_mut().zip(harmonics(angle)).enumerate() {
                let weight = if h == 0 { 0.2 } else { 0.4 } * value;
                list.resize(sample.len(), 0.0);
                list.iter_mut().zip(&sample).for_each(|(sum, entry)| *sum += weight * entry);
            }
        }
        // What is zero in truth has come out as rounding error.
        coefficients.iter_mut().flatten().filter(|x| x.abs() < 1e-15).for_each(|x| *x = 0.0);
        Self::Wave { coefficients, param }
    }

    /// Whether it holds no slot.
    pub fn is_fixed(&self) -> bool {
        matches!(self, Self::Fixed(_))
    }

    /// Whether it reads a slot below `row_slots`.
    pub fn by_row(&self, row_slots: usize) -> bool {
        let params = match self {
            Self::Fixed(_) => &[],
            Self::Wave { param, .. } => std::slice::from_ref(param),
            Self::Gate { op, .. } => op.params(),
        };
        params.iter().any(|p| p.dependence().is_some_and(|(slot, _)| slot < row_slots))
    }

    /// The numbers for each of `rows`: `list[entry·L + lane]`. A map without row slots has the same for all rows.
    pub fn values(&self, angles: &Angles, rows: Range<usize>) -> Vec<f64> {
        let lanes = rows.len();
        match self {
            Self::Fixed(list) => list.iter().flat_map(|&entry| std::iter::repeat_n(entry, lanes)).collect(),
            Self::Wave { coefficients, param } => {
                let functions: Vec<[f64; 5]> = rows.map(|row| harmonics(angles.value(*param, row))).collect();
                let mut out = vec![0.0; coefficients[0].len() * lanes];
                for (h, list) in coefficients.iter().enumerate() {
                    // Most entries have one or two functions in them.
                    for (entry, c) in list.iter().enumerate().filter(|(_, c)| **c != 0.0) {
                        let numbers = &mut out[entry * lanes..][..lanes];
                        numbers.iter_mut().zip(&functions).for_each(|(number, f)| *number += c * f[h]);
                    }
                }
                out
            }
            Self::Gate { op, flatten } => {
                let each: Vec<Vec<f64>> = rows.map(|row| flatten(&gate_at(op, angles, row).0, None)).collect();
                let size = each.first().map_or(0, Vec::len);
                (0..size * lanes).map(|i| each[i % lanes][i / lanes]).collect()
            }
        }
    }

    /// From the derivative by the numbers, `d[entry·L + lane]`, to that by slots, told to `add(row, slot, value)`.
    pub fn gradient(&self, angles: &Angles, rows: Range<usize>, d: &[f64], mut add: impl FnMut(usize, usize, f64)) {
        let lanes = rows.len();
        let along = |list: &[f64], lane: usize| -> f64 {
            list.iter().enumerate().map(|(entry, value)| value * d[entry * lanes + lane]).sum()
        };
        match self {
            Self::Fixed(_) => {}
            Self::Wave { coefficients, param } => {
                let Some((slot, scale)) = param.dependence() else { return };
                let rows: Vec<usize> = rows.collect();
                let functions: Vec<[f64; 5]> =
                    rows.iter().map(|&row| harmonics_derivative(angles.value(*param, row))).collect();
                let mut sums = vec![0.0; lanes];
                for (h, list) in coefficients.iter().enumerate() {
                    for (entry, c) in list.iter().enumerate().filter(|(_, c)| **c != 0.0) {
                        let d = &d[entry * lanes..][..lanes];
                        sums.iter_mut().zip(d).zip(&functions).for_each(|((sum, d), f)| *sum += c * d * f[h]);
                    }
                }
                rows.into_iter().zip(sums).for_each(|(row, sum)| add(row, slot, scale * sum));
            }
            Self::Gate { op, flatten } => {
                for (lane, row) in rows.enumerate() {
                    let (unitary, derivatives) = gate_at(op, angles, row);
                    for (slot, scale, derivative) in derivatives {
                        add(row, slot, scale * along(&flatten(&unitary, Some(&derivative)), lane));
                    }
                }
            }
        }
    }
}

/// The unitary of an operation without slots; a global phase is one on no qubits.
pub fn unitary(op: &Op) -> Matrix {
    match op.kind {
        OpKind::GlobalPhase(angle) => Matrix::from_elem((1, 1), C64::from_polar(1.0, angle.value(&[]))),
        _ => op.matrix(&[]).expect("gates and unitaries have a matrix"),
    }
}

/// The unitary of a gate for one row, and `(slot, scale, dU/d angle)` for each angle that has a slot.
fn gate_at(op: &Op, angles: &Angles, row: usize) -> (Matrix, Vec<(usize, f64, Matrix)>) {
    let OpKind::Gate { gate, params, controls } = &op.kind else { unreachable!("only gates have several angles") };
    let values: Vec<f64> = params.iter().map(|&p| angles.value(p, row)).collect();
    let derivatives = params.iter().enumerate().filter_map(|(k, p)| {
        let (slot, scale) = p.dependence()?;
        Some((slot, scale, controlled_block(&(gate.row().derivative)(&values, k), *controls)))
    });
    (controlled(&(gate.row().matrix)(&values), *controls), derivatives.collect())
}
