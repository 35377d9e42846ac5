//! The `qgraft` program: everything it does stands in [`qgraft::cli`].

/// candle on one thread. Its own number of threads it would find anew for every matrix product, by reading /proc/cpuinfo
/// (half the time of training a small network), and the threads of its second pool would wait for each other wherever
/// several trainings run side by side. The threads of a run are ours: trainings, rows of circuits, pictures of a trunk.
const CANDLE: [(&str, &str); 2] = [("CANDLE_CPU_MASK", "0"), ("CANDLE_NUM_THREADS", "1")];

fn main() -> std::process::ExitCode {
    for (name, value) in CANDLE {
        if std::env::var_os(name).is_none() {
            // SAFETY: the first statement of the program; there is no other thread that could read the environment.
            unsafe { std::env::set_var(name, value) };
        }
    }
    qgraft::cli::main()
}
