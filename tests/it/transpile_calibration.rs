//! Transpilation by what is calibrated: native rotations, unknown errors, the readout of what is read.

use qgraft::circuit::ansatz::AnsatzRow;
use qgraft::circuit::{self, Circuit, Gate, Observable, Op, OpKind, Param};
use qgraft::device::transpile::{LayoutMethod, TranspileError, TranspileOptions, TranspiledCircuit, transpile};
use qgraft::device::{Device, Edge, Target};
use qgraft::sim::{CompileOptions, Condition, Executions, ObservedCircuit, compile};

use crate::support::equivalence::assert_equivalent;
use crate::transpile::{assert_right, fractional, level, line};

/// The two-qubit gates of a circuit, by name.
fn entanglers(circuit: &Circuit) -> Vec<&'static str> {
    let pair = |op: &&Op| op.qubits.len() == 2 && !matches!(op.kind, OpKind::Barrier);
    let name = |op: &Op| if let OpKind::Gate { gate, .. } = op.kind { gate.name() } else { "no gate" };
    circuit.ops().iter().filter(pair).map(name).collect()
}

#[test]
fn interactions_along_one_axis_are_one_native_zz_rotation_of_an_allowed_angle() {
    let target = fractional(3, &[(0, 1), (1, 2)]);
    let onto = |l| TranspileOptions { layout: LayoutMethod::Trivial, ..level(l) };
    let fifths = (-12..=12).map(|k| 0.2 * f64::from(k) * std::f64::consts::PI);
    for angle in fifths.chain([0.3, -0.3, 3.0, -3.0, 1e-5]) {
        for gate in [Gate::Rzz, Gate::Rxx, Gate::Ryy, Gate::Rzx, Gate::Cp, Gate::Crx, Gate::Cry, Gate::Crz] {
            for l in 0..4 {
                let what = format!("{}({angle}), level {l}", gate.name());
                let mut circuit = Circuit::new(3);
                circuit.push(gate, &[0, 1], &[Param::Fixed(angle)]).unwrap();
                let transpiled = assert_right(&circuit, &target, &onto(l), &what);
                assert!(transpiled.two_qubit_gates <= 1, "{what}: {:?}", entanglers(&transpiled.circuit));
                // The link without rotations takes two CZ.
                let mut circuit = Circuit::new(3);
                circuit.push(gate, &[1, 2], &[Param::Fixed(angle)]).unwrap();
                let transpiled = assert_right(&circuit, &target, &onto(l), &what);
                assert!(transpiled.two_qubit_gates <= 2, "{what}: {:?}", entanglers(&transpiled.circuit));
            }
        }
    }
    let mut slot = Circuit::new(2);
    let open = slot.slot("a");
    slot.push(Gate::Rzz, &[0, 1], &[open]).unwrap();
    let transpiled = transpile(&slot, &target, &onto(3)).unwrap();
    assert_eq!(entanglers(&transpiled.circuit), ["cz", "cz"], "an open angle could leave the allowed range");
}

#[test]
fn zz_rotations_of_one_pair_add_up_and_rotations_about_x_take_one_pulse() {
    let target = fractional(4, &[(0, 1), (1, 2), (2, 3)]);
    let mut twice = Circuit::new(2);
    twice.push(Gate::Rzz, &[0, 1], &[Param::Fixed(0.5)]).unwrap().push(Gate::X, &[0], &[]).unwrap();
    twice.push(Gate::Rzz, &[0, 1], &[Param::Fixed(-0.2)]).unwrap();
    for l in 1..4 {
        let transpiled = assert_right(&twice, &target, &level(l), "0.5 and -0.2 behind an X");
        assert_eq!(entanglers(&transpiled.circuit), ["rzz"], "level {l}: 0.7 in all");
    }
    let mut turns = Circuit::new(1);
    let open = turns.slot("a");
    turns.push(Gate::Rx, &[0], &[Param::Fixed(0.4)]).unwrap();
    assert_eq!(transpile(&turns, &target, &level(2)).unwrap().pulses, 1);
    turns.push(Gate::Ry, &[0], &[open]).unwrap();
    let transpiled = transpile(&turns, &target, &level(2)).unwrap();
    assert_eq!(transpiled.pulses, 2, "rx(0.4), then ry(a) as one rx between frame changes");
    for angle in [0.0, 0.9, -2.5] {
        let bound = TranspiledCircuit { circuit: transpiled.circuit.bind(&[angle]).unwrap(), ..transpiled.clone() };
        assert_equivalent(&turns.bind(&[angle]).unwrap(), &bound, "an open angle about y");
    }
}

#[test]
fn a_condition_may_name_a_bit_twice() {
    let mut circuit = Circuit::with_bits(3, 2);
    circuit.push(Gate::H, &[0], &[]).unwrap().append(Op::of(OpKind::Measure { bit: 0 }, &[0])).unwrap();
    for (bits, value) in [(vec![0, 0], 3), (vec![0, 0], 1), (vec![0, 1, 0], 5)] {
        let condition = Some(circuit::Condition { bits, value });
        circuit.append(Op { condition, ..Op::gate(Gate::Cx, &[0, 2], &[]) }).unwrap();
    }
    for l in 0..4 {
        assert_right(&circuit, &line(4), &level(l), &format!("level {l}"));
    }
}

