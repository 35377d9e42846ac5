"""The native API against NumPy, and against itself."""

import copy
import pickle

import numpy as np
import pytest
import qgraft
from circuits import layered
from qgraft._native import gate_table


def dense(circuit: qgraft.Circuit) -> np.ndarray:
    """The unitary of a circuit without slots, column by column from states, qubit k being bit k."""
    n = circuit.qubits
    columns = []
    for index in range(1 << n):
        prepared = qgraft.Circuit(n)
        for qubit in range(n):
            prepared.id(qubit)
            if index >> qubit & 1:
                prepared.x(qubit)
        columns.append(qgraft.Run(prepared.extend(circuit)).state())
    return np.stack(columns, axis=1)


def test_every_gate_is_a_method_with_its_arguments():
    for name, qubits, angles, _ in gate_table():
        circuit = qgraft.Circuit(qubits)
        assert getattr(circuit, name)(*[0.1] * len(angles), *range(qubits)) is circuit, name
        assert circuit.ops[0]["name"] == name
        with pytest.raises(qgraft.QgraftError, match=name):
            getattr(circuit, name)(*range(qubits + len(angles) + 1))


def test_every_gate_is_unitary_and_its_inverse_undoes_it():
    for name, qubits, angles, _ in gate_table():
        circuit = getattr(qgraft.Circuit(qubits), name)(*[0.3, 0.5, 0.7, 0.9][: len(angles)], *range(qubits))
        both = circuit.copy().extend(circuit.inverse())
        # A global phase is left open by some inverses.
        product = dense(both)
        np.testing.assert_allclose(product / product[0, 0], np.eye(1 << qubits), atol=1e-12, err_msg=name)


def test_qubit_k_is_bit_k():
    run = qgraft.Run(qgraft.Circuit(3).x(1).id(0).id(2), ["Z1", "Z0"])
    assert run.state()[2] == 1
    np.testing.assert_allclose(run.expect(), [-1, 1], atol=1e-15)
    assert run.sample(shots=5) == {"010": 5}


def test_params_are_affine():
    circuit = qgraft.Circuit(1)
    x = circuit.slot("x")
    for angle in (2 * x, x * 2, x / 2, x + 1, 1 + x, x - 1, 1 - x, -x):
        circuit.rx(angle, 0)
    value = 0.37
    total = sum([2 * value, 2 * value, value / 2, value + 1, 1 + value, value - 1, 1 - value, -value])
    assert qgraft.Run(circuit, "Z0").expect([value])[0] == pytest.approx(np.cos(total), abs=1e-12)


def test_gradients_are_those_of_finite_differences(circuit, rng):
    for condition in (None, "manila", qgraft.Condition("torino", "crosstalk")):
        run = qgraft.Run(circuit, ["Z0 Z1", "0.5 X2 - Y0"], condition)
        angles = rng.normal(size=len(run.slots))
        values, jacobian = run.value_and_grad(angles)
        np.testing.assert_allclose(values, run.expect(angles), atol=1e-12)
        step = 1e-5
        for slot in range(len(angles)):
            shift = np.eye(len(angles))[slot] * step
            slope = (run.expect(angles + shift) - run.expect(angles - shift)) / (2 * step)
            # Truncation of the central difference is of the order of the squared step.
            np.testing.assert_allclose(jacobian[:, slot], slope, atol=1e-8)


