//! Cells of a target domain: drawn by the formula, kept in the program, or read from a user's file.

use std::collections::BTreeSet;

use crate::data::{DataError, TextTable, read_text};
use crate::math::Stream;
use crate::study::StudyError;
use crate::systems::soh::cell::{BATCHES, CHECKPOINTS, Cell, PREFIX, Protocol, STEP};
use crate::systems::soh::own_cells::OwnCells;
use crate::systems::soh::spec::Spec;

/// A target domain.
#[derive(Debug)]
pub struct TargetRow {
    /// Name on the command line.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// The source of its cells.
    pub origin: Origin,
}

/// The source of cells.
#[derive(Debug)]
pub enum Origin {
    /// Drawn by the formula, as many as asked for, each seed others.
    Drawn(Protocol),
    /// A file inside the program. Seeds decide how its cells are used.
    Kept(&'static str),
}

/// Every target domain, the hardest of the drawn ones first.
pub static TARGETS: &[TargetRow] = &[
    TargetRow {
        name: "hard",
        doc: "2C charge, 3C discharge: outside everything the source batches have seen",
        origin: Origin::Drawn(Protocol { charge: 2.0, discharge: 3.0 }),
    },
    TargetRow {
        name: "mild",
        doc: "0.75C charge, 1.5C discharge: between the source batches",
        origin: Origin::Drawn(Protocol { charge: 0.75, discharge: 1.5 }),
    },
    TargetRow {
        name: "pybamm",
        doc: "the protocol of hard on 30 cells aged by another model, PyBaMM's single particles with electrolyte",
        origin: Origin::Kept(include_str!("../../../data/cells/pybamm.csv")),
    },
    TargetRow {
        name: "none",
        doc: "new cells of the second source batch: the control",
        origin: Origin::Drawn(BATCHES[1]),
    },
];

impl TargetRow {
    /// The target of this name.
    ///
    /// # Errors
    /// If there is none.
    pub fn named(name: &str) -> Result<&'static Self, StudyError> {
        let names = TARGETS.iter().map(|row| row.name);
        TARGETS.iter().find(|row| row.name == name).ok_or_else(|| StudyError::unknown("target", name, names))
    }
}

/// The cells of a target domain.
pub enum Target {
    /// Drawn under each seed anew.
    Drawn(Protocol),
    /// Read from a file.
    Kept(Vec<Cell>),
    /// Cells of a user, on an axis of their own.
    Own(OwnCells),
}

/// Cells of a target by their use.
pub struct CellSplit {
    /// Adapted to: labelled up to the prefix, without labels after it.
    pub adaptation: Vec<Cell>,
    /// Their prefix calibrates, and nothing is trained on them.
    pub recalibration: Vec<Cell>,
    /// Evaluated.
    pub test: Vec<Cell>,
}

impl Target {
    /// The targets of a spec, in the order of [`Spec::target_names`].
    ///
    /// # Errors
    /// A file that is no table of lifetimes, or has too few of them.
    pub fn all(spec: &Spec) -> Result<Vec<Self>, StudyError> {
        if spec.is_own() {
            return Ok(vec![Self::Own(OwnCells::open(spec)?)]);
        }
        let mut targets = Vec::new();
        for name in &spec.targets {
            let row = TargetRow::named(name)?;
            targets.push(match row.origin {
                Origin::Drawn(protocol) => Self::Drawn(protocol),
                Origin::Kept(text) => Self::Kept(enough(spec, lives(text, row.name)?, row.name)?),
            });
        }
        if let Some(path) = &spec.data {
            let place = path.display().to_string();
            let text = read_text(path)?;
            targets.push(Self::Kept(enough(spec, lives(&text, &place)?, &place)?));
        }
        Ok(targets)
    }

    /// Its cells by their use under `seed`.
    pub fn split(&self, spec: &Spec, seed: u64) -> CellSplit {
        match self {
            Self::Drawn(protocol) => CellSplit {
                adaptation: cells(seed, "adaptation", *protocol, spec.adaptation_cells),
                recalibration: cells(seed, "recalibration", *protocol, spec.adaptation_cells),
                test: cells(seed, "test", *protocol, spec.test_cells),
            },
            // Those of a user have blocks of their own.
            Self::Own(OwnCells { target: kept, .. }) | Self::Kept(kept) => {
                let order = Stream::named(seed, "parts").permutation(kept.len());
                let mut shuffled = order.into_iter().map(|number| kept[number].clone());
                let adaptation = shuffled.by_ref().take(spec.adaptation_cells).collect();
                let recalibration = shuffled.by_ref().take(spec.adaptation_cells).collect();
                CellSplit { adaptation, recalibration, test: shuffled.take(spec.test_cells).collect() }
            }
        }
    }
}

