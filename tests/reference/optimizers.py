"""Writes optimizers.json: steps, schedules and losses by PyTorch, for tests/it/optimizers.rs.

    python tests/reference/optimizers.py        # torch 2.15

Two parameters, w = (0.5, -1.0, 2.0) and v = (0.3, 0.8), are trained on f = sum(w^2 * (1, 4, 0.25)) + sum(sin(3 v));
v moves at 0.1 times the rate of w.
"""

import json
import pathlib

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)


def trace(make, clip=None, steps=12):
    w = torch.tensor([0.5, -1.0, 2.0], requires_grad=True)
    v = torch.tensor([0.3, 0.8], requires_grad=True)
    optimizer = make([{"params": [w], "lr": 0.05}, {"params": [v], "lr": 0.005}])
    rows = []
    for _ in range(steps):
        optimizer.zero_grad()
        ((w**2 * torch.tensor([1.0, 4.0, 0.25])).sum() + torch.sin(3 * v).sum()).backward()
        if clip:
            torch.nn.utils.clip_grad_norm_([w, v], clip)
        optimizer.step()
        rows.append(w.tolist() + v.tolist())
    return rows


def factors(make, metrics):
    parameter = torch.zeros(1, requires_grad=True)
    optimizer = torch.optim.SGD([parameter], lr=1.0)
    schedule = make(optimizer)
    rows = []
    for metric in metrics:
        rows.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if isinstance(schedule, torch.optim.lr_scheduler.ReduceLROnPlateau):
            schedule.step(metric)
        else:
            schedule.step()
    return rows


METRICS = [0.1, 0.2, 0.2, 0.15, 0.19, 0.1, 0.3, 0.30001, 0.3, 0.3, 0.2, 0.2, 0.2, 0.2, 0.2, 0.2]
SCHEDULE = torch.optim.lr_scheduler

logits = torch.tensor([[1.0, 2.0, 0.5], [0.2, -0.3, 1.1]], requires_grad=True)
teacher = torch.tensor([[0.1, 0.7, 0.2], [0.3, 0.3, 0.4]])
labels = torch.tensor([1, 2])


def loss(name, make):
    logits.grad = None
    rows = make()
    rows.sum().backward()
    return {"name": name, "rows": rows.tolist(), "gradient": logits.grad.flatten().tolist()}


def focal():
    logp = F.log_softmax(logits, 1).gather(1, labels[:, None])[:, 0]
    return -((1 - logp.exp()) ** 2) * logp


LOSSES = [
    loss("cross_entropy", lambda: F.cross_entropy(logits, labels, reduction="none")),
    loss("soft_cross_entropy", lambda: F.cross_entropy(logits, teacher, reduction="none")),
    loss("divergence", lambda: F.kl_div(F.log_softmax(logits, 1), teacher, reduction="none").sum(1)),
    loss("distillation", lambda: 4 * F.kl_div(
        F.log_softmax(logits / 2, 1), F.softmax(teacher.log() / 2, 1), reduction="none").sum(1)),
    loss("binary_cross_entropy",
         lambda: F.binary_cross_entropy_with_logits(logits * 100, teacher, reduction="none").mean(1)),
    loss("focal", focal),
    loss("squares", lambda: F.mse_loss(logits, teacher, reduction="none").mean(1)),
    loss("absolute", lambda: F.l1_loss(logits, teacher, reduction="none").mean(1)),
    loss("huber", lambda: F.huber_loss(logits, teacher, delta=0.7, reduction="none").mean(1)),
]

if __name__ == "__main__":
    sections = {
        "steps": {
            "adam": trace(torch.optim.Adam),
            "adamw": trace(lambda groups: torch.optim.AdamW(groups, weight_decay=0.1)),
            "sgd": trace(lambda groups: torch.optim.SGD(groups, momentum=0.9)),
            "adam, clipped": trace(torch.optim.Adam, clip=0.5),
        },
        "metrics": METRICS,
        "factors": {
            "step": factors(lambda o: SCHEDULE.StepLR(o, 3, 0.9), METRICS),
            "cosine": factors(lambda o: SCHEDULE.CosineAnnealingLR(o, len(METRICS), 0.05), METRICS),
            "plateau": factors(
                lambda o: SCHEDULE.ReduceLROnPlateau(o, "max", 0.5, patience=2, min_lr=0.2), METRICS),
        },
        "losses": LOSSES,
    }
    parts = ",\n".join(f"{json.dumps(k)}:{json.dumps(v, separators=(',', ':'))}" for k, v in sections.items())
    text = f'{{"source":"PyTorch {torch.__version__}, f64",\n{parts}}}\n'
    pathlib.Path(__file__).with_suffix(".json").write_text(text)
