"""Photographs and drawn styles to try networks on, and the resizing that goes with them."""

from __future__ import annotations

from typing import Any

import imageio.v3 as iio
import numpy as np
import numpy.typing as npt

from cs231n_lib.paths import data_file, data_folder

__all__ = ["list_photographs", "load_photograph", "resize"]

_FOLDER = "photographs"


def list_photographs() -> tuple[str, ...]:
    """Return the names of all pictures, in alphabetical order.

    ``data/photographs/README.md`` has the origin and the licence of each.

    Examples
    --------
    >>> "chelsea" in list_photographs()
    True
    """
    return tuple(sorted(path.stem for path in (data_folder() / _FOLDER).glob("*.jpg")))


def load_photograph(name: str, size: int | tuple[int, int] | None = None) -> npt.NDArray[np.uint8]:
    """Return a picture as ``(H, W, 3)`` uint8.

    Parameters
    ----------
    name
        One of :func:`list_photographs`.
    size
        Height and width, or one number for a square; the picture is then :func:`resize`-d, without
        distortion: what does not fit is cut off evenly on both sides. None keeps its own size.

    Raises
    ------
    ValueError
        If there is no such picture or the size is not positive.

    Examples
    --------
    >>> load_photograph("chelsea", size=(120, 160)).shape
    (120, 160, 3)
    """
    if name not in list_photographs():
        raise ValueError(
            f"there is no photograph called {name!r}, expected one of "
            f"{', '.join(list_photographs())}"
        )
    image = iio.imread(data_file(f"{_FOLDER}/{name}.jpg"))
    if image.ndim == 2:
        image = np.repeat(image[:, :, None], 3, axis=2)
    picture: npt.NDArray[np.uint8] = image if size is None else resize(image, size)
    return picture


def resize(
    images: npt.NDArray[Any], size: int | tuple[int, int], *, crop_fraction: float = 1.0
) -> npt.NDArray[Any]:
    """Scale images to a size by bicubic interpolation, without aliasing and without distortion.

    First the largest centred part with the wanted proportions is taken, then it is scaled. When an
    image gets smaller the kernel is widened accordingly, so that every pixel counts (as Pillow
    does; Keys, "Cubic convolution interpolation for digital image processing", 1981, with
    a = -1/2).

    Parameters
    ----------
    images
        ``(H, W, C)`` or ``(N, H, W, C)``, uint8 or floating point.
    size
        Height and width, or one number for a square.
    crop_fraction
        Take only so much of that part in each direction, from the centre.

    Returns
    -------
    array
        Of the same number of axes and dtype; uint8 is rounded and clipped to 0..255.

    Raises
    ------
    TypeError
        If the images are neither uint8 nor floating point.
    ValueError
        If the images have another number of axes or the size is not positive.

    Examples
    --------
    >>> resize(np.full((30, 50, 3), 7, np.uint8), 20)[0, 0]
    array([7, 7, 7], dtype=uint8)
    """
    height, width = (size, size) if isinstance(size, int) else size
    if height < 1 or width < 1:
        raise ValueError(f"expected a positive size, got {size}")
    if not 0 < crop_fraction <= 1:
        raise ValueError(f"expected a crop_fraction above 0 and at most 1, got {crop_fraction}")
    images = np.asarray(images)
    if images.ndim not in (3, 4) or 0 in images.shape:
        raise ValueError(f"expected images of shape (H, W, C) or (N, H, W, C), got {images.shape}")
    if images.dtype != np.uint8 and not np.issubdtype(images.dtype, np.floating):
        raise TypeError(f"expected uint8 or floating-point images, got {images.dtype}")
    available = images.shape[-3], images.shape[-2]
    scale = min(available[0] / height, available[1] / width) * crop_fraction
    if scale == 1 and available == (height, width):
        return images.copy()
    dtype = np.float32 if images.dtype == np.uint8 else images.dtype
    down = _bicubic_matrix(available[0], height, scale).astype(dtype)
    across = _bicubic_matrix(available[1], width, scale).astype(dtype)
    result = np.einsum("...hwc,yh->...ywc", images.astype(dtype), down, optimize=True)
    result = np.einsum("...hwc,xw->...hxc", result, across, optimize=True)
    if images.dtype == np.uint8:
        result = np.clip(np.rint(result), 0, 255)
    resized: npt.NDArray[Any] = result.astype(images.dtype)
    return resized


def _bicubic_matrix(source: int, target: int, scale: float) -> npt.NDArray[np.float64]:
    """Return the weights ``(target, source)`` of scaling the centre of a line of pixels.

    `scale` is the number of source pixels per target pixel. Pixels outside do not count.
    """
    start = (source - target * scale) / 2
    centers = start + (np.arange(target) + 0.5) * scale
    distance = np.abs(np.arange(source) + 0.5 - centers[:, None]) / max(scale, 1.0)
    near = (1.5 * distance - 2.5) * distance**2 + 1
    far = ((-0.5 * distance + 2.5) * distance - 4) * distance + 2
    weights = np.where(distance < 1, near, np.where(distance < 2, far, 0.0))
    normalized: npt.NDArray[np.float64] = weights / weights.sum(axis=1, keepdims=True)
    return normalized
