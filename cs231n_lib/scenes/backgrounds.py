"""Backgrounds: habitats with sky and ground, clutter on them, and what stands in the way."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cs231n_lib.scenes.canvas import Canvas, Pose, grid
from cs231n_lib.scenes.colors import hsv_color, hsv_to_rgb
from cs231n_lib.scenes.draws import Draws, Floats, Ints
from cs231n_lib.scenes.sdf import box

__all__ = ["HABITAT_NAMES", "paint_background", "paint_clutter", "pick_habitats"]

# Per habitat: colours at the top of the upper part, at its bottom, at the top of the lower part
# and at its bottom, each as from-to of hue, saturation and value; then from-to of the horizon (y,
# down); then the strengths of blotches and of horizontal streaks in the lower part.
_Range = tuple[float, float]
_Color = tuple[_Range, _Range, _Range]
_HABITATS: dict[str, tuple[_Color, _Color, _Color, _Color, _Range, float, float]] = {
    "sea": (
        ((0.52, 0.62), (0.2, 0.6), (0.6, 1.0)),
        ((0.05, 0.58), (0.05, 0.3), (0.8, 1.0)),
        ((0.50, 0.60), (0.4, 0.7), (0.5, 0.8)),
        ((0.52, 0.63), (0.6, 0.9), (0.25, 0.55)),
        (-0.3, 0.5),
        0.05,
        0.35,
    ),
    "meadow": (
        ((0.53, 0.62), (0.2, 0.6), (0.7, 1.0)),
        ((0.50, 0.60), (0.05, 0.3), (0.8, 1.0)),
        ((0.18, 0.32), (0.3, 0.7), (0.4, 0.8)),
        ((0.20, 0.36), (0.5, 0.8), (0.25, 0.6)),
        (-0.6, 0.5),
        0.30,
        0.10,
    ),
    "street": (
        ((0.50, 0.65), (0.0, 0.4), (0.5, 0.95)),
        ((0.0, 1.0), (0.0, 0.25), (0.5, 0.9)),
        ((0.0, 1.0), (0.0, 0.1), (0.3, 0.6)),
        ((0.0, 1.0), (0.0, 0.12), (0.2, 0.5)),
        (-0.2, 0.4),
        0.15,
        0.10,
    ),
    "underwater": (
        ((0.45, 0.60), (0.3, 0.7), (0.6, 0.95)),
        ((0.48, 0.62), (0.5, 0.9), (0.4, 0.7)),
        ((0.48, 0.64), (0.6, 0.9), (0.3, 0.6)),
        ((0.10, 0.62), (0.3, 0.9), (0.15, 0.5)),
        (0.3, 1.2),
        0.35,
        0.10,
    ),
    "room": (
        ((0.0, 1.0), (0.05, 0.4), (0.5, 0.95)),
        ((0.0, 1.0), (0.05, 0.35), (0.5, 0.9)),
        ((0.03, 0.11), (0.3, 0.7), (0.35, 0.8)),
        ((0.03, 0.11), (0.4, 0.8), (0.25, 0.6)),
        (0.0, 0.7),
        0.06,
        0.25,
    ),
    "forest": (
        ((0.2, 0.42), (0.3, 0.8), (0.15, 0.5)),
        ((0.18, 0.40), (0.3, 0.7), (0.2, 0.55)),
        ((0.06, 0.25), (0.3, 0.7), (0.2, 0.5)),
        ((0.05, 0.2), (0.4, 0.7), (0.12, 0.4)),
        (-0.4, 0.5),
        0.55,
        0.05,
    ),
    "snow": (
        ((0.52, 0.68), (0.1, 0.5), (0.6, 0.95)),
        ((0.0, 1.0), (0.0, 0.15), (0.8, 1.0)),
        ((0.5, 0.7), (0.0, 0.12), (0.85, 1.0)),
        ((0.5, 0.7), (0.03, 0.2), (0.7, 0.95)),
        (-0.4, 0.5),
        0.15,
        0.05,
    ),
    "desert": (
        ((0.50, 0.62), (0.2, 0.6), (0.7, 1.0)),
        ((0.03, 0.14), (0.1, 0.5), (0.8, 1.0)),
        ((0.07, 0.12), (0.3, 0.6), (0.7, 0.95)),
        ((0.06, 0.11), (0.4, 0.7), (0.5, 0.85)),
        (-0.4, 0.5),
        0.15,
        0.15,
    ),
    "night": (
        ((0.60, 0.75), (0.5, 0.9), (0.08, 0.3)),
        ((0.55, 0.90), (0.3, 0.7), (0.2, 0.5)),
        ((0.3, 0.7), (0.2, 0.6), (0.12, 0.3)),
        ((0.3, 0.7), (0.2, 0.6), (0.05, 0.2)),
        (-0.2, 0.6),
        0.25,
        0.05,
    ),
    "studio": (
        ((0.0, 1.0), (0.0, 0.8), (0.2, 1.0)),
        ((0.0, 1.0), (0.0, 0.8), (0.2, 1.0)),
        ((0.0, 1.0), (0.0, 0.8), (0.2, 1.0)),
        ((0.0, 1.0), (0.0, 0.8), (0.2, 1.0)),
        (-1.2, 1.2),
        0.20,
        0.20,
    ),
}

HABITAT_NAMES: tuple[str, ...] = tuple(_HABITATS)

_COLORS = np.array([entry[:4] for entry in _HABITATS.values()], dtype=np.float32)
_OTHERS = np.array([[*entry[4], *entry[5:]] for entry in _HABITATS.values()], dtype=np.float32)


def pick_habitats(draws: Draws, usual: Mapping[str, float], fidelity: float) -> Ints:
    """Choose a habitat per picture: with probability ``fidelity`` a usual one, else any.

    Returns indices into ``HABITAT_NAMES``, int64 of shape ``(n, 1, 1)``.
    """
    weights = np.array([usual.get(name, 0.0) for name in HABITAT_NAMES])
    weights = fidelity * weights / sum(usual.values()) + (1 - fidelity) / len(weights)
    return draws.choice(weights)


def _noise(draws: Draws, size: int, rows: int, columns: int) -> Floats:
    """Value noise in ``[-1, 1]``: random values on a lattice, interpolated: ``(n, size, size)``."""
    noise = (2 * draws.rng.random((draws.n, rows + 1, columns + 1)) - 1).astype(np.float32)
    for axis, cells in ((1, rows), (2, columns)):
        where = (np.arange(size) + 0.5) * (cells / size)
        low = where.astype(np.int64)
        t = (where - low).astype(np.float32)
        t = t * t * (3 - 2 * t)
        t = t[None, :, None] if axis == 1 else t
        start = np.take(noise, low, axis=axis)
        noise = start + t * (np.take(noise, low + 1, axis=axis) - start)
    return noise


def paint_background(
    draws: Draws, habitats: Ints, size: int, horizon: Floats | None = None
) -> Floats:
    """Sky above ground (or wall above table, water above sand) with texture.

    Parameters
    ----------
    draws : Draws
        Random parameters.
    habitats : ndarray
        Indices into ``HABITAT_NAMES``, ``(n, 1, 1)``.
    size : int
        Height and width in pixels.
    horizon : ndarray, optional
        Where the ground begins, image coordinates ``(n, 1, 1)``; by default what is usual there.

    Returns
    -------
    ndarray
        RGB planes, float32 ``(3, n, size, size)``, about ``[0, 1]``.
    """
    ranges = _COLORS[habitats]  # (n, 1, 1, 4 places, hue-saturation-value, from-to)
    dice = draws.rng.random(ranges.shape[:-1]).astype(np.float32)
    hsv = ranges[..., 0] + (ranges[..., 1] - ranges[..., 0]) * dice
    sky_top, sky_low, ground_far, ground_near = (
        hsv_to_rgb(hsv[..., i, 0], hsv[..., i, 1], hsv[..., i, 2]) for i in range(4)
    )
    low, high, blotches, streaks = (_OTHERS[habitats][..., i] for i in range(4))
    u, v = grid(size)
    if horizon is None:
        horizon = low + (high - low) * draws.uniform(0, 1)
    below = v - horizon - u * draws.uniform(-0.15, 0.15)
    ground = np.clip(below * np.float32(size / 2) + np.float32(0.5), 0, 1)
    near = np.clip(below, 0, 1)
    up = np.clip(-below * np.float32(0.8), 0, 1)
    texture = _noise(draws, size, 5, 5) * draws.uniform(0.4, 1.0)
    fine = _noise(draws, size, size // 2, size // 2)
    streak = _noise(draws, size, size // 2, 3)
    shade = 1 + ground * (blotches * (0.6 * texture + 0.7 * fine) + streaks * streak)
    shade += (1 - ground) * (texture * np.float32(0.12))
    image = np.empty((3, *shade.shape), dtype=np.float32)
    for channel in range(3):
        sky = sky_low[channel] + up * (sky_top[channel] - sky_low[channel])
        earth = ground_far[channel] + near * (ground_near[channel] - ground_far[channel])
        image[channel] = (sky + ground * (earth - sky)) * shade
    return image


def paint_clutter(
    image: Floats, draws: Draws, *, chance: float, extent: tuple[float, float], slenderness: float
) -> None:
    """Paint one random shape per picture over RGB planes, in place: clutter or an obstacle.

    The shapes reach from bars and bricks over wedges to pebbles.

    Parameters
    ----------
    image : ndarray
        RGB planes ``(3, n, size, size)``.
    draws : Draws
        Random parameters.
    chance : float
        Probability that a picture gets one.
    extent : tuple of float
        From-to of half its length in image coordinates.
    slenderness : float
        Smallest ratio of width to length.
    """
    chosen = np.flatnonzero(draws.chance(chance))
    some = Draws(draws.rng, len(chosen))
    cos, sin = some.direction()
    cx, cy = some.uniform(-1, 1), some.uniform(-1, 1)
    canvas = Canvas(Pose(cx, cy, some.uniform(*extent), cos, sin, some.sign()), image.shape[-1])
    height = some.uniform(slenderness, 1)
    taper = some.uniform(0, 0.9) * some.chance(0.4) / height
    rounding = height * some.uniform(0, 1)
    shape = box(canvas.x, canvas.y, 0.0, 0.0, 1 + taper * canvas.y, height, rounding)
    canvas.fill(shape, hsv_color(some, (0, 1), (0.0, 0.8), (0.1, 1.0)), relief=0.3)
    image[:, chosen] = canvas.over(image[:, chosen])
