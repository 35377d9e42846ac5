//! The circuit of a head as settings name it: a row of the table of ansätze, or an own circuit.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Deserializer, Serialize};

use crate::circuit::ansatz::{
    ANSATZE, AnsatzError, AnsatzRow, Changes, ENCODINGS, ENTANGLEMENTS, Encoding, EncodingRow, EntanglementRow,
    MOST_QUBITS,
};
use crate::circuit::{Ansatz, Circuit};
use crate::math::input;
use crate::nn::NnError;

/// The circuit of a head, and the width of the parameter-matched classical head.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct CircuitConfig {
    /// Row of the table of ansätze, or a file with an own circuit.
    pub ansatz: AnsatzChoice,
    /// Number of qubits, also the hidden width of the parameter-matched classical head. [`CircuitConfig::read_file`] sets it
    /// to that of an own circuit.
    pub qubits: usize,
    /// Number of layers. An own circuit has its own.
    pub depth: usize,
    /// Standard deviation of the initial weights, radians.
    pub weight_sd: f64,
    /// Row of the table of encodings in place of the ansatz's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// Row of the table of entanglements, for the trained layers, in place of the ansatz's own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entanglement: Option<String>,
    /// Observables that are measured in place of the ansatz's own, such as `Z0 Z1 + 0.5 X2`. A text is split at commas.
    #[serde(skip_serializing_if = "Vec::is_empty", deserialize_with = "list_or_text")]
    pub observables: Vec<String>,
}

impl Default for CircuitConfig {
    fn default() -> Self {
        Self {
            ansatz: "dressed".into(),
            qubits: 4,
            depth: 3,
            weight_sd: 0.01,
            encoding: None,
            entanglement: None,
            observables: Vec::new(),
        }
    }
}

/// A list of texts, or one text with commas.
fn list_or_text<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Written {
        List(Vec<String>),
        Text(String),
    }
    Ok(match Written::deserialize(deserializer)? {
        Written::List(list) => list,
        Written::Text(text) => text.split(',').map(|entry| entry.trim().to_string()).collect(),
    })
}

/// Which circuit a head has.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(from = "Written", into = "Written")]
pub enum AnsatzChoice {
    /// A row of the table of ansätze.
    Row(String),
    /// A circuit of the user's own: part of the settings, so that nothing depends on the file later.
    Own(OwnCircuit),
}

/// An own circuit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnCircuit {
    /// The file it was read from, as it was given.
    pub name: String,
    /// What the file held, OpenQASM or circuit JSON; `None` before [`CircuitConfig::read_file`].
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub text: Option<String>,
}

/// How a choice is written: a name or a file, or an own circuit with its text.
#[derive(Serialize, Deserialize)]
#[serde(untagged, expecting = "a row of `qgraft list ansatze`, or a file with a circuit")]
enum Written {
    Name(String),
    Own(OwnCircuit),
}

impl From<Written> for AnsatzChoice {
    fn from(written: Written) -> Self {
        match written {
            Written::Name(name) => Self::from(name.as_str()),
            Written::Own(own) => Self::Own(own),
        }
    }
}

impl From<AnsatzChoice> for Written {
    fn from(choice: AnsatzChoice) -> Self {
        match choice {
            AnsatzChoice::Row(name) => Self::Name(name),
            AnsatzChoice::Own(own) => Self::Own(own),
        }
    }
}

impl From<&str> for AnsatzChoice {
    /// A row of the table, or else a file that is still to be read: a name with a folder, or one that ends in `.qasm` or
    /// `.json`.
    fn from(name: &str) -> Self {
        let path = Path::new(name);
        let ends = |ending: &str| path.extension().is_some_and(|own| own.eq_ignore_ascii_case(ending));
        let is_file = ends("qasm") || ends("json") || path.components().count() > 1;
        match AnsatzRow::named(name).is_none() && is_file {
            true => Self::Own(OwnCircuit { name: name.into(), text: None }),
            false => Self::Row(name.into()),
        }
    }
}

impl fmt::Display for AnsatzChoice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Row(name) | Self::Own(OwnCircuit { name, .. })) = self;
        f.write_str(name)
    }
}

impl OwnCircuit {
    /// The circuit with its features, weights and observables.
    ///
    /// # Errors
    /// As [`Ansatz::read`], and a file that was not read.
    pub fn ansatz(&self) -> Result<Ansatz, AnsatzError> {
        let unread = || AnsatzError::Io {
            file: self.name.clone(),
            reason: "not read yet: call CircuitConfig::read_file, or name it by HeadConfig::circuit_file".into(),
        };
        Ansatz::read(self.text.as_ref().ok_or_else(unread)?, &self.name)
    }
}

impl From<&Circuit> for OwnCircuit {
    fn from(circuit: &Circuit) -> Self {
        Self { name: "circuit.json".into(), text: Some(circuit.to_json()) }
    }
}

