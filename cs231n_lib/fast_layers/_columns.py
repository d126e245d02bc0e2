"""Convolution of any kernel, stride, dilation and grouping as a matrix product with image columns.

The windows of the image become the columns of a matrix (C * HH * WW, pixels of the output), and the
filters times that matrix are the output. Backward, dw is dout times the columns transposed, and dx
gathers the filters transposed times dout back into the windows. The columns of a few images, or of
some rows of one, are in work at a time and stay in the cache, and `FlatLayout` makes every row of
them one run of memory, both to copy and to gather.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from cs231n_lib.fast_layers._flat import FlatLayout
from cs231n_lib.fast_layers._params import ConvGeometry
from cs231n_lib.fast_layers._threads import Scratch, cut, run_blocks, sum_per_channel

__all__ = ["backward", "forward"]

FloatArray = npt.NDArray[np.floating[Any]]

# The columns in work at a time, in bytes: a second-level cache of 1 MB.
COLUMN_BYTES = 1024 * 1024
# An output map of fewer pixels is too narrow a matrix: images are then multiplied side by side.
NARROW = 64
# Rows of the output are shared among threads only in portions of this many pixels.
MIN_PIXELS = 4096
# Blocks there should be at least for a fair share; and at most that many partial sums of dw. Fixed,
# as the order of a sum decides its last digits.
MIN_BLOCKS = 8


@dataclass(frozen=True)
class _Layer:
    """The shapes of a convolution and how its work is cut: by the shapes alone."""

    geometry: ConvGeometry
    images: int
    channels: int
    filters: int
    dtype: np.dtype[Any]

    @cached_property
    def whole(self) -> FlatLayout:
        """Layout for the whole output."""
        return FlatLayout(self.geometry, 0, self.geometry.out[0])

    @property
    def row_bytes(self) -> int:
        """Size of the columns of one image's row of output pixels."""
        taps = self.geometry.kernel[0] * self.geometry.kernel[1]
        return self.channels * taps * self.whole.row * self.dtype.itemsize

    @property
    def side_by_side(self) -> bool:
        """Say whether the images of a group are multiplied as one matrix."""
        return self.geometry.out[0] * self.geometry.out[1] < NARROW

    @property
    def pointwise(self) -> bool:
        """Say whether the images as they are are their columns."""
        g = self.geometry
        plain = g.kernel == g.stride == (1, 1) and g.pad == (0, 0)
        return plain and not self.side_by_side

    @property
    def cropped(self) -> bool:
        """Say whether to drop what runs over the edge before the product rather than after.

        Copying a row of the columns in short runs costs about a third of copying a row of the
        output once more.
        """
        taps = self.geometry.kernel[0] * self.geometry.kernel[1]
        return self.channels * taps < 3 * self.filters

    @cached_property
    def image_groups(self) -> list[slice]:
        """The images, cut so that a group's columns fit, or a group is one image."""
        fitting = COLUMN_BYTES // (self.row_bytes * self.geometry.out[0])
        return cut(self.images, max(1, min(fitting, self.images // MIN_BLOCKS)))

    @cached_property
    def strips(self) -> list[FlatLayout]:
        """The rows of the output, cut so that one image's columns fit; finer if images are few."""
        height, width = self.geometry.out
        share = -(-MIN_BLOCKS // max(1, len(self.image_groups)))
        fair = max(-(-height // share), -(-MIN_PIXELS // width))
        size = max(1, min(height, fair, COLUMN_BYTES // self.row_bytes))
        return [FlatLayout(self.geometry, s.start, s.stop - s.start) for s in cut(height, size)]

    def scratch_bytes(self, images: int, rows: int) -> int:
        """Return about how much a thread allocates for some images and rows of the output."""
        g = self.geometry
        pixels = self.channels * g.padded[0] * g.padded[1]
        made = self.filters * rows * self.whole.row
        return images * (rows * self.row_bytes + (2 * pixels + made) * self.dtype.itemsize)

    def columns(
        self, images: int, layout: FlatLayout, width: int, scratch: Scratch
    ) -> tuple[FloatArray, FloatArray]:
        """Return memory for the columns of some images, of rows of `width` pixels.

        As matrices (images, groups, C/groups * HH * WW, pixels) and as (images, C, HH, WW, rows,
        width). Side by side, all images are in one matrix.
        """
        groups, kernel, grid = self.geometry.groups, self.geometry.kernel, (layout.count, width)
        if self.side_by_side:
            shape = (self.channels, *kernel, images, *grid)
            memory = scratch.empty("columns", shape, self.dtype)
            by_tap = memory.transpose(3, 0, 1, 2, 4, 5)
            return memory.reshape(1, groups, -1, images * layout.count * width), by_tap
        memory = scratch.empty("columns", (images, self.channels, *kernel, *grid), self.dtype)
        return memory.reshape(images, groups, -1, layout.count * width), memory

    def fill(
        self, flat: FloatArray, layout: FlatLayout, width: int, scratch: Scratch
    ) -> FloatArray:
        """Return the columns of loaded images as matrices, of rows of `width` pixels."""
        matrices, by_tap = self.columns(len(flat), layout, width, scratch)
        layout.copy_windows(flat, by_tap)
        return matrices

    def as_matrices(self, maps: FloatArray, layout: FlatLayout) -> FloatArray:
        """View some rows of maps (N, groups * D, H, W) as (N, groups, D, pixels)."""
        images, depth, height, width = maps.shape
        groups = self.geometry.groups
        matrices = maps.reshape(images, groups, depth // groups, height * width)
        return matrices[..., layout.top * width : (layout.top + layout.count) * width]


def _longest(slices: list[slice]) -> int:
    return max((s.stop - s.start for s in slices), default=1)


def forward(
    x: FloatArray, w: FloatArray, b: FloatArray | None, geometry: ConvGeometry
) -> FloatArray:
    """Return the convolution of x (N, C, H, W) with w (F, C/groups, HH, WW) plus b."""
    layer = _Layer(geometry, x.shape[0], x.shape[1], w.shape[0], x.dtype)
    out = np.empty((layer.images, layer.filters, *geometry.out), x.dtype)
    image_groups, strips = layer.image_groups, layer.strips
    filters = w.reshape(geometry.groups, layer.filters // geometry.groups, -1)
    bias = None if b is None else b.reshape(geometry.groups, -1, 1)

    width = geometry.out[1] if layer.cropped else layer.whole.row

    def compute(index: int, scratch: Scratch) -> None:
        group, layout = image_groups[index // len(strips)], strips[index % len(strips)]
        if layer.pointwise:
            columns = layer.as_matrices(x[group], layout)
        else:
            flat = layout.load("x", x[group], scratch)
            columns = layer.fill(flat, layout, width, scratch)
        direct = width == geometry.out[1] and not layer.side_by_side
        if direct:
            target = layer.as_matrices(out[group], layout)
        else:
            shape = (len(columns), *filters.shape[:2], columns.shape[-1])
            target = scratch.empty("out", shape, x.dtype)
        np.matmul(filters, columns, out=target)
        if bias is not None:
            target += bias
        if not direct:
            maps = out[group, :, layout.top : layout.top + layout.count]
            order = (1, 0, 2, 3) if layer.side_by_side else (0, 1, 2, 3)
            made = target.reshape(*(maps.shape[axis] for axis in order[:2]), layout.count, width)
            maps[...] = made.transpose(order)[..., : geometry.out[1]]

    scratch_bytes = layer.scratch_bytes(_longest(image_groups), max(s.count for s in strips))
    threads = (x.nbytes + out.nbytes) // scratch_bytes
    run_blocks(
        compute,
        len(image_groups) * len(strips),
        buffer_size=layer.whole.buffer_size,
        most_threads=threads,
    )
    return out


def _load_dout(layer: _Layer, dout: FloatArray, layout: FlatLayout, scratch: Scratch) -> FloatArray:
    """Return some rows of dout (N, F, H', W') as matrices, zero where windows run over the edge."""
    if layer.pointwise:
        return layer.as_matrices(dout, layout)
    images, filters = dout.shape[:2]
    if layer.side_by_side:
        shape = (filters, images, layout.count, layout.row)
        memory = scratch.bordered("dout", shape, dout.dtype)
        target = memory.swapaxes(0, 1)
        matrices = memory.reshape(1, layer.geometry.groups, -1, images * layout.pixels)
    else:
        shape = (images, filters, layout.count, layout.row)
        target = memory = scratch.bordered("dout", shape, dout.dtype)
        matrices = memory.reshape(images, layer.geometry.groups, -1, layout.pixels)
    target[..., : dout.shape[3]] = dout[:, :, layout.top : layout.top + layout.count]
    return matrices


def _gradients(
    layer: _Layer,
    dout: FloatArray,
    x: FloatArray,
    filters: FloatArray,
    dx: FloatArray,
    dfilters: FloatArray,
    scratch: Scratch,
) -> None:
    """Write the gradient of some images to dx and add that of the filters (groups, F, K)."""
    turned = filters.swapaxes(1, 2)
    if layer.pointwise:
        for layout in layer.strips:
            dy = layer.as_matrices(dout, layout)
            columns = layer.as_matrices(x, layout)
            dfilters += np.matmul(dy, columns.swapaxes(2, 3)).sum(axis=0)
            np.matmul(turned, dy, out=layer.as_matrices(dx, layout))
        return
    flat = layer.whole.load("x", x, scratch)
    dflat = scratch.empty("dx", flat.shape, x.dtype)
    dflat.fill(0)
    for layout in layer.strips:
        dy = _load_dout(layer, dout, layout, scratch)
        # The layout for a strip sees the images from its first row on.
        skipped = layout.top * layout.row
        columns = layer.fill(flat[..., skipped:], layout, layout.row, scratch)
        dfilters += np.matmul(dy, columns.swapaxes(2, 3)).sum(axis=0)
        matrices, by_tap = layer.columns(len(x), layout, layout.row, scratch)
        np.matmul(turned, dy, out=matrices)
        for tap in layout.taps:
            under = tap.under(dflat[..., skipped:])
            under += by_tap[:, :, *tap.at].reshape(under.shape)
    layer.whole.unload(dflat, dx)


@dataclass(frozen=True)
class _Part:
    """Some channels, or some groups of them, whose gradients one thread computes by itself."""

    layer: _Layer
    channels: slice
    filters: slice
    groups: slice
    rows: slice


def _parts(layer: _Layer, wanted: int) -> list[_Part]:
    """Cut a layer's channels, if there is one group, or its groups into about `wanted` parts."""
    groups = layer.geometry.groups
    depth, fan_out = layer.channels // groups, layer.filters // groups
    taps = layer.geometry.kernel[0] * layer.geometry.kernel[1]
    everything = slice(0, layer.filters)
    if groups == 1:
        return [
            _Part(
                replace(layer, channels=c.stop - c.start),
                c,
                everything,
                slice(0, 1),
                slice(c.start * taps, c.stop * taps),
            )
            for c in cut(depth, -(-depth // wanted))
        ]
    return [
        _Part(
            replace(
                layer,
                geometry=replace(layer.geometry, groups=g.stop - g.start),
                channels=(g.stop - g.start) * depth,
                filters=(g.stop - g.start) * fan_out,
            ),
            slice(g.start * depth, g.stop * depth),
            slice(g.start * fan_out, g.stop * fan_out),
            g,
            slice(0, depth * taps),
        )
        for g in cut(groups, -(-groups // wanted))
    ]


def backward(
    dout: FloatArray, x: FloatArray, w: FloatArray, geometry: ConvGeometry
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the gradients dx, dw and db."""
    layer = _Layer(geometry, x.shape[0], x.shape[1], w.shape[0], x.dtype)
    image_groups = layer.image_groups
    # All partial sums of dw together are small beside x and dout.
    lanes = max(1, min(len(image_groups), MIN_BLOCKS, (x.size + dout.size) // (2 * w.size)))
    parts = _parts(layer, -(-MIN_BLOCKS // lanes))
    filters = w.reshape(geometry.groups, layer.filters // geometry.groups, -1)
    dx = np.empty_like(x)
    dw_parts = np.zeros((lanes, *filters.shape), w.dtype)
    db_parts = np.zeros((lanes, layer.filters), w.dtype)

    def compute(index: int, scratch: Scratch) -> None:
        lane, part = index // len(parts), parts[index % len(parts)]
        own = part.groups, slice(None), part.rows
        for group in image_groups[
            lane * len(image_groups) // lanes : (lane + 1) * len(image_groups) // lanes
        ]:
            _gradients(
                part.layer,
                dout[group, part.filters],
                x[group, part.channels],
                filters[own],
                dx[group, part.channels],
                dw_parts[lane][own],
                scratch,
            )
            if part is parts[0]:
                db_parts[lane] += sum_per_channel(dout[group])

    scratch_bytes = parts[0].layer.scratch_bytes(
        _longest(image_groups), max(s.count for s in parts[0].layer.strips)
    )
    run_blocks(
        compute,
        lanes * len(parts),
        buffer_size=layer.whole.buffer_size,
        most_threads=2 * (x.nbytes + dout.nbytes) // scratch_bytes,
    )
    return dx, dw_parts.sum(axis=0).reshape(w.shape), db_parts.sum(axis=0)
