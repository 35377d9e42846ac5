//! District reports with indicators: few of them, rare classes, groups that must be treated alike (after Singh & Gajbhiye 2026,
//! arXiv:2603.20425, of which the abstract was read). Research software: no decision about people or aid should rest on it.
//!
//! Text → sentence vector of an encoder, beside indicators → classes. [`ARMS`] change one thing each: what is read, how classes count,
//! what is done for equal decisions, how the encoder is trained. No district is on both sides of a split.
//!
//! [`FairText`] is the experiment, [`Spec`] its settings, [`World`] draws reports whose best possible decision is known.

mod arms;
mod checks;
mod encoder;
mod grammar;
mod measure;
mod network;
mod own;
mod reports;
mod saved;
mod sections;
mod spec;
mod transfer;
mod trial;
mod world;

pub use crate::systems::glosses::{CLASSES as GLOSS_CLASSES, Glosses};
pub use arms::{ARMS, ArmRow, Balance, Classifier, Fairness, Text};
pub use encoder::Start;
pub use network::{Fusion, HeadKind, ReportNet, TextInput};
pub use own::read;
pub use reports::{Reports, Split};
pub use saved::{MODEL_FILE, Saved};
pub use spec::{Part, Small, Spec};
pub use world::World;

use crate::lab::{
    Applied, ApplyOptions, Check, Context, Contrast, Experiment, Factor, Flag, Grid, Info, Measurement, Metric, Point,
    Results, Role, SavedRun, StudyError, Unit,
};
use crate::math::Stream;
use crate::nn::text::TextBundle;
use crate::report::Section;
use crate::study::Observer;
use crate::systems::fairtext::encoder::Encoders;
use crate::systems::fairtext::transfer::Corpus;
use crate::systems::fairtext::trial::{Block, Trial};

/// The experiment.
pub struct FairText;

/// What every trial reads.
pub struct Inputs {
    own: Option<Reports>,
    bundle: Option<TextBundle>,
    glosses: Option<Glosses>,
    /// Glosses of other classes, if an encoder learns from them first.
    rich: Option<Glosses>,
}

/// What trials of a seed share.
pub struct Shared {
    block: Block,
    corpus: Option<Corpus>,
}

const TRANSFER: &str = "transfer";
const BLOCKS: &str = "reports";

impl Experiment for FairText {
    type Spec = Spec;
    type Inputs = Inputs;
    type Block = Shared;

    const INFO: Info = Info {
        name: "fairtext",
        title: "Reports and indicators, rare classes, equal decisions for groups",
        doc: "A pretrained text encoder beside indicators, with 1,200 reports, rare classes and a parity constraint (after Singh & \
              Gajbhiye 2026, arXiv 2603.20425)",
        examples: &[
            "",
            "--parts fairness --seeds 3",
            "--encoder minilm --parts arms",
            "--encoder minilm --glosses dict --parts transfer --sizes 1200,20000",
            "--encoder minilm --glosses dict --parts transfer --sizes 1200 --rich 20000",
            "--data reports.csv --target class --group area --district district --encoder minilm",
            "--preset full",
        ],
    };

