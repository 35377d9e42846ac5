//! A forest as a safetensors file: the arrays of scikit-learn's trees, one tree behind the other.
//!
//! | tensor | shape | type | content |
//! |---|---|---|---|
//! | `nodes` | (trees) | integers | nodes of each tree |
//! | `feature` | (nodes) | integers | column of a split; anything at a leaf |
//! | `threshold` | (nodes) | numbers | a value at most as large goes left |
//! | `left`, `right` | (nodes) | integers | children, counted within their tree; negative at a leaf |
//! | `value` | (nodes, values) | numbers | counts or shares of the classes, or one mean |
//!
//! The metadata may hold `columns` and `classes`, JSON lists of their names, and `target`, the name of what is predicted.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::classic::ClassicError;
use crate::classic::forest::{Forest, Node, Tree};
use crate::data::file::read_file;

/// A forest with the names of what it reads and says.
#[derive(Clone, Debug, PartialEq)]
pub struct NamedForest {
    /// The forest.
    pub forest: Forest,
    /// Names of the columns it reads, in their order; empty if they have none.
    pub columns: Vec<String>,
    /// Names of its classes; empty for a forest that predicts a number.
    pub classes: Vec<String>,
    /// Name of what it predicts; empty if it has none.
    pub target: String,
}

/// Name of the metadata of a file with the names of columns, classes and the target.
const NAMES: [&str; 3] = ["columns", "classes", "target"];

impl NamedForest {
    /// Reads a file, such as one that was exported from scikit-learn (docs/own_data/forest.md has the program).
    ///
    /// # Errors
    /// A file that cannot be read or is cut short, a tensor that is missing or of another shape, nodes that are no tree, and
    /// names whose number does not fit; by tensor and node.
    pub fn open(path: impl AsRef<Path>) -> Result<Self, ClassicError> {
        let path = path.as_ref();
        let bytes = read_file(path)?;
        Self::from_bytes(&bytes).map_err(|error| error.in_file(path))
    }

    /// From the bytes of such a file.
    ///
    /// # Errors
    /// As [`NamedForest::open`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ClassicError> {
        let failed = |e: safetensors::SafeTensorError| ClassicError::file(format!("not a whole safetensors file: {e}"));
        let tensors = SafeTensors::deserialize(bytes).map_err(failed)?;
        let (_, header) = SafeTensors::read_metadata(bytes).map_err(failed)?;
        let text = |name: &str| header.metadata().as_ref().and_then(|all| all.get(name)).cloned().unwrap_or_default();
        let list = |name: &'static str| -> Result<Vec<String>, ClassicError> {
            let text = text(name);
            let what = || ClassicError::file(format!("metadata `{name}`: {text:?}: expected a JSON list of names"));
            if text.is_empty() { Ok(Vec::new()) } else { serde_json::from_str(&text).map_err(|_| what()) }
        };
        let [columns, classes] = [list(NAMES[0])?, list(NAMES[1])?];
        let (nodes, values) = (Numbers::of(&tensors, "nodes", 1)?, Numbers::of(&tensors, "value", 2)?);
        let width = values.shape[1];
        if !classes.is_empty() && classes.len() != width {
            let reason = format!("{} names of classes, but leaves have {width} values", classes.len());
            return Err(ClassicError::file(reason));
        }
        if classes.is_empty() && width != 1 {
            let reason = format!("leaves have {width} values, but the metadata `classes` names none");
            return Err(ClassicError::file(reason));
        }
        let [feature, threshold, left, right] =
            ["feature", "threshold", "left", "right"].map(|name| Numbers::of(&tensors, name, 1));
        let arrays = [feature?, threshold?, left?, right?];
        if let Some(count) = nodes.values.iter().find(|count| !(**count >= 1.0 && count.fract() == 0.0)) {
            return Err(ClassicError::file(format!(
                "tensor `nodes` holds {count}, expected whole numbers of at least 1"
            )));
        }
        let total: f64 = nodes.values.iter().sum();
        for array in arrays.iter().chain([&values]) {
            if array.shape[0] as f64 != total {
                let reason =
                    format!("tensor `{}` has {} entries, but `nodes` counts {total}", array.name, array.shape[0]);
                return Err(ClassicError::file(reason));
            }
        }
        let [feature, threshold, left, right] = &arrays;
        let (mut trees, mut start) = (Vec::new(), 0);
        for (tree, &count) in nodes.values.iter().enumerate() {
            let node = |node: usize| -> Result<Node, ClassicError> {
                let at = start + node;
                if left.values[at] < 0.0 || right.values[at] < 0.0 {
                    let leaf = &values.values[at * width..(at + 1) * width];
                    let total: f64 = if classes.is_empty() { 1.0 } else { leaf.iter().sum() };
                    let value: Vec<f64> = leaf.iter().map(|value| value / total).collect();
                    return match value.iter().all(|value| value.is_finite()) {
                        true => Ok(Node::Leaf { value }),
                        false => Err(ClassicError::Node { node, reason: format!("a leaf of {leaf:?}") }),
                    };
                }
                let column = feature.values[at];
                if column.is_nan() || column < 0.0 || !columns.is_empty() && column >= columns.len() as f64 {
                    let reason = format!("it reads column {column} (from 0); the file names {}", columns.len());
                    return Err(ClassicError::Node { node, reason });
                }
                Ok(Node::Split {
                    feature: column as usize,
                    threshold: threshold.values[at],
                    left: left.values[at] as usize,
                    right: right.values[at] as usize,
                })
            };
            let nodes = (0..count as usize).map(node).collect::<Result<_, _>>();
            trees.push(nodes.and_then(Tree::new).map_err(|error| error.in_tree(tree))?);
            start += count as usize;
        }
        Ok(Self { forest: Forest::new(trees)?, columns, classes, target: text(NAMES[2]) })
    }

    /// The file as bytes. Thresholds and values are in double precision, so reading it gives the same forest.
    ///
    /// # Errors
    /// None for a forest in memory; what the format refuses.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ClassicError> {
        self.to_bytes_with(HashMap::new())
    }

    /// The same with further metadata.
    ///
    /// # Errors
    /// As [`NamedForest::to_bytes`].
    pub fn to_bytes_with(&self, further: HashMap<String, String>) -> Result<Vec<u8>, ClassicError> {
        let mut arrays = Arrays::default();
        for tree in self.forest.trees() {
            arrays.add(tree, self.forest.width());
        }
        let names = |list: &Vec<String>| serde_json::Value::from(list.clone()).to_string();
        let texts = [names(&self.columns), names(&self.classes), self.target.clone()];
        let metadata =
            NAMES.into_iter().zip(texts).map(|(name, text)| (name.to_string(), text)).chain(further).collect();
        arrays.to_bytes(self.forest.width(), metadata)
    }
}

