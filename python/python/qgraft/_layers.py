"""What the layers of PyTorch and JAX have in common."""

from __future__ import annotations

from typing import Any

from . import Circuit, Run
from .errors import CircuitError


class Probabilities:
    """A run whose values are the probabilities of its outcomes, in the form of one whose values are expectation values."""

    def __init__(self, run: Run):
        self._run = run
        self.slots = run.slots
        self.condition = run.condition
        self.observables = 1 << len(run.outcome_bits)

    def expect(self, angles: Any, weights: Any = None) -> Any:
        """Probabilities (batch, 2^k)."""
        return self._run.probabilities(angles, weights)

    def vjp(self, cotangent: Any, angles: Any, weights: Any = None) -> tuple[Any, Any]:
        """Gradients by angles and weights."""
        return self._run.probabilities_vjp(cotangent, angles, weights)

    def record(self, angles: Any, weights: Any) -> tuple[Any, _Angles]:
        """Probabilities, and what their gradient is computed from."""
        return self.expect(angles, weights), _Angles(self, angles, weights)


class _Angles:
    """Where a gradient is wanted."""

    def __init__(self, run: Probabilities, angles: Any, weights: Any):
        self._run, self._angles, self._weights = run, angles, weights

    def vjp(self, cotangent: Any) -> tuple[Any, Any]:
        """Gradients by angles and weights."""
        return self._run.vjp(cotangent, self._angles, self._weights)


def compiled(
    circuit: Circuit | Run, observables: Any, inputs: int, condition: Any, options: dict[str, Any]
) -> Run | Probabilities:
    """The run of a layer whose first `inputs` slots take the columns of its argument; with "probabilities" for observables its
    values are those of outcomes."""
    outcomes = isinstance(observables, str) and observables == "probabilities"
    if outcomes:
        observables = None
    if isinstance(circuit, Run):
        if observables is not None or condition is not None or options:
            raise CircuitError("a Run has its observables and its condition already; give none with it")
        run = circuit
    else:
        run = Run(circuit, observables, condition, **options)
    slots = len(run.slots)
    if not 0 <= inputs <= slots:
        raise CircuitError(f"inputs is {inputs}; the circuit has {slots} slots")
    if outcomes:
        return Probabilities(run)
    if run.observables == 0:
        raise CircuitError("the circuit has no observables; name some, such as 'Z0', or 'probabilities'")
    return run
