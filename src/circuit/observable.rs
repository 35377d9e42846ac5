//! Weighted sums of Pauli strings.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use crate::circuit::CircuitError;

/// Qubits that a text may name lie below this: more than any register has, and few enough for lists by qubit.
const MOST_QUBITS: usize = 1 << 20;

/// One Pauli operator other than the identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the letters name themselves")]
pub enum Letter {
    X,
    Y,
    Z,
}

impl Letter {
    /// From the bits of X and Z: neither is no letter, both are Y.
    pub const fn of_bits(x: bool, z: bool) -> Option<Self> {
        match (x, z) {
            (false, false) => None,
            (true, false) => Some(Self::X),
            (true, true) => Some(Self::Y),
            (false, true) => Some(Self::Z),
        }
    }

    /// Whether it has an X, and whether it has a Z: Y has both.
    pub const fn bits(self) -> (bool, bool) {
        (matches!(self, Self::X | Self::Y), matches!(self, Self::Z | Self::Y))
    }

    /// Its place in the order I X Y Z, 1 to 3.
    pub const fn index(self) -> usize {
        self as usize + 1
    }

    /// The letter at place 1 to 3 of the order I X Y Z; none at 0 and beyond.
    pub const fn of_index(index: usize) -> Option<Self> {
        match index {
            1 => Some(Self::X),
            2 => Some(Self::Y),
            3 => Some(Self::Z),
            _ => None,
        }
    }

    const fn character(self) -> char {
        match self {
            Self::X => 'X',
            Self::Y => 'Y',
            Self::Z => 'Z',
        }
    }
}

/// A product of Pauli operators on a register of any width: the letters other than I with their qubits, ascending.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub struct PauliString {
    letters: Vec<(usize, Letter)>,
}

impl PauliString {
    /// Z on one qubit.
    pub fn z(qubit: usize) -> Self {
        Self { letters: vec![(qubit, Letter::Z)] }
    }

    /// From letters and their qubits in any order. Of two letters on one qubit the last one counts.
    pub fn new(letters: impl IntoIterator<Item = (usize, Letter)>) -> Self {
        Self { letters: letters.into_iter().collect::<BTreeMap<_, _>>().into_iter().collect() }
    }

    /// From masks of the first 64 qubits: bit k of `x` is an X or Y on qubit k, bit k of `z` a Z or Y.
    pub fn from_masks(x: u64, z: u64) -> Self {
        let letter = |q: usize| Some((q, Letter::of_bits(x >> q & 1 == 1, z >> q & 1 == 1)?));
        Self { letters: (0..64).filter_map(letter).collect() }
    }

    /// The masks of [`PauliString::from_masks`], `(x, z)`; `None` if it acts on a qubit past 63.
    pub fn masks(&self) -> Option<(u64, u64)> {
        self.letters.iter().try_fold((0, 0), |(x, z), &(qubit, letter)| {
            let (has_x, has_z) = letter.bits();
            (qubit < 64).then(|| (x | u64::from(has_x) << qubit, z | u64::from(has_z) << qubit))
        })
    }

    /// Its letters with their qubits, ascending.
    pub fn letters(&self) -> &[(usize, Letter)] {
        &self.letters
    }

