#!/usr/bin/env python3
"""Reference values for tests/it/vision_transformers.rs: torchvision 0.29.2 in float64 on weights made by a formula.

  python3 tests/reference/transformers.py

Writes transformers.json: names and shapes of the weights of vit_b_16 and swin_t, features and logits of one picture (every 7th
value), and of a small ViT also its attention rollout.
"""
import json
import pathlib

import numpy as np
import torch
import torchvision
from torchvision.models.vision_transformer import VisionTransformer

from formula import formula, noise

STEP = 7


def digits(values):
    return [float(f"{v:.8g}") for v in np.asarray(values.detach(), dtype=np.float64).ravel()]


def filled(net):
    net = net.eval().double()
    state = {k: v for k, v in net.state_dict().items() if v.dtype.is_floating_point}
    new = {key: torch.tensor(formula(key, tuple(state[key].shape), k)) for k, key in enumerate(sorted(state))}
    net.load_state_dict(new, strict=False)
    return net, [[key, list(state[key].shape)] for key in sorted(state)]


def rollout(net, x):
    """Abnar & Zuidema 2020: half of each token passes an attention unchanged, heads are averaged."""
    layers = []

    def handled(module, inputs):
        q = inputs[0]
        width, heads = module.embed_dim, module.num_heads
        q, k, _ = torch.nn.functional.linear(q, module.in_proj_weight, module.in_proj_bias).chunk(3, -1)
        split = lambda t: t.reshape(*t.shape[:2], heads, width // heads).transpose(1, 2)
        layers.append((split(q) @ split(k).transpose(-1, -2) / (width // heads) ** 0.5).softmax(-1).mean(1))

    hooks = [block.self_attention.register_forward_hook(lambda m, i, o: handled(m, i)) for block in net.encoder.layers]
    net(x)
    [hook.remove() for hook in hooks]
    total = torch.eye(layers[0].shape[-1], dtype=torch.float64)
    for weights in layers:
        mixed = weights + torch.eye(weights.shape[-1])
        total = mixed / mixed.sum(-1, keepdim=True) @ total
    return total[:, 0, 1:]


def values(net, head, x):
    """Features are what the classifier reads."""
    read = {}
    hook = net.get_submodule(head).register_forward_pre_hook(lambda module, inputs: read.update(v=inputs[0]))
    logits = net(x)
    hook.remove()
    return {"features": [digits(row[::STEP]) for row in read["v"]], "logits": [digits(row[::STEP]) for row in logits]}


torch.manual_seed(0)
out = {}
for name, make, head, shape in [
    ("vit_b_16", torchvision.models.vit_b_16, "heads.head", (1, 3, 224, 224)),
    ("swin_t", torchvision.models.swin_t, "head", (1, 3, 112, 96)),
]:
    net, parameters = filled(make())
    x = torch.tensor(2.0 * noise(shape, 0))
    out[name] = {"parameters": parameters, "shape": shape, **values(net, head, x)}
net, parameters = filled(VisionTransformer(32, 8, 3, 3, 24, 40, num_classes=10))
x = torch.tensor(2.0 * noise((2, 3, 32, 32), 0))
out["small"] = {"parameters": parameters, "shape": (2, 3, 32, 32), **values(net, "heads.head", x),
                "rollout": [digits(row) for row in rollout(net, x)]}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(out, separators=(",", ":")) + "\n")
