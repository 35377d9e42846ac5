//! State vectors, exact for unitary programs, batched: rows are lanes of the vector unit.
//!
//! Gradients are adjoint (Jones and Gacon 2020, arXiv 2009.02823): one backward sweep un-applies the gates from the state
//! and from `Σ_o c_o O_o|ψ⟩`, so the cost does not grow with the number of angles or observables.

mod adjoint;
mod fuse;
mod gate_kernel;
mod gates;
mod in_register;
mod pair;
mod phases;
mod prepared;
mod real_gate;
mod shuffle;
mod sweep;
mod tile_pass;
mod tiles;

pub use prepared::Prepared;

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use ndarray::{Array1, Array2, ArrayView2};
use rayon::prelude::*;

use crate::circuit::Observable;
use crate::math::C64;
use crate::noise::{Program, Step};
use crate::sim::kernel::amplitudes::State;
use crate::sim::kernel::chunks;
use crate::sim::kernel::float::Float;
use crate::sim::kernel::strings::Strings;
use crate::sim::kernel::vector::Vectors;
use crate::sim::memo::Memo;
use crate::sim::readout::{ProgramParts, TerminalMeasurements, record, recorded};
use crate::sim::{AngleGradient, Angles, Precision, SimError, Simulator, check};
use gates::{EntryTable, Gate, GateEntries};
use sweep::Sweep;
use tile_pass::TilePasses;

const NAME: &str = "statevector";
const INSTEAD: &str = "use fewer qubits (29 fit the limit)";

/// The exact engine for programs without noise, conditions, resets and mid-circuit measurements: time and memory grow
/// with 2ⁿ.
#[derive(Default)]
pub struct Statevector {
    precision: Precision,
    memo: Memo<Plan>,
}

struct Plan {
    qubits: usize,
    gates: Vec<Gate>,
    /// TilePasses of a single row, made when one is first run that way.
    sweep: OnceLock<Option<Sweep>>,
    measurements: TerminalMeasurements,
    measures: bool,
}

/// Rows that run together: enough to fill registers and to make little of what is done once a gate, few enough for ket
/// and bra of a narrow program to stay in the first-level cache.
fn lanes<F: Vectors>(qubits: usize, batch: usize) -> usize {
    match qubits {
        0..=5 => 32,
        6 => 16,
        7..=18 if batch >= F::WIDTH => F::WIDTH,
        _ => 1,
    }
}

impl Plan {
    fn of(program: &Program, input_slots: usize) -> Result<Self, SimError> {
        let parts = ProgramParts::of(program);
        let mut gates = Vec::with_capacity(parts.body.len());
        for step in &parts.body {
            let refused = match step {
                Step::Gate(op) if op.condition.is_none() => {
                    gates.push(Gate::new(op, program.qubits(), input_slots));
                    continue;
                }
                Step::Gate(op) => format!("{} under a condition", op.name()),
                Step::Noise { channel, .. } => format!("the channel {}", channel.name()),
                Step::Measure { qubit, .. } => format!("a measurement of qubit {qubit} before the end"),
                Step::Reset { qubit, .. } => format!("a reset of qubit {qubit}"),
            };
            let instead = "use density or trajectory";
            return Err(SimError::Unsupported { engine: NAME, step: refused, instead });
        }
        let measures = !parts.measurements.list.is_empty();
        Ok(Self { qubits: program.qubits(), gates, sweep: OnceLock::new(), measurements: parts.measurements, measures })
    }

    /// The numbers of every gate.
    fn numbers<'a, F: Float>(&self, shared: &'a EntryTable<F>, own: &'a EntryTable<F>) -> Vec<GateEntries<'a, F>> {
        let of = |(k, gate): (usize, &Gate)| if gate.by_row() { own.of(k) } else { shared.of(k) };
        self.gates.iter().enumerate().map(of).collect()
    }

    /// TilePasses over tiles for a single row, if it is wide enough.
    fn sweep(&self) -> Option<&Sweep> {
        self.sweep.get_or_init(|| Sweep::new(&self.gates, self.qubits)).as_ref()
    }

    /// Where the derivatives by the entries of each gate begin, in a run of so many lanes.
    fn starts(&self, lanes: usize) -> Vec<usize> {
        let sizes = self.gates.iter().map(|gate| gate.numbers() * if gate.by_row() { lanes } else { 1 });
        let ends = sizes.scan(0, |end, size| {
            *end += size;
            Some(*end)
        });
        std::iter::once(0).chain(ends).collect()
    }

