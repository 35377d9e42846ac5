//! What holds of every system, as a loop over the table of systems and one more that is written here.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use qgraft::lab::*;
use qgraft::systems::SYSTEMS;
use serde::{Deserialize, Serialize};
use tempfile::TempDir;
use toml::{Table, Value as Toml};

/// The least that a system is: coins of several biases are thrown.
pub(crate) struct Coins;

#[derive(Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Spec {
    seeds: Vec<u64>,
    coins: Vec<String>,
    throws: usize,
}

impl Default for Spec {
    fn default() -> Self {
        let coins = ["fair", "bent", "mint"].map(String::from).to_vec();
        Self { seeds: vec![0, 1, 2, 3], coins, throws: 100 }
    }
}

impl Settings for Spec {
    const FORMAT: &'static str = "qgraft.coins/1";
    const PRESETS: &'static [Preset<Self>] =
        &[Preset { name: "smoke", doc: "few throws", apply: |spec| spec.throws = 20 }];

    fn validate(&self, check: &mut Validation) {
        check.list("seeds", &self.seeds).count("throws", self.throws).names(
            "coins",
            &self.coins,
            ["fair", "bent", "mint"],
        );
    }
}

impl Experiment for Coins {
    type Spec = Spec;
    type Inputs = ();
    type Block = u64;

    const INFO: Info = Info { name: "coins", title: "Coins", doc: "Coins are thrown.", examples: &["", "--seeds 2"] };
    const METRICS: &'static [Metric] = &[
        Metric::higher("heads", "heads", Unit::Share, "share of heads"),
        Metric::higher("first", "first heads", Unit::Share, "share of heads among the first throws"),
    ];
    const CHECKS: &'static [Check] = &[Check {
        name: "bent",
        doc: "share of heads of the bent coin",
        expect: Expect::AtLeast(0.6),
        value: |results| Some(results.of("heads").at("coin", "bent").samples()?.mean()),
    }];
    const FLAGS: &'static [Flag<Spec>] = &[Flag::field("coins", "LIST", "coins", "Coins to throw")];

    fn grids(spec: &Spec) -> Result<Vec<Grid>, StudyError> {
        let coins = Factor::new("coin", Role::Arm, &spec.coins).with_baseline("fair").listed_by("coins");
        let prefix = Factor::new("prefix", Role::Evaluation, [5, 10]);
        let grid = Grid::new("main", "Throws", vec![Factor::seeds(&spec.seeds), coins, prefix], &["heads", "first"]);
        Ok(vec![grid.in_blocks(&["seed"])])
    }

    fn open(_: &Spec, _: &Context) -> Result<((), Measurement), StudyError> {
        Ok(((), Measurement::default().notice("coins are not fair by nature")))
    }

    fn prepare(_: &Spec, (): &(), block: &Point, _: &Context) -> Result<(u64, Measurement), StudyError> {
        Ok((block.seed() * 7, Measurement::default()))
    }

    fn trial(spec: &Spec, (): &(), start: &u64, at: &Point, context: &Context) -> Result<Measurement, StudyError> {
        let bias = match at.get("coin") {
            "fair" => 0.5,
            "bent" => 0.8,
            // The mint copies what was thrown before, with its file.
            _ => return Ok(context.finished(&at.with("coin", "bent"))?.inapplicable("it copies the bent coin")),
        };
        let mut stream = qgraft::math::Stream::numbered(*start, at.index("coin") as u64);
        let heads: Vec<bool> = (0..spec.throws).map(|_| stream.uniform() < bias).collect();
        let share = |throws: usize| heads[..throws].iter().filter(|head| **head).count() as f64 / throws as f64;
        let all = share(spec.throws);
        let found = [5, 10].into_iter().fold(Measurement::default().value("heads", all), |found, throws| {
            found.under(&[("prefix", &throws.to_string())], "first", share(throws.min(spec.throws)))
        });
        Ok(found.curve("heads", vec![bias, all]).file("coin.txt", b"1".to_vec()))
    }

    fn after(_: &Spec, at: &Point) -> Vec<Point> {
        if at.get("coin") == "mint" { vec![at.with("coin", "bent")] } else { Vec::new() }
    }
}

