"""qgraft beside other simulators on wide circuits, in one run on one thread: `wide.py --program P [--rounds R] [--limit S] [CASE…]`.

Prints a Markdown table: median seconds from the built circuit to the value, the fastest other tool, how many times as fast qgraft is,
and the goal. Of others processor time counts. Of qgraft it is the least of five times on the clock, or the least processor time of the
whole program if that is less, which has reading, planning and printing in it: ratios err against qgraft. Tools take turns within a round, so that a busy moment meets all of them. A tool that cannot run a case (its noise, its
gates) is left out of it, one that needs more processor time than the limit reads so. Values are printed on stderr; they differ where tools cut
by other rules.

    cargo build --release
    pip install pauli-prop bloqade-ppvm propaq monoprop prism-q stim quimb qiskit qiskit-aer

All of them are under the Apache licence or MIT's, which allow measuring.

Circuits: `kicked` is that of examples/circuits/kicked_ising.qasm; `layers` has RY of the inputs 1.5 sin(0.7 i + 0.1), then layers of RY
by scale · cos(0.9 (l n + i) + 0.3) and a chain of CZ; `bricks` random U3 and CX on neighbours in turn; `clifford` random gates. Depolarizing
of p is ρ → (1 - p) ρ + p tr(ρ) I/2ⁿ behind every gate. qgraft's time is what `qgraft simulate --json` states, without reading and
planning; peers are timed likewise, circuits built.
"""

import argparse
import json
import math
import os
import pathlib
import random
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time

os.environ |= {f"{name}_NUM_THREADS": "1" for name in ("OMP", "MKL", "OPENBLAS", "RAYON", "NUMBA", "PRISM", "monoprop")}
# Seconds after which a run is not repeated within a round.
LONG = 5
ROOT = pathlib.Path(__file__).resolve().parents[2]
PAULI = ["pauli-prop", "ppvm", "propaq", "monoprop", "prism-q"]


# ------------------------------------------------------------------ circuits: lists of (gate, qubits, angle)

def kicked(steps, theta):
    text = (ROOT / "examples/circuits/kicked_ising.qasm").read_text().split("pairs = {")[1].split("};")[0]
    pairs = [[int(a), int(b)] for a, b in re.findall(r"\{(\d+), (\d+)\}", text)]
    step = [("rx", [q], theta) for q in range(127)] + [("rzz", pair, -math.pi / 2) for pair in pairs]
    return 127, step * steps


def layers(qubits, depth, scale):
    gates = [("ry", [i], 1.5 * math.sin(0.7 * i + 0.1)) for i in range(qubits)]
    for layer in range(depth):
        gates += [("ry", [i], scale * math.cos(0.9 * (layer * qubits + i) + 0.3)) for i in range(qubits)]
        gates += [("cz", [i, i + 1], None) for i in range(qubits - 1)]
    return qubits, gates


def bricks(qubits, depth):
    draw, gates = random.Random(7), []
    angle = lambda: draw.uniform(-math.pi, math.pi)
    for layer in range(depth):
        for q in range(qubits):
            gates += [("rz", [q], angle()), ("ry", [q], angle()), ("rz", [q], angle())]
        gates += [("cx", [q, q + 1], None) for q in range(layer % 2, qubits - 1, 2)]
    return qubits, gates


def clifford(qubits, depth):
    draw, gates = random.Random(1), []
    for _ in range(depth):
        gates += [(draw.choice(["h", "s", "sdg", "x"]), [q], None) for q in range(qubits)]
        order = draw.sample(range(qubits), qubits)
        gates += [(draw.choice(["cx", "cz"]), order[k:k + 2], None) for k in range(0, qubits - 1, 2)]
    return qubits, gates


