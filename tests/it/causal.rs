//! The system causal: declarations, tests of invariance, adjustment as a method, own rows, predictions.

use std::fs;
use std::path::Path;

use candle_core::{DType, Device, Tensor};
use ndarray::Array2;
use qgraft::data::{GARMENTS_TO_LEARN, Picture, garments};
use qgraft::lab::{Applied, Overrides, RunOptions, SavedRun, System, SystemOf};
use qgraft::math::Stream;
use qgraft::nn::layer::Linear;
use qgraft::nn::loss::Loss;
use qgraft::nn::model::first;
use qgraft::nn::optim::Method;
use qgraft::nn::{Examples, Mode, Model, Network, NnError, Output, Params};
use qgraft::study::invariance::{independence_test, residual_test};
use qgraft::study::train::{TrainConfig, TrainingLoop};
use qgraft::systems::causal::{
    ARMS, Causal, Confounder, Declaration, Direction, KnownMechanism, OwnData, Shift, Spec, TASKS,
};
use qgraft::transfer::Transfer;
use qgraft::transfer::penalty::{Backdoor, FrontDoor};
use tempfile::TempDir;

use crate::support::apply::apply_options;

static SYSTEM: SystemOf<Causal> = SystemOf::new();

#[test]
fn a_declaration_refuses_the_methods_that_assume_otherwise() {
    let declared = |shifts: &[Shift]| Declaration { shifts: shifts.to_vec(), ..Declaration::default() };
    let hidden = Declaration { confounder: Confounder::Hidden, mediator: true, ..declared(&[Shift::Acquisition]) };
    let known = Declaration { mechanism: Some(KnownMechanism::Affine), ..declared(&[Shift::Acquisition]) };
    let site = Declaration { confounder: Confounder::Environment, ..declared(&[Shift::Prevalence]) };
    let causal = |shift| Declaration { direction: Direction::Causal, ..declared(&[shift]) };
    let invariant = ["irm", "v_rex", "ib_irm", "fishr", "and_mask"];
    let always = ["erm", "oracle", "group_dro"];
    let cases: [(Declaration, Vec<&str>); 8] = [
        (declared(&[]), [&invariant[..], &["coral", "mmd", "gin_ipa"]].concat()),
        (declared(&[Shift::Manifestation]), [&invariant[..], &["coral", "mmd"]].concat()),
        (causal(Shift::Population), invariant.to_vec()),
        (declared(&[Shift::Prevalence]), vec![]),
        (declared(&[Shift::Annotation]), vec!["coral", "mmd"]),
        (known, [&invariant[..], &["coral", "mmd", "gin_ipa", "counterfactual"]].concat()),
        (hidden, [&invariant[..], &["coral", "mmd", "gin_ipa", "front_door"]].concat()),
        (site, vec!["backdoor"]),
    ];
    for (declaration, expected) in cases {
        assert!(declaration.violations().is_empty(), "{}", declaration.text());
        for row in ARMS {
            let is_expected = always.contains(&row.name) || expected.contains(&row.name);
            let refusal = declaration.refusal(row.assumes);
            assert_eq!(refusal.is_none(), is_expected, "{}: {} {refusal:?}", declaration.text(), row.name);
        }
    }
    for declaration in [
        declared(&[Shift::Population]),
        causal(Shift::Prevalence),
        causal(Shift::Manifestation),
        Declaration { mediator: true, ..Declaration::default() },
    ] {
        assert_eq!(declaration.violations().len(), 1, "{}", declaration.text());
    }
    for task in TASKS {
        assert!((task.declaration)().violations().is_empty(), "{}", task.name);
    }
}

