//! One training of the network.

use candle_core::{DType, Tensor};
use ndarray::Array2;

use crate::lab::Measurement;
use crate::math::Permutation;
use crate::nn::{Examples, LearningRates, Mode, Model, Network, Params};
use crate::study::train::{EpochRecord, Evaluator, HeldOutEvaluator, TrainConfig, TrainingLoop};
use crate::study::{Observer, StudyError};
use crate::systems::equivariance::groups::Group;
use crate::systems::equivariance::molecules::AtomTask;
use crate::systems::equivariance::network::{EquivariantNet, PositionLoss, Task};
use crate::systems::equivariance::readout::Readout;
use crate::systems::equivariance::saved::{self, MODEL_FILE};
use crate::systems::equivariance::sequences::{DIGITS, OWN, Sequences};
use crate::systems::equivariance::spec::{Part, Spec};
use crate::systems::equivariance::tasks::TaskRow;

/// Rows evaluated at once.
const EVALUATED: usize = 256;

/// The sequences of a task under a seed: training, validation, test.
pub struct Rows {
    /// Name of the task.
    pub name: String,
    /// The group under which its labels move with the positions.
    pub own: Group,
    /// Training, validation and test rows.
    pub parts: [Sequences; 3],
}

impl Rows {
    /// The rows of a task, of atoms, of the digits, or of the file of the settings.
    ///
    /// # Errors
    /// If there is no such task, the file cannot be read, or its group does not fit.
    pub fn of(spec: &Spec, name: &str, seed: u64) -> Result<Self, StudyError> {
        let named = |all: Sequences, group: &str| Ok::<_, StudyError>((Group::named(group, all.form.positions)?, all));
        let (own, all) = match (name, &spec.data) {
            (OWN, Some(path)) => named(Sequences::read(path)?, &spec.group)?,
            (DIGITS, _) => named(Sequences::of_digits(spec.small_digits)?, &spec.group)?,
            _ => match AtomTask::named(name) {
                Some(task) => {
                    let (all, own) = task.rows(spec.rows)?;
                    return Self { name: name.into(), own, parts: all.split_blocks(seed) }.checked();
                }
                None => {
                    let task = TaskRow::named(name)?;
                    named(Sequences::of_task(task, spec.rows, seed), task.group)?
                }
            },
        };
        Self { name: name.into(), own, parts: all.split(seed) }.checked()
    }

    fn checked(self) -> Result<Self, StudyError> {
        if self.parts.iter().any(|part| part.is_empty()) {
            let rows: usize = self.parts.iter().map(Sequences::len).sum();
            let reason = format!("data: {rows} rows are too few to train, to choose and to test on");
            return Err(StudyError::Settings { reason });
        }
        Ok(self)
    }

    /// The group of this name; `own` is that of the task.
    ///
    /// # Errors
    /// As [`Group::named`].
    pub fn group(&self, name: &str) -> Result<Group, StudyError> {
        match name {
            "own" => Ok(self.own.clone()),
            _ => Group::named(name, self.parts[0].form.positions),
        }
    }

    /// Refuses settings that ask for more training rows than there are.
    ///
    /// # Errors
    /// The setting, what it asks for and how many there are.
    pub fn check(&self, spec: &Spec) -> Result<(), StudyError> {
        let transfer =
            spec.transfer.rows.iter().filter(|_| spec.has(Part::Transfer)).map(|rows| ("transfer.rows", rows));
        let together = spec.has(Part::Together).then_some(("together", &spec.together));
        let (name, have) = (&self.name, self.parts[0].len());
        match transfer.chain(together).find(|(_, rows)| **rows > have) {
            None => Ok(()),
            Some((field, rows)) => {
                let reason = format!("{field} = {rows}: {name} has {have} rows to learn from; give at most so many");
                Err(StudyError::Settings { reason })
            }
        }
    }

    fn task(&self, group: &Group) -> Task {
        Task { name: self.name.clone(), form: self.parts[0].form.clone(), orbits: group.orbits.clone() }
    }
}

