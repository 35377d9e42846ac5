//! What mutations found, as kinds: sizes and lists that a file states, and texts of any length. Each is read or refused within
//! a second.

use rustix::time::{ClockId, clock_gettime};

use super::mutate::{Files, unchanged};
use super::targets::{Input, named};
use super::worker::{LONGEST_MESSAGE, SECONDS};
use super::{scratch, seeds};

/// A reader, its input, and what the refusal says; nothing if it is read.
type Kind = (&'static str, Files, &'static str);

fn one(text: String) -> Files {
    vec![(String::new(), text.into_bytes())]
}

fn joined(count: usize, item: impl Fn(usize) -> String) -> String {
    (0..count).map(item).collect::<Vec<_>>().join(",")
}

/// The seed of a reader with a piece of its first part replaced.
fn changed(seeds: Vec<Files>, from: &str, to: &str) -> Files {
    let has = |files: &&Files| String::from_utf8_lossy(&files[0].1).contains(from);
    let mut files = seeds.iter().find(has).unwrap_or_else(|| panic!("no seed has {from}")).clone();
    files[0].1 = String::from_utf8_lossy(&files[0].1).replacen(from, to, 1).into_bytes();
    files
}

/// More entries than a second is enough for if each is compared with each.
const MANY: usize = 100_000;
/// Qubits that a device may have.
const WIDEST_DEVICE: usize = 10_000;

