"""Fake backends as a Qiskit target and as IBM's two documents, cut down to their first qubits.

Writes targets.json beside this file: for each backend the document that the lines of docs/hardware.md make of its
target, its properties and its configuration. The documents are cut to the first qubits, and to the keys that are read.

    python tests/reference/targets.py     # Qiskit 2.6.2, qiskit-ibm-runtime 0.51.0
"""

import json
import re
import tempfile
from pathlib import Path

from qiskit.transpiler import Target
from qiskit_ibm_runtime.fake_provider import FakeManilaV2, FakeSherbrooke, FakeTorino

HERE = Path(__file__).parent
PAGE = (HERE / "../../docs/hardware.md").read_text()
LINES = next(code for code in re.findall(r"```python\n(.*?)```", PAGE, re.S) if "backend.target" in code)
CONFIGURATION = ("backend_name", "n_qubits", "basis_gates", "coupling_map", "supported_instructions", "dt",
                 "timing_constraints", "processor_type")


class Part:
    """The first qubits of a backend."""

    def __init__(self, backend, count):
        self.name, whole = backend.name, backend.target
        self.target = Target(num_qubits=count, dt=whole.dt, granularity=whole.granularity, min_length=whole.min_length,
                             pulse_alignment=whole.pulse_alignment, acquire_alignment=whole.acquire_alignment,
                             qubit_properties=whole.qubit_properties[:count])
        for name in whole.operation_names:
            rows = {q: row for q, row in whole[name].items() if q is None or max(q) < count}
            operation = whole.operation_from_name(name)
            if None in rows:
                self.target.add_instruction(operation, name=name)
            else:
                self.target.add_instruction(operation, rows, name=name)


def target(backend, count, folder):
    file = folder / "target.json"
    exec(LINES.replace('"target.json"', repr(str(file))), {"backend": Part(backend, count)})
    return json.loads(file.read_text())


def cut(record, keys):
    return [{key: entry[key] for key in keys if key in entry} for entry in record]


def documents(backend, count):
    properties, configuration = backend.properties().to_dict(), backend.configuration().to_dict()
    gates = [row for row in properties["gates"] if max(row["qubits"]) < count]
    props = {
        "backend_name": properties["backend_name"],
        "last_update_date": str(properties["last_update_date"]),
        "qubits": [cut(records, ("name", "value", "unit")) for records in properties["qubits"][:count]],
        "gates": [{"gate": row["gate"], "qubits": row["qubits"],
                   "parameters": cut(row["parameters"], ("name", "value", "unit"))} for row in gates],
    }
    conf = {key: configuration[key] for key in CONFIGURATION if key in configuration}
    conf["n_qubits"] = count
    conf["coupling_map"] = [pair for pair in conf["coupling_map"] if max(pair) < count]
    return props, conf


def main():
    cases = {}
    with tempfile.TemporaryDirectory() as folder:
        for backend, count in [(FakeManilaV2(), 5), (FakeSherbrooke(), 16), (FakeTorino(), 16)]:
            props, conf = documents(backend, count)
            cases[backend.name] = {"target": target(backend, count, Path(folder)), "props": props, "conf": conf}
    text = ",\n".join(f"{json.dumps(name)}: {json.dumps(case, sort_keys=True)}" for name, case in cases.items())
    (HERE / "targets.json").write_text(f"{{{text}}}\n")


main()