/// A training with its rows.
struct Training<'a> {
    spec: &'a Spec,
    net: &'a EquivariantNet,
    seed: u64,
    observer: &'a dyn Observer,
}

impl Training<'_> {
    /// Trains on `training`; the best epoch on `validation` is left behind.
    fn run(
        &self,
        params: &mut Params,
        training: &Examples,
        validation: &Examples,
        config: &TrainConfig,
    ) -> Result<Vec<EpochRecord>, StudyError> {
        self.net.build(params)?;
        let names: Vec<String> = params.trainable().map(|(name, _)| name.to_string()).collect();
        let of = |part: &str, rate: f64| {
            let own = names.iter().filter(move |name| name.ends_with(part)).map(move |name| (name.clone(), rate));
            own.collect::<Vec<_>>()
        };
        let rates = [of("orbits.weight", self.spec.orbit_rate), of("tokens.weight", self.spec.token_rate)].concat();
        let evaluator = HeldOutEvaluator { source: validation, objective: &PositionLoss, batch: EVALUATED };
        let training = TrainingLoop {
            evaluator: &evaluator,
            observer: self.observer,
            ..TrainingLoop::new(self.net, training, &PositionLoss, config, self.seed)
        };
        training.run(params, &mut LearningRates::new(rates))
    }
}

/// Loss and accuracy on test rows, accuracy on validation rows after each epoch.
fn measured(
    net: &EquivariantNet,
    params: &mut Params,
    test: &Examples,
    history: &[EpochRecord],
) -> Result<Measurement, StudyError> {
    let network = net.build(params)?;
    let evaluator = HeldOutEvaluator { source: test, objective: &PositionLoss, batch: EVALUATED };
    let found = evaluator.evaluate(network.as_ref())?;
    let curve: Vec<f64> = history.iter().map(|record| record.evaluation.metric).collect();
    let best = curve.iter().copied().fold(0.0, f64::max);
    Ok(Measurement::default()
        .value("loss", found.loss)
        .value("accuracy", found.metric)
        .value("validation", best)
        .curve("validation", curve))
}

/// A task learned under a group.
///
/// # Errors
/// If the group does not fit the positions, or training fails.
pub fn single(
    spec: &Spec,
    rows: &Rows,
    (group, readout): (&str, Readout),
    seed: u64,
    observer: &dyn Observer,
) -> Result<Measurement, StudyError> {
    let group = rows.group(group)?;
    let task = rows.task(&group);
    let net = EquivariantNet::new(vec![task.clone()], &spec.size, readout)?;
    let [training, validation, test] = examples(&rows.parts, 0)?;
    let mut params = Params::new(seed, DType::F32);
    let history = Training { spec, net: &net, seed, observer }.run(&mut params, &training, &validation, &spec.train)?;
    let mut found = measured(&net, &mut params, &test, &history)?
        .value("majority", rows.parts[2].majority())
        .value("orbits", group.orbits.count as f64)
        .value("parameters", params.count(|_| true) as f64);
    let network = net.build(&mut params)?;
    let shown = rows.parts[2].first(32);
    let change = |permutation: &Permutation| change(network.as_ref(), &shown.tokens, permutation);
    let inside = group.generators.iter().map(change).collect::<Result<Vec<f64>, _>>()?;
    found = found.value("inside", inside.into_iter().fold(0.0, f64::max));
    found = found.value_if("outside", group.outside().as_ref().map(change).transpose()?);
    found.notices.extend(group.notice());
    if readout == Readout::Linear {
        let bytes = saved::to_bytes(&params, &task, (&group.name, &group.generators), &spec.size)?;
        found = found.file(MODEL_FILE, bytes).file("predictions.csv", predictions(network.as_ref(), &rows.parts[2])?);
    }
    Ok(found)
}

