//! What a call of an engine takes: memory and time, estimated from the program before anything is allocated.
//!
//! Every row of [`ENGINES`] has a function from [`Workload`] and [`Call`] to [`Cost`]. "auto" chooses by
//! it, engines refuse by it, and refusals name the cheapest engine that would do. Bytes are an upper bound that real runs
//! come close to (`tests/it/costs.rs` compares them with measured peaks); seconds are within a factor of a few.

mod memory;
mod outline;

pub use memory::available;
pub(crate) use outline::{Outline, WantedBits};

use std::sync::Arc;

use crate::circuit::{Observable, Param};
use crate::noise::{Program, Step};
use crate::sim::mps::ChainOutline;
use crate::sim::needed::Needed;
use crate::sim::readout::ProgramParts;
use crate::sim::sparse::Probe;
use crate::sim::stabilizer::Sampling;
use crate::sim::{ENGINES, EngineOptions, EngineRow, Precision, SimError, ValueKind};

/// No engine allocates more than this for one call, bytes. A machine that has less lowers it.
pub const MEMORY_LIMIT: f64 = 16.0 * GIB;
/// No call takes longer than this by its estimate, seconds.
pub const TIME_LIMIT: f64 = 3600.0;
/// Trajectories that take longer than this are refused where an exact engine takes a hundredth of their time, seconds.
const PATIENCE: f64 = 60.0;
/// Chunks of a batch run side by side as long as their states stay below this, bytes: more threads take no more memory.
const SIDE_BY_SIDE: f64 = 4.0 * GIB;
/// Time of one draw, seconds: a search in a sorted list and a random number.
pub(crate) const DRAW: f64 = 3e-8;
/// Registers up to this width are cheap on any engine: how many strings their observables have is guessed.
const NARROW: usize = 12;
const GIB: f64 = 1024.0 * 1024.0 * 1024.0;

/// What a call computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// Expectation values.
    Values,
    /// Expectation values and their gradient.
    Gradient,
    /// Probabilities of outcomes.
    Probabilities,
    /// Counts of outcomes.
    Sample,
    /// Final states: vectors, or the density matrix of one row.
    States,
}

/// A call of an engine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Call {
    /// What it computes.
    pub request: Request,
    /// Rows of angles.
    pub rows: usize,
    /// Trajectories a row, or shots of [`Request::Sample`].
    pub shots: usize,
    /// Width of the numbers.
    pub precision: Precision,
    /// Pauli strings that the engine "sparse" holds for an observable, at most.
    pub strings: usize,
    /// The cut of the engine "sparse".
    pub below: f64,
    /// Largest bond dimension of the engine "mps".
    pub bond: usize,
    /// Threads that share the rows.
    pub threads: usize,
}

impl Call {
    /// One row, on the threads of this pool.
    pub fn new(request: Request, options: &EngineOptions) -> Self {
        let EngineOptions { precision, shots, cut, bond, .. } = *options;
        let (strings, bond, threads) = (cut.terms, bond.most, rayon::current_num_threads());
        Self { request, rows: 1, shots, precision, strings, below: cut.below, bond, threads }
    }

    /// The same for so many rows.
    pub fn rows(self, rows: usize) -> Self {
        Self { rows, ..self }
    }

    /// Time to draw the shots from probabilities, seconds.
    pub(crate) fn drawing(&self) -> f64 {
        if self.request == Request::Sample { self.rows as f64 * self.shots as f64 * DRAW } else { 0.0 }
    }

    /// Bytes of a number.
    pub(crate) fn number(&self) -> f64 {
        match self.precision {
            Precision::Double => 8.0,
            Precision::Single => 4.0,
        }
    }

    /// Numbers in a register of the vector unit: 64 bytes of them.
    pub(crate) fn register(&self) -> usize {
        match self.precision {
            Precision::Double => 8,
            Precision::Single => 16,
        }
    }
}

/// What a call takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Bytes held at the same time, at most.
    pub bytes: f64,
    /// Time on one thread, seconds, for a machine that does 10⁹ multiplications and additions a second.
    pub seconds: f64,
}

impl Cost {
    /// Whether it is within the limits that hold on every machine.
    pub fn fits(&self) -> bool {
        self.bytes <= MEMORY_LIMIT && self.seconds <= TIME_LIMIT
    }
}

