"""Makes seizure_arrays.json: networks of convolutions by PyTorch, arrays of a segment by NumPy and PyWavelets.

    python3 seizure_arrays.py        # torch 2.15, numpy, PyWavelets; writes seizure_arrays.json

Tensors are made by formula on both sides: element i of the tensor named by `phase` is scale * sin(0.7 i + phase). The loss of a
network is the sum over its logits of the logit times the tensor of phase 9.
"""
import json
import pathlib

import numpy as np
import pywt
import torch
from torch import nn

torch.set_default_dtype(torch.float64)
torch.set_num_threads(1)


def formula(shape, phase, scale=1.0):
    count = torch.Size(shape).numel()
    return scale * torch.sin(0.7 * torch.arange(count, dtype=torch.float64) + phase).reshape(shape)


def network(name, channels, height, width, filters, hidden, classes, rows):
    kernel, padding = ((1, 3), (0, 1)) if height == 1 else ((3, 3), (1, 1))
    x = formula((rows, channels, height, width), 1.0)
    layers, before = [], channels
    for k in range(4):
        planes = filters if k < 2 else 2 * filters
        layers += [nn.Conv2d(before, planes, kernel, 2, padding), nn.Tanh()]
        before = planes
    body = nn.Sequential(*layers, nn.Flatten())
    inner = body(x).shape[1]
    body.append(nn.Linear(inner, hidden)).append(nn.Tanh())
    classifier = nn.Linear(hidden, classes)
    with torch.no_grad():
        named = [layer for layer in [*body, classifier] if hasattr(layer, "weight")]
        for k, layer in enumerate(named):
            layer.weight.copy_(formula(layer.weight.shape, 2.0 + k, 0.4))
            layer.bias.copy_(formula(layer.bias.shape, 3.0 + k, 0.1))
    features = body(x)
    logits = classifier(features)
    (logits * formula(logits.shape, 9.0)).sum().backward()
    names = ["conv.0", "conv.1", "conv.2", "conv.3", "hidden", "classifier"]
    gradients = {}
    for own, layer in zip(names, named):
        for part in ("weight", "bias"):
            gradients[f"{own}.{part}"] = rounded(getattr(layer, part).grad)
    return {
        "name": name, "channels": channels, "size": [height, width], "filters": filters, "hidden": hidden,
        "classes": classes, "rows": rows, "features": rounded(features), "logits": rounded(logits), "gradients": gradients,
    }


def rounded(values):
    return [round(float(value), 10) for value in np.asarray(torch.as_tensor(values).detach()).flatten()]


def arrays(samples):
    """A segment of so many samples, 64 a second."""
    segment = 20 * formula((samples,), 0.3).numpy() + 5 * np.cos(2.1 * np.arange(samples))
    seconds = samples / 64
    spectrum = 2 * np.abs(np.fft.rfft(segment)) / samples
    bins = np.arange(len(spectrum)) / seconds
    kept = spectrum[(bins >= 3) & (bins <= 29)]
    packet = pywt.WaveletPacket(segment, "db4", mode="symmetric", maxlevel=4)
    nodes = np.stack([node.data for node in packet.get_level(4, order="freq")][1:15])
    return {
        "samples": samples, "time": segment.tolist(), "frequency": np.log(kept + 1e-3).tolist(),
        "time_frequency": np.log(nodes**2 + 1e-6).flatten().tolist(), "width": nodes.shape[1],
    }


result = {
    "torch": torch.__version__,
    "networks": [
        network("one row", 3, 1, 20, 2, 4, 2, 3),
        network("one row, odd", 2, 1, 27, 3, 5, 3, 2),
        network("planes", 2, 6, 9, 2, 4, 2, 3),
        network("planes, as nodes over time", 3, 14, 10, 2, 3, 2, 2),
    ],
    "arrays": [arrays(64), arrays(32), arrays(100)],
}
(pathlib.Path(__file__).parent / "seizure_arrays.json").write_text(json.dumps(result) + "\n")
