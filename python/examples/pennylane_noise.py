"""A PennyLane model under the noise of a device: one argument.

    python examples/pennylane_noise.py"""

import pennylane as qml
from pennylane import numpy as np


def model(angles):
    for wire in range(3):
        qml.RY(angles[wire], wires=wire)
    qml.CNOT([0, 1])
    qml.CNOT([1, 2])
    return qml.expval(qml.Z(0) @ qml.Z(2))


angles = np.array([0.4, 0.5, 0.6], requires_grad=True)
for options in ({}, {"device": "torino"}, {"device": "torino", "noise_model": "crosstalk"}):
    node = qml.QNode(model, qml.device("qgraft.simulator", wires=3, **options))
    print(options or "ideal", float(node(angles)), qml.grad(node)(angles).round(4))
