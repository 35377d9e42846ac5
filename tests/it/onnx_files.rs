//! Networks as ONNX files: the files are those that onnxruntime read and answered as the program does
//! (tests/reference/onnx_networks.json, made by onnx_networks.py beside it).

use std::path::Path;

use candle_core::{DType, Device, Tensor};
use qgraft::math::Stream;
use qgraft::nn::backbone::{Backbone, BackboneRow, Network, Trunk, architecture::Spelling};
use qgraft::nn::head::{Body, HEADS, HeadShape};
use qgraft::nn::layer::{Conv2d, GroupNorm, LayerNorm, Linear, Window};
use qgraft::nn::onnx::{OnnxFacts, OnnxGraph};
use qgraft::nn::{Params, Weights};
use serde::{Deserialize, Serialize};

/// A network as a file, an input of it, and what the program makes of that.
struct Case {
    name: String,
    file: Vec<u8>,
    input: Tensor,
    output: Tensor,
}

/// Numbers in -1..1, the same on every machine: products and sums of exact draws.
fn numbers(name: &str, shape: &[usize]) -> Tensor {
    let mut stream = Stream::named(11, name);
    let values: Vec<f32> =
        (0..shape.iter().product::<usize>()).map(|_| (2.0 * stream.uniform() - 1.0) as f32).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

fn facts(name: &str, width: usize) -> OnnxFacts<'_> {
    OnnxFacts { name, output: ("output", width), metadata: vec![("made for", "a test".to_string())] }
}

fn heads() -> Vec<Case> {
    let shape = HeadShape { features: 6, classes: 3, qubits: 4, depth: 2, weight_sd: 0.3 };
    let rows = HEADS.iter().filter(|row| matches!(row.body, Body::Layers { .. }));
    let case = |row: &qgraft::nn::head::HeadRow| {
        let head = row.build(&mut Params::new(7, DType::F32), &shape, None).unwrap().unwrap();
        // Beyond 1, where a hard tanh is flat.
        let input = (numbers(row.name, &[5, 6]) * 4.0).unwrap();
        let (mut graph, features) = OnnxGraph::new("input", &[6]);
        let logits = head.write(&mut graph, &features).unwrap().unwrap();
        let file = graph.file(&logits, &facts(row.name, 3));
        Case { name: row.name.into(), file, output: head.logits(&input).unwrap(), input }
    };
    rows.map(case).collect()
}

fn layers() -> Case {
    let mut params = Params::new(7, DType::F32);
    let window = Window::square(3, 2, 1);
    let convolution = Conv2d::new(&mut params, "convolution", (3, 8), window, 1, true).unwrap();
    let groups = GroupNorm::new(&mut params, "groups", 4, 8).unwrap();
    let layer = LayerNorm::new(&mut params, "layer", 8).unwrap();
    let linear = Linear::new(&mut params, "linear", (8, 5), true).unwrap();
    for (name, var) in params.iter() {
        var.set(&numbers(name, var.dims())).unwrap();
    }
    let input = numbers("pictures", &[2, 3, 9, 9]);
    let planes = groups.forward(&convolution.forward(&input).unwrap()).unwrap().relu().unwrap();
    let means = qgraft::nn::layer::global_avg_pool(&planes).unwrap();
    let output = linear.forward(&layer.forward(&means).unwrap()).unwrap();
    let (mut graph, pictures) = OnnxGraph::new("input", &[3, 9, 9]);
    let planes = convolution.write(&mut graph, &pictures).unwrap();
    let planes = groups.write(&mut graph, &planes).unwrap();
    let planes = graph.node("Relu", &[&planes], &[]);
    let means = graph.plane_means(&planes);
    let normal = layer.write(&mut graph, &means).unwrap();
    let last = linear.write(&mut graph, &normal).unwrap();
    Case { name: "layers".into(), file: graph.file(&last, &facts("layers", 5)), input, output }
}

/// Weights of a size at which activations neither vanish nor grow, variances near 1.
fn weights(row: &BackboneRow) -> Weights {
    let Network::Layers(layers) = row.network else { panic!("{}", row.name) };
    let (trunk, classifier) = layers(Spelling::Torchvision).parameters();
    let tensor = |(name, shape): (String, Vec<usize>)| {
        let spread = match shape.len() {
            1 => 0.3,
            _ => (6.0 / shape[1..].iter().product::<usize>() as f64).sqrt(),
        };
        let middle = if shape.len() == 1 && (name.ends_with("weight") || name.ends_with("var")) { 1.0 } else { 0.0 };
        let values = numbers(&name, &shape);
        (name, ((values * spread).unwrap() + middle).unwrap())
    };
    Weights::new(trunk.into_iter().chain(classifier).map(tensor).collect::<Vec<_>>(), "drawn".into()).unwrap()
}

