//! Conditions of evaluations as levels of factors, for every system that runs circuits under noise.

use serde::{Deserialize, Serialize};

use crate::lab::{Context, Factor, Flag, Measurement, Role, StudyError, Validation};
use crate::nn::head::{HeadModel, HeadRow};
use crate::noise::model::MODELS;
use crate::sim::{Condition, Execution};

/// Level of the factor `device` without noise.
pub const IDEAL: &str = "ideal";
/// Level of the factor `source` of the whole noise.
pub const ALL: &str = "all";
/// Level of the factor `scale` of the noise as calibrated.
pub const CALIBRATED: &str = "1";
/// Level of the factor `mitigation` without any.
pub const UNMITIGATED: &str = "none";
/// Level of the factor `shots` of exact expectation values.
pub const EXACT: &str = "exact";

/// A factor and its level for a condition.
struct FactorRow {
    name: &'static str,
    level: fn(&Condition) -> String,
}

/// Every factor that a condition may be a level of.
static FACTORS: &[FactorRow] = &[
    FactorRow { name: "device", level: |condition| condition.device.clone().unwrap_or_else(|| IDEAL.into()) },
    FactorRow { name: "source", level: |condition| condition.source.clone() },
    FactorRow { name: "scale", level: |condition| condition.scale.to_string() },
    FactorRow {
        name: "mitigation",
        level: |condition| condition.mitigation.clone().unwrap_or_else(|| UNMITIGATED.into()),
    },
    FactorRow {
        name: "shots",
        level: |condition| condition.shots.map_or_else(|| EXACT.into(), |shots| shots.to_string()),
    },
];

/// A condition with its level of each evaluation factor of a system.
#[derive(Clone, Debug, PartialEq)]
pub struct Evaluated {
    /// The condition.
    pub condition: Condition,
    /// Factor and level.
    pub levels: Vec<(&'static str, String)>,
}

impl Evaluated {
    /// A condition as levels of these factors.
    pub fn new(condition: Condition, factors: &[&str]) -> Self {
        let own = FACTORS.iter().filter(|row| factors.contains(&row.name));
        Self { levels: own.map(|row| (row.name, (row.level)(&condition))).collect(), condition }
    }

    /// Factor and level.
    pub fn at(&self) -> Vec<(&str, &str)> {
        self.levels.iter().map(|(factor, level)| (*factor, level.as_str())).collect()
    }
}

/// With what the noise model repaired or could not use in a circuit, and whether expectation values are exact, each sentence
/// once.
pub fn add_notices(found: &mut Measurement, execution: &Execution, condition: &Condition) {
    let device = condition.device.as_deref().unwrap_or(IDEAL);
    let repaired = execution.notices().iter().cloned();
    for notice in repaired.chain(inexact(execution, condition)).map(|notice| format!("{device}: {notice}")) {
        if !found.notices.contains(&notice) {
            found.notices.push(notice);
        }
    }
}

/// What an engine that is not exact does to expectation values, if it runs any of them.
fn inexact(execution: &Execution, condition: &Condition) -> Option<String> {
    if execution.engine(1).contains("sparse") {
        return Some("some expectation values are sums of Pauli strings of which small ones were dropped".into());
    }
    let draws = condition.shots.is_none() && execution.prepared.draws(1);
    draws.then(|| {
        "some expectation values are means of trajectories: no exact engine runs their part of the circuit".into()
    })
}

/// Conditions under which trained heads with a circuit are evaluated besides the one without noise.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ConditionConfig {
    /// Names or files of devices.
    pub devices: Vec<String>,
    /// Row of the table of noise models.
    pub model: String,
    /// Numbers of shots, without noise and under each device.
    pub shots: Vec<usize>,
}

impl Default for ConditionConfig {
    fn default() -> Self {
        Self { devices: Vec::new(), model: "aer".into(), shots: Vec::new() }
    }
}

/// The option `--devices`.
pub const fn devices_flag<S>() -> Flag<S> {
    Flag::field(
        "devices",
        "LIST",
        "evaluate.devices",
        "Evaluate trained circuits under the noise of these devices too (see `qgraft list devices`, or files of calibrations)",
    )
}

