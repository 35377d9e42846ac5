//! Polarizable atom interaction networks: energies of atoms with their forces, from the vectors between neighbours.

use std::f64::consts::PI;

use candle_core::{DType, Device, Tensor};

use super::channels::add_per_channel;
use super::linear::Embedding;
use crate::math::neighbors::{Neighbors, Vector, cosine_cutoff, dot};
use crate::nn::init::Init;
use crate::nn::{NnError, Params};

/// What keeps the square root of a squared norm differentiable at 0, as in SchNetPack.
const NORM: f64 = 1e-8;

/// Sizes of a network on atoms.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PainnSize {
    /// Kinds of atoms.
    pub species: usize,
    /// Width F of the scalars and of the vectors of an atom.
    pub width: usize,
    /// Blocks of message and update.
    pub blocks: usize,
    /// Radial functions.
    pub radial: usize,
    /// Distance in Å from which atoms do not see each other.
    pub cutoff: f64,
}

/// Atoms with their neighbours, of one structure or of several: no pair joins two structures.
#[derive(Clone, Debug)]
pub struct AtomGraph {
    /// (atoms) u32: the kind of each atom.
    pub species: Tensor,
    first: Tensor,
    second: Tensor,
    /// (3, pairs): unit vectors from the first to the second atom.
    units: Tensor,
    /// (1, pairs): 1/d.
    inverse: Tensor,
    /// (pairs, radial + 1): radial functions times cutoff, and the cutoff alone, which multiplies the bias.
    basis: Tensor,
    /// Its derivative by the distance.
    slopes: Tensor,
}

impl AtomGraph {
    /// The graph of these atoms. Radial functions are sin(nπd/c)/d, n = 1, 2, …, times the cosine cutoff.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn new(species: &[u32], pairs: &Neighbors, size: &PainnSize, dtype: DType) -> candle_core::Result<Self> {
        let (count, radial, cpu) = (pairs.len(), size.radial, &Device::Cpu);
        let (mut units, mut inverse) = (vec![0.0; 3 * count], vec![0.0; count]);
        let mut basis = Vec::with_capacity(count * (radial + 1));
        let mut slopes = Vec::with_capacity(count * (radial + 1));
        for (k, vector) in pairs.vectors.iter().enumerate() {
            let d = dot(vector, vector).sqrt();
            inverse[k] = 1.0 / d;
            for axis in 0..3 {
                units[axis * count + k] = vector[axis] / d;
            }
            let (cut, slope) = cosine_cutoff(d, size.cutoff);
            for n in 1..=radial {
                let frequency = n as f64 * PI / size.cutoff;
                let (sin, cos) = (frequency * d).sin_cos();
                let (value, rise) = (sin / d, frequency * cos / d - sin / (d * d));
                basis.push(value * cut);
                slopes.push(rise * cut + value * slope);
            }
            basis.push(cut);
            slopes.push(slope);
        }
        let tensor = |values: Vec<f64>, shape: (usize, usize)| Tensor::from_vec(values, shape, cpu)?.to_dtype(dtype);
        Ok(Self {
            species: Tensor::new(species, cpu)?,
            first: Tensor::new(&pairs.first[..], cpu)?,
            second: Tensor::new(&pairs.second[..], cpu)?,
            units: tensor(units, (3, count))?,
            inverse: tensor(inverse, (1, count))?,
            basis: tensor(basis, (count, radial + 1))?,
            slopes: tensor(slopes, (count, radial + 1))?,
        })
    }

    /// The same as tensors that a training loop passes on.
    pub fn into_inputs(self) -> Vec<Tensor> {
        let Self { species, first, second, units, inverse, basis, slopes } = self;
        vec![species, first, second, units, inverse, basis, slopes]
    }

    /// From the tensors of [`AtomGraph::into_inputs`]; `None` if there are not that many.
    pub fn of_inputs(inputs: &[Tensor]) -> Option<Self> {
        let [species, first, second, units, inverse, basis, slopes] = inputs else { return None };
        let [species, first, second] = [species, first, second].map(Tensor::clone);
        let [units, inverse, basis, slopes] = [units, inverse, basis, slopes].map(Tensor::clone);
        Some(Self { species, first, second, units, inverse, basis, slopes })
    }

    /// Number of atoms.
    pub fn atoms(&self) -> usize {
        self.species.elem_count()
    }

    /// Number of pairs, each in both directions.
    pub fn pairs(&self) -> usize {
        self.first.elem_count()
    }
}

