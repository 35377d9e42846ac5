//! The part of a program that an observable can feel.

use std::cell::OnceCell;
use std::collections::BTreeSet;

use ndarray::Array2;

use crate::circuit::{Letter, Observable, Op, OpKind, PauliString};
use crate::noise::transfer::{ZERO, generic_points};
use crate::noise::{Program, Step, transfer};

/// Letters that a qubit may hold, X, Y and Z being bits 0, 1 and 2. The identity is always possible.
type Letters = u8;

const ANY: Letters = 0b111;
const Z: Letters = 0b100;
/// Steps on more qubits have no transfer matrix here: 64 × 64 numbers are as many as one is worth.
const MOST_OPERANDS: usize = 3;

/// What a step does to observables that are pulled back through it.
enum Pull {
    /// Nothing, whatever they are.
    Nothing,
    /// A bit for each string Q of the operands (base 4, letters I X Y Z): which strings P it may become. `fixed` holds the
    /// strings that stay as they are.
    Table { images: Vec<u64>, fixed: u64 },
    /// A unitary under controls, too wide for a table.
    Controlled { controls: usize },
    /// A measurement, which keeps Z.
    Measure,
    /// A reset, which leaves the identity.
    Reset,
}

/// The cones of the observables of one program. What each step does is found once.
pub(crate) struct Cones<'a> {
    program: &'a Program,
    pulls: Vec<OnceCell<Pull>>,
}

/// The steps that an observable can feel, ascending, and the qubits that they or the observable act on, ascending.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cone {
    pub(crate) steps: Vec<usize>,
    pub(crate) qubits: Vec<usize>,
}

impl Program {
    /// The steps that `observable` can feel, on the qubits they reach: a program whose expectation value of the observable
    /// is that of the whole program, and the whole program's index of each of its qubits, ascending.
    ///
    /// The walk goes from the end to the start with the letters that each qubit may hold (light cones by letters: a CZ that
    /// meets only I and Z is dropped, and so is what is behind it). What a step does to letters is read off its Pauli
    /// transfer matrix, so that every gate and every channel is covered. Channels keep the trace, so a channel that meets
    /// only the identity is dropped as well.
    ///
    /// ```
    /// use qgraft::circuit::{Circuit, Gate, Observable};
    /// use qgraft::noise::Program;
    /// let mut circuit = Circuit::new(100);
    /// for qubit in 0..100 {
    ///     circuit.push(Gate::Ry, &[qubit], &[0.3.into()])?;
    /// }
    /// for qubit in 0..99 {
    ///     circuit.push(Gate::Cz, &[qubit, qubit + 1], &[])?;
    /// }
    /// let (cone, qubits) = Program::ideal(&circuit, &[]).cone(&Observable::z(70));
    /// assert_eq!((cone.qubits(), cone.steps.len(), qubits), (1, 1, vec![70]), "no CZ moves Z");
    /// # Ok::<(), qgraft::circuit::CircuitError>(())
    /// ```
    ///
    /// # Panics
    /// If the observable acts on a qubit past the register.
    pub fn cone(&self, observable: &Observable) -> (Self, Vec<usize>) {
        let cones = Cones::of(self);
        let mut whole = Cone { steps: Vec::new(), qubits: Vec::new() };
        for (_, string) in &observable.terms {
            whole = whole.union(&cones.cone(string));
        }
        (cones.program(&whole), whole.qubits)
    }
}

impl Cone {
    /// What either can feel.
    pub(crate) fn union(&self, other: &Self) -> Self {
        let both = |a: &[usize], b: &[usize]| a.iter().chain(b).copied().collect::<BTreeSet<_>>().into_iter().collect();
        Self { steps: both(&self.steps, &other.steps), qubits: both(&self.qubits, &other.qubits) }
    }

    /// Whether all of `other` is in it.
    pub(crate) fn holds(&self, other: &Self) -> bool {
        let within = |a: &[usize], b: &[usize]| b.iter().all(|k| a.binary_search(k).is_ok());
        within(&self.qubits, &other.qubits) && within(&self.steps, &other.steps)
    }
}

