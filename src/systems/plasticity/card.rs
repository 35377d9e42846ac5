//! What the system's page says.

use crate::systems::card::Card;

/// The card.
pub static CARD: Card = Card { paper: "", question: "", data: "", arms: &[], claims: &[], choices: &[], full_run: "" };
