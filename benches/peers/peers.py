"""Other simulators with a Python interface, on a circuit of benches/circuits: `peers.py TOOL FILE SECONDS` prints
`median least checksum`. One thread (OMP_NUM_THREADS=1). Tools: lightning, qulacs, qsim (single precision).

What can be prepared once (parsing, fusion) is not timed. pip install pennylane-lightning qulacs qsimcirq numpy
"""

import cmath
import math
import re
import sys
import time

import numpy as np


def parse(path):
    """The gates (name, angles, qubits) of a file of ours and its number of qubits."""
    gates = []
    for line in open(path):
        match = re.match(r"(\w+)(?:\(([^)]*)\))?\s+(.*);", line.strip())
        if match and match[1] not in ("OPENQASM", "include", "qreg"):
            angles = [eval(angle, {"pi": math.pi}) for angle in match[2].split(",")] if match[2] else []
            gates.append((match[1], angles, [int(q) for q in re.findall(r"\[(\d+)\]", match[3])]))
    return gates, max(q for _, _, qubits in gates for q in qubits) + 1


def matrix(name, angles):
    if name == "h":
        return np.array([[1, 1], [1, -1]]) / math.sqrt(2)
    if name == "rz":
        return np.diag([cmath.exp(-0.5j * angles[0]), cmath.exp(0.5j * angles[0])])
    theta, phi, lam = {"ry": lambda t: (t, 0.0, 0.0)}.get(name, lambda *a: a)(*angles)
    cos, sin = math.cos(theta / 2), math.sin(theta / 2)
    return np.array(
        [[cos, -cmath.exp(1j * lam) * sin], [cmath.exp(1j * phi) * sin, cmath.exp(1j * (phi + lam)) * cos]]
    )


def qulacs(gates, n, blocks):
    from qulacs import QuantumCircuit, QuantumState, gate as kinds
    from qulacs.circuit import QuantumCircuitOptimizer

    circuit = QuantumCircuit(n)
    for name, angles, qubits in gates:
        if name == "cx":
            circuit.add_CNOT_gate(*qubits)
        elif name == "swap":
            circuit.add_SWAP_gate(*qubits)
        elif name in ("cp", "cu1"):
            phase = kinds.DenseMatrix([qubits[0]], np.diag([1, cmath.exp(1j * angles[0])]))
            phase.add_control_qubit(qubits[1], 1)
            circuit.add_gate(phase)
        else:
            circuit.add_dense_matrix_gate(qubits[0], matrix(name, angles))
    if blocks:
        QuantumCircuitOptimizer().optimize(circuit, blocks)
    state = QuantumState(n)

    def run():
        state.set_zero_state()
        circuit.update_quantum_state(state)

    return run, state.get_vector


def lightning(gates, n):
    from pennylane_lightning.lightning_qubit_ops import StateVectorC128

    state = StateVectorC128(n)
    names = {"h": "Hadamard", "rz": "RZ", "ry": "RY", "cx": "CNOT", "swap": "SWAP"}
    names |= {"cp": "ControlledPhaseShift", "cu1": "ControlledPhaseShift"}
    calls = []
    for name, angles, qubits in gates:
        wires = [n - 1 - q for q in qubits]
        if name in names:
            calls.append((getattr(state, names[name]), wires, angles))
        else:
            theta, phi, lam = angles
            calls.append((state.Rot, wires, [lam, theta, phi]))

    def run():
        state.resetStateVector()
        for call, wires, angles in calls:
            call(wires, False, angles)

    def vector():
        amplitudes = np.zeros(1 << n, dtype=complex)
        state.getState(amplitudes)
        return amplitudes

    return run, vector


def qsim(gates, n):
    import cirq
    import qsimcirq

    line = cirq.LineQubit.range(n)[::-1]
    circuit = cirq.Circuit()
    for name, angles, qubits in gates:
        on = [line[q] for q in qubits]
        if name == "cx":
            circuit.append(cirq.CNOT(*on))
        elif name == "swap":
            circuit.append(cirq.SWAP(*on))
        elif name in ("cp", "cu1"):
            circuit.append(cirq.CZ(*on) ** (angles[0] / math.pi))
        else:
            circuit.append(cirq.MatrixGate(matrix(name, angles))(*on))
    best = 4 if n > 12 else 2
    simulator = qsimcirq.QSimSimulator(qsimcirq.QSimOptions(max_fused_gate_size=best, cpu_threads=1))
    # The Python call translates the circuit each time; the compiled one, given the translated circuit, is what is timed.
    options = simulator.qsim_options | {
        "c": qsimcirq.QSimCircuit(circuit).translate_cirq_to_qsim(cirq.LineQubit.range(n))[0],
        "s": 1,
    }
    result = {}

    def run():
        result["state"] = simulator._sim_module.qsim_simulate_fullstate(options, 0)

    return run, lambda: result["state"].view(np.complex64)


def timed(run, budget):
    run()
    seconds, begun = [], time.perf_counter()
    while not seconds or time.perf_counter() - begun < budget:
        start = time.perf_counter()
        run()
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds)), min(seconds)


def main():
    tool, path, budget = sys.argv[1], sys.argv[2], float(sys.argv[3])
    gates, n = parse(path)
    choices = {
        "lightning": [lambda: lightning(gates, n)],
        "qulacs": [lambda blocks=blocks: qulacs(gates, n, blocks) for blocks in (0, 2)],
        "qsim": [lambda: qsim(gates, n)],
    }[tool]
    best = None
    for choice in choices:
        run, vector = choice()
        times = timed(run, budget)
        if best is None or times[1] < best[1]:
            state = np.asarray(vector())
            checksum = float(np.abs(state) ** 2 @ np.cos(np.arange(1 << n) % 97))
            best = (*times, checksum)
    print("%e %e %.12f" % best)


main()
