//! Interatomic potentials: what stands beside the readout, energies of atoms, own files, predictions.

use std::fs;
use std::path::Path;

use candle_core::{DType, Tensor};
use qgraft::classic::water::WaterModel;
use qgraft::data::structure::{Element, Labels, Structure, extended_xyz, parse_structures};
use qgraft::lab::{ApplyOptions, ModelChoice, Overrides, RunOptions, SavedRun, System, SystemOf};
use qgraft::math::neighbors::Vector;
use qgraft::math::{EnergyUnit, Stream};
use qgraft::nn::{Model, Params};
use qgraft::systems::potential::{Beside, InteratomicPotential, Material, PotentialNet, Size, Spec, Split, references};
use tempfile::TempDir;

use crate::atoms::atoms;
use crate::support::apply::apply_options;

/// A circuit or a layer beside the readout changes nothing before it is trained; forces then follow the energy all the same.
#[test]
fn what_stands_beside_the_readout_starts_at_zero_and_keeps_forces_the_slope_of_the_energy() {
    let elements: Vec<Element> = ["H", "C", "O"].iter().map(|symbol| Element::named(symbol).unwrap()).collect();
    let size = Size { width: 8, blocks: 2, radial: 6, qubits: 2, uploads: 2, ..Size::default() };
    let (species, positions) = atoms(4);
    let frame = Structure {
        elements: species.iter().map(|&k| elements[k as usize]).collect(),
        positions,
        ..Structure::default()
    };
    let mut plain: Option<Vec<Labels>> = None;
    for beside in [Beside::Nothing, Beside::Circuit, Beside::Layer] {
        let net = PotentialNet::new(elements.clone(), &size, beside).unwrap();
        let mut params = Params::new(1, DType::F64);
        net.build(&mut params).unwrap();
        let labels = |params: &Params, frame: &Structure| net.predict(params, &[0.0; 3], &[frame]).unwrap();
        let own = labels(&params, &frame);
        match &plain {
            Some(plain) => assert_eq!(plain, &own, "{beside:?}"),
            None => plain = Some(own),
        }
        for (name, var) in params.iter().filter(|(name, _)| name.starts_with("head.")) {
            let mut stream = Stream::named(9, name);
            let values: Vec<f64> = (0..var.elem_count()).map(|_| 0.5 * stream.normal()).collect();
            var.set(&Tensor::from_vec(values, var.shape(), var.device()).unwrap()).unwrap();
        }
        let forces = labels(&params, &frame)[0].forces.clone();
        let energy = |h: f64| {
            let mut moved = frame.clone();
            moved.positions[3][1] += h;
            labels(&params, &moved)[0].energy
        };
        let slope = (energy(1e-4) - energy(-1e-4)) / 2e-4;
        // Central differences at 1e-4 Å in double precision.
        assert!((slope + forces[3][1]).abs() < 1e-6 * slope.abs().max(0.1), "{beside:?}: {slope} {:?}", forces[3]);
    }
}

#[test]
fn energies_of_atoms_are_fitted_by_composition() {
    let frame = |symbols: &[&str]| Structure {
        elements: symbols.iter().map(|symbol| Element::named(symbol).unwrap()).collect(),
        ..Structure::default()
    };
    let elements: Vec<Element> = ["H", "O"].iter().map(|symbol| Element::named(symbol).unwrap()).collect();
    let frames = [frame(&["O", "H", "H"]), frame(&["O", "O", "H"]), frame(&["H", "H"])];
    let all: Vec<&Structure> = frames.iter().collect();
    let own = references(&all, &elements, &[-2050.0, -4040.0, -25.0]);
    // O -2025, H -12.5 fit the first and the third; least squares are within the misfit of the second.
    assert!((own[0] + 7.0).abs() < 10.0 && (own[1] + 2020.0).abs() < 10.0, "{own:?}");
    let one = references(&all[..1], &elements, &[-30.0]);
    assert!((2.0 * one[0] + one[1] + 30.0).abs() < 1e-3 && (one[0] - one[1]).abs() < 1.0, "equal shares: {one:?}");
}

static SYSTEM: SystemOf<InteratomicPotential> = SystemOf::new();

