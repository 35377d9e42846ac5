//! Heads, the quantum layer and the training loop: gradients against differences, frozen parts, seeds, one head run two
//! ways.

use std::sync::Arc;

use candle_core::{DType, Device, Tensor, Var};
use qgraft::circuit::Ansatz;
use qgraft::circuit::ansatz::{ANSATZE, AnsatzRow};
use qgraft::device;
use qgraft::math::Stream;
use qgraft::nn::head::{Body, CircuitConfig, HEADS, Head, HeadRow, HeadShape};
use qgraft::nn::optim::{Method, Schedule, StepSchedule};
use qgraft::nn::quantum::amplitude_angles;
use qgraft::nn::{LearningRates, Optimizer, Params, QuantumLayer};
use qgraft::noise::NoiseModel;
use qgraft::sim::Execution;
use qgraft::sim::{Pauli, Simulator, Statevector};
use qgraft::study::train::{Rows, TrainConfig, predict, train};
use qgraft::study::{Observer, StudyError};

const SHAPE: HeadShape = HeadShape { features: 6, classes: 3, qubits: 3, depth: 2, weight_sd: 0.3 };

const RECIPE: TrainConfig = TrainConfig {
    schedule: Schedule::Step(StepSchedule { every: 1, factor: 0.5 }),
    ..TrainConfig::new(2, 8, 0.01, Method::ADAM)
};

fn normal(seed: u64, shape: (usize, usize)) -> Tensor {
    let mut stream = Stream::named(seed, "test");
    let values: Vec<f64> = (0..shape.0 * shape.1).map(|_| stream.normal()).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

fn rows(count: usize, dtype: DType) -> Rows {
    let labels: Vec<u32> = (0..count).map(|row| (row % SHAPE.classes) as u32).collect();
    let features = normal(3, (count, SHAPE.features)).to_dtype(dtype).unwrap();
    Rows { features, labels: Tensor::new(labels, &Device::Cpu).unwrap(), weights: None }
}

fn ideal(family: &AnsatzRow, entangle: bool) -> Execution {
    let ansatz = family.build(SHAPE.qubits, SHAPE.depth, entangle).unwrap();
    Execution::ideal(&ansatz, Arc::new(Statevector::default())).unwrap()
}

fn noisy(family: &AnsatzRow, entangle: bool) -> Execution {
    let ansatz = family.build(SHAPE.qubits, SHAPE.depth, entangle).unwrap();
    let manila = device::Device::named("manila").unwrap();
    let model = NoiseModel::named("aer").unwrap();
    Execution::on_device(&ansatz, &manila, &model, Arc::new(Pauli::default())).unwrap()
}

/// The circuit of a head in this family or its own, and the same ready to run.
fn circuit(
    row: &HeadRow,
    make: fn(&AnsatzRow, bool) -> Execution,
    family: &'static AnsatzRow,
) -> Option<(Ansatz, Execution)> {
    let Body::Dressed { entangle } = row.body else { return None };
    let family = row.circuit.and_then(AnsatzRow::named).unwrap_or(family);
    Some((family.build(SHAPE.qubits, SHAPE.depth, entangle).unwrap(), make(family, entangle)))
}

fn build(row: &HeadRow, params: &mut Params, circuit: Option<(Ansatz, Execution)>) -> Arc<dyn Head> {
    let circuit = circuit.as_ref().map(|(ansatz, execution)| (ansatz, execution.clone()));
    row.build(params, &SHAPE, circuit).unwrap().unwrap()
}

/// d Σ f(x)·c by central differences, c fixed odd numbers; f64 and step 1e-6 leave an error near 1e-9.
fn difference(x: &Tensor, f: &dyn Fn(&Tensor) -> Tensor) -> Vec<f64> {
    let values: Vec<f64> = x.flatten_all().unwrap().to_vec1().unwrap();
    let at = |values: &[f64]| weighted(&f(&Tensor::from_slice(values, x.shape(), &Device::Cpu).unwrap()));
    (0..values.len())
        .map(|k| {
            let shifted = |step: f64| {
                let mut v = values.clone();
                v[k] += step;
                at(&v).to_scalar::<f64>().unwrap()
            };
            (shifted(1e-6) - shifted(-1e-6)) / 2e-6
        })
        .collect()
}

fn weighted(y: &Tensor) -> Tensor {
    let weights: Vec<f64> = (0..y.elem_count()).map(|k| (0.7 * k as f64 + 0.3).sin()).collect();
    let weights = Tensor::from_vec(weights, y.elem_count(), &Device::Cpu).unwrap();
    (y.flatten_all().unwrap() * weights).unwrap().sum_all().unwrap()
}

fn worst(a: &[f64], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).map(|(x, y)| (x - y).abs()).fold(0.0, f64::max)
}

