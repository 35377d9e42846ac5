//! Error mitigation: what each method must give back, by closed formulas and exact engines.

use std::sync::Arc;

use ndarray::{Array1, Array2, aview1};
use qgraft::circuit::{Circuit, Gate, Observable, Op, OpKind, Param, PauliString};
use qgraft::device::schedule::{Order, length, with_delays};
use qgraft::device::{Device, Target, transpile};
use qgraft::math::{Probability, Seconds, Stream};
use qgraft::noise::channel::{amplitude_damping, depolarizing};
use qgraft::noise::model::NoiseModel;
use qgraft::noise::model::uniform::Uniform;
use qgraft::noise::{Channel, Confusion, Program, Step};
use qgraft::sim::mitigate::{
    Apply, Average, Cancellation, Extrapolation, Folding, MITIGATIONS, MitigationRow, PauliTwirling, Pulses,
    ReadoutInversion, ReadoutSubspace, TwirledReadout, ZeroNoise, decouple, fold, invert, repeated, sampling_cost,
    twirled,
};
use qgraft::sim::{Angles, Density, Pauli, Shots, SimError, Simulator};

/// Sums of a few hundred products of numbers near 1.
const EXACT: f64 = 1e-10;

/// Rotations by slots and entanglers on three qubits.
pub fn circuit() -> Circuit {
    let mut circuit = Circuit::new(3);
    let slots: Vec<Param> = (0..4).map(|k| circuit.slot(format!("a{k}"))).collect();
    for (q, &angle) in slots[..3].iter().enumerate() {
        circuit.push(Gate::Ry, &[q], &[angle]).unwrap();
    }
    circuit.push(Gate::Cx, &[0, 1], &[]).unwrap().push(Gate::Rx, &[1], &[slots[3] * 0.5 + 0.2]).unwrap();
    circuit.push(Gate::Cx, &[1, 2], &[]).unwrap().push(Gate::Sx, &[2], &[]).unwrap();
    circuit
}

pub fn observables() -> Vec<Observable> {
    ["Z0", "Z1 Z2", "X0 Y1", "0.5 Z2 - 2 Z0 X1"].map(|text| text.parse().unwrap()).to_vec()
}

pub const ANGLES: [f64; 4] = [0.4, 1.1, -0.7, 0.9];

pub fn expect(engine: &dyn Simulator, program: &Program, observables: &[Observable]) -> Vec<f64> {
    let rows = Array2::from_shape_vec((1, 1), vec![ANGLES[0]]).unwrap();
    let (inputs, weights) = match program.slots {
        0 => (rows.slice(ndarray::s![.., ..0]), aview1(&[])),
        slots => (rows.view(), aview1(&ANGLES[1..slots])),
    };
    engine.expect(program, Angles { inputs, weights }, observables).unwrap().row(0).to_vec()
}

pub fn assert_close(got: &[f64], wanted: &[f64], tolerance: f64, what: &str) {
    let off = got.iter().zip(wanted).map(|(g, w)| (g - w).abs()).fold(0.0, f64::max);
    assert!(got.len() == wanted.len() && off < tolerance, "{what}: {got:?}, wanted {wanted:?}");
}

pub fn on_manila(source: &Circuit, model: &str) -> (Program, Vec<Observable>) {
    let device = Device::named("manila").unwrap();
    let transpiled = transpile(source, &Target::of(&device), &Default::default()).unwrap();
    let program =
        NoiseModel::named(model).unwrap().apply(&transpiled.circuit, &device, &transpiled.final_layout).unwrap();
    let relabelled = observables().iter().map(|o| program.relabel(o, &transpiled.final_layout).unwrap()).collect();
    (program, relabelled)
}

fn readout(p10: f64, p01: f64) -> Confusion {
    Confusion { one_given_zero: Probability::new(p10).unwrap(), zero_given_one: Probability::new(p01).unwrap() }
}

/// No noise but that of the readout, different on each qubit.
fn misread() -> Program {
    let mut program = Program::ideal(&circuit(), &[]);
    program.readout = vec![Some(readout(0.01, 0.05)), Some(readout(0.03, 0.02)), Some(readout(0.0, 0.1))];
    program
}