    /// The final state of `rows`, of which a single one goes through fused passes.
    fn run<F: Vectors>(&self, shared: &EntryTable<F>, angles: &Angles, rows: Range<usize>) -> State<F> {
        let own = EntryTable::own(&self.gates, angles, rows.clone());
        match rows.len() {
            1 => self.run_row(shared, &own, angles, rows.start),
            lanes => self.run_rows(shared, &own, lanes),
        }
    }

    fn run_row<F: Vectors>(
        &self,
        shared: &EntryTable<F>,
        own: &EntryTable<F>,
        angles: &Angles,
        row: usize,
    ) -> State<F> {
        let mut state = self.ground();
        match self.sweep() {
            Some(sweep) if self.is_real::<F>(1) => sweep.apply(&mut state, &self.numbers(shared, own)),
            _ => self.passes(angles, row).run(&mut state),
        }
        state.re.truncate(1 << self.qubits);
        state.im.truncate(1 << self.qubits);
        checked(state)
    }

    fn run_rows<F: Vectors>(&self, shared: &EntryTable<F>, own: &EntryTable<F>, lanes: usize) -> State<F> {
        let mut state = State::ground(self.qubits, lanes);
        let real = self.is_real::<F>(lanes);
        for (gate, entries) in self.gates.iter().zip(self.numbers(shared, own)) {
            if gate.kernel.has_real_kernel::<F>(lanes, gate.by_row()) {
                gate.kernel.dispatch_real(&mut state.re, lanes, entries);
                if !real {
                    gate.kernel.dispatch_real(&mut state.im, lanes, entries);
                }
            } else {
                gate.kernel.apply(&mut state, entries);
            }
        }
        checked(state)
    }

    /// Qubits of a single row's state: narrow registers are padded with idle qubits until they fill a vector register.
    fn width<F: Vectors>(&self) -> usize {
        self.qubits.max(F::LOW)
    }

    fn ground<F: Vectors>(&self) -> State<F> {
        State::ground(self.width::<F>(), 1)
    }

    /// Whether all amplitudes of so many lanes are real throughout, and no kernel looks at imaginary parts.
    fn is_real<F: Vectors>(&self, lanes: usize) -> bool {
        self.gates.iter().all(|gate| gate.kernel.has_real_kernel::<F>(lanes, gate.by_row()))
    }

    /// The fused passes for one row.
    fn passes<F: Vectors>(&self, angles: &Angles, row: usize) -> TilePasses<F> {
        let gates = self.gates.iter().map(|gate| gate.unplaced(angles, row)).collect();
        let width = self.width::<F>();
        TilePasses::new(&fuse::fuse(gates, width), width)
    }

    /// Rows that run together; one by one if ket and bra of more would leave the second-level cache and no kernel is
    /// slower for it.
    fn lanes<F: Vectors>(&self, batch: usize) -> usize {
        if self.qubits >= 13 && self.is_real::<F>(1) { 1 } else { lanes::<F>(self.qubits, batch) }
    }

    /// `each` for every run of rows, in order.
    fn for_rows<F: Vectors, T: Send>(&self, batch: usize, each: impl Fn(Range<usize>) -> T + Send + Sync) -> Vec<T> {
        let mut chunks = chunks(batch, self.lanes::<F>(batch));
        if chunks.len() == 1 {
            // Handing work to another thread takes longer than a small program.
            return chunks.drain(..).map(each).collect();
        }
        chunks.into_par_iter().map(each).collect()
    }
}

/// The state, whose norm debug builds look at.
fn checked<F: Float>(state: State<F>) -> State<F> {
    debug_assert!(
        norms(&state).iter().all(|norm| (norm - 1.0).abs() < 1e-3),
        "the norm has drifted: {:?}",
        norms(&state)
    );
    state
}

/// Outcome probabilities of one lane.
pub(super) fn outcomes<F: Float>(state: &State<F>, lane: usize) -> Vec<f64> {
    let amplitudes = (lane..state.re.len()).step_by(state.lanes);
    amplitudes.map(|i| square(state.re[i], state.im[i])).collect()
}

fn square<F: Float>(re: F, im: F) -> f64 {
    re.double() * re.double() + im.double() * im.double()
}

/// `⟨ψ|ψ⟩` of every lane.
pub(super) fn norms<F: Float>(state: &State<F>) -> Vec<f64> {
    let mut sums = vec![0.0; state.lanes];
    for (i, (re, im)) in state.re.iter().zip(&*state.im).enumerate() {
        sums[i % state.lanes] += square(*re, *im);
    }
    sums
}

