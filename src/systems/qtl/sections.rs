//! What only this system shows: how rows were held out, confusion, ROC curves, reliability, the circuit.

use crate::circuit::draw;
use crate::lab::{Results, Unit};
use crate::report::{Block, Drawing, Figure, Line, Scale, Section, Table};
use crate::study::StudyError;
use crate::study::metric::probability::reliability;
use crate::study::metric::{Predictions, counts, ranking};
use crate::systems::head_choice::HeadChoice;
use crate::systems::qtl::spec::Spec;
use crate::systems::qtl::trial::{EVALUATED, Kept};
use crate::systems::qtl::{DATA, ROWS};

/// Predictions of all seeds of a head.
struct Pooled {
    head: String,
    classes: Vec<String>,
    predictions: Predictions,
}

/// All sections that have something to show.
pub fn sections(spec: &Spec, results: &Results) -> Vec<Section> {
    let pooled: Vec<Pooled> = spec.heads.iter().filter_map(|head| pooled(head, results)).collect();
    let mut sections = vec![section("rows", "Data and hold-out", vec![Block::Text(hold_out(spec, results))])];
    if !pooled.is_empty() {
        let tables = pooled.iter().enumerate().map(|(index, own)| Block::Table(confusion(index, own))).collect();
        sections.push(section("classes", "Classes", vec![Block::Table(by_class(&pooled))]));
        sections.push(section("confusion", "Confusion", tables));
        sections.push(section("roc", "ROC curves", vec![Block::Figures(roc(&pooled))]));
        sections.push(section("pr", "Precision and recall", vec![Block::Figures(precision_recall(&pooled))]));
        let figures = vec![diagram(&pooled), histogram(&pooled)];
        sections.push(section("reliability", "Reliability", vec![Block::Figures(figures)]));
    }
    sections.extend(circuit(spec, results).unwrap_or_default());
    sections
}

fn section(anchor: &str, heading: &str, blocks: Vec<Block>) -> Section {
    Section { anchor: anchor.into(), heading: heading.into(), blocks }
}

fn pooled(head: &str, results: &Results) -> Option<Pooled> {
    let own = results.kept::<Kept>("main", EVALUATED).into_iter().filter(|(point, _)| point.get("head") == head);
    let kept: Vec<Kept> = own.map(|(_, kept)| kept).collect();
    let classes = kept.first()?.classes.clone();
    let one = |kept: Kept| {
        let width = kept.classes.len();
        let values: Vec<f64> = kept.probabilities.into_iter().flatten().collect();
        let probabilities = ndarray::Array2::from_shape_vec((kept.labels.len(), width), values).ok()?;
        Predictions::new(probabilities, kept.labels).ok()
    };
    let seeds: Vec<Predictions> = kept.into_iter().filter_map(one).collect();
    Some(Pooled { head: head.into(), classes, predictions: Predictions::pooled(&seeds).ok()? })
}

fn hold_out(spec: &Spec, results: &Results) -> String {
    let title: String = results.of_inputs(DATA).unwrap_or_default();
    let [training, validation, evaluated] = results.of_blocks::<[usize; 3]>(ROWS).unwrap_or_default();
    match spec.hold_out.validation_share() {
        None => format!(
            "{title}. {training} training and {validation} validation rows; there are no test rows, so every figure is measured \
             on the validation rows. Figures are of the last epoch. The best epoch was chosen on the rows that it is measured on, \
             so its accuracy is too high; it is shown for comparison with papers that report it."
        ),
        Some(_) => format!(
            "{title}. {training} training, {validation} validation and {evaluated} test rows, cut anew under every seed. Every \
             figure is measured on the test rows, on which nothing was chosen. Figures are of the last epoch and of the epoch that \
             was best on the validation rows.{}",
            match spec.hold_out.folds {
                Some(folds) => format!(
                    " Each seed tests one of {folds} folds. Folds share most of their training rows, so intervals over them are too \
                     narrow (Bengio & Grandvalet 2004)."
                ),
                None => String::new(),
            }
        ),
    }
}

