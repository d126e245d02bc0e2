"""Measured times as bars."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from cs231n_lib.plots.style import COLORS, one_axes, styled

__all__ = ["format_seconds", "plot_times"]


@styled
def plot_times(
    times: Mapping[str, float],
    *,
    xlabel: str = "time",
    title: str | None = None,
    ax: Axes | None = None,
) -> tuple[Figure, Axes]:
    """Plot measured times as bars, with how many times faster than the slowest each is.

    The axis is logarithmic where the slowest takes more than twenty times as long as the fastest.

    Parameters
    ----------
    times : dict from label to seconds
        In the order they are drawn, from the top.
    xlabel, title : str
        Texts.
    ax : Axes, optional
        Draw there instead of in a new figure.

    Returns
    -------
    Figure, Axes

    Raises
    ------
    ValueError
        If there are none, or one is not above 0.
    """
    seconds = np.array(list(times.values()), dtype=np.float64)
    if seconds.size == 0 or not (np.isfinite(seconds) & (seconds > 0)).all():
        raise ValueError(f"times must map labels to seconds above 0, got {dict(times)}")
    figure, axes = one_axes(ax, 6.4, 0.9 + 0.42 * len(seconds))
    places = np.arange(len(seconds))
    slowest = seconds.max()
    bars = axes.barh(places, seconds, height=0.62, color=COLORS[0])
    texts = [
        format_seconds(s) + (f"  ({_times(slowest / s)} faster)" if slowest / s >= 1.05 else "")
        for s in seconds
    ]
    axes.bar_label(bars, texts, padding=4, size=9)
    axes.set_yticks(places, list(times))
    axes.invert_yaxis()
    if slowest / seconds.min() > 20:
        axes.set_xscale("log")
        low = 10 ** np.floor(np.log10(seconds.min()) - 0.3)
        axes.set_xlim(low, slowest * (slowest / low) ** 0.35)
        xlabel += " (logarithmic)"
    else:
        axes.set_xlim(0, slowest * 1.35)
    axes.xaxis.set_major_formatter(lambda value, _: format_seconds(value))
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel(xlabel)
    axes.grid(True, axis="x")
    axes.set_axisbelow(True)
    if title:
        axes.set_title(title)
    return figure, axes


def _times(ratio: float) -> str:
    return f"{ratio:.3g}×" if ratio < 999.5 else f"{float(f'{ratio:.3g}'):,.0f}×"


def format_seconds(seconds: float) -> str:
    """Return a time in the unit one would say it in.

    Examples
    --------
    >>> format_seconds(0.0123), format_seconds(2.5), format_seconds(300)
    ('12.3 ms', '2.5 s', '5 min')
    """
    if seconds >= 120:
        return f"{seconds / 60:.3g} min"
    for unit, factor in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= factor:
            return f"{seconds / factor:.3g} {unit}"
    return f"{seconds / 1e-9:.3g} ns" if seconds else "0"
