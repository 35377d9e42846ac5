//! Figures that only this system has: sources, mitigation, the controls.

use crate::lab::{Results, Samples, Unit};
use crate::report::{Block, Drawing, Figure, Line, Scale, Section};
use crate::systems::conditions::{ALL, EXACT, UNMITIGATED};
use crate::systems::noise_robustness::conditions::SINGLE_SOURCES;
use crate::systems::noise_robustness::spec::Spec;
use crate::systems::noise_robustness::{CONTROLS, MAIN};

const ACCURACY: &str = "accuracy (%)";

/// All sections that have something to draw, for the first arm on the first device.
pub fn sections(spec: &Spec, results: &Results) -> Vec<Section> {
    let section = |anchor: &str, heading: &str, figures: Vec<Figure>| {
        let (anchor, heading) = (anchor.to_string(), heading.to_string());
        (!figures.is_empty()).then(|| Section { anchor, heading, blocks: vec![Block::Figures(figures)] })
    };
    let found = [
        section("sources", "Sources of noise", sources(spec, results)),
        section("mitigation", "Mitigation", mitigation(spec, results)),
        section("controls", "Controls", controls(results).into_iter().collect()),
    ];
    found.into_iter().flatten().collect()
}

/// What is drawn over the scales of the noise.
struct OverScale<'a> {
    spec: &'a Spec,
    results: &'a Results,
    metric: &'a str,
    unit: Unit,
}

impl OverScale<'_> {
    fn line(&self, label: &str, source: &str, mitigation: &str, shots: &str) -> Option<Line> {
        let arm = first_arm(self.results)?;
        let levels = [
            ("arm", arm),
            ("device", self.spec.devices[0].as_str()),
            ("source", source),
            ("mitigation", mitigation),
            ("shots", shots),
        ];
        let values = self.results.cell(MAIN, self.metric, &levels).by("scale");
        line(label, values.iter().filter_map(|(scale, samples)| Some((scale.parse().ok()?, samples))), self.unit)
    }

    fn figure(&self, name: &str, caption: String, y: &str, lines: Vec<Line>) -> Option<Figure> {
        figure(name, caption, ("factor on the calibrated noise", Scale::Linear), y, lines)
    }
}

fn first_arm(results: &Results) -> Option<&str> {
    results.grid(MAIN)?.factor("arm")?.names().next()
}

/// Means over seeds with their standard deviations.
fn line<'a>(label: &str, values: impl Iterator<Item = (f64, &'a Samples)>, unit: Unit) -> Option<Line> {
    let point = |(x, samples): (f64, &Samples)| {
        let spread = samples.spread();
        ((x, unit.scaled(spread.mean)), unit.scaled(spread.sd.unwrap_or(0.0)))
    };
    let (points, spread): (Vec<(f64, f64)>, Vec<f64>) = values.map(point).unzip();
    (!points.is_empty()).then(|| Line { label: label.into(), points, spread, guide: false })
}

fn figure(name: &str, caption: String, x: (&str, Scale), y: &str, lines: Vec<Line>) -> Option<Figure> {
    let (x, y) = ((x.0.into(), x.1), (y.into(), Scale::Linear));
    (!lines.is_empty()).then(|| Figure {
        name: name.into(),
        caption,
        drawing: Drawing::Lines { x, y, lines, bands: false },
    })
}

/// Accuracy and attenuation by scale, a line for each source.
fn sources(spec: &Spec, results: &Results) -> Vec<Figure> {
    let Some(arm) = first_arm(results) else { return Vec::new() };
    let device = &spec.devices[0];
    let drawn = |(metric, unit, y): (&str, Unit, &str)| {
        let over = OverScale { spec, results, metric, unit };
        let of = |source: &&str| over.line(source, source, UNMITIGATED, EXACT);
        let lines = [ALL].iter().chain(&SINGLE_SOURCES).filter_map(of).collect();
        let caption =
            format!("{arm} on {device}, exact: all noise, and each source alone; bars are ± one standard deviation");
        over.figure(&format!("sources_{metric}"), caption, y, lines)
    };
    let measures =
        [("accuracy", Unit::Share, ACCURACY), ("attenuation", Unit::Plain, "attenuation of expectation values")];
    measures.into_iter().filter_map(drawn).collect()
}

/// Accuracy by scale, exact and with shots, and attenuation, a line for each method.
fn mitigation(spec: &Spec, results: &Results) -> Vec<Figure> {
    let (Some(arm), false) = (first_arm(results), spec.mitigations.is_empty()) else { return Vec::new() };
    let device = &spec.devices[0];
    let drawn = |(metric, unit, y): (&str, Unit, &str), shots: &str| {
        let over = OverScale { spec, results, metric, unit };
        let methods = std::iter::once(UNMITIGATED).chain(spec.mitigations.iter().map(String::as_str));
        let lines = methods.filter_map(|method| over.line(method, ALL, method, shots)).collect();
        let values =
            if shots == EXACT { "exact".into() } else { format!("{shots} shots for each program that is run") };
        let caption = format!("{arm} on {device}, {values}: without and with each mitigation in the evaluation");
        over.figure(&format!("mitigation_{metric}_{shots}"), caption, y, lines)
    };
    let shots = std::iter::once(EXACT.to_string()).chain(spec.shots.iter().map(usize::to_string));
    let mut figures: Vec<Figure> =
        shots.filter_map(|shots| drawn(("accuracy", Unit::Share, ACCURACY), &shots)).collect();
    figures.extend(drawn(("attenuation", Unit::Plain, "attenuation of expectation values"), EXACT));
    figures
}

/// Accuracy under depolarizing noise against 1/c², c the attenuation: what c costs in shots.
fn controls(results: &Results) -> Option<Figure> {
    let by_lambda = |metric: &str| results.of(metric).grid(CONTROLS).by("lambda");
    let attenuations = by_lambda("attenuation");
    let lost: Vec<f64> = attenuations.iter().map(|(_, c)| c.mean().powi(-2).min(1e300)).collect();
    let drawn = |(metric, label): (&str, &str)| {
        let values = by_lambda(metric);
        line(label, lost.iter().copied().zip(values.iter().map(|(_, samples)| samples)), Unit::Share)
    };
    let measures = [
        ("accuracy", "read-out as trained, exact"),
        ("refitted", "read-out fitted anew, exact"),
        ("refitted_with_shots", "read-out fitted anew, with shots"),
    ];
    let mut lines: Vec<Line> = measures.into_iter().filter_map(drawn).collect();
    if let (Some(chance), Some(strongest)) = (results.cell(CONTROLS, "chance", &[]).samples(), lost.last()) {
        let chance = Unit::Share.scaled(chance.mean());
        let points = vec![(1.0, chance), (*strongest, chance)];
        lines.push(Line { label: "most frequent class".into(), points, spread: Vec::new(), guide: true });
    }
    let caption = "Controls 2 and 3: accuracy under depolarizing noise after every gate, against 1/c², c the attenuation. \
                   With exact values a new read-out undoes the attenuation. With S shots it can only while 1/c² is well below S";
    figure("controls", caption.into(), ("1/c²", Scale::Powers), ACCURACY, lines)
}
