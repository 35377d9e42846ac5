//! The classical half of OpenQASM 3: variables, arrays, subroutines, loops and branches, on values that are known while
//! the text is read and on values that are measured.

use std::collections::BTreeMap;

use qgraft::circuit::qasm::{ReadOptions, WriteOptions, read, read_with_notices, write2, write3};
use qgraft::circuit::{Circuit, Param};
use qgraft::noise::Program;
use qgraft::sim::{Angles, Density, Simulator, Stabilizer, Trajectory};

use super::{here, parse, plain};

pub(super) const HEAD: &str = "OPENQASM 3.0;\ninclude \"stdgates.inc\";\n";

/// The exact distribution of the classical register, by the density engine.
fn distribution(circuit: &Circuit) -> Vec<f64> {
    let program = Program::ideal(circuit, &[]);
    let p = Density::default().probabilities(&program, Angles::of_weights(&[])).unwrap();
    p.row(0).to_vec()
}

/// What the classical register holds at the end of a text in which every measurement has one outcome.
pub(super) fn outcome(body: &str) -> u64 {
    let circuit = parse(&format!("{HEAD}{body}"));
    let found: Vec<u64> = plain::run(&circuit, &[]).into_keys().collect();
    assert_eq!(found.len(), 1, "{body}: {found:?}");
    let p = distribution(&circuit);
    assert!((p[found[0] as usize] - 1.0).abs() < 1e-12, "{body}: the engine disagrees");
    // Out and back it is the same.
    let text = write3(&circuit, &WriteOptions::default());
    let back = read(&text, &ReadOptions::default()).unwrap_or_else(|error| panic!("{}\n{text}", error.report()));
    assert_eq!(write3(&back, &WriteOptions::default()), text, "{body}");
    assert!((distribution(&back)[found[0] as usize] - 1.0).abs() < 1e-12, "{body} back from\n{text}");
    found[0]
}

#[derive(serde::Deserialize)]
struct Case {
    text: String,
    distribution: BTreeMap<u64, f64>,
}

#[test]
fn circuits_with_control_flow_have_the_distribution_of_qiskit() {
    let text = std::fs::read_to_string(here("tests/reference/qasm_flow.json")).unwrap();
    let cases: Vec<Case> = serde_json::from_str(&text).unwrap();
    assert_eq!(cases.len(), 300);
    for (k, case) in cases.iter().enumerate() {
        let circuit = parse(&case.text);
        let check = |circuit: &Circuit, what: &str| {
            for (outcome, found) in distribution(circuit).into_iter().enumerate() {
                let expected = case.distribution.get(&(outcome as u64)).copied().unwrap_or(0.0);
                // Some hundred gates and 1e-12 of the reference's rounding.
                assert!((found - expected).abs() < 1e-10, "case {k}, {what}, {outcome}: {found}\n{}", case.text);
            }
        };
        check(&circuit, "import");
        let text = write3(&circuit, &WriteOptions::default());
        let back = parse(&text);
        assert_eq!(write3(&back, &WriteOptions::default()), text, "case {k}");
        check(&back, "export");
    }
}

