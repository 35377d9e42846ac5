//! The more detailed noise models: idling, crosstalk, and what no calibration records.

use std::f64::consts::PI;

use qgraft::circuit::{Circuit, Gate, Op, OpKind, Param};
use qgraft::device::Device;
use qgraft::math::matrix::distance;
use qgraft::math::{Matrix, Seconds};
use qgraft::noise::model::report::infidelity;
use qgraft::noise::model::{Hardware, MODELS, NoiseModel, NoiseOptions, SOURCES, Scale};
use qgraft::noise::{Channel, Program, Step};

use crate::support::superoperators;

/// Rounding of some tens of matrix products on numbers up to one.
const ROUNDING: f64 = 1e-12;

fn model(name: &str, options: NoiseOptions) -> NoiseModel {
    NoiseModel::named(name).unwrap().with(options).unwrap()
}

/// Only these sources, each with its factor.
fn only(sources: &[(&str, f64)]) -> NoiseOptions {
    let mut scale = Scale::all(0.0);
    for (name, factor) in sources {
        let source = SOURCES.iter().find(|source| source.name == *name).unwrap();
        *(source.factor)(&mut scale) = *factor;
    }
    NoiseOptions { scale, ..NoiseOptions::default() }
}

fn density(name: &str, options: NoiseOptions, circuit: &Circuit, device: &Device) -> Matrix {
    superoperators::density(&model(name, options).apply(circuit, device, &[]).unwrap(), &[])
}

fn wait(circuit: &mut Circuit, qubit: usize, seconds: f64) {
    circuit.append(Op::of(OpKind::Delay(Seconds(seconds)), &[qubit])).unwrap();
}

/// Gates of different lengths on three neighbours, so that some wait, meet and overlap; measured.
fn uneven(device: &Device, [a, b, d]: [usize; 3]) -> Circuit {
    let mut circuit = Circuit::with_bits(device.calibration.qubits.len(), 3);
    let two = *device.basis.iter().find(|gate| gate.row().qubits == 2).unwrap();
    let directed = |x: usize, y: usize| {
        let has = device.calibration.gates.iter().any(|row| row.gate == two && row.qubits == [x, y]);
        if has { [x, y] } else { [y, x] }
    };
    for q in [a, b, d] {
        circuit.push(Gate::Sx, &[q], &[]).unwrap().push(Gate::Rz, &[q], &[Param::Fixed(0.7)]).unwrap();
        circuit.push(Gate::Sx, &[q], &[]).unwrap();
    }
    circuit.push(two, &directed(a, b), &[]).unwrap().push(Gate::X, &[d], &[]).unwrap();
    circuit.push(two, &directed(b, d), &[]).unwrap().push(Gate::Sx, &[a], &[]).unwrap();
    for (bit, q) in [a, b, d].into_iter().enumerate() {
        circuit.measure(q, bit).unwrap();
    }
    circuit
}

#[test]
fn each_rung_without_its_own_effects_is_the_rung_below() {
    for (name, qubits) in [("manila", [0, 1, 2]), ("sherbrooke", [0, 14, 18]), ("fez", [0, 1, 2])] {
        let device = Device::named(name).unwrap();
        let circuit = uneven(&device, qubits);
        let full = NoiseOptions::default();
        let off = NoiseOptions { scale: Scale { zz: 0.0, parallel: 0.0, ..Scale::all(1.0) }, ..full };
        for (rung, options, below) in [
            ("crosstalk", off, "scheduled"),
            ("hardware", NoiseOptions { hardware: Hardware::NONE, ..full }, "crosstalk"),
        ] {
            let upper = model(rung, options).apply(&circuit, &device, &[]).unwrap();
            let lower = model(below, full).apply(&circuit, &device, &[]).unwrap();
            let off = distance(&superoperators::density(&upper, &[]), &superoperators::density(&lower, &[]));
            assert!(off < ROUNDING, "{name}: {rung} is off {below} by {off:e}");
            let probabilities =
                superoperators::probabilities(&upper, &[]).into_iter().zip(superoperators::probabilities(&lower, &[]));
            assert!(probabilities.map(|(a, b)| (a - b).abs()).fold(0.0, f64::max) < ROUNDING, "{name}: {rung}");
            let with = model(rung, full).apply(&circuit, &device, &[]).unwrap();
            assert!(
                distance(&superoperators::density(&with, &[]), &superoperators::density(&lower, &[])) > 1e-6,
                "{name}: {rung} adds"
            );
        }
        // Nobody waits for one gate on one qubit; symmetric readout is what aer has.
        let mut alone = Circuit::with_bits(device.calibration.qubits.len(), 1);
        alone.push(Gate::Sx, &[qubits[0]], &[]).unwrap().measure(qubits[0], 0).unwrap();
        let run = |rung: &str, device: &Device| model(rung, full).apply(&alone, device, &[]).unwrap();
        assert_eq!(run("scheduled", &device), run("aer-asym", &device), "{name}");
        let mut symmetric = device.clone();
        for qubit in &mut symmetric.calibration.qubits {
            (qubit.one_given_zero, qubit.zero_given_one) = (qubit.readout_error, qubit.readout_error);
        }
        assert_eq!(run("aer-asym", &symmetric), run("aer", &symmetric), "{name}");
    }
    let order: Vec<&str> = MODELS.iter().map(|row| row.name).collect();
    assert_eq!(order, ["ideal", "aer-compat", "aer", "aer-asym", "scheduled", "crosstalk", "hardware"]);
}

