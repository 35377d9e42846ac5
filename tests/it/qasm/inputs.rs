//! What a reader of OpenQASM 3 is told from outside, and what it tells: inputs, externs, notices, outputs.

use std::f64::consts::PI;

use qgraft::circuit::Param;
use qgraft::circuit::qasm::{ReadOptions, read, read_with_notices};

use super::flow::{HEAD, outcome};
use super::plain;

#[test]
fn inputs_of_every_type_take_values() {
    let text = format!(
        "{HEAD}input int[8] n; input bool b; input bit[3] k; input float x; input uint[4] u; input duration d; \
         input complex z; qubit q; bit[4] c; if (b && n == -2) c = 1; if (d / 1ns == 5 && imag(z) == -2) c[3] = 1; if (k == 5) c[1] = 1; if (u == 9) c[2] = 1; rx(x) q;"
    );
    let inputs = [("n", "-2"), ("b", "true"), ("k", "101"), ("u", "9"), ("d", "5ns"), ("z", "1 - 2im")];
    let options = ReadOptions {
        inputs: inputs.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
        ..ReadOptions::default()
    };
    let circuit = read(&text, &options).unwrap_or_else(|error| panic!("{}", error.report()));
    assert_eq!(circuit.slots(), 1);
    assert_eq!(plain::run(&circuit, &[0.0]).into_keys().collect::<Vec<_>>(), [15]);
    let error = read(&text, &ReadOptions::default()).unwrap_err();
    assert!(error.message.contains("the input n of type int has no value"), "{}", error.message);
    assert_eq!(error.hint.as_deref(), Some("give it one, as in --input n=1, or in ReadOptions::inputs"));
}

#[test]
fn inputs_take_one_value_that_fits_and_no_other() {
    let text = format!("{HEAD}input int[4] n; input uint[4] u; input bit[3] k; input float x; qubit q; rx(x) q;");
    let with = |name: &str, value: &str| {
        let mut inputs = vec![("n", "1"), ("u", "1"), ("k", "101")];
        inputs.retain(|(other, _)| *other != name || name == "x");
        let values = inputs.into_iter().chain([(name, value)]);
        let inputs = values.map(|(name, value)| (name.to_string(), value.to_string())).collect();
        read(&text, &ReadOptions { inputs, ..ReadOptions::default() })
    };
    for (name, value) in [("n", "-8"), ("n", "7"), ("u", "15"), ("k", "000"), ("x", "0.5")] {
        assert!(with(name, value).is_ok(), "{name}={value}");
    }
    for (name, value, message) in [
        ("n", "8", "the input n of type int[4] is given 8"),
        ("n", "-9", "the input n of type int[4] is given -9"),
        ("u", "16", "the input u of type uint[4] is given 16"),
        ("u", "-1", "the input u of type uint[4] is given -1"),
        ("u", "1.5", "the input u of type uint is given \"1.5\""),
        ("k", "0101", "bit[3] cannot be made of 4 bits"),
        ("x", "inf", "the input x of type float is given \"inf\""),
        ("m", "3", "a value is given for m, which the text does not declare as input"),
    ] {
        let error = with(name, value).unwrap_err();
        assert_eq!(error.message, message);
        if name == "m" {
            assert_eq!(error.hint.as_deref(), Some("it declares n, u, k and x"));
        }
    }
    for (kind, value) in
        [("duration", "5"), ("duration", "5ns)"), ("duration", "d"), ("complex", "1 -"), ("complex", "5ns")]
    {
        let inputs = vec![("d".to_string(), value.to_string())];
        let text = format!("OPENQASM 3.0; input {kind} d;");
        assert!(read(&text, &ReadOptions { inputs, ..ReadOptions::default() }).is_err(), "{kind} {value}");
    }
    let inputs = ["1", "2"].map(|value| ("n".to_string(), value.to_string())).to_vec();
    let error = read("OPENQASM 3.0; input int n;", &ReadOptions { inputs, ..ReadOptions::default() }).unwrap_err();
    assert_eq!(error.message, "the input n is given two values");
}

