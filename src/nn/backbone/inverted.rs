//! Networks of inverted residuals: expand 1×1, filter each channel, project 1×1 (Sandler et al. 2018,
//! arXiv:1801.04381).

use super::architecture::{
    Activation, Architecture, Border, Classifier, Convolution, Node, Offset, Sliding, Spelling, Stage,
};

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

/// How one network differs from another.
struct Family {
    table: [Group; 7],
    activation: Activation,
    epsilon: f64,
    /// TensorFlow's padding instead of torch's.
    same: bool,
    excite: bool,
}

/// How a checkpoint calls the layers.
struct Names {
    /// Convolution and normalisation of the stem and of the head.
    ends: [[&'static str; 2]; 2],
    /// Prefix of block `index` of all, which is `repeat` of group `group`.
    block: fn(index: usize, group: usize, repeat: usize) -> String,
    /// Convolution and normalisation of a step in a block that has so many layers before it.
    step: fn(step: Step, before: usize, expands: bool) -> [String; 2],
    /// The two layers of an excitation that has so many layers before it.
    excite: fn(before: usize) -> [String; 2],
    /// The stage that ends with block `last` of all, which is in group `group`.
    stage: fn(last: usize, group: usize) -> String,
    classifier: &'static str,
}

const MOBILENET_V2_NAMES: Names = Names {
    ends: [["features.0.0", "features.0.1"], ["features.18.0", "features.18.1"]],
    block: |index, _, _| format!("features.{}.conv", index + 1),
    step: |step, before, _| match step {
        // The projection is not wrapped together with its normalisation.
        Step::Project => [before.to_string(), (before + 1).to_string()],
        _ => [format!("{before}.0"), format!("{before}.1")],
    },
    excite: |before| [format!("{before}.fc1"), format!("{before}.fc2")],
    stage: |last, _| format!("features.{}", last + 1),
    classifier: "classifier.1",
};

const EFFICIENTNET_NAMES: Names = Names {
    ends: [["features.0.0", "features.0.1"], ["features.8.0", "features.8.1"]],
    block: |_, group, repeat| format!("features.{}.{repeat}.block", group + 1),
    step: |_, before, _| [format!("{before}.0"), format!("{before}.1")],
    stage: |_, group| format!("features.{}", group + 1),
    ..MOBILENET_V2_NAMES
};

const LITE_NAMES: Names = Names {
    ends: [["_conv_stem", "_bn0"], ["_conv_head", "_bn1"]],
    block: |index, _, _| format!("_blocks.{index}"),
    step: |step, _, _| match step {
        Step::Expand => ["_expand_conv".into(), "_bn0".into()],
        Step::Filter => ["_depthwise_conv".into(), "_bn1".into()],
        Step::Project => ["_project_conv".into(), "_bn2".into()],
    },
    stage: |last, _| format!("_blocks.{last}"),
    classifier: "_fc",
    ..MOBILENET_V2_NAMES
};

const TIMM_NAMES: Names = Names {
    ends: [["conv_stem", "bn1"], ["conv_head", "bn2"]],
    block: |_, group, repeat| format!("blocks.{group}.{repeat}"),
    step: |step, _, expands| match (step, expands) {
        (Step::Expand, _) => ["conv_pw".into(), "bn1".into()],
        (Step::Filter, _) => ["conv_dw".into(), format!("bn{}", 1 + usize::from(expands))],
        (Step::Project, false) => ["conv_pw".into(), "bn2".into()],
        (Step::Project, true) => ["conv_pwl".into(), "bn3".into()],
    },
    excite: |_| ["se.conv_reduce".into(), "se.conv_expand".into()],
    stage: |_, group| format!("blocks.{group}"),
    classifier: "classifier",
};

/// torchvision's `mobilenet_v2`, timm's `mobilenetv2_100`.
pub fn mobilenet_v2(spelling: Spelling) -> Architecture {
    Family { table: MOBILENET_V2, activation: Activation::Relu6, epsilon: 1e-5, same: false, excite: false }
        .build(&spelling.choose(MOBILENET_V2_NAMES, TIMM_NAMES))
}

/// torchvision's and timm's `efficientnet_b0`.
pub fn efficientnet_b0(spelling: Spelling) -> Architecture {
    Family { table: EFFICIENTNET_0, activation: Activation::Silu, epsilon: 1e-5, same: false, excite: true }
        .build(&spelling.choose(EFFICIENTNET_NAMES, TIMM_NAMES))
}

/// EfficientNet-Lite0, as Google published it
/// (<https://github.com/tensorflow/tpu/tree/master/models/official/efficientnet/lite>); names of the PyPI package
/// efficientnet-lite-pytorch, since torchvision has no such network, or of timm's `tf_efficientnet_lite0`.
pub fn efficientnet_lite0(spelling: Spelling) -> Architecture {
    Family { table: EFFICIENTNET_0, activation: Activation::Relu6, epsilon: 1e-3, same: true, excite: false }
        .build(&spelling.choose(LITE_NAMES, TIMM_NAMES))
}

/// Channels that leave the stem, and that leave the head.
const ENDS: (usize, usize) = (32, 1280);

impl Family {
    fn build(&self, names: &Names) -> Architecture {
        let [stem, head] = names.ends.map(|names| names.map(String::from));
        // torchvision wraps convolution and normalisation: the stage is called like what holds both.
        let stage_name = |conv: &String| conv.strip_suffix(".0").unwrap_or(conv).to_string();
        let end = |names: [String; 2], channels: (usize, usize), kernel, step, stride| {
            let stage = Stage { name: stage_name(&names[0]), channels: channels.1, stride };
            let convolution = self.convolution(names, channels, kernel, step, 1, self.activation);
            (stage, vec![Node::Convolution(convolution)])
        };

        let mut stages = vec![end(stem, (3, ENDS.0), 3, 2, 2)];
        let (mut input, mut stride, mut index) = (ENDS.0, 2, 0);
        for (number, group) in self.table.iter().enumerate() {
            stride *= group.stride;
            let mut nodes = Vec::new();
            for repeat in 0..group.repeats {
                let step = if repeat == 0 { group.stride } else { 1 };
                let path = (names.block)(index, number, repeat);
                let (body, last) = self.block(names, &path, input, group, step);
                if step == 1 && input == group.channels {
                    nodes.push(Node::Residual { body, last, shortcut: None });
                } else {
                    nodes.extend(body);
                    nodes.push(Node::Convolution(last));
                }
                input = group.channels;
                index += 1;
            }
            stages.push((Stage { name: (names.stage)(index - 1, number), channels: input, stride }, nodes));
        }
        stages.push(end(head, (input, ENDS.1), 1, 1, stride));
        Architecture { stages, classifier: Classifier::Linear { name: names.classifier, shape: (ENDS.1, 1000) } }
    }

    /// Expand, filter, excite (the first and the third only if asked for), and the projection.
    fn block(
        &self,
        names: &Names,
        path: &str,
        input: usize,
        group: &Group,
        stride: usize,
    ) -> (Vec<Node<Convolution>>, Convolution) {
        let (wide, expands) = (input * group.expand, group.expand > 1);
        let inside = |names: [String; 2]| names.map(|name| format!("{path}.{name}"));
        let step = |step, before| inside((names.step)(step, before, expands));
        let mut body = Vec::new();
        if expands {
            let names = step(Step::Expand, body.len());
            body.push(Node::Convolution(self.convolution(names, (input, wide), 1, 1, 1, self.activation)));
        }
        let filter_names = step(Step::Filter, body.len());
        let filter = self.convolution(filter_names, (wide, wide), group.kernel, stride, wide, self.activation);
        body.push(Node::Convolution(filter));
        if self.excite {
            // A quarter of the block's input, not of the wide planes, as in the paper's code.
            let narrow = (input / 4).max(1);
            let [squeeze, expand] = inside((names.excite)(body.len()));
            let gate = |name, channels, activation| Convolution {
                name,
                channels,
                window: Sliding { kernel: 1, stride: 1, border: Border::Even(0) },
                groups: 1,
                offset: Offset::Bias,
                activation,
            };
            body.push(Node::Excite {
                squeeze: gate(squeeze, (wide, narrow), self.activation),
                expand: gate(expand, (narrow, wide), Activation::Sigmoid),
            });
        }
        let names = step(Step::Project, body.len());
        let project = self.convolution(names, (wide, group.channels), 1, 1, 1, Activation::None);
        (body, project)
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