    const METRICS: &'static [Metric] = &[
        Metric::higher("accuracy", "accuracy", Unit::Share, "reports of tested districts that are decided right"),
        Metric::higher("balanced_accuracy", "balanced accuracy", Unit::Share, "mean recall over classes"),
        Metric::higher("precision", "precision", Unit::Share, "mean precision over classes"),
        Metric::higher("f1", "F1", Unit::Share, "mean over classes"),
        Metric::higher("average_precision", "average precision", Unit::Plain, "mean over classes"),
        Metric::higher("minority_ap", "AP of the rarest class", Unit::Plain, "average precision of the rarest class"),
        Metric::higher("minority_recall", "recall of the rarest class", Unit::Share, "reports of it that are found"),
        Metric::lower(
            "parity",
            "parity difference",
            Unit::Share,
            "demographic parity: largest difference of the groups in the share of a decision",
        ),
        Metric::lower(
            "odds",
            "odds gap",
            Unit::Share,
            "largest difference of the groups in a rate of right or wrong calls",
        ),
        Metric::lower("calibration_error", "calibration error", Unit::Plain, "expected, in 15 bins of confidence"),
        Metric::higher(
            "of_bayes",
            "of the possible",
            Unit::Share,
            "accuracy above the largest class, over that of the best possible decision",
        ),
        Metric::higher("majority", "largest class", Unit::Share, "share of the largest class"),
        Metric::higher("bayes", "best possible", Unit::Share, "accuracy of the best possible decision"),
        Metric::higher("bayes_minority_ap", "best possible AP", Unit::Plain, "of the rarest class"),
        Metric::lower("bayes_parity", "its parity difference", Unit::Share, "of the best possible decision"),
        Metric::lower("parameters", "parameters", Unit::Count, "numbers of the network"),
        Metric::higher(
            "source_accuracy",
            "source texts",
            Unit::Share,
            "held-out texts of which the small encoder says how many clauses are in between and bad",
        ),
    ];

    const CHECKS: &'static [Check] = checks::CHECKS;

    const FLAGS: &'static [Flag<Spec>] = &[
        Flag::apply("data", "PATH", Spec::set_data, "Own reports: a table with a column of texts and one of classes"),
        Flag::field("text", "COLUMN", "text", "Column of texts"),
        Flag::field("target", "COLUMN", "target", "Column of classes"),
        Flag::apply("group", "COLUMN", Spec::set_group, "Column of groups, whose decisions are compared"),
        Flag::field("district", "COLUMN", "district", "Column of districts, which are not on both sides of a split"),
        Flag::field("encoder", "FOLDER", "encoder", "A pretrained BERT or DistilBERT (data/glosses/minilm.sh)"),
        Flag::field(
            "glosses",
            "FOLDER",
            "glosses",
            "WordNet's dict folder, for the part transfer (data/glosses/wordnet.sh)",
        ),
        Flag::field("sizes", "LIST", "sizes", "Texts to learn from in the part transfer"),
        Flag::field("rich", "N", "rich", "Glosses of other classes that a further start learned from first"),
        Flag::field("parts", "LIST", "parts", "Parts of the study")
            .with_choices(|| vec!["arms", "imbalance", "fairness", "unfreezing", "transfer"]),
        Flag::field("arms", "LIST", "arms", "Arms; all of the parts by default")
            .with_choices(|| ARMS.iter().map(|row| row.name).collect()),
        Flag::field("folds", "N", "folds", "Folds of districts"),
        Flag::field("tested-folds", "N", "tested_folds", "Folds that are tested"),
    ];

    const INPUTS: Option<&'static [&'static str]> = Some(&[
        "data",
        "text",
        "target",
        "group",
        "district",
        "encoder",
        "glosses",
        "gloss_classes",
        "rich",
        "folds",
        "tested_folds",
    ]);

    fn grids(spec: &Spec) -> Result<Vec<Grid>, StudyError> {
        let seeds = || Factor::seeds(&spec.seeds);
        for name in &spec.arms {
            ArmRow::named(name)?;
        }
        let mut grids = Vec::new();
        for (part, name, heading) in Part::ALL {
            if !spec.parts.contains(&part) {
                continue;
            }
            if part == Part::Transfer {
                let is_run =
                    |(start, name, doc): (Start, _, _)| (start != Start::Rich || spec.rich > 0).then_some((name, doc));
                let starts = Start::ALL.into_iter().filter_map(is_run);
                let start = Factor::explained("start", Role::Arm, starts).with_baseline("random");
                let size = Factor::new("size", Role::Setting, &spec.sizes).listed_by("sizes");
                let metrics = ["f1", "accuracy", "average_precision", "parameters"];
                let grid = Grid::new(name, heading, vec![size, start, seeds()], &metrics);
                grids.push(grid.in_shared_blocks(BLOCKS, &["seed"]));
                continue;
            }
            let is_run = |row: &&ArmRow| spec.arms.is_empty() || spec.arms.iter().any(|own| own == row.name);
            let arms: Vec<&ArmRow> = ArmRow::of(part).filter(is_run).collect();
            let Some(baseline) = ArmRow::of(part).next().filter(|_| !arms.is_empty()) else { continue };
            let levels = arms.iter().map(|row| (row.name, row.doc));
            let arm = Factor::explained("arm", Role::Arm, levels).with_baseline(baseline.name).listed_by("arms");
            let metrics: &[&str] = match part {
                Part::Arms => &[
                    "accuracy",
                    "balanced_accuracy",
                    "precision",
                    "f1",
                    "average_precision",
                    "minority_ap",
                    "parity",
                    "odds",
                    "calibration_error",
                    "of_bayes",
                    "parameters",
                ],
                Part::Imbalance => {
                    &["minority_recall", "accuracy", "balanced_accuracy", "minority_ap", "calibration_error"]
                }
                Part::Fairness => &["parity", "accuracy", "odds", "average_precision"],
                _ => &["accuracy", "f1", "average_precision", "parameters"],
            };
            grids.push(Grid::new(name, heading, vec![arm, seeds()], metrics).in_shared_blocks(BLOCKS, &["seed"]));
        }
        if grids.is_empty() {
            let reason = "parts and arms leave nothing to run";
            return Err(StudyError::Settings { reason: reason.into() });
        }
        Ok(grids)
    }

    fn open(spec: &Spec, _context: &Context) -> Result<(Inputs, Measurement), StudyError> {
        let own = spec.data.as_deref().map(|path| own::read(spec, path)).transpose()?;
        let bundle = spec.encoder.as_deref().map(TextBundle::read).transpose()?;
        let glosses = spec.glosses.as_deref().map(|path| Glosses::read(path, &spec.gloss_classes)).transpose()?;
        let others = others(&spec.gloss_classes);
        let rich = spec.glosses.as_deref().filter(|_| spec.rich > 0);
        let rich = rich.map(|path| Glosses::read(path, &others)).transpose()?;
        let mut found = Measurement::default();
        let own = match own {
            None => None,
            Some((reports, notices)) => {
                found = notices.iter().fold(found, |found, notice| found.notice(notice));
                // What is wrong with the folds is said before anything is trained.
                spec.seeds.iter().try_for_each(|seed| reports.splits(spec.folds, *seed).map(drop))?;
                let no_columns = reports.table.columns.is_empty();
                let is_asked = spec.arms.iter().any(|name| name == "indicators");
                if no_columns && is_asked {
                    let reason = "arms = indicators: the table has no column beside text, class, group and district";
                    return Err(StudyError::Settings { reason: reason.into() });
                }
                Some(reports)
            }
        };
        if spec.tested_folds < spec.folds {
            let text = format!("{} of {} folds are tested; --tested-folds tests more", spec.tested_folds, spec.folds);
            found = found.notice(text);
        }
        Ok((Inputs { own, bundle, glosses, rich }, found))
    }

    fn prepare(
        spec: &Spec,
        inputs: &Inputs,
        block: &Point,
        context: &Context,
    ) -> Result<(Shared, Measurement), StudyError> {
        let seed = block.seed();
        let mut found = Measurement::default();
        let mut encoders = match &inputs.bundle {
            Some(bundle) => Encoders::of_bundle(bundle, spec.longest, seed)?,
            None => {
                let (encoders, right) = Encoders::learned(spec, seed, context)?;
                found = found.value("source_accuracy", right);
                encoders
            }
        };
        context.proceed()?;
        let reports = inputs.own.clone().unwrap_or_else(|| spec.world.draw(seed));
        let words = encoders.encode(&reports.texts)?;
        let is_read = spec.parts.iter().any(|part| !matches!(part, Part::Unfreezing | Part::Transfer));
        let vectors = |start: Start| match is_read {
            true => encoders.vectors(&words, start),
            false => Ok(ndarray::Array2::zeros((words.len(), encoders.config.width))),
        };
        let vectors = [vectors(Start::Pretrained)?, vectors(Start::Random)?];
        let corpus = match spec.parts.contains(&Part::Transfer) {
            false => None,
            true => Some(corpus(spec, inputs, &encoders, seed)?),
        };
        if let Some(glosses) = inputs.rich.as_ref().filter(|_| corpus.is_some()) {
            let drawn = glosses.drawn(spec.rich + Corpus::VALIDATION, seed);
            let classes = others(&spec.gloss_classes).len();
            let texts = Corpus { words: encoders.encode(&drawn.texts)?, labels: drawn.labels, classes };
            encoders.rich = Some(texts.rich(spec, &encoders, seed, context)?);
        }
        Ok((Shared { block: Block { reports, encoders, words, vectors }, corpus }, found))
    }

    fn trial(
        spec: &Spec,
        _inputs: &Inputs,
        shared: &Shared,
        at: &Point,
        context: &Context,
    ) -> Result<Measurement, StudyError> {
        if let Some(corpus) = shared.corpus.as_ref().filter(|_| at.grid == TRANSFER) {
            let size = at.get("size").parse().unwrap_or(0);
            let start = Start::named(at.get("start"));
            return corpus.run(spec, &shared.block.encoders, (start, size), at.seed(), context);
        }
        let arm = ArmRow::named(at.get("arm"))?;
        let reports = &shared.block.reports;
        if arm.name == "indicators" && reports.table.columns.is_empty() {
            return Ok(Measurement::default().inapplicable("the table has no indicators"));
        }
        let most = if arm.part == Part::Unfreezing { spec.few } else { usize::MAX };
        Trial { spec, block: &shared.block, arm, start: Start::Pretrained, most, seed: at.seed() }.run(context)
    }

    fn contrasts(_spec: &Spec, grids: &[Grid]) -> Vec<Contrast> {
        let mut found = Vec::new();
        for grid in grids {
            found.extend(Contrast::to_baseline(grid));
            if grid.factor("start").is_some_and(|start| start.names().any(|name| name == "rich")) {
                found.extend(Contrast::in_each_setting(grid, "start", "rich", "pretrained"));
            }
            let has = |name: &str| grid.factor("arm").is_some_and(|arm| arm.names().any(|own| own == name));
            for (one, other) in [("quantum", "tanh"), ("quantum_penalty", "tanh_penalty"), ("text", "tfidf_logistic")] {
                if has(one) && has(other) {
                    for metric in ["accuracy", "average_precision", "parity"] {
                        found.push(Contrast::new(&grid.name, metric, "arm", one, other));
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

/// Classes of glosses besides these.
fn others(classes: &[String]) -> Vec<String> {
    GLOSS_CLASSES.into_iter().filter(|name| !classes.iter().any(|own| own == name)).map(String::from).collect()
}

/// Glosses, or drawn reports of other districts, for the part transfer.
fn corpus(spec: &Spec, inputs: &Inputs, encoders: &Encoders, seed: u64) -> Result<Corpus, StudyError> {
    let needed = Corpus::needed(spec);
    if let Some(glosses) = &inputs.glosses {
        let drawn = glosses.drawn(needed, seed);
        let classes = spec.gloss_classes.len();
        return Ok(Corpus { words: encoders.encode(&drawn.texts)?, labels: drawn.labels, classes });
    }
    let districts = spec.world.rural + spec.world.urban;
    let held = spec.transfer_test + Corpus::VALIDATION;
    let mut found = Corpus { words: Vec::new(), labels: Vec::new(), classes: 0 };
    // What is held out is of other districts than what is learned from.
    for (purpose, count) in [(1, held), (2, needed - held)] {
        let world = World { reports: count.div_ceil(districts), test_reports: 0, ..spec.world.clone() };
        let reports = world.draw(Stream::numbered(seed, purpose).bits());
        // Districts in turn, so that any number of first texts is of all of them.
        let rows = (0..world.reports).flat_map(|k| (0..districts).map(move |district| (district, k)));
        let rows: Vec<usize> = rows.map(|(district, k)| district * world.reports + k).take(count).collect();
        let texts: Vec<String> = rows.iter().map(|row| reports.texts[*row].clone()).collect();
        found.words.extend(encoders.encode(&texts)?);
        found.labels.extend(rows.iter().map(|row| reports.labels()[*row]));
        found.classes = reports.classes().len();
    }
    Ok(found)
}
