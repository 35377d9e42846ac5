//! Checks of settings: every violation is collected and named by field, value and what is expected.

use std::collections::HashSet;
use std::fmt;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use crate::circuit::ansatz::{ANSATZE, ENCODINGS, ENTANGLEMENTS};
use crate::device::{DEVICES, Device, DeviceError};
use crate::math::input;
use crate::math::words::closest;
use crate::nn::head::{AnsatzChoice, Body, CircuitConfig, HEADS, HeadRow};
use crate::study::Invalid;
use crate::study::train::TrainConfig;

/// Largest number of things of a kind that a run may ask for. Real runs have thousands; with more a run would not end, or not
/// fit into memory. Fields whose cost grows faster have smaller bounds of their own.
const MOST: usize = 10_000_000;

/// Largest measure of a kind, such as a factor or a steepness. Beyond it sums and squares overflow.
const LARGEST: f64 = 1e9;

/// Collects the violations of a whole specification, so that a user sees all of them at once.
///
/// ```
/// use qgraft::lab::Validation;
/// let mut check = Validation::default();
/// check.count("epochs", 0).within("share", 1.5, 0.0..=1.0);
/// assert_eq!(check.violations()[1].to_string(), "share = 1.5: expected a number from 0 to 1");
/// ```
#[derive(Debug, Default)]
pub struct Validation {
    violations: Vec<Invalid>,
    paths: Vec<(String, PathBuf)>,
}

impl Validation {
    /// Every violation so far, in the order of the checks.
    pub fn violations(&self) -> &[Invalid] {
        &self.violations
    }

    /// Files and folders that the settings name, each with its field. Their contents decide results.
    pub fn paths(&self) -> &[(String, PathBuf)] {
        &self.paths
    }

    /// Takes note of a violation.
    pub fn refuse(&mut self, field: &str, value: impl fmt::Display, expected: impl Into<String>) -> &mut Self {
        self.violations.push(Invalid { field: field.into(), value: value.to_string(), expected: expected.into() });
        self
    }

    /// Refuses a value unless `holds`.
    pub fn check(&mut self, field: &str, value: impl fmt::Display, holds: bool, expected: &str) -> &mut Self {
        if holds { self } else { self.refuse(field, value, expected) }
    }

    /// A number of things: at least 1, and no more than any run has.
    pub fn count(&mut self, field: &str, value: usize) -> &mut Self {
        self.at_least(field, value, 1)
    }

    /// A number of things: at least `least`, and no more than any run has.
    pub fn at_least(&mut self, field: &str, value: usize, least: usize) -> &mut Self {
        self.whole(field, value, least..=MOST)
    }

    /// A number of things of which there may be none, and no more than any run has.
    pub fn optional_count(&mut self, field: &str, value: usize) -> &mut Self {
        self.at_least(field, value, 0)
    }

    /// A width of a layer, 1 to 4096: weights grow with its square.
    pub fn width(&mut self, field: &str, value: usize) -> &mut Self {
        self.whole(field, value, 1..=4096)
    }

    /// Widths of layers one behind the other, 1 to 100 of them.
    pub fn widths(&mut self, field: &str, values: &[usize]) -> &mut Self {
        self.check(field, format!("{} layers", values.len()), (1..=100).contains(&values.len()), "1 to 100 layers");
        for value in values {
            self.width(field, *value);
        }
        self
    }

    /// A number of layers, 1 to 100.
    pub fn layers(&mut self, field: &str, value: usize) -> &mut Self {
        self.whole(field, value, 1..=100)
    }

    /// Pixels along an edge of a picture, up to 4096.
    pub fn edge(&mut self, field: &str, value: usize, least: usize) -> &mut Self {
        self.whole(field, value, least..=4096)
    }

    /// A whole number within a range, both ends included.
    pub fn whole(&mut self, field: &str, value: usize, range: RangeInclusive<usize>) -> &mut Self {
        let expected = format!("a whole number from {} to {}", range.start(), range.end());
        self.check(field, value, range.contains(&value), &expected)
    }

    /// A number within a range, both ends included.
    pub fn within(&mut self, field: &str, value: f64, range: RangeInclusive<f64>) -> &mut Self {
        let expected = format!("a number from {} to {}", range.start(), range.end());
        self.check(field, value, range.contains(&value), &expected)
    }