#[test]
fn values_are_computed_while_the_text_is_read() {
    for (body, expected) in [
        // Bits that hold a value from the start, and assignments to all and to some of them.
        ("qubit q; bit[4] c = \"1010\"; c[0] = 1; c[3] = false;", 0b0011),
        ("qubit q; bit[4] c; c = 6; c[-1] = true;", 0b1110),
        ("qubit q; bit[4] c; c[{0, 2}] = \"11\"; c[1:2] = \"10\";", 0b0101),
        ("qubit q; bit[3] c = \"011\"; c = c << 1; c = ~c;", 0b001),
        ("qubit q; bit[3] c = \"011\"; c ^= \"101\"; c |= \"001\";", 0b111),
        // Integers wrap around at their width.
        ("qubit q; bit[4] c; uint[4] n = 15; n += 2; c = bit[4](n);", 1),
        ("qubit q; bit[4] c; int[4] n = 7; n += 1; if (n == -8) c[0] = true;", 1),
        ("qubit q; bit[4] c; int n = 5; n *= 3; n %= 4; n **= 2; n -= 2; c = n;", 7),
        ("qubit q; bit[4] c; const uint[8] m = 3; uint[8] n = m * 4 - 1; n >>= 1; c = int(n);", 5),
        ("qubit q; bit[4] c; float[64] x = 1.5; x = x * 4; bool b = x > 5.0; if (b) c = int(x);", 6),
        ("qubit q; bit[4] c; complex[float[64]] z = 1 + 2im; z = z * z; if (real(z) == -3 && imag(z) == 4) c = 9;", 9),
        ("qubit q; bit[4] c; angle[4] a = pi / 2; a += pi; c = bit[4](a);", 0b1100),
        ("qubit q; bit[4] c; angle[4] a = pi; a <<= 1; a[0] = 1; c = bit[4](a);", 1),
        ("qubit q; bit[4] c; duration d = 2 * 10ns + 5ns; if (d / 5ns == 5.0) c = 5;", 5),
        // What is declared as uint[n] is one, whatever it was made of.
        ("qubit q; bit[4] d = \"1111\"; bit[4] c; uint[4] n = d; uint[8] m = n; if (m == 15) c = n + n;", 0b1110_1111),
        // Arrays.
        ("qubit q; bit[4] c; array[uint[4], 3] a = {1, 2, 4}; a[1] = a[0] + a[2]; c = bit[4](a[1]);", 5),
        (
            "qubit q; bit[4] c; array[int[8], 2, 2] a = {{1, 2}, {3, 4}}; a[1] = a[0]; a[0, 1] = 7; \
             c = a[1][1] + a[0, 1] + sizeof(a, 1) - 3;",
            8,
        ),
        ("qubit q; bit[4] c; array[bit[4], 2] a; a[1][2] = 1; a[0] = \"0001\"; c = a[0] | a[1];", 0b0101),
        ("qubit q; bit[4] c; array[int[8], 3] a = {1, 2, 3}; int s = 0; for int x in a { s += x; } c = s;", 6),
        ("qubit q; bit[4] c; array[int[8], 4] a = {1, 2, 3, 4}; a[0:1] = a[2:3]; c = a[0] + a[1];", 7),
        // Loops.
        ("qubit q; bit[4] c; int i = 0; while (i < 3) { i += 1; if (i == 2) continue; c[i] = 1; }", 0b1010),
        ("qubit q; bit[4] c; for int i in [0:3] { if (i == 2) break; c[i] = 1; }", 0b0011),
        ("qubit q; bit[4] c; for uint[2] i in {3, 0} { c[i] = 1; }", 0b1001),
        ("qubit q; bit[4] c; bit[3] d = \"101\"; int i = 0; for bit b in d { if (b) c[i] = 1; i += 1; }", 0b101_0101),
        ("qubit q; bit[4] c; int i = 2; switch (i) { case 0, 1 { c = 1; } case 2 { c = 2; } default { c = 3; } }", 2),
        ("qubit q; bit[4] c; int i = 5; switch (i) { case 0, 1 { c = 1; } case 2 { c = 2; } default { c = 3; } }", 3),
        ("qubit q; bit[4] c = \"0001\"; if (c == 1) end; c = 7;", 1),
        // Subroutines.
        ("qubit q; bit[4] c; def f(int[8] a, int[8] b) -> int[8] { return a * b + 1; } c = f(2, 3);", 7),
        ("qubit q; bit[4] c; def f(int n) -> int { if (n <= 1) { return 1; } return n * f(n - 1); } c = f(3) + 1;", 7),
        (
            "qubit q; bit[4] c; def f(mutable array[int[8], #dim = 1] a) { a[0] = 9; } array[int[8], 2] b; f(b); c = b[0];",
            9,
        ),
        (
            "qubit q; bit[4] c; def f(readonly array[int[8], 2] a) -> int { return sizeof(a) + a[1]; } \
          array[int[8], 2] b = {1, 2}; c = f(b);",
            4,
        ),
    ] {
        assert_eq!(outcome(body), expected, "{body}");
    }
}