/// The option `--shots`.
pub const fn shots_flag<S>() -> Flag<S> {
    Flag::field(
        "shots",
        "LIST",
        "evaluate.shots",
        "Evaluate trained circuits with these numbers of shots too, without noise and under each device",
    )
}

impl ConditionConfig {
    /// Whether it is as it comes: such settings are not written.
    pub fn is_default(&self) -> bool {
        *self == Self::default()
    }

    /// Whether there is none besides the one without noise.
    pub fn is_empty(&self) -> bool {
        self.devices.is_empty() && self.shots.is_empty()
    }

    /// Refuses devices and models that there are not or that have fewer than `qubits` qubits, and any condition where none of
    /// the heads has a circuit.
    pub fn validate<S: AsRef<str>>(&self, field: &str, (heads, qubits): (&[S], usize), check: &mut Validation) {
        let name = |part: &str| format!("{field}.{part}");
        check
            .distinct(&name("devices"), &self.devices)
            .devices(&name("devices"), &self.devices, qubits)
            .name(&name("model"), &self.model, MODELS.iter().map(|row| row.name))
            .distinct(&name("shots"), &self.shots);
        for shots in &self.shots {
            check.whole(&name("shots"), *shots, 1..=100_000_000);
        }
        let row = |label: &S| HeadRow::of_label(label.as_ref());
        let has_circuit = heads.iter().any(|label| row(label).is_ok_and(HeadRow::is_dressed));
        if !has_circuit && !self.is_empty() {
            let (part, value) = match self.devices.first() {
                Some(device) => ("devices", format!("{device:?}")),
                None => ("shots", self.shots[0].to_string()),
            };
            check.refuse(
                &name(part),
                value,
                "none: no head has a circuit that noise and shots act on; name one, such as quantum",
            );
        }
    }

    /// Every condition, that without noise first; none if there is no other.
    pub fn all(&self) -> Vec<Evaluated> {
        if self.is_empty() {
            return Vec::new();
        }
        let mut factors = Vec::new();
        factors.extend((!self.devices.is_empty()).then_some("device"));
        factors.extend((!self.shots.is_empty()).then_some("shots"));
        let devices = std::iter::once(None).chain(self.devices.iter().cloned().map(Some));
        let under = |device: Option<String>| {
            let exact = Condition { device, model: self.model.clone(), ..Condition::default() };
            let sampled = self.shots.iter().map(|&shots| Condition { shots: Some(shots), ..exact.clone() });
            std::iter::once(exact.clone()).chain(sampled).collect::<Vec<_>>()
        };
        devices.flat_map(under).map(|condition| Evaluated::new(condition, &factors)).collect()
    }

    /// The evaluation factors of the conditions.
    pub fn factors(&self) -> Vec<Factor> {
        let all = self.all();
        let names: Vec<&str> =
            all.first().map_or(Vec::new(), |first| first.levels.iter().map(|(name, _)| *name).collect());
        let factor = |(index, name): (usize, &str)| {
            let mut levels: Vec<&str> = Vec::new();
            for level in all.iter().map(|condition| condition.levels[index].1.as_str()) {
                if !levels.contains(&level) {
                    levels.push(level);
                }
            }
            Factor::new(name, Role::Evaluation, levels)
        };
        names.into_iter().enumerate().map(factor).collect()
    }
}

/// With what `measure` finds of a trained head under each condition: metric and value. `head` runs without noise; `measure`
/// gets it with its circuit compiled for the condition. Shots draw under `seed`. Nothing is measured of a head without
/// circuit.
///
/// # Errors
/// If the circuit cannot be compiled for a condition, what `measure` fails with, or the user stops it.
pub fn evaluate_under(
    conditions: &[Evaluated],
    head: &HeadModel,
    seed: u64,
    context: &Context,
    mut found: Measurement,
    measure: &mut dyn FnMut(HeadModel) -> Result<Vec<(&'static str, f64)>, StudyError>,
) -> Result<Measurement, StudyError> {
    if head.ansatz.is_none() {
        return Ok(found);
    }
    for other in conditions {
        context.proceed()?;
        let under = head.compile(context.executions, &other.condition, seed)?;
        if let Some(execution) = &under.execution {
            add_notices(&mut found, execution, &other.condition);
        }
        for (metric, value) in measure(under)? {
            found = found.under(&other.at(), metric, value);
        }
    }
    Ok(found)
}
