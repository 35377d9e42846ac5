//! Pretrained weights: tensors by name, read from safetensors or PyTorch files.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::Path;

use candle_core::{DType, Device, Tensor, pickle, safetensors};

use super::NnError;

/// Tensors by name, all f32 on the CPU.
#[derive(Clone, Debug)]
pub struct Weights {
    /// Where they come from, for messages.
    pub place: String,
    tensors: BTreeMap<String, Tensor>,
}

impl Weights {
    /// Reads `.safetensors`, or PyTorch's `.pth`/`.pt` as it is written since version 1.6 (a zip archive). Half
    /// precision is widened.
    ///
    /// # Errors
    /// A file that is cut short or of another kind.
    pub fn read(path: &Path) -> Result<Self, NnError> {
        let place = path.display().to_string();
        let failed = |reason: String| NnError::File { path: path.into(), reason };
        match path.extension().and_then(|e| e.to_str()) {
            Some("pth" | "pt") => {
                let not_whole = |e| {
                    failed(format!(
                        "not a whole zip-format PyTorch file ({e}); if it was saved by PyTorch before 1.6, load it and \
                         save it again"
                    ))
                };
                let mut tensors = pickle::read_all(path).map_err(not_whole)?;
                if tensors.is_empty() {
                    // Training checkpoints keep the weights one level down, under this name.
                    tensors = pickle::read_all_with_key(path, Some("state_dict")).map_err(not_whole)?;
                }
                Self::new(tensors, place)
            }
            _ => {
                let bytes = fs::read(path).map_err(|e| failed(e.to_string()))?;
                Self::from_safetensors(&bytes, place)
            }
        }
    }

    /// From the bytes of a safetensors file.
    ///
    /// # Errors
    /// Bytes that are cut short or of another kind.
    pub fn from_safetensors(bytes: &[u8], place: String) -> Result<Self, NnError> {
        let tensors = safetensors::load_buffer(bytes, &Device::Cpu).map_err(|e| NnError::File {
            path: place.clone().into(),
            reason: format!("not a whole safetensors file ({e})"),
        })?;
        Self::new(tensors, place)
    }

    /// From tensors already at hand. Integers (the counters of batch normalisation) are left out.
    ///
    /// A tensor that is a variable stays one, so that a network built on it can be trained.
    pub fn new(tensors: impl IntoIterator<Item = (String, Tensor)>, place: String) -> Result<Self, NnError> {
        let floats = tensors.into_iter().filter(|(_, tensor)| tensor.dtype().is_float());
        let tensors =
            floats.map(|(name, tensor)| Ok((name, tensor.to_dtype(DType::F32)?))).collect::<Result<_, NnError>>()?;
        Ok(Self { place, tensors })
    }

    /// The same tensors, those in `names` under new names.
    pub fn renamed(&self, names: BTreeMap<String, String>) -> Self {
        let rename = |(name, tensor): (&String, &Tensor)| (names.get(name).unwrap_or(name).clone(), tensor.clone());
        Self { place: self.place.clone(), tensors: self.tensors.iter().map(rename).collect() }
    }

    /// The tensor of this name.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.tensors.get(name)
    }

    /// Names and tensors, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.tensors.iter().map(|(name, tensor)| (name.as_str(), tensor))
    }

    /// A hash of names, shapes and values: the same whatever file they came in.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn digest(&self) -> Result<[u8; 32], NnError> {
        let mut hash = blake3::Hasher::new();
        for (name, tensor) in &self.tensors {
            hash.update(format!("{name} {:?}", tensor.dims()).as_bytes());
            for value in tensor.flatten_all()?.to_vec1::<f32>()? {
                hash.update(&value.to_le_bytes());
            }
        }
        Ok(hash.finalize().into())
    }

    /// Compares with the names and shapes a network needs.
    pub fn matching<'a>(&self, needed: impl IntoIterator<Item = &'a (String, Vec<usize>)>) -> WeightMatch {
        let mut fit = WeightMatch::default();
        let mut used = BTreeSet::new();
        for (name, shape) in needed {
            used.insert(name.as_str());
            match self.tensors.get(name) {
                None => fit.missing.push(name.clone()),
                Some(tensor) if tensor.dims() != shape => {
                    fit.reshaped.push((name.clone(), tensor.dims().to_vec(), shape.clone()))
                }
                Some(_) => {}
            }
        }
        fit.unexpected = self.tensors.keys().filter(|name| !used.contains(name.as_str())).cloned().collect();
        fit
    }
}

/// How weights differ from what a network needs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WeightMatch {
    /// Needed, not there.
    pub missing: Vec<String>,
    /// There with another shape: name, shape found, shape needed.
    pub reshaped: Vec<(String, Vec<usize>, Vec<usize>)>,
    /// There, not needed.
    pub unexpected: Vec<String>,
}

impl WeightMatch {
    /// Whether everything needed is there; more may be.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty() && self.reshaped.is_empty()
    }
}

impl fmt::Display for WeightMatch {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        let reshaped = self.reshaped.iter().map(|(name, have, want)| format!("{name} is {have:?}, not {want:?}"));
        let lists = [
            ("missing", self.missing.clone()),
            ("reshaped", reshaped.collect()),
            ("unexpected", self.unexpected.clone()),
        ];
        let parts: Vec<_> =
            lists.iter().filter(|(_, names)| !names.is_empty()).map(|(what, names)| list(what, names)).collect();
        f.write_str(if parts.is_empty() { "everything fits".to_string() } else { parts.join("; ") }.as_str())
    }
}

/// A wrong file differs in hundreds of names. A message shows the first few.
fn list(what: &str, names: &[String]) -> String {
    const SHOWN: usize = 6;
    let more = names.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{what}: {}{more}", names[..names.len().min(SHOWN)].join(", "))
}
