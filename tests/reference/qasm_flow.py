"""Distributions of random circuits with control flow, by Qiskit's own circuits (made with qiskit 2.6.2, qiskit-aer
0.18.2).

    python tests/reference/qasm_flow.py         writes tests/reference/qasm_flow.json, which tests/it/qasm reads

Each case is what `qiskit.qasm3.dumps` writes of a circuit with if, else, switch, for, while, break, continue, variables
and expressions of measured bits, and the exact distribution of its classical bits. It is computed here, by branches, on
Qiskit's circuit data and gate matrices: no text is read. Every fifth circuit also runs on Aer, whose counts must agree
with it within five standard deviations.
"""

import io
import json
import math
import pathlib
import random

import numpy as np
from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister, qasm3
from qiskit.circuit import Clbit, library as lib
from qiskit.circuit.classical import expr, types
from qiskit_aer import AerError, AerSimulator

HERE = pathlib.Path(__file__).resolve().parent
COUNT = 300
# Below this a branch is nothing.
NOTHING = 1e-14


def matrix_on(matrix, qubits, state, total):
    """A matrix on some qubits of a state, the first least significant."""
    count = len(qubits)
    tensor = state.reshape([2] * total)
    axes = [total - 1 - q for q in reversed(qubits)]
    tensor = np.moveaxis(tensor, axes, range(count))
    shape = tensor.shape
    tensor = (matrix @ tensor.reshape(2**count, -1)).reshape(shape)
    return np.moveaxis(tensor, range(count), axes).reshape(-1)


