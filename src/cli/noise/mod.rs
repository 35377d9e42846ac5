//! `qgraft noise DEVICE`: a calibration, and the noise that models build from it.

mod calibration;
mod diff;
mod explain;
mod layers;

use std::path::PathBuf;

use anyhow::{Result, bail};
use comfy_table::{ContentArrangement, Table, presets};
use serde_json::Value;

use crate::circuit::{Circuit, OpKind};
use crate::cli::circuit_file::{self, ReadArguments};
use crate::cli::{console, note};
use crate::device::Device;

/// Shows the calibration of a device, the infidelity of the channels built from it, and every repair.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  qgraft noise manila
  qgraft noise props_kyiv.json --write kyiv.json --origin 'IBM, my account' --licence 'not stated'
  qgraft noise --diff monday.json friday.json
  qgraft noise manila --explain circuits/ghz.qasm --model crosstalk
  qgraft noise --layer-fidelity data/layer_fidelity/*.json sherbrooke torino fez boston")]
pub struct Arguments {
    /// A shipped device, our JSON, IBM's PROPS.json[,CONF.json] or a folder with both, a Qiskit target, or the IBM Quantum
    /// platform's CSV.
    #[arg(value_name = "DEVICE")]
    devices: Vec<String>,
    /// Print JSON instead of tables.
    #[arg(long)]
    json: bool,
    /// Write the snapshot in our own format.
    #[arg(long, value_name = "FILE")]
    write: Option<PathBuf>,
    /// With --write: where the numbers come from.
    #[arg(long, value_name = "TEXT", requires = "write")]
    origin: Option<String>,
    /// With --write: the licence of the numbers.
    #[arg(long, value_name = "TEXT", requires = "write")]
    licence: Option<String>,
    /// Compare two days of one device.
    #[arg(long, conflicts_with_all = ["write", "explain", "layer_fidelity"])]
    diff: bool,
    /// List the sources of noise and the gates that cost a circuit its fidelity.
    #[arg(long, value_name = "CIRCUIT", conflicts_with_all = ["write", "layer_fidelity"])]
    explain: Option<PathBuf>,
    /// With --explain: the noise model.
    #[arg(long, value_name = "NAME", default_value = "aer", requires = "explain")]
    model: String,
    #[command(flatten)]
    reading: ReadArguments,
    /// Error per layered gate of the devices' chains, measured and predicted; all shipped devices by default.
    #[arg(long, conflicts_with = "write")]
    layer_fidelity: bool,
    /// With --layer-fidelity: also write the table, as Markdown.
    #[arg(long, value_name = "FILE", requires = "layer_fidelity")]
    table: Option<PathBuf>,
    /// Temperature of the qubits, millikelvin.
    #[arg(long, value_name = "MK", default_value_t = 0.0)]
    temperature: f64,
}

/// Runs the part that the flags select.
pub fn run(arguments: &Arguments) -> Result<()> {
    if arguments.explain.is_none() && !arguments.reading.is_empty() {
        bail!("--include, --input and --extern belong to the circuit of --explain; give that too");
    }
    if arguments.layer_fidelity {
        return layers::run(arguments);
    }
    let devices = arguments.devices.iter().map(|name| Device::load(name)).collect::<Result<Vec<_>, _>>()?;
    devices.iter().flat_map(|device| &device.notices).for_each(note);
    match &devices[..] {
        [before, after] if arguments.diff => diff::run(before, after, arguments.json),
        _ if arguments.diff => bail!("--diff compares two devices, {} were given", devices.len()),
        [device] => match (&arguments.explain, &arguments.write) {
            (Some(circuit), _) => explain::run(arguments, device, circuit),
            (_, Some(path)) => circuit_file::write(Some(path), &stated(arguments, device.clone()).to_json()),
            _ => calibration::run(arguments, device),
        },
        others => bail!("one device is expected, {} were given (qgraft list devices)", others.len()),
    }
}

fn stated(arguments: &Arguments, mut device: Device) -> Device {
    let source = &mut device.calibration.source;
    for (stated, field) in [(&arguments.origin, &mut source.origin), (&arguments.licence, &mut source.licence)] {
        if let Some(stated) = stated {
            field.clone_from(stated);
        }
    }
    device
}

/// Whether every gate of `circuit` is calibrated on its qubits.
fn is_native(circuit: &Circuit, device: &Device) -> bool {
    circuit.qubits() <= device.calibration.qubits.len()
        && circuit.ops().iter().all(|op| match &op.kind {
            OpKind::Gate { gate, controls: 0, .. } => {
                let mut rows = device.calibration.gates.iter();
                device.basis.contains(gate) && rows.any(|row| row.gate == *gate && row.qubits[..] == op.qubits[..])
            }
            OpKind::Gate { .. } | OpKind::Unitary(_) => false,
            _ => true,
        })
}

/// A table in the style of all commands.
fn table(columns: &[&str], rows: impl IntoIterator<Item = Vec<String>>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic).set_header(columns);
    table.add_rows(rows);
    table
}

fn print_json(value: &Value) -> Result<()> {
    Ok(console::print_json(&serde_json::to_string_pretty(value)?)?)
}

/// A number that may be unknown.
fn shown(value: Option<f64>) -> String {
    value.map_or("-".into(), |value| format!("{value:.3e}"))
}
