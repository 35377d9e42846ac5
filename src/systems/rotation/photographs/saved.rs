//! A trained network of a run, applied to pictures: by what angle each is rotated, and upright copies.

use std::f64::consts::TAU;
use std::path::Path;

use candle_core::{DType, Tensor};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::network::PhotoNet;
use super::planes::outputs;
use super::trial::joint_answer;
use super::{PhotoInputs, Pretrained};
use crate::data::{BadPicture, Picture, decode, read_pictures};
use crate::lab::{Applied, ApplyOptions, ModelChoice, OnnxModel, SavedRun, SavedTrial, StudyError};
use crate::math::circular::wrap;
use crate::nn::{LearningRates, Model, ModelHeader, NnError, Params};
use crate::study::Observer;
use crate::systems::rotation::encodings::{AngleHead, encoding};
use crate::systems::rotation::photo::{Crop, Photo, inscribed};
use crate::systems::rotation::picture::UprightPicture;
use crate::systems::rotation::predictions::AnglePredictions;
use crate::systems::rotation::readout::{READOUTS, Readout};
use crate::systems::rotation::spec::{Photos, Spec};

/// File of a trial with what was trained, and in its metadata everything else that is needed.
pub(super) const MODEL_FILE: &str = "angle_network.safetensors";

/// Views of a new picture, evenly around the circle.
const VIEWS: usize = 8;

/// What the trained tensors belong to.
#[derive(Serialize, Deserialize)]
struct Header {
    encoding: String,
    backbone: crate::systems::inputs::Backbone,
    /// Digest of the weights of the backbone, hexadecimal.
    weights: String,
    size: usize,
    crop: Crop,
    live_stages: usize,
    /// Row of the table of readouts.
    #[serde(default = "first_readout")]
    readout: String,
}

/// That of files which name none.
fn first_readout() -> String {
    READOUTS[0].0.into()
}

impl ModelHeader for Header {
    const ENTRY: &'static str = "angle_network";
    const FORMAT: &'static str = "qgraft.angle_network/1";
    const WHAT: &'static str = "a network for angles";
}

/// A trained network.
pub(super) struct SavedNet {
    header: Header,
    head: &'static AngleHead,
    readout: Readout,
    pretrained: Pretrained,
    params: Params,
}

impl SavedNet {
    /// The file: trained tensors in half precision; the constant ones come with the backbone.
    pub fn bytes(
        spec: &Spec,
        inputs: &PhotoInputs,
        (head, readout): (&AngleHead, Readout),
        params: &Params,
        rates: &LearningRates,
    ) -> Result<Vec<u8>, StudyError> {
        let photos = spec.photos.clone().unwrap_or_else(|| Photos::new("".into()));
        let header = Header {
            encoding: head.name.into(),
            backbone: photos.backbone,
            weights: inputs.pretrained.weights.digest_text()?,
            size: photos.size,
            crop: photos.crop,
            live_stages: photos.live_stages,
            readout: READOUTS.iter().find(|row| row.2 == readout).unwrap_or(&READOUTS[0]).0.into(),
        };
        let trained = params.trainable().filter(|(name, _)| rates.is_trainable(name));
        let tensors: Vec<(&str, Tensor)> = trained
            .map(|(name, var)| Ok((name, var.as_detached_tensor().to_dtype(DType::F16)?)))
            .collect::<Result<_, candle_core::Error>>()?;
        Ok(header.to_bytes(tensors)?)
    }