class Exact:
    """All histories of a circuit, those with the same bits and variables as a list of states."""

    def __init__(self, circuit):
        self.circuit = circuit
        self.total = circuit.num_qubits
        self.qubit = {q: k for k, q in enumerate(circuit.qubits)}
        self.bit = {b: k for k, b in enumerate(circuit.clbits)}

    def distribution(self):
        start = np.zeros(2**self.total, complex)
        start[0] = 1
        branches = {((0,) * len(self.circuit.clbits), ()): [start]}
        left = self.block(self.circuit, branches, self.qubit, self.bit)
        out = {}
        for (bits, _), states in left["next"].items():
            key = sum(b << k for k, b in enumerate(bits))
            out[key] = out.get(key, 0.0) + sum(np.vdot(s, s).real for s in states)
        return out

    @staticmethod
    def add(into, key, states):
        into.setdefault(key, []).extend(states)

    def merge(self, branches):
        """Few states stand for many: an ensemble of n states has a density matrix of rank 2^qubits at most."""
        out = {}
        for key, states in branches.items():
            states = [s for s in states if np.vdot(s, s).real > NOTHING]
            if len(states) > 2**self.total:
                q, r, _ = np.linalg.svd(np.array(states).T, full_matrices=False)
                states = [q[:, k] * r[k] for k in range(len(r)) if r[k] ** 2 > NOTHING]
            if states:
                out[key] = states
        return out

    def block(self, circuit, branches, qubit, bit):
        left = {"next": branches, "break": {}, "continue": {}}
        for item in circuit.data:
            found = self.item(item, self.merge(left["next"]), qubit, bit)
            left["next"] = found.get("next", {})
            for way in ("break", "continue"):
                for key, states in found.get(way, {}).items():
                    self.add(left[way], key, states)
        return left

    def item(self, item, branches, qubit, bit):
        op = item.operation
        name = op.name
        qubits = [qubit[q] for q in item.qubits]
        bits = [bit[b] for b in item.clbits]
        out = {}
        if name in ("break_loop", "continue_loop"):
            return {name.split("_")[0]: branches}
        if name == "barrier":
            return {"next": branches}
        if name == "measure":
            for (values, vars_), states in branches.items():
                for outcome in (0, 1):
                    projector = np.diag([1 - outcome, outcome]).astype(complex)
                    new = list(values)
                    new[bits[0]] = outcome
                    part = [matrix_on(projector, qubits, s, self.total) for s in states]
                    self.add(out, (tuple(new), vars_), part)
            return {"next": out}
        if name == "reset":
            kraus = [np.array([[1, 0], [0, 0]]), np.array([[0, 1], [0, 0]])]
            for key, states in branches.items():
                self.add(out, key, [matrix_on(k, qubits, s, self.total) for s in states for k in kraus])
            return {"next": out}
        if name == "store":
            for (values, vars_), states in branches.items():
                scope = dict(vars_)
                value = self.value(op.rvalue, values, scope, bit)
                if isinstance(op.lvalue.var, Clbit):
                    new = list(values)
                    new[bit[op.lvalue.var]] = int(value)
                    self.add(out, (tuple(new), vars_), states)
                    continue
                scope[op.lvalue.name] = int(value)
                self.add(out, (values, tuple(sorted(scope.items()))), states)
            return {"next": out}
        if name in ("if_else", "switch_case", "while_loop", "for_loop"):
            return self.flow(item, branches, qubit, bit)
        matrix = op.to_matrix()
        for key, states in branches.items():
            out[key] = [matrix_on(matrix, qubits, s, self.total) for s in states]
        return {"next": out}

    def inner(self, item, body, branches, qubit, bit):
        inner_qubit = {inner: qubit[outer] for inner, outer in zip(body.qubits, item.qubits)}
        inner_bit = dict(bit)
        inner_bit.update({inner: bit[outer] for inner, outer in zip(body.clbits, item.clbits)})
        return self.block(body, branches, inner_qubit, inner_bit)

    def flow(self, item, branches, qubit, bit):
        op = item.operation
        out = {"next": {}, "break": {}, "continue": {}}

        def join(found):
            for way, part in found.items():
                for key, states in part.items():
                    self.add(out[way], key, states)

        if op.name == "if_else":
            split = {True: {}, False: {}}
            for key, states in branches.items():
                split[bool(self.test(op.condition, key, bit))][key] = states
            then, other = (list(op.blocks) + [None])[:2]
            join(self.inner(item, then, split[True], qubit, bit))
            join(self.inner(item, other, split[False], qubit, bit) if other is not None else {"next": split[False]})
        elif op.name == "switch_case":
            blocks = list(op.cases_specifier())
            split = [{} for _ in blocks]
            for key, states in branches.items():
                value = self.test(op.target, key, bit)
                for at, (values, _) in enumerate(blocks):
                    if any(not isinstance(v, (int, bool)) or int(v) == int(value) for v in values):
                        split[at][key] = states
                        break
                else:
                    self.add(out["next"], key, states)
            for (_, body), part in zip(blocks, split):
                join(self.inner(item, body, part, qubit, bit))
        elif op.name == "for_loop":
            indices, parameter, body = op.params
            rest, done = branches, {}
            for index in indices:
                part = body if parameter is None else body.assign_parameters({parameter: index})
                found = self.inner(item, part, rest, qubit, bit)
                for key, states in found["break"].items():
                    self.add(done, key, states)
                rest = found["next"]
                for key, states in found["continue"].items():
                    self.add(rest, key, states)
                rest = self.merge(rest)
            join({"next": rest})
            join({"next": done})
        else:
            rest = branches
            while rest:
                again = {}
                for key, states in rest.items():
                    if self.test(op.condition, key, bit):
                        again[key] = states
                    else:
                        self.add(out["next"], key, states)
                found = self.inner(item, op.blocks[0], again, qubit, bit)
                join({"next": found["break"]})
                rest = found["next"]
                for key, states in found["continue"].items():
                    self.add(rest, key, states)
                rest = self.merge(rest)
        return out

    def test(self, condition, key, bit):
        values, vars_ = key
        if isinstance(condition, tuple):
            left, right = condition
            if isinstance(left, Clbit):
                return values[bit[left]] == int(right)
            return sum(values[bit[b]] << k for k, b in enumerate(left)) == int(right)
        if isinstance(condition, Clbit):
            return values[bit[condition]]
        if isinstance(condition, ClassicalRegister):
            return sum(values[bit[b]] << k for k, b in enumerate(condition))
        return self.value(condition, values, dict(vars_), bit)

    def value(self, node, values, scope, bit):
        if isinstance(node, expr.Value):
            return int(node.value)
        if isinstance(node, expr.Var):
            if isinstance(node.var, Clbit):
                return values[bit[node.var]]
            if isinstance(node.var, ClassicalRegister):
                return sum(values[bit[b]] << k for k, b in enumerate(node.var))
            return scope[node.name]
        width = node.type.width if isinstance(node.type, types.Uint) else 1
        if isinstance(node, expr.Cast):
            inner = self.value(node.operand, values, scope, bit)
            return int(inner != 0) if isinstance(node.type, types.Bool) else inner & (2**width - 1)
        if isinstance(node, expr.Unary):
            inner = self.value(node.operand, values, scope, bit)
            return int(not inner) if node.op == expr.Unary.Op.LOGIC_NOT else ~inner & (2**width - 1)
        if isinstance(node, expr.Index):
            target = self.value(node.target, values, scope, bit)
            return target >> self.value(node.index, values, scope, bit) & 1
        left, right = (self.value(x, values, scope, bit) for x in (node.left, node.right))
        ops = expr.Binary.Op
        return int({
            ops.BIT_AND: lambda: left & right, ops.BIT_OR: lambda: left | right, ops.BIT_XOR: lambda: left ^ right,
            ops.LOGIC_AND: lambda: left and right, ops.LOGIC_OR: lambda: left or right,
            ops.EQUAL: lambda: left == right, ops.NOT_EQUAL: lambda: left != right, ops.LESS: lambda: left < right,
            ops.LESS_EQUAL: lambda: left <= right, ops.GREATER: lambda: left > right,
            ops.GREATER_EQUAL: lambda: left >= right, ops.SHIFT_LEFT: lambda: left << right & (2**width - 1),
            ops.SHIFT_RIGHT: lambda: left >> right, ops.ADD: lambda: left + right & (2**width - 1),
            ops.SUB: lambda: left - right & (2**width - 1), ops.MUL: lambda: left * right & (2**width - 1),
        }[node.op]())


