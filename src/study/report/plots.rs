//! Which charts a report holds and what stands on their axes. Accuracies are drawn in per cent.

use super::{Curve, Family, NoisePoint, Reliability, Report, Roc};
use crate::report::chart::{Axis, Chart, Look, Series};
use crate::study::compare::{Comparison, Finding};
use crate::study::stats::Spread;

/// How a head is drawn, the same in every chart: the hue and the mark tell its family.
#[derive(Clone)]
pub struct Ink {
    /// A CSS colour.
    pub colour: String,
    /// Of its lines, as SVG's `stroke-dasharray`.
    pub dash: &'static str,
    /// Of its points.
    pub mark: &'static str,
}

/// How the heads of a family are drawn. Their colours stand in style.css, three to a family: the hues of Paul Tol's
/// "bright" scheme (<https://sronpersonalpages.nl/~pault/>), which colour-blind readers can tell apart. From the fourth
/// head on the colours come again, dotted and with triangles.
const FAMILIES: [(Family, &str, &str, &str); 3] = [
    (Family::Classical, "classical", "none", "circle"),
    (Family::Quantum, "quantum", "none", "diamond"),
    (Family::Control, "control", "6 3", "square"),
];

const COLOURS: usize = 3;

/// How the head called `name` is drawn.
pub fn ink(report: &Report, name: &str) -> Ink {
    let row = report.heads.iter().find(|head| head.name == name);
    let family = row.map_or(Family::Control, |head| head.family);
    let mut relatives = report.heads.iter().filter(|head| head.family == family);
    let place = relatives.position(|head| head.name == name).unwrap_or(2);
    let (_, family, dash, mark) = FAMILIES[family as usize];
    let (dash, mark) = if place < COLOURS { (dash, mark) } else { ("2 2", "triangle") };
    Ink { colour: format!("var(--{family}-{})", place % COLOURS), dash, mark }
}

/// Ends of an axis that hold all of `values`, on multiples of `step`, inside `limits`.
fn range(values: impl Iterator<Item = f64>, step: f64, limits: (f64, f64)) -> (f64, f64) {
    let (low, high) = values
        .filter(|v| v.is_finite())
        .fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| (low.min(v), high.max(v)));
    if low > high {
        return (0.0, 1.0);
    }
    let low = ((low / step).floor() * step).max(limits.0);
    let high = ((high / step).ceil() * step).min(limits.1);
    if low < high { (low, high) } else { ((low - step).max(limits.0), (low + step).min(limits.1)) }
}

/// A little room at both ends, where marks would be cut in half.
fn padded((low, high): (f64, f64)) -> (f64, f64) {
    let room = 0.015 * (high - low);
    (low - room, high + room)
}

const PER_CENT: (f64, f64) = (0.0, 100.0);
const ANY: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);

fn ends(spread: &Spread) -> [f64; 2] {
    let sd = spread.sd.unwrap_or(0.0);
    [spread.mean - sd, spread.mean + sd]
}

/// Tick distance that gives an axis three to seven ticks.
fn tick(range: (f64, f64)) -> f64 {
    let width = range.1 - range.0;
    let steps = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0];
    steps.into_iter().find(|step| width / step <= 6.5).unwrap_or(100.0)
}

/// Differences with their intervals around zero, in percentage points; grey where the interval covers zero.
pub fn forest(comparisons: &[&Comparison]) -> Chart {
    let half = |c: &Comparison| c.interval.map_or(0.0, |interval| 100.0 * (interval.high - interval.low) / 2.0);
    let reach = comparisons.iter().flat_map(|c| {
        let centre = 100.0 * c.difference;
        [centre - half(c) - 0.3, centre + half(c) + 0.3, -0.5, 0.5]
    });
    let ends = range(reach, 1.0, ANY);
    // Rows are counted from below.
    let series = comparisons.iter().rev().enumerate().map(|(row, c)| Series {
        colour: if matches!(c.finding, Finding::Better | Finding::Worse) { "var(--ink)" } else { "var(--rule)" }.into(),
        points: vec![(100.0 * c.difference, row as f64 + 1.0)],
        spread: vec![half(c)],
        look: Look::MarksAlongX("square"),
    });
    Chart {
        description: comparisons.iter().map(|c| c.sentence()).collect::<Vec<_>>().join("; "),
        size: (500.0, 62.0 + 26.0 * comparisons.len() as f64),
        x: Axis::new("accuracy difference, points", ends, tick(ends)),
        y: Axis::of_names(comparisons.iter().rev().map(|c| format!("{} − {}", c.head, c.baseline)).collect()),
        series: series.collect(),
        mark_x: Some(0.0),
    }
}

