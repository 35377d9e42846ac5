//! Weighted sums of Pauli strings.

use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

use crate::circuit::CircuitError;

/// A product of Pauli operators on up to 64 qubits.
///
/// Bit k of `x` and `z` encodes the operator on qubit k: neither is I, `x` alone X, `z` alone Z, both Y.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct PauliString {
    /// Qubits with X or Y.
    pub x: u64,
    /// Qubits with Z or Y.
    pub z: u64,
}

impl PauliString {
    /// Z on one qubit.
    pub const fn z(qubit: usize) -> Self {
        Self { x: 0, z: 1 << qubit }
    }

    /// Qubits on which it is not the identity.
    pub const fn support(self) -> u64 {
        self.x | self.z
    }

    /// The letter on `qubit`.
    pub const fn letter(self, qubit: usize) -> char {
        match ((self.x >> qubit) & 1, (self.z >> qubit) & 1) {
            (0, 0) => 'I',
            (1, 0) => 'X',
            (0, _) => 'Z',
            _ => 'Y',
        }
    }

    /// The same string with qubit k renamed to `qubits[k]`.
    fn relabel(self, qubits: &[usize]) -> Self {
        let mut out = Self::default();
        for (qubit, &to) in qubits.iter().enumerate() {
            out.x |= ((self.x >> qubit) & 1) << to;
            out.z |= ((self.z >> qubit) & 1) << to;
        }
        out
    }
}

/// A Hermitian observable: a sum of real coefficients times Pauli strings.
///
/// ```
/// use qgraft::circuit::Observable;
/// let o: Observable = "Z0 Z1 + 0.5 X2".parse()?;
/// assert_eq!(o.terms.len(), 2);
/// assert_eq!(o.to_string(), "Z0 Z1 + 0.5 X2");
/// # Ok::<(), qgraft::circuit::CircuitError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Observable {
    /// Coefficient and string of each term.
    pub terms: Vec<(f64, PauliString)>,
}

impl Observable {
    /// ⟨Z⟩ of one qubit.
    pub fn z(qubit: usize) -> Self {
        Self { terms: vec![(1.0, PauliString::z(qubit))] }
    }

    /// ⟨Z⟩ of each of the first `count` qubits.
    pub fn all_z(count: usize) -> Vec<Self> {
        (0..count).map(Self::z).collect()
    }

    /// The observable with qubit k renamed to `qubits[k]`: a layout, or positions in a program's register.
    pub fn relabel(&self, qubits: &[usize]) -> Self {
        Self { terms: self.terms.iter().map(|&(weight, string)| (weight, string.relabel(qubits))).collect() }
    }

    /// Qubits any term acts on.
    pub fn support(&self) -> u64 {
        self.terms.iter().fold(0, |mask, (_, string)| mask | string.support())
    }
}

impl fmt::Display for Observable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, &(weight, string)) in self.terms.iter().enumerate() {
            let (sign, size) = (weight.is_sign_negative(), weight.abs());
            match (i, sign) {
                (0, false) => {}
                (0, true) => f.write_str("-")?,
                (_, false) => f.write_str(" + ")?,
                (_, true) => f.write_str(" - ")?,
            }
            let letters: Vec<String> = (0..64)
                .filter(|&q| string.support() >> q & 1 == 1)
                .map(|q| format!("{}{q}", string.letter(q)))
                .collect();
            match (size == 1.0, letters.is_empty()) {
                (true, true) => f.write_str("1")?,
                (true, false) => f.write_str(&letters.join(" "))?,
                (false, true) => write!(f, "{size}")?,
                (false, false) => write!(f, "{size} {}", letters.join(" "))?,
            }
        }
        Ok(())
    }
}

impl FromStr for Observable {
    type Err = CircuitError;

    fn from_str(text: &str) -> Result<Self, CircuitError> {
        Self::read_on(text, &Vec::from_iter(0..64))
    }
}

