"""A training run at a glance, and what flows through a network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import ArrayLike

from cs231n_lib.plots.curves import smoothed
from cs231n_lib.plots.style import COLORS, MUTED, WRONG, new_figure, styled

__all__ = ["plot_layer_histograms", "plot_training"]


class Run(Protocol):
    """What :func:`plot_training` needs of a run, as a :class:`cs231n_lib.solver.Solver` has it."""

    loss_history: list[float]
    train_acc_history: list[float]
    val_acc_history: list[float]


@styled
def plot_training(
    run: Run | Mapping[str, Run], *, smooth: float | None = None, title: str | None = None
) -> tuple[Figure, tuple[Axes, Axes]]:
    """Plot training runs: losses at the left, accuracies at the right.

    Validation is drawn solid, training dashed; the star is the best validation accuracy. Iterations
    and epochs share one scale, so that the two panels line up.

    Parameters
    ----------
    run : Solver, or dict from label to Solver
        Trained; anything with `loss_history`, `train_acc_history` and `val_acc_history` will do.
        Accuracies are those before training and after every epoch.
    smooth : float, optional
        About how many losses to average; by default a fiftieth of the longest history.
    title : str, optional
        Title of the figure.

    Returns
    -------
    Figure, (Axes, Axes)

    Raises
    ------
    ValueError
        If a run has no history: it was not trained.
    """
    runs = dict(run) if isinstance(run, Mapping) else {"": run}
    longest = max((len(r.loss_history) for r in runs.values()), default=0)
    if longest == 0 or any(not r.val_acc_history for r in runs.values()):
        raise ValueError("there is no history to plot: call train() first")
    window = max(1.0, longest / 50) if smooth is None else smooth
    figure, (left, right) = new_figure(9.6, 3.6, 1, 2)
    for (label, one), color in zip(runs.items(), _colors(len(runs)), strict=True):
        losses = np.asarray(one.loss_history, dtype=np.float64)
        epochs = np.arange(len(one.val_acc_history))
        x = (np.arange(len(losses)) + 1) * (epochs[-1] or 1) / max(1, len(losses))
        shown = np.where(np.isfinite(losses), losses, np.nan)
        left.plot(x, shown, color=color, alpha=0.18, linewidth=0.7)
        left.plot(x, smoothed(shown, window), color=color, label=label or None)
        validation = np.asarray(one.val_acc_history)
        best = int(validation.argmax())
        name = f"{label}: " if label else ""
        right.plot(epochs, one.train_acc_history, color=color, linestyle=(0, (5, 2)), linewidth=1.2)
        right.plot(
            epochs, validation, color=color, label=f"{name}validation, best {validation[best]:.1%}"
        )
        right.plot(best, validation[best], "*", color=color, markersize=13, zorder=3)
    right.plot([], [], color=MUTED, linestyle=(0, (5, 2)), linewidth=1.2, label="training")
    right.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
    for axes, ylabel in ((left, "loss"), (right, "accuracy")):
        axes.set_xlabel("epoch")
        axes.set_ylabel(ylabel)
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.grid(True, axis="y")
        axes.set_axisbelow(True)
    right.legend()
    if len(runs) > 1:
        left.legend()
    if title:
        figure.suptitle(title, x=0.01, ha="left")
    return figure, (left, right)


@styled
def plot_layer_histograms(
    layers: Mapping[str, Any] | list[ArrayLike],
    *,
    bins: int = 50,
    limits: tuple[float, float] | None = None,
    title: str | None = None,
) -> tuple[Figure, list[Axes]]:
    """Plot a histogram of the values in each layer, with mean and standard deviation.

    Parameters
    ----------
    layers : dict from name to array, or list of arrays
        Activations or gradients, of any shape.
    bins : int
        Number of bins.
    limits : (float, float), optional
        Range of values of all histograms; by default that of all values.
    title : str, optional
        Title of the figure.

    Returns
    -------
    Figure, list of Axes
        One axes a layer.

    Raises
    ------
    ValueError
        If there is no layer, or one without a finite value.
    """
    named = layers if isinstance(layers, Mapping) else {str(i + 1): a for i, a in enumerate(layers)}
    values = {str(name): np.asarray(a, dtype=np.float64).ravel() for name, a in named.items()}
    if not values or any(not np.isfinite(v).any() for v in values.values()):
        raise ValueError("layers must hold at least one array, each with at least one finite value")
    finite = {name: v[np.isfinite(v)] for name, v in values.items()}
    if limits is None:
        limits = (
            min(float(v.min()) for v in finite.values()),
            max(float(v.max()) for v in finite.values()),
        )
    if limits[0] == limits[1]:
        limits = (limits[0] - 0.5, limits[1] + 0.5)
    columns = min(len(finite), 6)
    rows = -(-len(finite) // columns)
    figure, axes = new_figure(1.65 * columns + 0.3, 1.55 * rows + 0.35, rows, columns, sharex=True)
    for place, (name, v) in zip(axes, finite.items(), strict=False):
        counts, edges = np.histogram(np.clip(v, *limits), bins=bins, range=limits)
        place.stairs(counts, edges, fill=True, color=COLORS[0])
        dead = values[name].size - v.size
        note = f"\n{dead} not finite" if dead else ""
        place.set_title(f"{name}\n{v.mean():.2g} ± {v.std():.2g}{note}", size=8.5, weight="normal")
        place.set_yticks([])
        place.spines["left"].set_visible(False)
        if dead:
            place.title.set_color(WRONG)
    for place in axes[len(finite) :]:
        place.set_visible(False)
    if title:
        figure.suptitle(title, x=0.01, ha="left")
    return figure, axes[: len(finite)]


def _colors(number: int) -> list[str]:
    return [COLORS[i % len(COLORS)] for i in range(number)]