impl<'a> Cones<'a> {
    pub(crate) fn of(program: &'a Program) -> Self {
        Self { program, pulls: program.steps.iter().map(|_| OnceCell::new()).collect() }
    }

    /// The cone of one string, readout error included.
    pub(crate) fn cone(&self, string: &PauliString) -> Cone {
        let program = self.program;
        let mut letters: Vec<Letters> = vec![0; program.qubits()];
        for &(qubit, letter) in string.letters() {
            letters[qubit] = 1 << (letter.index() - 1);
        }
        // A correlated pair brings Z to the other qubit; the last one is undone first.
        for pair in program.correlated.iter().rev() {
            let (a, b) = pair.qubits;
            if letters[a] | letters[b] != 0 {
                for qubit in [a, b] {
                    letters[qubit] = if letters[qubit] == 0 { Z } else { letters[qubit] };
                }
            }
        }
        let mut reached: Vec<bool> = letters.iter().map(|&letters| letters != 0).collect();
        let (mut steps, mut bits) = (Vec::new(), BTreeSet::new());
        for (index, step) in program.steps.iter().enumerate().rev() {
            let (operands, condition): (&[usize], _) = match step {
                Step::Gate(op) => (&op.qubits, &op.condition),
                Step::Noise { qubits, condition, .. } => (qubits, condition),
                Step::Measure { qubit, condition, .. } | Step::Reset { qubit, condition } => {
                    (std::slice::from_ref(qubit), condition)
                }
                Step::Assign { condition, .. } => (&[], condition),
            };
            let written = match step {
                Step::Measure { bit, .. } | Step::Assign { bit, .. } if bits.contains(bit) => Some(*bit),
                _ => None,
            };
            if written.is_none() && operands.iter().all(|&qubit| letters[qubit] == 0) {
                continue;
            }
            let before: Vec<Letters> = operands.iter().map(|&qubit| letters[qubit]).collect();
            let after = match written {
                // Its value decides what happens later, and so does all that decides the value.
                Some(bit) => {
                    if condition.is_none() {
                        bits.remove(&bit);
                    }
                    Some(vec![ANY; operands.len()])
                }
                None => self.pulls[index].get_or_init(|| Pull::of(step, program.slots)).through(&before),
            };
            let Some(after) = after else { continue };
            steps.push(index);
            for ((&qubit, now), then) in operands.iter().zip(after).zip(before) {
                // Under a condition it may not happen.
                letters[qubit] = if condition.is_some() { now | then } else { now };
                reached[qubit] = true;
            }
            bits.extend(condition.iter().flat_map(|condition| condition.bits.iter().copied()));
        }
        steps.reverse();
        Cone { steps, qubits: (0..program.qubits()).filter(|&qubit| reached[qubit]).collect() }
    }

    /// The program of a cone. It has all slots of the whole one, and of its classical bits those in use.
    pub(crate) fn program(&self, cone: &Cone) -> Program {
        let whole = self.program;
        let position =
            |qubit: &usize| cone.qubits.binary_search(qubit).expect("a cone holds the operands of its steps");
        let mut steps: Vec<Step> = cone.steps.iter().map(|&index| whole.steps[index].clone()).collect();
        for step in &mut steps {
            match step {
                Step::Gate(Op { qubits, .. }) => qubits.iter_mut().for_each(|qubit| *qubit = position(qubit)),
                Step::Noise { qubits, .. } => qubits.iter_mut().for_each(|qubit| *qubit = position(qubit)),
                Step::Measure { qubit, .. } | Step::Reset { qubit, .. } => *qubit = position(qubit),
                Step::Assign { .. } => {}
            }
        }
        let inside = |qubit: usize| cone.qubits.binary_search(&qubit).ok();
        let pair = |pair: &super::PairReadout| {
            let qubits = (inside(pair.qubits.0)?, inside(pair.qubits.1)?);
            Some(super::PairReadout { qubits, ..*pair })
        };
        let program = Program {
            active: cone.qubits.iter().map(|&qubit| whole.active[qubit]).collect(),
            bits: whole.bits,
            scratch: whole.scratch,
            slots: whole.slots,
            derived: whole.derived.clone(),
            steps,
            readout: cone.qubits.iter().map(|&qubit| whole.readout[qubit]).collect(),
            correlated: whole.correlated.iter().filter_map(pair).collect(),
            notices: Vec::new(),
        };
        program.with_used_bits().0
    }
}

