//! Stretches, boxes and `durationof` with the times of a device. Expected times are worked out by hand from the language
//! reference (OpenQASM 3, "Circuit timing").

use std::sync::Arc;

use qgraft::circuit::qasm::{OperationTimes, ReadOptions, Reading, read_with_notices};
use qgraft::circuit::{Circuit, Op, OpKind};
use qgraft::device::{Device, DeviceTimes, LayoutMethod, schedule};
use qgraft::math::Seconds;

/// x and y 40 ns, u 60 ns, h 50 ns, cx 300 ns and 200 ns on qubits 3 and 4, a measurement 1 µs, a reset 500 ns.
#[derive(Debug)]
struct Table;

impl OperationTimes for Table {
    fn time(&self, op: &Op, _: bool) -> Option<Seconds> {
        let nanoseconds = match op.name().as_str() {
            "x" | "y" => 40.0,
            "u" => 60.0,
            "h" => 50.0,
            "cx" if op.qubits[..] == [3, 4] => 200.0,
            "cx" => 300.0,
            "measure" => 1000.0,
            "reset" => 500.0,
            "rz" => 0.0,
            _ => return None,
        };
        Some(Seconds(nanoseconds * 1e-9))
    }
}

const HEAD: &str = "OPENQASM 3.0;\ninclude \"stdgates.inc\";\n";

fn options(times: impl OperationTimes + 'static) -> ReadOptions {
    ReadOptions { times: Some(Arc::new(times)), cycle: Some(Seconds(1e-9)), ..ReadOptions::default() }
}

fn reading(text: &str) -> Reading {
    read_with_notices(&format!("{HEAD}{text}"), &options(Table)).unwrap_or_else(|e| panic!("{text}\n{}", e.report()))
}

/// Qubit and nanoseconds of each delay.
fn delays(circuit: &Circuit) -> Vec<(usize, f64)> {
    let time = |op: &Op| match op.kind {
        // To a millionth of a nanosecond, as the reader has them.
        OpKind::Delay(time) => Some((op.qubits[0], (time.0 * 1e15).round() / 1e6)),
        _ => None,
    };
    circuit.ops().iter().filter_map(time).collect()
}

