//! Weights that are part of the program qgraft, in a package of their own: crates.io accepts 10 MiB for each.

/// EfficientNet-Lite0 for ImageNet: a safetensors file in half precision, its even bytes, then its odd bytes.
/// `qgraft::nn::backbone` reads it. Source and licence: `LICENSE.efficientnet_lite0`.
pub static EFFICIENTNET_LITE0: &[u8] = include_bytes!("efficientnet_lite0_f16.planes");
