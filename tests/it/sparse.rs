//! Sums of Pauli strings: exact without a cut, for every gate and channel; with one, an error that is told.

use std::f64::consts::FRAC_PI_2;

use ndarray::{Array1, Array2};
use qgraft::circuit::gate::GATES;
use qgraft::circuit::{Circuit, Gate, Letter, Observable, Op, Param, PauliString};
use qgraft::noise::channel::{CHANNELS, amplitude_damping, depolarizing};
use qgraft::noise::{Channel, Program};
use qgraft::sim::{
    Account, Angles, Auto, Cut, Density, ENGINES, EngineOptions, SimError, Simulator, Sparse, Statevector,
};

use crate::support::random::{self, Kinds};

/// Accumulated rounding of some dozen small matrices.
const TOLERANCE: f64 = 1e-12;
/// The same of a gradient, which sums over all gates.
const GRADIENT: f64 = 1e-10;

fn exact() -> Sparse {
    Sparse::new(Cut { below: 0.0, ..Cut::default() })
}

fn largest(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    (a - b).iter().fold(0.0, |most: f64, d| most.max(d.abs()))
}

/// Values and, where the program has them, gradients against the density matrix.
fn agrees(program: &Program, angles: Angles, observables: &[Observable], name: &str) {
    let (sparse, dense) = (exact(), Density::default());
    let values = sparse.expect(program, angles, observables).unwrap_or_else(|e| panic!("{name}: {e}"));
    let wrong = largest(&values, &dense.expect(program, angles, observables).unwrap());
    assert!(wrong < TOLERANCE, "{name}: {wrong:e}");
    let account =
        sparse.prepare(program, observables, angles.inputs.ncols()).unwrap().account(angles).unwrap().unwrap();
    assert!(account.iter().all(|a| a.is_exact() && a.certificate() == Some(0.0)), "{name}: {account:?}");
    // Transfer matrices of wide gates have a million entries, and unoptimised tests take seconds for each.
    if program.qubits() > 4 {
        return;
    }
    let cotangent = Array2::from_shape_fn(values.dim(), |(row, o)| 0.7 - 0.3 * row as f64 + 0.4 * o as f64);
    let Ok(slopes) = dense.vjp(program, angles, observables, cotangent.view()) else { return };
    let own = sparse.vjp(program, angles, observables, cotangent.view()).unwrap();
    let wrong = largest(&own.inputs, &slopes.inputs);
    assert!(wrong < GRADIENT, "{name}, inputs: {wrong:e}");
    let wrong = (&own.weights - &slopes.weights).iter().fold(0.0, |most: f64, d| most.max(d.abs()));
    assert!(wrong < GRADIENT, "{name}, weights: {wrong:e}");
}

/// Two layers of RY and CZ around `middle`, with a slot on each qubit before and after.
fn around(qubits: usize, middle: impl FnOnce(&mut Circuit)) -> Circuit {
    let mut circuit = Circuit::new(qubits);
    let layer = |circuit: &mut Circuit| {
        for qubit in 0..qubits {
            let slot = circuit.slot(format!("s{}", circuit.slots()));
            circuit.push(Gate::Ry, &[qubit], &[slot]).unwrap();
        }
        for qubit in 0..qubits - 1 {
            circuit.push(Gate::Cz, &[qubit, qubit + 1], &[]).unwrap();
        }
    };
    layer(&mut circuit);
    middle(&mut circuit);
    layer(&mut circuit);
    circuit
}

#[test]
fn every_gate_is_exact_without_a_cut() {
    for row in GATES {
        let qubits = row.qubits.max(4);
        let operands: Vec<usize> = (0..row.qubits).rev().collect();
        // Of wide gates once: their matrices have a million entries.
        for special in if row.qubits > 3 { &[false][..] } else { &[false, true] }.iter().copied() {
            let mut circuit = around(qubits, |circuit| {
                let slots: Vec<Param> = (0..row.params.len())
                    .map(|k| if special { Param::Fixed(FRAC_PI_2) } else { circuit.slot(format!("g{k}")) * 0.7 + 0.2 })
                    .collect();
                circuit.push(row.gate, &operands, &slots).unwrap();
            });
            if row.qubits <= 2 && !special {
                // Under a control of its own as well.
                let slots: Vec<Param> = (0..row.params.len()).map(|k| circuit.slot(format!("c{k}"))).collect();
                let mut op = Op::gate(row.gate, &[&[3], &operands[..]].concat(), &slots);
                if let qgraft::circuit::OpKind::Gate { controls, .. } = &mut op.kind {
                    *controls = 1;
                }
                circuit.append(op).unwrap();
            }
            let weights: Vec<f64> = (0..circuit.slots()).map(|k| 0.3 + 0.45 * k as f64).collect();
            let program = Program::ideal(&circuit, &[]);
            let observables = &random::observables(4)[if row.qubits > 3 { 4..5 } else { 1..5 }];
            agrees(&program, Angles::of_weights(&weights), observables, row.name);
        }
    }
}

