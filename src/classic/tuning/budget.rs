//! An account of what measuring has cost.

use serde::{Deserialize, Serialize};

/// One measurement as it was paid for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Payment {
    /// Level, the full one being the last.
    pub level: usize,
    /// What it cost.
    pub cost: f64,
    /// Whether it was stopped before its end.
    pub is_cut: bool,
}

/// A sum that may be spent, and what has been.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Budget {
    total: f64,
    spent: f64,
    payments: Vec<Payment>,
}

impl Budget {
    /// Of this sum.
    pub fn new(total: f64) -> Self {
        Self { total, spent: 0.0, payments: Vec::new() }
    }

    /// What there was to spend.
    pub fn total(&self) -> f64 {
        self.total
    }

    /// What was spent.
    pub fn spent(&self) -> f64 {
        self.spent
    }

    /// What is left.
    pub fn left(&self) -> f64 {
        (self.total - self.spent).max(0.0)
    }

    /// Whether nothing is left.
    pub fn is_spent(&self) -> bool {
        self.left() <= 1e-9 * self.total
    }

    /// Every measurement.
    pub fn payments(&self) -> &[Payment] {
        &self.payments
    }

    /// Pays for a measurement. One that costs more than is left is stopped where the rest ends: whether it came to its own end.
    pub fn pay(&mut self, level: usize, cost: f64) -> bool {
        let paid = cost.min(self.left());
        let is_cut = cost > self.left() * (1.0 + 1e-12);
        self.spent += paid;
        self.payments.push(Payment { level, cost: paid, is_cut });
        !is_cut
    }
}
