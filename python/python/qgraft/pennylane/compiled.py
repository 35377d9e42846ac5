"""Tapes of one structure, compiled and run together."""

from __future__ import annotations

from typing import Any

import numpy as np
import pennylane as qml
from pennylane.measurements import (
    ClassicalShadowMP,
    ExpectationMP,
    ProbabilityMP,
    SampleMeasurement,
    ShadowExpvalMP,
    VarianceMP,
)
from pennylane.tape import QuantumScript

from .. import Condition, Run
from ..errors import UnsupportedError
from . import measure
from .tape import Template, with_gates


class Gradients(tuple):
    """The gradients of one tape, of different shapes. PennyLane's torch interface squeezes them to see whether there are any."""

    def squeeze(self) -> np.ndarray:
        """As many numbers as there are gradients."""
        return np.zeros(len(self))


def is_sampled(mp) -> bool:
    """What is measured with finite shots."""
    return isinstance(mp, (SampleMeasurement, ClassicalShadowMP, ShadowExpvalMP))


def measured(mp) -> tuple:
    """What decides what a measurement process measures, with all numbers in full: PennyLane's hashes shorten large arrays and
    leave some arguments out. Those that users wrote may hold anything: each is equal to itself alone, and kept as long as its
    key is."""
    if not type(mp).__module__.startswith("pennylane.measurements."):
        return (id(mp),)
    if mp.mv is not None:
        return (type(mp), mp.hash, exact(mp.eigvals()))
    leaves, form = qml.pytrees.flatten(mp)
    return (form, *(exact(leaf) for leaf in leaves))


def exact(value) -> tuple | None:
    """A number or an array, dense or sparse, as what can be compared."""
    if value is None:
        return None
    if hasattr(value, "tocsr"):
        value = value.tocsr(copy=True)
        value.sum_duplicates()
        return (value.shape, *(exact(part) for part in (value.data, value.indices, value.indptr)))
    array = np.asarray(value)
    return (array.dtype.str, array.shape, array.tobytes())


class Call:
    """Tapes of one structure with their numbers."""

    def __init__(self, compiled: Compiled):
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


