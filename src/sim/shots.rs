//! Expectation values as an experiment with a finite number of shots finds them.

use std::ops::Range;
use std::sync::Arc;

use ndarray::{Array2, ArrayView2, aview1, s};

use crate::circuit::{Observable, PauliString};
use crate::math::Stream;
use crate::noise::Program;
use crate::sim::cost::{Call, Cost, Request, Workload};
use crate::sim::kernel::chunks;
use crate::sim::prepared::{Lazy, Prepared};
use crate::sim::readout::{ProgramParts, TerminalMeasurement, TerminalMeasurements, record};
use crate::sim::sample::{Basis, affordable, counts, rotations, sample, sample_from, sign};
use crate::sim::{AngleGradient, Angles, EngineOptions, Gradient, Precision, SimError, Simulator, auto, check, cones};

/// Observables whose outcomes take longer than this to find, seconds, are measured on their cones, or string by string.
const LONG: f64 = 0.1;
/// Strings are drawn one by one if their expectation values take less than this share of the outcomes' time.
const SHARE: f64 = 0.5;

/// Bases in which observables are read, each with the program that ends in it.
type Bases = Vec<(Basis, Arc<dyn Prepared>)>;

/// How observables are read.
enum Reading {
    /// All qubits at once, from the probabilities of their outcomes.
    Bases(Bases),
    /// Each by itself: a string is found 1 or -1 with the probabilities that its expectation value has.
    Strings(Strings),
}

/// Observables of one Pauli string each, identity apart.
struct Strings {
    /// Their strings.
    prepared: Arc<dyn Prepared>,
    /// Of each observable the coefficients of the identity and of the string.
    coefficients: Vec<(f64, f64)>,
}

/// An engine whose results are estimated from a finite number of shots.
///
/// Expectation values measure all qubits at once: Pauli strings that can be read in one basis share their `shots` draws,
/// readout errors included; another basis is another `shots` draws. Observables of a register whose outcomes would take long
/// are drawn on their cones ([`Program::cone`]), each independently. Where the outcomes of a cone would take long too, an
/// observable of one string is drawn from its expectation value alone, which an engine may have cut. Gradients are by the
/// parameter-shift rule on such estimates.
#[derive(Clone, Debug)]
pub struct Shots<S> {
    /// The engine that finds the probabilities.
    pub inner: S,
    /// Shots for each basis and row.
    pub shots: usize,
    /// Seed. Calls with one seed and the same arguments give the same bytes.
    pub seed: u64,
}

impl<S: Simulator + Clone + 'static> Simulator for Shots<S> {
    fn name(&self) -> String {
        format!("{}, {} shots", self.inner.name(), self.shots)
    }

    fn precision(&self) -> Precision {
        self.inner.precision()
    }

    fn with_substream(&self, number: u64) -> Option<Arc<dyn Simulator>> {
        let seed = Stream::numbered(self.seed, number).bits();
        Some(Arc::new(Self { seed, ..self.clone() }))
    }

    fn prepare(
        &self,
        program: &Program,
        observables: &[Observable],
        input_slots: usize,
    ) -> Result<Arc<dyn Prepared>, SimError> {
        affordable(self.shots)?;
        // Draws on different cones are independent: each value is distributed as on the whole register, pairs of values are
        // not. Only where the outcomes of the whole are too many is that a price worth paying.
        let engine: Arc<dyn Simulator> = Arc::new(self.clone());
        let outcomes =
            |w: &Workload, call: &Call| Some((auto::cost(w, &Call { request: Request::Probabilities, ..*call })?, 1.0));
        let options = EngineOptions { precision: self.precision(), ..EngineOptions::default() };
        let cone_options = cones::ConeOptions { cost: &outcomes, worth: LONG, joins: false };
        if let Some(on_cones) = cones::prepare(&engine, &cone_options, &options, program, observables, input_slots)? {
            return Ok(on_cones);
        }
        let reading = match self.strings(program, observables, input_slots)? {
            Some(strings) => Reading::Strings(strings),
            None if observables.is_empty() => Reading::Bases(Vec::new()),
            None => Reading::Bases(self.bases(program, observables, input_slots)?),
        };
        let read = program.readout.iter().enumerate();
        let read = read.map(|(qubit, confusion)| TerminalMeasurement { qubit, bit: qubit, confusion: *confusion });
        Ok(Arc::new(ShotsProgram {
            engine: self.clone(),
            readout: TerminalMeasurements::new(read.collect(), &program.correlated),
            program: program.clone(),
            observables: observables.to_vec(),
            input_slots,
            reading,
            outcomes: Lazy::default(),
        }))
    }
}