#[test]
fn qubits_have_aliases_and_subroutines() {
    for (body, expected) in [
        ("qubit[4] q; bit[4] c; let a = q[1:2] ++ q[0]; x a[0]; x a[-1]; c = measure q;", 0b0011),
        ("qubit[4] q; bit[4] c; let a = q[{0, 3}]; x a; c = measure q;", 0b1001),
        (
            "qubit[4] q; bit[4] c; let a = q; for int i in [0:1] { let a = q[i + 2]; x a; } x a[0]; c = measure q;",
            0b1101,
        ),
        (
            "qubit[3] q; bit[3] c; def f(qubit[2] a, int n) { for int i in [1:n] { x a; } } f(q[1:2], 3); c = measure q;",
            0b110,
        ),
        ("qubit[3] q; bit[3] c; def f(int n) qubit[2] a { x a; }", u64::MAX),
        ("qubit[3] q; bit[3] c; def f(qubit a) -> bit { x a; return measure a; } c[1] = f(q[0]);", 0b010),
        (
            "qubit[3] q; bit[3] c; def f(qubit[2] a) -> bit[2] { bit[2] b; x a[1]; b = measure a; return b; } c[0:1] = f(q[0:1]);",
            0b010,
        ),
        ("bit[2] c; def f(qubit a) { x a; } f($1); c[1] = measure $1; c[0] = measure $0;", 0b10),
        // The qubits behind the parentheses, as in older texts.
        ("qubit[2] q; bit[2] c; def f(int[8] n, qubit a) { x a; } f(3) q[1]; c = measure q;", 0b10),
        ("qubit[2] q; bit[2] c; box[100ns] { x q[0]; nop q[1]; } x q[1]; measure q[0]; c = measure q;", 0b11),
        // Durations of gates, values that nothing uses, literal bits from the last on.
        ("qubit[2] q; bit[2] c; x[100ns] q[0]; rx(pi)[2 * 10ns] q[1]; c = measure q;", 0b11),
        (
            "qubit[2] q; bit[2] c; int n = 1; n + 1; 3; -n; sin(pi); def f(qubit a) -> int { x a; return 1; } 2 * f(q[1]); c = measure q;",
            0b10,
        ),
        // A call in any of them is performed, whatever stands beside it.
        ("qubit q; bit c; def f(int n, qubit a) -> int { x a; return n; } f(2, q) + 1; c = measure q;", 1),
        ("qubit q; bit c; def f(qubit a) -> int { x a; return 1; } int[32](f(q)); c = measure q;", 1),
        (
            "qubit q; bit[2] c; array[int, 2] a; int n; n; a[1]; a[0] + n; c[0]; bit[2](c); int(2.0); x q; c[0] = measure q;",
            1,
        ),
        ("qubit[3] q; bit[3] c; int n = 0; for bit e in \"011\" { if (e) x q[n]; n += 1; } c = measure q;", 0b011),
    ] {
        if expected == u64::MAX {
            assert!(read(&format!("{HEAD}{body}"), &ReadOptions::default()).is_err(), "{body}");
            continue;
        }
        assert_eq!(outcome(body), expected, "{body}");
    }
}

/// `f` holds the number, as measured bits; the body computes; the register `c` is what is compared.
fn measured(width: usize, set: u64, body: &str) -> u64 {
    let flips: String = (0..width).filter(|k| set >> k & 1 == 1).map(|k| format!("x w[{k}]; ")).collect();
    let text = format!("qubit[{width}] w; output bit[6] c; bit[{width}] f; {flips} f = measure w; {body}");
    let circuit = parse(&format!("{HEAD}{text}"));
    assert_eq!(circuit.bits(), 6, "only the output is an outcome");
    outcome(&text)
}

