//! Processor time of one step of molecular dynamics: neighbours, energy and forces of liquid water.
//!
//! ```text
//! cargo bench --bench potential                # a table: molecules, pairs, CPU ms a step
//! python tests/reference/painn_speed.py        # the same by SchNetPack 2.1.1
//! ```
//!
//! Goal: at most 1.5 times SchNetPack's processor time for 64 molecules at the published size (width 128, three blocks, 20
//! radial functions, 5 Å), on one thread. Processor time and the smallest of several runs, because wall time means little on a
//! shared machine.
//!
//! November 2026, two busy cores, PyTorch 2.4.1: 239 against 313 CPU ms for 64 molecules, 21 against 30 for 8. This crate was
//! compiled without optimisation, the tensor library with.

use candle_core::DType;
use qgraft::math::Stream;
use qgraft::math::neighbors::{Cell, Neighbors, Vector, plus};
use qgraft::nn::layer::{AtomGraph, AtomReadout, Painn, PainnSize};
use qgraft::nn::{NnError, Params};
use rustix::time::{ClockId, clock_gettime};

const SIZE: PainnSize = PainnSize { species: 2, width: 128, blocks: 3, radial: 20, cutoff: 5.0 };

fn main() -> Result<(), Box<dyn std::error::Error>> {
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global()?;
    let mut params = Params::new(0, DType::F32);
    Painn::new(&mut params, "body", &SIZE)?;
    AtomReadout::new(&mut params, "head", (SIZE.width, SIZE.width / 2), false)?;
    params.freeze();
    let network = Painn::new(&mut params, "body", &SIZE)?;
    let readout = AtomReadout::new(&mut params, "head", (SIZE.width, SIZE.width / 2), false)?;
    for side in [2usize, 4] {
        let (cell, points) = water(side)?;
        let species: Vec<u32> = (0..points.len()).map(|k| u32::from(k % 3 == 0)).collect();
        let mut best = f64::INFINITY;
        let mut count = 0;
        for _ in 0..8 {
            let start = seconds();
            let pairs = Neighbors::within(&points, Some(&cell), SIZE.cutoff)?;
            let graph = AtomGraph::new(&species, &pairs, &SIZE, DType::F32)?;
            network.forward(&graph, &|q| readout.forward(q).map_err(NnError::from))?;
            best = best.min(seconds() - start);
            count = pairs.len();
        }
        println!("{:4} molecules {count:7} pairs {:8.2} CPU ms a step", points.len() / 3, 1000.0 * best);
    }
    Ok(())
}

/// Molecules on a cubic lattice at 1 g/cm³, each atom a little off.
fn water(side: usize) -> Result<(Cell, Vec<Vector>), String> {
    let spacing = 3.104;
    let mut stream = Stream::named(0, "water");
    let mut points = Vec::new();
    for k in 0..side.pow(3) {
        let place = [k / side / side, k / side % side, k % side].map(|n| n as f64 * spacing);
        for atom in [[0.0, 0.0, 0.0], [0.76, 0.59, 0.0], [-0.76, 0.59, 0.0]] {
            let off: Vector = std::array::from_fn(|_| 0.1 * stream.normal());
            points.push(plus(&plus(&place, 1.0, &atom), 1.0, &off));
        }
    }
    Ok((Cell::cube(spacing * side as f64)?, points))
}

/// Processor time of this process.
fn seconds() -> f64 {
    let now = clock_gettime(ClockId::ProcessCPUTime);
    now.tv_sec as f64 + now.tv_nsec as f64 * 1e-9
}