/// Runs a method written for both widths of numbers at the engine's own.
macro_rules! at_precision {
    ($engine:ident.$method:ident($($argument:expr),*)) => {
        match $engine.precision {
            Precision::Double => $engine.$method::<f64>($($argument),*),
            Precision::Single => $engine.$method::<f32>($($argument),*),
        }
    };
}

impl Statevector {
    /// An engine that computes with numbers of this width; angles and results are f64 in both.
    pub fn new(precision: Precision) -> Self {
        Self { precision, memo: Memo::default() }
    }

    /// Plans a program once, to be run many times.
    ///
    /// # Errors
    /// If the program is too large, or has a step this engine does not have.
    pub fn prepare(&self, program: &Program) -> Result<Prepared, SimError> {
        Prepared::new(self, program)
    }

    /// The plan, after checking that `states` states per lane and thread fit into memory.
    fn plan(&self, program: &Program, angles: &Angles, states: f64) -> Result<Arc<Plan>, SimError> {
        check::angles(program, angles)?;
        let qubits = program.qubits();
        let lanes =
            lanes::<f64>(qubits, angles.batch()).min(angles.batch()) * rayon::current_num_threads().min(angles.batch());
        check::memory(NAME, qubits, states * lanes as f64 * 16.0 * 2f64.powi(qubits as i32), INSTEAD)?;
        let input_slots = angles.inputs.ncols();
        self.memo.get(program, input_slots, || Plan::of(program, input_slots))
    }

    /// The final state of every row before terminal measurements, amplitude k of qubits `Σ bit_q 2^q`.
    ///
    /// # Errors
    /// As [`Simulator::expect`].
    pub fn states(&self, program: &Program, angles: Angles) -> Result<Array2<C64>, SimError> {
        at_precision!(self.states_in(program, angles))
    }

    fn states_in<F: Vectors>(&self, program: &Program, angles: Angles) -> Result<Array2<C64>, SimError> {
        let plan = self.plan(program, &angles, 1.0)?;
        let size = 1usize << plan.qubits;
        check::memory(NAME, plan.qubits, 16.0 * (angles.batch() * size) as f64, INSTEAD)?;
        let entries = EntryTable::<F>::shared(&plan.gates, &angles);
        let mut out = Array2::zeros((angles.batch(), size));
        for (rows, state) in
            plan.for_rows::<F, _>(angles.batch(), |rows| (rows.clone(), plan.run::<F>(&entries, &angles, rows)))
        {
            for (lane, row) in rows.enumerate() {
                for (i, z) in out.row_mut(row).iter_mut().enumerate() {
                    let at = i * state.lanes + lane;
                    *z = C64::new(state.re[at].double(), state.im[at].double());
                }
            }
        }
        Ok(out)
    }

    fn expect_in<F: Vectors>(
        &self,
        program: &Program,
        angles: Angles,
        observables: &[Observable],
    ) -> Result<Array2<f64>, SimError> {
        let plan = self.plan(program, &angles, 2.0)?;
        let strings = Strings::new(&recorded(NAME, program, observables, &plan.measurements)?);
        let entries = EntryTable::<F>::shared(&plan.gates, &angles);
        let parts = plan.for_rows::<F, _>(angles.batch(), |rows| {
            strings.expectations(&plan.run::<F>(&entries, &angles, rows), observables.len())
        });
        let values = parts.into_iter().flatten().collect();
        Ok(Array2::from_shape_vec((angles.batch(), observables.len()), values)
            .expect("each row of the batch gave one value per observable"))
    }

