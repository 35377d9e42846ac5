//! Angles that are formulas of inputs: their values, their derivatives, and what circuits do with them.

use ndarray::{Array1, Array2, Axis, arr1, arr2};
use qgraft::circuit::derived::{OPERATIONS, expand, pull_back};
use qgraft::circuit::qasm::{ReadOptions, WriteOptions, read, write2, write3};
use qgraft::circuit::{Ansatz, Circuit, Derived, Gate, Observable, Op, Operation, Param, draw};
use qgraft::math::C64;
use qgraft::noise::Program;
use qgraft::sim::fisher::{quantum_fisher, quantum_fisher_diagonal};
use qgraft::sim::{AngleGradient, Angles, Execution, Gradient, Hessian, Run, Simulator, Statevector, sample, state};
#[cfg(feature = "learn")]
use qgraft::study::kernel::FidelityKernel;

use super::{AGREEMENT, complex, here, parse, plain};

/// `(π - x0)(π - x1)` and what else the circuits of people hold.
const TEXT: &str = "OPENQASM 3.0; include \"stdgates.inc\"; input float x0; input float w; input float x1; qubit[2] q; h q; \
                    rz((pi - x0) * (pi - x1)) q[0]; cx q[0], q[1]; ry(sin(w) / (x1 + 2)) q[1]; rx(w * w) q[0]; \
                    rz((pi - x0) * (pi - x1) * 2 + 0.1) q[1];";

#[derive(serde::Deserialize)]
struct Case {
    text: String,
    angles: Vec<f64>,
    state: Vec<[f64; 2]>,
}

#[test]
fn states_are_those_of_qiskit() {
    let cases: Vec<Case> =
        serde_json::from_str(&std::fs::read_to_string(here("tests/reference/qasm_formula.json")).unwrap()).unwrap();
    for case in &cases {
        let circuit = parse(&case.text);
        assert!(!circuit.derived().is_empty(), "{}", case.text);
        let expected = complex(&case.state.concat());
        let text = write3(&circuit, &WriteOptions::default());
        let bound = circuit.bind(&case.angles).unwrap();
        assert!(bound.slots() == 0 && bound.derived().is_empty());
        for (found, what) in [
            (plain::state(&circuit, &case.angles), "import"),
            (plain::state(&parse(&text), &case.angles), "export and import"),
            (plain::state(&bound, &[]), "numbers"),
            (plain::state(&parse(&write2(&bound).unwrap()), &[]), "numbers in OpenQASM 2"),
        ] {
            let wrong = plain::infidelity(&found, &expected);
            assert!(wrong < AGREEMENT, "{what}: {wrong:e}\n{text}");
        }
        assert_eq!(parse(&text), circuit, "{text}");
        assert_eq!(Circuit::from_json(&circuit.to_json()).unwrap(), circuit);
        assert!(draw::text(&circuit, 100).len() > 100 && draw::svg(&circuit).len() > 100);
    }
}

#[test]
fn derivatives_follow_by_the_chain_rule() {
    let circuit = parse(TEXT);
    // The two formulas of x0 and x1 are one, twice.
    assert_eq!((circuit.slots(), circuit.derived().len()), (3, 4));
    let at = [0.3, -0.7, 0.45];
    let step = 1e-5;
    let observe = |circuit: &Circuit| Run::new(circuit).observe(["Z0 Z1", "X0 + 0.5 Y1"]).unwrap();
    for run in [observe(&circuit), observe(&circuit).on("manila").unwrap()] {
        let (values, slopes) = run.value_and_grad(&at).unwrap();
        let rows = run.value_and_grad_rows(arr2(&[at, [0.1, 0.2, 0.3]]).view()).unwrap();
        for observable in 0..2 {
            assert!((rows.0[[0, observable]] - values[observable]).abs() < 1e-12);
            for slot in 0..3 {
                let moved = |by: f64| {
                    let mut angles = at;
                    angles[slot] += by;
                    run.expect(&angles).unwrap()[observable]
                };
                // The central difference errs by h² times the third derivative, here below 30.
                let expected = (moved(step) - moved(-step)) / (2.0 * step);
                let found = slopes[[observable, slot]];
                assert!((found - expected).abs() < 1e-8, "{observable} by {slot}: {found} and {expected}");
                assert!((rows.1[[0, observable, slot]] - found).abs() < 1e-12, "by rows");
            }
        }
    }
    // Bound first, the circuit is the same.
    let fixed = observe(&circuit.bind(&at).unwrap()).expect(&[]).unwrap();
    assert!((fixed - observe(&circuit).expect(&at).unwrap()).iter().all(|gap| gap.abs() < 1e-12));
}

