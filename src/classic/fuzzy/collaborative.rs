//! The THEN parts of several views, fitted together in closed form.

use ndarray::{Array1, Array2, ArrayView1, Axis};
use serde::{Deserialize, Serialize};

use crate::math::linear::solve_positive;

/// Weights of the terms of the objective.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Penalties {
    /// Of Σ‖p_k‖².
    pub ridge: f64,
    /// Of the squared distance of each view's output to the mean output of the other views.
    pub agreement: f64,
    /// Of Σ w ln w: 0 gives all weight to the best view, infinity the same to each.
    pub entropy: f64,
    /// Of the squared distance between projected means of the domains.
    pub mmd: f64,
}

/// What the rows are asked to become. All arrays have one entry or row for each row.
pub struct WeightedRows<'a> {
    /// (rows, outputs); rows without a fit weight may hold anything finite.
    pub targets: &'a Array2<f64>,
    /// How much each row's target counts; 0 for a row without one.
    pub fit: &'a Array1<f64>,
    /// How much each row counts where views are to agree.
    pub agree: &'a Array1<f64>,
    /// Signed weights u of rows: the term of each is ‖Σ_i u_i g_i p‖². With 1/n on the rows of one domain and -1/m on those of
    /// another it is the squared distance between the means of their outputs, which is the maximum mean discrepancy of a linear
    /// kernel. Its matrix (rows, rows) is never formed: it has rank one.
    pub contrasts: &'a [Array1<f64>],
}

/// Fitted consequents.
#[derive(Clone, Debug, PartialEq)]
pub struct Consequents {
    /// (rule features, outputs) for each view.
    pub views: Vec<Array2<f64>>,
    /// Weight of each view; they sum to 1.
    pub weights: Array1<f64>,
    /// The objective after each half-step of the last fit: every view in turn, then the weights.
    pub objective: Vec<f64>,
}

/// What the steps need of a view, whatever the contrasts are.
pub(super) struct Moments {
    fit: Array2<f64>,
    agree: Array2<f64>,
    target: Array2<f64>,
}

/// Minimises, over consequents p_k and weights w_k of the views' rule features G_k (rows, features),
///
/// Σ w_k ‖G_k p_k - Y‖²_fit + ridge Σ ‖p_k‖² + agreement Σ ‖G_k p_k - ȳ_(-k)‖²_agree + mmd Σ_k Σ_u ‖uᵀ G_k p_k‖²
/// + entropy Σ w_k ln w_k,
///
/// ȳ_(-k) the mean output of the other views, by `rounds` alternations from `start`. Each step is the exact minimum in its
/// block, so the objective never rises. Tian et al. leave out that p_k is a part of the other views' ȳ; with that the
/// objective can rise. `None` if a system of equations has no solution, as with a NaN.
pub fn collaborate(
    views: &[Array2<f64>],
    rows: &WeightedRows,
    penalties: &Penalties,
    start: Option<&Consequents>,
    rounds: usize,
) -> Option<Consequents> {
    let moments: Vec<Moments> = views.iter().map(|view| Moments::of(view, rows)).collect();
    alternate((views, &moments), rows, penalties, start, rounds)
}

/// [`collaborate`] with known moments.
pub(super) fn alternate(
    (views, moments): (&[Array2<f64>], &[Moments]),
    rows: &WeightedRows,
    penalties: &Penalties,
    start: Option<&Consequents>,
    rounds: usize,
) -> Option<Consequents> {
    let count = views.len();
    let outputs = rows.targets.ncols();
    let contrasts: Vec<Array2<f64>> = match penalties.mmd > 0.0 {
        true => views.iter().map(|view| contrast(view, rows.contrasts)).collect(),
        false => Vec::new(),
    };
    let mut fitted = match start {
        Some(start) => start.clone(),
        None => Consequents {
            views: views.iter().map(|view| Array2::zeros((view.ncols(), outputs))).collect(),
            weights: Array1::from_elem(count, 1.0 / count as f64),
            objective: Vec::new(),
        },
    };
    fitted.objective.clear();
    let mut answers: Vec<Array2<f64>> = views.iter().zip(&fitted.views).map(|(g, p)| g.dot(p)).collect();
    // Without agreement there is nothing that consequents wait for in the first round, and weights need consequents.
    let others = (count as f64 - 1.0).max(1.0);
    for _ in 0..rounds {
        for k in 0..count {
            let Moments { fit, agree, target } = &moments[k];
            let weight = fitted.weights[k];
            let mut left = fit * weight;
            if let Some(contrast) = contrasts.get(k) {
                left = left + contrast * penalties.mmd;
            }
            let mut right = target * weight;
            if count > 1 && penalties.agreement > 0.0 {
                left = left + agree * (penalties.agreement * (1.0 + 1.0 / others));
                let sum: Array2<f64> =
                    (0..count).filter(|j| *j != k).fold(Array2::zeros(answers[k].dim()), |sum, j| sum + &answers[j]);
                // Σ_j (answer_j - (others of j but k) / (n-1)) = sum - (n-2)/(n-1) sum, over n-1; plus sum over n-1.
                let pull = &sum * ((1.0 + 1.0 / others) / others);
                let weighted = &pull * &rows.agree.view().insert_axis(Axis(1));
                right = right + views[k].t().dot(&weighted) * penalties.agreement;
            }
            left.diag_mut().mapv_inplace(|entry| entry + penalties.ridge);
            fitted.views[k] = solve_positive(&left, &right)?;
            answers[k] = views[k].dot(&fitted.views[k]);
            fitted.objective.push(objective(&answers, &fitted, rows, penalties));
        }
        let errors: Vec<f64> = answers.iter().map(|answer| error(answer, rows)).collect();
        fitted.weights = weights(&errors, penalties.entropy);
        fitted.objective.push(objective(&answers, &fitted, rows, penalties));
    }
    Some(fitted)
}

