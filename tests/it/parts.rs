//! Parts of a run that are joined: what fits, and what is said of what does not.

use std::sync::Mutex;
use std::sync::atomic::AtomicUsize;

use qgraft::lab::*;
use tempfile::TempDir;

use crate::systems::{Impatient, every_system, files, options, smoke};

/// Parts that were cut in two and in three, one of them interrupted, and joined.
#[test]
fn parts_that_are_joined_make_the_files_of_one_run() {
    for system in every_system().filter(|system| ["qtl", "soh", "circuits"].contains(&system.info().name)) {
        let (name, directory) = (system.info().name, TempDir::new().unwrap());
        let spec = smoke(system);
        let at = |run: &str| directory.path().join(run);
        let first = system.run(&spec, &options(&at("whole"), 1), &()).unwrap();
        let parts: Vec<&str> = vec!["1/2", "2/2", "1/3"];
        let mut merge = Vec::new();
        for part in parts {
            let own = at(&part.replace('/', "-"));
            let options = RunOptions { only: vec![format!("part={part}")], ..options(&own, 1) };
            match system.run(&spec, &options, &()) {
                Ok(_) => merge.push(own),
                // A part of few trials may be empty.
                Err(error) => assert!(matches!(error, StudyError::NothingToRun { .. }), "{name}: {error}"),
            }
        }
        // Nothing is left to be run: the observer would stop it.
        let stop = Impatient { ended: AtomicUsize::new(0), most: 0 };
        let joined = RunOptions { merge: merge.clone(), ..options(&at("joined"), 1) };
        let outcome = system.run(&spec, &joined, &stop).unwrap();
        assert_eq!(outcome.results.planned, first.results.planned, "{name}");
        assert!(files(&at("whole")) == files(&at("joined")), "{name}: joined parts make other files");

        let empty = RunOptions { merge: vec![at("nowhere")], ..options(&at("other"), 1) };
        let error = system.run(&spec, &empty, &()).unwrap_err().to_string();
        assert!(error.contains("no finished trials") && error.contains("nowhere"), "{name}: {error}");
    }
    for part in ["0/2", "3/2", "1", "a/b", "1/0", "-1/2", "1/100001"] {
        let error = qgraft::lab::Part::parse(part).unwrap_err().to_string();
        assert!(error.contains(part) && error.contains("K/N"), "{error}");
    }
}

/// Keeps what a run says.
#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl Observer for Notes {
    fn note(&self, text: &str) {
        self.0.lock().unwrap().push(text.into());
    }
}

#[test]
fn trials_of_other_runs_are_left_out_and_a_part_without_trials_stops_nothing() {
    let directory = TempDir::new().unwrap();
    let at = |run: &str| directory.path().join(run);
    let named = |name: &str| every_system().find(|system| system.info().name == name).unwrap();
    let (coins, soh) = (named("coins"), named("soh"));
    let whole = coins.run(&smoke(coins), &options(&at("coins"), 1), &()).unwrap();
    soh.run(&smoke(soh), &options(&at("soh"), 1), &()).unwrap();
    let set =
        Overrides { presets: vec!["smoke".into()], set: vec![("throws".into(), "7".into())], ..Overrides::default() };
    coins.run(&coins.resolve(&set).unwrap(), &options(&at("seven"), 1), &()).unwrap();
    std::fs::create_dir_all(at("failed").join("trials")).unwrap();

    let notes = Notes::default();
    let merge = ["coins", "soh", "seven", "failed"].map(at).to_vec();
    coins.run(&smoke(coins), &RunOptions { merge, ..options(&at("joined"), 1) }, &notes).unwrap();
    assert!(files(&at("coins")) == files(&at("joined")), "trials of other runs change the files");
    let notes = notes.0.into_inner().unwrap().join("\n");
    let planned = whole.results.planned;
    for wanted in [
        "soh: ".to_string(),
        "left out, as no trials of this run".into(),
        "computed again: throws changed".into(),
        "failed: no finished trials".into(),
        format!("0 of {planned} that are wanted are still to be run"),
    ] {
        assert!(notes.contains(&wanted), "{wanted}\n{notes}");
    }
    // A name that is wrong leaves no folder behind.
    let missing = RunOptions { merge: vec![at("nowhere")], ..options(&at("other"), 1) };
    assert!(coins.run(&smoke(coins), &missing, &()).is_err() && !at("other").exists());
}
