//! Choice models against other programs, worlds and policies of the pricing system, choices of a user.

use std::fs;
use std::path::{Path, PathBuf};

use ndarray::Array2;
use qgraft::classic::L1;
use qgraft::classic::choice::{Choices, Design, LinearUtility, Optimism, best_offer, revenue};
use qgraft::lab::{ApplyOptions, Outcome, Overrides, SavedRun, StudyError, System};
use qgraft::math::Stream;
use qgraft::sim::Condition;
use qgraft::systems::SYSTEMS;
use qgraft::systems::pricing::{ChoiceTable, Shift, Spec, World, debias};
use serde::Deserialize;
use tempfile::TempDir;

use crate::support::apply::apply_options;

/// Made by tests/reference/pricing.py.
#[derive(Deserialize)]
struct Reference {
    lasso: Lasso,
    offers: Vec<OfferCase>,
    logit: Logit,
}

#[derive(Deserialize)]
struct Lasso {
    x: Vec<Vec<f64>>,
    y: Vec<f64>,
    penalty: f64,
    any: Vec<f64>,
    nonnegative: Vec<f64>,
}

#[derive(Deserialize)]
struct OfferCase {
    quality: Vec<f64>,
    sensitivity: Vec<f64>,
    ceiling: f64,
    most: usize,
    revenue: f64,
    items: Vec<usize>,
    prices: Vec<f64>,
}

#[derive(Deserialize)]
struct Logit {
    rows: Vec<Vec<Vec<f64>>>,
    chosen: Vec<usize>,
    nu: Vec<f64>,
    log_likelihood: f64,
}

