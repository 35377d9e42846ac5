//! Plasticity lost and restored: weights drawn anew before fine-tuning (after Coetzer, Schreuder & Bosman 2026,
//! arXiv:2603.20860, known here by its abstract).
//!
//! A source is learned → the trunk gets a new head → weights of low utility are replaced, or a control is applied → all
//! arms are fine-tuned from the same start → their learning curves are compared.
//!
//! [`Plasticity`] is the experiment, [`Spec`] its settings. [`SETTINGS`] are the transfers, [`CONTROLS`] the arms beside the
//! grid of utilities, shares, values and layers.

mod arms;
mod checks;
mod health;
mod network;
mod pictures;
mod settings;
mod spec;
mod trial;
mod units;

pub use arms::{Arm, CONTROLS, Treatment, arms};
pub use health::{DORMANT, Health, dormant, effective_rank};
pub use pictures::Collection;
pub use settings::{SETTINGS, SettingRow};
pub use spec::{Digits, Layers, Pictures, Spec};

use crate::lab::{
    Check, Context, Contrast, Experiment, Factor, Flag, Grid, Info, Measurement, Metric, Point, Results, Role,
    StudyError, Unit,
};
use crate::report::{Block, Section, Table};
use crate::transfer::Utility;

/// The experiment.
pub struct Plasticity;

impl Experiment for Plasticity {
    type Spec = Spec;
    type Inputs = ();
    type Block = trial::Block;

    const INFO: Info = Info {
        name: "plasticity",
        title: "Plasticity before fine-tuning",
        doc: "Does replacing the least useful weights before fine-tuning help? (after Coetzer et al. 2026, arXiv \
              2603.20860)",
        examples: &[
            "",
            "--settings useful_source --seeds 10",
            "--preset full",
            "--head quantum --settings random_labels",
        ],
    };

    const METRICS: &'static [Metric] = &[
        Metric::higher("area", "mean accuracy", Unit::Share, "test accuracy, mean over the epochs of fine-tuning"),
        Metric::higher("last", "last accuracy", Unit::Share, "test accuracy after the last epoch"),
        Metric::higher("accuracy", "test accuracy", Unit::Share, "test accuracy after each epoch"),
        Metric::higher("before", "before", Unit::Share, "test accuracy right before weights were replaced"),
        Metric::higher("after", "after", Unit::Share, "test accuracy right after weights were replaced"),
        Metric::lower("replaced", "replaced", Unit::Share, "share of weights replaced"),
        Metric::lower("fresh_dormant", "dormant, fresh", Unit::Share, "dormant units before the source"),
        Metric::lower("dormant", "dormant, trained", Unit::Share, "dormant units after the source"),
        Metric::lower("fresh_dead", "dead, fresh", Unit::Share, "units that are always 0, before the source"),
        Metric::lower("dead", "dead, trained", Unit::Share, "units that are always 0, after the source"),
        Metric::higher("fresh_rank", "rank, fresh", Unit::Plain, "effective rank of the features before the source"),
        Metric::higher("rank", "rank, trained", Unit::Plain, "effective rank of the features after the source"),
        Metric::lower("dormant_angles", "dormant angles", Unit::Share, "angles of the circuit that change nothing"),
        Metric::higher("stability", "stability", Unit::Plain, "Jaccard index of the choices by two halves of the rows"),
        Metric::lower("cost", "cost", Unit::Share, "processor time of choosing weights over that of fine-tuning")
            .volatile(),
    ];

    const CHECKS: &'static [Check] = checks::CHECKS;

    const FLAGS: &'static [Flag<Spec>] = &[
        Flag::field("settings", "LIST", "settings", "Transfers to run")
            .with_choices(|| SETTINGS.iter().map(|row| row.name).collect()),
        Flag::field("head", "NAME", "head", "Head of the target networks (see `qgraft list heads`)"),
        Flag::field("shares", "LIST", "shares", "Shares of weights to replace"),
        Flag::field("head-epochs", "N", "head_epochs", "Epochs in which the head alone learns first"),
    ];

    fn grids(spec: &Spec) -> Result<Vec<Grid>, StudyError> {
        let known = |name: &String| SettingRow::named(name).map(|row| (row.name, row.doc));
        let settings = spec.settings.iter().map(known).collect::<Result<Vec<_>, _>>()?;
        let arms = arms(spec).into_iter().map(|arm| (arm.name, arm.doc));
        let factors = vec![
            Factor::explained("setting", Role::Setting, settings).listed_by("settings"),
            Factor::seeds(&spec.seeds),
            Factor::explained("arm", Role::Arm, arms).with_baseline("plain"),
        ];
        let metrics = ["area", "last", "before", "after", "replaced"];
        Ok(vec![Grid::new("main", "Fine-tuning", factors, &metrics).in_blocks(&["setting", "seed"])])
    }

    fn open(_spec: &Spec, _context: &Context) -> Result<((), Measurement), StudyError> {
        Ok(((), Measurement::default()))
    }

    fn prepare(
        spec: &Spec,
        _inputs: &(),
        block: &Point,
        context: &Context,
    ) -> Result<(trial::Block, Measurement), StudyError> {
        trial::prepare(spec, SettingRow::named(block.get("setting"))?, block.seed(), context.observer)
    }

    fn trial(
        spec: &Spec,
        _inputs: &(),
        block: &trial::Block,
        at: &Point,
        context: &Context,
    ) -> Result<Measurement, StudyError> {
        trial::trial(spec, block, &arms(spec)[at.index("arm")], at.seed(), context.observer)
    }

    fn contrasts(spec: &Spec, grids: &[Grid]) -> Vec<Contrast> {
        let mut found: Vec<Contrast> = grids.iter().flat_map(Contrast::to_baseline).collect();
        let arms = arms(spec);
        for setting in &spec.settings {
            for arm in arms.iter().filter(|arm| !arm.redraws_by(Utility::Random)) {
                let chance = arms.iter().filter(|other| other.is_chance_of(arm));
                found.extend(
                    chance.map(|other| {
                        Contrast::new("main", "area", "arm", &arm.name, &other.name).at("setting", setting)
                    }),
                );
            }
        }
        found
    }

    fn sections(spec: &Spec, results: &Results) -> Vec<Section> {
        let header =
            ["setting", "dormant %", "after source", "dead %", "after source", "rank", "after source", "stability"];
        let caption = "The network before and after its source, on the target's test rows. Dormant: units with at most 0.025 of \
                       the mean activity of their layer. Dead: units that are always 0. Stability: what the choices by the \
                       gradients of two halves of the target's rows have in common (Jaccard index), at the last share";
        let mut table = Table::new("networks", caption, &header, 1);
        for setting in &spec.settings {
            let mean = |metric: &str, unit: Unit| {
                let samples = results.of(metric).at("setting", setting).samples();
                samples.map_or("–".into(), |samples| unit.number(samples.mean()))
            };
            let mut row = vec![setting.clone()];
            row.extend(["fresh_dormant", "dormant", "fresh_dead", "dead"].map(|metric| mean(metric, Unit::Share)));
            row.extend(["fresh_rank", "rank"].map(|metric| mean(metric, Unit::Plain)));
            let share = spec.shares.last().map(f64::to_string).unwrap_or_default();
            let stability = results.of("stability").at("setting", setting).at("share", &share).samples();
            row.push(stability.map_or("–".into(), |samples| Unit::Plain.number(samples.mean())));
            table.rows.push(row);
        }
        vec![Section { anchor: "networks".into(), heading: "Networks".into(), blocks: vec![Block::Table(table)] }]
    }
}
