//! Matrix product states: exact with bonds that are wide enough, for every gate and channel; with narrower ones, an error that
//! is told.

use ndarray::{Array2, ArrayView1};
use qgraft::circuit::gate::GATES;
use qgraft::circuit::{Circuit, Condition, Gate, Letter, Observable, Op, OpKind, Param, PauliString};
use qgraft::math::Matrix;
use qgraft::noise::channel::{CHANNELS, amplitude_damping, depolarizing};
use qgraft::noise::{Channel, Confusion, Program};
use qgraft::sim::{Angles, Auto, Bond, Density, EngineOptions, Mps, SimError, Simulator, Statevector, state};

use crate::support::cases;
use crate::support::random::{self, Kinds};

/// Rounding of some dozen splits by singular values.
const TOLERANCE: f64 = 1e-10;

fn exact() -> Mps {
    Mps { bond: Bond { most: 1 << 10, weight: 0.0 }, ..Mps::default() }
}

fn largest(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    (a - b).iter().fold(0.0, |most: f64, d| most.max(d.abs()))
}

/// Rotations of every qubit around `middle`, entangled in a ring.
fn around(qubits: usize, middle: impl FnOnce(&mut Circuit)) -> Circuit {
    let mut circuit = Circuit::new(qubits);
    let layer = |circuit: &mut Circuit| {
        for qubit in 0..qubits {
            let slot = circuit.slot(format!("s{}", circuit.slots()));
            circuit.push([Gate::Ry, Gate::Rx][qubit % 2], &[qubit], &[slot]).unwrap();
        }
        for qubit in 0..qubits {
            circuit.push(Gate::Cz, &[qubit, (qubit + 1) % qubits], &[]).unwrap();
        }
    };
    layer(&mut circuit);
    middle(&mut circuit);
    layer(&mut circuit);
    circuit
}

#[test]
fn every_gate_is_exact_with_wide_bonds() {
    for row in GATES {
        let qubits = row.qubits.max(4) + 1;
        // Apart and in falling order, so that swaps bring them together.
        let operands: Vec<usize> = (0..row.qubits).map(|k| (k * 2 + 4) % qubits).collect();
        let distinct = operands.iter().collect::<std::collections::BTreeSet<_>>().len() == operands.len();
        let operands = if distinct { operands } else { (0..row.qubits).rev().collect() };
        let mut circuit = around(qubits, |circuit| {
            let slots: Vec<Param> = (0..row.params.len()).map(|k| circuit.slot(format!("g{k}")) * 0.7 + 0.2).collect();
            circuit.push(row.gate, &operands, &slots).unwrap();
        });
        if row.qubits <= 2 {
            // Under two controls of its own as well.
            let slots: Vec<Param> = (0..row.params.len()).map(|k| circuit.slot(format!("c{k}"))).collect();
            let others = (0..qubits).filter(|qubit| !operands.contains(qubit)).take(2);
            let all: Vec<usize> = others.chain(operands.iter().copied()).collect();
            let mut op = Op::gate(row.gate, &all, &slots);
            if let OpKind::Gate { controls, .. } = &mut op.kind {
                *controls = 2;
            }
            circuit.append(op).unwrap();
        }
        let weights: Vec<f64> = (0..circuit.slots()).map(|k| 0.3 + 0.45 * k as f64).collect();
        let program = Program::ideal(&circuit, &[]);
        let observables = random::observables(qubits);
        let angles = || Angles::of_weights(&weights);
        let (mps, dense) = (exact(), Statevector::default());
        let values = mps.expect(&program, angles(), &observables).unwrap_or_else(|e| panic!("{}: {e}", row.name));
        let wrong = largest(&values, &dense.expect(&program, angles(), &observables).unwrap());
        assert!(wrong < TOLERANCE, "{}: {wrong:e}", row.name);
        let p = mps.probabilities(&program, angles()).unwrap();
        let wrong = largest(&p, &dense.probabilities(&program, angles()).unwrap());
        assert!(wrong < TOLERANCE, "{}, probabilities: {wrong:e}", row.name);
        let accounts = mps.prepare(&program, &observables, 0).unwrap().account(angles()).unwrap().unwrap();
        assert!(accounts.iter().all(|a| a.is_exact() && a.bound == 0.0), "{}: {accounts:?}", row.name);
    }
}