#[test]
fn a_declaration_is_a_table_of_five_lines() {
    let text = "shifts = [\"prevalence\", \"acquisition\"]\ndirection = \"anticausal\"\nconfounder = \"environment\"\n\
                mediator = false\nmechanism = \"affine\"\n";
    let read: Declaration = toml::from_str(text).unwrap();
    assert_eq!(read.shifts, [Shift::Prevalence, Shift::Acquisition]);
    assert_eq!(read.text(), "anticausal; prevalence, acquisition; confounder: environment; mechanism: affine");
    assert_eq!(toml::from_str::<Declaration>(&toml::to_string(&read).unwrap()).unwrap(), read);
    assert!(toml::from_str::<Declaration>("shift = []").unwrap_err().to_string().contains("unknown field"));
    assert!(toml::from_str::<Declaration>("shifts = [\"scanner\"]").unwrap_err().to_string().contains("acquisition"));
}

#[test]
fn tests_of_invariance_find_what_is_there_and_nothing_else() {
    let mut stream = Stream::named(4, "test");
    let count = 120;
    let environments: Vec<u32> = (0..count).map(|row| (row % 2) as u32).collect();
    let labels: Vec<u32> = (0..count).map(|row| (row / 2 % 2) as u32).collect();
    let noise: Vec<f64> = (0..count * 2).map(|_| stream.normal()).collect();
    let alike = &noise[..count];
    let wider: Vec<f64> = alike.iter().zip(&environments).map(|(r, e)| r * (1.0 + 2.0 * f64::from(*e))).collect();
    let moved: Vec<f64> = alike.iter().zip(&environments).map(|(r, e)| r + f64::from(*e)).collect();
    // The least p value of 99 permutations is 0.01.
    for (residuals, is_found) in [(alike, false), (&wider[..], true), (&moved[..], true)] {
        let found = residual_test(residuals, &environments, 99, 1).unwrap();
        assert_eq!(found.p_value <= 0.02, is_found, "{found:?}");
        assert!((0.5..=1.0).contains(&found.value));
    }
    assert!(residual_test(alike, &vec![0; count], 9, 1).is_none());

    let features = Array2::from_shape_vec((count, 2), noise).unwrap();
    let mut shifted = features.clone();
    for (mut row, environment) in shifted.rows_mut().into_iter().zip(&environments) {
        row[0] += 1.5 * f64::from(*environment);
    }
    // Features that depend on the class alone do not depend on the environment given the class.
    let mut by_class = features.clone();
    for (mut row, label) in by_class.rows_mut().into_iter().zip(&labels) {
        row[0] += 5.0 * f64::from(*label);
    }
    for (features, is_found) in [(&features, false), (&shifted, true), (&by_class, false)] {
        let found = independence_test(features.view(), &environments, &labels, 99, 1).unwrap();
        assert_eq!(found.p_value <= 0.02, is_found, "{found:?}");
    }
    // By hand: two rows of a class and two environments. K = [[1, k], [k, 1]] with k = e^{-1/2}; HKH is (1 - k)/2 on the diagonal;
    // its sum over pairs of one environment is 1 - k, over n² = 4.
    let two = ndarray::array![[0.0], [3.0]];
    let found = independence_test(two.view(), &[0, 1], &[0, 0], 1, 0).unwrap();
    assert!((found.value - (1.0 - (-0.5f64).exp()) / 4.0).abs() < 1e-12, "{found:?}");
}

/// One linear layer: its features are the input.
struct ReadOut;

impl Model for ReadOut {
    fn build<'a>(&'a self, params: &mut Params) -> Result<Box<dyn Network + 'a>, NnError> {
        struct Built(Linear);
        impl Network for Built {
            fn forward(&self, inputs: &[Tensor], _mode: Mode) -> Result<Output, NnError> {
                let features = first(inputs)?.clone();
                let logits = self.0.forward(&features)?;
                Ok(Output::new(features, logits))
            }
        }
        Ok(Box::new(Built(Linear::new(params, "head", (2, 1), true)?)))
    }
}