# title, circuit, observable's qubits, kind, cut / bond / shots, noise, tools, arguments of qgraft, goal
DEPOLARIZING = {1: 0.001, 2: 0.01}
SPARSE = ["--engine", "sparse", "--cut"]
CASES = [
    (f"127 qubits, 5 kicked Ising steps, θ = {theta}, exact", lambda theta=theta: kicked(5, theta), [62], "pauli", 0.0, {}, PAULI, [], 15)
    for theta in (0.7, 1.0)
] + [
    ("5 steps without cones, θ = 0.7, cut 1e-4", lambda: kicked(5, 0.7), [62], "pauli", 1e-4, {}, PAULI, SPARSE, 3),
    ("20 steps, θ = 0.5, cut 1e-4", lambda: kicked(20, 0.5), [62], "pauli", 1e-4, {}, PAULI, SPARSE, 3),
    ("20 steps, θ = 0.7, cut 1e-3", lambda: kicked(20, 0.7), [62], "pauli", 1e-3, {}, PAULI, SPARSE, 5),
    ("20 steps, θ = 0.7, cut 1e-3, depolarizing", lambda: kicked(20, 0.7), [62], "pauli", 1e-3, {"depol": DEPOLARIZING}, PAULI, SPARSE, 20),
    ("50 qubits, 8 layers, cut 1e-4", lambda: layers(50, 8, 1.2), [25], "pauli", 1e-4, {}, PAULI, SPARSE, 4),
    ("50 qubits, 8 layers, cut 1e-4, depolarizing", lambda: layers(50, 8, 1.2), [25], "pauli", 1e-4, {"depol": DEPOLARIZING}, PAULI, SPARSE, 4),
    ("50 qubits, 8 layers, cut 1e-4, amplitude damping", lambda: layers(50, 8, 1.2), [25], "pauli", 1e-4, {"damp": DEPOLARIZING}, PAULI, SPARSE, 4),
    ("100 qubits, 4 layers, sum of Z", lambda: layers(100, 4, 1.2), range(100), "pauli", 1e-4, {}, PAULI, [], 3),
    ("Clifford, 1,000 qubits, 10 layers, 1,000 shots", lambda: clifford(1000, 10), [], "clifford", 1000, {}, ["stim", "prism-q", "aer"],
     ["--engine", "stabilizer", "--shots"], 1),
    ("Clifford, 1,000 qubits, 100 layers, 1,000 shots", lambda: clifford(1000, 100), [], "clifford", 1000, {}, ["stim", "prism-q", "aer"],
     ["--engine", "stabilizer", "--shots"], 1),
    ("chain, 50 qubits, 10 layers, bond 32", lambda: bricks(50, 10), [25], "mps", 32, {}, ["aer", "quimb", "prism-q"],
     ["--engine", "mps", "--most-bond"], 1.5),
    ("chain, 50 qubits, 20 layers, bond 64", lambda: bricks(50, 20), [25], "mps", 64, {}, ["aer", "quimb", "prism-q"],
     ["--engine", "mps", "--most-bond"], 2),
]


def qasm(qubits, gates, measure=False):
    lines = ["OPENQASM 2.0;", 'include "qelib1.inc";', f"qreg q[{qubits}];"] + [f"creg c[{qubits}];"] * measure
    for name, on, angle in gates:
        lines.append(f"{name}{'' if angle is None else f'({angle!r})'} {','.join(f'q[{q}]' for q in on)};")
    return "\n".join(lines + ["measure q -> c;"] * measure)


def channels(gates, noise):
    """Gates with the noise behind each of them."""
    out = []
    for gate in gates:
        out.append(gate)
        width = len(gate[1])
        if "depol" in noise:
            out.append((f"depolarize{width}", gate[1], noise["depol"][width]))
        if "damp" in noise:
            out += [("damp", [q], noise["damp"][width]) for q in gate[1]]
    return out


def native(gates):
    """RZZ by -π/2 as CZ and S†."""
    for gate in gates:
        if gate[0] == "rzz" and abs(gate[2] + math.pi / 2) < 1e-12:
            yield "cz", gate[1], None
            yield from (("sdg", [q], None) for q in gate[1])
        else:
            yield gate


# ------------------------------------------------------------------ tools: each returns what is timed, which returns a value

def qgraft(case, program):
    _, build, on, kind, number, noise, _, arguments, _ = case
    qubits, gates = build()
    folder = pathlib.Path(tempfile.mkdtemp())
    (folder / "circuit.qasm").write_text(qasm(qubits, gates, kind == "clifford"))
    words = [program, "simulate", folder / "circuit.qasm", "--threads", 1, "--json", *arguments]
    words += [repr(number) if kind == "pauli" else number] if arguments else []
    for q in [on] if on else []:
        words += ["--observable", " + ".join(f"Z{k}" for k in q)]
    if noise:
        entry = lambda width: {"depol": noise["depol"][width]} if "depol" in noise else {"relax": [relaxation(noise["damp"][width])] * width}
        if "damp" in noise:
            listed = {" ".join([name, *map(str, at)]): entry(len(at)) for name, at, _ in gates}
            (folder / "noise.json").write_text(json.dumps({"channels": listed}))
        else:
            (folder / "noise.json").write_text(json.dumps({"one_qubit_gates": entry(1), "two_qubit_gates": entry(2)}))
        words += ["--noise", folder / "noise.json"]

    def used():
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return children.ru_utime + children.ru_stime

    def run():
        begun = used()
        ran = subprocess.run([str(word) for word in words], capture_output=True, text=True)
        if ran.returncode != 0:
            raise RuntimeError(ran.stderr.strip())
        found = json.loads(ran.stdout)
        return found["expectations"], min(found["seconds"], used() - begun)

    def least():
        found = [run() for _ in range(5)]
        return (found[0][0] or [None])[0], min(seconds for _, seconds in found)
    return least


