"""The pictures in ``data/photographs`` and their resizing."""

from __future__ import annotations

import numpy as np
import pytest

from cs231n_lib.paths import data_folder
from cs231n_lib.photographs import list_photographs, load_photograph, resize


def test_there_are_a_dozen_photographs_and_each_has_an_origin():
    names = list_photographs()
    assert len(names) >= 12
    readme = (data_folder() / "photographs" / "README.md").read_text(encoding="utf-8")
    assert all(f"`{name}.jpg`" in readme for name in names)
    files = (data_folder() / "photographs").glob("*.jpg")
    assert sum(path.stat().st_size for path in files) < 2.5e6


@pytest.mark.parametrize("name", list_photographs())
def test_every_photograph_loads(name):
    image = load_photograph(name)
    assert image.ndim == 3
    assert image.shape[2] == 3
    assert image.dtype == np.uint8
    assert min(image.shape[:2]) >= 256
    assert image.std() > 20
    assert load_photograph(name, size=(40, 60)).shape == (40, 60, 3)
    assert load_photograph(name, size=32).shape == (32, 32, 3)


def test_an_unknown_photograph_is_named():
    with pytest.raises(ValueError, match=r"no photograph called '\.\./secret', expected one of"):
        load_photograph("../secret")


def test_resizing_keeps_a_smooth_picture(rng):
    y, x = np.mgrid[:120, :180] / 20
    image = np.stack([np.sin(x), np.cos(y), np.sin(x + y)], axis=2)
    small = resize(image, (60, 90))
    y, x = (np.mgrid[:60, :90] + 0.25) * 2 / 20
    expected = np.stack([np.sin(x), np.cos(y), np.sin(x + y)], axis=2)
    np.testing.assert_allclose(small[4:-4, 4:-4], expected[4:-4, 4:-4], atol=0.01)
    large = resize(image, (240, 360))
    np.testing.assert_allclose(resize(large, (120, 180))[4:-4, 4:-4], image[4:-4, 4:-4], atol=0.005)


def test_shrinking_averages_instead_of_picking():
    checkerboard = np.indices((64, 64)).sum(0)[:, :, None] % 2 * 255.0
    np.testing.assert_allclose(resize(checkerboard, 8)[1:-1, 1:-1], 127.5, atol=1)


def test_the_centre_is_cut_out_in_the_wanted_proportions():
    image = np.zeros((40, 100, 3), np.uint8)
    image[:, 30:70] = 100
    assert (resize(image, 40) == 100).all()
    assert (resize(image, 10)[:, 2:-2] == 100).all()
    assert not (resize(image, (40, 100)) - image).any()
    part = resize(image, 20, crop_fraction=0.5)
    assert (part == 100).all()


def test_many_images_at_once_and_in_their_own_type(rng):
    images = rng.random((3, 20, 30, 2)).astype(np.float32)
    together = resize(images, (10, 12))
    assert together.dtype == np.float32
    np.testing.assert_allclose(together[1], resize(images[1], (10, 12)), rtol=1e-6)
    same = resize(images, (20, 30))
    np.testing.assert_array_equal(same, images)
    assert not np.shares_memory(same, images)


@pytest.mark.parametrize(
    ("image", "size", "options", "error", "message"),
    [
        (np.zeros((4, 4)), 2, {}, ValueError, r"\(H, W, C\) or \(N, H, W, C\), got \(4, 4\)"),
        (np.zeros((4, 4, 3)), 0, {}, ValueError, "expected a positive size, got 0"),
        (np.zeros((4, 4, 3)), (3, -1), {}, ValueError, r"positive size, got \(3, -1\)"),
        (np.zeros((4, 4, 3), int), 2, {}, TypeError, "floating-point images, got int64"),
        (np.zeros((4, 4, 3)), 2, {"crop_fraction": 2}, ValueError, "at most 1, got 2"),
    ],
)
def test_bad_input_is_named(image, size, options, error, message):
    with pytest.raises(error, match=message):
        resize(image, size, **options)
