"""Reference values for the OpenQASM reader and writers, by Qiskit (made with qiskit 2.6.2, qiskit-aer 0.18.2).

    python tests/reference/qasm.py                  writes tests/reference/qasm.json, which tests/it/qasm reads
    cargo run --no-default-features --example qasm_exports -- DIR
    python tests/reference/qasm.py --check DIR      imports every export in DIR into Qiskit and compares

Each case is a text, angles for its inputs, and what Qiskit makes of the circuit: the final statevector (qubit 0 least
significant, measurements at the end left out) or, where measurements or resets are in the middle, the normalised
density matrix for each outcome of the classical bits. Where Qiskit cannot read the text (loops, constants, modifiers)
the circuit is built by hand here, so that the reference is always independent of our reader.
"""

import json
import math
import pathlib
import random
import re
import sys

import numpy as np
from qiskit import QuantumCircuit, qasm2, qasm3
from qiskit.circuit import library as lib
from qiskit.quantum_info import Statevector
from qiskit.transpiler.passes import UnrollForLoops

ROOT = pathlib.Path(__file__).resolve().parents[2]
HEAD2 = 'OPENQASM 2.0;\ninclude "qelib1.inc";\n'
HEAD3 = 'OPENQASM 3.0;\ninclude "stdgates.inc";\n'


def load(text):
    if "OPENQASM 2" in text:
        acos = qasm2.CustomClassical("acos", 1, math.acos)
        return qasm2.loads(text, custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS, custom_classical=[acos])
    return UnrollForLoops()(qasm3.loads(text))


def bind(circuit, text, angles):
    """Inputs in the order of the text; Qiskit sorts its parameters by name."""
    names = [line.split()[2].rstrip(";") for line in text.splitlines() if line.startswith("input float")]
    by_name = {p.name: p for p in circuit.parameters}
    return circuit.assign_parameters({by_name[n]: a for n, a in zip(names, angles) if n in by_name})


def is_dynamic(circuit):
    measured = set()
    for item in circuit.data:
        name = item.operation.name
        if name in ("reset", "if_else") or getattr(item.operation, "condition", None):
            return True
        if name == "measure":
            measured.add(item.qubits[0])
        elif name != "barrier" and measured & set(item.qubits):
            return True
    return False


def flat(values):
    """Real and imaginary parts in turn; what is below 1e-17 is zero."""
    out = []
    for z in np.asarray(values).ravel():
        for part in (float(z.real), float(z.imag)):
            out.append(0.0 if abs(part) < 1e-17 else part)
    return out


def expected(circuit):
    if not is_dynamic(circuit):
        return {"state": flat(Statevector(circuit.remove_final_measurements(inplace=False)).data)}
    from qiskit import transpile
    from qiskit_aer import AerSimulator

    run = circuit.copy()
    run.save_density_matrix(label="rho", conditional=True)
    simulator = AerSimulator(method="density_matrix", seed_simulator=5)
    data = simulator.run(transpile(run, simulator, optimization_level=0), shots=4000).result().data()
    return {"outcomes": {str(int(key, 16)): flat(np.asarray(rho)) for key, rho in data["rho"].items()}}


def angles_for(text):
    count = sum(line.startswith("input float") for line in text.splitlines())
    count += sum(int(size) for size in re.findall(r"^input array\[float\[64\], (\d+)\]", text, re.M))
    return [round(0.1 + 0.37 * k % 3.0, 3) for k in range(count)]


# --- circuits/ -------------------------------------------------------------------------------------------------------


def by_hand(name, angles):
    """Circuits whose text Qiskit cannot read."""
    if name == "qaoa_ring":
        qc = QuantumCircuit(5)
        qc.h(range(5))
        for gamma, beta in (angles[:2], angles[2:]):
            for i in range(5):
                qc.rzz(gamma, i, (i + 1) % 5)
            qc.rx(2 * beta, range(5))
        return qc
    if name == "ghz":
        qc = QuantumCircuit(6)
        qc.h(0)
        for i in range(1, 6):
            qc.cx(i - 1, i)
        return qc
    if name == "grover":
        qc = QuantumCircuit(3)
        qc.h(range(3))
        for _ in range(2):
            qc.x(1)
            qc.ccz(0, 1, 2)
            qc.x(1)
            qc.h(range(3))
            qc.x(range(3))
            qc.ccz(0, 1, 2)
            qc.x(range(3))
            qc.h(range(3))
        return qc
    if name == "phase_estimation":
        qc = QuantumCircuit(5)
        qc.x(4)
        qc.h(range(4))
        for k in range(4):
            qc.cp(2 * math.pi * 5 / 16 * 2**k, k, 4)
        qc.compose(lib.QFTGate(4).inverse(), range(4), inplace=True)
        return qc
    if name == "ising_trotter":
        qc = QuantumCircuit(4)
        for _ in range(3):
            for i in range(3):
                qc.rzz(-2 * angles[0], i, i + 1)
            qc.rx(-2 * angles[1], range(4))
        return qc
    if name == "own_head":
        qc = QuantumCircuit(3)
        x, w = angles[:3], angles[3:]
        for k in range(2):
            for i in range(3):
                qc.ry(2 * x[i], i)
                qc.rz(w[3 * k + i], i)
            qc.cx(0, 1)
            qc.cx(1, 2)
        return qc
    return None


