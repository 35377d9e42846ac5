//! The cost model: its bytes against measured peaks, what engines refuse by it, and what it makes possible.

use std::process::Command;
use std::time::Instant;

use ndarray::{Array1, Array2};
use qgraft::circuit::{Circuit, Condition, Gate, Letter, Observable, Op, PauliString};
use qgraft::noise::channel::depolarizing;
use qgraft::noise::{Program, Step};
use qgraft::sim::cost::{Call, Request, Workload};
use qgraft::sim::{Angles, EngineOptions, EngineRow, Precision, SimError, engine};

/// What the child process of a measurement is told.
const CASE: &str = "QGRAFT_TEST_COST_CASE";
/// Measured peaks and the model may differ by this factor: allocators round, and pages that are never touched do not count.
const FACTOR: f64 = 1.5;

/// A call whose peak is measured.
struct Case {
    name: &'static str,
    engine: &'static str,
    program: Program,
    observables: Vec<Observable>,
    request: Request,
    /// Rows of angles, by which the rotations of the first qubit differ if there is more than one.
    rows: usize,
    threads: usize,
    options: EngineOptions,
}

/// Rotations of every qubit, each entangled with the next.
fn chain(qubits: usize, inputs: usize) -> Program {
    let mut circuit = Circuit::new(qubits);
    for qubit in 0..inputs {
        let slot = circuit.slot(format!("x{qubit}"));
        circuit.push(Gate::Rx, &[qubit], &[slot]).unwrap();
    }
    for qubit in 1..qubits {
        circuit.push(Gate::Rx, &[qubit], &[0.3.into()]).unwrap();
        circuit.push(Gate::Cx, &[qubit - 1, qubit], &[]).unwrap();
    }
    Program::ideal(&circuit, &(0..qubits).collect::<Vec<_>>())
}

/// Two entanglers, on a register of so many qubits.
fn short(qubits: usize, inputs: usize) -> Program {
    let mut circuit = Circuit::new(qubits);
    for qubit in 0..inputs {
        let slot = circuit.slot(format!("x{qubit}"));
        circuit.push(Gate::Rx, &[qubit], &[slot]).unwrap();
    }
    circuit.push(Gate::Rx, &[1], &[0.3.into()]).unwrap();
    circuit.push(Gate::Cx, &[1, 2], &[]).unwrap();
    circuit.push(Gate::Cx, &[qubits - 2, qubits - 1], &[]).unwrap();
    Program::ideal(&circuit, &(0..qubits).collect::<Vec<_>>())
}

/// A rotation of every qubit, so that no page of a state stays untouched.
fn full(qubits: usize, inputs: usize) -> Program {
    let mut program = short(qubits, inputs);
    let rotations = (0..qubits).map(|qubit| Step::Gate(Op::gate(Gate::Rx, &[qubit], &[0.7.into()])));
    program.steps.extend(rotations);
    program
}

/// A chain of entangled qubits.
fn quarter_turns(qubits: usize) -> Program {
    let mut circuit = Circuit::new(qubits);
    for qubit in 0..qubits {
        circuit.push(Gate::H, &[qubit], &[]).unwrap();
        if qubit > 0 {
            circuit.push(Gate::Cz, &[qubit - 1, qubit], &[]).unwrap();
        }
    }
    Program::ideal(&circuit, &[])
}

/// Every qubit in superposition, then `measured` measurements into a bit each, in turn of all qubits. None is terminal.
fn measured_early(qubits: usize, measured: usize) -> Program {
    let mut circuit = Circuit::with_bits(qubits, measured);
    for qubit in 0..qubits {
        circuit.push(Gate::H, &[qubit], &[]).unwrap();
    }
    let mut program = Program::ideal(&circuit, &(0..qubits).collect::<Vec<_>>());
    for qubit in 0..measured {
        program.steps.push(Step::Measure { qubit: qubit % qubits, bit: qubit, confusion: None, condition: None });
    }
    // Something still happens to every qubit, or the measurements would be terminal.
    let touch = Condition { bits: vec![0], value: 7 };
    for qubit in 0..measured {
        let never = Op { condition: Some(touch.clone()), ..Op::gate(Gate::X, &[qubit % qubits], &[]) };
        program.steps.push(Step::Gate(never));
    }
    program
}

