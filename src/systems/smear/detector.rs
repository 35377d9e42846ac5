//! A small detector of centres (after Zhou et al. 2019, "Objects as Points", arXiv:1904.07850): a heat map per class, and at
//! each centre where in its cell it lies and how large the box is.

use candle_core::{DType, Device, Tensor};

use crate::classic::boxes::{Detection, inside};
use crate::math::Stream;
use crate::nn::layer::{Conv2d, GroupNorm, Padding, Window};
use crate::nn::loss::Objective;
use crate::nn::model::first;
use crate::nn::{Dataset, Examples, Mode, Model, Network, NnError, Output, Params};
use crate::study::StudyError;
use crate::study::detection::Truth;
use crate::systems::smear::cells::Field;

/// Pixels along an edge of a cell of the heat map.
const STRIDE: usize = 4;

/// Distance between the taps of each block: together they see a box and its neighbours.
const DILATIONS: [usize; 4] = [1, 2, 1, 2];

/// Outputs besides the heat maps: place in the cell (x, y), logarithm of the size (width, height).
const PLACES: usize = 4;

/// The heat that a fresh network says, as a logit: nearly every cell is empty, and a network that has to learn that first
/// wastes its first epochs (Lin et al. 2017, arXiv:1708.02002, section 3.3).
const PRIOR: f64 = -4.0;

/// Boxes with a lower score are not told, and at most so many of a picture.
const LOWEST: f32 = 0.02;
const MOST: usize = 100;

/// Fields judged at once.
const BATCH: usize = 16;

/// The network.
#[derive(Clone, Debug)]
pub struct Detector {
    /// Channels.
    pub width: usize,
    /// Number of classes.
    pub classes: usize,
    /// Name of the last layer: another one for another task.
    pub head: &'static str,
    /// Pixels of the edge of a typical box, from which sizes are told.
    pub typical: f64,
}

struct Built {
    stem: Vec<(Conv2d, GroupNorm)>,
    blocks: Vec<(Conv2d, GroupNorm)>,
    head: Conv2d,
    start: Tensor,
}

impl Model for Detector {
    fn build<'a>(&'a self, params: &mut Params) -> Result<Box<dyn Network + 'a>, NnError> {
        let mut layer = |name: String, channels: (usize, usize), window: Window| {
            let conv = Conv2d::new(params, &format!("{name}.conv"), channels, window, 1, false)?;
            Ok::<_, NnError>((conv, GroupNorm::new(params, &format!("{name}.norm"), 4, channels.1)?))
        };
        let (half, width) = (self.width / 2, self.width);
        let halving = Window::square(3, 2, 1);
        let stem = vec![layer("stem0".into(), (3, half), halving)?, layer("stem1".into(), (half, width), halving)?];
        let blocks = DILATIONS.iter().enumerate().map(|(k, &dilation)| {
            let window = Window { kernel: (3, 3), stride: 1, padding: Padding::all(dilation), dilation };
            layer(format!("block{k}"), (width, width), window)
        });
        let blocks = blocks.collect::<Result<_, _>>()?;
        let outputs = self.classes + PLACES;
        let head = Conv2d::new(params, self.head, (width, outputs), Window::square(1, 1, 0), 1, true)?;
        let start = (0..outputs).map(|k| if k < self.classes { PRIOR as f32 } else { 0.0 }).collect();
        let start = Tensor::from_vec(start, (1, outputs, 1, 1), &Device::Cpu)?;
        Ok(Box::new(Built { stem, blocks, head, start }))
    }
}

impl Network for Built {
    /// Logits: (batch, classes + 4, height / 4, width / 4); more: the last layer's input (batch, width, …).
    fn forward(&self, inputs: &[Tensor], _mode: Mode) -> Result<Output, NnError> {
        let mut x = first(inputs)?.clone();
        for (conv, norm) in &self.stem {
            x = norm.forward(&conv.forward(&x)?)?.relu()?;
        }
        for (conv, norm) in &self.blocks {
            x = (norm.forward(&conv.forward(&x)?)? + x)?.relu()?;
        }
        let logits = self.head.forward(&x)?.broadcast_add(&self.start)?;
        Ok(Output { features: x.mean((2, 3))?, logits, more: vec![x] })
    }
}

/// Focal loss with fewer penalties near centres (arXiv:1904.07850, eq. 1), each class with its weight, plus the absolute
/// error of places and sizes at centres; by thing.
#[derive(Clone, Debug)]
pub struct CentreLoss {
    /// A weight per class.
    pub weights: Vec<f64>,
}

