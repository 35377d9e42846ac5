"""Exact gradients for qiskit-machine-learning, without shifted circuits.

>>> network = EstimatorQNN(circuit=circuit, estimator=EstimatorV2("torino"), gradient=EstimatorGradient("torino"))"""

from __future__ import annotations

from typing import Any

import numpy as np

try:
    from qiskit_machine_learning.gradients import BaseEstimatorGradient, EstimatorGradientResult
except ImportError as error:  # pragma: no cover
    raise ImportError("qgraft.qiskit.gradients needs qiskit-machine-learning") from error

from .primitives import EstimatorV2, observable_text


class EstimatorGradient(BaseEstimatorGradient):
    """Gradients of expectation values by all parameters of a circuit, ideal or under noise: all rows and observables of one
    circuit in one call. `condition` and `run_options` are those of `EstimatorV2`."""

    def __init__(self, condition: Any = None, **run_options: Any):
        estimator = EstimatorV2(condition, **run_options)
        super().__init__(estimator)
        self._compiler = estimator.compiler

    def _run(self, circuits, observables, parameter_values, parameters, **options) -> EstimatorGradientResult:
        gradients: list[Any] = [None] * len(circuits)
        by_circuit: dict[int, list[int]] = {}
        for place, circuit in enumerate(circuits):
            by_circuit.setdefault(id(circuit), []).append(place)
        for places in by_circuit.values():
            known: dict[int, str] = {}
            texts: dict[str, int] = {}
            rows: dict[bytes, int] = {}
            numbers: list[np.ndarray] = []
            at = []
            for place in places:
                observable = observables[place]
                text = known.get(id(observable)) or known.setdefault(id(observable), observable_text(observable))
                row = np.asarray(parameter_values[place], dtype=np.float64)
                if rows.setdefault(row.tobytes(), len(rows)) == len(numbers):
                    numbers.append(row)
                at.append((rows[row.tobytes()], texts.setdefault(text, len(texts))))
            converted = self._compiler.convert(circuits[places[0]])
            slots = converted.slots
            values = np.array(numbers).reshape(len(numbers), len(slots.parameters))
            run = self._compiler.run(converted, tuple(texts))
            slopes = slots.pull(run.value_and_grad(slots.angles(values))[1], values)
            index = {parameter: k for k, parameter in enumerate(slots.parameters)}
            for place, (row, column) in zip(places, at):
                gradients[place] = slopes[row, column, [index[parameter] for parameter in parameters[place]]]
        metadata = [{"parameters": list(own)} for own in parameters]
        return EstimatorGradientResult(gradients=gradients, metadata=metadata, options=self._get_local_options(options))

    def _get_local_options(self, options):
        from qiskit.providers import Options

        return Options(**options) if isinstance(options, dict) else options


__all__ = ["EstimatorGradient"]
