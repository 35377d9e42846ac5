//! Pretrained weights: tensors by name, read from safetensors or PyTorch files.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use safetensors::{Dtype, SafeTensors};

use super::torch_file::Element;
use super::{NnError, torch_file};
use crate::data::DataError;
use crate::data::file::read_file;
use crate::data::zip_file::ZipFile;

/// Tensors by name, all f32 on the CPU.
#[derive(Clone, Debug)]
pub struct Weights {
    /// Where they come from, for messages.
    pub place: String,
    tensors: BTreeMap<String, Tensor>,
}

impl Weights {
    /// Reads a safetensors file, or one that PyTorch's `torch.save` wrote since version 1.6 (a zip archive), whatever its
    /// ending. Half precision is widened. A training checkpoint keeps the weights one level down, and names may begin with
    /// what wrapped the network (`module.`, `model.`).
    ///
    /// # Errors
    /// A file that is cut short or of another kind, weights that are not finite.
    pub fn read(path: &Path) -> Result<Self, NnError> {
        let failed = |reason: String| NnError::File { path: path.into(), reason };
        let bytes = content(path)?;
        let place = path.display().to_string();
        let weights = if bytes.starts_with(ZipFile::MAGIC) {
            let not_read = |reason| failed(format!("not a whole zip-format PyTorch file: {reason}"));
            Self::new(torch_file::tensors(&bytes).map_err(not_read)?, place)?
        } else if let Some(reason) = foreign(&bytes, path) {
            return Err(failed(reason));
        } else {
            Self::from_safetensors(&bytes, place)?
        };
        let weights = weights.unwrapped();
        for (name, tensor) in &weights.tensors {
            let values = tensor.flatten_all()?.to_vec1::<f32>()?;
            if let Some(at) = values.iter().position(|value| !value.is_finite()) {
                return Err(failed(format!("tensor {name} holds {} at element {at} (from 0)", values[at])));
            }
        }
        Ok(weights)
    }

    /// The same without the prefix that wrappers put before every name: DDP's `module.`, Lightning's `model.`, that of
    /// `torch.compile`.
    fn unwrapped(mut self) -> Self {
        const WRAPPERS: [&str; 7] = ["module.", "model.", "_orig_mod.", "net.", "network.", "backbone.", "encoder."];
        // Beside the network, a checkpoint may hold parameters of its loss.
        let common = |tensors: &BTreeMap<String, Tensor>| {
            WRAPPERS.into_iter().find(|prefix| {
                let inner: Vec<&str> = tensors.keys().filter_map(|name| name.strip_prefix(prefix)).collect();
                2 * inner.len() > tensors.len() && !inner.iter().any(|name| tensors.contains_key(*name))
            })
        };
        while let Some(prefix) = common(&self.tensors) {
            let inner = |name: String| name.strip_prefix(prefix).map(String::from).unwrap_or(name);
            self.tensors = self.tensors.into_iter().map(|(name, tensor)| (inner(name), tensor)).collect();
        }
        self
    }

    /// From the bytes of a safetensors file. Half and double precision become single; integers are left out.
    ///
    /// # Errors
    /// Bytes that are cut short or of another kind.
    pub fn from_safetensors(bytes: &[u8], place: String) -> Result<Self, NnError> {
        let failed = |reason: String| NnError::File { path: place.clone().into(), reason };
        let not_whole = |e| failed(format!("not a whole safetensors file ({e})"));
        let mut tensors = Vec::new();
        for (name, view) in SafeTensors::deserialize(bytes).map_err(not_whole)?.iter() {
            let element = match view.dtype() {
                Dtype::F16 => Element::Float16,
                Dtype::BF16 => Element::Bfloat16,
                Dtype::F32 => Element::Float32,
                Dtype::F64 => Element::Float64,
                _ => continue,
            };
            let tensor = Tensor::from_vec(element.all(view.data()), view.shape(), &Device::Cpu)?;
            tensors.push((name.to_string(), tensor));
        }
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

    /// The same in hexadecimal digits.
    ///
    /// # Errors
    /// As [`Weights::digest`].
    pub fn digest_text(&self) -> Result<String, NnError> {
        Ok(self.digest()?.iter().map(|byte| format!("{byte:02x}")).collect())
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

/// The content of a file of weights.
///
/// # Errors
/// A file that cannot be read, or stands in place of the real one.
pub(in crate::nn) fn content(path: &Path) -> Result<Vec<u8>, NnError> {
    read_file(path).map_err(|error| {
        let reason = match error {
            DataError::Malformed { reason, .. } => reason,
            DataError::Io { source, .. } => source.to_string(),
            other => other.to_string(),
        };
        NnError::File { path: path.into(), reason }
    })
}

/// What a file is that is neither a zip archive nor safetensors, and what to do.
fn foreign(bytes: &[u8], path: &Path) -> Option<String> {
    if bytes.get(8) == Some(&b'{') {
        return None;
    }
    const AGAIN: &str = "load it with torch.load and save it with torch.save(model.state_dict(), FILE)";
    // The number that PyTorch wrote first before it wrote archives, as a pickle.
    const OLD: &[u8] = b"\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19";
    let inside = |at: usize, text: &[u8]| bytes.get(at..).is_some_and(|rest| rest.starts_with(text));
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or("").to_ascii_lowercase();
    Some(match () {
        () if bytes.is_empty() => "the file is empty".into(),
        () if inside(2, OLD) => format!("a PyTorch file of the form before version 1.6, which is not read; {AGAIN}"),
        () if inside(257, b"ustar") => {
            format!("a PyTorch file of the form before version 0.4, or another tar; {AGAIN}")
        }
        () if inside(0, b"\x80") => format!("a plain pickle, which is not read; {AGAIN}"),
        () if inside(0, b"\x89HDF") => "an HDF5 file, as Keras writes it; convert it to safetensors".into(),
        () if inside(0, b"GGUF") => "a GGUF file; convert it to safetensors".into(),
        () if inside(0, b"\x1f\x8b") => "packed with gzip; unpack it first".into(),
        () if ending == "safetensors" => return None,
        () => format!("not a whole file of weights; expected safetensors, or a PyTorch file; {AGAIN}"),
    })
}