#[test]
fn inputs_of_a_batch_and_shared_weights_have_their_own_gradients() {
    let ansatz = Ansatz::read(TEXT, "formula.qasm").unwrap();
    assert_eq!((ansatz.inputs, ansatz.weights()), (2, 1));
    let execution = Execution::ideal(&ansatz, std::sync::Arc::new(Statevector::default())).unwrap();
    let (inputs, weights) = (arr2(&[[0.3, 0.45], [-0.2, 0.9], [1.1, -0.6]]), arr1(&[-0.7]));
    let cotangent = arr2(&[[1.0, -0.4], [0.3, 0.8], [-1.2, 0.5]]);
    let loss = |inputs: &Array2<f64>, weights: &Array1<f64>| {
        let angles = Angles { inputs: inputs.view(), weights: weights.view() };
        (execution.prepared.expect(angles).unwrap() * &cotangent).sum()
    };
    let angles = Angles { inputs: inputs.view(), weights: weights.view() };
    let (_, gradient) = execution.prepared.value_and_gradient(angles, cotangent.view()).unwrap();
    assert_eq!((gradient.inputs.dim(), gradient.weights.len()), ((3, 2), 1));
    let step = 1e-5;
    for row in 0..3 {
        for slot in 0..2 {
            let moved = |by: f64| {
                let mut moved = inputs.clone();
                moved[[row, slot]] += by;
                loss(&moved, &weights)
            };
            let expected = (moved(step) - moved(-step)) / (2.0 * step);
            assert!((gradient.inputs[[row, slot]] - expected).abs() < 1e-8, "row {row}, slot {slot}");
        }
    }
    let expected = (loss(&inputs, &(&weights + step)) - loss(&inputs, &(&weights - step))) / (2.0 * step);
    assert!((gradient.weights[0] - expected).abs() < 1e-8);
    // A tape gives the same, to the bit.
    let (_, tape) = execution.prepared.record(angles, 1 << 20).unwrap();
    assert_eq!(tape.unwrap().vjp(cotangent.view()).unwrap(), execution.prepared.vjp(angles, cotangent.view()).unwrap());
    // So many angles as are declared, no others.
    let wrong = Angles { inputs: inputs.view(), weights: arr1(&[0.0, 0.0]).view() }.slots();
    assert_eq!(wrong, 4);
    let two = arr1(&[0.0, 0.0]);
    let refused = execution.prepared.expect(Angles { inputs: inputs.view(), weights: two.view() });
    assert!(refused.unwrap_err().to_string().contains('3'));
}

#[cfg(feature = "learn")]
#[test]
fn a_feature_map_has_the_kernel_of_its_states() {
    let ansatz = Ansatz::read(TEXT, "formula.qasm").unwrap();
    let (rows, weights) = (arr2(&[[0.3, 0.45], [-0.2, 0.9]]), arr1(&[-0.7]));
    let kernel = FidelityKernel::new(ansatz.clone()).gram(rows.view(), weights.view()).unwrap();
    let states: Vec<_> = rows
        .axis_iter(Axis(0))
        .map(|row| plain::state(&ansatz.circuit, &[row.to_vec(), weights.to_vec()].concat()))
        .collect();
    let expected = 1.0 - plain::infidelity(&states[0], &states[1]);
    assert!((kernel[[0, 1]] - expected).abs() < 1e-12 && (kernel[[0, 0]] - 1.0).abs() < 1e-12);
}

