//! Swaps that bring interacting qubits together: SABRE (Li, Ding and Xie 2019, arXiv 1809.02573).

use crate::device::transpile::coupling::{Coupling, Distances};
use crate::device::transpile::step::{Step, StepKind, is_full_barrier};
use crate::math::Stream;

/// Number of coming entanglers that a swap is rated by besides those that wait now.
const LOOKAHEAD: usize = 20;
/// What a swap adds to the cost of the next swap on the same qubits, so that swaps run in parallel.
const DECAY: f64 = 0.001;
/// After this many swaps these costs are reset.
const DECAY_RESET: usize = 5;

/// Which step waits for which: steps share a qubit or a classical bit. Turns are not steps of their own here, they
/// wait for the step that follows on their qubit.
pub(super) struct Dependencies {
    successors: Vec<Vec<u32>>,
    waits_for: Vec<u32>,
    pairs: Vec<Option<(usize, usize)>>,
    /// Per step, itself and the runs that come before it, as positions in the list of steps.
    members: Vec<Vec<usize>>,
    /// Whether an entangler waits for the step, directly or not. The others, such as the measurements at the end, run
    /// last: a swap behind a measurement could not join the interaction before it.
    needed: Vec<bool>,
}

impl Dependencies {
    /// Of the steps in order, or from the last to the first.
    pub fn of(steps: &[Step], qubits: usize, bits: usize, backwards: bool) -> Self {
        let mut last: Vec<Option<u32>> = vec![None; qubits + bits];
        let mut runs: Vec<Vec<usize>> = vec![Vec::new(); qubits];
        let mut this = Self {
            successors: Vec::new(),
            waits_for: Vec::new(),
            pairs: Vec::new(),
            members: Vec::new(),
            needed: Vec::new(),
        };
        for position in 0..steps.len() {
            let position = if backwards { steps.len() - 1 - position } else { position };
            let step = &steps[position];
            if let (StepKind::OneQubitRun(q, _), None) = (&step.kind, &step.condition) {
                runs[*q].push(position);
                continue;
            }
            let k = this.pairs.len();
            let (mut members, mut waits_for) = (Vec::new(), 0);
            let mut on = |wire: usize| {
                if let Some(runs) = runs.get_mut(wire) {
                    members.append(runs);
                }
                // A condition may name a bit twice, or the bit that its measurement writes: no step waits for itself.
                if let Some(earlier) = last[wire].replace(k as u32)
                    && earlier as usize != k
                    && this.successors[earlier as usize].last() != Some(&(k as u32))
                {
                    this.successors[earlier as usize].push(k as u32);
                    waits_for += 1;
                }
            };
            step.each_qubit(&mut on);
            step.each_bit(|bit| on(qubits + bit));
            if let StepKind::Rest(op) = &step.kind
                && is_full_barrier(op)
            {
                (0..qubits).for_each(on);
            }
            members.push(position);
            this.successors.push(Vec::new());
            this.waits_for.push(waits_for);
            this.pairs.push(step.pair());
            this.members.push(members);
        }
        // What is left comes after everything else on its qubit.
        for (qubit, runs) in runs.into_iter().enumerate().filter(|(_, runs)| !runs.is_empty()) {
            match last[qubit] {
                Some(k) => this.members[k as usize].extend(runs),
                None => {
                    this.successors.push(Vec::new());
                    this.waits_for.push(0);
                    this.pairs.push(None);
                    this.members.push(runs);
                }
            }
        }
        this.needed = this.pairs.iter().map(Option::is_some).collect();
        for k in (0..this.pairs.len()).rev() {
            this.needed[k] |= this.successors[k].iter().any(|&later| this.needed[later as usize]);
        }
        this
    }
}

/// What routing did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    /// A step of the circuit ran.
    Step(usize),
    /// Two physical qubits were exchanged.
    Swap(usize, usize),
}

/// How a swap is rated besides the mean distance of the waiting pairs. No choice is best for all circuits.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weights {
    /// Of the mean distance of the coming pairs.
    pub coming: f64,
    /// Of each entangler the swap costs.
    pub entangler: f64,
    /// Whether blocks on two qubits are built anew afterwards, so that a swap behind another interaction of the same two
    /// costs less than three entanglers.
    pub rebuilt: bool,
}

