//! Settings of Spark that are tuned.

use std::collections::BTreeMap;

use crate::classic::tuning::{Configuration, Knob, Space};

/// One setting.
pub struct KnobRow {
    /// Column of a table of times, and name in reports.
    pub name: &'static str,
    /// Spark's name of it.
    pub property: &'static str,
    /// What follows a number: the unit.
    pub unit: &'static str,
    /// Whether a new session is needed for another value. The others change between two queries.
    pub is_static: bool,
    /// What it may be, with Spark's default.
    pub range: Range,
    /// Whether it counts only under adaptive execution.
    pub is_adaptive: bool,
}

/// What a setting may be.
pub enum Range {
    /// A switch with its default.
    Switch(bool),
    /// Least value, largest value, whether equal steps are equal factors, default.
    Whole(i64, i64, bool, i64),
    /// Least value, largest value, default.
    Number(f64, f64, f64),
    /// Names, the default first.
    Choice(&'static [&'static str]),
}

const SWITCH: [&str; 2] = ["false", "true"];
/// The switch that others depend on.
const ADAPTIVE: usize = 0;

const fn session(name: &'static str, property: &'static str, unit: &'static str, range: Range) -> KnobRow {
    KnobRow { name, property, unit, is_static: false, range, is_adaptive: false }
}

const fn adaptive(name: &'static str, property: &'static str, unit: &'static str, range: Range) -> KnobRow {
    KnobRow { is_adaptive: true, ..session(name, property, unit, range) }
}

const fn fixed(name: &'static str, property: &'static str, unit: &'static str, range: Range) -> KnobRow {
    KnobRow { is_static: true, ..session(name, property, unit, range) }
}

/// Every setting with its range: what matters on one machine, from the 60 of MFTune's public code. Defaults are those of Spark 3.5,
/// the version that this was written for.
pub static KNOBS: &[KnobRow] = &[
    session("adaptive", "spark.sql.adaptive.enabled", "", Range::Switch(true)),
    session("shuffle_partitions", "spark.sql.shuffle.partitions", "", Range::Whole(1, 400, true, 200)),
    adaptive("coalesce_partitions", "spark.sql.adaptive.coalescePartitions.enabled", "", Range::Switch(true)),
    adaptive(
        "advisory_partition_mb",
        "spark.sql.adaptive.advisoryPartitionSizeInBytes",
        "m",
        Range::Whole(1, 256, true, 64),
    ),
    adaptive("skew_join", "spark.sql.adaptive.skewJoin.enabled", "", Range::Switch(true)),
    adaptive("local_shuffle_reader", "spark.sql.adaptive.localShuffleReader.enabled", "", Range::Switch(true)),
    session("broadcast_threshold_mb", "spark.sql.autoBroadcastJoinThreshold", "m", Range::Whole(0, 100, false, 10)),
    session("max_partition_mb", "spark.sql.files.maxPartitionBytes", "m", Range::Whole(1, 512, true, 128)),
    session("open_cost_mb", "spark.sql.files.openCostInBytes", "m", Range::Whole(1, 64, true, 4)),
    session("prefer_sort_merge", "spark.sql.join.preferSortMergeJoin", "", Range::Switch(true)),
    session("whole_stage_codegen", "spark.sql.codegen.wholeStage", "", Range::Switch(true)),
    session("runtime_bloom_filter", "spark.sql.optimizer.runtime.bloomFilter.enabled", "", Range::Switch(true)),
    session("columnar_batch", "spark.sql.parquet.columnarReaderBatchSize", "", Range::Whole(512, 32_768, true, 4096)),
    fixed("memory_fraction", "spark.memory.fraction", "", Range::Number(0.2, 0.9, 0.6)),
    fixed("codec", "spark.io.compression.codec", "", Range::Choice(&["lz4", "snappy", "zstd"])),
    fixed("shuffle_compress", "spark.shuffle.compress", "", Range::Switch(true)),
    fixed("shuffle_file_buffer_kb", "spark.shuffle.file.buffer", "k", Range::Whole(16, 1024, true, 32)),
];

/// The settings as a space.
pub fn space() -> Space {
    let knob = |row: &KnobRow| {
        let knob = match row.range {
            Range::Switch(default) => Knob::choice(row.name, &SWITCH, usize::from(default)),
            Range::Whole(low, high, log, default) => Knob::whole(row.name, (low, high), log, default),
            Range::Number(low, high, default) => Knob::number(row.name, (low, high), false, default),
            Range::Choice(names) => Knob::choice(row.name, names, 0),
        };
        if row.is_adaptive { knob.only_if(ADAPTIVE, &[1]) } else { knob }
    };
    Space::new(KNOBS.iter().map(knob).collect()).expect("the rows are constants and valid")
}

/// Names and values that Spark is given.
pub type Properties = BTreeMap<String, String>;

/// A configuration as settings that need a new session, and settings of a session.
pub fn properties(space: &Space, configuration: &[f64]) -> (Properties, Properties) {
    let all = KNOBS.iter().zip(space.knobs()).zip(configuration).map(|((row, knob), value)| {
        (row.is_static, (row.property.to_string(), format!("{}{}", knob.text(*value), row.unit)))
    });
    let (fixed, session): (Vec<_>, Vec<_>) = all.partition(|(is_static, _)| *is_static);
    let only = |rows: Vec<(bool, (String, String))>| rows.into_iter().map(|(_, pair)| pair).collect();
    (only(fixed), only(session))
}

/// The same configurations with the static settings of the first of each `count`, so that as many share one session.
pub fn grouped(space: &Space, rows: Vec<Configuration>, count: usize) -> Vec<Configuration> {
    let heads: Vec<Configuration> = rows.iter().step_by(count.max(1)).cloned().collect();
    let one = |(k, mut own): (usize, Configuration)| {
        for (knob, _) in KNOBS.iter().enumerate().filter(|(_, row)| row.is_static) {
            own[knob] = heads[k / count.max(1)][knob];
        }
        space.canonical(own)
    };
    rows.into_iter().enumerate().map(one).collect()
}
