"""Qiskit's circuits, primitives and backends on qgraft.

>>> estimator = EstimatorV2("torino")                       # or EstimatorV2.from_backend(backend)
>>> estimator.run([(circuit, "ZZ", values)]).result()[0].data.evs"""

try:
    import qiskit  # noqa: F401
except ImportError as error:  # pragma: no cover
    raise ImportError("qgraft.qiskit needs Qiskit: pip install qiskit") from error

from .backend import Backend
from .circuit import Converted, from_qiskit, to_qiskit
from .primitives import EstimatorV2, SamplerV2, executor
from .target import device_of

__all__ = ["Backend", "Converted", "EstimatorV2", "SamplerV2", "device_of", "executor", "from_qiskit", "to_qiskit"]
