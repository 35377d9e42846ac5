//! Shipped suites have the trials that their comments state.

use std::path::Path;

use qgraft::lab::suite::{Suite, resolve};
use qgraft::systems::SYSTEMS;

/// File, run, and its number of trials.
const TRIALS: &[(&str, &str, usize)] = &[
    ("qtl_quick", "main", 6 * 3),
    ("qtl_quick", "ablation", 4 * 2),
    ("qtl_quick", "noise_decomposition", 5 * 2),
    ("qtl_quick", "few_shots", 3 * 2 * 2),
    ("qtl_quick", "noise_scaling", 2),
    // Seeds × costs × starts × devices × depths × qubits, and a decay for all but qubits.
    ("qtl_quick", "circuit_gradients", 3 * (2 * 3 * 2) * (4 + 1)),
    ("qtl_quick", "circuit_expressibility", 3 * 6),
    ("qtl_quick", "circuit_transpilation", 3 * 4),
    ("qtl_synthetic", "main", 560),
    // Seeds × conditions × depths × qubits, and a decay for all but qubits where there is more than one number of them.
    ("wide_noise", "width", 5 * 3 * 3 * (6 + 1)),
    ("wide_noise", "depth", 5 * 4 * 7),
    ("wide_noise", "saturated", 5 * 2 * (6 + 1)),
    ("wide_noise", "cut", 5 * 3),
    ("wide_noise", "fine_cut", 5 * 2 * 2),
    ("wide_noise", "expressibility", 5 * 6 * 3),
    // Seeds × (evaluations of two arms, controls of one) and gradients, by qubits.
    ("wide_noise", "robustness", (5 * (2 + 1) + 1) * 4),
    ("wide_noise", "heads", 5 * 2 * 4),
];

#[test]
fn shipped_suites_have_the_trials_they_promise() {
    for file in ["qtl_quick", "qtl_synthetic", "wide_noise"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("examples/studies/{file}.toml"));
        let suite = Suite::read(&path).unwrap();
        let ready = resolve(&suite, SYSTEMS, &[]).unwrap();
        let own: Vec<_> = TRIALS.iter().filter(|row| row.0 == file).collect();
        assert_eq!(ready.len(), own.len(), "{file}");
        for (_, name, count) in own {
            let run = ready.iter().find(|ready| ready.run.name == *name).unwrap();
            assert_eq!(run.system.plan(&run.request, &[]).unwrap().len(), *count, "{file}: {name}");
        }
    }
}

/// The paper's suite needs pictures and weights that are not in the repository, and lists them.
#[test]
fn the_papers_suite_names_the_files_that_it_needs() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/studies/qtl_paper.toml");
    let error = resolve(&Suite::read(&path).unwrap(), SYSTEMS, &[]).err().unwrap().to_string();
    assert!(error.contains("data/hymenoptera") && error.contains("weights/resnet18.pth"), "{error}");
}
