//! Every engine against a slow simulator, on random programs over the whole gate table and random channels.

use std::sync::Arc;

use qgraft::circuit::{Circuit, Gate, Observable, Op};
use qgraft::math::matrix::distance;
use qgraft::noise::channel::amplitude_damping;
use qgraft::noise::{Channel, Program, Step};
use qgraft::sim::{
    self, Angles, Auto, Density, ENGINES, EngineOptions, EngineRow, Precision, Shots, SimError, Simulator, Statevector,
    Trajectory, sample, state,
};

use crate::support::random::Kinds;
use crate::support::{branches, random};

/// Accumulated rounding of some dozen small matrices in double precision.
const TOLERANCE: f64 = 1e-12;
/// The same in single precision.
const SINGLE: f64 = 1e-5;

const PRECISIONS: [Precision; 2] = [Precision::Double, Precision::Single];

fn tolerance(engine: &dyn Simulator) -> f64 {
    match engine.precision() {
        Precision::Double => TOLERANCE,
        Precision::Single => SINGLE,
    }
}

/// Every engine in both precisions.
fn all_engines() -> impl Iterator<Item = (&'static str, Arc<dyn Simulator>)> {
    let make = |row: &'static EngineRow, precision| {
        (row.name, (row.make)(EngineOptions { precision, ..EngineOptions::default() }))
    };
    ENGINES.iter().flat_map(move |row| PRECISIONS.map(|precision| make(row, precision)))
}

/// Those that run programs of a kind exactly.
fn engines(kinds: Kinds) -> Vec<Arc<dyn Simulator>> {
    let runs = |name: &str| match name {
        // It has no probabilities: `sparse.rs` has its tests. Random gates are no Clifford gates: so has `stabilizer.rs`.
        // `mps` drops what weighs less than 1e-16 and draws noise: so has `mps.rs`.
        "trajectory" | "sparse" | "stabilizer" | "mps" => false,
        "pauli" => !kinds.dynamic,
        "statevector" => !kinds.dynamic && !kinds.noise,
        _ => true,
    };
    all_engines().filter(|(name, _)| runs(name)).map(|(_, engine)| engine).collect()
}

/// Expectation values and probabilities of some random programs of a kind against those of the slow simulator.
fn agrees(kinds: Kinds, seeds: std::ops::Range<u64>) {
    for seed in seeds {
        let qubits = 1 + seed as usize % 5;
        let (input_slots, weight_slots) = (2, 3);
        let program = random::program(seed, qubits, 14, (input_slots, weight_slots), kinds);
        let observables = random::observables(qubits);
        for batch in [0, 1, 9] {
            let (inputs, weights) = random::angles(seed, batch, input_slots, weight_slots);
            let angles = Angles { inputs: inputs.view(), weights: weights.view() };
            // The reference simulator is slow: only the first and the last row are compared.
            let checked: Vec<usize> = (0..batch).filter(|row| row % 8 == 0).collect();
            let truth: Vec<_> = checked.iter().map(|&row| branches::run(&program, &angles.row(row))).collect();
            for engine in engines(kinds) {
                let context = format!("{} on seed {seed}, {qubits} qubits, batch {batch}", engine.name());
                let found = engine.expect(&program, angles, &observables).unwrap();
                assert_eq!(found.dim(), (batch, observables.len()), "{context}");
                let probabilities = engine.probabilities(&program, angles).unwrap();
                for (&row, branches) in checked.iter().zip(&truth) {
                    let rho = branches::density(branches);
                    for (o, observable) in observables.iter().enumerate() {
                        let error = (found[[row, o]] - branches::expect(&program, &rho, observable)).abs();
                        assert!(error < tolerance(&*engine), "{context}: {observable} off by {error:e}");
                    }
                    let outcomes = branches::probabilities(&program, branches);
                    assert_eq!(probabilities.ncols(), outcomes.len(), "{context}");
                    for (outcome, p) in outcomes.iter().enumerate() {
                        let error = (probabilities[[row, outcome]] - p).abs();
                        assert!(error < tolerance(&*engine), "{context}: outcome {outcome} off by {error:e}");
                    }
                }
            }
        }
    }
}

