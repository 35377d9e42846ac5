"""Writes layers.json: convolutions and poolings by PyTorch, forward and backward, for tests/it/layers.rs.

    python tests/reference/layers.py        # torch 2.15

Tensors are made by formula on both sides: element i of the tensor named by `phase` is sin(0.7 i + phase). The loss is
the sum of output times the tensor of phase 4, so that every output has its own gradient.
"""

import json
import pathlib

import torch
import torch.nn.functional as F

torch.set_num_threads(1)


def formula(shape, phase):
    count = torch.Size(shape).numel()
    return torch.sin(0.7 * torch.arange(count, dtype=torch.float64) + phase).reshape(shape)


def conv(name, input, weight, stride=1, padding=(0, 0, 0, 0), dilation=1, groups=1):
    """padding is (top, bottom, left, right)."""
    x, w, b = formula(input, 1.0), formula(weight, 2.0), formula(weight[:1], 3.0)
    for tensor in (x, w, b):
        tensor.requires_grad_()
    top, bottom, left, right = padding
    y = F.conv2d(F.pad(x, (left, right, top, bottom)), w, b, stride=stride, dilation=dilation, groups=groups)
    (y * formula(y.shape, 4.0)).sum().backward()
    return {
        "name": name, "input": input, "weight": weight, "stride": stride, "padding": padding, "dilation": dilation,
        "groups": groups, "shape": list(y.shape), "output": rounded(y), "input_gradient": rounded(x.grad),
        "weight_gradient": rounded(w.grad), "bias_gradient": rounded(b.grad),
    }


def pool(name, kind, input, kernel, stride, padding=0, dilation=1):
    x = formula(input, 1.0).requires_grad_()
    if kind == "max":
        y = F.max_pool2d(x, kernel, stride, padding, dilation)
    else:
        y = F.avg_pool2d(x, kernel, stride, padding)
    (y * formula(y.shape, 4.0)).sum().backward()
    return {
        "name": name, "kind": kind, "input": input, "kernel": kernel, "stride": stride, "padding": padding,
        "dilation": dilation, "shape": list(y.shape), "output": rounded(y), "input_gradient": rounded(x.grad),
    }


def rounded(tensor):
    return [round(value, 6) for value in tensor.detach().flatten().tolist()]


def all_around(size):
    return (size, size, size, size)


CONVOLUTIONS = [
    conv("dense 3x3", (1, 3, 6, 5), (4, 3, 3, 3), padding=all_around(1)),
    conv("dense 3x3, stride 2, batch 3", (3, 2, 7, 6), (3, 2, 3, 3), stride=2, padding=all_around(1)),
    conv("dense 3x2, dilated", (1, 2, 8, 7), (3, 2, 3, 2), dilation=2, padding=all_around(1)),
    conv("dense 3x3, SAME", (2, 3, 6, 6), (2, 3, 3, 3), stride=2, padding=(0, 1, 0, 1)),
    conv("dense 7x7 stem", (1, 3, 11, 11), (2, 3, 7, 7), stride=2, padding=all_around(3)),
    conv("pointwise", (3, 5, 4, 3), (6, 5, 1, 1)),
    conv("pointwise, stride 2", (2, 4, 5, 4), (3, 4, 1, 1), stride=2),
    conv("grouped", (2, 6, 5, 5), (4, 3, 3, 3), groups=2, padding=all_around(1)),
    conv("depthwise 3x3", (2, 4, 6, 5), (4, 1, 3, 3), groups=4, padding=all_around(1)),
    conv("depthwise 3x3, stride 2, SAME", (1, 3, 8, 8), (3, 1, 3, 3), groups=3, stride=2, padding=(0, 1, 0, 1)),
    conv("depthwise 5x5", (1, 3, 7, 8), (3, 1, 5, 5), groups=3, padding=all_around(2)),
    conv("depthwise 5x5, stride 2", (3, 2, 9, 7), (2, 1, 5, 5), groups=2, stride=2, padding=all_around(2)),
    conv("depthwise, two filters a channel", (1, 2, 6, 6), (4, 1, 3, 3), groups=2, padding=all_around(1)),
]
POOLINGS = [
    pool("max 2x2", "max", (2, 2, 6, 5), 2, 2),
    pool("max 3x3, stride 2, padded", "max", (2, 2, 7, 8), 3, 2, 1),
    pool("max 3x3, stride 2", "max", (1, 3, 8, 8), 3, 2),
    pool("max 2x2, dilated", "max", (1, 2, 6, 6), 2, 1, 0, 2),
    pool("mean 2x2", "mean", (2, 2, 6, 5), 2, 2),
    pool("mean 3x3, stride 2, padded", "mean", (2, 2, 7, 8), 3, 2, 1),
]

if __name__ == "__main__":
    rows = lambda cases: "[\n" + ",\n".join(json.dumps(case, separators=(",", ":")) for case in cases) + "\n]"
    text = f'{{"source":"PyTorch {torch.__version__}, f64",\n"convolutions":{rows(CONVOLUTIONS)},\n"poolings":{rows(POOLINGS)}}}\n'
    pathlib.Path(__file__).with_suffix(".json").write_text(text)
