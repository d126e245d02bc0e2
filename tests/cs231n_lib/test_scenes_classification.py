from __future__ import annotations

import hashlib

import numpy as np
import pytest

from cs231n_lib.scenes import CLASS_NAMES, make_classification
from cs231n_lib.scenes.backgrounds import (
    HABITAT_NAMES,
    paint_background,
    paint_clutter,
    pick_habitats,
)
from cs231n_lib.scenes.camera import Camera
from cs231n_lib.scenes.canvas import Canvas, Pose
from cs231n_lib.scenes.colors import COLOR_NAMES, named_color, weights_of
from cs231n_lib.scenes.draws import Draws
from cs231n_lib.scenes.things import THINGS

STEADY = Camera((1, 1), (1, 1), (1, 1), 0, 0, 0)


def painted(thing, rng, n=20, size=48) -> Canvas:
    draws = Draws(rng, n)
    zero, one = np.zeros((n, 1, 1), np.float32), np.ones((n, 1, 1), np.float32)
    canvas = Canvas(Pose(zero, zero, 0.75 * one, one, zero, one), size)
    thing.paint(canvas, draws, named_color(draws, draws.choice(weights_of(thing.colors))))
    return canvas


def test_shapes_and_types():
    images, labels = make_classification(23, np.random.default_rng(0))
    assert images.shape == (23, 32, 32, 3)
    assert images.dtype == np.uint8
    assert labels.shape == (23,)
    assert labels.dtype == np.int64


@pytest.mark.parametrize("num", [0, 1, 7, 30, 101])
def test_classes_are_balanced(num):
    images, labels = make_classification(num, np.random.default_rng(1))
    counts = np.bincount(labels, minlength=10)
    assert len(images) == counts.sum() == num
    assert counts.max() - counts.min() <= 1


def test_order_is_random():
    _, labels = make_classification(300, np.random.default_rng(2))
    assert (np.diff(labels) != 0).mean() > 0.8
    assert set(labels[:60]) == set(range(10))


def test_same_seed_same_images_other_seed_others():
    one, two, other = (
        make_classification(40, np.random.default_rng(seed))[0] for seed in (3, 3, 4)
    )
    np.testing.assert_array_equal(one, two)
    assert (one != other).mean() > 0.9


def test_successive_calls_go_on_with_the_generator():
    rng = np.random.default_rng(5)
    first, second = make_classification(10, rng)[0], make_classification(10, rng)[0]
    assert (first != second).any()


def test_images_are_the_same_on_every_machine():
    # If the drawing was changed on purpose, raise VERSION in store.py along with this.
    images, labels = make_classification(100, np.random.Generator(np.random.PCG64(231)))
    digest = hashlib.sha256(images.tobytes() + labels.tobytes()).hexdigest()
    assert digest == "32835593060d4868b424bf98bd73daab95cf9e49b0e10513ac8445ab132b8dde"


def test_no_two_images_are_alike_and_none_is_blank():
    images, _ = make_classification(400, np.random.default_rng(6))
    assert len(np.unique(images.reshape(400, -1), axis=0)) == 400
    assert images.reshape(400, -1).std(axis=1).min() > 3


@pytest.mark.parametrize("thing", THINGS, ids=CLASS_NAMES)
def test_things_are_drawn_whole(rng, thing):
    canvas = painted(thing, rng)
    alpha = canvas.layers[3]
    assert canvas.layers.dtype == np.float32
    assert np.isfinite(canvas.layers).all()
    assert canvas.layers.min() >= -1e-6
    assert alpha.max() <= 1 + 1e-5
    assert (canvas.layers[:3] <= alpha + 1e-5).all()
    covered = (alpha > 0.5).mean(axis=(1, 2))
    assert (covered > 0.08).all()
    assert (covered < 0.6).all()
    # At three quarters of the image nothing of it reaches the border.
    border = np.concatenate([alpha[:, 0], alpha[:, -1], alpha[:, :, 0], alpha[:, :, -1]], axis=1)
    assert border.max() < 0.5


@pytest.mark.parametrize("thing", THINGS, ids=CLASS_NAMES)
def test_things_vary(rng, thing):
    layers = painted(thing, rng, n=12).layers
    shapes = (layers[3] > 0.5).reshape(12, -1)
    assert len(np.unique(shapes, axis=0)) == 12
    assert layers[:3].std(axis=1).max() > 0.2


@pytest.mark.parametrize("thing", THINGS, ids=CLASS_NAMES)
def test_things_show_their_main_colour(rng, thing):
    """Painted once red and once blue, a thing is redder the first time."""
    seed = int(rng.integers(1 << 30))
    sums = []
    for name in ("red", "blue"):
        draws = Draws(np.random.default_rng(seed), 8)
        zero, one = np.zeros((8, 1, 1), np.float32), np.ones((8, 1, 1), np.float32)
        canvas = Canvas(Pose(zero, zero, 0.75 * one, one, zero, one), 48)
        main = named_color(draws, np.full((8, 1, 1), COLOR_NAMES.index(name)))
        thing.paint(canvas, draws, main)
        sums.append(canvas.layers[[0, 2]].sum(axis=(2, 3)))
    (red_red, red_blue), (blue_red, blue_blue) = sums
    assert (red_red > blue_red).all()
    assert (blue_blue > red_blue).all()


