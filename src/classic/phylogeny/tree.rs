//! Rooted trees with branch lengths.

use std::collections::HashSet;

use crate::classic::ClassicError;
use crate::math::Stream;

/// The shortest branch that a likelihood uses, in the unit of the tree. On a branch of length 0 two bases that differ would
/// be impossible.
pub const MINIMUM_LENGTH: f64 = 1e-6;

/// One node of a tree.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Node {
    /// Its parent; `None` for the root.
    pub parent: Option<usize>,
    /// Length of the branch to its parent, at least 0.
    pub length: f64,
    /// Name; that of a leaf is unique and not empty.
    pub name: String,
    /// Whether it has no children.
    pub is_leaf: bool,
}

/// A rooted tree whose inner nodes have any number of children. Branch lengths have the unit of whoever made it, mostly
/// substitutions per site.
#[derive(Clone, Debug, PartialEq)]
pub struct Tree {
    /// Children come before their parents, so the root is the last.
    pub(super) nodes: Vec<Node>,
}

impl Tree {
    /// A tree of these nodes in any order, with at least two leaves.
    pub(super) fn new(nodes: Vec<Node>) -> Result<Self, ClassicError> {
        let tree = Self { nodes: children_first(nodes) };
        let refuse = |reason: String| Err(ClassicError::Tree { reason });
        let mut names = HashSet::new();
        for node in &tree.nodes {
            if !(node.length >= 0.0 && node.length.is_finite()) {
                return refuse(format!(
                    "the branch above {:?} has length {}; lengths are numbers of at least 0",
                    node.name, node.length
                ));
            }
            if node.is_leaf && node.name.is_empty() {
                return refuse("a leaf has no name".into());
            }
            if node.is_leaf && !names.insert(node.name.as_str()) {
                return refuse(format!("two leaves are called {:?}; rename one", node.name));
            }
        }
        if names.len() < 2 {
            return refuse(format!("{} leaves; a tree needs at least two", names.len()));
        }
        Ok(tree)
    }

    /// Names of the leaves, in the order of the tree.
    pub fn leaves(&self) -> Vec<&str> {
        self.nodes.iter().filter(|node| node.is_leaf).map(|node| node.name.as_str()).collect()
    }

    /// The same tree with only these leaves. A node that is left with one child becomes part of a branch.
    ///
    /// # Errors
    /// A name that is no leaf, or fewer than two names.
    pub fn restricted(&self, names: &[&str]) -> Result<Self, ClassicError> {
        let leaves = self.leaves();
        if let Some(unknown) = names.iter().find(|name| !leaves.contains(name)) {
            let reason = format!("no leaf is called {unknown:?}; the leaves are {}", leaves.join(", "));
            return Err(ClassicError::Tree { reason });
        }
        let mut children = vec![0usize; self.nodes.len()];
        let mut kept = vec![false; self.nodes.len()];
        for (k, node) in self.nodes.iter().enumerate() {
            kept[k] = if node.is_leaf { names.contains(&node.name.as_str()) } else { children[k] > 0 };
            if let (true, Some(parent)) = (kept[k], node.parent) {
                children[parent] += 1;
            }
        }
        // The lowest common ancestor becomes the root: the last node with more than one child that is kept.
        let root = (0..self.nodes.len()).rev().find(|&k| kept[k] && children[k] > 1);
        let is_branch = |k: usize| !self.nodes[k].is_leaf && children[k] == 1;
        let mut place = vec![usize::MAX; self.nodes.len()];
        let chosen: Vec<usize> = (0..=root.unwrap_or(0)).filter(|&k| kept[k] && !is_branch(k)).collect();
        for (new, &old) in chosen.iter().enumerate() {
            place[old] = new;
        }
        let node = |&old: &usize| {
            let mut node = self.nodes[old].clone();
            while let Some(parent) = node.parent.filter(|_| Some(old) != root) {
                if !is_branch(parent) {
                    break;
                }
                node.length += self.nodes[parent].length;
                node.parent = self.nodes[parent].parent;
            }
            node.parent = if Some(old) == root { None } else { node.parent.map(|parent| place[parent]) };
            node.length = if Some(old) == root { 0.0 } else { node.length };
            node
        };
        Self::new(chosen.iter().map(node).collect())
    }

    /// The same unrooted tree, rooted at the parent of a leaf.
    ///
    /// # Errors
    /// If no leaf has this name.
    pub fn rooted_beside(&self, leaf: &str) -> Result<Self, ClassicError> {
        let start = self.nodes.iter().position(|node| node.is_leaf && node.name == leaf);
        let start = start.ok_or_else(|| ClassicError::Tree { reason: format!("no leaf is called {leaf:?}") })?;
        let mut nodes = self.nodes.clone();
        // Turns the branches between the new root and the old one.
        let (mut at, mut above, mut length) = (nodes[start].parent, None, 0.0);
        while let Some(node) = at {
            let next = nodes[node].parent;
            let own = nodes[node].length;
            nodes[node].parent = above;
            nodes[node].length = length;
            (above, length, at) = (Some(node), own, next);
        }
        Self::new(nodes)
    }

    /// Length of the path between each leaf and the leaf at `reference`, in the order of the leaves.
    pub fn distances_to(&self, reference: usize) -> Vec<f64> {
        let mut distance = vec![0.0; self.nodes.len()];
        for (node, from, length) in self.outward(reference) {
            distance[node] = distance[from] + length;
        }
        self.nodes.iter().zip(&distance).filter(|(node, _)| node.is_leaf).map(|(_, distance)| *distance).collect()
    }