#[test]
fn measured_bits_are_computed_with_when_the_circuit_runs() {
    type Rule = fn(u64) -> u64;
    let rules: [(&str, Rule); 40] = [
        // Angles are parts of a turn.
        ("angle[3] a = angle[3](f); angle[3] b = pi / 2; a = a + b - 3 * b; c[0:2] = bit[3](a);", |f| (f + 4) % 8),
        ("angle[3] a = angle[3](f); a = a / 2; if (a > angle[3](pi / 2)) c[5] = 1; c[0:2] = bit[3](a);", |f| {
            f / 2 + if f / 2 > 2 { 32 } else { 0 }
        }),
        ("angle[3] a = angle[3](f); a = (a << 1) ^ a; c[0:2] = bit[3](a);", |f| (f << 1 & 7) ^ f),
        // A branch changes what its condition tests: through an alias, and by calls.
        ("if (f == 5) { let a = f; a[0] = 0; c[1] = 1; }", |f| if f == 5 { 2 } else { 0 }),
        ("if (f == 5) { let a = f; let b = a[0:1]; b[0] = 0; c[1] = 1; }", |f| if f == 5 { 2 } else { 0 }),
        (
            "def g() -> bit { f[0] = 0; return 1; } if (f == 5) { bit z = g(); c[1] = z; }",
            |f| {
                if f == 5 { 2 } else { 0 }
            },
        ),
        ("def g() -> bit { f[0] = 0; return 1; } if (f == 5) { if (g()) c[1] = 1; }", |f| if f == 5 { 2 } else { 0 }),
        ("def g() -> bit { f[0] = 0; return 1; } if (f == 5) { switch (g()) { case 1 { c[1] = 1; } } }", |f| {
            if f == 5 { 2 } else { 0 }
        }),
        ("def g() -> bit { f[0] = 0; return 0; } if (f == 5) { while (g()) { } c[1] = 1; }", |f| {
            if f == 5 { 2 } else { 0 }
        }),
        ("def g() -> int { f[0] = 0; return 1; } if (f == 5) { delay[g() * 1ns] w[0]; c[1] = 1; }", |f| {
            if f == 5 { 2 } else { 0 }
        }),
        ("int n = 1 << f[0]; c = n;", |f| 1 << (f & 1)),
        ("int n = 1; int k = popcount(f); n = n << k; c = uint[6](n);", |f| 1 << f.count_ones()),
        ("int n = int[3](f); n = n << f[0] >> f[1]; c = int[6](n);", |f| {
            let n = if f < 4 { f as i64 } else { f as i64 - 8 };
            (n << (f & 1) >> (f >> 1 & 1)) as u64 & 63
        }),
        ("uint[6] n = 5; n = n << uint[3](f); c = bit[6](n);", |f| 5 << f & 63),
        ("uint[6] n = uint[3](f); n += 3; c = bit[6](n);", |f| f + 3),
        ("uint[3] n = f; n += 3; c[0:2] = bit[3](n);", |f| (f + 3) % 8),
        ("uint[6] n = uint[3](f); n *= n; c = bit[6](n);", |f| f * f % 64),
        ("uint[6] n = uint[3](f); n = 20 - n; c = bit[6](n);", |f| 20 - f),
        ("uint[6] n = uint[3](f); n = 50 / (n + 1); c = bit[6](n);", |f| 50 / (f + 1)),
        ("uint[6] n = uint[3](f); n = (n * 7) % 5; c = bit[6](n);", |f| f * 7 % 5),
        ("int[3] n = int[3](f); if (n < 0) { c[0] = 1; } else { c[1] = 1; }", |f| if f >= 4 { 1 } else { 2 }),
        ("int[8] n = int[3](f); n = -n; c = int[6](n);", |f| (64 - if f >= 4 { f + 56 } else { f }) % 64),
        ("c[0:2] = f << 1; c[3:5] = f >> 1;", |f| f << 1 & 7 | f >> 1 << 3),
        ("c[0:2] = rotl(f, 1); c[3:5] = ~f;", |f| (f << 1 & 7 | f >> 2) | (!f & 7) << 3),
        ("int n = popcount(f); c = n;", |f| f.count_ones().into()),
        ("uint[3] n = f; uint[6] m = 1; m = m << n; c = bit[6](m);", |f| if f < 6 { 1 << f } else { 0 }),
        ("bool b = f[0] ^ f[1]; b = !b && f[2]; c[0] = b;", |f| u64::from(f & 4 > 0 && (f & 1 == f >> 1 & 1))),
        ("int n = 0; if (f[0]) { n = 5; } if (f[1]) { n += 2; } c = n;", |f| (f & 1) * 5 + (f >> 1 & 1) * 2),
        ("int n = 0; for int i in [0:2] { if (f[i]) n += i + 1; } c = n;", |f| (f & 1) + (f & 2) + 3 * (f >> 2)),
        // The condition is tested once, whatever the branch does to what it tests.
        ("if (f == 5) { f[0] = 0; c[0] = 1; f[2] = 0; c[1] = 1; } else { c[2] = 1; }", |f| if f == 5 { 3 } else { 4 }),
        ("switch (f) { case 1 { f = 2; c = 1; } case 2 { c = 2; } case 3, 4 { c = 3; } default { c = 4; } }", |f| {
            match f {
                1 | 2 => f,
                3 | 4 => 3,
                _ => 4,
            }
        }),
        ("for int i in [0:2] { if (f[i]) break; c[i] = 1; }", |f| (1 << f.trailing_zeros().min(3)) - 1),
        ("for int i in [0:2] { if (f[i]) continue; c[i] = 1; }", |f| !f & 7),
        ("uint[3] n = f; while (n > 4) { n -= 1; c[0] = !c[0]; } c[1:3] = bit[3](n);", |f| {
            if f > 4 { 8 | (f - 4) & 1 } else { f << 1 }
        }),
        ("def g(bit[3] b) -> bit { if (b == 3) { return 1; } if (b[2]) { return 1; } return 0; } c[0] = g(f);", |f| {
            u64::from(f >= 3)
        }),
        ("if (f[0]) { if (f[1]) { end; } c[1] = 1; } c[0] = 1;", |f| match f & 3 {
            3 => 0,
            1 => 3,
            _ => 1,
        }),
        ("array[uint[3], 2] a; a[1] = f; a[0] = a[1] + 1; c[0:2] = bit[3](a[0]);", |f| (f + 1) % 8),
        ("angle[3] a = angle[3](f); a *= 2; c[0:2] = bit[3](a);", |f| f * 2 % 8),
        ("int k = 0; for bit b in f { if (b) c[k] = 1; k += 1; }", |f| f),
        // An integer of as many bits keeps its pattern, known or measured.
        ("int[3] n = int[3](f); c[0:2] = n; n = -3; c[3:5] = n;", |f| f | 5 << 3),
    ];
    for (body, rule) in rules {
        for set in 0..8 {
            let expected = rule(set);
            let found = measured(3, set, body);
            assert_eq!(found, expected, "{body} where f is {set}");
        }
    }
}

