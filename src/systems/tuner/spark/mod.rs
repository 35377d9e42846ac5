//! A real Spark over the tables of TPC-H.
//!
//! [`Live`] says which Spark and which tables. [`Engine`] holds it: one [`Process`] with a session, whose settings
//! change between two queries or, where Spark needs it, with a new session. [`Journal`] keeps every answer, so that a run that was
//! stopped goes on where it was. [`LiveWorld`] is what a [`Session`](crate::systems::tuner::Session) tunes.

mod compare;
mod engine;
mod journal;
mod knobs;
mod process;
mod record;
mod settings;
mod trial;
mod world;

pub use compare::{COMPARED, Compared};
pub use engine::{Engine, Timed};
pub use journal::{Entry, Journal};
pub use knobs::{KNOBS, KnobRow, Range, space};
pub use process::{Answer, Process};
pub use record::{TABLE_FILE, joined};
pub use settings::Live;
pub use trial::{ARMS, METRICS, Shared, record, tune};
pub use world::LiveWorld;

use std::sync::LazyLock;

/// One query.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// Its name, such as `q1`.
    pub name: String,
    /// Its text.
    pub sql: String,
}

/// The 22 queries of TPC-H.
pub static QUERIES: LazyLock<Vec<Query>> = LazyLock::new(|| {
    let mut found: Vec<Query> = Vec::new();
    for line in include_str!("queries.sql").lines() {
        let name = line.strip_prefix("-- ").filter(|name| !name.contains(' '));
        match (name, found.last_mut()) {
            (Some(name), _) => found.push(Query { name: name.into(), sql: String::new() }),
            (None, Some(query)) => query.sql += &format!("{line}\n"),
            // The comment at the start.
            (None, None) => {}
        }
    }
    found
});

/// The tables of TPC-H.
pub const TABLES: [&str; 8] = ["customer", "lineitem", "nation", "orders", "part", "partsupp", "region", "supplier"];
