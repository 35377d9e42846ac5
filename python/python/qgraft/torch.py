"""Circuits as PyTorch modules.

>>> layer = QuantumLayer(circuit, ["Z0", "Z1"], inputs=2, condition="torino")
>>> y = layer(x)                    # x (..., inputs), y (..., observables), in the type and on the device of x

One call of the engine for the forward run and one for the gradient, on the CPU in double precision."""

from __future__ import annotations

from typing import Any

try:
    import torch
except ImportError as error:  # pragma: no cover
    raise ImportError("qgraft.torch needs PyTorch: pip install torch") from error

from . import Circuit, Run
from ._layers import compiled
from .errors import CircuitError, UnsupportedError

_TWICE = (
    "second derivatives of a QuantumLayer are not computed; take them with the parameter-shift rule, or from the library's "
    "sim::Hessian"
)


class QuantumLayer(torch.nn.Module):
    """Expectation values of a circuit as a module: (..., inputs) to (..., observables).

    Args:
        circuit: a `Circuit`, or a `Run` that is compiled already
        observables: texts such as "Z0 Z1", or Observables; "probabilities" for those of the outcomes (..., 2^k)
        inputs: the first slots of the circuit, which take the columns of the module's argument, radians
        condition: what the circuit runs under: a `Condition`, a device, or None
        init: the first weights (slots - inputs,), radians; uniform in 0 to 2π if there are none
        options: further arguments of `Run`, such as `engine`, `seed`, `noise`

    The weights are `layer.weights`, a Parameter (slots - inputs,) of the default type."""

    def __init__(
        self,
        circuit: Circuit | Run,
        observables: Any = None,
        *,
        inputs: int,
        condition: Any = None,
        init: Any = None,
        **options: Any,
    ):
        super().__init__()
        self.run = compiled(circuit, observables, inputs, condition, options)
        slots = len(self.run.slots)
        self.inputs = inputs
        if init is None:
            weights = 2 * torch.pi * torch.rand(slots - inputs)
        else:
            weights = torch.as_tensor(init).detach().clone()
            if weights.shape != (slots - inputs,):
                raise CircuitError(f"init has the shape {tuple(weights.shape)}, expected ({slots - inputs},)")
        self.weights = torch.nn.Parameter(weights)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Expectation values (..., observables) of angles (..., inputs)."""
        if x.shape[-1:] != (self.inputs,):
            raise CircuitError(f"the layer takes (..., {self.inputs}), got {tuple(x.shape)}")
        if x.is_complex():
            raise TypeError(f"the layer takes real angles, got {x.dtype}")
        return expect(self.run, x, self.weights)

    def extra_repr(self) -> str:
        """For print."""
        return f"{self.inputs} inputs, {self.weights.numel()} weights, {self.run.observables} observables, {self.run.condition}"

    def __getstate__(self):
        raise TypeError("a QuantumLayer cannot be pickled as a whole; save its state_dict and make it anew from its circuit")


def expect(run: Run, x: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Expectation values (..., observables) of a run, differentiable in angles (..., inputs) and weights (weights,)."""
    shape = x.shape[:-1]
    rows = x if x.dim() == 2 else x.reshape(-1, x.shape[-1])
    values = _Expect.apply(rows, weights, run, [])
    return values if x.dim() == 2 else values.reshape(*shape, values.shape[-1])


def _numbers(tensor: torch.Tensor):
    return tensor.detach().to("cpu", torch.float64).numpy()


class _Expect(torch.autograd.Function):
    """Rows (batch, inputs) and weights (weights,) to (batch, observables). The tape of the forward run goes into a list."""

    @staticmethod
    def forward(rows, weights, run, tapes):
        if rows.requires_grad or weights.requires_grad:
            values, tape = run.record(_numbers(rows), _numbers(weights))
            tapes.append(tape)
        else:
            values = run.expect(_numbers(rows), _numbers(weights))
        return torch.from_numpy(values).to(rows.device, rows.dtype)

    @staticmethod
    def setup_context(ctx, inputs, output):
        rows, weights, ctx.run, ctx.tapes = inputs
        ctx.save_for_backward(rows, weights)

    @staticmethod
    def backward(ctx, cotangent):
        rows, weights = ctx.saved_tensors
        if torch.is_grad_enabled():
            # As a function of its own, so that transforms of torch.func see plain tensors, and second derivatives an error.
            return (*_Gradient.apply(rows, weights, cotangent, ctx.run, ctx.tapes), None, None)
        return (*_gradient(ctx.run, ctx.tapes, rows, weights, cotangent), None, None)

    @staticmethod
    def vmap(info, dims, rows, weights, run, tapes):
        if dims[1] is not None:
            # Weights that differ: each set is a call.
            parts = [
                _Expect.apply(rows if dims[0] is None else rows.select(dims[0], k), weights.select(dims[1], k), run, [])
                for k in range(info.batch_size)
            ]
            return torch.stack(parts), 0
        flat = rows.movedim(dims[0], 0)
        values = _Expect.apply(flat.reshape(-1, flat.shape[-1]), weights, run, [])
        return values.reshape(*flat.shape[:-1], values.shape[-1]), 0


def _gradient(run, tapes, rows, weights, cotangent):
    if tapes:
        by_rows, by_weights = tapes[0].vjp(_numbers(cotangent))
    else:
        by_rows, by_weights = run.vjp(_numbers(cotangent), _numbers(rows), _numbers(weights))
    return (
        torch.from_numpy(by_rows).to(rows.device, rows.dtype),
        torch.from_numpy(by_weights).to(weights.device, weights.dtype),
    )


class _Gradient(torch.autograd.Function):
    """The gradient, which cannot be differentiated again."""

    @staticmethod
    def forward(rows, weights, cotangent, run, tapes):
        return _gradient(run, tapes, rows, weights, cotangent)

    @staticmethod
    def setup_context(ctx, inputs, output):
        pass

    @staticmethod
    def backward(ctx, *cotangents):
        raise UnsupportedError(_TWICE)

    @staticmethod
    def vmap(info, dims, rows, weights, cotangent, run, tapes):
        size = info.batch_size

        def batched(tensor, dim):
            return tensor.expand(size, *tensor.shape) if dim is None else tensor.movedim(dim, 0)

        rows, weights, cotangent = (batched(t, dim) for t, dim in zip((rows, weights, cotangent), dims))
        # Gradients of shared weights are summed over the rows of a call; here every member of the batch has its own.
        full = torch.cat([rows, weights.unsqueeze(1).expand(*rows.shape[:2], weights.shape[-1])], dim=-1)
        gradient = run.vjp(_numbers(cotangent.flatten(0, 1)), _numbers(full.flatten(0, 1)))[0]
        gradient = torch.from_numpy(gradient).to(rows.device, rows.dtype).reshape(full.shape)
        inputs = rows.shape[-1]
        return (gradient[..., :inputs], gradient[..., inputs:].sum(1).to(weights.dtype)), (0, 0)


__all__ = ["QuantumLayer", "expect"]