/// The physical qubit of each qubit of the circuit, and the reverse.
#[derive(Clone, Debug)]
pub(super) struct Layout {
    pub physical_of: Vec<usize>,
    /// `usize::MAX` where there is none.
    circuit_qubit_of: Vec<usize>,
}

impl Layout {
    pub fn new(physical_of: Vec<usize>, device_qubits: usize) -> Self {
        let mut circuit_qubit_of = vec![usize::MAX; device_qubits];
        for (qubit, &at) in physical_of.iter().enumerate() {
            circuit_qubit_of[at] = qubit;
        }
        Self { physical_of, circuit_qubit_of }
    }

    pub fn swap(&mut self, p: usize, q: usize) {
        self.circuit_qubit_of.swap(p, q);
        for at in [p, q] {
            if let Some(physical) = self.physical_of.get_mut(self.circuit_qubit_of[at]) {
                *physical = at;
            }
        }
    }
}

/// Runs all steps, swapping where needed, from the layout `at` on, which ends as the final layout. Returns the
/// number of entanglers that the swaps cost and appends what happened to `events`, if wanted.
pub(super) fn route(
    dependencies: &Dependencies,
    coupling: &Coupling,
    distances: &Distances,
    at: &mut Layout,
    weights: Weights,
    stream: &mut Stream,
    mut events: Option<&mut Vec<Event>>,
) -> usize {
    let mut router = Router {
        dependencies,
        distances,
        weights,
        waits_for: dependencies.waits_for.clone(),
        ready: (0..dependencies.pairs.len()).filter(|&k| dependencies.waits_for[k] == 0).collect(),
        front: Vec::new(),
        pulls: vec![Vec::new(); at.physical_of.len()],
        coming: Vec::new(),
        waits: vec![false; at.physical_of.len()],
        strain: 0.0,
        queue: Vec::new(),
        seen: vec![0; dependencies.pairs.len()],
        round: 0,
        partner: vec![usize::MAX; coupling.qubits()],
        run: vec![0; coupling.qubits()],
        swapped: vec![usize::MAX; coupling.qubits()],
    };
    let mut entanglers = 0;
    // The swaps since anything ran, and what each cost.
    let mut since_progress: Vec<((usize, usize), usize)> = Vec::new();
    let mut price = vec![1.0; coupling.qubits()];
    let mut candidates: Vec<(usize, usize)> = Vec::new();
    // A way to the end always exists: past this many swaps without progress they are taken back and the nearest pair is
    // joined along a shortest path, as Qiskit does.
    let patience = 10 * coupling.qubits().min(50);
    let mut started = false;
    loop {
        if router.advance(at, &mut events) || !started {
            started = true;
            since_progress.clear();
            price.fill(1.0);
            router.look_ahead(at);
        }
        let Some(&first) = router.front.first() else {
            if let Some(events) = &mut events {
                let last = (0..dependencies.needed.len()).filter(|&k| !dependencies.needed[k]);
                events.extend(last.flat_map(|k| &dependencies.members[k]).map(|&position| Event::Step(position)));
            }
            return entanglers;
        };
        if since_progress.len() > patience {
            for ((p, q), cost) in since_progress.drain(..).rev() {
                at.swap(p, q);
                entanglers -= cost;
                router.forget(p, q);
                if let Some(events) = &mut events {
                    events.pop();
                }
            }
            let gap = |&&k: &&usize| router.gap(k, at);
            let nearest = *router.front.iter().min_by_key(gap).unwrap_or(&first);
            entanglers += router.join(nearest, coupling, at, &mut events);
            continue;
        }
        candidates.clear();
        for &k in &router.front {
            let (a, b) = router.pair(k);
            for p in [at.physical_of[a], at.physical_of[b]] {
                for &(q, _) in &coupling.neighbours[p] {
                    // Two swaps of the same two with nothing between are nothing.
                    if router.just_swapped(p, q) {
                        continue;
                    }
                    // A swap of two waiting qubits is found from both sides. It counts once.
                    if p < q || !router.waits.get(at.circuit_qubit_of[q]).is_some_and(|&waits| waits) {
                        candidates.push((p, q));
                    }
                }
            }
        }
        let mut best: Option<(f64, (usize, usize))> = None;
        let mut equal = 0;
        for &(p, q) in &candidates {
            let price = f64::max(price[p], price[q]);
            let after =
                router.strain + router.relief(at, p, q) + weights.entangler * f64::from(router.swap_price(p, q));
            let score = price * after;
            // Reservoir sampling: every candidate of the best score is equally likely.
            match best {
                Some((least, _)) if score > least + 1e-9 => {}
                Some((least, _)) if score > least - 1e-9 => {
                    equal += 1;
                    if stream.below(equal) == 0 {
                        best = Some((least, (p, q)));
                    }
                }
                _ => {
                    equal = 1;
                    best = Some((score, (p, q)));
                }
            }
        }
        let Some((_, (p, q))) = best else {
            // Two qubits of a pair that have no neighbour but the one they were just exchanged with.
            entanglers += router.join(first, coupling, at, &mut events);
            continue;
        };
        router.strain += router.relief(at, p, q);
        at.swap(p, q);
        let cost = usize::from(router.swap_price(p, q));
        entanglers += cost;
        router.exchanged(p, q);
        since_progress.push(((p, q), cost));
        if let Some(events) = &mut events {
            events.push(Event::Swap(p, q));
        }
        if since_progress.len().is_multiple_of(DECAY_RESET) {
            price.fill(1.0);
        } else {
            price[p] += DECAY;
            price[q] += DECAY;
        }
    }
}

