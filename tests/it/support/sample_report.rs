//! A made-up report: every number is drawn from a formula with a seed, nothing was trained.

use ndarray::Array2;
use qgraft::math::Stream;
use qgraft::study::compare::{Answer, Comparison, Quantity, Question, correct};
use qgraft::study::energy::Usage;
use qgraft::study::metric::{Predictions, counts};
use qgraft::study::report::{
    Confusion, Curve, Drawing, Environment, Family, HeadRow, HoldOut, MetricValue, NoisePoint, Reliability, Report,
    Roc, Timing,
};
use qgraft::study::stats::Spread;

const SEEDS: usize = 5;
const SAMPLES: usize = 153;
const EPOCHS: usize = 10;

/// Name, family, parameters, what it is, and how strongly its made-up logits favour the true class.
pub const HEADS: [(&str, Family, usize, &str, f64); 7] = [
    ("linear", Family::Classical, 3843, "one linear layer on the features", 2.15),
    ("mlp_a", Family::Classical, 5139, "linear, Hardtanh, linear at the width of the circuit", 1.95),
    ("mlp_b", Family::Classical, 172_547, "hidden layers of 128 and 64 units", 2.25),
    ("quantum", Family::Quantum, 5171, "4 qubits, depth 3, trained without noise", 2.05),
    ("quantum_noisy", Family::Quantum, 5171, "4 qubits, depth 3, trained under sample_device noise", 1.90),
    ("separable", Family::Control, 5171, "the circuit without entanglers", 2.0),
    ("frozen_quantum", Family::Control, 5135, "circuit weights left at their start", 1.75),
];

/// Softmax of normal logits, the true class favoured by `skill`.
fn predictions(skill: f64, seed: u64, purpose: &str) -> Predictions {
    let mut stream = Stream::named(seed, purpose);
    let labels: Vec<usize> = (0..SAMPLES).map(|sample| sample % 3).collect();
    let mut probabilities = Array2::zeros((SAMPLES, 3));
    for (sample, mut row) in probabilities.rows_mut().into_iter().enumerate() {
        for (class, p) in row.iter_mut().enumerate() {
            *p = (1.1 * stream.normal() + if class == labels[sample] { skill } else { 0.0 }).exp();
        }
        row /= row.sum();
    }
    Predictions::new(probabilities, labels).unwrap()
}

fn accuracy(predictions: &Predictions) -> f64 {
    counts::accuracy(predictions).unwrap()
}

fn curve(head: &str, end: f64) -> Curve {
    let mut stream = Stream::named(7, head);
    let mut falling = |from: f64, to: f64| -> Vec<Spread> {
        let shape = |epoch: usize| (-(epoch as f64) / 3.0).exp();
        let mut spread = |epoch| Spread {
            mean: to + (from - to) * shape(epoch) + 0.008 * stream.normal(),
            sd: Some(0.012 + 0.03 * shape(epoch)),
        };
        (0..EPOCHS).map(&mut spread).collect()
    };
    Curve {
        head: head.into(),
        train_loss: falling(1.08, 0.62 - 0.2 * end),
        validation_loss: falling(1.08, 0.70 - 0.2 * end),
        validation_accuracy: falling(0.45, end),
    }
}

fn noise(head: &str, skill: f64) -> Vec<NoisePoint> {
    let sample = |setting: &str, scale: f64, loss: f64| {
        let seeds = (0..SEEDS as u64).map(|s| accuracy(&predictions(skill - loss, s, &format!("{setting}{scale}"))));
        let accuracy = Spread::of(&seeds.collect::<Vec<f64>>()).unwrap();
        NoisePoint { head: head.into(), setting: setting.into(), scale, accuracy }
    };
    let mut points = vec![sample("ideal", 0.0, 0.0), sample("1024 shots", 1.0, 0.05), sample("100 shots", 1.0, 0.2)];
    for (device, loss) in [("sample_device_a", 0.15), ("sample_device_b", 0.4)] {
        points.extend([0.0, 0.5, 1.0, 1.5, 2.0, 3.0].map(|scale| sample(device, scale, loss * scale)));
    }
    points
}

