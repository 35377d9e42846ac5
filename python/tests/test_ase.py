"""A saved potential as a calculator of ASE."""

import numpy as np
import pytest

ase = pytest.importorskip("ase")

import qgraft
from ase.build import molecule
from ase.md.verlet import VelocityVerlet
from ase.units import fs
from qgraft.ase import PotentialCalculator


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    outcome = qgraft.run("potential", tmp_path_factory.mktemp("potential") / "run", preset="smoke", seeds=1)
    return sorted(outcome.folder.glob("trials/*/model.safetensors"))[0]


def test_forces_are_the_slope_of_the_energy(file):
    calculator = PotentialCalculator(file)
    assert {"C", "H", "O"} <= set(calculator.potential.elements) and calculator.potential.cutoff > 1
    atoms = molecule("CH3CH2OH")
    atoms.calc = calculator
    forces, energy = atoms.get_forces(), atoms.get_potential_energy()
    assert forces.shape == (9, 3) and np.isfinite(energy)
    # Nothing outside pulls or turns it. The network computes in single precision.
    np.testing.assert_allclose(forces.sum(axis=0), 0, atol=1e-4)
    np.testing.assert_allclose(np.cross(atoms.positions, forces).sum(axis=0), 0, atol=1e-3)
    step = 1e-2
    for axis in range(3):
        ends = []
        for sign in (1, -1):
            moved = atoms.copy()
            moved.positions[2, axis] += sign * step
            ends.append(calculator.potential.energy_and_forces(moved.numbers.tolist(), moved.positions)[0])
        # Truncation of the difference, and rounding of energies of thousands of eV in single precision.
        assert forces[2, axis] == pytest.approx((ends[1] - ends[0]) / (2 * step), abs=0.05)


def test_a_cell_that_is_large_changes_nothing_and_dynamics_run(file):
    potential = qgraft.Potential.load(file)
    atoms = molecule("CH3CH2OH", cell=[30, 30, 30], pbc=True)
    atoms.calc = PotentialCalculator(potential)
    free = atoms.copy()
    free.pbc = False
    free.calc = PotentialCalculator(potential)
    assert atoms.get_potential_energy() == pytest.approx(free.get_potential_energy(), abs=1e-3)
    before = atoms.positions.copy()
    VelocityVerlet(atoms, 0.5 * fs).run(3)
    assert np.abs(atoms.positions - before).max() > 0


def test_what_is_refused(file, tmp_path):
    potential = qgraft.Potential.load(file)
    for numbers, positions, cell in (
        ([1], [[0, 0]], None), ([1, 1], [[0, 0, 0]], None), ([79], [[0, 0, 0]], None), ([0], [[0, 0, 0]], None),
        ([1], [[0, 0, np.nan]], None), ([1], [[0, 0, 0]], [[1, 0, 0], [1, 0, 0], [0, 0, 1]]),
    ):  # fmt: skip
        with pytest.raises(ValueError):
            potential.energy_and_forces(numbers, positions, cell)
    (tmp_path / "other").write_text("nothing")
    for path in (tmp_path / "other", tmp_path / "nowhere"):
        with pytest.raises((ValueError, OSError)):
            qgraft.Potential.load(path)
