//! The loops of a gate: which one fits its matrix, its operands and the number of lanes.

use crate::sim::kernel::amplitudes::{Entries, MatrixKind, OperandLayout, State, apply};
use crate::sim::kernel::float::Float;
use crate::sim::kernel::vector::{Unit, Vectors, Work};
use crate::sim::statevector::adjoint::{unapply, unapply_both};
use crate::sim::statevector::fuse::UnplacedGate;
use crate::sim::statevector::gates::GateEntries;
use crate::sim::statevector::in_register::{self, InRegisterLayout};
use crate::sim::statevector::real_gate::{self, RealMatrix};
use crate::sim::statevector::shuffle::{ShuffleSum, shuffle};

/// A kind of matrix on some qubits of a register, or of a tile of it.
pub struct GateKernel {
    total: usize,
    controls: Vec<usize>,
    targets: Vec<usize>,
    layout: OperandLayout,
    kind: MatrixKind,
    /// Its operands, if one of them lies inside a register of a single row in double precision, and in single.
    in_register: [Option<InRegisterLayout>; 2],
}

impl GateKernel {
    pub fn new(total: usize, controls: Vec<usize>, targets: Vec<usize>, kind: MatrixKind) -> Self {
        let layout = OperandLayout::new(total, &controls, &targets);
        let in_register = match targets[..] {
            [target] => [
                InRegisterLayout::new::<f64>(total, &controls, target),
                InRegisterLayout::new::<f32>(total, &controls, target),
            ],
            _ => [None, None],
        };
        Self { total, controls, targets, layout, kind, in_register }
    }

    /// The same gate on a tile whose bit k is qubit `qubits[k]`, which all its targets are, and the controls outside.
    pub fn on_tile(&self, qubits: &[usize]) -> (Self, u64) {
        let position = |q: &usize| qubits.iter().position(|other| other == q);
        let targets =
            self.targets.iter().map(|q| position(q).expect("a pass holds the targets of its gates")).collect();
        let controls = self.controls.iter().filter_map(position).collect();
        let outside = self.controls.iter().filter(|q| position(q).is_none()).fold(0, |mask, q| mask | 1 << q);
        (Self::new(qubits.len(), controls, targets, self.kind.clone()), outside)
    }

    /// Qubits that have to lie in a tile, as a mask.
    pub fn targets(&self) -> u64 {
        self.targets.iter().fold(0, |mask, q| mask | 1 << q)
    }

    /// Its controls and targets, as a mask.
    pub fn operands(&self) -> u64 {
        self.controls.iter().fold(self.targets(), |mask, q| mask | 1 << q)
    }

    /// Its controls, its targets and the form of its matrix.
    pub fn parts(&self) -> (&[usize], &[usize], &MatrixKind) {
        (&self.controls, &self.targets, &self.kind)
    }

    /// The gate with these entries, apart from any register.
    pub fn unplaced(&self, list: Vec<f64>) -> UnplacedGate {
        UnplacedGate { controls: self.controls.clone(), targets: self.targets.clone(), kind: self.kind.clone(), list }
    }

    /// Applies the gate.
    pub fn apply<F: Float>(&self, state: &mut State<F>, entries: GateEntries<F>) {
        match self.shuffles(state.lanes, entries.matrix) {
            Some(gate) => shuffle(state, &gate),
            None => apply(state, &self.layout, &self.kind, Entries { list: entries.matrix, by_row: entries.by_row }),
        }
    }

    /// Whether its matrix is real for all angles and has a fast kernel on so many lanes.
    pub fn has_real_kernel<F: Vectors>(&self, lanes: usize, by_row: bool) -> bool {
        let is_real = match &self.kind {
            MatrixKind::Real => true,
            MatrixKind::Permutation(to) => to[..] == [1, 0],
            _ => false,
        };
        is_real && (real_gate::fits::<F>(&self.layout, lanes, by_row) || self.in_register::<F>(lanes).is_some())
    }

    /// Its operands, if one of them lies inside a register of a single row.
    fn in_register<F: Vectors>(&self, lanes: usize) -> Option<&InRegisterLayout> {
        let [double, single] = &self.in_register;
        if lanes != 1 {
            None
        } else if F::LOW == <f64 as Vectors>::LOW {
            double.as_ref()
        } else {
            single.as_ref()
        }
    }

    /// [`GateKernel::apply`] for a gate with a real kernel, on one part of a state.
    pub fn dispatch_real<F: Vectors>(&self, part: &mut [F], lanes: usize, entries: GateEntries<F>) {
        let matrix = RealMatrix { list: entries.matrix, by_row: entries.by_row };
        F::dispatch(ApplyReal { kernel: self, part, lanes, matrix });
    }

