"""Reference values of small diagnostic studies and of histograms of gradients: tests/reference/diagnostic.json.

python -m venv v && v/bin/pip install scipy==1.17.1 scikit-learn==1.9.1 scikit-image==0.26.0 statsmodels==0.15.0
v/bin/python tests/reference/diagnostic.py
"""

import json
from pathlib import Path

import numpy as np
from scipy.stats import binomtest, norm
from skimage.feature import hog
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.svm import SVC
from statsmodels.stats.contingency_tables import mcnemar
from statsmodels.stats.inter_rater import fleiss_kappa

rng = np.random.default_rng(16)


def shares():
    found = []
    for hits, of, level in [(20, 21, 0.95), (10, 12, 0.95), (30, 33, 0.95), (0, 7, 0.95), (7, 7, 0.9), (97, 102, 0.99), (1, 1600, 0.95)]:
        interval = binomtest(hits, of).proportion_ci(confidence_level=level, method="exact")
        found.append({"hits": hits, "of": of, "level": level, "low": interval.low, "high": interval.high})
    return found


def structural(scores, truth):
    """V10 and V01 of DeLong, DeLong and Clarke-Pearson (1988), pair by pair."""
    x, y = scores[truth == 1], scores[truth == 0]
    wins = (x[:, None] > y[None, :]) + 0.5 * (x[:, None] == y[None, :])
    return wins.mean(1), wins.mean(0)


def areas():
    found = []
    for positives, negatives, digits in [(102, 60, None), (21, 12, 1), (5, 2, None)]:
        truth = np.r_[np.ones(positives, int), np.zeros(negatives, int)]
        rng.shuffle(truth)
        shared = rng.normal(size=truth.size)
        scores = [1.2 * truth + shared + 0.7 * rng.normal(size=truth.size) for _ in range(2)]
        if digits is not None:
            scores = [np.round(s, digits) for s in scores]
        parts = [structural(s, truth) for s in scores]
        covariance = sum(np.cov(np.array([p[k] for p in parts])) / len(parts[0][k]) for k in range(2))
        area = [roc_auc_score(truth, s) for s in scores]
        difference = area[0] - area[1]
        error = np.sqrt(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1])
        half = norm.ppf(0.975) * np.sqrt(covariance[0, 0])
        found.append(
            {
                "truth": truth.tolist(),
                "scores": [s.tolist() for s in scores],
                "areas": area,
                "variances": [covariance[0, 0], covariance[1, 1]],
                "interval": [max(area[0] - half, 0), min(area[0] + half, 1)],
                "error": error,
                "p": 2 * norm.sf(abs(difference / error)),
            }
        )
    return found


def kappas():
    # Fleiss (1971), the example of 30 patients and six psychiatrists is not reprinted; the one of Fleiss' book with 14 raters is.
    known = [[0, 0, 0, 0, 14], [0, 2, 6, 4, 2], [0, 0, 3, 5, 6], [0, 3, 9, 2, 0], [2, 2, 8, 1, 1], [7, 7, 0, 0, 0], [3, 2, 6, 3, 0], [2, 5, 3, 2, 2], [6, 5, 2, 1, 0], [0, 2, 2, 3, 7]]
    drawn = [(lambda k: [int(k), 5 - int(k)])(rng.binomial(5, p)) for p in rng.choice([0.2, 0.8], 22)]
    return [{"counts": c, "kappa": fleiss_kappa(np.array(c), method="fleiss")} for c in (known, drawn)]


def tests():
    return [{"first": b, "second": c, "p": mcnemar([[0, b], [c, 0]], exact=True).pvalue} for b, c in [(1, 6), (5, 5), (0, 9), (40, 61), (3, 0)]]


def histograms():
    found = []
    for height, width, cell, block, orientations in [(32, 32, 8, 2, 9), (33, 26, 8, 1, 6), (24, 30, 5, 3, 8)]:
        picture = np.round(rng.uniform(size=(height, width)), 3)
        # A flat patch has no gradient, and a ramp exact multiples of 45 degrees.
        picture[:9, :9] = 0.5
        picture[10:18, 10:18] = 0.01 * (np.arange(8)[:, None] + np.arange(8)[None, :])
        values = hog(picture, orientations, (cell, cell), (block, block), block_norm="L2-Hys")
        found.append(
            {"height": height, "width": width, "cell": cell, "block": block, "orientations": orientations, "picture": picture.ravel().tolist(), "features": np.round(values, 9).tolist()}
        )
    return found


def machines():
    x = np.round(rng.normal(size=(30, 12)), 3)
    y = (x[:, 0] + 0.6 * rng.normal(size=30) > 0.2).astype(int)
    new = np.round(rng.normal(size=(6, 12)), 3)
    logistic = [{"penalty": p, "odds": LogisticRegression(C=1 / p, tol=1e-10, max_iter=10000).fit(x, y).decision_function(new).tolist()} for p in (0.1, 1.0, 30.0)]
    support = SVC(C=2.0, gamma="scale", tol=1e-8).fit(x, y)
    return {"rows": x.tolist(), "labels": y.tolist(), "new": new.tolist(), "logistic": logistic, "gamma": float(1 / (12 * x.var())), "cost": 2.0, "decision": support.decision_function(new).tolist()}


if __name__ == "__main__":
    found = {"shares": shares(), "areas": areas(), "kappas": kappas(), "mcnemar": tests(), "hog": histograms(), "machines": machines()}
    path = Path(__file__).with_suffix(".json")
    path.write_text(json.dumps(found) + "\n")
