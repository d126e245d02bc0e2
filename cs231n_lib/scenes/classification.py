"""Labelled 32×32 images: one object of ten kinds, somewhere, in some light."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cs231n_lib.scenes.arguments import check_count, check_generator
from cs231n_lib.scenes.backgrounds import paint_background, paint_clutter, pick_habitats
from cs231n_lib.scenes.camera import Camera
from cs231n_lib.scenes.canvas import Canvas, Pose
from cs231n_lib.scenes.colors import named_color, weights_of
from cs231n_lib.scenes.draws import Draws
from cs231n_lib.scenes.things import THINGS, Thing

__all__ = ["make_classification"]

_SIZE = 32
# Images painted at a time. More would leave the processor's cache, fewer would cost more calls.
_CHUNK = 50

# The difficulty, found by measuring (see README.md). Places, sizes and half the backgrounds say
# little about the class, so that one template per class is too few; the light varies so much that
# pixel distance is a poor guide; mist, clutter and obstacles leave a small ConvNet room to improve.
_FIDELITY = 0.6  # how often the background is one usual for the class
_SCALE = (0.45, 0.82)  # half the object's extent relative to half the image
_SHIFT = 0.32  # how far it is from the middle at most, relative to half the image
_CLARITY = 0.8  # how much of the object shows through the thickest mist
_CAMERA = Camera(
    exposure=(0.55, 1.35),
    contrast=(0.65, 1.2),
    saturation=(0.4, 1.4),
    balance=0.2,
    slope=0.5,
    noise=0.05,
)


def make_classification(
    num_images: int, rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Draw labelled images of ten kinds of objects.

    Each image shows one object whose position, scale, rotation, colour, pattern, light, background
    and partial occlusion are drawn at random.

    Parameters
    ----------
    num_images : int
        How many, at least zero. Every class gets ``num_images / 10`` of them, rounded up or down.
    rng : numpy.random.Generator
        Source of randomness. The same state gives the same images on every machine.

    Returns
    -------
    images : ndarray
        uint8 RGB of shape ``(num_images, 32, 32, 3)``, in random order.
    labels : ndarray
        int64 indices into ``CLASS_NAMES``, shape ``(num_images,)``.

    Raises
    ------
    TypeError
        If ``num_images`` is no whole number or ``rng`` no generator.
    ValueError
        If ``num_images`` is negative.

    Examples
    --------
    >>> images, labels = make_classification(20, np.random.default_rng(0))
    >>> images.shape, images.dtype, sorted(labels.tolist())[:4]
    ((20, 32, 32, 3), dtype('uint8'), [0, 0, 1, 1])
    """
    num_images = check_count(num_images, "num_images")
    check_generator(rng)
    order = np.argsort(rng.random(num_images), kind="stable")
    labels = np.empty(num_images, dtype=np.int64)
    labels[order] = np.arange(num_images) % len(THINGS)
    images = np.empty((num_images, _SIZE, _SIZE, 3), dtype=np.uint8)
    for label, thing in enumerate(THINGS):
        of_class = np.flatnonzero(labels == label)
        for start in range(0, len(of_class), _CHUNK):
            chunk = of_class[start : start + _CHUNK]
            images[chunk] = _draw(thing, Draws(rng, len(chunk)))
    return images, labels


def _draw(thing: Thing, draws: Draws) -> NDArray[np.uint8]:
    """Pictures of one kind of thing: uint8 ``(n, 32, 32, 3)``."""
    image = paint_background(draws, pick_habitats(draws, thing.habitats, _FIDELITY), _SIZE)
    for _ in range(4):
        paint_clutter(image, draws, chance=0.45, extent=(0.08, 0.4), slenderness=0.2)
    cos, sin = draws.direction(thing.tilt)
    scale = draws.uniform(*_SCALE)
    cx, cy = draws.uniform(-_SHIFT, _SHIFT), draws.uniform(-_SHIFT, _SHIFT)
    canvas = Canvas(Pose(cx, cy, scale, cos, sin, draws.sign()), _SIZE)
    thing.paint(canvas, draws, named_color(draws, draws.choice(weights_of(thing.colors))))
    canvas.light(draws, 0.35)
    canvas.layers *= draws.uniform(_CLARITY, 1)
    canvas.over(image)
    paint_clutter(image, draws, chance=0.5, extent=(0.15, 0.6), slenderness=0.1)
    return _CAMERA.photograph(image, draws)
