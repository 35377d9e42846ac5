//! Transpilation: the result is the source up to its layout, in native gates on coupled qubits, slots included.

use qgraft::circuit::ansatz::AnsatzRow;
use qgraft::circuit::gate::GATES;
use qgraft::circuit::{self, Circuit, Gate, Op, OpKind, Param, qasm};
use qgraft::device::transpile::{LayoutMethod, TranspileError, TranspileOptions, TranspiledCircuit, transpile};
use qgraft::device::{DEVICES, Device, Edge, Target};

use qgraft::math::Stream;
use qgraft::sim::{Condition, Executions};

use crate::support::equivalence::{assert_equivalent, assert_native};

pub fn assert_right(source: &Circuit, target: &Target, options: &TranspileOptions, what: &str) -> TranspiledCircuit {
    let transpiled = transpile(source, target, options).unwrap_or_else(|e| panic!("{what}: {e}"));
    assert_native(&transpiled, target, what);
    assert_equivalent(source, &transpiled, what);
    transpiled
}

pub fn level(level: u8) -> TranspileOptions {
    TranspileOptions { level, ..TranspileOptions::default() }
}

/// Name, width, undirected links.
type Shape = (&'static str, usize, Vec<(usize, usize)>);

fn shapes() -> Vec<Shape> {
    let line = |n: usize| (1..n).map(|k| (k - 1, k)).collect::<Vec<_>>();
    let ring = (0..6).map(|k| (k, (k + 1) % 6)).collect();
    let grid =
        (0..9).flat_map(|k| [(k % 3 < 2).then_some((k, k + 1)), (k < 6).then_some((k, k + 3))]).flatten().collect();
    // One cell of a heavy-hex lattice is a ring of twelve; here with one link cut and two tails, as at an edge.
    let heavy = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (6, 7), (7, 0), (2, 8), (6, 9)].to_vec();
    vec![("line", 6, line(6)), ("ring", 6, ring), ("grid", 9, grid), ("heavy-hex patch", 10, heavy)]
}

/// Ways a link is calibrated: native gate, and whether in both directions.
const NATIVES: [(Gate, bool); 7] = [
    (Gate::Cx, false),
    (Gate::Cx, true),
    (Gate::Ecr, false),
    (Gate::Cz, false),
    (Gate::Cz, true),
    (Gate::Rzz, false),
    (Gate::Rzz, true),
];

/// A device with CZ and, as Heron has on request, X rotations and ZZ rotations on all links but the last.
pub fn fractional(qubits: usize, links: &[(usize, usize)]) -> Target {
    let mut both = target(qubits, links, (Gate::Cz, true));
    both.edges.extend(target(qubits, &links[..links.len() - 1], (Gate::Rzz, false)).edges);
    both.single.push(Gate::Rx);
    both
}

/// Errors differ from link to link and qubit to qubit.
pub fn target(qubits: usize, links: &[(usize, usize)], (gate, both): (Gate, bool)) -> Target {
    let mut edges = Vec::new();
    for (k, &(a, b)) in links.iter().enumerate() {
        let error = 0.004 + 0.001 * (k * 5 % 7) as f64;
        let (from, to) = if k % 2 == 0 { (a, b) } else { (b, a) };
        edges.push(Edge { gate, from, to, error });
        if both {
            edges.push(Edge { gate, from: to, to: from, error });
        }
    }
    Target {
        qubits,
        single: vec![Gate::Id, Gate::Rz, Gate::Sx, Gate::X],
        edges,
        single_error: (0..qubits).map(|k| 2e-4 + 1e-5 * (k * 3 % 5) as f64).collect(),
        readout_error: (0..qubits).map(|k| 0.01 + 0.002 * (k * 2 % 5) as f64).collect(),
        ..Target::default()
    }
}

fn targets() -> Vec<(String, Target)> {
    let mut all = Vec::new();
    for (shape, qubits, links) in shapes() {
        for native in NATIVES {
            let way = if native.1 { "both ways" } else { "one way" };
            all.push((format!("{shape}, {} {way}", native.0.name()), target(qubits, &links, native)));
        }
        all.push((format!("{shape}, cz, rzz and rx"), fractional(qubits, &links)));
    }
    all
}

pub fn line(qubits: usize) -> Target {
    let links: Vec<_> = (1..qubits).map(|k| (k - 1, k)).collect();
    target(qubits, &links, (Gate::Cz, true))
}

