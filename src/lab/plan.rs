//! From settings to trials: every point of every grid with a stable id, in an order in which a trial comes after those
//! it follows.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::PathBuf;

use toml::{Table, Value};

use crate::lab::contents::{Contents, Hashes, without_paths};
use crate::lab::experiment::Experiment;
use crate::lab::factor::{Coordinate, Grid, Point};
use crate::lab::part::Part;
use crate::lab::settings::{Settings, check, from_tree, read_circuit, tree};
use crate::lab::store::Key;
use crate::lab::vary::{Request, Variant};
use crate::study::StudyError;

/// Trials that are planned: lists in a short file have products of any size.
const MOST_TRIALS: usize = 100_000;

/// What a step of a run does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Opens what all trials read.
    Open,
    /// Prepares a block.
    Prepare,
    /// Runs a trial.
    Trial,
}

/// One step of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// What it does.
    pub step: Step,
    /// The variant of the settings it runs with.
    pub variant: usize,
    /// Where: nowhere for opening, the factors of the block for preparing.
    pub point: Point,
    /// Where its result is stored.
    pub key: Key,
    /// What a reader of the progress sees.
    pub title: String,
    /// The steps that must be finished before: the opening first, then the preparation, then trials.
    pub after: Vec<usize>,
}

/// Every step of a run.
#[derive(Clone, Debug)]
pub struct Plan<S> {
    /// Settings of each variant; one where nothing is varied.
    pub variants: Vec<S>,
    /// Files that each variant names, each with its field.
    pub paths: Vec<Vec<(String, PathBuf)>>,
    /// Contents of them.
    pub contents: Vec<Contents>,
    /// What is varied, over all variants.
    pub grids: Vec<Grid>,
    /// Names of the factors that a user made of fields.
    pub axes: Vec<String>,
    /// Every step, openings first.
    pub nodes: Vec<Node>,
}

impl<S: Settings> Plan<S> {
    /// The plan of an experiment.
    ///
    /// # Errors
    /// Settings outside their ranges, or a trial that follows one that the plan does not have.
    pub fn of<E: Experiment<Spec = S>>(request: &Request) -> Result<Self, StudyError> {
        let (variants, paths, contents) = (Vec::new(), Vec::new(), Vec::new());
        let mut plan = Self { variants, paths, contents, grids: Vec::new(), axes: Vec::new(), nodes: Vec::new() };
        let mut hashes = Hashes::default();
        plan.axes = request.axes.iter().map(|axis| axis.name.clone()).collect();
        request.check_size()?;
        let mut variants = request.variants();
        let mut openings: HashMap<String, usize> = HashMap::new();
        for variant in &mut variants {
            let mut spec: S = from_tree(variant.settings.clone())?;
            // The text of an own circuit is there; a variant that has one has its number of qubits.
            read_circuit(&mut spec, &Table::new())?;
            let paths = check(&spec)?;
            let contents = hashes.of(&paths)?;
            // With the own circuits that the settings took in, so that ids depend on them.
            variant.settings = tree(&spec);
            let identity = without_paths(&variant.settings, &contents);
            let inputs = E::INPUTS.map_or_else(|| identity.clone(), |fields| subset(&identity, fields));
            let id = hash::<E>(&inputs, Step::Open, &Point::default(), &[]);
            let number = plan.variants.len();
            openings.entry(id.clone()).or_insert_with(|| {
                plan.nodes.push(Node {
                    step: Step::Open,
                    variant: number,
                    key: Key::new(&id, "inputs"),
                    title: "inputs".into(),
                    point: Point::default(),
                    after: Vec::new(),
                });
                plan.nodes.len() - 1
            });
            plan.variants.push(spec);
            plan.paths.push(paths);
            plan.contents.push(contents);
        }
        for (number, variant) in variants.iter().enumerate() {
            let mut identity = without_paths(&variant.settings, &plan.contents[number]);
            let inputs = E::INPUTS.map_or_else(|| identity.clone(), |fields| subset(&identity, fields));
            let opening = openings[&hash::<E>(&inputs, Step::Open, &Point::default(), &[])];
            let grids = E::grids(&plan.variants[number])?;
            let trials = grids.iter().map(Grid::size).fold(plan.nodes.len(), usize::saturating_add);
            if trials > MOST_TRIALS {
                let reason = format!("more than {MOST_TRIALS} trials; give fewer seeds, levels or values to vary");
                return Err(StudyError::Settings { reason });
            }
            for field in grids.iter().flat_map(|grid| &grid.factors).filter_map(|factor| factor.field) {
                remove(&mut identity, field);
            }
            let first = plan.nodes.len();
            for grid in &grids {
                plan.add::<E>(number, variant, grid, opening, (&identity, grids.len() > 1));
            }
            plan.follow::<E>(number, first)?;
            plan.identify::<E>(first, &identity)?;
            grids.into_iter().for_each(|grid| plan.merge(grid, request));
        }
        plan.leave_out(&request.exclude);
        Ok(plan)
    }

