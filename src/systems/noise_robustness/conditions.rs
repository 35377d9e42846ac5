//! The conditions under which circuits are evaluated, each a level of every evaluation factor.

use crate::lab::{Factor, Role};
use crate::noise::model;
use crate::sim::Condition;
use crate::sim::mitigate::MITIGATIONS;
use crate::systems::conditions::{ALL, EXACT, Evaluated, UNMITIGATED};
use crate::systems::noise_robustness::spec::Spec;

/// Sources of noise that are evaluated alone, on the first device; rows of `qgraft list sources`.
pub const SINGLE_SOURCES: [&str; 3] = ["gate_error", "relaxation", "readout"];
/// The evaluation factors of the system, the slowest first.
const FACTORS: [&str; 5] = ["device", "source", "scale", "mitigation", "shots"];

/// Whether expectation values are exact and nothing is mitigated.
pub fn is_exact_and_unmitigated(condition: &Condition) -> bool {
    condition.shots.is_none() && condition.mitigation.is_none()
}

/// All noise of a device at some strength, exact and without mitigation.
pub fn on_device(spec: &Spec, device: &str, scale: f64) -> Condition {
    Condition { model: spec.model.clone(), scale, ..Condition::on_device(device) }
}

/// Every condition: on every device all noise at every scale, with every mitigation, exact and with shots; then every
/// source alone on the first device.
pub fn conditions(spec: &Spec) -> Vec<Evaluated> {
    let mut found = Vec::new();
    let mitigations = || std::iter::once(None).chain(spec.mitigations.iter().cloned().map(Some));
    let shots = || std::iter::once(None).chain(spec.shots.iter().copied().map(Some));
    for device in &spec.devices {
        for &scale in &spec.scales {
            let exact = on_device(spec, device, scale);
            for mitigation in mitigations() {
                found.extend(shots().map(|shots| Condition { mitigation: mitigation.clone(), shots, ..exact.clone() }));
            }
        }
    }
    for source in SINGLE_SOURCES {
        let alone = |&scale: &f64| Condition { source: source.into(), ..on_device(spec, &spec.devices[0], scale) };
        found.extend(spec.scales.iter().map(alone));
    }
    found.into_iter().map(|condition| Evaluated::new(condition, &FACTORS)).collect()
}

/// The evaluation factors of the conditions.
pub fn factors(spec: &Spec) -> Vec<Factor> {
    let source = |name: &str| model::SOURCES.iter().find(|row| row.name == name).map_or("", |row| row.doc).to_string();
    let sources = SINGLE_SOURCES.iter().map(|name| (name.to_string(), format!("{} alone", source(name))));
    let method = |name: &String| {
        let doc = MITIGATIONS.iter().find(|row| row.name == name).map_or("", |row| row.doc);
        (name.clone(), doc.to_string())
    };
    let all = (ALL.to_string(), "every source of the noise model".to_string());
    let none = (UNMITIGATED.to_string(), "no mitigation".to_string());
    let shots = std::iter::once(EXACT.to_string()).chain(spec.shots.iter().map(usize::to_string));
    let mut factors = over_noise(spec);
    factors.insert(1, Factor::explained("source", Role::Evaluation, std::iter::once(all).chain(sources)));
    let mitigations = std::iter::once(none).chain(spec.mitigations.iter().map(method));
    factors.push(Factor::explained("mitigation", Role::Evaluation, mitigations));
    factors.push(Factor::new("shots", Role::Evaluation, shots));
    factors
}

/// The factors of evaluations of all noise alone: device and scale.
pub fn over_noise(spec: &Spec) -> Vec<Factor> {
    vec![Factor::new("device", Role::Evaluation, &spec.devices), Factor::new("scale", Role::Evaluation, &spec.scales)]
}
