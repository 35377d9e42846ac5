//! Error mitigation: what undoes noise in expectation values without correcting it in the state.
//!
//! * [`MITIGATIONS`]: every method with its usual settings is a row.
//! * Methods wrap an executor, any [`Simulator`], and are one themselves, so they nest: readout is corrected inside, noise of
//!   gates outside. They see programs, gate by gate with the noise behind each, and run changed ones.
//! * [`decouple`] is the exception: pulses go into waiting times, which exist only in a scheduled circuit, before a noise
//!   model has seen it.
//!
//! ```
//! use qgraft::circuit::{Circuit, Gate, Observable};
//! use qgraft::noise::{channel::depolarizing, model::uniform::Uniform};
//! use qgraft::sim::mitigate::{Extrapolation, Folding, ZeroNoise};
//! use qgraft::sim::{Angles, Density, Simulator};
//! let mut circuit = Circuit::new(1);
//! circuit.push(Gate::X, &[0], &[])?;
//! let program = Uniform::new(vec![depolarizing(0.1, 1)?], vec![], None)?.apply(&circuit, &[]);
//! let none = ndarray::Array2::zeros((1, 0));
//! let angles = Angles { inputs: none.view(), weights: ndarray::aview1(&[]) };
//! let exponential = Extrapolation::Exponential { asymptote: 0.0 };
//! let engine = ZeroNoise::new(Density::default(), &[1.0, 3.0], Folding::Global, exponential);
//! let z = engine.expect(&program, angles, &[Observable::z(0)])?;
//! assert!((z[[0, 0]] + 1.0).abs() < 1e-12); // -0.9 and -0.9³ extrapolate to -1
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod cancellation;
mod decoupling;
mod extrapolation;
mod fold;
mod readout;
mod repeated;
mod subspace;
mod twirled_readout;
mod twirling;
mod weighted;
mod zero_noise;

use std::sync::Arc;

pub use cancellation::{Cancellation, sampling_cost};
pub use decoupling::{Pulses, decouple};
pub use extrapolation::Extrapolation;
pub use fold::{Folding, fold};
pub use readout::ReadoutInversion;
pub use repeated::{Repeated, repeated};
pub use subspace::{ReadoutSubspace, invert};
pub use twirled_readout::TwirledReadout;
pub use twirling::{PauliTwirling, all_twirled, twirled};
pub use zero_noise::ZeroNoise;

use crate::circuit::{Circuit, Observable, PauliString};
use crate::device::Device;
use crate::noise::Program;
use crate::sim::{SimError, Simulator};

/// A method with its usual settings.
pub struct MitigationRow {
    /// Name on the command line.
    pub name: &'static str,
    /// What it does, what it costs, and the source.
    pub doc: &'static str,
    /// How it is applied.
    pub apply: Apply,
    /// Whether it draws at random by itself, whatever the engine does.
    pub draws: bool,
    /// By how much it multiplies the shots that the standard error of one string takes, under this program; `None` where that
    /// depends on what is found.
    pub overhead: fn(&Program, &PauliString) -> Result<Option<f64>, SimError>,
}

/// Where a method acts.
#[derive(Clone, Copy)]
pub enum Apply {
    /// Around an engine; the number seeds its own draws.
    Executor(fn(Arc<dyn Simulator>, u64) -> Arc<dyn Simulator>),
    /// On a circuit in native gates, before its noise.
    Circuit(fn(&Circuit, &Device) -> Circuit),
}

/// How an average over random choices is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Average {
    /// Over all of them: what infinitely many draws would give.
    Exact,
    /// Over some, drawn under a seed.
    Sampled {
        /// Number of draws.
        count: usize,
        /// Their seed.
        seed: u64,
    },
}

/// Scale factors that most experiments take: odd ones are whole foldings.
const SCALES: [f64; 3] = [1.0, 3.0, 5.0];
/// Draws of the twirling methods.
const TWIRLS: usize = 32;
/// Draws of error cancellation.
const CANCELLATIONS: usize = 256;

/// The overhead of methods that take no more shots than without them.
fn none(_: &Program, _: &PauliString) -> Result<Option<f64>, SimError> {
    Ok(Some(1.0))
}

/// `Π 1/(1 - p10 - p01)²` over the letters of a string.
fn of_readout(program: &Program, string: &PauliString) -> Result<Option<f64>, SimError> {
    let attenuation = |qubit: usize| program.readout.get(qubit).copied().flatten().map_or(1.0, |c| c.on_z().0);
    let factor: f64 = string.support().map(attenuation).product();
    match factor.abs() < 1e-9 {
        true => Err(SimError::NotInvertible {
            what: format!("the readout of {}", Observable { terms: vec![(1.0, string.clone())] }),
        }),
        false => Ok(Some(factor.powi(-2))),
    }
}

