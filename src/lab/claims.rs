//! Pages of systems: claims are data, figures and verdicts are computed from kept runs.
//!
//! `docs/systems/NAME.toml` lists the claims and the source of each figure. `docs/results/RUN.json` is the
//! metrics.json of a run that was kept. Nobody writes a verdict by hand.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Deserialize;

use crate::lab::contrast::Contrast;
use crate::lab::kept::KeptRun;
use crate::lab::render::mean_sd;
use crate::lab::system::System;
use crate::math::words::{pluralise, sig3};
use crate::report::{Drawing, Figure, Line};
use crate::study::StudyError;
use crate::study::compare::{Comparison, Finding};

/// The text of a system's page.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PageSource {
    /// The question, in a sentence or two.
    pub question: String,
    /// The work it follows, with a link.
    pub paper: String,
    /// The data that is inside the program, and what a user's own data may be.
    pub data: String,
    /// The claim whose sentence is the verdict of the page.
    pub headline: String,
    /// The claims.
    pub claims: Vec<Claim>,
    /// What the work leaves open and what was chosen, one sentence or two each.
    #[serde(default)]
    pub choices: Vec<String>,
}

/// A statement that a kept run supports or not.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claim {
    /// Its name, at most six words.
    pub name: String,
    /// The statement.
    pub text: String,
    /// The published figure; empty if there is none.
    #[serde(default)]
    pub published: String,
    /// Name of the kept run.
    pub run: String,
    /// The check of the system that decides it.
    #[serde(default)]
    pub check: Option<String>,
    /// The comparison that decides it: the first level is claimed to be better.
    #[serde(default)]
    pub contrast: Option<ContrastSource>,
    /// A value that is reported; it decides nothing.
    #[serde(default)]
    pub value: Option<ValueSource>,
    /// What was tried where it is not met, beside the kept run: the settings and the figure of each attempt.
    #[serde(default)]
    pub tried: Vec<String>,
}

/// A comparison of two levels.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ContrastSource {
    /// The grid; `main` if it is not named.
    #[serde(default = "main_grid")]
    pub grid: String,
    /// The metric.
    pub metric: String,
    /// The factor whose levels differ.
    pub factor: String,
    /// The level that is claimed to be better.
    pub level: String,
    /// The other.
    pub baseline: String,
    /// Levels that both have.
    #[serde(default)]
    pub at: BTreeMap<String, String>,
    /// Factors whose levels make the pairs.
    #[serde(default = "by_seed")]
    pub pairs: Vec<String>,
    /// The claim is that both are equal within so much, as tables count it (2 for two points): the whole interval lies
    /// within it.
    #[serde(default)]
    pub within: Option<f64>,
}

/// A value of one cell.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueSource {
    /// The grid; `main` if it is not named.
    #[serde(default = "main_grid")]
    pub grid: String,
    /// The metric.
    pub metric: String,
    /// The cell.
    #[serde(default)]
    pub at: BTreeMap<String, String>,
}

fn main_grid() -> String {
    "main".into()
}

fn by_seed() -> Vec<String> {
    vec!["seed".into()]
}

/// A claim with what was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Decided {
    /// The figure with its interval or spread.
    pub measured: String,
    /// "supported", "contradicted", "no evidence", "not applicable", "holds", "does not hold", or "–" of a value.
    pub verdict: &'static str,
    /// The same in a sentence.
    pub sentence: String,
    /// The comparison, if it is one.
    pub comparison: Option<Comparison>,
}

