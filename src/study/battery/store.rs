//! The results of a battery in one SQLite file, which is what makes them survive: a run is stored whole or not at all.
//!
//! Three tables: `results` (one row per finished run, never changed), `claims` (who works on what), `failures` (why a
//! run gave nothing, until it does). A claim is a hint, not a lock: another process takes claimed runs last, so that two
//! share the work, and the claims of one that was killed hold nobody up. If a run is computed twice nevertheless, the
//! first result stays, and the second was equal.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use rusqlite::{Connection, OptionalExtension, params};

use crate::study::StudyError;
use crate::study::energy::Usage;
use crate::study::error::Result;

/// Name of the store in a study's folder.
pub const FILE: &str = "results.sqlite";

/// Counts up when the tables change, so that an old program does not misread a new file.
const VERSION: i64 = 1;

/// How long a process waits for another one's write to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// SQLite does not wait by itself while another process changes the journal of a new file.
fn patiently(work: impl Fn() -> rusqlite::Result<()>) -> rusqlite::Result<()> {
    let began = Instant::now();
    loop {
        match work() {
            Err(rusqlite::Error::SqliteFailure(error, _))
                if error.code == rusqlite::ErrorCode::DatabaseBusy && began.elapsed() < PATIENCE =>
            {
                std::thread::sleep(Duration::from_millis(20));
            }
            other => return other,
        }
    }
}

/// What a finished run left: what it found, and what it took.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// What the run found, as JSON: the same at every repetition.
    pub outcome: String,
    /// What it took: different every time.
    pub usage: Usage,
}

/// An open store.
pub struct Store {
    path: PathBuf,
    /// One connection for all workers: they write once a run, so they hardly ever meet.
    connection: Mutex<Connection>,
    /// Tells this process's claims from those of others.
    owner: String,
}

impl Store {
    /// Whether `folder` holds one.
    pub fn exists(folder: &Path) -> bool {
        folder.join(FILE).exists()
    }

    /// Opens the store of `folder`, making both if they are not there.
    ///
    /// # Errors
    /// A folder that cannot be written, a file that is no store or one of a newer version.
    pub fn open(folder: &Path) -> Result<Self> {
        std::fs::create_dir_all(folder).map_err(|source| StudyError::File { path: folder.into(), source })?;
        let path = folder.join(FILE);
        let failed = |source| StudyError::Store { path: path.clone(), source };
        let connection = Connection::open(&path).map_err(failed)?;
        connection.busy_timeout(PATIENCE).map_err(failed)?;
        // A commit is on the disk before the next run begins; readers and writers do not wait for each other.
        patiently(|| connection.pragma_update(None, "journal_mode", "wal")).map_err(failed)?;
        connection.pragma_update(None, "synchronous", "full").map_err(failed)?;
        let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failed)?;
        if version > VERSION {
            let reason = format!("it was written by a newer version ({version}, this one reads {VERSION})");
            return Err(StudyError::Spec { path, reason });
        }
        let tables = format!(
            "BEGIN IMMEDIATE;
             CREATE TABLE IF NOT EXISTS results (
                 id TEXT PRIMARY KEY, outcome TEXT NOT NULL, wall_seconds REAL NOT NULL, cpu_seconds REAL NOT NULL,
                 joules REAL NOT NULL, estimated INTEGER NOT NULL
             ) WITHOUT ROWID;
             CREATE TABLE IF NOT EXISTS claims (id TEXT PRIMARY KEY, owner TEXT NOT NULL) WITHOUT ROWID;
             CREATE TABLE IF NOT EXISTS failures (id TEXT PRIMARY KEY, reason TEXT NOT NULL) WITHOUT ROWID;
             PRAGMA user_version = {VERSION};
             COMMIT;"
        );
        connection.execute_batch(&tables).map_err(failed)?;
        // Unique among processes alive at one time on one machine, and almost surely among machines.
        let owner = format!("{}-{:?}", std::process::id(), std::time::SystemTime::now());
        Ok(Self { path, connection: Mutex::new(connection), owner })
    }

    fn with<T>(&self, work: impl FnOnce(&mut Connection) -> rusqlite::Result<T>) -> Result<T> {
        let mut connection: MutexGuard<Connection> = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        work(&mut connection).map_err(|source| StudyError::Store { path: self.path.clone(), source })
    }

    /// Ids of all finished runs.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn finished(&self) -> Result<BTreeSet<String>> {
        self.with(|c| c.prepare("SELECT id FROM results")?.query_map([], |row| row.get(0))?.collect())
    }

    /// One finished run.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn result(&self, id: &str) -> Result<Option<Stored>> {
        let query = "SELECT outcome, wall_seconds, cpu_seconds, joules, estimated FROM results WHERE id = ?1";
        self.with(|c| {
            let mut statement = c.prepare_cached(query)?;
            let read = |row: &rusqlite::Row<'_>| {
                let usage = Usage {
                    wall_seconds: row.get(1)?,
                    cpu_seconds: row.get(2)?,
                    joules: row.get(3)?,
                    estimated: row.get(4)?,
                };
                Ok(Stored { outcome: row.get(0)?, usage })
            };
            statement.query_row([id], read).optional()
        })
    }

    /// Claims a run: `false` if it is finished, or claimed by another process and `anyway` is not set.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn claim(&self, id: &str, anyway: bool) -> Result<bool> {
        let owner = &self.owner;
        self.with(|c| {
            // Immediate: of two processes that ask at one time, one sees the other's claim.
            let tx = c.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
            let holds = |query: &str| tx.query_row(query, [id], |row| row.get::<_, String>(0)).optional();
            let finished = holds("SELECT id FROM results WHERE id = ?1")?.is_some();
            let claimed = holds("SELECT owner FROM claims WHERE id = ?1")?.is_some_and(|other| other != *owner);
            if finished || (claimed && !anyway) {
                return Ok(false);
            }
            tx.execute("INSERT OR REPLACE INTO claims (id, owner) VALUES (?1, ?2)", params![id, owner])?;
            tx.commit()?;
            Ok(true)
        })
    }

    /// Stores what a run found. A result that is already there stays.
    ///
    /// # Errors
    /// If the file cannot be written: a full disk, say. Nothing is stored then.
    pub fn finish(&self, id: &str, stored: &Stored) -> Result<()> {
        let Usage { wall_seconds, cpu_seconds, joules, estimated } = stored.usage;
        self.with(|c| {
            let tx = c.transaction()?;
            let row = params![id, stored.outcome, wall_seconds, cpu_seconds, joules, estimated];
            tx.execute("INSERT OR IGNORE INTO results VALUES (?1, ?2, ?3, ?4, ?5, ?6)", row)?;
            tx.execute("DELETE FROM claims WHERE id = ?1", [id])?;
            tx.execute("DELETE FROM failures WHERE id = ?1", [id])?;
            tx.commit()
        })
    }

    /// Notes why a run gave nothing.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn fail(&self, id: &str, reason: &str) -> Result<()> {
        self.with(|c| {
            let tx = c.transaction()?;
            tx.execute("INSERT OR REPLACE INTO failures (id, reason) VALUES (?1, ?2)", params![id, reason])?;
            tx.execute("DELETE FROM claims WHERE id = ?1", [id])?;
            tx.commit()
        })
    }

    /// Runs that gave nothing, with the reason.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn failures(&self) -> Result<BTreeMap<String, String>> {
        self.with(|c| {
            let mut statement = c.prepare("SELECT id, reason FROM failures")?;
            statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect()
        })
    }
}
