//! Whether decisions depend on the group.

/// Shares of decisions for each class, (groups, classes), for the groups that have rows.
fn shares(decisions: &[usize], groups: &[usize], classes: usize, keep: impl Fn(usize) -> bool) -> Vec<Vec<f64>> {
    let count = groups.iter().max().map_or(0, |last| last + 1);
    let mut counts = vec![vec![0usize; classes]; count];
    for row in (0..decisions.len()).filter(|&row| keep(row)) {
        counts[groups[row]][decisions[row]] += 1;
    }
    let of = |own: &Vec<usize>| {
        let all: usize = own.iter().sum();
        (all > 0).then(|| own.iter().map(|count| *count as f64 / all as f64).collect())
    };
    counts.iter().filter_map(of).collect()
}

/// The largest difference over classes and pairs of groups.
fn gap(shares: &[Vec<f64>], class: usize) -> f64 {
    let of = |pick: fn(f64, f64) -> f64, start: f64| shares.iter().map(|own| own[class]).fold(start, pick);
    if shares.len() < 2 { 0.0 } else { of(f64::max, f64::MIN) - of(f64::min, f64::MAX) }
}

/// max over classes c and pairs of groups of |P(decision = c | a) - P(decision = c | b)|, 0 to 1: the demographic-parity difference.
/// With two classes it is fairlearn's `demographic_parity_difference`. 0 with one group.
///
/// ```
/// use qgraft::study::fairness::demographic_parity_difference;
/// // Group 0 is decided 1 in one of two cases, group 1 in both.
/// assert_eq!(demographic_parity_difference(&[0, 1, 1, 1], &[0, 0, 1, 1], 2), 0.5);
/// ```
pub fn demographic_parity_difference(decisions: &[usize], groups: &[usize], classes: usize) -> f64 {
    let all = shares(decisions, groups, classes, |_| true);
    (0..classes).map(|class| gap(&all, class)).fold(0.0, f64::max)
}

/// The same among rows of one true class, each class against the rest: the largest difference of true-positive or of
/// false-positive rates, 0 to 1. With two classes it is fairlearn's `equalized_odds_difference`.
pub fn equalized_odds_difference(decisions: &[usize], labels: &[usize], groups: &[usize], classes: usize) -> f64 {
    let mut most = 0.0f64;
    for class in 0..classes {
        for is_class in [true, false] {
            let own = shares(decisions, groups, classes, |row| (labels[row] == class) == is_class);
            most = most.max(gap(&own, class));
        }
    }
    most
}