#[test]
fn the_others_decay_while_one_qubit_is_read_or_reset() {
    let device = Device::named("manila").unwrap();
    let lasting = device.calibration.qubits[1].readout_length.unwrap().0;
    let reset = device.calibration.qubits[1].reset_length.unwrap().0;
    let t1 = device.calibration.qubits[0].t1.unwrap().0;
    for (what, op, time) in [("readout", OpKind::Measure { bit: 0 }, lasting), ("reset", OpKind::Reset, reset)] {
        let mut circuit = Circuit::with_bits(5, 1);
        circuit.push(Gate::X, &[0], &[]).unwrap().push(Gate::X, &[1], &[]).unwrap();
        circuit.append(Op::of(OpKind::Barrier, &[0, 1])).unwrap();
        circuit.append(Op::of(op, &[1])).unwrap();
        circuit.append(Op::of(OpKind::Barrier, &[0, 1])).unwrap();
        circuit.push(Gate::Id, &[0], &[]).unwrap();
        let rho = density("scheduled", only(&[("relaxation", 1.0)]), &circuit, &device);
        let population: f64 = (0..4).filter(|i| i & 1 == 1).map(|i| rho[[i, i]].re).sum();
        let pulses = 2.0 * 35.55555555555556e-9;
        let expected = (-(time + pulses) / t1).exp();
        // The wait is rounded to the device's grid: 16 steps of 0.22 ns of 5 µs.
        assert!((population - expected).abs() < 4e-9 / t1, "{what}: {population} instead of {expected}");
    }
}

/// A device of the kind of manila that does nothing but ZZ.
fn ramsey(steps: impl Fn(&mut Circuit), device: &Device) -> Matrix {
    let mut circuit = Circuit::new(device.calibration.qubits.len());
    steps(&mut circuit);
    density("crosstalk", only(&[("zz", 1.0)]), &circuit, device)
}

/// ⟨X⟩ of program qubit 0.
fn x_of_first(rho: &Matrix) -> f64 {
    (0..rho.nrows()).map(|i| rho[[i, i ^ 1]].re).sum()
}

#[test]
fn neighbours_turn_each_other_by_zz_and_an_echo_undoes_it() {
    let mut device = Device::named("manila").unwrap();
    let shift = device.details.zz.iter().find(|(pair, _)| *pair == (0, 1)).unwrap().1;
    // Pulses without length, so that the time is that of the delays.
    device
        .calibration
        .gates
        .iter_mut()
        .filter(|row| row.qubits.len() == 1)
        .for_each(|row| row.length = Some(Seconds(0.0)));
    let time = 3.2e-6;
    let plus = |circuit: &mut Circuit| {
        // rz sx rz is a Hadamard up to a phase.
        for gate in [Gate::Rz, Gate::Sx, Gate::Rz] {
            let quarter = [Param::Fixed(PI / 2.0)];
            circuit.push(gate, &[0], if gate == Gate::Rz { &quarter } else { &[] }).unwrap();
        }
    };
    let free = |turned: bool| {
        move |circuit: &mut Circuit| {
            plus(circuit);
            circuit.push(if turned { Gate::X } else { Gate::Id }, &[1], &[]).unwrap();
            wait(circuit, 0, time);
            wait(circuit, 1, time);
        }
    };
    let angle = PI * shift * time;
    for turned in [false, true] {
        let got = x_of_first(&ramsey(free(turned), &device));
        assert!((got - angle.cos()).abs() < 1e-9, "{got} instead of {}", angle.cos());
    }
    let apart = distance(&ramsey(free(false), &device), &ramsey(free(true), &device));
    assert!(apart > 0.1, "the sign depends on the neighbour");
    let echoed = ramsey(
        |circuit| {
            plus(circuit);
            circuit.push(Gate::X, &[1], &[]).unwrap();
            wait(circuit, 0, time);
            wait(circuit, 1, time);
            circuit.push(Gate::X, &[0], &[]).unwrap();
            circuit.push(Gate::Id, &[1], &[]).unwrap();
            wait(circuit, 0, time);
            wait(circuit, 1, time);
        },
        &device,
    );
    assert!((x_of_first(&echoed) - 1.0).abs() < 1e-9, "{}", x_of_first(&echoed));
}

