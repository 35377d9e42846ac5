//! Paired comparisons over seeds, and each as a sentence.

use serde::{Deserialize, Serialize};

use super::error::{Result, StudyError};
use super::stats::{self, Interval};
use crate::math::words::{decimals, join_and, pluralise};
use crate::study::metric::{Better, Unit};

/// Confidence level of every interval in a report.
const LEVEL: f64 = 0.95;
/// Seed of the bootstrap. Any constant will do. It is part of the result, so it is fixed.
const BOOTSTRAP_SEED: u64 = 1;
/// Fewest pairs with an interval: of two pairs its half-width is 9 to 13 times their distance, whatever they are.
const FEWEST: usize = 3;
/// Bootstrap draws: the ends of the interval then move by about 1 % of its width from seed to seed.
const RESAMPLES: usize = 10_000;

/// The question of a comparison. It decides the words, not the numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Question {
    /// A quantum head against a head without one.
    Contribution,
    /// A quantum head against a control, from which a part of the circuit was taken away.
    Control,
    /// A head under noise or finite shots against the same head without.
    Noise,
    /// Any two.
    Difference,
}

/// The words of one question.
struct Wording {
    ask: &'static str,
    heading: &'static str,
    unclear: &'static str,
    better: &'static str,
    worse: &'static str,
}

impl Question {
    /// All, in the order of a report.
    pub const ALL: [Self; 4] = [Self::Contribution, Self::Control, Self::Noise, Self::Difference];

    /// The question as a sentence.
    pub fn ask(self) -> &'static str {
        self.wording().ask
    }

    /// The heading above its comparisons.
    pub fn heading(self) -> &'static str {
        self.wording().heading
    }

    fn wording(self) -> Wording {
        match self {
            Self::Contribution => Wording {
                ask: "Does the quantum part help?",
                heading: "With a quantum part against without",
                unclear: "no evidence of a quantum contribution",
                better: "evidence of a gain with the quantum part, on this data",
                worse: "evidence of a loss with the quantum part, on this data",
            },
            Self::Control => Wording {
                ask: "Does what the controls lack matter?",
                heading: "Against its controls",
                unclear: "no evidence that the part taken away matters",
                better: "evidence that the part taken away matters, on this data",
                worse: "evidence of a gain without that part, on this data",
            },
            Self::Noise => Wording {
                ask: "Does noise hurt it?",
                heading: "Under noise against without",
                unclear: "no evidence that noise changes accuracy",
                better: "evidence that accuracy is higher under noise",
                worse: "evidence that noise costs accuracy",
            },
            Self::Difference => Wording {
                ask: "Do they differ?",
                heading: "Other pairs",
                unclear: "no evidence of a difference",
                better: "evidence that the first is better, on this data",
                worse: "evidence that the first is worse, on this data",
            },
        }
    }
}

/// What a comparison found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// Better, with p below 0.05 of the paired t test; in a report after Holm's correction ([`correct`]).
    Better,
    /// Worse, likewise.
    Worse,
    /// No such difference.
    Unclear,
    /// Every pair gave the same difference, so it has no spread.
    NoSpread,
    /// One or two pairs: the spread says nothing about chance, and an interval would be as wide as one likes.
    #[serde(alias = "one_seed")]
    TooFew,
}

impl Finding {
    /// The finding in a word or two, for a table.
    pub fn word(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Unclear => "no evidence",
            Self::NoSpread => "no spread",
            Self::TooFew => "too few pairs",
        }
    }
}

/// What is compared: its unit, and which way it improves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quantity {
    /// Unit of the values.
    pub unit: Unit,
    /// Which way they improve.
    pub better: Better,
}

impl Quantity {
    /// Accuracy and its like: shares of 0 to 1, the more the better.
    pub const ACCURACY: Self = Self { unit: Unit::Share, better: Better::Higher };
}

fn seed() -> String {
    "seed".into()
}

