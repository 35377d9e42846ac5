//! Layers against PyTorch's values (tests/reference/layers.json and modules.json, made by the scripts beside them) and,
//! for convolution and pooling, against central differences.

use candle_core::{DType, Device, Result, Tensor, Var};
use qgraft::nn::init::Init;
use qgraft::nn::layer::{
    Attention, BatchNorm, GroupNorm, Gru, LayerNorm, Linear, Lstm, Padding, Reach, TransformerBlock, TransformerConfig,
    Window, avg_pool2d, causal_mask, conv1d, conv2d, dropout, global_avg_pool, max_pool2d, reverse_gradient,
    sinusoidal_positions, softmax,
};
use qgraft::nn::{LearningRates, Mode, NnError, Params};
use serde::Deserialize;

/// The reference is rounded to six decimals; f32 sums of up to 147 products of order 1 add about as much.
const TOLERANCE: [(DType, f64); 2] = [(DType::F64, 1e-6), (DType::F32, 2e-5)];

#[derive(Deserialize)]
struct Reference {
    convolutions: Vec<Convolution>,
    poolings: Vec<Pooling>,
}

#[derive(Deserialize)]
struct Convolution {
    name: String,
    input: Vec<usize>,
    weight: Vec<usize>,
    stride: usize,
    /// (top, bottom, left, right).
    padding: [usize; 4],
    dilation: usize,
    groups: usize,
    shape: Vec<usize>,
    output: Vec<f64>,
    input_gradient: Vec<f64>,
    weight_gradient: Vec<f64>,
    bias_gradient: Vec<f64>,
}

#[derive(Deserialize)]
struct Pooling {
    name: String,
    kind: String,
    input: Vec<usize>,
    kernel: usize,
    stride: usize,
    padding: usize,
    dilation: usize,
    shape: Vec<usize>,
    output: Vec<f64>,
    input_gradient: Vec<f64>,
}

impl Convolution {
    fn window(&self) -> Window {
        let [top, bottom, left, right] = self.padding;
        let padding = Padding { top, bottom, left, right };
        Window { kernel: (self.weight[2], self.weight[3]), stride: self.stride, padding, dilation: self.dilation }
    }
}

impl Pooling {
    fn run(&self, input: &Tensor) -> Result<Tensor> {
        let window = Window { dilation: self.dilation, ..Window::square(self.kernel, self.stride, self.padding) };
        match self.kind.as_str() {
            "max" => max_pool2d(input, window),
            _ => avg_pool2d(input, window),
        }
    }
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("../reference/layers.json")).unwrap()
}

