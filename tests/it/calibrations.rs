//! Calibrated noise against Qiskit Aer's own numbers (`tests/reference/ibm_noise`), and every shipped snapshot.

use std::fs;
use std::path::{Path, PathBuf};

use qgraft::circuit::{Circuit, Condition, Gate, Op, OpKind, Param};
use qgraft::device::{DEVICES, Device, GateData};
use qgraft::math::matrix::{c, distance};
use qgraft::math::{Matrix, Seconds};
use qgraft::noise::model::{NoiseModel, NoiseOptions, Repair, report};
use qgraft::noise::{Program, Step};
use serde_json::Value;

use crate::support::cases::numbers;
use crate::support::superoperators;

/// Rounding of some tens of matrix products on numbers up to one; Aer and the vectors' own model differ by 6e-15.
const ROUNDING: f64 = 1e-12;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/ibm_noise")
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The device of a case: IBM's own files where they are kept, else the shipped snapshot.
fn device(name: &str) -> Device {
    let props = folder().join(format!("snapshots/props_{name}.json"));
    if props.exists() { Device::read(props.to_str().unwrap()).unwrap() } else { Device::named(name).unwrap() }
}

fn cases() -> Vec<Value> {
    let mut files: Vec<PathBuf> = fs::read_dir(folder().join("cases")).unwrap().map(|e| e.unwrap().path()).collect();
    files.sort();
    files.iter().map(|file| json(file)).collect()
}

fn device_of(case: &Value) -> Device {
    let props = case["snapshot"]["props"].as_str().unwrap();
    device(props.trim_start_matches("snapshots/props_").trim_end_matches(".json"))
}

fn indices(value: &Value) -> Vec<usize> {
    value.as_array().unwrap().iter().map(|q| q.as_u64().unwrap() as usize).collect()
}

fn append(circuit: &mut Circuit, op: &Value, device: &Device, condition: Option<Condition>) {
    let name = op["name"].as_str().unwrap();
    if name == "if" {
        let values = numbers(&op["values"]);
        let value = values.iter().enumerate().map(|(k, &bit)| (bit as u64) << k).sum();
        for inner in op["body"].as_array().unwrap() {
            append(circuit, inner, device, Some(Condition { bits: indices(&op["clbits"]), value }));
        }
        return;
    }
    let kind = match name {
        "measure" => OpKind::Measure { bit: indices(&op["clbits"])[0] },
        "reset" => OpKind::Reset,
        "barrier" => OpKind::Barrier,
        "delay" => {
            let amount = op["duration"].as_f64().unwrap();
            OpKind::Delay(match op["unit"].as_str().unwrap() {
                "dt" => Seconds(amount * device.dt.unwrap().0),
                "us" => Seconds::micro(amount),
                "ns" => Seconds::nano(amount),
                unit => panic!("unit {unit}"),
            })
        }
        _ => {
            let params = op.get("params").map(numbers).unwrap_or_default();
            let params = params.into_iter().map(Param::Fixed).collect();
            OpKind::Gate { gate: Gate::named(name).unwrap(), params, controls: 0 }
        }
    };
    circuit.append(Op { kind, qubits: indices(&op["qubits"]).into(), condition }).unwrap();
}

fn circuit_of(case: &Value, device: &Device) -> Circuit {
    let bits = case["expected"]["clbits"].as_u64().unwrap() as usize;
    let mut circuit = Circuit::with_bits(device.calibration.qubits.len(), bits);
    for op in case["ops"].as_array().unwrap() {
        append(&mut circuit, op, device, None);
    }
    circuit
}

fn program_of(case: &Value, device: &Device, model: &str) -> Program {
    let options = &case["options"];
    let on = |key: &str| options[key].as_bool().unwrap();
    let options = NoiseOptions {
        gate_error: on("gate_error"),
        thermal_relaxation: on("thermal_relaxation"),
        readout_error: on("readout_error"),
        temperature_millikelvin: options["temperature_mK"].as_f64().unwrap(),
        ..NoiseOptions::default()
    };
    let model = NoiseModel::named(model).unwrap().with(options).unwrap();
    model.apply(&circuit_of(case, device), device, &indices(&case["qubits"])).unwrap()
}

