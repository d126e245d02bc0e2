"""CIFAR-10 as arrays: 60,000 photographs of 32×32 pixels in ten classes.

The official files are pickles of Python 2, which could run any code when they are loaded. They are
read here by an unpickler that knows how to build arrays of numbers and nothing else.

References
----------
A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
"""

from __future__ import annotations

import pickle  # only subclassed: what it may build is listed below
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

__all__ = ["CLASS_NAMES", "DataFileError", "load_cifar10", "read_batch"]

CLASS_NAMES = (
    "plane",
    "car",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)
"""What labels 0 to 9 mean, in the course's short form of the official names."""

_TRAINING = tuple(f"data_batch_{i}" for i in range(1, 6))
_TEST = ("test_batch",)
_PIXELS = 32 * 32 * 3

Images = NDArray[Any]
Labels = NDArray[np.int64]


class DataFileError(ValueError):
    """A file of a dataset is damaged or is something else; the message names it."""


def load_cifar10(
    num_training: int = 49_000,
    num_validation: int = 1_000,
    num_test: int = 10_000,
    *,
    dtype: DTypeLike = np.uint8,
    folder: str | Path | None = None,
) -> tuple[Images, Labels, Images, Labels, Images, Labels]:
    """Load CIFAR-10, or part of it, downloading it first if it is not on this machine.

    Training images are the first of the 50,000 training images, validation images those that follow
    them, test images the first of the 10,000 test images. Only the files that hold them are read,
    one at a time: beyond what is returned, some 65 MB are in use meanwhile.

    Parameters
    ----------
    num_training, num_validation, num_test : int, default 49,000, 1,000 and 10,000
        How many images of each, as in the course.
    dtype : {uint8, float32}
        Of the images; values are 0 to 255 either way. All images take 184 MB as uint8 and 737 MB as
        float32.
    folder : path, optional
        Where the official files are; by default as :func:`cs231n_lib.downloads.fetch` finds or
        downloads them, offline where ``CS231N_DATA`` says.

    Returns
    -------
    X_train, y_train, X_val, y_val, X_test, y_test : ndarray
        Images (N, 32, 32, 3) in RGB, of `dtype`; labels (N,) int64, positions in
        :data:`CLASS_NAMES`.

    Raises
    ------
    ValueError
        If there are not so many images, or `dtype` is another.
    FileNotFoundError
        If a file is missing, or ``CS231N_DATA`` holds no CIFAR-10.
    DataFileError
        If a file is damaged.
    cs231n_lib.downloads.DownloadError
        If it is not on this machine and cannot be downloaded.
    """
    pixels = np.dtype(dtype)
    if pixels not in (np.dtype(np.uint8), np.dtype(np.float32)):
        raise ValueError(f"dtype must be uint8 or float32, got {pixels}")
    counts = {"training": num_training, "validation": num_validation, "test": num_test}
    for split, number in counts.items():
        if number < 0:
            raise ValueError(f"num_{split} must be 0 or more, got {number}")
    if folder is None:
        # Imported late: reading a folder that was passed needs no network client.
        from cs231n_lib.downloads import fetch

        folder = fetch("cifar10")
    path = Path(folder)
    X_train, y_train, X_val, y_val = _read_slices(
        path, _TRAINING, (num_training, num_validation), pixels
    )
    X_test, y_test = _read_slices(path, _TEST, (num_test,), pixels)
    return X_train, y_train, X_val, y_val, X_test, y_test


def read_batch(path: str | Path) -> tuple[NDArray[np.uint8], Labels]:
    """Read one official file, such as ``data_batch_1``.

    Parameters
    ----------
    path : path
        The file.

    Returns
    -------
    (N, 3072) uint8 array, (N,) int64 array
        Images, a row of 1024 red, 1024 green and 1024 blue values each, and labels.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    DataFileError
        If it is not such a file, is damaged, or would build anything but arrays of numbers.
    """
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"the CIFAR-10 file {path} is missing: download the data again")
    try:
        with path.open("rb") as file:
            content = _ArrayUnpickler(file, encoding="bytes").load()
    except Exception as error:
        # A damaged pickle can fail in any way at all.
        raise DataFileError(f"{path} is no CIFAR-10 file, or is damaged: {error}") from error
    content = content if isinstance(content, dict) else {}
    images, labels = content.get(b"data"), content.get(b"labels")
    if (
        not isinstance(images, np.ndarray)
        or images.dtype != np.uint8
        or images.shape[1:] != (_PIXELS,)
        or not isinstance(labels, list)
        or len(labels) != len(images)
        or not all(isinstance(label, int) and 0 <= label < 10 for label in labels)
    ):
        raise DataFileError(
            f"{path} is no CIFAR-10 file: expected b'data', uint8 of shape (N, {_PIXELS}), and "
            "b'labels', N numbers from 0 to 9"
        )
    return images, np.array(labels, dtype=np.int64)


class _ArrayUnpickler(pickle.Unpickler):
    """Builds arrays of numbers; refuses any other object by name."""

    def find_class(self, module: str, name: str) -> Any:
        # NumPy 2 renamed numpy.core to numpy._core.
        allowed: dict[tuple[str, str], Any] = {
            ("numpy.core.multiarray", "_reconstruct"): _reconstruct,
            ("numpy", "ndarray"): _NDARRAY,
            ("numpy", "dtype"): np.dtype,
            ("_codecs", "encode"): _encode,
        }
        try:
            return allowed[module.replace("numpy._core", "numpy.core"), name]
        except KeyError:
            message = f"it would build {module}.{name}, which is not allowed"
            raise pickle.UnpicklingError(message) from None


# Stands for the class in a pickle: it can be passed to _reconstruct, but not called.
_NDARRAY = object()


def _reconstruct(kind: object, shape: object, typecode: object) -> NDArray[Any]:
    """Return the empty array that NumPy's pickles fill with their next instruction."""
    if kind is not _NDARRAY:
        raise pickle.UnpicklingError("it would build something other than an array")
    return np.empty(0, np.uint8)


def _encode(text: str, encoding: str) -> bytes:
    """Return what Python 3 wrote as text because protocol 2 has no bytes."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"it would decode {encoding!r}, which is not allowed")
    return text.encode("latin1")


def _read_slices(
    folder: Path, files: tuple[str, ...], counts: tuple[int, ...], dtype: np.dtype[Any]
) -> tuple[Any, ...]:
    """Return images and labels of consecutive slices of what some files hold, in turn."""
    images = [np.empty((n, 32, 32, 3), dtype) for n in counts]
    labels = [np.empty(n, np.int64) for n in counts]
    ends = np.cumsum(counts)
    position = 0
    for file in files:
        if position >= ends[-1]:
            break
        rows, classes = read_batch(folder / file)
        pictures = rows.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
        for k, end in enumerate(ends):
            start = end - counts[k]
            low, high = max(start, position), min(end, position + len(rows))
            if low < high:
                images[k][low - start : high - start] = pictures[low - position : high - position]
                labels[k][low - start : high - start] = classes[low - position : high - position]
        position += len(rows)
        # Or it would stay in memory while the next file is read.
        del rows, pictures
    if position < ends[-1]:
        raise ValueError(f"{folder} holds {position} such images, but {ends[-1]} were asked for")
    return tuple(array for pair in zip(images, labels, strict=True) for array in pair)
