"""Paint the pictures of the handout with the exercise's own reference solution.

Run from anywhere, after the notebook has been built::

    python assignments/a3/style_transfer/gallery.py

Each shows content, style and result side by side and is written to ``assignments/a3``, beside
the handout.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import imageio.v3 as iio
import numpy as np

from cs231n_lib.notebooks import from_notebook
from cs231n_lib.photographs import load_photograph

ROOT = Path(__file__).resolve().parents[3]
SIZE, GAP, STEPS = 256, 8, 150


class Pair(NamedTuple):
    """A photograph, a style, the size at which the style is read, and how much it weighs."""

    content: str
    style: str
    style_size: int
    style_weight: float


PAIRS = (
    Pair("astronaut", "stained_glass", 340, 30.0),
    Pair("rocket", "swirls", 400, 30.0),
    Pair("coffee", "mosaic", 400, 100.0),
    Pair("camera", "woodcut", 320, 30.0),
    Pair("chelsea", "swirls", 360, 60.0),
)


def main() -> None:
    """Paint all pairs."""
    os.chdir(ROOT / "source" / "a3")  # where from_notebook begins to look
    exercise = from_notebook("style_transfer")
    for pair in PAIRS:
        img, _ = exercise.paint(
            exercise.load(pair.content, SIZE),
            exercise.load(pair.style, pair.style_size),
            f"{pair.content}, {pair.style}",
            style_weight=pair.style_weight,
            num_steps=STEPS,
        )
        parts = [load_photograph(name, SIZE) for name in (pair.content, pair.style)]
        parts.append(exercise.network().deprocess(img)[0])
        gap = np.full((SIZE, GAP, 3), 255, np.uint8)
        strip = np.hstack([parts[0], gap, parts[1], gap, parts[2]])
        path = ROOT / "assignments" / "a3" / f"{pair.content}_{pair.style}.jpg"
        iio.imwrite(path, strip, quality=85)


if __name__ == "__main__":
    main()
