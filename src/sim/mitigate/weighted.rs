//! Weighted sums of programs: what every method that is linear in expectation values comes down to.

use ndarray::{Array2, ArrayView2};

use crate::circuit::Observable;
use crate::noise::Program;
use crate::sim::{AngleGradient, Angles, SimError, Simulator};

/// Programs with their weights.
pub type Terms = Vec<Result<(f64, Program), SimError>>;

/// `Σ weight · value` over some programs. Each draws its own shots.
pub fn sum<E: Simulator>(
    engine: &E,
    terms: impl IntoIterator<Item = Result<(f64, Program), SimError>>,
    value: impl Fn(&dyn Simulator, &Program) -> Result<Array2<f64>, SimError>,
) -> Result<Array2<f64>, SimError> {
    let mut total: Option<Array2<f64>> = None;
    for (number, term) in terms.into_iter().enumerate() {
        let (weight, program) = term?;
        let own = engine.with_substream(number as u64);
        let values = value(own.as_deref().unwrap_or(engine), &program)? * weight;
        total = Some(match total {
            Some(total) => total + values,
            None => values,
        });
    }
    Ok(total.expect("a mitigated program is at least one program"))
}

/// The gradient of [`sum`] of expectation values.
pub fn vjp<E: Simulator>(
    engine: &E,
    terms: impl IntoIterator<Item = Result<(f64, Program), SimError>>,
    angles: Angles,
    observables: &[Observable],
    cotangent: ArrayView2<f64>,
) -> Result<AngleGradient, SimError> {
    let mut total = AngleGradient::zeros(&angles);
    for (number, term) in terms.into_iter().enumerate() {
        let (weight, program) = term?;
        let own = engine.with_substream(number as u64);
        let engine = own.as_deref().unwrap_or(engine);
        let gradient = engine.vjp(&program, angles, observables, (&cotangent * weight).view())?;
        total.inputs += &gradient.inputs;
        total.weights += &gradient.weights;
    }
    Ok(total)
}
