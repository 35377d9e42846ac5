//! Every student of every task, and the forest as a network.

use candle_core::DType;
use ndarray::{Array2, ArrayView2};
use serde::Serialize;

use crate::classic::{Answers, Forest, Growth};
use crate::data::Tabular;
use crate::math::order::argmax;
use crate::nn::loss::Loss;
use crate::nn::optim::Method;
use crate::nn::{Examples, LearningRates, Model, Params};
use crate::study::train::{HeldOutEvaluator, TrainConfig, TrainingLoop};
use crate::study::{Observer, StudyError, parallel};
use crate::systems::forest::describe::describe;
use crate::systems::forest::network::{ForestNetwork, Gate};
use crate::systems::forest::pipeline::{Joined, joined};
use crate::systems::forest::spec::Spec;
use crate::systems::forest::student::{Body, Student, predict};
use crate::systems::forest::targets::{TARGETS, held_out, tensor};
use crate::systems::forest::task::Task;
use crate::transfer::schedule::Full;

/// How good probabilities are, and how near to the forest's.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Quality {
    /// Share of rows classified rightly.
    pub accuracy: f64,
    /// Mean -log of the true class's probability, at least 1e-3; nats.
    pub log_loss: f64,
    /// Share of rows with the forest's class.
    pub agreement: f64,
    /// Mean KL(forest ‖ these), nats.
    pub divergence: f64,
}

/// One student.
#[derive(Clone, Debug, Serialize)]
pub struct Learned {
    /// What it learned from.
    pub target: String,
    /// What it is.
    pub student: String,
    /// On the rows to choose on.
    pub validation: Quality,
    /// On the rows to judge on.
    pub test: Quality,
}

/// A forest as a network.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Conversion {
    /// Largest difference of a probability: the teacher as matrix products, against its nodes.
    pub matrices: f64,
    /// The same of the network with steps in double precision, against the smaller forest.
    pub network: f64,
    /// Share of rows on which the network with sigmoids has the class of the smaller forest.
    pub agreement: f64,
    /// Accuracy and log-loss of that network.
    pub before: (f64, f64),
    /// The same after joint training.
    pub after: (f64, f64),
}

/// One task under one seed.
#[derive(Clone, Debug, Serialize)]
pub struct Found {
    /// The table.
    pub task: String,
    /// The seed.
    pub seed: u64,
    /// Rows to learn from, columns as networks read them, classes.
    pub size: (usize, usize, usize),
    /// The teacher.
    pub forest: Quality,
    /// What is known of the task without a student, by the table of descriptions.
    pub description: Vec<f64>,
    /// The forest as a network.
    pub conversion: Conversion,
    /// A student behind a linear stage, if asked for.
    pub joined: Option<Joined>,
    /// Every target with every student; targets are the outer loop.
    pub students: Vec<Learned>,
}

impl Found {
    /// The first student with this target.
    pub fn with(&self, target: &str) -> Option<&Learned> {
        self.students.iter().find(|learned| learned.target == target)
    }

    /// The student of this kind with this target.
    pub fn of(&self, target: &str, student: &str) -> Option<&Learned> {
        self.students.iter().find(|learned| learned.target == target && learned.student == student)
    }

    /// The student that is best on the rows to choose on: by accuracy, of equals by divergence.
    pub fn chosen(&self) -> Option<&Learned> {
        let order =
            |a: &Quality, b: &Quality| a.accuracy.total_cmp(&b.accuracy).then(b.divergence.total_cmp(&a.divergence));
        self.students.iter().rev().max_by(|a, b| order(&a.validation, &b.validation))
    }
}

/// Rows of the teacher's matrix form that are compared; each costs splits × leaves per tree.
const COMPARED: usize = 200;

/// Every table under every seed.
pub fn measure(
    spec: &Spec,
    tables: &[(String, Tabular)],
    threads: usize,
    progress: &dyn Observer,
) -> Result<Vec<Found>, StudyError> {
    let rows: usize = tables.iter().map(|(_, table)| table.samples.len().min(spec.rows)).sum();
    let seeds = spec.seeds.len();
    let joined = if spec.components > 0 { 2 } else { 0 };
    let trainings = spec.students() * spec.targets.len() + joined;
    progress.stage("students", rows * seeds * trainings * spec.train.epochs);
    let found = parallel::jobs(tables.len() * seeds, threads, |job| {
        let (name, table) = &tables[job / seeds];
        let task = Task::new(spec, name, table, spec.seeds[job % seeds])?;
        let found = found(spec, &task, progress)?;
        progress.note(&format!("{name}: done"));
        Ok(found)
    })?;
    progress.done();
    Ok(found)
}