    /// A number strictly between two others.
    pub fn between(&mut self, field: &str, value: f64, (low, high): (f64, f64)) -> &mut Self {
        let holds = low < value && value < high;
        self.check(field, value, holds, &format!("a number strictly between {low} and {high}"))
    }

    /// A number above 0, at most 10⁹.
    pub fn positive(&mut self, field: &str, value: f64) -> &mut Self {
        self.check(field, value, value > 0.0 && value <= LARGEST, &format!("a number above 0, at most {LARGEST}"))
    }

    /// A number from 0 to 10⁹.
    pub fn not_negative(&mut self, field: &str, value: f64) -> &mut Self {
        self.within(field, value, 0.0..=LARGEST)
    }

    /// A list with at least one entry and no duplicates: repeated runs would be counted as independent.
    pub fn list<T: PartialEq + fmt::Debug>(&mut self, field: &str, values: &[T]) -> &mut Self {
        if values.is_empty() {
            return self.refuse(field, "[]", "at least one entry");
        }
        self.distinct(field, values)
    }

    /// A list, possibly empty, with no entry twice.
    pub fn distinct<T: fmt::Debug>(&mut self, field: &str, values: &[T]) -> &mut Self {
        let mut seen = HashSet::new();
        match values.iter().map(|value| format!("{value:?}")).find(|value| !seen.insert(value.clone())) {
            Some(twice) => self.refuse(field, format!("{twice} twice"), "each entry once"),
            None => self,
        }
    }