#[test]
fn every_method_leaves_a_program_without_noise_as_it_is() {
    let program = Program::ideal(&circuit(), &[]);
    let wanted = expect(&Density::default(), &program, &observables());
    for row in MITIGATIONS {
        let Apply::Executor(wrap) = row.apply else { continue };
        let engine = wrap(Arc::new(Density::default()), 5);
        assert_close(&expect(&engine, &program, &observables()), &wanted, EXACT, row.name);
    }
}

#[test]
fn every_method_can_be_differentiated() {
    let (program, observables) = on_manila(&circuit(), "aer-asym");
    let cotangent = ndarray::array![[0.7, -1.0, 0.4, 0.3]];
    let value = |engine: &dyn Simulator, slot: usize, by: f64| -> f64 {
        let mut angles = ANGLES;
        angles[slot] += by;
        let rows = Array2::from_shape_vec((1, 1), vec![angles[0]]).unwrap();
        let angles = Angles { inputs: rows.view(), weights: aview1(&angles[1..]) };
        (engine.expect(&program, angles, &observables).unwrap() * &cotangent).sum()
    };
    let rows = Array2::from_shape_vec((1, 1), vec![ANGLES[0]]).unwrap();
    let angles = Angles { inputs: rows.view(), weights: aview1(&ANGLES[1..]) };
    for row in MITIGATIONS {
        let Apply::Executor(wrap) = row.apply else { continue };
        // Few draws of the costly method: the gradient is that of the very sum that is drawn.
        let engine: Arc<dyn Simulator> = match row.name {
            "error_cancellation" => {
                Arc::new(Cancellation { inner: Density::default(), average: Average::Sampled { count: 4, seed: 1 } })
            }
            _ => wrap(Arc::new(Density::default()), 5),
        };
        let gradient = engine.vjp(&program, angles, &observables, cotangent.view()).unwrap();
        let gradient: Vec<f64> = gradient.inputs.iter().chain(&gradient.weights).copied().collect();
        // A central difference: error h² and rounding over h.
        let h = 1e-5;
        let wanted: Vec<f64> = (0..4).map(|k| (value(&engine, k, h) - value(&engine, k, -h)) / (2.0 * h)).collect();
        assert_close(&gradient, &wanted, 1e-7, row.name);
    }
}

#[test]
fn readout_is_undone_exactly() {
    let program = misread();
    let readouts = program.readout.clone();
    let wanted = expect(&Density::default(), &Program::ideal(&circuit(), &[]), &observables());
    let inner = Density::default;
    let engines: [(&str, Box<dyn Simulator>); 3] = [
        ("inversion", Box::new(ReadoutInversion { inner: inner() })),
        ("subspace", Box::new(ReadoutSubspace { inner: inner() })),
        ("twirled", Box::new(TwirledReadout { inner: inner(), average: Average::Exact })),
    ];
    let misread = expect(&inner(), &program, &observables());
    assert!(misread.iter().zip(&wanted).all(|(m, w)| (m - w).abs() > 1e-4), "the readout errs at all: {misread:?}");
    for (name, engine) in engines {
        assert_close(&expect(&engine, &program, &observables()), &wanted, EXACT, name);
    }
    let mut measured = circuit();
    measured.measure_all().unwrap();
    let true_readout = Program::ideal(&measured, &[]);
    let mut program = true_readout.clone();
    for step in &mut program.steps {
        if let Step::Measure { confusion, qubit, .. } = step {
            *confusion = readouts[*qubit];
        }
    }
    let none = Array2::zeros((1, 0));
    let angles = Angles { inputs: none.view(), weights: aview1(&ANGLES) };
    let wanted = inner().probabilities(&true_readout, angles).unwrap().row(0).to_vec();
    let inversion = ReadoutInversion { inner: inner() }.probabilities(&program, angles).unwrap();
    let subspace = ReadoutSubspace { inner: inner() }.probabilities(&program, angles).unwrap();
    assert_close(&inversion.row(0).to_vec(), &wanted, EXACT, "inverted probabilities");
    assert_close(&subspace.row(0).to_vec(), &wanted, EXACT, "probabilities in the subspace of all outcomes");
}

