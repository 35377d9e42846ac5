"""The PennyLane device `qgraft.simulator`.

>>> dev = qml.device("qgraft.simulator", wires=4)                                    # ideal, exact, adjoint gradients
>>> dev = qml.device("qgraft.simulator", wires=4, device="torino", noise_model="crosstalk")

Tapes with a batch axis, and tapes of one structure, are rows of one call. Gradients are exact with noise as well."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import replace
from pathlib import Path
from typing import Any

try:
    import pennylane as qml
except ImportError as error:  # pragma: no cover
    raise ImportError("qgraft.pennylane needs PennyLane: pip install pennylane") from error

import numpy as np
from pennylane.devices import Device, ExecutionConfig
from pennylane.devices.modifiers import simulator_tracking, single_tape_support
from pennylane.devices.preprocess import (
    decompose,
    validate_adjoint_trainable_params,
    validate_device_wires,
    validate_measurements,
    validate_observables,
)
from pennylane.exceptions import DeviceError
from pennylane.tape import QuantumScript
from pennylane.transforms import broadcast_expand, defer_measurements

from .. import Condition
from .compiled import Call, Compiled, has_gradient, is_sampled, measured
from .tape import accepts, structure, trains_angles

# Structures of tapes that are kept compiled.
MOST_TEMPLATES = 64


@simulator_tracking
@single_tape_support
class Simulator(Device):
    """qgraft as a PennyLane device.

    Args:
        wires: number of wires, or their labels
        shots: None for exact results
        device: a row of `qgraft.devices()`, a calibration file or a `qgraft.Device`; circuits are then transpiled for it and run
            under its calibrated noise
        noise_model: a row of `qgraft.models()`, for a device
        noise_scale: factor on the noise, 0 or more
        mitigation: a row of `qgraft.mitigations()`
        engine: a row of `qgraft.engines()`
        precision: "double" or "single"
        seed: of shots, trajectories and transpiling
        level: 0 to 3, how much is spent on transpiling
    """

    name = "qgraft.simulator"
    config_filepath = str(Path(__file__).parent / "simulator.toml")

    def __init__(
        self,
        wires=None,
        shots=None,
        *,
        device: Any = None,
        noise_model: str = "aer",
        noise_scale: float = 1.0,
        mitigation: str | None = None,
        engine: str = "auto",
        precision: str = "double",
        seed: int | None = None,
        level: int = 3,
    ):
        super().__init__(wires=wires, shots=shots)
        self._condition = Condition(device, noise_model, scale=noise_scale, mitigation=mitigation)
        self._rng = np.random.default_rng(seed)
        self._options = {"engine": engine, "precision": precision, "seed": seed or 0, "level": level}
        self._templates: OrderedDict[Any, Compiled] = OrderedDict()

    def __getstate__(self):
        return {**self.__dict__, "_templates": OrderedDict()}

    @property
    def condition(self) -> Condition:
        """What circuits run under."""
        return self._condition

    # Preparation ---------------------------------------------------------------------------------------------------

    def setup_execution_config(
        self, config: ExecutionConfig | None = None, circuit: QuantumScript | None = None
    ) -> ExecutionConfig:
        """Adjoint gradients by the device wherever they exist; measurements inside circuits are deferred."""
        config = config or ExecutionConfig()
        unknown = set(config.device_options) - {"engine"}
        if unknown:
            raise DeviceError(f"device option {sorted(unknown)[0]} is none of {self.name}")
        changes: dict[str, Any] = {}
        method = config.gradient_method
        if method in ("best", "adjoint", "device") and self.supports_derivatives(config, circuit):
            changes |= {"gradient_method": "adjoint", "use_device_gradient": True, "use_device_jacobian_product": True}
            changes["grad_on_execution"] = False
        mcm = config.mcm_config
        if mcm.mcm_method not in (None, "deferred"):
            raise DeviceError(f"mcm_method = {mcm.mcm_method!r}: {self.name} defers measurements; use 'deferred'")
        changes["mcm_config"] = replace(mcm, mcm_method="deferred")
        return replace(config, **changes)

    def preprocess_transforms(self, execution_config: ExecutionConfig | None = None) -> qml.CompilePipeline:
        """Checks, deferred measurements, and decomposition into gates that the library has."""
        config = execution_config or ExecutionConfig()
        pipeline = qml.CompilePipeline()
        pipeline.add_transform(validate_device_wires, self.wires, name=self.name)
        pipeline.add_transform(validate_measurements, name=self.name, sample_measurements=is_sampled)
        pipeline.add_transform(validate_observables, self.capabilities.supports_observable, name=self.name)
        pipeline.add_transform(defer_measurements, allow_postselect=False)
        if getattr(config.interface, "value", config.interface) == "jax-jit":
            # Its Jacobians cannot have batched parameters; equal tapes become rows again in `execute`.
            pipeline.add_transform(broadcast_expand)
        pipeline.add_transform(
            decompose,
            stopping_condition=accepts,
            skip_initial_state_prep=False,
            device_wires=self.wires,
            target_gates=self.capabilities.gate_set(),
            name=self.name,
        )
        if config.gradient_method == "adjoint":
            pipeline.add_transform(validate_adjoint_trainable_params)
        return pipeline

    def supports_derivatives(
        self, execution_config: ExecutionConfig | None = None, circuit: QuantumScript | None = None
    ) -> bool:
        """Whether there are exact gradients: of expectation values, variances and probabilities without shots, by angles of
        gates."""
        if execution_config is not None and execution_config.gradient_method not in ("best", "adjoint", "device"):
            return False
        if circuit is None:
            return True
        if circuit.shots or not all(map(has_gradient, circuit.measurements)):
            return False
        return self._is_differentiable(circuit)

    def _is_differentiable(self, circuit: QuantumScript) -> bool:
        if trains_angles(circuit):
            return True
        try:
            [tape], _ = defer_measurements(circuit, allow_postselect=False)
            [tape], _ = decompose(tape, stopping_condition=accepts, skip_initial_state_prep=False, name=self.name,
                                  target_gates=self.capabilities.gate_set())  # fmt: skip
        except Exception:  # what cannot be decomposed is refused with a reason when it is run
            return False
        return trains_angles(tape)

    # Execution -----------------------------------------------------------------------------------------------------

    def execute(self, circuits, execution_config: ExecutionConfig | None = None):
        """Results of tapes, each as PennyLane shapes them."""
        results: list[Any] = [None] * len(circuits)
        for call in self._calls(circuits):
            for place, result in zip(call.places, call.compiled.execute(call, self._rng)):
                results[place] = result
        return tuple(results)

    def compute_derivatives(self, circuits, execution_config: ExecutionConfig | None = None):
        """Jacobians of expectation values by trainable parameters."""
        return tuple(self._jacobians(circuits)[1])

    def execute_and_compute_derivatives(self, circuits, execution_config: ExecutionConfig | None = None):
        """Both, in one call of the engine."""
        values, slopes = self._jacobians(circuits)
        return tuple(values), tuple(slopes)

    def compute_vjp(self, circuits, cotangents, execution_config: ExecutionConfig | None = None):
        """Gradients of expectation values weighted by cotangents."""
        gradients: list[Any] = [None] * len(circuits)
        for call in self._calls(circuits):
            for place, gradient in zip(call.places, call.compiled.vjp(call, [cotangents[k] for k in call.places])):
                gradients[place] = gradient
        return tuple(gradients)

    def execute_and_compute_vjp(self, circuits, cotangents, execution_config: ExecutionConfig | None = None):
        """Both."""
        return self.execute(circuits, execution_config), self.compute_vjp(circuits, cotangents, execution_config)

    def compute_jvp(self, circuits, tangents, execution_config: ExecutionConfig | None = None):
        """Derivatives of expectation values along tangents."""
        return self.execute_and_compute_jvp(circuits, tangents, execution_config)[1]

    def execute_and_compute_jvp(self, circuits, tangents, execution_config: ExecutionConfig | None = None):
        """Both."""
        values, slopes = [], []
        for circuit, tangent in zip(circuits, tangents):
            [call] = self._calls([circuit])
            value, slope = call.compiled.jvp(call, tangent)
            values.append(value)
            slopes.append(slope)
        return tuple(values), tuple(slopes)

    def supports_vjp(self, execution_config=None, circuit=None) -> bool:
        """As `supports_derivatives`."""
        return self.supports_derivatives(execution_config, circuit)

    def supports_jvp(self, execution_config=None, circuit=None) -> bool:
        """As `supports_derivatives`."""
        return self.supports_derivatives(execution_config, circuit)

    def _jacobians(self, circuits):
        values, slopes = [None] * len(circuits), [None] * len(circuits)
        for call in self._calls(circuits):
            for place, (value, slope) in zip(call.places, call.compiled.jacobian(call)):
                values[place], slopes[place] = value, slope
        return values, slopes

    def _calls(self, circuits) -> list[Call]:
        """Tapes of one structure together."""
        calls: dict[Any, Call] = {}
        for place, circuit in enumerate(circuits):
            tape, wires = self._on_numbered_wires(circuit)
            key = (
                wires,
                tuple(structure(op) for op in tape.operations),
                tuple(measured(mp) for mp in tape.measurements),
                circuit.shots,
            )
            call = calls.get(key)
            if call is None:
                compiled = self._templates.pop(key, None)
                if compiled is None:
                    own = wires if self.wires is None else len(self.wires)
                    compiled = Compiled(tape, wires, own, self._condition, self._options)
                self._templates[key] = compiled
                while len(self._templates) > MOST_TEMPLATES:
                    self._templates.popitem(last=False)
                call = calls[key] = Call(compiled)
            call.add(place, tape)
        return list(calls.values())

    def _on_numbered_wires(self, circuit: QuantumScript) -> tuple[QuantumScript, int]:
        """The tape on wires 0 to n-1, and n."""
        if self.wires is None:
            return circuit.map_to_standard_wires(), len(circuit.wires)
        # Deferred measurements have wires of their own, behind those of the device.
        labels = (self.wires + circuit.wires).labels
        if labels == tuple(range(len(labels))):
            return circuit, len(labels)
        [tape], _ = qml.map_wires(circuit, {label: k for k, label in enumerate(labels)})
        return tape, len(labels)


__all__ = ["Simulator"]
