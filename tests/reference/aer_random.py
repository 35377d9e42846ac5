"""Random native circuits with delays and resets in their midst, as Qiskit Aer 0.18.2 runs them.

Writes tests/reference/aer_random.json in the format of ibm_noise/cases. Needs qiskit 2.6.2, qiskit-aer 0.18.2,
qiskit-ibm-runtime 0.51.0:

    python tests/reference/aer_random.py
"""

import json
import pathlib

import numpy as np
from qiskit import QuantumCircuit
from qiskit_aer import AerSimulator
from qiskit_aer.noise import NoiseModel
from qiskit_ibm_runtime.fake_provider import FakeProviderForBackendV2

HERE = pathlib.Path(__file__).parent
# Three connected qubits of each; kingston 146 has neither T1 nor T2.
PLACES = {
    "manila": [[0, 1, 2], [2, 3, 4]],
    "oslo": [[4, 5, 6], [0, 1, 3]],
    "guadalupe": [[1, 4, 7], [11, 14, 13]],
    "kolkata": [[22, 25, 24], [0, 1, 4]],
    "sherbrooke": [[18, 14, 0], [62, 63, 64]],
    "torino": [[0, 1, 2], [60, 61, 62]],
    "fez": [[0, 1, 2], [100, 101, 102]],
    "boston": [[0, 1, 2], [80, 81, 82]],
    "kingston": [[145, 146, 147]],
}


def circuit(backend, qubits, draw):
    """Operations on physical qubits as (name, qubits, parameters or duration)."""
    basis = set(backend.operation_names)
    two = next(name for name in ("cx", "ecr", "cz") if name in basis)
    edges = [tuple(e) for e in backend.target[two] if set(e) <= set(qubits)]
    ops = []
    for _ in range(26):
        kind = draw.choice(["one", "one", "two", "two", "delay", "reset"], p=[0.3, 0.2, 0.2, 0.15, 0.1, 0.05])
        q = int(draw.choice(qubits))
        if kind == "one":
            name = str(draw.choice(["sx", "x", "rz", "id"]))
            ops.append({"name": name, "qubits": [q]})
            if name == "rz":
                ops[-1]["params"] = [float(draw.uniform(-3, 3))]
        elif kind == "two":
            ops.append({"name": two, "qubits": [int(x) for x in edges[draw.integers(len(edges))]]})
        elif kind == "delay":
            ops.append({"name": "delay", "qubits": [q], "duration": int(draw.integers(1, 400)) * 16, "unit": "dt"})
        else:
            ops.append({"name": "reset", "qubits": [q]})
    return ops


def build(ops, width):
    built = QuantumCircuit(width)
    for op in ops:
        if op["name"] == "delay":
            built.delay(op["duration"], op["qubits"][0], unit=op["unit"])
        else:
            getattr(built, op["name"])(*op.get("params", []), *op["qubits"])
    return built


def confused(density, errors):
    """Outcome probabilities with symmetric readout errors; bit k belongs to the k-th qubit."""
    p = np.real(np.diag(density))
    for k, error in enumerate(errors):
        flipped = p[np.arange(p.size) ^ (1 << k)]
        p = (1 - error) * p + error * flipped
    return p


def main():
    cases = []
    for name, places in PLACES.items():
        backend = FakeProviderForBackendV2().backend(f"fake_{name}")
        model = NoiseModel.from_backend(backend)
        for number, qubits in enumerate(places):
            draw = np.random.default_rng([len(name), qubits[0], number])
            ops = circuit(backend, qubits, draw)
            run = build(ops, backend.num_qubits)
            run.save_density_matrix(qubits)
            density = AerSimulator(method="density_matrix", noise_model=model).run(run).result().data()["density_matrix"].data
            errors = [backend.target["measure"][(q,)].error for q in qubits]
            ops += [{"name": "measure", "qubits": [q], "clbits": [k]} for k, q in enumerate(qubits)]
            cases.append({
                "id": f"{name}_random{number}", "device": name, "ops": ops, "qubits": qubits,
                "expected": {
                    "clbits": len(qubits),
                    "density_matrix": {"re": density.real.tolist(), "im": density.imag.tolist()},
                    "probabilities": confused(density, errors).tolist(),
                },
            })
            print(cases[-1]["id"], np.trace(density).real, flush=True)
    (HERE / "aer_random.json").write_text(json.dumps({"tool": "qiskit-aer 0.18.2", "cases": cases}) + "\n")


if __name__ == "__main__":
    main()