    /// One part of a state under the matrix of a gate with a real kernel, or its inverse.
    #[inline(always)]
    pub fn apply_real<U: Unit>(&self, unit: U, part: &mut [U::Number], lanes: usize, matrix: RealMatrix<U::Number>) {
        let layout = &self.layout;
        match self.in_register::<U::Number>(lanes) {
            Some(in_register) => in_register::Apply { part, in_register, matrix }.run(unit),
            None if self.kind == MatrixKind::Real => real_gate::Apply { part, lanes, layout, matrix }.run(unit),
            None => real_gate::Flip { part, lanes, layout }.run(unit),
        }
    }

    /// [`GateKernel::unapply`] for a gate with a real kernel, on one part of ket and bra.
    #[inline(always)]
    pub fn unapply_real<U: Unit>(
        &self,
        unit: U,
        [ket, bra]: [&mut [U::Number]; 2],
        lanes: usize,
        inverse: RealMatrix<U::Number>,
        found: &mut [f64],
    ) {
        if found.is_empty() {
            self.apply_real(unit, ket, lanes, inverse);
            return self.apply_real(unit, bra, lanes, inverse);
        }
        match self.in_register::<U::Number>(lanes) {
            Some(in_register) => in_register::Unapply { ket, bra, in_register, inverse, found }.run(unit),
            None => real_gate::Unapply { ket, bra, lanes, layout: &self.layout, inverse, found }.run(unit),
        }
    }

    /// The gate as sums of shuffled registers, if there is one lane and it acts on the lowest qubits.
    fn shuffles<F: Float>(&self, lanes: usize, list: &[F]) -> Option<ShuffleSum<F>> {
        if lanes != 1 {
            return None;
        }
        ShuffleSum::new(self.total, &self.controls, &self.targets, |row, column| match self.kind {
            MatrixKind::Diagonal if row != column => (0.0, 0.0),
            MatrixKind::Diagonal => (list[2 * row].double(), list[2 * row + 1].double()),
            _ => {
                let at = 2 * (row * self.layout.size() + column);
                (list[at].double(), list[at + 1].double())
            }
        })
    }

    /// Un-applies the gate from both; adds the derivative of `2 Re⟨bra|ket⟩` by its entries to `found`, for each lane if
    /// they differ by row. `found` is empty if no entry moves.
    ///
    /// Imaginary parts that are zero throughout (`real`) are not touched by gates with a real kernel.
    pub fn unapply<F: Vectors>(
        &self,
        (ket, bra): (&mut State<F>, &mut State<F>),
        real: bool,
        entries: GateEntries<F>,
        found: &mut [f64],
    ) {
        let lanes = ket.lanes;
        let list = entries.inverse;
        if self.has_real_kernel::<F>(lanes, entries.by_row) {
            let inverse = RealMatrix { list, by_row: entries.by_row };
            let parts = [(&mut ket.re, &mut bra.re), (&mut ket.im, &mut bra.im)];
            for (ket, bra) in parts.into_iter().take(if real { 1 } else { 2 }) {
                F::dispatch(UnapplyReal { kernel: self, parts: [ket, bra], lanes, inverse, found });
            }
            return;
        }
        let inverse = Entries { list, by_row: entries.by_row };
        if !found.is_empty() {
            return unapply_both(ket, bra, &self.layout, &self.kind, inverse, found);
        }
        for state in [ket, bra] {
            match self.shuffles(state.lanes, list) {
                Some(gate) => shuffle(state, &gate),
                None => unapply(state, &self.layout, &self.kind, inverse),
            }
        }
    }

    /// The entries of the inverse.
    pub fn dagger<F: Float>(&self, entries: &[F], inverse: &mut [F], lanes: usize) {
        let side = self.layout.size();
        for (entry, numbers) in inverse.chunks_exact_mut(2 * lanes.max(1)).enumerate() {
            let source = if self.kind == MatrixKind::Diagonal { entry } else { entry % side * side + entry / side };
            let (re, im) = numbers.split_at_mut(lanes);
            let from = &entries[2 * source * lanes..];
            re.copy_from_slice(&from[..lanes]);
            im.iter_mut().zip(&from[lanes..]).for_each(|(out, &x)| *out = -x);
        }
    }
}

/// [`GateKernel::turn`].
struct ApplyReal<'a, F> {
    kernel: &'a GateKernel,
    part: &'a mut [F],
    lanes: usize,
    matrix: RealMatrix<'a, F>,
}

impl<F: Vectors> Work<F> for ApplyReal<'_, F> {
    #[inline(always)]
    fn run<U: Unit<Number = F>>(self, unit: U) {
        self.kernel.apply_real(unit, self.part, self.lanes, self.matrix);
    }
}

/// [`GateKernel::unapply_real`].
struct UnapplyReal<'a, F> {
    kernel: &'a GateKernel,
    parts: [&'a mut [F]; 2],
    lanes: usize,
    inverse: RealMatrix<'a, F>,
    found: &'a mut [f64],
}

impl<F: Vectors> Work<F> for UnapplyReal<'_, F> {
    #[inline(always)]
    fn run<U: Unit<Number = F>>(self, unit: U) {
        self.kernel.unapply_real(unit, self.parts, self.lanes, self.inverse, self.found);
    }
}
