//! Settings of an experiment: read from a file, a preset and the command line, and written so that they read back.
//!
//! All three sources work on one TOML tree. It starts as the default settings. Presets change it, a file is laid over
//! it, options set single fields. What comes out is checked as a whole.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use crate::lab::list::entries;
use crate::lab::validation::Validation;
use crate::lab::vary::{Request, text};
use crate::math::input;
use crate::math::words::closest;
use crate::nn::head::CircuitConfig;
use crate::study::{Invalid, StudyError};

/// Everything that decides the result of an experiment. Each must have the field `seeds: Vec<u64>`.
pub trait Settings: Serialize + DeserializeOwned + Default + Clone + PartialEq + Send + Sync + 'static {
    /// Name and version of the file format: `qgraft.NAME/1`.
    const FORMAT: &'static str;

    /// Named changes of the default settings. Every system has `quick` and `full`.
    const PRESETS: &'static [Preset<Self>];

    /// Checks numbers against their ranges and names against their tables.
    fn validate(&self, check: &mut Validation);

    /// The circuit of the heads and the path of its table, if there is one. The text of an own circuit becomes part of the
    /// settings when they are resolved.
    fn circuit(&mut self) -> Option<(&'static str, &mut CircuitConfig)> {
        None
    }
}

/// A named change of the default settings.
pub struct Preset<S: 'static> {
    /// Name on the command line.
    pub name: &'static str,
    /// What it is for, in one line.
    pub doc: &'static str,
    /// The change.
    pub apply: fn(&mut S),
}

/// An option of one system besides those that every system has.
pub struct Flag<S: 'static> {
    /// Name without dashes.
    pub name: &'static str,
    /// Placeholder of its value in help; empty for a switch.
    pub value: &'static str,
    /// What it does, in one line.
    pub help: &'static str,
    /// Names that its value may be, for help; empty if it is no name.
    pub choices: fn() -> Vec<&'static str>,
    /// How it changes the settings.
    pub change: Change<S>,
}

/// Placeholder of a list in help.
pub(super) const LIST: &str = "LIST";

/// How an option changes the settings.
pub enum Change<S: 'static> {
    /// Sets the field of this path. A list is given with commas.
    Field(&'static str),
    /// Anything else.
    Apply(fn(&mut S, &str)),
}

impl<S> Flag<S> {
    /// An option that sets a field.
    pub const fn field(name: &'static str, value: &'static str, field: &'static str, help: &'static str) -> Self {
        Self { name, value, help, choices: Vec::new, change: Change::Field(field) }
    }

    /// An option that changes the settings by a function.
    pub const fn apply(name: &'static str, value: &'static str, change: fn(&mut S, &str), help: &'static str) -> Self {
        Self { name, value, help, choices: Vec::new, change: Change::Apply(change) }
    }

    /// The names that its value may be.
    pub const fn with_choices(self, choices: fn() -> Vec<&'static str>) -> Self {
        Self { choices, ..self }
    }
}

/// What a user overrides in the default settings. Applied in the order of the fields.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overrides {
    /// Names of presets.
    pub presets: Vec<String>,
    /// A file of settings; fields it does not name keep their value.
    pub file: Option<Table>,
    /// Options of the system, name and value.
    pub flags: Vec<(String, String)>,
    /// Fields by path, and their values as text.
    pub set: Vec<(String, String)>,
    /// A number of seeds, or a list of them with commas.
    pub seeds: Option<String>,
    /// Fields by path, each with the values that it is varied over, separated by commas.
    pub vary: Vec<(String, String)>,
}

