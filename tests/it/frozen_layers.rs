//! Frozen trunks against the differentiable layers (which tests/it/layers.rs compares with PyTorch), on every instruction
//! set this processor has.

use candle_core::{Device, Result, Tensor};
use qgraft::nn::layer::frozen::{
    Activation, FrozenConv, FrozenNet, Instructions, NetBuilder, Value, conv2d_frozen, fold_batch_norm,
};
use qgraft::nn::layer::{Padding, Window, conv2d, global_avg_pool, max_pool2d};

/// Relative to the largest value: f32 sums of up to 700 products in another order.
const TOLERANCE: f32 = 1e-5;

/// Element i is sin(0.7 i + phase).
fn formula(shape: &[usize], phase: f32) -> Tensor {
    let values: Vec<f32> = (0..shape.iter().product()).map(|i: usize| (0.7 * i as f32 + phase).sin()).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

#[track_caller]
fn assert_near(what: &str, got: &Tensor, expected: &Tensor) {
    assert_eq!(got.dims(), expected.dims(), "{what}: shape");
    let values = |t: &Tensor| t.flatten_all().unwrap().to_vec1::<f32>().unwrap();
    let (got, expected) = (values(got), values(expected));
    let largest = expected.iter().fold(1.0f32, |m, v| m.max(v.abs()));
    for (index, (g, e)) in got.iter().zip(&expected).enumerate() {
        assert!((g - e).abs() <= TOLERANCE * largest, "{what}: value {index} is {g}, expected {e}");
    }
}

/// Builds the net anew for each instruction set and compares its outputs.
fn check(
    what: &str,
    input: &Tensor,
    expected: &[Tensor],
    build: impl Fn(&mut NetBuilder, Value) -> Result<Vec<Value>>,
) -> Result<()> {
    let (_, channels, height, width) = input.dims4()?;
    for instructions in Instructions::available() {
        let (mut net, image) = NetBuilder::new(channels, height, width);
        let outputs = build(&mut net, image)?;
        let net = net.build(&outputs)?.with_instructions(instructions);
        // Twice: the second run meets the memory that the first one left.
        for run in ["first", "second"] {
            let outputs = net.run(input)?;
            assert_eq!(outputs.len(), expected.len());
            for (index, (output, expected)) in outputs.iter().zip(expected).enumerate() {
                assert_near(&format!("{what}, {instructions:?}, {run} run, output {index}"), output, expected);
            }
        }
    }
    Ok(())
}

/// (batch, c_in, height, width, c_out, kernel, stride, padding, dilation, groups).
type Case = (usize, usize, usize, usize, usize, (usize, usize), usize, usize, usize, usize);

/// Around the sizes of blocks and tiles.
#[rustfmt::skip]
const CONVOLUTIONS: [Case; 26] = [
    (1,  1,  1,  1,   1, (1, 1), 1, 0, 1,  1),
    (2,  3, 11, 13,  20, (3, 3), 2, 1, 1,  1),
    (1,  3, 17, 19,  33, (7, 7), 2, 3, 1,  1),
    (1,  3,  9,  9,   5, (3, 3), 1, 1, 1,  1),
    (1,  4,  9,  9,  16, (4, 4), 4, 0, 1,  1),
    (3, 17,  5,  6,  31, (1, 1), 1, 0, 1,  1),
    (1, 24,  7,  7,  48, (1, 1), 1, 0, 1,  1),
    (1, 40,  6,  5,  24, (1, 1), 2, 0, 1,  1),
    (1, 16,  4, 15,  16, (3, 3), 1, 1, 1,  1),
    (1, 16,  4, 29,  32, (3, 3), 1, 1, 1,  1),
    (1, 20,  7,  9,  36, (3, 3), 2, 1, 1,  1),
    (1, 18, 10,  9,  17, (3, 2), 3, 2, 1,  1),
    (1, 16,  9,  8,  16, (3, 3), 1, 2, 2,  1),
    (1, 32,  6,  7,  32, (3, 3), 1, 1, 1,  2),
    (1, 48,  6,  7,  96, (3, 3), 2, 1, 1,  3),
    (1, 32,  5,  5,  32, (3, 3), 1, 1, 1,  4),
    (1, 24,  5,  5,  12, (3, 3), 1, 1, 1,  3),
    (1,  6,  5,  5,   4, (3, 3), 1, 1, 1,  2),
    (2, 16,  6,  6,  32, (3, 3), 1, 1, 1, 16),
    (1,  5,  6,  6,   5, (3, 3), 1, 1, 1,  5),
    (1, 33,  9,  7,  33, (3, 3), 1, 1, 1, 33),
    (1, 16,  9, 15,  16, (3, 3), 2, 1, 1, 16),
    (2, 24,  8, 17,  24, (5, 5), 1, 2, 1, 24),
    (1, 40, 11, 10,  40, (5, 5), 2, 2, 1, 40),
    (1, 16, 10, 10,  16, (3, 3), 3, 0, 1, 16),
    (1, 17,  9,  9,  17, (3, 3), 1, 2, 2, 17),
];

#[test]
fn frozen_convolutions_are_convolutions() -> Result<()> {
    for case in CONVOLUTIONS {
        let (batch, c_in, height, width, c_out, kernel, stride, padding, dilation, groups) = case;
        let window = Window { kernel, stride, padding: Padding::all(padding), dilation };
        let input = formula(&[batch, c_in, height, width], 1.0);
        let weight = formula(&[c_out, c_in / groups, kernel.0, kernel.1], 2.0);
        let bias = formula(&[c_out], 3.0);
        let expected = conv2d(&input, &weight, Some(&bias), window, groups)?;
        let conv = FrozenConv::new(&weight, Some(&bias), window, groups, Activation::None)?;
        let name = format!("{case:?}");
        check(&name, &input, std::slice::from_ref(&expected), |net, image| Ok(vec![net.conv(image, conv.clone())?]))?;
        assert_near(&name, &conv2d_frozen(&input, &conv)?, &expected);

        // Between other layers: the input in blocks, with a border that only its other reader needs, and a sum.
        let spread = formula(&[c_in, c_in, 1, 1], 0.5);
        let before = conv2d(&input, &spread, None, Window::square(1, 1, 0), 1)?;
        let padded = conv2d(&before, &formula(&[2, c_in, 3, 3], 0.1), None, Window::square(3, 1, 1), 1)?;
        let inner = conv2d(&before, &weight, Some(&bias), window, groups)?;
        let mix = formula(&[c_out, c_out, 3, 3], 0.2);
        let sum = (conv2d(&inner, &mix, None, Window::square(3, 1, 1), 1)? + &inner)?.relu()?;
        let frozen = |weight: &Tensor, padding: usize, activation| {
            FrozenConv::new(weight, None, Window::square(weight.dims()[2], 1, padding), 1, activation)
        };
        check(&format!("{name} in a net"), &input, &[padded, inner, sum], |net, image| {
            let before = net.conv(image, frozen(&spread, 0, Activation::None)?)?;
            let padded = net.conv(before, frozen(&formula(&[2, c_in, 3, 3], 0.1), 1, Activation::None)?)?;
            let inner = net.conv(before, conv.clone())?;
            let sum = net.conv_add(inner, frozen(&mix, 1, Activation::Relu)?, inner)?;
            Ok(vec![padded, inner, sum])
        })?;
    }
    Ok(())
}

#[test]
fn padding_may_be_unequal() -> Result<()> {
    for (c_in, groups) in [(3, 1), (20, 1), (20, 20)] {
        let input = formula(&[1, c_in, 8, 8], 1.0);
        let weight = formula(&[c_in, c_in / groups, 3, 3], 2.0);
        let window = Window { padding: Padding { top: 0, bottom: 2, left: 1, right: 3 }, ..Window::square(3, 2, 0) };
        let expected = conv2d(&input, &weight, None, window, groups)?;
        let conv = FrozenConv::new(&weight, None, window, groups, Activation::None)?;
        check("unequal padding", &input, &[expected], |net, image| Ok(vec![net.conv(image, conv.clone())?]))?;
    }
    Ok(())
}

#[test]
fn activations_are_their_formulas() -> Result<()> {
    let sigmoid = |x: f32| 1.0 / (1.0 + (-x).exp());
    let table: [(Activation, &dyn Fn(f32) -> f32); 6] = [
        (Activation::None, &|x| x),
        (Activation::Relu, &|x| x.max(0.0)),
        (Activation::Relu6, &|x| x.clamp(0.0, 6.0)),
        (Activation::Silu, &|x| x * sigmoid(x)),
        (Activation::Hardswish, &|x| x * (x + 3.0).clamp(0.0, 6.0) / 6.0),
        (Activation::Sigmoid, &sigmoid),
    ];
    let values: Vec<f32> = (-400..=400).map(|i| i as f32 / 20.0).chain([-1e4, 1e4]).collect();
    let input = Tensor::from_vec(values.clone(), (1, 1, 1, values.len()), &Device::Cpu)?;
    let one = Tensor::ones((1, 1, 1, 1), candle_core::DType::F32, &Device::Cpu)?;
    for (activation, formula) in table {
        let expected: Vec<f32> = values.iter().map(|&x| formula(x)).collect();
        let expected = Tensor::from_vec(expected, input.shape(), &Device::Cpu)?;
        let conv = FrozenConv::new(&one, None, Window::square(1, 1, 0), 1, activation)?;
        check(&format!("{activation:?}"), &input, &[expected], |net, image| Ok(vec![net.conv(image, conv.clone())?]))?;
    }
    Ok(())
}

#[test]
fn the_other_layers_follow_their_formulas() -> Result<()> {
    for channels in [5, 16, 24, 40] {
        let input = formula(&[2, channels, 9, 7], 1.0);
        let window = Window::square(3, 2, 1);
        let mean = global_avg_pool(&input)?.reshape((2, channels, 1, 1))?;
        let scaled = input.broadcast_mul(&mean)?;
        let joined = Tensor::cat(&[&input, &scaled, &input], 1)?;
        let expected = [max_pool2d(&input, window)?, mean, scaled, joined];
        check(&format!("{channels} channels"), &input, &expected, |net, image| {
            let pooled = net.max_pool(image, window)?;
            let mean = net.global_avg_pool(image)?;
            let scaled = net.scale(image, mean)?;
            let joined = net.concat(&[image, scaled, image])?;
            Ok(vec![pooled, mean, scaled, joined])
        })?;
    }
    Ok(())
}

#[test]
fn batch_norm_folds() -> Result<()> {
    let input = formula(&[1, 4, 6, 6], 1.0);
    let (weight, bias) = (formula(&[8, 4, 3, 3], 2.0), formula(&[8], 3.0));
    let [gamma, beta, mean] = [4.0, 5.0, 6.0].map(|phase| formula(&[8], phase));
    let variance = (formula(&[8], 7.0).sqr()? + 0.5)?;
    let window = Window::square(3, 1, 1);
    let column = |t: &Tensor| t.reshape((1, 8, 1, 1));
    for bias in [None, Some(&bias)] {
        let plain = conv2d(&input, &weight, bias, window, 1)?;
        let normal = plain.broadcast_sub(&column(&mean)?)?.broadcast_div(&column(&(&variance + 1e-3)?.sqrt()?)?)?;
        let expected = normal.broadcast_mul(&column(&gamma)?)?.broadcast_add(&column(&beta)?)?;
        let (weight, bias) = fold_batch_norm(&weight, bias, [&gamma, &beta, &mean, &variance], 1e-3)?;
        assert_near("folded", &conv2d(&input, &weight, Some(&bias), window, 1)?, &expected);
    }
    Ok(())
}

/// A stem, a depthwise and a pointwise layer.
fn small_net() -> Result<FrozenNet> {
    let (mut net, image) = NetBuilder::new(3, 20, 20);
    let stem = FrozenConv::new(&formula(&[24, 3, 3, 3], 1.0), None, Window::square(3, 2, 1), 1, Activation::Relu6)?;
    let middle = FrozenConv::new(&formula(&[24, 1, 3, 3], 2.0), None, Window::square(3, 1, 1), 24, Activation::Silu)?;
    let last = FrozenConv::new(&formula(&[24, 24, 1, 1], 3.0), None, Window::square(1, 1, 0), 1, Activation::None)?;
    let x = net.conv(image, stem)?;
    let inner = net.conv(x, middle)?;
    let y = net.conv_add(inner, last, x)?;
    let features = net.global_avg_pool(y)?;
    net.build(&[y, features])
}

#[test]
fn neither_threads_nor_neighbours_change_a_bit() -> Result<()> {
    let net = small_net()?;
    let images = formula(&[7, 3, 20, 20], 1.0);
    let bits = |outputs: Vec<Tensor>| -> Result<Vec<u32>> {
        let mut bits = Vec::new();
        for output in outputs {
            bits.extend(output.flatten_all()?.to_vec1::<f32>()?.into_iter().map(f32::to_bits));
        }
        Ok(bits)
    };
    let all = bits(net.run(&images)?)?;
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert_eq!(bits(pool.install(|| net.run(&images))?)?, all, "{threads} threads");
    }
    let mut alone = [Vec::new(), Vec::new()];
    for image in 0..7 {
        for (all, output) in alone.iter_mut().zip(net.run(&images.narrow(0, image, 1)?)?) {
            all.extend(bits(vec![output])?);
        }
    }
    assert_eq!(alone.concat(), all, "one image at a time");
    Ok(())
}

