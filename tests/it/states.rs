//! Functions of states, and second derivatives, against Qiskit, PennyLane and torch (tests/reference/states.py).

use ndarray::{Array1, Array2, ArrayView1, array, s};
use qgraft::circuit::{Circuit, Gate};
use qgraft::math::matrix::{C64, dagger, distance};
use qgraft::math::singular::singular_values;
use qgraft::math::{Matrix, Stream};
use qgraft::noise::Program;
use qgraft::sim::information::{
    meyer_wallach, mutual_information, renyi2_entropy, state_fidelity, trace_distance, von_neumann_entropy,
};
use qgraft::sim::{
    AngleGradient, Angles, Density, Hessian, Pauli, SimError, Simulator, Statevector, fisher, sample, state,
};
use serde_json::Value;

use crate::support::cases::{complex, numbers, observables, program, square};

/// Two programs' rounding over some dozen gates or one eigenvalue problem.
const TOLERANCE: f64 = 1e-10;

fn cases(kind: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("../reference/states.json")).unwrap();
    all[kind].as_array().unwrap().clone()
}

fn close(found: f64, expected: &Value, what: &str) {
    let expected = expected.as_f64().unwrap();
    assert!((found - expected).abs() < TOLERANCE, "{what}: {found}, not {expected}");
}

#[test]
fn entropies_and_distances_of_qiskit() {
    for (number, case) in cases("pairs").iter().enumerate() {
        let (rho, sigma) = (square(&case["rho"]), square(&case["sigma"]));
        let found = [
            ("von_neumann", von_neumann_entropy(rho.view())),
            ("renyi2", renyi2_entropy(rho.view())),
            ("mutual_0_1", mutual_information(rho.view(), &[0], &[1]).unwrap()),
            ("mutual_01_2", mutual_information(rho.view(), &[1, 0], &[2]).unwrap()),
            ("fidelity", state_fidelity(rho.view(), sigma.view())),
            ("fidelity", state_fidelity(sigma.view(), rho.view())),
            ("trace_distance", trace_distance(rho.view(), sigma.view())),
        ];
        for (key, value) in found {
            close(value, &case[key], &format!("{key} of pair {number}"));
        }
        let kept = state::partial_trace(rho.view(), &[2, 0]).unwrap();
        assert!(distance(&kept, &square(&case["kept_2_0"])) < TOLERANCE);
        assert!((state_fidelity(rho.view(), rho.view()) - 1.0).abs() < TOLERANCE);
        assert!(trace_distance(rho.view(), rho.view()) < TOLERANCE);
    }
}

#[test]
fn entanglement_and_marginals_of_qiskit() {
    for case in cases("pure") {
        let psi = Array1::from(complex(&case["state"]));
        close(meyer_wallach(psi.view()), &case["meyer_wallach"], "Meyer-Wallach");
        let p = psi.mapv(|z| z.norm_sqr());
        let kept = state::marginal(p.view(), &[2, 0]).unwrap();
        for (outcome, expected) in case["marginal_2_0"].as_array().unwrap().iter().enumerate() {
            close(kept[outcome], expected, "marginal");
        }
        // The ways to a part of a pure state agree.
        let rho = state::projector(psi.view());
        for keep in [&[][..], &[1], &[2, 0], &[0, 1, 2], &[2, 0, 1]] {
            let traced = state::partial_trace(rho.view(), keep).unwrap();
            assert!(distance(&traced, &state::reduced(psi.view(), keep).unwrap()) < TOLERANCE, "{keep:?}");
            let diagonal = state::marginal(p.view(), keep).unwrap();
            assert!(diagonal.iter().zip(traced.diag()).all(|(p, z)| (p - z.re).abs() < TOLERANCE), "{keep:?}");
        }
        let turned = state::reordered(psi.view(), &[2, 0, 1]).unwrap();
        let whole = state::reduced(psi.view(), &[2, 0, 1]).unwrap();
        assert!(distance(&state::projector(turned.view()), &whole) < TOLERANCE);
    }
    for keep in [&[3][..], &[0, 0]] {
        let p = Array1::zeros(8);
        assert!(matches!(state::marginal(p.view(), keep), Err(SimError::BadQubit { qubits: 3, .. })), "{keep:?}");
    }
    assert!(state::reordered(Array1::zeros(8).view(), &[0, 1]).is_err(), "an order lists all qubits");
}

