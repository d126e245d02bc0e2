"""Convolution with 3x3 filters at stride 1 by Winograd's minimal filtering, F(2x2, 3x3).

Four outputs of a 3x3 filter take 36 multiplications directly and 16 this way (Lavin and Gray, "Fast
algorithms for convolutional neural networks", 2016). With 4x4 tiles d of the image that overlap by
two, filters g and 2x2 tiles Y of the output,

    Y = A^T [ sum over channels (G g G^T) * (B^T d B) ] A

    B^T = 1  0 -1  0     G =  1    0    0      A^T = 1  1  1  0
          0  1  1  0         1/2  1/2  1/2           0  1 -1 -1
          0 -1  1  0         1/2 -1/2  1/2
          0  1  0 -1          0    0    1

The sum over channels is, for each of the 16 places of a tile, a matrix product of (tiles, channels)
and (channels, filters). Strips of tiles go through all steps at once and stay in the cache.

The gradient of the image is the convolution of dout with the turned filters. That of the filters
is the transpose of the formula: dg = G^T [ sum over tiles (B^T d B) * (A dY A^T) ] G.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cs231n_lib.fast_layers._params import ConvGeometry
from cs231n_lib.fast_layers._threads import IN_PLACE, Scratch, cut, run_blocks, sum_per_channel
from cs231n_lib.fast_layers._tiles import (
    Block,
    dout_tiles,
    filters_to_tiles,
    image_tiles,
    load,
    out_tiles,
    planes,
    store,
    tiles_to_filters,
)

__all__ = ["backward", "forward", "suits"]

FloatArray = npt.NDArray[np.floating[Any]]

# With fewer channels or filters the transforms cost more than the products save, and with fewer
# pixels those of the filters do.
MIN_CHANNELS = 12
MIN_PIXELS = 512
# Pixels computed by the tiles per pixel of an image whose sides are odd.
MAX_WASTE = 1.6

# One of the 16 planes of a strip of tiles, in bytes. All of them and their products are two to
# three times a second-level cache of 1 MB: what smaller ones would gain there, they lose to more
# calls and, with them, to more waiting for the interpreter lock.
PLANE_BYTES = 64 * 1024
# Images and their channels that share a run of memory: shorter runs make the additions slow.
RUN_LENGTH = 256
# What a thread loads at once, and how many such blocks there should be at least for a fair share.
BLOCK_BYTES = 2 * 1024 * 1024
MIN_BLOCKS = 8
# OpenBLAS multiplies matrices without packing them first up to this product of the three sizes.
SMALL_PRODUCT = 1_000_000
# Shares of the work of a backward pass, and the channels that one has at least.
SHARES = 4
MIN_SHARE = 32
# Filters are transformed in portions of this size.
FILTER_BYTES = 256 * 1024


def suits(x_shape: tuple[int, ...], geometry: ConvGeometry, filters: int) -> bool:
    """Say whether this is the faster way for a convolution (and possible at all)."""
    g = geometry
    if (g.kernel, g.stride, g.dilation, g.groups) != ((3, 3), (1, 1), (1, 1), 1):
        return False
    if max(g.pad) > 2 or min(x_shape[1], filters) < MIN_CHANNELS:
        return False
    for height, width in (g.out, g.image):
        if 4 * _tiles(height) * _tiles(width) > MAX_WASTE * height * width:
            return False
    return x_shape[0] * g.out[0] * g.out[1] >= MIN_PIXELS


def _tiles(size: int) -> int:
    return (size + 1) // 2


@dataclass(frozen=True)
class _Plan:
    """How a layer is cut: by its shapes alone, never by the machine."""

    blocks: tuple[Block, ...]
    strip: int
    scratch_bytes: int

    @classmethod
    def of(
        cls, images: int, channels: int, rows: int, columns: int, dtype: np.dtype[Any]
    ) -> "_Plan":
        """Cut `images` of `rows` times `columns` tiles; `channels` is the larger of both counts."""
        pixel_bytes = channels * dtype.itemsize
        tiles = images * rows * columns
        strip_tiles = min(PLANE_BYTES // pixel_bytes, tiles // (2 * MIN_BLOCKS))
        group = max(RUN_LENGTH // channels, strip_tiles // (rows * columns))
        group = max(1, min(group, images // MIN_BLOCKS))
        strip = max(1, min(rows, round(strip_tiles / (columns * group))))
        # A block is some strips high, so that it is no larger than needed and blocks are enough.
        row_bytes = 4 * columns * group * pixel_bytes
        groups = -(-images // group)
        strips = min(BLOCK_BYTES // (row_bytes * strip), rows * groups // (MIN_BLOCKS * strip))
        height = max(1, strips) * strip
        blocks = tuple(
            Block(n.start, n.stop, r.start, r.stop)
            for n in cut(images, group)
            for r in cut(rows, height)
        )
        # A block as it is and as loaded, and the planes of a strip: v, m and rows.
        loaded = (2 * min(rows, height) + 2) * (2 * columns + 2) * group * pixel_bytes
        return cls(blocks, strip, 2 * loaded + 42 * strip * columns * group * pixel_bytes)


def _transform_filters(w: FloatArray) -> FloatArray:
    """Return G g G^T for all filters w (F, C, 3, 3) as (4, 4, C, F)."""
    filters, channels = w.shape[:2]
    out = np.empty((4, 4, channels, filters), w.dtype)
    parts = cut(channels, max(1, FILTER_BYTES // (9 * filters * w.itemsize)))

    def compute(index: int, scratch: Scratch) -> None:
        filters_to_tiles(w[:, parts[index]], out[:, :, parts[index]])

    run_blocks(compute, len(parts), buffer_size=IN_PLACE)
    return out


def _product_rows(tiles: int, channels: int, filters: int) -> int:
    """Rows that a matrix product takes at once: few enough for the product to count as small."""
    for parts in range(1, tiles // 32 + 1):
        if tiles % parts == 0 and tiles // parts * channels * filters <= SMALL_PRODUCT:
            return tiles // parts
    return tiles


def _convolve(
    loaded: FloatArray,
    u: FloatArray,
    bias: FloatArray | None,
    out: FloatArray,
    block: Block,
    strip: int,
    scratch: Scratch,
) -> None:
    """Write the block's part of the convolution of loaded images into `out` (N, F, H, W)."""
    dtype, columns = out.dtype, loaded.shape[2] - 1
    images, (channels, filters) = block.last - block.first, u.shape[2:]
    run = images * filters
    for top in range(block.top, block.bottom, strip):
        rows = min(strip, block.bottom - top)
        tiles = rows * columns * images
        at = 2 * (top - block.top)
        lines = loaded[at : at + 2 * rows + 2]
        r = scratch.empty("rows", (4, rows, *loaded.shape[1:]), dtype)
        v = planes(scratch, "v", (16, rows, columns, images * channels), dtype)
        m = planes(scratch, "m", (16, rows, columns, run), dtype)
        image_tiles(lines, r, _as_tiles(v, 4))
        part = _product_rows(tiles, channels, filters)
        np.matmul(
            v.reshape(16, tiles // part, part, channels),
            u.reshape(16, 1, channels, filters),
            out=m.reshape(16, tiles // part, part, filters),
        )
        if bias is not None:
            # A^T m A spreads place (1, 1), and no other, over all four outputs with weight 1.
            m[5] += bias
        # v and r have done their part, and their memory is in the cache.
        z = planes(scratch, "v", (8, rows, columns, run), dtype)
        y = planes(scratch, "rows", (2 * rows * 2 * columns, run), dtype)
        y = y.reshape(2 * rows, 2 * columns, run)
        out_tiles(_as_tiles(m, 4), _as_tiles(z, 2), y)
        store(y, out, block, top)


def _as_tiles(planes: FloatArray, height: int) -> FloatArray:
    """View planes of the places of a tile by row and column of the tile."""
    return planes.reshape(height, -1, *planes.shape[1:])


def forward(
    x: FloatArray, w: FloatArray, b: FloatArray | None, geometry: ConvGeometry
) -> FloatArray:
    """Return the convolution of x (N, C, H, W) with w (F, C, 3, 3) plus b, as (N, F, H', W')."""
    images, channels = x.shape[:2]
    out = np.empty((images, w.shape[0], *geometry.out), x.dtype)
    rows, columns = map(_tiles, geometry.out)
    plan = _Plan.of(images, max(channels, w.shape[0]), rows, columns, x.dtype)
    u = _transform_filters(w)

    def compute(index: int, scratch: Scratch) -> None:
        block = plan.blocks[index]
        bias = None if b is None else np.tile(b, block.last - block.first)
        loaded = load("x", x, geometry.pad, block, columns, scratch)
        _convolve(loaded, u, bias, out, block, plan.strip, scratch)

    threads = (x.nbytes + out.nbytes) * 3 // 2 // plan.scratch_bytes
    run_blocks(compute, len(plan.blocks), buffer_size=IN_PLACE, most_threads=threads)
    return out


def _correlate(
    loaded: FloatArray,
    loaded_dout: FloatArray,
    offset: tuple[int, int],
    du: FloatArray,
    rows: int,
    strip: int,
    scratch: Scratch,
) -> None:
    """Add the products of a block's transformed image and dout tiles to du (4, 4, C, F).

    The first of the `rows` rows of tiles of dout lies at `offset` (row, column) of `loaded_dout`.
    """
    dtype, columns = du.dtype, loaded.shape[2] - 1
    channels, filters = du.shape[2:]
    run, dout_run = loaded.shape[3], loaded_dout.shape[3]
    part = scratch.empty("part", (16, channels, filters), dtype)
    for top in range(0, rows, strip):
        count = min(strip, rows - top)
        tiles = count * columns * (run // channels)
        r = scratch.empty("rows", (4, count, *loaded.shape[1:]), dtype)
        v = planes(scratch, "v", (16, count, columns, run), dtype)
        image_tiles(loaded[2 * top : 2 * (top + count) + 2], r, _as_tiles(v, 4))
        r = scratch.empty("rows", (4, count, *loaded_dout.shape[1:]), dtype)
        d = planes(scratch, "m", (16, count, columns, dout_run), dtype)
        lines = loaded_dout[offset[0] + 2 * top : offset[0] + 2 * (top + count)]
        dout_tiles(lines, offset[1], r, _as_tiles(d, 4))
        np.matmul(
            v.reshape(16, tiles, channels).swapaxes(1, 2),
            d.reshape(16, tiles, filters),
            out=part,
        )
        du += part.reshape(du.shape)


def backward(
    dout: FloatArray, x: FloatArray, w: FloatArray, geometry: ConvGeometry
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the gradients dx, dw and db."""
    (images, channels, height, width), filters = x.shape, w.shape[0]
    dx = np.empty_like(x)
    pad = 2 - geometry.pad[0], 2 - geometry.pad[1]
    rows, columns = _tiles(height), _tiles(width)
    dout_rows, dout_columns = map(_tiles, geometry.out)
    plan = _Plan.of(images, max(channels, filters), rows, columns, x.dtype)
    # Each lane sums dw over some blocks. As these sums together must be small beside x and dout,
    # few images have few lanes; their work is shared by channels then. The number is fixed by the
    # shapes, as the order of a sum decides its last digits.
    most = min(len(plan.blocks), MIN_BLOCKS, (x.size + dout.size) // w.size)
    lanes = 1 << max(0, most.bit_length() - 1)
    parts = cut(channels, max(MIN_SHARE, -(-channels * lanes // SHARES)))
    turned = _transform_filters(w[:, :, ::-1, ::-1].swapaxes(0, 1))
    dw_lanes = np.empty((lanes, *w.shape), w.dtype)
    db_lanes = np.zeros((lanes, filters), w.dtype)

    def compute(index: int, scratch: Scratch) -> None:
        lane, own = index // len(parts), parts[index % len(parts)]
        du = scratch.empty("du", (4, 4, own.stop - own.start, filters), w.dtype)
        du.fill(0)
        first, last = (n * len(plan.blocks) // lanes for n in (lane, lane + 1))
        for block in plan.blocks[first:last]:
            loaded_dout = load("dout", dout, pad, block, columns, scratch)
            _convolve(loaded_dout, turned[..., own], None, dx[:, own], block, plan.strip, scratch)
            # The tiles of dout: as many as those of dx, but for one more or less at the far end.
            end = dout_rows if block.bottom == rows else min(block.bottom, dout_rows)
            dout_block = Block(block.first, block.last, block.top, end)
            loaded = load("x", x[:, own], geometry.pad, dout_block, dout_columns, scratch)
            _correlate(loaded, loaded_dout, pad, du, end - block.top, plan.strip, scratch)
            if own.start == 0:
                pixels = dout[block.first : block.last, :, 2 * block.top : 2 * end]
                db_lanes[lane] += sum_per_channel(pixels)
        dw_lanes[lane, :, own] = tiles_to_filters(du)

    part_bytes = 20 * (parts[0].stop - parts[0].start) * filters * w.itemsize
    threads = (2 * x.nbytes + dout.nbytes) // (plan.scratch_bytes * 3 // 2 + part_bytes)
    run_blocks(compute, lanes * len(parts), buffer_size=IN_PLACE, most_threads=threads)
    return dx, dw_lanes.sum(axis=0) if lanes > 1 else dw_lanes[0], db_lanes.sum(axis=0)
