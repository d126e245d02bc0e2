"""The course's own dataset: labelled images from fixed seeds, kept in the user's cache folder."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from cs231n_lib.paths import cache_folder
from cs231n_lib.scenes.arguments import check_count
from cs231n_lib.scenes.classification import make_classification

__all__ = ["VERSION", "load_scenes"]

Labelled: TypeAlias = tuple[NDArray[np.uint8], NDArray[np.int64]]

# Raised whenever the drawing changes, so that nobody's cache serves the pictures of before.
VERSION = 4

# Images are drawn, stored and loaded in blocks with a seed each, so that a few cost little.
_BLOCK = 1000
_CHECKSUM_BYTES = 16
_SPLITS = {"training": 0, "validation": 1, "test": 2}


def load_scenes(
    num_training: int = 10_000, num_validation: int = 1_000, num_test: int = 1_000
) -> tuple[
    NDArray[np.uint8],
    NDArray[np.int64],
    NDArray[np.uint8],
    NDArray[np.int64],
    NDArray[np.uint8],
    NDArray[np.int64],
]:
    """Load the ``scenes`` dataset, drawing on first use whatever is not in the cache yet.

    The images come from fixed seeds and are the same on every machine; a smaller number gives the
    first of those that a larger number gives. Each thousand images contains every class equally
    often. The first call takes seconds and leaves files in the cache folder (``CS231N_CACHE`` if
    set, else the operating system's usual place); a damaged file there is drawn again, and a folder
    that cannot be written to only costs the time next time.

    Parameters
    ----------
    num_training, num_validation, num_test : int, default 10,000, 1,000 and 1,000
        Number of images of each split, at least zero, without upper limit. Only the needed blocks
        of a thousand are drawn or read.

    Returns
    -------
    X_train, y_train, X_val, y_val, X_test, y_test : ndarray
        Images, uint8 RGB of shape ``(N, 32, 32, 3)``, and labels, int64 indices into
        ``CLASS_NAMES`` of shape ``(N,)``.

    Raises
    ------
    TypeError
        If a number is no whole number.
    ValueError
        If a number is negative.
    """
    numbers = {"training": num_training, "validation": num_validation, "test": num_test}
    numbers = {split: check_count(numbers[split], f"num_{split}") for split in numbers}
    wanted = {split: range(-(-number // _BLOCK)) for split, number in numbers.items()}
    jobs = [(split, index) for split, indices in wanted.items() for index in indices]
    # NumPy lets go of the interpreter lock in its loops, so threads share the drawing.
    with ThreadPoolExecutor(max_workers=min(4, os.cpu_count() or 1)) as pool:
        blocks = dict(zip(jobs, pool.map(lambda job: _load_block(*job), jobs), strict=True))
    X_train, y_train = _join(blocks, "training", numbers["training"])
    X_val, y_val = _join(blocks, "validation", numbers["validation"])
    X_test, y_test = _join(blocks, "test", numbers["test"])
    return X_train, y_train, X_val, y_val, X_test, y_test


def _join(blocks: dict[tuple[str, int], Labelled], split: str, number: int) -> Labelled:
    """Copy the first ``number`` images and labels of a split out of its blocks."""
    images = np.empty((number, 32, 32, 3), dtype=np.uint8)
    labels = np.empty(number, dtype=np.int64)
    for start in range(0, number, _BLOCK):
        block_images, block_labels = blocks[split, start // _BLOCK]
        stop = min(start + _BLOCK, number)
        images[start:stop] = block_images[: stop - start]
        labels[start:stop] = block_labels[: stop - start]
    return images, labels


def _load_block(split: str, index: int) -> Labelled:
    """Read a block from the cache, or draw and cache it."""
    path = cache_folder() / f"scenes-{VERSION}-{split}-{index:03d}.npz"
    block = _read(path)
    if block is None:
        seed = np.random.SeedSequence((231, _SPLITS[split], index))
        block = make_classification(_BLOCK, np.random.Generator(np.random.PCG64(seed)))
        _write(path, block)
    return block


def _read(path: Path) -> Labelled | None:
    """Read a cached block; None if there is none or it is not what was written."""
    try:
        content = path.read_bytes()
    except OSError:
        return None
    archive, checksum = content[:-_CHECKSUM_BYTES], content[-_CHECKSUM_BYTES:]
    if checksum != _checksum(archive):
        return None
    with np.load(io.BytesIO(archive), allow_pickle=False) as arrays:
        return arrays["images"], arrays["labels"]


def _write(path: Path, block: Labelled) -> None:
    """Write a block so that readers see all of it or nothing; do without where that fails."""
    archive = io.BytesIO()
    np.savez(archive, images=block[0], labels=block[1])
    partial = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}.partial")
    # A full or read-only disk is no error: the images are at hand all the same.
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            partial.write_bytes(archive.getvalue() + _checksum(archive.getvalue()))
            partial.replace(path)
        finally:
            partial.unlink(missing_ok=True)


def _checksum(archive: bytes) -> bytes:
    """Compute what follows the archive in a cached file: readers of ``.npz`` take no notice of it.

    The archive has checksums of its own, but not of everything, and NumPy fails in many ways on
    what they leave out.
    """
    return hashlib.blake2b(archive, digest_size=_CHECKSUM_BYTES).digest()
