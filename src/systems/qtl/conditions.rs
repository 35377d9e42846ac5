//! The conditions under which trained heads are evaluated, each a level of every evaluation factor.

use crate::lab::{Factor, Role, Validation};
use crate::noise::model::{MODELS, SOURCES, Scale};
use crate::sim::Condition;
use crate::sim::mitigate::MITIGATIONS;
use crate::systems::conditions::{ALL, EXACT, Evaluated};
use crate::systems::qtl::spec::EvaluateConfig;

/// The evaluation factors of the system, the slowest first.
const FACTORS: [&str; 4] = ["device", "source", "scale", "shots"];

/// Whether the noise is whole and as calibrated, or there is none.
pub fn is_calibrated(condition: &Condition) -> bool {
    condition.source == ALL && condition.scale == 1.0
}

/// Every condition, the ideal and exact one first. Scales and sources are evaluated exactly, shots under the noise as
/// calibrated.
pub fn conditions(config: &EvaluateConfig) -> Vec<Evaluated> {
    let EvaluateConfig { devices, model, sources, scales, shots, .. } = config;
    let mut found = Vec::new();
    for device in std::iter::once(None).chain(devices.iter().cloned().map(Some)) {
        let exact = Condition { device: device.clone(), model: model.clone(), ..Condition::default() };
        found.push(exact.clone());
        if device.is_some() {
            for source in sources {
                // Without noise there is nothing to scale.
                let factors = scales.iter().copied().filter(|scale| source != "none" && *scale != 1.0);
                found.extend(std::iter::once(1.0).chain(factors).map(|scale| Condition {
                    source: source.clone(),
                    scale,
                    ..exact.clone()
                }));
            }
        }
        found.extend(shots.iter().map(|&shots| Condition { shots: Some(shots), ..exact.clone() }));
    }
    let mut distinct: Vec<Evaluated> = Vec::new();
    for condition in found.into_iter().map(|condition| Evaluated::new(condition, &FACTORS)) {
        if !distinct.contains(&condition) {
            distinct.push(condition);
        }
    }
    distinct
}

/// The evaluation factors of the conditions.
pub fn factors(conditions: &[Evaluated]) -> Vec<Factor> {
    let factor = |index: usize| {
        let mut levels: Vec<&str> = Vec::new();
        for condition in conditions {
            let level = condition.levels[index].1.as_str();
            if !levels.contains(&level) {
                levels.push(level);
            }
        }
        if levels.iter().all(|level| level.parse::<f64>().is_ok() || *level == EXACT) {
            levels.sort_by(|a, b| number(a).total_cmp(&number(b)));
        }
        Factor::new(FACTORS[index], Role::Evaluation, levels)
    };
    (0..FACTORS.len()).map(factor).collect()
}

/// Exact expectation values are those of infinitely many shots.
fn number(level: &str) -> f64 {
    level.parse().unwrap_or(f64::INFINITY)
}

/// Refuses a condition whose names are in no table, whose numbers are out of range, or whose device has fewer than
/// `qubits` qubits.
pub fn validate(field: &str, condition: &Condition, qubits: usize, check: &mut Validation) {
    let Condition { device, model, source, scale, shots, mitigation } = condition;
    if let Some(device) = device {
        check.device(&format!("{field}.device"), device, qubits);
    }
    validate_source(&format!("{field}.source"), source, check);
    check.name(&format!("{field}.model"), model, MODELS.iter().map(|row| row.name)).within(
        &format!("{field}.scale"),
        *scale,
        0.0..=Scale::MOST,
    );
    if let Some(shots) = shots {
        check.whole(&format!("{field}.shots"), *shots, 1..=100_000_000);
    }
    if let Some(mitigation) = mitigation {
        let field = format!("{field}.mitigation");
        check.name(&field, mitigation, MITIGATIONS.iter().map(|row| row.name));
        if let (true, Err(error)) = (check.violations().is_empty(), condition.check()) {
            check.refuse(&field, format!("{mitigation:?}"), error.to_string());
        }
    }
}

/// Refuses a source of noise that is in no table.
pub fn validate_source(field: &str, source: &str, check: &mut Validation) {
    check.name(field, source, [ALL, "none"].into_iter().chain(SOURCES.iter().map(|row| row.name)));
}
