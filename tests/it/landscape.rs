//! Gradients, reach and entanglement against values that can be computed by hand; three-way hold-out.

use std::f64::consts::TAU;
use std::sync::Arc;

use approx::assert_abs_diff_eq;
use ndarray::{Array1, Array2, ArrayView1};
use qgraft::circuit::ansatz::{ANSATZE, AnsatzRow, Encoding};
use qgraft::circuit::{Ansatz, Circuit, Gate};
use qgraft::data::{DataError, HoldOut, Part, Samples, Synthetic, TestRows};
use qgraft::math::{C64, Stream};
use qgraft::noise::Program;
use qgraft::sim::{Angles, Execution, Statevector, state};
use qgraft::study::landscape::{COSTS, STARTS, decay, gradients, meyer_wallach, reach};

/// RY(w) on each of `qubits` qubits.
fn rotations(qubits: usize) -> Ansatz {
    let mut circuit = Circuit::new(qubits);
    for qubit in 0..qubits {
        let angle = circuit.slot(format!("w{qubit}"));
        circuit.push(Gate::Ry, &[qubit], &[angle]).unwrap();
    }
    Ansatz { circuit, inputs: 0, encoding: Encoding::Direct, observables: Vec::new() }
}

/// Of uniform weights: a local cost changes by sin(w)/2n, so the variance is 1/8n². A global one changes by sin(w)/2
/// times the probability cos²(w/2) of each other qubit, whose mean square is 3/8: 1/8 · (3/8)^(n-1). The cost of one qubit has one
/// slope.
#[test]
fn variances_of_product_circuits_are_known() {
    for (cost, expected) in [
        ("local", (|n| 0.125 / (n * n) as f64) as fn(usize) -> f64),
        ("global", |n| 0.125 * 0.375f64.powi(n as i32 - 1)),
        // One weight of n, by sin(w)/2.
        ("middle", |n| 0.125 / n as f64),
    ] {
        let row = COSTS.iter().find(|row| row.name == cost).unwrap();
        for qubits in 1..=3 {
            let mut ansatz = rotations(qubits);
            ansatz.observables = vec![(row.observable)(qubits)];
            let weights = STARTS[0].weights(&ansatz, 1, 20_000, 3);
            let run = Execution::ideal(&ansatz, Arc::new(Statevector::default())).unwrap();
            let found = gradients(&run, 0, &weights, 1).unwrap();
            // 20,000 draws estimate a variance to 1 to 2 %.
            let expected = expected(qubits);
            assert!((found.variance / expected - 1.0).abs() < 0.05, "{cost} on {qubits}: {found:?} against {expected}");
            if cost == "middle" {
                // The mean of |sin w| / 2 is 1/π, whatever the number of qubits.
                assert_abs_diff_eq!(found.norm, std::f64::consts::FRAC_1_PI, epsilon = 0.01);
            }
        }
    }
}

#[test]
fn identity_blocks_start_as_the_encoding_alone() {
    let start = STARTS.iter().find(|row| row.name == "identity_blocks").unwrap();
    for family in ANSATZE.iter().filter(|row| row.name != "reuploading") {
        for depth in [1, 2, 5] {
            let (whole, encoding) = (start.circuit(family, 3, depth).unwrap(), family.build(3, 0, true).unwrap());
            let inputs: Vec<f64> = (0..whole.inputs).map(|k| 0.3 + 0.2 * k as f64).collect();
            let weights = start.weights(&whole, depth, 1, 5);
            let angles: Vec<f64> = inputs.iter().chain(weights.row(0)).copied().collect();
            let run = |ansatz: &Ansatz, angles: &[f64]| {
                state::statevector(&Program::ideal(&ansatz.circuit, &[0, 1, 2]), angles).unwrap()
            };
            let overlap = state::overlap(run(&whole, &angles).view(), run(&encoding, &inputs).view());
            // Rounding of some hundred gates.
            assert_abs_diff_eq!(overlap, 1.0, epsilon = 1e-12);
        }
    }
}

