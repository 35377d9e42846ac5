//! Comparisons: the verdict in sentences, the table, the intervals as a figure.

use crate::lab::contrast::Compared;
use crate::lab::render::Material;
use crate::math::words::{p_value, pluralise};
use crate::report::{Block, Drawing, Figure, Line, Table};
use crate::study::compare::{Answer, Comparison, Finding, Question};
use crate::study::stats::Interval;

fn is_evident(comparison: &Comparison) -> bool {
    matches!(comparison.finding, Finding::Better | Finding::Worse)
}

/// How many sentences the verdict has at most. The table below it has all comparisons.
const SENTENCES: usize = 12;

/// The summary of all comparisons: the answer to each question, the sentences behind it, what is not applicable.
pub(super) fn verdict(material: &Material) -> Vec<Block> {
    let applying: Vec<Comparison> =
        material.compared.iter().filter(|c| c.inapplicable.is_none()).map(|c| c.comparison.clone()).collect();
    let mut blocks = Vec::new();
    if !applying.is_empty() {
        blocks.push(Block::Text(overview(&applying)));
    }
    for question in Question::ALL {
        let own: Vec<&Comparison> =
            applying.iter().filter(|c| c.question == question && c.interval.is_some()).collect();
        if own.is_empty() {
            continue;
        }
        if question != Question::Difference {
            let answer = Answer::to(question, &applying).map(|answer| answer.verdict);
            blocks.push(Block::Text(format!("{} {}", question.ask(), answer.unwrap_or_default())));
        }
        // Of many comparisons only those with an evident difference are listed.
        let evident: Vec<&Comparison> = own.iter().copied().filter(|c| is_evident(c)).collect();
        let shown = if own.len() <= SENTENCES || evident.is_empty() { own } else { evident };
        blocks.push(Block::List(shown.into_iter().take(SENTENCES).map(Comparison::sentence).collect()));
    }
    let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
    for compared in material.compared {
        let Some(reason) = compared.inapplicable.as_deref() else { continue };
        match reasons.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, titles)) => titles.push(compared.contrast.title()),
            None => reasons.push((reason, vec![compared.contrast.title()])),
        }
    }
    let text = |(reason, titles): (&str, Vec<String>)| format!("{}: not applicable, {reason}.", titles.join("; "));
    blocks.extend(reasons.into_iter().map(text).map(Block::Text));
    let failed = material.results.failures.len();
    if failed > 0 {
        blocks.push(Block::Warning(format!("{} failed; see the notices.", pluralise(failed, "trial"))));
    }
    blocks
}

fn overview(applying: &[Comparison]) -> String {
    if applying.iter().all(|c| c.interval.is_none()) {
        return match applying.iter().all(|c| c.finding == Finding::TooFew) {
            true => "Fewer than three pairs cannot distinguish a difference from chance: there is no interval.".into(),
            false => "No comparison has a spread over its pairs: there is no interval.".into(),
        };
    }
    let evident = applying.iter().filter(|c| is_evident(c)).count();
    let excluding = applying.iter().filter(|c| c.interval.is_some_and(|i| !i.covers(0.0))).count();
    format!(
        "Of {}, {evident} {} p < 0.05 in the paired t test after Holm's correction; {excluding} have a 95 % interval that \
         excludes 0.",
        pluralise(applying.len(), "comparison"),
        if evident == 1 { "has" } else { "have" },
    )
}

/// Every comparison, and the intervals of the first ones as a figure.
pub(super) fn comparisons(material: &Material) -> Vec<Block> {
    let applying: Vec<&Compared> = material.compared.iter().filter(|c| c.inapplicable.is_none()).collect();
    if applying.is_empty() {
        return Vec::new();
    }
    let header =
        ["comparison", "metric", "difference", "95% CI", "BCa", "p", "p, Holm", "p, Wilcoxon", "pairs", "verdict"];
    let caption = "Paired comparisons: difference of means, 95 % interval of the paired t test and of the bootstrap (BCa), p of \
                   the paired t test, the same after Holm's correction over this table, which decides the verdict, and p of \
                   Wilcoxon's signed-rank test. An interval covers chance in training on this data, not other data";
    let mut table = Table::new("comparisons", caption, &header, 2);
    for Compared { contrast, comparison: c, .. } in &applying {
        let unit = c.quantity.unit;
        let interval = |i: &Option<Interval>| {
            i.map_or("–".into(), |i| format!("{} to {}", unit.number(i.low), unit.number(i.high)))
        };
        let metric = material.metrics.iter().find(|m| m.name == contrast.metric);
        table.rows.push(vec![
            contrast.title(),
            metric.map_or(contrast.metric.clone(), |m| m.heading.into()),
            format!("{} {}", unit.signed(c.difference), unit.of_difference()).trim_end().into(),
            interval(&c.interval),
            interval(&c.bootstrap),
            c.t_test.map_or("–".into(), p_value),
            c.t_test_holm.map_or("–".into(), p_value),
            p_value(c.wilcoxon),
            c.seeds.to_string(),
            c.finding.word().into(),
        ]);
    }
    let mut blocks = vec![Block::Table(table)];
    blocks.extend(intervals(&applying).map(|figure| Block::Figures(vec![figure])));
    blocks
}

/// Intervals as marks with whiskers, of those comparisons that share the unit of the first.
fn intervals(compared: &[&Compared]) -> Option<Figure> {
    const ROWS: usize = 24;
    let unit = compared.first()?.comparison.quantity.unit;
    let own = compared.iter().filter(|c| c.comparison.quantity.unit == unit && c.comparison.interval.is_some());
    let shown: Vec<&&Compared> = own.take(ROWS).collect();
    let line = |evident: bool| {
        let rows = shown.iter().enumerate().filter(|(_, c)| is_evident(&c.comparison) == evident);
        let half = |c: &Comparison| c.interval.map_or(0.0, |i| unit.scaled(i.high - i.low) / 2.0);
        let (points, spread) =
            rows.map(|(k, c)| ((unit.scaled(c.comparison.difference), k as f64), half(&c.comparison))).unzip();
        let label = if evident { "p < 0.05 after Holm's correction" } else { "other" };
        Line { label: label.into(), points, spread, guide: false }
    };
    (!shown.is_empty()).then(|| Figure {
        name: "comparisons".into(),
        caption: "Differences with their 95 % intervals".into(),
        drawing: Drawing::Rows {
            names: shown.iter().map(|c| c.contrast.title()).collect(),
            x: format!("difference {}", unit.of_difference()).trim_end().into(),
            lines: vec![line(true), line(false)],
        },
    })
}
