//! Hierarchical adaptive transfer: blocks released by the validation score (after Shahin & Ismail 2026,
//! arXiv:2603.19260), on simulated signing and on pictures.
//!
//! Gross motions of a drawn body → a temporal backbone trained on them → signed sentences and their text, learned under
//! one schedule per arm in equally many updates → BLEU-4. Or: a pretrained backbone → pictures under a quantum head.
//!
//! [`Hatl`] is the experiment, [`Spec`] its settings. [`TASKS`] are the target tasks, [`ARMS`] the schedules. [`Sentence`]
//! and [`Film`] are the drawn language. The folder of the user's own films is described on the page of the system.

mod arms;
mod checks;
mod corpus;
mod evaluate;
mod films;
mod language;
mod network;
mod pictures;
mod signs;
mod spec;
mod tasks;
mod translator;
mod trial;

pub use arms::{ARMS, ArmRow, Schedule, evenly_spaced};
pub use corpus::Lexicon;
pub use language::{GLOSSES, LONGEST, Mood, Sentence, WORDS, foreign_sign, sign, vocabulary, word_ids};
pub use signs::{Action, Camera, Film, JOINTS, LOCATIONS, MOVEMENTS, SHAPES, Sign, Signer};
pub use spec::{LossWeights, PictureConfig, Sizes, SourceFilms, Spec};
pub use tasks::{Inputs, TASKS, TaskRow};

use crate::lab::{
    Check, Context, Contrast, Experiment, Factor, Flag, Grid, Info, Measurement, Metric, Point, Results, Role,
    StudyError, Unit,
};
use crate::nn::head::HEADS;
use crate::report::{Block, Section, Table};

/// The experiment.
pub struct Hatl;

/// The arm of the paper.
const HATL: &str = "hatl";

impl Experiment for Hatl {
    type Spec = Spec;
    type Inputs = Inputs;
    type Block = trial::Block;

    const INFO: Info = Info {
        name: "hatl",
        title: "Hierarchical adaptive transfer",
        doc: "Should the blocks of a backbone be released by the validation score? (after Shahin & Ismail 2026, arXiv \
              2603.19260)",
        examples: &[
            "",
            "--arms hatl,frozen,full --seeds 3",
            "--preset full --beam 4",
            "--preset scarce,full --arms hatl,frozen,full,scratch",
            "--preset glosses --head mlp_a",
            "--preset pictures --arms hatl,frozen,full",
            "--data films/",
        ],
    };

