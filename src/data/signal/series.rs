//! Samples as text: a number a line, or a table with a column for each channel.

use crate::data::DataError;
use crate::data::delimited::{chosen_separator, parse_number, records, text};
use crate::data::grid::Line;
use crate::data::signal::{Recording, Signal};

/// Names of a column of seconds.
const TIMES: [&str; 8] = ["time", "t", "seconds", "time_s", "time (s)", "time [s]", "time(s)", "time[s]"];

/// What separates fields where no comma, semicolon, tab or bar does: any number of blanks.
const BLANKS: u8 = b' ';

/// Reads samples. A first line that is not all numbers names the channels; a column of seconds, which rise in equal steps, gives
/// the rate. Fields are separated by commas, semicolons, tabs, bars or blanks; where no commas separate, numbers may have
/// decimal commas.
///
/// # Errors
/// A field that is no number, a line of another length, or a time that does not follow the one before, each by line; lines that
/// may be one number with a decimal comma or two numbers.
pub fn parse(bytes: &[u8], place: &str) -> Result<Recording, DataError> {
    let text = text(bytes, place)?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text);
    let malformed = |reason: String| DataError::malformed(place, reason);
    let wrong = |line: u64, reason: String| malformed(format!("line {line}: {reason}"));
    let chosen = chosen_separator(text);
    let mut lines = split(text, chosen).map_err(|e| malformed(e.to_string()))?;
    let mut separator = chosen;
    if !is_table(&lines, chosen) {
        let by_blanks = split(text, BLANKS).map_err(|e| malformed(e.to_string()))?;
        let is_apart = |field: &String| parse_number(field, BLANKS).is_some() || !field.contains(char::from(chosen));
        if is_table(&by_blanks, BLANKS) && by_blanks[0].fields.iter().all(is_apart) {
            (lines, separator) = (by_blanks, BLANKS);
        }
    }
    let Some(first) = lines.first() else { return Err(malformed("an empty file".into())) };
    let width = first.fields.len();
    let words = first.fields.iter().filter(|field| parse_number(field, separator).is_none()).count();
    let is_header = words > 0;
    if is_header && words < width {
        let reason = "numbers and words; expected only numbers, or the names of the channels";
        return Err(wrong(first.number, reason.into()));
    }
    let names: Vec<String> = match is_header {
        true => lines.remove(0).fields,
        false => (1..=width).map(|k| k.to_string()).collect(),
    };
    let is_whole = |field: &String| field.trim_start_matches(['-', '+']).bytes().all(|byte| byte.is_ascii_digit());
    if !is_header && separator == b',' && width == 2 && lines.iter().all(|line| line.fields.iter().all(is_whole)) {
        let reason = format!("{:?} is one number or two; name the channels in a first line", lines[0].fields.join(","));
        return Err(wrong(lines[0].number, reason));
    }
    let mut columns: Vec<Vec<f64>> = vec![Vec::with_capacity(lines.len()); width];
    for Line { number, fields } in &lines {
        if fields.len() != width {
            return Err(wrong(*number, format!("{} numbers; expected {width}", fields.len())));
        }
        for (column, field) in columns.iter_mut().zip(fields) {
            let value = parse_number(field, separator);
            column.push(value.ok_or_else(|| wrong(*number, format!("{field:?} is no number")))?);
        }
    }
    let is_time = |name: &String| is_header && TIMES.contains(&name.to_lowercase().as_str());
    let time = names.iter().position(is_time);
    if let Some(other) = names.iter().find(|name| !is_time(name) && name.to_lowercase().starts_with("time")) {
        let reason =
            format!("column {other:?} is a time in another unit; give seconds in a column `time`, or leave it out");
        return Err(malformed(reason));
    }
    let rate = match time {
        Some(column) => rate(&columns[column], &lines).map_err(malformed)?,
        None => None,
    };
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

/// Lines that hold something, cut at a separator. A separator at the end of every line separates nothing.
fn split(text: &str, separator: u8) -> Result<Vec<Line>, csv::Error> {
    let mut lines: Vec<Line> = match separator {
        BLANKS => {
            let fields = |line: &str| line.split_whitespace().map(String::from).collect::<Vec<String>>();
            let all = text.lines().enumerate().map(|(k, line)| Line { number: k as u64 + 1, fields: fields(line) });
            all.filter(|line| !line.fields.is_empty()).collect()
        }
        _ => records(text, separator, usize::MAX).collect::<Result<_, _>>()?,
    };
    lines.retain(|line| line.fields.iter().any(|field| !field.is_empty()));
    let ends_empty = |line: &Line| line.fields.len() > 1 && line.fields.last().is_some_and(String::is_empty);
    if lines.iter().all(ends_empty) {
        lines.iter_mut().for_each(|line| _ = line.fields.pop());
    }
    Ok(lines)
}

/// Whether all lines behind the first are numbers, as many as the first has fields.
fn is_table(lines: &[Line], separator: u8) -> bool {
    let Some((first, rest)) = lines.split_first() else { return false };
    let rest = if rest.is_empty() { lines } else { rest };
    let is_number = |field: &String| parse_number(field, separator).is_some();
    rest.iter().all(|line| line.fields.len() == first.fields.len() && line.fields.iter().all(is_number))
}

/// Samples a second of times in seconds, each from one of these lines; `None` of a single one.
fn rate(times: &[f64], lines: &[Line]) -> Result<Option<f64>, String> {
    let mut steps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let step = |k: usize| times[k + 1] - times[k];
    if steps.is_empty() {
        return Ok(None);
    }
    steps.sort_by(f64::total_cmp);
    let median = steps[steps.len() / 2];
    // Written so that a NaN is refused.
    let is_even = |k: &usize| step(*k) > 0.0 && (step(*k) - median).abs() <= median / 2.0;
    if let Some(k) = (0..steps.len()).find(|k| !is_even(k)) {
        let advice = match step(k) > median {
            true => "cut the recording at the gap",
            false => "give times that rise in equal steps, with enough digits",
        };
        let (from, to) = (times[k], times[k + 1]);
        let place = lines[k + 1].number;
        return Err(format!(
            "line {place}: time goes from {from} s to {to} s, the median step is {median} s; {advice}"
        ));
    }
    Ok(Some(steps.len() as f64 / (times[times.len() - 1] - times[0])))
}
