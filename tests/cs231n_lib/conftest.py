from __future__ import annotations

import matplotlib
import numpy as np
import pytest

# Tests draw, but have no screen. Said to this process alone: a kernel that a test starts has a
# backend of its own, which it would not choose if the environment named another.
matplotlib.use("agg")


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(231)