pub(crate) static COINS: SystemOf<Coins> = SystemOf::new();

/// Two grids of throws whose trials of one seed share what is prepared, and a metric that nothing measures.
struct Tables;

impl Experiment for Tables {
    type Spec = Spec;
    type Inputs = ();
    type Block = u64;

    const INFO: Info = Info { name: "tables", title: "Tables", doc: "Coins are thrown on two tables.", examples: &[] };
    const METRICS: &'static [Metric] = &[
        Metric::higher("heads", "heads", Unit::Share, "share of heads"),
        Metric::higher("edges", "edges", Unit::Count, "coins on their edge"),
        Metric::higher("height", "height", Unit::Plain, "of the throw"),
    ];

    fn grids(spec: &Spec) -> Result<Vec<Grid>, StudyError> {
        let grid = |name: &str| {
            let coins = Factor::new("coin", Role::Arm, ["fair", "bent"]).with_baseline("fair");
            Grid::new(name, name, vec![Factor::seeds(&spec.seeds), coins], &["heads", "edges"])
        };
        Ok(vec![
            grid("left").in_shared_blocks("hand", &["seed"]),
            grid("right").in_shared_blocks("hand", &["seed"]),
            grid("floor").in_blocks(&["seed"]),
        ])
    }

    fn open(_: &Spec, _: &Context) -> Result<((), Measurement), StudyError> {
        Ok(((), Measurement::default()))
    }

    fn prepare(_: &Spec, (): &(), block: &Point, _: &Context) -> Result<(u64, Measurement), StudyError> {
        let height = if block.grid == "hand" { 1.0 } else { 0.0 };
        Ok((block.seed(), Measurement::default().value("height", height)))
    }

    fn trial(spec: &Spec, (): &(), start: &u64, at: &Point, context: &Context) -> Result<Measurement, StudyError> {
        let mut found = Coins::trial(spec, &(), start, at, context)?;
        // These grids declare no evaluation factor.
        found.values.retain(|value| value.at.is_empty());
        Ok(found)
    }
}

pub(crate) fn every_system() -> impl Iterator<Item = &'static dyn System> {
    SYSTEMS.iter().copied().chain([&COINS as &dyn System])
}

/// The cut of a system that takes seconds.
pub(crate) fn smoke(system: &dyn System) -> Request {
    system.resolve(&Overrides { presets: vec!["smoke".into()], ..Overrides::default() }).unwrap()
}

pub(crate) fn options(out: &Path, jobs: usize) -> RunOptions {
    RunOptions { jobs, cache: out.with_extension("cache"), ..RunOptions::new(out) }
}

/// Every file below a folder, but for times: its path and its bytes.
pub(crate) fn files(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut left = vec![folder.to_path_buf()];
    while let Some(next) = left.pop() {
        for path in fs::read_dir(next).unwrap().map(|entry| entry.unwrap().path()) {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            match path.is_dir() {
                true => left.push(path),
                false if name == "timing.csv" => {}
                // Its second half is what the trial took.
                false if name == "measurement.json" => {
                    let mut stored: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
                    // The seal covers metrics that are times, too.
                    for volatile in ["usage", "seal"] {
                        stored.as_object_mut().unwrap().remove(volatile).unwrap();
                    }
                    stored["measurement"]["values"].as_array_mut().unwrap().retain(|v| v["metric"] != "cost");
                    found.push((path.strip_prefix(folder).unwrap().into(), stored.to_string().into_bytes()));
                }
                false => found.push((path.strip_prefix(folder).unwrap().into(), fs::read(&path).unwrap())),
            }
        }
    }
    found.sort();
    found
}