def test_forms_of_angles_agree(circuit, rng):
    run = qgraft.Run(circuit, ["Z0", "X1 X2"])
    inputs, weights = rng.normal(size=(5, 3)), rng.normal(size=6)
    rows = np.hstack([inputs, np.tile(weights, (5, 1))])
    split = run.expect(inputs, weights)
    np.testing.assert_allclose(split, run.expect(rows), atol=1e-12)
    np.testing.assert_allclose(split[2], run.expect(rows[2]), atol=1e-12)
    np.testing.assert_allclose(split[2], run.expect(inputs[2], weights), atol=1e-12)
    cotangent = rng.normal(size=split.shape)
    by_inputs, by_weights = run.vjp(cotangent, inputs, weights)
    by_rows, nothing = run.vjp(cotangent, rows)
    assert nothing is None
    np.testing.assert_allclose(by_inputs, by_rows[:, :3], atol=1e-12)
    np.testing.assert_allclose(by_weights, by_rows[:, 3:].sum(axis=0), atol=1e-12)
    values, tape = run.record(inputs, weights)
    np.testing.assert_allclose(values, split, atol=1e-12)
    for one, other in zip(tape.vjp(cotangent), (by_inputs, by_weights)):
        np.testing.assert_allclose(one, other, atol=1e-12)
    jacobian = run.value_and_grad(inputs, weights)[1]
    np.testing.assert_allclose(np.einsum("bo,bos->bs", cotangent, jacobian), by_rows, atol=1e-12)
    assert run.probabilities(inputs, weights).shape == (5, 8)
    assert run.counts(inputs, 100, weights).sum() == 500


def test_state_density_probabilities_and_variance_agree(circuit, rng):
    run = qgraft.Run(circuit, ["Z0 Z2", "X1"])
    angles = rng.normal(size=9)
    psi, rho = run.state(angles), run.density(angles)
    np.testing.assert_allclose(rho, np.outer(psi, psi.conj()), atol=1e-12)
    np.testing.assert_allclose(run.probabilities(angles), abs(psi) ** 2, atol=1e-12)
    # A Pauli string squares to one.
    np.testing.assert_allclose(run.variance(angles), 1 - run.expect(angles) ** 2, atol=1e-12)


def test_channels_in_a_circuit():
    circuit = qgraft.Circuit(2).h(0).cx(0, 1)
    flip = qgraft.Channel("bit_flip", 0.1)
    # A flip in front of everything turns Φ+ into Φ-, at the end into Ψ+.
    values = qgraft.Run(circuit, ["X0 X1", "Z0 Z1"], noise=[(0, flip, [0])]).expect()
    np.testing.assert_allclose(values, [0.8, 1.0], atol=1e-12)
    assert qgraft.Run(circuit, "Z0 Z1", noise=[(2, flip, [1])]).expect()[0] == pytest.approx(0.8)
    phase = qgraft.Channel("phase_flip", 0.1)
    assert qgraft.Run(circuit, "X0 X1", noise=[(1, phase, [0])]).expect()[0] == pytest.approx(0.8)
    own = qgraft.Channel.kraus(flip.operators)
    assert qgraft.Run(circuit, "Z0 Z1", noise=[(2, own, [1])]).expect()[0] == pytest.approx(0.8)


def test_channels_of_a_circuit_take_shots_and_mitigation_and_nothing_of_a_device():
    circuit, noise = qgraft.Circuit(1).x(0), [(1, qgraft.Channel("bit_flip", 0.1), [0])]
    run = qgraft.Run(circuit, "Z0", qgraft.Condition(shots=100), noise=noise, seed=4)
    # 100 outcomes of ±1.
    assert run.expect()[0] != -0.8 and abs(run.expect()[0] * 50 - round(run.expect()[0] * 50)) < 1e-9
    for condition in (qgraft.Condition(scale=0.5), qgraft.Condition(source="readout")):
        with pytest.raises(qgraft.errors.NoiseError, match="noise of a device"):
            qgraft.Run(circuit, "Z0", condition, noise=noise)


def test_states_from_amplitudes(rng):
    amplitudes = rng.normal(size=8) + 1j * rng.normal(size=8)
    expected = amplitudes / np.linalg.norm(amplitudes)
    np.testing.assert_allclose(qgraft.Run(qgraft.Circuit(3).prepare(amplitudes)).state(), expected, atol=1e-12)
    # The first qubit that is named is the least significant.
    moved = qgraft.Run(qgraft.Circuit(3).id(0).prepare([0, 1, 0, 0], [2, 1])).state()
    np.testing.assert_allclose(moved, np.eye(8)[4], atol=1e-12)
    for wrong, message in (
        ([1, 0, 0], "amplitudes"), ([[1, 0]], "vector"), (["a", "b"], "numbers"), ([0, 0], "all amplitudes are 0"),
        ([1, np.nan], "amplitude 1"), ([1], "0 qubits"), ([], "0 qubits"),
    ):  # fmt: skip
        with pytest.raises((ValueError, TypeError), match=message):
            qgraft.Circuit(3).prepare(wrong)


