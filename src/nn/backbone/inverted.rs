//! Networks of inverted residuals: expand 1×1, filter each channel, project 1×1 (Sandler et al. 2018,
//! arXiv:1801.04381).

use super::architecture::{Activation, Architecture, Border, Classifier, Convolution, Node, Offset, Sliding, Stage};

/// One row of an architecture's table: `repeats` blocks of which the first has this stride.
struct Group {
    expand: usize,
    kernel: usize,
    stride: usize,
    channels: usize,
    repeats: usize,
}

const fn group(expand: usize, kernel: usize, stride: usize, channels: usize, repeats: usize) -> Group {
    Group { expand, kernel, stride, channels, repeats }
}

/// Table 2 of MobileNetV2.
const MOBILENET_V2: [Group; 7] = [
    group(1, 3, 1, 16, 1),
    group(6, 3, 2, 24, 2),
    group(6, 3, 2, 32, 3),
    group(6, 3, 2, 64, 4),
    group(6, 3, 1, 96, 3),
    group(6, 3, 2, 160, 3),
    group(6, 3, 1, 320, 1),
];

/// Table 1 of EfficientNet (Tan, Le 2019, arXiv:1905.11946), shared by B0 and Lite0.
const EFFICIENTNET_0: [Group; 7] = [
    group(1, 3, 1, 16, 1),
    group(6, 3, 2, 24, 2),
    group(6, 5, 2, 40, 2),
    group(6, 3, 2, 80, 3),
    group(6, 5, 1, 112, 3),
    group(6, 5, 2, 192, 4),
    group(6, 3, 1, 320, 1),
];

/// The three convolutions of a block.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Step {
    Expand,
    Filter,
    Project,
}