    /// Reads the file of a trial.
    fn of_trial(trial: &SavedTrial) -> Result<Self, StudyError> {
        let path = trial.path(MODEL_FILE);
        let bytes = trial.file(MODEL_FILE)?;
        let failed = |reason: String| NnError::File { path: path.clone(), reason };
        let header = Header::read(&bytes, &path)?;
        let head = encoding(&header.encoding).ok_or_else(|| failed(format!("unknown encoding {}", header.encoding)))?;
        let known = Readout::named(&header.readout);
        let readout = known.ok_or_else(|| failed(format!("unknown readout {}", header.readout)))?;
        let photos = Photos {
            backbone: header.backbone.clone(),
            size: header.size,
            crop: header.crop,
            live_stages: header.live_stages,
            ..Photos::new("".into())
        };
        let pretrained = Pretrained::open(&photos)?;
        if pretrained.weights.digest_text()? != header.weights {
            let reason = format!("the weights of {} are not those of its training", header.backbone.name);
            return Err(failed(reason).into());
        }
        let mut params = Params::new(0, DType::F32);
        PhotoNet { pretrained: &pretrained, outputs: head.width(), readout }.build(&mut params)?;
        let weights = crate::nn::Weights::from_safetensors(&bytes, path.display().to_string())?;
        params.load_matching(&weights)?;
        params.freeze();
        Ok(Self { header, head, readout, pretrained, params })
    }

    /// By what angle (radians, counter-clockwise) each photograph is rotated: the answer on which views of it agree best,
    /// their mean confidence, and the median distance of the views from the answer.
    fn answer(&mut self, photos: &[Photo]) -> Result<Vec<(f64, Option<f64>, f64)>, StudyError> {
        let model = PhotoNet { pretrained: &self.pretrained, outputs: self.head.width(), readout: self.readout };
        let network = model.build(&mut self.params)?;
        let angles: Vec<f64> = (0..VIEWS).map(|view| TAU * view as f64 / VIEWS as f64).collect();
        let mut found = Vec::new();
        for photo in photos {
            let pixels: Vec<f32> =
                angles.par_iter().flat_map_iter(|angle| photo.view(*angle, self.header.size)).collect();
            let planes = outputs(&self.pretrained, pixels, VIEWS)?;
            let views: Vec<(f64, Option<f64>)> =
                AnglePredictions::of_rows(network.as_ref(), self.head, planes)?.answers().collect();
            let pairs: Vec<(f64, f64)> =
                views.iter().zip(&angles).map(|((answer, _), angle)| (*answer, *angle)).collect();
            let (angle, apart) = joint_answer(&pairs);
            let sure: Option<f64> = views.iter().map(|(_, sure)| *sure).sum::<Option<f64>>();
            found.push((angle, sure.map(|sum| sum / VIEWS as f64), apart));
        }
        Ok(found)
    }
}

/// The network of a run that is best on validation photographs, of those that a choice leaves.
fn best<'r>(run: &'r SavedRun, choice: &ModelChoice) -> Result<(&'r SavedTrial, SavedNet), StudyError> {
    let mut trials = run.models(&[MODEL_FILE], choice)?;
    let error = |trial: &&SavedTrial| trial.measurement.get("validation_error").unwrap_or(f64::INFINITY);
    trials.sort_by(|a, b| error(a).total_cmp(&error(b)));
    let trial = trials[0];
    let weights = trial.settings::<Spec>()?.photos.and_then(|photos| photos.backbone.weights);
    trial.check_contents("photos.backbone.weights", weights.as_deref())?;
    Ok((trial, SavedNet::of_trial(trial)?))
}

/// The network of a run that is best on validation photographs as an ONNX file.
///
/// # Errors
/// A run without such networks, or a backbone that cannot be written.
pub(in crate::systems::rotation) fn onnx(run: &SavedRun, choice: &ModelChoice) -> Result<OnnxModel, StudyError> {
    let (trial, mut net) = best(run, choice)?;
    let crop = match net.header.crop {
        Crop::Disc => "the disc inside the picture, grey (127.5) around it",
        Crop::Rectangle => "the largest upright rectangle inside the frame of the picture",
    };
    let facts = vec![("view", crop.to_string())];
    let model = PhotoNet { pretrained: &net.pretrained, outputs: net.head.width(), readout: net.readout };
    let bytes = model.to_onnx(&mut net.params, net.head, facts)?;
    let size = net.header.size;
    let title = format!(
        "{}; `pictures` (batch, 3, {size}, {size}), RGB from 0 to 255, to `code` (batch, {}): angle in degrees = {}",
        trial.title(),
        net.head.width(),
        net.head.formula()
    );
    Ok(OnnxModel { title, bytes })
}

