"""Qiskit's primitives on qgraft: expectation values and samples, ideal or under the noise of a device."""

from __future__ import annotations

import warnings
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from math import ceil
from typing import Any

import numpy as np
from qiskit.circuit import Parameter, QuantumCircuit
from qiskit.primitives import BaseEstimatorV2, BaseSamplerV2, PrimitiveJob
from qiskit.primitives.containers import (
    BitArray,
    DataBin,
    EstimatorPubLike,
    ObservablesArray,
    PrimitiveResult,
    PubResult,
    SamplerPubLike,
    SamplerPubResult,
)
from qiskit.primitives.containers.estimator_pub import EstimatorPub
from qiskit.primitives.containers.sampler_pub import SamplerPub

from .. import Condition, Run
from ..errors import SimError
from .circuit import Converted

# Circuits, and circuits with their observables, that are kept.
_MOST_KEPT = 128


class Compiler:
    """Circuits compiled for a condition, the last ones kept by what is in them."""

    def __init__(self, condition: Any, options: dict):
        self.condition = condition
        self.options = options
        self._converted: OrderedDict[Any, Converted] = OrderedDict()
        self._runs: OrderedDict[Any, Run] = OrderedDict()

    def convert(self, circuit: QuantumCircuit) -> Converted:
        """The circuit as it is now, as ours. Qiskit's circuits may change at any time, so it is read at every call."""
        made = Converted(circuit)
        # What is known of an equal circuit includes how its expressions depend on the parameters.
        return _kept(self._converted, (made.key, made.slots.key()), lambda: made)

    def run(self, converted: Converted, observables: tuple[str, ...]) -> Run:
        """The circuit with these observables, compiled once."""
        options = dict(self.options)
        if converted.is_placed:
            # It was transpiled already: qubit k is the device's qubit k.
            options.setdefault("level", None)
        make = lambda: Run(converted.circuit, list(observables), self.condition, **options)
        return _kept(self._runs, (converted.key, observables), make)


def _kept(known: OrderedDict[Any, Any], key: Any, make: Callable[[], Any]) -> Any:
    """What is known under a key, made if it is new; what was not asked for longest is forgotten."""
    if key not in known:
        known[key] = make()
    known.move_to_end(key)
    while len(known) > _MOST_KEPT:
        known.popitem(last=False)
    return known[key]


# Letters of observables that are no Paulis, as sums of them.
_LETTERS = {
    "0": (("I", 0.5), ("Z", 0.5)), "1": (("I", 0.5), ("Z", -0.5)), "+": (("I", 0.5), ("X", 0.5)), "-": (("I", 0.5), ("X", -0.5)),
    "r": (("I", 0.5), ("Y", 0.5)), "l": (("I", 0.5), ("Y", -0.5)),
}  # fmt: skip


def observable_text(observable: Any) -> str:
    """An observable of Qiskit as text: its last letter belongs to qubit 0."""
    terms: list[tuple[float, list[str]]] = []
    for label, weight in _terms(observable):
        number = complex(weight)
        if abs(number.imag) > 1e-9:
            raise SimError(f"the observable has the coefficient {weight} and is not Hermitian")
        parts: list[tuple[float, list[str]]] = [(number.real, [])]
        for qubit, letter in enumerate(reversed(label)):
            choices = _LETTERS.get(letter, ((letter, 1.0),))
            parts = [
                (weight * factor, [*letters, f"{name}{qubit}"] if name != "I" else letters)
                for weight, letters in parts
                for name, factor in choices
            ]
        terms += parts
    if not terms:
        return "0"
    return " + ".join(" ".join([repr(float(weight)), *letters]) for weight, letters in terms).replace("+ -", "- ")


def _terms(observable: Any) -> Iterable[tuple[str, complex]]:
    if isinstance(observable, Mapping):
        return observable.items()
    if isinstance(observable, str):
        return [(observable, 1.0)]
    if hasattr(observable, "to_list"):
        return observable.to_list()
    if hasattr(observable, "to_label"):
        return [(observable.to_label(), 1.0)]
    from qiskit.quantum_info import SparsePauliOp

    return SparsePauliOp(observable).to_list()


