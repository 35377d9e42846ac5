//! What nothing reads is left out of a dynamic program, and no result changes.

use ndarray::Array2;
use qgraft::circuit::{Condition, Observable, Op};
use qgraft::math::{Probability, Stream};
use qgraft::noise::channel::amplitude_damping;
use qgraft::noise::{PairConfusion, PairReadout, Program, Step};
use qgraft::sim::{Angles, Density, Precision, Simulator};

use crate::support::random::{self, Kinds};

fn largest(a: &Array2<f64>, b: &Array2<f64>) -> f64 {
    (a - b).iter().fold(0.0, |most: f64, d| most.max(d.abs()))
}

fn dynamic(seed: u64, qubits: usize) -> Program {
    let kinds =
        Kinds { noise: seed.is_multiple_of(2), dynamic: true, readout: true, measured: false, ..Kinds::default() };
    let mut program = random::program(seed, qubits, 14, (0, 3), kinds);
    let mut stream = Stream::named(seed, "needed");
    program.bits += 2;
    let outcome = program.bits - 2;
    program.scratch = 2;
    // Steps anywhere, on bits that an outcome holds and on scratch bits.
    for _ in 0..10 {
        let at = stream.below(program.steps.len() + 1);
        let condition = |stream: &mut Stream| {
            (stream.below(2) == 0)
                .then(|| Condition { bits: vec![stream.below(outcome + 2)], value: stream.below(2) as u64 })
        };
        let qubit = stream.below(qubits);
        let step = match stream.below(5) {
            0 => Step::Assign {
                bit: stream.below(outcome + 2),
                value: stream.below(2) == 1,
                condition: condition(&mut stream),
            },
            1 => Step::Measure {
                qubit,
                bit: stream.below(outcome + 2),
                confusion: program.readout[qubit],
                condition: condition(&mut stream),
            },
            2 => Step::Reset { qubit, condition: condition(&mut stream) },
            3 => Step::Noise {
                channel: amplitude_damping(0.3).unwrap(),
                qubits: vec![qubit],
                condition: condition(&mut stream),
            },
            _ => {
                let mut op = Op::gate(qgraft::circuit::Gate::Ry, &[qubit], &[0.7.into()]);
                op.condition = condition(&mut stream);
                Step::Gate(op)
            }
        };
        program.steps.insert(at, step);
    }
    for qubit in 0..qubits {
        if stream.below(2) == 0 {
            program.steps.push(Step::Measure {
                qubit,
                bit: qubit.min(outcome - 1),
                confusion: program.readout[qubit],
                condition: None,
            });
        }
    }
    if qubits > 1 && stream.below(2) == 0 {
        let a = stream.below(qubits);
        let b = (a + 1) % qubits;
        let confusion = PairConfusion::joint_flip(Probability::new(0.1).unwrap());
        program.correlated.push(PairReadout { qubits: (a, b), confusion });
    }
    program
}

#[test]
fn needed_is_the_whole() {
    for seed in 0..40 {
        let qubits = 1 + seed as usize % 5;
        let program = dynamic(seed, qubits);
        if !program.measures() {
            continue;
        }
        let (_, weights) = random::angles(seed, 1, 0, 3);
        let weights = weights.to_vec();
        let angles = || Angles::of_weights(&weights);
        let all: Observable = (0..qubits).map(|q| format!("Z{q}")).collect::<Vec<_>>().join(" ").parse().unwrap();
        for precision in [Precision::Double, Precision::Single] {
            let tolerance = if precision == Precision::Double { 1e-12 } else { 3e-5 };
            let engine = Density::new(precision);
            let whole = engine.prepare(&program, std::slice::from_ref(&all), 0).unwrap();
            let p = engine.prepare(&program, &[], 0).unwrap().probabilities(angles()).unwrap();
            let wrong = largest(&p, &whole.probabilities(angles()).unwrap());
            assert!(wrong < tolerance, "{seed} {wrong:e} {program:#?}");
            for o in random::observables(qubits) {
                let own =
                    engine.prepare(&program, std::slice::from_ref(&o), 0).unwrap().expect(angles()).unwrap()[[0, 0]];
                let both = engine.prepare(&program, &[o.clone(), all.clone()], 0).unwrap().expect(angles()).unwrap();
                assert!((own - both[[0, 0]]).abs() < tolerance, "{seed} {o} {own} {both}");
            }
        }
    }
}