/// Two arms, or one arm under two conditions, compared pair by pair. A pair is a seed unless stated otherwise.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// Its question.
    pub question: Question,
    /// What is compared.
    #[serde(default)]
    pub quantity: Quantity,
    /// The one in question.
    pub head: String,
    /// The one it is compared with.
    pub baseline: String,
    /// What a pair is: a seed, a table, a circuit.
    #[serde(default = "seed")]
    pub pair: String,
    /// Number of pairs.
    pub seeds: usize,
    /// Mean of head − baseline.
    pub difference: f64,
    /// The finding by the paired t test.
    pub finding: Finding,
    /// Paired t interval of the difference at 95 %.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub interval: Option<Interval>,
    /// BCa bootstrap interval of the difference at 95 %.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub bootstrap: Option<Interval>,
    /// p of the paired t test.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub t_test: Option<f64>,
    /// The same, corrected for all comparisons of the report ([`correct`]).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub t_test_holm: Option<f64>,
    /// p of Wilcoxon's signed-rank test.
    pub wilcoxon: f64,
    /// Cohen's d_z.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub effect_size: Option<f64>,
    /// Seeds in which the head was better.
    pub wins: usize,
    /// Seeds in which both were equal.
    pub ties: usize,
    /// Seeds in which the head was worse.
    pub losses: usize,
}

impl Comparison {
    /// Compares `head` with `baseline`, each a name and one value per pair in the same order.
    ///
    /// # Errors
    /// Lists of different length, no pairs, a value that is not finite.
    pub fn new(question: Question, quantity: Quantity, head: (&str, &[f64]), baseline: (&str, &[f64])) -> Result<Self> {
        let ((head, first), (baseline, second)) = (head, baseline);
        if first.len() != second.len() || first.is_empty() {
            let (head, baseline) = (head.to_string(), baseline.to_string());
            return Err(StudyError::Unpaired { head, baseline, first: first.len(), second: second.len() });
        }
        // 0.9 − 0.8 and 0.8 − 0.7 differ in the last bit: unrounded, equal differences would be no ties and have a spread.
        let rounded = |(a, b): (&f64, &f64)| ((a - b) * 1e12).round() / 1e12;
        let differences: Vec<f64> = first.iter().zip(second).map(rounded).collect();
        if let Some(at) = differences.iter().position(|d| !d.is_finite()) {
            return Err(StudyError::NotFinite { what: format!("{head} − {baseline}, pair {at}") });
        }
        let count = |sign: fn(&f64) -> bool| differences.iter().filter(|d| sign(d)).count();
        let spread = stats::sd(&differences).filter(|sd| *sd > 1e-12 && differences.len() >= FEWEST);
        let interval = spread.and_then(|_| stats::t_interval(&differences, LEVEL));
        Ok(Self {
            question,
            quantity,
            head: head.to_string(),
            baseline: baseline.to_string(),
            pair: seed(),
            seeds: differences.len(),
            difference: differences.iter().sum::<f64>() / differences.len() as f64,
            finding: match interval {
                Some(interval) if interval.covers(0.0) => Finding::Unclear,
                Some(interval) if (interval.low > 0.0) == (quantity.better == Better::Higher) => Finding::Better,
                Some(_) => Finding::Worse,
                None if differences.len() < FEWEST => Finding::TooFew,
                None => Finding::NoSpread,
            },
            interval,
            bootstrap: spread.and_then(|_| stats::bootstrap_interval(&differences, LEVEL, RESAMPLES, BOOTSTRAP_SEED)),
            t_test: spread.and_then(|_| stats::t_test(&differences)),
            t_test_holm: None,
            wilcoxon: stats::wilcoxon(&differences),
            effect_size: spread.and_then(|_| stats::effect_size(&differences)),
            wins: count(match quantity.better {
                Better::Higher => |d| *d > 0.0,
                Better::Lower => |d| *d < 0.0,
            }),
            ties: count(|d| *d == 0.0),
            losses: count(match quantity.better {
                Better::Higher => |d| *d < 0.0,
                Better::Lower => |d| *d > 0.0,
            }),
        })
    }

    /// The same comparison over pairs that are no seeds: tables, circuits.
    pub fn over(self, pair: &str) -> Self {
        Self { pair: pair.into(), ..self }
    }

