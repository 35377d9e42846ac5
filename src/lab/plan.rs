//! From settings to trials: every point of every grid with a stable id, in an order that respects what follows what.

use std::collections::{BTreeMap, HashMap};

use toml::{Table, Value};

use crate::lab::experiment::Experiment;
use crate::lab::factor::{Grid, Point};
use crate::lab::settings::{Settings, tree};
use crate::lab::store::Key;
use crate::study::StudyError;

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
    /// Where: nowhere for opening, the factors of the block for preparing.
    pub point: Point,
    /// Where its result is stored.
    pub key: Key,
    /// What a reader of the progress sees.
    pub title: String,
    /// The steps that must be finished before.
    pub after: Vec<usize>,
    /// The step that prepares its block.
    pub block: Option<usize>,
}

/// Every step of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Plan {
    /// What is varied.
    pub grids: Vec<Grid>,
    /// Opening first; a step stands behind all steps it follows within its grid.
    pub nodes: Vec<Node>,
}

impl Plan {
    /// The plan of an experiment.
    ///
    /// # Errors
    /// If the settings name what does not exist, or a trial follows one that the plan does not have.
    pub fn of<E: Experiment>(spec: &E::Spec) -> Result<Self, StudyError> {
        let grids = E::grids(spec)?;
        let whole = tree(spec);
        let mut identity = whole.clone();
        for field in grids.iter().flat_map(|grid| &grid.factors).filter_map(|factor| factor.field) {
            remove(&mut identity, field);
        }
        let hash = |settings: &Table, step: Step, point: &Point, after: &[&str]| {
            let levels: Vec<(&str, &str)> =
                point.coordinates.iter().map(|c| (c.factor.as_str(), c.level.as_str())).collect();
            let parts = (
                env!("CARGO_PKG_VERSION"),
                (E::INFO.name, E::Spec::FORMAT),
                settings,
                (format!("{step:?}"), &point.grid, levels),
                after,
            );
            let text = serde_json::to_string(&parts).expect("names, numbers and lists");
            blake3::hash(text.as_bytes()).to_hex()[..16].to_string()
        };
        let opening = Point::default();
        let id = hash(&whole, Step::Open, &opening, &[]);
        let mut nodes = vec![Node {
            step: Step::Open,
            key: Key::new(&id, "inputs"),
            title: "inputs".into(),
            point: opening,
            after: Vec::new(),
            block: None,
        }];
        let title = |point: &Point| match grids.len() {
            1 => point.to_string(),
            _ => format!("{}: {point}", point.grid),
        };
        let mut blocks: HashMap<String, usize> = HashMap::new();
        for grid in &grids {
            let first = nodes.len();
            let mut trials = Vec::new();
            for point in grid.points() {
                let block = grid.block_of(&point);
                let known = blocks.entry(levels(&block)).or_insert_with(|| {
                    let id = hash(&identity, Step::Prepare, &block, &[]);
                    nodes.push(Node {
                        step: Step::Prepare,
                        key: Key::new(&id, &format!("{}-{}", block.grid, slug("block", &block))),
                        title: format!("{}, preparation", title(&block)),
                        point: block.clone(),
                        after: vec![0],
                        block: None,
                    });
                    nodes.len() - 1
                });
                trials.push((point, *known));
            }
            debug_assert!(first <= nodes.len());
            for (point, block) in trials {
                nodes.push(Node {
                    step: Step::Trial,
                    // Known when all steps are: it depends on the ids of those it follows.
                    key: Key::new("", &format!("{}-{}", grid.name, slug("trial", &point))),
                    title: title(&point),
                    point,
                    after: vec![0, block],
                    block: Some(block),
                });
            }
        }
        let mut plan = Self { grids, nodes };
        plan.follow::<E>(spec)?;
        for index in plan.in_order()? {
            if plan.nodes[index].step != Step::Trial {
                continue;
            }
            let node = &plan.nodes[index];
            let after: Vec<&str> = node.after[2..].iter().map(|&k| plan.nodes[k].key.id.as_str()).collect();
            plan.nodes[index].key.id = hash(&identity, Step::Trial, &node.point, &after);
        }
        Ok(plan)
    }

    /// Puts in which trials follow which.
    fn follow<E: Experiment>(&mut self, spec: &E::Spec) -> Result<(), StudyError> {
        let trials = self.nodes.iter().enumerate().filter(|(_, node)| node.step == Step::Trial);
        let index: HashMap<String, usize> = trials.map(|(k, node)| (levels(&node.point), k)).collect();
        for k in 0..self.nodes.len() {
            if self.nodes[k].step != Step::Trial {
                continue;
            }
            for before in E::after(spec, &self.nodes[k].point) {
                let missing = || StudyError::MissingTrial { trial: before.to_string() };
                let found = *index.get(&levels(&before)).ok_or_else(missing)?;
                self.nodes[k].after.push(found);
            }
        }
        Ok(())
    }

    /// Every step behind those it follows.
    fn in_order(&self) -> Result<Vec<usize>, StudyError> {
        let mut order: Vec<usize> = Vec::with_capacity(self.nodes.len());
        let mut waiting: Vec<usize> = (0..self.nodes.len()).collect();
        let mut is_placed = vec![false; self.nodes.len()];
        while !waiting.is_empty() {
            let (ready, rest): (Vec<usize>, Vec<usize>) =
                waiting.into_iter().partition(|&k| self.nodes[k].after.iter().all(|&before| is_placed[before]));
            if ready.is_empty() {
                return Err(StudyError::MissingTrial {
                    trial: format!("{}: it follows itself", self.nodes[rest[0]].title),
                });
            }
            ready.iter().for_each(|&k| is_placed[k] = true);
            order.extend(ready);
            waiting = rest;
        }
        Ok(order)
    }

    /// Places of the trials.
    pub fn trials(&self) -> impl Iterator<Item = usize> {
        (0..self.nodes.len()).filter(|&k| self.nodes[k].step == Step::Trial)
    }
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

/// Which trials are to be run: values of one key are alternatives, keys narrow down.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Only(BTreeMap<String, Vec<String>>);

impl Only {
    /// From texts `key=value`. Keys are the factors of the grids, `grid` and `id`.
    ///
    /// # Errors
    /// A text without `=`, or an unknown key (with the nearest one).
    pub fn parse(texts: &[String], grids: &[Grid]) -> Result<Self, StudyError> {
        let mut keys = vec!["grid", "id"];
        keys.extend(grids.iter().flat_map(|grid| grid.trial_factors()).map(|factor| factor.name.as_str()));
        let mut only: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for text in texts {
            let Some((key, value)) = text.split_once('=') else {
                return Err(StudyError::unknown("--only", text, ["key=value, such as arm=plain"]));
            };
            if !keys.contains(&key) {
                return Err(StudyError::unknown("key of --only", key, keys));
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
                key => node.point.get(key),
            };
            values.iter().any(|value| value == own)
        })
    }
}
