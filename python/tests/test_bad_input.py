"""Bad input: right, or one exception that says what to do."""

import multiprocessing
import threading

import numpy as np
import pytest
import qgraft
from circuits import layered


@pytest.fixture
def run():
    return qgraft.Run(layered(2, 1), ["Z0", "X1"])


def test_all_kinds_of_arrays(run):
    angles = np.array([0.1, 0.2, 0.3, 0.4])
    expected = run.expect(angles)
    frozen = angles.copy()
    frozen.flags.writeable = False
    misaligned = np.frombuffer(b"\0" + angles.tobytes(), dtype=np.uint8)[1:].view(np.float64)
    same = [
        angles.tolist(), tuple(angles), angles.astype(object).tolist(), frozen, np.repeat(angles, 2)[::2], angles[::-1].copy()[::-1],
        np.asfortranarray(np.tile(angles, (3, 1)))[1], angles.astype(">f8"), misaligned, np.longdouble(angles),
    ]  # fmt: skip
    for given in same:
        np.testing.assert_allclose(run.expect(given), expected, atol=1e-14)
    for dtype, tolerance in ((np.float32, 1e-6), (np.float16, 1e-2)):
        np.testing.assert_allclose(run.expect(angles.astype(dtype)), expected, atol=tolerance)
    whole = np.array([1, 2, 3, 4])
    for dtype in (np.int8, np.int64, np.uint16):
        np.testing.assert_allclose(run.expect(whole.astype(dtype)), run.expect(whole.astype(float)), atol=1e-14)
    np.testing.assert_allclose(run.expect(np.array([True, False, True, True])), run.expect([1.0, 0, 1, 1]), atol=1e-14)


def test_strides_of_rows(run):
    rows = np.random.default_rng(0).normal(size=(6, 8))
    expected = run.expect(np.ascontiguousarray(rows[::2, ::2]))
    np.testing.assert_array_equal(run.expect(rows[::2, ::2]), expected)
    np.testing.assert_array_equal(run.expect(np.asfortranarray(rows[::2, ::2])), expected)
    inputs, weights = rows[::-1, 6:7:1].repeat(2, axis=1), rows[0, ::-4]
    cotangent = rows[::-1, :2]
    one = run.vjp(cotangent, inputs, weights)
    other = run.vjp(cotangent.copy(), inputs.copy(), weights.copy())
    for a, b in zip(one, other):
        np.testing.assert_array_equal(a, b)
    np.testing.assert_array_equal(run.value_and_grad(rows[:, ::2])[1], run.value_and_grad(rows[:, ::2].copy())[1])


def test_empty_batch(run):
    assert run.expect(np.zeros((0, 4))).shape == (0, 2)
    assert run.expect(np.zeros((0, 2)), np.zeros(2)).shape == (0, 2)
    assert run.value_and_grad(np.zeros((0, 4)))[1].shape == (0, 2, 4)
    assert run.probabilities(np.zeros((0, 4))).shape == (0, 4)
    assert run.counts(np.zeros((0, 4)), 10).shape == (0, 4)
    by_inputs, by_weights = run.vjp(np.zeros((0, 2)), np.zeros((0, 2)), np.zeros(2))
    assert by_inputs.shape == (0, 2) and (by_weights == 0).all()


@pytest.mark.parametrize(
    "angles",
    [
        [0.1, np.nan, 0, 0], [np.inf, 0, 0, 0], [0.1], [0.1] * 5, np.zeros((2, 5)), np.zeros((1, 1, 4)), 0.1, [], ["a"] * 4,
        ["0.1"] * 4, [1j] * 4, None, {}, object(), [[0.1], [0.1, 0.2]], np.array(["2020-01-01"] * 4, dtype="M8[D]"),
    ],
    ids=str,
)  # fmt: skip
def test_wrong_angles(run, angles):
    calls = [run.expect, run.value_and_grad, run.probabilities, run.variance, run.counts, run.record, run.state, run.density]
    for call in calls:
        with pytest.raises((ValueError, TypeError)) as raised:
            call(angles)
        assert str(raised.value)


def test_wrong_cotangents_and_weights(run):
    inputs, weights = np.zeros((3, 2)), np.zeros(2)
    for cotangent in (np.zeros((2, 2)), np.zeros((3, 1)), np.zeros(2), np.full((3, 2), np.nan), "x"):
        with pytest.raises((ValueError, TypeError)):
            run.vjp(cotangent, inputs, weights)
        with pytest.raises((ValueError, TypeError)):
            run.record(inputs, weights)[1].vjp(cotangent)
    for weights in (np.zeros(1), np.zeros((2, 1)), np.zeros(3), [np.nan, 0]):
        with pytest.raises((ValueError, TypeError)):
            run.expect(inputs, weights)


