//! What was found, and the plain sentences that say it.

use serde::Serialize;

use crate::study::StudyError;
use crate::study::compare::{Comparison, Finding, Quantity, Question, correct};
use crate::systems::checks::metrics;
use crate::systems::noise_robustness::controls::{CONTRACTION_TOLERANCE, KnownContraction, Thresholds};
use crate::systems::noise_robustness::measure::{GradientPoint, Point};
use crate::systems::noise_robustness::subject::{Subject, names};
use crate::systems::noise_robustness::{JUDGED_AT, Spec};

/// What was measured, before it is judged.
pub struct Material {
    /// Title of the report.
    pub title: String,
    /// Every subject under every condition.
    pub points: Vec<Point>,
    /// Gradients by device and scale.
    pub gradients: Vec<GradientPoint>,
    /// Control 1.
    pub contractions: Vec<KnownContraction>,
    /// Controls 2 and 3.
    pub thresholds: Option<Thresholds>,
    /// What was mended or left out.
    pub notices: Vec<String>,
}

/// All that a run found.
#[derive(Clone, Debug, Serialize)]
pub struct Findings {
    /// Title of the report.
    pub title: String,
    /// The answers in plain sentences, the most important first.
    pub sentences: Vec<String>,
    /// Heads trained under noise against those trained without, at twice the noise.
    pub comparisons: Vec<Comparison>,
    /// Every subject under every condition.
    pub points: Vec<Point>,
    /// Gradients by device and scale.
    pub gradients: Vec<GradientPoint>,
    /// Control 1.
    pub contractions: Vec<KnownContraction>,
    /// Controls 2 and 3.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub thresholds: Option<Thresholds>,
    /// What was mended or left out.
    pub notices: Vec<String>,
}

impl Findings {
    /// metrics.json.
    ///
    /// # Errors
    /// None in practice: the findings are plain data.
    pub fn to_json(&self) -> Result<String, StudyError> {
        metrics(self)
    }

    /// The points of all noise together without mitigation, exact.
    pub fn plain(&self) -> impl Iterator<Item = &Point> {
        self.points.iter().filter(|p| p.source == "all" && p.mitigation == "none" && p.shots.is_none())
    }
}

/// Judges what was measured.
///
/// # Errors
/// If values to be compared do not pair up.
pub fn tell(spec: &Spec, subjects: &[Subject], material: Material) -> Result<Findings, StudyError> {
    let Material { title, points, gradients, contractions, thresholds, notices } = material;
    let mut findings = Findings {
        title,
        sentences: Vec::new(),
        comparisons: Vec::new(),
        points,
        gradients,
        contractions,
        thresholds,
        notices,
    };
    let trained_here = spec.head.is_none() && spec.circuit_file.is_none();
    if trained_here {
        findings.comparisons = comparisons(spec, &findings.points)?;
        findings.sentences.extend(findings.comparisons.iter().map(|c| verdict(spec, c)));
    }
    findings.sentences.extend(rescaling(&findings, &spec.devices[0], &subjects[0].name));
    findings.sentences.extend(flat(&findings, &subjects[0].name));
    findings.sentences.extend(shot_noise(findings.thresholds.as_ref()));
    findings.sentences.extend(known(&findings.contractions));
    Ok(findings)
}

/// The two kinds trained under noise against the one trained without, on the device they were trained under.
fn comparisons(spec: &Spec, points: &[Point]) -> Result<Vec<Comparison>, StudyError> {
    let [ideal, device, environment] = names(spec);
    let mut found = Vec::new();
    for shots in std::iter::once(None).chain(spec.shots.iter().copied().map(Some)) {
        let of = |name: &str| {
            let at = |p: &&Point| {
                p.subject == name
                    && p.device == spec.devices[0]
                    && p.source == "all"
                    && p.mitigation == "none"
                    && (p.scale, p.shots) == (JUDGED_AT, shots)
            };
            points.iter().find(at).map_or(&[][..], |p| &p.accuracies)
        };
        let how = shots.map_or("exact".into(), |shots| format!("{shots} shots"));
        for trained in [&device, &environment] {
            let (label, baseline) = (format!("{trained} ({how})"), format!("{ideal} ({how})"));
            let compared = ((label.as_str(), of(trained)), (baseline.as_str(), of(&ideal)));
            found.push(Comparison::new(Question::Difference, Quantity::ACCURACY, compared.0, compared.1)?);
        }
    }
    correct(&mut found);
    Ok(found)
}

