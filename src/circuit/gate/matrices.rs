//! The unitaries behind the table and their derivatives.
//!
//! Rotations are `exp(-i θ G / 2)` with `G² = 1`, so `dU/dθ = U(θ + π) / 2` exactly.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

use crate::math::Matrix;
use crate::math::matrix::{C64, c, controlled, diagonal, real, square};

const ZERO: C64 = c(0.0, 0.0);
const ONE: C64 = c(1.0, 0.0);
const I: C64 = c(0.0, 1.0);

fn phase(angle: f64) -> C64 {
    C64::from_polar(1.0, angle)
}

pub fn pauli_x() -> Matrix {
    real([[0.0, 1.0], [1.0, 0.0]])
}

pub fn pauli_y() -> Matrix {
    square([[ZERO, -I], [I, ZERO]])
}

pub fn pauli_z() -> Matrix {
    real([[1.0, 0.0], [0.0, -1.0]])
}

pub fn hadamard() -> Matrix {
    let h = FRAC_1_SQRT_2;
    real([[h, h], [h, -h]])
}

pub fn p(angle: f64) -> Matrix {
    diagonal(&[ONE, phase(angle)])
}

pub fn sqrt_x(sign: f64) -> Matrix {
    let (a, b) = (c(0.5, 0.5 * sign), c(0.5, -0.5 * sign));
    square([[a, b], [b, a]])
}

/// `U(θ, φ, λ)` of OpenQASM 2 and Qiskit, upper left entry real.
pub fn u(theta: f64, phi: f64, lambda: f64) -> Matrix {
    let (sin, cos) = (theta / 2.0).sin_cos();
    square([[c(cos, 0.0), phase(lambda) * -sin], [phase(phi) * sin, phase(phi + lambda) * cos]])
}

pub fn u_derivative(v: &[f64], k: usize) -> Matrix {
    let (sin, cos) = (v[0] / 2.0).sin_cos();
    let (phi, lambda) = (phase(v[1]), phase(v[2]));
    match k {
        0 => square([[c(-sin, 0.0), lambda * -cos], [phi * cos, phi * lambda * -sin]]) * c(0.5, 0.0),
        1 => square([[ZERO, ZERO], [I * phi * sin, I * phi * lambda * cos]]),
        _ => square([[ZERO, I * lambda * -sin], [ZERO, I * phi * lambda * cos]]),
    }
}

pub fn rx(angle: f64) -> Matrix {
    let (sin, cos) = (angle / 2.0).sin_cos();
    square([[c(cos, 0.0), c(0.0, -sin)], [c(0.0, -sin), c(cos, 0.0)]])
}

pub fn ry(angle: f64) -> Matrix {
    let (sin, cos) = (angle / 2.0).sin_cos();
    real([[cos, -sin], [sin, cos]])
}

pub fn rz(angle: f64) -> Matrix {
    diagonal(&[phase(-angle / 2.0), phase(angle / 2.0)])
}

/// Rotation by `theta` about the axis at `phi` in the XY plane.
pub fn r(theta: f64, phi: f64) -> Matrix {
    let (sin, cos) = (theta / 2.0).sin_cos();
    square([[c(cos, 0.0), -I * phase(-phi) * sin], [-I * phase(phi) * sin, c(cos, 0.0)]])
}

pub fn r_derivative(v: &[f64], k: usize) -> Matrix {
    if k == 0 {
        return r(v[0] + PI, v[1]) * c(0.5, 0.0);
    }
    let sin = (v[0] / 2.0).sin();
    square([[ZERO, -phase(-v[1]) * sin], [phase(v[1]) * sin, ZERO]])
}

/// `exp(-i θ P⊗Q / 2)` from the signed permutation `P⊗Q`.
pub fn pauli_rotation(angle: f64, generator: &Matrix) -> Matrix {
    let (sin, cos) = (angle / 2.0).sin_cos();
    Matrix::eye(generator.nrows()) * c(cos, 0.0) + generator * c(0.0, -sin)
}

/// The block of `m` that a control switches, without the identity of the switched-off part: derivatives of
/// controlled gates have zeros there.
pub fn controlled_block(m: &Matrix) -> Matrix {
    let mut out = controlled(m, 1);
    for k in 0..m.nrows() {
        out[[2 * k, 2 * k]] = ZERO;
    }
    out
}

pub fn swap() -> Matrix {
    real([[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0]])
}

pub fn iswap() -> Matrix {
    square([[ONE, ZERO, ZERO, ZERO], [ZERO, ZERO, I, ZERO], [ZERO, I, ZERO, ZERO], [ZERO, ZERO, ZERO, ONE]])
}

/// CX from the first operand to the second, then back: not symmetric.
pub fn dcx() -> Matrix {
    real([[1.0, 0.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0], [0.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 0.0]])
}

/// Echoed cross-resonance, `(IX - XY) / √2` with the first operand rightmost (Qiskit's convention).
pub fn ecr() -> Matrix {
    let (h, ih) = (c(FRAC_1_SQRT_2, 0.0), c(0.0, FRAC_1_SQRT_2));
    square([[ZERO, h, ZERO, ih], [h, ZERO, -ih, ZERO], [ZERO, ih, ZERO, h], [-ih, ZERO, h, ZERO]])
}

/// Margolus gate: a Toffoli up to relative phases.
pub fn rccx() -> Matrix {
    let mut m = Matrix::eye(8);
    m[[3, 3]] = ZERO;
    m[[7, 7]] = ZERO;
    m[[3, 7]] = -I;
    m[[7, 3]] = I;
    m[[5, 5]] = -ONE;
    m
}
