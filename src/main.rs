//! The `qgraft` program, which is [`qgraft::cli`].

use std::env;

/// candle on one thread. By default it counts the cores anew for every matrix product by reading /proc/cpuinfo, half
/// the time of training a small network. The threads of its second pool would also wait for each other wherever several
/// trainings run side by side. qgraft runs trainings, rows of circuits and pictures of a trunk on its own threads.
const CANDLE: [(&str, &str); 3] = [("CANDLE_CPU_MASK", "0"), ("CANDLE_NUM_THREADS", "1"), ("CANDLE_CPU_AFFINITY", "0")];

/// The default number of threads. Rayon and candle would read it on their own, without bounds.
const THREADS: &str = "RAYON_NUM_THREADS";

fn main() -> std::process::ExitCode {
    let threads = env::var_os(THREADS).map(|text| text.to_string_lossy().into_owned());
    // SAFETY: the first statements of the program. There is no other thread that could read the environment.
    unsafe {
        env::remove_var(THREADS);
        CANDLE.into_iter().for_each(|(name, value)| env::set_var(name, value));
    }
    qgraft::cli::main(threads.as_deref())
}
