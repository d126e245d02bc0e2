"""Flower, mushroom and tree."""

from __future__ import annotations

import math

import numpy as np

from cs231n_lib.scenes.canvas import Canvas, Pattern
from cs231n_lib.scenes.colors import hsv_color
from cs231n_lib.scenes.draws import Draws, Floats
from cs231n_lib.scenes.sdf import circle, convex, ellipse, segment

__all__ = ["paint_flower", "paint_mushroom", "paint_tree"]

_PETALS = (5, 6, 8)
# Directions of the petals by number of petals; flowers with fewer repeat their last one.
_DIRECTIONS = np.array(
    [
        [
            (math.cos(2 * math.pi * min(i, k - 1) / k), math.sin(2 * math.pi * min(i, k - 1) / k))
            for i in range(max(_PETALS))
        ]
        for k in _PETALS
    ]
).astype(np.float32)


def paint_flower(canvas: Canvas, draws: Draws, main: Floats) -> None:
    """Paint five, six or eight petals round a centre, on a bent stem with two leaves."""
    x, y = canvas.x, canvas.y
    green = hsv_color(draws, (0.24, 0.40), (0.5, 0.9), (0.3, 0.65))
    bend = draws.uniform(-0.25, 0.25)
    canvas.fill(segment(x, y, bend, 1.0, 0.0, -0.2, 0.05), green)
    leaf_y = draws.uniform(0.5, 0.75)
    for side in (-1.0, 1.0):
        u, v = (x - bend * 0.5) * side, y - leaf_y
        canvas.fill(ellipse(u + v, v - u * 0.25, 0.26, 0.0, 0.28, 0.11), green, relief=0.3)
    which = draws.choice((1, 1, 1))[:, 0, 0]
    reach, petal = draws.uniform(0.30, 0.38), draws.uniform(0.20, 0.27)
    heart_y = -0.32
    petals = np.full_like(x, np.inf)
    for i in range(max(_PETALS)):
        dx, dy = (_DIRECTIONS[which, i, axis][:, None, None] for axis in (0, 1))
        np.minimum(petals, circle(x, y, dx * reach, heart_y + dy * reach, petal), out=petals)
    canvas.fill(petals, main, relief=0.4, depth=0.22)
    yolk = draws.chance(0.7)
    centre = np.where(
        yolk,
        hsv_color(draws, (0.08, 0.15), (0.7, 1.0), (0.75, 1.0)),
        hsv_color(draws, (0.04, 0.09), (0.5, 0.8), (0.2, 0.4)),
    )
    canvas.fill(circle(x, y, 0.0, heart_y, draws.uniform(0.16, 0.24)), centre, relief=0.3)


def paint_mushroom(canvas: Canvas, draws: Draws, main: Floats) -> None:
    """Paint a domed cap with spots and gills on a thick pale stem."""
    x, y = canvas.x, canvas.y
    cream = hsv_color(draws, (0.08, 0.14), (0.05, 0.3), (0.8, 1.0))
    canvas.shadow(0.0, 0.88, 0.6, 0.16, 0.4)
    width, foot = draws.uniform(0.16, 0.26), draws.uniform(0.22, 0.38)
    stem = convex(x, y, [(-width, -0.2), (width, -0.2), (foot, 0.84), (-foot, 0.84)]) - 0.04
    canvas.fill(stem, cream, relief=0.3)
    rim = draws.uniform(0.66, 0.92)
    top = draws.uniform(0.62, 0.95)
    brim = draws.uniform(-0.12, 0.12)
    canvas.fill(ellipse(x, y, 0.0, brim, rim, 0.14), 0.62 * cream)
    dome = ellipse(x, y, 0.0, brim, rim, top)
    across = x / rim
    cap = np.maximum(dome, y - brim - 0.09 * (1 - across * across))
    canvas.fill(cap, main, relief=0.45)
    dotted = draws.chance(0.65) * np.float32(0.95)
    for cx, cy, radius in (
        (-0.42, -0.22, 0.11),
        (0.02, -0.50, 0.13),
        (0.42, -0.26, 0.12),
        (0.05, -0.14, 0.09),
    ):
        spot = circle(x, y, cx + draws.uniform(-0.1, 0.1), brim + cy, radius)
        canvas.fill(np.maximum(spot, cap + 0.02), cream, opacity=dotted)


def paint_tree(canvas: Canvas, draws: Draws, main: Floats) -> None:
    """Paint a broad-leaved tree of overlapping crowns or a conifer, some with fruit."""
    x, y = canvas.x, canvas.y
    bark = hsv_color(draws, (0.04, 0.1), (0.3, 0.65), (0.22, 0.45))
    canvas.shadow(0.0, 0.94, 0.55, 0.12, 0.4)
    width = draws.uniform(0.07, 0.13)
    canvas.fill(
        convex(x, y, [(-width, -0.2), (width, -0.2), (width * 1.6, 0.97), (-width * 1.6, 0.97)]),
        bark,
    )
    conifer = draws.chance(0.45)
    spread, lift = draws.uniform(0.8, 1.15), draws.uniform(-0.08, 0.08)
    tiers = [
        convex(x, y, [(0.0, top), (half * spread, low), (-half * spread, low)])
        for top, low, half in ((-1.0, -0.35, 0.36), (-0.72, 0.08, 0.48), (-0.38, 0.56, 0.6))
    ]
    crowns = [
        circle(x, y, cx * spread, cy + lift, radius)
        for cx, cy, radius in (
            (0.0, -0.58, 0.36),
            (-0.36, -0.26, 0.34),
            (0.38, -0.28, 0.33),
            (0.0, -0.12, 0.36),
        )
    ]
    leaves = 0.8 * main
    pattern = Pattern(draws, (1, 0, 0, 0, 2))
    shades = pattern.mix(canvas, main, leaves)
    for tier, crown in zip(
        (tiers[2], tiers[1], tiers[0]), (crowns[3], crowns[1], crowns[2]), strict=True
    ):
        canvas.fill(np.where(conifer, tier, crown), shades, relief=0.5, depth=0.25)
    canvas.fill(np.where(conifer, tiers[0], crowns[0]), shades, relief=0.4, depth=0.25)
    fruit = hsv_color(draws, (-0.03, 0.13), (0.8, 1.0), (0.7, 1.0))
    bearing = draws.chance(0.3) * np.float32(1)
    for cx, cy in ((-0.3, -0.3), (0.12, -0.6), (0.3, -0.15), (-0.02, -0.1)):
        canvas.fill(circle(x, y, cx, cy, 0.075), fruit, opacity=bearing)
