//! Numbers as people write them in tables: decimal commas, thousands in groups, per cent, units and currency.

/// The sign between the whole part of a number and its fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DecimalMark {
    Point,
    Comma,
}

/// Signs and codes of currencies: what may stand before a number as well as behind it.
const CURRENCIES: &[&str] = &[
    "$", "€", "£", "¥", "₹", "₩", "₽", "₺", "₿", "US$", "Fr.", "USD", "EUR", "GBP", "JPY", "CHF", "CNY", "INR", "KRW",
    "SEK", "NOK", "DKK", "PLN", "CAD",
];

/// Units that are read behind a number whichever numbers they follow.
const UNITS: &[&str] = &[
    "%", "‰", "°", "°C", "°F", "K", "C", "F", "percent", "pct", "ppm", "ppb", "m", "km", "cm", "mm", "um", "µm", "μm",
    "nm", "in", "inch", "ft", "yd", "mi", "mile", "miles", "g", "kg", "mg", "ug", "µg", "μg", "t", "lb", "lbs", "oz",
    "s", "sec", "min", "h", "hr", "hrs", "d", "days", "yr", "yrs", "years", "months", "ms", "us", "µs", "μs", "ns",
    "ps", "Hz", "kHz", "MHz", "GHz", "V", "mV", "kV", "A", "mA", "µA", "μA", "W", "kW", "MW", "Wh", "kWh", "Ah", "mAh",
    "J", "kJ", "N", "kN", "Pa", "kPa", "MPa", "hPa", "bar", "psi", "L", "l", "mL", "ml", "dl", "dB", "mol", "bpm",
    "km/h", "m/s", "mph", "px",
];

/// Between groups of three digits, besides the mark that is not the decimal one.
const GROUPERS: &[char] = &['\'', '’', '_', ' ', '\u{a0}', '\u{202f}', '\u{2009}'];

/// A field taken apart into a number and what stands around it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Written<'a> {
    negative: bool,
    /// Whether brackets stand for the minus sign, as in accounts.
    is_bracketed: bool,
    /// A currency, or nothing.
    pub prefix: &'a str,
    digits: &'a str,
    /// A unit or currency, or nothing.
    pub suffix: &'a str,
}

impl<'a> Written<'a> {
    /// Takes `text` apart if it is a number with at most a currency before it and a unit behind it.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let text = text.trim();
        let bracketed = text.strip_prefix('(').and_then(|text| text.strip_suffix(')'));
        let (outer, rest) = sign(bracketed.unwrap_or(text));
        let starts = |(at, c): (usize, char)| {
            let next = rest[at + c.len_utf8()..].chars().next();
            c.is_ascii_digit() || (matches!(c, '.' | ',') && next.is_some_and(|next| next.is_ascii_digit()))
        };
        let start = rest.char_indices().find(|&one| starts(one))?.0;
        let (before, behind) = rest.split_at(start);
        // A sign may follow the currency as well: $ -5.
        let (prefix, inner) = match before.trim_end().strip_suffix(['-', '−']) {
            Some(prefix) => (prefix.trim(), true),
            None => (before.trim(), false),
        };
        if !(prefix.is_empty() && !inner || CURRENCIES.contains(&prefix)) {
            return None;
        }
        let (digits, suffix) = behind.split_at(length(behind));
        let suffix = suffix.trim();
        let starts_unit = |c: char| c.is_alphabetic() || "%‰°$€£¥₹₩₽₺₿\"″".contains(c);
        let fits = suffix.is_empty() || (suffix.chars().count() <= 12 && suffix.starts_with(starts_unit));
        let negative = (outer ^ inner) ^ bracketed.is_some();
        fits.then_some(Self { negative, is_bracketed: bracketed.is_some(), prefix, digits, suffix })
    }

    /// The number, if it is one with this decimal mark.
    pub(super) fn value(&self, mark: DecimalMark) -> Option<f64> {
        let (mantissa, exponent) = match self.digits.find(['e', 'E']) {
            Some(at) => self.digits.split_at(at),
            None => (self.digits, ""),
        };
        let (decimal, other) = match mark {
            DecimalMark::Point => ('.', ','),
            DecimalMark::Comma => (',', '.'),
        };
        let (whole, fraction) = mantissa.split_once(decimal).unwrap_or((mantissa, ""));
        let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !is_digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
            return None;
        }
        let whole = match whole.chars().find(|c| !c.is_ascii_digit()) {
            None => whole.to_string(),
            Some(grouper) if grouper == other || GROUPERS.contains(&grouper) => grouped(whole, grouper)?,
            Some(_) => return None,
        };
        let size: f64 = format!("{whole}.{fraction}{exponent}").parse().ok()?;
        Some(if self.negative { -size } else { size })
    }

    /// Whether a known unit or currency, or nothing, follows the number.
    pub(super) fn has_known_unit(&self) -> bool {
        self.suffix.is_empty() || UNITS.contains(&self.suffix) || CURRENCIES.contains(&self.suffix)
    }

    /// What is unusual about the way the number is written, in words.
    pub(super) fn traits(&self, mark: DecimalMark) -> Vec<String> {
        let (decimal, other) = if mark == DecimalMark::Point { ('.', ',') } else { (',', '.') };
        let whole = self.digits.split(decimal).next().unwrap_or("");
        let mut traits = Vec::new();
        if mark == DecimalMark::Comma && self.digits.contains(decimal) {
            traits.push("a decimal comma".into());
        }
        if whole.contains(|c| c == other || GROUPERS.contains(&c)) {
            traits.push("thousands in groups".into());
        }
        if self.is_bracketed {
            traits.push("brackets for a minus sign".into());
        }
        let affixes = [self.prefix, self.suffix].into_iter().filter(|affix| !affix.is_empty());
        traits.extend(affixes.map(|affix| match affix {
            "%" => "a per cent sign".into(),
            affix => format!("the unit `{affix}`"),
        }));
        traits
    }
}

