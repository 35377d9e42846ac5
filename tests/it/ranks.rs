//! Engines over ranks, on threads in place of processes: the same bytes at 1, 2, 4 and 8 ranks.

use std::sync::Arc;

use ndarray::{Array1, Array2};
use qgraft::circuit::gate::GATES;
use qgraft::circuit::{Circuit, Gate, Observable, Param};
use qgraft::math::Stream;
use qgraft::noise::channel::amplitude_damping;
use qgraft::noise::{Program, Step};
use qgraft::sim::ranks::{Communicator, Rows, ShotBlocks, ThreadRank, on_threads};
use qgraft::sim::{Angles, ENGINES, EngineOptions, Sharded, SimError, Simulator, Statevector, ValueKind, engine};

use crate::support::random::{self, Kinds};

/// What `each` makes at 1, 2 and 4 ranks and at further counts is the same at every rank; returns it.
fn same_everywhere(
    context: &str,
    further: &[usize],
    each: impl Fn(Arc<dyn Communicator>) -> Vec<u64> + Sync,
) -> Vec<u64> {
    let on = |size| on_threads(size, |rank: ThreadRank| each(Arc::new(rank)));
    let alone = on(1).remove(0);
    for &size in [2, 4].iter().chain(further) {
        for (rank, found) in on(size).into_iter().enumerate() {
            assert!(found == alone, "{context}: rank {rank} of {size} has other bytes than one rank alone");
        }
    }
    alone
}

fn bits<'a>(values: impl IntoIterator<Item = &'a f64>) -> Vec<u64> {
    values.into_iter().map(|value| value.to_bits()).collect()
}

/// Ry of inputs, RX of weights, a chain of CX.
fn layers(qubits: usize) -> Circuit {
    let mut circuit = Circuit::new(qubits);
    let inputs: Vec<Param> = (0..qubits).map(|q| circuit.slot(format!("x{q}"))).collect();
    let weights: Vec<Param> = (0..qubits).map(|q| circuit.slot(format!("w{q}"))).collect();
    for q in 0..qubits {
        circuit.push(Gate::Ry, &[q], &[inputs[q]]).unwrap().push(Gate::Rx, &[q], &[weights[q]]).unwrap();
    }
    (1..qubits).for_each(|q| _ = circuit.push(Gate::Cx, &[q - 1, q], &[]).unwrap());
    circuit
}

#[test]
fn ranks_exchange_gather_and_broadcast() {
    for size in [1, 2, 3, 4] {
        let found = on_threads(size, |rank| {
            let number = rank.rank() as f64;
            let gathered = rank.gather(&vec![number; rank.rank()]).unwrap();
            let mut sent = [number, 7.0];
            rank.broadcast(size - 1, &mut sent).unwrap();
            let (partner, mut theirs) = (rank.rank() ^ 1, [0.0]);
            if partner < size {
                rank.exchange(partner, &[number], &mut theirs).unwrap();
                assert_eq!(theirs, [partner as f64]);
            }
            (rank.size(), gathered, sent)
        });
        let all: Vec<f64> = (0..size).flat_map(|rank| vec![rank as f64; rank]).collect();
        assert!(found.iter().all(|result| *result == (size, all.clone(), [size as f64 - 1.0, 7.0])), "{size} ranks");
    }
}

