"""Writes ctc.json: losses of connectionist temporal classification and their gradients by PyTorch, for tests/it/ctc.rs.

    python tests/reference/ctc.py        # torch 2.15

Element i of the logits (rows, frames, classes) is 1.5 sin(0.7 i + 1) on both sides. Gradients are those of the losses'
sum, each weighted by its position, with respect to the logits; PyTorch's zero_infinity leaves none where nothing fits.
"""

import json
import pathlib

import torch
import torch.nn.functional as F

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)

CASES = {
    "plain": dict(classes=5, most=7, labels=[[1, 2, 3], [4, 1, 2]], frames=[7, 7], blank=0),
    "repeated labels": dict(classes=4, most=8, labels=[[1, 1, 2], [2, 2, 2]], frames=[8, 8], blank=0),
    "of different lengths": dict(classes=6, most=9, labels=[[1], [5, 4, 3, 2], []], frames=[4, 9, 6], blank=0),
    "blank last": dict(classes=5, most=6, labels=[[0, 1, 1], [3]], frames=[6, 5], blank=4),
    "just fits": dict(classes=4, most=5, labels=[[1, 1, 2], [1, 2, 3]], frames=[4, 3], blank=0),
    "does not fit": dict(classes=4, most=4, labels=[[1, 1, 1], [1, 2], [1, 2, 3]], frames=[4, 4, 2], blank=0),
}


def listed(tensor):
    return [None if value == float("inf") else value for value in tensor.detach().flatten().tolist()]


cases = []
for name, case in CASES.items():
    rows, most, classes = len(case["labels"]), case["most"], case["classes"]
    count = rows * most * classes
    logits = 1.5 * torch.sin(0.7 * torch.arange(count, dtype=torch.float64) + 1).reshape(rows, most, classes)
    logits.requires_grad_()

    def losses(zero_infinity):
        probabilities = F.log_softmax(logits, dim=-1).transpose(0, 1)
        lengths = [len(row) for row in case["labels"]]
        targets = torch.tensor(sum(case["labels"], []))
        return F.ctc_loss(probabilities, targets, case["frames"], lengths, case["blank"], "none", zero_infinity)

    (losses(True) * torch.arange(1, rows + 1)).sum().backward()
    cases.append(dict(name=name, **case, losses=listed(losses(False)), gradients=listed(logits.grad)))
path = pathlib.Path(__file__).with_suffix(".json")
path.write_text(json.dumps(cases) + "\n")
