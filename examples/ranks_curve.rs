//! A simulated scaling curve of a sharded state: times for 1 to 1,024 ranks from what two ranks measure here.
//!
//! Processes: `cargo build --release --example ranks_curve --features mpi`, then `mpirun -n 2 target/release/examples/ranks_curve`.
//! Latency (µs) and bandwidth (GB/s) of another network may follow.

use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use qgraft::circuit::{Circuit, Gate, Observable};
use qgraft::noise::Program;
use qgraft::sim::ranks::{Communicator, on_threads};
use qgraft::sim::{Angles, Sharded, Simulator, Statevector};
use rustix::time::{ClockId, clock_gettime};

const LAYERS: usize = 10;
/// Qubits of the curve, and of the circuit that is timed.
const WIDE: usize = 30;
const TIMED: usize = 20;
/// Numbers of the message whose bandwidth is measured: 1 MiB.
const MEGABYTE: usize = 1 << 17;
/// Amplitudes of a message, as the engine sends them.
const PIECE: f64 = (1 << 19) as f64;

/// Layers of Ry and Rz on every qubit and a chain of CX.
fn program(qubits: usize) -> Program {
    let mut circuit = Circuit::new(qubits);
    for layer in 0..LAYERS {
        for qubit in 0..qubits {
            let angle = (0.3 + 0.1 * (layer * qubits + qubit) as f64).into();
            circuit
                .push(Gate::Ry, &[qubit], &[angle])
                .and_then(|c| c.push(Gate::Rz, &[qubit], &[angle]))
                .expect("a gate");
        }
        (1..qubits).for_each(|q| _ = circuit.push(Gate::Cx, &[q - 1, q], &[]).expect("a gate"));
    }
    Program::ideal(&circuit, &[])
}

/// The least of some times in which two ranks exchange so many numbers, seconds.
fn exchange_time(ranks: &dyn Communicator, numbers: usize, times: usize) -> Result<f64, Box<dyn Error>> {
    let (mine, mut theirs) = (vec![1.0; numbers], vec![0.0; numbers]);
    let mut least = f64::INFINITY;
    for _ in 0..times {
        let begun = Instant::now();
        ranks.exchange(1 - ranks.rank(), &mine, &mut theirs)?;
        least = least.min(begun.elapsed().as_secs_f64());
    }
    Ok(least)
}

/// Processor time to take an amplitude through a gate on an engine: the least of three runs, seconds.
fn step_time(engine: &dyn Simulator) -> Result<f64, Box<dyn Error>> {
    let (program, mut least) = (program(TIMED), f64::INFINITY);
    let used = || {
        let time = clock_gettime(ClockId::ProcessCPUTime);
        time.tv_sec as f64 + 1e-9 * time.tv_nsec as f64
    };
    for _ in 0..3 {
        let begun = used();
        engine.expect(&program, Angles::of_weights(&[]), &[Observable::z(TIMED - 1)])?;
        least = least.min(used() - begun);
    }
    Ok(least / (program.steps.len() as f64 * 2f64.powi(TIMED as i32)))
}

fn curve(ranks: &dyn Communicator) -> Result<(), Box<dyn Error>> {
    if ranks.size() != 2 {
        return Err("start 2 ranks: they measure latency and bandwidth".into());
    }
    let given: Vec<f64> = std::env::args().skip(1).map(|text| text.parse()).collect::<Result<_, _>>()?;
    let measured = (exchange_time(ranks, 1, 2000)?, exchange_time(ranks, MEGABYTE, 1000)?);
    if ranks.rank() == 1 {
        return Ok(());
    }
    let (latency, bandwidth) = match given[..] {
        [microseconds, gigabytes] => (microseconds * 1e-6, gigabytes * 1e9),
        _ => (measured.0, 8.0 * MEGABYTE as f64 / measured.1),
    };
    let timed = |rank| step_time(&Sharded::new(Arc::new(rank))).map_err(|error| error.to_string());
    let (step, fused) = (on_threads(1, timed).remove(0)?, step_time(&Statevector::default())?);
    let program = program(WIDE);
    let origin = if given.len() == 2 { "given" } else { "measured" };
    println!(
        "Simulated, not run: {WIDE} qubits, {LAYERS} layers, {} gates, one core for each rank.",
        program.steps.len()
    );
    println!("Latency {:.2} µs and bandwidth {:.2} GB/s ({origin});", latency * 1e6, bandwidth * 1e-9);
    println!("{:.2} ns of processor time for an amplitude and a gate, measured on {TIMED} qubits;", step * 1e9);
    println!("the engine statevector, which fuses gates, takes {:.2} ns.\n", fused * 1e9);
    println!("| ranks | GiB a rank | exchanges | gates, s | messages, s | together, s | speed-up | efficiency |");
    println!("|---|---|---|---|---|---|---|---|");
    let mut alone = None;
    for ranks in (0..=10).map(|bits| 1usize << bits) {
        let amplitudes = 2f64.powi(WIDE as i32) / ranks as f64;
        let exchanges = Sharded::exchanges(&program, ranks)?;
        let gates = program.steps.len() as f64 * amplitudes * step;
        // Half of the amplitudes go out, 16 bytes each.
        let messages = exchanges as f64 * ((amplitudes / 2.0 / PIECE).ceil() * latency + 8.0 * amplitudes / bandwidth);
        let (together, gib) = (gates + messages, 16.0 * amplitudes / (1u64 << 30) as f64);
        let speed_up = *alone.get_or_insert(together) / together;
        let efficiency = 100.0 * speed_up / ranks as f64;
        println!(
            "| {ranks} | {gib} | {exchanges} | {gates:.3} | {messages:.3} | {together:.3} | {speed_up:.1} | {efficiency:.0} % |"
        );
    }
    Ok(())
}

#[cfg(feature = "mpi")]
fn main() -> Result<(), Box<dyn Error>> {
    curve(&qgraft::sim::ranks::World::new()?)
}

#[cfg(not(feature = "mpi"))]
fn main() {
    on_threads(2, |rank| curve(&rank).expect("two ranks measure"));
}
