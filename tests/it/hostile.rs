//! Inputs that mean harm, or that harm by accident: what blocks or never ends, names that steer a terminal, a page or a
//! spreadsheet, sizes without bound, threads without bound. Each is refused by a message, or harmless.

use std::fs::{self, File};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use qgraft::device::Device;
use tempfile::TempDir;

const BELL: &str = "OPENQASM 2.0; include \"qelib1.inc\"; qreg q[2]; creg c[2]; h q[0]; cx q[0], q[1]; measure q -> c;";

/// No refusal takes longer, on a busy machine and without optimisation.
const LIMIT: Duration = Duration::from_secs(60);

/// A folder with a circuit.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    fs::write(folder.path().join("bell.qasm"), BELL).unwrap();
    folder
}

fn command(folder: &Path, line: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_qgraft"));
    command.args(line.split_whitespace()).current_dir(folder).stdin(Stdio::null());
    command
}

/// Runs it, and fails if it does not end.
fn ended(mut command: Command) -> Output {
    let what = format!("{command:?}");
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    // Every answer here is shorter than what a pipe holds.
    while child.try_wait().unwrap().is_none() {
        if begun.elapsed() > LIMIT {
            child.kill().unwrap();
            panic!("{what} does not end");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    child.wait_with_output().unwrap()
}

fn said(out: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&out.stdout), String::from_utf8_lossy(&out.stderr))
}

/// Commands that read a file, with `IN` in its place, and the ending that tells its kind.
const READERS: &[(&str, &str)] = &[
    ("draw IN", "qasm"),
    ("simulate IN", "json"),
    ("convert IN", "qasm"),
    ("transpile IN --device manila", "qasm"),
    ("transpile bell.qasm --device IN", "json"),
    ("bench sv --circuit IN", "qasm"),
    ("bench noisy --circuit bell.qasm --engine density --noise IN", "json"),
    ("bench grad --qubits 2 --layers 1 --batch 1 --noise IN", "json"),
    ("simulate bell.qasm --device IN", "csv"),
    ("simulate bell.qasm --noise IN", "json"),
    ("noise IN", "json"),
    ("noise manila --explain IN", "qasm"),
    ("study IN", "toml"),
    ("run qtl --spec IN", "toml"),
    ("run qtl --features IN", "safetensors"),
    ("run qtl --features IN", "npz"),
    ("run qtl --features IN", "csv"),
    ("run qtl --backbone resnet18 --weights IN", "pth"),
    ("run qtl --ansatz IN", "qasm"),
    ("run qtl --devices IN", "json"),
    ("run soh --data IN", "csv"),
    ("run forest --data IN", "dat"),
    ("run smear --data IN", "zip"),
    ("run pricing --data IN", "csv"),
    ("run circuits --devices IN", "json"),
    ("run noise_robustness --circuit IN", "qasm"),
];

#[test]
fn what_is_no_regular_file_is_refused_and_not_waited_for() {
    let folder = folder();
    for (line, ending) in READERS {
        let name = format!("in.{ending}");
        let path = folder.path().join(&name);
        let made = Command::new("mkfifo").arg(&path).status().unwrap();
        assert!(made.success());
        let out = ended(command(folder.path(), &line.replace("IN", &name)));
        let text = said(&out);
        assert!(!out.status.success() && text.contains(&name) && !text.contains("panicked"), "{line}: {text}");
        assert!(text.contains("pipe") || text.contains("ansatz"), "{line}: {text}");
        fs::remove_file(&path).unwrap();
        // A file of 1 TB without a block on the disk: refused by its length, nothing of it is read.
        let Ok(()) = File::create(&path).unwrap().set_len(1 << 40) else { continue };
        let begun = Instant::now();
        let out = ended(command(folder.path(), &line.replace("IN", &name)));
        let text = said(&out);
        assert!(!out.status.success() && text.contains(&name) && !text.contains("panicked"), "{line}: {text}");
        assert!(text.contains("more than ") || text.contains("ansatz"), "{line}: {text}");
        fs::remove_file(&path).unwrap();
        assert!(begun.elapsed() < LIMIT, "{line}");
    }
}

#[test]
fn what_the_shell_has_opened_is_read() {
    let folder = folder();
    for path in ["/dev/stdin", "/dev/fd/0", "/proc/self/fd/0"] {
        let mut child = command(folder.path(), &format!("convert {path} --to json"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), BELL.as_bytes()).unwrap();
        let out = child.wait_with_output().unwrap();
        assert!(out.status.success() && said(&out).contains("qgraft"), "{path}: {}", said(&out));
    }
}

/// Begins a title of the terminal, red letters, a bell, a carriage return, an 8-bit escape, and letters from right to left.
const STEERING: &str = "a\u{1b}]0;title\u{7}\u{1b}[31mred\u{9b}2J\u{202e}exe.";

