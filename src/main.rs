//! The `qgraft` program, which is [`qgraft::cli`].

/// candle on one thread. By default it counts the cores anew for every matrix product by reading /proc/cpuinfo, half
/// the time of training a small network. The threads of its second pool would also wait for each other wherever several
/// trainings run side by side. qgraft runs trainings, rows of circuits and pictures of a trunk on its own threads.
const CANDLE: [(&str, &str); 2] = [("CANDLE_CPU_MASK", "0"), ("CANDLE_NUM_THREADS", "1")];

fn main() -> std::process::ExitCode {
    for (name, value) in CANDLE {
        if std::env::var_os(name).is_none() {
            // SAFETY: the first statement of the program. There is no other thread that could read the environment.
            unsafe { std::env::set_var(name, value) };
        }
    }
    qgraft::cli::main()
}
