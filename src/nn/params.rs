//! Named parameters in a fixed order.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor, Var};

use crate::math::Stream;
use crate::nn::NnError;
use crate::nn::init::Init;

/// Trainable tensors, named as in checkpoints, in the order in which they were made.
///
/// Each parameter starts from its own random stream, keyed by the seed and its name: adding a parameter never changes
/// how another starts. Replaces candle's `VarMap`, whose order changes from run to run and whose CPU generator cannot
/// be seeded.
#[derive(Debug)]
pub struct Params {
    seed: u64,
    dtype: DType,
    entries: Vec<(String, Var)>,
}

impl Params {
    /// No parameters yet; those made later are drawn under `seed` and stored as `dtype` (f32 or f64) on the CPU.
    pub fn new(seed: u64, dtype: DType) -> Self {
        Self { seed, dtype, entries: Vec::new() }
    }

    /// The parameter `name`, made with `init` if it does not exist yet. A second network built on the same parameters
    /// gets the same variables.
    ///
    /// # Errors
    /// If it exists with another shape.
    pub fn get(&mut self, name: &str, shape: &[usize], init: Init) -> Result<Tensor, NnError> {
        if let Some(var) = self.find(name) {
            return if var.dims() == shape {
                Ok(var.as_tensor().clone())
            } else {
                Err(NnError::Shape { name: name.into(), have: var.dims().to_vec(), want: shape.to_vec() })
            };
        }
        let values = init.draw(&mut Stream::named(self.seed, name), shape.iter().product());
        let var = Var::from_tensor(&Tensor::from_vec(values, shape, &Device::Cpu)?.to_dtype(self.dtype)?)?;
        let tensor = var.as_tensor().clone();
        self.entries.push((name.into(), var));
        Ok(tensor)
    }

    /// Names and variables in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Var)> {
        self.entries.iter().map(|(name, var)| (name.as_str(), var))
    }

    /// Total number of trained numbers among the parameters `keep` accepts.
    pub fn count(&self, keep: impl Fn(&str) -> bool) -> usize {
        self.iter().filter(|(name, _)| keep(name)).map(|(_, var)| var.elem_count()).sum()
    }

    /// The element type of every parameter.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Writes a safetensors file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), NnError> {
        let tensors: HashMap<&str, Tensor> = self.iter().map(|(name, var)| (name, var.as_tensor().clone())).collect();
        candle_core::safetensors::save(&tensors, path)
            .map_err(|e| NnError::File { path: path.into(), reason: e.to_string() })
    }

    /// Sets every parameter from a safetensors file that [`Params::save`] wrote.
    ///
    /// # Errors
    /// If the file cannot be read, or lacks a parameter or has it in another shape.
    pub fn load(&self, path: &Path) -> Result<(), NnError> {
        let file = |reason: String| NnError::File { path: path.into(), reason };
        let tensors = candle_core::safetensors::load(path, &Device::Cpu).map_err(|e| file(e.to_string()))?;
        for (name, var) in self.iter() {
            let tensor = tensors.get(name).ok_or_else(|| file(format!("parameter {name} is missing")))?;
            if tensor.dims() != var.dims() {
                let (have, want) = (tensor.dims().to_vec(), var.dims().to_vec());
                return Err(NnError::Shape { name: name.into(), have, want });
            }
            var.set(&tensor.to_dtype(self.dtype)?)?;
        }
        Ok(())
    }

    /// A copy of every value, in order.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn copies(&self) -> Result<Vec<Tensor>, NnError> {
        Ok(self.entries.iter().map(|(_, var)| var.as_tensor().copy()).collect::<Result<_, _>>()?)
    }

    /// Puts values back that [`Params::copies`] took of the same parameters.
    ///
    /// # Errors
    /// If a shape differs.
    pub fn restore(&self, copies: &[Tensor]) -> Result<(), NnError> {
        for ((_, var), copy) in self.entries.iter().zip(copies) {
            var.set(copy)?;
        }
        Ok(())
    }

    fn find(&self, name: &str) -> Option<&Var> {
        self.iter().find(|(known, _)| *known == name).map(|(_, var)| var)
    }
}
