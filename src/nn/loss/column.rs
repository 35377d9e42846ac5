//! The likelihood of alignment columns as a differentiable function of each site's parameters.

use std::sync::{Arc, Mutex, PoisonError};

use candle_core::backend::BackendStorage;
use candle_core::{CpuStorage, CustomOp1, DType, Device, Layout, Result, Shape, Tensor, WithDType, bail};

use crate::classic::phylogeny::{F81, Gradient, Site, Work};

/// log P(column) (sites) of `columns` (sites, leaves) u8 under F81, in nats. `parameters` (sites, …) are four numbers θ (a
/// base becomes b at the rate exp θ_b), or five: the frequencies of A, C, G, T and the logarithm of the rate. Computed in
/// double precision, differentiable in the parameters.
///
/// # Errors
/// If shapes do not fit, or the parameters are not f32 or f64.
pub fn column_log_likelihood(parameters: &Tensor, columns: &Tensor, tree: &Arc<F81>) -> Result<Tensor> {
    let (sites, width) = parameters.dims2()?;
    if !matches!(width, 4 | 5) || columns.dims() != [sites, tree.leaves()] {
        bail!(
            "parameters {:?} and columns {:?} do not fit; expected (sites, 4 or 5) and (sites, {})",
            parameters.dims(),
            columns.dims(),
            tree.leaves()
        );
    }
    let columns = columns.flatten_all()?.to_vec1::<u8>()?;
    let op = ColumnLikelihood {
        tree: tree.clone(),
        columns,
        width,
        is_trained: parameters.track_op(),
        gradient: Mutex::default(),
    };
    parameters.contiguous()?.apply_op1(op)
}

struct ColumnLikelihood {
    tree: Arc<F81>,
    columns: Vec<u8>,
    width: usize,
    is_trained: bool,
    /// Filled by the forward run: both runs share most of their work.
    gradient: Mutex<Vec<f64>>,
}

impl ColumnLikelihood {
    fn site(&self, row: &[f64]) -> Site {
        match *row {
            [a, c, g, t] => Site::from_theta([a, c, g, t]),
            _ => Site { frequencies: [row[0], row[1], row[2], row[3]], log_rate: row[4] },
        }
    }

    fn forward(&self, parameters: &[f64]) -> Vec<f64> {
        let (mut work, mut gradient) = (Work::default(), Vec::new());
        let rows = parameters.chunks(self.width).zip(self.columns.chunks(self.tree.leaves()));
        let one = |(row, column): (&[f64], &[u8])| {
            let site = self.site(row);
            if !self.is_trained {
                return self.tree.log_likelihood(&site, column, &mut work);
            }
            let (value, slopes) = self.tree.gradient(&site, column, &mut work);
            let Gradient { frequencies, log_rate } = slopes;
            match self.width {
                4 => gradient.extend(slopes.in_theta(&site)),
                _ => gradient.extend(frequencies.into_iter().chain([log_rate])),
            }
            value
        };
        let values = rows.map(one).collect();
        *self.gradient.lock().unwrap_or_else(PoisonError::into_inner) = gradient;
        values
    }
}

impl CustomOp1 for ColumnLikelihood {
    fn name(&self) -> &'static str {
        "column_log_likelihood"
    }

    fn cpu_fwd(&self, storage: &CpuStorage, layout: &Layout) -> Result<(CpuStorage, Shape)> {
        let Some((from, to)) = layout.contiguous_offsets() else { bail!("this operation needs contiguous tensors") };
        let found = match storage {
            CpuStorage::F32(values) => {
                let wide: Vec<f64> = values[from..to].iter().map(|v| f64::from(*v)).collect();
                f32::to_cpu_storage_owned(self.forward(&wide).into_iter().map(|v| v as f32).collect())
            }
            CpuStorage::F64(values) => f64::to_cpu_storage_owned(self.forward(&values[from..to])),
            other => bail!("column_log_likelihood: {:?} is not supported, convert to f32 or f64", other.dtype()),
        };
        Ok((found, Shape::from(layout.dims()[0])))
    }

    fn bwd(&self, parameters: &Tensor, _: &Tensor, cotangent: &Tensor) -> Result<Option<Tensor>> {
        let gradient = self.gradient.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let gradient = Tensor::from_vec(gradient, parameters.shape(), &Device::Cpu)?;
        let scaled = gradient.broadcast_mul(&cotangent.to_dtype(DType::F64)?.unsqueeze(1)?)?;
        scaled.to_dtype(parameters.dtype()).map(Some)
    }
}