def from_folder():
    for path in sorted((ROOT / "circuits").glob("*.qasm")):
        text = path.read_text()
        angles = angles_for(text)
        circuit = by_hand(path.stem, angles)
        if circuit is None:
            circuit = bind(load(text), text, angles)
        yield {"name": path.stem, "file": f"circuits/{path.name}", "angles": angles, **expected(circuit)}


# --- in the style of QASMBench ---------------------------------------------------------------------------------------


def written():
    yield "deutsch", HEAD2 + "qreg q[2]; creg c[2]; x q[1]; h q[0]; h q[1]; cx q[0],q[1]; h q[0]; measure q[0]->c[0];"
    yield "iswap_by_cx", HEAD2 + "qreg q[2]; u2(0,pi) q[0]; s q; h q[0]; cx q[0],q[1]; cx q[1],q[0]; h q[1];"
    yield "toffoli", HEAD2 + "qreg a[1];qreg b[2]; x a; h b[0]; ccx a[0],b[0],b[1]; cz b[1],a[0]; tdg b;"
    yield "fredkin", HEAD2 + "qreg q[3]; x q[0]; h q[1]; t q[1]; cswap q[0],q[1],q[2];"
    yield "lpn", HEAD2 + "qreg q[5]; h q; cx q[0],q[4]; cx q[2],q[4]; barrier q[0],q[1],q[2]; h q;"
    yield "wstate_u", HEAD2 + (
        "gate f(x) a,b { ry(-x) b; cz a,b; ry(x) b; } qreg q[3]; x q[2]; f(acos(sqrt(1/3))) q[2],q[1];"
        "f(acos(sqrt(1/2))) q[1],q[0]; cx q[1],q[2]; cx q[0],q[1];"
    )
    yield "expressions", HEAD2 + (
        "qreg q[2]; rx(2*pi/3^2) q[0]; ry(-pi/4+sin(0.3)*cos(.7)) q[1]; rz(exp(1)-ln(2.)+sqrt(2)) q[0];"
        "u3(tan(0.4),-(1+2)*1.5e-1,2-3-4) q[1]; cu3(1/2,-2^2/8,pi) q[0],q[1]; u1(-2^-1) q[0];"
    )
    yield "vqe_uccsd_piece", HEAD2 + (
        "qreg q[4]; x q[0]; x q[1]; rx(pi/2) q[0]; h q[1]; h q[2]; h q[3]; cx q[0],q[1]; cx q[1],q[2]; cx q[2],q[3];"
        "rz(-0.0125) q[3]; cx q[2],q[3]; cx q[1],q[2]; cx q[0],q[1]; h q[3]; h q[2]; h q[1]; rx(-pi/2) q[0];"
    )
    yield "qaoa_line", HEAD2 + "qreg q[3]; h q; rzz(0.8) q[0],q[1]; rzz(0.8) q[1],q[2]; rx(0.9) q; rxx(0.2) q[0],q[2];"
    yield "basis_change", HEAD2 + "qreg q[3]; u3(0.1,0.2,0.3) q; cz q[0],q[2]; u2(0.4,0.5) q[1]; cu1(0.6) q[1],q[2]; sdg q;"
    yield "basis_trotter", HEAD2 + "qreg q[4]; x q[0]; h q; cp(0.3) q[0],q[1]; crz(0.4) q[1],q[2]; crx(0.5) q[2],q[3]; cry(.6) q[3],q[0];"
    yield "square_root", HEAD2 + "qreg q[4]; h q; c3x q[0],q[1],q[2],q[3]; c3sqrtx q[3],q[1],q[2],q[0]; rccx q[0],q[1],q[2];"
    yield "rc3x", HEAD2 + "qreg q[5]; h q; t q[0]; rc3x q[0],q[1],q[2],q[3]; c4x q[4],q[1],q[2],q[3],q[0]; csx q[0],q[1]; u0(1) q[2];"
    yield "hidden_linear", HEAD2 + "qreg q[4]; h q; cz q[0],q[1]; cz q[1],q[3]; s q[2]; s q[0]; h q;"
    yield "dnn_layer", HEAD2 + "qreg q[4]; ry(0.1) q[0]; ry(0.9) q[1]; ry(2.2) q; cx q[0],q[1]; cx q[1],q[2]; cx q[2],q[3]; u3(.3,.1,.7) q[3];"
    yield "knn_swap_test", HEAD2 + "qreg q[3]; creg c[1]; ry(0.7) q[1]; ry(1.9) q[2]; h q[0]; cswap q[0],q[1],q[2]; h q[0]; measure q[0]->c[0];"
    yield "user_ecr", HEAD2 + "gate ecr a,b { s a; sx b; cx a,b; x a; } qreg q[2]; h q[0]; t q[1]; ecr q[0],q[1]; ecr q[1],q[0];"
    yield "own_meaning_of_r", HEAD2 + "gate r(a,b) c { rx(a) c; rz(b) c; } qreg q[1]; h q[0]; t q[0]; r(0.3,0.4) q[0];"
    yield "conditional_register", HEAD2 + (
        "qreg q[3]; creg a[2]; creg b[1]; h q[0]; h q[1]; measure q[0]->a[0]; measure q[1]->a[1];"
        "if(a==3) x q[2]; if(a==1) ry(0.4) q[2]; measure q[2]->b[0];"
    )
    yield "repeat_until", HEAD2 + "qreg q[2]; creg c[2]; h q[0]; cx q[0],q[1]; measure q[0]->c[0]; reset q[0]; h q[0]; measure q[0]->c[1];"
    yield "phase3", HEAD3 + "qubit[2] q; gphase(0.3); h q; ctrl @ U(1,2,3) q[0],q[1]; cu(0.1,0.2,0.3,0.4) q[1],q[0];"
    yield "modifiers3", HEAD3 + (
        "qubit[4] q; h q[0]; h q[1]; h q[2]; t q[3]; ctrl(2) @ ry(0.4) q[0],q[1],q[2]; inv @ sx q[3]; inv @ rz(0.2) q[1]; pow(3) @ t q[2];"
        "ctrl @ ctrl @ x q[3],q[0],q[1]; inv @ ctrl @ s q[0],q[3];"
    )
    yield "own_gates3", HEAD3 + (
        "gate twist(a) x { gphase(a/2); rx(a) x; } gate pair(a,b) x,y { twist(a+b) x; cx x,y; inv @ twist(b) y; }"
        "qubit[2] q; h q; pair(0.4,0.3) q[0],q[1]; ctrl @ twist(0.7) q[1],q[0];"
    )
    yield "branches3", HEAD3 + (
        "qubit[2] q; bit[2] c; h q[0]; c[0] = measure q[0]; if (c[0]) { x q[1]; } else { ry(0.3) q[1]; }"
        "c[1] = measure q[1]; if (c == 2) { h q[0]; }"
    )
    yield "inputs3", HEAD3 + "input float alpha;\ninput float beta;\nqubit[2] q; rx(2*alpha+pi/2) q[0]; ry(-beta/2) q[1]; cx q[0],q[1]; rz(alpha-1) q[1]; p(beta*pi) q[0];"
    yield "loops3", HEAD3 + "qubit[3] q; h q; for int i in [0:2] { cx q[0], q[1]; rz(0.1) q[1]; }"
    yield "physical3", HEAD3 + "h $0; cx $0, $1; rz(pi/3) $1; sx $2; cz $1, $2;"