/// Six controls, in front of, between and behind the operands: more than a block of sites has.
#[test]
fn every_gate_is_exact_under_many_controls() {
    for row in GATES.iter().filter(|row| row.qubits <= 3) {
        let qubits = row.qubits + 6;
        let order = [4, 7, 2, 8, 0, 5, 3, 1, 6];
        let all: Vec<usize> = order.into_iter().filter(|&qubit| qubit < qubits).collect();
        let mut circuit = Circuit::new(qubits);
        for qubit in 0..qubits {
            // Controls that are mostly 1, or nothing would happen.
            let slot = circuit.slot(format!("s{qubit}"));
            circuit.push([Gate::Ry, Gate::Rx][qubit % 2], &[qubit], &[slot + 2.4]).unwrap();
        }
        for qubit in 0..qubits - 1 {
            circuit.push(Gate::Cz, &[qubit, qubit + 1], &[]).unwrap();
        }
        let slots: Vec<Param> = (0..row.params.len()).map(|k| circuit.slot(format!("c{k}"))).collect();
        let mut op = Op::gate(row.gate, &all, &slots);
        if let OpKind::Gate { controls, .. } = &mut op.kind {
            *controls = 6;
        }
        circuit.append(op).unwrap();
        for qubit in 0..qubits {
            circuit.push(Gate::Ry, &[qubit], &[Param::Fixed(0.9 - 0.2 * qubit as f64)]).unwrap();
        }
        let weights: Vec<f64> = (0..circuit.slots()).map(|k| 0.3 + 0.11 * k as f64).collect();
        let angles = || Angles::of_weights(&weights);
        let program = Program::ideal(&circuit, &[]);
        let (mps, dense) = (exact(), Statevector::default());
        let wrong = largest(
            &mps.probabilities(&program, angles()).unwrap_or_else(|e| panic!("{}: {e}", row.name)),
            &dense.probabilities(&program, angles()).unwrap(),
        );
        assert!(wrong < TOLERANCE, "{}: {wrong:e}", row.name);
        let observables = random::observables(qubits);
        let accounts = mps.prepare(&program, &observables, 0).unwrap().account(angles()).unwrap().unwrap();
        assert!(accounts.iter().all(|a| a.is_exact() && a.bound == 0.0), "{}: {accounts:?}", row.name);
        // With narrow bonds the stated error holds.
        let narrow = Mps { bond: Bond { most: 3, weight: 0.0 }, ..Mps::default() };
        let prepared = narrow.prepare(&program, &observables, 0).unwrap();
        let (found, truth) =
            (prepared.expect(angles()).unwrap(), dense.expect(&program, angles(), &observables).unwrap());
        let accounts = prepared.account(angles()).unwrap().unwrap();
        for ((found, truth), account) in found.iter().zip(&truth).zip(&accounts) {
            assert!((found - truth).abs() <= account.bound + TOLERANCE, "{}: {found} {truth} {account:?}", row.name);
            assert!(account.terms <= 3, "{}: {account:?}", row.name);
        }
    }
}

/// An X under 49 controls on 50 qubits, all of which are 1 with a probability that is known.
#[test]
fn a_gate_under_every_other_qubit_of_a_wide_chain_is_exact() {
    let mut circuit = Circuit::new(50);
    for qubit in 0..50 {
        circuit.push(Gate::X, &[qubit], &[]).unwrap();
    }
    circuit.push(Gate::Rx, &[17], &[Param::Fixed(0.8)]).unwrap();
    let all: Vec<usize> = (0..50).filter(|&qubit| qubit != 30).chain([30]).collect();
    let mut op = Op::gate(Gate::X, &all, &[]);
    if let OpKind::Gate { controls, .. } = &mut op.kind {
        *controls = 49;
    }
    circuit.append(op).unwrap();
    let program = Program::ideal(&circuit, &[]);
    let prepared = Mps::default().prepare(&program, &[Observable::z(30), "Z17 Z30".parse().unwrap()], 0).unwrap();
    let values = prepared.expect(Angles::of_weights(&[])).unwrap();
    // It is flipped where qubit 17 is 1.
    let (z, zz) = (0.8f64.cos(), -1.0);
    assert!((values[[0, 0]] - z).abs() < TOLERANCE && (values[[0, 1]] - zz).abs() < TOLERANCE, "{values}");
    let account = prepared.account(Angles::of_weights(&[])).unwrap().unwrap()[[0, 0]];
    assert!(account.is_exact() && account.terms == 2, "{account:?}");
}

