//! Temporary: bits of every engine's answers.
use ndarray::{Array1, Array2};
use qgraft::circuit::{Circuit, Condition, Gate, Observable, Op, OpKind, Param};
use qgraft::device::{Device, Target, transpile};
use qgraft::math::Stream;
use qgraft::noise::{NoiseModel, Program};
use qgraft::sim::mitigate::{Apply, MITIGATIONS};
use qgraft::sim::{Angles, ENGINES, EngineOptions, Precision, Shots, Simulator, Gradient};
use std::sync::Arc;

fn h(v: impl Iterator<Item = u64>) -> u64 {
    v.fold(0xcbf29ce484222325, |a, x| (a ^ x).wrapping_mul(0x100000001b3).rotate_left(17))
}
fn hf<'a>(v: impl Iterator<Item = &'a f64>) -> u64 { h(v.map(|x| x.to_bits())) }
fn show<T, E: std::fmt::Display>(r: Result<T, E>, f: impl Fn(T) -> u64) -> String {
    match r { Ok(t) => format!("{:016x}", f(t)), Err(e) => format!("ERR {e}") }
}

fn circuit(qubits: usize, layers: usize, kind: usize, stream: &mut Stream) -> (Circuit, usize) {
    let mut c = Circuit::new(qubits);
    let inputs = qubits;
    let slots: Vec<Param> = (0..qubits * (layers + 1)).map(|k| c.slot(format!("s{k}"))).collect();
    for layer in 0..=layers {
        for q in 0..qubits {
            let s = slots[layer * qubits + q];
            match kind {
                0 => { c.push(Gate::Ry, &[q], &[s]).unwrap(); }
                1 => { c.push(Gate::Ry, &[q], &[s]).unwrap(); c.push(Gate::Rz, &[q], &[s * 0.5 + 0.3]).unwrap(); c.push(Gate::Sx, &[q], &[]).unwrap(); }
                _ => { c.push(Gate::U, &[q], &[s, (stream.normal()).into(), s * -1.0]).unwrap(); }
            }
        }
        if layer > 0 {
            for q in 1..qubits {
                match kind {
                    0 => c.push(Gate::Cx, &[q - 1, q], &[]).unwrap(),
                    1 => c.push(Gate::Cz, &[q, q - 1], &[]).unwrap(),
                    _ => if q > 1 && layer == 1 { c.push(Gate::Ccx, &[q - 2, q - 1, q], &[]).unwrap() } else { c.push(Gate::Crx, &[q - 1, q], &[slots[0] * 0.7]).unwrap() },
                };
            }
        }
    }
    (c, inputs)
}

fn angles(n: usize, inputs: usize, batch: usize) -> (Array2<f64>, Array1<f64>) {
    (Array2::from_shape_fn((batch, inputs), |(b, i)| 1.5 * (0.7 * (b * inputs + i) as f64 + 0.1).sin()),
     Array1::from_shape_fn(n - inputs, |k| 1.2 * (0.9 * k as f64 + 0.3).cos()))
}

fn all(label: &str, engine: &dyn Simulator, program: &Program, a: Angles, obs: &[Observable], out: &mut Vec<String>) {
    let cot = Array2::from_shape_fn((a.batch(), obs.len()), |(b, o)| (1.0 + b as f64 * 0.3 - o as f64 * 0.7).sin());
    let e = show(engine.expect(program, a, obs), |v| hf(v.iter()));
    let g = show(engine.vjp(program, a, obs, cot.view()), |g| hf(g.inputs.iter().chain(g.weights.iter())));
    let vg = show(engine.value_and_gradient(program, a, obs, cot.view()), |(v, g)| hf(v.iter().chain(g.inputs.iter()).chain(g.weights.iter())));
    let p = show(engine.probabilities(program, a), |v| hf(v.iter()));
    let s = show(engine.sample(program, a, 50, 7), |v| h(v.iter().copied()));
    out.push(format!("{label} | {} | e {e} g {g} vg {vg} p {p} s {s}", engine.name()));
}

