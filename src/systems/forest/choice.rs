//! Choosing a student for a task: by validation, or without training any on it, by the results on other tables
//! (meta-learning).

use ndarray::Array2;

use crate::classic::{Answers, Forest, Growth};
use crate::lab::{Context, Grid, Measurement, Point};
use crate::math::order::argmax;
use crate::study::StudyError;
use crate::study::stats::mean;
use crate::systems::forest::quality::Quality;
use crate::systems::forest::spec::Spec;
use crate::systems::forest::trial::{META_FEATURES, VALIDATION};
use crate::systems::methods::{METHOD, OWN};

/// The fewest tables that a choice by other tables learns from.
const FEWEST: usize = 10;

/// Trees of the forest that chooses, and rows of its leaves.
const TREES: usize = 200;
const LEAF: usize = 3;

/// Name of the kept names of chosen students.
pub const CHOSEN: &str = "chosen";

/// Ways to choose, with one line each; levels of the factor `choice`. The third and fourth learn from other tables; the later ones
/// are their baselines.
pub const CHOICES: [(&str, &str); 7] = [
    ("forest", "the forest itself, no student"),
    ("validation", "the student with the highest validation accuracy, of equals the one nearest to the forest"),
    ("guided", "the student that a forest over meta-features of other tables ranks first"),
    ("guided_three", "the best on the validation rows of the three that it ranks first"),
    ("average", "the student that agrees best on average over the other tables"),
    ("validation_agreement", "the student that agrees best on the validation rows"),
    ("chance", "any student, by chance"),
];

/// The ways that a spec with so many tables can try.
pub fn choices(spec: &Spec, tables: usize) -> &'static [(&'static str, &'static str)] {
    let is_guided = spec.heads.is_empty() && spec.targets.len() * spec.shapes.len() > 1 && tables >= FEWEST;
    if is_guided { &CHOICES } else { &CHOICES[..2] }
}

/// Every student of one table and seed with its quality.
struct Students {
    meta_features: Vec<f64>,
    /// Target and student.
    names: Vec<(String, String)>,
    validation: Vec<Quality>,
    test: Vec<Quality>,
}

impl Students {
    /// From finished trials of the grids of teachers and of students.
    fn read(main: &[&Point], teacher: &Point, context: &Context) -> Result<Self, StudyError> {
        let missing = |at: &Point| StudyError::MissingTrial { trial: at.to_string() };
        let meta_features = context.finished(teacher)?.kept(META_FEATURES).ok_or_else(|| missing(teacher))?;
        let (mut names, mut validation, mut test) = (Vec::new(), Vec::new(), Vec::new());
        for at in main {
            let found = context.finished(at)?;
            names.push((at.get("target").into(), at.get("student").into()));
            validation.push(found.kept(VALIDATION).ok_or_else(|| missing(at))?);
            let value = |metric: &str| found.get(metric).ok_or_else(|| missing(at));
            test.push(Quality {
                accuracy: value("accuracy")?,
                agreement: value("agreement")?,
                divergence: value("divergence")?,
                log_loss: value("log_loss")?,
            });
        }
        Ok(Self { meta_features, names, validation, test })
    }

    fn count(&self) -> usize {
        self.test.len()
    }

    /// Agreement lost on the test rows against the best student of all.
    fn regret(&self, student: usize) -> f64 {
        let most = self.test.iter().map(|quality| quality.agreement).fold(0.0, f64::max);
        most - self.test[student].agreement
    }

    /// The first of those with the highest validation accuracy, of equals the lowest divergence.
    fn best_by_accuracy(&self) -> usize {
        let order = |a: &usize, b: &usize| {
            let (a, b) = (&self.validation[*a], &self.validation[*b]);
            a.accuracy.total_cmp(&b.accuracy).then(b.divergence.total_cmp(&a.divergence))
        };
        (0..self.count()).rev().max_by(order).unwrap_or(0)
    }

    /// (students, columns): the meta-features of the task, a column per target, depth and ln width.
    fn rows(&self, spec: &Spec) -> Array2<f32> {
        let (own, targets) = (self.meta_features.len(), spec.targets.len());
        Array2::from_shape_fn((self.count(), own + targets + 2), |(student, column)| {
            let (target, shape) = (student / spec.shapes.len(), spec.shapes[student % spec.shapes.len()]);
            let value = match column.checked_sub(own) {
                None => self.meta_features[column],
                Some(k) if k < targets => f64::from(k == target),
                Some(k) if k == targets => shape.depth as f64,
                Some(_) => (shape.width as f64).ln(),
            };
            value as f32
        })
    }
}