fn odd_angles(count: usize) -> Vec<Param> {
    (0..count).map(|k| Param::Fixed(0.37 + 0.61 * k as f64)).collect()
}

/// Gates of the table on random operands, with random angles or, with `slots`, affine functions of few slots.
fn random_circuit(qubits: usize, gates: usize, slots: bool, seed: u64) -> Circuit {
    let mut stream = Stream::named(seed, "circuit");
    let mut circuit = Circuit::new(qubits);
    let angles: Vec<Param> = if slots { (0..3).map(|k| circuit.slot(format!("a{k}"))).collect() } else { vec![] };
    let rows: Vec<_> = GATES.iter().filter(|row| row.qubits <= qubits.min(3)).collect();
    for _ in 0..gates {
        let row = rows[stream.below(rows.len())];
        let operands = &stream.permutation(qubits)[..row.qubits];
        let params: Vec<Param> = (0..row.params.len())
            .map(|_| match stream.below(4) {
                0 => Param::Fixed(std::f64::consts::FRAC_PI_2 * stream.below(4) as f64),
                1 if slots => angles[stream.below(3)] * (2.0 * stream.uniform() - 1.0) + stream.uniform(),
                2 if slots => angles[stream.below(3)],
                _ => Param::Fixed(7.0 * stream.uniform() - 3.5),
            })
            .collect();
        circuit.push(row.gate, operands, &params).unwrap();
    }
    circuit
}

#[test]
fn every_gate_of_the_table_on_every_native_gate() {
    let links: Vec<_> = (1..6).map(|k| (k - 1, k)).collect();
    let alone = NATIVES.iter().map(|&native| target(6, &links, native));
    for target in alone.chain([fractional(6, &links)]) {
        let names: Vec<_> = target.edges.iter().map(|edge| edge.gate.name()).collect();
        let native = names.last().unwrap();
        for row in GATES {
            let mut circuit = Circuit::new(row.qubits);
            let operands: Vec<usize> = (0..row.qubits).collect();
            circuit.push(row.gate, &operands, &odd_angles(row.params.len())).unwrap();
            for l in 0..4 {
                assert_right(&circuit, &target, &level(l), &format!("{} as {:?}, level {l}", row.name, native));
            }
        }
    }
}

#[test]
fn every_gate_under_one_and_two_more_controls() {
    let target = line(6);
    for row in GATES.iter().filter(|row| row.qubits <= 3) {
        for controls in 1..=2 {
            for slots in [false, true] {
                let width = row.qubits + controls;
                let mut circuit = Circuit::new(width);
                let mut params = odd_angles(row.params.len());
                if slots {
                    params = (0..params.len()).map(|k| circuit.slot(format!("a{k}")) * 0.5 + 0.1).collect();
                }
                let operands: Vec<usize> = (0..width).rev().collect();
                circuit
                    .append(Op::of(OpKind::Gate { gate: row.gate, params: params.into(), controls }, &operands))
                    .unwrap();
                let what = format!("{} under {controls} controls, slots {slots}", row.name);
                let transpiled = transpile(&circuit, &target, &level(2)).unwrap();
                let angles: Vec<f64> = (0..circuit.slots()).map(|k| 0.8 + 0.33 * k as f64).collect();
                let bound = TranspiledCircuit { circuit: transpiled.circuit.bind(&angles).unwrap(), ..transpiled };
                assert_native(&bound, &target, &what);
                assert_equivalent(&circuit.bind(&angles).unwrap(), &bound, &what);
            }
        }
    }
}

#[test]
fn random_circuits_on_every_shape_and_native_gate() {
    for (name, target) in targets() {
        for seed in 0..3 {
            let circuit = random_circuit(3 + seed as usize, 25, false, seed);
            for l in 0..4 {
                assert_right(&circuit, &target, &level(l), &format!("{name}, seed {seed}, level {l}"));
            }
        }
    }
}

#[test]
fn binding_after_is_binding_before() {
    for (name, target) in targets() {
        for seed in 0..3 {
            let circuit = random_circuit(4, 25, true, 100 + seed);
            for l in 0..4 {
                let what = format!("{name}, seed {seed}, level {l}");
                let transpiled = transpile(&circuit, &target, &level(l)).unwrap();
                assert_eq!(transpiled.circuit.slot_names(), circuit.slot_names());
                for angles in [[0.4, -1.3, 2.2], [0.0, std::f64::consts::PI, 0.9]] {
                    let bound =
                        TranspiledCircuit { circuit: transpiled.circuit.bind(&angles).unwrap(), ..transpiled.clone() };
                    assert_native(&bound, &target, &what);
                    assert_equivalent(&circuit.bind(&angles).unwrap(), &bound, &what);
                }
            }
        }
    }
}

