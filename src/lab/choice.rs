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
            let there: Vec<String> = there.into_iter().filter(|name| !name.is_empty()).collect();
            match (found.is_empty(), there.is_empty()) {
                (false, _) => Ok(()),
                (true, true) => Err(refuse(format!("no {what} {asked}; none of the run's models has a {what}"))),
                (true, false) => Err(refuse(format!("no {what} {asked}; the run has {}", there.join(", ")))),
            }
        };
        if let Some(label) = &choice.label {
            narrow(&mut found, "head", label, &|trial| trial.label().to_string())?;
        }
        for text in &choice.only {
            // Grids of a run have factors of their own.
            let factors = found.iter().flat_map(|trial| trial.point.coordinates.iter().map(|c| c.factor.clone()));
            let names = distinct(factors.chain(["grid".to_string()]));
            let Some((factor, level)) = text.split_once('=') else {
                return Err(StudyError::unknown("--only", text, ["factor=level, such as setting=near"]));
            };
            if !names.iter().any(|name| name == factor) {
                return Err(StudyError::unknown("factor of --only", factor, names.iter().map(String::as_str)));
            }
            narrow(&mut found, factor, level, &|trial| level_of(&trial.point, factor).into())?;
        }
        if let Some(seed) = choice.seed {
            narrow(&mut found, "seed", &seed.to_string(), &|trial| trial.point.seed().to_string())?;
        }
        Ok(found)
    }

    /// Refuses models of several levels of a factor between which no measure can choose: which of them new data need, only the
    /// user knows.
    ///
    /// # Errors
    /// If there are several levels; the message lists them.
    pub fn refuse_several(&self, found: &[&SavedTrial], factor: &str) -> Result<(), StudyError> {
        let mut levels = distinct(found.iter().map(|trial| level_of(&trial.point, factor).to_string()));
        levels.retain(|level| !level.is_empty());
        levels.sort_unstable();
        match levels.first() {
            Some(first) if levels.len() > 1 => {
                let all = levels.join(", ");
                let reason = format!("models of more than one {factor}: {all}; choose one: --only {factor}={first}");
                Err(StudyError::SavedRun { path: self.folder.clone(), reason })
            }
            _ => Ok(()),
        }
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
