//! The interval of a mitigated value that draws: eight independent runs.

use std::sync::Arc;

use rayon::prelude::*;

use crate::circuit::Observable;
use crate::math::Stream;
use crate::noise::Program;
use crate::sim::account::{HALF_WIDTH_OF_RUNS, RUNS};
use crate::sim::{Angles, SimError, Simulator};

/// A value, the mean of some runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Repeated {
    /// The value; the mean over the runs.
    pub value: f64,
    /// Half the width of its 95 % interval, by Student's t; `None` if nothing draws. It is a statement about draws alone: a
    /// bias that a method leaves is not in it, nor is what so few draws are unlikely to show.
    pub interval: Option<f64>,
}

/// Values of `observables` of a program without slots, as the engine that `make` makes for a seed finds them: means of eight runs,
/// each under a seed of its own, or of one if nothing `draws`.
///
/// # Errors
/// If an engine cannot be made, or refuses the program.
pub fn repeated(
    make: impl Fn(u64) -> Result<Arc<dyn Simulator>, SimError> + Sync,
    (draws, seed): (bool, u64),
    program: &Program,
    observables: &[Observable],
) -> Result<Vec<Repeated>, SimError> {
    let run = |number: u64| -> Result<Vec<f64>, SimError> {
        let simulator = make(if draws { Stream::numbered(seed, number).bits() } else { seed })?;
        Ok(simulator.expect(program, Angles::of_weights(&[]), observables)?.row(0).to_vec())
    };
    // The first run alone says whether the program is refused.
    let first = run(0)?;
    if !draws {
        return Ok(first.into_iter().map(|value| Repeated { value, interval: None }).collect());
    }
    let rest = (1..RUNS).into_par_iter().map(run).collect::<Result<Vec<_>, _>>()?;
    let of = |o: usize| {
        let values = || std::iter::once(&first).chain(&rest).map(move |run| run[o]);
        let count = RUNS as f64;
        let value = values().sum::<f64>() / count;
        let spread: f64 = values().map(|other| (other - value).powi(2)).sum();
        let interval = HALF_WIDTH_OF_RUNS * (spread / (count - 1.0) / count).sqrt();
        Repeated { value, interval: Some(interval) }
    };
    Ok((0..observables.len()).map(of).collect())
}
