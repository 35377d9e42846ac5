//! `qgraft run SYSTEM`: a whole study into a run folder. Options come from the table of systems.

use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Arg, ArgAction, ArgMatches, Command, value_parser};

use crate::cli::console::{note, print_json, stdout};
use crate::cli::progress::{Workers, catch_interrupts};
use crate::cli::{ARGUMENTS, quoted, threads};
use crate::lab::{Outcome, Overrides, RunOptions, System, read_settings};
use crate::math::words::pluralise;
use crate::report::terminal;
use crate::systems::SYSTEMS;

/// The system and what the options ask for.
#[derive(Clone)]
pub struct Arguments {
    system: &'static dyn System,
    matches: ArgMatches,
}

impl clap::FromArgMatches for Arguments {
    fn from_arg_matches(matches: &ArgMatches) -> std::result::Result<Self, clap::Error> {
        let missing = || clap::Error::new(clap::error::ErrorKind::MissingSubcommand);
        let (name, matches) = matches.subcommand().ok_or_else(missing)?;
        let system = SYSTEMS.iter().find(|system| system.info().name == name).ok_or_else(missing)?;
        Ok(Self { system: *system, matches: matches.clone() })
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> std::result::Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

impl clap::Args for Arguments {
    fn augment_args(command: Command) -> Command {
        let systems = SYSTEMS.iter().map(|system| of_system(*system));
        let about = "Runs a system and writes a run folder: report.html, results.csv, metrics.json, spec.toml, figures and \
                     trained models";
        command.about(about).subcommand_required(true).arg_required_else_help(true).subcommands(systems)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

/// The subcommand of a system: options of every system, and its own.
fn of_system(system: &dyn System) -> Command {
    let info = system.info();
    let examples = info.examples.iter().map(|example| format!("  qgraft run {} {example}", info.name));
    let examples = examples.map(|line| line.trim_end().to_string()).collect::<Vec<_>>().join("\n");
    let presets: Vec<String> = system.presets().iter().map(|(name, doc)| format!("  {name:<12} {doc}")).collect();
    let after = format!(
        "A LIST has commas between its entries; the option may also be repeated. A file is named with its commas.\n\n\
         Presets:\n{}\n\nExamples:\n{examples}",
        presets.join("\n")
    );
    let mut command = Command::new(info.name).about(info.doc).after_help(after);
    let (flags, common) = (system.flags(), common());
    let is_taken =
        |name: &str| flags.iter().any(|flag| flag.name == name) || common.iter().any(|arg| *arg.get_id() == name);
    for flag in &flags {
        let choices = match flag.choices.is_empty() {
            true => String::new(),
            false => format!(": {}", flag.choices.join(", ")),
        };
        let arg = Arg::new(flag.name).long(flag.name).help(format!("{}{choices}", flag.help));
        // One of a list: --devices manila,torino is --device manila --device torino.
        let one = flag.name.strip_suffix('s').filter(|one| flag.is_list() && !is_taken(one));
        command = command.arg(match flag.value {
            "" => arg.action(ArgAction::SetTrue),
            value if flag.is_list() => arg.value_name(value).action(ArgAction::Append).visible_aliases(one),
            value => arg.value_name(value),
        });
    }
    command.args(common)
}

/// Options that every system has.
fn common() -> Vec<Arg> {
    let option = |name: &'static str, value: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name(value).help(help).help_heading("Options of every system")
    };
    let switch = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).action(ArgAction::SetTrue).help(help).help_heading("Options of every system")
    };
    vec![
        option("preset", "LIST", "Start from these presets, in order").value_delimiter(','),
        option("spec", "FILE", "Lay this settings file over them; spec.toml of any run folder repeats the run")
            .value_parser(value_parser!(PathBuf)),
        option("set", "FIELD=VALUE", "Set one field of the settings, such as train.epochs=5; may be repeated")
            .action(ArgAction::Append),
        option("vary", "FIELD=LIST", "Run every combination of these values of a field, such as train.rate=1e-3,1e-2")
            .action(ArgAction::Append),
        option("seeds", "N|LIST", "Run seeds 0 to N-1, or the seeds of a list such as 0,3,7"),
        option(
            "only",
            "KEY=VALUE,…",
            "Run only these trials, such as arm=plain,seed=0; values of one key are alternatives",
        )
        .action(ArgAction::Append),
        option("part", "K/N", "Run the K-th of N parts of the trials, which other machines run the rest of")
            .action(ArgAction::Append),
        option("merge", "DIR", "Take over the finished trials of this run folder first, such as that of a part")
            .action(ArgAction::Append)
            .value_parser(value_parser!(PathBuf)),
        option("out", "DIR", "Run folder to make; runs/SYSTEM-N by default").value_parser(value_parser!(PathBuf)),
        switch("resume", "Continue in a folder that holds finished trials"),
        option("jobs", "N", "Trials at a time, each on one thread; all cores by default. Results do not depend on it")
            .value_parser(value_parser!(u16).range(1..=threads::MOST as i64)),
        option("cache", "DIR", "Folder of cached features")
            .default_value(".qgraft-cache")
            .value_parser(value_parser!(PathBuf)),
        switch("dry-run", "List the trials; run nothing"),
        switch("json", "Print metrics.json instead of tables"),
    ]
}

/// Runs the system.
pub fn run(arguments: &Arguments) -> Result<()> {
    let Arguments { system, matches } = arguments;
    let name = system.info().name;
    let spec = system.resolve(&overrides(*system, matches)?).context("in the settings")?;
    let list = |name: &str| matches.get_many::<String>(name).into_iter().flatten().cloned().collect::<Vec<String>>();
    let mut only = crate::lab::only_of(&list("only"));
    only.extend(list("part").iter().map(|part| format!("part={part}")));
    let mut stdout = stdout();
    if matches.get_flag("dry-run") {
        let trials = system.plan(&spec, &only)?;
        for trial in &trials {
            writeln!(stdout, "{}  {}", trial.id, trial.title)?;
        }
        writeln!(stdout, "{}", pluralise(trials.len(), "trial"))?;
        return Ok(());
    }
    let path = |name: &str| matches.get_one::<PathBuf>(name).cloned();
    let own = path("out");
    let is_named = own.is_some();
    let mut options = RunOptions::new(own.map_or_else(|| next_free("runs".as_ref(), name), Ok)?);
    options.cache = path("cache").unwrap_or(options.cache);
    options.resume = matches.get_flag("resume");
    options.jobs = matches.get_one::<u16>("jobs").map_or_else(threads::available, |jobs| usize::from(*jobs));
    options.only = only;
    options.merge = matches.get_many::<PathBuf>("merge").into_iter().flatten().cloned().collect();
    options.command = command();
    catch_interrupts();
    let observer = Workers::new();
    let outcome = system.run(&spec, &options, &observer);
    observer.finish();
    if outcome.is_err() && !is_named {
        // Only an empty folder goes.
        let _ = std::fs::remove_dir(&options.out);
    }
    let outcome = outcome?;
    match matches.get_flag("json") {
        true => print_json(&outcome.json)?,
        false => write!(stdout, "{}", shown(&outcome))?,
    }
    note(format_args!("report: {}", outcome.folder.join("report.html").display()));
    let (spec, out) = (options.out.join("spec.toml"), quoted(&options.out.display().to_string()));
    let spec = quoted(&spec.display().to_string());
    failures(&outcome, &format!("qgraft run {name} --spec {spec} --out {out} --resume"))
}

/// The overrides that the options give.
fn overrides(system: &dyn System, matches: &ArgMatches) -> Result<Overrides> {
    let list = |name: &str| matches.get_many::<String>(name).into_iter().flatten().cloned().collect::<Vec<String>>();
    let file = matches.get_one::<PathBuf>("spec").map(|path| read_settings(system, path)).transpose()?;
    let value = |flag: crate::lab::FlagInfo| match flag.value {
        "" => matches.get_flag(flag.name).then(|| (flag.name.to_string(), String::new())),
        _ => {
            Some(list(flag.name)).filter(|values| !values.is_empty()).map(|values| (flag.name.into(), values.join(",")))
        }
    };
    let assignments = |option: &str| -> Result<Vec<(String, String)>> {
        let split = |text: String| match text.split_once('=') {
            Some((field, value)) => Ok((field.to_string(), value.to_string())),
            None => bail!("--{option} {text}: expected FIELD=VALUE, such as train.epochs=5"),
        };
        list(option).into_iter().map(split).collect()
    };
    Ok(Overrides {
        presets: list("preset"),
        file,
        flags: system.flags().into_iter().filter_map(value).collect(),
        set: assignments("set")?,
        vary: assignments("vary")?,
        seeds: matches.get_one::<String>("seeds").cloned(),
    })
}

/// The arguments of the program as one command, without those that change no result.
fn command() -> String {
    let arguments = ARGUMENTS.get().into_iter().flatten().skip(1).map(|text| text.to_string_lossy().into_owned());
    let mut kept = vec!["qgraft".to_string()];
    let mut skips = false;
    for argument in arguments {
        let is_place = ["--out", "--jobs", "--cache", "--merge"].contains(&argument.as_str());
        if !skips && !is_place && !["--json", "--resume"].contains(&argument.as_str()) {
            kept.push(quoted(&argument));
        }
        skips = is_place;
    }
    kept.join(" ")
}

/// The tables, then the verdict.
fn shown(outcome: &Outcome) -> String {
    let tables: Vec<String> = outcome.tables.iter().map(terminal::render).collect();
    let verdict: String = outcome.verdict.iter().map(|line| format!("{line}\n")).collect();
    let notices: String = outcome.results.notices().iter().map(|notice| format!("notice: {notice}\n")).collect();
    [tables.join("\n"), verdict, notices].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n")
}

/// Names failed trials with the command that repeats each.
fn failures(outcome: &Outcome, command: &str) -> Result<()> {
    for failure in &outcome.results.failures {
        note(format_args!(
            "failed: {}: {}\n  repeat: {command} --only id={}",
            failure.title, failure.reason, failure.id
        ));
    }
    match outcome.results.failures.len() {
        0 => Ok(()),
        count => bail!("{} failed; the others are finished", pluralise(count, "trial")),
    }
}

/// Makes `parent/name-1`, or the folder with the first number after it that is not taken. Two programs never get the same.
fn next_free(parent: &Path, name: &str) -> Result<PathBuf> {
    std::fs::create_dir_all(parent).with_context(|| parent.display().to_string())?;
    let mut number = 1;
    loop {
        let path = parent.join(format!("{name}-{number}"));
        match std::fs::create_dir(&path) {
            Ok(()) => return Ok(path),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => number += 1,
            Err(error) => return Err(error).with_context(|| path.display().to_string()),
        }
    }
}