#[test]
fn every_operation_has_its_value_slopes_and_text() {
    for row in &OPERATIONS {
        let (a, b) = (0.37, 1.6);
        let [by_a, by_b] = (row.slopes)(a, b);
        let step = 1e-6;
        let value = row.value;
        let expected = [
            (value(a + step, b) - value(a - step, b)) / (2.0 * step),
            (value(a, b + step) - value(a, b - step)) / (2.0 * step),
        ];
        // Rounding over the step.
        assert!((by_a - expected[0]).abs() < 1e-8 && (by_b - expected[1]).abs() < 1e-8, "{}", row.sign);
        assert!(std::ptr::eq(row.operation.row(), row), "{}", row.sign);
        let call = if row.is_binary { format!("x0{}x1", row.sign) } else { format!("{}(x0)", row.sign) };
        let text =
            format!("OPENQASM 3.0; include \"stdgates.inc\"; input float x0; input float x1; qubit q; rx({call}) q;");
        let circuit = parse(&text);
        assert_eq!(circuit.derived()[0].operation, row.operation, "{call}");
        assert_eq!(circuit.expand(&[a, b])[2], value(a, if row.is_binary { b } else { 0.0 }), "{call}");
        assert!(write3(&circuit, &WriteOptions::default()).contains(&call), "{call}");
    }
    // PyTorch 2: torch.tensor(a) ** torch.tensor(b), backward.
    for (a, b, slopes) in [
        (0.0, 2.0, [0.0, 0.0]),
        (0.0, 1.0, [1.0, 0.0]),
        (0.0, 0.0, [0.0, 0.0]),
        (0.0, 0.5, [f64::INFINITY, 0.0]),
        (0.0, -1.0, [f64::NEG_INFINITY, f64::NEG_INFINITY]),
    ] {
        assert_eq!((Operation::Power.row().slopes)(a, b), slopes, "{a} ** {b}");
    }
    // Two steps, by hand: f = (2x + 1) y, g = sin f; dg/dx = 2y cos f, dg/dy = (2x + 1) cos f.
    let [x, y] = [Param::slot(0), Param::slot(1)];
    let derived = [
        Derived { operation: Operation::Multiply, operands: [x * 2.0 + 1.0, y] },
        Derived { operation: Operation::Sin, operands: [Param::slot(2), Param::Fixed(0.0)] },
    ];
    let all = expand(&derived, vec![0.3, 0.5]);
    let f: f64 = 1.6 * 0.5;
    assert_eq!(all, [0.3, 0.5, f, f.sin()]);
    let slopes = pull_back(&derived, &all, vec![0.0, 0.0, 0.0, 1.0]);
    assert!((slopes[0] - 2.0 * 0.5 * f.cos()).abs() < 1e-15 && (slopes[1] - 1.6 * f.cos()).abs() < 1e-15);
}

#[test]
fn circuits_are_put_together_with_their_formulas() {
    let circuit = parse(TEXT);
    let at = [0.3, -0.7, 0.45];
    let state = plain::state(&circuit, &at);
    // A slot more moves the derived ones.
    let mut longer = circuit.clone();
    let z = longer.slot("z");
    longer.push(Gate::Rz, &[0], &[z]).unwrap();
    let found = plain::state(&longer, &[0.3, -0.7, 0.45, 0.0]);
    assert!(plain::infidelity(&found, &state) < AGREEMENT);
    // Into a circuit with formulas of its own.
    let mut whole = Circuit::new(2);
    let own: Vec<Param> = (0..3).map(|k| whole.slot(format!("a{k}"))).collect();
    let product = whole.derive(Operation::Multiply, [own[0], own[2]]).unwrap();
    whole.push(Gate::Rx, &[0], &[product]).unwrap();
    let before = plain::state(&whole, &at);
    whole.extend(&circuit, &[0, 1]).unwrap();
    whole.extend(&circuit.inverse().unwrap(), &[0, 1]).unwrap();
    assert!(plain::infidelity(&plain::state(&whole, &at), &before) < AGREEMENT);
    assert_eq!(whole.derived().len(), 5, "what is the same is one slot");
    // The last slots as numbers: what they alone make becomes one.
    let half = circuit.bind_last(&at[1..], 1).unwrap();
    assert_eq!((half.slots(), half.derived().len()), (1, 0));
    assert!(plain::infidelity(&plain::state(&half, &at[..1]), &state) < AGREEMENT);
    // Slots that are not there.
    let mut short = Circuit::new(2);
    short.slot("a0");
    assert!(short.extend(&circuit, &[0, 1]).unwrap_err().to_string().contains("never declared"));
    assert!(short.derive(Operation::Sin, [Param::slot(1), Param::Fixed(0.0)]).is_err());
    assert!(short.append(Op::gate(Gate::Rx, &[0], &[Param::slot(1)])).is_err());
    assert!(short.derive(Operation::Divide, [Param::Fixed(1.0), Param::Fixed(0.0)]).is_err());
    // JSON is checked as well.
    let json = circuit.to_json();
    for (from, to, message) in [
        ("\"multiply\"", "\"modulo\"", "unknown variant `modulo`"),
        ("{\"slot\":0,", "{\"slot\":9,", "derived[0]: *: slot 9 was never declared"),
    ] {
        let error = Circuit::from_json(&json.replacen(from, to, 1)).unwrap_err().to_string();
        assert!(error.contains(message), "{error}\n{json}");
    }
}

