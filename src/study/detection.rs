//! How good a detector is: average precision in the manner of COCO and of Pascal VOC, and how alike the errors of two are.

use serde::{Deserialize, Serialize};

use crate::classic::boxes::{Corners, Detection, overlap};
use crate::study::stats;

/// A thing that is in a picture.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Truth {
    /// Where it is, as shares of the picture.
    pub corners: Corners,
    /// What it is.
    pub label: usize,
}

/// Rules of an evaluation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// COCO's (Lin et al. 2014, arXiv:1405.0312; pycocotools): a box takes the free thing it overlaps most; precision is
    /// read at 101 recalls; at most 100 boxes of a class and picture.
    Coco,
    /// Pascal VOC's from 2010 on (Everingham et al., VOC2012 development kit, section 3.4.1): a box is compared with
    /// the thing it overlaps most, and is wrong if that is taken; area under the monotone curve.
    Voc,
    /// Pascal VOC's of 2007: the same with precision read at 11 recalls.
    Voc11,
}

/// COCO's overlaps: 0.5, 0.55, … 0.95.
pub fn coco_overlaps() -> [f64; 10] {
    // Written as numpy's linspace forms them, so that a box exactly on a threshold falls on the same side.
    std::array::from_fn(|k| 0.5 + k as f64 * ((0.95 - 0.5) / 9.0))
}

/// Most boxes of a class and picture that COCO counts.
const MOST: usize = 100;

/// One class in one picture: boxes, best score first, and their overlaps with the things of the class.
struct Pair {
    scores: Vec<f64>,
    /// By box, then thing.
    overlaps: Vec<Vec<f64>>,
    things: usize,
}

impl Pair {
    fn new(found: &[Detection], truths: &[Truth], label: usize, most: usize) -> Self {
        let mut found: Vec<&Detection> = found.iter().filter(|found| found.label == label).collect();
        found.sort_by(|a, b| b.score.total_cmp(&a.score));
        found.truncate(most);
        let things: Vec<&Truth> = truths.iter().filter(|truth| truth.label == label).collect();
        let row = |found: &&Detection| things.iter().map(|thing| overlap(&found.corners, &thing.corners)).collect();
        Self {
            scores: found.iter().map(|found| found.score).collect(),
            overlaps: found.iter().map(row).collect(),
            things: things.len(),
        }
    }

    /// Whether each box is right when it must overlap by `least`.
    fn right(&self, least: f64, rule: Rule) -> Vec<bool> {
        let mut taken = vec![false; self.things];
        let decide = |overlaps: &Vec<f64>| {
            let open = |thing: &usize| rule != Rule::Coco || !taken[*thing];
            // Of equal overlaps COCO takes the last thing, VOC the first.
            let better = |best: usize, next: usize| match rule {
                Rule::Coco if overlaps[next] >= overlaps[best] => next,
                Rule::Coco => best,
                _ if overlaps[next] > overlaps[best] => next,
                _ => best,
            };
            let nearest = (0..self.things).filter(open).reduce(better).filter(|thing| overlaps[*thing] >= least);
            nearest.is_some_and(|thing| !std::mem::replace(&mut taken[thing], true))
        };
        self.overlaps.iter().map(decide).collect()
    }
}

/// Average precision of each class at each of `overlaps`, by class, then overlap; `None` for a class that is in no
/// picture. `found[i]` and `truths[i]` belong to picture i.
pub fn average_precision(
    found: &[Vec<Detection>],
    truths: &[Vec<Truth>],
    classes: usize,
    overlaps: &[f64],
    rule: Rule,
) -> Vec<Option<Vec<f64>>> {
    let most = if rule == Rule::Coco { MOST } else { usize::MAX };
    let class = |label: usize| {
        let pairs: Vec<Pair> = found.iter().zip(truths).map(|(f, t)| Pair::new(f, t, label, most)).collect();
        let things: usize = pairs.iter().map(|pair| pair.things).sum();
        let scores: Vec<f64> = pairs.iter().flat_map(|pair| &pair.scores).copied().collect();
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        let at = |least: &f64| {
            let right: Vec<bool> = pairs.iter().flat_map(|pair| pair.right(*least, rule)).collect();
            area(order.iter().map(|&index| right[index]), things, rule)
        };
        (things > 0).then(|| overlaps.iter().map(at).collect())
    };
    (0..classes).map(class).collect()
}

