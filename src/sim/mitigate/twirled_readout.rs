//! Twirled readout error extinction.
//!
//! Van den Berg, Minev and Temme 2022 (arXiv 2012.09738): a flip before and after the readout of a random half of the
//! qubits makes the error symmetric, so that a Pauli string is multiplied by one number. The same number is seen on
//! |0…0⟩, where the true value is 1.

use ndarray::{Array2, ArrayView2};

use crate::circuit::{Observable, PauliString};
use crate::math::{Probability, Stream};
use crate::noise::{Confusion, Program};
use crate::sim::mitigate::{Average, weighted};
use crate::sim::{AngleGradient, Angles, Precision, SimError, Simulator, check};

/// An engine whose recorded values are divided by those that |0…0⟩ shows, both under flips. Confusion matrices are never
/// looked at; the circuit is taken not to depend on the flips, which join its last gates.
pub struct TwirledReadout<S> {
    /// The engine.
    pub inner: S,
    /// Which flips.
    pub average: Average,
}

/// `program` with the readout of the qubits in `mask` flipped before and after, which exchanges the two errors.
fn flipped(program: &Program, mask: u64) -> Program {
    let exchanged = |(qubit, confusion): (usize, &Option<Confusion>)| {
        confusion.map(|Confusion { one_given_zero, zero_given_one }| match mask >> qubit & 1 {
            1 => Confusion { one_given_zero: zero_given_one, zero_given_one: one_given_zero },
            _ => Confusion { one_given_zero, zero_given_one },
        })
    };
    Program { readout: program.readout.iter().enumerate().map(exchanged).collect(), ..program.clone() }
}

/// The mean of all masks at once: flips of different qubits are independent.
fn symmetric(program: &Program) -> Program {
    let mean = |confusion: &Confusion| {
        let mean = (confusion.one_given_zero.get() + confusion.zero_given_one.get()) / 2.0;
        Confusion::symmetric(Probability::new(mean).expect("a mean of probabilities is one"))
    };
    Program { readout: program.readout.iter().map(|c| c.as_ref().map(mean)).collect(), ..program.clone() }
}

impl<S: Simulator> TwirledReadout<S> {
    /// The programs that are averaged, with their weights.
    fn twirls(&self, program: &Program) -> weighted::Terms {
        match self.average {
            Average::Exact => vec![Ok((1.0, symmetric(program)))],
            Average::Sampled { count, seed } => {
                let mut masks = Stream::named(seed, "readout twirl");
                (0..count).map(|_| Ok((1.0 / count as f64, flipped(program, masks.bits())))).collect()
            }
        }
    }

    /// What |0…0⟩ shows for each string of `strings` as Z on its support.
    fn calibrated(&self, program: &Program, strings: &[PauliString]) -> Result<Vec<f64>, SimError> {
        let empty = Program { steps: Vec::new(), slots: 0, bits: 0, ..program.clone() };
        let as_z = |s: &PauliString| Observable { terms: vec![(1.0, PauliString { x: 0, z: s.support() })] };
        let observables: Vec<Observable> = strings.iter().map(as_z).collect();
        let angles = Angles::of_weights(&[]);
        let value = |engine: &dyn Simulator, program: &Program| engine.expect(program, angles, &observables);
        // Draws of its own, apart from those of the circuit.
        let own = self.inner.with_substream(u64::MAX);
        let engine: &dyn Simulator = own.as_deref().unwrap_or(&self.inner);
        let seen = weighted::sum(&engine, self.twirls(&empty), value)?;
        Ok(seen.row(0).to_vec())
    }

    /// Each observable with its strings divided by what |0…0⟩ shows.
    fn divided(&self, program: &Program, observables: &[Observable]) -> Result<Vec<Observable>, SimError> {
        check::observables(program, observables)?;
        let strings: Vec<PauliString> = observables.iter().flat_map(|o| o.terms.iter().map(|(_, s)| *s)).collect();
        let mut seen = self.calibrated(program, &strings)?.into_iter();
        let divide = |&(weight, string): &(f64, PauliString)| {
            // One number for each string, in order.
            let factor = seen.next().expect("as many numbers as strings");
            if factor.abs() < 1e-9 {
                return Err(SimError::NotInvertible {
                    what: format!("the readout of {}", Observable { terms: vec![(1.0, string)] }),
                });
            }
            Ok((weight / factor, string))
        };
        let terms: Vec<(f64, PauliString)> =
            observables.iter().flat_map(|o| &o.terms).map(divide).collect::<Result<_, _>>()?;
        let mut terms = terms.into_iter();
        Ok(observables.iter().map(|o| Observable { terms: terms.by_ref().take(o.terms.len()).collect() }).collect())
    }
}

impl<S: Simulator> Simulator for TwirledReadout<S> {
    fn name(&self) -> String {
        format!("{} with twirled readout", self.inner.name())
    }

    fn precision(&self) -> Precision {
        self.inner.precision()
    }

    fn with_substream(&self, number: u64) -> Option<Box<dyn Simulator + '_>> {
        Some(Box::new(TwirledReadout { inner: self.inner.with_substream(number)?, average: self.average }))
    }

    fn expect(&self, program: &Program, angles: Angles, observables: &[Observable]) -> Result<Array2<f64>, SimError> {
        let divided = self.divided(program, observables)?;
        weighted::sum(&self.inner, self.twirls(program), |engine, program| engine.expect(program, angles, &divided))
    }

    fn vjp(
        &self,
        program: &Program,
        angles: Angles,
        observables: &[Observable],
        cotangent: ArrayView2<f64>,
    ) -> Result<AngleGradient, SimError> {
        let divided = self.divided(program, observables)?;
        weighted::vjp(&self.inner, self.twirls(program), angles, &divided, cotangent)
    }

    /// As the engine gives them: the method corrects expectation values only.
    fn probabilities(&self, program: &Program, angles: Angles) -> Result<Array2<f64>, SimError> {
        self.inner.probabilities(program, angles)
    }
}
