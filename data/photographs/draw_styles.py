"""Draw the style pictures in this folder: stained glass, brush swirls, mosaic, woodcut, dots.

Each is one function from a random generator to an image, drawn at twice its size and scaled down.
They are this project's own and in the public domain (CC0).

    python data/photographs/draw_styles.py
"""

from __future__ import annotations

from pathlib import Path

import click
import imageio.v3 as iio
import numpy as np
import numpy.typing as npt

from cs231n_lib.photographs import resize

Array = npt.NDArray[np.float64]

SIZE = 512
DRAWN = 2 * SIZE
QUALITY = 88


def palette(*colors: str) -> Array:
    """Return colours given as ``"rrggbb"`` as rows of an array, 0 to 1."""
    return np.array([[int(c[i : i + 2], 16) / 255 for i in (0, 2, 4)] for c in colors])


def grid() -> tuple[Array, Array]:
    """Return x to the right and y downwards of every pixel, from -1 to 1."""
    line = (np.arange(DRAWN) + 0.5) / DRAWN * 2 - 1
    x, y = np.meshgrid(line, line)
    return x, y


def noise(rng: np.random.Generator, cells: int, octaves: int = 1) -> Array:
    """Return smooth noise of mean 0 and deviation 1, with `cells` hills from edge to edge."""
    total = np.zeros((DRAWN, DRAWN))
    for octave in range(octaves):
        coarse = rng.standard_normal((cells * 2**octave,) * 2)[:, :, None]
        total += resize(coarse, DRAWN)[:, :, 0] / 2**octave
    return (total - total.mean()) / total.std()


def smoothstep(low: float, high: float, value: Array) -> Array:
    """Rise smoothly from 0 at `low` to 1 at `high`."""
    t = np.clip((value - low) / (high - low), 0, 1)
    return t * t * (3 - 2 * t)


def blend(under: Array, over: Array, amount: Array) -> Array:
    """Lay one image over another where `amount` is 1."""
    return under + (over - under) * amount[..., None]


def nearest_two(sites: Array, x: Array, y: Array) -> tuple[npt.NDArray[np.intp], Array, Array]:
    """Return for every pixel its nearest site, and the distances to the nearest two."""
    nearest = np.zeros(x.shape, np.intp)
    first = np.full(x.shape, np.inf)
    second = np.full(x.shape, np.inf)
    for i, (sx, sy) in enumerate(sites):
        distance = np.hypot(x - sx, y - sy)
        closer = distance < first
        second = np.where(closer, first, np.minimum(second, distance))
        nearest[closer] = i
        first = np.where(closer, distance, first)
    return nearest, first, second


