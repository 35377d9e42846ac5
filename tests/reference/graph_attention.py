"""GATv2Conv of PyTorch Geometric on a complete graph with self-pairs: outputs and gradients. Writes graph_attention.json.

Versions: see the file. `add_self_loops=False`, because by default the class replaces the vectors of self-pairs.
"""
import json
import pathlib

import torch
import torch_geometric
from torch_geometric.nn import GATv2Conv

torch.manual_seed(1)
torch.set_default_dtype(torch.float64)
batch, nodes, inputs, edge, width, heads, colors = 2, 5, 6, 4, 8, 2, 7
layer = GATv2Conv(inputs, width // heads, heads=heads, edge_dim=edge, add_self_loops=False)
with torch.no_grad():
    layer.bias.normal_()
x = torch.randn(batch, nodes, inputs, requires_grad=True)
vectors = torch.randn(colors, edge, requires_grad=True)
color = torch.randint(colors, (nodes * nodes,))
cotangent = torch.randn(batch, nodes, width)
pairs = torch.tensor([(i, j) for i in range(nodes) for j in range(nodes)]).T
out = torch.stack([layer(x[b], pairs, vectors[color]) for b in range(batch)])
(out * cotangent).sum().backward()
named = dict(layer.named_parameters())
flat = lambda t: t.detach().flatten().tolist()
result = {
    "versions": {"torch": torch.__version__, "torch_geometric": torch_geometric.__version__},
    "shape": {"batch": batch, "nodes": nodes, "inputs": inputs, "edge": edge, "width": width, "heads": heads, "colors": colors},
    "x": flat(x), "vectors": flat(vectors), "color": color.tolist(), "cotangent": flat(cotangent), "out": flat(out),
    "gradients": {"x": flat(x.grad), "vectors": flat(vectors.grad), **{n: flat(p.grad) for n, p in named.items()}},
    "parameters": {n: {"shape": list(p.shape), "values": flat(p)} for n, p in named.items()},
}
round_all = lambda v: {k: round_all(w) for k, w in v.items()} if isinstance(v, dict) else (
    [round_all(w) for w in v] if isinstance(v, list) else (float(f"{v:.10g}") if isinstance(v, float) else v))
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(round_all(result)) + "\n")
