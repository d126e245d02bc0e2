"""Distances, colours, random parameters and the canvas, against definitions in float64."""

from __future__ import annotations

import colorsys
import math

import numpy as np
import pytest

from cs231n_lib.scenes.canvas import Canvas, Pattern, Pose, grid
from cs231n_lib.scenes.colors import COLOR_NAMES, hsv_to_rgb, named_color, weights_of
from cs231n_lib.scenes.draws import Draws
from cs231n_lib.scenes.sdf import box, circle, convex, ellipse, ring, segment


@pytest.fixture
def points(rng) -> tuple[np.ndarray, np.ndarray]:
    x, y = rng.uniform(-1.5, 1.5, (2, 1, 1, 400)).astype(np.float32)
    return x, y


def pose(n: int = 1, *, scale: float = 1.0, cx: float = 0.0, cy: float = 0.0, turn: float = 0.0):
    def plane(value):
        return np.full((n, 1, 1), value, dtype=np.float32)

    return Pose(
        plane(cx), plane(cy), plane(scale), plane(math.cos(turn)), plane(math.sin(turn)), plane(1)
    )


def distance_to_outline(x, y, outline):
    """Smallest distance of each point to densely sampled points of an outline."""
    return np.sqrt(
        (x.ravel()[:, None] - outline[:, 0]) ** 2 + (y.ravel()[:, None] - outline[:, 1]) ** 2
    ).min(1)


def polygon_outline(corners, steps=2000):
    t = np.linspace(0, 1, steps)[:, None]
    ends = [*corners[1:], corners[0]]
    return np.concatenate(
        [(1 - t) * np.array(a) + t * np.array(b) for a, b in zip(corners, ends, strict=True)]
    )


def test_circle_is_the_distance_to_its_outline(points):
    x, y = points
    angle = np.linspace(0, 2 * np.pi, 5000)
    outline = np.stack([0.2 + 0.7 * np.cos(angle), -0.1 + 0.7 * np.sin(angle)], axis=1)
    distance = circle(x, y, 0.2, -0.1, 0.7)
    np.testing.assert_allclose(
        np.abs(distance).ravel(), distance_to_outline(x, y, outline), atol=1e-3
    )
    np.testing.assert_array_equal(distance < 0, (x - 0.2) ** 2 + (y + 0.1) ** 2 < 0.49)


def test_box_is_the_distance_to_its_outline(points):
    x, y = points
    corners = [(-0.4, -0.8), (0.6, -0.8), (0.6, 0.2), (-0.4, 0.2)]
    distance = box(x, y, 0.1, -0.3, 0.5, 0.5)
    np.testing.assert_allclose(
        np.abs(distance).ravel(), distance_to_outline(x, y, polygon_outline(corners)), atol=2e-3
    )
    np.testing.assert_array_equal(distance < 0, (np.abs(x - 0.1) < 0.5) & (np.abs(y + 0.3) < 0.5))


def test_rounding_a_box_by_half_its_side_gives_a_disc(points):
    x, y = points
    np.testing.assert_allclose(box(x, y, 0, 0, 0.5, 0.5, 0.5), circle(x, y, 0, 0, 0.5), atol=1e-6)


def test_segment_is_the_distance_to_its_points_less_the_pen(points):
    x, y = points
    t = np.linspace(0, 1, 5000)[:, None]
    line = (1 - t) * np.array([-0.6, 0.3]) + t * np.array([0.5, -0.7])
    np.testing.assert_allclose(
        segment(x, y, -0.6, 0.3, 0.5, -0.7, 0.1).ravel(),
        distance_to_outline(x, y, line) - 0.1,
        atol=1e-3,
    )


