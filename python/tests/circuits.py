"""A circuit that several files use."""

import qgraft


def layered(qubits: int, layers: int) -> qgraft.Circuit:
    """Input slots on RY, then layers of CX and trained RY: slots x0 to x(n-1), then the weights."""
    circuit = qgraft.Circuit(qubits)
    inputs = [circuit.slot(f"x{k}") for k in range(qubits)]
    for k in range(qubits):
        circuit.h(k).ry(inputs[k], k)
    for layer in range(layers):
        for first in (0, 1):
            for k in range(first, qubits - 1, 2):
                circuit.cx(k, k + 1)
        for k in range(qubits):
            circuit.ry(circuit.slot(f"w{layer}_{k}"), k)
    return circuit
