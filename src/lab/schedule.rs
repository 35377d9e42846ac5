//! Runs the steps of a plan on several threads: each trial on one, none stopping another, resumed where a run stopped.

use std::any::Any;
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::lab::experiment::{Context, Experiment};
use crate::lab::factor::{Factor, Point, Role};
use crate::lab::metric::Measurement;
use crate::lab::plan::{Node, Plan, Step};
use crate::lab::settings::{Settings, tree};
use crate::lab::store::{Origin, Store, Stored};
use crate::sim::Executions;
use crate::study::energy::{EnergySource, thread_cpu_seconds};
use crate::study::train::Checkpoint;
use crate::study::{Observer, StudyError};

/// How a plan is run; nothing here changes a result.
pub struct Workers<'a> {
    /// Trials at a time.
    pub jobs: usize,
    /// Folder of cached features.
    pub cache: &'a Path,
    /// Least time between two checkpoints of a training.
    pub checkpoint_every: Duration,
    /// How the energy of a trial is estimated.
    pub energy: &'a EnergySource,
    /// Receives progress and can stop the run.
    pub observer: &'a dyn Observer,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Status {
    /// Not to be run: finished before, or not wanted.
    Skipped,
    Waiting,
    Running,
    Done,
    Failed,
}

struct State {
    status: Vec<Status>,
    /// Trials that another process has claimed: they come last.
    claimed: BTreeSet<usize>,
    /// The error that ends the run.
    stop: Option<StudyError>,
    /// Trials of each block that are still to be run.
    users: Vec<usize>,
}

struct Run<'a, E: Experiment> {
    plan: &'a Plan<E::Spec>,
    store: &'a Store,
    workers: &'a Workers<'a>,
    state: Mutex<State>,
    changed: Condvar,
    inputs: Vec<OnceLock<E::Inputs>>,
    blocks: Vec<Mutex<Option<Arc<E::Block>>>>,
    executions: Executions,
}

