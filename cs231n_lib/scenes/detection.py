"""Scenes of one to five objects with boxes, masks, class maps and captions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cs231n_lib.scenes.arguments import check_count, check_generator
from cs231n_lib.scenes.backgrounds import HABITAT_NAMES, paint_background, paint_clutter
from cs231n_lib.scenes.camera import Camera
from cs231n_lib.scenes.canvas import Canvas, Pose
from cs231n_lib.scenes.captions import Seen, describe
from cs231n_lib.scenes.colors import COLOR_NAMES, named_color
from cs231n_lib.scenes.draws import Draws, Floats
from cs231n_lib.scenes.layout import MAX_OBJECTS, Layout, make_layout
from cs231n_lib.scenes.things import CLASS_NAMES, THINGS

__all__ = ["SceneBatch", "make_scenes"]

_CAMERA = Camera((0.8, 1.2), (0.85, 1.1), (0.8, 1.4), 0.05, 0.2, 0.03)
_CHUNK = 50
# Objects reach 1.25 times their half extent from their centre, and that is at most half the image.
_REACH = 0.64
# An object stays in the picture if this share of it is visible.
_MIN_VISIBLE = 0.35


@dataclass(frozen=True)
class SceneBatch:
    """A batch of N scenes of S by S pixels with at most K = 5 objects each.

    Objects are in order of depth, the farthest first: where two overlap, the later one is seen.
    Arrays over objects are padded to K.

    Attributes
    ----------
    images : ndarray
        uint8 RGB, ``(N, S, S, 3)``.
    num_objects : ndarray
        int64 ``(N,)``, one to five.
    labels : ndarray
        int64 ``(N, K)``, indices into ``CLASS_NAMES``; -1 where there is no object.
    boxes : ndarray
        float32 ``(N, K, 4)``, x1, y1, x2, y2 in pixels around the visible part of each object: the
        first column and row that show it and one past the last, so that x2 - x1 is its width.
        Zeros where there is no object.
    masks : ndarray
        bool ``(N, K, S, S)``, the visible pixels of each object. The masks of a scene are disjoint.
    class_maps : ndarray
        uint8 ``(N, S, S)``, 0 for the background and 1 + label where an object is visible.
    colors : ndarray
        int64 ``(N, K)``, main colours as indices into ``COLOR_NAMES``; -1 where there is no object.
    captions : tuple of str
        One sentence per scene, lower case and without a full stop.
    """

    images: NDArray[np.uint8]
    num_objects: NDArray[np.int64]
    labels: NDArray[np.int64]
    boxes: NDArray[np.float32]
    masks: NDArray[np.bool_]
    class_maps: NDArray[np.uint8]
    colors: NDArray[np.int64]
    captions: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.images)


def make_scenes(num: int, rng: np.random.Generator, size: int = 96) -> SceneBatch:
    """Draw scenes of one to five objects of the ten kinds on one background.

    The objects are drawn by the code that draws the classification images. They stand on the
    ground, farther ones smaller and higher up, butterflies and fish above it, and may hide one
    another: of every object at least 35 % are visible.

    Parameters
    ----------
    num : int
        How many scenes, at least zero.
    rng : numpy.random.Generator
        Source of randomness. The same state gives the same scenes on every machine.
    size : int, default 96
        Height and width in pixels, at least 32.

    Returns
    -------
    SceneBatch
        Images with all their labels.

    Raises
    ------
    TypeError
        If ``num`` or ``size`` is no whole number or ``rng`` no generator.
    ValueError
        If ``num`` is negative or ``size`` below 32.

    Examples
    --------
    >>> scenes = make_scenes(2, np.random.default_rng(0))
    >>> scenes.images.shape, scenes.masks.shape
    ((2, 96, 96, 3), (2, 5, 96, 96))
    """
    num, size = check_count(num, "num"), check_count(size, "size", least=32)
    check_generator(rng)
    images = np.empty((num, size, size, 3), dtype=np.uint8)
    labels = np.full((num, MAX_OBJECTS), -1, dtype=np.int64)
    colors = np.full((num, MAX_OBJECTS), -1, dtype=np.int64)
    boxes = np.zeros((num, MAX_OBJECTS, 4), dtype=np.float32)
    masks = np.zeros((num, MAX_OBJECTS, size, size), dtype=np.bool_)
    class_maps = np.empty((num, size, size), dtype=np.uint8)
    captions: list[str] = []
    for start in range(0, num, _CHUNK):
        part = slice(start, min(start + _CHUNK, num))
        draws = Draws(rng, part.stop - start)
        layout = make_layout(draws)
        planes = paint_background(draws, layout.habitats, size, layout.horizon)
        for _ in range(2):
            paint_clutter(planes, draws, chance=0.4, extent=(0.03, 0.12), slenderness=0.2)
        tiles, corners = _paint_objects(layout, rng, size)
        for i in range(draws.n):
            kept = _place(planes[:, i], layout, i, tiles, corners, masks[start + i])
            count = len(kept)
            labels[start + i, :count] = layout.labels[kept]
            colors[start + i, :count] = layout.colors[kept]
            boxes[start + i, :count] = [_bounds(mask) for mask in masks[start + i, :count]]
            captions.append(_caption(layout, i, kept, boxes[start + i] / size))
        images[part] = _CAMERA.photograph(planes, draws)
        values = (labels[part] + 1).astype(np.uint8)
        class_maps[part] = (masks[part] * values[:, :, None, None]).max(axis=1)
    return SceneBatch(
        images=images,
        num_objects=(labels >= 0).sum(axis=1, dtype=np.int64),
        labels=labels,
        boxes=boxes,
        masks=masks,
        class_maps=class_maps,
        colors=colors,
        captions=tuple(captions),
    )


def _paint_objects(
    layout: Layout, rng: np.random.Generator, size: int
) -> tuple[Floats, NDArray[np.int64]]:
    """Paint every object on a tile of its own.

    Returns the tiles, premultiplied RGBA ``(M, 4, T, T)``, and where their top left corners lie in
    the image, columns and rows ``(M, 2)``.
    """
    side = 2 * int(np.ceil(_REACH * size / 2))
    centres = (layout.centres + 1) * (size / 2)
    corners = np.floor(centres - side / 2).astype(np.int64)
    offsets = (2 * (centres - corners) / side - 1).astype(np.float32)
    scales = (layout.scales * (size / side)).astype(np.float32)
    tiles = np.empty((len(layout.labels), 4, side, side), dtype=np.float32)
    for label, thing in enumerate(THINGS):
        which = np.flatnonzero(layout.labels == label)
        if not len(which):
            continue
        draws = Draws(rng, len(which))
        cos, sin = draws.direction(thing.tilt * 0.4)
        cx, cy, scale = (
            plane[which][:, None, None] for plane in (offsets[:, 0], offsets[:, 1], scales)
        )
        canvas = Canvas(Pose(cx, cy, scale, cos, sin, draws.sign()), side)
        thing.paint(canvas, draws, named_color(draws, layout.colors[which][:, None, None]))
        canvas.light(draws, 0.3)
        tiles[which] = canvas.layers.swapaxes(0, 1)
    return tiles, corners


def _place(
    planes: Floats,
    layout: Layout,
    scene: int,
    tiles: Floats,
    corners: NDArray[np.int64],
    masks: NDArray[np.bool_],
) -> list[int]:
    """Composite the objects of one scene and fill in their masks; leave out hidden ones.

    Returns the objects that are in the picture, farthest first.
    """
    size, side = planes.shape[-1], tiles.shape[-1]
    kept: list[int] = []
    visible: list[NDArray[np.bool_]] = []
    taken = np.zeros((size, size), dtype=np.bool_)
    windows = {}
    for thing in layout.objects_of(scene)[::-1]:
        (left, top), alpha = corners[thing], tiles[thing, 3] > 0.5
        rows = slice(max(top, 0), min(top + side, size))
        columns = slice(max(left, 0), min(left + side, size))
        inside = (
            slice(rows.start - top, rows.stop - top),
            slice(columns.start - left, columns.stop - left),
        )
        shape = np.zeros_like(taken)
        shape[rows, columns] = alpha[inside]
        seen = shape & ~taken
        if seen.sum() >= _MIN_VISIBLE * alpha.sum():
            windows[thing] = (rows, columns), inside
            taken |= shape
            kept.insert(0, thing)
            visible.insert(0, seen)
    for index, thing in enumerate(kept):
        outer, inside = windows[thing]
        layer = tiles[thing][:, *inside]
        target = planes[:, *outer]
        target *= 1 - layer[3]
        target += layer[:3]
        masks[index] = visible[index]
    return kept


def _bounds(mask: NDArray[np.bool_]) -> tuple[int, int, int, int]:
    """x1, y1, x2, y2 around the true pixels, the last two exclusive."""
    columns, rows = np.flatnonzero(mask.any(axis=0)), np.flatnonzero(mask.any(axis=1))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def _caption(layout: Layout, scene: int, kept: list[int], boxes: Floats) -> str:
    """Caption of one scene, given its objects and their boxes relative to the image."""
    objects = [
        Seen(
            noun=CLASS_NAMES[layout.labels[thing]],
            color=COLOR_NAMES[layout.colors[thing]],
            scale=float(layout.scales[thing]),
            box=(float(box[0]), float(box[1]), float(box[2]), float(box[3])),
            depth=depth,
        )
        for depth, (thing, box) in enumerate(zip(kept, boxes, strict=False))
    ]
    return describe(objects, HABITAT_NAMES[layout.habitats[scene, 0, 0]])
