//! Cones of observables: exact for every gate and channel, of the known sizes, and used by the engines.

use std::f64::consts::FRAC_PI_2;

use ndarray::{Array1, Array2, array};
use qgraft::circuit::gate::GATES;
use qgraft::circuit::qasm::{ReadOptions, read};
use qgraft::circuit::{Circuit, Gate, Observable, Param};
use qgraft::device::Device;
use qgraft::math::Probability;
use qgraft::noise::channel::{CHANNELS, amplitude_damping, depolarizing};
use qgraft::noise::{Confusion, PairConfusion, PairReadout, Program, Step};
use qgraft::sim::{
    Angles, Auto, Density, ENGINES, EngineOptions, Pauli, Shots, SimError, Simulator, Statevector, Trajectory,
};

use crate::support::random::{self, Kinds};

/// Accumulated rounding of some dozen small matrices.
const TOLERANCE: f64 = 1e-12;

/// Values of each observable on its own cone, against those of the whole program.
fn cones_agree(program: &Program, angles: Angles, observables: &[Observable], name: &str) {
    let engine = Density::default();
    let whole = engine.expect(program, angles, observables).unwrap();
    for (o, observable) in observables.iter().enumerate() {
        let (cone, qubits) = program.cone(observable);
        assert!(cone.qubits() <= program.qubits() && cone.steps.len() <= program.steps.len());
        let mut positions = vec![0; program.qubits()];
        qubits.iter().enumerate().for_each(|(position, &qubit)| positions[qubit] = position);
        let values = engine.expect(&cone, angles, &[observable.relabel(&positions)]).unwrap();
        let wrong = (&values.column(0) - &whole.column(o)).mapv(f64::abs).fold(0.0, |a: f64, &b| a.max(b));
        assert!(wrong < TOLERANCE, "{name}, {observable}: {} of {} qubits, {wrong:e}", qubits.len(), program.qubits());
    }
}

/// Two layers of RY and CZ around `middle`, so that letters of every kind meet it.
fn around(qubits: usize, middle: impl FnOnce(&mut Circuit)) -> Circuit {
    let mut circuit = Circuit::new(qubits);
    let layer = |circuit: &mut Circuit, shift: f64| {
        for qubit in 0..qubits {
            circuit.push(Gate::Ry, &[qubit], &[Param::Fixed(0.4 + shift + 0.3 * qubit as f64)]).unwrap();
        }
        for qubit in 0..qubits - 1 {
            circuit.push(Gate::Cz, &[qubit, qubit + 1], &[]).unwrap();
        }
    };
    layer(&mut circuit, 0.0);
    middle(&mut circuit);
    layer(&mut circuit, 0.9);
    circuit
}

#[test]
fn every_gate_has_a_cone_that_is_exact() {
    for row in GATES {
        let qubits = (row.qubits + 1).max(4);
        let operands: Vec<usize> = (0..row.qubits).rev().collect();
        for angle in [0.37, FRAC_PI_2] {
            let circuit = around(qubits, |circuit| {
                let angles: Vec<Param> = (0..row.params.len()).map(|k| Param::Fixed(angle + 0.61 * k as f64)).collect();
                circuit.push(row.gate, &operands, &angles).unwrap();
            });
            let program = Program::ideal(&circuit, &[]);
            cones_agree(&program, Angles::of_weights(&[]), &random::observables(4), row.name);
        }
    }
}

#[test]
fn every_channel_has_a_cone_that_is_exact() {
    for row in CHANNELS {
        // Probabilities of one channel sum to at most 1; rotations have no lowest angle.
        let share = 0.5 / row.parameters.len() as f64;
        let low = |low: f64| low.max(-1.0);
        let values: Vec<f64> =
            row.parameters.iter().map(|p| low(p.low) + share * (p.high.min(1.0) - low(p.low))).collect();
        let Ok(channel) = row.channel(&values) else { panic!("{}: {values:?}", row.name) };
        let circuit = around(4, |circuit| {
            circuit.push(Gate::Id, &[1], &[]).unwrap();
        });
        let operands: Vec<usize> = (1..=row.qubits).rev().collect();
        let noise = |op: &qgraft::circuit::Op| match op.name() == "id" {
            true => vec![(channel.clone(), operands.clone())],
            false => Vec::new(),
        };
        let program = Program::compile(&circuit, &[], noise, |_| None);
        assert!(program.steps.iter().any(|step| matches!(step, Step::Noise { .. })), "{}", row.name);
        cones_agree(&program, Angles::of_weights(&[]), &random::observables(4), row.name);
    }
}

