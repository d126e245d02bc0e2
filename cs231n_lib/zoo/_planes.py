"""Where activations live while a network runs: channels-last arrays with a border of zeros.

Users see images as ``(N, C, H, W)``. Inside, channels come last: a 1×1 convolution is then one
matrix product over pixels, and a depthwise convolution works on runs of neighbouring numbers.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Block", "Border", "FloatArray", "Plane", "Shape", "cut_blocks", "same_border"]

FloatArray = npt.NDArray[np.floating[Any]]

# Numbers that one block of work writes: 256 KB in float32, a quarter of a usual second-level cache.
BLOCK_SIZE = 1 << 16
# A single image is cut into at least this many blocks, so that two threads have something to do.
MIN_BLOCKS = 4


@dataclass(frozen=True)
class Shape:
    """Height, width and channels of a layer's output."""

    height: int
    width: int
    channels: int


@dataclass(frozen=True)
class Border:
    """Rows and columns of zeros around an array."""

    top: int = 0
    left: int = 0
    bottom: int = 0
    right: int = 0

    def union(self, other: Border) -> Border:
        """Return the smallest border that contains both."""
        return Border(
            max(self.top, other.top),
            max(self.left, other.left),
            max(self.bottom, other.bottom),
            max(self.right, other.right),
        )


def same_border(height: int, width: int, kernel: int, stride: int) -> Border:
    """Return the border with which a convolution gives ``ceil(size / stride)`` outputs.

    TensorFlow's rule, under which EfficientNet was trained: where an odd number of zeros is needed,
    the extra one goes to the bottom and to the right.
    """

    def split(size: int) -> tuple[int, int]:
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        return total // 2, total - total // 2

    (top, bottom), (left, right) = split(height), split(width)
    return Border(top, left, bottom, right)


@dataclass(frozen=True)
class Block:
    """A part of a layer's output: some images, and of these some rows."""

    images: slice
    rows: slice


def cut_blocks(count: int, height: int, width: int, channels: int) -> list[Block]:
    """Cut ``count`` images of a shape into blocks that fit the cache, by shape alone.

    Large images are cut into rows; small ones are taken several at a time, which makes the matrix
    products taller.
    """
    rows = min(height, max(1, BLOCK_SIZE // (width * channels)))
    if count * -(-height // rows) < MIN_BLOCKS:
        rows = max(1, -(-height * count // MIN_BLOCKS))
    if rows < height:
        return [
            Block(slice(n, n + 1), part)
            for n in range(count)
            for part in _parts(height, -(-height // rows))
        ]
    group = max(1, BLOCK_SIZE // (height * width * channels))
    groups = max(-(-count // group), min(count, MIN_BLOCKS))
    return [Block(part, slice(0, height)) for part in _parts(count, groups)]


def _parts(length: int, count: int) -> Iterator[slice]:
    """Yield `count` slices of nearly the same length that together cover ``range(length)``."""
    for i in range(count):
        yield slice(length * i // count, length * (i + 1) // count)


class Plane:
    """A layer's output, or its gradient, for a batch: ``(N, H, W, C)`` inside a border of zeros.

    Parameters
    ----------
    count
        Number of images.
    shape
        Their height, width and channels.
    border
        The zeros around them that later layers will read.
    dtype
        float32 or float64.
    """

    __slots__ = ("border", "full", "inside", "shape")

    def __init__(self, count: int, shape: Shape, border: Border, dtype: npt.DTypeLike) -> None:
        self.shape = shape
        self.border = border
        top, left = border.top, border.left
        bottom, right = top + shape.height, left + shape.width
        size = (count, bottom + border.bottom, right + border.right, shape.channels)
        self.full: FloatArray = np.empty(size, dtype)
        self.inside = self.full[:, top:bottom, left:right]
        for edge in (
            self.full[:, :top],
            self.full[:, bottom:],
            self.full[:, top:bottom, :left],
            self.full[:, top:bottom, right:],
        ):
            edge.fill(0)

    def part(self, block: Block) -> FloatArray:
        """Return the images and rows of a block, as a view ``(n, rows, W, C)``."""
        return self.inside[block.images, block.rows]

    def window(self, images: slice, top: int, left: int) -> FloatArray:
        """Return a view that starts at row `top` and column `left` of the image.

        Both may be negative as far as the border reaches.
        """
        return self.full[images, self.border.top + top :, self.border.left + left :]
