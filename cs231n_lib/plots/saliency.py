"""Saliency over images: which pixels matter to a network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from cs231n_lib.plots.canvas import Sheet
from cs231n_lib.plots.pixels import as_images, label_texts
from cs231n_lib.plots.style import styled

__all__ = ["show_saliency"]


@styled
def show_saliency(
    images: ArrayLike,
    saliency: ArrayLike,
    labels: Sequence[Any] | NDArray[Any] | None = None,
    *,
    class_names: Sequence[str] | None = None,
    overlay: bool = True,
    inch: float = 1.5,
    title: str | None = None,
) -> tuple[Figure, Axes]:
    """Show images above their saliency maps, and above both together.

    Parameters
    ----------
    images : array_like
        N images, as :func:`show_images` takes them.
    saliency : (N, H, W) array_like
        How much each pixel matters, for example the absolute gradient; each map is scaled to its
        own 99.5th percentile.
    labels : (N,) sequence, optional
        Written above the images: texts, or whole numbers together with `class_names`.
    class_names : sequence of str, optional
        Names of the labels.
    overlay : bool
        Whether to add a row with the map over the pale image.
    inch : float
        Width of an image.
    title : str, optional
        Title of the figure.

    Returns
    -------
    Figure, Axes

    Raises
    ------
    ValueError
        For shapes that do not match.
    """
    pictures = as_images(images)
    maps = np.asarray(saliency, dtype=np.float64)
    if maps.shape != pictures.shape[:3]:
        raise ValueError(f"saliency must have shape {pictures.shape[:3]}, got {maps.shape}")
    low = maps.min(axis=(1, 2), keepdims=True)
    high = np.percentile(maps, 99.5, axis=(1, 2), keepdims=True)
    heat = np.clip((maps - low) / np.where(high > low, high - low, 1.0), 0, 1)
    colored = colormaps["inferno"](heat)[..., :3].astype(np.float32)
    rows, names = [pictures, colored], ["image", "saliency"]
    if overlay:
        # A pale grey image, with the colours of the map where it is strong.
        pale = 0.45 + 0.5 * pictures.mean(axis=3, keepdims=True)
        share = 0.9 * heat[..., None].astype(np.float32) ** 0.6
        rows.append(((1 - share) * pale + share * colored).astype(np.float32))
        names.append("both")
    sheet = Sheet(
        np.concatenate(rows),
        len(pictures),
        inch=inch,
        heading=labels is not None,
        left=0.75,
        title=title,
    )
    if labels is not None:
        for i, text in enumerate(label_texts(labels, class_names, len(pictures))):
            sheet.column_name(i, text)
    for row, name in enumerate(names):
        sheet.row_name(row, name)
    return sheet.figure, sheet.axes
