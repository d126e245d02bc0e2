"""Build, grade and verify the course: the instructor's side.

The engine knows no exercise. An exercise is a folder under ``assignments/`` that it discovers; see
``assignments/README.md`` for what such a folder holds and ``autograder/README.md`` for how grading
works, what it defends against and what not.

What this module exports is what the files of an exercise are written with.
"""

from cs231n_lib.checking import (
    CheckFailed,
    assert_finite,
    assert_shape,
    numerical_gradient,
    relative_error,
)

from .authoring import (
    Fall,
    Threshold,
    accuracy,
    check,
    misconception,
    require,
    require_fall,
    require_unchanged,
)
from .comparing import assert_close
from .training import half_size, once_per_dataset, prepared, scores_of

__version__ = "0.1.0"
__all__ = [
    "CheckFailed",
    "Fall",
    "Threshold",
    "accuracy",
    "assert_close",
    "assert_finite",
    "assert_shape",
    "check",
    "half_size",
    "misconception",
    "numerical_gradient",
    "once_per_dataset",
    "prepared",
    "relative_error",
    "require",
    "require_fall",
    "require_unchanged",
    "scores_of",
]
