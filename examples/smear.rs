//! examples/smear.rs: simulated detectors whose errors are more and more alike, fused from a program.
//!
//! `cargo run --release --example smear`

use qgraft::classic::boxes::{Detection, FUSIONS, Fusion};
use qgraft::study::detection::Scores;
use qgraft::systems::smear::{CELLS, Simulation, fused, scenes};

fn main() {
    let truths = scenes(60, 1);
    let score = |found: &[Vec<Detection>]| Scores::of(found, &truths, CELLS.len()).map;
    for correlation in [0.0, 0.5, 0.9] {
        let detectors = Simulation::default().detectors(&truths, CELLS.len(), correlation, 2);
        let members: Vec<&[Vec<Detection>]> = detectors.iter().map(|found| &found[..]).collect();
        let best = members.iter().map(|found| score(found)).fold(0.0, f64::max);
        println!("errors with correlation {correlation}: the best detector reaches mAP {best:.3}");
        for row in FUSIONS {
            println!("  {:16} {:.3}", row.name, score(&fused(&Fusion::new(row.method), &members)));
        }
    }
}