fn reference() -> Reference {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/reference/pricing/reference.json");
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn largest_gap(found: &[f64], wanted: &[f64]) -> f64 {
    assert_eq!(found.len(), wanted.len());
    found.iter().zip(wanted).map(|(f, w)| (f - w).abs()).fold(0.0, f64::max)
}

#[test]
fn l1_minima_are_those_of_scikit_learn() {
    let Lasso { x, y, penalty, any, nonnegative } = reference().lasso;
    let rows = y.len() as f64;
    let mut smooth = |w: &[f64], slope: &mut [f64]| {
        slope.fill(0.0);
        let mut loss = 0.0;
        for (row, y) in x.iter().zip(&y) {
            let gap = row.iter().zip(w).map(|(a, b)| a * b).sum::<f64>() - y;
            loss += gap * gap / (2.0 * rows);
            slope.iter_mut().zip(row).for_each(|(s, a)| *s += gap * a / rows);
        }
        loss
    };
    for (is_nonnegative, wanted) in [(false, any), (true, nonnegative)] {
        let found = L1 { is_nonnegative, ..L1::new(penalty) }.minimize(&vec![0.0; wanted.len()], &mut smooth);
        let gap = largest_gap(&found, &wanted);
        assert!(gap < 1e-6, "is_nonnegative {is_nonnegative}: {gap:.1e}, {found:?}");
    }
}

#[test]
fn best_offers_are_those_of_all_subsets_with_prices_of_scipy() {
    for (number, case) in reference().offers.iter().enumerate() {
        let items: Vec<LinearUtility> = case
            .quality
            .iter()
            .zip(&case.sensitivity)
            .map(|(&quality, &sensitivity)| LinearUtility { quality, sensitivity })
            .collect();
        let offer = best_offer(&items, case.most, case.ceiling);
        assert_eq!(offer.items, case.items, "case {number}");
        assert!((offer.revenue - case.revenue).abs() < 1e-6, "case {number}: {} {}", offer.revenue, case.revenue);
        // Revenue is flat around its maximum, so SciPy's prices are less exact than its revenue.
        assert!(largest_gap(&offer.prices, &case.prices) < 1e-3, "case {number}: {:?} {:?}", offer.prices, case.prices);
        let terms = offer.items.iter().zip(&offer.prices).map(|(&k, &price)| (price, items[k].at(price)));
        assert!((revenue(terms) - offer.revenue).abs() < 1e-12, "case {number}");
    }
}

fn choices(logit: &Logit) -> Choices {
    let mut found = Choices::new(3, false);
    for (rows, &chosen) in logit.rows.iter().zip(&logit.chosen) {
        found.push(&rows.concat(), Some(chosen), 1.0).unwrap();
    }
    found
}

#[test]
fn logit_models_are_those_of_biogeme() {
    let logit = reference().logit;
    let choices = choices(&logit);
    let nu = choices.fit(&[0.0; 3], 0.0).unwrap();
    assert!(largest_gap(&nu, &logit.nu) < 1e-4, "{nu:?} {:?}", logit.nu);
    let loss = choices.loss(&nu, &mut [0.0; 3]) * choices.len() as f64;
    assert!((loss + logit.log_likelihood).abs() < 1e-4, "{loss} {}", logit.log_likelihood);
}

#[test]
fn slopes_and_fisher_information_are_derivatives_with_and_without_an_outside_choice() {
    let mut stream = Stream::named(3, "choices");
    for has_outside in [false, true] {
        let mut choices = Choices::new(4, has_outside);
        for k in 0..20 {
            let rows: Vec<f64> = (0..3 * 4).map(|_| stream.normal()).collect();
            let chosen = if has_outside && k % 4 == 0 { None } else { Some(k % 3) };
            choices.push(&rows, chosen, 0.5 + stream.uniform()).unwrap();
        }
        let nu = [0.3, -0.8, 0.1, 0.5];
        let (mut slope, mut unused) = ([0.0; 4], [0.0; 4]);
        choices.loss(&nu, &mut slope);
        let fisher = choices.fisher(&nu);
        // The loss is a weighted mean, the information a sum.
        let total: f64 = {
            let mut ones = Choices::new(4, has_outside);
            ones.extend(&choices, 0..choices.len(), 1.0);
            fisher.diag().sum() / hessian(&ones, &nu).diag().sum()
        };
        let second = hessian(&choices, &nu);
        for i in 0..4 {
            let at = |by: f64| -> [f64; 4] { std::array::from_fn(|k| nu[k] + if k == i { by } else { 0.0 }) };
            let difference = (choices.loss(&at(1e-5), &mut unused) - choices.loss(&at(-1e-5), &mut unused)) / 2e-5;
            assert!((difference - slope[i]).abs() < 1e-8, "slope {i}: {difference} {}", slope[i]);
            for j in 0..4 {
                let gap = (fisher[[i, j]] / total - second[[i, j]]).abs();
                assert!(gap < 1e-6, "outside {has_outside}, {i} {j}: {gap:.1e}");
            }
        }
    }
}

/// Differences of the slope of the loss.
fn hessian(choices: &Choices, nu: &[f64; 4]) -> Array2<f64> {
    let slope = |i: usize, by: f64| {
        let mut slope = [0.0; 4];
        let at: [f64; 4] = std::array::from_fn(|k| nu[k] + if k == i { by } else { 0.0 });
        choices.loss(&at, &mut slope);
        slope
    };
    let columns: Vec<[f64; 4]> = (0..4)
        .map(|i| {
            let (up, down) = (slope(i, 1e-5), slope(i, -1e-5));
            std::array::from_fn(|k| (up[k] - down[k]) / 2e-5)
        })
        .collect();
    Array2::from_shape_fn((4, 4), |(i, j)| columns[i][j])
}

#[test]
fn choices_that_are_none_are_refused() {
    let mut choices = Choices::new(2, false);
    let cases: [(&[f64], Option<usize>, f64); 5] = [
        (&[], Some(0), 1.0),
        (&[1.0, 2.0, 3.0], Some(0), 1.0),
        (&[1.0, 2.0], Some(1), 1.0),
        (&[1.0, 2.0], None, 1.0),
        (&[1.0, 2.0], Some(0), f64::NAN),
    ];
    for (rows, chosen, weight) in cases {
        assert!(choices.push(rows, chosen, weight).is_err(), "{rows:?} {chosen:?} {weight}");
    }
    assert!(choices.is_empty());
}

#[test]
fn optimistic_utilities_are_above_estimated_ones_and_fall_with_the_price() {
    let design = Design::full(3);
    let mut stream = Stream::named(1, "optimism");
    let items: Vec<f64> = (0..5 * 3).map(|_| stream.uniform()).collect();
    let nu = [0.5, -0.2, 1.0, 0.4, 0.5, 0.6];
    let prices: Vec<f64> = (1..=50).map(|k| f64::from(k) * 0.1).collect();
    let optimism = |alpha: f64, beta: f64| Optimism { inverse: Array2::eye(6) * 0.2, alpha, beta, least_slope: 0.1 };
    let plain = optimism(0.0, 0.0).table(&design, &items, &nu, &prices);
    let bound = optimism(0.7, 0.1).table(&design, &items, &nu, &prices);
    for (item, x) in items.chunks(3).enumerate() {
        let utility = design.utility(x, &nu);
        for (level, price) in prices.iter().enumerate() {
            let at = item * prices.len() + level;
            let estimated = utility.at(*price);
            assert!((plain.weights[at].ln() - estimated.min(plain.weights[at].ln())).abs() < 1e-9);
            assert!(bound.weights[at] > plain.weights[at], "item {item} at {price}");
            if level > 0 {
                let fall = bound.weights[at - 1].ln() - bound.weights[at].ln();
                assert!(fall >= 0.1 * 0.1 - 1e-9, "item {item} at {price}: {fall}");
            }
        }
    }
    // At one price the radius is α |row| in the metric plus β times the largest entry.
    let x = &items[..3];
    let mut row = Vec::new();
    design.push_row(x, prices[0], &mut row);
    let norm = (0.2 * row.iter().map(|v| v * v).sum::<f64>()).sqrt();
    let most = row.iter().fold(0.0f64, |most, v| most.max(v.abs()));
    let wanted = design.utility(x, &nu).at(prices[0]) + 0.7 * norm + 0.1 * most;
    assert!((bound.weights[0].ln() - wanted).abs() < 1e-12);
    // The best of the list of prices comes close to the best of all prices.
    let all: Vec<LinearUtility> = items.chunks(3).map(|x| design.utility(x, &nu)).collect();
    let (of_list, exact) = (plain.best_offer(2).revenue, best_offer(&all, 2, 5.0).revenue);
    assert!(of_list <= exact + 1e-12 && of_list > exact - 2e-3, "{of_list} {exact}");
}

#[test]
fn a_sparse_difference_of_markets_is_found() {
    let spec = Spec { features: 5, rounds: 2000, sources: 3, ..Spec::default() };
    let shift = Shift { coordinates: 2, size: 1.5, has_other_covariates: false };
    let world = World::simulated(&spec, shift, 4).unwrap();
    let truth = world.truth.clone().unwrap();
    // The first source plays the target: its difference from the others' aggregate is that of the worlds.
    let same = World::simulated(&spec, Shift { coordinates: 0, ..shift }, 4).unwrap();
    let mut sources = Choices::new(10, true);
    world.sources.iter().for_each(|own| sources.extend(own, 0..own.len(), 1.0));
    let aggregate = sources.fit(&[0.0; 10], 1e-6).unwrap();
    let delta = debias(&same.sources[0], &aggregate, 0.02);
    for k in 0..10 {
        let wanted = truth[k] - world.source_truth[0][k];
        let is_kept = if wanted == 0.0 { delta[k].abs() < 0.35 } else { delta[k].signum() == wanted.signum() };
        assert!(is_kept, "parameter {k}: {} for {wanted}", delta[k]);
    }
}

fn pricing() -> &'static dyn System {
    SYSTEMS.iter().copied().find(|system| system.info().name == "pricing").unwrap()
}

