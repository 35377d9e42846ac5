//! Films and reports of drawn angiographies: retrieval, pooling by attention, and few labels. Not for diagnosis.
//!
//! `cargo run --release --example angiography`

use qgraft::lab::run_in_memory;
use qgraft::systems::angiography::{Angiography, Part, Spec};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let parts = vec![Part::Retrieval, Part::Pooling, Part::Transfer];
    let results = run_in_memory::<Angiography>(&Spec { parts, ..Spec::default() })?;
    for loss in ["clip", "siglip", "shuffled"] {
        let own = results.cell("retrieval", "recall_10", &[("arm", loss)]).samples().ok_or("no retrieval")?;
        println!("{loss:10} {:.0} % of the reports are among the first ten", 100.0 * own.mean());
    }
    for lesion in ["hidden", "everywhere"] {
        for pooling in ["mean", "gated", "hybrid"] {
            let at = [("arm", pooling), ("lesion", lesion)];
            let area = results.cell("pooling", "lesion_auc", &at).samples().ok_or("no pooling")?;
            println!("lesion {lesion:10} {pooling:8} area {:.3}", area.mean());
        }
    }
    for arm in ["scratch", "frozen", "unfrozen", "random"] {
        let area = results.cell("transfer", "outcome_auc", &[("arm", arm)]).samples().ok_or("no transfer")?;
        let memory = results.cell("transfer", "step_memory", &[("arm", arm)]).samples().ok_or("no transfer")?;
        println!("{arm:10} area of the outcome {:.3}, {:.2} MB a step", area.mean(), memory.mean());
    }
    Ok(())
}
