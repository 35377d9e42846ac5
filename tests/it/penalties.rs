//! What methods add to a loss: distances between domains and the kernels they are taken by, slopes of losses.

use candle_core::{DType, Device, Tensor, Var};
use qgraft::nn::loss::{Loss, Objective};
use qgraft::nn::{Examples, Mode, Network, NnError, Output, Params};
use qgraft::transfer::penalty::{Bank, Estimate, Fidelity, Kernels, Mmd, coral, mmd};
use qgraft::transfer::{Batch, Transfer};

#[test]
fn distances_between_domains_have_their_known_values() {
    let x = Tensor::new(&[[0.0f64, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]], &Device::Cpu).unwrap();
    let y = Tensor::new(&[[0.5f64, 0.5], [1.5, 0.5], [2.0, 2.0]], &Device::Cpu).unwrap();
    // Computed with numpy: k = e^{-d²/2}, and the mean of e^{-g d²} for g = 1/4, 1/2, 1, 2; nine decimals.
    let bank: Vec<f64> = [0.25, 0.5, 1.0, 2.0].iter().map(|g| 0.5 / g).collect();
    for (variances, estimate, expected) in [
        (&[1.0][..], Estimate::Biased, 0.234413002),
        (&[1.0], Estimate::Unbiased, -0.106238081),
        (&bank, Estimate::Biased, 0.250419601),
        (&bank, Estimate::Unbiased, -0.140711387),
    ] {
        let got: f64 = mmd(&x, &y, &Bank::gaussians(variances), estimate).unwrap().to_scalar().unwrap();
        assert!((got - expected).abs() < 1e-9, "{estimate:?} of {variances:?}: {got}");
    }
    let got: f64 = coral(&x, &y).unwrap().to_scalar().unwrap();
    assert!((got - 0.046006944).abs() < 1e-9, "coral: {got}");
    let same: f64 = mmd(&x, &x, &Bank::gaussians(&[1.0]), Estimate::Biased).unwrap().to_scalar().unwrap();
    assert!(same.abs() < 1e-15);
    // Three rows on a line: distances 1, 4, 9, of which the median is 4.
    let line = Tensor::new(&[[0.0f64], [1.0], [3.0]], &Device::Cpu).unwrap();
    let middle = Bank::median(&line.narrow(0, 0, 1).unwrap(), &line.narrow(0, 1, 2).unwrap()).unwrap();
    assert_eq!(middle.variances, [1.0, 2.0, 4.0, 8.0, 16.0]);
}

#[test]
fn derivatives_of_gaussian_kernels_are_differences() {
    // More rows than are compared at once, and a row in both.
    let rows = |count: usize, shift: f64| -> Vec<Vec<f64>> {
        (0..count).map(|k| vec![(1.3 * k as f64).sin() + shift * k as f64, (0.7 * k as f64).cos()]).collect()
    };
    let tensor = |rows: &[Vec<f64>]| Tensor::new(rows.to_vec(), &Device::Cpu).unwrap();
    let (x, y) = (rows(130, 0.0), rows(67, 0.01));
    let bank = Bank::gaussians(&[0.25, 1.0, 2.0]);
    let value = |x: &[Vec<f64>], y: &[Vec<f64>]| -> f64 {
        mmd(&tensor(x), &tensor(y), &bank, Estimate::Unbiased).unwrap().to_scalar().unwrap()
    };
    let vars = [&x, &y].map(|rows| Var::from_tensor(&tensor(rows)).unwrap());
    let store = mmd(&vars[0], &vars[1], &bank, Estimate::Unbiased).unwrap().backward().unwrap();
    for (side, var) in vars.iter().enumerate() {
        let slopes = store.get(var.as_tensor()).unwrap().to_vec2::<f64>().unwrap();
        for (row, column) in [(0, 0), (0, 1), (63, 1), (64, 0), (66, 1)] {
            let moved = |step: f64| {
                let mut sides = [x.clone(), y.clone()];
                sides[side][row][column] += step;
                value(&sides[0], &sides[1])
            };
            let step = 1e-5;
            let difference = (moved(step) - moved(-step)) / (2.0 * step);
            // The error of a central difference is of step², that of its rounding of 1e-16 / step.
            assert!((slopes[row][column] - difference).abs() < 1e-9, "{side} {row} {column}: {difference}");
        }
    }
}

