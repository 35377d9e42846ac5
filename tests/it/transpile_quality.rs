//! Two-qubit gates and success probability against Qiskit's level 3 on the same circuits and targets.

use std::time::Instant;

use qgraft::circuit::{Circuit, Condition, Gate, Op, OpKind, Param};
use qgraft::device::transpile::{TranspileOptions, TranspiledCircuit, transpile};

use crate::support::equivalence::{assert_equivalent, assert_native};
use crate::support::level_circuits;
use crate::support::transpile::{least, read};
use crate::transpile::{assert_right, level, line, target};

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn geometric_mean(ratios: &[f64]) -> f64 {
    (ratios.iter().map(|r| r.ln()).sum::<f64>() / ratios.len() as f64).exp()
}

#[test]
fn no_more_two_qubit_gates_and_no_less_success_than_qiskit() {
    let reference = read();
    let (mut gates, mut pulses, mut success, mut speed) = (vec![], vec![], vec![], vec![]);
    let mut table = String::new();
    for theirs in reference.qiskit {
        let target = reference.targets[&theirs.target].target();
        let circuit = reference.circuits[&theirs.circuit].circuit();
        let what = format!("{} on {}", theirs.circuit, theirs.target);
        let mut ours: Vec<(TranspiledCircuit, f64)> = Vec::new();
        for seed in 0..5 {
            let start = Instant::now();
            let transpiled =
                transpile(&circuit, &target, &TranspileOptions { seed, ..TranspileOptions::default() }).unwrap();
            ours.push((transpiled, 1e3 * start.elapsed().as_secs_f64()));
        }
        let of = |value: fn(&(TranspiledCircuit, f64)) -> f64| median(ours.iter().map(value).collect());
        let row = [
            (of(|(r, _)| r.two_qubit_gates as f64), median(theirs.two_qubit_gates)),
            (of(|(r, _)| r.pulses as f64), median(theirs.pulses)),
            (of(|(r, _)| r.success), median(theirs.success)),
            (least(ours.iter().map(|(_, ms)| *ms).collect()), least(theirs.milliseconds)),
        ];
        gates.push(row[0].0 / row[0].1);
        // Some circuits end with next to no pulses, so a ratio of theirs would mean little.
        pulses.push((row[1].0 + 10.0) / (row[1].1 + 10.0));
        success.push(row[2].0 / row[2].1);
        speed.push(row[3].1 / row[3].0);
        let cells: Vec<String> = row.iter().map(|(a, b)| format!("{a:8.3} {b:8.3}")).collect();
        table += &format!("{what:52} {}\n", cells.join(" |"));
        let transpiled = &ours[0].0;
        assert_native(transpiled, &target, &what);
        let angles: Vec<f64> = (0..circuit.slots()).map(|k| 0.3 + 0.7 * k as f64).collect();
        let bound = TranspiledCircuit { circuit: transpiled.circuit.bind(&angles).unwrap(), ..transpiled.clone() };
        if circuit.qubits() <= 5 {
            assert_equivalent(&circuit.bind(&angles).unwrap(), &bound, &what);
        }
    }
    let [gates, pulses, success, speed] = [gates, pulses, success, speed].map(|ratios| geometric_mean(&ratios));
    println!("two-qubit gates, pulses, success, milliseconds: ours and Qiskit's\n{table}");
    println!("ours to Qiskit's: gates {gates:.3}, pulses {pulses:.3}, success {success:.4}, speed {speed:.1}");
    assert!(pulses <= 1.02, "{pulses} of Qiskit's pulses\n{table}");
    // Measured: 0.920 of the gates, 1.025 of the success probability, 0.977 of the pulses; all of it is deterministic. The
    // time depends on the machine and is only printed (release build: ten times faster than Qiskit).
    assert!(gates <= 0.95, "{gates} of Qiskit's two-qubit gates\n{table}");
    assert!(success >= 1.01, "{success} of Qiskit's success probability\n{table}");
}

/// The most of Qiskit's two-qubit gates, as geometric mean over the rows, and on any row, by level. Measured: means of
/// 0.879, 0.897, 0.942 and 0.962 over the medians of three seeds, and 1.208, 1.102, 1.071 and 1.036 on the worst row.
const LEVEL_BOUNDS: [(f64, f64); 4] = [(0.92, 1.3), (0.93, 1.2), (0.97, 1.15), (0.98, 1.1)];

