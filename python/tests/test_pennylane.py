"""The PennyLane device against default.qubit and default.mixed."""

import json

import numpy as np
import pytest

qml = pytest.importorskip("pennylane")

import qgraft
import scipy.sparse
from pennylane import numpy as pnp
from qgraft.pennylane.tape import CONTROLLABLE, GATES, Template

OPERATIONS = {
    "Adjoint(S)": qml.adjoint(qml.S(0)), "Adjoint(T)": qml.adjoint(qml.T(0)), "Adjoint(SX)": qml.adjoint(qml.SX(0)),
}  # fmt: skip


def operation(name):
    if name in OPERATIONS:
        return OPERATIONS[name]
    kind = getattr(qml, name)
    return kind(*[0.3, 0.5, 0.7][: GATES[name][1]], wires=range(kind.num_wires))


def matrix(op, wires):
    template = Template([op], wires)
    angles = np.concatenate([part.reshape(-1) for part in template.collect([op])])
    columns = []
    for index in range(1 << wires):
        prepared = qgraft.Circuit(wires)
        for slot in template.circuit.slots:
            prepared.slot(slot)
        for wire in range(wires):
            prepared.id(wire)
            # Wire 0 is PennyLane's most significant bit.
            if index >> (wires - 1 - wire) & 1:
                prepared.x(wire)
        state = qgraft.Run(prepared.extend(template.circuit)).state(angles)
        columns.append(np.transpose(state.reshape((2,) * wires), range(wires)[::-1]).reshape(-1))
    return np.stack(columns, axis=1)


@pytest.mark.parametrize("name", GATES)
def test_every_gate_has_pennylanes_matrix(name):
    op = operation(name)
    np.testing.assert_allclose(matrix(op, len(op.wires)), qml.matrix(op), atol=1e-12)


