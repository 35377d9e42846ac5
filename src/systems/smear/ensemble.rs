//! Boxes of several detectors made into one list, with weights and thresholds chosen on validation fields.

use crate::classic::boxes::{Detection, Fusion};
use crate::study::detection::{Scores, Truth};

/// Thresholds and weights that are tried.
const OVERLAPS: [f64; 5] = [0.4, 0.5, 0.55, 0.6, 0.7];
const WEIGHTS: [f64; 4] = [0.5, 1.0, 2.0, 3.0];

/// Boxes by field: those of each detector fused. `members[k][field]` are detector k's.
pub fn fused(fusion: &Fusion, members: &[&[Vec<Detection>]]) -> Vec<Vec<Detection>> {
    let fields = members.first().map_or(0, |member| member.len());
    let of = |field: usize| members.iter().map(|member| member[field].clone()).collect::<Vec<_>>();
    (0..fields).map(|field| fusion.fuse(&of(field))).collect()
}

/// The threshold, then the weight of one detector after the other, that serve `truths` best; the first of equal ones.
pub fn tuned(start: &Fusion, members: &[&[Vec<Detection>]], truths: &[Vec<Truth>], classes: usize) -> Fusion {
    let judge = |fusion: &Fusion| Scores::of(&fused(fusion, members), truths, classes).map;
    let mut best = Fusion { weights: vec![1.0; members.len()], ..start.clone() };
    let mut reached = judge(&best);
    let mut candidate = |best: &mut Fusion, other: Fusion| {
        let score = judge(&other);
        if score > reached {
            (*best, reached) = (other, score);
        }
    };
    for overlap in OVERLAPS {
        let other = Fusion { overlap, ..best.clone() };
        candidate(&mut best, other);
    }
    for member in 0..members.len() {
        for weight in WEIGHTS {
            let mut other = best.clone();
            other.weights[member] = weight;
            candidate(&mut best, other);
        }
    }
    best
}
