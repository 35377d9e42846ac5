//! The report: sentences, figures, tables.

use crate::math::words::sig3;
use crate::report::{Block, Drawing, Figure, Line, Page, Scale, Section, Table};
use crate::study::stats::Spread;
use crate::study::stats::per_cent;
use crate::systems::noise_robustness::bench::SOURCES;
use crate::systems::noise_robustness::controls::CONTRACTION_TOLERANCE;
use crate::systems::noise_robustness::measure::Point;
use crate::systems::noise_robustness::{Findings, Spec};

/// The whole page.
pub fn page(spec: &Spec, findings: &Findings) -> Page {
    let mut sections = vec![section("found", "What was found", vec![Block::List(findings.sentences.clone())])];
    let judged = findings.points.iter().any(|p| p.accuracy.is_some());
    if judged {
        sections.push(section("accuracy", "Accuracy against noise", accuracy(spec, findings)));
        sections.push(section("sources", "Which source hurts", sources(spec, findings)));
        sections.push(section("mitigation", "With mitigation", mitigation(spec, findings)));
    }
    sections.push(section("contraction", "What noise does to ⟨Z⟩ and to gradients", contraction(spec, findings)));
    sections.push(section("controls", "Controls", controls(findings)));
    sections.push(section("points", "Every figure", vec![Block::Table(points(findings))]));
    let notices = match findings.notices.is_empty() {
        true => vec![Block::Text("None: nothing was repaired, skipped or replaced.".into())],
        false => vec![Block::List(findings.notices.clone())],
    };
    sections.push(section("notices", "Notices", notices));
    let facts = vec![
        format!("devices {}", spec.devices.join(", ")),
        format!("noise model {}", spec.model),
        format!("seeds {}", spec.seeds.len()),
        format!("qgraft {}", env!("CARGO_PKG_VERSION")),
    ];
    Page { title: findings.title.clone(), facts, sections }
}

fn section(anchor: &str, heading: &str, blocks: Vec<Block>) -> Section {
    Section { anchor: anchor.into(), heading: heading.into(), blocks }
}

fn distinct<T: PartialEq>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut found = Vec::new();
    for value in values {
        if !found.contains(&value) {
            found.push(value);
        }
    }
    found
}

/// A line through the points, factor on the noise against `value`.
fn line<'a>(
    label: &str,
    points: impl Iterator<Item = &'a Point>,
    value: fn(&Point) -> Option<Spread>,
    factor: f64,
) -> Line {
    let told: Vec<(f64, Spread)> = points.filter_map(|p| Some((p.scale, value(p)?))).collect();
    let spread = told.iter().filter_map(|(_, s)| s.sd).map(|sd| factor * sd).collect();
    let points = told.iter().map(|(scale, s)| (*scale, factor * s.mean)).collect();
    Line { label: label.into(), points, spread, guide: false }
}

const FACTOR: &str = "factor on the calibrated noise";
const PER_CENT: &str = "accuracy on validation (%)";

fn over_scale(name: &str, caption: String, y: (&str, Scale), lines: Vec<Line>) -> Figure {
    let x = (FACTOR.to_string(), Scale::Linear);
    let drawing = Drawing::Lines { x, y: (y.0.into(), y.1), lines, bands: false };
    Figure { name: name.into(), caption, drawing }
}

fn accuracy(spec: &Spec, findings: &Findings) -> Vec<Block> {
    let subjects = distinct(findings.plain().map(|p| p.subject.as_str()));
    let mut figures = Vec::new();
    for device in &spec.devices {
        let of = |subject: &&str| {
            let own = findings.plain().filter(|p| p.device == *device && p.subject == **subject);
            line(subject, own, |p| p.accuracy, 100.0)
        };
        let mut lines: Vec<Line> = subjects.iter().map(of).collect();
        let first = findings.plain().filter(|p| p.device == *device && p.subject == subjects[0]);
        lines.push(line(&format!("{}, read-out fitted anew", subjects[0]), first, |p| p.refitted, 100.0));
        let caption = format!("{device}: 1 is the noise as calibrated; whiskers ± one standard deviation over seeds");
        figures.push(over_scale(&format!("accuracy_{device}"), caption, (PER_CENT, Scale::Linear), lines));
        let losses = subjects.iter().map(|subject| {
            let own = findings.plain().filter(|p| p.device == *device && p.subject == **subject);
            line(subject, own, |p| p.log_loss, 1.0)
        });
        let caption = format!("{device}: log loss of the same heads, which sees lost confidence before accuracy falls");
        figures.push(over_scale(
            &format!("loss_{device}"),
            caption,
            ("log loss (nats)", Scale::Linear),
            losses.collect(),
        ));
    }
    let text = "Each head keeps the read-out it was trained with. The last line shows the first head with a linear \
                read-out fitted anew, by least squares, on training rows under the same noise: where it stays up while \
                the others fall, the circuit still tells the classes apart and only the scale of ⟨Z⟩ was lost.";
    vec![Block::Text(text.into()), Block::Figures(figures), Block::Table(table(findings))]
}