@pytest.mark.parametrize(
    "op",
    [
        qml.Rot(0.1, 0.2, 0.3, wires=0), qml.MultiRZ(0.4, wires=[0, 1, 2]), qml.GlobalPhase(0.4, wires=0),
        qml.MultiControlledX(wires=[0, 1, 2, 3], control_values=[1, 0, 1]), qml.QubitUnitary(qml.matrix(qml.ISWAP([0, 1]) @ qml.S(0)), wires=[0, 1]),
        *(qml.ctrl(operation(name), [4, 5], control_values=[True, False]) for name in sorted(CONTROLLABLE)),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_written_by_us(op):
    numbered = qml.map_wires(op, {wire: k for k, wire in enumerate(op.wires)})
    wires = len(op.wires)
    np.testing.assert_allclose(matrix(numbered, wires), qml.matrix(numbered, wire_order=range(wires)), atol=1e-12)


def model(inputs, weights):
    for k in range(3):
        qml.RY(inputs[k], wires=k)
    for layer in range(2):
        qml.CNOT([0, 1])
        qml.CZ([1, 2])
        for k in range(3):
            qml.Rot(*weights[layer, k], wires=k)
    qml.IsingXX(weights[0, 0, 0], wires=[2, 0])


def data(batch):
    rng = np.random.default_rng(4)
    inputs = rng.normal(size=(3, batch) if batch else 3)
    return pnp.array(inputs, requires_grad=True), pnp.array(rng.normal(size=(2, 3, 3)), requires_grad=True)


MEASUREMENTS = [
    lambda: qml.expval(qml.Z(0) @ qml.X(1)),
    lambda: qml.expval(qml.Hermitian(np.array([[1, 1j], [-1j, 0.5]]), wires=2)),
    lambda: qml.expval(0.5 * qml.Z(0) - 0.2 * qml.Y(1) @ qml.X(2)),
    lambda: qml.var(qml.X(2)),
    lambda: qml.var(0.5 * qml.Z(0) @ qml.Z(1) + qml.X(2)),
    lambda: qml.probs(wires=[2, 0]),
    lambda: qml.expval(qml.Hadamard(1)),
    lambda: qml.expval(qml.Projector([1, 0], wires=[0, 2])),
    lambda: qml.probs(op=qml.X(0) @ qml.Y(2)),
    lambda: qml.purity(wires=[0, 1]),
    lambda: qml.vn_entropy(wires=[0]),
    lambda: qml.mutual_info(wires0=[0], wires1=[2]),
    lambda: qml.density_matrix(wires=[1]),
    lambda: qml.state(),
]


@pytest.mark.parametrize("batch", [None, 1, 4])
@pytest.mark.parametrize("number", range(len(MEASUREMENTS)))
def test_values_are_those_of_default_qubit(number, batch):
    def circuit(inputs, weights):
        model(inputs, weights)
        return MEASUREMENTS[number]()

    arguments = data(batch)
    ours = qml.QNode(circuit, qml.device("qgraft.simulator", wires=3))(*arguments)
    theirs = qml.QNode(circuit, qml.device("default.qubit", wires=3))(*arguments)
    np.testing.assert_allclose(ours, theirs, atol=1e-10)


@pytest.mark.parametrize("batch", [None, 4])
def test_gradients_in_inputs_and_weights(batch):
    def circuit(inputs, weights):
        model(inputs, weights)
        return qml.expval(qml.Z(0)), qml.expval(qml.X(1) @ qml.Y(2))

    def loss(node):
        return lambda *arguments: sum(pnp.sum(pnp.sin(value)) for value in node(*arguments))

    ours = qml.QNode(circuit, qml.device("qgraft.simulator", wires=3), diff_method="adjoint")
    theirs = qml.QNode(circuit, qml.device("default.qubit", wires=3), diff_method="backprop")
    for one, other in zip(qml.grad(loss(ours))(*data(batch)), qml.grad(loss(theirs))(*data(batch))):
        np.testing.assert_allclose(one, other, atol=1e-10)


@pytest.mark.parametrize("batch", [None, 4])
def test_gradients_of_probabilities_and_variances(batch):
    def circuit(inputs, weights):
        model(inputs, weights)
        return (
            qml.probs(wires=[2, 0]), qml.var(qml.X(2)), qml.expval(qml.Z(1)), qml.probs(op=qml.X(0) @ qml.Y(1)),
            qml.var(0.5 * qml.Z(0) + qml.X(1)),
        )  # fmt: skip

    def loss(node):
        return lambda *arguments: sum(pnp.sum(pnp.sin((k + 1) * value)) for k, value in enumerate(node(*arguments)))

    ours = qml.QNode(circuit, qml.device("qgraft.simulator", wires=3), diff_method="adjoint")
    theirs = qml.QNode(circuit, qml.device("default.qubit", wires=3), diff_method="backprop")
    for one, other in zip(qml.grad(loss(ours))(*data(batch)), qml.grad(loss(theirs))(*data(batch))):
        np.testing.assert_allclose(one, other, atol=1e-10)

    def probabilities(inputs, weights):
        model(inputs, weights)
        return qml.probs(wires=[0, 2])

    ours = qml.QNode(probabilities, qml.device("qgraft.simulator", wires=3))
    theirs = qml.QNode(probabilities, qml.device("default.qubit", wires=3), diff_method="backprop")
    with ours.device.tracker as tracker:
        jacobians = qml.jacobian(ours)(*data(batch))
    for one, other in zip(jacobians, qml.jacobian(theirs)(*data(batch))):
        np.testing.assert_allclose(one, other, atol=1e-10)
    # It was the device that differentiated: 22 angles would be 44 shifted tapes.
    assert tracker.totals["executions"] <= 8 and sum(tracker.totals.get(name, 0) for name in ("vjps", "derivatives")) > 0


def test_gradients_of_probabilities_have_the_readout_error():
    def circuit(angle):
        qml.RY(angle, wires=0)
        qml.CNOT([0, 1])
        return qml.probs(wires=[1, 0])

    device = qml.device("qgraft.simulator", wires=2, device="manila", noise_model="crosstalk", seed=3)
    node = qml.QNode(circuit, device)
    slope = qml.jacobian(node)(pnp.array(0.3))
    difference = (node(0.3 + 1e-5) - node(0.3 - 1e-5)) / 2e-5
    np.testing.assert_allclose(slope, difference, atol=1e-8)
    shifted = qml.QNode(circuit, device, diff_method="parameter-shift")
    np.testing.assert_allclose(slope, qml.jacobian(shifted)(pnp.array(0.3)), atol=1e-10)


def test_states_from_amplitudes():
    rng = np.random.default_rng(3)
    amplitudes = rng.normal(size=(5, 8))
    amplitudes /= np.linalg.norm(amplitudes, axis=1, keepdims=True)
    turned = amplitudes[0] * np.exp(1j * np.arange(8))

    def circuit(prepare):
        prepare()
        qml.RX(0.3, wires=1)
        qml.CNOT([1, 3])
        return qml.expval(qml.Z(0) @ qml.Y(3)), qml.probs(wires=[3, 1]), qml.expval(qml.X(2))

    for prepare in (
        lambda: qml.StatePrep(turned, wires=[2, 0, 1]), lambda: qml.BasisState([1, 0, 1], wires=[0, 1, 3]),
        lambda: qml.AmplitudeEmbedding(amplitudes, wires=[0, 1, 2]), lambda: qml.AmplitudeEmbedding([1, 2, 3], wires=[0, 3], pad_with=0.5, normalize=True),
        lambda: qml.BasisEmbedding(5, wires=[0, 1, 2]), lambda: qml.MottonenStatePreparation(turned, wires=[0, 1, 2]),
    ):  # fmt: skip
        found = [qml.QNode(circuit, qml.device(name, wires=4))(prepare) for name in ("qgraft.simulator", "default.qubit")]
        for ours, theirs in zip(*found):
            np.testing.assert_allclose(ours, theirs, atol=1e-10)
    # On a device it is gates like any others.
    noisy = qml.QNode(circuit, qml.device("qgraft.simulator", wires=4, device="manila"))
    value = noisy(lambda: qml.StatePrep(turned, wires=[2, 0, 1]))[2]
    exact = qml.QNode(circuit, qml.device("default.qubit", wires=4))(lambda: qml.StatePrep(turned, wires=[2, 0, 1]))[2]
    assert 0 < abs(value - exact) < 0.3


def test_channels_are_those_of_default_mixed_and_have_gradients():
    def circuit(inputs, weights):
        qml.AmplitudeDamping(0.1, wires=0)
        model(inputs, weights)
        qml.DepolarizingChannel(0.1, wires=0)
        qml.ThermalRelaxationError(0.1, 50e-6, 70e-6, 1e-6, wires=1)
        qml.PauliError("XZ", 0.2, wires=[2, 0])
        qml.ResetError(0.1, 0.05, wires=2)
        return qml.expval(qml.Z(0) @ qml.X(2))

    ours = qml.QNode(circuit, qml.device("qgraft.simulator", wires=3))
    theirs = qml.QNode(circuit, qml.device("default.mixed", wires=3), diff_method="backprop")
    np.testing.assert_allclose(ours(*data(4)), theirs(*data(4)), atol=1e-10)
    for one, other in zip(qml.grad(ours)(*data(None)), qml.grad(theirs)(*data(None))):
        np.testing.assert_allclose(one, other, atol=1e-10)

    def probabilities(inputs, weights):
        model(inputs, weights)
        qml.AmplitudeDamping(0.1, wires=1)
        qml.BitFlip(0.05, wires=0)
        return qml.probs(wires=[1, 0])

    ours = qml.QNode(probabilities, qml.device("qgraft.simulator", wires=3))
    theirs = qml.QNode(probabilities, qml.device("default.mixed", wires=3), diff_method="backprop")
    np.testing.assert_allclose(ours(*data(4)), theirs(*data(4)), atol=1e-10)
    for one, other in zip(qml.jacobian(ours)(*data(None)), qml.jacobian(theirs)(*data(None))):
        np.testing.assert_allclose(one, other, atol=1e-10)


def test_a_device_is_that_of_a_run():
    def circuit(angle):
        qml.RY(angle, wires=0)
        qml.CNOT([0, 1])
        return qml.expval(qml.Z(0) @ qml.Z(1)), qml.probs(wires=[1, 0])

    device = qml.device("qgraft.simulator", wires=2, device="manila", noise_model="crosstalk", seed=3)
    value, probabilities = qml.QNode(circuit, device)(0.3)
    own = qgraft.Circuit(2, 2)
    own.ry(own.slot("x"), 0).cx(0, 1)
    run = qgraft.Run(own, "Z0 Z1", qgraft.Condition("manila", "crosstalk"), seed=3)
    assert value == pytest.approx(run.expect([0.3])[0], abs=1e-12)
    measured = qgraft.Run(own.copy().measure(1, 1).measure(0, 0), [], qgraft.Condition("manila", "crosstalk"), seed=3)
    # Its wire 1 comes first, which is our most significant bit.
    np.testing.assert_allclose(probabilities, measured.probabilities([0.3]), atol=1e-12)

    def value_alone(angle):
        qml.RY(angle, wires=0)
        qml.CNOT([0, 1])
        return qml.expval(qml.Z(0) @ qml.Z(1))

    slope = qml.grad(qml.QNode(value_alone, device))(pnp.array(0.3))
    assert slope == pytest.approx(run.value_and_grad([0.3])[1][0, 0], abs=1e-10)


def test_outcomes_of_a_device_have_its_readout_error():
    readout = json.loads(qgraft.Device("manila").to_json())["readout"]
    device = qml.device("qgraft.simulator", wires=3, device="manila", noise_model="aer-asym", seed=2, level=0)

    def circuit(measure):
        qml.X(0)
        qml.Identity(1)
        return measure()

    def node(measure, shots=None):
        return qml.set_shots(qml.QNode(lambda: circuit(measure), device), shots)()

    # Wire k is the device's qubit k; a gate's own error is far below the readout's.
    lost, false = (1 - node(lambda: qml.probs(wires=0))[1], node(lambda: qml.probs(wires=1))[1])
    assert lost == pytest.approx(readout["p0_given_1"][0], abs=2e-3)
    assert false == pytest.approx(readout["p1_given_0"][1], abs=2e-3)
    joint = node(qml.probs).reshape(2, 2, 2)
    assert joint[0].sum() == pytest.approx(lost, abs=1e-12) and joint[:, 1].sum() == pytest.approx(false, abs=1e-12)
    # An expectation value has it by itself: both ways agree.
    eigenbasis = node(lambda: qml.probs(op=qml.Z(0) @ qml.Z(1))).reshape(2, 2)
    signs = np.array([[1, -1], [-1, 1]])
    assert node(lambda: qml.expval(qml.Z(0) @ qml.Z(1))) == pytest.approx((signs * eigenbasis).sum(), abs=1e-10)
    shots = 20_000
    deviation = np.sqrt(lost * (1 - lost) / shots)
    for found in (
        node(lambda: qml.probs(wires=0), shots)[0],
        (1 + node(lambda: qml.expval(qml.Z(0)), shots)) / 2,
        node(lambda: qml.counts(wires=0), shots)["0"] / shots,
        1 - node(lambda: qml.sample(wires=[0]), shots).mean(),
        (1 + node(lambda: qml.expval(0.5 * qml.Z(0) + 0.5 * qml.Z(0) @ qml.I(1)), shots)) / 2,
    ):
        assert found == pytest.approx(lost, abs=5 * deviation)


def test_observables_that_differ_in_one_number_are_two():
    """Of large arrays NumPy prints the corners alone, and PennyLane's hashes are made of what is printed."""
    first = np.diag(np.linspace(-1, 1, 64))
    second = first.copy()
    second[30, 30] = 5.0
    matrix = qml.matrix(qml.QFT(wires=range(5)))
    other = matrix.copy()
    other[16:18] = other[[17, 16]]
    sparse = [qml.SparseHamiltonian(scipy.sparse.csr_matrix(m), wires=range(6)) for m in (first, second)]
    pairs = [
        [lambda m=m: qml.expval(qml.Hermitian(m, wires=range(6))) for m in (first, second)],
        [lambda m=m: qml.var(qml.Hermitian(m, wires=range(6))) for m in (first, second)],
        [lambda h=h: qml.expval(h) for h in sparse],
        [lambda m=m: qml.probs(op=qml.Hermitian(m @ first @ m.conj().T, wires=range(5)))
         for m, first in ((matrix, np.diag(np.arange(32.0))), (other, np.diag(np.arange(32.0))))],
        [lambda c=c: qml.expval(qml.dot([c, 1.0], [qml.X(0), qml.Z(1)])) for c in (0.5, 0.5 + 1e-9)],
    ]  # fmt: skip
    device = qml.device("qgraft.simulator", wires=6)
    for pair in pairs:
        for measure in pair:

            def circuit():
                for k in range(6):
                    qml.RY(0.3 + 0.2 * k, wires=k)
                return measure()

            ours, theirs = qml.QNode(circuit, device)(), qml.QNode(circuit, qml.device("default.qubit", wires=6))()
            np.testing.assert_allclose(ours, theirs, atol=1e-11)


def test_measurements_of_users_are_not_confused():
    class Share(qml.measurements.SampleMeasurement):
        def __init__(self, factor, wires):
            super().__init__(wires=wires)
            self.factor = factor

        def process_samples(self, samples, wire_order, shot_range=None, bin_size=None):
            return self.factor * samples[..., self.wires[0]].mean(axis=-1)

        def process_counts(self, counts, wire_order):
            return 0.0

    device = qml.device("qgraft.simulator", wires=1)
    for factor in (1.0, 2.0):

        @qml.set_shots(10)
        @qml.qnode(device)
        def circuit():
            qml.X(0)
            return Share(factor, wires=[0])

        assert circuit() == factor


def test_shots():
    device = qml.device("qgraft.simulator", wires=2, seed=5)

    @qml.set_shots(shots=[2000, 3000])
    @qml.qnode(device)
    def circuit(angle):
        qml.RY(angle, wires=0)
        qml.CNOT([0, 1])
        return qml.expval(qml.Z(0)), qml.expval(qml.X(0) + qml.Z(1)), qml.sample(qml.Z(1)), qml.counts(), qml.probs(wires=0)

    for part, shots in zip(circuit(0.5), (2000, 3000)):
        # Five standard deviations of a mean of ±1.
        tolerance = 5 / np.sqrt(shots)
        assert part[0] == pytest.approx(np.cos(0.5), abs=tolerance) and part[1] == pytest.approx(np.cos(0.5), abs=2 * tolerance)
        assert part[2].shape == (shots,) and sum(part[3].values()) == shots and set(part[3]) <= {"00", "11"}
        assert part[4].sum() == pytest.approx(1)


def test_measurements_inside_a_circuit_are_deferred():
    def circuit(angle):
        qml.RY(angle, wires=0)
        first = qml.measure(0, reset=True)
        qml.cond(first, qml.RX)(angle, wires=1)
        return qml.expval(qml.Z(1)), qml.expval(first)

    ours = qml.QNode(circuit, qml.device("qgraft.simulator", wires=2))(0.7)
    theirs = qml.QNode(circuit, qml.device("default.qubit", wires=3))(0.7)
    np.testing.assert_allclose(ours, theirs, atol=1e-10)


def test_labels_of_wires_and_tapes_of_one_structure():
    device = qml.device("qgraft.simulator", wires=["b", 7, "a"])
    tapes = [qml.tape.QuantumScript([qml.RX(x, "a"), qml.CNOT(["a", 7])], [qml.expval(qml.Z(7))]) for x in (0.1, 0.2, 0.3)]
    np.testing.assert_allclose(qml.execute(tapes, device), np.cos([0.1, 0.2, 0.3]), atol=1e-12)
    assert len(device._templates) == 1


def test_what_is_refused():
    with pytest.raises(ValueError):
        qml.device("qgraft.simulator", wires=2, device="nothing")
    with pytest.raises(ValueError):
        qml.device("qgraft.simulator", wires=2, noise_model="nothing")

    def circuit(angle):
        qml.RX(angle, wires=0)
        qml.BitFlip(0.1, wires=0)
        return qml.expval(qml.Z(0))

    with pytest.raises(ValueError, match="transpiling"):
        qml.QNode(circuit, qml.device("qgraft.simulator", wires=1, device="manila"))(0.1)
    with pytest.raises(ValueError, match="finite"):
        qml.QNode(circuit, qml.device("qgraft.simulator", wires=1))(np.nan)
