//! The tree-structured Parzen estimator (Bergstra et al. 2011): settings that are likely among good ones and unlikely among bad.

use crate::classic::tuning::density::Density;
use crate::classic::tuning::space::{Configuration, Space, Values};
use crate::math::Stream;

/// Share of configurations that count as good.
const GOOD: f64 = 0.25;
/// Width of a kernel in the unit interval: Scott's, and at least the distance of as many points in an even row, as few points say
/// little of what is between them.
fn width(spread: f64, count: f64) -> f64 {
    (spread * count.max(1.0).powf(-0.2)).max(1.0 / (count + 1.0))
}

/// Densities of good and bad configurations, knob by knob.
pub struct Parzen<'a> {
    space: &'a Space,
    good: Vec<Vec<f64>>,
    knobs: Vec<[Side; 2]>,
}

/// The density of one knob: a kernel density on the unit interval with a uniform part, or shares of choices.
enum Side {
    Number(Option<Density>, f64),
    Choice(Vec<f64>),
}

impl Side {
    fn new(values: &Values, units: &[f64]) -> Self {
        let count = units.len() as f64;
        match values {
            Values::Choice(names) => {
                let mut shares = vec![1.0 / (count + names.len() as f64); names.len()];
                for unit in units {
                    let entry = (unit * (names.len() - 1).max(1) as f64).round() as usize;
                    shares[entry.min(names.len() - 1)] += 1.0 / (count + names.len() as f64);
                }
                Self::Choice(shares)
            }
            _ => {
                let mean = units.iter().sum::<f64>() / count.max(1.0);
                let spread = (units.iter().map(|unit| (unit - mean).powi(2)).sum::<f64>() / count.max(1.0)).sqrt();
                let width = width(spread, count);
                let density = (!units.is_empty()).then(|| Density::with_width(units, &vec![1.0; units.len()], width));
                Self::Number(density, 1.0 / (count + 1.0))
            }
        }
    }

    fn logarithm(&self, unit: f64) -> f64 {
        match self {
            Self::Number(density, uniform) => {
                let own = density.as_ref().map_or(0.0, |density| density.at(unit));
                (uniform + (1.0 - uniform) * own).max(1e-300).ln()
            }
            Self::Choice(shares) => {
                shares[((unit * (shares.len() - 1).max(1) as f64).round() as usize).min(shares.len() - 1)].ln()
            }
        }
    }
}

impl<'a> Parzen<'a> {
    /// Of measured configurations, at least one.
    pub fn new(space: &'a Space, measured: &[(Vec<f64>, f64)]) -> Self {
        let mut order: Vec<&(Vec<f64>, f64)> = measured.iter().collect();
        order.sort_by(|a, b| a.1.total_cmp(&b.1));
        let good = ((GOOD * order.len() as f64).ceil() as usize).clamp(1, order.len().max(1));
        let side = |k: usize, rows: &[&(Vec<f64>, f64)]| {
            let units: Vec<f64> = rows.iter().map(|(unit, _)| unit[k]).collect();
            Side::new(&space.knobs()[k].values, &units)
        };
        let split = good.min(order.len());
        let knobs = (0..space.len()).map(|k| [side(k, &order[..split]), side(k, &order[split..])]).collect();
        Self { space, good: order[..split].iter().map(|(unit, _)| unit.clone()).collect(), knobs }
    }

    /// Logarithm of the ratio of the densities: the larger the better.
    pub fn score(&self, unit: &[f64]) -> f64 {
        unit.iter().zip(&self.knobs).map(|(unit, [good, bad])| good.logarithm(*unit) - bad.logarithm(*unit)).sum()
    }

    /// A configuration near a good one, each knob near another one.
    pub fn sample(&self, stream: &mut Stream) -> Configuration {
        let one = |(k, [good, _]): (usize, &[Side; 2])| match good {
            Side::Choice(shares) => {
                let mut rest = stream.uniform();
                let entry = shares.iter().position(|share| {
                    rest -= share;
                    rest < 0.0
                });
                entry.unwrap_or(shares.len() - 1) as f64
            }
            Side::Number(..) => {
                let spread = {
                    let mean = self.good.iter().map(|row| row[k]).sum::<f64>() / self.good.len() as f64;
                    let squares = self.good.iter().map(|row| (row[k] - mean).powi(2)).sum::<f64>();
                    (squares / self.good.len() as f64).sqrt()
                };
                let width = width(spread, self.good.len() as f64);
                let centre = self.good[stream.below(self.good.len())][k];
                self.space.knobs()[k].from_unit((centre + width * stream.normal()).clamp(0.0, 1.0))
            }
        };
        let values = self.knobs.iter().enumerate().map(one).collect();
        self.space.canonical(values)
    }
}
