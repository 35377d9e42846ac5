//! The pictures embedded in the program: three classes of Fashion-MNIST that are easily confused.

use super::array_file::ArrayFile;
use super::{DataError, Part, Picture, Pictures, label};

/// Made by `data/fashion_mnist/make.py`; MIT, Zalando SE.
static SHIRTS: &[u8] = include_bytes!("../../data/fashion_mnist/shirts.safetensors");

/// T-shirt/top, pullover and shirt: 200 training and 100 validation pictures of each, 28×28, grey.
///
/// Source: Xiao, Rasul, Vollgraf 2017, arXiv:1708.07747; the first so many of each class in file order.
pub fn shirts() -> Result<Pictures, DataError> {
    let file = ArrayFile::safetensors(SHIRTS, "embedded Fashion-MNIST".to_string())?;
    let mut pictures = Vec::new();
    let mut labels = Vec::new();
    for (part, prefix) in [(Part::Train, "train"), (Part::Validation, "val")] {
        let images = file.get(&format!("{prefix}.images"))?;
        let [_, height, width] = images.shape[..] else {
            return Err(DataError::malformed(&file.place, format!("{prefix}.images is not (samples, height, width)")));
        };
        pictures.extend(images.bytes().chunks(height * width).map(|grey| Picture::from_grey(width, height, grey)));
        labels.push((part, file.get(&format!("{prefix}.labels"))?.labels(&file.place)?));
    }
    let names = file.classes.as_deref().map(|text| label::class_names(text, &file.place)).transpose()?;
    let (samples, notices) = label::samples(&file.place, labels, names)?;
    Ok(Pictures { pictures, samples: samples.checked()?, skipped: Vec::new(), notices })
}