/// max |f(gx) - g f(x)| over the logits of some sequences.
fn change(network: &dyn Network, tokens: &Array2<u32>, permutation: &Permutation) -> Result<f64, StudyError> {
    let mut moved = tokens.clone();
    for (position, column) in tokens.columns().into_iter().enumerate() {
        moved.column_mut(permutation.of(position)).assign(&column);
    }
    let logits = |tokens: &Array2<u32>| -> Result<Tensor, StudyError> {
        Ok(network.forward(&EquivariantNet::inputs(tokens, 0)?, Mode::Eval)?.logits.detach())
    };
    let (own, of_moved) = (logits(tokens)?, logits(&moved)?);
    let back = match own.dim(1)? {
        1 => of_moved,
        _ => {
            let images: Vec<u32> = permutation.images().iter().map(|image| *image as u32).collect();
            of_moved.index_select(&Tensor::new(&images[..], own.device())?, 1)?
        }
    };
    Ok((own - back)?.abs()?.flatten_all()?.max(0)?.to_dtype(DType::F64)?.to_scalar()?)
}

/// Every test row: its labels and those that the network gives.
fn predictions(network: &dyn Network, test: &Sequences) -> Result<Vec<u8>, StudyError> {
    let logits = network.forward(&EquivariantNet::inputs(&test.tokens, 0)?, Mode::Eval)?.logits;
    let classes: Vec<Vec<u32>> = logits.detach().argmax(2)?.to_vec2()?;
    let mut text = String::from("row,position,label,predicted\n");
    for (row, (labels, predicted)) in test.labels.rows().into_iter().zip(classes).enumerate() {
        for (position, (label, class)) in labels.iter().zip(predicted).enumerate() {
            let word = |class: u32| &test.form.classes[class as usize];
            text += &format!("{row},{},{},{}\n", position + 1, word(*label), word(class));
        }
    }
    Ok(text.into_bytes())
}

fn examples(parts: &[Sequences; 3], index: usize) -> Result<[Examples; 3], StudyError> {
    let [training, validation, test] = parts.each_ref().map(|part| EquivariantNet::examples(part, index));
    Ok([training?, validation?, test?])
}

/// Rows of several tasks as one set.
fn joined(parts: Vec<Examples>) -> Result<Examples, StudyError> {
    let cat = |of: &dyn Fn(&Examples) -> Tensor| Tensor::cat(&parts.iter().map(of).collect::<Vec<_>>(), 0);
    let inputs = vec![cat(&|part| part.inputs[0].clone())?, cat(&|part| part.inputs[1].clone())?];
    let targets = cat(&|part| part.targets[0].clone())?;
    Ok(Examples { inputs, ..Examples::new(targets.clone(), targets) })
}

/// What the trials of one target and seed share: the body after the other tasks, under their groups and under none.
pub struct Source {
    own: Params,
    trivial: Params,
}

/// Learns all tasks but `target`.
///
/// # Errors
/// If training fails.
pub fn source(spec: &Spec, others: &[&Rows], seed: u64, observer: &dyn Observer) -> Result<Source, StudyError> {
    let learn = |group: &str| -> Result<Params, StudyError> {
        let (net, training, validation) = several(spec, others, group, usize::MAX)?;
        let mut params = Params::new(seed, DType::F32);
        let config = TrainConfig { epochs: spec.transfer.source_epochs, ..spec.train };
        Training { spec, net: &net, seed, observer }.run(&mut params, &training, &validation, &config)?;
        Ok(params)
    };
    Ok(Source { own: learn("own")?, trivial: learn("trivial")? })
}

/// A network for several tasks with at most `count` training rows of each.
fn several(
    spec: &Spec,
    tasks: &[&Rows],
    group: &str,
    count: usize,
) -> Result<(EquivariantNet, Examples, Examples), StudyError> {
    let (mut of_net, mut training, mut validation) = (Vec::new(), Vec::new(), Vec::new());
    for (index, rows) in tasks.iter().enumerate() {
        of_net.push(rows.task(&rows.group(group)?));
        training.push(EquivariantNet::examples(&rows.parts[0].first(count), index)?);
        validation.push(EquivariantNet::examples(&rows.parts[1], index)?);
    }
    Ok((EquivariantNet::new(of_net, &spec.size, Readout::Linear)?, joined(training)?, joined(validation)?))
}

