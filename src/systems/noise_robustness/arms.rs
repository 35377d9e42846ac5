//! Ways of training a head: without noise, under it, under a random strength of it.

use candle_core::DType;

use crate::lab::StudyError;
use crate::nn::Params;
use crate::nn::head::HeadConfig;
use crate::sim::{Condition, Executions};
use crate::study::train::train;
use crate::study::{Observer, TrainedHead, tensors};
use crate::systems::hold_out::Rows;
use crate::systems::noise_robustness::conditions::on_device;
use crate::systems::noise_robustness::random_condition::{CountedBatches, RandomCondition};
use crate::systems::noise_robustness::spec::Spec;

/// The arm that the others are compared with.
pub const IDEAL: &str = "ideal";

/// A way of training.
pub struct ArmRow {
    /// Name in settings and tables.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// The conditions that batches are trained under; each batch draws one of them.
    conditions: fn(&Spec) -> Vec<Condition>,
}

/// Every way of training.
pub static ARMS: &[ArmRow] = &[
    ArmRow { name: IDEAL, doc: "trained without noise", conditions: |_| vec![Condition::default()] },
    ArmRow {
        name: "device",
        doc: "trained under the noise of the first device as calibrated",
        conditions: |spec| vec![on_device(spec, &spec.devices[0], 1.0)],
    },
    ArmRow {
        name: "random_strength",
        doc: "trained under the noise of the first device, multiplied in every batch by one of the scales drawn at random",
        conditions: |spec| spec.scales.iter().map(|&scale| on_device(spec, &spec.devices[0], scale)).collect(),
    },
];

impl ArmRow {
    /// The row of this name.
    ///
    /// # Errors
    /// If there is none, with the nearest name.
    pub fn named(name: &str) -> Result<&'static Self, StudyError> {
        let names = ARMS.iter().map(|row| row.name);
        ARMS.iter().find(|row| row.name == name).ok_or_else(|| StudyError::unknown("arm", name, names))
    }

    /// The dressed circuit of the settings, trained this way; the circuit of what is returned runs without noise.
    ///
    /// # Errors
    /// If the circuit does not fit the device, the training diverges, or the user wants to stop.
    pub fn train(
        &self,
        spec: &Spec,
        (rows, executions): (&Rows, &Executions),
        seed: u64,
        observer: &dyn Observer,
    ) -> Result<TrainedHead, StudyError> {
        let config = HeadConfig::named("quantum")?.circuit(spec.circuit.clone());
        let data = &rows.split;
        let model = config.model(data.training.values.ncols(), data.training.classes.len())?;
        let mut params = Params::new(seed, DType::F32);
        let mut heads = Vec::new();
        for condition in (self.conditions)(spec) {
            heads.push(model.compile(executions, &condition, seed)?.build(&mut params)?);
        }
        let head = RandomCondition::new(heads, seed);
        let (training, validation) = (tensors(&data.training)?, tensors(&data.validation)?);
        // The validation rows are one batch.
        let per_epoch = training.len().div_ceil(spec.train.batch) as u64 + 1;
        let mut method = CountedBatches { rates: model.learning_rates(), head: &head, per_epoch };
        let fitted = train(&head, &params, &mut method, (&training, &validation), &spec.train, seed, observer)?;
        Ok(TrainedHead { config, model, params, classes: data.training.classes.clone(), history: fitted.history })
    }
}