fn verdict(spec: &Spec, comparison: &Comparison) -> String {
    let Comparison { head, baseline, finding, .. } = comparison;
    let says = match finding {
        Finding::Better => "beats",
        Finding::Worse => "loses against",
        _ => "does not beat",
    };
    let device = &spec.devices[0];
    format!("At {JUDGED_AT} × the noise of {device}, “{head}” {says} “{baseline}”. {}.", comparison.sentence())
}

/// How much of what noise costs is a mere rescaling of ⟨Z⟩.
fn rescaling(findings: &Findings, device: &str, subject: &str) -> Option<String> {
    let at = |scale: f64| findings.plain().find(|p| p.device == device && p.subject == subject && p.scale == scale);
    let worst = findings.plain().map(|p| p.scale).fold(0.0, f64::max);
    let (none, most) = (at(0.0)?, at(worst)?);
    let mean = |spread: Option<crate::study::stats::Spread>| spread.map(|s| 100.0 * s.mean);
    let (before, after) = (mean(none.accuracy)?, mean(most.accuracy)?);
    let (fitted_before, fitted_after) = (mean(none.refitted)?, mean(most.refitted)?);
    Some(format!(
        "Real or trivial? At {worst} × the noise of {device} “{subject}” has {after:.1} % (without noise {before:.1} %), and \
         {fitted_after:.1} % with a read-out fitted anew (without noise {fitted_before:.1} %), ⟨Z⟩ shrunk by {:.3}. What the \
         new read-out gives back was a rescaling of ⟨Z⟩; information that is lost is what it cannot.",
        most.contraction?.mean
    ))
}

/// Why there are no slopes, where there are none.
fn flat(findings: &Findings, subject: &str) -> Option<String> {
    let mut own = findings.plain().filter(|p| p.subject == subject).peekable();
    own.peek()?;
    own.all(|p| p.contraction.is_none()).then(|| {
        format!(
            "Every ⟨Z⟩ of “{subject}” is 0 without noise, by a symmetry perhaps: there is nothing that noise could shrink. \
             `qgraft simulate --observable` judges other observables."
        )
    })
}

fn shot_noise(thresholds: Option<&Thresholds>) -> Option<String> {
    let Thresholds { shots, flatness, threshold, curve, .. } = thresholds?;
    let weakest = curve.last()?.contraction;
    let flat = format!(
        "With exact expectation values and a read-out fitted anew, depolarizing noise that shrinks ⟨Z⟩ to {weakest:.1e} of \
         its size changes accuracy by at most {:.1} points",
        100.0 * flatness
    );
    let fallen = match threshold {
        Some(at) => {
            format!("with {shots} shots half of it is gone where 1/c² = {at:.0} (the rule of thumb says {shots})")
        }
        None => format!("with {shots} shots half of it is not gone anywhere on the curve"),
    };
    Some(format!("{flat}; {fallen}."))
}

fn known(contractions: &[KnownContraction]) -> Option<String> {
    let worst = contractions.iter().map(|c| c.deviation).fold(0.0, f64::max);
    let values: usize = contractions.iter().map(|c| c.values).sum();
    let verdict =
        if worst <= CONTRACTION_TOLERANCE { "as they must" } else { "which is too much: do not trust this run" };
    (values > 0).then(|| {
        format!(
            "{values} expectation values under Pauli noise lie within {worst:.0e} of their known values, {verdict}."
        )
    })
}