/// The report; everything in it follows from the constants above.
pub fn report() -> Report {
    let mut report = Report {
        title: "SAMPLE DATA: T-shirt, pullover or shirt on EfficientNet-Lite0 features".into(),
        environment: Environment {
            engine: "Heisenberg density, 4 qubits".into(),
            precision: "f64 circuit, f32 training".into(),
            device: "CPU".into(),
            versions: vec![("qgraft".into(), env!("CARGO_PKG_VERSION").into())],
        },
        hold_out: HoldOut { train: 300, validation: SAMPLES, test: None },
        classes: ["T-shirt", "pullover", "shirt"].map(String::from).to_vec(),
        settings: [("learning rate", "0.001"), ("batch", "16"), ("epochs", "10"), ("optimizer", "Adam")]
            .map(|(name, value)| (name.to_string(), value.to_string()))
            .to_vec(),
        circuit: Some(Drawing {
            svg: None,
            text: "q0: ─RY(x0)─RX─RY─RX─●───────X─ <Z>\nq1: ─RY(x1)─RX─RY─RX─X─●─────┼─ <Z>\n\
                   q2: ─RY(x2)─RX─RY─RX───X─●───┼─ <Z>\nq3: ─RY(x3)─RX─RY─RX─────X───●─ <Z>\n"
                .into(),
            caption: "One of three layers: 4 qubits, 12 rotations, 4 CNOT".into(),
        }),
        notices: vec![
            "SAMPLE DATA: every number on this page is made up to show its form; nothing was trained.".into(),
            "sample_device_a, qubit 2: T2 = 310 µs exceeds 2·T1 = 290 µs and was set to 290 µs.".into(),
        ],
        files: vec![
            ("metrics.json".into(), "this page as data".into()),
            ("predictions.csv".into(), "one line per prediction".into()),
        ],
        ..Report::default()
    };
    let mut seeds_of = Vec::new();
    for (name, family, parameters, doc, skill) in HEADS {
        let seeds: Vec<Predictions> = (0..SEEDS as u64).map(|seed| predictions(skill, seed, name)).collect();
        let last_epoch: Vec<f64> = seeds.iter().map(accuracy).collect();
        let all = Predictions::pooled(&seeds).unwrap();
        report.curves.push(curve(name, Spread::of(&last_epoch).unwrap().mean));
        report.rocs.extend(Roc::of(name, &all));
        report.confusions.push(Confusion::of(name, &all));
        report.reliability.push(Reliability::of(name, &all));
        if family != Family::Classical {
            report.noise.extend(noise(name, skill));
        }
        let best_validation = last_epoch.iter().map(|a| a + 0.01).collect();
        let (name, doc, metrics) = (name.to_string(), doc.to_string(), MetricValue::all(&seeds));
        let usage =
            Usage { wall_seconds: 0.4 + skill, cpu_seconds: 0.8 + skill, joules: 9.0 + 10.0 * skill, estimated: true };
        report.timing.heads.push((name.clone(), usage));
        seeds_of.push((name.clone(), last_epoch.clone()));
        report.heads.push(HeadRow { name, doc, family, parameters, last_epoch, best_validation, metrics });
    }
    let total = Usage { wall_seconds: 61.3, cpu_seconds: 112.9, joules: 1129.0, estimated: true };
    let basis = "10 W per busy core, 475 g CO2e per kWh".into();
    report.timing = Timing { threads: 2, total, co2_grams: 0.149, basis, heads: report.timing.heads };

    let of = |name: &str| seeds_of.iter().find(|(head, _)| head == name).unwrap().1.as_slice();
    let baselines = [
        (Question::Contribution, "linear"),
        (Question::Contribution, "mlp_a"),
        (Question::Control, "separable"),
        (Question::Control, "frozen_quantum"),
    ];
    for (question, baseline) in baselines {
        let pair = Comparison::new(question, Quantity::ACCURACY, ("quantum", of("quantum")), (baseline, of(baseline)));
        report.comparisons.push(pair.unwrap());
    }
    for (device, loss) in [("sample_device_a", 0.15), ("sample_device_b", 0.4)] {
        let under: Vec<f64> = (0..SEEDS as u64).map(|s| accuracy(&predictions(2.05 - loss, s, "quantum"))).collect();
        let name = format!("quantum under {device}");
        let pair = Comparison::new(Question::Noise, Quantity::ACCURACY, (&name, &under), ("ideal", of("quantum")));
        report.comparisons.push(pair.unwrap());
    }
    correct(&mut report.comparisons);
    let asked = [Question::Contribution, Question::Noise];
    report.answers = asked.iter().filter_map(|question| Answer::to(*question, &report.comparisons)).collect();
    report
}