#[test]
fn every_level_is_near_qiskit_s_on_4_to_100_qubits() {
    let mut ratios: [Vec<f64>; 4] = Default::default();
    let mut table = String::new();
    for row in level_circuits::read().rows {
        let (circuit, target) = (level_circuits::circuit(&row.circuit), level_circuits::target(&row.device));
        table += &format!("{:18} on {:10}", row.circuit, row.device);
        for (level, theirs) in row.two_qubit_gates.into_iter().enumerate() {
            let start = Instant::now();
            let options = TranspileOptions { level: level as u8, ..TranspileOptions::default() };
            let transpiled = transpile(&circuit, &target, &options).unwrap();
            assert_native(&transpiled, &target, &row.circuit);
            ratios[level].push(transpiled.two_qubit_gates as f64 / theirs);
            table += &format!(" |{:6} {theirs:7} {:6.2} s", transpiled.two_qubit_gates, start.elapsed().as_secs_f64());
        }
        table += "\n";
    }
    let means = ratios.each_ref().map(|ratios| geometric_mean(ratios));
    let worst = ratios.each_ref().map(|ratios| ratios.iter().copied().fold(0.0, f64::max));
    println!("two-qubit gates by level, ours and Qiskit's\n{table}means {means:.3?}, worst {worst:.3?}");
    for (level, (mean, any)) in LEVEL_BOUNDS.into_iter().enumerate() {
        assert!(means[level] <= mean, "level {level}: {:.3} of Qiskit's gates\n{table}", means[level]);
        assert!(worst[level] <= any, "level {level}: {:.3} of Qiskit's gates on one row\n{table}", worst[level]);
    }
}

/// Circuits in which a qubit has many partners: a star, the Fourier transform, and the same with a measurement, a condition,
/// a reset and a barrier between gates of one star.
#[test]
fn stars_move_along_paths_whatever_stands_between_their_gates() {
    let qubits = 7;
    let mut star = Circuit::with_bits(qubits, qubits);
    for k in 1..qubits {
        star.push(Gate::Cx, &[0, k], &[]).unwrap().push(Gate::T, &[k], &[]).unwrap();
    }
    let mut fourier = Circuit::with_bits(qubits, qubits);
    for a in 0..qubits {
        fourier.push(Gate::H, &[a], &[]).unwrap();
        for b in a + 1..qubits {
            let angle = std::f64::consts::PI / f64::from(1 << (b - a));
            fourier.push(Gate::Cp, &[b, a], &[Param::Fixed(angle)]).unwrap();
        }
    }
    let mut dynamic = Circuit::with_bits(qubits, qubits);
    dynamic.push(Gate::H, &[0], &[]).unwrap();
    for k in 1..qubits {
        dynamic.push(Gate::Cx, &[0, k], &[]).unwrap();
        match k {
            1 => _ = dynamic.measure(1, 1).unwrap(),
            2 => _ = dynamic.append(Op::of(OpKind::Barrier, &[0, 1, 2, 5])).unwrap(),
            3 => _ = dynamic.append(Op::of(OpKind::Reset, &[2])).unwrap(),
            4 => {
                let condition = Some(Condition { bits: vec![1], value: 1 });
                dynamic.append(Op { condition: condition.clone(), ..Op::gate(Gate::Cx, &[0, 4], &[]) }).unwrap();
                dynamic.append(Op { condition, ..Op::gate(Gate::X, &[3], &[]) }).unwrap();
            }
            _ => _ = dynamic.push(Gate::Ry, &[k], &[Param::Fixed(0.4)]).unwrap(),
        }
    }
    dynamic.measure(0, 0).unwrap().measure(6, 6).unwrap();
    let heavy: Vec<_> = (1..9).map(|k| (k - 1, k)).chain([(2, 9), (6, 10)]).collect();
    for (what, circuit) in [("star", &star), ("Fourier", &fourier), ("dynamic", &dynamic)] {
        // On the line of as many qubits nothing is left over.
        for (shape, target) in [("line", line(qubits)), ("heavy", target(11, &heavy, (Gate::Cz, true)))] {
            for l in 1..4 {
                let transpiled = assert_right(circuit, &target, &level(l), &format!("{what}, {shape}, level {l}"));
                // From level 2 on a swap and the gate before it take two.
                if what == "star" && l > 1 {
                    let entanglers = transpiled.circuit.ops().iter().filter(|op| op.qubits.len() == 2).count();
                    assert!(entanglers <= 2 * qubits, "{shape}, level {l}: {entanglers}");
                }
            }
        }
    }
}
