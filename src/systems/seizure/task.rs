//! One target patient under one seed: which segments are learned from and tested on, as features that are ready for learning.

use ndarray::{Array1, Array2, ArrayView2, Axis};
use serde::{Deserialize, Serialize};

use crate::classic::Pca;
use crate::data::DataError;
use crate::math::Stream;
use crate::math::words::pluralise;
use crate::study::StudyError;
use crate::systems::seizure::cohort::{CLASSES, Cohort, Record, SEIZURE};
use crate::systems::seizure::spec::Spec;

/// Rows that scalers are fitted on, at most.
pub const FITTED: usize = 1_500;
/// Segments of a block, where recordings may be on both sides of a split.
const BLOCK: usize = 10;

/// A segment of a cohort.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// Index of the patient.
    pub patient: usize,
    /// Index of the recording.
    pub record: usize,
    /// Index of the segment.
    pub segment: usize,
}

/// Features of a view as learning reads them: standardised, and projected on principal components where there are many.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Scaler {
    mean: Array1<f64>,
    deviation: Array1<f64>,
    pca: Option<Pca>,
}

impl Scaler {
    /// Fitted to `rows` (rows, features); more features than `components` are projected.
    pub fn fit(rows: ArrayView2<'_, f64>, components: usize, seed: u64) -> Self {
        let mean = rows.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(rows.ncols()));
        let deviation = rows.std_axis(Axis(0), 0.0).mapv(|sd| if sd > 0.0 { sd } else { 1.0 });
        let pca = (rows.ncols() > components).then(|| Pca::fit(rows, components, seed));
        Self { mean, deviation, pca }
    }

    /// (rows, components) of `rows` (rows, features).
    pub fn transform(&self, rows: ArrayView2<'_, f64>) -> Array2<f64> {
        match &self.pca {
            Some(pca) => pca.transform(rows),
            None => (&rows - &self.mean) / &self.deviation,
        }
    }

    /// Number of features, of a scaler whose parts agree; a file may hold others.
    pub fn columns(&self) -> Option<usize> {
        let is_sound = self.deviation.len() == self.mean.len()
            && self.pca.as_ref().is_none_or(|pca| pca.is_sound() && pca.columns() == self.mean.len());
        is_sound.then_some(self.mean.len())
    }
}

/// A view of a task.
pub struct TaskView {
    /// Its name.
    pub name: String,
    /// What made the rows.
    pub scaler: Scaler,
    /// (rows of source and pool, components).
    pub training: Array2<f64>,
    /// (test rows, components).
    pub test: Array2<f64>,
    /// Features as they are, of the rows in [`Task::clustered`].
    pub plain: Array2<f64>,
}

/// A target patient under a seed.
pub struct Task {
    /// Views in the order of the settings.
    pub views: Vec<TaskView>,
    /// Labelled segments of the other patients.
    pub source: Vec<Segment>,
    /// Segments of the target that may be labelled, the first ones first, and unlabelled.
    pub pool: Vec<Segment>,
    /// Segments of the target that are tested on, in the order of time.
    pub test: Vec<Segment>,
    /// Classes of `source`, `pool` and `test`.
    pub labels: [Vec<usize>; 3],
    /// Training rows that centres are found from: of the source first, then of the pool.
    pub clustered: Vec<usize>,
    /// Samples of the rows of source and pool, and of the test rows; none unless an arm reads them.
    pub samples: [Array2<f32>; 2],
}

/// A stretch of a recording that is on one side of a split.
type Stretch = (usize, std::ops::Range<usize>);

