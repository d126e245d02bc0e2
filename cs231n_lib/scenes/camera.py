"""The camera: uneven light, exposure, saturation, white balance and sensor noise."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cs231n_lib.scenes.canvas import grid
from cs231n_lib.scenes.draws import Draws, Floats

__all__ = ["Camera"]


@dataclass(frozen=True)
class Camera:
    """How much the conditions of a photograph vary from picture to picture.

    These are what makes the distance between pixels a poor measure of likeness: two pictures of the
    same thing differ in every pixel by more than two things in the same light. A template can be
    blind to them, for they lie in few directions of pixel space.

    Attributes
    ----------
    exposure : tuple of float
        From-to of the factor on all pixels.
    contrast : tuple of float
        From-to of the factor on the deviation from mid-grey.
    saturation : tuple of float
        From-to of the factor on the deviation from grey, cut off at 1.
    balance : float
        Largest relative deviation of one colour channel.
    slope : float
        Largest relative change of the light from the centre to an edge.
    noise : float
        Largest sensor noise, half the width of its triangular distribution in units of full scale.
    """

    exposure: tuple[float, float]
    contrast: tuple[float, float]
    saturation: tuple[float, float]
    balance: float
    slope: float
    noise: float

    def photograph(self, image: Floats, draws: Draws) -> NDArray[np.uint8]:
        """Turn RGB planes ``(3, n, H, W)``, which it overwrites, into uint8 ``(n, H, W, 3)``."""
        u, v = grid(image.shape[-1])
        light = u * draws.uniform(-self.slope, self.slope)
        light = 1 + light + v * draws.uniform(-self.slope, self.slope)
        light *= draws.uniform(*self.exposure)
        contrast = draws.uniform(*self.contrast)
        saturation = np.minimum(draws.uniform(*self.saturation), 1)
        grey = (image[0] + image[1] + image[2]) * np.float32(1 / 3)
        noise_level = draws.uniform(0, self.noise)
        pixels = np.empty((*image.shape[1:], 3), dtype=np.uint8)
        for channel, plane in enumerate(image):
            plane -= grey
            plane *= saturation
            plane += grey
            plane -= np.float32(0.5)
            plane *= contrast
            plane += np.float32(0.5)
            plane *= light * (1 + draws.uniform(-self.balance, self.balance))
            noise = draws.rng.random(plane.shape, dtype=np.float32)
            noise -= draws.rng.random(plane.shape, dtype=np.float32)
            noise *= noise_level
            plane += noise
            pixels[..., channel] = _expose(plane)
        return pixels


def _expose(plane: Floats) -> Floats:
    """Compress highlights as film does, and scale to ``[0, 255]``, ready to be truncated."""
    excess = np.maximum(plane - np.float32(0.75), 0)
    excess /= 1 + 4 * excess
    np.clip(plane, 0, 0.75, out=plane)
    plane += excess
    plane *= 255
    plane += np.float32(0.5)
    return plane
