"""Random parameters of a batch of pictures, drawn so that every machine draws the same.

Only ``Generator.random`` is used, the one method whose stream rests on exact arithmetic alone:
``normal`` calls the C library's ``log``, ``integers`` and ``shuffle`` may change between NumPy
versions. Everything else is derived with ``+ - * /`` and ``sqrt``, which IEEE 754 rounds the same
way everywhere; sines, powers and matrix products do not appear in this package for that reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

__all__ = ["Draws", "Floats", "Ints"]

# float32 throughout; NumPy's stubs widen it to float64 as soon as a Python number joins in.
Floats: TypeAlias = NDArray[np.floating[Any]]
Ints: TypeAlias = NDArray[np.int64]


class Draws:
    """A generator together with the number of pictures to draw parameters for.

    Every method returns one value per picture, shaped ``(n, 1, 1)`` so that it broadcasts against
    pixel planes ``(n, H, W)``.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of randomness; advanced by every call.
    n : int
        Number of pictures.

    Examples
    --------
    >>> draws = Draws(np.random.default_rng(0), 3)
    >>> draws.uniform(2, 4).shape
    (3, 1, 1)
    """

    def __init__(self, rng: np.random.Generator, n: int) -> None:
        self.rng = rng
        self.n = n

    def uniform(self, low: float, high: float) -> Floats:
        """Uniform values in ``[low, high)``, float32 of shape ``(n, 1, 1)``."""
        return (low + (high - low) * self.rng.random((self.n, 1, 1))).astype(np.float32)

    def chance(self, probability: float) -> NDArray[np.bool_]:
        """Independent coin flips that are true with the given probability."""
        return self.rng.random((self.n, 1, 1)) < probability

    def sign(self) -> Floats:
        """Fair draws from {-1, +1}, float32."""
        return np.where(self.chance(0.5), np.float32(1), np.float32(-1))

    def choice(self, weights: Sequence[float] | NDArray[np.float64]) -> Ints:
        """Draw indices with the given (unnormalised) weights, int64 of shape ``(n, 1, 1)``."""
        edges = np.cumsum(np.asarray(weights, dtype=np.float64))
        dice = self.rng.random((self.n, 1, 1)) * edges[-1]
        indices: Ints = np.searchsorted(edges[:-1], dice, "right").astype(np.int64, copy=False)
        return indices

    def direction(self, max_tangent: float = 1.0) -> tuple[Floats, Floats]:
        r"""Cosine and sine of random angles without calling either.

        With :math:`t = \tan(\theta/2)` uniform in ``[-max_tangent, max_tangent)``,
        :math:`\cos\theta = (1-t^2)/(1+t^2)` and :math:`\sin\theta = 2t/(1+t^2)`.
        """
        t = self.uniform(-max_tangent, max_tangent)
        return (1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)
