//! A small centre-point detector (after Zhou et al. 2019, "Objects as Points", arXiv:1904.07850): a heat map per class, and
//! at each centre its offset in the cell and the size of the box.

use candle_core::{DType, Device, Tensor};

use crate::classic::boxes::{Detection, inside};
use crate::nn::layer::{Conv2d, GroupNorm, Padding, Window};
use crate::nn::loss::Objective;
use crate::nn::model::first;
use crate::nn::{LayerGroups, Mode, Model, Network, NnError, Output, Params};
use crate::study::StudyError;
use crate::systems::smear::cells::Field;
use crate::systems::smear::field_dataset::FieldDataset;
use crate::systems::smear::pretrained::{Pretrained, Pyramid};

/// Edge of a cell of the heat map, pixels.
pub(super) const STRIDE: usize = 4;

/// Dilations of the blocks: their receptive field covers a box and its neighbours.
const DILATIONS: [usize; 4] = [1, 2, 1, 2];

/// Outputs besides the heat maps: offset in the cell (x, y), logarithm of the size over the typical one (width, height).
pub(super) const BOX_OUTPUTS: usize = 4;

/// Bias of the heat maps, a logit: nearly every cell is empty, and a network that has to learn that first wastes its first
/// epochs (Lin et al. 2017, arXiv:1708.02002, section 3.3).
const HEAT_BIAS: f64 = -4.0;

/// Boxes with a lower score are dropped, and all but the best of a picture.
const LOWEST_SCORE: f32 = 0.02;
const MOST_BOXES: usize = 100;

/// Fields in a batch of inference.
const BATCH: usize = 16;

/// The network.
#[derive(Clone, Debug)]
pub struct Detector {
    /// Channels.
    pub width: usize,
    /// Number of classes.
    pub classes: usize,
    /// Name of the last layer: parameters of another task have another name.
    pub head: &'static str,
    /// Edge of a typical box in pixels. Sizes are relative to it.
    pub typical_edge: f64,
    /// A pretrained network in place of the first convolutions.
    pub pretrained: Option<Pretrained>,
}

struct Built {
    /// The planes of a pretrained network; else the first convolutions.
    pyramid: Option<Pyramid>,
    stem: Vec<(Conv2d, GroupNorm)>,
    blocks: Vec<(Conv2d, GroupNorm)>,
    head: Conv2d,
    bias: Tensor,
}

impl Model for Detector {
    fn build<'a>(&'a self, params: &mut Params) -> Result<Box<dyn Network + 'a>, NnError> {
        let pyramid = match &self.pretrained {
            Some(pretrained) => Some(pretrained.build(params, self.width)?),
            None => None,
        };
        let mut layer = |name: String, channels: (usize, usize), window: Window| {
            let conv = Conv2d::new(params, &format!("{name}.conv"), channels, window, 1, false)?;
            Ok::<_, NnError>((conv, GroupNorm::new(params, &format!("{name}.norm"), 4, channels.1)?))
        };
        let (half, width) = (self.width / 2, self.width);
        let halving = Window::square(3, 2, 1);
        let stem = match pyramid {
            Some(_) => Vec::new(),
            None => vec![layer("stem0".into(), (3, half), halving)?, layer("stem1".into(), (half, width), halving)?],
        };
        let blocks = DILATIONS.iter().enumerate().map(|(k, &dilation)| {
            let window = Window { kernel: (3, 3), stride: 1, padding: Padding::all(dilation), dilation };
            layer(format!("block{k}"), (width, width), window)
        });
        let blocks = blocks.collect::<Result<_, _>>()?;
        let outputs = self.classes + BOX_OUTPUTS;
        let head = Conv2d::new(params, self.head, (width, outputs), Window::square(1, 1, 0), 1, true)?;
        let bias = (0..outputs).map(|k| if k < self.classes { HEAT_BIAS as f32 } else { 0.0 }).collect();
        let bias = Tensor::from_vec(bias, (1, outputs, 1, 1), &Device::Cpu)?;
        Ok(Box::new(Built { pyramid, stem, blocks, head, bias }))
    }
}

impl Network for Built {
    /// Logits: (batch, classes + 4, height / 4, width / 4); more: the last layer's input (batch, width, …).
    fn forward(&self, inputs: &[Tensor], _mode: Mode) -> Result<Output, NnError> {
        let mut x = first(inputs)?.clone();
        if let Some(pyramid) = &self.pyramid {
            x = pyramid.forward(&x)?;
        }
        for (conv, norm) in &self.stem {
            x = norm.forward(&conv.forward(&x)?)?.relu()?;
        }
        for (conv, norm) in &self.blocks {
            x = (norm.forward(&conv.forward(&x)?)? + x)?.relu()?;
        }
        let logits = self.head.forward(&x)?.broadcast_add(&self.bias)?;
        Ok(Output { features: x.mean((2, 3))?, logits, more: vec![x] })
    }
}

/// Focal loss with a reduced penalty near centres (arXiv:1904.07850, eq. 1), each class with its weight, plus the absolute
/// error of offsets and sizes at centres; divided by the number of boxes.
#[derive(Clone, Debug)]
pub struct CentreLoss {
    /// A weight per class.
    pub weights: Vec<f64>,
}

