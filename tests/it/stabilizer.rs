//! The stabilizer engine: exact against the dense engines for every gate and channel, and what it refuses.

use std::f64::consts::FRAC_PI_2;

use qgraft::circuit::gate::GATES;
use qgraft::circuit::{Circuit, Condition, Gate, Letter, Observable, Op, OpKind, Param, PauliString};
use qgraft::noise::channel::{CHANNELS, amplitude_damping, depolarizing};
use qgraft::noise::{Channel, Confusion, PairConfusion, PairReadout, Program, Step, transfer};
use qgraft::sim::mitigate::{all_twirled, twirled};
use qgraft::sim::{Angles, Auto, Density, EngineOptions, SimError, Simulator, Stabilizer, Statevector};

use crate::support::clifford::{Kinds, gate, kinds, none, permutes, probability, program, random};

/// Sums of some hundred products in double precision, and matrices of as many entries.
const TOLERANCE: f64 = 1e-12;

/// Pairs of qubits k and `half + k` in (|00⟩ + |11⟩)/√2: what acts on the first halves is known from the state.
fn pairs(half: usize) -> Vec<Step> {
    let pair = |k| [gate(Gate::H, &[k], &[]), gate(Gate::Cx, &[k, half + k], &[])];
    (0..half).flat_map(pair).collect()
}

/// Every Pauli string on so many qubits.
fn strings(qubits: usize) -> Vec<Observable> {
    let string = |number: usize| {
        let letters = (0..qubits).filter_map(|q| Some((q, Letter::of_index(number >> (2 * q) & 3)?)));
        Observable { terms: vec![(1.0, PauliString::new(letters))] }
    };
    (0..1 << (2 * qubits)).map(string).collect()
}

fn largest(a: &ndarray::Array2<f64>, b: &ndarray::Array2<f64>) -> f64 {
    assert_eq!(a.dim(), b.dim());
    a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max)
}

/// The same expectation values and probabilities as a dense engine.
fn agrees(program: &Program, dense: &dyn Simulator, observables: &[Observable], what: &str) {
    let expected = dense.expect(program, none(), observables).unwrap();
    let found = Stabilizer.expect(program, none(), observables).unwrap_or_else(|error| panic!("{what}: {error}"));
    let wrong = largest(&found, &expected);
    assert!(wrong < TOLERANCE, "{what}: values are off by {wrong:e}");
    let expected = dense.probabilities(program, none()).unwrap();
    let wrong = largest(&Stabilizer.probabilities(program, none()).unwrap(), &expected);
    assert!(wrong < TOLERANCE, "{what}: probabilities are off by {wrong:e}");
}

/// The message of the refusal, which names the engine.
fn refused(program: &Program, what: &str) -> String {
    let error = Stabilizer.expect(program, none(), &[Observable::z(0)]).err();
    let error = error.unwrap_or_else(|| panic!("{what} was not refused"));
    assert!(matches!(error, SimError::Unsupported { engine: "stabilizer", .. }), "{what}: {error}");
    error.to_string()
}

#[test]
fn every_gate_runs_where_it_is_a_clifford_gate_and_is_refused_by_name_where_not() {
    let (mut ran, mut rows) = (0, 0);
    for row in GATES {
        let operands: Vec<usize> = (0..row.qubits).rev().collect();
        let half = row.qubits.min(2);
        let mut runs = false;
        // All angles in quarter turns, and one choice of none.
        for number in 0..=1usize << (2 * row.params.len()) {
            let turns =
                |k: usize| if number == 1 << (2 * row.params.len()) { 0.2 } else { (number >> (2 * k) & 3) as f64 };
            let params: Vec<Param> = (0..row.params.len()).map(|k| (FRAC_PI_2 * turns(k)).into()).collect();
            let values: Vec<f64> = params.iter().map(|param| param.value(&[])).collect();
            let what = format!("{} at {values:?}", row.name);
            let mut steps = if row.qubits <= 2 { pairs(half) } else { Vec::new() };
            steps.push(gate(row.gate, &operands, &params));
            let program = program((2 * half).max(row.qubits), 0, steps);
            // A second opinion on what is a Clifford gate.
            match row.qubits <= 3 && permutes(&transfer(&(row.matrix)(&values))) {
                true => {
                    agrees(&program, &Statevector::default(), &strings(2 * half), &what);
                    (runs, ran) = (true, ran + 1);
                }
                false => {
                    let message = refused(&program, &what);
                    assert!(message.contains(row.name), "{what}: {message}");
                }
            }
        }
        rows += usize::from(runs);
    }
    assert!(rows > 25 && ran > 200, "{rows} gates, {ran} choices of angles");
}

