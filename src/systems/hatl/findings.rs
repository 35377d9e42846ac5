//! What a run found, held against what is expected of it.

use serde::Serialize;

use crate::study::StudyError;
use crate::study::stats::Spread;
use crate::study::stats::{mean, sd};
use crate::systems::checks::{CheckRow, Checked, checked, metrics};
use crate::systems::hatl::measure::{Learned, Measured};
use crate::systems::hatl::spec::Spec;

/// What a run found. Scores are in per cent.
#[derive(Clone, Debug, Serialize)]
pub struct Findings {
    /// Those checks that could be asked.
    pub checks: Vec<Checked>,
    /// What is measured, in the order of the scores; the first is compared.
    pub measures: Vec<String>,
    /// Accuracy on actions that were held out, by seed.
    pub source: Vec<f64>,
    /// Arm by arm.
    pub arms: Vec<ArmFound>,
}

/// One arm over all seeds.
#[derive(Clone, Debug, Serialize)]
pub struct ArmFound {
    /// Its name.
    pub arm: String,
    /// By measure, then by seed.
    pub scores: Vec<Vec<f64>>,
    /// The dev metric after each epoch, mean over seeds.
    pub curve: Vec<f64>,
    /// Epochs, counted from 1, in which more began to move than before, by seed.
    pub releases: Vec<Vec<usize>>,
    /// How often the rule decided what, in epochs of all seeds; nothing without a rule.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub verdicts: Vec<(String, usize)>,
}

/// Every check, on the first measure.
pub static CHECKS: &[CheckRow<[ArmFound]>] = &[
    CheckRow {
        name: "gain",
        doc: "hatl over the better of frozen and full, ratio of means",
        at_least: true,
        bound: 1.05,
        figure: |arms| Some(average(arms, "hatl")? / average(arms, "frozen")?.max(average(arms, "full")?)),
    },
    CheckRow {
        name: "spread",
        doc: "standard deviation over seeds of hatl over that of full",
        at_least: false,
        bound: 1.0,
        figure: |arms| Some(sd(scores(arms, "hatl")?)? / sd(scores(arms, "full")?)?),
    },
    CheckRow {
        name: "worst",
        doc: "seeds on which hatl is behind both frozen and full",
        at_least: false,
        bound: 0.0,
        figure: |arms| {
            let [hatl, frozen, full] = [scores(arms, "hatl")?, scores(arms, "frozen")?, scores(arms, "full")?];
            let behind = |seed: &usize| hatl[*seed] < frozen[*seed] && hatl[*seed] < full[*seed];
            Some((0..hatl.len()).filter(behind).count() as f64)
        },
    },
    CheckRow {
        name: "restore",
        doc: "points of hatl over no_restore",
        at_least: true,
        bound: 0.0,
        figure: |arms| over(arms, "no_restore"),
    },
    CheckRow {
        name: "rates",
        doc: "points of hatl over one_rate",
        at_least: true,
        bound: 0.0,
        figure: |arms| over(arms, "one_rate"),
    },
    CheckRow {
        name: "metric",
        doc: "points of hatl over fixed",
        at_least: true,
        bound: 0.0,
        figure: |arms| over(arms, "fixed"),
    },
    CheckRow {
        name: "order",
        doc: "points of hatl over bottom_up",
        at_least: true,
        bound: 0.0,
        figure: |arms| over(arms, "bottom_up"),
    },
    CheckRow {
        name: "transfer",
        doc: "hatl over scratch, ratio of means",
        at_least: true,
        bound: 1.2,
        figure: |arms| Some(average(arms, "hatl")? / average(arms, "scratch")?),
    },
];

fn scores<'a>(arms: &'a [ArmFound], name: &str) -> Option<&'a [f64]> {
    arms.iter().find(|found| found.arm == name).and_then(|found| found.scores.first()).map(Vec::as_slice)
}

fn average(arms: &[ArmFound], name: &str) -> Option<f64> {
    mean(scores(arms, name)?)
}

fn over(arms: &[ArmFound], name: &str) -> Option<f64> {
    Some(average(arms, "hatl")? - average(arms, name)?)
}

/// Four decimals.
fn rounded(value: f64) -> f64 {
    (1e4 * value).round() / 1e4
}

impl ArmFound {
    fn of(arm: &str, seeds: &[Learned]) -> Self {
        let measures = seeds.first().map_or(0, |learned| learned.scores.len());
        let curves: Vec<Vec<f64>> = seeds.iter().map(|learned| learned.curve.clone()).collect();
        let mut verdicts: Vec<(String, usize)> = Vec::new();
        for verdict in seeds.iter().flat_map(|learned| &learned.verdicts) {
            let name = format!("{verdict:?}");
            match verdicts.iter_mut().find(|(known, _)| *known == name) {
                Some((_, count)) => *count += 1,
                None => verdicts.push((name, 1)),
            }
        }
        let score = |measure: usize| seeds.iter().map(|learned| rounded(100.0 * learned.scores[measure].1)).collect();
        Self {
            arm: arm.into(),
            scores: (0..measures).map(score).collect(),
            curve: Spread::of_curves(&curves).iter().map(|spread| rounded(spread.mean)).collect(),
            releases: seeds.iter().map(|learned| learned.releases.clone()).collect(),
            verdicts,
        }
    }
}

impl Findings {
    pub(super) fn of(spec: &Spec, measured: &Measured) -> Self {
        let arms: Vec<_> = spec.arms.iter().zip(&measured.arms).map(|(arm, seeds)| ArmFound::of(arm, seeds)).collect();
        let first = measured.arms.iter().flatten().next();
        Self {
            checks: checked(CHECKS, &arms[..]),
            measures: first.map_or(Vec::new(), |learned| learned.scores.iter().map(|(name, _)| name.clone()).collect()),
            source: measured.source.iter().map(|accuracy| rounded(*accuracy)).collect(),
            arms,
        }
    }

    /// The arm of this name.
    pub fn arm(&self, name: &str) -> Option<&ArmFound> {
        self.arms.iter().find(|found| found.arm == name)
    }

    /// metrics.json.
    ///
    /// # Errors
    /// None in practice: the findings are plain data.
    pub fn to_json(&self) -> Result<String, StudyError> {
        metrics(self)
    }
}