#[test]
fn runs_that_leave_do_nothing_more() {
    // The two conditions hold in 20 and in 6 cases: branches within both test a copy.
    let leave = "if (d[0]) LEAVE; if (popcount(e) == 2) { if (d[1]) LEAVE; r = 1; if (d[2]) LEAVE; r = 2; }";
    for (word, around) in [
        ("break", "if (popcount(c) == 3) { for int i in [0:0] { BODY } }"),
        ("continue", "if (popcount(c) == 3) { int i = 0; while (i < 1) { i += 1; BODY } }"),
        ("return", "def f() { BODY } if (popcount(c) == 3) { f(); }"),
        ("end", "if (popcount(c) == 3) { BODY }"),
    ] {
        let body = around.replace("BODY", &leave.replace("LEAVE", word));
        for set in 0..8 {
            let flips: String = (0..3).filter(|k| set >> k & 1 == 1).map(|k| format!("d[{k}] = measure q; ")).collect();
            let text = format!(
                "qubit q; output bit[2] r; bit[6] c; bit[4] e; bit[3] d; x q; {flips} c[0] = measure q; c[2] = measure q; \
                 c[5] = measure q; e[1] = measure q; e[2] = measure q; {body}"
            );
            let expected = match set {
                0 => 2,
                4 => 1,
                _ => 0,
            };
            assert_eq!(outcome(&text), expected, "{word} where d is {set}");
        }
    }
}

#[test]
fn angles_and_wide_registers_may_be_measured() {
    // A rotation by the measured number of half turns, of which two are none.
    for set in 0..4u64 {
        let flips: String = (0..2).filter(|k| set >> k & 1 == 1).map(|k| format!("x w[{k}]; ")).collect();
        let text = format!(
            "qubit[3] w; bit[2] f; bit g; {flips} f[0:1] = measure w[0:1]; uint[2] n = f; rx(n * pi) w[2]; g = measure w[2];"
        );
        assert_eq!(outcome(&text), set | (set & 1) << 2, "{set}");
    }
    // More bits than a condition holds.
    let text = format!("{HEAD}qubit q; bit[151] f; bit g; f[150] = measure q; if (f == 0) x q; g = measure q;");
    let circuit = parse(&text);
    assert!(circuit.scratch() > 0 && circuit.bits() == 152);
    let text = text.replace(
        "OPENQASM 3.0;\ninclude \"stdgates.inc\";\nqubit q;",
        "OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[1];",
    );
    let old = text
        .replace("bit[151] f; bit g;", "creg f[151]; creg g[1];")
        .replace(" f[150] = measure q;", "measure q[0] -> f[150];");
    let old = old.replace("if (f == 0) x q; g = measure q;", "if (f == 0) x q[0]; measure q[0] -> g[0];");
    assert_eq!(parse(&old).bits(), 152);
    // Numbers of any length are compared exactly: both are one real number.
    let power = "1427247692705959881058285969449495136382746624";
    for (flips, number, holds) in [
        ("x q[0];", power.to_string(), true),
        ("x q[0]; x q[1];", power.to_string(), false),
        ("x q[0]; x q[1];", power.replace("746624", "746625"), true),
        ("x q[1];", power.replace("746624", "746625"), false),
    ] {
        for (sign, holds) in [("==", holds), ("!=", !holds)] {
            let text = format!(
                "{HEAD}qubit[3] q; bit[151] f; output bit g; {flips} f[150] = measure q[0]; f[0] = measure q[1]; \
                 if (f {sign} {number}) x q[2]; g = measure q[2];"
            );
            let program = Program::ideal(&parse(&text), &[]);
            let counts = Stabilizer.sample(&program, Angles::of_weights(&[]), 4, 0).unwrap();
            assert_eq!(counts[[0, 1]], 4 * u64::from(holds), "{flips} {sign} {number}");
        }
    }
    let angle = parse(&format!("{HEAD}qubit q; rx(100000000000000000000) q; rx(-18446744073709551616 / 2) q;"));
    let angles: Vec<&Param> = angle.ops().iter().flat_map(|op| op.params()).collect();
    assert_eq!(angles, [&Param::Fixed(1e20), &Param::Fixed(-9223372036854775808.0)]);
}