#[test]
fn entanglement_of_known_states() {
    let state = |amplitudes: &[f64]| {
        let norm = amplitudes.iter().map(|a| a * a).sum::<f64>().sqrt();
        amplitudes.iter().map(|a| C64::new(a / norm, 0.0)).collect::<Array1<C64>>()
    };
    for (name, amplitudes, expected) in [
        ("product", &[1.0, 2.0, 2.0, 4.0][..], 0.0),
        ("Bell", &[1.0, 0.0, 0.0, 1.0], 1.0),
        ("GHZ", &[1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0], 1.0),
        // Meyer & Wallach 2002: 8/9 for the W state of three qubits.
        ("W", &[0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0], 8.0 / 9.0),
    ] {
        let found = meyer_wallach(state(amplitudes).view());
        assert!((found - expected).abs() < 1e-14, "{name}: {found}");
    }
}

/// A phase on |0⟩ never leaves it: all fidelities are 1, in the last of 75 bins, which one qubit's Haar-random states
/// reach with probability 1/75 (Sim et al. 2019: the idle circuit, ln 75 = 4.32).
#[test]
fn an_idle_circuit_reaches_nothing() {
    let mut circuit = Circuit::new(1);
    let angle = circuit.slot("w");
    circuit.push(Gate::Rz, &[0], &[angle]).unwrap();
    let found =
        reach(&Ansatz { circuit, inputs: 0, encoding: Encoding::Direct, observables: Vec::new() }, 100, 0).unwrap();
    assert_abs_diff_eq!(found.expressibility.unwrap(), 75f64.ln(), epsilon = 1e-9);
    assert_abs_diff_eq!(found.quantile_expressibility, 75f64.ln(), epsilon = 1e-9);
    assert_abs_diff_eq!(found.entangling, 0.0, epsilon = 1e-12);
    // Rotations about two axes reach the sphere nearly evenly: below 0.1 in Sim et al., Fig. 1, circuit C.
    let dressed = ANSATZE[0].build(1, 1, true).unwrap();
    let found = reach(&dressed, 5000, 0).unwrap();
    assert!(found.expressibility.unwrap() < 0.1 && found.quantile_expressibility < 0.1, "{found:?}");
}

/// Bins of one width tell nothing from 11 qubits on; those that Haar-random states fill evenly do. Deep circuits have the
/// divergence that chance alone gives, 74 / (2 · pairs) on average; products of rotations have nearly the largest.
#[test]
fn quantiles_tell_wide_circuits_apart() {
    let pairs = 200;
    let by_chance = 74.0 / (2.0 * pairs as f64);
    for qubits in [6, 11] {
        let deep = AnsatzRow::named("strongly_entangling").unwrap().build(qubits, 8, true).unwrap();
        let deep = reach(&deep, pairs, 1).unwrap();
        let product = reach(&rotations(qubits), pairs, 1).unwrap();
        // The deviation of the divergence by chance is sqrt(2 · 74) / (2 · pairs), a sixth of its mean.
        assert!(deep.quantile_expressibility < 1.7 * by_chance, "{qubits}: {deep:?}");
        assert!(product.quantile_expressibility > 1.0, "{qubits}: {product:?}");
        assert_eq!(deep.expressibility.is_some(), qubits <= 10, "{qubits}");
    }
}

/// Wide states are matrix products, here beside vectors of the same weights.
#[test]
fn reach_of_wide_circuits_is_that_of_their_vectors() {
    let (qubits, pairs, seed) = (17, 3, 5);
    for row in [AnsatzRow::named("mari").unwrap(), AnsatzRow::named("dressed").unwrap()] {
        let ansatz = row.build(qubits, 2, true).unwrap();
        let found = reach(&ansatz, pairs, seed).unwrap();
        let mut stream = Stream::named(seed, "reach");
        let rows = Array2::from_shape_simple_fn((2 * pairs, ansatz.circuit.slots()), || stream.uniform());
        let mut rows = rows * TAU;
        rows.slice_mut(ndarray::s![.., ..ansatz.inputs]).fill(0.0);
        let program = Program::ideal(&ansatz.circuit, &(0..qubits).collect::<Vec<_>>());
        let angles = Angles { inputs: rows.view(), weights: ArrayView1::from(&[]) };
        let states = Statevector::default().states(&program, angles).unwrap();
        let measure = states.rows().into_iter().map(meyer_wallach).sum::<f64>() / (2 * pairs) as f64;
        // Rounding of some hundred splits.
        assert_abs_diff_eq!(found.entangling, measure, epsilon = 1e-10);
    }
}

