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

docs:
    cargo doc --no-deps --open