def from_text():
    for name, text in written():
        angles = angles_for(text)
        circuit = bind(load(text), text, angles)
        yield {"name": name, "text": text, "angles": angles, **expected(circuit)}


# --- every gate of the table -----------------------------------------------------------------------------------------

GATES = {
    "id": lib.IGate, "x": lib.XGate, "y": lib.YGate, "z": lib.ZGate, "h": lib.HGate, "s": lib.SGate, "sdg": lib.SdgGate,
    "t": lib.TGate, "tdg": lib.TdgGate, "sx": lib.SXGate, "sxdg": lib.SXdgGate, "rx": lib.RXGate, "ry": lib.RYGate,
    "rz": lib.RZGate, "p": lib.PhaseGate, "r": lib.RGate, "u2": lib.U2Gate, "u": lib.UGate, "cx": lib.CXGate,
    "cy": lib.CYGate, "cz": lib.CZGate, "ch": lib.CHGate, "csx": lib.CSXGate, "cp": lib.CPhaseGate, "crx": lib.CRXGate,
    "cry": lib.CRYGate, "crz": lib.CRZGate, "cu": lib.CUGate, "swap": lib.SwapGate, "iswap": lib.iSwapGate,
    "dcx": lib.DCXGate, "ecr": lib.ECRGate, "rxx": lib.RXXGate, "ryy": lib.RYYGate, "rzz": lib.RZZGate,
    "rzx": lib.RZXGate, "ccx": lib.CCXGate, "ccz": lib.CCZGate, "cswap": lib.CSwapGate, "rccx": lib.RCCXGate,
    "c3x": lib.C3XGate, "c3sqrtx": lib.C3SXGate, "c4x": lib.C4XGate,
    # Not in the table, defined inside the reader.
    "u1": lib.U1Gate, "u3": lib.U3Gate, "cu1": lib.CU1Gate, "cu3": lib.CU3Gate, "rc3x": lib.RC3XGate, "cs": lib.CSGate,
    "csdg": lib.CSdgGate, "xx_plus_yy": lib.XXPlusYYGate, "xx_minus_yy": lib.XXMinusYYGate,
}
ANGLES = {"rx": 1, "ry": 1, "rz": 1, "p": 1, "r": 2, "u2": 2, "u": 3, "cp": 1, "crx": 1, "cry": 1, "crz": 1, "cu": 4,
          "rxx": 1, "ryy": 1, "rzz": 1, "rzx": 1, "u1": 1, "u3": 3, "cu1": 1, "cu3": 3, "xx_plus_yy": 2, "xx_minus_yy": 2}


