//! Which physical qubits are neighbours, at what cost.

use crate::circuit::Gate;
use crate::device::transpile::TranspileError;
use crate::device::transpile::native::{Entangler, entangler};
use crate::device::{Edge, Target};

/// An error as a cost that adds up: `-ln(1 - error)`, so that the least total is the best success probability.
pub(super) fn cost(error: f64) -> f64 {
    -(-error.clamp(0.0, 1.0 - 1e-9)).ln_1p()
}

/// The best entangler of a pair of neighbours.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub entangler: Entangler,
    pub from: usize,
    pub to: usize,
    /// Whether the other direction is as good.
    pub both_ways: bool,
    /// [`cost`] of one use.
    pub cost: f64,
    /// The ZZ rotation of the pair, if the device has one.
    pub zz: Option<ZzLink>,
}

/// A native ZZ rotation by any angle from 0 to π/2 ("fractional gate").
#[derive(Clone, Copy, Debug)]
pub(super) struct ZzLink {
    pub from: usize,
    pub to: usize,
    /// [`cost`] of one use.
    pub cost: f64,
}

impl Link {
    /// Cost of a two-qubit gate of the pair.
    pub fn cost_of(&self, gate: Gate) -> f64 {
        if gate == Gate::Rzz { self.zz.map_or(self.cost, |zz| zz.cost) } else { self.cost }
    }
}

/// The undirected graph of neighbours.
pub(super) struct Coupling {
    pub links: Vec<Link>,
    /// Per qubit: neighbour and index into `links`, by neighbour.
    pub neighbours: Vec<Vec<(usize, usize)>>,
    /// Whether each qubit can be used. The others have no neighbours.
    pub usable: Vec<bool>,
    /// Cost of one pulse per qubit.
    pub pulse: Vec<f64>,
    /// Cost of one measurement per qubit.
    pub readout: Vec<f64>,
    /// Connected part of each qubit, and the size of each part.
    pub part: Vec<usize>,
    pub part_sizes: Vec<usize>,
}

impl Coupling {
    pub fn of(target: &Target) -> Result<Self, TranspileError> {
        let available = target.qubits;
        let outside = |field, qubit| Err(TranspileError::Target { field, qubit, available });
        if target.single_error.len() != available {
            return outside("single_error", target.single_error.len());
        }
        if target.readout_error.len() != available {
            return outside("readout_error", target.readout_error.len());
        }
        let mut links: Vec<Link> = Vec::with_capacity(target.edges.len());
        let mut neighbours: Vec<Vec<(usize, usize)>> = vec![Vec::new(); available];
        // ZZ rotations last: they are the entangler of pairs that have no other.
        let is_zz = |edge: &&Edge| edge.gate == Gate::Rzz;
        for edge in target.edges.iter().filter(|edge| !is_zz(edge)).chain(target.edges.iter().filter(is_zz)) {
            if edge.from.max(edge.to) >= available || edge.from == edge.to {
                return outside("edges", edge.from.max(edge.to));
            }
            let Some(entangler) = entangler(edge.gate) else { continue };
            if !(target.is_usable(edge.from) && target.is_usable(edge.to)) {
                continue;
            }
            let (from, to, cost) = (edge.from, edge.to, cost(edge.error));
            let zz = is_zz(&edge).then_some(ZzLink { from, to, cost });
            let link = Link { entangler, from, to, both_ways: false, cost, zz };
            match neighbours[edge.from].iter().find(|(other, _)| *other == edge.to) {
                Some(&(_, known)) if zz.is_some() => {
                    let known = &mut links[known];
                    known.zz = known.zz.filter(|other| other.cost <= cost).or(zz);
                }
                Some(&(_, known)) if links[known].cost > link.cost => links[known] = link,
                Some(&(_, known)) => {
                    let known = &mut links[known];
                    known.both_ways |=
                        known.from == link.to && known.cost == link.cost && known.entangler.gate == link.entangler.gate;
                }
                None => {
                    neighbours[edge.from].push((edge.to, links.len()));
                    neighbours[edge.to].push((edge.from, links.len()));
                    links.push(link);
                }
            }
        }
        let (part, part_sizes) = parts(&neighbours);
        Ok(Self {
            links,
            neighbours,
            usable: (0..available).map(|q| target.is_usable(q)).collect(),
            pulse: target.single_error.iter().map(|&e| cost(e)).collect(),
            readout: target.readout_error.iter().map(|&e| cost(e)).collect(),
            part,
            part_sizes,
        })
    }

    pub fn qubits(&self) -> usize {
        self.neighbours.len()
    }

    /// Whether any pair has a ZZ rotation.
    pub fn has_zz(&self) -> bool {
        self.links.iter().any(|link| link.zz.is_some())
    }

    /// The link between two qubits, if they are neighbours.
    pub fn link(&self, a: usize, b: usize) -> Option<&Link> {
        self.neighbours[a].iter().find(|(other, _)| *other == b).map(|&(_, k)| &self.links[k])
    }

    /// The first `count` usable qubits, of the largest connected part if they fit into it.
    pub fn first(&self, count: usize) -> Vec<usize> {
        let largest = (0..self.part_sizes.len()).rev().max_by_key(|&part| self.part_sizes[part]);
        let usable = || (0..self.qubits()).filter(|&q| self.usable[q]);
        let together: Vec<usize> = usable().filter(|&q| Some(self.part[q]) == largest).take(count).collect();
        if together.len() == count { together } else { usable().take(count).collect() }
    }

    /// Number of links between any two qubits, row by row; `u16::MAX` where there is no path.
    pub fn distances(&self) -> Distances {
        let n = self.qubits();
        let mut hops = vec![u16::MAX; n * n];
        let mut queue = Vec::with_capacity(n);
        for (start, row) in hops.chunks_mut(n.max(1)).enumerate() {
            row[start] = 0;
            queue.clear();
            queue.push(start);
            let mut next = 0;
            while let Some(&at) = queue.get(next) {
                next += 1;
                for &(other, _) in &self.neighbours[at] {
                    if row[other] == u16::MAX {
                        row[other] = row[at] + 1;
                        queue.push(other);
                    }
                }
            }
        }
        Distances { n, hops }
    }
}

/// Hops between physical qubits.
pub(super) struct Distances {
    n: usize,
    hops: Vec<u16>,
}

impl Distances {
    pub fn between(&self, a: usize, b: usize) -> usize {
        usize::from(self.hops[a * self.n + b])
    }
}

/// The connected part of each node, and how many nodes each part has.
pub(super) fn parts(neighbours: &[Vec<(usize, usize)>]) -> (Vec<usize>, Vec<usize>) {
    let mut part = vec![usize::MAX; neighbours.len()];
    let mut sizes = Vec::new();
    for start in 0..neighbours.len() {
        if part[start] != usize::MAX {
            continue;
        }
        let (mut stack, mut size) = (vec![start], 0);
        part[start] = sizes.len();
        while let Some(at) = stack.pop() {
            size += 1;
            for &(other, _) in &neighbours[at] {
                if part[other] == usize::MAX {
                    part[other] = sizes.len();
                    stack.push(other);
                }
            }
        }
        sizes.push(size);
    }
    (part, sizes)
}
