//! Weights in PyTorch's zip format (`torch.save` since version 1.6): a pickle that describes tensors, and one file of bytes
//! for each storage. No code of a pickle is run.

mod pickle;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use candle_core::{Device, Tensor};

use crate::data::zip_file::ZipFile;
use crate::math::words::join_and;
use pickle::{Id, Object, Pickle, TensorView};

/// Keys under which training checkpoints keep the weights, the first found is taken.
const KEYS: [&str; 12] = [
    "state_dict",
    "model_state_dict",
    "model_state",
    "model",
    "net",
    "network",
    "module",
    "weights",
    "params",
    "state",
    "model_ema",
    "ema",
];

/// Dictionaries inside dictionaries are searched this deep.
const DEPTH: usize = 3;

/// Bytes of the largest description of tensors.
const MOST_PICKLE: usize = 64 << 20;

/// Tensors may share storages. All together take at most this many times the bytes of the file.
const MOST_SHARED: u64 = 16;

/// Names and float tensors of the weights in a file. Integers, such as counters of batch normalisation, are left out.
///
/// # Errors
/// A file that is damaged or holds something other than weights, in words.
pub(super) fn tensors(bytes: &[u8]) -> Result<Vec<(String, Tensor)>, String> {
    let failed = |error: crate::data::DataError| match error {
        crate::data::DataError::Malformed { reason, .. } => reason,
        other => other.to_string(),
    };
    let archive = ZipFile::open(bytes, "").map_err(failed)?;
    let names: Vec<&str> = archive.names().collect();
    let is = |end: &str| names.iter().copied().find(|name| *name == end || name.ends_with(&format!("/{end}")));
    if is("constants.pkl").is_some() {
        return Err("a TorchScript program, not weights; load it with torch.jit.load and save its state_dict()".into());
    }
    let main = is("data.pkl").ok_or("a zip archive, but none that torch.save wrote: it has no data.pkl")?;
    let root = &main[..main.len() - "data.pkl".len()];
    let read = |name: &str| archive.read(&format!("{root}{name}")).map(|content| content.map_err(failed));
    if read("byteorder").transpose()?.is_some_and(|order| order.trim_ascii() == b"big") {
        return Err("its numbers are big-endian; save it on a little-endian machine".into());
    }
    let content = read("data.pkl").ok_or("data.pkl is missing")??;
    if content.len() > MOST_PICKLE {
        return Err(format!("its description of tensors has {} bytes, at most {MOST_PICKLE} are read", content.len()));
    }
    let pickle = Pickle::read(&content)?;
    let mut storages: HashMap<&str, Cow<[u8]>> = HashMap::new();
    let (mut tensors, mut total) = (Vec::new(), 0u64);
    for (name, view) in state_dict(&pickle)? {
        let Some(element) = Element::of(&view.kind).map_err(|reason| format!("tensor {name}: {reason}"))? else {
            continue;
        };
        if !storages.contains_key(&*view.key) {
            let file = read(&format!("data/{}", view.key));
            let file = file.ok_or_else(|| format!("tensor {name}: its storage data/{} is missing", view.key))??;
            storages.insert(&view.key, file);
        }
        let values =
            element.gather(&storages[&*view.key], view).map_err(|reason| format!("tensor {name}: {reason}"))?;
        total += 4 * values.len() as u64;
        if total > MOST_SHARED * bytes.len() as u64 {
            return Err(format!("its tensors take more than {MOST_SHARED} times the bytes of the file"));
        }
        let tensor = Tensor::from_vec(values, view.shape.as_slice(), &Device::Cpu).map_err(|e| e.to_string())?;
        tensors.push((name.to_string(), tensor));
    }
    Ok(tensors)
}

/// Names and tensors of the dictionary of weights.
fn state_dict(pickle: &Pickle) -> Result<Vec<(&str, &TensorView)>, String> {
    match pickle.root() {
        Object::Dict(_) => {}
        Object::Tensor(_) => return Err("a single tensor, not weights by name".into()),
        Object::Other(class) => {
            return Err(format!("an object ({class}), not weights by name; save model.state_dict() instead"));
        }
        _ => return Err("no dictionary of weights; save model.state_dict()".into()),
    }
    let found = search(pickle, pickle.root(), DEPTH, &mut HashSet::new());
    found.ok_or_else(|| {
        let keys: Vec<String> = children(pickle, pickle.root()).map(|(key, _)| format!("`{key}`")).take(8).collect();
        format!("no tensors by name; it holds {}", if keys.is_empty() { "nothing".into() } else { join_and(&keys) })
    })
}

