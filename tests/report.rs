//! The report: complete, self-contained, deterministic, and written as one piece or not at all.
#![cfg(feature = "learn")]

mod sample;

use std::fs;
use std::path::Path;

use qgraft::study::report;

/// For a reader's eye: the page of the sample data stays in the build folder.
#[test]
fn the_sample_page_can_be_looked_at() {
    let page = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sample_report.html");
    fs::write(&page, report::html(&sample::report())).unwrap();
}
