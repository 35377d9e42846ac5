//! Units as types where a bare number could be mistaken: a time for a rate, an error for a probability.

use serde::{Deserialize, Serialize};
use std::fmt;

/// A duration in seconds. Calibration files keep microseconds and nanoseconds. They are converted once, on reading.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seconds(pub f64);

impl Seconds {
    /// From microseconds. Divides, because 1e-6 has no exact double and 1e6 has: the result is correctly rounded.
    pub fn micro(value: f64) -> Self {
        Self(value / 1e6)
    }

    /// From nanoseconds, divided like microseconds.
    pub fn nano(value: f64) -> Self {
        Self(value / 1e9)
    }
}

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let s = self.0;
        match s.abs() {
            a if a >= 1.0 || a == 0.0 => write!(f, "{s:.3} s"),
            a if a >= 1e-3 => write!(f, "{:.3} ms", s * 1e3),
            a if a >= 1e-6 => write!(f, "{:.3} µs", s * 1e6),
            _ => write!(f, "{:.3} ns", s * 1e9),
        }
    }
}

/// A number in [0, 1].
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Probability(f64);

impl Probability {
    /// Zero.
    pub const ZERO: Self = Self(0.0);

    /// `value`, or what is wrong with it.
    ///
    /// # Errors
    /// If `value` is not in [0, 1] (NaN is not).
    pub fn new(value: f64) -> Result<Self, NotAProbability> {
        if (0.0..=1.0).contains(&value) { Ok(Self(value)) } else { Err(NotAProbability(value)) }
    }

    /// The number.
    pub fn get(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Probability {
    type Error = NotAProbability;
    fn try_from(value: f64) -> Result<Self, NotAProbability> {
        Self::new(value)
    }
}

impl From<Probability> for f64 {
    fn from(p: Probability) -> f64 {
        p.0
    }
}

/// The value was not in [0, 1].
#[derive(Clone, Copy, Debug, PartialEq, thiserror::Error)]
#[error("{} is not a probability: expected a number in [0, 1]", crate::math::words::number(*.0))]
pub struct NotAProbability(pub f64);

/// An energy in electronvolts. Forces are in electronvolts per ångström everywhere; files may state other units.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ElectronVolts(pub f64);

impl fmt::Display for ElectronVolts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} eV", self.0)
    }
}

/// The unit of the energies of a file. Its forces are in the same unit per ångström.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum EnergyUnit {
    /// Electronvolts, as ASE writes them.
    #[default]
    #[serde(rename = "eV")]
    ElectronVolt,
    /// Kilocalories per mole, as force fields and MD17 state them.
    #[serde(rename = "kcal/mol")]
    KilocaloriePerMole,
    /// Kilojoules per mole.
    #[serde(rename = "kJ/mol")]
    KilojoulePerMole,
    /// Hartrees. Forces in hartrees per bohr are not in this unit.
    #[serde(rename = "hartree")]
    Hartree,
}

impl EnergyUnit {
    /// Every unit, by its name in settings.
    pub const NAMES: [(&'static str, Self); 4] = [
        ("eV", Self::ElectronVolt),
        ("kcal/mol", Self::KilocaloriePerMole),
        ("kJ/mol", Self::KilojoulePerMole),
        ("hartree", Self::Hartree),
    ];

    /// Electronvolts in one of this unit (CODATA 2018; the calorie is 4.184 J).
    ///
    /// ```
    /// use qgraft::math::EnergyUnit::*;
    /// assert!((KilocaloriePerMole.electron_volts() * 23.0605 - 1.0).abs() < 1e-5);
    /// assert!((Hartree.electron_volts() / KilocaloriePerMole.electron_volts() - 627.5095).abs() < 1e-4);
    /// ```
    pub const fn electron_volts(self) -> f64 {
        const KILOJOULE: f64 = 0.010_364_269_656_262_174;
        match self {
            Self::ElectronVolt => 1.0,
            Self::KilocaloriePerMole => 4.184 * KILOJOULE,
            Self::KilojoulePerMole => KILOJOULE,
            Self::Hartree => 27.211_386_245_988,
        }
    }

    /// An energy that a file states in this unit.
    pub fn energy(self, value: f64) -> ElectronVolts {
        ElectronVolts(value * self.electron_volts())
    }

    /// A force that a file states in this unit per ångström, in eV/Å.
    pub fn force(self, value: [f64; 3]) -> [f64; 3] {
        value.map(|component| component * self.electron_volts())
    }
}
