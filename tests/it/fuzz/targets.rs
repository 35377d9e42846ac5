//! The table of readers under test.

use std::fs;
use std::path::{Component, Path, PathBuf};

use qgraft::circuit::qasm::{ReadOptions, WriteOptions, read_with_notices, write2, write3};
use qgraft::circuit::{Ansatz, Circuit, Gate, Observable, draw};
use qgraft::data::signal::{parse_edf, parse_mat};
use qgraft::data::structure::{extended_xyz, parse_structures};
use qgraft::data::{self, Features};
use qgraft::device::{Device, Target as DeviceTarget, TranspiledCircuit};
use qgraft::lab::suite::{self, Suite};
use qgraft::lab::{ApplyOptions, KeptRun, ModelChoice, Overrides, SavedRun, System, SystemOf, read_settings, store};
use qgraft::math::EnergyUnit;
use qgraft::nn::Weights;
use qgraft::noise::NoiseList;
use qgraft::sim::Condition;
use qgraft::study::TrainedHead;
use qgraft::study::hardware::Counts;
use qgraft::systems::hatl::{LossWeights, OwnFilms};
use qgraft::systems::qtl::Qtl;
use qgraft::systems::saved_head::SavedHead;
use qgraft::systems::{SYSTEMS, hatl, soh};

use super::mutate::{Files, Form};
use super::{seeds, words};

/// A reader under test.
pub struct Target {
    /// Name in the table of docs/reliability.md and on the command line.
    pub name: &'static str,
    /// What is read, in a few words.
    pub doc: &'static str,
    /// Cases in `cargo test`. Slow readers have fewer, so that all take less than a minute.
    pub cases: u64,
    /// How parts become what is read.
    pub form: Form,
    /// Words that mutations insert.
    pub words: &'static [&'static str],
    /// Whole inputs.
    pub seeds: fn() -> Vec<Files>,
    /// The reader, and what follows at once. The message of a refusal is checked.
    pub read: fn(&Input) -> Answer,
}

/// Read, or refused with this message.
pub type Answer = Result<(), String>;

/// What a reader is given.
pub struct Input<'a> {
    /// Files by name.
    pub files: &'a Files,
    /// An empty folder.
    pub folder: &'a Path,
}

impl Input<'_> {
    fn bytes(&self) -> &[u8] {
        self.files.first().map_or(&[], |(_, bytes)| bytes)
    }

    fn text(&self) -> String {
        String::from_utf8_lossy(self.bytes()).into_owned()
    }

    /// The first file on disk under this name.
    fn file(&self, name: &str) -> PathBuf {
        let path = self.folder.join(name);
        fs::write(&path, self.bytes()).unwrap();
        path
    }

    /// All files on disk in a folder. One whose name is no path inside it is left out.
    fn folder(&self) -> PathBuf {
        let root = self.folder.join("files");
        // It does not exist before the first case.
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(&root).unwrap();
        for (name, bytes) in self.files {
            let is_inside = Path::new(name).components().all(|part| matches!(part, Component::Normal(_)));
            let path = root.join(name);
            if is_inside && path.parent().is_some_and(|parent| fs::create_dir_all(parent).is_ok()) {
                // A name may be too long for the disk, or that of a folder.
                let _ = fs::write(&path, bytes);
            }
        }
        root
    }
}