#[test]
fn an_echoed_gate_refocuses_the_neighbour_of_its_control_alone() {
    let device = Device::named("sherbrooke").unwrap();
    let length = |qubits: [usize; 2]| {
        device
            .calibration
            .gates
            .iter()
            .find(|row| row.gate == Gate::Ecr && row.qubits == qubits)
            .unwrap()
            .length
            .unwrap()
            .0
    };
    // ecr(1, 0) has 14 beside its target and 2 beside its control.
    for (spectator, beside, refocused) in [(14, 0, false), (2, 1, true)] {
        let mut circuit = Circuit::new(127);
        circuit.push(Gate::Sx, &[spectator], &[]).unwrap();
        circuit.append(Op::of(OpKind::Barrier, &[0, 1, spectator])).unwrap();
        circuit.push(Gate::Ecr, &[1, 0], &[]).unwrap();
        wait(&mut circuit, spectator, length([1, 0]));
        let program = model("crosstalk", only(&[("zz", 1.0)])).apply(&circuit, &device, &[]).unwrap();
        let zz = program
            .steps
            .iter()
            .filter(|step| matches!(step, Step::Noise { channel, .. } if channel.name() == "zz_crosstalk"));
        // Before the gate all but the spectator rest in |0⟩ and a pulse's time passes, whose phase is another step.
        let during = zz.filter(|step| {
            let Step::Noise { channel, .. } = step else { return false };
            let pair = (spectator.min(beside), spectator.max(beside));
            let shift = device.details.zz.iter().find(|(p, _)| *p == pair || *p == (pair.1, pair.0)).unwrap().1;
            let angle = -2.0 * channel.operators()[0][[0, 0]].arg();
            (angle - PI * shift * length([1, 0])).abs() < 1e-3 * angle.abs()
        });
        assert_eq!(during.count(), usize::from(!refocused), "spectator {spectator}");
    }
}

#[test]
fn what_a_snapshot_does_not_record_is_typical_of_the_family_and_reported() {
    let mut device = Device::named("kolkata").unwrap();
    let is_reported = |device: &Device, words: &str| {
        let circuit = uneven(device, [0, 1, 2]);
        let notices = model("crosstalk", NoiseOptions::default()).apply(&circuit, device, &[]).unwrap().notices;
        notices.iter().any(|notice| notice.contains(words))
    };
    assert!(!is_reported(&device, "static ZZ"));
    device.details.zz.iter_mut().filter(|(pair, _)| *pair == (0, 1)).for_each(|(_, shift)| *shift = 0.0);
    assert!(
        is_reported(&device, "pair (0, 1)") && is_reported(&device, "typical of the processor family"),
        "zero is not measured"
    );
    device.details.zz.clear();
    assert!(is_reported(&device, "typical of the processor family"));
    device.details.processor = None;
    assert!(is_reported(&device, "processor family unknown"));
}

