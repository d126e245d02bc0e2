"""The one exception of all checks, and the words it is phrased in."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["KINDS", "CheckFailed", "as_numbers", "describe", "format_pair", "format_place"]

KINDS = frozenset(
    {
        "type",
        "shape",
        "dtype",
        "finite",
        "value",
        "gradient",
        "memory",
        "time",
        "mutation",
        "missing",
    }
)
"""What a check can find wrong; see :attr:`CheckFailed.kind`."""


class CheckFailed(AssertionError):
    """A check found something wrong; the message says what, in one or two sentences.

    Parameters
    ----------
    message : str
        The finding, addressed to the person who wrote the code.
    kind : str, default "value"
        What is wrong, one of :data:`KINDS`.

    Attributes
    ----------
    kind : str
        As passed.

    Examples
    --------
    >>> raise CheckFailed("dW has shape (3, 4), expected (4, 3)", kind="shape")
    Traceback (most recent call last):
        ...
    cs231n_lib.checking.CheckFailed: dW has shape (3, 4), expected (4, 3)
    """

    def __init__(self, message: str, kind: str = "value") -> None:
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {sorted(KINDS)}, got {kind!r}")
        super().__init__(message)
        self.kind = kind

    # As users import and see it in tracebacks.
    __module__ = "cs231n_lib.checking"

    def __reduce__(self) -> tuple[type[CheckFailed], tuple[str, str]]:
        # BaseException pickles its args alone; `kind` must survive the way between processes.
        return type(self), (str(self), self.kind)


def describe(x: object) -> str:
    """Say in a few words what a value is.

    Examples
    --------
    >>> describe(None), describe((1, 2)), describe(np.zeros((3, 4)))
    ('None', 'a tuple of 2 values', 'an array of shape (3, 4)')
    """
    if x is None:
        return "None"
    if isinstance(x, np.ndarray):
        return f"an array of shape {x.shape}"
    if isinstance(x, (str, bytes)):
        return "a string"
    if isinstance(x, (list, tuple, dict, set, frozenset)):
        kind = type(x).__name__
        return f"a {kind} of {len(x)} value{'' if len(x) == 1 else 's'}"
    if isinstance(x, (bool, np.bool_)):
        return f"the boolean {bool(x)}"
    if isinstance(x, (int, float, complex, np.number)):
        return "a single number"
    if isinstance(x, type):
        return f"the class {x.__name__}"
    if callable(x):
        return "a function"
    kind = type(x).__name__
    return f"an object of type {kind}"


def as_numbers(x: object, name: str) -> NDArray[Any]:
    """Return `x` as a plain array of numbers (bool, int, float or complex), or fail in words.

    Arrays and NumPy scalars are returned without a copy; nested lists and tuples of numbers are
    accepted, as is anything whose class offers ``__array__``.

    Parameters
    ----------
    x : object
        Anything at all.
    name : str
        What to call it in the message.

    Raises
    ------
    CheckFailed
        Of kind ``"type"`` if it is no array, of kind ``"dtype"`` if it is one, but not of numbers.
    """
    if x is None:
        raise CheckFailed(
            f"{name} is None, expected numbers: is a return statement missing?", "type"
        )
    plain = isinstance(x, (np.ndarray, np.generic, bool, int, float, complex, list, tuple))
    if not plain and not hasattr(type(x), "__array__"):
        raise CheckFailed(f"{name} is {describe(x)}, expected an array of numbers", "type")
    try:
        # np.asarray strips subclasses, so that no overridden operator runs below.
        array = np.asarray(x)
    except Exception as error:
        # Ragged lists raise ValueError, foreign __array__ methods whatever they like.
        raise CheckFailed(
            f"{name} is {describe(x)} that cannot be made into one array of numbers", "type"
        ) from error
    if array.dtype.kind not in "biufc":
        if isinstance(x, np.ndarray):
            raise CheckFailed(
                f"{name} has dtype {array.dtype}, expected numbers such as float64", "dtype"
            )
        raise CheckFailed(f"{name} is {describe(x)}, expected floating-point numbers", "type")
    return array


def format_place(index: tuple[Any, ...]) -> str:
    """Return an index as a reader writes it: ``(3, 7)``, or ``index 3`` in one dimension."""
    numbers = tuple(int(i) for i in index)
    return f"index {numbers[0]}" if len(numbers) == 1 else str(numbers)


def format_pair(a: complex, b: complex) -> tuple[str, str]:
    """Format two numbers with as few digits as tell them apart, at least three.

    Examples
    --------
    >>> format_pair(1.2, 0.6), format_pair(1.0, 1.00001)
    (('1.20', '0.600'), ('1.00000', '1.00001'))
    """
    first = second = ""
    for digits in range(3, 18):
        first, second = f"{a:#.{digits}g}".rstrip("."), f"{b:#.{digits}g}".rstrip(".")
        if first != second:
            break
    return first, second
