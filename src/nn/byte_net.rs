//! Dilated convolutions over DNA that treat both strands alike: the network of PhyloGPN (Albors et al. 2025,
//! arXiv:2503.03773), whose blocks are those of ByteNet (Kalchbrenner et al. 2016, arXiv:1610.10099).

use candle_core::{Device, Tensor};

use crate::nn::layer::{Involution, NormScope, StrandConv, StrandEmbedding, StrandNorm};
use crate::nn::model::first;
use crate::nn::weights::WeightMatch;
use crate::nn::{Mode, Model, Network, NnError, Output, Params, Weights};

/// Letters of the input: A, C, G, T, N and the padding `-`, with their complements.
const LETTERS: [u32; 6] = [3, 2, 1, 0, 4, 5];
/// The letter of padding.
const PADDING: usize = 5;

/// A network from letters (batch, length) u32 to four numbers θ of A, C, G, T for each position with a whole receptive field.
///
/// Parameters have the names of the published weights: `embedding.…`, `blocks.K.layers.…`, `output_layers.…`.
///
/// ```
/// use candle_core::{DType, Device, Tensor};
/// use qgraft::nn::byte_net::ByteNet;
/// use qgraft::nn::{Mode, Model, Params};
/// let net = ByteNet { width: 8, inner: 4, kernel: 5, dilations: vec![1, 5], ..ByteNet::published() };
/// assert_eq!((net.field(), ByteNet::published().field()), (25, 481));
/// let letters = Tensor::zeros((2, 34), DType::U32, &Device::Cpu)?;
/// let output = net.build(&mut Params::new(0, DType::F32))?.forward(&[letters], Mode::Eval)?;
/// assert_eq!((output.features.dims(), output.logits.dims()), (&[2, 10, 8][..], &[2, 10, 4][..]));
/// # Ok::<(), qgraft::nn::NnError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ByteNet {
    /// Channels between the blocks, an even number: the width of the embedding.
    pub width: usize,
    /// Channels inside a block, an even number.
    pub inner: usize,
    /// Taps of a dilated kernel, an odd number.
    pub kernel: usize,
    /// Distance between taps, by block.
    pub dilations: Vec<usize>,
    /// Over which values is normalised.
    pub norm: NormScope,
}

impl ByteNet {
    /// The sizes of the published weights: 83,185,924 parameters.
    pub fn published() -> Self {
        Self { width: 960, inner: 480, kernel: 5, dilations: [1, 5].repeat(20), norm: NormScope::Window }
    }

    /// Positions that one output depends on.
    pub fn field(&self) -> usize {
        1 + (self.kernel - 1) * self.dilations.iter().sum::<usize>()
    }

    /// Sets `params` to published weights, in a file of which every name may begin with `_model.`.
    ///
    /// # Errors
    /// If a parameter is missing or has another shape.
    pub fn load(&self, params: &mut Params, weights: &Weights) -> Result<(), NnError> {
        self.build(params)?;
        let inner = |name: &str| Some((name.to_string(), name.strip_prefix("_model.")?.to_string()));
        let weights = weights.renamed(weights.iter().filter_map(|(name, _)| inner(name)).collect());
        let fit: WeightMatch = params.load_matching(&weights)?;
        match fit.is_complete() {
            true => Ok(()),
            false => Err(NnError::Weights { backbone: "phylogpn", place: weights.place, fit: Box::new(fit) }),
        }
    }
}

/// norm, GELU, convolution.
struct Step(StrandNorm, StrandConv);

impl Step {
    fn forward(&self, x: &Tensor) -> Result<Tensor, NnError> {
        Ok(self.1.forward(&self.0.forward(x)?.gelu_erf()?)?)
    }
}

struct Built {
    embedding: StrandEmbedding,
    /// The letter whose vector is 0.
    zero: Option<usize>,
    blocks: Vec<[Step; 3]>,
    norm: StrandNorm,
    output: StrandConv,
}

impl Model for ByteNet {
    fn build<'a>(&'a self, params: &mut Params) -> Result<Box<dyn Network + 'a>, NnError> {
        let (outer, inner) = (Involution::reversal(self.width)?, Involution::reversal(self.inner)?);
        let (letters, bases) = (Involution::new(&LETTERS)?, Involution::new(&[3, 2, 1, 0])?);
        let embedding = StrandEmbedding::new(params, "embedding", &letters, &outer)?;
        let mut blocks = Vec::new();
        for (k, &dilation) in self.dilations.iter().enumerate() {
            let mut step = |at: usize, input: &Involution, output: &Involution, taps: (usize, usize)| {
                let name = |layer: usize| format!("blocks.{k}.layers.{layer}");
                let norm = StrandNorm::new(params, &name(at), input, self.norm)?;
                Ok::<_, NnError>(Step(norm, StrandConv::new(params, &name(at + 2), (input, output), taps)?))
            };
            blocks.push([
                step(0, &outer, &inner, (1, 1))?,
                step(3, &inner, &inner, (self.kernel, dilation))?,
                step(6, &inner, &outer, (1, 1))?,
            ]);
        }
        let norm = StrandNorm::new(params, "output_layers.0", &outer, self.norm)?;
        let output = StrandConv::new(params, "output_layers.2", (&outer, &bases), (1, 1))?;
        // Published weights bring their own vector of the padding.
        let zero = (self.norm == NormScope::Position).then_some(PADDING);
        Ok(Box::new(Built { embedding, zero, blocks, norm, output }))
    }
}

impl Network for Built {
    /// Features (batch, positions, width) and θ (batch, positions, 4).
    fn forward(&self, inputs: &[Tensor], _mode: Mode) -> Result<Output, NnError> {
        let mut x = self.embedding.forward(first(inputs)?, self.zero)?;
        for [first, second, third] in &self.blocks {
            let y = third.forward(&second.forward(&first.forward(&x)?)?)?;
            let cut = x.dim(1)? - y.dim(1)?;
            x = (x.narrow(1, cut / 2, y.dim(1)?)? + y)?;
        }
        let features = self.norm.forward(&x)?;
        let theta = self.output.forward(&features.gelu_erf()?)?;
        Ok(Output::new(features, theta))
    }
}

/// Bases with `padding` letters `-` on both sides, as input (1, length + 2 · padding) of a network.
///
/// # Errors
/// If the tensor library fails.
pub fn padded(bases: &[u8], padding: usize) -> Result<Tensor, NnError> {
    let around = || std::iter::repeat_n(PADDING as u32, padding);
    let letters: Vec<u32> = around().chain(bases.iter().map(|base| u32::from(*base))).chain(around()).collect();
    Ok(Tensor::new(letters, &Device::Cpu)?.unsqueeze(0)?)
}
