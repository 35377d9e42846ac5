//! Whether a classifier looks at the lesion: maps of its decision against masks of drawn lesions, and maps on pictures.

use ndarray::{Array2, ArrayView1, Axis};

use crate::data::Picture;
use crate::nn::backbone::Backbone;
use crate::nn::backbone::grad_cam::{attention_map, grad_cam, last_planes, on_picture};
use crate::study::StudyError;
use crate::systems::cohort::models::Fitted;

/// Pixels of the scaled picture by which the largest value may miss the lesion, as in the pointing game (Zhang et al. 2016,
/// arXiv:1608.00507).
const TOLERANCE: f64 = 15.0;

/// Where a decision comes from, on the pixels of the picture, 0 to 1: Grad-CAM, or of a ViT, whose features are no means of planes,
/// its attention rollout, which does not depend on the classifier. `None` of a classifier without derivatives, and of a ViT whose last
/// stages were trained.
///
/// # Errors
/// If the network or the classifier cannot compute.
pub fn map(
    network: &dyn Backbone,
    picture: &Picture,
    fitted: &Fitted,
    features: ArrayView1<'_, f64>,
) -> Result<Option<Array2<f64>>, StudyError> {
    if let Fitted::Tuned(tuned) = fitted {
        let map = tuned.map(features.insert_axis(Axis(0)))?;
        return Ok(map.map(|map| on_picture(&map, picture, &network.transform())));
    }
    if let Some(shares) = attention_map(network, picture)? {
        return Ok(Some(on_picture(&shares, picture, &network.transform())));
    }
    let Some(slope) = fitted.slope(features)? else { return Ok(None) };
    let planes = last_planes(network, picture)?;
    Ok(Some(on_picture(&grad_cam(&planes, slope.view())?, picture, &network.transform())))
}

/// How maps of pictures lie on their lesions.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Hits {
    /// Pictures.
    pub count: usize,
    /// Of which the largest value is on the lesion or within the tolerance of it.
    pub pointed: usize,
    /// Sum over pictures of the map's share inside the lesion over the lesion's share of the picture.
    pub energy: f64,
}

impl Hits {
    /// Adds a map of a picture whose lesion is a mask, row by row. `resize` is the length of the shorter side that the network
    /// sees. An empty map points nowhere.
    pub fn add(&mut self, map: &Array2<f64>, lesion: &[bool], resize: usize) {
        let (height, width) = map.dim();
        let area = lesion.iter().filter(|own| **own).count();
        if area == 0 || lesion.len() != map.len() {
            return;
        }
        self.count += 1;
        let all: f64 = map.sum();
        if all <= 0.0 {
            return;
        }
        let largest = map.indexed_iter().fold(
            ((0, 0), f64::MIN),
            |best, (at, value)| {
                if *value > best.1 { (at, *value) } else { best }
            },
        );
        let (row, column) = largest.0;
        let reach = TOLERANCE * height.min(width) as f64 / resize as f64;
        let is_near = |k: usize| {
            let (down, across) = ((k / width) as f64 - row as f64, (k % width) as f64 - column as f64);
            down.hypot(across) <= reach
        };
        self.pointed += usize::from((0..lesion.len()).any(|k| lesion[k] && is_near(k)));
        let inside: f64 = map.iter().zip(lesion).filter(|(_, own)| **own).map(|(value, _)| value).sum();
        self.energy += inside / all * lesion.len() as f64 / area as f64;
    }
}

/// A picture with a map over it in red.
pub fn painted(picture: &Picture, map: &Array2<f64>) -> Picture {
    let mut painted = picture.clone();
    for (pixel, value) in painted.rgb.chunks_exact_mut(3).zip(map) {
        let share = 0.6 * value;
        for (channel, ink) in pixel.iter_mut().zip([255.0, 40.0, 0.0]) {
            *channel = ((1.0 - share) * f64::from(*channel) + share * ink).round() as u8;
        }
    }
    painted
}
