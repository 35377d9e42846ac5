//! What a run found, held against what is expected of it.

use serde::Serialize;

use crate::study::StudyError;
use crate::study::stats::mean;
use crate::systems::checks::{CheckRow, Checked, checked, metrics};
use crate::systems::forest::guided::{Guided, guided};
use crate::systems::forest::measure::{Found, Learned};
use crate::systems::forest::spec::Spec;

/// Every check.
pub static CHECKS: &[CheckRow<Findings>] = &[
    CheckRow {
        name: "exact_difference",
        doc: "largest difference of a probability, matrix form or network with steps against nodes",
        at_least: false,
        bound: 1e-12,
        figure: |all| all.tasks.iter().map(|f| f.conversion.matrices.max(f.conversion.network)).reduce(f64::max),
    },
    CheckRow {
        name: "soft_agreement",
        doc: "mean share of rows on which the network with sigmoids has the forest's class",
        at_least: true,
        bound: 0.995,
        figure: |all| over(all, |f| Some(f.conversion.agreement)),
    },
    CheckRow {
        name: "joint_accuracy",
        doc: "mean change of its accuracy by joint training",
        at_least: true,
        bound: -0.005,
        figure: |all| over(all, |f| Some(f.conversion.after.0 - f.conversion.before.0)),
    },
    CheckRow {
        name: "joint_log_loss",
        doc: "share of tasks whose log-loss joint training lowers",
        at_least: true,
        bound: 0.6,
        figure: |all| over(all, |f| Some(f64::from(f.conversion.after.1 < f.conversion.before.1))),
    },
    CheckRow {
        name: "divergence_ratio",
        doc: "median KL from the forest: synthetic over hard",
        at_least: false,
        bound: 0.35,
        figure: |all| Some(median(all, "synthetic")? / median(all, "hard")?),
    },
    CheckRow {
        name: "divergence_lower",
        doc: "share of tasks on which synthetic is nearer to the forest than hard",
        at_least: true,
        bound: 0.95,
        figure: |all| over(all, |f| pair(f, |s, h| f64::from(s.test.divergence < h.test.divergence))),
    },
    CheckRow {
        name: "agreement_gain",
        doc: "mean agreement with the forest, synthetic over hard",
        at_least: true,
        bound: 0.01,
        figure: |all| over(all, |f| pair(f, |s, h| s.test.agreement - h.test.agreement)),
    },
    CheckRow {
        name: "chosen_within_a_point",
        doc: "share of tasks on which the student chosen on validation loses at most 0.01 accuracy to the forest",
        at_least: true,
        bound: 0.75,
        // A count of rows over their number: no tie is closer than 1e-9.
        figure: |all| over(all, |f| Some(f64::from(f.chosen()?.test.accuracy - f.forest.accuracy > -0.01 - 1e-9))),
    },
    CheckRow {
        name: "chosen_change",
        doc: "mean change of accuracy from the forest to the chosen student",
        at_least: true,
        bound: -0.005,
        figure: |all| over(all, |f| Some(f.chosen()?.test.accuracy - f.forest.accuracy)),
    },
    CheckRow {
        name: "guided_regret",
        doc: "agreement lost by a student that a forest chose by other tables, over that of the best on average there",
        at_least: false,
        bound: 0.5,
        // Where the usual student is the best of all on every task, there is nothing to gain.
        figure: |all| all.guided.as_ref().filter(|g| g.average > 0.0).map(|g| g.forest / g.average),
    },
    CheckRow {
        name: "pipeline_log_loss",
        doc: "share of tasks whose log-loss is lower with a linear stage trained together with the student than left alone",
        at_least: true,
        bound: 0.6,
        figure: |all| over(all, |f| f.joined.map(|j| f64::from(j.joint.log_loss < j.frozen.log_loss))),
    },
    CheckRow {
        name: "head_divergence",
        doc: "ln of the median KL, synthetic over hard: that of the head less that of the layers beside it",
        at_least: false,
        bound: 0.0,
        figure: |all| {
            let log = |all: &Findings, target: &str, student: &str| {
                Some(middle(all.each(target, student).map(|found| found.test.divergence).collect())?.ln())
            };
            gains(all, log).map(|[head, layers]| head - layers)
        },
    },
    CheckRow {
        name: "head_agreement",
        doc: "mean agreement with the forest, synthetic over hard: that of the head less that of the layers beside it",
        at_least: true,
        bound: 0.0,
        figure: |all| {
            let agreement = |all: &Findings, target: &str, student: &str| {
                mean(&all.each(target, student).map(|found| found.test.agreement).collect::<Vec<f64>>())
            };
            gains(all, agreement).map(|[head, layers]| head - layers)
        },
    },
];

fn over(all: &Findings, value: impl Fn(&Found) -> Option<f64>) -> Option<f64> {
    mean(&all.tasks.iter().filter_map(value).collect::<Vec<f64>>())
}

fn pair(found: &Found, value: impl Fn(&Learned, &Learned) -> f64) -> Option<f64> {
    Some(value(found.with("synthetic")?, found.with("hard")?))
}

/// Median KL from the forest of the first student with this target.
fn median(all: &Findings, target: &str) -> Option<f64> {
    middle(all.tasks.iter().filter_map(|f| Some(f.with(target)?.test.divergence)).collect())
}

/// The median.
pub fn middle(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    match values.len() {
        0 => None,
        even if even % 2 == 0 => Some((values[half - 1] + values[half]) / 2.0),
        _ => Some(values[half]),
    }
}

/// How much better synthetic is than hard, of the head and of the layers beside it; of `value` over tasks.
fn gains(all: &Findings, value: fn(&Findings, &str, &str) -> Option<f64>) -> Option<[f64; 2]> {
    let (head, layers) = all.beside.as_ref()?;
    Some([
        value(all, "synthetic", head)? - value(all, "hard", head)?,
        value(all, "synthetic", layers)? - value(all, "hard", layers)?,
    ])
}

/// What a run found.
#[derive(Clone, Debug, Serialize)]
pub struct Findings {
    /// Over all tasks; those that could be asked.
    pub checks: Vec<Checked>,
    /// Choices of students by what other tables came to, if there are enough of them.
    pub guided: Option<Guided>,
    /// A head as a student, and the layers beside it.
    pub beside: Option<(String, String)>,
    /// Task by task.
    pub tasks: Vec<Found>,
}

impl Findings {
    /// Of what was found in each task.
    pub fn of(spec: &Spec, tasks: Vec<Found>) -> Self {
        let student =
            |k: usize| tasks.first().and_then(|found| found.students.get(k)).map(|learned| learned.student.clone());
        let beside = spec.head.as_ref().and_then(|_| student(0).zip(student(1)));
        let mut all = Self { checks: Vec::new(), guided: guided(spec, &tasks), beside, tasks };
        all.checks = checked(CHECKS, &all);
        all
    }

    /// This student with this target, task by task.
    pub fn each(&self, target: &str, student: &str) -> impl Iterator<Item = &Learned> {
        self.tasks.iter().filter_map(move |found| found.of(target, student))
    }

    /// metrics.json.
    ///
    /// # Errors
    /// None in practice: the findings are plain data.
    pub fn to_json(&self) -> Result<String, StudyError> {
        metrics(self)
    }
}
