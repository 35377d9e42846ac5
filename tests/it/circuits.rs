//! Circuits: numbers against the library's own and against pinned ones, fits, comparisons, settings that are refused.

use approx::assert_relative_eq;
use qgraft::circuit::ansatz::AnsatzRow;
use qgraft::lab::{Results, Settings, Validation, run_in_memory};
use qgraft::study::landscape::{decay, reach};
use qgraft::systems::circuits::{Circuits, Spec};

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| name.to_string()).collect()
}

fn spec(experiment: &str, ansatz: &str, devices: &[&str]) -> Spec {
    let mut spec = Spec {
        seeds: vec![0],
        experiments: names(&[experiment]),
        ansatze: names(&[ansatz]),
        qubits: vec![2, 3, 4],
        depths: vec![3],
        devices: names(devices),
        ..Spec::default()
    };
    (spec.gradients.samples, spec.expressibility.pairs) = (40, 500);
    spec
}

fn value(results: &Results, metric: &str, at: &[(&str, &str)]) -> f64 {
    let query = at.iter().fold(results.of(metric), |query, (factor, level)| query.at(factor, level));
    query.single().unwrap_or_else(|| panic!("{metric} at {at:?}: {} values", query.rows().len()))
}

/// Numbers of version 0.1.0, which drew with the fixed seed 0 (`qgraft study`, format qgraft.study/1).
#[test]
fn seed_0_has_the_numbers_of_version_0_1_0() {
    let ideal = run_in_memory::<Circuits>(&spec("gradients", "dressed", &["ideal", "manila"])).unwrap();
    let at = [("device", "ideal"), ("cost", "local"), ("start", "uniform"), ("qubits", "3")];
    for (metric, expected) in [
        ("variance", 4.427234975733546e-3),
        ("variance_first_weight", 3.262118566218997e-3),
        ("mean_absolute", 4.970091697736383e-2),
    ] {
        // Engines may sum in another order.
        assert_relative_eq!(value(&ideal, metric, &at), expected, max_relative = 1e-9);
    }
    let at = [("device", "manila"), ("cost", "global"), ("start", "identity_blocks"), ("qubits", "2")];
    assert_relative_eq!(value(&ideal, "variance", &at), 1.66989540371179e-2, max_relative = 1e-9);

    let found = run_in_memory::<Circuits>(&spec("expressibility", "strongly_entangling", &["ideal"])).unwrap();
    assert_relative_eq!(value(&found, "expressibility", &[("qubits", "4")]), 2.325475217390011e-2, max_relative = 1e-9);
    assert_relative_eq!(
        value(&found, "entangling_capability", &[("qubits", "4")]),
        0.8147066986234205,
        max_relative = 1e-9
    );

    let found = run_in_memory::<Circuits>(&spec("transpilation", "dressed", &["guadalupe"])).unwrap();
    let at = [("qubits", "4"), ("optimization_level", "3"), ("layout", "noise_aware")];
    let counts = ["circuit_depth", "two_qubit_gates", "pulses", "written_two_qubit_gates", "written_depth"];
    assert_eq!(counts.map(|metric| value(&found, metric, &at)), [80.0, 23.0, 55.0, 12.0, 22.0]);
    assert_relative_eq!(value(&found, "success", &at), 0.811_217_227_917_189_1, max_relative = 1e-9);
}

#[test]
fn every_seed_draws_anew_and_the_decay_is_fitted_to_its_variances() {
    let spec = Spec { seeds: vec![0, 1], ..spec("gradients", "strongly_entangling", &["ideal"]) };
    let results = run_in_memory::<Circuits>(&spec).unwrap();
    assert_eq!(results.trials("gradients").count(), 2 * 2 * 3 * 3, "seeds × costs × starts × qubits");
    for (cost, start) in [("local", "uniform"), ("global", "gaussian"), ("global", "identity_blocks")] {
        let mut rates = Vec::new();
        for seed in ["0", "1"] {
            let at = [("cost", cost), ("start", start), ("seed", seed)];
            let variance = |qubits: &str| value(&results, "variance", &[&at[..], &[("qubits", qubits)]].concat());
            let points = [(2.0, variance("2")), (3.0, variance("3")), (4.0, variance("4"))];
            let (rate, _) = decay(&points).unwrap();
            assert_eq!(value(&results, "decay_rate", &at), rate);
            assert_relative_eq!(value(&results, "decay_factor", &at), (-rate).exp());
            rates.push(rate);
        }
        assert_ne!(rates[0], rates[1], "{cost}, {start}");
    }
}

/// Cerezo et al. 2021: a global cost vanishes faster than a local one.
#[test]
fn a_global_cost_vanishes_faster() {
    let wide = Spec { qubits: vec![4, 6, 8], depths: vec![1], ..spec("gradients", "dressed", &["ideal"]) };
    let mut spec = Spec { seeds: vec![0, 1, 2], ..wide };
    (spec.gradients.starts, spec.gradients.samples) = (names(&["uniform"]), 200);
    let results = run_in_memory::<Circuits>(&spec).unwrap();
    let rate = |cost: &str| results.of("decay_rate").at("cost", cost).samples().unwrap();
    assert!(rate("global").min() > rate("local").max(), "{:?}", results.of("decay_rate").rows());
}