/// Area under the curve of precision over recall of boxes, best first.
fn area(right: impl Iterator<Item = bool>, things: usize, rule: Rule) -> f64 {
    let (mut hits, mut recalls, mut precisions) = (0, Vec::new(), Vec::new());
    for (index, right) in right.enumerate() {
        hits += usize::from(right);
        recalls.push(hits as f64 / things as f64);
        precisions.push(hits as f64 / (index + 1) as f64);
    }
    for index in (1..precisions.len()).rev() {
        precisions[index - 1] = precisions[index - 1].max(precisions[index]);
    }
    let read = |recall: f64| precisions.get(recalls.partition_point(|r| *r < recall)).copied().unwrap_or(0.0);
    let sampled =
        |steps: i32, recall: fn(i32) -> f64| (0..=steps).map(|k| read(recall(k))).sum::<f64>() / f64::from(steps + 1);
    match rule {
        // As numpy's linspace writes these recalls.
        Rule::Coco => sampled(100, |k| f64::from(k) * 0.01),
        Rule::Voc11 => sampled(10, |k| f64::from(k) / 10.0),
        Rule::Voc => {
            let before = std::iter::once(0.0).chain(recalls.iter().copied());
            recalls
                .iter()
                .zip(before)
                .zip(&precisions)
                .map(|((recall, last), precision)| (recall - last) * precision)
                .sum()
        }
    }
}

/// COCO's figures of one detector.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Mean over classes and over overlaps from 0.5 to 0.95 (mAP50-95).
    pub map: f64,
    /// Mean over classes at overlap 0.5.
    pub map50: f64,
    /// Mean over classes at overlap 0.75.
    pub map75: f64,
    /// By class, over overlaps from 0.5 to 0.95; `None` for a class that is in no picture.
    pub by_class: Vec<Option<f64>>,
}

impl Scores {
    /// Of boxes `found` in pictures that hold `truths`; all 0 where no picture holds anything.
    pub fn of(found: &[Vec<Detection>], truths: &[Vec<Truth>], classes: usize) -> Self {
        let precision = average_precision(found, truths, classes, &coco_overlaps(), Rule::Coco);
        let at = |k: usize| precision.iter().flatten().map(|class| class[k]).collect::<Vec<_>>();
        let by_class: Vec<Option<f64>> = precision.iter().map(|class| class.as_deref().and_then(stats::mean)).collect();
        let known: Vec<f64> = by_class.iter().flatten().copied().collect();
        let mean = |values: &[f64]| stats::mean(values).unwrap_or(0.0);
        Self { map: mean(&known), map50: mean(&at(0)), map75: mean(&at(5)), by_class }
    }

    /// Mean over some classes, of those that are in some picture.
    pub fn over(&self, classes: &[usize]) -> Option<f64> {
        let known: Vec<f64> = classes.iter().filter_map(|class| self.by_class[*class]).collect();
        stats::mean(&known)
    }
}

/// For each thing of each picture whether it is recognised: whether of the boxes that overlap it by at least a half the one
/// with the best score names it rightly.
pub fn recognised(found: &[Vec<Detection>], truths: &[Vec<Truth>]) -> Vec<bool> {
    let pairs = found.iter().zip(truths).flat_map(|(found, truths)| truths.iter().map(move |truth| (found, truth)));
    pairs
        .map(|(found, truth)| {
            let near = found.iter().filter(|found| overlap(&found.corners, &truth.corners) >= 0.5);
            let best = near.reduce(|best, next| if next.score > best.score { next } else { best });
            best.is_some_and(|best| best.label == truth.label)
        })
        .collect()
}

/// Correlation of two detectors' errors over the same things (Pearson's, of 0 and 1), in -1..=1; `None` where one of them
/// errs always or never.
pub fn error_correlation(first: &[bool], second: &[bool]) -> Option<f64> {
    let share = |rights: &mut dyn Iterator<Item = bool>| {
        rights.filter(|right| *right).count() as f64 / first.len().max(1) as f64
    };
    let (a, b) = (share(&mut first.iter().copied()), share(&mut second.iter().copied()));
    let both = share(&mut first.iter().zip(second).map(|(a, b)| *a && *b));
    let spread = (a * (1.0 - a) * b * (1.0 - b)).sqrt();
    (spread > 0.0).then(|| (both - a * b) / spread)
}
