//! Further parts of the report: what this is, leakage, exact intervals, paired tests on the same patients, readers.

use crate::lab::{Point, Results, render};
use crate::math::words::{decimals, p_value};
use crate::report::{Block, Section, Table};
use crate::study::diagnostic::{group_bootstrap, mcnemar};
use crate::study::stats::holm;
use crate::systems::cohort::BASELINE;
use crate::systems::cohort::readers::{READERS, Readers, percent, share, written};
use crate::systems::cohort::spec::Spec;
use crate::systems::cohort::trial::{OUTCOME, Outcome};

/// Every section.
pub fn sections(spec: &Spec, results: &Results) -> Vec<Section> {
    let use_text = "Research software, not for diagnosis. No result of it is about a person.";
    let mut found = vec![render::section("use", "What this is", vec![Block::Warning(use_text.into())])];
    if spec.allow_leakage {
        let text = "LEAKAGE ALLOWED: in the split `pictures`, pictures of one patient are on both sides (--allow-leakage). Its \
                    figures are too high; they say nothing about new patients.";
        found.push(render::section("leakage", "Leakage allowed", vec![Block::Alarm(text.into())]));
    }
    let kept: Vec<(&Point, Outcome)> = results.kept("main", OUTCOME);
    let Some(seed) = kept.iter().map(|(point, _)| point.seed()).min() else { return found };
    let own = |split: &str| -> Vec<(String, Outcome)> {
        let is_own = |point: &Point| point.seed() == seed && point.get("split") == split;
        kept.iter().filter(|(point, _)| is_own(point)).map(|(at, o)| (at.get("arm").to_string(), o.clone())).collect()
    };
    let splits: &[&str] = if spec.allow_leakage { &["patients", "pictures"] } else { &[""] };
    for split in splits {
        let arms = own(split);
        if arms.is_empty() {
            continue;
        }
        let suffix = if split.is_empty() { String::new() } else { format!(", split by {split}") };
        let anchor = |name: &str| format!("{name}{}{split}", if split.is_empty() { "" } else { "_" });
        found.push(render::section(
            &anchor("intervals"),
            &format!("Patients of seed {seed}{suffix}: intervals"),
            vec![Block::Table(intervals(spec, seed, &anchor("intervals"), &arms))],
        ));
        if let Some(table) = pairs(&anchor("pairs"), &arms) {
            let heading = format!("Patients of seed {seed}{suffix}: paired tests");
            found.push(render::section(&anchor("pairs"), &heading, vec![Block::Table(table)]));
        }
    }
    if let Some(readers) = results.of_inputs::<Readers>(READERS) {
        found.extend(readers.section(&own(splits[0])));
    }
    found
}

fn intervals(spec: &Spec, seed: u64, name: &str, arms: &[(String, Outcome)]) -> Table {
    let caption = format!(
        "In percent, with 95 % intervals: of the area over patients by DeLong, of shares by Clopper and Pearson, of the area over \
         pictures by a bootstrap that draws patients. The threshold was chosen for a sensitivity of {} % among the patients that \
         were learned from.",
        percent(spec.sensitivity)
    );
    let header = [
        "arm",
        "area",
        "95 %",
        "sensitivity",
        "95 %",
        "specificity",
        "95 %",
        "accuracy",
        "95 %",
        "area of pictures",
        "95 %",
    ];
    let mut table = Table::new(name, &caption, &header, 1);
    for (arm, outcome) in arms {
        let area = outcome.area();
        let mut cells = vec![arm.clone()];
        cells.push(area.as_ref().map_or("–".into(), |own| percent(own.area)));
        cells.push(written(area.and_then(|own| own.interval(0.95))));
        for kind in [Some(true), Some(false), None] {
            cells.extend(share(outcome.right(kind)));
        }
        let rows: Vec<usize> = (0..outcome.pictures.len()).collect();
        let patients: Vec<usize> = outcome.pictures.iter().map(|picture| picture.0).collect();
        cells.push(outcome.area_of_pictures(&rows).map_or("–".into(), percent));
        let drawn = group_bootstrap(&patients, (0.95, spec.resamples, seed), |rows| outcome.area_of_pictures(rows));
        cells.push(written(drawn));
        table.rows.push(cells);
    }
    table
}

/// Every arm against the baseline.
fn pairs(name: &str, arms: &[(String, Outcome)]) -> Option<Table> {
    let (_, baseline) = arms.iter().find(|(arm, _)| arm == BASELINE)?;
    let base = baseline.area()?;
    let mut lines = Vec::new();
    for (arm, outcome) in arms.iter().filter(|(arm, _)| arm != BASELINE) {
        let compared = outcome.area()?.minus(&base)?;
        let is_right =
            |own: &Outcome| -> Vec<bool> { own.called().iter().zip(&own.truth).map(|(a, b)| a == b).collect() };
        let (own, other) = (is_right(outcome), is_right(baseline));
        let only = |a: &[bool], b: &[bool]| a.iter().zip(b).filter(|(a, b)| **a && !**b).count();
        lines.push((arm, compared, only(&own, &other), only(&other, &own)));
    }
    let areas = holm(&lines.iter().map(|line| line.1.p).collect::<Vec<_>>());
    let errors = holm(&lines.iter().map(|line| mcnemar(line.2, line.3)).collect::<Vec<_>>());
    let caption = format!(
        "Each arm against {BASELINE} on the same patients: difference of areas in points with its standard error and p of DeLong's \
         test; patients that one of the two alone gets right and p of McNemar's exact test. Both p with Holm's correction."
    );
    let header = ["arm", "area", "standard error", "p", "right alone", "wrong alone", "p (McNemar)"];
    let mut table = Table::new(name, &caption, &header, 1);
    for (k, (arm, compared, right, wrong)) in lines.into_iter().enumerate() {
        table.rows.push(vec![
            arm.clone(),
            decimals(100.0 * compared.difference, 1),
            decimals(100.0 * compared.error, 1),
            p_value(areas[k]),
            right.to_string(),
            wrong.to_string(),
            p_value(errors[k]),
        ]);
    }
    (!table.rows.is_empty()).then_some(table)
}