/// Means of runs lie within four standard errors of the density matrix, for every channel.
#[test]
fn every_channel_is_drawn_with_its_probabilities() {
    let shots = 600;
    for row in CHANNELS {
        // Probabilities of one channel sum to at most 1; rotations have no lowest angle.
        let share = 0.5 / row.parameters.len() as f64;
        let low = |low: f64| low.max(-1.0);
        let values: Vec<f64> =
            row.parameters.iter().map(|p| low(p.low) + share * (p.high.min(1.0) - low(p.low))).collect();
        let channel = row.channel(&values).unwrap();
        let circuit = around(4, |circuit| {
            circuit.push(Gate::Id, &[1], &[]).unwrap();
        });
        let operands: Vec<usize> = [3, 1][..row.qubits].to_vec();
        let noise = |op: &Op| if op.name() == "id" { vec![(channel.clone(), operands.clone())] } else { Vec::new() };
        let program = Program::compile(&circuit, &[], noise, |_| None);
        let weights: Vec<f64> = (0..circuit.slots()).map(|k| 0.3 + 0.45 * k as f64).collect();
        let observables = random::observables(4);
        let engine = Mps { shots, ..exact() };
        let prepared = engine.prepare(&program, &observables, 0).unwrap();
        let found = prepared.expect(Angles::of_weights(&weights)).unwrap();
        let truth = Density::default().expect(&program, Angles::of_weights(&weights), &observables).unwrap();
        let accounts = prepared.account(Angles::of_weights(&weights)).unwrap().unwrap();
        for ((found, truth), account) in found.iter().zip(&truth).zip(&accounts) {
            let half = account.interval.expect("a mean of draws has an interval");
            // Two half-widths are 3.9 standard errors. Without spread all runs agree.
            assert!((found - truth).abs() <= 2.0 * half + TOLERANCE, "{}: {found} {truth} {account:?}", row.name);
            assert!(!account.is_exact() && account.bound == 0.0, "{}: {account:?}", row.name);
        }
    }
}

#[test]
fn random_ideal_programs_are_exact_with_their_gradients() {
    for seed in 0..12 {
        let qubits = 1 + seed as usize % 6;
        let program = random::program(seed, qubits, 14, (2, 3), Kinds { readout: true, ..Kinds::default() });
        let (inputs, weights) = random::angles(seed, 2, 2, 3);
        let angles = Angles { inputs: inputs.view(), weights: weights.view() };
        let observables = random::observables(qubits);
        let (mps, dense) = (exact(), Statevector::default());
        let values = mps.expect(&program, angles, &observables).unwrap();
        let wrong = largest(&values, &dense.expect(&program, angles, &observables).unwrap());
        assert!(wrong < TOLERANCE, "seed {seed}: {wrong:e}");
        let wrong =
            largest(&mps.probabilities(&program, angles).unwrap(), &dense.probabilities(&program, angles).unwrap());
        assert!(wrong < TOLERANCE, "seed {seed}, probabilities: {wrong:e}");
        let cotangent = Array2::from_shape_fn(values.dim(), |(row, o)| 0.7 - 0.3 * row as f64 + 0.4 * o as f64);
        // The shift rule has none for some gates under controls.
        let Ok(own) = mps.vjp(&program, angles, &observables, cotangent.view()) else { continue };
        let slopes = dense.vjp(&program, angles, &observables, cotangent.view()).unwrap();
        assert!(largest(&own.inputs, &slopes.inputs) < 1e-9, "seed {seed}");
        assert!((&own.weights - &slopes.weights).iter().all(|d| d.abs() < 1e-9), "seed {seed}");
    }
}

