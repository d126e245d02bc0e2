"""How all plots look: colours that colour-blind readers tell apart, quiet axes, readable sizes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import wraps
from itertools import cycle, islice
from typing import Any, ParamSpec, TypeVar

import matplotlib as mpl
import matplotlib.pyplot as plt
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.figure import Figure

__all__ = [
    "COLORS",
    "DIVERGING",
    "INK",
    "MUTED",
    "RIGHT",
    "SEQUENTIAL",
    "WRONG",
    "new_figure",
    "one_axes",
    "series_colors",
    "styled",
]

COLORS = (
    "#0072B2",  # blue
    "#D55E00",  # vermilion
    "#009E73",  # bluish green
    "#CC79A7",  # reddish purple
    "#E69F00",  # orange
    "#56B4E9",  # sky blue
    "#7A5C00",  # brown, in place of a yellow that vanishes on white
    "#000000",
    "#882255",  # wine
    "#9A9A9A",  # grey
)
"""Ten colours of series: those of Okabe and Ito, "Color Universal Design" (2008), and two more."""

RIGHT, WRONG = COLORS[0], COLORS[1]
"""Colours of right and wrong answers; they differ in lightness, too, and never stand alone."""

INK, MUTED = "#222222", "#707070"
SEQUENTIAL, DIVERGING = "viridis", "RdBu_r"

_STYLE: Any = {
    "axes.edgecolor": MUTED,
    "axes.grid": False,
    "axes.labelcolor": INK,
    "axes.labelsize": 10,
    "axes.prop_cycle": cycler(color=COLORS),
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "figure.dpi": 100,
    "figure.titlesize": 12,
    "figure.titleweight": "bold",
    "font.size": 10,
    "grid.alpha": 0.9,
    "grid.color": "#E4E4E4",
    "grid.linewidth": 0.8,
    "legend.fontsize": 9,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "savefig.dpi": 100,
    "text.color": INK,
    "xtick.color": MUTED,
    "xtick.labelcolor": INK,
    "xtick.labelsize": 9,
    "ytick.color": MUTED,
    "ytick.labelcolor": INK,
    "ytick.labelsize": 9,
}

P = ParamSpec("P")
R = TypeVar("R")


def styled(plot: Callable[P, R]) -> Callable[P, R]:
    """Let a plotting function work in this style without changing anyone's ``rcParams``."""

    @wraps(plot)
    def in_style(*args: P.args, **kwargs: P.kwargs) -> R:
        with mpl.rc_context(_STYLE):
            result = plot(*args, **kwargs)
            # The first figure of a session starts the backend, and a notebook's backend turns on
            # interactive mode: leaving the context would turn it off again, and every later figure
            # of the notebook would stay invisible.
            interactive = mpl.is_interactive()
        mpl.interactive(interactive)
        return result

    return in_style


def new_figure(
    width: float, height: float, rows: int = 1, columns: int = 1, **options: Any
) -> tuple[Figure, list[Axes]]:
    """Return a new figure of a size in inches, and its axes row by row."""
    figure, axes = plt.subplots(
        rows, columns, figsize=(width, height), layout="constrained", squeeze=False, **options
    )
    return figure, list(axes.ravel())


def one_axes(axes: Axes | None, width: float, height: float) -> tuple[Figure, Axes]:
    """Return the axes to draw on and their figure: the given ones, or those of a new figure."""
    if axes is None:
        figure, (new,) = new_figure(width, height)
        return figure, new
    owner = axes.get_figure(root=True)
    if owner is None:
        raise ValueError("the axes passed belong to no figure")
    return owner, axes


def series_colors(number: int) -> Iterator[str]:
    """Yield so many colours, starting over when they run out."""
    return islice(cycle(COLORS), number)