    /// Refuses files that are no longer what the ids of the trials say: what was read of them may be either.
    ///
    /// # Errors
    /// If one has changed since the plan was made, or cannot be read.
    pub fn check_contents(&self) -> Result<(), StudyError> {
        let mut hashes = Hashes::default();
        for (paths, contents) in self.paths.iter().zip(&self.contents) {
            let now = hashes.of(paths)?;
            if let Some((field, _)) = contents.iter().find(|(field, hash)| now.get(*field) != Some(hash)) {
                return Err(StudyError::ChangedInRun { field: field.clone() });
            }
        }
        Ok(())
    }

    /// Adds the blocks and trials of a grid.
    fn add<E: Experiment<Spec = S>>(
        &mut self,
        number: usize,
        variant: &Variant,
        grid: &Grid,
        opening: usize,
        (identity, names_grid): (&Table, bool),
    ) {
        let title = |point: &Point| match names_grid {
            false => point.to_string(),
            true => format!("{}: {point}", point.grid),
        };
        let axes: Vec<Coordinate> = variant
            .levels
            .iter()
            .map(|(factor, level, index)| Coordinate { factor: factor.clone(), level: level.clone(), index: *index })
            .collect();
        let in_variant =
            |point: Point| Point { coordinates: axes.iter().cloned().chain(point.coordinates).collect(), ..point };
        let is_own = |node: &Node| node.step == Step::Prepare && node.variant == number;
        let prepared = self.nodes.iter().enumerate().filter(|(_, node)| is_own(node));
        let mut blocks: HashMap<String, usize> = prepared.map(|(k, node)| (levels(&node.point), k)).collect();
        let mut trials = Vec::new();
        for point in grid.points() {
            let own = Point { grid: grid.block_name.clone(), ..point.of(grid.block) };
            let block = in_variant(own.clone());
            let known = *blocks.entry(levels(&block)).or_insert_with(|| {
                let id = hash::<E>(identity, Step::Prepare, &own, &[]);
                self.nodes.push(Node {
                    step: Step::Prepare,
                    variant: number,
                    key: Key::new(&id, &format!("{}-{}", own.grid, slug("block", &own))),
                    title: format!("{}, preparation", title(&block)),
                    point: block.clone(),
                    after: vec![opening],
                });
                self.nodes.len() - 1
            });
            trials.push((point, known));
        }
        for (own, block) in trials {
            let point = in_variant(own.clone());
            self.nodes.push(Node {
                step: Step::Trial,
                variant: number,
                // The id is known when all steps are: it depends on the ids of those it follows. The name has no levels of
                // axes, so that equal trials of different sweeps are one.
                key: Key::new("", &format!("{}-{}", grid.name, slug("trial", &own))),
                title: title(&point),
                point,
                after: vec![opening, block],
            });
        }
    }

    /// Gives the trials of a variant their ids, from `first` on.
    fn identify<E: Experiment<Spec = S>>(&mut self, first: usize, identity: &Table) -> Result<(), StudyError> {
        for index in self.in_order(first)? {
            let node = &self.nodes[index];
            if node.step != Step::Trial {
                continue;
            }
            let own = self.own_point(node);
            let after: Vec<&str> = node.after[2..].iter().map(|&k| self.nodes[k].key.id.as_str()).collect();
            self.nodes[index].key.id = hash::<E>(identity, Step::Trial, &own, &after);
        }
        Ok(())
    }

