//! A run folder, read back: its settings, its trials and their files.

use std::path::Path;

use crate::lab::experiment::{Experiment, Files};
use crate::lab::factor::Point;
use crate::lab::metric::Measurement;
use crate::lab::plan::Plan;
use crate::lab::run::TRIALS;
use crate::lab::settings::{Overrides, Settings, read, resolve};
use crate::lab::store::Store;
use crate::study::StudyError;

/// The folder of a run without sweeps.
pub struct SavedRun<E: Experiment> {
    /// The settings of the run.
    pub spec: E::Spec,
    plan: Plan<E::Spec>,
    store: Store,
}

impl<E: Experiment> SavedRun<E> {
    /// Opens a run folder.
    ///
    /// # Errors
    /// A folder of another system or without a settings file, or one of a sweep.
    pub fn open(folder: &Path) -> Result<Self, StudyError> {
        let path = folder.join("spec.toml");
        let file = read(&path, E::Spec::FORMAT)?;
        let request = resolve::<E::Spec>(E::FLAGS, &Overrides { file: Some(file), ..Overrides::default() })?;
        let plan = Plan::of::<E>(&request)?;
        let [spec] = &plan.variants[..] else {
            let reason = "the run varied its settings; name a run without `vary`".into();
            return Err(StudyError::Spec { path, reason });
        };
        Ok(Self { spec: spec.clone(), store: Store::open(&folder.join(TRIALS))?, plan })
    }

    /// Trials that have a result, in the order of the plan.
    pub fn finished(&self) -> impl Iterator<Item = &Point> {
        let nodes = self.plan.trials().map(|k| &self.plan.nodes[k]);
        nodes.filter(|node| self.store.is_finished(&node.key)).map(|node| &node.point)
    }

    /// What a trial measured, with its files.
    ///
    /// # Errors
    /// If it has no result or cannot be read.
    pub fn trial(&self, at: &Point) -> Result<Measurement, StudyError> {
        let missing = || StudyError::MissingTrial { trial: at.to_string() };
        let node = self.plan.trial(at).ok_or_else(missing)?;
        let stored = self.store.read(&node.key)?.ok_or_else(missing)?;
        let files: Files = self.store.files(&node.key)?;
        Ok(Measurement { files: files.into_iter().collect(), ..stored.measurement })
    }
}
