//! Trials on a real Spark: a tuning with its comparison, a recording.

use std::sync::{Mutex, PoisonError};

use crate::lab::{Context, Measurement};
use crate::math::Stream;
use crate::study::StudyError;
use crate::systems::tuner::arms::ArmRow;
use crate::systems::tuner::saved::KNOWLEDGE_FILE;
use crate::systems::tuner::session::Session;
use crate::systems::tuner::spark::compare::{COMPARED, Compared};
use crate::systems::tuner::spark::engine::Engine;
use crate::systems::tuner::spark::record::{self, TABLE_FILE};
use crate::systems::tuner::spark::{Live, LiveWorld};
use crate::systems::tuner::spec::Spec;
use crate::systems::tuner::trial::{DEFAULT, TUNED, kept, knowledge};
use crate::systems::tuner::world::World;

/// Arms that are run unless others are named: the method, and the defaults against themselves.
pub const ARMS: [&str; 2] = ["mftune", DEFAULT];

/// What a tuning measures.
pub const METRICS: [&str; 11] = [
    "speedup",
    "speedup_low",
    "speedup_high",
    "default_seconds",
    "tuned_seconds",
    "repetitions",
    "measurements",
    "full_measurements",
    "failures",
    "spent",
    "sessions",
];

/// A Spark for the trials of a run, one at a time: two would slow each other down.
pub struct Shared {
    /// The Spark.
    pub engine: Mutex<Engine>,
    turn: Mutex<()>,
}

impl Shared {
    /// Nothing is started yet.
    ///
    /// # Errors
    /// As [`Engine::new`].
    pub fn new(live: &Live) -> Result<Self, StudyError> {
        Ok(Self { engine: Mutex::new(Engine::new(live)?), turn: Mutex::new(()) })
    }
}

/// Tunes a task and compares what was found with the defaults.
///
/// # Errors
/// Defaults that fail, a Spark that does not start, a user who stops.
pub fn tune(
    (spec, live): (&Spec, &Live),
    shared: &Shared,
    (arm, task): (&ArmRow, usize),
    seed: u64,
    context: &Context,
) -> Result<Measurement, StudyError> {
    let _turn = shared.turn.lock().unwrap_or_else(PoisonError::into_inner);
    context.proceed()?;
    let world = LiveWorld::open(live, task, &shared.engine, spec.timeout, context)?;
    let options = (arm.options)(spec);
    let full = options.full();
    let meta: Vec<String> = world.meta_by_name().into_iter().map(|(name, _)| name).collect();
    let sources = live.read_sources(&meta)?;
    // The defaults against themselves say how far apart two equal configurations come out here.
    let budget = if arm.name == DEFAULT { 1 } else { spec.budget };
    let seed = Stream::named(seed, &format!("session {}", world.tasks()[task])).bits();
    let (nested, timeout) = (spec.nested, spec.timeout);
    let session = Session { world: &world, target: task, options, sources: &sources, budget, nested, timeout, seed };
    let tuned = session.run(&|| world.proceed()).map_err(|error| match error {
        StudyError::Settings { .. } => world.defaults_fail(),
        error => error,
    })?;
    let compared = Compared::measure(&world, &tuned.best, live.repetitions)?;
    let mut found = Measurement::default().keep(TUNED, &kept(&world, &tuned, full)).keep(COMPARED, &compared);
    if let (Some((speedup, low, high)), Some((default, best))) = (compared.speedup(), compared.medians()) {
        found = found.value("speedup", speedup).value("speedup_low", low).value("speedup_high", high);
        found = found.value("default_seconds", default).value("tuned_seconds", best);
    }
    let full_ones = tuned.steps.iter().filter(|own| own.level == full).count();
    let failures = tuned.steps.iter().filter(|own| own.seconds.is_none()).count();
    found = with_failures(found, &world);
    if compared.failed > 0 {
        found = found
            .notice(format!("repetitions of the comparison that do not count: {}, a query failed", compared.failed));
    }
    Ok(found
        .value("repetitions", compared.default.len() as f64)
        .value("measurements", tuned.steps.len() as f64)
        .value("full_measurements", full_ones as f64)
        .value("failures", failures as f64)
        .value("spent", tuned.spent)
        .value("sessions", world.sessions() as f64)
        .file(KNOWLEDGE_FILE, knowledge(&world, &tuned, (task, full), &sources).to_lines().into_bytes()))
}

/// Measures configurations for a table.
///
/// # Errors
/// A Spark that does not start, a user who stops.
pub fn record(
    (spec, live): (&Spec, &Live),
    shared: &Shared,
    task: usize,
    seed: u64,
    context: &Context,
) -> Result<Measurement, StudyError> {
    let _turn = shared.turn.lock().unwrap_or_else(PoisonError::into_inner);
    context.proceed()?;
    let world = LiveWorld::open(live, task, &shared.engine, spec.timeout, context)?;
    let recording = record::record(&world, live, (task, seed), &|done, total| context.observer.epoch(done, total))?;
    let found = with_failures(Measurement::default(), &world);
    Ok(found
        .value("measurements", recording.rows as f64)
        .value("failures", recording.failures as f64)
        .value("sessions", world.sessions() as f64)
        .file(TABLE_FILE, recording.table.into_bytes()))
}

/// With a notice for each reason that queries failed for.
fn with_failures(found: Measurement, world: &LiveWorld) -> Measurement {
    let failures = world.failures().into_iter();
    failures.fold(found, |found, (reason, count)| found.notice(format!("queries that failed: {count} ({reason})")))
}
