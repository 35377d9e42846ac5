"""Devices from backends of Qiskit."""

from __future__ import annotations

import json
import math
from datetime import date, datetime
from typing import Any

from .. import Device
from ..errors import DeviceError


def device_of(backend: Any) -> Device:
    """The device of a backend: from its calibrated properties and its configuration where it has them (IBM's, real and fake,
    with the measured asymmetry of readout), else from its target."""
    if isinstance(backend, Device):
        return backend
    properties = getattr(backend, "properties", None)
    configuration = getattr(backend, "configuration", None)
    if callable(properties) and callable(configuration):
        try:
            found = properties()
            conf = configuration()
        except (AttributeError, NotImplementedError):
            found = conf = None
        if found is not None and conf is not None:
            texts = [json.dumps(part.to_dict(), default=_plain) for part in (found, conf)]
            return Device.from_texts(texts)
    target = getattr(backend, "target", None)
    if target is None:
        raise DeviceError(f"{backend!r} has neither calibrated properties nor a target")
    return Device.from_texts([json.dumps(target_document(target, str(getattr(backend, "name", "backend"))))])


def target_document(target: Any, name: str) -> dict[str, Any]:
    """A target as the document that qgraft reads: what each instruction on each qubits takes and errs."""
    instructions: dict[str, list] = {}
    for operation in target.operation_names:
        rows = instructions.setdefault(operation, [])
        for qubits, properties in (target[operation] or {}).items():
            if qubits is not None:
                duration, error = (_number(getattr(properties, key, None)) for key in ("duration", "error"))
                rows.append({"qargs": list(qubits), "duration": duration, "error": error})
    document = {"name": name, "num_qubits": target.num_qubits, "dt": _number(target.dt), "instructions": instructions}
    if target.qubit_properties:
        keys = ("t1", "t2", "frequency")
        document["qubit_properties"] = [
            {key: _number(getattr(found, key, None)) for key in keys} for found in target.qubit_properties
        ]
    return document


def _number(value: Any) -> float | None:
    return None if value is None or math.isnan(value) else float(value)


def _plain(value: Any) -> Any:
    if isinstance(value, (date, datetime)):
        return value.isoformat()
    if isinstance(value, complex):
        return [value.real, value.imag]
    if hasattr(value, "tolist"):
        return value.tolist()
    return str(value)


__all__ = ["device_of", "target_document"]
