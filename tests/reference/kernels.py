"""Reference values for tests/it/kernels.rs: kernel matrix, target alignment and its gradient by PennyLane's qml.kernels.

Run with pennylane 0.45.1: python tests/reference/kernels.py > tests/reference/kernels.json
The embedding is the ansatz `reuploading` on 2 qubits with 2 layers and scales 1: per layer RY(x) and RX RY RX on each qubit, then
CNOT(0, 1). Weights are counted layer by layer, qubit by qubit.
"""
import json

import pennylane as qml
from pennylane import numpy as np

rng = np.random.default_rng(3)
device = qml.device("default.qubit", wires=2)


def embed(x, w):
    for layer in range(2):
        for qubit in range(2):
            qml.RY(x[qubit], wires=qubit)
        for qubit in range(2):
            for k, gate in enumerate((qml.RX, qml.RY, qml.RX)):
                gate(w[layer, qubit, k], wires=qubit)
        qml.CNOT(wires=[0, 1])


@qml.qnode(device)
def pair(x, y, w):
    embed(x, w)
    qml.adjoint(embed)(y, w)
    return qml.probs(wires=[0, 1])


X = np.array(rng.uniform(-1.5, 1.5, (6, 2)), requires_grad=False)
Y = np.array([1, -1, 1, 1, -1, 1], requires_grad=False)
W = np.array(rng.uniform(-np.pi, np.pi, (2, 2, 3)), requires_grad=True)


def alignment(w):
    return qml.kernels.target_alignment(X, Y, lambda a, b: pair(a, b, w)[0], assume_normalized_kernel=True,
                                        rescale_class_labels=True)


kernel = qml.kernels.square_kernel_matrix(X, lambda a, b: pair(a, b, W)[0], assume_normalized_kernel=True)
print(json.dumps({
    "features": X.tolist(), "labels": [int(y < 0) for y in Y], "weights": W.ravel().tolist(),
    "kernel": np.array(kernel).tolist(), "alignment": float(alignment(W)),
    "gradient": np.array(qml.grad(alignment)(W)).ravel().tolist(),
}))
