//! A factor or an offset per channel. candle can broadcast them as well, but finds the index of every single value by
//! divisions when it sums their gradients. That took a quarter of the training time of a small network.

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, CustomOp2, DType, Layout, Result, Shape, Tensor, WithDType, bail};

use super::conv::slice;

/// `x` (…, channels, …) plus `offsets` (channels) along dimension `axis`.
///
/// # Errors
/// If the shapes do not fit, or the tensors are not both f32 or both f64.
pub(crate) fn add_per_channel(x: &Tensor, offsets: &Tensor, axis: usize) -> Result<Tensor> {
    let places = Places::new(x, offsets, axis)?;
    x.contiguous()?.apply_op2(&offsets.contiguous()?, PerChannel { kind: Kind::Add, places })
}

/// `x` (…, channels, …) times `factors` (channels) along dimension `axis`.
///
/// # Errors
/// If the shapes do not fit, or the tensors are not both f32 or both f64.
pub(crate) fn multiply_per_channel(x: &Tensor, factors: &Tensor, axis: usize) -> Result<Tensor> {
    let places = Places::new(x, factors, axis)?;
    x.contiguous()?.apply_op2(&factors.contiguous()?, PerChannel { kind: Kind::Multiply, places })
}

/// Where a channel's values lie: in stretches of `inner`, the channels in turn.
#[derive(Clone, Copy)]
struct Places {
    channels: usize,
    inner: usize,
}

impl Places {
    fn new(x: &Tensor, values: &Tensor, axis: usize) -> Result<Self> {
        let (channels, inner) = (x.dim(axis)?, x.dims()[axis + 1..].iter().product());
        if values.dims() != [channels] {
            bail!("{:?} values per channel do not fit dimension {axis} of {:?}", values.dims(), x.dims());
        }
        Ok(Self { channels, inner })
    }

    fn combined<T: WithDType>(self, x: &[T], values: &[T], combine: impl Fn(T, T) -> T) -> Vec<T> {
        let mut output = x.to_vec();
        for row in output.chunks_mut((self.channels * self.inner).max(1)) {
            if self.inner == 1 {
                row.iter_mut().zip(values).for_each(|(x, value)| *x = combine(*x, *value));
                continue;
            }
            for (stretch, &value) in row.chunks_mut(self.inner).zip(values) {
                stretch.iter_mut().for_each(|x| *x = combine(*x, value));
            }
        }
        output
    }

    /// Each channel's sum, in the order of memory.
    fn sums<T: WithDType>(self, values: &[T]) -> Vec<T> {
        let mut sums = vec![T::zero(); self.channels];
        for row in values.chunks((self.channels * self.inner).max(1)) {
            for (sum, stretch) in sums.iter_mut().zip(row.chunks(self.inner)) {
                *sum = stretch.iter().fold(*sum, |sum, value| sum + *value);
            }
        }
        sums
    }
}

#[derive(Clone, Copy)]
enum Kind {
    Add,
    Multiply,
}

#[derive(Clone, Copy)]
struct PerChannel {
    kind: Kind,
    places: Places,
}

impl PerChannel {
    fn forward<T: WithDType>(self, x: &[T], values: &[T]) -> Vec<T> {
        match self.kind {
            Kind::Add => self.places.combined(x, values, |x, value| x + value),
            Kind::Multiply => self.places.combined(x, values, |x, value| x * value),
        }
    }
}

impl CustomOp2 for PerChannel {
    fn name(&self) -> &'static str {
        "add or multiply per channel"
    }

    fn cpu_fwd(&self, s1: &CpuStorage, l1: &Layout, s2: &CpuStorage, l2: &Layout) -> Result<(CpuStorage, Shape)> {
        let output = match s1.dtype() {
            DType::F32 => CpuStorage::F32(self.forward::<f32>(slice(s1, l1)?, slice(s2, l2)?)),
            DType::F64 => CpuStorage::F64(self.forward::<f64>(slice(s1, l1)?, slice(s2, l2)?)),
            other => bail!("{}: {other:?} is not supported, convert to f32 or f64", self.name()),
        };
        Ok((output, l1.shape().clone()))
    }

    fn bwd(
        &self,
        x: &Tensor,
        values: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> Result<(Option<Tensor>, Option<Tensor>)> {
        let gradient = gradient.contiguous()?;
        let of_x = || match self.kind {
            Kind::Add => Ok(gradient.clone()),
            Kind::Multiply => gradient.apply_op2_no_bwd(values, self),
        };
        let of_values = || match self.kind {
            Kind::Add => gradient.apply_op1_no_bwd(&Sums(self.places)),
            Kind::Multiply => (x.detach() * &gradient)?.apply_op1_no_bwd(&Sums(self.places)),
        };
        Ok((x.track_op().then(of_x).transpose()?, values.track_op().then(of_values).transpose()?))
    }
}

/// Of each channel.
struct Sums(Places);

impl CustomOp1 for Sums {
    fn name(&self) -> &'static str {
        "sums per channel"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let sums = match storage.dtype() {
            DType::F64 => CpuStorage::F64(self.0.sums::<f64>(slice(storage, layout)?)),
            _ => CpuStorage::F32(self.0.sums::<f32>(slice(storage, layout)?)),
        };
        Ok((sums, Shape::from(self.0.channels)))
    }
}
