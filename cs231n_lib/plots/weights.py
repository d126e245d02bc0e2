"""Weights as images: templates of a linear classifier, filters of a convolution."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from cs231n_lib.plots.canvas import Sheet
from cs231n_lib.plots.pixels import rescaled
from cs231n_lib.plots.style import styled

__all__ = ["show_filters", "show_templates"]


@styled
def show_templates(
    W: ArrayLike,
    class_names: Sequence[str],
    image_shape: tuple[int, int, int] = (32, 32, 3),
    *,
    columns: int = 5,
    inch: float = 1.1,
    title: str | None = None,
) -> tuple[Figure, Axes]:
    """Show the weights of a linear classifier as images: what each class looks for.

    Every template is stretched to the whole range of brightness by itself.

    Parameters
    ----------
    W : (D, C) array_like
        Weights, one column per class, without a bias row.
    class_names : sequence of C str
        Names of the classes.
    image_shape : (H, W, 3)
        Shape of the images before they were flattened, so that D = 3·H·W.
    columns : int
        Templates in a row.
    inch : float
        Width of a template.
    title : str, optional
        Title of the figure.

    Returns
    -------
    Figure, Axes

    Raises
    ------
    ValueError
        If the shapes do not match; a bias row is named as such.
    """
    weights = np.asarray(W, dtype=np.float64)
    size = int(np.prod(image_shape))
    if weights.shape != (size, len(class_names)):
        hint = ": pass W[:-1], without the bias row" if weights.shape[:1] == (size + 1,) else ""
        raise ValueError(
            f"W must have shape {(size, len(class_names))}, one column of {size} weights per "
            f"class name, got {weights.shape}{hint}"
        )
    templates = rescaled(weights.T.reshape(-1, *image_shape))
    sheet = Sheet(templates, columns, inch=inch, lines=1, title=title)
    for i, name in enumerate(class_names):
        sheet.caption(i, name)
    return sheet.figure, sheet.axes


@styled
def show_filters(
    w: ArrayLike,
    *,
    columns: int | None = None,
    inch: float = 0.6,
    title: str | None = None,
) -> tuple[Figure, Axes]:
    """Show the filters of a convolution as images, zero in the middle of the brightness.

    Parameters
    ----------
    w : (F, C, HH, WW) array_like
        Filters. With C = 3 they are shown in colour, else the F·C slices in grey, a row per filter.
    columns : int, optional
        Images in a row; by default about a square, or C.
    inch : float
        Width of a filter.
    title : str, optional
        Title of the figure.

    Returns
    -------
    Figure, Axes

    Raises
    ------
    ValueError
        If `w` has another shape.
    """
    filters = np.asarray(w, dtype=np.float64)
    if filters.ndim != 4 or filters.size == 0:
        raise ValueError(f"w must have shape (F, C, HH, WW), got {filters.shape}")
    number, channels = filters.shape[:2]
    if channels == 3:
        pictures = rescaled(filters.transpose(0, 2, 3, 1), symmetric=True)
        columns = round(np.ceil(number**0.5)) if columns is None else columns
    else:
        # One scale for all slices of a filter: their relative strength is what there is to see.
        grey = rescaled(filters, symmetric=True).reshape(-1, *filters.shape[2:])
        pictures = np.repeat(grey[..., None], 3, axis=3)
        columns = channels if columns is None else columns
    sheet = Sheet(pictures, min(columns, len(pictures)), inch=inch, title=title)
    return sheet.figure, sheet.axes
