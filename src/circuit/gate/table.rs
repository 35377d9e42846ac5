//! The gate table.

use std::f64::consts::{FRAC_PI_2, FRAC_PI_4, PI};

use super::{Body, Gate, GateRow, Shift, matrices as m};
use crate::circuit::Param;
use crate::math::Matrix;
use crate::math::matrix::{C64, c, controlled, diagonal, identity, tensor};

const HALF: C64 = c(0.5, 0.0);

fn fixed(gate: Gate) -> Option<(Gate, Vec<Param>)> {
    Some((gate, Vec::new()))
}

/// For rows without angles, so never called.
fn no_angle(_: &[f64], _: usize) -> Matrix {
    Matrix::zeros((0, 0))
}

fn cu_derivative(v: &[f64], k: usize) -> Matrix {
    let phase = C64::from_polar(1.0, v[3]);
    let block = if k == 3 { m::u(v[0], v[1], v[2]) * c(0.0, 1.0) } else { m::u_derivative(v, k) };
    m::controlled_block(&(block * phase))
}

/// `H P(angle) H` on the last operand under `controls` controls: the phase polynomial of the AND of all operands,
/// `AND(x) = 2^{1-n} Σ_S (-1)^{|S|+1} ⊕_{i∈S} x_i`, walked in Gray-code order so that each parity costs one CX
/// (Barenco et al. 1995, arXiv quant-ph/9503016, lemma 7.1).
fn multi_controlled_x(controls: usize, angle: f64) -> Body {
    let target = controls;
    let step = angle / f64::from(1u32 << controls);
    let mut body: Body = vec![(Gate::H, vec![target], vec![])];
    for top in 0..=target {
        // All parities whose highest operand is `top`, gathered on `top` itself.
        let mut held = 0u32;
        for count in 0..1u32 << top {
            let gray = count ^ (count >> 1);
            let changed = held ^ gray;
            if changed != 0 {
                body.push((Gate::Cx, vec![changed.trailing_zeros() as usize, top], vec![]));
            }
            held = gray;
            let sign = if gray.count_ones() % 2 == 0 { step } else { -step };
            body.push((Gate::P, vec![top], vec![Param::Fixed(sign)]));
        }
        if held != 0 {
            body.push((Gate::Cx, vec![held.trailing_zeros() as usize, top], vec![]));
        }
    }
    body.push((Gate::H, vec![target], vec![]));
    body
}