/// The weights of a linear read-out of (x, z), trained to the least squares by a method.
fn trained(method: &mut dyn Transfer, rows: &[[f64; 2]], y: &[f64], domains: &[u32]) -> Vec<f64> {
    let inputs = Tensor::from_vec(rows.concat(), (rows.len(), 2), &Device::Cpu).unwrap();
    let targets = Tensor::new(y, &Device::Cpu).unwrap().unsqueeze(1).unwrap();
    let domains = Some(Tensor::new(domains, &Device::Cpu).unwrap());
    let examples = Examples { domains, ..Examples::new(inputs, targets) };
    let mut params = Params::new(1, DType::F64);
    let config = TrainConfig::new(1500, rows.len(), 0.02, Method::ADAM);
    TrainingLoop::new(&ReadOut, &examples, &Loss::Squares, &config, 1).run(&mut params, method).unwrap();
    params.find("head.weight").unwrap().flatten_all().unwrap().to_vec1().unwrap()
}

/// Treatment x and outcome y depend on the domain; the effect of x on y is 1.
#[test]
fn adjustment_as_a_method_finds_the_effect_that_a_confounder_hides() {
    let mut stream = Stream::named(9, "test");
    let (mut rows, mut y, mut domains) = (Vec::new(), Vec::new(), Vec::new());
    for row in 0..300 {
        let domain = f64::from(row % 2);
        let x = 2.0 * domain + 0.7 * stream.normal();
        rows.push([x, stream.normal()]);
        y.push(x - 4.0 * domain + 0.1 * stream.normal());
        domains.push(domain as u32);
    }
    let plain = trained(&mut qgraft::transfer::schedule::Full, &rows, &y, &domains)[0];
    assert!(plain < 0.0, "the naive slope has the wrong sign: {plain}");
    let mut method = Backdoor::default();
    let adjusted = trained(&mut method, &rows, &y, &domains)[0];
    // 300 rows with noise of 0.1: a standard error of 0.01.
    assert!((adjusted - 1.0).abs() < 0.05, "{adjusted}");
    assert_eq!(method.prior(), [0.5, 0.5]);
    // Without a confounder the front door changes nothing that matters.
    let y: Vec<f64> = rows.iter().map(|[x, z]| x - 0.5 * z).collect();
    let weights = trained(&mut FrontDoor::default(), &rows, &y, &domains);
    assert!(weights[1] < 0.0, "{weights:?}");
}

#[test]
fn garments_are_those_of_fashion_mnist() {
    let (pixels, labels) = garments().unwrap();
    assert_eq!((pixels.dim(), GARMENTS_TO_LEARN), ((14_000, 196), 11_000));
    // The first labels of the training and of the test file: ankle boot, T-shirt; ankle boot, pullover, trouser.
    assert_eq!(labels[..4], [9, 0, 0, 3]);
    assert_eq!(labels[11_000..11_003], [9, 2, 1]);
    assert!(pixels.iter().all(|value| (value * 15.0 - (value * 15.0).round()).abs() < 1e-5));
    let counts: Vec<usize> = (0..10).map(|class| labels.iter().filter(|label| **label == class).count()).collect();
    assert!(counts.iter().all(|count| (1300..1500).contains(count)), "{counts:?}");
}

#[test]
fn the_lung_table_has_its_institutions() {
    let lung = OwnData::lung().unwrap();
    assert_eq!((lung.environments.len(), lung.classes.clone()), (18, vec!["alive".to_string(), "dead".into()]));
    let task = lung.task(&[], 3).unwrap();
    let parts = [&task.training, &task.validation, &task.oracle, &task.test];
    assert_eq!(parts.map(|part| part.targets[0].elem_count()).iter().sum::<usize>(), 185);
    let domains: Vec<u32> = task.test.domains().unwrap();
    let trained = task.training.domains().unwrap().into_iter().max().unwrap();
    assert!(domains.iter().all(|domain| *domain == trained + 1), "test rows are of no training environment");
}

/// A table of three hospitals: the class follows `x`, and `site` in the first two.
fn write_table(path: &Path, change: impl Fn(&str) -> String) {
    let mut stream = Stream::named(2, "table");
    let mut text = String::from("hospital,x,site,outcome\n");
    for row in 0..90 {
        let (hospital, class) = (["a", "b", "c"][row % 3], row / 3 % 2);
        let x = class as f64 + 0.3 * stream.normal();
        text.push_str(&format!("{hospital},{x:.3},{},{}\n", class * usize::from(row % 3 < 2), ["no", "yes"][class]));
    }
    fs::write(path, change(&text)).unwrap();
}

