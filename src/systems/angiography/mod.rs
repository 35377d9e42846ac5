//! Angiography: films of a study and its report learn from each other, films are pooled by attention, and small heads learn from few
//! labels (after Harrabi et al. 2026, arXiv:2603.17675). Research software, not for diagnosis.
//!
//! Films → an encoder that learned with reports by a contrastive loss → a pooling over the films of a study → a linear layer for all
//! tasks, or a head with a circuit. Studies are drawn ([`Phantom`]) or the user's; splits keep patients whole.
//!
//! [`Angiography`] is the experiment, [`Spec`] its settings.

mod arms;
mod block;
mod checks;
mod encoder;
mod learning;
mod network;
mod own;
mod phantom;
mod probe;
mod report;
mod reports;
mod saved;
mod sections;
mod spec;
mod studies;
mod texts;
mod tree;
mod trial;

pub use arms::{HEAD_ARMS, HeadArm, LOSSES, TRANSFER, TransferArm, matched};
pub use block::{Block, EVALUATED, LESIONS, Set};
pub use encoder::{TextEncoder, TextSize, VideoEncoder, VideoSize};
pub use learning::{Labelled, Pairs, encode, pretrain};
pub use network::{POOLINGS, PairModel, Pooling, StudyModel};
pub use own::{OwnStudies, STUDIES_FILE};
pub use phantom::{Findings, Phantom, SEVERITIES, Seen};
pub use report::{Vocabulary, sentences};
pub use reports::{ENCODER_ARM, Report, Reports, TEXT_ARMS, words_in_common};
pub use saved::{MODEL_FILE, Saved};
pub use spec::{Part, Spec};
pub use studies::{FilmShape, Studies, Study, VIEWS, Video, drawn_tasks};
pub use texts::{TextInput, TextReader, TextVectors, Texts};
pub use tree::{Lesion, PROJECTIONS, SEGMENTS, Tree, Turned, View};

use crate::lab::{
    Applied, ApplyOptions, Check, Context, Contrast, Experiment, Factor, Flag, Grid, Info, Measurement, Metric, Point,
    Results, Role, SavedRun, StudyError, Unit,
};
use crate::nn::text::TextBundle;
use crate::report::Section;
use crate::study::Observer;
use crate::systems::angiography::trial::Trial;

/// The experiment.
pub struct Angiography;

/// What every trial reads.
pub struct Inputs {
    own: Option<OwnStudies>,
    reports: Option<Reports>,
    encoder: Option<TextBundle>,
    /// Of the texts of reports.
    vectors: Option<TextVectors>,
}

/// Name of the blocks that all grids share.
const SHARED: &str = "studies";

/// Name of the grid of reports, which has no films.
const REPORTS: &str = "reports";

/// Pairs of heads that are compared besides each head with the bottleneck.
const PAIRS: [(&str, &str); 3] = [("quantum", "linear"), ("quantum", "no_entanglers"), ("quantum", "frozen_circuit")];

impl Experiment for Angiography {
    type Spec = Spec;
    type Inputs = Inputs;
    type Block = Option<Block>;

    const INFO: Info = Info {
        name: "angiography",
        title: "Films and reports of angiographies (research software, not for diagnosis)",
        doc: "Films learn from reports, attention pools the films of a study, small heads learn from few labels (after Harrabi et \
              al. 2026, arXiv 2603.17675); not for diagnosis",
        examples: &[
            "",
            "--parts pooling --seeds 3",
            "--parts transfer,heads --labelled 50",
            "--data studies --target stenosis --seeds 3",
            "--reports reports.csv --seeds 3",
            "--reports reports.csv --encoder minilm --seeds 3",
            "--preset full",
        ],
    };

