//! Random forests into networks: by distillation, and by exact conversion (after Sung et al. 2026, arXiv:2603.25699).
//!
//! A table → training, validation and test rows → a forest → students on [`TARGETS`] → the best of them, chosen by
//! validation or by the results on other tables; a student behind a linear stage; and the forest itself as
//! [`ForestNetwork`], exact or with sigmoids and trained on.
//!
//! [`RandomForests`] is the experiment, [`Spec`] its settings. Students, their teacher, the choice among them, conversion
//! and pipeline are grids of their own. All but the choice share the forest of their table and seed.

mod apply;
mod checks;
mod choice;
mod conversion;
mod meta_features;
mod model;
mod network;
mod own_inputs;
mod own_table;
mod pipeline;
mod quality;
mod sections;
mod spec;
mod student;
mod targets;
mod task;
mod trial;

pub use choice::CHOICES;
pub use conversion::FORMS;
pub use meta_features::{META_FEATURES, MetaFeatureRow};
pub use model::{MODEL_FILE, TableModel, Weights};
pub use network::{ForestNetwork, Gate};
pub use own_inputs::OwnTable;
pub use pipeline::STAGES;
pub use quality::{NumberQuality, Quality};
pub use spec::{Conversion, Shape, Spec, TASKS};
pub use student::{Body, Student, predict};
pub use targets::{Imitation, TARGETS, TargetRow, mixed, swapped};
pub use task::{Rows, Task};

use crate::data::{BUNDLED, Tabular};
use crate::lab::{
    Applied, ApplyOptions, Check, Context, Contrast, Experiment, Factor, Files, Flag, Grid, Info, Measurement, Metric,
    Observer, Point, Results, Role, SavedRun, StudyError, TrialFiles, Unit,
};
use crate::report::Section;
use crate::systems::conditions::{devices_flag, shots_flag};
use crate::systems::methods::{METHOD, contrasts, methods_flag};

/// The experiment.
pub struct RandomForests;

/// What every trial reads.
pub enum Inputs {
    /// Tables of a study.
    Tables(Vec<Tabular>),
    /// One table of the user.
    Own(Box<OwnTable>),
}

/// Factors of a task.
const TASK: &[&str] = &["table", "seed"];

impl Experiment for RandomForests {
    type Spec = Spec;
    type Inputs = Inputs;
    /// `None` where nothing is trained.
    type Block = Option<Task>;

    const INFO: Info = Info {
        name: "forest",
        title: "Random forests as networks",
        doc: "Random forests into networks by distillation and by exact conversion (after Sung et al. 2026, arXiv \
              2603.25699)",
        examples: &[
            "",
            "--data measurements.csv --target yield",
            "--data measurements.csv --forest sklearn_forest.safetensors",
            "--preset full --data keel --seeds 1",
            "--heads quantum --tables iris",
        ],
    };

