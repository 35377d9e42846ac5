//! Files that the program writes: what is there keeps its kind, its mode and its other names.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::Path;
use std::process::{Command, Stdio};

use qgraft::data::write_file;

const BELL: &str = "OPENQASM 2.0; include \"qelib1.inc\"; qreg q[2]; h q[0]; cx q[0], q[1];";

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

#[test]
fn a_new_file_has_the_mode_of_any_file_of_the_user_and_an_old_one_keeps_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let [new, plain, old] = ["new", "plain", "old"].map(|name| folder.path().join(name));
    File::create(&plain).unwrap();
    write_file(&new, b"a").unwrap();
    assert_eq!(mode(&new), mode(&plain), "as the mask of the user says");
    fs::write(&old, "a longer text").unwrap();
    for kept in [0o600, 0o644, 0o754] {
        fs::set_permissions(&old, fs::Permissions::from_mode(kept)).unwrap();
        write_file(&old, b"b").unwrap();
        assert_eq!((fs::read_to_string(&old).unwrap().as_str(), mode(&old)), ("b", kept));
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 3, "no temporary file stays");
}

#[test]
fn links_stay_and_what_they_lead_to_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("inner")).unwrap();
    fs::write(at("inner/target"), "old").unwrap();
    symlink("inner/target", at("link")).unwrap();
    symlink("link", at("second")).unwrap();
    symlink("inner/none_yet", at("dangling")).unwrap();
    for (link, target) in [("link", "inner/target"), ("second", "inner/target"), ("dangling", "inner/none_yet")] {
        write_file(&at(link), link.as_bytes()).unwrap();
        assert!(fs::symlink_metadata(at(link)).unwrap().is_symlink(), "{link}");
        assert_eq!(fs::read_to_string(at(target)).unwrap(), link);
    }
    symlink("circle", at("circle")).unwrap();
    assert!(write_file(&at("circle"), b"a").unwrap_err().to_string().contains("symbolic links"));
    // A second name of a file is a name of the same file afterwards.
    fs::hard_link(at("inner/target"), at("other")).unwrap();
    write_file(&at("other"), b"both").unwrap();
    assert_eq!(fs::read_to_string(at("inner/target")).unwrap(), "both");
}

#[test]
fn a_pipe_is_written_through_and_stays_a_pipe() {
    use std::os::unix::fs::FileTypeExt;
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    let reader = std::thread::spawn({
        let pipe = pipe.clone();
        move || fs::read_to_string(pipe).unwrap()
    });
    write_file(&pipe, b"through").unwrap();
    assert_eq!(reader.join().unwrap(), "through");
    assert!(fs::symlink_metadata(&pipe).unwrap().file_type().is_fifo());
}

#[test]
fn a_file_that_cannot_be_written_is_named_and_no_folder_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    assert!(write_file(folder.path(), b"a").is_err());
    let error = write_file(&folder.path().join("none/file"), b"a").unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    assert!(!error.to_string().contains(".tmp"), "{error}");
}

/// The program in a folder that holds bell.qasm.
fn program(folder: &Path, arguments: &[&str]) -> Command {
    fs::write(folder.join("bell.qasm"), BELL).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_qgraft"));
    command.args(arguments).current_dir(folder);
    command
}

#[test]
fn a_dash_and_the_descriptors_are_stdout() {
    let folder = tempfile::tempdir().unwrap();
    let plain = program(folder.path(), &["convert", "bell.qasm"]).output().unwrap().stdout;
    assert!(plain.starts_with(b"OPENQASM 3.0;"));
    for path in ["-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
        let out = program(folder.path(), &["convert", "bell.qasm", "-o", path]).output().unwrap();
        assert_eq!(out.stdout, plain, "{path}: {}", String::from_utf8_lossy(&out.stderr));
        // Into a file that the shell has opened, behind what stands there.
        let mut log = File::create(folder.path().join("log")).unwrap();
        std::io::Write::write_all(&mut log, b"before\n").unwrap();
        let done = program(folder.path(), &["convert", "bell.qasm", "-o", path]).stdout(log).status().unwrap();
        assert!(done.success(), "{path}");
        let text = fs::read(folder.path().join("log")).unwrap();
        assert_eq!(text, [b"before\n", &plain[..]].concat(), "{path}");
    }
    let out = program(folder.path(), &["draw", "bell.qasm", "--svg", "-"]).output().unwrap();
    assert!(out.stdout.starts_with(b"<svg"));
}

#[test]
fn a_closed_pipe_or_a_full_stderr_ends_nothing_in_a_panic() {
    let folder = tempfile::tempdir().unwrap();
    for arguments in [&["list", "gates"][..], &["draw", "bell.qasm"], &["transpile", "bell.qasm", "--device", "manila"]]
    {
        let mut command = program(folder.path(), arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        assert!(child.wait().unwrap().success() && !said.contains("panicked"), "{arguments:?}: {said}");
        if Path::new("/dev/full").exists() {
            let full = || File::options().write(true).open("/dev/full").unwrap();
            let out = program(folder.path(), arguments).stderr(full()).output().unwrap();
            assert!(out.status.success() && !out.stdout.is_empty(), "{arguments:?} with a full stderr");
            let out = program(folder.path(), arguments).stdout(full()).output().unwrap();
            assert_eq!(out.status.code(), Some(1), "{arguments:?}: a full disk is a failure");
        }
    }
}
