//! Noise models: what they report, refuse, scale and switch off.

use std::time::Instant;

use qgraft::circuit::{Circuit, Gate, Op, OpKind, Param};
use qgraft::device::Device;
use qgraft::device::schedule::{Order, with_delays};
use qgraft::math::matrix::{c, distance, identity};
use qgraft::math::{Matrix, Probability, Seconds};
use qgraft::noise::channel::depolarizing;
use qgraft::noise::model::uniform::{Uniform, medians};
use qgraft::noise::model::{MODELS, NoiseModel, NoiseOptions, Repair, Scale, report};
use qgraft::noise::{Channel, Confusion, NoiseError, NoiseList, Program, Step};

use crate::support::superoperators;

/// Rounding of some tens of matrix products on numbers up to one.
const ROUNDING: f64 = 1e-13;

fn model(name: &str, options: NoiseOptions) -> NoiseModel {
    NoiseModel::named(name).unwrap().with(options).unwrap()
}

fn apply(circuit: &Circuit, device: &Device, options: NoiseOptions) -> Program {
    model("aer", options).apply(circuit, device, &[]).unwrap()
}

/// A circuit of native gates of a cx or cz device on qubits 0 and 1, measured.
fn native(device: &Device) -> Circuit {
    let entangle = *device.basis.iter().find(|gate| gate.row().qubits == 2).unwrap();
    let mut circuit = Circuit::with_bits(device.calibration.qubits.len(), 2);
    let half = [Param::Fixed(0.4)];
    circuit.push(Gate::Sx, &[0], &[]).unwrap().push(Gate::Rz, &[0], &half).unwrap().push(Gate::Sx, &[1], &[]).unwrap();
    circuit.push(entangle, &[0, 1], &[]).unwrap().push(Gate::X, &[1], &[]).unwrap();
    circuit.measure(0, 0).unwrap().measure(1, 1).unwrap();
    circuit
}

#[test]
fn every_model_has_a_name_and_a_description() {
    let device = Device::named("manila").unwrap();
    for row in MODELS {
        assert!(row.doc.len() > 10, "{}", row.name);
        let program = NoiseModel::named(row.name).unwrap().apply(&native(&device), &device, &[]).unwrap();
        let noisy = program.steps.iter().any(|step| matches!(step, Step::Noise { .. }));
        assert_eq!(noisy, row.name != "ideal", "{}", row.name);
        let total: f64 = superoperators::probabilities(&program, &[]).iter().sum();
        // aer-compat loses what it drops, at most 4e-9 a gate.
        assert!((total - 1.0).abs() < if row.name == "aer-compat" { 2e-8 } else { ROUNDING }, "{}: {total}", row.name);
    }
    let error = NoiseModel::named("aer-asymm").err().unwrap().to_string();
    assert!(error.contains("did you mean aer-asym?"), "{error}");
}

#[test]
fn what_cannot_be_modelled_is_reported_by_name_and_refused_in_strict_mode() {
    let sherbrooke = Device::named("sherbrooke").unwrap();
    let circuit = |steps: &[(Gate, &[usize])]| {
        let mut circuit = Circuit::new(127);
        for (gate, qubits) in steps {
            circuit.push(*gate, qubits, &[]).unwrap();
        }
        circuit
    };
    let mut service = sherbrooke.clone();
    service.calibration.qubits[5].faulty = true;
    let mut unknown = sherbrooke.clone();
    unknown.calibration.gates.iter_mut().find(|row| row.gate == Gate::Sx && row.qubits == [3]).unwrap().error = None;
    for (device, steps, words) in [
        (&sherbrooke, [(Gate::H, &[14][..])], ["h(14)", "not a native gate"]),
        (&sherbrooke, [(Gate::Ecr, &[18, 14])], ["ecr(18, 14)", "no calibration"]),
        (&sherbrooke, [(Gate::Ecr, &[8, 9])], ["ecr(8, 9)", "uncalibrated"]),
        (&service, [(Gate::X, &[5])], ["x(5)", "out of service"]),
        (&unknown, [(Gate::Sx, &[3])], ["sx(3)", "gate error unknown"]),
    ] {
        let program = apply(&circuit(&steps), device, NoiseOptions::default());
        let is_reported = program.notices.iter().any(|notice| words.iter().all(|word| notice.contains(word)));
        assert!(is_reported, "{words:?}: {:?}", program.notices);
        let strict = NoiseOptions { strict: true, ..NoiseOptions::default() };
        let error = model("aer", strict).apply(&circuit(&steps), device, &[]).unwrap_err();
        assert!(words.iter().all(|word| error.to_string().contains(word)), "{error}");
    }
    let wide = Circuit::new(200);
    assert!(NoiseModel::named("aer").unwrap().apply(&wide, &sherbrooke, &[]).is_ok(), "only touched qubits count");
    let error = NoiseModel::named("aer").unwrap().apply(&wide, &sherbrooke, &[130]).unwrap_err();
    assert!(matches!(error, NoiseError::TooWide { qubit: 130, width: 127, .. }));
}