#[test]
fn every_channel_is_exact_without_a_cut() {
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
        let operands: Vec<usize> = (1..=row.qubits).rev().collect();
        let noise = |op: &Op| if op.name() == "id" { vec![(channel.clone(), operands.clone())] } else { Vec::new() };
        let program = Program::compile(&circuit, &[], noise, |_| None);
        let weights: Vec<f64> = (0..circuit.slots()).map(|k| 0.3 + 0.45 * k as f64).collect();
        agrees(&program, Angles::of_weights(&weights), &random::observables(4), row.name);
    }
}

#[test]
fn random_programs_are_exact_without_a_cut() {
    let kinds = [
        Kinds { readout: true, ..Kinds::default() },
        Kinds { noise: true, readout: true, ..Kinds::default() },
        Kinds { noise: true, encoded_first: true, readout: true, ..Kinds::default() },
        Kinds { noise: true, measured: true, readout: true, ..Kinds::default() },
    ];
    for (k, kinds) in kinds.into_iter().enumerate() {
        for seed in 0..5 {
            let qubits = 1 + seed as usize % 5;
            let program = random::program(seed, qubits, 14, (2, 3), kinds);
            let (inputs, weights) = random::angles(seed, 2, 2, 3);
            let angles = Angles { inputs: inputs.view(), weights: weights.view() };
            agrees(&program, angles, &random::observables(qubits), &format!("kind {k}, seed {seed}"));
        }
    }
}

/// RY by features, then layers of RY and RX by weights and a chain of RZZ and CZ.
fn head(qubits: usize, layers: usize) -> Circuit {
    let mut circuit = Circuit::new(qubits);
    for layer in 0..=layers {
        for qubit in 0..qubits {
            let slot = circuit.slot(format!("s{layer}_{qubit}"));
            circuit.push(if layer % 2 == 0 { Gate::Ry } else { Gate::Rx }, &[qubit], &[slot]).unwrap();
        }
        for qubit in 0..if layer == 0 { 0 } else { qubits - 1 } {
            match qubit % 2 {
                0 => circuit.push(Gate::Cz, &[qubit, qubit + 1], &[]).unwrap(),
                _ => circuit.push(Gate::Rzz, &[qubit, qubit + 1], &[0.7.into()]).unwrap(),
            };
        }
    }
    circuit
}

/// Relaxation behind gates on one qubit, depolarizing behind those on two.
fn noise_of(op: &Op) -> Vec<(Channel, Vec<usize>)> {
    match op.qubits[..] {
        [qubit] => vec![(amplitude_damping(0.02).unwrap(), vec![qubit])],
        _ => vec![(depolarizing(0.02, 2).unwrap(), op.qubits.to_vec())],
    }
}

fn weights(count: usize) -> Vec<f64> {
    (0..count).map(|k| 0.9 * (1.7 * k as f64 + 0.4).sin()).collect()
}

#[test]
fn twelve_qubits_are_exact_without_a_cut() {
    let circuit = head(12, 3);
    let program = Program::ideal(&circuit, &[]);
    let at = weights(circuit.slots());
    let observables = ["Z6", "X0 Z11 + 0.4"].map(|text| text.parse::<Observable>().unwrap());
    let dense = Statevector::default().expect(&program, Angles::of_weights(&at), &observables).unwrap();
    let sparse = exact().expect(&program, Angles::of_weights(&at), &observables).unwrap();
    assert!(largest(&dense, &sparse) < TOLERANCE, "{sparse} instead of {dense}");
}

