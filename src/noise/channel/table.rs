//! The channel table.

use super::{coherent, confusion, damping, pauli};
use crate::circuit::Gate;
use crate::noise::{Channel, NoiseError};

/// One number a channel takes.
pub struct Parameter {
    /// Its name, with the unit if it has one.
    pub name: &'static str,
    /// Smallest value.
    pub low: f64,
    /// Largest value. Infinity is itself allowed where this is infinite.
    pub high: f64,
}

/// Everything about a kind of channel.
pub struct ChannelRow {
    /// Name in messages and specs.
    pub name: &'static str,
    /// Number of operands.
    pub qubits: usize,
    /// What it takes, in order.
    pub parameters: &'static [Parameter],
    /// Formula and equivalences. Each equivalence is run by `tests/it/channels.rs`.
    pub doc: &'static str,
    /// Makes it from values whose number and ranges have been checked.
    build: fn(&[f64]) -> Result<Channel, NoiseError>,
}

impl ChannelRow {
    /// The row of this name.
    ///
    /// # Errors
    /// If there is none; the message lists those there are.
    pub fn named(name: &str) -> Result<&'static Self, NoiseError> {
        let names = CHANNELS.iter().map(|row| row.name);
        CHANNELS.iter().find(|row| row.name == name).ok_or_else(|| NoiseError::unknown("channel", name, names))
    }

    /// The channel for these values.
    ///
    /// # Errors
    /// If their number is wrong, one is out of range, or together they are impossible.
    pub fn channel(&self, values: &[f64]) -> Result<Channel, NoiseError> {
        if values.len() != self.parameters.len() {
            let names: Vec<_> = self.parameters.iter().map(|parameter| parameter.name).collect();
            return Err(NoiseError::ParameterCount {
                channel: self.name,
                expected: names.len(),
                names: names.join(", "),
                got: values.len(),
            });
        }
        for (parameter, &value) in self.parameters.iter().zip(values) {
            if !(parameter.low..=parameter.high).contains(&value) {
                return Err(NoiseError::Parameter {
                    channel: self.name,
                    parameter: parameter.name,
                    value,
                    expected: format!("{} to {}", parameter.low, parameter.high),
                });
            }
        }
        (self.build)(values)
    }
}

const fn probability(name: &'static str) -> Parameter {
    Parameter { name, low: 0.0, high: 1.0 }
}

const fn number(name: &'static str) -> Parameter {
    Parameter { name, low: f64::MIN, high: f64::MAX }
}

/// A time constant: any positive number of seconds, or infinity.
const fn time_constant(name: &'static str) -> Parameter {
    Parameter { name, low: f64::MIN_POSITIVE, high: f64::INFINITY }
}

const fn duration(name: &'static str) -> Parameter {
    Parameter { name, low: 0.0, high: f64::MAX }
}

/// The 15 two-qubit Pauli strings after the identity. The second letter belongs to the first operand.
#[rustfmt::skip]
const PAULI_PAIRS: [Parameter; 15] = [
    probability("IX"), probability("IY"), probability("IZ"),
    probability("XI"), probability("XX"), probability("XY"), probability("XZ"),
    probability("YI"), probability("YX"), probability("YY"), probability("YZ"),
    probability("ZI"), probability("ZX"), probability("ZY"), probability("ZZ"),
];

/// P(recorded|true) of two bits, all that are recorded wrongly. The second digit belongs to the first operand.
#[rustfmt::skip]
const MISREAD_PAIRS: [Parameter; 12] = [
    probability("01|00"), probability("10|00"), probability("11|00"),
    probability("00|01"), probability("10|01"), probability("11|01"),
    probability("00|10"), probability("01|10"), probability("11|10"),
    probability("00|11"), probability("01|11"), probability("10|11"),
];

