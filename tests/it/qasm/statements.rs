//! Gates on single qubits are read in a way of their own: it gives the operations and the messages of the general way.

use qgraft::circuit::gate::GATES;
use qgraft::circuit::qasm::{ReadOptions, read, read_with_notices};
use qgraft::circuit::{Circuit, OpKind};

fn message(text: &str) -> String {
    read(text, &ReadOptions::default()).unwrap_err().to_string()
}

fn circuit(text: &str) -> Circuit {
    read(text, &ReadOptions::default()).unwrap_or_else(|error| panic!("{text}\n{}", error.report()))
}

const HEADS: [&str; 2] = [
    "OPENQASM 2.0;\ninclude \"qelib1.inc\";\nqreg q[12];\nqreg r[2];\n",
    "OPENQASM 3.0;\ninclude \"stdgates.inc\";\nqubit[12] q;\nqubit[2] r;\n",
];

#[test]
fn every_gate_is_read_alike_with_plain_and_with_computed_operands() {
    let angles =
        ["0.25", "-1.5e-3", "pi", "-pi/4", "3*pi/8", "2", "-1", "pi/2+0.1", "1_0.5", "(pi)", "+.5", "2*(1.5-pi)"];
    for head in HEADS {
        for (position, row) in GATES.iter().enumerate() {
            for name in row.aliases.iter().chain([&row.name]) {
                let given = |k: usize| angles[(position + 5 * k) % angles.len()];
                let list = (0..row.params.len()).map(given).collect::<Vec<_>>().join(", ");
                let call = if list.is_empty() { name.to_string() } else { format!("{name}({list})") };
                let on = |index: &dyn Fn(usize) -> String| {
                    let operands: Vec<String> = (0..row.qubits).map(|k| format!("q[{}]", index(k + 1))).collect();
                    format!("{head}{call} {};", operands.join(", "))
                };
                let plain = on(&|k| k.to_string());
                // `p` and other names that a version lacks are refused alike.
                let computed = on(&|k| format!("{k}+0"));
                match (read(&plain, &ReadOptions::default()), read(&computed, &ReadOptions::default())) {
                    (Ok(plain), Ok(computed)) => assert_eq!(plain, computed, "{call}"),
                    (Err(plain), Err(computed)) => assert_eq!(plain.message, computed.message, "{call}"),
                    (plain, computed) => panic!("{call}: {plain:?} and {computed:?}"),
                }
            }
        }
    }
}

#[test]
fn a_name_calls_what_it_means_there() {
    let count = |text: &str| circuit(text).ops().len();
    for head in HEADS {
        // Known before, remembered, and then declared by the text.
        assert_eq!(count(&format!("{head}h q[0]; gate g a {{ h a; h a; }} g q[0]; g q[1]; h q[1];")), 6);
        assert!(message(&format!("{head}g q[0]; gate g a {{ h a; }}")).ends_with("there is no gate g"));
    }
    let [two, three] = HEADS;
    // An own definition of a name of the table holds, whatever the library says.
    let bare = two.replace("include \"qelib1.inc\";\n", "");
    let own = circuit(&format!("{bare}gate h a {{ U(0, 0, pi) a; }} h q[3];"));
    assert!(matches!(own.ops(), [op] if op.qubits[..] == [3] && op.name() == "u"), "{:?}", own.ops());
    assert!(message(&format!("{bare}h q[0];")).ends_with("there is no gate h"));
    assert_eq!(count(&format!("{bare}U(0, 0, pi) q[0]; CX q[0], q[1];")), 2);
    // Subroutines come before gates, from their declaration on.
    let text = format!("{three}x q[0]; def x(qubit a) {{ h a; h a; }} x(q[0]);");
    assert!(read(&text, &ReadOptions::default()).is_err() || count(&text) == 3);
    // After the end of the text nothing is done, behind a condition all under it.
    assert_eq!(count(&format!("{three}x q[0]; end; x q[1];")), 1);
    let ends = circuit(&format!("{three}bit c; c = measure q[0]; if (c) end; x q[1]; x q[2];"));
    let conditional = ends.ops().iter().filter(|op| matches!(op.kind, OpKind::Gate { .. }));
    assert!(conditional.clone().count() == 2 && conditional.clone().all(|op| op.condition.is_some()));
}

