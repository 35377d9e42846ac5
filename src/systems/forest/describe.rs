//! What can be said of a task before any student is trained.

use ndarray::{Array2, ArrayView1, Axis};

use crate::classic::{Answers, Forest, Growth, LeastSquares};
use crate::math::order::argmax;
use crate::systems::forest::task::Task;

/// A number that describes a task.
pub struct DescribedRow {
    /// Name in metrics.json.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    value: fn(&Task) -> f64,
}

/// Every number; landmarks (Pfahringer, Bensusan & Giraud-Carrier 2000) are accuracies on the rows to choose on.
pub static DESCRIBED: &[DescribedRow] = &[
    DescribedRow { name: "rows", doc: "ln of the rows to learn from", value: |task| ln(task.training.labels.len()) },
    DescribedRow { name: "columns", doc: "ln of the columns networks read", value: |task| ln(task.encoder.width()) },
    DescribedRow { name: "classes", doc: "ln of the number of classes", value: |task| ln(task.classes) },
    DescribedRow { name: "words", doc: "share of columns that hold words", value: words },
    DescribedRow { name: "balance", doc: "entropy of the classes, 1 where all are alike", value: balance },
    DescribedRow { name: "neighbour", doc: "landmark: the nearest of up to 500 training rows", value: neighbour },
    DescribedRow { name: "stump", doc: "landmark: one split", value: stump },
    DescribedRow { name: "linear", doc: "landmark: least squares on one-hot classes", value: linear },
    DescribedRow { name: "out_of_bag", doc: "accuracy of trees on rows they did not see", value: out_of_bag },
    DescribedRow { name: "leaf_depth", doc: "mean number of splits above a leaf of the forest", value: leaf_depth },
    DescribedRow { name: "doubt", doc: "mean entropy of the forest's answers to the rows to choose on", value: doubt },
];

/// Every number of [`DESCRIBED`], in its order.
pub fn describe(task: &Task) -> Vec<f64> {
    DESCRIBED.iter().map(|row| (row.value)(task)).collect()
}

/// Training rows that are compared with each row to choose on.
const COMPARED: usize = 500;

fn ln(count: usize) -> f64 {
    (count as f64).ln()
}

fn words(task: &Task) -> f64 {
    task.numbers.iter().filter(|number| !**number).count() as f64 / task.numbers.len() as f64
}

fn entropy(shares: impl Iterator<Item = f64>) -> f64 {
    shares.filter(|share| *share > 0.0).map(|share| -share * share.ln()).sum()
}

fn balance(task: &Task) -> f64 {
    let labels = &task.training.labels;
    let share = |class| labels.iter().filter(|label| **label == class).count() as f64 / labels.len() as f64;
    entropy((0..task.classes).map(share)) / ln(task.classes)
}

/// Share of validation rows whose class is what was `told`.
fn right(task: &Task, told: impl Iterator<Item = usize>) -> f64 {
    let labels = &task.validation.labels;
    told.zip(labels).filter(|(told, label)| told == *label).count() as f64 / labels.len() as f64
}

fn neighbour(task: &Task) -> f64 {
    let (known, asked) = (&task.training, &task.validation);
    let count = known.labels.len().min(COMPARED);
    let nearest = |row: ArrayView1<'_, f32>| {
        let distance = |k: usize| known.encoded.row(k).iter().zip(row).map(|(a, b)| (a - b).powi(2)).sum::<f32>();
        (0..count).min_by(|a, b| distance(*a).total_cmp(&distance(*b))).map_or(0, |k| known.labels[k])
    };
    right(task, asked.encoded.rows().into_iter().map(nearest))
}

fn stump(task: &Task) -> f64 {
    let rows = &task.training;
    let answers = Answers::Classes { labels: &rows.labels, count: task.classes };
    let growth = Growth { trees: 1, columns: rows.filled.ncols(), depth: Some(1), leaf: 1, bootstrap: false };
    let tree = Forest::grow(rows.filled.view(), answers, &growth, task.seed).forest;
    right(task, tree.predict(task.validation.filled.view()).rows().into_iter().map(argmax))
}

fn linear(task: &Task) -> f64 {
    let wide = |rows: &Array2<f32>| rows.mapv(f64::from);
    let fitted = LeastSquares::fit(wide(&task.training.encoded).view(), &task.training.labels, task.classes);
    right(task, fitted.predict(wide(&task.validation.encoded).view()).into_iter())
}

fn out_of_bag(task: &Task) -> f64 {
    let told = task.teacher.out_of_bag.rows().into_iter().map(argmax);
    let labels = &task.training.labels;
    told.zip(labels).filter(|(told, label)| told == *label).count() as f64 / labels.len() as f64
}

fn leaf_depth(task: &Task) -> f64 {
    let depths: Vec<usize> = task.teacher.forest.trees().iter().flat_map(|tree| tree.leaf_depths()).collect();
    depths.iter().sum::<usize>() as f64 / depths.len().max(1) as f64
}

fn doubt(task: &Task) -> f64 {
    let told = task.teacher.forest.predict(task.validation.filled.view());
    told.axis_iter(Axis(0)).map(|row| entropy(row.iter().copied())).sum::<f64>() / told.nrows().max(1) as f64
}
