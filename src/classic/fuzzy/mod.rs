//! First-order Takagi–Sugeno–Kang (TSK) fuzzy systems with several views and transfer between domains.
//!
//! A rule says: where x is near a centre, y is a linear function of x. [`Antecedents`] are the centres and widths,
//! [`Antecedents::features`] turns rows into rule features on which everything behind is linear. [`collaborate`] fits the
//! consequents of several views at once in closed form, [`transfer`] with rows of another domain.

mod antecedents;
mod collaborative;
mod transferred;

pub use antecedents::{Antecedents, Firing};
pub use collaborative::{Consequents, Penalties, WeightedRows, collaborate, combine};
pub use transferred::{Domains, TransferOptions, Transferred, confident, transfer};
