//! Features kept on disk, so that a picture passes a frozen backbone once.

use std::fs;
use std::path::PathBuf;

use ndarray::Array2;
use safetensors::{Dtype, SafeTensors, tensor::TensorView};

use super::{DataError, Picture, Transform, write_file};
use crate::math::input;

/// A folder of feature files, each named by a hash of everything the features depend on.
#[derive(Clone, Debug)]
pub struct FeatureCache {
    folder: PathBuf,
}

/// What the cache holds under a key.
#[derive(Debug)]
pub enum Cached {
    /// The features, (pictures, width).
    Hit(Array2<f32>),
    /// Nothing is kept under this key.
    Miss,
    /// A file is there but cannot be trusted, for this reason.
    Damaged(String),
}

/// Names the features of these pictures under these weights, cut at this stage. Any change in a byte of the weights or
/// pictures, in the transform or in the version of the program gives another key.
pub fn cache_key(weights: &[u8; 32], stage: &str, transform: &Transform, pictures: &[Picture]) -> String {
    let mut hash = blake3::Hasher::new();
    // What computes: a later version may scale pictures or run a trunk otherwise.
    hash.update(concat!("qgraft ", env!("CARGO_PKG_VERSION"), " features/1").as_bytes());
    hash.update(weights);
    let Transform { resize, crop, mean, deviation } = transform;
    hash.update(format!("{stage} {resize} {crop} {mean:?} {deviation:?}").as_bytes());
    for picture in pictures {
        hash.update(&(picture.width as u64).to_le_bytes());
        hash.update(&(picture.height as u64).to_le_bytes());
        hash.update(&picture.rgb);
    }
    hash.finalize().to_hex().to_string()
}

impl FeatureCache {
    /// A cache in this folder, which is made when first written to.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    fn path(&self, key: &str) -> PathBuf {
        self.folder.join(key).with_extension("safetensors")
    }

    /// Looks a key up.
    pub fn load(&self, key: &str) -> Cached {
        let path = self.path(key);
        match input::read(&path, input::LARGEST) {
            Ok(bytes) => match unpack(&bytes, key) {
                Ok(features) => Cached::Hit(features),
                Err(reason) => Cached::Damaged(format!("{}: {reason}", path.display())),
            },
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Cached::Miss,
            Err(e) => Cached::Damaged(format!("{}: {e}", path.display())),
        }
    }

    /// Keeps features under a key. The file appears whole or not at all.
    ///
    /// # Errors
    /// A folder that cannot be made or written to, a full disk.
    pub fn store(&self, key: &str, features: &Array2<f32>) -> Result<(), DataError> {
        fs::create_dir_all(&self.folder).map_err(DataError::io(&self.folder))?;
        let path = self.path(key);
        write_file(&path, &pack(features, key)).map_err(DataError::io(&path))
    }
}

/// A safetensors file with the hash of its key, shape and values beside them.
fn pack(features: &Array2<f32>, key: &str) -> Vec<u8> {
    let data: Vec<u8> = features.iter().flat_map(|v| v.to_le_bytes()).collect();
    let check = checksum(key, features.shape(), &data);
    let view = |kind, shape, data| TensorView::new(kind, shape, data).expect("as many bytes as the shape");
    let tensors = [
        ("features", view(Dtype::F32, features.shape().to_vec(), &data)),
        ("blake3", view(Dtype::U8, vec![32], check.as_bytes())),
    ];
    safetensors::serialize(tensors, None).expect("two short names and their shapes always form a header")
}

fn checksum(key: &str, shape: &[usize], data: &[u8]) -> blake3::Hash {
    let mut hash = blake3::Hasher::new();
    hash.update(format!("{key} {shape:?}").as_bytes());
    hash.update(data).finalize()
}

fn unpack(bytes: &[u8], key: &str) -> Result<Array2<f32>, String> {
    let file = SafeTensors::deserialize(bytes).map_err(|e| e.to_string())?;
    let [features, check] = ["features", "blake3"].map(|name| file.tensor(name).map_err(|e| e.to_string()));
    let (features, check) = (features?, check?);
    if checksum(key, features.shape(), features.data()).as_bytes() != check.data() {
        return Err("its contents are not those of its name".to_string());
    }
    let &[rows, width] = features.shape() else { return Err("not a table".to_string()) };
    let values = features.data().as_chunks().0.iter().map(|&word| f32::from_le_bytes(word)).collect();
    Array2::from_shape_vec((rows, width), values).map_err(|e| e.to_string())
}
