"""Charts as SVG that stands inside a page and takes its colours from the page's style."""

from __future__ import annotations

import io
import math
import re
import statistics
from collections.abc import Sequence
from typing import Any

import markupsafe
import matplotlib
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

__all__ = ["points_histogram"]

# Colours that stand for variables of the page, so that a chart is right in the light and the dark.
_COLOURS = {
    "#010101": "var(--ink)",
    "#020202": "var(--soft)",
    "#030303": "var(--line)",
    "#040404": "var(--good)",
    "#050505": "var(--hint-line)",
}
_INK, _SOFT, _LINE, _GOOD, _MARK = _COLOURS
MAX_BARS = 26


def points_histogram(
    points: Sequence[int], max_points: int, label: str, *, width: float = 7.2, height: float = 2.6
) -> markupsafe.Markup:
    """Return a histogram of points with its median, as inline SVG.

    Parameters
    ----------
    points
        One number for each hand-in or student.
    max_points
        The end of the axis.
    label
        What it shows, for those who do not see it.
    width, height
        In inches of 72 units; the page scales it to its column.
    """
    step = max(1, math.ceil((max_points + 1) / MAX_BARS))
    bars = math.ceil((max_points + 1) / step)
    counts = [0] * bars
    for value in points:
        counts[min(max(value, 0) // step, bars - 1)] += 1
    settings: Any = {"svg.fonttype": "none", "svg.hashsalt": label, "font.family": ["sans-serif"]}
    with matplotlib.rc_context(settings):
        figure = Figure(figsize=(width, height), layout="constrained")
        axes = figure.add_subplot()
        left = [step * i - 0.5 for i in range(bars)]
        axes.bar(left, counts, width=step * 0.9, align="edge", color=_GOOD)
        axes.set_xlim(-0.8, step * bars - 0.4)
        axes.set_ylim(0, max([*counts, 1]) * 1.18)
        if points:
            middle = statistics.median(points)
            axes.axvline(middle, color=_MARK, linewidth=1.6)
            right = middle > 0.75 * max_points
            axes.annotate(
                f"median {middle:g}",
                (middle, 1),
                (-4 if right else 4, -3),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                ha="right" if right else "left",
                va="top",
                color=_INK,
                fontsize=9,
            )
        axes.set_xlabel(f"points, of {max_points}", color=_SOFT, fontsize=9)
        axes.set_ylabel("students", color=_SOFT, fontsize=9)
        axes.yaxis.set_major_locator(MaxNLocator(4, integer=True))
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        axes.tick_params(colors=_SOFT, labelsize=9, length=0)
        axes.grid(axis="y", color=_LINE, linewidth=0.7)
        axes.set_axisbelow(True)
        for side in ("top", "right", "left"):
            axes.spines[side].set_visible(False)
        axes.spines["bottom"].set_color(_LINE)
        return _inline(figure, label)


def _inline(figure: Figure, label: str) -> markupsafe.Markup:
    """Return a figure as an ``<svg>`` element without what a page of several must not repeat."""
    file = io.StringIO()
    FigureCanvasSVG(figure).print_svg(file, metadata={"Date": None, "Creator": None})  # type: ignore[no-untyped-call]
    text = file.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    text = re.sub(r'<g id="patch_1">.*?</g>', "", text, count=1, flags=re.DOTALL)  # white paper
    text = re.sub(r'<g id="patch_2">.*?</g>', "", text, count=1, flags=re.DOTALL)
    text = re.sub(r' id="[a-z0-9.]+_\d+"', "", text)
    for colour, variable in _COLOURS.items():
        text = text.replace(colour, variable)
    name = markupsafe.escape(label)
    links = "http://www.w3.org/1999/xlink"
    box = re.search(r'viewBox="([^"]+)"', text)
    assert box is not None  # noqa: S101 - matplotlib always writes it
    head = f'<svg viewBox="{box[1]}" xmlns:xlink="{links}" role="img" aria-label="{name}">'
    return markupsafe.Markup(head + text[text.index(">") + 1 :])  # noqa: S704 - our own