#[test]
fn gates_driven_together_do_worse_by_the_fitted_factor() {
    let device = Device::named("fez").unwrap();
    let row = |a: usize, b: usize| {
        device.calibration.gates.iter().find(|row| row.gate == Gate::Cz && row.qubits == [a, b]).unwrap().clone()
    };
    let circuit = |apart: bool| {
        let mut circuit = Circuit::new(156);
        circuit.push(Gate::Cz, &[0, 1], &[]).unwrap();
        if apart {
            circuit.append(Op::of(OpKind::Barrier, &[0, 1, 2, 3])).unwrap();
        }
        circuit.push(Gate::Cz, &[2, 3], &[]).unwrap();
        circuit
    };
    let of_first = |apart: bool| {
        let program = model("crosstalk", only(&[("gate_error", 1.0), ("relaxation", 1.0), ("parallel", 1.0)]))
            .apply(&circuit(apart), &device, &[])
            .unwrap();
        let first = program.steps.iter().position(|s| matches!(s, Step::Gate(op) if op.qubits[..] == [0, 1])).unwrap();
        let noise = program.steps[first + 1..].iter().map_while(|step| match step {
            Step::Noise { channel, qubits, .. } => Some((channel.clone(), qubits.clone())),
            _ => None,
        });
        let own: Vec<(Channel, Vec<usize>)> = noise.filter(|(_, on)| on.iter().all(|q| *q < 2)).take(3).collect();
        infidelity(&[0, 1], &own)
    };
    let factor = qgraft::noise::model::chain::fitted(&device).unwrap();
    let (length, other) = (row(0, 1).length.unwrap().0, row(2, 3).length.unwrap().0);
    let share = length.min(other) / length;
    let expected = of_first(true) * (1.0 + factor * share);
    assert!((of_first(false) - expected).abs() < 1e-9, "{} instead of {expected}", of_first(false));
    assert!(factor != 0.0);
}

#[test]
fn a_coherent_share_keeps_the_average_infidelity_of_every_gate() {
    for (name, width) in [("manila", 5), ("sherbrooke", 127), ("fez", 156)] {
        let device = Device::named(name).unwrap();
        let rows: Vec<_> = device.calibration.gates.iter().filter(|row| device.basis.contains(&row.gate)).collect();
        for row in rows.into_iter().step_by(7) {
            let mut circuit = Circuit::new(width);
            let params = vec![Param::Fixed(0.3); row.gate.row().params.len()];
            circuit.push(row.gate, &row.qubits, &params).unwrap();
            let noise = |coherent: f64| {
                let hardware = Hardware { coherent, ..Hardware::NONE };
                let options =
                    NoiseOptions { hardware, scale: Scale { zz: 0.0, ..Scale::all(1.0) }, ..NoiseOptions::default() };
                let program = model("hardware", options).apply(&circuit, &device, &[]).unwrap();
                let channels = program.steps.iter().filter_map(|step| match step {
                    Step::Noise { channel, qubits, .. } => {
                        Some((channel.clone(), qubits.iter().map(|&q| program.active[q]).collect()))
                    }
                    _ => None,
                });
                channels.collect::<Vec<(Channel, Vec<usize>)>>()
            };
            let rotated = |channels: &[(Channel, Vec<usize>)]| {
                channels.iter().any(|(channel, _)| channel.name().starts_with("over_rotation"))
            };
            let plain = noise(0.0);
            assert!(!rotated(&plain));
            for share in [0.3, 1.0] {
                let (before, after) = (infidelity(&row.qubits, &plain), infidelity(&row.qubits, &noise(share)));
                let what = format!("{name} {} {:?}: {before} {after}", row.gate.name(), row.qubits);
                assert!((before - after).abs() < 1e-12, "{what}");
                let excess = plain.iter().any(|(channel, _)| channel.name().starts_with("depolarizing"));
                let driven = !matches!(row.gate, Gate::Id | Gate::Rz) && row.error.is_some_and(|e| e < 1.0);
                assert_eq!(rotated(&noise(share)), driven && excess, "{what}");
            }
            assert_eq!(noise(0.3), noise(0.3), "the sign is that of the snapshot");
        }
    }
}

/// Coherence of qubit 0 of manila after waiting twice `half`, with or without a pulse between.
fn coherence(programs: &[Program]) -> f64 {
    programs.iter().map(|program| 2.0 * superoperators::density(program, &[])[[0, 1]].norm()).sum::<f64>()
        / programs.len() as f64
}