fn refused(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// Cases of most readers in `cargo test`.
const MANY: u64 = 20_000;

const PLAIN: Target =
    Target { name: "", doc: "", cases: MANY, form: Form::Plain, words: words::JSON, seeds: Vec::new, read: |_| Ok(()) };

/// Every reader.
pub static TARGETS: &[Target] = &[
    Target { name: "qasm", doc: "OpenQASM 2 and 3", words: words::QASM, seeds: seeds::qasm, read: qasm, ..PLAIN },
    Target {
        name: "circuit-json",
        doc: "circuit JSON",
        words: words::CIRCUIT_JSON,
        seeds: seeds::circuit_json,
        read: circuit_json,
        ..PLAIN
    },
    Target {
        name: "own-circuit",
        doc: "own circuit of a head",
        words: words::QASM,
        seeds: seeds::own_circuit,
        read: |input| Ansatz::read(&input.text(), "own.qasm").map(drop).map_err(refused),
        ..PLAIN
    },
    Target {
        name: "observable",
        doc: "observable",
        words: words::OBSERVABLE,
        seeds: seeds::observables,
        read: observable,
        ..PLAIN
    },
    Target {
        name: "transpiled",
        doc: "transpiled circuit",
        words: words::CIRCUIT_JSON,
        seeds: seeds::transpiled,
        read: |input| TranspiledCircuit::from_json(&input.text()).map(drop).map_err(refused),
        ..PLAIN
    },
    Target {
        name: "device",
        doc: "device, own JSON",
        cases: 5_000,
        words: words::DEVICE,
        seeds: seeds::devices,
        read: |input| device(Device::from_json("device.json", &input.text()).map_err(refused)?),
        ..PLAIN
    },
    Target {
        name: "device-ibm",
        doc: "device, properties and configuration of IBM",
        cases: 2_000,
        form: Form::Folder,
        words: words::DEVICE,
        seeds: seeds::devices_of_ibm,
        read: |input| device(Device::read(&input.folder().display().to_string()).map_err(refused)?),
    },
    Target {
        name: "device-csv",
        doc: "device, table of the platform",
        words: words::DEVICE,
        seeds: seeds::device_tables,
        read: |input| device(Device::read(&input.file("ibm_x.csv").display().to_string()).map_err(refused)?),
        ..PLAIN
    },
    Target {
        name: "noise",
        doc: "noise list, noise model of Aer",
        cases: 5_000,
        words: words::NOISE,
        seeds: seeds::noise,
        read: noise,
        ..PLAIN
    },
    Target {
        name: "settings",
        doc: "settings of every system",
        cases: 5_000,
        form: Form::Folder,
        words: words::TOML,
        seeds: seeds::settings,
        read: settings,
    },
    Target {
        name: "suite",
        doc: "study: a suite of runs",
        cases: 2_000,
        words: words::TOML,
        seeds: seeds::suites,
        read: study,
        ..PLAIN
    },
    Target {
        name: "safetensors",
        doc: "features, safetensors",
        form: Form::Safetensors,
        words: words::ARRAYS,
        seeds: seeds::safetensors,
        read: |input| features(input, "here.safetensors"),
        ..PLAIN
    },
    Target {
        name: "npz",
        doc: "features, .npz",
        form: Form::Zip,
        words: words::ARRAYS,
        seeds: seeds::npz,
        read: |input| features(input, "here.npz"),
        ..PLAIN
    },
    Target {
        name: "npy",
        doc: "features, folder of .npy",
        form: Form::Folder,
        words: words::ARRAYS,
        seeds: seeds::npz,
        read: |input| Features::open(input.folder()).and_then(|open| open.split(0.5, 0)).map(drop).map_err(refused),
        ..PLAIN
    },
    Target {
        name: "weights",
        doc: "weights, safetensors",
        form: Form::Safetensors,
        words: words::ARRAYS,
        seeds: seeds::safetensors,
        read: |input| Weights::read(&input.file("w.safetensors")).map(drop).map_err(refused),
        ..PLAIN
    },
    Target {
        name: "pth",
        doc: "weights, PyTorch",
        form: Form::Zip,
        words: words::PICKLE,
        seeds: seeds::pth,
        read: |input| Weights::read(&input.file("w.pth")).map(drop).map_err(refused),
        ..PLAIN
    },
    Target { name: "table", doc: "table, CSV", words: words::TABLE, seeds: seeds::tables, read: table, ..PLAIN },
    Target { name: "keel", doc: "table, KEEL", words: words::TABLE, seeds: seeds::keel, read: table, ..PLAIN },
    #[cfg(feature = "parquet")]
    Target {
        name: "parquet",
        doc: "table, Parquet",
        words: words::TABLE,
        seeds: seeds::parquet,
        read: |input| data::read_table(&input.file("t.parquet")).map(drop).map_err(refused),
        ..PLAIN
    },
    Target {
        name: "lives",
        doc: "ageing curves, CSV",
        cases: 5_000,
        words: words::TABLE,
        seeds: seeds::lives,
        read: |input| soh::lives(&input.text(), "lives.csv").map(drop).map_err(refused),
        ..PLAIN
    },
    Target {
        name: "films",
        doc: "films, JSON lines",
        cases: 5_000,
        form: Form::Folder,
        seeds: seeds::films,
        read: films,
        ..PLAIN
    },
    Target {
        name: "extended-xyz",
        doc: "structures of atoms, extended XYZ",
        words: words::EXTENDED_XYZ,
        seeds: seeds::extended_xyz,
        read: structures,
        ..PLAIN
    },
    Target {
        name: "edf",
        doc: "recordings, EDF and BDF",
        words: words::EDF,
        seeds: seeds::edf,
        read: |input| parse_edf(input.bytes(), "a.edf").map(drop).map_err(refused),
        ..PLAIN
    },
    Target {
        name: "mat",
        doc: "recordings, MATLAB",
        words: &[],
        seeds: seeds::mat,
        read: |input| parse_mat(input.bytes(), "a.mat").map(drop).map_err(refused),
        ..PLAIN
    },
    Target { name: "png", doc: "picture, PNG", form: Form::Png, seeds: seeds::png, ..PICTURE },
    Target { name: "jpeg", doc: "picture, JPEG", seeds: seeds::jpeg, ..PICTURE },
    Target { name: "bmp", doc: "picture, BMP", seeds: seeds::bmp, ..PICTURE },
    Target { name: "gif", doc: "picture, GIF", seeds: seeds::gif, ..PICTURE },
    Target { name: "tiff", doc: "picture, TIFF", seeds: seeds::tiff, ..PICTURE },
    Target { name: "webp", doc: "picture, WebP", seeds: seeds::webp, ..PICTURE },
    Target {
        name: "voc-folder",
        doc: "pictures with boxes, folder",
        cases: 5_000,
        form: Form::Folder,
        words: words::XML,
        seeds: seeds::voc,
        read: |input| data::read_voc(&input.folder(), 8).map(drop).map_err(refused),
    },
    Target {
        name: "voc-zip",
        doc: "pictures with boxes, zip",
        form: Form::Zip,
        words: words::XML,
        seeds: seeds::voc,
        read: |input| data::read_voc(&input.file("voc.zip"), 8).map(drop).map_err(refused),
        ..PLAIN
    },
    Target {
        name: "pictures",
        doc: "pictures by class, folder",
        cases: 5_000,
        form: Form::Folder,
        words: words::PICTURE,
        seeds: seeds::picture_folder,
        read: |input| {
            data::read_folder(&input.folder(), data::Split::default(), data::BadPicture::Skip)
                .map(drop)
                .map_err(refused)
        },
    },
    Target {
        name: "head",
        doc: "trained head",
        form: Form::Safetensors,
        words: words::CIRCUIT_JSON,
        seeds: seeds::heads,
        read: head,
        ..PLAIN
    },
    Target {
        name: "trial",
        doc: "trial of a store",
        form: Form::Folder,
        seeds: seeds::trials,
        read: |input| store::read(&input.folder()).map_err(refused).map(drop),
        ..PLAIN
    },
    Target {
        name: "run-folder",
        doc: "run folder, applied to new rows",
        cases: 200,
        form: Form::Folder,
        words: words::CIRCUIT_JSON,
        seeds: seeds::run_folders,
        read: run_folder,
    },
    Target {
        name: "metrics",
        doc: "metrics.json",
        seeds: seeds::metrics,
        read: |input| {
            let kept = KeptRun::from_json(&input.text(), "metrics.json").map_err(refused)?;
            drop((kept.results(), kept.to_json()));
            Ok(())
        },
        ..PLAIN
    },
    Target {
        name: "counts",
        doc: "counts of a device",
        seeds: seeds::counts,
        read: |input| {
            let counts = Counts::open(&input.file("counts.json")).map_err(refused)?;
            drop((counts.expectations(), counts.labels()));
            Ok(())
        },
        ..PLAIN
    },
];

const PICTURE: Target = Target { words: words::PICTURE, read: picture, ..PLAIN };

/// The reader of this name.
pub fn named(name: &str) -> Option<&'static Target> {
    TARGETS.iter().find(|target| target.name == name)
}

