//! Shots of the stabilizer engine: by chi-square against exact probabilities, and those of error-correcting codes against stim,
//! with their exact detection rates.

use qgraft::circuit::Gate;
use qgraft::noise::{Channel, Program, Step};
use qgraft::sim::{Density, ShotRecords, Simulator, Stabilizer};
use serde_json::Value;

use crate::support::clifford::{gate, kinds, none, program, random};

/// Whether counts are those of draws with these probabilities: Pearson's sum over outcomes that are expected five times or
/// more, the others together, lies within six standard deviations of its mean.
fn plausible(counts: &[u64], p: &[f64], what: &str) {
    let shots: u64 = counts.iter().sum();
    let (mut sum, mut cells, mut rest) = (0.0, 0.0, (0.0, 0.0));
    let mut add = |count: f64, expected: f64| {
        sum += (count - expected).powi(2) / expected;
        cells += 1.0;
    };
    for (outcome, (&count, &p)) in counts.iter().zip(p).enumerate() {
        let expected = p * shots as f64;
        assert!(count == 0 || p > 1e-12, "{what}: outcome {outcome} is impossible and came up {count} times");
        match expected >= 5.0 {
            true => add(count as f64, expected),
            false => rest = (rest.0 + count as f64, rest.1 + expected),
        }
    }
    if rest.1 >= 1.0 {
        add(rest.0, rest.1);
    }
    let degrees: f64 = (cells - 1.0f64).max(0.0);
    assert!(sum <= degrees + 6.0 * (2.0 * degrees).sqrt() + 1e-9, "{what}: chi-square {sum} of {degrees} degrees");
}

#[test]
fn shots_have_the_exact_probabilities() {
    for (name, kinds) in kinds() {
        for seed in 100..112 {
            let qubits = 1 + seed as usize % 5;
            let program = random(seed, qubits, 24, kinds);
            let p = Density::default().probabilities(&program, none()).unwrap();
            let counts = Stabilizer.sample(&program, none(), 5000, seed).unwrap();
            assert_eq!(counts.sum(), 5000);
            plausible(counts.as_slice().unwrap(), p.as_slice().unwrap(), &format!("{name}, seed {seed}"));
        }
    }
}

/// A circuit of stim as a program, with its detectors and then its logical observables as sets of bits.
fn read(lines: &[Value]) -> (Program, Vec<Vec<usize>>) {
    let (mut steps, mut bits, mut detectors, mut logical): (Vec<Step>, usize, Vec<_>, Vec<_>) = Default::default();
    let mut width = 0;
    for line in lines.iter().map(|line| line.as_str().unwrap()) {
        let (head, targets) = line.split_once(' ').unwrap();
        let (name, argument) = head.strip_suffix(')').map_or((head, 0.0), |head| {
            let (name, argument) = head.split_once('(').unwrap();
            (name, argument.parse().unwrap())
        });
        if let "DETECTOR" | "OBSERVABLE_INCLUDE" = name {
            let back =
                |target: &str| target.trim_start_matches("rec[-").trim_end_matches(']').parse::<usize>().unwrap();
            let set = targets.split(' ').map(|target| bits - back(target)).collect();
            if name == "DETECTOR" {
                detectors.push(set)
            } else {
                logical.push(set)
            };
            continue;
        }
        let targets: Vec<usize> = targets.split(' ').map(|target| target.parse().unwrap()).collect();
        width = width.max(targets.iter().max().unwrap() + 1);
        let gates = |gates: &[Gate], qubits: &[usize], steps: &mut Vec<Step>| {
            steps.extend(gates.iter().map(|&one| gate(one, qubits, &[])));
        };
        for qubits in targets.chunks(if name == "CX" || name == "DEPOLARIZE2" { 2 } else { 1 }) {
            let noise = |name: &str, values: &[f64]| {
                let channel = Channel::named(name, values).unwrap();
                Step::Noise { channel, qubits: qubits.to_vec(), condition: None }
            };
            let (before, after): (&[Gate], &[Gate]) = match name {
                "MX" => (&[Gate::H], &[Gate::H]),
                "MY" => (&[Gate::Sx], &[Gate::Sxdg]),
                _ => (&[], &[]),
            };
            match name {
                "H" => gates(&[Gate::H], qubits, &mut steps),
                "CX" => gates(&[Gate::Cx], qubits, &mut steps),
                "C_XYZ" => gates(&[Gate::Sdg, Gate::H], qubits, &mut steps),
                "X_ERROR" => steps.push(noise("bit_flip", &[argument])),
                "Z_ERROR" => steps.push(noise("phase_flip", &[argument])),
                "DEPOLARIZE1" => steps.push(noise("depolarizing_pauli", &[argument])),
                "DEPOLARIZE2" => steps.push(noise("depolarizing2_pauli", &[argument])),
                "R" | "RX" => {
                    steps.push(Step::Reset { qubit: qubits[0], condition: None });
                    gates(if name == "RX" { &[Gate::H] } else { &[] }, qubits, &mut steps);
                }
                "M" | "MX" | "MY" | "MR" => {
                    gates(before, qubits, &mut steps);
                    steps.push(Step::Measure { qubit: qubits[0], bit: bits, confusion: None, condition: None });
                    bits += 1;
                    gates(after, qubits, &mut steps);
                    if name == "MR" {
                        steps.push(Step::Reset { qubit: qubits[0], condition: None });
                    }
                }
                other => panic!("{other} is not read"),
            }
        }
    }
    detectors.extend(logical);
    (program(width, bits, steps), detectors)
}

