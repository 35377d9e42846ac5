//! The parts of a tuner against scipy, scikit-learn and shap (values from tests/reference/tuning.py), and what they promise.

use ndarray::{Array1, Array2};
use qgraft::classic::tuning::acquisition::{Prediction, expected_improvement, order_by_ranks};
use qgraft::classic::tuning::budget::Budget;
use qgraft::classic::tuning::density::Density;
use qgraft::classic::tuning::gaussian::{GaussianProcess, Kernel, Matern};
use qgraft::classic::tuning::hyperband::{bracket, cycle, shares};
use qgraft::classic::tuning::shap::{CoveredTree, shapley_values};
use qgraft::classic::tuning::subset::{greedy_subset, part_shares};
use qgraft::classic::tuning::weights::{concordance, misordered, ranking_weights};
use qgraft::classic::tuning::{Knob, Knowledge, Model, Observation, Options, Region, STRATEGIES, Space, Task, Tuner};
use qgraft::classic::{Answers, Forest, Growth, Node, Tree};
use qgraft::math::Stream;
use qgraft::math::correlation::{kendall, pearson, spearman};
use serde_json::Value;

fn reference() -> Value {
    serde_json::from_str(include_str!("../reference/tuning.json")).unwrap()
}

fn list(value: &Value) -> Vec<f64> {
    value.as_array().unwrap().iter().map(|own| own.as_f64().unwrap()).collect()
}

fn lists(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().unwrap().iter().map(list).collect()
}

#[track_caller]
fn near(own: f64, wanted: f64, tolerance: f64) {
    assert!((own - wanted).abs() <= tolerance * wanted.abs().max(1.0), "{own} is not {wanted}");
}

#[test]
fn correlations_agree_with_scipy_where_values_are_tied() {
    let all = &reference()["correlations"];
    let (one, two) = (list(&all["one"]), list(&all["two"]));
    near(spearman(&one, &two).unwrap(), all["spearman"].as_f64().unwrap(), 1e-12);
    near(kendall(&one, &two).unwrap(), all["kendall"].as_f64().unwrap(), 1e-12);
    near(pearson(&one, &two).unwrap(), all["pearson"].as_f64().unwrap(), 1e-12);
    // Lists without spread, of which the mean is rounded; two failures are tied.
    assert_eq!(
        (pearson(&[0.1; 3], &[0.1; 3]), pearson(&[], &[]), spearman(&[0.1; 3], &[1.0, 2.0, 3.0])),
        (None, None, None)
    );
    let failures = [1.0, f64::INFINITY, 2.0, f64::INFINITY];
    assert_eq!((kendall(&failures, &failures), kendall(&failures, &[f64::NAN; 4])), (Some(1.0), None));
    assert_eq!((kendall(&[1.0], &[2.0]), kendall(&[1.0, 1.0], &[1.0, 2.0]), kendall(&[], &[])), (None, None, None));
}

#[test]
fn weighted_densities_agree_with_scipy() {
    let all = &reference()["density"];
    let density = Density::new(&list(&all["points"]), &list(&all["weights"])).unwrap();
    for (at, wanted) in list(&all["at"]).into_iter().zip(list(&all["density"])) {
        near(density.at(at), wanted, 1e-10);
    }
    for (points, weights) in
        [(vec![0.5], vec![1.0]), (vec![0.5, 0.5], vec![1.0, 1.0]), (vec![0.1, 0.2], vec![0.0, 0.0])]
    {
        assert_eq!(Density::new(&points, &weights), None);
    }
}

#[test]
fn the_range_of_a_density_holds_its_mass() {
    let points: Vec<f64> = (0..200).map(|k| 0.3 + 0.05 * Stream::numbered(3, k).normal()).collect();
    let (low, high) = Density::new(&points, &[1.0; 200]).unwrap().range((0.0, 1.0), 1000, 0.8);
    // 80 % of a normal distribution are within 1.28 standard deviations; the kernel widens it a little.
    assert!((0.2..0.26).contains(&low) && (0.34..0.4).contains(&high), "{low} to {high}");
}

