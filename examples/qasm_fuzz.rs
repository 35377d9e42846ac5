//! Reads mutated OpenQASM texts: `cargo run --release --no-default-features --example qasm_fuzz -- 1000000 [SEED]`.
//! A million take minutes, so CI runs some thousand of them in tests/qasm.rs.

#[path = "../tests/qasm/fuzz.rs"]
mod fuzz;

fn main() {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>().expect("a number"));
    let (count, seed) = (arguments.next().unwrap_or(1_000_000), arguments.next().unwrap_or(1));
    let corpus = fuzz::corpus();
    // In pieces, each with a seed of its own, so that a slow or hungry one shows where it is.
    for piece in 0..count.div_ceil(100_000) {
        let size = (count - piece * 100_000).min(100_000);
        let summary = fuzz::run(&corpus, seed + piece, size);
        let peak = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        let peak = peak.lines().find(|line| line.starts_with("VmHWM")).unwrap_or("VmHWM: unknown").to_string();
        println!(
            "seed {}: {size} texts, {} accepted, slowest {:?}, {peak}",
            seed + piece,
            summary.accepted,
            summary.slowest
        );
    }
}
