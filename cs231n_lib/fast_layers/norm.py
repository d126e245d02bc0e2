"""Batch normalisation, plain and spatial, forward and backward."""

import math
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cs231n_lib.fast_layers._params import as_float_array, check_cache, read_dout
from cs231n_lib.fast_layers._threads import IN_PLACE, Scratch, cut, run_blocks

__all__ = [
    "BatchNormCache",
    "batchnorm_backward_fast",
    "batchnorm_forward_fast",
    "spatial_batchnorm_backward_fast",
    "spatial_batchnorm_forward_fast",
]

FloatArray = npt.NDArray[np.floating[Any]]

# The channels in work at a time, in bytes: every pass over them but the first reads from the cache.
BLOCK_BYTES = 256 * 1024
# Pixels that share a run of memory, from one channel or several: shorter ones are slow to add.
MIN_RUN = 256


class BatchNormCache(NamedTuple):
    """What the backward pass needs: x itself and per channel what it was normalised with."""

    x: FloatArray
    gamma: FloatArray
    mean: FloatArray
    inverse_std: FloatArray
    training: bool


class _Settings(NamedTuple):
    training: bool
    eps: float
    momentum: float
    running_mean: FloatArray
    running_var: FloatArray


def _read_bn_param(bn_param: object, channels: int, dtype: np.dtype[Any]) -> _Settings:
    if not isinstance(bn_param, MutableMapping):
        raise TypeError(f"bn_param must be a dictionary, not {type(bn_param).__name__}.")
    known = ("mode", "eps", "momentum", "running_mean", "running_var")
    unknown = sorted(str(key) for key in bn_param if key not in known)
    if unknown:
        raise ValueError(f"bn_param knows {', '.join(known)}, not {', '.join(unknown)}.")
    mode = bn_param.get("mode")
    if mode not in ("train", "test"):
        raise ValueError(f"bn_param['mode'] must be 'train' or 'test', not {mode!r}.")
    numbers = []
    for key, default, least, most in (("eps", 1e-5, 0.0, np.inf), ("momentum", 0.9, 0.0, 1.0)):
        value = bn_param.get(key, default)
        real = isinstance(value, int | float | np.integer | np.floating)
        if not real or isinstance(value, bool) or not least <= value <= most:
            wanted = "of at least 0" if most == np.inf else "from 0 to 1"
            raise ValueError(f"bn_param[{key!r}] must be a number {wanted}, not {value!r}.")
        numbers.append(float(value))
    running = []
    for key in ("running_mean", "running_var"):
        value = bn_param.get(key)
        if value is None:
            value = np.zeros(channels, dtype)
        value = as_float_array(value, name=f"bn_param[{key!r}]", ndim=1, axes=f"({channels},)")
        running.append(_per_channel(value, f"bn_param[{key!r}]", channels))
    return _Settings(mode == "train", numbers[0], numbers[1], running[0], running[1])


def _per_channel(array: object, name: str, channels: int) -> FloatArray:
    value = as_float_array(array, name=name, ndim=1, axes=f"({channels},)")
    if len(value) != channels:
        raise ValueError(
            f"{name} must have shape ({channels},), one per channel, not {value.shape}."
        )
    return value


