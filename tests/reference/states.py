"""Reference values for tests/it/states.rs: entropies, distances, variances, Hessians, quantum Fisher information.

Run with qiskit 2.6.2, pennylane 0.45 and torch 2.15: python tests/reference/states.py > tests/reference/states.json
Complex numbers are [re, im]; entropies are in nats; operations as in engines.py. Qubit k is bit k of an index.
"""
import json

import mpmath
import numpy as np
import pennylane as qml
import torch
from qiskit.quantum_info import (DensityMatrix, Statevector, entropy, mutual_information, partial_trace, random_density_matrix,
                                 random_statevector)

QUBITS = 3
torch.set_default_dtype(torch.float64)
rng = np.random.default_rng(7)


def pairs(a):
    return [[z.real, z.imag] for z in np.asarray(a).ravel()]


def mixed(rank, seed):
    return random_density_matrix(2**QUBITS, rank=rank, seed=seed)


def fidelity(rho, sigma):
    """With 40 digits: the roots of eigenvalues that are zero in truth cost double precision (and Qiskit) half its digits."""
    with mpmath.workdps(40):
        values, vectors = mpmath.eighe(mpmath.matrix(rho.tolist()))
        root = vectors * mpmath.diag([mpmath.sqrt(v) if v > 1e-15 else 0 for v in values]) * vectors.H
        between = root * mpmath.matrix(sigma.tolist()) * root
        values = mpmath.eighe((between + between.H) / 2, eigvals_only=True)
        return float(sum(mpmath.sqrt(v) for v in values if v > 1e-17) ** 2)


def pair_of_states(seed, rank_rho, rank_sigma):
    rho, sigma = mixed(rank_rho, seed), mixed(rank_sigma, seed + 100)
    # Qiskit's function wants two subsystems: qubit 1 against qubit 0 of what is left without qubit 2.
    pair = DensityMatrix(partial_trace(rho, [2]).data, dims=(2, 2))
    whole = DensityMatrix(rho.data, dims=(4, 2))
    return {
        "rho": pairs(rho.data), "sigma": pairs(sigma.data),
        "von_neumann": entropy(rho, base=np.e), "renyi2": -float(np.log(rho.purity().real)),
        "mutual_0_1": mutual_information(pair, base=np.e), "mutual_01_2": mutual_information(whole, base=np.e),
        "fidelity": fidelity(rho.data, sigma.data),
        "trace_distance": float(qml.math.trace_distance(rho.data, sigma.data)),
        "kept_2_0": pairs(partial_trace(rho, [1]).reverse_qargs().data),
    }


def entanglement(state):
    purities = [partial_trace(state, [q for q in range(QUBITS) if q != k]).purity().real for k in range(QUBITS)]
    return {"state": pairs(state.data), "meyer_wallach": 2 * (1 - float(np.mean(purities))),
            "marginal_2_0": [float(p) for p in state.probabilities([2, 0])]}


KINDS = {"h": qml.Hadamard, "cx": qml.CNOT, "rx": qml.RX, "ry": qml.RY, "rz": qml.RZ, "p": qml.PhaseShift, "crx": qml.CRX,
         "cp": qml.ControlledPhaseShift, "rxx": qml.IsingXX, "rzz": qml.IsingZZ, "u": qml.U3}


def ansatz():
    """Every kind of shift rule, a slot in two angles, one that is scaled and shifted, and gates with several angles."""
    slot = lambda k: {"slot": k}
    return [["h", [0], []], ["ry", [1], [slot(0)]], ["rx", [2], [slot(1)]], ["cx", [0, 1], []], ["crx", [1, 2], [slot(2)]],
            ["rxx", [2, 0], [slot(3)]], ["p", [0], [slot(4)]], ["u", [1], [slot(5), slot(6), slot(7)]], ["cx", [2, 1], []],
            ["rz", [2], [slot(0)]], ["cp", [1, 0], [slot(8)]], ["ry", [0], [slot(1)]], ["rzz", [0, 2], [slot(9)]],
            ["ry", [2], [slot(3)]]]


def curvature():
    ops, slots = ansatz(), 10
    device = qml.device("default.qubit", wires=QUBITS)

    def play(angles):
        for name, operands, params in ops:
            KINDS[name](*[angles[p["slot"]] for p in params], wires=operands)

    observable = 0.7 * qml.PauliZ(0) @ qml.PauliZ(1) - 0.4 * qml.PauliX(2) + 1.1 * qml.PauliY(1) @ qml.PauliX(0)

    @qml.qnode(device, interface="torch", diff_method="backprop")
    def value(angles):
        play(angles)
        return qml.expval(observable)

    @qml.qnode(device, interface="torch", diff_method="backprop")
    def variance(angles):
        play(angles)
        return qml.var(observable)

    @qml.qnode(device, interface="torch", diff_method="backprop")
    def state(angles):
        play(angles)
        return qml.state()

    angles = torch.tensor(rng.normal(size=slots))
    direction = torch.tensor(rng.normal(size=slots))
    hessian = torch.autograd.functional.hessian(value, angles)
    jacobian = lambda part: torch.autograd.functional.jacobian(lambda a: getattr(state(a), part), angles).numpy()
    d = jacobian("real") + 1j * jacobian("imag")
    psi = state(angles).detach().numpy()
    fisher = 4 * (d.conj().T @ d - np.outer(d.conj().T @ psi, psi.conj() @ d)).real
    return {"qubits": QUBITS, "ops": ops, "angles": angles.tolist(), "observables": ["0.7 Z0 Z1 - 0.4 X2 + 1.1 X0 Y1"],
            "direction": direction.tolist(), "hessian_vector": (hessian @ direction).tolist(),
            "fisher": [row.tolist() for row in fisher], "variance": float(variance(angles)), "value": float(value(angles))}


print(json.dumps({
    # Full rank, and rank so low that square roots of zero eigenvalues would show.
    "pairs": [pair_of_states(1, 8, 8), pair_of_states(2, 8, 2), pair_of_states(3, 2, 3), pair_of_states(4, 1, 8)],
    "pure": [entanglement(random_statevector(2**QUBITS, seed=5)), entanglement(Statevector.from_label("01+"))],
    "curvature": [curvature() for _ in range(2)],
}))
