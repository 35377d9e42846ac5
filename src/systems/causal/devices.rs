//! Devices as environments: one head is trained under several kinds of noise and judged on a device that it has not seen.

use std::sync::Arc;

use candle_core::{D, DType, Device, Tensor};

use crate::data::{Sampler, digits};
use crate::lab::{Context, Measurement};
use crate::math::Stream;
use crate::nn::head::{HeadConfig, HeadModel};
use crate::nn::loss::Loss;
use crate::nn::{Examples, Head, Mode, Model, Network, NnError, Output, Params};
use crate::sim::Executions;
use crate::study::StudyError;
use crate::study::train::{TrainConfig, TrainingLoop};
use crate::systems::causal::spec::Spec;
use crate::transfer::penalty::{Annealed, GroupDro, Invariance};
use crate::transfer::schedule::Full;
use crate::transfer::{Compose, Transfer};

/// A way of training over devices.
pub struct DeviceRow {
    /// Name on the command line.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// Whether it learns without noise alone.
    is_ideal: bool,
    /// Whether its penalty has the factor of the settings, from the share of the training on that they state.
    is_penalty: bool,
    method: fn() -> Box<dyn Transfer>,
}

/// Every way; the baseline first.
pub static DEVICE_ARMS: &[DeviceRow] = &[
    DeviceRow {
        name: "ideal",
        doc: "trained without noise",
        is_ideal: true,
        is_penalty: false,
        method: || Box::new(Full),
    },
    DeviceRow {
        name: "erm",
        doc: "trained without noise and on every training device, all rows alike",
        is_ideal: false,
        is_penalty: false,
        method: || Box::new(Full),
    },
    DeviceRow {
        name: "group_dro",
        doc: "the same, the device with the largest loss counts most",
        is_ideal: false,
        is_penalty: false,
        method: || Box::new(GroupDro::new(0.1)),
    },
    DeviceRow {
        name: "v_rex",
        doc: "the same with equal losses over devices",
        is_ideal: false,
        is_penalty: true,
        method: || Box::new(Invariance::v_rex()),
    },
    DeviceRow {
        name: "irm",
        doc: "the same with a read-out that is optimal on every device",
        is_ideal: false,
        is_penalty: true,
        method: || Box::new(Invariance::irm()),
    },
];

/// Heads that are trained: rows of the table of heads.
pub const HEADS: [(&str, &str); 2] = [
    ("quantum", "a circuit between two linear layers"),
    ("mlp_a", "as many units without circuit, which no noise reaches"),
];

/// Digits that are told apart: those that look alike.
const DIGITS: [u32; 4] = [3, 5, 8, 9];
/// How many there are inside the program.
pub const DEVICE_DIGITS: usize = 719;

/// The same head on every environment: rows name theirs in the second input.
struct OverDevices {
    models: Vec<HeadModel>,
}

struct Built {
    heads: Vec<Arc<dyn Head>>,
}

impl Model for OverDevices {
    fn build<'a>(&'a self, params: &mut Params) -> Result<Box<dyn Network + 'a>, NnError> {
        let heads = self.models.iter().map(|model| model.build(params)).collect::<Result<_, _>>()?;
        Ok(Box::new(Built { heads }))
    }
}

impl Network for Built {
    fn forward(&self, inputs: &[Tensor], _mode: Mode) -> Result<Output, NnError> {
        let features = &inputs[0];
        let environments: Vec<u32> = inputs[1].to_vec1()?;
        let (mut logits, mut order) = (Vec::new(), vec![0u32; environments.len()]);
        let mut count = 0;
        for (environment, head) in self.heads.iter().enumerate() {
            let rows: Vec<u32> = (0..environments.len() as u32)
                .filter(|row| environments[*row as usize] as usize == environment)
                .collect();
            if rows.is_empty() {
                continue;
            }
            for row in &rows {
                order[*row as usize] = count;
                count += 1;
            }
            logits.push(head.logits(&features.index_select(&Tensor::new(rows, features.device())?, 0)?)?);
        }
        let logits = Tensor::cat(&logits, 0)?.index_select(&Tensor::new(order, features.device())?, 0)?;
        Ok(Output::new(features.clone(), logits))
    }
}

/// Values of rows, one behind the other, and their classes.
type Digits = (Vec<f32>, Vec<u32>);

