"""The canvas: transparent layers on which the parts of an object are painted, anti-aliased."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cs231n_lib.scenes.draws import Draws, Floats
from cs231n_lib.scenes.sdf import Number

__all__ = ["Canvas", "Pattern", "Pose", "grid"]


def grid(size: int) -> tuple[Floats, Floats]:
    """Pixel centres of a square image in ``[-1, 1]``: x ``(1, 1, size)`` and y ``(1, size, 1)``."""
    centres = ((2 * np.arange(size) + 1 - size) / size).astype(np.float32)
    return centres[None, None, :], centres[None, :, None]


@dataclass(frozen=True)
class Pose:
    """Where objects stand: one value per picture, each of shape ``(n, 1, 1)``.

    Attributes
    ----------
    cx, cy : ndarray
        Centre in image coordinates, ``[-1, 1]`` with y down.
    scale : ndarray
        Half the object's extent in image coordinates: the object's own coordinates reach from about
        -1 to 1.
    cos, sin : ndarray
        Rotation.
    mirror : ndarray
        -1 where the object looks the other way, else 1.
    """

    cx: Floats
    cy: Floats
    scale: Floats
    cos: Floats
    sin: Floats
    mirror: Floats


class Canvas:
    """Transparent RGBA layers, one per picture, in the coordinates of the object to be painted.

    Colours are premultiplied by coverage, so that painting ``part`` over what is there is
    ``layer * (1 - alpha) + alpha * part`` in all four channels.

    Parameters
    ----------
    pose : Pose
        Where each object stands.
    size : int
        Height and width in pixels.

    Attributes
    ----------
    x, y : ndarray
        Object coordinates of the pixel centres, ``(n, size, size)``.
    layers : ndarray
        Red, green, blue and coverage, float32 ``(4, n, size, size)``.
    """

    def __init__(self, pose: Pose, size: int) -> None:
        u, v = grid(size)
        u, v = u - pose.cx, v - pose.cy
        self.x: Floats = (u * pose.cos + v * pose.sin) * (pose.mirror / pose.scale)
        self.y: Floats = (v * pose.cos - u * pose.sin) * (1 / pose.scale)
        self.layers: Floats = np.zeros((4, *self.x.shape), dtype=np.float32)
        self._pixels_per_unit = pose.scale * np.float32(size / 2)

    def coverage(self, distance: Floats) -> Floats:
        """Share of each pixel inside a shape, in ``[0, 1]``: its edge is one pixel wide."""
        alpha = distance * -self._pixels_per_unit
        alpha += np.float32(0.5)
        return np.clip(alpha, 0, 1, out=alpha)

    def fill(
        self,
        distance: Floats,
        color: Floats,
        *,
        opacity: Number = 1.0,
        relief: float = 0.0,
        depth: float = 0.3,
    ) -> None:
        """Paint a shape given by its signed distance over what is there.

        Parameters
        ----------
        distance : ndarray
            Signed distance of each pixel, ``(n, size, size)``.
        color : ndarray
            RGB in ``[0, 1]``: one colour per picture ``(3, n, 1, 1)`` or planes
            ``(3, n, size, size)``.
        opacity : float or ndarray, default 1
            Multiplies the coverage; an array gives one value per picture.
        relief : float, default 0
            How much darker the colour becomes towards the edge, which makes the part look round.
        depth : float, default 0.3
            Width of the darker rim, in object units.
        """
        alpha = self.coverage(distance)
        if not isinstance(opacity, float) or opacity != 1.0:
            alpha *= opacity
        self.layers *= 1 - alpha
        self.layers[3] += alpha
        if relief:
            rim = distance * np.float32(1 / depth)
            rim += 1
            np.clip(rim, 0, 1, out=rim)
            rim *= rim
            alpha -= alpha * (rim * np.float32(relief))
        for layer, channel in zip(self.layers[:3], color, strict=True):
            layer += alpha * channel

    def shadow(self, cx: Number, cy: Number, rx: Number, ry: Number, opacity: Number) -> None:
        """Lay a soft dark ellipse, such as the shadow at an object's foot."""
        dx, dy = (self.x - cx) / rx, (self.y - cy) / ry
        alpha = np.maximum(1 - (dx * dx + dy * dy), 0) * opacity
        self.layers *= 1 - alpha
        self.layers[3] += alpha

    def light(self, draws: Draws, strength: float) -> None:
        """Make one side of each object brighter, the other darker, in a random direction."""
        slope_x, slope_y = draws.uniform(-strength, strength), draws.uniform(-strength, strength)
        shade = self.x * slope_x
        shade += self.y * slope_y
        shade += 1
        np.clip(shade, 0.35, 1.6, out=shade)
        self.layers[:3] *= shade
        np.minimum(self.layers[:3], self.layers[3], out=self.layers[:3])

    def over(self, background: Floats) -> Floats:
        """Composite the layers over RGB planes ``(3, n, size, size)``, in place."""
        background *= 1 - self.layers[3]
        background += self.layers[:3]
        return background


class Pattern:
    r"""A surface pattern per picture: plain, stripes, bands, checks or dots.

    All are one formula, thresholded, over triangle waves :math:`w` along two axes:
    :math:`a\,w_x + b\,w_y + c\,w_x w_y > t`.

    Parameters
    ----------
    draws : Draws
        Picks a pattern, its frequency and its phase for each picture.
    weights : tuple of float
        Weights of plain, stripes, bands, checks and dots.
    """

    _KINDS = np.array(
        # a, b, c and a threshold that leaves the first colour at least two thirds of the surface
        [[0, 0, 0, 9], [1, 0, 0, 0.35], [0, 1, 0, 0.35], [0, 0, 1, 0.12], [1, 1, 0, 0.9]],
        dtype=np.float32,
    )

    def __init__(self, draws: Draws, weights: tuple[float, float, float, float, float]) -> None:
        kinds = self._KINDS[draws.choice(weights)]
        self._a, self._b, self._c, self._threshold = (kinds[..., i] for i in range(4))
        self._frequency = draws.uniform(0.9, 1.7)
        self._phase = draws.uniform(0, 1), draws.uniform(0, 1)

    def mix(self, canvas: Canvas, color: Floats, second: Floats) -> Floats:
        """Give planes ``(3, n, H, W)`` of ``color`` with the pattern in ``second`` on it."""
        wave_x = self._wave(canvas.x, self._phase[0])
        wave_y = self._wave(canvas.y, self._phase[1])
        value = wave_x * (self._a + self._c * wave_y) + self._b * wave_y
        value -= self._threshold
        value *= 3
        value += np.float32(0.5)
        np.clip(value, 0, 1, out=value)
        mixed: Floats = value * (second - color) + color
        return mixed

    def _wave(self, along: Floats, phase: Floats) -> Floats:
        """Compute a triangle wave in ``[-1, 1]``."""
        t = along * self._frequency
        t += phase
        t -= np.floor(t)
        t -= np.float32(0.5)
        np.abs(t, out=t)
        t *= 4
        t -= 1
        return t
