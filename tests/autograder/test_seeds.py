from __future__ import annotations

import itertools
import re
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from autograder.errors import UserError
from autograder.seeds import SECRET_FILE, check_rng, course_secret, seed_name


def test_the_secret_is_made_once_and_kept_from_others(tmp_path: Path) -> None:
    secret = course_secret(tmp_path)
    assert len(secret) == 32
    assert course_secret(tmp_path) == secret
    assert stat.S_IMODE((tmp_path / SECRET_FILE).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == [SECRET_FILE]
    other = tmp_path / "other"
    other.mkdir()
    assert course_secret(other) != secret


@pytest.mark.parametrize("content", ["", "abc", "z" * 64, "a" * 63 + "\n", "ü" * 32])
def test_a_secret_that_is_none_is_told_and_left_alone(tmp_path: Path, content: str) -> None:
    (tmp_path / SECRET_FILE).write_text(content, encoding="utf-8")
    with pytest.raises(UserError, match="64 hexadecimal digits"):
        course_secret(tmp_path)
    assert (tmp_path / SECRET_FILE).read_text(encoding="utf-8") == content


def test_a_secret_that_cannot_be_kept_is_told(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot be kept"):
        course_secret(tmp_path / "nowhere")
    (tmp_path / SECRET_FILE).mkdir()
    with pytest.raises(UserError):
        course_secret(tmp_path)


def test_two_graders_that_start_together_agree(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: course_secret(tmp_path), range(16)))
    assert len(set(found)) == 1


def test_inputs_are_reproducible_and_differ_by_everything_they_depend_on() -> None:
    def draw(*parts: str, secret: bytes = b"s") -> float:
        return float(check_rng(secret, *parts).normal())

    assert draw("ada", "a1/knn", "c") == draw("ada", "a1/knn", "c")
    seeds = [
        draw("ada", "a1/knn", "c"),
        draw("bob", "a1/knn", "c"),
        draw("ada", "a1/svm", "c"),
        draw("ada", "a1/knn", "d"),
        draw("ada", "a1/knn", "c", secret=b"t"),
        draw("adaa", "1/knn", "c"),
        draw("", "adaa1/knn", "c"),
        draw("ada", "a1/knnc", ""),
        draw("ad\udcffa", "a1/knn", "c"),
    ]
    assert len(set(seeds)) == len(seeds)


def test_the_name_of_a_seed_tells_students_apart_and_is_no_seed() -> None:
    names = {
        seed_name(secret, student, exercise)
        for secret, student, exercise in itertools.product((b"s", b"t"), ("a", "b"), ("x", "y"))
    }
    assert len(names) == 8
    assert all(re.fullmatch("[0-9a-f]{16}", name) for name in names)
