"""What checks have in common that let a student's function train on a dataset of the course."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from cs231n_lib.checking import assert_finite, assert_shape
from cs231n_lib.datasets import ImageDataset, default_name

from .authoring import require

__all__ = ["Splits", "half_size", "once_per_dataset", "prepared", "scores_of"]

Result = TypeVar("Result")


@dataclass(frozen=True, eq=False, repr=False)
class Splits:
    """A dataset as an exercise's notebook prepares it.

    Attributes
    ----------
    name, num_classes
        The dataset's name, and how many classes it has.
    X_train, X_val, X_test
        What the images became.
    y_train, y_val, y_test
        Their labels.
    """

    name: str
    num_classes: int
    X_train: NDArray[Any]
    y_train: NDArray[np.int64]
    X_val: NDArray[Any]
    y_val: NDArray[np.int64]
    X_test: NDArray[Any]
    y_test: NDArray[np.int64]


def prepared(data: ImageDataset, prepare: Callable[[NDArray[Any]], NDArray[Any]]) -> Splits:
    """Return a dataset with `prepare` applied to the images of each of its three parts."""
    return Splits(
        name=data.name,
        num_classes=len(data.class_names),
        X_train=prepare(data.X_train),
        y_train=data.y_train,
        X_val=prepare(data.X_val),
        y_val=data.y_val,
        X_test=prepare(data.X_test),
        y_test=data.y_test,
    )


def half_size(images: NDArray[Any]) -> NDArray[np.float32]:
    """Return images of half the height and width, a quarter of the work for whoever trains on them.

    Pixels are sums of 2×2 pixels, divided by 2, not by 4: images of flat colour keep their norm, so
    that learning rates and regularisation that suit linear classifiers of the whole images suit
    those of the small ones.

    Parameters
    ----------
    images : (N, H, W, C) array
        Of even height and width.

    Returns
    -------
    (N, H/2, W/2, C) array of float32
        The small images.

    Examples
    --------
    >>> half_size(np.full((1, 4, 2, 3), 10, dtype=np.uint8))[0, :, 0, 0]
    array([20., 20.], dtype=float32)
    """
    N, H, W, C = images.shape
    blocks = images.reshape(N, H // 2, 2, W // 2, 2, C)
    small: NDArray[np.float32] = blocks.sum(axis=(2, 4), dtype=np.float32)
    small /= 2
    return small


def once_per_dataset(load: Callable[[str], Result]) -> Callable[[], Result]:
    """Make of ``load(name)`` a function without arguments that loads the dataset in use.

    It does so once for each dataset in a process: a class of hundreds is graded on the same arrays,
    which nobody may change.

    Examples
    --------
    >>> from cs231n_lib.datasets import use_dataset
    >>> @once_per_dataset
    ... def images(name):
    ...     return [name]
    >>> with use_dataset("cifar10"):
    ...     images(), images() is images()
    (['cifar10'], True)
    """
    cached = functools.cache(load)
    return lambda: cached(default_name())


def scores_of(model: Any, X: NDArray[Any], num_classes: int, *, function: str) -> NDArray[Any]:
    """Return the scores that the model which a student's function returned gives to images.

    Parameters
    ----------
    model
        What the function returned: where it is right, an object with ``loss(X) -> scores``.
    X
        N images, as the model takes them. They go to the student's process, where the model is;
        their labels do not.
    num_classes
        How many scores an image has.
    function
        The function's name.

    Returns
    -------
    (N, num_classes) array of finite numbers

    Raises
    ------
    CheckFailed
        If there is no model, or its scores are not such an array.
    """
    loss: Any = getattr(model, "loss", None)
    what = "None" if model is None else f"a value of type {type(model).__name__}"
    require(
        loss is not None,
        f"{function} returned {what}, expected the network: end with `return model`",
        kind="type",
    )
    scores = loss(X)
    assert_shape(scores, (len(X), num_classes), name="the scores")
    assert_finite(scores, name="the scores")
    return np.asarray(scores)