@pytest.mark.parametrize(
    "make",
    [
        lambda: qgraft.Circuit(-1),
        lambda: qgraft.Circuit(10**9),
        lambda: qgraft.Circuit("2"),
        lambda: qgraft.Circuit(2).push("nothing", [0]),
        lambda: qgraft.Circuit(2).x(2),
        lambda: qgraft.Circuit(2).x(-1),
        lambda: qgraft.Circuit(2).cx(0, 0),
        lambda: qgraft.Circuit(2).ry(np.nan, 0),
        lambda: qgraft.Circuit(2).ry("a", 0),
        lambda: qgraft.Circuit(2).ry(qgraft.Param(7), 0),
        lambda: qgraft.Circuit(2).unitary(np.ones((2, 2)), [0]),
        lambda: qgraft.Circuit(2).unitary(np.eye(4), [0]),
        lambda: qgraft.Circuit(2).unitary(np.full((2, 2), np.nan), [0]),
        lambda: qgraft.Circuit(2).unitary(np.zeros((0, 0)), []),
        lambda: qgraft.Circuit(2).measure(0, 0),
        lambda: qgraft.Circuit(2, 1).x(0, condition=([0], 2)),
        lambda: qgraft.Circuit(2).delay(-1.0, 0),
        lambda: qgraft.Circuit(2).bind([0.1]),
        lambda: qgraft.Circuit(2, 1).measure(0, 0).inverse(),
        lambda: qgraft.Circuit(2).draw(0),
        lambda: qgraft.Circuit(2).to_qasm(4),
        lambda: qgraft.Circuit.from_qasm("nothing"),
        lambda: qgraft.Circuit.from_json("{"),
        lambda: qgraft.Circuit.open("/nowhere/at/all.qasm"),
        lambda: qgraft.Observable("Q0"),
        lambda: qgraft.Observable(""),
        lambda: qgraft.Observable.from_terms([1.0], []),
        lambda: qgraft.Observable.from_terms([np.nan], [[(0, "Z")]]),
        lambda: qgraft.Observable.from_terms([1.0], [[(0, "Q")]]),
        lambda: qgraft.Observable.from_terms([1.0], [[(0, "X"), (0, "Z")]]),
        lambda: qgraft.Observable.all_z(1 << 21),
        lambda: qgraft.Run(qgraft.Circuit(2), "Z5"),
        lambda: qgraft.Run(qgraft.Circuit(2), [3]),
        lambda: qgraft.Run(qgraft.Circuit(2), engine="nothing"),
        lambda: qgraft.Run(qgraft.Circuit(2), precision="half"),
        lambda: qgraft.Run(qgraft.Circuit(2), level=9),
        lambda: qgraft.Run(qgraft.Circuit(6).h(5), "Z0", "manila"),
        lambda: qgraft.Run(qgraft.Circuit(40).h(0), condition=3),
        lambda: qgraft.Run(qgraft.Circuit(1).h(0), "Z0", noise=[(5, qgraft.Channel("bit_flip", 0.1), [0])]),
        lambda: qgraft.Run(qgraft.Circuit(1).h(0), "Z0", noise=[(0, qgraft.Channel("bit_flip", 0.1), [0, 1])]),
        lambda: qgraft.Run(qgraft.Circuit(1).h(0), "Z0", "manila", noise=[(0, qgraft.Channel("bit_flip", 0.1), [0])]),
        lambda: qgraft.Run(qgraft.Circuit(1).h(0), "Z0", "manila", noise_options={"nothing": 1}),
        lambda: qgraft.Run(qgraft.Circuit(1).h(0), "Z0", "manila", noise_options={"gate_error": "no"}),
        lambda: qgraft.Run(qgraft.Circuit(1).h(0), "Z0", "manila", noise_options={"temperature_millikelvin": float("nan")}),
        lambda: qgraft.Run(qgraft.Circuit(1).h(0), "Z0", "manila", level=None, noise_options={"strict": True}),
        lambda: qgraft.Run(qgraft.Circuit(1).h(0), "Z0", noise_options={"strict": True}),
        lambda: qgraft.Channel("nothing"),
        lambda: qgraft.Channel("bit_flip", 2.0),
        lambda: qgraft.Channel("bit_flip"),
        lambda: qgraft.Channel.kraus([]),
        lambda: qgraft.Channel.kraus([np.eye(2) * 2]),
        lambda: qgraft.Condition("nothing"),
        lambda: qgraft.Condition("manila", "nothing"),
        lambda: qgraft.Condition("manila", scale=-1.0),
        lambda: qgraft.Condition("manila", scale=float("nan")),
        lambda: qgraft.Condition(shots=0),
        lambda: qgraft.Condition(shots=-1),
        lambda: qgraft.Condition(mitigation="nothing"),
        lambda: qgraft.Device("nothing"),
        lambda: qgraft.Device.from_json("[]"),
        lambda: qgraft.Device.from_texts([]),
        lambda: qgraft.transpile(qgraft.Circuit(200), "manila"),
        lambda: qgraft.transpile(qgraft.Circuit(2).h(0), "manila", layout=[0]),
        lambda: qgraft.transpile(qgraft.Circuit(2).h(0), "manila", layout=[0, 0]),
        lambda: qgraft.transpile(qgraft.Circuit(2).h(0), "manila", layout=[0, 99]),
        lambda: qgraft.set_threads(0),
        lambda: qgraft.HeadConfig("nothing"),
        lambda: qgraft.HeadConfig(qubits=0),
        lambda: qgraft.HeadConfig(ansatz="nothing"),
        lambda: qgraft.Trainer(rate=-1.0),
        lambda: qgraft.Trainer(class_weight="odd"),
        lambda: qgraft.fit(np.zeros((4, 2)), [0, 1, 0]),
        lambda: qgraft.fit(np.zeros((4, 2)), [0, 0, 0, 0]),
        lambda: qgraft.fit(np.full((4, 2), np.nan), [0, 1, 0, 1]),
        lambda: qgraft.fit(np.zeros((0, 2)), []),
        lambda: qgraft.fit(np.zeros(4), [0, 1, 0, 1]),
        lambda: qgraft.Trainer().fit(qgraft.HeadConfig("linear"), np.zeros((2, 10**5)), [0, 10**6]),
        lambda: qgraft.run("nothing"),
        lambda: qgraft.run("qtl", set={"nothing": 1}),
        lambda: qgraft.run("qtl", preset="nothing"),
        lambda: qgraft.run("qtl", jobs=0),
        lambda: qgraft.run("qtl", spec="= ="),
        lambda: qgraft.TrainedHead.load("/nowhere"),
        lambda: qgraft.TrainedHead.from_bytes(b"nothing"),
    ],
)
def test_one_clear_exception(make):
    with pytest.raises((ValueError, TypeError, OverflowError)) as raised:
        make()
    assert str(raised.value)


