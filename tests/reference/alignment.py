"""Reference values of alignment: ridge regression, non-negative lasso, retrieval.

pip install scikit-learn==1.9.1 numpy; python tests/reference/alignment.py
"""

import json
import os

import numpy as np
from sklearn.linear_model import Lasso, Ridge

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "alignment", "reference.json")


def listed(array, digits=13):
    return np.round(np.asarray(array, dtype=float), digits).tolist()


def ridge(rng, rows, inputs):
    x, y = np.round(rng.normal(size=(rows, inputs)), 3), np.round(rng.normal(size=(rows, 3)), 3)
    alphas = [0.5, 20.0, 3.0]
    common = Ridge(alpha=3.0).fit(x, y)
    each = Ridge(alpha=alphas).fit(x, y)
    return {"x": listed(x), "y": listed(y), "alphas": alphas,
            "common": listed(common.coef_.T), "common_intercepts": listed(common.intercept_),
            "each": listed(each.coef_.T), "each_intercepts": listed(each.intercept_)}


def sources(rng):
    """Weights of three maps: non-negative lasso on stacked answers, with the square of y as the unit."""
    answers, y = np.round(rng.normal(size=(3, 20, 2)), 3), np.round(rng.normal(size=(20, 2)), 3)
    y = np.round(y * 0.2 + 0.7 * answers[0] - 0.3 * answers[1] + 0.1 * answers[2], 3)
    stacked, target = answers.reshape(3, -1).T, y.ravel()
    unit = (target ** 2).sum()
    # scikit-learn divides squares by twice the number of rows, ours by twice the unit.
    model = Lasso(alpha=0.05 * unit / len(target), positive=True, fit_intercept=False, tol=1e-14, max_iter=100000)
    return {"answers": listed(answers), "y": listed(y), "penalty": 0.05, "weights": listed(model.fit(stacked, target).coef_)}


def retrieval(rng):
    truth = np.round(rng.normal(size=(12, 4)), 3)
    predicted = np.round(truth + 0.9 * rng.normal(size=(12, 4)), 3)
    mean = np.round(rng.normal(size=4) * 0.2, 3)
    unit = lambda a: (a - mean) / np.linalg.norm(a - mean, axis=1, keepdims=True)
    similar = unit(predicted) @ unit(truth).T
    own = np.diag(similar)
    others = ~np.eye(12, dtype=bool)
    values = np.linalg.svd(predicted - predicted.mean(0), compute_uv=False) ** 2
    shares = values / values.sum()
    return {"truth": listed(truth), "predicted": listed(predicted), "mean": listed(mean),
            "two_way": float((own[:, None] > similar)[others].mean()),
            "top_1": float((similar.argmax(1) == np.arange(12)).mean()),
            "rank": float(np.exp(-(shares * np.log(shares)).sum())),
            "error": float(((predicted - truth) ** 2).sum() / ((truth - mean) ** 2).sum())}


if __name__ == "__main__":
    rng = np.random.default_rng(11)
    values = {"tall": ridge(rng, 20, 5), "wide": ridge(rng, 8, 12), "sources": sources(rng), "retrieval": retrieval(rng)}
    with open(OUT, "w") as file:
        json.dump(values, file, separators=(",", ":"))
        file.write("\n")