#[test]
fn singular_values_rebuild_the_matrix() {
    let mut stream = Stream::named(1, "singular values");
    for size in [1, 2, 5, 16] {
        for rank in [1, size] {
            let mut random = |rows, columns| {
                Array2::from_shape_simple_fn((rows, columns), || C64::new(stream.normal(), stream.normal()))
            };
            let m: Matrix = random(size, rank).dot(&random(rank, size));
            let (values, vectors) = singular_values(&m);
            assert!(distance(&dagger(&vectors).dot(&vectors), &Matrix::eye(size)) < 1e-13, "orthonormal, size {size}");
            // M†M has the squares as eigenvalues: numbers up to 4·16³ with rounding of a few units.
            let squares = Matrix::from_diag(&values.iter().map(|v| C64::from(v * v)).collect::<Array1<C64>>());
            let rebuilt = vectors.dot(&squares).dot(&dagger(&vectors));
            assert!(distance(&rebuilt, &dagger(&m).dot(&m)) < 1e-11, "size {size}, rank {rank}");
            let null = values.iter().filter(|v| **v < 1e-12).count();
            assert_eq!(null, size - rank, "size {size}, rank {rank}: {values:?}");
        }
    }
}

/// A case of one row whose angles are split at `split`: some by row, the rest shared.
fn on_split(case: &Value, split: usize, check: impl Fn(&Program, Angles, ArrayView1<f64>)) {
    let program = program(case);
    let (values, direction) = (Array1::from(numbers(&case["angles"])), Array1::from(numbers(&case["direction"])));
    let inputs = values.slice(s![..split]).insert_axis(ndarray::Axis(0));
    check(&program, Angles { inputs, weights: values.slice(s![split..]) }, direction.view());
}

#[test]
fn variances_of_pennylane() {
    for case in cases("curvature") {
        on_split(&case, 0, |program, angles, _| {
            for engine in [&Statevector::default() as &dyn Simulator, &Density::default()] {
                let found = sample::variance(engine, program, angles, &observables(&case)).unwrap();
                close(found[[0, 0]], &case["variance"], &engine.name());
                let value = engine.expect(program, angles, &observables(&case)).unwrap();
                close(value[[0, 0]], &case["value"], &engine.name());
            }
        });
    }
}

#[test]
fn hessian_vector_products_of_torch() {
    // A difference of step h errs by about h² times the fourth derivative; rounding 1e-16 / h is below that.
    let ways = [(Hessian::Shift, TOLERANCE), (Hessian::Difference { step: 1e-4 }, 1e-6)];
    for case in cases("curvature") {
        let expected = numbers(&case["hessian_vector"]);
        for split in [0, 4, 10] {
            on_split(&case, split, |program, angles, direction| {
                let direction = AngleGradient {
                    inputs: direction.slice(s![..split]).insert_axis(ndarray::Axis(0)).to_owned(),
                    weights: direction.slice(s![split..]).to_owned(),
                };
                for engine in [&Statevector::default() as &dyn Simulator, &Pauli::default()] {
                    for (way, tolerance) in ways {
                        let cotangent = array![[1.0]];
                        let (observables, cotangent) = (observables(&case), cotangent.view());
                        let found = way.vector(engine, program, angles, &observables, cotangent, &direction).unwrap();
                        for (slot, value) in found.inputs.iter().chain(&found.weights).enumerate() {
                            let context = format!("{} {way:?} split {split} slot {slot}", engine.name());
                            let expected = expected[slot];
                            assert!((value - expected).abs() < tolerance, "{context}: {value}, not {expected}");
                        }
                    }
                }
            });
        }
    }
}