def test_gradients_of_probabilities(circuit, rng):
    measured = qgraft.Circuit(3, 2)
    for name in circuit.slots:
        measured.slot(name)
    measured.extend(circuit).measure(2, 0).measure(0, 1)
    angles = rng.normal(size=(4, 9))
    for made, condition in ((circuit, None), (measured, None), (measured, "manila"), (measured, qgraft.Condition("manila", "hardware"))):
        run = qgraft.Run(made, None, condition)
        values, jacobian = run.probabilities_and_grad(angles)
        np.testing.assert_allclose(values, run.probabilities(angles), atol=1e-12)
        step = np.eye(9) * 1e-5
        slopes = [(run.probabilities(angles + s) - run.probabilities(angles - s)) / 2e-5 for s in step]
        # Truncation of the central difference is of the order of the squared step.
        np.testing.assert_allclose(jacobian, np.stack(slopes, axis=-1), atol=1e-8)
        cotangent = rng.normal(size=values.shape)
        by_angles, nothing = run.probabilities_vjp(cotangent, angles)
        np.testing.assert_allclose(by_angles, np.einsum("bx,bxs->bs", cotangent, jacobian), atol=1e-12)
        assert nothing is None
        by_inputs, by_weights = run.probabilities_vjp(cotangent, angles[:, :3], angles[0, 3:])
        rows = np.hstack([angles[:, :3], np.tile(angles[0, 3:], (4, 1))])
        by_rows = np.einsum("bx,bxs->bs", cotangent, run.probabilities_and_grad(rows)[1])
        np.testing.assert_allclose(by_inputs, by_rows[:, :3], atol=1e-12)
        np.testing.assert_allclose(by_weights, by_rows[:, 3:].sum(axis=0), atol=1e-12)
        one, slope = run.probabilities_and_grad(angles[1])
        np.testing.assert_allclose(one, values[1], atol=1e-12)
        np.testing.assert_allclose(slope, jacobian[1], atol=1e-12)
    for refused in (qgraft.Run(measured, None, qgraft.Condition(shots=10)), qgraft.Run(measured.copy().x(2).measure(2, 0))):
        with pytest.raises(NotImplementedError):
            refused.probabilities_and_grad(angles)


def test_measured_bits_and_conditions():
    circuit = qgraft.Circuit(2, 2).h(0).measure(0, 0).x(1, condition=([0], 1)).measure(1, 1)
    run = qgraft.Run(circuit)
    np.testing.assert_allclose(run.probabilities(), [0.5, 0, 0, 0.5], atol=1e-12)
    assert run.outcome_bits == [0, 1]


def test_texts_in_and_out(circuit, tmp_path):
    for text in (circuit.to_qasm(), circuit.bind(np.arange(9) / 10).to_qasm(2)):
        again = qgraft.Circuit.from_qasm(text)
        assert len(again) == len(circuit)
    (tmp_path / "c.qasm").write_text(circuit.to_qasm())
    assert qgraft.Circuit.open(tmp_path / "c.qasm").slots == circuit.slots
    assert qgraft.Circuit.from_json(circuit.to_json()) == circuit
    assert "q_0" in circuit.draw(80) and circuit.svg().startswith("<svg") and circuit._repr_svg_() == circuit.svg()
    assert qgraft.transpile(circuit, "manila")._repr_svg_().startswith("<svg")
    wide = qgraft.Circuit(4096)
    for _ in range(300):
        for qubit in range(4096):
            wide.h(qubit)
    # What is too large to draw has no picture, and prints as its summary.
    assert wide._repr_svg_() is None and str(wide) == repr(wide)


