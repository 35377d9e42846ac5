#!/usr/bin/env python3
"""Runs the circuits of this folder with Qiskit Runtime and writes counts.json for `qgraft judge`.

    pip install qiskit qiskit-ibm-runtime qiskit_qasm3_import qiskit-aer
    python submit.py --shots 4096                        # the device of job.json, with your saved IBM account
    python submit.py --backend ibm_torino --rows 20      # another backend, the first 20 rows
    python submit.py --fake FakeTorino                   # a simulated backend, without an account
"""
import argparse
import csv
import json
import pathlib

from qiskit import qasm3
from qiskit_ibm_runtime import QiskitRuntimeService, Sampler, fake_provider

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--backend", help="name of an IBM backend; ibm_DEVICE by default")
parser.add_argument("--fake", metavar="CLASS", help="class of qiskit_ibm_runtime.fake_provider, run by a simulator")
parser.add_argument("--shots", type=int, default=1024, help="shots of each circuit and row (1024)")
parser.add_argument("--rows", type=int, help="the first rows only; all by default")
parser.add_argument("--seed", type=int, help="seed of a simulated backend")
parser.add_argument("-o", "--output", default="counts.json", help="file in this folder (counts.json)")
arguments = parser.parse_args()

folder = pathlib.Path(__file__).resolve().parent
job = json.loads((folder / "job.json").read_text())
with (folder / "angles.csv").open(newline="") as file:
    rows = list(csv.DictReader(file))[: arguments.rows]

if arguments.fake:
    backend = getattr(fake_provider, arguments.fake)()
else:
    if arguments.backend is None and "." in job["device"]:
        parser.error(f"{job['device']} is a file of a calibration; name its backend by --backend")
    name = job["device"].removeprefix("ibm_").removeprefix("fake_")
    backend = QiskitRuntimeService().backend(arguments.backend or f"ibm_{name}")

# The circuits are in native gates on physical qubits already: they are run as they are, not transpiled again.
publications = []
for file, _ in job["circuits"]:
    circuit = qasm3.loads((folder / file).read_text())
    angles = [[float(row[parameter.name]) for parameter in circuit.parameters] for row in rows]
    publications.append((circuit, angles))

options = {"simulator": {"seed_simulator": arguments.seed}} if arguments.fake and arguments.seed is not None else {}
running = Sampler(mode=backend, options=options).run(publications, shots=arguments.shots)
print(f"job {running.job_id()} on {backend.name}: {len(publications)} circuits, {len(rows)} rows")
results = running.result()


def counts(circuit, row):
    """Counts by bit string of one circuit and row; bit 0 is the rightmost."""
    registers = list(results[circuit].data.values())
    if len(registers) != 1:
        raise SystemExit(f"{job['circuits'][circuit][0]}: expected one classical register, got {len(registers)}")
    return registers[0].get_counts(row)


answer = {
    "format": "qgraft.counts/1",
    "job": job,
    "backend": backend.name,
    "shots": arguments.shots,
    "rows": [
        {
            "sample": row["sample"],
            "label": row["label"],
            "angles": [float(row[name]) for name in job["inputs"]],
            "counts": [counts(circuit, number) for circuit in range(len(publications))],
        }
        for number, row in enumerate(rows)
    ],
}
(folder / arguments.output).write_text(json.dumps(answer))
print(f"counts of {len(rows)} rows: {folder / arguments.output}")
