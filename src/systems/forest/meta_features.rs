//! Meta-features: numbers that describe a task before any student is trained.

use ndarray::{Array2, ArrayView1, Axis};

use crate::classic::{Answers, Forest, Growth, LeastSquares};
use crate::math::order::argmax;
use crate::study::metric::counts::share_right;
use crate::systems::forest::task::Task;

/// A number that describes a task.
pub struct MetaFeatureRow {
    /// Its name.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    value: fn(&Task) -> f64,
}

/// Every meta-feature. Landmarks (Pfahringer, Bensusan & Giraud-Carrier 2000) are accuracies on the validation rows.
pub static META_FEATURES: &[MetaFeatureRow] = &[
    MetaFeatureRow { name: "rows", doc: "ln of the rows to learn from", value: |task| ln(task.training.labels.len()) },
    MetaFeatureRow { name: "columns", doc: "ln of the columns networks read", value: |task| ln(task.encoder.width()) },
    MetaFeatureRow { name: "classes", doc: "ln of the number of classes", value: |task| ln(task.classes) },
    MetaFeatureRow { name: "words", doc: "share of columns that hold words", value: words },
    MetaFeatureRow { name: "balance", doc: "entropy of the classes, 1 where all are alike", value: balance },
    MetaFeatureRow { name: "neighbour", doc: "landmark: the nearest of up to 500 training rows", value: neighbour },
    MetaFeatureRow { name: "stump", doc: "landmark: one split", value: stump },
    MetaFeatureRow { name: "linear", doc: "landmark: least squares on one-hot classes", value: linear },
    MetaFeatureRow { name: "out_of_bag", doc: "accuracy of trees on rows they did not see", value: out_of_bag },
    MetaFeatureRow { name: "leaf_depth", doc: "mean number of splits above a leaf of the forest", value: leaf_depth },
    MetaFeatureRow {
        name: "entropy",
        doc: "mean entropy of the forest's probabilities on the validation rows",
        value: forest_entropy,
    },
];

/// Every number of [`META_FEATURES`], in its order.
pub fn meta_features(task: &Task) -> Vec<f64> {
    META_FEATURES.iter().map(|row| (row.value)(task)).collect()
}

/// Training rows that are compared with each validation row.
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

fn validation_accuracy(task: &Task, predicted: impl Iterator<Item = usize>) -> f64 {
    share_right(predicted, &task.validation.labels)
}

fn neighbour(task: &Task) -> f64 {
    let (known, validation) = (&task.training, &task.validation);
    let count = known.labels.len().min(COMPARED);
    let nearest = |row: ArrayView1<'_, f32>| {
        let distance = |k: usize| known.encoded.row(k).iter().zip(row).map(|(a, b)| (a - b).powi(2)).sum::<f32>();
        (0..count).min_by(|a, b| distance(*a).total_cmp(&distance(*b))).map_or(0, |k| known.labels[k])
    };
    validation_accuracy(task, validation.encoded.rows().into_iter().map(nearest))
}

fn stump(task: &Task) -> f64 {
    let rows = &task.training;
    let answers = Answers::Classes { labels: &rows.labels, count: task.classes };
    let growth = Growth { trees: 1, columns: rows.filled.ncols(), depth: Some(1), leaf: 1, bootstrap: false };
    let tree = Forest::grow(rows.filled.view(), answers, &growth, task.seed).forest;
    validation_accuracy(task, tree.predict(task.validation.filled.view()).rows().into_iter().map(argmax))
}

fn linear(task: &Task) -> f64 {
    let wide = |rows: &Array2<f32>| rows.mapv(f64::from);
    let fitted = LeastSquares::fit(wide(&task.training.encoded).view(), &task.training.labels, task.classes);
    validation_accuracy(task, fitted.predict(wide(&task.validation.encoded).view()).into_iter())
}

fn out_of_bag(task: &Task) -> f64 {
    share_right(task.teacher.out_of_bag.rows().into_iter().map(argmax), &task.training.labels)
}

fn leaf_depth(task: &Task) -> f64 {
    let depths: Vec<usize> = task.teacher.forest.trees().iter().flat_map(|tree| tree.leaf_depths()).collect();
    depths.iter().sum::<usize>() as f64 / depths.len().max(1) as f64
}

fn forest_entropy(task: &Task) -> f64 {
    let probabilities = task.teacher.forest.predict(task.validation.filled.view());
    let sum: f64 = probabilities.axis_iter(Axis(0)).map(|row| entropy(row.iter().copied())).sum();
    sum / probabilities.nrows().max(1) as f64
}
