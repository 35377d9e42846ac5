//! What the trials of each grid measure.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::classic::boxes::{Detection, FUSIONS, Fusion};
use crate::lab::{Context, Measurement, Point, StudyError};
use crate::study::detection::{Scores, error_correlation, recognised};
use crate::systems::conditions::evaluate_under;
use crate::systems::head_choice::HeadChoice;
use crate::systems::smear::ensemble::{BEST_MEMBER, Ensemble, fuse_fields, gain, tune, weighted_boxes_fusion};
use crate::systems::smear::inputs::{Inputs, truths};
use crate::systems::smear::remedies::{Boxes, DETECTOR_FILE, TrainedDetector};
use crate::systems::smear::second_stage::SecondStage;
use crate::systems::smear::simulation::random_fields;
use crate::systems::smear::spec::Spec;
use crate::systems::smear::{picture, saved};

/// Name of the file of a detector's boxes.
const BOXES_FILE: &str = "boxes.json";

/// Boxes in the test fields, and what is there, as tables that `qgraft fuse` reads.
const PREDICTIONS_FILE: &str = "predictions.csv";
const TRUTH_FILE: &str = "truth.csv";

/// Name under which a detector keeps its mAP50-95 on the validation fields.
pub const VALIDATION_MAP: &str = "validation_map";

/// Metrics of which a gain over the best member is measured, with the metric of the gain.
const GAINS: [(&str, &str); 3] = [("map", "gain"), ("map50", "gain50"), ("map75", "gain75")];

/// Seeds of simulated collections are multiples of this, so that the streams of their detectors lie between.
const SEED_STEP: u64 = 1 << 8;

/// Trains the detector of row `index` of the remedies, and by the methods of a level beside it. Its boxes and parameters are files of the measurement.
pub fn detector(
    spec: &Spec,
    inputs: &Inputs,
    (index, method): (usize, &str),
    seed: u64,
    context: &Context,
) -> Result<Measurement, StudyError> {
    let mut detector = TrainedDetector::train(spec, inputs, (index, method), seed, context.observer)?;
    let boxes = detector.boxes(inputs)?;
    let json = serde_json::to_vec(&boxes).expect("boxes are plain data");
    let validation = Scores::of(&boxes.validation, &truths(&inputs.validation), inputs.classes.len());
    let found = scores(inputs, &boxes.test)
        .keep(VALIDATION_MAP, &validation.map)
        .file(PREDICTIONS_FILE, saved::boxes_csv(&inputs.test_ids, &inputs.classes, &boxes.test))
        .file(BOXES_FILE, json)
        .file(DETECTOR_FILE, detector.to_bytes(spec, inputs)?);
    // With these two, average precision can be computed by another program, or by qgraft fuse.
    Ok(match index {
        0 => found.file(TRUTH_FILE, saved::truths_csv(&inputs.test_ids, &inputs.classes, &truths(&inputs.test))),
        _ => found,
    })
}

/// Average precision of boxes in the test fields.
fn scores(inputs: &Inputs, boxes: &[Vec<Detection>]) -> Measurement {
    let scores = Scores::of(boxes, &truths(&inputs.test), inputs.classes.len());
    Measurement::default()
        .value("map", scores.map)
        .value("map50", scores.map50)
        .value("map75", scores.map75)
        .value_if("map_rare", scores.over(&inputs.rare()))
        .keep("by_class", &scores.by_class)
}

/// Trained detectors of one ensemble.
pub struct Members {
    trials: Vec<Measurement>,
    boxes: Vec<Boxes>,
}

impl Members {
    /// From the finished trials of the detectors.
    pub fn read(points: &[Point], context: &Context) -> Result<Self, StudyError> {
        let trials = points.iter().map(|point| context.finished(point)).collect::<Result<Vec<_>, _>>()?;
        let boxes = |trial: &Measurement| {
            let json = trial.files.get(BOXES_FILE).map_or(&[][..], Vec::as_slice);
            serde_json::from_slice(json).map_err(|source| StudyError::Json { path: BOXES_FILE.into(), source })
        };
        let boxes = trials.iter().map(boxes).collect::<Result<_, _>>()?;
        Ok(Self { trials, boxes })
    }

    fn test(&self) -> Vec<&[Vec<Detection>]> {
        self.boxes.iter().map(|boxes| &boxes.test[..]).collect()
    }

    /// The highest value of a metric among the members.
    fn best(&self, metric: &str) -> Option<f64> {
        self.trials.iter().filter_map(|trial| trial.get(metric)).reduce(f64::max)
    }

    /// Scores of fused boxes, with gains over the best member.
    fn scores(&self, inputs: &Inputs, fused: &[Vec<Detection>]) -> Measurement {
        GAINS.iter().fold(scores(inputs, fused), |found, &(metric, name)| {
            let relative = found.get(metric).zip(self.best(metric)).map(|(own, best)| gain(own, best));
            found.value_if(name, relative)
        })
    }

