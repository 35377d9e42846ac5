//! Texts with classical values that are refused, and texts that would take long.

use std::time::{Duration, Instant};

use qgraft::circuit::qasm::{ReadOptions, read};

use super::flow::HEAD;

#[test]
fn texts_that_are_no_openqasm_are_refused() {
    let start = "qubit[2] q; bit[2] c; int n = 1; def f(int a) -> int { return a; } def g(qubit a) { x a; }";
    for (statement, message) in [
        ("if (true);", "`;` alone is no statement"),
        ("if (true) x q; else;", "`;` alone is no statement"),
        ("while (false);", "`;` alone is no statement"),
        ("for int i in {1};", "`;` alone is no statement"),
        ("n ~= 1;", "`~` has one operand"),
        ("n = -3 / 2;", "rounds in no stated direction below 0"),
        ("n = 3 / 2;", "is a division of integers, which OpenQASM 3 rounds to 1"),
        ("c = bit[4](\"0110\")[1, 2];", "this value has one dimension"),
        ("c[0] = bit[4](\"0110\")[4];", "this value[4] is outside the register of 4"),
        ("c = c ++ c;", "`++` joins arrays, and registers in an alias"),
        ("array[int[8], 2] a; array[int[8], 3] b = a ++ a;", "4 elements are given for 3"),
        ("array[int[8], 2] a; array[int[8], 2] b = a[0] ++ a[1];", "this is no array"),
        (
            "array[int[8], 2, 2] a; array[int[8], 2] b; array[int[8], 3, 2] d = a ++ b;",
            "does not fit behind the others",
        ),
        ("@3\nx q;", "an annotation begins with `@` and a name"),
        ("defcalgrammar 3;", "expected the name of a grammar"),
        ("#;", "begins nothing but a #pragma"),
        ("#dim = 2", "begins nothing but a #pragma"),
        ("const int m;", "expected `=`"),
        ("const n = 3;", "constants of type n"),
        ("int[8] int;", "is a word of the language"),
        ("int[8] def;", "is a word of the language"),
        ("bool[4] b;", "a bool has no width"),
        ("array[8] a;", "expected a type"),
        ("array[int[8], 2] a = {1, 2, 3};", "3 elements are given for 2"),
        ("array[int[8], 2] a = 2 * {1, 2};", "expected a number"),
        ("int a, b;", "expected `;`"),
        ("output int[8] m = 3;", "declared without a value"),
        ("input int[8] m = 3;", "declared without a value"),
        ("c[0] = 2 * measure q[0];", "cannot be part of an expression"),
        ("c ^= measure q;", "cannot be part of an expression"),
        ("switch (n) { }", "has no case"),
        ("switch (n) { default { } case 1 { } }", "nothing comes behind default"),
        ("switch (n) { case 1 { } case 1 { } }", "stands twice"),
        ("break;", "outside of any loop"),
        ("while (true) { def h() { } }", "must be outside of blocks"),
        ("return 1;", "outside of any subroutine"),
        ("m = 3;", "nothing is called m"),
        ("q = 3;", "q is a qubit"),
        ("const int k = 3; k = 4;", "k cannot change"),
        ("n = 1.5;", "1.5 is not an integer"),
        ("n = f(1, 2);", "f takes 1 arguments, 2 are given"),
        ("n = g(q[0]);", "g returns nothing"),
        ("inv @ g q[0];", "modifiers act on gates only"),
        ("g(q);", "a takes 1 qubits, 2 are given"),
        ("let a = n;", "n is no register"),
        ("extern e(int) -> int; n = e(1);", "e is extern"),
        ("def h(int a) -> int { if (a == 0) { return 1; } } n = h(1);", "h ends without a return"),
        ("def h(int a) -> int { return h(a); } n = h(1);", "levels deep"),
        ("c = measure q; float x = 0.5; if (c[0]) x = 1.5;", "changes in a branch that depends on measurements"),
        ("c = measure q; int m = c; x q[m];", "only known when the circuit runs"),
        ("array[int[8], 3] a; n = a[3];", "a[3] is outside"),
        ("array[int[8], 3, 2] a; n = a[1];", "an array of 2 dimensions"),
        ("let = q;", "expected the name of the alias"),
        ("for for in {1, 2} { }", "is a word of the language"),
        ("complex[32] z;", "expected float"),
        ("uint[4] m = 100000000000000000000000;", "is not an integer"),
        ("c = measure q; angle[2] a = angle[2](c); a = a + 2;", "a measured angle cannot be combined"),
        ("c = measure q; angle[2] a = angle[2](c); angle[3] b = pi; b = b + a;", "a measured angle cannot be combined"),
        (
            "c = measure q; angle[2] a = angle[2](c); switch (a) { case 0 { } default { } }",
            "an angle is not an integer",
        ),
        ("bit[8] d; angle[8] a = angle[8](d); if (a < 2) x q;", "a measured angle cannot be combined"),
        ("c = measure q; int m = -(1 << 126); c = c << m;", "a shift by this"),
        ("c = measure q; let a = c[1:0]; c[0] = rotl(a << c[0], 1);", "rotl of no bits"),
        ("c = measure q; c = c | 4;", "more than the 2 bits of the other"),
        ("c = measure q; int k = int[2](c); int m = 1 << k;", "a shift by what may be negative"),
        ("c = measure q; int m = 1 << c << 300;", "this result has"),
        // What is measured is cut as little as what is known.
        ("int m = 4; c = m;", "bit[2] cannot be made of 4"),
        ("bit[4] d; d[0] = measure q[0]; int m = popcount(d); c = m;", "bit[2] cannot be made of 32 bits"),
        ("bit[40] d; d[0] = measure q[0]; int m = d;", "has 32 bits where it depends on measurements"),
        ("c = measure q; int m = 5000000000; m += c[0];", "has 32 bits where it depends on measurements"),
        ("c = measure q; int m = 0; if (c[0]) m = 5000000000; m += 1;", "has 32 bits where it depends on measurements"),
        ("int m = -85070591730234615865843651857942052864;", "is not an integer"),
        ("int m = int(1e40);", "1e40 does not fit into an integer of 64 bits"),
        ("output array[bit[2], 2] a;", "the output a is an array"),
    ] {
        let error = read(&format!("{HEAD}{start} {statement}"), &ReadOptions::default());
        let error = error.err().unwrap_or_else(|| panic!("{statement} was read"));
        assert!(error.message.contains(message), "{statement}: {}", error.message);
    }
}