/// Frames of water pulled apart and bent, labelled by a model of water.
fn write_frames(path: &Path, model: &str, count: usize, change: impl Fn(String) -> String) {
    let model = WaterModel::named(model).unwrap();
    let elements: Vec<Element> = ["O", "H", "H"].iter().map(|symbol| Element::named(symbol).unwrap()).collect();
    let mut stream = Stream::named(2, "frames");
    let frames: Vec<Structure> = (0..count)
        .map(|_| {
            let positions: Vec<Vector> = [[0.0, 0.0, 0.0], [0.76, 0.59, 0.0], [-0.76, 0.59, 0.0]]
                .map(|r: Vector| r.map(|x| x + 0.05 * stream.normal()))
                .to_vec();
            let (energy, forces) = model.evaluate(&positions, None).unwrap();
            let labels = Some(Labels { energy, forces });
            Structure { elements: elements.clone(), positions, labels, ..Structure::default() }
        })
        .collect();
    fs::write(path, change(extended_xyz(&frames))).unwrap();
}

/// A small run on own files, or what is wrong with it.
fn run_on(folder: &Path, low: &Path, high: &Path) -> Result<SavedRun, String> {
    let set = [("data", low.to_str().unwrap()), ("target", high.to_str().unwrap())];
    let set = set.map(|(field, value)| (field.to_string(), value.to_string())).to_vec();
    let overrides = Overrides { presets: vec!["smoke".into()], flags: set, ..Overrides::default() };
    let request = SYSTEM.resolve(&overrides).map_err(|e| e.to_string())?;
    let out = folder.join("run");
    let done = SYSTEM.run(&request, &RunOptions { cache: folder.join("cache"), ..RunOptions::new(&out) }, &());
    let done = done.map_err(|e| e.to_string())?;
    assert!(done.results.failures.is_empty(), "{:?}", done.results.failures);
    SavedRun::open(&out).map_err(|e| e.to_string())
}

fn apply_to(run: &SavedRun, file: &Path, out: Option<&Path>) -> Result<qgraft::lab::Applied, String> {
    let options = ApplyOptions { out_files: out.map(Path::to_path_buf), ..apply_options(file, None) };
    SYSTEM.apply(run, &options, &()).map_err(|e| e.to_string())
}

#[test]
fn own_frames_are_learned_from_and_new_ones_predicted() {
    let folder = TempDir::new().unwrap();
    let at = |name: &str| folder.path().join(name);
    let (low, high, new) = (at("low.xyz"), at("high.xyz"), at("new.xyz"));
    write_frames(&low, "spc_fw", 40, |text| text);
    write_frames(&high, "tip3p_fs", 30, |text| text);
    write_frames(&new, "tip3p_fs", 3, |text| text);
    let run = run_on(folder.path(), &low, &high).unwrap();
    let applied = apply_to(&run, &new, Some(&at("out"))).unwrap();
    assert_eq!((applied.rows.len(), applied.known), (3, 3));
    assert!(
        applied.model.contains("fine_tuned") || applied.model.contains("hatl") || applied.model.contains("scratch")
    );
    let written =
        parse_structures(&fs::read(at("out").join("new.xyz")).unwrap(), "out", EnergyUnit::ElectronVolt).unwrap();
    let energy = applied.rows[1][3].as_f64().unwrap();
    assert!((written[1].labels.as_ref().unwrap().energy - energy).abs() < 1e-9);

    write_frames(&new, "tip3p_fs", 3, |text| text.replace("O  ", "S  "));
    // Rows are a factor of tuning, not of the low level, whose trials come first.
    let only = |text: &str, label: Option<&str>| {
        let choice =
            ModelChoice { label: label.map(String::from), only: vec![text.to_string()], ..ModelChoice::default() };
        run.models(&["model.safetensors"], &choice).map(|found| found.len()).map_err(|e| e.to_string())
    };
    assert!(only("rows=10", Some("fine_tuned")).unwrap() > 0);
    let error = only("rows=25", None).unwrap_err();
    assert!(error.ends_with("no rows 25; the run has 10"), "{error}");
    let error = only("rows=10", Some("foo")).unwrap_err();
    assert!(
        error.contains("no head foo; the run has ") && !error.contains(", ,") && !error.contains("has ,"),
        "{error}"
    );
    let metrics: Vec<&str> = applied.metrics.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(metrics, ["energy_mae (meV)", "force_mae (meV/Å)"]);
    let page = fs::read_to_string(run.folder.join("report.html")).unwrap();
    assert!(page.contains("left out: delta; the frames of the high level lack low_energy"), "a notice says so");

    let error = apply_to(&run, &new, None).unwrap_err();
    assert!(error.contains("new.xyz: frame 1: element S, but the network knows H, O"), "{error}");
}