/// Swaps leave qubits on sites of other numbers; states are compared in order.
#[test]
fn final_states_overlap_and_entangle_as_vectors_do() {
    for seed in 0..8 {
        let qubits = 2 + seed as usize % 5;
        let program = random::program(seed, qubits, 14, (3, 0), Kinds::default());
        let (inputs, _) = random::angles(seed, 2, 3, 0);
        let angles = Angles { inputs: inputs.view(), weights: ArrayView1::from(&[]) };
        let mut states = exact().states(&program, angles).unwrap();
        let vectors = Statevector::default().states(&program, angles).unwrap();
        let fidelity = state::overlap(vectors.row(0), vectors.row(1));
        assert!((states[0].fidelity(&states[1]) - fidelity).abs() < TOLERANCE, "seed {seed}: {fidelity}");
        for (qubit, purity) in states[0].purities().into_iter().enumerate() {
            let expected = state::purity(state::reduced(vectors.row(0), &[qubit]).unwrap().view());
            assert!((purity - expected).abs() < TOLERANCE, "seed {seed}, qubit {qubit}: {purity} {expected}");
        }
        assert_eq!(states[0].error_angle(), 0.0);
    }
    let mut measured = Circuit::with_bits(1, 1);
    measured.measure(0, 0).unwrap();
    let refused = exact().states(&Program::ideal(&measured, &[0]), Angles::of_weights(&[])).err().unwrap().to_string();
    assert!(refused.contains("the state of a program with measurements"), "{refused}");
}

/// Noise, readout error, measurements, resets and conditions, against the density matrix by the interval of many runs.
#[test]
fn random_noisy_and_dynamic_programs_agree_by_their_intervals() {
    let kinds = [
        Kinds { noise: true, readout: true, ..Kinds::default() },
        Kinds { noise: true, measured: true, readout: true, ..Kinds::default() },
        Kinds { noise: true, dynamic: true, readout: true, ..Kinds::default() },
    ];
    let (mut held, mut count) = (0, 0);
    for (k, kinds) in kinds.into_iter().enumerate() {
        for seed in 0..3 {
            let qubits = 2 + seed as usize % 3;
            let program = random::program(seed, qubits, 12, (0, 3), kinds);
            let (_, weights) = random::angles(seed, 1, 0, 3);
            let weights = weights.to_vec();
            let observables = random::observables(qubits);
            let engine = Mps { shots: 150, seed: 10 * seed + k as u64, ..exact() };
            let prepared = engine.prepare(&program, &observables, 0).unwrap();
            let found = prepared.expect(Angles::of_weights(&weights)).unwrap();
            let accounts = prepared.account(Angles::of_weights(&weights)).unwrap().unwrap();
            let truth = Density::default().expect(&program, Angles::of_weights(&weights), &observables).unwrap();
            for ((found, truth), account) in found.iter().zip(&truth).zip(&accounts) {
                let half = account.interval.unwrap_or(0.0);
                assert!((found - truth).abs() <= 2.5 * half + TOLERANCE, "kind {k}, seed {seed}: {found} {truth}");
                held += usize::from((found - truth).abs() <= half + TOLERANCE);
                count += 1;
            }
            // Outcomes: the total variation distance of 600 counts over at most 2^k outcomes.
            let p = Density::default().probabilities(&program, Angles::of_weights(&weights)).unwrap();
            let counts = engine.sample(&program, Angles::of_weights(&weights), 600, 5).unwrap();
            let distance: f64 = counts.iter().zip(&p).map(|(n, p)| (*n as f64 / 600.0 - p).abs()).sum::<f64>() / 2.0;
            let expected = 0.5 * (p.len() as f64 / 600.0).sqrt();
            assert!(distance < 1.5 * expected + 0.02, "kind {k}, seed {seed}: {distance} against {expected}");
        }
    }
    // 95 % are expected; values of one program are correlated.
    assert!(held as f64 > 0.85 * f64::from(count), "{held} of {count}");
}

