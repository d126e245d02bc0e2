"""What people make: car, house, mug and sailboat."""

from __future__ import annotations

import numpy as np

from cs231n_lib.scenes.canvas import Canvas, Pattern
from cs231n_lib.scenes.colors import hsv_color
from cs231n_lib.scenes.draws import Draws, Floats
from cs231n_lib.scenes.sdf import box, circle, convex, ellipse, ring, segment

__all__ = ["paint_car", "paint_house", "paint_mug", "paint_sailboat"]


def paint_car(canvas: Canvas, draws: Draws, main: Floats) -> None:
    """Paint a car from the side: body, cabin with two windows, wheels and lights."""
    x, y = canvas.x, canvas.y
    glass = hsv_color(draws, (0.5, 0.62), (0.15, 0.5), (0.55, 0.95))
    rubber = hsv_color(draws, (0, 1), (0, 0.1), (0.06, 0.16))
    metal = hsv_color(draws, (0, 1), (0, 0.06), (0.65, 0.9))
    canvas.shadow(0.0, 0.6, 1.1, 0.16, 0.45)
    roof, front = draws.uniform(-0.62, -0.40), draws.uniform(0.12, 0.42)
    rear = draws.uniform(-0.72, -0.42)
    cabin = (
        convex(x, y, [(rear, roof), (front - 0.08, roof), (front + 0.26, 0.06), (rear - 0.2, 0.06)])
        - 0.05
    )
    canvas.fill(cabin, main)
    pillar = (rear + front) / 2
    panes = np.maximum(cabin + 0.12, 0.05 - np.abs(x - pillar))
    canvas.fill(np.maximum(panes, y + 0.0), glass)
    waist = draws.uniform(-0.08, 0.0)
    body = box(x, y, 0.0, 0.22 + waist / 2, 0.98, 0.24 - waist / 2, 0.13)
    canvas.fill(body, main, relief=0.35)
    canvas.fill(np.maximum(body, np.abs(y - 0.2) - 0.03), 0.6 * main, opacity=0.8)
    canvas.fill(
        box(x, y, 0.9, 0.12, 0.08, 0.07, 0.05), hsv_color(draws, (0.1, 0.17), (0.1, 0.5), (0.9, 1))
    )
    canvas.fill(
        box(x, y, -0.93, 0.12, 0.05, 0.07, 0.03),
        hsv_color(draws, (-0.02, 0.03), (0.8, 1), (0.5, 0.8)),
    )
    radius = draws.uniform(0.20, 0.27)
    hub = radius * draws.uniform(0.4, 0.65)
    for cx in (-0.54, 0.56):
        canvas.fill(circle(x, y, cx, 0.42, radius), rubber)
        canvas.fill(circle(x, y, cx, 0.42, hub), metal)


def paint_house(canvas: Canvas, draws: Draws, main: Floats) -> None:
    """Paint a house front: walls, roof, chimney, door and two lit or dark windows."""
    x, y = canvas.x, canvas.y
    roof = hsv_color(draws, (-0.02, 0.1), (0.3, 0.8), (0.25, 0.7))
    wood = hsv_color(draws, (0, 1), (0.3, 0.8), (0.2, 0.6))
    lit = draws.chance(0.4)
    pane = np.where(
        lit,
        hsv_color(draws, (0.11, 0.15), (0.3, 0.7), (0.9, 1.0)),
        hsv_color(draws, (0.52, 0.62), (0.2, 0.5), (0.35, 0.8)),
    )
    half, eaves = draws.uniform(0.58, 0.80), draws.uniform(-0.28, -0.02)
    canvas.shadow(0.0, 0.88, 1.1, 0.14, 0.4)
    chimney_x = draws.uniform(0.25, 0.45)
    canvas.fill(box(x, y, chimney_x, -0.6, 0.1, 0.32), 0.75 * roof)
    wall = box(x, y, 0.0, (eaves + 0.88) / 2, half, (0.88 - eaves) / 2)
    canvas.fill(wall, Pattern(draws, (3, 0, 1, 0, 0)).mix(canvas, main, 0.82 * main))
    ridge, top = draws.uniform(0.0, 0.3), draws.uniform(-0.98, -0.74)
    flat = ridge * draws.chance(0.5) + 0.02
    over = half + draws.uniform(0.08, 0.2)
    gable = convex(x, y, [(-flat, top), (flat, top), (over, eaves + 0.02), (-over, eaves + 0.02)])
    canvas.fill(gable, Pattern(draws, (2, 1, 2, 1, 0)).mix(canvas, roof, 0.75 * roof), relief=0.2)
    door_x = draws.uniform(-0.1, 0.1)
    door = box(x, y, door_x, 0.62, 0.14, 0.27, 0.02)
    canvas.fill(door - 0.04, 0.3 * main + 0.65)
    canvas.fill(door, wood)
    canvas.fill(circle(x, y, door_x + 0.08, 0.64, 0.03), 0.5 * wood + 0.5)
    middle = half * 0.64
    window = box(np.abs(x), y, middle, 0.3, 0.14, 0.16)
    canvas.fill(window - 0.04, 0.3 * main + 0.65)
    canvas.fill(window, pane)
    bars = np.minimum(np.abs(np.abs(x) - middle), np.abs(y - 0.3)) - 0.015
    canvas.fill(np.maximum(bars, window), 0.3 * main + 0.65)


