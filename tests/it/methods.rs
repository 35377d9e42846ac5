//! Every method, head and device on the systems that transfer: each system is run with methods beside its own, heads with and
//! without a circuit, and two devices, through the options that users have.

use qgraft::lab::{Outcome, Overrides, Row, RunOptions, StudyError};
use qgraft::nn::LayerGroups;
use qgraft::sim::Condition;
use qgraft::systems::SYSTEMS;
use qgraft::systems::conditions::{CALIBRATED, ConditionConfig, IDEAL};
use qgraft::transfer::{METHODS, MethodChoice, Need};
use tempfile::TempDir;

use crate::systems::options;

/// Methods beside the system's own: two that act together, one with a setting; a schedule; one with a penalty.
const TOGETHER: &str = "lora:rank=2+l2_sp:trunk=0.5";
const METHODS_BESIDE: [&str; 2] = [TOGETHER, "gradual"];

const DEVICES: [&str; 2] = ["manila", "torino"];

/// A system in its smallest cut.
struct Case {
    system: &'static str,
    presets: &'static [&'static str],
    /// The option of its heads, and those that are tried in one run each.
    heads: (&'static str, &'static [&'static str]),
    /// Further options and fields.
    flags: &'static [(&'static str, &'static str)],
    set: &'static [(&'static str, &'static str)],
    /// The trials that are run.
    only: &'static [&'static str],
    /// Grid and metric of methods.
    method: (&'static str, &'static str),
    /// Grid and metric of heads under conditions, and whether any noise moves the metric: a share of few rows may stay.
    head: (&'static str, &'static str, bool),
    /// A method that it refuses, and why.
    refused: (&'static str, &'static str),
}

/// Heads of systems that train several in one run.
const ALL: &[&str] = &["linear,quantum,quantum@manila"];
/// Heads of systems that train one in a run.
const EACH: &[&str] = &["linear", "quantum", "quantum@manila"];

const CASES: [Case; 7] = [
    Case {
        system: "rotation",
        presets: &["smoke"],
        heads: ("heads", ALL),
        flags: &[("encodings", "gaussian")],
        set: &[("frozen_heads.codes", "unit_vector")],
        only: &["grid=transfer", "grid=frozen_heads"],
        method: ("transfer", "error"),
        head: ("frozen_heads", "error", true),
        refused: ("distill", "an angle is no class"),
    },
    Case {
        system: "hatl",
        presets: &["glosses", "smoke"],
        heads: ("head", EACH),
        flags: &[("arms", "full")],
        set: &[("circuit.qubits", "2"), ("circuit.depth", "1"), ("per_class", "1")],
        only: &[],
        method: ("main", "accuracy"),
        head: ("main", "accuracy", false),
        refused: ("coral", "all films or pictures are of one domain"),
    },
    Case {
        system: "hatl",
        presets: &["photos", "smoke"],
        heads: ("head", &["quantum"]),
        flags: &[("arms", "full")],
        set: &[("circuit.qubits", "2"), ("circuit.depth", "1"), ("target.epochs", "2")],
        only: &[],
        method: ("main", "accuracy"),
        head: ("main", "accuracy", false),
        refused: ("full+mmd", "all films or pictures are of one domain"),
    },
    Case {
        system: "plasticity",
        presets: &["smoke"],
        heads: ("head", EACH),
        flags: &[("settings", "useful_source")],
        set: &[("circuit.qubits", "2"), ("circuit.depth", "1"), ("digits.target.epochs", "3")],
        only: &["arm=plain"],
        method: ("main", "area"),
        head: ("main", "last", false),
        refused: ("irm", "all rows of a target are of one domain"),
    },
    Case {
        system: "forest",
        presets: &["smoke"],
        heads: ("heads", ALL),
        flags: &[("tables", "iris"), ("targets", "hard")],
        set: &[("circuit.qubits", "2"), ("circuit.depth", "1"), ("components", "0")],
        only: &["grid=main", "grid=teacher"],
        method: ("main", "log_loss"),
        head: ("main", "log_loss", true),
        refused: ("v_rex", "all rows are of one domain"),
    },
    Case {
        system: "soh",
        presets: &["smoke"],
        heads: ("heads", ALL),
        flags: &[("arms", "fine_tune"), ("targets", "hard")],
        set: &[("test_cells", "2"), ("train.epochs", "1"), ("shots", "16")],
        only: &["grid=main"],
        method: ("main", "rmse"),
        head: ("main", "rmse", true),
        refused: ("mmd", "no arm learns from two domains at once"),
    },
    Case {
        system: "smear",
        presets: &["smoke"],
        heads: ("heads", ALL),
        flags: &[],
        set: &[("simulation.correlations", "[]")],
        only: &["grid=detectors", "grid=methods", "grid=second_stage"],
        method: ("methods", "map"),
        head: ("second_stage", "cell_accuracy", false),
        refused: ("adversarial", "all fields are of one domain"),
    },
];

