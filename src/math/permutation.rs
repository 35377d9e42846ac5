//! Permutations, the group that some of them generate, and the orbits of its pairs.

use std::collections::VecDeque;

/// A permutation of 0..n.
///
/// ```
/// use qgraft::math::Permutation;
/// let reversal = Permutation::new(vec![2, 1, 0]).unwrap();
/// assert_eq!(reversal.of(0), 2);
/// assert_eq!(Permutation::parse("(0 2)", 3).unwrap(), reversal);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Permutation(Vec<usize>);

impl Permutation {
    /// The permutation that sends k to `images[k]`.
    ///
    /// # Errors
    /// Which image repeats or is out of range.
    pub fn new(images: Vec<usize>) -> Result<Self, String> {
        let mut seen = vec![false; images.len()];
        for (point, &image) in images.iter().enumerate() {
            match seen.get_mut(image) {
                None => return Err(format!("{point} goes to {image}, but points are 0 to {}", images.len() - 1)),
                Some(true) => return Err(format!("{image} is the image of two points")),
                Some(seen) => *seen = true,
            }
        }
        Ok(Self(images))
    }

    /// The permutation of `points` points that a text states: images of 0, 1, …, separated by blanks or commas, or cycles
    /// such as `(0 3)(1 2)`.
    ///
    /// # Errors
    /// What of it is no permutation.
    pub fn parse(text: &str, points: usize) -> Result<Self, String> {
        let number = |word: &str| word.parse::<usize>().map_err(|_| format!("{word:?} is no number of a point"));
        let words = |text: &str| -> Result<Vec<usize>, String> {
            let is_blank = |c: char| c.is_whitespace() || c == ',';
            text.split(is_blank).filter(|word| !word.is_empty()).map(number).collect()
        };
        let text = text.trim();
        if !text.starts_with('(') {
            let images = words(text)?;
            if images.len() != points {
                return Err(format!("it has {} images, expected {points}", images.len()));
            }
            return Self::new(images);
        }
        let mut images: Vec<usize> = (0..points).collect();
        let mut moved = vec![false; points];
        if !text.ends_with(')') {
            let open = text.rsplit('(').next().unwrap_or(text);
            return Err(format!("no ) behind \"({open}\""));
        }
        for cycle in text.split(')').map(str::trim).filter(|cycle| !cycle.is_empty()) {
            let Some(cycle) = cycle.strip_prefix('(') else { return Err(format!("{cycle:?} is no cycle")) };
            let cycle = words(cycle)?;
            for (k, &point) in cycle.iter().enumerate() {
                match moved.get_mut(point) {
                    None => return Err(format!("{point} is no point: points are 0 to {}", points - 1)),
                    Some(true) => return Err(format!("{point} is in two cycles or twice in one")),
                    Some(moved) => *moved = true,
                }
                images[point] = cycle[(k + 1) % cycle.len()];
            }
        }
        Ok(Self(images))
    }

    /// Where a point goes.
    pub fn of(&self, point: usize) -> usize {
        self.0[point]
    }

    /// Where each point goes.
    pub fn images(&self) -> &[usize] {
        &self.0
    }

    /// Number of points.
    pub fn points(&self) -> usize {
        self.0.len()
    }

    /// Whether every point stays.
    pub fn is_identity(&self) -> bool {
        self.0.iter().enumerate().all(|(point, &image)| point == image)
    }

    /// First this one, then another.
    fn then(&self, other: &Self) -> Self {
        Self(self.0.iter().map(|&image| other.0[image]).collect())
    }

    fn inverse(&self) -> Self {
        let mut images = vec![0; self.0.len()];
        self.0.iter().enumerate().for_each(|(point, &image)| images[image] = point);
        Self(images)
    }
}

/// The orbits of pairs (i, j) of points under a group that acts on both at once: the colours of the most general matrix
/// that commutes with the group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PairOrbits {
    /// Number of points.
    pub points: usize,
    /// The orbit of (i, j) at `i * points + j`; orbits are numbered by their smallest pair.
    pub colors: Vec<usize>,
    /// Number of orbits.
    pub count: usize,
}

