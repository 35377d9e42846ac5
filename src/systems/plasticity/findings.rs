//! What a run found, held against what is expected of it.

use serde::Serialize;

use crate::study::StudyError;
use crate::study::stats::{effect_size, mean};
use crate::systems::checks::{CheckRow, Checked, checked, metrics};
use crate::systems::plasticity::arms::Arm;
use crate::systems::plasticity::health::Health;
use crate::systems::plasticity::measure::Found;
use crate::systems::plasticity::spec::Spec;

/// What a run found.
#[derive(Clone, Debug, Serialize)]
pub struct Findings {
    /// Those that could be asked.
    pub checks: Vec<Checked>,
    /// Setting by setting.
    pub settings: Vec<SettingFound>,
}

/// One setting over all seeds.
#[derive(Clone, Debug, Serialize)]
pub struct SettingFound {
    /// Name of its row.
    pub setting: String,
    /// Of the network before the source phase, mean over seeds.
    pub fresh: Health,
    /// After it.
    pub trained: Health,
    /// Shares, each with what the choices by gradients of two halves of the rows have in common (Jaccard), mean over seeds.
    pub stability: Vec<(f64, f64)>,
    /// Share of dormant angles of the circuit as it comes from the source, mean over seeds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dormant_angles: Option<f64>,
    /// Processor time of choosing by gradient and replacing, over that of the whole fine-tuning. A time, so not among
    /// the metrics.
    #[serde(skip)]
    pub cost: Option<f64>,
    /// Arm by arm.
    pub arms: Vec<ArmFound>,
}

/// One arm over all seeds. Accuracies are those on test rows.
#[derive(Clone, Debug, Serialize)]
pub struct ArmFound {
    /// Its name.
    pub arm: String,
    /// Mean accuracy over the epochs (area under the learning curve), by seed.
    pub area: Vec<f64>,
    /// Accuracy after the last epoch, by seed.
    pub last: Vec<f64>,
    /// Accuracy after each epoch, mean over seeds.
    pub curve: Vec<f64>,
    /// Accuracy right before and right after weights were replaced, mean over seeds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub around: Option<(f64, f64)>,
    /// Share of weights replaced, mean over seeds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub replaced: Option<f64>,
}

const GRADIENT: &str = "gradient 30 % resample";
const MAGNITUDE: &str = "magnitude 30 % resample";
const RANDOM: &str = "random 30 % resample";
/// The share that is judged on drawn pictures, fixed before any run.
const GENTLE: &str = "gradient 10 % resample";

/// Every check. Areas are means of test accuracy over the epochs.
pub static CHECKS: &[CheckRow<[SettingFound]>] = &[
    CheckRow {
        name: "dormant",
        doc: "random_labels: share of dormant units after the source, over that of a fresh network",
        at_least: true,
        bound: 2.0,
        figure: |all| {
            let SettingFound { fresh, trained, .. } = setting(all, "random_labels")?;
            Some(trained.dormant / fresh.dormant).filter(|ratio| ratio.is_finite())
        },
    },
    CheckRow {
        name: "loss",
        doc: "random_labels: area of scratch over plain fine-tuning (\"far below\" read as 0.2)",
        at_least: true,
        bound: 0.2,
        figure: |all| gap(all, "random_labels", "scratch", "plain"),
    },
    CheckRow {
        name: "closed",
        doc: "random_labels: share of that gap which gradient 30 % resample closes",
        at_least: true,
        bound: 0.6,
        figure: |all| {
            let of = |arm: &str| gap(all, "random_labels", arm, "plain");
            Some(of(GRADIENT)? / of("scratch")?)
        },
    },
    CheckRow {
        name: "over_random",
        doc: "random_labels: area of gradient over random, both 30 % resample",
        at_least: true,
        bound: 0.0,
        figure: |all| gap(all, "random_labels", GRADIENT, RANDOM),
    },
    CheckRow {
        name: "over_magnitude",
        doc: "random_labels: area of gradient over magnitude, both 30 % resample",
        at_least: true,
        bound: 0.0,
        figure: |all| gap(all, "random_labels", GRADIENT, MAGNITUDE),
    },
    CheckRow {
        name: "useful_over_plain",
        doc: "useful_source: area of gradient 30 % resample over plain, in standard errors of the paired difference",
        at_least: true,
        bound: 2.0,
        figure: |all| in_errors(all, "useful_source", GRADIENT, "plain"),
    },
    CheckRow {
        name: "useful_over_random",
        doc: "useful_source: area of gradient over random, both 30 % resample, in standard errors",
        at_least: true,
        bound: 5.0,
        figure: |all| in_errors(all, "useful_source", GRADIENT, RANDOM),
    },
    CheckRow {
        name: "far_epochs",
        doc: "far: epochs in which gradient 10 % resample comes to plain's last accuracy, over those in which plain does",
        at_least: false,
        bound: 0.8,
        figure: |all| {
            let far = setting(all, "far")?;
            let plain = far.arm("plain")?;
            let goal = *plain.curve.last()?;
            // An arm that never comes there counts as one epoch more than there are.
            let epochs = |arm: &ArmFound| 1 + arm.curve.iter().position(|a| *a >= goal).unwrap_or(arm.curve.len());
            Some(epochs(far.arm(GENTLE)?) as f64 / epochs(plain) as f64)
        },
    },
    CheckRow {
        name: "far_last",
        doc: "far: last accuracy of gradient 10 % resample over plain",
        at_least: true,
        bound: 0.0,
        figure: |all| mean(&paired(all, "far", GENTLE, "plain", |arm| &arm.last)?),
    },
    CheckRow {
        name: "near_last",
        doc: "near: the same",
        at_least: true,
        bound: -0.005,
        figure: |all| mean(&paired(all, "near", GENTLE, "plain", |arm| &arm.last)?),
    },
    CheckRow {
        name: "far_targeted",
        doc: "far: area of gradient or magnitude, whichever is ahead, over random, all 10 % resample, in standard errors",
        at_least: true,
        bound: 1.0,
        figure: |all| {
            let over = |arm: &str| in_errors(all, "far", arm, "random 10 % resample");
            Some(over(GENTLE)?.max(over("magnitude 10 % resample")?))
        },
    },
];

