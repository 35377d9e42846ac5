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
    raise ImportError("qgraft.pennylane needs PennyLane: pip install 'qgraft[pennylane]'") from error

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
from pennylane.measurements import (
    ClassicalShadowMP,
    ExpectationMP,
    ProbabilityMP,
    SampleMeasurement,
    ShadowExpvalMP,
    VarianceMP,
)
from pennylane.tape import QuantumScript
from pennylane.transforms import broadcast_expand, defer_measurements

from .. import Condition, Run
from ..errors import UnsupportedError
from . import measure
from .tape import Template, accepts, has_angles, structure, with_gates

# Structures of tapes that are kept compiled.
MOST_TEMPLATES = 64


class Gradients(tuple):
    """The gradients of one tape, of different shapes. PennyLane's torch interface squeezes them to see whether there are any."""

    def squeeze(self) -> np.ndarray:
        """As many numbers as there are gradients."""
        return np.zeros(len(self))


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
        self._templates: OrderedDict[Any, _Compiled] = OrderedDict()

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
        pipeline.add_transform(validate_measurements, name=self.name, sample_measurements=_is_sampled)
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
        """Whether there are exact gradients: of expectation values, without shots, by angles of gates."""
        if execution_config is not None and execution_config.gradient_method not in ("best", "adjoint", "device"):
            return False
        if circuit is None:
            return True
        if circuit.shots or not all(isinstance(mp, ExpectationMP) for mp in circuit.measurements):
            return False
        return self._is_differentiable(circuit)

    def _is_differentiable(self, circuit: QuantumScript) -> bool:
        trained = set(circuit.trainable_params)
        place = 0
        for op in circuit.operations:
            count = len(op.data)
            if trained.intersection(range(place, place + count)) and not has_angles(op):
                return self._decomposes_to_angles(circuit)
            place += count
        return True

    def _decomposes_to_angles(self, circuit: QuantumScript) -> bool:
        try:
            [tape], _ = defer_measurements(circuit, allow_postselect=False)
            [tape], _ = decompose(tape, stopping_condition=accepts, skip_initial_state_prep=False, name=self.name,
                                  target_gates=self.capabilities.gate_set())  # fmt: skip
        except Exception:  # what cannot be decomposed is refused with a reason when it is run
            return False
        place = 0
        for op in tape.operations:
            if set(tape.trainable_params).intersection(range(place, place + len(op.data))) and not has_angles(op):
                return False
            place += len(op.data)
        return True

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

    def _calls(self, circuits) -> list[_Call]:
        """Tapes of one structure together."""
        calls: dict[Any, _Call] = {}
        for place, circuit in enumerate(circuits):
            tape, wires = self._on_numbered_wires(circuit)
            key = (
                wires,
                tuple(structure(op) for op in tape.operations),
                tuple(_measured(mp) for mp in tape.measurements),
                circuit.shots,
            )
            call = calls.get(key)
            if call is None:
                compiled = self._templates.pop(key, None)
                if compiled is None:
                    own = wires if self.wires is None else len(self.wires)
                    compiled = _Compiled(tape, wires, own, self._condition, self._options)
                self._templates[key] = compiled
                while len(self._templates) > MOST_TEMPLATES:
                    self._templates.popitem(last=False)
                call = calls[key] = _Call(compiled)
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


def _is_sampled(mp) -> bool:
    """What is measured with finite shots."""
    return isinstance(mp, (SampleMeasurement, ClassicalShadowMP, ShadowExpvalMP))


def _measured(mp) -> tuple:
    return (type(mp), mp.hash)


class _Call:
    """Tapes of one structure with their numbers."""

    def __init__(self, compiled: _Compiled):
        self.compiled = compiled
        self.places: list[int] = []
        self.tapes: list[QuantumScript] = []
        self.numbers: list[tuple[np.ndarray, np.ndarray]] = []

    def add(self, place: int, tape: QuantumScript) -> None:
        self.places.append(place)
        self.tapes.append(tape)
        self.numbers.append(self.compiled.template.collect(tape.operations))

    def sizes(self) -> list[int]:
        """Rows of each tape."""
        return [len(inputs) for inputs, _ in self.numbers]

    def angles(self) -> tuple[np.ndarray, np.ndarray | None]:
        """Arguments of `Run`: inputs and weights of one tape, or rows of all slots."""
        if len(self.numbers) == 1:
            return self.numbers[0]
        return self.rows(), None

    def rows(self) -> np.ndarray:
        """All slots of all rows (rows, slots)."""
        parts = [np.hstack([inputs, np.broadcast_to(weights, (len(inputs), len(weights)))]) for inputs, weights in self.numbers]
        return np.vstack(parts)

    def split(self, values: np.ndarray) -> list[np.ndarray]:
        """Rows of each tape."""
        return np.split(values, np.cumsum(self.sizes())[:-1])


