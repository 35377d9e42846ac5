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
mod pretrained;
mod sections;
mod settings;
mod spec;
mod trial;
mod units;

pub use arms::{Arm, CONTROLS, Treatment, arms, pretrained_arms};
pub use health::{DORMANT, Health, dormant, effective_rank};
pub use pictures::Collection;
pub use settings::{OWN, SETTINGS, SettingRow};
pub use spec::{Digits, Layers, PictureNetwork, Pictures, Pretrained, Spec, VisionConfig};

use crate::lab::{
    Applied, ApplyOptions, Check, Context, Contrast, Experiment, Factor, Flag, Grid, Info, Measurement, Metric,
    ModelChoice, OnnxModel, Point, Results, Role, SavedRun, StudyError, Unit,
};
use crate::nn::backbone::BACKBONES;
use crate::report::Section;
use crate::study::Observer;
use crate::systems::conditions::{devices_flag, shots_flag};
use crate::systems::live_stages::LivePictures;
use crate::systems::methods::{METHOD, methods_flag};
use crate::systems::picture_model;
use crate::transfer::Utility;

/// Name of the grid of the settings that learn their source.
const LEARNED: &str = "main";
/// Name of the grid of the settings on a pretrained backbone.
const PRETRAINED: &str = "pretrained";

/// What the trials of a setting and seed share.
pub enum Block {
    /// A source that was learned.
    Learned(Box<trial::Block>),
    /// A pretrained backbone.
    Pretrained(Box<pretrained::Block>),
}

/// The experiment.
pub struct Plasticity;

impl Experiment for Plasticity {
    type Spec = Spec;
    type Inputs = Option<LivePictures>;
    type Block = Block;

    const INFO: Info = Info {
        name: "plasticity",
        title: "Plasticity before fine-tuning",
        doc: "Does replacing the least useful weights before fine-tuning help? (after Coetzer et al. 2026, arXiv \
              2603.20860)",
        examples: &[
            "",
            "--preset pretrained",
            "--data photos/ --seeds 3",
            "--preset pretrained --data bccd.zip",
            "--settings useful_source --seeds 10",
            "--preset full",
            "--settings near,far --network transformer",
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
        Metric::higher(
            "validation",
            "validation",
            Unit::Share,
            "accuracy on the validation pictures after the last epoch",
        ),
        Metric::lower("rate", "rate", Unit::Plain, "learning rate chosen on the validation pictures"),
        Metric::higher("chance", "chance", Unit::Share, "accuracy of guessing"),
        Metric::higher("majority", "majority", Unit::Share, "accuracy of naming the most frequent class of the test"),
        Metric::lower("cost", "cost", Unit::Share, "processor time of choosing weights over that of fine-tuning")
            .volatile(),
    ];

    const CHECKS: &'static [Check] = checks::CHECKS;

    const FLAGS: &'static [Flag<Spec>] = &[
        Flag::field("settings", "LIST", "settings", "Transfers to run")
            .with_choices(|| SETTINGS.iter().map(|row| row.name).collect()),
        Flag::apply(
            "data",
            "PATH",
            |spec, path| spec.read_from(path),
            "Own pictures: a folder of class folders, or Pascal VOC boxes (folder or zip) whose objects are cut out",
        ),
        Flag::apply(
            "skip-bad",
            "",
            |spec, _| spec.pretrained.live.skip_bad = true,
            "Leave out pictures that cannot be read",
        ),
        Flag::field("network", "NAME", "pictures.network", "Network that near and far train from initial values")
            .with_choices(|| PictureNetwork::NAMES.to_vec()),
        Flag::field("backbone", "NAME", "pretrained.live.backbone.name", "Pretrained backbone")
            .with_choices(|| BACKBONES.iter().map(|row| row.name).collect()),
        Flag::field("weights", "FILE", "pretrained.live.backbone.weights", "Weight file of the backbone"),
        Flag::field("edge", "N", "pretrained.live.edge", "Pixels along an edge that the backbone reads"),
        Flag::field("live", "N", "pretrained.live.stages", "Last stages of the backbone that are trained"),
        Flag::field("labels", "N", "pretrained.live.labels", "Training pictures of each class; 0 takes all"),
        Flag::field("epochs", "N", "pretrained.target.epochs", "Epochs of fine-tuning a pretrained backbone"),
        Flag::field(
            "head",
            "NAME",
            "head",
            "Head of the target networks (see `qgraft list heads`); NAME@DEVICE trains under noise",
        ),
        Flag::field("shares", "LIST", "shares", "Shares of weights to replace"),
        Flag::field("head-epochs", "N", "head_epochs", "Epochs in which the head alone learns first"),
        methods_flag(),
        devices_flag(),
        shots_flag(),
    ];