class Compiled:
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

    def run(self, key: Any, observables=(), gates=(), read=()) -> Run:
        """The circuit with further gates and the wires `read` measured, compiled once. Outcomes of what is not measured would
        have no readout error."""
        run = self._runs.get(key)
        if run is None:
            circuit = with_gates(self.template.circuit, gates) if gates else self.template.circuit
            if read:
                circuit = circuit.copy()
                for wire in read:
                    circuit.measure(wire, wire)
            noise = self.template.noise or None
            run = Run(circuit, list(observables), self.condition, noise=noise, **self.options)
            self._runs[key] = run
        return run

    # Results -------------------------------------------------------------------------------------------------------

    def execute(self, call: Call, rng: np.random.Generator) -> list:
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

    def probabilities(self, mp, call: Call) -> np.ndarray:
        run = self.probability_run(mp)
        places = measure.places(run.outcome_bits, self.wires_of(mp))
        return measure.gathered(run.probabilities(*call.angles()), places, len(self.wires_of(mp)))

    def probability_run(self, mp) -> Run:
        """The circuit with the wires of a measurement process read in its basis."""
        gates = () if mp.obs is None else tuple(mp.diagonalizing_gates())
        wires = self.wires_of(mp)
        return self.run(("probs", tuple(wires), measured(mp) if gates else None), gates=gates, read=wires)

    def wires_of(self, mp) -> list[int]:
        """Wires that are read, those of the device where none are named."""
        return list(mp.wires) or list(range(self.own))

    def of_states(self, mp, call: Call) -> np.ndarray:
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

    def sampled(self, call: Call, rng: np.random.Generator) -> list:
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
                    values[members[0]] = self.summed(first, inputs, weights, single, rng)
                    continue
                read = sorted({wire for k in members for wire in self.wires_of(self.measurements[k])})
                run = self.run(("shots", number), gates=gates, read=read)
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
        the engine reads in as many bases as they need, and under mitigation for every expectation value of Pauli words."""
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
            elif isinstance(mp, ExpectationMP) and obs.pauli_rep is not None and (
                self.condition.mitigation or not is_word(obs)
            ):
                rest.append(([k], None))
            elif is_word(obs):
                for members, observables in words:
                    if all(is_qwc(other, obs) for other in observables):
                        members.append(k)
                        observables.append(obs)
                        break
                else:
                    words.append(([k], [obs]))
            else:
                rest.append(([k], tuple(mp.diagonalizing_gates())))
        if plain:
            rest.append((plain, ()))
        for members, observables in words:
            gates = qml.pauli.diagonalize_qwc_pauli_words(observables)[0] if len(observables) > 1 else (
                self.measurements[members[0]].diagonalizing_gates())  # fmt: skip
            rest.append((members, tuple(gates)))
        return rest

    def summed(self, mp, inputs, weights, single: bool, rng) -> list:
        """Expectation values of a sum of Pauli words, for each part of the shots."""
        observable = measure.observable_of(measure.sentence_of(mp))
        values = []
        old = self.condition
        for lower, upper in self.shots.bins():
            own = Condition(
                old.device, old.model, source=old.source, scale=old.scale, shots=upper - lower, mitigation=old.mitigation
            )
            # Its shots are drawn when it is compiled for a seed, so every call compiles it.
            options = {**self.options, "seed": int(rng.integers(1 << 62))}
            run = Run(self.template.circuit, [observable], own, noise=self.template.noise or None, **options)
            value = run.expect(inputs, weights)[:, 0]
            values.append(value[0] if single else value)
        return values

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

    def trained(self, tape: QuantumScript) -> list[int]:
        """Slots of the trainable parameters."""
        slots = [self.template.slots[p] if p < len(self.template.slots) else None for p in tape.trainable_params]
        if None in slots:
            raise UnsupportedError("a trainable parameter is no angle of a gate; use diff_method='parameter-shift'")
        return slots

    def derivatives(self, rows: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
        """Of every measurement its values (rows, ...) and their derivatives (rows, ..., slots)."""
        if self.observables:
            mean, slope = self.run("expect", self.observables).value_and_grad(rows)
        found = []
        for k, mp in enumerate(self.measurements):
            if k in self.reads:
                first, *square = self.reads[k]
                value, slopes = mean[:, first], slope[:, first]
                if square:
                    slopes = slope[:, square[0]] - 2 * value[:, None] * slopes
                    value = mean[:, square[0]] - value**2
            else:
                run = self.probability_run(mp)
                wires = self.wires_of(mp)
                places = measure.places(run.outcome_bits, wires)
                value, slopes = (measure.gathered(part, places, len(wires)) for part in run.probabilities_and_grad(rows))
            found.append((value, slopes))
        return found

    def pulled(self, cotangents: list[np.ndarray], angles: np.ndarray, weights: np.ndarray | None) -> tuple:
        """Gradients by angles and weights of all measurements, each weighted by its cotangent (rows, ...)."""
        parts = []
        if self.observables:
            run = self.run("expect", self.observables)
            of_means = np.zeros((len(angles), len(self.observables)))
            mean = run.expect(angles, weights) if any(len(places) > 1 for places in self.reads.values()) else None
            for k, (first, *square) in self.reads.items():
                of_means[:, first] += -2 * mean[:, first] * cotangents[k] if square else cotangents[k]
                if square:
                    of_means[:, square[0]] += cotangents[k]
            parts.append(run.vjp(of_means, angles, weights))
        for k, mp in enumerate(self.measurements):
            if k not in self.reads:
                run = self.probability_run(mp)
                places = measure.places(run.outcome_bits, self.wires_of(mp))
                # An outcome with a wire that is never 1 in it does not occur.
                parts.append(run.probabilities_vjp(cotangents[k][:, places], angles, weights))
        by_angles = sum(part[0] for part in parts)
        return by_angles, None if weights is None else sum(part[1] for part in parts)

    def vjp(self, call: Call, cotangents: list) -> list:
        """Gradients by the trainable parameters of each tape."""
        self.check_differentiable()
        given: list[list[np.ndarray]] = [[] for _ in self.measurements]
        for rows, own in zip(call.sizes(), cotangents):
            parts = [own] if len(self.measurements) == 1 else list(own)
            for k, (mp, part) in enumerate(zip(self.measurements, parts)):
                part = np.real(np.asarray(part, dtype=np.complex128))
                shape = () if k in self.reads else (1 << len(self.wires_of(mp)),)
                # A tape without a batch axis is one row; one cotangent may serve all rows.
                given[k].append(np.broadcast_to(part.reshape(-1, *shape), (rows, *shape)))
        angles, weights = call.angles()
        by_inputs, by_weights = self.pulled([np.concatenate(parts) for parts in given], angles, weights)
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

    def jacobian(self, call: Call) -> list:
        """Values and Jacobians of each tape."""
        self.check_differentiable()
        found = [(call.split(value), call.split(slopes)) for value, slopes in self.derivatives(call.rows())]
        out = []
        for t, tape in enumerate(call.tapes):
            by_measurement = []
            for _, slopes in found:
                parts = [self.by_parameter(slopes[t][..., slot], slot, tape) for slot in self.trained(tape)]
                by_measurement.append(parts[0] if len(parts) == 1 else tuple(parts))
            values = self.shaped([value[t] for value, _ in found], tape)
            out.append((values, by_measurement[0] if len(by_measurement) == 1 else tuple(by_measurement)))
        return out

    def by_parameter(self, column: np.ndarray, slot: int, tape: QuantumScript) -> np.ndarray:
        """Derivatives (rows, ...) of the rows of a tape by a parameter, as PennyLane shapes them: by each of its rows if the
        parameter has a batch axis."""
        if tape.batch_size is None:
            return np.asarray(column[0])
        if slot >= self.template.inputs:
            return column
        wide = np.zeros((*column.shape, len(column)))
        rows = np.arange(len(column))
        wide[rows, ..., rows] = column
        return wide

    def jvp(self, call: Call, tangent) -> tuple:
        """Values of one tape, and their derivatives along a tangent."""
        self.check_differentiable()
        [tape] = call.tapes
        found = self.derivatives(call.rows())
        tangents = np.zeros((len(call.rows()), len(self.template.circuit.slots)))
        parts = tangent if isinstance(tangent, (tuple, list)) else [tangent]
        for slot, part in zip(self.trained(tape), parts):
            tangents[:, slot] += np.asarray(part, dtype=np.float64)
        along = [np.einsum("b...s,bs->b...", slopes, tangents) for _, slopes in found]
        return self.shaped([value for value, _ in found], tape), self.shaped(along, tape)

    def check_differentiable(self) -> None:
        """Refuses what has no exact gradient."""
        if self.shots or not all(map(has_gradient, self.measurements)):
            raise UnsupportedError(
                "exact gradients exist for expectation values, variances and probabilities without shots; use "
                "diff_method='parameter-shift'"
            )


def has_gradient(mp) -> bool:
    """What has exact derivatives without shots."""
    return isinstance(mp, (ExpectationMP, VarianceMP, ProbabilityMP))


def is_word(obs) -> bool:
    """Whether it is one Pauli word, written as one. PennyLane reads others in the order of their eigenvalues, which a device
    with different errors of 0 and 1 is not free to choose."""
    if isinstance(obs, qml.ops.Prod):
        return all(map(is_word, obs.operands)) and len(obs.wires) == sum(len(part.wires) for part in obs.operands)
    return isinstance(obs, (qml.X, qml.Y, qml.Z, qml.I))


def is_qwc(first, second) -> bool:
    """Whether two Pauli words have equal letters wherever both have one."""
    [a], [b] = first.pauli_rep, second.pauli_rep
    return all(b[wire] == letter for wire, letter in a.items() if wire in b)