def paint_mug(canvas: Canvas, draws: Draws, main: Floats) -> None:
    """Paint a mug with a handle, a patterned side, a drink in it and, while it is hot, steam."""
    x, y = canvas.x, canvas.y
    second = hsv_color(draws, (0, 1), (0.1, 0.9), (0.5, 1.0))
    drink = hsv_color(draws, (0.03, 0.12), (0.5, 0.9), (0.15, 0.6))
    steam = np.ones((3, 1, 1, 1), np.float32)
    hot = draws.chance(0.5) * np.float32(0.45)
    for cx in (-0.35, 0.05):
        curl = 0.06 * draws.sign()
        canvas.fill(segment(x, y, cx, -0.62, cx + curl, -0.76, 0.05), steam, opacity=hot)
        canvas.fill(segment(x, y, cx + curl, -0.76, cx - curl, -0.95, 0.045), steam, opacity=hot)
    canvas.shadow(0.0, 0.8, 0.9, 0.16, 0.4)
    taper, top = draws.uniform(0.0, 0.16), draws.uniform(-0.5, -0.3)
    drop = draws.uniform(0.24, 0.34)
    handle = ring(ellipse(x, y, 0.5, 0.16, draws.uniform(0.34, 0.44), drop), 0.08)
    canvas.fill(handle, 0.85 * main)
    left, right = -0.68, 0.52
    side = (
        convex(x, y, [(left, top), (right, top), (right - taper, 0.76), (left + taper, 0.76)])
        - 0.04
    )
    foot = ellipse(x, y, -0.08, 0.76, 0.64 - taper, 0.14)
    pattern = Pattern(draws, (3, 2, 2, 1, 2))
    canvas.fill(np.minimum(side, foot), pattern.mix(canvas, main, second), relief=0.4, depth=0.4)
    rim = ellipse(x, y, -0.08, top, 0.64, 0.17)
    canvas.fill(rim, 0.5 * main + 0.45)
    canvas.fill(rim + 0.07, drink)


def paint_sailboat(canvas: Canvas, draws: Draws, main: Floats) -> None:
    """Paint a hull with a stripe, a mast with a pennant, a mainsail and a jib."""
    x, y = canvas.x, canvas.y
    wood = hsv_color(draws, (0.05, 0.1), (0.3, 0.7), (0.3, 0.6))
    cloth = hsv_color(draws, (0.0, 1.0), (0.0, 0.15), (0.85, 1.0))
    matching = draws.chance(0.35)
    sail = np.where(matching, 0.7 * main + 0.3, cloth)
    mast = draws.uniform(-0.12, 0.18)
    canvas.fill(segment(x, y, mast, -0.98, mast, 0.5, 0.035), wood)
    canvas.fill(convex(x, y, [(mast, -1.0), (mast + 0.26, -0.92), (mast, -0.84)]), main)
    boom = draws.uniform(0.18, 0.34)
    clew = draws.uniform(-0.86, -0.6)
    main_sail = convex(x, y, [(mast - 0.06, -0.9), (mast - 0.06, boom), (clew, boom)])
    pattern = Pattern(draws, (3, 0, 2, 0, 0))
    canvas.fill(main_sail, pattern.mix(canvas, sail, 0.5 * sail + 0.5 * main), relief=0.2)
    jib = convex(
        x,
        y,
        [
            (mast + 0.07, draws.uniform(-0.8, -0.4)),
            (draws.uniform(0.6, 0.85), boom),
            (mast + 0.07, boom),
        ],
    )
    canvas.fill(jib, 0.92 * sail, relief=0.2)
    bow = draws.uniform(0.86, 1.0)
    hull = convex(x, y, [(-0.86, 0.44), (bow, 0.40), (0.56, 0.86), (-0.6, 0.86)])
    canvas.fill(hull, main, relief=0.25)
    canvas.fill(np.maximum(hull, np.abs(y - 0.52) - 0.035), 0.35 * main + 0.6)