/// The entries of a dictionary whose keys are texts.
fn children<'a>(pickle: &'a Pickle, object: &'a Object) -> impl Iterator<Item = (&'a str, Id)> {
    let entries = match object {
        Object::Dict(entries) => &entries[..],
        _ => &[],
    };
    entries.iter().filter_map(|(key, value)| match pickle.get(*key) {
        Object::Text(key) => Some((&**key, *value)),
        _ => None,
    })
}

/// The tensors of a dictionary, or else of the dictionary in it that is called as weights are, or else of the first one.
fn search<'a>(
    pickle: &'a Pickle,
    object: &'a Object,
    depth: usize,
    seen: &mut HashSet<Id>,
) -> Option<Vec<(&'a str, &'a TensorView)>> {
    let tensors = children(pickle, object).filter_map(|(key, id)| match pickle.get(id) {
        Object::Tensor(view) => Some((key, view)),
        _ => None,
    });
    let tensors: Vec<_> = tensors.collect();
    if !tensors.is_empty() || depth == 0 {
        return (!tensors.is_empty()).then_some(tensors);
    }
    let rank = |key: &str| KEYS.iter().position(|known| *known == key).unwrap_or(KEYS.len());
    // The moments of an optimiser are tensors as well, under numbers.
    let mut inner: Vec<(&str, Id)> = children(pickle, object).filter(|(key, _)| !key.contains("optim")).collect();
    inner.sort_by_key(|(key, _)| rank(key));
    // Each object is looked through once, however often it occurs.
    inner
        .into_iter()
        .find_map(|(_, id)| if seen.insert(id) { search(pickle, pickle.get(id), depth - 1, seen) } else { None })
}

/// Types of elements that become 32-bit floats.
#[derive(Clone, Copy)]
pub(super) enum Element {
    Float16,
    Bfloat16,
    Float32,
    Float64,
}

impl Element {
    /// Of a storage; `None` for integers.
    fn of(kind: &str) -> Result<Option<Self>, String> {
        match kind {
            "HalfStorage" => Ok(Some(Self::Float16)),
            "BFloat16Storage" => Ok(Some(Self::Bfloat16)),
            "FloatStorage" => Ok(Some(Self::Float32)),
            "DoubleStorage" => Ok(Some(Self::Float64)),
            "LongStorage" | "IntStorage" | "ShortStorage" | "CharStorage" | "ByteStorage" | "BoolStorage" => Ok(None),
            other => Err(format!("elements of type {other} are not read; save it as float32")),
        }
    }

    fn size(self) -> usize {
        match self {
            Self::Float16 | Self::Bfloat16 => 2,
            Self::Float32 => 4,
            Self::Float64 => 8,
        }
    }

    fn read(self, bytes: &[u8]) -> f32 {
        match *bytes {
            [a, b] if matches!(self, Self::Float16) => half::f16::from_le_bytes([a, b]).to_f32(),
            [a, b] => half::bf16::from_le_bytes([a, b]).to_f32(),
            [a, b, c, d] => f32::from_le_bytes([a, b, c, d]),
            [a, b, c, d, e, f, g, h] => f64::from_le_bytes([a, b, c, d, e, f, g, h]) as f32,
            // `size` gives no other lengths.
            _ => f32::NAN,
        }
    }

    /// Consecutive elements.
    pub(super) fn all(self, bytes: &[u8]) -> Vec<f32> {
        bytes.chunks_exact(self.size()).map(|bytes| self.read(bytes)).collect()
    }

    /// The elements of a view in row-major order.
    fn gather(self, storage: &[u8], view: &TensorView) -> Result<Vec<f32>, String> {
        let TensorView { offset, shape, strides, .. } = view;
        let there = storage.len() / self.size();
        let beyond = || format!("shape {shape:?} with strides {strides:?} exceeds its storage of {there} elements");
        let count = shape.iter().try_fold(1usize, |count, side| count.checked_mul(*side)).ok_or_else(beyond)?;
        if count == 0 {
            return Ok(Vec::new());
        }
        let steps = shape.iter().zip(strides).try_fold(*offset, |sum, (side, stride)| {
            (side - 1).checked_mul(*stride).and_then(|steps| sum.checked_add(steps))
        });
        // More elements than the storage has would be one element under several names.
        if count > there || steps.is_none_or(|last| last >= there) {
            return Err(beyond());
        }
        let at = |index: usize| self.read(&storage[index * self.size()..(index + 1) * self.size()]);
        let mut values = Vec::with_capacity(count);
        let (mut index, mut place) = (vec![0; shape.len()], *offset);
        loop {
            values.push(at(place));
            let mut axis = shape.len();
            loop {
                if axis == 0 {
                    return Ok(values);
                }
                axis -= 1;
                index[axis] += 1;
                place += strides[axis];
                if index[axis] < shape[axis] {
                    break;
                }
                place -= shape[axis] * strides[axis];
                index[axis] = 0;
            }
        }
    }
}
