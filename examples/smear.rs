//! Simulated detectors with errors of rising correlation, fused from a program.
//!
//! `cargo run --release --example smear`

use qgraft::classic::boxes::{Detection, FUSIONS, Fusion};
use qgraft::study::detection::Scores;
use qgraft::systems::smear::{CELLS, Simulation, fuse_fields, random_fields};

fn main() {
    let truths = random_fields(60, 1);
    let score = |found: &[Vec<Detection>]| Scores::of(found, &truths, CELLS.len()).map;
    for correlation in [0.0, 0.5, 0.9] {
        let detectors = Simulation::default().detectors(&truths, CELLS.len(), correlation, 2);
        let members: Vec<&[Vec<Detection>]> = detectors.iter().map(|found| &found[..]).collect();
        let best = members.iter().map(|found| score(found)).fold(0.0, f64::max);
        println!("correlation of errors {correlation}: the best detector has mAP50-95 {best:.3}");
        for row in FUSIONS {
            println!("  {:16} {:.3}", row.name, score(&fuse_fields(&Fusion::new(row.method), &members)));
        }
    }
}