def _options(options: Any, defaults: dict[str, Any]) -> dict[str, Any]:
    given = dict(options or {})
    unknown = set(given) - set(defaults) - {"backend_options", "run_options"}
    if unknown:
        raise SimError(f"option {sorted(unknown)[0]!r} is none of {', '.join(defaults)}")
    for group in ("backend_options", "run_options"):
        # Aer's: only the seed has a meaning here.
        nested = dict(given.pop(group, None) or {})
        seed = nested.get("seed_simulator", nested.get("seed"))
        if seed is not None:
            given.setdefault("seed", seed)
    return {**defaults, **given}


class EstimatorV2(BaseEstimatorV2):
    """Expectation values of any circuit.

    Args:
        condition: what circuits run under: a `qgraft.Condition`, a device, or None
        default_precision: standard deviation of the shot noise that is added; 0 is exact
        seed: of that noise
        options: the same as a dictionary, as Aer takes them, with `backend_options` and `run_options`
        run_options: further arguments of `qgraft.Run`, such as `engine`
    """

    def __init__(
        self, condition: Any = None, *, default_precision: float = 0.0, seed: Any = None, options: Any = None, **run_options: Any
    ):
        self._options = _options(options, {"default_precision": default_precision, "seed": seed})
        self.compiler = Compiler(condition, run_options)

    @classmethod
    def from_backend(cls, backend: Any, **options: Any) -> EstimatorV2:
        """Under the calibrated noise of a backend of Qiskit."""
        from .target import device_of

        return cls(device_of(backend), **options)

    @property
    def options(self) -> dict[str, Any]:
        """`default_precision` and `seed`."""
        return self._options

    @property
    def default_precision(self) -> float:
        """Standard deviation of the shot noise where a PUB names none."""
        return self._options["default_precision"]

    @property
    def seed(self) -> Any:
        """Of the shot noise."""
        return self._options["seed"]

    def run(self, pubs: Iterable[EstimatorPubLike], *, precision: float | None = None) -> PrimitiveJob:
        """Expectation values of each PUB: `evs` and `stds`, of the shape to which parameters and observables broadcast."""
        default = self._options["default_precision"]
        default = default if precision is None else precision
        coerced = [EstimatorPub.coerce(pub, default) for pub in with_shared_observables(pubs)]
        for pub in coerced:
            if not pub.precision >= 0:
                raise SimError(f"precision is {pub.precision}; give 0 or more")
        by_circuit: dict[int, list[int]] = {}
        for place, pub in enumerate(coerced):
            by_circuit.setdefault(id(pub.circuit), []).append(place)
        # Circuits are read here: the job runs in a thread of its own, and they may change meanwhile.
        groups = [(self.compiler.convert(coerced[places[0]].circuit), places) for places in by_circuit.values()]
        job = PrimitiveJob(self._run, coerced, groups)
        job._submit()
        return job

    def _run(self, pubs: list[EstimatorPub], groups: list[tuple[Converted, list[int]]]) -> PrimitiveResult:
        found: list[Any] = [None] * len(pubs)
        for converted, places in groups:
            for place, evs in zip(places, self._values(converted, [pubs[place] for place in places])):
                found[place] = evs
        results = [self._result(pub, *evs) for pub, evs in zip(pubs, found)]
        return PrimitiveResult(results, metadata={"version": 2})

    def _values(self, converted: Converted, pubs: list[EstimatorPub]) -> list[tuple[np.ndarray, str, str]]:
        """Expectation values of PUBs of one circuit, in one call where few of its values are not asked for."""
        parameters = converted.slots.parameters
        known: dict[int, tuple[list[str], np.ndarray]] = {}
        for pub in pubs:
            if id(pub.observables) not in known:
                known[id(pub.observables)] = observables_of(pub)
        read = [(known[id(pub.observables)], rows_of(pub, parameters)) for pub in pubs]
        texts: dict[str, int] = {}
        rows: dict[bytes, int] = {}
        numbers: list[np.ndarray] = []
        needed = 0
        for (own, places), own_rows in read:
            needed += max(len(own) * len(own_rows), 1)
            for text in own:
                texts.setdefault(text, len(texts))
            for row in own_rows:
                if rows.setdefault(row.tobytes(), len(rows)) == len(numbers):
                    numbers.append(row)
        if len(pubs) > 1 and len(texts) * len(rows) > 4 * needed:
            return [value for pub in pubs for value in self._values(converted, [pub])]
        run = self.compiler.run(converted, tuple(texts))
        every = np.array(numbers).reshape(len(numbers), len(parameters))
        values = run.expect(converted.slots.angles(every))
        engine, condition = run.engine(len(numbers)), str(run.condition)
        out = []
        for pub, ((own, places), own_rows) in zip(pubs, read):
            row = np.array([rows[numbers.tobytes()] for numbers in own_rows], dtype=np.int64)
            row = row.reshape(pub.parameter_values.shape)
            column = np.array([texts[text] for text in own], dtype=np.int64)[places]
            # Indices broadcast as parameters and observables do.
            out.append((np.asarray(values[row, column]), engine, condition))
        return out

    def _result(self, pub: EstimatorPub, evs: np.ndarray, engine: str, condition: str) -> PubResult:
        stds = np.full(evs.shape, float(pub.precision))
        if pub.precision:
            # As Qiskit's: the same seed for every PUB, so that equal PUBs have equal results.
            evs = np.asarray(np.random.default_rng(self._options["seed"]).normal(evs, pub.precision))
        metadata = {
            "target_precision": pub.precision,
            "shots": ceil(1 / pub.precision**2) if pub.precision else None,
            "circuit_metadata": pub.circuit.metadata,
            "engine": engine,
            "condition": condition,
        }
        return PubResult(DataBin(evs=evs, stds=stds, shape=evs.shape), metadata=metadata)