class Maker:
    """One random circuit."""

    def __init__(self, seed):
        self.draw = random.Random(seed)
        self.qr = QuantumRegister(3, "q")
        self.cr = [ClassicalRegister(2, "c"), ClassicalRegister(3, "d")]
        self.qc = QuantumCircuit(self.qr, *self.cr)
        self.vars = []
        if self.draw.random() < 0.5:
            self.vars.append(self.qc.add_var("a", expr.lift(self.draw.randrange(8), types.Uint(4))))
        if self.draw.random() < 0.3:
            self.vars.append(self.qc.add_var("b", expr.lift(self.draw.randrange(4), types.Uint(4))))
        self.flag = self.qc.add_var("flag", expr.lift(False)) if self.draw.random() < 0.3 else None

    def bits(self):
        return [b for register in self.cr for b in register]

    def make(self):
        for q in self.qr:
            self.qc.h(q)
        self.steps(self.draw.randrange(5, 9), 0, False)
        for k in range(3):
            self.qc.measure(self.qr[k], self.cr[1][k])
        return self.qc

    def uint(self, depth=0):
        """An expression of type uint[2], uint[3] or uint[4] and its width."""
        choice = self.draw.random()
        if self.vars and choice < 0.5:
            left, width = self.draw.choice(self.vars), 4
        else:
            register = self.draw.choice(self.cr)
            left, width = expr.lift(register), register.size
        if depth < 1 and self.draw.random() < 0.5:
            right = expr.lift(self.draw.randrange(2**width), types.Uint(width))
            # Sums of registers are left out: their type is uint in Qiskit and bit in the text.
            ops = [expr.bit_and, expr.bit_or, expr.bit_xor]
            if left in self.vars:
                ops += [expr.add, expr.sub, expr.mul]
            left = self.draw.choice(ops)(left, right)
        return left, width

    def boolean(self, depth=0):
        choice = self.draw.randrange(7 if depth < 2 else 3)
        if choice == 0:
            return expr.lift(self.draw.choice(self.bits()))
        if choice == 1:
            return self.flag if self.flag is not None else expr.lift(self.draw.choice(self.bits()))
        if choice == 2:
            value, width = self.uint()
            right = expr.lift(self.draw.randrange(2**width), types.Uint(width))
            ops = [expr.equal, expr.not_equal, expr.less, expr.less_equal, expr.greater, expr.greater_equal]
            return self.draw.choice(ops)(value, right)
        if choice == 3:
            return expr.logic_not(self.boolean(depth + 1))
        ops = [expr.logic_and, expr.logic_or, expr.bit_xor]
        return self.draw.choice(ops)(self.boolean(depth + 1), self.boolean(depth + 1))

    def condition(self):
        choice = self.draw.randrange(3)
        if choice == 0:
            return (self.draw.choice(self.bits()), self.draw.randrange(2))
        if choice == 1:
            register = self.draw.choice(self.cr)
            return (register, self.draw.randrange(2**register.size))
        return self.boolean()

    def gate(self):
        a, b, _ = self.draw.sample(list(self.qr), 3)
        angle = round(self.draw.uniform(-3, 3), 3)
        name = self.draw.choice(["h", "x", "t", "sx", "rx", "ry", "rz", "cx", "cz", "cp", "swap"])
        if name in ("rx", "ry", "rz"):
            getattr(self.qc, name)(angle, a)
        elif name == "cp":
            self.qc.cp(angle, a, b)
        elif name in ("cx", "cz", "swap"):
            getattr(self.qc, name)(a, b)
        else:
            getattr(self.qc, name)(a)

    def steps(self, count, depth, loop):
        for _ in range(count):
            self.step(depth, loop)

    def step(self, depth, loop):
        kind = self.draw.choice(["gate", "gate", "measure", "measure", "store", "if", "if", "switch", "for", "while"])
        if depth >= 2 and kind in ("if", "switch", "for", "while"):
            kind = "gate"
        if kind == "gate":
            self.gate()
        elif kind == "measure":
            self.qc.measure(self.draw.choice(list(self.qr)), self.draw.choice(self.bits()))
        elif kind == "store":
            if self.vars and self.draw.random() < 0.7:
                variable = self.draw.choice(self.vars)
                op = self.draw.choice([expr.add, expr.sub, expr.bit_xor, expr.mul])
                self.qc.store(variable, op(variable, expr.lift(self.draw.randrange(1, 8), types.Uint(4))))
            elif self.flag is not None:
                self.qc.store(self.flag, self.boolean())
            else:
                self.gate()
        elif kind == "if":
            with self.qc.if_test(self.condition()) as otherwise:
                self.steps(self.draw.randrange(1, 4), depth + 1, loop)
                if loop and self.draw.random() < 0.3:
                    self.qc.break_loop() if self.draw.random() < 0.5 else self.qc.continue_loop()
            if self.draw.random() < 0.5:
                with otherwise:
                    self.steps(self.draw.randrange(1, 3), depth + 1, loop)
        elif kind == "switch":
            target, width = self.uint(1)
            with self.qc.switch(target) as case:
                for value in self.draw.sample(range(2**width), 2):
                    with case(value):
                        self.steps(self.draw.randrange(1, 3), depth + 1, False)
                if self.draw.random() < 0.5:
                    with case(case.DEFAULT):
                        self.steps(1, depth + 1, False)
        elif kind == "for":
            with self.qc.for_loop(self.draw.choice([range(2), range(3), (0, 3)])):
                self.steps(self.draw.randrange(1, 3), depth + 1, True)
        else:
            # Ends with probability 1/2 each round, at least.
            bit, qubit = self.draw.choice(self.bits()), self.draw.choice(list(self.qr))
            with self.qc.while_loop((bit, 1)):
                self.gate()
                self.qc.reset(qubit)
                self.qc.ry(round(self.draw.uniform(0.2, 1.4), 3), qubit)
                self.qc.measure(qubit, bit)


