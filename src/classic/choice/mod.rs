//! Discrete choice: the multinomial logit model, what to offer under it and at which prices, and optimism about it.
//!
//! [`Choices`] are observed choices, with the likelihood and its maximum. [`Design`] says how features and prices become a row.
//! [`best_offer`] is the revenue-optimal set with its prices. [`Optimism`] are upper bounds on utilities.

mod design;
mod logit;
mod offer;
mod optimism;

pub use design::Design;
pub use logit::{Choices, MOST_STEPS};
pub use offer::{LinearUtility, Offer, PriceTable, best_offer, revenue};
pub use optimism::Optimism;