impl Task {
    /// The task of a target.
    ///
    /// # Errors
    /// A target whose recordings cannot be split, source patients without labels of both classes.
    pub fn new(spec: &Spec, cohort: &Cohort, target: &str, seed: u64) -> Result<Self, StudyError> {
        let index = index_of(cohort, target)?;
        let (pool, test) = split(spec, cohort, index, seed)?;
        let mut source = Vec::new();
        for (patient, own) in cohort.patients.iter().enumerate().filter(|(patient, _)| *patient != index) {
            for class in 0..CLASSES.len() {
                let all: Vec<Segment> = segments(patient, &own.records, None)
                    .into_iter()
                    .filter(|at| own.records[at.record].labels[at.segment] == class)
                    .collect();
                source.extend(strided(all.len(), spec.source_segments).into_iter().map(|k| all[k]));
            }
        }
        let label = |at: &Segment| cohort.patients[at.patient].records[at.record].labels[at.segment];
        let labels = [&source, &pool, &test].map(|all| all.iter().map(label).collect::<Vec<usize>>());
        check_source(cohort, index)?;
        let of_source = strided(source.len(), spec.clustered / 2);
        let of_pool = strided(pool.len(), spec.clustered - spec.clustered / 2);
        let clustered = of_source.into_iter().chain(of_pool.into_iter().map(|k| source.len() + k)).collect();
        let samples = [vec![&source, &pool], vec![&test]].map(|parts| {
            let all: Vec<&Segment> = parts.into_iter().flatten().collect();
            let of = |at: &Segment| cohort.patients[at.patient].records[at.record].samples.row(at.segment);
            let mut rows = Array2::zeros((all.len(), all.first().map_or(0, |at| of(at).len())));
            rows.rows_mut().into_iter().zip(all).for_each(|(mut row, at)| row.assign(&of(at)));
            rows
        });
        let mut task = Self { views: Vec::new(), source, pool, test, labels, clustered, samples };
        for (view, name) in spec.views.iter().enumerate() {
            let rows = |all: &[&[Segment]]| -> Array2<f64> {
                let all: Vec<&Segment> = all.iter().flat_map(|part| part.iter()).collect();
                let of = |at: &Segment| cohort.patients[at.patient].records[at.record].views[view].row(at.segment);
                let width = all.first().map_or(0, |at| of(at).len());
                let mut rows = Array2::zeros((all.len(), width));
                for (mut row, at) in rows.rows_mut().into_iter().zip(all) {
                    row.assign(&of(at).mapv(f64::from));
                }
                rows
            };
            let plain = rows(&[&task.source, &task.pool]);
            let fitted = plain.select(Axis(0), &strided(plain.nrows(), FITTED));
            let scaler = Scaler::fit(fitted.view(), spec.components, seed);
            let training = scaler.transform(plain.view());
            let test = scaler.transform(rows(&[&task.test]).view());
            let plain = plain.select(Axis(0), &task.clustered);
            task.views.push(TaskView { name: name.clone(), scaler, training, test, plain });
        }
        Ok(task)
    }

    /// Rows of the pool that are labelled, `count` of each class as far as there are.
    pub fn labelled(&self, count: usize) -> Vec<usize> {
        let mut left = [count; CLASSES.len()];
        let pool = self.labels[1].iter().enumerate();
        let is_kept = |(_, class): &(usize, &usize)| {
            let has_room = left[**class] > 0;
            left[**class] -= usize::from(has_room);
            has_room
        };
        pool.filter(is_kept).map(|(row, _)| row).collect()
    }
}

/// Whether [`Task::new`] has enough recordings, without their features.
///
/// # Errors
/// As [`Task::new`].
pub fn check(spec: &Spec, cohort: &Cohort, target: &str, seed: u64) -> Result<(), StudyError> {
    let index = index_of(cohort, target)?;
    split(spec, cohort, index, seed)?;
    check_source(cohort, index)
}

fn index_of(cohort: &Cohort, target: &str) -> Result<usize, StudyError> {
    let unknown = || StudyError::unknown("target", target, cohort.patients.iter().map(|p| p.name.as_str()));
    cohort.patients.iter().position(|patient| patient.name == target).ok_or_else(unknown)
}

/// Whether patients besides this one have segments of both classes.
fn check_source(cohort: &Cohort, index: usize) -> Result<(), StudyError> {
    let others = || cohort.patients.iter().enumerate().filter(|(k, _)| *k != index).map(|(_, patient)| patient);
    let has = |class: usize| others().flat_map(|p| &p.records).any(|record| record.labels.contains(&class));
    match (0..CLASSES.len()).find(|class| !has(*class)) {
        None => Ok(()),
        Some(class) => {
            let target = &cohort.patients[index].name;
            let reason = format!("the patients other than {target} have no segment of class {}", CLASSES[class]);
            Err(DataError::malformed("recordings", reason).into())
        }
    }
}

