"""Makes tuning.json: values of scipy, scikit-learn and shap for the parts of classic::tuning.

    python3 tuning.py > tuning.json        # numpy, scipy, scikit-learn, shap
"""
import json
import numpy as np
import shap
from scipy import stats
from sklearn.ensemble import RandomForestRegressor
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern

rng = np.random.default_rng(11)

# Correlations, with ties.
one, two = rng.integers(0, 6, 25).astype(float), rng.normal(size=25).round(1)
correlations = dict(one=one.tolist(), two=two.tolist(), spearman=stats.spearmanr(one, two).statistic,
                    kendall=stats.kendalltau(one, two).statistic, pearson=stats.pearsonr(one, two).statistic)

# Weighted densities.
points, weights, at = rng.uniform(size=17), rng.uniform(0.1, 3, 17), np.linspace(-0.2, 1.2, 9)
density = dict(points=points.tolist(), weights=weights.tolist(), at=at.tolist(),
               density=stats.gaussian_kde(points, weights=weights)(at).tolist())

# Expected improvement, by integration of the formula's definition.
cases = [(0.3, 0.4, 0.1), (0.0, 1.0, 0.0), (2.0, 0.09, 1.0), (-1.0, 0.5, 3.0)]
def improvement(mean, variance, best):
    y = np.linspace(mean - 12 * variance**0.5, min(best, mean + 12 * variance**0.5), 2_000_001)
    return float(np.trapezoid((best - y) * stats.norm.pdf(y, mean, variance**0.5), y))
improvements = [dict(mean=m, variance=v, best=b, value=improvement(m, v, b)) for m, v, b in cases]

# A Gaussian process with its best constant mean and amplitude.
rows, fresh = rng.uniform(size=(20, 3)), rng.uniform(size=(6, 3))
values = np.sin(4 * rows[:, 0]) + rows[:, 1] ** 2 + 0.1 * rng.normal(size=20)
length, noise = 0.7, 0.05
base = Matern(length, nu=2.5)
inverse = np.linalg.inv(base(rows) + (noise + 1e-10) * np.eye(20))
mean = inverse.sum(0) @ values / inverse.sum()
amplitude = (values - mean) @ inverse @ (values - mean) / 20
process = GaussianProcessRegressor(ConstantKernel(amplitude) * base, alpha=amplitude * (noise + 1e-10), optimizer=None)
process.fit(rows, values - mean)
predicted, deviation = process.predict(fresh, return_std=True)
gaussian = dict(rows=rows.tolist(), values=values.tolist(), fresh=fresh.tolist(), length=length, noise=noise,
                mean=(predicted + mean).tolist(), deviation=deviation.tolist(), constant=float(mean),
                amplitude=float(amplitude), likelihood=float(process.log_marginal_likelihood_value_))

# Shapley values of a forest; rows are exact in single precision.
table = rng.integers(0, 64, size=(60, 5)) / 64
answers = table[:, 0] * 3 + (table[:, 1] > 0.5) * table[:, 2] + 0.1 * rng.normal(size=60)
forest = RandomForestRegressor(4, max_depth=6, random_state=0).fit(table, answers)
asked = table[:8]
trees = [dict(feature=t.tree_.feature.tolist(), threshold=t.tree_.threshold.tolist(), left=t.tree_.children_left.tolist(),
              right=t.tree_.children_right.tolist(), value=t.tree_.value[:, 0, 0].tolist(),
              cover=t.tree_.weighted_n_node_samples.tolist()) for t in forest.estimators_]
explained = shap.TreeExplainer(forest).shap_values(asked)
shapley = dict(trees=trees, rows=asked.tolist(), values=np.asarray(explained).tolist())

# Pairs of a ranking loss, as in RGPE.
a, b = rng.normal(size=12), rng.normal(size=12)
loss = int(((a[:, None] < a[None]) ^ (b[:, None] < b[None])).sum())
ranking = dict(one=a.tolist(), two=b.tolist(), misordered=loss)

print(json.dumps(dict(correlations=correlations, density=density, improvements=improvements, gaussian=gaussian,
                      shapley=shapley, ranking=ranking)))
