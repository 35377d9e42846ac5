//! A trained detector of a run, applied to pictures: boxes in pixels, and pictures with their boxes.

use std::path::Path;

use serde_json::Value;

use crate::classic::boxes::{Corners, Detection, inside};
use crate::data::{BadPicture, decode, read_pictures};
use crate::lab::{Applied, ApplyOptions, SavedRun, SavedTrial, StudyError};
use crate::math::words::join_and;
use crate::report::Table;
use crate::study::Observer;
use crate::study::detection::Truth;
use crate::systems::smear::cells::Field;
use crate::systems::smear::detector::with_box_size;
use crate::systems::smear::inputs::fitted;
use crate::systems::smear::picture::{self, COLOUR_NAMES, LOWEST_DRAWN};
use crate::systems::smear::remedies::{DETECTOR_FILE, TrainedDetector};
use crate::systems::smear::trials::VALIDATION_MAP;

/// Columns of a table of boxes, as `qgraft fuse` reads them.
const COLUMNS: [&str; 7] = ["image", "label", "score", "x1", "y1", "x2", "y2"];

/// Boxes by field as a table; corners are shares of the field.
pub fn boxes_csv(ids: &[String], classes: &[String], boxes: &[Vec<Detection>]) -> Vec<u8> {
    let rows = ids.iter().zip(boxes).flat_map(|(id, boxes)| {
        boxes.iter().map(move |found| row(id, &classes[found.label], Some(found.score), found.corners))
    });
    csv(rows.collect())
}

/// Things by field as a table; corners are shares of the field.
pub fn truths_csv(ids: &[String], classes: &[String], truths: &[Vec<Truth>]) -> Vec<u8> {
    let rows = ids
        .iter()
        .zip(truths)
        .flat_map(|(id, truths)| truths.iter().map(move |truth| row(id, &classes[truth.label], None, truth.corners)));
    csv(rows.collect())
}

fn csv(rows: Vec<Vec<String>>) -> Vec<u8> {
    let mut table = Table::new("boxes", "", &COLUMNS, 2);
    table.rows = rows;
    table.csv()
}

fn row(id: &str, class: &str, score: Option<f64>, corners: Corners) -> Vec<String> {
    let score = score.unwrap_or(1.0).to_string();
    let corners = corners.map(|edge| edge.to_string());
    [id.into(), class.into(), score].into_iter().chain(corners).collect()
}

/// Applies the detector of a run that is best on validation fields.
///
/// # Errors
/// A run without detectors, or a picture that cannot be read.
pub fn apply(run: &SavedRun, options: &ApplyOptions, _observer: &dyn Observer) -> Result<Applied, StudyError> {
    let mut trials = run.models(&[DETECTOR_FILE], &options.choice)?;
    let precision = |trial: &&SavedTrial| trial.measurement.kept::<f64>(VALIDATION_MAP).unwrap_or(-1.0);
    trials.sort_by(|a, b| precision(b).total_cmp(&precision(a)));
    let trial = trials[0];
    options.refuse_condition()?;
    let (mut detector, card) = TrainedDetector::open(&trial.file(DETECTOR_FILE)?, &trial.path(DETECTOR_FILE))?;
    let test = trial.measurement.get("map50").map_or("unknown".into(), |map| format!("{map:.3}"));
    let mut applied = Applied {
        model: format!("{}; corners in pixels; mAP50 on the test fields of its run {test}", trial.title()),
        columns: COLUMNS.map(String::from).to_vec(),
        ..Applied::default()
    };
    let bad = if options.skip_bad { BadPicture::Skip } else { BadPicture::Refuse };
    for path in &options.data {
        let read = read_pictures(path, bad, |picture| {
            let size = [picture.width as f64, picture.height as f64];
            let (picture, shown) = fitted(&picture, card.field);
            (Field { picture, truths: Vec::new() }, shown, size)
        })?;
        applied.notices.extend(read.skipped);
        let fields: Vec<Field> = read.pictures.iter().map(|(field, ..)| field.clone()).collect();
        let found = with_box_size(&detector.detect(&fields)?, card.box_size);
        for ((id, (_, shown, size)), found) in read.ids.iter().zip(&read.pictures).zip(found) {
            // From shares of the field to shares of the picture; what lies in the empty part is no box.
            let own = |found: &Detection| {
                let [left, top, right, bottom] = found.corners;
                let corners = inside([left / shown[0], top / shown[1], right / shown[0], bottom / shown[1]])?;
                Some(Detection { corners, ..*found })
            };
            let found: Vec<Detection> = found.iter().filter_map(own).collect();
            for Detection { corners: [left, top, right, bottom], score, label } in &found {
                let pixels = [left * size[0], top * size[1], right * size[0], bottom * size[1]];
                let rounded = |value: f64, digits: f64| Value::from((value * digits).round() / digits);
                let mut cells: Vec<Value> =
                    vec![id.as_str().into(), card.classes[*label].as_str().into(), rounded(*score, 1e4)];
                cells.extend(pixels.map(|edge| rounded(edge, 100.0)));
                applied.rows.push(cells);
            }
            if let Some(folder) = &options.out_files {
                let source = if path.is_dir() { path.join(id) } else { path.clone() };
                let name = if path.is_dir() { Path::new(id) } else { Path::new(path.file_name().unwrap_or_default()) };
                let png = picture::with_boxes(&decode(&source)?, &found);
                options.write_file(folder, &name.with_extension("png"), &png)?;
            }
        }
    }
    if options.out_files.is_some() {
        let colours: Vec<String> = card
            .classes
            .iter()
            .zip(COLOUR_NAMES.iter().cycle())
            .map(|(class, colour)| format!("{class} {colour}"))
            .collect();
        applied.notices.push(format!("boxes with scores from {LOWEST_DRAWN} on are drawn: {}", join_and(&colours)));
    }
    Ok(applied)
}