/// What of a program decides what it takes.
#[derive(Clone, Debug)]
pub struct Workload {
    /// Width of the quantum register.
    pub(crate) qubits: usize,
    /// Width of the classical register.
    pub(crate) bits: usize,
    /// Number of outcomes, as a power of two.
    pub(crate) width: usize,
    /// Steps before the terminal measurements.
    pub(crate) steps: usize,
    /// Steps with noise, or a reset.
    pub(crate) noisy_steps: usize,
    /// Whether it measures before its end or acts under a condition.
    pub(crate) dynamic: bool,
    /// Whether input slots come on single qubits before anything entangles them: what the pauli engine is fast at.
    pub(crate) splits: bool,
    /// Whether anything is measured at all.
    pub(crate) measures: bool,
    /// Angles of gates that have a slot.
    pub(crate) angles: usize,
    /// Whether a gate has a slot that is no input.
    pub(crate) weighted: bool,
    /// Number of observables.
    pub(crate) observables: usize,
    /// Pauli strings of all observables.
    pub(crate) terms: usize,
    /// Powers of two by which conditions split exact values of the engine "stabilizer", at most.
    pub(crate) splits_by_conditions: usize,
    /// How its shots are drawn if it is Clifford operations and Pauli noise whatever its angles are.
    pub(crate) stabilizer: Option<Sampling>,
    /// Whether an observable has a letter X or Y.
    pub(crate) flips: bool,
    /// Entries `4^k` of each operation on k qubits that is not fused, k above 2.
    pub(crate) wide: Vec<f64>,
    /// Measurements, conditions and blocks.
    pub(crate) outline: Outline,
    /// The same of what results depend on, where that is less.
    pub(crate) needed: Option<Outline>,
    /// The bonds that it makes between qubits in a line; `None` for gates that the engine "mps" does not run.
    pub(crate) chain: Option<Arc<ChainOutline>>,
    /// What tells the number of strings of its observables, where a register is too wide for all of them.
    pub(crate) probe: Option<Arc<Probe>>,
}

impl Workload {
    /// Of a program whose slots below `input_slots` differ by row.
    pub fn new(program: &Program, observables: &[Observable], input_slots: usize) -> Self {
        let parts = ProgramParts::of(program);
        let needed = Needed::of(program, observables);
        let measures = program.measures();
        let wide = parts.body.iter().filter_map(|step| match step {
            Step::Gate(op) if op.qubits.len() > 2 => Some(4f64.powi(op.qubits.len() as i32)),
            _ => None,
        });
        let noisy = |step: &&&Step| matches!(step, Step::Noise { .. } | Step::Reset { .. });
        Self {
            qubits: program.qubits(),
            bits: program.bits,
            width: if measures { program.outcome_bits() } else { program.qubits() },
            steps: parts.body.len(),
            noisy_steps: parts.body.iter().filter(noisy).count(),
            dynamic: parts.dynamic().is_some(),
            splits: splits(program, input_slots),
            measures,
            angles: program.steps.iter().map(slots_used).sum(),
            weighted: program.steps.iter().any(|step| has_slot(step, |slot| slot >= input_slots)),
            observables: observables.len(),
            terms: observables.iter().map(|observable| observable.terms.len()).sum(),
            splits_by_conditions: program.steps.iter().filter_map(Step::condition).map(|c| 1 + c.bits.len()).sum(),
            stabilizer: Sampling::of_program(program),
            flips: observables
                .iter()
                .flat_map(|o| &o.terms)
                .any(|(_, string)| string.letters().iter().any(|(_, letter)| letter.bits().0)),
            wide: wide.collect(),
            outline: Outline::of(&parts, (program.qubits(), program.outcome_bits()), input_slots),
            needed: needed.map(|needed| needed.outline(input_slots)),
            chain: ChainOutline::of(&parts, (program.qubits(), program.slots)).map(Arc::new),
            probe: (program.qubits() > NARROW && !observables.is_empty() && parts.dynamic().is_none())
                .then(|| Arc::new(Probe::new(program, observables, input_slots))),
        }
    }

    /// The bonds that it makes between qubits in a line.
    pub(crate) fn chain(&self) -> Option<&ChainOutline> {
        self.chain.as_deref()
    }

    /// Whether it has one pure final state.
    pub(crate) fn ideal(&self) -> bool {
        !self.dynamic && self.noisy_steps == 0
    }

    /// Amplitudes of a state.
    pub(crate) fn pure(&self) -> f64 {
        2f64.powi(self.qubits as i32)
    }

    /// Numbers of a density matrix.
    pub(crate) fn mixed(&self) -> f64 {
        4f64.powi(self.qubits as i32)
    }

    /// Bytes of one row's probabilities or counts.
    pub(crate) fn outcomes(&self) -> f64 {
        8.0 * 2f64.powi(self.width as i32)
    }