#[test]
fn cones_of_random_programs_are_exact() {
    let kinds = [
        Kinds { noise: true, readout: true, ..Kinds::default() },
        Kinds { noise: true, dynamic: true, readout: true, ..Kinds::default() },
        Kinds { noise: true, dynamic: true, measured: true, readout: true, ..Kinds::default() },
    ];
    for (k, kinds) in kinds.into_iter().enumerate() {
        for seed in 0..25 {
            let qubits = 2 + seed as usize % 4;
            let mut program = random::program(seed, qubits, 10, (2, 3), kinds);
            if seed % 3 == 0 {
                let p = |x: f64| Probability::new(x).unwrap();
                let confusion = PairConfusion::joint_flip(p(0.1));
                program.correlated = vec![PairReadout { qubits: (0, qubits - 1), confusion }];
            }
            let (inputs, weights) = random::angles(seed, 2, 2, 3);
            let angles = Angles { inputs: inputs.view(), weights: weights.view() };
            cones_agree(&program, angles, &random::observables(qubits), &format!("kind {k}, seed {seed}"));
        }
    }
}

/// The kicked Ising experiment on a heavy-hexagon device (Kim et al. 2023, doi 10.1038/s41586-023-06096-3): `steps` of RX
/// on all qubits and RZZ(-π/2) on all pairs.
fn kicked_ising(steps: usize, theta: f64) -> Circuit {
    let device = Device::load("sherbrooke").unwrap();
    let mut pairs: Vec<(usize, usize)> = device.couplings().into_iter().map(|(a, b)| (a.min(b), a.max(b))).collect();
    pairs.sort_unstable();
    pairs.dedup();
    assert_eq!(pairs.len(), 144);
    let mut circuit = Circuit::new(127);
    for _ in 0..steps {
        for qubit in 0..127 {
            circuit.push(Gate::Rx, &[qubit], &[theta.into()]).unwrap();
        }
        for &(a, b) in &pairs {
            circuit.push(Gate::Rzz, &[a, b], &[(-FRAC_PI_2).into()]).unwrap();
        }
    }
    circuit
}

/// RY by features, then layers of RY by weights and a chain of CZ.
fn chain(qubits: usize, layers: usize) -> Circuit {
    let mut circuit = Circuit::new(qubits);
    for layer in 0..=layers {
        for qubit in 0..qubits {
            let slot = circuit.slot(format!("s{layer}_{qubit}"));
            circuit.push(Gate::Ry, &[qubit], &[slot]).unwrap();
        }
        for qubit in 0..if layer == 0 { 0 } else { qubits - 1 } {
            circuit.push(Gate::Cz, &[qubit, qubit + 1], &[]).unwrap();
        }
    }
    circuit
}

#[test]
fn cones_have_the_known_widths() {
    let ising = Program::ideal(&kicked_ising(5, 0.7), &[]);
    assert_eq!(ising.cone(&Observable::z(62)).0.qubits(), 19);
    for (layers, width) in [(4, 7), (8, 15)] {
        let program = Program::ideal(&chain(100, layers), &[]);
        assert_eq!(program.cone(&Observable::z(50)).0.qubits(), width, "{layers} layers");
    }
}

