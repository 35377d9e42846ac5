"""Writes modules.json: layers with parameters by PyTorch, forward and backward, for tests/it/layers.rs.

    python tests/reference/modules.py        # torch 2.15

Tensors are made by formula on both sides: element i is sin(0.7 i + phase). Inputs have phase 1; parameter k, in
PyTorch's order, has phase 2 + k, and half the size. The loss is the sum of output times the tensor of phase 0.5.
"""

import json
import pathlib

import torch

torch.set_num_threads(1)
torch.set_default_dtype(torch.float64)


def formula(shape, phase):
    count = torch.Size(shape).numel()
    return torch.sin(0.7 * torch.arange(count, dtype=torch.float64) + phase).reshape(shape)


def rounded(tensor):
    return [round(value, 7) for value in tensor.detach().flatten().tolist()]


def case(name, layer, shape, run=None, **settings):
    parameters = dict(layer.named_parameters())
    with torch.no_grad():
        for k, parameter in enumerate(parameters.values()):
            parameter.copy_(0.5 * formula(parameter.shape, 2 + k))
    x = formula(shape, 1.0).requires_grad_()
    y = run(layer, x) if run else layer(x)
    if isinstance(y, tuple):
        y = y[0]
    (y * formula(y.shape, 0.5)).sum().backward()
    return {
        "name": name, **settings, "input": shape, "output": rounded(y), "input_gradient": rounded(x.grad),
        "parameters": [
            {"name": k, "shape": list(p.shape), "gradient": rounded(p.grad)} for k, p in parameters.items()
        ],
        "statistics": [rounded(b) for k, b in layer.named_buffers() if k.startswith("running")],
    }


def frozen(norm):
    norm.running_mean.copy_(formula(norm.running_mean.shape, 5.0))
    norm.running_var.copy_(1.5 + formula(norm.running_var.shape, 6.0))
    return norm.eval()


def masked(attention, x):
    hidden = torch.triu(torch.full((x.shape[1], x.shape[1]), float("-inf")), diagonal=1)
    return attention(x, x, x, attn_mask=hidden)


nn = torch.nn
CASES = [
    case("linear", nn.Linear(5, 3), [2, 4, 5]),
    case("layer norm", nn.LayerNorm(6), [2, 3, 6]),
    case("group norm", nn.GroupNorm(2, 4), [3, 4, 3, 2], groups=2),
    case("batch norm", nn.BatchNorm1d(3), [4, 3, 5]),
    case("batch norm frozen", frozen(nn.BatchNorm2d(3)), [2, 3, 2, 2]),
    case("softmax", nn.Softmax(-1), [3, 5]),
    case("conv1d", nn.Conv1d(4, 6, 3, stride=2, padding=2, dilation=2, groups=2), [2, 4, 9]),
    case("lstm", nn.LSTM(3, 4, batch_first=True), [2, 5, 3], layers=1),
    case("lstm of two layers", nn.LSTM(3, 4, 2, batch_first=True), [2, 4, 3], layers=2),
    case("gru", nn.GRU(3, 4, batch_first=True), [2, 5, 3], layers=1),
    case("gru of two layers", nn.GRU(3, 4, 2, batch_first=True), [2, 4, 3], layers=2),
    case("attention", nn.MultiheadAttention(6, 2, batch_first=True), [2, 4, 6], lambda a, x: a(x, x, x), heads=2),
    case("attention, causal", nn.MultiheadAttention(6, 3, batch_first=True), [2, 4, 6], masked, heads=3),
]

if __name__ == "__main__":
    rows = ",\n".join(json.dumps(row, separators=(",", ":")) for row in CASES)
    text = f'{{"source":"PyTorch {torch.__version__}, f64",\n"cases":[\n{rows}\n]}}\n'
    pathlib.Path(__file__).with_suffix(".json").write_text(text)