/// What is read is written and read again; what is refused is reported with its line.
fn qasm(input: &Input) -> Answer {
    let text = input.text();
    let options = ReadOptions { max_operations: 20_000, ..ReadOptions::default() };
    match read_with_notices(&text, &options) {
        Ok(reading) => circuit(&reading.circuit),
        Err(error) => {
            let report = error.report();
            assert!(error.line > 0 && report.contains('×') && report.len() < 4000, "{report}");
            Err(report)
        }
    }
}

fn circuit_json(input: &Input) -> Answer {
    let found = Circuit::from_json(&input.text()).map_err(refused)?;
    assert_eq!(Circuit::from_json(&found.to_json()).unwrap(), found);
    // An inverse may not exist.
    let _ = found.inverse();
    circuit(&found)
}

/// A circuit survives what commands do with it. One with many operations is only read.
fn circuit(circuit: &Circuit) -> Answer {
    if circuit.ops().len() > 200 {
        return Ok(());
    }
    let options = ReadOptions::default();
    let text = write3(circuit, &WriteOptions::default());
    let again = read_with_notices(&text, &options).unwrap_or_else(|e| panic!("{}\n{text}", e.report()));
    assert_eq!(write3(&again.circuit, &WriteOptions::default()), text);
    if circuit.slots() == 0
        && let Ok(text) = write2(circuit)
    {
        read_with_notices(&text, &options).unwrap_or_else(|e| panic!("{}\n{text}", e.report()));
    }
    if circuit.qubits() <= 50 {
        drop((draw::text(circuit, 100), draw::svg(circuit)));
    }
    Ok(())
}

