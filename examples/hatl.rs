//! Blocks of a backbone released one after the other, beside none and all of them at once.
//!
//! `cargo run --release --example hatl`

use qgraft::lab::run_in_memory;
use qgraft::systems::hatl::{Hatl, Spec};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let spec = Spec { arms: ["hatl", "frozen", "full"].map(String::from).to_vec(), ..Spec::default() };
    let results = run_in_memory::<Hatl>(&spec)?;
    for (point, epochs) in results.kept::<Vec<usize>>("main", "releases") {
        let arm = point.get("arm");
        let bleu = results.of("bleu").at("arm", arm).samples().map_or(f64::NAN, |samples| samples.mean());
        println!("{arm:8} BLEU-4 {:.1} %, releases in epochs {epochs:?}", 100.0 * bleu);
    }
    Ok(())
}