fn gradient(x: &Tensor, f: &dyn Fn(&Tensor) -> Tensor) -> Vec<f64> {
    let x = Var::from_tensor(x).unwrap();
    let gradients = weighted(&f(x.as_tensor())).backward().unwrap();
    gradients.get(x.as_tensor()).unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn the_quantum_layer_has_the_gradients_of_its_differences() {
    for family in ANSATZE {
        for make in [ideal, noisy] {
            let run = make(family, true);
            let inputs = family.inputs(SHAPE.qubits, SHAPE.depth);
            let weights = run.program.slots - inputs;
            let layer = QuantumLayer::new(run);
            let (x, w) = (normal(1, (2, inputs)), normal(2, (1, weights)).flatten_all().unwrap());
            let by_input = |x: &Tensor| layer.forward(x, &w).unwrap();
            let by_weight = |w: &Tensor| layer.forward(&x, w).unwrap();
            let name = family.name;
            assert!(worst(&gradient(&x, &by_input), &difference(&x, &by_input)) < 1e-7, "{name}, inputs");
            assert!(worst(&gradient(&w, &by_weight), &difference(&w, &by_weight)) < 1e-7, "{name}, weights");
        }
    }
}

#[test]
fn the_quantum_layer_takes_any_leading_shape_and_both_precisions() {
    let run = ideal(&ANSATZE[0], true);
    let (outputs, weights) = (run.observables.len(), run.program.slots - 3);
    let layer = QuantumLayer::new(run);
    let w = normal(2, (1, weights)).flatten_all().unwrap();
    for leading in [vec![0], vec![1], vec![5], vec![2, 3], vec![]] {
        let count: usize = leading.iter().product();
        let x = normal(1, (count, 3)).reshape([&leading[..], &[3]].concat()).unwrap();
        let out = layer.forward(&x, &w).unwrap();
        assert_eq!(out.dims(), [&leading[..], &[outputs]].concat());
        let (x32, w32) = (x.to_dtype(DType::F32).unwrap(), w.to_dtype(DType::F32).unwrap());
        let single = layer.forward(&x32, &w32).unwrap();
        assert_eq!(single.dtype(), DType::F32);
        let gap = (single.to_dtype(DType::F64).unwrap() - out).unwrap().abs().unwrap();
        // Angles rounded to single precision change expectation values by a few units in their last place.
        assert!(gap.flatten_all().unwrap().to_vec1::<f64>().unwrap().iter().all(|d| *d < 1e-5));
    }
}

#[test]
fn amplitude_angles_prepare_the_normalised_amplitudes() {
    let family = AnsatzRow::named("amplitude").unwrap();
    for qubits in 1..=4 {
        let circuit = family.build(qubits, 0, true).unwrap().circuit;
        let width = 1 << qubits;
        let amplitudes = normal(qubits as u64, (3, width));
        let angles: Vec<Vec<f64>> = amplitude_angles(&amplitudes).unwrap().to_vec2().unwrap();
        let wanted: Vec<Vec<f64>> = amplitudes.to_vec2().unwrap();
        for (angles, wanted) in angles.iter().zip(wanted) {
            let program = qgraft::noise::Program::ideal(&circuit, &(0..qubits).collect::<Vec<_>>());
            let rows = ndarray::ArrayView2::from_shape((1, width - 1), angles).unwrap();
            let angles = qgraft::sim::Angles { inputs: rows, weights: ndarray::ArrayView1::from(&[]) };
            let state = Statevector::default().states(&program, angles).unwrap();
            let norm = wanted.iter().map(|a| a * a).sum::<f64>().sqrt();
            for (amplitude, wanted) in state.iter().zip(&wanted) {
                assert!((amplitude.re - wanted / norm).abs() < 1e-12 && amplitude.im.abs() < 1e-12, "{qubits} qubits");
            }
        }
        let f = |a: &Tensor| amplitude_angles(a).unwrap();
        assert!(worst(&gradient(&amplitudes, &f), &difference(&amplitudes, &f)) < 1e-7, "{qubits} qubits");
    }
}

#[test]
fn what_is_trained_changes_and_what_is_frozen_stays_to_the_bit() {
    for row in HEADS.iter().filter(|row| !matches!(row.body, Body::Kernel)) {
        for family in ANSATZE {
            let mut params = Params::new(5, DType::F64);
            let head = build(row, &mut params, circuit(row, ideal, family));
            let values = |params: &Params| -> Vec<(String, Vec<f64>)> {
                let list = params.iter().map(|(name, var)| (name.to_string(), var.flatten_all().unwrap()));
                list.map(|(name, t)| (name, t.to_vec1().unwrap())).collect()
            };
            let before = values(&params);
            let data = rows(8, DType::F64);
            let loss = candle_nn::loss::cross_entropy(&head.logits(&data.features).unwrap(), &data.labels).unwrap();
            let rates = row.learning_rates();
            Optimizer::new(Method::ADAM).step(&params, &loss.backward().unwrap(), &rates, 0.01).unwrap();
            for ((name, old), (_, new)) in before.iter().zip(values(&params)) {
                assert_eq!(*old != new, rates.is_trainable(name), "{} {}: {name}", row.name, family.name);
            }
        }
    }
}

#[test]
fn a_factor_scales_the_step() {
    let step = |rate: f64| {
        let mut params = Params::new(1, DType::F64);
        let x = params.get("x", &[3], qgraft::nn::init::Init::Constant(1.0)).unwrap();
        let gradients = x.sqr().unwrap().sum_all().unwrap().backward().unwrap();
        let rates = LearningRates::new([("x", rate)]);
        Optimizer::new(Method::Sgd { momentum: 0.9 }).step(&params, &gradients, &rates, 0.1).unwrap();
        let values: Vec<f64> = params.iter().next().unwrap().1.to_vec1().unwrap();
        values[0]
    };
    assert_eq!((step(1.0), step(0.5), step(0.0)), (0.8, 0.9, 1.0));
}

#[test]
fn training_depends_on_the_seed_alone() {
    let run = |seed: u64| {
        let row = HeadRow::named("quantum").unwrap();
        let mut params = Params::new(seed, DType::F32);
        let head = build(row, &mut params, circuit(row, noisy, &ANSATZE[0]));
        let data = rows(20, DType::F32);
        let history = train(head.as_ref(), &params, &mut row.learning_rates(), (&data, &data), &RECIPE, seed, &())
            .unwrap()
            .history;
        (history, predict(head.as_ref(), &data.features).unwrap())
    };
    assert_eq!(run(1), run(1));
    assert_ne!(run(1).1, run(2).1);
}

#[test]
fn one_trained_head_runs_under_another_setting_and_from_a_file() {
    let row = HeadRow::named("quantum").unwrap();
    let mut params = Params::new(4, DType::F32);
    let head = build(row, &mut params, circuit(row, ideal, &ANSATZE[0]));
    let under_noise = build(row, &mut params, circuit(row, noisy, &ANSATZE[0]));
    let data = rows(6, DType::F32);
    train(head.as_ref(), &params, &mut row.learning_rates(), (&data, &data), &RECIPE, 4, &()).unwrap();
    let clean = predict(head.as_ref(), &data.features).unwrap();
    assert_ne!(clean, predict(under_noise.as_ref(), &data.features).unwrap(), "noise changes nothing");

    let file = tempfile::NamedTempFile::new().unwrap();
    params.save(file.path()).unwrap();
    let mut fresh = Params::new(99, DType::F32);
    let copy = build(row, &mut fresh, circuit(row, ideal, &ANSATZE[0]));
    fresh.load(file.path()).unwrap();
    assert_eq!(clean, predict(copy.as_ref(), &data.features).unwrap());
}

#[test]
fn the_five_families_have_circuits_of_their_own() {
    // Head, features that enter the circuit, expectations that leave it, on 4 qubits.
    for (name, features, observables) in [
        ("dqn", 4, 4),
        ("qpie", 16, 4),
        ("tlqnn", 16, 4),
        // Pooled once, from four qubits to two.
        ("tlqcnn", 16, 2),
        // 3 letters on each of 4 qubits, 9 pairs of letters on each of 6 pairs.
        ("post_variational", 4, 66),
        ("entangled_dressed", 4, 4),
    ] {
        let row = HeadRow::named(name).unwrap();
        let shape = HeadShape { qubits: 4, ..SHAPE };
        let config = CircuitConfig { depth: SHAPE.depth, ..CircuitConfig::default() };
        let ansatz = row.ansatz(&config).unwrap().unwrap();
        assert_eq!(ansatz.features(), features, "{name}");
        assert_eq!(ansatz.observables.len(), observables, "{name}");
        let mut params = Params::new(2, DType::F64);
        let run = Execution::ideal(&ansatz, Arc::new(Statevector::default())).unwrap();
        let head = row.build(&mut params, &shape, Some((&ansatz, run))).unwrap().unwrap();
        assert_eq!(head.logits(&rows(3, DType::F64).features).unwrap().dims(), [3, shape.classes], "{name}");
    }
}

#[test]
fn engines_give_a_head_the_same_logits() {
    let row = HeadRow::named("quantum").unwrap();
    for family in ANSATZE {
        let ansatz = family.build(SHAPE.qubits, SHAPE.depth, true).unwrap();
        let logits = |simulator: Arc<dyn Simulator>| {
            let mut params = Params::new(4, DType::F64);
            let run = Execution::ideal(&ansatz, simulator).unwrap();
            let head = row.build(&mut params, &SHAPE, Some((&ansatz, run))).unwrap().unwrap();
            let logits = head.logits(&rows(5, DType::F64).features).unwrap();
            logits.flatten_all().unwrap().to_vec1::<f64>().unwrap()
        };
        let gap = worst(&logits(Arc::new(Statevector::default())), &logits(Arc::new(Pauli::default())));
        assert!(gap < 1e-12, "{}: {gap:.1e}", family.name);
    }
}

#[test]
fn a_loss_that_is_no_number_and_a_wish_to_stop_end_the_training() {
    struct Impatient;
    impl Observer for Impatient {
        fn trained_on(&self, _rows: usize) {}
        fn stopped(&self) -> bool {
            true
        }
    }
    let row = HeadRow::named("linear").unwrap();
    let mut params = Params::new(1, DType::F32);
    let head = row.build(&mut params, &SHAPE, None).unwrap().unwrap();
    let data = rows(9, DType::F32);
    let parts = (&data, &data);
    let stopped = train(head.as_ref(), &params, &mut row.learning_rates(), parts, &RECIPE, 1, &Impatient);
    assert!(matches!(stopped, Err(StudyError::Interrupted)));
    let wild = TrainConfig { rate: 1e38, epochs: 5, optimizer: Method::Sgd { momentum: 0.0 }, ..RECIPE };
    let diverged = train(head.as_ref(), &params, &mut row.learning_rates(), parts, &wild, 1, &());
    assert!(matches!(diverged, Err(StudyError::Diverged { .. })), "{diverged:?}");
}

#[test]
fn names_near_a_head_are_suggested() {
    let error = HeadRow::named("quantm").err().unwrap().to_string();
    assert!(error.contains("did you mean \"quantum\"") && error.contains("qgraft list heads"), "{error}");
}