/// The circuits of docs/wide.md.
#[test]
fn circuits_of_the_page_have_the_cones_that_it_states() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/circuits");
    let cases = [
        ("kicked_ising.qasm", "steps=5", 62, 19),
        ("chain.qasm", "n=100 layers=4", 50, 7),
        ("chain.qasm", "n=100 layers=8", 50, 15),
    ];
    for (file, inputs, qubit, width) in cases {
        let pair =
            |text: &str| text.split_once('=').map(|(name, value)| (name.to_string(), value.to_string())).unwrap();
        let inputs = inputs.split(' ').map(pair).collect();
        let text = std::fs::read_to_string(folder.join(file)).unwrap();
        let circuit = read(&text, &ReadOptions { inputs, ..ReadOptions::default() }).unwrap();
        let (cone, _) = Program::ideal(&circuit, &[]).cone(&Observable::z(qubit));
        assert_eq!(cone.qubits(), width, "{file}");
    }
}

/// A chain with depolarizing and relaxation behind each gate and readout error on each qubit.
fn noisy_chain(qubits: usize, layers: usize) -> Program {
    let p = |x: f64| Probability::new(x).unwrap();
    let circuit = chain(qubits, layers);
    let noise = |op: &qgraft::circuit::Op| match op.qubits[..] {
        [qubit] => vec![(depolarizing(1e-3, 1).unwrap(), vec![qubit]), (amplitude_damping(2e-3).unwrap(), vec![qubit])],
        _ => vec![(depolarizing(1e-2, 2).unwrap(), op.qubits.to_vec())],
    };
    let readout =
        |qubit: usize| Some(Confusion { one_given_zero: p(0.01 + 1e-4 * qubit as f64), zero_given_one: p(0.03) });
    Program::compile(&circuit, &[], noise, readout)
}

#[test]
fn wide_noisy_heads_have_exact_values_and_gradients() {
    let (qubits, layers) = (100, 2);
    let program = noisy_chain(qubits, layers);
    let inputs = Array2::from_shape_fn((2, qubits), |(row, k)| 1.5 * (0.7 * k as f64 + row as f64).sin());
    let weights = Array1::from_shape_fn(qubits * layers, |k| (0.9 * k as f64 + 0.3).cos());
    let angles = Angles { inputs: inputs.view(), weights: weights.view() };
    let observables: Vec<Observable> =
        ["Z0", "Z64 Z65 + 0.3", "Z99 - 0.5 X70 Y71"].iter().map(|text| text.parse().unwrap()).collect();
    let cotangent = array![[1.0, -0.4, 0.7], [0.2, 1.1, -0.6]];

    let auto = Auto::new(EngineOptions::default());
    let prepared = auto.prepare(&program, &observables, qubits).unwrap();
    assert!(prepared.resolved_name(2).contains("on cones of at most"), "{}", prepared.resolved_name(2));
    let (values, gradient) = prepared.value_and_gradient(angles, cotangent.view()).unwrap();
    // Each observable by itself on the cone, with the engine of 4^n numbers.
    for (o, observable) in observables.iter().enumerate() {
        let (cone, kept) = program.cone(observable);
        let mut positions = vec![0; qubits];
        kept.iter().enumerate().for_each(|(position, &qubit)| positions[qubit] = position);
        let alone = Density::default().expect(&cone, angles, &[observable.relabel(&positions)]).unwrap();
        let wrong = (&alone.column(0) - &values.column(o)).mapv(f64::abs).sum();
        assert!(wrong < TOLERANCE, "{observable}: {wrong:e}");
    }
    let (recorded, tape) = prepared.record(angles, 1 << 30).unwrap();
    assert!((&recorded - &values).iter().all(|d| d.abs() < TOLERANCE));
    let again = tape.unwrap().vjp(cotangent.view()).unwrap();
    assert!((&gradient.weights - &again.weights).iter().all(|d| d.abs() < TOLERANCE));
    assert!((&gradient.inputs - &again.inputs).iter().all(|d| d.abs() < TOLERANCE));
    // Differences of a fourth-order rule with steps of 1e-3 are good to 1e-9.
    for slot in [0, 1, 64, 65, 99] {
        let at = |shift: f64| {
            let mut inputs = inputs.clone();
            inputs[[1, slot]] += shift;
            let values = prepared.expect(Angles { inputs: inputs.view(), weights: weights.view() }).unwrap();
            (&values.row(1) * &cotangent.row(1)).sum()
        };
        let h = 1e-3;
        let slope = (8.0 * (at(h) - at(-h)) - (at(2.0 * h) - at(-2.0 * h))) / (12.0 * h);
        assert!((slope - gradient.inputs[[1, slot]]).abs() < 1e-9, "slot {slot}: {slope}");
    }
    for engine in [&Density::default() as &dyn Simulator, &Pauli::default()] {
        let (v, g) = engine.value_and_gradient(&program, angles, &observables, cotangent.view()).unwrap();
        assert!((&v - &values).iter().all(|d| d.abs() < TOLERANCE), "{}", engine.name());
        assert!((&g.inputs - &gradient.inputs).iter().all(|d| d.abs() < TOLERANCE), "{}", engine.name());
        assert!((&g.weights - &gradient.weights).iter().all(|d| d.abs() < TOLERANCE), "{}", engine.name());
    }
    let drawn = Trajectory::new(400, 3).expect(&program, angles, &observables).unwrap();
    // Values lie within -2..2: five standard deviations of the mean of 400 are below 0.4.
    assert!((&drawn - &values).iter().all(|d| d.abs() < 0.4), "{drawn} {values}");
}

