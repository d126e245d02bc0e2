"""What stands where in a scene: kinds, colours, places and sizes before anything is painted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cs231n_lib.scenes.backgrounds import HABITAT_NAMES
from cs231n_lib.scenes.colors import weights_of
from cs231n_lib.scenes.draws import Draws, Floats, Ints
from cs231n_lib.scenes.things import CLASS_NAMES, THINGS

__all__ = ["MAX_OBJECTS", "Layout", "make_layout"]

MAX_OBJECTS = 5

# Places tried per object. Most objects take the one with most room around it, some one where they
# partly hide, or are hidden by, the nearest other: the distance at which that happens, in radii.
_TRIES = 6
_CLOSE = 0.3
_CLOSE_DISTANCE = 0.55
_FLYING = np.array([name in ("butterfly", "fish") for name in CLASS_NAMES])


def _cumulated() -> NDArray[np.float64]:
    """Per class the cumulated weights of the colours, up to 1: ``(classes, colours)``."""
    weights = np.array([weights_of(thing.colors) for thing in THINGS])
    cumulated = np.cumsum(weights, axis=1)
    edges: NDArray[np.float64] = cumulated / cumulated[:, -1:]
    return edges


_COLOR_EDGES = _cumulated()


@dataclass(frozen=True)
class Layout:
    """Plan of n scenes with M objects altogether.

    Attributes
    ----------
    habitats : ndarray
        Backgrounds, indices into ``HABITAT_NAMES``, ``(n, 1, 1)``.
    horizon : ndarray
        Where the ground begins, image coordinates ``[-1, 1]`` with y down, ``(n, 1, 1)``.
    scene : ndarray
        The scene each object is in, ascending, ``(M,)``. Within a scene the farthest come first.
    labels, colors : ndarray
        Kinds and main colours, ``(M,)``.
    centres : ndarray
        x and y in image coordinates, ``(M, 2)``.
    scales : ndarray
        Half extents relative to half the image, ``(M,)``.
    """

    habitats: Ints
    horizon: Floats
    scene: Ints
    labels: Ints
    colors: Ints
    centres: NDArray[np.float64]
    scales: NDArray[np.float64]

    def objects_of(self, scene: int) -> list[int]:
        """List the indices of the objects of one scene, the farthest first."""
        return np.flatnonzero(self.scene == scene).tolist()


def make_layout(draws: Draws) -> Layout:
    """Plan ``draws.n`` scenes of one to five objects each."""
    rng, n = draws.rng, draws.n
    habitats = draws.choice([float(name != "studio") for name in HABITAT_NAMES])
    horizon = draws.uniform(-0.65, -0.15)
    counts = 1 + draws.choice((2, 3, 3, 2, 1))[:, 0, 0]
    present = np.arange(MAX_OBJECTS) < counts[:, None]
    labels, colors = _kinds(rng, n)
    centres, scales, near = _places(rng, horizon[:, :, 0].astype(np.float64), labels)
    order = np.argsort(np.where(present, near, 2.0), axis=1, kind="stable")
    rows = np.broadcast_to(np.arange(n)[:, None], order.shape)[present]
    columns = order[
        present
    ]  # absent ones sort last, so the first counts[i] of each row are present
    return Layout(
        habitats=habitats,
        horizon=horizon,
        scene=rows,
        labels=labels[rows, columns],
        colors=colors[rows, columns],
        centres=centres[rows, columns],
        scales=scales[rows, columns],
    )


def _kinds(rng: np.random.Generator, n: int) -> tuple[Ints, Ints]:
    """Kinds and colours ``(n, 5)``; some objects are of the first one's kind and colour."""
    labels = (rng.random((n, MAX_OBJECTS)) * len(THINGS)).astype(np.int64)
    alike = rng.random((n, MAX_OBJECTS)) < 0.35
    labels = np.where(alike, labels[:, :1], labels)
    dice = rng.random((n, MAX_OBJECTS, 1))
    colors = (dice >= _COLOR_EDGES[labels][..., :-1]).sum(axis=2, dtype=np.int64)
    matching = alike & (rng.random((n, MAX_OBJECTS)) < 0.6)
    return labels, np.where(matching, colors[:, :1], colors)


def _places(
    rng: np.random.Generator, horizon: NDArray[np.float64], labels: Ints
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Centres ``(n, 5, 2)``, scales ``(n, 5)`` and nearness in ``[0, 1)`` ``(n, 5)``.

    Of a few random places each object takes the one with most room around it, or one close by.
    """
    n = len(labels)
    centres = np.zeros((n, MAX_OBJECTS, 2))
    scales, near = np.zeros((n, MAX_OBJECTS)), np.zeros((n, MAX_OBJECTS))
    for k in range(MAX_OBJECTS):
        dice = rng.random((4, n, _TRIES))
        nearness = dice[0]
        scale = (0.22 + 0.22 * nearness) * (0.9 + 0.2 * dice[1])
        ground = horizon + 0.12 + (0.98 - horizon - 0.12) * nearness
        lift = np.where(_FLYING[labels[:, k], None], 0.7 * dice[2], 0.0)
        y = np.maximum(ground - 0.9 * scale - lift, -1 + 0.85 * scale)
        x = (2 * dice[3] - 1) * (1 - 0.8 * scale)
        room = np.full((n, _TRIES), np.inf)
        for j in range(k):
            dx, dy = x - centres[:, j, :1], y - centres[:, j, 1:]
            room = np.minimum(room, np.sqrt(dx * dx + dy * dy) / (scale + scales[:, j : j + 1]))
        close = rng.random((n, 1)) < _CLOSE
        best = np.argmax(np.where(close, -np.abs(room - _CLOSE_DISTANCE), room), axis=1)
        each = np.arange(n)
        centres[:, k, 0], centres[:, k, 1] = x[each, best], y[each, best]
        scales[:, k], near[:, k] = scale[each, best], nearness[each, best]
    return centres, scales, near