/// Decides a claim from kept runs.
///
/// # Errors
/// A claim that names a run, check, metric or cell that does not exist.
pub fn decide(system: &dyn System, claim: &Claim, runs: &BTreeMap<String, KeptRun>) -> Result<Decided, StudyError> {
    let missing = |what: String| StudyError::Claim { claim: claim.name.clone(), what };
    let kept = runs.get(&claim.run).ok_or_else(|| missing(format!("no kept run {:?}", claim.run)))?;
    let results = kept.results();
    if let Some(name) = &claim.check {
        let check = system.checks().iter().find(|check| check.name == name);
        let check = check.ok_or_else(|| missing(format!("no check {name:?}")))?;
        let value = (check.value)(&results).ok_or_else(|| missing(format!("{name} has no figure in {}", claim.run)))?;
        let verdict = if check.expect.holds(value) { "holds" } else { "does not hold" };
        let sentence = format!("{}: {} (expected {}), {verdict}", check.doc, sig3(value), check.expect.text());
        return Ok(Decided { measured: sig3(value), verdict, sentence, comparison: None });
    }
    if let Some(source) = &claim.contrast {
        let pairs: Vec<&str> = source.pairs.iter().map(String::as_str).collect();
        let mut contrast = Contrast::new(&source.grid, &source.metric, &source.factor, &source.level, &source.baseline);
        for (factor, level) in &source.at {
            contrast = contrast.at(factor, level);
        }
        let contrast = contrast.paired_by(&pairs);
        if let Some(reason) = contrast.inapplicable(&results) {
            let sentence = format!("{}: not applicable, {reason}", contrast.title());
            return Ok(Decided { measured: "–".into(), verdict: "not applicable", sentence, comparison: None });
        }
        let found = contrast.compare(&results, system.metrics());
        let comparison =
            found.ok_or_else(|| missing(format!("{} has no values for {}", claim.run, contrast.title())))?;
        let unit = comparison.quantity.unit;
        let interval = comparison
            .interval
            .map_or(String::new(), |i| format!(" ({} to {})", unit.number(i.low), unit.number(i.high)));
        let counts = unit.of_difference();
        let counts = if counts.is_empty() { String::new() } else { format!(" {counts}") };
        return Ok(Decided {
            measured: format!("{}{counts}{interval}", unit.signed(comparison.difference)),
            verdict: match source.within {
                Some(bound) => equal_within(&comparison, bound),
                None => match comparison.finding {
                    Finding::Better => "supported",
                    Finding::Worse => "contradicted",
                    _ => "no evidence",
                },
            },
            sentence: comparison.sentence(),
            comparison: Some(comparison),
        });
    }
    let source = claim.value.as_ref().ok_or_else(|| missing("neither check nor contrast nor value".into()))?;
    let metric = system.metrics().iter().find(|metric| metric.name == source.metric);
    let metric = metric.ok_or_else(|| missing(format!("no metric {:?}", source.metric)))?;
    let query = source.at.iter().fold(results.of(&source.metric).grid(&source.grid), |q, (f, l)| q.at(f, l));
    let query = query.plain_unless_in(source.at.keys().map(String::as_str));
    let samples = query.samples().ok_or_else(|| missing(format!("{} has no such values", claim.run)))?;
    let measured = format!("{} {}", mean_sd(metric.unit, &samples.spread()), metric.unit.symbol());
    let measured = measured.trim_end().to_string();
    let sentence = format!("{}: {measured}, {}", metric.heading, pluralise(samples.len(), "value"));
    Ok(Decided { measured, verdict: "–", sentence, comparison: None })
}

/// Whether the interval of a difference lies within ± `bound`.
fn equal_within(comparison: &Comparison, bound: f64) -> &'static str {
    let unit = comparison.quantity.unit;
    let Some(interval) = comparison.interval else { return "no evidence" };
    let (low, high) = (unit.scaled(interval.low), unit.scaled(interval.high));
    match () {
        () if -bound <= low && high <= bound => "supported",
        () if high < -bound || bound < low => "contradicted",
        () => "no evidence",
    }
}

