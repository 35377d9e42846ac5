//! Interatomic potentials: a network learned from a force field, tuned to few labels of a higher level of theory (after
//! Pelletier et al. 2026, arXiv:2603.24752: T-PaiNN; what the abstract leaves open is reconstructed).
//!
//! Frames at two levels ([`SOURCES`], or files of the user) → PaiNN on the low level → re-referenced energies → the high level
//! from few frames in several ways ([`ARMS`]) → errors of energies and forces on frames of a later time; molecular dynamics;
//! a circuit beside the readout.
//!
//! [`InteratomicPotential`] is the experiment, [`Spec`] its settings.

mod arms;
mod checks;
mod frames;
mod moving;
mod network;
mod saved;
mod sources;
mod spec;
mod trial;

use std::path::Path;
use std::sync::Arc;

pub use arms::{ARMS, ArmRow, Start};
pub use frames::{Frames, PotentialLoss, errors, references};
pub use network::{Beside, PotentialNet, ShiftedCircuit};
pub use saved::Potential;
pub use sources::{Material, Parts, SOURCES, SourceRow};
pub use spec::{DynamicsSpec, Part, Size, Spec, Split};

use crate::lab::{
    Applied, ApplyOptions, Check, Context, Contrast, Experiment, Factor, Flag, Grid, Info, Measurement, Metric,
    Observer, Point, Results, Role, SavedRun, StudyError, Unit,
};
use crate::math::EnergyUnit;
use crate::report::{Block, Drawing, Figure, Line, Scale, Section};
use crate::systems::potential::arms::MOVED;
use crate::systems::potential::moving::Distances;
use crate::systems::potential::saved::MODEL_FILE;
use crate::systems::potential::trial::Before;

/// The experiment.
pub struct InteratomicPotential;

/// Readouts, the baseline first.
const READOUTS: &[(&str, &str, Beside)] = &[
    ("atomwise", "the readout of the low level alone", Beside::Nothing),
    ("circuit", "with a circuit beside it whose weight starts at zero", Beside::Circuit),
    ("layer", "with a layer beside it of about as many parameters as the circuit", Beside::Layer),
];

impl Experiment for InteratomicPotential {
    type Spec = Spec;
    type Inputs = Vec<Arc<Material>>;
    type Block = ();

    const INFO: Info = Info {
        name: "potential",
        title: "Interatomic potentials from a force field and few quantum labels",
        doc: "What does a force field teach a network that few quantum labels tune? (after Pelletier et al. 2026, arXiv \
              2603.24752)",
        examples: &[
            "",
            "--sources ethanol,water_pbe --rows 10,20",
            "--sources liquid --parts tuning,dynamics --set dynamics.bath=300",
            "--data low.xyz --target high.xyz --rows 25,100",
            "--preset full",
        ],
    };

