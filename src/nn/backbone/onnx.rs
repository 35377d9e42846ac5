//! Networks from ONNX files, run by tract.

use std::path::Path;

use candle_core::{Device, Tensor};
use rayon::prelude::*;
use tract_onnx::prelude::*;
use tract_onnx::tract_hir::infer::Factoid;
use tract_onnx::tract_hir::internal::DimLike;

use super::{Backbone, BackboneRow, Stage};
use crate::data::Transform;
use crate::nn::NnError;
use crate::nn::weights::content;

/// A frozen network read from an ONNX file: one image of fixed size in, features out.
///
/// Its first input must be (batch, 3, side, side) and its first output (batch, width), or planes (batch, width, height,
/// width), of which the means are taken. Pictures are normalised as for ImageNet, which most exported networks expect.
pub struct OnnxFile {
    row: &'static BackboneRow,
    path: String,
    side: usize,
    network: Arc<TypedRunnableModel>,
}

impl OnnxFile {
    /// Reads a file; returns the network with a hash of the file's bytes.
    ///
    /// # Errors
    /// A file that is not ONNX, holds an operator that tract lacks, or takes something else than square colour images.
    pub fn read(row: &'static BackboneRow, path: &Path) -> Result<(Self, [u8; 32]), NnError> {
        let failed = |reason: String| NnError::File { path: path.into(), reason };
        let bytes = content(path)?;
        let model = tract_onnx::onnx()
            .model_for_read(&mut bytes.as_slice())
            .map_err(|e| failed(format!("not an ONNX file that can be read ({e:#})")))?;
        let side = side(&model).map_err(failed)?;
        // Images run one at a time on all threads: tract's good case, and the batch dimension need not be symbolic.
        let network = model
            .with_input_fact(0, f32::fact([1, 3, side, side]).into())
            .and_then(|model| model.into_optimized())
            .and_then(|model| model.into_runnable())
            .map_err(|e| failed(format!("the network cannot be run ({e:#})")))?;
        let digest = blake3::hash(&bytes).into();
        Ok((Self { row, path: path.display().to_string(), side, network }, digest))
    }

    fn one(&self, image: Tensor) -> Result<Vec<f32>, NnError> {
        let failed = |reason: String| NnError::File { path: self.path.clone().into(), reason };
        let values = image.flatten_all()?.to_vec1::<f32>()?;
        let input = tract_ndarray::Array4::from_shape_vec((1, 3, self.side, self.side), values)
            .map_err(|e| failed(format!("it takes images of {0} x {0} pixels ({e})", self.side)))?;
        let outputs = self.network.run(tvec!(input.into_tensor().into())).map_err(|e| failed(format!("{e:#}")))?;
        let output = outputs[0].to_plain_array_view::<f32>().map_err(|e| failed(format!("{e:#}")))?;
        let width = output.shape().get(1).copied().unwrap_or(0);
        let values: Vec<f32> = output.iter().copied().collect();
        if width == 0 || values.len() % width != 0 {
            return Err(failed(format!("its first output has shape {:?}, not (1, width, ...)", output.shape())));
        }
        let plane = values.len() / width;
        Ok(values.chunks(plane).map(|plane| plane.iter().sum::<f32>() / plane.len() as f32).collect())
    }
}

/// Height and width of the images it takes.
fn side(model: &InferenceModel) -> Result<usize, String> {
    let fact = model.input_fact(0).map_err(|e| format!("{e:#}"))?;
    let dims: Vec<Option<usize>> =
        fact.shape.dims().map(|dim| dim.concretize().and_then(|dim| dim.to_usize().ok())).collect();
    match dims[..] {
        [_, Some(3), Some(height), Some(width)] if height == width => Ok(height),
        // Exports with free sizes run at the size they were trained at, as a rule.
        [_, Some(3), None, None] => Ok(Transform::IMAGENET.crop),
        _ => Err(format!("its first input has shape {:?}, not (batch, 3, side, side)", fact.shape)),
    }
}

impl Backbone for OnnxFile {
    fn card(&self) -> &'static BackboneRow {
        self.row
    }

    fn transform(&self) -> Transform {
        let usual = self.row.transform;
        Transform { resize: usual.resize * self.side / usual.crop, crop: self.side, ..usual }
    }

    fn stages(&self) -> &[Stage] {
        &[]
    }

    fn features(&self, images: &Tensor) -> Result<Tensor, NnError> {
        let batch = images.dim(0)?;
        let rows: Vec<Vec<f32>> =
            (0..batch).into_par_iter().map(|i| self.one(images.get(i)?)).collect::<Result<_, _>>()?;
        let width = rows.first().map_or(0, Vec::len);
        Ok(Tensor::from_vec(rows.concat(), (batch, width), &Device::Cpu)?)
    }

    fn stage_output(&self, _: &Tensor, stage: &str) -> Result<Tensor, NnError> {
        Err(NnError::unknown("stage of an ONNX file", "backbones", stage, []))
    }

    fn logits(&self, _: &Tensor) -> Result<Tensor, NnError> {
        Err(NnError::NoClassifier { backbone: self.row.name })
    }
}