#[test]
fn unitary_programs() {
    agrees(Kinds::default(), 0..40);
}

#[test]
fn unitary_programs_with_readout_error() {
    agrees(Kinds { readout: true, ..Kinds::default() }, 100..110);
}

#[test]
fn measured_programs() {
    agrees(Kinds { readout: true, measured: true, ..Kinds::default() }, 200..210);
}

#[test]
fn noisy_programs() {
    agrees(Kinds { noise: true, readout: true, ..Kinds::default() }, 300..330);
}

#[test]
fn noisy_programs_with_the_encoding_first() {
    agrees(Kinds { noise: true, readout: true, encoded_first: true, ..Kinds::default() }, 400..430);
}

#[test]
fn dynamic_programs() {
    agrees(Kinds { noise: true, readout: true, dynamic: true, ..Kinds::default() }, 500..530);
    agrees(Kinds { noise: true, readout: true, dynamic: true, measured: true, ..Kinds::default() }, 600..610);
}

/// Trajectories are right on average: means over many shots lie within five standard errors of the exact values.
#[test]
fn trajectories_converge_to_the_density_matrix() {
    let shots = 4000;
    let kinds = Kinds { noise: true, readout: true, ..Kinds::default() };
    let (double, single) = (Precision::Double, Precision::Single);
    for (seed, dynamic, precision) in
        [(700, false, double), (701, false, single), (702, true, double), (703, true, single), (704, true, double)]
    {
        let program = random::program(seed, 3, 16, (1, 2), Kinds { dynamic, ..kinds });
        let (inputs, weights) = random::angles(seed, 2, 1, 2);
        let angles = Angles { inputs: inputs.view(), weights: weights.view() };
        let engine = Trajectory::with_precision(shots, seed, precision);
        let exact = Density::default().probabilities(&program, angles).unwrap();
        let means = engine.probabilities(&program, angles).unwrap();
        let counts = engine.counts(&program, angles).unwrap();
        for ((index, &p), &mean) in exact.indexed_iter().zip(&means) {
            // The spread of counts bounds that of means; the constant allows for outcomes that never come up.
            let error = 5.0 * (p * (1.0 - p) / shots as f64).sqrt() + 1e-9;
            assert!((mean - p).abs() <= error, "seed {seed} outcome {index:?}: mean {mean}, exact {p}");
            let frequency = counts[index] as f64 / shots as f64;
            assert!((frequency - p).abs() <= error, "seed {seed} outcome {index:?}: counted {frequency}, exact {p}");
        }
        let observables = random::observables(3);
        let exact = Density::default().expect(&program, angles, &observables).unwrap();
        let means = engine.expect(&program, angles, &observables).unwrap();
        for ((index, &value), &mean) in exact.indexed_iter().zip(&means) {
            // No value exceeds the sum of the weights, so neither does its standard deviation.
            let range: f64 = observables[index.1].terms.iter().map(|(weight, _)| weight.abs()).sum();
            let error = 5.0 * range / (shots as f64).sqrt();
            assert!((mean - value).abs() <= error, "seed {seed} {index:?}: mean {mean}, exact {value}");
        }
    }
}

