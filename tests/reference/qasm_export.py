"""Whether other programs read what `qgraft convert` writes, and make the same of it.

    pip install qiskit==2.6.2 openqasm3[parser]==1.0.1 qiskit-qasm3-import==0.6.0
    python tests/reference/qasm_export.py target/release/qgraft

For each of the texts in qasm_flow.json: the parser of the package openqasm3 reads `convert --to qasm3`, qiskit-qasm3-import
reads `convert --to qasm3-qiskit`, and the exact distribution of the circuit that it makes is that of the file. Nothing is
written; the counts are in docs/openqasm.md.
"""

import json
import pathlib
import subprocess
import sys
import tempfile

import openqasm3
from qiskit_qasm3_import import parse

from qasm_flow import HERE, Exact


def of_register(circuit, distribution, name):
    """The distribution of one register."""
    register = next(r for r in circuit.cregs if r.name == name)
    bits = [circuit.find_bit(bit).index for bit in register]
    found = {}
    for outcome, p in distribution.items():
        value = sum((outcome >> bit & 1) << k for k, bit in enumerate(bits))
        found[value] = found.get(value, 0.0) + p
    return found


def main():
    program = sys.argv[1]
    cases = json.loads((HERE / "qasm_flow.json").read_text())
    parsed = imported = equal = 0
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "case.qasm"
        for k, case in enumerate(cases):
            path.write_text(case["text"])
            texts = {}
            for form in ("qasm3", "qasm3-qiskit"):
                command = [program, "convert", str(path), "--to", form]
                texts[form] = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            openqasm3.parse(texts["qasm3"])
            openqasm3.parse(texts["qasm3-qiskit"])
            parsed += 1
            try:
                circuit = parse(texts["qasm3-qiskit"])
            except Exception as error:
                print(k, "is not imported:", error)
                continue
            imported += 1
            found = of_register(circuit, Exact(circuit).distribution(), "c")
            expected = {int(key): p for key, p in case["distribution"].items()}
            gap = max(abs(found.get(key, 0.0) - expected.get(key, 0.0)) for key in set(found) | set(expected))
            equal += gap < 1e-9
            if gap >= 1e-9:
                print(k, "differs by", gap)
    print(len(cases), "texts:", parsed, "parsed by openqasm3,", imported, "imported by Qiskit,", equal, "equal")


main()
