//! The table that the IBM Quantum platform offers for download: one row per qubit, headers that changed over the years.
//!
//! There is no published schema, so the header is data: columns are found by name, their unit is in the header,
//! and a two-qubit cell packs several partners as `0_1:0.0075;0_14:0.009` (to 2024) or `1:0.0013;15:0.0021` (later,
//! the row's qubit first). The table lacks dt, ZZ, layer fidelities and (2023-24) single-qubit gate lengths; what it
//! lacks is unknown, never zero.

use csv::{ReaderBuilder, StringRecord, Trim};

use crate::circuit::Gate;
use crate::device::shipped::plain;
use crate::device::{Calibration, Details, Device, DeviceError, GateData, Provenance, QubitData};
use crate::math::Seconds;

/// Columns with the error of a one-qubit gate, by what the header contains.
const SINGLE: [(&str, Gate); 6] = [
    ("id error", Gate::Id),
    ("(sx) error", Gate::Sx),
    ("pauli-x error", Gate::X),
    ("(rz) error", Gate::Rz),
    ("rx error", Gate::Rx),
    ("sx error", Gate::Sx),
];

/// Columns with the error of a two-qubit gate.
const DOUBLE: [(&str, Gate); 4] =
    [("cnot error", Gate::Cx), ("ecr error", Gate::Ecr), ("cz error", Gate::Cz), ("rzz error", Gate::Rzz)];

/// Calibrated but native only on request ("fractional gates"), so not in the basis of the device.
const FRACTIONAL: [Gate; 2] = [Gate::Rx, Gate::Rzz];

/// Whether `text` begins like such a table.
pub fn looks_like(text: &str) -> bool {
    let start = text.trim_start_matches(['\u{feff}', '"']);
    start.get(..5).is_some_and(|word| word.eq_ignore_ascii_case("qubit"))
}

/// The device in `text`. Its name and date come from `file`, `<device>_calibrations_<time>.csv`.
pub fn read(file: &str, text: &str) -> Result<Device, DeviceError> {
    let text = text.trim_start_matches('\u{feff}');
    let broken = |source| DeviceError::Csv { file: file.into(), source };
    let mut reader = ReaderBuilder::new().trim(Trim::All).from_reader(text.as_bytes());
    let header = reader.headers().map_err(broken)?.iter().map(str::to_lowercase).collect();
    let mut table = Table { file, header, rows: Vec::new() };
    for record in reader.records() {
        table.rows.push(record.map_err(broken)?);
    }
    table.device()
}

struct Table<'a> {
    file: &'a str,
    header: Vec<String>,
    /// Sorted by qubit once numbered.
    rows: Vec<StringRecord>,
}

