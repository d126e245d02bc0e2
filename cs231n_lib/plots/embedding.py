"""Points of an embedding such as t-SNE, as coloured dots or as the images themselves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import ArrayLike, NDArray

from cs231n_lib.plots.pixels import as_images, label_texts
from cs231n_lib.plots.style import one_axes, series_colors, styled

__all__ = ["plot_embedding"]

_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*", "<", ">")


@styled
def plot_embedding(
    points: ArrayLike,
    labels: Sequence[Any] | NDArray[Any] | None = None,
    *,
    images: ArrayLike | None = None,
    class_names: Sequence[str] | None = None,
    thumbnail: float = 0.035,
    size: float = 7.0,
    title: str | None = None,
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Plot points of the plane, coloured by class, or as thumbnails of their images.

    Of thumbnails that would cover each other the first is drawn; the rest stay dots, so that the
    shape of the clusters remains.

    Parameters
    ----------
    points : (N, 2) array_like
        Where the examples are, for example by t-SNE.
    labels : (N,) sequence, optional
        Classes: texts, or whole numbers together with `class_names`. Each has its own colour and
        marker, or frame.
    images : array_like, optional
        N images, as :func:`show_images` takes them.
    class_names : sequence of str, optional
        Names of the labels.
    thumbnail : float
        Width of a thumbnail, in parts of the width of the plot.
    size : float
        Width of the figure in inches; its height follows from the points.
    title : str, optional
        Title of the plot.
    ax : Axes, optional
        Draw there instead of in a new figure.

    Returns
    -------
    Figure, Axes

    Raises
    ------
    ValueError
        For shapes that do not match.
    """
    places = np.asarray(points, dtype=np.float64)
    if places.ndim != 2 or places.shape[1] != 2 or len(places) == 0:
        raise ValueError(f"points must have shape (N, 2), got {places.shape}")
    texts = [""] * len(places)
    if labels is not None:
        texts = label_texts(labels, class_names, len(places))
    known = [name for name in class_names or () if name in set(texts)]
    names = list(dict.fromkeys([*known, *texts]))
    colors = dict(zip(names, series_colors(len(names)), strict=True))
    low, high = places.min(axis=0), places.max(axis=0)
    span = float((high - low).max()) or 1.0
    ratio = float(np.clip((high[1] - low[1]) / max(high[0] - low[0], 1e-12), 0.4, 1.6))
    figure, axes = one_axes(ax, size, size * ratio)
    for i, name in enumerate(names):
        chosen = np.array([text == name for text in texts])
        axes.scatter(
            places[chosen, 0],
            places[chosen, 1],
            s=22 if images is None else 12,
            color=colors[name],
            marker=_MARKERS[i % len(_MARKERS)],
            alpha=0.85 if images is None else 0.55,
            linewidths=0,
            label=name,
        )
    if images is not None:
        pictures = as_images(images)
        if len(pictures) != len(places):
            raise ValueError(f"there are {len(pictures)} images for {len(places)} points")
        width = thumbnail * span * 1.08
        for i in _apart(places, width):
            _draw(axes, pictures[i], places[i], width, colors[texts[i]] if texts[i] else None)
    margin = span * (0.04 + (thumbnail / 2 if images is not None else 0))
    axes.set_xlim(low[0] - margin, high[0] + margin)
    axes.set_ylim(low[1] - margin, high[1] + margin)
    axes.set_aspect("equal")
    axes.set_xticks([])
    axes.set_yticks([])
    for side in axes.spines.values():
        side.set_visible(False)
    if any(names):
        figure.legend(loc="outside right upper", markerscale=1.8)
    if title:
        axes.set_title(title)
    return figure, axes


def _apart(places: NDArray[np.float64], width: float) -> list[int]:
    """Return the points, first come first served, whose squares do not cover each other."""
    kept: list[int] = []
    for i, place in enumerate(places):
        if not kept or (np.abs(places[kept] - place).max(axis=1) >= width).all():
            kept.append(i)
    return kept


def _draw(
    axes: Axes, picture: NDArray[np.float32], place: Any, width: float, color: str | None
) -> None:
    tall = width * picture.shape[0] / picture.shape[1]
    x, y = place[0] - width / 2, place[1] - tall / 2
    axes.imshow(picture, extent=(x, x + width, y, y + tall), interpolation="auto", zorder=3)
    if color is not None:
        frame = Rectangle((x, y), width, tall, fill=False, edgecolor=color, linewidth=1.8, zorder=4)
        axes.add_patch(frame)