#[test]
fn each_repair_is_reported_once_however_often_it_happens() {
    let device = Device::named("oslo").unwrap();
    let mut circuit = Circuit::new(7);
    for _ in 0..3 {
        circuit.push(Gate::Sx, &[6], &[]).unwrap();
        circuit.append(Op::of(OpKind::Delay(Seconds::micro(1.0)), &[6])).unwrap();
        circuit.append(Op::of(OpKind::Reset, &[6])).unwrap();
    }
    let notices = apply(&circuit, &device, NoiseOptions::default()).notices;
    assert_eq!(notices.iter().filter(|notice| notice.contains("T2 above 2 T1")).count(), 1, "{notices:?}");
    assert_eq!(notices.iter().filter(|notice| notice.matches("qubit 6").count() > 1).count(), 0, "{notices:?}");
}

#[test]
fn missing_numbers_are_repaired_as_aer_does_and_reported() {
    let sx = |edit: fn(&mut Device)| {
        let mut device = Device::named("manila").unwrap();
        edit(&mut device);
        let options = NoiseOptions { temperature_millikelvin: 60.0, ..NoiseOptions::default() };
        let row =
            report::gates(&device, &options).unwrap().into_iter().find(|row| row.gate == Gate::Sx && row.qubits == [2]);
        row.unwrap()
    };
    let (t1, t2, t) = (158.6152374677565e-6_f64, 25.150897893938303e-6_f64, 35.55555555555556e-9_f64);
    let relaxation = |e1: f64, e2: f64| 1.0 - (2.0 * (1.0 + e1 + 2.0 * e2) / 4.0 + 1.0) / 3.0;
    for (what, edit, expected, repair) in [
        ("all known", (|_| {}) as fn(&mut Device), relaxation((-t / t1).exp(), (-t / t2).exp()), None),
        ("no T1", |d| d.calibration.qubits[2].t1 = None, relaxation(1.0, (-t / t2).exp()), Some(Repair::UnknownT1)),
        (
            "no T2",
            |d| d.calibration.qubits[2].t2 = None,
            relaxation((-t / t1).exp(), (-t / t1 / 2.0).exp()),
            Some(Repair::UnknownT2),
        ),
        (
            "neither",
            |d| (d.calibration.qubits[2].t1, d.calibration.qubits[2].t2) = (None, None),
            0.0,
            Some(Repair::NoRelaxationTimes),
        ),
        (
            "T2 too long",
            |d| d.calibration.qubits[2].t2 = Some(Seconds(1.0)),
            relaxation((-t / t1).exp(), (-t / t1 / 2.0).exp()),
            Some(Repair::T2AboveTwiceT1),
        ),
        (
            "no frequency",
            |d| d.calibration.qubits[2].frequency = None,
            relaxation((-t / t1).exp(), (-t / t2).exp()),
            Some(Repair::UnknownFrequency),
        ),
        (
            "no length",
            |d| d.calibration.gates.iter_mut().for_each(|row| row.length = None),
            0.0,
            Some(Repair::UnknownLength),
        ),
    ] {
        let row = sx(edit);
        assert!((row.relaxation - expected).abs() < ROUNDING, "{what}: {} instead of {expected}", row.relaxation);
        assert_eq!(row.repairs.iter().copied().find(|r| Some(*r) == repair), repair, "{what}");
        // Whatever was repaired, the whole has the reported error.
        assert!((row.achieved - row.reported.unwrap()).abs() < ROUNDING, "{what}");
    }
}