    /// An ensemble of the members on the test fields; that of weighted boxes fusion with a picture.
    pub fn ensemble(&self, inputs: &Inputs, ensemble: Ensemble) -> Measurement {
        let fusion = match ensemble {
            Ensemble::BestMember => {
                let metrics = ["map", "map50", "map75", "map_rare"];
                return metrics
                    .iter()
                    .fold(Measurement::default(), |found, metric| found.value_if(metric, self.best(metric)));
            }
            Ensemble::Equal(row) => Fusion::new(row.method),
            Ensemble::Tuned => {
                let validation: Vec<&[Vec<Detection>]> = self.boxes.iter().map(|boxes| &boxes.validation[..]).collect();
                tune(&weighted_boxes_fusion(), &validation, &truths(&inputs.validation), inputs.classes.len())
            }
        };
        let fused = fuse_fields(&fusion, &self.test());
        let found = self.scores(inputs, &fused);
        match ensemble {
            Ensemble::Equal(row) if row.name == FUSIONS[0].name => {
                found.keep("picture", &STANDARD.encode(picture::png(&inputs.test, &self.test(), &fused)))
            }
            _ => found,
        }
    }

    /// Correlation of the errors of two members.
    pub fn error_correlation(&self, inputs: &Inputs) -> Measurement {
        let test = truths(&inputs.test);
        let right: Vec<Vec<bool>> = self.test().iter().map(|boxes| recognised(boxes, &test)).collect();
        Measurement::default().value_if("error_correlation", error_correlation(&right[0], &right[1]))
    }

    /// Weighted boxes fusion of the members, then `head` as second stage on the features of `plain`.
    pub fn second_stage(
        &self,
        spec: &Spec,
        inputs: &Inputs,
        plain: &Measurement,
        (head, seed): (&str, u64),
        context: &Context,
    ) -> Result<Measurement, StudyError> {
        let fused = fuse_fields(&weighted_boxes_fusion(), &self.test());
        if head == NO_HEAD.0 {
            return Ok(self.scores(inputs, &fused));
        }
        let parameters = plain.files.get(DETECTOR_FILE).map_or(&[][..], Vec::as_slice);
        let mut detector = TrainedDetector::from_bytes(spec, inputs, parameters)?;
        let choice = HeadChoice::named(head, &spec.circuit)?;
        let mut stage = SecondStage::train(spec, inputs, &mut detector, (&choice, seed), fused, context)?;
        let head = stage.head.clone();
        let (cell_accuracy, boxes) = stage.rescored(&head)?;
        let found = self.scores(inputs, &boxes).value("cell_accuracy", cell_accuracy);
        evaluate_under(&spec.evaluate.all(), &head, seed, context, found, &mut |under| {
            let (cell_accuracy, boxes) = stage.rescored(&under)?;
            let of = scores(inputs, &boxes);
            let values =
                ["map", "map50", "map75", "map_rare"].into_iter().filter_map(|metric| Some((metric, of.get(metric)?)));
            Ok(values.chain([("cell_accuracy", cell_accuracy)]).collect())
        })
    }
}

/// The level of the fused boxes as they are.
pub const NO_HEAD: (&str, &str) = ("none", "the fused boxes without a second stage");

/// Simulates the detectors of collection `seed` with errors of this correlation, and fuses their boxes.
pub fn simulated(spec: &Spec, inputs: &Inputs, correlation: f64, seed: u64) -> Measurement {
    let (classes, seed) = (inputs.classes.len(), (1 + seed) * SEED_STEP);
    let fields = match spec.data {
        None => random_fields(spec.simulation.fields, seed),
        Some(_) => truths(&inputs.test),
    };
    let boxes = spec.simulation.detectors(&fields, classes, correlation, seed);
    let members: Vec<&[Vec<Detection>]> = boxes.iter().map(|boxes| &boxes[..]).collect();
    let map = |boxes: &[Vec<Detection>]| Scores::of(boxes, &fields, classes).map;
    let best = members.iter().map(|boxes| map(boxes)).fold(0.0, f64::max);
    let right: Vec<Vec<bool>> = members.iter().map(|boxes| recognised(boxes, &fields)).collect();
    let found = Measurement::default().value_if("error_correlation", error_correlation(&right[0], &right[1])).under(
        &[("fusion", BEST_MEMBER.0)],
        "map",
        best,
    );
    FUSIONS.iter().fold(found, |found, row| {
        let own = map(&fuse_fields(&Fusion::new(row.method), &members));
        let at = [("fusion", row.name)];
        found.under(&at, "map", own).under(&at, "gain", gain(own, best))
    })
}
