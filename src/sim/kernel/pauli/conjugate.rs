//! Gates on three and more qubits in the Pauli basis: back to matrix entries, `U ρ U†`, and forth.
//!
//! A transfer matrix of k qubits has 16^k entries. Conjugation costs 2·8^k and needs only the 4^k entries of U.

use crate::math::C64;
use crate::math::matrix::c;
use crate::sim::kernel::float::Float;
use crate::sim::kernel::pauli::loops::PauliLayout;

/// `v ← letters of U ρ U†` on the operands of `layout`, or of `U† ρ U` with `inverse`.
pub fn conjugate<F: Float>(
    v: &mut [F],
    lanes: usize,
    layout: &PauliLayout,
    entries: &[F],
    by_row: bool,
    inverse: bool,
) {
    let size = side(layout);
    let mut rho = vec![c(0.0, 0.0); size * size];
    for_each_group(lanes, layout, |at, lane| {
        let u = unitary(entries, size, by_row.then_some((lanes, lane)), inverse);
        read(v, at, lanes, layout, &mut rho);
        let mut after = product(&product(&u, &rho, size), &dagger(&u, size), size);
        write(&mut after, v, at, lanes, layout);
    });
}

/// The derivative of `⟨g, letters of U ρ U†⟩` by the entries of U, added to `out[(2·entry + part)·L + lane]`, or summed
/// over lanes into `out[2·entry + part]`.
///
/// With `⟨g, v⟩ = tr(G ρ)·2ᵏ/2ᵏ`, `d tr(G U ρ U†) = 2 Re tr(dU ρ U† G)`.
pub fn outer<F: Float>(
    v: &[F],
    g: &[F],
    lanes: usize,
    layout: &PauliLayout,
    entries: &[F],
    by_row: bool,
    out: &mut [f64],
) {
    let size = side(layout);
    let (mut rho, mut bra) = (vec![c(0.0, 0.0); size * size], vec![c(0.0, 0.0); size * size]);
    for_each_group(lanes, layout, |at, lane| {
        let u = unitary(entries, size, by_row.then_some((lanes, lane)), false);
        read(v, at, lanes, layout, &mut rho);
        read(g, at, lanes, layout, &mut bra);
        // `read` divides by 2ᵏ once for each of ρ and G, and ⟨g, v⟩ = Σ_P g_P v_P = 2ᵏ tr(Gρ).
        let t = product(&product(&rho, &dagger(&u, size), size), &bra, size);
        for i in 0..size {
            for j in 0..size {
                let value = t[j * size + i] * (2.0 * size as f64);
                let (width, lane) = if by_row { (lanes, lane) } else { (1, 0) };
                out[2 * (i * size + j) * width + lane] += value.re;
                out[(2 * (i * size + j) + 1) * width + lane] -= value.im;
            }
        }
    });
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

fn unitary<F: Float>(entries: &[F], size: usize, lane: Option<(usize, usize)>, inverse: bool) -> Vec<C64> {
    let (width, lane) = lane.unwrap_or((1, 0));
    let number = |i: usize| c(entries[2 * i * width + lane].double(), entries[(2 * i + 1) * width + lane].double());
    let u: Vec<C64> = (0..size * size).map(number).collect();
    if inverse { dagger(&u, size) } else { u }
}

fn dagger(m: &[C64], size: usize) -> Vec<C64> {
    (0..size * size).map(|i| m[i % size * size + i / size].conj()).collect()
}

fn product(a: &[C64], b: &[C64], size: usize) -> Vec<C64> {
    let mut out = vec![c(0.0, 0.0); size * size];
    for (i, row) in out.chunks_exact_mut(size).enumerate() {
        for (k, &factor) in a[i * size..][..size].iter().enumerate().filter(|(_, z)| z.norm_sqr() > 0.0) {
            row.iter_mut().zip(&b[k * size..]).for_each(|(sum, z)| *sum += factor * z);
        }
    }
    out
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
