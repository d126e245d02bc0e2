"""Functions of the plane: paths of optimisers over a loss, decision regions of a classifier."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, to_rgb
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from cs231n_lib.plots.style import INK, one_axes, series_colors, styled

__all__ = ["plot_decision_regions", "plot_trajectories"]

_PALE = ListedColormap([(1 - 0.15 * t, 1 - 0.11 * t, 1 - 0.07 * t) for t in np.linspace(0, 1, 64)])
_MARKERS = ("o", "s", "^", "D", "v", "P", "X", "*")


@styled
def plot_trajectories(
    f: Callable[[NDArray[np.float64], NDArray[np.float64]], Any],
    paths: Mapping[str, ArrayLike],
    *,
    minimum: tuple[float, float] | None = None,
    limits: tuple[tuple[float, float], tuple[float, float]] | None = None,
    levels: int = 24,
    title: str | None = None,
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Plot the paths of optimisers over the contours of the function they minimise.

    A ring marks where each starts, a dot where it ends. Contours are spaced evenly in the logarithm
    of the height above the lowest point, so that ravines show.

    Parameters
    ----------
    f : callable
        ``f(x, y)`` for arrays of coordinates.
    paths : dict from label to (T, 2) array_like
        The points visited. A path is drawn as far as it stays finite.
    minimum : (float, float), optional
        Where to mark the minimum with a star.
    limits : ((float, float), (float, float)), optional
        Ranges of x and y; by default those of the paths, with a margin.
    levels : int
        Number of contours.
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
        If there is no path, or one has another shape.
    """
    points = {str(label): np.asarray(path, dtype=np.float64) for label, path in paths.items()}
    for label, path in points.items():
        if path.ndim != 2 or path.shape[1] != 2 or not np.isfinite(path[:1]).all():
            raise ValueError(
                f"paths[{label!r}] must have shape (T, 2) and start at a finite point, "
                f"got {path.shape}"
            )
    if not points:
        raise ValueError("paths is empty, expected at least one")
    (x0, x1), (y0, y1) = _limits(points, minimum) if limits is None else limits
    x, y = np.meshgrid(np.linspace(x0, x1, 240), np.linspace(y0, y1, 240))
    heights = np.asarray(f(x, y), dtype=np.float64)
    above = heights - np.nanmin(heights)
    figure, axes = one_axes(ax, 6.4, 4.6)
    # Three decades: what lies lower is one flat spot around the minimum.
    depth = np.log10(above + max(1e-3 * float(np.nanmax(above)), np.finfo(float).tiny))
    axes.contourf(x, y, depth, levels=levels, cmap=_PALE)
    axes.contour(x, y, depth, levels=levels, colors="#B9C4CC", linewidths=0.6, linestyles="solid")
    for (label, path), color in zip(points.items(), series_colors(len(points)), strict=True):
        finite = np.isfinite(path).all(axis=1)
        last = len(path) if finite.all() else int(finite.argmin())
        size = 3.2 if last <= 60 else 0
        axes.plot(
            path[:last, 0],
            path[:last, 1],
            "o-",
            color=color,
            markersize=size,
            linewidth=1.6,
            label=label,
        )
        axes.plot(
            *path[0], "o", color="white", markeredgecolor=color, markeredgewidth=1.6, markersize=8
        )
        axes.plot(*path[last - 1], "o", color=color, markeredgecolor="white", markersize=8)
    if minimum is not None:
        axes.plot(*minimum, "*", color=INK, markersize=14, label="minimum", linestyle="none")
    axes.set_xlim(x0, x1)
    axes.set_ylim(y0, y1)
    axes.legend(frameon=True, framealpha=0.9, edgecolor="none")
    if title:
        axes.set_title(title)
    return figure, axes