    /// The comparison in one plain sentence:
    ///
    /// ```
    /// use qgraft::study::compare::{Comparison, Quantity, Question};
    ///
    /// let quantum = ("quantum", &[0.84, 0.86, 0.85, 0.88, 0.83][..]);
    /// let linear = ("linear", &[0.85, 0.84, 0.84, 0.85, 0.84][..]);
    /// let comparison = Comparison::new(Question::Contribution, Quantity::ACCURACY, quantum, linear)?;
    /// assert_eq!(
    ///     comparison.sentence(),
    ///     "quantum − linear: +0.8 points (95% CI −1.4 to 3.0, 5 seeds): no evidence of a quantum contribution"
    /// );
    /// # Ok::<(), qgraft::study::StudyError>(())
    /// ```
    pub fn sentence(&self) -> String {
        let pair = &self.pair;
        let words = self.question.wording();
        let verdict = match self.finding {
            Finding::Better => words.better,
            Finding::Worse => words.worse,
            Finding::NoSpread if self.difference != 0.0 => &format!("without spread over {pair}s there is no interval"),
            Finding::Unclear | Finding::NoSpread => words.unclear,
            Finding::TooFew => &format!("fewer than {FEWEST} {pair}s cannot distinguish a difference from chance"),
        };
        let (unit, pairs) = (self.quantity.unit, pluralise(self.seeds, pair));
        let sample = match self.interval {
            Some(i) => format!(" (95% CI {} to {}, {pairs})", unit.number(i.low), unit.number(i.high)),
            None if self.finding == Finding::TooFew => format!(" ({pairs})"),
            None => format!(" in each of {pairs}"),
        };
        let (difference, counts) = (unit.signed(self.difference), unit.of_difference());
        let counts = if counts.is_empty() { String::new() } else { format!(" {counts}") };
        format!("{} − {}: {difference}{counts}{sample}: {verdict}", self.head, self.baseline)
    }
}

/// Corrects the p values of the t tests of all comparisons of a report together, after Holm. A difference that is not
/// significant after the correction is no finding.
pub fn correct(comparisons: &mut [Comparison]) {
    let mut tested: Vec<&mut Comparison> = comparisons.iter_mut().filter(|c| c.t_test.is_some()).collect();
    let raw: Vec<f64> = tested.iter().filter_map(|c| c.t_test).collect();
    for (comparison, p) in tested.iter_mut().zip(stats::holm(&raw)) {
        comparison.t_test_holm = Some(p);
        if p >= 1.0 - LEVEL {
            comparison.finding = Finding::Unclear;
        }
    }
}

/// A question, its short answer and the sentences it follows from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The question.
    pub question: Question,
    /// The answer in a few words.
    pub verdict: String,
    /// The sentences it follows from.
    pub evidence: Vec<String>,
}

impl Answer {
    /// The answer that the comparisons of one question give together; `None` if none has this question.
    pub fn to(question: Question, comparisons: &[Comparison]) -> Option<Self> {
        let asked: Vec<&Comparison> = comparisons.iter().filter(|c| c.question == question).collect();
        if asked.is_empty() {
            return None;
        }
        let one_head = asked.iter().all(|c| c.head == asked[0].head);
        let name = |c: &Comparison| match (question, one_head) {
            (Question::Noise, _) => c.head.clone(),
            (_, true) => c.baseline.clone(),
            (_, false) => format!("{} ({})", c.baseline, c.head),
        };
        let found = |matching: fn(Finding) -> bool| -> Vec<String> {
            asked.iter().filter(|c| matching(c.finding)).map(|c| name(c)).collect()
        };
        let better = found(|finding| finding == Finding::Better);
        let worse = found(|finding| finding == Finding::Worse);
        let unclear = found(|finding| !matches!(finding, Finding::Better | Finding::Worse));
        let measured = asked.iter().any(|c| c.interval.is_some());
        let verdict = match (question, better.is_empty(), worse.is_empty()) {
            _ if !measured => "Not measured: no spread over seeds.".to_string(),
            (_, true, true) => "No evidence that it does.".to_string(),
            (Question::Noise, _, false) => format!("Yes: accuracy is lower for {}.", join_and(&worse)),
            (Question::Noise, false, true) => "No: accuracy is higher with it.".to_string(),
            (_, true, false) => format!("No: worse than {}.", join_and(&worse)),
            (_, false, false) => format!("Mixed: better than {}, worse than {}.", join_and(&better), join_and(&worse)),
            (_, false, true) if unclear.is_empty() => format!("Yes, on this data: better than {}.", join_and(&better)),
            (_, false, true) => {
                format!("Not shown: better than {}, but no evidence against {}.", join_and(&better), join_and(&unclear))
            }
        };
        let evidence = asked.iter().map(|c| c.sentence()).collect();
        Some(Self { question, verdict, evidence })
    }
}

/// A difference in accuracy as percentage points with one decimal and a true minus sign: 0.008 is "0.8".
pub fn points(difference: f64) -> String {
    decimals(difference * 100.0, 1)
}

/// [`points`] with a plus before what is above zero.
pub fn signed(difference: f64) -> String {
    let text = points(difference);
    if text.starts_with('−') || text == "0.0" { text } else { format!("+{text}") }
}