def test_convex_polygon_has_the_right_inside_and_edge_distance(points):
    x, y = points
    corners = [(-0.5, -0.6), (0.8, -0.4), (0.3, 0.9)]
    distance = convex(x, y, corners).ravel()
    crossings = [
        (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0
        for (ax, ay), (bx, by) in zip(corners, [*corners[1:], corners[0]], strict=True)
    ]
    inside = np.all(crossings, axis=0).ravel()
    np.testing.assert_array_equal(distance < 0, inside)
    # Inside, the nearest outline point is on the nearest edge, so the value is exact there.
    expected = distance_to_outline(x, y, polygon_outline(corners))
    np.testing.assert_allclose(-distance[inside], expected[inside], atol=2e-3)
    assert (distance[~inside] <= expected[~inside] + 2e-3).all()


def test_convex_polygon_takes_corners_per_picture():
    x = y = np.zeros((2, 1, 1), dtype=np.float32)
    left = np.array([-1.0, 0.5], dtype=np.float32)[:, None, None]
    distance = convex(x, y, [(left, -1.0), (2.0, -1.0), (2.0, 1.0), (left, 1.0)])
    np.testing.assert_allclose(distance.ravel(), [-1.0, 0.5])


def test_ellipse_is_exact_in_sign_and_close_in_value_near_its_edge():
    angle = np.linspace(0, 2 * np.pi, 300)
    normal = np.stack([np.cos(angle) / 0.8, np.sin(angle) / 0.5])
    normal /= np.sqrt((normal**2).sum(axis=0))
    for offset in (-0.05, 0.05):
        x = (0.1 + 0.8 * np.cos(angle) + offset * normal[0]).astype(np.float32)[None, None]
        y = (0.2 + 0.5 * np.sin(angle) + offset * normal[1]).astype(np.float32)[None, None]
        np.testing.assert_allclose(ellipse(x, y, 0.1, 0.2, 0.8, 0.5), offset, atol=0.01)


def test_ellipse_is_finite_at_its_centre():
    zero = np.zeros((1, 1, 1), dtype=np.float32)
    assert -0.1 < ellipse(zero, zero, 0.0, 0.0, 0.5, 0.3).item() <= 0


def test_ring_is_the_outline_with_a_width():
    x, y = grid(200)
    x, y = np.broadcast_arrays(x, y)
    area = (ring(circle(x, y, 0, 0, 0.6), 0.1) < 0).mean() * 4
    assert area == pytest.approx(math.pi * (0.7**2 - 0.5**2), rel=0.01)


def test_hsv_to_rgb_agrees_with_colorsys(rng):
    hue, saturation, value = rng.random((3, 50)).astype(np.float32)
    expected = [colorsys.hsv_to_rgb(*hsv) for hsv in zip(hue, saturation, value, strict=True)]
    np.testing.assert_allclose(hsv_to_rgb(hue, saturation, value).T, expected, atol=1e-5)
    wrapped = hsv_to_rgb(hue - np.float32(1), saturation, value)
    np.testing.assert_allclose(wrapped.T, expected, atol=1e-5)


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [
        ("red", 345, 15),
        ("yellow", 40, 62),
        ("green", 90, 150),
        ("blue", 195, 240),
        ("pink", 310, 345),
    ],
)
def test_named_colors_have_the_hue_of_their_name(rng, name, low, high):
    index = np.full((200, 1, 1), COLOR_NAMES.index(name))
    for red, green, blue in named_color(Draws(rng, 200), index)[:, :, 0, 0].T:
        hue = 360 * colorsys.rgb_to_hsv(red, green, blue)[0]
        assert (low <= hue <= high) if low < high else (hue >= low or hue <= high)


def test_greys_are_ordered_and_hardly_coloured(rng):
    shades = {
        name: named_color(Draws(rng, 100), np.full((100, 1, 1), COLOR_NAMES.index(name)))
        for name in ("black", "grey", "white")
    }
    assert (
        shades["black"].max() < shades["grey"].min() < shades["grey"].max() < shades["white"].min()
    )
    for shade in shades.values():
        assert (shade.max(axis=0) - shade.min(axis=0)).max() < 0.11


def test_weights_are_in_the_order_of_the_names():
    weights = weights_of({"blue": 2.0})
    assert weights[COLOR_NAMES.index("blue")] == 2.0
    assert sum(weights) == 2.0


def test_draws_have_the_distribution_they_say(rng):
    draws = Draws(rng, 20_000)
    values = draws.uniform(2, 5)
    assert values.dtype == np.float32
    assert values.shape == (20_000, 1, 1)
    assert 2 <= values.min() < 2.01
    assert 4.99 < values.max() <= 5
    assert draws.chance(0.3).mean() == pytest.approx(0.3, abs=0.02)
    assert set(np.unique(draws.sign())) == {-1, 1}
    frequencies = np.bincount(draws.choice((1, 0, 3)).ravel(), minlength=3) / 20_000
    np.testing.assert_allclose(frequencies, [0.25, 0, 0.75], atol=0.02)
    cos, sin = draws.direction(0.5)
    np.testing.assert_allclose(cos * cos + sin * sin, 1, atol=1e-6)
    assert np.abs(np.arctan2(sin, cos)).max() == pytest.approx(2 * math.atan(0.5), abs=0.01)


