from __future__ import annotations

import os

import numpy as np
import pytest

# Before anything imports matplotlib: tests draw, but have no screen.
os.environ["MPLBACKEND"] = "agg"


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(231)
