from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cs231n_lib.scenes import load_scenes, store

BLOCK = 20


@pytest.fixture(autouse=True)
def _small_blocks(monkeypatch, tmp_path):
    monkeypatch.setattr(store, "_BLOCK", BLOCK)
    monkeypatch.setenv("CS231N_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def drawn(monkeypatch) -> list[int]:
    """Notes every block that is drawn."""
    blocks: list[int] = []
    make = store.make_classification

    def noting(num, rng):
        blocks.append(num)
        return make(num, rng)

    monkeypatch.setattr(store, "make_classification", noting)
    return blocks


def files(tmp_path):
    return sorted(path.name for path in (tmp_path / "cache").iterdir())


def test_shapes_types_and_splits():
    arrays = load_scenes(50, 30, 20)
    assert [len(array) for array in arrays] == [50, 50, 30, 30, 20, 20]
    for images, labels in zip(arrays[::2], arrays[1::2], strict=True):
        assert images.dtype == np.uint8
        assert images.shape[1:] == (32, 32, 3)
        assert labels.dtype == np.int64
    pictures = np.concatenate(arrays[::2]).reshape(100, -1)
    assert len(np.unique(pictures, axis=0)) == 100


def test_the_second_call_reads_what_the_first_drew(drawn, tmp_path):
    first = load_scenes(40, 20, 20)
    assert drawn == [BLOCK] * 4
    assert len(files(tmp_path)) == 4
    second = load_scenes(40, 20, 20)
    assert drawn == [BLOCK] * 4
    for one, two in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_few_images_are_the_first_of_many_and_cost_little(drawn):
    few = load_scenes(5, 3, 0)
    assert len(drawn) == 2
    many = load_scenes(45, 25, 20)
    for one, two in zip(few, many, strict=True):
        np.testing.assert_array_equal(one, two[: len(one)])


def test_the_files_are_ordinary_archives(tmp_path):
    images, labels, *_ = load_scenes(BLOCK, 0, 0)
    (path,) = (tmp_path / "cache").iterdir()
    with np.load(path) as arrays:
        np.testing.assert_array_equal(arrays["images"], images)
        np.testing.assert_array_equal(arrays["labels"], labels)


def test_a_folder_in_the_place_of_the_file_is_no_error(tmp_path, drawn):
    load_scenes(BLOCK, 0, 0)
    (path,) = (tmp_path / "cache").iterdir()
    path.unlink()
    path.mkdir()
    assert load_scenes(BLOCK, 0, 0)[0].any()
    assert len(drawn) == 2


def test_none_cost_nothing(drawn):
    assert [len(array) for array in load_scenes(0, 0, 0)] == [0] * 6
    assert drawn == []


def test_what_is_returned_is_the_callers_own():
    first = load_scenes(BLOCK, 0, 0)[0]
    first[:] = 0
    assert load_scenes(BLOCK, 0, 0)[0].any()


def damage_truncated(path):
    path.write_bytes(path.read_bytes()[:1000])


def damage_flipped(path):
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 255
    path.write_bytes(content)


def damage_empty(path):
    path.write_bytes(b"")


def damage_text(path):
    path.write_text("no archive")


def damage_checksum(path):
    path.write_bytes(path.read_bytes()[:-1] + b"!")


def damage_archive(path):
    """Put another archive in its place, whole in itself."""
    np.savez(path, images=np.zeros((BLOCK, 16, 16, 3), np.uint8), labels=np.zeros(BLOCK, np.int64))


@pytest.mark.parametrize(
    "damage",
    [
        damage_truncated,
        damage_flipped,
        damage_empty,
        damage_text,
        damage_checksum,
        damage_archive,
    ],
)
def test_a_damaged_file_is_drawn_again(drawn, tmp_path, damage):
    whole = load_scenes(BLOCK, 0, 0)
    (path,) = (tmp_path / "cache").iterdir()
    damage(path)
    again = load_scenes(BLOCK, 0, 0)
    np.testing.assert_array_equal(whole[0], again[0])
    np.testing.assert_array_equal(whole[1], again[1])
    assert len(drawn) == 2
    load_scenes(BLOCK, 0, 0)
    assert len(drawn) == 2, "the file was not mended"


def test_a_cache_that_cannot_be_written_is_no_error(monkeypatch, tmp_path, drawn):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("CS231N_CACHE", str(tmp_path / "file" / "cache"))
    assert load_scenes(BLOCK, 0, 0)[0].any()
    assert load_scenes(BLOCK, 0, 0)[0].any()
    assert len(drawn) == 2


def test_a_write_that_fails_half_way_leaves_nothing(monkeypatch, tmp_path):
    def full(path, content):
        with path.open("wb") as file:
            file.write(content[:1000])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    assert load_scenes(BLOCK, 0, 0)[0].any()
    assert files(tmp_path) == []


def test_another_version_has_files_of_its_own(monkeypatch, drawn):
    load_scenes(BLOCK, 0, 0)
    monkeypatch.setattr(store, "VERSION", store.VERSION + 1)
    load_scenes(BLOCK, 0, 0)
    assert len(drawn) == 2


@pytest.mark.parametrize("split", ["num_training", "num_validation", "num_test"])
def test_a_wrong_number_is_named(split):
    with pytest.raises(ValueError, match=rf"expected {split} of at least 0, got -2"):
        load_scenes(**{split: -2})
    with pytest.raises(TypeError, match=rf"expected {split} to be a whole number, got 1\.5"):
        load_scenes(**{split: 1.5})


def test_processes_may_draw_at_the_same_time(tmp_path):
    code = (
        "import hashlib; from cs231n_lib.scenes import store; store._BLOCK = 20\n"
        "print(hashlib.sha256(store.load_scenes(60, 0, 0)[0].tobytes()).hexdigest())"
    )
    runs = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    digests = {run.communicate(timeout=60)[0] for run in runs}
    assert [run.returncode for run in runs] == [0, 0, 0]
    assert len(digests) == 1
    assert len(files(tmp_path)) == 3
