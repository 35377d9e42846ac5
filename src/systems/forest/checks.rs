//! What is expected of a whole run. A task is a table under one seed. Where no student is named, it is the one of the
//! first shape.

use crate::lab::{Check, Expect, Results, Samples};
use crate::study::stats::mean;

/// Every check.
pub const CHECKS: &[Check] = &[
    Check {
        name: "exact_difference",
        doc: "largest difference of a probability, matrix form or network with steps against nodes",
        expect: Expect::AtMost(1e-12),
        value: |all| Some(all.of("difference").grid("network").samples()?.max()),
    },
    Check {
        name: "soft_agreement",
        doc: "mean share of rows on which the network with sigmoids has the forest's class",
        expect: Expect::AtLeast(0.995),
        value: |all| Some(form(all, "agreement", "sigmoids")?.mean()),
    },
    Check {
        name: "joint_accuracy",
        doc: "mean change of its accuracy by joint training",
        expect: Expect::AtLeast(-0.005),
        value: |all| over(&form(all, "accuracy", "trained")?, &form(all, "accuracy", "sigmoids")?, |a, b| a - b),
    },
    Check {
        name: "joint_log_loss",
        doc: "share of tasks whose log-loss joint training lowers",
        expect: Expect::AtLeast(0.6),
        value: |all| over(&form(all, "log_loss", "trained")?, &form(all, "log_loss", "sigmoids")?, is_less),
    },
    Check {
        name: "divergence_ratio",
        doc: "median KL from the forest: synthetic over hard",
        expect: Expect::AtMost(0.35),
        value: |all| {
            let median = |target: &str| Some(student(all, "divergence", target, baseline(all)?)?.median());
            Some(median("synthetic")? / median("hard")?)
        },
    },
    Check {
        name: "divergence_lower",
        doc: "share of tasks on which synthetic is nearer to the forest than hard",
        expect: Expect::AtLeast(0.95),
        value: |all| {
            let of = |target: &str| student(all, "divergence", target, baseline(all)?);
            over(&of("synthetic")?, &of("hard")?, is_less)
        },
    },
    Check {
        name: "agreement_gain",
        doc: "mean agreement with the forest, synthetic over hard",
        expect: Expect::AtLeast(0.01),
        value: |all| {
            let of = |target: &str| student(all, "agreement", target, baseline(all)?);
            over(&of("synthetic")?, &of("hard")?, |a, b| a - b)
        },
    },
    Check {
        name: "chosen_within_a_point",
        doc: "share of tasks on which the student chosen on validation loses at most 0.01 accuracy to the forest",
        expect: Expect::AtLeast(0.75),
        // A count of rows over their number: no tie is closer than 1e-9.
        value: |all| {
            over(&choice(all, "accuracy", "validation")?, &choice(all, "accuracy", "forest")?, |chosen, forest| {
                f64::from(chosen - forest > -0.01 - 1e-9)
            })
        },
    },
    Check {
        name: "chosen_change",
        doc: "mean change of accuracy from the forest to the chosen student",
        expect: Expect::AtLeast(-0.005),
        value: |all| over(&choice(all, "accuracy", "validation")?, &choice(all, "accuracy", "forest")?, |a, b| a - b),
    },
    Check {
        name: "guided_regret",
        doc: "agreement lost by a student that a forest chose by other tables, over that of the best on average there",
        expect: Expect::AtMost(0.5),
        // Where the best student on average is the best on every task, there is nothing to gain.
        value: |all| {
            let average = choice(all, "regret", "average")?.mean();
            (average > 0.0).then_some(choice(all, "regret", "guided")?.mean() / average)
        },
    },
    Check {
        name: "pipeline_log_loss",
        doc: "share of tasks whose log-loss is lower with a linear stage that is trained than with a frozen one",
        expect: Expect::AtLeast(0.6),
        value: |all| {
            let of = |stage: &str| all.cell("pipeline", "log_loss", &[("stage", stage)]).samples();
            over(&of("joint")?, &of("frozen")?, is_less)
        },
    },
    Check {
        name: "head_divergence",
        doc: "ln of the median KL, synthetic over hard: that of the head less that of the layers beside it",
        expect: Expect::AtMost(0.0),
        value: |all| gain(all, |target, name| Some(student(all, "divergence", target, name)?.median().ln())),
    },
    Check {
        name: "head_agreement",
        doc: "mean agreement with the forest, synthetic over hard: that of the head less that of the layers beside it",
        expect: Expect::AtLeast(0.0),
        value: |all| gain(all, |target, name| Some(student(all, "agreement", target, name)?.mean())),
    },
];

/// A metric of a form of the forest, by task.
fn form(all: &Results, metric: &str, form: &str) -> Option<Samples> {
    all.cell("network", metric, &[("form", form)]).samples()
}

/// A metric of a chosen student, by task.
fn choice(all: &Results, metric: &str, choice: &str) -> Option<Samples> {
    all.cell("choice", metric, &[("choice", choice)]).samples()
}

/// A metric of a student with a target, by task.
fn student(all: &Results, metric: &str, target: &str, student: &str) -> Option<Samples> {
    all.cell("main", metric, &[("target", target), ("student", student)]).samples()
}

/// The student that the others are compared with.
fn baseline(all: &Results) -> Option<&str> {
    Some(&all.grid("main")?.factor("student")?.baseline()?.name)
}

/// The mean over tasks of a value of two samples.
fn over(own: &Samples, other: &Samples, value: fn(f64, f64) -> f64) -> Option<f64> {
    let (own, other) = own.paired(other, &["table", "seed"]);
    mean(&own.into_iter().zip(other).map(|(own, other)| value(own, other)).collect::<Vec<f64>>())
}

fn is_less(own: f64, other: f64) -> f64 {
    f64::from(own < other)
}

/// What synthetic targets change in place of labels: in the first head, less that in the layers beside it.
fn gain(all: &Results, value: impl Fn(&str, &str) -> Option<f64>) -> Option<f64> {
    let layers = baseline(all)?;
    let head = &all.grid("main")?.factor("student")?.levels.first()?.name;
    let change = |student: &str| Some(value("synthetic", student)? - value("hard", student)?);
    if head == layers { None } else { Some(change(head)? - change(layers)?) }
}
