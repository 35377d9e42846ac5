//! How well items are found by a query: ranks in a matrix of scores.

use ndarray::ArrayView2;

/// The rank of the item that belongs to each query, 1 for the best. Of items with equal scores half are taken to come before,
/// so that a network that gives everything the same score is at chance.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranks {
    ranks: Vec<f64>,
    items: usize,
}

impl Ranks {
    /// Of scores (queries, items), higher is better; item `own[k]` belongs to query k. `None` without queries, with an item that
    /// does not exist, or with scores that are not numbers.
    pub fn new(scores: ArrayView2<'_, f64>, own: &[usize]) -> Option<Self> {
        let (queries, items) = scores.dim();
        let is_sound = queries > 0 && own.len() == queries && own.iter().all(|item| *item < items);
        if !is_sound || scores.iter().any(|score| score.is_nan()) {
            return None;
        }
        let rank = |(row, own): (ndarray::ArrayView1<'_, f64>, &usize)| {
            let score = row[*own];
            let before = row.iter().filter(|other| **other > score).count();
            let equal = row.iter().filter(|other| **other == score).count() - 1;
            1.0 + before as f64 + equal as f64 / 2.0
        };
        Some(Self { ranks: scores.rows().into_iter().zip(own).map(rank).collect(), items })
    }

    /// Number of items.
    pub fn items(&self) -> usize {
        self.items
    }

    fn mean(&self, of: impl Fn(f64) -> f64) -> f64 {
        self.ranks.iter().map(|rank| of(*rank)).sum::<f64>() / self.ranks.len() as f64
    }

    /// Share of queries whose item is among the best `k`. Chance is k over the number of items.
    pub fn recall(&self, k: usize) -> f64 {
        self.mean(|rank| f64::from(u8::from(rank <= k as f64)))
    }

    /// Mean of 1 over the rank.
    pub fn reciprocal(&self) -> f64 {
        self.mean(|rank| 1.0 / rank)
    }

    /// Mean of 1 / log2(1 + rank) over the best `k`: the normalised discounted cumulative gain with one relevant item
    /// (Järvelin & Kekäläinen 2002).
    pub fn gain(&self, k: usize) -> f64 {
        self.mean(|rank| if rank <= k as f64 { 1.0 / (1.0 + rank).log2() } else { 0.0 })
    }
}