/// Rows to learn from and to be evaluated on.
fn rows(spec: &Spec, seed: u64) -> Result<[Digits; 2], StudyError> {
    let (pixels, labels) = digits()?;
    let own: Vec<usize> = (0..labels.len()).filter(|row| DIGITS.contains(&labels[*row])).collect();
    let order = Stream::named(seed, "device rows").permutation(own.len());
    let mut found: [Digits; 2] = Default::default();
    let take = spec.device_rows + spec.device_test_rows;
    for (place, k) in order.iter().take(take).enumerate() {
        let (values, classes) = &mut found[usize::from(place >= spec.device_rows)];
        let row = own[*k];
        values.extend(pixels.row(row));
        classes.push(DIGITS.iter().position(|digit| *digit == labels[row]).unwrap_or(0) as u32);
    }
    Ok(found)
}

/// Trains a head one way and evaluates it on every device.
///
/// # Errors
/// If a circuit does not fit a device, or training fails or is stopped.
pub fn run(
    spec: &Spec,
    executions: &Executions,
    (arm, head): (&DeviceRow, &str),
    seed: u64,
    context: &Context,
) -> Result<Measurement, StudyError> {
    let [(values, classes), (test_values, test_classes)] = rows(spec, seed)?;
    let config = HeadConfig::named(head)?.circuit(spec.circuit.clone());
    let plain = config.model(64, DIGITS.len())?;
    let mut compiled = Vec::new();
    for (name, condition) in spec.conditions() {
        context.proceed()?;
        compiled.push((name, plain.compile(executions, &condition, seed)?));
    }
    let environments = if arm.is_ideal { 1 } else { 1 + spec.devices.len() };
    let count = classes.len();
    let repeated = |values: &[f32]| values.repeat(environments);
    let domains: Vec<u32> = (0..environments as u32).flat_map(|e| vec![e; count]).collect();
    let domains = Tensor::new(domains, &Device::Cpu)?;
    let inputs = Tensor::from_vec(repeated(&values), (environments * count, 64), &Device::Cpu)?;
    let labels = Tensor::new(classes.repeat(environments), &Device::Cpu)?;
    let mut examples = Examples::new(inputs, labels);
    examples.inputs.push(domains.clone());
    examples.domains = Some(domains);
    let model = OverDevices { models: compiled[..environments].iter().map(|(_, model)| model.clone()).collect() };
    let mut params = Params::new(seed, DType::F32);
    let penalised = Annealed {
        method: (arm.method)(),
        before: 0.0,
        weight: spec.device_weight,
        from: spec.from,
        decay: 0.0,
        is_rescaled: false,
    };
    // GroupDRO is a loss of its own, which no factor belongs to.
    let method: Box<dyn Transfer> = if arm.is_penalty { Box::new(penalised) } else { penalised.method };
    let mut method = Compose(vec![Box::new(plain.learning_rates()), method]);
    // A step has so many rows of every environment, so that all arms take as many steps.
    let config = TrainConfig { batch: spec.device_train.batch.min(count) * environments, ..spec.device_train };
    let training = TrainingLoop {
        observer: context.observer,
        sampler: Sampler::Balanced(examples.domains()?),
        ..TrainingLoop::new(&model, &examples, &Loss::CrossEntropy, &config, seed)
    };
    training.run(&mut params, &mut method)?;
    let features = Tensor::from_vec(test_values, (test_classes.len(), 64), &Device::Cpu)?;
    let mut found = Measurement::default();
    let (mut all, mut new) = (Vec::new(), Vec::new());
    for (place, (name, model)) in compiled.iter().enumerate() {
        context.proceed()?;
        let said: Vec<u32> = model.build(&mut params)?.logits(&features)?.detach().argmax(D::Minus1)?.to_vec1()?;
        let hits = said.iter().zip(&test_classes).filter(|(said, truth)| said == truth).count();
        let accuracy = hits as f64 / test_classes.len().max(1) as f64;
        found = found.under(&[("device", name)], "accuracy", accuracy);
        all.push(accuracy);
        if place > spec.devices.len() {
            new.push(accuracy);
        }
    }
    let least = |values: &[f64]| values.iter().copied().fold(1.0, f64::min);
    Ok(found
        .value("worst", least(&all))
        .value("worst_unseen", least(&new))
        .value("parameters", params.count(|_| true) as f64))
}
