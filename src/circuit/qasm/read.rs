//! The entry points of the reader.

use std::borrow::Cow;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use super::build::Builder;
use super::cursor::{Parser, Version};
use super::error::{Fault, FaultAt, Notice, QasmError, ReadResult, SourceFile, Span};
use super::parse::{notices, parse};
use super::registers::Finished;
use super::timing::OperationTimes;
use crate::circuit::{Circuit, MAX_REGISTER};
use crate::math::Seconds;

/// What a reader may do and how much it takes. The limits keep malicious texts from exhausting time and memory.
#[derive(Clone, Debug)]
pub struct ReadOptions {
    /// Name of the text in messages.
    pub name: String,
    /// Folders searched for included files other than the built-in `qelib1.inc` and `stdgates.inc`.
    pub include: Vec<PathBuf>,
    /// Length of a device cycle, for delays in `dt`. Without it they are refused.
    pub cycle: Option<Seconds>,
    /// How long operations take, for `stretch`, `durationof` and boxes with a duration. Without it the first two are taken
    /// as 0, with a notice. It may be that of a device, `device::DeviceTimes`.
    pub times: Option<Arc<dyn OperationTimes>>,
    /// Values of the inputs that have one, by name, as text: numbers, `true`, bits like `0110`. An input of type float or
    /// angle without a value is a slot; any other needs one.
    pub inputs: Vec<(String, String)>,
    /// What functions that are declared as extern compute: `vote(a) = popcount(a) > 1`.
    pub externs: Vec<String>,
    /// Whether OpenQASM 3 rounds a division of integers down that leaves a rest, with a notice, as the language has it.
    /// Otherwise it is refused: 3/5 as an angle is nearly always meant as 0.6, and not every caller shows notices.
    pub rounds_divisions: bool,
    /// Longest text, bytes.
    pub max_bytes: usize,
    /// Most qubits, and most classical bits.
    pub max_register: usize,
    /// Most operations of the circuit. Also bounds the steps that loops, gate bodies and expressions expand to, beside
    /// one for each byte of the text: what a text writes out is never too much work.
    pub max_operations: usize,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            name: "input.qasm".into(),
            include: Vec::new(),
            cycle: None,
            times: None,
            inputs: Vec::new(),
            externs: Vec::new(),
            rounds_divisions: false,
            max_bytes: 1 << 30,
            max_register: MAX_REGISTER,
            max_operations: 10_000_000,
        }
    }
}

/// A part of a circuit's classical register that has a name in the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutcomeRegister {
    /// The name of the register or of the output.
    pub name: String,
    /// Its bits in the circuit, the least significant first.
    pub bits: Range<usize>,
}

/// A circuit and what was skipped on the way to it.
#[derive(Clone, Debug)]
pub struct Reading {
    /// The circuit.
    pub circuit: Circuit,
    /// What its outcome consists of, from the lowest bit on; nothing where the source names none (circuit JSON).
    pub registers: Vec<OutcomeRegister>,
    /// Pragmas, annotations, calibrations and the like that a circuit cannot hold.
    pub notices: Vec<Notice>,
}

/// The circuit of an OpenQASM 2 or 3 text. The version line decides which.
///
/// ```
/// use qgraft::circuit::qasm::{ReadOptions, read};
/// let bell = "OPENQASM 3.0; include \"stdgates.inc\"; input float x; qubit[2] q; h q[0]; cx q[0], q[1]; ry(2*x) q[1];";
/// let circuit = read(bell, &ReadOptions::default())?;
/// assert_eq!((circuit.qubits(), circuit.ops().len(), circuit.slot_names()), (2, 3, &["x".to_string()][..]));
///
/// let wrong = read("OPENQASM 3.0; qubit q; foo q;", &ReadOptions::default()).unwrap_err();
/// assert_eq!(wrong.to_string(), "input.qasm:1:24: there is no gate foo");
/// # Ok::<(), qgraft::circuit::qasm::QasmError>(())
/// ```
///
/// # Errors
/// If the text is malformed, holds something a circuit cannot, or exceeds a limit.
pub fn read(text: &str, options: &ReadOptions) -> Result<Circuit, QasmError> {
    read_with_notices(text, options).map(|reading| reading.circuit)
}

/// As [`read`], with what was skipped.
///
/// # Errors
/// As [`read`].
pub fn read_with_notices(text: &str, options: &ReadOptions) -> Result<Reading, QasmError> {
    if text.len() > options.max_bytes.min(u32::MAX as usize) {
        // Without the text itself: a message should not hold it.
        let file = SourceFile { name: options.name.clone(), text: "".into() };
        let fault = Fault::new(format!("the text has {} bytes, the limit is {}", text.len(), options.max_bytes));
        return Err(QasmError::new(
            &file,
            Span::default(),
            fault.hint("split it, or read it with larger ReadOptions::max_bytes"),
        ));
    }
    let mut files = vec![SourceFile { name: options.name.clone(), text: Cow::Borrowed(text) }];
    let found = found(&mut files, options);
    found.map_err(|FaultAt(found)| {
        let (fault, span) = *found;
        QasmError::new(&files[span.file as usize], span, fault)
    })
}

fn found<'t>(files: &mut Vec<SourceFile<'t>>, options: &'t ReadOptions) -> ReadResult<Reading> {
    let mut builder = Builder::new(options, files[0].text.len());
    for given in &options.externs {
        // Few fit on a command line, and far fewer into a text.
        let file = u16::try_from(files.len()).map_err(|_| Fault::new("too many externs").at(Span::default()))?;
        files.push(SourceFile { name: "extern".into(), text: Cow::Borrowed(given) });
        let binding = Parser::new(given, file, Version::Three).binding()?;
        let (name, span) = (binding.name.text.clone(), binding.name.span);
        if builder.bindings.insert(name.clone(), binding).is_some() {
            return Err(Fault::new(format!("{name} is given two functions")).hint("give it one").at(span));
        }
    }
    parse(files, options, &mut builder)?;
    let Finished { circuit, registers, notices: found } = builder.finish()?;
    Ok(Reading { circuit, registers, notices: notices(files, found) })
}