impl Objective for CentreLoss {
    fn losses(&self, output: &Output, targets: &[Tensor]) -> Result<Tensor, NnError> {
        let [heat, places] = targets else {
            let reason = "this loss compares with heat maps and places";
            return Err(NnError::Setting { field: "targets", value: targets.len().to_string(), reason });
        };
        let classes = self.weights.len();
        let logits = output.logits.narrow(1, 0, classes)?;
        // log σ(z) and log (1 - σ(z)), which neither overflow nor lose small values.
        let tail = (logits.abs()?.neg()?.exp()? + 1.0)?.log()?;
        let (log_on, log_off) = ((logits.neg()?.relu()? + &tail)?.neg()?, (logits.relu()? + &tail)?.neg()?);
        let (on, off) = (log_on.exp()?, log_off.exp()?);
        let centres = heat.ge(1.0)?.to_dtype(heat.dtype())?;
        let found = (off.sqr()? * log_on)?.mul(&centres)?;
        let spared = heat.affine(-1.0, 1.0)?.sqr()?.sqr()?;
        let empty = (on.sqr()? * log_off)?.mul(&spared)?;
        let weights = Tensor::new(self.weights.as_slice(), &Device::Cpu)?.to_dtype(heat.dtype())?;
        let heats = (found + empty)?.broadcast_mul(&weights.reshape((1, classes, 1, 1))?)?;
        let mask = places.narrow(1, PLACES, 1)?;
        let gaps = (output.logits.narrow(1, classes, PLACES)? - places.narrow(1, 0, PLACES)?)?.abs()?;
        let gaps = gaps.broadcast_mul(&mask)?;
        let things = mask.flatten_from(1)?.sum(1)?.maximum(1.0)?;
        Ok(((gaps.flatten_from(1)?.sum(1)? - heats.flatten_from(1)?.sum(1)?)? / things)?)
    }
}

/// Fields as a detector learns them; mirrored at random in training.
pub struct Views<'a> {
    /// The fields.
    pub fields: &'a [Field],
    /// For whom.
    pub detector: &'a Detector,
}

impl Views<'_> {
    /// (fields, 3, height, width), each value in -1..=1.
    fn pixels(&self, rows: &[u32], mirrored: impl Fn(u32) -> [bool; 2]) -> Result<Tensor, NnError> {
        let mut pixels = Vec::new();
        let (height, width) = self.size();
        for &row in rows {
            let ([across, down], rgb) = (mirrored(row), &self.fields[row as usize].picture.rgb);
            for channel in 0..3 {
                for y in (0..height).map(|y| if down { height - 1 - y } else { y }) {
                    let value = |x: usize| f32::from(rgb[3 * (y * width + x) + channel]) / 127.5 - 1.0;
                    match across {
                        true => pixels.extend((0..width).rev().map(value)),
                        false => pixels.extend((0..width).map(value)),
                    }
                }
            }
        }
        Ok(Tensor::from_vec(pixels, (rows.len(), 3, height, width), &Device::Cpu)?)
    }

    /// Height and width of every field, pixels.
    fn size(&self) -> (usize, usize) {
        self.fields.first().map_or((0, 0), |field| (field.picture.height, field.picture.width))
    }
}

impl Dataset for Views<'_> {
    fn len(&self) -> usize {
        self.fields.len()
    }

    fn rows(&self, rows: &[u32], mode: Mode) -> Result<Examples, NnError> {
        let mirrored = |row: u32| match mode {
            Mode::Eval => [false; 2],
            Mode::Train { seed } => {
                let mut stream = Stream::numbered(seed, u64::from(row));
                [stream.uniform() < 0.5, stream.uniform() < 0.5]
            }
        };
        let (height, width) = self.size();
        let (down, across) = (height / STRIDE, width / STRIDE);
        let (cells, classes) = (down * across, self.detector.classes);
        let mut heat = vec![0.0f32; rows.len() * classes * cells];
        let mut places = vec![0.0f32; rows.len() * (PLACES + 1) * cells];
        for (k, &row) in rows.iter().enumerate() {
            let heat = &mut heat[k * classes * cells..][..classes * cells];
            let places = &mut places[k * (PLACES + 1) * cells..][..(PLACES + 1) * cells];
            for truth in &self.fields[row as usize].truths {
                let Truth { corners: [left, top, right, bottom], label } = *truth;
                let mirror = |low: f64, high: f64, turn: bool| if turn { (1.0 - high, 1.0 - low) } else { (low, high) };
                let [turn_x, turn_y] = mirrored(row);
                let ((left, right), (top, bottom)) = (mirror(left, right, turn_x), mirror(top, bottom, turn_y));
                // In cells from here on.
                let (x, y) = ((left + right) / 2.0 * across as f64, (top + bottom) / 2.0 * down as f64);
                let (w, h) = ((right - left) * across as f64, (bottom - top) * down as f64);
                let (column, line) = ((x as usize).min(across - 1), (y as usize).min(down - 1));
                let spread = (w.min(h) / 6.0).max(0.8);
                let reach = (3.0 * spread).ceil() as usize;
                for i in line.saturating_sub(reach)..(line + reach + 1).min(down) {
                    for j in column.saturating_sub(reach)..(column + reach + 1).min(across) {
                        let far = (i as f64 - line as f64).powi(2) + (j as f64 - column as f64).powi(2);
                        let value = (-far / (2.0 * spread * spread)).exp() as f32;
                        let cell = &mut heat[label * cells + i * across + j];
                        *cell = cell.max(value);
                    }
                }
                let typical = self.detector.typical / STRIDE as f64;
                let told = [x - column as f64, y - line as f64, (w / typical).ln(), (h / typical).ln(), 1.0];
                for (plane, value) in told.into_iter().enumerate() {
                    places[plane * cells + line * across + column] = value as f32;
                }
            }
        }
        let heat = Tensor::from_vec(heat, (rows.len(), classes, down, across), &Device::Cpu)?;
        let places = Tensor::from_vec(places, (rows.len(), PLACES + 1, down, across), &Device::Cpu)?;
        let inputs = vec![self.pixels(rows, mirrored)?];
        Ok(Examples { inputs, targets: vec![heat, places], weights: None, domains: None, strata: None })
    }
}