    /// The gradient, and the expectation values that the same forward run gives.
    fn value_and_gradient_in<F: Vectors>(
        &self,
        program: &Program,
        angles: Angles,
        observables: &[Observable],
        cotangent: ArrayView2<f64>,
    ) -> Result<(Array2<f64>, AngleGradient), SimError> {
        check::differentiable(program)?;
        check::cotangent(&angles, observables, cotangent)?;
        let plan = self.plan(program, &angles, 3.0)?;
        let strings = Strings::new(&recorded(NAME, program, observables, &plan.measurements)?);
        let entries = EntryTable::<F>::shared(&plan.gates, &angles);
        let parts = plan.for_rows::<F, _>(angles.batch(), |rows| {
            let (lanes, first) = (rows.len(), rows.start);
            let own = EntryTable::own(&plan.gates, &angles, rows.clone());
            let mut ket = match lanes {
                1 => plan.run_row(&entries, &own, &angles, first),
                _ => plan.run_rows(&entries, &own, lanes),
            };
            let values = strings.expectations(&ket, observables.len());
            let mut bra = strings.bra(&ket, |lane, o| cotangent[[first + lane, o]]);
            let real = strings.are_real() && plan.is_real::<F>(lanes) && ket.im.iter().all(|&x| x == F::ZERO);
            let starts = plan.starts(lanes);
            let mut found = vec![0.0; starts[plan.gates.len()]];
            let numbers = plan.numbers(&entries, &own);
            match plan.sweep() {
                Some(sweep) if lanes == 1 => sweep.unapply((&mut ket, &mut bra), real, &numbers, &mut found, &starts),
                _ => {
                    for (k, gate) in plan.gates.iter().enumerate().rev() {
                        let found = &mut found[starts[k]..starts[k + 1]];
                        gate.kernel.unapply((&mut ket, &mut bra), real, numbers[k], found);
                    }
                }
            }
            let (mut shared, mut by_row) = (Vec::new(), Vec::new());
            for (gate, range) in plan.gates.iter().zip(starts.windows(2)) {
                let found = &found[range[0]..range[1]];
                if gate.by_row() {
                    gate.gradient(&angles, rows.clone(), found, |row, slot, value| by_row.push((row, slot, value)));
                } else {
                    shared.extend_from_slice(found);
                }
            }
            (values, shared, by_row)
        });
        let mut gradient = AngleGradient::zeros(&angles);
        let (mut values, mut shared) = (Vec::new(), vec![0.0; plan.starts(0)[plan.gates.len()]]);
        for (expected, found, by_row) in parts {
            values.extend(expected);
            shared.iter_mut().zip(found).for_each(|(sum, x)| *sum += x);
            by_row.into_iter().for_each(|(row, slot, value)| gradient.add(row, slot, value));
        }
        let mut rest = &shared[..];
        for gate in plan.gates.iter().filter(|gate| !gate.by_row()) {
            let (found, others) = rest.split_at(gate.numbers());
            gate.gradient(&angles, 0..1, found, |_, slot, value| gradient.add(0, slot, value));
            rest = others;
        }
        let values = Array2::from_shape_vec((angles.batch(), observables.len()), values)
            .expect("each row of the batch gave one value per observable");
        Ok((values, gradient))
    }

    fn probabilities_in<F: Vectors>(&self, program: &Program, angles: Angles) -> Result<Array2<f64>, SimError> {
        let plan = self.plan(program, &angles, 2.0)?;
        let width = if plan.measures { program.bits } else { plan.qubits };
        check::memory(
            NAME,
            plan.qubits,
            angles.batch() as f64 * 8.0 * 2f64.powi(width as i32),
            "sample counts instead",
        )?;
        let entries = EntryTable::<F>::shared(&plan.gates, &angles);
        let parts = plan.for_rows::<F, _>(angles.batch(), |rows| {
            let state = plan.run::<F>(&entries, &angles, rows);
            let each = (0..state.lanes).map(|lane| {
                let p = outcomes(&state, lane);
                if !plan.measures {
                    return p;
                }
                let mut recorded = vec![0.0; 1 << width];
                record(&plan.measurements, &p, 0, &mut recorded);
                recorded
            });
            each.collect::<Vec<_>>()
        });
        let mut out = Array2::zeros((angles.batch(), 1 << width));
        for (mut row, p) in out.rows_mut().into_iter().zip(parts.into_iter().flatten()) {
            row.assign(&Array1::from(p));
        }
        Ok(out)
    }
}

impl Simulator for Statevector {
    fn name(&self) -> String {
        format!("statevector, {} precision", self.precision)
    }

    fn precision(&self) -> Precision {
        self.precision
    }

    fn expect(&self, program: &Program, angles: Angles, observables: &[Observable]) -> Result<Array2<f64>, SimError> {
        at_precision!(self.expect_in(program, angles, observables))
    }

    fn vjp(
        &self,
        program: &Program,
        angles: Angles,
        observables: &[Observable],
        cotangent: ArrayView2<f64>,
    ) -> Result<AngleGradient, SimError> {
        Ok(self.value_and_gradient(program, angles, observables, cotangent)?.1)
    }

    fn value_and_gradient(
        &self,
        program: &Program,
        angles: Angles,
        observables: &[Observable],
        cotangent: ArrayView2<f64>,
    ) -> Result<(Array2<f64>, AngleGradient), SimError> {
        at_precision!(self.value_and_gradient_in(program, angles, observables, cotangent))
    }

    fn probabilities(&self, program: &Program, angles: Angles) -> Result<Array2<f64>, SimError> {
        at_precision!(self.probabilities_in(program, angles))
    }
}