@pytest.mark.parametrize("size", [32, 33, 96])
def test_grid_holds_pixel_centres(size):
    x, y = grid(size)
    expected = [-1 + (2 * i + 1) / size for i in range(size)]
    np.testing.assert_allclose(x.ravel(), expected, atol=1e-6)
    np.testing.assert_allclose(y.ravel(), expected, atol=1e-6)


def test_anti_aliasing_keeps_the_area():
    for radius, error in ((0.06, 0.2), (0.13, 0.03), (0.5, 0.01)):
        canvas = Canvas(pose(scale=0.9, cx=0.013, cy=-0.021), 32)
        covered = canvas.coverage(circle(canvas.x, canvas.y, 0, 0, radius)).sum() / 32**2 * 4
        assert covered == pytest.approx(math.pi * (0.9 * radius) ** 2, rel=error)


def test_pose_moves_turns_and_scales():
    canvas = Canvas(pose(scale=0.5, cx=0.25, cy=-0.5, turn=math.pi / 2), 64)
    # A quarter turn takes what is right of the object's centre below it, as rows point down.
    canvas.fill(circle(canvas.x, canvas.y, 0.6, 0.0, 0.2), np.ones((3, 1, 1, 1), np.float32))
    rows, columns = np.nonzero(canvas.layers[3, 0] > 0.5)
    assert (2 * columns.mean() + 1) / 64 - 1 == pytest.approx(0.25, abs=0.01)
    assert (2 * rows.mean() + 1) / 64 - 1 == pytest.approx(-0.5 + 0.5 * 0.6, abs=0.01)


def test_painting_composites_as_defined(rng):
    canvas = Canvas(pose(), 16)
    red, blue = np.eye(3, dtype=np.float32)[[0, 2]][..., None, None, None]
    everywhere = np.full_like(canvas.x, -1)
    canvas.fill(everywhere, red, opacity=0.5)
    canvas.fill(everywhere, blue, opacity=0.25)
    np.testing.assert_allclose(canvas.layers[:, 0, 3, 4], [0.375, 0, 0.25, 0.625], atol=1e-6)
    background = rng.random((3, 1, 16, 16)).astype(np.float32)
    expected = background * 0.375 + np.array([0.375, 0, 0.25])[:, None, None, None]
    np.testing.assert_allclose(canvas.over(background), expected, atol=1e-6)


def test_relief_darkens_the_rim_only():
    canvas = Canvas(pose(), 64)
    white = np.ones((3, 1, 1, 1), np.float32)
    canvas.fill(circle(canvas.x, canvas.y, 0, 0, 0.9), white, relief=0.5, depth=0.3)
    assert canvas.layers[0, 0, 32, 32] == pytest.approx(1)
    assert canvas.layers[0, 0, 32, 5] < 0.75
    assert canvas.layers[3, 0, 32, 5] == pytest.approx(1)


def test_light_keeps_colours_in_range(rng):
    canvas = Canvas(pose(40), 32)
    canvas.fill(circle(canvas.x, canvas.y, 0, 0, 0.8), np.ones((3, 1, 1, 1), np.float32))
    canvas.light(Draws(rng, 40), 0.9)
    assert (canvas.layers[:3] <= canvas.layers[3]).all()
    assert canvas.layers[:3].min() >= 0
    assert canvas.layers[0, :, 16, 5].std() > 0.05


def test_patterns_mix_two_colours_and_plain_only_one(rng):
    canvas = Canvas(pose(60), 32)
    black, white = np.zeros((3, 60, 1, 1), np.float32), np.ones((3, 60, 1, 1), np.float32)
    plain = Pattern(Draws(rng, 60), (1, 0, 0, 0, 0)).mix(canvas, black, white)
    assert plain.max() == 0
    bands = Pattern(Draws(rng, 60), (0, 0, 1, 0, 0)).mix(canvas, black, white)
    assert bands.min() == 0
    assert bands.max() == 1
    # Bands run across: nothing changes along a row.
    assert np.ptp(bands, axis=3).max() < 1e-6
    for weights in ((0, 1, 0, 0, 0), (0, 0, 0, 1, 0), (0, 0, 0, 0, 1)):
        mixed = Pattern(Draws(rng, 60), weights).mix(canvas, black, white)
        assert 0.05 < mixed.mean() < 0.6
