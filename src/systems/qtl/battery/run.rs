//! One run from its job to its outcome.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use candle_core::DType;
use ndarray::Array2;

use crate::circuit::{Ansatz, OpKind};
use crate::data::{Features, HoldOut, Part};
use crate::device::{Device, Target, transpile};
use crate::nn::backbone::BackboneRow;
use crate::nn::head::{Body, Head, HeadRow, HeadShape};
use crate::nn::{NnError, Params};
use crate::noise::model::{NoiseModel, NoiseOptions};
use crate::sim::Execution;
use crate::sim::{self, Auto, Shots, Simulator};
use crate::study::landscape::{self, CostRow, StartRow};
use crate::study::metric::{METRICS, Predictions};
use crate::study::train::{Fitted, predict, train};
use crate::study::{Observer, StudyError};
use crate::systems::inputs;
use crate::systems::qtl::battery::file::Source;
use crate::systems::qtl::battery::job::{
    CircuitSpec, Counts, Job, Landscape, Noise, Outcome, Prediction, Trained, Training, around, scale as scaled,
};
use crate::systems::qtl::experiment::Table;
use crate::systems::qtl::{self, Spec, Workplace, kernel};

/// Features by dataset and backbone; a text tells why there are none.
type Shared = BTreeMap<(String, String), Result<Features, String>>;

/// What runs share: features, made once for each data and backbone, and compiled circuits.
#[derive(Default)]
pub struct Workshop {
    features: Shared,
    circuits: Mutex<HashMap<String, Execution>>,
}

impl Workshop {
    /// Makes the features that `jobs` need, on all threads. Those that cannot be made fail their runs, not the battery.
    ///
    /// # Errors
    /// If `progress` says stop.
    pub fn prepare<'a>(
        jobs: impl Iterator<Item = &'a Job>,
        (cache, threads): (&Path, usize),
        progress: &dyn Observer,
    ) -> Result<Self, StudyError> {
        let mut features = Shared::new();
        for job in jobs {
            let Job::Training(job) = job else { continue };
            let key = (job.dataset.0.clone(), job.backbone.clone());
            if features.contains_key(&key) {
                continue;
            }
            if progress.stopped() {
                return Err(StudyError::Interrupted);
            }
            let made = load(job, &Workplace { out: Path::new(""), cache, threads }, progress);
            features.insert(key, made.map_err(|error| error.to_string()));
        }
        progress.done();
        Ok(Self { features, ..Self::default() })
    }

    /// Does one job.
    ///
    /// # Errors
    /// If features are missing, a circuit does not fit its device, or a training diverges.
    pub fn run(&self, job: &Job, stop: &(dyn Fn() -> bool + Sync)) -> Result<Outcome, StudyError> {
        Ok(match job {
            Job::Training(job) => Outcome::Training(Box::new(self.train(job, stop)?)),
            Job::Landscape(job) => Outcome::Landscape(gradients(job)?),
            Job::Reach { circuit, draws } => {
                let ansatz = circuit.family()?.build(circuit.qubits, circuit.depth, true).map_err(NnError::from)?;
                Outcome::Reach(landscape::reach(&ansatz, *draws, SEED)?)
            }
            Job::Transpiling { circuit, device } => Outcome::Transpiling(counts(circuit, device.as_deref())?),
        })
    }

    /// The circuit under this noise, compiled once for all runs.
    fn circuit(&self, ansatz: &Ansatz, key: &str, noise: Option<&Noise>) -> Result<Execution, StudyError> {
        // A noise is plain data, as a job is.
        let key = format!("{key} {}", serde_json::to_string(&noise).expect("a noise is plain data"));
        if let Some(known) = self.circuits.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(known.clone());
        }
        let made = execution(ansatz, noise)?;
        self.circuits.lock().unwrap_or_else(PoisonError::into_inner).insert(key, made.clone());
        Ok(made)
    }

    fn train(&self, job: &Training, stop: &(dyn Fn() -> bool + Sync)) -> Result<Trained, StudyError> {
        let found = &self.features[&(job.dataset.0.clone(), job.backbone.clone())];
        let features = found.as_ref().map_err(|reason| StudyError::Features { reason: reason.clone() })?;
        let mut samples = features.samples.clone();
        HoldOut { validation: job.validation, test: job.dataset.1.test, seed: job.seed }.apply(&mut samples)?;
        let rows = |part| inputs::rows(&features.values, &samples, part);
        let (training, validation, test) = (rows(Part::Train)?, rows(Part::Validation)?, rows(Part::Test)?);
        let row = HeadRow::named(&job.head)?;
        let CircuitSpec { qubits, depth, .. } = job.circuit;
        let (width, classes) = (features.values.ncols(), samples.classes.len());
        let shape = HeadShape { features: width, classes, qubits, depth, weight_sd: job.weight_sd };
        let bench = Bench { workshop: self, job, row, shape };

        let mut params = Params::new(job.seed, DType::F32);
        let observer = Stop(stop);
        let rows = [training.len(), validation.len(), test.len()];
        let (fitted, home) = match row.body {
            Body::Kernel => {
                let table = Table { training, validation: test.clone(), classes };
                (None, kernel::classify(&table, &shape, job.seed)?)
            }
            _ => {
                let head = bench.head(&mut params, job.noise.as_ref())?;
                let parts = (&training, &validation);
                let fitted =
                    train(head.as_ref(), &params, &row.learning_rates(), parts, &job.config, job.seed, &observer)?;
                (Some(fitted), predict(head.as_ref(), &test.features)?)
            }
        };
        let labels: Vec<usize> = samples.of(Part::Test).into_iter().map(|i| samples.labels[i]).collect();
        let mut judged = Vec::new();
        for noise in &job.judged {
            let head = bench.head(&mut params, Some(noise))?;
            judged.push(accuracy(&predict(head.as_ref(), &test.features)?, &labels));
        }
        let last = accuracy(&home, &labels);
        let best_epoch = fitted.as_ref().map_or(0, Fitted::best_epoch);
        let (history, kept) = fitted.map_or((Vec::new(), None), |fitted| (fitted.history, fitted.best));
        let best_validation = match kept {
            Some(copies) if best_epoch < history.len() => {
                params.restore(&copies)?;
                let head = bench.head(&mut params, job.noise.as_ref())?;
                accuracy(&predict(head.as_ref(), &test.features)?, &labels)
            }
            _ => last,
        };
        let (engine, notices) = bench.told(job.config.batch)?;
        let plan = row.learning_rates();
        let predictions = Predictions::new(home.clone(), labels.clone())?;
        Ok(Trained {
            parameters: params.count(|name| plan.is_trainable(name)),
            quantum_parameters: params.count(|name| plan.is_trainable(name) && name.starts_with("circuit.")),
            rows,
            history,
            best_epoch,
            last,
            best_validation,
            metrics: METRICS.iter().map(|m| (m.name.to_string(), (m.measure)(&predictions).ok())).collect(),
            judged,
            classes: samples.classes.clone(),
            predictions: told(&home, &labels, &samples.of(Part::Test), &samples.ids),
            engine,
            notices,
        })
    }
}

