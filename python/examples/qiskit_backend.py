"""Qiskit circuits and primitives under a device's noise.

    python examples/qiskit_backend.py"""

from qgraft.qiskit import Backend, EstimatorV2, SamplerV2
from qiskit import QuantumCircuit, transpile
from qiskit.circuit.library import real_amplitudes

ansatz = real_amplitudes(3, reps=2)
values = [[0.1] * ansatz.num_parameters, [0.5] * ansatz.num_parameters]
for condition in (None, "torino"):
    evs = EstimatorV2(condition).run([(ansatz, [["ZZI"], ["IXX"]], values)]).result()[0].data.evs
    print(condition or "ideal", evs.round(4).tolist())

ghz = QuantumCircuit(3)
ghz.h(0)
ghz.cx(0, 1)
ghz.cx(1, 2)
ghz.measure_all()
print(SamplerV2("torino", seed=1).run([ghz], shots=1000).result()[0].data.meas.get_counts())

backend = Backend("manila")
print(backend.run(transpile(ghz, backend, seed_transpiler=1), shots=1000, seed_simulator=1).result().get_counts())
