//! Parts of a measurement that order configurations as the whole does: MFTune's greedy choice of queries.

use crate::math::correlation::spearman;

/// Times of one task, by configuration and part, all of them known, and what the task weighs.
pub type Measured<'a> = (f64, &'a [Vec<f64>]);

/// Configurations of a task from which on it has a say.
pub const LEAST_ROWS: usize = 3;

/// What share of the whole each part takes: Σ_k w_k · mean time of the part in task k over the same sum of all parts.
pub fn part_shares(tasks: &[Measured<'_>], parts: usize) -> Vec<f64> {
    let mean = |rows: &[Vec<f64>], part: usize| rows.iter().map(|row| row[part]).sum::<f64>() / rows.len() as f64;
    let known = || tasks.iter().filter(|(_, rows)| !rows.is_empty());
    let mut sums: Vec<f64> =
        (0..parts).map(|part| known().map(|(weight, rows)| weight * mean(rows, part)).sum()).collect();
    let total: f64 = sums.iter().sum();
    sums.iter_mut().for_each(|sum| *sum = if total > 0.0 { *sum / total } else { 1.0 / parts as f64 });
    sums
}

/// Chooses parts that together take at most `share` of the whole, with 5 % to spare: always the one that raises
/// Σ_k w_k · Spearman's correlation of the parts' sum with the whole, over the configurations of task k, the most. A negative
/// correlation counts as such. Parts of `fixed` are taken first and cost nothing more; parts of `excluded` are not taken. All
/// parts, if no task has three configurations.
pub fn greedy_subset(
    tasks: &[Measured<'_>],
    parts: usize,
    share: f64,
    fixed: &[usize],
    excluded: &[usize],
) -> Vec<usize> {
    let tasks: Vec<&Measured<'_>> =
        tasks.iter().filter(|(weight, rows)| *weight > 0.0 && rows.len() >= LEAST_ROWS).collect();
    if tasks.is_empty() || share >= 1.0 {
        return (0..parts).collect();
    }
    let own: Vec<Measured<'_>> = tasks.iter().map(|&&task| task).collect();
    let shares = part_shares(&own, parts);
    let whole: Vec<Vec<f64>> =
        tasks.iter().map(|(_, rows)| rows.iter().map(|row| row.iter().sum()).collect()).collect();
    let mut sums: Vec<Vec<f64>> = tasks
        .iter()
        .map(|(_, rows)| rows.iter().map(|row| fixed.iter().map(|&part| row[part]).sum()).collect())
        .collect();
    let mut chosen = fixed.to_vec();
    let mut taken: f64 = fixed.iter().map(|&part| shares[part]).sum();
    let score = |sums: &[Vec<f64>], part: usize| -> f64 {
        let one = |((task, sum), whole): ((&&Measured<'_>, &Vec<f64>), &Vec<f64>)| {
            let with: Vec<f64> = sum.iter().zip(task.1).map(|(sum, row)| sum + row[part]).collect();
            task.0 * spearman(&with, whole).unwrap_or(0.0)
        };
        tasks.iter().zip(sums).zip(&whole).map(one).sum()
    };
    loop {
        let fits =
            |part: &usize| !chosen.contains(part) && !excluded.contains(part) && taken + shares[*part] <= share * 1.05;
        let scored = (0..parts).filter(fits).map(|part| (score(&sums, part), part));
        let Some((_, best)) = scored.reduce(|best, next| if next.0 > best.0 { next } else { best }) else { break };
        for ((_, rows), sum) in tasks.iter().zip(&mut sums) {
            sum.iter_mut().zip(*rows).for_each(|(sum, row)| *sum += row[best]);
        }
        taken += shares[best];
        chosen.push(best);
    }
    if chosen.is_empty() {
        // Every part alone takes more than the share: the cheapest one that may be taken.
        let free = (0..parts).filter(|part| !excluded.contains(part));
        chosen.extend(free.min_by(|a, b| shares[*a].total_cmp(&shares[*b])));
    }
    chosen.sort_unstable();
    chosen
}
