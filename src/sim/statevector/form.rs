//! Where a gate acts, and the loops that fit there.

use crate::sim::float::Float;
use crate::sim::statevector::adjoint::{unapply, unapply_both};
use crate::sim::statevector::fuse::Loose;
use crate::sim::statevector::gates::Bound;
use crate::sim::statevector::kernel::{Entries, Kind, Places, State, apply};
use crate::sim::statevector::low::{Shuffles, shuffle};
use crate::sim::statevector::plain::{self, Real};
use crate::sim::statevector::vector::{Unit, Vectors, Work};
use crate::sim::statevector::within::{self, Within};

/// A kind of matrix on some qubits of a register, or of a tile of it.
pub struct Form {
    total: usize,
    controls: Vec<usize>,
    targets: Vec<usize>,
    places: Places,
    kind: Kind,
    /// Its operands, if one of them lies inside a register of a single row in double precision, and in single.
    within: [Option<Within>; 2],
}

impl Form {
    pub fn new(total: usize, controls: Vec<usize>, targets: Vec<usize>, kind: Kind) -> Self {
        let places = Places::new(total, &controls, &targets);
        let within = match targets[..] {
            [target] => [Within::new::<f64>(total, &controls, target), Within::new::<f32>(total, &controls, target)],
            _ => [None, None],
        };
        Self { total, controls, targets, places, kind, within }
    }

    /// The same gate on a tile whose bit k is qubit `qubits[k]`, which all its targets are, and the controls outside.
    pub fn on_tile(&self, qubits: &[usize]) -> (Self, u64) {
        let place = |q: &usize| qubits.iter().position(|other| other == q);
        let targets = self.targets.iter().map(|q| place(q).expect("a pass holds the targets of its gates")).collect();
        let controls = self.controls.iter().filter_map(place).collect();
        let outside = self.controls.iter().filter(|q| place(q).is_none()).fold(0, |mask, q| mask | 1 << q);
        (Self::new(qubits.len(), controls, targets, self.kind.clone()), outside)
    }

    /// Qubits that have to lie in a tile, as a mask.
    pub fn targets(&self) -> u64 {
        self.targets.iter().fold(0, |mask, q| mask | 1 << q)
    }

    /// Qubits it looks at, as a mask.
    pub fn operands(&self) -> u64 {
        self.controls.iter().fold(self.targets(), |mask, q| mask | 1 << q)
    }

    /// The gate with its numbers.
    pub fn loose(&self, list: Vec<f64>) -> Loose {
        Loose { controls: self.controls.clone(), targets: self.targets.clone(), kind: self.kind.clone(), list }
    }

    /// Applies the gate.
    pub fn apply<F: Float>(&self, state: &mut State<F>, bound: Bound<F>) {
        match self.shuffles(state.lanes, bound.entries) {
            Some(gate) => shuffle(state, &gate),
            None => apply(state, &self.places, &self.kind, Entries { list: bound.entries, by_row: bound.by_row }),
        }
    }

    /// Whether its matrix is real for all angles and has a fast kernel on so many lanes.
    pub fn is_plain<F: Vectors>(&self, lanes: usize, by_row: bool) -> bool {
        let form = match &self.kind {
            Kind::Real => true,
            Kind::Permutation(to) => to[..] == [1, 0],
            _ => false,
        };
        form && (plain::fits::<F>(&self.places, lanes, by_row) || self.within::<F>(lanes).is_some())
    }

    /// Its operands, if one of them lies inside a register of a single row.
    fn within<F: Vectors>(&self, lanes: usize) -> Option<&Within> {
        let [double, single] = &self.within;
        if lanes != 1 {
            None
        } else if F::LOW == <f64 as Vectors>::LOW {
            double.as_ref()
        } else {
            single.as_ref()
        }
    }

    /// [`Form::apply`] for a gate that is plain, on one part of a state.
    pub fn apply_plain<F: Vectors>(&self, part: &mut [F], lanes: usize, bound: Bound<F>) {
        let matrix = Real { list: bound.entries, by_row: bound.by_row };
        F::dispatch(Turn { form: self, part, lanes, matrix });
    }

    /// One part of a state under the matrix of a gate that is plain, or its inverse.
    #[inline(always)]
    pub fn turn<U: Unit>(&self, unit: U, part: &mut [U::Number], lanes: usize, matrix: Real<U::Number>) {
        let places = &self.places;
        match self.within::<U::Number>(lanes) {
            Some(within) => within::Apply { part, within, matrix }.run(unit),
            None if self.kind == Kind::Real => plain::Apply { part, lanes, places, matrix }.run(unit),
            None => plain::Flip { part, lanes, places }.run(unit),
        }
    }

