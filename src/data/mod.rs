//! Data: pictures and feature tables with their labels, read from files or from the program itself.
//!
//! * [`Samples`]: ids, labels, classes and which samples are held out; [`Pictures`] and [`Features`] carry one.
//! * [`read_folder`], [`read_features`], [`fashion_mnist::shirts`], [`garments()`], [`digits()`]: where they come from.
//! * [`read_table`], [`BUNDLED`]: tables of numbers and words; [`Encoder`]: what estimators read of them.
//! * [`TargetTable`]: a table with any column as target, numbers or classes. [`NewTable`]: rows for a trained model.
//! * [`TextTable`]: a table of texts whose columns the caller knows by name.
//! * [`read_pictures`]: pictures without labels. [`read_boxed_pictures`], [`read_voc`]: pictures with boxes in them;
//!   [`read_crops`]: the objects cut out of them.
//! * [`read_boxes`], [`JoinedBoxes`], [`write_boxes`]: boxes alone, in files of detectors and annotators ([`BOX_FORMATS`]).
//! * [`DicomFile`], [`NiftiVolume`]: what scanners write, frame by frame; [`read_slices`]: folders of it and of pictures.
//! * [`sequence`]: DNA, alignments of genomes, variants. [`signal`]: recordings with annotations, features of segments.
//! * [`structure`]: atoms with energies and forces, read from extended XYZ and NumPy files.
//! * [`Film`]: frames of grey pixels, from folders of pictures and NumPy files.
//! * [`Sampler`]: which rows make up a step. [`grouped_folds`]: folds that keep groups together. [`Hog`]: histograms of gradients.
//! * [`write_file`]: the one writer of files, of every floor above too.
//! * [`Transform`]: from a picture to what a backbone reads. [`FeatureCache`]: what a backbone made of them, kept.

mod array_file;
mod box_file;
mod boxed_folder;
mod bundled;
mod cache;
mod crops;
mod delimited;
mod digits;
mod error;
pub mod fashion_mnist;
mod feature_file;
pub(crate) mod file;
mod film;
mod folder;
mod folds;
mod garments;
mod grid;
mod hog;
mod hold_out;
mod keel;
mod label;
mod layout;
mod matrix_file;
mod medical;
mod number;
mod output;
mod parquet;
mod part_name;
mod picture_file;
pub(crate) mod protobuf;
mod sampler;
mod samples;
pub mod sequence;
pub mod signal;
mod split;
pub mod structure;
mod synthetic;
mod tabular;
mod target_table;
mod text_table;
mod transform;
mod voc;
mod walk;
pub(crate) mod zip_file;

pub use box_file::{
    BOX_FORMATS, BoxContents, BoxFile, BoxFormat, BoxFormatRow, BoxUnit, ClassName, FileBox, ImageName, JoinedBox,
    JoinedBoxes, JoinedImage, picture_sizes, read_boxes, write_boxes,
};
pub use boxed_folder::read_boxed_pictures;
pub use bundled::{BUNDLED, BundledRow};
pub use cache::{Cached, FeatureCache, cache_key};
pub use crops::{has_boxes, read_crops};
pub use delimited::{parse_table, read_table, read_text};
pub use digits::digits;
pub use error::DataError;
pub use feature_file::{OpenFeatures, companions, parse_features, read_features};
pub use film::Film;
pub use folder::{BadPicture, LoosePictures, read_folder, read_folder_for, read_pictures};
pub use folds::grouped_folds;
pub use garments::{GARMENTS_TO_LEARN, garments};
pub use hog::Hog;
pub use hold_out::{HoldOut, TestRows};
pub use matrix_file::{parse_matrix, read_matrix};
pub use medical::{DicomFile, DicomInfo, NiftiVolume, Slices, Window, read_slices};
pub use output::write_file;
pub use picture_file::{decode, is_picture, resaved};
pub use sampler::{Sampler, class_weights, effective_number_weights, picture_weights};
pub use samples::{FeatureRows, FeatureSplit, Features, Part, Picture, Pictures, Samples};
pub use split::Split;
pub use synthetic::Synthetic;
pub use tabular::{Column, Encoder, Tabular};
pub use target_table::{KnownTarget, NewTable, TargetKind, TargetOptions, TargetTable};
pub use text_table::{TextRow, TextTable};
pub use transform::{Transform, resize};
pub use voc::{BoxedPicture, BoxedPictures, read_voc};
pub(crate) use walk::entries;
