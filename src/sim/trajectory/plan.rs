//! What is worked out of a program once: its blocks as Kraus operators.

use std::sync::Arc;

use crate::noise::Program;
use crate::sim::kernel::amplitudes::State;
use crate::sim::kernel::vector::Vectors;
use crate::sim::readout::record;
use crate::sim::stages::{Action, Stages};
use crate::sim::trajectory::NAME;
use crate::sim::trajectory::operators::KrausOperators;
use crate::sim::trajectory::tree::{Act, Branch, Jump};
use crate::sim::{Angles, SimError};

/// A program apart from angles and shots.
pub struct Plan<F> {
    pub stages: Stages,
    /// The operators of each stage, `None` where they depend on angles.
    known: Vec<Vec<Option<Arc<KrausOperators<F>>>>>,
    /// Qubits of a state: those of the program, and idle ones if they would not fill a register.
    pub width: usize,
}

impl<F: Vectors> Plan<F> {
    pub fn new(program: &Program) -> Result<Self, SimError> {
        if program.bits > 63 {
            let step = format!("a register of {} classical bits", program.bits);
            return Err(SimError::Unsupported {
                engine: NAME,
                step,
                instead: "use at most 63, or mps, or stabilizer for Clifford gates",
            });
        }
        let width = program.qubits().max(F::LOW);
        // Rows run one at a time, so no slot differs between lanes.
        let stages = Stages::of(program, 0);
        let none = Angles::of_weights(&[]);
        let known = stages.list.iter().map(|stage| match &stage.action {
            Action::Blocks(blocks) => blocks
                .iter()
                .map(|block| block.is_fixed().then(|| Arc::new(KrausOperators::block(block, width, &none))))
                .collect(),
            &Action::Measure { qubit, bit, confusion } => {
                vec![Some(Arc::new(KrausOperators::measurement(qubit, width, bit, confusion)))]
            }
            Action::Assign { .. } => Vec::new(),
        });
        Ok(Self { known: known.collect(), stages, width })
    }

    /// The program with the angles of a row put in.
    pub fn bind(&self, angles: &Angles) -> Vec<Jump<F>> {
        let mut jumps = Vec::new();
        for (stage, known) in self.stages.list.iter().zip(&self.known) {
            if let Action::Assign { bit, value } = stage.action {
                jumps.push(Jump { condition: stage.condition.clone(), act: Act::Assign { bit, value } });
            }
            for (k, operators) in known.iter().enumerate() {
                let operators = match (operators, &stage.action) {
                    (None, Action::Blocks(blocks)) => Arc::new(KrausOperators::block(&blocks[k], self.width, angles)),
                    (Some(operators), _) => Arc::clone(operators),
                    (None, Action::Measure { .. } | Action::Assign { .. }) => {
                        unreachable!("measurements do not depend on angles")
                    }
                };
                jumps.push(Jump { condition: stage.condition.clone(), act: Act::Operators(operators) });
            }
        }
        jumps
    }

    /// The distribution of what a shot of this branch records.
    pub fn recorded(&self, branch: &Branch<F>) -> Vec<f64> {
        let mut p = vec![0.0; 1 << self.stages.qubits];
        add_outcomes(&branch.state, 1.0, &mut p);
        if !self.stages.measures {
            return p;
        }
        let mut out = vec![0.0; 1 << self.stages.bits];
        record(&self.stages.measurements, &p, self.stages.outcome(branch.bits) as usize, &mut out);
        out
    }
}

/// Adds `weight |ψ_i|²` to as many numbers as there are.
pub fn add_outcomes<F: Vectors>(state: &State<F>, weight: f64, sum: &mut [f64]) {
    for (sum, (re, im)) in sum.iter_mut().zip(state.re.iter().zip(&*state.im)) {
        *sum += weight * (re.double() * re.double() + im.double() * im.double());
    }
}
