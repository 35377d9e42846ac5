//! What a run found, held against what is expected of it.

use serde::Serialize;

use crate::study::StudyError;
use crate::study::stats::Spread;
use crate::study::stats::mean;
use crate::systems::checks::{CheckRow, Checked, checked, metrics};
use crate::systems::rotation::graft::Grafted;
use crate::systems::rotation::heads::{Form, HEADS};
use crate::systems::rotation::measure::{Found, Trained, Tried};
use crate::systems::rotation::spec::Spec;
use crate::systems::rotation::transfer::{STARTS, Transferred};

/// What a run found.
#[derive(Clone, Debug, Serialize)]
pub struct Findings {
    /// Those that could be asked.
    pub checks: Vec<Checked>,
    /// By head, in the order of the spec.
    pub heads: Vec<Measured>,
    /// The transfer, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transfer: Option<TransferFound>,
    /// Heads on the frozen backbone, by code, then head.
    pub grafts: Vec<GraftFound>,
}

/// One head over all seeds.
#[derive(Clone, Debug, Serialize)]
pub struct Measured {
    /// The head.
    pub head: String,
    /// Mean error over seeds, degrees.
    pub mean: Spread,
    /// Median error.
    pub median: Spread,
    /// Share below 10°.
    pub within_10: Spread,
    /// Error at the seam over error elsewhere.
    pub seam_ratio: Option<Spread>,
    /// Factors on the rate that were tried, each with the mean error on validation pictures.
    pub rates: Vec<(f64, Spread)>,
    /// Each seed by itself, at the rate that was chosen for it.
    pub seeds: Vec<Trained>,
}

/// The transfer over all seeds.
#[derive(Clone, Debug, Serialize)]
pub struct TransferFound {
    /// Share of test scenes whose class the source tells.
    pub source: Spread,
    /// Name of each start, mean error after its last epoch (degrees), and after each epoch.
    pub starts: Vec<(String, Spread, Vec<Spread>)>,
    /// Last error of the pretrained network over that of the one from scratch, by seed.
    pub ratio: Vec<f64>,
    /// Epochs in which the pretrained network comes to the last error from scratch, over all epochs, by seed.
    pub epochs: Vec<f64>,
}

/// A head on the frozen backbone over all seeds.
#[derive(Clone, Debug, Serialize)]
pub struct GraftFound {
    /// What it says.
    pub code: String,
    /// The head.
    pub head: String,
    /// How many numbers are trained.
    pub parameters: usize,
    /// Mean error, degrees.
    pub mean: Spread,
    /// Median error.
    pub median: Spread,
    /// Length of what it says on clear scenes.
    pub clear_length: Spread,
    /// The same on ambiguous ones.
    pub ambiguous_length: Spread,
    /// Mean error by seed.
    pub seeds: Vec<f64>,
}

/// Every check. Errors are means over pictures and seeds.
pub static CHECKS: &[CheckRow<Findings>] = &[
    CheckRow {
        name: "lowest",
        doc: "mean error of gaussian over the lowest of all",
        at_least: false,
        bound: 1.05,
        figure: |found| {
            let lowest = found.heads.iter().map(|head| head.mean.mean).reduce(f64::min)?;
            Some(found.error("gaussian")? / lowest).filter(|_| found.heads.len() > 1)
        },
    },
    CheckRow {
        name: "bins",
        doc: "mean error of gaussian over that of bins",
        at_least: false,
        bound: 1.0,
        figure: |found| Some(found.error("gaussian")? / found.error("bins")?),
    },
    CheckRow {
        name: "direct",
        doc: "mean error of direct, at the best of its rates, over that of gaussian",
        at_least: true,
        bound: 2.0,
        figure: |found| Some(found.error("direct")? / found.error("gaussian")?),
    },
    CheckRow {
        name: "naive",
        doc: "mean error of naive over that of gaussian",
        at_least: true,
        bound: 4.0,
        figure: |found| Some(found.error("naive")? / found.error("gaussian")?),
    },
    CheckRow {
        name: "worst",
        doc: "mean error of naive over the highest of all others",
        at_least: true,
        bound: 1.0,
        figure: |found| {
            let others = found.heads.iter().filter(|head| head.head != "naive").map(|head| head.mean.mean);
            Some(found.error("naive")? / others.reduce(f64::max)?)
        },
    },
    CheckRow {
        name: "seam",
        doc: "naive: error within 15° of the seam over error elsewhere",
        at_least: true,
        bound: 3.0,
        figure: |found| Some(found.head("naive")?.seam_ratio?.mean),
    },
    CheckRow {
        name: "seam_low",
        doc: "the same of the other heads, the lowest",
        at_least: true,
        bound: 0.7,
        figure: |found| found.circular_seams().reduce(f64::min),
    },
    CheckRow {
        name: "seam_high",
        doc: "the same of the other heads, the highest",
        at_least: false,
        bound: 1.6,
        figure: |found| found.circular_seams().reduce(f64::max),
    },
    CheckRow {
        name: "doubt",
        doc: "entropy on ambiguous scenes over that on clear ones, gaussian or bins, whichever is less",
        at_least: true,
        bound: 1.5,
        figure: |found| {
            let rise = |name| found.over(name, |t| t.doubt.map(|(clear, ambiguous)| ambiguous / clear));
            Some(rise("gaussian")?.min(rise("bins")?))
        },
    },
    CheckRow {
        name: "second_mode",
        doc: "mass of the second mode on ambiguous scenes, gaussian or bins, whichever is less",
        at_least: true,
        bound: 0.15,
        figure: |found| {
            let mass = |name| found.over(name, |t| t.second_mode);
            Some(mass("gaussian")?.min(mass("bins")?))
        },
    },
    CheckRow {
        name: "length",
        doc: "length of unit_vector on ambiguous scenes",
        at_least: false,
        bound: 0.7,
        figure: |found| found.over("unit_vector", |t| t.doubt.map(|doubt| doubt.1)),
    },
    CheckRow {
        name: "fourfold",
        doc: "|mean cos 4(told − true)| on pictures without content, the highest of all heads, mean over seeds",
        at_least: false,
        bound: 0.2,
        figure: |found| {
            let all = found.heads.iter().filter_map(|head| found.over(&head.head, |t| Some(t.fourfold)));
            all.reduce(f64::max)
        },
    },
    CheckRow {
        name: "transfer",
        doc: "few labels: mean error of the pretrained network over that from scratch, mean over seeds",
        at_least: false,
        bound: 0.6,
        figure: |found| mean(&found.transfer.as_ref()?.ratio),
    },
    CheckRow {
        name: "epochs",
        doc: "few labels: epochs in which the pretrained network comes to the last error from scratch, over all epochs",
        at_least: false,
        bound: 1.0 / 3.0,
        figure: |found| mean(&found.transfer.as_ref()?.epochs),
    },
];

