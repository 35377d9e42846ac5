//! `qgraft transpile FILE --device NAME`: a circuit in the native gates and couplings of a device.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use serde::Serialize;

use crate::circuit::qasm::WriteOptions;
use crate::circuit::{Circuit, OpKind};
use crate::cli::circuit_file::{self, Format, ReadArguments};
use crate::cli::{console, note};
use crate::device::schedule;
use crate::device::{Device, LayoutMethod, Target, TranspileOptions, TranspiledCircuit, transpile};

/// Rewrites a circuit for a device: native gates, coupled qubits, the physical qubits with the least calibrated error.
///
/// Angles left open (`input float` of OpenQASM 3) stay open. The circuit goes to --output or stdout, the summary to
/// stderr; with --json the summary goes to stdout, and the circuit only to --output.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  qgraft transpile circuits/qft.qasm --device torino -o qft_torino.qasm
  qgraft transpile circuits/ghz.qasm --device manila --layout 4,3,2,1 --to qasm2
  qgraft transpile circuits/grover.qasm --device fez --level 1 --json")]
pub struct Arguments {
    /// OpenQASM 2 or 3, or circuit JSON.
    file: PathBuf,
    /// A shipped device (see `qgraft list devices`) or a calibration: our JSON, IBM's CSV, IBM's PROPS.json[,CONF.json] or a
    /// folder with both, or a Qiskit target.
    #[arg(long, value_name = "DEVICE")]
    device: String,
    /// 0 (only what must be done) to 3 (everything).
    #[arg(long, value_name = "0..3", default_value_t = 3, value_parser = clap::value_parser!(u8).range(0..=3))]
    level: u8,
    /// Seed of the random trials of layout and routing.
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// Where qubits start: noise-aware, trivial (k on k), or the physical qubit of each, separated by commas.
    #[arg(long, value_name = "LAYOUT", default_value = "noise-aware", value_parser = layout)]
    layout: LayoutMethod,
    /// Qubits that are read at the end though the circuit does not measure them: the layout weighs their readout error.
    #[arg(long, value_name = "Q,Q,…", value_delimiter = ',')]
    read: Vec<usize>,
    /// The format to write; by default JSON for a file named so, else OpenQASM 3 with physical qubits $k.
    #[arg(long, value_name = "FORMAT")]
    to: Option<Format>,
    /// Where to write the circuit; - is stdout, the default.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Print the summary as JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reading: ReadArguments,
}

fn layout(text: &str) -> Result<LayoutMethod> {
    Ok(match text {
        "noise-aware" => LayoutMethod::NoiseAware,
        "trivial" => LayoutMethod::Trivial,
        list => match list.split(',').map(|qubit| qubit.trim().parse()).collect() {
            Ok(qubits) => LayoutMethod::Given(qubits),
            Err(_) => bail!("use noise-aware, trivial, or a list of physical qubits such as 4,3,2"),
        },
    })
}

/// What transpilation did to a circuit.
#[derive(Serialize)]
struct Summary {
    device: String,
    level: u8,
    seed: u64,
    /// Gates and matrices of the source and of the result.
    gates_before: usize,
    gates_after: usize,
    two_qubit_gates: usize,
    /// One-qubit gates that take time.
    pulses: usize,
    depth_before: usize,
    depth: usize,
    duration_seconds: f64,
    /// Probability that no gate and no measurement errs, idling not counted.
    success: f64,
    /// Physical qubit of each qubit of the source at the start and at the end.
    initial_layout: Vec<usize>,
    final_layout: Vec<usize>,
}

impl Summary {
    fn of(source: &Circuit, transpiled: &TranspiledCircuit, device: &Device, arguments: &Arguments) -> Self {
        let gates = |circuit: &Circuit| {
            circuit.ops().iter().filter(|op| matches!(op.kind, OpKind::Gate { .. } | OpKind::Unitary(_))).count()
        };
        Self {
            device: device.name.clone(),
            level: arguments.level,
            seed: arguments.seed,
            gates_before: gates(source),
            gates_after: gates(&transpiled.circuit),
            two_qubit_gates: transpiled.two_qubit_gates,
            pulses: transpiled.pulses,
            depth_before: source.depth(),
            depth: transpiled.depth,
            duration_seconds: schedule::length(&transpiled.circuit, device).0,
            success: transpiled.success,
            initial_layout: transpiled.initial_layout.clone(),
            final_layout: transpiled.final_layout.clone(),
        }
    }

    fn text(&self) -> String {
        let list = |layout: &[usize]| layout.iter().map(usize::to_string).collect::<Vec<_>>().join(" ");
        let rows = [
            ("device", format!("{}, level {}, seed {}", self.device, self.level, self.seed)),
            ("gates", format!("{} → {}", self.gates_before, self.gates_after)),
            ("two-qubit gates", self.two_qubit_gates.to_string()),
            ("pulses", self.pulses.to_string()),
            ("depth", format!("{} → {}", self.depth_before, self.depth)),
            ("duration", crate::math::Seconds(self.duration_seconds).to_string()),
            ("success", format!("{:.4} (no gate and no measurement errs; idling not counted)", self.success)),
            ("qubits start on", list(&self.initial_layout)),
            ("and end on", list(&self.final_layout)),
        ];
        rows.iter().map(|(name, value)| format!("{name:>16}  {value}\n")).collect()
    }
}

/// Transpiles the circuit.
pub fn run(arguments: &Arguments) -> Result<()> {
    let name = || arguments.file.display().to_string();
    let device = Device::load(&arguments.device)?;
    let circuit = arguments.reading.read(&arguments.file, Some((&device, arguments.layout.clone())))?;
    let options = TranspileOptions {
        level: arguments.level,
        seed: arguments.seed,
        layout: arguments.layout.clone(),
        read: arguments.read.clone(),
    };
    let target = Target::of(&device);
    device.notices.iter().chain(&target.notices).for_each(note);
    if !circuit.directives().is_empty() {
        note(format_args!("{}: annotations and pragmas are left out: their operations are rewritten", name()));
    }
    let transpiled = transpile(&circuit, &target, &options).with_context(name)?;
    let summary = Summary::of(&circuit, &transpiled, &device, arguments);
    let named_json = arguments.output.as_ref().is_some_and(|path| path.extension().is_some_and(|e| e == "json"));
    let format = arguments.to.unwrap_or(if named_json { Format::Json } else { Format::Qasm3 });
    if arguments.output.is_some() || !arguments.json {
        let text = format
            .text(&transpiled.circuit, &WriteOptions { physical_qubits: true, ..WriteOptions::default() })
            .with_context(name)?;
        circuit_file::write(arguments.output.as_deref(), &text)?;
    }
    if arguments.json {
        Ok(console::print_json(&serde_json::to_string_pretty(&summary)?)?)
    } else {
        note(summary.text().trim_end());
        Ok(())
    }
}
