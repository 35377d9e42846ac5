//! The likelihood of a column under F81 (Felsenstein 1981), by pruning.
//!
//! A base a becomes b ≠ a at the rate Λ π_b. Over a branch of length t the probability is
//! P(a, b) = e^{-Λt} [a = b] + (1 - e^{-Λt}) π_b, so the message of a child with partial likelihoods L is
//! m(a) = e^{-Λt} L(a) + (1 - e^{-Λt}) Σ_b π_b L(b): no matrix is needed. Partial likelihoods are divided by their
//! largest where they become small, and the logarithms are added up; the divisors cancel in the gradient.

use crate::classic::phylogeny::{MINIMUM_LENGTH, MISSING, Tree};

/// Partial likelihoods are scaled up when their largest is below this. A single message stays far above the smallest number.
const SMALL: f64 = 1e-60;

/// Substitution parameters of one site.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Site {
    /// π: stationary frequencies of A, C, G, T, with the sum 1.
    pub frequencies: [f64; 4],
    /// log Λ: logarithm of the rate. At rate Λ a site has Λ (1 - Σ π²) substitutions per unit of length.
    pub log_rate: f64,
}

impl Site {
    /// The site whose base a becomes b ≠ a at the rate exp θ_b (the parameters that the network puts out).
    pub fn from_theta(theta: [f64; 4]) -> Self {
        let largest = theta.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let powers = theta.map(|t| (t - largest).exp());
        let sum: f64 = powers.iter().sum();
        Self { frequencies: powers.map(|p| p / sum), log_rate: largest + sum.ln() }
    }

    /// The same frequencies with one substitution per unit of length, as iqtree, phyml and pyvolve scale F81.
    pub fn normalized(frequencies: [f64; 4]) -> Self {
        let kept: f64 = frequencies.iter().map(|p| p * p).sum();
        Self { frequencies, log_rate: -(1.0 - kept).ln() }
    }

    /// Probability of each base after a branch of length `length` that starts with `base`.
    pub fn transition(&self, base: u8, length: f64) -> [f64; 4] {
        let stay = (-length.max(MINIMUM_LENGTH) * self.log_rate.exp()).exp();
        let mut chances = self.frequencies.map(|p| (1.0 - stay) * p);
        if let Some(own) = chances.get_mut(base as usize) {
            *own += stay;
        }
        chances
    }
}

/// Derivatives of a log-likelihood.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Gradient {
    /// In each of the frequencies, as if they were free; a change of frequencies sums to 0.
    pub frequencies: [f64; 4],
    /// In log Λ.
    pub log_rate: f64,
}

impl Gradient {
    /// The derivatives in θ at a site of [`Site::from_theta`].
    pub fn in_theta(&self, site: &Site) -> [f64; 4] {
        let mean: f64 = (0..4).map(|b| site.frequencies[b] * self.frequencies[b]).sum();
        std::array::from_fn(|b| site.frequencies[b] * (self.log_rate + self.frequencies[b] - mean))
    }
}

/// A tree prepared for many columns.
#[derive(Clone, Debug)]
pub struct F81 {
    /// Children before parents, the root last.
    branches: Vec<Branch>,
    leaves: usize,
}

#[derive(Clone, Copy, Debug)]
struct Branch {
    parent: usize,
    length: f64,
    /// Which base of the column.
    leaf: Option<usize>,
}

/// Buffers that are used again from column to column.
#[derive(Clone, Debug, Default)]
pub struct Work {
    /// Products of the messages so far, by node.
    partial: Vec<[f64; 4]>,
    /// The message of each node to its parent.
    message: Vec<[f64; 4]>,
    /// Whether anything below a node is known.
    known: Vec<bool>,
    /// e^{-Λt} and 1 - e^{-Λt} of the branch above each node.
    decay: Vec<(f64, f64)>,
    /// Derivatives in the partial likelihoods.
    outer: Vec<[f64; 4]>,
    /// The parent's product before and after each node, and what it was scaled by there.
    before: Vec<[f64; 4]>,
    after: Vec<[f64; 4]>,
    factor: Vec<f64>,
}

impl F81 {
    /// For columns in the order of the leaves of `tree`. Branches shorter than [`MINIMUM_LENGTH`] count as that long.
    pub fn new(tree: &Tree) -> Self {
        let mut leaves = 0;
        let branches = tree.nodes.iter().map(|node| {
            let leaf = node.is_leaf.then_some(leaves);
            leaves += usize::from(node.is_leaf);
            Branch { parent: node.parent.unwrap_or(usize::MAX), length: node.length.max(MINIMUM_LENGTH), leaf }
        });
        let branches: Vec<Branch> = branches.collect();
        Self { branches, leaves }
    }