    /// The point of a step without levels of axes. What an axis sets is part of the settings, so that equal trials of
    /// different sweeps are one computation.
    pub fn own_point(&self, node: &Node) -> Point {
        let factors = node.point.coordinates.iter().map(|c| c.factor.as_str());
        let own: Vec<&str> = factors.filter(|factor| !self.axes.iter().any(|axis| axis == factor)).collect();
        node.point.of(&own)
    }

    /// Takes in a grid of a variant: the axes are its first factors, levels are those of all variants.
    fn merge(&mut self, mut grid: Grid, request: &Request) {
        let Some(known) = self.grids.iter_mut().find(|known| known.name == grid.name) else {
            grid.factors = request.factors().into_iter().chain(grid.factors).collect();
            self.grids.push(grid);
            return;
        };
        for factor in grid.factors {
            match known.factors.iter_mut().find(|own| own.name == factor.name) {
                Some(own) => {
                    let names: HashSet<String> = own.names().map(String::from).collect();
                    own.levels.extend(factor.levels.into_iter().filter(|level| !names.contains(&level.name)));
                }
                None => known.factors.push(factor),
            }
        }
    }

    /// Drops trials at excluded combinations of levels.
    fn leave_out(&mut self, exclude: &[BTreeMap<String, String>]) {
        let is_out = |node: &Node| {
            let agrees = |levels: &BTreeMap<String, String>| levels.iter().all(|(f, level)| node.point.get(f) == level);
            node.step == Step::Trial && exclude.iter().any(agrees)
        };
        let kept: Vec<usize> = (0..self.nodes.len()).filter(|&k| !is_out(&self.nodes[k])).collect();
        if kept.len() == self.nodes.len() {
            return;
        }
        let new_index: HashMap<usize, usize> = kept.iter().enumerate().map(|(new, old)| (*old, new)).collect();
        let mut nodes: Vec<Node> = kept.iter().map(|&k| self.nodes[k].clone()).collect();
        for node in &mut nodes {
            // A trial that follows an excluded one fails with an error that names it.
            node.after = node.after.iter().filter_map(|before| new_index.get(before).copied()).collect();
        }
        self.nodes = nodes;
    }

    /// Puts in which trials follow which.
    fn follow<E: Experiment<Spec = S>>(&mut self, number: usize, first: usize) -> Result<(), StudyError> {
        let trials = self.nodes.iter().enumerate().skip(first).filter(|(_, node)| node.step == Step::Trial);
        let index: HashMap<String, usize> = trials.map(|(k, node)| (levels(&node.point), k)).collect();
        for k in first..self.nodes.len() {
            if self.nodes[k].step != Step::Trial {
                continue;
            }
            for before in E::after(&self.variants[number], &self.nodes[k].point) {
                let missing = || StudyError::MissingTrial { trial: before.to_string() };
                let found = *index.get(&levels(&before)).ok_or_else(missing)?;
                self.nodes[k].after.push(found);
            }
        }
        Ok(())
    }

    /// Every step from `first` on, each behind those it follows.
    fn in_order(&self, first: usize) -> Result<Vec<usize>, StudyError> {
        let mut order: Vec<usize> = Vec::with_capacity(self.nodes.len());
        let mut waiting: Vec<usize> = (first..self.nodes.len()).collect();
        let mut is_ordered = vec![false; self.nodes.len()];
        is_ordered[..first].fill(true);
        while !waiting.is_empty() {
            let (ready, rest): (Vec<usize>, Vec<usize>) =
                waiting.into_iter().partition(|&k| self.nodes[k].after.iter().all(|&before| is_ordered[before]));
            if ready.is_empty() {
                return Err(StudyError::MissingTrial {
                    trial: format!("{}: it follows itself", self.nodes[rest[0]].title),
                });
            }
            ready.iter().for_each(|&k| is_ordered[k] = true);
            order.extend(ready);
            waiting = rest;
        }
        Ok(order)
    }

    /// The trial at this point.
    pub fn trial(&self, at: &Point) -> Option<&Node> {
        self.nodes.iter().find(|node| node.step == Step::Trial && node.point.is(at))
    }

