"""A saved interatomic potential as a calculator of the Atomic Simulation Environment.

>>> from qgraft.ase import PotentialCalculator
>>> atoms.calc = PotentialCalculator("run/trials/.../model.safetensors")
>>> atoms.get_potential_energy(), atoms.get_forces()"""

from __future__ import annotations

import os
from typing import Any

try:
    from ase.calculators.calculator import Calculator, all_changes
except ImportError as error:  # pragma: no cover
    raise ImportError("qgraft.ase needs the Atomic Simulation Environment: pip install ase") from error

from . import Potential


class PotentialCalculator(Calculator):
    """Energies (eV) and forces (eV/Å) of a potential that the system `potential` has saved. The cell may be periodic in any of
    its directions; stress is not computed.

    Args:
        potential: a `qgraft.Potential`, or the file of one
    """

    implemented_properties = ["energy", "free_energy", "forces"]

    def __init__(self, potential: Potential | str | os.PathLike[str], **options: Any):
        super().__init__(**options)
        self.potential = potential if isinstance(potential, Potential) else Potential.load(potential)

    def calculate(self, atoms: Any = None, properties: Any = ("energy",), system_changes: Any = all_changes) -> None:
        """Fills `results`."""
        super().calculate(atoms, properties, system_changes)
        periodic = [bool(axis) for axis in self.atoms.pbc]
        cell = self.atoms.cell.tolist() if any(periodic) else None
        energy, forces = self.potential.energy_and_forces(
            self.atoms.numbers.tolist(), self.atoms.positions, cell, periodic
        )
        self.results = {"energy": energy, "free_energy": energy, "forces": forces}


__all__ = ["PotentialCalculator"]