    const METRICS: &'static [Metric] = &[
        Metric::higher("accuracy", "accuracy", Unit::Share, "test rows classified correctly"),
        Metric::higher("agreement", "agreement", Unit::Share, "test rows with the class of the forest"),
        Metric::lower("divergence", "divergence", Unit::Nats, "mean KL(forest ‖ student) on test rows"),
        Metric::lower("log_loss", "log-loss", Unit::Nats, "mean on test rows, probabilities from 0.001 on"),
        Metric::higher("r2", "R²", Unit::Plain, "share of the target's variance on test rows that is explained"),
        Metric::lower("mae", "mean error", Unit::Plain, "mean absolute error on test rows, in units of the target"),
        Metric::lower(
            "rmse",
            "RMSE",
            Unit::Plain,
            "root of the mean squared error on test rows, in units of the target",
        ),
        Metric::lower("regret", "agreement lost", Unit::Share, "against the best student of all on the same task"),
        Metric::lower("difference", "difference", Unit::Plain, "largest difference of a probability to the forest's"),
        Metric::higher("rows", "rows", Unit::Count, "training rows"),
        Metric::higher("columns", "columns", Unit::Count, "columns as networks read them"),
        Metric::higher("classes", "classes", Unit::Count, "classes"),
        Metric::higher("components", "components", Unit::Count, "principal components"),
    ];

    const CHECKS: &'static [Check] = checks::CHECKS;

    const FLAGS: &'static [Flag<Spec>] = &[
        Flag::apply(
            "data",
            "PATH",
            Spec::set_data,
            "A CSV, KEEL .dat or Parquet file: models of this table in five folds; or a folder of them: a study",
        ),
        Flag::field("target", "COLUMN", "target", "What to predict in one file; its last column by default"),
        Flag::field("task", "NAME", "task", "What the target is; by default its values decide")
            .with_choices(|| TASKS.to_vec()),
        Flag::field("keep", "LIST", "keep", "Columns to read although they look like identifiers or dates"),
        Flag::field("drop", "LIST", "drop", "Further columns to leave out"),
        Flag::field("forest", "FILE", "forest", "A forest of scikit-learn in safetensors, in place of one grown here"),
        Flag::field("folds", "K", "folds", "Cross-validation over K parts, of which --seeds K tests each once"),
        Flag::field("epochs", "N", "train.epochs", "Epochs of students"),
        Flag::field("tables", "LIST", "tables", "Tables inside the program, where there is no --data")
            .with_choices(|| BUNDLED.iter().map(|row| row.name).collect()),
        Flag::field("targets", "LIST", "targets", "What students learn from")
            .with_choices(|| TARGETS.iter().map(|row| row.name).collect()),
        Flag::field(
            "heads",
            "LIST",
            "heads",
            "Further students (see `qgraft list heads`); NAME@DEVICE trains under noise",
        ),
        methods_flag(),
        devices_flag(),
        shots_flag(),
        Flag::field("trees", "N", "trees", "Trees of the forest"),
        Flag::field("rows", "N", "rows", "Training rows, at most"),
    ];

    fn grids(spec: &Spec) -> Result<Vec<Grid>, StudyError> {
        if spec.is_own_table() {
            return Ok(vec![own_table::grid(spec)?]);
        }
        let (main, teacher) = trained(spec)?;
        let tables = main.factor("table").map_or(0, |table| table.levels.len());
        let task = || [main.factors[0].clone(), main.factors[1].clone()];
        let grid = |name: &str, heading: &str, factor: Factor, metrics: &[&'static str]| {
            Grid::new(name, heading, task().into_iter().chain([factor]).collect(), metrics)
        };
        let choices = Factor::explained("choice", Role::Evaluation, choice::choices(spec, tables).iter().copied());
        let forms = Factor::explained("form", Role::Evaluation, FORMS);
        let stages = Factor::explained("stage", Role::Arm, STAGES).with_baseline("frozen");
        let quality = ["accuracy", "agreement", "divergence", "log_loss"];
        let of_choice = [&quality[..], &["regret"]].concat();
        let of_network = [&quality[..], &["difference"]].concat();
        let mut grids = vec![
            main.clone(),
            teacher,
            grid("choice", "Choice of a student", choices, &of_choice),
            grid("network", "The forest as a network", forms, &of_network).in_shared_blocks("task", TASK),
        ];
        if spec.components > 0 {
            let heading = "A linear stage in front of a student";
            let metrics = ["log_loss", "accuracy", "agreement", "divergence", "components"];
            grids.push(grid("pipeline", heading, stages, &metrics).in_shared_blocks("task", TASK));
        }
        Ok(grids)
    }

    fn open(spec: &Spec, _context: &Context) -> Result<(Inputs, Measurement), StudyError> {
        if spec.is_own_table() {
            let (own, found) = own_inputs::open(spec)?;
            return Ok((Inputs::Own(Box::new(own)), found));
        }
        let tables = task::tables(spec)?;
        let notices = tables.iter().flat_map(|table| &table.notices);
        let measurement = notices.fold(Measurement::default(), Measurement::notice);
        Ok((Inputs::Tables(tables), measurement))
    }

    fn prepare(
        spec: &Spec,
        inputs: &Inputs,
        block: &Point,
        _context: &Context,
    ) -> Result<(Option<Task>, Measurement), StudyError> {
        let tables = match inputs {
            Inputs::Tables(tables) => tables,
            Inputs::Own(own) => {
                let (task, found) = own_inputs::prepare(spec, own, block.seed())?;
                return Ok((Some(task), found));
            }
        };
        let task = match block.grid.as_str() {
            "task" => Some(Task::new(spec, &tables[block.index("table")], block.seed())?),
            _ => None,
        };
        Ok((task, Measurement::default()))
    }

    fn trial(
        spec: &Spec,
        inputs: &Inputs,
        block: &Option<Task>,
        at: &Point,
        context: &Context,
    ) -> Result<Measurement, StudyError> {
        let Some(task) = block else {
            let (main, teacher) = trained(spec)?;
            return choice::choose(spec, at, (&main, &teacher), context);
        };
        if let Inputs::Own(own) = inputs {
            return own_table::trial(spec, own, task, at, context);
        }
        match at.grid.as_str() {
            "main" => {
                let target = TargetRow::named(at.get("target"))?;
                trial::student(spec, task, target, (at.index("student"), at.get(METHOD)), context)
            }
            "teacher" => trial::teacher(spec, task),
            "network" => conversion::conversion(spec, task, context.observer),
            _ => pipeline::pipeline(spec, task, at.get("stage") == "joint", context.observer),
        }
    }

    fn after(spec: &Spec, at: &Point) -> Vec<Point> {
        if at.grid != "choice" {
            return Vec::new();
        }
        match (at.grid.as_str(), trained(spec)) {
            ("choice", Ok((main, teacher))) => choice::followed(spec, at, (&main, &teacher)),
            _ => Vec::new(),
        }
    }

    /// Pairs of a task: targets with labels, students with the first shape, choices, joint training.
    fn contrasts(spec: &Spec, _grids: &[Grid]) -> Vec<Contrast> {
        if spec.is_own_table() {
            return own_table::contrasts(spec);
        }
        let pair = |grid: &str, metric: &str, factor: &str, level: &str, baseline: &str| {
            Contrast::new(grid, metric, factor, level, baseline).paired_by(TASK)
        };
        let (students, shape) = (spec.student_names(), spec.shapes[0].name());
        let mut found = Vec::new();
        for metric in ["accuracy", "agreement", "divergence"] {
            for target in spec.targets.iter().filter(|target| *target != "hard") {
                found.push(pair("main", metric, "target", target, "hard").at("student", &shape));
            }
        }
        for metric in ["agreement", "divergence"] {
            for target in &spec.targets {
                let others = students.iter().filter(|student| **student != shape);
                found.extend(others.map(|other| pair("main", metric, "student", other, &shape).at("target", target)));
            }
        }
        for (target, student) in spec.targets.iter().flat_map(|target| students.iter().map(move |s| (target, s))) {
            let within = [("target", target.as_str()), ("student", student.as_str())];
            let methods = contrasts(&spec.method, ("main", "accuracy"), &within);
            found.extend(methods.into_iter().map(|contrast| contrast.paired_by(TASK)));
        }
        found.push(pair("choice", "accuracy", "choice", "validation", "forest"));
        for choice in ["guided", "guided_three"] {
            found.push(pair("choice", "regret", "choice", choice, "average"));
        }
        for metric in ["accuracy", "log_loss"] {
            found.push(pair("network", metric, "form", "trained", "sigmoids"));
            found.push(pair("pipeline", metric, "stage", "joint", "frozen"));
        }
        found
    }

    fn sections(spec: &Spec, results: &Results) -> Vec<Section> {
        if spec.is_own_table() { Vec::new() } else { sections::sections(spec, results) }
    }

    fn artifacts(spec: &Spec, results: &Results, files: &TrialFiles) -> Result<Files, StudyError> {
        if spec.is_own_table() { own_table::artifacts(results, files) } else { Ok(Vec::new()) }
    }

    fn apply(run: &SavedRun, options: &ApplyOptions, _observer: &dyn Observer) -> Result<Option<Applied>, StudyError> {
        apply::apply(run, options).map(Some)
    }
}

