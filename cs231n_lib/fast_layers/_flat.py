"""Images laid out so that what lies under one tap of a filter is a single run of memory.

A padded image is cut into its stride phases (for stride 2: the pixels of even rows and even
columns, those of even rows and odd columns, and so on), and the rows of a phase follow each other
without a gap. Under tap (i, j), the windows of the whole output then see the pixels of one phase
from some offset on, in order: shifting an image by a tap is adding to an address. The price is a
few columns at the end of each row, where a window runs over the edge into the next row; what is
computed there is dropped, and in a gradient these places are zero.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from cs231n_lib.fast_layers._params import ConvGeometry
from cs231n_lib.fast_layers._threads import IN_PLACE, Scratch

__all__ = ["FlatLayout", "Tap"]

FloatArray = npt.NDArray[np.floating[Any]]


# From this length on, runs are added faster in place than through NumPy's buffers.
LONG_RUN = 128


def _phase(pad: int, stride: int, image: int, phase: int) -> tuple[int, slice]:
    """Return where in its phase an image's first pixel lies, and which pixels belong to it."""
    at = max(0, -(-(pad - phase) // stride))
    return at, slice(at * stride + phase - pad, image, stride)


def _steps(taps: int, dilation: int, stride: int, phase: int) -> tuple[slice, int, int]:
    """Return which taps along an axis fall into a phase, where there the first is, and the step."""
    period = stride // math.gcd(stride, dilation)
    first = next((t for t in range(min(period, taps)) if t * dilation % stride == phase), taps)
    return slice(first, taps, period), first * dilation // stride, period * dilation // stride


@dataclass(frozen=True)
class Tap:
    """A place (i, j) of the filter, and where in the layout is what lies under it."""

    at: tuple[int, int]
    phase: tuple[int, int]
    run: slice

    def under(self, flat: FloatArray) -> FloatArray:
        """View what lies under the tap in `flat` (..., phases, phases, length): (..., pixels)."""
        return flat[(..., *self.phase, self.run)]


@dataclass(frozen=True)
class FlatLayout:
    """The layout for `count` rows of the output from row `top` on."""

    geometry: ConvGeometry
    top: int
    count: int

    @cached_property
    def row(self) -> int:
        """Length of a row of a phase, and so of the output as it is computed."""
        return -(-self.geometry.padded[1] // self.geometry.stride[1])

    @cached_property
    def rows(self) -> int:
        """Rows of a phase that the rows of the output see."""
        g = self.geometry
        return self.count + (g.kernel[0] - 1) * g.dilation[0] // g.stride[0]

    @cached_property
    def pixels(self) -> int:
        """Length of the output as it is computed."""
        return self.count * self.row

    @cached_property
    def shape(self) -> tuple[int, int, int]:
        """Phases by row and column of the image, and the length of each."""
        g = self.geometry
        overrun = (g.kernel[1] - 1) * g.dilation[1] // g.stride[1]
        return *g.stride, self.rows * self.row + overrun

    @property
    def buffer_size(self) -> int | None:
        """NumPy's buffer size with which runs of this length are added fastest."""
        return IN_PLACE if self.pixels >= LONG_RUN else None

    @cached_property
    def taps(self) -> tuple[Tap, ...]:
        """The taps of the filter, row by row."""
        g = self.geometry
        taps = []
        for i, j in np.ndindex(*g.kernel):
            down, down_phase = divmod(i * g.dilation[0], g.stride[0])
            right, right_phase = divmod(j * g.dilation[1], g.stride[1])
            start = down * self.row + right
            taps.append(Tap((i, j), (down_phase, right_phase), slice(start, start + self.pixels)))
        return tuple(taps)

    def copy_windows(self, flat: FloatArray, target: FloatArray) -> None:
        """Copy the windows of images in this layout to `target` (N, C, HH, WW, rows, width).

        `width` is that of the output, or that of a row of the layout.
        """
        g = self.geometry
        *outer, pixel = flat.strides
        shape = *flat.shape[:2], *target.shape[4:]
        down = [_steps(g.kernel[0], g.dilation[0], g.stride[0], p) for p in range(g.stride[0])]
        right = [_steps(g.kernel[1], g.dilation[1], g.stride[1], p) for p in range(g.stride[1])]
        for row_phase, (rows, row_at, row_step) in enumerate(down):
            for column_phase, (columns, column_at, column_step) in enumerate(right):
                # All taps that fall into this phase at once: they are equally far apart.
                part = target[:, :, rows, columns]
                start = row_at * self.row + column_at
                part[...] = np.lib.stride_tricks.as_strided(
                    flat[:, :, row_phase, column_phase, start:],
                    (*shape[:2], *part.shape[2:4], *shape[2:]),
                    (
                        *outer[:2],
                        row_step * self.row * pixel,
                        column_step * pixel,
                        self.row * pixel,
                        pixel,
                    ),
                )

    def load(self, name: str, x: FloatArray, scratch: Scratch) -> FloatArray:
        """Return images (N, C, H, W) in this layout, (N, C, phases, phases, length)."""
        flat = scratch.bordered(name, (*x.shape[:2], *self.shape), x.dtype)
        for phase, pixels in self._image_phases(flat, x):
            above, below, inside = phase
            above[...] = 0
            below[...] = 0
            inside[...] = pixels
        return flat

    def unload(self, flat: FloatArray, x: FloatArray) -> None:
        """Write the images in this layout to x (N, C, H, W); what no window sees becomes zero."""
        if self.geometry.stride != (1, 1) or self.rows < self.geometry.padded[0]:
            x[...] = 0
        for (_, _, inside), pixels in self._image_phases(flat, x):
            pixels[...] = inside

    def _image_phases(
        self, flat: FloatArray, x: FloatArray
    ) -> Iterator[tuple[tuple[FloatArray, FloatArray, FloatArray], FloatArray]]:
        """Yield for each phase in use the rows above, below and of the image, and the image's."""
        g = self.geometry
        for down, right in sorted({tap.phase for tap in self.taps}):
            grid = flat[..., down, right, : self.rows * self.row]
            grid = grid.reshape(*grid.shape[:-1], self.rows, self.row)
            at, rows = _phase(g.pad[0], g.stride[0], g.image[0], down)
            # Row `at` of the phase is row `at - top` of this part of it.
            skipped = max(0, self.top - at)
            first = max(0, at - self.top)
            rows = slice(rows.start + skipped * g.stride[0], rows.stop, rows.step)
            count = max(0, min(len(range(*rows.indices(g.image[0]))), self.rows - first))
            left, columns = _phase(g.pad[1], g.stride[1], g.image[1], right)
            pixels = x[:, :, rows, columns][:, :, :count]
            inside = grid[:, :, first : first + count, left : left + pixels.shape[3]]
            yield (grid[:, :, :first], grid[:, :, first + count :], inside), pixels