/// Seed of what is drawn without a list of seeds.
const SEED: u64 = 0;

/// A head of a job, built again for each noise on the same parameters.
struct Bench<'a> {
    workshop: &'a Workshop,
    job: &'a Training,
    row: &'static HeadRow,
    shape: HeadShape,
}

impl Bench<'_> {
    fn execution(&self, noise: Option<&Noise>) -> Result<Option<Execution>, StudyError> {
        let family = self.job.circuit.family()?;
        let Some(ansatz) = self.row.ansatz(family, &self.shape)? else { return Ok(None) };
        let CircuitSpec { ansatz: name, qubits, depth } = &self.job.circuit;
        let execution = self.workshop.circuit(&ansatz, &format!("{} {name} {qubits} {depth}", self.row.name), noise)?;
        let seen = match self.job.shots {
            None => execution,
            Some(shots) => {
                let inner = Auto::new(sim::EngineOptions::default());
                let engine = Arc::new(Shots { inner, shots: shots as usize, seed: self.job.seed });
                execution.with_simulator(engine).map_err(NnError::from)?
            }
        };
        Ok(Some(match self.job.mitigation.as_deref().map(around).transpose()? {
            None => seen,
            Some(wrap) => seen.with_simulator(wrap(seen.simulator.clone(), self.job.seed)).map_err(NnError::from)?,
        }))
    }

    fn head(&self, params: &mut Params, noise: Option<&Noise>) -> Result<Arc<dyn Head>, StudyError> {
        let head = self.row.build(params, &self.shape, self.job.circuit.family()?, self.execution(noise)?)?;
        // Only kernel heads come without a network, and they are neither trained nor judged here.
        Ok(head.expect("a head trained by gradients"))
    }

    /// The engine on batches of `batch` rows, and what the noise model mended.
    fn told(&self, batch: usize) -> Result<(Option<String>, Vec<String>), StudyError> {
        let Some(run) = self.execution(self.job.noise.as_ref())? else { return Ok((None, Vec::new())) };
        let engine = run.prepared.resolved_name(batch);
        let device = self.job.noise.as_ref().map_or("ideal", |noise| &noise.device);
        Ok((Some(engine), run.program.notices.iter().map(|notice| format!("{device}: {notice}")).collect()))
    }
}

struct Stop<'a>(&'a (dyn Fn() -> bool + Sync));

impl Observer for Stop<'_> {
    fn stopped(&self) -> bool {
        (self.0)()
    }
}

