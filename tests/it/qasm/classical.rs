//! Classical expressions, conditions and what is passed over: one text, one value of the classical register.

use qgraft::circuit::qasm::{ReadOptions, read};
use qgraft::circuit::{OpKind, Param};
use qgraft::math::Seconds;

use super::{parse, plain};

/// Bits f[0] and so on hold the number `set`; then `body` runs; then qubit `w[set bits]` is measured into the last bit.
fn circuit(width: usize, set: u64, body: &str) -> String {
    let flips: String = (0..width).filter(|k| set >> k & 1 == 1).map(|k| format!("x w[{k}]; ")).collect();
    format!(
        "OPENQASM 3.0; include \"stdgates.inc\"; qubit[{}] w; bit[{width}] f; bit g; {flips} f = measure w[0:{}];\n\
         {body}\ng = measure w[{width}];",
        width + 1,
        width - 1
    )
}

/// Whether the branch `if (condition) x` is taken where f holds `set`.
fn taken(width: usize, set: u64, condition: &str) -> bool {
    let text = circuit(width, set, &format!("if ({condition}) x w[{width}];"));
    let found: Vec<u64> = plain::run(&parse(&text), &[]).into_keys().collect();
    assert!(found.len() == 1 && found[0] & !(1 << width) == set, "{condition}: {found:?}");
    let otherwise = circuit(width, set, &format!("if ({condition}) {{}} else x w[{width}];"));
    let other: Vec<u64> = plain::run(&parse(&otherwise), &[]).into_keys().collect();
    assert_eq!(other, [found[0] ^ 1 << width], "the else of {condition}");
    found[0] >> width & 1 == 1
}

/// What the OpenQASM 3 specification says of bits as integers, computed here on integers.
#[test]
fn conditions_mean_what_the_specification_says() {
    type Rule = fn(u64) -> bool;
    let rules: [(&str, Rule); 46] = [
        ("f == \"01\"", |f| f == 1),
        ("f != '10'", |f| f != 2),
        ("\"11\" == f", |f| f == 3),
        ("f[0] ^ f[1]", |f| f == 1 || f == 2),
        ("(f[0] ^ f[1]) == 1", |f| f == 1 || f == 2),
        ("f[0] | f[1]", |f| f > 0),
        ("f[0] & f[1]", |f| f == 3),
        ("f & \"10\"", |f| f >= 2),
        ("f & 2", |f| f >= 2),
        ("~f == 1", |f| f == 2),
        ("~f[0]", |f| f & 1 == 0),
        ("(f >> 1) == 1", |f| f >> 1 == 1),
        ("(f << 1) == 2", |f| f & 1 == 1),
        ("f >> 2", |_| false),
        ("1 << f[0] == 2", |f| f & 1 == 1),
        // & binds looser than ==, | looser than ^, && loosest.
        ("f[0] & f == 3", |f| f == 3),
        ("f[0] | f[1] ^ f[1]", |f| f & 1 == 1),
        ("f[0] == 1 && f[1] == 0 || f == 2", |f| f == 1 || f == 2),
        ("f[-1]", |f| f >= 2),
        ("f[-1] && !f[-2]", |f| f == 2),
        ("f[0:1] == 2", |f| f == 2),
        ("f[1:-1:0] == 2", |f| f == 1),
        ("f[1:] == 1", |f| f >= 2),
        // Signed: the bits 10 are -2.
        ("int[2](f) == 2", |_| false),
        ("int[2](f) == -2", |f| f == 2),
        ("int[2](f) < 0", |f| f >= 2),
        ("uint[2](f) == 3", |f| f == 3),
        ("uint[2](f) + uint[2](f) == 2", |f| f * 2 % 4 == 2),
        ("bool(f)", |f| f > 0),
        ("bool(f[1])", |f| f >= 2),
        ("bit[2](f) == \"11\"", |f| f == 3),
        ("popcount(f) == 2", |f| f == 3),
        ("rotl(f, 1) == 2", |f| f == 1),
        ("rotr(f, 3) == 2", |f| f == 1),
        // A single bit is a truth value, which is 0 or 1 in any integer.
        ("int[4](f[1]) == 1", |f| f >= 2),
        ("uint[3](f[0]) + 1 == 2", |f| f & 1 == 1),
        ("bit[3](f[0]) == \"001\"", |f| f & 1 == 1),
        // Parts of values without a name.
        ("bit[2](f)[1]", |f| f >= 2),
        ("(f << 1)[1:1] == 1", |f| f & 1 == 1),
        ("(~f)[{1, 0}] == 1", |f| f == 1),
        ("\"0110\"[0:1] == f", |f| f == 2),
        ("int[4](int[2](f))[-1]", |f| f >= 2),
        ("(uint[2](f))[0]", |f| f & 1 == 1),
        ("f < 2", |f| f < 2),
        ("1 < f", |f| f > 1),
        ("f >= 0", |_| true),
    ];
    for (condition, rule) in rules {
        for set in 0..4 {
            assert_eq!(taken(2, set, condition), rule(set), "{condition} where f is {set}");
        }
    }
}

#[test]
fn wide_registers_compare_with_numbers_and_combine() {
    // Nine bits are too many to try all their values.
    for set in [0u64, 1, 255, 256, 300, 511] {
        for number in [0i64, 1, 256, 299, 300, 511, 512, -1] {
            let f = set as i64;
            for (sign, holds) in
                [("==", f == number), ("!=", f != number), ("<", f < number), ("<=", f <= number), (">", f > number)]
            {
                assert_eq!(taken(9, set, &format!("f {sign} {number}")), holds, "{f} {sign} {number}");
            }
        }
        let bit = |k: usize| set >> k & 1 == 1;
        let all: Vec<String> = (0..9).map(|k| format!("f[{k}]")).collect();
        assert_eq!(taken(9, set, &all.join(" && ")), set == 511);
        assert_eq!(taken(9, set, &all.join(" || ")), set > 0);
        assert_eq!(taken(9, set, "!(f == 300 || f[0] && f[8])"), !(set == 300 || bit(0) && bit(8)));
    }
}

