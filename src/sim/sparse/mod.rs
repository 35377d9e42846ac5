//! The engine that pulls observables back as sums of Pauli strings and drops what is small.
//!
//! From the end of the program to its start: what each step does to letters (`map`), an observable's cone as such steps
//! (`plan`), the sum of strings (`sum`), what it did and the way back for gradients (`tape`), the sum met with the product
//! states that circuits start from (`product`), values with an error that was asked for (`estimate`), and all of it for batches
//! (`program`).

mod estimate;
mod map;
mod plan;
mod probe;
mod product;
mod program;
mod sum;
mod tape;

use std::sync::{Arc, Mutex};

use crate::circuit::Observable;
use crate::math::Stream;
use crate::noise::Program;
use crate::sim::account::LastEstimates;
use crate::sim::cost::{Call, Cost, Request, Workload};
use crate::sim::kernel::each_in_order;
use crate::sim::prepared::Prepared;
use crate::sim::{EngineOptions, Precision, SimError, Simulator, check};
use plan::Plan;
pub use probe::Probe;
use program::SparseProgram;

const NAME: &str = "sparse";

/// What the engine drops. Contributions to a string are added first, then compared, once a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cut {
    /// Strings whose coefficient is smaller than this in magnitude. 0 drops nothing until there are `terms` strings.
    pub below: f64,
    /// Strings with more letters than this that a step makes.
    pub weight: Option<usize>,
    /// At most so many strings are held for an observable: past that, `below` is doubled until they fit.
    pub terms: usize,
    /// The error that is wanted in place of a cut: `below` falls from 1e-2 by factors of 4 until the bound of a value or the
    /// half-width of its interval is no larger. A value whose error cannot be stated so is refused.
    pub tolerance: Option<f64>,
    /// Seed of a roulette in place of dropping: a string below the cut is dropped or raised to the cut by chance, so that the
    /// mean is the exact value. Values are means of eight runs with an interval; where strings do not fit into `terms` there is
    /// none, and what is small is dropped.
    pub roulette: Option<u64>,
}

impl Default for Cut {
    /// Below 1e-4, of any weight, 2^20 strings, without tolerance or roulette.
    fn default() -> Self {
        Self { below: 1e-4, weight: None, terms: 1 << 20, tolerance: None, roulette: None }
    }
}

impl Cut {
    /// Whether values come with an interval or an error that was asked for.
    fn estimates(&self) -> bool {
        self.tolerance.is_some() || self.roulette.is_some()
    }

    /// # Errors
    /// If a tolerance is not above 0, or strings are to be dropped by weight, which no roulette and no finer cut makes good.
    fn check(&self) -> Result<(), SimError> {
        if let Some(tolerance) = self.tolerance.filter(|tolerance| !(*tolerance > 0.0 && tolerance.is_finite())) {
            let step = format!("to a tolerance of {tolerance}");
            return Err(SimError::Unsupported {
                engine: NAME,
                step,
                instead: "give a finite number above 0, such as 1e-3",
            });
        }
        match self.weight {
            Some(most) if self.estimates() => Err(SimError::Unsupported {
                engine: NAME,
                step: format!("with at most {most} letters a string to a tolerance or by roulette"),
                instead: "leave the limit of letters out: no finer cut brings back what it drops",
            }),
            _ => Ok(()),
        }
    }
}

/// The engine for wide circuits and local observables: sums of Pauli strings in the Heisenberg picture, each observable on
/// its cone, of which strings with small coefficients are dropped. [`Prepared::account`] tells what that may have changed.
///
/// It runs every gate on up to five operands, every channel, resets, and measurements that nothing depends on. Gradients are
/// reverse mode through the sum as it was truncated: the derivative of the value with the kept strings held fixed.
///
/// Known as Pauli propagation (Rall et al. 2019, arXiv 1901.09070; Begušić et al. 2024, doi 10.1126/sciadv.adk4321; for noisy
/// circuits: Fontana et al. 2023, arXiv 2306.05400).
#[derive(Clone, Copy, Debug, Default)]
pub struct Sparse {
    /// What is dropped.
    pub cut: Cut,
}

impl Sparse {
    /// An engine that drops this.
    pub fn new(cut: Cut) -> Self {
        Self { cut }
    }
}

/// Time to take a string through a step, seconds.
const STEP: f64 = 2e-8;
/// Bytes of a string with its place in the table.
const STRING: f64 = 110.0;
/// Strings of an observable of a program that is not probed: a guess.
const USUAL: f64 = 65536.0;

/// Bytes at most, and seconds by short propagations of some observables (`probe`); `None` for outcomes, states and
/// conditions. A program that is prepared without observables is asked for outcomes.
pub fn cost(w: &Workload, call: &Call) -> Option<Cost> {
    if w.dynamic || w.observables == 0 || !matches!(call.request, Request::Values | Request::Gradient) {
        return None;
    }
    let rows = if w.splits { 1.0 } else { call.rows as f64 };
    let sums = w.observables as f64 * rows;
    let passes = if call.request == Request::Gradient { 3.0 } else { 1.0 };
    let most = w.mixed().min(call.strings as f64);
    let work = match w.probe.as_ref().map(|probe| probe.at(call.below, most)) {
        // What it refuses it names itself.
        Some(None) => return None,
        Some(Some(found)) => found.work * rows,
        None => w.mixed().min(USUAL) * (1 + w.steps) as f64 * sums,
    };
    Some(Cost {
        // The table doubles while the old one is still there.
        bytes: w.results(call).0 + sums.min(call.threads as f64) * 2.0 * STRING * most,
        seconds: STEP * work * passes,
    })
}

impl Simulator for Sparse {
    fn name(&self) -> String {
        let Cut { below, weight, terms, tolerance, roulette } = self.cut;
        let weight = weight.map_or(String::new(), |most| format!(", at most {most} letters"));
        let rule = match (tolerance, roulette) {
            (Some(tolerance), _) => format!("tolerance {tolerance:e}"),
            (None, Some(_)) => format!("roulette below {below:e}"),
            (None, None) => format!("cut {below:e}"),
        };
        format!("sparse, {rule}{weight}, at most {terms} strings, double precision")
    }

    fn precision(&self) -> Precision {
        Precision::Double
    }

    fn with_substream(&self, number: u64) -> Option<Arc<dyn Simulator>> {
        self.cut.estimates().then(|| {
            let seed = Stream::numbered(self.cut.roulette.unwrap_or(0), number).bits();
            Arc::new(Self::new(Cut { roulette: Some(seed), ..self.cut })) as Arc<dyn Simulator>
        })
    }

    fn prepare(
        &self,
        program: &Program,
        observables: &[Observable],
        input_slots: usize,
    ) -> Result<Arc<dyn Prepared>, SimError> {
        self.cut.check()?;
        check::observables(program, observables)?;
        let call = Call::new(Request::Values, &EngineOptions { cut: self.cut, ..EngineOptions::default() });
        Workload::new(program, observables, input_slots).check(NAME, &call)?;
        let plan = |observable: &Observable| Plan::new(NAME, program, observable, input_slots);
        Ok(Arc::new(SparseProgram {
            engine: *self,
            plans: each_in_order(observables.iter().collect(), plan).into_iter().collect::<Result<_, _>>()?,
            slots: program.slots,
            input_slots,
            differentiable: check::differentiable(program),
            known: Mutex::default(),
            estimated: LastEstimates::default(),
        }))
    }
}
