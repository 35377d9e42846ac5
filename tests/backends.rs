//! Every engine against the slow twin, on random programs over the whole gate table and random channels.

#[path = "reference/twin.rs"]
mod twin;

use qgraft::sim::{Angles, Density, Pauli, Simulator, Statevector};
use twin::Kinds;

/// Accumulated rounding of some dozen small matrices in double precision.
const TOLERANCE: f64 = 1e-12;

fn engines(kinds: Kinds) -> Vec<Box<dyn Simulator>> {
    let mut engines: Vec<Box<dyn Simulator>> = vec![Box::new(Density::default())];
    if !kinds.dynamic {
        engines.push(Box::new(Pauli::default()));
    }
    if !kinds.dynamic && !kinds.noise {
        engines.push(Box::new(Statevector::default()));
    }
    engines
}

/// Expectation values and probabilities of some random programs of a kind against the twin's.
fn agrees(kinds: Kinds, seeds: std::ops::Range<u64>) {
    for seed in seeds {
        let qubits = 1 + seed as usize % 5;
        let (row_slots, shared_slots) = (2, 3);
        let program = twin::random_program(seed, qubits, 14, (row_slots, shared_slots), kinds);
        let observables = twin::observables(qubits);
        for batch in [0, 1, 9] {
            let (rows, shared) = twin::random_angles(seed, batch, row_slots, shared_slots);
            let angles = Angles { rows: rows.view(), shared: shared.view() };
            // The twin is slow: the first and the last row stand for all.
            let checked: Vec<usize> = (0..batch).filter(|row| row % 8 == 0).collect();
            let truth: Vec<_> = checked.iter().map(|&row| twin::run(&program, &angles.row(row))).collect();
            for engine in engines(kinds) {
                let context = format!("{} on seed {seed}, {qubits} qubits, batch {batch}", engine.name());
                let found = engine.expect(&program, angles, &observables).unwrap();
                assert_eq!(found.dim(), (batch, observables.len()), "{context}");
                let probabilities = engine.probabilities(&program, angles).unwrap();
                for (&row, branches) in checked.iter().zip(&truth) {
                    let rho = twin::density(branches);
                    for (o, observable) in observables.iter().enumerate() {
                        let error = (found[[row, o]] - twin::expect(&program, &rho, observable)).abs();
                        assert!(error < TOLERANCE, "{context}: {observable} off by {error:e}");
                    }
                    let outcomes = twin::probabilities(&program, branches);
                    assert_eq!(probabilities.ncols(), outcomes.len(), "{context}");
                    for (outcome, p) in outcomes.iter().enumerate() {
                        let error = (probabilities[[row, outcome]] - p).abs();
                        assert!(error < TOLERANCE, "{context}: outcome {outcome} off by {error:e}");
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
