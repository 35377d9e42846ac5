#!/usr/bin/env python3
"""Fine-tuning of the last stage of torchvision's ResNet-18 under a linear head, for tests/it/backbones.rs.

    pip install torch torchvision numpy
    python3 tests/reference/tuned.py > tests/reference/backbones/tuned.json

Weights and pictures are made by formula.py. Normalisations stay in evaluation mode, as in the program. Five steps of
AdamW on both pictures at once, in double precision; the rate of the stage is a tenth of that of the head.
"""
import json

import numpy as np
import torch
import torchvision

from formula import formula, noise

RATE, FACTOR, DECAY, STEPS = 1e-4, 0.1, 1e-4, 5


net = torchvision.models.resnet18().eval().double()
state = {k: v for k, v in net.state_dict().items() if not k.endswith("num_batches_tracked")}
new = {key: torch.tensor(formula(key, tuple(state[key].shape), k)) for k, key in enumerate(sorted(state))}
net.load_state_dict(new, strict=False)
net.fc = torch.nn.Linear(512, 2).double()
with torch.no_grad():
    net.fc.weight.copy_(torch.tensor(0.02 * formula("fc.weight", (2, 512), 200)))
    net.fc.bias.copy_(torch.tensor(formula("fc.bias", (2,), 201)))
images, labels = torch.tensor(2.0 * noise((2, 3, 64, 64), 0)), torch.tensor([0, 1])
for name, parameter in net.named_parameters():
    parameter.requires_grad_(name.startswith(("layer4", "fc")))
groups = [{"params": list(net.layer4.parameters()), "lr": FACTOR * RATE}, {"params": list(net.fc.parameters()), "lr": RATE}]
optimizer = torch.optim.AdamW(groups, weight_decay=DECAY)
before = {name: value.detach().clone() for name, value in net.named_parameters() if value.requires_grad}
losses = []
for _ in range(STEPS):
    loss = torch.nn.functional.cross_entropy(net(images), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
changes = {name: (value.detach() - before[name]).norm().item() for name, value in net.named_parameters() if value.requires_grad}
print(json.dumps({"losses": losses, "logits": net(images).tolist(), "changes": changes}))
