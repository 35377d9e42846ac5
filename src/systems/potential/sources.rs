//! Frames at two levels of theory.

use std::sync::Arc;

use crate::classic::water::{self, WaterModel};
use crate::data::structure::{Element, MoleculeRow, Structure, read_structures};
use crate::math::Stream;
use crate::math::words::pluralise;
use crate::study::StudyError;
use crate::systems::potential::arms::ARMS;
use crate::systems::potential::spec::{Part, Spec, Split};

/// Name of the user's frames.
pub const OWN: &str = "own";

/// Frames that are needed at least to learn from, to choose by and to test on.
const LEAST: usize = 10;

/// Frames with labels of the low level, and of the high one.
type Levels = (Vec<Structure>, Vec<Structure>);

/// Two levels of theory.
pub struct SourceRow {
    /// Name on the command line.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    make: fn(&Spec) -> Result<Levels, StudyError>,
}

/// Every source inside the program. Files are made by data/molecules/make.py.
pub static SOURCES: &[SourceRow] = &[
    SourceRow {
        name: "ethanol",
        doc: "ethanol at 500 K: MMFF94, then GFN2-xTB",
        make: |_| Ok((bundled("ethanol_mmff94")?, bundled("ethanol_gfn2")?)),
    },
    SourceRow {
        name: "ethanol_pbe",
        doc: "ethanol at 500 K: MMFF94, then PBE/def2-SVP",
        make: |_| Ok((bundled("ethanol_mmff94")?, bundled("ethanol_pbe")?)),
    },
    SourceRow {
        name: "water_pbe",
        doc: "two and three molecules of water: SPC/Fw, then PBE/def2-SVP",
        make: |spec| {
            let mut high = bundled("water_pbe")?;
            let model = water_model("spc_fw")?;
            for frame in &mut high {
                frame.low = Some(water::labels(model, &frame.positions, None).map_err(refuse)?);
            }
            let mut low = Vec::new();
            for (molecules, seed) in [(2, 0), (3, 1)] {
                let found = water::clusters(model, molecules, spec.low_rows.div_ceil(2), seed);
                low.extend(found.map_err(refuse)?);
            }
            Ok((low, high))
        },
    },
    SourceRow {
        name: "liquid",
        doc: "16 molecules of water in a periodic cell at 300 K: SPC/Fw, then TIP3P/Fs",
        make: |spec| {
            let (low, high) = (water_model("spc_fw")?, water_model("tip3p_fs")?);
            let most = spec.rows.iter().copied().max().unwrap_or(0);
            let count = (2 * most).max(3 * spec.test_rows).max(40);
            let mut target = water::liquid(high, count, 2).map_err(refuse)?;
            for frame in &mut target {
                frame.low = Some(water::labels(low, &frame.positions, frame.cell.as_ref()).map_err(refuse)?);
            }
            Ok((water::liquid(low, spec.low_rows, 3).map_err(refuse)?, target))
        },
    },
];

fn bundled(name: &str) -> Result<Vec<Structure>, StudyError> {
    let row = MoleculeRow::named(name).ok_or_else(|| refuse(format!("no frames {name} inside the program")))?;
    Ok(row.frames()?)
}

fn refuse(reason: impl Into<String>) -> StudyError {
    StudyError::Settings { reason: reason.into() }
}

fn water_model(name: &str) -> Result<&'static WaterModel, StudyError> {
    WaterModel::named(name).ok_or_else(|| refuse(format!("no water model {name}")))
}

/// The frames of a source.
pub struct Material {
    /// Name of the source.
    pub name: String,
    /// Every element of either level, by atomic number.
    pub elements: Vec<Element>,
    /// Frames with labels of the low level.
    pub low: Vec<Structure>,
    /// Frames with labels of the high level.
    pub high: Vec<Structure>,
    /// What the user should know.
    pub notices: Vec<String>,
}

/// Frames by what they are for.
pub struct Parts<'a> {
    /// To learn from.
    pub training: Vec<&'a Structure>,
    /// To choose by.
    pub validation: Vec<&'a Structure>,
    /// To test on.
    pub test: Vec<&'a Structure>,
}

impl Material {
    /// Every source of the settings.
    ///
    /// # Errors
    /// If a file cannot be read, lacks labels or has too few frames.
    pub fn all(spec: &Spec) -> Result<Vec<Arc<Self>>, StudyError> {
        if let (Some(data), Some(target)) = (&spec.data, &spec.target) {
            let (low, high) = (read_structures(data, spec.unit)?, read_structures(target, spec.unit)?);
            for (path, frames) in [(data, &low), (target, &high)] {
                if frames[0].labels.is_none() {
                    return Err(refuse(format!("{}: the frames have no energies and forces", path.display())));
                }
                if frames.len() < LEAST {
                    let reason = format!(
                        "{}: {}; at least {LEAST} are needed to learn from, to choose by and to test on",
                        path.display(),
                        pluralise(frames.len(), "frame")
                    );
                    return Err(refuse(reason));
                }
            }
            return Ok(vec![Arc::new(Self::new(OWN, low, high))]);
        }
        let make = |name: &String| {
            let row = SOURCES.iter().find(|row| row.name == name);
            let row = row.ok_or_else(|| StudyError::unknown("source", name, SOURCES.iter().map(|row| row.name)))?;
            let (low, high) = (row.make)(spec)?;
            Ok(Arc::new(Self::new(row.name, low, high)))
        };
        spec.sources.iter().map(make).collect()
    }