def test_errors_have_their_place():
    with pytest.raises(qgraft.errors.QasmError) as raised:
        qgraft.Circuit.from_qasm("OPENQASM 3.0;\nqubit q;\nfoo q;")
    assert (raised.value.line, raised.value.column) == (3, 1) and "foo q;" in raised.value.report
    with pytest.raises(OSError):
        qgraft.Circuit.open("/nowhere/at/all.qasm")
    with pytest.raises(MemoryError):
        wide = qgraft.Circuit(60)
        for qubit in range(59):
            wide.h(qubit).cx(qubit, qubit + 1)
        qgraft.Run(wide, "Z0", engine="statevector").probabilities()
    with pytest.raises(NotImplementedError):
        circuit = qgraft.Circuit(1, 1)
        circuit.ry(circuit.slot("x"), 0).measure(0, 0).x(0, condition=([0], 1))
        qgraft.Run(circuit, "Z0").value_and_grad([0.1])


def test_derivatives_that_do_not_fit_in_memory_are_refused(run):
    # Views of one row: they take no memory themselves.
    rows, inputs = np.broadcast_to(np.zeros(4), (10**11, 4)), np.broadcast_to(np.zeros(2), (10**11, 2))
    for angles in ([rows], [inputs, [0.1, 0.2]]):
        with pytest.raises(MemoryError, match="derivatives of all observables .* fewer rows"):
            run.value_and_grad(*angles)


def test_two_threads_call_one_run(run):
    rows = np.random.default_rng(1).normal(size=(50, 4))
    expected = run.value_and_grad(rows)[1]
    wrong = []

    def work():
        for _ in range(20):
            if not (run.value_and_grad(rows)[1] == expected).all():
                wrong.append(1)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_one_circuit_changed_by_threads():
    circuit = qgraft.Circuit(1)
    threads = [threading.Thread(target=lambda: [circuit.x(0) for _ in range(200)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(circuit) == 800


def _in_child(rows):
    return qgraft.Run(layered(2, 1), ["Z0", "X1"], "manila").expect(rows)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_child_processes(method):
    rows = np.random.default_rng(2).normal(size=(200, 4))
    expected = _in_child(rows)
    with multiprocessing.get_context(method).Pool(2) as pool:
        for values in pool.map(_in_child, [rows, rows], chunksize=1):
            np.testing.assert_array_equal(values, expected)
