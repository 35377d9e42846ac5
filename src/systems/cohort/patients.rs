//! Patients with their pictures: drawn, embedded or of the user.

use std::collections::BTreeMap;

use crate::data::{DataError, Picture, fashion_mnist};
use crate::math::Stream;
use crate::math::words::pluralise;
use crate::study::StudyError;
use crate::systems::cohort::phantom::Phantom;
use crate::systems::cohort::spec::{Source, Spec};

/// Pictures of patients and what they show.
#[derive(Clone, Debug)]
pub struct Cohort {
    /// Names of the classes, the positive one last.
    pub classes: [String; 2],
    /// Names of the patients.
    pub patients: Vec<String>,
    /// The pictures.
    pub pictures: Vec<Picture>,
    /// A name for each picture.
    pub ids: Vec<String>,
    /// The patient of each picture.
    pub patient: Vec<usize>,
    /// Whether a picture is of the positive class.
    pub is_positive: Vec<bool>,
    /// Where a drawn lesion is, row by row; `None` of pictures without a drawn one.
    pub lesions: Vec<Option<Vec<bool>>>,
    /// What was left out or taken for what.
    pub notices: Vec<String>,
}

impl Cohort {
    /// No patients yet.
    pub fn empty(classes: [String; 2]) -> Self {
        Self {
            classes,
            patients: Vec::new(),
            pictures: Vec::new(),
            ids: Vec::new(),
            patient: Vec::new(),
            is_positive: Vec::new(),
            lesions: Vec::new(),
            notices: Vec::new(),
        }
    }

    /// Takes in a picture of the patient of this number.
    pub fn push(&mut self, patient: usize, id: String, picture: Picture, is_positive: bool, lesion: Option<Vec<bool>>) {
        self.pictures.push(picture);
        self.ids.push(id);
        self.patient.push(patient);
        self.is_positive.push(is_positive);
        self.lesions.push(lesion);
    }

    /// The cohort that the settings draw under a seed, `factor` times as large as they say.
    ///
    /// # Errors
    /// If the embedded pictures are too few.
    pub fn drawn(spec: &Spec, seed: u64, factor: usize) -> Result<Self, StudyError> {
        let (positives, negatives) = (spec.positives * factor, spec.negatives * factor);
        match spec.source {
            Source::Phantom => Ok(Phantom::of(spec).cohort(seed, positives, negatives)),
            Source::Shirts => Self::shirts()?.resampled(seed, positives, negatives),
        }
    }

    /// Shirts against pullovers of Fashion-MNIST, each picture a patient of its own.
    ///
    /// # Errors
    /// If the embedded file is damaged.
    pub fn shirts() -> Result<Self, StudyError> {
        let all = fashion_mnist::shirts()?;
        let class = |name: &str| all.samples.classes.iter().position(|own| own.eq_ignore_ascii_case(name));
        let (Some(pullover), Some(shirt)) = (class("pullover"), class("shirt")) else {
            return Err(DataError::Malformed {
                place: all.samples.source.clone(),
                reason: format!("classes {}; expected pullover and shirt", all.samples.classes.join(", ")),
            }
            .into());
        };
        let mut found = Self::empty(["pullover".into(), "shirt".into()]);
        for ((picture, id), label) in all.pictures.into_iter().zip(all.samples.ids).zip(all.samples.labels) {
            if label == pullover || label == shirt {
                found.patients.push(id.clone());
                found.push(found.patients.len() - 1, id, picture, label == shirt, None);
            }
        }
        Ok(found)
    }

    /// Whether each patient has a positive picture.
    pub fn truth(&self) -> Vec<bool> {
        let mut truth = vec![false; self.patients.len()];
        self.patient.iter().zip(&self.is_positive).for_each(|(patient, positive)| truth[*patient] |= positive);
        truth
    }

    /// So many patients of each kind, drawn under a seed. Of a patient with pictures of both classes those of one class are kept,
    /// so that it is a case of that class alone.
    ///
    /// # Errors
    /// If there are fewer.
    pub fn resampled(&self, seed: u64, positives: usize, negatives: usize) -> Result<Self, StudyError> {
        let mut stream = Stream::named(seed, "cohort");
        let order = stream.permutation(self.patients.len());
        let has = |patient: usize, positive: bool| {
            (0..self.ids.len()).any(|k| self.patient[k] == patient && self.is_positive[k] == positive)
        };
        // Patients of one kind first: those of both fill up what is missing.
        let mut left = [(false, negatives), (true, positives)];
        let mut chosen: Vec<(usize, bool)> = Vec::new();
        for is_mixed in [false, true] {
            for &patient in order.iter().filter(|&&patient| (has(patient, true) && has(patient, false)) == is_mixed) {
                let open = left.iter_mut().filter(|(kind, count)| *count > 0 && has(patient, *kind));
                if let Some((kind, count)) = open.max_by_key(|(_, count)| *count) {
                    *count -= 1;
                    chosen.push((patient, *kind));
                }
            }
        }
        if let Some((kind, missing)) = left.iter().find(|(_, count)| *count > 0) {
            let class = &self.classes[usize::from(*kind)];
            let wanted = if *kind { positives } else { negatives };
            let reason = format!("{} patients of class {class}; {wanted} are to be drawn", wanted - missing);
            return Err(DataError::Malformed { place: "cohort".into(), reason }.into());
        }
        chosen.sort_unstable();
        let mut found = Self::empty(self.classes.clone());
        for (number, (patient, kind)) in chosen.into_iter().enumerate() {
            found.patients.push(self.patients[patient].clone());
            for k in (0..self.ids.len()).filter(|&k| self.patient[k] == patient && self.is_positive[k] == kind) {
                found.push(number, self.ids[k].clone(), self.pictures[k].clone(), kind, self.lesions[k].clone());
            }
        }
        Ok(found)
    }

    /// Refuses a cohort that cannot be cut into folds, and one whose patients share a picture.
    ///
    /// # Errors
    /// Too few patients of a class, or equal pictures of two patients.
    pub fn check(&self, spec: &Spec) -> Result<(), StudyError> {
        let refuse = |reason: String| Err(DataError::Malformed { place: "cohort".into(), reason }.into());
        let truth = self.truth();
        for (kind, class) in self.classes.iter().enumerate() {
            let count = truth.iter().filter(|own| usize::from(**own) == kind).count();
            // The fold that is tested on may have one patient more than others.
            let learned = count - count.div_ceil(spec.folds);
            if count < spec.folds || learned < spec.inner_folds || learned < 2 {
                let patients = pluralise(count, "patient");
                return refuse(format!(
                    "{patients} of class {class} are too few for {} folds and {} folds within; \
                     --set folds=… and --set inner_folds=… change them",
                    spec.folds, spec.inner_folds
                ));
            }
        }
        if spec.allow_leakage {
            return Ok(());
        }
        let mut seen: BTreeMap<&[u8], usize> = BTreeMap::new();
        for (k, picture) in self.pictures.iter().enumerate() {
            let first = *seen.entry(&picture.rgb).or_insert(k);
            if self.patient[first] != self.patient[k] {
                let (one, other) = (&self.ids[first], &self.ids[k]);
                let (of, others) = (&self.patients[self.patient[first]], &self.patients[self.patient[k]]);
                return refuse(format!(
                    "{one} of patient {of} and {other} of patient {others} are the same picture, which could be on both \
                     sides of a split; correct patients.csv or give --allow-leakage"
                ));
            }
        }
        Ok(())
    }
}
