//! `peers TOOL sv FILE | TOOL grad QUBITS LAYERS BATCH | TOOL density FILE NOISE | TOOL trajectory FILE NOISE SHOTS`, then the
//! seconds to spend: prints `median least checksum`. The cases and the checksums are those of `qgraft bench`.

use std::time::Instant;

use num_complex::Complex64;

mod prism;
mod yao;

/// Repeats `call` for `budget` seconds; median and least time, and the last result.
fn timed<T>(budget: f64, mut call: impl FnMut() -> T) -> (f64, f64, T) {
    call();
    let (begun, mut seconds) = (Instant::now(), Vec::new());
    loop {
        let start = Instant::now();
        let result = call();
        seconds.push(start.elapsed().as_secs_f64());
        if begun.elapsed().as_secs_f64() > budget {
            seconds.sort_by(f64::total_cmp);
            return (seconds[seconds.len() / 2], seconds[0], result);
        }
    }
}

/// Σ_k p_k·cos(k mod 97).
fn checksum(probabilities: impl IntoIterator<Item = f64>) -> f64 {
    probabilities.into_iter().enumerate().map(|(k, p)| p * ((k % 97) as f64).cos()).sum()
}

fn amplitudes_checksum(amplitudes: &[Complex64]) -> f64 {
    checksum(amplitudes.iter().map(|a| a.norm_sqr()))
}

/// The angles of the gradient's case: rows of inputs, then the weights.
fn angles(qubits: usize, layers: usize, batch: usize) -> Vec<Vec<f64>> {
    let weight = |k: usize| 1.2 * (0.9 * k as f64 + 0.3).cos();
    let input = |k: usize| 1.5 * (0.7 * k as f64 + 0.1).sin();
    let row = |b: usize| (0..qubits).map(|i| input(b * qubits + i)).chain((0..qubits * layers).map(weight)).collect();
    (0..batch).map(row).collect()
}

/// Σ_i v_i·cos(i) of the inputs' gradients and of the weights' gradient summed over rows. (`qgraft bench` adds the same of the
/// outputs one by one, which tools that return only their sum cannot.)
fn gradient_checksum(qubits: usize, gradients: &[Vec<f64>]) -> f64 {
    let inputs = gradients.iter().flat_map(|row| row[..qubits].iter().copied());
    let weights = (qubits..gradients[0].len()).map(|k| gradients.iter().map(|row| row[k]).sum::<f64>());
    let sum = |values: Vec<f64>| values.iter().enumerate().map(|(i, v)| v * (i as f64).cos()).sum::<f64>();
    sum(inputs.collect()) + sum(weights.collect())
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let number = |k: usize| words[k].parse::<usize>().expect("a whole number");
    let budget: f64 = words.last().and_then(|word| word.parse().ok()).expect("seconds come last");
    let text = |k: usize| std::fs::read_to_string(words[k]).expect("a readable file");
    let (median, least, sum) = match words[..2] {
        ["prism-q", "sv"] => prism::states(&text(2), budget),
        ["prism-q", "grad"] => prism::gradient(number(2), number(3), number(4), budget),
        ["prism-q", "density"] => prism::density(&text(2), &text(3), budget),
        ["prism-q", "trajectory"] => prism::trajectories(&text(2), &text(3), number(4), budget),
        ["yao", "grad"] => yao::gradient(number(2), number(3), number(4), budget),
        _ => panic!("unknown case {words:?}"),
    };
    println!("{median:e} {least:e} {sum:.12}");
}
