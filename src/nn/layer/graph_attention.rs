//! Attention between the nodes of a complete graph whose edges have colours.

use candle_core::{CpuStorage, CustomOp3, D, DType, Layout, Result, Shape, Tensor, WithDType, bail};

use super::channels::add_per_channel;
use super::conv::slice;
use crate::nn::init::Init;
use crate::nn::layer::{Linear, softmax};
use crate::nn::{NnError, Params};

/// Slope of the leaky rectifier below 0.
const SLOPE: f64 = 0.2;

/// Dynamic graph attention on the complete graph with self-pairs (GATv2; Brody, Alon & Yahav 2021, arXiv:2105.14491,
/// eq. 7), with a vector for each edge. Names and shapes are those of `GATv2Conv` of PyTorch Geometric with
/// `add_self_loops=False`: by default that class replaces the vectors of self-pairs by the mean of the others.
///
/// For an edge from i to j, z = LeakyReLU(W_l x_i + W_r x_j + W_e e_ij), and head h has the score a_h · z_h. The softmax
/// runs over the sources i.
#[derive(Clone, Debug)]
pub struct GraphAttention {
    sources: Linear,
    targets: Linear,
    edges: Linear,
    attention: Tensor,
    bias: Tensor,
    heads: usize,
    width: usize,
}

impl GraphAttention {
    /// `name.lin_l`, `name.lin_r` (width, input) with biases, `name.lin_edge` (width, edge width) without,
    /// `name.att` (1, heads, width / heads), `name.bias` (width). The heads are concatenated.
    ///
    /// # Errors
    /// If `params` hold other shapes, or `heads` does not divide `width`.
    pub fn new(
        params: &mut Params,
        name: &str,
        (input, edge, width): (usize, usize, usize),
        heads: usize,
    ) -> std::result::Result<Self, NnError> {
        if heads == 0 || !width.is_multiple_of(heads) {
            let reason = "the number of heads must divide the width";
            return Err(NnError::Setting { field: "heads", value: format!("{heads} of width {width}"), reason });
        }
        // Glorot's bound, as in PyTorch Geometric.
        let start = Init::Uniform { bound: (6.0 / (heads + width / heads) as f64).sqrt() };
        Ok(Self {
            sources: Linear::new(params, &format!("{name}.lin_l"), (input, width), true)?,
            targets: Linear::new(params, &format!("{name}.lin_r"), (input, width), true)?,
            edges: Linear::new(params, &format!("{name}.lin_edge"), (edge, width), false)?,
            attention: params.get(&format!("{name}.att"), &[1, heads, width / heads], start)?,
            bias: params.get(&format!("{name}.bias"), &[width], Init::Constant(0.0))?,
            heads,
            width,
        })
    }

    /// Nodes (batch, nodes, input) and the vectors of the edge colours (colours, edge width) to (batch, nodes, width).
    /// `colors` (nodes · nodes) u32 is the colour of the edge from i to j at `i · nodes + j`.
    ///
    /// # Errors
    /// If shapes do not fit.
    pub fn forward(&self, nodes: &Tensor, vectors: &Tensor, colors: &Tensor) -> Result<Tensor> {
        let (batch, count, _) = nodes.dims3()?;
        let (sources, targets) = (self.sources.forward(nodes)?, self.targets.forward(nodes)?);
        let edges = self.edges.forward(vectors)?.index_select(colors, 0)?;
        // One tensor, because an operation of candle has at most three.
        let shared = Tensor::cat(&[edges.flatten_all()?, self.attention.flatten_all()?], 0)?;
        let op = Scores { batch, nodes: count, heads: self.heads, width: self.width };
        let scores = sources.contiguous()?.apply_op3(&targets.contiguous()?, &shared, op)?;
        let values = sources.reshape((batch, count, self.heads, ()))?.transpose(1, 2)?.contiguous()?;
        let seen = softmax(&scores, D::Minus1)?.matmul(&values)?;
        add_per_channel(&seen.transpose(1, 2)?.reshape((batch, count, self.width))?, &self.bias, 2)
    }
}

/// Scores (batch, heads, targets, sources).
#[derive(Clone, Copy)]
struct Scores {
    batch: usize,
    nodes: usize,
    heads: usize,
    width: usize,
}

/// Gradients of what [`Scores`] reads.
struct Gradients<T> {
    sources: Vec<T>,
    targets: Vec<T>,
    shared: Vec<T>,
}

impl Scores {
    fn edges(&self) -> usize {
        self.nodes * self.nodes * self.width
    }

