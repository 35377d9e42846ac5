"""PaiNN of SchNetPack with Atomwise and Forces: energies, forces and the parameter gradient of a force loss. Writes painn.json.

  pip install torch schnetpack==2.1.1
  python3 tests/reference/painn.py

Weights are 0.4 sin(1.7 k + 0.3 n) / sqrt(columns) for element k of tensor n in the order of `parameters`, so the file need not hold
them. The names are qgraft's; the filters of all blocks are one layer of SchNetPack.
"""
import json
import pathlib

import numpy as np
import schnetpack
import schnetpack.atomistic as atomistic
import schnetpack.nn
import schnetpack.representation
import torch
from schnetpack import properties

torch.set_default_dtype(torch.float64)
WIDTH, BLOCKS, RADIAL, CUTOFF, SPECIES = 8, 3, 6, 5.0, [1, 6, 8]
model = schnetpack.representation.PaiNN(
    n_atom_basis=WIDTH, n_interactions=BLOCKS, radial_basis=schnetpack.nn.BesselRBF(RADIAL, CUTOFF),
    cutoff_fn=schnetpack.nn.CosineCutoff(CUTOFF))
energy = atomistic.Atomwise(n_in=WIDTH, n_hidden=[WIDTH // 2], output_key="energy")
forces = atomistic.Forces(energy_key="energy", force_key="forces")
distances = atomistic.PairwiseDistances()


def tensors():
    """Names of qgraft, and the slice of a parameter of SchNetPack that each is."""
    yield "body.embedding.weight", model.embedding.weight, SPECIES
    for k in range(BLOCKS):
        rows = slice(3 * WIDTH * k, 3 * WIDTH * (k + 1))
        for part in ("weight", "bias"):
            yield f"body.blocks.{k}.filter.{part}", getattr(model.filter_net, part), rows
        for ours, theirs in (("message", model.interactions[k].interatomic_context_net),
                             ("update", model.mixing[k].intraatomic_context_net)):
            for layer in (0, 1):
                for part in ("weight", "bias"):
                    yield f"body.blocks.{k}.{ours}.{layer}.{part}", getattr(theirs[layer], part), slice(None)
        yield f"body.blocks.{k}.mix.weight", model.mixing[k].mu_channel_mix.weight, slice(None)
    for layer in (0, 1):
        for part in ("weight", "bias"):
            yield f"head.{layer}.{part}", getattr(energy.outnet[layer], part), slice(None)


shapes = {}
with torch.no_grad():
    for n, (name, parameter, rows) in enumerate(tensors()):
        shape = parameter[rows].shape
        count = int(np.prod(shape))
        values = 0.4 * np.sin(1.7 * np.arange(count) + 0.3 * n) / np.sqrt(shape[-1])
        parameter[rows] = torch.tensor(values.reshape(shape))
        shapes[name] = list(shape)

random = np.random.default_rng(0)
numbers = [6, 6, 8, 1, 1, 1, 1, 1, 1]
positions = np.array([[1.2, -0.2, 0.0], [0.0, 0.6, 0.0], [-1.2, -0.3, 0.1], [1.9, 0.1, 0.8], [1.3, -1.3, 0.1],
                      [1.8, 0.2, -0.9], [0.1, 1.2, 0.9], [0.0, 1.3, -0.8], [-1.9, 0.4, 0.0]]) + 0.05 * random.normal(size=(9, 3))
first, second = zip(*[(i, j) for i in range(9) for j in range(9)
                      if i != j and np.linalg.norm(positions[i] - positions[j]) < CUTOFF])
inputs = {
    properties.Z: torch.tensor(numbers), properties.R: torch.tensor(positions, requires_grad=True),
    properties.idx_i: torch.tensor(first), properties.idx_j: torch.tensor(second),
    properties.offsets: torch.zeros(len(first), 3), properties.idx_m: torch.zeros(9, dtype=torch.long),
    properties.n_atoms: torch.tensor([9]), properties.cell: torch.zeros(1, 3, 3), properties.pbc: torch.zeros(3, dtype=torch.bool),
}
for module in (distances, model, energy, forces):
    inputs = module(inputs)
target = torch.tensor(np.sin(np.arange(27)).reshape(9, 3))
((inputs["forces"] - target) ** 2).sum().backward()
rounded = lambda t: [float(f"{x:.12g}") for x in np.asarray(t.detach()).ravel()]
result = {
    "versions": {"torch": torch.__version__, "schnetpack": schnetpack.__version__ if hasattr(schnetpack, "__version__") else "2.1.1"},
    "size": {"width": WIDTH, "blocks": BLOCKS, "radial": RADIAL, "cutoff": CUTOFF},
    "species": [SPECIES.index(z) for z in numbers],
    "positions": positions.tolist(),
    "parameters": list(shapes),
    "energy": float(inputs["energy"].detach().sum()),
    "forces": rounded(inputs["forces"]),
    "force_loss_gradients": {name: None if parameter.grad is None else rounded(parameter.grad[rows])
                             for name, parameter, rows in tensors()},
}
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps(result) + "\n")