/// The default settings under `overrides`, and what is varied around them.
///
/// # Errors
/// An unknown preset, option or field (with the nearest name), or every value outside its range.
pub fn resolve<S: Settings>(flags: &[Flag<S>], overrides: &Overrides) -> Result<Request, StudyError> {
    let mut request = Request::default();
    let mut settings = S::default();
    for name in &overrides.presets {
        if name == "default" {
            continue;
        }
        let names = || ["default"].into_iter().chain(S::PRESETS.iter().map(|preset| preset.name)).collect::<Vec<_>>();
        let preset = S::PRESETS.iter().find(|preset| preset.name == name);
        (preset.ok_or_else(|| StudyError::unknown("preset", name, names()))?.apply)(&mut settings);
    }
    if let Some(file) = &overrides.file {
        let (mut tree, mut file) = (tree(&settings), file.clone());
        request = Request::take(&mut file)?;
        lay_over(&mut tree, &file);
        settings = from_tree(tree)?;
        read_circuit(&mut settings, &file)?;
    }
    let mut given = Table::new();
    for (name, value) in &overrides.flags {
        let known = flags.iter().find(|flag| flag.name == name);
        let flag = known.ok_or_else(|| StudyError::unknown("option", name, flags.iter().map(|flag| flag.name)))?;
        match flag.change {
            Change::Field(path) => {
                // A list that is empty is not written by some settings.
                let absent = (flag.value == LIST).then(|| Value::Array(Vec::new()));
                settings = with_field_as(&settings, path, (value, absent.as_ref()), &mut given)?;
            }
            Change::Apply(change) => {
                let choices = (flag.choices)();
                if !choices.is_empty() && !choices.contains(&value.as_str()) {
                    return Err(StudyError::unknown(flag.name, value, choices));
                }
                change(&mut settings, value);
            }
        }
    }
    for (path, value) in &overrides.set {
        settings = with_field(&settings, path, value, &mut given)?;
    }
    read_circuit(&mut settings, &given)?;
    if let Some(seeds) = &overrides.seeds {
        settings = with_field(&settings, "seeds", &list_of_seeds(seeds)?, &mut given)?;
    }
    check(&settings)?;
    request.base = tree(&settings);
    for (path, values) in &overrides.vary {
        let now = find(&request.base, path);
        let values: Vec<Value> = entries(values).iter().map(|value| parsed(now, value)).collect();
        let [first, ..] = &values[..] else { continue };
        // A field that does not exist is named before any value of it.
        with_field(&settings, path, &text(first), &mut given)?;
        let mut file =
            Table::from_iter([("vary".to_string(), Value::Table(Table::from_iter([(path.clone(), values.into())])))]);
        request.axes.extend(Request::take(&mut file)?.axes);
    }
    request.check_size()?;
    for (level, fields) in request.axes.iter_mut().flat_map(|axis| &mut axis.levels) {
        let mut variant = request.base.clone();
        lay_over(&mut variant, fields);
        // A level that is no setting is refused with its variant.
        let Ok(mut settings) = from_tree::<S>(variant) else { continue };
        read_circuit(&mut settings, fields)
            .map_err(|error| StudyError::Settings { reason: format!("{level}: {error}") })?;
        let Some(ansatz) = settings.circuit().map(|(table, _)| format!("{table}.ansatz")) else { continue };
        if let (Some(_), Some(read)) = (find(fields, &ansatz), find(&tree(&settings), &ansatz)) {
            let mut over = Table::new();
            nest(&mut over, &ansatz, read.clone());
            lay_over(fields, &over);
        }
    }
    Ok(request)
}

/// Takes the file of an own circuit into `settings`. It decides the number of qubits.
///
/// # Errors
/// A file that cannot be read, or another number of qubits in `given`.
pub fn read_circuit<S: Settings>(settings: &mut S, given: &Table) -> Result<(), StudyError> {
    let Some((table, circuit)) = settings.circuit() else { return Ok(()) };
    let refuse = |field: &str, value: String, expected: String| {
        let field = format!("{table}.{field}");
        Err(StudyError::Invalid { violations: vec![Invalid { field, value, expected }] })
    };
    if let Err(error) = circuit.read_file() {
        return refuse("ansatz", circuit.ansatz.to_string(), format!("a circuit for a head; {error}"));
    }
    match find(given, &format!("{table}.qubits")) {
        Some(Value::Integer(qubits)) if usize::try_from(*qubits) != Ok(circuit.qubits) => {
            refuse("qubits", qubits.to_string(), format!("{}, as many as {} has", circuit.qubits, circuit.ansatz))
        }
        _ => Ok(()),
    }
}