#[test]
fn externs_are_bound_by_name_or_refused() {
    let with = |text: &str, externs: &[&str]| {
        let externs = externs.iter().map(|text| text.to_string()).collect();
        read_with_notices(&format!("{HEAD}{text}"), &ReadOptions { externs, ..ReadOptions::default() })
    };
    let text = "const int n = 3; extern vote(bit[n]) -> bit; extern scaled(float) -> float; extern log(int[32], creg[n]); \
                qubit[3] q; bit[n] c; output bit r; c = measure q; rx(scaled(0.5)) q[0]; log(3, c); log(4, c); r = vote(c);";
    let functions = ["vote(a) = popcount(a) > 1", "scaled(x) = x * pi"];
    let reading = with(text, &functions).unwrap_or_else(|error| panic!("{}", error.report()));
    let notices: Vec<&str> = reading.notices.iter().map(|notice| notice.message.as_str()).collect();
    assert_eq!(notices, ["log is extern and returns nothing: its calls are left out"]);
    for set in 0..8u64 {
        let flips: String = (0..3).filter(|k| set >> k & 1 == 1).map(|k| format!("x q[{k}]; ")).collect();
        let text = text.replace("c = measure q;", &format!("{flips} c = measure q;"));
        let circuit = with(&text, &functions).unwrap().circuit;
        let found: Vec<u64> = plain::run(&circuit, &[]).into_keys().collect();
        assert_eq!(found, [u64::from(set.count_ones() > 1)], "{set}");
    }
    for (externs, message) in [
        (&["scaled(x) = x"][..], "vote is extern: the text does not say what it computes"),
        (&["vote(a, b) = 1", "scaled(x) = x"], "vote is declared with 1 arguments, here it has 2"),
        (&["vote(a) = 1", "vote(a) = 0"], "vote is given two functions"),
        (&["log(a, b) = 1"], "log is declared to return nothing"),
        (
            &["vote(a) = 1", "scaled(x) = x", "other(a) = 0"],
            "a function is given for other, which the text does not declare",
        ),
        (&["vote(a) = 1;"], "expected nothing more"),
        (&["vote = 1"], "expected `(`"),
    ] {
        let error = with(text, externs).unwrap_err();
        assert!(error.message.contains(message), "{externs:?}: {}", error.message);
        assert!(!error.report().is_empty());
    }
    for declared in ["extern f(qubit);", "extern f(mutable array[int[8], 3]);"] {
        let error = with(&format!("{declared} qubit q; array[int[8], 3] a; f(q);"), &[]).unwrap_err();
        assert!(error.message.contains("f is extern"), "{declared}: {}", error.message);
    }
}

#[test]
fn divisions_of_integers_are_rounded_where_the_caller_shows_notices() {
    let rounding = ReadOptions { rounds_divisions: true, ..ReadOptions::default() };
    let turned = |angle: &str, options: &ReadOptions| {
        let text = format!("{HEAD}qubit q; const uint[8] a = 7; const uint[8] b = 2; rx({angle}) q;");
        read_with_notices(&text, options)
            .map(|reading| (reading.circuit.ops()[0].params().to_vec(), reading.notices.len()))
    };
    for (angle, value, notices) in [
        ("3 / 5", 0.0, 1),
        ("pi * (3 / 2)", PI, 1),
        ("-7 / -2", 3.0, 1),
        ("a / b", 3.0, 0),
        ("a / 2", 3.0, 0),
        ("6 / 2", 3.0, 0),
        ("3.0 / 2", 1.5, 0),
        ("pi * 3 / 2", 1.5 * PI, 0),
    ] {
        let (params, found) = turned(angle, &rounding).unwrap_or_else(|error| panic!("{}", error.report()));
        assert_eq!((&params[..], found), (&[Param::Fixed(value)][..], notices), "{angle}");
        assert_eq!(turned(angle, &ReadOptions::default()).is_ok(), notices == 0, "{angle}");
    }
    for (angle, message) in
        [("-3 / 5", "rounds in no stated direction below 0"), ("3 / 0", "this is not a finite number")]
    {
        let error = turned(angle, &rounding).unwrap_err();
        assert!(error.message.contains(message), "{angle}: {}", error.message);
    }
    // OpenQASM 2 knows real numbers alone.
    let text = "OPENQASM 2.0; include \"qelib1.inc\"; qreg q[1]; rx(3/5) q[0];";
    assert_eq!(read(text, &rounding).unwrap().ops()[0].params(), [Param::Fixed(0.6)]);
}

#[test]
fn each_notice_comes_once() {
    let notices = |text: &str| {
        let reading = read_with_notices(&format!("{HEAD}{text}"), &ReadOptions::default()).unwrap();
        reading.notices.into_iter().map(|notice| notice.message).collect::<Vec<_>>()
    };
    let text = "qubit q; bit c; for int i in [0:4] { int k; if (k == 0) x q; } c = measure q;";
    assert_eq!(notices(text), ["k is read before it has a value; 0 was taken"]);
    let text = "qubit q; bit c; output float x; x = 0.5; c = measure q;";
    assert_eq!(notices(text), ["the output x is 0.5 in every run; outcomes hold bits"]);
}

#[test]
fn outputs_alone_are_outcomes() {
    let text = "qubit[2] q; bit[2] hidden; output bit c; output uint[3] n; x q[1]; hidden = measure q; n = 1; \
                if (hidden[1]) n = 6; c = hidden[1];";
    // Bit 0 is c, bits 1 to 3 are n.
    assert_eq!(outcome(text), 1 | 6 << 1);
}
