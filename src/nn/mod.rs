//! Networks: layers that candle lacks or gets wrong.

pub mod layer;
