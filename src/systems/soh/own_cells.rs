//! Cells of a user: CSV files, one a cell or with a column that names them, brought onto equal steps of any axis.

use std::path::{Path, PathBuf};

use crate::data::{DataError, TextTable, read_text};
use crate::math::Stream;
use crate::systems::soh::cell::{Cell, Protocol};
use crate::systems::soh::domains::{Block, Domains};
use crate::systems::soh::spec::{Axis, Spec};
use crate::systems::soh::windows::Window;

/// Names of the column that cells are aged along, in lower case, the first that a file has is taken.
const AXES: [&str; 8] =
    ["cycle", "cycles", "cycle_number", "cycle_index", "throughput", "throughput_ah", "ah_throughput", "efc"];

/// Names of the column of capacities (any unit), and of that of states of health.
const CAPACITIES: [&str; 4] = ["capacity", "capacity_ah", "discharge_capacity", "discharge_capacity_ah"];
const HEALTHS: [&str; 3] = ["health", "soh", "state_of_health"];

/// Most checkpoints of a lifetime.
const MOST: usize = 2000;

/// Cells of a folder or file: states of health at 0, step, 2 step, … of the axis. Capacities are divided by that of the
/// first checkpoint. Several measurements within half a step of a checkpoint are averaged, and none is interpolated on the
/// line between its neighbours.
///
/// # Errors
/// A folder without CSV files, a column that is missing, a field that is no number, an axis that does not rise; by file, line
/// and column.
pub fn read(path: &Path, axis: &Axis) -> Result<Vec<Cell>, DataError> {
    let mut cells = Vec::new();
    for file in files(path)? {
        let place = file.display().to_string();
        let name = file.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        parse(&read_text(&file)?, (&place, &name), axis, &mut cells)?;
    }
    Ok(cells)
}

fn files(path: &Path) -> Result<Vec<PathBuf>, DataError> {
    if !path.is_dir() {
        return Ok(vec![path.into()]);
    }
    let failed = |source| DataError::Io { path: path.into(), source };
    let mut files = Vec::new();
    for entry in std::fs::read_dir(path).map_err(failed)? {
        let file = entry.map_err(failed)?.path();
        let is_hidden = file.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if !is_hidden && file.is_file() && file.extension().is_some_and(|end| end.eq_ignore_ascii_case("csv")) {
            files.push(file);
        }
    }
    files.sort();
    match files.is_empty() {
        true => {
            let reason = "no .csv file in this folder; expected one a cell, with a column of cycles or throughput and one of \
                          capacity or health";
            Err(DataError::Malformed { place: path.display().to_string(), reason: reason.into() })
        }
        false => Ok(files),
    }
}

/// One measured point.
type Point = (f64, f64);

/// The cells of a text, behind those found so far.
fn parse(text: &str, (place, name): (&str, &str), axis: &Axis, cells: &mut Vec<Cell>) -> Result<(), DataError> {
    let table = TextTable::parse(text, place)?;
    let all = || table.header.join(", ");
    let along = match &axis.name {
        Some(wanted) => table
            .column(&[&wanted.to_lowercase()])
            .ok_or_else(|| table.malformed(format!("no column `{wanted}` (--axis); the columns are {}", all())))?,
        None => table.column(&AXES).ok_or_else(|| {
            let reason = "no column of cycles or throughput; name it with --axis; the columns are";
            table.malformed(format!("{reason} {}", all()))
        })?,
    };
    let (value, is_capacity) = match (table.column(&CAPACITIES), table.column(&HEALTHS)) {
        (Some(capacity), _) => (capacity, true),
        (None, Some(health)) => (health, false),
        (None, None) => {
            let reason = "no column `capacity` (Ah) or `health` (0 to 1); the columns are";
            return Err(table.malformed(format!("{reason} {}", all())));
        }
    };
    let [of_cell, charge, discharge] = ["cell", "charge", "discharge"].map(|name| table.column(&[name]));
    let mut found: Vec<(String, Protocol, Vec<Point>)> = Vec::new();
    for row in &table.rows {
        let most = if is_capacity { 1e6 } else { 2.0 };
        let point = (table.number(row, along, 0.0..=1e12)?, table.number(row, value, 1e-6..=most)?);
        let rate = |column: Option<usize>| column.map_or(Ok(0.0), |column| table.number(row, column, 0.0..=100.0));
        let protocol = Protocol { charge: rate(charge)?, discharge: rate(discharge)? };
        let own = of_cell.map_or(name, |column| &row.fields[column]).to_string();
        match found.iter_mut().find(|(known, ..)| *known == own) {
            Some((.., points)) => points.push(point),
            None => found.push((own, protocol, vec![point])),
        }
    }
    for (name, protocol, mut points) in found {
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut measured = on_steps(&points, axis.step);
        if measured.len() > MOST {
            let reason = format!("cell {name}: {} steps of {}; choose a longer --step", measured.len(), axis.step);
            return Err(table.malformed(reason));
        }
        let first = measured.first().copied().unwrap_or(1.0);
        if is_capacity {
            measured.iter_mut().for_each(|value| *value /= first);
        }
        cells.push(Cell { name, protocol, measured });
    }
    Ok(())
}