impl Objective for CentreLoss {
    fn losses(&self, output: &Output, targets: &[Tensor]) -> Result<Tensor, NnError> {
        let [heat, boxes] = targets else {
            let reason = "this loss needs two targets: heat maps and boxes";
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
        let far = heat.affine(-1.0, 1.0)?.sqr()?.sqr()?;
        let empty = (on.sqr()? * log_off)?.mul(&far)?;
        let weights = Tensor::new(self.weights.as_slice(), &Device::Cpu)?.to_dtype(heat.dtype())?;
        let heats = (found + empty)?.broadcast_mul(&weights.reshape((1, classes, 1, 1))?)?;
        let mask = boxes.narrow(1, BOX_OUTPUTS, 1)?;
        let gaps = (output.logits.narrow(1, classes, BOX_OUTPUTS)? - boxes.narrow(1, 0, BOX_OUTPUTS)?)?.abs()?;
        let gaps = gaps.broadcast_mul(&mask)?;
        let count = mask.flatten_from(1)?.sum(1)?.maximum(1.0)?;
        Ok(((gaps.flatten_from(1)?.sum(1)? - heats.flatten_from(1)?.sum(1)?)? / count)?)
    }
}

impl Detector {
    /// Its convolutions from input to output, each with its normalisation, and the last layer.
    pub(super) fn groups(&self, params: &Params) -> LayerGroups {
        let blocks = (0..DILATIONS.len()).map(|k| format!("block{k}."));
        let layers: Vec<String> = ["stem0.", "stem1."].into_iter().map(String::from).chain(blocks).collect();
        let prefixes: Vec<&str> = layers.iter().map(String::as_str).chain([self.head]).collect();
        LayerGroups::by_prefix(params, &prefixes)
    }

    /// Boxes in each of `fields`, best score first.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn detect(&self, params: &mut Params, fields: &[Field]) -> Result<Vec<Vec<Detection>>, StudyError> {
        let mut found = Vec::new();
        self.for_each(params, fields, |logits, _, (down, across)| {
            found.push(self.boxes(logits, down, across));
        })?;
        Ok(found)
    }

    /// The last layer's input at `points` (x, y as shares of the picture) of each field: by field, point, channel.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn features_at(
        &self,
        params: &mut Params,
        fields: &[Field],
        points: &[Vec<[f64; 2]>],
    ) -> Result<Vec<Vec<Vec<f32>>>, StudyError> {
        let mut found: Vec<Vec<Vec<f32>>> = Vec::new();
        self.for_each(params, fields, |_, features, (down, across)| {
            let at = |&[x, y]: &[f64; 2]| {
                let column = ((x * across as f64) as usize).min(across - 1);
                let line = ((y * down as f64) as usize).min(down - 1);
                features.chunks(down * across).map(|plane| plane[line * across + column]).collect()
            };
            found.push(points[found.len()].iter().map(at).collect());
        })?;
        Ok(found)
    }

    /// Calls `take` with the logits, the last layer's input and the size of the heat map of each field.
    fn for_each(
        &self,
        params: &mut Params,
        fields: &[Field],
        mut take: impl FnMut(&[f32], &[f32], (usize, usize)),
    ) -> Result<(), StudyError> {
        let network = self.build(params)?;
        let dataset = FieldDataset { fields, detector: self };
        let all: Vec<u32> = (0..fields.len() as u32).collect();
        for rows in all.chunks(BATCH) {
            let output = network.forward(&[dataset.pixels(rows, |_| [false; 2])?], Mode::Eval)?;
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
                if score < LOWEST_SCORE || near.any(|(i, j)| heat[i * across + j] > logit) {
                    continue;
                }
                let output = |k: usize| f64::from(logits[(self.classes + k) * cells + cell]);
                let (x, y) = (column as f64 + output(0).clamp(0.0, 1.0), line as f64 + output(1).clamp(0.0, 1.0));
                // Beyond e² times the typical size the output is clamped.
                let half = |k: usize| 0.5 * self.typical_edge / STRIDE as f64 * output(k).clamp(-2.0, 2.0).exp();
                let (w, h) = (half(2), half(3));
                let corners =
                    [(x - w) / across as f64, (y - h) / down as f64, (x + w) / across as f64, (y + h) / down as f64];
                found.extend(inside(corners).map(|corners| Detection { corners, score: f64::from(score), label }));
            }
        }
        found.sort_by(|a, b| b.score.total_cmp(&a.score));
        found.truncate(MOST_BOXES);
        found
    }
}

/// Sets every box to this width and height around its centre, where all boxes are known to be of one size. Fusion keeps the
/// size, except of boxes cut at an edge of the picture.
pub fn with_box_size(found: &[Vec<Detection>], size: Option<[f64; 2]>) -> Vec<Vec<Detection>> {
    let Some([width, height]) = size else { return found.to_vec() };
    let resize = |found: &Detection| {
        let [left, top, right, bottom] = found.corners;
        let (x, y) = ((left + right) / 2.0, (top + bottom) / 2.0);
        Detection { corners: [x - width / 2.0, y - height / 2.0, x + width / 2.0, y + height / 2.0], ..*found }
    };
    found.iter().map(|found| found.iter().map(resize).collect()).collect()
}
