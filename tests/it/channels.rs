//! Every row of the channel table: trace, positivity, physics off the special lines, and each equivalence its doc states.

use ndarray::Array2;
use qgraft::circuit::{Circuit, Gate, Observable, Param};
use qgraft::math::matrix::{c, dagger, distance, identity, tensor};
use qgraft::math::random::Stream;
use qgraft::math::{Matrix, Probability, Seconds};
use qgraft::noise::channel::{CHANNELS, ChannelRow, depolarizing, thermal_relaxation};
use qgraft::noise::{Channel, Confusion, NoiseError, PairConfusion, PairReadout, Program, kraus_of};
use qgraft::sim::{self, Angles, ENGINES, Shots, Simulator};

use crate::support::superoperators;

/// Rounding of a few products of numbers up to one.
const ROUNDING: f64 = 1e-14;

/// Values inside each row's ranges and on no special line.
fn odd_values(row: &ChannelRow) -> Vec<f64> {
    match row.name {
        "pauli" => vec![0.07, 0.11, 0.23],
        "pauli2" => (1..16).map(|k| 0.004 * f64::from(k)).collect(),
        "thermal_relaxation" => vec![131.5e-6, 172.3e-6, 7.7e-6, 0.083],
        "reset" => vec![0.17, 0.29],
        "zz_crosstalk" => vec![-47.3e3, 533e-9],
        "readout_pair" => (1..13).map(|k| 0.013 * f64::from(k)).collect(),
        _ => row.parameters.iter().enumerate().map(|(k, _)| 0.31 - 0.13 * k as f64).collect(),
    }
}

