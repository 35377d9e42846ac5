//! Optimisers, schedules and losses against PyTorch (tests/reference/optimizers.json, made by optimizers.py beside it).

use std::collections::HashMap;

use candle_core::{DType, Device, Tensor, Var};
use qgraft::nn::init::Init;
use qgraft::nn::optim::{Average, Method, Schedule, StepSchedule, warm_up};
use qgraft::nn::{LearningRates, Optimizer, Params, loss};
use serde::Deserialize;

#[derive(Deserialize)]
struct Reference {
    steps: HashMap<String, Vec<Vec<f64>>>,
    metrics: Vec<f64>,
    factors: HashMap<String, Vec<f64>>,
    losses: Vec<LossRows>,
}

#[derive(Deserialize)]
struct LossRows {
    name: String,
    rows: Vec<f64>,
    gradient: Vec<f64>,
}

fn reference() -> Reference {
    serde_json::from_str(include_str!("../reference/optimizers.json")).unwrap()
}

fn tensor(values: &[f64]) -> Tensor {
    Tensor::new(values, &Device::Cpu).unwrap()
}

/// w = (0.5, -1, 2) and v = (0.3, 0.8), as in optimizers.py.
fn params() -> Params {
    let mut params = Params::new(0, DType::F64);
    for (name, values) in [("w", &[0.5, -1.0, 2.0][..]), ("v", &[0.3, 0.8])] {
        params.get(name, &[values.len()], Init::Constant(0.0)).unwrap();
        params.find(name).unwrap().set(&tensor(values)).unwrap();
    }
    params
}

fn values(params: &Params) -> Vec<f64> {
    params.iter().flat_map(|(_, var)| var.to_vec1::<f64>().unwrap()).collect()
}

fn objective(params: &Params) -> Tensor {
    let [w, v] = ["w", "v"].map(|name| params.find(name).unwrap().as_tensor());
    let bowl = (w.sqr().unwrap() * tensor(&[1.0, 4.0, 0.25])).unwrap().sum_all().unwrap();
    (bowl + (v * 3.0).unwrap().sin().unwrap().sum_all().unwrap()).unwrap()
}

#[test]
fn steps_are_those_of_pytorch() {
    let traces = reference().steps;
    for (name, method, clip) in [
        ("adam", Method::ADAM, None),
        ("adamw", Method::adamw(0.1), None),
        ("sgd", Method::Sgd { momentum: 0.9 }, None),
        ("adam, clipped", Method::ADAM, Some(0.5)),
    ] {
        let (params, rates) = (params(), LearningRates::new([("v", 0.1)]));
        let mut optimizer = Optimizer::new(method).clipped(clip);
        for (step, expected) in traces[name].iter().enumerate() {
            optimizer.step(&params, &objective(&params).backward().unwrap(), &rates, 0.05).unwrap();
            for (got, expected) in values(&params).iter().zip(expected) {
                // Both are f64; a dozen steps add up a few roundings.
                assert!((got - expected).abs() < 1e-12, "{name}, step {step}: {got} against {expected}");
            }
        }
    }
}

#[test]
fn a_parameter_released_late_starts_like_one_that_starts_early() {
    let move_of_v = |frozen_steps: usize| {
        let params = params();
        let mut optimizer = Optimizer::new(Method::ADAM);
        for step in 0..=frozen_steps {
            let rate = if step < frozen_steps { 0.0 } else { 1.0 };
            let rates = LearningRates::new([("v", rate)]);
            optimizer.step(&params, &objective(&params).backward().unwrap(), &rates, 0.05).unwrap();
        }
        values(&params)[3]
    };
    assert_eq!(move_of_v(0), move_of_v(50));
}

#[test]
fn rates_follow_the_schedules_of_pytorch() {
    let Reference { metrics, factors, .. } = reference();
    for (name, schedule) in [
        ("step", Schedule::Step(StepSchedule { every: 3, factor: 0.9 })),
        ("cosine", Schedule::Cosine { floor: 0.05 }),
        ("plateau", Schedule::Plateau { factor: 0.5, patience: 2, floor: 0.2 }),
    ] {
        for (epoch, expected) in factors[name].iter().enumerate() {
            let got = schedule.factor(metrics.len(), &metrics[..epoch]);
            assert!((got - expected).abs() < 1e-12, "{name}, epoch {epoch}: {got} against {expected}");
        }
    }
    assert_eq!([0, 1, 3, 4, 9].map(|step| warm_up(step, 4)), [0.25, 0.5, 1.0, 1.0, 1.0]);
    assert_eq!(warm_up(0, 0), 1.0);
}

#[test]
fn an_average_follows_its_parameters() {
    let params = params();
    let mut average = Average::new(0.75, params.snapshot().unwrap());
    params.find("w").unwrap().set(&tensor(&[1.5, -1.0, 2.0])).unwrap();
    average.step(&params).unwrap();
    average.step(&params).unwrap();
    params.restore(&average.values).unwrap();
    // 1.5 - 0.75² · (1.5 - 0.5)
    assert_eq!(values(&params), [0.9375, -1.0, 2.0, 0.3, 0.8]);
}

#[test]
fn losses_and_their_gradients_are_those_of_pytorch() {
    let logits = Var::new(&[[1.0, 2.0, 0.5], [0.2, -0.3, 1.1]], &Device::Cpu).unwrap();
    let teacher = Tensor::new(&[[0.1, 0.7, 0.2], [0.3, 0.3, 0.4]], &Device::Cpu).unwrap();
    let labels = Tensor::new(&[1u32, 2], &Device::Cpu).unwrap();
    for expected in reference().losses {
        let rows = match expected.name.as_str() {
            "cross_entropy" => loss::cross_entropy(&logits, &labels),
            "soft_cross_entropy" => loss::soft_cross_entropy(&logits, &teacher),
            "divergence" => loss::divergence(&logits, &teacher),
            "distillation" => loss::distillation(&logits, &teacher.log().unwrap(), 2.0),
            "binary_cross_entropy" => loss::binary_cross_entropy(&(logits.as_tensor() * 100.0).unwrap(), &teacher),
            "focal" => loss::focal(&logits, &labels, 2.0),
            "squares" => loss::squares(&logits, &teacher),
            "absolute" => loss::absolute(&logits, &teacher),
            "huber" => loss::huber(&logits, &teacher, 0.7),
            other => panic!("no loss is called {other}"),
        };
        let rows = rows.unwrap();
        let gradients = rows.sum_all().unwrap().backward().unwrap();
        let gradient: Vec<f64> = gradients.get(&logits).unwrap().flatten_all().unwrap().to_vec1().unwrap();
        let got = rows.to_vec1::<f64>().unwrap().into_iter().chain(gradient);
        for (got, wanted) in got.zip(expected.rows.iter().chain(&expected.gradient)) {
            assert!((got - wanted).abs() < 1e-12, "{}: {got} against {wanted}", expected.name);
        }
    }
}

#[test]
fn a_mean_counts_rows_by_their_weights() {
    let losses = tensor(&[1.0, 2.0, 4.0]);
    let mean = |weights: Option<&[f64]>| {
        loss::mean(&losses, weights.map(tensor).as_ref()).unwrap().to_scalar::<f64>().unwrap()
    };
    assert_eq!(mean(Some(&[1.0, 0.0, 1.0])), 2.5);
    assert_eq!(mean(Some(&[0.0, 0.0, 0.0])), 0.0);
    assert!((mean(None) - 7.0 / 3.0).abs() < 1e-15);
}