/// Applies the network of a run that is best on validation photographs.
///
/// # Errors
/// A run without such networks, or a picture that cannot be read.
pub(in crate::systems::rotation) fn apply(
    run: &SavedRun,
    options: &ApplyOptions,
    _observer: &dyn Observer,
) -> Result<Applied, StudyError> {
    options.refuse_condition()?;
    let (trial, mut net) = best(run, &options.choice)?;
    let columns = ["sample", "angle", "confidence", "views_apart"].map(String::from).to_vec();
    let test = trial.measurement.get("joint_error");
    let model = format!(
        "{}; angles in degrees, counter-clockwise; mean error on held-out photographs of its run {}",
        trial.title(),
        test.map_or("unknown".into(), |error| format!("{error:.1}°, by chance 90°"))
    );
    let mut applied = Applied { model, columns, ..Applied::default() };
    let bad = if options.skip_bad { BadPicture::Skip } else { BadPicture::Refuse };
    for path in &options.data {
        let (crop, size) = (net.header.crop, net.header.size);
        let read = read_pictures(path, bad, |picture| Photo::for_views(&picture, crop, size))?;
        applied.notices.extend(read.skipped);
        for (id, (angle, sure, apart)) in read.ids.iter().zip(net.answer(&read.pictures)?) {
            // Between -180 and 180 degrees: which way it leans.
            let signed = if angle > TAU / 2.0 { angle - TAU } else { angle };
            let rounded = |value: f64, digits: f64| Value::from((value * digits).round() / digits);
            applied.rows.push(vec![
                id.as_str().into(),
                rounded(signed.to_degrees(), 100.0),
                sure.map_or(Value::Null, |sure| rounded(sure, 1e4)),
                rounded(apart.to_degrees(), 100.0),
            ]);
            if let Some(folder) = &options.out_files {
                let source = if path.is_dir() { path.join(id) } else { path.clone() };
                let name = if path.is_dir() { Path::new(id) } else { Path::new(path.file_name().unwrap_or_default()) };
                options.write_file(
                    folder,
                    &name.with_extension("png"),
                    &straightened(&decode(&source)?, angle).png(),
                )?;
            }
        }
    }
    Ok(applied)
}

/// The picture rotated back by `angle` (radians; it is rotated counter-clockwise by that): the largest upright rectangle
/// inside, at its own scale.
pub fn straightened(picture: &Picture, angle: f64) -> Picture {
    let (sin, cos) = wrap(angle).sin_cos();
    let (width, height) = (picture.width as f64, picture.height as f64);
    let (across, down) = inscribed(width, height, angle);
    let (columns, rows) = (across.round().max(1.0) as usize, down.round().max(1.0) as usize);
    let row = |row: usize| {
        (0..columns).flat_map(move |column| {
            let (x, y) = (column as f64 + 0.5 - 0.5 * columns as f64, 0.5 * rows as f64 - row as f64 - 0.5);
            // The upright point (x, y) was rotated to here.
            let (u, v) = (cos * x - sin * y, sin * x + cos * y);
            let (u, v) = (0.5 * width + u - 0.5, 0.5 * height - v - 0.5);
            let part = |at: f64, side: usize| {
                let at = at.clamp(0.0, (side - 1) as f64);
                (at as usize, (at as usize + 1).min(side - 1), at.fract())
            };
            let ((left, right, along), (top, bottom, below)) = (part(u, picture.width), part(v, picture.height));
            [0, 1, 2].map(|k| {
                let at = |row: usize, column: usize| f64::from(picture.rgb[3 * (row * picture.width + column) + k]);
                let line = |row: usize| at(row, left) + along * (at(row, right) - at(row, left));
                (line(top) + below * (line(bottom) - line(top))).round() as u8
            })
        })
    };
    Picture { width: columns, height: rows, rgb: (0..rows).into_par_iter().flat_map_iter(row).collect() }
}
