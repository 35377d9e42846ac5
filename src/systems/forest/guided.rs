//! Choosing a student for a task on which none was trained, by what others came to on other tasks.

use ndarray::Array2;
use serde::Serialize;

use crate::classic::{Answers, Forest, Growth};
use crate::math::order::argmax;
use crate::study::stats::mean;
use crate::systems::forest::measure::{Found, Learned};
use crate::systems::forest::spec::Spec;
use crate::systems::forest::targets::TARGETS;

/// Tables from which on there is something to learn from others.
const FEWEST: usize = 10;

/// Trees of the forest that chooses; rows of its leaves.
const TREES: usize = 200;
const LEAF: usize = 3;

/// What is lost against the best student of all on a task, in agreement with its forest on test rows, by who chooses.
/// Means over tasks; whoever chooses has seen no student of the task's own table, unless it says so.
#[derive(Clone, Debug, Serialize)]
pub struct Guided {
    /// A forest over descriptions of tasks and students.
    pub forest: f64,
    /// The best on the validation rows of the three that the forest likes most; those three are trained.
    pub three: f64,
    /// The student that is best on average over the other tables.
    pub average: f64,
    /// The best on the validation rows of all students; all are trained.
    pub validated: f64,
    /// Any, by chance.
    pub chance: f64,
    /// Share of tasks on which the forest's choice agrees at least as well as the one that is best on average.
    pub no_worse: f64,
    /// Task by task, what the forest chose: table, seed, target, student, what was lost.
    pub chosen: Vec<(String, u64, String, String, f64)>,
}

/// Leaves out each table in turn. `None` with heads as students, with a single student, or with fewer than ten tables.
pub fn guided(spec: &Spec, all: &[Found]) -> Option<Guided> {
    let mut tables: Vec<&str> = all.iter().map(|found| found.task.as_str()).collect();
    tables.dedup();
    let students = all.first()?.students.len();
    if spec.head.is_some() || students < 2 || tables.len() < FEWEST {
        return None;
    }
    let agreement = |learned: &Learned| learned.test.agreement;
    let mut lost: [Vec<f64>; 5] = Default::default();
    let (mut chosen, mut no_worse) = (Vec::new(), 0.0);
    for table in tables {
        let (own, others): (Vec<&Found>, Vec<&Found>) = all.iter().partition(|found| found.task == table);
        let average = |k: usize| others.iter().map(|found| agreement(&found.students[k])).sum::<f64>();
        let usual = argmax((0..students).map(average));
        let forest = learned(spec, &others, spec.seeds[0]);
        for found in own {
            let rows = described(spec, found);
            let liked = forest.predict(rows.view()).column(0).to_vec();
            let first = argmax(liked.iter().copied());
            let mut order: Vec<usize> = (0..students).collect();
            // Stable, so that equals stay in the order of the grid and the first is `first`.
            order.sort_by(|a, b| liked[*b].total_cmp(&liked[*a]));
            let checked = |k: &usize| found.students[*k].validation.agreement;
            let three = order[argmax(order.iter().take(3).map(checked))];
            let validated = argmax((0..students).map(|k| checked(&k)));
            let most = found.students.iter().map(agreement).fold(0.0, f64::max);
            let regret = |k: usize| most - agreement(&found.students[k]);
            let chance = mean(&(0..students).map(regret).collect::<Vec<f64>>())?;
            let values = [regret(first), regret(three), regret(usual), regret(validated), chance];
            lost.iter_mut().zip(values).for_each(|(all, value)| all.push(value));
            // Shares of rows: no tie is closer than 1e-9.
            no_worse += f64::from(regret(first) <= regret(usual) + 1e-9);
            let Learned { target, student, .. } = &found.students[first];
            chosen.push((found.task.clone(), found.seed, target.clone(), student.clone(), regret(first)));
        }
    }
    let [forest, three, average, validated, chance] = lost.map(|values| mean(&values).unwrap_or(f64::NAN));
    Some(Guided { forest, three, average, validated, chance, no_worse: no_worse / all.len() as f64, chosen })
}

/// A forest that says how much more than the mean student of a task one will agree.
fn learned(spec: &Spec, tasks: &[&Found], seed: u64) -> Forest {
    let rows: Vec<Array2<f32>> = tasks.iter().map(|found| described(spec, found)).collect();
    let views: Vec<_> = rows.iter().map(|rows| rows.view()).collect();
    let inputs = ndarray::concatenate(ndarray::Axis(0), &views).expect("every task is described by as many columns");
    let answers: Vec<f64> = tasks
        .iter()
        .flat_map(|found| {
            let agreements: Vec<f64> = found.students.iter().map(|learned| learned.test.agreement).collect();
            let middle = mean(&agreements).unwrap_or(0.0);
            agreements.into_iter().map(move |agreement| agreement - middle)
        })
        .collect();
    // A third of the columns at each split: Breiman's rule for numbers.
    let columns = (inputs.ncols() / 3).max(1);
    let growth = Growth { trees: TREES, columns, depth: None, leaf: LEAF, bootstrap: true };
    Forest::grow(inputs.view(), Answers::Numbers(&answers), &growth, seed).forest
}

/// (students, columns): the task's description, a column per target, depth and ln width.
fn described(spec: &Spec, found: &Found) -> Array2<f32> {
    let targets = TARGETS.iter().filter(|row| spec.targets.iter().any(|name| name == row.name)).count();
    let own = found.description.len();
    Array2::from_shape_fn((found.students.len(), own + targets + 2), |(student, column)| {
        let (target, shape) = (student / spec.shapes.len(), spec.shapes[student % spec.shapes.len()]);
        let value = match column.checked_sub(own) {
            None => found.description[column],
            Some(k) if k < targets => f64::from(k == target),
            Some(k) if k == targets => shape.depth as f64,
            Some(_) => (shape.width as f64).ln(),
        };
        value as f32
    })
}