impl Case {
    fn overrides(&self, head: &str, more: &[(&str, &str)]) -> Overrides {
        let texts =
            |pairs: &[(&str, &str)]| pairs.iter().map(|(k, v)| (k.to_string(), v.to_string())).collect::<Vec<_>>();
        let mut flags = texts(self.flags);
        flags.push((self.heads.0.into(), head.into()));
        flags.extend(texts(more));
        Overrides {
            presets: self.presets.iter().map(|name| name.to_string()).collect(),
            flags,
            set: texts(self.set),
            seeds: Some("1".into()),
            ..Overrides::default()
        }
    }

    fn run(&self, head: &str, more: &[(&str, &str)]) -> Outcome {
        let system = SYSTEMS.iter().find(|system| system.info().name == self.system).unwrap();
        let request = system.resolve(&self.overrides(head, more)).unwrap();
        let folder = TempDir::new().unwrap();
        let only = self.only.iter().map(|text| text.to_string()).collect();
        let outcome =
            system.run(&request, &RunOptions { only, ..options(&folder.path().join("run"), 1) }, &()).unwrap();
        assert!(outcome.results.failures.is_empty(), "{} {head}: {:?}", self.system, outcome.results.failures);
        outcome
    }
}

#[test]
fn every_system_that_transfers_takes_methods_heads_and_devices() {
    for case in &CASES {
        let ((grid, metric), name) = (case.method, format!("{} {:?}", case.system, case.presets));
        for head in case.heads.1 {
            let mut more = vec![("methods", "lora:rank=2+l2_sp:trunk=0.5,gradual")];
            let has_circuit = head.contains("quantum");
            // Shots of soh have a factor of their own.
            let has_shots = has_circuit && case.system != "soh";
            more.extend(has_circuit.then_some(("devices", "manila,torino")));
            more.extend(has_shots.then_some(("shots", "64")));
            let results = case.run(head, &more).results;

            let factor = results.grid(grid).unwrap().factor("method").unwrap();
            let levels: Vec<&str> = factor.names().collect();
            assert_eq!(levels, ["own", METHODS_BESIDE[0], METHODS_BESIDE[1]], "{name}");
            for level in levels {
                assert!(!results.of(metric).grid(grid).at("method", level).rows().is_empty(), "{name} {head}: {level}");
            }

            // A circuit is evaluated without noise as the trial itself, and under each device; a head without one is not.
            let (grid, metric, moves) = case.head;
            // Students of forest are a factor of another name.
            let is_of = |row: &&&Row, label: &str| label.is_empty() || row.levels.iter().any(|(_, own)| own == label);
            let at = |label: &str, device: &str| {
                let rows = results.of(metric).grid(grid).at("device", device);
                let rows = rows.rows().iter().filter(|row| is_of(row, label));
                rows.filter(|row| ["", "exact"].contains(&row.level("shots"))).map(|row| row.value).collect::<Vec<_>>()
            };
            let is_one = !head.contains(',');
            for label in head.split(',') {
                let level = if is_one { "" } else { label };
                // Under no condition at all.
                let plain = results.of(metric).grid(grid).plain();
                let plain: Vec<f64> =
                    plain.rows().iter().filter(|row| is_of(row, level)).map(|row| row.value).collect();
                assert!(!plain.is_empty(), "{name} {label}");
                let (ideal, [manila, torino]) = (at(level, IDEAL), DEVICES.map(|device| at(level, device)));
                if label == "linear" {
                    assert!(
                        ideal.is_empty() && manila.is_empty() && torino.is_empty(),
                        "{name}: linear has no circuit"
                    );
                    continue;
                }
                assert_eq!((manila.len(), torino.len()), (plain.len(), plain.len()), "{name} {label}");
                // Plasticity measures a head on a device under its noise in every epoch; soh has the trial itself.
                let is_noisy_itself = case.system == "plasticity" && label.contains('@');
                if !ideal.is_empty() && !is_noisy_itself {
                    assert_eq!(ideal, plain, "{name} {label}: the condition without noise is the trial itself");
                }
                if moves {
                    assert!(
                        manila != plain && torino != plain && manila != torino,
                        "{name} {label}: noise does nothing"
                    );
                }
                let sampled = results.of(metric).grid(grid).at("device", "torino").at("shots", "64");
                assert_eq!(!sampled.rows().is_empty(), has_shots, "{name} {label}");
            }
        }
    }
}

