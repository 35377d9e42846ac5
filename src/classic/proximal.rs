//! Minima of a smooth convex function plus an l1 penalty.

/// Where the l1 norm is measured from, how much it costs, and which solutions are allowed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct L1 {
    /// Factor on the sum of absolute values.
    pub penalty: f64,
    /// Whether only solutions without negative entries are allowed.
    pub is_nonnegative: bool,
    /// Iterations at most.
    pub iterations: usize,
    /// The change of an iteration, relative to the size of its step, at which it ends.
    pub tolerance: f64,
}

impl L1 {
    /// A penalty without further limits.
    pub const fn new(penalty: f64) -> Self {
        Self { penalty, is_nonnegative: false, iterations: 5_000, tolerance: 1e-10 }
    }

    /// The x that minimises `smooth(x) + penalty · Σ|x_k|`, from `start`. `smooth` returns the value at its first argument and
    /// writes the gradient into its second. Accelerated proximal gradient with backtracking (FISTA, Beck and Teboulle 2009,
    /// doi 10.1137/080716542) and restarts where the momentum points upwards (O'Donoghue and Candès 2015,
    /// doi 10.1007/s10208-013-9150-3).
    ///
    /// ```
    /// use qgraft::classic::L1;
    /// // ½(x - 3)² + |x| is least at 2.
    /// let x = L1::new(1.0).minimize(&[0.0], &mut |x, slope| {
    ///     slope[0] = x[0] - 3.0;
    ///     0.5 * slope[0] * slope[0]
    /// });
    /// assert!((x[0] - 2.0).abs() < 1e-8);
    /// ```
    pub fn minimize(&self, start: &[f64], smooth: &mut dyn FnMut(&[f64], &mut [f64]) -> f64) -> Vec<f64> {
        let width = start.len();
        let (mut x, mut ahead) = (start.to_vec(), start.to_vec());
        let (mut slope, mut unused) = (vec![0.0; width], vec![0.0; width]);
        let (mut next, mut momentum) = (vec![0.0; width], 1.0f64);
        let mut step = 1.0;
        for _ in 0..self.iterations {
            let value = smooth(&ahead, &mut slope);
            loop {
                for k in 0..width {
                    next[k] = self.shrunk(ahead[k] - step * slope[k], step);
                }
                let moved = || (0..width).map(|k| next[k] - ahead[k]);
                let linear: f64 = moved().zip(&slope).map(|(move_k, s)| move_k * s).sum();
                let square: f64 = moved().map(|move_k| move_k * move_k).sum();
                // Rounding must not shrink the step to nothing near the minimum.
                let slack = 1e-13 * value.abs();
                let is_below = smooth(&next, &mut unused) <= value + linear + square / (2.0 * step) + slack;
                if is_below || step < 1e-18 {
                    break;
                }
                step /= 2.0;
            }
            let largest = |it: &mut dyn Iterator<Item = f64>| it.fold(0.0f64, |most, v| most.max(v.abs()));
            let change = largest(&mut (0..width).map(|k| next[k] - ahead[k]));
            let against: f64 = (0..width).map(|k| (ahead[k] - next[k]) * (next[k] - x[k])).sum();
            let following = f64::midpoint(1.0, (1.0 + 4.0 * momentum * momentum).sqrt());
            let factor = if against > 0.0 { 0.0 } else { (momentum - 1.0) / following };
            for k in 0..width {
                ahead[k] = next[k] + factor * (next[k] - x[k]);
            }
            momentum = if against > 0.0 { 1.0 } else { following };
            std::mem::swap(&mut x, &mut next);
            if change <= self.tolerance * step {
                break;
            }
            // A step that was cut once need not stay short.
            step *= 1.1;
        }
        x
    }

    /// The proximal map of a step.
    fn shrunk(&self, value: f64, step: f64) -> f64 {
        let threshold = self.penalty * step;
        if self.is_nonnegative {
            (value - threshold).max(0.0)
        } else {
            value.signum() * (value.abs() - threshold).max(0.0)
        }
    }
}