/// [`measured_early`] with all qubits measured once more at the end, so that none can be left out before it.
fn measured_twice(qubits: usize, measured: usize) -> Program {
    let mut program = measured_early(qubits, measured);
    program.bits += qubits;
    for qubit in 0..qubits {
        program.steps.push(Step::Measure { qubit, bit: measured + qubit, confusion: None, condition: None });
    }
    program
}

/// So many noisy entanglers of three qubits.
fn long(gates: usize) -> Program {
    let mut program = short(3, 0);
    for k in 0..gates {
        let qubits = vec![k % 3, (k + 1) % 3];
        program.steps.push(Step::Gate(Op::gate(Gate::Cx, &qubits, &[])));
        program.steps.push(Step::Noise { channel: depolarizing(1e-6, 2).unwrap(), qubits, condition: None });
    }
    program
}

fn cases() -> Vec<Case> {
    let double = EngineOptions::default();
    let single = EngineOptions { precision: Precision::Single, ..double };
    let shots = |shots: usize| EngineOptions { shots, ..double };
    let case = |name, engine, program: Program, request, rows, threads, options| Case {
        name,
        engine,
        observables: if [Request::Values, Request::Gradient].contains(&request) {
            // It feels all qubits, so that nothing runs on a part of them.
            let all = (0..program.qubits()).map(|qubit| (qubit, Letter::Z));
            vec![Observable { terms: vec![(1.0, PauliString::new(all))] }]
        } else {
            Vec::new()
        },
        program,
        request,
        rows,
        threads,
        options,
    };
    use Request::{Gradient, Probabilities, Sample, Values};
    let mut cases = vec![
        case("one state", "statevector", full(21, 0), Values, 1, 1, double),
        case("one narrow state", "statevector", full(21, 0), Values, 1, 1, single),
        case("states of rows", "statevector", full(17, 1), Values, 16, 2, double),
        case("ket and bra", "statevector", full(20, 1), Gradient, 1, 1, double),
        case("probabilities", "statevector", full(20, 0), Probabilities, 2, 1, double),
        case("counts", "statevector", full(20, 0), Sample, 1, 1, double),
        case("one matrix", "density", short(11, 0), Values, 1, 1, double),
        case("one narrow matrix", "density", short(11, 0), Values, 1, 1, single),
        case("matrices of rows", "density", short(9, 1), Values, 16, 2, double),
        case("kept matrices", "density", chain(9, 1), Gradient, 4, 1, double),
        case("branches", "density", measured_twice(8, 8), Probabilities, 1, 1, double),
        case("branches in groups", "density", measured_twice(9, 8), Probabilities, 1, 1, double),
        case("long program", "density", long(2000), Values, 1, 1, double),
        case("waiting states", "trajectory", measured_early(18, 6), Values, 1, 1, shots(4096)),
        case("states on two threads", "trajectory", measured_early(18, 6), Values, 1, 2, shots(4096)),
        case("a tree of shots", "trajectory", measured_early(3, 3), Values, 1, 1, shots(200_000)),
        case("wide counts", "trajectory", full(20, 0), Sample, 1, 1, shots(16)),
        case("long noisy program", "trajectory", long(1500), Values, 1, 1, shots(4)),
        case("one observable", "pauli", short(11, 1), Values, 1, 1, double),
        case("products of rows", "pauli", short(9, 1), Values, 16, 1, double),
        case("backward products", "pauli", short(9, 1), Gradient, 16, 1, double),
        case("signs of all sets of bits", "stabilizer", quarter_turns(19), Probabilities, 1, 1, double),
        case("rows of shots", "stabilizer", quarter_turns(16), Sample, 1, 1, shots(1 << 20)),
        case("auto", "auto", full(21, 1), Values, 1, 1, double),
    ];
    cases.iter_mut().filter(|case| case.name == "states of rows").for_each(|case| {
        case.observables.push(Observable::read_on("X0 Y1", &[0, 1]).unwrap());
    });
    cases
}