#[test]
fn constants_have_the_value_of_their_type() {
    let angle = |declared: &str, used: &str| {
        let text = format!("OPENQASM 3.0; include \"stdgates.inc\"; {declared} qubit[3] w; rx({used}) w[0];");
        let Param::Fixed(value) = parse(&text).ops()[0].params()[0] else { panic!("{text}") };
        value
    };
    for (declared, used, value) in [
        ("const float a = 2;", "1/a", 0.5),
        ("", "2 ^ 3", 1.0),
        ("", "2 ** 3", 8.0),
        ("", "6 & 3 | 8", 10.0),
        ("const int n = 1 << 4;", "n", 16.0),
        ("const uint[4] n = 19;", "int(n)", 3.0),
        ("const duration d = 100ns;", "2 * d / 50ns", 4.0),
        ("const bit[4] b = \"1010\";", "int(b)", 10.0),
        ("", "float(3) / 2", 1.5),
    ] {
        assert_eq!(angle(declared, used), value, "{declared} {used}");
    }
    let text = "OPENQASM 3.0; include \"stdgates.inc\"; qubit[3] w; for int i in [0:sizeof(w) - 1] { h w[i]; } \
                for int i in [1:sizeof(w, 0)] { x w[i - 1]; }";
    assert_eq!(parse(text).ops().len(), 6);
}

#[test]
fn durations_are_sums_and_multiples_of_times() {
    for (time, seconds) in [
        ("100ns", 1e-7),
        ("2*100ns", 2e-7),
        ("(100ns)", 1e-7),
        ("100ns + 50ns", 1.5e-7),
        ("1us - 100ns * 3", 7e-7),
        ("3ms / 4", 7.5e-4),
        ("20dt", 2e-8),
        ("10dt + 5 ns", 1.5e-8),
        ("n * 8ns", 3.2e-8),
    ] {
        let text =
            format!("OPENQASM 3.0; include \"stdgates.inc\"; const int n = 4; qubit w; h w; delay[{time}] w; h w;");
        let options = ReadOptions { cycle: Some(Seconds(1e-9)), ..ReadOptions::default() };
        let circuit = read(&text, &options).unwrap_or_else(|error| panic!("{}", error.report()));
        let OpKind::Delay(Seconds(found)) = circuit.ops()[1].kind else { panic!("{time}") };
        // Sums of a few doubles.
        assert!((found - seconds).abs() < 1e-15 * seconds.max(1e-6), "{time}: {found:e}");
    }
}

#[test]
fn what_is_for_other_programs_may_hold_anything() {
    let start = "OPENQASM 3.0;\ninclude 'stdgates.inc';\nqubit w;\n";
    for skipped in [
        "@vendor.opt level=3 \"it's\"\n",
        "@note \"it is\n",
        "@note 'never closed /* ?\n",
        "pragma braket result expectation x(q[0]) 'a' ? £\n",
        "#pragma \"{ ? £\n",
        "cal {\n  port d0; x = a ? b : c; y = f.phase; // }\n  \"}\"; /* } */ { { } }\n}\n",
        "defcal rz(angle[20] theta) $q { shift_phase drive($q), -theta; a.b = \"it's }\"; }\n",
        "defcal measure $0 -> bit { return capture(\"?\"); }\n",
        "defcalgrammar \"openpulse\";\n",
    ] {
        let text = format!("{start}{skipped}h w;\n");
        assert_eq!(parse(&text).ops().len(), 1, "{skipped}");
        let inside = format!("{start}if (true) {{\n{skipped}h w;\n}}\n");
        assert_eq!(parse(&inside).ops().len(), 1, "{skipped} in a block");
    }
    for (open, message) in [("cal { { }", "this cal is never closed"), ("defcal x $0;", "this defcal is never closed")]
    {
        assert_eq!(read(&format!("{start}{open}"), &ReadOptions::default()).unwrap_err().message, message);
    }
    assert_eq!(parse("OPENQASM 2.0;\ninclude 'qelib1.inc';\nqreg w[1];\nh w[0];\n").ops().len(), 1);
}

#[test]
fn what_has_no_sure_meaning_is_refused_by_name() {
    for (condition, message) in [
        ("~1 == f", "`~` needs to know the number of bits"),
        ("int[3](f) == 1", "int[3] cannot be made of 2 bits"),
        ("(f ^ g) == 1", "2 bits and 1 bits do not fit together"),
        ("(f | 4) == 4", "an operand has more than the 2 bits of the other"),
        ("f == \"012\"", "this text is no list of bits"),
        ("f[2]", "f[2] is outside the register of 2"),
        ("f[-3]", "f[-3] is outside the register of 2"),
        ("f << -1 == 0", "a shift by -1"),
        ("f + f == 4", "does not fit into the 2 bits of the operands"),
        ("2.5 ^ 1 == f", "combine integers and bits"),
        ("uint[65](f) == 1", "a type of 65 bits"),
        ("100ns == f", "a duration is not an integer"),
    ] {
        let text = circuit(2, 3, &format!("if ({condition}) x w[2];"));
        let error = read(&text, &ReadOptions::default()).unwrap_err();
        assert!(error.message.contains(message), "{condition}: {}", error.message);
    }
}