/// A task with few rows, after others or from the start.
///
/// # Errors
/// If training fails.
pub fn transfer(
    spec: &Spec,
    rows: &Rows,
    source: &Source,
    (arm, count): (&str, usize),
    seed: u64,
    observer: &dyn Observer,
) -> Result<Measurement, StudyError> {
    let group = rows.group(if arm.ends_with("trivial") { "trivial" } else { "own" })?;
    let net = EquivariantNet::new(vec![rows.task(&group)], &spec.size, Readout::Linear)?;
    let mut params = Params::new(seed, DType::F32);
    net.build(&mut params)?;
    if arm.starts_with("transferred") {
        let learned = if arm.ends_with("trivial") { &source.trivial } else { &source.own };
        params.copy_prefix_from(learned, "body.")?;
        params.copy_prefix_from(learned, "head.")?;
    }
    let training = EquivariantNet::examples(&rows.parts[0].first(count), 0)?;
    let [_, validation, test] = examples(&rows.parts, 0)?;
    let history =
        Training { spec, net: &net, seed, observer }.run(&mut params, &training, &validation, &spec.transfer.train)?;
    measured(&net, &mut params, &test, &history)
}

/// All tasks learned together, or each alone, from few rows of each; measured on each.
///
/// # Errors
/// If training fails.
pub fn together(
    spec: &Spec,
    tasks: &[&Rows],
    target: &Rows,
    is_together: bool,
    seed: u64,
    observer: &dyn Observer,
) -> Result<Measurement, StudyError> {
    let chosen = if is_together { tasks.to_vec() } else { vec![target] };
    let (net, training, validation) = several(spec, &chosen, "own", spec.together)?;
    let mut params = Params::new(seed, DType::F32);
    let history = Training { spec, net: &net, seed, observer }.run(&mut params, &training, &validation, &spec.train)?;
    let index = chosen.iter().position(|rows| rows.name == target.name).unwrap_or(0);
    let test = EquivariantNet::examples(&target.parts[2], index)?;
    measured(&net, &mut params, &test, &history)
}

/// `intersect` learned with a group that lacks the exchange of the halves: whether the vectors of orbits that the exchange
/// maps to each other have become alike. The least cosine of the pairs of orbits.
///
/// # Errors
/// If training fails.
pub fn discovery(spec: &Spec, rows: &Rows, seed: u64, observer: &dyn Observer) -> Result<Measurement, StudyError> {
    let (smaller, larger) = (rows.group("halves")?, rows.group("swapped_halves")?);
    let task = rows.task(&smaller);
    let net = EquivariantNet::new(vec![task], &spec.size, Readout::Linear)?;
    let [training, validation, test] = examples(&rows.parts, 0)?;
    let mut params = Params::new(seed, DType::F32);
    let history = Training { spec, net: &net, seed, observer }.run(&mut params, &training, &validation, &spec.train)?;
    let name = format!("tasks.{}.orbits.weight", rows.name);
    let vectors: Vec<Vec<f64>> =
        params.find(&name).map(|var| var.to_dtype(DType::F64)?.to_vec2()).transpose()?.unwrap_or_default();
    // Orbits of the smaller group that are one orbit of the larger one; the edge layers read them through one matrix.
    let (mut least, mut mean, mut count) = (1.0f64, 0.0, 0.0);
    let of_larger = |orbit: usize| {
        let pair = smaller.orbits.colors.iter().position(|color| *color == orbit);
        pair.map(|pair| larger.orbits.colors[pair])
    };
    for a in 0..smaller.orbits.count {
        for b in a + 1..smaller.orbits.count {
            if of_larger(a) == of_larger(b) {
                let cosine = cosine(&vectors[a], &vectors[b]);
                (least, mean, count) = (least.min(cosine), mean + cosine, count + 1.0);
            }
        }
    }
    Ok(measured(&net, &mut params, &test, &history)?
        .value("least_cosine", least)
        .value("cosine", mean / f64::max(count, 1.0)))
}

fn cosine(a: &[f64], b: &[f64]) -> f64 {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    dot(a, b) / (dot(a, a) * dot(b, b)).sqrt().max(f64::MIN_POSITIVE)
}
