//! The network over DNA: strands, names of published weights, and the loss on alignment columns.

use std::sync::Arc;

use approx::assert_relative_eq;
use candle_core::{DType, Device, Tensor, Var};
use qgraft::classic::phylogeny::{F81, Site, Tree};
use qgraft::data::sequence::complement;
use qgraft::math::Stream;
use qgraft::nn::byte_net::{ByteNet, padded};
use qgraft::nn::layer::NormScope;
use qgraft::nn::loss::column_log_likelihood;
use qgraft::nn::{Mode, Model, Params, Weights};

fn net(norm: NormScope) -> ByteNet {
    ByteNet { width: 8, inner: 6, kernel: 5, dilations: vec![1, 5, 2], norm }
}

fn letters(length: usize, seed: u64) -> Vec<u8> {
    let mut stream = Stream::named(seed, "letters");
    (0..length).map(|_| stream.below(6) as u8).collect()
}

/// Parameters away from their start, where factors are 1 and offsets 0.
fn moved(params: &Params, keep: &str) {
    for (name, var) in params.iter().filter(|(name, _)| keep.is_empty() || !name.contains(keep)) {
        let mut stream = Stream::named(1, name);
        let values: Vec<f64> = (0..var.elem_count()).map(|_| 0.3 + stream.normal()).collect();
        var.set(&Tensor::from_vec(values, var.shape(), &Device::Cpu).unwrap()).unwrap();
    }
}

fn theta(net: &ByteNet, params: &mut Params, bases: &[u8]) -> Vec<Vec<f64>> {
    let output = net.build(params).unwrap().forward(&[padded(bases, 0).unwrap()], Mode::Eval).unwrap();
    output.logits.squeeze(0).unwrap().to_vec2::<f64>().unwrap()
}

/// The deviation in double precision is that of rounding.
#[test]
fn the_other_strand_gives_the_complement() {
    for norm in [NormScope::Position, NormScope::Window] {
        let (net, mut params) = (net(norm), Params::new(0, DType::F64));
        net.build(&mut params).unwrap();
        // Norms over windows have factors of their own for each channel, so these stay at their start.
        moved(&params, if norm == NormScope::Window { "norm" } else { "" });
        if norm == NormScope::Window {
            for (name, var) in params.iter().filter(|(name, _)| !name.contains("parametrizations")) {
                let start = if name.ends_with("weight") { 1.0 } else { 0.0 };
                var.set(&(var.as_tensor().zeros_like().unwrap() + start).unwrap()).unwrap();
            }
        }
        let forward = letters(60, 3);
        let reverse: Vec<u8> = forward.iter().rev().map(|base| complement(*base)).collect();
        let (own, other) = (theta(&net, &mut params, &forward), theta(&net, &mut params, &reverse));
        assert_eq!(own.len(), 60 - net.field() + 1);
        for (k, row) in own.iter().enumerate() {
            for b in 0..4 {
                assert_relative_eq!(row[b], other[own.len() - 1 - k][3 - b], epsilon = 1e-9);
            }
        }
    }
}

#[test]
fn an_output_depends_on_its_field_alone() {
    let (net, mut params) = (net(NormScope::Position), Params::new(0, DType::F64));
    let bases = letters(80, 5);
    let whole = theta(&net, &mut params, &bases);
    let part = theta(&net, &mut params, &bases[10..10 + net.field()]);
    assert_eq!(part.len(), 1);
    for b in 0..4 {
        assert_relative_eq!(part[0][b], whole[10][b], epsilon = 1e-12);
    }
}

