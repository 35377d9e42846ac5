//! Pages of systems: what docs/systems/NAME.toml claims, decided by the kept runs of docs/results.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use qgraft::lab::KeptRun;
use qgraft::lab::claims::{PageSource, decide, page};
use qgraft::systems::SYSTEMS;

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs")
}

fn source(name: &str) -> PageSource {
    let path = docs().join(format!("systems/{name}.toml"));
    let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
    toml::from_str(&text).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn kept(source: &PageSource) -> BTreeMap<String, KeptRun> {
    let read = |name: &str| {
        let path = docs().join(format!("results/{name}.json"));
        let text = fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        (name.to_string(), KeptRun::from_json(&text, &path.display().to_string()).unwrap())
    };
    source.claims.iter().map(|claim| read(&claim.run)).collect()
}

/// Compares a file with its text. `QGRAFT_WRITE_PAGES=1 cargo test pages::` writes it anew.
fn same(path: &Path, text: &str) {
    if std::env::var_os("QGRAFT_WRITE_PAGES").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    let is_same = fs::read_to_string(path).unwrap_or_default() == text;
    assert!(is_same, "{} is stale: QGRAFT_WRITE_PAGES=1 cargo test pages:: writes it anew", path.display());
}

#[test]
fn every_page_says_what_the_kept_runs_say() {
    for system in SYSTEMS.iter().copied() {
        let name = system.info().name;
        let source = source(name);
        let (text, figure) = page(system, &source, &kept(&source)).unwrap_or_else(|e| panic!("{name}: {e}"));
        same(&docs().join(format!("systems/{name}.md")), &text);
        if let Some(svg) = figure {
            same(&docs().join(format!("systems/figures/{name}.svg")), &svg);
        }
    }
}

#[test]
fn every_claim_has_one_decision_and_a_name_short_enough_for_a_cell() {
    for system in SYSTEMS {
        let (name, source) = (system.info().name, source(system.info().name));
        for claim in &source.claims {
            assert!(claim.name.split_whitespace().count() <= 6, "{name}: {:?} has more than six words", claim.name);
            let decisions = [claim.check.is_some(), claim.contrast.is_some(), claim.value.is_some()];
            assert_eq!(decisions.iter().filter(|is_given| **is_given).count(), 1, "{name}: {:?}", claim.name);
        }
    }
}

#[test]
fn every_claim_is_decided_by_a_run_of_its_system() {
    for system in SYSTEMS.iter().copied() {
        let (name, source) = (system.info().name, source(system.info().name));
        let runs = kept(&source);
        for claim in &source.claims {
            assert_eq!(runs[&claim.run].system, name, "{name}: {:?} is decided by another system's run", claim.name);
            decide(system, claim, &runs).unwrap_or_else(|e| panic!("{name}: {e}"));
        }
    }
}