def with_shared_observables(pubs: Iterable[EstimatorPubLike]) -> Iterator[EstimatorPubLike]:
    """The PUBs, those of one observable with one array of it: gradients send thousands of them, and Qiskit reads each anew."""
    # The observables themselves are kept beside their arrays, so that no other object takes their identity.
    known: dict[int, tuple[Any, ObservablesArray]] = {}
    for pub in pubs:
        if isinstance(pub, tuple) and len(pub) > 1:
            if id(pub[1]) not in known:
                known[id(pub[1])] = (pub[1], ObservablesArray.coerce(pub[1]))
            pub = (pub[0], known[id(pub[1])][1], *pub[2:])
        yield pub


def observables_of(pub: EstimatorPub) -> tuple[list[str], np.ndarray]:
    """The distinct observables of a PUB as texts, and the place of each entry of its array in them."""
    known: dict[str, int] = {}
    array = pub.observables
    places = np.zeros(array.shape, dtype=np.int64)
    # `ndindex` costs more than all the rest where there is one observable.
    for index in np.ndindex(*array.shape) if array.shape else ((),):
        entry = array[index]
        if not isinstance(entry, Mapping) and hasattr(entry, "shape"):
            entry = entry[()]
        places[index] = known.setdefault(observable_text(entry), len(known))
    return list(known), places


def rows_of(pub: Any, parameters: list[Parameter]) -> np.ndarray:
    """Values of the parameters (rows, parameters)."""
    bindings = pub.parameter_values
    # One array of all parameters in their order is what a PUB has whose values were given as an array.
    values = bindings.data.get(tuple(parameter.name for parameter in parameters)) if len(bindings.data) == 1 else None
    if values is None:
        values = bindings.as_array(parameters)
    return np.asarray(values, dtype=np.float64).reshape(int(np.prod(bindings.shape)), len(parameters))


