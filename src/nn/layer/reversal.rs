//! A layer that reverses gradients.

use candle_core::{CpuStorage, CustomOp1, Layout, Result, Shape, Tensor};

/// The input itself. Its gradient is multiplied by -`strength` (Ganin et al. 2016, arXiv:1505.07818, section 4.2).
///
/// # Errors
/// If the tensor library fails.
pub fn reverse_gradient(input: &Tensor, strength: f64) -> Result<Tensor> {
    input.contiguous()?.apply_op1(Reversal(strength))
}

struct Reversal(f64);

impl CustomOp1 for Reversal {
    fn name(&self) -> &'static str {
        "reverse_gradient"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        use candle_core::backend::BackendStorage;
        Ok((storage.affine(layout, 1.0, 0.0)?, layout.shape().clone()))
    }

    fn bwd(&self, _: &Tensor, _: &Tensor, gradient: &Tensor) -> Result<Option<Tensor>> {
        (gradient * -self.0).map(Some)
    }
}
