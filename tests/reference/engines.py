"""Reference values for tests/it/peers.rs from Qiskit (states, densities) and PennyLane (gradients through noise).

Run with qiskit 2.6.2 and pennylane 0.45: python tests/reference/engines.py > tests/reference/engines.json
An operation is [gate, qubits, angles]; an angle is a number or {"slot": k}; a channel is ["kraus", qubits, operators].
Complex numbers are [re, im]. Qubit k is bit k of an index.
"""
import json
import numpy as np
import pennylane as qml
from pennylane import numpy as pnp
from qiskit import QuantumCircuit
from qiskit.circuit.library import get_standard_gate_name_mapping
from qiskit.quantum_info import DensityMatrix, Kraus, SparsePauliOp, Statevector

rng = np.random.default_rng(2026)
QUBITS = 5
# Qiskit's names of our gates, where they differ.
NAMES = {"c3x": "mcx", "c4x": "mcx", "c3sqrtx": "c3sx", "sxdg": "sxdg"}
GATES = {  # name: (qubits, angles)
    "id": (1, 0), "x": (1, 0), "y": (1, 0), "z": (1, 0), "h": (1, 0), "s": (1, 0), "sdg": (1, 0), "t": (1, 0), "tdg": (1, 0),
    "sx": (1, 0), "sxdg": (1, 0), "rx": (1, 1), "ry": (1, 1), "rz": (1, 1), "p": (1, 1), "r": (1, 2), "u": (1, 3),
    "cx": (2, 0), "cy": (2, 0), "cz": (2, 0), "ch": (2, 0), "csx": (2, 0), "cp": (2, 1), "crx": (2, 1), "cry": (2, 1),
    "crz": (2, 1), "cu": (2, 4), "swap": (2, 0), "iswap": (2, 0), "dcx": (2, 0), "ecr": (2, 0), "rxx": (2, 1), "ryy": (2, 1),
    "rzz": (2, 1), "rzx": (2, 1), "ccx": (3, 0), "ccz": (3, 0), "cswap": (3, 0), "rccx": (3, 0), "c3x": (4, 0), "c4x": (5, 0),
}
OBSERVABLES = ["Z0", "X1 Z3", "0.5 Y0 Y2 - 1.5 X4 + 0.25 Z1 Z2 Z3 Z4"]


def pairs(a):
    return [[z.real, z.imag] for z in np.asarray(a).ravel()]


def apply(circuit, name, qubits, angles):
    if name in ("c3x", "c4x"):
        circuit.mcx(qubits[:-1], qubits[-1])
    elif name in ("rccx", "dcx", "ecr", "iswap", "ccz", "csx", "cu", "r", "u"):
        getattr(circuit, name)(*angles, *qubits)
    else:
        getattr(circuit, NAMES.get(name, name))(*angles, *qubits)


def sparse(text, qubits):
    terms, sign, weight, letters = [], 1.0, 1.0, {}
    for word in (text + " +").split():
        if word in "+-":
            terms.append(("".join(letters.get(q, "I") for q in reversed(range(qubits))), sign * weight))
            sign, weight, letters = (-1.0 if word == "-" else 1.0), 1.0, {}
        elif word[0] in "XYZ":
            letters[int(word[1:])] = word[0]
        else:
            weight = float(word)
    return SparsePauliOp.from_list(terms)


def random_ops(count):
    names = list(GATES)
    order = list(rng.permutation(names)) + list(rng.choice(names, count))
    ops = [["h", [q], []] for q in range(QUBITS)]
    for name in order:
        qubits, angles = GATES[name]
        ops.append([str(name), [int(q) for q in rng.permutation(QUBITS)[:qubits]], [float(a) for a in rng.normal(size=angles)]])
    return ops


def random_kraus(qubits, count):
    size = 2**qubits
    g = rng.normal(size=(count * size, size)) + 1j * rng.normal(size=(count * size, size))
    q, _ = np.linalg.qr(g)
    return [q[k * size:(k + 1) * size] for k in range(count)]


def ideal():
    ops = random_ops(20)
    circuit = QuantumCircuit(QUBITS)
    for name, qubits, angles in ops:
        apply(circuit, name, qubits, angles)
    state = Statevector(circuit)
    expect = [float(state.expectation_value(sparse(o, QUBITS)).real) for o in OBSERVABLES]
    return {"qubits": QUBITS, "ops": ops, "state": pairs(state.data), "observables": OBSERVABLES, "expect": expect}


def noisy():
    ops, rho, qubits = [], DensityMatrix.from_label("000"), 3
    for name, operands, angles in random_ops(0):
        if max(operands) >= qubits:
            continue
        circuit = QuantumCircuit(qubits)
        apply(circuit, name, operands, angles)
        rho = rho.evolve(circuit)
        ops.append([name, operands, angles])
        count = int(rng.integers(1, 3))
        operands, kraus = [int(q) for q in rng.permutation(qubits)[:count]], random_kraus(count, 3)
        rho = rho.evolve(Kraus(kraus), operands)
        ops.append(["kraus", operands, [pairs(k) for k in kraus]])
    return {"qubits": qubits, "ops": ops, "density": pairs(rho.data), "probabilities": [float(p) for p in rho.probabilities()]}


def gradient():
    """Expectation values and their Jacobian by backpropagation through PennyLane's mixed-state simulator."""
    qubits, layers = 3, 2
    device = qml.device("default.mixed", wires=qubits)
    kraus = random_kraus(1, 2)
    ops, slot = [], 0
    for layer in range(layers + 1):
        for q in range(qubits):
            ops.append([["ry", "rx", "rz"][(layer + q) % 3], [q], [{"slot": slot}]])
            ops.append(["kraus", [q], [pairs(k) for k in kraus]])
            slot += 1
        if layer < layers:
            ops += [["cx", [0, 1], []], ["crx", [1, 2], [{"slot": slot}]], ["rxx", [2, 0], [{"slot": slot + 1}]]]
            slot += 2
    kinds = {"rx": qml.RX, "ry": qml.RY, "rz": qml.RZ, "cx": qml.CNOT, "crx": qml.CRX, "rxx": qml.IsingXX}

    @qml.qnode(device, diff_method="backprop")
    def circuit(angles):
        for name, operands, params in ops:
            if name == "kraus":
                qml.QubitChannel(kraus, wires=operands)
            else:
                kinds[name](*[angles[p["slot"]] for p in params], wires=operands)
        return [qml.expval(qml.PauliZ(0)), qml.expval(qml.PauliX(1) @ qml.PauliY(2)), qml.expval(qml.PauliZ(1) @ qml.PauliZ(2))]

    angles = pnp.array(rng.normal(size=slot), requires_grad=True)
    stacked = lambda a: pnp.stack(circuit(a))
    jacobian = qml.jacobian(stacked)(angles)
    return {"qubits": qubits, "ops": ops, "angles": [float(a) for a in angles], "observables": ["Z0", "X1 Y2", "Z1 Z2"],
            "expect": [float(v) for v in stacked(angles)], "jacobian": [[float(v) for v in row] for row in jacobian]}


print(json.dumps({"ideal": [ideal() for _ in range(3)], "noisy": [noisy() for _ in range(3)], "gradient": [gradient() for _ in range(2)]}))