    /// Bytes of the results of a call while its rows run, and of what is made of them at the end.
    pub(crate) fn results(&self, call: &Call) -> (f64, f64) {
        let rows = call.rows as f64;
        let during = match call.request {
            Request::Values | Request::Gradient => 8.0 * rows * self.observables as f64,
            Request::Probabilities | Request::Sample => rows * self.outcomes(),
            Request::States => 16.0 * rows * self.pure(),
        };
        match call.request {
            // Probabilities, counts, and sums of probabilities on each thread.
            Request::Sample => (during, (2.0 * rows + rows.min(call.threads as f64)) * self.outcomes()),
            _ => (during, during),
        }
    }

    /// Refuses a call of an engine that needs too much memory or time.
    ///
    /// # Errors
    /// If it does: what it needs, what there is, and the cheapest engine that can do it.
    pub(crate) fn check(&self, engine: &'static str, call: &Call) -> Result<(), SimError> {
        let row = EngineRow::named(engine)?;
        // An engine that cannot run the program says so itself.
        let Some(cost) = (row.cost)(self, call) else { return Ok(()) };
        let there = available(cost.bytes);
        let (qubits, instead) = (self.qubits, || self.instead(row, call, there));
        if cost.bytes > there {
            let (needed, there) = (size(cost.bytes), size(there));
            return Err(SimError::TooLarge { engine, qubits, needed, there, instead: instead() });
        }
        let exact = || self.cheapest(call, |other| other.values == ValueKind::Exact).map(|(_, cost)| cost.seconds);
        let sampled = row.values != ValueKind::Exact;
        let impatient = sampled && cost.seconds > PATIENCE && exact().is_some_and(|exact| exact < 0.01 * cost.seconds);
        if cost.seconds > TIME_LIMIT || impatient {
            let drawn = row.values == ValueKind::Drawn || call.request == Request::Sample;
            let engine = if drawn { format!("{engine} with {} shots", call.shots) } else { engine.into() };
            return Err(SimError::TooLong { engine, needed: duration(cost.seconds), instead: instead() });
        }
        Ok(())
    }

    /// The engine among some that takes the least time, with what it takes.
    pub(crate) fn cheapest(
        &self,
        call: &Call,
        among: impl Fn(&EngineRow) -> bool,
    ) -> Option<(&'static EngineRow, Cost)> {
        let costs = ENGINES.iter().filter(|row| row.name != "auto" && among(row));
        let costs = costs.filter_map(|row| Some((row, (row.cost)(self, call)?)));
        costs.filter(|(_, cost)| cost.fits()).min_by(|a, b| a.1.seconds.total_cmp(&b.1.seconds))
    }

    /// The same on a narrower register.
    fn on(&self, qubits: usize) -> Self {
        let outline = Outline { index_bytes: 0.0, ..self.outline.clone() };
        let width = if self.measures { self.width } else { qubits };
        Self { qubits, width, outline, chain: None, probe: None, ..self.clone() }
    }

    fn takes_at_most(&self, engine: &EngineRow, call: &Call, there: f64) -> bool {
        (engine.cost)(self, call).is_some_and(|cost| cost.bytes <= there && cost.fits())
    }

    /// What to do in place of a list of outcomes, where an engine draws them as rows of bits.
    fn by_rows_of_bits(&self, call: &Call, there: f64) -> Option<String> {
        if !matches!(call.request, Request::Probabilities | Request::Sample) {
            return None;
        }
        let drawn = |shots: usize| {
            let call = Call { request: Request::Sample, shots, ..*call };
            let draws =
                |row: &EngineRow| row.rows_of_bits && (row.cost)(self, &call).is_some_and(|cost| cost.bytes <= there);
            Some((self.cheapest(&call, draws)?.0, shots))
        };
        let (row, shots) = (0..=40).map(|k| call.shots >> k).filter(|&shots| shots > 0).find_map(drawn)?;
        Some(match shots < call.shots {
            true => format!("draw at most {shots} shots, which {} holds as rows of bits", row.name),
            false => format!(
                "draw shots (`--shots`), which {} holds as rows of bits, or ask for expectation values",
                row.name
            ),
        })
    }

