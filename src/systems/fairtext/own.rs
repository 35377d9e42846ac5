//! Own reports: a table with a column of texts, one of classes, any columns of numbers or words.

use std::path::Path;

use ndarray::Array2;

use crate::data::{Part, Samples, Tabular, TargetKind, TargetOptions, TargetTable, TextTable};
use crate::math::order::numbered;
use crate::math::words::join_and;
use crate::study::StudyError;
use crate::systems::fairtext::reports::Reports;
use crate::systems::fairtext::spec::Spec;

/// Reads the table of the settings, and what was read in another way than it is written.
///
/// # Errors
/// A table that cannot be read, lacks a column, or has one class or one group.
pub fn read(spec: &Spec, path: &Path) -> Result<(Reports, Vec<String>), StudyError> {
    let raw = TextTable::read(path)?;
    let named: Vec<&String> = [&spec.text, &spec.target].into_iter().chain(&spec.group).chain(&spec.district).collect();
    if let Some(twice) = named.iter().enumerate().find(|(k, name)| named[..*k].contains(name)) {
        let reason =
            format!("the column `{}` is named for two things; text, target, group and district differ", twice.1);
        return Err(raw.malformed(reason).into());
    }
    let texts = raw.texts(&spec.text)?;
    let target = raw.texts(&spec.target)?;
    let (group_names, groups) = match &spec.group {
        Some(name) => numbered(raw.texts(name)?),
        None => (vec!["all".into()], vec![0; texts.len()]),
    };
    let (district_names, districts) = match &spec.district {
        Some(name) => numbered(raw.texts(name)?),
        None => ((0..texts.len()).map(|row| format!("row {}", row + 1)).collect(), (0..texts.len()).collect()),
    };
    let mut notices = Vec::new();
    if spec.district.is_none() {
        notices.push(
            "no column of districts (--district): reports of one place may be on both sides of a split, which makes every figure too \
             high"
                .to_string(),
        );
    }
    let has_others = raw.header.len() > named.len();
    let table = if has_others {
        let drop = named.iter().filter(|name| **name != &spec.target).map(|name| name.to_string()).collect();
        let (kind, target) = (Some(TargetKind::Classes), Some(spec.target.clone()));
        let options = TargetOptions { target, kind, drop, ..TargetOptions::default() };
        TargetTable::read(path, &options)?.table
    } else {
        let (classes, labels) = numbered(target);
        let count = texts.len();
        let samples = Samples {
            source: path.display().to_string(),
            ids: raw.rows.iter().map(|row| format!("line {}", row.line)).collect(),
            labels,
            classes,
            parts: vec![Part::Train; count],
            groups: Vec::new(),
        };
        let values = Array2::zeros((count, 0));
        Tabular { values, columns: Vec::new(), target: spec.target.clone(), samples, notices: Vec::new() }
    };
    if table.samples.len() != texts.len() {
        let reason = format!("{} rows have a text and {} a class", texts.len(), table.samples.len());
        return Err(raw.malformed(reason).into());
    }
    let few = |what: &str, names: &[String]| {
        raw.malformed(format!("one {what} ({}); expected at least two", join_and(names)))
    };
    if table.samples.classes.len() < 2 {
        return Err(few("class", &table.samples.classes).into());
    }
    if spec.group.is_some() && group_names.len() < 2 {
        return Err(few("group", &group_names).into());
    }
    notices.extend(table.notices.iter().filter(|notice| !notice.contains("asked for")).cloned());
    let test_only = vec![false; texts.len()];
    Ok((Reports { texts, table, groups, group_names, districts, district_names, test_only, posterior: None }, notices))
}
