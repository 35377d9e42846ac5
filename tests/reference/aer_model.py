"""A noise model as Qiskit Aer writes it, and the probabilities it gives for a small circuit.

Writes aer_model.json beside this file: `model`, the result of NoiseModel.to_dict(serializable=True) with every kind of
error that is read (Pauli, relaxation as Kraus and as resets, unitary, on certain qubits and on all, readout), `circuit`, and
`probabilities` of Aer's density matrix simulator by outcome.

    python tests/reference/aer_model.py            # Qiskit 2.6.2, Aer 0.18
"""

import json
from pathlib import Path

import numpy as np
import qiskit
import qiskit_aer
from qiskit import QuantumCircuit
from qiskit.circuit.library import RXGate
from qiskit_aer import AerSimulator
from qiskit_aer.noise import (NoiseModel, ReadoutError, amplitude_damping_error, coherent_unitary_error,
                              depolarizing_error, pauli_error, thermal_relaxation_error)

CIRCUIT = """OPENQASM 2.0;
include "qelib1.inc";
qreg q[3];
creg c[3];
sx q[0];
h q[2];
cx q[0],q[1];
x q[2];
reset q[2];
sx q[2];
cx q[1],q[2];
rz(0.3) q[1];
sx q[1];
measure q[0] -> c[0];
measure q[1] -> c[1];
measure q[2] -> c[2];
"""


def model():
    noise = NoiseModel()
    relaxed = thermal_relaxation_error(50e3, 70e3, 300).expand(thermal_relaxation_error(60e3, 40e3, 300))
    noise.add_quantum_error(depolarizing_error(0.02, 2).compose(relaxed), "cx", [0, 1])
    noise.add_all_qubit_quantum_error(pauli_error([("XZ", 0.03), ("IY", 0.02), ("II", 0.95)]), "cx")
    noise.add_all_qubit_quantum_error(depolarizing_error(0.01, 1), ["sx", "x"])
    noise.add_quantum_error(amplitude_damping_error(0.05, 0.1), "sx", [2])
    noise.add_all_qubit_quantum_error(coherent_unitary_error(RXGate(0.1).to_matrix()), "h")
    noise.add_all_qubit_quantum_error(thermal_relaxation_error(50e3, 30e3, 4000, 0.1), "reset")
    noise.add_quantum_error(depolarizing_error(0.3, 1), "my_own_gate", [0])
    noise.add_all_qubit_readout_error(ReadoutError([[0.98, 0.02], [0.05, 0.95]]))
    noise.add_readout_error(ReadoutError([[0.9, 0.1], [0.2, 0.8]]), [1])
    return noise


def main():
    noise = model()
    circuit = QuantumCircuit.from_qasm_str(CIRCUIT)
    circuit.remove_final_measurements(inplace=True)
    circuit.save_density_matrix()
    backend = AerSimulator(method="density_matrix", noise_model=noise, basis_gates=["sx", "x", "h", "rz", "cx"])
    state = backend.run(circuit).result().data()["density_matrix"]
    true = np.real(np.diag(np.asarray(state)))
    flips = {0: (0.02, 0.05), 1: (0.1, 0.2), 2: (0.02, 0.05)}
    recorded = np.zeros(8)
    for was in range(8):
        for read in range(8):
            p = true[was]
            for q, (up, down) in flips.items():
                a, b = was >> q & 1, read >> q & 1
                p *= (down if a else up) if a != b else 1 - (down if a else up)
            recorded[read] += p
    document = {
        "origin": f"Qiskit {qiskit.__version__}, Aer {qiskit_aer.__version__}; tests/reference/aer_model.py",
        "circuit": CIRCUIT,
        "probabilities": [float(f"{p:.12g}") for p in recorded],
        "model": noise.to_dict(serializable=True),
    }
    Path(__file__).with_suffix(".json").write_text(json.dumps(document) + "\n")


main()
