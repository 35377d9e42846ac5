"""Losses of the rotation heads by PyTorch: rotation.json beside this file. Run with torch 2.15."""

import json
import math
from pathlib import Path

import torch
import torch.nn.functional as F

torch.manual_seed(0)
angles = [0.0, 0.004, 1.0, 3.1, 4.5, 6.28]
theta = torch.tensor(angles, dtype=torch.float64)
turn = 2 * math.pi
rows = {}


def case(name, width, loss):
    """`loss` maps outputs (rows, width) to the loss of each row."""
    outputs = torch.randn(len(angles), width, dtype=torch.float64, requires_grad=True)
    losses = loss(outputs)
    (gradient,) = torch.autograd.grad(losses.sum(), outputs)
    # Of wide outputs every 40th gradient is enough.
    step = 40 if width > 3 else 1
    rows[name] = {
        "outputs": [[round(v, 4) for v in row] for row in outputs.tolist()],
        "losses": losses.tolist(),
        "gradient": [row[::step] for row in gradient.tolist()],
    }


def rounded(loss):
    """Evaluates at outputs of four decimals, as they are written."""
    return lambda outputs: loss(outputs + (outputs.detach().mul(1e4).round() / 1e4 - outputs.detach()))


def direct(outputs):
    gap = (outputs[:, 0] - theta / turn).remainder(1.0)
    return torch.minimum(gap, 1 - gap)


def unit_vector(outputs):
    target = torch.stack([theta.cos(), theta.sin()], 1)
    return F.l1_loss(outputs, target, reduction="none").mean(1) + 0.01 * (outputs.norm(dim=1) - 1) ** 2


def phase_shift(outputs):
    target = torch.stack([(theta + turn * n / 3).cos() for n in range(3)], 1)
    return F.l1_loss(outputs, target, reduction="none").mean(1)


def gaussian(outputs):
    gap = (torch.arange(360, dtype=torch.float64)[None] - theta[:, None] * 360 / turn).remainder(360)
    gap = torch.minimum(gap, 360 - gap)
    target = torch.exp(-(gap**2) / (2 * 6**2))
    target = target / target.sum(1, keepdim=True)
    divergence = F.kl_div(outputs.log_softmax(1), target, reduction="none").sum(1)
    return divergence - torch.xlogy(target, target).sum(1)


case("naive", 1, rounded(lambda o: F.mse_loss(o[:, 0], theta / turn, reduction="none")))
case("direct", 1, rounded(direct))
case("bins", 360, rounded(lambda o: F.cross_entropy(o, (theta * 360 / turn).floor().long(), reduction="none")))
case("unit_vector", 2, rounded(unit_vector))
case("phase_shift", 3, rounded(phase_shift))
case("gaussian", 360, rounded(gaussian))

path = Path(__file__).with_suffix(".json")
path.write_text(json.dumps({"angles": angles, "heads": rows}) + "\n")
