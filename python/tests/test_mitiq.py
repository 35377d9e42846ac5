"""Mitiq's methods on the executor. Mitiq pins older packages: it is run in an environment of its own."""

import pytest

mitiq = pytest.importorskip("mitiq")
pytest.importorskip("qiskit")

import qgraft
from mitiq import ddd, pec, rem, zne
from qgraft.qiskit import executor
from qiskit import QuantumCircuit

CONDITION = qgraft.Condition("manila", "aer", scale=2.0)


def benchmark() -> QuantumCircuit:
    """Gates that undo themselves: |00> without noise."""
    circuit = QuantumCircuit(2)
    for _ in range(6):
        circuit.h(0)
        circuit.cx(0, 1)
        circuit.cx(0, 1)
        circuit.h(0)
    return circuit


def test_zero_noise_extrapolation():
    run = executor(CONDITION, "Z0 Z1")
    raw = run(benchmark())
    # Readout errors are no part of what folding scales: this is what is left without the error of gates.
    readout = executor(qgraft.Condition("manila", "aer", source="readout", scale=2.0), "Z0 Z1")(benchmark())
    # A line misses the curvature of an exponential decay, a parabola most of it not.
    for factory, left in ((zne.inference.LinearFactory([1, 3]), 0.5), (zne.inference.RichardsonFactory([1, 3, 5]), 0.25)):
        mitigated = zne.execute_with_zne(benchmark(), run, factory=factory, scale_noise=zne.scaling.fold_global)
        assert abs(mitigated - readout) < left * abs(raw - readout), (raw, mitigated, readout)


def test_probabilistic_error_cancellation():
    probability = 0.02
    noise = qgraft.Channel("depolarizing", probability)

    def run(circuit: QuantumCircuit) -> float:
        converted = qgraft.qiskit.from_qiskit(circuit)
        channels = [(place + 1, noise, list(op["qubits"])[:1]) for place, op in enumerate(converted.ops)]
        return float(qgraft.Run(converted, "Z0", noise=channels).expect()[0])

    circuit = QuantumCircuit(1)
    for _ in range(4):
        circuit.x(0)
    representation = pec.represent_operation_with_local_depolarizing_noise(one("x"), 0.75 * probability)
    raw = run(circuit)
    mitigated = pec.execute_with_pec(circuit, run, representations=[representation], num_samples=400, random_state=1)
    assert raw == pytest.approx((1 - probability) ** 4) and abs(mitigated - 1) < 0.5 * abs(raw - 1)


def one(name: str) -> QuantumCircuit:
    circuit = QuantumCircuit(1)
    getattr(circuit, name)(0)
    return circuit


def test_dynamical_decoupling_and_shots():
    # Inserted pulses stay in the circuit.
    pulses = []

    def run(circuit: QuantumCircuit) -> float:
        pulses.append(sum(circuit.count_ops().values()))
        return executor("manila", "Z0")(circuit)

    idle = QuantumCircuit(2)
    for _ in range(10):
        idle.x(0)
    idle.h(1)
    idle.cx(0, 1)
    ddd.execute_with_ddd(idle, run, rule=ddd.rules.xx)
    assert pulses[0] > sum(idle.count_ops().values())
    sampled = executor(qgraft.Condition("manila", shots=100), "Z0", seed=2)(benchmark())
    # The mean of 100 outcomes of ±1.
    assert abs(sampled) <= 1 and abs(sampled * 50 - round(sampled * 50)) < 1e-9
