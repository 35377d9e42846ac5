//! Linear structural models with known effects: what adjustment finds.

use ndarray::{Array1, Array2, Axis};

use crate::classic::adjustment::{linear_backdoor, linear_front_door};
use crate::lab::Measurement;
use crate::math::Stream;

/// How the effect is estimated.
pub struct EffectRow {
    /// Name of the arm.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    estimate: fn(&Model) -> Option<f64>,
}

/// Every estimator.
pub static EFFECTS: &[EffectRow] = &[
    EffectRow {
        name: "naive",
        doc: "the slope of outcome on treatment",
        estimate: |model| {
            let none = Array2::zeros((model.treatment.len(), 0));
            linear_backdoor(model.treatment.view(), model.outcome.view(), none.view())
        },
    },
    EffectRow {
        name: "backdoor",
        doc: "the same beside the confounder, as if it were observed",
        estimate: |model| {
            let confounder = model.confounder.view().insert_axis(Axis(1));
            linear_backdoor(model.treatment.view(), model.outcome.view(), confounder)
        },
    },
    EffectRow {
        name: "front_door",
        doc: "through the mediator, the confounder hidden",
        estimate: |model| linear_front_door(model.treatment.view(), model.mediator.view(), model.outcome.view()),
    },
];

/// u → x, u → y, x → m → y with standard normal noise: the effect of x on y is the product of two slopes.
struct Model {
    treatment: Array1<f64>,
    mediator: Array1<f64>,
    outcome: Array1<f64>,
    confounder: Array1<f64>,
    effect: f64,
}

impl Model {
    fn draw(rows: usize, seed: u64) -> Self {
        let mut stream = Stream::named(seed, "linear model");
        let mut slope = || 0.5 + stream.uniform();
        let (to_mediator, to_outcome, of_treatment, of_outcome) = (slope(), slope(), slope(), 2.0 * slope());
        let mut noise = || Array1::from_shape_simple_fn(rows, || stream.normal());
        let confounder = noise();
        let treatment = of_treatment * &confounder + noise();
        let mediator = to_mediator * &treatment + noise();
        let outcome = to_outcome * &mediator + of_outcome * &confounder + noise();
        Self { treatment, mediator, outcome, confounder, effect: to_mediator * to_outcome }
    }
}

/// The estimate of an arm on a model that the seed draws.
pub fn measure(arm: &EffectRow, rows: usize, seed: u64) -> Measurement {
    let model = Model::draw(rows, seed);
    let estimate = (arm.estimate)(&model);
    Measurement::default()
        .value_if("effect_error", estimate.map(|estimate| (estimate - model.effect).abs()))
        .value_if("estimate", estimate)
        .value("effect", model.effect)
}