fn matrix(value: &Value) -> Matrix {
    let (re, im) = (value["re"].as_array().unwrap(), value["im"].as_array().unwrap());
    let rows: Vec<(Vec<f64>, Vec<f64>)> = re.iter().zip(im).map(|(r, i)| (numbers(r), numbers(i))).collect();
    Matrix::from_shape_fn((rows.len(), rows.len()), |(i, j)| c(rows[i].0[j], rows[i].1[j]))
}

fn assert_close(name: &str, got: &[f64], expected: &[f64]) {
    assert_eq!(got.len(), expected.len(), "{name}");
    for (k, (g, e)) in got.iter().zip(expected).enumerate() {
        assert!((g - e).abs() < ROUNDING, "{name}: entry {k} is {g}, expected {e}");
    }
}

#[test]
fn every_case_gives_aer_s_density_matrix_and_probabilities() {
    for case in cases() {
        let device = device_of(&case);
        let expected = &case["expected"];
        for (mode, state, outcome) in
            [("compat", "density_matrix", "probabilities"), ("exact", "density_matrix_exact", "probabilities_exact")]
        {
            let name = format!("{} {mode}", case["id"]);
            let symmetric = case["mode"] == "target";
            let model = match (mode, symmetric) {
                ("compat", true) => "aer-compat",
                (_, true) => "aer",
                // The asymmetric case exists in the exact mode only; its cutoffs change it by less than 1e-8.
                _ => "aer-asym",
            };
            let program = program_of(&case, &device, model);
            let tolerance = if mode == "compat" && !symmetric { 1e-8 } else { ROUNDING };
            if let Some(stated) = expected.get(state) {
                let order: Vec<usize> = indices(&case["qubits"])
                    .iter()
                    .map(|q| program.active.iter().position(|active| active == q).unwrap())
                    .collect();
                let got = superoperators::reordered(&superoperators::density(&program, &[]), &order);
                let off = distance(&got, &matrix(stated));
                assert!(off < tolerance, "{name}: density matrix off by {off:e}");
            }
            let got = superoperators::probabilities(&program, &[]);
            let off = got.iter().zip(numbers(&expected[outcome])).map(|(g, e)| (g - e).abs()).fold(0.0, f64::max);
            assert!(off < tolerance, "{name}: probabilities off by {off:e}");
        }
        let ideal = program_of(&case, &device, "ideal");
        assert_close(
            &format!("{} ideal", case["id"]),
            &superoperators::probabilities(&ideal, &[]),
            &numbers(&expected["probabilities_ideal"]),
        );
    }
}

/// A device of the random cases: shipped, or kept for its layer fidelities.
fn known(name: &str) -> Device {
    let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("data/layer_fidelity/{name}.json"));
    if kept.exists() { Device::read(kept.to_str().unwrap()).unwrap() } else { Device::named(name).unwrap() }
}

#[test]
fn random_circuits_with_delays_and_resets_give_aer_s_density_matrix_on_every_device() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/aer_random.json");
    let document = json(&path);
    let cases = document["cases"].as_array().unwrap();
    for row in DEVICES.iter().filter(|row| row.name != "heron_r2_uniform") {
        assert!(cases.iter().any(|case| case["device"] == row.name), "no case on {}", row.name);
    }
    for case in cases {
        let device = known(case["device"].as_str().unwrap());
        let expected = &case["expected"];
        let qubits = indices(&case["qubits"]);
        // Dropped terms lose up to 4e-9 a gate, 26 operations a case.
        for (model, tolerance) in [("aer-compat", ROUNDING), ("aer", 1e-7)] {
            let model = NoiseModel::named(model).unwrap();
            let program = model.apply(&circuit_of(case, &device), &device, &qubits).unwrap();
            let order: Vec<usize> =
                qubits.iter().map(|q| program.active.iter().position(|active| active == q).unwrap()).collect();
            let got = superoperators::reordered(&superoperators::density(&program, &[]), &order);
            let off = distance(&got, &matrix(&expected["density_matrix"]));
            assert!(off < tolerance, "{} {}: density matrix off by {off:e}", case["id"], model.name());
            let outcomes =
                superoperators::probabilities(&program, &[]).into_iter().zip(numbers(&expected["probabilities"]));
            let off = outcomes.map(|(g, e)| (g - e).abs()).fold(0.0, f64::max);
            assert!(off < tolerance, "{} {}: probabilities off by {off:e}", case["id"], model.name());
            let is_reported = program.notices.iter().any(|notice| notice.contains("T1 and T2 unknown"));
            assert_eq!(is_reported, qubits.contains(&146), "{}: qubits without data are reported", case["id"]);
        }
    }
}