#[test]
fn delays_fill_the_time_until_qubits_meet() {
    for (text, expected) in [
        // The official example alignment: g + 60 + 2 g = 300.
        (
            "stretch g; qubit[3] q; barrier q; cx q[0], q[1]; delay[g] q[2]; U(pi/4, 0, pi/2) q[2]; delay[2*g] q[2]; barrier q;",
            vec![(2, 80.0), (2, 160.0)],
        ),
        // The first example of the reference: all end with the longest.
        (
            "qubit[5] q; barrier q; cx q[0], q[1]; U(pi/4, 0, pi/2) q[2]; cx q[3], q[4]; stretch a; stretch b; stretch c; \
             delay[a] q[0], q[1]; delay[b] q[2]; delay[c] q[3], q[4]; barrier q;",
            vec![(0, 0.0), (1, 0.0), (2, 240.0), (3, 100.0), (4, 100.0)],
        ),
        // The decoupling of the reference beside two cx: 5 a = 600.
        (
            "stretch a; stretch b; duration start = a - .5 * durationof({x $0;}); \
             duration middle = a - .5 * durationof({x $0;}) - .5 * durationof({y $0;}); duration stop = a - .5 * durationof({y $0;}); \
             box { delay[start] $0; x $0; delay[middle] $0; y $0; delay[middle] $0; x $0; delay[middle] $0; y $0; delay[stop] $0; \
             cx $2, $3; delay[b] $1; cx $1, $2; U(1, 2, 3) $3; }",
            vec![(0, 100.0), (0, 80.0), (0, 80.0), (0, 80.0), (0, 100.0), (1, 300.0), (3, 240.0)],
        ),
        // What comes first in the text stays smallest: b takes what there is.
        (
            "qubit[2] q; stretch a; stretch b; barrier q; delay[a] q[0]; x q[0]; delay[b] q[0]; h q[1]; x q[1]; barrier q;",
            vec![(0, 0.0), (0, 50.0)],
        ),
        (
            "qubit[2] q; stretch b; stretch a; barrier q; delay[a] q[0]; x q[0]; delay[b] q[0]; h q[1]; x q[1]; barrier q;",
            vec![(0, 50.0), (0, 0.0)],
        ),
        // A box with a duration: 10 + 40 + a = 200, and the other qubit waits.
        (
            "qubit[2] q; stretch a; box[200ns] { delay[10ns] q[0]; x q[0]; delay[a] q[0]; h q[1]; }",
            vec![(0, 10.0), (0, 150.0), (1, 150.0)],
        ),
        ("qubit[2] q; box[200dt] { x q[0]; nop q[1]; }", vec![(0, 160.0), (1, 200.0)]),
        // A box that stretches: as long as what it holds.
        ("qubit[2] q; stretch s; box[s] { x q[0]; h q[1]; }", vec![(0, 10.0)]),
        // The duration of a stretch with a least value.
        (
            "qubit[2] q; stretch c; stretch d = 300ns + 2 * c; barrier q; cx q[0], q[1]; barrier q; delay[d] q[0]; cx q[0], q[1]; barrier q;",
            vec![(0, 300.0)],
        ),
        // Without anything to fill.
        ("qubit q; stretch a; delay[a + 20ns] q; x q;", vec![(0, 20.0)]),
        // One stretch in two parts: the part that needs more decides; the first part is as long as that needs.
        (
            "qubit[2] q; stretch a; barrier q; delay[a] q[0]; x q[1]; barrier q; delay[a + 10ns] q[0]; h q[1]; barrier q;",
            vec![(0, 40.0), (0, 50.0)],
        ),
        // A delay on two qubits begins when both are free.
        (
            "qubit[4] q; stretch a; barrier q; x q[0]; h q[1]; delay[a] q[0], q[1]; cx q[2], q[3]; barrier q;",
            vec![(0, 250.0), (1, 250.0)],
        ),
        // The same where the time of one of them depends on a stretch, too.
        (
            "qubit[4] q; stretch a; stretch b; barrier q; delay[b + 70ns] q[0]; h q[1]; delay[a] q[0], q[1]; cx q[2], q[3]; barrier q;",
            vec![(0, 70.0), (0, 230.0), (1, 230.0)],
        ),
        // Loops, arithmetic, and a measured condition, for which the qubit waits.
        (
            "qubit[2] q; bit c; stretch a; barrier q; c = measure q[0]; if (c) x q[0]; for int i in [1:2] { delay[i * a] q[1]; y q[1]; } barrier q;",
            vec![(1, 320.0), (1, 640.0)],
        ),
        ("duration d = durationof({x $0; cx $0, $1; measure $1;}); qubit q; delay[d / 2] q;", vec![(0, 670.0)]),
        ("const duration d = durationof({box[1us] {x $0;} reset $0;}); qubit q; delay[d] q;", vec![(0, 1500.0)]),
    ] {
        assert_eq!(delays(&reading(text).circuit), expected, "{text}");
    }
}

#[test]
fn what_does_not_fit_is_refused_where_it_stands() {
    for (text, message) in [
        ("qubit q; box[30ns] { x q; }", "10.000 ns are missing"),
        (
            "qubit[2] q; stretch a; barrier q; x q[0]; delay[a] q[1]; h q[1]; barrier q[0]; barrier q; box[20ns] { delay[a] q[0]; x q[0]; }",
            "no stretches",
        ),
        ("qubit[2] q; stretch a; barrier q; delay[a] q[0]; x q[0]; delay[a] q[1]; h q[1]; barrier q;", "no stretches"),
        ("qubit q; stretch a; if (a > 3ns) x q;", "a stretch has its value only when the whole text is read"),
        ("qubit q; stretch a; rx(a / 1ns) q;", "a stretch has its value only when the whole text is read"),
        ("qubit q; stretch a; rx(a) q;", "a duration is no number"),
        ("qubit q; stretch a; a = 3ns;", "a cannot change"),
        ("qubit q; stretch a = 3;", "is given no duration"),
        ("qubit q; stretch a; duration d = durationof({delay[a] q;}); delay[d] q;", "depends on a stretch"),
        ("qubit q; duration d = durationof({int n = 3;}); delay[d] q;", "gates, measurements, resets and delays only"),
        ("qubit q; duration d = durationof({delay[durationof({x $0;})] q;});", "durationof within durationof"),
        ("qubit q; bit c; c = measure q; if (c) { box[1us] { x q; } }", "a box with a duration in a branch"),
    ] {
        let error = read_with_notices(&format!("{HEAD}{text}"), &options(Table)).err();
        let error = error.unwrap_or_else(|| panic!("{text} was read"));
        assert!(error.message.contains(message), "{text}: {}", error.message);
    }
}

