//! Plain loops compiled for the widest vectors of the machine that runs them.

use pulp::{Arch, NullaryFnOnce};

/// Runs `work` compiled for AVX-512, AVX2 with FMA, or the baseline, whichever the machine has. The closure and what it
/// calls must be `#[inline(always)]`: only code inlined here is compiled for the wider vectors.
#[inline(always)]
pub fn widest<R>(work: impl FnMut() -> R) -> R {
    Arch::new().dispatch(Body(work))
}

/// pulp takes closures as `FnOnce`, which a closure that could be called again meets through a shim that is not inlined,
/// and the loops fall back to baseline code with a library call for every fused multiply-add. Through `FnMut` the
/// closure's own body is called.
struct Body<F>(F);

impl<R, F: FnMut() -> R> NullaryFnOnce for Body<F> {
    type Output = R;

    #[inline(always)]
    fn call(mut self) -> R {
        (self.0)()
    }
}
