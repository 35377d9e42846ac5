//! Sweeps: any field of the settings of any system as a further factor.
//!
//! A settings file may have a table `vary`. An entry is a list of values of one field (`"circuit.qubits" = [2, 4]`), or a
//! table of named sets of fields (`dataset = { small = { "data.rows_per_class" = 40 }, whole = {} }`). Every combination
//! is a variant of the settings, and every grid of the system gets the entries as settings. `exclude` lists combinations
//! of levels that are left out.

use std::collections::{BTreeMap, HashSet};

use toml::{Table, Value};

use crate::lab::factor::{Factor, Role};
use crate::lab::settings::lay_over;
use crate::study::StudyError;

/// Combinations of what is varied: each has settings of its own, and lists in a short file have products of any size.
const MOST_VARIANTS: usize = 10_000;

/// The settings of a run with what is varied around them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// Settings as a complete tree.
    pub base: Table,
    /// What is varied, the slowest first.
    pub axes: Vec<Axis>,
    /// Combinations that are left out: factor and level, all of which must agree.
    pub exclude: Vec<BTreeMap<String, String>>,
}

/// A factor that a user made of fields.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// Name of the factor.
    pub name: String,
    /// The field of a list of values; `None` for named sets of fields.
    pub field: Option<String>,
    /// Level and the fields that it sets.
    pub levels: Vec<(String, Table)>,
}

/// One combination of levels.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Variant {
    /// Factor, level and index of the level.
    pub levels: Vec<(String, String, usize)>,
    /// The settings of this combination.
    pub settings: Table,
}

impl Request {
    /// Settings around which nothing is varied.
    pub fn plain(base: Table) -> Self {
        Self { base, ..Self::default() }
    }

    /// Takes `vary` and `exclude` out of a file.
    ///
    /// # Errors
    /// An entry that is neither a list nor a table, or is empty.
    pub fn take(file: &mut Table) -> Result<Self, StudyError> {
        let bad = |reason: String| StudyError::Settings { reason };
        let mut request = Self::default();
        if let Some(vary) = file.remove("vary") {
            let Value::Table(vary) = vary else { return Err(bad("vary: expected a table".into())) };
            for (key, entry) in &vary {
                request.axes.push(Axis::new(key, entry).map_err(bad)?);
            }
        }
        if let Some(exclude) = file.remove("exclude") {
            let reason = "exclude: expected a list of tables, such as [[exclude]] qubits = 4, head = \"quantum\"";
            let Value::Array(entries) = exclude else { return Err(bad(reason.into())) };
            for entry in entries {
                let Value::Table(levels) = entry else { return Err(bad(reason.into())) };
                request.exclude.push(levels.into_iter().map(|(factor, level)| (factor, text(&level))).collect());
            }
        }
        Ok(request)
    }

    /// The file that reads back to the same request.
    pub fn to_table(&self) -> Table {
        let mut table = self.base.clone();
        if !self.axes.is_empty() {
            let entry = |axis: &Axis| (axis.field.clone().unwrap_or(axis.name.clone()), axis.entry());
            table.insert("vary".into(), self.axes.iter().map(entry).collect::<Table>().into());
        }
        if !self.exclude.is_empty() {
            let levels = |levels: &BTreeMap<String, String>| {
                Value::Table(levels.iter().map(|(factor, level)| (factor.clone(), level.as_str().into())).collect())
            };
            table.insert("exclude".into(), self.exclude.iter().map(levels).collect::<Vec<Value>>().into());
        }
        table
    }

    /// Refuses more than 10,000 combinations, counted before any is excluded.
    ///
    /// # Errors
    /// If there are more; the message says how many.
    pub fn check_size(&self) -> Result<(), StudyError> {
        match self.axes.iter().fold(1, |product: usize, axis| product.saturating_mul(axis.levels.len())) {
            ..=MOST_VARIANTS => Ok(()),
            count => Err(StudyError::Settings {
                reason: format!("vary makes {count} combinations; at most {MOST_VARIANTS} are planned"),
            }),
        }
    }