#[test]
fn formulas_of_any_length_are_read_and_written() {
    let text = "OPENQASM 3.0; include \"stdgates.inc\"; input float x0; input float x1; qubit q; float f = x0; \
                for int i in [1:200] { f = sin(f) * x1 + i; rx(f) q; }";
    let circuit = parse(text);
    assert_eq!(circuit.derived().len(), 400);
    let written = write3(&circuit, &WriteOptions::default());
    assert!(written.contains("float derived_0 = ") && written.len() < 200_000, "{}", written.len());
    assert_eq!(parse(&written), circuit);
    let (a, b) = (circuit.expand(&[0.3, 0.2]), parse(&written).expand(&[0.3, 0.2]));
    assert_eq!(a, b);
    // Nobody uses it, so it is not kept; and a loop cannot make more than the limits allow.
    assert!(parse("OPENQASM 3.0; input float x; float y = x * x;").derived().is_empty());
    let endless = "OPENQASM 3.0; input float x; float z = x; while (true) { z = z * x; }";
    let options = ReadOptions { max_operations: 10_000, ..ReadOptions::default() };
    assert!(read(endless, &options).unwrap_err().message.contains("expands to more than"));
    for (text, message) in [
        ("rx(floor(x)) q;", "this depends on an input, but a number is needed"),
        ("rx(x % 2) q;", "inputs cannot be combined like this"),
        ("int n = x * x;", "an input is not an integer"),
    ] {
        let text = format!("OPENQASM 3.0; include \"stdgates.inc\"; input float x; qubit q; {text}");
        let error = read(&text, &ReadOptions::default()).unwrap_err();
        assert!(error.message.contains(message), "{text}: {}", error.message);
    }
}

