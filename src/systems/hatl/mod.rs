//! Hierarchical adaptive transfer: blocks released by the validation score (after Shahin & Ismail 2026,
//! arXiv:2603.19260), on simulated signing and on pictures.
//!
//! Gross motions of a drawn body → a temporal backbone trained on them → signed sentences and their text, learned under
//! one schedule per arm in equally many updates → BLEU-4. Or: a pretrained backbone → pictures under a quantum head. Or: a pretrained text
//! encoder → classes of texts.
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
mod photos;
mod pictures;
mod saved;
mod signs;
mod spec;
mod tasks;
mod texts;
mod translator;
mod trial;

pub use arms::{ARMS, ArmRow, Schedule, evenly_spaced};
pub use corpus::Lexicon;
pub use films::OwnFilms;
pub use language::{GLOSSES, LONGEST, Mood, Sentence, WORDS, foreign_sign, sign, vocabulary, word_ids};
pub use signs::{Action, Camera, Film, JOINTS, LOCATIONS, MOVEMENTS, SHAPES, Sign, Signer};
pub use spec::{LossWeights, PictureConfig, Sizes, SourceFilms, Spec};
pub use tasks::{Inputs, TASKS, TaskRow};
pub use texts::Texts;

use crate::lab::{
    Applied, ApplyOptions, Check, Context, Contrast, Experiment, Factor, Flag, Grid, Info, Measurement, Metric,
    ModelChoice, OnnxModel, Point, Results, Role, SavedRun, SavedTrial, StudyError, Unit,
};
use crate::nn::backbone::BACKBONES;
use crate::report::{Block, Section, Table};
use crate::study::Observer;
use crate::systems::conditions::{devices_flag, shots_flag};
use crate::systems::methods::{METHOD, methods_flag};
use crate::systems::picture_model;

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
            "--preset unaligned,full",
            "--preset pictures --arms hatl,frozen,full",
            "--preset photos --data photos/",
            "--data films/",
            "--texts reviews.csv --encoder minilm --seeds 3",
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
        Metric::higher("best_validation", "best validation", Unit::Share, "the best validation score of all epochs"),
        Metric::lower("epochs", "epochs", Unit::Count, "epochs until training ended"),
        Metric::higher("chance", "chance", Unit::Share, "accuracy of guessing"),
        Metric::higher("majority", "majority", Unit::Share, "accuracy of naming the most frequent class of the test"),
        Metric::higher("source_accuracy", "source accuracy", Unit::Share, "validation accuracy on the source task"),
    ];

    const CHECKS: &'static [Check] = checks::CHECKS;

    const INPUTS: Option<&'static [&'static str]> = Some(&["task", "data", "weights", "pictures", "photos", "texts"]);

    const FLAGS: &'static [Flag<Spec>] = &[
        // It chooses the task with its arms and rates, so that it comes before the flags that change those.
        Flag::apply(
            "texts",
            "FILE",
            |spec, file| spec.read_texts(file),
            "Texts with classes, learned on a text encoder: a table, or WordNet's data.noun",
        ),
        Flag::field("arms", "LIST", "arms", "Schedules to compare")
            .with_choices(|| ARMS.iter().map(|row| row.name).collect()),
        Flag::apply(
            "data",
            "DIR",
            |spec, folder| spec.read_from(folder),
            "Films with texts: a folder with sentences.jsonl and perhaps clips.jsonl; with the preset pictures a folder of \
             class folders",
        ),
        Flag::field("encoder", "FOLDER", "texts.encoder", "A pretrained BERT or DistilBERT (data/glosses/minilm.sh)"),
        Flag::field("blocks", "N", "texts.blocks", "Last blocks of the text encoder, which may be released"),
        Flag::field("text", "COLUMN", "texts.text", "Column of the texts"),
        Flag::field("class", "COLUMN", "texts.class", "Column of their classes"),
        Flag::field("texts-per-class", "N", "texts.labels", "Training texts of each class, and as many for validation"),
        Flag::field("test-texts", "N", "texts.test", "Test texts of each class, at most"),
        Flag::apply("skip-bad", "", |spec, _| spec.photos.skip_bad = true, "Leave out photos that cannot be read"),
        Flag::field("clips", "N", "source_clips", "Training clips of each class of the source task"),
        Flag::field("per-class", "N", "per_class", "Training clips or pictures of each class (glosses, pictures)"),
        Flag::field("labels", "N", "photos.labels", "Training photos of each class; 0 takes all"),
        Flag::field("test-photos", "N", "photos.test", "Test photos of each class; 0 takes all"),
        Flag::field("edge", "N", "photos.edge", "Pixels along an edge of photos"),
        Flag::field("live", "N", "photos.stages", "Last stages of the backbone of photos, which may be released"),
        Flag::field("backbone", "NAME", "photos.backbone.name", "Backbone of photos")
            .with_choices(|| BACKBONES.iter().map(|row| row.name).collect()),
        Flag::field("weights", "FILE", "photos.backbone.weights", "Weight file of that backbone"),
        Flag::field("dev", "N", "dev", "Validation sentences"),
        Flag::field("test", "N", "test", "Test sentences"),
        Flag::field(
            "head",
            "NAME",
            "head",
            "Head of the presets glosses, pictures and photos (see `qgraft list heads`); NAME@DEVICE trains under noise",
        ),
        Flag::field("source", "FILMS", "source_films", "Drawn films of the source task")
            .with_choices(|| vec!["actions", "signs"]),
        Flag::field("beam", "N", "search.beam_size", "Decode the test sentences by beam search, too"),
        Flag::field("sentences", "N", "sentences", "Training sentences"),
        Flag::field("epochs", "N", "target.epochs", "Epochs on the target task"),
        methods_flag(),
        devices_flag(),
        shots_flag(),
    ];

    fn grids(spec: &Spec) -> Result<Vec<Grid>, StudyError> {
        let rows = arms_of(spec)?.into_iter().map(|row| (row.name, row.doc));
        let factors = vec![
            Factor::seeds(&spec.seeds),
            Factor::explained("arm", Role::Arm, rows).with_baseline("full").listed_by("arms"),
        ];
        let factors = factors.into_iter().chain(spec.method.factor()).chain(spec.evaluate.factors()).collect();
        let row = task_of(spec)?;
        let mut metrics = row.metrics.to_vec();
        metrics.extend((!row.classifies && spec.search.beam_size > 1).then_some("bleu_beam"));
        metrics.push("releases");
        metrics.extend(spec.target.patience.map(|_| "epochs"));
        Ok(vec![Grid::new("main", row.doc, factors, &metrics).in_blocks(&["seed"])])
    }

    fn open(spec: &Spec, context: &Context) -> Result<(Inputs, Measurement), StudyError> {
        let inputs = (task_of(spec)?.open)(spec, context)?;
        let notices = inputs.pictures.iter().flat_map(|pictures| &pictures.notices);
        let notices = notices.chain(inputs.photos.iter().flat_map(|photos| &photos.notices));
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
        let found = trial::trial(spec, block, (row, at.get(METHOD)), at.seed(), releases, context)?;
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
            let by_seed = own.map(|(_, epochs): &(_, Vec<usize>)| match epochs.is_empty() {
                true => "none".to_string(),
                false => epochs.iter().map(usize::to_string).collect::<Vec<_>>().join(", "),
            });
            let by_seed = by_seed.collect::<Vec<_>>().join("; ");
            let own = decisions.iter().filter(|(at, _)| at.get("arm") == arm);
            let decided: Vec<&String> = own.flat_map(|(_, log): &(_, Vec<String>)| log).collect();
            table.rows.push(vec![arm.clone(), by_seed, trial::counted(&decided)]);
        }
        let mut blocks = vec![Block::Table(table)];
        if let Some(accuracy) = results.of("source_accuracy").samples() {
            let percent = Unit::Share.number(accuracy.mean());
            blocks.push(Block::Text(format!(
                "The source network classifies {percent} % of its validation clips correctly."
            )));
        }
        blocks.extend(against_baselines(spec, results).map(Block::Text));
        vec![Section { anchor: "releases".into(), heading: "Releases".into(), blocks }]
    }

    fn apply(run: &SavedRun, options: &ApplyOptions, observer: &dyn Observer) -> Result<Option<Applied>, StudyError> {
        let files = [saved::TRANSLATOR_FILE, picture_model::MODEL_FILE, texts::TEXT_FILE];
        let trial = best(run, &files, &options.choice)?;
        if trial.has(texts::TEXT_FILE) {
            return texts::apply(trial, options).map(Some);
        }
        if trial.has(saved::TRANSLATOR_FILE) {
            return saved::apply(trial, options).map(Some);
        }
        let spec: Spec = trial.settings()?;
        let backbone = ("photos.backbone.weights", &spec.photos.backbone);
        picture_model::apply(trial, backbone, options, observer).map(Some)
    }

    fn onnx(run: &SavedRun, choice: &ModelChoice) -> Result<Option<OnnxModel>, StudyError> {
        let trial = best(run, &[picture_model::MODEL_FILE], choice)?;
        let backbone = trial.settings::<Spec>()?.photos.backbone;
        picture_model::onnx(trial, ("photos.backbone.weights", &backbone)).map(Some)
    }
}