#[test]
fn names_of_others_do_not_steer_the_terminal() {
    let folder = folder();
    let mut device: serde_json::Value = serde_json::from_str(&Device::named("manila").unwrap().to_json()).unwrap();
    device["device"] = STEERING.into();
    device["source"]["origin"] = STEERING.into();
    let file = format!("{STEERING}.json");
    fs::write(folder.path().join(&file), device.to_string()).unwrap();
    let circuit = format!("{STEERING}.qasm");
    fs::write(folder.path().join(&circuit), "OPENQASM 3.0; qubit[2] q; foo q[0];").unwrap();
    let table = format!("{STEERING}.csv");
    fs::write(folder.path().join(&table), format!("{STEERING},class\n1,{STEERING}\n")).unwrap();
    fs::write(folder.path().join("in_text.qasm"), format!("OPENQASM 3.0; qubit[2] q; // {STEERING}\nh {STEERING};"))
        .unwrap();
    let lines: &[&[&str]] = &[
        &["noise", &file],
        &["noise", &file, "--explain", "bell.qasm"],
        &["simulate", "bell.qasm", "--device", &file],
        &["transpile", "bell.qasm", "--device", &file, "-o", "out.qasm"],
        &["draw", &circuit],
        &["draw", "in_text.qasm"],
        &["simulate", &format!("{STEERING}none.qasm")],
        &["simulate", "bell.qasm", "--device", STEERING],
        &["simulate", "bell.qasm", "--threads", STEERING],
        &["run", "qtl", "--features", &table],
        &["run", "qtl", "--heads", STEERING],
        &["run", "qtl", "--set", &format!("{STEERING}=1")],
        &["run", "forest", "--data", &table],
        &["run", "circuits", "--devices", &file, "--preset", "smoke", "--dry-run"],
        &["study", STEERING],
        &["predict", STEERING, STEERING],
        &[STEERING],
    ];
    for line in lines {
        let mut command = command(folder.path(), "");
        command.args(*line);
        let text = said(&ended(command));
        let unsafe_letter = text.chars().find(|&c| c.is_control() && c != '\n' && c != '\t' || c == '\u{202e}');
        assert!(unsafe_letter.is_none() && !text.contains("panicked"), "{line:?} writes {unsafe_letter:?}: {text:?}");
    }
}

/// Files with sizes in them, by name.
const SIZED: &[(&str, &str)] = &[
    (
        "qubits.json",
        r#"{"format":"qgraft-circuit-1","qubits":18446744073709551615,"bits":0,"slots":[],"ops":[{"op":"gate","name":"x","qubits":[0]}]}"#,
    ),
    (
        "bits.json",
        r#"{"format":"qgraft-circuit-1","qubits":2,"bits":18446744073709551615,"slots":[],"ops":[{"op":"gate","name":"x","qubits":[0]}]}"#,
    ),
    (
        "controls.json",
        r#"{"format":"qgraft-circuit-1","qubits":2,"bits":0,"slots":[],"ops":[{"op":"gate","name":"swap","controls":18446744073709551615,"qubits":[0]}]}"#,
    ),
    ("huge.qasm", "OPENQASM 3.0; qubit[4000000000] q;"),
    ("batch.toml", "format = \"qgraft.qtl/2\"\n[train]\nbatch = 1000000000000\n"),
    ("suite.toml", "format = \"qgraft.suite/1\"\n[runs.a]\nsystem = \"qtl\"\ntrain = { batch = 1000000000000 }\n"),
];