/// Layers of generic rotations and CZ between neighbours, from left to right.
fn layers(qubits: usize, depth: usize) -> Circuit {
    let mut circuit = Circuit::new(qubits);
    for layer in 0..depth {
        for qubit in 0..qubits {
            let angle = 1.1 * (1.7 * (layer * qubits + qubit) as f64 + 0.4).sin();
            circuit.push([Gate::Ry, Gate::Rx][layer % 2], &[qubit], &[(angle + 0.4).into()]).unwrap();
        }
        for qubit in (layer % 2..qubits - 1).step_by(2) {
            circuit.push(Gate::Cz, &[qubit, qubit + 1], &[]).unwrap();
        }
    }
    circuit
}

#[test]
fn truncated_values_are_within_the_stated_error() {
    let circuit = layers(10, 10);
    let program = Program::ideal(&circuit, &[]);
    let observables = ["Z5", "X0 X9 + 0.5 Z3", "Y2 Z6 X9"].map(|text| text.parse::<Observable>().unwrap());
    let none = || Angles::of_weights(&[]);
    let truth = Statevector::default().expect(&program, none(), &observables).unwrap();
    let wide = exact().expect(&program, none(), &observables).unwrap();
    assert!(largest(&wide, &truth) < TOLERANCE);
    let mut last = f64::INFINITY;
    let (mut told, mut void) = (0, 0);
    for bond in [
        Bond { most: 4, weight: 0.0 },
        Bond { most: 12, weight: 0.0 },
        Bond { most: 32, weight: 1e-5 },
        Bond { most: 32, weight: 1e-9 },
        Bond { most: 32, weight: 1e-13 },
    ] {
        let prepared = Mps { bond, ..Mps::default() }.prepare(&program, &observables, 0).unwrap();
        let values = prepared.expect(none()).unwrap();
        let accounts = prepared.account(none()).unwrap().unwrap();
        for ((value, truth), account) in values.iter().zip(&truth).zip(&accounts) {
            assert!((value - truth).abs() <= account.bound + TOLERANCE, "{bond:?}: {value} {truth} {account:?}");
            assert!(!account.is_exact() && account.terms <= bond.most, "{bond:?}: {account:?}");
            assert!(account.fidelity.is_some_and(|f| (0.0..1.0).contains(&f)), "{bond:?}: {account:?}");
            match account.certificate() {
                Some(_) => told += 1,
                None => void += 1,
            }
        }
        let wrong = largest(&values, &truth);
        assert!(wrong <= 1.5 * last, "{bond:?}: {wrong:e} after {last:e}");
        last = wrong;
    }
    assert!(last < 1e-6 && told > 0 && void > 0, "{last:e}, {told} told, {void} void");
}

#[test]
fn truncation_under_noise_is_within_bound_and_interval() {
    let circuit = layers(8, 8);
    let noise = |op: &Op| -> Vec<(Channel, Vec<usize>)> {
        match op.qubits[..] {
            [qubit] => vec![(amplitude_damping(0.02).unwrap(), vec![qubit])],
            _ => vec![(depolarizing(0.02, 2).unwrap(), op.qubits.to_vec())],
        }
    };
    let confusion = Confusion::symmetric(qgraft::math::Probability::new(0.03).unwrap());
    let program = Program::compile(&circuit, &[], noise, |_| Some(confusion));
    let observables = ["Z3", "X0 X7"].map(|text| text.parse::<Observable>().unwrap());
    let none = || Angles::of_weights(&[]);
    let truth = Density::default().expect(&program, none(), &observables).unwrap();
    let engine = Mps { bond: Bond { most: 6, weight: 1e-6 }, shots: 100, seed: 3 };
    let prepared = engine.prepare(&program, &observables, 0).unwrap();
    let values = prepared.expect(none()).unwrap();
    for ((value, truth), account) in values.iter().zip(&truth).zip(&prepared.account(none()).unwrap().unwrap()) {
        let half = account.interval.unwrap();
        assert!((value - truth).abs() <= account.bound + 2.0 * half, "{value} {truth} {account:?}");
        assert!(account.bound > 0.0 && account.fidelity.is_some(), "{account:?}");
    }
    // The same seed gives the same values, another other ones.
    assert_eq!(values, engine.expect(&program, none(), &observables).unwrap());
    assert_ne!(values, Mps { seed: 4, ..engine }.expect(&program, none(), &observables).unwrap());
}