/// x Wᵀ + b.
#[derive(Clone, Debug)]
struct Affine {
    weight: Tensor,
    bias: Tensor,
}

impl Affine {
    /// Xavier uniform with zero bias, as in SchNetPack; in `parts` equal parts of the output.
    fn new(
        params: &mut Params,
        name: &str,
        (input, output): (usize, usize),
        parts: usize,
    ) -> Result<Vec<Self>, NnError> {
        let weight = params.get(&format!("{name}.weight"), &[output, input], xavier(input, output))?;
        let bias = params.get(&format!("{name}.bias"), &[output], Init::Constant(0.0))?;
        let part = |k: usize| -> Result<Self, NnError> {
            let (start, length) = (k * output / parts, output / parts);
            Ok(Self { weight: weight.narrow(0, start, length)?, bias: bias.narrow(0, start, length)?.contiguous()? })
        };
        (0..parts).map(part).collect()
    }

    fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        add_per_channel(&x.matmul(&self.weight.t()?)?, &self.bias, 1)
    }

    /// The gradient of the input, of that of the output.
    fn pull(&self, gradient: &Tensor) -> candle_core::Result<Tensor> {
        gradient.matmul(&self.weight)
    }
}

fn xavier(input: usize, output: usize) -> Init {
    Init::Uniform { bound: (6.0 / (input + output) as f64).sqrt() }
}

/// silu(h) = h σ(h) and its derivative σ(h) + silu(h) (1 - σ(h)).
fn silu(h: &Tensor) -> candle_core::Result<(Tensor, Tensor)> {
    let sigmoid = candle_nn::ops::sigmoid(h)?;
    let value = (h * &sigmoid)?;
    let slope = (&sigmoid + (&value - (&value * &sigmoid)?)?)?;
    Ok((value, slope))
}

/// (n, F) as (3, n, F).
fn threefold(x: &Tensor) -> candle_core::Result<Tensor> {
    let (n, width) = x.dims2()?;
    x.unsqueeze(0)?.broadcast_as((3, n, width))
}

/// The sum over the three axes: (3, n, F) to (n, F).
fn over_axes(x: &Tensor) -> candle_core::Result<Tensor> {
    x.get(0)? + x.get(1)? + x.get(2)?
}

/// A classical readout: Linear(F → F/2), silu, Linear(F/2 → 1), as the `Atomwise` of SchNetPack.
#[derive(Clone, Debug)]
pub struct AtomReadout {
    inner: Affine,
    outer: Affine,
}

impl AtomReadout {
    /// `name.0` and `name.1`. With `is_zero` the last layer starts at zero.
    ///
    /// # Errors
    /// If `params` hold other shapes.
    pub fn new(
        params: &mut Params,
        name: &str,
        (width, hidden): (usize, usize),
        is_zero: bool,
    ) -> Result<Self, NnError> {
        if is_zero {
            // Made first, so that the shapes below find it.
            params.get(&format!("{name}.1.weight"), &[1, hidden], Init::Constant(0.0))?;
        }
        let mut layer = |part: &str, sizes: (usize, usize)| -> Result<Affine, NnError> {
            Ok(Affine::new(params, &format!("{name}.{part}"), sizes, 1)?.remove(0))
        };
        Ok(Self { inner: layer("0", (width, hidden))?, outer: layer("1", (hidden, 1))? })
    }

    /// Scalars of atoms (atoms, F) to energies (atoms) and their gradients (atoms, F), both differentiable.
    ///
    /// # Errors
    /// If the width is another.
    pub fn forward(&self, scalars: &Tensor) -> candle_core::Result<(Tensor, Tensor)> {
        let (value, slope) = silu(&self.inner.forward(scalars)?)?;
        let energies = self.outer.forward(&value)?.squeeze(1)?;
        let gradients = self.inner.pull(&slope.broadcast_mul(&self.outer.weight)?)?;
        Ok((energies, gradients))
    }
}

/// What the backward walk of a block needs of its forward walk.
struct BlockTape {
    /// Vectors of the atoms before the block, (3, pairs, F) at the second atom of each pair; none before the first block.
    seen: Option<Tensor>,
    filters: [Tensor; 3],
    messages: [Tensor; 3],
    message_slope: Tensor,
    mixed: [Tensor; 2],
    norms: Tensor,
    products: Tensor,
    updates: [Tensor; 3],
    update_slope: Tensor,
}

