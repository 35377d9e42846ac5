//! Reading JSON so that every error names file and field.

use serde_json::{Map, Value};

use crate::device::DeviceError;

/// A value and its path, such as `qubits[3].T1.value`.
#[derive(Clone)]
pub struct Field<'a> {
    file: &'a str,
    path: String,
    value: &'a Value,
}

impl<'a> Field<'a> {
    pub fn root(file: &'a str, value: &'a Value) -> Self {
        Self { file, path: String::new(), value }
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
        Some(Self { file: self.file, path: self.child(key), value })
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
        let at = |(k, value)| Self { file: self.file, path: format!("{}[{k}]", self.path), value };
        Ok(list.iter().enumerate().map(at).collect())
    }

    pub fn entries(&self) -> Result<Vec<(&'a str, Self)>, DeviceError> {
        let map: &Map<_, _> =
            self.value.as_object().ok_or_else(|| self.wrong(format!("is {}, expected an object", self.shown())))?;
        let entry =
            |(key, value): (&'a String, _)| (key.as_str(), Self { file: self.file, path: self.child(key), value });
        Ok(map.iter().map(entry).collect())
    }

    pub fn text(&self) -> Result<&'a str, DeviceError> {
        self.value.as_str().ok_or_else(|| self.wrong(format!("is {}, expected a text", self.shown())))
    }

    pub fn number(&self) -> Result<f64, DeviceError> {
        self.value.as_f64().ok_or_else(|| self.wrong(format!("is {}, expected a number", self.shown())))
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
