"""Makes fidelity.json: fidelities of encoded rows, MMD^2 under them and its gradient, by PennyLane.

    python3 fidelity.py > fidelity.json        # pennylane
"""
import json
import pennylane as qml
from pennylane import numpy as np


def states(rows, qubits):
    @qml.qnode(qml.device("default.qubit", wires=qubits))
    def encoded(row):
        for start in range(0, len(row), qubits):
            if start:
                pairs = [(0, 1)] if qubits == 2 else [(q, (q + 1) % qubits) for q in range(qubits)]
                for pair in pairs:
                    qml.CZ(pair)
            gate = qml.RX if start // qubits % 2 else qml.RY
            for qubit, angle in enumerate(row[start:start + qubits]):
                gate(angle, qubit)
        return qml.state()

    return np.stack([encoded(row) for row in rows])


def kernel(a, b):
    overlaps = np.conj(a) @ b.T
    return np.real(overlaps) ** 2 + np.imag(overlaps) ** 2


def mmd(x, y, qubits):
    a, b = states(x, qubits), states(y, qubits)
    return np.mean(kernel(a, a)) + np.mean(kernel(b, b)) - 2 * np.mean(kernel(a, b))


cases = []
for seed, (qubits, width) in enumerate([(2, 3), (4, 4), (4, 10), (3, 7)]):
    draw = np.random.default_rng(seed).normal
    x, y = (np.array(draw(size=(rows, width)), requires_grad=True) for rows in (3, 2))
    gradient = qml.grad(lambda x, y: mmd(x, y, qubits), argnums=[0, 1])(x, y)
    cases.append(dict(
        qubits=qubits, x=x.tolist(), y=y.tolist(), kernel=kernel(states(x, qubits), states(y, qubits)).tolist(),
        mmd=float(mmd(x, y, qubits)), gradient=[g.tolist() for g in gradient]))
print(json.dumps(cases))
