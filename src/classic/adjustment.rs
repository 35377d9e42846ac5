//! Causal effects from data without an experiment: the adjustment formulas of the backdoor and of the front door (Pearl 2009,
//! Causality, theorems 3.3.2 and 3.3.4), for discrete variables and for linear structural models.

use ndarray::{Array2, Array3, ArrayView1, ArrayView2, Axis, concatenate};

use crate::math::linear::solve;

/// P(y | do(x)) = Σ_c P(y | x, c) P(c), (x, y), of the joint distribution (x, y, c) of treatment, outcome and an observed
/// confounder. `None` where a treatment never occurs with a value of the confounder that occurs: the formula has no value.
///
/// ```
/// use ndarray::array;
/// use qgraft::classic::adjustment::backdoor;
/// // The confounder decides both: x has no effect on y.
/// let joint = array![[[0.4, 0.0], [0.0, 0.1]], [[0.1, 0.0], [0.0, 0.4]]];
/// let effect = backdoor(&joint).unwrap();
/// assert!((effect[[0, 1]] - effect[[1, 1]]).abs() < 1e-12);
/// ```
pub fn backdoor(joint: &Array3<f64>) -> Option<Array2<f64>> {
    let (treatments, outcomes, values) = joint.dim();
    let of_confounder = joint.sum_axis(Axis(0)).sum_axis(Axis(0));
    let with_treatment = joint.sum_axis(Axis(1));
    let mut found = Array2::zeros((treatments, outcomes));
    for c in (0..values).filter(|&c| of_confounder[c] > 0.0) {
        for x in 0..treatments {
            if with_treatment[[x, c]] <= 0.0 {
                return None;
            }
            for y in 0..outcomes {
                found[[x, y]] += joint[[x, y, c]] / with_treatment[[x, c]] * of_confounder[c];
            }
        }
    }
    Some(found)
}

/// P(y | do(x)) = Σ_m P(m | x) Σ_x' P(y | x', m) P(x'), (x, y), of the joint distribution (x, m, y) of treatment, mediator and
/// outcome. `None` where a treatment never occurs, or a mediator occurs with some treatments only.
pub fn front_door(joint: &Array3<f64>) -> Option<Array2<f64>> {
    let (treatments, mediators, outcomes) = joint.dim();
    let of_pair = joint.sum_axis(Axis(2));
    let of_treatment = of_pair.sum_axis(Axis(1));
    if of_treatment.iter().any(|p| *p <= 0.0) {
        return None;
    }
    let mut found = Array2::zeros((treatments, outcomes));
    for m in 0..mediators {
        let occurs = (0..treatments).filter(|&x| of_pair[[x, m]] > 0.0).count();
        if occurs == 0 {
            continue;
        }
        if occurs < treatments {
            return None;
        }
        for y in 0..outcomes {
            let given = |x: usize| joint[[x, m, y]] / of_pair[[x, m]] * of_treatment[x];
            let adjusted: f64 = (0..treatments).map(given).sum();
            for x in 0..treatments {
                found[[x, y]] += of_pair[[x, m]] / of_treatment[x] * adjusted;
            }
        }
    }
    Some(found)
}

/// The effect of a unit of `treatment` on `outcome` in a linear model whose confounders are the columns of `confounders`
/// (rows, count): the coefficient of the treatment in a least-squares fit on all. Without columns it is the naive slope.
/// `None` if columns depend on each other.
pub fn linear_backdoor(
    treatment: ArrayView1<f64>,
    outcome: ArrayView1<f64>,
    confounders: ArrayView2<f64>,
) -> Option<f64> {
    slope(treatment, outcome, confounders)
}

/// The effect of a unit of `treatment` on `outcome` through `mediator` in a linear model with an unseen confounder: the slope
/// of the mediator on the treatment, times that of the outcome on the mediator beside the treatment. `None` if columns depend
/// on each other.
pub fn linear_front_door(
    treatment: ArrayView1<f64>,
    mediator: ArrayView1<f64>,
    outcome: ArrayView1<f64>,
) -> Option<f64> {
    let none = Array2::zeros((treatment.len(), 0));
    let first = slope(treatment, mediator, none.view())?;
    Some(first * slope(mediator, outcome, treatment.insert_axis(Axis(1)))?)
}

/// The coefficient of `x` in a least-squares fit of `y` on x, the columns of `others` and a constant. Columns are centred
/// first, so that large offsets lose no digits.
fn slope(x: ArrayView1<f64>, y: ArrayView1<f64>, others: ArrayView2<f64>) -> Option<f64> {
    let columns = concatenate(Axis(1), &[x.insert_axis(Axis(1)), others]).ok()?;
    let centred = &columns - &columns.mean_axis(Axis(0))?;
    let target = &y - y.mean()?;
    let solution = solve(centred.t().dot(&centred), centred.t().dot(&target))?;
    solution.first().copied().filter(|slope| slope.is_finite())
}
