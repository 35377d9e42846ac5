"""quimb and Qiskit Aer on the circuits of benches/mps.rs: median and least seconds of all ⟨Z⟩. One thread
(OMP_NUM_THREADS=1). pip install quimb qiskit qiskit-aer
"""

import math
import statistics
import time

import quimb
import quimb.tensor
from qiskit import QuantumCircuit
from qiskit.quantum_info import SparsePauliOp
from qiskit_aer import AerSimulator


def brickwork(qubits, depth):
    for layer in range(depth):
        for qubit in range(qubits):
            yield ["ry", "rx"][layer % 2], [1.3 * math.sin(1.7 * (layer * qubits + qubit) + 0.4) + 0.4], [qubit]
        for qubit in range(layer % 2, qubits - 1, 2):
            yield "cz", [], [qubit, qubit + 1]


def with_aer(qubits, depth, bond):
    circuit = QuantumCircuit(qubits)
    for name, angles, on in brickwork(qubits, depth):
        getattr(circuit, name)(*angles, *on)
    for qubit in range(qubits):
        circuit.save_expectation_value(SparsePauliOp("Z"), [qubit], label=f"z{qubit}")
    backend = AerSimulator(
        method="matrix_product_state",
        matrix_product_state_max_bond_dimension=bond,
        matrix_product_state_truncation_threshold=1e-16,
        max_parallel_threads=1,
        fusion_enable=False,
    )
    begun = time.perf_counter()
    data = backend.run(circuit, shots=1).result().data()
    return time.perf_counter() - begun, [data[f"z{qubit}"] for qubit in range(qubits)]


def with_quimb(qubits, depth, bond):
    begun = time.perf_counter()
    circuit = quimb.tensor.CircuitMPS(qubits, max_bond=bond, cutoff=1e-16)
    for name, angles, on in brickwork(qubits, depth):
        circuit.apply_gate(name.upper(), *angles, *on)
    z = quimb.pauli("Z")
    values = [float(circuit.local_expectation(z, [qubit]).real) for qubit in range(qubits)]
    return time.perf_counter() - begun, values


for depth, bond in ((10, 32), (20, 64)):
    for name, run in (("Aer", with_aer), ("quimb", with_quimb)):
        found = [run(50, depth, bond) for _ in range(5)]
        times = [seconds for seconds, _ in found]
        print(f"{name}, {depth} layers, bond {bond}: median {statistics.median(times):.3f} s, least {min(times):.3f} s, "
              f"sum of Z {sum(found[0][1]):.9f}")