#[test]
fn what_does_not_fit_is_refused() -> Result<()> {
    let window = Window::square(3, 1, 1);
    let conv = |c_in, c_out| FrozenConv::new(&formula(&[c_out, c_in, 3, 3], 1.0), None, window, 1, Activation::None);
    let (mut net, image) = NetBuilder::new(3, 8, 8);
    let x = net.conv(image, conv(3, 4)?)?;
    let pooled = net.max_pool(x, Window::square(2, 2, 0))?;
    let small = small_net()?;
    let errors = [
        ("conv reads 5", net.conv(x, conv(5, 4)?).err(), "the input has 4 channels, the convolution reads 5"),
        ("residual", net.conv_add(x, conv(4, 4)?, pooled).err(), "the residual (4, 4, 4)"),
        ("gate", net.scale(x, pooled).err(), "expected (4, 1, 1)"),
        ("concat", net.concat(&[x, pooled]).err(), "equal heights"),
        ("no concat", net.concat(&[]).err(), "no inputs"),
        ("groups", FrozenConv::new(&formula(&[4, 3, 3, 3], 1.0), None, window, 3, Activation::None).err(), "groups"),
        ("no outputs", net.build(&[]).err(), "at least one output"),
        ("image size", small.run(&formula(&[1, 3, 20, 21], 1.0)).err(), "expected (batch, (3, 20, 20))"),
        ("dtype", small.run(&formula(&[1, 3, 20, 20], 1.0).to_dtype(candle_core::DType::F64)?).err(), "convert to f32"),
    ];
    for (what, error, message) in errors {
        let error = error.unwrap_or_else(|| panic!("{what} was accepted")).to_string();
        assert!(error.contains(message), "{what}: {error}");
    }
    Ok(())
}
