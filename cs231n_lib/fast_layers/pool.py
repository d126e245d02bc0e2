"""Pooling layers, forward and backward."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cs231n_lib.fast_layers._params import (
    PoolGeometry,
    as_float_array,
    check_cache,
    read_dout,
    read_pool_param,
)
from cs231n_lib.fast_layers._threads import Scratch, run_blocks

__all__ = [
    "AvgPoolCache",
    "MaxPoolCache",
    "avg_pool_backward_fast",
    "avg_pool_forward_fast",
    "max_pool_backward_fast",
    "max_pool_forward_fast",
]

FloatArray = npt.NDArray[np.floating[Any]]

# The maps in work at a time, in bytes: they and what is computed from them stay in the cache.
BLOCK_BYTES = 256 * 1024
MIN_BLOCKS = 8


class MaxPoolCache(NamedTuple):
    """What the backward pass of max pooling needs; references, no copies."""

    x: FloatArray
    out: FloatArray
    geometry: PoolGeometry


class AvgPoolCache(NamedTuple):
    """What the backward pass of average pooling needs."""

    x_shape: tuple[int, ...]
    dtype: np.dtype[Any]
    geometry: PoolGeometry


def _run_over_maps(
    compute: Callable[[slice, Scratch], None], count: int, geometry: PoolGeometry, itemsize: int
) -> None:
    """Call ``compute(maps, scratch)`` for blocks of the `count` maps (N * C)."""
    map_bytes = geometry.padded[0] * geometry.padded[1] * itemsize
    size = max(1, min(BLOCK_BYTES // map_bytes, count // MIN_BLOCKS))
    blocks = [slice(n, min(n + size, count)) for n in range(0, count, size)]
    run_blocks(lambda index, scratch: compute(blocks[index], scratch), len(blocks))


def _as_maps(x: FloatArray) -> FloatArray:
    return x.reshape(-1, *x.shape[2:])


def _padded(x: FloatArray, geometry: PoolGeometry, fill: float, scratch: Scratch) -> FloatArray:
    if geometry.pad == (0, 0):
        return x
    (top, left), (height, width) = geometry.pad, geometry.image
    padded = scratch.bordered("padded", (len(x), *geometry.padded), x.dtype, fill)
    padded[:, top : top + height, left : left + width] = x
    return padded


def _along(size: int, stride: int, tap: int) -> slice:
    """Select from an axis what lies under one tap of the window."""
    return slice(tap, tap + (size - 1) * stride + 1, stride)


def _pool(
    x: FloatArray, combine: np.ufunc, geometry: PoolGeometry, out: FloatArray, scratch: Scratch
) -> None:
    """Combine the windows of padded maps: down the columns first, where pixels are neighbours."""
    g = geometry
    lines = scratch.empty("lines", (len(x), g.out[0], x.shape[2]), x.dtype)
    lines[...] = x[:, _along(g.out[0], g.stride[0], 0)]
    for i in range(1, g.window[0]):
        combine(lines, x[:, _along(g.out[0], g.stride[0], i)], out=lines)
    out[...] = lines[:, :, _along(g.out[1], g.stride[1], 0)]
    for j in range(1, g.window[1]):
        combine(out, lines[:, :, _along(g.out[1], g.stride[1], j)], out=out)


def _windows(x: FloatArray, geometry: PoolGeometry) -> list[FloatArray]:
    """View padded maps under each tap of the window, row by row of the window."""
    g = geometry
    return [
        x[:, _along(g.out[0], g.stride[0], i), _along(g.out[1], g.stride[1], j)]
        for i in range(g.window[0])
        for j in range(g.window[1])
    ]


def max_pool_forward_fast(
    x: FloatArray, pool_param: Mapping[str, object]
) -> tuple[FloatArray, MaxPoolCache]:
    """Return the largest pixel of each window.

    Parameters
    ----------
    x : float32 or float64, (N, C, H, W)
        Images.
    pool_param : mapping
        ``"pool_height"``, ``"pool_width"``, ``"stride"`` (an int or a pair) and, if wanted,
        ``"pad"`` (an int or a pair, default 0, at most half the window; padding never is the
        largest).

    Returns
    -------
    out : (N, C, H', W')
        ``H' = 1 + (H + 2 * pad - pool_height) // stride``, and W' likewise; dtype of x.
    cache : MaxPoolCache
        For `max_pool_backward_fast`. Do not change x and out before.

    Raises
    ------
    TypeError
        If x is no NumPy array or `pool_param` no mapping.
    ValueError
        If the dtype, the shape or a parameter is not as above.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.arange(16.0).reshape(1, 1, 4, 4)
    >>> out, cache = max_pool_forward_fast(x, {"pool_height": 2, "pool_width": 2, "stride": 2})
    >>> out[0, 0]
    array([[ 5.,  7.],
           [13., 15.]])
    """
    x = as_float_array(x, name="x", ndim=4, axes="(N, C, H, W)")
    geometry = read_pool_param(x.shape, pool_param)
    x = np.ascontiguousarray(x)
    out = np.empty((*x.shape[:2], *geometry.out), x.dtype)
    maps, out_maps = _as_maps(x), _as_maps(out)

    def compute(block: slice, scratch: Scratch) -> None:
        padded = _padded(maps[block], geometry, -np.inf, scratch)
        _pool(padded, np.maximum, geometry, out_maps[block], scratch)

    _run_over_maps(compute, len(maps), geometry, x.itemsize)
    return out, MaxPoolCache(x, out, geometry)


def max_pool_backward_fast(dout: FloatArray, cache: MaxPoolCache) -> FloatArray:
    """Return the gradient of max pooling with respect to x.

    Each window passes its gradient on to its largest pixel; of several equal ones, to the first in
    reading order. A window whose largest pixel is NaN passes none on.

    Parameters
    ----------
    dout : float32 or float64, (N, C, H', W')
        Gradient with respect to the output.
    cache : MaxPoolCache
        What `max_pool_forward_fast` returned beside it.

    Returns
    -------
    dx : (N, C, H, W)
        In the dtype of x.

    Raises
    ------
    TypeError
        If `dout` is no NumPy array or `cache` none of `max_pool_forward_fast`.
    ValueError
        If the dtype or the shape of `dout` is not the output's.
    """
    x, out, geometry = check_cache(cache, MaxPoolCache, "max_pool_forward_fast")
    dout = read_dout(dout, out.shape, x.dtype)
    dx = np.empty_like(x)
    maps, out_maps, dout_maps, dx_maps = map(_as_maps, (x, out, dout, dx))

    def compute(block: slice, scratch: Scratch) -> None:
        padded = _padded(maps[block], geometry, -np.inf, scratch)
        dpadded = scratch.empty("dx", padded.shape, x.dtype)
        dpadded.fill(0)
        part = scratch.empty("part", out_maps[block].shape, x.dtype)
        waiting = np.ones(part.shape, bool)
        for pixels, gradients in zip(
            _windows(padded, geometry), _windows(dpadded, geometry), strict=True
        ):
            chosen = pixels == out_maps[block]
            chosen &= waiting
            waiting ^= chosen
            gradients += np.multiply(dout_maps[block], chosen, out=part)
        dx_maps[block] = _interior(dpadded, geometry)

    _run_over_maps(compute, len(maps), geometry, x.itemsize)
    return dx


def _interior(padded: FloatArray, geometry: PoolGeometry) -> FloatArray:
    (top, left), (height, width) = geometry.pad, geometry.image
    return padded[:, top : top + height, left : left + width]


def avg_pool_forward_fast(
    x: FloatArray, pool_param: Mapping[str, object]
) -> tuple[FloatArray, AvgPoolCache]:
    """Return the mean of each window, in which padding counts as zeros.

    Parameters
    ----------
    x : float32 or float64, (N, C, H, W)
        Images.
    pool_param : mapping
        As for `max_pool_forward_fast`.

    Returns
    -------
    out : (N, C, H', W')
        ``H' = 1 + (H + 2 * pad - pool_height) // stride``, and W' likewise; dtype of x.
    cache : AvgPoolCache
        For `avg_pool_backward_fast`.

    Raises
    ------
    TypeError
        If x is no NumPy array or `pool_param` no mapping.
    ValueError
        If the dtype, the shape or a parameter is not as above.
    """
    x = as_float_array(x, name="x", ndim=4, axes="(N, C, H, W)")
    geometry = read_pool_param(x.shape, pool_param)
    x = np.ascontiguousarray(x)
    out = np.empty((*x.shape[:2], *geometry.out), x.dtype)
    maps, out_maps = _as_maps(x), _as_maps(out)
    size = x.dtype.type(geometry.window[0] * geometry.window[1])

    def compute(block: slice, scratch: Scratch) -> None:
        padded = _padded(maps[block], geometry, 0.0, scratch)
        _pool(padded, np.add, geometry, out_maps[block], scratch)
        out_maps[block] /= size

    _run_over_maps(compute, len(maps), geometry, x.itemsize)
    return out, AvgPoolCache(x.shape, x.dtype, geometry)


def avg_pool_backward_fast(dout: FloatArray, cache: AvgPoolCache) -> FloatArray:
    """Return the gradient of average pooling with respect to x.

    Parameters
    ----------
    dout : float32 or float64, (N, C, H', W')
        Gradient with respect to the output.
    cache : AvgPoolCache
        What `avg_pool_forward_fast` returned beside it.

    Returns
    -------
    dx : (N, C, H, W)
        In the dtype of x.

    Raises
    ------
    TypeError
        If `dout` is no NumPy array or `cache` none of `avg_pool_forward_fast`.
    ValueError
        If the dtype or the shape of `dout` is not the output's.
    """
    x_shape, dtype, geometry = check_cache(cache, AvgPoolCache, "avg_pool_forward_fast")
    dout = read_dout(dout, (*x_shape[:2], *geometry.out), dtype)
    dx = np.empty(x_shape, dtype)
    dout_maps, dx_maps = _as_maps(dout), _as_maps(dx)
    size = dtype.type(geometry.window[0] * geometry.window[1])

    def compute(block: slice, scratch: Scratch) -> None:
        dpadded = scratch.empty("dx", (len(dout_maps[block]), *geometry.padded), dtype)
        dpadded.fill(0)
        share = scratch.empty("share", dout_maps[block].shape, dtype)
        np.divide(dout_maps[block], size, out=share)
        for gradients in _windows(dpadded, geometry):
            gradients += share
        dx_maps[block] = _interior(dpadded, geometry)

    _run_over_maps(compute, len(dx_maps), geometry, dtype.itemsize)
    return dx
