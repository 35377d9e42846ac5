//! Classifiers of all views side by side, after classical maps between domains.

use ndarray::{Array2, Axis, s};

use crate::classic::adaptation::{coral, transfer_components};
use crate::classic::fuzzy::Domains;
use crate::classic::{Logistic, SupportVectors};
use crate::study::StudyError;
use crate::systems::seizure::arms::Learner;
use crate::systems::seizure::detector::of_log_odds;
use crate::systems::seizure::spec::Spec;
use crate::systems::seizure::task::strided;

/// C of support vector machines.
const PENALTY: f64 = 1.0;
/// Penalty of logistic regression.
const SHRINKAGE: f64 = 1.0;
/// Transfer components.
const COMPONENTS: usize = 20;
/// Rounds of labels in joint distribution adaptation.
const ROUNDS: usize = 5;
/// Added to the diagonal of covariances of standardised features.
const RIDGE: f64 = 1.0;

/// Probabilities (test rows, 2) of a baseline from `training` (rows, width) and `test` (rows, width).
///
/// # Errors
/// If features are not finite.
pub fn probabilities(
    spec: &Spec,
    learner: Learner,
    domains: &Domains,
    (training, test): (&Array2<f64>, &Array2<f64>),
) -> Result<Array2<f64>, StudyError> {
    let Domains { labels, is_source, .. } = domains;
    let of = |is_kept: &dyn Fn(usize) -> bool| (0..labels.len()).filter(|&row| is_kept(row)).collect::<Vec<usize>>();
    let source = of(&|row| is_source[row] && labels[row].is_some());
    let labelled = of(&|row| !is_source[row] && labels[row].is_some());
    let target = of(&|row| !is_source[row]);
    let few: Vec<usize> = strided(source.len(), spec.kernel_rows).into_iter().map(|k| source[k]).collect();
    let class = |rows: &[usize]| rows.iter().map(|&row| labels[row].unwrap_or(0)).collect::<Vec<usize>>();
    match learner {
        Learner::Logistic => {
            let rows = [source, labelled].concat();
            logistic(&training.select(Axis(0), &rows), &class(&rows), test)
        }
        Learner::Coral => {
            let (own, pool) = (training.select(Axis(0), &source), training.select(Axis(0), &target));
            let aligned = coral(own.view(), pool.view(), RIDGE);
            let rows = [source, labelled.clone()].concat();
            let together = stacked(&aligned, &training.select(Axis(0), &labelled));
            logistic(&together, &class(&rows), test)
        }
        Learner::Components { is_joint } => {
            let rows = [few.clone(), target.clone()].concat();
            let known = [few.clone(), labelled.clone()].concat();
            let own = training.select(Axis(0), &rows);
            let count = few.len();
            let domains = Domains {
                labels: rows.iter().enumerate().map(|(k, &row)| if k < count { labels[row] } else { None }).collect(),
                is_source: (0..rows.len()).map(|k| k < count).collect(),
                classes: if is_joint { domains.classes } else { 0 },
            };
            let mut guessed: Vec<Option<usize>> = vec![None; rows.len()];
            let mut found = Array2::zeros((0, 2));
            for _ in 0..if is_joint { ROUNDS } else { 1 } {
                let map = transfer_components(own.view(), &domains.contrasts(&guessed), RIDGE, COMPONENTS);
                let mapped = training.select(Axis(0), &known).dot(&map);
                // Components have no common scale with a kernel's width.
                let scale = mapped.std_axis(Axis(0), 0.0).mapv(|sd| if sd > 0.0 { 1.0 / sd } else { 0.0 });
                let all = stacked(&(test.dot(&map) * &scale), &(training.select(Axis(0), &target).dot(&map) * &scale));
                let probabilities = support_vectors(&(mapped * &scale), &class(&known), &all);
                found = probabilities.slice(s![..test.nrows(), ..]).to_owned();
                for (k, row) in probabilities.slice(s![test.nrows().., ..]).rows().into_iter().enumerate() {
                    guessed[count + k] = labels[target[k]].or(Some(usize::from(row[1] > row[0])));
                }
            }
            Ok(found)
        }
        // Rules are learned elsewhere.
        Learner::Svm | Learner::Fuzzy { .. } => {
            let rows = [few, labelled].concat();
            Ok(support_vectors(&training.select(Axis(0), &rows), &class(&rows), test))
        }
    }
}

fn stacked(first: &Array2<f64>, second: &Array2<f64>) -> Array2<f64> {
    // Both have the columns of one view.
    ndarray::concatenate(Axis(0), &[first.view(), second.view()]).expect("equal widths")
}

fn logistic(rows: &Array2<f64>, classes: &[usize], test: &Array2<f64>) -> Result<Array2<f64>, StudyError> {
    let labels: Vec<bool> = classes.iter().map(|class| *class == 1).collect();
    let fitted = Logistic::fit(rows.view(), &labels, SHRINKAGE)
        .ok_or_else(|| StudyError::NotFinite { what: "a feature of a segment".into() })?;
    Ok(of_log_odds(&test.rows().into_iter().map(|row| fitted.log_odds(row)).collect()))
}

/// A Gaussian kernel of the width that scikit-learn calls "scale".
fn support_vectors(rows: &Array2<f64>, classes: &[usize], test: &Array2<f64>) -> Array2<f64> {
    let variance = rows.var(0.0).max(1e-12);
    let gamma = 1.0 / (rows.ncols().max(1) as f64 * variance);
    let kernel = |a: &Array2<f64>| {
        let squares = |m: &Array2<f64>| m.map_axis(Axis(1), |row| row.dot(&row));
        let products = a.dot(&rows.t());
        let (own, other) = (squares(a), squares(rows));
        Array2::from_shape_fn(products.dim(), |(i, j)| (-gamma * (own[i] + other[j] - 2.0 * products[[i, j]])).exp())
    };
    let labels: Vec<u32> = classes.iter().map(|class| *class as u32).collect();
    let machine = SupportVectors::fit(kernel(rows).view(), &labels, 2, PENALTY, 1e-3);
    of_log_odds(&machine.decide(kernel(test).view()).column(1).to_owned())
}
