"""Qiskit's circuits, primitives and backends against Qiskit's own state vectors."""

import json

import numpy as np
import pytest

pytest.importorskip("qiskit")

import qgraft
from qgraft._native import gate_table
from qgraft.qiskit import Backend, Converted, EstimatorV2, SamplerV2, device_of, executor, from_qiskit, to_qiskit
from qiskit import QuantumCircuit, QuantumRegister, ClassicalRegister, transpile
from qiskit.circuit import CircuitInstruction, Parameter
from qiskit.circuit.classical import expr
from qiskit.circuit.library import (
    C3SXGate, MCPhaseGate, PhaseGate, QFTGate, RYGate, UnitaryGate, XXPlusYYGate, quantum_volume, real_amplitudes, zz_feature_map,
)  # fmt: skip
from qiskit.primitives import StatevectorEstimator, StatevectorSampler
from qiskit.quantum_info import DensityMatrix, Operator, SparsePauliOp, random_unitary


def unitary(circuit: qgraft.Circuit) -> np.ndarray:
    columns = []
    for index in range(1 << circuit.qubits):
        prepared = qgraft.Circuit(circuit.qubits)
        for qubit in range(circuit.qubits):
            prepared.id(qubit)
            if index >> qubit & 1:
                prepared.x(qubit)
        columns.append(qgraft.Run(prepared.extend(circuit)).state())
    return np.stack(columns, axis=1)


def test_every_gate_goes_to_qiskit_and_back():
    for name, qubits, angles, _ in gate_table():
        ours = getattr(qgraft.Circuit(qubits), name)(*[0.3, 0.5, 0.7, 0.9][: len(angles)], *range(qubits))
        theirs = to_qiskit(ours)
        np.testing.assert_allclose(Operator(theirs).data, unitary(ours), atol=1e-10, err_msg=name)
        np.testing.assert_allclose(unitary(from_qiskit(theirs)), unitary(ours), atol=1e-10, err_msg=name)


@pytest.mark.parametrize(
    "gate",
    [
        RYGate(0.3).control(3, ctrl_state=5), PhaseGate(0.4).control(2), C3SXGate(), MCPhaseGate(0.2, 3), QFTGate(3),
        XXPlusYYGate(0.3, 0.4), UnitaryGate(random_unitary(8, seed=1)), UnitaryGate(random_unitary(4, seed=2)).control(1),
        RYGate(0.3).to_mutable().inverse(), QuantumCircuit(2, global_phase=0.7).to_gate().control(1),
    ],
    ids=lambda gate: gate.name,
)  # fmt: skip
def test_gates_under_controls_and_by_definition(gate):
    circuit = QuantumCircuit(gate.num_qubits, global_phase=0.2)
    circuit.append(gate, range(gate.num_qubits))
    ours, theirs = unitary(from_qiskit(circuit)), Operator(circuit).data
    np.testing.assert_allclose(ours, theirs, atol=1e-9)


def test_expectation_values_of_expressions_of_parameters():
    circuit = zz_feature_map(3, 2).compose(real_amplitudes(3, reps=2))
    values = np.random.default_rng(0).normal(size=(4, circuit.num_parameters))
    observables = [[SparsePauliOp(["ZZI", "IXY"], [0.5, -0.2])], ["IIZ"], ["YII"]]
    ours = EstimatorV2().run([(circuit, observables, values)]).result()[0]
    theirs = StatevectorEstimator().run([(circuit, observables, values)]).result()[0]
    assert ours.data.evs.shape == theirs.data.evs.shape == (3, 4)
    np.testing.assert_allclose(ours.data.evs, theirs.data.evs, atol=1e-10)


def test_gradients_go_back_through_expressions():
    circuit = zz_feature_map(2, 1).compose(real_amplitudes(2, reps=1))
    converted = Converted(circuit)
    run = qgraft.Run(converted.circuit, "Z0 X1")
    values = np.random.default_rng(1).normal(size=(2, circuit.num_parameters))
    gradient = run.value_and_grad(converted.slots.angles(values))[1]
    slopes = converted.slots.pull(gradient, values)
    for k in range(circuit.num_parameters):
        shift = np.eye(circuit.num_parameters)[k] * 1e-5
        up, down = (run.expect(converted.slots.angles(values + sign * shift)) for sign in (1, -1))
        np.testing.assert_allclose(slopes[..., k], (up - down) / 2e-5, atol=1e-8)


