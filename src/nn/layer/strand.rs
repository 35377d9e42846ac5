//! Layers that treat both strands of DNA alike: reversing the positions of the input and permuting its channels by an
//! involution reverses the positions of the output and permutes its channels.
//!
//! Every weight is averaged with its own image under both involutions (Albors et al. 2025, arXiv:2503.03773). The average is
//! taken in every forward run, so a layer never holds a stale one. Sequences are (batch, positions, channels).

use candle_core::{Device, Tensor};

use super::channels::add_per_channel;
use super::norm::Affine;
use super::standardize::standardize;
use crate::nn::init::Init;
use crate::nn::{NnError, Params};

/// A permutation of channels that is its own inverse.
#[derive(Clone, Debug)]
pub struct Involution(Tensor);

impl Involution {
    /// The involution that takes channel k to `images[k]`.
    ///
    /// # Errors
    /// If it is not its own inverse.
    pub fn new(images: &[u32]) -> Result<Self, NnError> {
        let back = |k: usize| images.get(images[k] as usize).is_some_and(|image| *image as usize == k);
        if !(0..images.len()).all(back) {
            let reason = "each channel must be the image of its image";
            return Err(NnError::Setting { field: "involution", value: format!("{images:?}"), reason });
        }
        Ok(Self(Tensor::new(images, &Device::Cpu)?))
    }

    /// The reversal of `channels` channels.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn reversal(channels: usize) -> Result<Self, NnError> {
        Self::new(&(0..channels as u32).rev().collect::<Vec<_>>())
    }

    /// Permutes dimension `axis` of a tensor.
    ///
    /// # Errors
    /// If the dimension has another size.
    pub fn apply(&self, x: &Tensor, axis: usize) -> candle_core::Result<Tensor> {
        x.contiguous()?.index_select(&self.0, axis)
    }

    /// Number of channels.
    pub fn channels(&self) -> usize {
        self.0.elem_count()
    }
}

/// The mean of a tensor and its image.
fn averaged(x: &Tensor, image: &Tensor) -> candle_core::Result<Tensor> {
    (x + image)? * 0.5
}

/// A convolution along the positions without padding. Parameters have the names that PyTorch's parametrisations give them:
/// `name.parametrizations.weight.original` (output, input, kernel) and `name.parametrizations.bias.original` (output).
#[derive(Clone, Debug)]
pub struct StrandConv {
    weight: Tensor,
    bias: Tensor,
    input: Involution,
    output: Involution,
    positions: Involution,
    dilation: usize,
}

impl StrandConv {
    /// A kernel of `kernel` taps at the distance `dilation`, drawn as PyTorch draws it.
    ///
    /// # Errors
    /// If `params` hold other shapes.
    pub fn new(
        params: &mut Params,
        name: &str,
        (input, output): (&Involution, &Involution),
        (kernel, dilation): (usize, usize),
    ) -> Result<Self, NnError> {
        let start = Init::fan_in(input.channels() * kernel);
        let shape = [output.channels(), input.channels(), kernel];
        let weight = params.get(&format!("{name}.parametrizations.weight.original"), &shape, start)?;
        let bias = params.get(&format!("{name}.parametrizations.bias.original"), &shape[..1], start)?;
        let positions = Involution::reversal(kernel)?;
        Ok(Self { weight, bias, input: input.clone(), output: output.clone(), positions, dilation })
    }

    /// (batch, positions, input) to (batch, positions - (kernel - 1) · dilation, output).
    ///
    /// # Errors
    /// If shapes do not fit or the input is shorter than the kernel.
    pub fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let (batch, length, input) = x.dims3()?;
        let (output, _, kernel) = self.weight.dims3()?;
        let reach = (kernel - 1) * self.dilation;
        if length <= reach {
            candle_core::bail!("{length} positions are fewer than the {} that the kernel spans", reach + 1);
        }
        let image = self.positions.apply(&self.input.apply(&self.output.apply(&self.weight, 0)?, 1)?, 2)?;
        let weight = averaged(&self.weight, &image)?.permute((2, 1, 0))?.contiguous()?;
        let bias = averaged(&self.bias, &self.output.apply(&self.bias, 0)?)?;
        let kept = length - reach;
        let taps = (0..kernel).map(|tap| x.narrow(1, tap * self.dilation, kept));
        let unrolled = match kernel {
            1 => x.clone(),
            _ => Tensor::cat(&taps.collect::<candle_core::Result<Vec<_>>>()?, 2)?,
        };
        let rows = unrolled.reshape((batch * kept, kernel * input))?;
        let product = rows.matmul(&weight.reshape((kernel * input, output))?)?;
        add_per_channel(&product, &bias, 1)?.reshape((batch, kept, output))
    }
}