/// 133 rows are leaves of 32, 32, 32 and 37, so four ranks have one each.
#[test]
fn rows_are_the_same_at_any_number_of_ranks() {
    let program = Program::ideal(&layers(2), &[]);
    let observables = [Observable::z(0), "X0 Y1 + 0.5 Z1".parse().unwrap()];
    let cotangent = Array2::from_shape_fn((133, 2), |(row, o)| 1.0 - 0.01 * row as f64 + o as f64);
    let inputs = Array2::from_shape_fn((133, 2), |(row, k)| 0.3 + 0.05 * row as f64 - k as f64);
    let weights = Array1::from(vec![0.4, -1.1]);
    for row in ENGINES {
        let inner = (row.make)(EngineOptions { shots: 3, ..EngineOptions::default() });
        let angles = Angles { inputs: inputs.view(), weights: weights.view() };
        if row.name == "stabilizer" {
            // No Clifford circuit.
            continue;
        }
        let results = |engine: &dyn Simulator| {
            let prepared = engine.prepare(&program, &observables, 2).unwrap();
            let mut all = bits(&prepared.expect(angles).unwrap());
            if row.values == ValueKind::Drawn {
                // Gradients by parameter shifts are expectation values again.
                return (all, Array1::zeros(0));
            }
            let gradient = prepared.vjp(angles, cotangent.view()).unwrap();
            all.extend(bits(&gradient.inputs));
            (all, gradient.weights)
        };
        let found = same_everywhere(row.name, &[], |ranks| {
            let rows = Rows::new(Arc::clone(&inner), ranks);
            let (mut all, weights) = results(&rows);
            all.extend(bits(&weights));
            if row.name != "sparse" {
                // It has no outcomes.
                all.extend(bits(&rows.probabilities(&program, angles).unwrap()));
                all.extend(rows.sample(&program, angles, 20, 5).unwrap());
            }
            all
        });
        if ["statevector", "density", "pauli"].contains(&row.name) {
            let (whole, weights) = results(&*inner);
            assert!(found[..whole.len()] == whole[..], "{}: other bytes than the engine", row.name);
            for (k, weight) in weights.iter().enumerate() {
                let error = (f64::from_bits(found[whole.len() + k]) - weight).abs();
                // Sums of 133 terms below 3 in another order.
                assert!(error < 1e-12, "{}: weight {k} off by {error:e}", row.name);
            }
        }
    }
}

