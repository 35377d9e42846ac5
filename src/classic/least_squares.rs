//! Linear least squares, onto one-hot targets or numbers: a read-out in closed form.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};

use crate::math::linear::solve;

/// A linear classifier with intercepts, fitted to one-hot targets by least squares (Duda, Hart and Stork 2001, §5.8).
///
/// Scaling or shifting a feature changes the weights but no prediction, so what such a map costs a fixed read-out is seen
/// by fitting this one anew.
#[derive(Clone, Debug)]
pub struct LeastSquares {
    /// (features, classes), of features at mean 0 and length 1.
    weights: Array2<f64>,
    mean: Array1<f64>,
    deviation: Array1<f64>,
    shares: Array1<f64>,
}

impl LeastSquares {
    /// Fits `features` (rows, width) to `labels` below `classes`. Features without any spread are not used.
    pub fn fit(features: ArrayView2<f64>, labels: &[usize], classes: usize) -> Self {
        let targets =
            Array2::from_shape_fn((features.nrows(), classes), |(row, class)| f64::from(labels[row] == class));
        Self::fit_numbers(features, targets.view())
    }

    /// Fits `features` (rows, width) to `targets` (rows, outputs): a linear regression with intercepts.
    pub fn fit_numbers(features: ArrayView2<f64>, targets: ArrayView2<f64>) -> Self {
        let rows = features.nrows().max(1) as f64;
        let mean = features.sum_axis(Axis(0)) / rows;
        let centred = &features - &mean;
        let deviation = centred.map_axis(Axis(0), |column| (column.dot(&column) / rows).sqrt());
        // Relative to rounding of numbers near 1.
        let deviation = deviation.mapv(|d| if d > 1e-14 { d } else { f64::INFINITY });
        let scaled = &centred / &deviation;
        let shares = targets.sum_axis(Axis(0)) / rows;
        // A trace of ridge, so that features that repeat each other share their weight instead of having none.
        let gram = scaled.t().dot(&scaled) / rows + Array2::<f64>::eye(features.ncols()) * 1e-12;
        let moments = scaled.t().dot(&(&targets - &shares)) / rows;
        let column = |moment: ArrayView1<f64>| {
            solve(gram.clone(), moment.to_owned()).unwrap_or_else(|| Array1::zeros(moment.len()))
        };
        let mut weights = Array2::zeros(moments.dim());
        for (mut to, moment) in weights.columns_mut().into_iter().zip(moments.columns()) {
            to.assign(&column(moment));
        }
        Self { weights, mean, deviation, shares }
    }

    /// The class with the largest score of each row of (rows, width), the first of equals.
    pub fn predict(&self, features: ArrayView2<f64>) -> Vec<usize> {
        let scores = self.scores(features);
        let largest =
            |row: ArrayView1<f64>| (0..row.len()).fold(0, |best, k| if row[k] > row[best] { k } else { best });
        scores.rows().into_iter().map(largest).collect()
    }

    /// (rows, outputs): the linear map itself.
    pub fn scores(&self, features: ArrayView2<f64>) -> Array2<f64> {
        ((&features - &self.mean) / &self.deviation).dot(&self.weights) + &self.shares
    }

    /// The linear map as weights (outputs, width) and intercepts (outputs) of the features as they are.
    pub fn affine(&self) -> (Array2<f64>, Array1<f64>) {
        let weights = &self.weights / &self.deviation.view().insert_axis(Axis(1));
        let intercepts = &self.shares - &self.mean.dot(&weights);
        (weights.reversed_axes(), intercepts)
    }
}
