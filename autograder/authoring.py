"""What the files of an exercise are written with: checks, misconceptions, thresholds.

See ``assignments/README.md`` for how to use them, told on an example.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from cs231n_lib.checking import CheckFailed

from .errors import CourseError

__all__ = [
    "Check",
    "Fall",
    "Misconception",
    "Symptom",
    "Threshold",
    "accuracy",
    "check",
    "misconception",
    "require",
    "require_fall",
    "require_unchanged",
]

Symptom = Literal["value", "exception", "memory", "time", "mutation"]
Function = Callable[..., Any]


@dataclass(frozen=True)
class Check:
    """A hidden check: a function of ``(student, rng)`` that raises when something is wrong.

    Attributes
    ----------
    name, description
        The function's name and the first line of its docstring, which students read.
    of
        The student's function or class that it checks; the graded cell ``check_<of>`` stands for
        it.
    points
        Earned all or not at all.
    timeout
        Seconds of wall-clock time that the student's code may take in this check.
    memory_mb
        Megabytes that the student's code may allocate, or ``None`` for the general limit.
    run
        The function.
    """

    name: str
    description: str
    of: str
    points: int
    timeout: float
    memory_mb: int | None
    run: Function


@dataclass(frozen=True)
class Misconception:
    """A known-wrong version of a student's function, and the hint that it earns.

    Attributes
    ----------
    name, hint
        The function's name and its docstring.
    of
        The student's function that it is a wrong version of.
    caught_by
        The check that must reject it.
    symptom
        How it shows: by its output (``value``) or by raising (``exception``), found by comparing
        with what a student's function did; or by ``memory``, ``time`` or ``mutation``, which the
        failure of the check ``caught_by`` says by itself.
    run
        The function.
    """

    name: str
    hint: str
    of: str
    caught_by: str
    symptom: Symptom
    run: Function


@dataclass(frozen=True)
class Threshold:
    """An accuracy to reach, with the measurements that it was set from.

    Attributes
    ----------
    at_least
        The accuracy that earns the points, between 0 and 1.
    mean, std, seeds
        Accuracy of the reference solution over that many seeds.
    command
        What printed these figures.
    """

    at_least: float
    mean: float
    std: float
    seeds: int
    command: str

    def __post_init__(self) -> None:
        if not 0 <= self.at_least <= self.mean <= 1:
            raise CourseError(
                f"A threshold lies between 0 and the reference's mean accuracy, got at_least="
                f"{self.at_least} with mean={self.mean}."
            )


@dataclass(frozen=True)
class Fall:
    """How far a loss is to fall in a bounded run, with the measurements that it was set from.

    Attributes
    ----------
    at_most
        The share of the loss at the start that may be left, between 0 and 1.
    mean, std, seeds
        What the reference solution leaves of it, over that many seeds.
    command
        What printed these figures.
    """

    at_most: float
    mean: float
    std: float
    seeds: int
    command: str

    def __post_init__(self) -> None:
        if not 0 <= self.mean <= self.at_most < 1:
            raise CourseError(
                f"A fall lies between the share of the loss that the reference leaves and 1, got "
                f"at_most={self.at_most} with mean={self.mean}."
            )


def check(
    *, points: int, of: str, timeout: float = 10.0, memory_mb: int | None = None
) -> Callable[[Function], Check]:
    """Make a hidden check of a function ``(student, rng)``.

    Parameters
    ----------
    points
        What passing it earns, a positive integer.
    of
        The name of the student's function or class that it checks.
    timeout
        Seconds that the student's code may take in it.
    memory_mb
        Megabytes that the student's code may allocate in it, 2048 by default.

    Raises
    ------
    CourseError
        If the points are not a positive integer or the function has no docstring.
    """
    if type(points) is not int or points < 1:
        raise CourseError(f"A check's points are a positive integer, got {points!r}.")

    def decorate(function: Function) -> Check:
        return Check(
            function.__name__, _text(function)[0], of, points, float(timeout), memory_mb, function
        )

    return decorate


def misconception(
    *, of: str, caught_by: str, symptom: Symptom = "value"
) -> Callable[[Function], Misconception]:
    """Make a misconception of a wrong version of a student's function.

    The docstring is the hint. The function stands alone: it uses NumPy, the standard library, and
    what its own module defines.

    Raises
    ------
    CourseError
        If the symptom is unknown or the function has no docstring.
    """
    if symptom not in get_args(Symptom):
        known = ", ".join(get_args(Symptom))
        raise CourseError(f"A misconception's symptom is one of {known}, got {symptom!r}.")

    def decorate(function: Function) -> Misconception:
        hint = " ".join(_text(function))
        return Misconception(function.__name__, hint, of, caught_by, symptom, function)

    return decorate


def _text(function: Function) -> list[str]:
    text = inspect.getdoc(function)
    if not text:
        raise CourseError(f"{function.__name__} has no docstring: students read it.")
    return [line.strip() for line in text.splitlines() if line.strip()]


def require(condition: object, message: str, kind: str = "value") -> None:
    """Fail the check with a message for the student unless the condition holds.

    Raises
    ------
    CheckFailed
        With the message and the kind of failure.
    """
    if not condition:
        raise CheckFailed(message, kind=kind)


def require_fall(before: Any, after: Any, fall: Fall, *, name: str) -> None:
    """Fail the check unless a loss fell as far as it should.

    Parameters
    ----------
    before, after
        The loss at the start, above 0, and at the end.
    fall
        The bar.
    name
        What the loss is called: "the style loss".

    Raises
    ------
    CheckFailed
        If more is left of it than ``fall.at_most``, or no number.
    """
    left = float(after) / float(before)
    require(
        left <= fall.at_most,
        f"{name} ends at {100 * left:.3g}% of what it was at the start, expected "
        f"{100 * fall.at_most:.3g}% or less",
    )


def require_unchanged(function: str, **arguments: tuple[Any, Any]) -> None:
    """Fail the check if a student's function changed what it was given.

    Parameters
    ----------
    function
        Its name.
    **arguments
        By the argument's name, a pair: the handle that ``student.hold`` returned, and what it was
        made of, an array, a number or text, or dictionaries, lists and tuples of those. NaN equals
        NaN.

    Raises
    ------
    CheckFailed
        With the name of what changed, of the kind ``mutation``.
    """
    for name, (held, before) in arguments.items():
        changed = _changed(name, held.value(), before)
        require(
            changed is None,
            f"{function} changed {changed}, which belongs to the caller: work on a new one",
            kind="mutation",
        )


def _changed(name: str, after: Any, before: Any) -> str | None:
    """Return the name of the first part that is not as before, if there is one."""
    parts: Iterable[tuple[str, Any, Any]]
    if isinstance(before, dict):
        if not isinstance(after, dict) or after.keys() != before.keys():
            return name
        parts = ((f"{name}[{key!r}]", after[key], value) for key, value in before.items())
    elif isinstance(before, list | tuple):
        if not isinstance(after, list | tuple) or len(after) != len(before):
            return name
        parts = ((f"{name}[{i}]", *pair) for i, pair in enumerate(zip(after, before, strict=True)))
    elif isinstance(before, str | None):
        return None if after == before else name
    else:
        same = isinstance(after, np.ndarray | np.generic | int | float | complex) and (
            np.array_equal(after, before, equal_nan=True)
        )
        return None if same else name
    return next((found for part in parts if (found := _changed(*part)) is not None), None)


def accuracy(predictions: Any, labels: NDArray[Any], *, name: str = "predictions") -> float:
    r"""Return the share of right predictions, :math:`\frac1N\sum_i [\hat y_i = y_i]`.

    Parameters
    ----------
    predictions
        What a student's function returned: N class indices, of any integer or float dtype.
    labels
        The N true labels.

    Raises
    ------
    CheckFailed
        If the predictions are not N numbers.
    """
    try:
        values = np.asarray(predictions)
    except ValueError:
        values = np.asarray(None)
    if values.dtype.kind not in "biuf":
        raise CheckFailed(
            f"{name} should be {len(labels)} class labels, got {type(predictions).__name__}",
            kind="type",
        )
    if values.size != len(labels):
        raise CheckFailed(
            f"{name} has shape {values.shape}, expected one label per image: ({len(labels)},)",
            kind="shape",
        )
    return float(np.mean(values.reshape(-1) == labels))
