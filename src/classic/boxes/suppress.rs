//! Methods that choose among boxes and leave them where they are.

use super::{Candidate, Detection, overlap};

/// Keeps of boxes sorted by score each that overlaps no kept one by more than the threshold.
pub(super) fn hard(candidates: &[Candidate], threshold: f64, fused: &mut Vec<Detection>) {
    let first = fused.len();
    for Candidate { found, .. } in candidates {
        if fused[first..].iter().all(|kept| overlap(&kept.corners, &found.corners) <= threshold) {
            fused.push(*found);
        }
    }
}

/// Takes the best box and lowers the scores of the others by `decay` of their overlap with it, again and again.
pub(super) fn soft(candidates: &[Candidate], decay: impl Fn(f64) -> f64, lowest: f64, fused: &mut Vec<Detection>) {
    let mut rest: Vec<Detection> = candidates.iter().map(|candidate| candidate.found).collect();
    while !rest.is_empty() {
        let best = (1..rest.len()).fold(0, |best, next| if rest[next].score > rest[best].score { next } else { best });
        let best = rest.remove(best);
        rest.iter_mut().for_each(|other| other.score *= decay(overlap(&best.corners, &other.corners)));
        if best.score > lowest {
            fused.push(best);
        }
    }
}
