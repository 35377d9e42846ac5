//! Methods that learn from several environments, and which of them a run has.

use crate::study::StudyError;
use crate::systems::causal::declaration::{Assumption, Declaration, KnownMechanism};
use crate::systems::causal::spec::{OWN, Spec};
use crate::systems::causal::task::TaskRow;
use crate::transfer::penalty::{
    AndMask, Backdoor, Bank, Bottleneck, Coral, CoralForm, Counterfactual, Estimate, Fishr, FrontDoor, GinIpa,
    GroupDro, Invariance, Kernels, Mmd,
};
use crate::transfer::schedule::Full;
use crate::transfer::{Compose, Transfer};

/// An arm.
pub struct ArmRow {
    /// Name on the command line.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// What it takes for granted.
    pub assumes: &'static [Assumption],
    /// Factors on its penalty, of which the selection takes one; none for a method without such a factor.
    pub weights: &'static [f64],
    /// The method with a factor of 1.
    pub method: fn(&Declaration) -> Box<dyn Transfer>,
}

/// The arm that others are compared with.
pub const BASELINE: &str = "erm";
/// The arm that cannot use what changes.
pub const ORACLE: &str = "oracle";

/// The weight of the invariance penalties in the code of the coloured digits of IRM.
const IRM_WEIGHTS: &[f64] = &[91_257.0, 1e4, 1e3];

/// Kernels e^{-γ d²} of MMD in DomainBed (Gulrajani & Lopez-Paz 2021), whose sum is taken there and whose mean is taken here.
const MMD_GAMMAS: [f64; 7] = [1e-3, 1e-2, 0.1, 1.0, 10.0, 100.0, 1000.0];

/// Every arm.
pub static ARMS: &[ArmRow] = &[
    ArmRow {
        name: BASELINE,
        doc: "the mean loss over all rows (empirical risk minimisation)",
        assumes: &[],
        weights: &[],
        method: |_| Box::new(Full),
    },
    ArmRow {
        name: ORACLE,
        doc: "the same without what changes between environments: no colour, or no confounding",
        assumes: &[],
        weights: &[],
        method: |_| Box::new(Full),
    },
    ArmRow {
        name: "group_dro",
        doc: "the environment with the largest loss counts most (GroupDRO)",
        assumes: &[],
        weights: &[],
        method: |_| Box::new(GroupDro::default()),
    },
    ArmRow {
        name: "irm",
        doc: "the read-out is optimal in every environment (IRMv1)",
        assumes: &[Assumption::OnePredictor],
        weights: IRM_WEIGHTS,
        method: |_| Box::new(Invariance::irm()),
    },
    ArmRow {
        name: "v_rex",
        doc: "losses are equal over environments (V-REx)",
        assumes: &[Assumption::OnePredictor],
        weights: &[1e4, 1e3, 1e5],
        method: |_| Box::new(Invariance::v_rex()),
    },
    ArmRow {
        name: "ib_irm",
        doc: "IRMv1 with features of little variance (IB-IRM), whose factor is a thousandth",
        assumes: &[Assumption::OnePredictor],
        weights: IRM_WEIGHTS,
        method: |_| Box::new(Compose(vec![Box::new(Invariance::irm()), Box::new(Bottleneck { weight: 1e-3 })])),
    },
    ArmRow {
        name: "fishr",
        doc: "gradients of the last layer have one variance over environments (Fishr)",
        assumes: &[Assumption::OnePredictor],
        weights: IRM_WEIGHTS,
        method: |_| Box::new(Fishr::default()),
    },
    ArmRow {
        name: "and_mask",
        doc: "steps along which the gradients of all environments agree in sign (ANDMask)",
        assumes: &[Assumption::OnePredictor],
        weights: &[],
        method: |_| Box::new(AndMask::default()),
    },
    ArmRow {
        name: "coral",
        doc: "features have one mean and covariance over environments (CORAL)",
        assumes: &[Assumption::OneFeatureDistribution],
        weights: &[1.0, 10.0, 0.1],
        method: |_| Box::new(Coral { form: CoralForm::MeansAndCovariances, ..Coral::default() }),
    },
    ArmRow {
        name: "mmd",
        doc: "features have one distribution over environments (MMD)",
        assumes: &[Assumption::OneFeatureDistribution],
        weights: &[1.0, 0.1, 10.0],
        // The default's variances follow the features, and its estimate is above 0 for equal distributions. Both reward
        // features that shrink without end: a network from scratch ends with none.
        method: |_| {
            let kernels = Kernels::Fixed(Bank::gaussians(&MMD_GAMMAS.map(|gamma| 0.5 / gamma)));
            Box::new(Mmd { kernels, estimate: Estimate::Unbiased, ..Mmd::default() })
        },
    },
    ArmRow {
        name: "backdoor",
        doc: "adjusts for the environment as a confounder, every environment counted alike",
        assumes: &[Assumption::ObservedConfounder],
        weights: &[],
        method: |_| {
            let mut method = Backdoor::default();
            method.is_uniform = true;
            Box::new(method)
        },
    },
    ArmRow {
        name: "front_door",
        doc: "adjusts for a hidden confounder through the features",
        assumes: &[Assumption::Mediator],
        weights: &[],
        method: |_| Box::new(FrontDoor::default()),
    },
    ArmRow {
        name: "gin_ipa",
        doc: "every picture seen through two random networks, with one answer for both (GIN and IPA)",
        assumes: &[Assumption::Appearance],
        // The factor of the paper, 10, is that of pictures on which the network already learns. From scratch it ends in one
        // answer for everything.
        weights: &[],
        method: |_| {
            let mut method = GinIpa::default();
            method.weight = 1.0;
            Box::new(method)
        },
    },
    ArmRow {
        name: "counterfactual",
        doc: "every row beside itself as another environment would have it, with one answer for both",
        assumes: &[Assumption::KnownMechanism],
        weights: &[],
        method: |declared| {
            let mut method = Counterfactual::of(declared.mechanism.unwrap_or(KnownMechanism::Affine).mechanism());
            method.weight = 10.0;
            Box::new(method)
        },
    },
];

