//! Every head under every seed: trained, then judged under every setting.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

use candle_core::DType;
use ndarray::Array2;

use crate::circuit::ansatz::AnsatzRow;
use crate::data::{Features, Part};
use crate::nn::head::{Body, HeadRow, HeadShape};
use crate::nn::{NnError, Params};
use crate::noise::model::{NoiseModel, NoiseOptions, Scale};
use crate::sim::Execution;
use crate::sim::{self, Auto, Shots, Simulator};
use crate::study::energy::{EnergySource, Usage, thread_cpu_seconds};
use crate::study::train::{EpochRecord, Rows, predict, train};
use crate::study::{Observer, StudyError, parallel};
use crate::systems::inputs;
use crate::systems::qtl::Setting;
use crate::systems::qtl::kernel;
use crate::systems::qtl::spec::{HeadChoice, Spec};

/// One head trained under one seed, with what it predicts for the validation rows.
pub struct Trained {
    /// Index into the spec's heads.
    pub head: usize,
    /// Its seed.
    pub seed: u64,
    /// Its parameters after the last epoch; empty for heads trained without gradients.
    pub params: Params,
    /// How many numbers training moved.
    pub parameters: usize,
    /// One entry per epoch; empty for heads trained without gradients.
    pub history: Vec<EpochRecord>,
    /// Class probabilities (validation rows, classes) under each setting, the ideal one first.
    pub judged: Vec<(Setting, Array2<f64>)>,
    /// What training and judging took.
    pub usage: Usage,
}

/// The data of a run as tensors.
pub struct Table {
    /// Rows to learn from.
    pub training: Rows,
    /// Rows to judge on.
    pub validation: Rows,
    /// Number of classes.
    pub classes: usize,
}

impl Table {
    /// The rows of `features` in their parts.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn of(features: &Features) -> Result<Self, StudyError> {
        let rows = |part| inputs::rows(&features.values, &features.samples, part);
        let classes = features.samples.classes.len();
        Ok(Self { training: rows(Part::Train)?, validation: rows(Part::Validation)?, classes })
    }
}

/// Entangled or not, a family of the head's own, device, bits of the scale.
type Key = (bool, Option<&'static str>, Option<String>, u64);

/// Circuits compiled for everything a run needs them for: one per (entangled or not, device, scale), shared by all
/// seeds.
pub struct Executions {
    compiled: HashMap<Key, (Execution, usize)>,
    /// What noise models mended, each sentence once.
    pub notices: Vec<String>,
}

impl Executions {
    /// Compiles the circuits of every head for the device it is trained under and for every setting.
    ///
    /// # Errors
    /// If a circuit does not fit a device, or its model refuses it.
    pub fn compile(spec: &Spec, heads: &[HeadChoice], shape: &HeadShape) -> Result<Self, StudyError> {
        let family = spec.family()?;
        let mut made = Self { compiled: HashMap::new(), notices: Vec::new() };
        for choice in heads {
            let Some(ansatz) = choice.row.ansatz(family, shape)? else { continue };
            let trained_under = Setting { device: choice.trained_under.clone(), ..Setting::IDEAL };
            for setting in Setting::all(&spec.judge).iter().chain([&trained_under]) {
                let key = Self::key(choice.row, setting);
                if made.compiled.contains_key(&key) {
                    continue;
                }
                // Its own engine for each circuit: an engine remembers how it runs its last program.
                let simulator: Arc<dyn Simulator> = Arc::new(Auto::new(sim::EngineOptions::default()));
                let execution = match &setting.device {
                    None => Execution::ideal(&ansatz, simulator).map_err(NnError::from)?,
                    Some(name) => {
                        let scaled = NoiseOptions { scale: Scale::all(setting.scale), ..NoiseOptions::default() };
                        let model = NoiseModel::named(&spec.judge.model).and_then(|model| model.with(scaled));
                        let model = model.map_err(NnError::from)?;
                        Execution::on_device(&ansatz, &spec.device(name)?, &model, simulator)?
                    }
                };
                for notice in &execution.program.notices {
                    let told = format!("{}: {notice}", setting.device.as_deref().unwrap_or("ideal"));
                    if !made.notices.contains(&told) {
                        made.notices.push(told);
                    }
                }
                made.compiled.insert(key, (execution, ansatz.inputs));
            }
        }
        Ok(made)
    }

    fn key(row: &HeadRow, setting: &Setting) -> Key {
        let entangle = matches!(row.body, Body::Dressed { entangle: true });
        // Without a device there is no noise to scale.
        let scale = if setting.device.is_some() { setting.scale } else { 1.0 };
        (entangle, row.circuit, setting.device.clone(), scale.to_bits())
    }

    /// The engines that run them on batches of `batch` rows, for the report.
    pub fn engines(&self, batch: usize) -> String {
        let names = self.compiled.values().map(|(run, _)| run.prepared.resolved_name(batch));
        names.collect::<BTreeSet<String>>().into_iter().collect::<Vec<_>>().join("; ")
    }

    /// The circuit of a head in this setting; with shots, on an engine that samples under `seed`.
    ///
    /// # Errors
    /// If an engine refuses the circuit.
    pub fn get(&self, row: &HeadRow, setting: &Setting, seed: u64) -> Result<Execution, StudyError> {
        let (exact, _) = &self.compiled[&Self::key(row, setting)];
        match setting.shots {
            None => Ok(exact.clone()),
            Some(shots) => {
                let inner = Auto::new(sim::EngineOptions::default());
                let engine = Arc::new(Shots { inner, shots: shots as usize, seed });
                Ok(exact.with_simulator(engine).map_err(NnError::from)?)
            }
        }
    }
}

/// Trains and judges every head under every seed, `threads` at a time; results are ordered by head, then seed, and do
/// not depend on `threads`.
///
/// # Errors
/// If a head or its simulator fails, a training diverges, or `progress` says stop.
pub fn run(
    spec: &Spec,
    heads: &[HeadChoice],
    table: &Table,
    executions: &Executions,
    threads: usize,
    progress: &dyn Observer,
) -> Result<Vec<Trained>, StudyError> {
    let shape = spec.shape(table.training.features.dim(1)?, table.classes);
    let family = spec.family()?;
    let learning = heads.iter().filter(|choice| !matches!(choice.row.body, Body::Kernel)).count();
    progress.stage("training", learning * spec.seeds.len() * spec.train.epochs * table.training.len());
    let count = spec.seeds.len();
    parallel::jobs(heads.len() * count, threads, |job| {
        let (head, seed) = (job / count, spec.seeds[job % count]);
        let work = Work { spec, choice: &heads[head], seed, table, shape: &shape, family, executions };
        work.run(head, progress)
    })
}

/// One head under one seed.
struct Work<'a> {
    spec: &'a Spec,
    choice: &'a HeadChoice,
    seed: u64,
    table: &'a Table,
    shape: &'a HeadShape,
    family: &'static AnsatzRow,
    executions: &'a Executions,
}