/// The grids of students and of teachers, whose results the choice reads.
fn trained(spec: &Spec) -> Result<(Grid, Grid), StudyError> {
    let tables = task::names(spec)?;
    let doc = |name: &String| BUNDLED.iter().find(|row| row.name == name).map_or("a file", |row| row.doc);
    let tables = Factor::explained("table", Role::Setting, tables.iter().map(|name| (name.clone(), doc(name))));
    let targets = spec.targets.iter().map(|name| TargetRow::named(name).map(|row| (row.name, row.doc)));
    let targets: Vec<_> = targets.collect::<Result<_, _>>()?;
    let task = [tables.listed_by("tables"), Factor::seeds(&spec.seeds)];
    let arms = [
        Factor::explained("target", Role::Arm, targets).with_baseline("hard").listed_by("targets"),
        Factor::new("student", Role::Arm, spec.student_names()).with_baseline(&spec.shapes[0].name()),
    ];
    let quality = ["accuracy", "agreement", "divergence", "log_loss"];
    let more = spec.method.factor().into_iter().chain(spec.evaluate.factors());
    let factors = task.iter().cloned().chain(arms).chain(more).collect();
    let main = Grid::new("main", "Students", factors, &quality).in_shared_blocks("task", TASK);
    let size = ["accuracy", "log_loss", "rows", "columns", "classes"];
    let teacher = Grid::new("teacher", "The forest", task.to_vec(), &size).in_shared_blocks("task", TASK);
    Ok((main, teacher))
}
