"""Butterfly, cat and fish."""

from __future__ import annotations

import numpy as np

from cs231n_lib.scenes.canvas import Canvas, Pattern
from cs231n_lib.scenes.colors import hsv_color
from cs231n_lib.scenes.draws import Draws, Floats
from cs231n_lib.scenes.sdf import circle, convex, ellipse, ring, segment

__all__ = ["paint_butterfly", "paint_cat", "paint_fish"]

_PINK = np.array([0.55, 0.3, 0.32], dtype=np.float32)[:, None, None, None]


def paint_butterfly(canvas: Canvas, draws: Draws, main: Floats) -> None:
    """Paint four wings with a dark hem and spots, a body and two antennae."""
    dark = hsv_color(draws, (0, 1), (0.1, 0.4), (0.08, 0.25))
    spots = hsv_color(draws, (0, 1), (0.3, 0.9), (0.7, 1.0))
    spread = draws.uniform(0.8, 1.1)
    x, y = np.abs(canvas.x) / spread, canvas.y
    low, drop = draws.uniform(0.30, 0.40), draws.uniform(0.30, 0.5)
    upper = np.maximum(
        ellipse(x, y, 0.48, -0.36, 0.50, 0.44), -circle(x, y, 1.12, -0.02, draws.uniform(0.2, 0.32))
    )
    lower = ellipse(x, y, 0.38, drop, low, low)
    wings = np.minimum(upper, lower)
    canvas.fill(wings, dark)
    pattern = Pattern(draws, (3, 1, 1, 0, 1))
    canvas.fill(wings + draws.uniform(0.06, 0.12), pattern.mix(canvas, main, 0.6 * main))
    canvas.fill(circle(x, y, 0.56, -0.38, draws.uniform(0.10, 0.19)), spots)
    canvas.fill(circle(x, y, 0.40, drop, draws.uniform(0.06, 0.14)), spots)
    tip = draws.uniform(0.15, 0.4)
    canvas.fill(segment(x, y, 0.0, -0.5, tip, -0.95, 0.03), dark)
    canvas.fill(ellipse(x, y, 0.0, 0.0, 0.10, 0.62), dark)


def paint_cat(canvas: Canvas, draws: Draws, main: Floats) -> None:
    """Paint a sitting cat seen from the front: body, tail, head with ears, eyes and nose."""
    x, y = canvas.x, canvas.y
    pale = 0.45 * main + 0.55
    dark = 0.25 * main
    canvas.shadow(0.0, 0.92, 0.8, 0.18, 0.4)
    pattern = Pattern(draws, (3, 0, 3, 0, 1))
    fur = pattern.mix(canvas, main, 0.55 * main)
    side, bend = draws.sign(), draws.uniform(0.18, 0.34)
    tail = np.maximum(ring(circle(x * side, y, 0.48, 0.5, bend + 0.06), 0.085), -(x * side - 0.42))
    canvas.fill(tail, 0.85 * main)
    canvas.fill(ellipse(x, y, 0.0, 0.45, draws.uniform(0.42, 0.54), 0.54), fur, relief=0.35)
    canvas.fill(
        ellipse(x, y, 0.0, 0.42, 0.2, 0.3), pale, opacity=draws.chance(0.6) * np.float32(0.9)
    )
    mirrored = np.abs(x)
    canvas.fill(ellipse(mirrored, y, 0.18, 0.9, 0.17, 0.12), pale, relief=0.2)
    head = draws.uniform(0.40, 0.48)
    width = head * draws.uniform(1.05, 1.25)
    tip_x, tip_y = width * draws.uniform(0.75, 1.0), draws.uniform(-1.02, -0.86)
    ear = convex(mirrored, y, [(tip_x, tip_y), (width, -0.3), (0.08, -0.62)])
    canvas.fill(ear, fur)
    canvas.fill(ear + 0.09, 0.4 * main + _PINK)
    canvas.fill(ellipse(x, y, 0.0, -0.32, width, head), fur, relief=0.3)
    iris = hsv_color(draws, (0.12, 0.55), (0.5, 0.9), (0.75, 1.0))
    eye = ellipse(mirrored, y, 0.21, -0.38, 0.12, 0.105)
    canvas.fill(eye, iris)
    canvas.fill(ellipse(mirrored, y, 0.21, -0.38, draws.uniform(0.04, 0.08), 0.1), 0.1 * main)
    canvas.fill(ellipse(x, y, 0.0, -0.15, 0.17, 0.11), pale)
    canvas.fill(convex(x, y, [(-0.07, -0.24), (0.07, -0.24), (0.0, -0.15)]), dark)
    canvas.fill(segment(mirrored, y, 0.15, -0.15, 0.62, -0.2, 0.012), pale, opacity=0.7)


def paint_fish(canvas: Canvas, draws: Draws, main: Floats) -> None:
    """Paint a fish from the side: body with a pattern, tail, fins, gill and eye."""
    x, y = canvas.x, canvas.y
    second = hsv_color(draws, (0, 1), (0.2, 0.9), (0.5, 1.0))
    plain = draws.chance(0.5)
    fins = np.where(plain, 0.72 * main, second)
    height = draws.uniform(0.34, 0.56)
    notch = draws.uniform(-0.86, -0.7)
    lobe = draws.uniform(0.34, 0.55)
    upper = convex(x, y, [(-1.0, -lobe), (-0.42, 0.0), (notch, 0.05)])
    lower = convex(x, y, [(-1.0, lobe), (notch, -0.05), (-0.42, 0.0)])
    canvas.fill(np.minimum(upper, lower), fins)
    back = draws.uniform(-0.5, 0.1)
    canvas.fill(
        convex(x, y, [(back - 0.2, -height - 0.26), (0.42, -height * 0.6), (-0.4, -height * 0.6)]),
        fins,
    )
    canvas.fill(
        convex(x, y, [(0.2, height * 0.6), (-0.15, height + 0.22), (-0.25, height * 0.6)]), fins
    )
    pattern = Pattern(draws, (2, 3, 1, 0, 1))
    body = ellipse(x, y, 0.15, 0.0, 0.74, height)
    canvas.fill(body, pattern.mix(canvas, main, second), relief=0.45)
    belly = np.maximum(body, height * 0.35 - y)
    canvas.fill(belly, 0.4 * main + 0.6, opacity=0.55)
    gill = ring(circle(x, y, 0.75, 0.0, 0.36), 0.02)
    canvas.fill(np.maximum(np.maximum(gill, body + 0.05), x - 0.75), 0.4 * main, opacity=0.8)
    canvas.fill(ellipse(x, y, 0.02, 0.08, 0.17, 0.1), fins)
    white = np.ones((3, 1, 1, 1), np.float32)
    canvas.fill(circle(x, y, 0.6, -0.1, 0.125), white)
    canvas.fill(circle(x, y, 0.63, -0.1, 0.07), 0.08 * white)
