"""Qiskit's own tests of its primitives with qgraft in place of the reference ones."""

import pytest
import qiskit.primitives
import qiskit.primitives.statevector_estimator
import qiskit.primitives.statevector_sampler
import qiskit.providers.basic_provider
from qgraft.qiskit import Backend, EstimatorV2, SamplerV2

CALLS = {"estimator": 0, "sampler": 0, "backend": 0}


class Estimator(EstimatorV2):
    """Counts its calls."""

    def run(self, pubs, *, precision=None):
        CALLS["estimator"] += 1
        return super().run(pubs, precision=precision)


class Sampler(SamplerV2):
    """Counts its calls."""

    def run(self, pubs, *, shots=None):
        CALLS["sampler"] += 1
        return super().run(pubs, shots=shots)


class Simulator(Backend):
    """In place of Qiskit's basic simulator, as wide."""

    def __init__(self):
        super().__init__(qubits=24)

    def run(self, run_input, **options):
        CALLS["backend"] += 1
        return super().run(run_input, **options)


for module in (qiskit.primitives, qiskit.primitives.statevector_estimator):
    module.StatevectorEstimator = Estimator
for module in (qiskit.primitives, qiskit.primitives.statevector_sampler):
    module.StatevectorSampler = Sampler
qiskit.providers.basic_provider.BasicSimulator = Simulator


DRAWN = "compares with counts of Qiskit's generator within 10 %, for the rarest outcome 1.3 standard deviations"
EXPECTED = {
    "TestStatevectorEstimator::test_metadata": "qgraft adds the engine and the condition",
    "TestStatevectorSampler::test_metadata": "qgraft adds the engine",
    "TestStatevectorSampler::test_run_errors": "one of its parts wants control flow refused, which qgraft runs",
    "TestStatevectorSampler::test_run_single_circuit": DRAWN,
    "TestStatevectorSampler::test_run_numpy_params": DRAWN,
    "TestStatevectorSampler::test_sampler_run_with_parameterized_circuits": DRAWN,
}


def pytest_collection_modifyitems(items):
    """Tests that cannot pass, each with its reason."""
    for item in items:
        reason = EXPECTED.get("::".join(item.nodeid.split("::")[1:]))
        if reason:
            item.add_marker(pytest.mark.xfail(reason=reason))


def pytest_terminal_summary(terminalreporter):
    """Shows that it was qgraft that ran."""
    terminalreporter.write_line(f"calls of qgraft: {CALLS}")