fn setting<'a>(all: &'a [SettingFound], name: &str) -> Option<&'a SettingFound> {
    all.iter().find(|found| found.setting == name)
}

fn paired(
    all: &[SettingFound],
    name: &str,
    arm: &str,
    other: &str,
    values: fn(&ArmFound) -> &Vec<f64>,
) -> Option<Vec<f64>> {
    let found = setting(all, name)?;
    let (arm, other) = (values(found.arm(arm)?), values(found.arm(other)?));
    Some(arm.iter().zip(other).map(|(a, b)| a - b).collect())
}

fn gap(all: &[SettingFound], name: &str, arm: &str, other: &str) -> Option<f64> {
    mean(&paired(all, name, arm, other, |arm| &arm.area)?)
}

/// Mean paired difference of areas over its standard error; `None` of one seed.
fn in_errors(all: &[SettingFound], name: &str, arm: &str, other: &str) -> Option<f64> {
    let differences = paired(all, name, arm, other, |arm| &arm.area)?;
    Some(effect_size(&differences)? * (differences.len() as f64).sqrt())
}

/// Five decimals: a test row is a thousandth.
fn rounded(value: f64) -> f64 {
    (1e5 * value).round() / 1e5
}

/// Mean of what there is; 0 of nothing.
fn average<T>(items: &[T], value: impl Fn(&T) -> f64) -> f64 {
    rounded(mean(&items.iter().map(value).collect::<Vec<f64>>()).unwrap_or(0.0))
}

impl SettingFound {
    /// The arm of this name.
    pub fn arm(&self, name: &str) -> Option<&ArmFound> {
        self.arms.iter().find(|found| found.arm == name)
    }

    fn of(spec: &Spec, setting: &str, arms: &[Arm], found: &[Found]) -> Self {
        let health = |of: fn(&Found) -> Health| Health {
            dormant: average(found, |f| of(f).dormant),
            dead: average(found, |f| of(f).dead),
            rank: average(found, |f| of(f).rank),
        };
        let arm = |(index, arm): (usize, &Arm)| {
            let learned: Vec<_> = found.iter().map(|f| &f.arms[index]).collect();
            let epochs = learned.iter().map(|l| l.curve.len()).min().unwrap_or(0);
            let around: Vec<(f64, f64)> = learned.iter().filter_map(|l| l.around).collect();
            let replaced: Vec<f64> = learned.iter().filter_map(|l| l.replaced).collect();
            ArmFound {
                arm: arm.name.clone(),
                area: learned.iter().map(|l| average(&l.curve, |a| *a)).collect(),
                last: learned.iter().map(|l| rounded(l.curve.last().copied().unwrap_or(0.0))).collect(),
                curve: (0..epochs).map(|epoch| average(&learned, |l| l.curve[epoch])).collect(),
                around: (!around.is_empty()).then(|| (average(&around, |a| a.0), average(&around, |a| a.1))),
                replaced: (!replaced.is_empty()).then(|| average(&replaced, |share| *share)),
            }
        };
        let is_informed = |index: &usize| arms[*index].name.starts_with("gradient");
        let costs: Vec<f64> =
            found.iter().flat_map(|f| (0..arms.len()).filter(is_informed).map(|index| f.arms[index].cost)).collect();
        let stability = spec.shares.iter().enumerate();
        let sleeping: Vec<f64> = found.iter().filter_map(|f| f.dormant_angles).collect();
        Self {
            setting: setting.into(),
            fresh: health(|f| f.fresh),
            trained: health(|f| f.trained),
            stability: stability.map(|(k, share)| (*share, average(found, |f| f.stability[k]))).collect(),
            dormant_angles: (!sleeping.is_empty()).then(|| average(&sleeping, |share| *share)),
            cost: mean(&costs),
            arms: arms.iter().enumerate().map(arm).collect(),
        }
    }
}

impl Findings {
    pub(super) fn of(spec: &Spec, arms: &[Arm], found: &[Found]) -> Self {
        let by_setting = spec.settings.iter().zip(found.chunks(spec.seeds.len()));
        let settings: Vec<_> =
            by_setting.map(|(setting, found)| SettingFound::of(spec, setting, arms, found)).collect();
        Self { checks: checked(CHECKS, &settings[..]), settings }
    }

    /// The setting of this name.
    pub fn setting(&self, name: &str) -> Option<&SettingFound> {
        setting(&self.settings, name)
    }

    /// metrics.json.
    ///
    /// # Errors
    /// None in practice: the findings are plain data.
    pub fn to_json(&self) -> Result<String, StudyError> {
        metrics(self)
    }
}
