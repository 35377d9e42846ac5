"""Reference values for tests/it/ansatze.rs: encodings, ansätze and entanglements of Qiskit.

Run with qiskit 2.6.2: python tests/reference/ansatze.py > tests/reference/ansatze.json
States are [re, im] pairs, qubit k is bit k of an index. Features and weights are those that the circuits are bound to.
"""
import json

import numpy as np
from qiskit import QuantumCircuit
from qiskit.circuit.library import (StatePreparation, efficient_su2, n_local, pauli_feature_map, real_amplitudes, z_feature_map,
                                    zz_feature_map)
from qiskit.quantum_info import Statevector

rng = np.random.default_rng(11)
DEPTH = 3


def state(circuit):
    return [[float(z.real), float(z.imag)] for z in Statevector(circuit).data]


def pairs_of(qubits, depth, entanglement):
    """Pairs of each layer of Qiskit's n_local."""
    circuit = n_local(qubits, [], "cx", entanglement, reps=depth, insert_barriers=True)
    layers = [[]]
    for step in circuit.decompose():
        if step.operation.name == "barrier":
            layers.append([])
        else:
            layers[-1].append([circuit.find_bit(q).index for q in step.qubits])
    return [layer for layer in layers if layer]


def angles(qubits, features):
    circuit = QuantumCircuit(qubits)
    for qubit, x in enumerate(features):
        circuit.ry(x, qubit)
    return circuit


def iqp(qubits):
    # RZ(x) and RZZ(x y), as PennyLane's IQPEmbedding: a Pauli map with alpha 1 and products as angles.
    return pauli_feature_map(qubits, reps=1, paulis=["Z", "ZZ"], alpha=1.0,
                             data_map_func=lambda x: x[0] if len(x) == 1 else x[0] * x[1])


FEATURE_MAPS = {
    "z_feature_map": lambda n: z_feature_map(n),
    "zz_feature_map": lambda n: zz_feature_map(n),
    "pauli_feature_map": lambda n: pauli_feature_map(n, paulis=["Z", "YY"]),
    "iqp": iqp,
}
ANSATZE = {
    "real_amplitudes": (None, lambda n, e: real_amplitudes(n, e or "reverse_linear", reps=DEPTH)),
    "efficient_su2": (None, lambda n, e: efficient_su2(n, entanglement=e or "reverse_linear", reps=DEPTH)),
    "two_local": (None, lambda n, e: n_local(n, "ry", "cz", e or "full", reps=DEPTH)),
    "zz_feature_map": ("zz_feature_map", lambda n, e: real_amplitudes(n, e or "reverse_linear", reps=DEPTH)),
    "pauli_feature_map": ("pauli_feature_map", lambda n, e: efficient_su2(n, entanglement=e or "reverse_linear", reps=DEPTH)),
    "iqp": ("iqp", lambda n, e: real_amplitudes(n, e or "reverse_linear", reps=DEPTH)),
}
PATTERNS = ["linear", "reverse_linear", "circular", "full", "sca", "pairwise"]

encodings = []
for name, build in FEATURE_MAPS.items():
    for qubits in (1, 2, 3):
        if qubits == 1 and name in ("pauli_feature_map", "iqp", "zz_feature_map"):
            continue
        x = rng.uniform(-np.pi / 2, np.pi / 2, qubits)
        encodings.append({"name": name, "features": x.tolist(), "state": state(build(qubits).assign_parameters(x))})

amplitudes = []
for qubits in (1, 2, 3):
    x = rng.normal(size=2**qubits)
    circuit = QuantumCircuit(qubits)
    circuit.append(StatePreparation(x / np.linalg.norm(x)), range(qubits))
    amplitudes.append({"features": x.tolist(), "state": state(circuit)})

# x on the first qubits and 1 on the last alone, as PennyLane's AmplitudeEmbedding([*x, 1], pad_with=0, normalize=True).
ancilla = []
for qubits, x in [(1, [0.3]), (2, [0.5, -1.5]), (2, [1.0, -3.0]), (2, [-0.5, 1.5]), (3, [0.25, 0.0, -2.0, 0.75])]:
    padded = np.array([*x, 1.0] + [0.0] * (2**qubits - len(x) - 1))
    circuit = QuantumCircuit(qubits)
    circuit.append(StatePreparation(padded / np.linalg.norm(padded)), range(qubits))
    ancilla.append({"features": x, "state": state(circuit)})

ansatze = []
for name, (encoding, build) in ANSATZE.items():
    for qubits, entanglement in [(2, None), (3, None)] + [(3, e) for e in PATTERNS]:
        if encoding and entanglement:
            continue
        x = rng.uniform(-np.pi / 2, np.pi / 2, qubits)
        layers = build(qubits, entanglement)
        w = rng.uniform(-np.pi, np.pi, layers.num_parameters)
        front = FEATURE_MAPS[encoding](qubits).assign_parameters(x) if encoding else angles(qubits, x)
        bound = layers.assign_parameters(dict(zip(list(layers.parameters), w)))
        ansatze.append({"name": name, "entanglement": entanglement, "depth": DEPTH, "features": x.tolist(), "weights": w.tolist(),
                        "state": state(front.compose(bound))})

# Re-uploading with scales 1: RY(x), then RX RY RX of each qubit and a ring of CNOT, in every layer.
for qubits in (2, 3):
    x, w = rng.uniform(-np.pi / 2, np.pi / 2, qubits), rng.uniform(-np.pi, np.pi, (DEPTH, qubits, 3))
    circuit = QuantumCircuit(qubits)
    for layer in w:
        for qubit in range(qubits):
            circuit.ry(x[qubit], qubit)
        for qubit in range(qubits):
            circuit.rx(layer[qubit, 0], qubit)
            circuit.ry(layer[qubit, 1], qubit)
            circuit.rx(layer[qubit, 2], qubit)
        for qubit in range(qubits if qubits > 2 else 1):
            circuit.cx(qubit, (qubit + 1) % qubits)
    ansatze.append({"name": "reuploading", "entanglement": None, "depth": DEPTH, "features": x.tolist(),
                    "weights": w.ravel().tolist(), "state": state(circuit)})

entanglements = [{"name": name, "qubits": qubits, "layers": pairs_of(qubits, 7, name)}
                 for name in PATTERNS for qubits in (2, 3, 4, 5)]
print(json.dumps({"encodings": encodings, "amplitudes": amplitudes, "ancilla": ancilla, "ansatze": ansatze, "entanglements": entanglements}))
