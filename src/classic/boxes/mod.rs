//! Boxes around things in pictures, and the fusion of the boxes of several detectors.
//!
//! Corners are (left, top, right, bottom) as shares of the picture's width and height, so that the picture is 0..=1 both
//! ways. [`FUSIONS`] are the ways to fuse. A [`Fusion`] is one of them with its thresholds and weights.

mod cluster;
mod suppress;

use serde::{Deserialize, Serialize};

/// Left, top, right, bottom, as shares of the picture.
pub type Corners = [f64; 4];

/// A box that a detector found.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Detection {
    /// Where it is.
    pub corners: Corners,
    /// Confidence of the detector, at least 0.
    pub score: f64,
    /// Predicted class.
    pub label: usize,
}

/// Area of the intersection over that of the union (IoU), in 0..=1.
///
/// ```
/// use qgraft::classic::boxes::overlap;
/// // Equal squares of edge s, moved by d along an edge: (s - d) / (s + d).
/// assert!((overlap(&[0.0, 0.0, 0.3, 0.3], &[0.1, 0.0, 0.4, 0.3]) - 0.5).abs() < 1e-12);
/// ```
pub fn overlap(a: &Corners, b: &Corners) -> f64 {
    let width = (a[2].min(b[2]) - a[0].max(b[0])).max(0.0);
    let height = (a[3].min(b[3]) - a[1].max(b[1])).max(0.0);
    let shared = width * height;
    if shared > 0.0 { shared / (area(a) + area(b) - shared) } else { 0.0 }
}

/// Width times height.
pub fn area(corners: &Corners) -> f64 {
    (corners[2] - corners[0]) * (corners[3] - corners[1])
}

/// The box with its corners in order and inside the picture; `None` if nothing is left of it.
pub fn inside(corners: Corners) -> Option<Corners> {
    let [left, top, right, bottom] = corners.map(|edge| edge.clamp(0.0, 1.0));
    let ordered = [left.min(right), top.min(bottom), left.max(right), top.max(bottom)];
    (area(&ordered) > 0.0).then_some(ordered)
}

/// What the score of a fused box is made of (Solovyev et al. 2021, arXiv:1910.13302, section 3, and its package
/// ensemble-boxes). T: detectors, n: boxes in the cluster, w: weights of detectors, W: their sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Mean score times min(T, n) / W.
    #[default]
    Average,
    /// Mean score times n / W: a cluster with several boxes of one detector may exceed 1.
    Overflowing,
    /// Highest score / largest w.
    Highest,
    /// Mean of the unweighted scores times the share of W that is in the cluster.
    BoxAndModel,
    /// Sum of scores over the sum of w of the cluster's boxes and of the detectors that are not in it.
    AbsentModelAware,
}

/// How boxes become fewer.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "snake_case")]
pub enum Method {
    /// Weighted boxes fusion (arXiv:1910.13302): each cluster becomes the mean of its boxes, weighted by score.
    Weighted {
        /// What scores become.
        confidence: Confidence,
        /// Clusters boxes of different labels. The label with the largest sum of scores wins. The published method
        /// keeps labels apart.
        across_labels: bool,
    },
    /// Keeps the best box and drops those that overlap it.
    Suppress,
    /// Soft suppression, linear (Bodla et al. 2017, arXiv:1704.04503, eq. 3): a score is multiplied by 1 - IoU where
    /// that is above the threshold.
    SoftenLinear,
    /// Soft suppression, Gaussian (the same, eq. 4): a score is multiplied by exp(-IoU²/σ).
    SoftenGaussian {
        /// σ.
        sigma: f64,
    },
    /// Non-maximum weighted (Zhou et al. 2017, "CAD: Scale Invariant Framework for Real-Time Object Detection"): each
    /// box that overlaps the best one pulls at it by score times IoU; the best one's score stays.
    NonMaximumWeighted,
}

/// A way to fuse by name.
#[derive(Debug)]
pub struct FusionRow {
    /// Name on the command line.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// With its usual constants.
    pub method: Method,
}

const fn weighted(across_labels: bool) -> Method {
    Method::Weighted { confidence: Confidence::Average, across_labels }
}

