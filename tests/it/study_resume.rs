//! Whatever ends a battery, going on gives the tables of one that nothing ended, and repeats nothing.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use qgraft::math::Stream;
use qgraft::study::battery::{Store, Stored};
use tempfile::TempDir;

/// What must be the same to the byte; times stand in other files.
const TABLES: [&str; 5] = ["runs.csv", "epochs.csv", "judged.csv", "predictions.csv", "tables.tex"];

fn place() -> TempDir {
    let place = tempfile::tempdir().unwrap();
    fs::write(place.path().join("tiny.toml"), include_str!("../study/tiny.toml")).unwrap();
    place
}

fn command(place: &Path, out: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_qgraft"));
    command.args(["study", "tiny.toml", "--jobs", "2", "--resume", "--out", out]).current_dir(place);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn start(place: &Path, out: &str) -> Child {
    command(place, out).spawn().unwrap()
}

fn whole(place: &Path, out: &str) {
    assert!(start(place, out).wait().unwrap().success());
}

fn tables(folder: &Path) -> Vec<Vec<u8>> {
    TABLES.iter().map(|name| fs::read(folder.join(name)).unwrap()).collect()
}

/// What the store of a folder holds, times included; nothing if there is none yet.
fn stored(folder: &Path) -> BTreeMap<String, Stored> {
    if !Store::exists(folder) {
        return BTreeMap::new();
    }
    let store = Store::open(folder).unwrap();
    let ids = store.finished().unwrap();
    ids.into_iter().map(|id| (id.clone(), store.result(&id).unwrap().unwrap())).collect()
}

#[test]
fn killed_at_twenty_moments_it_ends_as_if_it_had_not_been() {
    let place = place();
    let began = Instant::now();
    whole(place.path(), "whole");
    let alone = began.elapsed();

    let folder = place.path().join("killed");
    let mut stream = Stream::named(6, "moments");
    let (mut known, mut killed_at_work) = (stored(&folder), 0);
    for _ in 0..20 {
        let mut child = start(place.path(), "killed");
        // On average a fifteenth of the work at a time, so that most of the moments fall into it.
        std::thread::sleep(Duration::from_secs_f64(2.0 * stream.uniform() * alone.as_secs_f64() / 15.0));
        // Already gone is as good as killed: the next one goes on from there.
        let _ = child.kill();
        killed_at_work += usize::from(!child.wait().unwrap().success());
        let now = stored(&folder);
        assert!(known.iter().all(|(id, was)| now.get(id) == Some(was)), "a finished run was lost or repeated");
        known = now;
    }
    assert!(killed_at_work >= 10, "{killed_at_work} of 20 moments fell into the work");
    whole(place.path(), "killed");
    let now = stored(&folder);
    assert!(known.iter().all(|(id, was)| now.get(id) == Some(was)), "the last one repeated a finished run");
    assert_eq!(tables(&folder), tables(&place.path().join("whole")));
}

#[test]
fn an_interrupt_says_what_is_kept() {
    let place = place();
    let child = command(place.path(), "out").stderr(Stdio::piped()).spawn().unwrap();
    while stored(&place.path().join("out")).is_empty() {
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
    let out = child.wait_with_output().unwrap();
    let error = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(130), "{error}");
    assert!(error.contains("what was finished is kept in out, and --resume continues"), "{error}");
}

#[test]
fn two_processes_share_one_folder() {
    let place = place();
    whole(place.path(), "whole");
    let mut both = [start(place.path(), "shared"), start(place.path(), "shared")];
    assert!(both.iter_mut().all(|child| child.wait().unwrap().success()));
    assert_eq!(tables(&place.path().join("shared")), tables(&place.path().join("whole")));
}

#[test]
fn a_full_disk_ends_it_with_a_word_and_spoils_nothing() {
    let place = place();
    whole(place.path(), "whole");
    // A limit on file sizes, with its signal ignored, makes writes fail as a full disk does. 100 blocks are 50 or 100 kB:
    // the store outgrows them in the middle of the work.
    let script = "trap '' XFSZ; ulimit -f 100; exec \"$0\" study tiny.toml --jobs 2 --resume --out full";
    let shell = ["-c", script, env!("CARGO_BIN_EXE_qgraft")];
    let out = Command::new("sh").args(shell).current_dir(place.path()).output().unwrap();
    let error = String::from_utf8(out.stderr).unwrap();
    assert_eq!(out.status.code(), Some(1), "{error}");
    let last = error.lines().last().unwrap_or_default();
    assert!(last.contains("results.sqlite") && last.contains("--resume continues"), "{last}");
    let held = stored(&place.path().join("full"));
    assert!(!held.is_empty(), "what was finished before is kept");
    whole(place.path(), "full");
    let now = stored(&place.path().join("full"));
    assert!(held.iter().all(|(id, was)| now.get(id) == Some(was)));
    assert_eq!(tables(&place.path().join("full")), tables(&place.path().join("whole")));
}
