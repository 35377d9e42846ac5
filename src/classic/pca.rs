//! Principal components of standardised columns.

use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis, s};
use serde::{Deserialize, Serialize};

use crate::math::Stream;
use crate::math::symmetric::eigenvectors;

/// Standardised columns projected on their first principal components, each component scaled to unit variance on the
/// rows it was fitted on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Pca {
    mean: Array1<f64>,
    deviation: Array1<f64>,
    /// (columns, components), already divided by each component's deviation.
    components: Array2<f64>,
}

impl Pca {
    /// Fits `components` components on `rows` (rows, columns) by orthogonal iteration from a seeded start.
    ///
    /// The sign of each component is fixed so that its largest entry is positive. With fewer rows or columns than
    /// components, the missing components are zero.
    pub fn fit(rows: ArrayView2<'_, f64>, components: usize, seed: u64) -> Self {
        let mean = rows.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(rows.ncols()));
        let deviation = rows.std_axis(Axis(0), 0.0).mapv(|sd| if sd > 0.0 { sd } else { 1.0 });
        let standard = (&rows - &mean) / &deviation;
        // Ten columns more than asked for, see `subspace`.
        let apply = |basis: &Array2<f64>| standard.t().dot(&standard.dot(basis));
        let basis = subspace((rows.ncols(), components + 10), components, seed, apply);
        // Rotate inside the subspace so that each column is one eigenvector, largest variance first.
        let scores = standard.dot(&basis);
        let small = scores.t().dot(&scores);
        let rotation = eigenvectors(&small).1.slice_move(s![.., ..components]);
        Self { mean, deviation, components: scaled(&standard, basis.dot(&rotation)) }
    }

    /// The same components found among combinations of the rows: for fewer rows than columns, at a cost that grows with the
    /// square of the rows.
    pub fn fit_to_few(rows: ArrayView2<'_, f64>, components: usize, seed: u64) -> Self {
        let mean = rows.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(rows.ncols()));
        let deviation = rows.std_axis(Axis(0), 0.0).mapv(|sd| if sd > 0.0 { sd } else { 1.0 });
        let standard = (&rows - &mean) / &deviation;
        let products = standard.dot(&standard.t());
        let (block, kept) = ((components + 10).min(rows.nrows()), components.min(rows.nrows()));
        let basis = subspace((rows.nrows(), block), kept, seed, |basis| products.dot(basis));
        let small = basis.t().dot(&products.dot(&basis));
        let rotation = eigenvectors(&small).1.slice_move(s![.., ..kept]);
        let mut found = Array2::zeros((rows.ncols(), components));
        found.slice_mut(s![.., ..kept]).assign(&standard.t().dot(&basis.dot(&rotation)));
        Self { mean, deviation, components: scaled(&standard, found) }
    }

    /// Whether the parts agree in size, which a file may not.
    pub fn is_sound(&self) -> bool {
        let columns = self.mean.len();
        self.deviation.len() == columns && self.components.nrows() == columns
    }

    /// Number of components.
    pub fn components(&self) -> usize {
        self.components.ncols()
    }

    /// Number of columns it was fitted on.
    pub fn columns(&self) -> usize {
        self.mean.len()
    }

    /// Derivatives by the columns of something with these derivatives by the components.
    pub fn pulled_back(&self, gradient: ArrayView1<'_, f64>) -> Array1<f64> {
        self.components.dot(&gradient) / &self.deviation
    }

    /// Component scores (rows, components) of `rows` (rows, columns).
    pub fn transform(&self, rows: ArrayView2<'_, f64>) -> Array2<f64> {
        ((&rows - &self.mean) / &self.deviation).dot(&self.components)
    }
}

/// A basis (rows, columns) of the leading eigenvectors of a symmetric map, by orthogonal iteration from a seeded start until the
/// first `kept` columns stay. A sweep shrinks the error of those by the ratio of the first eigenvalue outside the block to the
/// last one kept: more columns than are kept make that ratio small.
fn subspace(
    (rows, columns): (usize, usize),
    kept: usize,
    seed: u64,
    apply: impl Fn(&Array2<f64>) -> Array2<f64>,
) -> Array2<f64> {
    let mut stream = Stream::named(seed, "pca");
    let mut basis = Array2::from_shape_simple_fn((rows, columns), || stream.normal());
    orthonormalise(&mut basis);
    for _ in 0..300 {
        let next = apply(&basis);
        // Orthogonal iteration settles its leading columns first.
        let (new, old) = (next.slice(s![.., ..kept]), basis.slice(s![.., ..kept]));
        let moved = (&new - &old.dot(&old.t().dot(&new))).iter().map(|v| v * v).sum::<f64>();
        let size = new.iter().map(|v| v * v).sum::<f64>();
        basis = next;
        orthonormalise(&mut basis);
        if moved <= 1e-24 * size {
            break;
        }
    }
    basis
}

/// Columns with unit variance of their scores on these standardised rows and a positive largest entry; 0 without variance.
fn scaled(standard: &Array2<f64>, mut components: Array2<f64>) -> Array2<f64> {
    for mut column in components.columns_mut() {
        let largest = column.iter().copied().max_by(|a, b| a.abs().total_cmp(&b.abs())).unwrap_or(1.0);
        let length = column.dot(&column).sqrt();
        let spread = standard.dot(&column).std(0.0);
        let scale = if spread > 1e-12 * length.max(1.0) { largest.signum() / spread } else { 0.0 };
        column.mapv_inplace(|v| v * scale);
    }
    components
}

/// Gram–Schmidt, twice over for stability. A dependent column becomes zero.
fn orthonormalise(basis: &mut Array2<f64>) {
    for k in 0..basis.ncols() {
        let mut column = basis.column(k).to_owned();
        let before = column.dot(&column).sqrt();
        for _ in 0..2 {
            for j in 0..k {
                let other = basis.column(j).to_owned();
                let overlap = other.dot(&column);
                column.scaled_add(-overlap, &other);
            }
        }
        let norm = column.dot(&column).sqrt();
        let scale = if norm > 1e-12 * before && norm > 0.0 { 1.0 / norm } else { 0.0 };
        basis.column_mut(k).assign(&(column * scale));
    }
}