#[test]
fn what_a_system_does_by_itself_is_the_same_beside_methods_and_conditions() {
    for name in ["forest", "rotation"] {
        let case = CASES.iter().find(|case| case.system == name).unwrap();
        let (alone, beside) =
            (case.run("quantum", &[]), case.run("quantum", &[("methods", "lora"), ("devices", "manila")]));
        let values = |outcome: &Outcome| {
            let of = |grid: &str, metric: &str| outcome.results.at_baselines().of(metric).grid(grid).plain().samples();
            [case.method, (case.head.0, case.head.1)].map(|(grid, metric)| of(grid, metric).unwrap().values())
        };
        assert_eq!(values(&alone), values(&beside), "{name}");
        // Checks and comparisons of other factors are about what the system does by itself.
        let figures = |outcome: &Outcome| outcome.checked.iter().map(|check| check.value).collect::<Vec<f64>>();
        assert_eq!(figures(&alone), figures(&beside), "{name}");
        let others = |outcome: &Outcome| {
            let own = outcome.compared.iter().filter(|c| c.contrast.factor != "method");
            own.map(|c| (c.contrast.title(), c.comparison.difference.to_string())).collect::<Vec<_>>()
        };
        assert_eq!(others(&alone), others(&beside), "{name}");
        assert!(beside.compared.iter().any(|c| c.contrast.factor == "method"), "{name}");
    }
}

#[test]
fn methods_and_devices_that_mean_nothing_are_refused_before_any_training() {
    for case in &CASES {
        let system = SYSTEMS.iter().find(|system| system.info().name == case.system).unwrap();
        let refusal = |head: &str, more: &[(&str, &str)]| match system.resolve(&case.overrides(head, more)) {
            Err(error @ StudyError::Invalid { .. }) => error.to_string(),
            other => panic!("{} {more:?}: {other:?}", case.system),
        };
        let head = "quantum";
        let (method, reason) = case.refused;
        let text = refusal(head, &[("methods", method)]);
        assert!(text.contains("method.names") && text.contains(reason), "{text}");
        for (option, value, expected) in [
            ("methods", "loro", "did you mean \"lora\""),
            ("methods", "lora:rang=2", "did you mean \"rank\""),
            ("methods", "lora:rank=0", "a whole number from 1 to 4096"),
            ("methods", "gradual,gradual", "each entry once"),
            ("devices", "torinoo", "did you mean \"torino\""),
        ] {
            let text = refusal(head, &[(option, value)]);
            assert!(text.contains(expected), "{}: {text}", case.system);
        }
        let text = refusal("linear", &[("devices", "manila")]);
        assert!(text.contains("no head has a circuit"), "{}: {text}", case.system);
        for (label, expected) in [
            ("linear@manila", "a head with a circuit before @DEVICE"),
            ("quantum@nowhere", "one of manila"),
            ("quantun@manila", "did you mean \"quantum\""),
        ] {
            let text = refusal(label, &[]);
            assert!(text.contains(expected), "{}: {text}", case.system);
        }
    }
}

