//! One network for tasks of any permutation symmetry (after Goel, Lim, Lawrence, Jegelka & Huang 2026, "Any-subgroup
//! equivariant networks via symmetry breaking", arXiv:2603.19486).
//!
//! The symmetry of a task is an input: a group of permutations of positions colours the pairs of positions, and a network
//! that treats all positions alike reads the colours. What it learns is then equivariant to exactly the permutations that
//! keep the colours. The study asks what the right group is worth, and whether what was learned under other groups helps.
//!
//! [`Equivariance`] is the experiment, [`Spec`] its settings. [`GROUPS`] are the symmetries, [`TASKS`] and [`ATOM_TASKS`] the
//! tasks.

mod checks;
mod groups;
mod molecules;
mod network;
mod readout;
mod saved;
mod sequences;
mod spec;
mod tasks;
mod trial;

pub use groups::{GROUPS, Group, GroupRow, Needs};
pub use molecules::{ATOM_TASKS, AtomTask};
pub use network::{EquivariantNet, PositionLoss, Size, Task};
pub use readout::{Readout, TiedCircuit};
pub use sequences::{Form, Sequences};
pub use spec::{Part, Spec, TransferSpec};
pub use tasks::{TASKS, TaskRow};

use crate::lab::{
    Applied, ApplyOptions, Check, Context, Contrast, Experiment, Factor, Flag, Grid, Info, Measurement, Metric,
    Observer, Point, Role, SavedRun, StudyError, Unit,
};
use crate::systems::equivariance::trial::{Rows, Source};

/// The experiment.
pub struct Equivariance;

/// The readouts and what they are, the baseline first.
const READOUTS: &[(&str, &str, Readout)] = &[
    ("angle", "one number a position, then a linear layer", Readout::Angle),
    ("circuit", "the same with a circuit of tied weights between", Readout::Circuit),
    ("linear", "a linear layer on the vector of a position", Readout::Linear),
];

/// Ways to learn a task with few rows.
const TRANSFERS: &[(&str, &str)] = &[
    ("scratch", "from the start, under its own group"),
    ("transferred", "after the other tasks, each under its own group"),
    ("scratch_trivial", "from the start, under no group"),
    ("transferred_trivial", "after the other tasks, all under no group"),
];

/// What the trials of one task and seed share.
pub struct Block {
    rows: Vec<Rows>,
    source: Option<Source>,
}

impl Experiment for Equivariance {
    type Spec = Spec;
    type Inputs = ();
    type Block = Block;

    const INFO: Info = Info {
        name: "equivariance",
        title: "Any-subgroup equivariance",
        doc: "What is the right symmetry of a network worth, and does it transfer? (after Goel et al. 2026, arXiv 2603.19486)",
        examples: &[
            "",
            "--tasks intersect,cyclic_sum --parts groups --seeds 5",
            "--tasks digits --groups trivial,mirror,square,symmetric --parts groups",
            "--tasks ethanol_forces,ethanol_corrections,water_forces",
            "--data sequences.csv --group symmetry.txt",
            "--preset full",
        ],
    };