/// Accuracy of every head at the last epoch: seeds as dots, mean ± sd as a mark with whiskers.
pub fn accuracy_by_head(report: &Report) -> Chart {
    let heads = || report.heads.iter().rev().enumerate();
    let values = report.heads.iter().flat_map(|head| &head.last_epoch).map(|a| 100.0 * a);
    let spreads = report.heads.iter().filter_map(|head| Spread::of(&head.last_epoch));
    let ends = padded(range(values.chain(spreads.flat_map(|s| ends(&s)).map(|a| 100.0 * a)), 1.0, PER_CENT));
    let mut series = Vec::new();
    for (row, head) in heads() {
        let ink = ink(report, &head.name);
        let dots = head.last_epoch.iter().map(|a| (100.0 * a, row as f64 + 0.78)).collect();
        series.push(Series { colour: ink.colour.clone(), points: dots, spread: Vec::new(), look: Look::Dots });
        if let Some(spread) = Spread::of(&head.last_epoch) {
            series.push(Series {
                colour: ink.colour,
                points: vec![(100.0 * spread.mean, row as f64 + 1.1)],
                spread: vec![100.0 * spread.sd.unwrap_or(0.0)],
                look: Look::MarksAlongX(ink.mark),
            });
        }
    }
    Chart {
        description: "Accuracy of each head at the last epoch, every seed and mean ± standard deviation".into(),
        size: (760.0, 62.0 + 32.0 * report.heads.len() as f64),
        x: Axis::new(&format!("accuracy on {} (%)", report.hold_out.judged_on()), ends, tick(ends)),
        y: Axis::of_names(heads().map(|(_, head)| head.name.clone()).collect()),
        series,
        mark_x: None,
    }
}

/// Distinct texts in the order they first appear.
pub fn distinct<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut found = Vec::new();
    for name in names {
        if !found.contains(&name) {
            found.push(name);
        }
    }
    found
}

/// Settings whose noise was scaled up and down.
pub fn swept(report: &Report) -> Vec<&str> {
    let mut settings = distinct(report.noise.iter().map(|point| point.setting.as_str()));
    settings.retain(|setting| {
        report.noise.iter().any(|point| point.setting == *setting && point.scale != 1.0 && point.scale != 0.0)
    });
    settings
}

fn noise_range<'a>(points: impl Iterator<Item = &'a NoisePoint>) -> (f64, f64) {
    padded(range(points.flat_map(|point| ends(&point.accuracy)).map(|a| 100.0 * a), 1.0, PER_CENT))
}

/// Accuracy of every head under every setting as calibrated: one row a setting, heads beside each other in it.
pub fn noise_by_setting(report: &Report) -> Chart {
    let sweeps = swept(report);
    let told: Vec<&NoisePoint> =
        report.noise.iter().filter(|p| p.scale == 1.0 || !sweeps.contains(&p.setting.as_str())).collect();
    let settings: Vec<&str> = distinct(told.iter().map(|p| p.setting.as_str())).into_iter().rev().collect();
    let heads = distinct(told.iter().map(|p| p.head.as_str()));
    let ends = noise_range(told.iter().copied());
    let series = heads.iter().enumerate().map(|(place, head)| {
        let ink = ink(report, head);
        // The first head uppermost in its row; heads take up two thirds of it.
        let shift = (heads.len() as f64 - 1.0 - 2.0 * place as f64) / 2.0 * 0.66 / heads.len() as f64;
        let own = || told.iter().filter(|p| p.head == *head);
        let row = |p: &NoisePoint| settings.iter().position(|s| *s == p.setting).unwrap_or(0) as f64 + 1.0;
        Series {
            colour: ink.colour,
            points: own().map(|p| (100.0 * p.accuracy.mean, row(p) + shift)).collect(),
            spread: own().map(|p| 100.0 * p.accuracy.sd.unwrap_or(0.0)).collect(),
            look: Look::MarksAlongX(ink.mark),
        }
    });
    Chart {
        description: "Accuracy of each head under each evaluation setting, mean ± standard deviation over seeds".into(),
        size: (760.0, 62.0 + settings.len() as f64 * (16.0 + 15.0 * heads.len() as f64)),
        x: Axis::new(
            &format!("accuracy on {} (%), mean ± sd over seeds", report.hold_out.judged_on()),
            ends,
            tick(ends),
        ),
        y: Axis::of_names(settings.iter().map(|s| s.to_string()).collect()),
        series: series.collect(),
        mark_x: None,
    }
}