impl Table<'_> {
    fn device(mut self) -> Result<Device, DeviceError> {
        self.sort_by_qubit()?;
        let (mut qubits, mut gates) = (Vec::new(), Vec::new());
        for q in 0..self.rows.len() {
            qubits.push(self.qubit(q)?);
            gates.extend(self.single_gates(q)?);
            gates.extend(self.double_gates(q)?);
        }
        if !gates.iter().any(|row| row.gate == Gate::Rz) {
            // Tables up to 2022 leave it out.
            gates.extend((0..qubits.len()).map(GateData::frame_change));
        }
        let mut basis: Vec<Gate> = gates.iter().map(|row| row.gate).filter(|gate| !FRACTIONAL.contains(gate)).collect();
        basis.sort_by_key(|gate| *gate as usize);
        basis.dedup();
        let pair = |row: &GateData| <[usize; 2]>::try_from(&row.qubits[..]).ok().map(|[a, b]| (a, b));
        let mut coupling: Vec<_> = gates.iter().filter_map(pair).collect();
        coupling.sort_unstable();
        coupling.dedup();
        let (name, date) = name_and_date(self.file);
        Ok(Device {
            name,
            basis,
            has_reset: true,
            dt: None,
            coupling,
            calibration: Calibration {
                source: Provenance { origin: "IBM Quantum platform, CSV".into(), date, licence: "not stated".into() },
                qubits,
                gates,
            },
            details: Details::default(),
            notices: Vec::new(),
        })
    }

    fn wrong(&self, field: impl Into<String>, problem: impl Into<String>) -> DeviceError {
        DeviceError::Field { file: self.file.into(), field: field.into(), problem: problem.into() }
    }

    /// The column whose header begins with `name`.
    fn column(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|title| title.starts_with(name))
    }

    fn sort_by_qubit(&mut self) -> Result<(), DeviceError> {
        let number = |row: &StringRecord| row.get(0)?.trim_start_matches(['Q', 'q']).parse::<usize>().ok();
        for row in &self.rows {
            if number(row).is_none() {
                return Err(self.wrong("column Qubit", format!("has {:?}, expected 0 or Q0", row.get(0).unwrap_or(""))));
            }
        }
        self.rows.sort_by_key(number);
        match (0..self.rows.len()).find(|&k| number(&self.rows[k]) != Some(k)) {
            Some(k) => Err(self.wrong(format!("qubit {k}"), "is missing or listed twice")),
            None if self.rows.is_empty() => Err(self.wrong("the table", "has no rows")),
            None => Ok(()),
        }
    }

    /// A cell in SI units, `None` if blank or without a column.
    fn cell(&self, q: usize, name: &str) -> Result<Option<f64>, DeviceError> {
        let Some(column) = self.column(name) else { return Ok(None) };
        let text = self.rows[q].get(column).unwrap_or("");
        if text.is_empty() {
            return Ok(None);
        }
        let value = text.parse().map_err(|_| self.damaged(q, column, text))?;
        self.to_si(column, value).map(Some)
    }

    fn damaged(&self, q: usize, column: usize, text: &str) -> DeviceError {
        let problem = format!("is {text:?}, not a number; a spreadsheet may have changed it, download the file again");
        self.wrong(format!("qubit {q} {:?}", self.header[column]), problem)
    }

    fn to_si(&self, column: usize, value: f64) -> Result<f64, DeviceError> {
        let title = &self.header[column];
        let unit = title.rsplit_once('(').map_or("", |(_, rest)| rest.trim_end_matches([')', ' ']));
        Ok(match unit {
            "us" | "\u{b5}s" | "\u{3bc}s" => value / 1e6,
            "ns" => value / 1e9,
            "ghz" => value * 1e9,
            _ if title.ends_with(')') => return Err(self.wrong(format!("column {title:?}"), "has an unknown unit")),
            _ => value,
        })
    }

    fn qubit(&self, q: usize) -> Result<QubitData, DeviceError> {
        Ok(QubitData {
            t1: self.cell(q, "t1")?.map(Seconds),
            t2: self.cell(q, "t2")?.map(Seconds),
            frequency: self.cell(q, "frequency")?,
            anharmonicity: self.cell(q, "anharmonicity")?,
            readout_error: self.cell(q, "readout assignment error")?,
            one_given_zero: self.cell(q, "prob meas1 prep0")?,
            zero_given_one: self.cell(q, "prob meas0 prep1")?,
            readout_length: self.cell(q, "readout length")?.map(Seconds),
            reset_length: None,
            faulty: self.faulty(q)?,
        })
    }

    fn faulty(&self, q: usize) -> Result<bool, DeviceError> {
        let Some(column) = self.column("operational") else { return Ok(false) };
        match self.rows[q].get(column).unwrap_or("").to_lowercase().as_str() {
            "" | "yes" | "true" => Ok(false),
            "no" | "false" => Ok(true),
            other => Err(self.wrong(format!("qubit {q} Operational"), format!("is {other:?}, expected Yes or No"))),
        }
    }

    fn single_gates(&self, q: usize) -> Result<Vec<GateData>, DeviceError> {
        let pulse = self.cell(q, "single-qubit gate length")?.map(Seconds);
        let mut rows: Vec<GateData> = Vec::new();
        for (column, title) in self.header.iter().enumerate() {
            let Some(&(_, gate)) = SINGLE.iter().find(|(name, _)| title.ends_with(name)) else { continue };
            let text = self.rows[q].get(column).unwrap_or("");
            let error =
                if text.is_empty() { None } else { Some(text.parse().map_err(|_| self.damaged(q, column, text))?) };
            let length = if gate == Gate::Rz && error == Some(0.0) { Some(Seconds(0.0)) } else { pulse };
            rows.push(GateData { gate, qubits: vec![q], error, length, faulty: false });
        }
        Ok(rows)
    }

    fn double_gates(&self, q: usize) -> Result<Vec<GateData>, DeviceError> {
        let length_column = self.column("gate time").or_else(|| self.column("gate length"));
        let lengths = length_column.map_or(Ok(Vec::new()), |column| self.packed(q, column))?;
        let mut rows = Vec::new();
        for (name, gate) in DOUBLE {
            let Some(column) = self.column(name) else { continue };
            for (qubits, error) in self.packed(q, column)? {
                let length = lengths.iter().find(|(pair, _)| *pair == qubits).map(|&(_, length)| Seconds(length));
                rows.push(GateData { gate, qubits, error: Some(error), length, faulty: false });
            }
        }
        Ok(rows)
    }

    /// `control_target:value` or `partner:value`, separated by semicolons.
    fn packed(&self, q: usize, column: usize) -> Result<Vec<(Vec<usize>, f64)>, DeviceError> {
        let text = self.rows[q].get(column).unwrap_or("");
        let entry = |entry: &str| {
            let (pair, value) = entry.trim().split_once(':')?;
            let qubits = match pair.split_once('_') {
                Some((control, target)) => vec![control.parse().ok()?, target.parse().ok()?],
                None => vec![q, pair.parse().ok()?],
            };
            Some((qubits, value.trim().parse::<f64>().ok()?))
        };
        let mut entries = Vec::new();
        for part in text.split(';').filter(|part| !part.trim().is_empty()) {
            let (qubits, value) = entry(part).ok_or_else(|| self.damaged(q, column, part))?;
            entries.push((qubits, self.to_si(column, value)?));
        }
        Ok(entries)
    }
}

fn name_and_date(file: &str) -> (String, String) {
    let stem = file.rsplit(['/', '\\']).next().unwrap_or(file).trim_end_matches(".csv");
    let (name, date) = stem.split_once("_calibrations_").unwrap_or((stem, "not stated"));
    (plain(name).into(), date.into())
}
