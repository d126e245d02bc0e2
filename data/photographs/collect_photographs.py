"""Take the photographs in this folder from those that scikit-image ships.

Only such as their authors gave to the public domain or under CC0; ``README.md`` lists them.
scikit-image is needed for this script alone.

    python data/photographs/collect_photographs.py
"""

from __future__ import annotations

from pathlib import Path

import click
import imageio.v3 as iio
import numpy as np
import skimage.data

from cs231n_lib.photographs import resize

# Name in scikit-image, and the largest height that is kept.
PHOTOGRAPHS = {
    "astronaut": 512,
    "brick": 512,
    "camera": 512,
    "chelsea": 512,
    "coffee": 512,
    "grass": 512,
    "gravel": 512,
    "hubble_deep_field": 600,
    "retina": 512,
    "rocket": 512,
}
QUALITY = 90


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path(__file__).parent)
def main(out: Path) -> None:
    """Write the photographs to OUT as JPEG files of at most a given height."""
    for name, height in PHOTOGRAPHS.items():
        image = np.asarray(getattr(skimage.data, name)())
        if len(image) > height:
            channels = image.reshape(*image.shape[:2], -1)
            width = round(channels.shape[1] * height / len(channels))
            image = resize(channels, (height, width)).squeeze()
        path = out / f"{name}.jpg"
        iio.imwrite(path, image, quality=QUALITY)
        click.echo(f"{path.name}: {image.shape}, {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