def test_a_circuit_that_was_changed_is_read_again():
    gate = QuantumCircuit(1, name="own")
    gate.ry(0.3, 0)
    circuit = QuantumCircuit(2, 1)
    circuit.append(RYGate(0.3), [0])
    circuit.cx(0, 1)
    circuit.measure(1, 0)
    estimator, sampler = EstimatorV2(), SamplerV2(seed=1)

    def value():
        bare = circuit.remove_final_measurements(inplace=False)
        found = estimator.run([(circuit, "ZI")]).result()[0].data.evs
        assert found == pytest.approx(StatevectorEstimator().run([(bare, "ZI")]).result()[0].data.evs, abs=1e-12)
        counts = sampler.run([circuit], shots=2000).result()[0].data.c.get_counts()
        assert counts.get("0", 0) / 2000 == pytest.approx((1 + found) / 2, abs=5 * 0.5 / np.sqrt(2000))
        return found

    seen = [value()]
    # As many operations as before: another angle, one that Qiskit's own comparison takes for equal, another gate.
    for changed in (RYGate(1.2), RYGate(1.2 + 1e-8), RYGate(1.2).inverse().to_mutable(), UnitaryGate(np.eye(2)[::-1])):
        circuit.data[0] = CircuitInstruction(changed, circuit.data[0].qubits)
        seen.append(value())
    circuit.data[0] = CircuitInstruction(gate.to_gate(), circuit.data[0].qubits)
    seen.append(value())
    circuit.data[0].operation.definition.x(0)
    assert seen[1] != seen[2] and len({round(float(v), 3) for v in seen}) == 3
    # A job runs the circuit as it was when it was given.
    job = estimator.run([(circuit, "ZI")] * 20)
    circuit.x(1)
    values = [result.data.evs for result in job.result()]
    assert len(set(map(float, values))) == 1


def test_a_backend_has_the_device_it_was_given():
    text = json.loads(qgraft.Device("manila").to_json())
    text["readout"]["error"][0] = 0.25
    device = qgraft.Device.from_json(json.dumps(text))
    condition = qgraft.Condition(device, "crosstalk")
    assert condition.device == device and qgraft.Condition("manila").device == "manila" and qgraft.Condition().device is None
    for given in (device, condition):
        assert Backend(given).target["measure"][(0,)].error == 0.25


@pytest.mark.parametrize("method", ["initialize", "prepare_state"])
def test_states_from_amplitudes(method):
    rng = np.random.default_rng(6)
    amplitudes = rng.normal(size=8) + 1j * rng.normal(size=8)
    amplitudes /= np.linalg.norm(amplitudes)
    for state in (amplitudes, "10+", 5, [0, 0, 0, 0, 0, 0, 0.6, 0.8]):
        circuit = QuantumCircuit(4)
        getattr(circuit, method)(state, [2, 0, 3])
        circuit.cx(0, 1)
        ours = qgraft.Run(from_qiskit(circuit)).density()
        expected = np.asarray(DensityMatrix(circuit))
        np.testing.assert_allclose(ours, expected, atol=1e-10)
    again = QuantumCircuit(1)
    again.x(0)
    again.initialize([1, 0], [0])
    np.testing.assert_allclose(qgraft.Run(from_qiskit(again)).density(), [[1, 0], [0, 0]], atol=1e-12)
    # What is prepared first leaves gradients.
    trained = QuantumCircuit(2)
    trained.initialize([0.6, 0, 0, 0.8j])
    trained.ry(Parameter("a"), 0)
    values, slopes = qgraft.Run(from_qiskit(trained), "Z0").value_and_grad([0.3])
    assert values[0] == pytest.approx((0.36 - 0.64) * np.cos(0.3)) and slopes[0, 0] == pytest.approx(0.28 * np.sin(0.3))


def test_branches_loops_and_registers():
    first, second = ClassicalRegister(2, "first"), ClassicalRegister(1, "second")
    circuit = QuantumCircuit(QuantumRegister(4), first, second)
    circuit.h([0, 1])
    circuit.measure([0, 1], first)
    with circuit.if_test((first, 3)) as otherwise:
        circuit.x(2)
    with otherwise:
        circuit.x(3)
    with circuit.for_loop(range(3)):
        circuit.x(3)
    with circuit.switch(first) as case:
        with case(0, 1):
            circuit.z(2)
        with case(case.DEFAULT):
            circuit.y(2)
    with circuit.if_test(expr.logic_and(first[0], expr.logic_not(first[1]))):
        circuit.x(2)
    circuit.measure(2, second[0])
    counts = SamplerV2(seed=1).run([circuit], shots=4000).result()[0].data
    # 00 leaves qubit 2; 01 (first bit set) flips it by the last branch; 10 and 11 by y, and 11 by x as well.
    joined = dict(zip(["0", "1"], np.bincount([int(s) for s in counts.second.get_bitstrings()], minlength=2)))
    both = {(a, b) for a, b in zip(counts.first.get_bitstrings(), counts.second.get_bitstrings())}
    assert both == {("00", "0"), ("01", "1"), ("10", "1"), ("11", "0")} and sum(joined.values()) == 4000


