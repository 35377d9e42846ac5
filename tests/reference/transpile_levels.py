"""Two-qubit gates that Qiskit's levels 0 to 3 leave of circuits on 4 to 100 qubits, for shipped devices.

Writes transpile_levels.json beside this file. The circuits are built by rules that tests/it/support/level_circuits.rs
repeats, and the targets are read from noise_models/, so that only the counts are kept: the median of three seeds.

    python tests/reference/transpile_levels.py            # Qiskit 2.6.2
"""

import json
import math
import statistics
import time
from pathlib import Path

import qiskit
from qiskit import QuantumCircuit
from qiskit.circuit import Measure, Parameter
from qiskit.circuit.library import CXGate, CZGate, ECRGate, RZGate, SXGate, XGate
from qiskit.transpiler import InstructionProperties, Target, generate_preset_pass_manager

SEEDS = range(3)
GATES = {"cx": CXGate, "cz": CZGate, "ecr": ECRGate}
MODELS = Path(__file__).parents[2] / "noise_models"


class Draws:
    """The generator of Knuth's MMIX, its upper 31 bits."""

    def __init__(self, seed):
        self.state = seed

    def below(self, n):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % n


def random_circuit(n, gates, seed):
    """Equal parts of h, x, sx, t and of cx between any two qubits."""
    draws, circuit = Draws(seed), QuantumCircuit(n, n)
    for _ in range(gates):
        kind, a, b = draws.below(8), draws.below(n), draws.below(n - 1)
        if kind < 4:
            getattr(circuit, ("h", "x", "sx", "t")[kind])(a)
        else:
            circuit.cx(a, b + (b >= a))
    return circuit


def qft(n):
    circuit = QuantumCircuit(n, n)
    for k in reversed(range(n)):
        circuit.h(k)
        for j in reversed(range(k)):
            circuit.cp(math.pi / 2.0 ** (k - j), j, k)
    for k in range(n // 2):
        circuit.swap(k, n - 1 - k)
    return circuit


def ghz(n):
    circuit = QuantumCircuit(n, n)
    circuit.h(0)
    for k in range(1, n):
        circuit.cx(0, k)
    return circuit


def ring(n, layers):
    circuit = QuantumCircuit(n, n)
    for layer in range(layers):
        for q in range(n):
            circuit.rx(0.1 + 0.01 * (layer + q), q)
            circuit.ry(0.7 + 0.01 * (layer + q), q)
        for q in range(n):
            circuit.cx(q, (q + 1) % n)
    return circuit


def qaoa(n):
    """A ring with chords across it."""
    circuit = QuantumCircuit(n, n)
    for q in range(n):
        circuit.h(q)
    for q in range(n):
        circuit.rzz(0.7, q, (q + 1) % n)
    for q in range(n // 2):
        circuit.rzz(0.7, q, q + n // 2)
    for q in range(n):
        circuit.rx(0.4, q)
    return circuit


CASES = [
    ("random 4 60 1", "manila"), ("qft 5", "manila"), ("qaoa 4", "manila"),
    ("random 10 300 2", "guadalupe"), ("qft 12", "guadalupe"), ("ring 16 3", "guadalupe"), ("qaoa 10", "guadalupe"),
    ("random 20 1000 3", "torino"), ("qft 30", "torino"), ("ring 60 2", "torino"), ("qaoa 30", "torino"),
    ("random 50 1000 4", "sherbrooke"), ("ghz 60", "sherbrooke"),
    ("random 100 1500 5", "fez"), ("ghz 100", "fez"), ("ring 100 2", "fez"), ("qaoa 80", "fez"),
]
KINDS = {"random": random_circuit, "qft": qft, "ghz": ghz, "ring": ring, "qaoa": qaoa}


def target(name):
    """All couplings of a device with equal errors: a trivial layout must not meet couplers out of service."""
    model = json.loads((MODELS / f"{name}.json").read_text())
    wires = range(model["qubits"])
    gate = next(g for g in GATES if g in model["basis"])
    pairs = [tuple(pair) for pair in model["coupling"]["pairs"]]
    if model["coupling"].get("both_directions"):
        pairs += [(b, a) for a, b in pairs]
    made = Target(num_qubits=model["qubits"])
    made.add_instruction(RZGate(Parameter("x")), {(q,): InstructionProperties(0.0, 0.0) for q in wires})
    for one in (SXGate(), XGate()):
        made.add_instruction(one, {(q,): InstructionProperties(32e-9, 2.5e-4) for q in wires})
    made.add_instruction(GATES[gate](), {pair: InstructionProperties(68e-9, 5e-3) for pair in pairs})
    made.add_instruction(Measure(), {(q,): InstructionProperties(1e-6, 0.01) for q in wires})
    return made


def main():
    rows = []
    targets = {name: target(name) for _, name in CASES}
    for case, device in CASES:
        kind, *numbers = case.split()
        counts = []
        for level in range(4):
            found, start = [], time.perf_counter()
            for seed in SEEDS:
                circuit = KINDS[kind](*map(int, numbers))
                circuit.measure(range(circuit.num_qubits), range(circuit.num_qubits))
                manager = generate_preset_pass_manager(level, target=targets[device], seed_transpiler=seed)
                names = manager.run(circuit).count_ops()
                found.append(sum(names.get(g, 0) for g in GATES))
            counts.append(statistics.median(found))
            print(case, device, level, found, f"{(time.perf_counter() - start) / len(SEEDS):.2f} s each", flush=True)
        rows.append({"circuit": case, "device": device, "two_qubit_gates": counts})
    origin = f"Qiskit {qiskit.__version__}, levels 0 to 3, median of seeds 0 to 2; tests/reference/transpile_levels.py"
    lines = ",\n".join(json.dumps(row) for row in rows)
    Path(__file__).with_suffix(".json").write_text(f'{{"origin": "{origin}", "rows": [\n{lines}\n]}}\n')


main()
