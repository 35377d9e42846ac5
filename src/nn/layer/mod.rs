//! Convolution and pooling for the CPU, because candle's are slow and some of its gradients are silently wrong.
//!
//! * [`conv2d`], [`max_pool2d`], [`avg_pool2d`], [`global_avg_pool`]: differentiable, f32 and f64, on candle tensors.
//! * [`frozen`]: the same without gradients, several times faster, for whole trunks.
//! * [`Window`], [`Padding`]: the geometry they share.
//!
//! Tensors are (batch, channels, height, width) throughout. The same numbers come out whatever the number of threads.

mod conv;
mod depthwise;
pub mod frozen;
mod matrix;
mod pool;
mod window;

pub use conv::conv2d;
pub use frozen::{Activation, FrozenConv, FrozenNet, NetBuilder, conv2d_frozen};
pub use pool::{avg_pool2d, global_avg_pool, max_pool2d};
pub use window::{Padding, Window};
