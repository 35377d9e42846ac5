//! Random programs of Clifford gates, Pauli noise, measurements, resets and conditions.

use std::f64::consts::FRAC_PI_2;

use qgraft::circuit::gate::GATES;
use qgraft::circuit::{Circuit, Condition, Gate, Op, Param};
use qgraft::math::{Probability, Stream};
use qgraft::noise::{Channel, Confusion, PairConfusion, PairReadout, Program, Step, transfer};
use qgraft::sim::Angles;

/// No angles.
pub fn none() -> Angles<'static> {
    Angles::of_weights(&[])
}

/// A probability that is one.
pub fn probability(p: f64) -> Probability {
    Probability::new(p).unwrap()
}

/// Steps on so many qubits and bits.
pub fn program(qubits: usize, bits: usize, steps: Vec<Step>) -> Program {
    let empty = Program::ideal(&Circuit::with_bits(qubits, bits), &(0..qubits).collect::<Vec<_>>());
    Program { steps, ..empty }
}

/// A gate of the table.
pub fn gate(gate: Gate, qubits: &[usize], params: &[Param]) -> Step {
    Step::Gate(Op::gate(gate, qubits, params))
}

/// Whether a transfer matrix takes Pauli strings to Pauli strings.
pub fn permutes(map: &ndarray::Array2<f64>) -> bool {
    map.iter().all(|entry| entry.abs() < 1e-9 || (entry.abs() - 1.0).abs() < 1e-9)
}

/// What a random program has besides gates.
#[derive(Clone, Copy, Default)]
pub struct Kinds {
    pub noise: bool,
    pub readout: bool,
    /// Measurements and resets in the middle, and Paulis, noise and assignments under conditions.
    pub dynamic: bool,
    /// Everything under conditions.
    pub wild: bool,
    pub measured: bool,
}

/// A random program of Clifford gates of the table.
pub fn random(seed: u64, qubits: usize, count: usize, kinds: Kinds) -> Program {
    let mut stream = Stream::numbered(seed, 77);
    let bits = qubits.max(2);
    let is_clifford = |gate: Gate, values: &[f64]| permutes(&transfer(&(gate.row().matrix)(values)));
    let mut steps = Vec::new();
    let confusion = |stream: &mut Stream| {
        let (up, down) = (0.2 * stream.uniform(), 0.3 * stream.uniform());
        Confusion { one_given_zero: probability(up), zero_given_one: probability(down) }
    };
    while steps.len() < count {
        let order = stream.permutation(qubits);
        let condition = (stream.below(3) == 0).then(|| {
            let width = 1 + stream.below(bits.min(3));
            Condition { bits: stream.permutation(bits)[..width].to_vec(), value: stream.below(1 << width) as u64 }
        });
        let wild = condition.clone().filter(|_| kinds.wild);
        let tame = condition.filter(|_| kinds.dynamic || kinds.wild);
        let dynamic = kinds.dynamic || kinds.wild;
        match stream.below(10) {
            0 if dynamic => {
                let confusion = (kinds.readout && stream.below(2) == 0).then(|| confusion(&mut stream));
                steps.push(Step::Measure { qubit: order[0], bit: stream.below(bits), confusion, condition: wild });
            }
            1 if dynamic => steps.push(Step::Reset { qubit: order[0], condition: wild }),
            2 if dynamic => {
                let pauli = [Gate::X, Gate::Y, Gate::Z][stream.below(3)];
                steps.push(Step::Gate(Op { condition: tame, ..Op::gate(pauli, &order[..1], &[]) }));
            }
            3 if dynamic => {
                let value = stream.below(2) == 0;
                steps.push(Step::Assign { bit: stream.below(bits), value, condition: tame });
            }
            4 | 5 if kinds.noise => {
                let count = 1 + stream.below(qubits.min(2));
                let errors: Vec<f64> = (0..(1 << (2 * count)) - 1).map(|_| 0.02 * stream.uniform()).collect();
                let channel = Channel::named(["pauli", "pauli2"][count - 1], &errors).unwrap();
                steps.push(Step::Noise { channel, qubits: order[..count].to_vec(), condition: tame });
            }
            _ => {
                let row = &GATES[stream.below(GATES.len())];
                let values: Vec<f64> = row.params.iter().map(|_| FRAC_PI_2 * stream.below(4) as f64).collect();
                if row.qubits > qubits.min(2) || !is_clifford(row.gate, &values) {
                    continue;
                }
                let params: Vec<Param> = values.into_iter().map(Param::Fixed).collect();
                let op = Op::gate(row.gate, &order[..row.qubits], &params);
                steps.push(Step::Gate(Op { condition: wild, ..op }));
            }
        }
    }
    let mut program = program(qubits, bits, steps);
    if kinds.readout {
        program.readout = (0..qubits).map(|_| Some(confusion(&mut stream))).collect();
        if qubits > 1 {
            let rows =
                [[0.9, 0.04, 0.05, 0.01], [0.03, 0.8, 0.1, 0.07], [0.02, 0.03, 0.85, 0.1], [0.05, 0.06, 0.09, 0.8]];
            program.correlated =
                vec![PairReadout { qubits: (qubits - 1, 0), confusion: PairConfusion::new(rows).unwrap() }];
        }
    }
    if kinds.measured {
        let order = stream.permutation(bits);
        for (qubit, &bit) in order.iter().enumerate().take(qubits) {
            let confusion = program.readout[qubit];
            program.steps.push(Step::Measure { qubit, bit, confusion, condition: None });
        }
    }
    program
}

/// All kinds of random programs, each with a name.
pub fn kinds() -> [(&'static str, Kinds); 6] {
    let noise = Kinds { noise: true, readout: true, ..Kinds::default() };
    [
        ("ideal", Kinds::default()),
        ("noisy", noise),
        ("measured", Kinds { measured: true, ..noise }),
        ("dynamic", Kinds { dynamic: true, ..noise }),
        ("dynamic and measured", Kinds { dynamic: true, measured: true, ..noise }),
        ("wild", Kinds { wild: true, measured: true, ..noise }),
    ]
}