#[test]
fn a_long_text_has_the_right_position_in_its_message() {
    for head in HEADS {
        let lines = head.matches('\n').count();
        let many = "rz(-0.25) q[0]; cx q[0],q[1];\nh q[2]; // rx(1) q[99];\n".repeat(500);
        for (wrong, column, message) in [
            ("  rz(0.3) q[12];", 13, "q[12] is outside the register of 12"),
            ("\tcx q[0], q[0];", 11, "cx gets one qubit twice"),
            ("rz() q[0];", 1, "rz takes 1 angle, 0 are given"),
            ("rz(1, 2) q[0];", 1, "rz takes 1 angle, 2 are given"),
            ("h q[0], q[1];", 1, "h acts on 1 qubit, 2 are given"),
            ("rx(1/0.0) q[0];", 4, "this is not a finite number"),
            ("rx(1 q[0];", 6, "expected `,` or `)`, but there is `q`"),
            ("h q[0] q[1];", 8, "expected `,` or `;`, but there is `q`"),
            ("h q[1;", 6, "expected `,` or `]`, but there is `;`"),
            ("h s[1];", 3, "nothing is called s"),
            ("rx(99999999999999999999e999) q[0];", 4, "this number is too large"),
            ("hh q[0];", 1, "there is no gate hh"),
        ] {
            let text = format!("{head}{many}{wrong}\nx q[0];");
            let error = read(&text, &ReadOptions::default()).unwrap_err();
            assert_eq!((error.line, error.column), (lines + 1001, column), "{wrong}: {error}");
            assert!(error.message.contains(message), "{wrong}: {error}");
        }
    }
}

#[test]
fn what_only_looks_plain_is_read_in_the_general_way() {
    let [_, three] = HEADS;
    let text = format!(
        "{three}const float a = 0.5; input float x; bit c; let s = r;\n\
         rz(a) q[0]; rz(x) q[0]; rz(2*x) q[0]; h r; h s[1]; h q[-1]; h q[0x3]; cx q[0:1], r; rz(1.0im*1.0im) q[0];\n"
    );
    let refused = message(&text);
    assert!(refused.contains("a complex number is no real one"), "{refused}");
    let circuit = circuit(text.split(" rz(1.0im").next().unwrap());
    let qubits: Vec<&[usize]> = circuit.ops().iter().map(|op| &op.qubits[..]).collect();
    let expected: [&[usize]; 10] = [&[0], &[0], &[0], &[12], &[13], &[13], &[11], &[3], &[0, 12], &[1, 13]];
    assert_eq!(qubits, expected);
    // What is read twice is noticed once.
    let twice = format!("{three}rz(durationof({{x $0;}}) / 1ns) q[0];");
    let reading = read_with_notices(&twice, &ReadOptions::default()).unwrap();
    assert_eq!(reading.notices.len(), 1, "{:?}", reading.notices);
}

