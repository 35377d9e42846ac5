//! Causal transfer under declared shifts: what holds in an environment that nobody has seen (after Abdelsamea et al. 2026,
//! arXiv:2603.24388, a survey; methods are those of the papers that the table of methods names). Research software, not for
//! diagnosis.
//!
//! A [`Declaration`] says how environments differ. It selects and refuses methods ([`ARMS`]). Each learns on the training
//! environments of a task ([`TASKS`], or rows of the user) and is tested in another one; epoch and factor are selected by
//! training-domain validation and by an oracle, side by side. Effects in linear models check the adjustments; devices are
//! environments of a quantum head.
//!
//! [`Causal`] is the experiment, [`Spec`] its settings.

mod arms;
mod checks;
mod declaration;
mod devices;
mod effects;
mod network;
mod own;
mod saved;
mod scanner;
mod sections;
mod spec;
mod task;
mod trial;

pub use arms::{ARMS, ArmRow};
pub use declaration::{Assumption, Confounder, Declaration, Direction, KnownMechanism, Shift};
pub use devices::{DEVICE_ARMS, DeviceRow};
pub use effects::{EFFECTS, EffectRow};
pub use own::OwnData;
pub use saved::{MODEL_FILE, Saved};
pub use spec::{Images, OWN, Part, Spec};
pub use task::{TASKS, Task, TaskRow};
pub use trial::SELECTIONS;

use crate::lab::{
    Applied, ApplyOptions, Check, Context, Contrast, Experiment, Factor, Flag, Grid, Info, Measurement, Metric, Point,
    Results, Role, SavedRun, StudyError, Unit,
};
use crate::report::Section;
use crate::sim::Executions;
use crate::study::Observer;
use crate::systems::causal::arms::BASELINE;
use crate::systems::causal::devices::HEADS;
use crate::systems::causal::trial::Trial;

/// The experiment.
pub struct Causal;

/// What every trial reads.
pub struct Inputs {
    own: Option<OwnData>,
    executions: Executions,
}

const EFFECTS_GRID: &str = "effects";
const DEVICES_GRID: &str = "devices";

impl Experiment for Causal {
    type Spec = Spec;
    type Inputs = Inputs;
    type Block = Option<Task>;

    const INFO: Info = Info {
        name: "causal",
        title: "Causal transfer under declared shifts (research software, not for diagnosis)",
        doc: "What holds in an environment that nobody has seen? Invariance, adjustment and counterfactual rows under declared \
              shifts (after Abdelsamea et al. 2026, arXiv 2603.24388)",
        examples: &[
            "",
            "--tasks coloured --arms erm,irm,v_rex,oracle --seeds 5",
            "--data patients.csv --environment hospital --shifts prevalence --confounder environment",
            "--data slides --shifts acquisition --mechanism affine",
            "--preset full",
        ],
    };

