//! A program made ready for values, probabilities and shots.

use std::sync::Arc;

use ndarray::{Array2, ArrayView2};

use super::cost::Drawing;
use super::pulled::{Layout, merged, value, within_limit};
use super::records::ShotRecords;
use super::steps::{CliffordProgram, Sampling};
use super::{NAME, Stabilizer, tableau};
use crate::circuit::Observable;
use crate::math::Stream;
use crate::noise::Program;
use crate::sim::cost::{Call, Request, Workload};
use crate::sim::kernel::each_in_order;
use crate::sim::kernel::strings::walsh;
use crate::sim::prepared::Prepared;
use crate::sim::readout::{ProgramParts, WideTerms, misread, misread_pair, recorded_strings};
use crate::sim::{AngleGradient, Angles, EngineOptions, Gradient, SimError, Simulator, check, sample};

/// Sets of bits whose signs one thread follows in a row.
const RUN: usize = 256;

/// A program with its observables.
pub struct StabilizerProgram {
    program: Program,
    observables: Vec<Observable>,
    input_slots: usize,
    workload: Workload,
    /// The observables at the end, readout error included.
    terms: Vec<WideTerms>,
    /// Of a program without slots: itself, up to its terminal measurements.
    body: Option<Arc<CliffordProgram>>,
}

impl StabilizerProgram {
    pub fn new(program: &Program, observables: &[Observable], input_slots: usize) -> Result<Self, SimError> {
        check::observables(program, observables)?;
        let measurements = ProgramParts::of(program).measurements;
        let prepared = Self {
            terms: recorded_strings(NAME, program, observables, &measurements)?,
            body: (program.slots == 0).then(|| CliffordProgram::body(program, &[])).transpose()?.map(Arc::new),
            workload: Workload::new(program, observables, input_slots),
            program: program.clone(),
            observables: observables.to_vec(),
            input_slots,
        };
        prepared.check_cost(&Call::new(Request::Values, &EngineOptions::default()), Sampling::Frames)?;
        Ok(prepared)
    }

    fn check_angles(&self, angles: &Angles) -> Result<(), SimError> {
        check::angles(self.program.slots, self.input_slots, angles)
    }

    /// There is memory and time for a call, at angles that the engine runs.
    fn check_cost(&self, call: &Call, sampling: Sampling) -> Result<(), SimError> {
        if call.request == Request::Values && self.observables.is_empty() {
            return Ok(());
        }
        let stabilizer = self.workload.stabilizer.or(Some(sampling));
        // Most conditions split nothing, and those that do are refused while they do.
        Workload { stabilizer, splits_by_conditions: 0, ..self.workload.clone() }.check(NAME, call)
    }

    fn body(&self, angles: &[f64]) -> Result<Arc<CliffordProgram>, SimError> {
        match &self.body {
            Some(body) => Ok(Arc::clone(body)),
            None => Ok(Arc::new(CliffordProgram::body(&self.program, angles)?)),
        }
    }

    fn call(&self, request: Request, rows: usize, shots: usize) -> Call {
        Call::new(request, &EngineOptions { shots, ..EngineOptions::default() }).rows(rows)
    }

    /// Mean signs `⟨(-1)^(sum of the bits)⟩` of recorded bits, one for each set.
    pub fn parities(&self, angles: &[f64], sets: &[Vec<usize>]) -> Result<Vec<f64>, SimError> {
        let program = CliffordProgram::with_outcomes(&self.program, angles)?;
        let (layout, start) = (Layout::of(&program), program.outcome.start);
        let one = |set: &Vec<usize>| {
            if let Some(&bit) = set.iter().find(|&&bit| bit >= program.outcome.len()) {
                return Err(SimError::NoBit { bit, bits: program.outcome.len() });
            }
            let mut terms = vec![(layout.parity(set.iter().map(|bit| start + bit)), 1.0)];
            // The last thing that happens to the bits is undone first.
            for &((a, b), confusion) in program.pairs.iter().rev() {
                let mixture = confusion.on_z();
                let mixed = |(key, weight): (Vec<u64>, f64)| {
                    let has = usize::from(layout.has_bit(&key, a)) | usize::from(layout.has_bit(&key, b)) << 1;
                    let to = move |(other, factor): (usize, f64)| {
                        let mut key = key.clone();
                        let changed = [(a, has ^ other), (b, (has ^ other) >> 1)];
                        changed.iter().filter(|c| c.1 & 1 == 1).for_each(|c| layout.toggle_bit(&mut key, c.0));
                        (key, weight * factor)
                    };
                    mixture[has].into_iter().enumerate().filter(|(_, factor)| *factor != 0.0).map(to)
                };
                terms = merged(terms.into_iter().flat_map(mixed));
                within_limit(program.qubits, terms.len())?;
            }
            for &(bit, confusion) in &program.misread {
                let (slope, constant) = confusion.on_z();
                let mut lost = Vec::new();
                for (key, weight) in terms.iter_mut().filter(|(key, _)| layout.has_bit(key, bit)) {
                    if constant != 0.0 {
                        let mut key = key.clone();
                        layout.toggle_bit(&mut key, bit);
                        lost.push((key, *weight * constant));
                    }
                    *weight *= slope;
                }
                terms = merged(terms.into_iter().chain(lost));
                within_limit(program.qubits, terms.len())?;
            }
            value(&program, layout, terms)
        };
        each_in_order(sets.iter().collect(), one).into_iter().collect()
    }

