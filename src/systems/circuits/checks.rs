//! What is expected of a whole run. Bounds are those of the papers, fixed before any run.

use crate::lab::{Check, Expect, Query, Results, Samples};
use crate::study::stats::{kendall, mean};
use crate::systems::circuits::grids::{DECAY, EXPRESSIBILITY, GRADIENTS, TRANSPILATION};
use crate::systems::circuits::spec::IDEAL;

/// Factors that identify a circuit.
const CIRCUIT: [&str; 3] = ["ansatz", "qubits", "depth"];

/// Every check.
pub const CHECKS: &[Check] = &[
    Check {
        name: "global_decay",
        doc: "largest decay factor per qubit under the global cost, uniform starts, no noise (product circuits: 3/8, \
              Cerezo et al. 2021)",
        expect: Expect::AtMost(0.5),
        value: |all| Some(uniform(all, "global").samples()?.averaged_by(&["ansatz", "depth"]).max()),
    },
    Check {
        name: "deep_local_decay",
        doc: "largest decay factor per qubit under the local cost, uniform starts, no noise, in circuits of at least two \
              layers a qubit (2-designs: 1/2, McClean et al. 2018)",
        expect: Expect::AtMost(0.6),
        value: |all| {
            let (_, widest) = ends(all, GRADIENTS, "qubits")?;
            let (_, deepest) = ends(all, DECAY, "depth")?;
            let is_deep = deepest.parse::<usize>().ok()? >= 2 * widest.parse::<usize>().ok()?;
            let own = uniform(all, "local").at("depth", &deepest).samples()?.averaged_by(&["ansatz"]);
            is_deep.then(|| own.max())
        },
    },
    Check {
        name: "depth_expressibility",
        doc: "mean expressibility of the deepest circuits over that of the shallowest (Sim et al. 2019)",
        expect: Expect::AtMost(0.5),
        value: |all| {
            let (shallowest, deepest) = ends(all, EXPRESSIBILITY, "depth")?;
            let of = |depth: &str| all.of("expressibility").at("depth", depth).samples();
            of(&deepest)?.over(&of(&shallowest)?)
        },
    },
    Check {
        name: "haar_entanglement",
        doc: "entangling capability of the deepest circuits over the mean of Haar-random states, mean over circuits (Sim et \
              al. 2019)",
        expect: Expect::Within(0.9, 1.1),
        value: |all| {
            let (_, deepest) = ends(all, EXPRESSIBILITY, "depth")?;
            let by_qubits = all.of("entangling_capability").at("depth", &deepest).by("qubits");
            let ratio = |(qubits, found): &(String, Samples)| {
                let dimension = 2f64.powi(qubits.parse().ok()?);
                Some(found.mean() * (dimension + 1.0) / (dimension - 2.0))
            };
            mean(&by_qubits.iter().filter_map(ratio).collect::<Vec<_>>())
        },
    },
    Check {
        name: "trade_off",
        doc: "Kendall's rank correlation of expressibility and gradient variance over ansätze and depths, uniform starts, no \
              noise, mean over numbers of qubits (positive: Holmes et al. 2022)",
        expect: Expect::AtLeast(0.0),
        value: |all| {
            let variance = all.of("variance").at("start", "uniform").at("device", IDEAL);
            let correlation = |(qubits, own): &(String, Samples)| {
                let variance = variance.clone().at("qubits", qubits).samples()?;
                let (divergences, variances) = own.paired(&variance, &["ansatz", "depth"]);
                kendall(&divergences, &variances)
            };
            let by_qubits = all.of("expressibility").by("qubits");
            mean(&by_qubits.iter().filter_map(correlation).collect::<Vec<_>>())
        },
    },
    Check {
        name: "optimisation",
        doc: "two-qubit gates at the highest level over those at the lowest, worst circuit and device",
        expect: Expect::AtMost(1.0),
        value: |all| {
            let (lowest, highest) = ends(all, TRANSPILATION, "optimization_level")?;
            let of = |level: &str| all.of("two_qubit_gates").at("optimization_level", level).samples();
            let ratios = ratios(&of(&highest)?, &of(&lowest)?, &[&CIRCUIT[..], &["device", "layout"]].concat());
            ratios.into_iter().reduce(f64::max)
        },
    },
    Check {
        name: "layout",
        doc: "success with the noise-aware layout over that with the trivial one at the highest level, worst circuit and \
              device",
        expect: Expect::AtLeast(1.0),
        value: |all| {
            let (_, highest) = ends(all, TRANSPILATION, "optimization_level")?;
            let of = |layout: &str| all.of("success").at("optimization_level", &highest).at("layout", layout).samples();
            let ratios = ratios(&of("noise_aware")?, &of("trivial")?, &[&CIRCUIT[..], &["device"]].concat());
            ratios.into_iter().reduce(f64::min)
        },
    },
];

/// Decay factors under a cost from uniform starts without noise.
fn uniform<'a>(all: &'a Results, cost: &str) -> Query<'a> {
    all.of("decay_factor").at("cost", cost).at("start", "uniform").at("device", IDEAL)
}

/// The smallest and the largest level of a factor whose levels are numbers; `None` of fewer than two levels.
fn ends(all: &Results, grid: &str, factor: &str) -> Option<(String, String)> {
    let mut levels: Vec<&str> = all.grid(grid)?.factor(factor)?.names().collect();
    levels.sort_by_key(|level| level.parse::<usize>().unwrap_or(usize::MAX));
    match levels[..] {
        [first, .., last] => Some((first.into(), last.into())),
        _ => None,
    }
}

fn ratios(own: &Samples, other: &Samples, pairs: &[&str]) -> Vec<f64> {
    let (own, other) = own.paired(other, pairs);
    let both = own.into_iter().zip(other).filter(|(_, other)| *other > 0.0);
    both.map(|(own, other)| own / other).collect()
}