#[test]
fn an_error_is_within_its_bound_and_a_void_bound_is_no_certificate() {
    let circuit = head(6, 3);
    let program = Program::compile(&circuit, &[], noise_of, |_| None);
    let observables = ["Z3", "X0 X1 + 0.5 Z5"].map(|text| text.parse::<Observable>().unwrap());
    let mut certificates = [0, 0];
    for start in 0..3 {
        let at: Vec<f64> = weights(circuit.slots()).iter().map(|w| w + 0.2 * f64::from(start)).collect();
        let angles = || Angles::of_weights(&at);
        let truth = Density::default().expect(&program, angles(), &observables).unwrap();
        for cut in [
            Cut { below: 1e-4, ..Cut::default() },
            Cut { below: 1e-2, ..Cut::default() },
            Cut { below: 0.0, weight: Some(3), ..Cut::default() },
            Cut { below: 0.0, terms: 40, ..Cut::default() },
        ] {
            let prepared = Sparse::new(cut).prepare(&program, &observables, 0).unwrap();
            let values = prepared.expect(angles()).unwrap();
            let accounts = prepared.account(angles()).unwrap().unwrap();
            for ((value, truth), account) in values.iter().zip(&truth).zip(&accounts) {
                let error = (value - truth).abs();
                assert!(error <= account.bound + TOLERANCE, "{cut:?}: {error:e} {account:?}");
                assert!(account.terms <= 4 * cut.terms + 16 && account.below >= cut.below);
                assert!(
                    account.dropped == 0 || account.drift.is_some_and(|drift| drift > 0.0),
                    "{cut:?}: a coarser run is another run: {account:?}"
                );
                certificates[usize::from(account.certificate().is_some())] += 1;
                assert_eq!(account.certificate().is_none(), account.bound >= account.norm);
            }
        }
        // A finer cut errs less.
        let fine = Sparse::new(Cut { below: 1e-7, ..Cut::default() }).expect(&program, angles(), &observables).unwrap();
        assert!(largest(&fine, &truth) < 1e-5, "{:e}", largest(&fine, &truth));
    }
    assert!(certificates[1] > 0, "{certificates:?}");
    // A bound that the value cannot exceed anyway certifies nothing.
    let void = Account { norm: 1.0, bound: 1.5, dropped: 9, ..Account::default() };
    assert_eq!((void.certificate(), void.is_exact()), (None, false));
}

#[test]
fn wide_registers_run_in_each_width_of_strings() {
    // The cone of a single Z on a chain of CX reaches back to the first qubit: 60, 100 and 150 qubits.
    for qubits in [60, 100, 150] {
        let mut circuit = Circuit::new(qubits);
        for qubit in 0..qubits {
            circuit.push(Gate::Ry, &[qubit], &[(0.01 * qubit as f64).into()]).unwrap();
            if qubit > 0 {
                circuit.push(Gate::Cx, &[qubit - 1, qubit], &[]).unwrap();
            }
        }
        let program = Program::ideal(&circuit, &[]);
        let last = Observable::z(qubits - 1);
        assert_eq!(program.cone(&last).0.qubits(), qubits);
        let values = exact().expect(&program, Angles::of_weights(&[]), std::slice::from_ref(&last)).unwrap();
        // Z of the last qubit is the product of all Z at the start.
        let expected: f64 = (0..qubits).map(|qubit| (0.01 * qubit as f64).cos()).product();
        assert!((values[[0, 0]] - expected).abs() < TOLERANCE, "{qubits}: {} {expected}", values[[0, 0]]);

        let auto = Auto::new(EngineOptions::default()).prepare(&program, &[last], 0).unwrap();
        // A chain of bonds of two is exact as well, and is preferred to what may have to drop something.
        assert!(auto.resolved_name(1).starts_with("mps"), "{}", auto.resolved_name(1));
        assert!((auto.expect(Angles::of_weights(&[])).unwrap()[[0, 0]] - expected).abs() < 1e-10);
        assert!(auto.account(Angles::of_weights(&[])).unwrap().is_some());
    }
}

#[test]
fn gradients_of_wide_noisy_heads_agree_with_those_of_cones() {
    let (qubits, layers) = (70, 2);
    let circuit = head(qubits, layers);
    let program = Program::compile(&circuit, &[], noise_of, |_| None);
    let inputs = Array2::from_shape_fn((3, qubits), |(row, k)| 1.5 * (0.7 * k as f64 + row as f64).sin());
    let rest = Array1::from(weights(qubits * layers));
    let angles = Angles { inputs: inputs.view(), weights: rest.view() };
    let observables = ["Z35", "X66 Z67"].map(|text| text.parse::<Observable>().unwrap());
    let cotangent = Array2::from_shape_fn((3, 2), |(row, o)| 1.0 - 0.4 * row as f64 + 0.3 * o as f64);
    let engine = Auto::new(EngineOptions::default());
    let (values, slopes) = engine.value_and_gradient(&program, angles, &observables, cotangent.view()).unwrap();
    let (own, gradient) = exact().value_and_gradient(&program, angles, &observables, cotangent.view()).unwrap();
    assert!(largest(&own, &values) < TOLERANCE);
    assert!(largest(&gradient.inputs, &slopes.inputs) < GRADIENT);
    assert!((&gradient.weights - &slopes.weights).iter().all(|d| d.abs() < GRADIENT));
}

