//! One map under one seed.

use ndarray::{Array1, Array2, Axis};

use crate::classic::ClassicError;
use crate::classic::alignment::{
    Affine, Choice, Gated, Isl, PairedRows, RidgePath, Sources, debiased, effective_rank, folds, normalised_error,
    top_k, two_way,
};
use crate::lab::Measurement;
use crate::study::StudyError;
use crate::systems::alignment::arms::Learner;
use crate::systems::alignment::saved::{MODEL_FILE, SavedMap};
use crate::systems::alignment::spec::Spec;
use crate::systems::alignment::world::World;

/// Weights of sources below this are none.
const NO_WEIGHT: f64 = 0.02;

/// A map with what is known of it.
pub struct Learned {
    /// The map.
    pub map: Affine,
    /// Whether the gate let it pass, if there is one.
    pub passed: Option<bool>,
    /// Weights of sources.
    pub weights: Option<Vec<f64>>,
    /// Squared error of pairs, each predicted by a map fitted without its fold, over their squared distance from the mean.
    pub validation: f64,
}

/// Learns a map from the first pairs of a world.
///
/// # Errors
/// If values are not finite.
pub fn learn(spec: &Spec, world: &World, learner: Learner, rows: usize, seed: u64) -> Result<Learned, StudyError> {
    let pairs = world.pairs(rows);
    let isl =
        Isl { has_noise: true, is_corrected: true, weak: spec.weak, folds: spec.folds, choice: Choice::Common, seed };
    let sources = Sources { maps: world.sources.clone(), penalty: spec.penalty };
    let fit = |pairs: PairedRows<'_>| match learner {
        Learner::Ridge(choice) => {
            let folds = folds(pairs.x.nrows(), spec.folds, seed);
            Ok(RidgePath::cross_validated(pairs, &folds, choice)?.0)
        }
        Learner::Unpaired { has_noise, is_corrected, .. } => {
            Isl { has_noise, is_corrected, ..isl }.fit(pairs, world.pool.view())
        }
        Learner::UnpairedBorrowed => isl.fit_by(pairs, world.pool.view(), &|inverse| {
            let sources = Sources { maps: world.inverse_sources.clone(), penalty: spec.penalty };
            isl.corrected(sources.combined(&sources.weights(inverse))?, inverse)
        }),
        Learner::Network { .. } => {
            Err(ClassicError::Alignment { reason: "a network is no linear map; it is learned by its own loop".into() })
        }
        Learner::MeanOfSources => mean_of(&sources),
        Learner::Debiased => debiased(&mean_of(&sources)?, pairs, &folds(pairs.x.nrows(), spec.folds, seed)),
        Learner::BestSource => {
            let error = |map: &Affine| (map.predict(pairs.x) - pairs.y).mapv(|g| g * g).sum();
            let errors: Vec<f64> = sources.maps.iter().map(|map| -error(map)).collect();
            let mut weights = vec![0.0; errors.len()];
            if !errors.is_empty() {
                weights[crate::math::order::argmax(&errors)] = 1.0;
            }
            sources.combined(&weights)
        }
        Learner::Sparse { is_corrected, .. } => {
            let map = sources.combined(&sources.weights(pairs))?;
            if is_corrected { isl.corrected(map, pairs) } else { Ok(map) }
        }
    };
    let weights = matches!(learner, Learner::Sparse { .. }).then(|| sources.weights(pairs));
    let mean = mean(pairs);
    let spread: f64 = (&pairs.y - &mean).mapv(|gap| gap * gap).sum();
    let share = |error: f64| error / spread.max(f64::MIN_POSITIVE);
    Ok(match learner.is_gated() {
        true => {
            let Gated { map, has_passed, held_out_error } = isl.gated(pairs, &fit)?;
            Learned { map, passed: Some(has_passed), weights, validation: share(held_out_error) }
        }
        false => {
            let validation = share(isl.held_out_error(pairs, &fit)?);
            Learned { map: fit(pairs)?, passed: None, weights, validation }
        }
    })
}

fn mean_of(sources: &Sources) -> Result<Affine, ClassicError> {
    let count = sources.maps.len();
    sources.combined(&vec![1.0 / count.max(1) as f64; count])
}

/// Measures a map on the test rows, and keeps it.
///
/// # Errors
/// If the tensor library fails.
pub fn measure(spec: &Spec, world: &World, rows: usize, learned: &Learned) -> Result<Measurement, StudyError> {
    let mean = mean(world.pairs(rows));
    let predicted = learned.map.predict(world.test_x.view());
    let mut found = quality(spec, world, &predicted, &mean).value("validation", learned.validation);
    if let Some(passed) = learned.passed {
        found = found.value("passed", f64::from(u8::from(passed)));
    }
    if let Some(weights) = &learned.weights {
        let is_right = weights.iter().enumerate().all(|(k, weight)| (*weight > NO_WEIGHT) == (k < world.related));
        found = found.value("picked", f64::from(u8::from(is_right))).keep("weights", weights);
    }
    let model = SavedMap { inputs: world.x.ncols(), outputs: world.y.ncols() };
    Ok(found.file(MODEL_FILE, model.to_bytes(&world.in_units(&learned.map))?))
}

/// Measures predictions of the test rows.
pub fn quality(spec: &Spec, world: &World, predicted: &Array2<f64>, mean: &Array1<f64>) -> Measurement {
    let (truth, mean) = (world.test_y.view(), mean.view());
    let gap = predicted - &truth;
    let root = world.units.1 * (gap.iter().map(|g| g * g).sum::<f64>() / gap.len().max(1) as f64).sqrt();
    Measurement::default()
        .value("error", normalised_error(predicted.view(), truth, mean))
        .value("root_error", root)
        .value("two_way", two_way(predicted.view(), truth, mean))
        .value("top_1", top_k(predicted.view(), truth, mean, (1, spec.gallery)))
        .value("rank", effective_rank(predicted.view()))
}

/// Mean of the targets of the training pairs.
pub fn mean(pairs: PairedRows<'_>) -> Array1<f64> {
    pairs.y.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(pairs.y.ncols()))
}
