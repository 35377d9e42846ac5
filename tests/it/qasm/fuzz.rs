//! Mutated texts, OpenQASM and circuit JSON: nothing may panic, hang or exhaust memory, what is read must be written and
//! read again, and what is refused must be reported. Texts are a function of seed and number.

use std::path::Path;
use std::time::{Duration, Instant};

use qgraft::circuit::Circuit;
use qgraft::circuit::qasm::{ReadOptions, WriteOptions, read, write2, write3};
use qgraft::math::Stream;

/// What a run saw.
#[derive(Default, Debug)]
pub struct Summary {
    /// Texts that were read without complaint.
    pub accepted: usize,
    /// The longest time one text took.
    pub slowest: Duration,
}

/// The texts of the library, and those that are refused; the former more often, so that mutations reach behind the parser.
pub fn corpus() -> Vec<String> {
    let read = |folder: &str| {
        let entries = std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)).unwrap();
        let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
        paths.retain(|path| path.extension().is_some_and(|e| e == "qasm"));
        paths.sort();
        paths.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect::<Vec<_>>()
    };
    let (good, bad) = (read("circuits"), read("tests/qasm/bad"));
    good.iter().cycle().take(8 * good.len()).chain(&bad).cloned().collect()
}

/// How many texts a test reads: `usual`, or as many as QGRAFT_MUTATIONS says.
pub fn count(usual: u64) -> u64 {
    std::env::var("QGRAFT_MUTATIONS").ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

/// Reads `count` mutations of the circuits `corpus` as JSON.
pub fn run_json(corpus: &[String], seed: u64, count: u64) -> Summary {
    let mut summary = Summary::default();
    for number in 0..count {
        let mut stream = Stream::numbered(seed, number);
        let text = mutated(corpus, JSON, &mut stream);
        let start = Instant::now();
        match Circuit::from_json(&text) {
            Ok(circuit) => {
                summary.accepted += 1;
                assert_eq!(Circuit::from_json(&circuit.to_json()).unwrap(), circuit, "{text}");
                if circuit.ops().len() < 200 {
                    round_trip(&circuit, &text);
                    let _ = circuit.inverse();
                }
            }
            Err(error) => assert!((1..700).contains(&error.to_string().len()), "{text}"),
        }
        summary.slowest = summary.slowest.max(start.elapsed());
    }
    summary
}

/// Reads `count` mutations of the corpus.
pub fn run(corpus: &[String], seed: u64, count: u64) -> Summary {
    let mut summary = Summary::default();
    let options = ReadOptions { max_operations: 20_000, ..ReadOptions::default() };
    for number in 0..count {
        let mut stream = Stream::numbered(seed, number);
        let text = mutated(corpus, WORDS, &mut stream);
        let start = Instant::now();
        match read(&text, &options) {
            Ok(circuit) => {
                summary.accepted += 1;
                round_trip(&circuit, &text);
            }
            Err(error) => {
                let report = error.report();
                assert!(error.line > 0 && report.contains('×') && report.len() < 4000, "{text}\n{report}");
            }
        }
        summary.slowest = summary.slowest.max(start.elapsed());
    }
    summary
}

fn round_trip(circuit: &Circuit, text: &str) {
    let options = ReadOptions::default();
    let again = write3(circuit, &WriteOptions::default());
    let back = read(&again, &options).unwrap_or_else(|e| panic!("{}\nfrom\n{text}\nas\n{again}", e.report()));
    assert_eq!(write3(&back, &WriteOptions::default()), again, "from\n{text}");
    if circuit.slots() == 0
        && let Ok(second) = write2(circuit)
    {
        read(&second, &options).unwrap_or_else(|e| panic!("{}\nfrom\n{text}\nas\n{second}", e.report()));
    }
}

/// Words that make trouble where they do not belong.
const WORDS: &[&str] = &[
    "q",
    "q[0]",
    "q[1]",
    "c",
    "c[0]",
    "$0",
    "$99999",
    "pi",
    "-",
    "+",
    "*",
    "/",
    "^",
    "**",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ";",
    ",",
    ":",
    "@",
    "==",
    "=",
    "->",
    "!",
    "&&",
    "||",
    "<",
    "0",
    "1",
    "2",
    "-1",
    "1e308",
    "1e-320",
    "0x1f",
    ".5",
    "99999999999999999999",
    "h",
    "cx",
    "u3",
    "U",
    "rx",
    "gphase",
    "ctrl",
    "negctrl",
    "inv",
    "pow",
    "ctrl(3)",
    "pow(-2)",
    "pow(0.5)",
    "gate",
    "opaque",
    "if",
    "else",
    "for",
    "in",
    "int",
    "measure",
    "reset",
    "barrier",
    "delay[3ns]",
    "qreg",
    "creg",
    "qubit",
    "bit",
    "input",
    "float",
    "const",
    "include",
    "\"qelib1.inc\"",
    "OPENQASM",
    "3.0",
    "2.0",
    "box",
    "defcal",
    "cal",
    "#pragma",
    "@note",
    "//",
    "/*",
    "*/",
    "\"",
    "true",
    "sin",
    "mod",
    "θ",
    "\u{feff}",
    "\n",
    "gate g a",
    "for int i in [0:3]",
    "{ x q; }",
    "if (c == 1)",
    "if (c[0] && !c[1])",
    "def",
    "while",
    "dt",
    "ns",
    "'",
    "'stdgates.inc'",
    "\"01\"",
    "~",
    "&",
    "|",
    "<<",
    ">>",
    "int[2](c)",
    "uint[2](c)",
    "bool(c)",
    "sizeof(q)",
    "popcount(c)",
    "c[-1]",
    "c[0:1]",
    "const bit[2] b = \"10\";",
    "const duration d = 2*10ns;",
    "delay[d + 5ns]",
    "ctrl(9)",
    "if (c < 2) { x q; } else",
    "cal {",
    "@note \"",
];

/// The same for circuit JSON.
const JSON: &[&str] = &[
    "0",
    "1",
    "2",
    "-1",
    "64",
    "65",
    "1e308",
    "1e-320",
    "0.5",
    "18446744073709551615",
    "18446744073709551616",
    "null",
    "true",
    "\"\"",
    "\"x\"",
    "\"cx\"",
    "\"u\"",
    "\"iswap\"",
    "\"gate\"",
    "\"measure\"",
    "\"reset\"",
    "\"barrier\"",
    "\"delay\"",
    "\"unitary\"",
    "\"global_phase\"",
    "\"controls\":",
    "\"controls\":2,",
    "\"qubits\":",
    "\"bits\":",
    "\"condition\":",
    "\"value\":",
    "\"params\":",
    "\"slot\":",
    "\"fixed\":",
    "\"seconds\":",
    "\"rows\":",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    "[[1,0],[0,0]]",
    "{\"bits\":[0],\"value\":1}",
    "{\"fixed\":0.5}",
    "\n",
];

fn mutated(corpus: &[String], words: &[&str], stream: &mut Stream) -> String {
    let original = &corpus[stream.below(corpus.len())];
    if stream.below(3) == 0 { bytes(original, stream) } else { exchanged(original, corpus, words, stream) }
}

/// Flips, drops and inserts single bytes.
fn bytes(text: &str, stream: &mut Stream) -> String {
    let mut bytes = text.as_bytes().to_vec();
    for _ in 0..=stream.below(6) {
        let at = stream.below(bytes.len().max(1));
        match stream.below(4) {
            0 if !bytes.is_empty() => bytes[at] ^= 1 << stream.below(8),
            1 if !bytes.is_empty() => drop(bytes.remove(at)),
            2 => bytes.truncate(at),
            _ => bytes.insert(at, stream.below(256) as u8),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Drops, doubles, exchanges and replaces words, and splices lines of other texts in.
fn exchanged(text: &str, corpus: &[String], words: &[&str], stream: &mut Stream) -> String {
    let mut pieces: Vec<&str> = text.split_inclusive(|c: char| " ;,()[]{}\n".contains(c)).collect();
    for _ in 0..=stream.below(5) {
        let at = stream.below(pieces.len().max(1)).min(pieces.len());
        match stream.below(6) {
            0 if !pieces.is_empty() => drop(pieces.remove(at)),
            1 if !pieces.is_empty() => pieces.insert(at, pieces[at]),
            2 if pieces.len() > 1 => {
                let other = stream.below(pieces.len());
                pieces.swap(at, other);
            }
            3 if !pieces.is_empty() => pieces[at] = words[stream.below(words.len())],
            4 => {
                let other = &corpus[stream.below(corpus.len())];
                let lines: Vec<&str> = other.split_inclusive('\n').collect();
                pieces.insert(at, lines[stream.below(lines.len())]);
            }
            _ => pieces.insert(at, words[stream.below(words.len())]),
        }
    }
    pieces.concat()
}
