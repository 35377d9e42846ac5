//! What heads are compared as, and the conditions that they are evaluated under.

use crate::nn::head::Body;
use crate::sim::Condition;
use crate::systems::conditions::Evaluated;
use crate::systems::head_choice::HeadChoice;
use crate::systems::qtl::conditions::is_calibrated;

/// What a head is compared as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// No circuit.
    Classical,
    /// A trained circuit with entanglers.
    Quantum,
    /// A circuit with something taken away: if that mattered, the head is worse.
    Control,
}

impl HeadChoice {
    /// Whether it is evaluated under noise or with shots: a head with a circuit, or a kernel of a device.
    pub fn meets_noise(&self) -> bool {
        self.has_circuit() || self.device.is_some()
    }

    /// The conditions among `all` that it is evaluated under. A kernel, which runs a circuit for each pair of rows, is evaluated
    /// under the calibrated noise of its own device alone.
    pub fn evaluated_under<'a>(&'a self, all: &'a [Evaluated]) -> impl Iterator<Item = &'a Evaluated> {
        let is_own = |condition: &Condition| condition.device == self.device && is_calibrated(condition);
        all.iter().filter(move |other| self.has_circuit() || (self.device.is_some() && is_own(&other.condition)))
    }

    /// What it is compared as.
    pub fn family(&self) -> Family {
        match self.config.row.body {
            Body::Layers { .. } => Family::Classical,
            Body::Dressed { entangle: true } if self.config.row.name != "frozen_quantum" => Family::Quantum,
            Body::Dressed { .. } => Family::Control,
            Body::Kernel => Family::Quantum,
        }
    }
}