/// At most `most` of `count` numbers, evenly spread.
pub fn strided(count: usize, most: usize) -> Vec<usize> {
    if count <= most { (0..count).collect() } else { (0..most).map(|k| k * count / most).collect() }
}

fn segments(patient: usize, records: &[Record], stretches: Option<&[Stretch]>) -> Vec<Segment> {
    let whole: Vec<Stretch> = records.iter().enumerate().map(|(k, record)| (k, 0..record.labels.len())).collect();
    let stretches = stretches.unwrap_or(&whole);
    let of = |(record, range): &Stretch| {
        let record = *record;
        range.clone().map(move |segment| Segment { patient, record, segment })
    };
    stretches.iter().flat_map(of).collect()
}

/// The pool and the test segments of the target. A recording, and with it every seizure, is on one side alone.
fn split(spec: &Spec, cohort: &Cohort, index: usize, seed: u64) -> Result<(Vec<Segment>, Vec<Segment>), StudyError> {
    let patient = &cohort.patients[index];
    let stretches: Vec<Stretch> = match spec.allow_leakage {
        false => patient.records.iter().enumerate().map(|(k, record)| (k, 0..record.labels.len())).collect(),
        true => {
            let blocks = |(k, record): (usize, &Record)| {
                let count = record.labels.len();
                (0..count).step_by(BLOCK).map(move |start| (k, start..(start + BLOCK).min(count))).collect::<Vec<_>>()
            };
            patient.records.iter().enumerate().flat_map(blocks).collect()
        }
    };
    let has = |(record, range): &Stretch, class: usize| patient.records[*record].labels[range.clone()].contains(&class);
    let mut stream = Stream::named(seed, &format!("split of {}", patient.name));
    let order = stream.permutation(stretches.len());
    // Stretches with a seizure and those without are split alike.
    let (seizures, others): (Vec<usize>, Vec<usize>) = order.into_iter().partition(|k| has(&stretches[*k], SEIZURE));
    let (mut pool, mut test) = (Vec::new(), Vec::new());
    for part in [&seizures, &others] {
        let tested = (part.len() as f64 * spec.test_share).round() as usize;
        let tested = tested.clamp(usize::from(part.len() > 1), part.len().saturating_sub(1));
        test.extend(part[..tested].iter().map(|k| stretches[*k].clone()));
        pool.push(part[tested..].iter().map(|k| stretches[*k].clone()).collect::<Vec<Stretch>>());
    }
    // A recording of each kind first: labels come from as few recordings as have them.
    let [seizures, others] = [pool[0].clone(), pool[1].clone()];
    let most = seizures.len().max(others.len());
    let pool: Vec<Stretch> = (0..most).flat_map(|k| [seizures.get(k), others.get(k)]).flatten().cloned().collect();
    test.sort_by_key(|(record, range)| (*record, range.start));
    for (part, name) in [(&pool, "learn from"), (&test, "test on")] {
        for class in 0..CLASSES.len() {
            if !part.iter().any(|stretch| has(stretch, class)) {
                let reason = format!(
                    "its {} leave no {} to {name}: a recording is on one side of the split; with more recordings, or \
                     with --allow-leakage, which cuts recordings apart, it can be a target; --targets names others",
                    pluralise(patient.records.len(), "recording"),
                    CLASSES[class]
                );
                return Err(DataError::malformed(format!("patient {}", patient.name), reason).into());
            }
        }
    }
    let pool = segments(index, &patient.records, Some(&pool));
    let label = |at: &Segment| patient.records[at.record].labels[at.segment];
    // Those that may be labelled come first; of the rest as many as the settings say, evenly spread.
    let most = if spec.parts.contains(&crate::systems::seizure::spec::Part::Labels) {
        spec.labels.max(spec.many_labels)
    } else {
        spec.labels
    };
    let mut left = [most; CLASSES.len()];
    let (mut first, mut rest) = (Vec::new(), Vec::new());
    for at in pool {
        match left[label(&at)] {
            0 => rest.push(at),
            _ => {
                left[label(&at)] -= 1;
                first.push(at);
            }
        }
    }
    let spread = strided(rest.len(), spec.unlabelled).into_iter().map(|k| rest[k]);
    Ok((first.into_iter().chain(spread).collect(), segments(index, &patient.records, Some(&test))))
}