def relaxation(damp):
    """T1, T2 and time of amplitude damping: T2 = 2 T1."""
    t1 = -1.0 / math.log(1 - damp)
    return [t1, 2 * t1, 1.0]


def pauli_prop(qubits, gates, on, cut, noise):
    import numpy as np
    from pauli_prop import propagation
    from qiskit import QuantumCircuit
    from qiskit.quantum_info import PauliList, SparsePauliOp
    from qiskit_aer.noise import PauliLindbladError
    circuit = QuantumCircuit(qubits)
    strings = {1: ["X", "Y", "Z"], 2: [a + b for a in "IXYZ" for b in "IXYZ"][1:]}
    for name, at, angle in native(channels(gates, noise)):
        if name == "damp":
            raise NotImplementedError("Pauli noise alone")
        if name.startswith("depolarize"):
            rate = -math.log(1 - angle) / 4 ** len(at)
            circuit.append(PauliLindbladError(PauliList(strings[len(at)]), [rate] * len(strings[len(at)])), at)
        else:
            getattr(circuit, name)(*([] if angle is None else [angle]), *at)
    operator = SparsePauliOp.from_sparse_list([("Z", [q], 1.0) for q in on], qubits)
    cliffords, rest = propagation.evolve_through_cliffords(circuit)
    rotations = propagation.circuit_to_rotation_gates(rest)

    def run():
        out, _ = propagation.propagate_through_rotation_gates(operator, rotations, 1 << 22, max(cut, 1e-14), "h")
        state = out.paulis.evolve(cliffords, frame="h") if len(out) else out.paulis
        z = ~state.x.any(axis=1)
        sign = np.where((state.phase[z] - (state.x[z] & state.z[z]).sum(axis=1)) % 4 == 2, -1.0, 1.0)
        return float((out.coeffs.real[z] * sign).sum())
    return run


def ppvm(qubits, gates, on, cut, noise):
    from ppvm import PauliSum
    calls = {"cx": "cnot", "sdg": "s_dag"}
    grouped = []
    # Gates and Pauli noise of a kind become one call. Rotations do not: a call is truncated once, at its end.
    for name, at, angle in reversed(list(native(channels(gates, noise)))):
        if grouped and grouped[-1][0] == name and grouped[-1][2] == angle and (angle is None or name.startswith("depolarize")):
            grouped[-1][1].extend(at)
        else:
            grouped.append((name, list(at), angle))

    def run():
        total = PauliSum.new(qubits, [(f"Z{q}", 1.0) for q in on], min_abs_coeff=max(cut, 1e-14))
        for name, at, angle in grouped:
            if name == "depolarize1":
                total.depolarize1(at, p=0.75 * angle)
            elif name == "depolarize2":
                total.depolarize2(at, p=angle * 15 / 16)
            elif name == "damp":
                total.amplitude_damping(at[0], angle)
            elif angle is not None:
                getattr(total, name)(at, theta=angle)
            else:
                getattr(total, calls.get(name, name))(at)
        return total.overlap_with_zero()
    return run


def propaq(qubits, gates, on, cut, noise):
    from propaq import CoefficientTruncator, PauliCircuit, PauliPropagator, PauliRotation, PauliString, PauliTermSum
    from propaq.datatypes.abstract import BitMask
    if noise:
        raise NotImplementedError("noise by weight alone")
    rotation = lambda x, z, angle: PauliRotation(PauliString(BitMask(x), BitMask(z), qubits), angle)
    steps = []
    for name, at, angle in gates:
        bits = sum(1 << q for q in at)
        if name == "cz":
            steps += [rotation(0, 1 << q, math.pi / 2) for q in at] + [rotation(0, bits, -math.pi / 2)]
        else:
            steps.append(rotation(bits if name in ("rx", "ry") else 0, bits if name in ("ry", "rz", "rzz") else 0, angle))
    circuit = PauliCircuit(steps)
    terms = PauliTermSum({PauliString(BitMask(0), BitMask(1 << q), qubits): 1.0 for q in on})
    engine = PauliPropagator(truncation=[CoefficientTruncator(max(cut, 1e-14))], n_threads=1, pin_threads=False)
    return lambda: engine.expectation_value(terms, circuit).expectation_value