/// One block of message and update.
struct Block {
    /// (F, radial + 1) each: weights and bias of the filters for scalars, directions and vectors.
    filters: [Tensor; 3],
    message: Affine,
    messages: Vec<Affine>,
    /// (2F, F), without bias.
    mix: Tensor,
    update: Affine,
    updates: Vec<Affine>,
}

impl Block {
    fn new(params: &mut Params, name: &str, size: &PainnSize) -> Result<Self, NnError> {
        let width = size.width;
        let filters = Affine::new(params, &format!("{name}.filter"), (size.radial, 3 * width), 3)?;
        let filter = |k: usize| Tensor::cat(&[&filters[k].weight, &filters[k].bias.unsqueeze(1)?], 1);
        let layer = |params: &mut Params, part: &str, sizes: (usize, usize), parts: usize| {
            Affine::new(params, &format!("{name}.{part}"), sizes, parts)
        };
        Ok(Self {
            filters: [filter(0)?, filter(1)?, filter(2)?],
            message: layer(params, "message.0", (width, width), 1)?.remove(0),
            messages: layer(params, "message.1", (width, 3 * width), 3)?,
            mix: params.get(&format!("{name}.mix.weight"), &[2 * width, width], xavier(width, 2 * width))?,
            update: layer(params, "update.0", (2 * width, width), 1)?.remove(0),
            updates: layer(params, "update.1", (width, 3 * width), 3)?,
        })
    }

    /// Scalars (atoms, F) and vectors (3, atoms, F) after the block.
    fn forward(
        &self,
        graph: &AtomGraph,
        q: &Tensor,
        mu: Option<&Tensor>,
    ) -> candle_core::Result<(Tensor, Tensor, BlockTape)> {
        let (atoms, width) = q.dims2()?;
        let pairs = graph.pairs();
        // Messages: scalars and directions of the neighbours, and their vectors, weighted by distance.
        let (hidden, message_slope) = silu(&self.message.forward(q)?)?;
        let messages = triple(|k| self.messages[k].forward(&hidden)?.index_select(&graph.second, 0))?;
        let filters = triple(|k| graph.basis.matmul(&self.filters[k].t()?))?;
        let weighted = triple(|k| &messages[k] * &filters[k])?;
        let q = q.index_add(&graph.first, &weighted[0], 0)?;
        let units = graph.units.unsqueeze(2)?.broadcast_as((3, pairs, width))?;
        let mut sent = (threefold(&weighted[1])? * units)?;
        let seen = mu.map(|mu| mu.index_select(&graph.second, 1)).transpose()?;
        if let Some(seen) = &seen {
            sent = (sent + (seen * threefold(&weighted[2])?)?)?;
        }
        let start = match mu {
            Some(mu) => mu.clone(),
            None => Tensor::zeros((3, atoms, width), q.dtype(), q.device())?,
        };
        let mu = start.index_add(&graph.first, &sent, 1)?;
        // Update: each atom mixes its own scalars and vectors.
        let flat = mu.reshape((3 * atoms, width))?;
        let mixed = [0, 1].map(|k| -> candle_core::Result<Tensor> {
            flat.matmul(&self.mix.narrow(0, k * width, width)?.t()?)?.reshape((3, atoms, width))
        });
        let [v, w] = mixed;
        let (v, w) = (v?, w?);
        let norms = (over_axes(&v.sqr()?)? + NORM)?.sqrt()?;
        let products = over_axes(&(&v * &w)?)?;
        let (hidden, update_slope) = silu(&self.update.forward(&Tensor::cat(&[&q, &norms], 1)?)?)?;
        let updates = triple(|k| self.updates[k].forward(&hidden))?;
        let q = ((q + &updates[0])? + (&updates[2] * &products)?)?;
        let mu = (mu + (threefold(&updates[1])? * &w)?)?;
        let mixed = [v, w];
        let tape = BlockTape { seen, filters, messages, message_slope, mixed, norms, products, updates, update_slope };
        Ok((q, mu, tape))
    }