#[test]
fn every_gate_of_the_cases_has_aer_s_channel() {
    let channels = json(&folder().join("channels.json"));
    for (name, entries) in channels["snapshots"].as_object().unwrap() {
        let device = device(name);
        let rows = report::gates(&device, &NoiseOptions::default()).unwrap();
        for entry in entries.as_array().unwrap() {
            let (gate, qubits) = (Gate::named(entry["gate"].as_str().unwrap()), indices(&entry["qubits"]));
            let what = format!("{name} {} {qubits:?}", entry["gate"]);
            let row = rows.iter().find(|row| Some(row.gate) == gate && row.qubits == qubits);
            if entry["noisy"] == false {
                assert!(row.is_none_or(|row| row.achieved < 1e-15), "{what} is noiseless in Aer");
                continue;
            }
            if gate.is_none() {
                assert_eq!(entry["gate"], "reset", "{what}");
                continue;
            }
            let row = row.unwrap_or_else(|| panic!("{what} is noisy in Aer"));
            let stated = |key: &str| entry[key].as_f64().unwrap();
            // The vectors multiplied nanoseconds by 1e-9 where IBM's reader and ours divide: one step of the last digit.
            assert!((row.length.unwrap().0 / stated("gate_length_s") - 1.0).abs() < 3e-16, "{what}");
            assert_eq!(row.reported.unwrap(), stated("gate_error"), "{what}");
            assert_close(
                &what,
                &[row.relaxation, row.depolarizing, row.achieved],
                &[stated("relax_infidelity"), stated("depolarizing_parameter"), stated("channel_average_infidelity")],
            );
            if let Some(expected) = entry.get("pauli_transfer_matrix") {
                let expected: Vec<Vec<f64>> = expected.as_array().unwrap().iter().map(numbers).collect();
                let got = transfer_of(&device, row.gate, &qubits);
                for (g, e) in got.iter().zip(&expected) {
                    assert_close(&what, g, e);
                }
            }
        }
    }
}

/// Transfer matrix of the noise that the exact model puts behind a gate.
fn transfer_of(device: &Device, gate: Gate, qubits: &[usize]) -> Vec<Vec<f64>> {
    let mut circuit = Circuit::new(device.calibration.qubits.len());
    let params = vec![Param::Fixed(0.3); gate.row().params.len()];
    circuit.push(gate, qubits, &params).unwrap();
    let program = NoiseModel::named("aer").unwrap().apply(&circuit, device, &[]).unwrap();
    let local = |k: usize| qubits.iter().position(|&q| q == program.active[k]).unwrap();
    let noise: Vec<(&[Matrix], Vec<usize>)> = program
        .steps
        .iter()
        .filter_map(|step| match step {
            Step::Noise { channel, qubits, .. } => {
                Some((channel.operators(), qubits.iter().map(|&k| local(k)).collect()))
            }
            _ => None,
        })
        .collect();
    let borrowed: Vec<(&[Matrix], &[usize])> = noise.iter().map(|(operators, on)| (*operators, &on[..])).collect();
    superoperators::transfer(qubits.len(), &borrowed)
}

