//! Two-qubit unitaries with as few CZ as possible.

use std::array::from_fn;
use std::f64::consts::{FRAC_1_SQRT_2, FRAC_PI_2, FRAC_PI_4};

use crate::device::transpile::one_qubit_run::{OneQubitRun, hadamard, phase, ry};
use crate::device::transpile::step::{StepKind, cx, zz};
use crate::math::jacobi::diagonalise_together;
use crate::math::matrix::{C64, c};
use crate::math::small::{Small, adjoint, product, scaled, tensor};

/// Coordinates closer to a special value than this count as equal to it. The gate built then differs from the wanted
/// one by no more than about this: rounding error, since small trained angles make real interactions of 1e-9.
const SPECIAL: f64 = 1e-12;
/// Squares of coordinates below this are indistinguishable from rounding error of numbers of order one.
const ROUNDING: f64 = 3e-14;

/// `u = (after[1] ⊗ after[0]) · exp(i (x XX + y YY + z ZZ)) · (before[1] ⊗ before[0])` up to phase.
///
/// Cartan's KAK decomposition (Kraus and Cirac 2001, arXiv quant-ph/0011050): in the magic basis local gates are real
/// orthogonal and the interaction is diagonal.
struct Cartan {
    /// x, y, z, each in [-π/4, π/4].
    angles: [f64; 3],
    before: [Small<2>; 2],
    after: [Small<2>; 2],
}

/// Steps on qubits `a` (least significant in `u`) and `b` that equal `u` up to phase. With `has_zz`, an interaction along
/// one axis is one ZZ rotation.
pub(super) fn synthesise(u: &Small<4>, a: usize, b: usize, has_zz: bool) -> Vec<StepKind> {
    let Cartan { angles, before, after } = cartan(u);
    let unitary = |qubit, m| StepKind::OneQubitRun(qubit, OneQubitRun::fixed(m));
    let mut out = vec![unitary(a, before[0]), unitary(b, before[1])];
    out.extend(match one_axis(&angles).filter(|_| has_zz) {
        Some(axis) => rotation(axis, angles[axis], a, b),
        None => interaction(angles, a, b),
    });
    out.extend([unitary(a, after[0]), unitary(b, after[1])]);
    out
}

/// The least number of CZ that give `u` with one-qubit gates (Shende, Bullock and Markov 2004, arXiv
/// quant-ph/0308045): from the spectrum of `u · (YY) uᵀ (YY)` alone, much cheaper than the decomposition.
pub(super) fn least_entanglers(u: &Small<4>) -> usize {
    let u = special(u);
    // YY is antidiagonal with signs (-, +, +, -).
    let sign = |k: usize| if k == 0 || k == 3 { -1.0 } else { 1.0 };
    let turned: Small<4> = from_fn(|i| from_fn(|j| u[3 - j][3 - i] * (sign(i) * sign(j))));
    let gamma = product(&u, &turned);
    let trace: C64 = (0..4).map(|k| gamma[k][k]).sum();
    let square: C64 = (0..4).flat_map(|i| (0..4).map(move |j| (i, j))).map(|(i, j)| gamma[i][j] * gamma[j][i]).sum();
    // The determinant fixes u only up to a fourth root of one, which changes gamma's sign.
    if trace.im.abs() > SPECIAL {
        3
    } else if (trace.re.abs() - 4.0).abs() < ROUNDING {
        0
    } else if trace.norm() < SPECIAL && (square + 4.0).norm() < SPECIAL {
        1
    } else {
        2
    }
}

/// A `d = exp(-iψ/2 ZZ)` such that `u·d` takes two CZ: `γ(u d) = u d² (YY) uᵀ (YY)`, and its trace is real for
/// `tan ψ = Im tr γ(u) / Re tr (u ZZ (YY) uᵀ (YY))` (Shende, Markov and Bullock 2004, arXiv quant-ph/0308045, prop. V.2).
pub(super) fn diagonal_for_two(u: &Small<4>) -> Small<4> {
    let u = special(u);
    let sign = |k: usize| if k == 0 || k == 3 { -1.0 } else { 1.0 };
    let trace = |zz: &dyn Fn(usize) -> f64| -> C64 {
        let entries = (0..4).flat_map(|i| (0..4).map(move |j| (i, j)));
        entries.map(|(i, j)| u[i][j] * zz(j) * sign(j) * u[3 - i][3 - j] * sign(i)).sum()
    };
    // ZZ is +1 where YY is -1 and the other way round.
    let psi = trace(&|_| 1.0).im.atan2(trace(&|k| -sign(k)).re);
    from_fn(|i| from_fn(|j| if i == j { C64::from_polar(1.0, sign(i) * psi / 2.0) } else { C64::ZERO }))
}