def stained_glass(rng: np.random.Generator) -> Array:
    """Draw a rose window: rings of jewel-coloured glass between leads, lit from behind."""
    x, y = grid()
    sites, colors = [], []
    jewels = palette("b3122a", "0b3d91", "f2b705", "0f7a4a", "6b2fa0", "1f8fd0", "e4572e")
    for ring in range(9):
        count = max(1, 6 * ring)
        for k in range(count):
            angle = 2 * np.pi * (k + 0.5 * (ring % 2)) / count + rng.normal(0, 0.02)
            radius = 0.155 * ring + rng.normal(0, 0.008)
            sites.append((radius * np.cos(angle), radius * np.sin(angle)))
            symmetric = (ring * 2 + (k * 6 // count if ring % 3 == 0 else k % 2 * 3)) % len(jewels)
            colors.append(jewels[symmetric if rng.random() < 0.85 else rng.integers(len(jewels))])
    nearest, first, second = nearest_two(np.array(sites), x, y)
    edge = second - first
    shade = rng.normal(1, 0.16, len(sites))[nearest]
    streaks = 0.10 * noise(rng, 24, 4) + 0.06 * noise(rng, 7, 2)
    light = 1.15 - 0.35 * np.hypot(x, y) + 0.5 * np.exp(-((first / 0.06) ** 2)) * 0.5
    image = np.array(colors)[nearest] * (shade * (light + streaks))[..., None]
    image = image + 0.10 * (light * shade)[..., None]
    lead = 1 - smoothstep(0.016, 0.026, edge)
    metal = 0.07 + 0.16 * np.exp(-(((edge - 0.006) / 0.004) ** 2)) + 0.01 * noise(rng, 90)
    image = blend(image, np.repeat(metal[..., None], 3, axis=2), lead)
    rings = np.abs(np.hypot(x, y)[..., None] - np.array([0.2325, 0.6975, 1.1625])).min(axis=2)
    heavy = 1 - smoothstep(0.014, 0.020, rings)
    return blend(image, np.full((DRAWN, DRAWN, 3), 0.06), heavy)


def follow(field: tuple[Array, Array], image: Array, length: int, step: float) -> Array:
    """Smear an image along a vector field: the mean over `length` steps to both sides.

    Line integral convolution (Cabral & Leedom, 1993) with nearest pixels.
    """
    u, v = field
    rows, columns = np.mgrid[:DRAWN, :DRAWN].astype(float)
    total, weight = image.copy(), 1.0
    for sign in (-1.0, 1.0):
        r, c = rows.copy(), columns.copy()
        for i in range(length):
            at = np.rint(r).astype(int) % DRAWN, np.rint(c).astype(int) % DRAWN
            r += sign * step * v[at]
            c += sign * step * u[at]
            at = np.rint(r).astype(int) % DRAWN, np.rint(c).astype(int) % DRAWN
            share = 1 - i / length
            total += share * image[at]
            weight += share
    return total / weight


def swirls(rng: np.random.Generator) -> Array:
    """Draw a night sky of thick brush strokes that turn around glowing stars."""
    x, y = grid()
    stream = 0.9 * y + 0.16 * np.sin(3.2 * x + 1) + 0.05 * noise(rng, 5)
    glow = np.zeros_like(x)
    stars = [(-0.45, -0.25, 0.34), (0.42, -0.05, 0.42), (0.05, 0.62, 0.3), (-0.75, 0.6, 0.22)]
    stars += [(0.72, -0.72, 0.26), (-0.2, -0.8, 0.2), (0.78, 0.68, 0.2)]
    for sx, sy, size in stars:
        distance = np.hypot(x - sx, y - sy)
        stream += 2.2 * size * np.exp(-((distance / size) ** 2)) * (1 if sx < 0.1 else -1)
        glow = np.maximum(glow, np.exp(-((distance / (0.42 * size)) ** 2)))
        glow = np.maximum(glow, 0.6 * np.exp(-(((distance - 0.62 * size) / (0.1 * size)) ** 2)))
    down, right = np.gradient(stream)
    norm = np.hypot(down, right) + 1e-9
    field = down / norm, -right / norm
    strokes = np.floor(rng.random((DRAWN // 9, DRAWN // 9, 1)) * 1000) / 1000
    specks = np.repeat(np.repeat(strokes, 10, axis=0), 10, axis=1)[:DRAWN, :DRAWN, 0]
    tone = follow(field, specks, 26, 1.8)
    tone = (tone - tone.mean()) / tone.std()
    bands = 0.5 + 0.5 * np.sin(9 * stream + 0.4 * noise(rng, 4))
    night = palette("0a1f5c", "123a8c", "2360b8", "4f95d6", "a9d3e8")
    level = np.clip(0.9 + 2.0 * bands + 0.75 * tone, 0, 3.999)
    low = level.astype(int)
    image = blend(night[low], night[low + 1], level - low)
    warm = palette("e08b1a", "f6c935", "fff3b0")
    heat = np.clip(2.0 * glow + 0.22 * tone, 0, 1.999)
    image = blend(image, blend(warm[heat.astype(int)], warm[heat.astype(int) + 1], heat % 1),
                  smoothstep(0.22, 0.5, glow + 0.10 * tone))  # fmt: skip
    bristles = follow(field, rng.random((DRAWN, DRAWN)), 22, 1.6)
    height = 1.2 * tone + 14 * (bristles - bristles.mean())
    relief = np.gradient(height, axis=0) + np.gradient(height, axis=1)
    return image * (1 + 0.30 * np.tanh(1.6 * relief))[..., None]


def tiles(across: Array, along: Array, size: float) -> tuple[Array, Array, Array]:
    """Lay rows of square tiles: return a number for each tile, and the place in it (-1 to 1)."""
    row = np.floor(across / size)
    shift = np.modf(row * 0.618)[0]
    column = np.floor(along / size + shift)
    inside = 2 * (across / size - row) - 1, 2 * (along / size + shift - column) - 1
    return row * 4096 + column, inside[0], inside[1]


def mosaic(rng: np.random.Generator) -> Array:
    """Draw a Roman mosaic: a sun of rings above waves, every stone a little different."""
    x, y = grid()
    size = 0.052
    radius = np.hypot(x - 0.1, y + 0.25)
    angle = np.arctan2(y + 0.25, x - 0.1) + np.pi
    ring = np.floor(radius / size) + 0.5
    around = angle / (2 * np.pi) * np.maximum(1, np.round(2 * np.pi * ring)) * size
    in_sky = tiles(radius, around, size)
    surface = y - 0.42 - 0.10 * np.sin(5.5 * x + 1.2) * (1 - 0.25 * y)
    in_sea = tiles(surface, x + 0.15 * y, size)
    sea = np.floor(surface / size) >= 0
    tile, down, right = (np.where(sea, b, a) for a, b in zip(in_sky, in_sea, strict=True))
    tile = tile + sea * 1e7
    _, number = np.unique(tile, return_inverse=True)
    number = number.reshape(x.shape)
    count = number.max() + 1
    middle_radius = np.bincount(number.ravel(), radius.ravel(), count)
    middle_depth = np.bincount(number.ravel(), surface.ravel(), count)
    middle_angle = np.bincount(number.ravel(), angle.ravel(), count)
    is_sea = np.bincount(number.ravel(), sea.ravel(), count)
    pixels = np.bincount(number.ravel(), minlength=count)
    r, d, a, s = (v / pixels for v in (middle_radius, middle_depth, middle_angle, is_sea))
    gold = palette("fbe29a", "f4bf3f", "e38b24", "c4451f", "8e1f1f")
    sky = palette("f2e8d0", "e6d3ac", "d9b98a", "9fc1b8")
    water = palette("e9efe2", "8fc3bd", "2f8f9d", "1b5e7d", "173a5e")
    rays = 0.07 * np.cos(12 * a)
    colors = np.where(
        (r < 0.37 + rays)[:, None],
        gold[np.clip((r / 0.085).astype(int), 0, 4)],
        sky[np.clip(((r - 0.3) / 0.26).astype(int), 0, 3)],
    )
    waves = water[np.clip((d / 0.105).astype(int) % 5, 0, 4)]
    colors = np.where((s > 0.5)[:, None], waves, colors)
    colors = colors * rng.normal(1, 0.09, (count, 1)) + rng.normal(0, 0.02, (count, 3))
    wobble = 0.05 * noise(rng, 60)
    edge = np.maximum(np.abs(down), np.abs(right)) + wobble
    light = 1 + 0.10 * (down * smoothstep(0.5, 0.9, np.abs(down)) * -1) + 0.025 * noise(rng, 120)
    image = colors[number] * light[..., None]
    grout = palette("6d6253")[0] * (1 + 0.08 * noise(rng, 160))[..., None]
    return blend(image, grout, smoothstep(0.80, 0.90, edge))


def woodcut(rng: np.random.Generator) -> Array:
    """Draw a woodcut: black ink, hills and a sun whose tones are cut as lines of varying width."""
    x, y = grid()
    rough = 0.22 * noise(rng, 40, 2)

    def cut(phase: Array, tone: Array) -> Array:
        """Return ink: parallel lines, thick where `tone` is dark (1) and gone where it is 0."""
        wave = 0.5 + 0.5 * np.cos(phase + rough)
        return smoothstep(-0.08, 0.08, wave - 1 + tone + 0.05 * rough)

    radius, angle = np.hypot(x - 0.35, y + 0.38), np.arctan2(y + 0.38, x - 0.35)
    rays = cut(72 * angle, np.clip(0.95 * radius - 0.05, 0.12, 0.75))
    ink = np.where(radius < 0.24, cut(110 * radius, 0.16 + 0.5 * (radius / 0.24) ** 3), rays)
    ink = np.maximum(ink, 1 - smoothstep(0.008, 0.014, np.abs(radius - 0.245)))
    for level, height, waves, shift in (
        (0.02, 0.16, 2.3, 0.4),
        (0.24, 0.15, 3.1, 2.1),
        (0.46, 0.13, 2.6, 4.4),
        (0.72, 0.10, 3.7, 1.2),
    ):
        slope = np.cos(waves * x + shift)
        top = level - height * np.sin(waves * x + shift) + 0.02 * np.sin(11 * x + 3 * shift)
        depth = y - top
        # The lines bend with the hill and lean to the side that lies in shadow.
        phase = 95 * depth + 26 * x * slope + 9 * np.sin(4 * x + shift)
        tone = np.clip(0.50 - 0.45 * slope + 0.55 * depth, 0.10, 0.97)
        ink = np.where(depth > 0, cut(phase, tone), ink)
        ink = np.maximum(ink, (1 - smoothstep(0.007, 0.013, np.abs(depth))) * (depth > -0.02))
    sunk = smoothstep(-1.0, 2.2, noise(rng, 200) + 0.6 * noise(rng, 30))
    paper = palette("efe3c8")[0] * (1 + 0.025 * noise(rng, 90, 2))[..., None]
    black = np.broadcast_to(palette("1c1512")[0], paper.shape) * (1 + 0.3 * sunk)[..., None]
    return blend(paper, black, ink * (1 - 0.12 * sunk))


def dots(rng: np.random.Generator) -> Array:
    """Draw a river at evening in dots of pure colour, each beside its complement."""
    image = np.broadcast_to(palette("d8c9a8")[0], (DRAWN, DRAWN, 3)).copy()
    scene = {
        "sky": palette("f7c873", "f29e4c", "f1c6b0", "8fb8de", "e86a5c"),
        "sun": palette("fff2a8", "ffd84d", "ffffff", "ff9f1c"),
        "trees": palette("1f5f3a", "3f8f4f", "16324f", "7a3b69", "a6c34c"),
        "river": palette("2a6f97", "61a5c2", "f2b880", "014f86", "e07a5f"),
        "meadow": palette("8ab547", "d9d04f", "4f8a3c", "e4a03b", "2f6b52"),
    }
    offsets = np.mgrid[-12:13, -12:13]
    for radius, count in ((11, 9000), (8, 22000), (6, 26000)):
        inside = np.hypot(*offsets) <= radius + 0.3
        near = offsets[:, inside]
        for px, py in rng.uniform(-1, 1, (count, 2)):
            choices = scene[_part_of_scene(px, py)]
            color = choices[min(rng.geometric(0.42), len(choices)) - 1] + rng.normal(0, 0.03, 3)
            rows = (int((py + 1) / 2 * DRAWN) + near[0]).clip(0, DRAWN - 1)
            columns = (int((px + 1) / 2 * DRAWN) + near[1]).clip(0, DRAWN - 1)
            image[rows, columns] = color
    return image * (1 + 0.03 * noise(rng, 200))[..., None]


def _part_of_scene(x: float, y: float) -> str:
    """Return what is to be seen at a point of :func:`dots`."""
    if np.hypot(x + 0.3, y + 0.42) < 0.17:
        return "sun"
    crowns = -0.05 - 0.16 * abs(np.sin(4.3 * x + 0.5)) - 0.12 * abs(np.sin(9.1 * x))
    bank = 0.12 + 0.05 * np.sin(2.5 * x)
    if y < crowns:
        return "sky"
    if y < bank:
        return "trees"
    if abs(x + 0.3) < 0.10 + 0.05 * np.sin(40 * y) and y < 0.6:
        return "sun"
    return "river" if y < 0.62 + 0.18 * x else "meadow"


STYLES = (stained_glass, swirls, mosaic, woodcut, dots)


@click.command()
@click.option("--out", type=click.Path(path_type=Path), default=Path(__file__).parent)
@click.option("--seed", default=231, show_default=True)
def main(out: Path, seed: int) -> None:
    """Draw all styles and write them to OUT as JPEG files."""
    for i, draw in enumerate(STYLES):
        image = draw(np.random.default_rng([seed, i]))
        pixels = np.rint(resize(np.clip(image, 0, 1), SIZE).clip(0, 1) * 255).astype(np.uint8)
        path = out / f"{draw.__name__}.jpg"
        iio.imwrite(path, pixels, quality=QUALITY)
        click.echo(f"{path.name}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
