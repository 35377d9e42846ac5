//! `qgraft simulate FILE`: probabilities, expectation values, counts and states of one circuit.
//!
//! From the file to a program (`setup`), from the program to numbers (`answer`), from numbers to text (`show`).

mod answer;
mod explain;
mod mitigated;
mod npy;
#[cfg(feature = "mpi")]
mod ranks;
mod setup;
mod show;

use std::path::PathBuf;

use anyhow::{Result, bail, ensure};

use crate::cli::circuit_file::{self, ReadArguments};
use crate::cli::{console, threads};
#[cfg(feature = "mpi")]
use crate::sim::ranks::Communicator;
use crate::sim::{Bond, Cut, MOST_BOND, Precision};
use answer::{Answer, answer};
use setup::Setup;

/// Simulates a circuit, ideal or under the calibrated noise of a device.
///
/// Outcomes are those of the classical bits if the circuit measures (readout error included), else those of its qubits;
/// the highest bit is printed first. Only qubits that something acts on are simulated in registers wider than ten.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  qgraft simulate circuits/ghz.qasm --shots 1000
  qgraft simulate circuits/qaoa_ring.qasm --device torino --transpile --observable \"Z0 Z1 + 0.5 X2\"
  qgraft simulate circuits/w_state.qasm --save state.npy --json
  qgraft simulate circuits/ghz.qasm --noise noise.json
  qgraft simulate circuits/ghz.qasm --device torino --transpile --twirl --engine stabilizer --shots 100000
  qgraft simulate circuits/ghz.qasm --device torino --transpile --observable \"X0 X1 X2\" --mitigation readout_inversion,zero_noise_linear

A noise.json for all gates and qubits: depolarizing probabilities, then P(read 1 | 0) and P(read 0 | 1).
  {\"one_qubit_gates\": {\"depol\": 0.001}, \"two_qubit_gates\": {\"depol\": 0.01}, \"readout\": [0.02, 0.03]}")]
