//! Recurrent layers, with PyTorch's names and gate order, so that its weights can be taken over.

use candle_core::Tensor;
use candle_nn::ops::sigmoid;

use super::channels::add_per_channel;
use crate::nn::init::Init;
use crate::nn::{NnError, Params};

/// The weights of one recurrent layer with `gates` gates: names as in PyTorch, `name.weight_ih_l0` and so on.
#[derive(Clone, Debug)]
struct Cell {
    input_weight: Tensor,
    hidden_weight: Tensor,
    input_bias: Tensor,
    hidden_bias: Tensor,
    hidden: usize,
}

impl Cell {
    fn new(
        params: &mut Params,
        name: &str,
        (input, hidden): (usize, usize),
        gates: usize,
        layer: usize,
    ) -> Result<Self, NnError> {
        let start = Init::fan_in(hidden);
        let mut get = |part: &str, shape: &[usize]| params.get(&format!("{name}.{part}_l{layer}"), shape, start);
        Ok(Self {
            input_weight: get("weight_ih", &[gates * hidden, input])?,
            hidden_weight: get("weight_hh", &[gates * hidden, hidden])?,
            input_bias: get("bias_ih", &[gates * hidden])?,
            hidden_bias: get("bias_hh", &[gates * hidden])?,
            hidden,
        })
    }

    /// What the inputs (batch, time, input) add to every gate: (batch, time, gates · hidden), one product for all times.
    fn of_inputs(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        let (batch, time, width) = x.dims3()?;
        let flat = x.reshape((batch * time, width))?.matmul(&self.input_weight.t()?)?;
        add_per_channel(&flat, &self.input_bias, 1)?.reshape((batch, time, ()))
    }

    /// What the state (batch, hidden) adds to every gate.
    fn of_state(&self, state: &Tensor) -> candle_core::Result<Tensor> {
        add_per_channel(&state.matmul(&self.hidden_weight.t()?)?, &self.hidden_bias, 1)
    }

    fn gate(&self, sums: &Tensor, gate: usize) -> candle_core::Result<Tensor> {
        sums.narrow(1, gate * self.hidden, self.hidden)
    }

    fn at_rest(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        Tensor::zeros((x.dim(0)?, self.hidden), x.dtype(), x.device())
    }
}

/// Long short-term memory (Hochreiter & Schmidhuber 1997, with the forget gate of Gers et al. 2000), starting from zero
/// states. Gates in the order input, forget, cell, output.
#[derive(Clone, Debug)]
pub struct Lstm {
    layers: Vec<Cell>,
}

impl Lstm {
    /// `layers` layers of `hidden` numbers, the first reading `input` numbers.
    ///
    /// # Errors
    /// If `params` hold other shapes.
    pub fn new(
        params: &mut Params,
        name: &str,
        (input, hidden): (usize, usize),
        layers: usize,
    ) -> Result<Self, NnError> {
        let cell = |layer| Cell::new(params, name, (if layer == 0 { input } else { hidden }, hidden), 4, layer);
        Ok(Self { layers: (0..layers).map(cell).collect::<Result<_, _>>()? })
    }

    /// (batch, time, input) to the last layer's states (batch, time, hidden).
    ///
    /// # Errors
    /// If the width is another.
    pub fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        self.layers.iter().try_fold(x.clone(), |x, cell| {
            let of_inputs = cell.of_inputs(&x)?;
            let (mut state, mut memory) = (cell.at_rest(&x)?, cell.at_rest(&x)?);
            let mut states = Vec::with_capacity(x.dim(1)?);
            for time in 0..x.dim(1)? {
                let sums = (of_inputs.narrow(1, time, 1)?.squeeze(1)? + cell.of_state(&state)?)?;
                let [input, forget, output] = [0, 1, 3].map(|gate| sigmoid(&cell.gate(&sums, gate)?));
                let news = (input? * cell.gate(&sums, 2)?.tanh()?)?;
                memory = ((forget? * memory)? + news)?;
                state = (output? * memory.tanh()?)?;
                states.push(state.clone());
            }
            Tensor::stack(&states, 1)
        })
    }
}

/// Gated recurrent unit (Cho et al. 2014, arXiv:1406.1078), starting from a zero state. Gates in the order reset,
/// update, new; as in PyTorch the reset gate acts on the product with the state.
#[derive(Clone, Debug)]
pub struct Gru {
    layers: Vec<Cell>,
}

impl Gru {
    /// `layers` layers of `hidden` numbers, the first reading `input` numbers.
    ///
    /// # Errors
    /// If `params` hold other shapes.
    pub fn new(
        params: &mut Params,
        name: &str,
        (input, hidden): (usize, usize),
        layers: usize,
    ) -> Result<Self, NnError> {
        let cell = |layer| Cell::new(params, name, (if layer == 0 { input } else { hidden }, hidden), 3, layer);
        Ok(Self { layers: (0..layers).map(cell).collect::<Result<_, _>>()? })
    }

    /// (batch, time, input) to the last layer's states (batch, time, hidden).
    ///
    /// # Errors
    /// If the width is another.
    pub fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        self.layers.iter().try_fold(x.clone(), |x, cell| {
            let of_inputs = cell.of_inputs(&x)?;
            let mut state = cell.at_rest(&x)?;
            let mut states = Vec::with_capacity(x.dim(1)?);
            for time in 0..x.dim(1)? {
                let given = of_inputs.narrow(1, time, 1)?.squeeze(1)?;
                let kept = cell.of_state(&state)?;
                let gate = |k| sigmoid(&(cell.gate(&given, k)? + cell.gate(&kept, k)?)?);
                let (reset, update) = (gate(0)?, gate(1)?);
                let news = (cell.gate(&given, 2)? + (reset * cell.gate(&kept, 2)?)?)?.tanh()?;
                state = (&news + (update * (&state - &news)?)?)?;
                states.push(state.clone());
            }
            Tensor::stack(&states, 1)
        })
    }
}
