//! A network over single DNA sequences, trained by the likelihood of alignments (after Albors et al. 2025,
//! arXiv:2503.03773: PhyloGPN).
//!
//! Genomes with a known truth, or an alignment of the user with its tree → windows of the reference genome → dilated
//! convolutions that treat both strands alike → the parameters of a substitution model for each base → the likelihood of
//! the aligned column ([`ARMS`] vary what is learned) → frequencies, rates and variants on held-out sites.
//!
//! [`Genome`] is the experiment, [`Spec`] its settings, [`SOURCES`] the simulated genomes. [`HEADS`] compare softmax with
//! the outcomes of two qubits on the frozen embedding; rows of qgraft's table of heads learn motifs from it.

mod arms;
mod base_heads;
mod checks;
mod evaluate;
mod material;
mod pooling;
mod saved;
mod simulation;
mod spec;
mod training;
mod trial;

pub use arms::{ARMS, ArmRow, Target};
pub use base_heads::{HEADS, HeadRow};
pub use material::{Kind, Material, Segment, Truth};
pub use pooling::{POOLED, pooled, projection};
pub use simulation::{SOURCES, SourceRow};
pub use spec::Spec;

use crate::lab::{
    Applied, ApplyOptions, Check, Context, Contrast, Experiment, Factor, Flag, Grid, Info, Measurement, Metric, Point,
    Results, Role, SavedRun, StudyError, Unit,
};
use crate::report::{Block, Section, Table};
use crate::study::Observer;
use crate::systems::genome::arms::PUBLISHED;
use crate::systems::genome::evaluate::{Bin, Predicted, log_likelihood};
use crate::systems::genome::spec::ALIGNMENT;

/// The experiment.
pub struct Genome;

/// Pairs of arms that are compared besides each arm with the baseline.
const PAIRS: [(&str, &str); 3] =
    [("phylogenetic", "masked_base"), ("phylogenetic", "counts"), ("phylogenetic", "unconditioned")];

/// The arm whose network heads and probes read.
const TRUNK: &str = "phylogenetic";

impl Experiment for Genome {
    type Spec = Spec;
    type Inputs = ();
    type Block = Material;

    const INFO: Info = Info {
        name: "genome",
        title: "Genomic language modelling by phylogeny",
        doc: "A DNA network trained by the likelihood of alignments on their tree (after Albors et al. 2025, arXiv \
              2503.03773)",
        examples: &[
            "",
            "--preset full",
            "--alignment aligned.maf --tree species.nwk --seeds 3",
            "--arms phylogenetic,masked_base --seeds 3",
            "--sources paired --arms composition,phylogenetic --probes linear,pooled",
        ],
    };

