//! The arms: how fine-tuning begins.

use crate::nn::head::HeadRow;
use crate::systems::plasticity::spec::{Layers, Spec};
use crate::transfer::{Selection, Utility, Value};

/// One way to fine-tune.
#[derive(Clone, Debug, PartialEq)]
pub struct Arm {
    /// Name in results.
    pub name: String,
    /// What it is, in one line; empty for the cells of the grid, whose names explain themselves.
    pub doc: &'static str,
    /// What is done before fine-tuning.
    pub treatment: Treatment,
    /// Factor on the learning rate.
    pub rate: f64,
}

/// What is done to the trunk before it is fine-tuned.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Treatment {
    /// It is discarded: another network starts from its initial values.
    Scratch,
    /// Nothing.
    Plain,
    /// Running statistics become those of the target, the weights stay: what every treatment of a pretrained backbone does
    /// besides.
    Statistics,
    /// It stays as it is for good.
    Frozen,
    /// All weights shrink and get some noise.
    Shrink,
    /// Dormant units are reset.
    Wake,
    /// Weights of low utility are replaced.
    Redraw {
        /// What low utility is.
        utility: Utility,
        /// How many.
        selection: Selection,
        /// By what.
        value: Value,
        /// Where.
        layers: Layers,
    },
    /// The circuit of the head is discarded: its angles start anew, as those of a fresh head.
    FreshCircuit,
    /// Angles of the circuit are drawn anew near 0.
    WakeAngles {
        /// Which: the least active, or by chance.
        informed: bool,
        /// How many.
        selection: Selection,
    },
}

/// The arms beside the grid: name, what it is, how it begins, factor on the learning rate.
pub static CONTROLS: &[(&str, &str, Treatment, f64)] = &[
    ("scratch", "the same network from its initial values, without a source", Treatment::Scratch, 1.0),
    ("plain", "fine-tuning as usual: first the head alone, then everything", Treatment::Plain, 1.0),
    ("plain, slower", "the same at 0.3 times the learning rate", Treatment::Plain, 0.3),
    ("plain, faster", "the same at 3 times the learning rate", Treatment::Plain, 3.0),
    ("frozen", "the head alone learns", Treatment::Frozen, 1.0),
    ("shrink_perturb", "half of each weight and a tenth of a fresh one", Treatment::Shrink, 1.0),
    ("wake_units", "dormant units get fresh incoming weights and no outgoing ones", Treatment::Wake, 1.0),
    (
        "last_layer",
        "the last layer of the trunk is drawn anew",
        Treatment::Redraw {
            utility: Utility::Random,
            selection: Selection::Share(1.0),
            value: Value::Resample,
            layers: Layers::Last,
        },
        1.0,
    ),
];

impl Arm {
    /// Whether it replaces weights chosen by this utility.
    pub fn redraws_by(&self, by: Utility) -> bool {
        matches!(self.treatment, Treatment::Redraw { utility, .. } if utility == by)
    }

    /// Whether it is this arm with weights chosen by chance instead.
    pub fn is_chance_of(&self, other: &Self) -> bool {
        let by_chance = |treatment: Treatment| match treatment {
            Treatment::Redraw { selection, value, layers, .. } => {
                Treatment::Redraw { utility: Utility::Random, selection, value, layers }
            }
            Treatment::WakeAngles { selection, .. } => Treatment::WakeAngles { informed: false, selection },
            other => other,
        };
        self.treatment != other.treatment && self.treatment == by_chance(other.treatment) && self.rate == other.rate
    }
}

fn selected(selection: Selection) -> String {
    match selection {
        // Rounded, for 100 · 0.07 is not 7.
        Selection::Share(share) => format!("{} %", (1e8 * share).round() / 1e6),
        Selection::Threshold(factor) => format!("≤ {factor} mean"),
    }
}

/// Name of a cell of the grid.
fn cell(utility: Utility, selection: Selection, value: Value, layers: Layers) -> String {
    let name = format!("{utility:?} {} {value:?}", selected(selection)).to_lowercase();
    if layers == Layers::All { name } else { format!("{name}, {layers:?} layers").to_lowercase() }
}

/// Everything that a spec compares: the controls, then the grid, then what can be done to the circuit of the head, if it has
/// one that is trained. Layers other than all are tried with shares and the first value alone.
pub fn arms(spec: &Spec) -> Vec<Arm> {
    let control = |&(name, doc, treatment, rate): &(&str, &'static str, Treatment, f64)| Arm {
        name: name.into(),
        doc,
        treatment,
        rate,
    };
    let mut arms: Vec<Arm> = CONTROLS.iter().map(control).collect();
    let shares = spec.shares.iter().map(|&share| Selection::Share(share));
    let selections: Vec<Selection> =
        shares.chain(spec.thresholds.iter().map(|&factor| Selection::Threshold(factor))).collect();
    for &layers in &spec.layers {
        for &value in &spec.values {
            for &selection in &selections {
                let is_share = matches!(selection, Selection::Share(_));
                if layers != Layers::All && !(is_share && value == spec.values[0]) {
                    continue;
                }
                for &utility in &spec.utilities {
                    let treatment = Treatment::Redraw { utility, selection, value, layers };
                    arms.push(Arm { name: cell(utility, selection, value, layers), doc: "", treatment, rate: 1.0 });
                }
            }
        }
    }
    if trains_circuit(&spec.head) {
        let doc = "the angles of the circuit start anew";
        arms.push(Arm { name: "fresh circuit".into(), doc, treatment: Treatment::FreshCircuit, rate: 1.0 });
        for &selection in &selections {
            for (informed, name) in [(true, "least active"), (false, "any")] {
                let treatment = Treatment::WakeAngles { informed, selection };
                let name = format!("{name} angles {}", selected(selection));
                arms.push(Arm { name, doc: "", treatment, rate: 1.0 });
            }
        }
    }
    arms
}

/// Those of them that a pretrained backbone is fine-tuned with: its rate is chosen for each arm, so that there are none with
/// another rate, and its dormant units are counted but not reset.
pub fn pretrained_arms(spec: &Spec) -> Vec<Arm> {
    let doc = "plain with the running statistics of the target's pictures, as every arm has that changes weights";
    let statistics = Arm { name: "statistics".into(), doc, treatment: Treatment::Statistics, rate: 1.0 };
    let is_done = |arm: &Arm| {
        let is_other =
            matches!(arm.treatment, Treatment::Wake | Treatment::FreshCircuit | Treatment::WakeAngles { .. });
        arm.rate == 1.0 && !is_other
    };
    let mut arms: Vec<Arm> = arms(spec).into_iter().filter(is_done).collect();
    for arm in arms.iter_mut().filter(|arm| arm.treatment == Treatment::Scratch) {
        arm.doc = "the trained stages from their initial values; those below stay pretrained";
    }
    arms.insert(2, statistics);
    arms
}

/// Whether the head of this name is a circuit whose angles are trained: it then learns the source as well, and starts on
/// the target with the angles it has.
pub(super) fn trains_circuit(head: &str) -> bool {
    HeadRow::of_label(head).is_ok_and(|row| row.is_dressed() && row.frozen.is_empty())
}