fn run_on(folder: &Path, data: &Path, set: &[(&str, &str)]) -> Result<SavedRun, String> {
    let own = [("data", data.to_str().unwrap()), ("arms", "erm,coral")];
    let flags = own.iter().chain(set).map(|(field, value)| (field.to_string(), value.to_string())).collect();
    let overrides = Overrides { presets: vec!["smoke".into()], flags, ..Overrides::default() };
    let request = SYSTEM.resolve(&overrides).map_err(|e| e.to_string())?;
    let out = folder.join("run");
    let done = SYSTEM.run(&request, &RunOptions { cache: folder.join("cache"), ..RunOptions::new(&out) }, &());
    let done = done.map_err(|e| e.to_string())?;
    assert!(done.results.failures.is_empty(), "{:?}", done.results.failures);
    SavedRun::open(&out).map_err(|e| e.to_string())
}

fn apply_to(run: &SavedRun, path: &Path) -> Result<Applied, String> {
    SYSTEM.apply(run, &apply_options(path, None), &()).map_err(|e| e.to_string())
}

const TABLE: [(&str, &str); 3] = [("environment", "hospital"), ("shifts", "acquisition"), ("held-out", "c")];

#[test]
fn an_own_table_is_learned_from_and_new_rows_predicted() {
    let folder = TempDir::new().unwrap();
    let (table, new) = (folder.path().join("own.csv"), folder.path().join("new.csv"));
    write_table(&table, |text| text.into());
    let run = run_on(folder.path(), &table, &TABLE).unwrap();
    write_table(&new, |text| text.lines().take(11).map(|line| format!("{line}\n")).collect());
    let applied = apply_to(&run, &new).unwrap();
    assert_eq!((applied.rows.len(), applied.known), (10, 10));
    assert!(applied.columns.contains(&"p(yes)".to_string()), "{:?}", applied.columns);
    assert!(applied.notices.iter().any(|notice| notice.contains("not for diagnosis")));
    // Environments are not read.
    write_table(&new, |text| text.lines().map(|line| line[line.find(',').unwrap() + 1..].to_string() + "\n").collect());
    assert_eq!(apply_to(&run, &new).unwrap().rows.len(), 90);
    write_table(&new, |text| text.replace("hospital,x,", "hospital,w,"));
    assert!(apply_to(&run, &new).unwrap_err().contains("`x`"));
}

/// Numbers of hospitals are names: digits that single precision does not hold, and an option that looks like a number.
#[test]
fn environments_that_are_numbers_are_names() {
    let folder = TempDir::new().unwrap();
    let table = folder.path().join("own.csv");
    write_table(&table, |text| {
        let hospitals = [("\na,", "\n20230001,"), ("\nb,", "\n20230002,"), ("\nc,", "\n20230003,")];
        hospitals.iter().fold(text.to_string(), |text, (word, number)| text.replace(word, number))
    });
    let spec = Spec { environment: "hospital".into(), ..Spec::default() };
    let own = OwnData::read(&spec, &table).unwrap();
    assert_eq!(own.environments, ["20230001", "20230002", "20230003"]);
    run_on(folder.path(), &table, &[TABLE[0], TABLE[1], ("held-out", "20230003")]).unwrap();
}

