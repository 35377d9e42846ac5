//! Connectionist temporal classification against PyTorch (tests/reference/ctc.json, made by ctc.py beside it) and against
//! all paths, written out.

use candle_core::{DType, Device, Tensor, Var};
use qgraft::nn::loss::ctc;
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    name: String,
    classes: usize,
    most: usize,
    labels: Vec<Vec<u32>>,
    frames: Vec<u32>,
    blank: u32,
    /// Nothing where it is infinite.
    losses: Vec<Option<f64>>,
    gradients: Vec<f64>,
}

fn logits(rows: usize, most: usize, classes: usize) -> Tensor {
    let values: Vec<f64> = (0..rows * most * classes).map(|i| 1.5 * (0.7 * i as f64 + 1.0).sin()).collect();
    Tensor::from_vec(values, (rows, most, classes), &Device::Cpu).unwrap()
}

/// (rows, longest), shorter rows filled up with the blank.
fn padded(labels: &[Vec<u32>], blank: u32) -> Tensor {
    let longest = labels.iter().map(Vec::len).max().unwrap_or(0).max(1);
    let row = |row: &Vec<u32>| row.iter().copied().chain(vec![blank; longest - row.len()]).collect::<Vec<_>>();
    Tensor::from_vec(labels.iter().flat_map(row).collect(), (labels.len(), longest), &Device::Cpu).unwrap()
}

#[test]
fn losses_and_gradients_are_those_of_pytorch() {
    let cases: Vec<Case> = serde_json::from_str(include_str!("../reference/ctc.json")).unwrap();
    for Case { name, classes, most, labels, frames, blank, losses, gradients } in cases {
        for (dtype, tolerance) in [(DType::F64, 1e-12), (DType::F32, 1e-5)] {
            let rows = labels.len();
            let var = Var::from_tensor(&logits(rows, most, classes).to_dtype(dtype).unwrap()).unwrap();
            let (labels, frames) = (padded(&labels, blank), Tensor::new(frames.clone(), &Device::Cpu).unwrap());
            let got = ctc(var.as_tensor(), &labels, &frames, blank).unwrap();
            let computed = got.to_dtype(DType::F64).unwrap().to_vec1::<f64>().unwrap();
            for (got, expected) in computed.iter().zip(&losses) {
                let expected = expected.unwrap_or(f64::INFINITY);
                assert!(*got == expected || (got - expected).abs() < tolerance, "{name}: {got} against {expected}");
            }
            let weights = Tensor::arange(1u32, rows as u32 + 1, &Device::Cpu).unwrap().to_dtype(dtype).unwrap();
            let store = (got * weights).unwrap().sum_all().unwrap().backward().unwrap();
            let slopes = store.get(var.as_tensor()).unwrap().to_dtype(DType::F64).unwrap();
            for (got, expected) in slopes.flatten_all().unwrap().to_vec1::<f64>().unwrap().iter().zip(&gradients) {
                assert!((got - expected).abs() < tolerance, "{name}: slope {got} against {expected}");
            }
        }
    }
}

#[test]
fn the_probabilities_of_all_labellings_sum_to_one() {
    let (most, classes) = (4, 3);
    let one = logits(1, most, classes);
    let frames = Tensor::new(&[most as u32], &Device::Cpu).unwrap();
    let mut total = 0.0;
    // Blank is 0; every sequence of up to four of the two other classes.
    let mut sequences: Vec<Vec<u32>> = vec![vec![]];
    for _ in 0..most {
        let longer: Vec<Vec<u32>> =
            sequences.iter().flat_map(|row| [1, 2].map(|label| [&row[..], &[label]].concat())).collect();
        sequences.extend(longer);
        sequences.sort();
        sequences.dedup();
    }
    assert_eq!(sequences.len(), 31);
    for labels in sequences {
        let loss = ctc(&one, &padded(&[labels], 0), &frames, 0).unwrap().to_vec1::<f64>().unwrap()[0];
        total += (-loss).exp();
    }
    assert!((total - 1.0).abs() < 1e-12, "{total}");
}

#[test]
fn what_does_not_fit_is_refused() {
    let one = logits(1, 4, 3);
    let tensor = |values: &[u32]| Tensor::new(values, &Device::Cpu).unwrap();
    let labels = |values: &[u32]| tensor(values).unsqueeze(0).unwrap();
    let refused = [
        (labels(&[1, 3]), tensor(&[4]), 0, "label 3 of 3 classes"),
        (labels(&[1]), tensor(&[5]), 0, "5 frames of 4"),
        (labels(&[1]), tensor(&[4]), 3, "label 3 of 3 classes"),
        (labels(&[1]), tensor(&[4, 4]), 0, "2 of frames"),
    ];
    for (labels, frames, blank, part) in refused {
        let message = ctc(&one, &labels, &frames, blank).unwrap_err().to_string();
        assert!(message.contains(part), "{message}");
    }
}