/// Stops the run after some trials have ended.
pub(crate) struct Impatient {
    pub(crate) ended: AtomicUsize,
    pub(crate) most: usize,
}

impl Observer for Impatient {
    fn stopped(&self) -> bool {
        self.ended.load(Ordering::SeqCst) >= self.most
    }

    fn ends(&self, _worker: usize, _title: &str, _seconds: f64, _failure: Option<&str>) {
        self.ended.fetch_add(1, Ordering::SeqCst);
    }
}

/// Counts epochs and stops the run after some.
struct Epochs {
    seen: AtomicUsize,
    most: usize,
}

impl Epochs {
    fn at_most(most: usize) -> Self {
        Self { seen: AtomicUsize::new(0), most }
    }
}

impl Observer for Epochs {
    fn stopped(&self) -> bool {
        self.seen.load(Ordering::SeqCst) >= self.most
    }

    fn reached(&self, _worker: usize, _share: f64) {
        self.seen.fetch_add(1, Ordering::SeqCst);
    }
}

#[test]
fn a_run_that_is_stopped_in_the_middle_of_a_training_continues_at_its_last_epoch() {
    for system in every_system() {
        let (name, directory) = (system.info().name, TempDir::new().unwrap());
        let spec = smoke(system);
        let (whole, halves) = (directory.path().join("whole"), directory.path().join("halves"));
        let all = Epochs::at_most(usize::MAX);
        system.run(&spec, &options(&whole, 1), &all).unwrap();
        let all = all.seen.into_inner();
        let saving = |resume: bool| RunOptions { resume, checkpoint_every: Duration::ZERO, ..options(&halves, 1) };
        let mut seen = 0;
        // Odd shares, so that trainings of several epochs are stopped within.
        for share in [0.3, 0.55] {
            let stopping = Epochs::at_most((share * all as f64) as usize + 1 - seen);
            if stopping.most > 0 && all > 1 {
                let stopped = system.run(&spec, &saving(true), &stopping);
                assert!(matches!(stopped, Err(StudyError::Paused { .. })), "{name}: {stopped:?}");
                seen += stopping.seen.into_inner();
            }
        }
        let rest = Epochs::at_most(usize::MAX);
        system.run(&spec, &saving(true), &rest).unwrap();
        assert!(files(&whole) == files(&halves), "{name}: an interrupted training makes other files");
        // What plasticity measures before an epoch and causal after it is in no checkpoint, so that trainings begin anew.
        if !["plasticity", "causal"].contains(&name) {
            assert_eq!(seen + rest.seen.into_inner(), all, "{name}: epochs are repeated");
        }
    }
}