    /// Number of leaves: the length of a column.
    pub fn leaves(&self) -> usize {
        self.leaves
    }

    /// log P(column). A column whose bases are all missing has the probability 1.
    ///
    /// # Panics
    /// If the column has another length than the tree has leaves.
    pub fn log_likelihood(&self, site: &Site, column: &[u8], work: &mut Work) -> f64 {
        self.upward(site, column, work)
    }

    /// log P(column) and its derivatives.
    ///
    /// # Panics
    /// As [`F81::log_likelihood`].
    pub fn gradient(&self, site: &Site, column: &[u8], work: &mut Work) -> (f64, Gradient) {
        let value = self.upward(site, column, work);
        let Work { partial, message, known, decay, outer, before, after, factor } = work;
        let pi = &site.frequencies;
        let root = self.branches.len() - 1;
        let mut found = Gradient::default();
        if !known[root] {
            return (value, found);
        }
        let total: f64 = (0..4).map(|a| pi[a] * partial[root][a]).sum();
        for (buffer, value) in [(&mut *outer, 0.0), (&mut *after, 1.0)] {
            buffer.clear();
            buffer.resize(self.branches.len(), [value; 4]);
        }
        for a in 0..4 {
            outer[root][a] = pi[a] / total;
            found.frequencies[a] += partial[root][a] / total;
        }
        // The derivative in a message is that in the parent's product times the other factors: what came before it is in
        // `before`, what comes after it is gathered on the way down.
        let rate = site.log_rate.exp();
        for node in (0..root).rev().filter(|&node| known[node]) {
            let Branch { parent, length, .. } = self.branches[node];
            let (stay, change) = decay[node];
            let own: [f64; 4] =
                std::array::from_fn(|a| outer[parent][a] * before[node][a] * factor[node] * after[parent][a]);
            let sum: f64 = own.iter().sum();
            let mixed: f64 = (0..4).map(|b| pi[b] * partial[node][b]).sum();
            let mut in_decay = 0.0;
            for b in 0..4 {
                outer[node][b] = stay * own[b] + change * pi[b] * sum;
                found.frequencies[b] += change * partial[node][b] * sum;
                in_decay += own[b] * (mixed - partial[node][b]);
                after[parent][b] *= message[node][b] * factor[node];
            }
            if stay > 0.0 {
                found.log_rate += in_decay * stay * length * rate;
            }
        }
        (value, found)
    }

    fn upward(&self, site: &Site, column: &[u8], work: &mut Work) -> f64 {
        assert_eq!(column.len(), self.leaves, "a column has one base for each leaf");
        let Work { partial, message, known, decay, before, factor, .. } = work;
        let count = self.branches.len();
        for (buffer, value) in [(&mut *partial, 1.0), (&mut *message, 1.0), (&mut *before, 1.0)] {
            buffer.clear();
            buffer.resize(count, [value; 4]);
        }
        known.clear();
        known.resize(count, false);
        decay.clear();
        decay.resize(count, (0.0, 0.0));
        factor.clear();
        factor.resize(count, 1.0);
        let (pi, rate) = (&site.frequencies, site.log_rate.exp());
        let mut scaled = 0.0;
        for node in 0..count {
            let Branch { parent, length, leaf } = self.branches[node];
            if let Some(&base) = leaf.and_then(|leaf| column.get(leaf)).filter(|base| **base < MISSING) {
                partial[node] = [0.0; 4];
                partial[node][base as usize] = 1.0;
                known[node] = true;
            }
            // Nothing below is known: the message is 1 for every base.
            if !known[node] {
                continue;
            }
            if parent == usize::MAX {
                break;
            }
            let exponent = length * rate;
            let (stay, change) = ((-exponent).exp(), -(-exponent).exp_m1());
            decay[node] = (stay, change);
            let mixed: f64 = change * (0..4).map(|b| pi[b] * partial[node][b]).sum::<f64>();
            for a in 0..4 {
                message[node][a] = stay * partial[node][a] + mixed;
            }
            before[node] = partial[parent];
            for a in 0..4 {
                partial[parent][a] *= message[node][a];
            }
            let largest = partial[parent].iter().copied().fold(0.0, f64::max);
            if largest < SMALL && largest > 0.0 {
                factor[node] = largest.recip();
                partial[parent].iter_mut().for_each(|p| *p /= largest);
                scaled += largest.ln();
            }
            known[parent] = true;
        }
        let root = count - 1;
        if !known[root] {
            return 0.0;
        }
        let total: f64 = (0..4).map(|a| pi[a] * partial[root][a]).sum();
        total.ln() + scaled
    }
}