#[test]
fn measurements_conditions_resets_delays_and_barriers_keep_their_order() {
    let mut circuit = Circuit::with_bits(4, 5);
    let when = |value| Some(circuit::Condition { bits: vec![0, 1], value });
    circuit.push(Gate::H, &[0], &[]).unwrap().push(Gate::Cx, &[0, 3], &[]).unwrap();
    circuit.push(Gate::Ry, &[1], &[Param::Fixed(0.7)]).unwrap().push(Gate::Cx, &[1, 2], &[]).unwrap();
    circuit.measure(0, 0).unwrap().measure(2, 1).unwrap();
    circuit.append(Op { condition: when(2), ..Op::gate(Gate::Cx, &[1, 3], &[]) }).unwrap();
    circuit.append(Op { condition: when(1), ..Op::gate(Gate::Ccx, &[1, 2, 3], &[]) }).unwrap();
    circuit.append(Op { condition: when(3), ..Op::gate(Gate::Swap, &[0, 3], &[]) }).unwrap();
    circuit.append(Op::of(OpKind::Barrier, &[0, 1, 2, 3])).unwrap();
    circuit.append(Op::of(OpKind::Reset, &[0])).unwrap();
    circuit.append(Op::of(OpKind::Delay(qgraft::math::Seconds::nano(100.0)), &[1])).unwrap();
    circuit.push(Gate::Swap, &[0, 1], &[]).unwrap().push(Gate::Cx, &[0, 3], &[]).unwrap();
    circuit.push(Gate::Rz, &[3], &[Param::Fixed(0.3)]).unwrap().push(Gate::Cz, &[3, 0], &[]).unwrap();
    circuit.measure(0, 2).unwrap().measure(3, 3).unwrap();
    circuit.append(Op { condition: when(0), ..Op::of(OpKind::Measure { bit: 4 }, &[1]) }).unwrap();
    for (name, target) in targets() {
        for l in 0..4 {
            let transpiled = assert_right(&circuit, &target, &level(l), &format!("{name}, level {l}"));
            let count = |wanted: &dyn Fn(&OpKind) -> bool| {
                let all = |c: &Circuit| c.ops().iter().filter(|op| wanted(&op.kind)).count();
                (all(&circuit), all(&transpiled.circuit))
            };
            for (what, (before, after)) in [
                ("measure", count(&|k| matches!(k, OpKind::Measure { .. }))),
                ("reset", count(&|k| matches!(k, OpKind::Reset))),
                ("delay", count(&|k| matches!(k, OpKind::Delay(_)))),
                ("barrier", count(&|k| matches!(k, OpKind::Barrier))),
            ] {
                assert_eq!(before, after, "{name}: {what}");
            }
        }
    }
}

#[test]
fn the_same_seed_gives_the_same_circuit() {
    let circuit = random_circuit(5, 40, true, 7);
    for (name, target) in targets() {
        let options = TranspileOptions { seed: 3, ..TranspileOptions::default() };
        assert_eq!(transpile(&circuit, &target, &options), transpile(&circuit, &target, &options), "{name}");
    }
}

#[test]
fn empty_circuits_and_devices() {
    let none = Target { qubits: 0, edges: vec![], single_error: vec![], readout_error: vec![], ..line(2) };
    assert_eq!(transpile(&Circuit::new(0), &none, &level(3)).unwrap().circuit.ops().len(), 0);
    for l in 0..4 {
        let transpiled = transpile(&Circuit::new(3), &line(4), &level(l)).unwrap();
        assert_eq!((transpiled.circuit.qubits(), transpiled.circuit.ops().len(), transpiled.depth), (4, 0, 0));
        assert_eq!(transpiled.success, 1.0);
    }
}