#[test]
fn readout_falls_back_on_the_other_numbers_and_reports_it() {
    let mut device = Device::named("manila").unwrap();
    let qubits = &mut device.calibration.qubits;
    qubits[0].readout_error = None;
    (qubits[1].one_given_zero, qubits[1].readout_error) = (None, None);
    let program = apply(&native(&device), &device, NoiseOptions::default());
    let mean = (0.0158 + 0.05479999999999996) / 2.0;
    assert!((program.readout[0].unwrap().one_given_zero.get() - mean).abs() < ROUNDING);
    assert_eq!(program.readout[1], None);
    assert!(program.notices.iter().any(|n| n.contains("qubit 0") && n.contains("derived")), "{:?}", program.notices);
    assert!(
        program.notices.iter().any(|n| n.contains("qubit 1") && n.contains("without error")),
        "{:?}",
        program.notices
    );
    let asymmetric = NoiseModel::named("aer-asym").unwrap().apply(&native(&device), &device, &[]).unwrap();
    let first = asymmetric.readout[0].unwrap();
    assert_eq!((first.one_given_zero.get(), first.zero_given_one.get()), (0.0158, 0.05479999999999996));
}

#[test]
fn scale_zero_is_ideal_and_scale_two_is_each_source_twice() {
    let device = Device::named("guadalupe").unwrap();
    let circuit = native(&device);
    let scaled = |scale: Scale| apply(&circuit, &device, NoiseOptions { scale, ..NoiseOptions::default() });
    let ideal = NoiseModel::named("ideal").unwrap().apply(&circuit, &device, &[]).unwrap();
    let none = superoperators::probabilities(&scaled(Scale::all(0.0)), &[]);
    for (a, b) in none.iter().zip(superoperators::probabilities(&ideal, &[])) {
        assert!((a - b).abs() < ROUNDING);
    }
    // One source at a time, so that twice the step is the step twice.
    for (what, once) in [
        ("gate error", Scale { gate_error: 1.0, ..Scale::all(0.0) }),
        ("relaxation", Scale { relaxation: 1.0, ..Scale::all(0.0) }),
    ] {
        let (gate_error, relaxation) = (2.0 * once.gate_error, 2.0 * once.relaxation);
        let twice = Scale { gate_error, relaxation, ..Scale::all(0.0) };
        let doubled: Vec<Step> = scaled(once)
            .steps
            .into_iter()
            .flat_map(|step| if matches!(step, Step::Noise { .. }) { vec![step.clone(), step] } else { vec![step] })
            .collect();
        let expected = superoperators::density(&Program { steps: doubled, ..scaled(once) }, &[]);
        assert!(distance(&superoperators::density(&scaled(twice), &[]), &expected) < ROUNDING, "{what}");
    }
    let read = |k: f64| scaled(Scale { readout: k, ..Scale::all(1.0) }).readout[0].unwrap().on_z();
    let (once, twice) = (read(1.0), read(2.0));
    assert!((once.0 * once.0 - twice.0).abs() < ROUNDING, "the confusion matrix to the power two");
    assert_eq!(scaled(Scale::all(1.0)), apply(&circuit, &device, NoiseOptions::default()));
    for bad in [-0.5, f64::NAN, f64::INFINITY] {
        assert!(
            NoiseModel::named("aer")
                .unwrap()
                .with(NoiseOptions { scale: Scale::all(bad), ..NoiseOptions::default() })
                .is_err()
        );
    }
}

#[test]
fn noise_grows_with_scale_even_past_full_depolarization() {
    let mut device = Device::named("torino").unwrap();
    // Some usable gates and all those with error 1.
    let mut usable = 0;
    device.calibration.gates.retain(|row| {
        usable += 1;
        row.gate == Gate::Cz && (usable % 20 == 0 || row.error == Some(1.0))
    });
    let at =
        |k: f64| report::gates(&device, &NoiseOptions { scale: Scale::all(k), ..NoiseOptions::default() }).unwrap();
    assert!(at(1.0).iter().any(|row| row.repairs.contains(&Repair::Uncalibrated)));
    for (less, more) in [(0.0, 0.5), (0.5, 1.0), (1.0, 2.0), (2.0, 4.0)] {
        for (before, after) in at(less).iter().zip(at(more)) {
            assert!(after.depolarizing >= before.depolarizing, "{:?} from {less} to {more}", after.qubits);
            // Past full depolarization relaxation undoes a little of it, so the infidelity itself may fall.
            let grown = after.achieved - before.achieved;
            assert!(grown > -1e-14 || after.depolarizing > 1.0, "{:?} from {less} to {more}: {grown:e}", after.qubits);
        }
    }
}

