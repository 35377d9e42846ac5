//! What the report says of photographs besides the tables: how far the errors are from chance, and pictures of the best
//! and worst answers.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::trial::PhotoError;
use super::{CHANCE, PhotoInputs, TEST_VIEWS};
use crate::data::Picture;
use crate::lab::render::section;
use crate::lab::{Results, Unit};
use crate::report::{Block, Section, Table};
use crate::study::stats::{bootstrap_interval, mean};
use crate::systems::rotation::picture::UprightPicture;

/// Photographs of each kind in the picture, pixels of their edges, and between them.
const SHOWN: usize = 6;
const EDGE: usize = 96;
const GAP: usize = 6;

/// Resamples of an interval over photographs.
const RESAMPLES: usize = 2000;

/// A PNG in base64: the best answers in the first column pair, the worst in the second; each photograph as it was seen, and
/// rotated back by the answer.
pub(super) fn montage(inputs: &PhotoInputs, photos: &[PhotoError], views: &[(f64, Option<f64>)]) -> String {
    let own = |photo: usize| views[photo * TEST_VIEWS].0;
    let error = |photo: &usize| crate::math::circular::distance(own(*photo), inputs.test.angles[photo * TEST_VIEWS]);
    let mut order: Vec<usize> = (0..photos.len()).collect();
    order.sort_by(|a, b| error(a).total_cmp(&error(b)));
    let shown = SHOWN.min(order.len());
    let best = order[..shown].iter();
    let worst = order[order.len() - shown..].iter().rev();
    let (across, down) = (4 * (EDGE + GAP) + GAP, shown * (EDGE + GAP) - GAP);
    let mut picture = Picture { width: across, height: down, rgb: vec![255; 3 * across * down] };
    for (column, photos) in [best.collect::<Vec<_>>(), worst.collect()].into_iter().enumerate() {
        for (row, &&photo) in photos.iter().enumerate() {
            let angle = inputs.test.angles[photo * TEST_VIEWS];
            for (side, angle) in [angle, angle - own(photo)].into_iter().enumerate() {
                let left = 2 * column * (EDGE + GAP) + side * (EDGE + GAP) + if column == 1 { GAP } else { 0 };
                paste(&mut picture, (left, row * (EDGE + GAP)), &inputs.test_photos[photo].0.view(angle, EDGE));
            }
        }
    }
    STANDARD.encode(picture.png())
}

fn paste(picture: &mut Picture, (left, top): (usize, usize), view: &[f32]) {
    for (row, column) in (0..EDGE).flat_map(|row| (0..EDGE).map(move |column| (row, column))) {
        let at = 3 * ((top + row) * picture.width + left + column);
        for channel in 0..3 {
            let value = view[(channel * EDGE + row) * EDGE + column];
            picture.rgb[at + channel] = (255.0 * (value + 0.5)).round().clamp(0.0, 255.0) as u8;
        }
    }
}

/// The encoding with the lowest validation error, its errors against chance, and its best and worst answers.
pub(in crate::systems::rotation) fn sections(results: &Results, grid: &str) -> Vec<Section> {
    let by_encoding = results.of("validation_error").grid(grid).by("encoding");
    let best = by_encoding.iter().min_by(|(_, a), (_, b)| a.mean().total_cmp(&b.mean()));
    let Some((best, _)) = best else { return Vec::new() };
    let query = |metric: &str| results.of(metric).grid(grid).at("encoding", best).samples();
    let (Some(error), Some(joint)) = (query("error"), query("joint_error")) else { return Vec::new() };
    let kept = |name: &str| results.kept::<serde_json::Value>(grid, name);
    let of_best =
        |name: &str| kept(name).into_iter().find(|(at, _)| at.get("encoding") == best).map(|(_, value)| value);
    let photos: Vec<PhotoError> =
        of_best("photos").and_then(|value| serde_json::from_value(value).ok()).unwrap_or_default();
    let own: Vec<f64> = photos.iter().map(|photo| photo.error).collect();
    let interval = bootstrap_interval(&own, 0.95, RESAMPLES, 0);
    let count = photos.len();
    let range = interval.map_or(String::new(), |interval| {
        format!(
            " (95 % interval over the {count} photographs, first seed: {:.1}° to {:.1}°)",
            interval.low, interval.high
        )
    });
    let verdict = match interval.map(|interval| interval.high) {
        Some(high) if high < CHANCE => "The angle of new photographs can be told.",
        _ => "There is no evidence that the angle of new photographs can be told.",
    };
    let text = format!(
        "{verdict} The encoding with the lowest error on validation photographs is {best}. Its mean error on held-out \
         photographs is {:.1}°{range}. A guess errs by {CHANCE:.0}° on average. Rotated to eight angles, a photograph gets \
         eight answers; the one on which they agree best errs by {:.1}°.",
        error.mean(),
        joint.mean()
    );
    let mut table = Table::new(
        "chance",
        "Errors on held-out photographs against a guess, means over seeds",
        &["encoding", "mean (°)", "median (°)", "90 % below (°)", "within 10° (%)", "eight views (°)"],
        1,
    );
    for (name, _) in &by_encoding {
        let cell = |metric: &str, unit: Unit| {
            let samples = results.of(metric).grid(grid).at("encoding", name).samples();
            samples.map_or("–".into(), |samples| unit.number(samples.mean()))
        };
        table.rows.push(vec![
            name.clone(),
            cell("error", Unit::Degrees),
            cell("median_error", Unit::Degrees),
            cell("p90_error", Unit::Degrees),
            cell("within_10", Unit::Share),
            cell("joint_error", Unit::Degrees),
        ]);
    }
    // Errors of a guess are uniform in 0..180°.
    table.rows.push(["a guess", "90", "90", "162", "5.6", "90"].map(String::from).to_vec());
    let mut blocks = vec![Block::Text(text), Block::Table(table)];
    let png = of_best("montage").and_then(|value| STANDARD.decode(value.as_str()?).ok());
    if let Some(png) = png.filter(|_| mean(&own).is_some()) {
        let caption = format!(
            "Left: the photographs with the smallest errors of {best}, as seen and rotated back by the answer. Right: those \
             with the largest errors."
        );
        blocks.push(Block::Picture { caption, png });
    }
    vec![section("photographs", "Held-out photographs", blocks)]
}