impl PairOrbits {
    /// The orbits under the group that `generators` generate, by union and find over all pairs.
    ///
    /// # Panics
    /// If a generator has another number of points.
    pub fn new(points: usize, generators: &[Permutation]) -> Self {
        let mut parent: Vec<usize> = (0..points * points).collect();
        for generator in generators {
            assert_eq!(generator.points(), points, "generators act on the same points");
            for pair in 0..points * points {
                let image = generator.of(pair / points) * points + generator.of(pair % points);
                let (one, other) = (root(&mut parent, pair), root(&mut parent, image));
                parent[one.max(other)] = one.min(other);
            }
        }
        // The root of an orbit is its smallest pair, so numbers are given in order.
        let (mut colors, mut count) = (vec![0; points * points], 0);
        for pair in 0..points * points {
            let root = root(&mut parent, pair);
            if root == pair {
                (colors[pair], count) = (count, count + 1);
            } else {
                colors[pair] = colors[root];
            }
        }
        Self { points, colors, count }
    }

    /// The orbit of a pair.
    pub fn color(&self, i: usize, j: usize) -> usize {
        self.colors[i * self.points + j]
    }

    /// Whether a permutation keeps every orbit: the permutations that do are the 2-closure of the group.
    pub fn is_kept_by(&self, permutation: &Permutation) -> bool {
        let pairs = (0..self.points).flat_map(|i| (0..self.points).map(move |j| (i, j)));
        pairs.into_iter().all(|(i, j)| self.color(i, j) == self.color(permutation.of(i), permutation.of(j)))
    }
}

fn root(parent: &mut [usize], mut index: usize) -> usize {
    while parent[index] != index {
        parent[index] = parent[parent[index]];
        index = parent[index];
    }
    index
}

/// Generators of the automorphism group of a graph: the permutations of its points that keep their colours and map each edge,
/// without direction, to an edge. Along a chain of stabilisers each image of a base point that the generators before do not
/// reach is tried, by search with backtracking (Holt, Eick & O'Brien 2005, Handbook of Computational Group Theory, section 4.6).
/// It suits molecules: graphs of some tens of points with few neighbours each.
///
/// ```
/// use qgraft::math::permutation::{automorphisms, log_order};
/// let square = automorphisms(&[0; 4], &[(0, 1), (1, 2), (2, 3), (3, 0)]);
/// assert_eq!(log_order(4, &square).exp().round(), 8.0);
/// ```
///
/// # Panics
/// If an edge has a point that has no colour.
pub fn automorphisms(colors: &[usize], edges: &[(usize, usize)]) -> Vec<Permutation> {
    let points = colors.len();
    let mut graph = Graph { colors, joined: vec![false; points * points], degrees: vec![0; points] };
    for &(i, j) in edges {
        graph.joined[i * points + j] = true;
        graph.joined[j * points + i] = true;
    }
    for i in 0..points {
        graph.degrees[i] = (0..points).filter(|&j| graph.joined[i * points + j]).count();
    }
    let mut found: Vec<Permutation> = Vec::new();
    // From the last base point down, so that what was found before fixes all points before the base point.
    for base in (0..points).rev() {
        let mut reached = vec![base];
        for image in base + 1..points {
            if !reached.contains(&image) {
                let mut images: Vec<usize> = (0..base).collect();
                if graph.may_be(&images, image) {
                    images.push(image);
                    if graph.complete(&mut images) {
                        found.push(Permutation(images));
                    }
                }
            }
            reached = orbit(base, &found);
        }
    }
    found
}

/// The points that permutations send a point to, in any order and any number of times.
fn orbit(point: usize, by: &[Permutation]) -> Vec<usize> {
    let mut reached = vec![point];
    let mut next = 0;
    while next < reached.len() {
        for permutation in by {
            let image = permutation.of(reached[next]);
            if !reached.contains(&image) {
                reached.push(image);
            }
        }
        next += 1;
    }
    reached
}

struct Graph<'a> {
    colors: &'a [usize],
    joined: Vec<bool>,
    degrees: Vec<usize>,
}