/// Six decimals: far below anything that differs by chance.
fn rounded(value: f64) -> f64 {
    (1e6 * value).round() / 1e6
}

fn spread<T>(seeds: &[T], value: impl Fn(&T) -> Option<f64>) -> Option<Spread> {
    Spread::of(&seeds.iter().filter_map(value).map(rounded).collect::<Vec<f64>>())
}

impl Measured {
    fn of(head: &str, tried: &[Tried]) -> Self {
        let seeds: Vec<Trained> = tried.iter().filter_map(Tried::best).cloned().collect();
        let rates = tried.first().map_or(0, |tried| tried.0.len());
        let rate = |k: usize| Some((tried.first()?.0[k].rate, spread(tried, |tried| Some(tried.0[k].validation))?));
        Self {
            head: head.into(),
            mean: spread(&seeds, |t| Some(t.clear.mean)).unwrap_or_default(),
            median: spread(&seeds, |t| Some(t.clear.median)).unwrap_or_default(),
            within_10: spread(&seeds, |t| Some(t.clear.within_10)).unwrap_or_default(),
            seam_ratio: spread(&seeds, |t| t.clear.seam_ratio),
            rates: (0..rates).filter_map(rate).collect(),
            seeds,
        }
    }
}

impl TransferFound {
    fn of(seeds: &[Transferred]) -> Option<Self> {
        let start = |(k, (name, _)): (usize, &(&str, &str))| {
            let curves: Vec<Vec<f64>> =
                seeds.iter().map(|t| t.curves[k].iter().copied().map(rounded).collect()).collect();
            Some((name.to_string(), spread(seeds, |t| Some(t.last(k)))?, Spread::of_curves(&curves)))
        };
        Some(Self {
            source: spread(seeds, |t| Some(t.source))?,
            starts: STARTS.iter().enumerate().filter_map(start).collect(),
            ratio: seeds.iter().map(|t| rounded(t.last(1) / t.last(0))).collect(),
            epochs: seeds.iter().map(|t| rounded(t.epochs())).collect(),
        })
    }
}

impl GraftFound {
    fn of(code: &str, head: &str, seeds: &[&Grafted]) -> Option<Self> {
        Some(Self {
            code: code.into(),
            head: head.into(),
            parameters: seeds.first()?.parameters,
            mean: spread(seeds, |g| Some(g.clear.mean))?,
            median: spread(seeds, |g| Some(g.clear.median))?,
            clear_length: spread(seeds, |g| Some(g.length.0))?,
            ambiguous_length: spread(seeds, |g| Some(g.length.1))?,
            seeds: seeds.iter().map(|g| rounded(g.clear.mean)).collect(),
        })
    }
}

impl Findings {
    pub(super) fn of(spec: &Spec, found: &Found) -> Self {
        let heads = spec.heads.iter().zip(&found.heads).map(|(head, tried)| Measured::of(head, tried));
        let grafts = spec.grafts.codes.iter().flat_map(|code| spec.grafts.heads.iter().map(move |head| (code, head)));
        let graft = |(k, (code, head)): (usize, (&String, &String))| {
            let seeds: Vec<&Grafted> = found.transfers.iter().filter_map(|t| t.grafts.get(k)).collect();
            GraftFound::of(code, head, &seeds)
        };
        let mut findings = Self {
            checks: Vec::new(),
            heads: heads.collect(),
            transfer: TransferFound::of(&found.transfers),
            grafts: grafts.enumerate().filter_map(graft).collect(),
        };
        findings.checks = checked(CHECKS, &findings);
        findings
    }

    /// The head of this name.
    pub fn head(&self, name: &str) -> Option<&Measured> {
        self.heads.iter().find(|head| head.head == name)
    }

    fn error(&self, name: &str) -> Option<f64> {
        Some(self.head(name)?.mean.mean)
    }

    /// The mean over seeds of a figure of the head of this name.
    pub fn over(&self, name: &str, value: impl Fn(&Trained) -> Option<f64>) -> Option<f64> {
        Some(spread(&self.head(name)?.seeds, value)?.mean)
    }

    /// Ratios of errors at the seam of the heads that know the circle.
    fn circular_seams(&self) -> impl Iterator<Item = f64> {
        let circular = HEADS.iter().filter(|row| row.form != Form::Number);
        circular.filter_map(|row| Some(self.head(row.name)?.seam_ratio?.mean))
    }

    /// metrics.json.
    ///
    /// # Errors
    /// None in practice: the findings are plain data.
    pub fn to_json(&self) -> Result<String, StudyError> {
        metrics(self)
    }
}
