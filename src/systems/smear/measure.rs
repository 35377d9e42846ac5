//! Simulated and trained ensembles, judged.

use serde::Serialize;

use crate::classic::boxes::{Detection, FUSIONS, Fusion};
use crate::nn::head::HeadRow;
use crate::study::detection::{Scores, Truth, error_correlation, recognised};
use crate::study::stats::Spread;
use crate::study::{Observer, StudyError, parallel, stats};
use crate::systems::checks::metrics;
use crate::systems::smear::ensemble::{fused, tuned};
use crate::systems::smear::material::{Material, truths};
use crate::systems::smear::members::{self, Member, REMEDIES};
use crate::systems::smear::simulate::{self, DETECTORS};
use crate::systems::smear::spec::Spec;
use crate::systems::smear::stage;

/// Seeds of simulations are multiples of this, so that the streams of their detectors lie between.
const APART: u64 = 1 << 8;

/// What fusing simulated detectors gains at one correlation of their errors.
#[derive(Clone, Debug, Serialize)]
pub struct Simulated {
    /// Correlation that the errors were drawn with.
    pub correlation: f64,
    /// Correlation of recognising a thing between two detectors, as measured.
    pub measured: f64,
    /// mAP50-95 of the best detector.
    pub best: Spread,
    /// Relative gain in mAP50-95 over it by way of fusing.
    pub gains: Vec<(String, Spread)>,
}

/// One arm over all seeds.
#[derive(Clone, Debug, Serialize)]
pub struct Judged {
    /// Its name.
    pub name: String,
    /// Mean average precision over overlaps from 0.5 to 0.95.
    pub map: Spread,
    /// At 0.5.
    pub map50: Spread,
    /// At 0.75.
    pub map75: Spread,
    /// Over the two rarest classes.
    pub rare: Option<Spread>,
    /// Relative gain in `map`, `map50`, `map75` over the best member of the same seed; of ensembles.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gains: Option<[Spread; 3]>,
    /// Each seed by itself.
    pub seeds: Vec<Scores>,
}

/// A head that looks again.
#[derive(Clone, Debug, Serialize)]
pub struct Second {
    /// Share of the test cells that it names rightly.
    pub accuracy: Spread,
    /// The fused boxes after it.
    pub judged: Judged,
}

/// What a run found.
#[derive(Clone, Debug, Serialize)]
pub struct Findings {
    /// What was looked at.
    pub data: String,
    /// Class names.
    pub classes: Vec<String>,
    /// The two rarest.
    pub rare: Vec<String>,
    /// Simulated ensembles, by correlation.
    pub simulated: Vec<Simulated>,
    /// Single detectors.
    pub members: Vec<Judged>,
    /// The three remedies fused, by way of fusing, then with weights and threshold chosen on validation fields.
    pub fused: Vec<Judged>,
    /// Three seeds of one remedy fused, by remedy; empty with fewer than three seeds.
    pub alike: Vec<Judged>,
    /// Correlation of the errors of each two members, mean over seeds.
    pub correlations: Vec<(String, String, f64)>,
    /// Heads that look again at the fused boxes.
    pub second: Vec<Second>,
    /// What was left out.
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

    /// The arm of this name among members and ensembles.
    pub fn arm(&self, name: &str) -> Option<&Judged> {
        self.members.iter().chain(&self.fused).find(|arm| arm.name == name)
    }
}

/// One field for the report: what is there, what members found, what came of it.
pub struct Shown {
    /// Number of the test field.
    pub field: usize,
    /// Boxes of the fused members.
    pub members: Vec<Vec<Detection>>,
    /// Their fusion.
    pub fused: Vec<Detection>,
}

