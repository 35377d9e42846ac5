//! Views that convolutions read, and their networks, against PyTorch, NumPy and PyWavelets (tests/reference/seizure_arrays.json,
//! made by the script beside it).

use candle_core::{DType, Device, Tensor};
use qgraft::nn::{Mode, Model, Params};
use qgraft::systems::seizure::{ARRAYS, ConvolutionalView};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Reference {
    networks: Vec<NetworkCase>,
    arrays: Vec<BTreeMap<String, serde_json::Value>>,
}

#[derive(Deserialize)]
struct NetworkCase {
    name: String,
    channels: usize,
    size: (usize, usize),
    filters: usize,
    hidden: usize,
    classes: usize,
    rows: usize,
    features: Vec<f64>,
    logits: Vec<f64>,
    gradients: BTreeMap<String, Vec<f64>>,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("../reference/seizure_arrays.json")).unwrap()
}

/// Element i is scale · sin(0.7 i + phase), as in the script.
fn formula(shape: &[usize], phase: f64, scale: f64) -> Tensor {
    let values: Vec<f64> = (0..shape.iter().product()).map(|i: usize| scale * (0.7 * i as f64 + phase).sin()).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

#[track_caller]
fn assert_near(what: &str, got: &Tensor, expected: &[f64], tolerance: f64) {
    let got: Vec<f64> = got.to_dtype(DType::F64).unwrap().flatten_all().unwrap().to_vec1().unwrap();
    assert_eq!(got.len(), expected.len(), "{what}: number of values");
    for (index, (g, e)) in got.iter().zip(expected).enumerate() {
        assert!((g - e).abs() <= tolerance * e.abs().max(1.0), "{what}: value {index} is {g}, expected {e}");
    }
}

#[test]
fn networks_of_convolutions_and_their_gradients_are_those_of_pytorch() {
    let layers = ["conv.0", "conv.1", "conv.2", "conv.3", "hidden", "classifier"];
    // The reference has ten decimals; single precision adds about 1e-6.
    for (dtype, tolerance) in [(DType::F64, 1e-9), (DType::F32, 2e-5)] {
        for case in reference().networks {
            let name = format!("{} in {dtype:?}", case.name);
            let NetworkCase { channels, size, filters, hidden, classes, .. } = case;
            let model = ConvolutionalView { channels, size, filters, hidden, classes };
            let mut params = Params::new(0, dtype);
            model.build(&mut params).unwrap();
            for (k, layer) in layers.iter().enumerate() {
                for (part, phase, scale) in [("weight", 2.0, 0.4), ("bias", 3.0, 0.1)] {
                    let var = params.find(&format!("{layer}.{part}")).unwrap();
                    var.set(&formula(var.dims(), phase + k as f64, scale).to_dtype(dtype).unwrap()).unwrap();
                }
            }
            let input = formula(&[case.rows, channels, size.0, size.1], 1.0, 1.0).to_dtype(dtype).unwrap();
            let output = model.build(&mut params).unwrap().forward(&[input], Mode::Eval).unwrap();
            assert_near(&format!("{name}: features"), &output.features, &case.features, tolerance);
            assert_near(&format!("{name}: logits"), &output.logits, &case.logits, tolerance);
            let factor = formula(output.logits.dims(), 9.0, 1.0).to_dtype(dtype).unwrap();
            let gradients = (output.logits * factor).unwrap().sum_all().unwrap().backward().unwrap();
            assert_eq!(params.iter().count(), case.gradients.len(), "{name}: parameters");
            for (parameter, expected) in &case.gradients {
                let what = format!("{name}: gradient of {parameter}");
                let gradient = gradients.get(params.find(parameter).unwrap()).expect(&what);
                assert_near(&what, gradient, expected, 10.0 * tolerance);
            }
        }
    }
}

#[test]
fn arrays_of_a_segment_are_those_of_numpy_and_pywavelets() {
    for case in reference().arrays {
        let values = |name: &str| -> Vec<f64> { serde_json::from_value(case[name].clone()).unwrap() };
        let samples = values("time");
        for row in ARRAYS {
            let (own, expected) = ((row.values)(&samples), values(row.name));
            let (height, width) = (row.size)(samples.len());
            assert_eq!(own.len(), height * width, "{} of {} samples", row.name, samples.len());
            let own = Tensor::new(own.as_slice(), &Device::Cpu).unwrap();
            // Logarithms of coefficients near 0 magnify the rounding of sums of 8 to 100 products.
            assert_near(&format!("{} of {} samples", row.name, samples.len()), &own, &expected, 1e-8);
        }
    }
    for row in ARRAYS {
        let flat = (row.values)(&[5.0; 64]);
        assert!(flat.iter().all(|value| value.is_finite()), "{}: a flat segment has finite values", row.name);
    }
}
