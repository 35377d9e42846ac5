"""Reference values of choice models: biogeme, SciPy, and coordinate descent of scikit-learn.

pip install biogeme==3.3.2 "tomlkit<0.13" scikit-learn==1.9.1 scipy numpy; python tests/reference/pricing.py

The data are made by a formula, so the JSON holds inputs and answers.
"""

import itertools
import json
import os
import tempfile

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from sklearn.linear_model import Lasso

OUT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "pricing", "reference.json")


def rounded(array, digits=12):
    return np.round(np.asarray(array, dtype=float), digits).tolist()


def logit(rng):
    """120 choices among 3 alternatives with 3 attributes, fitted by biogeme."""
    count, alternatives, width = 120, 3, 3
    rows = np.round(rng.normal(size=(count, alternatives, width)), 3)
    truth = np.array([0.8, -1.1, 0.4])
    utility = rows @ truth + rng.gumbel(size=(count, alternatives))
    chosen = utility.argmax(axis=1)
    os.chdir(tempfile.mkdtemp())
    import biogeme.biogeme as bio
    import biogeme.database as db
    from biogeme import models
    from biogeme.expressions import Beta, Variable

    table = {"choice": chosen + 1}
    for a, k in itertools.product(range(alternatives), range(width)):
        table[f"x{a}{k}"] = rows[:, a, k]
    database = db.Database("choices", pd.DataFrame(table))
    betas = [Beta(f"b{k}", 0, None, None, 0) for k in range(width)]
    utilities = {a + 1: sum(betas[k] * Variable(f"x{a}{k}") for k in range(width)) for a in range(alternatives)}
    availability = {a + 1: 1 for a in range(alternatives)}
    model = bio.BIOGEME(database, models.loglogit(utilities, availability, Variable("choice")),
                        generate_html=False, generate_yaml=False, save_iterations=False)
    model.model_name = "choices"
    results = model.estimate()
    values = results.get_beta_values()
    return {
        "rows": rounded(rows),
        "chosen": chosen.tolist(),
        "nu": [float(values[f"b{k}"]) for k in range(width)],
        "log_likelihood": float(results.final_log_likelihood),
    }


def offers(rng):
    """Six items, at most three offered: every subset with prices by SciPy."""
    cases = []
    for _ in range(6):
        quality, slope = np.round(rng.normal(0.5, 1.5, 6), 3), np.round(0.3 + rng.uniform(size=6), 3)
        best = (0.0, [], [])
        for size in (1, 2, 3):
            for subset in itertools.combinations(range(6), size):
                own, sens = quality[list(subset)], slope[list(subset)]

                def loss(p, own=own, sens=sens):
                    w = np.exp(own - sens * p)
                    return -(p * w).sum() / (1 + w.sum())

                found = minimize(loss, np.full(size, 2.0), bounds=[(0, 4)] * size, method="L-BFGS-B",
                                 options={"ftol": 1e-15, "gtol": 1e-12, "maxiter": 5000})
                if -found.fun > best[0] + 1e-12:
                    best = (-found.fun, list(subset), found.x)
        cases.append({"quality": rounded(quality), "sensitivity": rounded(slope), "ceiling": 4.0, "most": 3,
                      "revenue": float(best[0]), "items": best[1], "prices": rounded(best[2], 6)})
    return cases


def lasso(rng):
    """Squares and an l1 penalty, with and without signs."""
    x, y = np.round(rng.normal(size=(40, 6)), 3), np.round(rng.normal(size=40), 3)
    y = np.round(y + x @ np.array([1.0, 0, -2.0, 0, 0.5, 0]), 3)
    found = {"x": rounded(x), "y": rounded(y), "penalty": 0.2}
    for name, positive in (("any", False), ("nonnegative", True)):
        model = Lasso(alpha=0.2, fit_intercept=False, positive=positive, tol=1e-14, max_iter=100000)
        found[name] = rounded(model.fit(x, y).coef_)
    return found


if __name__ == "__main__":
    rng = np.random.default_rng(7)
    values = {"lasso": lasso(rng), "offers": offers(rng), "logit": logit(rng)}
    with open(OUT, "w") as file:
        json.dump(values, file, indent=None, separators=(",", ":"))
        file.write("\n")