/// "5" is 0,1,2,3,4; a list stays a list.
fn list_of_seeds(text: &str) -> Result<String, StudyError> {
    const MOST: u64 = 100_000;
    match text.parse::<u64>() {
        Ok(count) if count > MOST => Err(StudyError::Invalid {
            violations: vec![Invalid {
                field: "--seeds".into(),
                value: text.into(),
                expected: format!("a number up to {MOST}, or a list such as 0,3,7"),
            }],
        }),
        Ok(count) => Ok((0..count).map(|seed| seed.to_string()).collect::<Vec<_>>().join(",")),
        Err(_) => Ok(text.into()),
    }
}

/// Refuses settings outside their ranges. Returns the files and folders that they name, each with its field.
///
/// # Errors
/// Every violation, by field and value.
pub fn check<S: Settings>(settings: &S) -> Result<Vec<(String, PathBuf)>, StudyError> {
    let mut found = Validation::default();
    settings.validate(&mut found);
    match found.violations() {
        [] => Ok(found.paths().to_vec()),
        violations => Err(StudyError::Invalid { violations: violations.to_vec() }),
    }
}

/// A request as the file that reads back to it.
pub fn to_toml<S: Settings>(request: &Request) -> String {
    let mut table = Table::new();
    table.insert("format".into(), S::FORMAT.into());
    table.extend(request.to_table());
    toml::to_string_pretty(&table).expect("settings are numbers, texts, lists and tables")
}

/// The settings as a TOML tree.
pub fn tree<S: Settings>(settings: &S) -> Table {
    Table::try_from(settings).expect("settings are numbers, texts, lists and tables")
}

/// Settings from a complete tree.
///
/// # Errors
/// A field that does not exist or has another type.
pub fn from_tree<S: Settings>(tree: Table) -> Result<S, StudyError> {
    deserialize(&tree).map_err(|(field, message)| StudyError::Settings {
        reason: field.map_or(message.clone(), |field| format!("{field}: {message}")),
    })
}

/// Settings from a complete tree, or the field that is wrong and why.
fn deserialize<S: Settings>(tree: &Table) -> Result<S, (Option<String>, String)> {
    // From the tree, not from a text: a reader of texts for every type of settings was a fortieth of the program.
    let read = Value::Table(tree.clone()).try_into();
    read.map_err(|error: toml::de::Error| (field_of(&error), with_suggestion(&error)))
}

/// The path of the field that an error is about. The reader writes it behind the message, an unknown field in the message.
fn field_of(error: &toml::de::Error) -> Option<String> {
    let text = error.to_string();
    let path = text.trim_end().rsplit_once("\nin `").and_then(|(_, path)| path.strip_suffix('`'));
    let unknown = error.message().strip_prefix("unknown field `").and_then(|rest| rest.split('`').next());
    match (path, unknown) {
        (Some(path), Some(field)) => Some(format!("{path}.{field}")),
        (path, field) => path.or(field).map(String::from),
    }
}

/// Reads a file of settings of the format `format`.
///
/// # Errors
/// A file that cannot be read, is no TOML, or is of another system or version.
pub fn read(path: &Path, format: &str) -> Result<Table, StudyError> {
    let bad = |reason: String| StudyError::Spec { path: path.into(), reason };
    let text = input::read_text(path, input::LARGEST_TEXT).map_err(|e| bad(e.to_string()))?;
    let mut table: Table = toml::from_str(&text).map_err(|e| bad(e.to_string()))?;
    match table.remove("format") {
        Some(Value::String(own)) if own == format => Ok(table),
        Some(own) => Err(bad(format!("format = {own}: this command reads {format:?}"))),
        None => Ok(table),
    }
}

/// Lays `over` over `tree`: tables field by field, everything else as a whole. A table with another `name` is another
/// variant and replaces the old one.
pub fn lay_over(tree: &mut Table, over: &Table) {
    for (key, value) in over {
        match (tree.get_mut(key), value) {
            (Some(Value::Table(own)), Value::Table(new)) if !is_other_variant(own, new) => lay_over(own, new),
            _ => _ = tree.insert(key.clone(), value.clone()),
        }
    }
}

fn is_other_variant(own: &Table, new: &Table) -> bool {
    matches!((own.get("name"), new.get("name")), (Some(own), Some(new)) if own != new)
}

