"""Makes soh.json: ageing cells by NumPy, the forecaster and its aligned loss by PyTorch, a domain classifier by
scikit-learn.

    python3 soh.py > soh.json        # numpy, torch, scikit-learn
"""
import json
import numpy as np
import torch
from sklearn.linear_model import LogisticRegression


def age(charge, discharge, growth, loss, checkpoints):
    """State of health per 500 Ah of throughput of a 2.3 Ah cell."""
    stress = discharge**1.2 * charge**0.8
    interphase = material = passed = 0.0
    health = [1.0]
    while len(health) <= checkpoints:
        now = 1.0 - interphase - material
        if now < 0.6:
            break
        passed += 2 * 2.3 * now
        interphase += growth**2 / (2 * max(interphase, 1e-4))
        material += loss * stress * (1 + 5 * material)
        if passed >= 500 * len(health):
            health.append(1.0 - interphase - material)
    return health


def squared_distances(x, y):
    return ((x[:, None] - y[None]) ** 2).sum(-1)


def mmd(x, y):
    """Biased MMD^2 under Gaussians around the median squared distance."""
    rows = torch.cat([x, y]).detach()
    upper = torch.triu_indices(len(rows), len(rows), 1)
    median = float(np.median(squared_distances(rows, rows)[upper[0], upper[1]].numpy()))
    kernel = lambda a, b: sum(torch.exp(-squared_distances(a, b) / (2 * f * median)) for f in (.25, .5, 1, 2, 4)) / 5
    return kernel(x, x).mean() + kernel(y, y).mean() - 2 * kernel(x, y).mean()


lives = [dict(charge=c, discharge=d, growth=g, loss=l, health=age(c, d, g, l, 60))
         for c, d, g, l in [(0.5, 1, 8.5e-4, 4e-6), (1, 2, 9e-4, 3.5e-6), (2, 3, 8e-4, 4.4e-6), (2, 3, 9e-4, 8e-6)]]

torch.manual_seed(11)
torch.set_default_dtype(torch.float64)
lstm, dense, head = torch.nn.LSTM(3, 4, batch_first=True), torch.nn.Linear(4, 5), torch.nn.Linear(5, 1)
inputs, targets = torch.randn(7, 6, 3), torch.randn(7, 1)
weights = torch.tensor([1.0, 1, 1, 1, 1, 0, 0])
latent = lstm(inputs)[0][:, -1]
answer = head(torch.relu(dense(latent)))
fit = (weights * (answer - targets)[:, 0] ** 2).sum() / weights.sum()
gap = mmd(latent[:4], latent[4:])
(fit + 0.3 * gap).backward()
named = {f"{name}.{k}": v for name, module in [("lstm", lstm), ("dense", dense), ("layers.0", head)]
         for k, v in module.named_parameters()}
network = dict(
    inputs=inputs.tolist(), targets=targets.tolist(), weights=weights.tolist(), domains=[0] * 4 + [1] * 3,
    latent=latent.tolist(), answer=answer.tolist(), fit=fit.item(), gap=gap.item(),
    parameters={k: v.flatten().tolist() for k, v in named.items()},
    gradients={k: v.grad.flatten().tolist() for k, v in named.items()})

rng = np.random.default_rng(3)
labels = np.arange(40) % 2
rows = rng.normal(size=(40, 3)) + labels[:, None] * [1.0, -0.5, 0.2]
fitted = LogisticRegression(C=1 / 0.7, tol=1e-12, max_iter=10000).fit(rows, labels)
classifier = dict(rows=rows.tolist(), labels=labels.astype(bool).tolist(), penalty=0.7,
                  weights=fitted.coef_[0].tolist(), bias=fitted.intercept_[0])
print(json.dumps(dict(lives=lives, network=network, classifier=classifier)))
