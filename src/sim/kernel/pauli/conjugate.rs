//! Gates on three and more qubits in the Pauli basis: back to matrix entries, `U ρ U†`, and forth.
//!
//! A transfer matrix of k qubits has 16^k entries. Conjugation costs 2·8^k and needs only the 4^k entries of U. With c
//! controls U is the identity but for 4^{k-c} entries, and conjugation costs 2·4^k·2^{k-c}.

use crate::math::C64;
use crate::math::matrix::c;
use crate::sim::kernel::float::Float;
use crate::sim::kernel::pauli::loops::PauliLayout;

/// A unitary on the operands of `layout` that acts where the first `controls` of them are 1.
#[derive(Clone, Copy)]
pub struct Controlled<'a, F> {
    pub layout: &'a PauliLayout,
    pub controls: usize,
    /// Its entries on the other operands, row major, real and imaginary part by turns.
    pub entries: &'a [F],
    /// Whether it has other entries in every lane.
    pub by_row: bool,
}

/// `v ← letters of U ρ U†`, or of `U† ρ U` with `inverse`.
pub fn conjugate<F: Float>(v: &mut [F], lanes: usize, unitary: Controlled<F>, inverse: bool) {
    let layout = unitary.layout;
    let size = side(layout);
    let mut rho = vec![c(0.0, 0.0); size * size];
    for_each_group(lanes, layout, |at, lane| {
        let active = Active::new(&unitary, size, lanes, lane, inverse);
        read(v, at, lanes, layout, &mut rho);
        active.multiply_left(&mut rho, size);
        active.multiply_right(&mut rho, size);
        write(&mut rho, v, at, lanes, layout);
    });
}

/// The derivative of `⟨g, letters of U ρ U†⟩` by the entries of U, added to `out[(2·entry + part)·L + lane]`, or summed
/// over lanes into `out[2·entry + part]`.
///
/// With `⟨g, v⟩ = tr(G ρ)·2ᵏ/2ᵏ`, `d tr(G U ρ U†) = 2 Re tr(dU ρ U† G)`.
pub fn outer<F: Float>(v: &[F], g: &[F], lanes: usize, unitary: Controlled<F>, out: &mut [f64]) {
    let layout = unitary.layout;
    let size = side(layout);
    let (mut rho, mut bra) = (vec![c(0.0, 0.0); size * size], vec![c(0.0, 0.0); size * size]);
    for_each_group(lanes, layout, |at, lane| {
        let active = Active::new(&unitary, size, lanes, lane, false);
        read(v, at, lanes, layout, &mut rho);
        read(g, at, lanes, layout, &mut bra);
        active.multiply_right(&mut rho, size);
        // `read` divides by 2ᵏ once for each of ρ and G, and ⟨g, v⟩ = Σ_P g_P v_P = 2ᵏ tr(Gρ).
        for (i, &row) in active.states.iter().enumerate() {
            for (j, &column) in active.states.iter().enumerate() {
                let t: C64 = (0..size).map(|k| rho[column * size + k] * bra[k * size + row]).sum();
                let value = t * (2.0 * size as f64);
                let (width, lane) = if unitary.by_row { (lanes, lane) } else { (1, 0) };
                let entry = i * active.states.len() + j;
                out[2 * entry * width + lane] += value.re;
                out[(2 * entry + 1) * width + lane] -= value.im;
            }
        }
    });
}

/// The part of a unitary that is not the identity, in one lane.
struct Active {
    /// The basis states on which it acts: all controls 1.
    states: Vec<usize>,
    entries: Vec<C64>,
}

impl Active {
    fn new<F: Float>(unitary: &Controlled<F>, size: usize, lanes: usize, lane: usize, inverse: bool) -> Self {
        let on = (1 << unitary.controls) - 1;
        let side = size >> unitary.controls;
        let states = (0..side).map(|state| state << unitary.controls | on).collect();
        let (width, lane) = if unitary.by_row { (lanes, lane) } else { (1, 0) };
        let list = unitary.entries;
        let number = |i: usize| c(list[2 * i * width + lane].double(), list[(2 * i + 1) * width + lane].double());
        let transposed = |i: usize| number(i % side * side + i / side).conj();
        let entries = (0..side * side).map(|i| if inverse { transposed(i) } else { number(i) }).collect();
        Self { states, entries }
    }

