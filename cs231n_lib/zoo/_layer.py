"""What every layer of the zoo's networks can do.

A layer computes ``activation(op(source) + bias + residual)``: batch normalisation is folded into
weights and biases, and the sum of a residual block is part of its last convolution. Layers know
nothing of threads or of the network: they compute one block, some rows of some images, at a time.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from cs231n_lib.zoo._kernels import Workspace
from cs231n_lib.zoo._planes import Block, Border, FloatArray, Plane, Shape

__all__ = ["Activation", "Layer", "Packed"]

Activation = Literal["relu", "relu6"] | None
Packed = Any
"""What a layer makes of its parameters before a pass; only the layer itself looks inside."""


@dataclass(frozen=True)
class Layer(ABC):
    """One layer of a network.

    Parameters
    ----------
    name
        By which its output is asked for, and before the dot in the names of its parameters.
    source
        Name of the layer it reads; ``"input"`` for the images.
    activation
        Applied last.
    residual
        Name of a layer whose output is added before the activation.
    """

    name: str
    source: str
    activation: Activation = None
    residual: str | None = None

    pointwise: ClassVar[bool] = False
    """Whether a row of the output depends on the same row of the source only."""
    whole: ClassVar[bool] = False
    """Whether :meth:`backward` needs whole images, not some of their rows."""
    flat: ClassVar[bool] = False
    """Whether users see the output as ``(N, C)``."""
    parameters: ClassVar[tuple[str, ...]] = ()
    """What follows the dot in the names of its parameters."""

    @abstractmethod
    def output_shape(self, source: Shape, params: Mapping[str, FloatArray]) -> Shape:
        """Return the output's shape."""

    def border(self, source: Shape) -> Border:
        """Return the zeros that the layer reads around its source."""
        return Border()

    @property
    def gradient_border(self) -> Border:
        """The zeros that :meth:`backward` reads around the gradient of the output."""
        return Border()

    def pack(self, params: Mapping[str, FloatArray], shape: Shape) -> Packed:
        """Return the parameters in the form that the passes use; `shape` is the output's."""
        return None

    @abstractmethod
    def forward(self, packed: Packed, x: Plane, out: Plane, block: Block, work: Workspace) -> None:
        """Compute a block of ``op(x) + bias``, without residual and activation."""

    @abstractmethod
    def backward(
        self,
        packed: Packed,
        dz: Plane,
        x: Plane,
        out: Plane,
        dx: FloatArray,
        block: Block,
        work: Workspace,
    ) -> None:
        """Write the gradient of a block of the source to `dx`, given that of ``op(x) + bias``."""

    def parameter_gradients(
        self, dz: Plane, x: Plane, images: slice, work: Workspace
    ) -> dict[str, FloatArray]:
        """Return the gradients of the parameters, summed over some images, by full name."""
        return {}