/// Commands that ask for too much, and what the refusal says.
const TOO_MUCH: &[(&str, &str)] = &[
    ("simulate qubits.json", "at most 4096"),
    ("draw qubits.json", "at most 4096"),
    ("convert bits.json", "at most 4096"),
    ("transpile bits.json --device torino", "at most 4096"),
    ("draw controls.json", "acts on"),
    ("draw huge.qasm", "larger than the limit of 4096"),
    ("run qtl --seeds 10000000000", "up to 100000"),
    ("run qtl --spec batch.toml", "batch"),
    ("study suite.toml", "train.batch"),
    ("run qtl --batch 1000000000000", "train.batch"),
    ("run qtl --qubits 193", "from 1 to 192"),
    ("run qtl --shots 18446744073709551615", "shots"),
    ("run noise_robustness --scales 1e300", "scales"),
    ("run noise_robustness --set devices=[\"manila\",\"ibm_manila\"]", "each device once"),
    ("run qtl --heads linear,linear", "each entry once"),
    ("run soh --set heads=[]", "at least one entry"),
    ("run qtl --set train.schedule={name=\"step\",every=0,factor=0.5}", "train.schedule.every = 0"),
    ("run qtl --set train.schedule={name=\"step\",every=1,factor=nan}", "train.schedule.factor = NaN"),
    ("run qtl --set train.optimizer.beta1=-5.0", "train.optimizer.beta1 = -5"),
    ("simulate bell.qasm --shots 18446744073709551615", "use at most"),
    ("simulate bell.qasm --observable Z4000000000000", "expected one below"),
    ("simulate bell.qasm --observable Z400000", "no qubit"),
    ("simulate bell.qasm --save s.npy --keep 99999999999", "no qubit"),
    ("transpile bell.qasm --device manila --read 99999999999", "99999999999"),
    ("transpile bell.qasm --device manila --layout 99999999999,1", "does not exist"),
    ("bench grad --qubits 1000000000 --layers 1 --batch 1", "expected 1 to 40"),
    ("bench grad --qubits 4 --layers 1000000000 --batch 1", "expected 0 to 1000"),
    ("bench grad --qubits 4 --layers 1 --batch 10000000000000", "expected 1 to 1000000"),
    ("bench sv --circuit bell.qasm --budget 1e300", "budget"),
    ("run forest --data words.csv --keep a", "60000 different words; expected at most 1000"),
    ("run forest --data columns.csv", "5000 columns"),
    ("run forest --data classes.csv", "30000 classes; expected at most 1000"),
    ("run qtl --features classes.csv", "30000 classes; expected at most 1000"),
];