#[test]
fn what_cannot_be_done_is_refused() {
    let mut ghz = Circuit::new(4);
    ghz.push(Gate::Cx, &[0, 1], &[]).unwrap().push(Gate::Cx, &[0, 2], &[]).unwrap();
    ghz.push(Gate::Cx, &[0, 3], &[]).unwrap();
    let islands = target(6, &[(0, 1), (1, 2), (3, 4), (4, 5)], (Gate::Cz, false));
    let given = |qubits: &[usize]| TranspileOptions {
        layout: LayoutMethod::Given(qubits.to_vec()),
        ..TranspileOptions::default()
    };
    let no_links = Target { edges: vec![Edge { gate: Gate::Iswap, from: 0, to: 1, error: 0.0 }], ..line(4) };
    let dead = Target { edges: vec![], out_of_service: vec![(1, 0), (1, 2), (2, 1), (2, 3)], ..line(4) };
    let dead_again = dead.clone();
    let cases = [
        ("too wide", line(3), level(3), "4 qubits, the device only 3"),
        ("islands", islands.clone(), level(3), "4 qubits interact with each other, but the largest connected part"),
        ("no entangler", no_links, level(1), "none of cz, cx, ecr, rzz (it has: iswap)"),
        ("no coupler in service", dead, level(1), "every coupler of the device is out of service or not calibrated"),
        ("which couplers", dead_again, level(1), "(0, 1), (1, 2), (2, 3); take the calibration of another day"),
        ("no basis", Target { single: vec![Gate::X], ..line(4) }, level(0), "cannot build every rotation"),
        ("level", line(4), level(4), "level 4 does not exist"),
        ("short layout", line(5), given(&[0, 1]), "2 physical qubits are listed"),
        ("double layout", line(5), given(&[0, 1, 1, 2]), "physical qubit 1 is listed twice"),
        ("far layout", line(5), given(&[0, 1, 9, 2]), "physical qubit 9 does not exist"),
        ("layout over islands", islands, given(&[0, 1, 2, 3]), "qubits 0 and 3 interact, and no couplings join"),
    ];
    for (what, target, options, message) in cases {
        let error = transpile(&ghz, &target, &options).expect_err(what).to_string();
        assert!(error.contains(message), "{what}: {error}");
    }
    let bad = Target { edges: vec![Edge { gate: Gate::Cz, from: 0, to: 9, error: 0.0 }], ..line(4) };
    let error = transpile(&ghz, &bad, &level(3)).unwrap_err();
    assert_eq!(error, TranspileError::Target { field: "edges", qubit: 9, available: 4 });
}

#[test]
fn a_circuit_in_two_pieces_fits_on_two_islands() {
    let islands = target(6, &[(0, 1), (1, 2), (3, 4), (4, 5)], (Gate::Ecr, false));
    let mut circuit = Circuit::new(6);
    for (a, b) in [(0, 2), (2, 4), (0, 4), (1, 3), (3, 5), (1, 5)] {
        circuit.push(Gate::Cx, &[a, b], &[]).unwrap().push(Gate::T, &[b], &[]).unwrap();
        circuit.push(Gate::H, &[b], &[]).unwrap();
    }
    for l in 1..4 {
        assert_right(&circuit, &islands, &level(l), &format!("level {l}"));
    }
}

#[test]
fn a_given_layout_is_kept() {
    let circuit = random_circuit(4, 20, false, 5);
    let options = TranspileOptions { layout: LayoutMethod::Given(vec![5, 0, 3, 2]), ..TranspileOptions::default() };
    assert_eq!(assert_right(&circuit, &line(6), &options, "given").initial_layout, [5, 0, 3, 2]);
}

#[test]
fn other_bases_of_one_qubit_gates() {
    for single in [vec![Gate::U], vec![Gate::P, Gate::Sx], vec![Gate::Rz, Gate::Rx], vec![Gate::P, Gate::U2, Gate::U]] {
        let target = Target { single: single.clone(), ..line(4) };
        for seed in 0..4 {
            let circuit = random_circuit(4, 20, seed % 2 == 0, 300 + seed);
            let angles = vec![0.7; circuit.slots()];
            let transpiled = transpile(&circuit, &target, &level(3)).unwrap();
            let bound = TranspiledCircuit { circuit: transpiled.circuit.bind(&angles).unwrap(), ..transpiled };
            assert_native(&bound, &target, &format!("{single:?}"));
            assert_equivalent(&circuit.bind(&angles).unwrap(), &bound, &format!("{single:?}"));
        }
    }
}