def test_samples_are_those_of_qiskit():
    circuit = QuantumCircuit(3, 3)
    circuit.ry(Parameter("a"), 0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [2, 0])
    ours = SamplerV2(seed=2).run([(circuit, [0.5, 1.0])], shots=4000).result()[0].data.c
    theirs = StatevectorSampler(seed=2).run([(circuit, [[0.5], [1.0]])], shots=4000).result()[0].data.c
    assert ours.shape == (2,) if theirs.shape == (2,) else True
    for row in range(2):
        a, b = ours.get_counts(row), theirs.get_counts(row)
        assert set(a) == set(b) and abs(a["000"] - b["000"]) < 5 * np.sqrt(2 * 4000 * 0.25)


def test_what_cannot_be_run_is_named():
    circuit = QuantumCircuit(1, 1)
    with circuit.while_loop((circuit.clbits[0], 0)):
        circuit.h(0)
        circuit.measure(0, 0)
    with pytest.raises(qgraft.QgraftError, match="while_loop"):
        from_qiskit(circuit)
    other = QuantumCircuit(1, 1)
    other.h(0)
    with other.if_test((other.clbits[0], 1)):
        other.measure(0, 0)
    with pytest.raises(qgraft.QgraftError, match="another bit"):
        from_qiskit(other)


@pytest.mark.parametrize("name", ["FakeTorino", "FakeManilaV2"])
def test_backends_of_ibm(name):
    provider = pytest.importorskip("qiskit_ibm_runtime.fake_provider")
    backend = getattr(provider, name)()
    device = device_of(backend)
    assert device.qubits == backend.num_qubits
    t1 = [backend.target.qubit_properties[k].t1 for k in range(device.qubits)]
    np.testing.assert_allclose(device.qubit_table()["t1"], t1, rtol=1e-9)
    circuit = QuantumCircuit(2)
    circuit.h(0)
    circuit.cx(0, 1)
    value = EstimatorV2.from_backend(backend).run([(circuit, "ZZ")]).result()[0].data.evs
    assert 0.8 < value < 1


def test_a_transpiled_circuit_runs_where_it_was_put():
    backend = Backend("manila")
    circuit = QuantumCircuit(2, 2)
    circuit.h(0)
    circuit.cx(0, 1)
    circuit.measure([0, 1], [0, 1])
    placed = transpile(circuit, backend, initial_layout=[3, 4], seed_transpiler=1)
    result = backend.run(placed, shots=2000, seed_simulator=3, memory=True).result()
    counts = result.get_counts()
    assert sum(counts.values()) == 2000 == len(result.get_memory()) and counts["00"] + counts["11"] > 1700
    assert set(Backend().run(circuit).result().get_counts()) == {"00", "11"}


def test_an_executor_for_mitiq():
    folded = []
    for pairs in range(3):
        circuit = QuantumCircuit(2)
        for _ in range(2 * pairs):
            circuit.cx(0, 1)
        assert executor()(circuit) == pytest.approx(1.0) == executor(observable="ZI")(circuit)
        folded.append(executor("manila")(circuit))
    # Folded gates stay in the circuit, and each pair costs.
    assert folded[0] > folded[1] > folded[2]


def test_exact_gradients_of_a_network():
    networks = pytest.importorskip("qiskit_machine_learning.neural_networks")
    from qgraft.qiskit.gradients import EstimatorGradient

    features, ansatz = zz_feature_map(2, 1), real_amplitudes(2, reps=1)
    observables = [SparsePauliOp("ZI"), SparsePauliOp("XX")]

    def network(**options):
        return networks.EstimatorQNN(
            circuit=features.compose(ansatz), observables=observables, input_params=list(features.parameters),
            weight_params=list(ansatz.parameters), input_gradients=True, default_precision=0.0, **options,
        )  # fmt: skip

    rng = np.random.default_rng(3)
    rows, weights = rng.normal(size=(3, 2)), rng.normal(size=4)
    ours = network(estimator=EstimatorV2(), gradient=EstimatorGradient())
    theirs = network(estimator=StatevectorEstimator())
    np.testing.assert_allclose(ours.forward(rows, weights), theirs.forward(rows, weights), atol=1e-10)
    for one, other in zip(ours.backward(rows, weights), theirs.backward(rows, weights)):
        np.testing.assert_allclose(one, other, atol=1e-8)
