"""Values of scikit-learn and scipy for tests/it/statistics.rs, written to statistics.json beside this file.

Run with any Python that has both:  python tests/reference/metrics.py
"""

import json
import pathlib

import numpy as np
import scipy
import sklearn
from scipy import stats
from sklearn import metrics
from sklearn.calibration import calibration_curve


def case(name, probabilities, labels):
    classes = probabilities.shape[1]
    predicted = probabilities.argmax(axis=1)
    confidence = probabilities.max(axis=1)
    right, sure = calibration_curve(predicted == labels, confidence, n_bins=15)
    samples = np.histogram(confidence, bins=np.linspace(0, 1, 16))[0]
    positive = 1 if classes == 2 else 0
    rates = metrics.roc_curve(labels == positive, probabilities[:, positive], drop_intermediate=False)
    return {
        "name": name,
        "probabilities": probabilities.tolist(),
        "labels": labels.tolist(),
        "confusion": metrics.confusion_matrix(labels, predicted, labels=range(classes)).tolist(),
        "roc_class": positive,
        "roc": np.transpose(rates[:2]).tolist(),
        "accuracy": metrics.accuracy_score(labels, predicted),
        "balanced_accuracy": metrics.balanced_accuracy_score(labels, predicted),
        "precision": metrics.precision_score(labels, predicted, average="macro", zero_division=0),
        "f1": metrics.f1_score(labels, predicted, average="macro"),
        "auc": metrics.roc_auc_score(labels, probabilities[:, 1] if classes == 2 else probabilities, multi_class="ovr"),
        "average_precision": metrics.average_precision_score(
            labels == 1 if classes == 2 else np.eye(classes)[labels], probabilities[:, 1] if classes == 2 else probabilities
        ),
        "log_loss": metrics.log_loss(labels, probabilities),
        "calibration_error": float(np.abs(right - sure) @ samples[samples > 0] / len(labels)),
        "brier": metrics.brier_score_loss(labels, probabilities, scale_by_half=False),
    }


def softmax_rows(rng, samples, classes, decimals):
    labels = rng.permutation(np.arange(samples) % classes)
    logits = rng.normal(size=(samples, classes)) + 1.2 * np.eye(classes)[labels]
    p = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    p = p.round(decimals)  # few decimals make ties
    p[:, -1] = (1 - p[:, :-1].sum(axis=1)).round(decimals)
    return p, labels


def paired(name, differences):
    d = np.array(differences)
    kept = d[d != 0]
    tied = len(np.unique(np.abs(kept))) < len(kept)
    # scipy's exact null distribution knows no ties; over all sign patterns it can be counted out.
    method = stats.PermutationMethod(n_resamples=np.inf) if tied and len(kept) <= 13 else "auto"
    interval = stats.t.interval(0.95, len(d) - 1, d.mean(), stats.sem(d))
    rng = np.random.default_rng(0)
    # In thousandths all sums are whole, so that a resampled mean which equals the mean does so to the last bit.
    bca = stats.bootstrap(((d * 1000).round(),), np.mean, n_resamples=200_000, method="BCa", rng=rng, batch=10_000).confidence_interval
    return {
        "name": name,
        "differences": d.tolist(),
        "mean": d.mean(),
        "sd": d.std(ddof=1),
        "t_interval": interval,
        "t_test": stats.ttest_1samp(d, 0).pvalue,
        "effect_size": d.mean() / d.std(ddof=1),
        "wilcoxon": stats.wilcoxon(kept, method=method).pvalue,
        "bootstrap": [bca.low / 1000, bca.high / 1000],
    }


rng = np.random.default_rng(20)
two = softmax_rows(rng, 40, 2, 6)
tied = softmax_rows(rng, 40, 2, 1)
three = softmax_rows(rng, 45, 3, 6)
certain = (np.eye(2)[[0, 1, 1, 0]], np.array([0, 1, 0, 0]))  # a wrong certainty: log loss clips
long = rng.normal(0.1, 1.0, size=60).round(1)  # ties, beyond the exact test
reference = {
    "made_with": f"scikit-learn {sklearn.__version__}, scipy {scipy.__version__}",
    "metrics": [case("two", *two), case("tied", *tied), case("three", *three), case("certain", *certain)],
    "paired": [
        paired("five seeds", [0.02, -0.01, 0.035, 0.008, 0.012]),
        paired("five of one sign", [0.02, 0.01, 0.035, 0.008, 0.012]),
        paired("ties and a zero", [0.01, -0.01, 0.02, 0.02, 0.0, 0.03, -0.02, 0.01]),
        paired("skewed", [0.01, 0.012, 0.002, 0.031, 0.25, 0.017, -0.004, 0.09, 0.041, 0.006, 0.02, 0.013]),
        paired("sixty with ties", long[long != 0].tolist()),
    ],
}
path = pathlib.Path(__file__).with_name("statistics.json")
path.write_text(json.dumps(reference, indent=1) + "\n")