impl Case {
    fn bytes(&self) -> f64 {
        let inputs = self.inputs();
        let workload = Workload::new(&self.program, &self.observables, inputs);
        let call = Call { threads: self.threads, ..Call::new(self.request, &self.options).rows(self.rows) };
        (EngineRow::named(self.engine).unwrap().cost)(&workload, &call).expect("the engine runs the case").bytes
    }

    fn inputs(&self) -> usize {
        self.program.slots
    }

    fn run(&self) {
        let engine = engine(self.engine, self.options).unwrap();
        let inputs = Array2::from_shape_fn((self.rows, self.inputs()), |(row, slot)| 0.1 * (row + slot) as f64);
        let none = Array1::zeros(0);
        let angles = Angles { inputs: inputs.view(), weights: none.view() };
        let cotangent = Array2::ones((self.rows, self.observables.len()));
        let pool = rayon::ThreadPoolBuilder::new().num_threads(self.threads).build().unwrap();
        pool.install(|| match self.request {
            Request::Values => drop(engine.expect(&self.program, angles, &self.observables).unwrap()),
            Request::Gradient => drop(engine.vjp(&self.program, angles, &self.observables, cotangent.view()).unwrap()),
            Request::Probabilities => drop(engine.probabilities(&self.program, angles).unwrap()),
            Request::Sample => drop(engine.sample(&self.program, angles, self.options.shots, 0).unwrap()),
            Request::States => unreachable!("no case asks for states"),
        });
    }
}

/// A line of this process's status, bytes.
fn status(name: &str) -> f64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    1024.0 * line.trim().trim_start_matches(':').trim().trim_end_matches("kB").trim().parse::<f64>().unwrap()
}

#[test]
#[ignore = "a process of its own, started by bytes_are_those_of_measured_peaks"]
fn child() {
    let name = std::env::var(CASE).expect("the parent names the case");
    let case = cases().into_iter().find(|case| case.name == name).unwrap();
    // Pages of the program's own file come into memory as its code runs: they are no memory of the case.
    let (before, file) = (status("VmRSS"), status("RssFile"));
    case.run();
    println!("peak {}", status("VmHWM") - before - (status("RssFile") - file));
}