def monoprop(qubits, gates, on, cut, noise):
    from monoprop import Circuit, ExpGate, Pauli, PauliOperator, PauliPropagator
    if noise:
        raise NotImplementedError("no noise")
    steps, angles = [], []

    def rotation(letters, at, angle):
        steps.append(ExpGate(PauliOperator({Pauli(letters, tuple(at)): 1.0}, qubits)))
        angles.append(-angle / 2)
    for name, at, angle in gates:
        if name == "cz":
            rotation("Z", at[:1], math.pi / 2), rotation("Z", at[1:], math.pi / 2), rotation("ZZ", at, -math.pi / 2)
        else:
            rotation({"rx": "X", "ry": "Y", "rz": "Z", "rzz": "ZZ"}[name], at, angle)
    circuit = Circuit(steps, qubits, angles)
    operator = PauliOperator({Pauli("Z", (q,)): 1.0 for q in on}, qubits)

    def run():
        engine = PauliPropagator(operator, [], cutoff=qubits, lower_atol=cut)
        engine.propagate(circuit)
        return float(engine.expectation_value())
    return run


def prism_builder(qubits, gates, noise, measure=False):
    import prism_q
    builder = prism_q.CircuitBuilder(qubits, qubits) if measure else prism_q.CircuitBuilder(qubits)
    events, index = [], -1
    for name, at, angle in native(channels(gates, noise)):
        if name == "depolarize1":
            events.append((index, prism_q.NoiseChannel.depolarizing(0.75 * angle), at))
        elif name == "depolarize2":
            events.append((index, prism_q.NoiseChannel.two_qubit_depolarizing(angle * 15 / 16), at))
        elif name == "damp":
            events.append((index, prism_q.NoiseChannel.amplitude_damping(angle), at))
        else:
            getattr(builder, name)(*([] if angle is None else [angle]), *at)
            index += 1
    return builder, events


def prism_pauli(qubits, gates, on, cut, noise):
    import prism_q
    builder, events = prism_builder(qubits, gates, noise)
    circuit = builder.build()
    simulation = prism_q.simulate(circuit).seed(1)
    if events:
        model = prism_q.NoiseModel.empty(circuit)
        for event in events:
            model.add_event(*event)
        simulation = simulation.backend(prism_q.BackendKind.pauli_path(cut, 1)).noise(model)
    else:
        simulation = simulation.backend(prism_q.BackendKind.deterministic_pauli(cut, 1))
    return lambda: float(sum(simulation.expectation_values([[(q, "Z")] for q in on])))


def stim(qubits, gates, shots):
    import stim
    circuit = stim.Circuit()
    for name, at, _ in gates:
        circuit.append({"sdg": "S_DAG"}.get(name, name.upper()), at)
    circuit.append("M", range(qubits))
    return lambda: float(circuit.compile_sampler(seed=1).sample(shots).mean())


def prism_clifford(qubits, gates, shots):
    import numpy
    import prism_q
    circuit = prism_builder(qubits, gates, {}, True)[0].measure_all().build()
    return lambda: float(numpy.mean(prism_q.CompiledSampler(circuit, 1, None).sample(shots)))


def aer_clifford(qubits, gates, shots):
    from qiskit import QuantumCircuit
    from qiskit_aer import AerSimulator
    circuit = QuantumCircuit.from_qasm_str(qasm(qubits, gates, True))
    engine = AerSimulator(method="stabilizer", max_parallel_threads=1)
    return lambda: engine.run(circuit, shots=shots, seed_simulator=1).result().get_counts() and None


def aer_chain(qubits, gates, on, bond):
    from qiskit import QuantumCircuit
    from qiskit.quantum_info import SparsePauliOp
    from qiskit_aer import AerSimulator
    import qiskit_aer.library  # noqa: F401, which adds save_expectation_value
    circuit = QuantumCircuit.from_qasm_str(qasm(qubits, gates))
    circuit.save_expectation_value(SparsePauliOp.from_sparse_list([("Z", [q], 1.0) for q in on], qubits), range(qubits))
    engine = AerSimulator(method="matrix_product_state", matrix_product_state_max_bond_dimension=bond, max_parallel_threads=1)
    return lambda: float(engine.run(circuit).result().data()["expectation_value"])


