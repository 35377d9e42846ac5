#!/usr/bin/env python3
"""Write pybamm.csv: lithium iron phosphate cells aged by PyBaMM's single-particle model with electrolyte.

  python3 data/cells/make.py > data/cells/pybamm.csv        # pybamm 26.10; about six minutes on one core

Another model than that of the source batches, whose rates are closed formulas: solid-electrolyte interphase limited by
reaction and diffusion, and active material lost in proportion to it. Parameters: Prada2013 (a 2.3 Ah cell of the A123
26650 kind), which knows nothing of ageing; what it lacks comes from OKane2022. Cells differ in thickness, porosity and
particle size of both electrodes.

One simulated cycle stands for JUMP cycles: the rate of the side reaction and the diffusivity that limits it are multiplied
by JUMP, which multiplies the side current, and all that follows from it, at every thickness of the interphase. REACTION
and LOSS then set how much is lost; they were tried on the nominal cell so that it ends near three quarters of its
capacity at 30 kAh. They are not fitted to any measurement.
"""
import sys
import warnings

import numpy as np
import pybamm

warnings.filterwarnings("ignore")
pybamm.set_logging_level("ERROR")

CELLS, SEED = 30, 0
CHARGE, DISCHARGE = 2.0, 3.0  # C-rates: the protocol of the target `hard`
CAPACITY, STEP, CHECKPOINTS = 2.3, 500.0, 60  # ampere hours, ampere hours, number
JUMP = STEP / (2 * CAPACITY)
REACTION, LOSS = 0.02, 5e-5
NOISE = 0.002  # standard deviation of a measured state of health
TOLERANCE = 0.03  # relative, of each of these
VARIED = [
    f"{side} {what}"
    for side in ("Negative", "Positive")
    for what in ("electrode thickness [m]", "electrode porosity", "particle radius [m]")
]


def parameters():
    values, ageing = pybamm.ParameterValues("Prada2013"), pybamm.ParameterValues("OKane2022")
    missing = {key: ageing[key] for key in ageing.keys() if key not in values.keys()}
    values.update(missing, check_already_exists=False)
    for key, factor in [("SEI kinetic rate constant [m.s-1]", REACTION * JUMP), ("EC diffusivity [m2.s-1]", REACTION * JUMP)]:
        values[key] *= factor
    values["Negative electrode reaction-driven LAM factor [m3.mol-1]"] = LOSS
    return values


def life(factors):
    """State of health at throughputs 0, STEP, 2 STEP, ..., without noise."""
    values = parameters()
    for key, factor in zip(VARIED, factors):
        values[key] *= factor
    options = {"SEI": "ec reaction limited", "loss of active material": ("reaction-driven", "none")}
    cycle = (f"Discharge at {DISCHARGE}C until 2.0V", f"Charge at {CHARGE}C until 3.6V", "Hold at 3.6V until C/20")
    cycles = 1 + int(1.4 * CHECKPOINTS)
    simulation = pybamm.Simulation(
        pybamm.lithium_ion.SPMe(options),
        parameter_values=values,
        experiment=pybamm.Experiment([cycle] * cycles),
        solver=pybamm.IDAKLUSolver(),
    )
    capacity = np.array(simulation.solve(save_at_cycles=[cycles]).summary_variables["Capacity [A.h]"], dtype=float)
    # Midway through a simulated cycle's throughput its capacity is what it is.
    passed = np.cumsum(2 * JUMP * capacity) - JUMP * capacity
    health = np.interp(STEP * np.arange(CHECKPOINTS + 1), passed - passed[0], capacity / capacity[0], right=np.nan)
    return health[~np.isnan(health)]


def main():
    draw = np.random.default_rng(SEED)
    print("cell,charge,discharge,throughput,health")
    for cell in range(CELLS):
        factors = 1 + TOLERANCE * draw.standard_normal(len(VARIED))
        health = life(factors)
        health = health + NOISE * draw.standard_normal(len(health))
        for checkpoint, value in enumerate(health):
            print(f"{cell},{CHARGE},{DISCHARGE},{STEP * checkpoint:.0f},{value:.5f}")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
