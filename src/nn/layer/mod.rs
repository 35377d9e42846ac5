//! Layers for the CPU, because candle's are slow and some of its gradients are silently wrong or missing.
//!
//! * [`conv2d`], [`conv1d`], [`max_pool2d`], [`avg_pool2d`], [`global_avg_pool`]: differentiable, f32 and f64, on candle
//!   tensors. [`frozen`]: the same without gradients, several times faster, for whole trunks.
//! * [`Linear`], [`Conv2d`], [`LayerNorm`], [`GroupNorm`], [`BatchNorm`], [`Lstm`], [`Gru`], [`Attention`],
//!   [`Embedding`]: layers on [`Params`](crate::nn::Params), named as in PyTorch.
//! * [`TransformerBlock`], [`sinusoidal_positions`], [`causal_mask`]: what encoders and decoders are made of.
//! * [`GatedAttention`], [`ClassTokenPool`], [`QueryPool`], [`masked_mean`]: sets of vectors to one vector, with masks.
//!   [`ContrastiveScale`]: scores of pairs with a trained temperature.
//! * [`GraphAttention`]: nodes of a complete graph attend to each other by the colours of their edges.
//! * [`Painn`]: energies and forces of atoms, from an [`AtomGraph`].
//! * [`StrandConv`], [`StrandEmbedding`], [`StrandNorm`]: DNA, both strands treated alike by an [`Involution`].
//! * [`softmax`], [`dropout`], [`reverse_gradient`]; [`Window`], [`Padding`], [`Reach`]: the geometry they share.
//!
//! Planes are (batch, channels, height, width), sequences (batch, time, width). The same numbers come out whatever the
//! number of threads.

mod attention;
pub(crate) mod channels;
mod contrastive_scale;
mod conv;
mod convolution;
mod depthwise;
pub mod frozen;
mod graph_attention;
mod linear;
mod matrix;
mod norm;
pub mod painn;
mod pool;
mod recurrent;
mod reversal;
mod set_pool;
mod small_planes;
mod standardize;
mod strand;
mod transformer;
mod window;

pub use attention::Attention;
/// Softmax along a dimension, with a gradient: candle's `softmax_last_dim` has none.
pub use candle_nn::ops::softmax;
pub use contrastive_scale::{ContrastiveScale, unit_rows};
pub use conv::conv2d;
pub use convolution::{Conv2d, Reach, conv1d};
pub use frozen::{Activation, FrozenConv, FrozenNet, NetBuilder, conv2d_frozen};
pub use graph_attention::GraphAttention;
pub(crate) use linear::linear;
pub use linear::{Embedding, Linear, dropout};
pub(crate) use norm::layer_norm;
pub use norm::{BatchNorm, GroupNorm, LayerNorm};
pub use painn::{AtomGraph, AtomReadout, Painn, PainnSize};
pub use pool::{avg_pool2d, global_avg_pool, max_pool2d};
pub use recurrent::{Gru, Lstm};
pub use reversal::reverse_gradient;
pub use set_pool::{ClassTokenPool, GatedAttention, QueryPool, masked_mean, masked_softmax};
pub use strand::{Involution, NormScope, StrandConv, StrandEmbedding, StrandNorm};
pub use transformer::{TransformerBlock, TransformerConfig, causal_mask, sinusoidal_positions};
pub use window::{Padding, Window};
