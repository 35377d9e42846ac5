//! Transfer methods: who learns when a network moves to a new task.
//!
//! A method will answer the training loop's questions; none contains a loop of its own. So far there is one, which asks
//! nothing of the loop: the backbone is not part of the parameters at all.

/// A way to transfer.
pub struct MethodRow {
    /// Name in listings.
    pub name: &'static str,
    /// One line for people.
    pub doc: &'static str,
}

/// Every transfer method.
pub static METHODS: &[MethodRow] = &[MethodRow {
    name: "frozen",
    doc: "The backbone stays as it is, so its features are computed once and cached; only the head learns",
}];