/// The reference statements of the tests of the official grammar (github.com/openqasm/openqasm, source/grammar/tests/reference),
/// a text for each file or two, with declarations of the names that they use. Left out are
/// what the language reference forbids: a `reset` in a gate ("Only built-in gate statements and calls to previously defined
/// gates can appear"), a `switch` without a case ("shall contain at least one"), and `2*z` of an array, for which it has no
/// operator.
#[rustfmt::skip]
const OFFICIAL: &[&str] = &[
    "bit[2] a; creg b[3]; qubit[5] q1; qreg q2[7]; let q = q1 ++ q2; let c = a[{0,1}] ++ b[1:2]; let qq = q1[{1,3,4}]; let qqq = qq ++ q2[1:2:6]; let d = c; let e = d[1];",
    "bit[2] a; creg b[2]; qubit[3] q; int[10] x = 12; a[0] = b[1]; x += int[10](a[1]); measure q[1] -> a[0]; a = measure q[1:2]; measure q[0]; b[0] = a == 0;",
    "qubit[2] q; bit[4] spec; const int n = 2; for int i in [0:1] { if(spec[i] == 0 && spec[n+i] == 1) { x q[i]; } }",
    "array[uint, 5] x; uint a; if (a == 3) { for uint i in [0:2:4] x[i] += 1; } else x[0] = 1;",
    "qubit[2] x; bool a; if (a) x x[0]; else cx x[0], x[1];",
    "uint i; qubit[7] q; while (i < 10) { i += 1; for uint j in {1, 4, 6} reset q[j]; if (i == 8) break; else continue; } end;",
    "int i = 3; int j; int k=1; switch (i) { case 0 { x $0; } case 1, 2 { x $0; z $1; } case 3, { } default { cx $0, $1; } } switch (i + j) { case 9 { } default { switch (2 * k) { case 0 { x $0; } default { z $0; } } } }",
    "array[uint[16], 1] x; array[int[8], 4] x1; array[float[64], 4, 2] x2; array[angle[32], 4, 3, 2] x3; array[bit[8], 2] x4; array[bit[16], 2, 2] x5; array[complex[float[32]], 4] x6; array[bool, 3] x7; array[int[8], 4] y4 = {1, 2, 3, 4}; array[int[8], 4] x8 = y4; int[8] y = 2; array[int[8], 2] x9 = {y, y+y}; array[uint[32], 2, 2] xa = {{3, 4}, {3-2, 5*y}}; array[uint[32], 2] z; array[uint[32], 2, 2] xb = {z, {3-2, 5*y}};",
    "int[10] x; int[10] y; uint[32] z = 0xFa_1F; uint[32] z1 = 0XFa_1F; uint[16] z2 = 0o12_34; uint[16] z3 = 0b1001_1001; uint[16] z4 = 0B1001_1001; uint x1; qubit[6] q1; qubit q2; bit[4] b1=\"0100\"; bit[8] b2=\"1001_0100\"; bit b3 = \"1\"; bool m=true; bool n=bool(b2); bool o=false; const float[64] c = 5.5e3; const float[64] d=5; float[32] f = .1e+3; duration dur2 = 200ns; duration dur3 = 10 ms; duration dur4 = 8\tus; duration dur5 = 1s; stretch s;",
    "duration dur = 1000dt; duration dur2 = dur + 200ns;",
    "@bind [2:3]\nint[8] x; @rename other\noutput float[64] var;\n@outer\ndef fn() {\n @inner word1\n uint[16] x;\n @inner word2\n return;\n}\n@first\n@second @not_third\nuint[16] x2;\n@binds tightly\nx = 1; x = 2;",
    "int x=1; int y; 2+2; 2**2; x << y;",
    "uint[4] x; array[int, 2, 2] a; int[32](10); sin(π); arcsin(0.5); cos(π); arccos(0.5); tan(π); arctan(π); exp(π); log(π); ln(π); sqrt(π); rotl(x, 1); rotr(x, 1); popcount(x); sizeof(a); sizeof(a, 0); sizeof(a, 1);",
    "array[uint[8], 4] a; uint[8] c; uint[8] b; a[1]+2|c*(2^3*a[3]); bit[3] f; f = bit[8](b)[2:4];",
    "bool my_var; !my_var;",
    "qubit[2] q1; qubit q2; def sub_call(int a, bit[2] b, qubit c, qubit d) -> bit { return 1; } bit x = sub_call(10, \"01\", q1[0], q2); def ambiguous_call(float a) {} ambiguous_call(pi);",
    "qubit[4] q; gate g q { U(0,0,1) q; } ctrl(2) @ g q[0], q[1], q[2]; negctrl(3) @ g q[0], q[1], q[2], q[3]; pow(-1./2.) @ g q; inv @ g q;",
    "gate test_gate(theta) a, b { barrier b; gphase(-theta/2); cx a, b; barrier; }",
    "cal {}\ncal {One long, otherwise invalid token.}\ncal {Outer {nested} outer}\ndefcal x $0 {}\ndefcal measure $0 -> bit {Outer {nested} outer}\ndefcal rz(angle[20] theta) q {£$&£*(\")}\ndefcal rz(pi / 2) q {Symbolic expression.}\n",
    "{ int ii = 32; } nop; nop $0; nop $1, $2; qubit[2] q; nop q, q[0],; box { nop $0; } gate g q { nop q; }",
    "const int n = 1; def test_array_1(mutable array[uint[16], 4, 2] a) {} def test_array_2(readonly array[uint[16], 4, 2] a) {} def test_array_3(mutable array[uint[16], #dim=2] a) {} def test_array_4(readonly array[uint[16], #dim=2*n] a) {} def test_array_5(readonly array[int[8], #dim=1] a, mutable array[complex[float[64]], #dim=3] b, readonly array[complex[float[64]], 2, 2] c) -> int[8] {}",
    "extern test_kern(bit[5], uint[10], float[16], complex[float[64]]) -> float[6];",
    "def test_sub1(int[5] i, qubit[2] q1, qreg q2[5]) -> int[10] { int[10] result; if (result == 2) return 1 + result; return result; } def test_sub2(int[5] i, bit[2] b, creg c[3]) { for int[5] j in {2, 3} i += j; return i+1; } def returns_a_measure(qubit q) { return measure q; }",
    "array[int[8], 4, 3,] bb; extern fun(int, int,) -> int; gate g a, b,\n{ cx a, b; } qubit[6] two; let s = two[{0, 3, 5, }]; qubit q1; qubit q2; nop q1, q2,; g two[0], two[1],; barrier two,;",
    "array[uint[16], 2, 2] a = {{1, 2}, {3, 4}}; array[uint[16], 2, 4] b = {{1, 2, 3, 4}, {5, 6, 7, 8}}; a = b[0:1][0:1]; a[0:1] = b[0:1][0:1]; a[0] = b[0][0:1]; a[0][0] = b[0][0]; a[0][0:1] = b[1][1:2:3]; a[0:1][0] = b[0:1][0]; a[0:1][0:1] = b[0:1][0:1];",
    "input angle[16] variable1; output angle[16] variable2; qubit q; rx(variable1) q;",
    "complex[float] a; complex[float] b = 4 - 5.5im; complex[float[64]] d = a + 3 im; complex[float[32]] c = b ** b; complex[float] e = 1im; complex[float] f = 1\tim; complex z;",
];

