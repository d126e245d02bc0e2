"""The datasets of the course, by name, in one form."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

__all__ = ["DATASETS", "ImageDataset", "load_dataset", "use_dataset"]

DATASETS = ("scenes", "cifar10")
"""The names that :func:`load_dataset` knows; the first is the default."""

_SIZES = {"scenes": (10_000, 1_000, 1_000), "cifar10": (49_000, 1_000, 10_000)}

_surrounding: ContextVar[str | None] = ContextVar("surrounding dataset", default=None)


@dataclass(frozen=True, eq=False, repr=False)
class ImageDataset:
    """Images with labels, split into training, validation and test.

    Parameters
    ----------
    name : str
        One of :data:`DATASETS`.
    X_train, X_val, X_test : (N, 32, 32, 3) float32 or uint8 arrays
        Images, height by width by RGB, with pixel values from 0 to 255.
    y_train, y_val, y_test : (N,) int64 arrays
        Labels: positions in `class_names`.
    class_names : tuple of str
        What the labels mean.
    """

    name: str
    X_train: NDArray[Any]
    y_train: NDArray[np.int64]
    X_val: NDArray[Any]
    y_val: NDArray[np.int64]
    X_test: NDArray[Any]
    y_test: NDArray[np.int64]
    class_names: tuple[str, ...]

    def __repr__(self) -> str:
        return (
            f"ImageDataset({self.name!r}: {len(self.X_train)} training, {len(self.X_val)} "
            f"validation and {len(self.X_test)} test images of shape {self.X_train.shape[1:]}, "
            f"{len(self.class_names)} classes, {self.X_train.dtype})"
        )


@contextmanager
def use_dataset(name: str) -> Iterator[None]:
    """Make `name` the default of :func:`load_dataset` within a ``with`` block.

    Parameters
    ----------
    name : str
        One of :data:`DATASETS`.

    Raises
    ------
    ValueError
        If there is no dataset of that name.

    Examples
    --------
    >>> with use_dataset("cifar10"):
    ...     default_name()
    'cifar10'
    """
    token = _surrounding.set(_known(name, "use_dataset"))
    try:
        yield
    finally:
        _surrounding.reset(token)


def default_name() -> str:
    """Return the dataset used where none is named.

    That is, in this order: the environment variable ``CS231N_DATASET``; the surrounding
    :func:`use_dataset`; the line ``dataset = "..."`` of a file ``course.toml`` in the current
    folder; ``"scenes"``.
    """
    if name := os.environ.get("CS231N_DATASET"):
        return _known(name, "the environment variable CS231N_DATASET")
    if name := _surrounding.get():
        return name
    course = Path("course.toml")
    if course.is_file():
        try:
            settings = tomllib.loads(course.read_text(encoding="utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise ValueError(f"{course.resolve()} is not valid TOML: {error}") from error
        if "dataset" in settings:
            return _known(settings["dataset"], str(course.resolve()))
    return DATASETS[0]


def load_dataset(
    name: str | None = None,
    *,
    num_training: int | None = None,
    num_validation: int | None = None,
    num_test: int | None = None,
    dtype: DTypeLike = np.float32,
) -> ImageDataset:
    """Load a dataset, or part of it.

    Training images are taken from the front of the training set and validation images from what
    follows them, so that the two never overlap; test images from the front of the test set. The
    same call gives the same images.

    Parameters
    ----------
    name : {"scenes", "cifar10"}, optional
        Which; by default what :func:`use_dataset`, the folder's ``course.toml`` or the environment
        variable ``CS231N_DATASET`` say, and ``"scenes"`` if they say nothing.
    num_training, num_validation, num_test : int, optional
        How many images of each; by default 10,000/1,000/1,000 of ``scenes`` and
        49,000/1,000/10,000 of ``cifar10``, as in the course.
    dtype : {float32, uint8}, default float32
        Of the images. Values are 0 to 255 either way.

    Returns
    -------
    ImageDataset
        Images, labels and class names.

    Raises
    ------
    ValueError
        If there is no such dataset, it has not so many images, or `dtype` is another.

    Examples
    --------
    >>> data = load_dataset("scenes", num_training=500, num_validation=100, num_test=50)
    >>> data.X_train.shape, data.y_val.dtype
    ((500, 32, 32, 3), dtype('int64'))
    """
    name = default_name() if name is None else _known(name, "load_dataset")
    pixels = _pixel_dtype(dtype)
    sizes = _sizes(name, num_training, num_validation, num_test)
    # Either dataset is imported only where it is wanted: CIFAR-10 brings the downloader along.
    if name == "scenes":
        from cs231n_lib import scenes

        arrays = scenes.load_scenes(*sizes)
        class_names = tuple(scenes.CLASS_NAMES)
    else:
        from cs231n_lib import cifar10

        arrays = cifar10.load_cifar10(*sizes, dtype=pixels)
        class_names = cifar10.CLASS_NAMES
    X_train, X_val, X_test = (arrays[i].astype(pixels, copy=False) for i in (0, 2, 4))
    _, y_train, _, y_val, _, y_test = arrays
    return ImageDataset(name, X_train, y_train, X_val, y_val, X_test, y_test, class_names)


def _sizes(
    name: str, num_training: int | None, num_validation: int | None, num_test: int | None
) -> list[int]:
    wanted = {
        "num_training": num_training,
        "num_validation": num_validation,
        "num_test": num_test,
    }
    sizes = []
    for (split, number), default in zip(wanted.items(), _SIZES[name], strict=True):
        if number is None:
            number = default
        elif isinstance(number, bool) or not isinstance(number, (int, np.integer)) or number < 0:
            raise ValueError(f"{split} must be a number of images, 0 or more, got {number!r}")
        sizes.append(int(number))
    return sizes


def _pixel_dtype(dtype: DTypeLike) -> np.dtype[Any]:
    for allowed in (np.dtype(np.float32), np.dtype(np.uint8)):
        try:
            if np.dtype(dtype) == allowed:
                return allowed
        except TypeError:  # not a dtype at all: the message below says so
            break
    raise ValueError(f"dtype must be float32 or uint8, got {dtype!r}")


def _known(name: object, where: str) -> str:
    if name not in DATASETS:
        raise ValueError(f"{where} names the dataset {name!r}, expected one of {list(DATASETS)}")
    return str(name)
