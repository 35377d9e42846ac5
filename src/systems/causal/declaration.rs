//! What a user states about how environments differ, and which methods that allows (terms of Castro, Walker & Glocker 2020,
//! arXiv:1912.08142).

use serde::{Deserialize, Serialize};

use crate::transfer::penalty::Mechanism;

/// What differs between environments D, for pictures X of an anatomy Z with annotation Y.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shift {
    /// P(Z | D): who is seen. Of causal tasks.
    Population,
    /// P(Y | D): how often a class occurs. Of anticausal tasks.
    Prevalence,
    /// P(X | Z, D): the scanner or its settings.
    Acquisition,
    /// P(Y | X, D): the policy of labelling.
    Annotation,
    /// P(Z | Y, D): how a class shows itself. Of anticausal tasks.
    Manifestation,
}

/// What causes what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// The picture leads to the label, as in segmentation.
    Causal,
    /// The label leads to the picture, as in diagnosis.
    #[default]
    Anticausal,
}

/// What acts on picture and label alike.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Confounder {
    /// Nothing.
    #[default]
    None,
    /// The environment, which is known for every training row.
    Environment,
    /// Something that is not in the data.
    Hidden,
}

/// A declaration. The default says that nothing differs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Declaration {
    /// What differs between environments.
    pub shifts: Vec<Shift>,
    /// What causes what.
    pub direction: Direction,
    /// What acts on picture and label alike.
    pub confounder: Confounder,
    /// Whether the features carry all of what the input does to the label, so that they are a mediator.
    pub mediator: bool,
    /// How the environment changes a row, where that is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mechanism: Option<KnownMechanism>,
}

/// A mechanism that a declaration can state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KnownMechanism {
    /// A factor and an offset for every channel or column.
    Affine,
    /// Channels trade places.
    Channels,
}

impl KnownMechanism {
    /// As the method takes it.
    pub fn mechanism(self) -> Mechanism {
        match self {
            Self::Affine => Mechanism::Affine,
            Self::Channels => Mechanism::Channels,
        }
    }
}

/// What a method takes for granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Assumption {
    /// Some function of the input predicts the label alike in every environment.
    OnePredictor,
    /// Features are distributed alike in every environment.
    OneFeatureDistribution,
    /// A change of appearance undoes the shift.
    Appearance,
    /// The confounder is the environment.
    ObservedConfounder,
    /// The confounder is hidden and the features mediate.
    Mediator,
    /// How the environment changes a row is known.
    KnownMechanism,
}

impl Assumption {
    /// Why the declaration contradicts it; `None` if it does not.
    pub fn refusal(self, declared: &Declaration) -> Option<&'static str> {
        let has = |shift: Shift| declared.shifts.contains(&shift);
        match self {
            Self::OnePredictor if has(Shift::Prevalence) => {
                Some("prevalence differs, so that no predictor of the label is the same in every environment")
            }
            Self::OnePredictor if has(Shift::Annotation) => {
                Some("labels follow another policy in each environment, so that no predictor holds in all")
            }
            Self::OneFeatureDistribution if has(Shift::Prevalence) => {
                Some("prevalence differs: features that are distributed alike would have to ignore the class")
            }
            Self::OneFeatureDistribution if has(Shift::Population) => {
                Some("the population differs: features that are distributed alike would have to ignore who is seen")
            }
            Self::Appearance if !declared.shifts.is_empty() && !has(Shift::Acquisition) => {
                Some("no acquisition shift is declared: a change of appearance undoes no other")
            }
            Self::ObservedConfounder if declared.confounder != Confounder::Environment => {
                Some("the environment is not declared as the confounder")
            }
            Self::Mediator if declared.confounder != Confounder::Hidden || !declared.mediator => {
                Some("no hidden confounder with the features as mediator is declared")
            }
            Self::KnownMechanism if declared.mechanism.is_none() => {
                Some("no mechanism is declared by which the environment changes a row")
            }
            _ => None,
        }
    }
}

impl Declaration {
    /// What contradicts itself: a field, its value, what is expected.
    pub fn violations(&self) -> Vec<(&'static str, String, &'static str)> {
        let mut found = Vec::new();
        for shift in &self.shifts {
            let (needed, expected) = match shift {
                Shift::Population => {
                    (Direction::Causal, "direction = causal: a population shift acts through the input")
                }
                Shift::Prevalence => (Direction::Anticausal, "direction = anticausal: prevalence is that of the cause"),
                Shift::Manifestation => {
                    (Direction::Anticausal, "direction = anticausal: the label must cause what is manifest")
                }
                Shift::Acquisition | Shift::Annotation => continue,
            };
            if self.direction != needed {
                found.push(("declaration.shifts", format!("{shift:?}").to_lowercase(), expected));
            }
        }
        if self.mediator && self.confounder != Confounder::Hidden {
            let expected = "confounder = hidden beside it: without one nothing needs a mediator";
            found.push(("declaration.mediator", "true".into(), expected));
        }
        found
    }

    /// Why a method that assumes all of these is refused; `None` if it is allowed.
    pub fn refusal(&self, assumed: &[Assumption]) -> Option<&'static str> {
        assumed.iter().find_map(|assumption| assumption.refusal(self))
    }

    /// In words: "anticausal; manifestation".
    pub fn text(&self) -> String {
        let lower = |text: String| text.to_lowercase();
        let mut parts = vec![lower(format!("{:?}", self.direction))];
        let shifts: Vec<String> = self.shifts.iter().map(|shift| lower(format!("{shift:?}"))).collect();
        parts.push(if shifts.is_empty() { "no shift".into() } else { shifts.join(", ") });
        if self.confounder != Confounder::None {
            parts.push(format!("confounder: {}", lower(format!("{:?}", self.confounder))));
        }
        if self.mediator {
            parts.push("features mediate".into());
        }
        if let Some(mechanism) = self.mechanism {
            parts.push(format!("mechanism: {}", lower(format!("{mechanism:?}"))));
        }
        parts.join("; ")
    }
}
