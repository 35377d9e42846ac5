//! Drawings: the text, character by character, and that nothing breaks the frame.

use std::path::Path;

use qgraft::circuit::qasm::{ReadOptions, read};
use qgraft::circuit::{Circuit, Condition, Gate, Op, OpKind, Param, draw};
use qgraft::math::Seconds;

/// One of each kind of mark.
fn sampler() -> Circuit {
    let mut c = Circuit::with_bits(4, 3);
    let x: Vec<Param> = (0..3).map(|k| c.slot(format!("x{k}"))).collect();
    let quarter = [Param::Fixed(std::f64::consts::FRAC_PI_4)];
    let tested = |bits: &[usize], value, op| Op { condition: Some(Condition { bits: bits.to_vec(), value }), ..op };
    let ops = [
        Op::gate(Gate::H, &[0], &[]),
        Op::gate(Gate::Ry, &[0], &[x[0]]),
        Op::gate(Gate::Ry, &[1], &[x[1] * 2.0 + 0.25]),
        Op::gate(Gate::Cx, &[0, 1], &[]),
        Op::gate(Gate::Cx, &[3, 0], &[]),
        Op::gate(Gate::Crz, &[2, 0], &x[..1]),
        Op::gate(Gate::Cp, &[1, 2], &quarter),
        Op::gate(Gate::Swap, &[1, 3], &[]),
        Op::of(OpKind::Barrier, &[0, 1, 2, 3]),
        Op::gate(Gate::Rzz, &[3, 1], &x[2..]),
        Op::gate(Gate::Ecr, &[0, 1], &[]),
        Op::gate(Gate::Cswap, &[0, 1, 3], &[]),
        Op::gate(Gate::Ccx, &[0, 1, 2], &[]),
        Op::of(OpKind::Measure { bit: 0 }, &[0]),
        Op::of(OpKind::Measure { bit: 1 }, &[1]),
        tested(&[0, 1], 2, Op::gate(Gate::X, &[2], &[])),
        tested(&[0, 1, 2], 5, Op::gate(Gate::Sdg, &[3], &[])),
        Op::of(OpKind::Reset, &[0]),
        Op::of(OpKind::Delay(Seconds::nano(120.0)), &[1]),
        Op::of(OpKind::GlobalPhase(x[0] * -0.5), &[]),
    ];
    for op in ops {
        c.append(op).unwrap();
    }
    c
}

/// Compares with the file beside the test; with UPDATE=1 it is written anew, to be checked before committing.
fn golden(name: &str, found: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/draw").join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, found).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), found, "{name}");
}

fn library() -> Vec<(String, Circuit)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("circuits");
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let drawn = paths.filter(|path| path.extension().is_some_and(|e| e == "qasm")).map(|path| {
        let text = std::fs::read_to_string(&path).unwrap();
        (path.display().to_string(), read(&text, &ReadOptions::default()).unwrap())
    });
    drawn.collect()
}

#[test]
fn text_of_every_mark() {
    golden("sampler.txt", &draw::text(&sampler(), 100));
}

#[test]
fn svg_of_every_mark() {
    golden("sampler.svg", &draw::svg(&sampler()));
}

#[test]
fn text_keeps_to_its_width_and_names_every_qubit() {
    for (name, circuit) in library() {
        for width in [40, 80, 200] {
            let text = draw::text(&circuit, width);
            assert!(text.lines().all(|line| line.chars().count() <= width), "{name} at {width}\n{text}");
            assert!((0..circuit.qubits()).all(|q| text.contains(&format!("q_{q}: "))), "{name}\n{text}");
        }
    }
    // Narrower than a single box: one column per block, and still all of them.
    assert_eq!(draw::text(&sampler(), 1).matches("RZZ(x2)").count(), 1);
}

#[test]
fn svg_holds_every_label_and_escapes_names() {
    let mut c = Circuit::new(1);
    let evil = c.slot("<a&b>");
    c.push(Gate::Rx, &[0], &[evil]).unwrap();
    assert!(draw::svg(&c).contains("RX(&lt;a&amp;b&gt;)"));
    for (name, circuit) in library() {
        let picture = draw::svg(&circuit);
        assert!(circuit.slot_names().iter().all(|slot| picture.contains(&format!("{slot})"))), "{name}");
        assert_eq!(picture.matches("<text").count(), picture.matches("</text>").count(), "{name}");
    }
}

#[test]
fn nothing_at_all_can_be_drawn() {
    assert_eq!(draw::text(&Circuit::new(0), 80), "");
    assert!(draw::svg(&Circuit::new(0)).ends_with("</svg>\n"));
    assert_eq!(draw::text(&Circuit::new(1), 80), "q_0:\n");
}

#[test]
fn assignments_are_counted_and_scratch_bits_have_numbers_of_their_own() {
    let text = "OPENQASM 3.0; include \"stdgates.inc\"; qubit[2] q; bit[2] c; output bit r; c = measure q; \
                if (c == 2) x q[0]; r = measure q[0];";
    let circuit = read(text, &ReadOptions::default()).unwrap();
    assert_eq!((circuit.bits(), circuit.scratch()), (1, 2));
    let drawn = draw::text(&circuit, 80);
    assert!(drawn.contains("c[scratch0,scratch1]=2"), "{drawn}");
    assert!(!drawn.contains("not drawn"), "{drawn}");
    for (added, message) in
        [(1, "1 assignment to a classical bit is not drawn"), (2, "2 assignments to classical bits are")]
    {
        let mut circuit = circuit.clone();
        for _ in 0..added {
            circuit.append(Op::of(OpKind::Assign { bit: 0, value: true }, &[])).unwrap();
        }
        assert!(draw::text(&circuit, 80).contains(message));
        assert!(draw::svg(&circuit).contains(message));
    }
}