#[test]
fn a_register_past_every_engine_runs_where_observables_are_local_and_is_refused_where_not() {
    let ising = Program::ideal(&kicked_ising(3, 0.7), &[]);
    let none = || Angles::of_weights(&[]);
    let z = Observable::z(62);
    let value = Statevector::default().expect(&ising, none(), std::slice::from_ref(&z)).unwrap()[[0, 0]];
    let (cone, qubits) = ising.cone(&z);
    let position = qubits.iter().position(|&qubit| qubit == 62).unwrap();
    let alone = Statevector::default().expect(&cone, none(), &[Observable::z(position)]).unwrap()[[0, 0]];
    assert!((value - alone).abs() < TOLERANCE);

    // A ladder of CX makes each Z depend on everything before it.
    let mut ladder = Circuit::new(100);
    for qubit in 0..100 {
        ladder.push(Gate::Ry, &[qubit], &[0.3.into()]).unwrap();
        if qubit > 0 {
            ladder.push(Gate::Cx, &[qubit - 1, qubit], &[]).unwrap();
        }
        ladder.push(Gate::Rx, &[qubit], &[0.2.into()]).unwrap();
    }
    let ladder = Program::ideal(&ladder, &[]);
    // Its rotations are no Clifford gates.
    for row in ENGINES.iter().filter(|row| row.name != "stabilizer") {
        let engine = (row.make)(EngineOptions::default());
        let near = engine.expect(&ladder, none(), &[Observable::z(3)]);
        assert!(near.is_ok(), "{}: {near:?}", row.name);
        let outside = engine.expect(&ladder, none(), &[Observable::z(100)]).unwrap_err();
        assert!(matches!(outside, SimError::ObservableOutOfRange { .. }), "{}: {outside}", row.name);
    }
    for name in ["statevector", "density", "pauli", "trajectory"] {
        let engine = qgraft::sim::engine(name, EngineOptions::default()).unwrap();
        let far = engine.expect(&ladder, none(), &[Observable::z(99)]).unwrap_err().to_string();
        // Both hold it in little memory.
        assert!(far.contains("use sparse") || far.contains("use mps"), "{name}: {far}");
        assert!(far.contains("100 qubits") && far.contains("memory"), "{name}: {far}");
    }
}