/// The trials that the choice at `at` follows: those of its own table and seed, or all if it learns from other tables.
pub fn followed(spec: &Spec, at: &Point, (main, teacher): (&Grid, &Grid)) -> Vec<Point> {
    let tables = main.factor("table").map_or(0, |table| table.levels.len());
    let is_guided = choices(spec, tables).len() > 2;
    let is_followed = |point: &Point| is_guided || is_same_task(point, at);
    own(main).into_iter().chain(teacher.points()).filter(is_followed).collect()
}

/// Students without methods beside the training.
fn own(main: &Grid) -> Vec<Point> {
    let is_own = |point: &Point| ["", OWN].contains(&point.get(METHOD));
    main.points().into_iter().filter(is_own).collect()
}

fn is_same_task(a: &Point, b: &Point) -> bool {
    ["table", "seed"].iter().all(|factor| a.get(factor) == b.get(factor))
}

/// Chooses a student for the table and seed of `at` in every way.
pub fn choose(
    spec: &Spec,
    at: &Point,
    (main, teacher): (&Grid, &Grid),
    context: &Context,
) -> Result<Measurement, StudyError> {
    let (students, teachers) = (own(main), teacher.points());
    let read = |task: &Point| {
        let main: Vec<&Point> = students.iter().filter(|point| is_same_task(point, task)).collect();
        Students::read(&main, task, context)
    };
    let missing = || StudyError::MissingTrial { trial: at.to_string() };
    let own_task = teachers.iter().find(|point| is_same_task(point, at)).ok_or_else(missing)?;
    let own = read(own_task)?;
    let forest = context.finished(own_task)?;
    let mut found = Measurement::default();
    for metric in ["accuracy", "log_loss"] {
        let value = forest.get(metric).ok_or_else(missing)?;
        found = found.under(&[("choice", "forest")], metric, value);
    }
    let mut chosen = vec![("validation", own.best_by_accuracy())];
    let tables = main.factor("table").map_or(0, |table| table.levels.len());
    if choices(spec, tables).len() > 2 {
        let others = teachers.iter().filter(|point| point.get("table") != at.get("table"));
        let others: Vec<Students> = others.map(read).collect::<Result<_, _>>()?;
        chosen.extend(guided(spec, &own, &others));
        let regrets: Vec<f64> = (0..own.count()).map(|student| own.regret(student)).collect();
        if let Some(regret) = mean(&regrets) {
            found = found.under(&[("choice", "chance")], "regret", regret);
        }
    }
    for &(choice, student) in &chosen {
        let at = [("choice", choice)];
        found = own.test[student].put(found, &at).under(&at, "regret", own.regret(student));
    }
    let names: Vec<(&str, &(String, String))> =
        chosen.iter().map(|&(choice, student)| (choice, &own.names[student])).collect();
    Ok(found.keep(CHOSEN, &names))
}

/// Choices by other tables, and their baselines.
fn guided(spec: &Spec, own: &Students, others: &[Students]) -> [(&'static str, usize); 4] {
    let average = |student: usize| others.iter().map(|task| task.test[student].agreement).sum::<f64>();
    let rank = ranking(spec, others, spec.seeds[0]).predict(own.rows(spec).view()).column(0).to_vec();
    let mut order: Vec<usize> = (0..own.count()).collect();
    // Stable, so that equals stay in the order of the grid.
    order.sort_by(|a, b| rank[*b].total_cmp(&rank[*a]));
    let validated = |student: &usize| own.validation[*student].agreement;
    [
        ("guided", argmax(rank.iter().copied())),
        ("guided_three", order[argmax(order.iter().take(3).map(validated))]),
        ("average", argmax((0..own.count()).map(average))),
        ("validation_agreement", argmax((0..own.count()).map(|student| validated(&student)))),
    ]
}

/// A forest that predicts how much better than the mean student of its task one agrees.
fn ranking(spec: &Spec, tasks: &[Students], seed: u64) -> Forest {
    let rows: Vec<Array2<f32>> = tasks.iter().map(|task| task.rows(spec)).collect();
    let views: Vec<_> = rows.iter().map(|rows| rows.view()).collect();
    let inputs = ndarray::concatenate(ndarray::Axis(0), &views).expect("every task has as many meta-features");
    let answers: Vec<f64> = tasks
        .iter()
        .flat_map(|task| {
            let agreements: Vec<f64> = task.test.iter().map(|quality| quality.agreement).collect();
            let centre = mean(&agreements).unwrap_or(0.0);
            agreements.into_iter().map(move |agreement| agreement - centre)
        })
        .collect();
    // A third of the columns at each split: Breiman's rule for numbers.
    let columns = (inputs.ncols() / 3).max(1);
    let growth = Growth { trees: TREES, columns, depth: None, leaf: LEAF, bootstrap: true };
    Forest::grow(inputs.view(), Answers::Numbers(&answers), &growth, seed).forest
}