    /// What to do in place of a call that is too large or too long.
    fn instead(&self, refused: &EngineRow, call: &Call, there: f64) -> String {
        let others = |row: &EngineRow| {
            let cost = (row.cost)(self, call);
            row.name != refused.name && cost.is_some_and(|cost| cost.bytes <= there)
        };
        let exact = self.cheapest(call, |row| others(row) && row.values == ValueKind::Exact);
        // What chains take is bounded far above what most of them need: they are named last.
        let usual = || self.cheapest(call, |row| others(row) && row.name != "mps");
        if let Some((row, cost)) = exact.or_else(usual).or_else(|| self.cheapest(call, others)) {
            return format!("use {} ({} of memory, about {})", row.name, size(cost.bytes), duration(cost.seconds));
        }
        let fewer = |call: Call| self.takes_at_most(refused, &call, there);
        let rows = call.rows > 1 && fewer(call.rows(1));
        let shots = (0..=40).map(|k| call.shots >> k).find(|&shots| shots > 0 && fewer(Call { shots, ..*call }));
        let drawn = refused.values == ValueKind::Drawn || call.request == Request::Sample;
        let narrower = |k: u32| fewer(Call { bond: call.bond >> k, ..*call }).then_some(call.bond >> k);
        let bond = (1..12).take_while(|k| call.bond >> k > 1).find_map(narrower).filter(|_| refused.name == "mps");
        match (rows, shots) {
            (true, _) => "run fewer rows in one call".into(),
            _ if bond.is_some() => format!("use bonds up to {}, and see what that drops", bond.unwrap_or(1)),
            (_, Some(shots)) if drawn && shots < call.shots => format!("use at most {shots} shots"),
            // What a list of its shots takes says nothing of rows of bits.
            _ if refused.name == "stabilizer" && self.width > 26 => {
                "draw shots as rows of bits (`--shots`, `Stabilizer::records`), or ask for expectation values".into()
            }
            _ if call.request == Request::Probabilities && fewer(Call { request: Request::Values, ..*call }) => {
                "measure fewer bits, or ask for expectation values".into()
            }
            _ if let Some(advice) = self.by_rows_of_bits(call, there) => advice,
            _ => match (0..self.qubits).rev().find(|&qubits| self.on(qubits).takes_at_most(refused, call, there)) {
                Some(qubits) => format!("no engine can; use fewer qubits ({qubits} fit)"),
                None => "no engine can; use fewer qubits or measured bits".into(),
            },
        }
    }
}

/// Angles of a step that have a slot.
fn slots_used(step: &Step) -> usize {
    match step {
        Step::Gate(op) => op.params().iter().filter(|param| param.dependence().is_some()).count(),
        _ => 0,
    }
}

fn splits(program: &Program, input_slots: usize) -> bool {
    let mut entangled = vec![false; program.qubits()];
    program.steps.iter().all(|step| {
        let qubits: &[usize] = match step {
            Step::Gate(op) => &op.qubits,
            Step::Noise { qubits, .. } => qubits,
            Step::Measure { .. } | Step::Assign { .. } | Step::Reset { .. } => &[],
        };
        let (by_row, many) = (has_slot(step, |slot| slot < input_slots), qubits.len() > 1);
        let fits = !by_row || !many && qubits.iter().all(|&q| !entangled[q]);
        qubits.iter().for_each(|&q| entangled[q] |= many);
        fits
    })
}

/// Whether an angle of the step depends on such a slot.
fn has_slot(step: &Step, is_such: impl Fn(usize) -> bool) -> bool {
    let Step::Gate(op) = step else { return false };
    op.params().iter().any(|p: &Param| p.dependence().is_some_and(|(slot, _)| is_such(slot)))
}

/// How many chunks of a batch, each of so many bytes, run side by side.
pub(crate) fn side_by_side(chunks: usize, bytes: f64, threads: usize) -> usize {
    ((SIDE_BY_SIDE / bytes.max(1.0)) as usize).min(threads).min(chunks).max(1)
}

/// A number of bytes for people.
pub(crate) fn size(bytes: f64) -> String {
    const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let power = ((bytes.max(1.0).log2() / 10.0) as usize).min(UNITS.len() - 1);
    match bytes / 1024f64.powi(power as i32) {
        few if few < 10.0 => format!("{few:.1} {}", UNITS[power]),
        some if some < 1e4 => format!("{some:.0} {}", UNITS[power]),
        many => format!("{many:.0e} {}", UNITS[power]),
    }
}

/// A time for people.
pub(crate) fn duration(seconds: f64) -> String {
    const HOUR: f64 = 3600.0;
    match seconds {
        short if short < 1.0 => "less than a second".into(),
        short if short < 120.0 => format!("{short:.0} seconds"),
        long if long < 2.0 * HOUR => format!("{:.0} minutes", long / 60.0),
        long if long < 48.0 * HOUR => format!("{:.1} hours", long / HOUR),
        long if long < 48.0 * 365.0 * HOUR => format!("{:.0} days", long / HOUR / 24.0),
        long => format!("{:.0e} years", long / HOUR / 24.0 / 365.0),
    }
}