    /// Every branch as (node, node that is nearer to a leaf, length), nearest first.
    pub(super) fn outward(&self, leaf: usize) -> Vec<(usize, usize, f64)> {
        let start = self.leaf_nodes()[leaf];
        let mut neighbours: Vec<Vec<(usize, f64)>> = vec![Vec::new(); self.nodes.len()];
        for (k, node) in self.nodes.iter().enumerate() {
            if let Some(parent) = node.parent {
                neighbours[k].push((parent, node.length));
                neighbours[parent].push((k, node.length));
            }
        }
        let (mut order, mut seen) = (Vec::new(), vec![false; self.nodes.len()]);
        let mut left = std::collections::VecDeque::from([start]);
        seen[start] = true;
        while let Some(from) = left.pop_front() {
            for &(node, length) in &neighbours[from] {
                if !seen[node] {
                    seen[node] = true;
                    order.push((node, from, length));
                    left.push_back(node);
                }
            }
        }
        order
    }

    /// Indices of the leaves among the nodes.
    pub(super) fn leaf_nodes(&self) -> Vec<usize> {
        (0..self.nodes.len()).filter(|&k| self.nodes[k].is_leaf).collect()
    }

    /// A random tree (Yule's pure-birth process) with leaves `leaf0`, `leaf1`, …: every leaf has the distance `depth` from
    /// the root. `leaves` is at least 2.
    pub fn random(leaves: usize, depth: f64, stream: &mut Stream) -> Self {
        // Backwards in time: two lineages join after an exponential time whose rate is their number.
        let leaf = |k: usize| Node { parent: None, length: 0.0, name: format!("leaf{k}"), is_leaf: true };
        let mut nodes: Vec<Node> = (0..leaves.max(2)).map(leaf).collect();
        let mut height = vec![0.0; nodes.len()];
        let mut living: Vec<usize> = (0..nodes.len()).collect();
        let mut now = 0.0;
        while living.len() > 1 {
            now -= (1.0 - stream.uniform()).ln() / living.len() as f64;
            let first = living.swap_remove(stream.below(living.len()));
            let second = living.swap_remove(stream.below(living.len()));
            for child in [first, second] {
                nodes[child].parent = Some(nodes.len());
                nodes[child].length = now - height[child];
            }
            living.push(nodes.len());
            nodes.push(Node { parent: None, length: 0.0, name: String::new(), is_leaf: false });
            height.push(now);
        }
        nodes.iter_mut().for_each(|node| node.length *= depth / now);
        Self { nodes: children_first(nodes) }
    }

    /// The same tree with `count` more leaves `NAME+1`, `NAME+2`, … at a distance of `length` from the leaf `name`: copies
    /// of one genome that differ little.
    ///
    /// # Errors
    /// If no leaf has this name.
    pub fn with_copies(&self, name: &str, count: usize, length: f64) -> Result<Self, ClassicError> {
        let mut nodes = self.nodes.clone();
        let leaf = nodes.iter().position(|node| node.is_leaf && node.name == name);
        let leaf = leaf.ok_or_else(|| ClassicError::Tree { reason: format!("no leaf is called {name:?}") })?;
        let inner = nodes.len();
        let above = Node { name: String::new(), is_leaf: false, ..nodes[leaf].clone() };
        nodes[leaf].parent = Some(inner);
        nodes[leaf].length = 0.5 * length;
        nodes.push(above);
        let copy =
            |k: usize| Node { parent: Some(inner), length: 0.5 * length, name: format!("{name}+{k}"), is_leaf: true };
        nodes.extend((1..=count).map(copy));
        Self::new(nodes)
    }

    /// The tree as Newick text.
    pub fn to_newick(&self) -> String {
        let mut texts: Vec<Vec<String>> = vec![Vec::new(); self.nodes.len()];
        let plain = |name: &str| name.chars().all(|c| c.is_alphanumeric() || "._+-".contains(c));
        let quoted = |name: &str| if plain(name) { name.into() } else { format!("'{}'", name.replace('\'', "''")) };
        let mut whole = String::new();
        for (k, node) in self.nodes.iter().enumerate() {
            let inside = std::mem::take(&mut texts[k]);
            let text =
                if node.is_leaf { quoted(&node.name) } else { format!("({}){}", inside.join(","), quoted(&node.name)) };
            match node.parent {
                Some(parent) => texts[parent].push(format!("{text}:{}", node.length)),
                None => whole = text + ";",
            }
        }
        whole
    }
}

/// The nodes in an order in which children come before their parents; leaves and siblings keep their order.
fn children_first(nodes: Vec<Node>) -> Vec<Node> {
    let mut children = vec![Vec::new(); nodes.len()];
    let mut stack = Vec::new();
    for (k, node) in nodes.iter().enumerate() {
        match node.parent {
            Some(parent) => children[parent].push(k),
            None => stack.push(k),
        }
    }
    // Parents first with later children first; reversed, that is children first in their order.
    let mut order = Vec::with_capacity(nodes.len());
    while let Some(k) = stack.pop() {
        order.push(k);
        stack.extend(&children[k]);
    }
    order.reverse();
    let mut place = vec![0; nodes.len()];
    for (new, &old) in order.iter().enumerate() {
        place[old] = new;
    }
    let moved = |&old: &usize| Node { parent: nodes[old].parent.map(|parent| place[parent]), ..nodes[old].clone() };
    order.iter().map(moved).collect()
}
