# What a developer runs; each line works without just, too.

# Format, lints, tests, docs: what CI runs.
ci:
    .ci/run

# The main job.
run *ARGS:
    cargo run --release -- run qtl {{ARGS}}

# Benches of one floor, for example `just bench sim`.
bench FLOOR:
    cargo bench --bench {{FLOOR}}

# Every reader on a million mutated files each, hours on two cores; writes the table of docs/reliability.md row by row.
# Some readers alone: QGRAFT_FUZZ_TARGETS=npz,pth just fuzz.
fuzz CASES="1000000":
    QGRAFT_FUZZ_CASES={{CASES}} QGRAFT_WRITE_PAGES=1 cargo test --release --features parquet --test it fuzz::every_reader -- --nocapture

# The Python package with every framework, in an environment that has them: its tests and PennyLane's own suite.
python-full:
    cd python && maturin develop --release && python -m pytest -q -W ignore tests
    pl-device-test --device=qgraft.simulator --shots=None -p no:cacheprovider -q -W ignore
    pl-device-test --device=qgraft.simulator --shots=10000 -p no:cacheprovider -q -W ignore
    python -m sphinx -W -q python/docs python/docs/_build

docs:
    cargo doc --no-deps --open
