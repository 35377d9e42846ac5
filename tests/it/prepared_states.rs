//! States from amplitudes, and derivatives of probabilities.

use ndarray::{Array2, ArrayView1};
use num_complex::Complex64;
use qgraft::circuit::{Circuit, Gate};
use qgraft::math::random::Stream;
use qgraft::noise::Program;
use qgraft::sim::{Angles, CompileOptions, Condition, ObservedCircuit, Outcomes, compile, state};

/// Rounding of the angles of some hundred rotations.
const ROUNDING: f64 = 1e-12;

fn random(count: usize, draws: &mut Stream) -> Vec<Complex64> {
    (0..1 << count).map(|_| Complex64::new(draws.normal(), draws.normal())).collect()
}

#[test]
fn gates_prepare_the_state_of_their_amplitudes() {
    let mut draws = Stream::named(1, "amplitudes");
    let c = Complex64::new;
    let mut states: Vec<Vec<Complex64>> = (1..=6).map(|count| random(count, &mut draws)).collect();
    for index in 0..8 {
        states.push((0..8).map(|k| if k == index { c(0.0, -2.0) } else { c(0.0, 0.0) }).collect());
    }
    // Real ones, ones with zeros among them, product states, and numbers whose squares leave the range of f64.
    states.push(vec![c(1.0, 0.0), c(-1.0, 0.0), c(0.0, 0.0), c(1.0, 0.0)]);
    states.push(vec![c(0.0, 0.0), c(1.0, 0.0), c(0.0, 1.0), c(0.0, 0.0)]);
    states.push(vec![c(1e-200, 0.0), c(0.0, 2e-200)]);
    states.push(vec![c(1e300, 0.0), c(0.0, -1e300)]);
    states.push(vec![c(1.0, 0.0); 16]);
    for amplitudes in states {
        let count = amplitudes.len().ilog2() as usize;
        let largest = amplitudes.iter().map(|a| a.norm()).fold(0.0, f64::max);
        let norm = amplitudes.iter().map(|a| (a / largest).norm_sqr()).sum::<f64>().sqrt();
        let mut circuit = Circuit::new(count);
        circuit.prepare(&amplitudes, &(0..count).collect::<Vec<_>>()).unwrap();
        assert!(circuit.ops().len() <= 4 << count, "{}", circuit.ops().len());
        let got = state::statevector(&Program::ideal(&circuit, &(0..count).collect::<Vec<_>>()), &[]).unwrap();
        for (k, (got, a)) in got.iter().zip(&amplitudes).enumerate() {
            let expected = a / largest / norm;
            assert!((got - expected).norm() < ROUNDING, "amplitude {k} of {amplitudes:?} is {got}, not {expected}");
        }
    }
    // A product state needs no gate on two qubits, and qubits come in any order.
    let mut circuit = Circuit::new(3);
    circuit.prepare(&[c(1.0, 0.0); 8], &[2, 0, 1]).unwrap();
    assert!(circuit.ops().iter().all(|op| op.qubits.len() == 1) && circuit.ops().len() == 3);
    let mut circuit = Circuit::new(3);
    circuit.prepare(&[c(0.0, 0.0), c(1.0, 0.0), c(0.0, 0.0), c(0.0, 0.0)], &[2, 0]).unwrap();
    let got = state::statevector(&Program::ideal(&circuit, &[0, 1, 2]), &[]).unwrap();
    assert!((got[4] - 1.0).norm() < ROUNDING, "{got}");
}

#[test]
fn what_is_no_state_is_refused() {
    let one = Complex64::new(1.0, 0.0);
    let nan = Complex64::new(f64::NAN, 0.0);
    for (amplitudes, qubits, part) in [
        (vec![one; 4], vec![0], "2 amplitudes"),
        (vec![one], vec![], "0 qubits"),
        (vec![one, nan], vec![0], "amplitude 1"),
        (vec![one * 0.0; 2], vec![0], "all amplitudes are 0"),
        (vec![one; 2], vec![7], "qubit 7"),
        (vec![one; 4], vec![1, 1], "twice"),
        (vec![one; 1 << 15], (0..15).collect(), "14"),
    ] {
        let mut circuit = Circuit::new(3);
        let error = circuit.prepare(&amplitudes, &qubits).map(drop).expect_err(part).to_string();
        assert!(error.contains(part) && circuit.ops().is_empty(), "{error}");
    }
}

