//! Tables of a report over all tasks.

use crate::lab::{Results, render};
use crate::math::words::sig3;
use crate::report::{Block, Section, Table};
use crate::study::metric::Unit;
use crate::study::stats::mean;
use crate::systems::forest::choice::CHOSEN;
use crate::systems::forest::spec::Spec;

/// Every section.
pub fn sections(spec: &Spec, results: &Results) -> Vec<Section> {
    vec![
        render::section("students", "Students over all tables", vec![Block::Table(means(spec, results))]),
        render::section("chosen", "Students chosen", vec![Block::Table(chosen(results))]),
    ]
}

/// Every student with every target, over tables and seeds.
fn means(spec: &Spec, results: &Results) -> Table {
    let caption = "Over tables and seeds, on test rows: mean change of accuracy from the forest in points, mean agreement with \
                   it, median divergence KL(forest ‖ student) and mean log-loss in nats";
    let header = ["student", "target", "accuracy", "agreement (%)", "divergence (nats)", "log-loss (nats)"];
    let mut table = Table::new("students", caption, &header, 2);
    let forest = results.cell("teacher", "accuracy", &[]).samples();
    for student in spec.student_names() {
        for target in &spec.targets {
            let of = |metric: &str| {
                let levels = [("target", target.as_str()), ("student", student.as_str())];
                results.cell("main", metric, &levels).samples()
            };
            let change = of("accuracy").zip(forest.as_ref()).and_then(|(own, forest)| {
                let (own, forest) = own.paired(forest, &["table", "seed"]);
                mean(&own.iter().zip(forest).map(|(own, forest)| own - forest).collect::<Vec<f64>>())
            });
            let text = |value: Option<f64>, write: fn(f64) -> String| value.map_or("–".into(), write);
            table.rows.push(vec![
                student.clone(),
                target.clone(),
                text(change, |change| Unit::Share.signed(change)),
                text(of("agreement").map(|samples| samples.mean()), |share| Unit::Share.number(share)),
                text(of("divergence").map(|samples| samples.median()), sig3),
                text(of("log_loss").map(|samples| samples.mean()), sig3),
            ]);
        }
    }
    table
}

/// The students that were chosen, by table and seed.
fn chosen(results: &Results) -> Table {
    let header = ["table", "seed", "chosen by", "target", "student"];
    let mut table = Table::new("chosen", "Students chosen for each table and seed", &header, 2);
    for (point, names) in results.kept::<Vec<(String, (String, String))>>("choice", CHOSEN) {
        let task = ["table", "seed"].map(|factor| point.get(factor).to_string());
        let row = |(choice, (target, student)): (String, (String, String))| {
            task.iter().cloned().chain([choice.replace('_', " "), target, student]).collect()
        };
        table.rows.extend(names.into_iter().map(row));
    }
    table
}