#[test]
fn expected_improvement_is_the_integral() {
    for case in reference()["improvements"].as_array().unwrap() {
        let of = |name: &str| case[name].as_f64().unwrap();
        let own = expected_improvement(Prediction { mean: of("mean"), variance: of("variance") }, of("best"));
        // The trapezoids of the reference are good to about 1e-9; the normal distribution function to 1e-10.
        near(own, of("value"), 1e-8);
    }
    assert_eq!(expected_improvement(Prediction { mean: 1.0, variance: 0.0 }, 3.0), 2.0);
    // A member of weight 3 decides against one of weight 1.
    assert_eq!(order_by_ranks(&[(3.0, vec![0.1, 0.9, 0.5]), (1.0, vec![0.9, 0.1, 0.5])]), [1, 2, 0]);
}

#[test]
fn a_gaussian_process_agrees_with_scikit_learn() {
    let all = &reference()["gaussian"];
    let number = |name: &str| all[name].as_f64().unwrap();
    let kernel = Matern { length: number("length"), choices: vec![false; 3] };
    let process = GaussianProcess::fit(kernel, &lists(&all["rows"]), &list(&all["values"]), number("noise")).unwrap();
    near(process.mean(), number("constant"), 1e-9);
    near(process.amplitude(), number("amplitude"), 1e-9);
    near(process.likelihood(), number("likelihood"), 1e-9);
    for ((row, mean), deviation) in lists(&all["fresh"]).iter().zip(list(&all["mean"])).zip(list(&all["deviation"])) {
        let own = process.predict(row);
        near(own.mean, mean, 1e-9);
        near(own.variance.sqrt(), deviation, 1e-7);
    }
}

fn tree(table: &Value) -> (Tree, Vec<f64>) {
    let of = |name: &str| list(&table[name]);
    let (feature, threshold, left, right, value) =
        (of("feature"), of("threshold"), of("left"), of("right"), of("value"));
    let node = |k: usize| match left[k] < 0.0 {
        true => Node::Leaf { value: vec![value[k]] },
        false => Node::Split {
            feature: feature[k] as usize,
            threshold: threshold[k],
            left: left[k] as usize,
            right: right[k] as usize,
        },
    };
    (Tree::new((0..feature.len()).map(node).collect()).unwrap(), of("cover"))
}

#[test]
fn shapley_values_agree_with_shap() {
    let all = &reference()["shapley"];
    let trees: Vec<(Tree, Vec<f64>)> = all["trees"].as_array().unwrap().iter().map(tree).collect();
    for (row, wanted) in lists(&all["rows"]).iter().zip(lists(&all["values"])) {
        let row: Array1<f32> = row.iter().map(|value| *value as f32).collect();
        let mut sums = vec![0.0; row.len()];
        for (tree, covers) in &trees {
            CoveredTree::new(tree, covers.clone()).add(row.view(), 0, &mut sums);
        }
        for (own, wanted) in sums.iter().zip(wanted) {
            // shap adds in single precision in places.
            near(own / trees.len() as f64, wanted, 1e-6);
        }
    }
}

#[test]
fn shapley_values_sum_to_the_prediction_less_the_mean() {
    let mut stream = Stream::named(2, "rows");
    let rows = Array2::from_shape_fn((80, 4), |_| stream.uniform() as f32);
    let values: Vec<f64> = rows.rows().into_iter().map(|row| f64::from(row[0] * row[1] + row[2])).collect();
    let growth = Growth { bootstrap: false, leaf: 1, ..Growth::regressor(5, 4) };
    let forest = Forest::grow(rows.view(), Answers::Numbers(&values), &growth, 1).forest;
    let predicted = forest.predict(rows.view());
    let mean = predicted.column(0).mean().unwrap();
    for (row, own) in shapley_values(&forest, rows.view()).iter().zip(predicted.column(0)) {
        near(row.iter().sum::<f64>() + mean, *own, 1e-9);
    }
}

#[test]
fn brackets_are_those_of_the_paper_s_code() {
    // Levels 1/9, 1/3 and 1: hpbandster's budgets for η = 3. Its bracket of two levels starts with 3 configurations, as it rounds
    // 3/2 down; MFTune's has 5.
    assert_eq!(bracket(3, 3, 2), [(9, 0), (3, 1), (1, 2)]);
    assert_eq!(bracket(3, 3, 1), [(5, 1), (1, 2)]);
    assert_eq!(bracket(3, 3, 0), [(3, 2)]);
    let whole = cycle(3, 3);
    assert_eq!((whole.len(), &whole[2..]), (5, &[vec![(1, 2)], vec![(1, 2)], vec![(1, 2)]][..]));
    shares(3, 3).into_iter().zip([1.0 / 9.0, 1.0 / 3.0, 1.0]).for_each(|(own, wanted)| near(own, wanted, 1e-15));
}