/// Too wide for anything with 4ⁿ numbers: a chain of CX spreads one flip, and most shots have none.
#[test]
fn wide_noisy_programs_run_as_trajectories() {
    let (qubits, shots, chance) = (16, 400, 0.1);
    let mut circuit = Circuit::new(qubits);
    circuit.push(Gate::X, &[0], &[]).unwrap();
    for q in 1..qubits {
        circuit.push(Gate::Cx, &[q - 1, q], &[]).unwrap();
    }
    let flip = Channel::named("bit_flip", &[chance]).unwrap();
    let noise = |op: &Op| if op.name() == "x" { vec![(flip.clone(), vec![0])] } else { Vec::new() };
    let program = Program::compile(&circuit, &[], noise, |_| None);
    let (inputs, weights) = (ndarray::Array2::zeros((1, 0)), ndarray::Array1::zeros(0));
    let angles = Angles { inputs: inputs.view(), weights: weights.view() };
    let p = Trajectory::new(shots, 1).probabilities(&program, angles).unwrap();
    let (none, all) = (p[[0, 0]], p[[0, (1 << qubits) - 1]]);
    assert!((none + all - 1.0).abs() < TOLERANCE, "{none} + {all}");
    // Five standard errors.
    assert!((none - chance).abs() < 5.0 * (chance * (1.0 - chance) / shots as f64).sqrt(), "{none}");
}

#[test]
fn same_seed_same_bytes_at_any_number_of_threads() {
    let kinds = Kinds { noise: true, readout: true, dynamic: true, ..Kinds::default() };
    let dynamic = random::program(800, 3, 20, (1, 2), kinds);
    let plain = random::program(801, 4, 20, (1, 2), Kinds { readout: true, ..Kinds::default() });
    let (inputs, weights) = random::angles(1, 21, 1, 2);
    let angles = Angles { inputs: inputs.view(), weights: weights.view() };
    let observables = random::observables(3);
    let cotangent = ndarray::Array2::from_elem((21, observables.len()), 0.3);
    let results = [1, 2].map(|threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| {
            let jumps = Trajectory::new(100, 5);
            let mut bytes = vec![
                jumps.expect(&dynamic, angles, &observables).unwrap(),
                jumps.counts(&dynamic, angles).unwrap().mapv(|n| n as f64),
            ];
            for engine in engines(kinds) {
                bytes.push(engine.probabilities(&dynamic, angles).unwrap());
            }
            for engine in engines(Kinds::default()) {
                bytes.push(engine.expect(&plain, angles, &observables).unwrap());
                let gradient = engine.vjp(&plain, angles, &observables, cotangent.view()).unwrap();
                bytes.push(gradient.inputs);
                bytes.push(gradient.weights.insert_axis(ndarray::Axis(0)));
            }
            let shots = Shots { inner: Statevector::default(), shots: 50, seed: 3 };
            bytes.push(shots.expect(&plain, angles, &observables).unwrap());
            bytes
        })
    });
    assert_eq!(results[0], results[1]);
}

#[test]
fn shots_scatter_around_the_exact_values() {
    let kinds = Kinds { readout: true, ..Kinds::default() };
    let program = random::program(900, 3, 16, (1, 2), kinds);
    let (inputs, weights) = random::angles(2, 3, 1, 2);
    let angles = Angles { inputs: inputs.view(), weights: weights.view() };
    let observables = random::observables(3);
    let shots = 4000;
    let exact = Statevector::default().expect(&program, angles, &observables).unwrap();
    let engine = Shots { inner: Statevector::default(), shots, seed: 11 };
    let estimate = engine.expect(&program, angles, &observables).unwrap();
    for (index, value) in exact.indexed_iter() {
        let range: f64 = observables[index.1].terms.iter().map(|(weight, _)| weight.abs()).sum();
        let error = (estimate[index] - value).abs();
        assert!(error <= 5.0 * range / (shots as f64).sqrt(), "{index:?} off by {error}");
        assert!(estimate[index] != *value, "{index:?} is exact: no shots were drawn");
    }
}

