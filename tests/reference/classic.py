"""Makes classic.json: PCA and one-vs-rest SVC by scikit-learn on 60 seeded rows.

    python3 classic.py > classic.json        # numpy, scikit-learn
"""
import json
import numpy as np
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

rng = np.random.default_rng(5)
labels = np.arange(60) % 3
rows = rng.normal(size=(60, 5)) * [3, 2, 1, 0.5, 0.2] + np.eye(3, 5)[labels] * 2
fresh = rng.normal(size=(9, 5)) * [3, 2, 1, 0.5, 0.2]
scaler = StandardScaler().fit(rows)
pca = PCA(3, svd_solver="full").fit(scaler.transform(rows))
fitted = pca.transform(scaler.transform(rows))
signs = np.sign(pca.components_[np.arange(3), np.abs(pca.components_).argmax(1)])
scores = pca.transform(scaler.transform(fresh)) * signs / fitted.std(0)
gamma, penalty = 0.2, 1.5
kernel = lambda a, b: np.exp(-gamma * ((a[:, None] - b[None]) ** 2).sum(-1))
decisions = np.stack([SVC(kernel="precomputed", C=penalty, tol=1e-9).fit(kernel(rows, rows), labels == c)
                      .decision_function(kernel(fresh, rows)) for c in range(3)], 1)
print(json.dumps(dict(rows=rows.tolist(), labels=labels.tolist(), fresh=fresh.tolist(), pca=scores.tolist(),
                      gamma=gamma, penalty=penalty, decisions=decisions.tolist())))
