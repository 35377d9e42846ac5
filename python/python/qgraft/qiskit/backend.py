"""A backend of Qiskit that runs circuits on qgraft."""

from __future__ import annotations

import uuid
from typing import Any

import numpy as np
from qiskit.circuit import Delay, Measure, Parameter, QuantumCircuit, Reset
from qiskit.circuit.library import standard_gates
from qiskit.providers import BackendV2, JobStatus, JobV1, Options
from qiskit.result import Result
from qiskit.transpiler import InstructionProperties, Target

from .. import Condition, Device
from ..errors import SimError
from .primitives import SamplerV2


class Backend(BackendV2):
    """A backend under a condition: ideal, or a device with its calibrated noise.

    >>> backend = Backend("torino")
    >>> backend.run(transpile(circuit, backend), shots=1000).result().get_counts()

    Circuits that were transpiled for it run on the qubits they name; others are transpiled by qgraft."""

    def __init__(self, condition: Any = None, *, qubits: int = 20, **run_options: Any):
        device = condition.device if isinstance(condition, Condition) else condition
        if isinstance(device, str):
            device = Device(device)
        super().__init__(name=f"qgraft_{device.name if device else 'ideal'}", description="qgraft simulator")
        self._sampler = SamplerV2(condition, **run_options)
        self._target = _target_of(device) if device is not None else _whole_target(qubits)

    @classmethod
    def from_backend(cls, backend: Any, noise: str = "aer", **options: Any) -> Backend:
        """Under the calibrated noise of another backend."""
        from .target import device_of

        return cls(Condition(device_of(backend), noise), **options)

    @property
    def target(self) -> Target:
        """Gates and couplings."""
        return self._target

    @property
    def max_circuits(self) -> None:
        """As many as are given."""
        return None

    @classmethod
    def _default_options(cls) -> Options:
        return Options(shots=1024, memory=False, seed_simulator=None)

    def run(self, run_input: Any, **options: Any) -> Job:
        """Runs circuits; `shots`, `memory` and `seed_simulator` as Aer takes them."""
        known = {key: options.pop(key, getattr(self.options, key)) for key in ("shots", "memory", "seed_simulator")}
        if options:
            raise SimError(f"option {sorted(options)[0]!r} is none of shots, memory, seed_simulator")
        circuits = [run_input] if isinstance(run_input, QuantumCircuit) else list(run_input)
        rng = np.random.default_rng(known["seed_simulator"])
        experiments = []
        for circuit in circuits:
            if circuit.num_parameters:
                raise SimError(f"{circuit.name} has {circuit.num_parameters} parameters; bind them first")
            outcomes, places, _ = self._sampler.outcomes(self._sampler.compiler.convert(circuit), np.empty((1, 0)), known["shots"], rng)
            # In Qiskit's results bit k is the circuit's classical bit k.
            numbers = np.zeros(known["shots"], dtype=object)
            for bit, place in places.items():
                numbers |= (outcomes[0] >> place & 1).astype(object) << bit
            memory = [hex(number) for number in numbers]
            values, counts = np.unique(np.array(memory), return_counts=True)
            header = {
                "name": circuit.name, "memory_slots": circuit.num_clbits, "n_qubits": circuit.num_qubits,
                "creg_sizes": [[register.name, register.size] for register in circuit.cregs],
                "clbit_labels": [[register.name, k] for register in circuit.cregs for k in range(register.size)],
                "metadata": circuit.metadata,
            }  # fmt: skip
            data: dict[str, Any] = {"counts": {str(v): int(c) for v, c in zip(values, counts)}}
            if known["memory"]:
                data["memory"] = memory
            experiments.append({"shots": known["shots"], "success": True, "data": data, "header": header})
        job_id = str(uuid.uuid4())
        result = Result.from_dict(
            {"backend_name": self.name, "backend_version": "1", "job_id": job_id, "success": True, "results": experiments}
        )
        return Job(self, job_id, result)


class Job(JobV1):
    """A job that has run."""

    def __init__(self, backend: Backend, job_id: str, result: Result):
        super().__init__(backend, job_id)
        self._result = result

    def submit(self) -> None:
        """It has run already."""

    def result(self) -> Result:
        """Counts, and memory if it was asked for."""
        return self._result

    def status(self) -> JobStatus:
        """Done."""
        return JobStatus.DONE


def _gates() -> dict[str, Any]:
    return standard_gates.get_standard_gate_name_mapping()


def _target_of(device: Device) -> Target:
    gates = _gates()
    target = Target(num_qubits=device.qubits)
    pairs = [pair for a, b in device.couplings for pair in ((a, b), (b, a))]
    for name in device.basis:
        gate = gates[name]
        places = [(k,) for k in range(device.qubits)] if gate.num_qubits == 1 else pairs
        target.add_instruction(gate, {place: None for place in places})
    table = device.qubit_table()
    properties = {}
    for k in range(device.qubits):
        error, length = table["readout_error"][k], table["readout_length"][k]
        properties[(k,)] = InstructionProperties(
            error=None if np.isnan(error) else float(error), duration=None if np.isnan(length) else float(length)
        )
    target.add_instruction(Measure(), properties)
    target.add_instruction(Reset(), {(k,): None for k in range(device.qubits)})
    target.add_instruction(Delay(Parameter("t")), {(k,): None for k in range(device.qubits)})
    return target


def _whole_target(qubits: int) -> Target:
    target = Target(num_qubits=qubits)
    for name in ("id", "x", "y", "z", "h", "s", "sdg", "t", "tdg", "sx", "sxdg", "rx", "ry", "rz", "p", "u", "cx", "cz", "swap",
                 "crx", "cry", "crz", "cp", "rxx", "ryy", "rzz", "ccx", "measure", "reset", "delay"):  # fmt: skip
        target.add_instruction(_gates()[name], name=name)
    return target


__all__ = ["Backend", "Job"]
