"""What Qiskit makes of a suite of circuits on synthetic targets: level 3, five seeds.

Writes transpile.json beside this file: targets (links with errors), circuits (name, operands, angles) and, for every
pair of them, Qiskit's two-qubit gate counts, estimated success probabilities and times, one per seed.

    python tests/reference/transpile.py            # Qiskit 2.6.2
"""

import json
import math
import random
import time
from pathlib import Path

import qiskit
from qiskit import QuantumCircuit
from qiskit.circuit import Measure
from qiskit.circuit.library import CXGate, CZGate, ECRGate, RZGate, SXGate, XGate
from qiskit.circuit import Parameter
from qiskit.transpiler import CouplingMap, InstructionProperties, Target, generate_preset_pass_manager

SEEDS = range(5)
GATES = {"cx": CXGate, "cz": CZGate, "ecr": ECRGate}


def target(links, qubits, gate, both, seed):
    """Links with log-normal errors around those of today's devices."""
    rng = random.Random(seed)
    error = lambda middle: float(f"{min(0.3, middle * math.exp(0.5 * rng.gauss(0, 1))):.3g}")
    edges = []
    for a, b in links:
        value = error(6e-3)
        a, b = (b, a) if rng.random() < 0.5 else (a, b)
        edges += [[a, b, value]] + ([[b, a, value]] if both else [])
    return {
        "qubits": qubits,
        "gate": gate,
        "edges": edges,
        "single_error": [error(2.5e-4) for _ in range(qubits)],
        "readout_error": [error(1.2e-2) for _ in range(qubits)],
    }


def undirected(coupling):
    return sorted({(min(a, b), max(a, b)) for a, b in coupling.get_edges()})


def targets():
    grid = undirected(CouplingMap.from_grid(4, 4))
    falcon = [(0, 1), (1, 2), (1, 4), (2, 3), (3, 5), (4, 7), (5, 8), (6, 7), (7, 10), (8, 9), (8, 11), (10, 12),
              (11, 14), (12, 13), (12, 15), (13, 14)]
    heavy = CouplingMap.from_heavy_hex(7)
    return {
        "line of 10, cz": target(undirected(CouplingMap.from_line(10)), 10, "cz", True, 1),
        "grid 4x4, cx both ways": target(grid, 16, "cx", True, 2),
        "falcon of 16, cx one way": target(falcon, 16, "cx", False, 3),
        "heavy hex of 115, ecr one way": target(undirected(heavy), heavy.size(), "ecr", False, 4),
        "heavy hex of 115, cz": target(undirected(heavy), heavy.size(), "cz", True, 5),
    }


def ghz(n):
    return [["h", [0], []]] + [["cx", [0, k], []] for k in range(1, n)]