#[test]
fn what_it_does_not_run_is_named() {
    let engine = Sparse::default();
    let mut measured = Circuit::with_bits(2, 1);
    measured.push(Gate::H, &[0], &[]).unwrap().measure(0, 0).unwrap();
    let mut conditional = Op::gate(Gate::X, &[1], &[]);
    conditional.condition = Some(qgraft::circuit::Condition { bits: vec![0], value: 1 });
    measured.append(conditional).unwrap();
    let program = Program::ideal(&measured, &[]);
    let none = || Angles::of_weights(&[]);
    let refused = engine.expect(&program, none(), &[Observable::z(1)]).unwrap_err();
    assert!(matches!(refused, SimError::Unsupported { engine: "sparse", .. }), "{refused}");
    // What depends on no outcome runs.
    let value = engine.expect(&program, none(), &["X0".parse().unwrap()]).unwrap()[[0, 0]];
    assert!(value.abs() < TOLERANCE);
    let refused = engine.probabilities(&Program::ideal(&head(2, 0), &[]), Angles::of_weights(&[0.1, 0.2])).unwrap_err();
    assert!(refused.to_string().contains("probabilities"), "{refused}");
    let mut wide = Circuit::new(200);
    for qubit in 0..200 {
        wide.push(Gate::Ry, &[qubit], &[0.1.into()]).unwrap();
    }
    for qubit in 1..200 {
        wide.push(Gate::Cx, &[qubit - 1, qubit], &[]).unwrap();
    }
    let refused = engine.expect(&Program::ideal(&wide, &[]), none(), &[Observable::z(199)]).unwrap_err();
    assert!(refused.to_string().contains("200 qubits"), "{refused}");
}

/// What a batch leaves behind for the next one is decided by the weights alone.
#[test]
fn a_batch_without_rows_changes_no_later_value() {
    let circuit = head(4, 2);
    let program = Program::ideal(&circuit, &[]);
    let rest = Array1::from(weights(circuit.slots() - 4));
    let prepared = exact().prepare(&program, &[Observable::z(2)], 4).unwrap();
    let row = Array2::from_elem((1, 4), 0.3);
    let expected =
        exact().expect(&program, Angles { inputs: row.view(), weights: rest.view() }, &[Observable::z(2)]).unwrap();
    let nothing = Array2::zeros((0, 4));
    assert_eq!(prepared.expect(Angles { inputs: nothing.view(), weights: rest.view() }).unwrap().dim(), (0, 1));
    let after = prepared.expect(Angles { inputs: row.view(), weights: rest.view() }).unwrap();
    assert!(largest(&after, &expected) < TOLERANCE, "{after} instead of {expected}");
}

/// Constants and parts that are exact belong to the norm of an observable on cones.
#[test]
fn the_norm_of_an_account_is_that_of_the_whole_observable() {
    let mut circuit = Circuit::new(40);
    for qubit in 0..40 {
        circuit.push(Gate::Ry, &[qubit], &[0.3.into()]).unwrap();
        if qubit > 0 {
            circuit.push(Gate::Cx, &[qubit - 1, qubit], &[]).unwrap();
        }
    }
    let observable: Observable = "Z39 + 0.5 Z0 + 2".parse().unwrap();
    let prepared =
        Auto::new(EngineOptions::default()).prepare(&Program::ideal(&circuit, &[]), &[observable], 0).unwrap();
    let accounts = prepared.account(Angles::of_weights(&[])).unwrap().expect("one of its cones is wide");
    assert!((accounts[[0, 0]].norm - 3.5).abs() < TOLERANCE, "{accounts:?}");
}

