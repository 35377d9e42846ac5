//! What a resumed run computes again, and why.

use std::collections::HashMap;
use std::path::PathBuf;

use toml::{Table, Value};

use crate::lab::contents::Contents;
use crate::lab::plan::Plan;
use crate::lab::settings::{Settings, tree};
use crate::lab::store::{self, Origin, Store};
use crate::math::words::pluralise;

/// One sentence for each reason why finished trials of this folder are not used. In a store that several runs share, only
/// trials of the same settings tell what has changed: those of one name under other settings are of another run.
pub fn reasons<S: Settings>(plan: &Plan<S>, wanted: &[usize], store: &Store, is_shared: bool) -> Vec<String> {
    let mut found: Vec<(String, usize)> = Vec::new();
    let mut finished: Option<HashMap<String, Vec<PathBuf>>> = None;
    for &k in wanted.iter().filter(|&&k| !store.is_finished(&plan.nodes[k].key)) {
        let node = &plan.nodes[k];
        let others = finished.get_or_insert_with(|| store.by_slug()).get(&node.key.slug).into_iter().flatten();
        // Only for a message: a trial that cannot be read is computed anyway.
        let mut others = others.filter_map(|folder| store::read(folder).ok().flatten());
        let settings = tree(&plan.variants[node.variant]);
        let same = |origin: &Origin| origin.format == S::FORMAT && origin.settings == settings;
        let Some(other) = others.find(|other| !is_shared || other.origin.as_ref().is_some_and(same)) else { continue };
        let reason = match other.origin {
            Some(origin) => reason((&origin.settings, &origin.contents), (&settings, &plan.contents[node.variant])),
            None => "they are of an earlier version of the program".into(),
        };
        match found.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, count)) => *count += 1,
            None => found.push((reason, 1)),
        }
    }
    found.into_iter().map(|(reason, count)| format!("{} computed again: {reason}", pluralise(count, "trial"))).collect()
}

/// What differs between a finished trial and the one that is wanted.
fn reason((old, contents): (&Table, &Contents), (new, own): (&Table, &Contents)) -> String {
    let changed: Vec<&str> = own
        .iter()
        .filter(|(field, hash)| contents.get(*field) != Some(hash))
        .map(|(field, _)| field.as_str())
        .collect();
    if !changed.is_empty() {
        return format!("the contents of {} have changed", changed.join(", "));
    }
    let mut fields = Vec::new();
    differences("", old, new, &mut fields);
    match fields.is_empty() {
        true => "the program is of another version".into(),
        false => format!("{} changed", fields.join(", ")),
    }
}

/// Paths of the fields in which two trees differ.
fn differences(prefix: &str, old: &Table, new: &Table, found: &mut Vec<String>) {
    let keys: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    for key in keys {
        match (old.get(key), new.get(key)) {
            (Some(Value::Table(old)), Some(Value::Table(new))) => {
                differences(&format!("{prefix}{key}."), old, new, found)
            }
            (old, new) if old != new => found.push(format!("{prefix}{key}")),
            _ => {}
        }
    }
}