    fn grids(spec: &Spec) -> Result<Vec<Grid>, StudyError> {
        let rows = spec.settings.iter().map(|name| SettingRow::named(name)).collect::<Result<Vec<_>, _>>()?;
        let grid = |name: &str, heading: &str, is_pretrained: bool, arms: Vec<Arm>, metrics: &[&'static str]| {
            let own = rows.iter().filter(|row| row.is_pretrained() == is_pretrained).map(|row| (row.name, row.doc));
            let arms = arms.into_iter().map(|arm| (arm.name, arm.doc));
            let factors = vec![
                Factor::explained("setting", Role::Setting, own).listed_by("settings"),
                Factor::seeds(&spec.seeds),
                Factor::explained("arm", Role::Arm, arms).with_baseline("plain"),
            ];
            let factors = factors.into_iter().chain(spec.method.factor()).chain(spec.evaluate.factors()).collect();
            Grid::new(name, heading, factors, metrics).in_blocks(&["setting", "seed"])
        };
        let metrics = ["area", "last", "before", "after", "replaced"];
        let mut grids = Vec::new();
        if rows.iter().any(|row| row.is_pretrained()) {
            let metrics = ["area", "last", "before", "after", "replaced", "rate"];
            grids.push(grid(PRETRAINED, "Fine-tuning a pretrained backbone", true, pretrained_arms(spec), &metrics));
        }
        if rows.iter().any(|row| !row.is_pretrained()) {
            grids.push(grid(LEARNED, "Fine-tuning", false, arms(spec), &metrics));
        }
        Ok(grids)
    }

    fn open(spec: &Spec, context: &Context) -> Result<(Option<LivePictures>, Measurement), StudyError> {
        let is_pretrained = |name: &String| SettingRow::named(name).is_ok_and(SettingRow::is_pretrained);
        if !spec.settings.iter().any(is_pretrained) {
            return Ok((None, Measurement::default()));
        }
        let pictures = LivePictures::open(&spec.pretrained.live, spec.data.as_deref(), context)?;
        let found = pictures.notices.iter().fold(Measurement::default(), Measurement::notice);
        let found = found.keep(sections::PICTURES, &pictures.title);
        Ok((Some(pictures), found))
    }

    fn prepare(
        spec: &Spec,
        inputs: &Option<LivePictures>,
        block: &Point,
        context: &Context,
    ) -> Result<(Block, Measurement), StudyError> {
        let row = SettingRow::named(block.get("setting"))?;
        match (row.make, inputs) {
            (Some(make), _) => {
                let (block, found) = trial::prepare(spec, make, block.seed(), context)?;
                Ok((Block::Learned(Box::new(block)), found))
            }
            (None, Some(pictures)) => {
                let (block, found) = pretrained::prepare(spec, pictures, block.seed(), context)?;
                Ok((Block::Pretrained(Box::new(block)), found))
            }
            (None, None) => unreachable!("`open` reads pictures for every setting on a pretrained backbone"),
        }
    }

    fn trial(
        spec: &Spec,
        _inputs: &Option<LivePictures>,
        block: &Block,
        at: &Point,
        context: &Context,
    ) -> Result<Measurement, StudyError> {
        let (arm, method, seed) = (at.index("arm"), at.get(METHOD), at.seed());
        match block {
            Block::Learned(block) => trial::trial(spec, block, (&arms(spec)[arm], method), seed, context),
            Block::Pretrained(block) => {
                pretrained::trial(spec, block, (&pretrained_arms(spec)[arm], method), seed, context)
            }
        }
    }

    fn contrasts(spec: &Spec, grids: &[Grid]) -> Vec<Contrast> {
        let mut found: Vec<Contrast> = grids.iter().flat_map(Contrast::to_baseline).collect();
        for grid in grids {
            let arms = if grid.name == PRETRAINED { pretrained_arms(spec) } else { arms(spec) };
            let settings: Vec<&str> = grid.factor("setting").into_iter().flat_map(Factor::names).collect();
            for setting in settings {
                for arm in arms.iter().filter(|arm| !arm.redraws_by(Utility::Random)) {
                    let chance = arms.iter().filter(|other| other.is_chance_of(arm));
                    // What a treatment of a pretrained backbone does besides replacing weights.
                    let is_redraw = matches!(arm.treatment, Treatment::Redraw { .. });
                    let bare = arms.iter().filter(|other| is_redraw && other.treatment == Treatment::Statistics);
                    found.extend(chance.chain(bare).map(|other| {
                        Contrast::new(&grid.name, "area", "arm", &arm.name, &other.name).at("setting", setting)
                    }));
                }
            }
        }
        found
    }

    fn sections(spec: &Spec, results: &Results) -> Vec<Section> {
        sections::sections(spec, results)
    }

    fn apply(run: &SavedRun, options: &ApplyOptions, observer: &dyn Observer) -> Result<Option<Applied>, StudyError> {
        let trial = picture_model::best(run, &options.choice)?;
        let spec: Spec = trial.settings()?;
        let live = &spec.pretrained.live;
        let applied =
            picture_model::apply(trial, ("pretrained.live.backbone.weights", &live.backbone), options, observer)?;
        Ok(Some(applied))
    }

    fn onnx(run: &SavedRun, choice: &ModelChoice) -> Result<Option<OnnxModel>, StudyError> {
        let trial = picture_model::best(run, choice)?;
        let live = trial.settings::<Spec>()?.pretrained.live;
        picture_model::onnx(trial, ("pretrained.live.backbone.weights", &live.backbone)).map(Some)
    }
}
