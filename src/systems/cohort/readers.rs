//! What readers said of some of the patients, beside what an arm says of the same ones.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::data::TextTable;
use crate::lab::render;
use crate::math::words::{decimals, p_value};
use crate::report::{Block, Section, Table};
use crate::study::StudyError;
use crate::study::diagnostic::{clopper_pearson, fleiss_kappa, mcnemar};
use crate::study::stats::Interval;
use crate::systems::cohort::patients::Cohort;
use crate::systems::cohort::trial::Outcome;

/// Name of what is kept of them.
pub const READERS: &str = "readers";

/// Answers on one list of cases.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Readers {
    /// Names of the readers.
    pub names: Vec<String>,
    /// Names of the patients.
    pub patients: Vec<String>,
    /// Whether each reader calls each patient positive, by patient.
    pub answers: Vec<Vec<bool>>,
}

impl Readers {
    /// Reads a table with a column `patient` and one for each reader, whose fields are names of classes, yes or no, 1 or 0.
    ///
    /// # Errors
    /// A patient that the cohort does not have or that is there twice, a field that is no answer, a table without readers.
    pub fn read(path: &Path, cohort: &Cohort) -> Result<Self, StudyError> {
        let table = TextTable::read(path)?;
        let Some(patient) = table.column(&["patient", "patient_id", "patientid", "subject", "case"]) else {
            return Err(table.malformed("no column `patient`").into());
        };
        let columns: Vec<usize> = (0..table.header.len()).filter(|&column| column != patient).collect();
        if columns.is_empty() || table.rows.is_empty() {
            return Err(table
                .malformed("no answers: expected a column for each reader and a row for each patient")
                .into());
        }
        let [negative, positive] = &cohort.classes;
        let mut found = Self {
            names: columns.iter().map(|&column| table.header[column].clone()).collect(),
            patients: Vec::new(),
            answers: Vec::new(),
        };
        for row in &table.rows {
            let name = &row.fields[patient];
            if !cohort.patients.contains(name) {
                let reason = "no such patient in the cohort: readers and arms are compared on the same cases alone";
                return Err(table.wrong(row, patient, reason).into());
            }
            if found.patients.contains(name) {
                return Err(table.wrong(row, patient, "the patient is in the table twice").into());
            }
            let answer = |&column: &usize| {
                let own = row.fields[column].to_lowercase();
                let is = |class: &str| class.to_lowercase() == own;
                if is(positive) || ["1", "yes", "true", "positive"].contains(&own.as_str()) {
                    Ok(true)
                } else if negative.split(" or ").any(is) || ["0", "no", "false", "negative"].contains(&own.as_str()) {
                    Ok(false)
                } else {
                    let reason = format!("expected {positive}, {negative}, yes, no, 1 or 0");
                    Err(table.wrong(row, column, reason))
                }
            };
            found.answers.push(columns.iter().map(answer).collect::<Result<_, _>>()?);
            found.patients.push(name.clone());
        }
        Ok(found)
    }

    /// The table of readers and arms on the cases of the readers.
    pub fn section(&self, arms: &[(String, Outcome)]) -> Option<Section> {
        let (_, first) = arms.first()?;
        let place = |name: &String| first.patients.iter().position(|own| own == name);
        let cases: Vec<usize> = self.patients.iter().map(place).collect::<Option<_>>()?;
        let truth: Vec<bool> = cases.iter().map(|&case| first.truth[case]).collect();
        let right = |called: &[bool], kind: bool| {
            let own = called.iter().zip(&truth).filter(|(_, truth)| **truth == kind);
            own.fold((0, 0), |(right, all), (called, truth)| (right + usize::from(called == truth), all + 1))
        };
        let header = ["", "sensitivity (%)", "95 %", "specificity (%)", "95 %", "p against the first arm"];
        let caption = format!(
            "Readers and arms on the same {} cases: exact intervals (Clopper and Pearson), and p of McNemar's exact test over all \
             cases. Arms answer at their own threshold.",
            cases.len()
        );
        let mut table = Table::new("readers", &caption, &header, 1);
        let called =
            |outcome: &Outcome| -> Vec<bool> { cases.iter().map(|&case| outcome.margins[case] >= 0.0).collect() };
        let reference = called(first);
        let mut row = |name: &str, answers: &[bool]| {
            let mut cells = vec![name.to_string()];
            for kind in [true, false] {
                cells.extend(share(right(answers, kind)));
            }
            let is_right = |answers: &[bool], k: usize| answers[k] == truth[k];
            let only = |a: &[bool], b: &[bool]| (0..truth.len()).filter(|&k| is_right(a, k) && !is_right(b, k)).count();
            cells.push(p_value(mcnemar(only(answers, &reference), only(&reference, answers))));
            table.rows.push(cells);
        };
        for (number, name) in self.names.iter().enumerate() {
            row(name, &self.answers.iter().map(|answers| answers[number]).collect::<Vec<_>>());
        }
        for (name, outcome) in arms {
            row(name, &called(outcome));
        }
        let mut blocks = vec![Block::Table(table)];
        let counts: Vec<Vec<usize>> = self
            .answers
            .iter()
            .map(|answers| {
                let positive = answers.iter().filter(|answer| **answer).count();
                vec![answers.len() - positive, positive]
            })
            .collect();
        if let Some(kappa) = fleiss_kappa(&counts) {
            blocks.push(Block::Text(format!("Agreement of the readers: Fleiss' κ = {}.", decimals(kappa, 3))));
        }
        Some(render::section("readers", "Readers", blocks))
    }
}

/// "95.2".
pub fn percent(share: f64) -> String {
    decimals(100.0 * share, 1)
}

/// "76.2 to 99.9".
pub fn written(interval: Option<Interval>) -> String {
    interval.map_or("–".into(), |i| format!("{} to {}", percent(i.low), percent(i.high)))
}

/// "95.2 (20/21)" and its exact interval.
pub fn share((hits, of): (usize, usize)) -> [String; 2] {
    let shown = if of > 0 { format!("{} ({hits}/{of})", percent(hits as f64 / of as f64)) } else { "–".into() };
    [shown, written(clopper_pearson(hits, of, 0.95))]
}