#[test]
fn variance_follows_from_the_squared_observable() {
    let program = random::program(901, 3, 16, (0, 2), Kinds::default());
    let (inputs, weights) = random::angles(2, 1, 0, 2);
    let angles = Angles { inputs: inputs.view(), weights: weights.view() };
    let engine = Statevector::default();
    // P² = 1; (X0 + Y0)² = 2 and (X0 + Z0 Z1)² = 2 by anticommutation; (Y0 + X1 Z2)² = 2 + 2 Y0 X1 Z2.
    let cases = [("X0 Y1 Z2", "1"), ("X0 + Y0", "2"), ("X0 + Z0 Z1", "2"), ("Y0 + X1 Z2", "2 + 2 Y0 X1 Z2")];
    for (text, square) in cases {
        let (observable, square): (Observable, Observable) = (text.parse().unwrap(), square.parse().unwrap());
        let mean = engine.expect(&program, angles, std::slice::from_ref(&observable)).unwrap()[[0, 0]];
        let second = engine.expect(&program, angles, &[square]).unwrap()[[0, 0]];
        let found = sample::variance(&engine, &program, angles, &[observable]).unwrap()[[0, 0]];
        assert!((found - (second - mean * mean)).abs() < TOLERANCE, "{text}: {found}");
    }
}

#[test]
fn states_and_their_measures() {
    for seed in 0..6 {
        let qubits = 1 + seed as usize % 4;
        let angles = [0.3, -0.8];
        let ideal = random::program(1000 + seed, qubits, 12, (0, 2), Kinds::default());
        let truth = branches::density(&branches::run(&ideal, &angles));
        let psi = state::statevector(&ideal, &angles).unwrap();
        assert!(distance(&state::projector(psi.view()), &truth) < TOLERANCE, "seed {seed}");
        let noisy = Kinds { noise: true, dynamic: seed % 2 == 0, ..Kinds::default() };
        let noisy = random::program(1100 + seed, qubits, 12, (0, 2), noisy);
        let rho = state::density(&noisy, &angles).unwrap();
        let truth = branches::density(&branches::run(&noisy, &angles));
        assert!(distance(&rho, &truth) < TOLERANCE, "seed {seed}");
        assert!((state::purity(rho.view()) - truth.dot(&truth).diag().sum().re).abs() < TOLERANCE);
        let overlap = psi.mapv(|z| z.conj()).dot(&truth.dot(&psi)).re;
        assert!((state::fidelity(rho.view(), psi.view()) - overlap).abs() < TOLERANCE);
    }
}

/// A narrow program on scattered qubits of a wide register has the narrow program's state there, and |0⟩ elsewhere.
#[test]
fn wide_registers_run_in_tiles() {
    for (seed, width, positions) in [
        (0, 17, [0, 2, 9, 12, 16]),
        (1, 17, [16, 11, 1, 10, 5]),
        (2, 18, [17, 16, 15, 14, 13]),
        (3, 16, [0, 1, 2, 3, 4]),
        (4, 15, [14, 1, 7, 0, 12]),
        (5, 7, [6, 0, 5, 1, 2]),
    ] {
        let narrow = random::program(1200 + seed, 5, 40, (0, 2), Kinds::default());
        let move_step = |step: &Step| {
            let Step::Gate(op) = step else { unreachable!("the program is unitary") };
            let mut op = op.clone();
            op.qubits.iter_mut().for_each(|q| *q = positions[*q]);
            Step::Gate(op)
        };
        let steps = narrow.steps.iter().map(move_step).collect();
        let program = Program { steps, active: (0..width).collect(), readout: vec![None; width], ..narrow.clone() };
        let truth = branches::density(&branches::run(&narrow, &[0.3, -0.8]));
        let found = state::statevector(&program, &[0.3, -0.8]).unwrap();
        let index = |bits: usize| positions.iter().enumerate().fold(0, |at, (k, &q)| at | (bits >> k & 1) << q);
        let inside = ndarray::Array1::from_shape_fn(32, |bits| found[index(bits)]);
        let error = distance(&state::projector(inside.view()), &truth);
        assert!(error < TOLERANCE, "{width} qubits at {positions:?}: off by {error:e}");
        let norm: f64 = found.iter().map(|z| z.norm_sqr()).sum();
        assert!((norm - 1.0).abs() < TOLERANCE, "{width} qubits at {positions:?}: norm {norm}");
    }
}