impl Pull {
    fn of(step: &Step, slots: usize) -> Self {
        match step {
            Step::Assign { .. } => Self::Nothing,
            Step::Measure { .. } => Self::Measure,
            Step::Reset { .. } => Self::Reset,
            Step::Noise { channel, .. } => Self::table(&[channel.pauli_transfer()]),
            Step::Gate(Op { kind: OpKind::GlobalPhase(_), .. }) => Self::Nothing,
            Step::Gate(op) if op.qubits.len() > MOST_OPERANDS => {
                Self::Controlled { controls: op.without_controls().0.len() }
            }
            Step::Gate(op) => {
                let points = generic_points(slots);
                let has_slots = op.params().iter().any(|param| param.dependence().is_some());
                let points = if has_slots { &points[..] } else { &points[..1] };
                let maps = points.iter().map(|angles| op.matrix(angles).map(|matrix| transfer(&matrix)));
                // Every gate on so few qubits has a matrix; nothing is lost if one had none.
                maps.collect::<Option<Vec<_>>>().map_or(Self::Controlled { controls: 0 }, |maps| Self::table(&maps))
            }
        }
    }

    fn table(maps: &[Array2<f64>]) -> Self {
        let strings = maps[0].nrows();
        let mut images = vec![0; strings];
        let mut fixed = 0;
        for q in 0..strings {
            let entries = maps.iter().flat_map(|map| map.row(q).into_iter().enumerate());
            images[q] = entries.filter(|(_, x)| x.abs() > ZERO).fold(0, |mask, (p, _)| mask | 1 << p);
            let stays = images[q] == 1 << q && maps.iter().all(|map| (map[[q, q]] - 1.0).abs() <= ZERO);
            fixed |= u64::from(stays) << q;
        }
        Self::Table { images, fixed }
    }

    /// The letters of the operands before the step; `None` if it does nothing to those after it.
    fn through(&self, after: &[Letters]) -> Option<Vec<Letters>> {
        match self {
            Self::Nothing => None,
            Self::Reset => Some(vec![0]),
            Self::Measure => (after[0] & !Z != 0).then(|| vec![after[0] & Z]),
            Self::Controlled { controls } => {
                // A control commutes with Z, and a unitary keeps the identity.
                let (on, own) = after.split_at(*controls);
                let moves = on.iter().any(|letters| letters & !Z != 0) || own.iter().any(|&letters| letters != 0);
                moves.then(|| vec![ANY; after.len()])
            }
            Self::Table { images, fixed } => {
                let possible = |q: usize| {
                    after.iter().enumerate().all(|(k, &letters)| match Letter::of_index(q >> (2 * k) & 3) {
                        None => true,
                        Some(letter) => letters >> (letter.index() - 1) & 1 == 1,
                    })
                };
                let strings: Vec<usize> = (1..images.len()).filter(|&q| possible(q)).collect();
                if strings.iter().all(|q| fixed >> q & 1 == 1) {
                    return None;
                }
                let before = strings.iter().fold(0, |all, &q| all | images[q]);
                let mut letters = vec![0; after.len()];
                for p in (1..images.len()).filter(|p| before >> p & 1 == 1) {
                    for (k, letters) in letters.iter_mut().enumerate() {
                        *letters |= Letter::of_index(p >> (2 * k) & 3).map_or(0, |letter| 1 << (letter.index() - 1));
                    }
                }
                Some(letters)
            }
        }
    }
}