def random_circuits():
    draw = random.Random(11)
    for number in range(16):
        circuit = QuantumCircuit(5)
        text = HEAD2 + "qreg q[5];\nh q;\n"
        circuit.h(range(5))
        names = list(GATES)
        draw.shuffle(names)
        for name in names[:26]:
            angles = [round(draw.uniform(-7, 7), 6) for _ in range(ANGLES.get(name, 0))]
            gate = GATES[name](*angles)
            qubits = draw.sample(range(5), gate.num_qubits)
            circuit.append(gate, qubits)
            call = f"{name}({','.join(map(str, angles))})" if angles else name
            text += f"{call} {','.join(f'q[{k}]' for k in qubits)};\n"
        yield {"name": f"random_names_{number}", "text": text, "angles": [], **expected(circuit)}
        # The same circuit as Qiskit itself would hand it to us.
        if number < 5:
            yield {"name": f"random_qiskit2_{number}", "text": qasm2.dumps(circuit), "angles": [], **expected(circuit)}
            yield {"name": f"random_qiskit3_{number}", "text": qasm3.dumps(circuit), "angles": [], **expected(circuit)}


def write():
    cases = [*from_folder(), *from_text(), *random_circuits()]
    path = ROOT / "tests/reference/qasm.json"
    lines = ",\n".join(json.dumps(case) for case in cases)
    path.write_text(f"[\n{lines}\n]\n")
    print(f"{len(cases)} cases, {path.stat().st_size} bytes")


def check(folder):
    cases = {case["name"]: case for case in json.loads((ROOT / "tests/reference/qasm.json").read_text())}
    worst, count = 0.0, 0
    for path in sorted(pathlib.Path(folder).glob("*.qasm")):
        name, version, _ = path.name.split(".")
        case, text = cases[name], path.read_text()
        # Version 2 must be understood without Qiskit's own additions to the language and with them.
        loaders = [qasm2.loads, lambda t: qasm2.loads(t, custom_instructions=qasm2.LEGACY_CUSTOM_INSTRUCTIONS)]
        for loader in loaders if version == "2" else [qasm3.loads]:
            circuit = loader(text)
            circuit = bind(circuit, text, case["angles"]) if version == "3" else circuit
            found = expected(circuit)
            count += 1
            if "state" in case:
                a, b = (np.asarray(x["state"]).reshape(-1, 2) @ [1, 1j] for x in (case, found))
                a = a[: len(b)] if np.allclose(a[len(b):], 0) else a
                error = abs(1 - abs(np.vdot(a, b)) ** 2)
            else:
                assert case["outcomes"].keys() == found["outcomes"].keys(), (path.name, found["outcomes"].keys())
                error = max(np.abs(np.subtract(case["outcomes"][k], found["outcomes"][k])).max() for k in case["outcomes"])
            worst = max(worst, error)
            assert error < 1e-12, (path.name, error)
    print(f"{count} imports of {len(cases)} cases agree, worst {worst:.1e}")


if __name__ == "__main__":
    check(sys.argv[2]) if sys.argv[1:2] == ["--check"] else write()