#[test]
fn kernels_of_far_rows_are_the_same_in_both_precisions() {
    // Squared distances from 0 to 4: exponents from 0 to -2,000, far below the least normal number of either.
    let rows = |shift: f64| -> Vec<f64> { (0..200).map(|k| 0.01 * f64::from(k) + shift).collect() };
    let bank = Bank::gaussians(&[1e-3, 0.05, 1.0, 500.0]);
    let found = [DType::F32, DType::F64].map(|dtype| {
        let tensor = |shift| {
            let rows = Tensor::from_vec(rows(shift), (200, 1), &Device::Cpu).unwrap();
            Var::from_tensor(&rows.to_dtype(dtype).unwrap()).unwrap()
        };
        let (x, y) = (tensor(0.0), tensor(0.0025));
        let value = mmd(&x, &y, &bank, Estimate::Biased).unwrap();
        let store = value.backward().unwrap();
        let slopes = store.get(x.as_tensor()).unwrap().flatten_all().unwrap();
        let all = Tensor::cat(&[&value.reshape(1).unwrap(), &slopes], 0).unwrap();
        all.to_dtype(DType::F64).unwrap().to_vec1::<f64>().unwrap()
    });
    for (single, double) in found[0].iter().zip(&found[1]) {
        // Squared distances err by 1e-6 in single precision, so exponents of the narrowest kernel err by 5e-4, and a tenth of the
        // pairs have one that counts.
        assert!((single - double).abs() < 1e-4, "{single} {double}");
    }
    let kernel = |s2: f64, shift: f64| {
        let one = |a: f64| rows(shift).iter().map(|b| (-0.5 * (a - b).powi(2) / s2).exp()).sum::<f64>();
        rows(0.0).into_iter().map(one).sum::<f64>() / 40_000.0
    };
    let mean = |shift| bank.variances.iter().map(|s2| kernel(*s2, shift)).sum::<f64>() / 4.0;
    // Rows of both domains are spaced alike, so kernels within them are the same.
    let expected = 2.0 * mean(0.0) - 2.0 * mean(0.0025);
    assert!((found[1][0] - expected).abs() < 1e-12, "{} {expected}", found[1][0]);
}

#[test]
fn fidelities_are_those_of_pennylane() {
    /// Of tests/reference/fidelity.json, made by fidelity.py beside it.
    #[derive(serde::Deserialize)]
    struct Case {
        qubits: usize,
        x: Vec<Vec<f64>>,
        y: Vec<Vec<f64>>,
        mmd: f64,
        gradient: [Vec<Vec<f64>>; 2],
    }
    let cases: Vec<Case> = serde_json::from_str(include_str!("../reference/fidelity.json")).unwrap();
    for Case { qubits, x, y, mmd: expected, gradient } in cases {
        let [x, y] = [x, y].map(|rows| Var::from_tensor(&Tensor::new(rows, &Device::Cpu).unwrap()).unwrap());
        let bank = Bank { variances: Vec::new(), fidelity: Some(Fidelity { qubits, factor: 1.0 }) };
        let distance = mmd(&x, &y, &bank, Estimate::Biased).unwrap();
        let got: f64 = distance.to_scalar().unwrap();
        // f64 on both sides, sums of 4^n terms: rounding only.
        assert!((got - expected).abs() < 1e-12, "{qubits} qubits: {got} against {expected}");
        let store = distance.backward().unwrap();
        for (var, expected) in [x, y].iter().zip(gradient) {
            let got = store.get(var.as_tensor()).unwrap().to_vec2::<f64>().unwrap();
            for (got, expected) in got.concat().iter().zip(expected.concat()) {
                assert!((got - expected).abs() < 1e-12, "{qubits} qubits: slope {got} against {expected}");
            }
        }
    }
    for qubits in [0, 7, 64] {
        let bank = Bank { variances: Vec::new(), fidelity: Some(Fidelity { qubits, factor: 1.0 }) };
        let rows = Tensor::zeros((2, 3), DType::F64, &Device::Cpu).unwrap();
        let error = mmd(&rows, &rows, &bank, Estimate::Biased).unwrap_err().to_string();
        assert!(error.contains("1 to 6 qubits"), "{error}");
    }
    // Between rows that are near, the fidelity is the Gaussian that it replaces.
    let rows = |shift: f64| Tensor::new(&[[0.1, 0.2, -0.1, 0.3], [0.1 + shift, 0.2, -0.1, 0.3]], &Device::Cpu).unwrap();
    for shift in [1e-2, 1e-1] {
        let one = |bank: Bank| -> f64 {
            let (x, y) = (rows(shift).narrow(0, 0, 1).unwrap(), rows(shift).narrow(0, 1, 1).unwrap());
            mmd(&x, &y, &bank, Estimate::Biased).unwrap().to_scalar().unwrap()
        };
        let fidelity = one(Bank { variances: Vec::new(), fidelity: Some(Fidelity { qubits: 4, factor: 1.0 }) });
        // factor = √(2 / s²): a unit of a feature is a radian at s² = 2.
        let ratio = fidelity / one(Bank::gaussians(&[2.0]));
        assert!((ratio - 1.0).abs() < shift * shift, "{shift}: {ratio}");
    }
}