fn accuracy(probabilities: &Array2<f64>, labels: &[usize]) -> f64 {
    let right = probabilities.rows().into_iter().zip(labels).filter(|(row, label)| most_probable(row) == **label);
    right.count() as f64 / labels.len() as f64
}

fn most_probable(row: &ndarray::ArrayView1<'_, f64>) -> usize {
    row.iter().enumerate().fold(0, |best, (class, p)| if *p > row[best] { class } else { best })
}

fn told(probabilities: &Array2<f64>, labels: &[usize], places: &[usize], ids: &[String]) -> Vec<Prediction> {
    let one = |((row, &label), &place): ((ndarray::ArrayView1<'_, f64>, &usize), &usize)| Prediction {
        sample: ids[place].clone(),
        label,
        predicted: most_probable(&row),
        probabilities: row.to_vec(),
    };
    probabilities.rows().into_iter().zip(labels).zip(places).map(one).collect()
}

/// The features of a job's data behind its backbone.
fn load(job: &Training, place: &Workplace<'_>, progress: &dyn Observer) -> Result<Features, StudyError> {
    let dataset = &job.dataset.1;
    let mut spec = Spec::default();
    spec.data.rows_per_class = dataset.rows_per_class;
    spec.data.path = dataset.path.as_ref().map(|path| path.replace("{backbone}", &job.backbone).into());
    spec.data.source = match dataset.source {
        Source::FashionMnist => qtl::DataKind::FashionMnist,
        Source::Synthetic => {
            // `File::check` makes sure of the shape where one is needed.
            let shape = dataset.shape.expect("a synthetic data set has a shape");
            let width = BackboneRow::named(&job.backbone)?.width.ok_or(NnError::Setting {
                field: "backbones",
                value: job.backbone.clone(),
                reason: "synthetic features are as wide as a backbone's, and this one has no width of its own",
            })?;
            return Ok(shape.features(&job.backbone, width));
        }
        Source::Folder => qtl::DataKind::Folder,
        Source::Features => qtl::DataKind::Features,
    };
    spec.backbone.name.clone_from(&job.backbone);
    spec.backbone.weights.clone_from(&job.weights);
    Ok(inputs::load(&spec.data, &spec.backbone, place, progress)?.features)
}

/// A circuit under noise, on an engine of its own: an engine remembers how it runs its last program.
fn execution(ansatz: &Ansatz, noise: Option<&Noise>) -> Result<Execution, StudyError> {
    let simulator: Arc<dyn Simulator> = Arc::new(Auto::new(sim::EngineOptions::default()));
    let Some(Noise { device, model, channel, scale }) = noise else {
        return Ok(Execution::ideal(ansatz, simulator).map_err(NnError::from)?);
    };
    let options = NoiseOptions { scale: scaled(channel, *scale)?, ..NoiseOptions::default() };
    let model = NoiseModel::named(model).and_then(|model| model.with(options)).map_err(NnError::from)?;
    let device = Device::load(device).map_err(NnError::from)?;
    Ok(Execution::on_device(ansatz, &device, &model, simulator)?)
}

fn gradients(job: &Landscape) -> Result<landscape::Gradients, StudyError> {
    let CircuitSpec { qubits, depth, .. } = job.circuit;
    let start = StartRow::named(&job.start)?;
    let mut ansatz = start.circuit(job.circuit.family()?, qubits, depth).map_err(NnError::from)?;
    ansatz.observables = vec![(CostRow::named(&job.cost)?.observable)(qubits)];
    let weights = start.weights(&ansatz, depth, job.draws, SEED);
    landscape::gradients(&execution(&ansatz, job.noise.as_ref())?, ansatz.inputs, &weights, SEED)
}

fn counts(circuit: &CircuitSpec, device: Option<&str>) -> Result<Counts, StudyError> {
    let ansatz = circuit.family()?.build(circuit.qubits, circuit.depth, true).map_err(NnError::from)?;
    let Some(device) = device else {
        let mut reached = vec![0; circuit.qubits];
        let mut counts = Counts { depth: 0, two_qubit_gates: 0, pulses: 0, success: None };
        for op in ansatz.circuit.ops().iter().filter(|op| matches!(op.kind, OpKind::Gate { .. })) {
            *(if op.qubits.len() == 1 { &mut counts.pulses } else { &mut counts.two_qubit_gates }) += 1;
            let layer = 1 + op.qubits.iter().map(|&q| reached[q]).max().unwrap_or(0);
            op.qubits.iter().for_each(|&q| reached[q] = layer);
            counts.depth = counts.depth.max(layer);
        }
        return Ok(counts);
    };
    let device = Device::load(device).map_err(NnError::from)?;
    let transpiled = transpile(&ansatz.circuit, &Target::of(&device), &Default::default()).map_err(NnError::from)?;
    Ok(Counts {
        depth: transpiled.depth,
        two_qubit_gates: transpiled.two_qubit_gates,
        pulses: transpiled.pulses,
        success: Some(transpiled.success),
    })
}
