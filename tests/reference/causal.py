#!/usr/bin/env python3
"""Values of what methods for several environments add to a loss, and of causal adjustments.

  pip install numpy torch dowhy
  python3 tests/reference/causal.py > tests/reference/causal.json

Penalties are computed by PyTorch in double precision as DomainBed (commit 026d588e) and the code of the coloured digits of
IRM define them, with a second backward pass where they have one (create_graph). Their gradients are taken with respect to
the features and the read-out W, b. Adjustments are those of dowhy on rows of linear structural models.
"""
import json
import logging
import warnings

import numpy as np
import torch
import torch.nn.functional as F

warnings.filterwarnings("ignore")
logging.disable(logging.CRITICAL)
torch.set_default_dtype(torch.float64)


def rows(generator):
    x = torch.tensor(generator.normal(size=(14, 4)).round(3))
    y = torch.tensor(generator.integers(0, 3, 14))
    e = torch.tensor([0, 1, 2, 0, 1, 2, 0, 1, 2, 0, 1, 0, 1, 0])
    w = torch.tensor(generator.normal(size=(3, 4)).round(3))
    b = torch.tensor(generator.normal(size=3).round(3))
    return x, y, e, w, b


def risks(logits, y, e):
    return torch.stack([F.cross_entropy(logits[e == k], y[e == k]) for k in range(3)])


def irm(x, y, e, w, b):
    scale = torch.tensor(1.0, requires_grad=True)
    logits = (x @ w.T + b) * scale
    total = 0
    for k in range(3):
        (gradient,) = torch.autograd.grad(F.cross_entropy(logits[e == k], y[e == k]), [scale], create_graph=True)
        total = total + gradient**2
    return total / 3


def irm_unbiased(x, y, e, w, b):
    scale = torch.tensor(1.0, requires_grad=True)
    logits = (x @ w.T + b) * scale
    total = 0
    for k in range(3):
        own, truth = logits[e == k], y[e == k]
        (one,) = torch.autograd.grad(F.cross_entropy(own[::2], truth[::2]), [scale], create_graph=True)
        (two,) = torch.autograd.grad(F.cross_entropy(own[1::2], truth[1::2]), [scale], create_graph=True)
        total = total + one * two
    return total / 3


def v_rex(x, y, e, w, b):
    all_risks = risks(x @ w.T + b, y, e)
    return ((all_risks - all_risks.mean()) ** 2).mean()


def bottleneck(x, y, e, w, b):
    return sum(x[e == k].var(dim=0).mean() for k in range(3)) / 3


def ib_irm(x, y, e, w, b):
    return irm(x, y, e, w, b) + bottleneck(x, y, e, w, b)


def coral_means(x, y, e, w, b):
    def distance(one, other):
        cov = lambda rows: (rows - rows.mean(0)).T @ (rows - rows.mean(0)) / (len(rows) - 1)
        return (one.mean(0) - other.mean(0)).pow(2).mean() + (cov(one) - cov(other)).pow(2).mean()

    pairs = [(0, 1), (0, 2), (1, 2)]
    return sum(distance(x[e == i], x[e == j]) for i, j in pairs) / len(pairs)


def gradients_of_rows(x, y, w, b):
    """(rows, parameters) by one backward pass a row."""
    found = []
    for k in range(len(x)):
        loss = F.cross_entropy((x[k : k + 1] @ w.T + b), y[k : k + 1])
        parts = torch.autograd.grad(loss, [w, b], create_graph=True)
        found.append(torch.cat([parts[0], parts[1][:, None]], dim=1).reshape(-1))
    return torch.stack(found)


def fishr(x, y, e, w, b, before=None, decay=0.0):
    variances = []
    for k in range(3):
        own = gradients_of_rows(x[e == k], y[e == k], w, b)
        variance = (own - own.mean(0, keepdim=True)).pow(2).mean(0)
        if decay:
            average = (1 - decay) * variance + (decay * before[k] if before else 0)
            variances.append(average / (1 - decay))
        else:
            variances.append(variance)
    mean = torch.stack(variances).mean(0)
    penalty = sum((variance - mean).pow(2).mean() for variance in variances) / 3
    averages = [((1 - decay) * variance).detach() for variance in variances]
    return (penalty, averages) if decay else penalty


def group_dro(x, y, e, w, b, steps=2, eta=0.01):
    """The loss less the mean loss after some steps without learning."""
    logits = x @ w.T + b
    q = torch.ones(3)
    for _ in range(steps):
        own = risks(logits, y, e)
        q = q * (eta * own.detach()).exp()
        q = q / q.sum()
    return torch.dot(own, q) - F.cross_entropy(logits, y)


def and_mask(x, y, e, w, b, tau):
    """The gradient itself: that of W, b alone."""
    each = [torch.autograd.grad(F.cross_entropy(x[e == k] @ w.T + b, y[e == k]), [w, b]) for k in range(3)]
    found = []
    for part in range(2):
        stack = torch.stack([gradients[part] for gradients in each])
        mask = (stack.sign().mean(0).abs() >= tau).to(stack.dtype)
        share = mask.sum() / mask.numel()
        found.append(mask * stack.mean(0) / (1e-10 + share))
    return found