#[test]
fn ranking_losses_agree_with_numpy_and_weights_follow_them() {
    let all = &reference()["ranking"];
    let (one, two) = (list(&all["one"]), list(&all["two"]));
    assert_eq!(misordered(&one, &two) as u64, all["misordered"].as_u64().unwrap());
    let sure =
        |values: &[f64]| values.iter().map(|mean| Prediction { mean: *mean, variance: 1e-12 }).collect::<Vec<_>>();
    let reversed: Vec<f64> = one.iter().map(|value| -value).collect();
    let weights = |target: &[f64], least: f64| {
        let members = [sure(&one), sure(&reversed)];
        ranking_weights(&members, &sure(target), &one, least, false, &mut Stream::named(0, "draws"))
    };
    // The member that orders all pairs gets everything, the reversed one nothing.
    assert_eq!(weights(&two, 0.0), [1.0, 0.0, 0.0]);
    // Where the target is as good, it is taken; and it keeps what it had.
    assert_eq!(weights(&one, 0.0), [0.0, 0.0, 1.0]);
    weights(&two, 0.3).into_iter().zip([0.7, 0.0, 0.3]).for_each(|(own, wanted)| near(own, wanted, 1e-12));
    let few = ranking_weights(&[sure(&one[..3])], &sure(&two[..3]), &one[..3], 0.0, false, &mut Stream::named(0, ""));
    assert_eq!(few, [0.5, 0.5]);
    assert_eq!(concordance(&one, &reversed), Some(0.0));
}

#[test]
fn subsets_keep_their_share_and_follow_the_whole() {
    // Part 0 says nothing, part 1 is the reverse, part 2 the whole in small.
    let rows: Vec<Vec<f64>> =
        (0..8).map(|k| vec![3.0, 3.0 - 0.1 * k as f64, 1.0 + 0.1 * k as f64, 20.0 + k as f64]).collect();
    let tasks = [(1.0, &rows[..])];
    assert_eq!(greedy_subset(&tasks, 4, 1.0 / 9.0, &[], &[]), [2]);
    let shares = part_shares(&tasks, 4);
    near(shares.iter().sum(), 1.0, 1e-12);
    let third = greedy_subset(&tasks, 4, 1.0 / 3.0, &[2], &[]);
    assert!(third.contains(&2) && third.iter().map(|&part| shares[part]).sum::<f64>() <= 1.05 / 3.0, "{third:?}");
    assert!(!greedy_subset(&tasks, 4, 1.0 / 3.0, &[], &[2]).contains(&2));
    // Too few configurations: everything.
    assert_eq!(greedy_subset(&[(1.0, &rows[..2])], 4, 0.1, &[], &[]), [0, 1, 2, 3]);
}

#[test]
fn a_budget_is_never_overdrawn() {
    let mut budget = Budget::new(10.0);
    assert!(budget.pay(2, 6.0) && budget.pay(0, 4.0) && !budget.pay(1, 0.5));
    assert_eq!((budget.spent(), budget.left(), budget.is_spent()), (10.0, 0.0, true));
    assert!(budget.payments()[2].is_cut);
}

fn space() -> Space {
    let knobs = vec![
        Knob::number("rate", (1e-4, 1.0), true, 1e-2),
        Knob::whole("depth", (1, 8), false, 3),
        Knob::choice("method", &["sgd", "adam"], 0),
        Knob::number("momentum", (0.0, 0.9), false, 0.5).only_if(2, &[0]),
    ];
    Space::new(knobs).unwrap()
}

#[test]
fn spaces_go_to_the_unit_cube_and_back() {
    let space = space();
    let region = Region::whole(&space);
    let mut stream = Stream::named(0, "space");
    for design in
        [region.design(&space, 20, &mut stream), (0..50).map(|_| region.sample(&space, &mut stream)).collect()]
    {
        for own in design {
            let back = space.from_unit(&space.to_unit(&own));
            // Entries of a choice are at the ends of equal steps, and the last one's is 1.
            own.iter().zip(&back).for_each(|(own, back)| near(*back, *own, 1e-9));
            assert!(own[2] == 0.0 || own[3] == 0.5, "{own:?}");
            let next = region.neighbour(&space, &own, &mut stream);
            let changed = own.iter().zip(&next).filter(|(a, b)| a != b).count();
            // The choice takes the knob that it governs with it.
            assert!(changed <= if own[2] != next[2] { 2 } else { 1 }, "{own:?} to {next:?}");
        }
    }
    assert_eq!(space.text(&[0.1, 4.0, 1.0, 0.5]), "rate = 0.1, depth = 4, method = adam");
}