def main():
    cases = []
    seed, judged = 0, 0
    while len(cases) < COUNT:
        seed += 1
        circuit = Maker(seed).make()
        text = io.StringIO()
        qasm3.Exporter().dump(circuit, text)
        exact = Exact(circuit).distribution()
        assert abs(sum(exact.values()) - 1) < 1e-9, (seed, sum(exact.values()))
        if len(cases) % 5 == 0:
            shots = 20000
            try:
                run = AerSimulator(seed_simulator=seed, max_parallel_threads=1).run(circuit, shots=shots).result()
            except (AerError, AttributeError):
                run = None
            # Aer 0.18 refuses variables of type bool, sums of integers ("unknown op") and some nested blocks ("invalid cbit index").
            if run is not None and run.success:
                judged += 1
                counts = {int(key.replace(" ", ""), 2): n for key, n in run.get_counts().items()}
                for key in set(counts) | set(exact):
                    p = exact.get(key, 0.0)
                    deviation = abs(counts.get(key, 0) - shots * p)
                    assert deviation <= 5 * math.sqrt(shots * max(p * (1 - p), 1 / shots)), (seed, key, p, counts)
        distribution = {str(k): round(p, 12) for k, p in sorted(exact.items()) if p > 1e-13}
        cases.append({"text": text.getvalue(), "distribution": distribution})
    lines = ",\n".join(json.dumps(case) for case in cases)
    (HERE / "qasm_flow.json").write_text("[\n" + lines + "\n]\n")
    print(len(cases), "cases,", judged, "of them by Aer")


if __name__ == "__main__":
    main()