def network_of_random_convolutions():
    """GIN with stated kernels: F.conv2d, leaky_relu, mixture, Frobenius norm (code of arXiv:2111.12525)."""
    generator = np.random.default_rng(5)
    picture = torch.tensor(generator.uniform(size=(3, 5, 6)).round(3))
    sizes, widths = [3, 1, 3, 1], [3, 2, 2, 2, 3]
    layers, values = [], picture[None]
    for k, size in enumerate(sizes):
        weight = torch.tensor(generator.normal(size=(widths[k + 1], widths[k], size, size)).round(3))
        shift = torch.tensor(generator.normal(size=widths[k + 1]).round(3))
        values = F.conv2d(values, weight, padding=size // 2) + shift[None, :, None, None]
        if k < 3:
            values = F.leaky_relu(values)
        layers.append([size, weight.flatten().tolist(), shift.tolist()])
    mixed = 0.3 * values[0] + 0.7 * picture
    mixed = mixed / (mixed.norm() + 1e-5) * picture.norm()
    return {"picture": picture.flatten().tolist(), "layers": layers, "share": 0.3, "output": mixed.flatten().tolist()}


def consistency():
    """Ten times the mean over two views of KL(view, mean), by torch's KLDivLoss (logarithms first)."""
    generator = np.random.default_rng(6)
    one, two = (torch.tensor(generator.normal(size=(4, 3)).round(3), requires_grad=True) for _ in range(2))
    p, q = one.softmax(1), two.softmax(1)
    middle = ((p + q) / 2).log()
    value = 10 * (F.kl_div(middle, p, reduction="batchmean") + F.kl_div(middle, q, reduction="batchmean")) / 2
    slopes = torch.autograd.grad(value, [one, two])
    return {"logits": [one.tolist(), two.tolist()], "value": value.item(), "gradients": [s.tolist() for s in slopes]}


def penalties():
    x, y, e, w, b = rows(np.random.default_rng(3))
    found = {}
    for function in [irm, irm_unbiased, v_rex, ib_irm, coral_means, fishr, group_dro]:
        leaves = [leaf.clone().requires_grad_() for leaf in (x, w, b)]
        value = function(leaves[0], y, e, leaves[1], leaves[2])
        slopes = torch.autograd.grad(value, leaves, allow_unused=True)
        slopes = [torch.zeros_like(leaf) if s is None else s for s, leaf in zip(slopes, leaves)]
        found[function.__name__] = {"value": value.item(), "gradients": [s.flatten().tolist() for s in slopes]}
    # Fishr with an average, on other features in the second step.
    leaves = [leaf.clone().requires_grad_() for leaf in (x, w, b)]
    _, averages = fishr(leaves[0], y, e, leaves[1], leaves[2], None, 0.95)
    leaves[0] = (0.5 * x).requires_grad_()
    value, _ = fishr(leaves[0], y, e, leaves[1], leaves[2], averages, 0.95)
    slopes = torch.autograd.grad(value, leaves)
    found["fishr_averaged"] = {"value": value.item(), "gradients": [s.flatten().tolist() for s in slopes]}
    for tau in (1.0, 0.3):
        leaves = [leaf.clone().requires_grad_() for leaf in (w, b)]
        masked = and_mask(x, y, e, leaves[0], leaves[1], tau)
        found[f"and_mask_{tau}"] = {"value": 0.0, "gradients": [[]] + [m.flatten().tolist() for m in masked]}
    data = {"features": x.tolist(), "labels": y.tolist(), "domains": e.tolist(), "weight": w.tolist(), "bias": b.tolist()}
    return {"data": data, "penalties": found}


def adjustments():
    import pandas as pd
    from dowhy import CausalModel

    generator = np.random.default_rng(11)
    count = 60
    # x <- c, y <- x, c: the effect of x on y is 1.5.
    c1, c2 = generator.normal(size=(2, count))
    x = 0.8 * c1 - 0.5 * c2 + generator.normal(size=count)
    y = 1.5 * x + 2.0 * c1 + 0.7 * c2 + 0.3 * generator.normal(size=count)
    table = pd.DataFrame({"x": x, "y": y, "c1": c1, "c2": c2}).round(4)
    model = CausalModel(table, treatment="x", outcome="y", common_causes=["c1", "c2"])
    estimand = model.identify_effect(proceed_when_unidentifiable=True)
    backdoor = model.estimate_effect(estimand, method_name="backdoor.linear_regression").value
    # u hidden: x <- u, m <- x, y <- m, u: the effect of x on y is 1.2 * 0.9.
    u = generator.normal(size=count)
    x = u + 0.6 * generator.normal(size=count)
    m = 1.2 * x + 0.5 * generator.normal(size=count)
    y = 0.9 * m + 2.0 * u + 0.3 * generator.normal(size=count)
    hidden = pd.DataFrame({"x": x, "m": m, "y": y}).round(4)
    graph = "digraph { U; U -> x; U -> y; x -> m; m -> y; }"
    model = CausalModel(hidden, treatment="x", outcome="y", graph=graph)
    estimand = model.identify_effect(proceed_when_unidentifiable=True)
    front = model.estimate_effect(estimand, method_name="frontdoor.two_stage_regression").value
    return {
        "backdoor": {"rows": table.to_numpy().tolist(), "effect": float(backdoor)},
        "front_door": {"rows": hidden.to_numpy().tolist(), "effect": float(front)},
    }


if __name__ == "__main__":
    print(json.dumps({
        **penalties(),
        "gin": network_of_random_convolutions(),
        "consistency": consistency(),
        "adjustments": adjustments(),
    }, separators=(",", ":")))
