"""Fixtures of several files."""

import numpy as np
import pytest
import qgraft
from circuits import layered

# These run with the sources of other projects.
collect_ignore = ["peers"]


@pytest.fixture
def circuit() -> qgraft.Circuit:
    return layered(3, 2)


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(7)