/// Whether a minus sign leads, and what follows the sign.
fn sign(text: &str) -> (bool, &str) {
    match text.strip_prefix(['-', '−']) {
        Some(rest) => (true, rest.trim_start()),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    }
}

/// Bytes of the number that `text` begins with: digits, marks, groupers between digits, an exponent.
fn length(text: &str) -> usize {
    let mut end = 0;
    for (at, c) in text.char_indices() {
        let next = text[at + c.len_utf8()..].chars().next();
        let is_inside = GROUPERS.contains(&c) && next.is_some_and(|next| next.is_ascii_digit());
        if !(c.is_ascii_digit() || matches!(c, '.' | ',') || is_inside) {
            break;
        }
        end = at + c.len_utf8();
    }
    let rest = &text[end..];
    let Some(power) = rest.strip_prefix(['e', 'E']) else { return end };
    let digits = power.strip_prefix(['+', '-']).unwrap_or(power);
    let count = digits.bytes().take_while(u8::is_ascii_digit).count();
    if count == 0 { end } else { end + 1 + (power.len() - digits.len()) + count }
}

/// The digits of a whole number in groups: 1,234,567 or 12,34,567.
fn grouped(whole: &str, grouper: char) -> Option<String> {
    let groups: Vec<&str> = whole.split(grouper).collect();
    let (first, rest) = groups.split_first()?;
    let (last, middle) = rest.split_last()?;
    let is_digits = |group: &&str| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit());
    let in_threes = middle.iter().all(|group| group.len() == 3);
    let in_twos = grouper == ',' && !middle.is_empty() && middle.iter().all(|group| group.len() == 2);
    let fits = groups.iter().all(is_digits)
        && (1..=3).contains(&first.len())
        && !first.starts_with('0')
        && last.len() == 3
        && (in_threes || in_twos && first.len() <= 2);
    fits.then(|| groups.concat())
}

#[cfg(test)]
mod tests {
    use super::{DecimalMark, Written};

    #[test]
    fn a_number_is_read_under_each_decimal_mark() {
        let cases: [(&str, Option<f64>, Option<f64>); 22] = [
            ("1,06", None, Some(1.06)),
            ("-0,457", None, Some(-0.457)),
            ("1,060", Some(1060.0), Some(1.06)),
            ("1.234,56", None, Some(1234.56)),
            ("1,234.56", Some(1234.56), None),
            ("12,34,567", Some(1_234_567.0), None),
            ("1 234 567,8", None, Some(1_234_567.8)),
            ("1'234.5", Some(1234.5), None),
            ("0,123", None, Some(0.123)),
            ("1,2,3", None, None),
            ("1.2.3", None, None),
            ("3.59%", Some(3.59), None),
            ("12 kg", Some(12.0), Some(12.0)),
            ("$1,200", Some(1200.0), Some(1.2)),
            ("-$5", Some(-5.0), Some(-5.0)),
            ("€ -5", Some(-5.0), Some(-5.0)),
            ("(1,200)", Some(-1200.0), Some(-1.2)),
            ("−4.5e-3", Some(-0.0045), None),
            ("2020-01-05", None, None),
            ("12:30", None, None),
            ("V1", None, None),
            ("e5", None, None),
        ];
        for (text, point, comma) in cases {
            let value = |mark| Written::read(text).and_then(|written| written.value(mark));
            assert_eq!(value(DecimalMark::Point), point, "{text} with a point");
            assert_eq!(value(DecimalMark::Comma), comma, "{text} with a comma");
        }
    }

    #[test]
    fn any_text_is_taken_apart_without_a_panic() {
        for text in ["", "(", ")", "()", "-", "−", "$", "5e", "5e+", "°5", "5°C", "5µm", "’5", "5\u{202f}000", "½"]
        {
            let _ = Written::read(text).map(|written| written.value(DecimalMark::Point));
        }
    }
}
