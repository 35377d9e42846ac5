#!/usr/bin/env bash
# The example `ranks` and `qgraft simulate` as processes of MPI: the same output at 1, 2 and 4 ranks, from rank 0 alone.
# Usage: tests/slow/mpi.sh [--release]
set -euo pipefail
cd "$(dirname "$0")/../.."

if ! command -v mpirun >/dev/null || ! command -v mpicc >/dev/null; then
    echo "mpi.sh: no mpirun or no mpicc (Debian: libopenmpi-dev openmpi-bin libclang-dev): skipped"
    exit 0
fi
cargo build --locked --features mpi --bin qgraft --example ranks "$@"
folder=${CARGO_TARGET_DIR:-target}/debug
[[ ${1:-} == --release ]] && folder=${CARGO_TARGET_DIR:-target}/release
# Open MPI refuses root and more ranks than cores unless it is told.
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMPI_MCA_rmaps_base_oversubscribe=1

# The output of a command at so many ranks without what has to differ: their number and times.
at() { mpirun -n "$1" "${@:2}" | sed -E 's/[0-9]+ ranks?//; s/, [0-9.]+ [nµm]?s$//'; }
same() {
    local alone
    alone=$(at 1 "$@")
    for ranks in 2 4; do
        diff <(echo "$alone") <(at $ranks "$@") || { echo "mpi.sh: $ranks ranks differ from 1: $*"; exit 1; }
    done
    printf '%s\n\n' "$alone"
}
same "$folder/examples/ranks"
angles=(--angles 0.4,0.7,0.2,0.9)
same "$folder/qgraft" simulate circuits/qaoa_ring.qasm "${angles[@]}" --threads 1 --shots 100 --observable 'X0 X1 + Z2' --observable Z0
same "$folder/qgraft" simulate circuits/qaoa_ring.qasm "${angles[@]}" --threads 1 --shots 300 --device torino --transpile --observable Z0
# A register that no list of outcomes holds, three measured bits of it, and shots of matrix product states.
chain=(examples/circuits/chain.qasm --input n=20 --input layers=2 --threads 1 --observable Z10)
same "$folder/qgraft" simulate "${chain[@]}" --shots 50
same "$folder/qgraft" simulate "${chain[@]}" --engine mps --device torino --transpile
few=$(mktemp --suffix .qasm)
trap 'rm -f "$few"' EXIT
echo 'OPENQASM 3; include "stdgates.inc"; input uint n; qubit[n] q; bit[3] c; h q[0]; for int k in [1:n - 1] { cx q[k - 1], q[k]; }
c[0] = measure q[3]; c[1] = measure q[5]; c[2] = measure q[n - 1];' >"$few"
same "$folder/qgraft" simulate "$few" --input n=20 --threads 1 --shots 50
same "$folder/qgraft" simulate "$few" --input n=8 --threads 1 --shots 600 --engine mps --device fez --transpile
echo "mpi.sh: the same at 1, 2 and 4 ranks"