fn run(folder: &Path, flags: &[(&str, &str)]) -> Result<Outcome, StudyError> {
    let flags = flags.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect();
    let request = pricing().resolve(&Overrides { presets: vec!["smoke".into()], flags, ..Overrides::default() })?;
    pricing().run(&request, &crate::systems::options(folder, 2), &())
}

fn apply(run: &Path, data: &Path, condition: Condition) -> Result<qgraft::lab::Applied, StudyError> {
    let options = ApplyOptions { condition, ..apply_options(data, None) };
    pricing().apply(&SavedRun::open(run)?, &options, &())
}

/// Choices between two bottles and none, in a rich and a poor town: the poor one minds prices more.
fn bottles(path: &Path, choices: usize, is_known: bool) -> PathBuf {
    let mut text = format!("market,choice,item,price,size{}\n", if is_known { ",chosen" } else { "" });
    for (town, mind) in [("rich", 0.5), ("poor", 1.5)] {
        let mut stream = Stream::named(5, town);
        for choice in 0..choices {
            let offered = ["red", "white"].map(|item| (item, 0.5 + 3.0 * stream.uniform(), stream.uniform()));
            let weights = offered.map(|(_, price, size)| (0.5 + 2.0 * size - mind * price).exp());
            let mut left = stream.uniform() * (1.0 + weights[0] + weights[1]);
            let chosen = weights.iter().position(|weight| {
                left -= weight;
                left < 0.0
            });
            for (k, (item, price, size)) in offered.into_iter().enumerate() {
                let last = if is_known { format!(",{}", u8::from(chosen == Some(k))) } else { String::new() };
                text += &format!("{town},{town}-{choice},{item},{price:.3},{size:.3}{last}\n");
            }
        }
    }
    fs::write(path, text).unwrap();
    path.into()
}

