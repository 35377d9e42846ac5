//! Trained models as safetensors files: tensors, and in the metadata one JSON header that says what they belong to.

use std::collections::HashMap;
use std::path::Path;

use candle_core::Tensor;
use safetensors::SafeTensors;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::nn::{NnError, Params};

/// Everything of a model's file but its tensors.
pub trait ModelHeader: Serialize + DeserializeOwned {
    /// Its entry of the metadata.
    const ENTRY: &'static str;
    /// Name and version of the file format; it is written in front of the header.
    const FORMAT: &'static str;
    /// What such a file holds, for errors: "a trained head".
    const WHAT: &'static str;

    /// The metadata of a file.
    ///
    /// # Errors
    /// If the header is no plain data.
    fn metadata(&self) -> Result<HashMap<String, String>, NnError> {
        #[derive(Serialize)]
        struct Stated<'a, H> {
            format: &'static str,
            #[serde(flatten)]
            header: &'a H,
        }
        let stated = Stated { format: Self::FORMAT, header: self };
        let json = serde_json::to_string(&stated).map_err(|e| refuse(Path::new(Self::ENTRY), e.to_string()))?;
        // A single entry: the library writes several in the order of a hash map, another one each time.
        Ok(HashMap::from([(Self::ENTRY.to_string(), json)]))
    }

    /// The bytes of a file with these tensors.
    ///
    /// # Errors
    /// If the header is no plain data, or the tensor library fails.
    fn to_bytes<N: AsRef<str> + Ord + std::fmt::Display>(
        &self,
        tensors: impl IntoIterator<Item = (N, Tensor)>,
    ) -> Result<Vec<u8>, NnError> {
        let bytes = safetensors::serialize(tensors, Some(self.metadata()?));
        bytes.map_err(|e| refuse(Path::new(Self::ENTRY), e.to_string()))
    }

    /// The same with every parameter.
    ///
    /// # Errors
    /// As [`ModelHeader::to_bytes`].
    fn to_bytes_of(&self, params: &Params) -> Result<Vec<u8>, NnError> {
        self.to_bytes(params.iter().map(|(name, var)| (name, var.as_detached_tensor())))
    }

    /// The header of a file's bytes, which errors call `path`.
    ///
    /// # Errors
    /// Bytes that are no such file, or of another version.
    fn read(bytes: &[u8], path: &Path) -> Result<Self, NnError> {
        #[derive(Deserialize)]
        struct Format {
            format: String,
        }
        let (_, metadata) = SafeTensors::read_metadata(bytes).map_err(|e| refuse(path, e.to_string()))?;
        let json = metadata.metadata().as_ref().and_then(|known| known.get(Self::ENTRY));
        let missing = || refuse(path, format!("not {}: its header lacks the entry `{}`", Self::WHAT, Self::ENTRY));
        let json = json.ok_or_else(missing)?;
        let failed = |e: serde_json::Error| refuse(path, format!("header: {e}"));
        let Format { format } = serde_json::from_str(json).map_err(failed)?;
        match format == Self::FORMAT {
            true => serde_json::from_str(json).map_err(failed),
            false => Err(refuse(path, format!("format {format:?}; this version reads {:?}", Self::FORMAT))),
        }
    }
}

fn refuse(path: &Path, reason: String) -> NnError {
    NnError::File { path: path.into(), reason }
}
