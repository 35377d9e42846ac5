//! Frozen trunks: networks whose weights no longer change, run as fast as the processor allows.
//!
//! * [`FrozenConv`]: a convolution packed once, with bias, activation and residual sum fused; [`fold_batch_norm`].
//! * [`FrozenNet`], built layer by layer with [`NetBuilder`]: a whole trunk, one group of images per thread.
//! * [`conv2d_frozen`]: one such convolution on candle tensors.
//!
//! ```
//! use candle_core::{DType, Device, Tensor};
//! use qgraft::nn::layer::frozen::{Activation, FrozenConv, NetBuilder};
//! use qgraft::nn::layer::Window;
//! let ones = |shape: (usize, usize, usize, usize)| Tensor::ones(shape, DType::F32, &Device::Cpu);
//! let stem = FrozenConv::new(&ones((8, 3, 3, 3))?, None, Window::square(3, 2, 1), 1, Activation::Relu)?;
//! let depthwise = FrozenConv::new(&ones((8, 1, 3, 3))?, None, Window::square(3, 1, 1), 8, Activation::None)?;
//! let (mut net, image) = NetBuilder::new(3, 32, 32);
//! let stem = net.conv(image, stem)?;
//! let block = net.conv_add(stem, depthwise, stem)?; // the sum x + f(x) costs nothing extra
//! let features = net.global_avg_pool(block)?;
//! let net = net.build(&[features])?;
//! let outputs = net.run(&ones((2, 3, 32, 32))?)?;
//! assert_eq!(outputs[0].dims(), [2, 8, 1, 1]);
//! # Ok::<(), candle_core::Error>(())
//! ```

mod activation;
mod conv;
mod kernel;
mod lanes;
mod map;
mod net;
mod run;

pub use activation::Activation;
pub use conv::{FrozenConv, fold_batch_norm};
pub use lanes::Instructions;
pub use net::{FrozenNet, NetBuilder, Value};

use candle_core::{Result, Tensor};

/// One frozen convolution of `input` (batch, c_in, height, width), f32: activation(conv + bias).
///
/// It copies into the layout of the kernels and back; to run several layers, or to add a residual, build a
/// [`FrozenNet`].
///
/// # Errors
/// If the shapes do not fit or the dtype is not f32.
pub fn conv2d_frozen(input: &Tensor, conv: &FrozenConv) -> Result<Tensor> {
    let (_, channels, height, width) = input.dims4()?;
    let (mut net, image) = NetBuilder::new(channels, height, width);
    let output = net.conv(image, conv.clone())?;
    let mut outputs = net.build(&[output])?.run(input)?;
    Ok(outputs.remove(0))
}
