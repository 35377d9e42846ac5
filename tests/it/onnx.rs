//! Networks from ONNX files, against the outputs of PyTorch, which exported them (tests/reference/backbones.py).

use std::path::{Path, PathBuf};

use candle_core::{Device, Tensor};
use qgraft::nn::backbone::BackboneRow;
use serde::Deserialize;

fn reference(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/backbones").join(name)
}

/// `noise` of the Python script.
fn images(batch: usize, side: usize) -> Tensor {
    let wave = |i: usize| (12.9898 * i as f64).sin() * 43758.5453;
    let values =
        (0..batch * 3 * side * side).map(|i| (2.0 * (2.0 * (wave(i) - wave(i).floor()) - 1.0)) as f32).collect();
    Tensor::from_vec(values, (batch, 3, side, side), &Device::Cpu).unwrap()
}

#[test]
fn features_are_those_of_the_exporting_library() {
    #[derive(Deserialize)]
    struct Expected {
        features: Vec<Vec<f64>>,
    }
    let text = std::fs::read_to_string(reference("small_onnx.json")).unwrap();
    let expected: Expected = serde_json::from_str(&text).unwrap();
    let row = BackboneRow::named("onnx").unwrap();
    let (network, digest) = row.open(Some(&reference("small.onnx"))).unwrap();
    assert_eq!(network.transform().crop, 32, "the size of its images is the file's");
    let features = network.features(&images(2, 32)).unwrap().to_vec2::<f32>().unwrap();
    for (found, expected) in features.iter().flatten().zip(expected.features.iter().flatten()) {
        // f32 against f64 on values of order one.
        assert!((f64::from(*found) - expected).abs() < 1e-5, "{found} is not {expected}");
    }
    assert_eq!(features.len() * features[0].len(), expected.features.concat().len());
    assert_eq!(row.open(Some(&reference("small.onnx"))).unwrap().1, digest);
}

#[test]
fn what_cannot_be_used_is_refused_by_name() {
    let row = BackboneRow::named("onnx").unwrap();
    let refused = |path: Option<&Path>| row.open(path).err().unwrap().to_string();
    assert!(refused(None).contains("an ONNX file (.onnx)"));
    assert!(refused(Some(Path::new("nowhere.onnx"))).starts_with("nowhere.onnx: "));
    let folder = tempfile::tempdir().unwrap();
    let cut = folder.path().join("cut.onnx");
    let whole = std::fs::read(reference("small.onnx")).unwrap();
    std::fs::write(&cut, &whole[..whole.len() / 2]).unwrap();
    assert!(refused(Some(&cut)).contains("cut.onnx: not an ONNX file"), "{}", refused(Some(&cut)));

    let (network, _) = row.open(Some(&reference("small.onnx"))).unwrap();
    let error = network.features(&images(1, 16)).unwrap_err().to_string();
    assert!(error.contains("32 x 32 pixels"), "{error}");
    assert!(network.logits(&images(1, 32)).is_err() && network.stage_output(&images(1, 32), "stem").is_err());
}