/// "auto" hands over what is exact: of small angles too, that `mps` itself drops by default.
#[test]
fn auto_drops_nothing_where_it_takes_chains_as_exact() {
    let qubits = 40;
    let mut circuit = Circuit::new(qubits);
    circuit.push(Gate::H, &[0], &[]).unwrap();
    (1..qubits).for_each(|qubit| _ = circuit.push(Gate::Cry, &[qubit - 1, qubit], &[2.5.into()]).unwrap());
    // A thousand turns that each weigh 2.5e-17 of the state make one that does not.
    (0..1000).for_each(|_| _ = circuit.push(Gate::Rxx, &[0, 1], &[1e-8.into()]).unwrap());
    let program = Program::ideal(&circuit, &[]);
    let observable = [Observable { terms: vec![(1.0, PauliString::new((0..qubits).map(|q| (q, Letter::Z))))] }];
    let bond = Bond { weight: 0.5, ..Bond::default() };
    for options in [EngineOptions::default(), EngineOptions { bond, ..EngineOptions::default() }] {
        let prepared = Auto::new(options).prepare(&program, &observable, 0).unwrap();
        assert!(prepared.resolved_name(1).starts_with("mps"), "{}", prepared.resolved_name(1));
        let account = prepared.account(Angles::of_weights(&[])).unwrap().unwrap()[[0, 0]];
        assert!(account.is_exact() && account.bound == 0.0, "{account:?}");
    }
}

#[test]
fn wide_chains_run_and_auto_takes_the_engine_where_it_is_exact() {
    // A chain of controlled rotations: bonds of two, cones of all qubits, no Clifford gates.
    let qubits = 60;
    let mut circuit = Circuit::new(qubits);
    circuit.push(Gate::Ry, &[0], &[0.9.into()]).unwrap();
    for qubit in 1..qubits {
        circuit.push(Gate::Cry, &[qubit - 1, qubit], &[2.5.into()]).unwrap();
        circuit.push(Gate::Rx, &[qubit], &[0.2.into()]).unwrap();
    }
    let program = Program::ideal(&circuit, &[]);
    let all = Observable { terms: vec![(1.0, PauliString::new((0..qubits).map(|qubit| (qubit, Letter::Z))))] };
    let observables = [all, Observable::z(qubits - 1)];
    let none = || Angles::of_weights(&[]);
    let auto = Auto::new(EngineOptions::default()).prepare(&program, &observables, 0).unwrap();
    assert!(auto.resolved_name(1).starts_with("mps"), "{}", auto.resolved_name(1));
    let values = auto.expect(none()).unwrap();
    assert!(auto.account(none()).unwrap().is_some());
    // The first 24 qubits do not feel the others.
    let part = {
        let mut part = Circuit::new(24);
        circuit.ops().iter().filter(|op| op.qubits.iter().all(|q| *q < 24)).for_each(|op| _ = part.append(op.clone()));
        Program::ideal(&part, &[])
    };
    let first = Observable::z(20);
    let dense = Statevector::default().expect(&part, none(), std::slice::from_ref(&first)).unwrap();
    let own = Mps::default().expect(&program, none(), &[first]).unwrap();
    assert!(largest(&dense, &own) < TOLERANCE, "{own} {dense}");
    // Rows of shots agree with the values.
    let (records, account) = Mps::default().records(&program, &[], 1000, 7).unwrap();
    assert_eq!((records.bits(), records.shots(), account.terms), (qubits, 1000, 2));
    let mean = |bits: &[usize]| {
        let sign =
            |shot: usize| if bits.iter().filter(|bit| records.bit(shot, **bit)).count() % 2 == 0 { 1.0 } else { -1.0 };
        (0..1000).map(sign).sum::<f64>() / 1000.0
    };
    // Four standard errors of 1,000 signs.
    assert!((mean(&(0..qubits).collect::<Vec<_>>()) - values[[0, 0]]).abs() < 0.127);
    assert!((mean(&[qubits - 1]) - values[[0, 1]]).abs() < 0.127);
}

