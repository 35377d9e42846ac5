//! The state: a chain of tensors, one for each site, in canonical form around one of them.

use ndarray::{Array2, Array3, ArrayView2, s};

use super::Bond;
use super::places::{Places, gather};
use super::split::{Lean, orthogonalised, split};
use crate::circuit::Letter;
use crate::math::matrix::{c, identity, square};
use crate::math::{C64, Matrix, Stream};
use crate::sim::readout::WideTerms;

/// Letters of a string with the sites that they are on.
type LettersAt = Vec<(usize, Letter)>;

/// A normalised state. Tensors have the axes (bond to the left, value of the qubit, bond to the right); left of the centre they
/// are isometries to the right, right of it isometries to the left.
#[derive(Clone)]
pub struct Chain {
    tensors: Vec<Array3<C64>>,
    centre: usize,
    pub places: Places,
    bond: Bond,
    pub losses: Losses,
}

/// What truncations dropped.
#[derive(Clone, Copy, Debug)]
pub struct Losses {
    /// Sum of the angles, radians, by which they turned the state.
    pub angle: f64,
    /// Sum of the trace distances, twice the root of each dropped weight.
    pub distance: f64,
    /// Product of what each left of the square of the norm.
    pub fidelity: f64,
    /// Number of dropped singular values.
    pub dropped: u64,
    /// Largest bond dimension.
    pub widest: usize,
}

impl Default for Losses {
    fn default() -> Self {
        Self { angle: 0.0, distance: 0.0, fidelity: 1.0, dropped: 0, widest: 1 }
    }
}

fn matrix(tensor: Array3<C64>, rows: usize) -> Matrix {
    let columns = tensor.len() / rows;
    tensor.into_shape_with_order((rows, columns)).expect("tensors are contiguous and have as many numbers")
}

fn tensor(matrix: Matrix, shape: (usize, usize, usize)) -> Array3<C64> {
    // Products and copies may come with their axes in the other order.
    let matrix = if matrix.is_standard_layout() { matrix } else { matrix.as_standard_layout().into_owned() };
    matrix.into_shape_with_order(shape).expect("matrices are contiguous and have as many numbers")
}

fn adjoint(m: ArrayView2<C64>) -> Matrix {
    m.t().mapv(|z| z.conj())
}

impl Chain {
    /// All qubits in |0⟩.
    pub fn new(qubits: usize, bond: Bond) -> Self {
        let mut ground = Array3::zeros((1, 2, 1));
        ground[[0, 0, 0]] = C64::from(1.0);
        Self { tensors: vec![ground; qubits], centre: 0, places: Places::new(qubits), bond, losses: Losses::default() }
    }

    fn bonds(&self) -> Vec<usize> {
        let inner = self.tensors.len().saturating_sub(1);
        self.tensors[..inner].iter().map(|tensor| tensor.dim().2).collect()
    }

    fn take(&mut self, site: usize) -> Array3<C64> {
        std::mem::take(&mut self.tensors[site])
    }

    /// Makes `site` the centre.
    pub fn centre_at(&mut self, site: usize) {
        while self.centre < site {
            let own = self.take(self.centre);
            let (left, _, right) = own.dim();
            let (q, r) = orthogonalised(matrix(own, left * 2).view());
            let kept = q.ncols();
            self.tensors[self.centre] = tensor(q, (left, 2, kept));
            self.centre += 1;
            let next = self.take(self.centre);
            let far = next.dim().2;
            self.tensors[self.centre] = tensor(r.dot(&matrix(next, right)), (kept, 2, far));
        }
        while self.centre > site {
            let own = self.take(self.centre);
            let (left, _, right) = own.dim();
            let (q, r) = orthogonalised(adjoint(matrix(own, left).view()).view());
            let kept = q.ncols();
            self.tensors[self.centre] = tensor(adjoint(q.view()), (kept, 2, right));
            self.centre -= 1;
            let next = self.take(self.centre);
            let far = next.dim().0;
            self.tensors[self.centre] = tensor(matrix(next, far * 2).dot(&adjoint(r.view())), (far, 2, kept));
        }
    }

