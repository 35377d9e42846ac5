//! Drawn studies: X-ray films of a coronary tree from several sides, a report in words, and an outcome of known probability.

use std::f64::consts::{PI, TAU};

use crate::math::Stream;
use crate::systems::angiography::report;
use crate::systems::angiography::studies::{Studies, Study, Video};
use crate::systems::angiography::tree::{Lesion, PROJECTIONS, SEGMENTS, Sample, Tree, View};

/// Severities of a lesion: share of the diameter that is lost.
pub const SEVERITIES: [f64; 4] = [0.0, 0.3, 0.6, 0.9];
/// How often a segment has each.
const PREVALENCE: [f64; 4] = [0.7, 0.15, 0.1, 0.05];
/// Share of patients with calcified vessels.
const CALCIFIED: f64 = 0.25;
/// Share of patients with a second study.
const SECOND: f64 = 0.2;
/// Half the width of a frame, in radii of the heart.
const FIELD: f64 = 1.0;
/// Attenuation by a unit of vessel full of contrast.
const ATTENUATION: f64 = 6.0;
/// Draws of a tree and a lesion until one is as visible as asked, at most: of 1,000 draws 2 are hidden, 125 seen everywhere.
const TRIES: usize = 20_000;

/// What is drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Phantom {
    /// Pixels along an edge of a frame.
    pub edge: usize,
    /// Frames of a film.
    pub frames: usize,
    /// Photons of a pixel without anything in the way.
    pub photons: f64,
    /// Factor on the movement of the heart and of the table.
    pub sway: f64,
    /// Largest deviation from the usual projections, in degrees.
    pub tilt: f64,
}

/// In how many of the eight views the only lesion is to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// In one or two.
    Hidden,
    /// In all.
    Everywhere,
}

impl Seen {
    /// Which views show a lesion, if they are as many as asked. The rest of the views is left out once they cannot be.
    fn visible(self, tree: &Tree, lesion: &Lesion, views: &[View]) -> Option<Vec<bool>> {
        let mut found = Vec::with_capacity(views.len());
        for view in views {
            found.push(tree.is_visible(lesion, view));
            let count = found.iter().filter(|own| **own).count();
            let is_over = match self {
                Self::Hidden => count > 2,
                Self::Everywhere => count < found.len(),
            };
            if is_over {
                return None;
            }
        }
        found.contains(&true).then_some(found)
    }
}

/// What a patient has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Findings {
    /// An index of [`SEVERITIES`] for each segment.
    pub severity: [usize; SEGMENTS.len()],
    /// Whether vessels are calcified.
    pub is_calcified: bool,
}

impl Findings {
    fn drawn(stream: &mut Stream) -> Self {
        let mut draw = || {
            let mut left = stream.uniform();
            PREVALENCE.iter().position(|share| {
                left -= share;
                left < 0.0
            })
        };
        let severity = [(); SEGMENTS.len()].map(|()| draw().unwrap_or(0));
        Self { severity, is_calcified: stream.uniform() < CALCIFIED }
    }

    /// A number for each combination.
    pub fn code(&self) -> u32 {
        let segments = self.severity.iter().fold(0, |code, own| 4 * code + *own as u32);
        2 * segments + u32::from(self.is_calcified)
    }

    /// Probability of the outcome: σ(-3 + 1.6 Σ severity + 1.5 severity of the left main + 1.0 calcified).
    pub fn risk(&self) -> f64 {
        let severity = self.severity.map(|own| SEVERITIES[own]);
        let logit =
            -3.0 + 1.6 * severity.iter().sum::<f64>() + 1.5 * severity[0] + f64::from(u8::from(self.is_calcified));
        1.0 / (1.0 + (-logit).exp())
    }
}

/// What moves in the films of a study.
#[derive(Clone, Copy)]
struct Motion {
    /// Contraction of the heart.
    beat: f64,
    phase: f64,
    beats: f64,
    /// Speed of the contrast, in lengths of a film.
    speed: f64,
    delay: f64,
}