    const METRICS: &'static [Metric] = &[
        Metric::higher("accuracy", "accuracy", Unit::Share, "on rows of the test environment, or of a device"),
        Metric::higher(
            "worst",
            "worst environment",
            Unit::Share,
            "the least accuracy over held-out rows of training environments and the test environment, or over devices",
        ),
        Metric::higher(
            "validation",
            "validation",
            Unit::Share,
            "accuracy on held-out rows of the training environments",
        ),
        Metric::higher("training", "training", Unit::Share, "accuracy on training rows"),
        Metric::lower("epoch", "epoch", Unit::Count, "that the rule selects"),
        Metric::lower("weight", "factor", Unit::Plain, "on the penalty that the rule selects"),
        Metric::lower(
            "irm_share",
            "IRM / loss",
            Unit::Plain,
            "penalty of IRM over the loss on training rows, last epoch",
        ),
        Metric::lower("rex_share", "V-REx / loss", Unit::Plain, "penalty of V-REx over the loss, the same"),
        Metric::lower(
            "residual_auc",
            "residuals tell environment",
            Unit::Plain,
            "area under the ROC curve of the environment by residuals of held-out rows, last epoch; 0.5 tells nothing",
        ),
        Metric::higher("residual_p", "p", Unit::Plain, "share of permutations of environments with at least this area"),
        Metric::lower("hsic", "HSIC", Unit::Plain, "dependence of features on the environment given the class"),
        Metric::higher(
            "hsic_p",
            "p",
            Unit::Plain,
            "share of permutations within classes with at least this dependence",
        ),
        Metric::lower(
            "reliance",
            "spurious reliance",
            Unit::Share,
            "change of the test accuracy when the colour of every row is flipped, last epoch",
        ),
        Metric::lower(
            "effect_error",
            "error of effect",
            Unit::Plain,
            "absolute difference from the effect of the model",
        ),
        Metric::higher("estimate", "estimate", Unit::Plain, "of the effect"),
        Metric::higher("effect", "effect", Unit::Plain, "of treatment on outcome in the model"),
        Metric::higher(
            "worst_unseen",
            "worst unseen device",
            Unit::Share,
            "the least accuracy over devices and days that the training lacks",
        ),
        Metric::lower("parameters", "parameters", Unit::Count, "trained numbers"),
    ];

    const CHECKS: &'static [Check] = checks::CHECKS;

    const FLAGS: &'static [Flag<Spec>] = &[
        Flag::apply("data", "PATH", Spec::set_data, "Own rows: a table, or a folder ENVIRONMENT/CLASS/PICTURE"),
        Flag::field("environment", "COLUMN", "environment", "Column of environments of a table"),
        Flag::field("target", "COLUMN", "target", "Column of classes of a table; the last by default"),
        Flag::field(
            "held-out",
            "LIST",
            "held_out",
            "Environments that are tested in; a third for each seed by default",
        ),
        Flag::field("shifts", "LIST", "declaration.shifts", "What differs between environments of own rows")
            .with_choices(|| vec!["population", "prevalence", "acquisition", "annotation", "manifestation"]),
        Flag::field("direction", "NAME", "declaration.direction", "Whether the input causes the label")
            .with_choices(|| vec!["causal", "anticausal"]),
        Flag::field("confounder", "NAME", "declaration.confounder", "What acts on input and label alike")
            .with_choices(|| vec!["none", "environment", "hidden"]),
        Flag::field("mechanism", "NAME", "declaration.mechanism", "How the environment changes a row")
            .with_choices(|| vec!["affine", "channels"]),
        Flag::field("parts", "LIST", "parts", "Parts of the study")
            .with_choices(|| vec!["tasks", "effects", "devices"]),
        Flag::field("tasks", "LIST", "tasks", "Tasks").with_choices(|| TASKS.iter().map(|row| row.name).collect()),
        Flag::field("arms", "LIST", "arms", "Methods; all that the declaration allows by default")
            .with_choices(|| ARMS.iter().map(|row| row.name).collect()),
        Flag::apply(
            "allow-refused",
            "",
            |spec, _| spec.allow_refused = true,
            "Run methods that the declaration refuses; the report says so",
        ),
        Flag::field("images", "NAME", "images", "Pictures of the coloured tasks")
            .with_choices(|| vec!["garments", "digits"]),
    ];

    const INPUTS: Option<&'static [&'static str]> = Some(&["data", "environment", "target", "size"]);

    fn grids(spec: &Spec) -> Result<Vec<Grid>, StudyError> {
        let seeds = || Factor::seeds(&spec.seeds);
        let mut grids = Vec::new();
        let has = |part: Part| spec.parts.contains(&part);
        if has(Part::Tasks) {
            let metrics =
                ["accuracy", "worst", "validation", "training", "reliance", "residual_auc", "irm_share", "rex_share"];
            spec.check_arms()?;
            for (name, declaration, has_oracle) in spec.declared()? {
                let arms = spec.arms_of(&declaration, has_oracle);
                if arms.is_empty() {
                    continue;
                }
                let doc = TaskRow::named(&name).map_or("own rows", |row| row.doc);
                let levels = arms.iter().map(|row| (row.name, row.doc));
                let arm = Factor::explained("arm", Role::Arm, levels).with_baseline(BASELINE);
                let selection = Factor::explained("selection", Role::Evaluation, SELECTIONS);
                let grid = Grid::new(&name, &capital(doc), vec![arm, seeds(), selection], &metrics);
                grids.push(grid.in_blocks(&["seed"]));
            }
        }
        if has(Part::Effects) && spec.data.is_none() {
            let levels = EFFECTS.iter().map(|row| (row.name, row.doc));
            let arm = Factor::explained("arm", Role::Arm, levels).with_baseline("naive");
            let metrics = ["effect_error", "estimate", "effect"];
            grids.push(Grid::new(EFFECTS_GRID, "Effects in linear models", vec![arm, seeds()], &metrics));
        }
        if has(Part::Devices) && spec.data.is_none() {
            let head = Factor::explained("head", Role::Setting, HEADS);
            let levels = DEVICE_ARMS.iter().map(|row| (row.name, row.doc));
            let arm = Factor::explained("arm", Role::Arm, levels).with_baseline("ideal");
            let names = spec.conditions().into_iter().map(|(name, _)| name);
            let device = Factor::new("device", Role::Evaluation, names);
            let metrics = ["worst", "worst_unseen", "accuracy", "parameters"];
            grids.push(Grid::new(DEVICES_GRID, "Devices as environments", vec![head, arm, seeds(), device], &metrics));
        }
        if grids.is_empty() {
            let reason = "parts, tasks and arms leave nothing to run; own rows need the part tasks";
            return Err(StudyError::Settings { reason: reason.into() });
        }
        Ok(grids)
    }

    fn open(spec: &Spec, _context: &Context) -> Result<(Inputs, Measurement), StudyError> {
        let own = spec.data.as_deref().map(|path| OwnData::read(spec, path)).transpose()?;
        // What is wrong with the environments of a seed is said before anything is trained.
        if let Some(own) = &own {
            spec.seeds.iter().try_for_each(|seed| own.task(&spec.held_out, *seed).map(drop))?;
        }
        let mut found = Measurement::default();
        for notice in own.iter().flat_map(|own| &own.notices) {
            found = found.notice(notice);
        }
        Ok((Inputs { own, executions: Executions::default() }, found))
    }

    fn prepare(
        spec: &Spec,
        inputs: &Inputs,
        block: &Point,
        _context: &Context,
    ) -> Result<(Option<Task>, Measurement), StudyError> {
        let task = match (block.grid.as_str(), &inputs.own) {
            (OWN, Some(own)) => Some(own.task(&spec.held_out, block.seed())?),
            (EFFECTS_GRID | DEVICES_GRID, _) => None,
            (name, _) => Some((TaskRow::named(name)?.build)(spec, block.seed())?),
        };
        Ok((task, Measurement::default()))
    }

    fn trial(
        spec: &Spec,
        inputs: &Inputs,
        task: &Option<Task>,
        at: &Point,
        context: &Context,
    ) -> Result<Measurement, StudyError> {
        let missing = || StudyError::MissingTrial { trial: at.to_string() };
        match (at.grid.as_str(), task) {
            (EFFECTS_GRID, _) => {
                let row = EFFECTS.iter().find(|row| row.name == at.get("arm")).ok_or_else(missing)?;
                Ok(effects::measure(row, spec.effect_rows, at.seed()))
            }
            (DEVICES_GRID, _) => {
                let row = DEVICE_ARMS.iter().find(|row| row.name == at.get("arm")).ok_or_else(missing)?;
                devices::run(spec, &inputs.executions, (row, at.get("head")), at.seed(), context)
            }
            (name, Some(task)) => {
                let declared = spec.declared()?.into_iter().find(|(own, ..)| own == name).ok_or_else(missing)?;
                let trial = Trial {
                    spec,
                    task,
                    declaration: &declared.1,
                    arm: ArmRow::named(at.get("arm"))?,
                    is_convolutional: task.shape.len() == 3 && !task.has_colour,
                    seed: at.seed(),
                };
                trial.run(context)
            }
            _ => Err(missing()),
        }
    }

    fn contrasts(_spec: &Spec, grids: &[Grid]) -> Vec<Contrast> {
        let mut found = Vec::new();
        for grid in grids {
            let Some(arms) = grid.factor("arm") else { continue };
            match grid.name.as_str() {
                EFFECTS_GRID | DEVICES_GRID => found.extend(Contrast::to_baseline(grid)),
                name => {
                    for arm in arms.names().filter(|arm| *arm != BASELINE) {
                        for rule in ["oracle", "training"] {
                            let contrast = Contrast::new(name, "accuracy", "arm", arm, BASELINE);
                            found.push(contrast.at("selection", rule));
                        }
                    }
                }
            }
        }
        found
    }

    fn sections(spec: &Spec, results: &Results) -> Vec<Section> {
        sections::sections(spec, results)
    }

    fn apply(run: &SavedRun, options: &ApplyOptions, _: &dyn Observer) -> Result<Option<Applied>, StudyError> {
        saved::apply(run, options).map(Some)
    }
}

/// With a capital letter.
fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}
