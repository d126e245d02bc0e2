from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from autograder.course import Course
from autograder.errors import UserError
from autograder.sandbox import Mechanism
from autograder.single import grade_file


@pytest.fixture
def course(unbuilt_root: Path) -> Course:
    return Course(unbuilt_root)


def test_a_file_is_known_by_its_name_or_its_cells_or_as_told(
    course: Course, mechanism: Mechanism, handin: Any, tmp_path: Path
) -> None:
    for name, exercise in (("mean", None), ("mean (1)", None), ("x", "t1/mean"), ("x", "t1/mean/")):
        path = tmp_path / f"{name}.ipynb"
        path.write_bytes(handin())
        report = grade_file(course, path, exercise, mechanism)
        assert (report.exercise, report.student, report.points) == ("t1/mean", "you", 9)


def test_inputs_are_drawn_anew_each_time(
    course: Course, mechanism: Mechanism, handin: Any, tmp_path: Path
) -> None:
    path = tmp_path / "mean.ipynb"
    path.write_bytes(handin())
    seeds = {grade_file(course, path, None, mechanism).grader["seed"] for _ in range(2)}
    assert len(seeds) == 2
    assert not (course.root / ".autograder-secret").exists()


def test_what_cannot_be_read_has_a_report(
    course: Course, mechanism: Mechanism, tmp_path: Path
) -> None:
    path = tmp_path / "mean.ipynb"
    path.write_bytes(b"no notebook")
    report = grade_file(course, path, None, mechanism)
    assert "not JSON" in (report.problem or "")
    assert report.points == 0


@pytest.mark.parametrize(
    ("content", "exercise", "words"),
    [
        (None, None, "There is no file"),
        (b"{}", None, r"Which exercise is x\.ipynb\? Say --exercise, one of t1/mean\."),
        (b"[" * 9999, None, "Which exercise is"),
        (json.dumps({"cells": [None, {"metadata": 3}, {"metadata": {"nbgrader": 4}}]}).encode(),
         None, "Which exercise is"),
        (b"{}", "t1/no", "There is no exercise 't1/no'"),
        (b"{}", "t9", "There is no assignment 't9'"),
    ],
)  # fmt: skip
def test_no_telling_which_exercise_is_told(
    course: Course, tmp_path: Path, content: Any, exercise: Any, words: str
) -> None:
    path = tmp_path / "x.ipynb"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=words):
        grade_file(course, path, exercise, None)  # type: ignore[arg-type]


def test_an_assignment_of_several_exercises_is_not_one(
    course: Course, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.ipynb"
    path.write_bytes(b"{}")
    (only,) = course.select(None)
    monkeypatch.setattr(course, "select", lambda target: (only, only))
    with pytest.raises(
        UserError, match="--exercise names one exercise such as a1/softmax, got 't1'"
    ):
        grade_file(course, path, "t1", None)  # type: ignore[arg-type]