/// A vector per letter. Parameter `name.parametrizations.weight.original` (letters, width), standard normal.
#[derive(Clone, Debug)]
pub struct StrandEmbedding {
    weight: Tensor,
    letters: Involution,
    output: Involution,
}

impl StrandEmbedding {
    /// Vectors for the letters that `letters` permutes.
    ///
    /// # Errors
    /// If `params` hold other shapes.
    pub fn new(params: &mut Params, name: &str, letters: &Involution, output: &Involution) -> Result<Self, NnError> {
        let shape = [letters.channels(), output.channels()];
        let weight =
            params.get(&format!("{name}.parametrizations.weight.original"), &shape, Init::Normal { sd: 1.0 })?;
        Ok(Self { weight, letters: letters.clone(), output: output.clone() })
    }

    /// Letters (batch, positions) u32 to (batch, positions, width). The letter `zero`, if any, has the vector 0.
    ///
    /// # Errors
    /// If a letter does not exist.
    pub fn forward(&self, letters: &Tensor, zero: Option<usize>) -> candle_core::Result<Tensor> {
        let image = self.output.apply(&self.letters.apply(&self.weight, 0)?, 1)?;
        let mut table = averaged(&self.weight, &image)?;
        if let Some(zero) = zero {
            let (count, width) = table.dims2()?;
            let keep: Vec<f64> = (0..count * width).map(|k| f64::from(u8::from(k / width != zero))).collect();
            table = (&table * Tensor::from_vec(keep, (count, width), &Device::Cpu)?.to_dtype(table.dtype())?)?;
        }
        let (batch, positions) = letters.dims2()?;
        table.index_select(&letters.flatten_all()?, 0)?.reshape((batch, positions, ()))
    }
}

/// Over which values a [`StrandNorm`] normalises.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NormScope {
    /// The channels of each position; factor and offset are averaged over both strands. A position's output then depends
    /// on its receptive field alone, and both strands are treated alike to rounding.
    #[default]
    Position,
    /// All channels and positions of a window (PyTorch's `GroupNorm(1, channels)`), factor and offset as they are. Outputs
    /// depend on the length of the window, and strands are treated alike only while factor and offset are at their start.
    Window,
}

/// Normalisation of (batch, positions, channels), with `name.weight` and `name.bias` (channels).
#[derive(Clone, Debug)]
pub struct StrandNorm {
    affine: Affine,
    channels: Involution,
    scope: NormScope,
}

impl StrandNorm {
    /// Starting at factor 1 and offset 0.
    ///
    /// # Errors
    /// If `params` hold other shapes.
    pub fn new(params: &mut Params, name: &str, channels: &Involution, scope: NormScope) -> Result<Self, NnError> {
        Ok(Self { affine: Affine::new(params, name, channels.channels())?, channels: channels.clone(), scope })
    }

    /// (batch, positions, channels) to the same.
    ///
    /// # Errors
    /// If the number of channels is another.
    pub fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let (batch, positions, channels) = x.dims3()?;
        let rows = if self.scope == NormScope::Window { batch } else { batch * positions };
        let standard = standardize(&x.reshape((rows, ()))?, 1e-5)?.reshape((batch, positions, channels))?;
        match self.scope {
            NormScope::Window => self.affine.along(&standard, 2),
            NormScope::Position => {
                let tied = |values: &Tensor| averaged(values, &self.channels.apply(values, 0)?);
                let affine = Affine { weight: tied(&self.affine.weight)?, bias: tied(&self.affine.bias)? };
                affine.along(&standard, 2)
            }
        }
    }
}