    /// Brings qubits side by side with the centre among them; the first of their sites.
    fn gathered(&mut self, qubits: &[usize]) -> usize {
        let (swaps, start) = gather(&self.places.sites(qubits), &self.bonds());
        for (k, &bond) in swaps.iter().enumerate() {
            self.swap(bond, swaps.get(k + 1).copied().unwrap_or(start));
        }
        let end = start + qubits.len() - 1;
        self.centre_at(self.centre.clamp(start, end));
        start
    }

    /// The qubits on both sides of a bond change places. The centre goes to that side which is nearer to the site `toward`.
    fn swap(&mut self, bond: usize, toward: usize) {
        let block = self.block(bond, 2);
        let (left, _, right) = block.dim();
        let swapped =
            Array3::from_shape_fn((left, 4, right), |(l, value, r)| block[[l, value >> 1 | (value & 1) << 1, r]]);
        self.places.swap(bond);
        self.put(bond, 2, swapped, toward);
    }

    /// Brings every qubit to the site of its number.
    pub fn in_order(&mut self) {
        for qubit in 0..self.tensors.len() {
            for bond in (qubit..self.places.site(qubit)).rev() {
                self.swap(bond, qubit);
            }
        }
    }

    /// The tensor of `count` sites from `start` on, with one axis for their values, the first site's being the most
    /// significant.
    fn block(&mut self, start: usize, count: usize) -> Array3<C64> {
        self.centre_at(self.centre.clamp(start, start + count - 1));
        let mut block = self.take(start);
        for site in start + 1..start + count {
            let (left, values, middle) = block.dim();
            let next = self.take(site);
            let right = next.dim().2;
            block = tensor(matrix(block, left * values).dot(&matrix(next, middle)), (left, values * 2, right));
        }
        block
    }

    /// Puts a block back as single sites, truncated; the centre goes to that end of it which is nearer to `toward`.
    fn put(&mut self, start: usize, count: usize, block: Array3<C64>, toward: usize) {
        let (mut left, mut values, mut right) = block.dim();
        let mut rest = block;
        let lean = if 2 * toward < 2 * start + count { Lean::Left } else { Lean::Right };
        for k in 1..count {
            values /= 2;
            let rows = if lean == Lean::Right { left * 2 } else { left * values };
            let factors = split(matrix(rest, rows).view(), lean, &self.bond);
            let kept = factors.left.ncols();
            self.note(factors.lost, factors.dropped, kept);
            match lean {
                Lean::Right => {
                    self.tensors[start + k - 1] = tensor(factors.left, (left, 2, kept));
                    rest = tensor(factors.right, (kept, values, right));
                    left = kept;
                }
                Lean::Left => {
                    self.tensors[start + count - k] = tensor(factors.right, (kept, 2, right));
                    rest = tensor(factors.left, (left, values, kept));
                    right = kept;
                }
            }
        }
        self.centre = if lean == Lean::Right { start + count - 1 } else { start };
        self.tensors[self.centre] = rest;
        self.normalise();
    }

    fn note(&mut self, lost: f64, dropped: usize, kept: usize) {
        let losses = &mut self.losses;
        losses.widest = losses.widest.max(kept);
        if dropped > 0 {
            let root = lost.clamp(0.0, 1.0).sqrt();
            losses.angle += root.asin();
            losses.distance += 2.0 * root;
            losses.fidelity *= 1.0 - lost;
            losses.dropped += dropped as u64;
        }
    }

    fn normalise(&mut self) {
        let centre = &mut self.tensors[self.centre];
        let norm = centre.iter().map(|z| z.norm_sqr()).sum::<f64>().sqrt();
        // A state that an impossible outcome left has no norm.
        if norm > 0.0 {
            centre.mapv_inplace(|z| z / norm);
        }
    }

    /// A unitary on operands, the first listed the least significant bit of its index. The centre is left at the end nearer to
    /// the qubit `toward`.
    pub fn apply(&mut self, operands: &[usize], unitary: &Matrix, toward: usize) {
        if let [qubit] = operands {
            let site = self.places.site(*qubit);
            let own = &self.tensors[site];
            let turned = on_block(own, unitary);
            self.tensors[site] = turned;
            return;
        }
        let start = self.gathered(operands);
        let block = self.block(start, operands.len());
        let turned = on_block(&block, &self.by_sites(operands, start, unitary));
        let toward = self.places.site(toward);
        self.put(start, operands.len(), turned, toward);
    }