#[test]
fn bad_spaces_are_refused_by_name() {
    let cases = [
        (vec![], "no knobs"),
        (vec![Knob::number("a", (1.0, 1.0), false, 1.0)], "knob \"a\": the range 1 to 1 is empty"),
        (vec![Knob::number("a", (0.0, 1.0), true, 0.5)], "logarithmic range from 0"),
        (vec![Knob::whole("a", (1, 4), false, 5)], "the default 5 is outside 1 to 4"),
        (vec![Knob::choice("a", &["x"], 0)], "fewer than two names"),
        (vec![Knob::choice("a", &["x", "y", "x"], 0)], "x is there twice"),
        (vec![Knob::choice("a", &["x", "y"], 2)], "the default 2 is none of 2 choices"),
        (vec![Knob::whole("a", (1, 4), false, 1), Knob::whole("a", (1, 4), false, 1)], "two knobs are called \"a\""),
        (vec![Knob::whole("a", (1, 4), false, 1).only_if(0, &[0])], "no choice that always counts"),
    ];
    for (knobs, text) in cases {
        let error = Space::new(knobs).unwrap_err().to_string();
        assert!(error.contains(text), "{error}: {text}");
    }
}

/// A valley at rate 0.1, depth 6 and adam.
fn valley(space: &Space, own: &[f64]) -> f64 {
    let unit = space.to_unit(own);
    (unit[0] - 0.75).powi(2) + (unit[1] - 0.714).powi(2) + if own[2] == 1.0 { 0.0 } else { 0.3 + 0.1 * unit[3] }
}

fn tuned(options: Options, sources: &[Task], seed: u64, count: usize) -> f64 {
    let space = space();
    let full = options.full();
    let mut tuner = Tuner::new(&space, options, sources, &[], seed);
    let (mut best, mut spent) = (f64::INFINITY, 0.0);
    while spent < count as f64 {
        let Some(next) = tuner.ask() else { break };
        let value = valley(&space, &next.configuration);
        let cost = 3f64.powi(next.level as i32 - full as i32);
        spent += cost;
        if next.level == full {
            best = best.min(value);
        }
        tuner.tell(&next, Some(value), cost, Vec::new());
    }
    best
}

#[test]
fn models_beat_random_search_and_sources_beat_none() {
    let space = space();
    let region = Region::whole(&space);
    let mut stream = Stream::named(9, "source");
    let observations = (0..60).map(|_| region.sample(&space, &mut stream)).map(|own| Observation {
        value: Some(valley(&space, &own) * 3.0 + 1.0),
        configuration: own,
        level: 2,
        cost: 1.0,
        parts: Vec::new(),
    });
    let source = Task { name: "valley".into(), meta: Vec::new(), observations: observations.collect() };
    let mean = |options: &Options, sources: &[Task]| {
        (0..8).map(|seed| tuned(options.clone(), sources, seed, 20)).sum::<f64>() / 8.0
    };
    let random = mean(&Options::plain(Model::Random), &[]);
    for model in [Model::Gaussian, Model::Forest, Model::Parzen] {
        let own = mean(&Options::plain(model), &[]);
        // Parzen densities need more than a dozen points.
        let random = if model == Model::Parzen { 1.3 * random } else { random };
        assert!(own < random, "{model:?}: {own} against {random}");
    }
    let alone = mean(&Options { transfer: None, ..Options::mftune(4) }, &[]);
    let with = mean(&Options::mftune(4), &[source]);
    assert!(with < alone && with < random, "{with} with a source, {alone} without, {random} at random");
}

/// The fidelity of two product states whose qubits are turned about Y by an angle in proportion to a knob.
struct Fidelity(f64);

impl Kernel for Fidelity {
    fn value(&self, one: &[f64], two: &[f64]) -> f64 {
        one.iter().zip(two).map(|(a, b)| (0.5 * self.0 * (a - b)).cos().powi(2)).product()
    }
}

