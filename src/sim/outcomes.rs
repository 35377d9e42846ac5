//! Probabilities of outcomes with their derivatives.

use std::sync::Arc;

use ndarray::{Array2, Array3, ArrayView1, ArrayView2, ArrayViewMut1, Axis, s};

use crate::circuit::{Letter, Observable, PauliString};
use crate::noise::Program;
use crate::sim::derived::prepare;
use crate::sim::execution::Execution;
use crate::sim::kernel::strings::walsh;
use crate::sim::readout::ProgramParts;
use crate::sim::run::value_and_grad;
use crate::sim::{AngleGradient, Angles, Condition, Prepared, SimError, check};

/// Measured qubits of outcomes that have derivatives: there are 2^12 - 1 observables for them.
const MOST_QUBITS: usize = 12;

/// The probabilities of the outcomes of an execution as expectation values of all products of Z of what is measured, which
/// have derivatives on every engine: `p(x) = 2^-m Σ_S (-1)^(x·S) <Z_S>`, the Walsh-Hadamard transform.
pub struct Outcomes {
    /// The program without its measurements, and the products, by the mask of the measured qubits that they act on, from 1.
    execution: Execution,
    /// Bit of the index of an outcome for each measured qubit.
    bits: Vec<usize>,
    /// Bits of the index of an outcome.
    width: usize,
}

impl Outcomes {
    /// Of an execution that was compiled for `condition`. They are of the classical bits if the program measures, readout
    /// error included, else of the qubits that index its outcomes.
    ///
    /// # Errors
    /// If the condition has shots or mitigation, more than 12 qubits are measured, or something is measured before the end or
    /// depends on what was.
    pub fn of(execution: &Execution, condition: &Condition) -> Result<Self, SimError> {
        if condition.shots.is_some() || condition.mitigation.is_some() {
            return Err(SimError::NotDifferentiable { step: format!("a probability under {condition}") });
        }
        let Execution { program, positions, bits, simulator, .. } = execution;
        let parts = ProgramParts::of(program);
        let measured: Vec<(usize, usize)> = match program.measures() {
            true => parts.measurements.list.iter().map(|read| (read.qubit, read.bit)).collect(),
            false => positions.iter().enumerate().map(|(bit, &qubit)| (qubit, bit)).collect(),
        };
        let width = if program.measures() { program.outcome_bits() } else { positions.len() };
        if measured.len() > MOST_QUBITS || width > 2 * MOST_QUBITS {
            let step = format!("the probability of each outcome of {} bits", width.max(measured.len()));
            return Err(SimError::Unsupported {
                engine: "the gradient of probabilities",
                step,
                instead: "measure at most 12 qubits, or take expectation values",
            });
        }
        let mut readout = vec![None; program.qubits()];
        parts.measurements.list.iter().for_each(|read| readout[read.qubit] = read.confusion);
        let is_measured = |qubit| program.measures() && measured.iter().any(|&(q, _)| q == qubit);
        let correlated = program.correlated.iter();
        let correlated = correlated.filter(|pair| is_measured(pair.qubits.0) && is_measured(pair.qubits.1));
        let body = Program {
            steps: parts.body.into_iter().cloned().collect(),
            correlated: correlated.cloned().collect(),
            readout,
            ..(**program).clone()
        };
        check::differentiable(&body)?;
        let product = |mask: usize| {
            let of_mask = measured.iter().enumerate().filter(|(k, _)| mask >> k & 1 == 1);
            let string = PauliString::new(of_mask.map(|(_, &(qubit, _))| (qubit, Letter::Z)));
            Observable { terms: vec![(1.0, string)] }
        };
        let products: Vec<Observable> = (1..1 << measured.len()).map(product).collect();
        let execution = Execution {
            prepared: prepare(&**simulator, &body, &products, 0)?,
            program: Arc::new(body),
            observables: products.into(),
            simulator: Arc::clone(simulator),
            bits: Arc::clone(bits),
            ..execution.clone()
        };
        Ok(Self { execution, bits: measured.into_iter().map(|(_, bit)| bit).collect(), width })
    }

    /// Probabilities (batch, 2^k) and the gradient of `Σ cotangent[b][x] · p[b][x]` by all angles.
    ///
    /// # Errors
    /// If the angles or the cotangent do not fit.
    pub fn value_and_gradient(
        &self,
        angles: Angles,
        cotangent: ArrayView2<f64>,
    ) -> Result<(Array2<f64>, AngleGradient), SimError> {
        check::cotangent(angles.batch(), 1 << self.width, cotangent)?;
        let prepared = self.prepared(angles.inputs.ncols())?;
        let mut own = Array2::zeros((angles.batch(), 1 << self.bits.len()));
        for (mut to, from) in own.rows_mut().into_iter().zip(cotangent.rows()) {
            (0..to.len()).for_each(|key| to[key] = from[self.outcome(key)]);
            walsh(to.as_slice_mut().expect("rows of a new array"));
        }
        own /= own.ncols() as f64;
        let (values, gradient) = prepared.value_and_gradient(angles, own.slice(s![.., 1..]))?;
        Ok((self.probabilities(&values), gradient))
    }

    /// Probabilities (batch, 2^k) and their derivatives (batch, 2^k, slots), per radian.
    ///
    /// # Errors
    /// As [`Outcomes::value_and_gradient`], and if the derivatives do not fit in memory.
    pub fn value_and_jacobian(&self, angles: Angles) -> Result<(Array2<f64>, Array3<f64>), SimError> {
        let slots = angles.slots();
        let bytes = 24.0 * angles.batch() as f64 * slots as f64 * (1_u64 << self.width) as f64;
        check::memory(
            "the derivatives of all probabilities",
            self.execution.program.qubits(),
            bytes,
            "give fewer rows",
        )?;
        let (values, of_products) = value_and_grad(&self.execution, angles, |inputs| self.prepared(inputs))?;
        let mut slopes = Array3::zeros((values.nrows(), 1 << self.width, slots));
        for (mut row, products) in slopes.outer_iter_mut().zip(of_products.outer_iter()) {
            for (to, from) in row.axis_iter_mut(Axis(1)).zip(products.axis_iter(Axis(1))) {
                self.of_products(0.0, from, to);
            }
        }
        Ok((self.probabilities(&values), slopes))
    }

    fn prepared(&self, inputs: usize) -> Result<Arc<dyn Prepared>, SimError> {
        match inputs {
            0 => Ok(Arc::clone(&self.execution.prepared)),
            _ => self.execution.for_inputs(inputs),
        }
    }

    /// Index of the outcome in which measured qubit k is bit k of `key`.
    fn outcome(&self, key: usize) -> usize {
        self.bits.iter().enumerate().map(|(k, bit)| (key >> k & 1) << bit).sum()
    }

    fn probabilities(&self, products: &Array2<f64>) -> Array2<f64> {
        let mut out = Array2::zeros((products.nrows(), 1 << self.width));
        for (to, from) in out.rows_mut().into_iter().zip(products.rows()) {
            self.of_products(1.0, from, to);
        }
        out
    }

    /// What is linear in the values of all products, that of the empty one first, for each outcome.
    fn of_products(&self, empty: f64, products: ArrayView1<f64>, mut to: ArrayViewMut1<f64>) {
        let mut own: Vec<f64> = std::iter::once(empty).chain(products.iter().copied()).collect();
        walsh(&mut own);
        let scale = own.len() as f64;
        own.iter().enumerate().for_each(|(key, value)| to[self.outcome(key)] = value / scale);
    }
}