/// Everything that is measured.
pub fn findings(
    spec: &Spec,
    material: &Material,
    threads: usize,
    progress: &dyn Observer,
) -> Result<(Findings, Vec<Shown>), StudyError> {
    let simulated = simulated(spec, material, threads, progress)?;
    let mut trained = members::train(spec, material, threads, progress)?;
    progress.done();
    let (classes, rare, test) = (material.classes.len(), material.rare(), truths(&material.test));
    let score = |found: &[Vec<Detection>]| Scores::of(found, &test, classes);
    let judged = |name: &str, seeds: Vec<Scores>, best: Option<&[Scores]>| Judged::new(name, seeds, best, &rare);

    let arm = |k: usize| trained.iter().map(|seed| score(&seed[k].test)).collect::<Vec<_>>();
    let arms: Vec<Vec<Scores>> = (0..REMEDIES.len()).map(arm).collect();
    let best: Vec<Scores> = (0..trained.len()).map(|seed| best_of(arms[1..].iter().map(|arm| &arm[seed]))).collect();
    let singles = REMEDIES.iter().zip(arms.clone()).map(|(row, seeds)| judged(row.name, seeds, None)).collect();

    let mut ensembles: Vec<Judged> = Vec::new();
    for row in FUSIONS {
        let seeds = trained.iter().map(|seed| score(&fused(&Fusion::new(row.method), &remedies(seed, |m| &m.test))));
        ensembles.push(judged(row.name, seeds.collect(), Some(&best)));
    }
    let wbf = Fusion::new(FUSIONS[0].method);
    let chosen = trained.iter().map(|seed| {
        let fusion = tuned(&wbf, &remedies(seed, |m| &m.validation), &truths(&material.validation), classes);
        score(&fused(&fusion, &remedies(seed, |m| &m.test)))
    });
    ensembles.push(judged("wbf_tuned", chosen.collect(), Some(&best)));

    let mut alike = Vec::new();
    if trained.len() >= DETECTORS {
        for (k, row) in REMEDIES.iter().enumerate().skip(1) {
            let same: Vec<&[Vec<Detection>]> = trained[..DETECTORS].iter().map(|seed| &seed[k].test[..]).collect();
            let best = best_of(arms[k][..DETECTORS].iter());
            alike.push(judged(row.name, vec![score(&fused(&wbf, &same))], Some(&[best])));
        }
    }
    let correlations = pairs(&trained, &test);
    let second = second(spec, material, &mut trained, &best, &test, progress)?;
    let shown = shown(&trained[0], &wbf, &test);
    let findings = Findings {
        data: material.title.clone(),
        classes: material.classes.clone(),
        rare: rare.iter().map(|class| material.classes[*class].clone()).collect(),
        simulated,
        members: singles,
        fused: ensembles,
        alike,
        correlations,
        second,
        notices: material.notices.clone(),
    };
    Ok((findings, shown))
}

impl Judged {
    fn new(name: &str, seeds: Vec<Scores>, best: Option<&[Scores]>, rare: &[usize]) -> Self {
        let spread = |values: Vec<f64>| Spread::of(&values);
        let over = |value: fn(&Scores) -> f64| spread(seeds.iter().map(value).collect()).unwrap_or_default();
        let gain = |best: &[Scores], value: fn(&Scores) -> f64| {
            let gains = seeds.iter().zip(best).map(|(own, best)| gained(value(own), value(best)));
            spread(gains.collect()).unwrap_or_default()
        };
        Self {
            name: name.into(),
            map: over(|s| s.map),
            map50: over(|s| s.map50),
            map75: over(|s| s.map75),
            rare: spread(seeds.iter().filter_map(|s| s.over(rare)).collect()),
            gains: best.map(|best| [gain(best, |s| s.map), gain(best, |s| s.map50), gain(best, |s| s.map75)]),
            seeds,
        }
    }
}

/// Relative gain; 0 over nothing.
fn gained(own: f64, best: f64) -> f64 {
    if best > 0.0 { own / best - 1.0 } else { 0.0 }
}

/// The highest value of each figure: a gain is over the best member at that figure, whichever it is.
fn best_of<'a>(scores: impl Iterator<Item = &'a Scores>) -> Scores {
    scores.fold(Scores::default(), |best, next| Scores {
        map: best.map.max(next.map),
        map50: best.map50.max(next.map50),
        map75: best.map75.max(next.map75),
        by_class: Vec::new(),
    })
}

/// The boxes of a seed's three remedies, without the plain detector.
fn remedies(seed: &[Member], part: fn(&Member) -> &Vec<Vec<Detection>>) -> Vec<&[Vec<Detection>]> {
    seed[1..].iter().map(|member| &part(member)[..]).collect()
}