#[test]
fn a_fitted_decay_is_that_of_the_points() {
    let points: Vec<(f64, f64)> = (2..8).map(|n| (n as f64, 3.0 * (-0.7 * n as f64).exp())).collect();
    let (rate, intercept) = decay(&points).unwrap();
    assert_abs_diff_eq!(rate, 0.7, epsilon = 1e-12);
    assert_abs_diff_eq!(intercept, 3f64.ln(), epsilon = 1e-12);
    assert_eq!(decay(&points[..1]), None);
}

fn samples(groups: Vec<usize>) -> Samples {
    let shape = Synthetic { training: 90, held_out: 30, classes: 3, separation: 1.0, seed: 0 };
    Samples { groups, ..shape.features("any", 4).samples }
}

#[test]
fn a_hold_out_keeps_classes_in_proportion_and_groups_together() {
    // Rows take the three classes in turn; a group is four rows of one class.
    let one_class: Vec<usize> = (0..120).map(|row| row % 3 + 3 * (row / 12)).collect();
    for (name, groups) in [("single rows", Vec::new()), ("groups of four", one_class)] {
        let mut cuts = Vec::new();
        for seed in 0..5 {
            let mut cut = samples(groups.clone());
            HoldOut { validation: 0.25, test: TestRows::Share(0.2), seed }.apply(&mut cut).unwrap();
            assert_eq!(cut.count(Part::Test), [8; 3], "{name}: a fifth of 40 each");
            assert_eq!(cut.count(Part::Validation), [8; 3], "{name}: a quarter of the other 32");
            for (i, j) in (0..120).flat_map(|i| (0..i).map(move |j| (i, j))).filter(|_| !groups.is_empty()) {
                assert!(groups[i] != groups[j] || cut.parts[i] == cut.parts[j], "a group in two parts");
            }
            cuts.push(cut.parts);
        }
        assert!(cuts[1..].iter().all(|cut| *cut != cuts[0]), "{name}: every seed cuts anew");
    }
}

#[test]
fn folds_test_every_row_once_with_classes_in_proportion_and_groups_together() {
    let one_class: Vec<usize> = (0..120).map(|row| row % 3 + 3 * (row / 12)).collect();
    for (name, groups, folds) in [("single rows", Vec::new(), 5), ("groups of four", one_class, 5)] {
        let mut tested = vec![0; 120];
        for fold in 0..folds {
            let mut cut = samples(groups.clone());
            HoldOut { validation: 0.25, test: TestRows::Fold { folds, fold }, seed: 3 }.apply(&mut cut).unwrap();
            assert_eq!(cut.count(Part::Test), [8; 3], "{name}, fold {fold}: a fifth of 40 each");
            cut.of(Part::Test).into_iter().for_each(|row| tested[row] += 1);
            for (i, j) in (0..120).flat_map(|i| (0..i).map(move |j| (i, j))).filter(|_| !groups.is_empty()) {
                assert!(groups[i] != groups[j] || cut.parts[i] == cut.parts[j], "a group in two parts");
            }
        }
        assert_eq!(tested, [1; 120], "{name}");
    }
    let mut few = samples(Vec::new()).select(&[0, 1, 2, 3, 4, 5]);
    let error = HoldOut { validation: 0.5, test: TestRows::Fold { folds: 3, fold: 0 }, seed: 0 }.apply(&mut few);
    assert!(error.unwrap_err().to_string().contains("2"), "two rows of each class for three folds");
}

#[test]
fn rows_that_the_data_holds_out_are_the_test_rows_of_every_seed() {
    for seed in 0..3 {
        let mut cut = samples(Vec::new());
        HoldOut { validation: 0.2, test: TestRows::Marked, seed }.apply(&mut cut).unwrap();
        assert_eq!(cut.of(Part::Test), (90..120).collect::<Vec<_>>());
        assert_eq!(cut.count(Part::Validation), [6; 3]);
    }
    let mut one_group = samples(vec![7; 120]);
    let error = HoldOut { validation: 0.2, test: TestRows::Share(0.2), seed: 0 }.apply(&mut one_group).unwrap_err();
    assert!(matches!(error, DataError::ClassTooSmall { .. }), "{error}");
    Synthetic { training: 4, held_out: 2, classes: 2, separation: 1.0, seed: 0 }.features("any", 3);
}
