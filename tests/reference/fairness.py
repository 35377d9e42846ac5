"""Writes fairness.json for tests/it/fairness.rs: class weights, losses, words and fairness by scikit-learn, torchvision, fairlearn.

    python -P tests/reference/fairness.py        # scikit-learn 1.9, fairlearn 0.15, torch 2.15, torchvision
"""

import json
import pathlib

import numpy as np
import pandas as pd
import torch
from fairlearn.metrics import demographic_parity_difference, equalized_odds_difference
from fairlearn.reductions import DemographicParity
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import average_precision_score, f1_score
from sklearn.utils.class_weight import compute_class_weight
from torchvision.ops import sigmoid_focal_loss

random = np.random.default_rng(8)
counts = [3821, 668, 4360, 207, 1581, 1232, 316, 1082]
labels = np.repeat(np.arange(8), counts)
effective = np.array([(1 - 0.999) / (1 - 0.999**n) for n in counts])

logits, targets = torch.tensor([2.0, -1.0, 0.3], dtype=torch.float64), torch.tensor([1.0, 1.0, 0.0], dtype=torch.float64)

rows = 60
truth, said = random.integers(0, 3, rows), random.integers(0, 3, rows)
groups = (random.random(rows) < 0.3).astype(int)
scores = random.dirichlet([1, 1, 1], rows)


def against_rest(measure):
    return max(measure(c) for c in range(3))


# In three classes each class against the rest; of two classes the package alone.
binary_truth, binary_said = (truth > 0).astype(int), (said > 0).astype(int)
dp = lambda c: demographic_parity_difference(truth == c, said == c, sensitive_features=groups)
eo = lambda c: equalized_odds_difference(truth == c, said == c, sensitive_features=groups)

moment = DemographicParity()
moment.load_data(pd.DataFrame({"x": scores[:, 0]}), pd.Series(binary_truth), sensitive_features=pd.Series(groups))
multipliers = pd.Series([0.3, 0.1, 0.05, 0.7], index=moment.index)
objective = moment.default_objective()
objective.load_data(pd.DataFrame({"x": scores[:, 0]}), pd.Series(binary_truth), sensitive_features=pd.Series(groups))
signed = objective.signed_weights() + moment.signed_weights(multipliers)

texts = ["The rains failed, the harvest failed.", "Harvest was not bad in 2019", "a rains_late B", "Prices: the café is shut"]
vectors = TfidfVectorizer()
tfidf = vectors.fit_transform(texts + ["new words"]).toarray()[:4]

path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps({
    "counts": counts,
    "balanced": compute_class_weight("balanced", classes=np.arange(8), y=labels).tolist(),
    "effective": (effective / effective.mean()).tolist(),
    "focal": sigmoid_focal_loss(logits, targets, alpha=0.25, gamma=2.0, reduction="none").tolist(),
    "truth": truth.tolist(), "said": said.tolist(), "groups": groups.tolist(), "scores": scores.tolist(),
    "average_precision": average_precision_score(np.eye(3)[truth], scores, average="macro"),
    "f1": f1_score(truth, scores.argmax(1), average="macro"),
    "demographic_parity": against_rest(dp), "equalized_odds": against_rest(eo),
    "binary_demographic_parity": demographic_parity_difference(binary_truth, binary_said, sensitive_features=groups),
    "binary_equalized_odds": equalized_odds_difference(binary_truth, binary_said, sensitive_features=groups),
    # λ by sign and group, as fairlearn orders them.
    "multipliers": [[sign, int(group), value] for (sign, _, group), value in multipliers.items()],
    "signed_weights": signed.tolist(),
    "texts": texts, "words": sorted(vectors.vocabulary_), "tfidf": tfidf.tolist(),
}) + "\n")