#[test]
fn sums_over_whole_snapshots_are_aer_s() {
    let index = json(&folder().join("index.json"));
    for (name, stated) in index["snapshots"].as_object().unwrap() {
        let device = device(name);
        let qubits = &device.calibration.qubits;
        let rows = report::gates(&device, &NoiseOptions::default()).unwrap();
        let count = |key: &str| stated[key].as_u64().unwrap() as usize;
        let sum = |key: &str| stated[key].as_f64().unwrap();
        let noisy: Vec<_> = rows.iter().filter(|row| row.depolarizing > 0.0 || row.relaxation > 0.0).collect();
        let resets = qubits.iter().filter(|q| device.has_reset && q.reset_length.is_some()).count();
        assert_eq!(qubits.len(), count("qubits"), "{name}");
        assert_eq!(noisy.len() + resets, count("noisy_gates"), "{name}: noisy gates");
        let depolarizing: f64 = noisy.iter().map(|row| row.depolarizing).sum();
        // A sum of some hundred terms up to one: 1e-11.
        assert!(
            (depolarizing - sum("sum_depolarizing_parameter")).abs() < 1e-11,
            "{name}: depolarizing {depolarizing}"
        );
        let has = |repair: Repair| noisy.iter().filter(|row| row.repairs.contains(&repair)).count();
        assert_eq!(has(Repair::Uncalibrated), count("gates_at_error_one"), "{name}");
        assert_eq!(has(Repair::RelaxationExceedsError), count("gates_limited_by_relaxation"), "{name}");
        let capped = report::qubits(&device, &NoiseOptions::default());
        let capped = capped.iter().filter(|row| row.repairs.contains(&Repair::T2AboveTwiceT1)).count();
        assert_eq!(capped, count("qubits_t2_above_2t1"), "{name}");
        assert_close(name, &[qubits.iter().filter_map(|q| q.readout_error).sum()], &[sum("sum_readout_error")]);
        assert_close(name, &[qubits.iter().filter_map(|q| q.one_given_zero).sum()], &[sum("sum_prob_meas1_prep0")]);
    }
}

/// Rows in the order our own format writes them.
fn sorted(mut rows: Vec<GateData>) -> Vec<GateData> {
    rows.sort_by_key(|row| {
        let mut set = row.qubits.clone();
        set.sort_unstable();
        (row.gate.name(), set, row.qubits.clone())
    });
    rows
}

#[test]
fn every_shipped_snapshot_reads_and_writes_back_bit_for_bit() {
    for row in DEVICES {
        let device = Device::named(row.name).unwrap();
        assert_eq!((device.name.as_str(), device.calibration.qubits.len()), (row.name, row.qubits));
        assert!(device.basis.contains(&Gate::named(row.native).unwrap()), "{}", row.name);
        assert!(!row.doc.is_empty());
        let source = &device.calibration.source;
        assert!(source.date.starts_with("20") && !source.licence.is_empty() && !source.origin.is_empty());
        let written = device.to_json();
        let again = Device::from_json(row.name, &written).unwrap();
        assert_eq!(device, again, "{}", row.name);
        assert_eq!(written, again.to_json(), "{}", row.name);
    }
}

#[test]
fn ibm_s_files_and_the_shipped_ones_agree() {
    for name in ["manila", "oslo", "guadalupe", "kolkata"] {
        let mut original = device(name);
        let shipped = Device::named(name).unwrap();
        original.coupling.sort_by_key(|&(a, b)| (a.min(b), a.max(b), a));
        original.calibration.gates = sorted(original.calibration.gates);
        original.calibration.source = shipped.calibration.source.clone();
        assert_eq!(original, shipped, "{name}");
    }
}

#[test]
fn every_shipped_gate_achieves_its_reported_error_or_reports_why_not() {
    for row in DEVICES {
        let device = Device::named(row.name).unwrap();
        for gate in report::gates(&device, &NoiseOptions::default()).unwrap() {
            let what = format!("{} {} {:?}", row.name, gate.gate.name(), gate.qubits);
            let off = gate.achieved - gate.reported.unwrap();
            // 1 - F loses digits: some 1e-15.
            if off.abs() > 1e-14 {
                let reasons = [Repair::RelaxationExceedsError, Repair::Uncalibrated, Repair::ErrorAboveMaximum];
                assert!(reasons.iter().any(|reason| gate.repairs.contains(reason)), "{what} is off by {off:e}");
            }
        }
    }
}