/// A runner gives the same state as the engine for every vector of angles, in both precisions.
#[test]
fn runners_run_again_and_again() {
    for seed in 0..6 {
        let qubits = 1 + seed as usize % 5;
        let program = random::program(1300 + seed, qubits, 20, (0, 2), Kinds::default());
        for precision in PRECISIONS {
            let engine = Statevector::new(precision);
            let mut runner = engine.runner(&program).unwrap();
            for angles in [[0.3, -0.8], [1.1, 0.2]] {
                runner.run(&angles).unwrap();
                let truth = branches::density(&branches::run(&program, &angles));
                let error = distance(&state::projector(runner.amplitudes().view()), &truth);
                assert!(error < tolerance(&engine), "{qubits} qubits, {precision}: off by {error:e}");
                let total: f64 = runner.probabilities().sum();
                assert!((total - 1.0).abs() < tolerance(&engine), "{qubits} qubits, {precision}: norm {total}");
            }
            assert!(matches!(runner.run(&[0.1]), Err(SimError::AngleCount { slots: 2, got: 1 })));
            assert!(matches!(runner.run(&[f64::NAN, 0.0]), Err(SimError::NotFinite { .. })));
        }
    }
}

#[test]
fn partial_trace_of_a_product_gives_its_factors() {
    let mut stream = qgraft::math::Stream::named(0, "factors");
    let factors: Vec<_> = (0..3).map(|_| random::isometry(2, 1, &mut stream).column(0).to_owned()).collect();
    let rho = factors.iter().fold(qgraft::math::matrix::identity(1), |low, factor| {
        qgraft::math::matrix::tensor(&low, &state::projector(factor.view()))
    });
    for keep in [[0, 1], [2, 0], [1, 2]] {
        let expected = qgraft::math::matrix::tensor(
            &state::projector(factors[keep[0]].view()),
            &state::projector(factors[keep[1]].view()),
        );
        let found = state::partial_trace(rho.view(), &keep).unwrap();
        assert!(distance(&found, &expected) < 1e-15, "{keep:?}");
    }
    assert!(matches!(state::partial_trace(rho.view(), &[1, 1]), Err(SimError::BadQubit { qubit: 1, .. })));
    assert!(matches!(state::partial_trace(rho.view(), &[3]), Err(SimError::BadQubit { qubit: 3, .. })));
}

/// A program of `qubits` qubits with one rotation.
fn wide(qubits: usize) -> Program {
    let mut circuit = Circuit::new(qubits);
    let angle = circuit.slot("angle");
    circuit.push(Gate::Rx, &[0], &[angle]).unwrap();
    Program::ideal(&circuit, &(0..qubits).collect::<Vec<_>>())
}

