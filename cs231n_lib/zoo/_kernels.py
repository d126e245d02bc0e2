"""Depthwise and dense convolution on channels-last arrays: the inner loops of the zoo.

A depthwise convolution has too little arithmetic for a matrix product. Written as shifted
multiplications and additions it takes two passes over memory for each of the kernel's numbers;
``einsum`` on a view of all windows does both in one pass, in compiled loops over the channels.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
from numpy.lib.stride_tricks import as_strided

from cs231n_lib.zoo._planes import FloatArray

__all__ = ["Workspace", "correlate", "correlate_products", "patches", "tile_width", "windows"]

# einsum's inner loop should run over at least so many numbers; with fewer, starting it dominates.
RUN_LENGTH = 512


class Workspace(Protocol):
    """Lends arrays that need not be allocated anew for each block of work."""

    def empty(self, name: str, shape: tuple[int, ...], dtype: npt.DTypeLike) -> FloatArray:
        """Return an array of the shape with arbitrary contents."""
        ...


def windows(
    x: FloatArray, kernel: tuple[int, int], size: tuple[int, int], stride: int
) -> FloatArray:
    """Return a view ``(N, rows, columns, kh, kw, C)`` of all windows of ``(N, H, W, C)``.

    Window ``(r, c)`` starts at row ``r * stride`` and column ``c * stride``; `size` is the number
    of windows down and across.
    """
    n, h, w, c = x.strides
    (rows, columns), (kh, kw) = size, kernel
    if (rows - 1) * stride + kh > x.shape[1] or (columns - 1) * stride + kw > x.shape[
        2
    ]:  # pragma: no cover
        raise AssertionError("a window reaches beyond the array")
    shape = (len(x), rows, columns, kh, kw, x.shape[3])
    return as_strided(x, shape, (n, h * stride, w * stride, h, w, c), writeable=False)


def tile_width(width: int, channels: int) -> int:
    """Return how many neighbouring pixels :func:`correlate` takes as one run of numbers."""
    return min(width, -(-RUN_LENGTH // channels))


def correlate(x: FloatArray, kernel: FloatArray, out: FloatArray, stride: int, tiles: int) -> None:
    """Slide a depthwise kernel over an image: ``out[r, c] = sum_ij x[r s + i, c s + j] k[i, j]``.

    Parameters
    ----------
    x
        ``(N, H, W, C)``, border included.
    kernel
        ``(kh, kw, tiles * C)``: the kernel of each channel, repeated `tiles` times.
    out
        ``(N, rows, columns, C)``, overwritten.
    stride
        Step of the windows.
    tiles
        With stride 1, so many neighbouring pixels are treated as one pixel of ``tiles * C``
        channels, which makes the loops longer where there are few channels.
    """
    kh, kw, _ = kernel.shape
    _, rows, columns, channels = out.shape
    whole = columns // tiles * tiles
    if tiles > 1 and stride == 1 and _runs_on(x) and _runs_on(out):
        view = windows(x, (kh, kw), (rows, columns), 1)
        _correlate_runs(view[:, :, :whole:tiles], kernel, out[:, :, :whole:tiles], tiles)
        if whole == columns:
            return
        x, out = x[:, :, whole:], out[:, :, whole:]
    view = windows(x, (kh, kw), (rows, out.shape[2]), stride)
    np.einsum("nrcijx,ijx->nrcx", view, kernel[:, :, :channels], out=out)


def _runs_on(x: FloatArray) -> bool:
    """Tell whether the channels of neighbouring pixels follow each other in memory."""
    return x.strides[3] == x.itemsize and x.strides[2] == x.shape[3] * x.itemsize


def _correlate_runs(view: FloatArray, kernel: FloatArray, out: FloatArray, tiles: int) -> None:
    length = tiles * out.shape[3]
    long_view = as_strided(view, (*view.shape[:5], length), view.strides, writeable=False)
    long_out = as_strided(out, (*out.shape[:3], length), out.strides)
    np.einsum("nrcijx,ijx->nrcx", long_view, kernel, out=long_out)


def correlate_products(x: FloatArray, dz: FloatArray, kernel: int, stride: int) -> FloatArray:
    """Return a depthwise kernel's gradient, ``dk[i, j] = sum_rc x[r s + i, c s + j] dz[r, c]``.

    `x` is ``(N, H, W, C)`` with its border, `dz` the gradient ``(N, rows, columns, C)`` of the
    output; the result is ``(k, k, C)``.
    """
    view = windows(x, (kernel, kernel), (dz.shape[1], dz.shape[2]), stride)
    result: FloatArray = np.einsum("nrcijx,nrcx->ijx", view, dz)
    return result


def patches(
    x: FloatArray,
    kernel: tuple[int, int],
    size: tuple[int, int],
    stride: int,
    scratch: Workspace,
) -> npt.NDArray[Any]:
    """Return the windows of ``(N, H, W, C)``, each as a row of a matrix ``(_, kh * kw * C)``."""
    view = windows(x, kernel, size, stride)
    columns = scratch.empty("patches", view.shape, x.dtype)
    np.copyto(columns, view)
    return columns.reshape(-1, kernel[0] * kernel[1] * x.shape[3])
