//! Gates: one row each, with everything the rest of the crate needs.

pub mod controls;
mod matrices;
mod table;

use std::collections::HashMap;
use std::sync::LazyLock;

pub use table::GATES;

use crate::circuit::Param;
use crate::math::Matrix;

/// The unitary gates with a name. Each is described by its [`GateRow`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[rustfmt::skip]
#[allow(missing_docs, reason = "each variant is described by the doc field of its row")]
pub enum Gate {
    Id, X, Y, Z, H, S, Sdg, T, Tdg, Sx, Sxdg,
    Rx, Ry, Rz, P, R, U2, U,
    Cx, Cy, Cz, Ch, Csx, Cp, Crx, Cry, Crz, Cu,
    Swap, Iswap, Dcx, Ecr, Rxx, Ryy, Rzz, Rzx,
    Ccx, Ccz, Cswap, Rccx, C3x, C3sx, C4x,
}

/// A step of a gate's definition: gate, operands among the defined gate's own, angles.
pub type Body = Vec<(Gate, Vec<usize>, Vec<Param>)>;

/// A gate's inverse as a gate of the table with its angles, `None` if the table holds none.
pub type Inverse = fn(&[Param]) -> Option<(Gate, Vec<Param>)>;

/// How the expectation of any observable depends on one angle of a gate, which fixes its parameter-shift rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shift {
    /// One frequency, 1: `f' = (f(θ + π/2) - f(θ - π/2)) / 2` (Mitarai et al. 2018, arXiv 1803.00745).
    TwoTerm,
    /// Frequencies 1/2 and 1, the case of controlled rotations (Anselmetti et al. 2021, arXiv 2104.05695, eq. 8):
    /// `f' = c₊ (f(θ + π/2) - f(θ - π/2)) - c₋ (f(θ + 3π/2) - f(θ - 3π/2))`, `c± = (√2 ± 1) / (4√2)`.
    FourTerm,
    /// Frequencies 1 and 2, the case of an axis that turns, `Rz(φ) G Rz(-φ)`: the four-term rule with half the shifts and
    /// twice the weights.
    Axis,
}

/// Everything about a gate.
pub struct GateRow {
    /// The gate this row describes. Its position in the table is its discriminant.
    pub gate: Gate,
    /// OpenQASM name.
    pub name: &'static str,
    /// Other names readers accept.
    pub aliases: &'static [&'static str],
    /// Number of operands.
    pub qubits: usize,
    /// Names of its angles (radians).
    pub params: &'static [&'static str],
    /// The unitary, first operand least significant.
    pub matrix: fn(&[f64]) -> Matrix,
    /// Derivative of the unitary with respect to angle `k`.
    pub derivative: fn(&[f64], usize) -> Matrix,
    /// Parameter-shift rule of each angle.
    pub shift: &'static [Shift],
    /// The inverse as a gate of the table, `None` if the table holds none (then it is the conjugate transpose).
    pub inverse: Inverse,
    /// The gate in simpler gates of the table, equal up to a global phase; empty for `U`, `Cx` and the like, on which
    /// all definitions end.
    pub definition: fn(&[Param]) -> Body,
    /// Whether the operands can be exchanged.
    pub symmetric: bool,
    /// One line for people: what it does, and its generator where it has angles.
    pub doc: &'static str,
}

impl Gate {
    /// Its row of the table.
    pub fn row(self) -> &'static GateRow {
        &GATES[self as usize]
    }

    /// Its OpenQASM name.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// How many of its first operands only control it, and the gate that they control; `(0, self)` where none do.
    ///
    /// `cu` stays whole: its fourth angle is no angle of `u`.
    #[rustfmt::skip]
    pub fn as_controlled(self) -> (usize, Self) {
        match self {
            Self::Cx => (1, Self::X), Self::Ccx => (2, Self::X), Self::C3x => (3, Self::X), Self::C4x => (4, Self::X),
            Self::Cy => (1, Self::Y), Self::Cz => (1, Self::Z), Self::Ccz => (2, Self::Z), Self::Ch => (1, Self::H),
            Self::Csx => (1, Self::Sx), Self::C3sx => (3, Self::Sx), Self::Cp => (1, Self::P),
            Self::Crx => (1, Self::Rx), Self::Cry => (1, Self::Ry), Self::Crz => (1, Self::Rz),
            Self::Cswap => (1, Self::Swap),
            _ => (0, self),
        }
    }

    /// This gate under `controls` more controls as few as the table allows: the widest row, and the controls left over.
    /// `x` under three is `(0, c3x)`, `h` under two `(1, ch)`.
    pub fn controlled_by(self, controls: usize) -> (usize, Self) {
        let (own, base) = self.as_controlled();
        let total = own + controls;
        let fits = |row: &&GateRow| matches!(row.gate.as_controlled(), (n, b) if b == base && n <= total);
        let widest = GATES.iter().filter(fits).max_by_key(|row| row.qubits).map_or(self, |row| row.gate);
        (total - widest.as_controlled().0, widest)
    }

    /// The gate of this name or alias.
    pub fn named(name: &str) -> Option<Self> {
        // Readers ask for every gate of a file.
        static NAMES: LazyLock<HashMap<&'static str, Gate>> = LazyLock::new(|| {
            let names =
                |row: &'static GateRow| row.aliases.iter().chain([&row.name]).map(move |name| (*name, row.gate));
            GATES.iter().flat_map(names).collect()
        });
        NAMES.get(name).copied()
    }
}