/// The only axis of an interaction along one.
fn one_axis(angles: &[f64; 3]) -> Option<usize> {
    let mut axes = (0..3).filter(|&k| angles[k].abs() >= SPECIAL);
    axes.next().filter(|_| axes.next().is_none())
}

/// `exp(i angle PP)` for P = X, Y or Z: one ZZ rotation between turns of both qubits that carry P to Z.
fn rotation(axis: usize, angle: f64, a: usize, b: usize) -> Vec<StepKind> {
    let to_z = match axis {
        0 => hadamard(),
        // H S† Y S H = Z.
        1 => product(&hadamard(), &phase(-FRAC_PI_2)),
        _ => phase(0.0),
    };
    let both = |m: Small<2>| [a, b].map(|q| StepKind::OneQubitRun(q, OneQubitRun::fixed(m)));
    both(to_z).into_iter().chain(zz(a, b, -2.0 * angle)).chain(both(adjoint(&to_z))).collect()
}

/// Whether one ZZ rotation gives `u` with one-qubit gates.
pub(super) fn is_one_rotation(u: &Small<4>) -> bool {
    one_axis(&cartan(u).angles).is_some()
}

/// `exp(i (x XX + y YY + z ZZ))` up to phase.
fn interaction(angles: [f64; 3], a: usize, b: usize) -> Vec<StepKind> {
    let zero = |k: usize| angles[k].abs() < SPECIAL;
    let unitary = |qubit, m: Small<2>| StepKind::OneQubitRun(qubit, OneQubitRun::fixed(m));
    let rx = |angle: f64| product(&hadamard(), &product(&phase(angle), &hadamard()));
    let zeros = (0..3).filter(|&k| zero(k)).count();
    if zeros == 3 {
        return Vec::new();
    }
    if zeros == 0 {
        // Vatan and Williams 2004, arXiv quant-ph/0308006, figure 6.
        let [x, y, z] = angles;
        return [unitary(b, phase(FRAC_PI_2))]
            .into_iter()
            .chain(cx(b, a))
            .chain([unitary(a, phase(FRAC_PI_2 - 2.0 * z)), unitary(b, ry(FRAC_PI_2 - 2.0 * x))])
            .chain(cx(a, b))
            .chain([unitary(b, ry(2.0 * y - FRAC_PI_2))])
            .chain(cx(b, a))
            .chain([unitary(a, phase(-FRAC_PI_2))])
            .collect();
    }
    // A rotation of both qubits that carries the axes onto (x, z) with y the vanishing one.
    let (x, z, basis) = match () {
        () if zero(1) => (angles[0], angles[2], [[c(1.0, 0.0), c(0.0, 0.0)], [c(0.0, 0.0), c(1.0, 0.0)]]),
        // H X H = Z, and Rx(π/2) carries Y to Z: YY + ZZ and XX + YY with the axes renamed.
        () if zero(0) => (angles[1], angles[2], phase(-FRAC_PI_2)),
        () => (angles[0], angles[1], rx(FRAC_PI_2)),
    };
    let undo = adjoint(&basis);
    let mut out = vec![unitary(a, basis), unitary(b, basis)];
    let quarter = |angle: f64| (angle.abs() - FRAC_PI_4).abs() < SPECIAL;
    match (x.abs() < SPECIAL, z.abs() < SPECIAL) {
        // exp(±iπ/4 ZZ) = CZ · (Rz(∓π/2) ⊗ Rz(∓π/2)), and the same for X in the Hadamard basis.
        (true, _) if quarter(z) => {
            let side = phase(-FRAC_PI_2 * z.signum());
            out.extend([StepKind::Cz(a, b), unitary(a, side), unitary(b, side)]);
        }
        (_, true) if quarter(x) => {
            let side = product(&hadamard(), &phase(-FRAC_PI_2 * x.signum()));
            out.extend([
                unitary(a, hadamard()),
                unitary(b, hadamard()),
                StepKind::Cz(a, b),
                unitary(a, side),
                unitary(b, side),
            ]);
        }
        // CX carries XX to X on the control and ZZ to Z on the target.
        _ => {
            out.extend(cx(a, b));
            out.extend([unitary(a, rx(-2.0 * x)), unitary(b, phase(-2.0 * z))]);
            out.extend(cx(a, b));
        }
    }
    out.extend([unitary(a, undo), unitary(b, undo)]);
    out
}

/// `u` with determinant 1.
fn special(u: &Small<4>) -> Small<4> {
    let det = determinant(u);
    scaled(u, C64::from_polar(1.0, -det.arg() / 4.0))
}

