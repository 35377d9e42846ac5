"""Choices of weights by numpy and PyTorch: plasticity.json beside this file. Run with torch 2.15, scikit-learn 1.9."""

import json
from pathlib import Path

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch.nn.utils import prune

random = np.random.default_rng(0)
cases = []
for size, ties in [(40, False), (40, True), (7, True)]:
    weights = random.normal(size=size).round(1 if ties else 6)
    gradients = random.normal(size=size).round(0 if ties else 6)
    utilities = {"magnitude": np.abs(weights), "gradient": np.abs(weights * gradients), "random": random.uniform(size=size).round(6)}
    for name, utility in utilities.items():
        for count in [0, 1, size // 3, size]:
            chosen = np.sort(np.argsort(utility, kind="stable")[:count])
            cases.append({"utility": name, "values": utility.tolist(), "count": count, "chosen": chosen.tolist()})
            if name == "magnitude" and not ties and 0 < count < size:
                layer = torch.nn.Linear(size, 1)
                layer.weight.data = torch.tensor(weights)[None]
                prune.l1_unstructured(layer, "weight", amount=count)
                assert np.flatnonzero(layer.weight_mask.numpy()[0] == 0).tolist() == chosen.tolist()
        for factor in [0.01, 0.1, 0.5]:
            chosen = np.flatnonzero(utility <= factor * utility.mean())
            cases.append({"utility": name, "values": utility.tolist(), "factor": factor, "chosen": chosen.tolist()})

torch.manual_seed(0)
fresh = torch.nn.Linear(64, 100).weight.detach().flatten()[:2000].sort().values
digits = load_digits()
path = Path(__file__).with_suffix(".json")
path.write_text(
    json.dumps(
        {
            "cases": cases,
            "fresh": [round(v, 6) for v in fresh.tolist()],
            "digits": {"classes": np.bincount(digits.target).tolist(), "sum": float(digits.data.sum()) / 16},
        }
    )
    + "\n"
)
