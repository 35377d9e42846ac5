//! From the file to runs: every study goes through its lists, every combination is one run with a stable id.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::nn::NnError;
use crate::study::StudyError;
use crate::systems::qtl::battery::file::File;
use crate::systems::qtl::battery::job::{self, Job};

/// A list of the file.
pub struct AxisRow {
    /// Name of the list.
    pub list: &'static str,
    /// Name of one of its values, on the command line and in tables.
    pub key: &'static str,
    /// Its values where the file gives none; empty if it must be given.
    default: &'static [&'static str],
    /// What its values are.
    pub doc: &'static str,
}

/// Every list, the slowest to change first: runs that share features stand together.
pub static AXES: &[AxisRow] = &[
    AxisRow { list: "datasets", key: "dataset", default: &[], doc: "names in [datasets]" },
    AxisRow { list: "backbones", key: "backbone", default: &[], doc: "rows of `qgraft list backbones`" },
    AxisRow { list: "qubits", key: "qubits", default: &["4"], doc: "numbers of qubits" },
    AxisRow { list: "depths", key: "depth", default: &["3"], doc: "layers of the circuit" },
    AxisRow { list: "ansatze", key: "ansatz", default: &["dressed"], doc: "rows of `qgraft list ansatze`" },
    AxisRow { list: "heads", key: "head", default: &[], doc: "rows of `qgraft list heads`, or HEAD@DEVICE" },
    AxisRow { list: "devices", key: "device", default: &[], doc: "rows of `qgraft list devices`, or ideal" },
    AxisRow { list: "channels", key: "channel", default: &["all"], doc: "sources of noise" },
    AxisRow { list: "scales", key: "scale", default: &["1"], doc: "factors on the noise" },
    AxisRow { list: "shots", key: "shots", default: &["exact"], doc: "numbers of shots, or exact" },
    AxisRow {
        list: "mitigation",
        key: "mitigation",
        default: &["none"],
        doc: "rows of `qgraft list mitigations`, or none",
    },
    AxisRow { list: "epochs", key: "epochs", default: &["train"], doc: "epochs of training, or train for [train]'s" },
    AxisRow { list: "costs", key: "cost", default: &["local", "global"], doc: "local or global" },
    AxisRow {
        list: "starts",
        key: "start",
        default: &["uniform", "gaussian", "identity_blocks"],
        doc: "initialisations",
    },
    AxisRow { list: "draws", key: "draws", default: &["200"], doc: "random initialisations of a landscape" },
    AxisRow { list: "seeds", key: "seed", default: &["0", "1", "2", "3", "4"], doc: "seeds" },
];

/// What a study's run does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Trains a head and judges it.
    Training,
    /// Takes gradients over random initialisations.
    Landscape,
    /// Measures expressibility and entangling capability.
    Reach,
    /// Transpiles a circuit.
    Transpiling,
}

/// A study a file can ask for.
pub struct StudyRow {
    /// Name in files.
    pub name: &'static str,
    /// Heading in the report.
    pub heading: &'static str,
    /// The question it asks.
    pub doc: &'static str,
    /// What its runs do.
    pub kind: Kind,
    /// The lists whose combinations are its runs.
    pub axes: &'static [&'static str],
    /// Lists that each run goes through by itself, because what they vary needs no new training.
    pub inside: &'static [&'static str],
}

const TRAINED: &[&str] = &["datasets", "backbones", "qubits", "depths", "ansatze", "heads", "epochs", "seeds"];

