//! `qgraft run hatl`: blocks released by the validation metric, on simulated signing.

use std::path::PathBuf;

use anyhow::{Context, Result, bail};

use crate::cli::old_run::set;
use crate::cli::place::{Place, shown};
use crate::systems::hatl::{self, Findings, First, Spec, TaskRow};

/// Hierarchical adaptive transfer from gross motions to signed sentences, beside other schedules.
///
/// Without arguments: every schedule under one seed with few sentences, in less than a minute.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  qgraft run hatl
  qgraft run hatl --arms hatl,frozen,full --seeds 3
  qgraft run hatl --full --beam 4
  qgraft run hatl --task scarce --full --arms hatl,frozen,full,scratch
  qgraft run hatl --task pictures --arms hatl,frozen,full
  qgraft run hatl --task glosses --head quantum --arms hatl,frozen,full
  qgraft run hatl --data films/          # sentences.jsonl, and clips.jsonl to learn first (see the page of the system)")]
pub struct Hatl {
    /// Start from the spec in this TOML file.
    #[arg(long, value_name = "FILE", conflicts_with = "full")]
    spec: Option<PathBuf>,
    /// Schedules, separated by commas: hatl, no_restore, one_rate, bottom_up, fixed, frozen, full, gradual, chain_thaw,
    /// layer_rates, scratch.
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    arms: Option<Vec<String>>,
    /// What is learned: sentences (into text), scarce (the same with little to learn from), glosses (told apart) or
    /// pictures (told apart, on a pretrained backbone).
    #[arg(long, value_name = "NAME", conflicts_with = "spec")]
    task: Option<String>,
    /// Films with texts: a folder with sentences.jsonl and perhaps clips.jsonl. With `--task pictures` a folder of
    /// classes of pictures.
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// The head that tells classes apart (see `qgraft list heads`).
    #[arg(long, value_name = "NAME")]
    head: Option<String>,
    /// What the backbone learns first: actions, or signs of another language.
    #[arg(long, value_name = "WHAT", value_parser = ["actions", "signs"])]
    first: Option<String>,
    /// Texts that are followed at once when translations are judged in the end, beside the likeliest words.
    #[arg(long, value_name = "N")]
    beam: Option<usize>,
    /// Number of seeds: 0, 1, …
    #[arg(long, value_name = "N")]
    seeds: Option<u64>,
    /// Sentences to learn from.
    #[arg(long, value_name = "N")]
    sentences: Option<usize>,
    /// Epochs of the target task.
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// Five seeds, 300 sentences and enough epochs to release every block.
    #[arg(long)]
    full: bool,
    /// The quick cut, which is the default.
    #[arg(long, conflicts_with_all = ["full", "spec"])]
    quick: bool,
    #[command(flatten)]
    place: Place,
}

impl Hatl {
    fn spec(&self) -> Result<Spec> {
        let mut spec = match (&self.spec, &self.task) {
            (Some(path), _) => Spec::read(path)?,
            (None, Some(task)) => Spec::of(task)?,
            (None, None) => Spec::default(),
        };
        if self.full {
            spec.full()?;
        }
        if let Some(data) = &self.data {
            spec.reading(data.clone());
        }
        let first = self.first.as_deref().map(|name| if name == "signs" { First::Signs } else { First::Actions });
        set(&mut spec.first, &first);
        set(&mut spec.search.beam, &self.beam);
        if self.head.is_some() && !TaskRow::named(&spec.task)?.classifies {
            bail!("--head has no meaning for task {}: add --task glosses or --task pictures", spec.task);
        }
        set(&mut spec.arms, &self.arms);
        set(&mut spec.head, &self.head);
        set(&mut spec.seeds, &self.seeds.map(|count| (0..count).collect()));
        set(&mut spec.sentences, &self.sentences);
        set(&mut spec.target.epochs, &self.epochs);
        spec.check().context("in the resolved spec")?;
        Ok(spec)
    }

    /// Runs the comparison.
    pub fn run(&self) -> Result<()> {
        let spec = self.spec()?;
        self.place.run(
            "hatl",
            |place, bar| hatl::run(&spec, place, bar).map(|outcome| (outcome.findings, outcome.folder)),
            Findings::to_json,
            told,
        )
    }
}

fn told(findings: &Findings) -> String {
    shown([hatl::table(findings), hatl::checks(findings)])
}