/// Runs the trials in `wanted` that `store` does not hold, and what they need.
///
/// A trial that fails or panics is noted as a failure. Those that follow it fail with it, and all others continue.
///
/// # Errors
/// If the store cannot be written (a full disk), the inputs cannot be opened, or the observer stops it. What was
/// finished stays finished.
pub fn run<E: Experiment>(
    plan: &Plan<E::Spec>,
    wanted: &[usize],
    store: &Store,
    workers: &Workers,
) -> Result<(), StudyError> {
    let mut status = vec![Status::Skipped; plan.nodes.len()];
    let mut left: Vec<usize> = wanted.to_vec();
    // A trial needs what it follows. A block is prepared again for each run that has a trial of it.
    while let Some(k) = left.pop() {
        let node = &plan.nodes[k];
        if status[k] == Status::Waiting || (node.step == Step::Trial && store.is_finished(&node.key)) {
            continue;
        }
        status[k] = Status::Waiting;
        left.extend(&node.after);
    }
    let trials = plan.trials().filter(|&k| status[k] == Status::Waiting).count();
    workers.observer.planned(trials);
    if trials == 0 {
        return Ok(());
    }
    let mut users = vec![0; plan.nodes.len()];
    for k in plan.trials().filter(|&k| status[k] == Status::Waiting) {
        users[plan.nodes[k].after[1]] += 1;
    }
    let run = Run::<E> {
        plan,
        store,
        workers,
        state: Mutex::new(State { status, claimed: BTreeSet::new(), stop: None, users }),
        changed: Condvar::new(),
        inputs: plan.nodes.iter().map(|_| OnceLock::new()).collect(),
        blocks: plan.nodes.iter().map(|_| Mutex::new(None)).collect(),
        executions: Executions::default(),
    };
    run.open()?;
    std::thread::scope(|scope| {
        for worker in 0..workers.jobs.clamp(1, trials) {
            let run = &run;
            scope.spawn(move || run.work(worker));
        }
    });
    match run.state.into_inner().unwrap_or_else(PoisonError::into_inner).stop {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

fn pool(threads: usize) -> Result<rayon::ThreadPool, StudyError> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.map_err(|e| StudyError::Threads { reason: e.to_string() })
}

impl<E: Experiment> Run<'_, E> {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Opens all inputs on all threads, before any worker begins. Inputs that cannot be opened fail the trials that read
    /// them; if there are no others, the run.
    fn open(&self) -> Result<(), StudyError> {
        let nodes = &self.plan.nodes;
        let openings: Vec<usize> = (0..nodes.len()).filter(|&k| nodes[k].step == Step::Open).collect();
        let pool = pool(self.workers.jobs)?;
        for &k in openings.iter().filter(|&&k| self.lock().status[k] == Status::Waiting) {
            if self.workers.observer.stopped() {
                return Err(StudyError::Interrupted);
            }
            let context = Context {
                observer: self.workers.observer,
                cache: self.workers.cache,
                threads: self.workers.jobs,
                executions: &self.executions,
                finished: &|at| Err(not_wanted(at)),
            };
            let began = (Instant::now(), thread_cpu_seconds());
            let opened = pool.install(|| E::open(&self.plan.variants[nodes[k].variant], &context));
            self.workers.observer.done();
            match opened {
                Ok((inputs, measurement)) => {
                    self.keep(k, measurement, began)?;
                    // Set once, before any worker reads it.
                    let _ = self.inputs[k].set(inputs);
                    self.lock().status[k] = Status::Done;
                }
                Err(error) if openings.len() == 1 || matches!(error, StudyError::Interrupted) => return Err(error),
                Err(error) => {
                    self.store.fail(&nodes[k].key, &error.to_string())?;
                    self.lock().status[k] = Status::Failed;
                }
            }
        }
        Ok(())
    }

    fn work(&self, worker: usize) {
        let result = pool(1).and_then(|pool| {
            while let Some(k) = self.next()? {
                let failure = pool.install(|| self.step(worker, k))?;
                let mut state = self.lock();
                state.status[k] = if failure { Status::Failed } else { Status::Done };
                self.changed.notify_all();
            }
            Ok(())
        });
        if let Err(error) = result {
            let mut state = self.lock();
            state.stop.get_or_insert(error);
            self.changed.notify_all();
        }
    }

    /// The next step that can be run; `None` when nothing is left.
    fn next(&self) -> Result<Option<usize>, StudyError> {
        let mut state = self.lock();
        loop {
            if state.stop.is_some() {
                return Ok(None);
            }
            if self.workers.observer.stopped() {
                return Err(StudyError::Interrupted);
            }
            self.fail_followers(&mut state)?;
            let is_over = |status: Status| !matches!(status, Status::Waiting | Status::Running);
            let is_ready = |state: &State, k: usize| {
                state.status[k] == Status::Waiting
                    && self.plan.nodes[k].after.iter().all(|&before| is_over(state.status[before]))
            };
            let ready: Vec<usize> = (0..self.plan.nodes.len()).filter(|&k| is_ready(&state, k)).collect();
            for &k in &ready {
                if state.claimed.contains(&k) || self.plan.nodes[k].step != Step::Trial {
                    continue;
                }
                if self.store.claim(&self.plan.nodes[k].key)? {
                    state.status[k] = Status::Running;
                    return Ok(Some(k));
                }
                state.claimed.insert(k);
            }
            // A block is prepared when no trial of a prepared one is left to begin.
            let block = ready.iter().copied().find(|&k| self.plan.nodes[k].step == Step::Prepare);
            if let Some(k) = block.or_else(|| ready.first().copied()) {
                state.status[k] = Status::Running;
                return Ok(Some(k));
            }
            if !state.status.contains(&Status::Running) {
                return Ok(None);
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Trials that follow a failed step fail with it.
    fn fail_followers(&self, state: &mut State) -> Result<(), StudyError> {
        for (k, node) in self.plan.nodes.iter().enumerate() {
            if state.status[k] != Status::Waiting {
                continue;
            }
            if let Some(&before) = node.after.iter().find(|&&before| state.status[before] == Status::Failed) {
                state.status[k] = Status::Failed;
                let reason = format!("not run, since this failed: {}", self.plan.nodes[before].title);
                self.store.fail(&node.key, &reason)?;
            }
        }
        Ok(())
    }

    /// Runs one step; whether it failed.
    fn step(&self, worker: usize, k: usize) -> Result<bool, StudyError> {
        let node = &self.plan.nodes[k];
        // Another process may have finished it since.
        if node.step == Step::Trial && self.store.is_finished(&node.key) {
            self.end_of_use(k, true);
            return Ok(false);
        }
        let training = |number: usize| self.store.training(&node.key, number);
        let observer = OfWorker {
            observer: self.workers.observer,
            worker,
            training: &training,
            every: self.workers.checkpoint_every,
            trainings: AtomicUsize::new(0),
        };
        observer.observer.begins(worker, &node.title);
        let began = (Instant::now(), thread_cpu_seconds());
        // A step owns all that it changes, so what it leaves behind when it panics is dropped with it.
        let outcome = catch_unwind(AssertUnwindSafe(|| self.measure(k, &observer)))
            .unwrap_or_else(|panic| Err(StudyError::Panicked { message: message(panic.as_ref()) }));
        let seconds = began.0.elapsed().as_secs_f64();
        let mut is_over = true;
        let failure = match outcome.and_then(|measurement| measurement.check().map(|()| measurement)) {
            Ok(measurement) => {
                self.keep(k, measurement, began)?;
                None
            }
            Err(StudyError::Interrupted) => {
                self.end_of_use(k, false);
                self.store.release(&node.key);
                return Err(StudyError::Interrupted);
            }
            Err(error) => {
                // What lies outside may work again when the run is resumed.
                is_over = !matches!(error, StudyError::External { .. });
                self.store.fail(&node.key, &error.to_string())?;
                Some(error.to_string())
            }
        };
        // A block keeps its trainings until the last trial that uses it: a run that is resumed prepares it again.
        if is_over && (node.step == Step::Trial || failure.is_some()) {
            self.store.forget_trainings(&node.key);
        }
        self.end_of_use(k, true);
        if node.step == Step::Trial || failure.is_some() {
            observer.observer.ends(worker, &node.title, seconds, failure.as_deref());
        }
        Ok(failure.is_some())
    }

    fn measure(&self, k: usize, observer: &dyn Observer) -> Result<Measurement, StudyError> {
        let node = &self.plan.nodes[k];
        let finished = |at: &Point| {
            let before = node.after.iter().find(|&&before| self.plan.nodes[before].point.is(at));
            let key = &self.plan.nodes[*before.ok_or_else(|| not_wanted(at))?].key;
            let stored = self.store.read(key)?.ok_or_else(|| not_wanted(at))?;
            Ok(Measurement { files: self.store.files(key)?.into_iter().collect(), ..stored.measurement })
        };
        let (cache, executions) = (self.workers.cache, &self.executions);
        let context = Context { observer, cache, threads: 1, executions, finished: &finished };
        let spec = &self.plan.variants[node.variant];
        let inputs = self.inputs[node.after[0]].get().expect("inputs are opened before any worker begins");
        if node.step == Step::Prepare {
            let (block, measurement) = E::prepare(spec, inputs, &node.point, &context)?;
            *self.blocks[k].lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::new(block));
            return Ok(measurement);
        }
        let block = self.blocks[node.after[1]].lock().unwrap_or_else(PoisonError::into_inner).clone();
        let block = block.expect("a block is prepared before its trials and kept until the last of them");
        E::trial(spec, inputs, &block, &node.point, &context)
    }

    /// Drops a block after the last trial that uses it, and its trainings if this trial is over.
    fn end_of_use(&self, k: usize, is_over: bool) {
        if self.plan.nodes[k].step != Step::Trial {
            return;
        }
        let block = self.plan.nodes[k].after[1];
        let mut state = self.lock();
        state.users[block] -= 1;
        if state.users[block] == 0 {
            self.blocks[block].lock().unwrap_or_else(PoisonError::into_inner).take();
            if is_over {
                self.store.forget_trainings(&self.plan.nodes[block].key);
            }
        }
    }

    /// Stores what a step measured. Opening and preparing leave a folder only if they measured something.
    fn keep(&self, k: usize, measurement: Measurement, (began, cpu): (Instant, f64)) -> Result<(), StudyError> {
        let node = &self.plan.nodes[k];
        if node.step != Step::Trial && measurement == Measurement::default() {
            return Ok(());
        }
        measurement.check()?;
        if node.step == Step::Trial {
            self.check_levels(node, &measurement)?;
        }
        let origin = (node.step == Step::Trial).then(|| Origin {
            format: E::Spec::FORMAT.into(),
            settings: tree(&self.plan.variants[node.variant]),
            contents: self.plan.contents[node.variant].clone(),
            point: self.plan.own_point(node),
        });
        // Trials share the processor, so a counter of the whole package cannot separate them.
        let usage = self.workers.energy.estimate(began.elapsed().as_secs_f64(), thread_cpu_seconds() - cpu);
        self.store.finish(&node.key, &Stored::new(&node.key, origin, measurement, usage))
    }

    /// Refuses numbers under levels that the grid does not declare: no table would show them.
    fn check_levels(&self, node: &Node, measurement: &Measurement) -> Result<(), StudyError> {
        let Some(grid) = self.plan.grids.iter().find(|grid| grid.name == node.point.grid) else { return Ok(()) };
        for value in &measurement.values {
            for (factor, level) in &value.at {
                // What a user varies may have the name of an evaluation factor.
                let of_name = |own: &&Factor| own.name == *factor && own.role == Role::Evaluation;
                let is_declared = |own: &Factor| own.names().any(|name| name == level);
                if !grid.factors.iter().find(of_name).is_some_and(is_declared) {
                    let (metric, grid) = (value.metric.clone(), grid.name.clone());
                    return Err(StudyError::Undeclared { metric, grid, factor: factor.clone(), level: level.clone() });
                }
            }
        }
        Ok(())
    }
}

fn not_wanted(at: &Point) -> StudyError {
    StudyError::MissingTrial { trial: at.to_string() }
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| text.to_string());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without a message".into())
}

/// Passes on what a trial reports, with the number of its worker, and says where its trainings are kept.
struct OfWorker<'a> {
    observer: &'a dyn Observer,
    worker: usize,
    /// The file of its training of a number.
    training: &'a (dyn Fn(usize) -> PathBuf + Sync),
    /// Least time between two checkpoints.
    every: Duration,
    /// Trainings so far.
    trainings: AtomicUsize,
}

impl Observer for OfWorker<'_> {
    fn stopped(&self) -> bool {
        self.observer.stopped()
    }

    fn checkpoint(&self) -> Option<Checkpoint> {
        let number = self.trainings.fetch_add(1, Ordering::Relaxed);
        Some(Checkpoint { path: (self.training)(number), every: self.every })
    }

    fn epoch(&self, done: usize, total: usize) {
        self.observer.reached(self.worker, done as f64 / total.max(1) as f64);
    }

    fn note(&self, text: &str) {
        self.observer.note(text);
    }
}
