"""Where an array is off: a small map in coarse steps, for the picture on a feedback page.

A map is made from the expected values of a hidden check and read by a student, who may hand in
again and meet the same inputs. This is what any number of gradings can tell them:

- *Right or not* answers "is this the value?", and takes the value to ask. Where only a few values
  are possible (labels, masks, counts) one could ask them all, so whole numbers get no map.
- *A little or a lot*, with an edge at 10 % say, answers "is it within 10 %?"; moving an entry from
  one side of the edge to the other brackets the value, for all entries at once, in thirty gradings.
  So the edge is no fixed one: every answer has its own, somewhere from 3 to 30 %, from a hash of
  it and the expected array, which nobody foresees who does not know the latter. Moving an entry
  then says as much about the edge as about the value.
- *Of the wrong sign* tells the sign of an expected value, and never more than that.

Whether an entry is too large or too small is not in it: that would lead to the value by halving.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["MAX_CELLS", "ErrorMap", "Layout", "error_map"]

MAX_CELLS = 32
"""Cells along one side of a map, at most; more entries are pooled, the worst one counting."""
MIN_ENTRIES = 4
RIGHT, LITTLE, LOT, SIGN, NOT_FINITE = range(5)
_EDGES = (0.03, 0.3)
# Squares that a block keeps at least, along one side; pixels that an RGB image has at least.
_BLOCK, _IMAGE = 4, 8


@dataclass(frozen=True)
class ErrorMap:
    """Which entries of an array are off, and in which of a few steps.

    Attributes
    ----------
    name
        What the array is called in the check's message.
    shape
        Its shape.
    wrong
        How many of its entries are off.
    place
        Where all of these lie, in words, such as ``only in column 2``; empty where words do not
        tell.
    cells
        The rows of the map, a digit for each cell: 0 right, 1 off by a little, 2 off by a lot, 3
        of the wrong sign, 4 not finite. Blocks are set off by blanks and empty rows, as
        :class:`Layout` lays them out.
    """

    name: str
    shape: tuple[int, ...]
    wrong: int
    place: str
    cells: tuple[str, ...]

    @property
    def size(self) -> int:
        """How many entries the array has."""
        return math.prod(self.shape)

    @property
    def pooled(self) -> bool:
        """Whether a cell stands for several entries."""
        text = "".join(self.cells)
        return len(text) - text.count(" ") < self.size

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> ErrorMap:
        """Return a map from what JSON made of it.

        Raises
        ------
        TypeError, ValueError
            If that is no map.
        """
        own = cls(**{**fields, "shape": tuple(fields["shape"]), "cells": tuple(fields["cells"])})
        blocks = [block.split("\n") for block in "\n".join(own.cells).split("\n\n")]
        widths = {tuple(map(len, row.split(" "))) for rows in blocks for row in rows}
        even = len(widths) == len(set(map(len, blocks))) == len(set(*widths) - {0}) == 1
        small = max(len(own.cells), *map(len, own.cells)) < 2 * MAX_CELLS
        if not (even and small and set("".join(own.cells)) <= set("01234 ") and 0 not in own.shape):
            raise ValueError("its map of errors is none")
        return own


@dataclass(frozen=True)
class Layout:
    """How the axes of an array lie in the plane: blocks down and across, and rows and columns.

    A matrix is one block. Of more axes the last two are rows and columns of a block, but for RGB
    images, whose channels become blocks; what is before the last three runs down.

    Attributes
    ----------
    down, rows, across, columns
        Axes of the array, in this order when it is transposed.
    """

    down: tuple[int, ...]
    rows: tuple[int, ...]
    across: tuple[int, ...]
    columns: tuple[int, ...]

    @classmethod
    def of(cls, shape: tuple[int, ...]) -> Layout:
        """Return the layout of an array of a shape.

        Examples
        --------
        >>> Layout.of((2, 3, 5, 7))
        Layout(down=(0,), rows=(2,), across=(1,), columns=(3,))
        """
        n = len(shape)
        axes = tuple(range(n))
        if n < 3:
            return cls((), axes[:-1], (), axes[-1:])
        if n < 5 and shape[-1] == 3 and min(shape[-3:-1]) >= _IMAGE:
            return cls(axes[:-3], (n - 3,), (n - 1,), (n - 2,))
        return cls(axes[: max(n - 3, 1)], (n - 2,), axes[max(n - 3, 1) : n - 2], (n - 1,))

    def sizes(self, shape: tuple[int, ...]) -> tuple[int, int, int, int]:
        """Return how many entries of an array lie down, in rows, across, and in columns."""
        groups = (self.down, self.rows, self.across, self.columns)
        blocks_down, rows, blocks_across, columns = (
            math.prod(shape[axis] for axis in group) for group in groups
        )
        return blocks_down, rows, blocks_across, columns


def error_map(
    name: str, actual: NDArray[Any], expected: NDArray[Any], wrong: NDArray[np.bool_]
) -> ErrorMap | None:
    r"""Return where an array is off, or ``None`` where that says nothing or too much.

    An entry is off by a lot if :math:`|a - e| / \max(|a|, |e|)` is above the map's edge.

    Parameters
    ----------
    name
        What the array is called.
    actual, expected
        Of the same shape, in double precision.
    wrong
        Which entries are outside the check's tolerance.
    """
    if actual.size < MIN_ENTRIES or not wrong.any() or _few_values(expected):
        return None
    with np.errstate(all="ignore"):
        relative = np.abs(actual - expected) / np.maximum(np.abs(actual), np.abs(expected))
        opposite = np.sign(actual.real) * np.sign(expected.real) < 0
    levels = np.full(actual.shape, LOT, np.uint8)
    levels[relative < _edge(actual, expected)] = LITTLE
    if np.isrealobj(actual) and np.isrealobj(expected):
        levels[opposite] = SIGN
    levels[~np.isfinite(actual)] = NOT_FINITE
    levels[~wrong] = RIGHT
    layout = Layout.of(actual.shape)
    sizes = layout.sizes(actual.shape)
    order = (*layout.down, *layout.rows, *layout.across, *layout.columns)
    cells = _pooled(levels.transpose(order).reshape(sizes))
    if cells.min() == cells.max():
        return None  # off everywhere alike: the message says that
    shape = tuple(int(n) for n in actual.shape)
    return ErrorMap(name, shape, int(wrong.sum()), _place(wrong, layout), _text(cells))


def _few_values(expected: NDArray[Any]) -> bool:
    """Whether the expected values could be found by asking one after the other."""
    with np.errstate(all="ignore"):
        whole = expected == np.round(expected)
        two = (expected == expected.min()) | (expected == expected.max())
    return bool(whole.all() or two.all())


def _edge(actual: NDArray[Any], expected: NDArray[Any]) -> float:
    """Return the relative error from which an entry is off by a lot: the module says why so."""
    digest = hashlib.blake2b(digest_size=8)
    for array in (actual, expected):
        # Not as long double, which has bytes that mean nothing.
        plain = np.complex128 if array.dtype.kind == "c" else np.float64
        digest.update(np.ascontiguousarray(array, dtype=plain).data)
    low, high = _EDGES
    return float(low * (high / low) ** (int.from_bytes(digest.digest()) / 2**64))


def _pooled(levels: NDArray[Any]) -> NDArray[Any]:
    """Return the worst step of each cell, of (blocks down, rows, blocks across, columns)."""
    for outer, inner in ((0, 1), (2, 3)):
        blocks, length = levels.shape[outer], levels.shape[inner]
        # Blocks keep some of their inside, if need be at the cost of their number.
        inside = min(length, max(MAX_CELLS // blocks, _BLOCK))
        for axis, cells in ((inner, inside), (outer, min(blocks, MAX_CELLS // inside))):
            starts = np.arange(cells) * levels.shape[axis] // cells
            levels = np.maximum.reduceat(levels, starts, axis=axis)
    return levels


def _text(cells: NDArray[Any]) -> tuple[str, ...]:
    blocks = [
        [" ".join("".join(map(str, part)) for part in row) for row in rows]
        for rows in cells.tolist()
    ]
    lines = blocks[0]
    for rows in blocks[1:]:
        lines += ["", *rows]
    return tuple(lines)


def _place(wrong: NDArray[np.bool_], layout: Layout) -> str:
    """Say where all wrong entries lie, if a few words tell."""
    n = wrong.ndim
    square = n == 2 and wrong.shape[0] == wrong.shape[1]
    if square and not wrong[~np.eye(len(wrong), dtype=bool)].any():
        return "only on the diagonal"
    found = []
    for axis, length in enumerate(wrong.shape):
        others = tuple(other for other in range(n) if other != axis)
        indices: list[int] = np.flatnonzero(wrong.any(axis=others)).tolist()
        if len(indices) <= min(3, length // 2):
            found.append((len(indices) / length, axis, indices))
    if found:
        _, axis, indices = min(found)
        return f"only {_slices(n, axis, indices)}"
    inside = [slice(None)] * n
    for axis in (*layout.rows, *layout.columns):
        inside[axis] = slice(1, -1)
    if n > 2 and wrong[tuple(inside)].size and not wrong[tuple(inside)].any():
        return "only at the border"
    return ""


def _slices(n: int, axis: int, indices: list[int]) -> str:
    if n < 3:
        one, several = ("index", "indices") if n == 1 else ("row", "rows")
        if axis == 1:
            one, several = "column", "columns"
        word = one if len(indices) == 1 else several
        return f"{'at' if n == 1 else 'in'} {word} {_listed(map(str, indices))}"
    places = (", ".join(str(i) if a == axis else ":" for a in range(n)) for i in indices)
    return "in " + _listed(f"[{place}]" for place in places)


def _listed(words: Iterable[str]) -> str:
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last
