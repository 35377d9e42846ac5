#!/usr/bin/env python3
"""Fine-tuning of the last stage of torchvision's ResNet-18 under a linear head, for tests/it/backbones.rs.

    pip install torch torchvision numpy
    python3 tests/reference/tuned.py > tests/reference/backbones/tuned.json

Weights and pictures are made by the formula of backbones.py. Normalisations stay in evaluation mode, as in the program. Five steps of
AdamW on both pictures at once, in double precision; the rate of the stage is a tenth of that of the head.
"""
import json

import numpy as np
import torch
import torchvision

RATE, FACTOR, DECAY, STEPS = 1e-4, 0.1, 1e-4, 5


def noise(shape, k):
    wave = np.sin(k + 12.9898 * np.arange(int(np.prod(shape)), dtype=np.float64)) * 43758.5453
    return (2.0 * (wave - np.floor(wave)) - 1.0).reshape(shape)


def formula(name, shape, k):
    u = noise(shape, k)
    if len(shape) > 1:
        return u * np.sqrt(6.0 / np.prod(shape[1:]))
    if name.endswith("running_var"):
        return 1.0 + 0.5 * u
    if name.endswith("weight"):
        return 1.0 + 0.1 * u
    return 0.1 * u


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
