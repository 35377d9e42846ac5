//! PRISM-Q: what its users prepare once (parsing, fusion) is prepared once.

use prism_q::backend::Backend;
use prism_q::circuit::openqasm::parse;
use prism_q::{
    BackendKind, Circuit, Instruction, NoiseChannel, NoiseEvent, NoiseModel, Parameters, PauliTerm, PreparedCircuit, StatevectorBackend,
    CircuitBuilder, simulate,
};
use serde_json::Value;
use smallvec::smallvec;

pub fn states(text: &str, budget: f64) -> (f64, f64, f64) {
    // OpenQASM 3 calls cu1 cp.
    let circuit = parse(&text.replace("cu1", "cp")).expect("OpenQASM");
    let qubits = circuit.num_qubits;
    let mut prepared =
        PreparedCircuit::with_backend(circuit, Parameters::default(), BackendKind::Statevector).expect("a plan");
    let fused = prepared.bind_fused(&[]).expect("no parameters").clone();
    let mut backend = StatevectorBackend::new(1);
    let (median, least, ()) = crate::timed(budget, || {
        backend.init(qubits, 0).expect("memory");
        backend.apply_instructions(&fused.instructions).expect("gates");
    });
    (median, least, crate::amplitudes_checksum(&backend.export_statevector().expect("a state")))
}

pub fn gradient(qubits: usize, layers: usize, batch: usize, budget: f64) -> (f64, f64, f64) {
    let mut builder = CircuitBuilder::new(qubits);
    for q in 0..qubits {
        builder.ry(0.0, q).param(q);
    }
    for layer in 1..=layers {
        for q in 0..qubits {
            builder.ry(0.0, q).param(layer * qubits + q);
        }
        for q in 1..qubits {
            builder.cx(q - 1, q);
        }
    }
    let (template, parameters) = builder.build_parametric();
    let observable: Vec<_> = (0..qubits).map(|q| (1.0, vec![PauliTerm::z(q)])).collect();
    let rows = crate::angles(qubits, layers, batch);
    let (median, least, gradients) = crate::timed(budget, || {
        let row = |row: &Vec<f64>| {
            let bound = parameters.bind(&template, row).expect("one angle a slot");
            simulate(&bound).seed(1).expectation_gradient(&observable, &parameters).expect("a gradient").gradient
        };
        rows.iter().map(row).collect::<Vec<_>>()
    });
    (median, least, crate::gradient_checksum(qubits, &gradients))
}

/// The circuit and the noise after each of its gates; readout is left out.
fn noisy(text: &str, noise: &str) -> (Circuit, NoiseModel) {
    let circuit = parse(text).expect("OpenQASM");
    let file: Value = serde_json::from_str(noise).expect("JSON");
    let events = |instruction: &Instruction| match instruction {
        Instruction::Gate { gate, targets } => {
            let names: Vec<String> = targets.iter().map(usize::to_string).collect();
            match &file["channels"][format!("{} {}", gate.name(), names.join(" "))] {
                Value::Null => Vec::new(),
                entry => channels(entry, targets),
            }
        }
        _ => Vec::new(),
    };
    let after_gate = circuit.instructions.iter().map(events).collect();
    (circuit, NoiseModel { after_gate, readout: Vec::new() })
}

fn channels(entry: &Value, targets: &[usize]) -> Vec<NoiseEvent> {
    // λ·I/2ⁿ is each of the 4ⁿ Paulis with λ/4ⁿ; PRISM-Q counts the 4ⁿ − 1 that do something.
    let lambda = entry["depol"].as_f64().expect("a number");
    let share = 1.0 - 0.25_f64.powi(targets.len() as i32);
    let mut events = Vec::new();
    if lambda > 0.0 {
        let channel = match targets.len() {
            1 => NoiseChannel::Depolarizing { p: lambda * share },
            _ => NoiseChannel::TwoQubitDepolarizing { p: lambda * share },
        };
        events.push(NoiseEvent { channel, qubits: targets.iter().copied().collect() });
    }
    for (&qubit, times) in targets.iter().zip(entry["relax"].as_array().expect("a list")) {
        let time = |k: usize| times[k].as_f64().expect("seconds");
        let channel =
            NoiseChannel::ThermalRelaxation { t1: time(0), t2: time(1), gate_time: time(2), excited_population: 0.0 };
        events.push(NoiseEvent { channel, qubits: smallvec![qubit] });
    }
    events
}

pub fn density(text: &str, noise: &str, budget: f64) -> (f64, f64, f64) {
    let (mut circuit, mut noise) = noisy(text, noise);
    let gates = circuit.instructions.iter().take_while(|step| matches!(step, Instruction::Gate { .. })).count();
    circuit.instructions.truncate(gates);
    noise.after_gate.truncate(gates);
    let (median, least, probabilities) = crate::timed(budget, || {
        let outcome = simulate(&circuit).backend(BackendKind::DensityMatrix).noise(&noise).seed(1).run().expect("a run");
        outcome.probabilities.expect("probabilities").to_vec()
    });
    (median, least, crate::checksum(probabilities))
}

pub fn trajectories(text: &str, noise: &str, shots: usize, budget: f64) -> (f64, f64, f64) {
    let (mut circuit, mut noise) = noisy(text, noise);
    if circuit.num_classical_bits == 0 {
        circuit.num_classical_bits = circuit.num_qubits;
        for qubit in 0..circuit.num_qubits {
            circuit.add_measure(qubit, qubit);
            noise.after_gate.push(Vec::new());
        }
    }
    let (median, least, counts) = crate::timed(budget, || {
        let sampled = simulate(&circuit).backend(BackendKind::Statevector).noise(&noise).seed(1);
        sampled.sample_counts(shots).expect("counts").into_counts()
    });
    let mut frequencies = vec![0.0; 1 << circuit.num_qubits];
    for (bits, count) in counts {
        frequencies[bits[0] as usize] += count as f64 / shots as f64;
    }
    (median, least, crate::checksum(frequencies))
}
