//! A task on a real Spark as something that is tuned.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::classic::tuning::{Configuration, Space};
use crate::lab::Context;
use crate::math::Stream;
use crate::study::StudyError;
use crate::systems::tuner::spark::engine::{Engine, Timed};
use crate::systems::tuner::spark::journal::{Entry, Journal};
use crate::systems::tuner::spark::knobs::{Properties, properties, space};
use crate::systems::tuner::spark::{Live, QUERIES, Query};
use crate::systems::tuner::world::World;

/// File of answers in the folder that an unfinished trial keeps.
const JOURNAL_FILE: &str = "answers.jsonl";

/// One task on a Spark, with the answers of one trial.
pub struct LiveWorld<'a> {
    live: &'a Live,
    space: Space,
    tasks: Vec<String>,
    queries: Vec<String>,
    task: usize,
    engine: &'a Mutex<Engine>,
    context: &'a Context<'a>,
    /// A measurement may take so many times the total of the defaults.
    timeout: f64,
    state: Mutex<State>,
}

struct State {
    journal: Journal,
    /// The last answer of each configuration and query.
    known: BTreeMap<String, Vec<Option<Timed>>>,
    meta: Vec<(String, f64)>,
    /// Static settings of the last question, and how often they changed.
    fixed: Option<Properties>,
    sessions: usize,
    /// Why nothing more can be measured.
    error: Option<StudyError>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<'a> LiveWorld<'a> {
    /// A task with what an interrupted trial has left. Its meta-features are measured if they are not among it.
    ///
    /// # Errors
    /// As [`Engine::meta`].
    pub fn open(
        live: &'a Live,
        task: usize,
        engine: &'a Mutex<Engine>,
        timeout: f64,
        context: &'a Context<'a>,
    ) -> Result<Self, StudyError> {
        let mut journal = Journal::open(context.observer.checkpoint().map(|own| own.path.with_file_name(JOURNAL_FILE)));
        if journal.left() > 0 {
            context.observer.note(&format!("{} answers of Spark are known from before", journal.left()));
        }
        let asked = "meta";
        let meta = match journal.next(asked) {
            Some(entry) => entry.meta,
            None => {
                let meta = lock(engine).meta(task, &|| context.observer.stopped())?;
                journal.push(Entry { asked: asked.into(), timed: None, meta: meta.clone() })?;
                meta
            }
        };
        let state = State { journal, known: BTreeMap::new(), meta, fixed: None, sessions: 0, error: None };
        let queries = QUERIES.iter().map(|query| query.name.clone()).collect();
        let tasks = live.tasks();
        Ok(Self { live, space: space(), tasks, queries, task, engine, context, timeout, state: Mutex::new(state) })
    }

    /// Fails if the user stops or Spark cannot be started.
    ///
    /// # Errors
    /// What made a measurement impossible.
    pub fn proceed(&self) -> Result<(), StudyError> {
        match lock(&self.state).error.take() {
            Some(error) => Err(error),
            None => self.context.proceed(),
        }
    }

    /// Meta-features by name.
    pub fn meta_by_name(&self) -> Vec<(String, f64)> {
        lock(&self.state).meta.clone()
    }

    /// Sessions that its questions need: one more than changes of the static settings.
    pub fn sessions(&self) -> usize {
        lock(&self.state).sessions
    }

    /// What is said where a query fails under the defaults.
    pub fn defaults_fail(&self) -> StudyError {
        let reasons: Vec<String> = self.failures().into_keys().collect();
        let reason = format!("a query fails under the defaults: {}", reasons.join("; "));
        StudyError::External { what: format!("Spark on task {}", self.tasks[self.task]), reason }
    }

    /// Why measurements failed, each reason once with its number.
    pub fn failures(&self) -> BTreeMap<String, usize> {
        let mut found = BTreeMap::new();
        for timed in lock(&self.state).known.values().flatten().flatten() {
            if let Some(reason) = &timed.error {
                *found.entry(reason.clone()).or_insert(0) += 1;
            }
        }
        found
    }

    /// Asks for the time of a query under a configuration, of the journal or of Spark. `why` keeps questions of different purposes
    /// apart.
    ///
    /// # Errors
    /// As [`Engine::run`], or a journal that cannot be written.
    pub fn ask(&self, why: &str, configuration: &[f64], query: usize) -> Result<Timed, StudyError> {
        let own: &Query = &QUERIES[query];
        let asked = format!("{why} {}: {}", own.name, self.space.text(configuration));
        let mut state = lock(&self.state);
        let (fixed, _) = properties(&self.space, configuration);
        if state.fixed.as_ref() != Some(&fixed) {
            state.sessions += 1;
            state.fixed = Some(fixed);
        }
        let timed = match state.journal.next(&asked).and_then(|entry| entry.timed) {
            Some(timed) => timed,
            None => {
                self.context.proceed()?;
                let limit = self.limit(&state);
                let stopped = || self.context.observer.stopped();
                let timed = lock(self.engine).run((self.task, configuration), own, limit, &stopped)?;
                state.journal.push(Entry { asked, timed: Some(timed.clone()), meta: Vec::new() })?;
                timed
            }
        };
        let count = self.queries.len();
        let row = state.known.entry(self.space.text(configuration)).or_insert_with(|| vec![None; count]);
        row[query] = Some(timed.clone());
        Ok(timed)
    }

    /// A query alone that takes longer makes its whole measurement too long.
    fn limit(&self, state: &State) -> f64 {
        let defaults = state.known.get(&self.space.text(&self.space.default()));
        let total = defaults.and_then(|row| row.iter().map(|own| own.as_ref()?.seconds).sum::<Option<f64>>());
        total.map_or(self.live.limit, |total| self.timeout * total).min(self.live.limit)
    }

    fn known(&self, configuration: &[f64], query: usize) -> Option<Timed> {
        lock(&self.state).known.get(&self.space.text(configuration))?[query].clone()
    }
}

impl World for LiveWorld<'_> {
    fn space(&self) -> &Space {
        &self.space
    }

    fn queries(&self) -> &[String] {
        &self.queries
    }

    fn tasks(&self) -> &[String] {
        &self.tasks
    }

    fn meta(&self, _: usize) -> Vec<f64> {
        lock(&self.state).meta.iter().map(|(_, value)| *value).collect()
    }

    fn pool(&self, _: usize) -> Option<&[Configuration]> {
        None
    }

    /// What cannot be measured at all is `None` as well, and [`LiveWorld::proceed`] then says why.
    fn measure(&self, _: usize, configuration: &[f64], query: usize, _: &mut Stream) -> Option<f64> {
        match self.ask("tune", configuration, query) {
            Ok(timed) => timed.seconds,
            Err(error) => {
                lock(&self.state).error = Some(error);
                None
            }
        }
    }

    fn failed_after(&self, _: usize, configuration: &[f64], query: usize) -> Option<f64> {
        self.known(configuration, query).map(|timed| timed.paid)
    }

    /// The last measured times: what a time would be without noise, nobody knows here.
    fn total(&self, _: usize, configuration: &[f64]) -> Option<f64> {
        (0..self.queries.len()).map(|query| self.known(configuration, query)?.seconds).sum()
    }

    /// The least measured total.
    fn optimum(&self, _: usize) -> f64 {
        let state = lock(&self.state);
        let total = |row: &Vec<Option<Timed>>| row.iter().map(|own| own.as_ref()?.seconds).sum::<Option<f64>>();
        state.known.values().filter_map(total).fold(f64::INFINITY, f64::min)
    }

    fn reduced(&self, _: usize, _: &[f64], _: f64, _: &mut Stream) -> Option<f64> {
        None
    }
}
