"""stim on the kinds of circuits of benches/stabilizer.rs: median and least milliseconds of drawing shots, the reference sample
included. One thread. pip install stim numpy
"""

import random
import statistics
import time

import stim


def layers(qubits, depth):
    random.seed(1)
    circuit = stim.Circuit()
    for _ in range(depth):
        for qubit in range(qubits):
            circuit.append(random.choice(["H", "S", "SQRT_X"]), [qubit])
        circuit.append("CX", random.sample(range(qubits), qubits // 2 * 2))
    circuit.append("M", range(qubits))
    return circuit


def surface_code(distance, rounds, error):
    return stim.Circuit.generated(
        "surface_code:rotated_memory_z",
        distance=distance,
        rounds=rounds,
        after_clifford_depolarization=error,
        before_round_data_depolarization=error,
        before_measure_flip_probability=error,
        after_reset_flip_probability=error,
    )


def report(name, circuit, shots):
    times = []
    for seed in range(10):
        begun = time.perf_counter()
        circuit.compile_sampler(seed=seed).sample(shots, bit_packed=True)
        times.append(1e3 * (time.perf_counter() - begun))
    print(f"{name}, {shots} shots: median {statistics.median(times):.1f} ms, least {min(times):.1f} ms")


for depth in (10, 100):
    report(f"1,000 qubits, {depth} layers", layers(1000, depth), 1000)
for distance, shots in ((11, 10_000), (25, 1000)):
    report(f"surface code, distance {distance}", surface_code(distance, distance, 1e-3), shots)
