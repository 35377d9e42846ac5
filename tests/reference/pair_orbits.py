"""Orbits of pairs and orders of groups by sympy, for 50 random sets of generators. Writes pair_orbits.json."""
import json
import pathlib
import random

import sympy
from sympy.combinatorics import Permutation, PermutationGroup

random.seed(7)
cases = []
while len(cases) < 50:
    n = random.randint(2, 12)
    generators = []
    for _ in range(random.randint(1, 3)):
        images = list(range(n))
        moved = random.sample(range(n), random.randint(2, n)) if random.random() < 0.6 else list(range(n))
        if random.random() < 0.5:
            moved = moved[: random.choice([2, 3])]
        for a, b in zip(moved, moved[1:] + moved[:1]):
            images[a] = b
        generators.append(images)
    group = PermutationGroup([Permutation(g) for g in generators])
    on_pairs = PermutationGroup(
        [Permutation([g[p // n] * n + g[p % n] for p in range(n * n)]) for g in generators])
    orbits = [sorted(o) for o in on_pairs.orbits()]
    seen = {p for o in orbits for p in o}
    orbits = sorted(orbits + [[p] for p in range(n * n) if p not in seen])
    cases.append({"points": n, "generators": generators, "order": str(group.order()), "orbits": orbits})
pathlib.Path(__file__).with_suffix(".json").write_text(json.dumps({"sympy": sympy.__version__, "cases": cases}) + "\n")