impl Detector {
    /// What the network on `params` finds in each of `fields`, best score first.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn look(&self, params: &mut Params, fields: &[Field]) -> Result<Vec<Vec<Detection>>, StudyError> {
        let mut found = Vec::new();
        self.each(params, fields, |logits, _, (down, across)| {
            found.push(self.boxes(logits, down, across));
        })?;
        Ok(found)
    }

    /// The last layer's input at `places` (x, y as shares of the picture) of each field: by field, place, channel.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn features(
        &self,
        params: &mut Params,
        fields: &[Field],
        places: &[Vec<[f64; 2]>],
    ) -> Result<Vec<Vec<Vec<f32>>>, StudyError> {
        let mut found: Vec<Vec<Vec<f32>>> = Vec::new();
        self.each(params, fields, |_, features, (down, across)| {
            let seen = |&[x, y]: &[f64; 2]| {
                let column = ((x * across as f64) as usize).min(across - 1);
                let line = ((y * down as f64) as usize).min(down - 1);
                features.chunks(down * across).map(|plane| plane[line * across + column]).collect()
            };
            found.push(places[found.len()].iter().map(seen).collect());
        })?;
        Ok(found)
    }

    /// Calls `take` with logits, last features and the heat map's size of each field.
    fn each(
        &self,
        params: &mut Params,
        fields: &[Field],
        mut take: impl FnMut(&[f32], &[f32], (usize, usize)),
    ) -> Result<(), StudyError> {
        let network = self.build(params)?;
        let views = Views { fields, detector: self };
        let all: Vec<u32> = (0..fields.len() as u32).collect();
        for rows in all.chunks(BATCH) {
            let output = network.forward(&[views.pixels(rows, |_| [false; 2])?], Mode::Eval)?;
            let (_, _, down, across) = output.logits.dims4()?;
            let plain = |tensor: &Tensor| tensor.to_dtype(DType::F32)?.flatten_from(1)?.to_vec2::<f32>();
            let features = output.more.first().map_or_else(|| Ok(Vec::new()), plain)?;
            for (logits, features) in plain(&output.logits)?.iter().zip(&features) {
                take(logits, features, (down, across));
            }
        }
        Ok(())
    }

    /// Peaks of the heat maps as boxes.
    fn boxes(&self, logits: &[f32], down: usize, across: usize) -> Vec<Detection> {
        let cells = down * across;
        let mut found = Vec::new();
        for label in 0..self.classes {
            let heat = &logits[label * cells..][..cells];
            for (cell, &logit) in heat.iter().enumerate() {
                let score = 1.0 / (1.0 + (-logit).exp());
                let (line, column) = (cell / across, cell % across);
                let lines = line.saturating_sub(1)..(line + 2).min(down);
                let mut near =
                    lines.flat_map(|i| (column.saturating_sub(1)..(column + 2).min(across)).map(move |j| (i, j)));
                if score < LOWEST || near.any(|(i, j)| heat[i * across + j] > logit) {
                    continue;
                }
                let place = |k: usize| f64::from(logits[(self.classes + k) * cells + cell]);
                let (x, y) = (column as f64 + place(0).clamp(0.0, 1.0), line as f64 + place(1).clamp(0.0, 1.0));
                // A size beyond e² of the typical is no size.
                let half = |k: usize| 0.5 * self.typical / STRIDE as f64 * place(k).clamp(-2.0, 2.0).exp();
                let (w, h) = (half(2), half(3));
                let corners =
                    [(x - w) / across as f64, (y - h) / down as f64, (x + w) / across as f64, (y + h) / down as f64];
                found.extend(inside(corners).map(|corners| Detection { corners, score: f64::from(score), label }));
            }
        }
        found.sort_by(|a, b| b.score.total_cmp(&a.score));
        found.truncate(MOST);
        found
    }
}

/// Every box with its own centre and the given width and height, where all things are known to be of one size. Boxes of one
/// size stay so when they are fused, but for those cut at an edge of the picture.
pub fn snapped(found: &[Vec<Detection>], size: Option<[f64; 2]>) -> Vec<Vec<Detection>> {
    let Some([width, height]) = size else { return found.to_vec() };
    let snap = |found: &Detection| {
        let [left, top, right, bottom] = found.corners;
        let (x, y) = ((left + right) / 2.0, (top + bottom) / 2.0);
        Detection { corners: [x - width / 2.0, y - height / 2.0, x + width / 2.0, y + height / 2.0], ..*found }
    };
    found.iter().map(|found| found.iter().map(snap).collect()).collect()
}