impl Phantom {
    /// Studies of patients, one or two each, numbered from `first`: four to eight of the eight views, or all.
    pub fn studies(&self, seed: u64, (first, count): (usize, usize), has_all_views: bool) -> Studies {
        let mut found = Studies::empty();
        let mut patient = first;
        while found.studies.len() < count {
            let mut stream = Stream::named(seed, &format!("patient {patient}"));
            let tree = Tree::drawn(&mut stream);
            let repeats = if stream.uniform() < SECOND { 2 } else { 1 };
            for repeat in 0..repeats.min(count - found.studies.len()) {
                let findings = Findings::drawn(&mut stream);
                let lesions: Vec<Lesion> = (0..SEGMENTS.len())
                    .filter(|segment| findings.severity[*segment] > 0)
                    .map(|segment| Lesion {
                        segment,
                        place: 0.3 + 0.4 * stream.uniform(),
                        severity: SEVERITIES[findings.severity[segment]],
                    })
                    .collect();
                let views = self.views(&mut stream);
                let drawn = 4 + stream.below(5);
                let kept = if has_all_views { views.len() } else { drawn };
                let order = stream.permutation(views.len());
                let mut study = self.study(&tree, &lesions, &findings, &views, &mut stream);
                study.videos = order[..kept].iter().map(|k| study.videos[*k].clone()).collect();
                study.id = format!("p{patient:05}-{}", repeat + 1);
                study.patient = patient;
                found.studies.push(study);
            }
            patient += 1;
        }
        found
    }

    /// Studies with eight views whose only lesion is a narrowing by 90 %, seen as asked, and as many without any; the anatomy and
    /// the projections of both are drawn alike.
    pub fn single_lesions(&self, seed: u64, seen: Seen, (first, count): (usize, usize)) -> Studies {
        let mut found = Studies::empty();
        for patient in first..first + count {
            let mut stream = Stream::named(seed, &format!("{seen:?} {patient}"));
            let has_lesion = patient % 2 == 0;
            for _ in 0..TRIES {
                let (tree, views) = (Tree::drawn(&mut stream), self.views(&mut stream));
                let (segment, place) = (stream.below(SEGMENTS.len()), 0.25 + 0.5 * stream.uniform());
                let lesion = Lesion { segment, place, severity: SEVERITIES[3] };
                let Some(visible) = seen.visible(&tree, &lesion, &views) else { continue };
                let mut findings = Findings::default();
                if has_lesion {
                    findings.severity[segment] = 3;
                }
                let lesions = if has_lesion { vec![lesion] } else { Vec::new() };
                let mut study = self.study(&tree, &lesions, &findings, &views, &mut stream);
                study.id = format!("{seen:?}-{patient}").to_lowercase();
                study.patient = patient;
                study.visible = has_lesion.then_some(visible);
                found.studies.push(study);
                break;
            }
        }
        found
    }

    fn views(&self, stream: &mut Stream) -> Vec<View> {
        let mut about = |degrees: f64| (degrees + self.tilt * (2.0 * stream.uniform() - 1.0)).to_radians();
        PROJECTIONS.iter().map(|(rotation, tilt)| View { rotation: about(*rotation), tilt: about(*tilt) }).collect()
    }

    fn study(
        &self,
        tree: &Tree,
        lesions: &[Lesion],
        findings: &Findings,
        views: &[View],
        stream: &mut Stream,
    ) -> Study {
        let motion = Motion {
            beat: 0.03 + 0.15 * stream.uniform(),
            phase: TAU * stream.uniform(),
            beats: 0.9 + 0.4 * stream.uniform(),
            speed: 4.0 + 1.5 * stream.uniform(),
            delay: 0.05 + 0.1 * stream.uniform(),
        };
        let samples = tree.samples(lesions);
        let videos =
            views.iter().map(|view| self.film(&samples, view, findings.is_calcified, motion, stream)).collect();
        let report = report::written(findings, stream);
        let risk = findings.risk();
        let outcome = f32::from(u8::from(stream.uniform() < risk));
        let mut labels: Vec<f32> =
            findings.severity.iter().map(|own| f32::from(u8::from(SEVERITIES[*own] >= 0.5))).collect();
        labels.extend(findings.severity.iter().map(|own| SEVERITIES[*own] as f32));
        // Of a wide movement much blood is ejected: 22 to 70 %.
        let ejection = 0.22 + 3.2 * (motion.beat - 0.03);
        labels.extend([f32::from(u8::from(findings.is_calcified)), ejection as f32, outcome]);
        Study {
            id: String::new(),
            patient: 0,
            videos,
            report,
            finding: findings.code(),
            labels,
            visible: None,
            risk: Some(risk),
        }
    }

