"""A small residual network for 32×32 images, trained on CIFAR-10.

Eight 3×3 convolutions, two residual blocks (He et al., "Deep Residual Learning", 2016,
arXiv:1512.03385), max pooling and one linear layer: nothing in it that the course does not build by
hand. ``data/training/train_cifar_resnet.py`` trained it; ``data/training/README.md`` has its
accuracy.
"""

from __future__ import annotations

import numpy as np

from cs231n_lib.paths import data_file
from cs231n_lib.zoo._convolutions import Conv, Linear
from cs231n_lib.zoo._layer import Layer
from cs231n_lib.zoo._pooling import GlobalMaxPool, MaxPool
from cs231n_lib.zoo.network import Network
from cs231n_lib.zoo.preprocessing import Preprocessing

__all__ = ["CIFAR10_CLASSES", "cifar_resnet", "cifar_resnet_layers"]

CIFAR10_CLASSES = (
    *("airplane", "automobile", "bird", "cat", "deer"),
    *("dog", "frog", "horse", "ship", "truck"),
)
"""The ten classes, in the order of the scores."""

# Of the training images, on the scale 0..255.
_MEAN = (0.4914 * 255, 0.4822 * 255, 0.4465 * 255)
_STD = (0.2470 * 255, 0.2435 * 255, 0.2616 * 255)


def cifar_resnet() -> Network:
    """Return the residual network with its CIFAR-10 weights.

    The layers: ``conv1``, ``conv2``, ``pool1`` (16×16); ``block1_conv1``, ``block1``; ``conv3``,
    ``pool2`` (8×8); ``conv4``, ``pool3`` (4×4); ``block2_conv1``, ``block2``; ``pool4``, the 224
    features of an image; ``classifier``, the scores. Batch normalisation is folded into the
    convolutions.

    Examples
    --------
    >>> cifar_resnet()
    <Network cifar_resnet: 13 layers, 1,233,034 parameters>
    """
    with np.load(data_file("training/cifar_resnet.npz"), allow_pickle=False) as arrays:
        params = {name: array.astype(np.float32) for name, array in arrays.items()}
    preprocessing = Preprocessing(32, 1.0, _MEAN, _STD)
    return Network("cifar_resnet", cifar_resnet_layers(), params, preprocessing, CIFAR10_CLASSES)


def cifar_resnet_layers() -> list[Layer]:
    """Return the network's layers, without weights."""
    return [
        Conv("conv1", "input", "relu"),
        Conv("conv2", "conv1", "relu"),
        MaxPool("pool1", "conv2"),
        Conv("block1_conv1", "pool1", "relu"),
        Conv("block1", "block1_conv1", "relu", residual="pool1"),
        Conv("conv3", "block1", "relu"),
        MaxPool("pool2", "conv3"),
        Conv("conv4", "pool2", "relu"),
        MaxPool("pool3", "conv4"),
        Conv("block2_conv1", "pool3", "relu"),
        Conv("block2", "block2_conv1", "relu", residual="pool3"),
        GlobalMaxPool("pool4", "block2"),
        Linear("classifier", "pool4"),
    ]