#[test]
fn a_batch_s_products_are_those_of_its_rows() {
    let case = &cases("curvature")[0];
    let program = program(case);
    let mut stream = Stream::named(3, "batch");
    let mut random = |rows, columns| Array2::from_shape_simple_fn((rows, columns), || stream.normal());
    let (inputs, weights, along) = (random(3, 4), random(1, 6), random(3, 4));
    let direction = AngleGradient { inputs: along, weights: random(1, 6).row(0).to_owned() };
    let cotangent = random(3, 1);
    let (engine, observables) = (Statevector::default(), observables(case));
    let product = |from: usize, to: usize| {
        let angles = Angles { inputs: inputs.slice(s![from..to, ..]), weights: weights.row(0) };
        let direction = AngleGradient {
            inputs: direction.inputs.slice(s![from..to, ..]).to_owned(),
            weights: direction.weights.clone(),
        };
        let cotangent = cotangent.slice(s![from..to, ..]);
        Hessian::Shift.vector(&engine, &program, angles, &observables, cotangent, &direction).unwrap()
    };
    let whole = product(0, 3);
    let parts: Vec<AngleGradient> = (0..3).map(|row| product(row, row + 1)).collect();
    for (row, part) in parts.iter().enumerate() {
        assert!((&whole.inputs.row(row) - &part.inputs.row(0)).iter().all(|d| d.abs() < TOLERANCE), "row {row}");
    }
    let sum = parts.iter().fold(Array1::<f64>::zeros(6), |sum, part| sum + &part.weights);
    assert!((&whole.weights - &sum).iter().all(|d| d.abs() < TOLERANCE), "weight slots sum over rows");
}

#[test]
fn quantum_fisher_information_of_torch() {
    for case in cases("curvature") {
        let (program, angles) = (program(&case), numbers(&case["angles"]));
        let expected: Vec<Vec<f64>> = case["fisher"].as_array().unwrap().iter().map(numbers).collect();
        let slots: Vec<usize> = (0..angles.len()).collect();
        let whole = fisher::quantum_fisher(&program, &angles, &slots).unwrap();
        let diagonal = fisher::quantum_fisher_diagonal(&program, &angles).unwrap();
        let block = fisher::quantum_fisher(&program, &angles, &[7, 2]).unwrap();
        for (i, row) in expected.iter().enumerate() {
            for (j, value) in row.iter().enumerate() {
                assert!((whole[[i, j]] - value).abs() < TOLERANCE, "{i} {j}: {}, not {value}", whole[[i, j]]);
            }
            assert!((diagonal[i] - row[i]).abs() < TOLERANCE, "diagonal {i}");
        }
        assert!(
            (block[[0, 1]] - expected[7][2]).abs() < TOLERANCE && (block[[1, 1]] - expected[2][2]).abs() < TOLERANCE
        );
        // The step solves (F + damping) x = g.
        let gradient = Array1::from(numbers(&case["direction"]));
        let step = fisher::natural_gradient(whole.view(), gradient.view(), 0.1);
        let back = whole.dot(&step) + 0.1 * &step;
        assert!((back - gradient).iter().all(|d| d.abs() < TOLERANCE));
    }
}

#[test]
fn directions_that_do_not_move_the_state_are_left_out() {
    let mut circuit = Circuit::new(1);
    let (idle, turn) = (circuit.slot("idle"), circuit.slot("turn"));
    circuit.push(Gate::Rz, &[0], &[idle]).unwrap().push(Gate::Ry, &[0], &[turn]).unwrap();
    let program = Program::ideal(&circuit, &[]);
    let information = fisher::quantum_fisher(&program, &[0.3, 0.4], &[0, 1]).unwrap();
    let step = fisher::natural_gradient(information.view(), array![1.0, 0.5].view(), 0.0);
    assert!(step[0].abs() < TOLERANCE && (step[1] - 0.5).abs() < TOLERANCE, "{step}");
    assert_eq!(
        fisher::quantum_fisher(&program, &[0.3, 0.4], &[2]),
        Err(SimError::NoSlot { slot: 2, slots: 2 }),
        "there is no third slot"
    );
    let direction = AngleGradient { inputs: Array2::zeros((1, 0)), weights: Array1::zeros(1) };
    let (inputs, weights) = (Array2::zeros((1, 0)), array![0.3, 0.4]);
    let angles = Angles { inputs: inputs.view(), weights: weights.view() };
    let refused =
        Hessian::Shift.vector(&Statevector::default(), &program, angles, &[], Array2::zeros((1, 0)).view(), &direction);
    assert!(matches!(refused, Err(SimError::DirectionShape { .. })), "{refused:?}");
}