impl<S: Simulator + Clone + 'static> Shots<S> {
    /// The observables as single strings, if each is one, and if their expectation values are found much sooner than outcomes
    /// and without draws of their own.
    fn strings(
        &self,
        program: &Program,
        observables: &[Observable],
        input_slots: usize,
    ) -> Result<Option<Strings>, SimError> {
        let Some(single) = observables.iter().map(single_string).collect::<Option<Vec<_>>>() else { return Ok(None) };
        if observables.is_empty() || program.measures() {
            return Ok(None);
        }
        let options = EngineOptions { precision: self.precision(), ..EngineOptions::default() };
        let workload = Workload::new(program, observables, input_slots);
        let takes = |request| auto::cost(&workload, &Call { threads: 1, ..Call::new(request, &options) });
        let seconds = |request| takes(request).filter(Cost::fits).map_or(f64::INFINITY, |cost: Cost| cost.seconds);
        let outcomes = seconds(Request::Probabilities);
        if outcomes < LONG {
            return Ok(None);
        }
        let values = seconds(Request::Values);
        if values.is_infinite() || values > SHARE * outcomes {
            return Ok(None);
        }
        let (coefficients, strings): (Vec<_>, Vec<_>) = single.into_iter().unzip();
        let prepared = self.inner.prepare(program, &strings, input_slots)?;
        // A mean of draws is no probability to draw from.
        Ok((!prepared.draws(1)).then_some(Strings { prepared, coefficients }))
    }

    /// The bases of the observables, each with the program that rotates it to Z.
    fn bases(&self, program: &Program, observables: &[Observable], input_slots: usize) -> Result<Bases, SimError> {
        check::observables(program, observables)?;
        let parts = ProgramParts::of(program);
        if !parts.measurements.list.is_empty() || parts.dynamic().is_some() {
            return Err(SimError::Unsupported {
                engine: "expectation values from shots",
                step: "a program that measures".into(),
                instead: "leave measurements out (observables are measured for you), or take counts",
            });
        }
        let prepare = |basis: Basis| {
            let mut rotated = program.clone();
            rotated.steps.extend(rotations(&basis.letters));
            let prepared = self.inner.prepare(&rotated, &[], input_slots)?;
            Ok((basis, prepared))
        };
        Basis::group(observables).into_iter().map(prepare).collect()
    }
}

/// The coefficients of the identity and of the other string of an observable, and that string; `None` if there are several.
fn single_string(observable: &Observable) -> Option<((f64, f64), Observable)> {
    let mut found = ((0.0, 0.0), Observable { terms: vec![(1.0, PauliString::default())] });
    let mut count = 0;
    for (weight, string) in &observable.terms {
        match string.letters().is_empty() {
            true => found.0.0 += weight,
            false => {
                count += 1;
                (found.0.1, found.1) = (*weight, Observable { terms: vec![(1.0, string.clone())] });
            }
        }
    }
    (count < 2).then_some(found)
}

/// Bytes of probabilities, recorded probabilities and counts that are held at the same time.
const TABLES: f64 = (256 << 20) as f64;

/// Rows of a batch whose outcomes are drawn together.
fn groups(qubits: usize, batch: usize) -> Vec<Range<usize>> {
    let fitting = (TABLES / (32.0 * 2f64.powi(qubits as i32))) as usize;
    // Engines run up to 32 rows together.
    chunks(batch, if fitting < 32 { fitting.max(1) } else { fitting / 32 * 32 })
}

impl Strings {
    /// Means of shots, (batch, observables): row b of an observable draws from stream number b of its own seed.
    fn drawn(&self, angles: Angles, shots: usize, seed: u64) -> Result<Array2<f64>, SimError> {
        let mut values = self.prepared.expect(angles)?;
        for ((row, o), value) in values.indexed_iter_mut() {
            let up = (1.0 + value.clamp(-1.0, 1.0)) / 2.0;
            let mut stream = Stream::numbered(Stream::numbered(seed, o as u64).bits(), row as u64);
            let ups = counts(aview1(&[up, 1.0 - up]), shots, &mut stream)[0] as f64;
            let (constant, weight) = self.coefficients[o];
            *value = constant + weight * (2.0 * ups / shots.max(1) as f64 - 1.0);
        }
        Ok(values)
    }
}

