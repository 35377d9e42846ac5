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
same "$folder/qgraft" simulate circuits/qaoa_ring.qasm --threads 1 --shots 100 --observable 'X0 X1 + Z2' --observable Z0
same "$folder/qgraft" simulate circuits/qaoa_ring.qasm --threads 1 --shots 300 --device torino --transpile --observable Z0
echo "mpi.sh: the same at 1, 2 and 4 ranks"
