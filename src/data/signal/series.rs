//! Samples as text: a number a line, or a table with a column for each channel.

use crate::data::DataError;
use crate::data::delimited::text;
use crate::data::signal::{Recording, Signal};

/// Names of a column of seconds.
const TIMES: [&str; 4] = ["time", "t", "seconds", "time_s"];

/// Reads samples. A first line that is not all numbers names the channels; a column of seconds gives the rate.
///
/// # Errors
/// A field that is no number, or a line of another length, each by line.
pub fn parse(bytes: &[u8], place: &str) -> Result<Recording, DataError> {
    let text = text(bytes, place)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let wrong = |line: usize, reason: String| DataError::malformed(place, format!("line {line}: {reason}"));
    let fields = |line: &str| -> Vec<String> {
        let separators = [',', ';', '\t', ' '];
        line.split(separators)
            .map(|field| field.trim_matches(['"', '\'']).trim())
            .filter(|f| !f.is_empty())
            .map(String::from)
            .collect()
    };
    let mut lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()).peekable();
    let Some((_, first)) = lines.peek() else { return Err(DataError::malformed(place, "an empty file")) };
    let first = fields(first);
    let is_header = first.iter().any(|field| field.parse::<f64>().is_err());
    if is_header && first.iter().all(|field| field.parse::<f64>().is_err()) {
        lines.next();
    } else if is_header {
        return Err(wrong(1, "numbers and words; expected only numbers, or the names of the channels".into()));
    }
    let names: Vec<String> = match is_header {
        true => first.clone(),
        false => (1..=first.len()).map(|k| k.to_string()).collect(),
    };
    let mut columns: Vec<Vec<f64>> = vec![Vec::new(); names.len()];
    for (number, line) in lines {
        let own = fields(line);
        if own.len() != names.len() {
            return Err(wrong(number + 1, format!("{} numbers; expected {}", own.len(), names.len())));
        }
        for (column, field) in columns.iter_mut().zip(&own) {
            let value = field.parse::<f64>().map_err(|_| wrong(number + 1, format!("{field:?} is no number")))?;
            column.push(value);
        }
    }
    let is_time = |name: &String| is_header && TIMES.contains(&name.to_ascii_lowercase().as_str());
    let time = names.iter().position(is_time);
    let rate = time.map(|column| &columns[column]).and_then(|times| {
        let span = times.last()? - times.first()?;
        (span > 0.0).then(|| (times.len() as f64 - 1.0) / span)
    });
    let channels = names.into_iter().zip(columns).enumerate().filter(|(k, _)| Some(*k) != time);
    let signal = |(_, (label, samples)): (usize, (String, Vec<f64>))| Signal {
        label,
        rate,
        samples: samples.into_iter().map(|value| value as f32).collect(),
    };
    let signals: Vec<Signal> = channels.map(signal).collect();
    if let Some(twice) = signals.iter().enumerate().find(|(k, s)| signals[..*k].iter().any(|o| o.label == s.label)) {
        return Err(wrong(1, format!("two channels are called {:?}", twice.1.label)));
    }
    Ok(Recording { name: String::new(), signals, events: None, notices: Vec::new() })
}