    const METRICS: &'static [Metric] = &[
        Metric::lower("force_mae", "forces, meV/Å", Unit::Plain, "mean absolute error of a component, test frames"),
        Metric::lower("energy_mae", "energy, meV", Unit::Plain, "mean absolute error of the energy of a test frame"),
        Metric::lower(
            "validation",
            "validation loss",
            Unit::Plain,
            "loss on validation frames (eV², eV²/Å²), by epoch",
        ),
        Metric::lower(
            "steps_to_scratch",
            "steps to scratch",
            Unit::Share,
            "share of the steps after which the last validation loss of scratch is reached; 100 % if never",
        ),
        Metric::lower("parameters", "parameters", Unit::Count, "trained numbers"),
        Metric::lower("drift", "drift", Unit::Plain, "of the energy without heat bath, meV per atom and ps"),
        Metric::higher("survived", "survived", Unit::Share, "steps of dynamics before the temperature is lost"),
        Metric::lower("distance_error", "distances", Unit::Plain, "total variation from the distances of the frames"),
        Metric::lower("temperature", "temperature, K", Unit::Plain, "mean without heat bath"),
        Metric::lower("bath_temperature", "in the bath, K", Unit::Plain, "mean with heat bath"),
        Metric::higher("diffusion", "diffusion, Å²/ps", Unit::Plain, "of the heaviest atoms of a periodic cell"),
    ];

    const CHECKS: &'static [Check] = checks::CHECKS;

    const FLAGS: &'static [Flag<Spec>] = &[
        Flag::field("sources", "LIST", "sources", "Frames inside the program")
            .with_choices(|| SOURCES.iter().map(|row| row.name).collect()),
        Flag::field("data", "FILE", "data", "Own frames of the low level: extended XYZ or .npz"),
        Flag::field("target", "FILE", "target", "Own frames of the high level"),
        Flag::field("unit", "UNIT", "unit", "Unit of the energies of own files; forces are in it per Å")
            .with_choices(|| EnergyUnit::NAMES.iter().map(|(name, _)| *name).collect()),
        Flag::field("split", "NAME", "split", "How test frames are set apart")
            .with_choices(|| vec!["time", "molecule"]),
        Flag::field("rows", "LIST", "rows", "Frames of the high level to learn from"),
        Flag::field("arms", "LIST", "arms", "Arms").with_choices(|| ARMS.iter().map(|row| row.name).collect()),
        Flag::field("parts", "LIST", "parts", "Parts of the study")
            .with_choices(|| vec!["tuning", "readouts", "dynamics"]),
    ];

    const INPUTS: Option<&'static [&'static str]> =
        Some(&["sources", "data", "target", "unit", "split", "rows", "low_rows", "test_rows"]);

    fn grids(spec: &Spec) -> Result<Vec<Grid>, StudyError> {
        let doc = |name: &String| SOURCES.iter().find(|row| row.name == name).map_or("own frames", |row| row.doc);
        let sources = || {
            let names = spec.source_names().into_iter().map(|name| (name.clone(), doc(&name)));
            Factor::explained("source", Role::Setting, names).listed_by("sources")
        };
        let seeds = || Factor::seeds(&spec.seeds);
        let rows = || Factor::new("rows", Role::Setting, &spec.rows);
        let arms = spec.arms.iter().map(|name| ArmRow::named(name)).collect::<Result<Vec<_>, _>>()?;
        let errors = ["force_mae", "energy_mae"];
        let mut levels = vec![("low", "frames and labels of the low level")];
        if spec.has(Part::Tuning) && arms.iter().any(|arm| arm.start == Some(Start::Shuffled)) {
            levels.push(("shuffled", "the same with energies and forces of other frames"));
        }
        let levels = Factor::explained("arm", Role::Arm, levels);
        let mut grids = vec![Grid::new("pretraining", "The low level", vec![sources(), seeds(), levels], &errors)];
        if spec.has(Part::Tuning) {
            let arms = arms.iter().map(|row| (row.name, row.doc));
            let arms = Factor::explained("arm", Role::Arm, arms).with_baseline("scratch").listed_by("arms");
            let metrics = ["force_mae", "energy_mae", "steps_to_scratch"];
            grids.push(Grid::new("tuning", "The high level", vec![sources(), rows(), seeds(), arms], &metrics));
        }
        if spec.has(Part::Readouts) {
            let readouts = READOUTS.iter().map(|(name, doc, _)| (*name, *doc));
            let readouts = Factor::explained("readout", Role::Arm, readouts).with_baseline("atomwise");
            let metrics = ["force_mae", "energy_mae", "parameters"];
            grids.push(Grid::new("readouts", "Readouts", vec![sources(), rows(), seeds(), readouts], &metrics));
        }
        if spec.has(Part::Dynamics) {
            let moved = MOVED.iter().filter(|name| spec.arms.iter().any(|arm| arm == *name));
            let moved = Factor::new("arm", Role::Arm, moved).with_baseline("scratch");
            let metrics = ["drift", "survived", "distance_error", "temperature", "bath_temperature", "diffusion"];
            grids.push(Grid::new("dynamics", "Dynamics", vec![sources(), seeds(), moved], &metrics));
        }
        Ok(grids)
    }

    fn open(spec: &Spec, _context: &Context) -> Result<(Self::Inputs, Measurement), StudyError> {
        let all = Material::all(spec)?;
        let mut found = Measurement::default();
        for material in &all {
            material.check(spec)?;
            let notices = material.notices.iter().cloned().chain(material.left_out(spec));
            found = notices.fold(found, |found, notice| found.notice(notice));
        }
        Ok((all, found))
    }

    fn prepare(_: &Spec, _: &Self::Inputs, _: &Point, _: &Context) -> Result<((), Measurement), StudyError> {
        Ok(((), Measurement::default()))
    }

    fn trial(
        spec: &Spec,
        inputs: &Self::Inputs,
        _: &(),
        at: &Point,
        context: &Context,
    ) -> Result<Measurement, StudyError> {
        let missing = || StudyError::MissingTrial { trial: at.to_string() };
        let material = inputs.iter().find(|material| material.name == at.get("source")).ok_or_else(missing)?;
        let read = |point: &Point| -> Result<Potential, StudyError> {
            let found = context.finished(point)?;
            let bytes = found.files.get(MODEL_FILE).ok_or_else(missing)?;
            Potential::read(bytes, Path::new(MODEL_FILE))
        };
        let (seed, after) = (at.seed(), Self::after(spec, at));
        let low = || after.iter().find(|point| point.grid == "pretraining").map(&read).transpose();
        match at.grid.as_str() {
            "pretraining" => trial::pretraining(spec, material, at.get("arm") == "shuffled", seed, context),
            "dynamics" => {
                let potential = read(after.first().ok_or_else(missing)?)?;
                let parts = material.of_high(spec, most(spec), seed)?;
                moving::run(&potential, (parts.test[0], &parts.test), &spec.dynamics, seed, context)
            }
            "readouts" => {
                let (arm, beside) = (ArmRow::named("fine_tuned")?, READOUTS[at.index("readout")].2);
                let before = Before { low: low()?, scratch: None };
                trial::tuning(spec, material, (arm, beside, spec.rows[at.index("rows")]), before, seed, context)
            }
            _ => {
                let scratch = match after.iter().find(|point| point.grid == "tuning") {
                    Some(point) => {
                        let curves = context.finished(point)?.curves;
                        curves.into_iter().find(|curve| curve.metric == "validation").map(|curve| curve.values)
                    }
                    None => None,
                };
                let before = Before { low: low()?, scratch };
                let rows = spec.rows[at.index("rows")];
                let arm = ArmRow::named(at.get("arm"))?;
                trial::tuning(spec, material, (arm, Beside::Nothing, rows), before, seed, context)
            }
        }
    }

    fn after(spec: &Spec, at: &Point) -> Vec<Point> {
        let pretrained = |factor: &str, level: &str| {
            at.of(&["source", "seed", factor]).in_grid("pretraining", factor, &[("arm", level)])
        };
        match at.grid.as_str() {
            "readouts" => vec![pretrained("readout", "low")],
            "dynamics" => {
                let (source, rows) = (at.get("source").to_string(), most(spec).to_string());
                vec![at.in_grid("tuning", "source", &[("source", &source), ("rows", &rows)])]
            }
            "tuning" => {
                let arm = at.get("arm");
                let mut found = match ArmRow::named(arm).ok().and_then(|row| row.start) {
                    Some(Start::Low) => vec![pretrained("arm", "low")],
                    Some(Start::Shuffled) => vec![pretrained("arm", "shuffled")],
                    _ => Vec::new(),
                };
                if arm == "fine_tuned" && spec.arms.iter().any(|arm| arm == "scratch") {
                    found.push(at.with("arm", "scratch"));
                }
                found
            }
            _ => Vec::new(),
        }
    }

    fn contrasts(_spec: &Spec, grids: &[Grid]) -> Vec<Contrast> {
        let compared = grids.iter().filter(|grid| grid.name == "tuning" || grid.name == "readouts");
        let forces: Vec<Contrast> = compared.flat_map(Contrast::to_baseline).collect();
        let energies = forces.iter().map(|contrast| contrast.clone().in_metric("energy_mae"));
        let mut found: Vec<Contrast> = forces.iter().cloned().chain(energies).collect();
        for grid in grids.iter().filter(|grid| grid.name == "readouts") {
            found.extend(Contrast::in_each_setting(grid, "readout", "circuit", "layer"));
        }
        found
    }

    fn sections(spec: &Spec, results: &Results) -> Vec<Section> {
        let kept: Vec<(&Point, Distances)> = results.kept("dynamics", "distances");
        let line = |label: &str, values: &[f64], factor: f64| Line {
            label: label.into(),
            points: values.iter().enumerate().map(|(bin, value)| (Distances::middle(bin), factor * value)).collect(),
            spread: Vec::new(),
            guide: false,
        };
        let mut figures = Vec::new();
        for source in spec.source_names() {
            let own: Vec<_> = kept.iter().filter(|(point, _)| point.get("source") == source).collect();
            let Some((_, first)) = own.first() else { continue };
            let (what, factor) = match &first.radial {
                Some(symbol) => (format!("radial distribution function {symbol}–{symbol}"), 1.0),
                None => ("share of pairs (%)".into(), 100.0),
            };
            let mut lines = vec![line("frames of the high level", &first.frames, factor)];
            for arm in MOVED {
                if let Some((_, found)) = own.iter().find(|(point, _)| point.get("arm") == arm) {
                    lines.push(line(arm, &found.network, factor));
                }
            }
            figures.push(Figure {
                name: format!("distances_{source}"),
                caption: format!("{source}: distances of pairs in dynamics with a heat bath, first seed"),
                drawing: Drawing::Lines {
                    x: ("distance (Å)".into(), Scale::Linear),
                    y: (what, Scale::Linear),
                    lines,
                    bands: false,
                },
            });
        }
        if figures.is_empty() {
            return Vec::new();
        }
        let blocks = vec![Block::Figures(figures)];
        vec![Section { anchor: "distances".into(), heading: "Distances of pairs".into(), blocks }]
    }

    fn apply(run: &SavedRun, options: &ApplyOptions, _: &dyn Observer) -> Result<Option<Applied>, StudyError> {
        saved::apply(run, options).map(Some)
    }
}

/// The largest number of frames that the high level is learned from.
fn most(spec: &Spec) -> usize {
    spec.rows.iter().copied().max().unwrap_or(0)
}