/// Statements of the language reference's chapter on arrays, and what the last array holds behind them.
#[test]
fn arrays_are_joined_as_the_language_reference_says() {
    let start =
        "array[int[8], 2] first = {0, 1}; array[int[8], 3] second = {2, 3, 4}; array[int[8], 4] third = {5, 6, 7, 8};";
    for (statements, expected) in [
        ("array[int[8], 5] r = first ++ second;", &[0, 1, 2, 3, 4][..]),
        ("array[int[8], 4] r = first ++ first;", &[0, 1, 0, 1]),
        ("array[int[8], 4] r = first ++ first; r[0:3] = first[0:1] ++ third[1:2];", &[0, 1, 6, 7]),
        ("array[int[8], 7] r = second ++ first ++ first;", &[2, 3, 4, 0, 1, 0, 1]),
    ] {
        let shown: String = (0..expected.len()).map(|k| format!("rx(r[{k}]) q;")).collect();
        let circuit =
            circuit(&format!("OPENQASM 3.0; include \"stdgates.inc\"; qubit q; {start} {statements} {shown}"));
        let found: Vec<f64> = circuit.ops().iter().map(|op| op.params()[0].value(&[])).collect();
        assert_eq!(found, expected.iter().map(|&value| f64::from(value)).collect::<Vec<_>>(), "{statements}");
    }
}

#[test]
fn statements_of_the_official_grammar_are_read() {
    for statements in OFFICIAL {
        circuit(&format!("OPENQASM 3.0;\ninclude \"stdgates.inc\";\n{statements}"));
    }
}
