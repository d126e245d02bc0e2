"""Plots for choosing: distances, cross-validation, hyper-parameter search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import ArrayLike

from cs231n_lib.plots.style import (
    COLORS,
    INK,
    MUTED,
    SEQUENTIAL,
    WRONG,
    new_figure,
    one_axes,
    styled,
)

__all__ = ["plot_cross_validation", "plot_distance_matrix", "plot_search"]


@styled
def plot_distance_matrix(
    dists: ArrayLike,
    *,
    xlabel: str = "training image",
    ylabel: str = "test image",
    title: str | None = None,
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Show a matrix of distances as an image, near dark and far bright.

    Parameters
    ----------
    dists : (num_test, num_train) array_like
        Distances.
    xlabel, ylabel, title : str
        Texts.
    ax : Axes, optional
        Draw there instead of in a new figure.

    Returns
    -------
    Figure, Axes

    Raises
    ------
    ValueError
        If `dists` is not a matrix.
    """
    matrix = np.asarray(dists, dtype=np.float64)
    if matrix.ndim != 2 or matrix.size == 0:
        raise ValueError(f"dists must have shape (num_test, num_train), got {matrix.shape}")
    height = 1.0 + 6.2 * min(0.75, max(0.3, matrix.shape[0] / matrix.shape[1]))
    figure, axes = one_axes(ax, 7.6, height)
    # The few very far images would take all the contrast.
    low, high = np.nanpercentile(matrix, [0.2, 99.8])
    picture = axes.imshow(
        matrix, cmap=SEQUENTIAL, aspect="auto", interpolation="auto", vmin=low, vmax=high
    )
    figure.colorbar(picture, ax=axes, label="distance", extend="both", pad=0.015, fraction=0.05)
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    if title:
        axes.set_title(title)
    return figure, axes


@styled
def plot_cross_validation(
    accuracies: Mapping[Any, Sequence[float]],
    *,
    xlabel: str = "k",
    ylabel: str = "validation accuracy",
    title: str | None = None,
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Plot the accuracies of cross-validation: every fold, their mean, and the best choice.

    Error bars are one standard deviation over the folds to either side.

    Parameters
    ----------
    accuracies : dict from choice to list of float
        For each value of the hyper-parameter, one accuracy per fold. Choices are spaced evenly, in
        the order of their values.
    xlabel, ylabel, title : str
        Texts.
    ax : Axes, optional
        Draw there instead of in a new figure.

    Returns
    -------
    Figure, Axes

    Raises
    ------
    ValueError
        If there is no choice, or one without accuracies.
    """
    choices = sorted(accuracies)
    if not choices or any(len(accuracies[choice]) == 0 for choice in choices):
        raise ValueError(
            "accuracies must have at least one choice, each with at least one accuracy"
        )
    folds = [np.asarray(accuracies[choice], dtype=np.float64) for choice in choices]
    means = np.array([values.mean() for values in folds])
    spread = np.array([values.std(ddof=1) if len(values) > 1 else 0.0 for values in folds])
    places = np.arange(len(choices))
    best = int(means.argmax())
    figure, axes = one_axes(ax, 6.4, 3.8)
    for place, values in zip(places, folds, strict=True):
        axes.scatter(
            np.full(len(values), place), values, s=22, color=COLORS[0], alpha=0.45, linewidths=0
        )
    axes.errorbar(
        places, means, yerr=spread, color=COLORS[0], capsize=4, elinewidth=1.4, label="mean ± std"
    )
    axes.plot(
        best,
        means[best],
        "*",
        color=WRONG,
        markersize=16,
        zorder=4,
        label=f"best {xlabel} = {choices[best]}: {means[best]:.1%} ± {spread[best]:.1%}",
    )
    axes.set_xticks(places, [str(choice) for choice in choices])
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    axes.grid(True, axis="y")
    axes.set_axisbelow(True)
    axes.legend()
    if title:
        axes.set_title(title)
    return figure, axes


@styled
def plot_search(
    results: Mapping[tuple[float, float], tuple[float, float]],
    *,
    xlabel: str = "learning rate",
    ylabel: str = "regularisation strength",
    title: str | None = None,
) -> tuple[Figure, tuple[Axes, Axes]]:
    """Plot a hyper-parameter search: accuracy as colour over two logarithmic axes, best starred.

    Parameters
    ----------
    results : dict from (learning rate, regularisation) to (training, validation accuracy)
        The points tried, all hyper-parameters above 0.
    xlabel, ylabel, title : str
        Texts.

    Returns
    -------
    Figure, (Axes, Axes)
        Training at the left, validation at the right, on one scale of colours.

    Raises
    ------
    ValueError
        If there is no result, or a hyper-parameter that has no logarithm.
    """
    if not results:
        raise ValueError("results is empty, expected {(learning_rate, reg): (train, val), ...}")
    points = np.array([tuple(key) for key in results], dtype=np.float64)
    values = np.array([tuple(value) for value in results.values()], dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2 or values.shape != points.shape:
        raise ValueError("results must map (learning_rate, reg) to (train_accuracy, val_accuracy)")
    if not (points > 0).all():
        raise ValueError("all learning rates and regularisation strengths must be above 0")
    figure, axes = new_figure(9.2, 3.9, 1, 2, sharex=True, sharey=True)
    best = int(np.nanargmax(values[:, 1])) if np.isfinite(values[:, 1]).any() else 0
    low, high = np.nanmin(values), np.nanmax(values)
    for panel, (place, name) in enumerate(zip(axes, ("training", "validation"), strict=True)):
        failed = ~np.isfinite(values[:, panel])
        dots = place.scatter(
            points[~failed, 0],
            points[~failed, 1],
            c=values[~failed, panel],
            s=95,
            cmap=SEQUENTIAL,
            vmin=low,
            vmax=high,
            edgecolors=INK,
            linewidths=0.6,
            zorder=3,
        )
        place.scatter(points[failed, 0], points[failed, 1], s=60, marker="x", color=MUTED)
        place.scatter(
            points[best, 0],
            points[best, 1],
            c=[values[best, panel]],
            s=420,
            marker="*",
            cmap=SEQUENTIAL,
            vmin=low,
            vmax=high,
            edgecolors=INK,
            linewidths=1.1,
            zorder=4,
        )
        place.set_xscale("log")
        place.set_yscale("log")
        place.grid(True)
        place.set_axisbelow(True)
        place.set_xlabel(xlabel)
        place.set_title(f"{name}: {values[best, panel]:.1%} at the star")
    axes[0].set_ylabel(ylabel)
    figure.colorbar(
        dots, ax=axes, label="accuracy", format=PercentFormatter(1.0, decimals=None), pad=0.015
    )
    if title:
        figure.suptitle(title, x=0.01, ha="left")
    return figure, (axes[0], axes[1])
