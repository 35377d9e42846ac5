//! Trains every head and says how far off it is; then the transfer.

use std::sync::Arc;

use candle_core::DType;
use serde::Serialize;

use crate::data::BadPicture;
use crate::nn::{Model, Params};
use crate::study::train::{TrainConfig, TrainingLoop};
use crate::study::{Observer, StudyError, parallel};
use crate::systems::rotation::errors::{Errors, Told};
use crate::systems::rotation::heads::{Form, HeadRow};
use crate::systems::rotation::network::Eye;
use crate::systems::rotation::photo::{Album, Photo};
use crate::systems::rotation::spec::{Photos, Spec};
use crate::systems::rotation::transfer::{Transferred, transfer};
use crate::systems::rotation::views::{Gallery, Views};
use crate::transfer::schedule::Full;

/// Seeds of collections from here on are not those of trainings.
pub const CLEAR: u64 = 1 << 32;
pub const AMBIGUOUS: u64 = 1 << 33;
pub const TRAINING: u64 = 1 << 34;
const VALIDATION: u64 = 1 << 37;
const NOISE: u64 = 1 << 38;

/// Qualities of the JPEG as which views are saved again.
pub const QUALITIES: [u8; 2] = [90, 75];

/// One head under one seed.
#[derive(Clone, Debug, Serialize)]
pub struct Trained {
    /// Factor on the learning rate.
    pub rate: f64,
    /// Mean error on validation pictures, degrees.
    pub validation: f64,
    /// On clear scenes, or on photographs.
    pub clear: Errors,
    /// Confidence on pictures whose angle can be known and on those where it cannot: mean entropy (nats) of a distribution,
    /// mean length of a vector or amplitude of phases. The latter are ambiguous scenes or, beside photographs, noise.
    pub doubt: Option<(f64, f64)>,
    /// Of a distribution on ambiguous scenes, the largest mass within 15° of a place 90°, 180° or 270° from its mode.
    pub second_mode: Option<f64>,
    /// |mean cos 4(told - true)| on pictures without content.
    pub fourfold: f64,
    /// As `clear`, with each view saved as a JPEG of one of `QUALITIES` and read again.
    pub resaved: Vec<Errors>,
}

/// What was measured.
pub(super) struct Found {
    /// By head, then seed.
    pub heads: Vec<Vec<Tried>>,
    /// By seed; empty if there was none.
    pub transfers: Vec<Transferred>,
}

/// One head under one seed, at every rate that was tried.
#[derive(Clone, Debug)]
pub(super) struct Tried(pub Vec<Trained>);

impl Tried {
    /// The one with the lowest error on validation pictures.
    pub fn best(&self) -> Option<&Trained> {
        self.0.iter().min_by(|a, b| a.validation.total_cmp(&b.validation))
    }
}

/// What is learned from, chosen on and judged on.
struct Stock {
    /// Where it is the same under every seed.
    photographs: Option<Gallery>,
    validation: Gallery,
    clear: Gallery,
    ambiguous: Option<Gallery>,
    noise: Gallery,
}

impl Stock {
    fn new(spec: &Spec, progress: &dyn Observer) -> Result<Self, StudyError> {
        let count = spec.test_scenes;
        let Some(Photos { folder, crop, held_out, skip_bad }) = &spec.photos else {
            return Ok(Self {
                photographs: None,
                validation: Gallery::scenes(VALIDATION, count, 0.0),
                clear: Gallery::scenes(CLEAR, count, 0.0),
                ambiguous: Some(Gallery::scenes(AMBIGUOUS, count, 1.0)),
                noise: Gallery::noise(NOISE, count),
            });
        };
        let bad = if *skip_bad { BadPicture::Skip } else { BadPicture::Refuse };
        let album = Album::read(folder, *crop, *held_out, 0, bad)?;
        album.notices.iter().for_each(|notice| progress.note(notice));
        let counts = [&album.training, &album.validation, &album.test].map(Vec::len);
        progress.note(&format!(
            "{} photographs to learn from, {} to choose on, {} to judge on",
            counts[0], counts[1], counts[2]
        ));
        Ok(Self {
            photographs: Some(album.training.into()),
            validation: album.validation.into(),
            clear: album.test.into(),
            ambiguous: None,
            noise: Gallery::drawn(NOISE, count, |number, _| Arc::new(Photo::noise(NOISE, number, *crop))),
        })
    }

