//! Zero-noise extrapolation.
//!
//! Temme, Bravyi and Gambetta 2017 (arXiv 1612.02058), with noise scaled by folding (Giurgica-Tiron et al. 2020, arXiv
//! 2005.10921). A program without noise is left as it is, and the result can be differentiated.

use ndarray::{Array2, ArrayView2};

use crate::circuit::Observable;
use crate::noise::{Program, Step};
use crate::sim::mitigate::extrapolation::Rule;
use crate::sim::mitigate::{Extrapolation, Folding, fold};
use crate::sim::{AngleGradient, Angles, Precision, SimError, Simulator};

/// An engine whose values are those of several noise scales, continued to none.
pub struct ZeroNoise<S> {
    /// Runs the folded programs.
    inner: S,
    scales: Vec<f64>,
    folding: Folding,
    extrapolation: Extrapolation,
}

impl<S: Simulator> ZeroNoise<S> {
    /// Values of `inner` at these noise scales, each at least 1, continued to none.
    pub fn new(inner: S, scales: &[f64], folding: Folding, extrapolation: Extrapolation) -> Self {
        Self { inner, scales: scales.to_vec(), folding, extrapolation }
    }

    /// The folded programs and the rule for the factors they reach; `None` if there is no noise to fold.
    fn folded(&self, program: &Program) -> Result<Option<(Vec<Program>, Rule)>, SimError> {
        if !program.steps.iter().any(|step| matches!(step, Step::Noise { .. })) {
            return Ok(None);
        }
        let folded = self.scales.iter().map(|&scale| fold(program, scale, self.folding));
        let (programs, reached): (Vec<Program>, Vec<f64>) = folded.collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
        let rule = self.extrapolation.at(&reached)?;
        Ok(Some((programs, rule)))
    }

    /// Values at each scale.
    fn values(
        &self,
        programs: &[Program],
        value: impl Fn(&dyn Simulator, &Program) -> Result<Array2<f64>, SimError>,
    ) -> Result<Vec<Array2<f64>>, SimError> {
        let run = |(number, program)| {
            let own = self.inner.with_substream(number as u64);
            value(own.as_deref().unwrap_or(&self.inner), program)
        };
        programs.iter().enumerate().map(run).collect()
    }

    fn extrapolated(
        &self,
        program: &Program,
        value: impl Fn(&dyn Simulator, &Program) -> Result<Array2<f64>, SimError>,
    ) -> Result<Array2<f64>, SimError> {
        let Some((programs, rule)) = self.folded(program)? else { return value(&self.inner, program) };
        let values = self.values(&programs, value)?;
        Ok(Array2::from_shape_fn(values[0].dim(), |at| rule.apply(&column(&values, at)).0))
    }
}

/// One entry at each scale.
fn column(values: &[Array2<f64>], at: (usize, usize)) -> Vec<f64> {
    values.iter().map(|v| v[at]).collect()
}

impl<S: Simulator> Simulator for ZeroNoise<S> {
    fn name(&self) -> String {
        format!("{} with zero-noise extrapolation", self.inner.name())
    }

    fn precision(&self) -> Precision {
        self.inner.precision()
    }

    fn with_substream(&self, number: u64) -> Option<Box<dyn Simulator + '_>> {
        let inner = self.inner.with_substream(number)?;
        Some(Box::new(ZeroNoise::new(inner, &self.scales, self.folding, self.extrapolation)))
    }

    fn expect(&self, program: &Program, angles: Angles, observables: &[Observable]) -> Result<Array2<f64>, SimError> {
        self.extrapolated(program, |engine, program| engine.expect(program, angles, observables))
    }

    /// `Σ_k` of the gradients at each scale, weighted by the slope of the extrapolation there.
    fn vjp(
        &self,
        program: &Program,
        angles: Angles,
        observables: &[Observable],
        cotangent: ArrayView2<f64>,
    ) -> Result<AngleGradient, SimError> {
        let Some((programs, rule)) = self.folded(program)? else {
            return self.inner.vjp(program, angles, observables, cotangent);
        };
        let values = match rule.is_linear() {
            // The slopes do not depend on the values.
            true => vec![Array2::zeros(cotangent.dim()); programs.len()],
            false => self.values(&programs, |engine, program| engine.expect(program, angles, observables))?,
        };
        let mut total = AngleGradient::zeros(&angles);
        for (k, program) in programs.iter().enumerate() {
            let slope = |at| cotangent[at] * rule.apply(&column(&values, at)).1[k];
            let weighted = Array2::from_shape_fn(cotangent.dim(), slope);
            let own = self.inner.with_substream(k as u64);
            let gradient = own.as_deref().unwrap_or(&self.inner).vjp(program, angles, observables, weighted.view())?;
            total.inputs += &gradient.inputs;
            total.weights += &gradient.weights;
        }
        Ok(total)
    }

    /// Each probability is extrapolated; the result may lie a little outside [0, 1].
    fn probabilities(&self, program: &Program, angles: Angles) -> Result<Array2<f64>, SimError> {
        self.extrapolated(program, |engine, program| engine.probabilities(program, angles))
    }
}