    const METRICS: &'static [Metric] = &[
        Metric::higher("recall_10", "recall at 10", Unit::Share, "studies whose report is among the first ten"),
        Metric::higher("recall_1", "recall at 1", Unit::Share, "studies whose report comes first"),
        Metric::higher("over_chance", "over chance", Unit::Plain, "recall at 1 over chance"),
        Metric::higher("over_chance_10", "at 10 over chance", Unit::Plain, "recall at 10 over chance"),
        Metric::higher("reciprocal_rank", "MRR", Unit::Plain, "mean reciprocal rank of the report"),
        Metric::higher("gain_10", "NDCG at 10", Unit::Plain, "normalised discounted cumulative gain of the first ten"),
        Metric::higher(
            "study_recall_10",
            "of studies at 10",
            Unit::Share,
            "reports whose study is among the first ten",
        ),
        Metric::lower("temperature", "temperature", Unit::Plain, "that the training ends with"),
        Metric::higher("lesion_auc", "AUROC of the lesion", Unit::Plain, "studies with a lesion against those without"),
        Metric::higher(
            "mass",
            "weight on films with lesion",
            Unit::Plain,
            "of attention, over the share of films that show the lesion; 1 for equal weights",
        ),
        Metric::higher(
            "finding_auc",
            "AUROC of findings",
            Unit::Plain,
            "mean over tasks with labels 0 and 1 but the target",
        ),
        Metric::higher("outcome_auc", "AUROC of the target", Unit::Plain, "area under the receiver operating curve"),
        Metric::lower(
            "number_error",
            "error of numbers",
            Unit::Plain,
            "mean absolute error, mean over tasks with numbers",
        ),
        Metric::higher(
            "bayes_auc",
            "AUROC of true risks",
            Unit::Plain,
            "the most that the target allows on these studies",
        ),
        Metric::lower(
            "step_memory",
            "memory of a step (MB)",
            Unit::Plain,
            "counted: what the layers keep for the gradient, gradients and moments of trained parameters, 4 bytes a number",
        ),
        Metric::lower("parameters", "parameters", Unit::Count, "trained ones"),
    ];

    const CHECKS: &'static [Check] = checks::CHECKS;

    const FLAGS: &'static [Flag<Spec>] = &[
        Flag::apply("data", "PATH", Spec::set_data, "Own studies: a folder STUDY/FILM with studies.csv"),
        Flag::apply(
            "reports",
            "FILE",
            Spec::set_reports,
            "Own reports alone: a table with patient, findings, impression",
        ),
        Flag::field(
            "encoder",
            "FOLDER",
            "encoder",
            "A pretrained BERT or DistilBERT whose vectors of reports are read (data/glosses/minilm.sh)",
        ),
        Flag::field("target", "COLUMN", "target", "Column of labels that transfer and heads are about"),
        Flag::field("parts", "LIST", "parts", "Parts of the study")
            .with_choices(|| vec!["retrieval", "pooling", "probe", "transfer", "heads", "reports"]),
        Flag::field("studies", "N", "studies", "Drawn studies to learn from"),
        Flag::field("labelled", "N", "few", "Labelled studies of transfer and heads"),
        Flag::field(
            "trainable-fraction",
            "SHARE",
            "trainable_fraction",
            "Share of the encoder that the arm unfrozen trains",
        ),
    ];

    fn grids(spec: &Spec) -> Result<Vec<Grid>, StudyError> {
        let grid = |name: &str,
                    heading: &str,
                    arm: Factor,
                    before: Option<Factor>,
                    after: Option<Factor>,
                    metrics: &[&'static str]| {
            let factors = before.into_iter().chain([arm, Factor::seeds(&spec.seeds)]).chain(after).collect();
            Grid::new(name, heading, factors, metrics).in_shared_blocks(SHARED, &["seed"])
        };
        let poolings =
            || Factor::explained("arm", Role::Arm, POOLINGS.map(|(name, _, doc)| (name, doc))).with_baseline("mean");
        let mut grids = Vec::new();
        for part in &spec.parts {
            grids.push(match part {
                Part::Retrieval => {
                    let arm = Factor::explained("arm", Role::Arm, LOSSES).with_baseline("clip");
                    let metrics =
                        ["recall_10", "recall_1", "over_chance", "reciprocal_rank", "gain_10", "study_recall_10"];
                    grid("retrieval", "Reports that films find", arm, None, None, &metrics)
                }
                Part::Pooling => {
                    let lesion = Factor::explained("lesion", Role::Setting, LESIONS.map(|(name, _, doc)| (name, doc)));
                    grid(
                        "pooling",
                        "Studies with a single lesion",
                        poolings(),
                        Some(lesion),
                        None,
                        &["lesion_auc", "mass"],
                    )
                }
                Part::Probe => {
                    let levels = EVALUATED.into_iter().filter(|(name, _)| spec.data.is_none() || *name != "shifted");
                    let films = Factor::explained("films", Role::Evaluation, levels).with_baseline("8");
                    let metrics = ["finding_auc", "outcome_auc", "number_error", "bayes_auc", "parameters"];
                    grid("probe", "All labelled studies, frozen encoder", poolings(), None, Some(films), &metrics)
                }
                Part::Transfer => {
                    let arm = Factor::explained("arm", Role::Arm, TRANSFER.map(|(name, doc, _)| (name, doc)));
                    let metrics = ["outcome_auc", "finding_auc", "number_error", "step_memory", "parameters"];
                    grid("transfer", "Few labelled studies", arm.with_baseline("scratch"), None, None, &metrics)
                }
                Part::Heads => {
                    let levels = HEAD_ARMS.iter().map(|row| (row.name, row.doc));
                    let arm = Factor::explained("arm", Role::Arm, levels).with_baseline("bottleneck");
                    let heading = "Heads on the vector of a study, few labelled studies";
                    grid("heads", heading, arm, None, None, &["outcome_auc", "parameters"])
                }
                Part::Reports => {
                    let levels = TEXT_ARMS.into_iter().chain(spec.encoder.is_some().then_some(ENCODER_ARM));
                    let arm = Factor::explained("arm", Role::Arm, levels).with_baseline("words");
                    let metrics = ["recall_10", "recall_1", "over_chance", "reciprocal_rank", "gain_10", "parameters"];
                    let heading = "Impressions that findings find";
                    Grid::new(REPORTS, heading, vec![arm, Factor::seeds(&spec.seeds)], &metrics)
                }
            });
        }
        Ok(grids)
    }

    fn open(spec: &Spec, _context: &Context) -> Result<(Inputs, Measurement), StudyError> {
        let own = spec.data.as_deref().map(|path| OwnStudies::read(spec, path)).transpose()?;
        // What is wrong with the split of a seed is said before anything is trained.
        if let Some(own) = &own {
            spec.seeds.iter().try_for_each(|seed| own.split(spec, *seed).map(drop))?;
        }
        let reports = spec.reports.as_deref().map(Reports::read).transpose()?;
        if let Some(reports) = &reports {
            spec.seeds.iter().try_for_each(|seed| reports.split(spec, *seed).map(drop))?;
        }
        let of_reports = reports.iter().flat_map(|reports| &reports.notices);
        let notices = own.iter().flat_map(|own| &own.notices).chain(of_reports);
        let mut found = notices.fold(Measurement::default(), |found, notice| found.notice(notice));
        if (own.is_some() || reports.is_some()) && spec.seeds.len() > 1 {
            found = found.notice("splits of different seeds share patients, so intervals over seeds are too narrow");
        }
        let encoder = spec.encoder.as_deref().map(TextBundle::read).transpose()?;
        let vectors = match (&reports, &encoder) {
            (Some(reports), Some(encoder)) => Some(reports.vectors(encoder)?),
            _ => None,
        };
        Ok((Inputs { own, reports, encoder, vectors }, found))
    }

    fn prepare(
        spec: &Spec,
        inputs: &Inputs,
        block: &Point,
        context: &Context,
    ) -> Result<(Option<Block>, Measurement), StudyError> {
        let found = match block.grid.as_str() {
            SHARED => {
                let (own, encoder) = (inputs.own.as_ref(), inputs.encoder.as_ref());
                Some(Block::new(spec, own, encoder, block.seed(), context)?)
            }
            _ => None,
        };
        Ok((found, Measurement::default()))
    }

    fn trial(
        spec: &Spec,
        inputs: &Inputs,
        block: &Option<Block>,
        at: &Point,
        context: &Context,
    ) -> Result<Measurement, StudyError> {
        let missing = || StudyError::MissingTrial { trial: at.to_string() };
        if at.grid == REPORTS {
            let reports = inputs.reports.as_ref().ok_or_else(missing)?;
            let point = (at.get("arm"), at.seed());
            return reports::run(spec, reports, inputs.vectors.as_ref(), point, context);
        }
        let trial = Trial { spec, block: block.as_ref().ok_or_else(missing)?, at, context };
        match at.grid.as_str() {
            "retrieval" => trial.retrieval(),
            "pooling" => trial.single_lesion(),
            "probe" => trial.probe_all(),
            "transfer" => trial.transfer(),
            _ => trial.head(),
        }
    }

    fn contrasts(_: &Spec, grids: &[Grid]) -> Vec<Contrast> {
        let mut found: Vec<Contrast> = grids.iter().flat_map(Contrast::to_baseline).collect();
        for grid in grids.iter().filter(|grid| grid.name == "heads") {
            found.extend(PAIRS.into_iter().flat_map(|(arm, other)| Contrast::in_each_setting(grid, "arm", arm, other)));
        }
        found
    }

    fn sections(spec: &Spec, results: &Results) -> Vec<Section> {
        sections::sections(spec, results)
    }

    fn apply(run: &SavedRun, options: &ApplyOptions, observer: &dyn Observer) -> Result<Option<Applied>, StudyError> {
        saved::apply(run, options, observer).map(Some)
    }
}