#[test]
fn faulty_qubits_and_couplings_are_left_alone() {
    let mut device = Device::named("guadalupe").unwrap();
    let circuit = random_circuit(5, 30, false, 8);
    let used = |device: &Device, l: u8| {
        let target = Target::of(device);
        let transpiled = assert_right(&circuit, &target, &level(l), &format!("level {l}"));
        let mut used = [transpiled.initial_layout, transpiled.final_layout].concat();
        used.extend(transpiled.circuit.ops().iter().flat_map(|op| op.qubits.clone()));
        (used, transpiled.circuit)
    };
    // Out of service as a qubit, by an uncalibrated one-qubit gate, and couplings in the two ways they can be.
    let best = used(&device, 3).0[0];
    device.calibration.qubits[best].faulty = true;
    let (second, edge) = (used(&device, 3).0[0], used(&device, 3).1);
    let sx = device.calibration.gates.iter_mut().find(|row| row.gate == Gate::Sx && row.qubits == [second]);
    sx.unwrap().error = Some(1.0);
    let edge = edge.ops().iter().find(|op| op.qubits.len() == 2).unwrap().qubits.clone();
    for row in device.calibration.gates.iter_mut().filter(|row| row.qubits[..] == edge[..]) {
        row.faulty = true;
    }
    for l in 0..4 {
        let (used, transpiled) = used(&device, l);
        assert!(!used.contains(&best) && !used.contains(&second), "level {l}: {best} and {second} in {used:?}");
        assert!(transpiled.ops().iter().all(|op| op.qubits[..] != edge[..]), "level {l}: {edge:?}");
    }
    let onto = TranspileOptions { layout: LayoutMethod::Given(vec![best, 0, 3, 2, 5]), ..TranspileOptions::default() };
    let error = transpile(&circuit, &Target::of(&device), &onto).unwrap_err().to_string();
    assert!(error.contains(&format!("physical qubit {best} is out of service")), "{error}");
    device.calibration.qubits.iter_mut().skip(3).for_each(|qubit| qubit.faulty = true);
    let error = transpile(&circuit, &Target::of(&device), &level(3)).unwrap_err().to_string();
    assert!(error.contains("usable ones"), "{error}");
}

/// Wider circuits are checked for native gates and couplings alone.
const CHECKED_STATES: usize = 10;

#[test]
fn every_suite_circuit_on_every_shipped_device_that_fits() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("circuits");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let mut checked = 0;
    for path in paths {
        let circuit = qasm::read(&std::fs::read_to_string(&path).unwrap(), &Default::default()).unwrap();
        let angles: Vec<f64> = (0..circuit.slots()).map(|k| 0.4 + 0.7 * k as f64).collect();
        for row in DEVICES {
            let target = Target::of(&Device::named(row.name).unwrap());
            if circuit.qubits() > target.qubits {
                continue;
            }
            let what = format!("{} on {}", path.file_stem().unwrap().display(), row.name);
            let transpiled = transpile(&circuit, &target, &level(3)).unwrap_or_else(|e| panic!("{what}: {e}"));
            assert_native(&transpiled, &target, &what);
            if circuit.qubits() <= CHECKED_STATES {
                let bound = TranspiledCircuit { circuit: transpiled.circuit.bind(&angles).unwrap(), ..transpiled };
                assert_equivalent(&circuit.bind(&angles).unwrap(), &bound, &what);
                checked += 1;
            }
        }
    }
    assert!(checked > 100, "only {checked} pairs of circuit and device were checked");
}

#[test]
fn two_qubit_gates_take_the_known_number_of_entanglers() {
    // The least number for the gate's class: 0 local, 1 like CX, 2 in a plane of the Weyl chamber, 3 the others.
    let known = |gate: Gate| match gate {
        Gate::Cx | Gate::Cy | Gate::Cz | Gate::Ch | Gate::Ecr => 1,
        _ => 2,
    };
    for row in GATES.iter().filter(|row| row.qubits == 2 && row.gate != Gate::Swap) {
        // With ZZ rotations a gate in the plane can be one; they have a test of their own.
        for native in NATIVES.into_iter().filter(|(gate, _)| *gate != Gate::Rzz) {
            let mut circuit = Circuit::new(2);
            circuit.push(row.gate, &[0, 1], &odd_angles(row.params.len())).unwrap();
            let transpiled = transpile(&circuit, &target(2, &[(0, 1)], native), &level(2)).unwrap();
            assert_eq!(transpiled.two_qubit_gates, known(row.gate), "{} as {native:?}", row.name);
        }
    }
}

