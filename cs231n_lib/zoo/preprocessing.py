"""From photographs to what a network takes, and back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from cs231n_lib.photographs import resize
from cs231n_lib.zoo._planes import FloatArray

__all__ = ["Preprocessing"]


@dataclass(frozen=True)
class Preprocessing:
    """How a network's training scaled and normalised its images.

    Parameters
    ----------
    size
        Height and width at which the network was trained.
    crop_fraction
        How much of a photograph's height (or width, whichever is less) is used when testing.
    mean, std
        Of red, green and blue, for pixel values 0 to 255.
    """

    size: int
    crop_fraction: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]

    def preprocess(
        self, images: npt.ArrayLike, *, size: int | tuple[int, int] | None = None
    ) -> FloatArray:
        """Cut out, scale and normalise photographs: ``(pixel - mean) / std``.

        Parameters
        ----------
        images
            ``(H, W, 3)`` or ``(N, H, W, 3)``, values 0 to 255.
        size
            Height and width of the result; what does not fit its proportions is cut off. None
            stands for the network's own test: a centred square of :attr:`crop_fraction` of the
            image, scaled to :attr:`size`.

        Returns
        -------
        array
            ``(N, 3, H, W)`` float32.

        Raises
        ------
        ValueError
            If the images have another shape.
        """
        pixels = np.asarray(images)
        if pixels.ndim not in (3, 4) or pixels.shape[-1] != 3:
            raise ValueError(
                f"expected photographs of shape (H, W, 3) or (N, H, W, 3), got {pixels.shape}"
            )
        pixels = pixels.reshape(-1, *pixels.shape[-3:])
        if pixels.dtype != np.uint8:
            pixels = pixels.astype(np.float32)
        if size is None:
            pixels = resize(pixels, self.size, crop_fraction=self.crop_fraction)
        else:
            pixels = resize(pixels, size)
        mean, std = np.array(self.mean, np.float32), np.array(self.std, np.float32)
        return np.ascontiguousarray(((pixels - mean) / std).transpose(0, 3, 1, 2))

    def deprocess(self, x: FloatArray) -> npt.NDArray[np.uint8]:
        """Return the photographs ``(N, H, W, 3)``, uint8, that an input stands for.

        Values outside 0 to 255 are clipped.

        Raises
        ------
        ValueError
            If `x` is not of shape ``(N, 3, H, W)``.
        """
        if np.ndim(x) != 4 or x.shape[1] != 3:
            raise ValueError(f"expected images of shape (N, 3, H, W), got {np.shape(x)}")
        pixels = x.transpose(0, 2, 3, 1) * np.array(self.std) + np.array(self.mean)
        rounded: npt.NDArray[np.uint8] = np.clip(np.rint(pixels), 0, 255).astype(np.uint8)
        return rounded

    def bounds(self) -> tuple[FloatArray, FloatArray]:
        """Return the inputs that stand for black and for white, each ``(1, 3, 1, 1)``.

        An image that is optimised is clipped between them.
        """
        mean, std = np.array(self.mean, np.float32), np.array(self.std, np.float32)
        black, white = (0 - mean) / std, (255 - mean) / std
        return black.reshape(1, 3, 1, 1), white.reshape(1, 3, 1, 1)
