"""Check arrays and gradients, with messages in the field's words.

Every function here either returns or raises :class:`CheckFailed` with one or two sentences that
say what was expected and what came: no number is printed for the reader to judge. Whatever is
passed in (``None``, a string, a ragged list), the outcome is a :class:`CheckFailed` and never a
traceback from inside NumPy.
"""

from __future__ import annotations

from cs231n_lib.checking.failures import CheckFailed
from cs231n_lib.checking.gradients import (
    SampledGradient,
    assert_gradient,
    assert_layer_gradient,
    numerical_gradient,
)
from cs231n_lib.checking.values import assert_close, assert_finite, assert_shape, relative_error

__all__ = [
    "CheckFailed",
    "SampledGradient",
    "assert_close",
    "assert_finite",
    "assert_gradient",
    "assert_layer_gradient",
    "assert_shape",
    "numerical_gradient",
    "relative_error",
]
