#!/usr/bin/env python3
"""Label geometries at three levels: MMFF94 (RDKit), GFN2-xTB (tblite) and PBE/def2-SVP with density fitting (PySCF).

  pip install numpy rdkit tblite pyscf ase
  python3 data/molecules/make.py mmff94 data/molecules       # seconds: ethanol_mmff94.npz
  python3 data/molecules/make.py gfn2 data/molecules         # minutes: ethanol_gfn2.npz, frames of its own dynamics
  python3 data/molecules/make.py pbe data/molecules 900      # as many of those frames as 900 seconds of processor time allow: ethanol_pbe.npz
  python3 data/molecules/make.py water data/molecules 900    # the same for dimers and trimers of water: water_pbe.xyz

`pbe` and `water` keep the labels that their files already have and add to them, so they may be run again.

Energies are in eV and forces in eV/Å. `low_E` and `low_F` are MMFF94 at the geometries of the higher level. Frames are in the
order of time. Geometries come from Langevin dynamics (BAOAB, 0.5 fs, 0.02/fs): MMFF94 at 500 K and 1000 K, GFN2-xTB at 500 K,
water at 300 K by GFN2-xTB within a soft sphere of 3.5 Å. Made with RDKit 2026.9.1, tblite, PySCF 2.14, ASE 3.29.
"""
import os
import sys
import time

import numpy as np

EV_PER_KCAL = 0.0433641153087705
EV, BOHR = 27.211386245988, 0.529177210903
FEMTOSECOND = 0.09822694788464063  # in units of Å sqrt(u / eV)
KELVIN = 8.617333262e-5  # eV
MASSES = {1: 1.008, 6: 12.011, 8: 15.999}


def mmff94(smiles="CCO"):
    from rdkit import Chem
    from rdkit.Chem import AllChem

    molecule = Chem.AddHs(Chem.MolFromSmiles(smiles))
    AllChem.EmbedMolecule(molecule, randomSeed=0)
    AllChem.MMFFOptimizeMolecule(molecule)
    field = AllChem.MMFFGetMoleculeForceField(molecule, AllChem.MMFFGetMoleculeProperties(molecule))

    def evaluate(r):
        x = r.ravel().tolist()
        return field.CalcEnergy(x) * EV_PER_KCAL, -np.array(field.CalcGrad(x)).reshape(-1, 3) * EV_PER_KCAL

    numbers = np.array([atom.GetAtomicNum() for atom in molecule.GetAtoms()])
    return numbers, molecule.GetConformer().GetPositions(), evaluate


def gfn2(numbers):
    from tblite.interface import Calculator

    held = []

    def evaluate(r):
        if not held:
            held.append(Calculator("GFN2-xTB", numbers, r / BOHR))
            held[0].set("verbosity", 0)
        held[0].update(r / BOHR)
        found = held[0].singlepoint()
        return found.get("energy") * EV, -found.get("gradient") * EV / BOHR

    return evaluate


def pbe(numbers):
    from pyscf import dft, gto

    def evaluate(r):
        atoms = list(zip(numbers.tolist(), r.tolist()))
        molecule = gto.M(atom=atoms, basis="def2-svp", verbose=0)
        field = dft.RKS(molecule, xc="pbe").density_fit()
        field.conv_tol = 1e-9
        try:
            energy = field.kernel()
        except OSError as error:  # no room for its scratch file
            print(error, file=sys.stderr)
            return None
        if not field.converged:
            return None
        return energy * EV, -field.nuc_grad_method().kernel() * EV / BOHR

    return evaluate


def dynamics(numbers, r, evaluate, kelvin, frames, every, seed, equilibration=200, radius=None):
    """Frames of Langevin dynamics: positions, energies, forces."""
    random = np.random.default_rng(seed)
    mass = np.array([MASSES[int(z)] for z in numbers])[:, None]
    step, decay = 0.5 * FEMTOSECOND, np.exp(-0.5 * 0.02)
    velocity = random.normal(size=r.shape) * np.sqrt(KELVIN * kelvin / mass)
    bare, found = evaluate(r), []
    for k in range(equilibration + frames * every):
        def pushed(force, r):
            if radius is None:
                return force
            r = r - (mass * r).sum(0) / mass.sum()
            d = np.linalg.norm(r, axis=1, keepdims=True)
            return force - 0.5 * np.maximum(d - radius, 0) * r / np.maximum(d, 1e-9)

        velocity += 0.5 * step * pushed(bare[1], r) / mass
        r = r + 0.5 * step * velocity
        velocity = decay * velocity + np.sqrt((1 - decay**2) * KELVIN * kelvin / mass) * random.normal(size=r.shape)
        r = r + 0.5 * step * velocity
        bare = evaluate(r)
        velocity += 0.5 * step * pushed(bare[1], r) / mass
        if k >= equilibration and (k - equilibration) % every == every - 1:
            found.append((r - (mass * r).sum(0) / mass.sum(), *bare))
    return [np.array(column) for column in zip(*found)]


