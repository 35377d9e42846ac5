//! Circuits with channels in them, on an engine.

use qgraft::circuit::{self as library, Observable, Op, OpKind};
use qgraft::noise::Program;
use qgraft::sim::mitigate::all_twirled;
use qgraft::sim::{self, CompileOptions, Execution};

use crate::error::{Answer, Fault};

/// Channels act on qubits of the circuit, as many as they have operands.
pub fn check_noise(circuit: &library::Circuit, noise: &[(usize, qgraft::noise::Channel, Vec<usize>)]) -> Answer<()> {
    let (width, length) = (circuit.qubits(), circuit.ops().len());
    for (at, channel, qubits) in noise {
        let refuse = |reason: String| Err(Fault::Of("NoiseError", format!("{channel:?} on {qubits:?}: {reason}")));
        if *at > length {
            return refuse(format!("it follows {at} operations, the circuit has {length}"));
        }
        if qubits.len() != channel.qubits() {
            return refuse(format!("it acts on {} qubits", channel.qubits()));
        }
        if qubits.iter().any(|&qubit| qubit >= width) || (qubits.len() == 2 && qubits[0] == qubits[1]) {
            return refuse(format!("use different qubits, 0 to {}", width.saturating_sub(1)));
        }
    }
    Ok(())
}

/// A circuit with channels in it, on an engine.
pub fn with_channels(
    circuit: &library::Circuit,
    qubits: &[usize],
    observables: Vec<Observable>,
    condition: &sim::Condition,
    options: &CompileOptions,
    seed: u64,
    mut noise: Vec<(usize, qgraft::noise::Channel, Vec<usize>)>,
) -> Answer<Execution> {
    if let Some(device) = &condition.device {
        let message = format!(
            "channels in a circuit and the noise of {device} cannot be combined: transpiling moves what the channels follow; \
             take the channels out or the device away"
        );
        return Err(Fault::Of("NoiseError", message));
    }
    let sim::Condition { source, scale, .. } = condition;
    if source != "all" || *scale != 1.0 {
        let message = format!(
            "source = {source:?} and scale = {scale} act on the noise of a device, and the channels in the circuit are none; \
             change the numbers of the channels, or leave out those that should not act"
        );
        return Err(Fault::Of("NoiseError", message));
    }
    // A barrier in front carries what precedes every operation.
    let mut whole = library::Circuit::with_bits(circuit.qubits(), circuit.bits()).with_scratch(circuit.scratch());
    whole.copy_slots(circuit);
    whole.append(Op::of(OpKind::Barrier, &[0]))?;
    for op in circuit.ops() {
        whole.append(op.clone())?;
    }
    noise.sort_by_key(|(at, _, _)| *at);
    let (mut next, mut number) = (noise.into_iter().peekable(), 0);
    let after = |_: &Op| {
        let mut here = Vec::new();
        while let Some((_, channel, qubits)) = next.next_if(|(at, _, _)| *at <= number) {
            here.push((channel, qubits));
        }
        number += 1;
        here
    };
    let program = Program::compile(&whole, qubits, after, |_| None);
    let program = if options.twirl { all_twirled(&program) } else { program };
    let simulator = options.simulator(condition, seed)?;
    Ok(Execution::new(program, observables, 0, simulator)?)
}
