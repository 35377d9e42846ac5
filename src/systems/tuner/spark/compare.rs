//! The defaults against another configuration: all queries, in turns.

use serde::{Deserialize, Serialize};

use crate::math::order::median;
use crate::study::StudyError;
use crate::study::stats::t_interval;
use crate::systems::tuner::spark::world::LiveWorld;
use crate::systems::tuner::world::World;

/// Name of the kept comparison.
pub const COMPARED: &str = "compared";
/// Of the interval.
const LEVEL: f64 = 0.95;

/// Seconds of each repetition and query.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// Names of the queries.
    pub queries: Vec<String>,
    /// Under the defaults, one list of all queries for each repetition.
    pub default: Vec<Vec<f64>>,
    /// Under the other configuration.
    pub tuned: Vec<Vec<f64>>,
    /// Repetitions of which a query failed, and which do not count.
    pub failed: usize,
}

impl Compared {
    /// Measures both in each repetition, the one that comes first in turns.
    ///
    /// # Errors
    /// As [`LiveWorld::ask`].
    pub fn measure(world: &LiveWorld<'_>, tuned: &[f64], repetitions: usize) -> Result<Self, StudyError> {
        let default = world.space().default();
        let queries = world.queries().to_vec();
        let mut found = Self { queries, default: Vec::new(), tuned: Vec::new(), failed: 0 };
        for repetition in 0..repetitions {
            let mut rows = [None, None];
            for side in [repetition % 2, 1 - repetition % 2] {
                let (name, configuration) = [("default", &default[..]), ("tuned", tuned)][side];
                let why = format!("compare {} {name}", repetition + 1);
                let one = |query: usize| world.ask(&why, configuration, query).map(|timed| timed.seconds);
                let row = (0..found.queries.len()).map(one).collect::<Result<Vec<_>, _>>()?;
                rows[side] = row.into_iter().collect::<Option<Vec<f64>>>();
            }
            match rows {
                [Some(default), Some(tuned)] => {
                    found.default.push(default);
                    found.tuned.push(tuned);
                }
                _ => found.failed += 1,
            }
        }
        Ok(found)
    }

    fn totals(rows: &[Vec<f64>]) -> Vec<f64> {
        rows.iter().map(|row| row.iter().sum()).collect()
    }

    /// Median of the totals under the defaults and under the other configuration, in seconds; `None` if every repetition failed.
    pub fn medians(&self) -> Option<(f64, f64)> {
        Some((median(Self::totals(&self.default))?, median(Self::totals(&self.tuned))?))
    }

    /// Speed-up: the geometric mean over repetitions of the total under the defaults over the other one, with its 95 % t interval of
    /// the paired logarithms; `None` below two repetitions.
    pub fn speedup(&self) -> Option<(f64, f64, f64)> {
        let pairs = Self::totals(&self.default).into_iter().zip(Self::totals(&self.tuned));
        let logarithms: Vec<f64> = pairs.map(|(default, tuned)| (default / tuned).ln()).collect();
        let interval = t_interval(&logarithms, LEVEL)?;
        let mean = logarithms.iter().sum::<f64>() / logarithms.len() as f64;
        Some((mean.exp(), interval.low.exp(), interval.high.exp()))
    }

    /// Medians of each query under the defaults and under the other configuration, in seconds.
    pub fn by_query(&self) -> Vec<(String, f64, f64)> {
        let of = |rows: &[Vec<f64>], query: usize| median(rows.iter().map(|row| row[query]));
        let one = |(k, name): (usize, &String)| Some((name.clone(), of(&self.default, k)?, of(&self.tuned, k)?));
        self.queries.iter().enumerate().filter_map(one).collect()
    }
}