impl ArmRow {
    /// The arm of this name.
    ///
    /// # Errors
    /// If there is none, with the nearest name.
    pub fn named(name: &str) -> Result<&'static Self, StudyError> {
        let found = ARMS.iter().find(|row| row.name == name);
        found.ok_or_else(|| StudyError::unknown("arm", name, ARMS.iter().map(|row| row.name)))
    }
}

impl Spec {
    /// Name, declaration, and whether there is an oracle, of every task that is run.
    ///
    /// # Errors
    /// If there is no such task.
    pub fn declared(&self) -> Result<Vec<(String, Declaration, bool)>, StudyError> {
        if self.data.is_some() {
            return Ok(vec![(OWN.into(), self.declaration.clone(), false)]);
        }
        let row = |name: &String| -> Result<_, StudyError> {
            let row = TaskRow::named(name)?;
            Ok((name.clone(), (row.declaration)(), row.has_oracle))
        };
        self.tasks.iter().map(row).collect()
    }

    /// The arms that run on a task.
    pub fn arms_of(&self, declaration: &Declaration, has_oracle: bool) -> Vec<&'static ArmRow> {
        let is_run = |row: &&ArmRow| {
            let is_asked = self.arms.is_empty() || self.arms.iter().any(|name| name == row.name);
            let is_possible = row.name != ORACLE || has_oracle;
            is_asked && is_possible && (self.allow_refused || declaration.refusal(row.assumes).is_none())
        };
        ARMS.iter().filter(is_run).collect()
    }

    /// Refuses an arm that is asked for and that no declaration allows, with the reasons.
    ///
    /// # Errors
    /// An arm that is asked for and refused, and one that does not exist.
    pub fn check_arms(&self) -> Result<(), StudyError> {
        let declared = self.declared()?;
        for name in self.arms.iter().filter(|_| !self.allow_refused) {
            let row = ArmRow::named(name)?;
            let reasons = declared.iter().map(|(task, own, _)| Some(format!("{task}: {}", own.refusal(row.assumes)?)));
            if let Some(reasons) = reasons.collect::<Option<Vec<String>>>().filter(|reasons| !reasons.is_empty()) {
                let reason = format!(
                    "arms = {name} is refused under the declared shifts; {}. Declare otherwise, or run it with \
                     --allow-refused",
                    reasons.join("; ")
                );
                return Err(StudyError::Settings { reason });
            }
        }
        Ok(())
    }
}
