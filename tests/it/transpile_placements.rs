//! Placements without swaps of circuits that take most of a large device.

use qgraft::circuit::{Circuit, Gate};
use qgraft::device::transpile::transpile;
use qgraft::device::{Device, Target};

use crate::transpile::level;

/// Chains that take most of what is in service of a large device, one or several: no swap at any level that looks for a
/// placement. Eleven of torino's links are out of service; paths there have at most 88 qubits.
#[test]
fn long_chains_take_no_swap() {
    for (name, chains) in [("torino", &[76][..]), ("fez", &[100]), ("sherbrooke", &[90]), ("torino", &[30, 2, 40])] {
        let target = Target::of(&Device::named(name).unwrap());
        let qubits = chains.iter().sum::<usize>() + 2;
        let mut circuit = Circuit::new(qubits);
        (0..qubits).for_each(|q| _ = circuit.push(Gate::Ry, &[q], &[(0.1 * (q + 1) as f64).into()]).unwrap());
        let mut first = 1;
        for length in chains {
            for half in [0, 1] {
                for q in (first + half..first + length - 1).step_by(2) {
                    circuit.push(Gate::Cx, &[q, q + 1], &[]).unwrap();
                }
            }
            first += length;
        }
        let wanted = qubits - 2 - chains.len();
        for number in 1..=3 {
            let found = transpile(&circuit, &target, &level(number)).unwrap();
            assert_eq!(found.two_qubit_gates, wanted, "{chains:?} on {name} at level {number}");
            assert_eq!(found.initial_layout, found.final_layout, "{chains:?} on {name} at level {number}");
        }
    }
}

/// Rings lie on cycles of the device. Cycles of heavy hexagons have 12, 20, 24, ... qubits.
#[test]
fn long_rings_take_no_swap() {
    for (name, length) in [("torino", 12), ("fez", 60), ("sherbrooke", 68)] {
        let target = Target::of(&Device::named(name).unwrap());
        let mut circuit = Circuit::new(length);
        (0..length).for_each(|q| _ = circuit.push(Gate::Ry, &[q], &[(0.1 * (q + 1) as f64).into()]).unwrap());
        (0..length).for_each(|q| _ = circuit.push(Gate::Cx, &[q, (q + 1) % length], &[]).unwrap());
        for number in 1..=3 {
            let found = transpile(&circuit, &target, &level(number)).unwrap();
            assert_eq!(found.two_qubit_gates, length, "{name} at level {number}");
        }
    }
}