class SamplerV2(BaseSamplerV2):
    """Samples of the classical registers of any circuit.

    Args:
        condition: what circuits run under: a `qgraft.Condition`, a device, or None
        default_shots: shots where a PUB names none
        seed: of the draws
        options: the same as a dictionary, as Aer takes them
        run_options: further arguments of `qgraft.Run`
    """

    def __init__(
        self, condition: Any = None, *, default_shots: int = 1024, seed: Any = None, options: Any = None, **run_options: Any
    ):
        self._options = _options(options, {"default_shots": default_shots, "seed": seed})
        self.compiler = Compiler(condition, run_options)

    @classmethod
    def from_backend(cls, backend: Any, **options: Any) -> SamplerV2:
        """Under the calibrated noise of a backend of Qiskit."""
        from .target import device_of

        return cls(device_of(backend), **options)

    @property
    def options(self) -> dict[str, Any]:
        """`default_shots` and `seed`."""
        return self._options

    @property
    def default_shots(self) -> int:
        """Shots where a PUB names none."""
        return self._options["default_shots"]

    @property
    def seed(self) -> Any:
        """Of the draws."""
        return self._options["seed"]

    def run(self, pubs: Iterable[SamplerPubLike], *, shots: int | None = None) -> PrimitiveJob:
        """Samples of each PUB: a `BitArray` for each classical register, by its name."""
        coerced = [SamplerPub.coerce(pub, self._options["default_shots"] if shots is None else shots) for pub in pubs]
        for pub in coerced:
            if not pub.circuit.cregs:
                warnings.warn(f"circuit {pub.circuit.name} has no classical register: its result is empty", stacklevel=2)
        # Circuits are read here: the job runs in a thread of its own, and they may change meanwhile.
        job = PrimitiveJob(self._run, coerced, [self.compiler.convert(pub.circuit) for pub in coerced])
        job._submit()
        return job

    def _run(self, pubs: list[SamplerPub], converted: list[Converted]) -> PrimitiveResult:
        # As Qiskit's: the same seed for every PUB, so that equal PUBs have equal results.
        results = [self._one(*pair, np.random.default_rng(self._options["seed"])) for pair in zip(pubs, converted)]
        return PrimitiveResult(results, metadata={"version": 2})

    def _one(self, pub: SamplerPub, converted: Converted, rng: np.random.Generator) -> SamplerPubResult:
        shape = pub.parameter_values.shape
        rows = rows_of(pub, converted.slots.parameters)
        outcomes, places, name = self.outcomes(converted, rows, pub.shots, rng)
        fields = {}
        for register, own in converted.registers.items():
            bits = np.zeros((len(rows), pub.shots, len(own)), dtype=bool)
            for k, bit in enumerate(own):
                place = places.get(bit)
                if place is not None:
                    # The last bit of a register comes first in its bytes.
                    bits[..., len(own) - 1 - k] = outcomes >> place & 1
            width = max((len(own) + 7) // 8, 1)
            padded = np.zeros((len(rows), pub.shots, 8 * width), dtype=bool)
            if own:
                padded[..., -len(own) :] = bits
            packed = np.packbits(padded, axis=-1).reshape(*shape, pub.shots, width)
            fields[register] = BitArray(packed, len(own))
        metadata = {"shots": pub.shots, "circuit_metadata": pub.circuit.metadata, "engine": name}
        return SamplerPubResult(DataBin(**fields, shape=shape), metadata=metadata)

    def outcomes(self, converted: Converted, rows: np.ndarray, shots: int, rng: np.random.Generator):
        """Outcomes (rows, shots) in a random order, where the circuit's bits are in them, and the engine's name."""
        if not converted.measures:
            return np.zeros((len(rows), shots), dtype=np.int64), {}, "none"
        run = self.compiler.run(converted, ())
        counts = run.counts(converted.slots.angles(rows), shots, seed=int(rng.integers(1 << 62)))
        outcomes = np.empty((len(rows), shots), dtype=np.int64)
        for row, count in enumerate(counts):
            drawn = np.repeat(np.arange(len(count)), count.astype(np.int64))
            rng.shuffle(drawn)
            outcomes[row] = drawn
        return outcomes, {bit: k for k, bit in enumerate(run.outcome_bits)}, run.engine(len(rows))


def executor(condition: Any = None, observable: Any = None, **run_options: Any):
    """A function of a circuit to an expectation value, as Mitiq's methods take one: `mitiq.zne.execute_with_zne(circuit,
    executor("torino"))`. Without an observable it is the probability that all measured bits are 0, or all qubits where nothing
    is measured; it has no readout error unless the circuit measures. Circuits are transpiled at level 0: a higher level would take
    out the gates that such methods insert."""
    run_options.setdefault("level", 0)

    def execute(circuit: QuantumCircuit) -> float:
        converted = Converted(circuit)
        if circuit.num_parameters:
            raise SimError(f"the circuit has {circuit.num_parameters} parameters; bind them first")
        texts = [] if observable is None else [observable if _is_ours(observable) else observable_text(observable)]
        run = Run(converted.circuit, texts, condition, **run_options)
        return float(run.expect()[0] if texts else run.probabilities()[0])

    return execute


def _is_ours(observable: Any) -> bool:
    return isinstance(observable, str) and any(letter.isdigit() for letter in observable) and not set(observable) <= set("IXYZ01+-rl")


__all__ = ["EstimatorV2", "SamplerV2", "executor", "observable_text"]