def test_things_name_habitats_and_colours_that_exist():
    assert CLASS_NAMES == tuple(sorted(CLASS_NAMES))
    assert len(set(CLASS_NAMES)) == 10
    for thing in THINGS:
        assert set(thing.habitats) <= set(HABITAT_NAMES)
        assert set(thing.colors) <= set(COLOR_NAMES)


def test_habitats_are_usual_as_often_as_said(rng):
    chosen = pick_habitats(Draws(rng, 20_000), {"sea": 2.0, "snow": 2.0}, 0.6)
    frequency = np.bincount(chosen.ravel(), minlength=len(HABITAT_NAMES)) / 20_000
    expected = np.full(len(HABITAT_NAMES), 0.4 / len(HABITAT_NAMES))
    for name in ("sea", "snow"):
        expected[HABITAT_NAMES.index(name)] += 0.3
    np.testing.assert_allclose(frequency, expected, atol=0.02)


def test_ground_begins_at_the_horizon(rng):
    night = np.full((30, 1, 1), HABITAT_NAMES.index("snow"))
    image = paint_background(Draws(rng, 30), night, 64, np.zeros((30, 1, 1), np.float32))
    sky, ground = image[:, :, :26].mean(axis=(0, 2, 3)), image[:, :, 38:].mean(axis=(0, 2, 3))
    assert image.shape == (3, 30, 64, 64)
    assert image.dtype == np.float32
    assert (ground != sky).all()
    rows = image[2].mean(axis=2)
    step = np.abs(np.diff(rows, axis=1)).argmax(axis=1)
    assert np.median(np.abs(step - 31)) <= 3


def test_clutter_comes_as_often_as_said(rng):
    image = np.zeros((3, 2000, 16, 16), np.float32)
    paint_clutter(image, Draws(rng, 2000), chance=0.3, extent=(0.5, 0.6), slenderness=0.5)
    assert (image.max(axis=(0, 2, 3)) > 0).mean() == pytest.approx(0.3, abs=0.04)
    paint_clutter(image, Draws(rng, 2000), chance=0.0, extent=(0.5, 0.6), slenderness=0.5)


def test_a_steady_camera_only_rounds(rng):
    image = (0.75 * rng.random((3, 5, 32, 32))).astype(np.float32)
    expected = np.round(255 * image.transpose(1, 2, 3, 0).astype(np.float64))
    pixels = STEADY.photograph(image.copy(), Draws(rng, 5))
    assert np.abs(pixels - expected).max() <= 1
    assert (pixels == expected).mean() > 0.99


def test_highlights_are_compressed_in_order(rng):
    ramp = np.linspace(0, 3, 32, dtype=np.float32) * np.ones((3, 1, 32, 1), np.float32)
    line = STEADY.photograph(ramp, Draws(rng, 1))[0, 0, :, 0].astype(int)
    assert (np.diff(line) >= 0).all()
    assert line[0] == 0
    assert 240 < line[-1] <= 255


def test_camera_varies_what_it_says(rng):
    def photos(**kwargs):
        settings = {
            "exposure": (1, 1),
            "contrast": (1, 1),
            "saturation": (1, 1),
            "balance": 0.0,
            "slope": 0.0,
            "noise": 0.0,
        }
        image = np.full((3, 200, 16, 16), 0.5, np.float32)
        image[0] = 0.3
        return Camera(**{**settings, **kwargs}).photograph(image, Draws(rng, 200)).astype(float)

    assert photos().std(axis=0).max() == 0
    assert photos(exposure=(0.5, 1.5)).mean(axis=(1, 2, 3)).std() > 20
    grey = photos(saturation=(0, 0))
    assert np.ptp(grey, axis=3).max() == 0
    balance = photos(balance=0.2).mean(axis=(1, 2))
    assert np.corrcoef(balance[:, 1], balance[:, 2])[0, 1] < 0.3
    slope = photos(slope=0.5)
    assert np.abs(slope[:, :, 0].mean(axis=(1, 2)) - slope[:, :, -1].mean(axis=(1, 2))).mean() > 10
    noise = photos(noise=0.2)
    assert 3 < noise.std(axis=(1, 2)).mean() < 20


@pytest.mark.parametrize("num", [2.5, "10", None])
def test_a_number_that_is_none_is_named(num):
    with pytest.raises(TypeError, match=r"expected num_images to be a whole number, got"):
        make_classification(num, np.random.default_rng(0))


def test_a_negative_number_is_named():
    with pytest.raises(ValueError, match=r"expected num_images of at least 0, got -1"):
        make_classification(-1, np.random.default_rng(0))


def test_a_seed_is_no_generator():
    with pytest.raises(TypeError, match=r"numpy\.random\.Generator such as .*, got int"):
        make_classification(10, 0)
