//! Unitaries on three and more qubits: the quantum Shannon decomposition.
//!
//! Shende, Bullock and Markov 2006, arXiv quant-ph/0406176: a cosine-sine decomposition splits a unitary into two
//! multiplexed unitaries around a multiplexed Ry of its highest qubit, each multiplexed unitary is two smaller ones around
//! a multiplexed Rz (theorem 12), down to two qubits. With both savings of their appendix an n-qubit unitary takes
//! `23/48·4ⁿ - 3/2·2ⁿ + 4/3` CZ: 20, 100, 444 on three, four, five qubits.

use crate::circuit::Param;
use crate::device::transpile::kak;
use crate::device::transpile::one_qubit_run::{OneQubitRun, ry};
use crate::device::transpile::step::{StepKind, cx};
use crate::math::Matrix;
use crate::math::matrix::{C64, dagger};
use crate::math::small::{Small, adjoint, from_matrix, one, product};
use crate::math::unitary::{CosineSine, cosine_sine, eigenbasis};

/// A piece of the decomposition, in time order.
enum Part {
    /// A unitary on the two lowest qubits.
    Block(Small<4>),
    /// A step that is diagonal on the two lowest qubits.
    Step(StepKind),
}

/// Steps on at least two `qubits`, least significant first, that equal `u` up to phase.
pub(super) fn synthesise(u: &Matrix, qubits: &[usize]) -> Vec<StepKind> {
    let mut parts = Vec::new();
    split(u, qubits, &mut parts);
    // From the last block to the first: what is left of a block is two CZ after a diagonal one, which passes through the
    // steps before it and joins the block before those (appendix A.2). The first block takes what remains.
    let first = parts.iter().position(|part| matches!(part, Part::Block(_)));
    let mut passed = one();
    for k in (0..parts.len()).rev() {
        if let Part::Block(block) = &mut parts[k] {
            *block = product(&passed, block);
            if Some(k) != first {
                let diagonal = kak::diagonal_for_two(block);
                *block = product(block, &diagonal);
                passed = adjoint(&diagonal);
            }
        }
    }
    let steps = |part| match part {
        Part::Block(block) => kak::synthesise(&block, qubits[0], qubits[1], false),
        Part::Step(kind) => vec![kind],
    };
    parts.into_iter().flat_map(steps).collect()
}

fn split(u: &Matrix, qubits: &[usize], out: &mut Vec<Part>) {
    let (&top, low) = qubits.split_last().expect("at least two qubits");
    if low.len() == 1 {
        return out.push(Part::Block(from_matrix(u)));
    }
    let CosineSine { left: [l0, mut l1], angles, right } = cosine_sine(u);
    multiplexed(&right, top, low, out);
    let doubled: Vec<f64> = angles.iter().map(|angle| 2.0 * angle).collect();
    let mut steps = multiplexed_rotation(&doubled);
    // The last CZ, of the highest selecting qubit, is absorbed by what follows (appendix A.1): it is a sign where both
    // qubits are 1.
    steps.pop();
    for step in steps {
        out.push(Part::Step(match step {
            Rotation::By(angle) => StepKind::OneQubitRun(top, OneQubitRun::fixed(ry(angle))),
            Rotation::Flip(select) => StepKind::Cz(low[select], top),
        }));
    }
    let half = l1.ncols() / 2;
    l1.slice_mut(ndarray::s![.., half..]).mapv_inplace(|z| -z);
    multiplexed(&[l0, l1], top, low, out);
}

/// `blocks[0] ⊕ blocks[1]`, chosen by `top`: `(v ⊕ v)(d ⊕ d†)(w ⊕ w)` with `blocks[0]·blocks[1]† = v d² v†`.
fn multiplexed([u0, u1]: &[Matrix; 2], top: usize, low: &[usize], out: &mut Vec<Part>) {
    let (v, squares) = eigenbasis(&u0.dot(&dagger(u1)));
    let halves: Vec<f64> = squares.iter().map(|square| square.arg() / 2.0).collect();
    let mut w = dagger(&v).dot(u1);
    w.rows_mut().into_iter().zip(&halves).for_each(|(mut row, half)| {
        let d = C64::from_polar(1.0, *half);
        row.mapv_inplace(|z| z * d);
    });
    split(&w, low, out);
    // d on 0 and d† on 1 is Rz(-2 arg d).
    let doubled: Vec<f64> = halves.iter().map(|half| -2.0 * half).collect();
    for step in multiplexed_rotation(&doubled) {
        match step {
            Rotation::By(angle) => {
                out.push(Part::Step(StepKind::OneQubitRun(top, OneQubitRun::rz(Param::Fixed(angle)))))
            }
            Rotation::Flip(select) => out.extend(cx(low[select], top).map(Part::Step)),
        }
    }
    split(&v, low, out);
}

/// A step of a multiplexed rotation.
enum Rotation {
    /// The target rotates by this angle.
    By(f64),
    /// This selecting qubit, if it is 1, reverses the rotations after it.
    Flip(usize),
}

/// A rotation by `angles[j]` when the selecting qubits hold j, as plain rotations by `2^{-m} Σ_j (-1)^{j·g(i)} angles[j]`,
/// g the Gray code (Möttönen et al. 2004, arXiv quant-ph/0404089, eq. 3).
fn multiplexed_rotation(angles: &[f64]) -> Vec<Rotation> {
    let count = angles.len();
    let selects = count.trailing_zeros() as usize;
    let mut steps = Vec::with_capacity(2 * count);
    for i in 0..count {
        let gray = i ^ (i >> 1);
        let sign = |j: usize| if (j & gray).count_ones().is_multiple_of(2) { 1.0 } else { -1.0 };
        let sum: f64 = angles.iter().enumerate().map(|(j, angle)| sign(j) * angle).sum();
        steps.push(Rotation::By(sum / count as f64));
        // The bit in which successive Gray codes differ. The last step closes the cycle.
        steps.push(Rotation::Flip(if i + 1 == count { selects - 1 } else { (i + 1).trailing_zeros() as usize }));
    }
    steps
}