/// Every method.
pub static MITIGATIONS: &[MitigationRow] = &[
    MitigationRow {
        name: "readout_inversion",
        doc: "the inverse of each qubit's confusion matrix; shots grow by 1/(1 - p10 - p01)² for each letter read",
        apply: Apply::Executor(|inner, _| Arc::new(ReadoutInversion { inner })),
        draws: false,
        overhead: of_readout,
    },
    MitigationRow {
        name: "readout_subspace",
        doc: "the confusion matrix inverted on the observed outcomes alone, of the whole register (M3: Nation et al. 2021, \
              arXiv 2108.12518)",
        apply: Apply::Executor(|inner, _| Arc::new(ReadoutSubspace { inner })),
        draws: false,
        overhead: |_, _| Ok(None),
    },
    MitigationRow {
        name: "twirled_readout",
        doc: "random flips before and after readout leave one factor per observable, measured on |0…0⟩: no confusion \
              matrix needed (TREX: van den Berg, Minev and Temme 2022, arXiv 2012.09738)",
        apply: Apply::Executor(|inner, seed| {
            Arc::new(TwirledReadout { inner, average: Average::Sampled { count: TWIRLS, seed } })
        }),
        draws: true,
        overhead: of_readout,
    },
    MitigationRow {
        name: "zero_noise_linear",
        doc: "gates folded one by one to 1, 3 and 5 times the noise, a straight line back to none (Temme, Bravyi and \
              Gambetta 2017, arXiv 1612.02058; Giurgica-Tiron et al. 2020, arXiv 2005.10921)",
        apply: Apply::Executor(|inner, _| {
            Arc::new(ZeroNoise::new(inner, &SCALES, Folding::Local, Extrapolation::Polynomial { degree: 1 }))
        }),
        draws: false,
        overhead: |_, _| Ok(Extrapolation::Polynomial { degree: 1 }.at(&SCALES)?.overhead()),
    },
    MitigationRow {
        name: "zero_noise_richardson",
        doc: "the whole circuit folded to 1, 3 and 5 times the noise, a parabola through the points back to none; \
              without bias of first and second order, shots grow about fivefold",
        apply: Apply::Executor(|inner, _| {
            Arc::new(ZeroNoise::new(inner, &SCALES, Folding::Global, Extrapolation::Polynomial { degree: 2 }))
        }),
        draws: false,
        overhead: |_, _| Ok(Extrapolation::Polynomial { degree: 2 }.at(&SCALES)?.overhead()),
    },
    MitigationRow {
        name: "zero_noise_exponential",
        doc: "the whole circuit folded to 1, 3 and 5 times the noise, an exponential decay to 0 followed back to none",
        apply: Apply::Executor(|inner, _| {
            let decay = Extrapolation::Exponential { asymptote: 0.0 };
            Arc::new(ZeroNoise::new(inner, &SCALES, Folding::Global, decay))
        }),
        draws: false,
        overhead: |_, _| Ok(None),
    },
    MitigationRow {
        name: "pauli_twirling",
        doc: "random Paulis around two-qubit Clifford gates turn their noise into Pauli noise; no bias goes away, but \
              coherent errors no longer add up (Wallman and Emerson 2016, arXiv 1512.01098)",
        apply: Apply::Executor(|inner, seed| {
            Arc::new(PauliTwirling { inner, average: Average::Sampled { count: TWIRLS, seed } })
        }),
        draws: true,
        overhead: none,
    },
    MitigationRow {
        name: "error_cancellation",
        doc: "noise twirled and undone by random Paulis with signs on what an observable feels: no bias, shots grow by γ², \
              exponential in that noise (Temme, Bravyi and Gambetta 2017, arXiv 1612.02058; van den Berg et al. 2023, arXiv \
              2201.09866; Tran, Sharma and Temme 2023, arXiv 2303.06496)",
        apply: Apply::Executor(|inner, seed| {
            Arc::new(Cancellation { inner, average: Average::Sampled { count: CANCELLATIONS, seed } })
        }),
        draws: true,
        overhead: |program, string| {
            Ok(Some(sampling_cost(&program.cone(&Observable { terms: vec![(1.0, string.clone())] }).0)?.powi(2)))
        },
    },
    MitigationRow {
        name: "decoupling",
        doc: "X pulses in waiting times undo slow drifts of phase; without effect on relaxation (Viola and Lloyd 1998, \
              arXiv quant-ph/9803057)",
        apply: Apply::Circuit(|circuit, device| decouple(circuit, device, Pulses::XX)),
        draws: false,
        overhead: none,
    },
];

impl MitigationRow {
    /// The row of this name.
    ///
    /// # Errors
    /// If there is none; the message lists those there are.
    pub fn named(name: &str) -> Result<&'static Self, SimError> {
        let known = || MITIGATIONS.iter().map(|row| row.name).collect::<Vec<_>>().join(", ");
        let row = MITIGATIONS.iter().find(|row| row.name == name);
        row.ok_or_else(|| SimError::UnknownMitigation { name: name.into(), known: known() })
    }
}