#[test]
fn every_function_of_a_program_takes_declared_angles() {
    let circuit = parse(TEXT);
    let program = Program::ideal(&circuit, &[]);
    let fixed = |angles: &[f64]| Program::ideal(&circuit.bind(angles).unwrap(), &[]);
    let at = [0.3, -0.7, 0.45];
    let (angles, none) = (|| Angles::of_weights(&at), || Angles::of_weights(&[]));
    let observables = ["Z0 Z1", "X0 + 0.5 Y1"].map(|text| Observable::read_on(text, &[0, 1]).unwrap());
    let engine = Statevector::default();
    let near = |a: &[f64], b: &[f64], tolerance: f64, what: &str| {
        assert_eq!(a.len(), b.len(), "{what}");
        assert!(a.iter().zip(b).all(|(a, b)| (a - b).abs() < tolerance), "{what}: {a:?} and {b:?}");
    };
    let flat = |array: Array2<f64>| array.into_iter().collect::<Vec<f64>>();
    let bound = fixed(&at);
    let expected = flat(engine.expect(&bound, none(), &observables).unwrap());
    near(&flat(engine.expect(&program, angles(), &observables).unwrap()), &expected, 1e-12, "expect");
    let expected = flat(engine.probabilities(&bound, none()).unwrap());
    near(&flat(engine.probabilities(&program, angles()).unwrap()), &expected, 1e-12, "probabilities");
    let expected = flat(sample::variance(&engine, &bound, none(), &observables).unwrap());
    near(&flat(sample::variance(&engine, &program, angles(), &observables).unwrap()), &expected, 1e-12, "variance");
    let gap = state::density(&program, &at).unwrap() - state::density(&bound, &[]).unwrap();
    assert!(gap.iter().all(|gap| gap.norm() < 1e-12), "density");

    // Rules that go through the angles of gates follow the chain rule too.
    let cotangent = arr2(&[[1.0, -0.4]]);
    let exact = engine.vjp(&program, angles(), &observables, cotangent.view()).unwrap().weights.to_vec();
    let by = |rule: Gradient| rule.vjp(&engine, &program, angles(), &observables, cotangent.view()).unwrap().weights;
    near(&by(Gradient::Shift).to_vec(), &exact, 1e-10, "shift");
    // Of order h²; third derivatives are below 30.
    near(&by(Gradient::Difference { step: 1e-4 }).to_vec(), &exact, 1e-6, "difference");

    // The information is 4 (1 - |<ψ(a)|ψ(a + h)>|²) / h², up to order h².
    let diagonal = quantum_fisher_diagonal(&program, &at).unwrap().to_vec();
    let matrix = quantum_fisher(&program, &at, &[0, 1, 2]).unwrap();
    near(&matrix.diag().to_vec(), &diagonal, 1e-12, "blocks");
    let states = |angles: &[f64]| state::statevector(&fixed(angles), &[]).unwrap();
    for (slot, found) in diagonal.iter().enumerate() {
        let (mut ahead, mut behind, step) = (at, at, 1e-4);
        (ahead[slot], behind[slot]) = (at[slot] + step, at[slot] - step);
        let overlap = states(&ahead).iter().zip(&states(&behind)).map(|(a, b)| a.conj() * b).sum::<C64>();
        let expected = (1.0 - overlap.norm_sqr()) / (step * step);
        assert!((found - expected).abs() < 1e-4, "information of slot {slot}: {found} and {expected}");
    }
    assert!(quantum_fisher(&program, &at, &[3]).is_err(), "a derived angle is no slot of the circuit");

    let direction = AngleGradient { inputs: Array2::zeros((1, 0)), weights: arr1(&[0.5, -0.3, 0.8]) };
    let second = |rule: Hessian| rule.vector(&engine, &program, angles(), &observables, cotangent.view(), &direction);
    let found = second(Hessian::Difference { step: 1e-4 }).unwrap().weights.to_vec();
    let moved = |by: f64| {
        let moved: Vec<f64> = at.iter().zip(&direction.weights).map(|(angle, d)| angle + by * d).collect();
        engine.vjp(&program, Angles::of_weights(&moved), &observables, cotangent.view()).unwrap().weights
    };
    near(&found, &((moved(1e-4) - moved(-1e-4)) / 2e-4).to_vec(), 1e-8, "second derivatives");
    assert!(second(Hessian::Shift).unwrap_err().to_string().contains("Difference"));
}

#[test]
fn formulas_outside_of_their_domain_are_named() {
    let head = "OPENQASM 3.0; include \"stdgates.inc\"; input float x; input float y; qubit q; ";
    for (angle, angles, formula, value) in [
        ("log(x)", [-1.0, 0.0], "log(x0) with x0 = -1", "NaN"),
        ("1/(x - y)", [2.0, 2.0], "1.0/(x0 - x1)", "inf"),
        ("sqrt(sin(x)*y)", [0.5, -3.0], "sqrt((", "NaN"),
        ("arcsin(2*x)", [0.8, 0.0], "arcsin(2.0*x0) with x0 = 0.8", "NaN"),
        ("x**y", [0.0, -1.0], "x0**x1 with x0 = 0, x1 = -1", "inf"),
    ] {
        let circuit = parse(&format!("{head}rx({angle}) q;"));
        let program = Program::ideal(&circuit, &[]);
        let message = state::statevector(&program, &angles).unwrap_err().to_string();
        assert!(message.contains("the formula") && message.contains(value), "{angle}: {message}");
        assert!(angle.starts_with("1/") || message.contains(formula), "{angle}: {message}");
        let message = circuit.bind(&angles).unwrap_err().to_string();
        assert!(message.contains("the formula") && message.contains(value), "{angle}: {message}");
    }
}
