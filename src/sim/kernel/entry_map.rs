//! Gates as lists of real numbers that depend on angles, with their derivatives.
//!
//! Engines differ in what the numbers are (entries of the unitary, of its diagonal, of its Pauli transfer matrix) and
//! agree on how they depend on angles, which this module defines.

use std::f64::consts::PI;
use std::ops::Range;

use smallvec::SmallVec;

use crate::circuit::{Op, OpKind, Param};
use crate::math::Matrix;
use crate::math::matrix::C64;
use crate::sim::Angles;

/// From a unitary to the numbers or, given the derivative of the unitary as well, to their derivative.
pub type Flatten = Box<dyn Fn(&Matrix, Option<&Matrix>) -> Vec<f64> + Send + Sync>;

/// A list of real numbers as a function of angles.
pub enum EntryMap {
    /// No slot.
    Fixed(Vec<f64>),
    /// A gate with one angle: `size` trigonometric polynomials, as terms.
    Wave { size: usize, terms: Vec<Term>, param: Param },
    /// A gate with several angles.
    Gate { size: usize, op: Op, flatten: Flatten },
}

/// `coefficient` times function number `harmonic` of [`harmonics`] in the number `entry`. Most numbers of a gate have one
/// or two terms.
#[derive(Clone, Copy)]
pub struct Term {
    entry: usize,
    harmonic: usize,
    coefficient: f64,
}

/// Rows whose angles are worked on at once, without asking for memory.
const CHUNK: usize = 32;

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

impl EntryMap {
    /// The numbers of a unitary operation without controls ([`Op::without_controls`]).
    pub fn of(op: &Op, flatten: Flatten) -> Self {
        let at = |angle: f64| {
            let mut op = op.clone();
            op.params_mut().iter_mut().filter(|p| p.dependence().is_some()).for_each(|p| *p = Param::Fixed(angle));
            flatten(&unitary(&op), None)
        };
        let param = match op.params() {
            params if params.iter().all(|p| p.dependence().is_none()) => return Self::Fixed(at(0.0)),
            &[param] => param,
            _ => return Self::Gate { size: at(0.0).len(), op: op.clone(), flatten },
        };
        // Five samples over the period 4π fix the five coefficients (a discrete Fourier transform).
        let samples = [0, 1, 2, 3, 4].map(|k| {
            let angle = 4.0 * PI * f64::from(k) / 5.0;
            (harmonics(angle), at(angle))
        });
        let size = samples[0].1.len();
        let coefficient = |entry: usize, harmonic: usize| {
            let sum: f64 = samples.iter().map(|(functions, list)| functions[harmonic] * list[entry]).sum();
            sum * if harmonic == 0 { 0.2 } else { 0.4 }
        };
        let all = (0..5).flat_map(|harmonic| (0..size).map(move |entry| (entry, harmonic)));
        let terms = all.map(|(entry, harmonic)| Term { entry, harmonic, coefficient: coefficient(entry, harmonic) });
        // What is zero in truth has come out as rounding error.
        let terms = terms.filter(|term| term.coefficient.abs() >= 1e-15).collect();
        Self::Wave { size, terms, param }
    }

    /// How many numbers there are.
    pub fn size(&self) -> usize {
        match self {
            Self::Fixed(list) => list.len(),
            Self::Wave { size, .. } | Self::Gate { size, .. } => *size,
        }
    }

    /// Whether it holds no slot.
    pub fn is_fixed(&self) -> bool {
        matches!(self, Self::Fixed(_))
    }

    /// Whether it reads a slot below `input_slots`.
    pub fn by_row(&self, input_slots: usize) -> bool {
        let params = match self {
            Self::Fixed(_) => &[],
            Self::Wave { param, .. } => std::slice::from_ref(param),
            Self::Gate { op, .. } => op.params(),
        };
        params.iter().any(|p| p.dependence().is_some_and(|(slot, _)| slot < input_slots))
    }

    /// The numbers for each of `rows`: `list[entry·L + lane]`. A map without input slots has the same for all rows.
    pub fn values(&self, angles: &Angles, rows: Range<usize>) -> Vec<f64> {
        let mut out = vec![0.0; self.size() * rows.len()];
        self.write(angles, rows, &mut out);
        out
    }

    /// What `work` makes of the numbers of a map without input slots, which all rows share.
    pub fn shared<T>(&self, angles: &Angles, work: impl FnOnce(&[f64]) -> T) -> T {
        if let Self::Fixed(list) = self {
            return work(list);
        }
        let mut list = SmallVec::<[f64; 16]>::from_elem(0.0, self.size());
        self.write(angles, 0..1, &mut list);
        work(&list)
    }

