//! A function of two numbers and a choice, tuned with the history of a similar one; then an SQL engine.
//!
//! `cargo run --release --example tuner`

use qgraft::classic::tuning::{Knob, Model, Options, Space, Task, Tuner};
use qgraft::lab::run_in_memory;
use qgraft::systems::tuner::{Spec, SqlTuner};

/// Tunes for 20 full measurements; the task with what was measured.
fn tuned(space: &Space, options: Options, sources: &[Task], shift: f64) -> Task {
    let full = options.full();
    let mut tuner = Tuner::new(space, options, sources, &[], 0);
    let mut spent = 0.0;
    while spent < 20.0 {
        let Some(next) = tuner.ask() else { break };
        let unit = space.to_unit(&next.configuration);
        let value = (unit[0] - 0.6 - shift).powi(2) + (unit[1] - 0.3).powi(2) + 0.2 * (1.0 - unit[2]);
        let cost = 3f64.powi(next.level as i32 - full as i32);
        spent += cost;
        tuner.tell(&next, Some(value), cost, Vec::new());
    }
    tuner.task().clone()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let space = Space::new(vec![
        Knob::number("rate", (1e-4, 1.0), true, 1e-3),
        Knob::whole("depth", (1, 12), false, 6),
        Knob::choice("method", &["sgd", "adam"], 0),
    ])?;
    let similar = Task { name: "similar".into(), ..tuned(&space, Options::plain(Model::Forest), &[], 0.05) };
    for (name, task) in [
        ("forest, full measurements", tuned(&space, Options::plain(Model::Forest), &[], 0.0)),
        ("with the similar task", tuned(&space, Options::mftune(3), &[similar], 0.0)),
    ] {
        let (best, value) = task.best(2).ok_or("nothing was measured")?;
        println!("{name}: {value:.5} at {}", space.text(best));
    }
    let arms = ["smac", "mftune", "random", "default"].map(String::from).to_vec();
    let results = run_in_memory::<SqlTuner>(&Spec { arms, seeds: vec![0, 1], ..Spec::default() })?;
    for (arm, samples) in results.of("slowdown").grid("main").by("arm") {
        println!("{arm:8} {:.3} times the least possible time", samples.mean());
    }
    Ok(())
}