#[test]
fn bad_own_files_are_refused_before_anything_is_trained() {
    type Change = fn(String) -> String;
    let cases: [(usize, Change, &str); 5] = [
        (1, |text| text, "high.xyz: 1 frame; at least 10 are needed"),
        (12, |text| text, "rows = 10: own has 7 frames of the high level to learn from"),
        (30, |text| text.replacen("energy=", "energy=nan note=", 1), "frame 1: the energy is NaN"),
        (30, |text| text.replacen("O  ", "Qq ", 1), "unknown element \"Qq\""),
        (30, |text| text.replace(":forces:R:3", ":other:R:3").replace("energy=", "e="), "have no energies and forces"),
    ];
    for (frames, change, expected) in cases {
        let folder = TempDir::new().unwrap();
        let (low, high) = (folder.path().join("low.xyz"), folder.path().join("high.xyz"));
        write_frames(&low, "spc_fw", 40, |text| text);
        write_frames(&high, "tip3p_fs", frames, change);
        let error = run_on(folder.path(), &low, &high).unwrap_err();
        assert!(error.contains(expected), "{expected}: {error}");
    }
}

#[test]
fn parts_that_the_arms_do_not_fit_are_refused_with_what_to_do() {
    let resolve = |flags: &[(&str, &str)]| {
        let flags = flags.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect();
        SYSTEM.resolve(&Overrides { presets: vec!["smoke".into()], flags, ..Overrides::default() })
    };
    let error = resolve(&[("arms", "delta")]).unwrap_err().to_string();
    assert!(error.contains("add it to --arms, or give --parts tuning"), "{error}");
    resolve(&[("arms", "delta"), ("parts", "tuning")]).unwrap();
    let error = resolve(&[("parts", "dynamics")]).unwrap_err().to_string();
    assert!(error.contains("give --parts tuning,dynamics"), "{error}");
}

/// Molecules with different numbers of frames: whether rows suffice depends on which are tested.
#[test]
fn rows_are_checked_under_every_seed() {
    let frame = |group: &str| Structure { group: group.into(), ..Structure::default() };
    let high: Vec<Structure> = [("a", 10), ("b", 10), ("c", 10), ("d", 40)]
        .iter()
        .flat_map(|(name, count)| vec![frame(name); *count])
        .collect();
    let (name, elements, low) = ("own".to_string(), Vec::new(), vec![frame("a"); 40]);
    let material = Material { name, elements, low, high, notices: Vec::new() };
    let spec = |seeds: Vec<u64>| Spec { split: Split::Molecule, rows: vec![25], seeds, ..Spec::default() };
    let fits = |seed: &u64| material.of_high(&spec(vec![0]), 25, *seed).is_ok();
    let (good, bad): (Vec<u64>, Vec<u64>) = (0..20).partition(fits);
    assert!(!good.is_empty() && !bad.is_empty(), "{good:?} {bad:?}");
    material.check(&spec(good.clone())).unwrap();
    assert!(material.check(&spec([good, bad].concat())).is_err(), "not the first seed alone");
}

#[test]
fn networks_of_several_sources_are_not_chosen_between() {
    let folder = TempDir::new().unwrap();
    let pairs = |list: &[(&str, &str)]| list.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect::<Vec<_>>();
    let flags = pairs(&[("sources", "ethanol,water_pbe"), ("parts", "tuning"), ("arms", "scratch")]);
    let overrides = Overrides { presets: vec!["smoke".into()], flags, ..Overrides::default() };
    let request = SYSTEM.resolve(&overrides).unwrap();
    let out = folder.path().join("run");
    SYSTEM.run(&request, &RunOptions { cache: folder.path().join("cache"), ..RunOptions::new(&out) }, &()).unwrap();
    let (run, new) = (SavedRun::open(&out).unwrap(), folder.path().join("new.xyz"));
    write_frames(&new, "spc_fw", 1, |text| text);
    let error = apply_to(&run, &new, None).unwrap_err();
    assert!(error.contains("more than one source: ethanol, water_pbe; choose one: --only source=ethanol"), "{error}");
}