/// Accuracy of every subject by device and scale, exact and with shots, without mitigation.
pub fn table(findings: &Findings) -> Table {
    let plain = || findings.points.iter().filter(|p| p.source == "all" && p.mitigation == "none");
    let scales = distinct(plain().map(|p| p.scale));
    let heads: Vec<String> = scales.iter().map(|scale| format!("× {scale}")).collect();
    let header: Vec<&str> =
        ["subject", "device", "shots"].into_iter().chain(heads.iter().map(String::as_str)).collect();
    let judged = plain().any(|p| p.accuracy.is_some());
    let caption = match judged {
        true => "Accuracy in per cent, mean ± standard deviation over seeds, by factor on the calibrated noise",
        false => "Slope of noisy against ideal ⟨Z⟩, by factor on the calibrated noise",
    };
    let mut table = Table::new("accuracy", caption, &header, 3);
    for (subject, device, shots) in distinct(plain().map(|p| (&p.subject, &p.device, p.shots))) {
        let cell = |scale: &f64| {
            let at = plain().find(|p| (&p.subject, &p.device, p.shots, p.scale) == (subject, device, shots, *scale));
            match judged {
                true => at.map_or("–".into(), |p| per_cent(&p.accuracies)),
                false => number(at.and_then(|p| p.contraction)),
            }
        };
        let how = shots.map_or("exact".into(), |shots| shots.to_string());
        let names = [subject.clone(), device.clone(), how];
        table.rows.push(names.into_iter().chain(scales.iter().map(cell)).collect());
    }
    table
}

fn number(spread: Option<Spread>) -> String {
    spread.map_or("–".into(), |s| sig3(s.mean))
}

fn sources(spec: &Spec, findings: &Findings) -> Vec<Block> {
    let device = &spec.devices[0];
    let first = findings.points[0].subject.clone();
    let own = |source: &'static str| {
        let first = first.clone();
        findings.points.iter().filter(move |p| {
            p.subject == first
                && p.device == *device
                && p.source == source
                && p.mitigation == "none"
                && p.shots.is_none()
        })
    };
    let lines = |value, factor| SOURCES.iter().map(|row| line(row.name, own(row.name), value, factor)).collect();
    let told: Vec<String> = SOURCES.iter().map(|row| format!("{}: {}", row.name, row.doc)).collect();
    let caption = |what: &str| format!("{what} of “{first}” under one source of {device}'s noise at a time");
    let figures = vec![
        over_scale("source_accuracy", caption("Accuracy"), (PER_CENT, Scale::Linear), lines(|p| p.accuracy, 100.0)),
        over_scale("source_slope", caption("Slope of ⟨Z⟩"), ("slope", Scale::Linear), lines(|p| p.contraction, 1.0)),
    ];
    vec![Block::List(told), Block::Figures(figures)]
}

fn mitigation(spec: &Spec, findings: &Findings) -> Vec<Block> {
    let device = &spec.devices[0];
    let first = &findings.points[0].subject;
    let own = || findings.points.iter().filter(|p| p.subject == *first && p.device == *device && p.source == "all");
    let methods = distinct(own().map(|p| p.mitigation));
    let mut figures = Vec::new();
    for shots in distinct(own().map(|p| p.shots)) {
        let of = |method: &&'static str| {
            line(method, own().filter(|p| p.mitigation == *method && p.shots == shots), |p| p.accuracy, 100.0)
        };
        let how =
            shots.map_or("exact expectation values".into(), |shots| format!("{shots} shots for each program run"));
        let caption = format!("“{first}” under the noise of {device}, {how}");
        let name = format!("mitigation_{}", shots.map_or("exact".into(), |shots| shots.to_string()));
        figures.push(over_scale(&name, caption, (PER_CENT, Scale::Linear), methods.iter().map(of).collect()));
    }
    let slopes = methods.iter().map(|method| {
        line(method, own().filter(|p| p.mitigation == *method && p.shots.is_none()), |p| p.contraction, 1.0)
    });
    let caption = "Slope of ⟨Z⟩, exact: mitigation brings it back to 1".to_string();
    figures.push(over_scale("mitigation_slope", caption, ("slope", Scale::Linear), slopes.collect()));
    let text = "Mitigation is applied when a head is judged, not when it is trained. `qgraft list mitigations` says what \
                each method does and costs.";
    vec![Block::Text(text.into()), Block::Figures(figures)]
}

