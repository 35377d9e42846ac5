//! Expectation values as an experiment with a finite number of shots finds them.

use std::ops::Range;
use std::sync::Arc;

use ndarray::{Array2, ArrayView2, s};

use crate::circuit::Observable;
use crate::math::Stream;
use crate::noise::Program;
use crate::sim::cost::{Call, Request, Workload};
use crate::sim::kernel::chunks;
use crate::sim::prepared::{Lazy, Prepared};
use crate::sim::readout::{ProgramParts, TerminalMeasurement, TerminalMeasurements, record};
use crate::sim::sample::{Basis, affordable, rotations, sample, sample_from, sign};
use crate::sim::{AngleGradient, Angles, EngineOptions, Gradient, Precision, SimError, Simulator, auto, check, cones};

/// Observables whose outcomes take longer than this to find, seconds, are measured on their cones.
const LONG: f64 = 0.1;

/// Bases in which observables are read, each with the program that ends in it.
type Bases = Vec<(Basis, Arc<dyn Prepared>)>;

/// An engine whose results are estimated from a finite number of shots.
///
/// Expectation values measure all qubits at once: Pauli strings that can be read in one basis share their `shots` draws,
/// readout errors included; another basis is another `shots` draws. Observables of a register whose outcomes would take long
/// are drawn on their cones ([`Program::cone`]), each independently. Gradients are by the parameter-shift rule on such
/// estimates.
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
        let way = (&outcomes as &_, LONG);
        if let Some(on_cones) = cones::prepare(&engine, way, &options, program, observables, input_slots)? {
            return Ok(on_cones);
        }
        let bases = if observables.is_empty() { Vec::new() } else { self.bases(program, observables, input_slots)? };
        let read = program.readout.iter().enumerate();
        let read = read.map(|(qubit, confusion)| TerminalMeasurement { qubit, bit: qubit, confusion: *confusion });
        Ok(Arc::new(ShotsProgram {
            engine: self.clone(),
            readout: TerminalMeasurements::new(read.collect(), &program.correlated),
            program: program.clone(),
            observables: observables.to_vec(),
            input_slots,
            bases,
            outcomes: Lazy::default(),
        }))
    }
}

impl<S: Simulator + Clone + 'static> Shots<S> {
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

/// Bytes of probabilities, recorded probabilities and counts that are held at the same time.
const TABLES: f64 = (256 << 20) as f64;

/// Rows of a batch whose outcomes are drawn together.
fn groups(qubits: usize, batch: usize) -> Vec<Range<usize>> {
    let fitting = (TABLES / (32.0 * 2f64.powi(qubits as i32))) as usize;
    // Engines run up to 32 rows together.
    chunks(batch, if fitting < 32 { fitting.max(1) } else { fitting / 32 * 32 })
}

/// A program prepared once for each basis.
struct ShotsProgram<S> {
    engine: Shots<S>,
    program: Program,
    observables: Vec<Observable>,
    input_slots: usize,
    /// The readout of all qubits, bit k being qubit k.
    readout: TerminalMeasurements,
    bases: Bases,
    /// The program as it is.
    outcomes: Lazy<Arc<dyn Prepared>>,
}

impl<S: Simulator + Clone + 'static> ShotsProgram<S> {
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
    fn resolved_name(&self, _batch: usize) -> String {
        self.engine.name()
    }

    fn draws(&self, _batch: usize) -> bool {
        true
    }

    fn expect(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        let Shots { shots, seed, .. } = self.engine;
        let mut out = Array2::zeros((angles.batch(), self.observables.len()));
        for (number, (basis, prepared)) in self.bases.iter().enumerate() {
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
        let prepare = || self.engine.inner.prepare(&self.program, &[], self.input_slots);
        let mut p = self.outcomes.get(prepare)?.probabilities(angles)?;
        check::memory("counts", self.program.qubits(), 24.0 * p.len() as f64, "use fewer rows or measured bits")?;
        let counts = sample(p.view(), shots, seed);
        p.zip_mut_with(&counts, |p, &n| *p = n as f64 / shots.max(1) as f64);
        Ok(p)
    }
}