    fn forward<T: WithDType>(&self, sources: &[T], targets: &[T], shared: &[T]) -> Vec<T> {
        let Self { batch, nodes, heads, width } = *self;
        let (edges, attention) = shared.split_at(self.edges());
        let slope = T::from_f64(SLOPE);
        let mut scores = vec![T::zero(); batch * heads * nodes * nodes];
        let size = width / heads;
        for row in 0..batch {
            for i in 0..nodes {
                let source = &sources[(row * nodes + i) * width..][..width];
                for j in 0..nodes {
                    let target = &targets[(row * nodes + j) * width..][..width];
                    let edge = &edges[(i * nodes + j) * width..][..width];
                    for head in 0..heads {
                        let mut score = T::zero();
                        for k in head * size..(head + 1) * size {
                            let z = source[k] + target[k] + edge[k];
                            score += attention[k] * if z > T::zero() { z } else { slope * z };
                        }
                        scores[((row * heads + head) * nodes + j) * nodes + i] = score;
                    }
                }
            }
        }
        scores
    }

    fn backward<T: WithDType>(&self, sources: &[T], targets: &[T], shared: &[T], gradient: &[T]) -> Gradients<T> {
        let Self { batch, nodes, heads, width } = *self;
        let (edges, attention) = shared.split_at(self.edges());
        let slope = T::from_f64(SLOPE);
        let size = width / heads;
        let mut found = Gradients {
            sources: vec![T::zero(); sources.len()],
            targets: vec![T::zero(); targets.len()],
            shared: vec![T::zero(); shared.len()],
        };
        let (of_edges, of_attention) = found.shared.split_at_mut(self.edges());
        for row in 0..batch {
            for i in 0..nodes {
                let at = (row * nodes + i) * width;
                let (source, of_source) = (&sources[at..][..width], &mut found.sources[at..][..width]);
                for j in 0..nodes {
                    let at = (row * nodes + j) * width;
                    let (target, of_target) = (&targets[at..][..width], &mut found.targets[at..][..width]);
                    let at = (i * nodes + j) * width;
                    let (edge, of_edge) = (&edges[at..][..width], &mut of_edges[at..][..width]);
                    for head in 0..heads {
                        let g = gradient[((row * heads + head) * nodes + j) * nodes + i];
                        for k in head * size..(head + 1) * size {
                            let z = source[k] + target[k] + edge[k];
                            let (value, factor) = if z > T::zero() { (z, T::one()) } else { (slope * z, slope) };
                            of_attention[k] += g * value;
                            let of_z = g * attention[k] * factor;
                            of_source[k] += of_z;
                            of_target[k] += of_z;
                            of_edge[k] += of_z;
                        }
                    }
                }
            }
        }
        found
    }
}

impl CustomOp3 for Scores {
    fn name(&self) -> &'static str {
        "scores of graph attention"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
        s3: &CpuStorage,
        l3: &Layout,
    ) -> Result<(CpuStorage, Shape)> {
        let scores = match s1 {
            CpuStorage::F32(_) => CpuStorage::F32(self.forward(slice::<f32>(s1, l1)?, slice(s2, l2)?, slice(s3, l3)?)),
            CpuStorage::F64(_) => CpuStorage::F64(self.forward(slice::<f64>(s1, l1)?, slice(s2, l2)?, slice(s3, l3)?)),
            _ => bail!("{}: only f32 and f64 are supported", self.name()),
        };
        Ok((scores, Shape::from((self.batch, self.heads, self.nodes, self.nodes))))
    }

    fn bwd(
        &self,
        sources: &Tensor,
        targets: &Tensor,
        shared: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>, Option<Tensor>)> {
        fn all<T: WithDType>(op: &Scores, tensors: [&Tensor; 4]) -> Result<[Tensor; 3]> {
            let [sources, targets, shared, gradient] = tensors.map(|tensor| tensor.flatten_all()?.to_vec1::<T>());
            let found = op.backward(&sources?, &targets?, &shared?, &gradient?);
            let like = |values: Vec<T>, like: &Tensor| Tensor::from_vec(values, like.shape(), like.device());
            Ok([like(found.sources, tensors[0])?, like(found.targets, tensors[1])?, like(found.shared, tensors[2])?])
        }
        let tensors = [sources, targets, shared, gradient];
        let [sources, targets, shared] = match sources.dtype() {
            DType::F64 => all::<f64>(self, tensors)?,
            _ => all::<f32>(self, tensors)?,
        };
        Ok((Some(sources), Some(targets), Some(shared)))
    }
}