#[test]
fn controls_matrices_and_phases_are_read_by_what_they_do() {
    let controlled = |gate: Gate, qubits: &[usize], params: &[Param]| {
        let mut op = Op::gate(gate, qubits, params);
        if let OpKind::Gate { controls, .. } = &mut op.kind {
            *controls = 1;
        }
        Step::Gate(op)
    };
    let iswap = Op::unitary((Gate::Iswap.row().matrix)(&[]), &[1, 0]).unwrap();
    let phase = Step::Gate(Op::of(OpKind::GlobalPhase(0.3.into()), &[]));
    let mut steps = pairs(2);
    steps.extend([controlled(Gate::Y, &[1, 0], &[]), Step::Gate(iswap), phase]);
    steps.push(controlled(Gate::Rx, &[0, 1], &[(4.0 * FRAC_PI_2).into()]));
    agrees(&program(4, 0, steps), &Statevector::default(), &strings(4), "a control, a matrix and a phase");
    for (step, name) in [
        (controlled(Gate::S, &[0, 1], &[]), "ctrl(1) @ s"),
        (Step::Gate(Op::unitary((Gate::T.row().matrix)(&[]), &[0]).unwrap()), "unitary"),
    ] {
        assert!(refused(&program(2, 0, vec![step]), name).contains(name));
    }
    // As wide as no table is.
    let mut wide = controlled(Gate::C4x, &[0, 1, 2, 3, 4, 5], &[]);
    assert!(refused(&program(6, 0, vec![wide.clone()]), "c5x").contains("on 6 qubits"));
    if let Step::Gate(op) = &mut wide {
        op.qubits = (0..6).rev().collect();
    }
    assert!(refused(&program(6, 0, vec![wide]), "c5x").contains("on 6 qubits"));
}

/// Values inside the range of every parameter.
fn usual(row: &qgraft::noise::channel::ChannelRow) -> Channel {
    let share = 0.5 / row.parameters.len() as f64;
    let low = |low: f64| low.max(-1.0);
    // No two alike.
    let part = |k: usize| share * (1.0 - 0.02 * k as f64);
    let value =
        |(k, p): (usize, &qgraft::noise::channel::Parameter)| low(p.low) + part(k) * (p.high.min(1.0) - low(p.low));
    row.channel(&row.parameters.iter().enumerate().map(value).collect::<Vec<_>>()).unwrap()
}

#[test]
fn every_channel_runs_where_it_is_pauli_and_is_refused_by_name_where_not() {
    let (mut ran, mut not) = (0, 0);
    for row in CHANNELS {
        let channel = usual(row);
        let operands: Vec<usize> = (0..row.qubits).rev().collect();
        let with = |channel: Channel| {
            let mut steps = pairs(row.qubits);
            steps.push(Step::Noise { channel, qubits: operands.clone(), condition: None });
            program(2 * row.qubits, 0, steps)
        };
        let map = channel.pauli_transfer();
        let is_pauli = map.indexed_iter().all(|((p, q), entry)| p == q || entry.abs() < 1e-12);
        match is_pauli {
            true => agrees(&with(channel.clone()), &Density::default(), &strings(2 * row.qubits), row.name),
            false => {
                let message = refused(&with(channel.clone()), row.name);
                assert!(message.contains(row.name) && message.contains("--twirl"), "{message}");
            }
        }
        (ran, not) = (ran + usize::from(is_pauli), not + usize::from(!is_pauli));
        // Twirled, all of them run.
        let name = format!("{}, twirled", row.name);
        agrees(&with(twirled(&channel)), &Density::default(), &strings(2 * row.qubits), &name);
    }
    assert!(ran > 8 && not > 5, "{ran} {not}");
    // Coherent errors by quarter turns are Clifford gates.
    for (name, angle) in [("over_rotation_x", FRAC_PI_2), ("over_rotation_zx", -FRAC_PI_2), ("over_rotation_zz", 1.0)] {
        let channel = Channel::named(name, &[angle]).unwrap();
        let mut steps = pairs(2);
        let qubits = (0..channel.qubits()).collect();
        steps.push(Step::Noise { channel, qubits, condition: None });
        match angle == 1.0 {
            true => assert!(refused(&program(4, 0, steps), name).contains(name)),
            false => agrees(&program(4, 0, steps), &Density::default(), &strings(4), name),
        }
    }
}

