//! The `qgraft` program: everything it does stands in [`qgraft::cli`].

fn main() -> std::process::ExitCode {
    qgraft::cli::main()
}
