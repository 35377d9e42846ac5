//! Named parameters in a fixed order.

use std::path::Path;

use candle_core::{DType, Device, Tensor, Var};
use indexmap::IndexMap;

use crate::data::write_file;
use crate::math::Stream;
use crate::math::input;
use crate::math::words::closest;
use crate::nn::init::Init;
use crate::nn::weights::WeightMatch;
use crate::nn::{LearningRates, NnError, Weights};

/// Tensors of a network, named as in checkpoints, in the order in which they were made.
///
/// Each parameter starts from its own random stream, keyed by the seed and its name: adding a parameter never changes
/// how another starts. Replaces candle's `VarMap`, whose order changes from run to run and whose CPU generator cannot
/// be seeded.
///
/// A clone shares the variables: what is trained through one is trained in both.
#[derive(Clone, Debug)]
pub struct Params {
    seed: u64,
    dtype: DType,
    entries: IndexMap<String, Entry>,
    rates: LearningRates,
    /// Values of all parameters that are made.
    most: usize,
}

#[derive(Clone, Debug)]
struct Entry {
    var: Var,
    init: Init,
    /// Measured, not trained.
    statistic: bool,
    /// Factor on the low-rank product that is added when this parameter is handed out.
    adapter: Option<f64>,
}

/// Values of all parameters at one moment, by name.
#[derive(Clone, Debug)]
pub struct Snapshot(pub(crate) Vec<(String, Tensor)>);

impl Params {
    /// No parameters yet. Those made later are drawn under `seed` and stored as `dtype` (f32 or f64) on the CPU.
    pub fn new(seed: u64, dtype: DType) -> Self {
        Self { seed, dtype, entries: IndexMap::new(), rates: LearningRates::default(), most: usize::MAX }
    }

    /// With at most so many values in all: a network of sizes that a file states is refused before memory is taken for it.
    pub fn at_most(self, values: usize) -> Self {
        Self { most: values, ..self }
    }

    /// The parameter `name`, made with `init` if it does not exist yet. A second network built on the same parameters
    /// gets the same variables.
    ///
    /// A parameter that is frozen at the rates that are set comes as a constant with the same storage, so that no gradient
    /// is computed for it nor anything kept for one below it.
    ///
    /// # Errors
    /// If it exists with another shape, or exceeds [`Params::at_most`].
    pub fn get(&mut self, name: &str, shape: &[usize], init: Init) -> Result<Tensor, NnError> {
        let index = self.find_or_make(name, shape, init, false)?;
        self.handed_out(index)
    }

    /// The statistic `name`, such as a running mean: saved, loaded and restored like a parameter, but never trained.
    ///
    /// # Errors
    /// As [`Params::get`].
    pub fn statistic(&mut self, name: &str, shape: &[usize], init: Init) -> Result<Var, NnError> {
        let index = self.find_or_make(name, shape, init, true)?;
        Ok(self.entries[index].var.clone())
    }

    fn find_or_make(&mut self, name: &str, shape: &[usize], init: Init, statistic: bool) -> Result<usize, NnError> {
        if let Some(index) = self.position(name) {
            let have = self.entries[index].var.dims();
            return if have == shape {
                Ok(index)
            } else {
                Err(NnError::Shape { name: name.into(), have: have.to_vec(), want: shape.to_vec() })
            };
        }
        let count = shape.iter().try_fold(1usize, |count, side| count.checked_mul(*side));
        let known = || self.entries.values().map(|entry| entry.var.elem_count()).sum::<usize>();
        let Some(count) = count.filter(|&count| self.most == usize::MAX || count <= self.most.saturating_sub(known()))
        else {
            return Err(NnError::TooLarge { name: name.into(), shape: shape.to_vec(), most: self.most });
        };
        let values = init.draw(&mut Stream::named(self.seed, name), count);
        let var = Var::from_tensor(&Tensor::from_vec(values, shape, &Device::Cpu)?.to_dtype(self.dtype)?)?;
        self.entries.insert(name.into(), Entry { var, init, statistic, adapter: None });
        Ok(self.entries.len() - 1)
    }

    fn handed_out(&self, index: usize) -> Result<Tensor, NnError> {
        let (name, Entry { var, statistic, adapter, .. }) =
            self.entries.get_index(index).expect("an index of this map");
        let own = match !statistic && self.rates.is_trainable(name) {
            true => var.as_tensor().clone(),
            false => var.as_detached_tensor(),
        };
        let Some(scale) = adapter else { return Ok(own) };
        let factor = |part: usize| {
            let index = self.position(&adapter_names(name)[part]).expect("an adapted parameter has both factors");
            self.handed_out(index)
        };
        let product = (factor(1)?.matmul(&factor(0)?)? * *scale)?;
        Ok((own + product.reshape(var.shape())?)?)
    }

