//! The one bridge from tensors to circuits.

use std::sync::{Mutex, PoisonError};

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, CustomOp2, DType, Device, Layout, Shape, Tensor, WithDType};
use ndarray::{Array2, ArrayView1, ArrayView2};

use crate::sim::{Angles, Execution, Tape};

/// Bytes of a forward run that a layer keeps for its backward run. A larger batch runs forward again.
const TAPE_BYTES: usize = 1 << 28;

/// A circuit as a differentiable layer: (…, inputs) angles in radians and (weights) angles to (…, observables)
/// expectation values in [-1, 1] for Pauli strings.
///
/// Takes f32 and f64 tensors of any leading shape, also an empty batch. The circuit runs forward once for each step of
/// training: the backward run starts from what the forward run kept, where the engine can and up to 256 MB.
#[derive(Clone)]
pub struct QuantumLayer {
    execution: Execution,
}

impl QuantumLayer {
    /// A layer that runs `execution`.
    pub fn new(execution: Execution) -> Self {
        Self { execution }
    }

    /// Expectation values for `inputs` (…, inputs) and `weights` (weights), differentiable in both.
    ///
    /// # Errors
    /// If the widths do not sum to the program's slots, or the simulator refuses.
    pub fn forward(&self, inputs: &Tensor, weights: &Tensor) -> candle_core::Result<Tensor> {
        let (leading, width) = inputs.dims().split_at(inputs.rank().saturating_sub(1));
        let width = width.first().copied().unwrap_or(0);
        let batch: usize = leading.iter().product();
        let flat = inputs.reshape((batch, width))?.contiguous()?;
        let trained = flat.track_op() || weights.track_op();
        let op = Op { execution: self.execution.clone(), trained, tape: Mutex::default() };
        let out = flat.apply_op2(&weights.contiguous()?, op)?;
        out.reshape([leading, &[self.execution.observables.len()]].concat())
    }
}

/// One forward run of the circuit.
struct Op {
    execution: Execution,
    /// Whether a backward run may follow.
    trained: bool,
    tape: Mutex<Option<Box<dyn Tape>>>,
}

/// The numbers of a contiguous tensor as f64.
fn numbers(storage: &CpuStorage, layout: &Layout) -> candle_core::Result<Vec<f64>> {
    let Some((from, to)) = layout.contiguous_offsets() else {
        candle_core::bail!("the quantum layer needs contiguous tensors");
    };
    match storage {
        CpuStorage::F32(values) => Ok(values[from..to].iter().map(|&v| f64::from(v)).collect()),
        CpuStorage::F64(values) => Ok(values[from..to].to_vec()),
        other => candle_core::bail!("the quantum layer takes f32 or f64, got {:?}", other.dtype()),
    }
}

fn storage(values: impl Iterator<Item = f64>, dtype: DType) -> CpuStorage {
    match dtype {
        DType::F32 => f32::to_cpu_storage_owned(values.map(|v| v as f32).collect()),
        _ => f64::to_cpu_storage_owned(values.collect()),
    }
}

fn tensor_numbers(tensor: &Tensor) -> candle_core::Result<Vec<f64>> {
    tensor.to_dtype(DType::F64)?.flatten_all()?.to_vec1()
}

impl CustomOp2 for Op {
    fn name(&self) -> &'static str {
        "quantum_layer"
    }

    fn cpu_fwd(
        &self,
        inputs: &CpuStorage,
        input_layout: &Layout,
        weights: &CpuStorage,
        weight_layout: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let Execution { prepared, observables, .. } = &self.execution;
        let (batch, width) = input_layout.shape().dims2()?;
        let (x, w) = (numbers(inputs, input_layout)?, numbers(weights, weight_layout)?);
        let rows = ArrayView2::from_shape((batch, width), &x).map_err(candle_core::Error::wrap)?;
        let angles = Angles { inputs: rows, weights: ArrayView1::from(&w) };
        let (out, tape) = match self.trained {
            true => prepared.record(angles, TAPE_BYTES),
            false => prepared.expect(angles).map(|out| (out, None)),
        }
        .map_err(candle_core::Error::wrap)?;
        *self.tape.lock().unwrap_or_else(PoisonError::into_inner) = tape;
        Ok((storage(out.into_iter(), inputs.dtype()), Shape::from((batch, observables.len()))))
    }

    fn bwd(
        &self,
        inputs: &Tensor,
        weights: &Tensor,
        _expectations: &Tensor,
        cotangent: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>)> {
        let Execution { prepared, observables, .. } = &self.execution;
        let (batch, width) = inputs.dims2()?;
        let cotangent = Array2::from_shape_vec((batch, observables.len()), tensor_numbers(cotangent)?)
            .map_err(candle_core::Error::wrap)?;
        let gradient = match &*self.tape.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(tape) => tape.vjp(cotangent.view()),
            None => {
                let (x, w) = (tensor_numbers(inputs)?, tensor_numbers(weights)?);
                let rows = ArrayView2::from_shape((batch, width), &x).map_err(candle_core::Error::wrap)?;
                prepared.vjp(Angles { inputs: rows, weights: ArrayView1::from(&w) }, cotangent.view())
            }
        }
        .map_err(candle_core::Error::wrap)?;
        let as_tensor = |values: Vec<f64>, like: &Tensor| {
            Tensor::from_vec(values, like.shape(), &Device::Cpu)?.to_dtype(like.dtype())
        };
        Ok((
            Some(as_tensor(gradient.inputs.into_iter().collect(), inputs)?),
            Some(as_tensor(gradient.weights.to_vec(), weights)?),
        ))
    }
}