/// Σ w_k of the outputs of several views, each (rows, outputs).
pub fn combine(outputs: &[Array2<f64>], weights: ArrayView1<'_, f64>) -> Array2<f64> {
    let zero = Array2::zeros(outputs.first().map_or((0, 0), |first| first.dim()));
    outputs.iter().zip(weights).fold(zero, |sum, (output, weight)| sum + output * *weight)
}

impl Moments {
    /// Of a view's rule features (rows, features).
    pub(super) fn of(view: &Array2<f64>, rows: &WeightedRows) -> Self {
        // Rows without weight cost nothing.
        let weighted = |weights: &Array1<f64>| {
            let kept: Vec<usize> = (0..weights.len()).filter(|&row| weights[row] != 0.0).collect();
            let own = view.select(Axis(0), &kept);
            let column = weights.select(Axis(0), &kept).insert_axis(Axis(1));
            ((&own * &column).reversed_axes(), own, kept)
        };
        let (transposed, own, kept) = weighted(rows.fit);
        let (fit, target) = (transposed.dot(&own), transposed.dot(&rows.targets.select(Axis(0), &kept)));
        let (transposed, own, _) = weighted(rows.agree);
        Self { fit, agree: transposed.dot(&own), target }
    }
}

/// Σ_u (Gᵀu)(Gᵀu)ᵀ.
fn contrast(view: &Array2<f64>, contrasts: &[Array1<f64>]) -> Array2<f64> {
    let mut sum = Array2::zeros((view.ncols(), view.ncols()));
    for u in contrasts {
        let mean = view.t().dot(u);
        let column = mean.view().insert_axis(Axis(1));
        sum = sum + column.dot(&mean.view().insert_axis(Axis(0)));
    }
    sum
}

fn error(answer: &Array2<f64>, rows: &WeightedRows) -> f64 {
    let squares =
        |row: usize| -> f64 { answer.row(row).iter().zip(rows.targets.row(row)).map(|(a, y)| (a - y) * (a - y)).sum() };
    (0..answer.nrows()).filter(|&row| rows.fit[row] != 0.0).map(|row| rows.fit[row] * squares(row)).sum()
}

/// The weights that minimise Σ w e + entropy Σ w ln w.
fn weights(errors: &[f64], entropy: f64) -> Array1<f64> {
    let least = errors.iter().copied().fold(f64::INFINITY, f64::min);
    let scaled = |error: &f64| match error - least {
        0.0 => 1.0,
        more => (-more / entropy).exp(),
    };
    let powers: Array1<f64> = errors.iter().map(scaled).collect();
    let sum = powers.sum();
    powers / sum
}

fn objective(answers: &[Array2<f64>], fitted: &Consequents, rows: &WeightedRows, penalties: &Penalties) -> f64 {
    let count = answers.len();
    let total = answers.iter().fold(Array2::<f64>::zeros(answers[0].dim()), |sum, answer| sum + answer);
    let mut value = 0.0;
    for (k, answer) in answers.iter().enumerate() {
        let weight = fitted.weights[k];
        value += weight * error(answer, rows) + penalties.ridge * fitted.views[k].iter().map(|p| p * p).sum::<f64>();
        if weight > 0.0 && penalties.entropy.is_finite() {
            value += penalties.entropy * weight * weight.ln();
        }
        if count > 1 && penalties.agreement > 0.0 {
            let others = (&total - answer) / (count as f64 - 1.0);
            let apart = (answer - &others).mapv(|d| d * d).sum_axis(Axis(1));
            value += penalties.agreement * apart.dot(rows.agree);
        }
        for u in rows.contrasts.iter().filter(|_| penalties.mmd > 0.0) {
            value += penalties.mmd * answer.t().dot(u).iter().map(|mean| mean * mean).sum::<f64>();
        }
    }
    value
}
