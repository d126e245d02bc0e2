"""Convolution with 3x3 filters at stride 1 by Winograd's minimal filtering, F(2x2, 3x3).

Four outputs of a 3x3 filter take 36 multiplications directly and 16 this way (Lavin and Gray, "Fast
algorithms for convolutional neural networks", 2016). With 4x4 tiles d of the image that overlap by
two, filters g and 2x2 tiles Y of the output,

    Y = A^T [ sum over channels (G g G^T) * (B^T d B) ] A

    B^T = 1  0 -1  0     G =  1    0    0      A^T = 1  1  1  0
          0  1  1  0         1/2  1/2  1/2           0  1 -1 -1
          0 -1  1  0         1/2 -1/2  1/2
          0  1  0 -1          0    0    1

The sum over channels is, for each of the 16 places of a tile, a matrix product of (tiles,
channels) and (channels, filters). Everything else is additions, whose speed is that of the memory,
so that the layout decides: inside a block, images are kept as (height, parity of the column, column
pair, image and channel). Every operand of an addition is then a few long runs, every matrix lies as
BLAS wants it, and even and odd columns need no gathering. The transposition in and out costs one
pass each.

The gradient of the image is the convolution of dout with the turned filters. That of the filters
is the transpose of the formula: dg = G^T [ sum over tiles (B^T d B) * (A dY A^T) ] G.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cs231n_lib.fast_layers._params import ConvGeometry
from cs231n_lib.fast_layers._threads import Scratch, run_blocks

__all__ = ["backward", "forward", "suits"]

FloatArray = npt.NDArray[np.floating[Any]]

MIN_CHANNELS = 16
# Pixels computed by the tiles per pixel of an image whose sides are odd.
MAX_WASTE = 1.6
# Filters must be transformed, too, which few and small images do not repay.
MIN_PIXELS_PER_WEIGHT = 4

# One of the 16 planes of a strip of tiles, in bytes: the four in work, their products and sums then
# stay in a second-level cache of 1 MB.
PLANE_BYTES = 64 * 1024
# Images and their channels that share a run of memory: shorter runs make the additions slow.
RUN_LENGTH = 256
# What a thread loads at once, and how many such blocks there should be at least for a fair share.
BLOCK_BYTES = 2 * 1024 * 1024
MIN_BLOCKS = 8
# OpenBLAS multiplies matrices without packing them first up to this product of the three sizes.
SMALL_PRODUCT = 1_000_000
# Partial sums of the filters' gradient. Fixed, as the order of a sum decides its last digits.
MAX_LANES = 8


def suits(x_shape: tuple[int, ...], geometry: ConvGeometry, filters: int) -> bool:
    """Say whether this is the faster way for a convolution (and possible at all)."""
    g = geometry
    images, channels = x_shape[:2]
    if (g.kernel, g.stride, g.dilation, g.groups) != ((3, 3), (1, 1), (1, 1), 1):
        return False
    if max(g.pad) > 2 or min(channels, filters) < MIN_CHANNELS:
        return False
    for height, width in (g.out, g.image):
        if 4 * _tiles(height) * _tiles(width) > MAX_WASTE * height * width:
            return False
    pixels = images * (channels * g.image[0] * g.image[1] + filters * g.out[0] * g.out[1])
    return pixels >= MIN_PIXELS_PER_WEIGHT * 9 * channels * filters


def _tiles(size: int) -> int:
    return (size + 1) // 2


@dataclass(frozen=True)
class _Block:
    """Images `first` to `last` and tile rows `top` to `bottom`, which one thread computes."""

    first: int
    last: int
    top: int
    bottom: int


@dataclass(frozen=True)
class _Plan:
    """How a layer is cut: by its shapes alone, never by the machine."""

    blocks: tuple[_Block, ...]
    strip: int

    @classmethod
    def of(
        cls, images: int, channels: int, rows: int, columns: int, dtype: np.dtype[Any]
    ) -> "_Plan":
        """Cut `images` of `rows` times `columns` tiles; `channels` is the larger of both counts."""
        strip_tiles = max(1, PLANE_BYTES // (channels * dtype.itemsize))
        group = max(RUN_LENGTH // channels, strip_tiles // (rows * columns), 1)
        group = max(1, min(group, images // MIN_BLOCKS))
        strip = max(1, min(rows, round(strip_tiles / (columns * group))))
        row_bytes = 4 * columns * group * channels * dtype.itemsize
        height = max(1, min(rows, BLOCK_BYTES // row_bytes) // strip) * strip
        groups = -(-images // group)
        if groups * -(-rows // height) < MIN_BLOCKS:
            height = max(1, -(-rows * groups // (MIN_BLOCKS * strip))) * strip
        blocks = tuple(
            _Block(n, min(n + group, images), r, min(r + height, rows))
            for n in range(0, images, group)
            for r in range(0, rows, height)
        )
        return cls(blocks, strip)


def _transform_filters(w: FloatArray) -> FloatArray:
    """Return G g G^T for all filters w (F, C, 3, 3) as (4, 4, C, F)."""
    g = np.ascontiguousarray(w.transpose(2, 3, 1, 0))
    rows = np.empty((4, *g.shape[1:]), w.dtype)
    out = np.empty((4, 4, *g.shape[2:]), w.dtype)
    for source, target in ((g, rows), (rows.swapaxes(0, 1), out.swapaxes(0, 1))):
        target[0], target[3] = source[0], source[2]
        np.add(source[0], source[2], out=target[1])
        np.subtract(target[1], source[1], out=target[2])
        target[1] += source[1]
        target[1:3] *= w.dtype.type(0.5)
    return out


def _transform_filters_back(d: FloatArray) -> FloatArray:
    """Return G^T d G for d (4, 4, C, F) as (F, C, 3, 3)."""
    rows = np.empty((3, *d.shape[1:]), d.dtype)
    out = np.empty((3, 3, *d.shape[2:]), d.dtype)
    for source, target in ((d, rows), (rows.swapaxes(0, 1), out.swapaxes(0, 1))):
        np.add(source[1], source[2], out=target[0])
        np.subtract(source[1], source[2], out=target[1])
        target[:2] *= d.dtype.type(0.5)
        np.add(source[3], target[0], out=target[2])
        target[0] += source[0]
    return out.transpose(3, 2, 0, 1)


def _maps(x: FloatArray) -> FloatArray:
    """View x (N, C, H, W) as its N * C maps."""
    return x.reshape(-1, *x.shape[2:])


def _load(
    name: str, x: FloatArray, pad: tuple[int, int], block: _Block, columns: int, scratch: Scratch
) -> FloatArray:
    """Return the padded images of a block as (height, 2, columns + 1, images * channels).

    Its height covers the block's tile rows; pixel (h, 2s + p) of the padded image is at [h, p, s].
    """
    _, channels, height, width = x.shape
    top, lines = 2 * block.top, 2 * (block.bottom - block.top) + 2
    first, last = max(0, top - pad[0]), min(height, top + lines - pad[0])
    planes = (block.last - block.first) * channels
    # The block as it is, with a gap after each plane: planes a power of two apart share a few sets
    # of the cache, and reading one pixel of each would miss every time.
    size = (last - first) * width
    flat = scratch.empty("flat", (planes, size + 16), x.dtype)
    pixels = flat[:, :size].reshape(planes, last - first, width)
    pixels[...] = _maps(x)[block.first * channels : block.last * channels, first:last]
    image = pixels.transpose(1, 2, 0)

    loaded = scratch.bordered(name, (lines, 2, columns + 1, planes), x.dtype)
    above = first + pad[0] - top
    loaded[:above] = 0
    loaded[above + last - first :] = 0
    for parity in (0, 1):
        start = (parity - pad[1]) % 2
        at = (start + pad[1]) // 2
        part = image[:, start::2]
        loaded[above : above + last - first, parity, at : at + part.shape[1]] = part
    return loaded


def _input_rows(lines: FloatArray, i: int, out: FloatArray) -> None:
    """Row i of B^T d for the tiles on `lines`."""
    d0, d1, d2, d3 = lines[:-2:2], lines[1:-2:2], lines[2::2], lines[3::2]
    if i == 0:
        np.subtract(d0, d2, out=out)
    elif i == 1:
        np.add(d1, d2, out=out)
    elif i == 2:
        np.subtract(d2, d1, out=out)
    else:
        np.subtract(d1, d3, out=out)


def _input_columns(rows: FloatArray, out: FloatArray) -> None:
    """All four columns of (B^T d) B from one row of B^T d."""
    even, odd = rows[:, 0], rows[:, 1]
    d0, d1, d2, d3 = even[:, :-1], odd[:, :-1], even[:, 1:], odd[:, 1:]
    np.subtract(d0, d2, out=out[0])
    np.add(d1, d2, out=out[1])
    np.subtract(d2, d1, out=out[2])
    np.subtract(d1, d3, out=out[3])


def _planes(
    scratch: Scratch, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]
) -> FloatArray:
    """Planes (shape[0] of them) with a gap between, lest they be a power of two apart."""
    size = int(np.prod(shape[1:]))
    memory = scratch.empty(name, (shape[0], size + 16), dtype)
    return memory[:, :size].reshape(shape)


def _product_rows(tiles: int, channels: int, filters: int) -> int:
    """Rows that a matrix product takes at once: few enough for the product to count as small."""
    for parts in range(1, tiles + 1):
        if tiles % parts == 0 and tiles // parts * channels * filters <= SMALL_PRODUCT:
            return tiles // parts if tiles // parts >= 32 else tiles
    return tiles


def _convolve(
    loaded: FloatArray,
    u: FloatArray,
    bias: FloatArray | None,
    out: FloatArray,
    block: _Block,
    strip: int,
    scratch: Scratch,
) -> None:
    """Write the block's part of the convolution into `out` (N, F, H, W)."""
    dtype = out.dtype
    columns, (channels, filters) = loaded.shape[2] - 1, u.shape[2:]
    images = block.last - block.first
    height, width = out.shape[2:]
    run = images * filters
    for top in range(block.top, block.bottom, strip):
        rows = min(strip, block.bottom - top)
        tiles = rows * columns * images
        at = 2 * (top - block.top)
        lines = loaded[at : at + 2 * rows + 2]
        r = scratch.empty("rows", (rows, 2, columns + 1, images * channels), dtype)
        v = _planes(scratch, "v", (4, rows, columns, images * channels), dtype)
        m = _planes(scratch, "m", (4, tiles, filters), dtype)
        z = _planes(scratch, "z", (8, rows, columns, run), dtype)
        chunk = _product_rows(tiles, channels, filters)
        v_chunks = v.reshape(4, tiles // chunk, chunk, channels)
        m_chunks = m.reshape(4, tiles // chunk, chunk, filters)
        m0, m1, m2, m3 = m.reshape(4, rows, columns, run)
        for i in range(4):
            _input_rows(lines, i, r)
            _input_columns(r, v)
            np.matmul(v_chunks, u[i][:, None], out=m_chunks)
            if i == 1 and bias is not None:
                # A^T m A spreads this place, and no other, over all four outputs with weight 1.
                m1 += bias
            np.add(m1, m2, out=z[2 * i])
            z[2 * i] += m0
            np.subtract(m1, m2, out=z[2 * i + 1])
            z[2 * i + 1] -= m3
        y = scratch.empty("y", (2 * rows, 2 * columns, run + 16), dtype)[:, :, :run]
        for j in (0, 1):
            z0, z1, z2, z3 = z[j::2]
            np.add(z1, z2, out=m0)
            np.add(m0, z0, out=y[0::2, j::2])
            np.subtract(z1, z2, out=m0)
            np.subtract(m0, z3, out=y[1::2, j::2])
        bottom = min(height, 2 * (top + rows))
        maps = _maps(out)[block.first * filters : block.last * filters]
        maps[:, 2 * top : bottom] = y[: bottom - 2 * top, :width].transpose(2, 0, 1)


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
        loaded = _load("x", x, geometry.pad, block, columns, scratch)
        _convolve(loaded, u, bias, out, block, plan.strip, scratch)

    run_blocks(compute, len(plan.blocks))
    return out


def _lanes(blocks: int, pixels: int, weights: int) -> int:
    """Return how many partial sums of dw to keep: all together small beside x and dout."""
    return max(1, min(blocks, MAX_LANES, pixels // (2 * weights)))


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

    The first tile of dout lies at `offset` (row, column) of `loaded_dout`.
    """
    dtype, columns = du.dtype, loaded.shape[2] - 1
    channels, filters = du.shape[2:]
    run, dout_run = loaded.shape[3], loaded_dout.shape[3]
    even_at, odd_at = offset[1], offset[1] + 1
    part = scratch.empty("part", (4, channels, filters), dtype)
    for top in range(0, rows, strip):
        count = min(strip, rows - top)
        tiles = count * columns * (run // channels)
        r = scratch.empty("rows", (count, 2, columns + 1, run), dtype)
        v = _planes(scratch, "v", (4, count, columns, run), dtype)
        d = _planes(scratch, "m", (4, count, columns, dout_run), dtype)
        d_rows = scratch.empty("d_rows", (count, *loaded_dout.shape[1:]), dtype)
        lines = loaded_dout[offset[0] + 2 * top : offset[0] + 2 * (top + count)]
        for i in range(4):
            _input_rows(loaded[2 * top : 2 * (top + count) + 2], i, r)
            _input_columns(r, v)
            if i == 1:
                a_d = np.add(lines[::2], lines[1::2], out=d_rows)
            elif i == 2:
                a_d = np.subtract(lines[::2], lines[1::2], out=d_rows)
            else:
                a_d = lines[i // 3 :: 2]
            even = a_d[:, even_at % 2, even_at // 2 : even_at // 2 + columns]
            odd = a_d[:, odd_at % 2, odd_at // 2 : odd_at // 2 + columns]
            d[0] = even
            np.add(even, odd, out=d[1])
            np.subtract(even, odd, out=d[2])
            np.negative(odd, out=d[3])
            np.matmul(
                v.reshape(4, tiles, channels).swapaxes(1, 2), d.reshape(4, tiles, filters), out=part
            )
            if i == 3:
                du[i] -= part
            else:
                du[i] += part


def backward(
    dout: FloatArray, x: FloatArray, w: FloatArray, geometry: ConvGeometry
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the gradients dx, dw and db."""
    images, channels, height, width = x.shape
    filters = w.shape[0]
    dx = np.empty_like(x)
    turned = _transform_filters(w[:, :, ::-1, ::-1].swapaxes(0, 1))
    pad = 2 - geometry.pad[0], 2 - geometry.pad[1]
    rows, columns = _tiles(height), _tiles(width)
    dout_rows, dout_columns = map(_tiles, geometry.out)
    plan = _Plan.of(images, max(channels, filters), rows, columns, x.dtype)
    lanes = _lanes(len(plan.blocks), x.size + dout.size, w.size)
    dw_parts = np.empty((lanes, *w.shape), w.dtype)
    db_parts = np.zeros((lanes, filters), w.dtype)

    def compute(lane: int, scratch: Scratch) -> None:
        du = scratch.empty("du", (4, 4, channels, filters), w.dtype)
        du.fill(0)
        for index in range(
            lane * len(plan.blocks) // lanes, (lane + 1) * len(plan.blocks) // lanes
        ):
            block = plan.blocks[index]
            loaded_dout = _load("dout", dout, pad, block, columns, scratch)
            _convolve(loaded_dout, turned, None, dx, block, plan.strip, scratch)
            # The tiles of dout: as many as those of dx, but for one more or less at the far end.
            end = dout_rows if block.bottom == rows else min(block.bottom, dout_rows)
            own = _Block(block.first, block.last, block.top, end)
            loaded = _load("x", x, geometry.pad, own, dout_columns, scratch)
            _correlate(loaded, loaded_dout, pad, du, end - block.top, plan.strip, scratch)
            maps = _maps(dout)[
                block.first * filters : block.last * filters, 2 * block.top : 2 * end
            ]
            db_parts[lane] += maps.sum(axis=(1, 2)).reshape(-1, filters).sum(axis=0)
        dw_parts[lane] = _transform_filters_back(du)

    run_blocks(compute, lanes)
    return dx, dw_parts.sum(axis=0), db_parts.sum(axis=0)
