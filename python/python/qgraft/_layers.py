"""What the layers of PyTorch and JAX have in common."""

from __future__ import annotations

from typing import Any

from . import Circuit, Run
from .errors import CircuitError


def compiled(circuit: Circuit | Run, observables: Any, inputs: int, condition: Any, options: dict[str, Any]) -> Run:
    """The run of a layer whose first `inputs` slots take the columns of its argument."""
    if isinstance(circuit, Run):
        if observables is not None or condition is not None or options:
            raise CircuitError("a Run has its observables and its condition already; give none with it")
        run = circuit
    else:
        run = Run(circuit, observables, condition, **options)
    slots = len(run.slots)
    if not 0 <= inputs <= slots:
        raise CircuitError(f"inputs is {inputs}; the circuit has {slots} slots")
    if run.observables == 0:
        raise CircuitError("the circuit has no observables; name some, such as 'Z0'")
    return run