    /// Every combination of the axes that is not excluded by the axes alone.
    pub fn variants(&self) -> Vec<Variant> {
        let mut variants = vec![Variant { levels: Vec::new(), settings: self.base.clone() }];
        for axis in &self.axes {
            let with = |variant: &Variant| -> Vec<Variant> {
                let next = |(index, (level, fields)): (usize, &(String, Table))| {
                    let mut next = variant.clone();
                    lay_over(&mut next.settings, fields);
                    next.levels.push((axis.name.clone(), level.clone(), index));
                    next
                };
                axis.levels.iter().enumerate().map(next).collect()
            };
            variants = variants.iter().flat_map(with).collect();
        }
        variants.retain(|variant| {
            let agrees = |(factor, level): (&String, &String)| {
                variant.levels.iter().any(|(own, name, _)| own == factor && name == level)
            };
            !self.exclude.iter().any(|levels| levels.iter().all(agrees))
        });
        variants
    }

    /// The axes as factors of a grid.
    pub fn factors(&self) -> Vec<Factor> {
        let names = |axis: &Axis| axis.levels.iter().map(|(level, _)| level.clone()).collect::<Vec<String>>();
        self.axes.iter().map(|axis| Factor::new(&axis.name, Role::Setting, names(axis))).collect()
    }
}

impl Axis {
    /// A list of values of a field, or a table of named sets of fields.
    fn new(key: &str, entry: &Value) -> Result<Self, String> {
        let axis = match entry {
            Value::Array(values) => {
                let level = |value: &Value| (text(value), nested(key, value.clone()));
                let name = key.rsplit('.').next().unwrap_or(key).to_string();
                Self { name, field: Some(key.into()), levels: values.iter().map(level).collect() }
            }
            Value::Table(sets) => {
                let level = |(name, fields): (&String, &Value)| match fields {
                    Value::Table(fields) => Ok((name.clone(), spread(fields))),
                    _ => Err(format!("vary.{key}.{name}: expected a table of fields")),
                };
                Self { name: key.into(), field: None, levels: sets.iter().map(level).collect::<Result<_, _>>()? }
            }
            _ => return Err(format!("vary.{key}: expected a list of values, or a table of named sets of fields")),
        };
        let mut seen = HashSet::new();
        match axis.levels.iter().find(|(level, _)| !seen.insert(level)) {
            _ if axis.levels.is_empty() => Err(format!("vary.{key}: expected at least one value")),
            Some((level, _)) => Err(format!("vary.{key}: {level} is given twice")),
            None => Ok(axis),
        }
    }

    fn entry(&self) -> Value {
        match &self.field {
            Some(field) => {
                let value = |(_, fields): &(String, Table)| found(fields, field).expect("a level sets its field");
                self.levels.iter().map(value).collect::<Vec<Value>>().into()
            }
            None => {
                self.levels.iter().map(|(name, fields)| (name.clone(), fields.clone().into())).collect::<Table>().into()
            }
        }
    }
}

/// A value as the name of a level. A table with a name, such as an own circuit with its text, is called by it.
pub fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Table(table) if table.get("name").is_some_and(Value::is_str) => text(&table["name"]),
        Value::Float(number) => number.to_string(),
        other => other.to_string(),
    }
}

/// `a.b = value` as nested tables.
fn nested(path: &str, value: Value) -> Table {
    let value = match path.split_once('.') {
        Some((_, rest)) => nested(rest, value).into(),
        None => value,
    };
    let key = path.split('.').next().unwrap_or(path);
    [(key.to_string(), value)].into_iter().collect()
}

/// Fields with dots in their names as nested tables.
fn spread(fields: &Table) -> Table {
    let mut all = Table::new();
    for (path, value) in fields {
        lay_over(&mut all, &nested(path, value.clone()));
    }
    all
}

fn found(tree: &Table, path: &str) -> Option<Value> {
    match path.split_once('.') {
        Some((key, rest)) => found(tree.get(key)?.as_table()?, rest),
        None => tree.get(path).cloned(),
    }
}
