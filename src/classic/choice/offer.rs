//! The set of items and their prices with the largest expected revenue under a multinomial logit model.

/// A utility of quality - sensitivity · price.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinearUtility {
    /// Utility at the price 0.
    pub quality: f64,
    /// What a unit of price takes away; positive.
    pub sensitivity: f64,
}

impl LinearUtility {
    /// At a price.
    pub fn at(&self, price: f64) -> f64 {
        self.quality - self.sensitivity * price
    }
}

/// Utilities of items on a common list of prices, which rises.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PriceTable {
    /// The prices.
    pub prices: Vec<f64>,
    /// e^utility, items × prices.
    pub weights: Vec<f64>,
}

/// Items with their prices.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Offer {
    /// Indices of the items, rising.
    pub items: Vec<usize>,
    /// The price of each.
    pub prices: Vec<f64>,
    /// The expected revenue under the utilities that the offer is the best for.
    pub revenue: f64,
}

/// Σ p e^v / (1 + Σ e^v).
pub fn revenue(terms: impl IntoIterator<Item = (f64, f64)>) -> f64 {
    let (mut above, mut below) = (0.0, 1.0);
    for (price, utility) in terms {
        let weight = utility.exp();
        above += price * weight;
        below += weight;
    }
    above / below
}

/// What an item is worth if every customer brings `value` otherwise: max over its price of (price - value)·e^utility. Returns the
/// maximum, its price and e^utility there.
type Worth<'a> = dyn Fn(usize, f64) -> (f64, f64, f64) + 'a;

/// The best offer of at most `most` of these items, at prices from 0 to `ceiling`. Exact: revenue B is the largest at which the
/// `most` largest worths sum to B, and B rises to it by the revenue of the offer that is best for the last B (Dinkelbach).
///
/// ```
/// use qgraft::classic::choice::{LinearUtility, best_offer};
/// let item = LinearUtility { quality: 1.0, sensitivity: 1.0 };
/// let offer = best_offer(&[item], 1, 100.0);
/// // One item: B e^B = e^(1 - 1) = 1, and the price is B + 1.
/// assert!((offer.revenue - 0.567143290409784).abs() < 1e-12 && (offer.prices[0] - 1.567143290409784).abs() < 1e-9);
/// ```
pub fn best_offer(items: &[LinearUtility], most: usize, ceiling: f64) -> Offer {
    let worth = |k: usize, value: f64| {
        let item: &LinearUtility = &items[k];
        let best = value + 1.0 / item.sensitivity;
        // With no sensitivity the largest price is the best one.
        let price = if item.sensitivity > 0.0 { best.min(ceiling) } else { ceiling };
        let weight = item.at(price).exp();
        ((price - value) * weight, price, weight)
    };
    solve(items.len(), most, &worth)
}

impl PriceTable {
    /// The best offer at the prices of the table.
    pub fn best_offer(&self, most: usize) -> Offer {
        let levels = self.prices.len();
        if levels == 0 {
            return Offer::default();
        }
        let worth = |k: usize, value: f64| {
            let row = &self.weights[k * levels..(k + 1) * levels];
            let mut best = (f64::NEG_INFINITY, 0.0, 0.0);
            for (price, weight) in self.prices.iter().zip(row) {
                let worth = (price - value) * weight;
                if worth > best.0 {
                    best = (worth, *price, *weight);
                }
            }
            best
        };
        solve(self.weights.len() / levels, most, &worth)
    }
}

/// Steps at most; each squares the error near the end.
const STEPS: usize = 100;

fn solve(count: usize, most: usize, worth: &Worth<'_>) -> Offer {
    let mut best = Offer::default();
    for _ in 0..STEPS {
        let mut found: Vec<(usize, (f64, f64, f64))> =
            (0..count).map(|k| (k, worth(k, best.revenue))).filter(|(_, (value, ..))| *value > 0.0).collect();
        found.sort_by(|a, b| b.1.0.total_cmp(&a.1.0).then(a.0.cmp(&b.0)));
        found.truncate(most);
        found.sort_by_key(|(k, _)| *k);
        let (above, below) = found.iter().fold((0.0, 1.0), |(a, b), (_, (_, p, w))| (a + p * w, b + w));
        let next = Offer {
            items: found.iter().map(|(k, _)| *k).collect(),
            prices: found.iter().map(|(_, (_, price, _))| *price).collect(),
            revenue: above / below,
        };
        let gain = next.revenue - best.revenue;
        let is_done = !(gain > 1e-14 * next.revenue);
        if gain >= 0.0 || best.items.is_empty() {
            best = next;
        }
        if is_done {
            break;
        }
    }
    best
}