impl Observable {
    /// The observable of a text whose qubit `qubits[k]` becomes qubit k: the way from a wide register to the few qubits
    /// of it that are simulated.
    ///
    /// ```
    /// # use qgraft::circuit::Observable;
    /// assert_eq!(Observable::read_on("X100 Z7", &[7, 100])?.to_string(), "Z0 X1");
    /// # Ok::<(), qgraft::circuit::CircuitError>(())
    /// ```
    ///
    /// # Errors
    /// If the text is no sum of Pauli strings, or names a qubit that is not among the first 64 of `qubits`.
    pub fn read_on(text: &str, qubits: &[usize]) -> Result<Self, CircuitError> {
        let position = |qubit: usize| match qubits.iter().take(64).position(|&q| q == qubit) {
            Some(position) => Ok(position),
            None if qubit >= 64 => Err(bad(text, format!("qubit {qubit} is past 63"))),
            None => Err(bad(text, format!("qubit {qubit} is not there"))),
        };
        let mut terms = Vec::new();
        for (weight, letters) in written_terms(text)? {
            let mut string = PauliString::default();
            for (letter, qubit) in letters {
                let position = position(qubit)?;
                string.x |= u64::from(matches!(letter, 'X' | 'Y')) << position;
                string.z |= u64::from(matches!(letter, 'Z' | 'Y')) << position;
            }
            terms.push((weight, string));
        }
        Ok(Self { terms })
    }

    /// The qubits that a text names, ascending.
    ///
    /// # Errors
    /// If the text is no sum of Pauli strings.
    pub fn qubits_named(text: &str) -> Result<Vec<usize>, CircuitError> {
        let terms = written_terms(text)?;
        Ok(terms
            .into_iter()
            .flat_map(|(_, letters)| letters.into_iter().map(|(_, qubit)| qubit))
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect())
    }
}

/// A coefficient and the letters behind it with their qubits.
type TermText = (f64, Vec<(char, usize)>);

fn bad(text: &str, reason: String) -> CircuitError {
    CircuitError::BadObservable { text: text.into(), reason }
}

/// The terms of a sum as they are written.
fn written_terms(text: &str) -> Result<Vec<TermText>, CircuitError> {
    let bad = |reason: String| bad(text, reason);
    let mut terms: Vec<TermText> = Vec::new();
    let (mut weight, mut letters, mut open) = (1.0, Vec::new(), false);
    // The last sign closes the last term.
    for word in words(text).iter().map(String::as_str).chain(["+"]) {
        if word == "+" || word == "-" {
            if open {
                terms.push((weight, std::mem::take(&mut letters)));
            } else if !terms.is_empty() || weight < 0.0 {
                return Err(bad("a sign without a term".into()));
            }
            (weight, open) = (if word == "-" { -1.0 } else { 1.0 }, false);
            continue;
        }
        open = true;
        if let Ok(number) = word.parse::<f64>() {
            weight *= number;
            continue;
        }
        let mut parts = word.chars();
        let Some(letter @ ('I' | 'X' | 'Y' | 'Z')) = parts.next() else {
            return Err(bad(format!("{word:?} is neither a number nor one of I X Y Z with a qubit")));
        };
        let qubit: usize =
            parts.as_str().parse().map_err(|_| bad(format!("{word:?} names no qubit; write for example Z0")))?;
        if letters.iter().any(|&(_, other)| other == qubit) {
            return Err(bad(format!("qubit {qubit} is listed twice in one term")));
        }
        letters.push((letter, qubit));
    }
    if terms.is_empty() || terms.iter().any(|(w, _)| !w.is_finite()) {
        return Err(bad("no finite terms".into()));
    }
    Ok(terms)
}

/// Numbers, Paulis and signs. A sign behind the `e` of a number belongs to the number.
fn words(text: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    for c in text.chars() {
        // The first word is there from the start.
        let last = words.last_mut().expect("never empty");
        let in_exponent = last.strip_suffix(['e', 'E']).is_some_and(|head| head.parse::<f64>().is_ok());
        match c {
            '+' | '-' if !in_exponent => words.extend([c.to_string(), String::new()]),
            '*' => words.push(String::new()),
            c if c.is_whitespace() => words.push(String::new()),
            c => last.push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}
