//! A forest as an ONNX file: one TreeEnsembleClassifier or TreeEnsembleRegressor of ai.onnx.ml
//! (github.com/onnx/onnx, docs/Operators-ml.md; field numbers of onnx/onnx.proto).

use crate::classic::forest::{NamedForest, Node};
use crate::data::protobuf::Message;

/// Version of the format, and of the two sets of operators. Those that every runtime of the last years reads.
const FORMAT: i64 = 8;
const OPERATORS: i64 = 15;
const ML_OPERATORS: i64 = 1;

/// Types of elements of tensors.
const FLOAT: i64 = 1;
const STRING: i64 = 8;

/// Types of attributes.
const OF_TEXT: i64 = 3;
const OF_INT: i64 = 2;
const OF_FLOATS: i64 = 6;
const OF_INTS: i64 = 7;
const OF_TEXTS: i64 = 8;

impl NamedForest {
    /// The forest as an ONNX file. Its input `rows` is (rows, columns) in single precision without gaps, in the order of the
    /// columns. A classifier puts out `label`, the name of the class of each row, and `probabilities` (rows, classes); a forest
    /// that predicts a number `number` (rows, 1). Thresholds are rounded down to single precision, which decides every row in
    /// single precision as the forest itself does. Shares are summed in single precision.
    pub fn to_onnx(&self) -> Vec<u8> {
        let columns = if self.columns.is_empty() { self.forest.columns() } else { self.columns.len() };
        let width = self.forest.width();
        let is_classifier = !self.classes.is_empty();
        let arrays = Arrays::of(self);
        let node = Message::default().text(1, "rows");
        let node = match is_classifier {
            true => node.text(2, "label").text(2, "probabilities").text(4, "TreeEnsembleClassifier"),
            false => node.text(2, "number").text(4, "TreeEnsembleRegressor"),
        };
        let node = arrays.attributes(node.text(3, "forest").text(7, "ai.onnx.ml"), is_classifier);
        let node = match is_classifier {
            true => node.message(5, &texts("classlabels_strings", &self.classes)),
            false => node
                .message(5, &attribute("n_targets", OF_INT).int(3, width as i64))
                .message(5, &attribute("aggregate_function", OF_TEXT).text(4, "SUM")),
        };
        let graph =
            Message::default().message(1, &node).text(2, "forest").message(11, &value("rows", FLOAT, Some(columns)));
        let graph = match is_classifier {
            true => graph
                .message(12, &value("label", STRING, None))
                .message(12, &value("probabilities", FLOAT, Some(width))),
            false => graph.message(12, &value("number", FLOAT, Some(width))),
        };
        let set = |domain: &str, version: i64| Message::default().text(1, domain).int(2, version);
        let entry = |key: &str, text: &str| Message::default().text(1, key).text(2, text);
        let names = serde_json::Value::from(self.columns.clone()).to_string();
        Message::default()
            .int(1, FORMAT)
            .text(2, "qgraft")
            .message(7, &graph)
            .message(8, &set("", OPERATORS))
            .message(8, &set("ai.onnx.ml", ML_OPERATORS))
            .message(14, &entry("columns", &names))
            .message(14, &entry("target", &self.target))
            .into_bytes()
    }
}

/// The nodes of all trees, one behind the other, and the values of their leaves.
#[derive(Default)]
struct Arrays {
    tree: Vec<i64>,
    node: Vec<i64>,
    feature: Vec<i64>,
    threshold: Vec<f32>,
    left: Vec<i64>,
    right: Vec<i64>,
    is_leaf: Vec<bool>,
    /// Tree, node, class and share over the number of trees.
    leaves: Vec<(i64, i64, i64, f32)>,
}

impl Arrays {
    fn of(named: &NamedForest) -> Self {
        let mut arrays = Self::default();
        let trees = named.forest.trees();
        for (tree, own) in trees.iter().enumerate() {
            for (number, node) in own.nodes().iter().enumerate() {
                arrays.tree.push(tree as i64);
                arrays.node.push(number as i64);
                let (feature, threshold, left, right) = match node {
                    Node::Split { feature, threshold, left, right } => {
                        (*feature as i64, rounded_down(*threshold), *left as i64, *right as i64)
                    }
                    Node::Leaf { value } => {
                        let shares = value.iter().enumerate();
                        arrays.leaves.extend(shares.map(|(class, share)| {
                            (tree as i64, number as i64, class as i64, (share / trees.len() as f64) as f32)
                        }));
                        (0, 0.0, 0, 0)
                    }
                };
                arrays.feature.push(feature);
                arrays.threshold.push(threshold);
                arrays.left.push(left);
                arrays.right.push(right);
                arrays.is_leaf.push(matches!(node, Node::Leaf { .. }));
            }
        }
        arrays
    }

    /// `node` with the attributes that both operators have.
    fn attributes(&self, node: Message, is_classifier: bool) -> Message {
        let ints = |name: &str, values: &[i64]| attribute(name, OF_INTS).ints(8, values.iter().copied());
        let kind = if is_classifier { "class" } else { "target" };
        let of_leaves = |part: &str, value: fn(&(i64, i64, i64, f32)) -> i64| {
            let values: Vec<i64> = self.leaves.iter().map(value).collect();
            ints(&format!("{kind}_{part}"), &values)
        };
        let weights = attribute(&format!("{kind}_weights"), OF_FLOATS).floats(7, self.leaves.iter().map(|leaf| leaf.3));
        let modes: Vec<&str> = self.is_leaf.iter().map(|leaf| if *leaf { "LEAF" } else { "BRANCH_LEQ" }).collect();
        node.message(5, &ints("nodes_treeids", &self.tree))
            .message(5, &ints("nodes_nodeids", &self.node))
            .message(5, &ints("nodes_featureids", &self.feature))
            .message(5, &attribute("nodes_values", OF_FLOATS).floats(7, self.threshold.iter().copied()))
            .message(5, &texts("nodes_modes", &modes))
            .message(5, &ints("nodes_truenodeids", &self.left))
            .message(5, &ints("nodes_falsenodeids", &self.right))
            .message(5, &of_leaves("treeids", |leaf| leaf.0))
            .message(5, &of_leaves("nodeids", |leaf| leaf.1))
            .message(5, &of_leaves("ids", |leaf| leaf.2))
            .message(5, &weights)
            .message(5, &attribute("post_transform", OF_TEXT).text(4, "NONE"))
    }
}

/// The largest number in single precision that is at most `threshold`: a number in single precision is at most the one exactly if
/// it is at most the other.
fn rounded_down(threshold: f64) -> f32 {
    let near = threshold as f32;
    if f64::from(near) > threshold { near.next_down() } else { near }
}

fn attribute(name: &str, of: i64) -> Message {
    Message::default().text(1, name).int(20, of)
}

fn texts<S: AsRef<str>>(name: &str, values: &[S]) -> Message {
    values.iter().fold(attribute(name, OF_TEXTS), |message, value| message.text(9, value.as_ref()))
}

/// An input or output: (rows), or (rows, `width`).
fn value(name: &str, of: i64, width: Option<usize>) -> Message {
    let rows = Message::default().text(2, "rows");
    let shape = Message::default().message(1, &rows);
    let shape = match width {
        Some(width) => shape.message(1, &Message::default().int(1, width as i64)),
        None => shape,
    };
    let tensor = Message::default().int(1, of).message(2, &shape);
    Message::default().text(1, name).message(2, &Message::default().message(1, &tensor))
}