#[test]
fn switching_sources_off_leaves_the_others() {
    let device = Device::named("manila").unwrap();
    let kinds = |options: NoiseOptions| {
        let program = apply(&native(&device), &device, options);
        let has = |name: &str| {
            program.steps.iter().any(|s| matches!(s, Step::Noise { channel, .. } if channel.name().starts_with(name)))
        };
        (has("depolarizing"), has("thermal_relaxation"), program.readout[0].is_some())
    };
    let all = NoiseOptions::default();
    assert_eq!(kinds(all), (true, true, true));
    assert_eq!(kinds(NoiseOptions { gate_error: false, ..all }), (false, true, true));
    assert_eq!(kinds(NoiseOptions { thermal_relaxation: false, ..all }), (true, false, true));
    assert_eq!(kinds(NoiseOptions { readout_error: false, ..all }), (true, true, false));
    for row in report::gates(&device, &NoiseOptions { thermal_relaxation: false, ..all }).unwrap() {
        assert!(
            (row.achieved - row.reported.unwrap()).abs() < ROUNDING,
            "without relaxation all of the error is depolarizing"
        );
    }
}

#[test]
fn a_gate_is_noisy_only_in_its_calibrated_basis_and_frame_changes_never() {
    let device = Device::named("torino").unwrap();
    let mut circuit = Circuit::new(133);
    circuit.push(Gate::Rz, &[0], &[Param::Fixed(0.3)]).unwrap().push(Gate::Rx, &[0], &[Param::Fixed(0.3)]).unwrap();
    let program = apply(&circuit, &device, NoiseOptions::default());
    assert_eq!(program.steps.len(), 2, "rz is a frame change, rx is calibrated but not in the basis");
    assert_eq!(program.notices.len(), 1);
    assert!(program.notices[0].contains("rx(0)"), "{:?}", program.notices);
}

#[test]
fn delays_and_resets_relax_for_their_time_and_inherit_conditions() {
    let device = Device::named("manila").unwrap();
    let mut circuit = Circuit::with_bits(5, 1);
    circuit.push(Gate::X, &[1], &[]).unwrap();
    circuit.append(Op::of(OpKind::Delay(Seconds::micro(13.7)), &[1])).unwrap();
    let relaxed = apply(
        &circuit,
        &device,
        NoiseOptions { scale: Scale { relaxation: 1.0, ..Scale::all(0.0) }, ..NoiseOptions::default() },
    );
    let total = 13.7e-6 + 35.55555555555556e-9;
    let population = superoperators::density(&relaxed, &[])[[1, 1]].re;
    assert!((population - (-total / (124.535_504_879_050_82 / 1e6_f64)).exp()).abs() < ROUNDING, "{population}");
    let condition = qgraft::circuit::Condition { bits: vec![0], value: 1 };
    circuit.measure(1, 0).unwrap();
    circuit.append(Op { condition: Some(condition.clone()), ..Op::gate(Gate::X, &[0], &[]) }).unwrap();
    let program = apply(&circuit, &device, NoiseOptions::default());
    let last = program.steps.last().unwrap();
    assert!(matches!(last, Step::Noise { condition: Some(inherited), .. } if *inherited == condition), "{last:?}");
}

#[test]
fn uniform_noise_needs_no_device_and_misses_no_gate() {
    let (p1, p2) = (0.01, 0.03);
    let readout = Confusion::symmetric(Probability::new(0.02).unwrap());
    let noise =
        Uniform::new(vec![depolarizing(p1, 1).unwrap()], vec![depolarizing(p2, 2).unwrap()], Some(readout)).unwrap();
    let mut circuit = Circuit::new(3);
    circuit
        .push(Gate::H, &[0], &[])
        .unwrap()
        .push(Gate::Cx, &[0, 1], &[])
        .unwrap()
        .push(Gate::Ccx, &[0, 1, 2], &[])
        .unwrap();
    circuit.unitary(identity(2), &[2]).unwrap();
    let program = noise.apply(&circuit, &[]);
    let on: Vec<&[usize]> = program
        .steps
        .iter()
        .filter_map(|step| if let Step::Noise { qubits, .. } = step { Some(&qubits[..]) } else { None })
        .collect();
    assert_eq!(on, [&[0][..], &[0, 1], &[0, 1], &[1, 2], &[2]]);
    assert_eq!(program.readout, [Some(readout); 3]);
    assert!(Uniform::new(vec![depolarizing(p2, 2).unwrap()], vec![], None).is_err());
    let nothing = Uniform::default().apply(&circuit, &[]);
    assert_eq!(nothing, Program::ideal(&circuit, &[]));
}