/// The settings with the field of a path set to a value given as text, which is noted in `given`.
fn with_field<S: Settings>(settings: &S, path: &str, text: &str, given: &mut Table) -> Result<S, StudyError> {
    with_field_as(settings, path, (text, None), given)
}

/// The same, read as `absent` would be where the settings do not write the field.
fn with_field_as<S: Settings>(
    settings: &S,
    path: &str,
    (text, absent): (&str, Option<&Value>),
    given: &mut Table,
) -> Result<S, StudyError> {
    let tree = tree(settings);
    let now = find(&tree, path).or(absent);
    let laid = |value: Value| {
        let (mut over, mut tree) = (Table::new(), tree.clone());
        nest(&mut over, path, value);
        lay_over(&mut tree, &over);
        (over, deserialize(&tree))
    };
    let (mut over, mut read) = laid(parsed(now, text));
    if read.is_err() {
        // A field without a value does not show its kind: 3 may be the name of something.
        let (texts, again) = laid(as_texts(now, text));
        if again.is_ok() {
            (over, read) = (texts, again);
        }
    }
    lay_over(given, &over);
    read.map_err(|(_, message)| {
        // The reader writes "invalid type: string "ten", expected usize".
        let line = message.lines().last().unwrap_or_default();
        let expected = line.split_once("expected ").map_or(line, |(_, expected)| expected).to_string();
        StudyError::Invalid { violations: vec![Invalid { field: path.into(), value: text.into(), expected }] }
    })
}

/// The value at a path of a tree.
pub(super) fn find<'a>(tree: &'a Table, path: &str) -> Option<&'a Value> {
    match path.split_once('.') {
        Some((key, rest)) => tree.get(key).and_then(Value::as_table).and_then(|table| find(table, rest)),
        None => tree.get(path),
    }
}

/// Sets the value at a path of a tree.
pub(super) fn nest(tree: &mut Table, path: &str, value: Value) {
    match path.split_once('.') {
        Some((key, rest)) => {
            let mut inner = Table::new();
            nest(&mut inner, rest, value);
            tree.insert(key.into(), inner.into());
        }
        None => _ = tree.insert(path.into(), value),
    }
}

/// Text as a value of the kind that the field has now; where it has none, as TOML if it is TOML, as a text if not.
fn parsed(now: Option<&Value>, text: &str) -> Value {
    let free = |text: &str| {
        let line: Result<Table, _> = toml::from_str(&format!("value = {text}"));
        line.ok().and_then(|mut table| table.remove("value")).unwrap_or_else(|| Value::String(text.into()))
    };
    match now {
        Some(Value::String(_)) => Value::String(text.trim_matches('"').into()),
        Some(Value::Float(_)) => text.parse::<f64>().map_or_else(|_| free(text), Value::Float),
        Some(Value::Array(_)) if !text.trim_start().starts_with('[') => {
            Value::Array(entries(text).iter().map(|entry| parsed_entry(now, entry, free)).collect())
        }
        _ => free(text),
    }
}

/// Text as a text, or as a list of texts where the field is a list.
fn as_texts(now: Option<&Value>, text: &str) -> Value {
    match now {
        Some(Value::Array(_)) if !text.trim_start().starts_with('[') => {
            Value::Array(entries(text).iter().map(|entry| entry.trim_matches('"').into()).collect())
        }
        _ => Value::String(text.into()),
    }
}

/// One entry of a list, of the kind that its first entry has now.
fn parsed_entry(now: Option<&Value>, text: &str, free: impl Fn(&str) -> Value) -> Value {
    match now.and_then(Value::as_array).and_then(|list| list.first()) {
        Some(first) => parsed(Some(first), text),
        None => free(text),
    }
}

/// The reader's message, with the known field nearest to an unknown one: the reader quotes the field, then those there are.
pub fn with_suggestion(error: &toml::de::Error) -> String {
    let message = error.message().to_string();
    let mut quoted = message.split('`').skip(1).step_by(2);
    let unknown = quoted.next().filter(|_| message.starts_with("unknown"));
    match unknown.and_then(|key| closest(key, quoted)) {
        Some(meant) => format!("{message}; did you mean `{meant}`?"),
        None => message,
    }
}
