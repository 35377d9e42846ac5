//! Values with an error that was asked for: by roulette, or by ever finer cuts.

use std::ops::Range;

use super::plan::Plan;
use super::product::{self, Bloch};
use super::program::{Pulled, coarser};
use super::sum::Ledger;
use super::{Cut, NAME};
use crate::math::Stream;
use crate::sim::account::{Account, Estimate, HALF_WIDTH_OF_RUNS, RUNS};
use crate::sim::kernel::each_in_order;
use crate::sim::{Angles, SimError};

/// Runs that raised fewer coefficients than this together do not show their spread by themselves: what a value hangs on may
/// have been dropped by all of them.
const FEW: u64 = 100;
/// The first cut for a tolerance, …
const COARSE: f64 = 1e-2;
/// … the factor by which it falls, …
const FINER: f64 = 0.25;
/// … and the finest one: magnitudes of rounding.
const FINEST: f64 = 1e-16;

/// Estimates of the observable of a plan at rows that share its sum.
///
/// # Errors
/// If a tolerance cannot be met: the smallest error that could be stated.
pub fn estimated(plan: &Plan, cut: &Cut, angles: &Angles, rows: Range<usize>) -> Result<Vec<Estimate>, SimError> {
    let first = angles.row(rows.start);
    let states: Vec<Bloch> = rows.map(|row| product::states(plan, &angles.row(row))).collect();
    let subject = Subject { plan, angles: &first, states: &states };
    match cut.tolerance {
        Some(tolerance) => subject.to_tolerance(cut, tolerance),
        None => Ok(subject.by_roulette(cut)),
    }
}

/// An observable at the angles of some rows.
struct Subject<'a> {
    plan: &'a Plan,
    angles: &'a [f64],
    states: &'a [Bloch],
}

impl Subject<'_> {
    fn values(&self, sum: &Pulled) -> Vec<f64> {
        self.states.iter().map(|bloch| sum.value(bloch)).collect()
    }

    /// Of one sum that drops what is small.
    fn of_ledger(&self, values: &[f64], ledger: &Ledger, coarse: Option<&[f64]>) -> Vec<Estimate> {
        let estimate = |(row, &value): (usize, &f64)| {
            let drift = coarse.map(|coarse| (value - coarse[row]).abs());
            Estimate { value, account: ledger.account(self.plan.norm, drift) }
        };
        values.iter().enumerate().map(estimate).collect()
    }

    /// Means of independent runs, with the difference to what `dropping` gives; `None` if strings do not fit.
    fn drawn(&self, cut: &Cut, dropping: &[f64]) -> Option<Vec<Estimate>> {
        let seed = cut.roulette.unwrap_or(0);
        let draw = |run: u64| {
            let sum = Pulled::drawn(self.plan, self.angles, cut, Stream::numbered(seed, run).bits())?;
            Some((self.values(&sum), sum.ledger()))
        };
        // The first run alone says whether strings fit.
        let first = draw(0)?;
        let rest: Option<Vec<_>> = each_in_order((1..RUNS).collect(), draw).into_iter().collect();
        let runs: Vec<(Vec<f64>, Ledger)> = std::iter::once(first).chain(rest?).collect();
        let count = runs.len() as f64;
        let bound = runs.iter().map(|(_, ledger)| ledger.bound).sum::<f64>() / count;
        let dropped = runs.iter().map(|(_, ledger)| ledger.dropped).max().unwrap_or(0);
        let terms = runs.iter().map(|(_, ledger)| ledger.terms).max().unwrap_or(0);
        let (raised, most) = runs
            .iter()
            .fold((0, 0.0), |(raised, most), (_, ledger)| (raised + ledger.raised, most + ledger.variance / count));
        let estimate = |row: usize| {
            let value = runs.iter().map(|(values, _)| values[row]).sum::<f64>() / count;
            let spread: f64 = runs.iter().map(|(values, _)| (values[row] - value).powi(2)).sum();
            let found = spread / (count - 1.0);
            let variance = if raised < FEW { found.max(most) } else { found };
            let account = Account {
                norm: self.plan.norm,
                bound,
                interval: Some(HALF_WIDTH_OF_RUNS * (variance / count).sqrt()),
                drift: Some((value - dropping[row]).abs()),
                dropped,
                terms,
                below: cut.below,
                ..Account::default()
            };
            Estimate { value, account }
        };
        Some((0..self.states.len()).map(estimate).collect())
    }

    fn by_roulette(&self, cut: &Cut) -> Vec<Estimate> {
        let sum = Pulled::new(self.plan, self.angles, cut);
        let (values, ledger) = (self.values(&sum), sum.ledger());
        drop(sum);
        if ledger.dropped == 0 {
            return self.of_ledger(&values, &ledger, Some(&values));
        }
        self.drawn(cut, &values).unwrap_or_else(|| {
            let coarse = self.values(&Pulled::new(self.plan, self.angles, &coarser(cut)));
            self.of_ledger(&values, &ledger, Some(&coarse))
        })
    }

    /// The first of ever finer cuts whose bound, or whose interval at every row, is within the tolerance. Intervals of other
    /// cuts are looked at before, so a met interval holds a little less often than 95 times in 100.
    fn to_tolerance(&self, cut: &Cut, tolerance: f64) -> Result<Vec<Estimate>, SimError> {
        let mut cut = Cut { below: COARSE, ..*cut };
        let (mut bound, mut interval) = (f64::INFINITY, f64::INFINITY);
        let mut fits = true;
        loop {
            let sum = Pulled::new(self.plan, self.angles, &cut);
            let (values, ledger) = (self.values(&sum), sum.ledger());
            drop(sum);
            bound = bound.min(ledger.bound);
            if ledger.bound <= tolerance {
                return Ok(self.of_ledger(&values, &ledger, None));
            }
            // What has too many strings at this cut has more at finer ones.
            let drawn = if fits { self.drawn(&cut, &values) } else { None };
            fits = drawn.is_some();
            if let Some(drawn) = drawn {
                let widest = drawn.iter().filter_map(|estimate| estimate.account.interval).fold(0.0, f64::max);
                interval = interval.min(widest);
                if widest <= tolerance {
                    return Ok(drawn);
                }
            }
            let full = ledger.below > cut.below || cut.below < FINEST;
            if full {
                break;
            }
            cut.below *= FINER;
        }
        let stated = |error: f64| if error < self.plan.norm { format!("{error:.1e}") } else { "none".into() };
        Err(SimError::Tolerance {
            engine: NAME,
            tolerance,
            terms: cut.terms,
            below: cut.below,
            bound: stated(bound),
            interval: stated(interval),
        })
    }
}
