//! Sections of the report besides those that every system has.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::classic::boxes::FUSIONS;
use crate::lab::render::section;
use crate::lab::{Point, Results};
use crate::math::words::{join_and, sig3};
use crate::report::figure::{Drawing, Line, Scale};
use crate::report::{Block, Figure, Section, Table};
use crate::study::stats::mean;
use crate::systems::smear::checks::simulated;
use crate::systems::smear::picture::{COLOUR_NAMES, LOWEST_DRAWN};
use crate::systems::smear::remedies::REMEDIES;

/// Fields with boxes, precision by class, and gains of simulated ensembles.
pub fn sections(results: &Results) -> Vec<Section> {
    let classes: Vec<String> = results.of_inputs("classes").unwrap_or_default();
    vec![
        section("fields", "Fields", picture(results, &classes).into_iter().collect()),
        section("classes", "Classes", by_class(results, &classes)),
        section("gains", "Simulated detectors", gains(results).into_iter().collect()),
    ]
}

/// Fields of the first seed.
fn picture(results: &Results, classes: &[String]) -> Option<Block> {
    let kept = results.kept::<String>("ensembles", "picture");
    let png = STANDARD.decode(&kept.first()?.1).ok().filter(|png| !png.is_empty())?;
    let colours: Vec<String> =
        classes.iter().zip(COLOUR_NAMES.iter().cycle()).map(|(class, colour)| format!("{class} {colour}")).collect();
    let caption = format!(
        "Left: the truth. Middle: boxes of the three members. Right: fused by wbf. Boxes with scores from {LOWEST_DRAWN} on. \
         {}.",
        colours.join(", ")
    );
    Some(Block::Picture { caption, png })
}

/// Average precision by class of each trial; `None` for a class without objects.
type Precisions<'a> = Vec<(&'a Point, Vec<Option<f64>>)>;

fn by_class(results: &Results, classes: &[String]) -> Vec<Block> {
    let detectors = results.kept::<Vec<Option<f64>>>("detectors", "by_class");
    let ensembles = results.kept::<Vec<Option<f64>>>("ensembles", "by_class");
    let columns = REMEDIES.iter().map(|row| (&detectors, "remedy", row.name)).chain([(&ensembles, "ensemble", "wbf")]);
    let columns: Vec<_> = columns.collect();
    let names: Vec<&str> = ["class"].into_iter().chain(columns.iter().map(|(.., name)| *name)).collect();
    let caption = "Average precision by class, mean over overlaps from 0.5 to 0.95 and over seeds";
    let mut table = Table::new("classes", caption, &names, 1);
    for (k, class) in classes.iter().enumerate() {
        let cell = |(trials, factor, level): &(&Precisions, &str, &str)| {
            let own = trials.iter().filter(|(at, _)| at.get(factor) == *level);
            let values: Vec<f64> = own.filter_map(|(_, precision)| precision.get(k).copied().flatten()).collect();
            mean(&values).map_or("–".into(), sig3)
        };
        table.rows.push([class.clone()].into_iter().chain(columns.iter().map(cell)).collect());
    }
    let rare: Vec<String> = results.of_inputs("rare").unwrap_or_default();
    let text = format!("The rarest classes, by training labels, are {}.", join_and(&rare));
    vec![Block::Table(table), Block::Text(text)]
}

fn gains(results: &Results) -> Option<Block> {
    let lines = FUSIONS.iter().filter_map(|row| {
        let points = simulated(results, row.name)?.into_iter().map(|(x, gain)| (x, 100.0 * gain));
        Some(Line { label: row.name.into(), points: points.collect(), spread: Vec::new(), guide: false })
    });
    let lines: Vec<Line> = lines.collect();
    let figure = Figure {
        name: "gains".into(),
        caption: "Mean gain over the best detector, by the correlation of errors".into(),
        drawing: Drawing::Lines {
            x: ("correlation of errors".into(), Scale::Linear),
            y: ("gain over the best detector, %".into(), Scale::Linear),
            lines: lines.clone(),
            bands: false,
        },
    };
    (!lines.is_empty()).then(|| Block::Figures(vec![figure]))
}
