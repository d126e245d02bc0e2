"""Labelled 32×32 images: one object of ten kinds, somewhere, in some light."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cs231n_lib.scenes.backgrounds import paint_background, paint_blobs, pick_habitats
from cs231n_lib.scenes.canvas import Canvas, Pose
from cs231n_lib.scenes.colors import named_color, weights_of
from cs231n_lib.scenes.draws import Draws, Floats
from cs231n_lib.scenes.things import THINGS, Thing

__all__ = ["make_classification"]

_SIZE = 32
# Images painted at a time. More would leave the processor's cache, fewer would cost more calls.
_CHUNK = 50


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
    ValueError
        If ``num_images`` is negative.

    Examples
    --------
    >>> images, labels = make_classification(20, np.random.default_rng(0))
    >>> images.shape, images.dtype, sorted(labels.tolist())[:4]
    ((20, 32, 32, 3), dtype('uint8'), [0, 0, 1, 1])
    """
    if num_images < 0:
        raise ValueError(f"expected num_images of at least 0, got {num_images}")
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
    image = paint_background(draws, pick_habitats(draws, thing.habitats, 0.7), _SIZE)
    for _ in range(2):
        paint_blobs(image, draws, chance=0.5, extent=(0.08, 0.4), slenderness=0.2)
    cos, sin = draws.direction(thing.tilt)
    scale = draws.uniform(0.5, 0.85)
    pose = Pose(draws.uniform(-0.4, 0.4), draws.uniform(-0.35, 0.35), scale, cos, sin, draws.sign())
    canvas = Canvas(pose, _SIZE)
    thing.paint(canvas, draws, named_color(draws, draws.choice(weights_of(thing.colors))))
    canvas.light(draws, 0.3)
    canvas.over(image)
    paint_blobs(image, draws, chance=0.35, extent=(0.15, 0.6), slenderness=0.1)
    return _photograph(image, draws)


def _photograph(image: Floats, draws: Draws) -> NDArray[np.uint8]:
    """Exposure, contrast, tint and sensor noise; RGB planes to uint8 ``(n, H, W, 3)``."""
    gain, contrast = 1 + draws.bell(0.5), 1 + draws.bell(0.4)
    noise_level = draws.uniform(0.0, 0.06)
    pixels = np.empty((*image.shape[1:], 3), dtype=np.uint8)
    for channel in range(3):
        plane = image[channel]
        plane -= np.float32(0.5)
        plane *= contrast
        plane += np.float32(0.5)
        plane *= gain * (1 + draws.bell(0.15))
        noise = draws.rng.random(plane.shape, dtype=np.float32)
        noise -= draws.rng.random(plane.shape, dtype=np.float32)
        noise *= noise_level
        plane += noise
        plane *= 255
        plane += np.float32(0.5)
        pixels[..., channel] = np.clip(plane, 0, 255)
    return pixels