def test_devices_transpile(circuit):
    for name in qgraft.devices():
        device = qgraft.Device(name)
        transpiled = qgraft.transpile(circuit, device, seed=1)
        coupled = {frozenset(pair) for pair in device.couplings}
        for op in transpiled.circuit.ops:
            assert op["name"] in [*device.basis, "barrier"], name
            assert len(op["qubits"]) == 1 or frozenset(op["qubits"]) in coupled
        assert np.nanmedian(device.qubit_table()["t1"]) > 1e-6
    layout = qgraft.transpile(layered(2, 1), "manila", layout=[3, 4]).initial_layout
    assert layout == [3, 4]


def test_a_device_object_is_the_device_of_its_name(circuit, rng):
    angles = rng.normal(size=9)
    named = qgraft.Run(circuit, "Z0", "manila").expect(angles)
    given = qgraft.Run(circuit, "Z0", qgraft.Device("manila")).expect(angles)
    assert named == given
    again = qgraft.Device.from_json(qgraft.Device("manila").to_json())
    assert qgraft.Run(circuit, "Z0", qgraft.Condition(again, "aer")).expect(angles) == given


def test_pickle_and_copy(circuit):
    objects = [
        circuit, qgraft.Param(3, 2.0, 0.5), qgraft.Observable("Z0 Z1 + 0.5 X2"), qgraft.Device("manila"),
        qgraft.Channel.kraus(qgraft.Channel("depolarizing", 0.1).operators), qgraft.Condition("manila", shots=10),
        qgraft.Condition(qgraft.Device("manila"), "crosstalk"),
    ]  # fmt: skip
    for one in objects:
        assert pickle.loads(pickle.dumps(one)) == one
        assert copy.deepcopy(one) == one
    changed = copy.copy(circuit)
    changed.x(0)
    assert len(changed) == len(circuit) + 1


def test_seeds_decide_shots(circuit, rng):
    angles = rng.normal(size=9)
    draw = lambda seed: qgraft.Run(circuit, "Z0", qgraft.Condition("manila", shots=100), seed=seed).expect(angles)
    assert draw(1) == draw(1) and draw(1) != draw(2)


def test_threads_change_nothing(circuit, rng):
    run = qgraft.Run(circuit, ["Z0", "X1"], "manila")
    rows = rng.normal(size=(64, 9))
    expected = run.expect(rows)
    try:
        for threads in (1, 3):
            qgraft.set_threads(threads)
            assert (run.expect(rows) == expected).all()
    finally:
        qgraft.set_threads(None)


def test_tables():
    assert "torino" in qgraft.devices() and "qtl" in qgraft.systems() and "quantum" in qgraft.heads()
    assert set(qgraft.table("gates")) == {"name", "qubits", "angles", "also called", "what it is"}
    with pytest.raises(qgraft.QgraftError, match="devices"):
        qgraft.table("nothing")


def test_inputs_and_externs_of_a_text(tmp_path):
    text = (
        "OPENQASM 3.0; input int[4] n; input bool flag; input float x; extern vote(bit[3]) -> bit; qubit[3] q; bit[3] c;"
        "output bit r; if (flag) U(pi, 0, pi) q[0]; for int i in [1:n] { U(x, 0, 0) q[1]; } c = measure q; r = vote(c);"
    )
    given = {"inputs": {"n": 2, "flag": True}, "externs": ["vote(a) = popcount(a) > 0"]}
    (tmp_path / "c.qasm").write_text(text)
    for circuit in (qgraft.Circuit.from_qasm(text, **given), qgraft.Circuit.open(tmp_path / "c.qasm", **given)):
        assert circuit.slots == ["x"]
        np.testing.assert_allclose(qgraft.Run(circuit).probabilities([0.3]), [0, 1], atol=1e-12)
        # Channels in a circuit with scratch bits.
        flipped = qgraft.Run(circuit, noise=[(1, qgraft.Channel("bit_flip", 1.0), [0])])
        assert abs(flipped.probabilities([0.0])[0] - 1) < 1e-12
    with pytest.raises(qgraft.QgraftError, match="the input n of type int has no value"):
        qgraft.Circuit.from_qasm(text)
    (tmp_path / "c.json").write_text(qgraft.Circuit(1).to_json())
    with pytest.raises(qgraft.QgraftError, match="vote"):
        qgraft.Circuit.open(tmp_path / "c.json", externs=given["externs"])


