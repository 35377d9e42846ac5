//! A potential learned from a force field and tuned to few labels of GFN2-xTB, and what it says of a frame.
//!
//! `cargo run --release --example potential`

use qgraft::lab::run_in_memory;
use qgraft::math::neighbors::Cell;
use qgraft::systems::potential::{InteratomicPotential, Material, Part, Spec};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arms = ["scratch", "fine_tuned", "force_field"].map(String::from).to_vec();
    let spec = Spec { arms, rows: vec![25], parts: vec![Part::Tuning], ..Spec::default() };
    let material = &Material::all(&spec)?[0];
    let frame = &material.high[0];
    let energy = frame.labels.as_ref().map_or(f64::NAN, |labels| labels.energy);
    println!("{} frames of {}, the first at {energy:.3} eV", material.high.len(), frame.formula());
    println!("periodic: {:?}", frame.cell.as_ref().map(Cell::periodic));

    let results = run_in_memory::<InteratomicPotential>(&spec)?;
    for (arm, forces) in results.of("force_mae").grid("tuning").by("arm") {
        let energy = results.of("energy_mae").grid("tuning").at("arm", &arm).samples();
        let energy = energy.map_or(f64::NAN, |samples| samples.mean());
        println!("{arm:12} forces {:.0} meV/Å, energy {energy:.0} meV", forces.mean());
    }
    Ok(())
}
