//! SqueezeNet 1.1 (Iandola et al. 2016, arXiv:1602.07360): no normalisation, fire modules.

use super::architecture::{
    Activation, Architecture, Border, Classifier, Convolution, Node, Offset, Sliding, Spelling, Stage,
};

fn convolution(
    name: String,
    channels: (usize, usize),
    kernel: usize,
    stride: usize,
    border: usize,
    activation: Activation,
) -> Convolution {
    let window = Sliding { kernel, stride, border: Border::Even(border) };
    Convolution { name, channels, window, groups: 1, offset: Offset::Bias, activation }
}

/// Squeeze 1×1, then 1×1 and 3×3 side by side.
fn fire(name: String, input: usize, squeezed: usize, half: usize) -> [Node<Convolution>; 2] {
    let relu = |part: &str, channels, kernel: usize| {
        convolution(format!("{name}.{part}"), channels, kernel, 1, kernel / 2, Activation::Relu)
    };
    let expand = vec![relu("expand1x1", (squeezed, half), 1), relu("expand3x3", (squeezed, half), 3)];
    [Node::Convolution(relu("squeeze", (input, squeezed), 1)), Node::Concat(expand)]
}

/// torchvision's `squeezenet1_1`. The last stage has one plane per class, before torchvision's last ReLU: the features
/// are the means of these planes. timm has no such network.
pub fn squeezenet1_1(_: Spelling) -> Architecture {
    /// Per stage, each behind a pool: squeezed channels, half the output channels.
    const FIRES: [&[(usize, usize)]; 3] =
        [&[(16, 64), (16, 64)], &[(32, 128), (32, 128)], &[(48, 192), (48, 192), (64, 256), (64, 256)]];
    const CLASSES: usize = 1000;
    let stem = convolution("features.0".into(), (3, 64), 3, 2, 0, Activation::Relu);
    let first = Stage { name: "features.0".into(), channels: 64, stride: 2 };
    let mut stages = vec![(first, vec![Node::Convolution(stem)])];
    // Activations and pools have numbers of their own in torchvision: 1 is a ReLU.
    let (mut input, mut number) = (64, 2);
    for (stage, fires) in FIRES.iter().enumerate() {
        let mut nodes = vec![Node::MaxPool(Sliding { kernel: 3, stride: 2, border: Border::Ceil })];
        for &(squeezed, half) in *fires {
            number += 1;
            nodes.extend(fire(format!("features.{number}"), input, squeezed, half));
            input = 2 * half;
        }
        stages.push((Stage { name: format!("features.{number}"), channels: input, stride: 4 << stage }, nodes));
        number += 1;
    }
    let planes = convolution("classifier.1".into(), (input, CLASSES), 1, 1, 0, Activation::None);
    let last = Stage { name: "classifier.1".into(), channels: CLASSES, stride: 16 };
    stages.push((last, vec![Node::Convolution(planes)]));
    Architecture { stages, classifier: Classifier::PositiveMean }
}
