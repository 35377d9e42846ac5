//! A unitary program made ready to run over ranks.

use ndarray::{Array2, ArrayView2, Axis};

use crate::circuit::Observable;
use crate::math::Stream;
use crate::noise::Program;
use crate::sim::gradient::shift_terms;
use crate::sim::kernel::strings::Strings;
use crate::sim::prepared::Prepared;
use crate::sim::ranks::{agreed, table};
use crate::sim::readout::{ProgramParts, TerminalMeasurements, record, recorded};
use crate::sim::statevector::gates::Gate;
use crate::sim::statevector::plan::gates;
use crate::sim::statevector::sharded::readings::LEAVES;
use crate::sim::statevector::sharded::route::{Move, route as route_of};
use crate::sim::statevector::sharded::shard::Shard;
use crate::sim::statevector::sharded::{NAME, Sharded, readings};
use crate::sim::{AngleGradient, Angles, SimError, Simulator, check};

/// A program, its observables and the route of its qubits.
pub struct ShardedProgram {
    engine: Sharded,
    program: Program,
    observables: Vec<Observable>,
    input_slots: usize,
    gates: Vec<Gate>,
    route: Vec<Move>,
    /// Qubits within a rank.
    local: usize,
    strings: Strings,
    measurements: TerminalMeasurements,
}

/// Qubits that a rank holds of a register.
fn local(qubits: usize, ranks: usize) -> Result<usize, SimError> {
    let most = LEAVES.min(1 << qubits.min(63));
    if ranks.is_power_of_two() && ranks <= most {
        return Ok(qubits - ranks.ilog2() as usize);
    }
    let instead = format!("a power of two, at most {most}");
    Err(SimError::RankCount { ranks, qubits, instead })
}

/// The route of a program over so many ranks.
pub fn route(program: &Program, ranks: usize) -> Result<Vec<Move>, SimError> {
    let gates = gates(program, &ProgramParts::of(program), 0)?;
    route_of(&gates, program.qubits(), local(program.qubits(), ranks)?)
}

impl ShardedProgram {
    pub fn new(
        engine: &Sharded,
        program: &Program,
        observables: &[Observable],
        input_slots: usize,
    ) -> Result<Self, SimError> {
        let qubits = program.qubits();
        let local = local(qubits, engine.ranks.size())?;
        let flips = observables.iter().flat_map(|o| &o.terms).any(|(_, s)| s.letters().iter().any(|(_, l)| l.bits().0));
        // The amplitudes of a rank, and products of them in double precision for observables.
        let bytes = 2f64.powi(local as i32)
            * (16.0 + if observables.is_empty() { 0.0 } else { 8.0 } + if flips { 8.0 } else { 0.0 });
        // Ranks may run on machines with different amounts of memory.
        agreed(&*engine.ranks, check::memory(NAME, qubits, bytes, "start more ranks, on more machines"))?;
        let parts = ProgramParts::of(program);
        let gates = gates(program, &parts, input_slots)?;
        Ok(Self {
            route: route_of(&gates, qubits, local)?,
            strings: Strings::new(&recorded(NAME, program, observables, &parts.measurements)?),
            measurements: parts.measurements,
            engine: engine.clone(),
            program: program.clone(),
            observables: observables.to_vec(),
            input_slots,
            gates,
            local,
        })
    }

    /// The state of a row.
    fn run(&self, angles: &Angles, row: usize) -> Result<Shard<'_>, SimError> {
        let mut shard = Shard::ground(&*self.engine.ranks, self.local);
        for step in &self.route {
            match step {
                Move::Gate { number, controls, targets } => {
                    let mut gate = self.gates[*number].unplaced(angles, row);
                    (gate.controls, gate.targets) = (controls.clone(), targets.clone());
                    shard.apply(&gate);
                }
                &Move::Local(places) => shard.swap(places),
                &Move::Exchange { far, near } => shard.exchange(far, near)?,
            }
        }
        Ok(shard)
    }

    /// What `each` reads of the state of every row, one row after the other; rows have as many numbers.
    fn rows(
        &self,
        angles: &Angles,
        each: impl Fn(&Shard) -> Result<Vec<f64>, SimError>,
    ) -> Result<Array2<f64>, SimError> {
        check::angles(self.program.slots, self.input_slots, angles)?;
        let mut all = Vec::new();
        for row in 0..angles.batch() {
            all.extend(each(&self.run(angles, row)?)?);
        }
        Ok(table(angles.batch(), all))
    }

    /// Outcomes of the first row, one shot after the other.
    pub fn outcomes(&self, angles: &Angles, shots: usize, seed: u64) -> Result<Vec<u64>, SimError> {
        check::angles(self.program.slots, self.input_slots, angles)?;
        check::draws(shots)?;
        let TerminalMeasurements { list, pairs } = &self.measurements;
        if !pairs.is_empty() || list.iter().any(|read| read.confusion.is_some()) {
            let instead = "use probabilities, or the engine trajectory";
            return Err(SimError::Unsupported {
                engine: NAME,
                step: "a readout with errors shot by shot".into(),
                instead,
            });
        }
        if list.iter().any(|read| read.bit > 63) {
            let step = format!("shots of {} classical bits", self.program.bits);
            return Err(SimError::Unsupported { engine: NAME, step, instead: "use at most 64" });
        }
        let stream = &mut Stream::numbered(seed, 0);
        let qubits = readings::outcomes(&self.run(angles, 0)?, self.program.qubits(), shots, stream)?;
        if list.is_empty() {
            return Ok(qubits);
        }
        let bits = |outcome: u64| list.iter().fold(0, |bits, read| bits | (outcome >> read.qubit & 1) << read.bit);
        Ok(qubits.into_iter().map(bits).collect())
    }
}

impl Prepared for ShardedProgram {
    fn resolved_name(&self, _batch: usize) -> String {
        self.engine.name()
    }

    fn expect(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        self.rows(&angles, |shard| readings::expectations(shard, &self.strings, self.observables.len()))
    }

    /// Two or four runs for each angle of each gate, one after the other: ranks have to make the same calls in the same order.
    fn vjp(&self, angles: Angles, cotangent: ArrayView2<f64>) -> Result<AngleGradient, SimError> {
        check::angles(self.program.slots, self.input_slots, &angles)?;
        check::cotangent(angles.batch(), self.observables.len(), cotangent)?;
        let mut gradient = AngleGradient::zeros(&angles);
        for term in shift_terms(&self.program)? {
            let shifted = term.apply(&self.program);
            let values = self.engine.prepare(&shifted, &self.observables, self.input_slots)?.expect(angles)?;
            let weighted = (values * cotangent).sum_axis(Axis(1));
            weighted.iter().enumerate().for_each(|(row, f)| gradient.add(row, term.slot, term.weight * f));
        }
        Ok(gradient)
    }

    fn probabilities(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        let (qubits, measures) = (self.program.qubits(), self.program.measures());
        let width = if measures { self.program.bits } else { qubits };
        let bytes = 8.0 * (angles.batch() as f64 * 2f64.powi(width as i32) + 2f64.powi(qubits as i32));
        let instead = "ask for expectation values, or for outcomes shot by shot";
        agreed(&*self.engine.ranks, check::memory("a list of all outcomes", qubits, bytes, instead))?;
        self.rows(&angles, |shard| {
            let p = readings::probabilities(shard)?;
            if !measures {
                return Ok(p);
            }
            let mut out = vec![0.0; 1 << width];
            record(&self.measurements, &p, 0, &mut out);
            Ok(out)
        })
    }
}