/// A noisy block whose every Z is wide, beside a pair of qubits.
fn block_and_pair(qubits: usize) -> Program {
    let mut circuit = Circuit::new(qubits);
    for qubit in 0..qubits {
        circuit.push(Gate::Ry, &[qubit], &[Param::Fixed(0.2 + 0.02 * qubit as f64)]).unwrap();
    }
    circuit.push(Gate::Cx, &[0, 1], &[]).unwrap();
    for layer in 0..2 {
        for qubit in 2..qubits - 1 {
            circuit.push(Gate::Cx, &[qubit, qubit + 1], &[]).unwrap();
            circuit.push(Gate::Ry, &[qubit + 1], &[Param::Fixed(0.05 + 0.1 * layer as f64)]).unwrap();
        }
    }
    let noise = |op: &qgraft::circuit::Op| match op.qubits.len() {
        2 => op.qubits.iter().map(|&qubit| (amplitude_damping(0.01).unwrap(), vec![qubit])).collect(),
        _ => Vec::new(),
    };
    Program::compile(&circuit, &[], noise, |_| None)
}

#[test]
fn a_cone_that_no_exact_engine_runs_leaves_the_others_exact() {
    let program = block_and_pair(30);
    let observables = ["Z1", "Z0 Z1", "Z29"].map(|text| text.parse::<Observable>().unwrap());
    let auto = Auto::new(EngineOptions::default());
    let prepared = auto.prepare(&program, &observables, 0).unwrap();
    let name = prepared.resolved_name(1);
    assert!(name.contains("sparse") && name.contains("on cones") && name.contains(" and "), "{name}");
    let values = prepared.expect(Angles::of_weights(&[])).unwrap();
    let (pair, _) = program.cone(&observables[1]);
    let truth = Density::default().expect(&pair, Angles::of_weights(&[]), &observables[..2]).unwrap();
    assert!((values[[0, 0]] - truth[[0, 0]]).abs() < TOLERANCE && (values[[0, 1]] - truth[[0, 1]]).abs() < TOLERANCE);
    let accounts = prepared.account(Angles::of_weights(&[])).unwrap().unwrap();
    assert!(accounts[[0, 0]].is_exact() && accounts[[0, 1]].is_exact(), "{accounts:?}");
    // A sum of strings is weighed string by string too.
    let sum: Observable = "Z1 + 0.5 Z0 Z1 + 0.1 Z29".parse().unwrap();
    let name = auto.prepare(&program, &[sum], 0).unwrap().resolved_name(1);
    assert!(name.contains("on cones"), "{name}");
}

/// Outcomes of 30 noisy qubits are past every list; the sign of one string is a coin whose mean is an expectation value.
#[test]
fn strings_on_wide_cones_are_drawn_from_their_expectation_values() {
    let program = block_and_pair(30);
    let observables = ["Z29", "0.5 - 2 Z28", "Z1", "3"].map(|text| text.parse::<Observable>().unwrap());
    let angles =
        || Angles { inputs: ndarray::ArrayView2::from_shape((6, 0), &[]).unwrap(), weights: ndarray::aview1(&[]) };
    let exact = Auto::new(EngineOptions::default()).expect(&program, angles(), &observables).unwrap();
    let shots = 4000;
    let engine = Shots { inner: Auto::new(EngineOptions::default()), shots, seed: 3 };
    let prepared = engine.prepare(&program, &observables, 0).unwrap();
    let drawn = prepared.expect(angles()).unwrap();
    for ((row, o), found) in drawn.indexed_iter() {
        let weight: f64 =
            observables[o].terms.iter().filter(|(_, s)| !s.letters().is_empty()).map(|(w, _)| w.abs()).sum();
        let wrong = (found - exact[[row, o]]).abs();
        assert!(wrong <= 5.0 * weight / (shots as f64).sqrt(), "{}: {found} {}", observables[o], exact[[row, o]]);
    }
    // Rows and observables draw from streams of their own.
    assert!((1..6).any(|row| drawn[[row, 0]] != drawn[[0, 0]]) && prepared.draws(1));
    assert_eq!(drawn, engine.expect(&program, angles(), &observables).unwrap());
    // Two strings on one cone are not independent: that still takes the outcomes.
    let both: Observable = "Z29 + X29".parse().unwrap();
    assert!(engine.prepare(&program, &[both], 0).and_then(|prepared| prepared.expect(angles())).is_err());
}