#[test]
fn a_loop_that_measurements_end_is_written_out() {
    let text = format!("{HEAD}qubit q; bit c = \"1\"; while (c) {{ h q; c = measure q; }}");
    let reading = read_with_notices(&text, &ReadOptions::default()).unwrap();
    let p = distribution(&reading.circuit);
    // It ends with probability 1/2 in each of 64 rounds.
    assert!((p[0] - 1.0).abs() < 1e-12, "{p:?}");
    assert!(reading.notices.iter().any(|notice| notice.message.contains("for 64 rounds")), "{:?}", reading.notices);
    let program = Program::ideal(&reading.circuit, &[]);
    let p = Trajectory::new(200, 1).probabilities(&program, Angles::of_weights(&[])).unwrap();
    assert_eq!(p[[0, 0]], 1.0);
    let silent = parse(&format!("{HEAD}qubit q; h q; measure q;"));
    assert!(silent.scratch() == 1 && write2(&silent).is_err());
    assert!(write2(&reading.circuit).unwrap_err().to_string().contains("OpenQASM 3"));
    assert_eq!(Circuit::from_json(&reading.circuit.to_json()).unwrap(), reading.circuit);
}

#[test]
fn scratch_bits_stay_behind_the_register() {
    let text = |flip: &str, more: usize, expected: usize| {
        format!(
            "{HEAD}qubit[2] q; output bit c; bit[2] f; {flip} f = measure q; uint[2] n = f; n = n * n + {more}; c = 0; \
             if (n == {expected}) c = 1;"
        )
    };
    let outcomes = |circuit: &Circuit| plain::run(circuit, &[]).into_keys().collect::<Vec<u64>>();
    let [first, second] = [parse(&text("x q[0];", 1, 2)), parse(&text("x q[1];", 2, 3))];
    assert!(first.scratch() > 0 && first.bits() == 1);
    assert_eq!((outcomes(&first), outcomes(&second)), (vec![1], vec![0]));
    // The register grows, and they move.
    let mut measured = first.clone();
    measured.measure_all().unwrap();
    assert_eq!((measured.bits(), measured.scratch()), (2, first.scratch()));
    for (op, before) in measured.ops().iter().zip(first.ops()) {
        let [mut op, mut before] = [op.clone(), before.clone()];
        assert!(op.bits_mut().map(|bit| *bit).eq(before.bits_mut().map(|bit| *bit + usize::from(*bit >= 1))));
    }
    assert_eq!(outcomes(&measured), [1]);
    // Those of another circuit are further ones: 3 * 3 + 2 is 3 of two bits.
    let mut both = first.clone();
    both.extend(&second, &[0, 1]).unwrap();
    assert_eq!((both.bits(), both.scratch()), (1, first.scratch() + second.scratch()));
    assert_eq!(outcomes(&both), [1]);
    // A bit of the other's register that this circuit lacks is none of its scratch bits.
    let mut wider = Circuit::with_bits(2, 2);
    wider.measure(0, 1).unwrap();
    assert!(both.extend(&wider, &[0, 1]).unwrap_err().to_string().contains("outside"));
}
