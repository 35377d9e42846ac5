//! Networks of residual blocks whose activation follows the sum: ResNet and RegNetX.

use super::architecture::{
    Activation, Architecture, Border, Classifier, Convolution, Node, Offset, Sliding, Spelling, Stage,
};

/// A convolution padded to keep the plane's size, normalised.
fn convolution(
    [name, norm]: [String; 2],
    channels: (usize, usize),
    kernel: usize,
    stride: usize,
    groups: usize,
    activation: Activation,
) -> Convolution {
    let window = Sliding { kernel, stride, border: Border::Even(kernel / 2) };
    Convolution { name, channels, window, groups, offset: Offset::Norm { name: norm, epsilon: 1e-5 }, activation }
}

/// A block with a 1×1 convolution on the short way where the shapes differ.
fn residual(
    body: Vec<Convolution>,
    last: Convolution,
    shortcut: [String; 2],
    channels: (usize, usize),
    stride: usize,
) -> Node<Convolution> {
    let differs = stride != 1 || channels.0 != channels.1;
    let shortcut = differs.then(|| convolution(shortcut, channels, 1, stride, 1, Activation::None));
    Node::Residual { body: body.into_iter().map(Node::Convolution).collect(), last, shortcut }
}

/// torchvision's and timm's `resnet18` (He et al. 2016, arXiv:1512.03385, table 1), which agree on the names.
pub fn resnet18(_: Spelling) -> Architecture {
    let stem = convolution(["conv1".into(), "bn1".into()], (3, 64), 7, 2, 1, Activation::Relu);
    let pool = Sliding { kernel: 3, stride: 2, border: Border::Even(1) };
    let first = Stage { name: "maxpool".into(), channels: 64, stride: 4 };
    let mut stages = vec![(first, vec![Node::Convolution(stem), Node::MaxPool(pool)])];
    let (mut input, mut total) = (64, 4);
    for (number, channels) in [64, 128, 256, 512].into_iter().enumerate() {
        let name = format!("layer{}", number + 1);
        let mut nodes = Vec::new();
        for repeat in 0..2 {
            let stride = if number > 0 && repeat == 0 { 2 } else { 1 };
            let names = |conv: &str, norm: &str| [conv, norm].map(|part| format!("{name}.{repeat}.{part}"));
            let body = vec![convolution(names("conv1", "bn1"), (input, channels), 3, stride, 1, Activation::Relu)];
            let last = convolution(names("conv2", "bn2"), (channels, channels), 3, 1, 1, Activation::Relu);
            nodes.push(residual(body, last, names("downsample.0", "downsample.1"), (input, channels), stride));
            input = channels;
            total *= stride;
        }
        stages.push((Stage { name, channels, stride: total }, nodes));
    }
    Architecture { stages, classifier: Classifier::Linear { name: "fc", shape: (512, 1000) } }
}

/// torchvision's `regnet_x_400mf`, timm's `regnetx_004_tv` (Radosavovic et al. 2020, arXiv:2003.13678).
pub fn regnet_x_400mf(spelling: Spelling) -> Architecture {
    /// Channels and blocks of each stage: what w_0 = 24, w_a = 24.48, w_m = 2.54, depth 22 round to.
    const STAGES: [(usize, usize); 4] = [(32, 1), (64, 2), (160, 7), (400, 12)];
    const GROUP_WIDTH: usize = 16;
    let pair = spelling.choose(["0", "1"], ["conv", "bn"]);
    let [reduce, filter, project, shortcut] =
        spelling.choose(["f.a", "f.b", "f.c", "proj"], ["conv1", "conv2", "conv3", "downsample"]);
    let stem = convolution(pair.map(|part| format!("stem.{part}")), (3, 32), 3, 2, 1, Activation::Relu);
    let first = Stage { name: "stem".into(), channels: 32, stride: 2 };
    let mut stages = vec![(first, vec![Node::Convolution(stem)])];
    let mut input = 32;
    for (number, (channels, blocks)) in STAGES.into_iter().enumerate() {
        let name = format!("{}{}", spelling.choose("trunk_output.block", "s"), number + 1);
        let mut nodes = Vec::new();
        for block in 0..blocks {
            let stride = if block == 0 { 2 } else { 1 };
            let path = match spelling {
                Spelling::Torchvision => format!("{name}.block{}-{block}", number + 1),
                Spelling::Timm => format!("{name}.b{}", block + 1),
            };
            let names = |layer: &str| pair.map(|part| format!("{path}.{layer}.{part}"));
            let groups = channels / GROUP_WIDTH;
            let body = vec![
                convolution(names(reduce), (input, channels), 1, 1, 1, Activation::Relu),
                convolution(names(filter), (channels, channels), 3, stride, groups, Activation::Relu),
            ];
            let last = convolution(names(project), (channels, channels), 1, 1, 1, Activation::Relu);
            nodes.push(residual(body, last, names(shortcut), (input, channels), stride));
            input = channels;
        }
        stages.push((Stage { name, channels, stride: 4 << number }, nodes));
    }
    Architecture {
        stages,
        classifier: Classifier::Linear { name: spelling.choose("fc", "head.fc"), shape: (400, 1000) },
    }
}