/// What tells one family from another.
struct Family {
    table: [Group; 7],
    activation: Activation,
    epsilon: f64,
    /// TensorFlow's padding instead of torch's.
    same: bool,
    excite: bool,
    /// Names of the convolution and normalisation at the stem and the head.
    ends: [[&'static str; 2]; 2],
    /// Prefix of block `index` of all, which is `repeat` of group `group`.
    block: fn(index: usize, group: usize, repeat: usize) -> String,
    /// Names of a block's convolution and normalisation: the step, and how many come before it.
    step: fn(Step, before: usize) -> [String; 2],
    /// Whether a stage ends with the last block of a group or with the group's own module.
    stage: fn(last: usize, group: usize) -> String,
    classifier: &'static str,
}

/// torchvision's `mobilenet_v2`.
pub fn mobilenet_v2() -> Architecture {
    Family {
        table: MOBILENET_V2,
        activation: Activation::Relu6,
        epsilon: 1e-5,
        same: false,
        excite: false,
        ends: [["features.0.0", "features.0.1"], ["features.18.0", "features.18.1"]],
        block: |index, _, _| format!("features.{}.conv", index + 1),
        step: |step, before| match step {
            // The projection is not wrapped together with its normalisation.
            Step::Project => [before.to_string(), (before + 1).to_string()],
            _ => [format!("{before}.0"), format!("{before}.1")],
        },
        stage: |last, _| format!("features.{}", last + 1),
        classifier: "classifier.1",
    }
    .build()
}

/// torchvision's `efficientnet_b0`.
pub fn efficientnet_b0() -> Architecture {
    Family {
        table: EFFICIENTNET_0,
        activation: Activation::Silu,
        epsilon: 1e-5,
        same: false,
        excite: true,
        ends: [["features.0.0", "features.0.1"], ["features.8.0", "features.8.1"]],
        block: |_, group, repeat| format!("features.{}.{repeat}.block", group + 1),
        step: |_, before| [format!("{before}.0"), format!("{before}.1")],
        stage: |_, group| format!("features.{}", group + 1),
        classifier: "classifier.1",
    }
    .build()
}

/// EfficientNet-Lite0: no excitation, ReLU6, TensorFlow's padding; names of the PyPI package
/// efficientnet-lite-pytorch.
pub fn efficientnet_lite0() -> Architecture {
    Family {
        table: EFFICIENTNET_0,
        activation: Activation::Relu6,
        epsilon: 1e-3,
        same: true,
        excite: false,
        ends: [["_conv_stem", "_bn0"], ["_conv_head", "_bn1"]],
        block: |index, _, _| format!("_blocks.{index}"),
        step: |step, _| {
            let (conv, norm) = match step {
                Step::Expand => ("_expand_conv", "_bn0"),
                Step::Filter => ("_depthwise_conv", "_bn1"),
                Step::Project => ("_project_conv", "_bn2"),
            };
            [conv.to_string(), norm.to_string()]
        },
        stage: |last, _| format!("_blocks.{last}"),
        classifier: "_fc",
    }
    .build()
}

impl Family {
    fn build(&self) -> Architecture {
        const STEM: usize = 32;
        const HEAD: usize = 1280;
        let [stem, head] = self.ends;
        let end = |names: [&str; 2], channels, kernel, stride| {
            let c = self.convolution(names.map(String::from), channels, kernel, stride, 1, self.activation);
            vec![Node::Convolution(c)]
        };
        let stage = |name: String, channels, stride| Stage { name, channels, stride };
        let first = |name: &str| name.strip_suffix(".0").unwrap_or(name).to_string();

        let mut stages = vec![(stage(first(stem[0]), STEM, 2), end(stem, (3, STEM), 3, 2))];
        let (mut input, mut stride, mut index) = (STEM, 2, 0);
        for (number, group) in self.table.iter().enumerate() {
            let mut nodes = Vec::new();
            for repeat in 0..group.repeats {
                let step = if repeat == 0 { group.stride } else { 1 };
                self.block(&mut nodes, &(self.block)(index, number, repeat), input, group, step);
                input = group.channels;
                index += 1;
            }
            stride *= group.stride;
            stages.push((stage((self.stage)(index - 1, number), input, stride), nodes));
        }
        stages.push((stage(first(head[0]), HEAD, stride), end(head, (input, HEAD), 1, 1)));
        Architecture { stages, classifier: Classifier::Linear { name: self.classifier, shape: (HEAD, 1000) } }
    }

    fn block(&self, nodes: &mut Vec<Node<Convolution>>, prefix: &str, input: usize, group: &Group, stride: usize) {
        let wide = input * group.expand;
        let mut body = Vec::new();
        let push = |body: &mut Vec<_>, step, channels, kernel, stride, groups, activation| {
            let names = (self.step)(step, body.len()).map(|name| format!("{prefix}.{name}"));
            body.push(Node::Convolution(self.convolution(names, channels, kernel, stride, groups, activation)));
        };
        if group.expand > 1 {
            push(&mut body, Step::Expand, (input, wide), 1, 1, 1, self.activation);
        }
        push(&mut body, Step::Filter, (wide, wide), group.kernel, stride, wide, self.activation);
        if self.excite {
            // A quarter of the block's input, not of the wide planes, as in the paper's code.
            let narrow = (input / 4).max(1);
            let gate = |part: &str, channels, activation| Convolution {
                name: format!("{prefix}.{}.{part}", body.len()),
                channels,
                window: Sliding { kernel: 1, stride: 1, border: Border::Even(0) },
                groups: 1,
                offset: Offset::Bias,
                activation,
            };
            let squeeze = gate("fc1", (wide, narrow), self.activation);
            let expand = gate("fc2", (narrow, wide), Activation::Sigmoid);
            body.push(Node::Excite { squeeze, expand });
        }
        push(&mut body, Step::Project, (wide, group.channels), 1, 1, 1, Activation::None);

        if stride == 1 && input == group.channels {
            nodes.push(Node::Residual { body, shortcut: None, activation: Activation::None });
        } else {
            nodes.extend(body);
        }
    }

    fn convolution(
        &self,
        [name, norm]: [String; 2],
        channels: (usize, usize),
        kernel: usize,
        stride: usize,
        groups: usize,
        activation: Activation,
    ) -> Convolution {
        let border = if self.same { Border::Same } else { Border::Even(kernel / 2) };
        let offset = Offset::Norm { name: norm, epsilon: self.epsilon };
        Convolution { name, channels, window: Sliding { kernel, stride, border }, groups, offset, activation }
    }
}
