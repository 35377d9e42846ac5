"""Training, prediction, and systems with their results as a table."""

import os
import pickle
import subprocess
import sys

import numpy as np
import pytest
import qgraft


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(3)
    features = rng.normal(size=(60, 5))
    labels = np.where(features[:, 0] + features[:, 1] > 0, "up", "down")
    return features, labels


@pytest.fixture(scope="module")
def head(data):
    return qgraft.fit(*data, qgraft.HeadConfig(qubits=2, depth=1), trainer=qgraft.Trainer(0.1, epochs=8, seed=1))


def test_a_head_learns(head, data):
    metrics = qgraft.evaluate(head, *data)
    assert metrics["accuracy"] > 0.85 and set(metrics) == set(qgraft.metrics())
    classes, probabilities = qgraft.predict(head, data[0])
    assert probabilities.shape == (60, 2) and np.allclose(probabilities.sum(axis=1), 1)
    assert np.mean(np.array(classes) == data[1]) == pytest.approx(metrics["accuracy"])
    assert head.history["loss"][-1] < head.history["loss"][0]
    assert head.classes == ["down", "up"] and head.quantum_parameters == 6


def test_a_head_is_saved_pickled_and_run_on_a_device(head, data, tmp_path):
    expected = head.predict(data[0])
    head.save(tmp_path / "head.safetensors")
    for again in (qgraft.TrainedHead.load(tmp_path / "head.safetensors"), pickle.loads(pickle.dumps(head))):
        np.testing.assert_allclose(again.predict(data[0]), expected, atol=1e-6)
    noisy = head.under("manila").predict(data[0])
    assert 0 < np.abs(noisy - expected).max() < 0.3
    given = head.under(qgraft.Device("manila")).predict(data[0])
    np.testing.assert_array_equal(noisy, given)


def test_a_pickled_head_keeps_its_condition_and_seed(head, data):
    device = qgraft.Device("manila")
    trained = qgraft.fit(
        *data, qgraft.HeadConfig(qubits=2, depth=1), trainer=qgraft.Trainer(0.1, 2, seed=5), condition="manila"
    )  # fmt: skip
    for noisy in (
        head.under("manila"), head.under(qgraft.Condition("manila", shots=50), seed=9), head.under(device), trained
    ):  # fmt: skip
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(noisy)).predict(data[0]), noisy.predict(data[0]))


def test_labels_of_every_type_are_evaluated_as_they_were_learned(data):
    features, names = data
    first = names == "up"
    config, trainer = qgraft.HeadConfig("linear"), qgraft.Trainer(0.1, 3)
    for labels in (
        first, first.astype(np.int8), first.astype(np.float32) / 10, first.astype(np.float64) / 10, names,
        names.astype(object), np.where(first, "2020-01-01", "2021-01-01").astype("M8[D]"), names.tolist(),
    ):  # fmt: skip
        head = qgraft.fit(features, labels, config, trainer=trainer, validation=(features, labels))
        assert qgraft.evaluate(head, features, labels)["accuracy"] > 0.5
    single = first.astype(np.float32) / 10
    head = qgraft.fit(features, single, config, trainer=trainer)
    assert head.classes == ["0.0", "0.1"] and qgraft.evaluate(head, features, single.astype(np.float64).round(1))


def test_predictions_follow_from_the_circuit(head, data):
    circuit, (weights, bias) = head.circuit, head.read_out
    observables = qgraft.HeadConfig(qubits=2, depth=1).observables
    values = qgraft.Run(circuit, observables).expect(head.input_angles(data[0]))
    logits = values @ weights.T + bias
    probabilities = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    # The head computes in single precision.
    np.testing.assert_allclose(probabilities, head.predict(data[0]), atol=1e-5)


def test_training_under_noise_and_with_an_own_circuit(data):
    circuit = qgraft.Circuit(2)
    x0, x1, w0 = (circuit.slot(name) for name in ("x0", "x1", "w0"))
    circuit.ry(x0, 0).ry(x1, 1).cx(0, 1).ry(w0, 1)
    head = qgraft.HeadConfig(circuit=circuit, observables=["Z0", "Z1"])
    trained = qgraft.fit(*data, head, trainer=qgraft.Trainer(0.1, 3), condition=qgraft.Condition("manila", "aer"))
    assert trained.quantum_parameters == 1


def test_a_system_runs_and_its_results_are_a_table(tmp_path):
    events = []
    small = {
        "experiments": "expressibility", "ansatze": "dressed", "qubits": 2, "depths": "1,2", "expressibility.pairs": 10,
    }  # fmt: skip
    outcome = qgraft.run(
        "circuits", tmp_path / "run", preset="quick", seeds=1, set=small, progress=lambda *event: events.append(event)
    )
    table = outcome.table
    sizes = {len(column) for column in table.values()}
    assert len(sizes) == 1 and sizes.pop() > 0 and {"grid", "metric", "value"} <= set(table)
    assert (outcome.folder / "report.html").exists() and not outcome.failures
    assert events[0][0] == "planned" and any(event[0] == "ends" for event in events)


def test_the_program():
    script = os.path.join(os.path.dirname(sys.executable), "qgraft")
    command = [script] if os.path.exists(script) else [sys.executable, "-m", "qgraft._cli"]
    listed = subprocess.run([*command, "list", "devices"], capture_output=True, text=True, check=True).stdout
    assert "torino" in listed
    wrong = subprocess.run([*command, "run", "nothing"], capture_output=True, text=True)
    assert wrong.returncode == 2 and "nothing" in wrong.stderr
    failed = subprocess.run([*command, "draw", "/nowhere.qasm"], capture_output=True, text=True)
    assert failed.returncode == 1 and "/nowhere.qasm" in failed.stderr