#[test]
fn short_texts_cannot_cost_much() {
    let longest = Duration::from_secs(60);
    let cases: String = (0..20_000).map(|k| format!("case {k} {{ }} ")).collect();
    for text in [
        "def f(int n) -> int { return f(n - 1) + f(n - 2); } int a = f(100000);",
        "def f(int n) -> int { if (n < 1) { return 1; } return f(n - 1) + f(n - 1); } int a = f(30);",
        "while (true) { }",
        "int i = 0; while (i >= 0) { i += 1; }",
        "array[float, 100000, 100000] a;",
        "array[int[8], 1000000] a; for int i in [0:1000000] { array[int[8], 1000000] b = a; }",
        "array[int[8], 1000000] a; for int i in [0:1000000] { a = a; }",
        "int n = 1; while (true) { n = n * 3; }",
        "uint[64] n = 1; while (true) { n **= 7; n += 1; }",
        "for int i in [0:999999] { for int j in [0:999999] { int k = i; } }",
        "qubit q; bit[64] c; c[0] = measure q; uint[64] n = c; while (n != 3) { n = n * n + 1; }",
        "qubit q; bit[64] c; c[0:63] = c; measure q -> c[1]; c = ~c; uint[64] n = c; n = n / (n >> 3);",
        "qubit q; bit[8] c; for int i in [0:7] { measure q -> c[i]; } while (c == 3) { while (c[1]) { while (c[2]) { c[3] = measure q; \
         uint[8] n = c; n *= n; c = bit[8](n); } } }",
        "qubit q; bit c; c = measure q; while (true) { if (c) { while (true) { if (!c) break; c = measure q; } } }",
        "qubit q; bit[10] c; for int i in [0:9] { c[i] = measure q; } for int i in [0:9999] { uint[10] n = c; rx(n * 0.1) q; }",
        "bit[4000] a; bit[4000] b; qubit q; for int i in [0:3999] { a[i] = measure q; } for int i in [0:9999] { b = a ^ b; }",
        "array[bit[4096], 1000000] a;",
        "qubit q; for int i in [0:1000000] { bit[4096] b; bool t = b[0]; }",
        // Calls deep within expressions.
        &format!(
            "def f(int n) -> int {{ if (n <= 0) {{ return 1; }} return f(n - 1){}; }} int a = f(22);",
            " + 0".repeat(390)
        ),
        &format!(
            "def g(int n) -> int {{ return n; }} def f(int n) -> int {{ if (n <= 0) {{ return 1; }} return {}f(n - 1){}; }} \
             int a = f(22);",
            "g(".repeat(55),
            ")".repeat(55)
        ),
        "{ bit[4096] b; for int i in [0:1000000] { if (b[0]) b[1] = 1; b = b; } }",
        "def f(mutable array[bit[4096], #dim = 1] a) { } array[bit[4096], 400] b; for int i in [0:1000000] { f(b); }",
        "qubit[4000] q; let a = q; for int i in [0:9999999] { let b = a ++ a; }",
        "qubit q; bit[4096] c; c[0] = measure q; for int i in [0:100000] { if (c == 0) x q; }",
        // Lists that are compared with themselves.
        "qubit q; bit[200000] a; bit[200000] b; a[0] = measure q; b = a; a = b;",
        &format!("int n = 5; for int i in [0:20] {{ switch (n) {{ {cases} }} }}"),
        &format!("qubit q; bit[8] c; c[0] = measure q; switch (c) {{ {cases} }}"),
        &format!("def f({}) {{ }}", (0..50_000).map(|k| format!("int a{k}")).collect::<Vec<_>>().join(",")),
    ] {
        let start = Instant::now();
        let found =
            read(&format!("{HEAD}{text}"), &ReadOptions { max_operations: 1_000_000, ..ReadOptions::default() });
        assert!(start.elapsed() < longest, "{:?} for {text}", start.elapsed());
        if let Err(error) = found {
            assert!(error.report().len() < 4000, "{text}");
        }
    }
    let deep = |open: &str, close: &str| format!("{HEAD}int n; {}{}", open.repeat(3000), close.repeat(3000));
    for text in [deep("if (n == 0) { ", "}"), deep("while (n == 0) { ", "}"), deep("switch (n) { case 0 { ", "} }")] {
        assert!(read(&text, &ReadOptions::default()).unwrap_err().message.contains("within each other"), "{text:.60}");
    }
    // A long list of indices, each of many elements.
    let part = format!("{HEAD}array[int, 2, 500000] a; array[int, 1] b = a[{{{}0}}];", "0,".repeat(20_000));
    assert!(read(&part, &ReadOptions::default()).unwrap_err().message.contains("expands to more than"));
    let list = format!("{HEAD}array[int, 1] a = {}{};", "{".repeat(3000), "}".repeat(3000));
    assert!(read(&list, &ReadOptions::default()).is_err());
}
