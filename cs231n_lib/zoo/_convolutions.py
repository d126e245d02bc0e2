"""Convolutions: pointwise (a matrix product), depthwise (sliding kernels), ordinary (patches)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from cs231n_lib.zoo._kernels import (
    Workspace,
    correlate,
    correlate_products,
    patches,
    tile_width,
)
from cs231n_lib.zoo._layer import Layer, Packed
from cs231n_lib.zoo._planes import Block, Border, FloatArray, Plane, Shape, same_border

__all__ = ["Conv", "DepthwiseConv", "Linear", "PointwiseConv"]


@dataclass(frozen=True)
class PointwiseConv(Layer):
    """A 1×1 convolution: one matrix product over all pixels. Weight ``(F, C, 1, 1)``."""

    pointwise = True
    parameters = ("weight", "bias")

    def output_shape(self, source: Shape, params: Mapping[str, FloatArray]) -> Shape:
        """Return the source's height and width with as many channels as there are filters."""
        return Shape(source.height, source.width, len(params[f"{self.name}.weight"]))

    def pack(self, params: Mapping[str, FloatArray], shape: Shape) -> Packed:
        """Return the weight as a matrix ``(F, C)``, and the bias."""
        weight = params[f"{self.name}.weight"]
        return weight.reshape(len(weight), -1), params[f"{self.name}.bias"]

    def forward(self, packed: Packed, x: Plane, out: Plane, block: Block, work: Workspace) -> None:
        """Multiply the pixels of the block by the weights."""
        weight, bias = packed
        target = out.part(block)
        pixels = x.part(block).reshape(-1, x.shape.channels)
        if target.flags.c_contiguous:
            product = target.reshape(len(pixels), len(weight))
        else:
            product = work.empty("product", (len(pixels), len(weight)), target.dtype)
        np.matmul(pixels, weight.T, out=product)
        np.add(product.reshape(target.shape), bias, out=target)

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
        """Multiply the gradient of the block by the transposed weights."""
        weight, _ = packed
        pixels = dz.part(block).reshape(-1, dz.shape.channels)
        if dx.flags.c_contiguous:
            np.matmul(pixels, weight, out=dx.reshape(-1, dx.shape[3]))
        else:
            product = work.empty("product", (len(pixels), weight.shape[1]), dx.dtype)
            np.copyto(dx, np.matmul(pixels, weight, out=product).reshape(dx.shape))

    def parameter_gradients(
        self, dz: Plane, x: Plane, images: slice, work: Workspace
    ) -> dict[str, FloatArray]:
        """Multiply the gradient by the source, over all pixels."""
        grads = dz.inside[images].reshape(-1, dz.shape.channels)
        pixels = x.inside[images].reshape(-1, x.shape.channels)
        return self._named((grads.T @ pixels)[:, :, None, None], grads.sum(axis=0))

    def _named(self, weight: FloatArray, bias: FloatArray) -> dict[str, FloatArray]:
        return {f"{self.name}.weight": weight, f"{self.name}.bias": bias}


@dataclass(frozen=True)
class Linear(PointwiseConv):
    """A fully connected layer on ``(N, C)``. Weight ``(F, C)``."""

    flat = True

    def parameter_gradients(
        self, dz: Plane, x: Plane, images: slice, work: Workspace
    ) -> dict[str, FloatArray]:
        """Multiply the gradient by the source, over all images."""
        gradients = super().parameter_gradients(dz, x, images, work)
        gradients[f"{self.name}.weight"] = gradients[f"{self.name}.weight"][:, :, 0, 0]
        return gradients


