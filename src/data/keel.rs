//! The header of KEEL's .dat files: lines that begin with @.

use super::DataError;

/// The header of a KEEL file.
#[derive(Default)]
pub(super) struct KeelHeader {
    /// Lines it takes.
    pub lines: usize,
    /// Name, and words unless it holds numbers.
    pub attributes: Vec<(String, Option<Vec<String>>)>,
    /// The attribute that is the class.
    pub output: Option<String>,
    /// The attributes that are values, if the file lists them.
    pub inputs: Option<Vec<String>>,
}

impl KeelHeader {
    /// Reads the lines before the rows; `place` names the source in messages.
    pub(super) fn read(text: &str, place: &str) -> Result<Self, DataError> {
        let mut header = Self::default();
        for (number, line) in text.lines().enumerate() {
            let line = line.trim();
            if !(line.starts_with('@') || line.is_empty() || line.starts_with('%')) {
                break;
            }
            header.lines = number + 1;
            let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
            match word.to_ascii_lowercase().as_str() {
                "@attribute" => header.attributes.push(attribute(rest.trim()).ok_or_else(|| {
                    let reason =
                        format!("line {}: `{line}`: expected @attribute NAME real, integer or {{words}}", number + 1);
                    DataError::malformed(place, reason)
                })?),
                "@input" | "@inputs" => {
                    header.inputs = Some(rest.split(',').map(|name| name.trim().to_string()).collect());
                }
                "@output" | "@outputs" => header.output = Some(rest.trim().to_string()),
                _ => {}
            }
        }
        Ok(header)
    }
}

/// `NAME real [0, 1]`, `NAME integer`, `NAME {a, b}`.
fn attribute(text: &str) -> Option<(String, Option<Vec<String>>)> {
    let at = text.find(|c: char| c.is_whitespace() || c == '{')?;
    let (name, kind) = (text[..at].to_string(), text[at..].trim());
    if let Some(list) = kind.strip_prefix('{') {
        let words = list.split('}').next()?.split(',').map(|word| word.trim().to_string()).collect();
        return Some((name, Some(words)));
    }
    let kind = kind.to_ascii_lowercase();
    ["real", "integer", "numeric"].iter().any(|known| kind.starts_with(known)).then_some((name, None))
}