/// Some observables of several terms.
fn observables(qubits: usize) -> Vec<Observable> {
    let texts = ["Z0", "0.5 X0 - 0.7 Y1 + 0.2", "Z0 Z1 + 1.5 X1 Y0", "Y0 Y1 Y2 - X2 Z0", "Z3 Z2 Z1 Z0", "X0 X1 X2 X3"];
    let parsed = texts.iter().map(|text| text.parse::<Observable>().unwrap());
    parsed.filter(|o| o.width() <= qubits).chain((0..qubits).map(Observable::z)).collect()
}

#[test]
fn random_programs_are_exact() {
    for (name, kinds) in kinds() {
        for seed in 0..24 {
            let qubits = 1 + seed as usize % 5;
            let program = random(seed, qubits, 24, kinds);
            agrees(&program, &Density::default(), &observables(qubits), &format!("{name}, seed {seed}"));
        }
    }
}

#[test]
fn programs_of_eight_qubits_are_exact() {
    for (seed, kinds) in
        [(1, Kinds { noise: true, readout: true, measured: true, ..Kinds::default() }), (2, Kinds::default())]
    {
        let program = random(seed, 8, 60, kinds);
        agrees(&program, &Density::default(), &observables(8), &format!("eight qubits, seed {seed}"));
    }
}

#[test]
fn rows_of_angles_and_quarter_turns_have_gradients() {
    let mut circuit = Circuit::new(2);
    let (a, b) = (circuit.slot("a"), circuit.slot("b"));
    circuit.push(Gate::Ry, &[0], &[a]).unwrap().push(Gate::Cx, &[0, 1], &[]).unwrap();
    circuit.push(Gate::Rzz, &[0, 1], &[b * 2.0]).unwrap().push(Gate::Rx, &[1], &[a * -1.0 + FRAC_PI_2]).unwrap();
    let noise = |op: &Op| vec![(depolarizing(0.01, op.qubits.len()).unwrap(), op.qubits.to_vec())];
    let program = Program::compile(&circuit, &[], noise, |_| Some(Confusion::symmetric(probability(0.02))));
    let inputs = ndarray::Array2::from_shape_fn((4, 1), |(row, _)| FRAC_PI_2 * row as f64);
    let weights = ndarray::array![3.0 * FRAC_PI_2 / 2.0 + FRAC_PI_2 / 2.0];
    let angles = Angles { inputs: inputs.view(), weights: weights.view() };
    let (density, wanted) = (Density::default(), observables(2));
    let found = Stabilizer.expect(&program, angles, &wanted).unwrap();
    assert!(largest(&found, &density.expect(&program, angles, &wanted).unwrap()) < TOLERANCE);
    let found = Stabilizer.probabilities(&program, angles).unwrap();
    assert!(largest(&found, &density.probabilities(&program, angles).unwrap()) < TOLERANCE);
    let cotangent = ndarray::Array2::from_shape_fn((4, wanted.len()), |(row, o)| 0.3 + row as f64 - 0.7 * o as f64);
    let own = Stabilizer.vjp(&program, angles, &wanted, cotangent.view()).unwrap();
    let dense = density.vjp(&program, angles, &wanted, cotangent.view()).unwrap();
    assert!(largest(&own.inputs, &dense.inputs) < 1e-10);
    assert!((&own.weights - &dense.weights).iter().all(|d| d.abs() < 1e-10));
    // Angles decide whether it runs.
    let other = ndarray::array![0.3];
    let error =
        Stabilizer.expect(&program, Angles { inputs: inputs.view(), weights: other.view() }, &wanted).unwrap_err();
    assert!(error.to_string().contains("rzz(0.6)"), "{error}");
}

