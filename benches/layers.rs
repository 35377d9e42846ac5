//! Processor time of the convolutions of two frozen trunks, layer by layer and whole, on one thread.
//!
//! ```text
//! cargo bench --bench layers                # a table: name, images, CPU ms per image
//! cargo bench --bench layers -- resnet18    # what has this in its name; --avx2 or --portable for other kernels
//! python tests/reference/layer_speed.py target/release/deps/layers-*   # the same by PyTorch, side by side
//! ```
//!
//! Goal: at most 1.2 times PyTorch's processor time for both trunks at batch 32. Processor time and the smallest of
//! several runs, because wall time means little on a shared machine.
//!
//! November 2026, Xeon with AVX-512 at 2.3 GHz, PyTorch 2.15, CPU ms per image at batch 32: ResNet18 23.1 against 40.2
//! (27.6 with BatchNorm folded and channels last), EfficientNet-Lite0 7.1 against 44.8 (16.5). With `--avx2` 53 and 14.

use candle_core::{Device, Result, Tensor};
use qgraft::nn::layer::frozen::{Instructions, Value};
use qgraft::nn::layer::{Activation, FrozenConv, FrozenNet, NetBuilder, Padding, Window};
use rustix::time::{ClockId, clock_gettime};

fn main() -> Result<()> {
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("nothing has used the pool yet");
    let (options, wanted): (Vec<String>, Vec<String>) = std::env::args().skip(1).partition(|a| a.starts_with("--"));
    let asked = |i: &Instructions| options.contains(&format!("--{i:?}").to_lowercase());
    let instructions = Instructions::available().into_iter().find(asked).unwrap_or(Instructions::best());
    let chosen = |name: &str| wanted.is_empty() || wanted.iter().any(|w| name.contains(w.as_str()));
    for layer in LAYERS.iter().filter(|layer| chosen(&layer.name())) {
        report(&layer.name(), &layer.net()?.with_instructions(instructions), layer.shape(), 8)?;
    }
    for (name, net) in [("resnet18", resnet18 as fn() -> Result<FrozenNet>), ("efficientnet_lite0", efficientnet_lite0)]
    {
        for batch in [1, 32] {
            let name = format!("{name} batch {batch}");
            if chosen(&name) {
                report(&name, &net()?.with_instructions(instructions), (3, 224, 224), batch)?;
            }
        }
    }
    Ok(())
}

/// Prints CPU milliseconds per image, the smallest of several runs.
fn report(name: &str, net: &FrozenNet, (channels, height, width): (usize, usize, usize), batch: usize) -> Result<()> {
    let images = formula(&[batch, channels, height, width], 0.1, 1.0)?;
    let mut best = f64::INFINITY;
    let start = cpu_milliseconds();
    for repetition in 0.. {
        let before = cpu_milliseconds();
        net.run(&images)?;
        best = best.min((cpu_milliseconds() - before) / batch as f64);
        if repetition >= 3 && cpu_milliseconds() - start > 1500.0 {
            break;
        }
    }
    println!("{name}\t{batch}\t{best:.4}");
    Ok(())
}

fn cpu_milliseconds() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    time.tv_sec as f64 * 1e3 + time.tv_nsec as f64 * 1e-6
}

/// Numbers without meaning, the same every time.
fn formula(shape: &[usize], scale: f32, phase: f32) -> Result<Tensor> {
    let values: Vec<f32> = (0..shape.iter().product()).map(|i: usize| scale * (0.7 * i as f32 + phase).sin()).collect();
    Tensor::from_vec(values, shape, &Device::Cpu)
}

fn conv(c_in: usize, c_out: usize, window: Window, groups: usize, activation: Activation) -> Result<FrozenConv> {
    let fan_in = c_in / groups * window.kernel.0 * window.kernel.1;
    let weight = formula(&[c_out, c_in / groups, window.kernel.0, window.kernel.1], (2.0 / fan_in as f32).sqrt(), 2.0)?;
    FrozenConv::new(&weight, Some(&formula(&[c_out], 0.1, 3.0)?), window, groups, activation)
}

struct Layer {
    c_in: usize,
    c_out: usize,
    size: usize,
    kernel: usize,
    stride: usize,
    groups: usize,
}

const fn layer(c_in: usize, c_out: usize, size: usize, kernel: usize, stride: usize, groups: usize) -> Layer {
    Layer { c_in, c_out, size, kernel, stride, groups }
}

