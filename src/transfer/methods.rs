//! The table of transfer methods.

use crate::nn::{LayerGroups, NnError};
use crate::transfer::penalty::{Adversary, Anchor, Coral, Invariance, Kernels, Mmd};
use crate::transfer::schedule::{ChainThaw, Frozen, Full, Gradual, LayerRates};
use crate::transfer::{Compose, Distill, Hatl, LowRank, Reinit, Rule, ShrinkPerturb, Transfer};

/// A way to transfer.
pub struct MethodRow {
    /// Name in specs and listings.
    pub name: &'static str,
    /// One line for people: what it does, its paper and equation.
    pub doc: &'static str,
    /// The method with its usual constants, for a network in these layers.
    pub make: fn(&LayerGroups) -> Box<dyn Transfer>,
}

/// Every transfer method.
pub static METHODS: &[MethodRow] = &[
    MethodRow {
        name: "full",
        doc: "All parameters at the full rate (fine-tuning; Yosinski et al. 2014, arXiv:1411.1792, section 2)",
        make: |_| Box::new(Full),
    },
    MethodRow {
        name: "frozen",
        doc: "The trunk stays as it is and nothing is kept below the head, which learns alone (arXiv:1411.1792, \
              section 2)",
        make: |groups| Box::new(Frozen::new(groups)),
    },
    MethodRow {
        name: "gradual",
        doc: "One more layer from the head down each epoch (Howard & Ruder 2018, arXiv:1801.06146, section 3.3)",
        make: |groups| Box::new(Gradual::new(groups)),
    },
    MethodRow {
        name: "chain_thaw",
        doc: "The head, then each layer alone from the input up, then everything (Felbo et al. 2017, \
              arXiv:1708.00524, chain-thaw)",
        make: |groups| Box::new(ChainThaw::new(groups)),
    },
    MethodRow {
        name: "hatl",
        doc: "A layer is released when the metric is on a plateau near its best: |M - mean_k M| <= D and |M - best| <= t \
              (Shahin & Ismail 2026, arXiv:2603.19260)",
        make: |groups| Box::new(Hatl::new(groups, Rule::default())),
    },
    MethodRow {
        name: "layer_rates",
        doc: "Each layer has 1/2.6 of the rate of the one above: r_(l-1) = r_l / 2.6 (arXiv:1801.06146, section 3.2)",
        make: |groups| Box::new(LayerRates::new(groups)),
    },
    MethodRow {
        name: "reinit",
        doc: "The weights whose deletion would change the loss least, lowest |w g|, are drawn anew before fine-tuning \
              (Coetzer et al. 2026, arXiv:2603.20860; utilities of Hernandez-Garcia et al. 2025, arXiv:2508.00212)",
        make: |groups| Box::new(Reinit::new(groups)),
    },
    MethodRow {
        name: "shrink_perturb",
        doc: "Every weight of the trunk is halved and a little of a fresh one added before fine-tuning: a w + b init (after Ash \
              & Adams 2020, arXiv:1910.08475, section 4, who add normal noise)",
        make: |groups| Box::new(ShrinkPerturb::new(groups)),
    },
    MethodRow {
        name: "l2_sp",
        doc: "The trunk is tied to its start and the head to 0: a/2 |w - w0|^2 + b/2 |v|^2 (Li et al. 2018, \
              arXiv:1802.01483, section 3)",
        make: |groups| Box::new(Anchor::new(groups)),
    },
    MethodRow {
        name: "distill",
        doc: "The network's answers stay near a teacher's, by default its own at the start: T^2 KL of softened outputs \
              (Hinton et al. 2015, arXiv:1503.02531, section 2; Li & Hoiem 2016, arXiv:1606.09282)",
        make: |_| Box::new(Distill::default()),
    },
    MethodRow {
        name: "lora",
        doc: "The trunk stays; each of its matrices gets a trained product of two thin ones: W + a/r B A (Hu et al. \
              2021, arXiv:2106.09685, eq. 3)",
        make: |groups| Box::new(LowRank::new(groups)),
    },
    MethodRow {
        name: "mmd",
        doc: "Features of the domains are aligned under a bank of Gaussian kernels: MMD^2 (Gretton et al. 2012, JMLR \
              13:723, eq. 5; as a penalty Long et al. 2015, arXiv:1502.02791)",
        make: |_| Box::new(Mmd::default()),
    },
    MethodRow {
        name: "mmd_quantum",
        doc: "As mmd with a fidelity of four-qubit states, |<f(x)|f(y)>|^2, for the middle kernel (kernels of states: Havlicek \
              et al. 2019, arXiv:1804.11326)",
        make: |_| Box::new(Mmd { kernels: Kernels::Fidelity { qubits: 4 }, ..Mmd::default() }),
    },
    MethodRow {
        name: "coral",
        doc: "Features of the domains have one covariance: |C_s - C_t|^2 / (4 d^2) (Sun & Saenko 2016, \
              arXiv:1607.01719, eq. 1)",
        make: |_| Box::new(Coral::default()),
    },
    MethodRow {
        name: "irm",
        doc: "The classifier is optimal in every domain: mean_e (dR_e(w f)/dw at w = 1)^2 (Arjovsky et al. 2019, \
              arXiv:1907.02893, IRMv1)",
        make: |_| Box::new(Invariance::irm()),
    },
    MethodRow {
        name: "v_rex",
        doc: "Domains are learned equally well: the variance of their losses (Krueger et al. 2021, arXiv:2003.00688, \
              V-REx)",
        make: |_| Box::new(Invariance::v_rex()),
    },
    MethodRow {
        name: "adversarial",
        doc: "A classifier of domains learns on the features while they learn to defeat it, through a reversed gradient \
              (Ganin et al. 2016, arXiv:1505.07818, section 4)",
        make: |_| Box::new(Adversary::default()),
    },
];

impl MethodRow {
    /// The row of this name.
    ///
    /// # Errors
    /// If there is none, with the nearest name.
    pub fn named(name: &str) -> Result<&'static Self, NnError> {
        let names = METHODS.iter().map(|row| row.name);
        METHODS.iter().find(|row| row.name == name).ok_or_else(|| NnError::unknown("method", "methods", name, names))
    }
}

impl Compose {
    /// The methods of these names, each with its usual constants.
    ///
    /// # Errors
    /// If a name is not in the table.
    pub fn named<S: AsRef<str>>(names: &[S], groups: &LayerGroups) -> Result<Self, NnError> {
        let make = |name: &S| Ok((MethodRow::named(name.as_ref())?.make)(groups));
        Ok(Self(names.iter().map(make).collect::<Result<_, NnError>>()?))
    }
}
