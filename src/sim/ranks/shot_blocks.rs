//! The shots of an engine that draws over ranks.

use std::sync::Arc;

use ndarray::{Array1, Array2, ArrayView2};

use crate::circuit::Observable;
use crate::math::Stream;
use crate::noise::Program;
use crate::sim::account::{Estimate, LastEstimates};
use crate::sim::ranks::{Communicator, accounts, gather_leaves, leaf_seed, table};
use crate::sim::{
    Account, AngleGradient, Angles, EngineOptions, EngineRow, Precision, Prepared, SimError, Simulator, ValueKind,
    check,
};

/// Shots of a block.
const BLOCK: usize = 256;

/// An engine that draws (`trajectory`, `mps`) with its shots over ranks: blocks of 256 shots, each with a seed of its own.
///
/// Results are the same at any number of ranks. Those of up to 256 shots are the engine's own to the byte. Expectation values
/// and probabilities are means over blocks, added in their order; every rank holds the values of all blocks for that. What is
/// computed without draws is computed once, at every rank.
#[derive(Clone)]
pub struct ShotBlocks {
    row: &'static EngineRow,
    options: EngineOptions,
    ranks: Arc<dyn Communicator>,
}

impl ShotBlocks {
    /// The engine called `name` with these options, `options.shots` shots of a row in all.
    ///
    /// # Errors
    /// If there is no such engine, it draws nothing, or a tolerance is asked for, which no engine that draws meets.
    pub fn new(name: &str, options: EngineOptions, ranks: Arc<dyn Communicator>) -> Result<Self, SimError> {
        let row = EngineRow::named(name)?;
        if row.values != ValueKind::Drawn {
            let step = "blocks of shots over ranks".into();
            return Err(SimError::Unsupported { engine: row.name, step, instead: "use trajectory or mps" });
        }
        if let Some(tolerance) = options.cut.tolerance {
            let step = format!("to a tolerance of {tolerance:e}");
            return Err(SimError::Unsupported { engine: row.name, step, instead: "use more shots" });
        }
        Ok(Self { row, options, ranks })
    }

    /// The name of the engine.
    pub fn engine(&self) -> &'static str {
        self.row.name
    }

    /// The engine with the shots and the seed of one block.
    fn of_block(&self, block: usize) -> Arc<dyn Simulator> {
        let shots = size(self.options.shots, block);
        (self.row.make)(EngineOptions { shots, seed: leaf_seed(self.options.seed, block), ..self.options })
    }
}

/// How many blocks so many shots are.
fn count(shots: usize) -> usize {
    shots.div_ceil(BLOCK).max(1)
}

/// Shots of a block.
fn size(shots: usize, block: usize) -> usize {
    (shots - block * BLOCK).min(BLOCK)
}

impl Simulator for ShotBlocks {
    fn name(&self) -> String {
        format!("{}, {} shots over {} ranks", self.row.name, self.options.shots, self.ranks.size())
    }

    fn precision(&self) -> Precision {
        self.of_block(0).precision()
    }

    fn with_substream(&self, number: u64) -> Option<Arc<dyn Simulator>> {
        let seed = Stream::numbered(self.options.seed, number).bits();
        Some(Arc::new(Self { options: EngineOptions { seed, ..self.options }, ..self.clone() }))
    }

    fn prepare(
        &self,
        program: &Program,
        observables: &[Observable],
        input_slots: usize,
    ) -> Result<Arc<dyn Prepared>, SimError> {
        let first = self.of_block(0).prepare(program, observables, input_slots)?;
        let (program, observables) = (program.clone(), observables.to_vec());
        Ok(Arc::new(ShotBlocksProgram {
            engine: self.clone(),
            first,
            program,
            observables,
            input_slots,
            last: LastEstimates::default(),
        }))
    }
}

struct ShotBlocksProgram {
    engine: ShotBlocks,
    /// The program with the shots and the seed of the first block.
    first: Arc<dyn Prepared>,
    program: Program,
    observables: Vec<Observable>,
    input_slots: usize,
    last: LastEstimates,
}

impl ShotBlocksProgram {
    /// How many blocks run: one if nothing is drawn.
    fn blocks(&self, batch: usize) -> usize {
        if self.first.draws(batch) { count(self.engine.options.shots) } else { 1 }
    }