/// Values at multiples of `step` behind the first point.
fn on_steps(points: &[Point], step: f64) -> Vec<f64> {
    let Some((&(start, _), &(end, _))) = points.first().zip(points.last()) else { return Vec::new() };
    let count = ((end - start) / step + 1e-9).floor().min(MOST as f64 + 1.0) as usize;
    let mut values = Vec::with_capacity(count + 1);
    let mut from = 0;
    for k in 0..=count {
        let at = start + step * k as f64;
        // Open at both ends, so that regular measurements are as many before a checkpoint as behind it.
        while points.get(from).is_some_and(|point| point.0 <= at - step / 2.0) {
            from += 1;
        }
        let near: Vec<f64> =
            points[from..].iter().take_while(|point| point.0 < at + step / 2.0).map(|point| point.1).collect();
        values.push(match near.is_empty() {
            false => near.iter().sum::<f64>() / near.len() as f64,
            true => {
                // A checkpoint between the first and the last point has a neighbour on either side.
                let (a, b) = (points[from.saturating_sub(1)], points[from.min(points.len() - 1)]);
                if b.0 > a.0 { a.1 + (b.1 - a.1) * (at - a.0) / (b.0 - a.0) } else { a.1 }
            }
        });
    }
    values
}

/// Cells of a user by domain.
pub struct OwnCells {
    /// Those of another domain, if there are any.
    pub source: Option<Vec<Cell>>,
    /// Those in question.
    pub target: Vec<Cell>,
}

impl OwnCells {
    /// Reads both, and refuses too few cells or too short lifetimes.
    ///
    /// # Errors
    /// As [`read`], and fewer cells or checkpoints than are needed.
    pub fn open(spec: &Spec) -> Result<Self, DataError> {
        let axis = spec.axis();
        let path = spec.data.clone().unwrap_or_default();
        let target = read(&path, &axis)?;
        let source = spec.source.as_ref().map(|path| read(path, &axis)).transpose()?;
        let needed = if source.is_some() { 4 } else { 7 };
        for (path, cells, needed) in [(Some(&path), Some(&target), needed), (spec.source.as_ref(), source.as_ref(), 5)]
        {
            let (Some(path), Some(cells)) = (path, cells) else { continue };
            let place = path.display().to_string();
            if cells.len() < needed {
                let reason =
                    format!("{} cells; at least {needed} are needed to train, calibrate and evaluate", cells.len());
                return Err(DataError::Malformed { place, reason });
            }
            let least = axis.prefix.max(spec.window) + 2;
            if let Some(cell) = cells.iter().find(|cell| cell.measured.len() < least) {
                let reason = format!(
                    "cell {} has {} checkpoints, one each {} of the axis; at least {least} are needed behind --prefix {} and \
                     the window of {}; choose a shorter --step, --prefix or --set window",
                    cell.name,
                    cell.measured.len(),
                    axis.step,
                    axis.prefix as f64 * axis.step,
                    spec.window
                );
                return Err(DataError::Malformed { place, reason });
            }
        }
        Ok(Self { source, target })
    }

    /// Cells by their use under `seed`: a quarter calibrates, a seventh validates. With a source a third of the target's
    /// cells is adapted to, a third recalibrates and the others are tested; else a quarter of the cells is tested.
    pub fn block(&self, spec: &Spec, seed: u64) -> Block {
        let (length, axis) = (spec.window, spec.axis());
        let (later, end) = (axis.prefix + 1, usize::MAX);
        let mut target = shuffled(&self.target, seed, "parts");
        let (test, adaptation, recalibration, mut source) = match &self.source {
            Some(source) => {
                let third = (target.len() / 3).max(1);
                let adaptation: Vec<Cell> = target.drain(..third).collect();
                let recalibration: Vec<Cell> = target.drain(..third).collect();
                (target, adaptation, recalibration, shuffled(source, seed, "source parts"))
            }
            None => {
                let count = (target.len() / 4).max(2);
                let test: Vec<Cell> = target.drain(..count).collect();
                (test, Vec::new(), Vec::new(), target)
            }
        };
        let (calibration, validation) = ((source.len() / 4).max(2), (source.len() / 7).max(1));
        let calibration: Vec<Cell> = source.drain(..calibration).collect();
        let validation: Vec<Cell> = source.drain(..validation).collect();
        let of_prefix = if recalibration.is_empty() { &calibration } else { &recalibration };
        Block {
            domains: Domains {
                source: Window::all(&source, length, 0..end),
                validation: Window::all(&validation, length, 0..end),
                labelled: Window::all(&adaptation, length, 0..later),
                unlabelled: Window::all(&adaptation, length, later..end),
            },
            prefix: Window::all(of_prefix, length, 0..later),
            calibration: Window::all(&calibration, length, later..end),
            test: Window::all(&test, length, later..end),
            farther_cells: if recalibration.is_empty() { Vec::new() } else { calibration.clone() },
            calibration_cells: if recalibration.is_empty() { calibration } else { recalibration },
            test_cells: test,
        }
    }
}

fn shuffled(cells: &[Cell], seed: u64, purpose: &str) -> Vec<Cell> {
    Stream::named(seed, purpose).permutation(cells.len()).into_iter().map(|number| cells[number].clone()).collect()
}
