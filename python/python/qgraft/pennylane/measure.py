"""Observables and outcomes between PennyLane, whose first wire is the most significant bit of an index, and qgraft, whose
qubit k is bit k."""

from __future__ import annotations

import numpy as np
import pennylane as qml
from pennylane.exceptions import DeviceError
from pennylane.pauli import PauliSentence

from .. import Observable

# Wires of an observable that is only known as a matrix.
MOST_MATRIX_WIRES = 8


def sentence_of(mp) -> PauliSentence:
    """What a measurement process measures, as a sum of Pauli words."""
    if mp.obs is None:
        return diagonal(np.real(np.asarray(mp.eigvals())), list(mp.wires))
    if mp.obs.pauli_rep is not None:
        return mp.obs.pauli_rep
    wires = mp.obs.wires
    if len(wires) > MOST_MATRIX_WIRES:
        raise DeviceError(f"{mp.obs} is known as a matrix on {len(wires)} wires alone; at most {MOST_MATRIX_WIRES} can be read")
    if mp.obs.has_matrix:
        matrix = qml.matrix(mp.obs, wire_order=wires)
    else:
        matrix = mp.obs.sparse_matrix(wire_order=wires).toarray()
    return qml.pauli_decompose(np.asarray(matrix), wire_order=wires, pauli=True, check_hermitian=False)


def diagonal(values: np.ndarray, wires: list) -> PauliSentence:
    """A diagonal observable as a sum of words of Z: the Walsh-Hadamard transform of its eigenvalues."""
    coefficients = values.reshape((2,) * len(wires)).astype(np.float64)
    for axis in range(len(wires)):
        zero, one = np.take(coefficients, 0, axis), np.take(coefficients, 1, axis)
        coefficients = np.stack([zero + one, zero - one], axis) / 2
    words = {}
    for index in np.ndindex(coefficients.shape):
        if coefficients[index]:
            letters = {wire: "Z" for wire, bit in zip(wires, index) if bit}
            words[qml.pauli.PauliWord(letters)] = coefficients[index]
    return PauliSentence(words)


def square_of(sentence: PauliSentence) -> PauliSentence:
    """O², of which rounding leaves an imaginary part."""
    square = sentence @ sentence
    return PauliSentence({word: np.real(value) for word, value in square.items() if np.real(value)})


def observable_of(sentence: PauliSentence) -> Observable:
    """A sum of Pauli words on wires 0 to n-1."""
    weights, strings = [], []
    for word, weight in sentence.items():
        if abs(np.imag(weight)) > 1e-9:
            raise DeviceError(f"the observable has the coefficient {weight} and is not Hermitian")
        weights.append(float(np.real(weight)))
        strings.append(list(word.items()))
    return Observable.from_terms(weights or [0.0], strings or [[]])


def places(qubits: list[int], wires: list[int]) -> np.ndarray:
    """Index of the outcome of `wires`, the first the most significant, for each outcome (2^qubits,) of qubits, the first the
    least significant. A wire that is none of the qubits is |0>."""
    outcomes = np.arange(1 << len(qubits))
    of = np.zeros(len(outcomes), dtype=np.int64)
    for k, wire in enumerate(reversed(wires)):
        if wire in qubits:
            of |= (outcomes >> qubits.index(wire) & 1) << k
    return of


def gathered(values: np.ndarray, places: np.ndarray, wires: int) -> np.ndarray:
    """Sums (rows, 2^wires, ...) of the values (rows, 2^qubits, ...) of outcomes that are one outcome of the wires."""
    out = np.zeros((len(values), 1 << wires, *values.shape[2:]))
    np.add.at(out, (slice(None), places), values)
    return out


def ordered_state(vector: np.ndarray, qubits: list[int], wires: int) -> np.ndarray:
    """A state vector (2^wires,) in PennyLane's order."""
    tensor = vector.reshape((2,) * len(qubits))
    left = qubits[::-1]
    for wire in range(wires):
        if wire not in left:
            tensor = np.stack([tensor, np.zeros_like(tensor)], axis=-1)
            left = [*left, wire]
    return np.transpose(tensor, [left.index(wire) for wire in range(wires)]).reshape(-1)


def ordered_density(matrix: np.ndarray, qubits: list[int], wires: int) -> np.ndarray:
    """A density matrix (2^wires, 2^wires) in PennyLane's order."""
    rows = np.stack([ordered_state(column, qubits, wires) for column in matrix.T], axis=1)
    return np.stack([ordered_state(row, qubits, wires) for row in rows], axis=0)


def drawn(counts: np.ndarray, qubits: list[int], wires: int, rng: np.random.Generator) -> np.ndarray:
    """Outcomes (rows, shots, wires) in a random order from counts (rows, 2^qubits)."""
    samples = []
    for row in counts:
        outcomes = np.repeat(np.arange(len(row)), row.astype(np.int64))
        rng.shuffle(outcomes)
        bits = np.zeros((len(outcomes), wires), dtype=np.int64)
        for k, qubit in enumerate(qubits):
            if qubit < wires:
                bits[:, qubit] = outcomes >> k & 1
        samples.append(bits)
    return np.stack(samples)