/// The arrays of all trees, in the byte order of the format.
#[derive(Default)]
struct Arrays {
    nodes: Vec<u8>,
    feature: Vec<u8>,
    threshold: Vec<u8>,
    left: Vec<u8>,
    right: Vec<u8>,
    value: Vec<u8>,
}

impl Arrays {
    fn add(&mut self, tree: &Tree, width: usize) {
        self.nodes.extend((tree.nodes().len() as i64).to_le_bytes());
        for node in tree.nodes() {
            let none = vec![0.0; width];
            let (feature, threshold, left, right, value) = match node {
                Node::Split { feature, threshold, left, right } => {
                    (*feature as i32, *threshold, *left as i32, *right as i32, &none)
                }
                Node::Leaf { value } => (-2, 0.0, -1, -1, value),
            };
            self.feature.extend(feature.to_le_bytes());
            self.threshold.extend(threshold.to_le_bytes());
            self.left.extend(left.to_le_bytes());
            self.right.extend(right.to_le_bytes());
            self.value.extend(value.iter().flat_map(|value| value.to_le_bytes()));
        }
    }

    fn to_bytes(&self, width: usize, metadata: HashMap<String, String>) -> Result<Vec<u8>, ClassicError> {
        let (trees, nodes) = (self.nodes.len() / 8, self.feature.len() / 4);
        let all = [
            ("nodes", Dtype::I64, vec![trees], &self.nodes),
            ("feature", Dtype::I32, vec![nodes], &self.feature),
            ("threshold", Dtype::F64, vec![nodes], &self.threshold),
            ("left", Dtype::I32, vec![nodes], &self.left),
            ("right", Dtype::I32, vec![nodes], &self.right),
            ("value", Dtype::F64, vec![nodes, width], &self.value),
        ];
        let failed = |e: safetensors::SafeTensorError| ClassicError::file(e.to_string());
        let mut views = Vec::new();
        for (name, dtype, shape, bytes) in all {
            views.push((name, TensorView::new(dtype, shape, bytes).map_err(failed)?));
        }
        let bytes = safetensors::serialize(views, Some(metadata)).map_err(failed)?;
        sorted(&bytes).ok_or_else(|| ClassicError::file("the header that was written is no JSON object".into()))
    }
}

/// The same file with the entries of its header in order: the library writes metadata in the order of a hash map, which is
/// another one each time.
fn sorted(bytes: &[u8]) -> Option<Vec<u8>> {
    let (length, rest) = bytes.split_first_chunk::<8>()?;
    let (header, data) = rest.split_at_checked(u64::from_le_bytes(*length) as usize)?;
    let entries: BTreeMap<String, serde_json::Value> = serde_json::from_slice(header).ok()?;
    let mut header = serde_json::to_vec(&entries).ok()?;
    // Tensors begin at a multiple of eight bytes.
    header.resize(header.len().next_multiple_of(8), b' ');
    Some([&(header.len() as u64).to_le_bytes()[..], &header, data].concat())
}

/// A tensor of any type of numbers.
struct Numbers {
    name: &'static str,
    shape: Vec<usize>,
    values: Vec<f64>,
}

impl Numbers {
    /// The tensor of this name with so many dimensions, at least one number in it.
    fn of(tensors: &SafeTensors, name: &'static str, dimensions: usize) -> Result<Self, ClassicError> {
        let names = || tensors.names().into_iter().map(String::from).collect::<Vec<_>>().join(", ");
        let view = tensors
            .tensor(name)
            .map_err(|_| ClassicError::file(format!("no tensor `{name}`; the file holds {}", names())))?;
        let bytes = view.data();
        let values: Vec<f64> = match view.dtype() {
            Dtype::F64 => bytes.as_chunks().0.iter().map(|b| f64::from_le_bytes(*b)).collect(),
            Dtype::F32 => bytes.as_chunks().0.iter().map(|b| f32::from_le_bytes(*b).into()).collect(),
            Dtype::I64 => bytes.as_chunks().0.iter().map(|b| i64::from_le_bytes(*b) as f64).collect(),
            Dtype::I32 => bytes.as_chunks().0.iter().map(|b| i32::from_le_bytes(*b).into()).collect(),
            Dtype::U8 => bytes.iter().map(|b| (*b).into()).collect(),
            other => {
                let reason = format!("tensor `{name}` is of type {other:?}, expected F64, F32, I64 or I32");
                return Err(ClassicError::file(reason));
            }
        };
        let shape = view.shape().to_vec();
        if shape.len() != dimensions || values.is_empty() {
            let reason = format!("tensor `{name}` is of shape {shape:?}, expected {dimensions} dimensions, none empty");
            return Err(ClassicError::file(reason));
        }
        Ok(Self { name, shape, values })
    }
}