#[test]
fn few_twirls_of_the_readout_come_close_and_shots_do_too() {
    let wanted = expect(&Density::default(), &Program::ideal(&circuit(), &[]), &observables());
    let sampled = TwirledReadout { inner: Density::default(), average: Average::Sampled { count: 400, seed: 2 } };
    // What is left of the offsets b = ±0.1 falls with the root of the number of flips: 0.1/20, at four sigma; weight 2.
    assert_close(&expect(&sampled, &misread(), &observables()), &wanted, 0.04, "flips");
    let shots = || Shots { inner: Density::default(), shots: 40_000, seed: 3 };
    // Four sigma of 2.5/√40000 after division by factors of 0.85.
    for (name, engine) in [
        ("inversion", Box::new(ReadoutInversion { inner: shots() }) as Box<dyn Simulator>),
        ("subspace", Box::new(ReadoutSubspace { inner: shots() })),
    ] {
        assert_close(&expect(&engine, &misread(), &observables()), &wanted, 0.06, name);
    }
}

#[test]
fn observed_outcomes_are_corrected_directly_and_by_iteration_alike() {
    let bits = 9;
    let mut stream = Stream::named(4, "outcomes");
    let confusions: Vec<Option<Confusion>> =
        (0..bits).map(|_| Some(readout(0.05 * stream.uniform(), 0.08 * stream.uniform()))).collect();
    // More outcomes than are solved directly; all of them, so that nothing is cut off and the truth must come back.
    let weights: Vec<f64> = (0..1usize << bits).map(|_| stream.uniform()).collect();
    let truth: Vec<f64> = weights.iter().map(|w| w / weights.iter().sum::<f64>()).collect();
    let mut recorded = truth.clone();
    for (k, confusion) in confusions.iter().enumerate() {
        let (up, down) = confusion.map(|c| (c.one_given_zero.get(), c.zero_given_one.get())).unwrap();
        for zero in (0..recorded.len()).filter(|i| i >> k & 1 == 0) {
            let (p0, p1) = (recorded[zero], recorded[zero | 1 << k]);
            recorded[zero] = p0 * (1.0 - up) + p1 * down;
            recorded[zero | 1 << k] = p0 * up + p1 * (1.0 - down);
        }
    }
    let all: Vec<(usize, f64)> = recorded.iter().copied().enumerate().collect();
    // The iteration stops at 1e-12 of the norm; the matrix is well conditioned.
    assert_close(&invert(&all, &confusions).unwrap(), &truth, 1e-9, "iterated");
    // A pair of outcomes that differ in one bit, by hand: columns of that bit's matrix, the others cancel.
    let pair = [(0b000, 0.7), (0b001, 0.3)];
    let corrected = invert(&pair, &[Some(readout(0.1, 0.2)), Some(readout(0.03, 0.01)), None]).unwrap();
    assert_close(&corrected, &[(0.7 - 0.2) / 0.7, (0.3 - 0.1) / 0.7], 1e-12, "a pair");
}

/// X gates, each followed by depolarizing: ⟨Z⟩ = q^scale times its ideal value.
fn decaying(gates: usize, lambda: f64) -> (Program, f64) {
    let mut circuit = Circuit::new(1);
    for _ in 0..gates {
        circuit.push(Gate::X, &[0], &[]).unwrap();
    }
    let program = Uniform::new(vec![depolarizing(lambda, 1).unwrap()], vec![], None).unwrap().apply(&circuit, &[]);
    (program, (1.0 - lambda).powi(gates as i32))
}