#[test]
fn settings_without_methods_and_conditions_are_as_they_were() {
    for case in &CASES {
        let system = SYSTEMS.iter().find(|system| system.info().name == case.system).unwrap();
        let base = system.resolve(&Overrides::default()).unwrap().base;
        assert!(!base.contains_key("method") && !base.contains_key("evaluate"), "{}: ids of kept trials", case.system);
    }
}

#[test]
fn every_setting_of_every_method_is_taken_at_its_bounds_and_not_beyond() {
    let groups = LayerGroups(vec![vec!["trunk".into()], vec!["head".into()]]);
    for row in METHODS {
        let alone = MethodChoice::parse(row.name).unwrap();
        assert_eq!(alone.make(&groups).0.len(), 1, "{}", row.name);
        assert_eq!(alone.lacks(|_| false).map(|(_, need)| need), row.need, "{}", row.name);
        for setting in row.settings() {
            let (low, high) = (*setting.range.start(), *setting.range.end());
            assert!(
                setting.range.contains(&setting.default) && !setting.doc.is_empty(),
                "{} {}",
                row.name,
                setting.name
            );
            let text = |value: f64| format!("{}:{}={value}", row.name, setting.name);
            for value in [low, high, setting.default] {
                assert!(MethodChoice::parse(&text(value)).is_ok(), "{}", text(value));
            }
            let part = if setting.is_whole { low + 0.5 } else { f64::NAN };
            for value in [low - 1.0, high + 1.0, part] {
                assert!(MethodChoice::parse(&text(value)).is_err(), "{}", text(value));
            }
        }
    }
    // What has no number of its own: all or nothing trains.
    let without: Vec<&str> = METHODS.iter().filter(|row| row.settings().is_empty()).map(|row| row.name).collect();
    assert_eq!(without, ["full", "frozen"]);
    for text in ["", "+", "lora+", "lora+lora", "lora:rank", "lora:rank=1:rank=2", "full:rank=1", "lora:rank=one"] {
        assert!(MethodChoice::parse(text).is_err(), "{text:?}");
    }
    // mmd, mmd_quantum, coral, irm, v_rex, adversarial; coral_means, group_dro, irm_unbiased, ib_irm, fishr, and_mask, backdoor,
    // counterfactual, parity.
    assert_eq!(METHODS.iter().filter(|row| row.need == Some(Need::Domains)).count(), 15);
}

#[test]
fn conditions_are_each_device_alone_and_with_each_number_of_shots() {
    let config = |devices: &[&str], shots: &[usize]| ConditionConfig {
        devices: devices.iter().map(|name| name.to_string()).collect(),
        shots: shots.to_vec(),
        ..ConditionConfig::default()
    };
    let names = |config: &ConditionConfig| config.all().iter().map(|c| c.condition.to_string()).collect::<Vec<_>>();
    assert!(names(&config(&[], &[])).is_empty() && config(&[], &[]).factors().is_empty());
    let both = config(&["manila"], &[16]);
    assert_eq!(names(&both), ["ideal", "16 shots", "manila", "manila, 16 shots"]);
    let levels: Vec<Vec<(&str, String)>> = both.all().into_iter().map(|c| c.levels).collect();
    assert_eq!(levels[1], [("device", IDEAL.to_string()), ("shots", "16".to_string())]);
    let factors: Vec<String> = both.factors().iter().map(|factor| factor.name.clone()).collect();
    assert_eq!(factors, ["device", "shots"]);
    assert_eq!(config(&["manila"], &[]).factors().len(), 1, "no shots, no factor of them");
    assert!(both.all().iter().all(|c| c.condition.scale.to_string() == CALIBRATED));
    assert_eq!(both.all()[0].condition, Condition::default());
}