    /// A unitary on operands where all `controls` are 1, however many and wherever they are: `1 + P (U - 1)` with the projector P
    /// on the controls, an operator whose bonds have dimension 2. The state and its image are put side by side, which doubles
    /// the bonds from the first to the last of these sites, and truncated once.
    pub fn apply_controlled(&mut self, controls: &[usize], operands: &[usize], unitary: &Matrix, toward: usize) {
        let (start, count) = (self.gathered(operands), operands.len());
        let sites: Vec<usize> = controls.iter().map(|&control| self.places.site(control)).collect();
        let first = sites.iter().copied().fold(start, usize::min);
        let last = sites.iter().copied().fold(start + count - 1, usize::max);
        self.centre_at(first);
        let mut image: Vec<Array3<C64>> = self.tensors[first..=last].to_vec();
        for site in sites {
            image[site - first].slice_mut(s![.., 0, ..]).fill(C64::default());
        }
        let change = unitary - &identity(unitary.nrows());
        on_sites(&mut image[start - first..start - first + count], &self.by_sites(operands, start, &change));
        for (site, other) in (first..=last).zip(image) {
            let own = self.take(site);
            self.tensors[site] = beside(&own, &other, site > first, site < last);
        }
        // Left of the first site and right of the last one tensors are isometries as before.
        self.centre_at(last);
        for bond in (first..last).rev() {
            let block = self.block(bond, 2);
            self.put(bond, 2, block, first);
        }
        let toward = self.places.site(toward);
        self.centre_at(toward.clamp(first, last));
    }

    /// A matrix on operands as one on the block of sites that they are on, whose first site is the most significant.
    fn by_sites(&self, operands: &[usize], start: usize, m: &Matrix) -> Matrix {
        let count = operands.len();
        let operand_index = |index: usize| {
            operands.iter().enumerate().fold(0, |sum, (k, &qubit)| {
                let position = count - 1 - (self.places.site(qubit) - start);
                sum | (index >> position & 1) << k
            })
        };
        Array2::from_shape_fn(m.dim(), |(i, j)| m[[operand_index(i), operand_index(j)]])
    }

    /// One of some operators K, drawn with the probability of `K†K`, on one or two operands; which one.
    pub fn draw(&mut self, operands: &[usize], operators: &[Matrix], stream: &mut Stream, toward: usize) -> usize {
        let start = self.gathered(operands);
        let block = self.block(start, operands.len());
        let density = density(&block);
        let by_sites: Vec<Matrix> = operators.iter().map(|k| self.by_sites(operands, start, k)).collect();
        // tr(K ρ K†)
        let weight = |k: &Matrix| (k.dot(&density) * k.mapv(|z| z.conj())).sum().re.max(0.0);
        let weights: Vec<f64> = by_sites.iter().map(weight).collect();
        let picked = drawn(&weights, stream);
        let turned = on_block(&block, &by_sites[picked]);
        let toward = self.places.site(toward);
        self.put(start, operands.len(), turned, toward);
        picked
    }

    /// Expectation values of sums of strings.
    pub fn expectations(&mut self, observables: &[WideTerms]) -> Vec<f64> {
        let mut values = vec![0.0; observables.len()];
        let mut strings: Vec<(LettersAt, usize, f64)> = Vec::new();
        for (o, terms) in observables.iter().enumerate() {
            for (weight, string) in terms {
                let at = |&(qubit, letter): &(usize, Letter)| (self.places.site(qubit), letter);
                let mut letters: LettersAt = string.letters().iter().map(at).collect();
                letters.sort_unstable_by_key(|(site, _)| *site);
                match letters.is_empty() {
                    true => values[o] += weight,
                    false => strings.push((letters, o, *weight)),
                }
            }
        }
        // From the left to the right: the centre goes along.
        strings.sort_by_key(|(letters, ..)| letters[0].0);
        for (letters, o, weight) in strings {
            values[o] += weight * self.string(&letters);
        }
        values
    }

