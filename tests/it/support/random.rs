//! Random programs, their angles, and observables to measure on them.

use qgraft::circuit::gate::GATES;
use qgraft::circuit::{Circuit, Condition, Observable, Op, OpKind, Param};
use qgraft::math::matrix::{C64, Matrix, c};
use qgraft::math::{Probability, Stream};
use qgraft::noise::{Channel, Confusion, Program};

/// What a random program may hold.
#[derive(Clone, Copy, Default)]
pub struct Kinds {
    pub noise: bool,
    pub dynamic: bool,
    pub readout: bool,
    /// Row slots on single qubits first, weight slots after: the form the Heisenberg engine splits.
    pub encoded_first: bool,
    /// Measure every qubit at the end.
    pub measured: bool,
}

/// A random unitary of `size`: the columns of a Gaussian matrix made orthonormal.
pub fn isometry(rows: usize, columns: usize, stream: &mut Stream) -> Matrix {
    let mut m = Matrix::from_shape_simple_fn((rows, columns), || c(stream.normal(), stream.normal()));
    for j in 0..columns {
        // Twice is enough for orthogonality to rounding.
        for _ in 0..2 {
            for k in 0..j {
                let overlap: C64 = (0..rows).map(|i| m[[i, k]].conj() * m[[i, j]]).sum();
                for i in 0..rows {
                    let part = m[[i, k]] * overlap;
                    m[[i, j]] -= part;
                }
            }
        }
        let norm = (0..rows).map(|i| m[[i, j]].norm_sqr()).sum::<f64>().sqrt();
        (0..rows).for_each(|i| m[[i, j]] /= c(norm, 0.0));
    }
    m
}

/// A random channel with `count` Kraus operators: the blocks of an isometry (Stinespring).
pub fn channel(qubits: usize, count: usize, stream: &mut Stream) -> Channel {
    let size = 1 << qubits;
    let isometry = isometry(count * size, size, stream);
    let block = |k: usize| isometry.slice(ndarray::s![k * size..(k + 1) * size, ..]).to_owned();
    Channel::kraus("random", (0..count).map(block).collect()).unwrap()
}

/// A program of `steps` random operations on `qubits` qubits with `input_slots` + `weight_slots` slots.
pub fn program(
    seed: u64,
    qubits: usize,
    steps: usize,
    (input_slots, weight_slots): (usize, usize),
    kinds: Kinds,
) -> Program {
    let mut stream = Stream::numbered(seed, 0);
    let bits = qubits.max(2);
    let mut circuit = Circuit::with_bits(qubits, bits);
    let slots: Vec<Param> = (0..input_slots + weight_slots).map(|k| circuit.slot(format!("s{k}"))).collect();
    let mut noise = Vec::new();
    let param = |stream: &mut Stream, encoding: bool| {
        let usable = match (kinds.encoded_first, encoding) {
            (true, true) => &slots[..input_slots],
            (true, false) => &slots[input_slots..],
            _ => &slots[..],
        };
        match stream.below(3) {
            0 => Param::Fixed(stream.normal()),
            _ if usable.is_empty() => Param::Fixed(stream.normal()),
            _ => usable[stream.below(usable.len())] * (0.5 + stream.uniform()) + stream.normal(),
        }
    };
    for step in 0..steps {
        let encoding = kinds.encoded_first && step < steps / 3;
        let order = stream.permutation(qubits);
        let operands = |count: usize| order[..count].to_vec();
        let mut op = match stream.below(if kinds.dynamic { 12 } else { 10 }) {
            0 if !encoding => {
                let count = 1 + stream.below(qubits.min(3));
                Op::of(
                    OpKind::Unitary(std::sync::Arc::new(isometry(1 << count, 1 << count, &mut stream))),
                    &operands(count),
                )
            }
            1 => Op::of(OpKind::GlobalPhase(param(&mut stream, encoding)), &[]),
            10 => Op::of(OpKind::Measure { bit: stream.below(2) }, &operands(1)),
            11 => Op::of(OpKind::Reset, &operands(1)),
            _ => loop {
                let row = &GATES[stream.below(GATES.len())];
                let controls = if encoding { 0 } else { stream.below(4) / 3 };
                if row.qubits + controls <= if encoding { 1 } else { qubits } {
                    let params = row.params.iter().map(|_| param(&mut stream, encoding)).collect();
                    let kind = OpKind::Gate { gate: row.gate, params, controls };
                    break Op::of(kind, &operands(row.qubits + controls));
                }
            },
        };
        if kinds.dynamic && stream.below(3) == 0 {
            op.condition = Some(Condition { bits: vec![1, 0], value: stream.below(4) as u64 });
        }
        let after = if kinds.noise && stream.below(2) == 0 {
            let count = if encoding { 1 } else { 1 + stream.below(2.min(qubits)) };
            let kraus = 1 + stream.below(4);
            vec![(channel(count, kraus, &mut stream), operands(count))]
        } else {
            Vec::new()
        };
        noise.push(after);
        circuit.append(op).unwrap();
    }
    if kinds.measured {
        circuit.measure_all().unwrap();
    }
    let mut noise = noise.into_iter();
    let confusion = |qubit: usize| {
        let p = |x: f64| Probability::new(x).unwrap();
        let [up, down] = [0.02 + 0.01 * qubit as f64, 0.05 - 0.01 * qubit as f64];
        // The last qubit reads perfectly, so that both cases occur.
        (kinds.readout && qubit + 1 < qubits).then(|| Confusion { one_given_zero: p(up), zero_given_one: p(down) })
    };
    let keep: Vec<usize> = (0..qubits).collect();
    Program::compile(&circuit, &keep, |_| noise.next().unwrap_or_default(), confusion)
}

/// Angles for a batch: (batch, input slots) and (weight slots).
pub fn angles(
    seed: u64,
    batch: usize,
    input_slots: usize,
    weight_slots: usize,
) -> (ndarray::Array2<f64>, ndarray::Array1<f64>) {
    let mut stream = Stream::named(seed, "angles");
    let rows = ndarray::Array2::from_shape_simple_fn((batch, input_slots), || stream.normal());
    (rows, ndarray::Array1::from_shape_simple_fn(weight_slots, || stream.normal()))
}

/// Observables with every letter and several terms.
pub fn observables(qubits: usize) -> Vec<Observable> {
    let texts =
        ["Z0", "0.5 X0 - 0.7 Y1 + 0.2", "Z0 Z1 + 1.5 X1 Y0", "Y0 Y1 Y2 - X2 Z0", "Z2 X0 + 2 Z1 Y2 X0", "Z3 Z2 Z1 Z0"];
    let parsed = texts.iter().map(|text| text.parse::<Observable>().unwrap());
    parsed.filter(|o| o.width() <= qubits).collect()
}
