"""Checks of values: shape, finiteness, closeness."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cs231n_lib.checking.failures import (
    CheckFailed,
    as_numbers,
    describe,
    format_pair,
    format_place,
)

__all__ = ["assert_close", "assert_finite", "assert_shape", "relative_error"]


def relative_error(x: object, y: object) -> float:
    r"""Return the largest relative error between two arrays, by the course's formula.

    .. math:: \max_i \frac{|x_i - y_i|}{\max(10^{-8},\ |x_i| + |y_i|)}

    It is 0 for equal arrays, 1 where one is zero and the other is not, and at most 1. As a rule of
    thumb for float64 gradients: below 1e-7 is right, above 1e-2 is wrong, and what lies between
    deserves a second look, kinks apart.

    Parameters
    ----------
    x, y : array_like
        Of the same shape; either may also be a single number.

    Returns
    -------
    float
        NaN if either holds a NaN; 0.0 for empty arrays.

    Raises
    ------
    CheckFailed
        If either is not numbers, or the shapes differ.

    References
    ----------
    CS231n course notes, "Neural Networks Part 3: Gradient checks".

    Examples
    --------
    >>> relative_error([1.0, 2.0], [1.0, 2.0])
    0.0
    >>> relative_error(3.0, 1.0)
    0.5
    """
    a, b = _wide(as_numbers(x, "x")), _wide(as_numbers(y, "y"))
    if a.shape != b.shape and a.ndim and b.ndim:
        raise CheckFailed(f"x has shape {a.shape} but y has shape {b.shape}", "shape")
    errors = _relative_errors(a, b)
    return float(errors.max()) if errors.size else 0.0


def assert_shape(x: object, shape: int | Sequence[int | None], *, name: str = "x") -> None:
    """Check that `x` is an array of a given shape.

    Parameters
    ----------
    x : array_like
        What is checked.
    shape : int or sequence of int or None
        The shape expected; ``None`` in a place accepts any length there.
    name : str
        What to call `x` in the message.

    Raises
    ------
    CheckFailed
        Of kind ``"type"`` if `x` is no array of numbers, else of kind ``"shape"``.

    Examples
    --------
    >>> assert_shape(np.zeros((5, 3)), (5, None), name="dists")
    >>> assert_shape(np.zeros((5, 3)), (3, 5), name="dists")  # doctest: +NORMALIZE_WHITESPACE
    Traceback (most recent call last):
        ...
    cs231n_lib.checking.CheckFailed: dists has shape (5, 3), expected (3, 5):
    is it transposed?
    """
    expected = (shape,) if isinstance(shape, int) else tuple(shape)
    actual = as_numbers(x, name).shape
    if len(actual) == len(expected) and all(
        want is None or have == want for have, want in zip(actual, expected, strict=True)
    ):
        return
    raise _wrong_shape(x, actual, expected, name)


def assert_finite(x: object, *, name: str = "x") -> None:
    """Check that an array holds neither NaN nor infinity.

    Parameters
    ----------
    x : array_like
        What is checked.
    name : str
        What to call it in the message.

    Raises
    ------
    CheckFailed
        Of kind ``"finite"``, naming the first place; of kind ``"type"`` if `x` is not numbers.

    Examples
    --------
    >>> assert_finite([1.0, float("nan")], name="scores")  # doctest: +NORMALIZE_WHITESPACE
    Traceback (most recent call last):
        ...
    cs231n_lib.checking.CheckFailed: scores is NaN at index 1
    (1 of 2 entries is not finite)
    """
    array = as_numbers(x, name)
    bad = ~np.isfinite(array)
    if bad.any():
        raise _not_finite(array, bad, name)


def assert_close(
    actual: object,
    expected: object,
    *,
    name: str = "out",
    rtol: float = 1e-6,
    atol: float = 1e-8,
) -> None:
    r"""Check that an array agrees with the expected one.

    Entry by entry, :math:`|a - e| \le \text{atol} + \text{rtol}\,|e|`. Shape is checked first, then
    finiteness, then values. Where a single number is expected, an array of one element passes too.

    Parameters
    ----------
    actual : array_like
        What is checked.
    expected : array_like
        What it should be. Where it is infinite or NaN itself, `actual` must be the same there.
    name : str
        What to call `actual` in the message.
    rtol, atol : float
        Relative and absolute tolerance. For float32 results use ``rtol=1e-4`` or so.

    Raises
    ------
    CheckFailed
        Of kind ``"type"``, ``"dtype"``, ``"shape"``, ``"finite"`` or ``"value"``; for values it
        names the worst place and how many entries differ.

    Examples
    --------
    >>> assert_close([[1.0, 2.0]], np.array([[1.0, 2.0]]))
    >>> assert_close([[1.0, 2.5]], [[1.0, 2.0]], name="dists")  # doctest: +NORMALIZE_WHITESPACE
    Traceback (most recent call last):
        ...
    cs231n_lib.checking.CheckFailed: dists differs from the expected values at (0, 1):
    yours 2.50, expected 2.00 (1 of 2 entries differs)
    """
    a, e = as_numbers(actual, name), as_numbers(expected, f"the expected {name}")
    if a.dtype.kind == "c" and e.dtype.kind != "c":
        raise CheckFailed(f"{name} is complex (dtype {a.dtype}), expected real numbers", "dtype")
    if a.shape != e.shape:
        if not (e.ndim == 0 and a.size == 1):
            raise _wrong_shape(actual, a.shape, e.shape, name)
        a = a.reshape(())
    bad = ~np.isfinite(a) & np.isfinite(e)
    if bad.any():
        raise _not_finite(a, bad, name)
    a, e = _wide(a), _wide(e)
    with np.errstate(all="ignore"):
        excess = np.abs(a - e) / np.maximum(atol + rtol * np.abs(e), np.finfo(float).tiny)
    # inf - inf is NaN, and a NaN is what is expected where the expected value is NaN.
    excess = np.where((a == e) | (np.isnan(a) & np.isnan(e)), 0.0, excess)
    wrong = ~(excess <= 1.0)
    if wrong.any():
        raise _wrong_values(a, e, np.where(np.isnan(excess), np.inf, excess), wrong, name)


def _wide(x: NDArray[Any]) -> NDArray[Any]:
    """Return `x` in double precision (in extended precision if it already is)."""
    return x.astype(np.result_type(x.dtype, np.float64), copy=False)


def _relative_errors(a: NDArray[Any], b: NDArray[Any]) -> NDArray[np.float64]:
    # Halved, for the sum of two numbers near the largest is infinite.
    a, b = a / 2, b / 2
    with np.errstate(all="ignore"):
        return np.asarray(np.abs(a - b) / np.maximum(0.5e-8, np.abs(a) + np.abs(b)))


def _wrong_shape(
    x: object, actual: tuple[int, ...], expected: tuple[int | None, ...], name: str
) -> CheckFailed:
    wanted = str(tuple("any" if n is None else n for n in expected)).replace("'any'", "any")
    if isinstance(x, tuple) and any(np.ndim(part) for part in x):
        return CheckFailed(
            f"{name} is {describe(x)}, expected one array of shape {wanted}: "
            "does the function return more than it should?",
            "shape",
        )
    came = f"has shape {actual}" if actual else "is a single number"
    want = f"expected {wanted}" if expected else "expected a single number"
    if len(expected) > 1 and actual == expected[::-1]:
        return CheckFailed(f"{name} {came}, {want}: is it transposed?", "shape")
    return CheckFailed(f"{name} {came}, {want}", "shape")


def _not_finite(x: NDArray[Any], bad: NDArray[np.bool_], name: str) -> CheckFailed:
    index = np.unravel_index(int(bad.argmax()), bad.shape)
    value = x[index]
    word = "NaN" if np.isnan(value) else "infinite"
    if x.ndim == 0 or x.size == 1:
        return CheckFailed(f"{name} is {word}, expected a finite number", "finite")
    count = int(bad.sum())
    verb = "is" if count == 1 else "are"
    return CheckFailed(
        f"{name} is {word} at {format_place(index)} "
        f"({count} of {x.size} entries {verb} not finite)",
        "finite",
    )


def _wrong_values(
    a: NDArray[Any],
    e: NDArray[Any],
    excess: NDArray[np.float64],
    wrong: NDArray[np.bool_],
    name: str,
) -> CheckFailed:
    index = np.unravel_index(int(excess.argmax()), excess.shape)
    yours, expected = format_pair(a[index], e[index])
    if a.ndim == 0 or a.size == 1:
        return CheckFailed(f"{name} is {yours}, expected {expected}", "value")
    count = int(wrong.sum())
    verb = "differs" if count == 1 else "differ"
    return CheckFailed(
        f"{name} differs from the expected values at {format_place(index)}: yours {yours}, "
        f"expected {expected} ({count} of {a.size} entries {verb})",
        "value",
    )