    const METRICS: &'static [Metric] = &[
        Metric::higher("bleu", "BLEU-4", Unit::Share, "on the test sentences, decoded greedily"),
        Metric::higher("rouge_l", "ROUGE-L", Unit::Share, "on the same sentences"),
        Metric::higher("bleu_new_signers", "BLEU-4, new signers", Unit::Share, "on signers of the test alone"),
        Metric::higher(
            "bleu_new_pairs",
            "BLEU-4, new pairs",
            Unit::Share,
            "on pairs of verb and thing of the test alone",
        ),
        Metric::higher(
            "bleu_beam",
            "BLEU-4, beam search",
            Unit::Share,
            "on the test sentences, decoded by beam search",
        ),
        Metric::higher("accuracy", "accuracy", Unit::Share, "on the test clips or pictures"),
        Metric::higher("accuracy_new_signers", "accuracy, new signers", Unit::Share, "on signers of the test alone"),
        Metric::higher("releases", "releases", Unit::Count, "epochs in which more layers were trained than before"),
        Metric::higher("validation", "validation score", Unit::Share, "BLEU-4 or accuracy on the validation set"),
        Metric::higher("source_accuracy", "source accuracy", Unit::Share, "validation accuracy on the source task"),
    ];

    const CHECKS: &'static [Check] = checks::CHECKS;

    const INPUTS: Option<&'static [&'static str]> = Some(&["task", "data", "weights"]);

    const FLAGS: &'static [Flag<Spec>] = &[
        Flag::field("arms", "LIST", "arms", "Schedules to compare")
            .with_choices(|| ARMS.iter().map(|row| row.name).collect()),
        Flag::apply(
            "data",
            "DIR",
            |spec, folder| spec.read_from(folder),
            "Films with texts: a folder with sentences.jsonl and perhaps clips.jsonl; with the preset pictures a folder of \
             class folders",
        ),
        Flag::field("head", "NAME", "head", "Head of the presets glosses and pictures")
            .with_choices(|| HEADS.iter().map(|row| row.name).collect()),
        Flag::field("source", "FILMS", "source_films", "Drawn films of the source task")
            .with_choices(|| vec!["actions", "signs"]),
        Flag::field("beam", "N", "search.beam_size", "Decode the test sentences by beam search, too"),
        Flag::field("sentences", "N", "sentences", "Training sentences"),
        Flag::field("epochs", "N", "target.epochs", "Epochs on the target task"),
    ];

    fn grids(spec: &Spec) -> Result<Vec<Grid>, StudyError> {
        let rows = arms_of(spec)?.into_iter().map(|row| (row.name, row.doc));
        let factors = vec![
            Factor::seeds(&spec.seeds),
            Factor::explained("arm", Role::Arm, rows).with_baseline("full").listed_by("arms"),
        ];
        let row = task_of(spec)?;
        let mut metrics = row.metrics.to_vec();
        metrics.extend((!row.classifies && spec.search.beam_size > 1).then_some("bleu_beam"));
        metrics.push("releases");
        Ok(vec![Grid::new("main", row.doc, factors, &metrics).in_blocks(&["seed"])])
    }

    fn open(spec: &Spec, _context: &Context) -> Result<(Inputs, Measurement), StudyError> {
        let inputs = (task_of(spec)?.open)(spec)?;
        let notices = inputs.pictures.iter().flat_map(|pictures| &pictures.notices);
        let measurement = notices.fold(Measurement::default(), Measurement::notice);
        Ok((inputs, measurement))
    }

    fn prepare(
        spec: &Spec,
        inputs: &Inputs,
        block: &Point,
        context: &Context,
    ) -> Result<(trial::Block, Measurement), StudyError> {
        trial::prepare(spec, task_of(spec)?, inputs, block.seed(), context.observer)
    }

    fn trial(
        spec: &Spec,
        _inputs: &Inputs,
        block: &trial::Block,
        at: &Point,
        context: &Context,
    ) -> Result<Measurement, StudyError> {
        let row = arms_of(spec)?[at.index("arm")];
        let mut releases = None;
        for before in Self::after(spec, at) {
            releases = context.finished(&before)?.get("releases").map(|count| count as usize);
        }
        let found = trial::trial(spec, block, row, at.seed(), releases, context.observer)?;
        match (&row.schedule, releases) {
            (Schedule::Even, None) => Ok(found.notice("fixed releases every layer once: hatl is not among the arms")),
            _ => Ok(found),
        }
    }

    fn after(spec: &Spec, at: &Point) -> Vec<Point> {
        let follows = arms::arm(at.get("arm")).is_some_and(|row| matches!(row.schedule, Schedule::Even));
        let is_there = spec.arms.iter().any(|name| name == HATL);
        if follows && is_there { vec![at.with("arm", HATL)] } else { Vec::new() }
    }

    /// Every arm against full training, and hatl against every other arm.
    fn contrasts(spec: &Spec, grids: &[Grid]) -> Vec<Contrast> {
        let mut found: Vec<Contrast> = grids.iter().flat_map(Contrast::to_baseline).collect();
        for grid in grids {
            let others = spec.arms.iter().filter(|name| !["full", HATL].contains(&name.as_str()));
            found.extend(others.map(|other| Contrast::new(&grid.name, grid.metrics[0], "arm", HATL, other)));
        }
        found
    }

    fn sections(spec: &Spec, results: &Results) -> Vec<Section> {
        let caption = "Epochs in which more layers were trained than before, by seed; what the rule decided, in epochs of all \
                       seeds";
        let mut table = Table::new("releases", caption, &["arm", "releases in epochs", "decisions"], 1);
        let (releases, decisions) = (results.kept("main", "releases"), results.kept("main", "decisions"));
        for arm in &spec.arms {
            let own = releases.iter().filter(|(at, _)| at.get("arm") == arm);
            let by_seed = own.map(|(_, epochs): &(_, Vec<usize>)| {
                epochs.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")
            });
            let by_seed = by_seed.collect::<Vec<_>>().join("; ");
            let own = decisions.iter().filter(|(at, _)| at.get("arm") == arm);
            let mut counts: Vec<(&str, usize)> = Vec::new();
            for decision in own.flat_map(|(_, log): &(_, Vec<String>)| log) {
                match counts.iter_mut().find(|(known, _)| known == decision) {
                    Some((_, count)) => *count += 1,
                    None => counts.push((decision, 1)),
                }
            }
            let counts = counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ");
            table.rows.push(vec![arm.clone(), by_seed, counts]);
        }
        let mut blocks = vec![Block::Table(table)];
        if let Some(accuracy) = results.of("source_accuracy").samples() {
            let percent = Unit::Share.number(accuracy.mean());
            blocks.push(Block::Text(format!(
                "The source network classifies {percent} % of its validation clips correctly."
            )));
        }
        vec![Section { anchor: "releases".into(), heading: "Releases".into(), blocks }]
    }
}

fn task_of(spec: &Spec) -> Result<&'static TaskRow, StudyError> {
    let unknown = || StudyError::unknown("task", &spec.task, TASKS.iter().map(|row| row.name));
    tasks::task(&spec.task).ok_or_else(unknown)
}

fn arms_of(spec: &Spec) -> Result<Vec<&'static ArmRow>, StudyError> {
    let known = |name: &String| {
        let unknown = || StudyError::unknown("arm", name, ARMS.iter().map(|row| row.name));
        arms::arm(name).ok_or_else(unknown)
    };
    spec.arms.iter().map(known).collect()
}