    /// Adds to parameter `name` (out, …) from now on the product of two factors: `name.lora_b` (out, rank), which
    /// starts at zero, times `name.lora_a` (rank, …), times `scale` (low-rank adaptation, Hu et al. 2021,
    /// arXiv:2106.09685, eq. 3: scale = α/r, A normal, B zero). A network built earlier does not see it, and one that
    /// does must be built anew after every step.
    ///
    /// # Errors
    /// If there is no such parameter or it has fewer than two dimensions.
    pub fn adapt(&mut self, name: &str, rank: usize, scale: f64) -> Result<(), NnError> {
        let shape = self.position(name).map(|index| self.entries[index].var.dims().to_vec());
        let Some([out, rest @ ..]) = shape.as_deref().filter(|shape| shape.len() > 1) else {
            let reason = "an adapter needs a parameter of at least two dimensions";
            return Err(NnError::Setting { field: "adapter", value: name.into(), reason });
        };
        let inputs: usize = rest.iter().product();
        let [first, second] = adapter_names(name);
        self.get(&first, &[rank, inputs], Init::Normal { sd: (inputs as f64).sqrt().recip() })?;
        self.get(&second, &[*out, rank], Init::Constant(0.0))?;
        let index = self.position(name).expect("found above");
        self.entries[index].adapter = Some(scale);
        Ok(())
    }

