"""Pretrained networks that run in NumPy, for looking into, fine-tuning and making pictures.

>>> from cs231n_lib.photographs import load_photograph
>>> from cs231n_lib.zoo import efficientnet_lite0
>>> net = efficientnet_lite0()
>>> net.classify(load_photograph("coffee"), k=1)[0][0].name
'espresso'
"""

from cs231n_lib.zoo._convolutions import Conv, DepthwiseConv, Linear, PointwiseConv
from cs231n_lib.zoo._layer import Layer
from cs231n_lib.zoo._pooling import GlobalAveragePool, GlobalMaxPool, MaxPool
from cs231n_lib.zoo.cifar import CIFAR10_CLASSES, cifar_resnet
from cs231n_lib.zoo.efficientnet import efficientnet_lite0
from cs231n_lib.zoo.labels import ImagenetClass, imagenet_classes
from cs231n_lib.zoo.network import Network, Prediction
from cs231n_lib.zoo.preprocessing import Preprocessing
from cs231n_lib.zoo.record import Gradients, Record
from cs231n_lib.zoo.torchfile import TorchFileError, read_torch_file

__all__ = [
    "CIFAR10_CLASSES",
    "Conv",
    "DepthwiseConv",
    "GlobalAveragePool",
    "GlobalMaxPool",
    "Gradients",
    "ImagenetClass",
    "Layer",
    "Linear",
    "MaxPool",
    "Network",
    "PointwiseConv",
    "Prediction",
    "Preprocessing",
    "Record",
    "TorchFileError",
    "cifar_resnet",
    "efficientnet_lite0",
    "imagenet_classes",
    "read_torch_file",
]