@dataclass(frozen=True)
class _Window(Layer):
    """What dense and depthwise convolutions share: a kernel, a stride, TensorFlow's padding."""

    kernel: int = 3
    stride: int = 1

    parameters = ("weight", "bias")

    def output_shape(self, source: Shape, params: Mapping[str, FloatArray]) -> Shape:
        """Return the source's height and width over the stride, rounded up."""
        height, width = -(-source.height // self.stride), -(-source.width // self.stride)
        return Shape(height, width, len(params[f"{self.name}.weight"]))

    def border(self, source: Shape) -> Border:
        """Return the zeros of TensorFlow's "same" padding."""
        return same_border(source.height, source.width, self.kernel, self.stride)

    @property
    def gradient_border(self) -> Border:
        """Half a kernel on each side."""
        half = self.kernel // 2
        return Border(half, half, half, half)

    def _source_window(self, x: Plane, block: Block) -> FloatArray:
        """Return what the windows of a block of the output read, and what comes after."""
        border = self.border(x.shape)
        return x.window(block.images, block.rows.start * self.stride - border.top, -border.left)

    def _phases(self, dx: FloatArray, first_row: int, border: Border) -> list[_Phase]:
        """Return the ways in which pixels of the source meet the kernel.

        With stride `s`, a source pixel at row ``h`` was read by output rows ``o`` with
        ``h + border = o s + i``: only every s-th row ``i`` of the kernel. For the pixels that share
        ``(h + border) mod s`` the gradient is again a plain correlation, of stride 1, between the
        output's gradient and these rows of the kernel in reverse.
        """
        phases = []
        for a in range(min(self.stride, dx.shape[1])):
            for b in range(min(self.stride, dx.shape[2])):
                row, i = divmod(first_row + a + border.top, self.stride)
                column, j = divmod(b + border.left, self.stride)
                taps = (
                    slice(i, self.kernel, self.stride),
                    slice(j, self.kernel, self.stride),
                )
                down = len(range(self.kernel)[taps[0]])
                across = len(range(self.kernel)[taps[1]])
                target = dx[:, a :: self.stride, b :: self.stride]
                phases.append(_Phase(target, taps, row - down + 1, column - across + 1))
        return phases


@dataclass(frozen=True)
class _Phase:
    """One of the correlations that the gradient of a strided convolution consists of."""

    target: FloatArray
    taps: tuple[slice, slice]
    top: int
    left: int


@dataclass(frozen=True)
class DepthwiseConv(_Window):
    """A convolution of each channel by a kernel of its own. Weight ``(C, 1, k, k)``."""

    def pack(self, params: Mapping[str, FloatArray], shape: Shape) -> Packed:
        """Return the kernel ``(k, k, tiles * C)`` and the bias."""
        tiles = tile_width(shape.width, shape.channels) if self.stride == 1 else 1
        kernel = params[f"{self.name}.weight"][:, 0].transpose(1, 2, 0)
        repeated = np.ascontiguousarray(np.tile(kernel, (1, 1, tiles)))
        return repeated, params[f"{self.name}.bias"], tiles

    def forward(self, packed: Packed, x: Plane, out: Plane, block: Block, work: Workspace) -> None:
        """Slide the kernels over the source."""
        kernel, bias, tiles = packed
        target = out.part(block)
        correlate(self._source_window(x, block), kernel, target, self.stride, tiles)
        np.add(target, bias, out=target)

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
        """Slide the reversed kernels over the gradient."""
        kernel, _, tiles = packed
        for phase in self._phases(dx, block.rows.start, self.border(x.shape)):
            taps = kernel[phase.taps][::-1, ::-1]
            if 0 in taps.shape:
                phase.target.fill(0)
            else:
                window = dz.window(block.images, phase.top, phase.left)
                correlate(window, taps, phase.target, 1, tiles)

    def parameter_gradients(
        self, dz: Plane, x: Plane, images: slice, work: Workspace
    ) -> dict[str, FloatArray]:
        """Multiply the gradient by the shifted source, over all pixels."""
        border = self.border(x.shape)
        grads = dz.inside[images]
        source = x.window(images, -border.top, -border.left)
        kernel = correlate_products(source, grads, self.kernel, self.stride)
        return {
            f"{self.name}.weight": kernel.transpose(2, 0, 1)[:, None],
            f"{self.name}.bias": grads.sum(axis=(0, 1, 2)),
        }


@dataclass(frozen=True)
class Conv(_Window):
    """An ordinary convolution: patches times weights. Weight ``(F, C, k, k)``."""

    def pack(self, params: Mapping[str, FloatArray], shape: Shape) -> Packed:
        """Return the weight as ``(k, k, C, F)`` and the bias."""
        weight = params[f"{self.name}.weight"].transpose(2, 3, 1, 0)
        return np.ascontiguousarray(weight), params[f"{self.name}.bias"]

    def forward(self, packed: Packed, x: Plane, out: Plane, block: Block, work: Workspace) -> None:
        """Gather the patches of the block and multiply them by the weights."""
        weight, bias = packed
        target = out.part(block)
        columns = self._columns(x, block, target.shape[1], target.shape[2], work)
        product = work.empty("product", (len(columns), weight.shape[3]), target.dtype)
        np.matmul(columns, weight.reshape(-1, weight.shape[3]), out=product)
        np.add(product.reshape(target.shape), bias, out=target)

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
        """Gather patches of the gradient and multiply them by the reversed weights."""
        weight, _ = packed
        for phase in self._phases(dx, block.rows.start, self.border(x.shape)):
            taps = weight[phase.taps][::-1, ::-1]
            if 0 in taps.shape:
                phase.target.fill(0)
                continue
            window = dz.window(block.images, phase.top, phase.left)
            size = phase.target.shape[1:3]
            columns = patches(window, taps.shape[:2], size, 1, work)
            # (kh, kw, C, F) to (kh, kw, F, C): a patch of the gradient holds filters.
            matrix = taps.swapaxes(2, 3).reshape(columns.shape[1], -1)
            np.copyto(phase.target, (columns @ matrix).reshape(phase.target.shape))

    def parameter_gradients(
        self, dz: Plane, x: Plane, images: slice, work: Workspace
    ) -> dict[str, FloatArray]:
        """Multiply the gradient by the patches, over all pixels."""
        grads = dz.inside[images].reshape(-1, dz.shape.channels)
        block = Block(images, slice(0, dz.shape.height))
        columns = self._columns(x, block, dz.shape.height, dz.shape.width, work)
        weight = (grads.T @ columns).reshape(-1, self.kernel, self.kernel, x.shape.channels)
        return {
            f"{self.name}.weight": weight.transpose(0, 3, 1, 2),
            f"{self.name}.bias": grads.sum(axis=0),
        }

    def _columns(
        self, x: Plane, block: Block, rows: int, columns: int, work: Workspace
    ) -> FloatArray:
        window = self._source_window(x, block)
        return patches(window, (self.kernel, self.kernel), (rows, columns), self.stride, work)