/// Rotations with two slots on three qubits; measured in another order where `bits` says so.
fn circuit(bits: &[(usize, usize)], width: usize) -> Circuit {
    let mut circuit = Circuit::with_bits(3, width);
    let (a, b) = (circuit.slot("a"), circuit.slot("b"));
    circuit.push(Gate::Ry, &[0], &[a]).unwrap().push(Gate::Cx, &[0, 1], &[]).unwrap();
    circuit.push(Gate::Rx, &[1], &[b * 2.0 + 0.3]).unwrap().push(Gate::Cx, &[1, 2], &[]).unwrap();
    circuit.push(Gate::Ry, &[2], &[a]).unwrap();
    for &(qubit, bit) in bits {
        circuit.measure(qubit, bit).unwrap();
    }
    circuit
}

#[test]
fn derivatives_of_probabilities_are_those_of_differences_with_readout_error() {
    let rows = Array2::from_shape_fn((3, 2), |(row, slot)| 0.4 * row as f64 - 0.7 * slot as f64 + 0.2);
    let none = || ArrayView1::from(&[]);
    for (bits, width) in [(vec![], 0), (vec![(0, 0), (1, 1), (2, 2)], 3), (vec![(2, 0), (0, 3)], 4)] {
        for condition in ["", "aer", "aer-asym", "hardware"].map(|model| match model {
            "" => Condition::default(),
            model => Condition { model: model.into(), ..Condition::on_device("manila") },
        }) {
            let name = format!("{bits:?} {condition:?}");
            let observed = ObservedCircuit {
                circuit: circuit(&bits, width),
                inputs: 2,
                qubits: vec![0, 1, 2],
                observables: vec![],
            };
            let execution = compile(&observed, &condition, &CompileOptions::default(), 0).unwrap();
            let outcomes = Outcomes::of(&execution, &condition).unwrap();
            let probabilities = |rows: &Array2<f64>| {
                let whole = execution.prepared.probabilities(Angles { inputs: rows.view(), weights: none() }).unwrap();
                if !execution.bits.is_empty() {
                    return whole;
                }
                let marginals = whole.rows().into_iter().map(|row| state::marginal(row, &execution.positions).unwrap());
                let flat: Vec<f64> = marginals.flatten().collect();
                Array2::from_shape_vec((rows.nrows(), 8), flat).unwrap()
            };
            let angles = || Angles { inputs: rows.view(), weights: none() };
            let (values, slopes) = outcomes.value_and_jacobian(angles()).unwrap();
            let expected = probabilities(&rows);
            assert!((&values - &expected).iter().all(|off| off.abs() < ROUNDING), "{name}: {values} {expected}");
            let cotangent = Array2::from_shape_fn(values.dim(), |(row, x)| (row as f64 - 1.3 * x as f64).sin());
            let (_, gradient) = outcomes.value_and_gradient(angles(), cotangent.view()).unwrap();
            for slot in 0..2 {
                let step = 1e-5;
                let moved = |sign: f64| {
                    let mut rows = rows.clone();
                    rows.column_mut(slot).mapv_inplace(|angle| angle + sign * step);
                    probabilities(&rows)
                };
                let difference = (moved(1.0) - moved(-1.0)) / (2.0 * step);
                for ((row, x), slope) in difference.indexed_iter() {
                    // Truncation of the central difference is of the order of the squared step.
                    assert!((slopes[(row, x, slot)] - slope).abs() < 1e-8, "{name}: {row} {x} {slot}");
                }
                for row in 0..3 {
                    let weighted: f64 = (0..values.ncols()).map(|x| cotangent[(row, x)] * slopes[(row, x, slot)]).sum();
                    assert!((gradient.inputs[(row, slot)] - weighted).abs() < ROUNDING, "{name}: {row} {slot}");
                }
            }
        }
    }
}

#[test]
fn probabilities_without_derivatives_are_refused() {
    let outcomes = |circuit: Circuit, condition: &Condition| {
        let qubits = (0..circuit.qubits()).collect();
        let observed = ObservedCircuit { circuit, inputs: 0, qubits, observables: vec![] };
        let execution = compile(&observed, condition, &CompileOptions::default(), 0).unwrap();
        Outcomes::of(&execution, condition).map(drop).map_err(|error| error.to_string())
    };
    let measured = circuit(&[(0, 0)], 1);
    let mut early = measured.clone();
    early.push(Gate::X, &[0], &[]).unwrap().measure(0, 0).unwrap();
    assert!(outcomes(early, &Condition::default()).unwrap_err().contains("measure of qubit 0"));
    let sampled = Condition { shots: Some(10), ..Condition::default() };
    assert!(outcomes(measured, &sampled).unwrap_err().contains("10 shots"));
    assert!(outcomes(Circuit::new(13), &Condition::default()).unwrap_err().contains("at most 12 qubits"));
}