/// Slot angles (batch, 2ⁿ - 1) that make the amplitude-encoding ansatz prepare the rows of `amplitudes` (batch, 2ⁿ),
/// normalised; differentiable. A zero row prepares |0…0⟩.
///
/// Level k of the RY tree turns qubit n-1-k by `2·atan2(‖upper half‖, ‖lower half‖)` for each value i of the qubits
/// above it; its plain rotations between CNOTs are `θ_j = 2^{-k} Σ_i (-1)^{i·g(j)} α_i`, g the Gray code
/// (Möttönen et al. 2005, arXiv quant-ph/0407010, eq. 3).
///
/// # Errors
/// If the last dimension is not a power of two.
pub fn amplitude_angles(amplitudes: &Tensor) -> candle_core::Result<Tensor> {
    let (_, width) = amplitudes.dims2()?;
    if !width.is_power_of_two() {
        candle_core::bail!("amplitude encoding takes 2^n features, got {width}");
    }
    amplitudes.contiguous()?.apply_op1(AmplitudeAngles)
}

struct AmplitudeAngles;

/// The two halves of block `block` on level `level` of 2ⁿ amplitudes: lower, upper.
fn halves(amplitudes: &[f64], level: usize, block: usize) -> (&[f64], &[f64]) {
    let size = amplitudes.len() >> (level + 1);
    let start = 2 * block * size;
    (&amplitudes[start..start + size], &amplitudes[start + size..start + 2 * size])
}

/// The norm of a half. A single amplitude keeps its sign, which is how signs enter the tree.
fn length(half: &[f64]) -> f64 {
    if let [single] = half { *single } else { half.iter().map(|a| a * a).sum::<f64>().sqrt() }
}

fn gray_sign(block: usize, position: usize) -> f64 {
    let gray = position ^ (position >> 1);
    if (block & gray).count_ones().is_multiple_of(2) { 1.0 } else { -1.0 }
}

/// Calls `visit(level, blocks, first slot)` for each level of the tree.
fn levels(width: usize, mut visit: impl FnMut(usize, usize, usize)) {
    for level in 0..width.trailing_zeros() as usize {
        let blocks = 1 << level;
        visit(level, blocks, blocks - 1);
    }
}

impl CustomOp1 for AmplitudeAngles {
    fn name(&self) -> &'static str {
        "amplitude_angles"
    }

    fn cpu_fwd(&self, amplitudes: &CpuStorage, layout: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let (batch, width) = layout.shape().dims2()?;
        let values = numbers(amplitudes, layout)?;
        let slots = width - 1;
        let mut angles = vec![0.0; batch * slots];
        for (row, out) in values.chunks(width).zip(angles.chunks_mut(slots.max(1))) {
            levels(width, |level, blocks, first| {
                for block in 0..blocks {
                    let (lower, upper) = halves(row, level, block);
                    let alpha = 2.0 * length(upper).atan2(length(lower));
                    for position in 0..blocks {
                        out[first + position] += gray_sign(block, position) * alpha / blocks as f64;
                    }
                }
            });
        }
        Ok((storage(angles.into_iter(), amplitudes.dtype()), Shape::from((batch, slots))))
    }

    fn bwd(&self, amplitudes: &Tensor, _angles: &Tensor, cotangent: &Tensor) -> candle_core::Result<Option<Tensor>> {
        let (_, width) = amplitudes.dims2()?;
        let (values, cotangent) = (tensor_numbers(amplitudes)?, tensor_numbers(cotangent)?);
        let mut gradient = vec![0.0; values.len()];
        let rows = values.chunks(width).zip(cotangent.chunks((width - 1).max(1)));
        for ((row, from), out) in rows.zip(gradient.chunks_mut(width)) {
            levels(width, |level, blocks, first| {
                for block in 0..blocks {
                    let pulled: f64 = (0..blocks).map(|p| gray_sign(block, p) * from[first + p]).sum();
                    let (lower, upper) = halves(row, level, block);
                    let (low, high) = (length(lower), length(upper));
                    let square = low * low + high * high;
                    if square == 0.0 {
                        continue;
                    }
                    // dα = 2 (low·dhigh - high·dlow) / (low² + high²), and d‖a‖ = a·da / ‖a‖.
                    let scale = 2.0 * pulled / (blocks as f64 * square);
                    let start = 2 * block * lower.len();
                    for (k, &a) in lower.iter().chain(upper).enumerate() {
                        let (own, other) = if k < lower.len() { (low, -high) } else { (high, low) };
                        let slope = if lower.len() == 1 { 1.0 } else { a / own };
                        if own != 0.0 || lower.len() == 1 {
                            out[start + k] += scale * other * slope;
                        }
                    }
                }
            });
        }
        Tensor::from_vec(gradient, amplitudes.shape(), &Device::Cpu)?.to_dtype(amplitudes.dtype()).map(Some)
    }
}
