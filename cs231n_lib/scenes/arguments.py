"""Checks of what callers pass in."""

from __future__ import annotations

import operator

import numpy as np

__all__ = ["check_count", "check_generator"]


def check_count(value: int, name: str, least: int = 0) -> int:
    """Return a whole number as an ``int``.

    Raises
    ------
    TypeError
        If it is no whole number.
    ValueError
        If it is below ``least``.

    Examples
    --------
    >>> check_count(-3, "num_images")
    Traceback (most recent call last):
    ValueError: expected num_images of at least 0, got -3
    """
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"expected {name} to be a whole number, got {value!r}") from None
    if number < least:
        raise ValueError(f"expected {name} of at least {least}, got {number}")
    return number


def check_generator(rng: np.random.Generator) -> None:
    """Raise a TypeError unless ``rng`` is a NumPy generator."""
    if not isinstance(rng, np.random.Generator):
        raise TypeError(
            "expected rng to be a numpy.random.Generator such as numpy.random.default_rng(0), "
            f"got {type(rng).__name__}"
        )