/// Element i is sin(0.7 i + phase), as in layers.py.
fn formula(shape: &[usize], phase: f64) -> Tensor {
    let values: Vec<f64> = (0..shape.iter().product()).map(|i: usize| (0.7 * i as f64 + phase).sin()).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

fn values(tensor: &Tensor) -> Vec<f64> {
    tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

#[track_caller]
fn assert_near(what: &str, got: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(got.len(), expected.len(), "{what}: number of values");
    for (index, (g, e)) in got.iter().zip(expected).enumerate() {
        assert!((g - e).abs() <= tolerance * e.abs().max(1.0), "{what}: value {index} is {g}, expected {e}");
    }
}

#[test]
fn convolutions_match_pytorch() -> Result<()> {
    for case in reference().convolutions {
        for (dtype, tolerance) in TOLERANCE {
            let name = format!("{} in {dtype:?}", case.name);
            let variable = |shape: &[usize], phase| Var::from_tensor(&formula(shape, phase).to_dtype(dtype)?);
            let input = variable(&case.input, 1.0)?;
            let weight = variable(&case.weight, 2.0)?;
            let bias = variable(&case.weight[..1], 3.0)?;
            let output = conv2d(&input, &weight, Some(&bias), case.window(), case.groups)?;
            assert_eq!(output.dims(), case.shape, "{name}: shape");
            assert_near(&name, &values(&output), &case.output, tolerance);

            let loss = (&output * formula(&case.shape, 4.0).to_dtype(dtype)?)?.sum_all()?;
            let gradients = loss.backward()?;
            for (of, variable, expected) in [
                ("input", &input, &case.input_gradient),
                ("weight", &weight, &case.weight_gradient),
                ("bias", &bias, &case.bias_gradient),
            ] {
                let gradient = gradients.get(variable).unwrap_or_else(|| panic!("{name}: no gradient of the {of}"));
                assert_eq!(gradient.dims(), variable.dims(), "{name}: shape of the gradient of the {of}");
                assert_near(&format!("{name}: gradient of the {of}"), &values(gradient), expected, tolerance);
            }
        }
    }
    Ok(())
}

/// Many small pictures share products of matrices; few are multiplied alone, and those are compared with PyTorch above.
#[test]
fn a_large_batch_is_convolved_like_its_pictures() -> Result<()> {
    for case in reference().convolutions {
        for (dtype, tolerance) in [(DType::F64, 1e-12), (DType::F32, 1e-4)] {
            // 37 is no multiple of how many are multiplied at once.
            let shape = [&[37], &case.input[1..]].concat();
            let input = Var::from_tensor(&formula(&shape, 1.0).to_dtype(dtype)?)?;
            let weight = Var::from_tensor(&formula(&case.weight, 2.0).to_dtype(dtype)?)?;
            let slopes = |input: &Tensor, output: &Tensor, factor: &Tensor| -> Result<[Vec<f64>; 2]> {
                let gradients = (output * factor)?.sum_all()?.backward()?;
                Ok([input, weight.as_tensor()].map(|own| gradients.get(own).map(values).unwrap_or_default()))
            };
            let together = conv2d(&input, &weight, None, case.window(), case.groups)?;
            let factor = formula(together.dims(), 4.0).to_dtype(dtype)?;
            let [of_input, of_weight] = slopes(input.as_tensor(), &together, &factor)?;
            let (mut outputs, mut of_inputs, mut sum) = (Vec::new(), Vec::new(), vec![0.0; of_weight.len()]);
            for row in 0..37 {
                let one = Var::from_tensor(&input.narrow(0, row, 1)?)?;
                let output = conv2d(&one, &weight, None, case.window(), case.groups)?;
                outputs.extend(values(&output));
                let [of_one, of_shared] = slopes(one.as_tensor(), &output, &factor.narrow(0, row, 1)?)?;
                of_inputs.extend(of_one);
                sum.iter_mut().zip(of_shared).for_each(|(sum, own)| *sum += own);
            }
            let name = format!("{} in {dtype:?}", case.name);
            assert_near(&name, &values(&together), &outputs, tolerance);
            assert_near(&format!("{name}: input gradient"), &of_input, &of_inputs, tolerance);
            // A sum of 37 pictures in single precision.
            assert_near(&format!("{name}: weight gradient"), &of_weight, &sum, 10.0 * tolerance);
        }
    }
    Ok(())
}

#[test]
fn poolings_match_pytorch() -> Result<()> {
    for case in reference().poolings {
        for (dtype, tolerance) in TOLERANCE {
            let name = format!("{} in {dtype:?}", case.name);
            let input = Var::from_tensor(&formula(&case.input, 1.0).to_dtype(dtype)?)?;
            let output = case.run(&input)?;
            assert_eq!(output.dims(), case.shape, "{name}: shape");
            assert_near(&name, &values(&output), &case.output, tolerance);
            let gradients = (&output * formula(&case.shape, 4.0).to_dtype(dtype)?)?.sum_all()?.backward()?;
            assert_near(&name, &values(gradients.get(&input).unwrap()), &case.input_gradient, tolerance);
        }
    }
    Ok(())
}

/// d loss / d value, one value at a time. All operations are piecewise linear or bilinear, so the difference is exact up
/// to rounding: 1e-16 / 1e-4 for values of order 1.
fn differences(at: &Tensor, loss: impl Fn(&Tensor) -> Result<f64>) -> Result<Vec<f64>> {
    const STEP: f64 = 1e-4;
    let start = values(at);
    (0..start.len())
        .map(|index| {
            let shifted = |step: f64| {
                let mut shifted = start.clone();
                shifted[index] += step;
                loss(&Tensor::from_vec(shifted, at.shape(), &Device::Cpu)?)
            };
            Ok((shifted(STEP)? - shifted(-STEP)?) / (2.0 * STEP))
        })
        .collect()
}

#[test]
fn gradients_are_differences() -> Result<()> {
    let weigh = |output: &Tensor| (output * formula(output.dims(), 4.0))?.sum_all();
    for case in reference().convolutions {
        let loss = |x: &Tensor, w: &Tensor| weigh(&conv2d(x, w, None, case.window(), case.groups)?);
        let input = Var::from_tensor(&formula(&case.input, 1.0))?;
        let weight = Var::from_tensor(&formula(&case.weight, 2.0))?;
        let gradients = loss(&input, &weight)?.backward()?;
        let by_input = differences(&input, |x| loss(x, &weight)?.to_scalar())?;
        let by_weight = differences(&weight, |w| loss(&input, w)?.to_scalar())?;
        assert_near(&case.name, &values(gradients.get(&input).unwrap()), &by_input, 1e-9);
        assert_near(&case.name, &values(gradients.get(&weight).unwrap()), &by_weight, 1e-9);
    }
    for case in reference().poolings {
        let input = Var::from_tensor(&formula(&case.input, 1.0))?;
        let gradients = weigh(&case.run(&input)?)?.backward()?;
        let by_input = differences(&input, |x| weigh(&case.run(x)?)?.to_scalar())?;
        assert_near(&case.name, &values(gradients.get(&input).unwrap()), &by_input, 1e-9);
    }
    Ok(())
}

#[test]
fn strides_of_the_arguments_do_not_matter() -> Result<()> {
    let input = formula(&[6, 3, 8, 5], 1.0).permute((3, 1, 0, 2))?.narrow(0, 1, 3)?; // (3, 3, 6, 8)
    let weight = formula(&[3, 3, 3, 2], 2.0).transpose(0, 3)?; // (2, 3, 3, 3)
    assert!(!input.is_contiguous() && !weight.is_contiguous());
    let window = Window::square(3, 2, 1);
    let run = |x: &Tensor, w: &Tensor| -> Result<[Vec<f64>; 3]> {
        let (x, w) = (Var::from_tensor(x)?, Var::from_tensor(w)?);
        // A transposed loss hands the backward pass a gradient with odd strides.
        let output = conv2d(&x, &w, None, window, 1)?.transpose(1, 3)?;
        let gradients = (&output * formula(output.dims(), 4.0))?.sum_all()?.backward()?;
        Ok([values(&output), values(gradients.get(&x).unwrap()), values(gradients.get(&w).unwrap())])
    };
    assert_eq!(run(&input, &weight)?, run(&input.contiguous()?, &weight.contiguous()?)?);
    // `Var::from_tensor` may copy: the forward pass once more on the views themselves.
    let direct = conv2d(&input, &weight, None, window, 1)?;
    let copied = conv2d(&input.contiguous()?, &weight.contiguous()?, None, window, 1)?;
    assert_eq!(values(&direct), values(&copied));
    for pool in [max_pool2d, avg_pool2d] {
        assert_eq!(values(&pool(&input, window)?), values(&pool(&input.contiguous()?, window)?));
    }
    Ok(())
}

#[test]
fn the_global_mean_has_a_gradient() -> Result<()> {
    let input = Var::from_tensor(&formula(&[2, 3, 4, 5], 1.0))?;
    let output = global_avg_pool(&input)?;
    assert_eq!(output.dims(), [2, 3]);
    let first: f64 = values(&input)[..20].iter().sum::<f64>() / 20.0;
    assert!((values(&output)[0] - first).abs() < 1e-12);
    let gradient = output.sum_all()?.backward()?.remove(&input).unwrap();
    assert_near("mean", &values(&gradient), &[0.05; 120], 1e-12);
    Ok(())
}

#[test]
fn a_maximum_passes_nan_on_and_ignores_padding() -> Result<()> {
    let input = Tensor::new(&[[[[-1.0f32, -2.0], [f32::NAN, -3.0]]]], &Device::Cpu)?;
    let output = values(&max_pool2d(&input, Window { kernel: (1, 2), ..Window::square(2, 1, 0) })?);
    assert_eq!(output[0], -1.0);
    assert!(output[1].is_nan());
    let padded = values(&max_pool2d(&input.narrow(2, 0, 1)?, Window::square(3, 2, 1))?);
    assert_eq!(padded, [-1.0]);
    Ok(())
}

#[test]
fn what_does_not_fit_is_refused() {
    let input = formula(&[1, 4, 5, 5], 1.0);
    let cases: [(&str, &[usize], Window, usize); 5] = [
        ("do not fit", &[4, 3, 3, 3], Window::square(3, 1, 0), 1),
        ("do not fit", &[3, 2, 3, 3], Window::square(3, 1, 0), 2),
        ("the window has", &[4, 4, 3, 3], Window::square(5, 1, 0), 1),
        ("larger than the padded input", &[4, 4, 7, 7], Window::square(7, 1, 0), 1),
        ("at least 1", &[4, 4, 3, 3], Window::square(3, 0, 0), 1),
    ];
    for (message, weight, window, groups) in cases {
        let error = conv2d(&input, &formula(weight, 1.0), None, window, groups).unwrap_err().to_string();
        assert!(error.contains(message), "{error}");
    }
    let weight = formula(&[4, 4, 1, 1], 1.0);
    let error = conv2d(&input, &weight, Some(&formula(&[3], 1.0)), Window::square(1, 1, 0), 1).unwrap_err();
    assert!(error.to_string().contains("expected (4)"), "{error}");
    let input = input.to_dtype(DType::U8).unwrap();
    let error = max_pool2d(&input, Window::square(2, 2, 0)).unwrap_err().to_string();
    assert!(error.contains("convert to f32 or f64"), "{error}");
}

/// Layers with parameters, made by modules.py beside it.
#[derive(Deserialize)]
struct Modules {
    cases: Vec<Module>,
}

#[derive(Deserialize)]
struct Module {
    name: String,
    #[serde(default)]
    groups: usize,
    #[serde(default)]
    layers: usize,
    #[serde(default)]
    heads: usize,
    input: Vec<usize>,
    output: Vec<f64>,
    input_gradient: Vec<f64>,
    parameters: Vec<Parameter>,
    statistics: Vec<Vec<f64>>,
}

#[derive(Deserialize)]
struct Parameter {
    name: String,
    shape: Vec<usize>,
    gradient: Vec<f64>,
}

impl Module {
    fn run(&self, params: &mut Params, x: &Tensor) -> std::result::Result<Tensor, NnError> {
        let learning = Mode::Train { seed: 0 };
        let (width, channels) = (*self.input.last().unwrap(), self.input[1]);
        Ok(match self.name.split([' ', ',']).next().unwrap() {
            "linear" => Linear::new(params, "m", (width, 3), true)?.forward(x)?,
            "layer" => LayerNorm::new(params, "m", width)?.forward(x)?,
            "group" => GroupNorm::new(params, "m", self.groups, channels)?.forward(x)?,
            "batch" => {
                if self.name.ends_with("frozen") {
                    params.set_rates(&LearningRates::freezing(&["m.weight"]));
                    let statistic =
                        |params: &mut Params, name: &str| params.statistic(name, &[channels], Init::Constant(0.0));
                    statistic(params, "m.running_mean")?.set(&formula(&[channels], 5.0).to_dtype(x.dtype())?)?;
                    let variance = (formula(&[channels], 6.0) + 1.5)?.to_dtype(x.dtype())?;
                    statistic(params, "m.running_var")?.set(&variance)?;
                }
                BatchNorm::new(params, "m", channels)?.forward(x, learning)?
            }
            "softmax" => softmax(x, 1)?,
            "conv1d" => {
                let start = Init::Constant(0.0);
                let (weight, bias) = (params.get("m.weight", &[6, 2, 3], start)?, params.get("m.bias", &[6], start)?);
                conv1d(x, &weight, Some(&bias), Reach { kernel: 3, stride: 2, padding: 2, dilation: 2 }, 2)?
            }
            "lstm" => Lstm::new(params, "m", (width, 4), self.layers)?.forward(x)?,
            "gru" => Gru::new(params, "m", (width, 4), self.layers)?.forward(x)?,
            "attention" => {
                let sources = self.input[1];
                let hidden = |k: usize| if k % sources > k / sources { f64::NEG_INFINITY } else { 0.0 };
                let mask: Vec<f64> = (0..sources * sources).map(hidden).collect();
                let mask = Tensor::from_vec(mask, (sources, sources), &Device::Cpu)?.to_dtype(x.dtype())?;
                let mask = self.name.ends_with("causal").then_some(&mask);
                Attention::new(params, "m", width, self.heads)?.forward(x, x, x, mask)?
            }
            other => panic!("no layer is called {other}"),
        })
    }
}

#[test]
fn layers_with_parameters_match_pytorch() {
    let modules: Modules = serde_json::from_str(include_str!("../reference/modules.json")).unwrap();
    for case in modules.cases {
        for (dtype, tolerance) in TOLERANCE {
            let name = format!("{} in {dtype:?}", case.name);
            let x = Var::from_tensor(&formula(&case.input, 1.0).to_dtype(dtype).unwrap()).unwrap();
            let mut params = Params::new(0, dtype);
            for (k, parameter) in case.parameters.iter().enumerate() {
                let start = Init::Constant(0.0);
                params.get(&format!("m.{}", parameter.name), &parameter.shape, start).unwrap();
                let values = (formula(&parameter.shape, 2.0 + k as f64) * 0.5).unwrap().to_dtype(dtype).unwrap();
                params.find(&format!("m.{}", parameter.name)).unwrap().set(&values).unwrap();
            }
            let output = case.run(&mut params, &x).unwrap();
            assert_near(&name, &values(&output), &case.output, tolerance);

            // Gradients sum up to ten times as many products as outputs do.
            let weights = formula(output.dims(), 0.5).to_dtype(dtype).unwrap();
            let gradients = (output * weights).unwrap().sum_all().unwrap().backward().unwrap();
            let of_input = gradients.get(&x).unwrap_or_else(|| panic!("{name}: no gradient of the input"));
            assert_near(&format!("{name}: input"), &values(of_input), &case.input_gradient, 5.0 * tolerance);
            for parameter in &case.parameters {
                let what = format!("{name}: {}", parameter.name);
                let var = params.find(&format!("m.{}", parameter.name)).unwrap();
                match gradients.get(var.as_tensor()) {
                    Some(gradient) => assert_near(&what, &values(gradient), &parameter.gradient, 5.0 * tolerance),
                    None => assert!(!params.is_trainable(&format!("m.{}", parameter.name)), "{what}: no gradient"),
                }
            }
            for (statistic, expected) in ["m.running_mean", "m.running_var"].iter().zip(&case.statistics) {
                assert_near(&name, &values(params.find(statistic).unwrap()), expected, tolerance);
            }
        }
    }
}

#[test]
fn dropout_keeps_the_mean_and_evaluates_without_randomness() -> Result<()> {
    let x = Tensor::ones((100, 100), DType::F64, &Device::Cpu)?;
    let dropped = values(&dropout(&x, 0.25, "here", Mode::Train { seed: 3 })?);
    assert!(dropped.iter().all(|v| *v == 0.0 || (v - 4.0 / 3.0).abs() < 1e-12));
    // 10,000 draws of mean 1 and standard deviation 0.58: four standard errors.
    assert!((dropped.iter().sum::<f64>() / 1e4 - 1.0).abs() < 4.0 * 0.0058);
    assert_eq!(dropped, values(&dropout(&x, 0.25, "here", Mode::Train { seed: 3 })?));
    assert_ne!(dropped, values(&dropout(&x, 0.25, "there", Mode::Train { seed: 3 })?));
    assert_eq!(values(&x), values(&dropout(&x, 0.25, "here", Mode::Eval)?));
    Ok(())
}

#[test]
fn a_reversed_gradient_points_the_other_way() -> Result<()> {
    let x = Var::from_tensor(&formula(&[3], 1.0))?;
    let output = reverse_gradient(&x, 0.5)?;
    assert_eq!(values(&output), values(&x));
    let gradients = (output * formula(&[3], 2.0))?.sum_all()?.backward()?;
    let expected: Vec<f64> = values(&formula(&[3], 2.0)).iter().map(|v| -0.5 * v).collect();
    assert_eq!(values(gradients.get(&x).unwrap()), expected);
    Ok(())
}

#[test]
fn a_transformer_block_is_the_sum_of_its_parts_and_its_mask_hides_what_comes_later() {
    let config = TransformerConfig { width: 6, heads: 2, hidden: 10, dropout: 0.5 };
    let mut params = Params::new(3, DType::F64);
    let block = TransformerBlock::decoder(&mut params, "b", config).unwrap();
    let (x, memory, mask) = (formula(&[2, 5, 6], 1.0), formula(&[2, 3, 6], 2.0), causal_mask(5, DType::F64).unwrap());
    let run = |x: &Tensor, mode| block.forward(x, Some(&memory), Some(&mask), mode).unwrap();
    let output = run(&x, Mode::Eval);

    // The same by layers that are compared with PyTorch above: normalisation first, then the part, then the sum.
    let norm =
        |params: &mut Params, name: &str, x: &Tensor| LayerNorm::new(params, name, 6).unwrap().forward(x).unwrap();
    let attention = |params: &mut Params, name: &str| Attention::new(params, name, 6, 2).unwrap();
    let own = norm(&mut params, "b.self_norm", &x);
    let own = attention(&mut params, "b.self").forward(&own, &own, &own, Some(&mask)).unwrap();
    let first = (&x + own).unwrap();
    let queries = norm(&mut params, "b.cross_norm", &first);
    let second = attention(&mut params, "b.cross").forward(&queries, &memory, &memory, None).unwrap();
    let second = (&first + second).unwrap();
    let inner = norm(&mut params, "b.norm", &second);
    let inner = Linear::new(&mut params, "b.up", (6, 10), true).unwrap().forward(&inner).unwrap().relu().unwrap();
    let inner = Linear::new(&mut params, "b.down", (10, 6), true).unwrap().forward(&inner).unwrap();
    assert_eq!(values(&output), values(&(&second + inner).unwrap()));

    let changed = Tensor::cat(&[x.narrow(1, 0, 4).unwrap(), formula(&[2, 1, 6], 9.0)], 1).unwrap();
    let earlier = |output: &Tensor| values(&output.narrow(1, 0, 4).unwrap().contiguous().unwrap());
    assert_eq!(earlier(&output), earlier(&run(&changed, Mode::Eval)));
    assert_ne!(values(&output), values(&run(&x, Mode::Train { seed: 0 })), "dropout");
    assert!(block.forward(&x, None, None, Mode::Eval).unwrap_err().to_string().contains("memory"));
    let encoder = TransformerBlock::encoder(&mut params, "e", config).unwrap();
    assert!(encoder.forward(&x, Some(&memory), None, Mode::Eval).is_err());
    let uneven = TransformerConfig { heads: 4, ..config };
    assert!(TransformerBlock::encoder(&mut params, "u", uneven).unwrap_err().to_string().contains("heads"));
}

#[test]
fn positions_are_sines_and_cosines_of_falling_frequency() {
    let positions = sinusoidal_positions(7, 4, DType::F64).unwrap();
    for position in 0..7 {
        let angle = position as f64;
        // 10000^(2/4) is 100.
        let expected = [angle.sin(), angle.cos(), (angle / 100.0).sin(), (angle / 100.0).cos()];
        assert_near("positions", &values(&positions.get(position).unwrap()), &expected, 1e-15);
    }
}
