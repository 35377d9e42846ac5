//! The circuit on all processes that `mpirun` started.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Result, bail, ensure};
use ndarray::Axis;

use super::Arguments;
use super::answer::{Answer, ErrorAccount, Outcomes, RegisterCounts, options, over_outcomes, short};
use super::setup::Setup;
use crate::sim::cost::Workload;
use crate::sim::ranks::{Communicator, ShotBlocks, World};
use crate::sim::{Angles, Precision, Sharded, Simulator, sample};

/// The processes, if a launcher started this one.
pub fn world() -> Result<Option<Arc<dyn Communicator>>> {
    Ok(World::launched()?.map(|world| -> Arc<dyn Communicator> { Arc::new(world) }))
}

/// What runs over ranks.
enum Engine {
    /// An ideal circuit: one state vector.
    State(Sharded),
    /// Shots of an engine that draws.
    Shots(ShotBlocks),
}

impl Engine {
    fn of(arguments: &Arguments, setup: &Setup, ranks: Arc<dyn Communicator>) -> Result<Self> {
        let refused = [
            ("--save", arguments.save.is_some()),
            ("--mitigation", !arguments.mitigation.is_empty()),
            ("--explain", arguments.explain),
            ("--roulette", arguments.roulette),
        ];
        if let Some((option, _)) = refused.iter().find(|(_, given)| *given) {
            bail!("{option} runs in one process; leave it out, or start without mpirun");
        }
        let ideal = Workload::new(&setup.program, &setup.observables, 0).ideal();
        match arguments.engine.as_str() {
            "auto" | "statevector" if ideal => {
                ensure!(
                    arguments.precision == Precision::Double,
                    "a state over ranks has double precision; leave --precision single out, or start without mpirun"
                );
                Ok(Self::State(Sharded::new(ranks)))
            }
            "auto" => Ok(Self::Shots(ShotBlocks::new("trajectory", options(arguments), ranks)?)),
            name => Ok(Self::Shots(ShotBlocks::new(name, options(arguments), ranks)?)),
        }
    }

    /// The engine that runs at every rank.
    fn name(&self) -> &'static str {
        match self {
            Self::State(_) => "statevector",
            Self::Shots(blocks) => blocks.engine(),
        }
    }
}

/// Runs everything that the arguments request, at every rank.
pub fn answer(arguments: &Arguments, setup: &Setup, ranks: Arc<dyn Communicator>) -> Result<Answer> {
    let (program, angles) = (&*setup.program, Angles::of_weights(&[]));
    let size = ranks.size();
    let engine = Engine::of(arguments, setup, ranks)?;
    let simulator: &dyn Simulator = match &engine {
        Engine::State(sharded) => sharded,
        Engine::Shots(blocks) => blocks,
    };
    if let Some(shots) = arguments.shots {
        sample::affordable(shots)?;
    }
    let width = setup.outcome_bits().len();
    let outcomes = Outcomes::of(engine.name(), arguments, setup)?;
    ensure!(
        outcomes.by_rows.is_none(),
        "--shots of {} qubits by {} run in one process; leave --shots out, or start without mpirun",
        program.qubits(),
        engine.name()
    );
    let is_alone = setup.observables.is_empty() && arguments.shots.is_none();
    let listed = outcomes.few || arguments.probabilities || is_alone;
    let begun = Instant::now();
    let mut probabilities = None;
    if listed {
        probabilities = Some(over_outcomes(setup, simulator.probabilities(program, angles)?.row(0))?);
    }
    let mut counts: Option<BTreeMap<String, u64>> = None;
    if let Some(shots) = arguments.shots {
        let outcomes: Vec<(u64, u64)> = match (&engine, &probabilities) {
            (Engine::State(_), Some(p)) => numbered(
                &sample::sample(p.view().insert_axis(Axis(0)), shots, arguments.seed).into_raw_vec_and_offset().0,
            ),
            (Engine::State(sharded), None) => {
                let outcomes = sharded.outcomes(program, &[], shots, arguments.seed)?;
                outcomes.into_iter().map(|outcome| (of_file(setup, outcome), 1)).collect()
            }
            (Engine::Shots(blocks), _) => {
                let drawn = blocks.sample(program, angles, shots, arguments.seed)?.mapv(|count| count as f64);
                let counts: Vec<u64> = over_outcomes(setup, drawn.row(0))?.iter().map(|&count| count as u64).collect();
                numbered(&counts)
            }
        };
        let mut all = BTreeMap::new();
        for (outcome, count) in outcomes.into_iter().filter(|&(_, count)| count > 0) {
            *all.entry(sample::bit_string(outcome as usize, width)).or_default() += count;
        }
        counts = Some(all);
    }
    let (mut expectations, mut accounts) = (Vec::new(), None);
    if !setup.observables.is_empty() {
        let prepared = simulator.prepare(program, &setup.observables, 0)?;
        expectations = prepared.expect(angles)?.row(0).to_vec();
        accounts = prepared.account(angles)?;
    }
    Ok(Answer {
        engine: short(simulator.name()),
        precision: simulator.precision(),
        threads: rayon::current_num_threads(),
        ranks: Some(size),
        qubits: program.qubits(),
        cones: None,
        values_engine: None,
        seconds: begun.elapsed().as_secs_f64(),
        probabilities: probabilities.map(|p| p.to_vec()),
        observables: arguments.observable.clone(),
        expectations,
        mitigation: None,
        errors: accounts.map(|accounts| accounts.row(0).iter().map(ErrorAccount::of).collect()),
        outcome_error: None,
        registers: RegisterCounts::all(setup, counts.as_ref()),
        counts,
        repairs: program.notices.clone(),
        active: setup.qubits.clone(),
        bits: setup.bits.to_vec(),
    })
}

/// Counts with their outcomes.
fn numbered(counts: &[u64]) -> Vec<(u64, u64)> {
    (0..).zip(counts.iter().copied()).collect()
}

/// An outcome of the program as one of the file: its classical bits, or the file's qubits in their order.
fn of_file(setup: &Setup, outcome: u64) -> u64 {
    if !setup.bits.is_empty() {
        return outcome;
    }
    setup.positions.iter().enumerate().fold(0, |bits, (k, &position)| bits | (outcome >> position & 1) << k)
}
