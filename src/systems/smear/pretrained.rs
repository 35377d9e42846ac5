//! A pretrained network under the detector: its planes at strides 8, 16 and 32, brought to the grid of the heat maps.

use std::sync::Arc;

use candle_core::Tensor;

use crate::nn::backbone::{Backbone, BackboneRow, Stage, Trunk};
use crate::nn::layer::{Conv2d, GroupNorm, Window};
use crate::nn::{LayerGroups, LearningRates, NnError, Params, Weights};
use crate::study::StudyError;
use crate::systems::inputs;
use crate::systems::smear::detector::STRIDE;

/// Strides whose planes are read.
const STRIDES: [usize; 3] = [8, 16, 32];

/// Factor on the learning rate of the backbone: it starts from trained values, the layers above from random ones.
const TRUNK_RATE: f64 = 0.3;

/// A backbone and the stages that a detector reads.
#[derive(Clone)]
pub struct Pretrained {
    row: &'static BackboneRow,
    weights: Arc<Weights>,
    /// The last stage of each stride, from input to output.
    stages: Vec<Stage>,
    /// Index of the first of them among all stages: those up to it are constant.
    first: usize,
    last: usize,
}

impl std::fmt::Debug for Pretrained {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.debug_struct("Pretrained").field("row", &self.row.name).field("stages", &self.stages).finish_non_exhaustive()
    }
}

impl Pretrained {
    /// Opens the backbone of the settings.
    ///
    /// # Errors
    /// Weights that cannot be read, or a network without planes of stride 8.
    pub fn open(backbone: &inputs::Backbone) -> Result<Self, StudyError> {
        let row = BackboneRow::named(&backbone.name)?;
        let weights = row.weights(backbone.weights.as_deref())?;
        let trunk = Trunk::new(row, &weights)?;
        // The last stage spreads planes for the classifier of the source task.
        let all = &trunk.stages()[..trunk.stages().len().saturating_sub(1)];
        let of = |stride: usize| all.iter().rposition(|stage| stage.stride == stride);
        let found: Vec<usize> = STRIDES.into_iter().filter_map(of).collect();
        let (Some(&first), Some(&last)) = (found.first(), found.last()) else {
            let reason = "the backbone has no stage of stride 8, 16 or 32";
            return Err(NnError::Setting { field: "backbone.name", value: row.name.into(), reason }.into());
        };
        let stages = found.iter().map(|&index| all[index].clone()).collect();
        Ok(Self { row, weights: Arc::new(weights), stages, first, last })
    }

    /// Digest of its weights, hexadecimal.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn digest(&self) -> Result<String, NnError> {
        self.weights.digest_text()
    }

    /// The layers, `width` channels each.
    pub(super) fn build(&self, params: &mut Params, width: usize) -> Result<Pyramid, NnError> {
        let trunk = Trunk::on(params, self.row, &self.weights)?;
        let layer = |stage: &Stage| {
            let name = format!("lateral{}", stage.stride);
            let conv = Conv2d::new(
                params,
                &format!("{name}.conv"),
                (stage.channels, width),
                Window::square(1, 1, 0),
                1,
                false,
            )?;
            Ok((conv, GroupNorm::new(params, &format!("{name}.norm"), 4, width)?))
        };
        let laterals = self.stages.iter().map(layer).collect::<Result<_, NnError>>()?;
        Ok(Pyramid { trunk, stages: self.stages.clone(), laterals })
    }

    /// The groups that are trained: the stages behind the first that is read, and everything above the backbone.
    pub(super) fn groups(&self, params: &Params) -> LayerGroups {
        let LayerGroups(mut groups) = LayerGroups::of_trunk(self.row.layers(), params);
        let head = groups.pop();
        let live = groups.into_iter().enumerate().filter(|(group, _)| *group > self.first && *group <= self.last);
        LayerGroups(live.map(|(_, names)| names).chain(head).collect())
    }

    /// Trains the stages behind the first that is read, and everything above the backbone.
    pub(super) fn learning_rates(&self, params: &Params) -> LearningRates {
        let groups = LayerGroups::of_trunk(self.row.layers(), params);
        let head = groups.len().saturating_sub(1);
        let factor = |group: usize| match group {
            group if group == head => 1.0,
            group if group > self.first && group <= self.last => TRUNK_RATE,
            _ => 0.0,
        };
        LearningRates::of_groups(&groups, (0..groups.len()).map(factor))
    }
}

/// Planes of several strides, added on the grid of the heat maps (after Lin et al. 2017, arXiv:1612.03144, with one sum).
pub(super) struct Pyramid {
    trunk: Trunk,
    stages: Vec<Stage>,
    laterals: Vec<(Conv2d, GroupNorm)>,
}

impl Pyramid {
    /// (batch, width, height / 4, width / 4) of images (batch, 3, height, width).
    pub fn forward(&self, images: &Tensor) -> Result<Tensor, NnError> {
        let (_, _, height, width) = images.dims4()?;
        let (down, across) = (height / STRIDE, width / STRIDE);
        let mut planes = self.trunk.stage_output(images, &self.stages[0].name)?;
        let mut sum: Option<Tensor> = None;
        for (index, (stage, (conv, norm))) in self.stages.iter().zip(&self.laterals).enumerate() {
            if index > 0 {
                planes = self.trunk.between(&planes, &self.stages[index - 1].name, &stage.name)?;
            }
            let own = norm.forward(&conv.forward(&planes)?)?.relu()?;
            let own = repeated(&own, stage.stride / STRIDE, (down, across))?;
            sum = Some(match sum {
                Some(sum) => (sum + own)?,
                None => own,
            });
        }
        sum.ok_or(NnError::Setting { field: "backbone", value: self.trunk.card().name.into(), reason: "no stages" })
    }
}

/// Every pixel `times` along both edges, cut or continued to `(height, width)`.
fn repeated(planes: &Tensor, times: usize, (height, width): (usize, usize)) -> Result<Tensor, NnError> {
    let (batch, channels, rows, columns) = planes.dims4()?;
    let large = planes
        .reshape((batch * channels, rows, 1, columns, 1))?
        .broadcast_as((batch * channels, rows, times, columns, times))?
        .contiguous()?
        .reshape((batch, channels, rows * times, columns * times))?;
    // A network without padding ends a little early.
    let (rows, columns) = (rows * times, columns * times);
    let mut large = large.narrow(2, 0, height.min(rows))?.narrow(3, 0, width.min(columns))?;
    for (axis, missing) in [(2, height.saturating_sub(rows)), (3, width.saturating_sub(columns))] {
        if missing > 0 {
            let end = large.narrow(axis, large.dim(axis)? - 1, 1)?;
            large = Tensor::cat(&[vec![large], vec![end; missing]].concat(), axis)?;
        }
    }
    Ok(large)
}
