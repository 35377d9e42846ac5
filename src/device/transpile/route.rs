//! Swaps that bring interacting qubits together: SABRE (Li, Ding and Xie 2019, arXiv 1809.02573).

use crate::device::transpile::coupling::{Coupling, Distances};
use crate::device::transpile::step::{Kind, Step};
use crate::math::Stream;

/// Number of coming entanglers that a swap is judged by besides those that wait now.
const LOOKAHEAD: usize = 20;
/// Their weight against the waiting ones.
const LOOKAHEAD_WEIGHT: f64 = 0.5;
/// What a swap adds to the price of the next swap on the same qubits, so that swaps run in parallel.
const DECAY: f64 = 0.001;
/// After this many swaps the prices are reset.
const DECAY_RESET: usize = 5;

/// Which step waits for which: steps share a qubit or a classical bit.
pub(super) struct Dependencies {
    successors: Vec<Vec<u32>>,
    waits_for: Vec<u32>,
    pairs: Vec<Option<(usize, usize)>>,
}

impl Dependencies {
    pub fn of<'a>(steps: impl Iterator<Item = &'a Step>, qubits: usize, bits: usize) -> Self {
        let mut last: Vec<Option<u32>> = vec![None; qubits + bits];
        let mut this = Self { successors: Vec::new(), waits_for: Vec::new(), pairs: Vec::new() };
        for (k, step) in steps.enumerate() {
            this.successors.push(Vec::new());
            this.waits_for.push(0);
            this.pairs.push(step.pair());
            let mut on = |wire: usize| {
                if let Some(earlier) = last[wire].replace(k as u32)
                    && this.successors[earlier as usize].last() != Some(&(k as u32))
                {
                    this.successors[earlier as usize].push(k as u32);
                    this.waits_for[k] += 1;
                }
            };
            step.each_qubit(&mut on);
            step.each_bit(|bit| on(qubits + bit));
            if let Kind::Rest(op) = &step.kind
                && op.qubits.is_empty()
            {
                (0..qubits).for_each(on);
            }
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

/// Where every qubit is, and who is where.
#[derive(Clone, Debug)]
pub(super) struct Places {
    pub place: Vec<usize>,
    /// `usize::MAX` where nobody is.
    who: Vec<usize>,
}

impl Places {
    pub fn new(place: Vec<usize>, physical: usize) -> Self {
        let mut who = vec![usize::MAX; physical];
        for (qubit, &at) in place.iter().enumerate() {
            who[at] = qubit;
        }
        Self { place, who }
    }

    pub fn swap(&mut self, p: usize, q: usize) {
        self.who.swap(p, q);
        for at in [p, q] {
            if let Some(place) = self.place.get_mut(self.who[at]) {
                *place = at;
            }
        }
    }
}

/// Runs all steps, swapping where needed, from the places in `at` on, which are left as they are at the end. Returns the
/// number of swaps and appends what happened to `events`, if wanted.
pub(super) fn route(
    dependencies: &Dependencies,
    coupling: &Coupling,
    distances: &Distances,
    at: &mut Places,
    stream: &mut Stream,
    mut events: Option<&mut Vec<Event>>,
) -> usize {
    let mut router = Router {
        dependencies,
        distances,
        waits_for: dependencies.waits_for.clone(),
        ready: (0..dependencies.pairs.len()).filter(|&k| dependencies.waits_for[k] == 0).collect(),
        front: Vec::new(),
        coming: Vec::new(),
    };
    let (mut swaps, mut since_progress) = (0, 0);
    let mut price = vec![1.0; coupling.qubits()];
    let mut candidates: Vec<(usize, usize)> = Vec::new();
    // A way to the end always exists: past this many swaps without progress the nearest pair is simply joined.
    let patience = 10 * coupling.qubits().min(50);
    let mut started = false;
    loop {
        if router.advance(at, &mut events) || !started {
            (started, since_progress) = (true, 0);
            price.fill(1.0);
            router.look_ahead();
        }
        let Some(&first) = router.front.first() else { return swaps };
        if since_progress > patience {
            let gap = |&&k: &&usize| router.gap(k, at);
            let nearest = *router.front.iter().min_by_key(gap).unwrap_or(&first);
            swaps += router.join(nearest, coupling, at, &mut events);
            continue;
        }
        candidates.clear();
        for &k in &router.front {
            let (a, b) = router.pair(k);
            for p in [at.place[a], at.place[b]] {
                for &(q, _) in &coupling.neighbours[p] {
                    let pair = (p.min(q), p.max(q));
                    if !candidates.contains(&pair) {
                        candidates.push(pair);
                    }
                }
            }
        }
        let mut best: Option<(f64, (usize, usize))> = None;
        let mut equal = 0;
        for &(p, q) in &candidates {
            at.swap(p, q);
            let score = router.score(at) * f64::max(price[p], price[q]);
            at.swap(p, q);
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
        let Some((_, (p, q))) = best else { return swaps };
        at.swap(p, q);
        swaps += 1;
        since_progress += 1;
        if let Some(events) = &mut events {
            events.push(Event::Swap(p, q));
        }
        if since_progress % DECAY_RESET == 0 {
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
    waits_for: Vec<u32>,
    /// Steps that may run unless their qubits are apart.
    ready: Vec<usize>,
    /// Entanglers whose qubits are apart.
    front: Vec<usize>,
    /// The next entanglers after the front.
    coming: Vec<usize>,
}

impl Router<'_> {
    fn pair(&self, k: usize) -> (usize, usize) {
        self.dependencies.pairs[k].expect("front and coming hold pairs only")
    }

    fn gap(&self, k: usize, at: &Places) -> usize {
        let (a, b) = self.pair(k);
        self.distances.between(at.place[a], at.place[b])
    }

    /// Runs everything that can run. Tells whether anything did.
    fn advance(&mut self, at: &Places, events: &mut Option<&mut Vec<Event>>) -> bool {
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
            if let Some(events) = events {
                events.push(Event::Step(k));
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

    fn look_ahead(&mut self) {
        self.coming.clear();
        let mut queue = self.front.clone();
        let mut seen = std::collections::HashSet::new();
        let mut next = 0;
        while next < queue.len() && self.coming.len() < LOOKAHEAD {
            for &later in &self.dependencies.successors[queue[next]] {
                let later = later as usize;
                if seen.insert(later) {
                    queue.push(later);
                    if self.dependencies.pairs[later].is_some() {
                        self.coming.push(later);
                    }
                }
            }
            next += 1;
        }
    }

    fn score(&self, at: &Places) -> f64 {
        let mean = |steps: &[usize]| {
            let total: usize = steps.iter().map(|&k| self.gap(k, at)).sum();
            total as f64 / steps.len().max(1) as f64
        };
        mean(&self.front) + LOOKAHEAD_WEIGHT * mean(&self.coming)
    }

    /// Brings the qubits of one step together along a shortest path.
    fn join(&self, k: usize, coupling: &Coupling, at: &mut Places, events: &mut Option<&mut Vec<Event>>) -> usize {
        let (a, b) = self.pair(k);
        let mut swaps = 0;
        while self.gap(k, at) > 1 {
            let (p, goal) = (at.place[a], at.place[b]);
            let closer = |&&(q, _): &&(usize, usize)| self.distances.between(q, goal) < self.distances.between(p, goal);
            let Some(&(q, _)) = coupling.neighbours[p].iter().find(closer) else { return swaps };
            at.swap(p, q);
            swaps += 1;
            if let Some(events) = events {
                events.push(Event::Swap(p, q));
            }
        }
        swaps
    }
}
