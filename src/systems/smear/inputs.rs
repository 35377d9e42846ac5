//! Fields for training, validation and test: drawn, or photographs with boxes.

use crate::data::{Part, Picture, read_boxed_pictures, resize};
use crate::lab::Measurement;
use crate::study::StudyError;
use crate::study::detection::Truth;
use crate::systems::smear::cells::{BOX, CELLS, Field, Slide};
use crate::systems::smear::pretrained::Pretrained;
use crate::systems::smear::spec::Spec;

/// Seeds of the collections of drawn fields.
const TRAINING: u64 = 1 << 40;
const VALIDATION: u64 = 1 << 41;
const TEST: u64 = 1 << 42;
const SOURCE: u64 = 1 << 43;

/// Edge of a field of the source domain, pixels.
const SOURCE_EDGE: usize = 32;

/// Fields by part, with what is known of them.
pub struct Inputs {
    /// Class names.
    pub(super) classes: Vec<String>,
    /// For training, with mislabelled cells.
    pub(super) training: Vec<Field>,
    /// For the choice of fusion weights and thresholds.
    pub(super) validation: Vec<Field>,
    /// For the test; drawn fields have true labels here.
    pub(super) test: Vec<Field>,
    /// Single cells of another stain and coarser classes.
    pub(super) source: Vec<Field>,
    /// Edge of a typical box, pixels.
    pub(super) typical_edge: f64,
    /// The network under the remedy `transferred`, for photographs.
    pub(super) pretrained: Option<Pretrained>,
    /// Names of the test fields.
    pub(super) test_ids: Vec<String>,
    /// Width and height of every box as shares of the picture, where all boxes are of one size.
    pub(super) box_size: Option<[f64; 2]>,
}

impl Inputs {
    /// Draws fields or reads photographs. The measurement has notices about boxes that were left out.
    ///
    /// # Errors
    /// If data cannot be read.
    pub(super) fn open(spec: &Spec) -> Result<(Self, Measurement), StudyError> {
        let single = Slide { edge: SOURCE_EDGE, cells: 1, label_noise: 0.0, source: true };
        let source = (0..spec.source_cells as u64).map(|number| single.field(SOURCE, number)).collect();
        let Some(path) = &spec.data else {
            let slide = Slide { edge: spec.edge, cells: spec.cells, label_noise: spec.label_noise, source: false };
            let draw = |slide: &Slide, seed: u64, count: usize| -> Vec<Field> {
                (0..count as u64).map(|number| slide.field(seed, number)).collect()
            };
            let share = BOX / spec.edge as f64;
            let inputs = Self {
                classes: CELLS.iter().map(|row| row.name.into()).collect(),
                training: draw(&slide, TRAINING, spec.training_fields),
                validation: draw(&slide, VALIDATION, spec.validation_fields),
                test: draw(&Slide { label_noise: 0.0, ..slide }, TEST, spec.test_fields),
                source,
                typical_edge: BOX,
                test_ids: (0..spec.test_fields).map(|number| format!("field-{number}")).collect(),
                pretrained: None,
                box_size: Some([share, share]),
            };
            return Ok((inputs, Measurement::default()));
        };
        let read = read_boxed_pictures(path, spec.edge)?;
        let width = median_width(read.pictures.iter().map(|boxed| &boxed.picture));
        let boxed = |part: Part, most: usize| read.pictures.iter().filter(move |boxed| boxed.part == part).take(most);
        let of = |part: Part, most: usize| -> Vec<Field> {
            let field = |boxed: &crate::data::BoxedPicture| {
                let (picture, shown) = fitted(&boxed.picture, (width, spec.edge));
                let truth = |&(corners, label): &([f64; 4], usize)| {
                    let [left, top, right, bottom] = corners;
                    let corners = [left * shown[0], top * shown[1], right * shown[0], bottom * shown[1]];
                    Truth { corners, label }
                };
                Field { picture, truths: boxed.boxes.iter().map(truth).collect() }
            };
            boxed(part, most).map(field).collect()
        };
        let test_ids = boxed(Part::Test, spec.test_fields).map(|boxed| boxed.id.clone()).collect();
        let training = of(Part::Train, spec.training_fields);
        let inputs = Self {
            typical_edge: typical_edge(&training),
            training,
            validation: of(Part::Validation, spec.validation_fields),
            test: of(Part::Test, spec.test_fields),
            classes: read.classes.clone(),
            test_ids,
            pretrained: Some(Pretrained::open(&spec.backbone)?),
            source,
            box_size: None,
        };
        let [training, validation, test] = [&inputs.training, &inputs.validation, &inputs.test].map(Vec::len);
        let counts = format!("{training} photographs for training, {validation} for validation, {test} for the test");
        let measurement = read.skipped.iter().fold(Measurement::default().notice(counts), Measurement::notice);
        Ok((inputs, measurement))
    }

    /// The two classes with the fewest training boxes, by label as given.
    pub(super) fn rare(&self) -> Vec<usize> {
        let count = |label: usize| labels(&self.training).iter().flatten().filter(|other| **other == label).count();
        let mut classes: Vec<usize> = (0..self.classes.len()).collect();
        classes.sort_by_key(|label| count(*label));
        classes.truncate(2);
        classes
    }
}

/// The median of the widths, pixels.
fn median_width<'p>(pictures: impl Iterator<Item = &'p Picture>) -> usize {
    let mut widths: Vec<usize> = pictures.map(|picture| picture.width).collect();
    widths.sort_unstable();
    widths.get(widths.len() / 2).copied().unwrap_or(4)
}

/// Grey, where a picture of another shape leaves a field empty.
const EMPTY: u8 = 128;

/// The picture in the upper left corner of a field of `(width, height)`, scaled down if it is larger and never stretched, and
/// the shares of width and height that it fills.
pub(super) fn fitted(picture: &Picture, (width, height): (usize, usize)) -> (Picture, [f64; 2]) {
    if (picture.width, picture.height) == (width, height) {
        return (picture.clone(), [1.0; 2]);
    }
    let scale = (width as f64 / picture.width as f64).min(height as f64 / picture.height as f64);
    let along = |side: usize, most: usize| ((side as f64 * scale).round() as usize).clamp(1, most);
    let (across, down) = (along(picture.width, width), along(picture.height, height));
    let small = resize(picture, across, down);
    let mut field = Picture { width, height, rgb: vec![EMPTY; 3 * width * height] };
    for (row, line) in small.rgb.chunks_exact(3 * across).enumerate() {
        field.rgb[3 * row * width..][..3 * across].copy_from_slice(line);
    }
    (field, [across as f64 / width as f64, down as f64 / height as f64])
}

/// Labels by field.
pub fn labels(fields: &[Field]) -> Vec<Vec<usize>> {
    fields.iter().map(|field| field.truths.iter().map(|truth| truth.label).collect()).collect()
}

/// Truths by field.
pub fn truths(fields: &[Field]) -> Vec<Vec<Truth>> {
    fields.iter().map(|field| field.truths.clone()).collect()
}

/// Median over boxes of the square root of the area, pixels.
fn typical_edge(fields: &[Field]) -> f64 {
    let edges = fields.iter().flat_map(|Field { picture, truths }| {
        truths.iter().map(|Truth { corners: [left, top, right, bottom], .. }| {
            ((right - left) * picture.width as f64 * (bottom - top) * picture.height as f64).sqrt()
        })
    });
    let mut edges: Vec<f64> = edges.collect();
    edges.sort_by(f64::total_cmp);
    edges.get(edges.len() / 2).copied().unwrap_or(BOX)
}
