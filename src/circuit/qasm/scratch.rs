//! Scratch bits at the end of a text: what nobody reads is not computed, and bits whose time is over are used again.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use crate::circuit::{Circuit, Op, OpKind};

/// Numbers the bits of a circuit: those below `outcome` are part of one, those below `next` belong to registers, all others
/// were used once each and share. Returns how many scratch bits there are.
pub(super) fn share(circuit: &mut Circuit, outcome: usize, next: usize, number: impl Fn(usize) -> usize) -> usize {
    let mut ops = circuit.take_ops();
    for op in &mut ops {
        op.bits_mut().for_each(|bit| *bit = number(*bit));
    }
    let mut ops = without_unread(ops, outcome);
    let mut last: HashMap<usize, usize> = HashMap::new();
    for (at, op) in ops.iter_mut().enumerate() {
        op.bits_mut().filter(|bit| **bit >= next).for_each(|bit| _ = last.insert(*bit, at));
    }
    // Bits with the lowest numbers first, so that few are used.
    let mut free: BinaryHeap<Reverse<usize>> = BinaryHeap::new();
    let mut given: HashMap<usize, usize> = HashMap::new();
    let mut end = next;
    let mut shared = Vec::with_capacity(ops.len());
    for (at, mut op) in ops.into_iter().enumerate() {
        let mut over = Vec::new();
        let mut cleared = Vec::new();
        for bit in op.bits_mut().filter(|bit| **bit >= next) {
            let before = *bit;
            *bit = *given.entry(before).or_insert_with(|| match free.pop() {
                Some(Reverse(bit)) => {
                    cleared.push(bit);
                    bit
                }
                None => {
                    end += 1;
                    end - 1
                }
            });
            if last.get(&before) == Some(&at) && !over.contains(&before) {
                over.push(before);
            }
        }
        // What an unconditional assignment writes need not be cleared before.
        let written = op.written_bit().filter(|_| op.condition.is_none());
        for bit in cleared.into_iter().filter(|bit| written != Some(*bit)) {
            shared.push(Op::of(OpKind::Assign { bit, value: false }, &[]));
        }
        shared.push(op);
        free.extend(over.iter().filter_map(|bit| given.remove(bit)).map(Reverse));
    }
    circuit.renumber(outcome, end - outcome, shared);
    end - outcome
}

/// The operations without assignments to scratch bits that nothing reads.
fn without_unread(ops: Vec<Op>, outcome: usize) -> Vec<Op> {
    let mut read: HashSet<usize> = HashSet::new();
    let mut kept = Vec::with_capacity(ops.len());
    for op in ops.into_iter().rev() {
        if let OpKind::Assign { bit, .. } = op.kind
            && bit >= outcome
        {
            if !read.contains(&bit) {
                continue;
            }
            if op.condition.is_none() {
                read.remove(&bit);
            }
        }
        read.extend(op.condition.iter().flat_map(|condition| condition.bits.iter().copied()));
        kept.push(op);
    }
    kept.reverse();
    kept
}
