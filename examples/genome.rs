//! A DNA network trained by the likelihood of simulated alignments, and what it says of variants.
//!
//! `cargo run --release --example genome`

use qgraft::lab::run_in_memory;
use qgraft::systems::genome::{Genome, Spec};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arms = ["composition", "phylogenetic", "masked_base"].map(String::from).to_vec();
    let spec = Spec { arms, probes: Vec::new(), ..Spec::default() };
    let results = run_in_memory::<Genome>(&spec)?;
    let mean = |metric: &str, arm: &str| {
        results.of(metric).grid("main").at("arm", arm).samples().map_or(f64::NAN, |samples| samples.mean())
    };
    println!("log-likelihood under the true parameters: {:.3} nats a site", {
        results.of("oracle_log_likelihood").samples().map_or(f64::NAN, |samples| samples.mean())
    });
    for arm in &spec.arms {
        println!(
            "{arm:14} log-likelihood {:.3}, KL of frequencies in motifs {:.3}, AUROC of variants {:.3}",
            mean("log_likelihood", arm),
            mean("kl", arm),
            mean("variant_auroc", arm)
        );
    }
    for (head, likelihood) in results.of("log_likelihood").grid("heads").by("base_head") {
        println!("{head:14} on the frozen embedding: log-likelihood {:.3}", likelihood.mean());
    }
    Ok(())
}
