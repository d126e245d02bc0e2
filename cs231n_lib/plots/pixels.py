"""Turn arrays of images, of weights and of labels into something that can be drawn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["as_images", "label_texts", "rescaled"]


def as_images(images: object, name: str = "images") -> NDArray[np.float32]:
    """Return images as float32 (N, H, W, 3) with values 0 to 1.

    Parameters
    ----------
    images : array_like
        (N, H, W, 3) or (N, H, W) for grey; (N, 3, H, W) as layers have them; or (N, D) rows of
        square RGB images. Pixel values are 0 to 255, or 0 to 1 in floating point.
    name : str
        What to call them in messages.

    Raises
    ------
    ValueError
        If the shape is another, or values are out of range.
    """
    array = np.asarray(images)
    if array.dtype.kind not in "biuf":
        raise ValueError(f"{name} must be an array of pixel values, got dtype {array.dtype}")
    array = _channels_last(array, name)
    if array.size == 0:
        raise ValueError(f"{name} is empty (shape {array.shape}), expected at least one image")
    low, high = float(array.min()), float(array.max())
    if not (low >= 0 and high <= 255):
        raise ValueError(
            f"{name} must have pixel values between 0 and 255, got values from {low:.4g} to "
            f"{high:.4g}: add the mean image again, or rescale them for display"
        )
    scale = 1.0 if array.dtype.kind == "b" or (array.dtype.kind == "f" and high <= 1) else 255.0
    return array.astype(np.float32) / np.float32(scale)


def rescaled(images: NDArray[Any], *, symmetric: bool = False) -> NDArray[np.float32]:
    """Stretch each image to the whole range 0 to 1, as one does to look at weights.

    Parameters
    ----------
    images : (N, ...) array
        Any values.
    symmetric : bool
        Keep zero at 0.5: sign stays visible as brighter or darker than grey.
    """
    values = np.asarray(images, dtype=np.float64)
    over = tuple(range(1, values.ndim))
    if symmetric:
        largest = np.abs(values).max(axis=over, keepdims=True)
        low, span = -largest, 2 * largest
    else:
        low = values.min(axis=over, keepdims=True)
        span = values.max(axis=over, keepdims=True) - low
    flat = span == 0
    return np.where(flat, 0.5, (values - low) / np.where(flat, 1.0, span)).astype(np.float32)


def label_texts(
    labels: object, class_names: Sequence[str] | None, number: int, name: str = "labels"
) -> list[str]:
    """Return `number` texts for labels: class names for whole numbers, else the labels as they are.

    Raises
    ------
    ValueError
        If there are more or fewer labels, or a label has no class name.
    """
    values: list[Any] = [labels] if isinstance(labels, str) else list(np.asarray(labels).ravel())
    if len(values) != number:
        raise ValueError(f"{name} has {len(values)} entries for {number} images")
    if class_names is None or not all(isinstance(v, (int, np.integer)) for v in values):
        return [str(v) for v in values]
    for value in values:
        if not 0 <= value < len(class_names):
            raise ValueError(
                f"{name} has the label {value}, but there are {len(class_names)} names"
            )
    return [class_names[int(v)] for v in values]


def _channels_last(array: NDArray[Any], name: str) -> NDArray[Any]:
    if array.ndim == 2:
        side = round((array.shape[1] / 3) ** 0.5)
        if array.shape[1] == 3 * side * side and side > 0:
            return array.reshape(-1, side, side, 3)
    if array.ndim == 3:
        return np.repeat(array[..., None], 3, axis=3)
    if array.ndim == 4 and array.shape[3] in (1, 3):
        return np.broadcast_to(array, (*array.shape[:3], 3))
    if array.ndim == 4 and array.shape[1] in (1, 3):
        last = array.transpose(0, 2, 3, 1)
        return np.broadcast_to(last, (*last.shape[:3], 3))
    raise ValueError(
        f"{name} must have shape (N, H, W, 3), (N, H, W), (N, 3, H, W) or (N, D) with D = 3·H·H, "
        f"got {array.shape}"
    )
