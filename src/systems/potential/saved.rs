//! A trained network as a file, and what it says of new frames.

use std::path::Path;

use candle_core::DType;
use serde::{Deserialize, Serialize};

use crate::data::structure::{Element, Labels, Structure, extended_xyz, read_structures};
use crate::lab::{Applied, ApplyOptions, SavedRun, SavedTrial};
use crate::nn::{Model, ModelHeader, NnError, Params};
use crate::study::StudyError;
use crate::systems::potential::frames::errors;
use crate::systems::potential::network::{Beside, PotentialNet};
use crate::systems::potential::spec::{Size, Spec};

/// File of a trial with its network.
pub const MODEL_FILE: &str = "model.safetensors";

/// Parameters of a network at most: one of sizes that a file states is refused before memory is taken for it.
const MOST: usize = 1 << 27;

/// Everything but the parameters.
#[derive(Serialize, Deserialize)]
struct Header {
    elements: Vec<Element>,
    /// Energies of single atoms in eV, which the sum of the network is added to.
    references: Vec<f64>,
    size: Size,
    beside: Beside,
}

impl ModelHeader for Header {
    const ENTRY: &'static str = "potential";
    const FORMAT: &'static str = "qgraft.interatomic_potential/1";
    const WHAT: &'static str = "an interatomic potential";
}

/// A network with its parameters and the energies of single atoms.
pub struct Potential {
    /// The network.
    pub net: PotentialNet,
    /// Its parameters.
    pub params: Params,
    /// Energy of each element alone, in eV.
    pub references: Vec<f64>,
}

impl Potential {
    /// The bytes of a file.
    ///
    /// # Errors
    /// If the tensor library fails.
    pub fn to_bytes(&self) -> Result<Vec<u8>, StudyError> {
        let PotentialNet { elements, size, beside, .. } = &self.net;
        let (elements, references) = (elements.clone(), self.references.clone());
        Ok(Header { elements, references, size: size.clone(), beside: *beside }.to_bytes_of(&self.params)?)
    }

    /// From the bytes of a file, which errors call `path`.
    ///
    /// # Errors
    /// Bytes that are no such file.
    pub fn read(bytes: &[u8], path: &Path) -> Result<Self, StudyError> {
        let Header { elements, references, size, beside } = Header::read(bytes, path)?;
        let failed = |reason: &str| StudyError::from(NnError::File { path: path.into(), reason: reason.into() });
        let is_whole = references.len() == elements.len() && references.iter().all(|energy| energy.is_finite());
        if !is_whole || elements.is_empty() {
            return Err(failed("its header has not one energy for each element"));
        }
        let is_usable = (0.5..=20.0).contains(&size.cutoff)
            && (1..=256).contains(&size.radial)
            && (1..=16).contains(&size.blocks)
            && (1..=16).contains(&size.uploads)
            && (1..=12).contains(&size.qubits);
        if !is_usable {
            return Err(failed("its header states sizes that no potential of this version has"));
        }
        let net = PotentialNet::new(elements, &size, beside)?;
        let mut params = Params::new(0, DType::F32).at_most(MOST);
        net.build(&mut params)?;
        params.load_bytes(bytes, path)?;
        Ok(Self { net, params, references })
    }

    /// Energies (eV) and forces (eV/Å) of frames.
    ///
    /// # Errors
    /// An element that the network does not know.
    pub fn labels(&self, frames: &[&Structure]) -> Result<Vec<Labels>, StudyError> {
        self.net.predict(&self.params, &self.references, frames)
    }
}

/// The network of a trial on new frames: an energy and the largest force of each. With a folder for files, the frames with
/// energies and forces as extended XYZ.
///
/// # Errors
/// If the run keeps no network, a file is no file of frames, or has an element that the network does not know.
pub fn apply(run: &SavedRun, options: &ApplyOptions) -> Result<Applied, StudyError> {
    options.refuse_condition()?;
    let mut found = run.models(&[MODEL_FILE], &options.choice)?;
    run.refuse_several(&found, "source")?;
    // The high level before the low one, the most frames first, then the least loss on validation frames.
    let rank = |trial: &SavedTrial| {
        let rows: f64 = trial.point.get("rows").parse().unwrap_or(0.0);
        let is_tuned = trial.point.grid == "tuning" && trial.point.get("arm") != "shuffled";
        (f64::from(u8::from(is_tuned)), rows, -trial.measurement.get("validation").unwrap_or(f64::MAX))
    };
    found.sort_by(|a, b| {
        let (a, b) = (rank(a), rank(b));
        b.0.total_cmp(&a.0).then(b.1.total_cmp(&a.1)).then(b.2.total_cmp(&a.2))
    });
    let trial = found[0];
    let (bytes, path) = (trial.file(MODEL_FILE)?, trial.path(MODEL_FILE));
    let potential = Potential::read(&bytes, &path)?;
    let unit = trial.settings::<Spec>()?.unit;
    let elements: Vec<&str> = potential.net.elements.iter().map(|element| element.symbol()).collect();
    let model = format!("{}; knows {}", trial.title(), elements.join(", "));
    let columns = ["file", "frame", "formula", "energy (eV)", "largest force (eV/Å)"].map(String::from).to_vec();
    let mut applied = Applied { model, columns, ..Applied::default() };
    let (mut all, mut truth) = (Vec::new(), Vec::new());
    for (place, path) in options.data.iter().enumerate() {
        let mut frames = read_structures(path, unit)?;
        let named = |error: StudyError| match error {
            StudyError::Settings { reason } => StudyError::Spec { path: path.clone(), reason },
            other => other,
        };
        let labels = potential.labels(&frames.iter().collect::<Vec<_>>()).map_err(named)?;
        for (number, (frame, labels)) in frames.iter_mut().zip(labels).enumerate() {
            if !labels.energy.is_finite() {
                let reason = format!("frame {}: the network gives {} eV", number + 1, labels.energy);
                return Err(StudyError::Spec { path: path.clone(), reason });
            }
            let norm = |force: &[f64; 3]| force.iter().map(|x| x * x).sum::<f64>().sqrt();
            let largest = labels.forces.iter().map(norm).fold(0.0, f64::max);
            applied.rows.push(vec![
                path.display().to_string().into(),
                (number + 1).into(),
                frame.formula().into(),
                labels.energy.into(),
                largest.into(),
            ]);
            if let Some(known) = frame.labels.replace(labels.clone()) {
                all.push(labels);
                truth.push(known);
            }
            frame.low = None;
        }
        if let Some(folder) = &options.out_files {
            let stem = path.file_stem().map_or("frames".into(), |stem| stem.to_string_lossy().into_owned());
            // Files of one name in several folders.
            let name = if options.data.len() > 1 { format!("{}_{stem}.xyz", place + 1) } else { format!("{stem}.xyz") };
            options.write_file(folder, Path::new(&name), extended_xyz(&frames).as_bytes())?;
        }
    }
    applied.known = all.len();
    if !all.is_empty() {
        let (energy, force) = errors(&all, &truth);
        applied.metrics.push(("energy_mae (meV)".into(), 1000.0 * energy));
        applied.metrics.push(("force_mae (meV/Å)".into(), 1000.0 * force));
    }
    Ok(applied)
}