/// Every gate, in the order of the enum's variants.
#[rustfmt::skip]
pub static GATES: &[GateRow] = &[
    GateRow {
        gate: Gate::Id, name: "id", aliases: &["u0", "i"], qubits: 1, params: &[],
        matrix: |_| identity(2),
        derivative: no_angle,
        shift: &[],
        inverse: |_| fixed(Gate::Id),
        definition: |_| vec![(Gate::U, vec![0], vec![Param::Fixed(0.0), Param::Fixed(0.0), Param::Fixed(0.0)])],
        symmetric: true,
        doc: "Identity; on hardware a wait of one gate length",
    },
    GateRow {
        gate: Gate::X, name: "x", aliases: &[], qubits: 1, params: &[],
        matrix: |_| m::pauli_x(),
        derivative: no_angle,
        shift: &[],
        inverse: |_| fixed(Gate::X),
        definition: |_| vec![(Gate::U, vec![0], vec![Param::Fixed(PI), Param::Fixed(0.0), Param::Fixed(PI)])],
        symmetric: true,
        doc: "Pauli X, the bit flip",
    },
    GateRow {
        gate: Gate::Y, name: "y", aliases: &[], qubits: 1, params: &[],
        matrix: |_| m::pauli_y(),
        derivative: no_angle,
        shift: &[],
        inverse: |_| fixed(Gate::Y),
        definition: |_| vec![(Gate::U, vec![0], vec![Param::Fixed(PI), Param::Fixed(FRAC_PI_2), Param::Fixed(FRAC_PI_2)])],
        symmetric: true,
        doc: "Pauli Y",
    },
    GateRow {
        gate: Gate::Z, name: "z", aliases: &[], qubits: 1, params: &[],
        matrix: |_| m::pauli_z(),
        derivative: no_angle,
        shift: &[],
        inverse: |_| fixed(Gate::Z),
        definition: |_| vec![(Gate::P, vec![0], vec![Param::Fixed(PI)])],
        symmetric: true,
        doc: "Pauli Z, the phase flip",
    },
    GateRow {
        gate: Gate::H, name: "h", aliases: &[], qubits: 1, params: &[],
        matrix: |_| m::hadamard(),
        derivative: no_angle,
        shift: &[],
        inverse: |_| fixed(Gate::H),
        definition: |_| vec![(Gate::U, vec![0], vec![Param::Fixed(FRAC_PI_2), Param::Fixed(0.0), Param::Fixed(PI)])],
        symmetric: true,
        doc: "Hadamard",
    },
    GateRow {
        gate: Gate::S, name: "s", aliases: &[], qubits: 1, params: &[],
        matrix: |_| m::p(FRAC_PI_2),
        derivative: no_angle,
        shift: &[],
        inverse: |_| fixed(Gate::Sdg),
        definition: |_| vec![(Gate::P, vec![0], vec![Param::Fixed(FRAC_PI_2)])],
        symmetric: true,
        doc: "Quarter phase, √Z",
    },
    GateRow {
        gate: Gate::Sdg, name: "sdg", aliases: &[], qubits: 1, params: &[],
        matrix: |_| m::p(-FRAC_PI_2),
        derivative: no_angle,
        shift: &[],
        inverse: |_| fixed(Gate::S),
        definition: |_| vec![(Gate::P, vec![0], vec![Param::Fixed(-FRAC_PI_2)])],
        symmetric: true,
        doc: "Inverse of s",
    },
    GateRow {
        gate: Gate::T, name: "t", aliases: &[], qubits: 1, params: &[],
        matrix: |_| m::p(FRAC_PI_4),
        derivative: no_angle,
        shift: &[],
        inverse: |_| fixed(Gate::Tdg),
        definition: |_| vec![(Gate::P, vec![0], vec![Param::Fixed(FRAC_PI_4)])],
        symmetric: true,
        doc: "Eighth phase, √S",
    },
    GateRow {
        gate: Gate::Tdg, name: "tdg", aliases: &[], qubits: 1, params: &[],
        matrix: |_| m::p(-FRAC_PI_4),
        derivative: no_angle,
        shift: &[],
        inverse: |_| fixed(Gate::T),
        definition: |_| vec![(Gate::P, vec![0], vec![Param::Fixed(-FRAC_PI_4)])],
        symmetric: true,
        doc: "Inverse of t",
    },
    GateRow {
        gate: Gate::Sx, name: "sx", aliases: &[], qubits: 1, params: &[],
        matrix: |_| m::sqrt_x(1.0),
        derivative: no_angle,
        shift: &[],
        inverse: |_| fixed(Gate::Sxdg),
        definition: |_| vec![(Gate::Sdg, vec![0], vec![]), (Gate::H, vec![0], vec![]), (Gate::Sdg, vec![0], vec![])],
        symmetric: true,
        doc: "√X, native to IBM devices",
    },
    GateRow {
        gate: Gate::Sxdg, name: "sxdg", aliases: &[], qubits: 1, params: &[],
        matrix: |_| m::sqrt_x(-1.0),
        derivative: no_angle,
        shift: &[],
        inverse: |_| fixed(Gate::Sx),
        definition: |_| vec![(Gate::S, vec![0], vec![]), (Gate::H, vec![0], vec![]), (Gate::S, vec![0], vec![])],
        symmetric: true,
        doc: "Inverse of sx",
    },
    GateRow {
        gate: Gate::Rx, name: "rx", aliases: &[], qubits: 1, params: &["theta"],
        matrix: |v| m::rx(v[0]),
        derivative: |v, _| m::rx(v[0] + PI) * HALF,
        shift: &[Shift::TwoTerm],
        inverse: |p| Some((Gate::Rx, p.iter().map(|&a| -a).collect())),
        definition: |p| vec![(Gate::R, vec![0], vec![p[0], Param::Fixed(0.0)])],
        symmetric: true,
        doc: "exp(-i theta X/2)",
    },
    GateRow {
        gate: Gate::Ry, name: "ry", aliases: &[], qubits: 1, params: &["theta"],
        matrix: |v| m::ry(v[0]),
        derivative: |v, _| m::ry(v[0] + PI) * HALF,
        shift: &[Shift::TwoTerm],
        inverse: |p| Some((Gate::Ry, p.iter().map(|&a| -a).collect())),
        definition: |p| vec![(Gate::R, vec![0], vec![p[0], Param::Fixed(FRAC_PI_2)])],
        symmetric: true,
        doc: "exp(-i theta Y/2)",
    },
    GateRow {
        gate: Gate::Rz, name: "rz", aliases: &[], qubits: 1, params: &["theta"],
        matrix: |v| m::rz(v[0]),
        derivative: |v, _| m::rz(v[0] + PI) * HALF,
        shift: &[Shift::TwoTerm],
        inverse: |p| Some((Gate::Rz, p.iter().map(|&a| -a).collect())),
        definition: |p| vec![(Gate::P, vec![0], vec![p[0]])],
        symmetric: true,
        doc: "exp(-i theta Z/2)",
    },
    GateRow {
        gate: Gate::P, name: "p", aliases: &["u1", "phase"], qubits: 1, params: &["lambda"],
        matrix: |v| m::p(v[0]),
        derivative: |v, _| diagonal(&[c(0.0, 0.0), C64::from_polar(1.0, v[0] + FRAC_PI_2)]),
        shift: &[Shift::TwoTerm],
        inverse: |p| Some((Gate::P, p.iter().map(|&a| -a).collect())),
        definition: |p| vec![(Gate::U, vec![0], vec![Param::Fixed(0.0), Param::Fixed(0.0), p[0]])],
        symmetric: true,
        doc: "diag(1, exp(i lambda))",
    },
    GateRow {
        gate: Gate::R, name: "r", aliases: &["prx"], qubits: 1, params: &["theta", "phi"],
        matrix: |v| m::r(v[0], v[1]),
        derivative: m::r_derivative,
        shift: &[Shift::TwoTerm, Shift::Axis],
        inverse: |p| Some((Gate::R, vec![-p[0], p[1]])),
        definition: |p| vec![(Gate::U, vec![0], vec![p[0], p[1] + -FRAC_PI_2, -p[1] + FRAC_PI_2])],
        symmetric: true,
        doc: "Rotation by theta about cos(phi) X + sin(phi) Y",
    },
    GateRow {
        gate: Gate::U2, name: "u2", aliases: &[], qubits: 1, params: &["phi", "lambda"],
        matrix: |v| m::u(FRAC_PI_2, v[0], v[1]),
        derivative: |v, k| m::u_derivative(&[FRAC_PI_2, v[0], v[1]], k + 1),
        shift: &[Shift::TwoTerm, Shift::TwoTerm],
        inverse: |p| Some((Gate::U2, vec![-p[1] + PI, -p[0] + -PI])),
        definition: |p| vec![(Gate::U, vec![0], vec![Param::Fixed(FRAC_PI_2), p[0], p[1]])],
        symmetric: true,
        doc: "U(pi/2, phi, lambda)",
    },
    GateRow {
        gate: Gate::U, name: "u", aliases: &["u3", "U"], qubits: 1, params: &["theta", "phi", "lambda"],
        matrix: |v| m::u(v[0], v[1], v[2]),
        derivative: m::u_derivative,
        shift: &[Shift::TwoTerm, Shift::TwoTerm, Shift::TwoTerm],
        inverse: |p| Some((Gate::U, vec![-p[0], -p[2], -p[1]])),
        definition: |_| vec![],
        symmetric: true,
        doc: "Any one-qubit unitary: Rz(phi) Ry(theta) Rz(lambda) up to phase, upper left entry real",
    },
    GateRow {
        gate: Gate::Cx, name: "cx", aliases: &["CX", "cnot"], qubits: 2, params: &[],
        matrix: |_| controlled(&m::pauli_x(), 1),
        derivative: no_angle,
        shift: &[],
        inverse: |_| fixed(Gate::Cx),
        definition: |_| vec![],
        symmetric: false,
        doc: "Controlled X; the first operand controls",
    },
    GateRow {
        gate: Gate::Cy, name: "cy", aliases: &[], qubits: 2, params: &[],
        matrix: |_| controlled(&m::pauli_y(), 1),
        derivative: no_angle,
        shift: &[],
        inverse: |_| fixed(Gate::Cy),
        definition: |_| vec![(Gate::Sdg, vec![1], vec![]), (Gate::Cx, vec![0, 1], vec![]), (Gate::S, vec![1], vec![])],
        symmetric: false,
        doc: "Controlled Y",
    },
    GateRow {
        gate: Gate::Cz, name: "cz", aliases: &[], qubits: 2, params: &[],
        matrix: |_| controlled(&m::pauli_z(), 1),
        derivative: no_angle,
        shift: &[],
        inverse: |_| fixed(Gate::Cz),
        definition: |_| vec![(Gate::H, vec![1], vec![]), (Gate::Cx, vec![0, 1], vec![]), (Gate::H, vec![1], vec![])],
        symmetric: true,
        doc: "Controlled Z",
    },
    GateRow {
        gate: Gate::Ch, name: "ch", aliases: &[], qubits: 2, params: &[],
        matrix: |_| controlled(&m::hadamard(), 1),
        derivative: no_angle,
        shift: &[],
        inverse: |_| fixed(Gate::Ch),
        definition: |_| vec![(Gate::S, vec![1], vec![]), (Gate::H, vec![1], vec![]), (Gate::T, vec![1], vec![]), (Gate::Cx, vec![0, 1], vec![]), (Gate::Tdg, vec![1], vec![]), (Gate::H, vec![1], vec![]), (Gate::Sdg, vec![1], vec![])],
        symmetric: false,
        doc: "Controlled Hadamard",
    },
    GateRow {
        gate: Gate::Csx, name: "csx", aliases: &[], qubits: 2, params: &[],
        matrix: |_| controlled(&m::sqrt_x(1.0), 1),
        derivative: no_angle,
        shift: &[],
        inverse: |_| None,
        definition: |_| vec![(Gate::H, vec![1], vec![]), (Gate::Cp, vec![0, 1], vec![Param::Fixed(FRAC_PI_2)]), (Gate::H, vec![1], vec![])],
        symmetric: false,
        doc: "Controlled √X",
    },
    GateRow {
        gate: Gate::Cp, name: "cp", aliases: &["cu1", "cphase"], qubits: 2, params: &["lambda"],
        matrix: |v| controlled(&m::p(v[0]), 1),
        derivative: |v, _| diagonal(&[c(0.0, 0.0), c(0.0, 0.0), c(0.0, 0.0), C64::from_polar(1.0, v[0] + FRAC_PI_2)]),
        shift: &[Shift::TwoTerm],
        inverse: |p| Some((Gate::Cp, p.iter().map(|&a| -a).collect())),
        definition: |p| vec![(Gate::P, vec![0], vec![p[0] * 0.5]), (Gate::Cx, vec![0, 1], vec![]), (Gate::P, vec![1], vec![p[0] * -0.5]), (Gate::Cx, vec![0, 1], vec![]), (Gate::P, vec![1], vec![p[0] * 0.5])],
        symmetric: true,
        doc: "Controlled phase",
    },
    GateRow {
        gate: Gate::Crx, name: "crx", aliases: &[], qubits: 2, params: &["theta"],
        matrix: |v| controlled(&m::rx(v[0]), 1),
        derivative: |v, _| m::controlled_block(&(m::rx(v[0] + PI) * HALF)),
        shift: &[Shift::FourTerm],
        inverse: |p| Some((Gate::Crx, p.iter().map(|&a| -a).collect())),
        definition: |p| vec![(Gate::H, vec![1], vec![]), (Gate::Crz, vec![0, 1], vec![p[0]]), (Gate::H, vec![1], vec![])],
        symmetric: false,
        doc: "Controlled Rx",
    },
    GateRow {
        gate: Gate::Cry, name: "cry", aliases: &[], qubits: 2, params: &["theta"],
        matrix: |v| controlled(&m::ry(v[0]), 1),
        derivative: |v, _| m::controlled_block(&(m::ry(v[0] + PI) * HALF)),
        shift: &[Shift::FourTerm],
        inverse: |p| Some((Gate::Cry, p.iter().map(|&a| -a).collect())),
        definition: |p| vec![(Gate::Ry, vec![1], vec![p[0] * 0.5]), (Gate::Cx, vec![0, 1], vec![]), (Gate::Ry, vec![1], vec![p[0] * -0.5]), (Gate::Cx, vec![0, 1], vec![])],
        symmetric: false,
        doc: "Controlled Ry",
    },
    GateRow {
        gate: Gate::Crz, name: "crz", aliases: &[], qubits: 2, params: &["theta"],
        matrix: |v| controlled(&m::rz(v[0]), 1),
        derivative: |v, _| m::controlled_block(&(m::rz(v[0] + PI) * HALF)),
        shift: &[Shift::FourTerm],
        inverse: |p| Some((Gate::Crz, p.iter().map(|&a| -a).collect())),
        definition: |p| vec![(Gate::Rz, vec![1], vec![p[0] * 0.5]), (Gate::Cx, vec![0, 1], vec![]), (Gate::Rz, vec![1], vec![p[0] * -0.5]), (Gate::Cx, vec![0, 1], vec![])],
        symmetric: false,
        doc: "Controlled Rz",
    },
    GateRow {
        gate: Gate::Cu, name: "cu", aliases: &[], qubits: 2, params: &["theta", "phi", "lambda", "gamma"],
        matrix: |v| controlled(&(m::u(v[0], v[1], v[2]) * C64::from_polar(1.0, v[3])), 1),
        derivative: cu_derivative,
        shift: &[Shift::FourTerm, Shift::TwoTerm, Shift::TwoTerm, Shift::TwoTerm],
        inverse: |p| Some((Gate::Cu, vec![-p[0], -p[2], -p[1], -p[3]])),
        definition: |p| vec![(Gate::P, vec![0], vec![p[3]]), (Gate::P, vec![0], vec![p[2] * 0.5]), (Gate::P, vec![0], vec![p[1] * 0.5]), (Gate::P, vec![1], vec![p[2] * 0.5]), (Gate::P, vec![1], vec![p[1] * -0.5]), (Gate::Cx, vec![0, 1], vec![]), (Gate::P, vec![1], vec![p[1] * -0.5]), (Gate::P, vec![1], vec![p[2] * -0.5]), (Gate::U, vec![1], vec![p[0] * -0.5, Param::Fixed(0.0), Param::Fixed(0.0)]), (Gate::Cx, vec![0, 1], vec![]), (Gate::U, vec![1], vec![p[0] * 0.5, p[1], Param::Fixed(0.0)])],
        symmetric: false,
        doc: "Controlled exp(i gamma) U(theta, phi, lambda)",
    },
    GateRow {
        gate: Gate::Swap, name: "swap", aliases: &[], qubits: 2, params: &[],
        matrix: |_| m::swap(),
        derivative: no_angle,
        shift: &[],
        inverse: |_| fixed(Gate::Swap),
        definition: |_| vec![(Gate::Cx, vec![0, 1], vec![]), (Gate::Cx, vec![1, 0], vec![]), (Gate::Cx, vec![0, 1], vec![])],
        symmetric: true,
        doc: "Exchanges two qubits",
    },
    GateRow {
        gate: Gate::Iswap, name: "iswap", aliases: &[], qubits: 2, params: &[],
        matrix: |_| m::iswap(),
        derivative: no_angle,
        shift: &[],
        inverse: |_| None,
        definition: |_| vec![(Gate::S, vec![0], vec![]), (Gate::S, vec![1], vec![]), (Gate::H, vec![0], vec![]), (Gate::Cx, vec![0, 1], vec![]), (Gate::Cx, vec![1, 0], vec![]), (Gate::H, vec![1], vec![])],
        symmetric: true,
        doc: "Exchanges two qubits with a phase i on the exchanged part",
    },
    GateRow {
        gate: Gate::Dcx, name: "dcx", aliases: &[], qubits: 2, params: &[],
        matrix: |_| m::dcx(),
        derivative: no_angle,
        shift: &[],
        inverse: |_| None,
        definition: |_| vec![(Gate::Cx, vec![0, 1], vec![]), (Gate::Cx, vec![1, 0], vec![])],
        symmetric: false,
        doc: "Two CX, forth and back",
    },
    GateRow {
        gate: Gate::Ecr, name: "ecr", aliases: &[], qubits: 2, params: &[],
        matrix: |_| m::ecr(),
        derivative: no_angle,
        shift: &[],
        inverse: |_| fixed(Gate::Ecr),
        definition: |_| vec![(Gate::S, vec![0], vec![]), (Gate::Sx, vec![1], vec![]), (Gate::Cx, vec![0, 1], vec![]), (Gate::X, vec![0], vec![])],
        symmetric: false,
        doc: "Echoed cross-resonance, native to IBM Eagle; equal to CX up to one-qubit gates",
    },
    GateRow {
        gate: Gate::Rxx, name: "rxx", aliases: &[], qubits: 2, params: &["theta"],
        matrix: |v| m::pauli_rotation(v[0], &tensor(&m::pauli_x(), &m::pauli_x())),
        derivative: |v, _| m::pauli_rotation(v[0] + PI, &tensor(&m::pauli_x(), &m::pauli_x())) * HALF,
        shift: &[Shift::TwoTerm],
        inverse: |p| Some((Gate::Rxx, p.iter().map(|&a| -a).collect())),
        definition: |p| vec![(Gate::H, vec![0], vec![]), (Gate::H, vec![1], vec![]), (Gate::Rzz, vec![0, 1], vec![p[0]]), (Gate::H, vec![0], vec![]), (Gate::H, vec![1], vec![])],
        symmetric: true,
        doc: "exp(-i theta XX/2)",
    },
    GateRow {
        gate: Gate::Ryy, name: "ryy", aliases: &[], qubits: 2, params: &["theta"],
        matrix: |v| m::pauli_rotation(v[0], &tensor(&m::pauli_y(), &m::pauli_y())),
        derivative: |v, _| m::pauli_rotation(v[0] + PI, &tensor(&m::pauli_y(), &m::pauli_y())) * HALF,
        shift: &[Shift::TwoTerm],
        inverse: |p| Some((Gate::Ryy, p.iter().map(|&a| -a).collect())),
        definition: |p| vec![(Gate::Sxdg, vec![0], vec![]), (Gate::Sxdg, vec![1], vec![]), (Gate::Rzz, vec![0, 1], vec![p[0]]), (Gate::Sx, vec![0], vec![]), (Gate::Sx, vec![1], vec![])],
        symmetric: true,
        doc: "exp(-i theta YY/2)",
    },
    GateRow {
        gate: Gate::Rzz, name: "rzz", aliases: &[], qubits: 2, params: &["theta"],
        matrix: |v| m::pauli_rotation(v[0], &tensor(&m::pauli_z(), &m::pauli_z())),
        derivative: |v, _| m::pauli_rotation(v[0] + PI, &tensor(&m::pauli_z(), &m::pauli_z())) * HALF,
        shift: &[Shift::TwoTerm],
        inverse: |p| Some((Gate::Rzz, p.iter().map(|&a| -a).collect())),
        definition: |p| vec![(Gate::Cx, vec![0, 1], vec![]), (Gate::Rz, vec![1], vec![p[0]]), (Gate::Cx, vec![0, 1], vec![])],
        symmetric: true,
        doc: "exp(-i theta ZZ/2)",
    },
    GateRow {
        gate: Gate::Rzx, name: "rzx", aliases: &[], qubits: 2, params: &["theta"],
        matrix: |v| m::pauli_rotation(v[0], &tensor(&m::pauli_z(), &m::pauli_x())),
        derivative: |v, _| m::pauli_rotation(v[0] + PI, &tensor(&m::pauli_z(), &m::pauli_x())) * HALF,
        shift: &[Shift::TwoTerm],
        inverse: |p| Some((Gate::Rzx, p.iter().map(|&a| -a).collect())),
        definition: |p| vec![(Gate::H, vec![1], vec![]), (Gate::Rzz, vec![0, 1], vec![p[0]]), (Gate::H, vec![1], vec![])],
        symmetric: false,
        doc: "exp(-i theta ZX/2), Z on the first operand",
    },
    GateRow {
        gate: Gate::Ccx, name: "ccx", aliases: &["toffoli"], qubits: 3, params: &[],
        matrix: |_| controlled(&m::pauli_x(), 2),
        derivative: no_angle,
        shift: &[],
        inverse: |_| fixed(Gate::Ccx),
        definition: |_| vec![(Gate::H, vec![2], vec![]), (Gate::Cx, vec![1, 2], vec![]), (Gate::Tdg, vec![2], vec![]), (Gate::Cx, vec![0, 2], vec![]), (Gate::T, vec![2], vec![]), (Gate::Cx, vec![1, 2], vec![]), (Gate::Tdg, vec![2], vec![]), (Gate::Cx, vec![0, 2], vec![]), (Gate::T, vec![1], vec![]), (Gate::T, vec![2], vec![]), (Gate::H, vec![2], vec![]), (Gate::Cx, vec![0, 1], vec![]), (Gate::T, vec![0], vec![]), (Gate::Tdg, vec![1], vec![]), (Gate::Cx, vec![0, 1], vec![])],
        symmetric: false,
        doc: "Toffoli: X controlled by the first two operands",
    },
    GateRow {
        gate: Gate::Ccz, name: "ccz", aliases: &[], qubits: 3, params: &[],
        matrix: |_| controlled(&m::pauli_z(), 2),
        derivative: no_angle,
        shift: &[],
        inverse: |_| fixed(Gate::Ccz),
        definition: |_| vec![(Gate::H, vec![2], vec![]), (Gate::Ccx, vec![0, 1, 2], vec![]), (Gate::H, vec![2], vec![])],
        symmetric: true,
        doc: "Z controlled by two qubits",
    },
    GateRow {
        gate: Gate::Cswap, name: "cswap", aliases: &["fredkin"], qubits: 3, params: &[],
        matrix: |_| controlled(&m::swap(), 1),
        derivative: no_angle,
        shift: &[],
        inverse: |_| fixed(Gate::Cswap),
        definition: |_| vec![(Gate::Cx, vec![2, 1], vec![]), (Gate::Ccx, vec![0, 1, 2], vec![]), (Gate::Cx, vec![2, 1], vec![])],
        symmetric: false,
        doc: "Fredkin: exchanges the last two if the first is 1",
    },
    GateRow {
        gate: Gate::Rccx, name: "rccx", aliases: &[], qubits: 3, params: &[],
        matrix: |_| m::rccx(),
        derivative: no_angle,
        shift: &[],
        inverse: |_| fixed(Gate::Rccx),
        definition: |_| vec![(Gate::H, vec![2], vec![]), (Gate::T, vec![2], vec![]), (Gate::Cx, vec![1, 2], vec![]), (Gate::Tdg, vec![2], vec![]), (Gate::Cx, vec![0, 2], vec![]), (Gate::T, vec![2], vec![]), (Gate::Cx, vec![1, 2], vec![]), (Gate::Tdg, vec![2], vec![]), (Gate::H, vec![2], vec![])],
        symmetric: false,
        doc: "Margolus gate: Toffoli up to relative phases, with three CX",
    },
    GateRow {
        gate: Gate::C3x, name: "c3x", aliases: &["mcx"], qubits: 4, params: &[],
        matrix: |_| controlled(&m::pauli_x(), 3),
        derivative: no_angle,
        shift: &[],
        inverse: |_| fixed(Gate::C3x),
        definition: |_| multi_controlled_x(3, PI),
        symmetric: false,
        doc: "X controlled by three qubits",
    },
    GateRow {
        gate: Gate::C3sx, name: "c3sqrtx", aliases: &["c3sx"], qubits: 4, params: &[],
        matrix: |_| controlled(&m::sqrt_x(1.0), 3),
        derivative: no_angle,
        shift: &[],
        inverse: |_| None,
        definition: |_| multi_controlled_x(3, FRAC_PI_2),
        symmetric: false,
        doc: "√X controlled by three qubits",
    },
    GateRow {
        gate: Gate::C4x, name: "c4x", aliases: &[], qubits: 5, params: &[],
        matrix: |_| controlled(&m::pauli_x(), 4),
        derivative: no_angle,
        shift: &[],
        inverse: |_| fixed(Gate::C4x),
        definition: |_| multi_controlled_x(4, PI),
        symmetric: false,
        doc: "X controlled by four qubits",
    },
];
