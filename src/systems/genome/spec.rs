//! Settings of a run.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::lab::{Preset, Settings, Validation};
use crate::nn::byte_net::ByteNet;
use crate::nn::layer::NormScope;
use crate::nn::optim::{Method, Schedule};
use crate::study::train::TrainConfig;
use crate::systems::genome::arms::ARMS;
use crate::systems::genome::base_heads::HEADS;
use crate::systems::genome::pooling::POOLED;
use crate::systems::genome::simulation::SOURCES;

/// Everything that decides a run's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Spec {
    /// New genomes or another split, and new networks for each seed.
    pub seeds: Vec<u64>,
    /// Rows of the table of simulated sources.
    pub sources: Vec<String>,
    /// An alignment (MAF or FASTA), one more source.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alignment: Option<PathBuf>,
    /// Its tree (Newick); without one it is joined from the training columns.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tree: Option<PathBuf>,
    /// The genome that the network reads; by default the first of the alignment.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// Published weights of PhyloGPN, one more arm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub weights: Option<PathBuf>,
    /// Rows of the table of arms.
    pub arms: Vec<String>,
    /// Rows of the table of heads on the frozen embedding of the arm phylogenetic.
    pub base_heads: Vec<String>,
    /// Rows of qgraft's table of heads that learn motifs from the frozen embedding.
    pub probes: Vec<String>,
    /// Labels that these learn from, half of each class.
    pub labels: usize,
    /// Leaves of a simulated tree, at least 4.
    pub leaves: usize,
    /// Distance of each leaf from the root.
    pub depth: f64,
    /// Simulated bases to learn from.
    pub training_bases: usize,
    /// Simulated bases of the test chromosome; a quarter as many are for validation.
    pub test_bases: usize,
    /// Share of simulated bases that lie in motifs.
    pub motif_share: f64,
    /// Positions whose mean embedding the probe `pooled` reads beside that of a site. The source takes 5,521.
    pub pool: usize,
    /// Share of leaves that are missing in a simulated column.
    pub missing: f64,
    /// Bases of the segments that an alignment is split into; a fifth of them is for the test, a tenth for validation.
    pub segment: usize,
    /// Channels between the blocks of the network.
    pub width: usize,
    /// Channels inside a block.
    pub inner: usize,
    /// Distance between the five taps of each block's kernel.
    pub dilations: Vec<usize>,
    /// Sites of a row of a step.
    pub window: usize,
    /// How networks are trained.
    pub train: TrainConfig,
    /// How heads and probes are trained.
    pub head_train: TrainConfig,
}

impl Default for Spec {
    /// The quick run: one seed, a small genome and a small network.
    fn default() -> Self {
        Self {
            seeds: vec![0],
            sources: vec!["simulated".into()],
            alignment: None,
            tree: None,
            reference: None,
            weights: None,
            arms: ARMS.iter().map(|row| row.name.into()).collect(),
            base_heads: HEADS.iter().map(|row| row.name.into()).collect(),
            probes: vec!["linear".into()],
            labels: 500,
            leaves: 40,
            depth: 1.0,
            training_bases: 30_000,
            test_bases: 6_000,
            motif_share: 0.3,
            pool: 5_521,
            missing: 0.1,
            segment: 1_000,
            width: 24,
            inner: 16,
            dilations: vec![1, 2, 3],
            window: 200,
            train: TrainConfig {
                schedule: Schedule::Cosine { floor: 0.05 },
                clip: Some(1.0),
                ..TrainConfig::new(8, 2, 5e-3, Method::adamw(0.0))
            },
            head_train: TrainConfig {
                schedule: Schedule::Cosine { floor: 0.01 },
                ..TrainConfig::new(20, 64, 1e-2, Method::adamw(0.0))
            },
        }
    }
}

impl Spec {
    /// Names of the sources, the file last.
    pub fn source_names(&self) -> Vec<String> {
        let file = self.alignment.as_ref().map(|_| ALIGNMENT.to_string());
        self.sources.iter().cloned().chain(file).collect()
    }

    /// The network.
    pub fn net(&self) -> ByteNet {
        let Self { width, inner, dilations, .. } = self;
        ByteNet { width: *width, inner: *inner, kernel: 5, dilations: dilations.clone(), norm: NormScope::Position }
    }
}

