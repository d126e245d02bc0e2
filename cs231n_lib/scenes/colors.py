"""Colours: named ones for captions, and the arithmetic between HSV and RGB."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from cs231n_lib.scenes.draws import Draws, Floats, Ints

__all__ = ["COLOR_NAMES", "hsv_color", "hsv_to_rgb", "named_color", "weights_of"]

# name: hue, saturation and value, each from-to in [0, 1]; a hue below zero wraps around to red.
_RANGES = {
    "red": ((-0.03, 0.02), (0.72, 0.95), (0.62, 0.92)),
    "orange": ((0.055, 0.09), (0.78, 0.98), (0.85, 1.0)),
    "yellow": ((0.125, 0.16), (0.65, 0.95), (0.85, 1.0)),
    "green": ((0.26, 0.40), (0.50, 0.85), (0.40, 0.75)),
    "blue": ((0.56, 0.65), (0.60, 0.90), (0.50, 0.90)),
    "purple": ((0.72, 0.81), (0.40, 0.75), (0.45, 0.80)),
    "pink": ((0.88, 0.95), (0.30, 0.60), (0.85, 1.0)),
    "brown": ((0.04, 0.09), (0.50, 0.75), (0.35, 0.55)),
    "white": ((0.0, 1.0), (0.0, 0.08), (0.90, 1.0)),
    "grey": ((0.0, 1.0), (0.0, 0.10), (0.42, 0.65)),
    "black": ((0.0, 1.0), (0.0, 0.20), (0.10, 0.22)),
}

COLOR_NAMES: tuple[str, ...] = tuple(_RANGES)

_TABLE = np.array([np.ravel(ranges) for ranges in _RANGES.values()], dtype=np.float32)


def hsv_to_rgb(hue: Floats, saturation: Floats, value: Floats) -> Floats:
    r"""Convert colours from HSV to RGB.

    :math:`C = V - V S \max(0, \min(k, 4 - k, 1))` with :math:`k = (o + 6H) \bmod 6` and the offsets
    :math:`o = 5, 3, 1` for red, green and blue; inputs in ``[0, 1]``, except that the hue wraps.

    Returns
    -------
    ndarray
        RGB on a new first axis, float32 in ``[0, 1]``.

    Examples
    --------
    >>> one = np.ones(1, dtype=np.float32)
    >>> hsv_to_rgb(one * 0, one, one).ravel().tolist()
    [1.0, 0.0, 0.0]
    """
    channels = []
    for offset in (5.0, 3.0, 1.0):
        k = (offset + 6 * hue) % 6
        channels.append(value - value * saturation * np.clip(np.minimum(k, 4 - k), 0, 1))
    return np.stack(channels).astype(np.float32, copy=False)


def hsv_color(
    draws: Draws,
    hue: tuple[float, float],
    saturation: tuple[float, float],
    value: tuple[float, float],
) -> Floats:
    """One random colour per picture, uniform in an HSV range: float32 ``(3, n, 1, 1)``."""
    return hsv_to_rgb(draws.uniform(*hue), draws.uniform(*saturation), draws.uniform(*value))


def named_color(draws: Draws, names: Ints) -> Floats:
    """One random shade per picture of the colours ``COLOR_NAMES[names]``: ``(3, n, 1, 1)``.

    ``names`` is an int64 array of shape ``(n, 1, 1)``.
    """
    low, high = _TABLE[names][..., 0::2], _TABLE[names][..., 1::2]
    hsv = low + (high - low) * draws.rng.random((draws.n, 1, 1, 3)).astype(np.float32)
    return hsv_to_rgb(hsv[..., 0], hsv[..., 1], hsv[..., 2])


def weights_of(weights: Mapping[str, float]) -> list[float]:
    """Weights by colour name as a list in the order of ``COLOR_NAMES``; others get zero."""
    return [weights.get(name, 0.0) for name in COLOR_NAMES]
