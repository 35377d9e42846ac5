"""Detection rates of error-correcting codes from stim, for tests/it/stabilizer_shots.rs.

pip install stim==1.16.0; python tests/reference/stabilizer.py

`rates` are exact: the probability that an odd number of the independent errors of stim's error model flip a detector (or a
logical observable, the last entries). `fired` counts shots by the number of detectors that fired.
"""

import json
from pathlib import Path

import stim

SHOTS = 200_000
CODES = [
    ("repetition_code:memory", 5, 4),
    ("surface_code:rotated_memory_z", 3, 2),
    ("surface_code:rotated_memory_x", 3, 2),
    ("color_code:memory_xyz", 3, 2),
]


def case(task, distance, rounds):
    circuit = stim.Circuit.generated(
        task,
        distance=distance,
        rounds=rounds,
        after_clifford_depolarization=0.01,
        before_round_data_depolarization=0.02,
        before_measure_flip_probability=0.03,
        after_reset_flip_probability=0.015,
    ).flattened()
    kept = [instruction for instruction in circuit if instruction.name not in ("QUBIT_COORDS", "TICK", "SHIFT_COORDS")]
    text = stim.Circuit()
    for instruction in kept:
        arguments = [] if instruction.name == "DETECTOR" else instruction.gate_args_copy()
        text.append(instruction.name, instruction.targets_copy(), arguments)
    detectors = text.num_detectors
    kept_apart = [1.0] * (detectors + text.num_observables)
    for error in text.detector_error_model(approximate_disjoint_errors=False):
        if error.type != "error":
            continue
        flipped = set()
        for target in error.targets_copy():
            if target.is_relative_detector_id():
                flipped ^= {target.val}
            elif target.is_logical_observable_id():
                flipped ^= {detectors + target.val}
        for index in flipped:
            kept_apart[index] *= 1 - 2 * error.args_copy()[0]
    fired = text.compile_detector_sampler(seed=1).sample(SHOTS).sum(axis=1)
    histogram = [int((fired == count).sum()) for count in range(int(fired.max()) + 1)]
    return {
        "name": f"{task}, distance {distance}, {rounds} rounds",
        "circuit": str(text).splitlines(),
        "rates": [(1 - keep) / 2 for keep in kept_apart],
        "fired": histogram,
    }


if __name__ == "__main__":
    cases = [case(*code) for code in CODES]
    path = Path(__file__).with_suffix(".json")
    path.write_text(json.dumps({"stim": stim.__version__, "shots": SHOTS, "cases": cases}, indent=1) + "\n")
