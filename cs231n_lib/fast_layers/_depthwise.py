"""Depthwise convolution: every channel by filters of its own, tap by tap.

A matrix product has nothing to share here, one channel meets few filters. In `FlatLayout` each tap
is a multiplication of long runs by one number per channel, and an addition.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from cs231n_lib.fast_layers._flat import FlatLayout
from cs231n_lib.fast_layers._params import ConvGeometry
from cs231n_lib.fast_layers._threads import Scratch, cut, run_blocks

__all__ = ["backward", "forward", "suits"]

FloatArray = npt.NDArray[np.floating[Any]]

# The part of the output in work at a time, in bytes: a quarter of a second-level cache of 1 MB, as
# the image and the products lie beside it.
BLOCK_BYTES = 128 * 1024
MIN_BLOCKS = 8


def suits(geometry: ConvGeometry, channels: int) -> bool:
    """Say whether every channel is a group of its own."""
    return geometry.groups == channels


def _cut_maps(
    images: int, channels: int, layout: FlatLayout, itemsize: int
) -> tuple[list[slice], list[slice]]:
    """Cut images and channels so that a block of both fits the cache and there are some blocks."""
    maps = max(1, BLOCK_BYTES // (layout.pixels * itemsize))
    maps = max(1, min(maps, images * channels // MIN_BLOCKS))
    image_groups = cut(images, max(1, maps // channels))
    return image_groups, cut(channels, min(channels, maps))


def forward(
    x: FloatArray, w: FloatArray, b: FloatArray | None, geometry: ConvGeometry
) -> FloatArray:
    """Return the convolution of x (N, C, H, W) with w (C * M, 1, HH, WW) plus b."""
    images, channels = x.shape[:2]
    layout = FlatLayout(geometry, 0, geometry.out[0])
    out = np.empty((images, channels, len(w) // channels, *geometry.out), x.dtype)
    filters = w.reshape(channels, -1, *geometry.kernel)
    image_groups, channel_groups = _cut_maps(images, channels, layout, x.itemsize)

    def compute(index: int, scratch: Scratch) -> None:
        group = image_groups[index // len(channel_groups)]
        own = channel_groups[index % len(channel_groups)]
        flat = layout.load("x", x[group, own], scratch)
        total = scratch.empty("total", (*flat.shape[:2], layout.pixels), x.dtype)
        term = scratch.empty("term", total.shape, x.dtype)
        for m in range(filters.shape[1]):
            total[...] = 0 if b is None else b.reshape(channels, -1)[own, m, None]
            for tap in layout.taps:
                np.multiply(tap.under(flat), filters[own, m, *tap.at, None], out=term)
                total += term
            maps = total.reshape(*flat.shape[:2], layout.count, layout.row)
            out[group, own, m] = maps[..., : geometry.out[1]]

    blocks = len(image_groups) * len(channel_groups)
    run_blocks(compute, blocks, buffer_size=layout.buffer_size)
    return out.reshape(images, len(w), *geometry.out)


def backward(
    dout: FloatArray, x: FloatArray, w: FloatArray, geometry: ConvGeometry
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the gradients dx, dw and db."""
    images, channels = x.shape[:2]
    layout = FlatLayout(geometry, 0, geometry.out[0])
    filters = w.reshape(channels, -1, *geometry.kernel)
    douts = dout.reshape(images, channels, -1, *geometry.out)
    image_groups, channel_groups = _cut_maps(images, channels, layout, x.itemsize)
    dx = np.empty_like(x)
    dw_parts = np.empty((len(image_groups), *filters.shape), w.dtype)
    db_parts = np.empty((len(image_groups), *filters.shape[:2]), w.dtype)

    def compute(index: int, scratch: Scratch) -> None:
        lane, own = index // len(channel_groups), channel_groups[index % len(channel_groups)]
        group = image_groups[lane]
        flat = layout.load("x", x[group, own], scratch)
        dflat = scratch.empty("dx", flat.shape, x.dtype)
        dflat.fill(0)
        # Zero where windows run over the edge.
        dmaps = scratch.bordered("dout", (*flat.shape[:2], layout.count, layout.row), x.dtype)
        dy = dmaps.reshape(*flat.shape[:2], layout.pixels)
        term = scratch.empty("term", dy.shape, x.dtype)
        for m in range(filters.shape[1]):
            dmaps[..., : geometry.out[1]] = douts[group, own, m]
            db_parts[lane, own, m] = dy.sum(axis=2).sum(axis=0)
            for tap in layout.taps:
                np.multiply(dy, filters[own, m, *tap.at, None], out=term)
                under = tap.under(dflat)
                under += term
                products = np.matmul(tap.under(flat)[..., None, :], dy[..., None])
                dw_parts[lane, own, m, *tap.at] = products[..., 0, 0].sum(axis=0)
        layout.unload(dflat, dx[group, own])

    blocks = len(image_groups) * len(channel_groups)
    run_blocks(compute, blocks, buffer_size=layout.buffer_size)
    return dx, dw_parts.sum(axis=0).reshape(w.shape), db_parts.sum(axis=0).reshape(-1)
