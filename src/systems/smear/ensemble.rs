//! Ensembles: boxes of several detectors fused, with weights and a threshold chosen on validation fields or without.

use crate::classic::boxes::{Detection, FUSIONS, Fusion, FusionRow};
use crate::study::detection::{Scores, Truth};

/// Thresholds and weights that are tried.
const OVERLAPS: [f64; 5] = [0.4, 0.5, 0.55, 0.6, 0.7];
const WEIGHTS: [f64; 4] = [0.5, 1.0, 2.0, 3.0];

/// The level of the single detectors, which ensembles are compared with.
pub const BEST_MEMBER: (&str, &str) =
    ("best_member", "the highest score among the members, for each metric on its own");

/// How the boxes of several detectors become one list.
#[derive(Clone, Copy, Debug)]
pub enum Ensemble {
    /// The best member instead of an ensemble.
    BestMember,
    /// Fused with equal weights.
    Equal(&'static FusionRow),
    /// Weighted boxes fusion with the weights and the threshold that are best on validation fields.
    Tuned,
}

/// Name, one line, and ensemble: every level of the factor `ensemble`, the baseline first.
pub fn ensembles() -> Vec<(&'static str, &'static str, Ensemble)> {
    let (name, doc) = BEST_MEMBER;
    let mut rows = vec![(name, doc, Ensemble::BestMember)];
    rows.extend(FUSIONS.iter().map(|row| (row.name, row.doc, Ensemble::Equal(row))));
    rows.push(("wbf_tuned", "wbf with weights and threshold chosen on validation fields", Ensemble::Tuned));
    rows
}

/// Weighted boxes fusion with equal weights.
pub fn weighted_boxes_fusion() -> Fusion {
    Fusion::new(FUSIONS[0].method)
}

/// Boxes by field, those of all detectors fused. `members[k][field]` are the boxes of detector k.
pub fn fuse_fields(fusion: &Fusion, members: &[&[Vec<Detection>]]) -> Vec<Vec<Detection>> {
    let fields = members.first().map_or(0, |member| member.len());
    let of = |field: usize| members.iter().map(|member| member[field].clone()).collect::<Vec<_>>();
    (0..fields).map(|field| fusion.fuse(&of(field))).collect()
}

/// The fusion with the highest mAP50-95 against `truths`: the threshold is chosen first, then the weight of one detector
/// after the other; the first of equal ones.
pub fn tune(start: &Fusion, members: &[&[Vec<Detection>]], truths: &[Vec<Truth>], classes: usize) -> Fusion {
    let score = |fusion: &Fusion| Scores::of(&fuse_fields(fusion, members), truths, classes).map;
    let mut best = Fusion { weights: vec![1.0; members.len()], ..start.clone() };
    let mut highest = score(&best);
    let mut compare = |best: &mut Fusion, candidate: Fusion| {
        let score = score(&candidate);
        if score > highest {
            (*best, highest) = (candidate, score);
        }
    };
    for overlap in OVERLAPS {
        let candidate = Fusion { overlap, ..best.clone() };
        compare(&mut best, candidate);
    }
    for member in 0..members.len() {
        for weight in WEIGHTS {
            let mut candidate = best.clone();
            candidate.weights[member] = weight;
            compare(&mut best, candidate);
        }
    }
    best
}

/// Relative gain over the best member, as a share; 0 where that scores 0.
pub fn gain(own: f64, best: f64) -> f64 {
    if best > 0.0 { own / best - 1.0 } else { 0.0 }
}
