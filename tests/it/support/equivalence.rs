//! Whether a routed circuit is its source up to layout and global phase, and native: by plain evolution of a state,
//! with no code of the simulators.

use std::collections::BTreeMap;
use std::f64::consts::FRAC_PI_2;

use qgraft::circuit::{Circuit, Condition, Gate, Op, OpKind, Param};
use qgraft::device::Target;
use qgraft::device::transpile::TranspiledCircuit;
use qgraft::math::Stream;
use qgraft::math::matrix::{C64, c};

/// Rewriting treats angles within 1e-10 as equal; a few hundred gates then stay well below this.
const TOLERANCE: f64 = 1e-7;

/// One branch of a run: what was recorded, and the state that goes with it, not normalised.
type Branches = BTreeMap<Vec<bool>, Vec<C64>>;

/// Evolution by the matrices of the operations, one branch per record. Each reset records what it found in a bit of its
/// own past the circuit's.
fn evolve(circuit: &Circuit, start: Vec<C64>) -> Branches {
    let resets = circuit.ops().iter().filter(|op| op.kind == OpKind::Reset).count();
    let mut branches = Branches::from([(vec![false; circuit.bits() + resets], start)]);
    let mut seen = 0;
    for op in circuit.ops() {
        let matrix = op.matrix(&[]);
        let mut next = Branches::new();
        for (record, state) in branches {
            let held = op.condition.as_ref().is_none_or(|Condition { bits, value }| {
                bits.iter().enumerate().all(|(k, &bit)| record[bit] == (value >> k & 1 == 1))
            });
            let recorded = match op.kind {
                OpKind::Measure { bit } => Some(bit),
                OpKind::Reset => Some(circuit.bits() + seen),
                _ => None,
            };
            match (&matrix, recorded) {
                (Some(matrix), _) if held => {
                    next.insert(record, applied(matrix, &op.qubits, &state));
                }
                (_, Some(bit)) if held => {
                    let mask = 1 << op.qubits[0];
                    for outcome in [false, true] {
                        let mut record = record.clone();
                        record[bit] = outcome;
                        let mut kept = vec![C64::ZERO; state.len()];
                        for (k, &amplitude) in state.iter().enumerate().filter(|(k, _)| (k & mask != 0) == outcome) {
                            kept[if op.kind == OpKind::Reset { k & !mask } else { k }] = amplitude;
                        }
                        next.insert(record, kept);
                    }
                }
                _ => {
                    next.insert(record, state);
                }
            }
        }
        branches = next;
        seen += usize::from(op.kind == OpKind::Reset);
    }
    branches
}

/// The state after a matrix on these qubits.
pub fn applied(matrix: &qgraft::math::Matrix, qubits: &[usize], state: &[C64]) -> Vec<C64> {
    let mut out = vec![C64::ZERO; state.len()];
    for (from, &amplitude) in state.iter().enumerate().filter(|(_, a)| a.norm_sqr() > 0.0) {
        let inner = qubits.iter().enumerate().fold(0, |acc, (k, &q)| acc | ((from >> q & 1) << k));
        let rest = qubits.iter().fold(from, |acc, &q| acc & !(1 << q));
        for row in 0..matrix.nrows() {
            let to = qubits.iter().enumerate().fold(rest, |acc, (k, &q)| acc | ((row >> k & 1) << q));
            out[to] += matrix[[row, inner]] * amplitude;
        }
    }
    out
}

/// The matrix of a circuit of gates.
// Each test file uses the part it needs.
pub fn unitary(circuit: &Circuit) -> qgraft::math::Matrix {
    let size = 1usize << circuit.qubits();
    let mut matrix = qgraft::math::Matrix::zeros((size, size));
    for column in 0..size {
        let mut state = vec![C64::ZERO; size];
        state[column] = C64::ONE;
        for op in circuit.ops() {
            state = applied(&op.matrix(&[]).expect("a gate"), &op.qubits, &state);
        }
        state.into_iter().enumerate().for_each(|(row, z)| matrix[[row, column]] = z);
    }
    matrix
}

