"""States of circuits whose angles are formulas of their parameters, by Qiskit's own circuits (made with qiskit 2.6.2).

    python tests/reference/qasm_formula.py      writes tests/reference/qasm_formula.json, which tests/it/qasm reads

Each case is what `qiskit.qasm3.dumps` writes, values of its inputs in the order of their declaration, and the state that
`Statevector` has for them: no text is read. The feature maps are those of Qiskit's circuit library.
"""

import json
import pathlib
import random
import re

from qiskit import QuantumCircuit, qasm3
from qiskit.circuit import Parameter, ParameterVector
from qiskit.circuit.library import pauli_feature_map, zz_feature_map
from qiskit.quantum_info import Statevector

HERE = pathlib.Path(__file__).resolve().parent


def own():
    x, w = ParameterVector("x", 3), Parameter("w")
    circuit = QuantumCircuit(2)
    circuit.h([0, 1])
    circuit.rx(x[0] * x[1] + w, 0)
    circuit.ry((x[0] ** 2).sin() / (w + 2), 1)
    circuit.rz(x[2].exp() * 2 - 1, 0)
    circuit.cp(x[0].arctan() + x[1].cos() * x[2].tan(), 0, 1)
    circuit.rx((x[0].arcsin() - x[1].arccos()) * (x[2] + 3).log(), 1)
    circuit.ry(2 ** x[1] + x[2] / 3, 0)
    return circuit


def main():
    draw = random.Random(0)
    maps = [
        zz_feature_map(2, reps=2),
        zz_feature_map(3, reps=1, entanglement="linear"),
        pauli_feature_map(3, reps=1, paulis=["Z", "YY", "ZXZ"]),
        own(),
    ]
    cases = []
    for circuit in maps:
        text = qasm3.dumps(circuit)
        values = {parameter: round(draw.uniform(-0.9, 0.9), 6) for parameter in circuit.parameters}
        named = {re.sub(r"[^A-Za-z0-9]", "", parameter.name): value for parameter, value in values.items()}
        order = re.findall(r"input float\[64\] (\w+);", text)
        angles = [named[re.sub(r"_", "", name)] for name in order]
        state = Statevector(circuit.assign_parameters(values)).data
        cases.append({"text": text, "angles": angles, "state": [[z.real, z.imag] for z in state]})
    lines = ",\n".join(json.dumps(case) for case in cases)
    (HERE / "qasm_formula.json").write_text("[\n" + lines + "\n]\n")


if __name__ == "__main__":
    main()
