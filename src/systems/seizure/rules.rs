//! Rules in words and as a figure.

use ndarray::{Array2, Axis};
use serde::{Deserialize, Serialize};

use crate::math::words::{decimals, sig3};
use crate::report::{Block, Drawing, Figure, Table};
use crate::systems::seizure::cohort::CLASSES;
use crate::systems::seizure::detector::Detector;

/// Features that a rule is shown with.
const SHOWN: usize = 5;
/// Columns of the figure, at most.
const COLUMNS: usize = 10;

/// A rule as people read it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rule {
    /// Mean share of its firing over the segments that centres were found from.
    pub share: f64,
    /// Means of its segments, in units of the features.
    pub center: Vec<f64>,
    /// Their standard deviations; those of all segments where it has a single one.
    pub width: Vec<f64>,
    /// Score of each class at its centre.
    pub scores: Vec<f64>,
}

/// The rules of a view.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ViewRules {
    /// Name of the view.
    pub view: String,
    /// Weight of the view.
    pub weight: f64,
    /// Features in which the rules differ most, in that order.
    pub features: Vec<String>,
    /// Mean and standard deviation of all segments.
    pub all: Vec<(f64, f64)>,
    /// The rules, by the features above.
    pub rules: Vec<Rule>,
}

/// The rules of a detector. `plain` has, for each view, names of its features and their values on its clustered rows.
pub fn rules(detector: &Detector, training: &[&Array2<f64>], plain: &[(Vec<String>, Array2<f64>)]) -> Vec<ViewRules> {
    let weights = &detector.transferred.consequents.weights;
    let one = |k: usize| {
        let (view, (names, values)) = (&detector.views[k], &plain[k]);
        let consequents = &detector.transferred.consequents.views[k];
        let all: Vec<(f64, f64)> =
            values.columns().into_iter().map(|c| (c.mean().unwrap_or(0.0), c.std(0.0).max(1e-12))).collect();
        let fired = view.antecedents.firing(training[k].select(Axis(0), &view.clustered).view());
        let width = view.antecedents.centers.ncols() + 1;
        let rules: Vec<Rule> = (0..view.antecedents.rules())
            .map(|rule| {
                let members: Vec<usize> = (0..view.groups.len()).filter(|&row| view.groups[row] == rule).collect();
                let own = values.select(Axis(0), &members);
                let spread = |k: usize| if members.len() > 1 { own.column(k).std(0.0) } else { all[k].1 };
                let score = |class: usize| -> f64 {
                    let p = consequents.column(class);
                    let center = view.antecedents.centers.row(rule);
                    (0..width - 1).map(|j| center[j] * p[rule * width + j]).sum::<f64>() + p[rule * width + width - 1]
                };
                Rule {
                    share: fired.column(rule).mean().unwrap_or(0.0),
                    center: own.columns().into_iter().map(|c| c.mean().unwrap_or(0.0)).collect(),
                    width: (0..names.len()).map(spread).collect(),
                    scores: (0..CLASSES.len()).map(score).collect(),
                }
            })
            .collect();
        let apart = |j: usize| {
            let of = |rule: &Rule| (rule.center[j] - all[j].0).abs() / all[j].1;
            rules.iter().map(of).fold(0.0, f64::max)
        };
        let mut order: Vec<usize> = (0..names.len()).collect();
        order.sort_by(|&a, &b| apart(b).total_cmp(&apart(a)));
        order.truncate(COLUMNS);
        let kept = |values: &[f64]| order.iter().map(|&j| values[j]).collect();
        ViewRules {
            view: view.name.clone(),
            weight: weights[k],
            features: order.iter().map(|&j| names[j].clone()).collect(),
            all: order.iter().map(|&j| all[j]).collect(),
            rules: rules.into_iter().map(|r| Rule { center: kept(&r.center), width: kept(&r.width), ..r }).collect(),
        }
    };
    (0..detector.views.len()).map(one).collect()
}

/// Every rule as a sentence.
pub fn sentences(views: &[ViewRules]) -> Vec<String> {
    let mut found = Vec::new();
    for view in views {
        for (number, rule) in view.rules.iter().enumerate() {
            let part = |k: usize| {
                let (mean, sd) = view.all[k];
                format!(
                    "{} is {} ± {} (all segments {} ± {})",
                    view.features[k],
                    sig3(rule.center[k]),
                    sig3(rule.width[k]),
                    sig3(mean),
                    sig3(sd)
                )
            };
            let parts: Vec<String> = (0..view.features.len().min(SHOWN)).map(part).collect();
            let scores: Vec<String> = CLASSES
                .iter()
                .zip(&rule.scores)
                .map(|(class, score)| format!("{class} {}", decimals(*score, 2)))
                .collect();
            found.push(format!(
                "View {} (weight {}), rule {} (fires {} %): IF {} THEN {}",
                view.view,
                decimals(view.weight, 2),
                number + 1,
                decimals(100.0 * rule.share, 0),
                parts.join(" and "),
                scores.join(", ")
            ));
        }
    }
    found
}

/// A table of the rules and one figure for each view: how far each centre is from the mean of all segments.
pub fn blocks(title: &str, name: &str, views: &[ViewRules]) -> Vec<Block> {
    let caption = format!(
        "{title}: rules by view. A centre is the mean of the rule's segments, the width their standard deviation, in units of \
         the feature; scores are those at the centre. The rule acts on principal components where a view has many features"
    );
    let mut header = vec!["view", "rule", "feature", "centre", "width", "all segments", "fires (%)"];
    header.extend(CLASSES);
    let mut table = Table::new(&format!("rules_{name}"), &caption, &header, 3);
    let mut figures = Vec::new();
    for view in views {
        for (number, rule) in view.rules.iter().enumerate() {
            for k in 0..view.features.len().min(SHOWN) {
                let mut row = vec![
                    format!("{} ({})", view.view, decimals(view.weight, 2)),
                    (number + 1).to_string(),
                    view.features[k].clone(),
                    sig3(rule.center[k]),
                    sig3(rule.width[k]),
                    format!("{} ± {}", sig3(view.all[k].0), sig3(view.all[k].1)),
                    decimals(100.0 * rule.share, 0),
                ];
                row.extend(rule.scores.iter().map(|score| decimals(*score, 2)));
                table.rows.push(row);
            }
        }
        // Rows are drawn from below.
        let order: Vec<usize> = (0..view.features.len()).rev().collect();
        let score = |rule: &Rule| decimals(rule.scores.get(1).copied().unwrap_or(0.0), 2);
        let value = |rule: &Rule, k: usize| (rule.center[k] - view.all[k].0) / view.all[k].1;
        figures.push(Figure {
            name: format!("rules_{name}_{}", view.view.replace(' ', "_")),
            caption: format!("{title}: centres of the view {}, by rule with its score of a seizure", view.view),
            drawing: Drawing::Cells {
                rows: ("feature".into(), order.iter().map(|&k| view.features[k].clone()).collect()),
                columns: (
                    "rule: score of a seizure".into(),
                    view.rules.iter().enumerate().map(|(k, rule)| format!("{}: {}", k + 1, score(rule))).collect(),
                ),
                shade: "centre, in standard deviations of all segments".into(),
                values: order.iter().map(|&k| view.rules.iter().map(|rule| value(rule, k)).collect()).collect(),
            },
        });
    }
    vec![Block::List(sentences(views)), Block::Table(table), Block::Figures(figures)]
}
