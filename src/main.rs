//! The `qgraft` program, which is [`qgraft::cli`].

use std::env;

/// candle on one thread. By default it counts the cores anew for every matrix product by reading /proc/cpuinfo, half
/// the time of training a small network. The threads of its second pool would also wait for each other wherever several
/// trainings run side by side. qgraft runs trainings, rows of circuits and pictures of a trunk on its own threads.
const CANDLE: [(&str, &str); 3] = [("CANDLE_CPU_MASK", "0"), ("CANDLE_NUM_THREADS", "1"), ("CANDLE_CPU_AFFINITY", "0")];

/// The default number of threads. Rayon and candle would read it on their own, without bounds.
const THREADS: &str = "RAYON_NUM_THREADS";

/// Settings of glibc's allocator: blocks below 32 MiB, the most it takes, are kept for the next tensor, up to 1 GiB of them.
/// By default it gives them back after each step of a training and the kernel clears the pages anew, two fifths of the time
/// of training a small network.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
fn keep_freed_memory() {
    for (parameter, value) in
        [(libc::M_TRIM_THRESHOLD, 1 << 30), (libc::M_TOP_PAD, 16 << 20), (libc::M_MMAP_THRESHOLD, 32 << 20)]
    {
        // SAFETY: it sets a number of the allocator under its lock. What it refuses stays as it was.
        unsafe { libc::mallopt(parameter, value) };
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn keep_freed_memory() {}

fn main() -> std::process::ExitCode {
    keep_freed_memory();
    let threads = env::var_os(THREADS).map(|text| text.to_string_lossy().into_owned());
    // SAFETY: the first statements of the program. There is no other thread that could read the environment.
    unsafe {
        env::remove_var(THREADS);
        CANDLE.into_iter().for_each(|(name, value)| env::set_var(name, value));
    }
    qgraft::cli::main(threads.as_deref())
}
