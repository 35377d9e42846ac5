"""Frames that ASE 3.29 writes: a cell, stress, momenta, texts in quotes, a molecule without a cell. Writes ase.xyz and ase.npz."""
import pathlib

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.io import write

folder = pathlib.Path(__file__).parent
random = np.random.default_rng(0)
bulk = Atoms("NaClNaCl", positions=[[0, 0, 0], [2.8, 0, 0], [0, 2.8, 0], [2.8, 2.8, 0.1]],
             cell=[[5.6, 0, 0], [0.5, 5.6, 0], [0, 0, 5.6]], pbc=[True, True, False])
bulk.calc = SinglePointCalculator(bulk, energy=-12.5, forces=random.normal(size=(4, 3)), stress=np.arange(6) / 10)
bulk.set_momenta(random.normal(size=(4, 3)))
bulk.info = {"note": 'a "quoted" text', "molecule": "rock salt", "flag": True, "list": [1, 2, 3]}
water = Atoms("OH2", positions=[[0, 0, 0.1], [0.76, 0, -0.48], [-0.76, 0, -0.48]])
water.calc = SinglePointCalculator(water, energy=-14.25, forces=random.normal(size=(3, 3)))
write(folder / "ase.xyz", [bulk, water], format="extxyz")
np.savez(folder / "md17.npz", z=np.array([8, 1, 1], "u1"), R=np.array([water.positions, water.positions + 0.01]),
         E=np.array([[-100.5], [-100.25]]), F=np.arange(18.0).reshape(2, 3, 3))