fn kinds() -> Vec<Kind> {
    let long = "long".repeat(MANY);
    let aer = |instruction: &str| {
        one(format!(
            r#"{{"errors": [{{"type": "qerror", "operations": ["sx"], "probabilities": [1.0], "instructions": [[{instruction}]]}}]}}"#
        ))
    };
    let kraus = |count: usize| {
        let matrix = |k: usize| format!("[[[{k}, 1], [0, 0]], [[0, 0], [1, {k}]]]");
        format!(r#"{{"name": "kraus", "qubits": [0], "params": [{}]}}"#, joined(count, matrix))
    };
    let suite = |vary: String| {
        one(format!(
            "format = \"qgraft.suite/1\"\n[runs.a]\nsystem = \"qtl\"\nheads = [\"linear\"]\nvary = {{ {vary} }}\n"
        ))
    };
    let rates = joined(MANY, |k| format!("{}.5", k));
    let ten = joined(10, |k| format!("{k}.5"));
    let fields = ["rate", "warm_up", "clip", "batch", "epochs"];
    let classes = joined(MANY, |k| format!("c{k}"));
    vec![
        // Sizes that a file states.
        ("noise", aer(r#"{"name": "id", "qubits": [18446744073709551615]}"#), "acts on 18446744073709551615 qubits"),
        (
            "noise",
            aer(&format!(r#"{{"name": "pauli", "params": ["{}"], "qubits": [0]}}"#, "X".repeat(30))),
            "pauli of 30 letters",
        ),
        ("head", changed(seeds::heads(), "\\\"features\\\":3", "\\\"features\\\":4294967296"), "4294967296 features"),
        ("head", changed(seeds::heads(), "\\\"depth\\\":1", "\\\"depth\\\":1000000000"), "circuit.depth = 1000000000"),
        ("head", changed(seeds::heads(), "\\\"qubits\\\":2", "\\\"qubits\\\":400"), "circuit.qubits = 400"),
        (
            "device",
            changed(
                seeds::devices(),
                "\"qubits\": 2,",
                "\"qubits\": 2, \"zz\": {\"pairs\": [[0, 1]], \"shift_ghz\": [1e308]},",
            ),
            "zz of (0, 1) is inf Hz",
        ),
        ("noise", aer(&kraus(1000)), "more than 256 different Kraus operators"),
        // Products of what is varied.
        ("suite", suite(format!("\"train.rate\" = [{rates}]")), "at most 10000 are planned"),
        (
            "suite",
            suite(fields.map(|field| format!("\"train.{field}\" = [{ten}]")).join(", ")),
            "vary makes 100000 combinations",
        ),
        // Lists of many.
        (
            "table",
            one(format!("a,b\n{}", (0..MANY).map(|k| format!("{k},c{k}\n")).collect::<String>())),
            "100000 classes",
        ),
        (
            "table",
            one(format!("{classes}\n{}\n{}\n", joined(MANY, |k| format!("x{k}")), joined(MANY, |_| "y".into()))),
            "expected at most 4096",
        ),
        (
            "keel",
            one(format!(
                "@relation r\n@attribute a real\n@attribute c {{{classes}}}\n@inputs a\n@outputs c\n@data\n{}",
                (0..MANY).map(|k| format!("1, c{k}\n")).collect::<String>()
            )),
            "100000 classes",
        ),
        ("safetensors", changed(seeds::safetensors(), r#"[\"a\", \"b\"]"#, &classes), "100000 classes"),
        (
            "device",
            one(format!(
                r#"{{"format": 1, "device": "wide", "source": {{"origin": "o", "date": "d", "licence": "l"}}, "qubits": {WIDEST_DEVICE},
                "basis": ["sx"], "reset": true, "t1_us": 100, "faulty": [{}], "gates": {{"sx": {{"error": 0.1}}}}}}"#,
                joined(WIDEST_DEVICE, |k| k.to_string())
            )),
            "",
        ),
        ("counts", changed(seeds::counts(), r#""label":"a""#, &format!(r#""label":"{long}""#)), ""),
        ("counts", changed(seeds::counts(), r#""01":3"#, r#""01":18446744073709551615"#), ""),
        (
            "device-ibm",
            changed(seeds::devices_of_ibm(), "\"last_update_date\": \"", "\"last_update_date\": \"\", \"was\": \""),
            "",
        ),
        // Texts that messages quote.
        ("observable", one(format!("Z0 + {long}")), " ... "),
        ("suite", one(format!("format = {long}")), " ... "),
        ("settings", vec![("qtl.toml".into(), format!("{long} = 1").into_bytes())], " ... "),
        (
            "lives",
            one(format!("cell,charge,discharge,throughput,health\na,{long},1,0,1\n")),
            "expected a number from 0 to 100",
        ),
        ("table", one(format!("a,b\n{long},x\n1,y\n2,y\n3,x\n4,x\n5,x\n6,x\n7,x\n8,x\n9,x\n10,x\n11,x\n")), "line 2"),
        ("circuit-json", one(format!(r#"{{"{long}": 1}}"#)), " ... "),
        ("metrics", one(format!(r#"{{"format": "{long}"}}"#)), "metrics.json"),
        ("device", one(format!(r#"{{"format": 1, "qubits": "{long}"}}"#)), "qubits"),
        ("noise", one(format!(r#"{{"{long}": 1}}"#)), " ... "),
    ]
}

#[test]
fn sizes_and_lists_of_files_are_bounded() {
    let folder = scratch();
    // Of this thread: other tests run beside it.
    let seconds = || {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        time.tv_sec as f64 + time.tv_nsec as f64 * 1e-9
    };
    let mut faults = Vec::new();
    for (k, (name, files, expected)) in kinds().into_iter().enumerate() {
        let target = named(name).unwrap();
        let files = unchanged(&files, target.form);
        let start = seconds();
        let answer = (target.read)(&Input { files: &files, folder: folder.path() });
        let took = seconds() - start;
        let message = answer.err().unwrap_or_default();
        let is_expected = message.contains(expected) && message.is_empty() == expected.is_empty();
        if !is_expected || message.chars().count() > LONGEST_MESSAGE || took > SECONDS {
            let shown: String = message.chars().take(300).collect();
            faults.push(format!("{k}, {name}, {took:.2} s, {} characters: {shown}", message.chars().count()));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}