#[test]
fn an_own_folder_has_environments_above_classes() {
    let folder = TempDir::new().unwrap();
    let slides = folder.path().join("slides");
    let mut stream = Stream::named(1, "slides");
    for environment in ["lyon", "oslo", "rome"] {
        for (class, grey) in [("benign", 60.0), ("malignant", 180.0)] {
            let at = slides.join(environment).join(class);
            fs::create_dir_all(&at).unwrap();
            for k in 0..8 {
                let bytes: Vec<u8> =
                    (0..100).map(|_| (grey + 20.0 * stream.normal()).clamp(0.0, 255.0) as u8).collect();
                fs::write(at.join(format!("{k}.png")), Picture::from_grey(10, 10, &bytes).png()).unwrap();
            }
        }
    }
    let run = run_on(folder.path(), &slides, &[("shifts", "acquisition")]).unwrap();
    let applied = apply_to(&run, &slides.join("rome")).unwrap();
    assert_eq!((applied.rows.len(), applied.known), (16, 16));
    let other = TempDir::new().unwrap();
    let loose = other.path().join("loose");
    fs::create_dir_all(&loose).unwrap();
    fs::copy(slides.join("lyon/benign/0.png"), loose.join("0.png")).unwrap();
    let error = run_on(other.path(), &loose, &[("shifts", "acquisition")]).unwrap_err();
    assert!(error.contains("0.png lies in no folder of a class"), "{error}");
}

#[test]
fn bad_own_rows_and_declarations_are_refused() {
    type Change = fn(&str) -> String;
    type Options<'a> = &'a [(&'a str, &'a str)];
    let plain: Change = |text| text.into();
    let cases: [(Change, Options, &str); 10] = [
        (plain, &[TABLE[0], TABLE[2]], "what differs between the environments of own rows (--shifts)"),
        (plain, &[("environment", "clinic"), TABLE[1]], "clinic"),
        (plain, &[TABLE[0], TABLE[1], ("held-out", "d")], "unknown environment"),
        (plain, &[TABLE[0], TABLE[1], ("held-out", "a,b")], "held_out leaves 1 environment"),
        (plain, &[TABLE[0], ("shifts", "population")], "direction = causal"),
        (plain, &[TABLE[0], ("shifts", "prevalence")], "arms = coral is refused under the declared shifts"),
        (|text| text.replace("c,", "b,"), &TABLE[..2], "2 environments (a and b); expected at least 3"),
        (|text| text.replacen("\na,", "\n,", 1), &TABLE[..2], "every row needs its group"),
        (plain, &[("environment", "outcome"), TABLE[1]], "the column `outcome` is the target"),
        (plain, &[TABLE[0], TABLE[1], ("mechanism", "channels")], "columns of a table do not trade places"),
    ];
    for (change, set, expected) in cases {
        let folder = TempDir::new().unwrap();
        let table = folder.path().join("own.csv");
        write_table(&table, change);
        let error = run_on(folder.path(), &table, set).unwrap_err();
        assert!(error.contains(expected), "{expected}: {error}");
    }
}

#[test]
fn settings_of_own_rows_are_refused_without_them() {
    for (field, value) in [("held-out", "a"), ("target", "y"), ("shifts", "acquisition")] {
        let flags = vec![(field.to_string(), value.to_string())];
        let error = SYSTEM.resolve(&Overrides { flags, ..Overrides::default() }).unwrap_err().to_string();
        assert!(error.contains("--data"), "{field}: {error}");
    }
    let set = |values: &[(&str, &str)]| {
        let set = values.iter().map(|(field, value)| (field.to_string(), value.to_string())).collect();
        SYSTEM.resolve(&Overrides { set, ..Overrides::default() }).map(drop).map_err(|e| e.to_string())
    };
    // 719 digits are told apart by devices.
    assert_eq!(set(&[("device_rows", "300"), ("device_test_rows", "419")]), Ok(()));
    let wrong: [(&[(&str, &str)], &str); 4] = [
        (&[("device_rows", "300"), ("device_test_rows", "420")], "at most 719 rows"),
        (&[("devices", "[]"), ("unseen", "[]")], "a device that the training lacks"),
        (&[("devices", "fez,fez")], "each entry once"),
        (&[("unseen", "sherbrooke,sherbrooke")], "each entry once"),
    ];
    for (values, expected) in wrong {
        let error = set(values).unwrap_err();
        assert!(error.contains(expected), "{expected}: {error}");
    }
    assert!(Spec::default().declared().is_ok_and(|declared| declared.len() == 2));
}
