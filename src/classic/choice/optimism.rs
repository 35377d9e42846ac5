//! Upper bounds on utilities: two radii around an estimate, below an envelope that falls with the price.

use ndarray::Array2;

use crate::classic::choice::{Design, PriceTable};

/// How far true utilities may be above estimated ones.
#[derive(Clone, Debug, PartialEq)]
pub struct Optimism {
    /// The inverse of the Fisher information that the estimate rests on, (width, width).
    pub inverse: Array2<f64>,
    /// Factor on the length of a row in this metric: the error of sampling.
    pub alpha: f64,
    /// Factor on the largest entry of a row: what is left of the difference of markets.
    pub beta: f64,
    /// What a unit of price takes away from a utility, at least.
    pub least_slope: f64,
}

impl Optimism {
    /// Optimistic utilities of `items` (items × features) on a rising list of prices, as a table for the best offer: row·ν, to
    /// which α |row|_{W⁻¹} and β |row|_∞ are added. Of this u(p) the largest function below it is taken that falls by
    /// `least_slope`: the least u(p') - slope·(p - p') over p' ≤ p. It is above every true utility that u is above and that
    /// falls at least so fast.
    pub fn table(&self, design: &Design, items: &[f64], nu: &[f64], prices: &[f64]) -> PriceTable {
        let features = design.features;
        let mut weights = Vec::with_capacity(items.len() / features.max(1) * prices.len());
        for x in items.chunks_exact(features) {
            let utility = design.utility(x, nu);
            let z: Vec<f64> = design.factors(x).collect();
            let (mut own, mut mixed, mut priced) = (0.0, 0.0, 0.0);
            if self.alpha > 0.0 {
                let form = |i: usize, j: usize| self.inverse[[i, j]];
                let dot = |i: usize, from: usize, other: &[f64]| -> f64 {
                    other.iter().enumerate().map(|(j, value)| form(i, from + j) * value).sum()
                };
                own = x.iter().enumerate().map(|(i, x_i)| x_i * dot(i, 0, x)).sum();
                for (i, z_i) in z.iter().enumerate() {
                    mixed += z_i * dot(features + i, 0, x);
                    priced += z_i * dot(features + i, features, &z);
                }
            }
            let largest = |it: &mut dyn Iterator<Item = f64>| it.fold(0.0f64, |most, v| most.max(v.abs()));
            let (most, most_priced) = (largest(&mut x.iter().copied()), largest(&mut z.iter().copied()));
            let (mut bound, mut last) = (f64::INFINITY, 0.0);
            for price in prices {
                let square = own - 2.0 * price * mixed + price * price * priced;
                let radius = self.alpha * square.max(0.0).sqrt() + self.beta * most.max(price * most_priced);
                bound = (bound - self.least_slope * (price - last)).min(utility.at(*price) + radius);
                last = *price;
                weights.push(bound.exp());
            }
        }
        PriceTable { prices: prices.to_vec(), weights }
    }
}