#[test]
fn models_of_own_choices_know_prices_and_answer_for_new_choices() {
    let directory = TempDir::new().unwrap();
    let data = bottles(&directory.path().join("bottles.csv"), 400, true);
    let table = ChoiceTable::read(&data, 4.0).unwrap();
    assert_eq!(table.columns.names(), ["size", "constant of red", "constant of white", "- price"]);
    let choices = table.columns.choices(&table.markets[0].sets).unwrap();
    let nu = table.columns.in_units(&choices.fit(&[0.0; 4], 1e-9).unwrap());
    assert_eq!(table.markets[0].name, "poor");
    // Standard errors of 400 choices are about 0.2.
    assert!((nu[3] - 1.5).abs() < 0.5 && (nu[0] - 2.0).abs() < 0.8, "{nu:?}");

    let folder = directory.path().join("run");
    let flags = [("data", data.to_str().unwrap()), ("target", "poor"), ("arms", "target_only,transfer,pooled")];
    let outcome = run(&folder, &flags).unwrap();
    assert!(outcome.results.failures.is_empty(), "{:?}", outcome.results.failures);
    let loss = |arm: &str| outcome.results.of("log_loss").at("arm", arm).at("rows", "50").samples().unwrap().mean();
    assert!(loss("debiased") < loss("aggregate"), "{} {}", loss("debiased"), loss("aggregate"));
    assert!(outcome.results.of("regret").grid("own").at("arm", "transfer").samples().unwrap().mean() > 0.0);
    let page = fs::read_to_string(folder.join("report.html")).unwrap();
    assert!(page.contains("the target is market poor") && page.contains("constant of red"));

    let new = bottles(&directory.path().join("new.csv"), 3, false);
    let applied = apply(&folder, &new, Condition::default()).unwrap();
    assert!(applied.model.contains("debiased") && applied.model.ends_with("market poor"), "{}", applied.model);
    assert_eq!((applied.rows.len(), applied.known), (2 * 2 * 3, 0));
    let best = applied.rows.iter().filter_map(|row| row[5].as_f64()).fold(0.0, f64::max);
    assert!(best > 0.3 && best < 4.0, "{:?}", applied.rows);
    let known = apply(&folder, &data, Condition::default()).unwrap();
    assert_eq!(known.known, 800);
    assert!(known.metrics.iter().all(|(_, value)| *value > 0.0 && *value < 1.2), "{:?}", known.metrics);

    let shots = Condition { shots: Some(100), ..Condition::default() };
    let refused = apply(&folder, &new, shots).unwrap_err().to_string();
    assert!(refused.contains("no circuit"), "{refused}");
    let narrow = directory.path().join("narrow.csv");
    fs::write(&narrow, "choice,item,price\n1,red,2\n").unwrap();
    let refused = apply(&folder, &narrow, Condition::default()).unwrap_err().to_string();
    assert!(refused.contains("narrow.csv") && refused.contains("no column size"), "{refused}");
    for (text, reason) in [
        (
            "choice,item,price,size\n1,red,2,1\n1,rose,2,1\n",
            "choice 1: the model knows no item rose; its items are red",
        ),
        ("choice,price,size\n1,2,1\n", "no column `item`"),
    ] {
        fs::write(&narrow, text).unwrap();
        let refused = apply(&folder, &narrow, Condition::default()).unwrap_err().to_string();
        assert!(refused.contains(reason), "{refused}");
    }
}

