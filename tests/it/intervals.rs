//! Stated errors of means of draws.

use std::sync::Arc;

use qgraft::circuit::{Circuit, Gate, Observable, Op};
use qgraft::noise::Program;
use qgraft::noise::channel::depolarizing;
use qgraft::sim::{Angles, Density, Mps, Simulator, Trajectory};

use crate::support::random::{self, Kinds};

/// Engines that draw, with so many shots under a seed.
type Engine = fn(usize, u64) -> Arc<dyn Simulator>;

fn engines() -> [(&'static str, Engine); 2] {
    [
        ("trajectory", |shots, seed| Arc::new(Trajectory::new(shots, seed))),
        ("mps", |shots, seed| Arc::new(Mps { shots, seed, ..Mps::default() })),
    ]
}

/// Draws that agree do not show how rare others are, and one draw shows nothing.
#[test]
fn an_interval_holds_what_no_draw_showed() {
    let mut circuit = Circuit::new(2);
    circuit.push(Gate::X, &[0], &[]).unwrap();
    let noise = |op: &Op| vec![(depolarizing(3e-4, 1).unwrap(), op.qubits.to_vec())];
    let program = Program::compile(&circuit, &[], noise, |_| None);
    let observable = [Observable::z(0)];
    let truth = Density::default().expect(&program, Angles::of_weights(&[]), &observable).unwrap()[[0, 0]];
    for (name, engine) in engines() {
        for shots in [1, 2, 10, 1000] {
            for seed in 0..20 {
                let prepared = engine(shots, seed).prepare(&program, &observable, 0).unwrap();
                let value = prepared.expect(Angles::of_weights(&[])).unwrap()[[0, 0]];
                let half = prepared.account(Angles::of_weights(&[])).unwrap().unwrap()[[0, 0]].interval.unwrap();
                let context = format!("{name}, {shots} shots, seed {seed}: {value} ± {half}, {truth}");
                assert!((value - truth).abs() <= half, "{context}");
                assert!(half <= 2.0, "no value is further off than the ends of its range: {context}");
            }
        }
    }
}

/// Of 95 % intervals about 95 in 100 hold the value, and none is far off.
#[test]
fn intervals_of_trajectories_hold_the_value_as_often_as_they_say() {
    let (mut held, mut count) = (0, 0);
    for seed in 0..30 {
        let qubits = 1 + seed as usize % 4;
        let kinds = Kinds { noise: true, dynamic: seed % 2 == 0, readout: true, ..Kinds::default() };
        let program = random::program(seed, qubits, 12, (0, 3), kinds);
        let (_, weights) = random::angles(seed, 1, 0, 3);
        let weights = weights.to_vec();
        let angles = || Angles::of_weights(&weights);
        let observables = random::observables(qubits);
        let truth = Density::default().expect(&program, angles(), &observables).unwrap();
        let prepared = Trajectory::new(400, seed).prepare(&program, &observables, 0).unwrap();
        let values = prepared.expect(angles()).unwrap();
        let accounts = prepared.account(angles()).unwrap().unwrap();
        for ((value, truth), account) in values.iter().zip(&truth).zip(&accounts) {
            // A program that happens to draw nothing is exact.
            let half = account.interval.unwrap_or(1e-9);
            // Five standard errors.
            assert!((value - truth).abs() <= 2.6 * half, "seed {seed}: {value} ± {half}, {truth}");
            held += usize::from((value - truth).abs() <= half);
            count += 1;
        }
    }
    // Intervals are no narrower than 3 in 400 draws allow, so more than 95 % hold; observables of one program agree by chance.
    assert!(100 * held >= 90 * count, "{held} of {count}");
}

/// Without noise a run draws nothing, and says so.
#[test]
fn a_program_without_chance_has_no_interval() {
    let mut circuit = Circuit::new(2);
    circuit.push(Gate::H, &[0], &[]).unwrap().push(Gate::Cx, &[0, 1], &[]).unwrap();
    let program = Program::ideal(&circuit, &[]);
    for (name, engine) in engines() {
        let prepared = engine(3, 0).prepare(&program, &[Observable::z(0)], 0).unwrap();
        let account = prepared.account(Angles::of_weights(&[])).unwrap().unwrap()[[0, 0]];
        assert!(account.is_exact() && account.certificate() == Some(0.0), "{name}: {account:?}");
    }
}
