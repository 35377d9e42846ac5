//! Calibration data that a model repairs or cannot use, reported once by name.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

/// A kind of repair. As JSON it is its name in snake case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs, reason = "each is described by its sentence")]
pub enum Repair {
    NotNative,
    NoRow,
    OutOfService,
    Uncalibrated,
    ErrorAboveMaximum,
    UnknownError,
    UnknownLength,
    UnknownReset,
    NoRelaxationTimes,
    UnknownT1,
    UnknownT2,
    T2AboveTwiceT1,
    RelaxationExceedsError,
    UnknownFrequency,
    UnknownReadout,
    ReadoutFromOther,
    UnknownReadoutLength,
    TypicalZz,
    UnknownZz,
    TypicalParallel,
    UnknownParallel,
    AveragedSlowly,
}

impl Repair {
    /// What was done, to be followed by the names of gates or qubits.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::NotNative => "not a native gate of the device, applied without noise (transpile the circuit)",
            Self::NoRow => "no calibration for this gate on these qubits in this order, applied without noise",
            Self::OutOfService => "out of service, applied without gate or readout noise",
            Self::Uncalibrated => "gate error 1 marks an uncalibrated gate; it scrambles its qubits completely",
            Self::ErrorAboveMaximum => "gate error above the largest possible one, clamped",
            Self::UnknownError => "gate error unknown, only relaxation is applied",
            Self::UnknownLength => "gate length unknown, applied without relaxation",
            Self::UnknownReset => "no reset instruction or its length is unknown, reset without noise",
            Self::NoRelaxationTimes => "T1 and T2 unknown, no relaxation",
            Self::UnknownT1 => "T1 unknown, only dephasing by T2 is applied",
            Self::UnknownT2 => "T2 unknown, taken as 2 T1",
            Self::T2AboveTwiceT1 => "T2 above 2 T1 is impossible, taken as 2 T1",
            Self::RelaxationExceedsError => {
                "relaxation during the gate alone exceeds its reported error, which is therefore exceeded"
            }
            Self::UnknownFrequency => "frequency unknown, the temperature has no effect",
            Self::UnknownReadout => "readout error unknown, read without error",
            Self::UnknownReadoutLength => "readout length unknown, counted as no time",
            Self::TypicalZz => "static ZZ not recorded, taken as typical of the processor family",
            Self::UnknownZz => "static ZZ not recorded and the processor family unknown, none is applied",
            Self::TypicalParallel => {
                "no layer fidelities recorded, the factor for gates in parallel is that of other devices of the family"
            }
            Self::UnknownParallel => {
                "no layer fidelities recorded and none of the processor family known, gates in parallel count as alone"
            }
            Self::AveragedSlowly => {
                "slow dephasing is averaged as if no pulse refocused it, and T1 and T2 do not drift; an ensemble of runs \
                 has both"
            }
            Self::ReadoutFromOther => "readout error derived from the other readout numbers of the qubit",
        }
    }

    /// Whether the noise of an operation is missing or meaningless, which strict mode refuses.
    pub fn is_refused_when_strict(self) -> bool {
        matches!(self, Self::NotNative | Self::NoRow | Self::OutOfService | Self::Uncalibrated | Self::UnknownError)
    }
}

/// Repairs by kind, each with the names of what it happened to.
#[derive(Default)]
pub(crate) struct RepairLog(BTreeMap<Repair, BTreeSet<String>>);

/// Names listed in one notice; the rest are counted.
const LISTED: usize = 12;

impl RepairLog {
    pub fn note(&mut self, repair: Repair, name: impl Into<String>) {
        self.0.entry(repair).or_default().insert(name.into());
    }

    /// The first repair that strict mode refuses, as a sentence.
    pub fn refused(&self) -> Option<String> {
        let (repair, names) = self.0.iter().find(|(repair, _)| repair.is_refused_when_strict())?;
        Some(notice(*repair, names))
    }

    /// One sentence for each kind.
    pub fn notices(&self) -> Vec<String> {
        self.0.iter().map(|(repair, names)| notice(*repair, names)).collect()
    }
}

fn notice(repair: Repair, names: &BTreeSet<String>) -> String {
    let listed: Vec<&str> = names.iter().take(LISTED).map(String::as_str).collect();
    let rest = match names.len().saturating_sub(LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    format!("{}{rest}: {}", listed.join(", "), repair.sentence())
}
