//! From the store to a report: one section for each study, then costs, failures and notices.

mod circuits;
mod comparisons;
mod curves;
mod data;
mod trained;

use std::collections::BTreeMap;
use std::path::Path;

use crate::math::words::pluralise;
use crate::math::words::sig3;
use crate::report::chart::number_clip_paths;
use crate::report::{Block, Page, Section, Table};
use crate::study::StudyError;
use crate::study::battery::Store;
use crate::study::energy::Usage;
use crate::study::files::write_whole;
use crate::systems::qtl::battery::file::File;
use crate::systems::qtl::battery::job::Outcome;
use crate::systems::qtl::battery::plan::{self, Kind, Planned, STUDIES, StudyRow};

/// A finished run of the plan.
pub struct Finished<'a> {
    /// The run.
    pub run: &'a Planned,
    /// What it found.
    pub outcome: Outcome,
    /// What it took.
    pub usage: Usage,
}

/// Everything there is to tell.
pub struct Told<'a> {
    /// The file of the battery.
    pub file: &'a File,
    /// The whole plan.
    pub plan: &'a [Planned],
    /// Runs that finished, in the order of the plan.
    pub finished: Vec<Finished<'a>>,
    /// Runs that failed: title, reason and the command that repeats each.
    pub failures: Vec<(String, String, String)>,
}

impl<'a> Told<'a> {
    /// What the store holds of a plan. `command` repeats the battery; a run's id is put behind it.
    ///
    /// # Errors
    /// If the store cannot be read.
    pub fn read(file: &'a File, plan: &'a [Planned], store: &Store, command: &str) -> Result<Self, StudyError> {
        let varied = plan::varied(plan);
        let reasons = store.failures()?;
        let (mut finished, mut failures) = (Vec::new(), Vec::new());
        let mut listed = std::collections::BTreeSet::new();
        for run in plan {
            if let Some(stored) = store.result(&run.id)? {
                let outcome = serde_json::from_str(&stored.outcome)
                    .map_err(|source| StudyError::Json { path: format!("run {}", run.id).into(), source })?;
                finished.push(Finished { run, outcome, usage: stored.usage });
            } else if let Some(reason) = reasons.get(&run.id)
                && listed.insert(&run.id)
            {
                failures.push((run.title(&varied), reason.clone(), format!("{command} --only id={}", run.id)));
            }
        }
        Ok(Self { file, plan, finished, failures })
    }

    /// Runs of one study.
    fn of(&self, study: &'static StudyRow) -> Vec<&Finished<'a>> {
        self.finished.iter().filter(|finished| finished.run.study == study.name).collect()
    }

    /// Writes every table and the report into `folder`, each file whole or not at all.
    ///
    /// # Errors
    /// If the folder cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), StudyError> {
        for table in data::tables(self) {
            write_whole(&folder.join(format!("{}.csv", table.name)), &table.csv())?;
        }
        let mut page = self.page();
        write_whole(&folder.join("tables.tex"), page.latex().as_bytes())?;
        for figure in page.figures() {
            let (svg, png) = figure.files();
            let path = |ending: &str| folder.join("figures").join(format!("{}.{ending}", figure.name));
            write_whole(&path("svg"), number_clip_paths(&svg).as_bytes())?;
            let failed = |reason| StudyError::File { path: path("png"), source: std::io::Error::other(reason) };
            write_whole(&path("png"), &png.map_err(failed)?)?;
        }
        // Times differ from one repetition to the next; they stand apart, so that the rest is the same to the byte.
        let cost = self.cost();
        write_whole(&folder.join("cost.tex"), cost.latex().as_bytes())?;
        page.sections.insert(page.sections.len() - 1, section("cost", "Time and energy", self.cost_blocks(cost)));
        write_whole(&folder.join("report.html"), page.html().as_bytes())
    }

    /// The report without times.
    fn page(&self) -> Page {
        let planned = self.plan.len();
        let mut page = Page { title: self.file.title.clone(), ..Page::default() };
        page.facts = vec![
            format!("{} of {}", self.finished.len(), pluralise(planned, "run")),
            pluralise(self.failures.len(), "failure"),
            format!("qgraft {}", env!("CARGO_PKG_VERSION")),
            "f32 features and heads, f64 circuits".into(),
        ];
        if self.finished.iter().any(|finished| matches!(finished.outcome, Outcome::Training(_))) {
            page.sections.push(section("hold_out", "Which rows judge", vec![Block::Text(HOLD_OUT.into())]));
        }
        for study in STUDIES {
            let runs = self.of(study);
            if runs.is_empty() {
                continue;
            }
            let all = self.plan.iter().filter(|run| run.study == study.name).count();
            let mut blocks = vec![Block::Text(format!("{} {} of {}.", study.doc, runs.len(), pluralise(all, "run")))];
            if runs.len() < all {
                let missing = "Runs are missing, so means are not over the same seeds and data everywhere.";
                blocks.push(Block::Warning(missing.into()));
            }
            blocks.extend(match study.kind {
                Kind::Training => trained::blocks(study, &runs),
                Kind::Landscape => circuits::landscape(&runs),
                Kind::Reach => circuits::reach(&runs),
                Kind::Transpiling => circuits::transpilation(&runs),
            });
            page.sections.push(section(study.name, study.heading, blocks));
        }
        page.sections.push(section("notices", "Failures and notices", self.notices()));
        page
    }