/// Every study, in the order of the report.
pub static STUDIES: &[StudyRow] = &[
    StudyRow {
        name: "main",
        heading: "Heads on frozen backbones",
        doc: "Every head on the features of every backbone: does the quantum part help?",
        kind: Kind::Training,
        axes: TRAINED,
        inside: &[],
    },
    StudyRow {
        name: "ablation",
        heading: "Qubits and depth",
        doc: "Accuracy of the heads by number of qubits and layers.",
        kind: Kind::Training,
        axes: TRAINED,
        inside: &[],
    },
    StudyRow {
        name: "noise_decomposition",
        heading: "Which noise hurts",
        doc: "Heads trained and judged under one source of a device's noise at a time.",
        kind: Kind::Training,
        axes: &[
            "datasets",
            "backbones",
            "qubits",
            "depths",
            "ansatze",
            "heads",
            "devices",
            "channels",
            "scales",
            "epochs",
            "seeds",
        ],
        inside: &[],
    },
    StudyRow {
        name: "few_shots",
        heading: "As on hardware, with few shots",
        doc: "Heads trained (by the parameter-shift rule) and judged with a finite number of shots under a device's noise.",
        kind: Kind::Training,
        axes: &[
            "datasets",
            "backbones",
            "qubits",
            "depths",
            "ansatze",
            "heads",
            "devices",
            "shots",
            "mitigation",
            "epochs",
            "seeds",
        ],
        inside: &[],
    },
    StudyRow {
        name: "noise_scaling",
        heading: "Accuracy against the strength of noise",
        doc: "Heads trained once and judged under more and more of a device's noise, source by source.",
        kind: Kind::Training,
        axes: TRAINED,
        inside: &["devices", "channels", "scales"],
    },
    StudyRow {
        name: "barren_plateau",
        heading: "Gradients before training",
        doc: "Variance of the gradient over random initialisations: does it vanish with width, depth or noise?",
        kind: Kind::Landscape,
        axes: &["ansatze", "qubits", "depths", "devices", "costs", "starts", "draws"],
        inside: &[],
    },
    StudyRow {
        name: "expressibility",
        heading: "What the circuit reaches",
        doc: "Expressibility and entangling capability of the circuit, by width and depth.",
        kind: Kind::Reach,
        axes: &["ansatze", "qubits", "depths", "draws"],
        inside: &[],
    },
    StudyRow {
        name: "transpilation",
        heading: "What a device makes of the circuit",
        doc: "Depth and two-qubit gates after transpilation.",
        kind: Kind::Transpiling,
        axes: &["ansatze", "qubits", "depths", "devices"],
        inside: &[],
    },
];

impl StudyRow {
    /// The row of this name.
    ///
    /// # Errors
    /// If there is none, with the nearest name.
    pub fn named(name: &str) -> Result<&'static Self, StudyError> {
        let names = STUDIES.iter().map(|row| row.name);
        STUDIES.iter().find(|row| row.name == name).ok_or_else(|| StudyError::unknown("study", name, names))
    }
}

/// What tells one run of a study from another: key and value, in the order of [`AXES`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Labels(pub Vec<(&'static str, String)>);

impl Labels {
    /// The value of `key`, empty if the study does not vary it.
    pub fn get(&self, key: &str) -> &str {
        self.0.iter().find(|(known, _)| *known == key).map_or("", |(_, value)| value)
    }
}

/// A run of the plan.
#[derive(Clone, Debug)]
pub struct Planned {
    /// Its study.
    pub study: &'static str,
    /// Hash of its resolved spec: runs of one id are one computation, whichever study asks for them.
    pub id: String,
    /// What tells it from the others of its study.
    pub labels: Labels,
    /// What is to be done.
    pub job: Job,
}

impl Planned {
    /// "main · shirts · quantum · seed 0", for people; what all runs have in common is left out by `varied`.
    pub fn title(&self, varied: &[&str]) -> String {
        let shown = self.labels.0.iter().filter(|(key, _)| varied.contains(key));
        let word = |(key, value): &(&str, String)| match value.parse::<f64>() {
            Ok(_) => format!("{key} {value}"),
            Err(_) => value.clone(),
        };
        std::iter::once(self.study.to_string()).chain(shown.map(word)).collect::<Vec<_>>().join(" · ")
    }
}

/// Keys that take more than one value over the plan.
pub fn varied(plan: &[Planned]) -> Vec<&'static str> {
    let takes_two = |key: &str| {
        let mut values = plan.iter().map(|run| run.labels.get(key)).filter(|value| !value.is_empty());
        values.next().is_some_and(|first| values.any(|value| value != first))
    };
    AXES.iter().map(|axis| axis.key).filter(|key| takes_two(key)).collect()
}

