//! Classical maps that bring a source domain nearer to a target domain: baselines of transfer.

use ndarray::{Array1, Array2, ArrayView2, Axis};

use crate::math::symmetric::{eigenvectors, of_eigenvalues};

/// The rows of `source` (rows, width) with the mean and covariance of `target`: correlation alignment (Sun, Feng and Saenko
/// 2016, arXiv:1511.05547), where `ridge` is added to the diagonal of both covariances.
pub fn coral(source: ArrayView2<'_, f64>, target: ArrayView2<'_, f64>, ridge: f64) -> Array2<f64> {
    let (mean, covariance) = moments(source, ridge);
    let (target_mean, target_covariance) = moments(target, ridge);
    let whiten = of_eigenvalues(&covariance, |value| 1.0 / value.max(f64::MIN_POSITIVE).sqrt());
    let colour = of_eigenvalues(&target_covariance, |value| value.max(0.0).sqrt());
    (&source - &mean).dot(&whiten).dot(&colour) + &target_mean
}

fn moments(rows: ArrayView2<'_, f64>, ridge: f64) -> (Array1<f64>, Array2<f64>) {
    let mean = rows.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(rows.ncols()));
    let centred = &rows - &mean;
    let count = (rows.nrows() as f64 - 1.0).max(1.0);
    let covariance = centred.t().dot(&centred) / count + Array2::<f64>::eye(rows.ncols()) * ridge;
    (mean, covariance)
}

/// Directions (width, `components`) of `rows` (rows, width) along which the variance is large and the distances between
/// domains are small: they maximise tr(Wᵀ Xᵀ H X W) under Wᵀ (Σ_u Xᵀu uᵀX + ridge·1) W = 1, H the centring matrix. With the
/// contrast of all rows (1/n on one domain, -1/m on the other) this is transfer component analysis with a linear kernel (Pan et
/// al. 2011, doi 10.1109/TNN.2010.2091281); with those of each class besides, joint distribution adaptation (Long et al.
/// 2013, doi 10.1109/ICCV.2013.274).
pub fn transfer_components(
    rows: ArrayView2<'_, f64>,
    contrasts: &[Array1<f64>],
    ridge: f64,
    components: usize,
) -> Array2<f64> {
    let width = rows.ncols();
    let mean = rows.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(width));
    let centred = &rows - &mean;
    let scatter = centred.t().dot(&centred);
    let mut distance = Array2::<f64>::eye(width) * ridge;
    for u in contrasts {
        let apart = rows.t().dot(u);
        distance = distance + apart.view().insert_axis(Axis(1)).dot(&apart.view().insert_axis(Axis(0)));
    }
    let whiten = of_eigenvalues(&distance, |value| 1.0 / value.max(f64::MIN_POSITIVE).sqrt());
    let (_, vectors) = eigenvectors(&whiten.dot(&scatter).dot(&whiten));
    whiten.dot(&vectors.slice_move(ndarray::s![.., ..components.min(width)]))
}