    fn string(&mut self, letters: &[(usize, Letter)]) -> f64 {
        let (first, last) = (letters[0].0, letters[letters.len() - 1].0);
        self.centre_at(first);
        let mut letters = letters.iter().peekable();
        let mut environment: Option<Matrix> = None;
        for site in first..=last {
            let own = &self.tensors[site];
            let (left, _, right) = own.dim();
            let turned = match letters.next_if(|(at, _)| *at == site) {
                Some((_, letter)) => on_block(own, &of_letter(*letter)),
                None => own.clone(),
            };
            let turned = match &environment {
                Some(environment) => environment.dot(&matrix(turned, left)),
                None => matrix(turned, left),
            };
            let bra = adjoint(matrix(own.clone(), left * 2).view());
            environment = Some(bra.dot(&matrix(tensor(turned, (left, 2, right)), left * 2)));
        }
        environment.map_or(1.0, |environment| environment.diag().sum().re)
    }

    /// `⟨self|other⟩` of states whose qubits are on the same sites.
    pub fn overlap(&self, other: &Self) -> C64 {
        assert_eq!(self.tensors.len(), other.tensors.len(), "overlaps are of states with as many qubits");
        let mut environment = Matrix::from_elem((1, 1), C64::from(1.0));
        for (bra, ket) in self.tensors.iter().zip(&other.tensors) {
            let (rows, (left, _, _)) = (bra.dim().0 * 2, ket.dim());
            let turned = environment.dot(&matrix(ket.clone(), left));
            let ket = turned.into_shape_with_order((rows, ket.dim().2)).expect("products are contiguous");
            environment = adjoint(matrix(bra.clone(), rows).view()).dot(&ket);
        }
        environment[[0, 0]]
    }

    /// `tr ρ²` of the qubit on each site, which is 1 if no other is entangled with it and 1/2 at least.
    pub fn purities(&mut self) -> Vec<f64> {
        let sites = 0..self.tensors.len();
        let purity = |site: usize| {
            self.centre_at(site);
            density(&self.tensors[site]).iter().map(|z| z.norm_sqr()).sum()
        };
        sites.map(purity).collect()
    }

    /// Outcome of a measurement of all qubits, one value for each. The centre has to be at the first site.
    pub fn sampled(&self, stream: &mut Stream) -> Vec<bool> {
        let mut values = vec![false; self.tensors.len()];
        let mut row = Array2::from_elem((1, 1), C64::from(1.0));
        for (site, own) in self.tensors.iter().enumerate() {
            let (left, _, right) = own.dim();
            let view = own.view().into_shape_with_order((left, 2 * right)).expect("tensors are contiguous");
            let both = row.dot(&view);
            let weight = |value: usize| -> f64 {
                both.slice(s![0, value * right..(value + 1) * right]).iter().map(|z| z.norm_sqr()).sum()
            };
            let weights = [weight(0), weight(1)];
            let value = drawn(&weights, stream);
            values[self.places.qubit(site)] = value == 1;
            let norm = weights[value].sqrt().max(f64::MIN_POSITIVE);
            row = both.slice(s![.., value * right..(value + 1) * right]).mapv(|z| z / norm);
        }
        values
    }

    /// Probabilities of all outcomes of all qubits, 2^n of them.
    pub fn probabilities(&self) -> Vec<f64> {
        let mut rows = Array2::from_elem((1, 1), C64::from(1.0));
        for own in &self.tensors {
            let (left, _, right) = own.dim();
            let view = own.view().into_shape_with_order((left, 2 * right)).expect("tensors are contiguous");
            let count = rows.nrows();
            rows = rows.dot(&view).into_shape_with_order((2 * count, right)).expect("products are contiguous");
        }
        let sites = self.tensors.len();
        let mut p = vec![0.0; rows.nrows()];
        for (index, amplitude) in rows.iter().enumerate() {
            let outcome =
                (0..sites).fold(0, |sum, site| sum | (index >> (sites - 1 - site) & 1) << self.places.qubit(site));
            p[outcome] = amplitude.norm_sqr();
        }
        p
    }