struct Router<'a> {
    dependencies: &'a Dependencies,
    distances: &'a Distances,
    weights: Weights,
    waits_for: Vec<u32>,
    /// Steps that may run unless their qubits are apart.
    ready: Vec<usize>,
    /// Entanglers whose qubits are apart.
    front: Vec<usize>,
    /// Per qubit: the partners of its waiting and coming entanglers, and how much each counts.
    pulls: Vec<Vec<(usize, f64)>>,
    coming: Vec<(usize, usize)>,
    /// Per qubit: whether it is in the front.
    waits: Vec<bool>,
    /// Weighted distance of all waiting and coming pairs.
    strain: f64,
    /// The search ahead: its queue, and the round in which it last visited each step.
    queue: Vec<usize>,
    seen: Vec<u32>,
    round: u32,
    /// Per physical qubit: its last partner, and how many entanglers that run holds so far.
    partner: Vec<usize>,
    run: Vec<u8>,
    /// Per physical qubit: whom it was exchanged with if nothing has happened to it since.
    swapped: Vec<usize>,
}

impl Router<'_> {
    fn pair(&self, k: usize) -> (usize, usize) {
        self.dependencies.pairs[k].expect("front and coming hold pairs only")
    }

    fn gap(&self, k: usize, at: &Layout) -> usize {
        let (a, b) = self.pair(k);
        self.distances.between(at.physical_of[a], at.physical_of[b])
    }

    /// Entanglers that a swap adds: any run on two qubits can be built with three, so right behind another interaction of
    /// the same two a swap costs less.
    fn swap_price(&self, p: usize, q: usize) -> u8 {
        if !self.weights.rebuilt || self.partner[p] != q || self.partner[q] != p {
            return 3;
        }
        match self.run[p] {
            0 => 3,
            1 | 2 => 1,
            _ => 0,
        }
    }

    fn met(&mut self, p: usize, q: usize, entanglers: u8) {
        let run = if self.partner[p] == q && self.partner[q] == p { self.run[p] } else { 0 };
        (self.partner[p], self.partner[q]) = (q, p);
        // Three is all a run can need.
        let run = (run + entanglers).min(3);
        (self.run[p], self.run[q]) = (run, run);
        (self.swapped[p], self.swapped[q]) = (usize::MAX, usize::MAX);
    }

    /// `p` and `q` were exchanged.
    fn exchanged(&mut self, p: usize, q: usize) {
        self.met(p, q, 3);
        (self.swapped[p], self.swapped[q]) = (q, p);
    }

    /// An exchange of `p` and `q` was taken back.
    fn forget(&mut self, p: usize, q: usize) {
        for at in [p, q] {
            (self.partner[at], self.run[at], self.swapped[at]) = (usize::MAX, 0, usize::MAX);
        }
    }

    fn just_swapped(&self, p: usize, q: usize) -> bool {
        self.swapped[p] == q && self.swapped[q] == p
    }

    /// Runs everything that can run. Returns whether anything did.
    fn advance(&mut self, at: &Layout, events: &mut Option<&mut Vec<Event>>) -> bool {
        let mut ran = false;
        self.ready.append(&mut self.front);
        // In order of position, so that the result does not depend on how the steps became ready.
        self.ready.sort_unstable_by(|a, b| b.cmp(a));
        while let Some(k) = self.ready.pop() {
            if self.dependencies.pairs[k].is_some() && self.gap(k, at) > 1 {
                self.front.push(k);
                continue;
            }
            ran = true;
            if let Some((a, b)) = self.dependencies.pairs[k] {
                self.met(at.physical_of[a], at.physical_of[b], 1);
            }
            if let Some(events) = events
                && self.dependencies.needed[k]
            {
                events.extend(self.dependencies.members[k].iter().map(|&position| Event::Step(position)));
            }
            for &next in &self.dependencies.successors[k] {
                self.waits_for[next as usize] -= 1;
                if self.waits_for[next as usize] == 0 {
                    self.ready.push(next as usize);
                }
            }
        }
        ran
    }

    fn look_ahead(&mut self, at: &Layout) {
        self.coming.clear();
        self.round += 1;
        self.queue.clone_from(&self.front);
        let mut next = 0;
        while next < self.queue.len() && self.coming.len() < LOOKAHEAD {
            for &later in &self.dependencies.successors[self.queue[next]] {
                let later = later as usize;
                if std::mem::replace(&mut self.seen[later], self.round) != self.round {
                    self.queue.push(later);
                    self.coming.extend(self.dependencies.pairs[later]);
                }
            }
            next += 1;
        }
        self.pulls.iter_mut().for_each(Vec::clear);
        self.waits.fill(false);
        self.strain = 0.0;
        for k in 0..self.front.len() {
            let (a, b) = self.pair(self.front[k]);
            (self.waits[a], self.waits[b]) = (true, true);
            self.pull((a, b), 1.0 / self.front.len() as f64, at);
        }
        for k in 0..self.coming.len() {
            self.pull(self.coming[k], self.weights.coming / self.coming.len() as f64, at);
        }
    }

    fn pull(&mut self, (a, b): (usize, usize), weight: f64, at: &Layout) {
        self.pulls[a].push((b, weight));
        self.pulls[b].push((a, weight));
        self.strain += weight * self.distances.between(at.physical_of[a], at.physical_of[b]) as f64;
    }

    /// How a swap of `p` and `q` would change the strain.
    fn relief(&self, at: &Layout, p: usize, q: usize) -> f64 {
        let mut change = 0.0;
        for (from, to) in [(p, q), (q, p)] {
            for &(other, weight) in self.pulls.get(at.circuit_qubit_of[from]).into_iter().flatten() {
                let partner = at.physical_of[other];
                // Two qubits that are exchanged stay as far apart as they are.
                if partner != to {
                    let (before, after) = (self.distances.between(from, partner), self.distances.between(to, partner));
                    change += weight * (after as f64 - before as f64);
                }
            }
        }
        change
    }

    /// Brings the qubits of one step together along a shortest path.
    fn join(&mut self, k: usize, coupling: &Coupling, at: &mut Layout, events: &mut Option<&mut Vec<Event>>) -> usize {
        let (a, b) = self.pair(k);
        let mut entanglers = 0;
        while self.gap(k, at) > 1 {
            let (p, goal) = (at.physical_of[a], at.physical_of[b]);
            let closer = |&&(q, _): &&(usize, usize)| self.distances.between(q, goal) < self.distances.between(p, goal);
            let Some(&(q, _)) = coupling.neighbours[p].iter().find(closer) else { return entanglers };
            at.swap(p, q);
            entanglers += usize::from(self.swap_price(p, q));
            self.exchanged(p, q);
            if let Some(events) = events {
                events.push(Event::Swap(p, q));
            }
        }
        entanglers
    }
}