/// The source that is an alignment of the user.
pub const ALIGNMENT: &str = "alignment";

impl Settings for Spec {
    const FORMAT: &'static str = "qgraft.genome/1";

    const PRESETS: &'static [Preset<Self>] = &[
        Preset {
            name: "quick",
            doc: "one seed, 30,000 simulated bases, a network of 7,000 parameters, under a minute; the default",
            apply: |_| {},
        },
        Preset {
            name: "smoke",
            doc: "seconds: shows that everything works, its figures mean nothing",
            apply: |spec| {
                (spec.leaves, spec.training_bases, spec.test_bases, spec.labels) = (8, 1_200, 600, 40);
                (spec.width, spec.inner, spec.dilations, spec.window) = (8, 4, vec![1, 2], 100);
                (spec.train.epochs, spec.head_train.epochs) = (2, 2);
            },
        },
        Preset {
            name: "full",
            doc: "three seeds, both simulated sources, 60,000 bases, a receptive field of 49 bases; about half an hour",
            apply: |spec| {
                // Settings were chosen by runs of seed 0.
                spec.seeds = vec![1, 2, 3];
                spec.sources = ["simulated", "clade"].map(String::from).to_vec();
                spec.probes = vec!["linear".into(), "quantum".into()];
                (spec.training_bases, spec.test_bases) = (60_000, 12_000);
                (spec.width, spec.inner, spec.dilations) = (32, 24, vec![1, 5, 1, 5]);
                (spec.train.epochs, spec.train.rate) = (12, 3e-3);
            },
        },
    ];

    fn validate(&self, check: &mut Validation) {
        check
            .list("seeds", &self.seeds)
            .distinct("sources", &self.sources)
            .names("arms", &self.arms, ARMS.iter().map(|row| row.name))
            .distinct("base_heads", &self.base_heads)
            .distinct("probes", &self.probes)
            .path("alignment", self.alignment.as_deref())
            .path("tree", self.tree.as_deref())
            .path("weights", self.weights.as_deref())
            .whole("leaves", self.leaves, 4..=1000)
            .positive("depth", self.depth)
            .within("missing", self.missing, 0.0..=0.9)
            .within("motif_share", self.motif_share, 0.05..=0.8)
            .whole("width", self.width, 2..=4096)
            .whole("inner", self.inner, 2..=4096)
            .whole("window", self.window, 20..=100_000)
            .whole("pool", self.pool, 1..=1_000_000)
            .at_least("segment", self.segment, 50)
            .train("train", &self.train)
            .train("head_train", &self.head_train);
        for source in &self.sources {
            check.name("sources", source, SOURCES.iter().map(|row| row.name));
        }
        for head in &self.base_heads {
            check.name("base_heads", head, HEADS.iter().map(|row| row.name));
        }
        for probe in &self.probes {
            if probe != POOLED {
                check.trained_head("probes", probe);
            }
        }
        // Motifs, labels of both classes and all parts need some bases.
        for (field, bases) in [("training_bases", self.training_bases), ("test_bases", self.test_bases)] {
            check.at_least(field, bases, 500);
        }
        check.whole("labels", self.labels, 10..=self.training_bases / 10);
        for (field, channels) in [("width", self.width), ("inner", self.inner)] {
            check.check(
                field,
                channels,
                channels % 2 == 0,
                "an even number: channels come in pairs, one for each strand",
            );
        }
        let is_dilation = |dilations: &[usize]| {
            (1..=100).contains(&dilations.len()) && dilations.iter().all(|d| (1..=1000).contains(d))
        };
        let expected = "at least one number and at most 100, each from 1 to 1000";
        check.check("dilations", format!("{:?}", self.dilations), is_dilation(&self.dilations), expected);
        if self.source_names().is_empty() {
            check.refuse("sources", "[]", "at least one source, or an alignment");
        }
        if self.alignment.is_none() {
            if let Some(tree) = &self.tree {
                check.refuse("tree", tree.display(), "an alignment beside it (--alignment)");
            }
            if let Some(reference) = &self.reference {
                check.refuse("reference", reference, "an alignment beside it (--alignment)");
            }
        }
    }
}
