from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

from autograder.course import Exercise
from autograder.errors import CourseError
from autograder.text import NotebookText, defined_names, solution_part


def read(folder: Path, text: str) -> NotebookText:
    path = folder / "notebook.py"
    path.write_text(text, encoding="utf-8")
    return NotebookText.read(path, "task")


def test_cells_are_told_apart_by_their_metadata(tiny: Exercise) -> None:
    kinds = [(cell.kind, cell.name, cell.points) for cell in tiny.text.cells]
    assert kinds == [
        ("text", "top-1", 0),
        ("given", "top-2", 0),
        ("solution", "row_means", 0),
        ("check", "check_row_means", 5),
        ("solution", "centre", 0),
        ("check", "check_centre", 4),
        ("demo", "check_centre-1", 0),
        ("text", "ask_why", 0),
        ("question", "question_why", 2),
    ]
    assert [c.name for c in tiny.text.definition_cells] == ["top-2", "row_means", "centre"]
    assert [c.name for c in tiny.text.of_kind("check")] == ["check_row_means", "check_centre"]


def test_reading_twice_gives_the_same_notebook_with_valid_ids(tiny: Exercise) -> None:
    again = NotebookText.read(tiny.text.path, "mean")
    assert nbformat.writes(again.notebook) == nbformat.writes(tiny.text.notebook)
    assert again.sha256 == tiny.text.sha256
    nbformat.validate(again.notebook)
    ids = [cell["id"] for cell in again.notebook.cells]
    assert len(set(ids)) == len(ids)
    assert all(re.fullmatch("[a-zA-Z0-9-_]{1,64}", id_) for id_ in ids)
    assert again.notebook.metadata["kernelspec"]["name"] == "python3"
    assert "jupytext" not in again.notebook.metadata


def test_an_id_depends_on_what_stands_before_and_on_nothing_after(
    tmp_path: Path, make: Any
) -> None:
    cells = [
        {"kind": "text", "source": "# Title"},
        make.solution("f", "def f():\n    return 1"),
        {"kind": "given", "source": "x = 1"},
    ]
    short = read(tmp_path, make.percent(cells))
    long = read(tmp_path, make.percent([*cells, {"kind": "text", "source": "more"}]))
    names = [cell["id"] for cell in long.notebook.cells]
    assert names == ["top-1", "f", "f-1", "f-2"]
    assert [cell["id"] for cell in short.notebook.cells] == names[:3]


def test_long_and_odd_names_make_valid_ids(tmp_path: Path, make: Any) -> None:
    names = ["f" * 80, "f" * 79 + "g", "naïve function"]
    cells = [make.solution(name, "def f():\n    return 1") for name in names]
    text = read(tmp_path, make.percent(cells))
    ids = [cell["id"] for cell in text.notebook.cells]
    assert len(set(ids)) == 3
    assert all(re.fullmatch("[a-zA-Z0-9-_]{1,64}", id_) for id_ in ids)
    assert [cell.name for cell in text.cells] == names
    nbformat.validate(text.notebook)


def test_two_cells_of_one_name_are_refused(tmp_path: Path, make: Any) -> None:
    cells = [make.solution("f", "def f():\n    return 1")] * 2
    with pytest.raises(CourseError, match="task: two cells are called 'f'"):
        read(tmp_path, make.percent(cells))


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notebook.py").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CourseError, match=r"notebook\.py"):
        NotebookText.read(tmp_path / "notebook.py", "task")


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        (
            "def f():\n    ### BEGIN SOLUTION\n    a\n    b\n    ### END SOLUTION",
            ["    a", "    b"],
        ),
        (
            "### BEGIN SOLUTION\na\n### END SOLUTION\nx\n  ### BEGIN SOLUTION\nb\n### END SOLUTION",
            ["a", "b"],
        ),
        ("### BEGIN SOLUTION\n### END SOLUTION", []),
    ],
)
def test_the_solution_stands_between_its_marks(source: str, lines: list[str]) -> None:
    assert solution_part(source) == lines


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("def f(): pass", "needs its part between"),
        ("### BEGIN SOLUTION\na", "needs its part between"),
        ("a\n### END SOLUTION", "never began"),
        ("### BEGIN SOLUTION\n### BEGIN SOLUTION\n### END SOLUTION", "inside a solution"),
    ],
)
def test_marks_come_in_pairs(source: str, words: str) -> None:
    with pytest.raises(CourseError, match=words):
        solution_part(source)


def test_the_names_that_a_cell_defines() -> None:
    source = "import x\ndef f():\n    def inner(): pass\nclass C:\n    def m(self): pass\ny = 1"
    assert defined_names(source) == ["f", "C"]
