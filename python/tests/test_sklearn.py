"""scikit-learn's own checks of estimators."""

import pickle

import numpy as np
import pytest

pytest.importorskip("sklearn")

from qgraft.sklearn import QuantumHeadClassifier
from sklearn.datasets import load_iris
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import parametrize_with_checks


@parametrize_with_checks([QuantumHeadClassifier(qubits=2, depth=1, epochs=25, rate=0.1, batch=8)])
def test_checks_of_scikit_learn(estimator, check):
    check(estimator)


def test_in_a_pipeline_and_pickled():
    features, labels = load_iris(return_X_y=True)
    classifier = QuantumHeadClassifier(qubits=2, depth=1, epochs=10, rate=0.1)
    assert cross_val_score(make_pipeline(MinMaxScaler(), classifier), features, labels, cv=3).mean() > 0.8
    noisy = QuantumHeadClassifier(qubits=2, depth=1, epochs=3, rate=0.1, condition="manila").fit(features, labels)
    again = pickle.loads(pickle.dumps(noisy))
    np.testing.assert_allclose(again.predict_proba(features), noisy.predict_proba(features), atol=1e-6)
