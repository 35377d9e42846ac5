//! Further parts of the report: what this is, what the majority and the best possible decision reach, published figures, the front of
//! accuracy and parity.

use crate::lab::{Results, render};
use crate::math::words::decimals;
use crate::report::{Block, Section, Table};
use crate::systems::fairtext::checks::{mean, penalties};
use crate::systems::fairtext::spec::Spec;

/// Figures of the abstract, in percent; those of the baselines follow from its differences, read as points.
const PUBLISHED: [(&str, &str, &str); 5] = [
    ("fused", "accuracy", "91"),
    ("fused", "precision", "89"),
    ("fused", "f1", "86"),
    ("tfidf_svm", "accuracy", "78 (13 points less)"),
    ("tfidf_logistic", "accuracy", "74 (17 points less)"),
];

/// Every section.
pub fn sections(_spec: &Spec, results: &Results) -> Vec<Section> {
    let text = "Research software: no decision about people or aid should rest on it. Groups are compared by three figures, which \
                cannot all be 0 while base rates differ: decisions (demographic parity), errors (equalised odds) and accuracy.";
    let mut found = vec![render::section("use", "What this is", vec![Block::Warning(text.into())])];
    found.extend(bounds(results));
    found.extend(front(results));
    found
}

/// What the largest class alone and the best possible decision reach, and what the paper states.
fn bounds(results: &Results) -> Option<Section> {
    let of = |metric: &str, arm: &str| mean(results, metric, "main", arm);
    let percent = |value: Option<f64>| value.map_or("–".into(), |value| decimals(100.0 * value, 1));
    let arm = results.grid("main")?.factor("arm")?.names().next()?.to_string();
    let mut table =
        Table::new("bounds", "In percent, mean over seeds", &["decision", "accuracy", "balanced accuracy"], 1);
    let classes = 1.0 / 3.0;
    let majority = of("majority", &arm);
    let is_drawn = of("bayes", &arm).is_some();
    table.rows.push(vec!["the largest class".into(), percent(majority), percent(is_drawn.then_some(classes))]);
    table.rows.push(vec![arm.clone(), percent(of("accuracy", &arm)), percent(of("balanced_accuracy", &arm))]);
    table.rows.push(vec!["the best possible".into(), percent(of("bayes", &arm)), "–".into()]);
    let mut blocks = vec![Block::Table(table)];
    if is_drawn {
        let columns = ["arm", "metric", "paper", "here"];
        let mut table =
            Table::new("published", "The abstract's figures (other data) beside ours, in percent", &columns, 2);
        for (arm, metric, text) in PUBLISHED {
            table.rows.push(vec![arm.into(), metric.into(), text.into(), percent(of(metric, arm))]);
        }
        blocks.push(Block::Table(table));
        let text = "The paper's 1,200 reports are not published; ours are drawn. An accuracy of 91 % on 240 of them has an interval of \
                    about ±3.6 points, so that differences below 4 points mean nothing there.";
        blocks.push(Block::Text(text.into()));
    }
    Some(render::section("bounds", "Bounds and published figures", blocks))
}

/// Accuracy against demographic parity, by the factor of the penalty and for the other ways.
fn front(results: &Results) -> Option<Section> {
    let grid = results.grid("fairness")?;
    let columns = ["arm", "accuracy", "parity difference", "odds gap", "balanced accuracy"];
    let mut table = Table::new("front", "In percent, mean over seeds; the best possible decision last", &columns, 1);
    let ordered: Vec<String> = penalties(results).into_iter().map(|(_, arm)| arm).collect();
    let others = grid.factor("arm")?.names().filter(|name| !ordered.iter().any(|own| own == name)).map(String::from);
    let first = ordered.first().cloned();
    for arm in ordered.iter().cloned().chain(others) {
        let of = |metric: &str| {
            mean(results, metric, "fairness", &arm).map_or("–".into(), |value| decimals(100.0 * value, 1))
        };
        table.rows.push(vec![arm.clone(), of("accuracy"), of("parity"), of("odds"), of("balanced_accuracy")]);
    }
    if let Some((bayes, parity)) = first.as_ref().and_then(|arm| {
        Some((mean(results, "bayes", "fairness", arm)?, mean(results, "bayes_parity", "fairness", arm)?))
    }) {
        let of = |value: f64| decimals(100.0 * value, 1);
        table.rows.push(vec!["best possible".into(), of(bayes), of(parity), "–".into(), "–".into()]);
    }
    Some(render::section("front", "Accuracy against equal decisions", vec![Block::Table(table)]))
}