fn confusion(index: usize, own: &Pooled) -> Table {
    let caption = format!("{}: rows by true class, columns by predicted class, summed over seeds", own.head);
    let header: Vec<&str> = std::iter::once("true class").chain(own.classes.iter().map(String::as_str)).collect();
    let mut table = Table::new(&format!("confusion_{index}"), &caption, &header, 1);
    let counts = counts::confusion(&own.predictions);
    for (class, row) in own.classes.iter().zip(counts.rows()) {
        table.rows.push(std::iter::once(class.clone()).chain(row.iter().map(usize::to_string)).collect());
    }
    table
}

/// Precision, recall and F1 of each class by each head.
fn by_class(pooled: &[Pooled]) -> Table {
    let caption = "Each class by each head, predictions of all seeds: how often it occurs, how often it is predicted, and what \
                   of both is right";
    let header = ["head", "class", "rows", "predicted", "precision (%)", "recall (%)", "F1"];
    let mut table = Table::new("classes", caption, &header, 2);
    for own in pooled {
        for (class, found) in own.classes.iter().zip(counts::by_class(&own.predictions)) {
            table.rows.push(vec![
                own.head.clone(),
                class.clone(),
                found.samples.to_string(),
                found.predicted.to_string(),
                Unit::Share.number(found.precision()),
                Unit::Share.number(found.recall()),
                Unit::Plain.number(found.f1()),
            ]);
        }
    }
    table
}

/// The classes with a curve of their own: only class 1 where there are two.
fn drawn(classes: &[String]) -> std::ops::Range<usize> {
    if classes.len() == 2 { 1..2 } else { 0..classes.len() }
}

/// One figure for each class against the rest.
fn precision_recall(pooled: &[Pooled]) -> Vec<Figure> {
    let classes = &pooled[0].classes;
    let figure = |class: usize| {
        let line = |own: &Pooled| {
            let curve = ranking::precision_recall(&own.predictions, class).ok()?;
            let points = corners(curve.iter().map(|point| (point.recall, point.precision)));
            Some(Line { label: own.head.clone(), points, spread: Vec::new(), guide: false })
        };
        Figure {
            name: format!("precision_recall_{class}"),
            caption: format!("{} against the rest, predictions of all seeds", classes[class]),
            drawing: Drawing::Lines {
                x: ("recall".into(), Scale::Linear),
                y: ("precision".into(), Scale::Linear),
                lines: pooled.iter().filter_map(line).collect(),
                bands: true,
            },
        }
    };
    drawn(classes).map(figure).collect()
}

/// How confident each head is: the share of rows by the probability of the predicted class.
fn histogram(pooled: &[Pooled]) -> Figure {
    const BINS: usize = 10;
    let line = |own: &Pooled| {
        let mut shares = [0.0; BINS];
        let all = own.predictions.probabilities();
        for row in all.rows() {
            let confidence = row.iter().copied().fold(0.0, f64::max);
            shares[((confidence * BINS as f64) as usize).min(BINS - 1)] += 1.0 / all.nrows() as f64;
        }
        let centre = |(bin, share): (usize, &f64)| ((bin as f64 + 0.5) / BINS as f64, *share);
        let lowest = BINS / own.classes.len().max(1);
        let points = shares.iter().enumerate().skip(lowest).map(centre).collect();
        Line { label: own.head.clone(), points, spread: Vec::new(), guide: false }
    };
    Figure {
        name: "confidence".into(),
        caption: "Share of rows by confidence in bins of 0.1, predictions of all seeds".into(),
        drawing: Drawing::Lines {
            x: ("confidence".into(), Scale::Linear),
            y: ("share of rows".into(), Scale::Linear),
            lines: pooled.iter().map(line).collect(),
            bands: false,
        },
    }
}

