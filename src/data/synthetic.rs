//! Feature tables made by a formula, shaped like those of a backbone: for measuring and for studies that need no data.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use super::{Features, Part, Samples};
use crate::math::Stream;

/// Directions in which samples of one class differ. The rest of the width repeats them.
const LATENT: usize = 16;

/// Sizes of a synthetic table.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Synthetic {
    /// Rows to learn from.
    pub training: usize,
    /// Rows held out.
    pub held_out: usize,
    /// Number of classes.
    pub classes: usize,
    /// Distance of the class means in standard deviations of their spread.
    pub separation: f64,
    /// Decides every number.
    pub seed: u64,
}

impl Synthetic {
    /// The features of the network named `network`, with `width` columns: Gaussian clusters in 16 dimensions, spread
    /// over the columns by a random matrix and rectified, as features behind a ReLU and an average are. Each name is
    /// another matrix, so that two networks of one width have the same kind of features, but not the same numbers.
    /// Classes take turns, so they are equally large.
    pub fn features(&self, network: &str, width: usize) -> Features {
        let rows = self.training + self.held_out;
        let mut stream = Stream::named(self.seed, &format!("synthetic features of {network}"));
        // Two means differ in every direction, so each direction carries its part of the distance.
        let spread = self.separation / (2.0 * LATENT as f64).sqrt();
        let mut normal = |sd: f64, shape: (usize, usize)| Array2::from_shape_simple_fn(shape, || sd * stream.normal());
        let means = normal(spread, (self.classes, LATENT));
        let mixing = normal((LATENT as f64).sqrt().recip(), (LATENT, width));
        let mut latent = normal(1.0, (rows, LATENT));
        let labels: Vec<usize> = (0..rows).map(|row| row % self.classes).collect();
        for (row, &class) in labels.iter().enumerate() {
            let moved = &latent.row(row) + &means.row(class);
            latent.row_mut(row).assign(&moved);
        }
        let values = latent.dot(&mixing).mapv(|v| v.max(0.0) as f32);
        let part = |row| if row < self.training { Part::Train } else { Part::Validation };
        let samples = Samples {
            source: "synthetic features".into(),
            ids: (0..rows).map(|row| format!("row {row}")).collect(),
            labels,
            classes: (0..self.classes).map(|class| format!("class {class}")).collect(),
            parts: (0..rows).map(part).collect(),
            groups: Vec::new(),
        };
        Features { values, samples, notices: Vec::new() }
    }
}