#[test]
fn extrapolation_leaves_the_known_part_of_the_error() {
    let (program, q) = decaying(4, 0.03);
    let polynomial = |degree| Extrapolation::Polynomial { degree };
    let decay = Extrapolation::Exponential { asymptote: 0.0 };
    // The intercepts by hand: line through 1 and 3, least squares line through 1, 2, 3, parabola through 1, 3, 5.
    let cases: [(&str, Vec<f64>, Extrapolation, f64); 4] = [
        ("line", vec![1.0, 3.0], polynomial(1), (3.0 * q - q.powi(3)) / 2.0),
        ("least squares", vec![1.0, 2.0, 3.0], polynomial(1), (4.0 * q + q.powi(2) - 2.0 * q.powi(3)) / 3.0),
        ("richardson", vec![1.0, 3.0, 5.0], polynomial(2), (15.0 * q - 10.0 * q.powi(3) + 3.0 * q.powi(5)) / 8.0),
        ("exponential", vec![1.0, 3.0, 5.0], decay, 1.0),
    ];
    let unmitigated = 1.0 - q;
    for (name, scales, extrapolation, wanted) in cases {
        for folding in [Folding::Global, Folding::Local] {
            let engine = ZeroNoise::new(Density::default(), &scales, folding, extrapolation);
            let got = expect(&engine, &program, &[Observable::z(0)]);
            assert_close(&got, &[wanted], 1e-12, name);
            assert!((1.0 - got[0]).abs() < 0.3 * unmitigated, "{name}: {got:?} from {q}");
        }
    }
    // Values on both sides of the asymptote are no decay: a straight line is taken.
    let (value, slopes) = decay.at(&[1.0, 3.0]).unwrap().apply(&[0.5, -0.1]);
    assert_close(&[value, slopes[0], slopes[1]], &[0.8, 1.5, -0.5], 1e-12, "no decay");
}

#[test]
fn extrapolation_helps_under_calibrated_noise() {
    let (program, observables) = on_manila(&circuit(), "scheduled");
    let inner = || ReadoutInversion { inner: Density::default() };
    let ideal = expect(&Density::default(), &Program::ideal(&circuit(), &[0, 1, 2]), &self::observables());
    let error = |engine: &dyn Simulator| -> f64 {
        let got = expect(engine, &program, &observables);
        got.iter().zip(&ideal).map(|(g, i)| (g - i).abs()).sum()
    };
    let plain = error(&inner());
    for extrapolation in [Extrapolation::Polynomial { degree: 1 }, Extrapolation::Polynomial { degree: 2 }] {
        let mitigated = error(&ZeroNoise::new(inner(), &[1.0, 3.0, 5.0], Folding::Global, extrapolation));
        // Noise of a few per cent: what is left is of its second order.
        assert!(mitigated < 0.3 * plain, "{extrapolation:?}: {mitigated} of {plain}");
    }
}

#[test]
fn twirling_leaves_the_diagonal_of_the_transfer_matrix() {
    let channels = [
        amplitude_damping(0.2).unwrap(),
        Channel::named("zz_crosstalk", &[0.1, 0.9]).unwrap(),
        depolarizing(0.1, 2).unwrap(),
    ];
    for channel in channels {
        let (before, after) = (channel.pauli_transfer(), twirled(&channel).pauli_transfer());
        let wanted = Array2::from_diag(&before.diag());
        let off = (&after - &wanted).iter().fold(0.0f64, |most, v| most.max(v.abs()));
        assert!(off < 1e-12, "{channel:?}: {off}");
    }
    // Coherent errors behind Clifford gates: many draws come to the exact mean, at four sigma of 1/√1000.
    let mut circuit = Circuit::new(2);
    circuit.push(Gate::H, &[0], &[]).unwrap().push(Gate::Cx, &[0, 1], &[]).unwrap();
    circuit.push(Gate::Sx, &[1], &[]).unwrap().push(Gate::Cz, &[0, 1], &[]).unwrap();
    let error = Channel::named("zz_crosstalk", &[0.13, 1.0]).unwrap();
    let program = Uniform::new(vec![], vec![error], None).unwrap().apply(&circuit, &[]);
    let mean = |average| {
        let engine = PauliTwirling { inner: Density::default(), average };
        expect(&engine, &program, &["X0 Y1", "Z0 X1", "Y0"].map(|text| text.parse().unwrap()))
    };
    let sampled = mean(Average::Sampled { count: 1000, seed: 6 });
    assert_close(&sampled, &mean(Average::Exact), 0.13, "draws");
}