#[test]
fn what_cannot_run_is_refused_before_anything_is_allocated() {
    let rows = ndarray::array![[0.1]];
    let none = ndarray::Array1::zeros(0);
    let angles = Angles { inputs: rows.view(), weights: none.view() };
    // These run wide registers: each has its own refusals in its own file.
    for (name, engine) in all_engines().filter(|(name, _)| !["sparse", "stabilizer", "mps"].contains(name)) {
        let qubits = if ["density", "pauli"].contains(&name) { 20 } else { 40 };
        // The last qubit feels all others.
        let mut program = wide(qubits);
        for qubit in 1..qubits {
            program.steps.push(Step::Gate(Op::gate(Gate::Cx, &[qubit - 1, qubit], &[])));
            program.steps.push(Step::Gate(Op::gate(Gate::Rx, &[qubit], &[0.3.into()])));
        }
        let observables = [Observable::z(qubits - 1)];
        let cotangent = ndarray::Array2::ones((1, 1));
        let mut refusals = vec![
            engine.probabilities(&program, angles).unwrap_err(),
            engine.sample(&program, angles, 10, 0).unwrap_err(),
        ];
        // Expectation values of any width are left to sums of Pauli strings and chains.
        if name != "auto" {
            refusals.push(engine.expect(&program, angles, &observables).unwrap_err());
            refusals.push(engine.vjp(&program, angles, &observables, cotangent.view()).unwrap_err());
        }
        for refused in refusals {
            assert!(matches!(refused, SimError::TooLarge { .. }), "{name}: {refused}");
            assert!(refused.to_string().contains("iB of memory"), "{name}: {refused}");
        }
        let refused = engine.sample(&wide(2), angles, 10usize.pow(18), 0).unwrap_err();
        assert!(matches!(refused, SimError::TooLong { .. }), "{name}: {refused}");
    }
    let program = wide(2);
    for (name, engine) in all_engines() {
        let run = |angles| engine.expect(&program, angles, &Observable::all_z(1));
        let nan = ndarray::array![[f64::NAN]];
        let refused = run(Angles { inputs: nan.view(), weights: none.view() }).unwrap_err();
        assert!(matches!(refused, SimError::NotFinite { row: 0, slot: 0, .. }), "{}: {refused}", name);
        let two = ndarray::array![[0.1, 0.2]];
        let refused = run(Angles { inputs: two.view(), weights: none.view() }).unwrap_err();
        assert_eq!(refused, SimError::AngleCount { slots: 1, got: 2 }, "{}", name);
        let outside = engine.expect(&program, angles, &[Observable::z(2)]).unwrap_err();
        assert!(matches!(outside, SimError::ObservableOutOfRange { qubits: 2, .. }), "{}: {outside}", name);
        let wrong = ndarray::Array2::zeros((1, 2));
        let refused = engine.vjp(&program, angles, &Observable::all_z(1), wrong.view()).unwrap_err();
        assert_eq!(refused, SimError::CotangentShape { got: (1, 2), expected: (1, 1) }, "{}", name);
    }
    let unknown = sim::engine("abacus", EngineOptions::default()).err().unwrap();
    assert!(unknown.to_string().contains("statevector"), "{unknown}");
}

#[test]
fn steps_an_engine_does_not_have_are_named() {
    let noisy = random::program(300, 2, 20, (0, 0), Kinds { noise: true, ..Kinds::default() });
    let dynamic = random::program(501, 2, 40, (0, 0), Kinds { dynamic: true, ..Kinds::default() });
    let rows = ndarray::Array2::zeros((1, 0));
    let none = ndarray::Array1::zeros(0);
    let angles = Angles { inputs: rows.view(), weights: none.view() };
    let observables = Observable::all_z(1);
    for (engine, program) in [("statevector", &noisy), ("statevector", &dynamic), ("pauli", &dynamic)] {
        let refused = sim::engine(engine, EngineOptions::default()).unwrap().expect(program, angles, &observables);
        assert!(matches!(refused, Err(SimError::Unsupported { .. })), "{engine}: {refused:?}");
    }
    let cotangent = ndarray::Array2::zeros((1, 1));
    for (name, engine) in all_engines() {
        let refused = engine.vjp(&dynamic, angles, &observables, cotangent.view());
        assert!(matches!(refused, Err(SimError::NotDifferentiable { .. })), "{name}: {refused:?}");
    }
}