/// `count` cells of a drawn fleet.
pub fn cells(seed: u64, purpose: &str, protocol: Protocol, count: usize) -> Vec<Cell> {
    let Protocol { charge, discharge } = protocol;
    Cell::fleet(seed, &format!("{purpose} {charge} {discharge}"), protocol, count)
}

/// Refuses fewer cells than are needed to adapt to, as many to recalibrate on, and two to evaluate.
fn enough(spec: &Spec, cells: Vec<Cell>, place: &str) -> Result<Vec<Cell>, DataError> {
    let needed = 2 * spec.adaptation_cells + 2;
    if cells.len() < needed {
        let reason = format!(
            "{} cells; at least {needed} are needed: {1} to adapt to, {1} to recalibrate on, two to evaluate",
            cells.len(),
            spec.adaptation_cells
        );
        return Err(DataError::Malformed { place: place.into(), reason });
    }
    Ok(cells)
}

/// Columns of a table of lifetimes.
const COLUMNS: [&str; 5] = ["cell", "charge", "discharge", "throughput", "health"];

/// Lifetimes from text: a CSV (separated by commas, or by semicolons or tabs with decimal commas) with the columns cell (a name;
/// its rows are consecutive), charge and discharge (C-rates), throughput (ampere hours, 0, 500, 1000, …) and health (capacity
/// over initial capacity). Rows beyond 30 kAh are left out.
///
/// # Errors
/// A column that is missing, a field that is no number or out of range, a throughput that is not the next, a lifetime
/// that ends within the labelled prefix; by line and column.
pub fn lives(text: &str, place: &str) -> Result<Vec<Cell>, DataError> {
    let table = TextTable::parse(text, place)?;
    let mut positions = [0; COLUMNS.len()];
    for (position, name) in positions.iter_mut().zip(COLUMNS) {
        let missing = || table.malformed(format!("no column `{name}`; expected {}", COLUMNS.join(", ")));
        *position = table.column(&[name]).ok_or_else(missing)?;
    }
    let (mut cells, mut name): (Vec<Cell>, Option<String>) = (Vec::new(), None);
    let mut names = BTreeSet::new();
    for row in &table.rows {
        let field = |column: usize| row.fields[positions[column]].as_str();
        let wrong = |column: usize, reason: String| table.wrong(row, positions[column], reason);
        let number = |column: usize, range| table.number(row, positions[column], range);
        let protocol = Protocol { charge: number(1, 0.0..=100.0)?, discharge: number(2, 0.0..=100.0)? };
        let (throughput, health) = (number(3, 0.0..=1e9)?, number(4, 0.0..=2.0)?);
        if name.as_deref() != Some(field(0)) {
            if !names.insert(field(0).to_string()) {
                return Err(wrong(0, "rows of a cell must be consecutive".into()));
            }
            name = Some(field(0).into());
            cells.push(Cell { name: field(0).into(), protocol, measured: Vec::new() });
        }
        let cell = cells.last_mut().expect("a first row begins a cell");
        let expected = STEP * cell.measured.len() as f64;
        if (throughput - expected).abs() > 0.01 * STEP {
            return Err(wrong(3, format!("expected {expected}, the next multiple of {STEP} Ah")));
        }
        if cell.protocol != protocol {
            return Err(wrong(1, "the rates of a cell stay the same".into()));
        }
        cell.measured.push(health);
    }
    // One checkpoint after the prefix is the least that can be evaluated.
    if let Some((short, cell)) = cells.iter().enumerate().find(|(_, cell)| cell.measured.len() < PREFIX + 2) {
        let reason = format!(
            "cell number {} has {} rows; at least {} are needed, since the first {} kAh are the labelled prefix",
            short + 1,
            cell.measured.len(),
            PREFIX + 2,
            STEP * PREFIX as f64 / 1000.0
        );
        return Err(table.malformed(reason));
    }
    cells.iter_mut().for_each(|cell| cell.measured.truncate(CHECKPOINTS + 1));
    Ok(cells)
}
