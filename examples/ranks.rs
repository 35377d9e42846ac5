//! A sharded state, rows and shots over ranks; the same numbers at any number of ranks.
//!
//! `cargo run --example ranks 4` (threads), or `mpirun -n 4 target/debug/examples/ranks` of a build with `--features mpi`.

use std::error::Error;
use std::sync::Arc;

use ndarray::Array2;
use qgraft::circuit::{Circuit, Gate, Observable};
use qgraft::noise::Program;
use qgraft::sim::ranks::{Communicator, Rows, ShotBlocks};
use qgraft::sim::{Angles, EngineOptions, Sharded, Simulator, Statevector};

/// Rotations and a ring of CX, twice.
fn program(qubits: usize) -> Result<Program, Box<dyn Error>> {
    let mut circuit = Circuit::new(qubits);
    let angle = circuit.slot("angle");
    for layer in 0..2 {
        for qubit in 0..qubits {
            circuit.push(Gate::Ry, &[qubit], &[angle * (1.0 + 0.1 * (qubit + layer) as f64)])?;
        }
        (0..qubits).try_for_each(|q| circuit.push(Gate::Cx, &[q, (q + 1) % qubits], &[]).map(|_| ()))?;
    }
    Ok(Program::ideal(&circuit, &[]))
}

fn run(ranks: Arc<dyn Communicator>) -> Result<(), Box<dyn Error>> {
    let program = program(8)?;
    let observables = [Observable::z(7), "X0 X7 + Y1 Y6".parse()?];
    let sharded = Sharded::new(Arc::clone(&ranks));
    let values = sharded.expect(&program, Angles::of_weights(&[0.4]), &observables)?;
    let outcomes = sharded.outcomes(&program, &[0.4], 5, 1)?;

    let inputs = Array2::from_shape_fn((100, 1), |(row, _)| 0.01 * row as f64);
    let batch = Angles { inputs: inputs.view(), weights: (&[]).into() };
    let rows = Rows::new(Arc::new(Statevector::default()), Arc::clone(&ranks));
    let gradient = rows.vjp(&program, batch, &observables, Array2::ones((100, 2)).view())?;

    let options = EngineOptions { shots: 1000, ..EngineOptions::default() };
    let shots = ShotBlocks::new("trajectory", options, Arc::clone(&ranks))?;
    let counts = shots.sample(&program, Angles::of_weights(&[0.4]), 1000, 1)?;
    if ranks.rank() == 0 {
        println!("{} ranks", ranks.size());
        println!("values {:?}, outcomes {outcomes:?}", values.row(0).to_vec());
        println!("gradient of row 50 {}, sum {}", gradient.inputs[[50, 0]], gradient.inputs.sum());
        println!("{} of 1000 shots are 0", counts[[0, 0]]);
    }
    Ok(())
}

#[cfg(feature = "mpi")]
fn main() -> Result<(), Box<dyn Error>> {
    run(Arc::new(qgraft::sim::ranks::World::new()?))
}

#[cfg(not(feature = "mpi"))]
fn main() {
    let size = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(2);
    qgraft::sim::ranks::on_threads(size, |rank| run(Arc::new(rank)).expect("the circuit runs"));
}