def matching(frames, r):
    """Which of the frames has these positions."""
    off = np.abs(frames - r).max(axis=(1, 2))
    if off.min() > 1e-4:
        sys.exit("a labelled frame is not of this trajectory: another version of the program that made it")
    return int(off.argmin())


def save(path, numbers, r, e, f, **more):
    arrays = {"z": numbers.astype(np.uint8), "R": r.astype("f4"), "E": e.astype("f8"), "F": f.astype("f4")}
    np.savez_compressed(path, **arrays, **more)


def main(level, folder, seconds=900):
    numbers, start, field = mmff94()
    if level == "mmff94":
        hot = [dynamics(numbers, start, field, kelvin, 1500, 40, seed) for seed, kelvin in enumerate((500, 1000))]
        save(f"{folder}/ethanol_mmff94.npz", numbers, *[np.concatenate(pair) for pair in zip(*hot)])
    elif level == "gfn2":
        r, e, f = dynamics(numbers, start, gfn2(numbers), 500, 1000, 16, 2)
        low = [field(frame) for frame in r]
        more = {"low_E": np.array([e for e, _ in low]), "low_F": np.array([f for _, f in low], "f4")}
        save(f"{folder}/ethanol_gfn2.npz", numbers, r, e, f, **more)
    elif level == "pbe":
        frames = np.load(f"{folder}/ethanol_gfn2.npz")["R"].astype(float)
        # In an order in which any number of frames is spread over the whole trajectory.
        order = np.random.default_rng(3).permutation(len(frames))
        evaluate, found = pbe(numbers), {}
        if os.path.exists(f"{folder}/ethanol_pbe.npz"):
            old = np.load(f"{folder}/ethanol_pbe.npz")
            for r, e, f in zip(old["R"].astype(float), old["E"], old["F"]):
                found[matching(frames, r)] = (e, f.astype(float))
        for k in order[:300]:
            if k in found:
                continue
            if time.process_time() > float(seconds):
                break
            found[k] = evaluate(frames[k])
            kept = sorted(k for k in found if found[k] is not None)
            low = [field(frames[k]) for k in kept]
            more = {"low_E": np.array([e for e, _ in low]), "low_F": np.array([f for _, f in low], "f4")}
            e, f = np.array([found[k][0] for k in kept]), np.array([found[k][1] for k in kept])
            save(f"{folder}/ethanol_pbe.npz", numbers, frames[kept], e, f, **more)
    elif level == "water":
        from ase import Atoms
        from ase.calculators.singlepoint import SinglePointCalculator
        from ase.io import read, write

        one = np.array([[0, 0, 0], [0.7571, 0.5859, 0], [-0.7571, 0.5859, 0]])
        sets = []
        for molecules in (2, 3):
            numbers = np.array([8, 1, 1] * molecules)
            r = np.concatenate([one + np.array([0.3 * k, 0.2 * k, 2.9 * k - 2.9]) for k in range(molecules)])
            frames, _, _ = dynamics(numbers, r, gfn2(numbers), 300, 100, 40, molecules, radius=3.5)
            sets.append((numbers, frames, np.random.default_rng(molecules).permutation(len(frames))))
        found = {}
        if os.path.exists(f"{folder}/water_pbe.xyz"):
            for image in read(f"{folder}/water_pbe.xyz", index=":"):
                which = [len(numbers) for numbers, _, _ in sets].index(len(image))
                k = matching(sets[which][1], image.positions)
                found[which, k] = (image.get_potential_energy(), image.get_forces())
        for k in range(100):
            for which, (numbers, frames, order) in enumerate(sets):
                if (which, order[k]) in found or time.process_time() > float(seconds):
                    continue
                found[which, order[k]] = pbe(numbers)(frames[order[k]])
                images = []
                for at, row in sorted(key for key in found if found[key] is not None):
                    image = Atoms(sets[at][0], sets[at][1][row])
                    image.calc = SinglePointCalculator(image, energy=found[at, row][0], forces=found[at, row][1])
                    images.append(image)
                write(f"{folder}/water_pbe.xyz", images, format="extxyz")
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main(*sys.argv[1:]) if len(sys.argv) > 2 else sys.exit(__doc__)