/// Linux alone says what the peak of a process was.
#[test]
#[cfg(target_os = "linux")]
fn bytes_are_those_of_measured_peaks() {
    let mut wrong = Vec::new();
    for case in cases() {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["costs::child", "--exact", "--ignored", "--nocapture", "--test-threads", "1"]).env(CASE, case.name);
        let begun = Instant::now();
        let output = child.output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{}: {text}{}", case.name, String::from_utf8_lossy(&output.stderr));
        let peak = text.lines().find_map(|line| line.split_once("peak ")?.1.parse::<f64>().ok()).unwrap();
        let ratio = case.bytes() / peak;
        let seconds = begun.elapsed().as_secs_f64();
        let line = format!(
            "{}, {}: model {:.1} MB, measured {:.1} MB, {seconds:.1} s",
            case.engine,
            case.name,
            case.bytes() / 1e6,
            peak / 1e6
        );
        println!("{line}");
        if !(1.0 / FACTOR..=FACTOR).contains(&ratio) {
            wrong.push(line);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// A row of angles for a program without slots.
fn no_angles() -> Angles<'static> {
    Angles::of_weights(&[])
}

#[test]
fn what_takes_too_long_or_too_much_is_refused_at_once() {
    let mut wide = long(2);
    (wide.active, wide.readout) = ((0..20).collect(), vec![None; 20]);
    // (what, engine, its shots, program, rows, part of the message)
    let cases = [
        ("many shots", "trajectory", 1_000_000_000, long(20), 1, "use density"),
        ("branches", "density", 1024, measured_twice(13, 13), 1, "use trajectory"),
        ("rows of probabilities", "statevector", 1, short(16, 0), 1 << 20, "fewer rows"),
        ("a wide ideal matrix", "density", 1024, short(20, 0), 1, "use statevector"),
        ("a wide noisy matrix", "density", 1024, wide, 1, "use trajectory"),
        ("a wide state", "statevector", 1, short(40, 0), 1, "draw shots"),
    ];
    for (what, name, shots, program, rows, instead) in cases {
        let (inputs, weights) = (Array2::zeros((rows, 0)), Array1::zeros(0));
        let angles = Angles { inputs: inputs.view(), weights: weights.view() };
        let begun = Instant::now();
        let options = EngineOptions { shots, ..EngineOptions::default() };
        let refused = engine(name, options).unwrap().probabilities(&program, angles).unwrap_err();
        assert!(matches!(refused, SimError::TooLarge { .. } | SimError::TooLong { .. }), "{what}: {refused}");
        assert!(refused.to_string().contains(instead), "{what}: {refused}");
        assert!(begun.elapsed().as_secs_f64() < 1.0, "{what} was refused after {:?}", begun.elapsed());
    }
}

#[test]
fn bits_that_nobody_reads_again_do_not_split_the_state() {
    // An ancilla is measured and flipped back over and over: 2^60 histories, of which two are ever apart.
    let mut circuit = Circuit::with_bits(2, 1);
    circuit.push(Gate::H, &[0], &[]).unwrap();
    let mut program = Program::ideal(&circuit, &[0, 1]);
    let on = Condition { bits: vec![0], value: 1 };
    for _ in 0..60 {
        program.steps.push(Step::Gate(Op::gate(Gate::Cx, &[0, 1], &[])));
        program.steps.push(Step::Measure { qubit: 1, bit: 0, confusion: None, condition: None });
        program.steps.push(Step::Gate(Op { condition: Some(on.clone()), ..Op::gate(Gate::X, &[1], &[]) }));
        program.steps.push(Step::Gate(Op::gate(Gate::H, &[0], &[])));
    }
    let density = engine("density", EngineOptions::default()).unwrap();
    let observables = [Observable::z(0), Observable::z(1), Observable::read_on("X0", &[0, 1]).unwrap()];
    let values = density.expect(&program, no_angles(), &observables).unwrap();
    // The ancilla ends in 0, the measured qubit fully mixed, to rounding of 60 steps.
    for (value, expected) in values.iter().zip([0.0, 1.0, 0.0]) {
        assert!((value - expected).abs() < 1e-12, "{values}");
    }
}

#[test]
fn branches_run_in_groups_give_what_they_give_together() {
    // Nine qubits are 64 branches at a time, so the last measurements split groups.
    let density = engine("density", EngineOptions::default()).unwrap();
    let p = density.probabilities(&measured_early(9, 8), no_angles()).unwrap();
    assert_eq!(p.dim(), (1, 256));
    assert!(p.iter().all(|p| (p - 1.0 / 256.0).abs() < 1e-14), "{p}");
}

#[test]
fn trees_of_shots_add_up() {
    // 65,536 shots are a tree: three trees must hold every shot once.
    let counts = engine("trajectory", EngineOptions::default()).unwrap();
    let counts = counts.sample(&measured_early(2, 2), no_angles(), 150_000, 1).unwrap();
    assert_eq!(counts.sum(), 150_000);
    // Five standard deviations of a binomial with p = 1/4.
    let deviation = 5.0 * (150_000.0f64 * 3.0 / 16.0).sqrt();
    assert!(counts.iter().all(|&n| (n as f64 - 37_500.0).abs() < deviation), "{counts}");
}
