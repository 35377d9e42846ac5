//! Trials, devices and data are known by their contents: what was exchanged or changed is refused.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use qgraft::lab::*;
use qgraft::systems::SYSTEMS;
use tempfile::TempDir;

use crate::systems::{COINS, every_system, files, options, smoke};

#[test]
fn results_that_are_not_of_their_trial_are_refused() {
    type Change = fn(&Path, &Path);
    let exchange = |a: &Path, b: &Path| {
        let aside = a.with_extension("aside");
        for (from, to) in [(a, &*aside), (b, a), (&*aside, b)] {
            fs::rename(from, to).unwrap();
        }
    };
    let changes: [(&str, Change); 4] = [
        ("folders exchanged", exchange),
        ("numbers exchanged", |a, b| {
            let of = |folder: &Path| fs::read(folder.join("measurement.json")).unwrap();
            let (first, second) = (of(a), of(b));
            fs::write(a.join("measurement.json"), second).unwrap();
            fs::write(b.join("measurement.json"), first).unwrap();
        }),
        ("a number changed", |a, _| {
            let path = a.join("measurement.json");
            let mut stored: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            stored["measurement"]["values"][0]["value"] = serde_json::json!(0.123);
            fs::write(path, stored.to_string()).unwrap();
        }),
        ("cut short", |a, _| fs::write(a.join("measurement.json"), "{\"measurement\": ").unwrap()),
    ];
    for (what, change) in changes {
        let directory = TempDir::new().unwrap();
        let out = directory.path().join("run");
        COINS.run(&smoke(&COINS), &options(&out, 1), &()).unwrap();
        let trials: Vec<PathBuf> = files(&out.join("trials")).into_iter().map(|(path, _)| path).collect();
        let folders: BTreeSet<PathBuf> =
            trials.iter().map(|path| out.join("trials").join(path.parent().unwrap())).collect();
        let folders: Vec<&PathBuf> = folders.iter().filter(|path| path.to_string_lossy().contains("seed")).collect();
        change(folders[0], folders[1]);
        let resumed = RunOptions { resume: true, ..options(&out, 1) };
        let error = COINS.run(&smoke(&COINS), &resumed, &()).map(drop).expect_err(what).to_string();
        assert!(error.contains("measurement.json"), "{what}: {error}");
        let error = SavedRun::open(&out).map(drop).expect_err(what).to_string();
        assert!(error.contains("measurement.json"), "{what}: {error}");
    }
}

#[test]
fn devices_are_known_by_what_they_are() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name).display().to_string();
    let manila = qgraft::device::Device::named("manila").unwrap().to_json();
    fs::write(at("a.json"), &manila).unwrap();
    fs::write(at("props_b.json"), &manila).unwrap();
    fs::write(at("conf_b.json"), "{}").unwrap();
    std::fs::create_dir(at("inner")).unwrap();
    let check = |names: &[String]| {
        let mut check = Validation::default();
        check.devices("devices", names, 1);
        check
    };
    // Each file that decides a device decides the ids of trials under it.
    let found = check(&["manila".into(), at("a.json"), at("props_b.json")]);
    assert!(found.violations().is_empty(), "{:?}", found.violations());
    let paths: Vec<String> = found.paths().iter().map(|(_, path)| path.display().to_string()).collect();
    assert_eq!(paths, [at("a.json"), at("props_b.json"), at("conf_b.json")]);
    for twice in [["manila".into(), "fake_manila".into()], [at("a.json"), at("inner/../a.json")]] {
        let found = check(&twice);
        assert!(found.violations()[0].to_string().contains("each device once"), "{:?}", found.violations());
    }
    for system in every_system() {
        let has_devices = system.resolve(&Overrides::default()).unwrap().base.contains_key("devices");
        if has_devices {
            let set = vec![("devices".to_string(), "[\"manila\", \"ibm_manila\"]".to_string())];
            let error = system.resolve(&Overrides { set, ..Overrides::default() }).map(drop).unwrap_err().to_string();
            assert!(error.contains("each device once"), "{}: {error}", system.info().name);
        }
    }
}

/// Changes a file when the first trial ends.
struct Meddling(PathBuf);

impl Observer for Meddling {
    fn ends(&self, _worker: usize, _title: &str, _seconds: f64, _failure: Option<&str>) {
        fs::write(&self.0, table(1)).unwrap();
    }
}

/// Features of two classes, shifted.
fn table(shift: usize) -> String {
    let row = |k: usize| format!("{},{},{}\n", k % 2 + shift, k % 5, k % 2);
    (0..40).fold("a,b,label\n".to_string(), |text, k| text + &row(k))
}

#[test]
fn data_that_change_during_a_run_are_told_and_ids_follow_contents() {
    let qtl = *SYSTEMS.iter().find(|system| system.info().name == "qtl").unwrap();
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("data.csv");
    fs::write(&path, table(0)).unwrap();
    let flags = [("features", path.display().to_string()), ("heads", "linear".into()), ("devices", "manila".into())];
    let flags = flags.map(|(name, value)| (name.to_string(), value)).to_vec();
    let overrides = Overrides { presets: vec!["smoke".into()], flags, seeds: Some("1".into()), ..Overrides::default() };
    let request = qtl.resolve(&overrides).unwrap();
    let ids = || qtl.plan(&request, &[]).unwrap().into_iter().map(|trial| trial.id).collect::<Vec<_>>();
    let first = ids();
    let out = directory.path().join("run");
    let error = qtl.run(&request, &options(&out, 1), &Meddling(path.clone())).map(drop).unwrap_err().to_string();
    assert!(error.contains("data.path changed while the run"), "{error}");
    assert!(!out.join("report.html").exists());
    assert_ne!(ids(), first, "other contents, other ids");
    // The same contents under another name are the same trials.
    fs::write(&path, table(0)).unwrap();
    assert_eq!(ids(), first);
}