/// Accuracy of every head against the factor on one setting's noise.
pub fn noise_sweep(report: &Report, setting: &str) -> Chart {
    let own: Vec<&NoisePoint> = report.noise.iter().filter(|p| p.setting == setting).collect();
    let sweeps = swept(report);
    let y = noise_range(report.noise.iter().filter(|p| sweeps.contains(&p.setting.as_str())));
    let last = own.iter().map(|p| p.scale).fold(1.0, f64::max);
    let mut series = Vec::new();
    let heads = distinct(own.iter().map(|p| p.head.as_str()));
    for (place, head) in heads.iter().enumerate() {
        let ink = ink(report, head);
        let mut points: Vec<&&NoisePoint> = own.iter().filter(|p| p.head == *head).collect();
        points.sort_by(|a, b| a.scale.total_cmp(&b.scale));
        // Set apart by a hundredth of the axis, so that whiskers at one factor do not hide each other.
        let shift = (place as f64 - (heads.len() as f64 - 1.0) / 2.0) * last / 100.0;
        let places: Vec<(f64, f64)> = points.iter().map(|p| (p.scale + shift, 100.0 * p.accuracy.mean)).collect();
        let spread: Vec<f64> = points.iter().map(|p| 100.0 * p.accuracy.sd.unwrap_or(0.0)).collect();
        let line = Look::Line { width: 1.6, dash: ink.dash };
        series.push(Series { colour: ink.colour.clone(), points: places.clone(), spread: Vec::new(), look: line });
        series.push(Series { colour: ink.colour, points: places, spread, look: Look::MarksAlongY(ink.mark) });
    }
    Chart {
        description: format!("Accuracy against the noise of {setting}, scaled"),
        size: (500.0, 300.0),
        x: Axis::new("factor on the calibrated noise", (-0.05 * last, last * 1.05), tick((0.0, last))),
        y: Axis::new(&format!("accuracy on {} (%)", report.hold_out.judged_on()), y, tick(y)),
        series,
        mark_x: Some(1.0),
    }
}

fn epochs(values: &[Spread], factor: f64) -> (Vec<(f64, f64)>, Vec<f64>) {
    let points = values.iter().enumerate().map(|(epoch, s)| (epoch as f64 + 1.0, factor * s.mean)).collect();
    (points, values.iter().map(|s| factor * s.sd.unwrap_or(0.0)).collect())
}

fn epoch_axis(report: &Report) -> Axis {
    let last = report.curves.iter().map(|c| c.validation_accuracy.len().max(c.train_loss.len())).max().unwrap_or(1);
    let ends = (1.0, (last as f64).max(2.0));
    Axis::new("epoch", ends, tick(ends).max(1.0))
}

