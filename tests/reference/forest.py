"""Makes forest.json: random forests of scikit-learn as node tables, with their probabilities on held-out rows.

    python3 forest.py > forest.json        # numpy, scikit-learn

Rows are rounded to float32 first: scikit-learn casts features so and compares them with float64 thresholds by <=.
Before anything is written, each forest is evaluated as matrix products (A, C, D, E of the GEMM form) and compared.
"""
import json
import numpy as np
from sklearn.datasets import load_iris, load_wine
from sklearn.ensemble import RandomForestClassifier


def matrix_form(tree, rows):
    """Leaf distributions of one tree by S = [x A <= t], indicator = [S C == D], indicator E."""
    inner = np.flatnonzero(tree.children_left >= 0)
    leaves = np.flatnonzero(tree.children_left < 0)
    paths = {0: {}}
    for node in inner:  # parents come before their children
        paths[tree.children_left[node]] = paths[node] | {node: 1}
        paths[tree.children_right[node]] = paths[node] | {node: -1}
    C = np.array([[paths[leaf].get(node, 0) for leaf in leaves] for node in inner])
    D = (C == 1).sum(0)
    S = rows[:, tree.feature[inner]] <= tree.threshold[inner]
    E = tree.value[leaves, 0]
    return (S @ C == D) @ (E / E.sum(1, keepdims=True))


cases = []
for name, load in [("iris", load_iris), ("wine", load_wine)]:
    x, y = load(return_X_y=True)
    x = x.astype(np.float32).astype(np.float64)
    order = np.random.default_rng(3).permutation(len(y))
    train, test = order[:-20], order[-20:]
    forest = RandomForestClassifier(8, random_state=1).fit(x[train], y[train])
    trees = [e.tree_ for e in forest.estimators_]
    expected = forest.predict_proba(x[test])
    assert np.abs(np.mean([matrix_form(t, x[test]) for t in trees], 0) - expected).max() < 1e-12
    cases.append(dict(name=name, rows=x[test].tolist(), probabilities=expected.tolist(), trees=[
        dict(feature=t.feature.tolist(), threshold=t.threshold.tolist(), left=t.children_left.tolist(),
             right=t.children_right.tolist(), value=t.value[:, 0].tolist()) for t in trees]))
print(json.dumps(cases))