    fn notices(&self) -> Vec<Block> {
        let mut blocks = Vec::new();
        match self.failures.len() {
            0 => blocks.push(Block::Text("No run failed.".into())),
            count => {
                blocks.push(Block::Warning(format!(
                    "{} failed. Each can be repeated by its command.",
                    pluralise(count, "run")
                )));
                let told =
                    self.failures.iter().map(|(title, reason, command)| format!("{title}: {reason} — {command}"));
                blocks.push(Block::List(told.collect()));
            }
        }
        let mut notices: Vec<&String> = Vec::new();
        let mut engines: Vec<&String> = Vec::new();
        for finished in &self.finished {
            let Outcome::Training(trained) = &finished.outcome else { continue };
            notices.extend(&trained.notices);
            engines.extend(&trained.engine);
        }
        for list in [&mut notices, &mut engines] {
            list.sort();
            list.dedup();
        }
        if !engines.is_empty() {
            let engines: Vec<&str> = engines.into_iter().map(String::as_str).collect();
            blocks.push(Block::Text(format!("Engines that ran circuits: {}.", engines.join("; "))));
        }
        match notices.is_empty() {
            true => blocks.push(Block::Text("Nothing was repaired or replaced.".into())),
            false => blocks.push(Block::List(notices.into_iter().cloned().collect())),
        }
        blocks
    }

    /// Time and energy by study and head.
    fn cost(&self) -> Table {
        let caption =
            "Time and energy of training and judging, mean over the runs; ~ marks an estimate from processor time";
        let header = ["study", "head", "runs", "s / run", "CPU s / run", "J / run", "CPU h in all", "g CO₂e in all"];
        let mut table = Table::new("cost", caption, &header, 2);
        let mut groups: Vec<((&str, &str), Vec<Usage>)> = Vec::new();
        for finished in &self.finished {
            let key = (finished.run.study, finished.run.labels.get("head"));
            match groups.iter_mut().find(|(known, _)| *known == key) {
                Some((_, usages)) => usages.push(finished.usage),
                None => groups.push((key, vec![finished.usage])),
            }
        }
        for ((study, head), usages) in groups {
            let count = usages.len() as f64;
            let sum = |value: fn(&Usage) -> f64| usages.iter().map(value).sum::<f64>();
            let mark = if usages.iter().any(|usage| usage.estimated) { "~" } else { "" };
            let joules = sum(|u| u.joules);
            table.rows.push(vec![
                study.into(),
                if head.is_empty() { "–".into() } else { head.into() },
                usages.len().to_string(),
                sig3(sum(|u| u.wall_seconds) / count),
                sig3(sum(|u| u.cpu_seconds) / count),
                format!("{mark}{}", sig3(joules / count)),
                sig3(sum(|u| u.cpu_seconds) / 3600.0),
                format!("{mark}{}", sig3(self.file.energy.grams_of_co2(joules))),
            ]);
        }
        table
    }

    fn cost_blocks(&self, table: Table) -> Vec<Block> {
        let energy = &self.file.energy;
        // A run that two studies share is stored, and was paid for, once.
        let paid: BTreeMap<&str, &Usage> = self.finished.iter().map(|f| (f.run.id.as_str(), &f.usage)).collect();
        let cpu: f64 = paid.values().map(|usage| usage.cpu_seconds).sum();
        let joules: f64 = paid.values().map(|usage| usage.joules).sum();
        let text = format!(
            "All runs together took {} of processor time, about {} kJ and {} g CO₂e. Runs share the processor, so energy is \
             estimated: processor time × {} W per core; {} g CO₂e per kWh. Features of pictures are not counted: they are \
             made once for all runs.",
            if cpu >= 600.0 { format!("{:.1} h", cpu / 3600.0) } else { format!("{cpu:.1} s") },
            sig3(joules / 1000.0),
            sig3(energy.grams_of_co2(joules)),
            energy.watts_per_core,
            energy.grid_grams_per_kwh
        );
        vec![Block::Text(text), Block::Table(table)]
    }
}

const HOLD_OUT: &str = "Every accuracy is measured on test rows that no choice was made on. Test rows are those the data \
    itself holds out, the same for every seed, or, where the file asks for it, a share cut anew under every seed. From the \
    other rows a share is cut under every seed to choose on (validation), each class in proportion and rows of one group \
    together. Each head is shown after its last epoch and at the epoch that was best on validation (the first of equals). \
    The best test accuracy over epochs is computed nowhere. Heads trained under a device's noise or with shots are judged \
    under the same, unless a table says otherwise.";

fn section(anchor: &str, heading: &str, blocks: Vec<Block>) -> Section {
    Section { anchor: anchor.into(), heading: heading.into(), blocks }
}

/// Distinct values of a key over runs, in the order of the plan.
fn values<'a>(runs: &[&'a Finished<'_>], key: &str) -> Vec<&'a str> {
    let mut found = Vec::new();
    for run in runs {
        let value = run.run.labels.get(key);
        if !found.contains(&value) {
            found.push(value);
        }
    }
    found
}

/// Runs by what they are called in the keys, in the order of the plan.
fn grouped<'a, 'b>(runs: &[&'a Finished<'b>], keys: &[&str]) -> Vec<(Vec<&'a str>, Vec<&'a Finished<'b>>)> {
    let mut groups: Vec<(Vec<&str>, Vec<&Finished<'b>>)> = Vec::new();
    for &run in runs {
        let name: Vec<&str> = keys.iter().map(|key| run.run.labels.get(key)).collect();
        match groups.iter_mut().find(|(known, _)| *known == name) {
            Some((_, group)) => group.push(run),
            None => groups.push((name, vec![run])),
        }
    }
    groups
}

/// Keys among `keys` that take more than one value.
fn varying<'k>(runs: &[&Finished<'_>], keys: &[&'k str]) -> Vec<&'k str> {
    keys.iter().copied().filter(|key| values(runs, key).len() > 1).collect()
}
