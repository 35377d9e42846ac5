//! Vision transformers: ViT and Swin, with torchvision's names.

use super::architecture::{
    Activation, Architecture, Border, Classifier, Convolution, Node, Offset, Sliding, Spelling, Stage, TokenLayer,
    Tokens,
};

/// Sizes of a vision transformer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VisionSize {
    /// Pixels along the side of a picture.
    pub side: usize,
    /// Pixels along the side of a patch; they divide the side.
    pub patch: usize,
    /// Width of a token.
    pub width: usize,
    /// Number of encoders.
    pub depth: usize,
    /// Heads of each; they divide the width.
    pub heads: usize,
    /// Width between the linear layers.
    pub hidden: usize,
    /// Classes of its own classifier.
    pub classes: usize,
}

/// A convolution whose windows do not overlap.
fn patches(name: &str, width: usize, patch: usize) -> Node<Convolution> {
    Node::Convolution(Convolution {
        name: name.into(),
        channels: (3, width),
        window: Sliding { kernel: patch, stride: patch, border: Border::Even(0) },
        groups: 1,
        offset: Offset::Bias,
        activation: Activation::None,
    })
}

fn tokens(kind: Tokens) -> Node<Convolution> {
    Node::Tokens(TokenLayer::new(kind))
}

/// A vision transformer (Dosovitskiy et al. 2021, arXiv:2010.11929) with a stage for each encoder. Planes between stages are
/// (batch, width, 1, tokens); features are the class token. Its second spelling is torchvision's own first one, which the file of
/// its published weights has.
pub fn vision_transformer(size: VisionSize, spelling: Spelling) -> Architecture {
    let VisionSize { side, patch, width, depth, heads, hidden, classes } = size;
    let linear = spelling.choose(["mlp.0", "mlp.3"], ["mlp.linear_1", "mlp.linear_2"]);
    let grid = side / patch;
    let stage = |name: String| Stage { name, channels: width, stride: patch };
    let embed = tokens(Tokens::Prepend { width, patches: grid * grid });
    let mut stages = vec![(stage("encoder.pos_embedding".into()), vec![patches("conv_proj", width, patch), embed])];
    for number in 0..depth {
        let name = format!("encoder.layers.encoder_layer_{number}");
        let mut nodes = vec![tokens(Tokens::Encoder { name: name.clone(), width, heads, hidden, linear })];
        let is_last = number + 1 == depth;
        if is_last {
            nodes.push(tokens(Tokens::ClassToken));
            nodes.push(tokens(Tokens::Norm { name: "encoder.ln".into(), width, epsilon: 1e-6 }));
        }
        stages.push((stage(if is_last { "encoder.ln".into() } else { name }), nodes));
    }
    Architecture { stages, classifier: Classifier::Linear { name: "heads.head", shape: (width, classes) } }
}

/// torchvision's `vit_b_16` for pictures of 224 pixels.
pub fn vit_b_16(spelling: Spelling) -> Architecture {
    let size = VisionSize { side: 224, patch: 16, width: 768, depth: 12, heads: 12, hidden: 3072, classes: 1000 };
    vision_transformer(size, spelling)
}

/// ViT-B/16 with a quarter of its width and half of its depth.
pub fn vit_small(spelling: Spelling) -> Architecture {
    let size = VisionSize { side: 224, patch: 16, width: 192, depth: 6, heads: 3, hidden: 768, classes: 1000 };
    vision_transformer(size, spelling)
}

/// torchvision's `swin_t` (Liu et al. 2021, arXiv:2103.14030).
pub fn swin_t(_: Spelling) -> Architecture {
    const WINDOW: usize = 7;
    let norm = |name: &str, width| tokens(Tokens::Norm { name: name.into(), width, epsilon: 1e-5 });
    let mut nodes = vec![patches("features.0.0", 96, 4), norm("features.0.2", 96)];
    let mut stages = Vec::new();
    for (number, (width, depth)) in [(96, 2), (192, 2), (384, 6), (768, 2)].into_iter().enumerate() {
        if number > 0 {
            nodes.push(tokens(Tokens::Merge { name: format!("features.{}", 2 * number), width: width / 2 }));
        }
        let name = format!("features.{}", 2 * number + 1);
        for block in 0..depth {
            let shift = if block % 2 == 0 { 0 } else { WINDOW / 2 };
            let name = format!("{name}.{block}");
            nodes.push(tokens(Tokens::Windows { name, width, heads: width / 32, window: WINDOW, shift }));
        }
        let is_last = number == 3;
        if is_last {
            nodes.push(norm("norm", width));
        }
        let name = if is_last { "norm".into() } else { name };
        stages.push((Stage { name, channels: width, stride: 4 << number }, std::mem::take(&mut nodes)));
    }
    Architecture { stages, classifier: Classifier::Linear { name: "head", shape: (768, 1000) } }
}
