//! Pairs, unpaired targets, maps of sources and test rows of one task.

use ndarray::{Array2, Axis, s};

use crate::classic::alignment::{Affine, PairedRows, RidgePath};
use crate::math::Stream;
use crate::study::StudyError;
use crate::systems::alignment::spec::Spec;

/// A task.
#[derive(Clone, Debug)]
pub struct World {
    /// Inputs of all pairs that may be learned from.
    pub x: Array2<f64>,
    /// Their targets.
    pub y: Array2<f64>,
    /// Targets without inputs.
    pub pool: Array2<f64>,
    /// Maps of sources on the same inputs.
    pub sources: Vec<Affine>,
    /// Their inverse maps, from targets to inputs.
    pub inverse_sources: Vec<Affine>,
    /// Of them, those that are like the target: the first ones.
    pub related: usize,
    /// Inputs of test rows.
    pub test_x: Array2<f64>,
    /// Their targets.
    pub test_y: Array2<f64>,
    /// Predictions of the test rows by mitigation methods.
    pub others: Vec<Mitigated>,
    /// What inputs and targets were divided by.
    pub units: (f64, f64),
}

/// Test rows as a mitigation method predicts them.
#[derive(Clone, Debug)]
pub struct Mitigated {
    /// Name of the method.
    pub method: &'static str,
    /// The number of pairs whose shots it has besides its own.
    pub pairs: usize,
    /// (test rows, targets).
    pub values: Array2<f64>,
}

/// What is wrong with a world.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// Nothing.
    None,
    /// Unpaired targets of another law.
    Pool,
}

impl World {
    /// x = B·y + noise. Targets are independent normal numbers whose deviations fall with their number.
    ///
    /// # Errors
    /// If a map of a source cannot be fitted.
    pub fn simulated(
        spec: &Spec,
        decay: f64,
        (rows, related, flaw): (usize, usize, Flaw),
        seed: u64,
    ) -> Result<Self, StudyError> {
        let mut stream = Stream::named(seed, "subject");
        let deviations: Vec<f64> = (1..=spec.outputs).map(|k| (k as f64).powf(-decay)).collect();
        let encoder = Array2::from_shape_simple_fn((spec.outputs, spec.inputs), || stream.normal());
        let variance: f64 = deviations.iter().map(|d| d * d).sum();
        let noise = (variance / spec.signal_to_noise).sqrt();
        let targets = |rows: usize, deviations: &[f64], purpose: &str| {
            let mut stream = Stream::named(seed, purpose);
            Array2::from_shape_fn((rows, deviations.len()), |(_, k)| deviations[k] * stream.normal())
        };
        let inputs = |y: &Array2<f64>, encoder: &Array2<f64>, purpose: &str| {
            let mut stream = Stream::named(seed, purpose);
            y.dot(encoder) + Array2::from_shape_simple_fn((y.nrows(), spec.inputs), || noise * stream.normal())
        };
        let (y, test_y) = (targets(rows, &deviations, "targets"), targets(spec.test_rows, &deviations, "test targets"));
        let (x, test_x) = (inputs(&y, &encoder, "noise"), inputs(&test_y, &encoder, "test noise"));
        // The order of deviations turned by half: what varies most does hardly.
        let turned: Vec<f64> = (0..spec.outputs).map(|k| deviations[(k + spec.outputs / 2) % spec.outputs]).collect();
        let law = if flaw == Flaw::Pool { &turned } else { &deviations };
        let pool = targets(spec.pool_rows, law, "pool");
        let (mut sources, mut inverse_sources) = (Vec::new(), Vec::new());
        for source in 0..spec.sources {
            let mut stream = Stream::numbered(Stream::named(seed, "sources").bits(), source as u64);
            let mut other = Array2::from_shape_simple_fn(encoder.dim(), || stream.normal());
            if source < related {
                other = &encoder + &(other * spec.distance);
            }
            let purpose = format!("source {source}");
            let y = targets(spec.source_rows, &deviations, &purpose);
            let x = inputs(&y, &other, &format!("{purpose} noise"));
            let (map, inverse) = of_source(&x, &y)?;
            sources.push(map);
            inverse_sources.push(inverse);
        }
        Ok(Self {
            x,
            y,
            pool,
            sources,
            inverse_sources,
            related,
            test_x,
            test_y,
            others: Vec::new(),
            units: (1.0, 1.0),
        })
    }

    /// Pairs, of which a share is tested on. Penalties are absolute, so inputs and targets are divided by the deviation of a
    /// column of the pairs that are learned from.
    pub fn own(x: &Array2<f64>, y: &Array2<f64>, pool: &Array2<f64>, test_share: f64, seed: u64) -> Self {
        let order = Stream::named(seed, "split of pairs").permutation(x.nrows());
        let (test, training) = order.split_at(Self::tested(x.nrows(), test_share));
        let unit = |a: &Array2<f64>| {
            let deviation = a.select(Axis(0), training).var_axis(Axis(0), 0.0).mean().unwrap_or(0.0).sqrt();
            if deviation > 0.0 && deviation.is_finite() { deviation } else { 1.0 }
        };
        let units = (unit(x), unit(y));
        let pick = |a: &Array2<f64>, rows: &[usize], unit: f64| a.select(Axis(0), rows) / unit;
        let (test_x, test_y) = (pick(x, test, units.0), pick(y, test, units.1));
        let (x, y) = (pick(x, training, units.0), pick(y, training, units.1));
        let (sources, inverse_sources, others) = (Vec::new(), Vec::new(), Vec::new());
        Self { x, y, pool: pool / units.1, sources, inverse_sources, related: 0, test_x, test_y, others, units }
    }

    /// How many of so many pairs are tested on.
    pub fn tested(pairs: usize, test_share: f64) -> usize {
        ((pairs as f64 * test_share).round() as usize).clamp(1, pairs.saturating_sub(1).max(1))
    }

    /// A map of what was divided by units as one of the numbers themselves.
    pub fn in_units(&self, map: &Affine) -> Affine {
        let (of_x, of_y) = self.units;
        Affine { weights: &map.weights * (of_y / of_x), intercepts: &map.intercepts * of_y }
    }

    /// The first pairs.
    pub fn pairs(&self, rows: usize) -> PairedRows<'_> {
        let rows = rows.min(self.x.nrows());
        PairedRows { x: self.x.slice(s![..rows, ..]), y: self.y.slice(s![..rows, ..]) }
    }
}

/// The map of a source with so many pairs that no penalty needs to be chosen, and its inverse map.
pub(super) fn of_source(x: &Array2<f64>, y: &Array2<f64>) -> Result<(Affine, Affine), StudyError> {
    let map = |x: &Array2<f64>, y: &Array2<f64>| RidgePath::new(PairedRows { x: x.view(), y: y.view() }).fit(1.0);
    Ok((map(x, y)?, map(y, x)?))
}
