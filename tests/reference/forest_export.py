"""Makes forest_export.json: forests of scikit-learn in the safetensors of docs/own_data/forest.md, with their predictions.

    python3 forest_export.py > forest_export.json      # numpy, safetensors, scikit-learn

`export` is the function that the page documents. Bytes are in hexadecimal digits.
"""
import json

import numpy as np
from safetensors.numpy import save
from sklearn.datasets import load_diabetes, load_iris
from sklearn.ensemble import ExtraTreesRegressor, RandomForestClassifier, RandomForestRegressor


def export(forest, columns, target=""):
    trees = [estimator.tree_ for estimator in forest.estimators_]
    of = lambda field: np.concatenate([getattr(tree, field) for tree in trees])
    tensors = {"nodes": np.array([tree.node_count for tree in trees]), "feature": of("feature"),
               "threshold": of("threshold"), "left": of("children_left"), "right": of("children_right"),
               "value": of("value")[:, 0, :]}
    classes = [str(name) for name in getattr(forest, "classes_", [])]
    names = {"columns": json.dumps(list(columns)), "classes": json.dumps(classes), "target": target}
    return save(tensors, metadata=names)


cases = []
for name, model, load in [
    ("classes", RandomForestClassifier(5, max_depth=4, random_state=1), load_iris),
    ("numbers", RandomForestRegressor(4, max_depth=4, random_state=1), load_diabetes),
    ("extra trees", ExtraTreesRegressor(3, max_depth=4, random_state=1), load_diabetes),
]:
    x, y = load(return_X_y=True)
    x = x.astype(np.float32)
    if name == "classes":
        y = np.array(["setosa", "versicolor", "virginica"])[y]
    forest = model.fit(x[12:], y[12:])
    predicted = forest.predict_proba(x[:12]) if name == "classes" else forest.predict(x[:12])[:, None]
    columns = [f"x{k}" for k in range(x.shape[1])]
    cases.append(dict(name=name, file=export(forest, columns, "y").hex(), rows=x[:12].astype(float).tolist(),
                      columns=columns, classes=[str(c) for c in getattr(forest, "classes_", [])],
                      predictions=predicted.tolist()))
print(json.dumps(cases))