fn pairs(trained: &[Vec<Member>], test: &[Vec<Truth>]) -> Vec<(String, String, f64)> {
    let rights: Vec<Vec<Vec<bool>>> =
        trained.iter().map(|seed| seed.iter().map(|member| recognised(&member.test, test)).collect()).collect();
    let mut pairs = Vec::new();
    for first in 0..REMEDIES.len() {
        for second in first + 1..REMEDIES.len() {
            let over: Vec<f64> =
                rights.iter().filter_map(|seed| error_correlation(&seed[first], &seed[second])).collect();
            if let Some(mean) = stats::mean(&over) {
                pairs.push((REMEDIES[first].name.into(), REMEDIES[second].name.into(), mean));
            }
        }
    }
    pairs
}

fn second(
    spec: &Spec,
    material: &Material,
    trained: &mut [Vec<Member>],
    best: &[Scores],
    test: &[Vec<Truth>],
    progress: &dyn Observer,
) -> Result<Vec<Second>, StudyError> {
    let wbf = Fusion::new(FUSIONS[0].method);
    let mut looks = Vec::new();
    for name in &spec.heads {
        let head = HeadRow::named(name)?;
        let (mut accuracies, mut scores) = (Vec::new(), Vec::new());
        for (seed, members) in spec.seeds.iter().zip(trained.iter_mut()) {
            let boxes = fused(&wbf, &remedies(members, |m| &m.test));
            let look = stage::look(spec, material, &mut members[0], (head, *seed), &boxes, progress)?;
            accuracies.push(look.accuracy);
            scores.push(Scores::of(&look.rescored, test, material.classes.len()));
        }
        let judged = Judged::new(name, scores, Some(best), &material.rare());
        looks.push(Second { accuracy: Spread::of(&accuracies).unwrap_or_default(), judged });
    }
    Ok(looks)
}

/// The two test fields with most cells.
fn shown(members: &[Member], wbf: &Fusion, test: &[Vec<Truth>]) -> Vec<Shown> {
    let mut fields: Vec<usize> = (0..test.len()).collect();
    fields.sort_by_key(|field| std::cmp::Reverse(test[*field].len()));
    let show = |field: usize| {
        let members: Vec<Vec<Detection>> = members[1..].iter().map(|member| member.test[field].clone()).collect();
        Shown { field, fused: wbf.fuse(&members), members }
    };
    fields.into_iter().take(2).map(show).collect()
}

fn simulated(
    spec: &Spec,
    material: &Material,
    threads: usize,
    progress: &dyn Observer,
) -> Result<Vec<Simulated>, StudyError> {
    let simulation = &spec.simulation;
    let (repeats, classes) = (simulation.repeats as usize, material.classes.len());
    progress.stage("simulation", simulation.correlations.len() * repeats);
    let jobs = parallel::jobs(simulation.correlations.len() * repeats, threads, |job| {
        if progress.stopped() {
            return Err(StudyError::Interrupted);
        }
        let (correlation, seed) = (simulation.correlations[job / repeats], (1 + job % repeats) as u64 * APART);
        let scenes = match spec.data {
            None => simulate::scenes(simulation.scenes, seed),
            Some(_) => truths(&material.test),
        };
        let found = simulation.detectors(&scenes, classes, correlation, seed);
        let members: Vec<&[Vec<Detection>]> = found.iter().map(|found| &found[..]).collect();
        let score = |found: &[Vec<Detection>]| Scores::of(found, &scenes, classes).map;
        let best = members.iter().map(|found| score(found)).fold(0.0, f64::max);
        let gains: Vec<f64> =
            FUSIONS.iter().map(|row| gained(score(&fused(&Fusion::new(row.method), &members)), best)).collect();
        let rights: Vec<Vec<bool>> = members.iter().map(|found| recognised(found, &scenes)).collect();
        progress.advance(1);
        Ok((best, gains, error_correlation(&rights[0], &rights[1]).unwrap_or(1.0)))
    })?;
    let spread = |values: Vec<f64>| Spread::of(&values).unwrap_or_default();
    let points = simulation.correlations.iter().zip(jobs.chunks(repeats));
    Ok(points
        .map(|(&correlation, jobs)| Simulated {
            correlation,
            measured: spread(jobs.iter().map(|(.., measured)| *measured).collect()).mean,
            best: spread(jobs.iter().map(|(best, ..)| *best).collect()),
            gains: FUSIONS
                .iter()
                .enumerate()
                .map(|(k, row)| (row.name.to_string(), spread(jobs.iter().map(|(_, gains, _)| gains[k]).collect())))
                .collect(),
        })
        .collect())
}
