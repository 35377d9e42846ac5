//! Every row of the tables of gates and channels on every engine that claims to run it.

use qgraft::circuit::gate::GATES;
use qgraft::circuit::{Circuit, Gate, Observable, Op, Param};
use qgraft::noise::channel::CHANNELS;
use qgraft::noise::{Channel, Program};
use qgraft::sim::cost::{Call, Request, Workload};
use qgraft::sim::{Angles, Bond, Cut, Density, ENGINES, EngineOptions, EngineRow, Simulator, ValueKind};

use crate::support::random;

/// Rounding of some dozen small matrices and splits.
const TOLERANCE: f64 = 1e-10;

/// Nothing is dropped; shots are few, as their interval is what is checked.
fn options() -> EngineOptions {
    EngineOptions {
        shots: 400,
        seed: 5,
        cut: Cut { below: 0.0, ..Cut::default() },
        bond: Bond { most: 1 << 10, weight: 0.0 },
        ..EngineOptions::default()
    }
}

/// Values of every engine that claims the program, against the density matrix; the names of those engines.
fn claimed(program: &Program, observables: &[Observable], name: &str) -> Vec<&'static str> {
    let angles = Angles::of_weights(&[]);
    let truth = Density::default().expect(program, angles, observables).unwrap();
    let workload = Workload::new(program, observables, 0);
    let call = Call::new(Request::Values, &options());
    let claims = |row: &&EngineRow| (row.cost)(&workload, &call).is_some();
    let mut claiming = Vec::new();
    for row in ENGINES.iter().filter(claims) {
        let prepared = (row.make)(options()).prepare(program, observables, 0);
        let prepared = prepared.unwrap_or_else(|error| panic!("{} claims {name}: {error}", row.name));
        let values = prepared.expect(angles).unwrap_or_else(|error| panic!("{} claims {name}: {error}", row.name));
        for (o, (found, truth)) in values.iter().zip(&truth).enumerate() {
            // Means of shots of ±1: five standard errors at most, and what no shot showed.
            let norm: f64 = observables[o].terms.iter().map(|(weight, _)| weight.abs()).sum();
            let tolerance = match row.values {
                ValueKind::Drawn if prepared.draws(1) => norm * (5.0 / (400f64).sqrt()),
                _ => TOLERANCE,
            };
            let wrong = (found - truth).abs();
            assert!(wrong < tolerance, "{}, {name}, {}: {found} {truth}", row.name, observables[o]);
        }
        claiming.push(row.name);
    }
    claiming
}

/// Rotations of every qubit before `middle`, a Clifford layer if there is to be a stabilizer state.
fn around(qubits: usize, is_clifford: bool, middle: impl FnOnce(&mut Circuit)) -> Circuit {
    let mut circuit = Circuit::new(qubits);
    let rotate = |circuit: &mut Circuit| {
        for qubit in 0..qubits {
            let angle = if is_clifford { std::f64::consts::FRAC_PI_2 } else { 0.4 + 0.3 * qubit as f64 };
            circuit.push([Gate::Ry, Gate::Rx][qubit % 2], &[qubit], &[Param::Fixed(angle)]).unwrap();
        }
    };
    rotate(&mut circuit);
    middle(&mut circuit);
    rotate(&mut circuit);
    circuit
}

/// Engines that are to run every gate.
const OF_GATES: [&str; 7] = ["auto", "statevector", "density", "trajectory", "pauli", "sparse", "mps"];
/// Engines that are to run every channel.
const OF_CHANNELS: [&str; 6] = ["auto", "density", "trajectory", "pauli", "sparse", "mps"];

#[test]
fn every_gate_runs_on_each_engine_that_claims_it() {
    let mut clifford = 0;
    for row in GATES {
        let qubits = row.qubits.max(2);
        let operands: Vec<usize> = (0..row.qubits).rev().collect();
        for is_clifford in [false, true] {
            let circuit = around(qubits, is_clifford, |circuit| {
                let angle = |k: usize| if is_clifford { 0.0 } else { 0.37 + 0.61 * k as f64 };
                let angles: Vec<Param> = (0..row.params.len()).map(|k| Param::Fixed(angle(k))).collect();
                circuit.push(row.gate, &operands, &angles).unwrap();
            });
            let program = Program::ideal(&circuit, &[]);
            let observables = random::observables(qubits);
            let observables = if row.qubits > 3 { &observables[..2] } else { &observables[..] };
            let engines = claimed(&program, observables, row.name);
            let missing: Vec<_> = OF_GATES.iter().filter(|name| !engines.contains(name)).collect();
            assert!(missing.is_empty(), "{}: {missing:?} do not run it", row.name);
            clifford += usize::from(engines.contains(&"stabilizer"));
        }
    }
    assert!(clifford > 20, "the engine stabilizer ran {clifford} gates");
}

#[test]
fn every_channel_runs_on_each_engine_that_claims_it() {
    let mut pauli = 0;
    for row in CHANNELS {
        // Probabilities of one channel sum to at most 1; rotations have no lowest angle.
        let share = 0.5 / row.parameters.len() as f64;
        let low = |low: f64| low.max(-1.0);
        let values: Vec<f64> =
            row.parameters.iter().map(|p| low(p.low) + share * (p.high.min(1.0) - low(p.low))).collect();
        let channel: Channel = row.channel(&values).unwrap();
        for is_clifford in [false, true] {
            let circuit = around(3, is_clifford, |circuit| {
                circuit.push(Gate::Cx, &[2, 1], &[]).unwrap().push(Gate::Id, &[1], &[]).unwrap();
            });
            let operands: Vec<usize> = [2, 0][..row.qubits].to_vec();
            let noise =
                |op: &Op| if op.name() == "id" { vec![(channel.clone(), operands.clone())] } else { Vec::new() };
            let program = Program::compile(&circuit, &[], noise, |_| None);
            let engines = claimed(&program, &random::observables(3), row.name);
            let missing: Vec<_> = OF_CHANNELS.iter().filter(|name| !engines.contains(name)).collect();
            assert!(missing.is_empty(), "{}: {missing:?} do not run it", row.name);
            pauli += usize::from(engines.contains(&"stabilizer"));
        }
    }
    assert!(pauli > 3, "the engine stabilizer ran {pauli} channels");
}