#[test]
fn parities_are_those_of_recorded_bits() {
    for (name, kinds) in kinds() {
        for seed in 200..206 {
            let qubits = 2 + seed as usize % 3;
            let program = random(seed, qubits, 20, kinds);
            let p = Density::default().probabilities(&program, none()).unwrap();
            let sets: Vec<Vec<usize>> =
                (0..p.ncols()).map(|set| (0..qubits).filter(|bit| set >> bit & 1 == 1).collect()).collect();
            let found = Stabilizer.parities(&program, &[], &sets).unwrap();
            for (set, found) in found.into_iter().enumerate() {
                let sign = |outcome: usize| if (outcome & set).count_ones() % 2 == 1 { -1.0 } else { 1.0 };
                let expected: f64 = p.row(0).iter().enumerate().map(|(outcome, p)| sign(outcome) * p).sum();
                assert!((found - expected).abs() < TOLERANCE, "{name}, seed {seed}, set {set}: {found} {expected}");
            }
        }
    }
    let program = program(2, 2, vec![Step::Measure { qubit: 0, bit: 1, confusion: None, condition: None }]);
    let error = Stabilizer.parities(&program, &[], &[vec![2]]).unwrap_err();
    assert_eq!(error, SimError::NoBit { bit: 2, bits: 2 });
    // Each of twelve pairs that are misread together makes up to four terms of one.
    let qubits = 24;
    let measure = |qubit| Step::Measure { qubit, bit: qubit, confusion: None, condition: None };
    let mut program = crate::support::clifford::program(qubits, qubits, (0..qubits).map(measure).collect());
    let rows = [[0.7, 0.1, 0.1, 0.1], [0.2, 0.6, 0.1, 0.1], [0.1, 0.3, 0.5, 0.1], [0.05, 0.05, 0.2, 0.7]];
    let confusion = PairConfusion::new(rows).unwrap();
    program.correlated = (0..qubits / 2).map(|k| PairReadout { qubits: (2 * k, 2 * k + 1), confusion }).collect();
    let refused = Stabilizer.parities(&program, &[], &[(0..qubits).collect()]);
    assert!(matches!(refused, Err(SimError::TooMuch { .. })), "{refused:?}");
}

/// A chain of so many qubits in (|0…0⟩ + |1…1⟩)/√2 with phase flips behind each gate.
fn chain(qubits: usize) -> Program {
    let mut circuit = Circuit::new(qubits);
    circuit.push(Gate::H, &[0], &[]).unwrap();
    for qubit in 1..qubits {
        circuit.push(Gate::Cx, &[qubit - 1, qubit], &[]).unwrap();
    }
    let flip = |op: &Op| vec![(Channel::named("phase_flip", &[1e-3]).unwrap(), vec![op.qubits[0]])];
    Program::compile(&circuit, &[], flip, |_| None)
}

#[test]
fn wide_registers_run() {
    let qubits = 1000;
    let program = chain(qubits);
    let all = Observable { terms: vec![(2.0, PauliString::new((0..qubits).map(|q| (q, Letter::X))))] };
    let observables = [all, "Z0 Z999".parse().unwrap(), Observable::z(500)];
    let found = Stabilizer.expect(&program, none(), &observables).unwrap();
    // Each of the flips changes the sign of the product of all X.
    let expected = [2.0 * (1.0f64 - 2e-3).powi(1000), 1.0, 0.0];
    assert!(found.iter().zip(expected).all(|(a, b)| (a - b).abs() < TOLERANCE), "{found}");
    let records = Stabilizer.records(&program, &[], 500, 3).unwrap();
    let counts = records.counts();
    assert_eq!((counts.len(), counts.values().sum::<u64>(), records.row(0).len()), (2, 500, 16));
    assert!(counts.keys().all(|row| row[0] == 0 || row[..15].iter().all(|&word| word == u64::MAX)), "{counts:?}");

    let auto = Auto::new(EngineOptions::default()).prepare(&program, &observables, 0).unwrap();
    assert_eq!(auto.resolved_name(1), "stabilizer, double precision");
    assert!(auto.account(none()).unwrap().is_none(), "nothing was dropped");
    assert!(largest(&auto.expect(none()).unwrap(), &found) < TOLERANCE);
}

