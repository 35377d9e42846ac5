"""One training step of a 4-qubit circuit of depth 3 on 16 rows: values and the gradients by inputs and weights.

    python python/speed.py [--threads 1]

Rows: qgraft.torch and qgraft.jax, a QNode on qgraft.simulator, PennyLane's TorchLayer on its devices, and Qiskit's
EstimatorQNN. What is not installed is left out. Times are medians of repeated steps, milliseconds."""

import argparse
import os
import time
import warnings

parser = argparse.ArgumentParser()
parser.add_argument("--threads", type=int, default=1)
parser.add_argument("--seconds", type=float, default=2.0, help="for each row")
arguments = parser.parse_args()
for variable in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "RAYON_NUM_THREADS"):
    os.environ[variable] = str(arguments.threads)

import numpy as np
import qgraft

warnings.simplefilter("ignore")
QUBITS, DEPTH, ROWS = 4, 3, 16
rng = np.random.default_rng(0)
INPUTS, WEIGHTS = rng.normal(size=(ROWS, QUBITS)), rng.normal(size=(DEPTH, QUBITS))
OBSERVABLES = [f"Z{k}" for k in range(QUBITS)]


def median(step) -> float:
    """Milliseconds of one step."""
    step()
    times, end = [], time.perf_counter() + arguments.seconds
    while len(times) < 5 or time.perf_counter() < end:
        start = time.perf_counter()
        step()
        times.append(time.perf_counter() - start)
        if len(times) >= 2000:
            break
    return 1e3 * float(np.median(times))


def circuit() -> qgraft.Circuit:
    made = qgraft.Circuit(QUBITS)
    for k in range(QUBITS):
        made.h(k).ry(made.slot(f"x{k}"), k)
    for layer in range(DEPTH):
        for first in (0, 1):
            for k in range(first, QUBITS - 1, 2):
                made.cx(k, k + 1)
        for k in range(QUBITS):
            made.ry(made.slot(f"w{layer}_{k}"), k)
    return made


def channels(made: qgraft.Circuit) -> list:
    """Depolarizing of 1 % and relaxation after every gate, as the QNode under noise has."""
    noise = []
    for place, op in enumerate(made.ops):
        for qubit in op["qubits"]:
            noise.append((place + 1, qgraft.Channel("depolarizing_pauli", 0.01), [qubit]))
            noise.append((place + 1, qgraft.Channel("thermal_relaxation", 100e-6, 80e-6, 50e-9, 0.0), [qubit]))
    return noise


def show(name: str, ideal: float | None, noisy: float | None) -> None:
    text = [f"{value:10.3f}" if value is not None else f"{'-':>10}" for value in (ideal, noisy)]
    print(f"{name:44}{text[0]}{text[1]}", flush=True)


print(f"{'milliseconds a step':44}{'ideal':>10}{'noisy':>10}")
run = qgraft.Run(circuit(), OBSERVABLES)
noisy_run = qgraft.Run(circuit(), OBSERVABLES, noise=channels(circuit()))
ones = np.ones((ROWS, QUBITS))


def native(run):
    def step():
        _, tape = run.record(INPUTS, WEIGHTS.reshape(-1))
        tape.vjp(ones)

    return step


show("qgraft.Run.record and vjp, NumPy", median(native(run)), median(native(noisy_run)))

try:
    import torch
except ImportError:
    torch = None
if torch is not None:
    torch.set_num_threads(arguments.threads)
    from qgraft.torch import QuantumLayer

    x = torch.tensor(INPUTS, dtype=torch.float32, requires_grad=True)

    def torch_step(layer):
        def step():
            x.grad = None
            layer(x).sum().backward()

        return step

    layers = [QuantumLayer(r, inputs=QUBITS, init=torch.tensor(WEIGHTS.reshape(-1), dtype=torch.float32)) for r in (run, noisy_run)]
    show("qgraft.torch.QuantumLayer", *(median(torch_step(layer)) for layer in layers))

try:
    import jax
except ImportError:
    jax = None
