//! What a mitigated engine says of the engine inside.

use std::sync::Arc;

use ndarray::{Array2, aview1};
use qgraft::sim::mitigate::{Apply, MITIGATIONS, ReadoutInversion};
use qgraft::sim::{Angles, Cut, Density, EngineOptions, Shots, Simulator, Sparse, engine};

use crate::mitigation::{ANGLES, circuit, on_manila};

#[test]
fn every_method_names_the_engine_that_runs() {
    let (program, observables) = on_manila(&circuit(), "aer-asym");
    for row in MITIGATIONS {
        let Apply::Executor(wrap) = row.apply else { continue };
        let auto = engine("auto", EngineOptions::default()).unwrap();
        let shots: Arc<dyn Simulator> = Arc::new(Shots { inner: Arc::clone(&auto), shots: 50, seed: 1 });
        for inner in [auto, shots] {
            let name = wrap(inner, 5).prepare(&program, &observables, 1).unwrap().resolved_name(1);
            assert!(!name.contains("auto") && name.contains(" with "), "{}: {name}", row.name);
        }
    }
}

/// Inverted observables are run by the engine, so what it says of their errors is what holds.
#[test]
fn inverted_readout_keeps_the_account_of_the_engine() {
    let (program, observables) = on_manila(&circuit(), "aer");
    let rows = Array2::from_shape_vec((1, 1), vec![ANGLES[0]]).unwrap();
    let angles = Angles { inputs: rows.view(), weights: aview1(&ANGLES[1..]) };
    let sparse = Sparse::new(Cut { below: 0.1, ..Cut::default() });
    let engine = ReadoutInversion { inner: sparse };
    let prepared = engine.prepare(&program, &observables, 1).unwrap();
    let accounts = prepared.account(angles).unwrap().expect("sparse states errors");
    let exact = ReadoutInversion { inner: Density::default() }.expect(&program, angles, &observables).unwrap();
    let found = prepared.expect(angles).unwrap();
    assert!(accounts.iter().any(|account| account.dropped > 0));
    for ((found, exact), account) in found.iter().zip(&exact).zip(&accounts) {
        // Rounding beside the bound.
        assert!((found - exact).abs() <= account.bound + 1e-12, "{found} {exact} {account:?}");
    }
}
