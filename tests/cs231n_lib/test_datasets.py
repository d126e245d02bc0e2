from __future__ import annotations

import pickle

import numpy as np
import pytest

from cs231n_lib import cifar10, scenes
from cs231n_lib.datasets import DATASETS, ImageDataset, load_dataset, use_dataset


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch, tmp_path):
    monkeypatch.delenv("CS231N_DATASET", raising=False)
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def seen(monkeypatch):
    """Replace both loaders by ones that note what they are asked for."""
    calls = []

    def loader(name):
        def load(num_training, num_validation, num_test, **kwargs):
            sizes = (num_training, num_validation, num_test)
            calls.append((name, sizes))
            return tuple(
                array
                for n in sizes
                for array in (np.zeros((n, 2, 2, 3), np.uint8), np.zeros(n, np.int64))
            )

        return load

    monkeypatch.setattr(scenes, "load_scenes", loader("scenes"))
    monkeypatch.setattr(cifar10, "load_cifar10", loader("cifar10"))
    return calls


def test_scenes_is_the_default(seen):
    assert load_dataset().name == "scenes"
    assert seen == [("scenes", (10_000, 1_000, 1_000))]


def test_sizes_of_the_course(seen):
    load_dataset("cifar10")
    load_dataset("cifar10", num_training=5_000, num_test=np.int64(500))
    assert [sizes for _, sizes in seen] == [(49_000, 1_000, 10_000), (5_000, 1_000, 500)]


def test_order_of_precedence(seen, monkeypatch, tmp_path):
    (tmp_path / "course.toml").write_text('dataset = "cifar10"\n')
    assert load_dataset().name == "cifar10"
    with use_dataset("scenes"):
        assert load_dataset().name == "scenes"
        with use_dataset("cifar10"):
            assert load_dataset().name == "cifar10"
        assert load_dataset().name == "scenes"
        monkeypatch.setenv("CS231N_DATASET", "cifar10")
        assert load_dataset().name == "cifar10"
        assert load_dataset("scenes").name == "scenes"


def test_context_ends_with_an_exception(seen):
    with pytest.raises(KeyError), use_dataset("cifar10"):
        raise KeyError
    assert load_dataset().name == "scenes"


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('dataset = "mnist"', r"course\.toml names the dataset 'mnist', expected one of"),
        ("dataset = 3", "names the dataset 3"),
        ("dataset =", r"course\.toml is not valid TOML"),
    ],
)
def test_bad_course_file(tmp_path, content, message):
    (tmp_path / "course.toml").write_text(content)
    with pytest.raises(ValueError, match=message):
        load_dataset()


def test_course_file_without_a_dataset(seen, tmp_path):
    (tmp_path / "course.toml").write_text('title = "CS231n"')
    assert load_dataset().name == "scenes"


def test_unknown_names(monkeypatch):
    with pytest.raises(ValueError, match="'imagenet', expected one of"):
        load_dataset("imagenet")
    with pytest.raises(ValueError, match="use_dataset names"), use_dataset("Scenes"):
        pass
    monkeypatch.setenv("CS231N_DATASET", "mnist")
    with pytest.raises(ValueError, match="environment variable CS231N_DATASET names"):
        load_dataset()


@pytest.mark.parametrize("number", [-1, 2.5, "10", True])
def test_bad_sizes(number):
    with pytest.raises(ValueError, match="num_validation must be a number of images"):
        load_dataset(num_validation=number)


@pytest.mark.parametrize("dtype", [np.float64, "int32", "pixels", object()])
def test_bad_dtypes(dtype):
    with pytest.raises(ValueError, match="dtype must be float32 or uint8"):
        load_dataset(dtype=dtype)


@pytest.mark.parametrize("dtype", ["float32", np.uint8])
def test_scenes_for_real(dtype):
    data = load_dataset("scenes", num_training=60, num_validation=30, num_test=20, dtype=dtype)
    assert data.X_train.shape == (60, 32, 32, 3)
    assert (len(data.X_val), len(data.y_val), len(data.X_test), len(data.y_test)) == (
        30,
        30,
        20,
        20,
    )
    assert data.X_train.dtype == data.X_test.dtype == np.dtype(dtype)
    assert data.y_train.dtype == np.int64
    assert len(data.class_names) == 10
    assert data.X_train.max() > 200
    assert "60 training" in repr(data)


def test_frozen():
    names = ("a",)
    data = ImageDataset("scenes", *[np.zeros(1)] * 6, names)
    with pytest.raises(AttributeError):
        data.name = "other"
    assert set(DATASETS) == {"scenes", "cifar10"}
    assert pickle.loads(pickle.dumps(data)).name == "scenes"  # noqa: S301