@styled
def plot_decision_regions(
    predict: Callable[[NDArray[np.float64]], ArrayLike],
    X: ArrayLike,
    y: ArrayLike,
    *,
    class_names: Sequence[str] | None = None,
    resolution: int = 240,
    title: str | None = None,
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Plot what a classifier says everywhere in the plane, with the points it learned from.

    Classes have their own colour and marker; points on the wrong side are ringed in black.

    Parameters
    ----------
    predict : callable
        Takes (M, 2) points and returns (M,) labels, or (M, C) scores, of which the largest counts.
    X : (N, 2) array_like
        Points.
    y : (N,) int array_like
        Their labels, from 0.
    class_names : sequence of str, optional
        Names of the labels, for a legend.
    resolution : int
        Points along each axis at which `predict` is asked.
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
        For other shapes.
    """
    points, labels = np.asarray(X, dtype=np.float64), np.asarray(y)
    if points.ndim != 2 or points.shape[1] != 2 or labels.shape != points.shape[:1]:
        raise ValueError(
            f"X and y must have shapes (N, 2) and (N,), got {points.shape}, {labels.shape}"
        )
    if labels.dtype.kind not in "iu" or labels.size == 0 or labels.min() < 0:
        raise ValueError("y must hold whole numbers from 0, at least one")
    (x0, x1), (y0, y1) = _limits({"": points}, None)
    x, height = np.meshgrid(np.linspace(x0, x1, resolution), np.linspace(y0, y1, resolution))
    regions = _labels(predict, np.stack([x.ravel(), height.ravel()], axis=1))
    number = int(max(labels.max(), regions.max())) + 1
    colors = list(series_colors(number))
    pale = ListedColormap([tuple(0.7 + 0.3 * np.array(to_rgb(color))) for color in colors])
    figure, axes = one_axes(ax, 5.6, 4.6)
    axes.imshow(
        regions.reshape(x.shape),
        extent=(x0, x1, y0, y1),
        origin="lower",
        cmap=pale,
        vmin=-0.5,
        vmax=number - 0.5,
        aspect="auto",
        interpolation="nearest",
    )
    wrong = _labels(predict, points) != labels
    for label in range(number):
        chosen = labels == label
        axes.scatter(
            points[chosen, 0],
            points[chosen, 1],
            s=26,
            color=colors[label],
            marker=_MARKERS[label % len(_MARKERS)],
            edgecolors=["black" if w else "white" for w in wrong[chosen]],
            linewidths=[1.3 if w else 0.5 for w in wrong[chosen]],
            label=class_names[label] if class_names is not None else str(label),
            zorder=3,
        )
    axes.set_xlim(x0, x1)
    axes.set_ylim(y0, y1)
    axes.legend(frameon=True, framealpha=0.9, edgecolor="none")
    if title:
        axes.set_title(title)
    return figure, axes


def _labels(
    predict: Callable[[NDArray[np.float64]], ArrayLike], points: NDArray[np.float64]
) -> NDArray[np.intp]:
    said = np.asarray(predict(points))
    if said.ndim == 2 and len(said) == len(points):
        said = said.argmax(axis=1)
    if said.shape != (len(points),):
        raise ValueError(
            f"predict must return ({len(points)},) labels or ({len(points)}, C) scores, "
            f"got shape {said.shape}"
        )
    return said.astype(np.intp)


def _limits(
    paths: Mapping[str, NDArray[np.float64]], also: tuple[float, float] | None
) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return the ranges of all finite points, with a margin; paths that blow up are cut off."""
    every = np.concatenate([path[np.isfinite(path).all(axis=1)] for path in paths.values()])
    if also is not None:
        every = np.concatenate([every, np.array([also])])
    low, high = (
        np.percentile(every, [1, 99], axis=0) if len(every) > 200 else (every.min(0), every.max(0))
    )
    margin = 0.12 * np.where(high > low, high - low, 1.0)
    (x0, y0), (x1, y1) = low - margin, high + margin
    return (float(x0), float(x1)), (float(y0), float(y1))
