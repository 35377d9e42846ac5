//! The norm of a state of one lane, and numbers it is multiplied with.

use pulp::Simd;

use crate::sim::kernel::amplitudes::{State, WIDE};
use crate::sim::kernel::float::Float;
use crate::sim::kernel::widest::{fused, widest};

/// `⟨ψ|ψ⟩`.
pub fn norm<F: Float>(state: &State<F>) -> f64 {
    let mut sum = 0.0;
    norm_into(&state.re, &state.im, &mut sum);
    sum
}

widest! {
    /// Adds up squares.
    pub fn norm_into<'a, F: Float>(re: &'a [F], im: &'a [F], sum: &'a mut f64) = norm_loops
}

#[inline(always)]
fn norm_loops<S: Simd, F: Float>(re: &[F], im: &[F], sum: &mut f64) {
    let mut sums = [F::ZERO; WIDE];
    for (re, im) in re.chunks_exact(WIDE).zip(im.chunks_exact(WIDE)) {
        for i in 0..WIDE {
            sums[i] = fused::<S, F>(re[i], re[i], fused::<S, F>(im[i], im[i], sums[i]));
        }
    }
    *sum = sums.iter().map(|x| x.double()).sum();
}

/// `ψ ← factor ψ`.
pub fn scale<F: Float>(state: &mut State<F>, factor: f64) {
    let factor = F::of(factor);
    state.re.iter_mut().chain(&mut *state.im).for_each(|x| *x = *x * factor);
}
