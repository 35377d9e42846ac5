"""Calibrated noise against Qiskit Aer's own numbers (`tests/reference` of the repository), through Python."""

import functools
import itertools
import json
from pathlib import Path

import numpy as np
import pytest
import qgraft

REFERENCE = Path(__file__).parents[2] / "tests" / "reference"
if not REFERENCE.exists():
    pytest.skip("the reference values are in the repository", allow_module_level=True)

CASES = [json.loads(path.read_text()) for path in sorted((REFERENCE / "ibm_noise" / "cases").glob("*.json"))]
RANDOM = json.loads((REFERENCE / "aer_random.json").read_text())["cases"]
OPTIONS = {"gate_error", "thermal_relaxation", "readout_error"}


def device_of(case):
    if "device" in case:
        kept = REFERENCE.parents[1] / "data" / "layer_fidelity" / f"{case['device']}.json"
        return qgraft.Device(str(kept)) if kept.exists() else qgraft.Device(case["device"])
    properties = REFERENCE / "ibm_noise" / case["snapshot"]["props"]
    name = properties.stem.removeprefix("props_")
    return qgraft.Device(str(properties)) if properties.exists() else qgraft.Device(name)


def circuit_of(case, device):
    circuit = qgraft.Circuit(device.qubits, case["expected"]["clbits"])

    def append(op, condition=None):
        name, qubits = op["name"], op.get("qubits")
        if name == "if":
            value = sum(int(bit) << k for k, bit in enumerate(op["values"]))
            for inner in op["body"]:
                append(inner, (op["clbits"], value))
        elif name == "measure":
            circuit.measure(qubits[0], op["clbits"][0], condition)
        elif name == "reset":
            circuit.reset(qubits[0], condition)
        elif name == "barrier":
            circuit.barrier(*qubits)
        elif name == "delay":
            unit = {"dt": json.loads(device.to_json())["dt_ns"] * 1e-9, "us": 1e-6, "ns": 1e-9}[op["unit"]]
            circuit.delay(op["duration"] * unit, qubits[0])
        else:
            circuit.push(name, qubits, op.get("params", []), condition=condition)

    for op in case["ops"]:
        append(op)
    return circuit


def matrix(value):
    return np.array(value["re"]) + 1j * np.array(value["im"])


def reduced(rho, qubits, kept):
    """The density matrix of `kept` alone, the first its least significant bit, from that of `qubits`."""
    n = len(qubits)
    tensor = rho.reshape((2,) * (2 * n))
    order = [n - 1 - qubits.index(qubit) for qubit in reversed(kept)]
    out = [axis for axis in range(n) if axis not in order]
    tensor = tensor.transpose([*order, *out, *(n + axis for axis in order), *(n + axis for axis in out)])
    size, rest = 1 << len(kept), 1 << len(out)
    return np.einsum("arbr->ab", tensor.reshape(size, rest, size, rest))


def run_of(case, device, model, options):
    circuit = circuit_of(case, device)
    return qgraft.Run(circuit, None, qgraft.Condition(device, model), level=None, noise_options=options)


def check(run, case, state, outcome, tolerance):
    expected = case["expected"]
    np.testing.assert_allclose(run.probabilities(), expected[outcome], atol=tolerance)
    if state in expected:
        rho = reduced(run.density(), run.qubits, case["qubits"])
        np.testing.assert_allclose(rho, matrix(expected[state]), atol=tolerance)


@pytest.mark.filterwarnings("ignore::qgraft.NoiseNotice")
@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_the_cases_of_aer(case):
    device = device_of(case)
    options = {name: case["options"][name] for name in OPTIONS}
    options["temperature_millikelvin"] = case["options"]["temperature_mK"]
    symmetric = case["mode"] == "target"
    # Aer drops terms below 1e-10; its cutoffs change the asymmetric case by less than 1e-8.
    exact = run_of(case, device, "aer" if symmetric else "aer-asym", options)
    check(exact, case, "density_matrix_exact", "probabilities_exact", 1e-12)
    compatible = run_of(case, device, "aer-compat" if symmetric else "aer-asym", options)
    check(compatible, case, "density_matrix", "probabilities", 1e-12 if symmetric else 1e-8)


@pytest.mark.filterwarnings("ignore::qgraft.NoiseNotice")
@pytest.mark.parametrize("case", RANDOM, ids=lambda case: case["id"])
def test_random_circuits_of_aer(case):
    device = device_of(case)
    # Dropped terms lose up to 4e-9 a gate, 26 operations a case.
    for model, tolerance in (("aer-compat", 1e-12), ("aer", 1e-7)):
        check(run_of(case, device, model, None), case, "density_matrix", "probabilities", tolerance)


CHANNELS = [
    (name, entry)
    for name, entries in json.loads((REFERENCE / "ibm_noise" / "channels.json").read_text())["snapshots"].items()
    for entry in entries
    if "pauli_transfer_matrix" in entry
]
PAULIS = [np.eye(2), np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]), np.diag([1, -1])]
# Angles of U gates, which no device calibrates and no noise follows, from |0> to states that span all matrices.
SPANNING = [(0, 0, 0), (np.pi, 0, np.pi), (np.pi / 2, 0, np.pi), (np.pi / 2, np.pi / 2, np.pi)]


def letters(rho, qubits):
    """Expectation values of all Pauli strings, the letter of the first qubit the fastest."""
    strings = itertools.product(PAULIS, repeat=qubits)
    return np.array([np.trace(functools.reduce(np.kron, string) @ rho).real for string in strings])


@pytest.mark.filterwarnings("ignore::qgraft.NoiseNotice")
@pytest.mark.parametrize("name, entry", CHANNELS, ids=lambda value: value if isinstance(value, str) else value["gate"])
def test_channels_of_aer(name, entry):
    device = device_of({"snapshot": {"props": f"snapshots/props_{name}.json"}})
    qubits, transfer = entry["qubits"], np.array(entry["pauli_transfer_matrix"])
    angles = [0.3] * {"rx": 1, "rzz": 1}.get(entry["gate"], 0)
    for start in itertools.product(SPANNING, repeat=len(qubits)):
        circuit = qgraft.Circuit(device.qubits)
        for qubit, state in zip(qubits, start, strict=True):
            circuit.push("u", [qubit], list(state))
        circuit.push(entry["gate"], qubits, angles)
        noisy = qgraft.Run(circuit, None, qgraft.Condition(device, "aer"), level=None)
        found = letters(reduced(noisy.density(), noisy.qubits, qubits), len(qubits))
        ideal = qgraft.Run(circuit, None, qgraft.Condition(device, "aer", scale=0), level=None)
        before = letters(reduced(ideal.density(), ideal.qubits, qubits), len(qubits))
        np.testing.assert_allclose(found, transfer @ before, atol=1e-12)