fn contraction(spec: &Spec, findings: &Findings) -> Vec<Block> {
    let first = &findings.points[0].subject;
    let slope = spec.devices.iter().map(|device| {
        let own = findings.plain().filter(|p| p.device == *device && p.subject == *first);
        line(device, own, |p| p.contraction, 1.0)
    });
    let caption = format!("Slope of noisy against ideal ⟨Z⟩ of “{first}” over all rows and qubits: 1 is untouched");
    let mut figures = vec![over_scale("slope", caption, ("slope", Scale::Linear), slope.collect())];
    if !findings.gradients.is_empty() {
        let lines = spec.devices.iter().map(|device| {
            let own = findings.gradients.iter().filter(|g| g.device == *device);
            let points = own.map(|g| (g.scale, g.variance)).collect();
            Line { label: device.clone(), points, spread: Vec::new(), guide: false }
        });
        let caption = "Variance of ∂⟨Z₀⟩/∂w over 64 random sets of weights: what training has to go by".to_string();
        figures.push(over_scale("gradients", caption, ("variance (1/rad²)", Scale::Powers), lines.collect()));
    }
    vec![Block::Figures(figures)]
}

fn controls(findings: &Findings) -> Vec<Block> {
    let mut blocks = Vec::new();
    let header = ["circuit", "values", "smallest factor", "largest factor", "largest deviation"];
    let caption = format!(
        "Control 1: the circuit under Pauli noise whose effect can be written down; deviations up to \
         {CONTRACTION_TOLERANCE:.0e} are rounding"
    );
    let mut known = Table::new("contraction", &caption, &header, 1);
    for c in &findings.contractions {
        let numbers = [c.factors.0, c.factors.1, c.deviation].map(sig3);
        known.rows.push([c.case.to_string(), c.values.to_string()].into_iter().chain(numbers).collect());
    }
    blocks.push(Block::Table(known));
    let Some(thresholds) = &findings.thresholds else { return blocks };
    let lost = |c: f64| 1.0 / (c * c).max(1e-300);
    let curve = |label: String, value: fn(&crate::systems::noise_robustness::Refit) -> f64| Line {
        label,
        points: thresholds.curve.iter().map(|at| (lost(at.contraction), 100.0 * value(at))).collect(),
        spread: Vec::new(),
        guide: false,
    };
    let shots = thresholds.shots;
    let strongest = thresholds.curve.last().map_or(1.0, |at| lost(at.contraction));
    let chance = Line {
        label: "most frequent class".into(),
        points: vec![(1.0, 100.0 * thresholds.chance), (strongest, 100.0 * thresholds.chance)],
        spread: Vec::new(),
        guide: true,
    };
    let lines = vec![
        curve("read-out as trained, exact".into(), |at| at.trained),
        curve("read-out fitted anew, exact".into(), |at| at.refitted),
        curve(format!("read-out fitted anew, {shots} shots"), |at| at.with_shots),
        chance,
    ];
    let caption = format!(
        "Controls 2 and 3: accuracy of “{}” under depolarizing noise behind every gate, against 1/c², c the slope of ⟨Z⟩. \
         Exact values with a new read-out stay flat: that robustness is trivial. With {shots} shots the new read-out can \
         follow only while 1/c² is well below {shots}.",
        findings.points[0].subject
    );
    let x = ("1/c²: shots lost to noise".to_string(), Scale::Powers);
    let drawing = Drawing::Lines { x, y: (PER_CENT.into(), Scale::Linear), lines, bands: false };
    let slope = Line {
        label: String::new(),
        points: thresholds.curve.iter().map(|at| (at.lambda, at.contraction.abs())).collect(),
        spread: Vec::new(),
        guide: false,
    };
    let axes = [("depolarizing parameter λ of every gate", Scale::Linear), ("slope c of ⟨Z⟩", Scale::Powers)];
    let [x, y] = axes.map(|(label, scale)| (label.to_string(), scale));
    let shrinking = Figure {
        name: "controls_slope".into(),
        caption: "What of ⟨Z⟩ each strength of that noise leaves".into(),
        drawing: Drawing::Lines { x, y, lines: vec![slope], bands: false },
    };
    blocks.push(Block::Figures(vec![Figure { name: "controls".into(), caption, drawing }, shrinking]));
    blocks
}

/// Every point in a row.
pub fn points(findings: &Findings) -> Table {
    let header = [
        "subject",
        "device",
        "source",
        "mitigation",
        "shots",
        "scale",
        "accuracy %",
        "log loss",
        "calibration error",
        "slope of ⟨Z⟩",
        "offset",
        "refitted %",
    ];
    let caption = "Mean over seeds of every quantity under every condition";
    let mut table = Table::new("points", caption, &header, 5);
    let share = |spread: Option<Spread>| spread.map_or("–".into(), |s| format!("{:.1}", 100.0 * s.mean));
    for p in &findings.points {
        table.rows.push(vec![
            p.subject.clone(),
            p.device.clone(),
            p.source.into(),
            p.mitigation.into(),
            p.shots.map_or("exact".into(), |shots| shots.to_string()),
            p.scale.to_string(),
            share(p.accuracy),
            number(p.log_loss),
            number(p.calibration_error),
            number(p.contraction),
            number(p.offset),
            share(p.refitted),
        ]);
    }
    table
}