#[test]
fn expressibility_is_that_of_the_library() {
    let spec = Spec { seeds: vec![3], ..spec("expressibility", "mari", &["ideal"]) };
    let results = run_in_memory::<Circuits>(&spec).unwrap();
    let ansatz = AnsatzRow::named("mari").unwrap().build(3, 3, true).unwrap();
    let expected = reach(&ansatz, 500, 3).unwrap();
    assert_eq!(value(&results, "expressibility", &[("qubits", "3")]), expected.expressibility.unwrap());
    assert_eq!(value(&results, "quantile_expressibility", &[("qubits", "3")]), expected.quantile_expressibility);
    assert_eq!(value(&results, "entangling_capability", &[("qubits", "3")]), expected.entangling);
    assert_eq!(value(&results, "parameters", &[("qubits", "3")]), ansatz.weights() as f64);
}

#[test]
fn a_line_of_gates_fits_a_line_of_qubits_and_levels_cost_no_gates() {
    let results = run_in_memory::<Circuits>(&spec("transpilation", "mari", &["manila"])).unwrap();
    let of = |metric: &str, level: &str| {
        value(&results, metric, &[("qubits", "4"), ("optimization_level", level), ("layout", "trivial")])
    };
    // CNOTs between neighbours need no swap on a line.
    assert_eq!(of("overhead", "0"), 1.0);
    assert!(of("two_qubit_gates", "3") <= of("two_qubit_gates", "0"));
    assert!(of("success", "3") >= of("success", "0"));
}

/// Gradients of a spec with one cost and one start on torino.
fn on_torino(qubits: usize, change: impl Fn(&mut Spec)) -> (f64, f64) {
    let mut spec = Spec { qubits: vec![qubits], depths: vec![2], ..spec("gradients", "mari", &["torino"]) };
    (spec.gradients.costs, spec.gradients.starts) = (names(&["middle"]), names(&["uniform"]));
    spec.gradients.samples = 4;
    change(&mut spec);
    let results = run_in_memory::<Circuits>(&spec).unwrap();
    (value(&results, "variance", &[]), value(&results, "gradient_norm", &[]))
}

#[test]
fn gradients_are_the_same_on_every_exact_engine_and_on_wide_registers() {
    let engine = |qubits: usize, engine: &str| {
        on_torino(qubits, |spec| (spec.gradients.engine, spec.gradients.cut) = (engine.into(), 0.0))
    };
    for (qubits, engines) in [(4, ["density", "pauli"]), (40, ["auto", "pauli"])] {
        let (variance, norm) = engine(qubits, "sparse");
        for other in engines {
            // Rounding in some hundred gates, squared.
            let found = engine(qubits, other);
            assert_relative_eq!(found.0, variance, max_relative = 1e-8);
            assert_relative_eq!(found.1, norm, max_relative = 1e-8);
        }
    }
}

#[test]
fn sources_scales_and_twirls_of_gradients_act() {
    let (ideal, _) = on_torino(3, |spec| spec.devices = names(&["ideal"]));
    let under = |source: &str, scale: f64, twirl: bool| {
        let set = |spec: &mut Spec| {
            let own = &mut spec.gradients;
            (own.source, own.scale, own.twirl) = (source.into(), scale, twirl);
        };
        on_torino(3, set).0
    };
    for (source, scale) in [("all", 0.0), ("none", 1.0)] {
        // The transpiled circuit is another one up to rounding.
        assert_relative_eq!(under(source, scale, false), ideal, max_relative = 1e-8);
    }
    let relaxed = under("relaxation", 20.0, false);
    assert!(relaxed < ideal && under("relaxation", 40.0, false) < relaxed);
    assert!(under("all", 20.0, false) < relaxed);
    assert_ne!(under("relaxation", 20.0, true), relaxed, "decay to |0⟩ is not its twirl");
    assert_relative_eq!(under("readout", 1.0, true), under("readout", 1.0, false), max_relative = 1e-9);
}

#[test]
fn settings_that_fit_no_device_are_refused_by_field() {
    let refused = |spec: Spec| {
        let mut check = Validation::default();
        spec.validate(&mut check);
        check.violations().iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    let base = || spec("transpilation", "dressed", &["manila"]);
    for (spec, expected) in [
        (
            Spec { qubits: vec![2, 6], ..base() },
            "devices = \"manila\" (5 qubits): expected a device of at least 6 qubits",
        ),
        (Spec { devices: names(&["manilla"]), ..base() }, "manila"),
        (Spec { devices: names(&["ideal"]), ..base() }, "a device besides ideal"),
        (Spec { depths: vec![0], ..base() }, "depths = 0"),
        (Spec { ansatze: names(&["amplitude"]), qubits: vec![13], ..base() }, "at most 12"),
    ] {
        let text = refused(spec);
        assert!(text.contains(expected), "{text}");
    }
    let mut descending = base();
    descending.transpilation.optimization_levels = vec![3, 0];
    assert!(refused(descending).contains("ascending"));
    assert_eq!(refused(base()), "");
    let wide = |experiment: &str| Spec { qubits: vec![20], ..spec(experiment, "mari", &["torino"]) };
    assert_eq!(refused(wide("expressibility")), "");
    assert!(refused(wide("gradients")).contains("qubits = 20: expected at most 16: the global cost"));
    let mut local = wide("gradients");
    local.gradients.costs = names(&["local", "middle"]);
    assert_eq!(refused(local.clone()), "");
    (local.gradients.source, local.gradients.engine) = ("relaxatio".into(), "spars".into());
    (local.gradients.scale, local.gradients.cut) = (-1.0, 1.0);
    for field in ["source", "engine", "scale", "cut"] {
        assert!(refused(local.clone()).contains(&format!("gradients.{field} = ")), "{field}");
    }
    let on_no_device = Spec { qubits: vec![2, 6], ..spec("expressibility", "dressed", &["manila"]) };
    assert_eq!(refused(on_no_device), "", "expressibility runs on no device");
}
