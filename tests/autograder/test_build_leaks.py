from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from autograder.build.leaks import find_leaks, secret_lines
from autograder.course import Exercise

ALLOWED = {"mean.ipynb", "README.md"}


@pytest.fixture
def secret(tiny: Exercise) -> set[str]:
    return secret_lines([tiny])


@pytest.fixture
def release(tmp_path: Path, handin: Any) -> Callable[..., list[Path]]:
    """Write a clean release with one thing changed, and return its files."""

    def write(change: Callable[[dict[str, Any]], None] | None = None, **files: str) -> list[Path]:
        stub = 'def row_means(X):\n    raise NotImplementedError("row_means is not written yet")'
        content = json.loads(handin(row_means=stub, centre="pass", question_why="YOUR ANSWER HERE"))
        for i, cell in enumerate(content["cells"]):
            cell["id"] = f"c{i}"
        if change is not None:
            change(content)
        (tmp_path / "mean.ipynb").write_text(json.dumps(content))
        for name, text in {"README_md": "# Welcome\n", **files}.items():
            (tmp_path / name.replace("_", ".")).write_text(text)
        return sorted(tmp_path.iterdir())

    return write


def test_secret_are_solutions_answers_and_hidden_files_but_no_public_lines(
    secret: set[str],
) -> None:
    assert "total = X.sum(axis=1)" in secret
    assert "return total / X.shape[1]" in secret
    assert "The mean times the number of entries is their sum, so taking it off each entry" not in (
        secret
    )
    assert any(line.startswith("The mean times the number") for line in secret)
    assert any(line.startswith("X = rng.normal(3.0") for line in secret)
    assert any("float(x) for x in row" in line for line in secret)
    assert "import numpy as np" not in secret
    assert "def row_means(X):" not in secret
    assert '"""Return the mean of each row of X, shape (N, D) -> (N,)."""' not in secret


def test_a_clean_release_has_no_leak(release: Callable[..., list[Path]], secret: set[str]) -> None:
    assert find_leaks(release(), secret, ALLOWED) == []


def first(content: dict[str, Any]) -> dict[str, Any]:
    return content["cells"][0]


LEAKS = {
    "a solution's line": lambda c: first(c).update(source="x = 1\n    total = X.sum(axis=1)  "),
    "a line in a list": lambda c: first(c).update(
        source=["import os\n", "total = X.sum(axis=1)\n"]
    ),
    "an answer": lambda c: first(c).update(
        cell_type="markdown",
        source="The mean times the number of entries is their sum, so taking it off each entry "
        "leaves nothing.",
    ),
    "an oracle's line": lambda c: first(c).update(
        source="return np.array([sum(float(x) for x in row) / len(row) for row in X])"
    ),
    "a mark": lambda c: first(c).update(source="### BEGIN SOLUTION"),
    "an end": lambda c: first(c).update(source="# ## END SOLUTION"),
    "hidden tests": lambda c: first(c).update(source="### BEGIN HIDDEN TESTS\nassert 1"),
    "a mark scheme": lambda c: first(c).update(source="=== BEGIN MARK SCHEME ==="),
    "the engine": lambda c: first(c).update(source="from autograder.authoring import check"),
    "outputs": lambda c: first(c).update(
        outputs=[{"output_type": "stream", "name": "stdout", "text": "42"}]
    ),
    "a count": lambda c: first(c).update(execution_count=3),
    "a line in metadata": lambda c: first(c)["metadata"].update(note="total = X.sum(axis=1)"),
    "a line in the notebook's metadata": lambda c: c["metadata"].update(
        notes={"a": ["total = X.sum(axis=1)"]}
    ),
    "a mark in an attachment": lambda c: first(c).update(
        attachments={"a.txt": {"text/plain": "### BEGIN SOLUTION"}}
    ),
}


@pytest.mark.parametrize("kind", LEAKS)
def test_each_kind_of_leak_is_found(
    release: Callable[..., list[Path]], secret: set[str], kind: str
) -> None:
    leaks = find_leaks(release(LEAKS[kind]), secret, ALLOWED)
    assert leaks
    assert all(leak.startswith("mean.ipynb") for leak in leaks)


def test_a_leak_in_the_handout_and_a_file_too_many_are_found(
    release: Callable[..., list[Path]], secret: set[str]
) -> None:
    files = release(README_md="Hint:\n\n    return total / X.shape[1]\n", checks_py="x = 1")
    leaks = find_leaks(files, secret, ALLOWED)
    assert leaks == [
        "README.md holds the hidden line 'return total / X.shape[1]'.",
        "checks.py is no file for students.",
    ]


def test_a_file_that_is_no_text_is_told(
    release: Callable[..., list[Path]], secret: set[str]
) -> None:
    files = release()
    (files[0].parent / "README.md").write_bytes(b"\xff\xfe\x00")
    (leak,) = find_leaks(files, secret, ALLOWED)
    assert "README.md" in leak
