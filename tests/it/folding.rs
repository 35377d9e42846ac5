//! Folding: factors, device models, measurements, limits.

use qgraft::circuit::{Circuit, Gate, Op, OpKind, Param, qasm};
use qgraft::device::{Device, Target, transpile};
use qgraft::noise::channel::depolarizing;
use qgraft::noise::model::NoiseModel;
use qgraft::noise::model::uniform::Uniform;
use qgraft::noise::{Program, Step};
use qgraft::sim::Density;
use qgraft::sim::mitigate::{Folding, fold};

use crate::mitigation::{ANGLES, assert_close, circuit, expect, observables};

#[test]
fn folding_reaches_the_nearest_factor_and_changes_nothing_without_noise() {
    let noise = Uniform::new(vec![depolarizing(0.01, 1).unwrap()], vec![depolarizing(0.02, 2).unwrap()], None).unwrap();
    let program = noise.apply(&circuit(), &[]);
    let quiet = |program: &Program| {
        let steps = program.steps.iter().filter(|step| matches!(step, Step::Gate(_))).cloned().collect();
        Program { steps, ..program.clone() }
    };
    let wanted = expect(&Density::default(), &quiet(&program), &observables());
    for folding in [Folding::Global, Folding::Local] {
        // Seven noisy gates: factors are 1 + 2k/7.
        for (scale, repeats) in [(1.0, 0), (1.1, 0), (1.5, 2), (2.0, 4), (3.0, 7), (4.0, 11), (5.0, 14)] {
            let (folded, reached) = fold(&program, scale, folding).unwrap();
            let what = format!("{folding:?} {scale}");
            assert_close(&[reached], &[1.0 + 2.0 * f64::from(repeats) / 7.0], 1e-12, &what);
            let noisy = |p: &Program| p.steps.iter().filter(|step| matches!(step, Step::Noise { .. })).count();
            assert_eq!(noisy(&folded), noisy(&program) + 2 * repeats as usize, "{what}");
            assert_close(&expect(&Density::default(), &quiet(&folded), &observables()), &wanted, 1e-12, &what);
        }
    }
}

/// What would run on the device: the circuit itself folded, with √X† as √X between frame changes, then the noise model.
#[test]
fn folding_programs_is_folding_circuits_under_a_device_model() {
    let device = Device::named("manila").unwrap();
    let bound = circuit().bind(&ANGLES).unwrap();
    let transpiled = transpile(&bound, &Target::of(&device), &Default::default()).unwrap();
    let inverse = |op: &Op| -> Vec<Op> {
        let turn = || Op::gate(Gate::Rz, &op.qubits, &[Param::Fixed(std::f64::consts::PI)]);
        match op.kind {
            OpKind::Gate { gate: Gate::Sx, .. } => vec![turn(), op.clone(), turn()],
            _ => vec![op.inverse().unwrap()],
        }
    };
    let ops = transpiled.circuit.ops();
    let back: Vec<Op> = ops.iter().rev().flat_map(&inverse).collect();
    let is_noisy = |op: &&Op| !matches!(op.kind, OpKind::Gate { gate: Gate::Rz, .. });
    let each = ops.iter().flat_map(|op| match is_noisy(&op) {
        true => [vec![op.clone()], inverse(op), vec![op.clone()]].concat(),
        false => vec![op.clone()],
    });
    let model = NoiseModel::named("aer").unwrap();
    let compile = |ops: Vec<Op>| {
        let mut circuit = Circuit::new(5);
        for op in ops {
            circuit.append(op).unwrap();
        }
        model.apply(&circuit, &device, &transpiled.final_layout).unwrap()
    };
    let program = compile(ops.to_vec());
    let relabelled: Vec<_> =
        observables().iter().map(|o| program.relabel(o, &transpiled.final_layout).unwrap()).collect();
    let cases = [(Folding::Global, [ops.to_vec(), back, ops.to_vec()].concat()), (Folding::Local, each.collect())];
    for (folding, ops) in cases {
        let (folded, reached) = fold(&program, 3.0, folding).unwrap();
        assert_eq!(reached, 3.0);
        let wanted = expect(&Density::default(), &compile(ops), &relabelled);
        assert_close(&expect(&Density::default(), &folded, &relabelled), &wanted, 1e-12, &format!("{folding:?}"));
    }
}

#[test]
fn a_measurement_waits_for_the_end_of_what_is_folded() {
    let noise = Uniform::new(vec![depolarizing(0.02, 1).unwrap()], vec![depolarizing(0.05, 2).unwrap()], None).unwrap();
    let program = |text: &str| {
        let text =
            format!("OPENQASM 3.0; include \"stdgates.inc\"; qubit[3] q; bit[3] c; h q[0]; cx q[0], q[1]; {text}");
        noise.apply(&qasm::read(&text, &qasm::ReadOptions::default()).unwrap(), &[])
    };
    // A transpiler writes what is measured as soon as it is done with.
    let early = program("c[0] = measure q[0]; cx q[1], q[2]; c[1] = measure q[1]; rx(0.3) q[2]; c[2] = measure q[2];");
    let late = program("cx q[1], q[2]; rx(0.3) q[2]; c = measure q;");
    for folding in [Folding::Global, Folding::Local] {
        let [(early, reached), (late, _)] = [&early, &late].map(|program| fold(program, 3.0, folding).unwrap());
        assert_eq!((reached, early.steps), (3.0, late.steps));
    }
    for (after, part) in [
        ("c[0] = measure q[0]; x q[0];", "x behind a measurement"),
        ("c[0] = measure q[0]; if (c[0]) x q[1];", "x behind a measurement"),
    ] {
        let error = fold(&program(after), 3.0, Folding::Global).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn folding_stops_before_it_fills_the_memory() {
    let mut circuit = Circuit::new(1);
    circuit.push(Gate::X, &[0], &[]).unwrap();
    let program = Program::compile(&circuit, &[], |_| vec![(depolarizing(0.01, 1).unwrap(), vec![0])], |_| None);
    for folding in [Folding::Global, Folding::Local] {
        let error = fold(&program, 1e9, folding).unwrap_err().to_string();
        assert!(error.contains("1000000000") && error.contains("at most 1000000"), "{error}");
        assert_eq!(fold(&program, 1001.0, folding).unwrap().1, 1001.0);
    }
}