#[test]
fn measurements_and_conditions_of_wide_registers_are_recorded() {
    // Teleportation of |1⟩ along 70 qubits, bit by bit: every shot ends in 1.
    let qubits = 71;
    let mut circuit = Circuit::with_bits(qubits, qubits);
    circuit.push(Gate::X, &[0], &[]).unwrap();
    for qubit in (0..qubits - 2).step_by(2) {
        circuit.push(Gate::H, &[qubit + 1], &[]).unwrap().push(Gate::Cx, &[qubit + 1, qubit + 2], &[]).unwrap();
        circuit.push(Gate::Cx, &[qubit, qubit + 1], &[]).unwrap().push(Gate::H, &[qubit], &[]).unwrap();
        circuit.measure(qubit, qubit).unwrap().measure(qubit + 1, qubit + 1).unwrap();
        for (gate, bit) in [(Gate::X, qubit + 1), (Gate::Z, qubit)] {
            let mut op = Op::gate(gate, &[qubit + 2], &[]);
            op.condition = Some(Condition { bits: vec![bit], value: 1 });
            circuit.append(op).unwrap();
        }
    }
    circuit.measure(qubits - 1, qubits - 1).unwrap();
    let program = Program::ideal(&circuit, &[]);
    let (records, account) = Mps::default().records(&program, &[], 60, 1).unwrap();
    assert!((0..60).all(|shot| records.bit(shot, qubits - 1)), "{account:?}");
    let ones: usize = (0..60).map(|shot| usize::from(records.bit(shot, 3))).sum();
    assert!((10..50).contains(&ones), "{ones} of 60: the outcomes between are random");
}

#[test]
fn what_it_does_not_run_is_refused_before_anything_is_allocated() {
    let none = || Angles::of_weights(&[]);
    let mut many = Circuit::new(8);
    let identity = Matrix::eye(64);
    many.append(Op { kind: OpKind::Unitary(identity.into()), qubits: (0..6).collect(), condition: None }).unwrap();
    let refused = Mps::default().expect(&Program::ideal(&many, &[]), none(), &[Observable::z(5)]).unwrap_err();
    assert!(matches!(refused, SimError::Unsupported { engine: "mps", .. }), "{refused}");
    assert!(refused.to_string().contains("6 qubits"), "{refused}");

    // Random layers on all pairs widen every bond to the limit.
    let deep = |qubits: usize, depth: usize| Program::ideal(&layers(qubits, depth), &[]);
    let wide = Mps { bond: Bond { most: 4096, weight: 0.0 }, ..Mps::default() };
    let refused = wide.expect(&deep(100, 40), none(), &[Observable::z(50)]).unwrap_err();
    assert!(matches!(refused, SimError::TooLarge { .. } | SimError::TooLong { .. }), "{refused}");
    assert!(refused.to_string().contains("use "), "a refusal names what to do: {refused}");

    let refused = Mps::default().probabilities(&deep(40, 2), none()).unwrap_err();
    assert!(refused.to_string().contains("draw shots"), "{refused}");
    for bond in [Bond { most: 0, weight: 0.0 }, Bond { most: 5000, weight: 0.0 }, Bond { most: 4, weight: -1.0 }] {
        let refused = Mps { bond, ..Mps::default() }.expect(&deep(4, 2), none(), &[Observable::z(0)]);
        assert!(matches!(refused, Err(SimError::Unsupported { .. })), "{bond:?}");
    }
}

/// Values of quimb's and Aer's chains on 40 to 60 qubits: `tests/reference/mps.py`.
#[test]
fn wide_values_are_those_of_quimb() {
    let file: serde_json::Value = serde_json::from_str(include_str!("../reference/mps.json")).unwrap();
    for case in file["cases"].as_array().unwrap() {
        let (program, observables) = (cases::program(case), cases::observables(case));
        let values = Mps::default().expect(&program, Angles::of_weights(&[]), &observables).unwrap();
        for peer in ["quimb", "aer"] {
            for ((found, expected), observable) in values.iter().zip(cases::numbers(&case[peer])).zip(&observables) {
                // They drop some 1e-14 of the weight of each split.
                assert!((found - expected).abs() < 1e-6, "{}, {peer}, {observable}: {found} {expected}", case["name"]);
            }
        }
    }
}