impl Work<'_> {
    fn run(&self, head: usize, progress: &dyn Observer) -> Result<Trained, StudyError> {
        let (wall, cpu) = (Instant::now(), thread_cpu_seconds());
        let mut params = Params::new(self.seed, DType::F32);
        let (history, judged) = match self.choice.row.body {
            Body::Kernel => {
                if progress.stopped() {
                    return Err(StudyError::Interrupted);
                }
                let probabilities = kernel::classify(self.table, self.shape, self.seed)?;
                (Vec::new(), vec![(Setting::IDEAL, probabilities)])
            }
            Body::Layers { .. } => {
                let history = self.train(&mut params, None, progress)?;
                let probabilities = self.judge(&mut params, None)?;
                (history, vec![(Setting::IDEAL, probabilities)])
            }
            Body::Dressed { .. } => {
                let home = Setting { device: self.choice.trained_under.clone(), ..Setting::IDEAL };
                let execution = self.executions.get(self.choice.row, &home, self.seed)?;
                let history = self.train(&mut params, Some(execution), progress)?;
                let mut judged = Vec::new();
                for setting in Setting::all(&self.spec.judge) {
                    if progress.stopped() {
                        return Err(StudyError::Interrupted);
                    }
                    let execution = self.executions.get(self.choice.row, &setting, self.seed)?;
                    judged.push((setting, self.judge(&mut params, Some(execution))?));
                }
                (history, judged)
            }
        };
        let plan = self.choice.row.learning_rates();
        let cpu_seconds = thread_cpu_seconds() - cpu;
        Ok(Trained {
            head,
            seed: self.seed,
            parameters: params.count(|name| plan.is_trainable(name)),
            params,
            history,
            judged,
            // Heads share the processor, so a counter of the whole package cannot tell them apart.
            usage: EnergySource::default().estimate(wall.elapsed().as_secs_f64(), cpu_seconds),
        })
    }

    fn train(
        &self,
        params: &mut Params,
        execution: Option<Execution>,
        progress: &dyn Observer,
    ) -> Result<Vec<EpochRecord>, StudyError> {
        let row = self.choice.row;
        let head = row.build(params, self.shape, self.family, execution)?;
        // Only kernel heads come without a network, and they are not trained here.
        let head = head.expect("a head trained by gradients");
        let parts = (&self.table.training, &self.table.validation);
        Ok(train(head.as_ref(), params, &row.learning_rates(), parts, &self.spec.train, self.seed, progress)?.history)
    }

    fn judge(&self, params: &mut Params, execution: Option<Execution>) -> Result<Array2<f64>, StudyError> {
        let head = self.choice.row.build(params, self.shape, self.family, execution)?;
        let head = head.expect("a head trained by gradients");
        predict(head.as_ref(), &self.table.validation.features)
    }
}
