//! Reading JSON so that every error and every repair names file and field.

use std::cell::RefCell;

use indexmap::IndexSet;
use serde_json::{Map, Value};

use crate::device::DeviceError;

/// What was repaired in a file, one sentence each.
#[derive(Default)]
pub struct Notices(RefCell<IndexSet<String>>);

impl Notices {
    pub fn note(&self, sentence: String) {
        self.0.borrow_mut().insert(sentence);
    }

    pub fn take(&self) -> Vec<String> {
        self.0.take().into_iter().collect()
    }
}

/// Numbers that JSON does not have. Python writes them all the same; [`super::parse`] makes texts of them.
pub const NOT_FINITE: [&str; 3] = ["NaN", "-Infinity", "Infinity"];

/// A value and its path, such as `qubits[3].T1.value`.
#[derive(Clone)]
pub struct Field<'a> {
    file: &'a str,
    path: String,
    value: &'a Value,
    notices: &'a Notices,
}

impl<'a> Field<'a> {
    pub fn root(file: &'a str, value: &'a Value, notices: &'a Notices) -> Self {
        Self { file, path: String::new(), value, notices }
    }

    /// Reports a repair of this field.
    pub fn note(&self, repair: &str) {
        self.notices.note(format!("{}: {} {repair}", self.file, self.path));
    }

    /// The same value under a readable name, such as `cx(0, 1)`.
    pub fn called(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    pub fn path(&self) -> &str {
        &self.path
    }

    /// An error about this field.
    pub fn wrong(&self, problem: impl Into<String>) -> DeviceError {
        let field = if self.path.is_empty() { "the document" } else { &self.path };
        DeviceError::Field { file: self.file.into(), field: field.into(), problem: problem.into() }
    }

    fn child(&self, key: &str) -> String {
        if self.path.is_empty() { key.into() } else { format!("{}.{key}", self.path) }
    }

    /// The entry under `key`; `None` if absent or null.
    pub fn find(&self, key: &str) -> Option<Self> {
        let value = self.value.get(key).filter(|value| !value.is_null())?;
        Some(Self { path: self.child(key), value, ..*self })
    }

    /// The entry under `key`.
    pub fn get(&self, key: &str) -> Result<Self, DeviceError> {
        self.find(key).ok_or_else(|| DeviceError::Field {
            file: self.file.into(),
            field: self.child(key),
            problem: "is missing".into(),
        })
    }

    pub fn is_null(&self) -> bool {
        self.value.is_null()
    }

    pub fn is_list(&self) -> bool {
        self.value.is_array()
    }

    pub fn list(&self) -> Result<Vec<Self>, DeviceError> {
        let list = self.value.as_array().ok_or_else(|| self.wrong(format!("is {}, expected a list", self.shown())))?;
        let at = |(k, value)| Self { path: format!("{}[{k}]", self.path), value, ..*self };
        Ok(list.iter().enumerate().map(at).collect())
    }

    pub fn entries(&self) -> Result<Vec<(&'a str, Self)>, DeviceError> {
        let map: &Map<_, _> =
            self.value.as_object().ok_or_else(|| self.wrong(format!("is {}, expected an object", self.shown())))?;
        let entry = |(key, value): (&'a String, _)| (key.as_str(), Self { path: self.child(key), value, ..*self });
        Ok(map.iter().map(entry).collect())
    }

    pub fn text(&self) -> Result<&'a str, DeviceError> {
        self.value.as_str().ok_or_else(|| self.wrong(format!("is {}, expected a text", self.shown())))
    }

    pub fn number(&self) -> Result<f64, DeviceError> {
        self.value.as_f64().ok_or_else(|| self.wrong(format!("is {}, expected a number", self.shown())))
    }

    /// The number, `None` if it is null or, which is reported, none that JSON has: NaN or infinite.
    pub fn known_number(&self) -> Result<Option<f64>, DeviceError> {
        match self.value.as_str().filter(|text| NOT_FINITE.contains(text)) {
            Some(text) => {
                self.note(&format!("is {text}, taken as unknown"));
                Ok(None)
            }
            None if self.is_null() => Ok(None),
            None => self.number().map(Some),
        }
    }

    pub fn truth(&self) -> Result<bool, DeviceError> {
        self.value.as_bool().ok_or_else(|| self.wrong(format!("is {}, expected true or false", self.shown())))
    }

    pub fn index(&self) -> Result<usize, DeviceError> {
        let index = self.value.as_u64().and_then(|index| usize::try_from(index).ok());
        index.ok_or_else(|| self.wrong(format!("is {}, expected a whole number from 0", self.shown())))
    }

    pub fn indices(&self) -> Result<Vec<usize>, DeviceError> {
        self.list()?.iter().map(Self::index).collect()
    }

    pub fn pair(&self) -> Result<(usize, usize), DeviceError> {
        match self.indices()?[..] {
            [a, b] => Ok((a, b)),
            _ => Err(self.wrong("is not a pair of whole numbers")),
        }
    }

    pub fn pairs(&self) -> Result<Vec<(usize, usize)>, DeviceError> {
        self.list()?.iter().map(Self::pair).collect()
    }

    pub fn texts(&self) -> Result<Vec<&'a str>, DeviceError> {
        self.list()?.iter().map(Self::text).collect()
    }

    /// A text, or a number written as one (IBM writes a revision as 5.11 or as "5.11").
    pub fn word(&self) -> Result<String, DeviceError> {
        match self.value {
            Value::String(text) => Ok(text.clone()),
            Value::Number(number) => Ok(number.to_string()),
            _ => Err(self.wrong(format!("is {}, expected a text", self.shown()))),
        }
    }

    fn shown(&self) -> String {
        let text = self.value.to_string();
        match text.char_indices().nth(40) {
            Some((end, _)) => format!("{}…", &text[..end]),
            None => text,
        }
    }
}
