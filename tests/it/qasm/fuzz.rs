//! Mutated texts: nothing may panic, hang or exhaust memory, and what is read must be written and read again.
//! A test of some twenty thousand texts; `run` takes their number.

use std::path::Path;
use std::time::{Duration, Instant};

use qgraft::circuit::qasm::{ReadOptions, WriteOptions, read, write2, write3};
use qgraft::circuit::{Circuit, OpKind};
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

/// Reads `count` mutations of the corpus; texts are a function of seed and number.
pub fn run(corpus: &[String], seed: u64, count: u64) -> Summary {
    let mut summary = Summary::default();
    let options = ReadOptions { max_operations: 20_000, ..ReadOptions::default() };
    for number in 0..count {
        let mut stream = Stream::numbered(seed, number);
        let text = mutated(corpus, &mut stream);
        let start = Instant::now();
        match read(&text, &options) {
            Ok(circuit) => {
                summary.accepted += 1;
                round_trip(&circuit, &text);
            }
            Err(error) => assert!(error.line > 0 && !error.message.is_empty(), "{text}"),
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
    // Many controls are legal and long in version 2.
    let few = |op: &qgraft::circuit::Op| !matches!(op.kind, OpKind::Gate { controls, .. } if controls > 4);
    if circuit.slots() == 0
        && circuit.ops().iter().all(few)
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
];

fn mutated(corpus: &[String], stream: &mut Stream) -> String {
    let original = &corpus[stream.below(corpus.len())];
    if stream.below(3) == 0 { bytes(original, stream) } else { words(original, corpus, stream) }
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
fn words(text: &str, corpus: &[String], stream: &mut Stream) -> String {
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
            3 if !pieces.is_empty() => pieces[at] = WORDS[stream.below(WORDS.len())],
            4 => {
                let other = &corpus[stream.below(corpus.len())];
                let lines: Vec<&str> = other.split_inclusive('\n').collect();
                pieces.insert(at, lines[stream.below(lines.len())]);
            }
            _ => pieces.insert(at, WORDS[stream.below(WORDS.len())]),
        }
    }
    pieces.concat()
}
