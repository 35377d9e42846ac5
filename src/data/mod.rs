//! Data: pictures and feature tables with their labels, read from files or from the program itself.
//!
//! * [`Samples`]: ids, labels, classes and which samples are held out; [`Pictures`] and [`Features`] carry one.
//! * [`read_folder`], [`read_features`], [`fashion_mnist::shirts`], [`digits()`]: where they come from.
//! * [`read_table`], [`BUNDLED`]: tables of numbers and words; [`Encoder`]: what estimators read of them.
//! * [`read_pictures`]: pictures without labels. [`read_voc`]: pictures with boxes in them.
//! * [`Sampler`]: which rows make up a step.
//! * [`write_file`]: the one writer of files, of every floor above too.
//! * [`Transform`]: from a picture to what a backbone reads. [`FeatureCache`]: what a backbone made of them, kept.

mod bundled;
mod cache;
mod delimited;
mod digits;
mod error;
pub mod fashion_mnist;
mod folder;
mod grid;
mod hold_out;
mod output;
mod parquet;
mod sampler;
mod samples;
mod split;
mod synthetic;
mod table;
mod tabular;
mod transform;
mod voc;

pub use bundled::{BUNDLED, BundledRow};
pub use cache::{Cached, FeatureCache, cache_key};
pub use delimited::{parse_table, read_table};
pub use digits::digits;
pub use error::DataError;
pub use folder::{BadPicture, LoosePictures, decode, read_folder, read_pictures, resaved};
pub use hold_out::{HoldOut, TestRows};
pub use output::write_file;
pub use sampler::{Sampler, class_weights, picture_weights};
pub use samples::{FeatureRows, FeatureSplit, Features, Part, Picture, Pictures, Samples};
pub use split::Split;
pub use synthetic::Synthetic;
pub use table::{OpenFeatures, read_features};
pub use tabular::{Column, Encoder, Tabular};
pub use transform::{Transform, resize};
pub use voc::{BoxedPicture, BoxedPictures, read_voc};
