"""Compare what a student's function returned with what it should be, without giving that away."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

import cs231n_lib.checking
from cs231n_lib.checking import CheckFailed

from .errormap import ErrorMap, error_map
from .student import Handle

__all__ = ["WrongValues", "assert_close"]


class WrongValues(CheckFailed):
    """An array has other values than it should.

    Attributes
    ----------
    error_map
        Where, if that is worth a picture.
    """

    def __init__(
        self, message: str, kind: str = "value", error_map: ErrorMap | None = None
    ) -> None:
        super().__init__(message, kind)
        self.error_map = error_map


def assert_close(
    actual: object, expected: Any, *, name: str = "out", rtol: float = 1e-6, atol: float = 1e-8
) -> None:
    r"""Check that an array agrees with the expected one, :math:`|a - e| \le atol + rtol\,|e|`.

    As :func:`cs231n_lib.checking.assert_close`, with which the student's own notebook compares, but
    for wrong values the message says where and how far off they are, and not what was expected:
    nothing that a student gets holds an expected value of a hidden check.

    Raises
    ------
    CheckFailed
        If kind, shape, finiteness or values are wrong.
    """
    if isinstance(actual, Handle):
        kind = actual._held.type_name
        raise CheckFailed(f"{name} is an object of type {kind}, expected an array", kind="type")
    try:
        cs231n_lib.checking.assert_close(actual, expected, name=name, rtol=rtol, atol=atol)
    except CheckFailed as failure:
        if failure.kind not in ("value", "finite"):
            raise
        a, e = _wide(actual), _wide(expected)
        a = a.reshape(e.shape)
        with np.errstate(all="ignore"):
            error = np.abs(a - e)
            near = (error <= atol + rtol * np.abs(e)) & np.isfinite(e)
            wrong = ~(near | (a == e) | (np.isnan(a) & np.isnan(e)))
            text = str(failure)
            if failure.kind == "value":
                text = _how_far(a, e, error, wrong, name)
        raise WrongValues(text, failure.kind, error_map(name, a, e, wrong)) from None


def _wide(values: Any) -> NDArray[Any]:
    """Return numbers in double precision: small integers wrap around, booleans do not subtract."""
    array = np.asarray(values)
    return array.astype(np.result_type(array.dtype, np.float64), copy=False)


def _how_far(
    a: NDArray[Any], e: NDArray[Any], error: NDArray[Any], wrong: NDArray[np.bool_], name: str
) -> str:
    # The largest difference, not the largest relative one: that is at home in entries near zero.
    error = np.where(wrong, np.where(np.isfinite(error), error, np.inf), -1.0)
    place = np.unravel_index(int(np.argmax(error)), error.shape)
    relative = abs(a[place] - e[place]) / max(abs(a[place]), abs(e[place]))
    size = _in_words(float(relative), a[place], e[place])
    if a.size == 1:
        return f"{name} is {a[place]:.6g}, which is {size}"
    where = ", ".join(str(int(i)) for i in place)
    where = f"({where})" if len(place) > 1 else f"index {where}"
    count = f"{int(wrong.sum())} of {a.size} entries"
    return f"{name} is wrong in {count}; at {where} yours is {a[place]:.6g}, which is {size}"


def _in_words(relative: float, a: Any, e: Any) -> str:
    if np.isreal(a) and np.isreal(e) and a * e < 0:
        return "of the wrong sign"
    for percent in (0.1, 1, 10):
        if relative < percent / 100:
            return f"off by less than {percent:g} %"
    return "far too small" if abs(a) < abs(e) else "far too large"
