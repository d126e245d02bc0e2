"""Centred differences of a function at a point: what numerical gradients are made of."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cs231n_lib.checking.failures import CheckFailed, as_numbers, describe
from cs231n_lib.checking.values import assert_finite, assert_shape

__all__ = ["Comparison", "Point"]


class Point:
    """A function at a point, and its derivatives there by centred differences.

    Parameters
    ----------
    f : callable
        Takes an array like `x`, returns one number, or an array if `dout` is given.
    x : array
        The point. A float64 array is moved in place during a call of `f` and put back, so that `f`
        may read it through a model that holds it; of any other array a float64 copy is moved.
    dout : float64 array, optional
        Upstream gradient: the function is then ``sum(f(x) * dout)``.

    Attributes
    ----------
    x : float64 array
        What is moved.
    scale : float
        The largest magnitude of the function seen so far: what rounding is relative to.
    single : bool
        Whether `f` was seen to compute in less than double precision.
    """

    def __init__(
        self,
        f: Callable[[NDArray[Any]], Any],
        x: NDArray[Any],
        dout: NDArray[np.float64] | None = None,
    ) -> None:
        if not callable(f):
            raise CheckFailed(f"f is {describe(f)}, expected a function", "type")
        array = as_numbers(x, "x")
        if array.dtype.kind == "c":
            raise CheckFailed(f"x has dtype {array.dtype}, expected real numbers", "dtype")
        in_place = isinstance(x, np.ndarray) and array.dtype == np.float64 and array.flags.writeable
        self.x: NDArray[np.float64] = array if in_place else array.astype(np.float64)
        self.f = f
        self.dout = dout
        self.scale = 0.0
        self.single = False

    def derivative(self, i: int, h: float) -> float:
        """Return the derivative by the `i`-th coordinate (of the flattened array)."""
        right, left, step = self._sides(i, h)
        return self._change(right, left) / step

    def one_sided(self, i: int, h: float) -> tuple[float, float]:
        """Return the left and the right derivative by the `i`-th coordinate."""
        right, left, step = self._sides(i, h)
        here = self._evaluate()
        return self._change(here, left) / (step / 2), self._change(right, here) / (step / 2)

    def along(self, direction: NDArray[np.float64], h: float) -> float:
        """Return the derivative along a direction, an array of the shape of `x`."""
        old = self.x.copy()
        try:
            self.x[...] = old + h * direction
            right = self._evaluate()
            self.x[...] = old - h * direction
            left = self._evaluate()
        finally:
            self.x[...] = old
        return self._change(right, left) / (2 * h)

    def _sides(self, i: int, h: float) -> tuple[NDArray[Any], NDArray[Any], float]:
        index = np.unravel_index(i, self.x.shape)
        old = float(self.x[index])
        above, below = old + h, old - h
        try:
            self.x[index] = above
            right = self._evaluate()
            self.x[index] = below
            left = self._evaluate()
        finally:
            self.x[index] = old
        # What was really stepped: old + h is rounded where old is large.
        return right, left, above - below

    def _evaluate(self) -> NDArray[np.float64]:
        value = self.f(self.x)
        what = "the loss" if self.dout is None else "the output of f"
        if isinstance(value, tuple):
            raise CheckFailed(f"{what} is {describe(value)}: let f return {what} alone", "type")
        out = as_numbers(value, what)
        self.single |= out.dtype.kind == "f" and out.dtype.itemsize < 8
        assert_finite(out, name=what)
        if self.dout is not None:
            assert_shape(out, self.dout.shape, name=what)
            size = float(np.linalg.norm(out * self.dout))
        elif out.size == 1:
            out = out.reshape(())
            size = abs(float(out))
        else:
            raise CheckFailed(
                f"{what} is an array of shape {out.shape}, expected a single number", "shape"
            )
        self.scale = max(self.scale, size)
        # A copy: a layer may return a view of its input, or a buffer it uses again.
        return np.array(out, dtype=np.float64)

    def _change(self, right: NDArray[np.float64], left: NDArray[np.float64]) -> float:
        difference = right - left
        # Summing differences, instead of subtracting sums, loses no digits to cancellation.
        return float(difference if self.dout is None else np.sum(difference * self.dout))


class Comparison:
    """An analytic gradient beside the differences at a point.

    Parameters
    ----------
    point : Point
        The function and the point.
    analytic : array of the shape of ``point.x``
        The gradient to judge.
    rtol : float
        The relative error allowed, by the formula of :func:`relative_error`; more if either side
        computes in single precision.
    """

    def __init__(self, point: Point, analytic: NDArray[Any], rtol: float) -> None:
        self.point = point
        self.analytic = analytic.astype(np.float64).ravel()
        point.derivative(0, 1e-5)  # shows in which precision f computes
        coarse = analytic.dtype.kind == "f" and analytic.dtype.itemsize < 8
        self.h, self.eps = (1e-2, 1.2e-7) if point.single else (1e-5, 2.2e-16)
        self.rtol = max(rtol, 1e-2 if point.single else 1e-3 if coarse else 0.0)
        # Entries this much smaller than the largest are left over from cancellation.
        self.floor = (1e-5 if coarse or point.single else 1e-8) * float(np.abs(self.analytic).max())

    def excess(self, yours: Any, numeric: Any, h: float) -> Any:
        """Return by how much two derivatives differ more than they may."""
        rounding = 32 * self.eps * max(1.0, self.point.scale) / h
        bound = rounding + self.floor + self.rtol * (np.abs(yours) + np.abs(numeric))
        return np.abs(yours - numeric) - bound

    def wrong_at(self, i: int) -> tuple[bool, float]:
        """Return whether coordinate `i` is wrong, and the numerical derivative there."""
        yours, point = float(self.analytic[i]), self.point
        numeric = point.derivative(i, self.h)
        if self.excess(yours, numeric, self.h) <= 0:
            return False, numeric
        # A kink within reach of the step? Look closer, then from both sides.
        closer = self.h / 10
        if self.excess(yours, point.derivative(i, closer), closer) <= 0:
            return False, numeric
        low, high = sorted(point.one_sided(i, closer))
        nearest = min(max(yours, low), high)
        return bool(self.excess(yours, nearest, closer) > 0), numeric

    def suspect(self, rng: np.random.Generator) -> int | None:
        """Return a coordinate that looks wrong, found by halving a random direction, or None."""
        signs = rng.choice([-1.0, 1.0], size=self.analytic.size)
        chosen = np.arange(self.analytic.size)
        gap, rough = self._gap(signs, chosen)
        if gap <= rough:
            return None
        while chosen.size > 1:
            halves = chosen[: chosen.size // 2], chosen[chosen.size // 2 :]
            chosen = max(halves, key=lambda half: self._gap(signs, half)[0])
        return int(chosen[0])

    def _gap(self, signs: NDArray[np.float64], chosen: NDArray[np.intp]) -> tuple[float, float]:
        """Return how far off the derivative along some signs is, and how far it may be."""
        direction = np.zeros(self.analytic.size)
        # Of unit length, so that the loss changes about as much as for a single coordinate.
        length = float(np.sqrt(chosen.size))
        direction[chosen] = signs[chosen] / length
        yours = float(direction @ self.analytic)
        numeric = self.point.along(direction.reshape(self.point.x.shape), self.h)
        gap = abs(yours - numeric)
        # The sum may cancel to near nothing while its terms carry rounding of their own size.
        typical = self.rtol * float(np.sqrt(np.mean(self.analytic[chosen] ** 2)))
        allowed = gap - float(self.excess(yours, numeric, self.h)) + typical
        return gap * length, allowed * length
