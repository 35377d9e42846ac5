//! Paired comparisons: every circuit head against the classical heads, its controls, and itself under noise.

use crate::math::words::p_value;
use crate::math::words::pluralise;
use crate::nn::head::{Body, HeadRow};
use crate::report::{Block, Table};
use crate::study::compare::{Answer, Comparison, Quantity, Question, correct, points, signed};
use crate::study::stats::{self, Interval};
use crate::systems::qtl::battery::plan::StudyRow;
use crate::systems::qtl::battery::tell::trained::{CELL, trained};
use crate::systems::qtl::battery::tell::{Finished, grouped, values, varying};

/// What every circuit is held against, and the question that answers.
const BASELINES: [(&str, Question); 4] = [
    ("linear", Question::Contribution),
    ("mlp_a", Question::Contribution),
    ("separable", Question::Control),
    ("frozen_quantum", Question::Control),
];

/// Whether a label names a trained circuit that is asked whether it helps.
fn is_quantum(label: &str) -> bool {
    let head = label.split('@').next().unwrap_or(label);
    let controls = || BASELINES.iter().any(|(name, _)| *name == head);
    HeadRow::named(head).is_ok_and(|row| !matches!(row.body, Body::Layers { .. })) && !controls()
}

/// Pairs of heads that are compared in a study with these heads.
fn pairs<'a>(heads: &[&'a str]) -> Vec<(Question, &'a str, &'a str)> {
    let mut found = Vec::new();
    for head in heads.iter().copied().filter(|head| is_quantum(head)) {
        for (name, question) in BASELINES {
            found.extend(heads.iter().copied().find(|other| *other == name).map(|other| (question, head, other)));
        }
        if let Some((ideal, _)) = head.split_once('@') {
            found.extend(
                heads.iter().copied().find(|other| *other == ideal).map(|other| (Question::Noise, head, other)),
            );
        }
    }
    found
}

/// Accuracies of two heads where both ran, in one order.
fn paired(runs: &[&Finished<'_>], head: &str, baseline: &str, keys: &[&str]) -> (Vec<f64>, Vec<f64>) {
    let mut both = (Vec::new(), Vec::new());
    for (_, group) in grouped(runs, keys) {
        let of = |name: &str| -> Vec<f64> {
            group.iter().filter(|run| run.run.labels.get("head") == name).map(|run| trained(run).last).collect()
        };
        if let (Some(first), Some(second)) = (stats::mean(&of(head)), stats::mean(&of(baseline))) {
            both.0.push(first);
            both.1.push(second);
        }
    }
    both
}

/// The answers, the comparisons over cells, and those over seeds in each cell.
pub fn blocks(study: &StudyRow, runs: &[&Finished<'_>]) -> Vec<Block> {
    let pairs = pairs(&values(runs, "head"));
    let keys = varying(runs, &CELL);
    let seed = ["seed"];
    let compare = |runs: &[&Finished<'_>], keys: &[&str]| -> Vec<Comparison> {
        let one = |(question, head, baseline): &(Question, &str, &str)| {
            let (first, second) = paired(runs, head, baseline, keys);
            // Nothing to compare where one of the two is missing everywhere; accuracies are finite.
            Comparison::new(*question, Quantity::ACCURACY, (head, &first), (baseline, &second)).ok()
        };
        pairs.iter().filter_map(one).collect()
    };
    let cells = grouped(runs, &keys);
    // With several cells a pair is a cell: seeds of one cell share their test rows and are no independent evidence for
    // other data (Demšar 2006, JMLR 7, 1).
    let (pair, mut overall) = match cells.len() {
        1 => ("seed", compare(runs, &seed)),
        _ => ("cell", compare(runs, &keys)),
    };
    if overall.is_empty() {
        return Vec::new();
    }
    correct(&mut overall);
    let mut blocks = Vec::new();
    for question in Question::ALL {
        let Some(answer) = Answer::to(question, &overall) else { continue };
        blocks.push(Block::Text(format!("{} {}", question.ask(), answer.verdict)));
        let own = overall.iter().filter(|c| c.question == question);
        blocks.push(Block::List(own.map(|c| c.sentence_over(pair)).collect()));
    }
    let unit = match pair {
        "seed" => "A pair is a seed: the interval covers chance in training and in the split, on this data".to_string(),
        _ => format!("A pair is a cell (one {}), its accuracies averaged over seeds", keys.join(", one ")),
    };
    let name = format!("{}_comparisons", study.name);
    let caption = format!(
        "{}: paired comparisons of accuracy at the last epoch. {unit}. Tests are two-sided; Holm's correction is over these \
         {}; d_z is the mean difference over its standard deviation",
        study.heading,
        pluralise(overall.len(), "comparison")
    );
    blocks.push(Block::Table(table(&name, &caption, &[], overall.iter().map(|c| (Vec::new(), c)))));
    if cells.len() > 1 && values(runs, "seed").len() > 1 {
        let mut within: Vec<(Vec<String>, Comparison)> = Vec::new();
        for (name, cell) in &cells {
            let name: Vec<String> = name.iter().map(|text| text.to_string()).collect();
            within.extend(compare(cell, &seed).into_iter().map(|c| (name.clone(), c)));
        }
        let mut corrected: Vec<Comparison> = within.iter().map(|(_, c)| c.clone()).collect();
        correct(&mut corrected);
        let caption = format!(
            "{}: the same in each cell, a pair being a seed. Holm's correction is over these {}",
            study.heading,
            pluralise(corrected.len(), "comparison")
        );
        let lines = within.iter().map(|(name, _)| name.clone()).zip(&corrected);
        blocks.push(Block::Table(table(&format!("{}_comparisons_by_cell", study.name), &caption, &keys, lines)));
    }
    blocks
}

fn table<'c>(
    name: &str,
    caption: &str,
    keys: &[&str],
    lines: impl Iterator<Item = (Vec<String>, &'c Comparison)>,
) -> Table {
    let columns = [
        "pair",
        "difference, points",
        "95% CI, paired t",
        "95% CI, bootstrap",
        "p, paired t",
        "p, Wilcoxon",
        "p, Wilcoxon, Holm",
        "d_z",
        "win / tie / loss",
    ];
    let mut table = Table::new(name, caption, &[keys, &columns].concat(), keys.len() + 1);
    let interval = |i: Option<Interval>| i.map_or("–".into(), |i| format!("{} to {}", points(i.low), points(i.high)));
    for (cell, c) in lines {
        let mut cells = cell;
        cells.extend([
            format!("{} − {}", c.head, c.baseline),
            signed(c.difference),
            interval(c.interval),
            interval(c.bootstrap),
            c.t_test.map_or("–".into(), p_value),
            p_value(c.wilcoxon),
            p_value(c.wilcoxon_holm),
            c.effect_size.map_or("–".into(), |d| format!("{d:.2}").replace('-', "−")),
            format!("{} / {} / {}", c.wins, c.ties, c.losses),
        ]);
        table.rows.push(cells);
    }
    table
}