impl CircuitConfig {
    /// Its row of the table of ansätze; `None` for an own circuit.
    ///
    /// # Errors
    /// If there is none of this name, with the nearest one.
    pub fn family(&self) -> Result<Option<&'static AnsatzRow>, NnError> {
        let AnsatzChoice::Row(name) = &self.ansatz else { return Ok(None) };
        let names = ANSATZE.iter().map(|row| row.name);
        let row = AnsatzRow::named(name).ok_or_else(|| NnError::unknown("ansatz", "ansatze", name, names))?;
        Ok(Some(row))
    }

    /// Whether features become amplitudes, up to 2ⁿ of them.
    pub fn takes_amplitudes(&self) -> bool {
        let own = self.family().ok().flatten().map(|row| row.encoding);
        let given = self.encoding.as_ref().and_then(|name| EncodingRow::named(name)).map(|row| row.encoding);
        given.or(own).is_some_and(Encoding::is_amplitude)
    }

    /// Number of qubits of the circuit.
    pub fn width(&self) -> usize {
        match &self.ansatz {
            AnsatzChoice::Own(own) => own.ansatz().map_or(self.qubits, |ansatz| ansatz.circuit.qubits()),
            AnsatzChoice::Row(_) => self.qubits,
        }
    }

    /// Most qubits of a head: those of the largest devices. Whether its expectation values can be computed depends on how
    /// far they reach, and engines refuse what cannot.
    pub const MOST_QUBITS: usize = MOST_QUBITS;

    /// Most qubits of a head that takes features as 2^n amplitudes.
    pub const MOST_AMPLITUDE_QUBITS: usize = 16;

    /// Most layers of a head.
    pub const MOST_DEPTH: usize = 1000;

    /// Reads the file of an own circuit, relative to the working directory, unless that was done before. The circuit then
    /// decides the number of qubits. One that cannot be read as a circuit is refused when it is built.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn read_file(&mut self) -> Result<(), AnsatzError> {
        if let AnsatzChoice::Row(name) = &self.ansatz
            && AnsatzRow::named(name).is_none()
            && Path::new(name).is_file()
        {
            self.ansatz = AnsatzChoice::Own(OwnCircuit { name: name.clone(), text: None });
        }
        let AnsatzChoice::Own(own) = &mut self.ansatz else { return Ok(()) };
        if own.text.is_none() {
            let io = |error: std::io::Error| AnsatzError::Io { file: own.name.clone(), reason: error.to_string() };
            own.text = Some(input::read_text(own.name.as_ref(), input::LARGEST_TEXT).map_err(io)?);
        }
        self.qubits = self.width();
        Ok(())
    }

    /// The circuit of the settings, or that of the family of a head that always has the same. Without `entangle` it has no
    /// entanglers.
    ///
    /// # Errors
    /// A name that is in no table, more qubits or layers than a head may have, an own circuit that cannot be a head's, an
    /// observable that cannot be measured.
    pub fn build(&self, fixed: Option<&'static AnsatzRow>, entangle: bool) -> Result<Ansatz, NnError> {
        // Settings are checked before; these may also come from the file of a trained head.
        let sizes = [
            ("circuit.qubits", self.qubits, Self::MOST_QUBITS, "at most 192 qubits"),
            ("circuit.depth", self.depth, Self::MOST_DEPTH, "at most 1000 layers"),
        ];
        if let Some((field, value, _, reason)) = sizes.into_iter().find(|(_, value, most, _)| value > most) {
            return Err(NnError::Setting { field, value: value.to_string(), reason });
        }
        let most = Self::MOST_AMPLITUDE_QUBITS;
        let amplitudes = |row: &AnsatzRow| row.encoding.is_amplitude();
        if self.qubits > most && fixed.map_or_else(|| self.takes_amplitudes(), amplitudes) {
            let (field, value) = ("circuit.qubits", self.qubits.to_string());
            let reason = "at most 16 qubits where features are 2^qubits amplitudes";
            return Err(NnError::Setting { field, value, reason });
        }
        let built = match (fixed.map_or_else(|| self.family(), |row| Ok(Some(row)))?, &self.ansatz) {
            (Some(row), _) => {
                let changes = if fixed.is_some() { Changes::default() } else { self.changes()? };
                row.build_with(self.qubits, self.depth, entangle, changes)?
            }
            (None, AnsatzChoice::Own(own)) => {
                self.refuse_changes()?;
                let ansatz = own.ansatz()?;
                if entangle { ansatz } else { ansatz.separable() }
            }
            (None, AnsatzChoice::Row(_)) => unreachable!("a row that is not in the table is an error"),
        };
        if self.observables.is_empty() {
            return Ok(built);
        }
        let observables =
            Ansatz::parse_observables(&self.observables, built.circuit.qubits(), &self.ansatz.to_string())?;
        Ok(Ansatz { observables, ..built })
    }

    /// What the circuit has in place of what its family has.
    fn changes(&self) -> Result<Changes, NnError> {
        let encoding = |name: &String| {
            let unknown = || NnError::unknown("encoding", "encodings", name, ENCODINGS.iter().map(|row| row.name));
            EncodingRow::named(name).map(|row| row.encoding).ok_or_else(unknown)
        };
        let entanglement = |name: &String| {
            let names = ENTANGLEMENTS.iter().map(|row| row.name);
            let unknown = || NnError::unknown("entanglement", "entanglements", name, names);
            EntanglementRow::named(name).map(|row| row.entanglement).ok_or_else(unknown)
        };
        Ok(Changes {
            encoding: self.encoding.as_ref().map(encoding).transpose()?,
            entanglement: self.entanglement.as_ref().map(entanglement).transpose()?,
        })
    }

    /// Refuses settings that an own circuit has no use for.
    fn refuse_changes(&self) -> Result<(), NnError> {
        let given = [("circuit.encoding", &self.encoding), ("circuit.entanglement", &self.entanglement)];
        match given.into_iter().find_map(|(field, value)| Some((field, value.clone()?))) {
            Some((field, value)) => {
                Err(NnError::Setting { field, value, reason: "an own circuit has it in its file; leave the field out" })
            }
            None => Ok(()),
        }
    }
}
