//! Growing trees: classification and regression trees (Breiman et al. 1984) on random samples and columns (Breiman 2001).

use std::ops::Range;

use ndarray::{Array2, ArrayView2};
use rayon::prelude::*;

use crate::classic::forest::{Forest, Node, Tree};
use crate::math::Stream;

/// Targets of the trees, one entry per row.
#[derive(Clone, Copy, Debug)]
pub enum Answers<'a> {
    /// Classes below `count`. A leaf then holds a share per class.
    Classes {
        /// The class of each row.
        labels: &'a [usize],
        /// Number of classes.
        count: usize,
    },
    /// Numbers; a leaf then holds their mean.
    Numbers(&'a [f64]),
}

impl Answers<'_> {
    fn width(&self) -> usize {
        match self {
            Self::Classes { count, .. } => *count,
            Self::Numbers(_) => 1,
        }
    }

    /// Which of a leaf's values a row adds to, and how much.
    fn at(&self, row: usize) -> (usize, f64) {
        match self {
            Self::Classes { labels, .. } => (labels[row], 1.0),
            Self::Numbers(values) => (0, values[row]),
        }
    }
}

/// How a forest is grown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Growth {
    /// Number of trees.
    pub trees: usize,
    /// Columns considered for a split, drawn anew each time. Columns that do not vary are not counted.
    pub columns: usize,
    /// Splits above a leaf, at most.
    pub depth: Option<usize>,
    /// Rows of a leaf, at least.
    pub leaf: usize,
    /// Whether each tree sees as many rows drawn with replacement, instead of all.
    pub bootstrap: bool,
}

impl Growth {
    /// scikit-learn's defaults for a classifier on `columns` columns: √columns at each split, until leaves are pure.
    pub fn classifier(trees: usize, columns: usize) -> Self {
        Self { trees, columns: columns.isqrt().max(1), depth: None, leaf: 1, bootstrap: true }
    }

    /// For numbers: a third of the columns at each split and leaves of five rows (Hastie, Tibshirani & Friedman 2009, *The
    /// Elements of Statistical Learning*, section 15.3).
    pub fn regressor(trees: usize, columns: usize) -> Self {
        Self { trees, columns: columns.div_ceil(3), depth: None, leaf: 5, bootstrap: true }
    }
}

/// A forest and its out-of-bag predictions.
#[derive(Clone, Debug)]
pub struct Grown {
    /// The forest.
    pub forest: Forest,
    /// (rows, values): the mean over the trees that did not see a row; where there is none, the mean of all targets.
    pub out_of_bag: Array2<f64>,
}

impl Forest {
    /// Grows a forest on `rows` (rows, columns), at least one of each and without NaN. Every draw follows from `seed`.
    pub fn grow(rows: ArrayView2<'_, f32>, answers: Answers<'_>, growth: &Growth, seed: u64) -> Grown {
        let columns: Vec<Vec<f32>> = rows.columns().into_iter().map(|column| column.to_vec()).collect();
        let trees = Stream::named(seed, "forest").bits();
        let grow = |tree: usize| {
            let mut stream = Stream::numbered(trees, tree as u64);
            let count = rows.nrows();
            let sample = match growth.bootstrap {
                true => (0..count).map(|_| stream.below(count) as u32).collect(),
                false => (0..count as u32).collect(),
            };
            let mut seen = vec![false; count];
            for &row in &sample {
                seen[row as usize] = true;
            }
            (Grower { columns: &columns, answers, growth, stream, sample, nodes: Vec::new() }.tree(), seen)
        };
        let grown: Vec<(Tree, Vec<bool>)> = (0..growth.trees).into_par_iter().map(grow).collect();
        let out_of_bag = out_of_bag(rows, answers, &grown);
        Grown { forest: Forest { trees: grown.into_iter().map(|(tree, _)| tree).collect() }, out_of_bag }
    }
}

fn out_of_bag(rows: ArrayView2<'_, f32>, answers: Answers<'_>, grown: &[(Tree, Vec<bool>)]) -> Array2<f64> {
    let mut all = Sums::new(answers.width());
    (0..rows.nrows()).for_each(|row| all.add(answers.at(row), 1.0));
    let mut means = Array2::zeros((rows.nrows(), answers.width()));
    for (row, mut means) in means.rows_mut().into_iter().enumerate() {
        let mut count = 0.0;
        for (tree, _) in grown.iter().filter(|(_, seen)| !seen[row]) {
            means.iter_mut().zip(tree.value(rows.row(row))).for_each(|(sum, value)| *sum += value);
            count += 1.0;
        }
        if count == 0.0 {
            means.iter_mut().zip(all.means()).for_each(|(sum, mean)| *sum = mean);
        } else {
            means.mapv_inplace(|sum| sum / count);
        }
    }
    means
}