#[test]
fn a_run_is_the_same_on_one_and_two_threads_interrupted_or_not_and_its_report_has_everything() {
    for system in every_system() {
        let (name, directory) = (system.info().name, TempDir::new().unwrap());
        let spec = smoke(system);
        let at = |run: &str| directory.path().join(run);
        let first = system.run(&spec, &options(&at("first"), 1), &()).unwrap();
        assert!(first.results.failures.is_empty(), "{name}: {:?}", first.results.failures);
        system.run(&spec, &options(&at("second"), 2), &()).unwrap();
        let whole = files(&at("first"));
        assert!(whole == files(&at("second")), "{name}: two threads make other files");

        let half = Impatient { ended: AtomicUsize::new(0), most: first.results.planned.div_ceil(2) };
        let stopped = system.run(&spec, &options(&at("third"), 1), &half);
        let all_done = first.results.planned == 1;
        assert!(matches!(stopped, Err(StudyError::Paused { .. })) || all_done, "{name}: {stopped:?}");
        let again = system.run(&spec, &options(&at("third"), 1), &());
        assert!(matches!(again, Err(StudyError::Unfinished { .. })), "{name}: {again:?}");
        let resumed = RunOptions { resume: true, ..options(&at("third"), 1) };
        system.run(&spec, &resumed, &()).unwrap();
        assert!(whole == files(&at("third")), "{name}: an interrupted run makes other files");

        let kept = read_settings(system, &at("first").join("spec.toml")).unwrap();
        assert_eq!(system.resolve(&Overrides { file: Some(kept), ..Overrides::default() }).unwrap(), spec, "{name}");
        let page = fs::read_to_string(at("first").join("report.html")).unwrap();
        let escaped = |text: &str| qgraft::report::html::escape(text);
        let rows = |metric: &str| first.results.rows.iter().any(|row| row.metric == metric);
        for grid in &first.results.grids {
            let levels = grid.factors.iter().filter(|f| f.role != Role::Seed).flat_map(|f| &f.levels);
            for level in levels {
                assert!(page.contains(&escaped(&level.name)), "{name}: the report lacks level {}", level.name);
            }
            for metric in system.metrics().iter().filter(|m| grid.metrics.contains(&m.name) && rows(m.name)) {
                assert!(page.contains(&escaped(metric.heading)), "{name}: the report lacks metric {}", metric.name);
            }
        }
        for check in &first.checked {
            assert!(page.contains(&escaped(check.doc)), "{name}: the report lacks check {}", check.name);
        }
    }
}

/// Paths and values of every field.
fn leaves(prefix: &str, table: &Table, found: &mut Vec<(String, Toml)>) {
    for (key, value) in table {
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            Toml::Table(inner) => leaves(&path, inner, found),
            value => found.push((path, value.clone())),
        }
    }
}

