"""What Qiskit's OpenQASM 2 reader makes of random texts, operation by operation (made with qiskit 2.6.2).

    python tests/reference/qasm_reader.py       writes tests/reference/qasm_reader.json, which tests/it/qasm reads

qasm.json compares what circuits do; this compares what they say: name, angles, qubits, bits, condition. Gates are those
of qelib1.inc as Qiskit reads it.
"""

import json
import pathlib
import random

from qiskit import qasm2

HERE = pathlib.Path(__file__).resolve().parent
QUBITS = 5
# Name: (qubits, angles).
GATES = {
    "id": (1, 0), "x": (1, 0), "y": (1, 0), "z": (1, 0), "h": (1, 0), "s": (1, 0), "sdg": (1, 0), "t": (1, 0),
    "tdg": (1, 0), "sx": (1, 0), "sxdg": (1, 0), "rx": (1, 1), "ry": (1, 1), "rz": (1, 1), "p": (1, 1), "u1": (1, 1),
    "u2": (1, 2), "u3": (1, 3), "u": (1, 3), "cx": (2, 0), "cy": (2, 0), "cz": (2, 0), "ch": (2, 0), "swap": (2, 0),
    "crx": (2, 1), "cry": (2, 1), "crz": (2, 1), "cp": (2, 1), "cu1": (2, 1), "rxx": (2, 1), "rzz": (2, 1),
    "ccx": (3, 0), "cswap": (3, 0), "c3x": (4, 0), "c4x": (5, 0),
}
ANGLES = ["0.1", "1.5e-3", "-2", "pi", "pi/2", "-3*pi/4", "2*pi-0.25", "(1+2)*pi/8", "sin(0.5)", "2^3/7", "sqrt(2)"]


def text(draw):
    lines = ["OPENQASM 2.0;", 'include "qelib1.inc";', f"qreg a[{QUBITS - 2}];", "qreg b[2];", "creg c[3];", "creg d[2];"]
    qubits = [f"a[{k}]" for k in range(QUBITS - 2)] + ["b[0]", "b[1]"]
    bits = ["c[0]", "c[1]", "c[2]", "d[0]", "d[1]"]
    for _ in range(30):
        order = draw.sample(qubits, QUBITS)
        choice = draw.randrange(9)
        if choice == 0:
            lines.append(f"measure {order[0]} -> {draw.choice(bits)};")
        elif choice == 1:
            lines.append("measure b -> d;")
        elif choice == 2:
            lines.append(f"reset {draw.choice([order[0], 'a'])};")
        elif choice == 3:
            lines.append(f"barrier {draw.choice([','.join(order[:3]), 'a,b', 'b'])};")
        elif choice == 4:
            lines.append(f"{draw.choice(['h', 'x', 'sx'])} {draw.choice(['a', 'b'])};")
        else:
            name, (width, angles) = draw.choice(list(GATES.items()))
            values = "(" + ",".join(draw.choice(ANGLES) for _ in range(angles)) + ")" if angles else ""
            register, size = draw.choice([("c", 3), ("d", 2)])
            test = f"if({register}=={draw.randrange(2 ** size)}) " if choice == 5 else ""
            lines.append(f"{test}{name}{values} {','.join(order[:width])};")
    return "\n".join(lines) + "\n"


def operations(circuit):
    """[name, angles, qubits, bits, [[tested bits], value] or null]"""
    qubit = {q: k for k, q in enumerate(circuit.qubits)}
    bit = {c: k for k, c in enumerate(circuit.clbits)}
    found = []
    for item in circuit.data:
        operation, condition = item.operation, None
        qubits, bits = [qubit[q] for q in item.qubits], [bit[c] for c in item.clbits]
        if operation.name == "if_else":
            register, value = operation.condition
            condition = [[bit[c] for c in register], int(value)]
            [inner] = operation.blocks[0].data
            index = {q: k for k, q in enumerate(operation.blocks[0].qubits)}
            qubits, operation, bits = [qubits[index[q]] for q in inner.qubits], inner.operation, []
        found.append([operation.name, [float(p) for p in operation.params], qubits, bits, condition])
    return found


def main():
    draw = random.Random(5)
    cases = []
    for _ in range(40):
        source = text(draw)
        circuit = qasm2.loads(source, custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS)
        cases.append({"text": source, "operations": operations(circuit)})
    path = HERE / "qasm_reader.json"
    path.write_text("[\n" + ",\n".join(json.dumps(case) for case in cases) + "\n]\n")


if __name__ == "__main__":
    main()