/// The page in Markdown, and its figure as SVG if a claim is a comparison.
///
/// # Errors
/// As [`decide`].
pub fn page(
    system: &dyn System,
    source: &PageSource,
    runs: &BTreeMap<String, KeptRun>,
) -> Result<(String, Option<String>), StudyError> {
    let name = system.info().name;
    let decided: Vec<(&Claim, Decided)> = source
        .claims
        .iter()
        .map(|claim| Ok((claim, decide(system, claim, runs)?)))
        .collect::<Result<_, StudyError>>()?;
    let headline = decided.iter().find(|(claim, _)| claim.name == source.headline);
    let missing = || StudyError::Claim { claim: source.headline.clone(), what: "the headline is no claim".into() };
    let (_, headline) = headline.ok_or_else(missing)?;
    let count = |words: &[&str]| decided.iter().filter(|(_, d)| words.contains(&d.verdict)).count();
    let verdicts = decided.iter().filter(|(_, d)| d.verdict != "–").count();
    let mut page = String::new();
    // Writing into a String cannot fail.
    let _ = write!(
        page,
        "# {name}\n\n{}\n\n**Verdict.** {}. Of {}, {} are supported, {} contradicted, {} without evidence.\n\n\
         \u{20}   qgraft run {name}\n\n\
         | claim | published | measured | verdict |\n|---|---|---|---|\n",
        source.question,
        headline.sentence.trim_end_matches('.'),
        pluralise(verdicts, "claim"),
        count(&["supported", "holds"]),
        count(&["contradicted", "does not hold"]),
        count(&["no evidence"]),
    );
    for (claim, decided) in &decided {
        let published = if claim.published.is_empty() { "–" } else { &claim.published };
        let _ = writeln!(page, "| {} | {published} | {} | {} |", claim.name, decided.measured, decided.verdict);
    }
    let figure = figure(&decided);
    if figure.is_some() {
        let _ = write!(page, "\n![Differences of the claims with their 95 % intervals](figures/{name}.svg)\n");
    }
    let _ = write!(page, "\n## Claims\n\n");
    for (claim, _) in &decided {
        let _ = writeln!(page, "- {}: {} (`{}`)", claim.name, claim.text, claim.run);
        for attempt in &claim.tried {
            let _ = writeln!(page, "  - Tried: {attempt}");
        }
    }
    let _ = write!(page, "\n## Data\n\n{}\n\nAfter {}.\n", source.data, source.paper);
    if !source.choices.is_empty() {
        let _ = write!(page, "\n## Chosen here\n\n");
        for choice in &source.choices {
            let _ = writeln!(page, "- {choice}");
        }
    }
    let _ = write!(page, "\n## Kept runs\n\n");
    for (name, run) in runs.iter().filter(|(name, _)| source.claims.iter().any(|claim| claim.run == **name)) {
        let _ = writeln!(page, "- [`{name}`](../results/{name}.json): `{}`", run.command);
    }
    Ok((page, figure.map(|figure| figure.files().0)))
}

/// Intervals of the claims that are comparisons in the unit of the first.
fn figure(decided: &[(&Claim, Decided)]) -> Option<Figure> {
    let first = decided.iter().find_map(|(_, d)| d.comparison.as_ref())?;
    let unit = first.quantity.unit;
    let with = |(claim, d): &(&Claim, Decided)| Some((claim.name.clone(), d.comparison.clone()?));
    let shown: Vec<(String, Comparison)> =
        decided.iter().filter_map(with).filter(|(_, c)| c.quantity.unit == unit && c.interval.is_some()).collect();
    let (points, spread) = shown
        .iter()
        .enumerate()
        .map(|(row, (_, c))| {
            let half = c.interval.map_or(0.0, |i| unit.scaled(i.high - i.low) / 2.0);
            ((unit.scaled(c.difference), row as f64), half)
        })
        .unzip();
    (!shown.is_empty()).then(|| Figure {
        name: "claims".into(),
        caption: "Differences of the claims with their 95 % intervals".into(),
        drawing: Drawing::Rows {
            names: shown.into_iter().map(|(name, _)| name).collect(),
            x: format!("difference {}", unit.of_difference()).trim_end().into(),
            lines: vec![Line { label: String::new(), points, spread, guide: false }],
        },
    })
}
