"""Circuits as JAX functions.

>>> layer = quantum_layer(circuit, ["Z0", "Z1"], inputs=2, condition="torino")
>>> y = layer(x, weights)           # x (..., inputs), weights (weights,), y (..., observables)

The function works under `jit`, `grad`, `vjp` and `vmap`. It calls the engine on the host."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

try:
    import jax
    import jax.numpy as jnp
except ImportError as error:  # pragma: no cover
    raise ImportError("qgraft.jax needs JAX: pip install jax") from error

import numpy as np

from . import Circuit, Run
from ._layers import compiled
from .errors import CircuitError, UnsupportedError

_TWICE = "derivatives of the gradient of a quantum_layer are not computed; take them with the parameter-shift rule"


def quantum_layer(
    circuit: Circuit | Run, observables: Any = None, *, inputs: int, condition: Any = None, **options: Any
) -> Callable[[jax.Array, jax.Array], jax.Array]:
    """A function of angles (..., inputs) and weights (slots - inputs,), radians, to expectation values (..., observables).

    `circuit` is a `Circuit` or a compiled `Run`; its first `inputs` slots take the columns of x. With "probabilities" for
    observables the values are those of the outcomes (..., 2^k). `condition` and `options` are those of `Run`."""
    run = compiled(circuit, observables, inputs, condition, options)
    slots, width = len(run.slots), run.observables

    def on_host(x, weights):
        x, weights = np.asarray(x), np.asarray(weights)
        dtype = x.dtype
        if weights.size == slots - inputs:
            values = run.expect(x.reshape(-1, inputs), weights.reshape(-1))
            return values.reshape(*x.shape[:-1], width).astype(dtype, copy=False)
        rows, shape = _rows(x, weights)
        return run.expect(rows).reshape(*shape, width).astype(dtype, copy=False)

    def gradient_on_host(x, weights, cotangent):
        x, weights, cotangent = np.asarray(x), np.asarray(weights), np.asarray(cotangent)
        lead = weights.ndim - 1
        if lead == 0:
            by_x, by_weights = run.vjp(cotangent.reshape(-1, width), x.reshape(-1, inputs), weights)
            return by_x.reshape(x.shape).astype(x.dtype, copy=False), by_weights.astype(weights.dtype, copy=False)
        shape = np.broadcast_shapes(x.shape[:-1], cotangent.shape[:-1], weights.shape[:-1] + (1,) * (x.ndim - 1 - lead))
        x = np.broadcast_to(x, (*shape, inputs))
        rows, _ = _rows(x, weights)
        cotangent = np.broadcast_to(cotangent, (*shape, width)).reshape(-1, width)
        gradient = run.vjp(cotangent, rows)[0].reshape(*shape, slots)
        by_weights = gradient[..., inputs:].sum(axis=tuple(range(lead, len(shape))))
        return gradient[..., :inputs].astype(x.dtype, copy=False), by_weights.astype(weights.dtype, copy=False)

    def _rows(x, weights):
        inner = x.ndim - weights.ndim
        weights = weights.reshape(*weights.shape[:-1], *(1,) * inner, weights.shape[-1])
        shape = np.broadcast_shapes(x.shape[:-1], weights.shape[:-1])
        parts = [np.broadcast_to(x, (*shape, inputs)), np.broadcast_to(weights, (*shape, slots - inputs))]
        return np.concatenate(parts, axis=-1).reshape(-1, slots), shape

    @jax.custom_vjp
    def layer(x, weights):
        shape = jax.ShapeDtypeStruct((*x.shape[:-1], width), x.dtype)
        return jax.pure_callback(on_host, shape, x, weights, vmap_method="expand_dims")

    def forward(x, weights):
        return layer(x, weights), (x, weights)

    @jax.custom_jvp
    def gradient(x, weights, cotangent):
        shapes = (jax.ShapeDtypeStruct(x.shape, x.dtype), jax.ShapeDtypeStruct(weights.shape, weights.dtype))
        return jax.pure_callback(gradient_on_host, shapes, x, weights, cotangent, vmap_method="expand_dims")

    @gradient.defjvp
    def _(primals, tangents):
        raise UnsupportedError(_TWICE)

    def backward(kept, cotangent):
        return gradient(*kept, cotangent)

    layer.defvjp(forward, backward)

    def checked(x, weights):
        x, weights = jnp.asarray(x), jnp.asarray(weights)
        if not jnp.issubdtype(x.dtype, jnp.floating):
            x = x.astype(float)
        if not jnp.issubdtype(weights.dtype, jnp.floating):
            weights = weights.astype(float)
        if x.shape[-1:] != (inputs,) or weights.shape != (slots - inputs,):
            raise CircuitError(
                f"the layer takes x (..., {inputs}) and weights ({slots - inputs},), got {x.shape} and {weights.shape}"
            )
        return layer(x, weights)

    checked.__doc__ = f"{run.observables} expectation values of angles (..., {inputs}) and weights ({slots - inputs},), radians."
    return checked


__all__ = ["quantum_layer"]