    /// `m ← U m`.
    fn multiply_left(&self, m: &mut [C64], size: usize) {
        let mut old = vec![c(0.0, 0.0); self.states.len()];
        for column in 0..size {
            old.iter_mut().zip(&self.states).for_each(|(z, row)| *z = m[row * size + column]);
            for (row, entries) in self.states.iter().zip(self.entries.chunks_exact(self.states.len())) {
                m[row * size + column] = entries.iter().zip(&old).map(|(a, b)| a * b).sum();
            }
        }
    }

    /// `m ← m U†`.
    fn multiply_right(&self, m: &mut [C64], size: usize) {
        let mut old = vec![c(0.0, 0.0); self.states.len()];
        for row in m.chunks_exact_mut(size) {
            old.iter_mut().zip(&self.states).for_each(|(z, column)| *z = row[*column]);
            for (column, entries) in self.states.iter().zip(self.entries.chunks_exact(self.states.len())) {
                row[*column] = entries.iter().zip(&old).map(|(a, b)| a.conj() * b).sum();
            }
        }
    }
}

fn side(layout: &PauliLayout) -> usize {
    layout.offsets.len().isqrt()
}

fn for_each_group(lanes: usize, layout: &PauliLayout, mut visit: impl FnMut(usize, usize)) {
    for base in &layout.bases {
        for at in base * lanes..(base + layout.run) * lanes {
            visit(at, at % lanes);
        }
    }
}

/// Row and column of a matrix whose bit pairs are the digits `p`.
fn entry(p: usize, size: usize) -> usize {
    let qubits = size.trailing_zeros() as usize;
    (0..qubits).fold(0, |at, q| at + (p >> (2 * q + 1) & 1) * (size << q) + ((p >> (2 * q) & 1) << q))
}

/// `ρ = Σ_P v_P P / 2ᵏ`.
fn read<F: Float>(v: &[F], at: usize, lanes: usize, layout: &PauliLayout, rho: &mut [C64]) {
    let size = side(layout);
    let mut digits: Vec<C64> = layout.offsets.iter().map(|offset| c(v[at + offset * lanes].double(), 0.0)).collect();
    let i = c(0.0, 1.0);
    each_digit(&mut digits, |[one, x, y, z]| [one + z, x - i * y, x + i * y, one - z].map(|entry| entry * 0.5));
    digits.iter().enumerate().for_each(|(p, value)| rho[entry(p, size)] = *value);
}

/// `v_P = tr(P ρ)`.
fn write<F: Float>(rho: &mut [C64], v: &mut [F], at: usize, lanes: usize, layout: &PauliLayout) {
    let size = side(layout);
    let mut digits: Vec<C64> = (0..size * size).map(|p| rho[entry(p, size)]).collect();
    let i = c(0.0, 1.0);
    each_digit(&mut digits, |[r00, r01, r10, r11]| [r00 + r11, r01 + r10, i * (r01 - r10), r00 - r11]);
    layout.offsets.iter().zip(digits).for_each(|(offset, value)| v[at + offset * lanes] = F::of(value.re));
}

/// Changes the basis of every digit.
fn each_digit(digits: &mut [C64], change: impl Fn([C64; 4]) -> [C64; 4]) {
    let mut step = 1;
    while step < digits.len() {
        for group in digits.chunks_exact_mut(4 * step) {
            for k in 0..step {
                let layout = [k, k + step, k + 2 * step, k + 3 * step];
                let changed = change(layout.map(|p| group[p]));
                layout.iter().zip(changed).for_each(|(&p, value)| group[p] = value);
            }
        }
        step *= 4;
    }
}