/// An observable on a qubit that no register has is refused by every engine, whatever its size.
#[test]
fn observables_past_any_register_are_refused() {
    let program = Program::ideal(&head(3, 1), &[]);
    for qubit in [3, 1 << 40, usize::MAX] {
        let observable = Observable { terms: vec![(1.0, PauliString::new([(qubit, Letter::Z)]))] };
        for row in ENGINES {
            let engine = (row.make)(EngineOptions::default());
            let refused = engine.prepare(&program, std::slice::from_ref(&observable), 0).map(drop).unwrap_err();
            assert!(matches!(refused, SimError::ObservableOutOfRange { .. }), "{}, {qubit}: {refused}", row.name);
        }
        assert_eq!(program.relabel(&observable, &[0, 1, 2]), None);
    }
}

/// Two layers of generic rotations on six qubits under noise, with values of the density matrix.
fn generic() -> (Program, Vec<f64>, Vec<Observable>, Array2<f64>) {
    let circuit = head(6, 3);
    let program = Program::compile(&circuit, &[], noise_of, |_| None);
    let observables = ["Z3", "X0 X1 + 0.5 Z5"].map(|text| text.parse::<Observable>().unwrap()).to_vec();
    let at = weights(circuit.slots());
    let truth = Density::default().expect(&program, Angles::of_weights(&at), &observables).unwrap();
    (program, at, observables, truth)
}

#[test]
fn means_of_a_roulette_are_exact_within_their_intervals() {
    let (program, at, observables, truth) = generic();
    let (mut held, mut count, mut mean) = (0, 0, Array2::<f64>::zeros(truth.dim()));
    let seeds = 60;
    for seed in 0..seeds {
        let engine = Sparse::new(Cut { below: 0.02, roulette: Some(seed), ..Cut::default() });
        let prepared = engine.prepare(&program, &observables, 0).unwrap();
        let values = prepared.expect(Angles::of_weights(&at)).unwrap();
        let accounts = prepared.account(Angles::of_weights(&at)).unwrap().unwrap();
        for ((value, truth), account) in values.iter().zip(&truth).zip(&accounts) {
            let half = account.interval.expect("few strings always fit");
            assert!(!account.is_exact() && half > 0.0 && half < 0.3, "{account:?}");
            assert!((value - truth).abs() <= account.bound + TOLERANCE, "{account:?}");
            held += usize::from((value - truth).abs() <= half);
            count += 1;
        }
        mean = mean + values / seeds as f64;
    }
    // 114 of 120 are expected to hold; three standard deviations of that are 7, and runs are a little longer-tailed than normal.
    assert!(held >= 104, "{held} of {count} intervals hold the value");
    // Cutting errs by several hundredths here, the mean of means by a tenth of that.
    let dropping =
        Sparse::new(Cut { below: 0.02, ..Cut::default() }).expect(&program, Angles::of_weights(&at), &observables);
    let bias = largest(&dropping.unwrap(), &truth);
    assert!(largest(&mean, &truth) < 0.5 * bias, "{:e} against {bias:e}", largest(&mean, &truth));
    // Where strings do not fit, there is no interval, and the value is that of dropping.
    let tight = Cut { below: 0.02, terms: 8, roulette: Some(1), ..Cut::default() };
    let prepared = Sparse::new(tight).prepare(&program, &observables, 0).unwrap();
    let account = prepared.account(Angles::of_weights(&at)).unwrap().unwrap()[[0, 0]];
    assert!(account.interval.is_none() && account.drift.is_some() && !account.is_exact(), "{account:?}");
    // The same seed gives the same bytes; another gives other draws.
    let value = |seed| {
        let engine = Sparse::new(Cut { below: 0.02, roulette: Some(seed), ..Cut::default() });
        engine.expect(&program, Angles::of_weights(&at), &observables).unwrap()
    };
    assert_eq!(value(3), value(3));
    assert_ne!(value(3), value(4));
}

