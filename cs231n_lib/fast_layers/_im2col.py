"""Convolution of any kernel, stride, dilation and grouping as a matrix product with image columns.

The windows of the image become the columns of a matrix (C * HH * WW, pixels of the output), and
the filters times that matrix are the output as it lies in memory. Backward, dw is dout times the
columns transposed, and dx gathers the filters transposed times dout back into the windows. The
columns of a few images, or of some rows of one, are in work at a time and stay in the cache.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cs231n_lib.fast_layers._params import ConvGeometry
from cs231n_lib.fast_layers._threads import Scratch, run_blocks

__all__ = ["backward", "forward"]

FloatArray = npt.NDArray[np.floating[Any]]

# The columns in work at a time, in bytes: half a second-level cache of 1 MB.
COLUMN_BYTES = 512 * 1024
# An output map of fewer pixels is too narrow a matrix: images are then multiplied side by side.
NARROW = 64
# Blocks there should be at least for a fair share, and partial sums of the filters' gradient:
# fixed, as the order of a sum decides its last digits.
MIN_BLOCKS = 8
MAX_LANES = 8


@dataclass(frozen=True)
class _Layer:
    """The shapes of a convolution and how its work is cut: by the shapes alone."""

    geometry: ConvGeometry
    images: int
    channels: int
    filters: int
    dtype: np.dtype[Any]

    @property
    def row_bytes(self) -> int:
        """Size of the columns of one image's row of output pixels."""
        taps = self.geometry.kernel[0] * self.geometry.kernel[1]
        return self.channels * taps * self.geometry.out[1] * self.dtype.itemsize

    @property
    def side_by_side(self) -> bool:
        """Say whether the images of a group are multiplied as one matrix."""
        return self.geometry.out[0] * self.geometry.out[1] < NARROW

    @property
    def pointwise(self) -> bool:
        """Say whether the padded image itself is its column matrix."""
        g = self.geometry
        return g.kernel == g.stride == (1, 1) and not self.side_by_side

    def groups_of_images(self) -> list[slice]:
        """Cut the images so that a group's columns fit, or a group is one image."""
        fitting = COLUMN_BYTES // (self.row_bytes * self.geometry.out[0])
        size = max(1, min(fitting, self.images // MIN_BLOCKS))
        return [slice(n, min(n + size, self.images)) for n in range(0, self.images, size)]

    def strips(self) -> list[slice]:
        """Cut the rows of the output so that the columns of one image's strip fit."""
        height = self.geometry.out[0]
        size = max(1, min(height, COLUMN_BYTES // self.row_bytes))
        return [slice(r, min(r + size, height)) for r in range(0, height, size)]

    def as_matrices(self, maps: FloatArray) -> FloatArray:
        """View maps (N, groups * D, H, W) as matrices (N, groups, D, H * W)."""
        return maps.reshape(len(maps), self.geometry.groups, -1, maps.shape[2] * maps.shape[3])

    def load(self, x: FloatArray, scratch: Scratch) -> FloatArray:
        """Return the images with their padding."""
        (top, left), (height, width) = self.geometry.pad, self.geometry.image
        if (top, left) == (0, 0):
            return x
        padded = scratch.bordered("x", (*x.shape[:2], *self.geometry.padded), self.dtype)
        padded[:, :, top : top + height, left : left + width] = x
        return padded

    def window(self, images: FloatArray, tap: tuple[int, int], strip: slice) -> FloatArray:
        """View the padded images' pixels under one tap of the filter, for a strip of the output."""
        g = self.geometry
        top = tap[0] * g.dilation[0] + strip.start * g.stride[0]
        bottom = top + (strip.stop - strip.start - 1) * g.stride[0] + 1
        left = tap[1] * g.dilation[1]
        right = left + (g.out[1] - 1) * g.stride[1] + 1
        return images[:, :, top : bottom : g.stride[0], left : right : g.stride[1]]

    def taps(self) -> list[tuple[int, int]]:
        return [
            (i, j) for i in range(self.geometry.kernel[0]) for j in range(self.geometry.kernel[1])
        ]

    def columns(self, images: FloatArray, strip: slice, scratch: Scratch) -> FloatArray:
        """Return the columns of padded images as (N or 1, groups, C/groups * HH * WW, pixels)."""
        g = self.geometry
        if self.pointwise:
            return self.as_matrices(images)[..., strip.start * g.out[1] : strip.stop * g.out[1]]
        blank, by_tap = self.blank_columns(len(images), strip, scratch)
        for tap in self.taps():
            by_tap[:, :, *tap] = self.window(images, tap, strip)
        return blank

    def blank_columns(
        self, images: int, strip: slice, scratch: Scratch
    ) -> tuple[FloatArray, FloatArray]:
        """Return memory for columns, and the same memory as (N, C, HH, WW, rows, W')."""
        g = self.geometry
        rows = strip.stop - strip.start
        if self.side_by_side:
            shape = (self.channels, *g.kernel, images, rows, g.out[1])
            memory = scratch.empty("columns", shape, self.dtype)
            by_tap = memory.transpose(3, 0, 1, 2, 4, 5)
            return memory.reshape(1, g.groups, -1, images * rows * g.out[1]), by_tap
        shape = (images, self.channels, *g.kernel, rows, g.out[1])
        memory = scratch.empty("columns", shape, self.dtype)
        return memory.reshape(images, g.groups, -1, rows * g.out[1]), memory


def forward(
    x: FloatArray, w: FloatArray, b: FloatArray | None, geometry: ConvGeometry
) -> FloatArray:
    """Return the convolution of x (N, C, H, W) with w (F, C/groups, HH, WW) plus b."""
    layer = _Layer(geometry, x.shape[0], x.shape[1], w.shape[0], x.dtype)
    out = np.empty((layer.images, layer.filters, *geometry.out), x.dtype)
    groups, strips = layer.groups_of_images(), layer.strips()
    filters = w.reshape(geometry.groups, layer.filters // geometry.groups, -1)
    bias = None if b is None else b.reshape(geometry.groups, -1, 1)

    def compute(index: int, scratch: Scratch) -> None:
        group, strip = groups[index // len(strips)], strips[index % len(strips)]
        images = layer.load(x[group], scratch)
        columns = layer.columns(images, strip, scratch)
        if layer.side_by_side:
            shape = (1, *filters.shape[:2], columns.shape[-1])
            target = scratch.empty("out", shape, x.dtype)
        else:
            pixels = slice(strip.start * geometry.out[1], strip.stop * geometry.out[1])
            target = layer.as_matrices(out[group])[..., pixels]
        np.matmul(filters, columns, out=target)
        if bias is not None:
            target += bias
        if layer.side_by_side:
            out[group, :, strip] = target.reshape(
                layer.filters, len(images), strip.stop - strip.start, geometry.out[1]
            ).swapaxes(0, 1)

    run_blocks(compute, len(groups) * len(strips))
    return out


def _lanes(groups: int, pixels: int, weights: int) -> int:
    """Return how many partial sums of dw to keep: all together small beside x and dout."""
    return max(1, min(groups, MAX_LANES, pixels // (2 * weights)))


def backward(
    dout: FloatArray, x: FloatArray, w: FloatArray, geometry: ConvGeometry
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the gradients dx, dw and db."""
    layer = _Layer(geometry, x.shape[0], x.shape[1], w.shape[0], x.dtype)
    groups, strips = layer.groups_of_images(), layer.strips()
    lanes = _lanes(len(groups), x.size + dout.size, w.size)
    filters = w.reshape(geometry.groups, layer.filters // geometry.groups, -1)
    dx = np.empty_like(x)
    dw_parts = np.zeros((lanes, *filters.shape), w.dtype)
    db_parts = np.zeros((lanes, layer.filters), w.dtype)
    (top, left), (height, width) = geometry.pad, geometry.image

    def douts(group: slice, strip: slice, scratch: Scratch) -> FloatArray:
        part = dout[group, :, strip]
        if not layer.side_by_side:
            pixels = slice(strip.start * geometry.out[1], strip.stop * geometry.out[1])
            return layer.as_matrices(dout[group])[..., pixels]
        memory = scratch.empty("dout", (part.shape[1], len(part), *part.shape[2:]), x.dtype)
        memory[...] = part.swapaxes(0, 1)
        return memory.reshape(1, *filters.shape[:2], -1)

    def compute(lane: int, scratch: Scratch) -> None:
        for group in groups[lane * len(groups) // lanes : (lane + 1) * len(groups) // lanes]:
            images = layer.load(x[group], scratch)
            dimages = scratch.empty("dx", images.shape, x.dtype)
            dimages.fill(0)
            for strip in strips:
                dy = douts(group, strip, scratch)
                columns = layer.columns(images, strip, scratch)
                dw_parts[lane] += np.matmul(dy, columns.swapaxes(2, 3)).sum(axis=0)
                blank, by_tap = layer.blank_columns(len(images), strip, scratch)
                np.matmul(filters.swapaxes(1, 2), dy, out=blank)
                for tap in layer.taps():
                    layer.window(dimages, tap, strip)[...] += by_tap[:, :, *tap]
            dx[group] = dimages[:, :, top : top + height, left : left + width]
            db_parts[lane] += dout[group].sum(axis=(2, 3)).sum(axis=0)

    run_blocks(compute, lanes)
    return dx, dw_parts.sum(axis=0).reshape(w.shape), db_parts.sum(axis=0)