const LAYERS: [Layer; 20] = [
    layer(3, 64, 224, 7, 2, 1),
    layer(64, 64, 56, 3, 1, 1),
    layer(64, 128, 56, 3, 2, 1),
    layer(128, 128, 28, 3, 1, 1),
    layer(256, 256, 14, 3, 1, 1),
    layer(512, 512, 7, 3, 1, 1),
    layer(64, 128, 56, 1, 2, 1),
    layer(3, 32, 224, 3, 2, 1),
    layer(32, 16, 112, 1, 1, 1),
    layer(16, 96, 112, 1, 1, 1),
    layer(96, 24, 56, 1, 1, 1),
    layer(24, 144, 56, 1, 1, 1),
    layer(240, 40, 28, 1, 1, 1),
    layer(672, 112, 14, 1, 1, 1),
    layer(192, 1152, 7, 1, 1, 1),
    layer(32, 32, 112, 3, 1, 32),
    layer(96, 96, 112, 3, 2, 96),
    layer(240, 240, 28, 5, 1, 240),
    layer(672, 672, 14, 5, 1, 672),
    layer(1152, 1152, 7, 5, 1, 1152),
];

impl Layer {
    fn name(&self) -> String {
        let Layer { c_in, c_out, size, kernel, stride, groups } = self;
        format!("conv {c_in} {c_out} {size} {kernel} {stride} {groups}")
    }

    fn shape(&self) -> (usize, usize, usize) {
        (self.c_in, self.size, self.size)
    }

    /// The layer alone, its input and output left in the layout of the kernels: a mean over the output follows.
    fn net(&self) -> Result<FrozenNet> {
        let (mut net, image) = NetBuilder::new(self.c_in, self.size, self.size);
        let window = Window::square(self.kernel, self.stride, self.kernel / 2);
        let output = net.conv(image, conv(self.c_in, self.c_out, window, self.groups, Activation::Relu)?)?;
        let mean = net.global_avg_pool(output)?;
        net.build(&[mean])
    }
}

fn resnet18() -> Result<FrozenNet> {
    let (mut net, image) = NetBuilder::new(3, 224, 224);
    let stem = net.conv(image, conv(3, 64, Window::square(7, 2, 3), 1, Activation::Relu)?)?;
    let mut x = net.max_pool(stem, Window::square(3, 2, 1))?;
    let mut channels = 64;
    for (c_out, stride) in [(64, 1), (64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), (512, 1)] {
        let shortcut = match stride {
            1 => x,
            _ => net.conv(x, conv(channels, c_out, Window::square(1, stride, 0), 1, Activation::None)?)?,
        };
        let inner = net.conv(x, conv(channels, c_out, Window::square(3, stride, 1), 1, Activation::Relu)?)?;
        x = net.conv_add(inner, conv(c_out, c_out, Window::square(3, 1, 1), 1, Activation::Relu)?, shortcut)?;
        channels = c_out;
    }
    let features = net.global_avg_pool(x)?;
    net.build(&[features])
}

fn efficientnet_lite0() -> Result<FrozenNet> {
    let (mut net, image) = NetBuilder::new(3, 224, 224);
    let same = |net: &NetBuilder, x: Value, kernel: usize, stride: usize| {
        let (_, height, width) = net.shape(x);
        let padding = Padding::same((height, width), (kernel, kernel), stride);
        Window { kernel: (kernel, kernel), stride, padding, dilation: 1 }
    };
    let window = same(&net, image, 3, 2);
    let mut x = net.conv(image, conv(3, 32, window, 1, Activation::Relu6)?)?;
    let mut channels = 32;
    // (kernel, stride, expansion, output channels, repeats)
    let stages = [
        (3, 1, 1, 16, 1),
        (3, 2, 6, 24, 2),
        (5, 2, 6, 40, 2),
        (3, 2, 6, 80, 3),
        (5, 1, 6, 112, 3),
        (5, 2, 6, 192, 4),
        (3, 1, 6, 320, 1),
    ];
    for (kernel, stride, expansion, c_out, repeats) in stages {
        for repeat in 0..repeats {
            let stride = if repeat == 0 { stride } else { 1 };
            let wide = channels * expansion;
            let inner = match expansion {
                1 => x,
                _ => net.conv(x, conv(channels, wide, Window::square(1, 1, 0), 1, Activation::Relu6)?)?,
            };
            let window = same(&net, inner, kernel, stride);
            let inner = net.conv(inner, conv(wide, wide, window, wide, Activation::Relu6)?)?;
            let project = conv(wide, c_out, Window::square(1, 1, 0), 1, Activation::None)?;
            x = match repeat {
                0 => net.conv(inner, project)?,
                _ => net.conv_add(inner, project, x)?,
            };
            channels = c_out;
        }
    }
    let head = net.conv(x, conv(320, 1280, Window::square(1, 1, 0), 1, Activation::Relu6)?)?;
    let features = net.global_avg_pool(head)?;
    net.build(&[features])
}