fn random_state(qubits: usize, stream: &mut Stream) -> Vec<C64> {
    let raw: Vec<C64> = (0..1usize << qubits).map(|_| c(stream.normal(), stream.normal())).collect();
    let norm = raw.iter().map(|z| z.norm_sqr()).sum::<f64>().sqrt();
    raw.into_iter().map(|z| z / norm).collect()
}

/// `state` with qubit k on wire `wires[k]` of a register of `width`, the others in 0.
fn embedded(state: &[C64], wires: &[usize], width: usize) -> Vec<C64> {
    let mut out = vec![C64::ZERO; 1 << width];
    for (k, &amplitude) in state.iter().enumerate() {
        out[wires.iter().enumerate().fold(0, |acc, (q, &wire)| acc | ((k >> q & 1) << wire))] = amplitude;
    }
    out
}

/// The routed circuit on its active wires only, with the layouts in their numbers.
fn active(transpiled: &TranspiledCircuit) -> (Circuit, Vec<usize>, Vec<usize>) {
    let mut wires: Vec<usize> = transpiled.initial_layout.iter().chain(&transpiled.final_layout).copied().collect();
    wires.extend(
        transpiled.circuit.ops().iter().filter(|op| op.kind != OpKind::Barrier).flat_map(|op| op.qubits.clone()),
    );
    wires.sort_unstable();
    wires.dedup();
    let number = |q: &usize| wires.iter().position(|w| w == q).unwrap();
    let mut circuit = Circuit::with_bits(wires.len(), transpiled.circuit.bits());
    for op in transpiled.circuit.ops().iter().filter(|op| op.kind != OpKind::Barrier) {
        circuit.append(Op { qubits: op.qubits.iter().map(number).collect(), ..op.clone() }).unwrap();
    }
    (
        circuit,
        transpiled.initial_layout.iter().map(number).collect(),
        transpiled.final_layout.iter().map(number).collect(),
    )
}

/// A state in general position is an eigenvector of no unitary but a phase, so one is enough.
pub fn assert_equivalent(source: &Circuit, transpiled: &TranspiledCircuit, what: &str) {
    let mut stream = Stream::named(11, "state");
    let state = random_state(source.qubits(), &mut stream);
    let (circuit, initial, last) = active(transpiled);
    assert!(circuit.qubits() <= 14, "{what}: too wide to check");
    let wanted = evolve(source, state.clone());
    let got = evolve(&circuit, embedded(&state, &initial, circuit.qubits()));
    assert_eq!(wanted.len(), got.len(), "{what}: other branches");
    for (record, wanted) in wanted {
        let wanted = embedded(&wanted, &last, circuit.qubits());
        let got = &got[&record];
        let overlap: C64 = wanted.iter().zip(got).map(|(w, g)| w.conj() * g).sum();
        let phase = if overlap.norm() > 1e-12 { overlap / overlap.norm() } else { C64::ONE };
        let off = wanted.iter().zip(got).map(|(w, g)| (w * phase - g).norm()).fold(0.0, f64::max);
        assert!(off < TOLERANCE, "{what}: off by {off:.1e} for record {record:?}");
    }
}

pub fn assert_native(transpiled: &TranspiledCircuit, target: &Target, what: &str) {
    for op in transpiled.circuit.ops() {
        let OpKind::Gate { gate, controls: 0, .. } = op.kind else {
            let passes = matches!(op.kind, OpKind::Measure { .. } | OpKind::Reset | OpKind::Delay(_) | OpKind::Barrier);
            assert!(passes, "{what}: {} is not native", op.name());
            continue;
        };
        let native = match *op.qubits {
            [_] => target.single.contains(&gate),
            [a, b] => target.edges.iter().any(|e| (e.gate, e.from, e.to) == (gate, a, b)),
            _ => false,
        };
        assert!(native, "{what}: {} on {:?} is not native", op.name(), op.qubits);
        if gate == Gate::Rzz {
            let allowed = matches!(op.params(), &[Param::Fixed(angle)] if (0.0..=FRAC_PI_2).contains(&angle));
            assert!(allowed, "{what}: the hardware has no rzz by {:?}", op.params());
        }
    }
}