pub struct Arguments {
    /// OpenQASM 2 or 3, or circuit JSON.
    file: PathBuf,
    /// Engine (see `qgraft list engines`).
    #[arg(long, value_name = "NAME", default_value = "auto")]
    engine: String,
    /// Noise of this device (see `qgraft list devices`), or of a calibration (our JSON, IBM's CSV, PROPS.json[,CONF.json], a
    /// folder with both, or a Qiskit target). Qubit k of the circuit is qubit k of the device; a gate that the device does
    /// not have is applied without noise and named.
    #[arg(long, value_name = "NAME|FILE")]
    device: Option<String>,
    /// Noise model (see `qgraft list models`).
    #[arg(long, value_name = "NAME", default_value = "aer", requires = "device")]
    model: String,
    /// Noise listed in a JSON file, without a device: gate by gate, one number for all gates, or what
    /// `NoiseModel.to_dict(serializable=True)` of Qiskit Aer gives.
    #[arg(long, value_name = "FILE", conflicts_with = "device")]
    noise: Option<PathBuf>,
    /// Rewrite the circuit for the device first: native gates on coupled qubits.
    #[arg(long, requires = "device")]
    transpile: bool,
    /// Replace every noise channel by its Pauli twirl, what remains of it in the mean over randomly inserted Paulis: noise that
    /// the engine "stabilizer" runs.
    #[arg(long)]
    twirl: bool,
    /// Draw so many shots; also the number of trajectories (1024 by default).
    #[arg(long, value_name = "N")]
    shots: Option<usize>,
    /// Seed of everything random.
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// Width of the numbers, double or single.
    #[arg(long, value_name = "P", default_value = "double")]
    precision: Precision,
    /// Threads; by default as many as the machine has.
    #[arg(long, value_name = "T")]
    threads: Option<usize>,
    /// A sum of Pauli strings whose expectation value is wanted, such as "Z0 Z1 + 0.5 X2"; may be repeated.
    #[arg(long, value_name = "TEXT", allow_hyphen_values = true)]
    observable: Vec<String>,
    /// Mitigate the noise in expectation values by these methods (see `qgraft list mitigations`), the innermost first: that of
    /// the readout before those of gates. With --shots, values are those of so many shots. Outcomes are left out.
    #[arg(long, value_name = "LIST", value_delimiter = ',', requires = "observable")]
    #[arg(conflicts_with_all = ["save", "probabilities", "explain", "tolerance", "roulette"])]
    mitigation: Vec<String>,
    /// Values of the circuit's open angles, radians, in the order of their declaration.
    #[arg(long, value_name = "A,A,…", value_delimiter = ',', allow_hyphen_values = true)]
    angles: Vec<f64>,
    /// Save the density matrix of these qubits alone, the first listed the least significant.
    #[arg(long, value_name = "Q,Q,…", value_delimiter = ',', requires = "save")]
    keep: Vec<usize>,
    /// Save the state just before terminal measurements as a NumPy array: the state vector of an ideal circuit, else the
    /// density matrix.
    #[arg(long, value_name = "OUT.npy")]
    save: Option<PathBuf>,
    /// What the engine "sparse" drops: Pauli strings with coefficients smaller than this, 1e-4 by default.
    #[arg(long, value_name = "C", allow_negative_numbers = true)]
    cut: Option<f64>,
    /// It also drops strings on more qubits than this.
    #[arg(long, value_name = "W")]
    most_weight: Option<usize>,
    /// It holds at most so many strings for an observable, 2^20 by default, and drops more to do so; within a step there
    /// may be four times as many.
    #[arg(long, value_name = "N")]
    most_terms: Option<usize>,
    /// Of the engine "sparse", an error in place of a cut: the cut falls until the error that can be stated, a bound or a 95 %
    /// interval, is at most this; refused if it cannot.
    #[arg(long, value_name = "T", allow_negative_numbers = true, conflicts_with_all = ["cut", "most_weight"])]
    tolerance: Option<f64>,
    /// The engine "sparse" draws whether a string below the cut is dropped or raised to it, so that means are exact: values
    /// of eight runs with a 95 % interval.
    #[arg(long, conflicts_with_all = ["tolerance", "most_weight"])]
    roulette: bool,
    /// Largest bond dimension of the engine "mps", 128 by default.
    #[arg(long, value_name = "D")]
    most_bond: Option<usize>,
    /// Share of a state's norm that the engine "mps" may drop at every split, 1e-16 by default; 0 drops nothing until a bond is
    /// full.
    #[arg(long, value_name = "W", allow_negative_numbers = true)]
    dropped_weight: Option<f64>,
    /// Run nothing: what each engine would take, and which one `auto` chooses.
    #[arg(long)]
    explain: bool,
    /// Print one JSON object.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    reading: ReadArguments,
    /// List probabilities in JSON even if there are more than 2^16.
    #[arg(long)]
    probabilities: bool,
}

impl Arguments {
    /// What the engine "sparse" drops.
    fn cut(&self) -> Cut {
        let Cut { below, terms, .. } = Cut::default();
        Cut {
            below: self.cut.unwrap_or(below),
            weight: self.most_weight,
            terms: self.most_terms.unwrap_or(terms),
            tolerance: self.tolerance,
            roulette: (self.roulette || self.tolerance.is_some()).then_some(self.seed),
        }
    }
}

impl Arguments {
    /// What the engine "mps" drops.
    fn bond(&self) -> Bond {
        let Bond { most, weight } = Bond::default();
        Bond { most: self.most_bond.unwrap_or(most), weight: self.dropped_weight.unwrap_or(weight) }
    }
}