/// Every run of the file, study by study.
///
/// # Errors
/// If a study, list or value is unknown (with the nearest name), a list is missing, empty or repeats a value, or a
/// combination is impossible.
pub fn resolve(file: &File) -> Result<Vec<Planned>, StudyError> {
    for name in file.studies.keys() {
        StudyRow::named(name)?;
    }
    for list in file.lists.keys() {
        axis(list)?;
    }
    let mut plan = Vec::new();
    for study in STUDIES {
        let Some(table) = file.studies.get(study.name) else { continue };
        for list in table.lists.keys() {
            axis(list)?;
            if !study.axes.contains(&list.as_str()) && !study.inside.contains(&list.as_str()) {
                let known = study.axes.iter().chain(study.inside).copied();
                return Err(StudyError::unknown("list of this study", &format!("{}.{list}", study.name), known));
            }
        }
        let values = |list: &str| values(file, study, list);
        let mut combinations = vec![Labels::default()];
        for axis in AXES.iter().filter(|axis| study.axes.contains(&axis.list)) {
            let values = values(axis.list)?;
            combinations = combinations
                .iter()
                .flat_map(|so_far| {
                    values.iter().map(|value| {
                        let mut labels = so_far.clone();
                        labels.0.push((axis.key, value.clone()));
                        labels
                    })
                })
                .collect();
        }
        let inside: BTreeMap<&str, Vec<String>> =
            study.inside.iter().map(|&list| Ok((list, values(list)?))).collect::<Result<_, StudyError>>()?;
        let excluded: Vec<BTreeMap<String, String>> =
            table.exclude.iter().map(excluded).collect::<Result<_, StudyError>>()?;
        let kept = |labels: &Labels| !excluded.iter().any(|out| out.iter().all(|(key, v)| labels.get(key) == v));
        for labels in combinations.into_iter().filter(kept) {
            let job = job::resolve(file, study, &labels, &inside)?;
            plan.push(Planned { study: study.name, id: job.id(), labels, job });
        }
    }
    Ok(plan)
}

fn axis(list: &str) -> Result<&'static AxisRow, StudyError> {
    let names = AXES.iter().map(|row| row.list);
    AXES.iter().find(|row| row.list == list).ok_or_else(|| StudyError::unknown("list", list, names))
}

/// The values of a list for a study: its own, those of [lists], or the default.
fn values(file: &File, study: &StudyRow, list: &str) -> Result<Vec<String>, StudyError> {
    let row = axis(list)?;
    let bad = |value: String, reason| StudyError::from(NnError::Setting { field: row.list, value, reason });
    let given = file.studies.get(study.name).and_then(|table| table.lists.get(list)).or_else(|| file.lists.get(list));
    let values: Vec<String> = match given {
        None if row.default.is_empty() => {
            return Err(bad("missing".into(), "this study needs the list; give it in [lists] or in the study"));
        }
        None => row.default.iter().map(|value| value.to_string()).collect(),
        Some(toml::Value::Array(values)) => values.iter().map(text).collect(),
        Some(value) => vec![text(value)],
    };
    if values.is_empty() {
        return Err(bad("[]".into(), "use at least one value"));
    }
    match values.iter().enumerate().find(|(k, value)| values[..*k].contains(value)) {
        Some((_, twice)) => Err(bad(twice.clone(), "stands twice; repeated runs would count as independent")),
        None => Ok(values),
    }
}

fn excluded(given: &BTreeMap<String, toml::Value>) -> Result<BTreeMap<String, String>, StudyError> {
    given.iter().map(|(key, value)| Ok((known_key(key)?.to_string(), text(value)))).collect()
}

/// A value as it stands in labels: numbers in their shortest form.
fn text(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Float(number) => number.to_string(),
        other => other.to_string(),
    }
}

fn known_key(key: &str) -> Result<&'static str, StudyError> {
    let keys = || AXES.iter().map(|row| row.key);
    keys().find(|known| *known == key).ok_or_else(|| StudyError::unknown("key", key, keys()))
}

/// Which runs are to be done: key and value; values of one key are alternatives, keys narrow down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Only(BTreeMap<String, Vec<String>>);

impl Only {
    /// From "key=value" texts. Keys are those of the lists, `study` and `id`.
    ///
    /// # Errors
    /// A text without "=", or an unknown key, with the nearest one.
    pub fn parse(texts: &[String]) -> Result<Self, StudyError> {
        let mut only: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for text in texts {
            let Some((key, value)) = text.split_once('=') else {
                let reason = "use key=value, such as head=quantum or study=main";
                return Err(NnError::Setting { field: "--only", value: text.clone(), reason }.into());
            };
            if !["study", "id"].contains(&key) {
                known_key(key)?;
            }
            match only.entry(key.into()) {
                Entry::Occupied(mut values) => values.get_mut().push(value.into()),
                Entry::Vacant(place) => _ = place.insert(vec![value.into()]),
            }
        }
        Ok(Self(only))
    }

    /// Whether a run is among them.
    pub fn keeps(&self, run: &Planned) -> bool {
        self.0.iter().all(|(key, values)| {
            let own = match key.as_str() {
                "study" => run.study,
                "id" => &run.id,
                key => run.labels.get(key),
            };
            values.iter().any(|value| value == own)
        })
    }
}
