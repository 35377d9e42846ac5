//! What is expected of a whole run. Errors are means over pictures and seeds.

use crate::lab::{Check, Expect, Query, Results, Samples};
use crate::study::stats::mean;
use crate::systems::rotation::encodings::{ENCODINGS, Encoding};

/// Mean error of a guess around the circle, degrees.
const GUESS: f64 = 90.0;

/// Every check.
pub const CHECKS: &[Check] = &[
    Check {
        name: "lowest",
        doc: "mean error of gaussian over the lowest of all",
        expect: Expect::AtMost(1.05),
        value: |all| {
            let errors = errors(all, |_| true);
            let lowest = errors.iter().copied().reduce(f64::min)?;
            Some(error(all, "gaussian")? / lowest).filter(|_| errors.len() > 1)
        },
    },
    Check {
        name: "bins",
        doc: "mean error of gaussian over that of bins",
        expect: Expect::AtMost(1.0),
        value: |all| Some(error(all, "gaussian")? / error(all, "bins")?),
    },
    Check {
        name: "direct",
        // That it is worse than gaussian, one that learns nothing would meet as well.
        doc: "mean error of direct, at the best of its rates, over 90°, that of a guess",
        expect: Expect::AtMost(0.667),
        value: |all| Some(error(all, "direct")? / GUESS),
    },
    Check {
        name: "naive",
        doc: "mean error of naive over that of gaussian",
        expect: Expect::AtLeast(4.0),
        value: |all| Some(error(all, "naive")? / error(all, "gaussian")?),
    },
    Check {
        name: "worst",
        doc: "mean error of naive over the highest of all others",
        expect: Expect::AtLeast(1.0),
        value: |all| Some(error(all, "naive")? / errors(all, |name| name != "naive").into_iter().reduce(f64::max)?),
    },
    Check {
        name: "seam",
        doc: "naive: error within 15° of the seam over error elsewhere",
        expect: Expect::AtLeast(3.0),
        value: |all| Some(of(all, "seam_ratio", "naive")?.mean()),
    },
    Check {
        name: "seam_low",
        doc: "lowest ratio of the two errors among the other encodings",
        expect: Expect::AtLeast(0.7),
        value: |all| circular_seams(all).reduce(f64::min),
    },
    Check {
        name: "seam_high",
        doc: "highest ratio of the two errors among the other encodings",
        expect: Expect::AtMost(1.6),
        value: |all| circular_seams(all).reduce(f64::max),
    },
    Check {
        name: "doubt",
        doc: "entropy on ambiguous scenes over that on clear ones, the lower of gaussian and bins",
        expect: Expect::AtLeast(1.5),
        value: |all| {
            let rise = |name| ratio(&of(all, "entropy_ambiguous", name)?, &of(all, "entropy_clear", name)?);
            Some(rise("gaussian")?.min(rise("bins")?))
        },
    },
    Check {
        name: "second_mode",
        doc: "mass of the second mode on ambiguous scenes, the lower of gaussian and bins",
        expect: Expect::AtLeast(0.15),
        value: |all| {
            let mass = |name| Some(of(all, "second_mode", name)?.mean());
            Some(mass("gaussian")?.min(mass("bins")?))
        },
    },
    Check {
        name: "length",
        doc: "length of unit_vector on ambiguous scenes",
        expect: Expect::AtMost(0.7),
        value: |all| Some(of(all, "length_ambiguous", "unit_vector")?.mean()),
    },
    Check {
        name: "fourfold",
        doc: "|mean cos 4(predicted − true)| on pictures without content, the highest of all encodings, mean over seeds",
        expect: Expect::AtMost(0.2),
        value: |all| query(all, "fourfold").by("encoding").iter().map(|(_, seeds)| seeds.mean()).reduce(f64::max),
    },
    Check {
        name: "transfer",
        doc: "few labels: mean error of the pretrained network over that from scratch, mean over seeds",
        expect: Expect::AtMost(0.6),
        value: |all| ratio(&start(all, "error", "pretrained")?, &start(all, "error", "scratch")?),
    },
    Check {
        name: "epochs",
        doc: "few labels: epochs until the pretrained network has the last error from scratch, over all epochs",
        expect: Expect::AtMost(1.0 / 3.0),
        value: |all| Some(start(all, "epochs_needed", "pretrained")?.mean()),
    },
];

fn query<'a>(all: &'a Results, metric: &str) -> Query<'a> {
    all.of(metric).grid("encodings").plain()
}

fn of(all: &Results, metric: &str, encoding: &str) -> Option<Samples> {
    query(all, metric).at("encoding", encoding).samples()
}

fn start(all: &Results, metric: &str, start: &str) -> Option<Samples> {
    all.of(metric).grid("transfer").at("start", start).samples()
}

fn error(all: &Results, encoding: &str) -> Option<f64> {
    Some(of(all, "error", encoding)?.mean())
}

/// Mean errors of the encodings with these names.
fn errors(all: &Results, is_meant: impl Fn(&str) -> bool) -> Vec<f64> {
    let by_encoding = query(all, "error").by("encoding");
    by_encoding.iter().filter(|(name, _)| is_meant(name)).map(|(_, seeds)| seeds.mean()).collect()
}

/// Ratios of errors at the seam of the circular-aware encodings.
fn circular_seams(all: &Results) -> impl Iterator<Item = f64> {
    let circular = ENCODINGS.iter().filter(|row| row.encoding != Encoding::Number);
    circular.filter_map(|row| Some(of(all, "seam_ratio", row.name)?.mean()))
}

/// Mean over seeds of the ratio of two figures of one seed.
fn ratio(figures: &Samples, others: &Samples) -> Option<f64> {
    let (figures, others) = figures.paired(others, &["seed"]);
    mean(&figures.iter().zip(&others).map(|(figure, other)| figure / other).collect::<Vec<f64>>())
}
