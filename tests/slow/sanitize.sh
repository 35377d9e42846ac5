#!/usr/bin/env bash
# The tests that reach the unsafe kernels, under AddressSanitizer (the widest vectors of this machine; the stable toolchain
# carries its runtime behind RUSTC_BOOTSTRAP) and under valgrind (AVX2 at most; wants valgrind). What was found when:
# tests/slow/README.md.
# The unit tests of the library run the kernels on plain arrays beside the machine's own vectors, so both are checked.
# Usage: tests/slow/sanitize.sh [address|valgrind]...
set -euo pipefail
cd "$(dirname "$0")/../.."

# Tests without tensors that run every simulator kernel.
kernels=(backends:: gradients:: peers:: states::)
# Valgrind runs 50 times slower: one test for each kernel of engines and gradients, of every width it has.
few=(
    backends::{prepared_programs,unitary_programs_with_readout,measured_programs,same_seed,wide_registers}
    gradients::random_programs peers:: states::{entanglement,entropies,variances}
)

address() {
    local host
    host=$(rustc -vV | sed -n 's/^host: //p')
    # With --target, build scripts and procedural macros stay without the sanitizer.
    local test=(cargo test --locked --no-default-features --target "$host")
    export RUSTC_BOOTSTRAP=1 RUSTFLAGS="-Zsanitizer=address" CARGO_TARGET_DIR=target/sanitize
    "${test[@]}" --lib
    "${test[@]}" --test it -- "${kernels[@]}"
}

valgrind_() {
    local build=(cargo test --locked --no-default-features --lib --test it --no-run)
    CARGO_TARGET_DIR=target/valgrind "${build[@]}"
    CARGO_TARGET_DIR=target/valgrind "${build[@]}" --message-format=json |
        sed -n 's/.*"executable":"\([^"]*\)".*/\1/p' |
        while read -r test; do
            echo "== $test"
            valgrind --error-exitcode=9 --leak-check=no --quiet "$test" --test-threads=1 sim:: "${few[@]}"
        done
}

for tool in "${@:-address}"; do
    case $tool in
    address) address ;;
    valgrind) valgrind_ ;;
    *) echo "there is no tool $tool; write address or valgrind" >&2 && exit 2 ;;
    esac
done
