//! Layer fidelities measured on hardware: what the model `crosstalk` is fitted to, and what it then predicts.

use std::fs;
use std::path::{Path, PathBuf};

use qgraft::device::{DEVICES, Device};
use qgraft::noise::model::chain::{self, Chain};
use qgraft::noise::model::{PARALLEL, typical_parallel};

/// Snapshots that are kept for their layer fidelities, and the shipped ones that have some.
fn devices() -> Vec<Device> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/layer_fidelity");
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.retain(|file| file.extension().is_some_and(|e| e == "json"));
    files.sort();
    let kept = files.iter().map(|file| Device::read(file.to_str().unwrap()).unwrap());
    let shipped = DEVICES.iter().map(|row| Device::named(row.name).unwrap());
    kept.chain(shipped).filter(|device| !device.details.layer_fidelity.is_empty()).collect()
}

#[test]
fn factors_for_gates_in_parallel_are_the_fits_to_short_chains() {
    let mut fits: Vec<(String, String, f64)> = Vec::new();
    for device in devices() {
        assert_eq!(device.calibration.source.licence, "Apache-2.0", "{}", device.name);
        if let Some(factor) = chain::fitted(&device) {
            fits.push((device.name.clone(), device.details.family().unwrap().into(), factor));
        }
    }
    fits.sort_by(|a, b| a.0.cmp(&b.0));
    let rows: Vec<String> =
        fits.iter().map(|(name, family, k)| format!("row({name:?}, {family:?}, {k:.3}),")).collect();
    assert_eq!(PARALLEL.len(), fits.len(), "the table should be\n{}", rows.join("\n"));
    for (row, (name, family, factor)) in PARALLEL.iter().zip(&fits) {
        // The table has three digits.
        let same = row.device == name && row.family == family && (row.factor - factor).abs() < 6e-4;
        assert!(same, "the table should be\n{}", rows.join("\n"));
    }
}

#[test]
fn a_fitted_chain_is_predicted_as_measured_and_none_is_silently_left_out() {
    let mut refused = 0;
    for device in devices() {
        for measured in &device.details.layer_fidelity {
            match Chain::of(&device, measured) {
                Ok(chain) => {
                    let off = chain.predicted(chain.fitted()) - chain.measured;
                    // A factor of -1 is as far as a prediction goes down; otherwise bisection is exact.
                    assert!(off.abs() < 1e-9 || chain.fitted() < -0.999, "{} {}: {off:e}", device.name, chain.qubits);
                    assert!(chain.predicted(0.3) > chain.predicted(0.0), "{}", device.name);
                    assert!(chain.predicted(0.0) >= chain.isolated() - 1e-12, "ZZ adds: {}", device.name);
                }
                Err(why) => {
                    refused += 1;
                    assert!(why.to_string().contains(&device.name), "{why}");
                }
            }
        }
    }
    assert!(refused > 0, "some chains have uncalibrated gates");
}

#[test]
fn long_chains_of_other_devices_are_predicted_better_than_by_isolated_gates() {
    let (mut closer, mut ratios) = (0, Vec::new());
    for device in devices() {
        let factor = typical_parallel(&device).unwrap();
        let long = device.details.layer_fidelity.iter().filter(|chain| [50, 100].contains(&chain.qubits.len()));
        for chain in long.filter_map(|chain| Chain::of(&device, chain).ok()) {
            let off = |predicted: f64| (predicted - chain.measured).abs();
            closer += usize::from(off(chain.predicted(factor)) < off(chain.isolated()));
            ratios.push(chain.measured / chain.predicted(factor));
        }
    }
    ratios.sort_by(f64::total_cmp);
    let median = ratios[ratios.len() / 2];
    println!("closer on {closer} of {}, median ratio {median:.3}", ratios.len());
    assert!(ratios.len() >= 25 && 4 * closer >= 3 * ratios.len(), "{closer} of {}", ratios.len());
    assert!((0.8..=1.25).contains(&median), "{median}");
}
