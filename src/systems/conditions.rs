//! Conditions of evaluations as levels of factors, for every system that runs circuits under noise.

use crate::lab::Measurement;
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

/// With what the noise model repaired or could not use in a circuit, each sentence once.
pub fn add_notices(found: &mut Measurement, execution: &Execution, condition: &Condition) {
    let device = condition.device.as_deref().unwrap_or(IDEAL);
    for notice in execution.notices().iter().map(|notice| format!("{device}: {notice}")) {
        if !found.notices.contains(&notice) {
            found.notices.push(notice);
        }
    }
}