class _Compiled:
    """A template with what is measured, ready to run."""

    def __init__(self, tape: QuantumScript, wires: int, own: int, condition: Condition, options: dict):
        self.template = Template(tape.operations, wires)
        # Wires of the tape, and how many of them are the device's: what is measured where nothing is named.
        self.wires, self.own = wires, own
        self.shots = tape.shots
        self.condition = condition
        self.options = options
        self.measurements = tape.measurements
        self._runs: dict[Any, Run] = {}
        self.is_noisy = condition.device is not None or bool(self.template.noise)
        # Expectation values and variances without shots: observables of one run.
        self.observables: list = []
        self.reads: dict[int, tuple[int, ...]] = {}
        if not self.shots:
            for k, mp in enumerate(self.measurements):
                if isinstance(mp, (ExpectationMP, VarianceMP)):
                    sentence = measure.sentence_of(mp)
                    parts = [sentence] if isinstance(mp, ExpectationMP) else [sentence, measure.square_of(sentence)]
                    self.reads[k] = tuple(range(len(self.observables), len(self.observables) + len(parts)))
                    self.observables += [measure.observable_of(part) for part in parts]

    def run(self, key: Any = None, observables=(), gates=(), condition: Condition | None = None) -> Run:
        """The circuit with further gates, compiled once."""
        run = self._runs.get(key)
        if run is None:
            circuit = with_gates(self.template.circuit, gates) if gates else self.template.circuit
            noise = self.template.noise or None
            run = Run(circuit, list(observables), condition or self.condition, noise=noise, **self.options)
            self._runs[key] = run
        return run

    # Results -------------------------------------------------------------------------------------------------------

    def execute(self, call: _Call, rng: np.random.Generator) -> list:
        if self.shots:
            return self.sampled(call, rng)
        columns: list[Any] = [None] * len(self.measurements)
        expectations = None
        if self.observables:
            expectations = self.run("expect", self.observables).expect(*call.angles())
        for k, mp in enumerate(self.measurements):
            if k in self.reads:
                first, *square = self.reads[k]
                mean = expectations[:, first]
                columns[k] = expectations[:, square[0]] - mean**2 if square else mean
            elif isinstance(mp, ProbabilityMP):
                columns[k] = self.probabilities(mp, call)
            else:
                columns[k] = self.of_states(mp, call)
        parts = [call.split(column) for column in columns]
        return [self.shaped([part[t] for part in parts], tape) for t, tape in enumerate(call.tapes)]

    def shaped(self, values: list, tape: QuantumScript):
        """Rows of one tape as PennyLane returns them."""
        if tape.batch_size is None:
            values = [value[0] for value in values]
        return values[0] if len(values) == 1 else tuple(values)

    def probabilities(self, mp, call: _Call) -> np.ndarray:
        gates = () if mp.obs is None else tuple(mp.diagonalizing_gates())
        key = ("probs", mp.hash if gates else None)
        run = self.run(key, gates=gates)
        wires = list(mp.wires) or list(range(self.own))
        return measure.marginal(run.probabilities(*call.angles()), run.outcome_bits, wires)

    def of_states(self, mp, call: _Call) -> np.ndarray:
        run = self.run("state")
        order = qml.wires.Wires(range(self.wires))
        values = []
        for row in call.rows():
            if self.is_noisy:
                rho = measure.ordered_density(run.density(row), run.outcome_bits, self.wires)
                values.append(mp.process_density_matrix(rho, order))
            else:
                psi = measure.ordered_state(run.state(row), run.outcome_bits, self.wires)
                values.append(mp.process_state(psi, order))
        return np.stack([np.asarray(value) for value in values])

    # Shots ---------------------------------------------------------------------------------------------------------

    def sampled(self, call: _Call, rng: np.random.Generator) -> list:
        groups = self.groups()
        results = []
        for tape, (inputs, weights) in zip(call.tapes, call.numbers):
            single = tape.batch_size is None
            # By measurement, then by part of the shots.
            values: list[Any] = [None] * len(self.measurements)
            for number, (members, gates) in enumerate(groups):
                first = self.measurements[members[0]]
                if isinstance(first, (ClassicalShadowMP, ShadowExpvalMP)):
                    values[members[0]] = self.shadows(first, inputs, weights, rng)
                    continue
                if gates is None:
                    values[members[0]] = self.summed(number, first, inputs, weights, single, rng)
                    continue
                run = self.run(("shots", number), gates=gates)
                seed = int(rng.integers(1 << 62))
                counts = run.counts(inputs, self.shots.total_shots, weights, seed=seed)
                samples = measure.drawn(counts, run.outcome_bits, self.wires, rng)
                samples = samples[0] if single else samples
                order = qml.wires.Wires(range(self.wires))
                for k in members:
                    mp = self.measurements[k]
                    read = samples if mp.wires or mp.obs is not None else samples[..., : self.own]
                    values[k] = [mp.process_samples(read[..., a:b, :], order) for a, b in self.shots.bins()]
            parts = [tuple(value[part] for value in values) for part in range(len(list(self.shots.bins())))]
            shaped = [part[0] if len(part) == 1 else part for part in parts]
            results.append(tuple(shaped) if self.shots.has_partitioned_shots else shaped[0])
        return results

    def groups(self) -> list[tuple[list[int], tuple | None]]:
        """Measurements that share samples, each group with the gates that take its observables to Z; None for sums, which
        the engine reads in as many bases as they need."""
        words: list[tuple[list[int], list]] = []
        rest: list[tuple[list[int], tuple | None]] = []
        plain: list[int] = []
        for k, mp in enumerate(self.measurements):
            obs = mp.obs if not isinstance(mp, (ClassicalShadowMP, ShadowExpvalMP)) else None
            if obs is None:
                if isinstance(mp, (ClassicalShadowMP, ShadowExpvalMP)):
                    rest.append(([k], ()))
                else:
                    plain.append(k)
            elif qml.pauli.is_pauli_word(obs) and len(obs.pauli_rep or {}) == 1:
                for members, observables in words:
                    if all(_is_qwc(other, obs) for other in observables):
                        members.append(k)
                        observables.append(obs)
                        break
                else:
                    words.append(([k], [obs]))
            elif isinstance(mp, ExpectationMP) and obs.pauli_rep is not None and len(obs.pauli_rep) > 1:
                rest.append(([k], None))
            else:
                rest.append(([k], tuple(mp.diagonalizing_gates())))
        if plain:
            rest.append((plain, ()))
        for members, observables in words:
            gates = qml.pauli.diagonalize_qwc_pauli_words(observables)[0] if len(observables) > 1 else (
                self.measurements[members[0]].diagonalizing_gates())  # fmt: skip
            rest.append((members, tuple(gates)))
        return rest

    def summed(self, number: int, mp, inputs, weights, single: bool, rng) -> list:
        """Expectation values of a sum of Pauli words, for each part of the shots."""
        observable = measure.observable_of(measure.sentence_of(mp))
        values = []
        for part, (lower, upper) in enumerate(self.shots.bins()):
            old = self.condition
            own = Condition(
                self._device(), old.model, source=old.source, scale=old.scale, shots=upper - lower, mitigation=old.mitigation
            )
            # Its shots are drawn when it is compiled for a seed, so every call compiles it.
            options = {**self.options, "seed": int(rng.integers(1 << 62))}
            run = Run(self.template.circuit, [observable], own, noise=self.template.noise or None, **options)
            value = run.expect(inputs, weights)[:, 0]
            values.append(value[0] if single else value)
        return values

    def _device(self):
        return self.condition.__reduce__()[1][0]

    def shadows(self, mp, inputs, weights, rng) -> list:
        """Classical shadows are drawn by PennyLane from the state."""
        if self.is_noisy:
            raise UnsupportedError("classical shadows are drawn from the state of an ideal circuit; take the noise away")
        if len(inputs) != 1:
            raise UnsupportedError("classical shadows take one row; give no batch axis")
        run = self.run("state")
        psi = measure.ordered_state(run.state(np.concatenate([inputs[0], weights])), run.outcome_bits, self.wires)
        order = qml.wires.Wires(range(self.wires))
        tensor = psi.reshape((2,) * self.wires)
        seed = int(rng.integers(1 << 31))
        return [mp.process_state_with_shots(tensor, order, upper - lower, rng=seed) for lower, upper in self.shots.bins()]

    # Gradients -----------------------------------------------------------------------------------------------------

    def differentiable(self) -> Run:
        if self.shots or len(self.reads) != len(self.measurements) or len(self.observables) != len(self.measurements):
            raise UnsupportedError(
                "exact gradients exist for expectation values without shots; use diff_method='parameter-shift'"
            )
        return self.run("expect", self.observables)

    def trained(self, tape: QuantumScript) -> list[int]:
        """Slots of the trainable parameters."""
        slots = [self.template.slots[p] if p < len(self.template.slots) else None for p in tape.trainable_params]
        if None in slots:
            raise UnsupportedError("a trainable parameter is no angle of a gate; use diff_method='parameter-shift'")
        return slots

    def cotangents(self, tape: QuantumScript, cotangent, rows: int) -> np.ndarray:
        """(rows, observables)."""
        parts = [cotangent] if len(self.measurements) == 1 else list(cotangent)
        columns = [np.broadcast_to(np.real(np.asarray(part, dtype=np.complex128)).reshape(-1), (rows,)) for part in parts]
        return np.stack(columns, axis=1)

    def vjp(self, call: _Call, cotangents: list) -> list:
        run = self.differentiable()
        given = [self.cotangents(t, c, n) for t, c, n in zip(call.tapes, cotangents, call.sizes())]
        angles, weights = call.angles()
        by_inputs, by_weights = run.vjp(np.vstack(given), angles, weights)
        out = []
        for tape, part in zip(call.tapes, call.split(by_inputs)):
            gradients = []
            for slot in self.trained(tape):
                if by_weights is not None and slot >= part.shape[1]:
                    gradients.append(np.asarray(by_weights[slot - part.shape[1]]))
                elif slot < self.template.inputs:
                    gradients.append(np.ascontiguousarray(part[:, slot]))
                else:
                    gradients.append(np.asarray(part[:, slot].sum()))
            out.append(Gradients(gradients))
        return out

    def jacobian(self, call: _Call) -> list:
        run = self.differentiable()
        values, slopes = run.value_and_grad(call.rows())
        out = []
        for tape, value, slope in zip(call.tapes, call.split(values), call.split(slopes)):
            single = tape.batch_size is None
            by_observable = []
            for o in range(value.shape[1]):
                parts = []
                for slot in self.trained(tape):
                    column = slope[:, o, slot]
                    if single:
                        parts.append(np.asarray(column[0]))
                    else:
                        parts.append(np.diag(column) if slot < self.template.inputs else column)
                by_observable.append(parts[0] if len(parts) == 1 else tuple(parts))
            shaped = self.shaped([value[:, o] for o in range(value.shape[1])], tape)
            out.append((shaped, by_observable[0] if len(by_observable) == 1 else tuple(by_observable)))
        return out

    def jvp(self, call: _Call, tangent) -> tuple:
        run = self.differentiable()
        values, slopes = run.value_and_grad(call.rows())
        [tape] = call.tapes
        tangents = np.zeros((len(values), slopes.shape[2]))
        parts = tangent if isinstance(tangent, (tuple, list)) else [tangent]
        for slot, part in zip(self.trained(tape), parts):
            tangents[:, slot] += np.asarray(part, dtype=np.float64)
        along = np.einsum("bos,bs->bo", slopes, tangents)
        columns = range(values.shape[1])
        return self.shaped([values[:, o] for o in columns], tape), self.shaped([along[:, o] for o in columns], tape)


def _is_qwc(first, second) -> bool:
    """Whether two Pauli words have equal letters wherever both have one."""
    [a], [b] = first.pauli_rep, second.pauli_rep
    return all(b[wire] == letter for wire, letter in a.items() if wire in b)


__all__ = ["Simulator"]