#[test]
fn rotations_by_slots_take_one_pulse_per_change_of_axis() {
    // Rx Ry Rx by three slots: four changes of axis from Z to Z, a half turn each. Bound first: two pulses.
    let mut circuit = Circuit::new(1);
    let slots: Vec<Param> = ["a", "b", "c"].iter().map(|name| circuit.slot(*name)).collect();
    for (gate, angle) in [Gate::Rx, Gate::Ry, Gate::Rx].into_iter().zip(slots) {
        circuit.push(gate, &[0], &[angle]).unwrap();
    }
    assert_eq!(transpile(&circuit, &line(1), &level(3)).unwrap().pulses, 4);
    assert_eq!(transpile(&circuit.bind(&[0.3, 0.4, 0.5]).unwrap(), &line(1), &level(3)).unwrap().pulses, 2);
    // One slot about one axis adds up, across a bit flip too; opposite angles vanish.
    let mut circuit = Circuit::new(1);
    let a = circuit.slot("a");
    circuit.push(Gate::Rz, &[0], &[a]).unwrap().push(Gate::X, &[0], &[]).unwrap();
    circuit.push(Gate::Rz, &[0], &[a * 3.0 + 0.5]).unwrap().push(Gate::X, &[0], &[]).unwrap();
    let transpiled = transpile(&circuit, &line(1), &level(3)).unwrap();
    assert_eq!(transpiled.circuit.ops(), [Op::gate(Gate::Rz, &[0], &[a * -2.0 + -0.5])]);
    circuit.push(Gate::P, &[0], &[a * 2.0 + 0.5]).unwrap();
    assert_eq!(transpile(&circuit, &line(1), &level(3)).unwrap().circuit.ops(), []);
}

/// Two swaps written as CX between rotations of both qubits. Z rotations join across entanglers and bit flips wait for the next
/// run: without that the depths are 33, 21 and 30.
#[test]
fn z_rotations_and_bit_flips_pass_entanglers() {
    let mut circuit = Circuit::new(2);
    for k in 0..3 {
        for q in 0..2 {
            let angle = Param::Fixed(0.3 + 0.2 * f64::from(k) + 0.1 * q as f64);
            circuit.push(Gate::Ry, &[q], &[angle]).unwrap();
        }
        for pair in [[0, 1], [1, 0], [0, 1]] {
            if k < 2 {
                circuit.push(Gate::Cx, &pair, &[]).unwrap();
            }
        }
    }
    for (native, depth) in [((Gate::Cz, true), 23), ((Gate::Cx, true), 16), ((Gate::Ecr, false), 25)] {
        let what = format!("{native:?}");
        let transpiled = assert_right(&circuit, &target(2, &[(0, 1)], native), &level(1), &what);
        assert!(transpiled.depth <= depth, "{what}: depth {}, at most {depth}", transpiled.depth);
        assert_eq!(transpiled.two_qubit_gates, 6, "{what}");
    }
}

#[test]
fn phases_before_a_measurement_are_left_out_at_level_3() {
    let mut circuit = Circuit::new(2);
    circuit.push(Gate::H, &[0], &[]).unwrap().push(Gate::H, &[1], &[]).unwrap();
    circuit.push(Gate::Cz, &[0, 1], &[]).unwrap().push(Gate::T, &[0], &[]).unwrap();
    circuit.measure_all().unwrap();
    assert_eq!(assert_right(&circuit, &line(2), &level(3), "level 3").two_qubit_gates, 0);
    assert_eq!(assert_right(&circuit, &line(2), &level(2), "level 2").two_qubit_gates, 1);
}

#[test]
fn a_remembered_circuit_runs_whatever_is_read_of_it() {
    let ansatz = AnsatzRow::named("dressed").unwrap().build(2, 1, true).unwrap();
    let target = Target::of(&Device::named("guadalupe").unwrap());
    let layout = LayoutMethod::Given(vec![13, 12]);
    let stored =
        transpile(&ansatz.circuit, &target, &TranspileOptions { layout, ..TranspileOptions::default() }).unwrap();
    let (executions, condition) = (Executions::default(), Condition::on_device("guadalupe"));
    executions.remember("guadalupe", &ansatz.circuit, stored.clone());
    let found = executions.compile(&(&ansatz).into(), &condition, 0).unwrap().transpiled.unwrap();
    assert_eq!(*found, stored);
    let other = Executions::default().compile(&(&ansatz).into(), &condition, 0).unwrap().transpiled.unwrap();
    assert_ne!(other.initial_layout, stored.initial_layout, "another placement has less error");
}