impl Graph<'_> {
    /// Whether the point after those that have images may go to `image`.
    fn may_be(&self, images: &[usize], image: usize) -> bool {
        let (point, points) = (images.len(), self.colors.len());
        let is_alike = self.colors[point] == self.colors[image] && self.degrees[point] == self.degrees[image];
        is_alike
            && images.iter().enumerate().all(|(other, &to)| {
                to != image && self.joined[point * points + other] == self.joined[image * points + to]
            })
    }

    /// Gives images to the points that have none; nothing is changed if there is no way.
    fn complete(&self, images: &mut Vec<usize>) -> bool {
        if images.len() == self.colors.len() {
            return true;
        }
        for image in 0..self.colors.len() {
            if self.may_be(images, image) {
                images.push(image);
                if self.complete(images) {
                    return true;
                }
                images.pop();
            }
        }
        false
    }
}

/// The natural logarithm of the number of permutations that `generators` generate, by a chain of stabilisers
/// (Schreier–Sims; Holt, Eick & O'Brien 2005, Handbook of Computational Group Theory, section 4.4).
pub fn log_order(points: usize, generators: &[Permutation]) -> f64 {
    let mut chain: Vec<Stabilizer> = Vec::new();
    for generator in generators {
        insert(&mut chain, 0, points, generator.clone());
    }
    chain.iter().map(|level| (level.orbit.len() as f64).ln()).sum()
}

/// The permutations of a chain that fix the base points before its own.
struct Stabilizer {
    base: usize,
    generators: Vec<Permutation>,
    /// Points that the base point is sent to, each with a permutation that does.
    orbit: Vec<(usize, Permutation)>,
}

impl Stabilizer {
    fn representative(&self, point: usize) -> Option<&Permutation> {
        self.orbit.iter().find(|(own, _)| *own == point).map(|(_, by)| by)
    }
}

/// What is left of `permutation` below `level` after the representatives of the chain are taken off.
fn strip(chain: &[Stabilizer], level: usize, mut permutation: Permutation) -> (usize, Permutation) {
    for (depth, stabilizer) in chain.iter().enumerate().skip(level) {
        match stabilizer.representative(permutation.of(stabilizer.base)) {
            Some(by) => permutation = permutation.then(&by.inverse()),
            None => return (depth, permutation),
        }
    }
    (chain.len(), permutation)
}

/// Adds a permutation that fixes the base points before `level`.
fn insert(chain: &mut Vec<Stabilizer>, level: usize, points: usize, permutation: Permutation) {
    if strip(chain, level, permutation.clone()).1.is_identity() {
        return;
    }
    if level == chain.len() {
        // A permutation that is not the identity moves a point.
        let base = (0..points).find(|&point| permutation.of(point) != point).unwrap_or(0);
        let identity = Permutation((0..points).collect());
        chain.push(Stabilizer { base, generators: Vec::new(), orbit: vec![(base, identity)] });
    }
    chain[level].generators.push(permutation);
    // The orbit anew, so that each representative is a product of the generators of this level.
    let own = &chain[level];
    let identity = Permutation((0..points).collect());
    let mut orbit = vec![(own.base, identity)];
    let mut open = VecDeque::from([0]);
    while let Some(index) = open.pop_front() {
        for generator in &own.generators {
            let (point, by) = &orbit[index];
            let image = generator.of(*point);
            if orbit.iter().all(|(known, _)| *known != image) {
                let by = by.then(generator);
                orbit.push((image, by));
                open.push_back(orbit.len() - 1);
            }
        }
    }
    chain[level].orbit = orbit;
    // Schreier's generators of the next stabiliser.
    let mut found = Vec::new();
    let own = &chain[level];
    for (point, by) in &own.orbit {
        for generator in &own.generators {
            let image = own.representative(generator.of(*point)).expect("an orbit is closed under its generators");
            found.push(by.then(generator).then(&image.inverse()));
        }
    }
    for permutation in found {
        insert(chain, level + 1, points, permutation);
    }
}