def quimb(qubits, gates, on, bond):
    import quimb
    import quimb.tensor
    z = quimb.pauli("Z")

    def run():
        circuit = quimb.tensor.CircuitMPS(qubits, max_bond=bond, cutoff=1e-14)
        for name, at, angle in gates:
            circuit.apply_gate(name.upper(), *([] if angle is None else [angle]), *at)
        return sum(float(circuit.local_expectation(z, [q]).real) for q in on)
    return run


def prism_chain(qubits, gates, on, bond):
    import prism_q
    circuit = prism_builder(qubits, gates, {})[0].build()
    simulation = prism_q.simulate(circuit).seed(1).backend(prism_q.BackendKind.mps(bond))
    return lambda: float(sum(simulation.expectation_values_reported([[(q, "Z")] for q in on]).values))


TOOLS = {
    "pauli": {"pauli-prop": pauli_prop, "ppvm": ppvm, "propaq": propaq, "monoprop": monoprop, "prism-q": prism_pauli},
    "clifford": {"stim": stim, "prism-q": prism_clifford, "aer": aer_clifford},
    "mps": {"aer": aer_chain, "quimb": quimb, "prism-q": prism_chain},
}


def peer(tool, case):
    _, build, on, kind, number, noise, *_ = case
    given = (number,) if kind == "clifford" else (on, number, noise) if kind == "pauli" else (on, number)
    run = TOOLS[kind][tool](*build(), *given)

    def timed():
        begun = time.process_time()
        value = run()
        return value, time.process_time() - begun
    return timed


def measure(number, tool, program, limit):
    """The median of three times, of one if it is long, in a process of its own, as {"value", "seconds"} on stdout."""
    used = int(time.process_time()) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (used + limit, used + limit))
    run = qgraft(CASES[number], program) if tool == "qgraft" else peer(tool, CASES[number])
    times = []
    while len(times) < 3 and sum(times) < LONG:
        value, seconds = run()
        times.append(seconds)
    print(json.dumps({"value": value, "seconds": statistics.median(times)}))


def words(seconds):
    scale, unit = next((s, u) for s, u in ((1, "s"), (1e3, "ms"), (1e6, "µs")) if seconds * s >= 1 or u == "µs")
    return f"{seconds * scale:.3g} {unit}"


def main():
    options = argparse.ArgumentParser()
    options.add_argument("--program", default=ROOT / "target/release/qgraft")
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--limit", type=int, default=60, help="seconds of processor time for a tool to build and run a case")
    options.add_argument("--wait", type=float, default=1000, help="seconds on the clock after which a tool is ended")
    options.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    options.add_argument("cases", nargs="*", help="words of the names of cases; all by default")
    options = options.parse_args()
    if options.measure:
        return measure(int(options.measure[0]), options.measure[1], options.program, options.limit)
    print("| case | qgraft | others | times as fast | goal |\n|---|---|---|---|---|", flush=True)
    for number, case in enumerate(CASES):
        title, tools, goal = case[0], case[6], case[8]
        if options.cases and not any(word in title for word in options.cases):
            continue
        found, out = {}, {}
        for _ in range(options.rounds):
            for tool in ["qgraft", *tools]:
                if tool in out:
                    continue
                again = [sys.executable, __file__, "--program", options.program, "--limit", options.limit, "--measure", number, tool]
                try:
                    ran = subprocess.run([str(w) for w in again], capture_output=True, text=True, timeout=options.wait)
                    line = json.loads(ran.stdout) if ran.returncode == 0 else None
                    if ran.returncode < 0:
                        out[tool] = f"over {options.limit} s"
                    elif line is None:
                        out[tool] = (ran.stderr.strip().splitlines() or ["?"])[-1][:160]
                    else:
                        found.setdefault(tool, []).append(line["seconds"])
                        print(f"{title}: {tool} {line['value']} in {line['seconds']:.4g} s", file=sys.stderr, flush=True)
                except subprocess.TimeoutExpired:
                    out[tool] = "ended unfinished"
        for tool, why in out.items():
            print(f"{title}: {tool}: {why}", file=sys.stderr, flush=True)
        medians = {tool: statistics.median(times) for tool, times in found.items()}
        own = medians.pop("qgraft", None)
        others = sorted(medians.items(), key=lambda pair: pair[1])
        listed = [f"{words(seconds)} {tool}" for tool, seconds in others]
        listed += [f"{why} {tool}" for tool, why in out.items() if why.startswith(("over", "ended"))]
        ratio = others[0][1] / own if own and others else None
        shown = "–" if ratio is None else f"{ratio:.3g}" if ratio >= goal else f"**{ratio:.3g}**"
        print(f"| {title} | {words(own) if own else '–'} | {', '.join(listed)} | {shown} | {goal} |", flush=True)


main()