#[test]
fn what_is_unknown_counts_as_the_median_and_is_named() {
    let mut device = Device::named("manila").unwrap();
    for row in &mut device.calibration.gates {
        match (row.gate, &row.qubits[..]) {
            (Gate::Cx, [1, 2] | [2, 1]) => row.error = None,
            (Gate::Sx | Gate::X | Gate::Id, [3]) => row.error = None,
            _ => {}
        }
    }
    device.calibration.qubits[4].readout_error = None;
    let target = Target::of(&device);
    let known: Vec<f64> = target.edges.iter().filter(|e| [e.from, e.to] != [1, 2]).map(|e| e.error).collect();
    let edge = |from, to| target.edges.iter().find(|e| (e.from, e.to) == (from, to)).unwrap().error;
    // The errors of the other three couplers, each listed in both directions.
    let mut others = [edge(0, 1), edge(2, 3), edge(3, 4)];
    others.sort_by(f64::total_cmp);
    assert_eq!(edge(1, 2), others[1], "{known:?}");
    assert!(target.single_error[3] > 0.0, "the exact frame change does not stand for the pulse");
    assert!(target.readout_error[4] > 0.0);
    for what in ["cx(1, 2), cx(2, 1): gate error unknown", "qubit 3: error of one-qubit", "qubit 4: readout error"] {
        assert!(target.notices.iter().any(|notice| notice.starts_with(what)), "{what}: {:?}", target.notices);
    }
    let mut bell = Circuit::new(2);
    bell.push(Gate::H, &[0], &[]).unwrap().push(Gate::Cx, &[0, 1], &[]).unwrap();
    let mut ends = transpile(&bell, &target, &level(3)).unwrap().initial_layout;
    ends.sort_unstable();
    assert_ne!(ends, [1, 2], "the coupler of unknown error is not preferred");
}

#[test]
fn the_layout_weighs_the_readout_of_what_is_read() {
    let worst_but = |best: usize| (0..5).map(|q| if q == best { 0.001 } else { 0.1 }).collect::<Vec<f64>>();
    let mut pair = Circuit::new(2);
    pair.push(Gate::H, &[0], &[]).unwrap().push(Gate::Cx, &[0, 1], &[]).unwrap();
    for best in 0..5 {
        let equal = Target { readout_error: worst_but(best), single_error: vec![2e-4; 5], ..line(5) };
        let edges = equal.edges.iter().map(|edge| Edge { error: 0.005, ..*edge }).collect();
        let target = Target { edges, ..equal };
        for l in 1..4 {
            for read in 0..2 {
                let options = TranspileOptions { read: vec![read], ..level(l) };
                let transpiled = transpile(&pair, &target, &options).unwrap();
                assert_eq!(transpiled.final_layout[read], best, "level {l}, qubit {read} is read");
                let unread = transpile(&pair, &target, &level(l)).unwrap();
                assert!(transpiled.success < unread.success, "the readout counts");
            }
        }
    }
    let far = TranspileOptions { read: vec![2], ..level(3) };
    assert_eq!(transpile(&pair, &line(5), &far).unwrap_err(), TranspileError::Read { qubit: 2, available: 2 });
}

#[test]
fn compiling_tells_the_layout_what_the_observables_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut pair = Circuit::new(2);
    pair.push(Gate::H, &[0], &[]).unwrap().push(Gate::Cx, &[0, 1], &[]).unwrap();
    for best in [0, 4] {
        let mut device = Device::named("manila").unwrap();
        for (q, data) in device.calibration.qubits.iter_mut().enumerate() {
            data.readout_error = Some(if q == best { 0.001 } else { 0.2 });
        }
        let path = folder.path().join(format!("{best}.json"));
        std::fs::write(&path, device.to_json()).unwrap();
        let condition = Condition::on_device(path.to_str().unwrap());
        for read in 0..2 {
            let observables = vec![Observable::read_on(&format!("Z{read}"), &[0, 1]).unwrap()];
            let observed = ObservedCircuit { circuit: pair.clone(), inputs: 0, qubits: vec![0, 1], observables };
            let run = compile(&observed, &condition, &CompileOptions::default(), 0).unwrap();
            assert_eq!(run.transpiled.unwrap().final_layout[read], best, "qubit {read} is read");
        }
    }
}

/// A device that is given anew under its name is the one that runs from then on.
#[test]
fn a_device_given_anew_replaces_what_was_compiled_for_the_former() {
    let ansatz = AnsatzRow::named("dressed").unwrap().build(2, 1, true).unwrap();
    let (executions, condition) = (Executions::default(), Condition::on_device("mine"));
    let widths = ["manila", "guadalupe"].map(|name| {
        executions.add_device("mine", Device::named(name).unwrap().into());
        executions.compile(&(&ansatz).into(), &condition, 0).unwrap().transpiled.unwrap().circuit.qubits()
    });
    assert_eq!(widths, [5, 16]);
}
