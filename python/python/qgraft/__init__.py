"""Quantum circuits under the calibrated noise of real devices.

>>> import qgraft
>>> circuit = qgraft.Circuit(2)
>>> x = circuit.slot("x")
>>> circuit.ry(x, 0).cx(0, 1)
<qgraft.Circuit: 2 qubits, 0 bits, 1 slots, 2 operations>
>>> run = qgraft.Run(circuit, ["Z0 Z1"], "torino")
>>> values, jacobian = run.value_and_grad([0.3])

Angles are radians, times seconds, frequencies hertz. Qubit k is bit k of an index. NumPy arrays go in and come out.
"""

import os as _os

# candle, the tensor library of the heads, would start threads of its own and count cores at every matrix product.
for _name, _value in (("CANDLE_CPU_MASK", "0"), ("CANDLE_NUM_THREADS", "1"), ("CANDLE_CPU_AFFINITY", "0")):
    _os.environ.setdefault(_name, _value)

from . import errors
from ._native import (
    VERSION as __version__,
    Channel,
    Circuit,
    Condition,
    Device,
    HeadConfig,
    Observable,
    Outcome,
    Param,
    Potential,
    Run,
    Tape,
    TrainedHead,
    Trainer,
    Transpiled,
    gate_table as _gate_table,
    listing as _listing,
    set_threads,
    transpile,
)
from ._study import evaluate, fit, predict, run
from .errors import NoiseNotice, QgraftError


def _add_gates() -> None:
    """Makes every gate of the table a method of Circuit: angles first, then qubits."""

    def method(name: str, qubits: int, angles: list[str], doc: str):
        def push(self, *arguments, controls: int = 0, condition=None):
            expected = len(angles) + qubits + controls
            if len(arguments) != expected:
                parts = [f"{len(angles)} angles ({', '.join(angles)})"] if angles else []
                parts.append(f"{qubits + controls} qubits")
                raise errors.CircuitError(f"{name} takes {' and '.join(parts)}, {len(arguments)} arguments were given")
            params, operands = arguments[: len(angles)], arguments[len(angles) :]
            return self.push(name, operands, params, controls, condition)

        push.__name__ = name
        push.__qualname__ = f"Circuit.{name}"
        push.__doc__ = f"{doc}. Arguments: {', '.join([*angles, *(f'qubit{k}' for k in range(qubits))])}."
        return push

    for name, qubits, angles, doc in _gate_table():
        setattr(Circuit, name, method(name, qubits, angles, doc))


_add_gates()


def table(name: str) -> dict[str, list[str]]:
    """What `qgraft list NAME` prints, as columns: gates, devices, models, engines, systems and so on."""
    columns, rows = _listing(name)
    return {column: [row[k] for row in rows] for k, column in enumerate(columns)}


def _names(listing: str):
    def names() -> list[str]:
        return table(listing)["name"]

    names.__name__ = names.__qualname__ = listing
    names.__doc__ = f"Names of the rows of `qgraft list {listing}`; `qgraft.table({listing!r})` has the rest."
    return names


gates = _names("gates")
channels = _names("channels")
devices = _names("devices")
models = _names("models")
sources = _names("sources")
engines = _names("engines")
mitigations = _names("mitigations")
ansatze = _names("ansatze")
heads = _names("heads")
metrics = _names("metrics")
systems = _names("systems")

__all__ = [
    "Channel", "Circuit", "Condition", "Device", "HeadConfig", "NoiseNotice", "Observable", "Outcome", "Param", "Potential",
    "QgraftError", "Run", "Tape", "TrainedHead", "Trainer", "Transpiled", "__version__", "ansatze", "channels", "devices",
    "engines", "errors", "evaluate", "fit", "gates", "heads", "metrics", "mitigations", "models", "predict", "run",
    "set_threads", "sources", "systems", "table", "transpile",
]  # fmt: skip