/// Never run.
struct NoNetwork;

impl Network for NoNetwork {
    fn forward(&self, inputs: &[Tensor], _mode: Mode) -> Result<Output, NnError> {
        Ok(Output::new(inputs[0].clone(), inputs[0].clone()))
    }
}

#[test]
fn a_stratified_distance_holds_rows_against_their_own_stratum_only() {
    // Within each stratum both domains are the same rows; as a whole they differ in how many they have of each.
    let (values, domains, strata) = (
        [0.0, 0.1, 0.0, 0.1, 0.0, 0.1, 5.0, 5.1, 5.0, 5.1],
        [0, 0, 0, 0, 1, 1, 0, 0, 1, 1],
        [0, 0, 0, 0, 0, 0, 1, 1, 1, 1],
    );
    let features = Tensor::new(&values, &Device::Cpu).unwrap().reshape((10, 1)).unwrap();
    let tensor = |numbers: [u32; 10]| Some(Tensor::new(&numbers, &Device::Cpu).unwrap());
    let labels = Tensor::zeros(10, DType::U32, &Device::Cpu).unwrap();
    let examples =
        Examples { domains: tensor(domains), strata: tensor(strata), ..Examples::new(features.clone(), labels) };
    let output = Output::new(features.clone(), features.clone());
    let losses = features.squeeze(1).unwrap();
    let rows: Vec<u32> = (0..10).collect();
    let objective = &Loss::CrossEntropy;
    let distance = |examples: &Examples, stratified: bool| {
        let batch = Batch {
            rows: &rows,
            examples,
            output: &output,
            losses: &losses,
            objective,
            network: &NoNetwork,
            mode: Mode::Eval,
            progress: 0.0,
        };
        let mmd = Mmd { stratified, kernels: Kernels::Fixed(Bank::gaussians(&[1.0])), ..Mmd::default() };
        mmd.penalty(&Params::new(0, DType::F64), &batch).map(|d| d.unwrap().to_scalar::<f64>().unwrap())
    };
    assert!(distance(&examples, true).unwrap().abs() < 1e-15);
    assert!(distance(&examples, false).unwrap() > 0.01);
    let unknown = Examples { strata: None, ..examples };
    assert!(distance(&unknown, true).unwrap_err().to_string().contains("strata"));
}

#[test]
fn slopes_are_derivatives_with_respect_to_a_factor_on_the_logits() {
    let logits = Tensor::new(&[[1.0, 2.0, 0.5], [0.2, -0.3, 1.1]], &Device::Cpu).unwrap();
    let labels = Tensor::new(&[1u32, 2], &Device::Cpu).unwrap();
    let numbers = Tensor::new(&[[0.1, 0.7, 0.2], [0.3, 0.3, 0.4]], &Device::Cpu).unwrap();
    for (objective, target) in
        [(Loss::CrossEntropy, labels), (Loss::SoftCrossEntropy, numbers.clone()), (Loss::Squares, numbers)]
    {
        let targets = [target];
        let output = |factor: f64| Output::new(logits.clone(), (&logits * factor).unwrap());
        let losses = |factor| objective.losses(&output(factor), &targets).unwrap().to_vec1::<f64>().unwrap();
        let slopes = objective.slopes(&output(1.0), &targets).unwrap().unwrap().to_vec1::<f64>().unwrap();
        for (slope, (high, low)) in slopes.iter().zip(losses(1.0 + 1e-5).iter().zip(losses(1.0 - 1e-5))) {
            // The difference errs by 1e-10 of its third derivative and 1e-11 of rounding.
            assert!((slope - (high - low) / 2e-5).abs() < 1e-8, "{objective:?}");
        }
    }
}