    /// Probabilities of the outcomes at the angles of one row: the Walsh transform of the mean signs of all sets of bits.
    fn outcomes(&self, angles: &[f64]) -> Result<Vec<f64>, SimError> {
        let program = CliffordProgram::with_outcomes(&self.program, angles)?;
        let (layout, start, count) = (Layout::of(&program), program.outcome.start, 1usize << program.outcome.len());
        let runs: Vec<usize> = (0..count).step_by(RUN).collect();
        let run = |first: usize| -> Result<Vec<f64>, SimError> {
            let sets = first..count.min(first + RUN);
            let bits = |set: usize| (0..usize::BITS as usize).filter(move |bit| set >> bit & 1 == 1);
            sets.map(|set| value(&program, layout, vec![(layout.parity(bits(set).map(|bit| start + bit)), 1.0)]))
                .collect()
        };
        let mut p = Vec::with_capacity(count);
        for run in each_in_order(runs, run) {
            p.extend(run?);
        }
        walsh(&mut p);
        p.iter_mut().for_each(|p| *p /= count as f64);
        for &(bit, confusion) in &program.misread {
            misread(&mut p, bit, confusion);
        }
        for &(bits, confusion) in &program.pairs {
            misread_pair(&mut p, bits, &confusion.matrix());
        }
        Ok(p)
    }
}

/// Outcomes of shots of a program at angles for all its slots.
pub fn records(program: &Program, angles: &[f64], shots: usize, seed: u64) -> Result<ShotRecords, SimError> {
    let qubits = program.qubits();
    let affordable = |bytes| check::memory("drawing shots of stabilizer", qubits, bytes, "use fewer shots or qubits");
    // Before a step is read for each measurement.
    affordable(tableau::bytes(qubits))?;
    let program = CliffordProgram::with_outcomes(program, angles)?;
    let cost = Drawing::of(&program).cost(shots, rayon::current_num_threads());
    affordable(cost.bytes)?;
    check::seconds(&format!("{NAME} with {shots} shots"), cost.seconds, "use fewer shots")?;
    Ok(ShotRecords::draw(&program, shots, seed))
}

impl Prepared for StabilizerProgram {
    fn resolved_name(&self, _batch: usize) -> String {
        Stabilizer.name()
    }

    fn expect(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        self.check_angles(&angles)?;
        self.check_cost(&self.call(Request::Values, angles.batch(), 0), Sampling::Frames)?;
        let mut out = Array2::zeros((angles.batch(), self.terms.len()));
        for (row, mut values) in out.rows_mut().into_iter().enumerate() {
            let body = self.body(&angles.row(row))?;
            let layout = Layout::of(&body);
            let one = |terms: &WideTerms| {
                let start = terms.iter().map(|(weight, string)| (layout.string(string), *weight)).collect();
                value(&body, layout, start)
            };
            let found = each_in_order(self.terms.iter().collect(), one);
            for (value, found) in values.iter_mut().zip(found) {
                *value = found?;
            }
        }
        Ok(out)
    }

    /// By the parameter-shift rule: a quarter turn more or less is a Clifford operation again.
    fn vjp(&self, angles: Angles, cotangent: ArrayView2<f64>) -> Result<AngleGradient, SimError> {
        Gradient::Shift.vjp(&Stabilizer, &self.program, angles, &self.observables, cotangent)
    }

    fn probabilities(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        self.check_angles(&angles)?;
        self.check_cost(&self.call(Request::Probabilities, angles.batch(), 0), Sampling::Frames)?;
        let mut out = Array2::zeros((angles.batch(), 1 << self.workload.width));
        for (row, mut p) in out.rows_mut().into_iter().enumerate() {
            p.assign(&ndarray::Array1::from(self.outcomes(&angles.row(row))?));
        }
        Ok(out)
    }

    /// Shots of the program itself, not of its probabilities.
    fn sample(&self, angles: Angles, shots: usize, seed: u64) -> Result<Array2<u64>, SimError> {
        sample::affordable(shots)?;
        self.check_angles(&angles)?;
        self.check_cost(&self.call(Request::Sample, angles.batch(), shots), Sampling::Frames)?;
        let mut out = Array2::zeros((angles.batch(), 1 << self.workload.width));
        for (row, mut counts) in out.rows_mut().into_iter().enumerate() {
            let records = records(&self.program, &angles.row(row), shots, Stream::numbered(seed, row as u64).bits())?;
            (0..shots).for_each(|shot| counts[records.row(shot)[0] as usize] += 1);
        }
        Ok(out)
    }
}
