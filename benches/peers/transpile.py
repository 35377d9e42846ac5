"""Transpilation beside Qiskit: two-qubit gates, depth and time of 87 circuits of 4 to 100 qubits on five shipped devices.

    python benches/peers/transpile.py ROWS.json [--tools qgraft qiskit] [--levels 0 1 2 3] [--targets N] [--only TEXT] [--program P]
    python benches/peers/transpile.py ROWS.json --table

The first form measures what ROWS.json does not hold yet, and appends to it after every circuit; `--again` measures anew. Each
circuit goes to N of the targets that are wide enough (by default all five), in turn. Both programs get the same gates, the couplings
and the basis of noise_models/, and equal errors on all of them: Qiskit's counts do not depend on errors, qgraft weighs them. One
seed. Times are processor time of one thread and leave out reading: the Python packages do both. `--program` counts with a program of
qgraft in place of its package and notes no times.

The table has geometric means of qgraft / Qiskit, so below 1 is better, with a case's two-qubit gates and depth counted as at least 1.

    pip install qiskit==2.6.2 numpy, and the package of python/ built in release
"""

import os

os.environ |= {"RAYON_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "QISKIT_IN_PARALLEL": "TRUE"}

import argparse
import collections
import json
import math
import pathlib
import subprocess
import sys
import tempfile
import time

import numpy as np
from qiskit import QuantumCircuit, qasm2
from qiskit import transpile as lower
from qiskit.circuit import Measure, Parameter
from qiskit.circuit.library import CXGate, CZGate, ECRGate, RZGate, SXGate, XGate
from qiskit.transpiler import InstructionProperties, Target, generate_preset_pass_manager

MODELS = pathlib.Path(__file__).parents[2] / "noise_models"
TARGETS = ["guadalupe", "kolkata", "sherbrooke", "torino", "fez"]
ENTANGLERS = {"cx": CXGate, "cz": CZGate, "ecr": ECRGate}


# Circuits, by kind and size.


def graph(n, draws, degree=3):
    """About degree / 2 edges for each node: a ring and random chords."""
    edges = {(k, (k + 1) % n) for k in range(n)}
    while len(edges) < n * degree // 2:
        a, b = map(int, draws.choice(n, 2, replace=False))
        edges.add((min(a, b), max(a, b)))
    return sorted(edges)


def fourier(n):
    circuit = QuantumCircuit(n)
    for k in reversed(range(n)):
        circuit.h(k)
        for j in reversed(range(k)):
            circuit.cp(math.pi / 2.0 ** (k - j), j, k)
    for k in range(n // 2):
        circuit.swap(k, n - 1 - k)
    return circuit


def ghz(n):
    circuit = QuantumCircuit(n)
    circuit.h(0)
    for k in range(1, n):
        circuit.cx(0, k)
    return circuit


def w_state(n):
    circuit = QuantumCircuit(n)
    circuit.x(n - 1)
    for k in range(n - 1, 0, -1):
        angle = math.acos(math.sqrt(1 / (k + 1)))
        circuit.ry(-angle, k - 1)
        circuit.cz(k, k - 1)
        circuit.ry(angle, k - 1)
    for k in range(n - 2, -1, -1):
        circuit.cx(k, k + 1)
    return circuit


def grover(n):
    """Two rounds that look for all ones; the many controls are written out in cx and u before either program sees them."""
    circuit = QuantumCircuit(n)
    circuit.h(range(n))
    for _ in range(2):
        for between in ("", "hx"):
            for gate in between:
                getattr(circuit, gate)(range(n))
            circuit.h(n - 1)
            circuit.mcx(list(range(n - 1)), n - 1)
            circuit.h(n - 1)
            for gate in reversed(between):
                getattr(circuit, gate)(range(n))
    return lower(circuit, basis_gates=["u", "cx"], optimization_level=0)


def qaoa(n, degree):
    draws = np.random.default_rng(n)
    circuit = QuantumCircuit(n)
    circuit.h(range(n))
    for a, b in graph(n, draws, degree):
        circuit.rzz(0.7, a, b)
    circuit.rx(0.4, range(n))
    return circuit


def ansatz(n, layers):
    circuit = QuantumCircuit(n)
    for layer in range(layers):
        for q in range(n):
            circuit.ry(0.7 + 0.01 * (layer + q), q)
            circuit.rz(0.1 + 0.01 * (layer + q), q)
        for q in range(n):
            circuit.cx(q, (q + 1) % n)
    return circuit


def two_local(n, layers):
    circuit = QuantumCircuit(n)
    for layer in range(layers):
        for q in range(n):
            circuit.ry(0.3 + 0.01 * (layer + q), q)
        for a in range(n):
            for b in range(a + 1, n):
                circuit.cz(a, b)
    return circuit


def adder(n):
    """Cuccaro's ripple adder of two numbers of n / 2 - 1 bits, with carries in and out."""
    bits = n // 2 - 1
    circuit = QuantumCircuit(n)
    carry, a, b, out = 0, range(1, n - 1, 2), range(2, n, 2), n - 1
    a, b = list(a)[:bits], list(b)[:bits]
    chain = [carry, *a]
    for k in range(bits):
        circuit.cx(a[k], b[k])
        circuit.cx(a[k], chain[k])
        circuit.ccx(chain[k], b[k], a[k])
    circuit.cx(a[-1], out)
    for k in reversed(range(bits)):
        circuit.ccx(chain[k], b[k], a[k])
        circuit.cx(a[k], chain[k])
        circuit.cx(chain[k], b[k])
    return circuit


def clifford_t(n, gates):
    draws, circuit = np.random.default_rng(n), QuantumCircuit(n)
    for _ in range(gates):
        a, b = map(int, draws.choice(n, 2, replace=False))
        kind = ["h", "s", "sdg", "t", "tdg", "cx", "cx", "cx"][draws.integers(8)]
        circuit.cx(a, b) if kind == "cx" else getattr(circuit, kind)(a)
    return circuit


def random_pairs(n, gates):
    draws, circuit = np.random.default_rng(n), QuantumCircuit(n)
    for _ in range(gates):
        a, b = map(int, draws.choice(n, 2, replace=False))
        if draws.integers(2):
            circuit.cx(a, b)
        else:
            circuit.u(*draws.uniform(0, 2 * math.pi, 3), a)
    return circuit


def volume(n):
    """Random permutations and gates on pairs in the form of three cx, as many layers as qubits."""
    draws, circuit = np.random.default_rng(n), QuantumCircuit(n)
    turn = lambda q: circuit.u(*draws.uniform(0, 2 * math.pi, 3), q)
    for _ in range(n):
        order = list(map(int, draws.permutation(n)))
        for a, b in zip(order[::2], order[1::2]):
            for _ in range(3):
                turn(a), turn(b)
                circuit.cx(a, b)
            turn(a), turn(b)
    return circuit


def feature_map(n, is_full):
    draws, circuit = np.random.default_rng(n), QuantumCircuit(n)
    x = draws.uniform(0, math.pi, n)
    for _ in range(2):
        for q in range(n):
            circuit.h(q)
            circuit.p(2 * x[q], q)
        for a in range(n):
            for b in range(a + 1, n if is_full else min(a + 2, n)):
                circuit.cx(a, b)
                circuit.p(2 * (math.pi - x[a]) * (math.pi - x[b]), b)
                circuit.cx(a, b)
    return circuit


def ising(n, steps):
    circuit = QuantumCircuit(n)
    for _ in range(steps):
        for q in range(n):
            circuit.rx(0.3, q)
        for q in [*range(0, n - 1, 2), *range(1, n - 1, 2)]:
            circuit.rzz(0.2, q, q + 1)
    return circuit


def heisenberg(side, steps):
    """On a square lattice."""
    circuit = QuantumCircuit(side * side)
    for _ in range(steps):
        for r in range(side):
            for c in range(side):
                for other in ([(r, c + 1)] if c + 1 < side else []) + ([(r + 1, c)] if r + 1 < side else []):
                    pair = r * side + c, other[0] * side + other[1]
                    circuit.rxx(0.1, *pair), circuit.ryy(0.1, *pair), circuit.rzz(0.1, *pair)
    return circuit


def hidden_string(n):
    """Bernstein and Vazirani's, with two ones in three."""
    circuit = QuantumCircuit(n)
    circuit.x(n - 1)
    circuit.h(range(n))
    for q in range(n - 1):
        if q % 3 != 1:
            circuit.cx(q, n - 1)
    circuit.h(range(n - 1))
    return circuit


def phase_estimation(n):
    circuit = QuantumCircuit(n)
    circuit.x(n - 1)
    circuit.h(range(n - 1))
    for k in range(n - 1):
        circuit.cp(2 * math.pi * (0.3141 * 2**k % 1), k, n - 1)
    for k in range((n - 1) // 2):
        circuit.swap(k, n - 2 - k)
    for k in range(n - 1):
        for j in range(k):
            circuit.cp(-math.pi / 2.0 ** (k - j), j, k)
        circuit.h(k)
    return circuit


def swap_test(n):
    circuit, half = QuantumCircuit(n), (n - 1) // 2
    for q in range(1, n):
        circuit.ry(0.1 * q, q)
    circuit.h(0)
    for k in range(half):
        circuit.cswap(0, 1 + k, 1 + half + k)
    circuit.h(0)
    return circuit


KINDS = [
    ("fourier", fourier, [(4,), (8,), (16,), (32,), (64,)]),
    ("ghz", ghz, [(5,), (10,), (20,), (50,), (100,)]),
    ("w state", w_state, [(5,), (12,), (27,), (60,)]),
    ("grover", grover, [(4,), (6,), (8,)]),
    ("qaoa", qaoa, [(6, 3), (10, 3), (16, 3), (26, 3), (50, 3), (100, 3), (8, 5), (16, 8), (24, 12)]),
    ("ansatz", ansatz, [(5, 3), (10, 3), (16, 3), (27, 3), (60, 3), (100, 3)]),
    ("two-local", two_local, [(4, 3), (8, 3), (12, 3), (16, 3)]),
    ("adder", adder, [(6,), (10,), (16,), (26,), (50,), (100,)]),
    ("clifford+t", clifford_t, [(5, 100), (10, 200), (16, 400), (27, 500), (60, 800), (100, 1000)]),
    ("random", random_pairs, [(4, 60), (8, 200), (12, 300), (16, 400), (20, 1000), (50, 1000), (100, 1500)]),
    ("volume", volume, [(4,), (6,), (8,), (10,), (16,), (20,), (27,)]),
    ("feature map", feature_map, [(4, 1), (6, 1), (10, 1), (16, 1), (20, 0), (50, 0)]),
    ("ising", ising, [(10, 3), (26, 3), (64, 3), (100, 3)]),
    ("heisenberg", heisenberg, [(2, 2), (4, 2), (6, 2), (8, 2)]),
    ("hidden string", hidden_string, [(5,), (14,), (27,), (60,), (100,)]),
    ("phase estimation", phase_estimation, [(5,), (10,), (16,)]),
    ("swap test", swap_test, [(5,), (11,), (25,)]),
]
# A lattice has as many qubits as its side squared.
QUBITS = {
    " ".join(map(str, (name, *sizes))): sizes[0] ** (2 if name == "heisenberg" else 1)
    for name, _, all_sizes in KINDS
    for sizes in all_sizes
}
CASES = [(" ".join(map(str, (name, *sizes))), make, sizes) for name, make, all_sizes in KINDS for sizes in all_sizes]


# The two programs: a circuit for a target becomes (two-qubit gates, depth, seconds).


def qiskit_target(model):
    made, wires = Target(num_qubits=model["qubits"]), range(model["qubits"])
    made.add_instruction(RZGate(Parameter("x")), {(q,): InstructionProperties(0.0, 0.0) for q in wires})
    for one in (SXGate(), XGate()):
        made.add_instruction(one, {(q,): InstructionProperties(32e-9, 2.5e-4) for q in wires})
    gate = entangler(model)
    made.add_instruction(ENTANGLERS[gate](), {pair: InstructionProperties(68e-9, 5e-3) for pair in pairs(model)})
    made.add_instruction(Measure(), {(q,): InstructionProperties(1e-6, 0.01) for q in wires})
    return made


def entangler(model):
    return next(gate for gate in ENTANGLERS if gate in model["basis"])


def pairs(model):
    found = [tuple(pair) for pair in model["coupling"]["pairs"]]
    return found + [(b, a) for a, b in found] if model["coupling"].get("both_directions") else found


def equal_errors(model):
    """The device in the format of noise_models/ with equal errors and times."""
    n, one = model["qubits"], {"error": 2.5e-4, "length_ns": 32.0}
    gates = {"sx": one, "x": {"same_as": "sx"}, "id": {"same_as": "sx"}, "rz": {"error": 0.0, "length_ns": 0.0}}
    gates[entangler(model)] = {"error": 5e-3, "length_ns": 68.0, "on": [list(pair) for pair in pairs(model)]}
    kept = ("format", "device", "source", "processor", "qubits", "dt_ns", "coupling", "reset")
    own = {
        "basis": list(gates), "gates": gates, "t1_us": [100.0] * n, "t2_us": [100.0] * n,
        "readout": {"error": [0.01] * n, "length_ns": 1000.0},
    }
    return {name: model[name] for name in kept} | own


class Qiskit:
    def __init__(self, models):
        self.targets = {name: qiskit_target(model) for name, model in models.items()}

    def run(self, circuit, text, name, level):
        manager = generate_preset_pass_manager(level, target=self.targets[name], seed_transpiler=0)
        start = time.process_time()
        made = manager.run(circuit)
        seconds = time.process_time() - start
        return sum(made.count_ops().get(gate, 0) for gate in ENTANGLERS), made.depth(), seconds


class Package:
    def __init__(self, models):
        import qgraft

        self.qgraft = qgraft
        self.devices = {name: qgraft.Device.from_json(json.dumps(equal_errors(model))) for name, model in models.items()}

    def run(self, circuit, text, name, level):
        read = self.qgraft.Circuit.from_qasm(text)
        start = time.process_time()
        made = self.qgraft.transpile(read, self.devices[name], level=level)
        seconds = time.process_time() - start
        return made.two_qubit_gates, made.depth, seconds


class Program:
    def __init__(self, models, path):
        self.path, self.folder = path, tempfile.TemporaryDirectory()
        for name, model in models.items():
            self.file(f"{name}.json").write_text(json.dumps(equal_errors(model)))

    def file(self, name):
        return pathlib.Path(self.folder.name) / name

    def run(self, circuit, text, name, level):
        self.file("circuit.qasm").write_text(text)
        words = [self.path, "transpile", self.file("circuit.qasm"), "--device", self.file(f"{name}.json")]
        ran = subprocess.run([*words, "--level", str(level), "--json"], capture_output=True, text=True)
        if ran.returncode != 0:
            sys.exit(ran.stderr)
        said = json.loads(ran.stdout)
        return said["two_qubit_gates"], said["depth"], None


def measure(options, rows, save):
    models = {name: json.loads((MODELS / f"{name}.json").read_text()) for name in TARGETS}
    made = {"qiskit": Qiskit, "qgraft": Package if options.program is None else lambda m: Program(m, options.program)}
    tools = {tool: made[tool](models) for tool in options.tools}
    for tool in tools.values():  # What a program does once is no part of a time.
        warm = ghz(4)
        warm.measure_all()
        for level in options.levels:
            tool.run(warm, qasm2.dumps(warm), "fez", level)
    for number, (name, make, sizes) in enumerate(CASES):
        if options.only and not any(part in name for part in options.only):
            continue
        circuit = make(*sizes)
        circuit.measure_all()
        text = qasm2.dumps(circuit)
        wide = [target for target in TARGETS if models[target]["qubits"] >= circuit.num_qubits]
        for k in range(min(options.targets, len(wide))):
            target = wide[(number + k) % len(wide)]
            for level in options.levels:
                for tool, program in tools.items():
                    key = f"{name} | {target} | {level} | {tool}"
                    if key not in rows or options.again:
                        rows[key] = program.run(circuit, text, target, level)
        save()


def table(rows):
    found = collections.defaultdict(list)
    for key in rows:
        name, target, level, tool = key.split(" | ")
        theirs = rows.get(f"{name} | {target} | {level} | qiskit")
        if tool == "qgraft" and theirs:
            ratios = [max(own, 1) / max(other, 1) for own, other in zip(rows[key][:2], theirs[:2])]
            is_timed = rows[key][2] is not None and theirs[2] is not None
            found[level].append((*ratios, rows[key][2] / theirs[2] if is_timed else math.nan, name, target, rows[key], theirs))
    mean = lambda values: math.exp(np.mean(np.log(values)))
    print("| level | cases | two-qubit gates | depth | time | slowest in comparison |\n|--:|--:|--:|--:|--:|--:|")
    for level, cases in sorted(found.items()):
        gates, depths, times = ([case[k] for case in cases] for k in range(3))
        print(f"| {level} | {len(cases)} | {mean(gates):.3f} | {mean(depths):.3f} | {mean(times):.3f} | {max(times):.2f} |")
    for k, what in enumerate(["two-qubit gates", "depth", "time"]):
        for level, cases in sorted(found.items()):
            worst = sorted(cases, key=lambda case: -case[k])[:6]
            said = [f"{c[3]} on {c[4]} {c[k]:.2f} ({c[5][k]:.4g} to {c[6][k]:.4g})" for c in worst if c[5][k] is not None]
            print(f"\nWorst {what}, level {level}: " + "; ".join(said))
    print("\nTime by qubits: ", end="")
    for low, high in [(4, 8), (9, 16), (17, 32), (33, 100)]:
        shares = [mean([c[2] for c in cases if low <= QUBITS[c[3]] <= high]) for _, cases in sorted(found.items())]
        print(f"{low} to {high}: " + ", ".join(f"{share:.2f}" for share in shares), end="; ")
    print()
    kinds = collections.defaultdict(lambda: collections.defaultdict(list))
    for level, cases in found.items():
        for case in cases:
            kinds[next(kind for kind, *_ in KINDS if case[3].startswith(kind + " "))][level].append(case)
    levels = sorted(found)
    print("\n| kind | " + " | ".join(f"level {level}: gates, depth" for level in levels) + " |\n|---|" + "--:|" * len(levels))
    for kind, by_level in kinds.items():
        cells = [f"{mean([c[0] for c in by_level[v]]):.2f}, {mean([c[1] for c in by_level[v]]):.2f}" for v in levels]
        print(f"| {kind} | " + " | ".join(cells) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("rows", type=pathlib.Path)
    parser.add_argument("--table", action="store_true")
    parser.add_argument("--tools", nargs="+", default=["qgraft", "qiskit"])
    parser.add_argument("--levels", nargs="+", type=int, default=[0, 1, 2, 3])
    parser.add_argument("--targets", type=int, default=len(TARGETS))
    parser.add_argument("--only", nargs="+")
    parser.add_argument("--program")
    parser.add_argument("--again", action="store_true")
    options = parser.parse_args()
    rows = json.loads(options.rows.read_text()) if options.rows.exists() else {}

    def save():
        lines = ",\n".join(f"{json.dumps(key)}: {json.dumps(value)}" for key, value in rows.items())
        options.rows.write_text("{\n" + lines + "\n}\n")

    if not options.table:
        measure(options, rows, save)
    table(rows)


main()
