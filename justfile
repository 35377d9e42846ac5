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

# Every reader on a million mutated files each, hours on two cores; writes the table of docs/reliability.md.
fuzz CASES="1000000":
    QGRAFT_FUZZ_CASES={{CASES}} QGRAFT_WRITE_PAGES=1 cargo test --release --features parquet --test it fuzz::every_reader -- --nocapture

docs:
    cargo doc --no-deps --open