#[test]
fn cancellation_gives_back_the_ideal_value() {
    let mut bell = Circuit::new(2);
    bell.push(Gate::Sx, &[0], &[]).unwrap().push(Gate::Cx, &[0, 1], &[]).unwrap();
    let observables = ["Z0 Z1", "Y0 X1", "Z1", "X0"].map(|text| text.parse::<Observable>().unwrap());
    let ideal = expect(&Density::default(), &Program::ideal(&bell, &[]), &observables);
    // Calibrated depolarizing and relaxation: neither Pauli-diagonal nor unital before the twirl.
    let device = Device::named("manila").unwrap();
    let mut program = NoiseModel::named("aer").unwrap().apply(&bell, &device, &[]).unwrap();
    program.readout.fill(None);
    let exact = Cancellation { inner: Density::default(), average: Average::Exact };
    assert_close(&expect(&exact, &program, &observables), &ideal, EXACT, "calibrated");

    // γ of depolarizing on one qubit is (2 + λ) / (2 (1 - λ)), and costs multiply.
    let (program, _) = decaying(3, 0.05);
    let cost = sampling_cost(&program).unwrap();
    assert_close(&[cost], &[((2.0 + 0.05) / (2.0 * 0.95f64)).powi(3)], 1e-12, "sampling cost");
    let count = 2000;
    let drawn = Cancellation { inner: Density::default(), average: Average::Sampled { count, seed: 9 } };
    // Each draw is ±γ: four standard errors.
    assert_close(&expect(&drawn, &program, &[Observable::z(0)]), &[-1.0], 4.0 * cost / (count as f64).sqrt(), "draws");
}

/// Tran, Sharma and Temme 2023 (arXiv 2303.06496): γ grows with the cone of an observable, not with the register.
#[test]
fn cancellation_on_a_wide_register_undoes_what_an_observable_feels() {
    let mut layer = Circuit::new(100);
    for qubit in 0..100 {
        layer.push(Gate::Ry, &[qubit], &[Param::Fixed(0.3 + 0.01 * qubit as f64)]).unwrap();
    }
    for qubit in 0..99 {
        layer.push(Gate::Cz, &[qubit, qubit + 1], &[]).unwrap();
    }
    let noise = Uniform::new(vec![depolarizing(0.01, 1).unwrap()], vec![depolarizing(0.02, 2).unwrap()], None).unwrap();
    let program = noise.apply(&layer, &[]);
    let observables = ["Z50", "0.25 + 0.5 Z70"].map(|text| text.parse::<Observable>().unwrap());
    let ideal = [0.8f64.cos(), 0.25 + 0.5 * 1.0f64.cos()];

    // An RY and two CZ are felt: 4 · 16 · 16 programs in place of 4^100 · 16^99.
    let exact = Cancellation { inner: Pauli::default(), average: Average::Exact };
    assert_close(&expect(&exact, &program, &observables), &ideal, EXACT, "exact");

    let costs = observables.clone().map(|observable| sampling_cost(&program.cone(&observable).0).unwrap());
    // γ of depolarizing on n qubits is (1 + (1 - 2/4ⁿ) λ) / (1 - λ).
    let one = |lambda: f64, strings: f64| (1.0 + (1.0 - 2.0 / strings) * lambda) / (1.0 - lambda);
    assert_close(&costs, &[one(0.01, 4.0) * one(0.02, 16.0).powi(2); 2], 1e-12, "sampling cost");
    assert!(sampling_cost(&program).unwrap() > 100.0);
    let count = 500;
    let drawn = Cancellation { inner: Pauli::default(), average: Average::Sampled { count, seed: 4 } };
    // Four standard errors; signs of all programs of the register would leave none of it.
    assert_close(&expect(&drawn, &program, &observables), &ideal, 4.0 * costs[0] / (count as f64).sqrt(), "draws");

    let everything: Observable =
        (0..100).map(|qubit| format!("Z{qubit}")).collect::<Vec<_>>().join(" ").parse().unwrap();
    let error = drawn.prepare(&program, &[everything], 0).err().expect("refused").to_string();
    assert!(error.contains("draw at least γ²"), "{error}");
}

