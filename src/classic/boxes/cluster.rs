//! Methods that average boxes: clusters and their means.

use super::{Candidate, Confidence, Corners, Detection, overlap};

/// Boxes of one thing, best first.
struct Cluster {
    /// The mean so far, with which further boxes are compared.
    mean: Corners,
    /// Sum of score times corners, of scores, of the boxes' weights.
    corners: Corners,
    scores: f64,
    weight: f64,
    /// The best box, which opened the cluster.
    best: Detection,
    count: usize,
    /// Which detectors are in it.
    models: Vec<usize>,
    /// Scores by label, where labels may differ.
    votes: Vec<(usize, f64)>,
}

impl Cluster {
    fn open(Candidate { found, model }: &Candidate, weight: f64) -> Self {
        Self {
            mean: found.corners,
            corners: found.corners.map(|edge| found.score * edge),
            scores: found.score,
            weight,
            best: *found,
            count: 1,
            models: vec![*model],
            votes: vec![(found.label, found.score)],
        }
    }

    fn join(&mut self, Candidate { found, model }: &Candidate, weight: f64) {
        (0..4).for_each(|k| self.corners[k] += found.score * found.corners[k]);
        self.scores += found.score;
        self.weight += weight;
        self.count += 1;
        if self.scores > 0.0 {
            self.mean = self.corners.map(|edge| edge / self.scores);
        }
        if !self.models.contains(model) {
            self.models.push(*model);
        }
        match self.votes.iter_mut().find(|(label, _)| *label == found.label) {
            Some((_, votes)) => *votes += found.score,
            None => self.votes.push((found.label, found.score)),
        }
    }

    fn fused(&self, confidence: Confidence, weights: &[f64]) -> Detection {
        let (count, models) = (self.count as f64, weights.len() as f64);
        let total: f64 = weights.iter().sum();
        let present: f64 = self.models.iter().map(|model| weights[*model]).sum();
        let mean = self.scores / count;
        let score = match confidence {
            Confidence::Average => mean * count.min(models) / total,
            Confidence::Overflowing => mean * count / total,
            Confidence::Highest => self.best.score / weights.iter().copied().fold(0.0, f64::max),
            Confidence::BoxAndModel => self.scores / self.weight * present / total,
            Confidence::AbsentModelAware => self.scores / (self.weight + total - present),
        };
        // Of equal votes the label that came first, with the best box.
        let vote = |best: (usize, f64), next: (usize, f64)| if next.1 > best.1 { next } else { best };
        let label = self.votes.iter().copied().reduce(vote).map_or(self.best.label, |(label, _)| label);
        Detection { corners: self.mean, score, label }
    }
}

/// Weighted boxes fusion of boxes sorted by score.
pub(super) fn weighted(
    candidates: &[Candidate],
    threshold: f64,
    confidence: Confidence,
    weights: &[f64],
    fused: &mut Vec<Detection>,
) {
    let mut clusters: Vec<Cluster> = Vec::new();
    for candidate in candidates {
        let means = clusters.iter().map(|cluster| &cluster.mean);
        match nearest(means, &candidate.found.corners, threshold) {
            Some(index) => clusters[index].join(candidate, weights[candidate.model]),
            None => clusters.push(Cluster::open(candidate, weights[candidate.model])),
        }
    }
    fused.extend(clusters.iter().map(|cluster| cluster.fused(confidence, weights)));
}

/// Non-maximum weighted of boxes sorted by score: each box is compared with the best box of a cluster, which overlaps
/// itself by 1.
pub(super) fn pulled(candidates: &[Candidate], threshold: f64, fused: &mut Vec<Detection>) {
    let mut clusters: Vec<(Detection, Corners, f64)> = Vec::new();
    for Candidate { found, .. } in candidates {
        let best = clusters.iter().map(|(best, ..)| &best.corners);
        let index = nearest(best, &found.corners, threshold).unwrap_or_else(|| {
            clusters.push((*found, [0.0; 4], 0.0));
            clusters.len() - 1
        });
        let (best, corners, total) = &mut clusters[index];
        let pull = found.score * overlap(&found.corners, &best.corners);
        (0..4).for_each(|k| corners[k] += pull * found.corners[k]);
        *total += pull;
    }
    fused.extend(clusters.into_iter().map(|(best, corners, total)| match total > 0.0 {
        true => Detection { corners: corners.map(|edge| edge / total), ..best },
        false => best,
    }));
}

/// Which of `boxes` overlaps `corners` most, the first of equal ones, if by more than the threshold.
fn nearest<'a>(boxes: impl Iterator<Item = &'a Corners>, corners: &Corners, threshold: f64) -> Option<usize> {
    let mut found = (None, threshold);
    for (index, other) in boxes.enumerate() {
        let iou = overlap(other, corners);
        if iou > found.1 {
            found = (Some(index), iou);
        }
    }
    found.0
}