def qft(n):
    ops = []
    for k in reversed(range(n)):
        ops.append(["h", [k], []])
        ops += [["cp", [j, k], [math.pi / 2 ** (k - j)]] for j in reversed(range(k))]
    return ops + [["swap", [k, n - 1 - k], []] for k in range(n // 2)]


def ring_ansatz(n, layers, angle):
    ops = []
    for _ in range(layers):
        for q in range(n):
            ops += [[g, [q], [angle()]] for g in ("rx", "ry", "rx")]
        ops += [["cx", [q, (q + 1) % n], []] for q in range(n)]
    return ops


def qaoa(edges, n, layers, angle):
    ops = [["h", [q], []] for q in range(n)]
    for _ in range(layers):
        gamma, beta = angle(), angle()
        ops += [["rzz", [a, b], [gamma]] for a, b in edges] + [["rx", [q], [beta]] for q in range(n)]
    return ops


def layered(n, layers, rng):
    ops = []
    for _ in range(layers):
        ops += [["u", [q], [round(rng.uniform(-3, 3), 6) for _ in range(3)]] for q in range(n)]
        order = rng.sample(range(n), n)
        ops += [["cx", [order[k], order[k + 1]], []] for k in range(0, n - 1, 2)]
    return ops


def table_gates(n, count, rng):
    """Gates of many kinds, as in a circuit someone wrote by hand."""
    kinds = {"h": (1, 0), "t": (1, 0), "sx": (1, 0), "ry": (1, 1), "rz": (1, 1), "cx": (2, 0), "cz": (2, 0),
             "cp": (2, 1), "rzz": (2, 1), "crx": (2, 1), "swap": (2, 0), "iswap": (2, 0), "ccx": (3, 0)}
    ops = []
    for _ in range(count):
        name = rng.choice(list(kinds))
        qubits, angles = kinds[name]
        ops.append([name, rng.sample(range(n), qubits), [round(rng.uniform(-3, 3), 6) for _ in range(angles)]])
    return ops


def circuits():
    rng = random.Random(7)
    angle = lambda: round(rng.uniform(-3, 3), 6)
    names = iter(f"a{k}" for k in range(10**6))
    slot = lambda: next(names)
    ring = lambda n: [(k, (k + 1) % n) for k in range(n)]
    cubic = [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5), (5, 6), (6, 7), (7, 0), (0, 4), (1, 5), (2, 6), (3, 7)]
    return {
        "ghz 5": (5, ghz(5)),
        "ghz 8": (8, ghz(8)),
        "qft 4": (4, qft(4)),
        "qft 8": (8, qft(8)),
        "ring ansatz 4": (4, ring_ansatz(4, 3, angle)),
        "ring ansatz 8": (8, ring_ansatz(8, 3, angle)),
        "ring ansatz 4, slots": (4, ring_ansatz(4, 3, slot)),
        "ring ansatz 8, slots": (8, ring_ansatz(8, 3, slot)),
        "qaoa ring 6": (6, qaoa(ring(6), 6, 2, angle)),
        "qaoa cubic 8": (8, qaoa(cubic, 8, 1, angle)),
        "qaoa cubic 8, slots": (8, qaoa(cubic, 8, 1, slot)),
        "layered 4": (4, layered(4, 8, rng)),
        "layered 8": (8, layered(8, 8, rng)),
        "mixed gates 5": (5, table_gates(5, 40, rng)),
        "mixed gates 9": (9, table_gates(9, 60, rng)),
    }


def to_qiskit(qubits, ops):
    circuit, slots = QuantumCircuit(qubits, qubits), {}
    for name, operands, params in ops:
        values = [slots.setdefault(p, Parameter(p)) if isinstance(p, str) else p for p in params]
        getattr(circuit, name)(*values, *operands)
    circuit.measure(range(qubits), range(qubits))
    return circuit


def to_target(t):
    made = Target(num_qubits=t["qubits"])
    wires = range(t["qubits"])
    made.add_instruction(RZGate(Parameter("x")), {(q,): InstructionProperties(0.0, 0.0) for q in wires})
    for gate in (SXGate(), XGate()):
        made.add_instruction(gate, {(q,): InstructionProperties(32e-9, t["single_error"][q]) for q in wires})
    made.add_instruction(
        GATES[t["gate"]](), {(a, b): InstructionProperties(68e-9, e) for a, b, e in t["edges"]})
    made.add_instruction(Measure(), {(q,): InstructionProperties(1e-6, t["readout_error"][q]) for q in wires})
    return made


def success(circuit, t):
    links = {(a, b): e for a, b, e in t["edges"]}
    value = 1.0
    for step in circuit.data:
        q = [circuit.find_bit(b).index for b in step.qubits]
        match step.operation.name:
            case "sx" | "x":
                value *= 1 - t["single_error"][q[0]]
            case "measure":
                value *= 1 - t["readout_error"][q[0]]
            case "cx" | "cz" | "ecr":
                value *= 1 - links[tuple(q)]
    return value


def main():
    suite, results = circuits(), []
    all_targets = targets()
    for target_name, t in all_targets.items():
        managers = [generate_preset_pass_manager(3, target=to_target(t), seed_transpiler=s) for s in SEEDS]
        managers[0].run(to_qiskit(*suite["qft 4"]))
        for circuit_name, (qubits, ops) in suite.items():
            counts, chances, times, pulses = [], [], [], []
            for manager in managers:
                source = to_qiskit(qubits, ops)
                start = time.perf_counter()
                routed = manager.run(source)
                times.append(round(1e3 * (time.perf_counter() - start), 2))
                names = routed.count_ops()
                counts.append(sum(names.get(g, 0) for g in GATES))
                pulses.append(names.get("sx", 0) + names.get("x", 0))
                chances.append(float(f"{success(routed, t):.5g}"))
            results.append({"target": target_name, "circuit": circuit_name, "two_qubit_gates": counts,
                            "pulses": pulses, "success": chances, "milliseconds": times})
            print(target_name, circuit_name, counts, pulses, chances, times)
    document = {"origin": f"Qiskit {qiskit.__version__}, level 3, seeds 0 to 4; tests/reference/transpile.py",
                "targets": all_targets,
                "circuits": {k: {"qubits": n, "ops": ops} for k, (n, ops) in suite.items()},
                "qiskit": results}
    Path(__file__).with_suffix(".json").write_text(json.dumps(document, separators=(",", ":")) + "\n")


main()
