"""Read and check what callers hand to the layers: arrays, strides, pads."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

__all__ = [
    "ConvGeometry",
    "PoolGeometry",
    "as_float_array",
    "check_cache",
    "read_conv_param",
    "read_dout",
    "read_pool_param",
]

FloatArray = npt.NDArray[np.floating[Any]]
Pair = tuple[int, int]
Cache = TypeVar("Cache")


@dataclass(frozen=True)
class ConvGeometry:
    """Sizes of a convolution, pairs as (height, width)."""

    kernel: Pair
    stride: Pair
    pad: Pair
    dilation: Pair
    groups: int
    image: Pair
    out: Pair

    @property
    def padded(self) -> Pair:
        """Size of the padded image."""
        return self.image[0] + 2 * self.pad[0], self.image[1] + 2 * self.pad[1]


@dataclass(frozen=True)
class PoolGeometry:
    """Sizes of a pooling, pairs as (height, width)."""

    window: Pair
    stride: Pair
    pad: Pair
    image: Pair
    out: Pair

    @property
    def padded(self) -> Pair:
        """Size of the padded image."""
        return self.image[0] + 2 * self.pad[0], self.image[1] + 2 * self.pad[1]


def as_float_array(array: object, *, name: str, ndim: int, axes: str) -> FloatArray:
    """Return the array itself if it is float32 or float64 of `ndim` axes.

    Raises
    ------
    TypeError
        If it is no NumPy array.
    ValueError
        If its dtype or number of axes is another.
    """
    if not isinstance(array, np.ndarray):
        raise TypeError(f"{name} must be a NumPy array, not {type(array).__name__}.")
    if array.dtype not in (np.float32, np.float64):
        raise ValueError(f"{name} must be float32 or float64, not {array.dtype}.")
    if array.ndim != ndim:
        raise ValueError(f"{name} must have shape {axes}, not {array.shape}.")
    return array


def read_dout(dout: object, shape: tuple[int, ...], dtype: np.dtype[Any]) -> FloatArray:
    """Return an upstream gradient of the output's shape in C order and the output's dtype.

    Raises
    ------
    TypeError
        If it is no NumPy array.
    ValueError
        If its dtype is no float32 or float64 or its shape another.
    """
    axes = str(shape)
    array = as_float_array(dout, name="dout", ndim=len(shape), axes=axes)
    if array.shape != shape:
        raise ValueError(f"dout must have the shape of the output, {axes}, not {array.shape}.")
    return np.ascontiguousarray(array, dtype)


def check_cache(cache: object, kind: type[Cache], maker: str) -> Cache:
    """Return the cache if it is of its kind.

    Raises
    ------
    TypeError
        If it is another object.
    """
    if not isinstance(cache, kind):
        raise TypeError(f"cache must be what {maker} returned, not {type(cache).__name__}.")
    return cache


def _integer(value: object) -> int | None:
    # bool is an int to Python; nobody means True pixels.
    if isinstance(value, int | np.integer) and not isinstance(value, bool):
        return int(value)
    return None


def _pair(
    param: Mapping[str, object], key: str, default: int | None, least: int, owner: str
) -> Pair:
    """Read an int or a pair (height, width) of ints, each at least `least`."""
    value = param.get(key, default)
    numbers = tuple(value) if isinstance(value, tuple | list) else (value, value)
    integers = tuple(n for n in map(_integer, numbers) if n is not None and n >= least)
    if len(numbers) != 2 or len(integers) != 2:
        raise ValueError(
            f"{owner}[{key!r}] must be an integer of at least {least} or a pair "
            f"(height, width) of such, not {value!r}."
        )
    return integers[0], integers[1]


def _known_keys(param: object, known: tuple[str, ...], owner: str) -> Mapping[str, object]:
    if not isinstance(param, Mapping):
        raise TypeError(f"{owner} must be a dictionary, not {type(param).__name__}.")
    unknown = sorted(str(key) for key in param if key not in known)
    if unknown:
        raise ValueError(f"{owner} knows {', '.join(known)}, not {', '.join(unknown)}.")
    return param


def _out_size(image: Pair, extent: Pair, stride: Pair, pad: Pair, what: str) -> Pair:
    padded = image[0] + 2 * pad[0], image[1] + 2 * pad[1]
    if padded[0] < extent[0] or padded[1] < extent[1]:
        raise ValueError(
            f"{what} of {extent[0]}x{extent[1]} pixels does not fit into an image of "
            f"{padded[0]}x{padded[1]} (padding included)."
        )
    return (padded[0] - extent[0]) // stride[0] + 1, (padded[1] - extent[1]) // stride[1] + 1


def read_conv_param(
    x_shape: tuple[int, ...], w_shape: tuple[int, ...], conv_param: object
) -> ConvGeometry:
    """Return the sizes of a convolution of x (N, C, H, W) with w (F, C/groups, HH, WW).

    Raises
    ------
    ValueError
        If a parameter is not what it must be or the shapes do not fit, with one sentence saying so.
    """
    param = _known_keys(conv_param, ("stride", "pad", "groups", "dilation"), "conv_param")
    stride = _pair(param, "stride", 1, 1, "conv_param")
    pad = _pair(param, "pad", 0, 0, "conv_param")
    dilation = _pair(param, "dilation", 1, 1, "conv_param")
    groups = _integer(param.get("groups", 1))
    channels, filters = x_shape[1], w_shape[0]
    if groups is None or groups < 1:
        raise ValueError(
            f"conv_param['groups'] must be an integer of at least 1, not {param['groups']!r}."
        )
    if channels % groups or filters % groups:
        raise ValueError(
            f"conv_param['groups'] is {groups}, which does not divide both the {channels} channels "
            f"of x and the {filters} filters of w."
        )
    if w_shape[1] != channels // groups:
        raise ValueError(
            f"w must have shape (F, {channels // groups}, HH, WW) for x of {channels} channels in "
            f"{groups} group{'s' * (groups > 1)}, not {w_shape}."
        )
    if 0 in w_shape or 0 in x_shape[1:]:
        raise ValueError(
            f"x and w must not be empty, but their shapes are {x_shape} and {w_shape}."
        )
    kernel, image = (w_shape[2], w_shape[3]), (x_shape[2], x_shape[3])
    extent = dilation[0] * (kernel[0] - 1) + 1, dilation[1] * (kernel[1] - 1) + 1
    out = _out_size(image, extent, stride, pad, "a filter")
    return ConvGeometry(kernel, stride, pad, dilation, groups, image, out)


def read_pool_param(x_shape: tuple[int, ...], pool_param: object) -> PoolGeometry:
    """Return the sizes of a pooling of x (N, C, H, W).

    Raises
    ------
    ValueError
        If a parameter is not what it must be or the window does not fit.
    """
    owner = "pool_param"
    param = _known_keys(pool_param, ("pool_height", "pool_width", "stride", "pad"), owner)
    sides = []
    for key in ("pool_height", "pool_width"):
        side = _integer(param.get(key))
        if side is None or side < 1:
            raise ValueError(
                f"{owner}[{key!r}] must be an integer of at least 1, not {param.get(key)!r}."
            )
        sides.append(side)
    window = sides[0], sides[1]
    stride = _pair(param, "stride", None, 1, owner)
    pad = _pair(param, "pad", 0, 0, owner)
    if 2 * pad[0] > window[0] or 2 * pad[1] > window[1]:
        raise ValueError(
            f"{owner}['pad'] may be at most half the window of {window[0]}x{window[1]} pixels, "
            f"not {param['pad']!r}."
        )
    if 0 in x_shape[1:]:
        raise ValueError(f"x must not be empty, but its shape is {x_shape}.")
    image = x_shape[2], x_shape[3]
    return PoolGeometry(
        window, stride, pad, image, _out_size(image, window, stride, pad, "a window")
    )
