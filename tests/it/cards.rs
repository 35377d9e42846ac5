//! Every page of an old system under docs/systems is its rendered card.

use std::path::Path;

use qgraft::systems::OLD_SYSTEMS as SYSTEMS;

#[test]
fn each_page_is_its_card() {
    let names: Vec<&str> = SYSTEMS.iter().map(|row| row.name).collect();
    for name in ["noise_robustness"] {
        assert!(names.contains(&name), "{name} is not in the table of systems");
    }
    for row in SYSTEMS {
        let card = row.card;
        assert!(!card.claims.is_empty() && !card.arms.is_empty(), "{}", row.name);
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("docs/systems/{}.md", row.name));
        let page = card.page(row.name);
        // `QGRAFT_WRITE_PAGES=1 cargo test --test cards` writes the pages anew.
        if std::env::var_os("QGRAFT_WRITE_PAGES").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, &page).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), page, "{}", path.display());
    }
}
