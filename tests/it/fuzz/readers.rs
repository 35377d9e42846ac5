//! What is done with an input of a reader: it is read, and what was read is used at once.

use std::path::Path;

use qgraft::circuit::qasm::{ReadOptions, WriteOptions, read_with_notices, write2, write3};
use qgraft::circuit::{Circuit, Gate, Observable, draw};
use qgraft::data;
use qgraft::data::structure::{extended_xyz, parse_structures};
use qgraft::data::{DicomFile, Film, NiftiVolume};
use qgraft::device::{Device, Target as DeviceTarget};
use qgraft::lab::suite::{self, Suite};
use qgraft::lab::{ApplyOptions, ModelChoice, Overrides, SavedRun, System, SystemOf, read_settings};
use qgraft::math::EnergyUnit;
use qgraft::noise::NoiseList;
use qgraft::study::TrainedHead;
use qgraft::systems::hatl::{LossWeights, OwnFilms};
use qgraft::systems::qtl::Qtl;
use qgraft::systems::saved_head::SavedHead;
use qgraft::systems::{SYSTEMS, fairtext, hatl};

use super::seeds;
use super::targets::{Answer, Input};

use crate::support::apply::apply_options;

pub fn refused(error: impl std::fmt::Display) -> String {
    error.to_string()
}

/// What is read is written and read again; what is refused is reported with its line.
pub fn qasm(input: &Input) -> Answer {
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

pub fn circuit_json(input: &Input) -> Answer {
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

pub fn observable(input: &Input) -> Answer {
    let text = input.text();
    let _ = Observable::qubits_named(&text);
    let found: Observable = text.parse().map_err(refused)?;
    let again: Observable = found.to_string().parse().unwrap_or_else(|e| panic!("{found}: {e}"));
    assert_eq!(again.to_string(), found.to_string());
    Ok(())
}

/// A device is written and read again, and transpilation can use it.
pub fn device(device: Device) -> Answer {
    let text = device.to_json();
    let again = Device::from_json("again", &text).unwrap_or_else(|e| panic!("{e}\n{text}"));
    assert_eq!(again.to_json(), text);
    drop(DeviceTarget::of(&device));
    Ok(())
}

pub fn noise(input: &Input) -> Answer {
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
pub fn settings(input: &Input) -> Answer {
    let Some((name, _)) = input.files.first() else { return Err("no file".into()) };
    let known = |system: &&&dyn System| name.starts_with(system.info().name);
    let system = SYSTEMS.iter().find(known).copied().ok_or("a file of no system")?;
    let table = read_settings(system, &input.file("settings.toml")).map_err(refused)?;
    let request = system.resolve(&Overrides { file: Some(table), ..Overrides::default() }).map_err(refused)?;
    system.plan(&request, &[]).map(drop).map_err(refused)
}

pub fn study(input: &Input) -> Answer {
    let suite = Suite::read(&input.file("study.toml")).map_err(refused)?;
    suite::resolve(&suite, SYSTEMS, &[]).map(drop).map_err(refused)
}

pub fn features(input: &Input, name: &str) -> Answer {
    let open = data::parse_features(input.bytes(), name).map_err(refused)?;
    drop(open.all());
    open.split(0.5, 0).map(drop).map_err(refused)
}

pub fn table(input: &Input) -> Answer {
    data::read_table(&input.file("t.csv")).map(drop).map_err(refused)
}

/// What was read is written and read again as the same text.
pub fn structures(input: &Input) -> Answer {
    let read = |bytes: &[u8]| parse_structures(bytes, "a.xyz", EnergyUnit::ElectronVolt);
    let text = extended_xyz(&read(input.bytes()).map_err(refused)?);
    let again = extended_xyz(&read(text.as_bytes()).expect("what was written is read"));
    assert_eq!(again, text);
    Ok(())
}

pub fn picture(input: &Input) -> Answer {
    let picture = data::decode(&input.file("picture")).map_err(refused)?;
    assert_eq!(picture.rgb.len(), 3 * picture.width * picture.height);
    Ok(())
}

/// What is read is unpacked and shown.
pub fn dicom(input: &Input) -> Answer {
    let file = DicomFile::parse(input.bytes().to_vec(), Path::new("a.dcm")).map_err(refused)?;
    (0..file.len()).try_for_each(|k| file.picture(k).map(drop)).map_err(refused)
}

/// The same of a volume.
pub fn nifti(input: &Input) -> Answer {
    let volume = NiftiVolume::parse(input.bytes().to_vec(), Path::new("a.nii.gz")).map_err(refused)?;
    let window = volume.window();
    (0..volume.len()).try_for_each(|k| volume.picture(k, &window).map(drop)).map_err(refused)
}

/// A film is shown at the size that a network reads.
pub fn npy_film(input: &Input) -> Answer {
    let film = Film::read(&input.file("film.npy")).map_err(refused)?;
    assert_eq!(film.bytes(3, 4).len(), 3 * 4 * 4);
    Ok(())
}

pub fn reports(input: &Input) -> Answer {
    let named = |name: &str| Some(name.to_string());
    let (group, district) = (None, named("district"));
    let spec = fairtext::Spec { text: "text".into(), target: "class".into(), group, district, ..Default::default() };
    fairtext::read(&spec, &input.file("reports.csv")).map(drop).map_err(refused)
}

/// A head is applied to two rows, unless it is wide.
pub fn head(input: &Input) -> Answer {
    let head = TrainedHead::from_bytes(input.bytes(), Path::new("head.safetensors")).map_err(refused)?;
    let rows = ndarray::Array2::from_elem((2, 3), 0.5);
    head.predict(rows.view()).map(drop).map_err(refused)
}

pub fn films(input: &Input) -> Answer {
    let weights = LossWeights { backbone: 0.0, encoder: 0.0, glosses: 0.5, ..hatl::Spec::default().weights };
    OwnFilms::read(&input.folder(), weights).map(drop).map_err(refused)
}

pub fn run_folder(input: &Input) -> Answer {
    let folder = input.folder();
    let run = SavedRun::open(&folder).map_err(refused)?;
    let options = apply_options(&folder.join("new.csv"), None);
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