    /// Puts every adapted parameter in place as the sum that it was handed out as, and takes the factors away: the same
    /// network without adapters, which is stored and read like any other.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn merge_adapters(&mut self) -> Result<(), NnError> {
        let is_adapted = |index: &usize| self.entries[*index].adapter.is_some();
        let adapted: Vec<usize> = (0..self.entries.len()).filter(is_adapted).collect();
        let mut factors = Vec::new();
        for index in adapted {
            let sum = self.handed_out(index)?.detach();
            self.entries[index].var.set(&sum)?;
            self.entries[index].adapter = None;
            factors.extend(adapter_names(&self.entries.keys()[index]));
        }
        self.entries.retain(|name, _| !factors.contains(name));
        Ok(())
    }

    /// Whether some parameter is handed out as a sum that goes stale with every step.
    pub fn is_adapted(&self) -> bool {
        self.entries.values().any(|entry| entry.adapter.is_some())
    }

    /// From now on hands out as constants what `rates` freeze. Networks built earlier keep what they were given.
    pub fn set_rates(&mut self, rates: &LearningRates) {
        self.rates = rates.clone();
    }

    /// From now on hands out constants alone: a backbone of them runs packed.
    pub fn freeze(&mut self) {
        let names: Vec<&str> = self.trainable().map(|(name, _)| name).collect();
        self.rates = LearningRates::freezing(&names);
    }

    /// The learning rates that are set.
    pub fn rates(&self) -> &LearningRates {
        &self.rates
    }

    /// Whether `rates` name parameters only.
    ///
    /// # Errors
    /// Naming the first that is none, with the nearest one: a misspelled name would train what was to be frozen.
    pub fn check(&self, rates: &LearningRates) -> Result<(), NnError> {
        rates.iter().try_for_each(|(name, _)| self.known(name).map(drop))
    }

    /// Whether `name` is trained at the rates that are set.
    pub fn is_trainable(&self, name: &str) -> bool {
        self.rates.is_trainable(name)
    }

    /// Names and variables in order, statistics among them.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Var)> {
        self.entries.iter().map(|(name, entry)| (name.as_str(), &entry.var))
    }

    /// Names and variables of what can be trained, in order.
    pub fn trainable(&self) -> impl Iterator<Item = (&str, &Var)> {
        let trainable = self.entries.iter().filter(|(_, entry)| !entry.statistic);
        trainable.map(|(name, entry)| (name.as_str(), &entry.var))
    }

    /// The variable of this name.
    pub fn find(&self, name: &str) -> Option<&Var> {
        self.position(name).map(|index| &self.entries[index].var)
    }

    /// The variable of a name that must be there.
    pub(crate) fn known(&self, name: &str) -> Result<&Var, NnError> {
        self.find(name).ok_or_else(|| {
            let suggestion = closest(name, self.iter().map(|(known, _)| known)).map(String::from);
            NnError::NoParameter { name: name.into(), suggestion }
        })
    }

    /// What `name` was drawn from when it was made, before anything was loaded into it.
    pub fn init(&self, name: &str) -> Option<Init> {
        self.position(name).map(|index| self.entries[index].init)
    }

    fn position(&self, name: &str) -> Option<usize> {
        self.entries.get_index_of(name)
    }

    /// Total number of trained numbers among the parameters `keep` accepts.
    pub fn count(&self, keep: impl Fn(&str) -> bool) -> usize {
        self.trainable().filter(|(name, _)| keep(name)).map(|(_, var)| var.elem_count()).sum()
    }

    /// The element type of every parameter.
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// A copy of all values.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn snapshot(&self) -> Result<Snapshot, NnError> {
        let copy = |(name, var): (&str, &Var)| Ok((name.to_string(), var.as_tensor().detach().copy()?));
        Ok(Snapshot(self.iter().map(copy).collect::<Result<_, NnError>>()?))
    }

    /// Sets all values back, to the bit. Parameters made since are left as they are.
    ///
    /// # Errors
    /// If the snapshot is of other parameters.
    pub fn restore(&self, snapshot: &Snapshot) -> Result<(), NnError> {
        for (name, values) in &snapshot.0 {
            self.known(name)?.set(values)?;
        }
        Ok(())
    }

    /// Takes over the values of what `other` has under the same name, statistics included, where names begin with `prefix`.
    /// Returns the number of these parameters. 0 may be a mistake in the prefix.
    ///
    /// # Errors
    /// If one has another shape.
    pub fn copy_prefix_from(&self, other: &Params, prefix: &str) -> Result<usize, NnError> {
        let mut taken = 0;
        for (name, var) in self.iter().filter(|(name, _)| name.starts_with(prefix)) {
            if let Some(source) = other.find(name) {
                var.set(&source.as_detached_tensor())?;
                taken += 1;
            }
        }
        Ok(taken)
    }

    /// Takes over every tensor of `weights` that has the name and the shape of a parameter, and returns which
    /// parameters were missing, which have another shape (both stay as they are), and what was not expected.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn load_matching(&self, weights: &Weights) -> Result<WeightMatch, NnError> {
        let needed: Vec<_> = self.iter().map(|(name, var)| (name.to_string(), var.dims().to_vec())).collect();
        for (name, var) in self.iter() {
            if let Some(tensor) = weights.get(name).filter(|tensor| tensor.dims() == var.dims()) {
                var.set(&tensor.detach().to_dtype(self.dtype)?)?;
            }
        }
        Ok(weights.matching(&needed))
    }

    /// Rounds what `rates` train to half precision, so that it is what a file in half precision holds.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn round_to_half(&self, rates: &LearningRates) -> Result<(), NnError> {
        for (_, var) in self.trainable().filter(|(name, _)| rates.is_trainable(name)) {
            var.set(&var.as_detached_tensor().to_dtype(DType::F16)?.to_dtype(self.dtype)?)?;
        }
        Ok(())
    }

    /// Writes a safetensors file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), NnError> {
        write_file(path, &self.to_bytes()?).map_err(|e| NnError::File { path: path.into(), reason: e.to_string() })
    }

    /// The same file as bytes.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn to_bytes(&self) -> Result<Vec<u8>, NnError> {
        let tensors = self.iter().map(|(name, var)| (name, var.as_tensor().clone()));
        safetensors::serialize(tensors, None)
            .map_err(|e| NnError::File { path: "parameters.safetensors".into(), reason: e.to_string() })
    }

    /// Sets every parameter from a safetensors file that [`Params::save`] wrote; [`Params::load_matching`] takes what fits.
    ///
    /// # Errors
    /// If the file cannot be read, or lacks a parameter or has it in another shape; then nothing is set.
    pub fn load(&self, path: &Path) -> Result<(), NnError> {
        let bytes = input::read(path, input::LARGEST)
            .map_err(|e| NnError::File { path: path.into(), reason: e.to_string() })?;
        self.load_bytes(&bytes, path)
    }

    /// The same from the bytes of a file, which errors call `path`.
    ///
    /// # Errors
    /// As [`Params::load`].
    pub fn load_bytes(&self, bytes: &[u8], path: &Path) -> Result<(), NnError> {
        let file = |reason: String| NnError::File { path: path.into(), reason };
        let tensors = candle_core::safetensors::load_buffer(bytes, &Device::Cpu).map_err(|e| file(e.to_string()))?;
        let mut found = Vec::new();
        for (name, var) in self.iter() {
            let tensor = tensors.get(name).ok_or_else(|| file(format!("parameter {name} is missing")))?;
            if tensor.dims() != var.dims() {
                let (have, want) = (tensor.dims().to_vec(), var.dims().to_vec());
                return Err(NnError::Shape { name: name.into(), have, want });
            }
            found.push((name.to_string(), tensor.to_dtype(self.dtype)?));
        }
        self.restore(&Snapshot(found))
    }
}

/// The two factors of an adapter, the one next to the input first.
pub(crate) fn adapter_names(name: &str) -> [String; 2] {
    ["lora_a", "lora_b"].map(|factor| format!("{name}.{factor}"))
}