def test_formulas_of_inputs_have_variances_and_states():
    text = "OPENQASM 3.0; include \"stdgates.inc\"; input float a; input float b; qubit[2] q; rx(a * b) q[0]; cx q[0], q[1]; ry(sin(a)) q[1];"
    circuit = qgraft.Circuit.from_qasm(text)
    open_run, bound = qgraft.Run(circuit, ["Z0 Z1", "X1"]), qgraft.Run(circuit.bind([0.4, -0.7]), ["Z0 Z1", "X1"])
    for name in ("expect", "variance", "probabilities", "state", "density"):
        np.testing.assert_allclose(getattr(open_run, name)([0.4, -0.7]), getattr(bound, name)(), atol=1e-12, err_msg=name)


def test_values_of_engines_that_drop_something_state_their_error():
    circuit = qgraft.Circuit(6)
    for layer in range(4):
        for qubit in range(6):
            circuit.ry(0.4 + 0.3 * qubit + layer, qubit)
        for qubit in range(5):
            circuit.cz(qubit, qubit + 1)
    asked = ["Z2", "X0 Z5"]
    exact = qgraft.Run(circuit, asked)
    assert exact.errors() is None
    truth = exact.expect()
    cut = qgraft.Run(circuit, asked, engine="sparse", cut=1e-2)
    errors = cut.errors()
    assert set(errors) == {"bound", "interval", "rms", "drift", "fidelity", "terms"}
    assert errors["bound"].shape == (2,) and np.all(np.isnan(errors["interval"])) and np.all(errors["drift"] > 0)
    met = qgraft.Run(circuit, asked, engine="sparse", tolerance=1e-6)
    assert np.all(np.fmin(met.errors()["bound"], met.errors()["interval"]) <= 1e-6)
    np.testing.assert_allclose(met.expect(), truth, atol=1e-5)
    drawn = qgraft.Run(circuit, asked, engine="sparse", cut=1e-2, roulette=True, seed=3)
    assert np.all(np.abs(drawn.expect() - truth) <= 4 * drawn.errors()["interval"])
    with pytest.raises(qgraft.QgraftError, match="smallest bound"):
        qgraft.Run(circuit, asked, engine="sparse", tolerance=1e-9, most_terms=4).expect()
    chain = qgraft.Run(circuit, asked, engine="mps", most_bond=2)
    errors = chain.errors()
    assert np.all(errors["fidelity"] < 1) and np.all(errors["terms"] == 2)
    np.testing.assert_allclose(qgraft.Run(circuit, asked, engine="mps").expect(), truth, atol=1e-10)


def test_twirled_noise_runs_on_the_stabilizer_engine():
    circuit = qgraft.Circuit(3).h(0).cx(0, 1).cx(1, 2)
    runs = [qgraft.Run(circuit, "Z0 Z2", "manila", engine=engine, twirl=True) for engine in ("stabilizer", "density")]
    np.testing.assert_allclose(runs[0].expect(), runs[1].expect(), atol=1e-10)
    assert any("twirl" in notice for notice in runs[0].notices)
    with pytest.raises(qgraft.QgraftError, match="Pauli"):
        qgraft.Run(circuit, "Z0 Z2", "manila", engine="stabilizer").expect()
    damped = {"noise": [(1, qgraft.Channel("amplitude_damping", 0.1), [0])], "twirl": True}
    runs = [qgraft.Run(circuit, "Z0 Z2", engine=engine, **damped).expect() for engine in ("stabilizer", "density")]
    np.testing.assert_allclose(runs[0], runs[1], atol=1e-12)