fn determinant(m: &Small<4>) -> C64 {
    let minor = |c0: usize, c1: usize, r: usize| m[r][c0] * m[r + 1][c1] - m[r][c1] * m[r + 1][c0];
    // Laplace expansion along the upper two rows.
    minor(0, 1, 0) * minor(2, 3, 2) - minor(0, 2, 0) * minor(1, 3, 2)
        + minor(0, 3, 0) * minor(1, 2, 2)
        + minor(1, 2, 0) * minor(0, 3, 2)
        - minor(1, 3, 0) * minor(0, 2, 2)
        + minor(2, 3, 0) * minor(0, 1, 2)
}

/// Columns: the Bell states, phased such that local gates become real.
fn magic() -> Small<4> {
    let (o, h, ih) = (c(0.0, 0.0), c(FRAC_1_SQRT_2, 0.0), c(0.0, FRAC_1_SQRT_2));
    [[h, ih, o, o], [o, o, ih, h], [o, o, ih, -h], [h, -ih, o, o]]
}

fn cartan(u: &Small<4>) -> Cartan {
    let (to, from) = (magic(), adjoint(&magic()));
    let v = product(&from, &product(&special(u), &to));
    let transpose: Small<4> = from_fn(|i| from_fn(|j| v[j][i]));
    let gamma = product(&transpose, &v);
    let p = diagonalise_together(gamma.map(|row| row.map(|z| z.re)), gamma.map(|row| row.map(|z| z.im)));
    let p: Small<4> = p.map(|row| row.map(|x| c(x, 0.0)));
    let p_transpose = adjoint(&p);
    let diagonal = product(&p_transpose, &product(&gamma, &p));
    let mut halves: [f64; 4] = from_fn(|k| diagonal[k][k].arg() / 2.0);
    // v = left · diag(e^{i half}) · pᵀ, with left real. Its determinant must be 1 too.
    let left = |halves: &[f64; 4]| -> Small<4> {
        let vp = product(&v, &p);
        from_fn(|i| from_fn(|j| vp[i][j] * C64::from_polar(1.0, -halves[j])))
    };
    if determinant(&left(&halves)).re < 0.0 {
        halves[0] += std::f64::consts::PI;
    }
    let (mut after, before) = (
        factors(&product(&to, &product(&left(&halves), &from))),
        factors(&product(&to, &product(&p_transpose, &from))),
    );
    // Eigenvalues of XX, YY, ZZ on the four columns of the magic basis: (+,-,+), (-,+,+), (+,+,-), (-,-,-).
    let [h0, h1, h2, h3] = halves;
    let mut angles = [(h0 + h2 - h1 - h3) / 4.0, (h1 + h2 - h0 - h3) / 4.0, (h0 + h1 - h2 - h3) / 4.0];
    // exp(iπ/2 XX) = i XX is local: each angle is brought into [-π/4, π/4] by Paulis.
    for (angle, pauli) in angles.iter_mut().zip(paulis()) {
        let quarters = (*angle / FRAC_PI_2).round();
        *angle -= quarters * FRAC_PI_2;
        if quarters.rem_euclid(2.0) == 1.0 {
            after = after.map(|m| product(&m, &pauli));
        }
    }
    Cartan { angles, before, after }
}

fn paulis() -> [Small<2>; 3] {
    let (o, l, i) = (c(0.0, 0.0), c(1.0, 0.0), c(0.0, 1.0));
    [[[o, l], [l, o]], [[o, -i], [i, o]], [[l, o], [o, -l]]]
}

/// `[low, high]` with `m = high ⊗ low` up to phase.
fn factors(m: &Small<4>) -> [Small<2>; 2] {
    // The block with the largest entry shows the lower factor. The upper one is what is left of each block.
    let size = |i: usize, j: usize| (0..4).map(|k| m[2 * i + k / 2][2 * j + k % 2].norm_sqr()).sum::<f64>();
    let (i, j) = if size(0, 0) >= size(0, 1) { (0, 0) } else { (0, 1) };
    let norm = (size(i, j) / 2.0).sqrt();
    let low: Small<2> = from_fn(|r| from_fn(|s| m[2 * i + r][2 * j + s] / norm));
    let high: Small<2> = from_fn(|i| {
        from_fn(|j| {
            (0..2)
                .flat_map(|r| (0..2).map(move |s| (r, s)))
                .map(|(r, s)| m[2 * i + r][2 * j + s] * low[r][s].conj())
                .sum::<C64>()
                / 2.0
        })
    });
    debug_assert!({
        let built = tensor(&low, &high);
        (0..4).all(|r| (0..4).all(|s| (built[r][s] - m[r][s]).norm() < 1e-6))
    });
    [low, high]
}