    /// From the gradients of what the block made to those of what it read; `by_units` and `by_distance` add up over the
    /// blocks. The walk of [`Block::forward`] in reverse.
    fn backward(
        &self,
        graph: &AtomGraph,
        tape: &BlockTape,
        (gq, gmu): (&Tensor, Option<&Tensor>),
        (by_units, by_distance): (&mut Option<Tensor>, &mut Option<Tensor>),
    ) -> candle_core::Result<(Tensor, Option<Tensor>)> {
        let (atoms, width) = gq.dims2()?;
        let pairs = graph.pairs();
        let [v, w] = &tape.mixed;
        // Update.
        let mut hidden = (self.updates[0].pull(gq)? + self.updates[2].pull(&(gq * &tape.products)?)?)?;
        if let Some(gmu) = gmu {
            hidden = (hidden + self.updates[1].pull(&over_axes(&(gmu * w)?)?)?)?;
        }
        let context = self.update.pull(&(hidden * &tape.update_slope)?)?;
        let by_product = threefold(&(gq * &tape.updates[2])?)?;
        let gq = (gq + context.narrow(1, 0, width)?)?;
        let by_norm = (context.narrow(1, width, width)?.contiguous()? / &tape.norms)?;
        let gv = ((w * &by_product)? + (v * threefold(&by_norm)?)?)?;
        let mut gw = (v * &by_product)?;
        if let Some(gmu) = gmu {
            gw = (gw + (gmu * threefold(&tape.updates[1])?)?)?;
        }
        let pulled = |gradient: Tensor, k: usize| -> candle_core::Result<Tensor> {
            gradient.reshape((3 * atoms, width))?.matmul(&self.mix.narrow(0, k * width, width)?)
        };
        let own = (pulled(gv, 0)? + pulled(gw, 1)?)?.reshape((3, atoms, width))?;
        let gmu = match gmu {
            Some(gmu) => (gmu + own)?,
            None => own,
        };
        // Messages.
        let (sent_q, sent_mu) = (gq.index_select(&graph.first, 0)?, gmu.index_select(&graph.first, 1)?);
        let units = graph.units.unsqueeze(2)?.broadcast_as((3, pairs, width))?;
        let weighted = (&tape.messages[1] * &tape.filters[1])?;
        let along = (&sent_mu * threefold(&weighted)?)?.sum(2)?;
        add(by_units, along)?;
        let mut gradients = vec![sent_q, over_axes(&(&sent_mu * units)?)?];
        let mut back = Some(gmu.clone());
        match &tape.seen {
            Some(seen) => {
                gradients.push(over_axes(&(&sent_mu * seen)?)?);
                let third = (&tape.messages[2] * &tape.filters[2])?;
                back = Some(gmu.index_add(&graph.second, &(sent_mu * threefold(&third)?)?, 1)?);
            }
            None => back = back.filter(|_| false),
        }
        let mut hidden: Option<Tensor> = None;
        let mut by_basis: Option<Tensor> = None;
        for (k, gradient) in gradients.iter().enumerate() {
            let of_atoms = Tensor::zeros((atoms, width), gq.dtype(), gq.device())?;
            let of_atoms = of_atoms.index_add(&graph.second, &(gradient * &tape.filters[k])?, 0)?;
            add(&mut hidden, self.messages[k].pull(&of_atoms)?)?;
            add(&mut by_basis, (gradient * &tape.messages[k])?.matmul(&self.filters[k])?)?;
        }
        if let Some(by_basis) = by_basis {
            add(by_distance, (by_basis * &graph.slopes)?.sum(1)?)?;
        }
        let gq = match hidden {
            Some(hidden) => (gq + self.message.pull(&(hidden * &tape.message_slope)?)?)?,
            None => gq,
        };
        Ok((gq, back))
    }
}

fn triple(of: impl Fn(usize) -> candle_core::Result<Tensor>) -> candle_core::Result<[Tensor; 3]> {
    Ok([of(0)?, of(1)?, of(2)?])
}

fn add(sum: &mut Option<Tensor>, more: Tensor) -> candle_core::Result<()> {
    *sum = Some(match sum.take() {
        Some(sum) => (sum + more)?,
        None => more,
    });
    Ok(())
}

/// Scalars of atoms (atoms, F) to energies (atoms) and their gradients (atoms, F).
pub type Readout<'a> = dyn Fn(&Tensor) -> Result<(Tensor, Tensor), NnError> + 'a;

