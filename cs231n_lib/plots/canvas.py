"""A sheet of images in one axes, with captions and frames."""

from __future__ import annotations

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from numpy.typing import NDArray

from cs231n_lib.plots.style import INK, RIGHT, WRONG

__all__ = ["Sheet"]

_TITLE = 0.34  # inches


class Sheet:
    """Images on a grid, all in one axes: that draws many times faster than an axes for each.

    Small images are enlarged by a whole number, so that all their pixels are of one size: that is
    sharp, and compresses well in a saved notebook. Coordinates of the axes are pixels of the
    figure.

    Parameters
    ----------
    images : (N, H, W, 3) float32 array, values 0 to 1
        What is drawn, row by row.
    columns : int
        Images in a row.
    inch : float
        About the width of an image on paper.
    lines : int
        Lines of text below each image.
    heading : bool
        Whether there is a line of text above each column.
    left : float
        Inches at the left for names of rows.
    foot : float
        Inches below everything, for a legend.
    title : str, optional
        Title of the figure.
    """

    def __init__(
        self,
        images: NDArray[np.float32],
        columns: int,
        *,
        inch: float = 1.0,
        lines: int = 0,
        heading: bool = False,
        left: float = 0.0,
        foot: float = 0.0,
        title: str | None = None,
    ) -> None:
        number, height, width, _ = images.shape
        dpi = float(plt.rcParams["figure.dpi"])
        scale = inch * dpi / width
        scale = float(round(scale)) if scale >= 1 else scale
        self.columns, self.rows = columns, -(-number // columns)
        self.width, self.height = round(scale * width), round(scale * height)
        self._gap = max(3, round(0.07 * self.width))
        self._line = dpi * 0.155
        self._step_x = self.width + self._gap
        self._step_y = round(self.height + self._gap + (lines + 0.3 * (lines > 0)) * self._line)
        x0, y0 = -round(left * dpi) - 4, -round(self._line * 1.3 if heading else 4)
        x1 = columns * self._step_x - self._gap + 4
        y1 = self.rows * self._step_y - self._gap + 4
        above, below = (round(space * dpi) for space in (_TITLE if title else 0, foot))
        whole = y1 - y0 + above + below
        self.figure: Figure = plt.figure(figsize=((x1 - x0) / dpi, whole / dpi))
        self.axes: Axes = self.figure.add_axes((0.0, below / whole, 1.0, (y1 - y0) / whole))
        for i, image in enumerate(images):
            x, y = self.corner(i)
            self.axes.imshow(
                image,
                extent=(x, x + self.width, y + self.height, y),
                interpolation="nearest" if scale >= 1 else "auto",
            )
        self.axes.set_xlim(x0, x1)
        self.axes.set_ylim(y1, y0)
        self.axes.set_axis_off()
        if title:
            self.axes.set_title(title, pad=8)

    def corner(self, i: int) -> tuple[float, float]:
        """Return the upper left corner of the `i`-th image."""
        row, column = divmod(i, self.columns)
        return column * self._step_x, row * self._step_y

    def caption(self, i: int, text: str, *, color: str = INK) -> None:
        """Write below the `i`-th image, smaller if the text is wider than the image."""
        x, y = self.corner(i)
        size = self._size(text)
        for row, line in enumerate(text.split("\n")):
            # Line by line: matplotlib aligns the ink of a block, which differs from text to text.
            below = y + self.height + (0.98 + 0.95 * row) * self._line
            self.axes.text(
                x + self.width / 2, below, line, color=color, size=size, ha="center", va="baseline"
            )

    def frame(self, i: int, *, right: bool) -> None:
        """Frame the `i`-th image as right (blue, solid) or wrong (vermilion, dashed)."""
        x, y = self.corner(i)
        self.axes.add_patch(
            Rectangle(
                (x, y),
                self.width,
                self.height,
                fill=False,
                edgecolor=RIGHT if right else WRONG,
                linestyle="-" if right else (0, (3, 1.2)),
                linewidth=2.2,
                clip_on=False,
            )
        )

    def row_name(self, row: int, text: str) -> None:
        """Write at the left of a row."""
        _, y = self.corner(row * self.columns)
        self.axes.text(-8, y + self.height / 2, text, ha="right", va="center", size=9)

    def column_name(self, column: int, text: str, *, weight: str = "normal") -> None:
        """Write above a column."""
        x, _ = self.corner(column)
        self.axes.text(
            x + self.width / 2,
            -0.3 * self._line,
            text,
            ha="center",
            va="bottom",
            size=self._size(text, 9.0),
            weight=weight,
        )

    def _size(self, text: str, largest: float = 8.5) -> float:
        """Return the font size at which the longest line is about as wide as an image."""
        longest = max(map(len, text.split("\n")), default=0)
        inches = self._step_x / float(plt.rcParams["figure.dpi"])
        # A letter is about 0.6 times as wide as its size, which is in points.
        return float(min(largest, max(6.0, inches * 72 / (0.6 * max(1, longest)))))