    const METRICS: &'static [Metric] = &[
        Metric::lower("loss", "test loss", Unit::Nats, "mean cross-entropy of a position on test rows"),
        Metric::higher("accuracy", "test accuracy", Unit::Share, "positions of test rows labelled rightly"),
        Metric::higher("validation", "validation accuracy", Unit::Share, "the same on validation rows, best epoch"),
        Metric::higher("majority", "majority", Unit::Share, "test labels that are the most frequent one"),
        Metric::lower(
            "inside",
            "change inside",
            Unit::Plain,
            "largest change of a logit under a generator of the group",
        ),
        Metric::higher("outside", "change outside", Unit::Plain, "the same under a permutation outside of the group"),
        Metric::lower("orbits", "orbits", Unit::Count, "orbits of pairs of positions"),
        Metric::lower("parameters", "parameters", Unit::Count, "trained numbers"),
        Metric::higher(
            "cosine",
            "cosine",
            Unit::Plain,
            "mean cosine of orbits that the missing symmetry maps to each other",
        ),
        Metric::higher("least_cosine", "least cosine", Unit::Plain, "the least of these cosines"),
    ];

    const CHECKS: &'static [Check] = checks::CHECKS;

    const FLAGS: &'static [Flag<Spec>] = &[
        Flag::field("tasks", "LIST", "tasks", "Tasks to learn: of sequences, of atoms, or `digits`")
            .with_choices(spec::task_choices),
        Flag::field("data", "FILE", "data", "Own sequences: a table with columns x1, x2, … and y1, y2, … or y"),
        Flag::field(
            "group",
            "NAME|FILE",
            "group",
            "Group of own sequences or digits; a file has one permutation a line",
        ),
        Flag::field("groups", "LIST", "groups", "Groups to learn every task under; own is that of the task"),
        Flag::field("parts", "LIST", "parts", "Parts of the study")
            .with_choices(|| vec!["groups", "readouts", "transfer", "together", "discovery"]),
    ];

    fn grids(spec: &Spec) -> Result<Vec<Grid>, StudyError> {
        let seeds = || Factor::seeds(&spec.seeds);
        let tasks = || match &spec.data {
            Some(_) => Factor::new("task", Role::Setting, spec.task_names()),
            None => Factor::explained("task", Role::Setting, spec.task_names().into_iter().map(described))
                .listed_by("tasks"),
        };
        let arms =
            |rows: &[(&str, &str)]| Factor::explained("arm", Role::Arm, rows.iter().map(|(name, doc)| (*name, *doc)));
        let quality = ["loss", "accuracy", "validation"];
        let mut grids = Vec::new();
        if spec.has(Part::Groups) {
            let groups = Factor::new("arm", Role::Arm, &spec.groups).with_baseline("trivial").listed_by("groups");
            let metrics = ["loss", "accuracy", "majority", "orbits", "inside", "outside"];
            grids.push(Grid::new("groups", "Groups", vec![tasks(), seeds(), groups], &metrics));
        }
        if spec.has(Part::Readouts) {
            let rows: Vec<(&str, &str)> = READOUTS.iter().map(|(name, doc, _)| (*name, *doc)).collect();
            let readouts = arms(&rows).with_baseline("angle");
            let metrics = ["loss", "accuracy", "parameters", "inside"];
            grids.push(Grid::new("readouts", "Readouts", vec![tasks(), seeds(), readouts], &metrics));
        }
        if spec.has(Part::Transfer) {
            let rows = Factor::new("rows", Role::Setting, &spec.transfer.rows);
            let factors = vec![tasks(), rows, seeds(), arms(TRANSFERS).with_baseline("scratch")];
            grids.push(Grid::new("transfer", "After other tasks", factors, &quality));
        }
        if spec.has(Part::Together) {
            let ways = [("alone", "the task alone"), ("together", "all tasks at once")];
            let factors = vec![tasks(), seeds(), arms(&ways).with_baseline("alone")];
            grids.push(Grid::new("together", "Tasks together", factors, &quality));
        }
        if spec.has(Part::Discovery) && spec.tasks.iter().any(|task| task == "intersect") {
            let metrics = ["cosine", "least_cosine", "loss", "accuracy"];
            grids.push(Grid::new("discovery", "A group that is too small", vec![seeds()], &metrics));
        }
        Ok(grids
            .into_iter()
            .map(|grid| match grid.name.as_str() {
                "discovery" => grid.in_blocks(&["seed"]),
                _ => grid.in_blocks(&["task", "seed"]),
            })
            .collect())
    }

    /// Refuses own rows and groups that do not fit, once and before any trial.
    fn open(spec: &Spec, _context: &Context) -> Result<((), Measurement), StudyError> {
        let seed = spec.seeds.first().copied().unwrap_or_default();
        for name in spec.task_names() {
            let rows = Rows::of(spec, &name, seed)?;
            spec.groups.iter().try_for_each(|group| rows.group(group).map(drop))?;
            rows.check(spec)?;
        }
        Ok(((), Measurement::default()))
    }

    fn prepare(spec: &Spec, _: &(), block: &Point, context: &Context) -> Result<(Block, Measurement), StudyError> {
        let (target, seed) = (block.get("task"), block.seed());
        let names = match block.grid.as_str() {
            "transfer" | "together" => spec.task_names(),
            "discovery" => vec!["intersect".into()],
            _ => vec![target.to_string()],
        };
        let rows = names.iter().map(|name| Rows::of(spec, name, seed)).collect::<Result<Vec<_>, _>>()?;
        let source = match block.grid.as_str() {
            "transfer" => {
                let others: Vec<&Rows> = rows.iter().filter(|rows| rows.name != target).collect();
                Some(trial::source(spec, &others, seed, context.observer)?)
            }
            _ => None,
        };
        Ok((Block { rows, source }, Measurement::default()))
    }

    fn trial(spec: &Spec, _: &(), block: &Block, at: &Point, context: &Context) -> Result<Measurement, StudyError> {
        let (arm, seed, observer) = (at.get("arm"), at.seed(), context.observer);
        let own = block.rows.iter().find(|rows| rows.name == at.get("task")).unwrap_or(&block.rows[0]);
        match (at.grid.as_str(), &block.source) {
            ("transfer", Some(source)) => {
                let count = spec.transfer.rows[at.index("rows")];
                trial::transfer(spec, own, source, (arm, count), seed, observer)
            }
            ("together", _) => {
                let all: Vec<&Rows> = block.rows.iter().collect();
                trial::together(spec, &all, own, arm == "together", seed, observer)
            }
            ("discovery", _) => trial::discovery(spec, own, seed, observer),
            ("readouts", _) => trial::single(spec, own, ("own", READOUTS[at.index("arm")].2), seed, observer),
            _ => trial::single(spec, own, (arm, Readout::Linear), seed, observer),
        }
    }

    fn contrasts(_spec: &Spec, grids: &[Grid]) -> Vec<Contrast> {
        let mut found: Vec<Contrast> = grids.iter().flat_map(Contrast::to_baseline).collect();
        for grid in grids.iter().filter(|grid| grid.name == "transfer") {
            found.extend(Contrast::in_each_setting(grid, "arm", "transferred_trivial", "scratch_trivial"));
        }
        found
    }

    fn apply(run: &SavedRun, options: &ApplyOptions, _: &dyn Observer) -> Result<Option<Applied>, StudyError> {
        saved::apply(run, options).map(Some)
    }
}

fn described(name: String) -> (String, String) {
    let of_sequences = TASKS.iter().find(|row| row.name == name).map(|row| row.doc);
    let doc = of_sequences.or_else(|| AtomTask::named(&name).map(|row| row.doc)).unwrap_or("pictures of digits");
    (name, doc.into())
}