#[test]
fn a_device_of_medians_is_the_same_everywhere_and_heron_uniform_is_one() {
    for name in ["fez", "heron_r2_uniform"] {
        let device = Device::named(name).unwrap();
        let uniform = medians(&device);
        let calibration = &uniform.calibration;
        assert!(calibration.qubits.iter().all(|qubit| *qubit == calibration.qubits[0]));
        for row in report::gates(&uniform, &NoiseOptions::default()).unwrap().iter().filter(|row| row.gate == Gate::Cz)
        {
            assert!(row.achieved < 0.02 && !row.repairs.contains(&Repair::Uncalibrated), "{name} {:?}", row.qubits);
        }
    }
    let study = Device::named("heron_r2_uniform").unwrap();
    assert_eq!(medians(&study).calibration.gates, study.calibration.gates);
    for row in report::gates(&study, &NoiseOptions::default()).unwrap() {
        let expected = [(Gate::Sx, 2e-4), (Gate::X, 2e-4), (Gate::Id, 2e-4), (Gate::Cz, 5e-3), (Gate::Rz, 0.0)];
        let error = expected.iter().find(|(gate, _)| *gate == row.gate).unwrap().1;
        assert!((row.achieved - error).abs() < ROUNDING, "{}", row.gate.name());
    }
}

#[test]
fn compatible_and_exact_differ_by_what_is_dropped_only() {
    let device = Device::named("manila").unwrap();
    let circuit = native(&device);
    let exact = superoperators::density(&apply(&circuit, &device, NoiseOptions::default()), &[]);
    let compatible = NoiseModel::named("aer-compat").unwrap().apply(&circuit, &device, &[]).unwrap();
    let off = distance(&superoperators::density(&compatible, &[]), &exact);
    // cx(0, 1) loses 15 terms with 1.3e-9 in all, the most that can be missing from one entry.
    assert!(off > 1e-11 && off < 1.4e-9, "{off:e}");
}

#[test]
fn a_model_of_156_qubits_takes_milliseconds() {
    let start = Instant::now();
    let device = Device::named("boston").unwrap();
    let mut circuit = Circuit::with_bits(156, 3);
    for q in 0..3 {
        circuit.push(Gate::Sx, &[q], &[]).unwrap();
    }
    circuit.push(Gate::Cz, &[0, 1], &[]).unwrap().push(Gate::Cz, &[1, 2], &[]).unwrap();
    let program = NoiseModel::named("aer").unwrap().apply(&circuit, &device, &[]).unwrap();
    let elapsed = start.elapsed();
    println!("156 qubits: device and program in {elapsed:?}");
    assert_eq!(program.qubits(), 3);
    // The goal is 50 ms for an optimised build; this one is not, and the machine may be busy.
    assert!(elapsed.as_millis() < 1000, "{elapsed:?}");
}

#[test]
fn a_channel_of_ones_own_can_be_used_everywhere_a_calibrated_one_can() {
    let half = identity(2) * c(0.5f64.sqrt(), 0.0);
    let flip: Matrix = (Gate::Y.row().matrix)(&[]) * c(0.5f64.sqrt(), 0.0);
    let own = Channel::kraus("own", vec![half, flip]).unwrap();
    let noise = Uniform::new(vec![own], vec![], None).unwrap();
    let mut circuit = Circuit::new(1);
    circuit.push(Gate::X, &[0], &[]).unwrap();
    let density = superoperators::density(&noise.apply(&circuit, &[]), &[]);
    assert!((density[[0, 0]].re - 0.5).abs() < ROUNDING);
}

/// Delays on each qubit in nanoseconds, in order.
fn delays(circuit: &Circuit) -> Vec<(usize, f64)> {
    let wait = |op: &Op| if let OpKind::Delay(time) = op.kind { Some((op.qubits[0], time.0 * 1e9)) } else { None };
    circuit.ops().iter().filter_map(wait).collect()
}

