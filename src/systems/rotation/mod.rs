//! Image rotation angle: five circular-aware output encodings and a plain number (after Woehrer 2026,
//! arXiv:2603.25351).
//!
//! Drawn upright scenes → views under any angle → the same small network with each encoding → errors around the circle, at
//! the seam, where the angle cannot be known, and on pictures without content. Beside it a backbone that was trained on
//! classes of scenes, and circuits as heads on it.
//!
//! Photographs → a pretrained network whose upper stages are trained with each encoding → errors on held-out photographs,
//! against a guess and a small network from random values; the networks are kept and applied to new pictures.
//!
//! [`Rotation`] is the experiment, [`Spec`] its settings. [`ENCODINGS`] are compared in the grid `encodings`, [`STARTS`] in
//! the grid `transfer`, rows of the common table of heads in the grid `frozen_heads`.

mod checks;
mod encodings;
mod frozen_heads;
mod network;
mod photo;
mod photographs;
mod picture;
mod predictions;
mod readout;
mod scene;
mod spec;
mod training;
mod transfer;
mod views;

pub use encodings::{AngleHead, ENCODINGS, Encoding, codes};
pub use photo::{Crop, Photo, PhotoSplit, inscribed};
pub use photographs::PhotoInputs;
pub use photographs::saved::straightened;
pub use picture::{Colour, NoisePicture, UprightPicture};
pub use predictions::Errors;
pub use readout::{READOUTS, Readout};
pub use scene::{CLASSES, Scene};
pub use spec::{FrozenHeads, Photos, Pretraining, Spec};
pub use training::{Inputs, JPEG_QUALITIES};
pub use transfer::{STARTS, Source, Start};
pub use views::PictureSet;

use crate::lab::{
    Applied, ApplyOptions, Check, Context, Contrast, Coordinate, Experiment, Factor, Flag, Grid, Info, Measurement,
    Metric, ModelChoice, Observer, OnnxModel, Point, Results, Role, SavedRun, StudyError, Unit,
};
use crate::report::{Block, Section};
use crate::systems::conditions::{devices_flag, shots_flag};
use crate::systems::methods::{METHOD, methods_flag};
use photographs::trial::{PHOTO_STARTS, PhotoStart};

/// The experiment.
pub struct Rotation;

/// What every trial reads.
pub enum Opened {
    /// Drawn scenes.
    Scenes(Inputs),
    /// Photographs.
    Photographs(Box<PhotoInputs>),
}

/// Names of the grids, and of the blocks that the last two share.
const MAIN: &str = "encodings";
const RATES: &str = "rates";
const TRANSFER: &str = "transfer";
const FROZEN: &str = "frozen_heads";
const READOUT: &str = "readouts";
const SOURCE: &str = "source";

/// Names of the grids of photographs.
const PHOTOGRAPHS: &str = "photographs";
const PHOTO_STARTS_GRID: &str = "starts";

/// The encoding that is trained at several rates.
const DIRECT: &str = "direct";
/// The classical head with as many parameters as a circuit.
const MATCHED_CLASSICAL: &str = "mlp_a";

impl Experiment for Rotation {
    type Spec = Spec;
    type Inputs = Opened;
    type Block = Option<Source>;

    const INFO: Info = Info {
        name: "rotation",
        title: "Image rotation angle",
        doc: "Which output encoding predicts the rotation angle of a picture best? (after Woehrer 2026, arXiv 2603.25351)",
        examples: &[
            "",
            "--encodings unit_vector,gaussian --seeds 5",
            "--heads linear,mlp_a,quantum",
            "--data photos --seeds 3",
            "--data photos --readouts planes,mlp --encodings unit_vector",
            "--data photos --crop rectangle --size 128 --encodings unit_vector,gaussian",
            "--preset full",
        ],
    };