#[test]
fn what_is_taken_as_zero_is_noticed() {
    let text = "qubit q; stretch a; delay[a + 10ns] q; delay[durationof({x $0;})] q; box[1us] { x q; }";
    let untimed = read_with_notices(&format!("{HEAD}{text}"), &ReadOptions::default()).unwrap();
    assert_eq!(delays(&untimed.circuit), [(0, 10.0), (0, 0.0)]);
    let notices: Vec<&str> = untimed.notices.iter().map(|notice| &notice.message[..]).collect();
    for (notice, message) in
        notices.iter().zip(["the stretch a is taken as 0", "durationof is taken as 0", "a box was dissolved"])
    {
        assert!(notice.starts_with(message), "{notices:?}");
    }
    // A gate that the device does not know takes no time.
    let timed = reading("qubit[2] q; stretch a; barrier q; swap q[0], q[1]; delay[a] q[0]; x q[1]; barrier q;");
    assert_eq!(delays(&timed.circuit), [(0, 40.0)]);
    assert!(timed.notices.iter().any(|notice| notice.message.contains("no time of swap")), "{:?}", timed.notices);
    assert!(timed.notices.iter().any(|notice| notice.message == "the stretch a is 40.000 ns"), "{:?}", timed.notices);
}

#[test]
fn boxes_that_say_times_stand_between_barriers() {
    let names = |text: &str| reading(text).circuit.ops().iter().map(Op::name).collect::<Vec<_>>().join(" ");
    assert_eq!(
        names("qubit[2] q; x q[0]; box[100ns] { x q[0]; h q[1]; } x q[0];"),
        "x barrier x h delay delay barrier x"
    );
    // One that says nothing is dissolved.
    assert_eq!(names("qubit[2] q; x q[0]; box { x q[0]; h q[1]; } x q[0];"), "x x h x");
}

#[test]
fn the_times_of_a_device_are_those_of_its_calibration() {
    let device = Device::named("manila").unwrap();
    let text = "stretch g; qubit[3] q; barrier q; cx q[0], q[1]; delay[g] q[2]; x q[2]; delay[2*g] q[2]; barrier q;";
    let found = |text: &str, layout: LayoutMethod| {
        let times = DeviceTimes::of(&device, layout);
        let options = ReadOptions { times: Some(Arc::new(times)), cycle: device.dt, ..ReadOptions::default() };
        read_with_notices(&format!("{HEAD}{text}"), &options).unwrap().circuit
    };
    let row = |name: &str, qubits: &[usize]| {
        let rows = &device.calibration.gates;
        let row = rows.iter().find(|row| row.gate.name() == name && row.qubits[..] == *qubits);
        row.and_then(|row| row.length).unwrap().0 * 1e9
    };
    for (layout, at) in [(LayoutMethod::Trivial, [0, 1, 2]), (LayoutMethod::Given(vec![4, 3, 2]), [4, 3, 2])] {
        let gap = (row("cx", &at[..2]) - row("x", &at[2..])) / 3.0;
        let found = delays(&found(text, layout));
        assert!((found[0].1 - gap).abs() < 1e-5 && (found[1].1 - 2.0 * gap).abs() < 1e-5, "{found:?} {gap}");
    }
    // Physical qubits are where they say, whatever the layout. Aligned, the qubits end together without further waiting.
    let physical = text.replace("qubit[3] q;", "").replace("barrier q;", "barrier $3, $4, $2;");
    let physical = physical.replace("q[0]", "$3").replace("q[1]", "$4").replace("q[2]", "$2");
    let circuit = found(&physical, LayoutMethod::NoiseAware);
    let length = schedule::length(&circuit, &device).0 * 1e9;
    assert!((length - row("cx", &[3, 4])).abs() < 1e-5, "{length}");
    // What is not native is as long as it is when transpiled alone: h is one sx.
    let circuit = found("duration d = durationof({h $1;}); qubit q; delay[d] q;", LayoutMethod::Trivial);
    assert!((delays(&circuit)[0].1 - row("sx", &[1])).abs() < 1e-5);
}
