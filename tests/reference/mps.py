"""Expectation values of wide ideal circuits from the matrix product states of quimb and of Qiskit Aer: mps.json, read by
tests/it/mps.rs. pip install quimb qiskit qiskit-aer
"""

import json
import math
import pathlib

import quimb
import quimb.tensor
from qiskit import QuantumCircuit, transpile
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer import AerSimulator
import qiskit_aer


def angle(k):
    return round(1.3 * math.sin(1.7 * k + 0.4) + 0.4, 6)


def brickwork(qubits, depth):
    ops, k = [], 0
    for layer in range(depth):
        for qubit in range(qubits):
            ops.append([["ry", "rx"][layer % 2], [qubit], [angle(k)]])
            k += 1
        for qubit in range(layer % 2, qubits - 1, 2):
            ops.append(["cz", [qubit, qubit + 1], []])
    return ops


def kicked_ising(qubits, steps, theta):
    ops = []
    for _ in range(steps):
        ops += [["rx", [qubit], [theta]] for qubit in range(qubits)]
        ops += [["rzz", [qubit, qubit + 1], [-0.5]] for qubit in range(qubits - 1)]
    return ops


def long_range(qubits):
    """Neighbours, and entanglers across the register, which need swaps."""
    ops = brickwork(qubits, 1)
    for k, (a, b) in enumerate([(0, qubits - 1), (qubits // 2, 3), (qubits - 1, 8)]):
        ops += [["cx", [a, b], []], ["rzz", [b, a], [angle(100 + k)]], ["ry", [a], [angle(200 + k)]]]
    ops += [["swap", [2, qubits - 3], []], ["cry", [7, qubits - 8], [0.9]]]
    return ops + brickwork(qubits, 1)


CASES = {
    "brickwork": (40, brickwork(40, 5), ["Z20", "X3 Y4", "Z0 Z39", "Z10 X11 Z12"]),
    "kicked Ising": (60, kicked_ising(60, 3, 0.7), ["Z30", "Z0", "X29 X30", "Y10 Z50"]),
    "long range": (50, long_range(50), ["Z0", "Z25 Z3", "X8 X49", "Z44 Y5", "Z2 Z47"]),
}


def letters(text):
    return [(word[0], int(word[1:])) for word in text.split()]


def with_quimb(qubits, ops, observables):
    names = {"swap": "SWAP", "cx": "CX", "cz": "CZ", "cry": "CRY", "ry": "RY", "rx": "RX", "rzz": "RZZ"}
    circuit = quimb.tensor.CircuitMPS(qubits, max_bond=None, cutoff=1e-14)
    for name, on, angles in ops:
        circuit.apply_gate(names[name], *angles, *on)
    state, values = circuit.psi, []
    for text in observables:
        image = state.copy()
        # Gates move no qubits in quimb: site k is qubit k.
        for letter, qubit in letters(text):
            image.gate_(quimb.pauli(letter), qubit, contract=True)
        values.append(float(quimb.tensor.expec_TN_1D(state.H, image, compress=False).real))
    return values


def with_aer(qubits, ops, observables):
    circuit = QuantumCircuit(qubits)
    for name, on, angles in ops:
        getattr(circuit, name)(*angles, *on)
    for k, text in enumerate(observables):
        on = letters(text)
        term = ("".join(letter for letter, _ in on), [qubit for _, qubit in on], 1.0)
        operator = SparsePauliOp.from_sparse_list([term], qubits)
        circuit.save_expectation_value(operator, range(qubits), label=f"o{k}")
    backend = AerSimulator(method="matrix_product_state", matrix_product_state_truncation_threshold=1e-16)
    data = backend.run(transpile(circuit, backend, optimization_level=0), shots=1).result().data()
    return [float(data[f"o{k}"]) for k in range(len(observables))]


if __name__ == "__main__":
    cases = []
    for name, (qubits, ops, observables) in CASES.items():
        print(name, flush=True)
        ours, theirs = with_quimb(qubits, ops, observables), with_aer(qubits, ops, observables)
        assert max(abs(a - b) for a, b in zip(ours, theirs)) < 1e-7, (name, ours, theirs)
        cases.append({"name": name, "qubits": qubits, "ops": ops, "observables": observables, "quimb": ours, "aer": theirs})
    versions = {"quimb": quimb.__version__, "qiskit-aer": qiskit_aer.__version__}
    text = json.dumps({"versions": versions, "cases": cases}, separators=(",", ":"))
    pathlib.Path(__file__).with_suffix(".json").write_text(text.replace('{"name"', '\n{"name"') + "\n")