    /// Indices of the trials.
    pub fn trials(&self) -> impl Iterator<Item = usize> {
        (0..self.nodes.len()).filter(|&k| self.nodes[k].step == Step::Trial)
    }
}

/// A hash of everything that decides the result of a step: 16 hexadecimal digits.
fn hash<E: Experiment>(settings: &Table, step: Step, point: &Point, after: &[&str]) -> String {
    let levels: Vec<(&str, &str)> = point.coordinates.iter().map(|c| (c.factor.as_str(), c.level.as_str())).collect();
    let parts = (
        env!("CARGO_PKG_VERSION"),
        (E::INFO.name, E::Spec::FORMAT),
        settings,
        (format!("{step:?}"), &point.grid, levels),
        after,
    );
    let text = serde_json::to_string(&parts).expect("names, numbers and lists");
    blake3::hash(text.as_bytes()).to_hex()[..16].to_string()
}

/// The fields of these names alone.
fn subset(tree: &Table, fields: &[&str]) -> Table {
    tree.iter().filter(|(key, _)| fields.contains(&key.as_str())).map(|(k, v)| (k.clone(), v.clone())).collect()
}

/// A point as the key of a map.
fn levels(point: &Point) -> String {
    let coordinates = point.coordinates.iter().map(|c| format!("\u{1f}{}={}", c.factor, c.level));
    std::iter::once(point.grid.clone()).chain(coordinates).collect()
}

/// A point in a file name.
fn slug(empty: &str, point: &Point) -> String {
    let parts = point.coordinates.iter().map(|c| match c.level.parse::<f64>() {
        Ok(_) => format!("{}={}", c.factor, c.level),
        Err(_) => c.level.clone(),
    });
    let text = parts.collect::<Vec<_>>().join(",");
    if text.is_empty() { empty.into() } else { text }
}

fn remove(tree: &mut Table, path: &str) {
    match path.split_once('.') {
        Some((key, rest)) => {
            if let Some(Value::Table(inner)) = tree.get_mut(key) {
                remove(inner, rest);
            }
        }
        None => _ = tree.remove(path),
    }
}

/// The texts `key=value` in lists with commas between them. What follows a comma and has no `=` belongs to the value before.
pub fn only_of(lists: &[String]) -> Vec<String> {
    let mut texts: Vec<String> = Vec::new();
    for list in lists {
        for (k, part) in list.split(',').enumerate() {
            match texts.last_mut().filter(|_| k > 0 && !part.contains('=')) {
                Some(before) => *before += &format!(",{part}"),
                None => texts.push(part.into()),
            }
        }
    }
    texts
}

/// Which trials are to be run: values of one key are alternatives, keys narrow down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Only(BTreeMap<String, Vec<String>>);

impl Only {
    /// From texts `key=value`. Keys are the factors of the grids, `grid`, `id` and `part` ([`Part`]).
    ///
    /// # Errors
    /// A text without `=`, an unknown key (with the nearest one), or a part that there is not.
    pub fn parse(texts: &[String], grids: &[Grid]) -> Result<Self, StudyError> {
        let mut keys = vec!["grid", "id", "part"];
        keys.extend(grids.iter().flat_map(|grid| grid.trial_factors()).map(|factor| factor.name.as_str()));
        let mut only: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for text in texts {
            let Some((key, value)) = text.split_once('=') else {
                return Err(StudyError::unknown("--only", text, ["key=value, such as arm=plain"]));
            };
            if !keys.contains(&key) {
                return Err(StudyError::unknown("key of --only", key, keys));
            }
            if key == "part" {
                Part::parse(value)?;
            }
            only.entry(key.into()).or_default().push(value.into());
        }
        Ok(Self(only))
    }

    /// Whether a trial is among them.
    pub fn keeps(&self, node: &Node) -> bool {
        self.0.iter().all(|(key, values)| {
            let own = match key.as_str() {
                "grid" => &node.point.grid,
                "id" => &node.key.id,
                "part" => {
                    return values.iter().any(|part| Part::parse(part).is_ok_and(|part| part.holds(&node.key.id)));
                }
                key => node.point.get(key),
            };
            values.iter().any(|value| value == own)
        })
    }
}