#[test]
fn sizes_have_bounds_that_are_checked_before_memory_is_asked_for() {
    let folder = folder();
    for (name, text) in SIZED {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let table =
        |row: &dyn Fn(usize) -> String| (0..60_000).fold("a,b,class\n".to_string(), |text, k| text + &row(k) + "\n");
    fs::write(folder.path().join("words.csv"), table(&|k| format!("word{k},{k},{}", k % 2))).unwrap();
    fs::write(folder.path().join("classes.csv"), table(&|k| format!("{},{k},class{}", k % 7, k / 2))).unwrap();
    let row = |cell: &dyn Fn(usize) -> String, class: &str| {
        (0..5000).map(cell).chain([class.to_string()]).collect::<Vec<_>>().join(",") + "\n"
    };
    let rows: String = (0..9).map(|k| row(&|column| ((k * column) % 9).to_string(), ["x", "y"][k % 2])).collect();
    let columns = row(&|column| format!("c{column}"), "class") + &rows;
    fs::write(folder.path().join("columns.csv"), columns).unwrap();
    let mut wrong = Vec::new();
    for (line, part) in TOO_MUCH {
        let out = ended(command(folder.path(), line));
        let text = said(&out);
        if out.status.success() || !text.contains(part) || text.contains("panicked") {
            wrong.push(format!("{line}: {text}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A command, and how it names the number that it was given.
const LONG_NUMBERS: &[(&str, &str)] = &[
    ("run noise_robustness --scales 1e300", "scales = 1e300:"),
    ("run qtl --set evaluate.scales=[-1e-300]", "evaluate.scales = -1e-300:"),
    ("run qtl --set circuit.weight_sd=-1e300", "circuit.weight_sd = -1e300:"),
    ("draw power.qasm", "pow(1e300)"),
    ("draw register.qasm", "1e300 is not an integer"),
    ("draw index.qasm", "1e300 is not an integer"),
    ("simulate one.qasm --observable 1e300*Z0", "-1.000000e300"),
    ("simulate one.qasm --engine sparse --observable 1e300*Z0", "-1.000000e300"),
];

#[test]
fn a_number_with_hundreds_of_digits_is_named_with_its_exponent() {
    let folder = folder();
    let texts = [
        ("power", "pow(1e300) @ x q[0];"),
        ("register", "qubit[1e300] r;"),
        ("index", "x q[1e300];"),
        ("one", "x q[0];"),
    ];
    for (name, statement) in texts {
        let text = format!("OPENQASM 3.0;\ninclude \"stdgates.inc\";\nqubit[2] q;\n{statement}\n");
        fs::write(folder.path().join(name).with_extension("qasm"), text).unwrap();
    }
    for (line, part) in LONG_NUMBERS {
        let text = said(&ended(command(folder.path(), line)));
        let longest = text.split(|c: char| !c.is_ascii_digit()).map(str::len).max();
        assert!(text.contains(part) && longest < Some(30), "{line}: {text}");
    }
}

#[test]
fn threads_have_a_bound_and_the_environment_is_told() {
    let folder = folder();
    let json = |line: &str, variables: &[(&str, &str)]| {
        let mut command = command(folder.path(), line);
        command.envs(variables.iter().copied());
        ended(command)
    };
    for count in ["0", "1025", "1000000", "18446744073709551615"] {
        let out = json(&format!("simulate bell.qasm --threads {count}"), &[]);
        assert!(out.status.code() == Some(1) && said(&out).contains("expected 1 to 1024"), "{count}: {}", said(&out));
        let out = json(&format!("bench sv --circuit bell.qasm --threads {count}"), &[]);
        assert!(out.status.code() == Some(1) && said(&out).contains("expected 1 to 1024"), "{count}: {}", said(&out));
    }
    for line in ["run qtl --jobs 65535", "run qtl --jobs 0", "study none.toml --jobs 65535"] {
        let out = json(line, &[]);
        assert!(out.status.code() == Some(2) && said(&out).contains("--jobs"), "{line}: {}", said(&out));
    }
    let threads = |variables: &[(&str, &str)]| {
        let out = json("simulate bell.qasm --json", variables);
        let answer: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
        (answer["threads"].as_u64().unwrap(), String::from_utf8_lossy(&out.stderr).into_owned())
    };
    let usual = threads(&[]);
    assert!(usual.0 >= 1 && usual.1.is_empty(), "{usual:?}");
    assert_eq!(threads(&[("RAYON_NUM_THREADS", "3")]), (3, String::new()));
    // Those of the tensor library are the program's own.
    assert_eq!(threads(&[("CANDLE_NUM_THREADS", "100000"), ("CANDLE_CPU_MASK", "0-4000")]), usual);
    for wrong in ["1000000", "-1", "many", ""] {
        let (count, notice) = threads(&[("RAYON_NUM_THREADS", wrong)]);
        assert!(count == usual.0 && notice.contains("is ignored: expected 1 to 1024"), "{wrong}: {notice}");
    }
}

#[test]
fn names_that_are_no_text_are_told() {
    let folder = folder();
    let odd = |name: &[u8]| folder.path().join(std::ffi::OsStr::from_bytes(name));
    for class in [&b"data/cat"[..], b"data/d\xffg", b"data/d\xfeg", b"plain\xff/cat", b"plain\xff/dog"] {
        fs::create_dir_all(odd(class)).unwrap();
    }
    let out = ended(command(folder.path(), "features data -o out.safetensors"));
    assert!(!out.status.success() && said(&out).contains("the name is not UTF-8; rename it"), "{}", said(&out));
    let mut features = command(folder.path(), "features -o out.safetensors");
    features.arg(odd(b"plain\xff"));
    let out = ended(features);
    assert!(!out.status.success() && said(&out).contains("the name is not UTF-8; rename it"), "{}", said(&out));
    // Where no text is needed, any name does.
    fs::write(odd(b"b\xff.qasm"), BELL).unwrap();
    let mut draw = command(folder.path(), "draw");
    draw.arg(odd(b"b\xff.qasm"));
    assert!(ended(draw).status.success());
    let mut run = command(folder.path(), "run qtl --heads none --out");
    run.arg(odd(b"o\xff"));
    let text = said(&ended(run));
    assert!(text.contains("heads") && !text.contains("panicked"), "{text}");
}

#[test]
fn names_do_not_become_markup_or_formulas() {
    let folder = folder();
    let device = "x\"><h1>INJECTED<img src=x onerror=alert(1)>&.json";
    fs::write(folder.path().join(device), Device::named("manila").unwrap().to_json()).unwrap();
    let formula = "=cmd|calc.json";
    fs::write(folder.path().join(formula), Device::named("oslo").unwrap().to_json()).unwrap();
    let mut run = command(folder.path(), "run circuits --preset smoke --out run --seeds 1");
    for set in [
        "experiments=[\"transpilation\"]",
        "qubits=[2]",
        "transpilation.optimization_levels=[0]",
        "transpilation.layouts=[\"trivial\"]",
    ] {
        run.args(["--set", set]);
    }
    run.args(["--set", &format!("devices={}", serde_json::json!([device, formula]))]);
    let out = ended(run);
    assert!(out.status.success(), "{}", said(&out));
    let page = fs::read_to_string(folder.path().join("run/report.html")).unwrap();
    assert!(page.contains("INJECTED") && !page.contains("<h1>INJECTED") && !page.contains("<img"), "raw markup");
    let mut cells = 0;
    for entry in fs::read_dir(folder.path().join("run")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "csv") {
            let mut table = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_path(&path).unwrap();
            for cell in table.records().flat_map(|record| record.unwrap().iter().map(String::from).collect::<Vec<_>>())
            {
                cells += usize::from(cell.contains("cmd|calc"));
                let is_formula =
                    cell.starts_with(['=', '+', '-', '@']) && cell.parse::<f64>().is_err() && cell.len() > 1;
                assert!(!is_formula, "{}: {cell}", path.display());
            }
        }
    }
    assert!(cells > 0, "the name is in a table");
}