/// A program whose observables are prepared for reading.
struct ShotsProgram<S> {
    engine: Shots<S>,
    program: Program,
    observables: Vec<Observable>,
    input_slots: usize,
    /// The readout of all qubits, bit k being qubit k.
    readout: TerminalMeasurements,
    reading: Reading,
    /// The program as it is.
    outcomes: Lazy<Arc<dyn Prepared>>,
}

impl<S: Simulator + Clone + 'static> ShotsProgram<S> {
    /// The program as it is, prepared for its outcomes.
    fn outcomes(&self) -> Result<&Arc<dyn Prepared>, SimError> {
        self.outcomes.get(|| self.engine.inner.prepare(&self.program, &[], self.input_slots))
    }

    /// Probabilities of the recorded outcomes of all qubits, after the rotations of a basis.
    fn recorded(&self, prepared: &dyn Prepared, angles: Angles) -> Result<Array2<f64>, SimError> {
        let mut p = prepared.probabilities(angles)?;
        for mut row in p.rows_mut() {
            let mut recorded = vec![0.0; row.len()];
            record(&self.readout, &row.to_vec(), 0, &mut recorded);
            row.iter_mut().zip(recorded).for_each(|(to, from)| *to = from);
        }
        Ok(p)
    }
}

impl<S: Simulator + Clone + 'static> Prepared for ShotsProgram<S> {
    fn resolved_name(&self, batch: usize) -> String {
        match &self.reading {
            Reading::Bases(bases) => {
                let first = bases.first().map(|(_, prepared)| Ok(prepared)).unwrap_or_else(|| self.outcomes());
                first.map_or_else(
                    |_| self.engine.name(),
                    |prepared| format!("{}, {} shots", prepared.resolved_name(batch), self.engine.shots),
                )
            }
            Reading::Strings(strings) => {
                format!("{}, {} shots", strings.prepared.resolved_name(batch), self.engine.shots)
            }
        }
    }

    fn draws(&self, _batch: usize) -> bool {
        true
    }

    fn expect(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        let Shots { shots, seed, .. } = self.engine;
        let bases = match &self.reading {
            Reading::Strings(strings) => return strings.drawn(angles, shots, seed),
            Reading::Bases(bases) => bases,
        };
        let mut out = Array2::zeros((angles.batch(), self.observables.len()));
        for (number, (basis, prepared)) in bases.iter().enumerate() {
            let seed = Stream::numbered(seed, number as u64).bits();
            for rows in groups(self.program.qubits(), angles.batch()) {
                let some = Angles { inputs: angles.inputs.slice_move(s![rows.clone(), ..]), ..angles };
                let drawn = sample_from(self.recorded(&**prepared, some)?.view(), rows.start, shots, seed);
                for (row, counts) in rows.zip(drawn.rows()) {
                    for (o, weight, string) in &basis.strings {
                        let mask = string.masks().map_or(0, |(x, z)| x | z) as usize;
                        let signed = counts.iter().enumerate().map(|(outcome, &n)| sign(outcome & mask) * n as f64);
                        out[[row, *o]] += weight * signed.sum::<f64>() / shots.max(1) as f64;
                    }
                }
            }
        }
        Ok(out)
    }

    fn vjp(&self, angles: Angles, cotangent: ArrayView2<f64>) -> Result<AngleGradient, SimError> {
        Gradient::Shift.vjp(&self.engine, &self.program, angles, &self.observables, cotangent)
    }

    /// Relative frequencies in place of probabilities.
    fn probabilities(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        let Shots { shots, seed, .. } = self.engine;
        let mut p = self.outcomes()?.probabilities(angles)?;
        check::memory("counts", self.program.qubits(), 24.0 * p.len() as f64, "use fewer rows or measured bits")?;
        let drawn = sample(p.view(), shots, seed);
        p.zip_mut_with(&drawn, |p, &n| *p = n as f64 / shots.max(1) as f64);
        Ok(p)
    }
}