#[test]
fn a_bad_value_of_every_field_is_refused_by_its_name() {
    let mut wrong = Vec::new();
    for system in every_system() {
        let name = system.info().name;
        let mut fields = Vec::new();
        leaves("", &system.resolve(&Overrides::default()).unwrap().base, &mut fields);
        for (field, value) in fields {
            let bad: &[&str] = match value {
                Toml::Boolean(_) => &["7"],
                Toml::String(_) => &["nonsense"],
                // Any number may be a seed.
                Toml::Integer(_) if field.ends_with("seed") => &["-1", "many"],
                // No size is without bound: of a size that is accepted, memory is asked for.
                Toml::Integer(_) => &["-1", "many", "1000000000000", "9223372036854775807"],
                Toml::Float(_) => &["nan", "-inf", "inf", "1e300", "much"],
                Toml::Array(ref entries) if entries.iter().all(Toml::is_float) => &["nan", "1e300", "much"],
                Toml::Array(ref entries) if !field.ends_with("seeds") && entries.iter().all(Toml::is_integer) => {
                    &["-1", "many", "1000000000000"]
                }
                _ => &["nonsense"],
            };
            for text in bad {
                let set = vec![(field.clone(), text.to_string())];
                let error = system.resolve(&Overrides { set, ..Overrides::default() });
                match error.map(drop) {
                    Err(error) if error.to_string().contains(field.split('.').next_back().unwrap()) => {}
                    Err(error) => wrong.push(format!("{name}: {field} = {text}: {error}")),
                    Ok(()) => wrong.push(format!("{name}: {field} = {text} is accepted")),
                }
            }
        }
        let unknown = vec![("sedes".to_string(), "1".to_string())];
        let error = system.resolve(&Overrides { set: unknown, ..Overrides::default() }).unwrap_err().to_string();
        assert!(error.contains("sedes") && error.contains("seeds"), "{name}: {error}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn presets_settings_and_names_are_in_order() {
    let names: BTreeSet<&str> = every_system().map(|system| system.info().name).collect();
    assert_eq!(names.len(), every_system().count());
    for system in every_system() {
        let name = system.info().name;
        for (preset, doc) in system.presets() {
            let presets = vec![preset.to_string()];
            let spec = system.resolve(&Overrides { presets, ..Overrides::default() }).unwrap();
            assert!(!doc.is_empty() && !system.plan(&spec, &[]).unwrap().is_empty(), "{name}: {preset}");
        }
        let seeds = |text: &str| Overrides { seeds: Some(text.into()), ..Overrides::default() };
        let of = |text: &str| system.resolve(&seeds(text)).unwrap().base["seeds"].clone();
        assert_eq!(of("2"), of("0,1"), "{name}");
        assert!(system.resolve(&seeds("1,1")).is_err(), "{name}: a seed twice");
        for metric in system.metrics() {
            assert!(!metric.doc.is_empty() && metric.heading.split(' ').count() <= 6, "{name}: {}", metric.name);
        }
    }
}

#[test]
fn a_point_of_another_grid_has_other_levels_in_place_of_a_factor() {
    let coordinate = |factor: &str, level: &str| Coordinate { factor: factor.into(), level: level.into(), index: 0 };
    let at = |grid: &str, coordinates| Point { grid: grid.into(), coordinates };
    let fused = at("fused", vec![coordinate("throws", "20"), coordinate("coin", "bent")]);
    let single = at("main", vec![coordinate("throws", "20"), coordinate("seed", "3"), coordinate("coin", "bent")]);
    assert_eq!(fused.in_grid("main", "coin", &[("seed", "3"), ("coin", "bent")]), single);
    assert_eq!(fused.in_grid("main", "absent", &[("seed", "3")]), at("main", fused.coordinates.clone()));
}

#[test]
fn a_longer_list_of_seeds_goes_on_with_what_is_there() {
    let directory = TempDir::new().unwrap();
    let out = directory.path().join("run");
    let spec = |seeds: &str| {
        COINS.resolve(&Overrides { seeds: Some(seeds.into()), presets: vec!["smoke".into()], ..Overrides::default() })
    };
    let few = COINS.run(&spec("2").unwrap(), &options(&out, 1), &()).unwrap();
    let counted = Impatient { ended: AtomicUsize::new(0), most: usize::MAX };
    let resumed = RunOptions { resume: true, ..options(&out, 1) };
    let more = COINS.run(&spec("3").unwrap(), &resumed, &counted).unwrap();
    assert_eq!(counted.ended.into_inner(), 3, "one trial of each coin is new");
    let of = |outcome: &Outcome| outcome.results.of("heads").at("seed", "1").samples().unwrap();
    assert_eq!(of(&few), of(&more));
}

#[test]
fn an_arm_that_came_out_as_another_is_not_compared() {
    let directory = TempDir::new().unwrap();
    let outcome = COINS.run(&smoke(&COINS), &options(&directory.path().join("run"), 2), &()).unwrap();
    let of = |level: &str| outcome.compared.iter().find(|c| c.contrast.level == level).unwrap();
    assert_eq!(of("mint").inapplicable.as_deref(), Some("it copies the bent coin"));
    assert!(of("bent").inapplicable.is_none() && of("bent").comparison.seeds == 4);
    assert!(outcome.verdict.iter().any(|line| line.contains("mint − fair: not applicable")), "{:?}", outcome.verdict);
    assert!(outcome.folder.join("trials").read_dir().unwrap().flatten().any(|e| e.path().join("coin.txt").exists()));
}

#[test]
fn kept_results_read_back_and_answer_as_the_run_did() {
    let directory = TempDir::new().unwrap();
    let outcome = COINS.run(&smoke(&COINS), &options(&directory.path().join("run"), 2), &()).unwrap();
    let kept = KeptRun::from_json(&outcome.json, "metrics.json").unwrap();
    assert_eq!(kept.results().rows.len(), outcome.results.rows.len());
    for compared in &outcome.compared {
        let again = compared.contrast.compare(&kept.results(), COINS.metrics()).unwrap();
        assert_eq!(again.difference, compared.comparison.difference, "{}", compared.contrast.title());
        let reason = compared.contrast.inapplicable(&kept.results()).map(String::from);
        assert_eq!(reason, compared.inapplicable, "{}", compared.contrast.title());
    }
}

#[test]
fn tables_have_the_columns_that_they_have_values_for() {
    let directory = TempDir::new().unwrap();
    let outcome = COINS.run(&smoke(&COINS), &options(&directory.path().join("run"), 2), &()).unwrap();
    assert_eq!(outcome.tables[0].header, ["coin", "heads (%)"]);
    let page = fs::read_to_string(outcome.folder.join("report.html")).unwrap();
    let table = &page[page.find("Throws, by prefix").unwrap()..];
    let header = &table[..table.find("</thead>").unwrap()];
    assert!(header.contains("first heads (%)") && !header.contains(">heads (%)"), "{header}");
    let grid = &outcome.results.grids[0];
    let bent = Contrast::in_each_setting(grid, "coin", "bent", "fair")[0].clone().in_metric("first").at("prefix", "5");
    assert_eq!(bent.compare(&outcome.results, COINS.metrics()).unwrap().seeds, 4);
}

#[test]
fn any_field_can_be_varied_and_equal_trials_of_two_sweeps_are_one() {
    let directory = TempDir::new().unwrap();
    let file: Table = toml::from_str(
        "exclude = [{ throws = 40, bias = 'bent' }]
         [vary]
         throws = [20, 40]
         bias = { all = {}, bent = { coins = ['fair', 'bent'] } }",
    )
    .unwrap();
    let sweep = COINS.resolve(&Overrides { file: Some(file), ..Overrides::default() }).unwrap();
    let trials = directory.path().join("trials");
    let shared = |out: &str| RunOptions { trials: Some(trials.clone()), ..options(&directory.path().join(out), 2) };
    let outcome = COINS.run(&sweep, &shared("sweep"), &()).unwrap();
    // 20 throws: three coins and two; 40 throws: three coins; four seeds each.
    assert_eq!(outcome.results.planned, 4 * (3 + 2 + 3));
    let of = |throws: &str| outcome.results.of("heads").at("throws", throws).at("bias", "all").samples().unwrap().len();
    assert_eq!((of("20"), of("40")), (12, 12));
    let within = |throws: &str| {
        outcome.compared.iter().filter(|c| c.contrast.at.contains(&("throws".to_string(), throws.to_string()))).count()
    };
    assert_eq!((within("20"), within("40")), (3, 2), "comparisons are made within each variant");
    let kept = read_settings(&COINS, &outcome.folder.join("spec.toml")).unwrap();
    assert_eq!(COINS.resolve(&Overrides { file: Some(kept), ..Overrides::default() }).unwrap(), sweep);

    let counted = Impatient { ended: AtomicUsize::new(0), most: usize::MAX };
    let plain = RunOptions { resume: true, ..shared("plain") };
    COINS.run(&smoke(&COINS), &plain, &counted).unwrap();
    assert_eq!(counted.ended.into_inner(), 0, "20 throws have been thrown in the sweep");
}

#[test]
fn grids_share_blocks_and_tables_leave_out_what_nothing_measured() {
    let folder = TempDir::new().unwrap();
    let system = SystemOf::<Tables>::new();
    let outcome = system.run(&smoke(&system), &options(&folder.path().join("run"), 2), &()).unwrap();
    let heights = outcome.results.of("height");
    let of = |grid: &str| heights.rows().iter().filter(|row| row.grid == grid).count();
    // One block a seed for both tables, one a seed for the floor.
    assert_eq!((of("hand"), of("floor"), heights.rows().len()), (4, 4, 8));
    assert_eq!(outcome.results.of("heads").rows().len(), 4 * 2 * 3);
    let page = fs::read_to_string(outcome.folder.join("report.html")).unwrap();
    assert!(page.contains(">heads") && !page.contains(">edges"), "no empty column");
}
