//! A network under the symmetry of its task and under none, and a circuit with the same symmetry.
//!
//! `cargo run --release --example equivariance`

use qgraft::lab::run_in_memory;
use qgraft::systems::equivariance::{Equivariance, Group, Part, Spec, TiedCircuit};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let group = Group::named("dihedral", 10)?;
    println!("dihedral group of ten positions: {} orbits of pairs", group.orbits.count);
    let ansatz = TiedCircuit::ansatz(&group.orbits, 2)?;
    let gates = ansatz.circuit.ops().len();
    println!("circuit of the same symmetry: {gates} gates, {} weights", ansatz.weights());

    let tasks = vec!["cyclic_sum".to_string()];
    let spec = Spec { tasks, parts: vec![Part::Groups], ..Spec::default() };
    let results = run_in_memory::<Equivariance>(&spec)?;
    for (arm, loss) in results.of("loss").by("arm") {
        let accuracy = results.of("accuracy").at("arm", &arm).samples().map_or(f64::NAN, |samples| samples.mean());
        println!("{arm:10} test loss {:.3} nats, accuracy {:.1} %", loss.mean(), 100.0 * accuracy);
    }
    Ok(())
}