    const METRICS: &'static [Metric] = &[
        Metric::lower("error", "mean error", Unit::Degrees, "around the circle, on clear scenes or photographs"),
        Metric::lower("median_error", "median error", Unit::Degrees, "on the same pictures"),
        Metric::lower("p90_error", "90 % below", Unit::Degrees, "the error that nine of ten do not exceed"),
        Metric::lower(
            "joint_error",
            "eight views",
            Unit::Degrees,
            "mean error of the answer on which eight views of a photograph agree best",
        ),
        Metric::higher("within_10", "within 10°", Unit::Share, "share of errors below 10°"),
        Metric::lower("seam_ratio", "seam", Unit::Plain, "error within 15° of 0° over error elsewhere"),
        Metric::lower(
            "entropy_clear",
            "entropy, clear",
            Unit::Nats,
            "mean entropy of a distribution on clear pictures",
        ),
        Metric::higher(
            "entropy_ambiguous",
            "entropy, ambiguous",
            Unit::Nats,
            "the same on scenes that hide quarter turns",
        ),
        Metric::higher("length_clear", "length, clear", Unit::Plain, "mean length of a vector, or amplitude of phases"),
        Metric::lower("length_ambiguous", "length, ambiguous", Unit::Plain, "on scenes that hide quarter turns"),
        Metric::higher("second_mode", "second mode", Unit::Share, "mass quarter turns from the mode, ambiguous scenes"),
        Metric::lower(
            "fourfold",
            "fourfold",
            Unit::Plain,
            "|mean cos 4(predicted − true)| on pictures without content",
        ),
        Metric::lower("validation_error", "validation error", Unit::Degrees, "mean error on validation pictures"),
        Metric::higher(
            "chosen_rate",
            "chosen rate",
            Unit::Plain,
            "factor on the learning rate with the lowest validation error",
        ),
        Metric::lower(
            "epochs_needed",
            "epochs needed",
            Unit::Share,
            "epochs until the last error of scratch, over all epochs; above 100 % if never",
        ),
        Metric::lower("parameters", "parameters", Unit::Count, "trained parameters"),
        Metric::higher("source_accuracy", "source accuracy", Unit::Share, "accuracy on test scenes of twelve classes"),
    ];

    const CHECKS: &'static [Check] = checks::CHECKS;

    const INPUTS: Option<&'static [&'static str]> = Some(&["test_scenes", "photos"]);

    const FLAGS: &'static [Flag<Spec>] = &[
        Flag::field("encodings", "LIST", "encodings", "Output encodings to compare")
            .with_choices(|| ENCODINGS.iter().map(|row| row.name).collect()),
        Flag::field("readouts", "LIST", "readouts", "What reads the planes of a network; several are compared")
            .with_choices(|| READOUTS.iter().map(|row| row.0).collect()),
        Flag::field(
            "heads",
            "LIST",
            "heads",
            "Heads to train on the frozen backbone of the transfer (see `qgraft list heads`); NAME@DEVICE trains under noise",
        ),
        Flag::apply(
            "data",
            "DIR",
            |spec, folder| spec.read_from(folder),
            "Upright photographs (PNG, JPEG) instead of scenes, told by a pretrained network: a folder and its subfolders",
        ),
        Flag::field(
            "backbone",
            "NAME",
            "photos.backbone.name",
            "Pretrained network for photographs (`qgraft list backbones`)",
        ),
        Flag::field("weights", "FILE", "photos.backbone.weights", "Its weights"),
        Flag::field("size", "N", "photos.size", "Pixels along an edge of a view of a photograph, 64 to 224"),
        Flag::field(
            "live-stages",
            "N",
            "photos.live_stages",
            "Upper stages of the pretrained network that are trained",
        ),
        Flag::field("crop", "NAME", "photos.crop", "Part of a rotated photograph that is shown")
            .with_choices(|| vec!["disc", "rectangle"]),
        Flag::apply(
            "skip-bad",
            "",
            // Without --data the missing folder is refused by name.
            |spec, _| spec.photos.get_or_insert_with(|| Photos::new("".into())).skip_bad = true,
            "Leave out photographs that cannot be read, instead of refusing them",
        ),
        Flag::field("epochs", "N", "train.epochs", "Epochs of training of each network"),
        methods_flag(),
        devices_flag(),
        shots_flag(),
    ];

    fn grids(spec: &Spec) -> Result<Vec<Grid>, StudyError> {
        let rows = spec.encodings.iter().map(|name| encoding(name)).collect::<Result<Vec<_>, _>>()?;
        if spec.photos.is_some() {
            let encodings = Factor::explained("encoding", Role::Arm, rows.iter().map(|row| (row.name, row.doc)));
            let encodings = encodings.with_baseline(start_encoding(spec)).listed_by("encodings");
            let metrics = ["error", "median_error", "p90_error", "within_10", "joint_error", "fourfold", "parameters"];
            let starts = PHOTO_STARTS.iter().map(|&(name, doc, _)| (name, doc));
            let starts = Factor::explained("start", Role::Arm, starts).with_baseline("small");
            let factors =
                |arms: Factor| [Factor::seeds(&spec.seeds), arms].into_iter().chain(spec.method.factor()).collect();
            let mut grids = vec![
                Grid::new(PHOTOGRAPHS, "Encodings", factors(encodings), &metrics),
                Grid::new(PHOTO_STARTS_GRID, "Pretraining", factors(starts), &metrics),
            ];
            grids.extend(readouts(spec)?.map(|readouts| Grid::new(READOUT, "Readouts", factors(readouts), &metrics)));
            return Ok(grids);
        }
        let jpeg = || Factor::new(training::JPEG, Role::Evaluation, JPEG_QUALITIES);
        let main = vec![
            Factor::seeds(&spec.seeds),
            Factor::explained("encoding", Role::Arm, rows.iter().map(|row| (row.name, row.doc)))
                .with_baseline("gaussian")
                .listed_by("encodings"),
            jpeg(),
        ];
        let metrics = [
            "error",
            "median_error",
            "within_10",
            "seam_ratio",
            "entropy_clear",
            "entropy_ambiguous",
            "length_clear",
            "length_ambiguous",
            "second_mode",
            "fourfold",
        ];
        let mut grids = vec![Grid::new(MAIN, "Encodings", main, &metrics)];
        if rows.iter().any(|row| row.name == DIRECT) {
            let rate = Factor::new("rate", Role::Arm, &spec.direct_rates).listed_by("direct_rates");
            let factors = vec![Factor::seeds(&spec.seeds), rate, jpeg()];
            grids.push(Grid::new(RATES, "Learning rates of direct", factors, &["validation_error", "error"]));
        }
        if let Some(readouts) = readouts(spec)? {
            let factors = vec![Factor::seeds(&spec.seeds), readouts, jpeg()];
            grids.push(Grid::new(READOUT, "Readouts", factors, &["error", "median_error", "p90_error", "within_10"]));
        }
        if spec.transfer.scenes > 0 {
            let starts = STARTS.iter().map(|&(name, doc, _)| (name, doc));
            let factors = vec![
                Factor::seeds(&spec.seeds),
                Factor::explained("start", Role::Arm, starts).with_baseline("scratch"),
            ];
            let factors = factors.into_iter().chain(spec.method.factor()).collect();
            let grid = Grid::new(TRANSFER, "Few labels", factors, &["error", "epochs_needed"]);
            grids.push(grid.in_shared_blocks(SOURCE, &["seed"]));
        }
        if !spec.heads.is_empty() {
            let factors = vec![
                Factor::new("code", Role::Setting, &spec.frozen_heads.codes).listed_by("frozen_heads.codes"),
                Factor::seeds(&spec.seeds),
                Factor::new("head", Role::Arm, &spec.heads).with_baseline("linear").listed_by("heads"),
            ];
            let factors = factors.into_iter().chain(spec.evaluate.factors()).collect();
            let metrics = ["error", "median_error", "within_10", "length_clear", "length_ambiguous", "parameters"];
            let grid = Grid::new(FROZEN, "Heads on the frozen backbone", factors, &metrics);
            grids.push(grid.in_shared_blocks(SOURCE, &["seed"]));
        }
        Ok(grids)
    }

    fn open(spec: &Spec, _context: &Context) -> Result<(Opened, Measurement), StudyError> {
        Ok(match &spec.photos {
            None => (Opened::Scenes(Inputs::draw(spec)), Measurement::default()),
            Some(photos) => {
                let (inputs, found) = PhotoInputs::open(spec, photos)?;
                (Opened::Photographs(Box::new(inputs)), found)
            }
        })
    }

    fn prepare(
        spec: &Spec,
        inputs: &Opened,
        block: &Point,
        context: &Context,
    ) -> Result<(Option<Source>, Measurement), StudyError> {
        let Opened::Scenes(inputs) = inputs else { return Ok((None, Measurement::default())) };
        if block.grid != SOURCE {
            return Ok((None, Measurement::default()));
        }
        let (source, measurement) = transfer::prepare(spec, inputs, block.seed(), context.observer)?;
        Ok((Some(source), measurement))
    }

    fn trial(
        spec: &Spec,
        inputs: &Opened,
        block: &Option<Source>,
        at: &Point,
        context: &Context,
    ) -> Result<Measurement, StudyError> {
        let (seed, observer) = (at.seed(), context.observer);
        let required = Self::after(spec, at);
        let inputs = match inputs {
            Opened::Scenes(inputs) => inputs,
            Opened::Photographs(inputs) => {
                if let Some(same) = required.first() {
                    // The same training, measured once.
                    let found = context.finished(same)?;
                    return Ok(Measurement { files: Default::default(), kept: Default::default(), ..found });
                }
                let (of_starts, own) = (encoding(start_encoding(spec))?, spec.readout());
                let first = spec.seeds.first() == Some(&seed);
                let (encoding, readout, start, keeps) = match at.grid.as_str() {
                    PHOTOGRAPHS => (encoding(at.get("encoding"))?, own, PhotoStart::FineTuned, first),
                    READOUT => (of_starts, readout(at.get("readout"))?, PhotoStart::FineTuned, first),
                    _ => (of_starts, own, PHOTO_STARTS[at.index("start")].2, false),
                };
                let arm = (encoding, readout, start, at.get(METHOD));
                return photographs::trial::trial(spec, inputs, arm, seed, keeps, observer);
            }
        };
        let source = || block.as_ref().expect("grids in the blocks of SOURCE are prepared with a source");
        match at.grid.as_str() {
            RATES => {
                let rate = spec.direct_rates[at.index("rate")];
                training::trial(spec, inputs, (encoding(DIRECT)?, spec.readout()), rate, seed, observer)
            }
            READOUT if !required.is_empty() => {
                let found = context.finished(&required[0])?;
                Ok(Measurement { files: Default::default(), kept: Default::default(), ..found })
            }
            READOUT => {
                let arm = (encoding(start_encoding(spec))?, readout(at.get("readout"))?);
                training::trial(spec, inputs, arm, 1.0, seed, observer)
            }
            TRANSFER => {
                let (.., start) = STARTS[at.index("start")];
                let scratch = required.first().map(|point| context.finished(point)).transpose()?;
                let goal = scratch.and_then(|scratch| scratch.get("error"));
                let head = encoding(&spec.transfer.encoding)?;
                let way = (start, at.get(METHOD), goal);
                transfer::trial(spec, (inputs, source()), head, way, seed, observer)
            }
            FROZEN => {
                let features = source().features.as_ref().expect("a source has features if the settings name heads");
                frozen_heads::trial(spec, features, at.get("head"), encoding(at.get("code"))?, seed, context)
            }
            _ if at.get("encoding") == DIRECT => best_rate(spec, &required, context),
            _ => {
                let arm = (encoding(at.get("encoding"))?, spec.readout());
                training::trial(spec, inputs, arm, 1.0, seed, observer)
            }
        }
    }

    fn after(spec: &Spec, at: &Point) -> Vec<Point> {
        match at.grid.as_str() {
            PHOTO_STARTS_GRID if PHOTO_STARTS[at.index("start")].2 == PhotoStart::FineTuned => {
                vec![at.in_grid(PHOTOGRAPHS, "start", &[("encoding", start_encoding(spec))])]
            }
            READOUT if at.index("readout") == 0 => {
                let grid = if spec.photos.is_some() { PHOTOGRAPHS } else { MAIN };
                vec![at.in_grid(grid, "readout", &[("encoding", start_encoding(spec))])]
            }
            TRANSFER if at.get("start") != "scratch" => vec![at.with("start", "scratch")],
            MAIN if at.get("encoding") == DIRECT => {
                let rate = |(index, rate): (usize, &f64)| {
                    let mut point = Point { grid: RATES.into(), ..at.clone() };
                    for coordinate in point.coordinates.iter_mut().filter(|c| c.factor == "encoding") {
                        *coordinate = Coordinate { factor: "rate".into(), level: rate.to_string(), index };
                    }
                    point
                };
                spec.direct_rates.iter().enumerate().map(rate).collect()
            }
            _ => Vec::new(),
        }
    }

    /// Every arm against the baseline of its grid, and the other heads against the parameter-matched classical head.
    fn contrasts(spec: &Spec, grids: &[Grid]) -> Vec<Contrast> {
        let mut contrasts: Vec<Contrast> = grids.iter().flat_map(Contrast::to_baseline).collect();
        if spec.heads.iter().any(|head| head == MATCHED_CLASSICAL) {
            let others = spec.heads.iter().filter(|head| !["linear", MATCHED_CLASSICAL].contains(&head.as_str()));
            for (code, head) in spec.frozen_heads.codes.iter().flat_map(|code| others.clone().map(move |h| (code, h))) {
                contrasts.push(Contrast::new(FROZEN, "error", "head", head, MATCHED_CLASSICAL).at("code", code));
            }
        }
        contrasts
    }

    fn sections(spec: &Spec, results: &Results) -> Vec<Section> {
        if spec.photos.is_some() {
            return photographs::report::sections(results, PHOTOGRAPHS);
        }
        let Some(accuracy) = results.of("source_accuracy").samples() else { return Vec::new() };
        let percent = Unit::Share.number(accuracy.mean());
        let text =
            format!("The source network classifies {percent} % of its test scenes correctly, of twelve classes.");
        vec![Section { anchor: "source".into(), heading: "Source".into(), blocks: vec![Block::Text(text)] }]
    }

    fn apply(run: &SavedRun, options: &ApplyOptions, observer: &dyn Observer) -> Result<Option<Applied>, StudyError> {
        photographs::saved::apply(run, options, observer).map(Some)
    }

    fn onnx(run: &SavedRun, choice: &ModelChoice) -> Result<Option<OnnxModel>, StudyError> {
        photographs::saved::onnx(run, choice).map(Some)
    }
}