#[test]
fn a_tolerance_is_met_or_refused_with_the_error_that_could_be_stated() {
    let (program, at, observables, truth) = generic();
    for tolerance in [0.1, 1e-2, 1e-4, 1e-8] {
        let engine = Sparse::new(Cut { tolerance: Some(tolerance), ..Cut::default() });
        let prepared = engine.prepare(&program, &observables, 0).unwrap();
        let values = prepared.expect(Angles::of_weights(&at)).unwrap();
        for ((value, truth), account) in
            values.iter().zip(&truth).zip(&prepared.account(Angles::of_weights(&at)).unwrap().unwrap())
        {
            let stated = account.interval.unwrap_or(account.bound);
            assert!(stated <= tolerance, "{tolerance:e}: {account:?}");
            // A 95 % interval is held by three times its half-width.
            let factor = if account.interval.is_some() { 3.0 } else { 1.0 };
            assert!((value - truth).abs() <= factor * stated + TOLERANCE, "{tolerance:e}: {account:?}");
        }
        assert!(engine.name().contains("tolerance"), "{}", engine.name());
    }
    // Eight strings do not do.
    let engine = Sparse::new(Cut { tolerance: Some(1e-6), terms: 8, ..Cut::default() });
    let refused = engine.expect(&program, Angles::of_weights(&at), &observables).unwrap_err();
    assert!(matches!(refused, SimError::Tolerance { terms: 8, .. }), "{refused}");
    for text in ["1e-6", "smallest bound", "8 strings"] {
        assert!(refused.to_string().contains(text), "{text}: {refused}");
    }
    // No gradient and no limit of letters goes with it, and none is below zero.
    let engine = Sparse::new(Cut { tolerance: Some(1e-2), ..Cut::default() });
    let cotangent = Array2::from_elem(truth.dim(), 1.0);
    let refused = engine.vjp(&program, Angles::of_weights(&at), &observables, cotangent.view()).unwrap_err();
    assert!(refused.to_string().contains("gradient"), "{refused}");
    for cut in [
        Cut { tolerance: Some(1e-2), weight: Some(3), ..Cut::default() },
        Cut { roulette: Some(0), weight: Some(3), ..Cut::default() },
        Cut { tolerance: Some(0.0), ..Cut::default() },
        Cut { tolerance: Some(f64::NAN), ..Cut::default() },
    ] {
        assert!(matches!(Sparse::new(cut).prepare(&program, &observables, 0), Err(SimError::Unsupported { .. })));
    }
}

/// Eight runs of a roulette may all drop the one string that a value hangs on: their agreement is no error of zero.
#[test]
fn agreement_of_draws_about_a_rare_string_is_no_small_error() {
    let qubits = 14;
    let mut circuit = Circuit::new(qubits);
    for qubit in 0..qubits {
        circuit.push(Gate::Ry, &[qubit], &[FRAC_PI_2.into()]).unwrap().push(Gate::S, &[qubit], &[]).unwrap();
    }
    for _ in 0..2 {
        for qubit in 1..qubits {
            circuit.push(Gate::Cz, &[qubit - 1, qubit], &[]).unwrap();
        }
    }
    // All qubits are in the eigenstate of Y, and Z becomes cos(angle) Z + sin(angle) Y.
    let angle = 1e-3f64;
    circuit.push(Gate::Rx, &[0], &[angle.into()]).unwrap();
    let program = Program::ideal(&circuit, &[]);
    for seed in 0..20 {
        for cut in [1e-4, 1e-5]
            .map(|tolerance| Cut { tolerance: Some(tolerance), roulette: Some(seed), ..Cut::default() })
            .into_iter()
            .chain([Cut { below: 1e-2, roulette: Some(seed), ..Cut::default() }])
        {
            let prepared = Sparse::new(cut).prepare(&program, &[Observable::z(0)], 0).unwrap();
            let wrong = (prepared.expect(Angles::of_weights(&[])).unwrap()[[0, 0]].abs() - angle.sin()).abs();
            let account = prepared.account(Angles::of_weights(&[])).unwrap().unwrap()[[0, 0]];
            let stated = account.interval.unwrap_or(account.bound);
            assert!(wrong <= stated.min(cut.tolerance.unwrap_or(1.0)) + TOLERANCE, "{cut:?}: {wrong} {account:?}");
        }
    }
}

/// "auto" hands a tolerance to exact engines, which meet it, or to sums of strings as a whole, never to trajectories.
#[test]
fn auto_meets_a_tolerance_for_the_whole_observable() {
    let circuit = head(40, 3);
    let program = Program::ideal(&circuit, &[]);
    let at = weights(circuit.slots());
    let observable: Observable = "0.5 Z10 + 0.5 Z20 + 0.5 X30".parse().unwrap();
    let tolerance = 1e-3;
    let engine =
        Auto::new(EngineOptions { cut: Cut { tolerance: Some(tolerance), ..Cut::default() }, ..Default::default() });
    let prepared = engine.prepare(&program, std::slice::from_ref(&observable), 0).unwrap();
    let value = prepared.expect(Angles::of_weights(&at)).unwrap()[[0, 0]];
    let truth =
        Auto::new(EngineOptions::default()).expect(&program, Angles::of_weights(&at), &[observable]).unwrap()[[0, 0]];
    assert!((value - truth).abs() <= 3.0 * tolerance, "{value} {truth}");
}