    /// One film: what is left of the photons, as bytes.
    fn film(&self, samples: &[Sample], view: &View, is_calcified: bool, motion: Motion, stream: &mut Stream) -> Video {
        let edge = self.edge as f64;
        let ribs = (TAU / (0.55 + 0.2 * stream.uniform()), TAU * stream.uniform(), 0.4 * (stream.uniform() - 0.5));
        let diaphragm = -0.9 - 0.3 * stream.uniform();
        let breath = TAU * stream.uniform();
        let drift = [0.05, 0.05].map(|far| self.sway * far * (2.0 * stream.uniform() - 1.0));
        let place = |pixel: usize| {
            let x = (2.0 * ((pixel % self.edge) as f64 + 0.5) / edge - 1.0) * FIELD;
            (x, (1.0 - 2.0 * ((pixel / self.edge) as f64 + 0.5) / edge) * FIELD)
        };
        // Light behind ribs, and how far a pixel is above the diaphragm at rest.
        let still: Vec<(f64, f64)> = (0..self.edge * self.edge)
            .map(|pixel| {
                let (x, y) = place(pixel);
                ((-0.12 * (ribs.0 * (y + ribs.2 * x) + ribs.1).sin()).exp(), y - diaphragm + 0.15 * x)
            })
            .collect();
        let (muscle, turned) = ((-0.45f64).exp(), view.turned());
        let mut film = Vec::with_capacity(self.frames * self.edge * self.edge);
        for frame in 0..self.frames {
            let time = frame as f64 / self.frames.max(2) as f64;
            let beat = motion.beat * self.sway.sqrt() * (PI * motion.beats * time * 2.0 + motion.phase).sin();
            let mut dense = vec![0.0f64; self.edge * self.edge];
            for sample in samples {
                let front = motion.speed * (time - motion.delay);
                let contrast = 1.0 / (1.0 + (-(front - sample.from_catheter) / 0.12).exp());
                let mut dye = contrast * sample.radius * sample.radius;
                if is_calcified && [1, 4].contains(&sample.segment) {
                    // Chalk in the wall, seen before the contrast comes.
                    dye += 0.006;
                }
                let [x, y] = turned.seen(sample.at.map(|c| c * (1.0 + beat)));
                let (x, y) = (x + drift[0] * time - 0.2, y + drift[1] * time);
                let centre = [(x / FIELD + 1.0) * edge / 2.0, (1.0 - y / FIELD) * edge / 2.0];
                let unit = edge / (2.0 * FIELD);
                let variance = (0.5 * sample.radius * unit).powi(2) + 0.3;
                // The volume of dye spread over pixels; divided by their area it is a length.
                let volume = PI * dye * sample.length * unit * unit;
                splat(&mut dense, self.edge, centre, variance, volume);
            }
            let breathed = 0.06 * self.sway * (TAU * time + breath).sin();
            for (dense, (light, above)) in dense.iter().zip(&still) {
                let behind = if *above < breathed { muscle } else { 1.0 };
                let light = light * behind * if *dense > 0.0 { (-ATTENUATION * dense).exp() } else { 1.0 };
                // Counts are Poisson: of many, normal with the variance of the mean.
                let count = self.photons * light;
                let seen = (count + count.sqrt() * stream.normal()) / self.photons;
                film.push((170.0 * seen).clamp(0.0, 255.0) as u8);
            }
        }
        Video(film.into())
    }
}

/// Adds a Gaussian of this volume.
fn splat(plane: &mut [f64], edge: usize, centre: [f64; 2], variance: f64, volume: f64) {
    let reach = 2.6 * variance.sqrt();
    let range = |at: f64| {
        let low = (at - reach).floor().max(0.0) as usize;
        low..((at + reach).ceil().max(0.0) as usize).min(edge)
    };
    let height = volume / (TAU * variance);
    let columns: Vec<(usize, f64)> = range(centre[0])
        .map(|column| (column, (-(column as f64 + 0.5 - centre[0]).powi(2) / (2.0 * variance)).exp()))
        .collect();
    for row in range(centre[1]) {
        let own = height * (-(row as f64 + 0.5 - centre[1]).powi(2) / (2.0 * variance)).exp();
        for (column, factor) in &columns {
            plane[row * edge + column] += own * factor;
        }
    }
}