#[test]
fn waiting_is_what_the_gate_lengths_leave() {
    // heron_r2_uniform: sx and x last 32 ns, cz 68 ns, a clock step 4 ns; readout and reset are given here.
    let mut device = Device::named("heron_r2_uniform").unwrap();
    for qubit in &mut device.calibration.qubits {
        (qubit.readout_length, qubit.reset_length) = (Some(Seconds::nano(800.0)), Some(Seconds::nano(1200.0)));
    }
    let build = |steps: &dyn Fn(&mut Circuit)| {
        let mut circuit = Circuit::with_bits(16, 2);
        steps(&mut circuit);
        circuit
    };
    let gate = |circuit: &mut Circuit, gate: Gate, qubits: &[usize]| {
        circuit.push(gate, qubits, &[]).unwrap();
    };
    let uneven = build(&|c| {
        gate(c, Gate::Sx, &[0]);
        (0..3).for_each(|_| gate(c, Gate::X, &[1]));
        gate(c, Gate::Cz, &[0, 1]);
        gate(c, Gate::X, &[1]);
    });
    let fed = build(&|c| {
        gate(c, Gate::Sx, &[0]);
        gate(c, Gate::Sx, &[1]);
        c.measure(0, 0).unwrap();
        let condition = Some(qgraft::circuit::Condition { bits: vec![0], value: 1 });
        c.append(Op { condition, ..Op::gate(Gate::X, &[1], &[]) }).unwrap();
        gate(c, Gate::Cz, &[0, 1]);
    });
    let aligned = build(&|c| {
        gate(c, Gate::X, &[0]);
        gate(c, Gate::Cz, &[1, 2]);
        c.append(Op::of(OpKind::Barrier, &[0, 1])).unwrap();
        gate(c, Gate::X, &[0]);
        gate(c, Gate::X, &[1]);
    });
    let soon = Order::AsSoonAsPossible;
    let late = Order::AsLateAsPossible;
    for (what, circuit, order, expected) in [
        ("early: 0 waits two gates for 1, then one", &uneven, soon, vec![(0, 64.0), (0, 32.0)]),
        ("late: 0 starts later, but waits for the last gate of 1", &uneven, late, vec![(0, 32.0)]),
        (
            "a condition waits for the readout, the measured qubit for readout and gate",
            &fed,
            soon,
            vec![(1, 800.0), (0, 832.0)],
        ),
        ("late: 1 starts when the readout ends less its gate", &fed, late, vec![(0, 832.0)]),
        ("a barrier aligns, and 2 waits to the end", &aligned, soon, vec![(0, 36.0), (2, 32.0)]),
    ] {
        let got = delays(&with_delays(circuit, &device, order));
        let close = |(a, b): (&(usize, f64), &(usize, f64))| a.0 == b.0 && (a.1 - b.1).abs() < 1e-6;
        assert!(
            got.len() == expected.len() && got.iter().zip(&expected).all(close),
            "{what}: {got:?}, not {expected:?}"
        );
    }
}

#[test]
fn waiting_adds_to_the_infidelity_of_a_ghz_state() {
    let device = Device::named("manila").unwrap();
    let mut circuit = Circuit::new(5);
    let quarter = [Param::Fixed(std::f64::consts::FRAC_PI_2)];
    circuit.push(Gate::Rz, &[0], &quarter).unwrap().push(Gate::Sx, &[0], &[]).unwrap();
    circuit.push(Gate::Rz, &[0], &quarter).unwrap().push(Gate::Cx, &[0, 1], &[]).unwrap();
    circuit.push(Gate::Cx, &[1, 2], &[]).unwrap();
    let infidelity = |name: &str| {
        let program = NoiseModel::named(name).unwrap().apply(&circuit, &device, &[]).unwrap();
        let density = superoperators::density(&program, &[]);
        1.0 - (density[[0, 0]] + density[[7, 7]] + density[[0, 7]] + density[[7, 0]]).re / 2.0
    };
    // Measured with Qiskit's own scheduling for this device: about 1.1 times.
    let ratio = infidelity("scheduled") / infidelity("aer-asym");
    assert!(ratio > 1.03 && ratio < 1.2, "{ratio}");
}

#[test]
fn bad_lists_of_noise_name_the_entry() {
    let cases = [
        ("{}", "channels"),
        (r#"{"channels": {"cq 0 1": {}}}"#, "cq"),
        (r#"{"channels": {"cx 0": {}}}"#, "\"cx 0\": expected 2"),
        (r#"{"channels": {"cx 1 1": {}}}"#, "different"),
        (r#"{"channels": {"sx 0": {"depol": 2}}}"#, "\"sx 0\": depolarizing"),
        (r#"{"channels": {"sx 0": {"relax": [[1e-4, 3e-4, 1e-8]]}}}"#, "qubit 0: thermal_relaxation: T2"),
        (r#"{"channels": {"cx 0 1": {"relax": [[1e-4, 1e-4, 1e-8]]}}}"#, "1 rows for 2 qubits"),
        (r#"{"channels": {}, "readout_p10_p01": [[0.1, 1.5]]}"#, "1.5 is not a probability"),
    ];
    for (text, named) in cases {
        let error = NoiseList::from_json(text).err().expect(text).to_string();
        assert!(error.contains(named), "{error:?} does not name {named:?}");
    }
}
