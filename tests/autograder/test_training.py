from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from autograder import CheckFailed, half_size, once_per_dataset, prepared, scores_of
from cs231n_lib.datasets import load_dataset, use_dataset


def test_a_dataset_is_prepared_part_by_part() -> None:
    data = load_dataset("scenes", num_training=30, num_validation=20, num_test=10)
    splits = prepared(data, lambda images: images[:, 0, 0, :2] / 255)
    assert (splits.name, splits.num_classes) == ("scenes", 10)
    for part, number in (("train", 30), ("val", 20), ("test", 10)):
        X, images = getattr(splits, f"X_{part}"), getattr(data, f"X_{part}")
        np.testing.assert_array_equal(X, images[:, 0, 0, :2] / 255)
        assert X.shape == (number, 2)
        assert getattr(splits, f"y_{part}") is getattr(data, f"y_{part}")


def test_half_the_size_keeps_colours_in_place_and_the_norm_of_flat_images() -> None:
    rng = np.random.default_rng(0)
    colours = rng.integers(256, size=(2, 3, 4, 3), dtype=np.uint8)
    images = colours.repeat(2, axis=1).repeat(2, axis=2)
    small = half_size(images)
    np.testing.assert_array_equal(small, 2.0 * colours)
    assert small.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(small), np.linalg.norm(images.astype(float)))


def test_each_dataset_is_loaded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CS231N_DATASET", raising=False)
    loaded = []

    @once_per_dataset
    def rows(name: str) -> str:
        loaded.append(name)
        return f"rows of {name}"

    for name in ("cifar10", "scenes", "cifar10", "scenes"):
        with use_dataset(name):
            assert rows() == f"rows of {name}"
    assert loaded == ["cifar10", "scenes"]


def model(scores: Any) -> SimpleNamespace:
    return SimpleNamespace(loss=lambda X: scores)


def test_scores_are_those_of_the_model() -> None:
    X = np.ones((2, 4))
    scores = scores_of(SimpleNamespace(loss=lambda X: X[:, :3] * 2), X, 3, function="train")
    np.testing.assert_array_equal(scores, np.full((2, 3), 2.0))


@pytest.mark.parametrize(
    ("returned", "words"),
    [
        (None, "train returned None, expected the network: end with `return model`"),
        ({"W1": 1}, "train returned a value of type dict, expected the network"),
        (model(np.zeros((2, 4))), r"the scores .*\(2, 4\).*\(2, 3\)"),
        (model(np.array([[0, 1, np.nan]] * 2)), "the scores"),
        (model("none"), "the scores"),
    ],
)
def test_what_is_no_model_or_gives_no_scores_fails_in_words(returned: Any, words: str) -> None:
    with pytest.raises(CheckFailed, match=words):
        scores_of(returned, np.ones((2, 4)), 3, function="train")