    fn new(name: &str, low: Vec<Structure>, high: Vec<Structure>) -> Self {
        let of = |frames: &[Structure]| {
            let mut found: Vec<Element> = frames.iter().flat_map(|frame| frame.elements.clone()).collect();
            found.sort();
            found.dedup();
            found
        };
        let (of_low, mut elements) = (of(&low), of(&high));
        let new: Vec<&str> = elements.iter().filter(|e| !of_low.contains(e)).map(|e| e.symbol()).collect();
        let mut notices = Vec::new();
        if !new.is_empty() {
            notices.push(format!("{name}: no frame of the low level has {}", new.join(", ")));
        }
        elements.extend(of_low);
        elements.sort();
        elements.dedup();
        Self { name: name.into(), elements, low, high, notices }
    }

    /// Frames of the low level, the same under every seed, by blocks of time: of eight tenths at most `low_rows` to learn from, of
    /// a tenth at most 100 to choose by, of a tenth at most `test_rows` to test on.
    ///
    /// # Errors
    /// If there are too few.
    pub fn of_low(&self, spec: &Spec) -> Result<Parts<'_>, StudyError> {
        // Blocks of time keep neighbours of one trajectory together; two rounds of them cover a source of two.
        let count = self.low.len();
        let rounds = if count < 200 { 1 } else { 2 };
        let part = |frame: usize| frame * 10 * rounds / count % 10;
        let all = |wanted: fn(usize) -> bool| -> Vec<&Structure> {
            (0..count).filter(|&k| wanted(part(k))).map(|k| &self.low[k]).collect()
        };
        let training = spread(all(|part| part < 8), spec.low_rows);
        let (validation, test) = (spread(all(|part| part == 8), 100), spread(all(|part| part == 9), spec.test_rows));
        Parts { training, validation, test }.checked(&self.name)
    }

    /// Frames of the high level under a seed: `rows` to learn from and to choose by, and the test frames, which are the same
    /// for every number of rows.
    ///
    /// # Errors
    /// If there are too few frames or molecules.
    pub fn of_high(&self, spec: &Spec, rows: usize, seed: u64) -> Result<Parts<'_>, StudyError> {
        let mut groups: Vec<&str> = Vec::new();
        for frame in &self.high {
            if !groups.contains(&frame.group.as_str()) {
                groups.push(&frame.group);
            }
        }
        let of_group = |group: &str| -> Vec<&Structure> { self.high.iter().filter(|f| f.group == group).collect() };
        let (mut pool, mut test) = (Vec::new(), Vec::new());
        match spec.split {
            Split::Time => {
                for group in groups {
                    let frames = of_group(group);
                    let (end, start) = (frames.len() * 60 / 100, frames.len() * 70 / 100);
                    pool.extend_from_slice(&frames[..end]);
                    test.extend_from_slice(&frames[start..]);
                }
            }
            Split::Molecule => {
                if groups.len() < 2 {
                    let reason = format!("split = \"molecule\": all frames of {} are {}", self.name, groups.join(", "));
                    return Err(refuse(reason));
                }
                let order = Stream::named(seed, "molecules").permutation(groups.len());
                let tested = (groups.len() * 3).div_ceil(10);
                for (k, &group) in order.iter().enumerate() {
                    if k < tested { test.extend(of_group(groups[group])) } else { pool.extend(of_group(groups[group])) }
                }
            }
        }
        if rows > pool.len() {
            let reason = format!(
                "rows = {rows}: {} has {} frames of the high level to learn from ({} in all, {} to test on); give fewer rows",
                self.name,
                pool.len(),
                self.high.len(),
                test.len()
            );
            return Err(refuse(reason));
        }
        let order = Stream::named(seed, "rows").permutation(pool.len());
        let chosen: Vec<&Structure> = order[..rows].iter().map(|&k| pool[k]).collect();
        // Frames to choose by are among the few labels, not beside them.
        let (validation, training) = chosen.split_at((rows / 10).max(2).min(rows));
        let (training, validation) = (training.to_vec(), validation.to_vec());
        Parts { training, validation, test: spread(test, spec.test_rows) }.checked(&self.name)
    }

    /// Says which arms of the settings are left out, because the frames of the high level lack labels of the low one.
    pub fn left_out(&self, spec: &Spec) -> Option<String> {
        if !spec.has(Part::Tuning) || self.high.iter().all(|frame| frame.low.is_some()) {
            return None;
        }
        let is_difference = |name: &&str| ARMS.iter().any(|row| row.name == *name && row.is_difference);
        let arms: Vec<&str> = spec.arms.iter().map(String::as_str).filter(is_difference).collect();
        (!arms.is_empty()).then(|| {
            let (name, arms) = (&self.name, arms.join(", "));
            format!("{name}: left out: {arms}; the frames of the high level lack low_energy and low_forces")
        })
    }

    /// Refuses numbers of rows that it has not under some seed: molecules differ in their frames.
    ///
    /// # Errors
    /// As [`Material::of_high`].
    pub fn check(&self, spec: &Spec) -> Result<(), StudyError> {
        self.of_low(spec)?;
        if spec.has(Part::Tuning) || spec.has(Part::Readouts) {
            for (&rows, &seed) in spec.rows.iter().flat_map(|rows| spec.seeds.iter().map(move |seed| (rows, seed))) {
                self.of_high(spec, rows, seed)?;
            }
        }
        Ok(())
    }
}

impl Parts<'_> {
    fn checked(self, name: &str) -> Result<Self, StudyError> {
        match self.training.is_empty() || self.validation.is_empty() || self.test.is_empty() {
            true => Err(refuse(format!("{name}: too few frames to learn from, to choose by and to test on"))),
            false => Ok(self),
        }
    }
}

/// At most `most` of these at equal distances.
fn spread(frames: Vec<&Structure>, most: usize) -> Vec<&Structure> {
    let count = frames.len().min(most);
    (0..count).map(|k| frames[k * frames.len() / count]).collect()
}