    /// The share of a block in the mean.
    fn share(&self, block: usize) -> f64 {
        let shots = self.engine.options.shots;
        size(shots, block) as f64 / shots as f64
    }

    /// What `each` makes of every block, one after the other.
    fn gather(
        &self,
        blocks: usize,
        each: impl Fn(&dyn Prepared) -> Result<Vec<f64>, SimError>,
    ) -> Result<Vec<f64>, SimError> {
        let engine = &self.engine;
        gather_leaves(&*engine.ranks, blocks, |block| match block {
            0 => each(&*self.first),
            _ => each(&*engine.of_block(block).prepare(&self.program, &self.observables, self.input_slots)?),
        })
    }

    /// The mean of what `each` makes of every block, weighted by shots.
    fn mean(
        &self,
        batch: usize,
        each: impl Fn(&dyn Prepared) -> Result<Vec<f64>, SimError>,
    ) -> Result<Vec<f64>, SimError> {
        let blocks = self.blocks(batch);
        let values = self.gather(blocks, each)?;
        Ok(if blocks == 1 { values } else { sum(&values, blocks, |block| self.share(block)) })
    }

    /// Values with their errors, (batch, observables).
    fn estimates(&self, angles: &Angles) -> Result<Array2<Estimate>, SimError> {
        let (batch, shots) = (angles.batch(), self.engine.options.shots);
        let blocks = self.blocks(batch);
        let gathered = self.gather(blocks, |block| accounts::estimates(block, *angles))?;
        let list = match blocks {
            1 => accounts::of_numbers(&gathered),
            _ => accounts::mean(&gathered, blocks, |block| self.share(block), shots),
        };
        Ok(Array2::from_shape_vec((batch, self.observables.len()), list).expect("blocks have all values"))
    }
}

/// The sum over blocks, in order.
fn sum(values: &[f64], blocks: usize, weight: impl Fn(usize) -> f64) -> Vec<f64> {
    let mut total = vec![0.0; values.len() / blocks];
    for (block, values) in values.chunks_exact(total.len().max(1)).enumerate() {
        total.iter_mut().zip(values).for_each(|(sum, value)| *sum += weight(block) * value);
    }
    total
}

impl Prepared for ShotBlocksProgram {
    fn resolved_name(&self, _batch: usize) -> String {
        self.engine.name()
    }

    fn draws(&self, batch: usize) -> bool {
        self.first.draws(batch)
    }

    fn expect(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        Ok(self.last.get(&angles, || self.estimates(&angles))?.map(|estimate| estimate.value))
    }

    fn account(&self, angles: Angles) -> Result<Option<Array2<Account>>, SimError> {
        let accounts = self.last.get(&angles, || self.estimates(&angles))?.map(|estimate| estimate.account);
        Ok(accounts.iter().all(|account| !account.norm.is_nan()).then_some(accounts))
    }

    fn vjp(&self, angles: Angles, cotangent: ArrayView2<f64>) -> Result<AngleGradient, SimError> {
        check::cotangent(angles.batch(), self.observables.len(), cotangent)?;
        let mut inputs = self.mean(angles.batch(), |block| {
            let AngleGradient { inputs, weights } = block.vjp(angles, cotangent)?;
            Ok(inputs.into_iter().chain(weights).collect())
        })?;
        let weights = Array1::from(inputs.split_off(angles.inputs.len()));
        let inputs = Array2::from_shape_vec(angles.inputs.raw_dim(), inputs).expect("inputs come before weights");
        Ok(AngleGradient { inputs, weights })
    }

    fn probabilities(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        let each = |block: &dyn Prepared| Ok(block.probabilities(angles)?.into_iter().collect());
        Ok(table(angles.batch(), self.mean(angles.batch(), each)?))
    }

    fn sample(&self, angles: Angles, shots: usize, seed: u64) -> Result<Array2<u64>, SimError> {
        let counts = gather_leaves(&*self.engine.ranks, count(shots), |block| {
            let counts = self.first.sample(angles, size(shots, block), leaf_seed(seed, block))?;
            // Exact: no count reaches 2^53.
            Ok(counts.into_iter().map(|count| count as f64).collect())
        })?;
        Ok(table(angles.batch(), sum(&counts, count(shots), |_| 1.0)).mapv(|count| count as u64))
    }
}