/// One figure for each class against the rest.
fn roc(pooled: &[Pooled]) -> Vec<Figure> {
    let classes = &pooled[0].classes;
    let figure = |class: usize| {
        let line = |own: &Pooled| {
            let curve = ranking::roc(&own.predictions, class).ok()?;
            let area = ranking::area_of_class(&own.predictions, class).ok()?;
            let label = format!("{} ({area:.3})", own.head);
            let points = curve.iter().map(|point| (point.false_positive_rate, point.true_positive_rate));
            Some(Line { label, points: corners(points), spread: Vec::new(), guide: false })
        };
        let chance =
            Line { label: "chance".into(), points: vec![(0.0, 0.0), (1.0, 1.0)], spread: Vec::new(), guide: true };
        let lines: Vec<Line> = pooled.iter().filter_map(line).chain([chance]).collect();
        Figure {
            name: format!("roc_{class}"),
            caption: format!("{} against the rest, predictions of all seeds; area under the curve", classes[class]),
            drawing: Drawing::Lines {
                x: ("false positive rate".into(), Scale::Linear),
                y: ("true positive rate".into(), Scale::Linear),
                lines,
                // Many points: lines without marks.
                bands: true,
            },
        }
    };
    drawn(classes).map(figure).collect()
}

/// Points without those inside a straight run.
fn corners(points: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    let mut kept: Vec<(f64, f64)> = Vec::new();
    for (x, y) in points {
        if let [.., (x0, y0), (x1, y1)] = kept[..]
            && ((x0 == x1 && x1 == x) || (y0 == y1 && y1 == y))
        {
            kept.pop();
        }
        kept.push((x, y));
    }
    kept
}

fn diagram(pooled: &[Pooled]) -> Figure {
    let line = |own: &Pooled| {
        let points = reliability(&own.predictions).iter().map(|bin| (bin.confidence, bin.accuracy)).collect();
        Line { label: own.head.clone(), points, spread: Vec::new(), guide: false }
    };
    let low = 1.0 / pooled[0].classes.len().max(1) as f64;
    let calibrated =
        Line { label: "calibrated".into(), points: vec![(low, low), (1.0, 1.0)], spread: Vec::new(), guide: true };
    Figure {
        name: "reliability".into(),
        caption:
            "Share predicted right by confidence, predictions of all seeds; a calibrated head follows the dashed line"
                .into(),
        drawing: Drawing::Lines {
            x: ("confidence".into(), Scale::Linear),
            y: ("share predicted right".into(), Scale::Linear),
            lines: pooled.iter().map(line).chain([calibrated]).collect(),
            bands: false,
        },
    }
}

/// The circuit of the first head that has one, and the engines that ran it.
fn circuit(spec: &Spec, results: &Results) -> Result<Option<Section>, StudyError> {
    let choices = spec.heads.iter().map(|label| HeadChoice::named(label, &spec.circuit));
    let choices = choices.collect::<Result<Vec<_>, _>>()?;
    let Some(choice) = choices.into_iter().find(HeadChoice::has_circuit) else { return Ok(None) };
    let Some(ansatz) = choice.config.build_ansatz()? else { return Ok(None) };
    let circuit = &ansatz.circuit;
    let caption = format!(
        "{} on {} qubits, {} operations; slots x are features, slots w trained weights",
        choice.label,
        circuit.qubits(),
        circuit.ops().len()
    );
    let mut engines: Vec<String> =
        results.kept::<Kept>("main", EVALUATED).into_iter().flat_map(|(_, kept)| kept.engines).collect();
    engines.sort();
    engines.dedup();
    let blocks = vec![
        Block::Svg { caption, svg: draw::svg(circuit) },
        Block::Text(format!(
            "Features and heads are computed in single precision, circuits by: {}.",
            engines.join("; ")
        )),
    ];
    Ok(Some(section("circuit", "Circuit", blocks)))
}