    const METRICS: &'static [Metric] = &[
        Metric::higher(
            "log_likelihood",
            "log-likelihood",
            Unit::Nats,
            "of a held-out column given the base of the reference, mean over sites with another base",
        ),
        Metric::lower("kl", "KL, motifs", Unit::Nats, "of predicted from true frequencies, on sites in motifs"),
        Metric::lower("kl_background", "KL, background", Unit::Nats, "the same on the other sites"),
        Metric::higher(
            "frequency_correlation",
            "correlation",
            Unit::Plain,
            "Pearson's, of predicted with true frequencies",
        ),
        Metric::higher("rate_correlation", "rates", Unit::Plain, "Spearman's, of predicted with true rates"),
        Metric::higher(
            "variant_auroc",
            "variants",
            Unit::Plain,
            "AUROC of log π_ref - log π_alt, variants in cores of motifs against those in the background",
        ),
        Metric::lower(
            "reference_excess",
            "excess",
            Unit::Plain,
            "frequency added to the base of the reference on background sites",
        ),
        Metric::lower(
            "calibration",
            "calibration error",
            Unit::Plain,
            "expected calibration error of the bases of the other genomes, ten bins",
        ),
        Metric::lower("strand_error", "strands", Unit::Plain, "largest difference of θ between both strands"),
        Metric::lower("golden_error", "notebook", Unit::Plain, "published weights: difference to their notebook"),
        Metric::higher("validation_log_likelihood", "validation", Unit::Nats, "log-likelihood on validation sites"),
        Metric::lower("validation_loss", "validation loss", Unit::Nats, "own loss on validation sites, by epoch"),
        Metric::higher("oracle_log_likelihood", "truth", Unit::Nats, "log-likelihood under the true parameters"),
        Metric::lower("parameters", "parameters", Unit::Count, "trained numbers of the head"),
        Metric::higher("motif_auroc", "motifs", Unit::Plain, "AUROC of sites in motifs, learned from few labels"),
    ];

    const CHECKS: &'static [Check] = checks::CHECKS;

    const FLAGS: &'static [Flag<Spec>] = &[
        Flag::apply(
            "alignment",
            "FILE",
            |spec, file| {
                spec.alignment = Some(file.into());
                spec.sources.clear();
            },
            "Alignment to learn from: MAF, or FASTA with sequences of one length (may be gzipped)",
        ),
        Flag::apply(
            "tree",
            "FILE",
            |spec, file| spec.tree = Some(file.into()),
            "Newick tree of its genomes; without one it is joined from the training columns",
        ),
        Flag::apply(
            "reference",
            "NAME",
            |spec, name| spec.reference = Some(name.into()),
            "Genome that the network reads; by default the first of the alignment",
        ),
        Flag::apply(
            "weights",
            "FILE",
            |spec, file| spec.weights = Some(file.into()),
            "Published weights of PhyloGPN, evaluated as one more arm",
        ),
        Flag::field("sources", "LIST", "sources", "Simulated genomes")
            .with_choices(|| SOURCES.iter().map(|row| row.name).collect()),
        Flag::field("arms", "LIST", "arms", "Arms").with_choices(|| ARMS.iter().map(|row| row.name).collect()),
        Flag::field(
            "probes",
            "LIST",
            "probes",
            "Heads that learn motifs from the embedding (see `qgraft list heads`), or `pooled`: a linear one that also \
             reads the mean embedding around a site",
        ),
    ];

    fn grids(spec: &Spec) -> Result<Vec<Grid>, StudyError> {
        let doc = |name: &String| SOURCES.iter().find(|row| row.name == name).map_or("a file", |row| row.doc);
        let sources = spec.source_names().into_iter().map(|name| (name.clone(), doc(&name)));
        let sources = Factor::explained("source", Role::Setting, sources).listed_by("sources");
        let arms = spec.arms.iter().map(|name| ArmRow::named(name).map(|row| (row.name, row.doc)));
        let mut arms: Vec<_> = arms.collect::<Result<_, _>>()?;
        if spec.weights.is_some() {
            arms.push((PUBLISHED, "the published network, not trained here"));
        }
        let seeds = || Factor::seeds(&spec.seeds);
        let block = &["source", "seed"];
        let arms = Factor::explained("arm", Role::Arm, arms).with_baseline("composition").listed_by("arms");
        let truth = ["kl", "kl_background", "frequency_correlation", "rate_correlation"];
        let metrics = [&["log_likelihood"][..], &truth, &["variant_auroc", "reference_excess", "calibration"]].concat();
        let heading = "Held-out sites";
        let main = Grid::new("main", heading, vec![sources.clone(), arms, seeds()], &metrics);
        let mut grids = vec![main.in_shared_blocks("genomes", block)];
        let has_trunk = spec.arms.iter().any(|arm| arm == TRUNK);
        if has_trunk && !spec.base_heads.is_empty() {
            let heads = HEADS.iter().filter(|row| spec.base_heads.iter().any(|name| name == row.name));
            let heads = heads.map(|row| (row.name, row.doc));
            let heads = Factor::explained("base_head", Role::Arm, heads).with_baseline("softmax");
            let metrics = ["log_likelihood", "kl", "frequency_correlation", "variant_auroc", "parameters"];
            let heading = "Heads on the frozen embedding";
            let grid = Grid::new("heads", heading, vec![sources.clone(), heads, seeds()], &metrics);
            grids.push(grid.in_shared_blocks("genomes", block));
        }
        // Only a simulated genome tells where motifs are.
        if has_trunk && !spec.probes.is_empty() && !spec.sources.is_empty() {
            let names = spec.probes.iter().map(String::as_str).chain([trial::SCRATCH]);
            let probes = Factor::new("probe", Role::Arm, names).with_baseline(trial::SCRATCH);
            let heading = "Motifs from few labels";
            let simulated =
                Factor::explained("source", Role::Setting, spec.sources.iter().map(|name| (name.clone(), doc(name))));
            let grid = Grid::new("probes", heading, vec![simulated, probes, seeds()], &["motif_auroc"]);
            grids.push(grid.in_shared_blocks("genomes", block));
        }
        Ok(grids)
    }

    fn open(_spec: &Spec, _context: &Context) -> Result<((), Measurement), StudyError> {
        Ok(((), Measurement::default()))
    }

    fn prepare(
        spec: &Spec,
        _inputs: &(),
        block: &Point,
        _context: &Context,
    ) -> Result<(Material, Measurement), StudyError> {
        let mut material = match (block.get("source"), &spec.alignment) {
            (ALIGNMENT, Some(path)) => Material::of_alignment(spec, path, block.seed())?,
            (name, _) => SourceRow::named(name)?.material(spec, block.seed())?,
        };
        let leaves = material.f81.leaves();
        let truth = material.test.iter().flat_map(|segment| {
            let columns = segment.columns.chunks(leaves);
            segment.truth.iter().zip(columns).map(|(truth, column)| Predicted { site: truth.site, column, truth: None })
        });
        let oracle = log_likelihood(&material, &truth.collect::<Vec<_>>());
        let mut found = Measurement::default().value_if("oracle_log_likelihood", oracle);
        for notice in std::mem::take(&mut material.notices) {
            found = found.notice(notice);
        }
        Ok((material, found))
    }

    fn trial(
        spec: &Spec,
        _inputs: &(),
        material: &Material,
        at: &Point,
        context: &Context,
    ) -> Result<Measurement, StudyError> {
        let trained = |factor: &str| at.in_grid("main", factor, &[("arm", TRUNK)]);
        match (at.grid.as_str(), at.get("arm"), &spec.weights) {
            ("heads", ..) => {
                trial::base_head(spec, material, (at.get("base_head"), &trained("base_head")), at.seed(), context)
            }
            ("probes", ..) => trial::probe(spec, material, (at.get("probe"), &trained("probe")), at.seed(), context),
            (_, PUBLISHED, Some(weights)) => trial::published(spec, material, weights, at.seed()),
            (_, arm, _) => trial::arm(spec, material, ArmRow::named(arm)?, at.seed(), context),
        }
    }

    fn after(_spec: &Spec, at: &Point) -> Vec<Point> {
        match at.grid.as_str() {
            "heads" => vec![at.in_grid("main", "base_head", &[("arm", TRUNK)])],
            "probes" if at.get("probe") != trial::SCRATCH => vec![at.in_grid("main", "probe", &[("arm", TRUNK)])],
            _ => Vec::new(),
        }
    }

    fn contrasts(spec: &Spec, grids: &[Grid]) -> Vec<Contrast> {
        let mut found: Vec<Contrast> = grids.iter().flat_map(Contrast::to_baseline).collect();
        let is_run = |arm: &str| spec.arms.iter().any(|own| own == arm);
        for main in grids.iter().filter(|grid| grid.name == "main") {
            for (arm, other) in PAIRS.into_iter().filter(|(arm, other)| is_run(arm) && is_run(other)) {
                let pair = Contrast::in_each_setting(main, "arm", arm, other);
                found.extend(pair.iter().map(|contrast| contrast.clone().in_metric("kl")));
                found.extend(pair);
            }
        }
        found
    }

    fn sections(spec: &Spec, results: &Results) -> Vec<Section> {
        let kept: Vec<(&Point, Vec<Bin>)> = results.kept("main", "calibration");
        let caption = "Bases of the other genomes, by predicted probability: mean predicted, observed share, and how many, \
                       over all seeds. Arms with a rate predict them given the base of the reference";
        let header = ["source", "arm", "bin", "predicted", "observed", "bases"];
        let mut table = Table::new("calibration", caption, &header, 3);
        for source in spec.source_names() {
            for arm in &spec.arms {
                let of = |point: &Point| point.get("source") == source && point.get("arm") == arm;
                let own: Vec<&Vec<Bin>> = kept.iter().filter(|(point, _)| of(point)).map(|(_, bins)| bins).collect();
                for k in 0..own.first().map_or(0, |bins| bins.len()) {
                    let add = |a: Bin, b: Bin| (a.0 + b.0, a.1 + b.1, a.2 + b.2);
                    let (predicted, observed, count) = own.iter().map(|bins| bins[k]).fold((0.0, 0.0, 0.0), add);
                    if count > 0.0 {
                        let bin = format!("{:.1} to {:.1}", k as f64 / 10.0, (k + 1) as f64 / 10.0);
                        let share = |sum: f64| Unit::Plain.number(sum / count);
                        let numbers = [share(predicted), share(observed), Unit::Count.number(count)];
                        table.rows.push([source.clone(), arm.clone(), bin].into_iter().chain(numbers).collect());
                    }
                }
            }
        }
        let blocks = vec![Block::Table(table)];
        vec![Section { anchor: "calibration".into(), heading: "Calibration".into(), blocks }]
    }

    fn apply(run: &SavedRun, options: &ApplyOptions, observer: &dyn Observer) -> Result<Option<Applied>, StudyError> {
        saved::apply(run, options, observer).map(Some)
    }
}