/// One leaf is the engine itself, with its draws.
#[test]
fn few_rows_are_those_of_the_engine() {
    let program = Program::ideal(&layers(2), &[]);
    let inputs = Array2::from_shape_fn((40, 2), |(row, k)| 0.1 * row as f64 + k as f64);
    let angles = Angles { inputs: inputs.view(), weights: ndarray::ArrayView1::from(&[0.4, -1.1]) };
    for name in ["statevector", "trajectory", "mps"] {
        let inner = engine(name, EngineOptions { shots: 5, ..EngineOptions::default() }).unwrap();
        let expected = inner.sample(&program, angles, 9, 3).unwrap();
        let found = same_everywhere(name, &[], |ranks| {
            let rows = Rows::new(Arc::clone(&inner), ranks);
            rows.sample(&program, angles, 9, 3).unwrap().into_iter().collect()
        });
        assert_eq!(found, expected.into_iter().collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn shots_are_the_same_at_any_number_of_ranks() {
    let mut program = Program::ideal(&layers(2), &[]);
    let channel = amplitude_damping(0.3).unwrap();
    program.steps.push(Step::Noise { channel, qubits: vec![0], condition: None });
    let observables = [Observable::z(0), Observable::z(1)];
    let angles = [0.9, 0.4, -0.2, 1.3];
    let angles = Angles::of_weights(&angles);
    let exact = engine("density", EngineOptions::default()).unwrap().expect(&program, angles, &observables).unwrap();
    for row in ENGINES {
        let options = EngineOptions { shots: 600, seed: 4, ..EngineOptions::default() };
        if row.values != ValueKind::Drawn {
            let refused = on_threads(1, |rank| ShotBlocks::new(row.name, options, Arc::new(rank)).err());
            assert!(matches!(refused[0], Some(SimError::Unsupported { .. })), "{}", row.name);
            continue;
        }
        let found = same_everywhere(row.name, &[3], |ranks| {
            let blocks = ShotBlocks::new(row.name, options, ranks).unwrap();
            let mut all = bits(&blocks.expect(&program, angles, &observables).unwrap());
            all.extend(blocks.sample(&program, angles, 700, 2).unwrap());
            all.extend(bits(&blocks.probabilities(&program, angles).unwrap()));
            let accounts = blocks.prepare(&program, &observables, 0).unwrap().account(angles).unwrap().unwrap();
            all.extend(accounts.iter().map(|account| account.interval.unwrap().to_bits()));
            all
        });
        for (o, exact) in exact.iter().enumerate() {
            // Five standard errors of a mean of 600 values within ±1.
            let error = (f64::from_bits(found[o]) - exact).abs();
            assert!(error < 5.0 / 600f64.sqrt(), "{}: observable {o} off by {error}", row.name);
        }
        assert_eq!(found[2..6].iter().sum::<u64>(), 700, "{}", row.name);
        // One block is the engine.
        let few = EngineOptions { shots: 200, ..options };
        let own = (row.make)(few).expect(&program, angles, &observables).unwrap();
        let found = same_everywhere(row.name, &[], |ranks| {
            bits(&ShotBlocks::new(row.name, few, ranks).unwrap().expect(&program, angles, &observables).unwrap())
        });
        assert_eq!(found, bits(&own), "{}", row.name);
    }
}

/// Expectation values, probabilities and outcomes of a sharded state, at any number of ranks, and beside those of one process.
fn check_sharded(context: &str, program: &Program, observables: &[Observable], angles: Angles, further: &[usize]) {
    let found = same_everywhere(context, further, |ranks| {
        let sharded = Sharded::new(ranks);
        let mut all = bits(&sharded.expect(program, angles, observables).unwrap());
        all.extend(bits(&sharded.probabilities(program, angles).unwrap()));
        if angles.inputs.is_empty() {
            all.extend(sharded.outcomes(program, &angles.weights.to_vec(), 50, 9).unwrap());
        }
        all
    });
    let whole = Statevector::default();
    let expected = whole.expect(program, angles, observables).unwrap();
    let p = whole.probabilities(program, angles).unwrap();
    for (k, value) in expected.iter().chain(&p).enumerate() {
        // Rounding of some dozen gates in double precision.
        let error = (f64::from_bits(found[k]) - value).abs();
        assert!(error < 1e-12, "{context}: value {k} off by {error:e}");
    }
    if angles.inputs.is_empty() {
        let outcomes = &found[expected.len() + p.len()..];
        assert!(outcomes.iter().all(|&outcome| p[[0, outcome as usize]] > 1e-9), "{context}: an impossible outcome");
    }
}

/// Observables with every letter on low and on high qubits.
fn observables(qubits: usize) -> Vec<Observable> {
    let high = qubits - 1;
    let texts = [format!("Z{high}"), format!("X{high} Y0 + 0.3 Z1"), format!("Y{high} X{} + Z0 Z{high}", high - 1)];
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

#[test]
fn every_gate_is_the_same_on_a_sharded_state() {
    for row in GATES {
        let mut stream = Stream::named(3, row.name);
        let mut circuit = Circuit::new(6);
        for layer in 0..3 {
            (0..6).for_each(|q| _ = circuit.push(Gate::Ry, &[q], &[(0.2 + 0.7 * (q + layer) as f64).into()]).unwrap());
            let operands = &stream.permutation(6)[..row.qubits];
            let params: Vec<Param> = row.params.iter().map(|_| Param::Fixed(stream.normal())).collect();
            circuit.push(row.gate, operands, &params).unwrap();
        }
        let program = Program::ideal(&circuit, &[]);
        check_sharded(row.name, &program, &observables(6), Angles::of_weights(&[]), &[]);
    }
}

#[test]
fn random_programs_are_the_same_on_a_sharded_state() {
    for seed in 0..6 {
        let kinds = Kinds { measured: seed % 2 == 1, readout: seed % 3 == 2, ..Kinds::default() };
        let program = random::program(seed, 7, 20, (2, 3), kinds);
        let (inputs, weights) = random::angles(seed, 2, 2, 3);
        let angles = Angles { inputs: inputs.view(), weights: weights.view() };
        check_sharded(&format!("seed {seed}"), &program, &observables(7), angles, &[8]);
    }
}

#[test]
fn gradients_of_a_sharded_state_are_those_of_one_process() {
    let program = Program::ideal(&layers(4), &[]);
    let (inputs, weights) = random::angles(1, 2, 4, 4);
    let angles = Angles { inputs: inputs.view(), weights: weights.view() };
    let (observables, cotangent) = (observables(4), Array2::from_elem((2, 3), 0.7));
    let found = same_everywhere("gradient", &[], |ranks| {
        let gradient = Sharded::new(ranks).vjp(&program, angles, &observables, cotangent.view()).unwrap();
        bits(gradient.inputs.iter().chain(&gradient.weights))
    });
    let exact = Statevector::default().vjp(&program, angles, &observables, cotangent.view()).unwrap();
    for (found, exact) in found.iter().zip(exact.inputs.iter().chain(&exact.weights)) {
        // Differences of two values of order one.
        assert!((f64::from_bits(*found) - exact).abs() < 1e-12, "{} beside {exact}", f64::from_bits(*found));
    }
}

/// What takes messages: gates that mix amplitudes of different ranks, and nothing else.
#[test]
fn few_gates_take_messages() {
    type Build = fn(&mut Circuit);
    let cases: [(&str, Build, usize); 6] = [
        (
            "diagonal gates",
            |c| {
                (0..6).for_each(|q| {
                    _ = c.push(Gate::T, &[q], &[]).unwrap().push(Gate::Cz, &[q, (q + 1) % 6], &[]).unwrap()
                })
            },
            0,
        ),
        ("controls on rank qubits", |c| _ = c.push(Gate::Ccx, &[5, 4, 0], &[]).unwrap(), 0),
        ("gates within a rank", |c| (0..4).for_each(|q| _ = c.push(Gate::H, &[q], &[]).unwrap()), 0),
        // There and back.
        ("a gate on a rank qubit", |c| _ = c.push(Gate::H, &[5], &[]).unwrap(), 2),
        ("many gates on a rank qubit", |c| (0..9).for_each(|_| _ = c.push(Gate::H, &[5], &[]).unwrap()), 2),
        ("two swaps that undo each other", |c| (0..2).for_each(|_| _ = c.push(Gate::Swap, &[5, 0], &[]).unwrap()), 0),
    ];
    for (what, build, expected) in cases {
        let mut circuit = Circuit::new(6);
        build(&mut circuit);
        let program = Program::ideal(&circuit, &[0, 1, 2, 3, 4, 5]);
        assert_eq!(Sharded::exchanges(&program, 4).unwrap(), expected, "{what}");
        assert_eq!(Sharded::exchanges(&program, 1).unwrap(), 0, "{what} on one rank");
    }
}

#[test]
fn refusals_are_the_same_at_every_rank() {
    let program = Program::ideal(&layers(2), &[]);
    let mut inputs = Array2::zeros((70, 2));
    inputs[[69, 1]] = f64::NAN;
    let angles = Angles { inputs: inputs.view(), weights: ndarray::ArrayView1::from(&[0.0, 0.0]) };
    let errors = on_threads(2, |rank| {
        let rows = Rows::new(Arc::new(Statevector::default()), Arc::new(rank));
        rows.expect(&program, angles, &[Observable::z(0)]).unwrap_err().to_string()
    });
    assert_eq!(errors, ["angle 1 of row 69 is NaN; angles must be finite"; 2]);

    let mut circuit = Circuit::new(3);
    circuit.push(Gate::H, &[2], &[]).unwrap();
    let narrow = Program::ideal(&circuit, &[0, 1, 2]);
    for (ranks, message) in [
        (3, "a state of 3 qubits cannot be cut over 3 ranks; start a power of two, at most 8"),
        // Every qubit is one of the rank's number, and none is left for the gate.
        (8, "a state of 3 qubits cannot be cut over 8 ranks; start at most 4"),
    ] {
        let angles = Angles::of_weights(&[]);
        let refused = on_threads(ranks, |rank| {
            Sharded::new(Arc::new(rank)).probabilities(&narrow, angles).unwrap_err().to_string()
        });
        assert!(refused.iter().all(|text| text == message), "{}", refused[0]);
    }

    // A rank that ends without a word.
    let left = on_threads(2, |rank| if rank.rank() == 0 { Ok(Vec::new()) } else { rank.gather(&[1.0]) });
    assert_eq!(left[1], Err(SimError::RankEnded { rank: 0 }));
}
