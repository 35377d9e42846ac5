//! Transfer methods: who learns when a network moves to a new task.
//!
//! A method answers the training loop's questions; none contains a loop of its own.

use crate::nn::Plan;

/// A way to transfer.
pub struct MethodRow {
    /// Name in specs.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
    /// Who moves, given the parameters' names.
    pub plan: fn(&[&str]) -> Plan,
}

/// Every transfer method.
pub static METHODS: &[MethodRow] = &[MethodRow {
    name: "frozen",
    doc: "The backbone stays as it is, so its features are computed once and cached; only the head learns",
    plan: |names| Plan::freezing(&names.iter().copied().filter(|n| n.starts_with("backbone.")).collect::<Vec<_>>()),
}];
