//! Pictures of scanners: DICOM files, read with bounds.
//!
//! * [`DicomFile`]: grey frames of one file, as values or as pictures. [`Window`]: from values to grey levels.

mod dicom;
mod elements;
mod grey;
mod packed;

pub use dicom::{DicomFile, DicomInfo};
pub use grey::Window;
