//! Pictures of scanners: DICOM files and NIfTI volumes, read with bounds.
//!
//! * [`DicomFile`]: grey frames of one file. [`NiftiVolume`]: slices of a volume. Both as values or as pictures.
//! * [`Window`]: from values to grey levels. [`read_slices`]: a folder of pictures, series and volumes.

mod dicom;
mod elements;
mod grey;
mod nifti;
mod packed;
mod slices;

pub use dicom::{DicomFile, DicomInfo};
pub use grey::Window;
pub use nifti::NiftiVolume;
pub use slices::{Slices, read_slices};
