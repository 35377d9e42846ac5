"""Processor time of one step of molecular dynamics by SchNetPack 2.1.1: neighbours, energy and forces of 64 molecules of water.

  pip install torch schnetpack==2.1.1
  python3 tests/reference/painn_speed.py            # beside: cargo bench --bench potential
"""
import time

import numpy as np
import schnetpack.atomistic as atomistic
import schnetpack.nn
import schnetpack.representation
import torch
from ase import Atoms
from matscipy.neighbours import neighbour_list
from schnetpack import properties

torch.set_num_threads(1)
WIDTH, CUTOFF, SPACING = 128, 5.0, 3.104
model = schnetpack.representation.PaiNN(
    n_atom_basis=WIDTH, n_interactions=3, radial_basis=schnetpack.nn.BesselRBF(20, CUTOFF),
    cutoff_fn=schnetpack.nn.CosineCutoff(CUTOFF))
modules = [atomistic.PairwiseDistances(), model, atomistic.Atomwise(n_in=WIDTH, output_key="energy"),
           atomistic.Forces(energy_key="energy", force_key="forces")]
for side in (2, 4):
    random = np.random.default_rng(0)
    places = [np.array([i, j, k]) * SPACING for i in range(side) for j in range(side) for k in range(side)]
    molecule = np.array([[0, 0, 0], [0.76, 0.59, 0], [-0.76, 0.59, 0]])
    positions = np.concatenate([place + molecule for place in places]) + 0.1 * random.normal(size=(3 * side**3, 3))
    atoms = Atoms("OH2" * side**3, positions=positions, cell=[SPACING * side] * 3, pbc=True)
    best = float("inf")
    for _ in range(8):
        start = time.process_time()
        first, second, shift = neighbour_list("ijS", atoms, CUTOFF)
        inputs = {
            properties.Z: torch.tensor(atoms.numbers), properties.R: torch.tensor(positions, dtype=torch.float32),
            properties.idx_i: torch.tensor(first).long(), properties.idx_j: torch.tensor(second).long(),
            properties.offsets: torch.tensor(shift @ atoms.cell.array, dtype=torch.float32),
            properties.idx_m: torch.zeros(len(atoms), dtype=torch.long), properties.n_atoms: torch.tensor([len(atoms)]),
        }
        inputs[properties.R].requires_grad_()
        for module in modules:
            inputs = module(inputs)
        inputs["forces"].detach()
        best = min(best, time.process_time() - start)
    print(f"{len(places):4} molecules {len(first):7} pairs {1000 * best:8.2f} CPU ms a step")
