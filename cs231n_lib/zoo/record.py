"""What is kept of a forward pass, and the way back through it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from cs231n_lib.zoo import _passes
from cs231n_lib.zoo._planes import FloatArray

if TYPE_CHECKING:
    from cs231n_lib.zoo.network import Network

__all__ = ["Gradients", "Record"]


class Gradients(NamedTuple):
    """What :meth:`Record.backward` returns."""

    input: FloatArray | None
    """With respect to the images, ``(N, C, H, W)``; None if it was not asked for."""
    parameters: dict[str, FloatArray]
    """With respect to the parameters asked for, by name."""


class Record:
    """A forward pass with all its activations; made by :meth:`Network.record`.

    ``record["block3"]`` is the output of that layer; :meth:`backward` goes back from any of them.

    Examples
    --------
    The gradient of one class' score with respect to the images:

    >>> from cs231n_lib.zoo import cifar_resnet
    >>> net = cifar_resnet()
    >>> record = net.record(net.preprocess(np.zeros((2, 32, 32, 3), np.uint8)))
    >>> dscores = np.zeros((2, 10), np.float32)
    >>> dscores[:, 3] = 1
    >>> record.backward({"classifier": dscores}).input.shape
    (2, 3, 32, 32)
    """

    def __init__(self, network: Network, trace: _passes.Trace) -> None:
        self._network = network
        self._trace = trace

    def __getitem__(self, name: str) -> FloatArray:
        """Return the output of a layer: a copy, ``(N, C, H, W)`` or ``(N, C)``."""
        self._network.layer(name)
        if name not in self._trace.planes:
            raise ValueError(
                f"the record ends at {self._trace.layers[-1].name}, before {name}: "
                f"ask for record(x, upto={name!r})"
            )
        return self._network.shown(name, self._trace.planes[name])

    def backward(
        self,
        gradients: Mapping[str, FloatArray],
        *,
        parameters: Iterable[str] = (),
        to_input: bool = True,
    ) -> Gradients:
        """Return the gradient of a scalar that depends on the outputs of some layers.

        Style transfer, for example, has such a scalar: a content term of one layer plus style terms
        of several others.

        Parameters
        ----------
        gradients
            By layer name, its gradient with respect to that layer's output, in the output's shape.
        parameters
            Names out of ``network.params`` whose gradients are wanted too. Sums over the batch; 0
            for those that the scalar does not depend on.
        to_input
            Whether the gradient with respect to the images is wanted. Without it, the pass ends at
            the lowest of the layers whose parameters are asked for.

        Raises
        ------
        ValueError
            If there is no such layer or parameter, or a gradient has another shape than its output.

        Notes
        -----
        The pass uses the weights of the forward pass only as long as they were not changed in
        place: update parameters after it. A gradient exactly at a ReLU's kink is 0.
        """
        names = frozenset([parameters] if isinstance(parameters, str) else parameters)
        unknown = sorted(names - set(self._network.params))
        if unknown:
            raise ValueError(f"{self._network.name} has no parameter {unknown[0]!r}")
        if not gradients:
            raise ValueError("expected the gradient of at least one layer's output, got none")
        given = {name: self._channels_last(name, g) for name, g in gradients.items()}
        dx, sums = _passes.backward(self._trace, given, names, to_input)
        return Gradients(
            None if dx is None else dx.transpose(0, 3, 1, 2).copy(order="C"),
            {
                name: sums[name].reshape(self._network.params[name].shape)
                if name in sums
                else np.zeros_like(self._network.params[name])
                for name in sorted(names)
            },
        )

    def _channels_last(self, name: str, gradient: FloatArray) -> FloatArray:
        layer = self._network.layer(name)
        if name not in self._trace.planes:
            raise ValueError(
                f"the record ends at {self._trace.layers[-1].name}, before {name}: "
                f"no gradient can start there"
            )
        inside = self._trace.planes[name].inside
        n, h, w, c = inside.shape
        expected = (n, c) if layer.flat else (n, c, h, w)
        if np.shape(gradient) != expected:
            raise ValueError(
                f"expected the gradient of {name} in the shape of its output, {expected}, "
                f"got {np.shape(gradient)}"
            )
        return np.asarray(gradient).reshape(n, c, h, w).transpose(0, 2, 3, 1)