/// Sums of answers, and the sum of their squares.
#[derive(Clone)]
struct Sums {
    sums: Vec<f64>,
    squares: f64,
    count: f64,
}

impl Sums {
    fn new(width: usize) -> Self {
        Self { sums: vec![0.0; width], squares: 0.0, count: 0.0 }
    }

    /// Adds an answer (sign 1) or takes it away (sign -1).
    fn add(&mut self, (index, value): (usize, f64), sign: f64) {
        let value = sign * value;
        self.squares += (2.0 * self.sums[index] + value) * value;
        self.sums[index] += value;
        self.count += sign;
    }

    /// Σ_k S_k² / n: the larger over both sides of a split, the smaller the Gini impurity of classes or the variance of
    /// numbers that is left.
    fn purity(&self) -> f64 {
        self.squares / self.count
    }

    fn means(&self) -> Vec<f64> {
        self.sums.iter().map(|sum| sum / self.count).collect()
    }
}

/// One tree while it grows.
struct Grower<'a> {
    columns: &'a [Vec<f32>],
    answers: Answers<'a>,
    growth: &'a Growth,
    stream: Stream,
    /// Rows, those of one node side by side.
    sample: Vec<u32>,
    nodes: Vec<Node>,
}

impl Grower<'_> {
    fn tree(mut self) -> Tree {
        let leaf = || Node::Leaf { value: Vec::new() };
        self.nodes.push(leaf());
        let mut open = vec![(0, 0..self.sample.len(), 0)];
        while let Some((node, range, depth)) = open.pop() {
            let mut all = Sums::new(self.answers.width());
            self.sample[range.clone()].iter().for_each(|&row| all.add(self.answers.at(row as usize), 1.0));
            let deep = self.growth.depth.is_some_and(|most| depth >= most);
            let split = if deep || self.alike(&range, &all) { None } else { self.split(&range, &all) };
            let Some((feature, threshold)) = split else {
                self.nodes[node] = Node::Leaf { value: all.means() };
                continue;
            };
            let middle = self.part(&range, feature, threshold);
            let left = self.nodes.len();
            self.nodes.extend([leaf(), leaf()]);
            self.nodes[node] = Node::Split { feature, threshold, left, right: left + 1 };
            open.push((left, range.start..middle, depth + 1));
            open.push((left + 1, middle..range.end, depth + 1));
        }
        Tree::new(self.nodes).expect("children were pushed behind their parents, leaves are of one width")
    }

    /// Whether all answers are the same.
    fn alike(&self, range: &Range<usize>, all: &Sums) -> bool {
        let squares: f64 = self.sample[range.clone()].iter().map(|&row| self.answers.at(row as usize).1.powi(2)).sum();
        squares - all.purity() <= 1e-12 * squares
    }

    /// The best column and threshold among those considered; `None` where no column separates enough rows.
    fn split(&mut self, range: &Range<usize>, all: &Sums) -> Option<(usize, f64)> {
        let mut best: Option<(f64, usize, f64)> = None;
        let mut tried = 0;
        for feature in self.stream.permutation(self.columns.len()) {
            if tried == self.growth.columns {
                break;
            }
            let column = &self.columns[feature];
            let rows = &self.sample[range.clone()];
            let mut sorted: Vec<(f32, u32)> = rows.iter().map(|&row| (column[row as usize], row)).collect();
            sorted.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
            if sorted[0].0 == sorted[sorted.len() - 1].0 {
                continue;
            }
            tried += 1;
            let (mut left, mut right) = (Sums::new(self.answers.width()), all.clone());
            for (index, pair) in sorted.windows(2).enumerate() {
                let answer = self.answers.at(pair[0].1 as usize);
                left.add(answer, 1.0);
                right.add(answer, -1.0);
                let enough = (index + 1).min(sorted.len() - index - 1) >= self.growth.leaf;
                if pair[0].0 == pair[1].0 || !enough {
                    continue;
                }
                let purity = left.purity() + right.purity();
                if best.is_none_or(|(most, ..)| purity > most) {
                    // Exact: the sum of two single-precision numbers fits in double precision.
                    best = Some((purity, feature, (f64::from(pair[0].0) + f64::from(pair[1].0)) / 2.0));
                }
            }
        }
        best.map(|(_, feature, threshold)| (feature, threshold))
    }

    /// Brings the rows that go left to the front of `range` and returns where the others begin.
    fn part(&mut self, range: &Range<usize>, feature: usize, threshold: f64) -> usize {
        let column = &self.columns[feature];
        let mut middle = range.start;
        for index in range.clone() {
            if f64::from(column[self.sample[index] as usize]) <= threshold {
                self.sample.swap(index, middle);
                middle += 1;
            }
        }
        middle
    }
}
