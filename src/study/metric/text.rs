//! How near written texts are to their references, over words by number: BLEU and ROUGE-L.

use std::collections::HashMap;

/// Longest n-grams of BLEU.
const ORDERS: usize = 4;

/// Corpus BLEU-4 in 0..=1 (Papineni et al. 2002), one reference for each candidate.
///
/// An order without matches counts as half a match, the next such order as a quarter, and so on: sacrebleu's default
/// smoothing ("exp"). Without any match, or without n-grams of some order, it is 0.
///
/// ```
/// use qgraft::study::metric::text::bleu;
/// assert_eq!(bleu(&[vec![1, 2, 3, 4, 5]], &[vec![1, 2, 3, 4, 5]]), 1.0);
/// ```
pub fn bleu(candidates: &[Vec<u32>], references: &[Vec<u32>]) -> f64 {
    let (mut matches, mut totals) = ([0usize; ORDERS], [0usize; ORDERS]);
    for (candidate, reference) in candidates.iter().zip(references) {
        for order in 1..=ORDERS {
            let mut left: HashMap<&[u32], usize> = HashMap::new();
            reference.windows(order).for_each(|gram| *left.entry(gram).or_default() += 1);
            for gram in candidate.windows(order) {
                totals[order - 1] += 1;
                if let Some(count) = left.get_mut(gram).filter(|count| **count > 0) {
                    *count -= 1;
                    matches[order - 1] += 1;
                }
            }
        }
    }
    if matches.iter().all(|count| *count == 0) || totals.contains(&0) {
        return 0.0;
    }
    let (mut halves, mut logarithms) = (1.0, 0.0);
    for (&matched, &total) in matches.iter().zip(&totals) {
        let count = if matched == 0 {
            halves /= 2.0;
            halves
        } else {
            matched as f64
        };
        logarithms += (count / total as f64).ln();
    }
    let length = |texts: &[Vec<u32>]| texts.iter().map(Vec::len).sum::<usize>() as f64;
    let brevity = (1.0 - length(references) / length(candidates)).min(0.0);
    (brevity + logarithms / ORDERS as f64).exp()
}

/// Mean over texts of 2 LCS / (words of both), in 0..=1: ROUGE-L in its F1 form (Lin 2004). LCS is the length of the longest
/// common subsequence; of two empty texts the figure is 0.
pub fn rouge_l(candidates: &[Vec<u32>], references: &[Vec<u32>]) -> f64 {
    let one = |(candidate, reference): (&Vec<u32>, &Vec<u32>)| {
        let words = candidate.len() + reference.len();
        if words == 0 { 0.0 } else { 2.0 * longest_common(candidate, reference) as f64 / words as f64 }
    };
    candidates.iter().zip(references).map(one).sum::<f64>() / candidates.len().max(1) as f64
}

/// Length of the longest common subsequence.
fn longest_common(a: &[u32], b: &[u32]) -> usize {
    let mut lengths = vec![0; b.len() + 1];
    for x in a {
        let mut diagonal = 0;
        for (k, y) in b.iter().enumerate() {
            let above = lengths[k + 1];
            lengths[k + 1] = if x == y { diagonal + 1 } else { above.max(lengths[k]) };
            diagonal = above;
        }
    }
    lengths[b.len()]
}