    /// Projects a qubit on a drawn outcome.
    pub fn measure(&mut self, qubit: usize, stream: &mut Stream) -> bool {
        let projector = |value: usize| {
            let mut m = Matrix::zeros((2, 2));
            m[[value, value]] = C64::from(1.0);
            m
        };
        self.draw(&[qubit], &[projector(0), projector(1)], stream, qubit) == 1
    }
}

fn of_letter(letter: Letter) -> Matrix {
    square(match letter {
        Letter::X => [[c(0.0, 0.0), c(1.0, 0.0)], [c(1.0, 0.0), c(0.0, 0.0)]],
        Letter::Y => [[c(0.0, 0.0), c(0.0, -1.0)], [c(0.0, 1.0), c(0.0, 0.0)]],
        Letter::Z => [[c(1.0, 0.0), c(0.0, 0.0)], [c(0.0, 0.0), c(-1.0, 0.0)]],
    })
}

/// An index drawn with these weights.
pub fn drawn(weights: &[f64], stream: &mut Stream) -> usize {
    let mut rest = stream.uniform() * weights.iter().sum::<f64>();
    let found = weights.iter().position(|weight| {
        rest -= weight;
        rest < 0.0
    });
    let likeliest = || (0..weights.len()).max_by(|&a, &b| weights[a].total_cmp(&weights[b])).unwrap_or(0);
    found.unwrap_or_else(likeliest)
}

/// Tensors of two sums side by side: blocks on the diagonal of the bonds that both are summed over, else one common bond.
fn beside(one: &Array3<C64>, other: &Array3<C64>, left: bool, right: bool) -> Array3<C64> {
    let ((l, _, r), (m, _, t)) = (one.dim(), other.dim());
    let (below, behind) = (if left { l } else { 0 }, if right { r } else { 0 });
    let mut both = Array3::zeros((below + m, 2, behind + t));
    both.slice_mut(s![..l, .., ..r]).assign(one);
    let mut corner = both.slice_mut(s![below.., .., behind..]);
    corner += other;
    both
}

/// A matrix on neighbouring sites, the first of which is the most significant.
fn on_sites(sites: &mut [Array3<C64>], m: &Matrix) {
    let mut block = sites[0].clone();
    for next in &sites[1..] {
        let (left, values, middle) = block.dim();
        let right = next.dim().2;
        block = tensor(matrix(block, left * values).dot(&matrix(next.clone(), middle)), (left, values * 2, right));
    }
    let mut rest = on_block(&block, m);
    for site in &mut *sites {
        let (left, values, right) = rest.dim();
        if values == 2 {
            *site = rest;
            return;
        }
        let (q, r) = orthogonalised(matrix(rest, left * 2).view());
        let kept = q.ncols();
        *site = tensor(q, (left, 2, kept));
        rest = tensor(r, (kept, values / 2, right));
    }
}

/// `Σ_q m[p, q] block[l, q, r]`.
fn on_block(block: &Array3<C64>, m: &Matrix) -> Array3<C64> {
    let (left, values, right) = block.dim();
    let mut out = Array3::zeros((left, values, right));
    let (from, to) = (block.as_slice().expect("tensors are contiguous"), out.as_slice_mut().expect("a new array"));
    for l in 0..left {
        for p in 0..values {
            let row = &mut to[(l * values + p) * right..][..right];
            for q in 0..values {
                let factor = m[[p, q]];
                if factor != C64::default() {
                    let source = &from[(l * values + q) * right..][..right];
                    row.iter_mut().zip(source).for_each(|(to, from)| *to += factor * from);
                }
            }
        }
    }
    out
}

/// The density matrix of the values of a block that holds the centre.
fn density(block: &Array3<C64>) -> Matrix {
    let (left, values, right) = block.dim();
    let from = block.as_slice().expect("tensors are contiguous");
    let mut density = Matrix::zeros((values, values));
    for l in 0..left {
        let row = |value: usize| &from[(l * values + value) * right..][..right];
        for p in 0..values {
            for q in 0..values {
                density[[p, q]] += row(p).iter().zip(row(q)).map(|(a, b)| a * b.conj()).sum::<C64>();
            }
        }
    }
    density
}