#[test]
fn a_kernel_of_one_s_own_takes_the_place_of_matern_s() {
    let space = space();
    let kernels: [&(dyn Fn() -> Box<dyn Kernel> + Sync); 2] =
        [&|| Box::new(Fidelity(0.8)), &|| Box::new(Fidelity(2.0))];
    let run = |kernels: Vec<_>| {
        let mut tuner = Tuner::new(&space, Options::plain(Model::Gaussian), &[], &[], 1).with_kernels(kernels);
        for _ in 0..20 {
            let next = tuner.ask().unwrap();
            tuner.tell(&next, Some(valley(&space, &next.configuration)), 1.0, Vec::new());
        }
        tuner.task().clone()
    };
    let (own, matern) = (run(kernels.to_vec()), run(Vec::new()));
    assert!(own.best(2).unwrap().1 < 0.03, "{:?}", own.best(2));
    assert_ne!(own, matern);
}

#[test]
fn a_tuner_proposes_the_same_again_and_nothing_twice() {
    let space = space();
    let run = || {
        let mut tuner = Tuner::new(&space, Options { design: 3, ..Options::mftune(3) }, &[], &[], 4);
        let mut asked = Vec::new();
        for _ in 0..40 {
            let next = tuner.ask().unwrap();
            // One in four fails.
            let value = (asked.len() % 4 != 3).then(|| valley(&space, &next.configuration));
            tuner.tell(&next, value, 1.0, Vec::new());
            asked.push(next);
        }
        asked
    };
    let asked = run();
    assert_eq!(asked, run());
    assert_eq!(asked[0].configuration, space.default());
    for (k, one) in asked.iter().enumerate() {
        assert!(!asked[..k].contains(one), "{one:?} again");
    }
}

#[test]
fn a_small_space_is_measured_fully_before_a_tuner_ends() {
    let space = Space::new(vec![Knob::whole("depth", (1, 6), false, 3)]).unwrap();
    for options in [Options::mftune(1), Options::plain(Model::Forest), Options::plain(Model::Gaussian)] {
        let mut tuner = Tuner::new(&space, options.clone(), &[], &[], 2);
        while let Some(next) = tuner.ask() {
            assert!(tuner.task().observations.len() < 18, "{options:?}");
            tuner.tell(&next, Some(next.configuration[0]), 1.0, Vec::new());
        }
        assert_eq!(tuner.task().at(2).count(), 6, "{options:?}");
    }
}

#[test]
fn values_that_are_not_finite_are_failures() {
    let space = space();
    for row in STRATEGIES {
        for bad in [f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let mut tuner = Tuner::new(&space, (row.options)(space.len()), &[], &[], 0);
            for k in 0..20 {
                let next = tuner.ask().unwrap();
                let value = if k == 7 { 1.0 } else { bad };
                tuner.tell(&next, Some(value), 1.0, Vec::new());
            }
            let values = tuner.task().observations.iter().filter_map(|own| own.value);
            assert_eq!(values.collect::<Vec<f64>>(), [1.0], "{}", row.name);
        }
    }
}

#[test]
fn a_knowledge_base_reads_back_and_refuses_what_does_not_fit() {
    let observation = Observation {
        configuration: space().default(),
        level: 1,
        value: None,
        cost: 2.0,
        parts: vec![Some(1.0), None],
    };
    let task = Task { name: "a".into(), meta: vec![1.0], observations: vec![observation] };
    let own = Knowledge { space: space(), levels: 3, parts: vec!["q1".into(), "q2".into()], tasks: vec![task] };
    let text = own.to_lines();
    assert_eq!(Knowledge::from_lines(&text, "k".as_ref()).unwrap(), own);
    for (from, to, reason) in [
        ("\"level\":1", "\"level\":7", "line 3: an observation that does not fit"),
        ("[0.01,3.0,0.0,0.5]", "[0.01,3.0,7.0,0.5]", "line 3: an observation that does not fit"),
        ("[0.01,3.0,0.0,0.5]", "[0.01,3.5,0.0,0.5]", "line 3: an observation that does not fit"),
        ("\"levels\":3", "\"levels\":0", "line 1: no levels"),
        ("qgraft.knowledge/1", "qgraft.knowledge/9", "line 1: format"),
        ("{\"task\"", "{\"tusk\"", "line 2:"),
        ("\"high\":0.9", "\"high\":-1", "line 1: tuning: knob \"momentum\""),
    ] {
        let error = Knowledge::from_lines(&text.replace(from, to), "k".as_ref()).unwrap_err().to_string();
        assert!(error.contains(reason), "{error}: {reason}");
    }
}