fn found(spec: &Spec, task: &Task, progress: &dyn Observer) -> Result<Found, StudyError> {
    let told = task.teacher.forest.predict(task.test.filled.view());
    let mut students = Vec::new();
    for row in TARGETS.iter().filter(|row| spec.targets.iter().any(|name| name == row.name)) {
        let (objective, training) = (row.objective(spec), row.training(spec, task)?);
        let validation = held_out(task, &task.validation)?;
        for (name, body) in Body::all(spec, task.training.encoded.ncols(), task.classes)? {
            let student = Student { inputs: task.training.encoded.ncols(), classes: task.classes, body };
            let mut params = Params::new(task.seed, DType::F32);
            let trainer = TrainingLoop {
                evaluator: &HeldOutEvaluator { source: &validation, objective: &objective, batch: usize::MAX },
                observer: progress,
                ..TrainingLoop::new(&student, &training, &objective, &spec.train, task.seed)
            };
            trainer.run(&mut params, &mut Full)?;
            let network = student.build(&mut params)?;
            let judged = |rows: &crate::systems::forest::task::Rows| -> Result<Quality, StudyError> {
                let forest = task.teacher.forest.predict(rows.filled.view());
                let own = predict(network.as_ref(), &tensor(&rows.encoded)?)?;
                Ok(quality(own.view(), forest.view(), &rows.labels))
            };
            students.push(Learned {
                target: row.name.into(),
                student: name,
                validation: judged(&task.validation)?,
                test: judged(&task.test)?,
            });
        }
    }
    Ok(Found {
        task: task.name.clone(),
        seed: task.seed,
        size: (task.training.labels.len(), task.training.encoded.ncols(), task.classes),
        forest: quality(told.view(), told.view(), &task.test.labels),
        description: describe(task),
        conversion: conversion(spec, task, progress)?,
        joined: match spec.components {
            0 => None,
            _ => Some(joined(spec, task, spec.shapes[0], progress)?),
        },
        students,
    })
}

fn conversion(spec: &Spec, task: &Task, progress: &dyn Observer) -> Result<Conversion, StudyError> {
    let settings = spec.network;
    let first = task.test.filled.slice(ndarray::s![..task.test.labels.len().min(COMPARED), ..]);
    let teacher = &task.teacher.forest;
    let matrices = apart(&teacher.predict(first), &teacher.predict_by_matrices(first));
    let answers = Answers::Classes { labels: &task.training.labels, count: task.classes };
    let growth =
        Growth { depth: Some(settings.depth), ..Growth::classifier(settings.trees, task.training.filled.ncols()) };
    let small = Forest::grow(task.training.filled.view(), answers, &growth, task.seed).forest;
    let told = small.predict(task.test.filled.view());
    let scales = task.encoder.deviations();
    let (exact, mut params) = ForestNetwork::of(&small, &scales, Gate::Step, DType::F64)?;
    let rows = tensor(&task.test.filled)?;
    // Units of a column are in the weights of the network, so rows go in as they are.
    let own = predict(exact.build(&mut params)?.as_ref(), &rows.to_dtype(DType::F64)?)?;
    let gate = Gate::Sigmoid { split: settings.split, leaf: settings.leaf };
    let (soft, mut params) = ForestNetwork::of(&small, &scales, gate, DType::F32)?;
    let labels: Vec<u32> = task.training.labels.iter().map(|&label| label as u32).collect();
    let training = Examples::new(tensor(&task.training.filled)?, candle_core::Tensor::new(labels, rows.device())?);
    let before = predict(soft.build(&mut params)?.as_ref(), &rows)?;
    let config = TrainConfig::new(settings.epochs, spec.train.batch, settings.rate, Method::ADAM);
    let loss = Loss::CrossEntropy;
    let trainer = TrainingLoop { observer: progress, ..TrainingLoop::new(&soft, &training, &loss, &config, task.seed) };
    // Which column a split reads stays: those weights count a row's raw values, whose size is anyone's.
    trainer.run(&mut params, &mut LearningRates::freezing(&["splits.weight"]))?;
    let after = predict(soft.build(&mut params)?.as_ref(), &rows)?;
    let quality = |own: &Array2<f64>| quality(own.view(), told.view(), &task.test.labels);
    let (first, then) = (quality(&before), quality(&after));
    Ok(Conversion {
        matrices,
        network: apart(&told, &own),
        agreement: first.agreement,
        before: (first.accuracy, first.log_loss),
        after: (then.accuracy, then.log_loss),
    })
}

fn apart(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    (a - b).iter().fold(0.0, |most, gap| gap.abs().max(most))
}

/// Of probabilities (rows, classes) beside the forest's and the true classes.
pub fn quality(own: ArrayView2<'_, f64>, forest: ArrayView2<'_, f64>, labels: &[usize]) -> Quality {
    let mut sums = Quality { accuracy: 0.0, log_loss: 0.0, agreement: 0.0, divergence: 0.0 };
    for ((own, forest), &label) in own.rows().into_iter().zip(forest.rows()).zip(labels) {
        sums.accuracy += f64::from(argmax(own) == label);
        sums.log_loss -= own[label].max(1e-3).ln();
        sums.agreement += f64::from(argmax(own) == argmax(forest));
        let terms = forest.iter().zip(own).filter(|(p, _)| **p > 0.0);
        sums.divergence += terms.map(|(p, q)| p * (p / q.max(1e-12)).ln()).sum::<f64>();
    }
    let mean = |sum: f64| sum / labels.len() as f64;
    Quality {
        accuracy: mean(sums.accuracy),
        log_loss: mean(sums.log_loss),
        agreement: mean(sums.agreement),
        divergence: mean(sums.divergence),
    }
}
