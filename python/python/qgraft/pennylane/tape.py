"""From a PennyLane tape to a circuit: its structure once, its angles at every call.

A tape's structure (gates, wires, matrices, which angles have a batch axis) makes a `Template`: a circuit in which every angle
is a slot, batched ones first. A tape of the same structure then costs a walk that collects numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pennylane as qml
from pennylane.operation import Channel as PennyLaneChannel, Operator
from pennylane.ops import Controlled
from pennylane.ops.op_math import Adjoint
from pennylane.tape import QuantumScript

from .. import Channel, Circuit, Param

# Gate of the table and its number of angles, by PennyLane's name; wires in the same order.
GATES: dict[str, tuple[str, int]] = {
    "PauliX": ("x", 0), "PauliY": ("y", 0), "PauliZ": ("z", 0), "Hadamard": ("h", 0), "S": ("s", 0), "T": ("t", 0),
    "SX": ("sx", 0), "Adjoint(S)": ("sdg", 0), "Adjoint(T)": ("tdg", 0), "Adjoint(SX)": ("sxdg", 0),
    "RX": ("rx", 1), "RY": ("ry", 1), "RZ": ("rz", 1), "PhaseShift": ("p", 1), "U1": ("p", 1), "U2": ("u2", 2),
    "U3": ("u", 3), "CNOT": ("cx", 0), "CY": ("cy", 0), "CZ": ("cz", 0), "CH": ("ch", 0), "ControlledPhaseShift": ("cp", 1),
    "CRX": ("crx", 1), "CRY": ("cry", 1), "CRZ": ("crz", 1), "SWAP": ("swap", 0), "ISWAP": ("iswap", 0), "ECR": ("ecr", 0),
    "IsingXX": ("rxx", 1), "IsingYY": ("ryy", 1), "IsingZZ": ("rzz", 1), "Toffoli": ("ccx", 0), "CCZ": ("ccz", 0),
    "CSWAP": ("cswap", 0),
}  # fmt: skip
# Those that may have any number of further controls.
CONTROLLABLE = {
    "PauliX", "PauliY", "PauliZ", "Hadamard", "S", "T", "SX", "RX", "RY", "RZ", "PhaseShift", "SWAP", "IsingXX", "IsingYY",
    "IsingZZ", "Adjoint(S)", "Adjoint(T)", "Adjoint(SX)",
}  # fmt: skip
# Gates of several of ours with as many angles.
WRITTEN = {"Rot": 3, "MultiRZ": 1, "GlobalPhase": 1}
# Nothing happens to the state.
SILENT = {"Identity", "Barrier", "WireCut", "Snapshot"}
# A matrix may have so many wires.
MOST_WIRES = 5


def is_noise(op: Operator) -> bool:
    """Whether it is a channel."""
    return isinstance(op, PennyLaneChannel)


def controls_of(op: Operator) -> tuple[Operator, list, list[bool]] | None:
    """The gate under controls, its control wires and their values, if it is a gate of ours under further controls."""
    if isinstance(op, qml.MultiControlledX):
        values = op.hyperparameters["control_values"]
        return qml.X(op.wires[-1]), list(op.wires[:-1]), [bool(int(value)) for value in values]
    if isinstance(op, Controlled) and op.name not in GATES and op.base.name in CONTROLLABLE and not op.work_wires:
        return op.base, list(op.control_wires), [bool(value) for value in op.control_values]
    return None


def has_angles(op: Operator) -> bool:
    """Whether its parameters are angles, which have derivatives."""
    return op.name in GATES or op.name in WRITTEN or controls_of(op) is not None


def trains_angles(tape: QuantumScript) -> bool:
    """Whether every trained parameter is an angle of a gate."""
    trained, place = set(tape.trainable_params), 0
    for op in tape.operations:
        if not has_angles(op) and trained.intersection(range(place, place + len(op.data))):
            return False
        place += len(op.data)
    return True


def is_matrix(op: Operator) -> bool:
    """Whether it runs as a matrix: given as one, or without a decomposition."""
    if isinstance(op, PennyLaneChannel) or len(op.wires) > MOST_WIRES or not op.wires:
        return False
    if op.name == "QubitUnitary":
        return op.batch_size is None
    return op.has_matrix and not op.has_decomposition and op.batch_size is None and not isinstance(op, Adjoint)


def accepts(op: Operator) -> bool:
    """Whether it runs without being decomposed."""
    if is_noise(op):
        return len(op.wires) <= 2 and op.batch_size is None
    return op.name in SILENT or has_angles(op) or is_matrix(op)


def structure(op: Operator) -> tuple:
    """What decides what an operation does, besides its angles."""
    if op.name in GATES or op.name in WRITTEN or op.name in SILENT:
        return (op.name, op.wires.labels, tuple(np.ndim(value) for value in op.data))
    under = controls_of(op)
    if under is not None:
        base, wires, values = under
        return (base.name, tuple(wires), tuple(values), base.wires.labels, tuple(np.ndim(v) for v in op.data))
    if is_noise(op):
        return (op.name, op.wires.labels, *(np.asarray(matrix).tobytes() for matrix in op.kraus_matrices()))
    return (op.name, op.wires.labels, np.asarray(qml.matrix(op)).tobytes())


class Template:
    """The circuit of a tape on wires 0 to n-1; wire k is qubit k.

    `slots[p]` is the slot of the tape's parameter number p, None for what is no angle; the first `inputs` slots have a batch
    axis. `noise` are the channels, each with the number of operations before it."""

    def __init__(self, operations: list[Operator], wires: int):
        sizes = [np.ndim(value) for op in operations if has_angles(op) for value in op.data]
        self.inputs = sum(1 for size in sizes if size)
        places = {True: iter(range(self.inputs)), False: iter(range(self.inputs, len(sizes)))}
        # A classical bit for each wire, for what measures it.
        self.circuit = Circuit(max(wires, 1), wires)
        for k in range(len(sizes)):
            self.circuit.slot(f"a{k}")
        self.slots: list[int | None] = []
        self.noise: list[tuple[int, Channel, list[int]]] = []
        for op in operations:
            angles = []
            for value in op.data:
                slot = next(places[np.ndim(value) > 0]) if has_angles(op) else None
                self.slots.append(slot)
                if slot is not None:
                    angles.append(Param(slot))
            if is_noise(op):
                matrices = [np.asarray(matrix) for matrix in op.kraus_matrices()]
                self.noise.append((len(self.circuit), Channel.kraus(matrices), list(op.wires)[::-1]))
            elif op.name not in SILENT:
                append(self.circuit, op, angles)
        # Slots ordered by parameter, to collect numbers.
        self._order = [slot for slot in self.slots if slot is not None]

    def collect(self, operations: list[Operator]) -> tuple[np.ndarray, np.ndarray]:
        """The numbers of a tape of this structure: inputs (batch, inputs) and weights (slots - inputs,)."""
        values = [value for op in operations if has_angles(op) for value in op.data]
        weights = np.empty(len(values) - self.inputs)
        columns: list[Any] = [None] * self.inputs
        for slot, value in zip(self._order, values):
            if slot < self.inputs:
                columns[slot] = value
            else:
                weights[slot - self.inputs] = value
        if not columns:
            return np.empty((1, 0)), weights
        return np.stack([np.asarray(column, np.float64) for column in columns], axis=1), weights


def append(circuit: Circuit, op: Operator, angles: list) -> None:
    """Appends an operation with these angles to a circuit whose qubit k is wire k."""
    wires = list(op.wires)
    if op.name in GATES:
        circuit.push(GATES[op.name][0], wires, angles)
    elif op.name == "Rot":
        circuit.rz(angles[0], wires[0]).ry(angles[1], wires[0]).rz(angles[2], wires[0])
    elif op.name == "MultiRZ":
        pairs = list(zip(wires, wires[1:]))
        for first, second in pairs:
            circuit.cx(first, second)
        circuit.rz(angles[0], wires[-1])
        for first, second in reversed(pairs):
            circuit.cx(first, second)
    elif op.name == "GlobalPhase":
        circuit.global_phase(-1 * angles[0])
    elif (under := controls_of(op)) is not None:
        base, controls, values = under
        zeros = [wire for wire, value in zip(controls, values) if not value]
        for wire in zeros:
            circuit.x(wire)
        circuit.push(GATES[base.name][0], controls + list(base.wires), angles, len(controls))
        for wire in zeros:
            circuit.x(wire)
    else:
        # The first wire is the most significant bit of PennyLane's matrices.
        circuit.unitary(np.asarray(qml.matrix(op, wire_order=op.wires)), wires[::-1])


def with_gates(circuit: Circuit, operations: list[Operator]) -> Circuit:
    """The circuit with further gates, whose angles are numbers."""
    longer = circuit.copy()
    for op in operations:
        if accepts(op):
            if op.name not in SILENT:
                append(longer, op, [float(value) for value in op.data] if has_angles(op) else [])
        else:
            for part in op.decomposition():
                longer = with_gates(longer, [part])
    return longer
