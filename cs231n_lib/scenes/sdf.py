"""Signed distance functions: how far each pixel is from a shape's edge, negative inside.

A shape is the set where its distance is at most zero, so that union, intersection and difference
are ``minimum(a, b)``, ``maximum(a, b)`` and ``maximum(a, -b)``. Away from the edge some of the
functions are bounds rather than exact distances; only the sign and the slope near the edge matter
for drawing. Coordinates are planes ``(n, H, W)``, shape parameters numbers or ``(n, 1, 1)`` arrays,
one value per picture. y points down, as rows do.

The formulas are Inigo Quilez's (https://iquilezles.org/articles/distfunctions2d/).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from cs231n_lib.scenes.draws import Floats

__all__ = ["Number", "box", "circle", "convex", "ellipse", "ring", "segment"]

Number: TypeAlias = float | Floats


def _array(value: Number) -> Floats:
    """Turn a number into a float32 array: NumPy 1 computes with bare numbers in float64."""
    return np.array(value, dtype=np.float32, ndmin=3)


def circle(x: Floats, y: Floats, cx: Number, cy: Number, radius: Number) -> Floats:
    """Distance to the disc of ``radius`` around ``(cx, cy)``."""
    dx, dy = x - cx, y - cy
    dx *= dx
    dy *= dy
    dx += dy
    np.sqrt(dx, out=dx)
    dx -= radius
    return dx


def ellipse(x: Floats, y: Floats, cx: Number, cy: Number, rx: Number, ry: Number) -> Floats:
    r"""Distance to an axis-parallel ellipse, to first order.

    With :math:`k_0 = |p / r|` and :math:`k_1 = |p / r^2|` the value is :math:`k_0 (k_0 - 1) / k_1`.
    """
    dx, dy = (x - cx) / rx, (y - cy) / ry
    ex, ey = dx / rx, dy / ry
    k0 = np.sqrt(dx * dx + dy * dy)
    k1 = np.sqrt(ex * ex + ey * ey)
    k1 += np.float32(1e-6)  # at the centre both vanish
    result: Floats = k0 * (k0 - 1) / k1
    return result


def box(
    x: Floats,
    y: Floats,
    cx: Number,
    cy: Number,
    half_width: Number,
    half_height: Number,
    rounding: Number = 0.0,
) -> Floats:
    """Distance to an axis-parallel box whose corners are rounded by ``rounding``."""
    dx = np.abs(x - cx) - (half_width - rounding)
    dy = np.abs(y - cy) - (half_height - rounding)
    inside = np.minimum(np.maximum(dx, dy), 0)
    np.maximum(dx, 0, out=dx)
    np.maximum(dy, 0, out=dy)
    outside: Floats = np.sqrt(dx * dx + dy * dy)
    outside += inside
    outside -= rounding
    return outside


def segment(
    x: Floats, y: Floats, ax: Number, ay: Number, bx: Number, by: Number, radius: Number
) -> Floats:
    """Distance to the line from ``a`` to ``b`` drawn with a round pen of ``radius``."""
    ax, ay, bx, by = (_array(value) for value in (ax, ay, bx, by))
    length_x, length_y = bx - ax, by - ay
    scale = 1 / (length_x * length_x + length_y * length_y)
    px, py = x - ax, y - ay
    t = np.clip(px * (length_x * scale) + py * (length_y * scale), 0, 1)
    px -= t * length_x
    py -= t * length_y
    result: Floats = np.sqrt(px * px + py * py) - radius
    return result


def convex(x: Floats, y: Floats, corners: Sequence[tuple[Number, Number]]) -> Floats:
    """Distance to a convex polygon: the largest of its edges' half-plane distances.

    ``corners`` go clockwise as seen on the screen (y down), e.g. top left, top right, bottom.
    """
    distance: Floats | None = None
    points = [(_array(px), _array(py)) for px, py in corners]
    for (ax, ay), (bx, by) in zip(points, [*points[1:], points[0]], strict=True):
        normal_x, normal_y = by - ay, ax - bx
        scale = 1 / np.sqrt(normal_x * normal_x + normal_y * normal_y)
        normal_x, normal_y = normal_x * scale, normal_y * scale
        edge = x * normal_x
        edge += y * normal_y
        edge -= ax * normal_x + ay * normal_y
        distance = edge if distance is None else np.maximum(distance, edge, out=distance)
    if distance is None:
        raise ValueError("expected at least three corners, got none")
    return distance


def ring(distance: Floats, half_width: Number) -> Floats:
    """Distance to a line of ``2 * half_width`` along the edge of another shape."""
    return np.abs(distance) - half_width