    /// Qubits on which it is not the identity, ascending.
    pub fn support(&self) -> impl Iterator<Item = usize> + '_ {
        self.letters.iter().map(|&(qubit, _)| qubit)
    }

    /// What it has on `qubit`; `None` for the identity.
    pub fn at(&self, qubit: usize) -> Option<Letter> {
        let position = self.letters.binary_search_by_key(&qubit, |&(q, _)| q).ok()?;
        Some(self.letters[position].1)
    }

    /// The letter on `qubit` as text, I included.
    pub fn letter(&self, qubit: usize) -> char {
        self.at(qubit).map_or('I', Letter::character)
    }

    /// The same with this letter on `qubit`; `None` puts the identity there.
    pub fn with(&self, qubit: usize, letter: Option<Letter>) -> Self {
        let others = self.letters.iter().copied().filter(|&(q, _)| q != qubit);
        Self::new(others.chain(letter.map(|letter| (qubit, letter))))
    }

    /// The product with `other`, phase apart.
    pub fn times(&self, other: &Self) -> Self {
        let mut product: BTreeMap<usize, Letter> = self.letters.iter().copied().collect();
        for &(qubit, letter) in &other.letters {
            let (x, z) = letter.bits();
            let (own_x, own_z) = product.get(&qubit).map_or((false, false), |own| own.bits());
            match Letter::of_bits(x ^ own_x, z ^ own_z) {
                Some(letter) => product.insert(qubit, letter),
                None => product.remove(&qubit),
            };
        }
        Self { letters: product.into_iter().collect() }
    }

    /// The same string with qubit k renamed to `qubits[k]`.
    fn relabel(&self, qubits: &[usize]) -> Self {
        Self::new(self.letters.iter().map(|&(qubit, letter)| (qubits[qubit], letter)))
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
    ///
    /// # Panics
    /// If a term acts on a qubit past the end of `qubits`.
    pub fn relabel(&self, qubits: &[usize]) -> Self {
        Self { terms: self.terms.iter().map(|(weight, string)| (*weight, string.relabel(qubits))).collect() }
    }

    /// Qubits any term acts on, ascending.
    pub fn support(&self) -> Vec<usize> {
        let qubits: BTreeSet<usize> = self.terms.iter().flat_map(|(_, string)| string.support()).collect();
        qubits.into_iter().collect()
    }

    /// The number of qubits of the narrowest register that holds it.
    pub fn width(&self) -> usize {
        let last = |(_, string): &(f64, PauliString)| string.letters.last().map(|&(qubit, _)| qubit.saturating_add(1));
        self.terms.iter().filter_map(last).max().unwrap_or(0)
    }
}

impl fmt::Display for Observable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, (weight, string)) in self.terms.iter().enumerate() {
            let (sign, size) = (weight.is_sign_negative(), weight.abs());
            match (i, sign) {
                (0, false) => {}
                (0, true) => f.write_str("-")?,
                (_, false) => f.write_str(" + ")?,
                (_, true) => f.write_str(" - ")?,
            }
            let letters: Vec<String> =
                string.letters.iter().map(|&(qubit, letter)| format!("{}{qubit}", letter.character())).collect();
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
        Self::read_with(text, Some)
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
    /// If the text is no sum of Pauli strings, or names a qubit that is not among `qubits`.
    pub fn read_on(text: &str, qubits: &[usize]) -> Result<Self, CircuitError> {
        let positions: BTreeMap<usize, usize> = qubits.iter().enumerate().rev().map(|(k, &qubit)| (qubit, k)).collect();
        Self::read_with(text, |qubit| positions.get(&qubit).copied())
    }

    /// The observable of a text whose qubit k becomes `position(k)`.
    fn read_with(text: &str, position: impl Fn(usize) -> Option<usize>) -> Result<Self, CircuitError> {
        let mut terms = Vec::new();
        for (weight, letters) in written_terms(text)? {
            let mut string = BTreeMap::new();
            for (letter, qubit) in letters {
                let position = position(qubit).ok_or_else(|| bad(text, format!("qubit {qubit} is not there")))?;
                string.extend(letter.map(|letter| (position, letter)));
            }
            terms.push((weight, PauliString { letters: string.into_iter().collect() }));
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

/// A coefficient and the letters behind it with their qubits; `None` is the identity.
type TermText = (f64, Vec<(Option<Letter>, usize)>);

fn bad(text: &str, reason: String) -> CircuitError {
    CircuitError::BadObservable { text: text.into(), reason }
}

/// The terms of a sum as they are written.
fn written_terms(text: &str) -> Result<Vec<TermText>, CircuitError> {
    let bad = |reason: String| bad(text, reason);
    let mut terms: Vec<TermText> = Vec::new();
    let (mut weight, mut letters, mut open) = (1.0, Vec::new(), false);
    // Term and qubit.
    let mut seen = BTreeSet::new();
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
        let letter = match parts.next() {
            Some('I') => Some(None),
            Some('X') => Some(Some(Letter::X)),
            Some('Y') => Some(Some(Letter::Y)),
            Some('Z') => Some(Some(Letter::Z)),
            _ => None,
        };
        let Some(letter) = letter else {
            return Err(bad(format!("{word:?} is neither a number nor one of I X Y Z with a qubit")));
        };
        let qubit: usize =
            parts.as_str().parse().map_err(|_| bad(format!("{word:?} names no qubit; write for example Z0")))?;
        if qubit >= MOST_QUBITS {
            return Err(bad(format!("qubit {qubit}: expected one below {MOST_QUBITS}")));
        }
        if !seen.insert((terms.len(), qubit)) {
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