/// Flips of qubits past the 64th are their own.
#[test]
fn twirled_readout_corrects_wide_registers() {
    let mut circuit = Circuit::new(70);
    for qubit in [5, 69] {
        circuit.push(Gate::Rx, &[qubit], &[Param::Fixed(1.0)]).unwrap();
    }
    let mut program = Program::ideal(&circuit, &(0..70).collect::<Vec<_>>());
    program.readout = vec![Some(readout(0.02, 0.08)); 70];
    let observables = ["Z5", "Z69", "Z5 Z69"].map(|text| text.parse::<Observable>().unwrap());
    let z = 1.0f64.cos();
    let engine = TwirledReadout { inner: Pauli::default(), average: Average::Exact };
    assert_close(&expect(&engine, &program, &observables), &[z, z, z * z], EXACT, "all flips");
    let drawn = TwirledReadout { inner: Pauli::default(), average: Average::Sampled { count: 400, seed: 2 } };
    let values = expect(&drawn, &program, &observables);
    // The asymmetry of 0.06 that is left of 400 signs, four times.
    assert_close(&values, &[z, z, z * z], 0.02, "drawn flips");
    assert!((values[0] - values[1]).abs() > 1e-9, "qubits 5 and 69 share their flips: {values:?}");
}

/// What every row says that it multiplies shots by.
#[test]
fn overheads_are_those_of_the_methods() {
    let (program, _) = decaying(3, 0.05);
    let program = Program { readout: vec![Some(readout(0.03, 0.05)); program.qubits()], ..program };
    let string = PauliString::z(0);
    for row in MITIGATIONS {
        let found = (row.overhead)(&program, &string).unwrap();
        // Straight lines and parabolas through 1, 3 and 5, continued to 0.
        let line: [f64; 3] = [13.0 / 12.0, 1.0 / 3.0, -5.0 / 12.0];
        let parabola: [f64; 3] = [15.0 / 8.0, -10.0 / 8.0, 3.0 / 8.0];
        let squares = |weights: [f64; 3]| 3.0 * weights.iter().map(|w| w * w).sum::<f64>();
        let wanted = match row.name {
            "readout_inversion" | "twirled_readout" => Some(0.92f64.powi(-2)),
            "zero_noise_linear" => Some(squares(line)),
            "zero_noise_richardson" => Some(squares(parabola)),
            "error_cancellation" => Some(sampling_cost(&program).unwrap().powi(2)),
            "pauli_twirling" | "decoupling" => Some(1.0),
            _ => None,
        };
        match (found, wanted) {
            (Some(found), Some(wanted)) => {
                assert!((found - wanted).abs() < 1e-12 * wanted, "{}: {found} {wanted}", row.name)
            }
            _ => assert_eq!(found, wanted, "{}", row.name),
        }
    }
}

/// The interval of eight runs holds the noiseless value 95 times in 100.
#[test]
fn intervals_of_repeated_runs_hold_the_value() {
    let bound = circuit().bind(&ANGLES).unwrap();
    let program = Program { readout: misread().readout, ..Program::ideal(&bound, &[]) };
    let observables = ["Z0", "Z1 Z2"].map(|text| text.parse::<Observable>().unwrap());
    let ideal = Program { readout: vec![None; 3], ..program.clone() };
    let truth = Density::default().expect(&ideal, Angles::of_weights(&[]), &observables).unwrap();
    let make = |seed: u64| -> Result<Arc<dyn Simulator>, SimError> {
        Ok(Arc::new(ReadoutInversion { inner: Shots { inner: Density::default(), shots: 64, seed } }))
    };
    let mut held = 0;
    for seed in 0..100 {
        for (found, truth) in repeated(make, (true, seed), &program, &observables).unwrap().iter().zip(&truth) {
            held += usize::from((found.value - truth).abs() <= found.interval.unwrap());
        }
    }
    assert!((180..=198).contains(&held), "{held} of 200");
    let exact = repeated(make, (false, 1), &program, &observables).unwrap();
    assert!(exact.iter().all(|found| found.interval.is_none()));
}