    fn trained(
        &self,
        spec: &Spec,
        head: &'static HeadRow,
        factor: f64,
        seed: u64,
        progress: &dyn Observer,
    ) -> Result<Trained, StudyError> {
        let eye = Eye { outputs: head.width() };
        let scenes = || Gallery::scenes(TRAINING + seed, spec.training_scenes, spec.ambiguous);
        let training = self.photographs.clone().unwrap_or_else(scenes);
        let training = Views { gallery: &training, head };
        let config = TrainConfig { rate: factor * spec.train.rate, ..spec.train };
        let mut params = Params::new(seed, DType::F32);
        let trainer = TrainingLoop { observer: progress, ..TrainingLoop::new(&eye, &training, head, &config, seed) };
        trainer.run(&mut params, &mut Full)?;
        let network = eye.build(&mut params)?;
        let told = |gallery: &Gallery| Told::of(network.as_ref(), &Views { gallery, head });
        let (clear, noise) = (told(&self.clear)?, told(&self.noise)?);
        let ambiguous = self.ambiguous.as_ref().map(told).transpose()?;
        let resaved = |quality: &u8| {
            let again = Told::of_rows(network.as_ref(), head, self.clear.resaved(*quality)?)?;
            again.errors(&self.clear.angles)
        };
        Ok(Trained {
            rate: factor,
            validation: told(&self.validation)?.errors(&self.validation.angles)?.mean,
            clear: clear.errors(&self.clear.angles)?,
            doubt: clear.doubt().zip(ambiguous.as_ref().unwrap_or(&noise).doubt()),
            second_mode: ambiguous.and_then(|told| told.second_mode()),
            fourfold: noise.fourfold(&self.noise.angles).unwrap_or(0.0),
            resaved: QUALITIES.iter().map(resaved).collect::<Result<_, _>>()?,
        })
    }
}

/// Trains and judges every head under every seed, and makes the transfer under every seed.
pub(super) fn measure(spec: &Spec, threads: usize, progress: &dyn Observer) -> Result<Found, StudyError> {
    let stock = Stock::new(spec, progress)?;
    let mut trainings = Vec::new();
    for name in &spec.heads {
        let head = HeadRow::named(name)?;
        let rates = if head.form == Form::Direct { &spec.rates[..] } else { &[1.0][..] };
        let of_seed = |seed: &u64| rates.iter().map(|rate| (head, *seed, *rate)).collect::<Vec<_>>();
        trainings.extend(spec.seeds.iter().flat_map(of_seed));
    }
    let is_transferred = spec.photos.is_none() && spec.transfer.scenes > 0;
    let transfers = if is_transferred { &spec.seeds[..] } else { &[] };
    let rows = stock.photographs.as_ref().map_or(spec.training_scenes, |photos| photos.sights.len());
    progress.stage("training", trainings.len() * spec.train.epochs * rows + transfers.len() * transferred_rows(spec));
    // The transfers are the longest jobs, so they begin first.
    let done = parallel::jobs(transfers.len() + trainings.len(), threads, |job| match transfers.get(job) {
        Some(seed) => Ok((None, Some(transfer(spec, *seed, progress)?))),
        None => {
            let (head, seed, rate) = trainings[job - transfers.len()];
            Ok((Some(stock.trained(spec, head, rate, seed, progress)?), None))
        }
    })?;
    progress.done();
    let (heads, transfers): (Vec<_>, Vec<_>) = done.into_iter().unzip();
    let mut heads = heads.into_iter().flatten();
    let mut by_head = Vec::new();
    for name in &spec.heads {
        let rates = if HeadRow::named(name)?.form == Form::Direct { spec.rates.len() } else { 1 };
        by_head.push(spec.seeds.iter().map(|_| Tried(heads.by_ref().take(rates).collect())).collect());
    }
    Ok(Found { heads: by_head, transfers: transfers.into_iter().flatten().collect() })
}

fn transferred_rows(spec: &Spec) -> usize {
    let (transfer, grafts) = (&spec.transfer, &spec.grafts);
    let grafted = grafts.heads.len() * grafts.codes.len() * grafts.train.epochs * grafts.views * spec.training_scenes;
    transfer.scenes * transfer.source.epochs + 3 * transfer.labels * transfer.target.epochs + grafted
}