fn main() {
    let mut out = Vec::new();
    let mut stream = Stream::named(3, "parity");
    let manila = Device::named("manila").unwrap();
    let torino = Device::named("torino").unwrap();
    for qubits in [1usize, 2, 3, 4, 5] {
        for kind in 0..3 {
            let (c, inputs) = circuit(qubits, 2, kind, &mut stream);
            let mut obs = Observable::all_z(qubits);
            obs.push(if qubits > 2 { "0.5 X0 Y2 - 1.5 Z1 + 0.25".parse().unwrap() } else { "0.5 X0 + 0.2".parse().unwrap() });
            let mut programs = vec![("ideal", Program::ideal(&c, &Vec::from_iter(0..qubits)), obs.clone())];
            for (device, model) in [(&manila, "aer"), (&torino, "crosstalk"), (&manila, "hardware")] {
                let routed = transpile(&c, &Target::of(device), &Default::default()).unwrap();
                let program = NoiseModel::named(model).unwrap().apply(&routed.circuit, device, &routed.last).unwrap();
                if program.qubits() > 5 { continue; }
                let placed = obs.iter().map(|o| program.relabel(o, &routed.last).unwrap()).collect();
                programs.push((model, program, placed));
            }
            for (name, program, obs) in &programs {
                for split in [inputs, 0, program.slots] {
                    for batch in [0usize, 1, 3, 16, 33] {
                        let (r, s) = angles(program.slots, split, batch);
                        let a = Angles { inputs: r.view(), weights: s.view() };
                        for row in ENGINES {
                            for precision in [Precision::Double, Precision::Single] {
                                if row.name == "trajectory" && (batch > 3 || qubits > 3) { continue; }
                                let engine = (row.make)(EngineOptions { precision, shots: 9, seed: 5 });
                                all(&format!("q{qubits} k{kind} {name} split{split} b{batch}"), engine.as_ref(), program, a, obs, &mut out);
                                if batch == 3 && qubits < 4 {
                                    let shots = Shots { inner: engine, shots: 100, seed: 4 };
                                    if row.name != "trajectory" { all(&format!("q{qubits} k{kind} {name} split{split} b{batch}"), &shots, program, a, obs, &mut out); }
                                }
                            }
                        }
                        if batch == 3 && qubits == 3 && split == inputs {
                            for row in MITIGATIONS {
                                if let Apply::Executor(wrap) = row.apply {
                                    let exact: Arc<dyn Simulator> = Arc::from((ENGINES[0].make)(EngineOptions::default()));
                                    let shots: Arc<dyn Simulator> = Arc::new(Shots { inner: (ENGINES[0].make)(EngineOptions::default()), shots: 64, seed: 2 });
                                    let inners = if *name == "ideal" || kind == 0 { vec![exact, shots] } else { vec![exact] };
                                    for inner in inners {
                                        let engine = wrap(inner, 3);
                                        all(&format!("mit {} q{qubits} k{kind} {name}", row.name), engine.as_ref(), program, a, obs, &mut out);
                                    }
                                }
                            }
                            for g in [Gradient::Shift, Gradient::Difference { step: 1e-4 }, Gradient::Spsa { step: 1e-3, samples: 3, seed: 1 }] {
                                let e = (ENGINES[0].make)(EngineOptions::default());
                                let cot = Array2::ones((a.batch(), obs.len()));
                                out.push(format!("grad {g:?} k{kind} {name} {}", show(g.vjp(e.as_ref(), program, a, obs, cot.view()), |g| hf(g.inputs.iter().chain(g.weights.iter())))));
                            }
                        }
                    }
                }
            }
        }
    }
    // Wider ideal, one row and several.
    for qubits in [8usize, 11, 13, 14] {
        for kind in 0..2 {
            let (c, inputs) = circuit(qubits, 2, kind, &mut stream);
            let program = Program::ideal(&c, &[]);
            let obs = Observable::all_z(3);
            for batch in [1, 5, 9] {
                let (r, s) = angles(program.slots, inputs, batch);
                let a = Angles { inputs: r.view(), weights: s.view() };
                for precision in [Precision::Double, Precision::Single] {
                    let engine = (ENGINES[1].make)(EngineOptions { precision, ..Default::default() });
                    all(&format!("wide q{qubits} k{kind} b{batch}"), engine.as_ref(), &program, a, &obs, &mut out);
                }
            }
        }
    }
    // Dynamic circuits and terminal measurement.
    for end in 0..3 {
        let mut c = Circuit::with_bits(3, 4);
        let x = c.slot("x");
        let y = c.slot("y");
        c.push(Gate::Ry, &[0], &[x]).unwrap().push(Gate::Ry, &[1], &[y]).unwrap().push(Gate::Cx, &[0, 1], &[]).unwrap();
        if end == 1 {
            c.append(Op::of(OpKind::Measure { bit: 0 }, &[0])).unwrap();
            let mut op = Op::gate(Gate::X, &[2], &[]);
            op.condition = Some(Condition { bits: vec![0], value: 1 });
            c.append(op).unwrap();
            c.append(Op::of(OpKind::Reset, &[1])).unwrap();
            c.push(Gate::Ry, &[1], &[x * 0.5]).unwrap();
        }
        if end > 0 {
            for q in 0..3 { c.append(Op::of(OpKind::Measure { bit: q + 1 }, &[q])).unwrap(); }
        }
        for (name, program) in [("ideal", Program::ideal(&c, &[0, 1, 2])), ("noisy", NoiseModel::named("scheduled").unwrap().apply(&c, &manila, &[0, 1, 2]).unwrap())] {
            for (split, batch) in [(0, 2), (1, 3), (2, 16)] {
                let (r, s) = angles(2, split, batch);
                let a = Angles { inputs: r.view(), weights: s.view() };
                let obs = Observable::all_z(3);
                for row in ENGINES {
                    let engine = (row.make)(EngineOptions { precision: Precision::Double, shots: 20, seed: 5 });
                    all(&format!("dyn{end} {name} s{split}"), engine.as_ref(), &program, a, &obs, &mut out);
                    let shots = Shots { inner: engine, shots: 100, seed: 4 };
                    all(&format!("dyn{end} {name} s{split}"), &shots, &program, a, &obs, &mut out);
                }
                for row in MITIGATIONS.iter().filter(|row| row.name != "readout_subspace" || end == 0) {
                    if let Apply::Executor(wrap) = row.apply {
                        let engine = wrap(Arc::from((ENGINES[0].make)(EngineOptions::default())), 3);
                        all(&format!("dyn{end} {name} s{split} {}", row.name), engine.as_ref(), &program, a, &obs, &mut out);
                    }
                }
            }
        }
    }
    for line in out { println!("{line}"); }
}
