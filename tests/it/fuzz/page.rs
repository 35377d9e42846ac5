//! The table of docs/reliability.md: a row for each reader, of the last run of this reader.
//!
//! A row states its own date, revision, seed and limit, so readers can run one by one. Writing replaces the rows of a run and
//! keeps all others.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;

use super::targets::{TARGETS, Target};
use super::worker::{Report, SECONDS};

/// Lines around the table.
const MARKS: [&str; 2] = ["<!-- table of the last run: written by the test -->\n", "<!-- end of the table -->\n"];

const HEAD: &str = "| reader | what | date | revision | seed | limit (s) | cases | read | refused | faults | slowest (ms) | memory (MB) |\n\
                    |---|---|---|---|--:|--:|--:|--:|--:|--:|--:|--:|\n";

/// What all rows of a run share.
pub struct Run {
    /// As 2026-11-30.
    date: String,
    /// With a plus sign where a file outside docs/ differs from it.
    revision: String,
    seed: u64,
}

impl Run {
    /// Asked before the cases run: they may take hours, and the checkout may move on.
    pub fn now(seed: u64) -> Run {
        let said = |program: &str, arguments: &[&str]| -> String {
            let output = Command::new(program).args(arguments).current_dir(env!("CARGO_MANIFEST_DIR")).output();
            output.map_or(String::new(), |output| String::from_utf8_lossy(&output.stdout).trim().to_string())
        };
        let changed = said("git", &["status", "--porcelain", "--untracked-files=no", "--", ".", ":!docs"]);
        let sign = if changed.is_empty() { "" } else { "+" };
        Run {
            date: said("date", &["-u", "+%Y-%m-%d"]),
            revision: said("git", &["rev-parse", "--short=7", "HEAD"]) + sign,
            seed,
        }
    }
}

/// A row: the name of the reader, and all cells behind `what`.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    name: String,
    cells: Vec<String>,
}

impl Row {
    pub fn new(target: &Target, report: &Report, faults: usize, run: &Run) -> Row {
        let Report { read, refused, slowest, peak } = report;
        let cells = [
            run.date.clone(),
            run.revision.clone(),
            run.seed.to_string(),
            SECONDS.to_string(),
            (read + refused).to_string(),
            read.to_string(),
            refused.to_string(),
            faults.to_string(),
            format!("{:.0}", slowest.0 * 1e3),
            peak.div_ceil(1 << 20).to_string(),
        ];
        Row { name: target.name.into(), cells: cells.into() }
    }

    /// `None` for a line that is no row of `HEAD`.
    fn parse(line: &str) -> Option<Row> {
        let cells: Vec<&str> = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect();
        let is_whole = cells.len() + 1 == HEAD.lines().next()?.matches('|').count();
        is_whole.then(|| Row { name: cells[0].into(), cells: cells[2..].iter().map(|cell| cell.to_string()).collect() })
    }
}

/// The rows in the order of the readers. A row whose reader is gone is left out.
pub fn table(rows: &[Row]) -> String {
    let line = |target: &Target| {
        let row = rows.iter().find(|row| row.name == target.name)?;
        Some(format!("| {} | {} | {} |\n", target.name, target.doc, row.cells.join(" | ")))
    };
    HEAD.to_string() + &TARGETS.iter().filter_map(line).collect::<String>()
}

/// The page with this row in place of the one of its reader.
fn replaced(page: &str, row: &Row) -> String {
    let (before, rest) = page.split_once(MARKS[0]).unwrap();
    let (old, after) = rest.split_once(MARKS[1]).unwrap();
    let mut rows: Vec<Row> = old.lines().filter_map(Row::parse).filter(|old| old.name != row.name).collect();
    rows.push(row.clone());
    format!("{before}{}\n{}\n{}{after}", MARKS[0], table(&rows), MARKS[1])
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reliability.md")
}

/// Writes a row. Several runs may write at the same time: each holds the lock of a file while it reads and writes the page.
pub fn write(row: &Row) {
    let lock = File::open(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).unwrap();
    lock.lock().unwrap();
    let page = fs::read_to_string(path()).unwrap();
    fs::write(path(), replaced(&page, row)).unwrap();
}

#[test]
fn the_page_has_a_row_for_every_reader_and_no_other() {
    let page = fs::read_to_string(path()).unwrap();
    let (_, rest) = page.split_once(MARKS[0]).unwrap();
    let (old, _) = rest.split_once(MARKS[1]).unwrap();
    let rows: Vec<Row> = old.lines().filter_map(Row::parse).collect();
    for target in TARGETS {
        assert!(
            rows.iter().any(|row| row.name == target.name),
            "docs/reliability.md lacks {}; `just fuzz` writes it",
            target.name
        );
    }
    assert_eq!(
        old.trim(),
        table(&rows).trim(),
        "docs/reliability.md: its table is not what the run of a reader writes"
    );
}

#[test]
fn a_row_is_replaced_and_the_others_stay() {
    let page = fs::read_to_string(path()).unwrap();
    let report = Report { read: 700_000, refused: 300_000, slowest: (0.0123, 7), peak: 5 << 20 };
    let run = Run { date: "2030-01-02".into(), revision: "0123abc".into(), seed: 4 };
    let target = &TARGETS[3];
    let new = replaced(&page, &Row::new(target, &report, 0, &run));
    let line = format!(
        "| {} | {} | 2030-01-02 | 0123abc | 4 | {SECONDS} | 1000000 | 700000 | 300000 | 0 | 12 | 5 |",
        target.name, target.doc
    );
    let own = format!("| {} |", target.name);
    for (before, after) in page.lines().zip(new.lines()) {
        assert_eq!(after, if before.starts_with(&own) { &line } else { before });
    }
    assert_eq!(page.lines().count(), new.lines().count());
}