    /// A name of a table.
    pub fn name<'a>(&mut self, field: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> &mut Self {
        let known: Vec<&str> = known.into_iter().collect();
        if known.contains(&name) {
            return self;
        }
        let nearest = closest(name, known.iter().copied()).map(|near| format!("; did you mean {near:?}?"));
        self.refuse(field, format!("{name:?}"), format!("one of {}{}", known.join(", "), nearest.unwrap_or_default()))
    }

    /// Names of a table, each once, at least one.
    pub fn names<'a>(
        &mut self,
        field: &str,
        names: &[String],
        known: impl IntoIterator<Item = &'a str> + Clone,
    ) -> &mut Self {
        self.list(field, names);
        for name in names {
            self.name(field, name, known.clone());
        }
        self
    }

    /// A head that is trained by gradients.
    pub fn trained_head(&mut self, field: &str, name: &str) -> &mut Self {
        match HeadRow::named(name) {
            Ok(row) if matches!(row.body, Body::Kernel) => {
                self.refuse(field, format!("{name:?}"), "a head that is trained by gradients")
            }
            Ok(_) => self,
            Err(_) => self.name(field, name, HEADS.iter().map(|row| row.name)),
        }
    }

    /// A head that is trained by gradients, or `NAME@DEVICE`: one with a circuit of `qubits` qubits that is trained under the
    /// noise of a device.
    pub fn head_on_device(&mut self, field: &str, label: &str, qubits: usize) -> &mut Self {
        let Some((name, device)) = label.split_once('@') else { return self.trained_head(field, label) };
        match HeadRow::named(name) {
            Ok(row) if row.is_dressed() => self.device(field, device, qubits),
            Ok(_) => self.refuse(field, format!("{label:?}"), "a head with a circuit before @DEVICE"),
            Err(_) => self.trained_head(field, name),
        }
    }

    /// A circuit of a head: rows of the tables, or an own circuit; 1 to 16 qubits, 1 to 1000 layers, observables on its qubits.
    pub fn circuit(&mut self, field: &str, config: &CircuitConfig) -> &mut Self {
        let before = self.violations.len();
        let CircuitConfig { ansatz, qubits, depth, weight_sd, encoding, entanglement, observables } = config;
        let path = |name: &str| format!("{field}.{name}");
        if let AnsatzChoice::Row(name) = ansatz {
            let is_known = ANSATZE.iter().any(|row| row.name == name);
            let known = ANSATZE.iter().map(|row| row.name).chain((!is_known).then_some("a file such as mine.qasm"));
            self.name(&path("ansatz"), name, known);
        }
        if let Some(name) = encoding {
            self.name(&path("encoding"), name, ENCODINGS.iter().map(|row| row.name));
        }
        if let Some(name) = entanglement {
            self.name(&path("entanglement"), name, ENTANGLEMENTS.iter().map(|row| row.name));
        }
        self.whole(&path("qubits"), *qubits, 1..=CircuitConfig::MOST_QUBITS)
            .whole(&path("depth"), *depth, 1..=CircuitConfig::MOST_DEPTH)
            .not_negative(&path("weight_sd"), *weight_sd)
            .distinct(&path("observables"), observables);
        let is_own = matches!(ansatz, AnsatzChoice::Own(_));
        if (is_own || !observables.is_empty()) && self.violations.len() == before {
            // An own circuit without observables is the first thing that can be wrong.
            let plain = CircuitConfig { observables: Vec::new(), ..config.clone() };
            match (plain.build(None, true), config.build(None, true)) {
                (Err(error), _) => _ = self.refuse(&path("ansatz"), ansatz, format!("a circuit for a head; {error}")),
                (_, Err(error)) => {
                    let expected = format!("sums of Pauli strings on the qubits of the circuit; {error}");
                    self.refuse(&path("observables"), format!("{observables:?}"), expected);
                }
                _ => {}
            }
        }
        self
    }

    /// A shipped device or a calibration file, of at least so many qubits.
    pub fn device(&mut self, field: &str, name: &str, qubits: usize) -> &mut Self {
        // Reading a snapshot takes long, and the table knows its width.
        let width = match Device::shipped(name) {
            Some(row) => row.qubits,
            None => match Device::load(name).and_then(|device| Ok((device, Device::files(name)?))) {
                Ok((device, files)) => {
                    self.paths.extend(files.into_iter().map(|file| (field.into(), file)));
                    device.calibration.qubits.len()
                }
                Err(DeviceError::Unknown { .. }) => return self.name(field, name, DEVICES.iter().map(|row| row.name)),
                Err(error) => return self.refuse(field, format!("{name:?}"), error.to_string()),
            },
        };
        let expected = format!("a device of at least {qubits} qubits, as many as the circuit has");
        self.check(field, format!("{name:?} ({width} qubits)"), width >= qubits, &expected)
    }

    /// Devices as [`Validation::device`] takes them, none of them twice under two names.
    pub fn devices<'a>(
        &mut self,
        field: &str,
        names: impl IntoIterator<Item = &'a String>,
        qubits: usize,
    ) -> &mut Self {
        let mut seen: Vec<(String, &str)> = Vec::new();
        for name in names {
            self.device(field, name, qubits);
            let real = |path: &PathBuf| path.canonicalize().unwrap_or_else(|_| path.clone()).display().to_string();
            let device = match Device::shipped(name) {
                Some(row) => row.name.to_string(),
                None => Device::files(name).unwrap_or_default().iter().map(real).collect::<Vec<_>>().join(","),
            };
            match seen.iter().find(|(other, _)| *other == device) {
                // The same name twice is a matter of the list itself.
                Some((_, first)) if first != name => {
                    self.refuse(field, format!("{name:?}"), format!("each device once; it is {first:?}"));
                }
                _ => seen.push((device, name)),
            }
        }
        self
    }

    /// A file or folder that must exist, if it is given.
    pub fn path(&mut self, field: &str, path: Option<&Path>) -> &mut Self {
        match path {
            Some(path) if !path.exists() => self.refuse(field, path.display(), "an existing file or folder"),
            Some(path) if !path.is_file() && !path.is_dir() => {
                self.refuse(field, path.display(), "a regular file or a folder, no pipe or device")
            }
            // Its contents are hashed before they are read.
            Some(path) if path.is_file() && path.metadata().is_ok_and(|file| file.len() > input::LARGEST) => {
                self.refuse(field, path.display(), format!("a file of no more than {} bytes", input::LARGEST))
            }
            Some(path) => {
                self.paths.push((field.into(), path.into()));
                self
            }
            None => self,
        }
    }

    /// A training: positive sizes and rates, shares where shares are meant.
    pub fn train(&mut self, field: &str, config: &TrainConfig) -> &mut Self {
        for (name, value, expected) in config.violations() {
            self.refuse(&format!("{field}.{name}"), value, expected);
        }
        self
    }
}
