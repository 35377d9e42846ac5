//! The pictures embedded in the program: three classes of Fashion-MNIST that are easily confused.

use super::{DataError, Part, Picture, Pictures, table::Archive};

/// Made by `data/fashion_mnist/make.py`; MIT, Zalando SE.
static SHIRTS: &[u8] = include_bytes!("../../data/fashion_mnist/shirts.safetensors");

/// T-shirt/top, pullover and shirt: 200 training and 100 validation pictures of each, 28×28, grey.
///
/// Source: Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747; the first so many of each class in file order.
pub fn shirts() -> Result<Pictures, DataError> {
    let file = Archive::new(SHIRTS, "embedded Fashion-MNIST".to_string())?;
    let mut pictures = Vec::new();
    let mut labels = Vec::new();
    for (part, prefix) in [(Part::Train, "train"), (Part::Validation, "val")] {
        let images = file.tensor(&format!("{prefix}.images"))?;
        let [_, height, width] = images.shape()[..] else {
            return Err(DataError::malformed(&file.place, format!("{prefix}.images is not (samples, height, width)")));
        };
        pictures.extend(images.data().chunks(height * width).map(|grey| Picture::from_grey(width, height, grey)));
        labels.push((part, file.integers(&format!("{prefix}.labels"))?));
    }
    Ok(Pictures { pictures, samples: file.samples(labels).checked()?, skipped: Vec::new() })
}