#[test]
fn slow_dephasing_falls_as_a_gaussian_and_echoes_undo_it_in_an_ensemble() {
    let mut device = Device::named("manila").unwrap();
    device
        .calibration
        .gates
        .iter_mut()
        .filter(|row| row.qubits.len() == 1)
        .for_each(|row| row.length = Some(Seconds(0.0)));
    let t2 = device.calibration.qubits[0].t2.unwrap().0;
    let ratio = 0.4;
    let options = NoiseOptions {
        hardware: Hardware { ramsey_ratio: ratio, ..Hardware::NONE },
        scale: Scale { gate_error: 0.0, ..Scale::all(1.0) },
        ..NoiseOptions::default()
    };
    let circuit = |time: f64, echo: bool| {
        let mut circuit = Circuit::new(5);
        circuit.push(Gate::Sx, &[0], &[]).unwrap();
        wait(&mut circuit, 0, time / 2.0);
        if echo {
            circuit.push(Gate::X, &[0], &[]).unwrap();
        }
        wait(&mut circuit, 0, time / 2.0);
        circuit
    };
    let average =
        |time: f64| coherence(&[model("hardware", options).apply(&circuit(time, false), &device, &[]).unwrap()]);
    for time in [0.1 * t2, 0.37 * t2, 0.9 * t2] {
        let expected = (-time / t2 - (1.0 - ratio) * (time / (ratio * t2)).powi(2)).exp();
        assert!((average(time) - expected).abs() < 1e-9, "{} instead of {expected}", average(time));
    }
    assert!((average(ratio * t2) - (-1.0f64).exp()).abs() < 1e-9, "1/e at T2*");
    let members = |echo: bool| -> Vec<Program> {
        let model = model("hardware", options);
        model.ensemble(&circuit(0.3 * t2, echo), &device, &[], 400, 5).map(Result::unwrap).collect()
    };
    let mean = |programs: &[Program]| {
        let sum =
            programs.iter().map(|program| superoperators::density(program, &[])[[0, 1]]).sum::<qgraft::math::C64>();
        2.0 * sum.norm() / programs.len() as f64
    };
    // 200 independent pairs: the mean of a cosine of spread below 0.5 is known to 0.035.
    assert!((mean(&members(false)) - average(0.3 * t2)).abs() < 0.1);
    let refocused = mean(&members(true));
    assert!((refocused - (-0.3f64).exp()).abs() < 1e-9, "an echo leaves e^(-t/T2): {refocused}");
    let notice = model("hardware", options).apply(&circuit(t2, true), &device, &[]).unwrap().notices;
    assert!(notice.iter().any(|text| text.contains("ensemble")), "{notice:?}");
}

#[test]
fn drift_is_a_band_around_the_calibrated_lifetime() {
    let device = Device::named("fez").unwrap();
    let t1 = device.calibration.qubits[0].t1.unwrap().0;
    let mut circuit = Circuit::new(156);
    circuit.push(Gate::X, &[0], &[]).unwrap();
    wait(&mut circuit, 0, t1);
    let hardware = Hardware { drift: 0.25, ..Hardware::NONE };
    let options = NoiseOptions { hardware, ..only(&[("relaxation", 1.0)]) };
    let ensemble = |members, seed| -> Vec<Program> {
        let model = model("hardware", options);
        model.ensemble(&circuit, &device, &[], members, seed).map(Result::unwrap).collect()
    };
    let runs = ensemble(300, 9);
    // ln T1 of each run from its population e^{-t/T1}; the pulse is a ten-thousandth of the wait.
    let logs: Vec<f64> = runs.iter().map(|run| -(-superoperators::density(run, &[])[[1, 1]].re.ln()).ln()).collect();
    let mean = logs.iter().sum::<f64>() / 300.0;
    let deviation = (logs.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / 299.0).sqrt();
    // Standard errors 0.014 and 0.010.
    assert!(mean.abs() < 0.06 && (deviation - 0.25).abs() < 0.04, "{mean} {deviation}");
    assert_eq!(runs[..3], ensemble(3, 9)[..]);
    assert_ne!(runs[..3], ensemble(3, 10)[..]);
}

#[test]
fn numbers_out_of_range_are_refused_by_name() {
    for (word, hardware) in [
        ("coherent", Hardware { coherent: 1.1, ..Hardware::NONE }),
        ("ramsey_ratio", Hardware { ramsey_ratio: 0.0, ..Hardware::NONE }),
        ("drift", Hardware { drift: f64::NAN, ..Hardware::NONE }),
        ("joint_flip", Hardware { joint_flip: -0.1, ..Hardware::NONE }),
    ] {
        let error = NoiseModel::named("hardware").unwrap().with(NoiseOptions { hardware, ..NoiseOptions::default() });
        assert!(error.err().unwrap().to_string().contains(word), "{word}");
    }
    for source in SOURCES {
        let error = NoiseModel::named("aer").unwrap().with(only(&[(source.name, -1.0)])).err().unwrap().to_string();
        assert!(error.contains(source.name), "{error}");
    }
}