/// The factor of several readouts, which are compared under the encoding of the starts.
fn readouts(spec: &Spec) -> Result<Option<Factor>, StudyError> {
    let docs = spec.readouts.iter().map(|name| {
        let known = READOUTS.iter().find(|row| row.0 == name);
        known.map(|row| (row.0, row.1)).ok_or_else(|| unknown_readout(name))
    });
    let docs: Vec<(&str, &str)> = docs.collect::<Result<_, _>>()?;
    let first = docs.first().map_or("", |row| row.0);
    let factor = || Factor::explained("readout", Role::Arm, docs.clone()).with_baseline(first).listed_by("readouts");
    Ok((docs.len() > 1).then(factor))
}

fn readout(name: &str) -> Result<Readout, StudyError> {
    Readout::named(name).ok_or_else(|| unknown_readout(name))
}

fn unknown_readout(name: &str) -> StudyError {
    StudyError::unknown("readout", name, READOUTS.iter().map(|row| row.0))
}

/// The encoding under which starts are compared, and the baseline of the encodings: that of the transfer if it is among
/// those trained, else the first.
fn start_encoding(spec: &Spec) -> &str {
    let own = &spec.transfer.encoding;
    if spec.encodings.contains(own) { own } else { spec.encodings.first().unwrap_or(own) }
}

/// The trial with the lowest validation error, of equals the first, and its rate.
fn best_rate(spec: &Spec, trials: &[Point], context: &Context) -> Result<Measurement, StudyError> {
    let mut best: Option<(f64, Measurement)> = None;
    for point in trials {
        let measurement = context.finished(point)?;
        let error = measurement.get("validation_error").unwrap_or(f64::INFINITY);
        if best.as_ref().is_none_or(|(lowest, _)| error < *lowest) {
            best = Some((error, measurement.value("chosen_rate", spec.direct_rates[point.index("rate")])));
        }
    }
    Ok(best.map(|(_, measurement)| measurement).unwrap_or_default())
}

fn encoding(name: &str) -> Result<&'static AngleHead, StudyError> {
    let unknown = || StudyError::unknown("encoding", name, ENCODINGS.iter().map(|row| row.name));
    encodings::encoding(name).ok_or_else(unknown)
}
