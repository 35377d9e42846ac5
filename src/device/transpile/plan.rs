//! A circuit on physical qubits, before it is written in native gates.

use crate::circuit::OpKind;
use crate::device::transpile::coupling::Coupling;
use crate::device::transpile::embed;
use crate::device::transpile::layout::Demand;
use crate::device::transpile::route::{Event, Layout};
use crate::device::transpile::simplify::{Effort, expand_swaps, simplify};
use crate::device::transpile::star::{self, End};
use crate::device::transpile::step::{Step, StepKind};

/// Steps on physical qubits.
pub(super) struct Plan {
    pub steps: Vec<Step>,
    pub initial: Vec<usize>,
    pub last: Vec<usize>,
}

impl Plan {
    /// Without any swap.
    pub fn unmoved(steps: &[Step], initial: Vec<usize>) -> Self {
        let steps = steps.iter().map(|step| step.moved(|q| initial[q])).collect();
        Self { steps, initial: initial.clone(), last: initial }
    }

    /// With every star along a path, where `search` finds a placement.
    pub fn of_stars(
        steps: &[Step],
        needed: usize,
        (end, effort): (End, Effort),
        (coupling, read): (&Coupling, &[usize]),
        search: impl FnOnce(&Demand) -> Option<Vec<usize>>,
    ) -> Option<Self> {
        let (steps, at) = star::along_paths(steps, needed, end)?;
        let steps = simplify(expand_swaps(&steps), needed, effort, coupling.has_zz());
        let read: Vec<usize> = read.iter().map(|&wire| at[wire]).collect();
        let initial = search(&Demand::of(&steps, needed, &read))?;
        let last = at.iter().map(|&wire| initial[wire]).collect();
        Some(Self { last, ..Self::unmoved(&steps, initial) })
    }

    /// What routing did, written out: swaps expanded, and everything simplified again.
    pub fn replayed(
        steps: &[Step],
        events: &[Event],
        initial: Vec<usize>,
        coupling: &Coupling,
        effort: Effort,
    ) -> Self {
        let physical = coupling.qubits();
        let mut at = Layout::new(initial.clone(), physical);
        let mut out = Vec::with_capacity(events.len());
        for event in events {
            match *event {
                Event::Step(k) => out.push(steps[k].moved(|q| at.physical_of[q])),
                Event::Swap(p, q) => {
                    at.swap(p, q);
                    out.push(Step::new(StepKind::Swap(p, q)));
                }
            }
        }
        let steps = simplify(expand_swaps(&out), physical, effort, coupling.has_zz());
        Self { steps, initial, last: at.physical_of }
    }

    /// Cost of its entanglers, its measurements and the qubits that are read at the end: minus the logarithm of the
    /// probability that none of them errs.
    pub fn cost(&self, coupling: &Coupling, read: &[usize]) -> f64 {
        let of = |step: &Step| {
            if let StepKind::Rest(op) = &step.kind {
                return matches!(op.kind, OpKind::Measure { .. }).then(|| coupling.readout[op.qubits[0]]);
            }
            let (a, b) = step.pair()?;
            let link = coupling.link(a, b)?;
            Some(match (&step.kind, link.zz) {
                (StepKind::Zz(..), Some(zz)) => zz.cost,
                (StepKind::Zz(..), None) => 2.0 * link.cost,
                _ => link.cost,
            })
        };
        let at_end = read.iter().map(|&wire| coupling.readout[self.last[wire]]);
        self.steps.iter().filter_map(of).sum::<f64>() + at_end.sum::<f64>()
    }

    /// The other plan if that costs less.
    pub fn or_cheaper(self, other: Self, coupling: &Coupling, read: &[usize]) -> Self {
        if other.cost(coupling, read) < self.cost(coupling, read) { other } else { self }
    }

    /// Moves the whole routed circuit to the part of the device with the least error that fits it unchanged.
    pub fn settle(&mut self, coupling: &Coupling, read: &[usize], budget: usize) {
        let mut used: Vec<usize> = self.initial.clone();
        self.steps.iter().for_each(|step| step.each_qubit(|q| used.push(q)));
        used.sort_unstable();
        used.dedup();
        let mut number = vec![usize::MAX; coupling.qubits()];
        for (k, &q) in used.iter().enumerate() {
            number[q] = k;
        }
        let compact: Vec<Step> = self.steps.iter().map(|step| step.moved(|q| number[q])).collect();
        let ends: Vec<usize> = read.iter().map(|&wire| number[self.last[wire]]).collect();
        let demand = Demand::of(&compact, used.len(), &ends);
        let Some(best) = embed::embed(&demand, coupling, budget, Some(used.clone())) else { return };
        let settled = |q: usize| best[number[q]];
        let moved = Self {
            steps: self.steps.iter().map(|step| step.moved(settled)).collect(),
            initial: self.initial.iter().map(|&q| settled(q)).collect(),
            last: self.last.iter().map(|&q| settled(q)).collect(),
        };
        // The search counts pulses as well, which are only estimated.
        if moved.cost(coupling, read) < self.cost(coupling, read) {
            *self = moved;
        }
    }
}
