//! Features and price of an item as a row of a design.

use crate::classic::choice::LinearUtility;

/// A row is (x, -p·z): the features x of an item, and its price p times some of them. Its utility is row·ν with ν = (θ, γ).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Design {
    /// Number of features.
    pub features: usize,
    /// The features that the price is multiplied with; `None` is the constant 1.
    pub priced: Vec<Option<usize>>,
}

impl Design {
    /// Every feature is priced, as in the paper.
    pub fn full(features: usize) -> Self {
        Self { features, priced: (0..features).map(Some).collect() }
    }

    /// Length of a row.
    pub fn width(&self) -> usize {
        self.features + self.priced.len()
    }

    /// Adds the row of an item to `rows`.
    pub fn push_row(&self, x: &[f64], price: f64, rows: &mut Vec<f64>) {
        rows.extend_from_slice(x);
        rows.extend(self.factors(x).map(|z| -price * z));
    }

    /// z: what the price is multiplied with.
    pub fn factors<'a>(&'a self, x: &'a [f64]) -> impl Iterator<Item = f64> + 'a {
        self.priced.iter().map(|feature| feature.map_or(1.0, |k| x[k]))
    }

    /// The utility of an item as a function of its price.
    pub fn utility(&self, x: &[f64], nu: &[f64]) -> LinearUtility {
        let (theta, gamma) = nu.split_at(self.features);
        let quality = x.iter().zip(theta).map(|(x, t)| x * t).sum();
        let sensitivity = self.factors(x).zip(gamma).map(|(z, g)| z * g).sum();
        LinearUtility { quality, sensitivity }
    }
}