#[test]
fn auto_takes_the_engine_that_fits() {
    let auto = Auto::new(EngineOptions::default());
    let none = ndarray::Array1::zeros(0);
    let choice = |program: &Program, batch: usize, slots: usize| {
        let (inputs, weights) = (ndarray::Array2::zeros((batch, slots)), ndarray::Array1::zeros(program.slots - slots));
        let angles = Angles { inputs: inputs.view(), weights: weights.view() };
        let name = auto.choose(program, angles, Some(4)).name();
        name.split(',').next().unwrap().to_string()
    };
    let noise = Kinds { noise: true, encoded_first: true, ..Kinds::default() };
    assert_eq!(choice(&random::program(400, 4, 30, (2, 3), noise), 16, 2), "pauli");
    assert_eq!(choice(&wide(14), 1, 1), "statevector");
    let dynamic = Kinds { noise: true, dynamic: true, ..Kinds::default() };
    assert_eq!(choice(&random::program(501, 4, 40, (0, 2), dynamic), 4, 0), "density");
    let mut noisy = wide(18);
    noisy.steps.push(Step::Noise { channel: amplitude_damping(0.1).unwrap(), qubits: vec![3], condition: None });
    assert_eq!(choice(&noisy, 4, 1), "trajectory");
    let empty = ndarray::Array2::zeros((0, 1));
    let angles = Angles { inputs: empty.view(), weights: none.view() };
    assert_eq!(auto.expect(&wide(2), angles, &Observable::all_z(2)).unwrap().dim(), (0, 2));
}

/// Of the 2^10 branches of ten measurements each keeps the qubits that are still read: values by hand, since no gate
/// entangles.
#[test]
fn qubits_that_nothing_reads_any_more_are_left_out() {
    let (qubits, measurements, angle) = (8, 10, 0.7f64);
    let mut circuit = Circuit::with_bits(qubits, measurements);
    let layer = |circuit: &mut Circuit| {
        (0..qubits).for_each(|qubit| _ = circuit.push(Gate::Ry, &[qubit], &[angle.into()]).unwrap());
    };
    for bit in 0..measurements {
        layer(&mut circuit);
        circuit.measure(bit % qubits, bit).unwrap();
    }
    layer(&mut circuit);
    let program = Program::ideal(&circuit, &[]);
    let observables: Vec<Observable> = ["Z7", "X3 Z7", "X7"].map(|text| text.parse().unwrap()).into();
    for precision in PRECISIONS {
        let engine = Density::new(precision);
        let tolerance = tolerance(&engine);
        let p = engine.prepare(&program, &[], 0).unwrap().probabilities(Angles::of_weights(&[])).unwrap();
        let share = |holds: &dyn Fn(usize) -> bool| {
            p.row(0).iter().zip(0..).filter(|(_, outcome)| holds(*outcome)).map(|(p, _)| p).sum::<f64>()
        };
        assert!((share(&|_| true) - 1.0).abs() < tolerance);
        for bit in 0..qubits {
            let expected = ((bit + 1) as f64 * angle / 2.0).sin().powi(2);
            let found = share(&|outcome| outcome >> bit & 1 == 1);
            assert!((found - expected).abs() < tolerance, "bit {bit}: {found} and {expected}");
        }
        // Eight rotations lie between the two measurements of qubit 0, and of qubit 1.
        for (first, second) in [(0, 8), (1, 9)] {
            let found = share(&|outcome| (outcome >> first ^ outcome >> second) & 1 == 1);
            assert!((found - (4.0 * angle).sin().powi(2)).abs() < tolerance, "bits {first} and {second}: {found}");
        }
        let prepared = engine.prepare(&program, &observables, 0).unwrap();
        let values = prepared.expect(Angles::of_weights(&[])).unwrap();
        // Qubit 7 is measured after 8 rotations and turned by 3 more, qubit 3 after 4 and by 7 more.
        let z = |before: f64, after: f64| (before * angle).cos() * (after * angle).cos();
        let x = |before: f64, after: f64| (before * angle).cos() * (after * angle).sin();
        for (found, expected) in values.row(0).iter().zip([z(8.0, 3.0), x(4.0, 7.0) * z(8.0, 3.0), x(8.0, 3.0)]) {
            assert!((found - expected).abs() < tolerance, "{found} and {expected}");
        }
    }
}
