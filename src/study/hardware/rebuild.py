#!/usr/bin/env python3
"""Repeats the predictions of this folder with Qiskit and NumPy, without noise and without qgraft.

    pip install qiskit qiskit_qasm3_import numpy
    python rebuild.py

It prints the largest difference from predictions.csv.
"""
import csv
import json
import pathlib

import numpy
from qiskit import QuantumCircuit, qasm3
from qiskit.quantum_info import Statevector

folder = pathlib.Path(__file__).resolve().parent
job = json.loads((folder / "job.json").read_text())


def table(name):
    with (folder / name).open(newline="") as file:
        return list(csv.DictReader(file))


def on_used_qubits(circuit):
    """The circuit without measurements on the qubits it uses, and where bit k is read among them."""
    used = sorted({circuit.find_bit(qubit).index for operation in circuit.data for qubit in operation.qubits})
    small, read = QuantumCircuit(len(used)), {}
    for operation in circuit.data:
        qubits = [used.index(circuit.find_bit(qubit).index) for qubit in operation.qubits]
        if operation.operation.name == "measure":
            read[circuit.find_bit(operation.clbits[0]).index] = qubits[0]
        elif operation.operation.name != "barrier":
            small.append(operation.operation, qubits)
    return small, [read[bit] for bit in range(job["qubits"])]


circuits = [on_used_qubits(qasm3.loads((folder / file).read_text())) for file, _ in job["circuits"]]
weight, bias = numpy.array(job["weight"]), numpy.array(job["bias"])


def probabilities(row):
    """Class probabilities of one row of angles.csv."""
    outcomes = []
    for circuit, read in circuits:
        bound = circuit.assign_parameters({p: float(row[p.name]) for p in circuit.parameters})
        outcomes.append(Statevector(bound).probabilities(read))
    parity = lambda outcome, qubits: (-1) ** sum(outcome >> qubit & 1 for qubit in qubits)
    values = [
        sum(
            term["weight"] * sum(p * parity(k, term["qubits"]) for k, p in enumerate(outcomes[term["circuit"]]))
            for term in observable
        )
        for observable in job["observables"]
    ]
    logits = weight @ numpy.array(values) + bias
    scores = numpy.exp(logits - logits.max())
    return scores / scores.sum()


largest, right, known = 0.0, 0, 0
for angles, expected in zip(table("angles.csv"), table("predictions.csv")):
    found = probabilities(angles)
    wanted = numpy.array([float(expected[f"p({name})"]) for name in job["classes"]])
    largest = max(largest, float(abs(found - wanted).max()))
    if expected["label"]:
        known += 1
        right += job["classes"][int(found.argmax())] == expected["label"]
print(f"largest difference of a probability: {largest:.2e}")
if known:
    print(f"accuracy without noise: {right / known:.4f} of {known} rows")