/// Simulates and prints.
pub fn run(arguments: &Arguments) -> Result<()> {
    ensure!(arguments.shots != Some(0), "--shots 0 shows nothing; give 1 or more");
    let cut = arguments.cut();
    ensure!((0.0..=1.0).contains(&cut.below), "--cut {}: give a number from 0 to 1, such as 1e-4", cut.below);
    let options = [
        ("--cut", "sparse", arguments.cut.is_some()),
        ("--most-weight", "sparse", arguments.most_weight.is_some()),
        ("--most-terms", "sparse", arguments.most_terms.is_some()),
        ("--tolerance", "sparse", arguments.tolerance.is_some()),
        ("--roulette", "sparse", arguments.roulette),
        ("--most-bond", "mps", arguments.most_bond.is_some()),
        ("--dropped-weight", "mps", arguments.dropped_weight.is_some()),
    ];
    for (option, engine, _) in options.iter().filter(|(.., given)| *given) {
        ensure!(
            ["auto", engine].contains(&arguments.engine.as_str()),
            "{option} belongs to the engine {engine}; --engine {} drops nothing of that kind",
            arguments.engine
        );
    }
    for (option, is_given) in [("--tolerance", arguments.tolerance.is_some()), ("--roulette", arguments.roulette)] {
        ensure!(
            !is_given || !arguments.observable.is_empty(),
            "{option} is about expectation values; give --observable, or leave it out"
        );
    }
    let bond = arguments.bond();
    ensure!((1..=MOST_BOND).contains(&bond.most), "--most-bond {}: give a number from 1 to {MOST_BOND}", bond.most);
    ensure!(
        (0.0..=1.0).contains(&bond.weight),
        "--dropped-weight {}: give a number from 0 to 1, such as 1e-12",
        bond.weight
    );
    if let Some(tolerance) = arguments.tolerance {
        ensure!(
            tolerance > 0.0 && tolerance.is_finite(),
            "--tolerance {tolerance}: give a finite number above 0, such as 1e-3"
        );
    }
    ensure!(
        arguments.engine != "sparse" || arguments.shots.is_none(),
        "--engine sparse draws no shots; leave --shots out, or use another engine"
    );
    ensure!(
        !arguments.twirl || arguments.device.is_some() || arguments.noise.is_some(),
        "--twirl changes noise, and there is none; give --device or --noise"
    );
    ensure!((1..=1 << 30).contains(&cut.terms), "--most-terms {}: give a number from 1 to 2^30", cut.terms);
    let methods = mitigated::methods(arguments)?;
    let exact = ["auto", "statevector", "density"];
    if arguments.save.is_some() && !exact.contains(&arguments.engine.as_str()) {
        bail!("--engine {} holds no state that could be saved; use one of {}", arguments.engine, exact.join(", "));
    }
    let workers = threads::pool(arguments.threads)?;
    let setup = Setup::of(arguments)?;
    #[cfg(feature = "mpi")]
    if let Some(ranks) = ranks::world()? {
        let rank = ranks.rank();
        let answer = workers.install(|| ranks::answer(arguments, &setup, ranks));
        // All ranks have the same answer, or fail together.
        return if rank == 0 { print(arguments, &setup, &answer?) } else { Ok(()) };
    }
    if arguments.explain {
        let rows = workers.install(|| explain::explained(arguments, &setup))?;
        match arguments.json {
            true => console::print_json(&serde_json::to_string(&rows)?)?,
            false => console::print(&explain::text(&rows))?,
        }
        return Ok(());
    }
    let (answer, state) = workers.install(|| match methods.as_slice() {
        [] => answer(arguments, &setup),
        methods => Ok((mitigated::answer(arguments, &setup, methods)?, None)),
    })?;
    if let (Some(path), Some(state)) = (&arguments.save, &state) {
        circuit_file::write_bytes(path, &npy::bytes(state.view()))?;
    }
    print(arguments, &setup, &answer)
}

fn print(arguments: &Arguments, setup: &Setup, answer: &Answer) -> Result<()> {
    match arguments.json {
        true => Ok(console::print_json(&serde_json::to_string(answer)?)?),
        false => Ok(console::print(&show::text(arguments, setup, answer))?),
    }
}
