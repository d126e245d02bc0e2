"""Convolution layers, forward and backward."""

from collections.abc import Mapping
from typing import Any, NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from cs231n_lib.fast_layers import _columns, _depthwise, _winograd
from cs231n_lib.fast_layers._params import (
    ConvGeometry,
    as_float_array,
    check_cache,
    read_conv_param,
    read_dout,
)

__all__ = ["ConvCache", "conv_backward_fast", "conv_forward_fast"]

FloatArray = npt.NDArray[np.floating[Any]]


class ConvCache(NamedTuple):
    """What the backward pass of a convolution needs; holds references to x and w, no copies."""

    x: FloatArray
    w: FloatArray
    biased: bool
    geometry: ConvGeometry


class _Way(Protocol):
    """One of the modules that can compute a convolution."""

    def forward(
        self, x: FloatArray, w: FloatArray, b: FloatArray | None, geometry: ConvGeometry, /
    ) -> FloatArray: ...

    def backward(
        self, dout: FloatArray, x: FloatArray, w: FloatArray, geometry: ConvGeometry, /
    ) -> tuple[FloatArray, FloatArray, FloatArray]: ...


def _way(x: FloatArray, w: FloatArray, geometry: ConvGeometry) -> _Way:
    """Return the fastest way to compute a convolution of these shapes."""
    if _depthwise.suits(geometry, x.shape[1]):
        return _depthwise
    if _winograd.suits(x.shape, geometry, len(w)):
        return _winograd
    return _columns


def conv_forward_fast(
    x: FloatArray, w: FloatArray, b: FloatArray | None, conv_param: Mapping[str, object]
) -> tuple[FloatArray, ConvCache]:
    """Convolve images with filters (cross-correlation, as everywhere in deep learning).

    ``out[n, f, i, j] = b[f] + sum over c, k, l of
    w[f, c, k, l] * padded[n, c', i * stride + k * dilation, j * stride + l * dilation]``
    where c' runs over the channels of f's group.

    Parameters
    ----------
    x : float32 or float64, (N, C, H, W)
        Images.
    w : float32 or float64, (F, C / groups, HH, WW)
        Filters.
    b : float32 or float64, (F,), or None
        Biases; None for none.
    conv_param : mapping
        ``"stride"`` (default 1), ``"pad"`` (zeros on each side, default 0) and ``"dilation"``
        (default 1), each an int or a pair (height, width), and ``"groups"`` (default 1; C for a
        depthwise convolution).

    Returns
    -------
    out : (N, F, H', W')
        ``H' = 1 + (H + 2 * pad - dilation * (HH - 1) - 1) // stride``, and W' likewise. float32 if
        x, w and b all are, else float64.
    cache : ConvCache
        For `conv_backward_fast`. Do not change x and w before.

    Raises
    ------
    TypeError
        If x, w or b is no NumPy array or `conv_param` no mapping.
    ValueError
        If a dtype, a shape or a parameter is not as above.

    Notes
    -----
    3x3 filters at stride 1 on 16 channels and more go through Winograd's minimal filtering
    F(2x2, 3x3), depthwise ones tap by tap, all else through matrix products with image columns. All
    agree with float64 loops to a few units in the last place of the largest term. An infinite or
    NaN pixel may turn the outputs within two pixels of those it reaches into NaN as well.

    The result is the same to the last bit whenever the input is, whatever the number of threads.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.ones((1, 2, 5, 5))
    >>> w = np.ones((4, 2, 3, 3))
    >>> out, cache = conv_forward_fast(x, w, np.zeros(4), {"stride": 2, "pad": 1})
    >>> out.shape
    (1, 4, 3, 3)
    >>> out[0, 0]
    array([[ 8., 12.,  8.],
           [12., 18., 12.],
           [ 8., 12.,  8.]])
    """
    x = as_float_array(x, name="x", ndim=4, axes="(N, C, H, W)")
    w = as_float_array(w, name="w", ndim=4, axes="(F, C / groups, HH, WW)")
    geometry = read_conv_param(x.shape, w.shape, conv_param)
    dtype = np.result_type(x, w)
    if b is not None:
        b = as_float_array(b, name="b", ndim=1, axes="(F,)")
        if len(b) != len(w):
            raise ValueError(f"b must have shape ({len(w)},), one per filter, not {b.shape}.")
        dtype = np.result_type(dtype, b)
        b = b.astype(dtype, copy=False)
    x = np.ascontiguousarray(x, dtype)
    w = np.ascontiguousarray(w, dtype)
    out = _way(x, w, geometry).forward(x, w, b, geometry)
    return out, ConvCache(x, w, b is not None, geometry)


def conv_backward_fast(
    dout: FloatArray, cache: ConvCache
) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    """Return the gradients of a convolution.

    Parameters
    ----------
    dout : float32 or float64, (N, F, H', W')
        Gradient with respect to the output.
    cache : ConvCache
        What `conv_forward_fast` returned beside it.

    Returns
    -------
    dx : (N, C, H, W)
        Gradient with respect to x, in the dtype of the output, as are the others.
    dw : (F, C / groups, HH, WW)
        Gradient with respect to w.
    db : (F,) or None
        Gradient with respect to b; None if there was none.

    Raises
    ------
    TypeError
        If `dout` is no NumPy array or `cache` none of `conv_forward_fast`.
    ValueError
        If the dtype or the shape of `dout` is not the output's.
    """
    x, w, biased, geometry = check_cache(cache, ConvCache, "conv_forward_fast")
    dout = read_dout(dout, (len(x), len(w), *geometry.out), x.dtype)
    dx, dw, db = _way(x, w, geometry).backward(dout, x, w, geometry)
    return dx, dw, db if biased else None