/// The best model of a run on its validation rows that keeps one of these files, of equal ones the first.
fn best<'r>(run: &'r SavedRun, files: &[&str], choice: &ModelChoice) -> Result<&'r SavedTrial, StudyError> {
    let found = run.models(files, choice)?;
    let rank = |trial: &SavedTrial| trial.measurement.get("best_validation").unwrap_or(-1.0);
    let first = found[0];
    Ok(found.into_iter().fold(first, |best, trial| if rank(trial) > rank(best) { trial } else { best }))
}

/// The accuracies of hatl and of what needs no schedule, where the pictures may be the user's.
fn against_baselines(spec: &Spec, results: &Results) -> Option<String> {
    let mean = |query: crate::lab::Query| Some(format!("{} %", Unit::Share.number(query.samples()?.mean())));
    let of =
        |arm: &str| spec.arms.iter().any(|name| name == arm).then(|| mean(results.of("accuracy").at("arm", arm)))?;
    Some(format!(
        "Accuracy: hatl {}, all stages trained from the start {}, a head on the frozen features {}, the most frequent class \
         {}, chance {}.",
        of(HATL)?,
        of("full").unwrap_or("–".into()),
        of("frozen").unwrap_or("–".into()),
        mean(results.of("majority"))?,
        mean(results.of("chance"))?,
    ))
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