fn observable(input: &Input) -> Answer {
    let text = input.text();
    let _ = Observable::qubits_named(&text);
    let found: Observable = text.parse().map_err(refused)?;
    let again: Observable = found.to_string().parse().unwrap_or_else(|e| panic!("{found}: {e}"));
    assert_eq!(again.to_string(), found.to_string());
    Ok(())
}

/// A device is written and read again, and transpilation can use it.
fn device(device: Device) -> Answer {
    let text = device.to_json();
    let again = Device::from_json("again", &text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    assert_eq!(again.to_json(), text);
    drop(DeviceTarget::of(&device));
    Ok(())
}

fn noise(input: &Input) -> Answer {
    let list = NoiseList::from_json(&input.text()).map_err(refused)?;
    let mut circuit = Circuit::with_bits(3, 1);
    let mut push = |gate, qubits: &[usize]| _ = circuit.push(gate, qubits, &[]).unwrap();
    push(Gate::H, &[0]);
    push(Gate::Cx, &[0, 1]);
    push(Gate::Sx, &[1]);
    circuit.measure(1, 0).unwrap();
    drop(list.apply(&circuit, &[2]));
    Ok(())
}

/// Settings of the system that a file is named after, planned.
fn settings(input: &Input) -> Answer {
    let Some((name, _)) = input.files.first() else { return Err("no file".into()) };
    let known = |system: &&&dyn System| name.starts_with(system.info().name);
    let system = SYSTEMS.iter().find(known).copied().ok_or("a file of no system")?;
    let table = read_settings(system, &input.file("settings.toml")).map_err(refused)?;
    let request = system.resolve(&Overrides { file: Some(table), ..Overrides::default() }).map_err(refused)?;
    system.plan(&request, &[]).map(drop).map_err(refused)
}

fn study(input: &Input) -> Answer {
    let suite = Suite::read(&input.file("study.toml")).map_err(refused)?;
    suite::resolve(&suite, SYSTEMS, &[]).map(drop).map_err(refused)
}

fn features(input: &Input, name: &str) -> Answer {
    let open = data::parse_features(input.bytes(), name).map_err(refused)?;
    drop(open.all());
    open.split(0.5, 0).map(drop).map_err(refused)
}

fn table(input: &Input) -> Answer {
    data::read_table(&input.file("t.csv")).map(drop).map_err(refused)
}

/// What was read is written and read again as the same text.
fn structures(input: &Input) -> Answer {
    let read = |bytes: &[u8]| parse_structures(bytes, "a.xyz", EnergyUnit::ElectronVolt);
    let text = extended_xyz(&read(input.bytes()).map_err(refused)?);
    let again = extended_xyz(&read(text.as_bytes()).expect("what was written is read"));
    assert_eq!(again, text);
    Ok(())
}

fn picture(input: &Input) -> Answer {
    let picture = data::decode(&input.file("picture")).map_err(refused)?;
    assert_eq!(picture.rgb.len(), 3 * picture.width * picture.height);
    Ok(())
}

/// A head is applied to two rows, unless it is wide.
fn head(input: &Input) -> Answer {
    let head = TrainedHead::from_bytes(input.bytes(), Path::new("head.safetensors")).map_err(refused)?;
    let rows = ndarray::Array2::from_elem((2, 3), 0.5);
    head.predict(rows.view()).map(drop).map_err(refused)
}

fn films(input: &Input) -> Answer {
    let weights = LossWeights { backbone: 0.0, encoder: 0.0, glosses: 0.5, ..hatl::Spec::default().weights };
    OwnFilms::read(&input.folder(), weights).map(drop).map_err(refused)
}

fn run_folder(input: &Input) -> Answer {
    let folder = input.folder();
    let run = SavedRun::open(&folder).map_err(refused)?;
    let options = ApplyOptions {
        data: vec![folder.join("new.csv")],
        choice: ModelChoice::default(),
        condition: Condition::default(),
        skip_bad: false,
        cache: folder.clone(),
        threads: 1,
        out_files: None,
    };
    let mut answer = SystemOf::<Qtl>::new().apply(&run, &options, &()).map(drop).map_err(refused);
    for label in seeds::HEADS_OF_RUN {
        let choice = ModelChoice { label: Some(label.to_string()), ..ModelChoice::default() };
        let own = ApplyOptions { choice, ..options.clone() };
        answer = answer.and(SystemOf::<Qtl>::new().apply(&run, &own, &()).map(drop).map_err(refused));
    }
    let saved = SavedHead::with_circuit(&folder, &ModelChoice::default()).map_err(refused)?;
    saved.executions().map_err(refused)?;
    answer
}
