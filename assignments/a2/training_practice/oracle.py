"""The reference in plain Python floats."""

from __future__ import annotations

import math

import numpy as np


def initial_loss(num_classes):
    """Return -log(1 / C)."""
    return -math.log(1 / num_classes)


def ratio(w, after):
    """Return the ratio of two norms, summed entry by entry."""
    step = math.fsum(
        (float(b) - float(a)) ** 2 for a, b in zip(np.ravel(w), np.ravel(after), strict=True)
    )
    return math.sqrt(step / math.fsum(float(a) ** 2 for a in np.ravel(w)))
