"""Draw a page of samples: ``python -m cs231n_lib.scenes page.png``."""

from __future__ import annotations

from pathlib import Path

import click
import imageio.v3 as iio
import numpy as np
from numpy.typing import NDArray

from cs231n_lib.scenes.classification import make_classification
from cs231n_lib.scenes.detection import make_scenes

__all__ = ["main"]

_GUTTER = 4


def _page(images: NDArray[np.uint8], columns: int, zoom: int) -> NDArray[np.uint8]:
    """Lay images ``(N, S, S, 3)`` out in rows on white, each pixel as a square of ``zoom``."""
    size = images.shape[1] * zoom + _GUTTER
    page = np.full((len(images) // columns * size, columns * size, 3), 255, dtype=np.uint8)
    for index, image in enumerate(images):
        top, left = index // columns * size, index % columns * size
        large = image.repeat(zoom, axis=0).repeat(zoom, axis=1)
        page[top : top + len(large), left : left + len(large)] = large
    return page[:-_GUTTER, :-_GUTTER]


@click.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--seed", default=0, show_default=True, help="Another seed, other pictures.")
@click.option("--scenes", is_flag=True, help="Scenes of several objects, with their captions.")
def main(file: Path, seed: int, scenes: bool) -> None:
    """Draw a page of samples of the embedded dataset into FILE, one row per class."""
    rng = np.random.default_rng(seed)
    if scenes:
        batch = make_scenes(12, rng)
        page = _page(batch.images, columns=4, zoom=2)
        click.echo("\n".join(batch.captions))
    else:
        images, labels = make_classification(140, rng)
        page = _page(images[np.argsort(labels, kind="stable")], columns=14, zoom=2)
    iio.imwrite(file, page)


if __name__ == "__main__":
    main()