/// Whether the sum of a set of bits of a shot is odd.
fn is_odd(records: &ShotRecords, shot: usize, set: &[usize]) -> bool {
    set.iter().filter(|&&bit| records.bit(shot, bit)).count() % 2 == 1
}

#[test]
fn codes_are_detected_as_often_as_by_stim() {
    let reference: Value = serde_json::from_str(include_str!("../reference/stabilizer.json")).unwrap();
    let theirs = reference["shots"].as_u64().unwrap() as f64;
    for case in reference["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let (program, sets) = read(case["circuit"].as_array().unwrap());
        let rates: Vec<f64> = case["rates"].as_array().unwrap().iter().map(|rate| rate.as_f64().unwrap()).collect();
        let means = Stabilizer.parities(&program, &[], &sets).unwrap();
        assert_eq!(means.len(), rates.len(), "{name}");
        for (number, (mean, rate)) in means.iter().zip(&rates).enumerate() {
            // Both are exact; theirs is a product of some hundred factors.
            let own = (1.0 - mean) / 2.0;
            assert!((own - rate).abs() < 1e-10, "{name}, detector {number}: {own} instead of {rate}");
        }
        let shots = 20_000;
        let records = Stabilizer.records(&program, &[], shots, 5).unwrap();
        let detectors = sets.len() - 1;
        let mut fired = vec![0.0; detectors + 1];
        for shot in 0..shots {
            fired[sets[..detectors].iter().filter(|set| is_odd(&records, shot, set)).count()] += 1.0;
        }
        for (number, set) in sets.iter().enumerate() {
            let count = (0..shots).filter(|&shot| is_odd(&records, shot, set)).count() as f64;
            let (mean, p) = (shots as f64 * rates[number], rates[number]);
            assert!(
                (count - mean).abs() < 5.0 * (mean * (1.0 - p)).sqrt(),
                "{name}, detector {number}: {count}, {mean}"
            );
        }
        // Two samples of one distribution: the chi-square of counts a and b of N and M shots.
        let histogram: Vec<f64> =
            case["fired"].as_array().unwrap().iter().map(|count| count.as_f64().unwrap()).collect();
        let (mut sum, mut cells) = (0.0, 0.0);
        for (count, own) in fired.iter().enumerate() {
            let their = histogram.get(count).copied().unwrap_or(0.0);
            if own + their >= 50.0 {
                sum += ((theirs / shots as f64).sqrt() * own - (shots as f64 / theirs).sqrt() * their).powi(2)
                    / (own + their);
                cells += 1.0;
            }
        }
        assert!(sum < cells + 6.0 * (2.0f64 * cells).sqrt(), "{name}: chi-square {sum} of {cells} cells");
    }
}

#[test]
fn same_seed_same_rows_at_any_number_of_threads() {
    for (name, kinds) in kinds() {
        let program = random(300, 4, 20, kinds);
        let rows = [1, 2].map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| {
                let p = Stabilizer.probabilities(&program, none()).unwrap();
                (Stabilizer.records(&program, &[], 3000, 1).unwrap(), p)
            })
        });
        assert_eq!(rows[0], rows[1], "{name}");
        assert_eq!((rows[0].0.shots(), rows[0].0.bits()), (3000, 4));
        assert_ne!(rows[0].0, Stabilizer.records(&program, &[], 3000, 2).unwrap(), "{name}: another seed");
    }
}
