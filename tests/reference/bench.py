"""Reference checksums for tests/it/cli_bench.rs, computed with plain numpy.

Run with numpy 2: python tests/reference/bench.py > tests/reference/bench/checksums.json
The circuits in tests/reference/bench/ were made for side-by-side timings of simulators (same licence as this
repository): sv_random_n04.qasm has 20 layers of random gates; noisy_manila_n04 is a 3-layer ansatz transpiled for IBM's
manila (5 qubits) with the depolarizing and relaxation noise of its calibration in the .json beside it.
"""
import json
import re
from pathlib import Path

import numpy as np

FOLDER = Path(__file__).parent / "bench"
X, Y, Z = np.array([[0, 1], [1, 0]]), np.array([[0, -1j], [1j, 0]]), np.diag([1, -1])


def turn(pauli, angle):
    return np.cos(angle / 2) * np.eye(2) - 1j * np.sin(angle / 2) * pauli


def u3(theta, phi, lam):
    c, s = np.cos(theta / 2), np.sin(theta / 2)
    return np.array([[c, -np.exp(1j * lam) * s], [np.exp(1j * phi) * s, np.exp(1j * (phi + lam)) * c]])


GATES = {
    "h": lambda: (X + Z) / np.sqrt(2), "sx": lambda: ((1 + 1j) * np.eye(2) + (1 - 1j) * X) / 2, "x": lambda: X, "u3": u3,
    "rz": lambda a: turn(Z, a), "ry": lambda a: turn(Y, a),
    # First operand least significant: the control is bit 0.
    "cx": lambda: np.eye(4)[[0, 3, 2, 1]],
}


def read(name):
    text = (FOLDER / name).read_text()
    width = int(re.search(r"qreg q\[(\d+)\]", text)[1])
    ops = []
    for line in text.splitlines()[3:]:
        found = re.match(r"(\w+)(?:\(([^)]*)\))? (.*);", line)
        angles = [float(a) for a in found[2].split(",")] if found[2] else []
        ops.append((found[1], [int(q) for q in re.findall(r"q\[(\d+)\]", found[3])], angles))
    return width, ops


def spread(matrix, qubits, width):
    """The matrix on the whole register, first operand least significant."""
    full = np.zeros((2**width, 2**width), complex)
    mask = sum(1 << q for q in qubits)
    for column in range(2**width):
        inner = sum((column >> q & 1) << k for k, q in enumerate(qubits))
        for row in range(len(matrix)):
            place = (column & ~mask) | sum((row >> k & 1) << q for k, q in enumerate(qubits))
            full[place, column] += matrix[row, inner]
    return full


def state(width, ops):
    psi = np.eye(2**width)[0].astype(complex)
    for name, qubits, angles in ops:
        psi = spread(GATES[name](*angles), qubits, width) @ psi
    return psi


def checksum(p):
    return float(p @ np.cos(np.arange(len(p)) % 97))


def weighted(v):
    return float(v.ravel() @ np.cos(np.arange(v.size)))


def sv(name):
    return checksum(np.abs(state(*read(name))) ** 2)


def noisy(circuit, noise):
    width, ops = read(circuit)
    channels = json.loads((FOLDER / noise).read_text())["channels"]
    rho = np.zeros((2**width, 2**width), complex)
    rho[0, 0] = 1
    for name, qubits, angles in ops:
        u = spread(GATES[name](*angles), qubits, width)
        rho = u @ rho @ u.conj().T
        entry = channels.get(" ".join([name, *map(str, qubits)]))
        if not entry:
            continue
        paulis = [np.eye(2), X, Y, Z]
        strings = paulis if len(qubits) == 1 else [np.kron(b, a) for a in paulis for b in paulis]
        # The sum over all strings is tr(rho) 1 / 2^n, the fully mixed part.
        mixed = sum(spread(p, qubits, width) @ rho @ spread(p, qubits, width).conj().T for p in strings) / len(strings)
        rho = (1 - entry["depol"]) * rho + entry["depol"] * mixed
        for q, (t1, t2, t) in zip(qubits, entry["relax"]):
            bit = np.arange(2**width) >> q & 1
            up = np.outer(bit, bit) == 1
            fallen = np.where(up, rho, 0)
            lower = [i & ~(1 << q) for i in range(2**width)]
            new = np.where(np.not_equal.outer(bit, bit), np.exp(-t / t2) * rho, rho)
            new = np.where(up, np.exp(-t / t1) * rho, new)
            for i, j in zip(*np.nonzero(up)):
                new[lower[i], lower[j]] += (1 - np.exp(-t / t1)) * fallen[i, j]
            rho = new
    return checksum(rho.diagonal().real)


def grad(n, layers, batch):
    x = 1.5 * np.sin(0.7 * np.arange(batch * n) + 0.1).reshape(batch, n)
    w = 1.2 * np.cos(0.9 * np.arange(layers * n) + 0.3).reshape(layers, n)
    signs = np.array([[1 - 2 * (k >> i & 1) for k in range(2**n)] for i in range(n)])

    def out(x, w):
        ops = [("ry", [i], [x[i]]) for i in range(n)]
        for row in w:
            ops += [("ry", [i], [row[i]]) for i in range(n)] + [("cx", [i, i + 1], []) for i in range(n - 1)]
        return signs @ np.abs(state(n, ops)) ** 2

    dx, dw = np.zeros_like(x), np.zeros_like(w)
    for b in range(batch):
        for i in range(n):
            shift = np.zeros(n)
            shift[i] = np.pi / 2
            dx[b, i] = (out(x[b] + shift, w) - out(x[b] - shift, w)).sum() / 2
        for place in np.ndindex(w.shape):
            shift = np.zeros_like(w)
            shift[place] = np.pi / 2
            dw[place] += (out(x[b], w + shift) - out(x[b], w - shift)).sum() / 2
    outs = np.array([out(row, w) for row in x])
    return weighted(outs) + weighted(dx) + weighted(dw)


print(json.dumps({
    "sv_random_n04": sv("sv_random_n04.qasm"),
    "grad_n03_l2_b4": grad(3, 2, 4),
    "noisy_manila_n04": noisy("noisy_manila_n04.qasm", "noisy_manila_n04.json"),
}))