fn channel(name: &str, values: &[f64]) -> Channel {
    Channel::named(name, values).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// A mixed state on `n` qubits with no symmetry.
fn odd_state(n: usize) -> Matrix {
    let mut draw = Stream::named(7, "odd state");
    let root = Matrix::from_shape_fn((1 << n, 1 << n), |_| c(draw.normal(), draw.normal()));
    let positive = dagger(&root).dot(&root);
    let trace = positive.diag().sum();
    positive / trace
}

fn apply(channel: &Channel, state: &Matrix) -> Matrix {
    superoperators::act(state, channel.operators(), &(0..channel.qubits()).collect::<Vec<_>>())
}

fn assert_same(what: &str, a: &[Channel], b: &[Channel]) {
    let state = odd_state(a[0].qubits());
    let after = |channels: &[Channel]| channels.iter().fold(state.clone(), |s, channel| apply(channel, &s));
    let off = distance(&after(a), &after(b));
    assert!(off < ROUNDING, "{what}: differ by {off:e}");
}

#[test]
fn names_are_unique_and_docs_are_not_empty() {
    for (k, row) in CHANNELS.iter().enumerate() {
        assert!(CHANNELS[..k].iter().all(|other| other.name != row.name), "{} is listed twice", row.name);
        assert!(row.doc.len() > 10, "{}", row.name);
        assert!([1, 2].contains(&row.qubits), "{}", row.name);
    }
}

#[test]
fn every_channel_keeps_trace_and_positivity() {
    for row in CHANNELS {
        let channel = row.channel(&odd_values(row)).unwrap();
        assert_eq!((channel.name(), channel.qubits()), (row.name, row.qubits));
        let size = 1 << row.qubits;
        let sum = channel.operators().iter().fold(Matrix::zeros((size, size)), |sum, k| sum + dagger(k).dot(k));
        assert!(distance(&sum, &identity(size)) < ROUNDING, "{}: trace", row.name);
        // Kraus operators make any map completely positive; what can go wrong is that they are not numbers.
        assert!(channel.operators().iter().flatten().all(|z| z.is_finite()), "{}", row.name);
        let out = apply(&channel, &odd_state(row.qubits));
        assert!((out.diag().sum().re - 1.0).abs() < ROUNDING, "{}", row.name);
        assert!(distance(&out, &dagger(&out)) < ROUNDING, "{}: Hermitian", row.name);
    }
}

#[test]
fn every_parameter_is_refused_outside_its_range_and_accepted_at_its_ends() {
    for row in CHANNELS {
        let values = odd_values(row);
        for (k, parameter) in row.parameters.iter().enumerate() {
            for bad in [f64::NAN, parameter.low - 0.01 * parameter.low.abs().max(1.0), parameter.high * 2.0] {
                if (parameter.low..=parameter.high).contains(&bad) {
                    continue;
                }
                let mut values = values.clone();
                values[k] = bad;
                let error = row.channel(&values).unwrap_err();
                assert!(error.to_string().contains(parameter.name), "{} {}: {error}", row.name, parameter.name);
            }
        }
        assert!(matches!(row.channel(&[]), Err(NoiseError::ParameterCount { .. })), "{}", row.name);
        if let [only] = row.parameters
            && only.high.is_finite()
            && only.high < 10.0
        {
            row.channel(&[only.low]).unwrap();
            row.channel(&[only.high]).unwrap_or_else(|error| panic!("{} at its end: {error}", row.name));
        }
    }
    for (name, values) in [
        ("pauli", vec![0.5, 0.4, 0.2]),
        ("reset", vec![0.7, 0.4]),
        ("thermal_relaxation", vec![1.0, 2.1, 0.1, 0.0]),
        ("readout_pair", vec![0.4; 12]),
    ] {
        assert!(Channel::named(name, &values).is_err(), "{name}: impossible together");
    }
    let error = Channel::named("depolarising", &[0.1]).unwrap_err().to_string();
    assert!(error.contains("did you mean depolarizing"), "{error}");
}

#[test]
fn relaxation_decays_exponentially() {
    // (T1, T2, t) in µs on both sides of T2 = T1, at T2 = 2 T1, and with infinities; off every special line otherwise.
    let infinite = f64::INFINITY;
    for (t1, t2, t) in [
        (100.0, 80.0, 20.0),
        (131.5, 102.2, 0.0355),
        (44.9, 77.1, 3.3),
        (30.0, 60.0, 41.0),
        (infinite, 17.0, 5.0),
        (9.0, 18.0, 900.0),
        (infinite, infinite, 3.0),
    ] {
        for excited in [0.0, 0.031, 0.5, 0.93] {
            let what = format!("T1 {t1} T2 {t2} t {t} excited {excited}");
            let relax = thermal_relaxation(Seconds::micro(t1), Seconds::micro(t2), Seconds::micro(t), excited).unwrap();
            let before = odd_state(1);
            let after = apply(&relax, &before);
            let population = excited + (before[[1, 1]].re - excited) * (-t / t1).exp();
            let coherence = before[[0, 1]] * (-t / t2).exp();
            assert!((after[[1, 1]].re - population).abs() < ROUNDING, "{what}: e^(-t/T1)");
            assert!((after[[0, 1]] - coherence).norm() < ROUNDING, "{what}: e^(-t/T2)");
            assert!(
                (relax.average_fidelity() - (2.0 * (1.0 + (-t / t1).exp() + 2.0 * (-t / t2).exp()) / 4.0 + 1.0) / 3.0)
                    .abs()
                    < ROUNDING,
                "{what}"
            );
        }
    }
}

#[test]
fn pauli_channels_shrink_the_axes_they_should() {
    let before = odd_state(1);
    let bloch = |state: &Matrix| [2.0 * state[[0, 1]].re, -2.0 * state[[0, 1]].im, state[[0, 0]].re - state[[1, 1]].re];
    let p = 0.17;
    let shrunk = 1.0 - 2.0 * p;
    for (name, factors) in [
        ("bit_flip", [1.0, shrunk, shrunk]),
        ("bit_phase_flip", [shrunk, 1.0, shrunk]),
        ("phase_flip", [shrunk, shrunk, 1.0]),
        ("depolarizing", [1.0 - p; 3]),
        ("depolarizing_pauli", [1.0 - 4.0 * p / 3.0; 3]),
    ] {
        let (old, new) = (bloch(&before), bloch(&apply(&channel(name, &[p]), &before)));
        for axis in 0..3 {
            assert!((new[axis] - factors[axis] * old[axis]).abs() < ROUNDING, "{name}, axis {axis}");
        }
    }
}

#[test]
fn every_stated_equivalence_holds() {
    let (p, q) = (0.173, 0.083);
    let one = |name: &str, values: &[f64]| vec![channel(name, values)];
    assert_same("bit flip", &one("bit_flip", &[p]), &one("pauli", &[p, 0.0, 0.0]));
    assert_same("phase flip", &one("phase_flip", &[p]), &one("pauli", &[0.0, 0.0, p]));
    assert_same("bit-phase flip", &one("bit_phase_flip", &[p]), &one("pauli", &[0.0, p, 0.0]));
    let h = qgraft::circuit::Gate::H.row();
    let hadamard = Channel::kraus("hadamard", vec![(h.matrix)(&[])]).unwrap();
    let between = [hadamard.clone(), channel("phase_flip", &[p]), hadamard];
    assert_same("bit flip between Hadamards", &one("bit_flip", &[p]), &between);
    assert_same("phase damping", &one("phase_flip", &[p]), &one("phase_damping", &[4.0 * p * (1.0 - p)]));
    let flip = (1.0 - (1.0 - p).sqrt()) / 2.0;
    assert_same("phase flip", &one("phase_damping", &[p]), &one("phase_flip", &[flip]));
    assert_same("conventions", &one("depolarizing", &[p]), &one("depolarizing_pauli", &[3.0 * p / 4.0]));
    assert_same("conventions back", &one("depolarizing_pauli", &[p]), &one("depolarizing", &[4.0 * p / 3.0]));
    assert_same("Pauli weights", &one("depolarizing", &[p]), &one("pauli", &[p / 4.0; 3]));
    assert_same("two qubits", &one("depolarizing2", &[p]), &one("depolarizing2_pauli", &[15.0 * p / 16.0]));
    assert_same("two qubits back", &one("depolarizing2_pauli", &[p]), &one("depolarizing2", &[16.0 * p / 15.0]));
    assert_same("resets", &one("depolarizing", &[p]), &one("reset", &[p / 2.0, p / 2.0]));
    assert_same("ground", &one("amplitude_damping", &[p]), &one("generalized_amplitude_damping", &[p, 0.0]));
    assert_same("end", &one("generalized_amplitude_damping", &[1.0, q]), &one("reset", &[1.0 - q, q]));
    let (t1, t2, t) = (131.5e-6, 172.3e-6, 7.7e-6);
    assert_same(
        "amplitude damping is T2 = 2 T1",
        &one("thermal_relaxation", &[t1, 2.0 * t1, t, 0.0]),
        &one("amplitude_damping", &[1.0 - (-t / t1).exp()]),
    );
    assert_same(
        "damping then dephasing",
        &one("thermal_relaxation", &[t1, t2, t, q]),
        &[
            channel("generalized_amplitude_damping", &[1.0 - (-t / t1).exp(), q]),
            channel("phase_damping", &[1.0 - (t / t1 - 2.0 * t / t2).exp()]),
        ],
    );
    assert_same(
        "times add",
        &one("thermal_relaxation", &[t1, t2, t, q]),
        &[channel("thermal_relaxation", &[t1, t2, 0.3 * t, q]), channel("thermal_relaxation", &[t1, t2, 0.7 * t, q])],
    );
    let damped = apply(&channel("phase_damping", &[q]), &apply(&channel("amplitude_damping", &[p]), &odd_state(1)));
    let expected = odd_state(1)[[0, 1]] * ((1.0 - p) * (1.0 - q)).sqrt();
    assert!((damped[[0, 1]] - expected).norm() < ROUNDING, "coherence after both");
    let (shift, time) = (-47.3e3, 533e-9);
    let rzz = qgraft::circuit::Gate::Rzz.row();
    let turned = Channel::kraus("rzz", vec![(rzz.matrix)(&[std::f64::consts::PI * shift * time])]).unwrap();
    assert_same("ZZ", &one("zz_crosstalk", &[shift, time]), &[turned]);
    let angle = std::f64::consts::PI * shift * time;
    assert_same("ZZ by its angle", &one("zz_crosstalk", &[shift, time]), &one("over_rotation_zz", &[angle]));
    let second = Channel::kraus("second", vec![tensor(&identity(2), &(h.matrix)(&[]))]).unwrap();
    let between = [second.clone(), channel("over_rotation_zz", &[p]), second];
    assert_same("ZX is ZZ between Hadamards", &one("over_rotation_zx", &[p]), &between);
    assert_same("readout", &one("readout", &[p, p]), &[channel("phase_damping", &[1.0]), channel("bit_flip", &[p])]);
    let (first, second) = (confusion(p, q), confusion(q, 0.21));
    let both = PairConfusion::independent(first, second).matrix();
    let misread = (0..4).flat_map(|t| (0..4).filter(move |r| *r != t).map(move |r| both[t][r])).collect::<Vec<_>>();
    let state = odd_state(2);
    let alone = superoperators::act(&state, channel("readout", &first.flips()).operators(), &[0]);
    let alone = superoperators::act(&alone, channel("readout", &second.flips()).operators(), &[1]);
    assert!(distance(&alone, &apply(&channel("readout_pair", &misread), &state)) < ROUNDING, "readout of a pair");
}

fn confusion(up: f64, down: f64) -> Confusion {
    let p = |p| Probability::new(p).unwrap();
    Confusion { one_given_zero: p(up), zero_given_one: p(down) }
}

/// Three entangled qubits with readout error, each pair of neighbours read in its own correlated way.
fn read_together(measured: bool, last: &[(Gate, usize)]) -> Program {
    let mut circuit = Circuit::with_bits(3, 3);
    for (q, angle) in [0.4, 1.3, 2.2].into_iter().enumerate() {
        circuit
            .push(Gate::Ry, &[q], &[Param::Fixed(angle)])
            .unwrap()
            .push(Gate::Rz, &[q], &[Param::Fixed(1.0)])
            .unwrap();
    }
    circuit.push(Gate::Cx, &[0, 1], &[]).unwrap().push(Gate::Cx, &[2, 1], &[]).unwrap();
    circuit.push(Gate::Ry, &[1], &[Param::Fixed(0.5)]).unwrap();
    for &(gate, q) in last {
        circuit.push(gate, &[q], &[]).unwrap();
    }
    // Bits in another order than qubits.
    if measured {
        circuit.measure(0, 2).unwrap().measure(1, 0).unwrap().measure(2, 1).unwrap();
    }
    let errors = [confusion(0.02, 0.07), confusion(0.03, 0.05), confusion(0.01, 0.11)];
    let rows = [[0.9, 0.04, 0.05, 0.01], [0.03, 0.8, 0.1, 0.07], [0.02, 0.03, 0.85, 0.1], [0.05, 0.06, 0.09, 0.8]];
    let pair = |a, b, confusion| PairReadout { qubits: (a, b), confusion };
    Program {
        correlated: vec![
            pair(2, 1, PairConfusion::new(rows).unwrap()),
            pair(0, 1, PairConfusion::joint_flip(Probability::new(0.04).unwrap())),
        ],
        ..Program::compile(&circuit, &[], |_| Vec::new(), |q| Some(errors[q]))
    }
}

/// The distribution over qubits that `program` records, spelled out.
fn recorded(program: &Program) -> Vec<f64> {
    let mut p: Vec<f64> = superoperators::density(program, &[]).diag().iter().map(|z| z.re).collect();
    let confuse = |p: &[f64], weight: &dyn Fn(usize, usize) -> f64| -> Vec<f64> {
        (0..8).map(|r| (0..8).map(|t| p[t] * weight(t, r)).sum()).collect()
    };
    for (q, error) in program.readout.iter().enumerate() {
        let flips = error.unwrap().flips();
        p = confuse(&p, &|t, r| match (t ^ r, t >> q & 1) {
            (0, bit) => 1.0 - flips[bit],
            (off, bit) if off == 1 << q => flips[bit],
            _ => 0.0,
        });
    }
    for PairReadout { qubits: (a, b), confusion } in &program.correlated {
        let both = |i: usize| i >> a & 1 | (i >> b & 1) << 1;
        let rest = 7 & !(1 << a | 1 << b);
        p = confuse(&p, &|t, r| if (t ^ r) & rest == 0 { confusion.matrix()[both(t)][both(r)] } else { 0.0 });
    }
    p
}

#[test]
fn pairs_read_together_are_exact_in_every_engine() {
    let none = Array2::zeros((1, 0));
    let angles = || Angles { inputs: none.view(), weights: ndarray::ArrayView1::from(&[]) };
    let options = sim::EngineOptions { shots: 20, seed: 1, ..sim::EngineOptions::default() };
    // Its rotations are no Clifford gates: `stabilizer.rs` reads pairs together.
    for row in ENGINES.iter().filter(|row| row.name != "stabilizer") {
        let engine = sim::engine(row.name, options).unwrap();
        let program = read_together(false, &[]);
        let outcomes = recorded(&program);
        for text in ["Z0", "Z1", "Z2", "Z0 Z1", "Z1 Z2", "Z0 Z2", "Z0 Z1 Z2"] {
            let z: Observable = text.parse().unwrap();
            let mask: usize = z.support().iter().map(|q| 1 << q).sum();
            let sign = |i: usize| if (i & mask).count_ones() % 2 == 1 { -1.0 } else { 1.0 };
            let expected: f64 = outcomes.iter().enumerate().map(|(i, p)| sign(i) * p).sum();
            let got = engine.expect(&program, angles(), &[z]).unwrap()[[0, 0]];
            assert!((got - expected).abs() < 1e-12, "{} {text}: {got} instead of {expected}", row.name);
        }
        // A letter X is read after a Hadamard gate, the others in the Z basis.
        let [x, z] = ["X0 Z1", "Z0 Z1"].map(|text| text.parse::<Observable>().unwrap());
        let turned = engine.expect(&read_together(false, &[(Gate::H, 0)]), angles(), &[z]).unwrap();
        let straight = engine.expect(&program, angles(), &[x]).unwrap();
        assert!((turned[[0, 0]] - straight[[0, 0]]).abs() < 1e-12, "{}", row.name);
        let Ok(bits) = engine.probabilities(&read_together(true, &[]), angles()) else { continue };
        for (outcome, expected) in outcomes.iter().enumerate() {
            let reversed = (outcome & 1) << 2 | (outcome >> 1 & 1) | (outcome >> 2 & 1) << 1;
            assert!((bits[[0, reversed]] - expected).abs() < 1e-12, "{}: outcome {outcome}", row.name);
        }
    }
    let shots = Shots { inner: sim::Statevector::default(), shots: 40_000, seed: 3 };
    let program = read_together(false, &[]);
    let zz: Observable = "Z0 Z1".parse().unwrap();
    let sampled = shots.expect(&program, angles(), std::slice::from_ref(&zz)).unwrap()[[0, 0]];
    let exact = sim::Density::default().expect(&program, angles(), &[zz]).unwrap()[[0, 0]];
    // Five standard errors of 40 000 signs.
    assert!((sampled - exact).abs() < 0.025, "{sampled} {exact}");
}

#[test]
fn a_confusion_matrix_has_rows_of_probabilities() {
    let fine = PairConfusion::joint_flip(Probability::new(0.1).unwrap()).matrix();
    assert!(PairConfusion::new(fine).is_ok());
    for bad in [[0.5, 0.5, 0.1, 0.0], [1.2, -0.2, 0.0, 0.0], [f64::NAN, 0.0, 0.0, 1.0]] {
        let error = PairConfusion::new([fine[0], fine[1], bad, fine[3]]).unwrap_err();
        assert!(error.to_string().contains("row 2"), "{error}");
    }
}

#[test]
fn every_stated_infidelity_holds() {
    let angle: f64 = 0.21;
    let single = (2.0 / 3.0) * (angle / 2.0).sin().powi(2);
    let pair = std::f64::consts::PI * 60e3 * 533e-9;
    for (name, values, expected) in [
        ("depolarizing", vec![0.13], 0.065),
        ("depolarizing2", vec![0.13], 0.75 * 0.13),
        ("over_rotation_x", vec![angle], single),
        ("over_rotation_y", vec![angle], single),
        ("over_rotation_z", vec![angle], single),
        ("over_rotation_zx", vec![angle], 1.2 * single),
        ("over_rotation_zz", vec![angle], 1.2 * single),
        ("zz_crosstalk", vec![60e3, 533e-9], 0.8 * (pair / 2.0).sin().powi(2)),
    ] {
        let infidelity = 1.0 - channel(name, &values).average_fidelity();
        assert!((infidelity - expected).abs() < ROUNDING, "{name}: {infidelity} instead of {expected}");
    }
}

#[test]
fn full_depolarization_leaves_nothing_of_the_state() {
    for n in [1, 2] {
        let mixed = identity(1 << n) / c(f64::from(1u32 << n), 0.0);
        assert!(distance(&apply(&depolarizing(1.0, n).unwrap(), &odd_state(n)), &mixed) < ROUNDING);
    }
}

#[test]
fn kraus_operators_come_back_from_the_transfer_matrix_with_the_likeliest_first() {
    for row in CHANNELS {
        let channel = channel(row.name, &odd_values(row));
        let found = kraus_of(&channel.pauli_transfer().into_raw_vec_and_offset().0);
        let operands: Vec<usize> = (0..channel.qubits()).collect();
        let state = odd_state(channel.qubits());
        let error = distance(&superoperators::act(&state, &found, &operands), &apply(&channel, &state));
        // What is left out is below 1e-14 of the whole.
        assert!(error < 1e-13, "{}: off by {error:e}", row.name);
        assert!(found.len() <= channel.operators().len(), "{}: {} operators", row.name, found.len());
        let weight = |k: &Matrix| k.iter().map(|z| z.norm_sqr()).sum::<f64>();
        let largest = channel.operators().iter().map(weight).fold(0.0, f64::max);
        // No operator can be heavier than the eigenvector, which the power iteration comes close to.
        assert!(weight(&found[0]) > 0.9 * largest, "{}: {} of {largest}", row.name, weight(&found[0]));
    }
}

#[test]
fn kraus_operators_must_be_complete_and_of_one_shape() {
    let half = identity(2) * c(0.5f64.sqrt(), 0.0);
    assert!(Channel::kraus("halves", vec![half.clone(), half.clone()]).is_ok());
    assert!(matches!(Channel::kraus("half", vec![half.clone()]), Err(NoiseError::NotComplete { .. })));
    assert!(matches!(Channel::kraus("none", vec![]), Err(NoiseError::Shape { .. })));
    assert!(matches!(Channel::kraus("mixed", vec![half, identity(4)]), Err(NoiseError::Shape { index: 1, .. })));
    assert!(Channel::kraus("nan", vec![identity(2) * c(f64::NAN, 0.0)]).is_err());
}
