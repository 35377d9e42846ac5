//! Observables as text: what is read, what is refused, and that printing reads back.

use qgraft::circuit::{Observable, PauliString};

fn read(text: &str) -> Observable {
    text.parse().unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn sums_of_weighted_strings_are_read() {
    let z01 = PauliString::from_masks(0, 0b11);
    let y3 = PauliString::from_masks(8, 8);
    let cases: [(&str, Vec<(f64, PauliString)>); 7] = [
        ("Z0 Z1", vec![(1.0, z01.clone())]),
        ("Z0 Z1 + 0.5 Y3", vec![(1.0, z01.clone()), (0.5, y3.clone())]),
        ("-Z0*Z1 - 2*Y3", vec![(-1.0, z01.clone()), (-2.0, y3.clone())]),
        ("1e-3 Y3", vec![(1e-3, y3.clone())]),
        ("2.5e+2 Y3", vec![(250.0, y3.clone())]),
        ("+ Z1 Z0", vec![(1.0, z01.clone())]),
        ("3", vec![(3.0, PauliString::default())]),
    ];
    for (text, terms) in cases {
        assert_eq!(read(text).terms, terms, "{text}");
    }
}

#[test]
fn printing_reads_back() {
    for text in ["Z0", "-X1 Y2", "0.25 Z0 Z3 - 1.5 X1 + 1", "1e-12 Z63", "Z64 Y155 - 2 X999", "-0.5"] {
        let observable = read(text);
        assert_eq!(read(&observable.to_string()), observable, "{text} prints as {observable}");
    }
}

#[test]
fn nonsense_is_refused_with_its_word() {
    let cases = [
        ("", "no finite terms"),
        ("Z", "names no qubit"),
        ("Q0", "\"Q0\""),
        ("Z0 Z0", "is listed twice"),
        ("Z0 + + Z1", "sign without a term"),
        ("Z0 -", "sign without a term"),
        ("inf Z0", "no finite terms"),
        ("ψ0", "ψ0"),
        ("Z18446744073709551615", "expected one below"),
    ];
    for (text, word) in cases {
        let error = text.parse::<Observable>().unwrap_err().to_string();
        assert!(error.contains(word) && error.contains("Z0 Z1 + 0.5 X2"), "{text}: {error}");
    }
}

#[test]
fn relabelling_keeps_each_letter() {
    assert_eq!(read("X0 Z1 Y2").relabel(&[5, 0, 3]), read("Z0 Y3 X5"));
}

#[test]
fn wide_registers_are_read_onto_few_qubits() {
    let text = "0.5 X100 Z7 - Y3";
    assert_eq!(Observable::qubits_named(text).unwrap(), [3, 7, 100]);
    assert_eq!(Observable::read_on(text, &[7, 100, 3]).unwrap(), read("0.5 Z0 X1 - Y2"));
    let error = Observable::read_on(text, &[7, 100]).unwrap_err().to_string();
    assert!(error.contains("qubit 3 is not there"), "{error}");
}
