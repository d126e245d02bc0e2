"""Curves of a training run: losses and accuracies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import NDArray

from cs231n_lib.plots.style import MUTED, one_axes, series_colors, styled

__all__ = ["plot_accuracies", "plot_losses", "smoothed"]

History = Sequence[float] | NDArray[Any]


def smoothed(values: History, window: float) -> NDArray[np.float64]:
    r"""Return the exponential moving average of a curve, free of a bias towards its start.

    .. math:: s_t = \frac{\sum_{i \le t} \beta^{t-i} v_i}{\sum_{i \le t} \beta^{t-i}},
              \qquad \beta = 1 - 1 / \text{window}

    Parameters
    ----------
    values : sequence of float
        The curve; NaN and infinity are left out of the average.
    window : float, at least 1
        About how many values are averaged; 1 leaves the curve as it is.

    Examples
    --------
    >>> smoothed([1.0, 1.0, 1.0], 10).round(6)
    array([1., 1., 1.])
    """
    if not window >= 1:
        raise ValueError(f"window must be at least 1, got {window}")
    curve = np.asarray(values, dtype=np.float64)
    out = np.empty(len(curve))
    total = weight = 0.0
    for t, value in enumerate(curve):
        total *= 1 - 1 / window
        weight *= 1 - 1 / window
        if np.isfinite(value):
            total, weight = total + value, weight + 1
        out[t] = total / weight if weight else np.nan
    return out


@styled
def plot_losses(
    histories: History | Sequence[History] | Mapping[str, History],
    *,
    smooth: float | None = None,
    log: bool = False,
    expected_start: float | None = None,
    xlabel: str = "iteration",
    ylabel: str = "loss",
    title: str | None = None,
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Plot one loss curve or several, smoothed, with the raw values faint behind.

    Parameters
    ----------
    histories : sequence of float, sequence of those, or dict from label to sequence
        Loss after each iteration. Where a run diverged (NaN or infinity), its curve ends with a ✗.
    smooth : float, optional
        About how many values to average; by default a fiftieth of the longest history.
    log : bool
        Whether the loss axis is logarithmic.
    expected_start : float, optional
        Draw a dotted line there, for example at ``np.log(10)``.
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
        If there is nothing to plot.
    """
    curves = _as_curves(histories, "histories")
    longest = max(len(curve) for curve in curves.values())
    window = max(1.0, longest / 50) if smooth is None else smooth
    figure, axes = one_axes(ax, 6.4, 3.6)
    for (label, curve), color in zip(curves.items(), series_colors(len(curves)), strict=True):
        x = np.arange(1, len(curve) + 1)
        finite = np.isfinite(curve)
        last = len(curve) if finite.all() else int(np.argmin(finite))
        raw = np.where(finite, curve, np.nan)
        if window > 1:
            axes.plot(x, raw, color=color, alpha=0.22, linewidth=0.8)
        line = smoothed(raw[:last], window)
        axes.plot(x[:last], line, color=color, label=label or None)
        if 0 < last < len(curve):
            axes.plot(x[last - 1], line[-1], "X", color=color, markersize=9, clip_on=False)
    if expected_start is not None:
        axes.axhline(expected_start, color=MUTED, linestyle=":", linewidth=1.2)
        axes.annotate(
            f"{expected_start:.2f}",
            (1, expected_start),
            xycoords=("axes fraction", "data"),
            xytext=(-2, 2),
            textcoords="offset points",
            ha="right",
            va="bottom",
            color=MUTED,
            size=8.5,
        )
    if log:
        axes.set_yscale("log")
    _finish(axes, xlabel, ylabel, title, legend=any(curves))
    return figure, axes


@styled
def plot_accuracies(
    accuracies: Mapping[str, History],
    *,
    x: Sequence[float] | NDArray[Any] | None = None,
    target: float | None = None,
    xlabel: str = "epoch",
    ylabel: str = "accuracy",
    title: str | None = None,
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Plot accuracies over epochs, the best point of each curve marked.

    A label with "train" in it is drawn dashed, any other solid.

    Parameters
    ----------
    accuracies : dict from label to sequence of float
        Curves with values 0 to 1, for example ``{"training": [...], "validation": [...]}``.
    x : sequence of float, optional
        Where the values belong; by default 1, 2, 3, …
    target : float, optional
        Draw a dotted line at this accuracy.
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
        If there is nothing to plot, or `x` does not match.
    """
    curves = _as_curves(accuracies, "accuracies")
    figure, axes = one_axes(ax, 6.4, 3.6)
    for (label, curve), color in zip(curves.items(), series_colors(len(curves)), strict=True):
        places = np.arange(1, len(curve) + 1) if x is None else np.asarray(x, dtype=np.float64)
        if len(places) != len(curve):
            raise ValueError(f"x has {len(places)} values but {label!r} has {len(curve)}")
        training = "train" in label.lower()
        best = int(np.nanargmax(curve)) if np.isfinite(curve).any() else 0
        text = f"{label} (best {curve[best]:.1%})" if label else f"best {curve[best]:.1%}"
        axes.plot(
            places,
            curve,
            color=color,
            linestyle=(0, (5, 2)) if training else "-",
            marker=None if training or len(curve) > 40 else "o",
            markersize=4,
            label=text,
        )
        axes.plot(places[best], curve[best], "*", color=color, markersize=12, zorder=3)
    if target is not None:
        axes.axhline(
            target, color=MUTED, linestyle=":", linewidth=1.2, label=f"target {target:.0%}"
        )
    if x is None:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
    _finish(axes, xlabel, ylabel, title, legend=True)
    return figure, axes


def _as_curves(given: Any, name: str) -> dict[str, NDArray[np.float64]]:
    if isinstance(given, Mapping):
        curves = {str(label): np.asarray(v, dtype=np.float64) for label, v in given.items()}
    elif len(given) and np.ndim(given[0]):
        curves = {str(i + 1): np.asarray(v, dtype=np.float64) for i, v in enumerate(given)}
    else:
        curves = {"": np.asarray(given, dtype=np.float64)}
    for label, curve in curves.items():
        if curve.ndim != 1 or curve.size == 0:
            what = f"{name}[{label!r}]" if label else name
            raise ValueError(f"{what} must be a non-empty list of numbers, got shape {curve.shape}")
    if not curves:
        raise ValueError(f"{name} is empty, expected at least one curve")
    return curves


def _finish(axes: Axes, xlabel: str, ylabel: str, title: str | None, *, legend: bool) -> None:
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    axes.grid(True, axis="y")
    axes.set_axisbelow(True)
    if title:
        axes.set_title(title)
    if legend:
        axes.legend()
