//! Battery cells of another domain, forecast with and without their first labels.
//!
//! `cargo run --release --example soh`

use qgraft::lab::run_in_memory;
use qgraft::systems::soh::{Soh, Spec};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arms = ["line", "source_only", "prefix"].map(String::from).to_vec();
    let spec = Spec { targets: vec!["hard".into()], arms, ..Spec::default() };
    let results = run_in_memory::<Soh>(&spec)?;
    for (arm, error) in results.of("rmse").by("arm") {
        println!("{arm:12} error {:.2} points of state of health", error.mean());
        for (calibration, inside) in results.of("coverage").grid("main").at("arm", &arm).by("calibration") {
            let levels = [("arm", arm.as_str()), ("calibration", calibration.as_str())];
            let width = results.cell("main", "width", &levels).samples().map_or(f64::NAN, |width| width.mean());
            println!("    {calibration:12} {:5.1} % inside, {width:.2} points wide", 100.0 * inside.mean());
        }
    }
    Ok(())
}