/// Every way to fuse.
pub static FUSIONS: &[FusionRow] = &[
    FusionRow { name: "wbf", doc: "weighted boxes fusion: score-weighted means of clusters", method: weighted(false) },
    FusionRow { name: "wbf_vote", doc: "the same across labels, with a vote on the label", method: weighted(true) },
    FusionRow { name: "nms", doc: "non-maximum suppression", method: Method::Suppress },
    FusionRow { name: "soft_nms_linear", doc: "soft suppression by 1 - IoU", method: Method::SoftenLinear },
    FusionRow {
        name: "soft_nms",
        doc: "soft suppression by exp(-IoU²/σ), σ = 0.5",
        method: Method::SoftenGaussian { sigma: 0.5 },
    },
    FusionRow {
        name: "nmw",
        doc: "non-maximum weighted: boxes pull at the best one",
        method: Method::NonMaximumWeighted,
    },
];

/// A way to fuse with its thresholds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fusion {
    /// How.
    pub method: Method,
    /// Boxes that overlap by more than this are of one thing, in 0..=1.
    pub overlap: f64,
    /// Boxes with a lower score are left out; for soft suppression, those whose score has become this or lower.
    pub lowest: f64,
    /// How much each detector counts, at least 0; without any all count alike. Suppression multiplies scores by a
    /// detector's share of all weights.
    pub weights: Vec<f64>,
}

impl Fusion {
    /// With the threshold 0.55 of the package, no lowest score, and equal weights.
    pub fn new(method: Method) -> Self {
        Self { method, overlap: 0.55, lowest: 0.0, weights: Vec::new() }
    }

    /// One list of boxes from those of several detectors of one picture, best score first. Boxes are put in order and
    /// cut to the picture; those without area, or whose score is not finite or below 0, are left out. Of equal scores the earlier
    /// one counts as better.
    ///
    /// A detector without a weight counts as 1. Where all weights are 0, no detector counts, and there are no boxes.
    pub fn fuse(&self, detectors: &[Vec<Detection>]) -> Vec<Detection> {
        let weight = |model: usize| self.weights.get(model).copied().unwrap_or(1.0);
        let weights: Vec<f64> = (0..detectors.len()).map(weight).collect();
        let total: f64 = weights.iter().sum();
        if total == 0.0 {
            return Vec::new();
        }
        let largest = weights.iter().copied().fold(0.0, f64::max);
        let soft = matches!(self.method, Method::SoftenLinear | Method::SoftenGaussian { .. });
        let factor = |model: usize| match self.method {
            Method::Weighted { .. } => weights[model],
            Method::NonMaximumWeighted => weights[model] / largest,
            _ if self.weights.is_empty() => 1.0,
            _ => weights[model] / total,
        };
        let mut candidates = Vec::new();
        for (model, found) in detectors.iter().enumerate() {
            let factor = factor(model);
            let kept = found.iter().filter(|found| soft || found.score >= self.lowest);
            candidates.extend(kept.filter_map(|found| {
                let score = found.score * factor;
                let corners = inside(found.corners).filter(|_| score.is_finite() && score >= 0.0)?;
                Some(Candidate { found: Detection { corners, score, ..*found }, model })
            }));
        }
        let together = matches!(self.method, Method::Weighted { across_labels: true, .. });
        let group = |candidate: &Candidate| if together { 0 } else { candidate.found.label };
        candidates.sort_by(|a, b| group(a).cmp(&group(b)).then_with(|| b.found.score.total_cmp(&a.found.score)));
        let mut fused = Vec::new();
        for candidates in candidates.chunk_by(|a, b| group(a) == group(b)) {
            match self.method {
                Method::Weighted { confidence, .. } => {
                    cluster::weighted(candidates, self.overlap, confidence, &weights, &mut fused);
                }
                Method::NonMaximumWeighted => cluster::pulled(candidates, self.overlap, &mut fused),
                Method::Suppress => suppress::hard(candidates, self.overlap, &mut fused),
                Method::SoftenLinear => {
                    let decay = |iou: f64| if iou > self.overlap { 1.0 - iou } else { 1.0 };
                    suppress::soft(candidates, decay, self.lowest, &mut fused);
                }
                Method::SoftenGaussian { sigma } => {
                    suppress::soft(candidates, |iou| (-iou * iou / sigma).exp(), self.lowest, &mut fused);
                }
            }
        }
        fused.sort_by(|a, b| b.score.total_cmp(&a.score));
        fused
    }
}

/// A box with the detector it is from.
#[derive(Clone, Copy)]
struct Candidate {
    found: Detection,
    model: usize,
}
