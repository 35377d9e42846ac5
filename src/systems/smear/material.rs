//! What is learned from and judged on: drawn fields, or photographs with boxes.

use crate::data::{Part, read_voc};
use crate::study::StudyError;
use crate::study::detection::Truth;
use crate::systems::smear::cells::{BOX, CELLS, Field, Slide};
use crate::systems::smear::spec::Spec;

/// Collections of fields under one seed.
const TRAINING: u64 = 1 << 40;
const VALIDATION: u64 = 1 << 41;
const TEST: u64 = 1 << 42;
const SOURCE: u64 = 1 << 43;

/// Edge of a field of the source domain, pixels.
const SOURCE_EDGE: usize = 32;

/// Fields by part, with what is known of them.
pub struct Material {
    /// What they are.
    pub title: String,
    /// Class names.
    pub classes: Vec<String>,
    /// To learn from, with mistaken labels.
    pub training: Vec<Field>,
    /// To choose weights and thresholds on.
    pub validation: Vec<Field>,
    /// To judge on alone; drawn fields have true labels here.
    pub test: Vec<Field>,
    /// Single cells of another stain and coarser classes.
    pub source: Vec<Field>,
    /// Pixels of the edge of a typical box.
    pub typical: f64,
    /// Width and height that every box has, as shares of the picture.
    pub fixed: Option<[f64; 2]>,
    /// What was left out.
    pub notices: Vec<String>,
}

impl Material {
    /// As the spec says.
    ///
    /// # Errors
    /// If data cannot be read.
    pub fn load(spec: &Spec) -> Result<Self, StudyError> {
        let single = Slide { edge: SOURCE_EDGE, cells: 1, label_noise: 0.0, source: true };
        let source = (0..spec.source_cells as u64).map(|number| single.field(SOURCE, number)).collect();
        match &spec.data {
            None => {
                let slide = Slide { edge: spec.edge, cells: spec.cells, label_noise: spec.label_noise, source: false };
                let draw = |slide: &Slide, seed: u64, count: usize| -> Vec<Field> {
                    (0..count as u64).map(|number| slide.field(seed, number)).collect()
                };
                let share = BOX / spec.edge as f64;
                Ok(Self {
                    title: "drawn Pap smears".into(),
                    classes: CELLS.iter().map(|row| row.name.into()).collect(),
                    training: draw(&slide, TRAINING, spec.fields[0]),
                    validation: draw(&slide, VALIDATION, spec.fields[1]),
                    test: draw(&Slide { label_noise: 0.0, ..slide }, TEST, spec.fields[2]),
                    source,
                    typical: BOX,
                    fixed: Some([share, share]),
                    notices: Vec::new(),
                })
            }
            Some(path) => {
                let read = read_voc(path, spec.edge)?;
                let of = |part: Part, most: usize| -> Vec<Field> {
                    let fields = read.pictures.iter().filter(|boxed| boxed.part == part).take(most);
                    let truth = |&(corners, label): &_| Truth { corners, label };
                    let field = fields.map(|boxed| Field {
                        picture: boxed.picture.clone(),
                        truths: boxed.boxes.iter().map(truth).collect(),
                    });
                    field.collect()
                };
                let training = of(Part::Train, spec.fields[0]);
                Ok(Self {
                    title: path.file_stem().unwrap_or_default().to_string_lossy().into_owned(),
                    typical: typical(&training),
                    training,
                    validation: of(Part::Validation, spec.fields[1]),
                    test: of(Part::Test, spec.fields[2]),
                    classes: read.classes,
                    source,
                    fixed: None,
                    notices: read.skipped,
                })
            }
        }
    }

    /// The two classes with the fewest training boxes.
    pub fn rare(&self) -> Vec<usize> {
        let count = |label: usize| labels(&self.training).iter().flatten().filter(|other| **other == label).count();
        let mut classes: Vec<usize> = (0..self.classes.len()).collect();
        classes.sort_by_key(|label| count(*label));
        classes.truncate(2);
        classes
    }
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
fn typical(fields: &[Field]) -> f64 {
    let edges = fields.iter().flat_map(|Field { picture, truths }| {
        truths.iter().map(|Truth { corners: [left, top, right, bottom], .. }| {
            ((right - left) * picture.width as f64 * (bottom - top) * picture.height as f64).sqrt()
        })
    });
    let mut edges: Vec<f64> = edges.collect();
    edges.sort_by(f64::total_cmp);
    edges.get(edges.len() / 2).copied().unwrap_or(BOX)
}
