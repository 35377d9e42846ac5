"""The gradient of a noisy circuit by PennyLane's default.mixed, all rows at once: `mixed.py QUBITS LAYERS ROWS NOISE SECONDS` prints
`median least checksum` of the faster of backpropagation through autograd and, if it is installed, through torch. One thread.

The circuit, the angles and the checksum are those of `qgraft bench grad --noise`. pip install pennylane torch
"""

import itertools
import json
import math
import sys
import time

import numpy as np
import pennylane as qml


def channels(path):
    """By gate and operands, what follows it: (maker, wires) that a circuit calls."""
    paulis = [np.eye(2), np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]), np.diag([1, -1])]

    def depolarizing(amount, count):
        """(1 - amount) ρ + amount I / 2^count."""
        each = amount / 4**count
        kraus = []
        for k, factors in enumerate(itertools.product(paulis, repeat=count)):
            matrix = factors[0]
            for factor in factors[1:]:
                matrix = np.kron(matrix, factor)
            kraus.append(math.sqrt(each if k else 1 - amount + each) * matrix.astype(complex))
        return kraus

    listed = {}
    for key, after in json.load(open(path))["channels"].items():
        name, *wires = key.split()
        wires = [int(wire) for wire in wires]
        made = []
        if after["depol"] > 0:
            kraus = depolarizing(after["depol"], len(wires))
            made.append(lambda kraus=kraus, wires=wires: qml.QubitChannel(kraus, wires=wires))
        for (t1, t2, duration), wire in zip(after["relax"], wires):
            made.append(lambda t=(t1, t2, duration), wire=wire: qml.ThermalRelaxationError(0.0, *t, wires=wire))
        listed[name, tuple(wires)] = made
    return listed


def node(qubits, layers, noise, interface):
    @qml.qnode(qml.device("default.mixed", wires=qubits), interface=interface, diff_method="backprop")
    def circuit(x, w):
        def gate(name, *wires):
            for channel in noise.get((name, wires), []):
                channel()

        for q in range(qubits):
            qml.RY(x[:, q], wires=q)
            gate("ry", q)
        for layer in range(layers):
            for q in range(qubits):
                qml.RY(w[layer * qubits + q], wires=q)
                gate("ry", q)
            for q in range(1, qubits):
                qml.CNOT(wires=[q - 1, q])
                gate("cx", q - 1, q)
        return [qml.expval(qml.PauliZ(q)) for q in range(qubits)]

    return circuit


def autograd_step(circuit, x, w):
    values = []

    def total(x, w):
        out = qml.numpy.stack(circuit(x, w))
        values.append(getattr(out, "_value", out))
        return qml.numpy.sum(out)

    x, w = qml.numpy.array(x, requires_grad=True), qml.numpy.array(w, requires_grad=True)

    def run():
        values.clear()
        dx, dw = qml.grad(total)(x, w)
        return np.asarray(values[-1]).T, dx, dw

    return run


def torch_step(circuit, x, w):
    import torch

    torch.set_num_threads(1)

    def run():
        given = [torch.tensor(part, requires_grad=True) for part in (x, w)]
        out = torch.stack(circuit(*given))
        out.sum().backward()
        return [part.detach().numpy() for part in (out.T, given[0].grad, given[1].grad)]

    return run


def checksum(parts):
    return sum(float(np.ravel(part) @ np.cos(np.arange(np.size(part)))) for part in parts)


def main():
    qubits, layers, rows = map(int, sys.argv[1:4])
    noise, budget = channels(sys.argv[4]), float(sys.argv[5])
    x = np.array([[1.5 * math.sin(0.7 * (b * qubits + i) + 0.1) for i in range(qubits)] for b in range(rows)])
    w = np.array([1.2 * math.cos(0.9 * k + 0.3) for k in range(layers * qubits)])
    best = None
    for interface, step in (("autograd", autograd_step), ("torch", torch_step)):
        try:
            run = step(node(qubits, layers, noise, interface), x, w)
        except ImportError:
            continue
        parts = run()
        seconds, begun = [], time.perf_counter()
        while not seconds or time.perf_counter() - begun < budget:
            start = time.perf_counter()
            run()
            seconds.append(time.perf_counter() - start)
        if best is None or min(seconds) < best[1]:
            best = (float(np.median(seconds)), min(seconds), checksum(parts))
    print("%e %e %.12f" % best)


main()
