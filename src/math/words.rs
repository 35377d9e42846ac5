//! Short texts for people: suggestions, plurals, lists, numbers, texts of others made safe to show.

use std::borrow::Cow;

/// The one of `names` that `name` resembles most, `None` if none is close.
pub fn closest<'a>(name: &str, names: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let scored = names.into_iter().map(|other| (strsim::jaro_winkler(name, other), other));
    let (score, other) = scored.max_by(|a, b| a.0.total_cmp(&b.0))?;
    // Below this, two short names share letters by chance.
    (score > 0.8).then_some(other)
}

/// A text of at most some 400 characters, the middle of a longer one left out: a name in a message can have any length.
///
/// ```
/// assert_eq!(qgraft::math::words::shortened("short"), "short");
/// assert!(qgraft::math::words::shortened(&"x".repeat(1000)).len() < 400);
/// ```
pub fn shortened(text: &str) -> String {
    const LONGEST: usize = 400;
    if text.len() <= LONGEST {
        return text.into();
    }
    let start = text.floor_char_boundary(LONGEST / 2);
    let end = text.ceil_char_boundary(text.len() - LONGEST / 4);
    format!("{} ... {}", &text[..start], &text[end..])
}

/// A message of at most some 2,000 characters, the middle of a longer one left out: a reader of files quotes them, and a
/// line can have any length.
///
/// ```
/// use qgraft::math::words::bounded;
/// assert_eq!(bounded("short"), "short");
/// assert!(bounded("x".repeat(1 << 20)).len() < 2000);
/// ```
pub fn bounded(message: impl std::fmt::Display) -> String {
    const LONGEST: usize = 2000;
    let text = message.to_string();
    if text.len() <= LONGEST {
        return text;
    }
    let start = text.floor_char_boundary(LONGEST / 2);
    let end = text.ceil_char_boundary(text.len() - LONGEST / 4);
    format!("{} ... {}", &text[..start], &text[end..])
}

/// A number of a user in a message: as it is, with an exponent where it has many digits.
///
/// ```
/// use qgraft::math::words::number;
/// assert_eq!([1.5, -0.002, 0.0, 1e300, -2e-300].map(number), ["1.5", "-0.002", "0", "1e300", "-2e-300"]);
/// ```
pub fn number(value: f64) -> String {
    let size = value.abs();
    if value.is_finite() && size != 0.0 && !(1e-6..1e16).contains(&size) {
        format!("{value:e}")
    } else {
        value.to_string()
    }
}

/// Six decimals for a table, an exponent where more than nine digits would stand before them.
///
/// ```
/// assert_eq!(qgraft::math::words::six_decimals(-0.25), "-0.250000");
/// assert_eq!(qgraft::math::words::six_decimals(1e300), "1.000000e300");
/// ```
pub fn six_decimals(value: f64) -> String {
    if value.abs() < 1e9 { format!("{value:.6}") } else { format!("{value:.6e}") }
}

/// "1 seed", "5 seeds".
pub fn pluralise(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}

/// "a, b and c".
pub fn join_and<S: AsRef<str>>(names: &[S]) -> String {
    let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    match names[..] {
        [] => String::new(),
        [one] => one.into(),
        [ref first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// A number with this many decimals and a true minus sign; no minus before a zero.
///
/// ```
/// assert_eq!(qgraft::math::words::decimals(-0.84, 1), "−0.8");
/// assert_eq!(qgraft::math::words::decimals(-0.04, 1), "0.0");
/// ```
pub fn decimals(value: f64, count: usize) -> String {
    let text = format!("{value:.count$}");
    match text.strip_prefix('-') {
        Some(size) if size.chars().all(|c| c == '0' || c == '.') => size.into(),
        Some(size) => format!("−{size}"),
        None => text,
    }
}

/// Three significant digits, small and large numbers as "1.23e−5", with a true minus sign.
///
/// ```
/// assert_eq!(qgraft::math::words::sig3(-12.345), "−12.3");
/// assert_eq!(qgraft::math::words::sig3(0.000_123_4), "1.23e−4");
/// ```
pub fn sig3(value: f64) -> String {
    let text = match value.abs() {
        0.0 => "0".into(),
        s if !(1e-3..1e5).contains(&s) => format!("{value:.2e}"),
        s if s >= 100.0 => format!("{value:.0}"),
        s if s >= 10.0 => format!("{value:.1}"),
        s if s >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}"),
    };
    text.replace('-', "−")
}

/// "0.003" or "< 0.001".
pub fn p_value(p: f64) -> String {
    if p < 0.001 { "< 0.001".into() } else { format!("{p:.3}") }
}

/// A text of others as a terminal may show it. Control characters, which move the cursor or change colours, and marks that
/// reverse the order of letters become escapes. Line breaks and tabs stay.
///
/// ```
/// use qgraft::math::words::printable;
/// assert_eq!(printable("ion trap α"), "ion trap α");
/// assert_eq!(printable("\u{1b}[31mred\r"), "\\u{1b}[31mred\\r");
/// ```
pub fn printable(text: &str) -> Cow<'_, str> {
    escaped(text, |letter| match is_bidirectional(letter) {
        true => letter.escape_unicode().to_string(),
        false => letter.escape_default().to_string(),
    })
}

/// [`printable`] for JSON, whose escapes are others. What reads it gets the same text.
///
/// ```
/// use qgraft::math::words::printable_json;
/// assert_eq!(printable_json("{\"name\": \"\u{9b}2J\"}"), "{\"name\": \"\\u009b2J\"}");
/// ```
pub fn printable_json(text: &str) -> Cow<'_, str> {
    escaped(text, |letter| format!("\\u{:04x}", u32::from(letter)))
}

/// Marks, embeddings, overrides and isolates of directions: <https://www.unicode.org/reports/tr9>, table 1.
fn is_bidirectional(letter: char) -> bool {
    let ranges = [('\u{61c}', '\u{61c}'), ('\u{200e}', '\u{200f}'), ('\u{202a}', '\u{202e}'), ('\u{2066}', '\u{2069}')];
    ranges.into_iter().any(|(first, last)| (first..=last).contains(&letter))
}

fn escaped(text: &str, escape: impl Fn(char) -> String) -> Cow<'_, str> {
    let is_unsafe = |c: char| c.is_control() && c != '\n' && c != '\t' || is_bidirectional(c);
    if !text.contains(is_unsafe) {
        return text.into();
    }
    text.chars().map(|letter| if is_unsafe(letter) { escape(letter) } else { letter.to_string() }).collect()
}

/// A cell of a comma-separated table. A text that a spreadsheet would take for a formula gets an apostrophe before it, as
/// OWASP advises (<https://owasp.org/www-community/attacks/CSV_Injection>); numbers stay. Otherwise as [`printable`].
///
/// ```
/// use qgraft::math::words::csv_cell;
/// assert_eq!(csv_cell("=HYPERLINK(\"x\")"), "'=HYPERLINK(\"x\")");
/// assert_eq!(csv_cell("-0.5"), "-0.5");
/// assert_eq!(csv_cell("-"), "-");
/// ```
pub fn csv_cell(text: &str) -> Cow<'_, str> {
    let begins = text.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']);
    // One sign alone marks a gap.
    let is_formula = begins && text.chars().count() > 1 && text.parse::<f64>().is_err();
    match is_formula {
        true => format!("'{}", printable(text)).into(),
        false => printable(text),
    }
}