@dataclass(frozen=True)
class _Channels:
    """Some channels of x (N, C, P), seen as rows (N, channels * P): long runs of memory."""

    of: slice
    pixels: int

    def rows(self, maps: FloatArray) -> FloatArray:
        """View these channels of maps (N, C, P)."""
        images, channels, pixels = maps.shape
        own = slice(self.of.start * pixels, self.of.stop * pixels)
        return maps.reshape(images, channels * pixels)[:, own]

    def spread(self, values: FloatArray, dtype: np.dtype[Any]) -> FloatArray:
        """Repeat one value per channel for all pixels."""
        return np.repeat(values.astype(dtype, copy=False), self.pixels)

    def sum(self, rows: FloatArray) -> FloatArray:
        """Sum rows per channel, over images in float64."""
        images, size = rows.shape
        if self.pixels > 1:
            rows = rows.reshape(images, size // self.pixels, self.pixels).sum(axis=2)
        total: FloatArray = rows.astype(np.float64).sum(axis=0)
        return total


def _run_over_channels(compute: Callable[[_Channels, Scratch], None], maps: FloatArray) -> None:
    """Call ``compute(channels, scratch)`` for blocks of the channels of maps (N, C, P)."""
    images, channels, pixels = maps.shape
    size = max(1, BLOCK_BYTES // max(1, images * pixels * maps.itemsize), MIN_RUN // max(1, pixels))
    blocks = [_Channels(own, pixels) for own in cut(channels, size)]
    buffer_size = IN_PLACE if size * pixels >= MIN_RUN else None
    run_blocks(
        lambda index, scratch: compute(blocks[index], scratch),
        len(blocks),
        buffer_size=buffer_size,
    )


def _as_maps(x: FloatArray) -> FloatArray:
    """View x (N, C, ...) as (N, C, P)."""
    return x.reshape(*x.shape[:2], math.prod(x.shape[2:]))


def _forward(
    x: FloatArray, gamma: FloatArray, beta: FloatArray, bn_param: MutableMapping[str, Any]
) -> tuple[FloatArray, BatchNormCache]:
    """Normalise x (N, C, ...) per channel."""
    x = np.ascontiguousarray(x)
    maps = _as_maps(x)
    (images, channels, pixels), dtype = maps.shape, x.dtype
    gamma = _per_channel(gamma, "gamma", channels).astype(dtype, copy=False)
    beta = _per_channel(beta, "beta", channels).astype(dtype, copy=False)
    settings = _read_bn_param(bn_param, channels, dtype)
    count = images * pixels
    if settings.training and count == 0:
        raise ValueError(f"x must have at least one pixel to normalise, but has shape {x.shape}.")
    out = np.empty_like(x)
    out_maps = _as_maps(out)
    mean = settings.running_mean.astype(np.float64)
    var = settings.running_var.astype(np.float64)
    inverse_std = np.empty(channels, dtype)

    def compute(own: _Channels, scratch: Scratch) -> None:
        part, target = own.rows(maps), own.rows(out_maps)
        if settings.training:
            mean[own.of] = own.sum(part) / count
        np.subtract(part, own.spread(mean[own.of], dtype), out=target)
        if settings.training:
            squares = scratch.empty("squares", part.shape, dtype)
            var[own.of] = own.sum(np.square(target, out=squares)) / count
        inverse_std[own.of] = 1 / np.sqrt(var[own.of] + settings.eps)
        target *= own.spread(gamma[own.of] * inverse_std[own.of], dtype)
        target += own.spread(beta[own.of], dtype)

    _run_over_channels(compute, maps)
    if settings.training:
        for key, old, new in (
            ("running_mean", settings.running_mean, mean),
            ("running_var", settings.running_var, var),
        ):
            kept = settings.momentum * old + (1 - settings.momentum) * new
            bn_param[key] = kept.astype(old.dtype)
    return out, BatchNormCache(x, gamma, mean.astype(dtype), inverse_std, settings.training)


def _backward(dout: FloatArray, cache: BatchNormCache) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return dx, dgamma and dbeta for x (N, C, ...)."""
    x, gamma, mean, inverse_std, training = cache
    dout = read_dout(dout, x.shape, x.dtype)
    dx = np.empty_like(x)
    dgamma, dbeta = np.empty_like(gamma), np.empty_like(gamma)
    maps, dout_maps, dx_maps = _as_maps(x), _as_maps(dout), _as_maps(dx)
    count = maps.shape[0] * maps.shape[2]

    def compute(own: _Channels, scratch: Scratch) -> None:
        part, target = own.rows(dout_maps), own.rows(dx_maps)
        centred = scratch.empty("centred", part.shape, x.dtype)
        np.subtract(own.rows(maps), own.spread(mean[own.of], x.dtype), out=centred)
        dbeta[own.of] = own.sum(part)
        np.multiply(part, centred, out=target)
        dgamma[own.of] = own.sum(target) * inverse_std[own.of]
        scale = own.spread(gamma[own.of] * inverse_std[own.of], x.dtype)
        if training:
            centred *= own.spread(dgamma[own.of] * inverse_std[own.of] / count, x.dtype)
            np.subtract(part, centred, out=target)
            target -= own.spread(dbeta[own.of] / count, x.dtype)
            target *= scale
        else:
            np.multiply(part, scale, out=target)

    _run_over_channels(compute, maps)
    return dx, dgamma, dbeta


def batchnorm_forward_fast(
    x: FloatArray, gamma: FloatArray, beta: FloatArray, bn_param: MutableMapping[str, Any]
) -> tuple[FloatArray, BatchNormCache]:
    """Normalise every feature over the batch, then scale and shift it.

    ``out = gamma * (x - mean) / sqrt(var + eps) + beta``, where mean and var (biased, divided by N)
    are those of the batch in training and the running ones in testing (Ioffe and Szegedy, "Batch
    normalization", 2015). Training updates the running ones in `bn_param`:
    ``running = momentum * running + (1 - momentum) * batch``.

    Parameters
    ----------
    x : float32 or float64, (N, D)
        Batch.
    gamma, beta : float32 or float64, (D,)
        Scale and shift.
    bn_param : dict
        ``"mode"`` (``"train"`` or ``"test"``), ``"eps"`` (default 1e-5), ``"momentum"`` (default
        0.9), ``"running_mean"`` and ``"running_var"`` ((D,), default zeros; training puts new
        arrays in their place).

    Returns
    -------
    out : (N, D)
        In the dtype of x.
    cache : BatchNormCache
        For `batchnorm_backward_fast`. Do not change x before.

    Raises
    ------
    TypeError
        If an array is no NumPy array or `bn_param` no dictionary.
    ValueError
        If a dtype, a shape or a parameter is not as above.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[1.0, 10.0], [3.0, 30.0]])
    >>> out, cache = batchnorm_forward_fast(x, np.ones(2), np.zeros(2), {"mode": "train", "eps": 0})
    >>> out
    array([[-1., -1.],
           [ 1.,  1.]])
    """
    x = as_float_array(x, name="x", ndim=2, axes="(N, D)")
    return _forward(x, gamma, beta, bn_param)


def batchnorm_backward_fast(
    dout: FloatArray, cache: BatchNormCache
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the gradients of batch normalisation.

    Parameters
    ----------
    dout : float32 or float64, (N, D)
        Gradient with respect to the output.
    cache : BatchNormCache
        What `batchnorm_forward_fast` returned beside it, in training or testing.

    Returns
    -------
    dx : (N, D)
        Gradient with respect to x, in its dtype, as are the others.
    dgamma, dbeta : (D,)
        Gradients with respect to gamma and beta.

    Raises
    ------
    TypeError
        If `dout` is no NumPy array or `cache` none of `batchnorm_forward_fast`.
    ValueError
        If the dtype or the shape of `dout` is not the output's.
    """
    return _backward(dout, _check_cache(cache, 2, "batchnorm_forward_fast"))


def spatial_batchnorm_forward_fast(
    x: FloatArray, gamma: FloatArray, beta: FloatArray, bn_param: MutableMapping[str, Any]
) -> tuple[FloatArray, BatchNormCache]:
    """Normalise every channel over the batch and all pixels, then scale and shift it.

    As `batchnorm_forward_fast` with the pixels of all images as the batch.

    Parameters
    ----------
    x : float32 or float64, (N, C, H, W)
        Images.
    gamma, beta : float32 or float64, (C,)
        Scale and shift.
    bn_param : dict
        As for `batchnorm_forward_fast`, with running statistics of shape (C,).

    Returns
    -------
    out : (N, C, H, W)
        In the dtype of x.
    cache : BatchNormCache
        For `spatial_batchnorm_backward_fast`. Do not change x before.

    Raises
    ------
    TypeError
        If an array is no NumPy array or `bn_param` no dictionary.
    ValueError
        If a dtype, a shape or a parameter is not as above.
    """
    x = as_float_array(x, name="x", ndim=4, axes="(N, C, H, W)")
    return _forward(x, gamma, beta, bn_param)


def spatial_batchnorm_backward_fast(
    dout: FloatArray, cache: BatchNormCache
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the gradients of spatial batch normalisation.

    Parameters
    ----------
    dout : float32 or float64, (N, C, H, W)
        Gradient with respect to the output.
    cache : BatchNormCache
        What `spatial_batchnorm_forward_fast` returned beside it, in training or testing.

    Returns
    -------
    dx : (N, C, H, W)
        Gradient with respect to x, in its dtype, as are the others.
    dgamma, dbeta : (C,)
        Gradients with respect to gamma and beta.

    Raises
    ------
    TypeError
        If `dout` is no NumPy array or `cache` none of `spatial_batchnorm_forward_fast`.
    ValueError
        If the dtype or the shape of `dout` is not the output's.
    """
    return _backward(dout, _check_cache(cache, 4, "spatial_batchnorm_forward_fast"))


def _check_cache(cache: object, ndim: int, maker: str) -> BatchNormCache:
    checked = check_cache(cache, BatchNormCache, maker)
    if checked.x.ndim != ndim:
        raise TypeError(f"cache must be what {maker} returned, not that of another layer.")
    return checked
