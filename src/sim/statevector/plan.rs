//! What is worked out of a unitary program once, and its forward and backward run over some rows.

use std::ops::Range;
use std::sync::OnceLock;

use crate::circuit::Observable;
use crate::noise::{Program, Step};
use crate::sim::cost::{Call, Request, Workload};
use crate::sim::error::FOR_DYNAMIC;
use crate::sim::kernel::amplitudes::State;
use crate::sim::kernel::float::Float;
use crate::sim::kernel::strings::Strings;
use crate::sim::kernel::vector::Vectors;
use crate::sim::kernel::{chunks, each_of_some};
use crate::sim::readout::{ProgramParts, TerminalMeasurements, recorded};
use crate::sim::statevector::NAME;
use crate::sim::statevector::cost::{at_a_time, lanes};
use crate::sim::statevector::fuse::fuse;
use crate::sim::statevector::gates::{EntryTable, Gate, GateEntries};
use crate::sim::statevector::sweep::Sweep;
use crate::sim::statevector::tile_pass::TilePasses;
use crate::sim::{AngleGradient, Angles, EngineOptions, Precision, SimError, check};

/// A program and its observables, apart from angles and the width of numbers.
pub struct Plan {
    pub qubits: usize,
    pub slots: usize,
    pub input_slots: usize,
    pub gates: Vec<Gate>,
    /// Passes over tiles for a single row, made when one is first run that way.
    sweep: OnceLock<Option<Sweep>>,
    pub measurements: TerminalMeasurements,
    /// Width of the classical register if the program measures.
    pub bits: Option<usize>,
    strings: Strings,
    /// Number of observables.
    pub observables: usize,
    /// What decides its cost.
    workload: Workload,
    options: EngineOptions,
    /// Whether every step has a derivative.
    pub differentiable: Result<(), SimError>,
}

/// The gates of a program, which has nothing else before its terminal measurements.
pub fn gates(program: &Program, parts: &ProgramParts, input_slots: usize) -> Result<Vec<Gate>, SimError> {
    let gate = |step: &&Step| {
        let refused = match step {
            Step::Gate(op) if op.condition.is_none() => return Ok(Gate::new(op, program.qubits(), input_slots)),
            Step::Gate(op) => format!("{} under a condition", op.name()),
            Step::Noise { channel, .. } => format!("the channel {}", channel.name()),
            Step::Measure { qubit, .. } => format!("a measurement of qubit {qubit} before the end"),
            Step::Assign { bit, .. } => format!("an assignment of classical bit {bit}"),
            Step::Reset { qubit, .. } => format!("a reset of qubit {qubit}"),
        };
        Err(SimError::Unsupported { engine: NAME, step: refused, instead: FOR_DYNAMIC })
    };
    parts.body.iter().map(gate).collect()
}

/// Some rows at the end of the program.
pub struct Forward<F> {
    pub rows: Range<usize>,
    /// The entries of the gates that differ by row.
    own: EntryTable<F>,
    pub state: State<F>,
}

/// What a backward run over some rows adds to the gradient.
pub struct Backward {
    /// The derivative by the entries of the gates that are the same in all rows, one after the other.
    shared: Vec<f64>,
    /// (row, slot, value) of the others.
    by_row: Vec<(usize, usize, f64)>,
}

impl Plan {
    /// Refuses a program of which `request` for one row does not fit.
    pub fn new(
        program: &Program,
        observables: &[Observable],
        input_slots: usize,
        precision: Precision,
        request: Request,
    ) -> Result<Self, SimError> {
        let workload = Workload::new(program, observables, input_slots);
        let options = EngineOptions { precision, ..EngineOptions::default() };
        workload.check(NAME, &Call::new(request, &options))?;
        let parts = ProgramParts::of(program);
        let gates = gates(program, &parts, input_slots)?;
        let measures = !parts.measurements.list.is_empty();
        Ok(Self {
            qubits: program.qubits(),
            slots: program.slots,
            input_slots,
            gates,
            sweep: OnceLock::new(),
            strings: Strings::new(&recorded(NAME, program, observables, &parts.measurements)?),
            observables: observables.len(),
            measurements: parts.measurements,
            bits: measures.then_some(program.bits),
            workload,
            options,
            differentiable: check::differentiable(program),
        })
    }

