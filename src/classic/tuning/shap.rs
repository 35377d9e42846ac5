//! Shapley values of trees (Lundberg, Erion & Lee 2018, arXiv:1802.03888, algorithm 2): what each column adds to a prediction.

use ndarray::{ArrayView1, ArrayView2};

use crate::classic::{Forest, Node, Tree};

/// A tree with the number of rows that reach each node.
#[derive(Clone, Debug)]
pub struct CoveredTree<'a> {
    tree: &'a Tree,
    covers: Vec<f64>,
}

/// A column on the path: with the share of rows that go this way without knowing it, 1 or 0 with, and the sum of weights of
/// subsets.
#[derive(Clone, Copy)]
struct Entry {
    column: usize,
    unknown: f64,
    known: f64,
    weight: f64,
}

impl<'a> CoveredTree<'a> {
    /// With covers known from elsewhere, one for each node; those of children sum to that of their parent.
    pub fn new(tree: &'a Tree, covers: Vec<f64>) -> Self {
        Self { tree, covers }
    }

    /// With the numbers of these rows (rows, columns) that reach each node, at least one each: a node that none reaches is
    /// counted as half a row.
    pub fn of_rows(tree: &'a Tree, rows: ArrayView2<'_, f32>) -> Self {
        let nodes = tree.nodes();
        let mut covers = vec![0.0f64; nodes.len()];
        for row in rows.rows() {
            let mut at = 0;
            loop {
                covers[at] += 1.0;
                match &nodes[at] {
                    Node::Leaf { .. } => break,
                    Node::Split { feature, threshold, left, right } => {
                        at = if f64::from(row[*feature]) <= *threshold { *left } else { *right };
                    }
                }
            }
        }
        // Children come after their parents.
        for at in (0..nodes.len()).rev() {
            covers[at] = match &nodes[at] {
                Node::Leaf { .. } => covers[at].max(0.5),
                Node::Split { left, right, .. } => covers[*left] + covers[*right],
            };
        }
        Self { tree, covers }
    }

    /// Adds the Shapley values of `row` for the leaf's value of index `output` to `sums`, one for each column. They sum to the
    /// prediction less the mean over the rows of the covers.
    pub fn add(&self, row: ArrayView1<'_, f32>, output: usize, sums: &mut [f64]) {
        self.walk(0, row, output, &[], (1.0, 1.0, usize::MAX), sums);
    }

    fn walk(
        &self,
        at: usize,
        row: ArrayView1<'_, f32>,
        output: usize,
        path: &[Entry],
        (unknown, known, column): (f64, f64, usize),
        sums: &mut [f64],
    ) {
        let mut path = extend(path, unknown, known, column);
        match &self.tree.nodes()[at] {
            Node::Leaf { value } => {
                for k in 1..path.len() {
                    let total = unwound(&path, k);
                    sums[path[k].column] += total * (path[k].known - path[k].unknown) * value[output];
                }
            }
            Node::Split { feature, threshold, left, right } => {
                let goes_left = f64::from(row[*feature]) <= *threshold;
                let (hot, cold) = if goes_left { (*left, *right) } else { (*right, *left) };
                let (mut own_unknown, mut own_known) = (1.0, 1.0);
                if let Some(k) = (1..path.len()).find(|&k| path[k].column == *feature) {
                    (own_unknown, own_known) = (path[k].unknown, path[k].known);
                    path = without(&path, k);
                }
                let share = |child: usize| self.covers[child] / self.covers[at];
                self.walk(hot, row, output, &path, (own_unknown * share(hot), own_known, *feature), sums);
                self.walk(cold, row, output, &path, (own_unknown * share(cold), 0.0, *feature), sums);
            }
        }
    }
}

fn extend(path: &[Entry], unknown: f64, known: f64, column: usize) -> Vec<Entry> {
    let length = path.len();
    let mut path = path.to_vec();
    path.push(Entry { column, unknown, known, weight: if length == 0 { 1.0 } else { 0.0 } });
    for k in (0..length).rev() {
        let all = (length + 1) as f64;
        path[k + 1].weight += known * path[k].weight * (k + 1) as f64 / all;
        path[k].weight *= unknown * (length - k) as f64 / all;
    }
    path
}

/// The path as if entry `at` had not been added.
fn without(path: &[Entry], at: usize) -> Vec<Entry> {
    let last = path.len() - 1;
    let Entry { known, unknown, .. } = path[at];
    let mut next = path[last].weight;
    let mut path = path.to_vec();
    for k in (0..last).rev() {
        if known != 0.0 {
            let own = path[k].weight;
            path[k].weight = next * (last + 1) as f64 / ((k + 1) as f64 * known);
            next = own - path[k].weight * unknown * (last - k) as f64 / (last + 1) as f64;
        } else {
            path[k].weight = path[k].weight * (last + 1) as f64 / (unknown * (last - k) as f64);
        }
    }
    for k in at..last {
        path[k] = Entry { weight: path[k].weight, ..path[k + 1] };
    }
    path.pop();
    path
}

/// The sum of the weights of [`without`].
fn unwound(path: &[Entry], at: usize) -> f64 {
    without(path, at).iter().map(|entry| entry.weight).sum()
}

/// Shapley values of each row for a forest with one value a leaf, by rows and columns; covers are counted on these rows.
pub fn shapley_values(forest: &Forest, rows: ArrayView2<'_, f32>) -> Vec<Vec<f64>> {
    let trees: Vec<CoveredTree<'_>> = forest.trees().iter().map(|tree| CoveredTree::of_rows(tree, rows)).collect();
    let one = |row: ArrayView1<'_, f32>| {
        let mut sums = vec![0.0; rows.ncols()];
        trees.iter().for_each(|tree| tree.add(row, 0, &mut sums));
        sums.iter_mut().for_each(|sum| *sum /= trees.len() as f64);
        sums
    };
    rows.rows().into_iter().map(one).collect()
}