/// PaiNN (Schütt, Unke & Gastegger 2021, arXiv:2102.03150), as SchNetPack 2.1.1 computes it: scalars q_i (F) and vectors μ_i
/// (3, F) of each atom, from messages of its neighbours and an update of its own. Scalars do not change when the structure is
/// turned, moved or mirrored.
///
/// Forces need the gradient of the energy, and learning from forces the gradient of that. The tensor library keeps no graph of
/// a gradient, so the backward walk is written here in its operations: forces are outputs like any other.
pub struct Painn {
    embedding: Embedding,
    blocks: Vec<Block>,
}

impl Painn {
    /// `name.embedding` (species, F) and `name.blocks.K`.
    ///
    /// # Errors
    /// If `params` hold other shapes.
    pub fn new(params: &mut Params, name: &str, size: &PainnSize) -> Result<Self, NnError> {
        let embedding = Embedding::new(params, &format!("{name}.embedding"), size.species, size.width)?;
        let block = |k: usize| Block::new(params, &format!("{name}.blocks.{k}"), size);
        Ok(Self { embedding, blocks: (0..size.blocks).map(block).collect::<Result<_, _>>()? })
    }

    /// Energies (atoms) and forces (atoms, 3), differentiable in the parameters. `readout` makes energies (atoms) and their
    /// gradients (atoms, F) of scalars (atoms, F).
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn forward(&self, graph: &AtomGraph, readout: &Readout) -> Result<(Tensor, Tensor), NnError> {
        let q = self.embedding.forward(&graph.species)?;
        let (atoms, dtype, cpu) = (graph.atoms(), q.dtype(), q.device().clone());
        if graph.pairs() == 0 {
            // Atoms that see nothing: a sum over no pair has no tensor.
            return Ok((readout(&self.alone(&q)?)?.0, Tensor::zeros((atoms, 3), dtype, &cpu)?));
        }
        let (mut q, mut mu, mut tapes) = (q, None, Vec::new());
        for block in &self.blocks {
            let (scalars, vectors, tape) = block.forward(graph, &q, mu.as_ref())?;
            (q, mu) = (scalars, Some(vectors));
            tapes.push(tape);
        }
        let (energies, gradient) = readout(&q)?;
        let (mut gq, mut gmu) = (gradient, None);
        let (mut by_units, mut by_distance) = (None, None);
        for (block, tape) in self.blocks.iter().zip(&tapes).rev() {
            let sums = (&mut by_units, &mut by_distance);
            (gq, gmu) = block.backward(graph, tape, (&gq, gmu.as_ref()), sums)?;
        }
        let (Some(by_units), Some(by_distance)) = (by_units, by_distance) else {
            return Ok((energies, Tensor::zeros((atoms, 3), dtype, &cpu)?));
        };
        // r = d u: dE/dr = u dE/dd + (dE/du - u (u · dE/du)) / d.
        let radial = over_axes(&(&by_units * &graph.units)?)?;
        let along = (by_distance.unsqueeze(0)? - (radial.unsqueeze(0)? * &graph.inverse)?)?;
        let by_vector = (graph.units.broadcast_mul(&along)? + by_units.broadcast_mul(&graph.inverse)?)?;
        let by_vector = by_vector.t()?.contiguous()?;
        let forces = Tensor::zeros((atoms, 3), dtype, &cpu)?.index_add(&graph.first, &by_vector, 0)?;
        Ok((energies, forces.index_add(&graph.second, &by_vector.neg()?, 0)?))
    }

    /// Scalars of atoms without neighbours.
    fn alone(&self, q: &Tensor) -> candle_core::Result<Tensor> {
        let mut q = q.clone();
        for block in &self.blocks {
            // Vectors stay zero: their norm is that of the square root.
            let norms = (q.zeros_like()? + NORM.sqrt())?;
            let (hidden, _) = silu(&block.update.forward(&Tensor::cat(&[&q, &norms], 1)?)?)?;
            q = (q + block.updates[0].forward(&hidden)?)?;
        }
        Ok(q)
    }
}

/// Vectors (n, 3) as rows.
///
/// # Errors
/// If the shape is another.
pub fn vectors(tensor: &Tensor) -> candle_core::Result<Vec<Vector>> {
    let rows: Vec<Vec<f64>> = tensor.detach().to_dtype(DType::F64)?.to_vec2()?;
    Ok(rows.into_iter().map(|row| [row[0], row[1], row[2]]).collect())
}
