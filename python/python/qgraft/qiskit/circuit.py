"""From Qiskit's `QuantumCircuit` to a circuit, read from `circuit.data`, and back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from hashlib import sha256
from typing import Any

import numpy as np
from qiskit.circuit import Clbit, ClassicalRegister, ControlledGate, ParameterExpression, QuantumCircuit
from qiskit.circuit.classical import expr

from .. import Circuit, gates
from .._native import gate_table
from ..errors import CircuitError
from .parameters import SlotOf, Slots

# Number of qubits and of angles of every gate by name, with the other names that Qiskit has for it.
_SIZES = {name: (qubits, len(angles)) for name, qubits, angles, _ in gate_table()}
_ALIASES = {"u1": "p", "cu1": "cp", "u3": "u", "cnot": "cx", "toffoli": "ccx"}
# A condition on a register is undone by as many as it has other values.
_MOST_OTHERS = 64

Tested = tuple[list[int], int]


class Converted:
    """A circuit of Qiskit as ours: qubit k and bit k are its qubit k and bit k, a slot is one expression of its parameters."""

    circuit: Circuit

    def __init__(self, source: QuantumCircuit):
        self.slots = Slots(list(source.parameters))
        # Bits of each classical register by its name.
        self.registers = {register.name: [source.find_bit(bit).index for bit in register] for register in source.cregs}
        # Whether it was transpiled, so that qubit k is the device's qubit k.
        self.is_placed = source.layout is not None
        _Walk(self, source).run()

    @cached_property
    def measures(self) -> bool:
        """Whether anything is measured, also inside a branch or a definition."""
        return any(op["name"] == "measure" for op in self.circuit.ops)

    @cached_property
    def key(self) -> tuple:
        """Equal for circuits that are run equally; their parameters may differ."""
        registers = tuple((name, *bits) for name, bits in self.registers.items())
        return (sha256(self.circuit.to_json().encode()).digest(), registers, self.is_placed)


def from_qiskit(source: QuantumCircuit) -> Circuit:
    """The circuit; its slots are the distinct expressions of the parameters, named after them."""
    return Converted(source).circuit


class _Walk:
    """Appends operations in order. Angles are collected first: a circuit declares its slots before they are used."""

    def __init__(self, converted: Converted, source: QuantumCircuit):
        self.converted = converted
        self.source = source
        self.calls: list[tuple[str, tuple]] = []
        # Qubits that something has acted on.
        self.touched: set[int] = set()

    def run(self) -> None:
        source, slots = self.source, self.converted.slots
        qubits = {qubit: k for k, qubit in enumerate(source.qubits)}
        bits = {bit: k for k, bit in enumerate(source.clbits)}
        phase = self.angle(source.global_phase)
        if phase != 0:
            self.calls.append(("global_phase", (phase, None)))
        self.block(source, qubits, bits, [])
        circuit = Circuit(max(len(qubits), 1), len(bits))
        params = [circuit.slot(name) for name in slots.names()]
        for method, arguments in self.calls:
            getattr(circuit, method)(*(_placed(argument, params) for argument in arguments))
        self.converted.circuit = circuit

    def angle(self, value: Any) -> Any:
        """A number, or the slot of an expression."""
        if isinstance(value, ParameterExpression):
            if value.parameters:
                return self.converted.slots.of(value)
            value = value.numeric() if hasattr(value, "numeric") else complex(value)
        number = complex(value)
        if abs(number.imag) > 1e-12:
            raise CircuitError(f"the angle {value} is not real")
        return float(number.real)

    def block(self, block: QuantumCircuit, qubits: dict, bits: dict, tested: list[Tested]) -> None:
        for instruction in block.data:
            self.instruction(
                instruction.name,
                instruction,
                [qubits[qubit] for qubit in instruction.qubits],
                [bits[bit] for bit in instruction.clbits],
                bits,
                tested,
            )

    def instruction(self, name, instruction, qubits, clbits, bits, tested) -> None:
        condition = _joined(tested)
        if name == "barrier":
            if condition is None:
                self.calls.append(("barrier", tuple(qubits)))
            return
        self.read(name, instruction, qubits, clbits, bits, tested, condition)
        self.touched.update(qubits)

    def read(self, name, instruction, qubits, clbits, bits, tested, condition) -> None:
        name = _ALIASES.get(name, name)
        size = _SIZES.get(name)
        if size is not None and size[0] == len(qubits) and len(instruction.params) == size[1]:
            angles = [self.angle(value) for value in instruction.params]
            self.calls.append(("push", (name, qubits, angles, 0, condition)))
        elif name == "measure":
            self.calls.append(("measure", (qubits[0], clbits[0], condition)))
        elif name == "reset":
            self.calls.append(("reset", (qubits[0], condition)))
        elif name == "delay":
            self.delay(instruction.operation, qubits[0], condition)
        elif name == "global_phase":
            self.calls.append(("global_phase", (self.angle(instruction.params[0]), condition)))
        elif name == "unitary" and len(qubits) <= 5:
            self.calls.append(("unitary", (np.asarray(instruction.operation.params[0]), qubits, condition)))
        elif name in ("initialize", "state_preparation") and self.prepare(name, instruction.params, qubits, condition):
            pass
        elif name == "if_else":
            self.if_else(instruction.operation, qubits, clbits, bits, tested)
        elif name == "for_loop":
            self.for_loop(instruction.operation, qubits, clbits, bits, tested)
        elif name == "switch_case":
            self.switch(instruction.operation, qubits, clbits, bits, tested)
        elif name == "box":
            self.body(instruction.operation.blocks[0], qubits, clbits, bits, tested)
        else:
            self.defined(name, instruction.operation, qubits, clbits, bits, tested)

    def defined(self, name, operation, qubits, clbits, bits, tested) -> None:
        """A gate under controls, or its definition."""
        if isinstance(operation, ControlledGate):
            base, controls = operation.base_gate, operation.num_ctrl_qubits
            base_name = _ALIASES.get(base.name, base.name)
            size = _SIZES.get(base_name)
            if size == (len(qubits) - controls, len(base.params)):
                condition = _joined(tested)
                zeros = [qubits[k] for k in range(controls) if not operation.ctrl_state >> k & 1]
                angles = [self.angle(value) for value in base.params]
                flips = [("push", ("x", [qubit], [], 0, condition)) for qubit in zeros]
                self.calls += [*flips, ("push", (base_name, qubits, angles, controls, condition)), *flips]
                return
        definition = getattr(operation, "definition", None)
        if definition is None:
            reason = "it has no definition" if name not in ("while_loop", "break_loop", "continue_loop", "store") else (
                "it depends on results in a way that is not a condition on classical bits")  # fmt: skip
            raise CircuitError(f"{name}: {reason}; qgraft runs the gates of qgraft.gates() and what is defined by them")
        phase = self.angle(definition.global_phase)
        if phase != 0:
            self.calls.append(("global_phase", (phase, _joined(tested))))
        self.body(definition, qubits, clbits, bits, tested)

    def body(self, block, qubits, clbits, bits, tested) -> None:
        """A block on these qubits and bits; registers that it tests by name are those of the circuit."""
        inner = {bit: k for bit, k in zip(block.clbits, clbits)}
        self.block(block, dict(zip(block.qubits, qubits)), {**bits, **inner}, tested)

    def prepare(self, name, amplitudes, qubits, condition) -> bool:
        """A state of given amplitudes, by our gates. Qubits that nothing has acted on are |0> already and need no reset, which
        has no derivative. Texts and numbers of basis states, and states under a condition, go by their definitions."""
        if condition is not None or len(amplitudes) != 1 << len(qubits) or any(isinstance(part, str) for part in amplitudes):
            return False
        if name == "initialize":
            self.calls += [("reset", (qubit, None)) for qubit in qubits if qubit in self.touched]
        self.calls.append(("prepare", ([complex(part) for part in amplitudes], qubits)))
        return True

    def delay(self, operation, qubit, condition) -> None:
        if operation.unit in ("dt", "expr"):
            if operation.duration:
                raise CircuitError(f"delay of {operation.duration} {operation.unit}: give it in seconds, as ns, us, ms or s")
            return
        if condition is not None:
            raise CircuitError("delay: it cannot be under a condition; take it out of the branch")
        seconds = float(operation.duration) * {"ps": 1e-12, "ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}[operation.unit]
        self.calls.append(("delay", (seconds, qubit)))

    def if_else(self, operation, qubits, clbits, bits, tested) -> None:
        yes = _condition(operation.condition, bits)
        branches = [(operation.blocks[0], [yes])]
        if len(operation.blocks) > 1:
            branches.append((operation.blocks[1], _others(yes)))
        self.branches("if_else", branches, qubits, clbits, bits, tested)

    def switch(self, operation, qubits, clbits, bits, tested) -> None:
        target = operation.target
        places = _bits(target.var if isinstance(target, expr.Var) else target, bits)
        branches, seen = [], set()
        for values, block in operation.cases_specifier():
            given = [int(value) for value in values if isinstance(value, (int, np.integer, bool))]
            if len(given) < len(values):
                rest = set(range(1 << min(len(places), 7))) - seen - set(given)
                if 1 << len(places) > _MOST_OTHERS:
                    raise CircuitError(f"switch_case: a default over {len(places)} bits has too many values; use at most 6 bits")
                given += sorted(rest)
            seen.update(given)
            branches.append((block, [(places, value) for value in given if value < 1 << len(places)]))
        self.branches("switch_case", branches, qubits, clbits, bits, tested)

    def branches(self, name, branches, qubits, clbits, bits, tested) -> None:
        """Each block under each of its conditions. What a block writes must not be what decides it."""
        read = {bit for _, conditions in branches for places, _ in conditions for bit in places}
        start = len(self.calls)
        for block, conditions in branches:
            for condition in conditions:
                self.body(block, qubits, clbits, bits, [*tested, condition])
        written = {arguments[1] for method, arguments in self.calls[start:] if method == "measure"}
        if written & read:
            raise CircuitError(f"{name}: a branch measures into bit {min(written & read)}, which decides it; use another bit")

    def for_loop(self, operation, qubits, clbits, bits, tested) -> None:
        indices, parameter, block = operation.params
        for index in indices:
            bound = block if parameter is None else block.assign_parameters({parameter: index})
            self.body(bound, qubits, clbits, bits, tested)


def _placed(argument: Any, params: list) -> Any:
    if isinstance(argument, SlotOf):
        return params[argument]
    if isinstance(argument, list):
        return [_placed(entry, params) for entry in argument]
    return argument


def _joined(tested: Sequence[Tested]) -> Tested | None:
    """All conditions as one."""
    if not tested:
        return None
    places, total = [], 0
    for bits, value in tested:
        for k, bit in enumerate(bits):
            total |= (value >> k & 1) << len(places)
            places.append(bit)
    known: dict[int, int] = {}
    for k, bit in enumerate(places):
        if known.setdefault(bit, total >> k & 1) != total >> k & 1:
            # A bit that must be 0 and 1: nothing is done. A condition on both values of it says so.
            return places, total
    return list(known), sum(value << k for k, value in enumerate(known.values()))


def _others(condition: Tested) -> list[Tested]:
    """The conditions under which another does not hold."""
    places, value = condition
    if len(places) == 1:
        return [(places, 1 - value)]
    if 1 << len(places) > _MOST_OTHERS:
        raise CircuitError(f"if_else: an else of a condition on {len(places)} bits has too many values; use at most 6 bits")
    return [(places, other) for other in range(1 << len(places)) if other != value]


def _bits(target: Any, bits: dict) -> list[int]:
    if isinstance(target, Clbit):
        return [bits[target]]
    if isinstance(target, ClassicalRegister):
        return [bits[bit] for bit in target]
    raise CircuitError(f"a condition on {target} cannot be read; test a bit or a register")


def _condition(condition: Any, bits: dict) -> Tested:
    """A condition on bits or a register: equality, `not` of a bit, and `and` of these."""
    if isinstance(condition, tuple):
        places, value = _bits(condition[0], bits), int(condition[1])
        if value >= 1 << len(places) or value < 0:
            raise CircuitError(f"a condition compares {len(places)} classical bits with {value}, which they never hold")
        return places, value
    if isinstance(condition, expr.Var):
        return _bits(condition.var, bits), 1
    if isinstance(condition, expr.Cast):
        return _condition(condition.operand, bits)
    if isinstance(condition, expr.Unary) and condition.op in (expr.Unary.Op.LOGIC_NOT, expr.Unary.Op.BIT_NOT):
        places, value = _condition(condition.operand, bits)
        if len(places) == 1:
            return places, 1 - value
    if isinstance(condition, expr.Binary):
        if condition.op in (expr.Binary.Op.LOGIC_AND, expr.Binary.Op.BIT_AND) and condition.type.kind is not None:
            try:
                joined = _joined([_condition(condition.left, bits), _condition(condition.right, bits)])
                if joined is not None:
                    return joined
            except CircuitError:
                pass
        if condition.op is expr.Binary.Op.EQUAL:
            for one, other in ((condition.left, condition.right), (condition.right, condition.left)):
                one = one.operand if isinstance(one, expr.Cast) else one
                if isinstance(one, expr.Var) and isinstance(other, expr.Value):
                    return _condition((one.var, int(other.value)), bits)
    raise CircuitError(f"the condition {condition} is no equality of classical bits with a value; qgraft runs these and their `and`")


def to_qiskit(circuit: Circuit) -> QuantumCircuit:
    """A circuit as Qiskit's; slots are Parameters of their names. Conditions and further controls become Qiskit's own."""
    from qiskit.circuit import Parameter
    from qiskit.circuit.library import standard_gates

    out = QuantumCircuit(circuit.qubits, circuit.bits)
    parameters = [Parameter(name) for name in circuit.slots]
    known = standard_gates.get_standard_gate_name_mapping()

    def value(param):
        return param if isinstance(param, float) else parameters[param.slot] * param.scale + param.offset

    for op in circuit.ops:
        qubits, params = list(op["qubits"]), [value(param) for param in op.get("params", [])]
        if "condition" in op:
            raise CircuitError(f"{op['name']}: conditions are not written to Qiskit; use to_qasm")
        name = op["name"]
        if "matrix" in op:
            out.unitary(op["matrix"], qubits)
        elif name == "measure":
            out.measure(qubits[0], op["bit"])
        elif name == "delay":
            out.delay(op["seconds"], qubits[0], unit="s")
        elif name == "reset":
            out.reset(qubits[0])
        elif name == "barrier":
            out.barrier(qubits)
        elif name == "gphase":
            out.global_phase += params[0]
        else:
            gate = _gate(known, name, params)
            out.append(gate.control(op["controls"]) if op.get("controls") else gate, qubits)
    return out


def _gate(known: dict, name: str, params: list):
    from qiskit.circuit import library

    others = {"c3x": "C3XGate", "c3sqrtx": "C3SXGate", "c4x": "C4XGate", "u2": "U2Gate", "rccx": "RCCXGate", "dcx": "DCXGate"}
    if name in known:
        return type(known[name])(*params) if params else known[name].to_mutable()
    if name in others:
        return getattr(library, others[name])(*params)
    raise CircuitError(f"Qiskit has no gate {name}; use to_qasm")


__all__ = ["Converted", "from_qiskit", "gates", "to_qiskit"]
