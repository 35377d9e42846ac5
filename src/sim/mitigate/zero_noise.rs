//! Zero-noise extrapolation.
//!
//! Temme, Bravyi and Gambetta 2017 (arXiv 1612.02058), with noise scaled by folding (Giurgica-Tiron et al. 2020, arXiv
//! 2005.10921). A program without noise is left as it is, and the result can be differentiated.

use std::sync::Arc;

use ndarray::{Array2, ArrayView2};

use crate::circuit::Observable;
use crate::noise::{Program, Step};
use crate::sim::mitigate::extrapolation::Rule;
use crate::sim::mitigate::weighted::substream;
use crate::sim::mitigate::{Extrapolation, Folding, fold};
use crate::sim::prepared::{Prepared, Recorded, Tape};
use crate::sim::{AngleGradient, Angles, Precision, SimError, Simulator};

/// What follows the name of an engine.
const SUFFIX: &str = "with zero-noise extrapolation";

/// An engine whose values are those of several noise scales, continued to none.
#[derive(Clone, Debug)]
pub struct ZeroNoise<S> {
    /// Runs the folded programs.
    inner: S,
    scales: Vec<f64>,
    folding: Folding,
    extrapolation: Extrapolation,
}

impl<S: Simulator + Clone + 'static> ZeroNoise<S> {
    /// Values of `inner` at these noise scales, each at least 1, continued to none.
    pub fn new(inner: S, scales: &[f64], folding: Folding, extrapolation: Extrapolation) -> Self {
        Self { inner, scales: scales.to_vec(), folding, extrapolation }
    }
}

impl<S: Simulator + Clone + 'static> Simulator for ZeroNoise<S> {
    fn name(&self) -> String {
        format!("{} {SUFFIX}", self.inner.name())
    }

    fn precision(&self) -> Precision {
        self.inner.precision()
    }

    fn with_substream(&self, number: u64) -> Option<Arc<dyn Simulator>> {
        let inner = self.inner.with_substream(number)?;
        Some(Arc::new(ZeroNoise::new(inner, &self.scales, self.folding, self.extrapolation)))
    }

    fn prepare(
        &self,
        program: &Program,
        observables: &[Observable],
        input_slots: usize,
    ) -> Result<Arc<dyn Prepared>, SimError> {
        if !program.steps.iter().any(|step| matches!(step, Step::Noise { .. })) {
            return self.inner.prepare(program, observables, input_slots);
        }
        let folded = self.scales.iter().map(|&scale| fold(program, scale, self.folding));
        let (programs, reached): (Vec<Program>, Vec<f64>) = folded.collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
        let prepare = |(number, program): (usize, &Program)| {
            substream(&self.inner, number as u64).prepare(program, observables, input_slots)
        };
        let scales = programs.iter().enumerate().map(prepare).collect::<Result<_, _>>()?;
        Ok(Arc::new(FoldedProgram { scales, rule: self.extrapolation.at(&reached)? }))
    }
}

/// A program prepared at each noise scale, and the rule that continues its values to none.
struct FoldedProgram {
    scales: Vec<Arc<dyn Prepared>>,
    rule: Rule,
}

impl FoldedProgram {
    fn extrapolated(
        &self,
        value: impl FnMut(&Arc<dyn Prepared>) -> Result<Array2<f64>, SimError>,
    ) -> Result<(Vec<Array2<f64>>, Array2<f64>), SimError> {
        let values: Vec<Array2<f64>> = self.scales.iter().map(value).collect::<Result<_, _>>()?;
        let limit = Array2::from_shape_fn(values[0].dim(), |at| self.rule.apply(&column(&values, at)).0);
        Ok((values, limit))
    }
}

/// One entry at each scale.
fn column(values: &[Array2<f64>], at: (usize, usize)) -> Vec<f64> {
    values.iter().map(|v| v[at]).collect()
}

/// `Σ_k` of the gradients at each scale, weighted by the slope of the extrapolation there.
fn gradient(
    rule: &Rule,
    values: &[Array2<f64>],
    cotangent: ArrayView2<f64>,
    zeros: AngleGradient,
    mut gradient_at: impl FnMut(usize, ArrayView2<f64>) -> Result<AngleGradient, SimError>,
) -> Result<AngleGradient, SimError> {
    let mut total = zeros;
    for k in 0..values.len() {
        let slope = |at| cotangent[at] * rule.apply(&column(values, at)).1[k];
        total += gradient_at(k, Array2::from_shape_fn(cotangent.dim(), slope).view())?;
    }
    Ok(total)
}

impl Prepared for FoldedProgram {
    fn resolved_name(&self, batch: usize) -> String {
        format!("{} {SUFFIX}", self.scales[0].resolved_name(batch))
    }

    fn expect(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        Ok(self.extrapolated(|prepared| prepared.expect(angles))?.1)
    }

    fn vjp(&self, angles: Angles, cotangent: ArrayView2<f64>) -> Result<AngleGradient, SimError> {
        let values = match self.rule.is_linear() {
            // The slopes do not depend on the values.
            true => vec![Array2::zeros(cotangent.dim()); self.scales.len()],
            false => self.extrapolated(|prepared| prepared.expect(angles))?.0,
        };
        let zeros = AngleGradient::zeros(&angles);
        gradient(&self.rule, &values, cotangent, zeros, |k, weighted| self.scales[k].vjp(angles, weighted))
    }

    fn record(&self, angles: Angles, most_bytes: usize) -> Result<Recorded, SimError> {
        let mut tapes = Vec::new();
        let (values, limit) = self.extrapolated(|prepared| {
            let (values, tape) = prepared.record(angles, most_bytes / self.scales.len())?;
            tapes.extend(tape);
            Ok(values)
        })?;
        if tapes.len() < self.scales.len() {
            return Ok((limit, None));
        }
        let (rule, zeros) = (self.rule.clone(), AngleGradient::zeros(&angles));
        Ok((limit, Some(Box::new(FoldedTape { rule, values, tapes, zeros }))))
    }

    /// Each probability is extrapolated. The result may lie a little outside [0, 1].
    fn probabilities(&self, angles: Angles) -> Result<Array2<f64>, SimError> {
        Ok(self.extrapolated(|prepared| prepared.probabilities(angles))?.1)
    }
}

/// The values and tapes at each scale.
struct FoldedTape {
    rule: Rule,
    values: Vec<Array2<f64>>,
    tapes: Vec<Box<dyn Tape>>,
    zeros: AngleGradient,
}

impl Tape for FoldedTape {
    fn vjp(&self, cotangent: ArrayView2<f64>) -> Result<AngleGradient, SimError> {
        let expected = self.values[0].dim();
        if cotangent.dim() != expected {
            return Err(SimError::CotangentShape { got: cotangent.dim(), expected });
        }
        let zeros = self.zeros.clone();
        gradient(&self.rule, &self.values, cotangent, zeros, |k, weighted| self.tapes[k].vjp(weighted))
    }
}