/// Features of convolutional backbones: blocks side by side and windows that end outside (SqueezeNet), sides of unequal padding
/// (EfficientNet-Lite0, with its own weights), excitation (EfficientNet-B0), groups and short ways (RegNet).
fn trunks() -> Vec<Case> {
    let case = |name: &str| {
        let row = BackboneRow::named(name).unwrap();
        let own = if row.is_at_hand() { row.weights(None).unwrap() } else { weights(row) };
        let trunk = Trunk::new(row, &own).unwrap();
        let input = numbers("pictures", &[2, 3, 64, 64]);
        let output = trunk.features(&input).unwrap();
        let (mut graph, pictures) = OnnxGraph::new("input", &[3, 64, 64]);
        let planes = trunk.write(&mut graph, &pictures, (64, 64), None).unwrap();
        let features = graph.plane_means(&planes);
        Case { name: name.into(), file: graph.file(&features, &facts(name, row.width.unwrap())), input, output }
    };
    ["squeezenet1_1", "efficientnet_lite0", "efficientnet_b0", "regnet_x_400mf"].map(case).into()
}

/// CRC-32 (ISO 3309, as zlib's).
fn crc32(bytes: &[u8]) -> u32 {
    let entry = |byte: u32| (0..8).fold(byte, |c, _| if c & 1 == 1 { 0xedb8_8320 ^ (c >> 1) } else { c >> 1 });
    let table: Vec<u32> = (0..256).map(entry).collect();
    !bytes.iter().fold(!0u32, |c, byte| table[((c ^ u32::from(*byte)) & 255) as usize] ^ (c >> 8))
}

/// What onnxruntime made of a file.
#[derive(Deserialize)]
struct Answered {
    name: String,
    /// Of the file.
    crc32: u32,
    /// Every so many outputs, from the first on.
    step: usize,
    outputs: Vec<f32>,
}

#[derive(Serialize)]
struct Asked {
    shape: Vec<usize>,
    values: Vec<f32>,
}

#[test]
fn files_of_networks_are_those_that_another_runtime_answers_alike() {
    assert_eq!(crc32(b"123456789"), 0xcbf4_3926, "the check value of the standard");
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/onnx_networks.json");
    let answered: Vec<Answered> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let cases: Vec<Case> = heads().into_iter().chain([layers()]).chain(trunks()).collect();
    for Case { name, file, input, output } in cases {
        let flat = |tensor: &Tensor| tensor.flatten_all().unwrap().to_vec1::<f32>().unwrap();
        if let Some(folder) = std::env::var_os("QGRAFT_WRITE_ONNX") {
            let path = Path::new(&folder).join(&name);
            let asked = Asked { shape: input.dims().to_vec(), values: flat(&input) };
            std::fs::write(path.with_extension("onnx"), &file).unwrap();
            std::fs::write(path.with_extension("json"), serde_json::to_string(&asked).unwrap()).unwrap();
            continue;
        }
        let answered = answered.iter().find(|answered| answered.name == name).unwrap();
        assert_eq!(crc32(&file), answered.crc32, "{name}: the file is not the one that was checked");
        let own: Vec<f32> = flat(&output).into_iter().step_by(answered.step).collect();
        assert_eq!(own.len(), answered.outputs.len(), "{name}");
        let largest = own.iter().fold(0f32, |most, value| most.max(value.abs()));
        for (own, other) in own.iter().zip(&answered.outputs) {
            // Sums of thousands of products in single precision, in another order.
            assert!((own - other).abs() <= 2e-5 * largest, "{name}: {own} against {other}, the largest {largest}");
        }
    }
}

#[test]
fn what_has_no_operators_is_refused_by_name() {
    let row = BackboneRow::named("vit_small").unwrap();
    let trunk = Trunk::new(row, &weights(row)).unwrap();
    let (mut graph, pictures) = OnnxGraph::new("input", &[3, 224, 224]);
    let error = trunk.write(&mut graph, &pictures, (224, 224), None).unwrap_err().to_string();
    assert!(error.contains("vision transformers are not written to ONNX"), "{error}");
    let model = qgraft::nn::head::HeadConfig::named("quantum").unwrap().model(6, 3).unwrap();
    let head = model.build(&mut Params::new(7, DType::F32)).unwrap();
    let (mut graph, features) = OnnxGraph::new("input", &[6]);
    assert!(head.write(&mut graph, &features).unwrap().is_none(), "a circuit");
}
