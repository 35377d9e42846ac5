"""Heads as scikit-learn estimators.

>>> classifier = QuantumHeadClassifier(qubits=4, depth=2, epochs=20).fit(X, y)
>>> classifier.predict_proba(X)"""

from __future__ import annotations

from typing import Any

try:
    from sklearn.base import BaseEstimator, ClassifierMixin
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, validate_data
except ImportError as error:  # pragma: no cover
    raise ImportError("qgraft.sklearn needs scikit-learn: pip install scikit-learn") from error

import numpy as np

from ._native import HeadConfig, TrainedHead, Trainer


class QuantumHeadClassifier(ClassifierMixin, BaseEstimator):
    """A head that is trained with Adam: linear to the qubits, a circuit, linear to the classes.

    Args:
        head: a row of `qgraft.heads()`, such as "quantum", "linear" or "mlp_a"
        qubits: of the circuit, 1 to 16
        depth: layers of the circuit
        ansatz: a row of `qgraft.ansatze()`; None for "dressed"
        rate: learning rate
        epochs: passes over the rows
        batch: rows of a step
        balanced: whether every class counts alike in the loss, instead of every row
        standardize: whether features are shifted and scaled to mean 0 and variance 1 of the training rows
        condition: what the circuit runs under, in training and prediction: a `qgraft.Condition`, a device, or None
        random_state: a whole number, the seed of the first parameters and of the order of rows

    After `fit`: `classes_`, `head_` (a `qgraft.TrainedHead`), `n_features_in_`, `history_`."""

    def __init__(
        self,
        head: str = "quantum",
        *,
        qubits: int = 4,
        depth: int = 3,
        ansatz: str | None = None,
        rate: float = 0.02,
        epochs: int = 30,
        batch: int = 16,
        balanced: bool = False,
        standardize: bool = True,
        condition: Any = None,
        random_state: int | None = 0,
    ):
        self.head = head
        self.qubits = qubits
        self.depth = depth
        self.ansatz = ansatz
        self.rate = rate
        self.epochs = epochs
        self.batch = batch
        self.balanced = balanced
        self.standardize = standardize
        self.condition = condition
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> QuantumHeadClassifier:
        """Trains on features (rows, width) and labels (rows,) of two or more classes."""
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_, indices = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"the labels have one class, {self.classes_[0]!r}; a classifier needs two or more")
        self._mean = X.mean(axis=0) if self.standardize else np.zeros(X.shape[1])
        spread = X.std(axis=0) if self.standardize else np.ones(X.shape[1])
        self._spread = np.where(spread > 0, spread, 1.0)
        config = HeadConfig(self.head, qubits=self.qubits, depth=self.depth, ansatz=self.ansatz)
        seed = np.random.default_rng().integers(1 << 32) if self.random_state is None else self.random_state
        if not isinstance(seed, (int, np.integer)):
            seed = seed.randint(1 << 31)
        trainer = Trainer(self.rate, self.epochs, self.batch, int(seed), "balanced" if self.balanced else None)
        names = [str(k) for k in range(len(self.classes_))]
        rows = (X - self._mean) / self._spread
        trained: TrainedHead = trainer.fit(config, rows, indices, classes=names, condition=self.condition)
        self.head_ = trained
        self.history_ = trained.history
        return self

    def predict_proba(self, X: Any) -> np.ndarray:
        """Class probabilities (rows, classes)."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=np.float64, reset=False)
        probabilities = self.head_.predict((X - self._mean) / self._spread)
        return probabilities / probabilities.sum(axis=1, keepdims=True)

    def predict(self, X: Any) -> np.ndarray:
        """The most probable class of each row."""
        probabilities = self.predict_proba(X)
        return self.classes_[probabilities.argmax(axis=1)]


__all__ = ["QuantumHeadClassifier"]