    /// Adds [`EntryMap::values`] to `out`, all zeros.
    pub fn write(&self, angles: &Angles, rows: Range<usize>, out: &mut [f64]) {
        let lanes = rows.len();
        match self {
            Self::Fixed(list) => {
                for (numbers, &entry) in out.chunks_exact_mut(lanes.max(1)).zip(list) {
                    numbers.fill(entry);
                }
            }
            Self::Wave { terms, param, .. } if lanes == 1 => {
                let functions = harmonics(angles.value(*param, rows.start));
                terms.iter().for_each(|term| out[term.entry] += term.coefficient * functions[term.harmonic]);
            }
            Self::Wave { terms, param, .. } => {
                for (first, functions) in functions(angles, *param, rows, harmonics) {
                    let count = CHUNK.min(lanes - first);
                    for term in terms {
                        let numbers = &mut out[term.entry * lanes + first..][..count];
                        let functions = &functions[term.harmonic];
                        numbers.iter_mut().zip(functions).for_each(|(number, f)| *number += term.coefficient * f);
                    }
                }
            }
            Self::Gate { op, flatten, .. } => {
                for (lane, row) in rows.enumerate() {
                    let list = flatten(&gate_at(op, angles, row).0, None);
                    list.iter().enumerate().for_each(|(entry, &value)| out[entry * lanes + lane] = value);
                }
            }
        }
    }

    /// From the derivative by the numbers, `d[entry·L + lane]`, to that by slots: calls `add(row, slot, value)`.
    pub fn gradient(&self, angles: &Angles, rows: Range<usize>, d: &[f64], mut add: impl FnMut(usize, usize, f64)) {
        let lanes = rows.len();
        match self {
            Self::Fixed(_) => {}
            Self::Wave { terms, param, .. } => {
                let Some((slot, scale)) = param.dependence() else { return };
                if lanes == 1 {
                    let functions = harmonics_derivative(angles.value(*param, rows.start));
                    let parts = terms.iter().map(|term| term.coefficient * d[term.entry] * functions[term.harmonic]);
                    return add(rows.start, slot, scale * parts.sum::<f64>());
                }
                for (first, functions) in functions(angles, *param, rows.clone(), harmonics_derivative) {
                    let count = CHUNK.min(lanes - first);
                    let mut sums = [0.0; CHUNK];
                    for term in terms {
                        let d = &d[term.entry * lanes + first..][..count];
                        let pairs = d.iter().zip(&functions[term.harmonic]);
                        sums.iter_mut().zip(pairs).for_each(|(sum, (d, f))| *sum += term.coefficient * d * f);
                    }
                    sums[..count].iter().zip(rows.start + first..).for_each(|(sum, row)| add(row, slot, scale * sum));
                }
            }
            Self::Gate { op, flatten, .. } => {
                for (lane, row) in rows.enumerate() {
                    let (unitary, derivatives) = gate_at(op, angles, row);
                    for (slot, scale, derivative) in derivatives {
                        let list = flatten(&unitary, Some(&derivative));
                        let along = list.iter().enumerate().map(|(entry, value)| value * d[entry * lanes + lane]);
                        add(row, slot, scale * along.sum::<f64>());
                    }
                }
            }
        }
    }
}

/// The functions of one parameter's value for rows in chunks, with the number of the first row of each.
fn functions(
    angles: &Angles,
    param: Param,
    rows: Range<usize>,
    of: fn(f64) -> [f64; 5],
) -> impl Iterator<Item = (usize, [[f64; CHUNK]; 5])> {
    rows.clone().step_by(CHUNK).map(move |first| {
        let mut out = [[0.0; CHUNK]; 5];
        for (lane, row) in (first..rows.end.min(first + CHUNK)).enumerate() {
            for (list, value) in out.iter_mut().zip(of(angles.value(param, row))) {
                list[lane] = value;
            }
        }
        (first - rows.start, out)
    })
}

/// The unitary of an operation without slots. A global phase is one on no qubits.
pub fn unitary(op: &Op) -> Matrix {
    match op.kind {
        OpKind::GlobalPhase(angle) => Matrix::from_elem((1, 1), C64::from_polar(1.0, angle.value(&[]))),
        _ => op.matrix(&[]).expect("gates and unitaries have a matrix"),
    }
}

/// The unitary of a gate for one row, and `(slot, scale, dU/d angle)` for each angle that has a slot.
fn gate_at(op: &Op, angles: &Angles, row: usize) -> (Matrix, Vec<(usize, f64, Matrix)>) {
    let OpKind::Gate { gate, params, .. } = &op.kind else { unreachable!("only gates have several angles") };
    let values: Vec<f64> = params.iter().map(|&p| angles.value(p, row)).collect();
    let derivatives = params.iter().enumerate().filter_map(|(k, p)| {
        let (slot, scale) = p.dependence()?;
        Some((slot, scale, (gate.row().derivative)(&values, k)))
    });
    ((gate.row().matrix)(&values), derivatives.collect())
}