    /// The angles fit the program and the call the machine. Returns how many runs of rows go side by side.
    pub fn check(&self, angles: &Angles, request: Request, shots: usize) -> Result<usize, SimError> {
        check::angles(self.slots, self.input_slots, angles)?;
        let call = Call { shots, ..Call::new(request, &self.options).rows(angles.batch()) };
        self.workload.check(NAME, &call)?;
        Ok(at_a_time(&self.workload, &call))
    }

    /// The entries of every gate.
    fn entries<'a, F: Float>(&self, shared: &'a EntryTable<F>, own: &'a EntryTable<F>) -> Vec<GateEntries<'a, F>> {
        let of = |(k, gate): (usize, &Gate)| if gate.by_row() { own.of(k) } else { shared.of(k) };
        self.gates.iter().enumerate().map(of).collect()
    }

    /// Passes over tiles for a single row, if it is wide enough.
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
    pub fn forward<F: Vectors>(&self, shared: &EntryTable<F>, angles: &Angles, rows: Range<usize>) -> Forward<F> {
        let own = EntryTable::own(&self.gates, angles, rows.clone());
        let state = match rows.len() {
            1 => self.run_row(shared, &own, angles, rows.start),
            lanes => self.run_rows(shared, &own, lanes),
        };
        Forward { rows, own, state }
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
            Some(sweep) if self.is_real::<F>(1) => sweep.apply(&mut state, &self.entries(shared, own)),
            _ => self.passes(angles, row).run(&mut state),
        }
        state.re.truncate(1 << self.qubits);
        state.im.truncate(1 << self.qubits);
        checked(state)
    }

    fn run_rows<F: Vectors>(&self, shared: &EntryTable<F>, own: &EntryTable<F>, lanes: usize) -> State<F> {
        let mut state = State::ground(self.qubits, lanes);
        let real = self.is_real::<F>(lanes);
        for (gate, entries) in self.gates.iter().zip(self.entries(shared, own)) {
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

    /// |0…0⟩ in one lane.
    pub fn ground<F: Vectors>(&self) -> State<F> {
        State::ground(self.width::<F>(), 1)
    }

    /// Whether all amplitudes of so many lanes are real throughout, and no kernel reads imaginary parts.
    fn is_real<F: Vectors>(&self, lanes: usize) -> bool {
        self.gates.iter().all(|gate| gate.kernel.has_real_kernel::<F>(lanes, gate.by_row()))
    }

    /// The fused passes for one row.
    pub fn passes<F: Vectors>(&self, angles: &Angles, row: usize) -> TilePasses<F> {
        let gates = self.gates.iter().map(|gate| gate.unplaced(angles, row)).collect();
        let width = self.width::<F>();
        TilePasses::new(&fuse(gates, width), width)
    }

    /// Rows that run together; one by one if ket and bra of more would leave the second-level cache and no kernel is
    /// slower for it.
    fn lanes<F: Vectors>(&self, batch: usize) -> usize {
        if self.qubits >= 13 && self.is_real::<F>(1) { 1 } else { lanes(F::WIDTH, self.qubits, batch) }
    }

    /// `each` for every run of rows, in order.
    pub fn for_rows<F: Vectors, T: Send>(
        &self,
        (batch, at_a_time): (usize, usize),
        each: impl Fn(Range<usize>) -> T + Send + Sync,
    ) -> Vec<T> {
        each_of_some(self.chunks::<F>(batch), at_a_time, each)
    }

    /// The runs of rows of a batch.
    pub fn chunks<F: Vectors>(&self, batch: usize) -> Vec<Range<usize>> {
        chunks(batch, self.lanes::<F>(batch))
    }

    /// Expectation values of some rows, row major.
    pub fn expectations<F: Float>(&self, state: &State<F>) -> Vec<f64> {
        self.strings.expectations(state, self.observables)
    }

    /// The derivative of `Σ cotangent(row, o) ⟨O_o⟩` over the rows of a forward run.
    pub fn backward<F: Vectors>(
        &self,
        shared: &EntryTable<F>,
        angles: &Angles,
        forward: Forward<F>,
        cotangent: impl Fn(usize, usize) -> f64,
    ) -> Backward {
        let Forward { rows, own, state: mut ket } = forward;
        let lanes = rows.len();
        let mut bra = self.strings.bra(&ket, |lane, o| cotangent(rows.start + lane, o));
        let real = self.strings.are_real() && self.is_real::<F>(lanes) && ket.im.iter().all(|&x| x == F::ZERO);
        let starts = self.starts(lanes);
        let mut found = vec![0.0; starts[self.gates.len()]];
        let entries = self.entries(shared, &own);
        match self.sweep() {
            Some(sweep) if lanes == 1 => sweep.unapply((&mut ket, &mut bra), real, &entries, &mut found, &starts),
            _ => {
                for (k, gate) in self.gates.iter().enumerate().rev() {
                    let found = &mut found[starts[k]..starts[k + 1]];
                    gate.kernel.unapply((&mut ket, &mut bra), real, entries[k], found);
                }
            }
        }
        let mut out = Backward { shared: Vec::new(), by_row: Vec::new() };
        for (gate, range) in self.gates.iter().zip(starts.windows(2)) {
            let found = &found[range[0]..range[1]];
            if gate.by_row() {
                gate.gradient(angles, rows.clone(), found, |row, slot, value| out.by_row.push((row, slot, value)));
            } else {
                out.shared.extend_from_slice(found);
            }
        }
        out
    }

    /// The gradient of the whole batch from the parts of its runs of rows, in order.
    pub fn gradient(&self, angles: &Angles, parts: Vec<Backward>) -> AngleGradient {
        let mut gradient = AngleGradient::zeros(angles);
        let mut shared = vec![0.0; self.starts(0)[self.gates.len()]];
        for part in parts {
            shared.iter_mut().zip(part.shared).for_each(|(sum, x)| *sum += x);
            part.by_row.into_iter().for_each(|(row, slot, value)| gradient.add(row, slot, value));
        }
        let mut rest = &shared[..];
        for gate in self.gates.iter().filter(|gate| !gate.by_row()) {
            let (found, others) = rest.split_at(gate.numbers());
            gate.gradient(angles, 0..1, found, |_, slot, value| gradient.add(0, slot, value));
            rest = others;
        }
        gradient
    }
}

impl<F: Float> Forward<F> {
    /// A copy whose state a backward run may consume.
    pub fn copied(&self) -> Self {
        Self { rows: self.rows.clone(), own: self.own.clone(), state: self.state.clone() }
    }

    /// Bytes that it holds.
    pub fn bytes(&self) -> usize {
        size_of::<F>() * (2 * self.state.re.len() + self.own.len())
    }
}

/// The state, whose norm debug builds check.
fn checked<F: Float>(state: State<F>) -> State<F> {
    debug_assert!(
        norms(&state).iter().all(|norm| (norm - 1.0).abs() < 1e-3),
        "the norm has drifted: {:?}",
        norms(&state)
    );
    state
}

/// `⟨ψ|ψ⟩` of every lane.
fn norms<F: Float>(state: &State<F>) -> Vec<f64> {
    let mut sums = vec![0.0; state.lanes];
    for (i, (re, im)) in state.re.iter().zip(&*state.im).enumerate() {
        sums[i % state.lanes] += re.double() * re.double() + im.double() * im.double();
    }
    sums
}
