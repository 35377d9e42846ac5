//! Brackets of Hyperband (Li et al. 2018, arXiv:1603.06560) in MFTune's flattened order.

/// A group of configurations of which ever fewer are measured ever more closely: how many, and at which level.
pub type Bracket = Vec<(usize, usize)>;

/// The shares of a full measurement: 1/η^(levels−1), …, 1/η, 1.
pub fn shares(eta: usize, levels: usize) -> Vec<f64> {
    (0..levels).rev().map(|power| 1.0 / (eta as f64).powi(power as i32)).collect()
}

/// Hyperband's bracket that starts `s` levels below the full one: n = ⌈levels/(s+1) · ηˢ⌉ configurations, of which ⌊n/η⌋ go on.
pub fn bracket(eta: usize, levels: usize, s: usize) -> Bracket {
    let power = eta.pow(s as u32);
    let mut count = (levels * power).div_ceil(s + 1);
    let mut found = Vec::new();
    for level in levels - 1 - s..levels {
        found.push((count.max(1), level));
        count /= eta;
    }
    found
}

/// One cycle: the brackets that start below the full level, the lowest first, then the single full measurements of the last one.
pub fn cycle(eta: usize, levels: usize) -> Vec<Bracket> {
    let mut found: Vec<Bracket> = (1..levels).rev().map(|s| bracket(eta, levels, s)).collect();
    let (count, level) = bracket(eta, levels, 0)[0];
    found.extend((0..count).map(|_| vec![(1, level)]));
    found
}
