//! Several devices on one command line: names and files, with commas and spaces in their names.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use qgraft::device::Device;
use tempfile::TempDir;

const FILES: [&str; 3] = ["my, own device.json", "other device.json", "plain.json"];

/// A folder with calibration files.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    let text = Device::named("manila").unwrap().to_json();
    for name in FILES {
        fs::write(folder.path().join(name), &text).unwrap();
    }
    folder
}

fn qgraft(directory: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_qgraft")).args(arguments).current_dir(directory).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn devices_are_listed_with_commas_or_by_repeating_the_option() {
    let folder = folder();
    let [comma, space, plain] = FILES;
    let listed = format!("{comma},{plain},{space}");
    let device_lists: [&[&str]; 4] = [
        &["--device", comma, "--device", plain, "--device", space],
        &["--devices", &listed],
        &["--devices", &format!("{comma},{plain}"), "--device", space],
        &["--devices", "[\"my, own device.json\", \"plain.json\", \"other device.json\"]"],
    ];
    for system in ["qtl", "noise_robustness"] {
        for (k, devices) in device_lists.iter().enumerate() {
            let out = qgraft(folder.path(), &[&["run", system, "--preset", "smoke", "--dry-run"], *devices].concat());
            assert!(out.status.success(), "{system} {k}: {}", text(&out.stderr));
        }
    }
    let run = ["run", "qtl", "--preset", "smoke", "--seeds", "1", "--heads", "quantum", "--out", "run"];
    let out = qgraft(folder.path(), &[&run[..], device_lists[0]].concat());
    assert!(out.status.success(), "{}", text(&out.stderr));
    let results = text(&fs::read(folder.path().join("run/results.csv")).unwrap());
    for name in FILES {
        assert!(results.contains(name), "{name}: {results}");
    }
    let missing = qgraft(folder.path(), &["run", "qtl", "--preset", "smoke", "--device", "plain.json,gone.json"]);
    assert!(text(&missing.stderr).contains("gone.json"), "{}", text(&missing.stderr));
}

#[test]
fn an_axis_of_devices_has_files_as_levels() {
    let folder = folder();
    let [comma, space, _] = FILES;
    let vary = format!("condition.device={comma},{space}");
    let common = ["run", "qtl", "--preset", "smoke", "--seeds", "1", "--heads", "quantum", "--vary", &vary];
    let plan = |more: &[&str]| {
        let out = qgraft(folder.path(), &[&common[..], &["--dry-run"], more].concat());
        assert!(out.status.success(), "{}", text(&out.stderr));
        text(&out.stdout).lines().last().unwrap().to_string()
    };
    assert_eq!(plan(&[]), "2 trials");
    assert_eq!(plan(&["--only", &format!("device={comma},seed=0")]), "1 trial");
}