/// Weights by a formula in place of the published file: the same names, with and without the prefix of its wrapper.
#[test]
fn published_names_load_and_the_count_is_the_published_one() {
    let published = ByteNet::published();
    let outer = |count: usize| 2 * count;
    let block = outer(960) + 960 * 480 + 480 + outer(480) + 480 * 480 * 5 + 480 + outer(480) + 480 * 960 + 960;
    assert_eq!(6 * 960 + 40 * block + outer(960) + 960 * 4 + 4, 83_185_924);
    assert_eq!((published.field(), published.dilations.len()), (481, 40));

    let small = ByteNet { width: 8, inner: 4, dilations: vec![1, 5], ..published };
    let mut params = Params::new(0, DType::F32);
    small.build(&mut params).unwrap();
    let names: Vec<(String, Vec<usize>)> = params.iter().map(|(n, v)| (n.to_string(), v.dims().to_vec())).collect();
    for name in [
        "embedding.parametrizations.weight.original",
        "blocks.1.layers.0.weight",
        "blocks.1.layers.2.parametrizations.weight.original",
        "blocks.1.layers.5.parametrizations.bias.original",
        "blocks.1.layers.8.parametrizations.weight.original",
        "output_layers.0.bias",
        "output_layers.2.parametrizations.weight.original",
    ] {
        assert!(names.iter().any(|(own, _)| own == name), "{name}");
    }
    let formula = |k: usize, i: usize| (((7 * k + 3 * i) % 11) as f32 - 5.0) / 10.0;
    let weights = |prefix: &str, leave: &str| {
        let tensors = names.iter().enumerate().filter(|(_, (name, _))| name != leave).map(|(k, (name, shape))| {
            let values: Vec<f32> = (0..shape.iter().product()).map(|i| formula(k, i)).collect();
            (format!("{prefix}{name}"), Tensor::from_vec(values, &shape[..], &Device::Cpu).unwrap())
        });
        Weights::new(tensors.collect::<Vec<_>>(), "formula".into()).unwrap()
    };
    let mut outputs = Vec::new();
    for prefix in ["", "_model."] {
        let mut params = Params::new(1, DType::F32);
        small.load(&mut params, &weights(prefix, "")).unwrap();
        let input = padded(&[3, 0, 3, 0, 0, 0], small.field() / 2).unwrap();
        let output = small.build(&mut params).unwrap().forward(&[input], Mode::Eval).unwrap();
        outputs.push(output.logits.flatten_all().unwrap().to_vec1::<f32>().unwrap());
    }
    assert_eq!(outputs[0].len(), 24);
    assert_eq!(outputs[0], outputs[1]);
    let missing = weights("", "blocks.0.layers.0.bias");
    let error = small.load(&mut Params::new(1, DType::F32), &missing).unwrap_err().to_string();
    assert!(error.contains("blocks.0.layers.0.bias"), "{error}");
}

/// Values of dossier and brute force as in `phylogeny`; here both parametrisations, through the tensor library.
#[test]
fn the_loss_on_columns_has_the_gradient_of_the_likelihood() {
    let tree = Tree::parse("((A:0.1,B:0.2):0.15,(C:0.3,(D:0.05,E:0.4):0.1):0.25);").unwrap();
    let f81 = Arc::new(F81::new(&tree));
    let columns = Tensor::new(&[[0u8, 0, 2, 3, 2], [0, 0, 2, 4, 2]], &Device::Cpu).unwrap();
    let theta = [[0.3f64, -0.2, 0.5, -0.1]; 2];
    let by_theta = Var::new(&theta, &Device::Cpu).unwrap();
    let values = column_log_likelihood(by_theta.as_tensor(), &columns, &f81).unwrap();
    let expected = [-6.103057265457507, -4.138950972];
    for (found, expected) in values.to_vec1::<f64>().unwrap().into_iter().zip(expected) {
        assert_relative_eq!(found, expected, epsilon = 1e-9);
    }
    let grads = (values.sum_all().unwrap() * 2.0).unwrap().backward().unwrap();
    let found = grads.get(by_theta.as_tensor()).unwrap().to_vec2::<f64>().unwrap();
    for (found, golden) in found[0].iter().zip([0.2653544171, -0.7359843268, 0.5014692612, 0.1866115253]) {
        assert_relative_eq!(*found, 2.0 * golden, epsilon = 1e-8);
    }

    let site = Site::from_theta(theta[0]);
    let row: Vec<f64> = site.frequencies.into_iter().chain([site.log_rate]).collect();
    let by_site = Var::from_tensor(&Tensor::new(vec![row], &Device::Cpu).unwrap()).unwrap();
    let one = columns.narrow(0, 0, 1).unwrap();
    let value = column_log_likelihood(by_site.as_tensor(), &one, &f81).unwrap();
    assert_relative_eq!(value.to_vec1::<f64>().unwrap()[0], expected[0], epsilon = 1e-12);
    let grads = value.sum_all().unwrap().backward().unwrap();
    let slopes = grads.get(by_site.as_tensor()).unwrap().to_vec2::<f64>().unwrap();
    for k in 0..5 {
        let at = |step: f64| {
            let mut row = by_site.as_tensor().to_vec2::<f64>().unwrap();
            row[0][k] += step;
            let moved = Tensor::new(row, &Device::Cpu).unwrap();
            column_log_likelihood(&moved, &one, &f81).unwrap().to_vec1::<f64>().unwrap()[0]
        };
        assert_relative_eq!(slopes[0][k], (at(1e-6) - at(-1e-6)) / 2e-6, max_relative = 1e-6);
    }
}