/// Every kind of channel.
pub static CHANNELS: &[ChannelRow] = &[
    ChannelRow {
        name: "bit_flip",
        qubits: 1,
        parameters: &[probability("p")],
        doc: "(1-p) ρ + p XρX. Equals pauli(p, 0, 0); a phase flip between two Hadamards.",
        build: |v| pauli::mixture("bit_flip", &[v[0], 0.0, 0.0]),
    },
    ChannelRow {
        name: "phase_flip",
        qubits: 1,
        parameters: &[probability("p")],
        doc: "(1-p) ρ + p ZρZ: coherences shrink by 1-2p. Equals pauli(0, 0, p); phase_damping(4p(1-p)) for p ≤ 1/2.",
        build: |v| pauli::mixture("phase_flip", &[0.0, 0.0, v[0]]),
    },
    ChannelRow {
        name: "bit_phase_flip",
        qubits: 1,
        parameters: &[probability("p")],
        doc: "(1-p) ρ + p YρY. Equals pauli(0, p, 0).",
        build: |v| pauli::mixture("bit_phase_flip", &[0.0, v[0], 0.0]),
    },
    ChannelRow {
        name: "pauli",
        qubits: 1,
        parameters: &[probability("X"), probability("Y"), probability("Z")],
        doc: "(1-x-y-z) ρ + x XρX + y YρY + z ZρZ.",
        build: |v| pauli::mixture("pauli", v),
    },
    ChannelRow {
        name: "pauli2",
        qubits: 2,
        parameters: &PAULI_PAIRS,
        doc: "Each two-qubit Pauli string with its probability, the identity with the rest; the second letter belongs to \
              the first operand.",
        build: |v| pauli::mixture("pauli2", v),
    },
    ChannelRow {
        name: "depolarizing",
        qubits: 1,
        parameters: &[Parameter { name: "lambda", low: 0.0, high: 4.0 / 3.0 }],
        doc: "(1-λ) ρ + λ tr(ρ) 1/2, the convention of Aer and Yao: fully mixed at λ = 1. Equals pauli(λ/4, λ/4, λ/4) and \
              depolarizing_pauli(3λ/4). Average gate infidelity λ/2.",
        build: |v| pauli::depolarizing_row("depolarizing", v[0], 1),
    },
    ChannelRow {
        name: "depolarizing2",
        qubits: 2,
        parameters: &[Parameter { name: "lambda", low: 0.0, high: 16.0 / 15.0 }],
        doc: "(1-λ) ρ + λ tr(ρ) 1/4, the convention of Aer and Yao. Equals depolarizing2_pauli(15λ/16). Average gate \
              infidelity 3λ/4.",
        build: |v| pauli::depolarizing_row("depolarizing2", v[0], 2),
    },
    ChannelRow {
        name: "depolarizing_pauli",
        qubits: 1,
        parameters: &[probability("p")],
        doc: "(1-p) ρ + p/3 (XρX + YρY + ZρZ), the convention of PennyLane and QuEST: fully mixed at p = 3/4. Equals \
              depolarizing(4p/3).",
        build: |v| pauli::uniform_row("depolarizing_pauli", v[0], 1),
    },
    ChannelRow {
        name: "depolarizing2_pauli",
        qubits: 2,
        parameters: &[probability("p")],
        doc: "(1-p) ρ + p/15 Σ PρP over the other 15 strings: fully mixed at p = 15/16. Equals depolarizing2(16p/15).",
        build: |v| pauli::uniform_row("depolarizing2_pauli", v[0], 2),
    },
    ChannelRow {
        name: "amplitude_damping",
        qubits: 1,
        parameters: &[probability("gamma")],
        doc: "Decay |1⟩ → |0⟩ with probability γ: ρ11 → (1-γ) ρ11, ρ01 → √(1-γ) ρ01. Equals \
              generalized_amplitude_damping(γ, 0); thermal_relaxation with e^{-t/T1} = 1-γ and T2 = 2 T1.",
        build: |v| damping::amplitude_row("amplitude_damping", v[0], 0.0),
    },
    ChannelRow {
        name: "generalized_amplitude_damping",
        qubits: 1,
        parameters: &[probability("gamma"), probability("excited")],
        doc: "Damping by γ towards a population q of |1⟩: ρ11 → q + (1-γ)(ρ11-q), ρ01 → √(1-γ) ρ01. At γ = 1 every state \
              becomes diag(1-q, q): equals reset(1-q, q).",
        build: |v| damping::amplitude_row("generalized_amplitude_damping", v[0], v[1]),
    },
    ChannelRow {
        name: "phase_damping",
        qubits: 1,
        parameters: &[probability("lambda")],
        doc: "ρ01 → √(1-λ) ρ01, populations unchanged. Equals phase_flip((1-√(1-λ))/2); after amplitude_damping(γ) \
              coherences are √((1-γ)(1-λ)).",
        build: |v| damping::phase_damping_row(v[0]),
    },
    ChannelRow {
        name: "thermal_relaxation",
        qubits: 1,
        parameters: &[time_constant("T1"), time_constant("T2"), duration("time"), probability("excited")],
        doc: "Relaxation for a time t (seconds) towards a population q of |1⟩: ρ11 → q + (ρ11-q) e^{-t/T1}, \
              ρ01 → e^{-t/T2} ρ01, for any T2 ≤ 2 T1. Equals generalized_amplitude_damping(1-e^{-t/T1}, q) followed by \
              phase_damping(1-e^{t/T1-2t/T2}); two times in a row equal their sum.",
        build: damping::relaxation_row,
    },
    ChannelRow {
        name: "reset",
        qubits: 1,
        parameters: &[probability("p0"), probability("p1")],
        doc: "With probability p0 the qubit is put to |0⟩, with p1 to |1⟩: (1-p0-p1) ρ + tr(ρ) diag(p0, p1). \
              reset(λ/2, λ/2) equals depolarizing(λ) for λ ≤ 1.",
        build: |v| damping::reset_row(v[0], v[1]),
    },
    ChannelRow {
        name: "over_rotation_x",
        qubits: 1,
        parameters: &[number("angle")],
        doc: "The unitary exp(-i δ X/2). Average gate infidelity (2/3) sin²(δ/2).",
        build: |v| coherent::rotation("over_rotation_x", Gate::Rx, v[0]),
    },
    ChannelRow {
        name: "over_rotation_y",
        qubits: 1,
        parameters: &[number("angle")],
        doc: "The unitary exp(-i δ Y/2). Average gate infidelity (2/3) sin²(δ/2).",
        build: |v| coherent::rotation("over_rotation_y", Gate::Ry, v[0]),
    },
    ChannelRow {
        name: "over_rotation_z",
        qubits: 1,
        parameters: &[number("angle")],
        doc: "The unitary exp(-i δ Z/2). Average gate infidelity (2/3) sin²(δ/2).",
        build: |v| coherent::rotation("over_rotation_z", Gate::Rz, v[0]),
    },
    ChannelRow {
        name: "over_rotation_zx",
        qubits: 2,
        parameters: &[number("angle")],
        doc: "The unitary exp(-i δ ZX/2), Z on the first operand: the axis of a cross-resonance gate (cx, ecr). Equals \
              over_rotation_zz between Hadamards on the second operand. Average gate infidelity (4/5) sin²(δ/2).",
        build: |v| coherent::rotation("over_rotation_zx", Gate::Rzx, v[0]),
    },
    ChannelRow {
        name: "over_rotation_zz",
        qubits: 2,
        parameters: &[number("angle")],
        doc: "The unitary exp(-i δ ZZ/2): the axis of cz and rzz. Equals zz_crosstalk with π ζ t = δ. Average gate \
              infidelity (4/5) sin²(δ/2).",
        build: |v| coherent::rotation("over_rotation_zz", Gate::Rzz, v[0]),
    },
    ChannelRow {
        name: "zz_crosstalk",
        qubits: 2,
        parameters: &[number("shift"), duration("time")],
        doc: "The unitary exp(-i 2π ζ t ZZ/4) of a static shift ζ (hertz) acting for t (seconds), which is rzz(π ζ t). \
              Average gate infidelity (4/5) sin²(π ζ t/2).",
        build: |v| coherent::zz_crosstalk(v[0], v[1]),
    },
    ChannelRow {
        name: "readout",
        qubits: 1,
        parameters: &[probability("1|0"), probability("0|1")],
        doc: "What a measurement records, as a channel before a perfect one: coherences vanish, |0⟩ becomes |1⟩ with \
              P(1|0), |1⟩ becomes |0⟩ with P(0|1). Equals Confusion on the recorded bit; readout(p, p) equals \
              phase_damping(1) then bit_flip(p).",
        build: |v| confusion::readout(v),
    },
    ChannelRow {
        name: "readout_pair",
        qubits: 2,
        parameters: &MISREAD_PAIRS,
        doc: "The same for two qubits read together, P(recorded|true) in any correlation. Equals PairConfusion on the \
              recorded bits, and readout on each where the probabilities are products.",
        build: |v| confusion::readout_pair(v),
    },
];
