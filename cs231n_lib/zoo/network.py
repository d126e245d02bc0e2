"""A pretrained network: forward to any layer, and gradients back to images and parameters."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from cs231n_lib.zoo import _passes
from cs231n_lib.zoo._layer import Layer
from cs231n_lib.zoo._planes import FloatArray, Plane
from cs231n_lib.zoo.preprocessing import Preprocessing
from cs231n_lib.zoo.record import Record

__all__ = ["Network", "Prediction"]

# Without a record, images go through the network in groups whose activations fit the cache.
GROUP_PIXELS = 8 * 224 * 224


class Prediction(NamedTuple):
    """A class and the probability that the network gives it."""

    name: str
    probability: float


class Network:
    """A chain of layers with weights, run by NumPy.

    Images go in normalised, ``(N, 3, H, W)``, as :meth:`preprocess` returns them; the outputs of
    convolutions come out as ``(N, C, H, W)``, those of global pooling and linear layers as
    ``(N, C)``.

    Parameters
    ----------
    name
        What the network is called.
    layers
        In the order in which they are computed; each reads earlier ones, or ``"input"``.
    params
        Weights and biases by name, such as ``"conv1.weight"``, all float32 or all float64. The
        network computes in their precision. They may be changed in place or replaced, also by
        arrays with another number of filters (a new classifier).
    preprocessing
        How photographs become input.
    class_names
        Names of the last layer's outputs.

    Attributes
    ----------
    params : dict
        As above.
    layer_names : tuple of str
        By which outputs are asked for.

    Examples
    --------
    >>> from cs231n_lib.zoo import cifar_resnet
    >>> net = cifar_resnet()
    >>> x = net.preprocess(np.zeros((2, 32, 32, 3), np.uint8))
    >>> net.scores(x).shape
    (2, 10)
    >>> net.activations(x, ["conv1", "block1"])["block1"].shape
    (2, 48, 16, 16)
    """

    def __init__(
        self,
        name: str,
        layers: Sequence[Layer],
        params: Mapping[str, FloatArray],
        preprocessing: Preprocessing,
        class_names: Sequence[str],
    ) -> None:
        self.name = name
        self.layers = tuple(layers)
        self.params = dict(params)
        self.preprocessing = preprocessing
        self.class_names = tuple(class_names)
        self.layer_names = tuple(layer.name for layer in layers)
        needed = {f"{layer.name}.{p}" for layer in layers for p in layer.parameters}
        if needed != set(self.params):
            odd = sorted(needed ^ set(self.params))
            raise ValueError(
                f"{name}: expected parameters for exactly the network's layers, but {odd[0]} "
                f"is {'missing' if odd[0] in needed else 'not one of theirs'}"
            )

    def __repr__(self) -> str:
        """Return name, number of layers and of parameters."""
        count = sum(p.size for p in self.params.values())
        return f"<Network {self.name}: {len(self.layers)} layers, {count:,} parameters>"

    def copy(self) -> Network:
        """Return a network with parameters of its own, to be fine-tuned."""
        other = copy.copy(self)
        other.params = {name: value.copy() for name, value in self.params.items()}
        return other

    def preprocess(
        self, images: npt.ArrayLike, *, size: int | tuple[int, int] | None = None
    ) -> FloatArray:
        """Turn photographs into input; see :meth:`Preprocessing.preprocess`."""
        return self.preprocessing.preprocess(images, size=size)

    def deprocess(self, x: FloatArray) -> npt.NDArray[np.uint8]:
        """Turn input back into photographs; see :meth:`Preprocessing.deprocess`."""
        return self.preprocessing.deprocess(x)

    def scores(self, x: FloatArray) -> FloatArray:
        """Return the scores (logits) of all classes, ``(N, num_classes)``."""
        return self.activations(x, [self.layer_names[-1]])[self.layer_names[-1]]

    def activations(self, x: FloatArray, layers: Iterable[str]) -> dict[str, FloatArray]:
        """Return the outputs of some layers, by name.

        Nothing above the last of them is computed, and other outputs are forgotten on the way, so
        that many images can be given at once. After a convolution with a ReLU the output is that
        of the ReLU, and that of a block includes its residual connection.

        Parameters
        ----------
        x
            Images ``(N, 3, H, W)`` as :meth:`preprocess` returns them.
        layers
            Names out of :attr:`layer_names`.

        Raises
        ------
        ValueError
            If there is no such layer or the images have another form.
        """
        names = [layers] if isinstance(layers, str) else list(layers)
        upto = self._upto(names)
        x = self._checked(x)
        group = max(1, GROUP_PIXELS // (x.shape[2] * x.shape[3]))
        parts = [
            self._collect(_passes.forward(upto, self.params, part, frozenset(names)), names)
            for part in np.split(x, range(group, len(x), group))
        ]
        return {name: np.concatenate([part[name] for part in parts]) for name in names}

    def record(self, x: FloatArray, upto: str | None = None) -> Record:
        """Run images forward and keep all that the way back needs.

        Parameters
        ----------
        x
            Images ``(N, 3, H, W)`` as :meth:`preprocess` returns them.
        upto
            The last layer to compute; by default the network's last.
        """
        layers = self._upto([upto or self.layer_names[-1]])
        return Record(self, _passes.forward(layers, self.params, self._checked(x), None))

    def classify(self, images: npt.ArrayLike, k: int = 5) -> list[list[Prediction]]:
        """Return the `k` most probable classes of each photograph, the most probable first.

        Parameters
        ----------
        images
            ``(H, W, 3)`` or ``(N, H, W, 3)`` with values 0 to 255.
        k
            How many classes.
        """
        scores = self.scores(self.preprocess(images)).astype(np.float64)
        exps = np.exp(scores - scores.max(axis=1, keepdims=True))
        probs = exps / exps.sum(axis=1, keepdims=True)
        return [
            [Prediction(self.class_names[c], float(row[c])) for c in np.argsort(-row)[:k]]
            for row in probs
        ]

    def _collect(self, trace: _passes.Trace, names: Iterable[str]) -> dict[str, FloatArray]:
        return {name: self.shown(name, trace.planes[name]) for name in names}

    def shown(self, name: str, plane: Plane) -> FloatArray:
        """Return an output as users see it: a copy, channels first."""
        if self.layer(name).flat:
            return plane.inside[:, 0, 0].copy()
        return plane.inside.transpose(0, 3, 1, 2).copy(order="C")

    def layer(self, name: str) -> Layer:
        """Return the layer of a name, or raise ``ValueError``."""
        if name not in self.layer_names:
            raise ValueError(
                f"{self.name} has no layer {name!r}, expected one of {', '.join(self.layer_names)}"
            )
        return self.layers[self.layer_names.index(name)]

    def _upto(self, names: Sequence[str]) -> tuple[Layer, ...]:
        if not names:
            raise ValueError("expected the name of at least one layer, got none")
        return self.layers[: max(self.layers.index(self.layer(name)) for name in names) + 1]

    def _checked(self, x: Any) -> FloatArray:
        """Return the images in the network's precision, or say what is wrong with them."""
        if not isinstance(x, np.ndarray) or not np.issubdtype(x.dtype, np.floating):
            got = f"an array of {x.dtype}" if isinstance(x, np.ndarray) else type(x).__name__
            raise TypeError(f"expected images as preprocess returns them, float32, got {got}")
        if x.ndim != 4 or x.shape[1] != 3 or 0 in x.shape:
            raise ValueError(f"expected images of shape (N, 3, H, W), got {x.shape}")
        dtypes = {p.dtype for p in self.params.values()}
        return x.astype(np.result_type(*dtypes), copy=False)
