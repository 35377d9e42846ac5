//! The table of readers under test.

use std::fs;
use std::path::{Component, Path, PathBuf};

use qgraft::circuit::Ansatz;
use qgraft::data::signal::{parse_edf, parse_mat};
use qgraft::data::{self, Features};
use qgraft::device::{Device, TranspiledCircuit};
use qgraft::lab::{KeptRun, store};
use qgraft::nn::Weights;
use qgraft::study::hardware::Counts;
use qgraft::systems::pricing::ChoiceTable;
use qgraft::systems::tuner::ReplayTable;
use qgraft::systems::{cohort, soh};

use super::mutate::{Files, Form};
use super::readers::*;
use super::{pictures, seeds, words};

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
    pub fn bytes(&self) -> &[u8] {
        self.files.first().map_or(&[], |(_, bytes)| bytes)
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(self.bytes()).into_owned()
    }

    /// The first file on disk under this name.
    pub fn file(&self, name: &str) -> PathBuf {
        let path = self.folder.join(name);
        fs::write(&path, self.bytes()).unwrap();
        path
    }

    /// All files on disk in a folder. One whose name is no path inside it is left out.
    pub fn folder(&self) -> PathBuf {
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
        name: "reports",
        doc: "reports, CSV",
        cases: 5_000,
        words: words::TABLE,
        seeds: seeds::reports,
        read: reports,
        ..PLAIN
    },
    Target {
        name: "times",
        doc: "times of configurations, CSV",
        cases: 5_000,
        words: words::TABLE,
        seeds: seeds::times,
        read: |input| ReplayTable::read(&input.file("times.csv")).map(drop).map_err(refused),
        ..PLAIN
    },
    Target {
        name: "choices",
        doc: "choices and prices, CSV",
        cases: 5_000,
        words: words::TABLE,
        seeds: seeds::choices,
        read: |input| ChoiceTable::read(&input.file("choices.csv"), 4.0).map(drop).map_err(refused),
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
    Target { name: "png", doc: "picture, PNG", form: Form::Png, seeds: pictures::png, ..PICTURE },
    Target { name: "jpeg", doc: "picture, JPEG", seeds: pictures::jpeg, ..PICTURE },
    Target { name: "bmp", doc: "picture, BMP", seeds: pictures::bmp, ..PICTURE },
    Target { name: "gif", doc: "picture, GIF", seeds: pictures::gif, ..PICTURE },
    Target { name: "tiff", doc: "picture, TIFF", seeds: pictures::tiff, ..PICTURE },
    Target { name: "webp", doc: "picture, WebP", seeds: pictures::webp, ..PICTURE },
    Target {
        name: "dicom",
        doc: "pictures of scanners, DICOM",
        words: words::DICOM,
        seeds: seeds::dicom,
        read: dicom,
        ..PLAIN
    },
    Target {
        name: "nifti",
        doc: "volumes of scanners, NIfTI",
        words: words::DICOM,
        seeds: seeds::nifti,
        read: nifti,
        ..PLAIN
    },
    Target {
        name: "scans",
        doc: "cohort, folder of scans with a table of patients",
        cases: 5_000,
        form: Form::Folder,
        words: words::DICOM,
        seeds: seeds::scans,
        read: |input| cohort::read(&cohort::Spec::default(), &input.folder()).map(drop).map_err(refused),
    },
    Target {
        name: "npy-film",
        doc: "film of an angiography, .npy",
        words: words::ARRAYS,
        seeds: seeds::npy_films,
        read: npy_film,
        ..PLAIN
    },
    Target {
        name: "voc-folder",
        doc: "pictures with boxes, folder",
        cases: 5_000,
        form: Form::Folder,
        words: words::XML,
        seeds: pictures::voc,
        read: |input| data::read_voc(&input.folder(), 8).map(drop).map_err(refused),
    },
    Target {
        name: "voc-zip",
        doc: "pictures with boxes, zip",
        form: Form::Zip,
        words: words::XML,
        seeds: pictures::voc,
        read: |input| data::read_voc(&input.file("voc.zip"), 8).map(drop).map_err(refused),
        ..PLAIN
    },
    Target {
        name: "pictures",
        doc: "pictures by class, folder",
        cases: 5_000,
        form: Form::Folder,
        words: words::PICTURE,
        seeds: pictures::picture_folder,
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
