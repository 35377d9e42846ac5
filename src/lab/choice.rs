//! Which trained model of a run folder a command means.

use crate::lab::factor::Point;
use crate::lab::saved::{SavedRun, SavedTrial};
use crate::study::StudyError;

/// Which of the trained models of a run. What is left open leaves all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelChoice {
    /// Its label: the level of the factor `head`, or of `arm` in a run without heads.
    pub label: Option<String>,
    /// The seed of its training.
    pub seed: Option<u64>,
    /// Further levels, as `factor=level`.
    pub only: Vec<String>,
}

impl SavedTrial {
    /// What its model is called: the level of the factor `head`; of `arm`, where ways of training one model are compared.
    pub fn label(&self) -> &str {
        match self.point.get("head") {
            "" => self.point.get("arm"),
            head => head,
        }
    }

    /// The levels that tell it from the other trials of its run, "arm=mmd setting=pybamm seed=3".
    pub fn title(&self) -> String {
        let level = |c: &crate::lab::factor::Coordinate| format!("{}={}", c.factor, c.level);
        self.point.coordinates.iter().map(level).collect::<Vec<_>>().join(" ")
    }
}

impl SavedRun {
    /// Trials that keep one of these files, of those that the choice leaves, in the order of the run; at least one.
    ///
    /// # Errors
    /// A run without such a file, or a label, seed or level that no such trial has; the message lists those there are.
    pub fn models(&self, files: &[&str], choice: &ModelChoice) -> Result<Vec<&SavedTrial>, StudyError> {
        let refuse = |reason: String| StudyError::SavedRun { path: self.folder.clone(), reason };
        let mut found: Vec<&SavedTrial> =
            self.trials.iter().filter(|trial| files.iter().any(|file| trial.has(file))).collect();
        if found.is_empty() {
            return Err(refuse("the run keeps no trained model".into()));
        }
        let narrow = |found: &mut Vec<&SavedTrial>, what: &str, asked: &str, of: &dyn Fn(&SavedTrial) -> String| {
            let there = distinct(found.iter().map(|trial| of(trial)));
            found.retain(|trial| of(trial) == asked);
            match found.is_empty() {
                true => Err(refuse(format!("no {what} {asked}; the run has {}", there.join(", ")))),
                false => Ok(()),
            }
        };
        if let Some(label) = &choice.label {
            narrow(&mut found, "head", label, &|trial| trial.label().to_string())?;
        }
        for text in &choice.only {
            let names = || found[0].point.coordinates.iter().map(|c| c.factor.as_str()).chain(["grid"]);
            let Some((factor, level)) = text.split_once('=') else {
                return Err(StudyError::unknown("--only", text, ["factor=level, such as setting=near"]));
            };
            if !names().any(|name| name == factor) {
                return Err(StudyError::unknown("factor of --only", factor, names().collect::<Vec<_>>()));
            }
            narrow(&mut found, factor, level, &|trial| level_of(&trial.point, factor).into())?;
        }
        if let Some(seed) = choice.seed {
            narrow(&mut found, "seed", &seed.to_string(), &|trial| trial.point.seed().to_string())?;
        }
        Ok(found)
    }
}

fn level_of<'p>(point: &'p Point, factor: &str) -> &'p str {
    if factor == "grid" { &point.grid } else { point.get(factor) }
}

/// Each text once, in the order of their first.
fn distinct(names: impl Iterator<Item = String>) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for name in names {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}