/// Validation accuracy of one head by epoch, the other heads in grey behind it.
pub fn learning_accuracy(report: &Report, curve: &Curve) -> Chart {
    let all = report.curves.iter().flat_map(|c| &c.validation_accuracy);
    let y = range(all.flat_map(ends).map(|a| 100.0 * a), 5.0, PER_CENT);
    let mut series: Vec<Series> = report
        .curves
        .iter()
        .filter(|other| other.head != curve.head)
        .map(|other| Series {
            colour: "var(--faint)".into(),
            points: epochs(&other.validation_accuracy, 100.0).0,
            spread: Vec::new(),
            look: Look::Line { width: 0.8, dash: "none" },
        })
        .collect();
    let (points, spread) = epochs(&curve.validation_accuracy, 100.0);
    let look = Look::Line { width: 2.0, dash: "none" };
    series.push(Series { colour: ink(report, &curve.head).colour, points, spread, look });
    Chart {
        description: format!("Validation accuracy of {} by epoch, mean ± standard deviation over seeds", curve.head),
        size: (250.0, 190.0),
        x: epoch_axis(report),
        y: Axis::new("validation accuracy (%)", y, tick(y)),
        series,
        mark_x: None,
    }
}

/// Training (solid) and validation (dashed) loss of one head by epoch.
pub fn learning_loss(report: &Report, curve: &Curve) -> Chart {
    let all = report.curves.iter().flat_map(|c| c.train_loss.iter().chain(&c.validation_loss));
    let y = range(all.flat_map(ends), 0.1, (0.0, f64::INFINITY));
    let colour = ink(report, &curve.head).colour;
    let line = |values: &[Spread], dash| {
        let (points, spread) = epochs(values, 1.0);
        Series { colour: colour.clone(), points, spread, look: Look::Line { width: 2.0, dash } }
    };
    Chart {
        description: format!("Training and validation loss of {} by epoch", curve.head),
        size: (250.0, 190.0),
        x: epoch_axis(report),
        y: Axis::new("loss (nats)", y, tick(y)),
        series: vec![line(&curve.train_loss, "none"), line(&curve.validation_loss, "5 3")],
        mark_x: None,
    }
}

fn diagonal(from: f64) -> Series {
    let look = Look::Line { width: 1.0, dash: "3 3" };
    Series { colour: "var(--rule)".into(), points: vec![(from, from), (1.0, 1.0)], spread: Vec::new(), look }
}

/// ROC curves of all heads for one class.
pub fn roc(report: &Report, class: usize) -> Chart {
    let own: Vec<&Roc> = report.rocs.iter().filter(|roc| roc.class == class).collect();
    let curve = |roc: &&Roc| {
        let ink = ink(report, &roc.head);
        let look = Look::Line { width: 1.6, dash: ink.dash };
        Series { colour: ink.colour, points: roc.points.clone(), spread: Vec::new(), look }
    };
    let areas: Vec<String> = own.iter().map(|roc| format!("{} {:.3}", roc.head, roc.area)).collect();
    Chart {
        description: format!("ROC curves, area under the curve: {}", areas.join(", ")),
        size: (330.0, 310.0),
        x: Axis::new("false positive rate", (0.0, 1.0), 0.2),
        y: Axis::new("true positive rate", (0.0, 1.0), 0.2),
        series: std::iter::once(diagonal(0.0)).chain(own.iter().map(curve)).collect(),
        mark_x: None,
    }
}

/// Share predicted right against confidence; bins with more samples have larger marks.
pub fn reliability(report: &Report, diagram: &Reliability) -> Chart {
    let samples: usize = diagram.bins.iter().map(|bin| bin.samples).sum();
    let ink = ink(report, &diagram.head);
    let points: Vec<(f64, f64)> = diagram.bins.iter().map(|bin| (bin.confidence, bin.accuracy)).collect();
    let radius = diagram.bins.iter().map(|bin| 1.5 + 9.0 * (bin.samples as f64 / samples as f64).sqrt());
    let line = Look::Line { width: 1.2, dash: "none" };
    let low = 1.0 / report.classes.len().max(2) as f64;
    let from = (low * 5.0).floor() / 5.0;
    Chart {
        description: format!("Reliability of {}: share predicted right against confidence", diagram.head),
        size: (250.0, 230.0),
        x: Axis::new("confidence", (from, 1.04), 0.2),
        y: Axis::new("share predicted right", (-0.04, 1.04), 0.2),
        series: vec![
            diagonal(from),
            Series { colour: ink.colour.clone(), points: points.clone(), spread: Vec::new(), look: line },
            Series { colour: ink.colour, points, spread: radius.collect(), look: Look::Bubbles },
        ],
        mark_x: None,
    }
}