#[test]
fn decoupling_undoes_slow_phases_and_keeps_the_time() {
    let device = Device::named("manila").unwrap();
    let half = [Param::Fixed(0.8)];
    // Qubit 0 waits in a superposition while the others work, then is measured along X.
    let mut circuit = Circuit::new(5);
    circuit.push(Gate::Sx, &[0], &[]).unwrap().push(Gate::Cx, &[0, 1], &[]).unwrap();
    for _ in 0..4 {
        circuit.push(Gate::Cx, &[1, 2], &[]).unwrap().push(Gate::Rz, &[2], &half).unwrap();
    }
    circuit.push(Gate::Cx, &[0, 1], &[]).unwrap().push(Gate::Sx, &[0], &[]).unwrap();
    // Every wait turns its qubit by a detuning of 1e6 radians a second.
    let drifting = |circuit: &Circuit, detuning: f64| {
        let turn = |op: &Op| match op.kind {
            OpKind::Delay(Seconds(time)) => {
                vec![(Channel::named("over_rotation_z", &[detuning * time]).unwrap(), op.qubits.to_vec())]
            }
            _ => vec![],
        };
        Program::compile(circuit, &[], turn, |_| None)
    };
    let z = [Observable::z(0)];
    let run = |circuit: &Circuit, detuning: f64| expect(&Density::default(), &drifting(circuit, detuning), &z)[0];
    let waiting = with_delays(&circuit, &device, Order::AsLateAsPossible);
    let ideal = run(&waiting, 0.0);
    assert!((run(&waiting, 1e6) - ideal).abs() > 0.1, "the phases matter");
    for pulses in [Pulses::XX, Pulses::XY4] {
        let filled = decouple(&circuit, &device, pulses);
        assert!((run(&filled, 1e6) - ideal).abs() < 1e-10, "{pulses:?}: {} {ideal}", run(&filled, 1e6));
        let longer = length(&filled, &device).0 - length(&waiting, &device).0;
        assert!(longer.abs() < 1e-12, "{pulses:?}: {longer} s longer");
        assert!(filled.ops().len() > waiting.ops().len(), "{pulses:?}: no pulses");
    }
}

#[test]
fn what_cannot_be_mitigated_is_refused() {
    let (program, _) = decaying(1, 0.1);
    let mut reset = Circuit::new(1);
    reset.append(Op::of(OpKind::Reset, &[0])).unwrap();
    let reset = Program::ideal(&reset, &[]);
    let random = Uniform::new(vec![depolarizing(1.0, 1).unwrap()], vec![], None).unwrap();
    let mut one = Circuit::new(1);
    one.push(Gate::X, &[0], &[]).unwrap();
    let blind = Program { readout: vec![Some(readout(0.5, 0.5))], ..Program::ideal(&one, &[]) };
    let (inputs, weights) = (Array2::zeros((1, 0)), Array1::zeros(0));
    let angles = Angles { inputs: inputs.view(), weights: weights.view() };
    let run = |engine: &dyn Simulator, program: &Program| {
        engine.expect(program, angles, &[Observable::z(0)]).expect_err("refused").to_string()
    };
    let line = |scales: &[f64]| {
        ZeroNoise::new(Density::default(), scales, Folding::Local, Extrapolation::Polynomial { degree: 1 })
    };
    let cancellation = Cancellation { inner: Density::default(), average: Average::Exact };
    let many = Uniform::new(vec![depolarizing(0.1, 1).unwrap()], vec![depolarizing(0.1, 2).unwrap()], None).unwrap();
    let cases = [
        ("scale", fold(&program, 0.5, Folding::Global).unwrap_err().to_string(), "factors of at least 1"),
        ("reset", fold(&reset, 3.0, Folding::Global).unwrap_err().to_string(), "reset of qubit 0"),
        ("scales", run(&line(&[1.0, 1.2]), &program), "2 different noise scales"),
        ("readout", run(&ReadoutInversion { inner: Density::default() }, &blind), "readout of qubit 0"),
        ("fully mixed", run(&cancellation, &random.apply(&one, &[])), "cannot be inverted"),
        ("terms", cancellation.expect(&many.apply(&circuit(), &[]), angles, &[]).unwrap_err().to_string(), "sample"),
        ("name", MitigationRow::named("zne").err().unwrap().to_string(), "zero_noise_linear"),
    ];
    for (what, message, part) in cases {
        assert!(message.contains(part), "{what}: {message}");
    }
}
