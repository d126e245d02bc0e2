"""The loader, on the official layout with small made-up batches."""

from __future__ import annotations

import os
import pickle
import struct

import numpy as np
import pytest

from cs231n_lib.cifar10 import CLASS_NAMES, DataFileError, load_cifar10, read_batch

PER_FILE = 20


def python2_pickle(images, labels, core="numpy.core"):
    """Write a batch one instruction at a time, as Python 2 and NumPy 1 wrote the official ones."""
    rows = images.transpose(0, 3, 1, 2).reshape(len(images), -1)

    def text(value):
        raw = value.encode() if isinstance(value, str) else value
        return b"T" + struct.pack("<i", len(raw)) + raw

    def number(value):
        return b"J" + struct.pack("<i", value)

    array = (
        f"c{core}.multiarray\n_reconstruct\n".encode()
        + b"cnumpy\nndarray\n" + number(0) + b"\x85" + text("b") + b"\x87R"
        + b"(" + number(1) + number(rows.shape[0]) + number(rows.shape[1]) + b"\x86"
        + b"cnumpy\ndtype\n" + text("u1") + number(0) + number(1) + b"\x87R"
        + b"(" + number(3) + text("|") + b"NNN" + number(-1) + number(-1) + number(0) + b"tb"
        + b"\x89" + text(rows.tobytes()) + b"tb"
    )  # fmt: skip
    listed = b"](" + b"".join(number(int(v)) for v in labels) + b"e"
    return (
        b"\x80\x02}(" + text("batch_label") + text("training batch") + text("labels") + listed
        + text("data") + array + text("filenames") + b"](" + text("a.png") + b"eu."
    )  # fmt: skip


@pytest.fixture
def truth(rng):
    images = rng.integers(0, 256, (6 * PER_FILE, 32, 32, 3)).astype(np.uint8)
    return images, rng.integers(0, 10, 6 * PER_FILE)


@pytest.fixture
def folder(tmp_path, truth):
    """The six files: five training batches and the test batch, in two spellings of NumPy's name."""
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    names = [f"data_batch_{i}" for i in range(1, 6)] + ["test_batch"]
    for i, name in enumerate(names):
        part = slice(i * PER_FILE, (i + 1) * PER_FILE)
        core = "numpy._core" if i % 2 else "numpy.core"
        (folder / name).write_bytes(python2_pickle(truth[0][part], truth[1][part], core))
    return folder


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_images_and_labels(folder, truth, dtype):
    loaded = load_cifar10(73, 17, 11, dtype=dtype, folder=folder)
    images, labels = truth
    for (X, y), part in zip(
        (loaded[:2], loaded[2:4], loaded[4:]),
        (slice(73), slice(73, 90), slice(100, 111)),
        strict=True,
    ):
        assert X.dtype == dtype
        assert y.dtype == np.int64
        assert X.flags.c_contiguous
        np.testing.assert_array_equal(X, images[part])
        np.testing.assert_array_equal(y, labels[part])


def test_arrays_are_the_caller_s_own(folder):
    X = load_cifar10(5, 0, 0, folder=folder)[0]
    X[...] = 0
    assert load_cifar10(5, 0, 0, folder=folder)[0].any()


def test_only_the_files_needed_are_read(folder):
    for name in ("data_batch_3", "data_batch_4", "data_batch_5", "test_batch"):
        (folder / name).unlink()
    X, _, X_val, _, X_test, _ = load_cifar10(PER_FILE, PER_FILE, 0, folder=folder)
    assert (len(X), len(X_val), len(X_test)) == (PER_FILE, PER_FILE, 0)
    with pytest.raises(FileNotFoundError, match="data_batch_3 is missing"):
        load_cifar10(PER_FILE, PER_FILE + 1, 0, folder=folder)


def test_more_than_there_is(folder):
    with pytest.raises(ValueError, match="holds 100 such images, but 101 were asked for"):
        load_cifar10(100, 1, 0, folder=folder)


def test_bad_arguments(folder):
    with pytest.raises(ValueError, match="num_test must be 0 or more"):
        load_cifar10(1, 1, -1, folder=folder)
    with pytest.raises(ValueError, match="dtype must be uint8 or float32, got float64"):
        load_cifar10(1, 1, 1, dtype=float, folder=folder)


@pytest.mark.parametrize("inside", [True, False])
def test_offline(folder, monkeypatch, inside):
    monkeypatch.setenv("CS231N_DATA", str(folder if inside else folder.parent))
    assert len(load_cifar10(3, 0, 0)[0]) == 3


def test_offline_but_not_there(monkeypatch, tmp_path):
    monkeypatch.setenv("CS231N_DATA", str(tmp_path))
    with pytest.raises(FileNotFoundError, match=r"CS231N_DATA is .* but there is neither"):
        load_cifar10(1, 0, 0)


class Exploit:
    def __init__(self, call, *args):
        self.call, self.args = call, args

    def __reduce__(self):
        return self.call, self.args


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize(
    "content",
    [
        Exploit(os.system, "touch harmed"),
        {b"data": Exploit(eval, "open('harmed', 'w')"), b"labels": [1]},
        {b"data": Exploit(np.load, "file.npy"), b"labels": [1]},
        {b"data": Exploit(np.ndarray, (1,)), b"labels": [1]},
    ],
    ids=["system", "eval", "load", "ndarray"],
)
def test_pickles_that_would_run_code(tmp_path, monkeypatch, content, protocol):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "batch").write_bytes(pickle.dumps(content, protocol))
    with pytest.raises(DataFileError, match="batch is no CIFAR-10 file, or is damaged"):
        read_batch(tmp_path / "batch")
    assert not (tmp_path / "harmed").exists()


def test_codecs_are_no_way_out(tmp_path):
    import _codecs

    (tmp_path / "batch").write_bytes(pickle.dumps(Exploit(_codecs.encode, "x", "zip"), 2))
    with pytest.raises(DataFileError, match="not allowed"):
        read_batch(tmp_path / "batch")


@pytest.mark.parametrize(
    "content",
    [
        [1, 2],
        {b"labels": [1]},
        {b"data": np.zeros((1, 3072), np.uint8)},
        {b"data": np.zeros((1, 3072)), b"labels": [1]},
        {b"data": np.zeros((1, 3071), np.uint8), b"labels": [1]},
        {b"data": np.zeros((1, 3072), np.uint8), b"labels": [10]},
        {b"data": np.zeros((1, 3072), np.uint8), b"labels": [1, 2]},
        {b"data": np.zeros((1, 3072), np.uint8), b"labels": ["1"]},
    ],
)
def test_files_that_are_something_else(tmp_path, content):
    (tmp_path / "batch").write_bytes(pickle.dumps(content, 2))
    with pytest.raises(DataFileError, match="batch is no CIFAR-10 file: expected"):
        read_batch(tmp_path / "batch")


def test_cut_short(folder):
    path = folder / "data_batch_1"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(DataFileError, match="data_batch_1 is no CIFAR-10 file, or is damaged"):
        load_cifar10(1, 0, 0, folder=folder)


def test_python3_pickles_of_the_same_layout(tmp_path, truth):
    rows = truth[0][:4].transpose(0, 3, 1, 2).reshape(4, -1)
    content = {b"data": rows, b"labels": [int(v) for v in truth[1][:4]]}
    (tmp_path / "batch").write_bytes(pickle.dumps(content, 2))
    np.testing.assert_array_equal(read_batch(tmp_path / "batch")[0], rows)


def test_class_names():
    assert len(set(CLASS_NAMES)) == 10
