"""The tiles of Winograd's minimal filtering F(2x2, 3x3): their layout and their transforms.

Everything but the matrix products is additions here, whose speed is that of the memory, so that
the layout decides. Inside a block, padded images are kept as (height, parity of the column, column
pair, image and channel). Every operand of an addition is then a few long runs, every matrix lies as
BLAS wants it, and even and odd columns need no gathering. The transposition in and out costs one
pass each. The transforms themselves are in `_winograd`'s docstring.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from cs231n_lib.fast_layers._threads import Scratch

__all__ = [
    "Block",
    "dout_tiles",
    "filters_to_tiles",
    "image_tiles",
    "load",
    "out_tiles",
    "planes",
    "store",
    "tiles_to_filters",
]

FloatArray = npt.NDArray[np.floating[Any]]

# Between arrays a power of two apart, which share a few sets of the cache: one of its lines of
# float32.
GAP = 16


@dataclass(frozen=True)
class Block:
    """Images `first` to `last` and tile rows `top` to `bottom`, which one thread computes."""

    first: int
    last: int
    top: int
    bottom: int


def planes(scratch: Scratch, name: str, shape: tuple[int, ...], dtype: np.dtype[Any]) -> FloatArray:
    """Return scratch memory of a shape, with a gap after each of the shape[0] planes."""
    size = math.prod(shape[1:])
    return scratch.empty(name, (shape[0], size + GAP), dtype)[:, :size].reshape(shape)


def load(
    name: str, x: FloatArray, pad: tuple[int, int], block: Block, columns: int, scratch: Scratch
) -> FloatArray:
    """Return the padded images of a block as (height, 2, columns + 1, images * channels).

    Its height covers the block's tile rows; pixel (h, 2s + p) of the padded image is at [h, p, s].
    """
    images, (_, channels, height, width) = block.last - block.first, x.shape
    top, lines = 2 * block.top, 2 * (block.bottom - block.top) + 2
    first, last = max(0, top - pad[0]), min(height, top + lines - pad[0])
    maps = images * channels
    # The block as it is, but with gaps: reading one pixel of each map would miss every time.
    pixels = planes(scratch, "flat", (maps, last - first, width), x.dtype)
    own = x[block.first : block.last, :, first:last]
    pixels.reshape(images, channels, last - first, width)[...] = own
    image = pixels.transpose(1, 2, 0)

    loaded = scratch.bordered(name, (lines, 2, columns + 1, maps), x.dtype)
    above = first + pad[0] - top
    below = above + last - first
    loaded[:above] = 0
    loaded[below:] = 0
    for parity in (0, 1):
        start = (parity - pad[1]) % 2
        at = (start + pad[1]) // 2
        part = image[:, start::2]
        loaded[above:below, parity, at : at + part.shape[1]] = part
    return loaded


def store(y: FloatArray, out: FloatArray, block: Block, top: int) -> None:
    """Write pixels y (rows, columns, images * F) of tile rows from `top` on to out (N, F, H, W)."""
    images, (_, filters, height, width) = block.last - block.first, out.shape
    rows = min(len(y), height - 2 * top)
    made = y[:rows, :width].reshape(rows, width, images, filters)
    out[block.first : block.last, :, 2 * top : 2 * top + rows] = made.transpose(2, 3, 0, 1)


def image_tiles(lines: FloatArray, rows: FloatArray, out: FloatArray) -> None:
    """Write B^T d B for the tiles on loaded lines to out (4, 4, tile rows, tile columns, maps).

    B^T d goes to `rows` (4, tile rows, 2, tile columns + 1, maps) on the way.
    """
    d0, d1, d2, d3 = lines[:-2:2], lines[1:-2:2], lines[2::2], lines[3::2]
    for target in (rows, out.swapaxes(0, 1)):
        np.subtract(d0, d2, out=target[0])
        np.add(d1, d2, out=target[1])
        np.subtract(d2, d1, out=target[2])
        np.subtract(d1, d3, out=target[3])
        even, odd = rows[:, :, 0], rows[:, :, 1]
        d0, d1, d2, d3 = even[:, :, :-1], odd[:, :, :-1], even[:, :, 1:], odd[:, :, 1:]


def dout_tiles(lines: FloatArray, start: int, rows: FloatArray, out: FloatArray) -> None:
    """Write A dY A^T for the tiles on loaded lines to out (4, 4, tile rows, tile columns, maps).

    The first tile begins at column `start`. A dY goes to `rows` (4, tile rows, 2, ...) on the way.
    """
    columns = out.shape[3]
    d0, d1 = lines[::2], lines[1::2]
    for target in (rows, out.swapaxes(0, 1)):
        target[0] = d0
        np.add(d0, d1, out=target[1])
        np.subtract(d0, d1, out=target[2])
        np.negative(d1, out=target[3])
        d0, d1 = (rows[:, :, at % 2, at // 2 : at // 2 + columns] for at in (start, start + 1))


def out_tiles(m: FloatArray, z: FloatArray, out: FloatArray) -> None:
    """Write A^T m A for m (4, 4, tile rows, tile columns, maps) to out (rows, columns, maps).

    m A goes to z (2, 4, tile rows, tile columns, maps) on the way; m is overwritten.
    """
    tile_rows, tile_columns, maps = m.shape[2:]
    y = out.reshape(tile_rows, 2, tile_columns, 2, maps).transpose(1, 3, 0, 2, 4)
    for (m0, m1, m2, m3), target in ((m.swapaxes(0, 1), z), (z.swapaxes(0, 1), y)):
        m3 += m2
        np.subtract(m1, m3, out=target[1])
        m1 += m2
        np.add(m0, m1, out=target[0])


def filters_to_tiles(w: FloatArray, out: FloatArray) -> None:
    """Write G g G^T for filters w (F, C, 3, 3) to out (4, 4, C, F)."""
    g = np.ascontiguousarray(w.transpose(2, 3, 1, 0))
    rows = np.empty((4, *g.shape[1:]), w.dtype)
    for source, target in ((g, rows), (rows.swapaxes(0, 1), out.swapaxes(0, 1))):
        target[0], target[3] = source[0], source[2]
        np.add(source[0], source[2], out=target[1])
        np.subtract(target[1], source[1], out=target[2])
        target[1] += source[1]
        target[1:3] *= w.dtype.type(0.5)


def tiles_to_filters(d: FloatArray) -> FloatArray:
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
