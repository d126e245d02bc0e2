"""Pooling: the largest value of each window, or one value for the whole image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cs231n_lib.zoo._kernels import Workspace
from cs231n_lib.zoo._layer import Layer, Packed
from cs231n_lib.zoo._planes import Block, FloatArray, Plane, Shape

__all__ = ["GlobalAveragePool", "GlobalMaxPool", "MaxPool"]


@dataclass(frozen=True)
class MaxPool(Layer):
    """The largest value of each ``size`` × ``size`` window; a rest at the border is left out."""

    size: int = 2

    whole = True

    def output_shape(self, source: Shape, params: Mapping[str, FloatArray]) -> Shape:
        """Return the source's height and width over the size, rounded down."""
        return Shape(source.height // self.size, source.width // self.size, source.channels)

    def forward(self, packed: Packed, x: Plane, out: Plane, block: Block, work: Workspace) -> None:
        """Take the largest of the shifted views."""
        target = out.part(block)
        first, *others = self._views(x.inside[block.images], block.rows, out.shape)
        np.copyto(target, first)
        for view in others:
            np.maximum(target, view, out=target)

    def backward(
        self,
        packed: Packed,
        dz: Plane,
        x: Plane,
        out: Plane,
        dx: FloatArray,
        block: Block,
        work: Workspace,
    ) -> None:
        """Give each window's gradient to the first of its largest values."""
        dx.fill(0)
        rows = slice(0, out.shape.height)
        largest, grads = out.inside[block.images], dz.inside[block.images]
        free = np.ones(largest.shape, bool)
        sources = self._views(x.inside[block.images], rows, out.shape)
        for view, target in zip(sources, self._views(dx, rows, out.shape), strict=True):
            taken = free & (view == largest)
            np.multiply(grads, taken, out=target)
            free &= ~taken

    def _views(self, x: FloatArray, rows: slice, shape: Shape) -> list[FloatArray]:
        """Return for each place in the window the view of all values at that place."""
        size = self.size
        x = x[:, rows.start * size : rows.stop * size, : shape.width * size]
        return [x[:, i::size, j::size] for i in range(size) for j in range(size)]


@dataclass(frozen=True)
class GlobalAveragePool(Layer):
    """The mean over all pixels, ``(N, C)``."""

    flat = True

    def output_shape(self, source: Shape, params: Mapping[str, FloatArray]) -> Shape:
        """Return one pixel of as many channels."""
        return Shape(1, 1, source.channels)

    def forward(self, packed: Packed, x: Plane, out: Plane, block: Block, work: Workspace) -> None:
        """Take the mean."""
        np.mean(x.inside[block.images], axis=(1, 2), keepdims=True, out=out.part(block))

    def backward(
        self,
        packed: Packed,
        dz: Plane,
        x: Plane,
        out: Plane,
        dx: FloatArray,
        block: Block,
        work: Workspace,
    ) -> None:
        """Give each pixel its share."""
        np.copyto(dx, dz.inside[block.images] / (x.shape.height * x.shape.width))


@dataclass(frozen=True)
class GlobalMaxPool(Layer):
    """The largest value over all pixels, ``(N, C)``."""

    whole = True
    flat = True

    def output_shape(self, source: Shape, params: Mapping[str, FloatArray]) -> Shape:
        """Return one pixel of as many channels."""
        return Shape(1, 1, source.channels)

    def forward(self, packed: Packed, x: Plane, out: Plane, block: Block, work: Workspace) -> None:
        """Take the largest value."""
        np.max(x.inside[block.images], axis=(1, 2), keepdims=True, out=out.part(block))

    def backward(
        self,
        packed: Packed,
        dz: Plane,
        x: Plane,
        out: Plane,
        dx: FloatArray,
        block: Block,
        work: Workspace,
    ) -> None:
        """Give the gradient to the first of the largest values."""
        images = x.inside[block.images]
        pixels = images.reshape(len(images), -1, x.shape.channels)
        first = pixels.argmax(axis=1)[:, None]
        spread = np.zeros_like(pixels)
        np.put_along_axis(spread, first, dz.inside[block.images][:, 0], axis=1)
        np.copyto(dx, spread.reshape(images.shape))
