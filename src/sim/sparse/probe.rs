//! How many strings an observable becomes, from short propagations.

use std::sync::OnceLock;

use super::Cut;
use super::NAME;
use super::plan::Plan;
use super::program::Pulled;
use super::sum::Ledger;
use crate::circuit::Observable;
use crate::noise::{Program, generic_points};

/// Observables that are probed, spread over all of them.
const PROBED: usize = 4;
/// The cut of the first propagation; it falls to a quarter …
const COARSE: f64 = 4e-2;
/// … until there are so many strings, or to this.
const ENOUGH: f64 = 1024.0;
const FINEST: f64 = 1e-5;
/// Strings that a propagation holds at most.
const STRINGS: usize = 8192;

/// A program that is probed at the first question.
#[derive(Debug)]
pub struct Probe {
    program: Program,
    observables: Vec<Observable>,
    inputs: usize,
    found: OnceLock<Option<Vec<Growth>>>,
}

/// Strings and work of an observable at two cuts.
#[derive(Clone, Copy, Debug)]
struct Growth {
    /// At the finer cut, which the budget of strings may have raised.
    below: f64,
    strings: f64,
    /// Strings, summed over the steps that they were taken through.
    work: f64,
    /// Factors by which they grow where the cut falls to a quarter.
    by_strings: f64,
    by_work: f64,
}

/// What all observables take.
#[derive(Clone, Copy, Debug)]
pub struct Estimated {
    /// Most strings of one of them.
    pub strings: f64,
    /// Strings, summed over steps and observables.
    pub work: f64,
}

impl Probe {
    pub fn new(program: &Program, observables: &[Observable], inputs: usize) -> Self {
        let (program, observables) = (program.clone(), observables.to_vec());
        Self { program, observables, inputs, found: OnceLock::new() }
    }

    /// At a cut, with at most so many strings; `None` if the engine does not run the program.
    pub fn at(&self, below: f64, most: f64) -> Option<Estimated> {
        let found = self.found.get_or_init(|| self.probe()).as_ref()?;
        let mut all = Estimated { strings: 1.0, work: 0.0 };
        for growth in found {
            let quarters = if below > 0.0 { (growth.below / below).ln() / 4f64.ln() } else { f64::INFINITY };
            // What drops nothing has all its strings, whatever the cut.
            let grown = |from: f64, factor: f64| if factor > 1.0 { from * factor.powf(quarters) } else { from };
            let strings = grown(growth.strings, growth.by_strings).clamp(1.0, most);
            let each = growth.work / growth.strings;
            all.strings = all.strings.max(strings);
            // No more than all strings in every step.
            all.work += grown(growth.work, growth.by_work).min(2.0 * each * strings).max(1.0);
        }
        all.work *= self.observables.len() as f64 / found.len().max(1) as f64;
        Some(all)
    }

    fn probe(&self) -> Option<Vec<Growth>> {
        let angles = &generic_points(self.program.slots)[0];
        let every = self.observables.len().div_ceil(PROBED).max(1);
        let growth = |observable: &Observable| {
            let plan = Plan::new(NAME, &self.program, observable, self.inputs).ok()?;
            let at = |below: f64| {
                let cut = Cut { below, terms: STRINGS, ..Cut::default() };
                Pulled::new(&plan, angles, &cut).ledger()
            };
            let (mut cut, mut coarse) = (COARSE / 4.0, at(COARSE));
            let mut fine = at(cut);
            while (fine.terms as f64) < ENOUGH && fine.dropped > 0 && cut > FINEST {
                cut /= 4.0;
                coarse = std::mem::replace(&mut fine, at(cut));
            }
            let count = |ledger: &Ledger| (ledger.terms.max(1) as f64, ledger.work.max(1) as f64);
            let ((few, little), (strings, work)) = (count(&coarse), count(&fine));
            // A full budget hides the growth: a quarter of the cut is taken for four times the strings.
            let full = fine.below > cut;
            let factor = |coarse: f64, fine: f64| if full { 4.0 } else { (fine / coarse).max(1.0) };
            let factors = (factor(few, strings), factor(little, work));
            Some(Growth { below: fine.below, strings, work, by_strings: factors.0, by_work: factors.1 })
        };
        self.observables.iter().step_by(every).map(growth).collect()
    }
}