    /// [`Form::unapply`] for a gate that is plain, on one part of ket and bra.
    #[inline(always)]
    pub fn turn_back<U: Unit>(
        &self,
        unit: U,
        [ket, bra]: [&mut [U::Number]; 2],
        lanes: usize,
        inverse: Real<U::Number>,
        found: &mut [f64],
    ) {
        if found.is_empty() {
            self.turn(unit, ket, lanes, inverse);
            return self.turn(unit, bra, lanes, inverse);
        }
        match self.within::<U::Number>(lanes) {
            Some(within) => within::Unapply { ket, bra, within, inverse, found }.run(unit),
            None => plain::Unapply { ket, bra, lanes, places: &self.places, inverse, found }.run(unit),
        }
    }

    /// The gate as sums of shuffled registers, if there is one lane and it acts on the lowest qubits.
    fn shuffles<F: Float>(&self, lanes: usize, list: &[F]) -> Option<Shuffles<F>> {
        if lanes != 1 {
            return None;
        }
        Shuffles::new(self.total, &self.controls, &self.targets, |row, column| match self.kind {
            Kind::Diagonal if row != column => (0.0, 0.0),
            Kind::Diagonal => (list[2 * row].double(), list[2 * row + 1].double()),
            _ => {
                let at = 2 * (row * self.places.size() + column);
                (list[at].double(), list[at + 1].double())
            }
        })
    }

    /// Un-applies the gate from both; adds the derivative of `2 Re⟨bra|ket⟩` by its entries to `found`, for each lane if
    /// they differ by row. `found` is empty if no entry moves.
    ///
    /// Imaginary parts that are zero throughout (`real`) are left alone by plain gates.
    pub fn unapply<F: Vectors>(
        &self,
        (ket, bra): (&mut State<F>, &mut State<F>),
        real: bool,
        bound: Bound<F>,
        found: &mut [f64],
    ) {
        let lanes = ket.lanes;
        let list = bound.inverse;
        if self.is_plain::<F>(lanes, bound.by_row) {
            let inverse = Real { list, by_row: bound.by_row };
            let parts = [(&mut ket.re, &mut bra.re), (&mut ket.im, &mut bra.im)];
            for (ket, bra) in parts.into_iter().take(if real { 1 } else { 2 }) {
                F::dispatch(TurnBack { form: self, parts: [ket, bra], lanes, inverse, found });
            }
            return;
        }
        let inverse = Entries { list, by_row: bound.by_row };
        if !found.is_empty() {
            return unapply_both(ket, bra, &self.places, &self.kind, inverse, found);
        }
        for state in [ket, bra] {
            match self.shuffles(state.lanes, list) {
                Some(gate) => shuffle(state, &gate),
                None => unapply(state, &self.places, &self.kind, inverse),
            }
        }
    }

    /// The entries of the inverse.
    pub fn dagger<F: Float>(&self, entries: &[F], inverse: &mut [F], lanes: usize) {
        let side = self.places.size();
        for (entry, numbers) in inverse.chunks_exact_mut(2 * lanes.max(1)).enumerate() {
            let source = if self.kind == Kind::Diagonal { entry } else { entry % side * side + entry / side };
            let (re, im) = numbers.split_at_mut(lanes);
            let from = &entries[2 * source * lanes..];
            re.copy_from_slice(&from[..lanes]);
            im.iter_mut().zip(&from[lanes..]).for_each(|(out, &x)| *out = -x);
        }
    }
}

/// [`Form::turn`].
struct Turn<'a, F> {
    form: &'a Form,
    part: &'a mut [F],
    lanes: usize,
    matrix: Real<'a, F>,
}

impl<F: Vectors> Work<F> for Turn<'_, F> {
    #[inline(always)]
    fn run<U: Unit<Number = F>>(self, unit: U) {
        self.form.turn(unit, self.part, self.lanes, self.matrix);
    }
}

/// [`Form::turn_back`].
struct TurnBack<'a, F> {
    form: &'a Form,
    parts: [&'a mut [F]; 2],
    lanes: usize,
    inverse: Real<'a, F>,
    found: &'a mut [f64],
}

impl<F: Vectors> Work<F> for TurnBack<'_, F> {
    #[inline(always)]
    fn run<U: Unit<Number = F>>(self, unit: U) {
        self.form.turn_back(unit, self.parts, self.lanes, self.inverse, self.found);
    }
}
