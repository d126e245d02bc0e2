"""Numerical gradients, and checks of analytic gradients against them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from cs231n_lib.checking.differences import Comparison, Point
from cs231n_lib.checking.failures import CheckFailed, as_numbers, format_pair, format_place
from cs231n_lib.checking.values import assert_finite, assert_shape

__all__ = ["SampledGradient", "assert_gradient", "assert_layer_gradient", "numerical_gradient"]

DEFAULT_SAMPLES = 50
"""How many coordinates of a large array are checked: two evaluations of `f` each."""


class SampledGradient(NamedTuple):
    """Numerical partial derivatives at some coordinates; ``dW[sampled.indices]`` lines up with it.

    Parameters
    ----------
    indices : tuple of (K,) int arrays
        One array an axis, as ``np.nonzero`` returns them.
    values : (K,) float64 array
        The derivatives there.
    """

    indices: tuple[NDArray[np.intp], ...]
    values: NDArray[np.float64]


@overload
def numerical_gradient(
    f: Callable[[NDArray[Any]], Any],
    x: NDArray[Any],
    *,
    h: float = ...,
    samples: None = ...,
    rng: np.random.Generator | None = ...,
) -> NDArray[np.float64]: ...
@overload
def numerical_gradient(
    f: Callable[[NDArray[Any]], Any],
    x: NDArray[Any],
    *,
    h: float = ...,
    samples: int,
    rng: np.random.Generator | None = ...,
) -> SampledGradient: ...
def numerical_gradient(
    f: Callable[[NDArray[Any]], Any],
    x: NDArray[Any],
    *,
    h: float = 1e-5,
    samples: int | None = None,
    rng: np.random.Generator | None = None,
) -> NDArray[np.float64] | SampledGradient:
    r"""Return the gradient of a scalar function by centred differences.

    .. math:: \frac{\partial f}{\partial x_i} \approx \frac{f(x + h e_i) - f(x - h e_i)}{2h}

    The error is of order :math:`h^2`, plus rounding of order :math:`10^{-16} |f| / h`.

    Parameters
    ----------
    f : callable
        Takes an array like `x` and returns a single number.
    x : array
        Where. A float64 array is changed in place during each call and is as before afterwards, so
        that `f` may also read it through a model that holds it; any other array is left alone and
        `f` gets a float64 copy.
    h : float, default 1e-5
        The step.
    samples : int, optional
        Compute only so many coordinates, drawn from `rng` without replacement.
    rng : numpy.random.Generator, optional
        Draws the coordinates; by default one seeded with 0.

    Returns
    -------
    float64 array or SampledGradient
        The gradient, of the shape of `x`; with `samples`, the coordinates and the values there.

    Raises
    ------
    CheckFailed
        If `x` is not an array of numbers or `f` does not return a single finite number.

    References
    ----------
    CS231n course notes, "Neural Networks Part 3: Gradient checks".

    Examples
    --------
    >>> numerical_gradient(lambda x: float((x**2).sum()), np.array([1.0, -2.0])).round(6)
    array([ 2., -4.])
    """
    point = Point(f, x)
    if samples is None:
        values = [point.derivative(i, h) for i in range(point.x.size)]
        return np.array(values, dtype=np.float64).reshape(point.x.shape)
    flat = _draw(point.x.size, samples, np.random.default_rng(0) if rng is None else rng)
    indices = np.unravel_index(flat, point.x.shape)
    return SampledGradient(indices, np.array([point.derivative(int(i), h) for i in flat]))


def assert_gradient(
    f: Callable[[NDArray[Any]], Any],
    x: NDArray[Any],
    gradient: object,
    *,
    name: str = "dW",
    rtol: float = 1e-5,
    samples: int | None = DEFAULT_SAMPLES,
    seed: int = 0,
) -> None:
    """Check an analytic gradient against centred differences.

    Small arrays are checked at every coordinate; large ones at `samples` of them and along a random
    direction, which notices an error anywhere, so that it can be looked for. Rounding in `f` is
    allowed for. Where the function has a kink (ReLU, hinge, max), anything between its left and its
    right derivative passes.

    Parameters
    ----------
    f : callable
        Takes an array like `x`, returns the loss: one number. See :func:`numerical_gradient`.
    x : array
        Where the gradient was computed. Use float64: float32 is too coarse for differences.
    gradient : array_like
        The analytic gradient, of the shape of `x`. If it is float32, tolerances are those of
        float32.
    name : str
        What to call it in the message.
    rtol : float, default 1e-5
        The relative error allowed.
    samples : int, optional
        The largest number of coordinates to check; ``None`` for all.
    seed : int, default 0
        Draws the coordinates.

    Raises
    ------
    CheckFailed
        Of kind ``"gradient"``, naming the worst place and both values there; of kind ``"type"``,
        ``"shape"`` or ``"finite"`` if it does not come so far.

    Examples
    --------
    >>> W = np.array([[1.0, 2.0], [3.0, 4.0]])
    >>> assert_gradient(lambda W: (W**2).sum(), W, 2 * W)
    >>> assert_gradient(lambda W: (W**2).sum(), W, W)  # doctest: +NORMALIZE_WHITESPACE
    Traceback (most recent call last):
        ...
    cs231n_lib.checking.CheckFailed: dW differs from the numerical gradient: relative error 0.33
    at (1, 1): yours 4.00, numeric 8.00 (4 of 4 entries checked differ)
    """
    _compare(Point(f, x), gradient, name, rtol, samples, seed)


def assert_layer_gradient(
    f: Callable[[NDArray[Any]], Any],
    x: NDArray[Any],
    dout: object,
    gradient: object,
    *,
    name: str = "dx",
    rtol: float = 1e-5,
    samples: int | None = DEFAULT_SAMPLES,
    seed: int = 0,
) -> None:
    r"""Check the backward pass of a layer against centred differences.

    With the upstream gradient ``dout``, the loss is :math:`\sum \text{out} \odot \text{dout}`.

    Parameters
    ----------
    f : callable
        Takes an array like `x`, returns the output of the layer (without its cache).
    x : array
        The input (or parameter) the gradient belongs to.
    dout : array_like
        The upstream gradient, of the shape of the output.
    gradient, name, rtol, samples, seed
        As in :func:`assert_gradient`.

    Raises
    ------
    CheckFailed
        As :func:`assert_gradient`.

    Examples
    --------
    >>> x, w = np.array([[1.0, 2.0]]), np.array([[1.0], [3.0]])
    >>> assert_layer_gradient(lambda x: x @ w, x, np.ones((1, 1)), w.T)
    """
    upstream = as_numbers(dout, "dout").astype(np.float64)
    _compare(Point(f, x, upstream), gradient, name, rtol, samples, seed)


def _draw(size: int, samples: int, rng: np.random.Generator) -> NDArray[np.intp]:
    return np.sort(rng.choice(size, size=min(samples, size), replace=False)).astype(np.intp)


def _compare(
    point: Point, gradient: object, name: str, rtol: float, samples: int | None, seed: int
) -> None:
    shape = point.x.shape
    assert_shape(gradient, shape, name=name)
    assert_finite(gradient, name=name)
    analytic = as_numbers(gradient, name)
    if analytic.dtype.kind == "c":
        raise CheckFailed(f"{name} has dtype {analytic.dtype}, expected real numbers", "dtype")
    if analytic.size == 0:
        return
    verdict = Comparison(point, analytic, rtol)
    rng = np.random.default_rng(seed)
    places = _draw(analytic.size, analytic.size if samples is None else samples, rng)
    findings = [(int(i), *verdict.wrong_at(int(i))) for i in places]
    if places.size < analytic.size and not any(wrong for _, wrong, _ in findings):
        suspect = verdict.suspect(rng)
        findings = [] if suspect is None else [(suspect, *verdict.wrong_at(suspect))]
    mistakes = [(i, numeric) for i, wrong, numeric in findings if wrong]
    if mistakes:
        raise _wrong_gradient(verdict.analytic, mistakes, len(findings), shape, name)


def _wrong_gradient(
    analytic: NDArray[np.float64],
    mistakes: list[tuple[int, float]],
    checked: int,
    shape: tuple[int, ...],
    name: str,
) -> CheckFailed:
    worst, value = max(mistakes, key=lambda mistake: abs(analytic[mistake[0]] - mistake[1]))
    mine = float(analytic[worst])
    error = abs(mine - value) / max(1e-8, abs(mine) + abs(value))
    yours, numeric = format_pair(mine, value)
    if analytic.size == 1:
        where = ""
    else:
        where = f" at {format_place(np.unravel_index(worst, shape))}"
    message = (
        f"{name} differs from the numerical gradient: relative error {error:.2g}{where}: "
        f"yours {yours}, numeric {numeric}"
    )
    if checked > 1:
        verb = "differs" if len(mistakes) == 1 else "differ"
        message += f" ({len(mistakes)} of {checked} entries checked {verb})"
    return CheckFailed(message, "gradient")