#[test]
fn auto_leaves_small_and_other_programs_to_dense_engines() {
    let auto = Auto::new(EngineOptions::default());
    let name = |program: &Program| {
        let prepared = auto.prepare(program, &[Observable::z(0)], 0).unwrap();
        prepared.resolved_name(1).split(',').next().unwrap().to_string()
    };
    let mut ideal = chain(4);
    ideal.steps.retain(|step| matches!(step, Step::Gate(_)));
    assert_eq!(name(&ideal), "statevector");
    let mut damped = chain(4);
    damped.steps.push(Step::Noise { channel: amplitude_damping(0.1).unwrap(), qubits: vec![0], condition: None });
    assert_ne!(name(&damped), "stabilizer");
    // All of its observables depend on forty qubits.
    let mut wide = chain(40);
    wide.steps.push(gate(Gate::H, &[0], &[]));
    assert_eq!(name(&wide), "stabilizer");
    // Conditions may split its values into more terms than it runs: what it would refuse is not chosen.
    let mut split = wide.clone();
    split.bits = 30;
    split.steps.extend((0..30).map(|q| Step::Measure { qubit: q, bit: q, confusion: None, condition: None }));
    let condition = Some(Condition { bits: (0..30).collect(), value: 5 });
    split.steps.push(Step::Gate(Op { condition, ..Op::gate(Gate::X, &[0], &[]) }));
    assert_ne!(name(&split), "stabilizer");
    // A gate that is none.
    wide.steps.push(gate(Gate::T, &[0], &[]));
    assert_ne!(name(&wide), "stabilizer");
    // Twirled, noise is Pauli noise.
    assert!(Stabilizer.expect(&damped, none(), &[Observable::z(0)]).is_err());
    assert!(Stabilizer.expect(&all_twirled(&damped), none(), &[Observable::z(0)]).is_ok());
}

#[test]
fn what_is_too_large_is_refused_before_anything_is_allocated() {
    let begun = std::time::Instant::now();
    let error = Stabilizer.probabilities(&chain(60), none()).unwrap_err();
    assert!(matches!(error, SimError::TooLarge { engine: "stabilizer", .. }), "{error}");
    let error = Stabilizer.sample(&chain(60), none(), 10, 0).unwrap_err();
    assert!(matches!(error, SimError::TooLarge { .. }), "{error}");
    let million = program(1_000_000, 0, vec![gate(Gate::H, &[999_999], &[])]);
    let error = Stabilizer.records(&million, &[], 10, 0).unwrap_err();
    assert!(matches!(error, SimError::TooLarge { .. }), "{error}");
    assert!(error.to_string().contains("fewer shots or qubits"), "{error}");
    let error = Stabilizer.records(&chain(100), &[], 1 << 50, 0).unwrap_err();
    assert!(matches!(error, SimError::TooLarge { .. }), "{error}");
    assert!(begun.elapsed().as_secs_f64() < 2.0, "{:?}", begun.elapsed());
    // A condition on many bits is a sum of too many terms; shots have no terms.
    let mut steps: Vec<Step> = (0..30).map(|q| gate(Gate::H, &[q], &[])).collect();
    steps.extend((0..30).map(|q| Step::Measure { qubit: q, bit: q, confusion: None, condition: None }));
    let condition = Some(Condition { bits: (0..30).collect(), value: 5 });
    steps.push(Step::Gate(Op { condition, ..Op::gate(Gate::X, &[30], &[]) }));
    let wide = program(31, 30, steps);
    let error = Stabilizer.expect(&wide, none(), &[Observable::z(30)]).unwrap_err();
    assert!(matches!(error, SimError::TooMuch { .. }) && error.to_string().contains("shots"), "{error}");
    assert_eq!(Stabilizer.records(&wide, &[], 100, 0).unwrap().shots(), 100);
}

/// A gate under a condition on two bits splits a term into four. Each is a list of all qubits, so few of wide ones fit.
#[test]
fn terms_under_conditions_are_bounded_in_number_and_in_memory() {
    for (qubits, message) in [(2, "terms for one exact value"), (4000, "more than 128 MiB of terms")] {
        let measured = (0..20).map(|bit| Step::Measure { qubit: 0, bit, confusion: None, condition: None });
        let turned = (0..20).step_by(2).map(|bit| {
            let condition = Some(Condition { bits: vec![bit, bit + 1], value: 3 });
            Step::Gate(Op { condition, ..Op::gate(Gate::X, &[1], &[]) })
        });
        let program = program(qubits, 20, measured.chain(turned).collect());
        let all = Observable { terms: vec![(1.0, PauliString::new((0..qubits).map(|qubit| (qubit, Letter::Z))))] };
        let error = Stabilizer.expect(&program, none(), &[all]).unwrap_err();
        assert!(error.to_string().contains(message), "{qubits} qubits: {error}");
    }
}