#[test]
fn a_price_alone_is_enough() {
    let directory = TempDir::new().unwrap();
    let data = bottles(&directory.path().join("bottles.csv"), 100, true);
    // Market, choice, price, chosen.
    let text: String = fs::read_to_string(&data)
        .unwrap()
        .lines()
        .map(|line| [0, 1, 3, 5].map(|k| line.split(',').nth(k).unwrap()).join(",") + "\n")
        .collect();
    let plain = directory.path().join("plain.csv");
    fs::write(&plain, text).unwrap();
    let folder = directory.path().join("run");
    let flags = [("data", plain.to_str().unwrap()), ("target", "poor"), ("arms", "target_only")];
    let outcome = run(&folder, &flags).unwrap();
    assert!(outcome.results.failures.is_empty(), "{:?}", outcome.results.failures);
    let applied = apply(&folder, &plain, Condition::default()).unwrap();
    assert_eq!((applied.rows.len(), applied.known), (400, 200));
}

#[test]
fn tables_without_prices_or_with_wrong_signs_have_no_bandit_but_models() {
    let directory = TempDir::new().unwrap();
    let data = directory.path().join("plain.csv");
    let mut text = String::from("market,choice,chosen,size\n");
    for choice in 0..40 {
        let market = if choice % 2 == 0 { "a" } else { "b" };
        text += &format!("{market},{choice},{},{}\n", u8::from(choice % 3 == 0), choice % 5);
        text += &format!("{market},{choice},{},{}\n", u8::from(choice % 3 == 1), choice % 7);
    }
    fs::write(&data, text).unwrap();
    let folder = directory.path().join("run");
    let outcome = run(&folder, &[("data", data.to_str().unwrap()), ("arms", "target_only,transfer")]).unwrap();
    assert!(outcome.results.failures.is_empty(), "{:?}", outcome.results.failures);
    assert!(outcome.results.of("regret").samples().is_none());
    let page = fs::read_to_string(folder.join("report.html")).unwrap();
    assert!(page.contains("needs a column `price`") && page.contains("only 10 of them are to learn from"));
    let applied = apply(&folder, &data, Condition::default());
    // No model of the run has as many rows as the smoke preset asks for, but the sources alone have one.
    assert!(applied.unwrap().notices.iter().any(|notice| notice.contains("no price")));
}

#[test]
fn bad_tables_of_choices_are_refused_by_what_is_wrong() {
    let directory = TempDir::new().unwrap();
    let good = "market,choice,chosen,price\na,1,1,2\na,1,0,3\nb,2,1,2\nb,2,0,3\n";
    let cases = [
        ("empty", "", "no column `choice`"),
        ("no market", "choice,chosen,price\n1,1,2\n", "no column `market`"),
        ("no chosen", "market,choice,price\na,1,2\nb,2,3\n", "no column `chosen`"),
        ("one market", "market,choice,chosen,price\na,1,1,2\na,2,0,3\n", "at least two"),
        ("two chosen", &good.replace("a,1,0", "a,1,1"), "two chosen"),
        ("half chosen", &good.replace("a,1,0", "a,1,0.5"), "expected 0 or 1"),
        ("two markets", &good.replace("b,2,0", "b,1,0"), "is of market a, too"),
        ("word", &good.replace("b,2,0,3", "b,2,0,dear"), "line 5"),
        ("free", &good.replace(",2\n", ",0\n").replace(",3\n", ",0\n"), "no price is above 0"),
        ("few", good, "at least 4"),
        ("constant", "market,choice,chosen,price,x\na,1,1,2,7\nb,2,0,3,7\n", "`x` has the same value"),
        ("names", "market,choice,chosen\na,1,1\nb,2,0\n", "nothing but names"),
    ];
    for (name, text, reason) in cases {
        let path = directory.path().join(format!("{name}.csv"));
        fs::write(&path, text).unwrap();
        let error = match run(&directory.path().join(format!("run {name}")), &[("data", path.to_str().unwrap())]) {
            Err(error) => error.to_string(),
            Ok(outcome) => format!("{:?}", outcome.results.failures),
        };
        assert!(error.contains(reason), "{name}: {error}; expected {reason}");
    }
    let path = directory.path().join("few.csv");
    let flags = [("data", path.to_str().unwrap()), ("target", "c")];
    let refused = run(&directory.path().join("unknown"), &flags);
    let refused = refused.map(|outcome| format!("{:?}", outcome.results.failures)).unwrap_or_else(|e| e.to_string());
    assert!(refused.contains("unknown target"), "{refused}");
}