if jax is not None:
    from qgraft.jax import quantum_layer

    def jax_step(run):
        layer = quantum_layer(run, inputs=QUBITS)
        grad = jax.jit(jax.value_and_grad(lambda x, w: layer(x, w).sum(), argnums=(0, 1)))
        x, w = jax.numpy.asarray(INPUTS), jax.numpy.asarray(WEIGHTS.reshape(-1))
        return lambda: jax.block_until_ready(grad(x, w))

    show("qgraft.jax.quantum_layer, jit", median(jax_step(run)), median(jax_step(noisy_run)))

try:
    import pennylane as qml
except ImportError:
    qml = None
if qml is not None and torch is not None:

    def qnode(device: str, method: str, noise: bool, **options):
        def after(*wires):
            for wire in wires if noise else ():
                qml.DepolarizingChannel(0.01, wires=wire)
                qml.ThermalRelaxationError(0.0, 100e-6, 80e-6, 50e-9, wires=wire)

        def model(inputs, weights):
            for k in range(QUBITS):
                qml.Hadamard(k)
                after(k)
                qml.RY(inputs[..., k], wires=k)
                after(k)
            for layer in range(DEPTH):
                for first in (0, 1):
                    for k in range(first, QUBITS - 1, 2):
                        qml.CNOT([k, k + 1])
                        after(k, k + 1)
                for k in range(QUBITS):
                    qml.RY(weights[layer, k], wires=k)
                    after(k)
            return [qml.expval(qml.Z(k)) for k in range(QUBITS)]

        return qml.QNode(model, qml.device(device, wires=QUBITS, **options), interface="torch", diff_method=method)

    def pennylane(device, method, noise):
        try:
            layer = qml.qnn.TorchLayer(qnode(device, method, noise), {"weights": (DEPTH, QUBITS)})
            x = torch.tensor(INPUTS, dtype=torch.float32, requires_grad=True)

            def step():
                x.grad = None
                layer(x).sum().backward()

            return median(step)
        except Exception as error:  # a device without a feature is a row without a number
            print(f"  {device}: {str(error)[:100]}")
            return None

    show("TorchLayer on qgraft.simulator", *(pennylane("qgraft.simulator", "adjoint", noise) for noise in (False, True)))
    show("TorchLayer on default.qubit, backprop", pennylane("default.qubit", "backprop", False), None)
    show("TorchLayer on lightning.qubit, adjoint", pennylane("lightning.qubit", "adjoint", False), None)
    show("TorchLayer on default.mixed, backprop", None, pennylane("default.mixed", "backprop", True))

try:
    from qiskit_machine_learning.neural_networks import EstimatorQNN
except ImportError:
    EstimatorQNN = None
if EstimatorQNN is not None:
    from qgraft.qiskit import EstimatorV2, to_qiskit
    from qgraft.qiskit.gradients import EstimatorGradient
    from qiskit.quantum_info import SparsePauliOp

    source = to_qiskit(circuit())
    parameters = {parameter.name: parameter for parameter in source.parameters}
    names = circuit().slots
    observables = [SparsePauliOp("I" * (QUBITS - 1 - k) + "Z" + "I" * k) for k in range(QUBITS)]

    def estimator_qnn(estimator, gradient=None):
        network = EstimatorQNN(
            circuit=source, estimator=estimator, observables=observables, input_params=[parameters[n] for n in names[:QUBITS]],
            weight_params=[parameters[n] for n in names[QUBITS:]], input_gradients=True, gradient=gradient,
            default_precision=0.0,
        )  # fmt: skip
        flat = WEIGHTS.reshape(-1)

        def step():
            network.forward(INPUTS, flat)
            network.backward(INPUTS, flat)

        return median(step)

    show("EstimatorQNN, qgraft's primitive and gradient", estimator_qnn(EstimatorV2(), EstimatorGradient()), None)
    show("EstimatorQNN, qgraft's primitive, shifts", estimator_qnn(EstimatorV2()), None)
    try:
        from qiskit_aer.primitives import EstimatorV2 as AerEstimator

        exact = AerEstimator(options={"default_precision": 0.0})
        show("EstimatorQNN, Aer's primitive, shifts", estimator_qnn(exact), None)
    except ImportError:
        pass
